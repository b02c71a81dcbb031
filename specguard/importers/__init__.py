"""Settings of other tools and folders, read for what they mean here."""
