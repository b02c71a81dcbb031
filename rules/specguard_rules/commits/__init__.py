"""Rules about commits: their number, form and messages."""
