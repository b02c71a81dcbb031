"""A verdict as text, JSON and the formats of CI platforms."""
