"""Plans: tasks with their dependencies, files and verification."""
