"""The place of a run: a disposable repository, its files, and what is watched around it."""
