"""RUN006: runs that worked on more than one item, or went on after their pull request."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Rule
from specguard_rules.runs._cited import cited, judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.rules import Commit, RunRecords, Stage, Work
    from specguard.runs.record import RunRecord
    from specguard.work.kinds import Naming

_AFTER: Final = frozenset({"pull-request", "report"})


class SeveralItems(Rule):
    r"""One run worked on several items, or after its pull request.

    Findings are manifests of `[runs]` with several items, and commits that name another item than their run.
    So are second commits for a run, and steps after the pull request, except the report.

    Why is this bad? Evidence for two items is evidence for neither.

    How to fix it: use one run, branch and pull request per item.

    ```text
    error: .runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json:1: the run
      phase-12/2026-03-01T10-00-00Z-a1b2 is one of phase 12, and commit fcaf9d6529, which names it, is
      phase 13's
    ```

    ```toml fails
    policy = '''
    [work.phase]
    commit = "feat(phase{number}): {text}"

    [runs]
    keep = "tree"
    require = ["phase"]
    '''

    [[commits]]
    message = "feat(phase13): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"

    [commits.files]
    "a" = "c"
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"status": "succeeded", "item": {"kind": "phase", "id": "12"},
     "steps": [{"name": "pull-request", "state": "done"}, {"name": "agent", "state": "done"}]}
    '''

    [[expect]]
    code = "RUN006"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json"
    line = 2
    message = "went on with agent after its pull request"

    [[expect]]
    code = "RUN006"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json"
    message = "is one of phase 12, and commit"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    commit = "feat(phase{number}): {text}"

    [runs]
    keep = "tree"
    require = ["phase"]
    '''

    [[commits]]
    message = "feat(phase12): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"

    [commits.files]
    "a" = "c"
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"status": "succeeded", "item": {"kind": "phase", "id": "12"},
     "steps": [{"name": "agent", "state": "done"}, {"name": "pull-request", "state": "done"}]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN006"
    name: ClassVar[str] = "several-items"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = (
        "runs.require", "runs.grade", "runs.gates", "runs.quick_gates", "runs.full_gates"
    )  # fmt: skip
    condition: ClassVar[str] = "every run is one item's, and stopped at its pull request"

    def check(
        self,
        run_records: RunRecords,
        whole: bool,
        commits: Sequence[Commit] | None = None,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Look at what each run worked on, and at who names it."""

        def several(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            for message, key in _in_manifest(run):
                yield _finding(run, run_records, commit, message, key)

        yield from judged(commits, run_records, several, whole=whole)
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}
        missing: MissingFact | None = None
        seen: dict[bytes, Commit] = {}
        for one in cited(commits, run_records):
            try:
                run = run_records.named(one.name)
            except MissingFact as fact:
                missing = missing or fact
                continue
            if run is None:
                continue
            first = seen.setdefault(run.folder, one.commit)
            label = f"commit {one.commit.oid[:12]}"
            if first is not one.commit:
                what = f"made commit {first.oid[:12]}, and {label} names it, too"
                yield _finding(run, run_records, one.commit, what, ("commit",))
            naming = namings.get(one.commit.oid)
            if naming is not None and not run.problem and not _same(run, naming):
                item = f"{run.kind} {run.item}".strip()
                what = f"is one of {item}, and {label}, which names it, is {naming.item}'s"
                yield _finding(run, run_records, one.commit, what, ("item",))
        if missing is not None:
            raise missing


def _in_manifest(run: RunRecord) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """What a manifest itself tells, as the end of a sentence, with its key."""
    if len(run.items) > 1:
        yield f"worked on {len(run.items)} items: {', '.join(run.items[:5])}", ()
    said = run.value.get("steps")
    steps: list[Any] = said if isinstance(said, list) else []
    opened = False
    for number, step in enumerate(steps):
        name = step.get("name") if isinstance(step, dict) else None
        if not isinstance(name, str) or not isinstance(step, dict):
            continue
        if opened and name not in _AFTER:
            yield f"went on with {name} after its pull request", ("steps", number)
            return
        opened = opened or (name == "pull-request" and step.get("state") == "done")


def _same(run: RunRecord, naming: Naming) -> bool:
    """Whether a run is one of the item that a commit names."""
    if run.kind and run.kind != naming.kind and run.native:
        return False
    ids = {naming.id.casefold(), f"{naming.kind}-{naming.id}".casefold()}
    if naming.number is not None:
        ids.add(str(naming.number))
        digits = "".join(char for char in run.item if char.isdigit())
        if digits.isascii() and digits and int(digits) == naming.number:
            return True
    return run.item.casefold() in ids


def _finding(
    run: RunRecord, records: RunRecords, commit: Commit | None, what: str, key: tuple[str | int, ...]
) -> Finding:
    return Finding(
        f"the run {records.shown(run)} {what}",
        help="Make one run, one branch and one pull request of each item.",
        path=records.path(run),
        line=run.line(*key),
        commit=commit.oid if commit else None,
        key=f"{'.'.join(map(str, key))} {records.shown(run)}",
        setting="runs.require",
    )
