"""The order of stages: artifacts and work of a stage while an earlier stage is incomplete."""

from __future__ import annotations

from specguard.declaration.patterns import Covering
from specguard.model import TYPE_CHECKING, Finding, Origin, Record, grouped, path_text
from specguard.waves.waves import StageState, Wave, Waves
from specguard.work.name_templates import path_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from specguard.artifacts.contracts import WaveStage
    from specguard.change.entries import Commit, Entry
    from specguard.work.item import WorkItem
    from specguard.work.item_lists import Listed


class StageWork(Record):
    """A stage that a change works on, with the evidence for it.

    Attributes:
        stage: the stage, in the known wave or in a possible one.
        is_known: True if the wave is known; False if it is one of several possible waves.
        reason: the evidence, for messages: `the branch 'codex/phase-d-2-x'`.
        by_branch: True if the branch is the stage's own; False if it belongs to one of the stage's items.
    """

    stage: StageState
    reason: str
    is_known: bool
    by_branch: bool


def out_of_order(
    waves: Waves,
    entries: Sequence[Entry],
    commits: Sequence[Commit],
    branch: str,
    item: WorkItem | None,
    *,
    landed: bool,
) -> Iterator[Finding]:
    """Yield findings about every part of a change that belongs to a stage which is not open.

    Args:
        waves: the waves of the judged tree.
        entries: the paths that the change touches.
        commits: the change's commits, oldest first; empty if it has none.
        branch: the judged branch; empty if there is none.
        item: the work item that the change implements; None if there is none.
        landed: True if the change has been merged into the base, so that no name identifies its item any
            more.

    Raises:
        MissingFact: a required file or object is missing.
    """
    touched = waves.all if waves.artifacts.change.whole else waves.touched([entry.path for entry in entries])
    for wave in touched:
        yield from _early_artifacts(wave)
    works = _find_works(waves, touched, branch, item)
    if not works and item is None and not landed:
        yield from _mixed_entries(touched, entries, waves)
    yield from _too_soon(works, entries, waves)
    yield from _outside_paths([work for work in works if work.by_branch], entries, waves)
    yield from _wrong_branch(works, entries)
    for wave in touched:
        for stage in wave.stages:
            at_it = next((work for work in works if work.stage is stage), None)
            yield from _late_stages(stage, at_it, commits)


def too_early(waves: Waves, *, branch: str, item: WorkItem) -> Iterator[Finding]:
    """Yield a finding if an item's stage is not open, so that its work may not begin on the branch.

    Raises:
        MissingFact: a required file or object is missing.
    """
    yield from _too_soon(_find_works(waves, (), branch, item), None, waves)


def _early_artifacts(wave: Wave) -> Iterator[Finding]:
    """Yield one finding per incomplete stage whose later stages have artifacts already."""
    early = [stage for stage in wave.stages if stage.artifacts and stage.needed and stage.waits_for]
    for stage, *others in grouped((stage.waits_for[0].name, stage) for stage in early).values():
        path = stage.artifacts[0].path
        names = ", ".join(one.name for one in others)
        more = f"; {names} {'has' if len(others) == 1 else 'have'} artifacts, too" if others else ""
        yield _waiting_finding(stage, f"{path_text(path)} belongs to", more, path=path)


def _finding(stage: StageState, setting: str, message: str, help: str, key: str, **place: Any) -> Finding:
    """Return a finding that refers to a key of a stage's settings."""
    position = [one.name for one in stage.wave.waves.settings.stages].index(stage.name)
    return Finding(message, help=help, key=key, setting=f"wave.stages.{position}.{setting}", **place)


def _waiting_finding(stage: StageState, what: str, more: str = "", **place: Any) -> Finding:
    """Return the finding about a stage's work or artifacts while an earlier stage is incomplete."""
    earlier = stage.waits_for[0]
    why = f"the stage {earlier.name} is not complete: {_describe(earlier.missing)}{more}"
    message = f"{what} the stage {stage.name} of {stage.wave.name}, and {why}"
    step = f"Complete the stage {earlier.name} first; `specguard status --worktree` lists what is missing."
    return _finding(stage, "opens_after", message, step, f"{stage.name} before {earlier.name}", **place)


def _too_soon(works: Sequence[StageWork], entries: Sequence[Entry] | None, waves: Waves) -> Iterator[Finding]:
    """Yield findings about work of a stage that is not open, or that lacks what it requires.

    If a branch fits several stages, or its name does not identify a wave, one open stage is enough.
    """
    # Artifacts are judged separately; earlier stages may be waiting for them.
    papers = entries is not None and all(waves.is_paper(entry.path) for entry in entries)
    for by_branch in (True, False):
        found = [None if papers else _early_finding(work) for work in works if work.by_branch is by_branch]
        findings = [finding for finding in found if finding is not None]
        yield from findings[:1] if len(findings) == len(found) else ()


def _early_finding(work: StageWork) -> Finding | None:
    stage, field = work.stage, "branch" if work.by_branch else "work_item"
    if stage.waits_for:
        return _waiting_finding(stage, f"{work.reason} is for", field=field)
    if not stage.unmet:
        return None
    why = f"which must not begin yet: {_describe(stage.unmet)}"
    message = f"{work.reason} is for the stage {stage.name} of {stage.wave.name}, {why}"
    step, key = "Bring that about first, by a change of its own.", f"{stage.name} without what it requires"
    return _finding(stage, "requires", message, step, key, field=field)


def _outside_paths(works: Sequence[StageWork], entries: Sequence[Entry], waves: Waves) -> Iterator[Finding]:
    """Yield the entries outside the paths that changes on a stage's branch may touch."""
    if not works or not all(work.stage.settings.paths for work in works):
        return
    stage = works[0].stage
    covering = _covering((work.stage, work.stage.wave.fields if work.is_known else {}) for work in works)
    allowed = f"which changes only {', '.join(covering.patterns[:5])}"
    apart, key = "change it on a branch of its own.", f"outside {stage.name}"
    others = [one for one in entries if not one.path.startswith(waves.log_folder)]
    for entry in _uncleaned([one for one in others if not covering.matches(one.path)], waves):
        # `specguard new` without `--in` writes to the working directory.
        paper = entry.added and waves.is_paper(entry.path)
        step = f"Move it to one of these paths, or {apart}" if paper else f"Take it out, and {apart}"
        message = f"{path_text(entry.path)} is changed on the branch of the stage {stage.name}, {allowed}"
        yield _finding(stage, "paths", message, step, key, path=entry.path, side=entry.side)


def _covering(stages: Iterable[tuple[StageState, Mapping[str, str]]]) -> Covering:
    """Return the `paths` of stages, each with the values of its placeholders."""
    texts = [path_template(text).render(fields) for stage, fields in stages for text in stage.settings.paths]
    return Covering(list(dict.fromkeys(texts)))


def _uncleaned(entries: Sequence[Entry], waves: Waves) -> list[Entry]:
    """Return the entries without the deletions that a cleanup manifest lists."""
    deleted = [entry.path for entry in entries if entry.deleted]
    listed = {path for path, _ in waves.artifacts.cleaned_up.matches(deleted)} if deleted else ()
    return [entry for entry in entries if entry.path not in listed]


def _mixed_entries(touched: Sequence[Wave], entries: Sequence[Entry], waves: Waves) -> Iterator[Finding]:
    """Yield a finding about entries besides a wave's papers, if no name belongs to a stage or an item.

    The paths show that the change is for the papers, whatever the branch is called. Paths that a branch of
    their stages may change are allowed, and so are deletions that a cleanup manifest lists.
    """
    stages = [stage for wave in touched for stage in wave.stages if stage.settings.paths]
    owned = [(entry.path, stage) for entry in entries for stage in stages if _owns(stage, entry.path)]
    own = _covering((stage, stage.wave.fields) for _, stage in owned)
    others = [one for one in entries if owned and not (own.matches(one.path) or waves.is_paper(one.path))]
    if others := _uncleaned(others, waves):
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        message = f"{path_text(others[0].path)}{more} is changed together with {path_text(owned[0][0])}"
        message += ", and a change of a wave's papers that names no item touches nothing else"
        step, key, setting = "Take the papers to a change of their own.", "with papers", "wave.stages"
        yield Finding(message, step, others[0].path, side=others[0].side, key=key, setting=setting)


def _wrong_branch(works: Sequence[StageWork], entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield artifacts of a stage with its own branch that are added on a later stage's branch."""
    here = [work.stage for work in works]
    reported: list[StageState] = []
    for later, stage in ((work.stage, stage) for work in works for stage in work.stage.predecessors):
        added = next((entry for entry in entries if entry.added and _owns(stage, entry.path)), None)
        if added is None or not stage.settings.branch or stage in (*here, *reported):
            continue
        reported.append(stage)
        message = f"{path_text(added.path)} is added by a change of the stage {later.name}, and the stage "
        message += f"{stage.name} comes first, on a branch of its own"
        step = f"Submit it first, on a branch like {stage.settings.branch}."
        key = f"{stage.name} on the branch of {later.name}"
        yield _finding(stage, "branch", message, step, key, path=added.path)


def _late_stages(stage: StageState, work: StageWork | None, commits: Sequence[Commit]) -> Iterator[Finding]:
    """Yield earlier stages that were completed by a commit after the one that began a stage."""
    if len(commits) < 2 or not stage.needed or stage.waits_for:
        return
    shared, waves = _covering((one, one.wave.fields) for one in stage.predecessors), stage.wave.waves

    def starts(commit: Commit) -> bool:
        """Return True for artifacts of the stage, or, with `work`, for what no earlier stage may change."""
        paths = [entry.path for entry in commit.own_entries]
        others = [one for one in paths if not (waves.is_paper(one) or shared.matches(one))] if work else ()
        return bool(others) or any(_owns(stage, path) for path in paths)

    start = next((place for place, commit in enumerate(commits) if starts(commit)), None)
    if start is None:
        return
    first = commits[start].oid[:12]
    for earlier in stage.predecessors:
        pairs = ((commit, entry) for commit in commits[start + 1 :] for entry in commit.own_entries)
        late = [(commit, entry) for commit, entry in pairs if entry.added and _owns(earlier, entry.path)]
        for commit, entry in late[:1]:
            text = f"{path_text(entry.path)} completes the stage {earlier.name} of {stage.wave.name} after "
            text += f"commit {first} began the stage {stage.name}"
            step, key = f"Record it in a commit before {first}.", f"{stage.name} begun before {earlier.name}"
            yield _finding(stage, "opens_after", text, step, key, path=entry.path, commit=commit.oid)


def _find_works(waves: Waves, touched: Sequence[Wave], branch: str, item: WorkItem | None) -> list[StageWork]:
    """Return the stages that the change works on, by its branch or its work item."""
    found: list[StageWork] = []
    listed = item.listed if item is not None else None
    for place, settings in enumerate(waves.settings.stages):
        fields = settings.read_branch(branch) if branch else None
        known = waves.wave(fields) if fields and all(map(fields.get, waves.settings.by)) else None
        # The branch of slice 1, `phase-d-1-planning-page`, is not that of a wave `d-1`.
        by_branch = fields is not None and (listed is None or known is None or known in waves.all)
        if not by_branch:
            if listed is None or not _is_item_of(waves, settings, listed):
                continue
            known = waves.wave_of(listed.source.path, listed.source.fields)
        # An unidentified change could mean the waves that it touches, else all.
        possible = touched or waves.all or [waves.wave({})]
        candidates = possible if known is None else [known]
        reason, is_known = f"the branch {branch!r}" if by_branch else str(item), known is not None
        found += [StageWork(wave.stages[place], reason, is_known, by_branch) for wave in candidates]
    return found


def _is_item_of(waves: Waves, settings: WaveStage, listed: Listed) -> bool:
    """Return True if an item belongs to a stage, through a breakdown or a plan."""
    if waves.kind_of(settings.items) == "":
        return waves.plans.holding(listed.source.path) == listed.source.path
    return waves.stage_of(listed) is settings


def _owns(stage: StageState, path: bytes) -> bool:
    """Return True if a path is one of a stage's own artifacts, or is in one that is a folder."""
    return any(path == one.path or path.startswith(one.path + b"/") for one in stage.artifacts)


def _describe(missing: Sequence[Finding]) -> str:
    first = missing[0]
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    place = path_text(first.path) if first.path else ""
    at = f"{Origin(place, first.line or 0)}: " if place and place not in first.message else ""
    return f"{at}{first.message}{more}"
