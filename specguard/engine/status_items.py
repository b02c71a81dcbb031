"""The work items of a status, and its agents, specs and worktrees."""

from __future__ import annotations

from specguard.change.git import History
from specguard.change.worktree import worktrees
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from specguard.artifacts.artifacts import Artifact
    from specguard.change.repository import Repository
    from specguard.engine.status import TreeReport
    from specguard.plans.plans import Plans
    from specguard.specs.specs import Specs
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.waves import Waves
    from specguard.work.item import Unresolved, WorkItem
    from specguard.work.items import Work
    from specguard.work.sources import Listed, Sources


def branch_name(telling: TreeReport) -> str | None:
    """The branch that is checked out or named; None where none is."""
    try:
        return path_text(telling.change.branch.name.encode("utf-8", "surrogateescape"))
    except (MissingFact, NotApplicable):
        # That there is no branch hides nothing of where the work stands.
        return None


def tell_landed(telling: TreeReport, sources: Sources) -> None:
    """Let the whole history of `HEAD` tell which items commits did, whatever it is compared with."""
    from specguard.work.changes import Landings
    from specguard.work.kinds import Names

    git = telling.change.git
    if any(kind.commit or kind.pull_request for kind in sources.kinds.values()):
        names = Names(telling.policy.declared("work_kinds"))
        history = History(git, git.repository.head)
        sources.landed = Landings(sources, names, history=history, commits=lambda: ())
    sources.shown = telling.facts.shown(sources, git.repository.head)


def named_item(telling: TreeReport) -> dict[str, Any] | None:
    """The item that the branch, the commits or the title name; None where they name none."""
    work = _work(telling)
    if not work.kinds or work.naming is None:
        return None
    naming = work.naming
    return _item(naming.kind, naming.id, work.resolved, naming.source)


def current_items(telling: TreeReport) -> list[dict[str, Any]]:
    """The item that the pointer of each kind names."""
    work = _work(telling)
    return [
        _item(kind, work.pointer(kind).id, work.current(kind), "pointer")
        for kind, settings in work.kinds.items()
        if settings.pointer
    ]


def listed_items(telling: TreeReport, sources: Sources | None) -> list[dict[str, Any]]:
    """Every item that a work breakdown lists."""
    if sources is None:
        return []
    waves: Waves | None = telling.fact("waves")
    plans: Plans | None = telling.fact("plans")
    put_off = _put_off(telling)
    waiting = _waiting(waves)
    return [
        _listed(
            listed,
            sources,
            waves,
            put_off=(source.path, listed.id) in put_off,
            waiting=(source.path, listed.id) in waiting,
        )
        for source in sources.all
        # The tasks of a plan are told with their plan.
        if (plans is None or plans.at(source.path) is None)
        and (waves is None or not waves.superseded(source.path))
        for listed in source.items
    ]


def _waiting(waves: Waves | None) -> frozenset[tuple[bytes, str]]:
    """The items of stages that are not open."""
    return frozenset(
        (item.source.path, item.id)
        for wave in (waves.all if waves is not None else ())
        for stage in wave.stages
        if stage.settings.items and not stage.open
        for item in stage.items
    )


def _put_off(telling: TreeReport) -> frozenset[tuple[bytes, str]]:
    """The conditional items that readiness documents put off."""
    breakdowns: Breakdowns | None = telling.fact("breakdowns")
    return frozenset() if breakdowns is None else breakdowns.put_off(telling.readiness)


def next_items(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What can be done now, one sentence for each item."""
    for item in items:
        if item["state"] == "ready":
            owner = f" ({item['owner']})" if item["owner"] else ""
            branch = f" on {item['branch']}" if item["branch"] else ""
            submit = f"; submit it with `{item['submit']}`" if item["submit"] else ""
            yield f"do {item['kind']} {item['id']}{owner}{branch}{submit}"


def _work(telling: TreeReport) -> Work:
    from specguard.work.items import Work

    try:
        return Work.of(telling.change, telling.policy)
    except MissingFact:
        # Without a branch nothing is named; the pointers still name the current items.
        policy = telling.policy
        return Work(
            policy.declared("work_kinds"),
            (),
            tree=lambda: telling.change.paper_files,
            base=policy.base or "",
            remote=policy.remote or "",
        )


def _item(kind: str, item_id: str, resolved: WorkItem | Unresolved, named_by: str) -> dict[str, Any]:
    from specguard.work.item import WorkItem

    if not isinstance(resolved, WorkItem):
        values = dict.fromkeys(("slug", "document", "branch", "submit"))
        said = {"title": "", "status": "", "named_by": named_by, "problem": resolved.problem}
        return {"kind": kind, "id": item_id, **values, **said}
    listed = resolved.listed
    return {
        **resolved.summary(),
        "branch": resolved.branches[0] if resolved.branches else None,
        "submit": resolved.settings.submit or None,
        "title": listed.title if listed else "",
        "status": listed.status if listed else "",
        "named_by": named_by,
        "problem": "",
    }


def _listed(
    listed: Listed, sources: Sources, waves: Waves | None, *, put_off: bool, waiting: bool
) -> dict[str, Any]:
    needs = [
        other.id
        for need in listed.depends_on
        for other in listed.source.items
        if other.is_named(need.text) and not (other.deferred or other.conditional or sources.done(other))
    ]
    if sources.done(listed):
        state = "closed"
    elif listed.deferred or put_off:
        state = "deferred"
    elif listed.conditional:
        state = "conditional"
    else:
        state = "blocked" if needs else "waiting" if waiting else "ready"
    fields = waves.fields_at(listed.source.path, listed.source.fields) if waves is not None else None
    return {
        "kind": listed.source.kind,
        "id": listed.id,
        "title": listed.title,
        "owner": listed.owner,
        "status": listed.status,
        "state": state,
        "needs": needs,
        "branch": listed.branch or None,
        "submit": listed.source.settings.submit or None,
        "wave": waves.wave(fields).name if waves is not None and fields is not None else None,
        "path": path_text(listed.source.path),
        "line": listed.line,
    }


def agents_data(telling: TreeReport) -> list[dict[str, Any]]:
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


def specs_data(telling: TreeReport) -> dict[str, int] | None:
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


def worktrees_data(repository: Repository, telling: TreeReport) -> Iterator[dict[str, Any]]:
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
