"""The guard inside agents, editors and platforms: hooks and servers."""
