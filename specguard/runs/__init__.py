"""Runs: where they are kept, and what their manifests say."""
