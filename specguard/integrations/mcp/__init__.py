"""A server of the Model Context Protocol: agents ask, and nothing that they can ask for changes anything."""
