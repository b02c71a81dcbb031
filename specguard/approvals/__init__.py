"""Approvals: their log, what they are bound to, who may give them, and whether they count."""
