"""The change that is judged: its sources, and its facts from git."""
