"""Rules about what agents write: artifacts, their sections, evidence and findings."""
