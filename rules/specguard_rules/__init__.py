"""The rules and presets that ship with specguard, as a plugin of the kind that anyone can write."""
