"""Rules about what runs prove: that items are done, and that learning assets were built and tested."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, judge_each, path_text, shortened
from specguard_rules.runs._cited import cited, run_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final

    from specguard.rules import Claims, Commit, Entry, RunProof, RunRecords
    from specguard.runs.proof import Claim
    from specguard.runs.record import RunRecord
    from specguard_rules.artifacts._tables import Assets

_NEXT: Final = (
    "Run `specguard run gates` for the item on what is there now and name its manifest, or take it back."
)
_NAME: Final = "Name the item in the tick, as '- [x] ID: ...', or in a heading above it."


class UncoveredItem(Rule):
    r"""A done item lacks evidence of the required grade.

    An agent says so (`claimed`), a runner saw it (`observed`), or specguard ran it (`re-run`). `grade` of
    `[runs]` is the least that counts. Judged are items, tasks, specs in the index and ticked checklist items
    that the change closes. The run succeeded and names no other item. From `observed` up it names this one,
    and [its tree must fit](../runs.md#what-a-proof-is-bound-to).

    Why is this bad? Everybody can say that something is done.

    How to fix it: name a run's manifest that shows it, or take the status back.

    See also: `unproven-checkbox`, `unverified-done`

    ```text
    error: slices.json:2: slice s1 is done, and no run shows it
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s2/1/manifest.json" = '{"task_id": "s2", "status": "succeeded"}'
    "slices.json" = '''
    {"slices": [
      {"id": "s1", "status": "done"},
      {"id": "s2", "status": "done"},
      {"id": "s3", "status": "open"}]}
    '''

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 2
    message = "no run shows it"

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 3
    message = "is claimed and not observed"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s1/1/manifest.json" = '''
    {"task_id": "s1", "status": "succeeded", "tree": "7838acf372af973a8c675495457130ffad773dda"}
    '''
    ".runs/slice-s1/1/runner.log" = "started\n"
    "slices.json" = '{"slices": [{"id": "s1", "status": "done"}]}'
    ```
    """

    code: ClassVar[str] = "RUN007"
    name: ClassVar[str] = "uncovered-item"
    tables: ClassVar[tuple[str, ...]] = ("runs.grade",)
    condition: ClassVar[str] = "every item that is done has evidence of the grade that is asked for"

    def check(
        self,
        run_records: RunRecords,
        run_proof: RunProof,
        claims: Claims,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Weigh the evidence of what is done, but of the item whose run is under way."""

        def uncovered(claim: Claim) -> Iterator[Finding]:
            flaw, ticked = run_proof.judge(claim), claim.status == "ticked"
            # ART006 says where a tick has no evidence at all, and PLN003 where a task of a plan has none.
            if flaw is not None and (flaw.bound or not (ticked or claims.is_planned(claim))):
                label = repr(shortened(claim.label)) if ticked else claim.label
                message, step = f"{label} is {claim.status}, and {flaw}", _NEXT if claim.ids else _NAME
                yield Finding(
                    message, help=step, path=claim.path, line=claim.line, key=claim.key, setting="runs.grade"
                )

        under_way = [one for one in commits or () if one.oid == run_records.under_way]
        names = [name.rpartition("/")[0] for one in under_way for name in run_names(one, run_records)]
        done = [one for one in claims.done if not {f"{one.kind}-{item}" for item in one.ids} & {*names[:1]}]
        yield from judge_each([*done, *(claim for _, claim in claims.ticks)], uncovered)


class UnprovenAsset(Rule):
    r"""No run logged a changed asset's build and test.

    `proofs` of `[assets]` names the commands. A succeeded run has each, ended with 0, with a log beside the
    manifest. It used the tree of a commit at or after the asset's change. Without such a run the rule is
    indeterminate; without any runs it is skipped.

    Its folder has the files of `run_files`, its manifest the keys of `run_keys`, each with a value or `[]`.
    In a manifest without a status, `validations` count:
    `{"command": "npm test", "status": "passed", "log_path": "test.log"}`.

    Why is this bad? Agents reuse assets without looking twice.

    How to fix it: build and test it in a run, and commit its folder with the logs.

    See also: `unregistered-asset`

    ```text
    error: patterns/emit.ts changes, and no run that the change brings has logged its test
    ```

    ```toml fails
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    proofs = ["build", "test"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "feat: emit"

    [commits.files]
    "patterns/emit.ts" = "a\n"
    ".runs/0001/1/01-build.log" = "built\n"
    ".runs/0001/1/manifest.json" = '''
    {"status": "succeeded", "commands": [
      {"command": "npm run build", "exit_code": 0, "log": "01-build.log"},
      {"command": "npm test", "exit_code": 1, "log": "02-test.log"}]}
    '''

    [[expect]]
    code = "RUN010"
    path = "patterns/emit.ts"
    message = "no run that the change brings has logged its test"
    ```

    ```toml passes
    policy = '''
    [assets]
    paths = ["patterns/**"]
    index = "patterns/index.json"
    proofs = ["build", "test"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "feat: emit"

    [commits.files]
    "patterns/emit.ts" = "a\n"
    ".runs/0001/1/01-build.log" = "built\n"
    ".runs/0001/1/02-test.log" = "passed\n"
    ".runs/0001/1/manifest.json" = '''
    {"status": "succeeded", "commands": [
      {"command": "npm run build", "exit_code": 0, "log": "01-build.log"},
      {"command": "npm test", "exit_code": 0, "log": "02-test.log"}]}
    '''
    ```
    """

    code: ClassVar[str] = "RUN010"
    name: ClassVar[str] = "unproven-asset"
    tables: ClassVar[tuple[str, ...]] = ("assets.proofs",)
    condition: ClassVar[str] = (
        "every learning asset that changes was built and tested by a run that logged it"
    )

    def check(
        self,
        assets: Assets,
        run_records: RunRecords,
        run_proof: RunProof,
        entries: Sequence[Entry],
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Look for the build and test of each asset that changes."""
        if run_records.under_way:
            raise NotApplicable("the run is under way: what it shows is judged once it has ended")
        own = {one.encode("utf-8", "surrogateescape") for one in (assets.index, assets.table, assets.samples)}
        paths = [one.path for one in entries if not one.deleted and one.path not in own]
        changed = sorted(paths[position] for position, _ in assets.paths.find_each(paths))
        if not changed:
            return
        runs, named, missing = _runs(commits or (), run_records)
        last = _last_changes(changed, commits or ())
        shown = {
            since: _shown(assets, run_proof, [one.tree for one in (commits or ())[since:]], runs)
            for since in set(last.values())
        }
        every = [
            proof for proof in assets.proofs if any(proof in lacking for lacking, _, _ in shown.values())
        ]
        if every and missing is not None:
            raise missing
        if every and not (named or run_records.in_tree):
            weak = next((weak for _, weak, _ in shown.values() if weak), "")
            raise run_records.unseen(f"a run that has logged the {' and '.join(every)} of this change{weak}")
        for path in changed:
            lacking, weak, _ = shown[last[path]]
            if lacking:
                what = f"no run that the change brings has logged its {' and '.join(lacking)}{weak}"
                message = f"{path_text(path)} changes, and {what}"
                step = (
                    "Let `specguard run gates --command CMD` run them, and commit its folder with the logs."
                )
                yield Finding(message, help=step, path=path, key="unproven", setting="assets.proofs")
        for _, run in sorted({run.folder: run for _, _, bare in shown.values() for run in bare}.items()):
            files, keys = _lacking(run, assets)
            lacks = " and no ".join([*files, *(f"{one!r} in its manifest" for one in keys)])
            yield Finding(
                f"the run {run_records.shown(run)}, which shows an asset, has no {lacks}",
                help="Add that, or let `specguard run gates --command CMD` make the run.",
                path=run_records.path(run),
                key=f"bare {run_records.shown(run)}",
                setting=f"assets.{'run_files' if files else 'run_keys'}",
            )


def _runs(
    commits: Sequence[Commit], records: RunRecords
) -> tuple[list[RunRecord], set[bytes], MissingFact | None]:
    """The runs that may show assets, the folders of those that commits name, and what is missing."""
    runs = {run.folder: run for run in (records.touched if records.in_tree else records.all)}
    named: set[bytes] = set()
    missing: MissingFact | None = None
    try:
        for one in cited(commits, records):
            if one.run is not None:
                runs.setdefault(one.run.folder, one.run)
                named.add(one.run.folder)
    except MissingFact as fact:
        missing = fact
    trees = {commit.tree for commit in commits}
    # Of the runs beside the check those count that are of this change.
    every = records.in_tree or not commits
    counting = [
        run
        for run in runs.values()
        if every or run.folder in named or any(one.tree in trees for one in run.commands)
    ]
    return counting, named, missing


def _shown(
    assets: Assets, proof: RunProof, trees: Sequence[str], runs: Sequence[RunRecord]
) -> tuple[list[str], str, list[RunRecord]]:
    """The proofs that no run shows on some trees, a run of too low a grade, and runs that lack a file."""
    weak = ""
    lacking: list[str] = []
    bare: list[RunRecord] = []
    for gate in assets.proofs:
        claim, as_claimed = (
            proof.claim("the asset", gate, trees, least=least, logged=True)
            for least in (proof.records.settings.grade, "claimed")
        )
        showing = [run for run in runs if proof.flaw(run, claim) is None]
        if not showing:
            lacking.append(gate)
            low = next((run for run in runs if proof.flaw(run, as_claimed) is None), None)
            weak = f" (the run {proof.records.shown(low)} {proof.flaw(low, claim)})" if low else weak
        elif all(any(_lacking(run, assets)) for run in showing):
            bare.append(showing[0])
    return lacking, weak, bare


def _lacking(run: RunRecord, assets: Assets) -> tuple[Sequence[str], Sequence[str]]:
    """The files, and the keys of its manifest, that a run must have and has not."""

    def says(key: str) -> bool:
        value: Any = run.value
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        # An empty list is an answer, an empty text is none.
        return bool(value) or isinstance(value, list)

    keys = [[one] if isinstance(one, str) else one for one in assets.run_keys]
    return (
        [name for name in assets.run_files if run.digest(name) is None],
        [names[0] for names in keys if not any(map(says, names))],
    )


def _last_changes(paths: Sequence[bytes], commits: Sequence[Commit]) -> Mapping[bytes, int]:
    """The number of the commit that changes each path last; 0 where none of them tells."""
    last = dict.fromkeys(paths, 0)
    for number, commit in enumerate(commits):
        last.update((entry.path, number) for entry in commit.own_entries if entry.path in last)
    return last
