"""A tree of a real repository, as the tests of work items have it."""

from tests.work.conftest import tree

__all__ = ["tree"]
