"""What comes before a run begins: its base, its item, its claim, and what must hold."""
