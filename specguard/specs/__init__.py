"""Specs: which there are, what their index and their own text say of them, and what governs what."""
