"""Where agents, editors and platforms meet the guard: hooks and servers."""
