"""Rules about the records of runs: commits name them, they are alive, unaltered, and about one item each."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, judge_each, path_text, shortened
from specguard_rules.commits.trailers import Trailers
from specguard_rules.finding_texts import CommitsById, add_trailer, restore, reword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.rules import AgentSettings, Base, Bookkeeping, Commit, Documents, Models, RunRecords, Work
    from specguard.runs.record import RunRecord
    from specguard.work.kinds import Naming


TABLES: Final = ("runs.require", "runs.grade", "runs.gates", "runs.quick_gates", "runs.full_gates")
"""The settings by which a policy requires runs."""


def run_names(commit: Commit, records: RunRecords) -> list[str]:
    """Return the names of the runs that a commit names.

    In a message that a squash joined from several, trailers are further up. The last run that exists counts,
    as the trees of those before it are gone.
    """
    trailers, key = Trailers(commit.message.lines), records.settings.trailer
    joined = [one for one in trailers.find_misplaced(key) if records.in_tree and records.named(one.value)]
    return [one.value for one in trailers.of(key) or joined[-1:]]


def cited_runs(
    commits: Sequence[Commit] | None, records: RunRecords
) -> Iterator[tuple[Commit, str, RunRecord | None]]:
    """Yield each run name in commits, in order, with its run or None, except names in the commit under way.

    Raises:
        MissingFact: one of the runs cannot be read here; raised after all others.
    """
    done = [commit for commit in commits or () if commit.oid != records.under_way]
    named = [(commit, name) for commit in done for name in run_names(commit, records)]
    return judge_each(named, lambda pair: [(*pair, records.named(pair[1]))])


Named = dict[bytes, tuple["RunRecord", list["Commit"]]]
"""Runs by their folders, each with the commits that name it, in order."""


def named_runs(commits: Sequence[Commit] | None, records: RunRecords) -> tuple[Named, MissingFact | None]:
    """Return the runs that commits name, and the missing fact if a run cannot be read here, else None."""
    found: Named = {}
    try:
        for commit, _, run in cited_runs(commits, records):
            if run is not None:
                _, naming = found.setdefault(run.folder, (run, []))
                # A message that was joined from several may name a run twice.
                if commit not in naming[-1:]:
                    naming.append(commit)
    except MissingFact as fact:
        return found, fact
    return found, None


def judge_runs(
    commits: Sequence[Commit] | None,
    records: RunRecords,
    judge: Callable[[RunRecord, Sequence[Commit]], Iterator[Finding]],
) -> Iterator[Finding]:
    """Yield the findings in the runs that commits name and in those that are judged; each run once.

    A named run that cannot be read here is left out: RUN001 and RUN002 say so where the policy asks for one.

    Args:
        commits: the change's commits; None if it has none.
        records: the runs.
        judge: yields the findings of a run, given the commits that name it; the first of them is cited.

    Raises:
        NotApplicable: none of the named runs can be read here.
    """
    runs = {run.folder: (run, list["Commit"]()) for run in records.judged} | named_runs(commits, records)[0]
    if not runs and records.lost:
        raise NotApplicable("the runs that commits name are on another machine")

    def of_run(folder: bytes) -> Iterator[Finding]:
        run, naming = runs[folder]
        for found in judge(run, naming):
            found.commit = found.commit or (naming[0].oid if naming else None)
            yield found

    yield from judge_each(sorted(runs), of_run)


_LAST_STEPS: Final = frozenset({"pull-request", "report"})


class MissingManifest(Rule):
    r"""An item's commit names no run with a valid manifest.

    `require` of `[runs]` lists the kinds of items that need one. A trailer names the run's folder:
    `Run: phase-12/2026-03-01T10-00-00Z-a1b2`. That run must be there, also where the policy only
    asks for `gates`. With `keep = "tree"`, it must be committed. With `keep = "local"`, it is looked up
    beside the check; without any runs there, as in CI, rules about runs are skipped. A landed squash that
    brings a run need name none.

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
    tables: ClassVar[tuple[str, ...]] = ("runs.require", "runs.gates")
    condition: ClassVar[str] = "every run that is named left its manifest, and items that need one name one"

    def check(
        self,
        commits: Sequence[Commit],
        run_records: RunRecords,
        bookkeeping: Bookkeeping,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Look for each commit's run."""
        # The platform writes the message of a squash, which lands the work with its run.
        yield from _unnamed(commits, work, run_records, bookkeeping.is_squash) if work else ()
        for commit, name, run in cited_runs(commits, run_records):
            oid, label = commit.oid, repr(shortened(name, 80))
            if run is None:
                message = f"commit {oid[:12]} names the run {label}, which is not there"
                step = f"Commit the run's folder, and name it below {run_records.settings.path}: KIND-ID/RUN."
                key, field = f"no run {name}", "commit.body"
                yield Finding(message, step, commit=oid, field=field, key=key, setting="runs.trailer")
            elif run.misfit:
                message = f"the run {label} has no manifest that can be used: {run.misfit}"
                step = "Put back the manifest that the run has written, or run it again."
                yield run.finding(message, step, f"misfit {name}", line=None, commit=oid)
        for kind in [one for one in run_records.settings.require if not work or one not in work.kinds]:
            what = f"`runs.require` names the kind {kind!r}, which the policy does not have"
            raise MissingFact(what, f"write [work.{kind}] in the authority, or correct the name")


def _unnamed(commits: Sequence[Commit], work: Work, records: RunRecords, squash: bool) -> Iterator[Finding]:
    """Yield findings for commits that lack a required run, or for the change if no commit names its item.

    A landed squash needs to name no run if it adds one of its item, or of the change's.
    """
    kinds, folder = set(records.settings.require), records.settings.folder
    own = {commit.oid: commit for commit in commits if not commit.is_merge}
    runless = {oid for oid, commit in own.items() if not run_names(commit, records)}
    # A commit that only adds runs is no work of its item, whatever its message names.
    due = {oid for oid in runless if {one.path.startswith(folder) for one in own[oid].own_entries} != {True}}
    items = [one for one in work.commits if one.kind in kinds and one.commit in due]
    runs = {run.file_path(): run for run in records.touched if not run.misfit} if squash else {}
    # Without such a run, commits need not be read: a treeless clone has none of their trees.
    added = ((oid, one.path) for oid in own if runs for one in own[oid].own_entries if one.added)
    landed = [(oid, runs[path]) for oid, path in added if path in runs]
    for naming in items:
        if any(oid == naming.commit and _is_same_item(run, naming) for oid, run in landed):
            continue
        commit = own[naming.commit or ""]
        what = f"commit {commit.oid[:12]} is {naming.item}'s and names no run"
        how = add_trailer(f"{records.settings.trailer}: gates-ID/RUN", commit.message, CommitsById(commits))
        step = f"make it. Or type `specguard run gates`, and name its folder: `{how}`"
        yield _no_run_finding(naming, what, step, "commit.body")
    named = work.naming if not items and due and len(runless) == len(own) else None
    if named and named.kind in kinds and not any(_is_same_item(run, named) for _, run in landed):
        what = f"{named.label} is {named.item}'s, and no commit of it names a run"
        yield _no_run_finding(named, what, "make the commit.", named.field)


def _no_run_finding(naming: Naming, message: str, how: str, field: str) -> Finding:
    step, key = f"Let `specguard run {naming.kind}` {how}", f"unnamed {naming.item}"
    return Finding(message, step, commit=naming.commit, field=field, key=key, setting="runs.require")


class StaleHeartbeat(Rule):
    r"""A run is still `running`, but its heartbeat is too old.

    `stale_after` of `[runs]` says how long it may be silent. Judged are runs that the change names or
    touches, or with `--all` every run.

    Why is this bad? It has died or hangs, and its record is incomplete.

    How to fix it: `specguard run doctor RUN` says why, and `specguard run resume RUN` continues.

    ```text
    error: .runs/phase-12/1/manifest.json:1: the run phase-12/1 is running, and its last heartbeat was
      2456 days ago
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
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "no run says that it is under way and has fallen silent"

    def check(self, run_records: RunRecords, commits: Sequence[Commit] | None = None) -> Iterator[Finding]:
        """Compare each run's last heartbeat with the limit."""

        def stale(run: RunRecord, _: Sequence[Commit]) -> Iterator[Finding]:
            silence = run_records.silence(run) if run.running else 0
            if silence is None or silence > run_records.stale_after:
                minutes = int((silence or 0) // 60)
                ago = f"{minutes // 1440} days" if minutes >= 2 * 1440 else f"{minutes} minutes"
                when = "it never had a heartbeat" if silence is None else f"its last heartbeat was {ago} ago"
                message = f"the run {run.shown} is {run.state}, and {when}"
                step = f"Run `specguard run doctor {run.run_id}`: it says what became of it."
                place, setting = "state" if "state" in run.value else "status", "runs.stale_after"
                yield run.finding(message, step, f"stale {run.shown}", place, setting=setting)

        yield from judge_runs(commits, run_records, stale)


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
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "every run is one item's, and stopped at its pull request"

    def check(
        self, run_records: RunRecords, commits: Sequence[Commit] | None = None, work: Work | None = None
    ) -> Iterator[Finding]:
        """Compare the items of each run with those of the commits that name it."""
        namings = {naming.commit: naming for naming in work.commits} if work is not None else {}

        def found(run: RunRecord, what: str, *place: str | int, commit: str | None = None) -> Finding:
            step = "Make one run, one branch and one pull request of each item."
            key = f"{'.'.join(map(str, place))} {run.shown}"
            return run.finding(f"the run {run.shown} {what}", step, key, *place, commit=commit)

        def several(run: RunRecord, named_by: Sequence[Commit]) -> Iterator[Finding]:
            if len(run.items) > 1:
                yield found(run, f"worked on {len(run.items)} items: {', '.join(run.items[:5])}")
            name, number = _step_after_pull_request(run)
            if name:
                yield found(run, f"went on with {name} after its pull request", "steps", number)
            for position, commit in enumerate(named_by):
                label, naming = f"commit {commit.oid[:12]}", namings.get(commit.oid)
                if position:
                    what = f"made commit {named_by[0].oid[:12]}, and {label} names it, too"
                    yield found(run, what, "commit", commit=commit.oid)
                if naming is not None and not run.problem and not _is_same_item(run, naming):
                    item = f"{run.kind} {run.item}".strip()
                    what = f"is one of {item}, and {label}, which names it, is {naming.item}'s"
                    yield found(run, what, "item", commit=commit.oid)

        yield from judge_runs(commits, run_records, several)


def _step_after_pull_request(run: RunRecord) -> tuple[str, int]:
    """Return the step that a run took after its pull request, and its number; an empty name without one."""
    steps, opened = run.value.get("steps"), False
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        name = step.get("name") if isinstance(step, dict) else None
        if opened and isinstance(name, str) and name not in _LAST_STEPS:
            return name, number
        opened = opened or (name == "pull-request" and step.get("state") == "done")
    return "", 0


def _is_same_item(run: RunRecord, naming: Naming) -> bool:
    """True if a run, or a run of gates, belongs to the item that a commit names."""
    item, kind = run.item.casefold(), naming.kind.casefold()
    is_kind = not run.native or run.kind in {"", naming.kind, "gates" if item.startswith(f"{kind}-") else ""}
    digits = "".join(char for char in item if char.isdigit())
    is_number = str(naming.number) == (digits.lstrip("0") or digits[-1:])
    return is_kind and (is_number or item in {naming.id.casefold(), f"{kind}-{naming.id.casefold()}"})


class TamperedRun(Rule):
    r"""A run's manifest, logs, results, tree and commit do not agree.

    A manifest has the sha256 of each file. Findings are files that differ, results that contradict it, and
    manifests of another run or item. A succeeded run in the base may not change. A commit's tree must be the
    one its run judged last. With `keep = "tree"` of `[runs]`, only `.json` files must exist. Wholly invented
    runs are not found.

    Why is this bad? Somebody may have turned a failed result green.

    How to fix it: restore the files, or run it again.

    ```text
    error: .runs/phase-12/2026-03-01T10-00-00Z-a1b2/commands/01-tests.log: commands/01-tests.log of the
      run 2026-03-01T10-00-00Z-a1b2 is not the file that the run has left
    ```

    ```toml fails
    policy = '''
    [runs]
    keep = "tree"
    require = ["phase"]

    [work.phase]
    commit = "feat(phase{number}): {text}"
    '''

    [[commits]]
    message = "feat(phase12): prices\n\nRun: phase-12/2026-03-01T10-00-00Z-a1b2\n"

    [commits.files]
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/commands/01-tests.log" = "all passed\n"
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"task_id": "12", "status": "succeeded", "tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
     "digests": {
       "commands/01-tests.log": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
    '''

    [[expect]]
    code = "RUN004"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/commands/01-tests.log"
    message = "is not the file that the run has left"

    [[expect]]
    code = "RUN004"
    path = ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json"
    line = 1
    message = "is not the tree that it judged last"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]
    '''

    [[commits]]
    message = "docs: the run of phase 12"

    [commits.files]
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/commands/01-tests.log" = ""
    ".runs/phase-12/2026-03-01T10-00-00Z-a1b2/manifest.json" = '''
    {"task_id": "12", "status": "succeeded", "tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
     "digests": {
       "commands/01-tests.log": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
    '''
    ```
    """

    code: ClassVar[str] = "RUN004"
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "what each run recorded is what is there"

    def check(
        self,
        run_records: RunRecords,
        start_documents: Documents,
        bookkeeping: Bookkeeping,
        base: Base,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare each run's record with its files, its tree and its commits."""

        def tampered(run: RunRecord, named_by: Sequence[Commit]) -> Iterator[Finding]:
            if run.problem or run.running:
                return
            folder = run_records.settings.folder + run.folder + b"/"
            for name, line, message in (*_manifest_conflicts(run), *_changed_files(run, run_records.in_tree)):
                step = "Put back what the run has left, and keep formatters off it; or run it again."
                yield run.finding(message, step, f"{name} {run.shown}", path=run.file_path(name), line=line)
            for commit in named_by:
                if run.tree and run.tree not in bookkeeping.trees_of(commit):
                    oid, key, says = commit.oid, f"tree {run.shown}", f"as the run {run.shown} says"
                    message = f"the tree of commit {oid[:12]} is not the tree that it judged last, {says}"
                    body = f"git log -1 --format=%B {oid[:12]} | sed '/^{run_records.settings.trailer}: /d'"
                    done = list(commits or ())
                    at = done.index(commit) + 1
                    # Its record that is committed on top would be in the next tree, and not in the commit's.
                    kept = {e.path.startswith(folder) for one in done[at:] for e in one.own_entries} == {True}
                    how = reword(commit.message, CommitsById(done[:at] if kept else done), [f'"$({body})"'])
                    how = f"git reset --keep {oid[:12]} && {how}" if kept else how
                    step = f"Run it again, or after a rebase first take its line out of the message: `{how}`"
                    yield run.finding(message, step, key, "tree", commit=oid, setting="runs.trailer")

        yield from _altered_runs(run_records, start_documents, base)
        yield from judge_runs(commits, run_records, tampered)


def _altered_runs(records: RunRecords, before: Documents, base: Base) -> Iterator[Finding]:
    """Yield a finding for each run of the base that the change alters."""
    altered = {run.folder: (run, entry) for run, entry in reversed(records.altered(before))}
    # A run that did not succeed may have been resumed: its record is compared with its files instead.
    unfinished = any(not run.succeeded for run, _ in altered.values())
    there = {one.folder for one in records.all} if unfinished else ()
    for run, entry in reversed(altered.values()):
        if run.succeeded or run.folder not in there:
            what = f"{'deletes' if entry.deleted else 'alters'} {path_text(entry.path)}"
            message = f"the change {what} of a run that is {run.state or 'without a status'} in the base"
            step = f"{restore(records.settings.folder + run.folder, base)}."
            key = f"altered {run.shown}"
            yield Finding(message, step, entry.path, side=entry.side, key=key, setting="runs.keep")


def _manifest_conflicts(run: RunRecord) -> Iterator[tuple[str, int | None, str]]:
    """Yield the fields of a run's manifest that contradict its folder."""
    run_id = run.value.get("run_id")
    if run_id is not None and run_id != run.run_id:
        yield "", run.line("run_id"), f"the manifest in {run.run_id} is that of the run {str(run_id)[:80]!r}"
    above = run.folder.split(b"/")[0].decode("ascii", "replace")
    if run.native and run.item_folder != above:
        yield "", run.line("item"), f"the run in {above} is one of {run.kind} {run.item}"
    state = run.value.get("state")
    ended = "error.json" if run.native and run.succeeded and run.read("error.json") is not None else ""
    if ended or (run.native and state is not None and state != run.state):
        why = f"has left {ended}" if ended else f"is {str(state)[:80]!r}, too"
        yield "", run.line("state"), f"the run {run.run_id} is {run.state}, and {why}"
    if run.native and not run.digests:
        yield "", run.line("digests"), f"the run {run.run_id} is {run.state} and has the sha256 of no file"
    gates = run.table("gates.json").get("gates") if run.native else ()
    for one in gates if isinstance(gates, list) else ():
        if isinstance(one, dict) and one.get("state") == "failed":
            name = str(one.get("name"))
            if run.succeeded or all(ran.succeeded for ran in run.commands if ran.name == name):
                yield "gates.json", None, f"gates.json of the run {run.run_id} has {name} as failed"


def _changed_files(run: RunRecord, in_tree: bool) -> Iterator[tuple[str, int | None, str]]:
    """Yield each file that differs from the run's record, once."""
    ended = [one for one in run.commands if run.native and one.exit_code is not None]
    results = {one.response: "" for one in ended if one.response}
    logs = {one.log: one.log_digest for one in run.commands if one.log and one.log_digest}
    wrong = set()
    for name, digest in {**results, **logs, **run.digests}.items():
        found, what = run.digest(name), f"{shortened(name, 80)} of the run {run.run_id}"
        # Git may ignore logs and other texts, and what only the run's machine needs.
        is_result = name.endswith(".json") and "control/" not in name
        if found is None and (is_result or not in_tree):
            yield "", run.line("digests", name), f"{what} is gone"
        elif found is not None and digest and found != digest:
            wrong.add(name)
            yield name, None, f"{what} is not the file that the run has left"
    for number, one in enumerate(run.commands):
        is_judged = one.response not in wrong and run.digest(one.response) is not None
        code = run.table(one.response).get("exit_code")
        if is_judged and code != one.exit_code:
            line = run.line("commands", number)
            yield "", line, f"{one.name} ended with {one.exit_code} here, and with {code} in {one.response}"


class ForbiddenAgentMode(Rule):
    r"""A run's agent had high trust or a model that is not allowed.

    In the agent's command, high-trust options such as `--yolo` must be in `allow_flags` of `[agents.<name>]`.
    The model must fit `[models]`, and the approval policy `approval_policies` of `[runs]`.

    Why is this bad? Such an agent asks nobody, and nothing holds it back.

    How to fix it: repeat the run without that option, or allow it by name.

    See also: `forbidden-model`

    ```text
    error: .runs/12/1/manifest.json:2: the agent of the run 12/1 called the model 'gemini-3-flash',
      which may not be used: '(?i)flash' denies it
    ```

    ```toml fails
    policy = '''
    [models]
    deny = ["(?i)flash"]

    [runs]
    keep = "tree"
    gates = ["tests"]

    [agents.codex]
    command = ["codex", "exec", "-"]
    '''

    [[commits]]
    message = "docs: runs"

    [commits.files]
    ".runs/12/1/manifest.json" = '''
    {"task_id": "12", "status": "succeeded",
     "command": ["codex", "exec", "--sandbox", "danger-full-access", "-m", "gemini-3-flash", "-"]}
    '''

    [[expect]]
    code = "RUN005"
    path = ".runs/12/1/manifest.json"
    line = 2
    message = "had danger-full-access"

    [[expect]]
    code = "RUN005"
    path = ".runs/12/1/manifest.json"
    message = "the model 'gemini-3-flash'"
    ```

    ```toml passes
    policy = '''
    [runs]
    keep = "tree"
    gates = ["tests"]

    [agents.codex]
    command = ["codex", "exec", "-"]
    allow_flags = ["danger-full-access"]
    '''

    [[commits]]
    message = "docs: runs"

    [commits.files]
    ".runs/12/1/manifest.json" = '''
    {"task_id": "12", "status": "succeeded",
     "command": ["codex", "exec", "--sandbox", "danger-full-access", "-"]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN005"
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "every agent worked in a mode and with a model that the policy allows"

    def check(
        self,
        run_records: RunRecords,
        agents: Mapping[str, AgentSettings],
        models: Models,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Check the words of each agent's command."""

        def forbidden(run: RunRecord, _: Sequence[Commit]) -> Iterator[Finding]:
            found: dict[str, tuple[str, tuple[str | int, ...], str]] = {}
            for name, words, place in run.agents:
                for what, setting in (*_trust_flags(run, name, words, agents), *_bad_models(words, models)):
                    found.setdefault(what, (setting, place, what))
            field = "approval_policy"
            for above, table in (((), run.value), (("agent",), run.value.get("agent"))):
                asked = table.get(field) if isinstance(table, dict) else None
                if isinstance(asked, str) and asked not in run_records.settings.approval_policies:
                    what = f"had the approval policy {shortened(asked, 80)!r}, which the policy does not name"
                    found[what] = "runs.approval_policies", (*above, field), f"approval {asked}"
            step = "Do it again without that, or let the policy allow it by name."
            for what, (setting, place, key) in found.items():
                message = f"the agent of the run {run.shown} {what}"
                yield run.finding(message, step, f"{run.shown} {key}", *place, setting=setting)

        yield from judge_runs(commits, run_records, forbidden)


def _trust_flags(
    run: RunRecord, name: str, words: Sequence[str], agents: Mapping[str, AgentSettings]
) -> Iterator[tuple[str, str]]:
    """Yield the words of high trust that are not allowed, each with the setting that could allow it."""
    programs = [word.rpartition("/")[2] for word in words[:4]]
    own = (one for one in agents if agents[one].command[0].rpartition("/")[2] in programs or one in programs)
    known = name if name in agents else next(own, "")
    for word in run.high_trust(words, agents[known].allow_flags if known else ()):
        setting = f"agents.{known}.allow_flags" if known else "agents"
        yield f"had {word}, which nothing asks about and nothing holds", setting


def _bad_models(words: Sequence[str], models: Models) -> Iterator[tuple[str, str]]:
    """Yield the models that are not allowed, each with the setting that refuses it."""
    from specguard.rules import model_words

    for name in model_words.models_in(words):
        if (refused := models.refusal(*model_words.forms_of(name))) is not None:
            yield f"called the model {name!r}, which may not be used: {refused[0]}", refused[1]
