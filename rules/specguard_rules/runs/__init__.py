"""Rules about runs, their records, and what they prove."""
