"""Rules about paths: what may change."""
