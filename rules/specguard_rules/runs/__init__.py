"""Rules about runs, what they record, and what they prove."""
