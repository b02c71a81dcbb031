"""Rules about work items: which one a change implements."""
