"""specguard: judges changes to a repository against its SPEC_AUTHORITY.md."""

__version__ = "0.1.0"
