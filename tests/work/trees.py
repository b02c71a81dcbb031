"""The tree of an item, for tests of what its document says."""

from collections.abc import Callable, Mapping

from specguard.change.tree import Tree
from specguard.work.document_search import Pointer
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind

Grow = Callable[[Mapping[str, str | bytes]], Tree]
"""The fixture `tree`: makes the tree of a commit with these files."""


def phase_12(tree: Grow, text: str, kind: WorkKind) -> WorkItem:
    """Phase 12 of a kind, whose document has this text."""
    return WorkItem(
        "phase",
        kind,
        id="12",
        number=12,
        given={"kind": "phase", "number": "12", "id": "12"},
        spare={},
        pointer=Pointer(path=None, tried=()),
        tree=tree({"phase-12.md": text}),
    )
