"""Rules about content: lines, scripts and CI files."""
