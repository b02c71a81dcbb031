"""Rules about the policy itself."""
