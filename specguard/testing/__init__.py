"""What a rule author tests with: real repositories, cases, and a rule's own examples."""

from __future__ import annotations

from specguard.testing.repository import GitError, Repository
from specguard.testing.stream import Step

__all__ = ["GitError", "Repository", "Step"]
