"""The artifacts of a policy: what it requires of the documents of people and agents, and which they are."""
