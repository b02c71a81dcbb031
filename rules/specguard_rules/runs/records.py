"""Rules about what runs record: that commits name their runs, that a run lives, and that it is one item's."""

from __future__ import annotations

from specguard.rules import Finding, Rule, shortened
from specguard_rules.runs._cited import TABLES, cited, judged, run_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Commit, RunRecords, Work
    from specguard.runs.record import RunRecord
    from specguard.work.kinds import Naming

_AFTER: Final = frozenset({"pull-request", "report"})


class MissingManifest(Rule):
    r"""An item's commit names no run with a valid manifest.

    `require` of `[runs]` lists the kinds of items that need one. A trailer names the run's folder:
    `Run: phase-12/2026-03-01T10-00-00Z-a1b2`. With `keep = "tree"`, it must be committed. With
    `keep = "local"`, it is looked up beside the check; without any runs there, as in CI, rules about runs are
    skipped.

    Why is this bad? Reviewers cannot see how the work was made.

    How to fix it: let `specguard run` commit, or commit the run's folder.

    ```text
    error: commit e8793dd1ea is phase 12's and names no run
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
    message = "feat(phase12): carts"
    files = {"a" = "b"}

    [[commits]]
    message = "feat(phase12): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"
    files = {"a" = "c", ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/run.log" = "x"}

    [[expect]]
    code = "RUN001"
    field = "commit.body"
    message = "names no run"

    [[expect]]
    code = "RUN001"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json"
    message = "there is neither manifest.json nor meta.json"
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
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '{"task_id": "12", "status": "succeeded"}'
    ```
    """

    code: ClassVar[str] = "RUN001"
    name: ClassVar[str] = "missing-manifest"
    tables: ClassVar[tuple[str, ...]] = ("runs.require",)
    condition: ClassVar[str] = "every commit of a work item that needs a run names one that left its manifest"

    def check(self, commits: Sequence[Commit], work: Work, run_records: RunRecords) -> Iterator[Finding]:
        """Look for each commit's run."""
        yield from _unnamed(commits, work, run_records)
        for one in cited(commits, run_records):
            name, oid = shortened(one.name, 80), one.commit.oid
            if one.run is None:
                message = f"commit {oid[:12]} names the run {name!r}, which is not there"
                step = "Commit the folder of the run, or name the run that made the commit."
                key = f"no run {one.name}"
                yield Finding(
                    message, help=step, commit=oid, field="commit.body", key=key, setting="runs.trailer"
                )
            elif one.run.misfit:
                message = f"the run {name!r} has no manifest that can be used: {one.run.misfit}"
                step = "Put back the manifest that the run has written, or run it again."
                path, key = run_records.path(one.run), f"misfit {one.name}"
                yield Finding(message, help=step, path=path, commit=oid, key=key, setting="runs.require")


def _unnamed(commits: Sequence[Commit], work: Work, records: RunRecords) -> Iterator[Finding]:
    """The commits that should name a run and do not; or the change, where none of them names its item."""
    wanted = set(records.settings.require)
    found = {commit.oid: commit for commit in commits if not commit.is_merge}
    bare = {oid for oid, commit in found.items() if not run_names(commit, records)}
    items = [one for one in work.commits if one.kind in wanted and one.commit in bare]
    for naming in items:
        oid = naming.commit or ""
        message = f"commit {oid[:12]} is {naming.item}'s and names no run"
        step = f"Let `specguard run {naming.kind}` make it: it adds `{records.settings.trailer}: ...`."
        yield _without_run(naming, message, step, oid, "commit.body")
    of_change = work.naming
    if not items and found and len(bare) == len(found) and of_change and of_change.kind in wanted:
        message = f"{of_change.label} is {of_change.item}'s, and no commit of it names a run"
        step = f"Let `specguard run {of_change.kind}` make the commit."
        yield _without_run(of_change, message, step, None, of_change.field)


def _without_run(naming: Naming, message: str, step: str, commit: str | None, field: str) -> Finding:
    key = f"unnamed {naming.item}"
    return Finding(message, help=step, commit=commit, field=field, key=key, setting="runs.require")


class StaleHeartbeat(Rule):
    r"""A run is still `running`, but its heartbeat is too old.

    `stale_after` of `[runs]` says how long it may be silent. Judged are runs that the change names or
    touches, or with `--all` every run.

    Why is this bad? It has died or hangs, and its record is incomplete.

    How to fix it: `specguard run doctor RUN` says why, and `specguard run resume RUN` continues.

    ```text
    error: .runs/phase-12/1/manifest.json:1: the run phase-12/1 is running, and its last heartbeat was
      2455 days ago
    ```

    ```toml fails
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]
    '''

    [[commits]]
    message = "feat: x"

    [commits.files]
    ".runs/phase-12/1/manifest.json" = '{"task_id": "12", "status": "running"}'
    ".runs/phase-12/1/control/heartbeat.json" = '{"time": "2020-03-01T10:00:00Z"}'

    [[expect]]
    code = "RUN003"
    path = ".runs/phase-12/1/manifest.json"
    message = "its last heartbeat"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]
    '''

    [[commits]]
    message = "feat: x"

    [commits.files]
    ".runs/phase-12/1/manifest.json" = '{"task_id": "12", "status": "failed"}'
    ".runs/phase-12/1/control/heartbeat.json" = '{"time": "2020-03-01T10:00:00Z"}'
    ```
    """

    code: ClassVar[str] = "RUN003"
    name: ClassVar[str] = "stale-heartbeat"
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "no run says that it is under way and has fallen silent"

    def check(
        self, run_records: RunRecords, whole: bool, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Listen for each run's heartbeat."""

        def stale(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            silence = run_records.silence(run) if run.running else 0
            if silence is not None and silence <= run_records.stale_after:
                return
            when = "it never had a heartbeat"
            if silence is not None:
                when = f"its last heartbeat was {_ago(silence)}"
            yield Finding(
                f"the run {run_records.shown(run)} is {run.state}, and {when}",
                help=f"Run `specguard run doctor {run.run_id}`: it says what became of it.",
                path=run_records.path(run),
                line=run.line("state" if "state" in run.value else "status"),
                commit=commit.oid if commit else None,
                key=f"stale {run_records.shown(run)}",
                setting="runs.stale_after",
            )

        yield from judged(commits, run_records, stale, whole=whole)


def _ago(seconds: float) -> str:
    """How long ago something was, for a person."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} seconds ago"


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
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "every run is one item's, and stopped at its pull request"

    def check(
        self,
        run_records: RunRecords,
        whole: bool,
        commits: Sequence[Commit] | None = None,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Look at what each run worked on, and at who names it."""

        def found(run: RunRecord, commit: Commit | None, what: str, *key: str | int) -> Finding:
            return Finding(
                f"the run {run_records.shown(run)} {what}",
                help="Make one run, one branch and one pull request of each item.",
                path=run_records.path(run),
                line=run.line(*key),
                commit=commit.oid if commit else None,
                key=f"{'.'.join(map(str, key))} {run_records.shown(run)}",
                setting="runs.require",
            )

        def several(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            if len(run.items) > 1:
                what = f"worked on {len(run.items)} items: {', '.join(run.items[:5])}"
                yield found(run, commit, what)
            name, number = _after_its_request(run)
            if name:
                yield found(run, commit, f"went on with {name} after its pull request", "steps", number)

        yield from judged(commits, run_records, several, whole=whole)
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}
        seen: dict[bytes, Commit] = {}
        for one in cited(commits, run_records):
            run, label = one.run, f"commit {one.commit.oid[:12]}"
            if run is None:
                continue
            first = seen.setdefault(run.folder, one.commit)
            if first is not one.commit:
                what = f"made commit {first.oid[:12]}, and {label} names it, too"
                yield found(run, one.commit, what, "commit")
            naming = namings.get(one.commit.oid)
            if naming is not None and not run.problem and not _same(run, naming):
                item = f"{run.kind} {run.item}".strip()
                what = f"is one of {item}, and {label}, which names it, is {naming.item}'s"
                yield found(run, one.commit, what, "item")


def _after_its_request(run: RunRecord) -> tuple[str, int]:
    """The step that a run took after its pull request, and its number; the name is empty without one."""
    steps, opened = run.value.get("steps"), False
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        name = step.get("name") if isinstance(step, dict) else None
        if isinstance(name, str):
            if opened and name not in _AFTER:
                return name, number
            opened = opened or (name == "pull-request" and step.get("state") == "done")
    return "", 0


def _same(run: RunRecord, naming: Naming) -> bool:
    """Whether a run is one of the item that a commit names."""
    if run.kind and run.kind != naming.kind and run.native:
        return False
    digits = "".join(char for char in run.item if char.isdigit())
    if naming.number is not None and digits.isascii() and digits and int(digits) == naming.number:
        return True
    return run.item.casefold() in {naming.id.casefold(), f"{naming.kind}-{naming.id}".casefold()}
