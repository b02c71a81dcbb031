"""A tree of a real repository, made of files, and the item of a document in it."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from specguard.change.git import Git
from specguard.change.tree import Tree
from specguard.testing import Repository
from specguard.work.document_search import Pointer
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind
from tests.changes import git_of

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


@pytest.fixture
def tree(repository: Repository) -> Iterator[Grow]:
    """Makes the tree of a commit with these files; what a repository has staged already is in it, too."""
    opened: list[Git] = []

    def grow(files: Mapping[str, str | bytes]) -> Tree:
        for path, content in files.items():
            repository.write(path, content)
        repository.stage()
        repository.git("commit", "-q", "--allow-empty", "-m", "base")
        git = git_of(repository)
        opened.append(git)
        return Tree(git, repository.oid("HEAD^{tree}"))

    yield grow
    for git in opened:
        git.close()
