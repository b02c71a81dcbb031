"""A language server: what is wrong in authority documents and artifacts, while they are written."""
