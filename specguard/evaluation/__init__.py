"""Trying a policy: expectations, sample repositories, and one canary a rule."""
