"""Agents' hooks: an event on standard input, and an answer in the agent's own dialect."""
