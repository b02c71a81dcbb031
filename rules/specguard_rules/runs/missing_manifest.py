"""RUN001: commits of work items that name no run, or one whose manifest is not there."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Rule, shortened
from specguard_rules.runs._cited import cited, names_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, RunRecords, Stage, Work


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("runs.require",)
    condition: ClassVar[str] = "every commit of a work item that needs a run names one that left its manifest"

    def check(self, commits: Sequence[Commit], work: Work, run_records: RunRecords) -> Iterator[Finding]:
        """Look for each commit's run."""
        yield from _unnamed(commits, work, run_records)
        missing: MissingFact | None = None
        for one in cited(commits, run_records):
            try:
                run = run_records.named(one.name)
            except MissingFact as fact:
                missing = missing or fact
                continue
            name = shortened(one.name, 80)
            if run is None:
                yield Finding(
                    f"commit {one.commit.oid[:12]} names the run {name!r}, which is not there",
                    help="Commit the folder of the run, or name the run that made the commit.",
                    commit=one.commit.oid,
                    field="commit.body",
                    key=f"no run {one.name}",
                    setting="runs.trailer",
                )
            elif run.misfit:
                yield Finding(
                    f"the run {name!r} has no manifest that can be used: {run.misfit}",
                    help="Put back the manifest that the run has written, or run it again.",
                    path=run_records.path(run),
                    commit=one.commit.oid,
                    key=f"misfit {one.name}",
                    setting="runs.require",
                )
        if missing is not None:
            raise missing


def _unnamed(commits: Sequence[Commit], work: Work, records: RunRecords) -> Iterator[Finding]:
    """The commits that should name a run and do not."""
    wanted = set(records.settings.require)
    found = {commit.oid: commit for commit in commits if not commit.is_merge}
    told = False
    for naming in work.commits:
        commit = found.get(naming.commit or "")
        if naming.kind not in wanted or commit is None or names_run(commit, records):
            continue
        told = True
        yield Finding(
            f"commit {commit.oid[:12]} is {naming.item}'s and names no run",
            help=f"Let `specguard run {naming.kind}` make it: it adds `{records.settings.trailer}: ...`.",
            commit=commit.oid,
            field="commit.body",
            key=f"unnamed {naming.item}",
            setting="runs.require",
        )
    naming_of_change = work.naming
    if told or not found or naming_of_change is None or naming_of_change.kind not in wanted:
        return
    if not any(names_run(commit, records) for commit in found.values()):
        message = f"{naming_of_change.label} is {naming_of_change.item}'s, and no commit of it names a run"
        step = f"Let `specguard run {naming_of_change.kind}` make the commit."
        key = f"unnamed {naming_of_change.item}"
        yield Finding(message, help=step, field=naming_of_change.field, key=key, setting="runs.require")
