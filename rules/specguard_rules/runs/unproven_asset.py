"""RUN010: learning assets that change without a logged build and test."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, path_text
from specguard_rules.runs._cited import cited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar

    from specguard.rules import Commit, Entry, RunProof, RunRecords, Stage
    from specguard.runs.record import RunRecord
    from specguard_rules.artifacts._tables import Assets


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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
        missing: MissingFact | None = None
        brought = run_records.touched if run_records.in_tree else run_records.all
        runs = {run.folder: run for run in brought}
        named: set[bytes] = set()
        for one in cited(commits, run_records):
            try:
                run = run_records.named(one.name)
            except MissingFact as fact:
                missing = missing or fact
                continue
            if run is not None:
                runs.setdefault(run.folder, run)
                named.add(run.folder)
        numbers = {commit.tree: number for number, commit in enumerate(commits or ())}
        if not run_records.in_tree:
            # Of the runs beside the check those count that are of this change.
            runs = {
                folder: run
                for folder, run in runs.items()
                if folder in named or not commits or any(one.tree in numbers for one in run.commands)
            }
        last = _last_changes(changed, commits or ())
        lacking_since: dict[int, list[str]] = {}
        graded: dict[int, str] = {}
        bare: dict[bytes, RunRecord] = {}
        for since in set(last.values()):
            trees = [tree for tree, number in numbers.items() if number >= since]
            lacking_since[since] = []
            for proof in assets.proofs:
                claim, as_claimed = (
                    run_proof.claim("the asset", proof, trees, least=least, logged=True)
                    for least in (run_records.settings.grade, "claimed")
                )
                showing = [run for run in runs.values() if run_proof.flaw(run, claim) is None]
                if not showing:
                    lacking_since[since].append(proof)
                    weak = [run for run in runs.values() if run_proof.flaw(run, as_claimed) is None]
                    for run in weak[:1]:
                        graded[since] = f" (the run {run_records.shown(run)} {run_proof.flaw(run, claim)})"
                elif all(any(_lacking(run, assets)) for run in showing):
                    bare[showing[0].folder] = showing[0]
        every = [proof for proof in assets.proofs if any(proof in one for one in lacking_since.values())]
        if every and missing is not None:
            raise missing
        if every and not (named or run_records.in_tree):
            proofs, weak_run = " and ".join(every), next(iter(graded.values()), "")
            raise run_records.unseen(f"a run that has logged the {proofs} of this change{weak_run}")
        for path in changed:
            lacking = lacking_since[last[path]]
            if not lacking:
                continue
            message = (
                f"{path_text(path)} changes, and no run that the change brings has logged its "
                f"{' and '.join(lacking)}{graded.get(last[path], '')}"
            )
            step = "Let `specguard run gates --command CMD` run them, and commit its folder with the logs."
            yield Finding(message, help=step, path=path, key="unproven", setting="assets.proofs")
        for _, run in sorted(bare.items()):
            files, keys = _lacking(run, assets)
            lacks = " and no ".join([*files, *(f"{one!r} in its manifest" for one in keys)])
            yield Finding(
                f"the run {run_records.shown(run)}, which shows an asset, has no {lacks}",
                help="Add that, or let `specguard run gates --command CMD` make the run.",
                path=run_records.path(run),
                key=f"bare {run_records.shown(run)}",
                setting=f"assets.{'run_files' if files else 'run_keys'}",
            )


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
