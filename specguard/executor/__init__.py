"""The executor: an agent works on one item in a separate place, and the run goes on only while rules pass."""
