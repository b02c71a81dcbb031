"""Agents, specs and worktrees of a status."""

from __future__ import annotations

from specguard.change.worktree import worktrees
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from specguard.artifacts.artifacts import Artifact
    from specguard.change.repository import Repository
    from specguard.engine.status.telling import Telling
    from specguard.specs.specs import Specs


def agents_data(telling: Telling) -> list[dict[str, Any]]:
    """Every agent by folder: active until it has left an artifact of each contract that names agents.

    Raises:
        MissingFact: something that must be read is not there.
    """
    artifacts = telling.fact("artifacts")
    if artifacts is None:
        return []
    from specguard.documents.dates import stamps
    from specguard.work.templates import PathTemplate

    contracts = {
        name
        for name, one in artifacts.contracts.items()
        if one.path and "agent" in PathTemplate(one.path).names
    }
    left: dict[tuple[bytes, str], list[Artifact]] = {}
    for artifact in (one for name in contracts for one in artifacts.named(name)):
        left.setdefault((artifact.folder, artifact.fields["agent"]), []).append(artifact)
    found = []
    for (folder, agent), own in sorted(left.items()):
        documents = [artifact.document for artifact in own if not artifact.structured]
        times = sorted(str(stamp.moment) for document in documents for stamp in stamps(document))
        found.append(
            {
                "agent": agent,
                "folder": path_text(folder),
                "active": {artifact.name for artifact in own} != contracts,
                "since": times[0] if times else None,
                "last": times[-1] if times else None,
            }
        )
    return found


def specs_data(telling: Telling) -> dict[str, int] | None:
    """How many specs there are, and how many of them are due for a review; None where there are none.

    Raises:
        MissingFact: something that must be read is not there.
    """
    specs: Specs | None = telling.fact("specs")
    if specs is None:
        return None
    settings = specs.settings
    counts = {"total": 0, "terminal": 0, "unreviewed": 0, "stale": 0, "due": 0}
    for spec in specs.all:
        counts["total"] += 1
        if specs.terminal(spec):
            counts["terminal"] += 1
        elif settings.review:
            reviewed = spec.review.date if spec.review else None
            if reviewed is None:
                counts["unreviewed"] += 1
                continue
            left = settings.max_age_days - (specs.today - reviewed).days
            if left < settings.warn_days:
                counts["stale" if left < 0 else "due"] += 1
    return counts


def worktrees_data(repository: Repository, telling: Telling) -> Iterator[dict[str, Any]]:
    """Every worktree of a repository, with whether it has changes that are not committed."""
    try:
        found = worktrees(repository)
    except MissingFact as error:
        telling.note(error.reason)
        return
    for one in found:
        if one.problem:
            telling.note(f"the worktree {one.path} cannot be read: {one.problem}")
        yield {"path": one.path, "branch": one.branch or None, "dirty": one.dirty, "problem": one.problem}
