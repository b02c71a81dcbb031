"""RUN004: runs whose manifest, files, tree and commit do not agree."""

from __future__ import annotations

import json

from specguard.rules import Finding, Rule, path_text, shortened
from specguard_rules.runs._cited import TABLES, cited, judged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Documents, RunRecords
    from specguard.runs.record import RunRecord


class TamperedRun(Rule):
    r"""A run's manifest, logs, results, tree and commit do not agree.

    A manifest has the sha256 of each file and log. Findings are files that differ, results that contradict
    it, and manifests of another run or item. A succeeded run in the base may not change. A commit's tree must
    be the one its run judged last. With `keep = "tree"` of `[runs]`, logs may be missing. Wholly invented
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
    name: ClassVar[str] = "tampered-run"
    tables: ClassVar[tuple[str, ...]] = TABLES
    condition: ClassVar[str] = "what each run recorded is what is there"

    def check(
        self,
        run_records: RunRecords,
        start_documents: Documents,
        whole: bool,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare what each run recorded with what is there."""

        def tampered(run: RunRecord, commit: Commit | None) -> Iterator[Finding]:
            if run.problem or run.running:
                return
            for name, line, message in (*_itself(run), *_files(run, run_records.in_tree)):
                yield Finding(
                    message,
                    help="Put back what the run has left, or run it again.",
                    path=run_records.path(run, name),
                    line=line,
                    commit=commit.oid if commit else None,
                    key=f"{name} {run_records.shown(run)}",
                    setting="runs.require",
                )

        yield from _altered(run_records, start_documents)
        yield from judged(commits, run_records, tampered, whole=whole)
        for one in cited(commits, run_records):
            run, oid = one.run, one.commit.oid
            if run is not None and run.tree and not run.running and run.tree != one.commit.tree:
                yield Finding(
                    f"the tree of commit {oid[:12]} is not the tree that it judged last, as the run "
                    f"{run_records.shown(run)} says",
                    help="Run it again on what is committed: what it shows is about other files.",
                    path=run_records.path(run),
                    line=run.line("tree"),
                    commit=oid,
                    key=f"tree {one.name}",
                    setting="runs.trailer",
                )


def _altered(records: RunRecords, before: Documents) -> Iterator[Finding]:
    """What the change does to runs that the base has; one finding a run."""
    told = set()
    there: set[bytes] = set()
    for run, entry in records.altered(before):
        if not run.succeeded and not there:
            there = {one.folder for one in records.all}
        # A run that did not succeed may have been resumed: what it says of itself is compared with what is
        # there.
        if run.folder in told or (not run.succeeded and run.folder in there):
            continue
        told.add(run.folder)
        what = f"{'deletes' if entry.deleted else 'alters'} {path_text(entry.path)}"
        yield Finding(
            f"the change {what} of a run that is {run.state} in the base",
            help="Put back what the run has left.",
            path=entry.path,
            side=entry.side,
            key=f"altered {records.shown(run)}",
            setting="runs.keep",
        )


def _itself(run: RunRecord) -> Iterator[tuple[str, int | None, str]]:
    """What the manifest says of the run that its folder contradicts."""
    said = run.value.get("run_id")
    if said is not None and said != run.run_id:
        yield "", run.line("run_id"), f"the manifest in {run.run_id} is that of the run {str(said)[:80]!r}"
    above = run.folder.split(b"/")[0].decode("ascii", "replace")
    if run.native and run.item_folder != above:
        yield "", run.line("item"), f"the run in {above} is one of {run.kind} {run.item}"
    if run.native and not run.digests:
        yield "", run.line("digests"), f"the run {run.run_id} is {run.state} and has the sha256 of no file"


def _files(run: RunRecord, in_tree: bool) -> Iterator[tuple[str, int | None, str]]:
    """The files that are not as they were recorded; each once."""
    logs = {one.log: one.log_digest for one in run.commands if one.log and one.log_digest}
    wrong = set()
    for name, digest in {**logs, **run.digests}.items():
        found, what = run.digest(name), f"{shortened(name, 80)} of the run {run.run_id}"
        if found is None and not in_tree:
            wrong.add(name)
            yield "", run.line("digests", name), f"{what} is gone"
        elif found is not None and found != digest:
            wrong.add(name)
            yield name, None, f"{what} is not the file that the run has left"
    for number, one in enumerate(run.commands):
        content = run.read(one.response) if one.response and one.response not in wrong else None
        if content is None:
            continue
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        code = said.get("exit_code") if isinstance(said, dict) else None
        if code != one.exit_code:
            line = run.line("commands", number)
            yield "", line, f"{one.name} ended with {one.exit_code} here, and with {code} in {one.response}"
