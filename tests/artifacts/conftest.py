"""Artifacts of a change in a real repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.artifacts import Artifacts
from specguard.artifacts.contracts import Contract
from specguard.change.tree import Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from specguard.artifacts.artifacts import Artifact
    from specguard.testing import Repository
    from specguard.testing.repository import Texts

Make = Callable[..., Artifacts]
Each = Callable[..., "list[tuple[str, Artifact]]"]


@pytest.fixture
def artifacts(repository: Repository, change: Any) -> Make:
    """Makes the artifacts of a change: what a commit on the branch `work` does on top of `main`."""

    def make(
        contracts: Mapping[str, Contract],
        files: Texts,
        *,
        base: Texts | None = None,
        delete: Iterable[str | bytes] = (),
        symlinks: Mapping[str, str] | None = None,
        whole: bool = False,
    ) -> Artifacts:
        repository.commit("chore: base", files=base or {})
        repository.branch("work")
        for path, target in (symlinks or {}).items():
            repository.symlink(path, target)
        repository.commit("feat: change", files=files, delete=delete)
        one = change(repository, base="main", head="work", all=whole)
        day, documents = date(2026, 1, 31), Documents(one.head_files)
        return Artifacts(
            contracts, change=one, documents=documents, today=lambda: day, now=lambda: datetime.now(UTC)
        )

    return make


@pytest.fixture
def each(artifacts: Make) -> Each:
    """Makes artifacts of one contract, one for each text."""

    def make(
        texts: Iterable[str], *, base: Texts | None = None, **settings: Any
    ) -> list[tuple[str, Artifact]]:
        contract, texts = Contract(path="*.md", **settings), list(texts)
        files = {f"{number:03}.md": text for number, text in enumerate(texts)}
        return list(zip(texts, artifacts({"final": contract}, files, base=base).all, strict=True))

    return make
