"""Rules about branches: their names, base and remote."""
