"""Specs: their documents, their index, and the paths that they govern."""
