"""Approvals: their log, the change that each is bound to, who may give them, and whether they count."""
