"""The executor: an agent works on one item in a place of its own, and goes on only while the rules pass."""
