"""An evaluation: samples judged, commands run in them, all of it compared and kept as a run."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any, Final

from specguard.change.git import Git
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.evaluation.expectations import OwnAuthority, read_own
from specguard.evaluation.samples import (
    AssetCommand,
    Sample,
    Samples,
    Snapshot,
    open_snapshot,
    read_expected,
    store_expected,
)
from specguard.executor.lifecycle import end_of, finish
from specguard.executor.process import passed_on, run_command
from specguard.executor.run import Run, RunEnded, RunOptions, begin_alone, find_checkout
from specguard.model import EXIT_NO_VERDICT
from specguard.reporters.escape import json_text
from specguard.runs import manifests
from specguard.runs.manifests import MANIFEST
from specguard.runs.settings import RunSettings
from specguard.testing.running import finding_text, flatten, pair

SCHEMA: Final = "specguard.evaluation/1"


class Evaluated(Record, frozen=False):
    """A sample with what came of it.

    Attributes:
        sample: the sample.
        object_id: the commit that the snapshot is; empty if it could not be read.
        missing: expected findings that are not there, in words.
        unexpected: findings that nobody expects, in words.
        others: what else is not as expected.
        commands: what each command came to.
        warnings: what does not count, such as a snapshot that is old.
        problem: why nothing can be said of it; empty if something can.
        found: how many findings there are.
        updated: whether what is found is what is expected from now on.
    """

    sample: Sample
    object_id: str = ""
    missing: list[str] = []
    unexpected: list[str] = []
    others: list[str] = []
    commands: list[dict[str, Any]] = []
    warnings: list[str] = []
    problem: str = ""
    found: int = 0
    updated: bool = False

    @property
    def state(self) -> str:
        """`as-expected`, `different`, or `unknown` where nothing can be said of it."""
        if self.problem:
            return "unknown"
        return "different" if self.missing or self.unexpected or self.others else "as-expected"

    @property
    def data(self) -> dict[str, Any]:
        """All of it, as `evaluation.json` has it."""
        sample = self.sample
        told = ("name", "path", "version", "source", "revision", "refresh_by")
        found = ("missing", "unexpected", "others", "commands", "warnings", "updated")
        return {
            **{name: str(getattr(sample, name) or "") or None for name in told},
            "object_id": self.object_id or None,
            "declared_object_id": sample.object_id or None,
            "state": self.state,
            "problem": self.problem or None,
            "findings": self.found,
            **{name: getattr(self, name) for name in found},
        }


KIND: Final = "eval"
"""The kind of item that such a run has in its manifest."""

FILE: Final = "evaluation.json"
"""The file in the run's folder that says what came of each sample."""

TOP: Final = "SPECGUARD_TOP"
"""The variable by which a command finds the repository whose assets it applies."""


def evaluate(
    samples: Samples,
    chosen: Sequence[Sample],
    options: RunOptions,
    *,
    update: bool = False,
) -> dict[str, Any]:
    """Judge samples by the authority of the working tree, and keep what came of it as a run.

    Args:
        samples: what is declared beside the samples.
        chosen: the samples.
        options: where the repository and its runs are.
        update: whether what is found is stored as what is expected.

    Returns:
        The run and each of its samples, as `evaluation.json` has them.

    Raises:
        SpecguardError: there is no checkout, authority or commit, or the run cannot be recorded.
    """
    repository, root = find_checkout(options)
    own = read_own(root)
    if repository.head is None:
        raise SpecguardError(
            "there is no commit yet that the run could name as its start", help="git commit", code="no-commit"
        )
    kept = options.runs(own.policy, root)
    item = chosen[0].name if len(chosen) == 1 else "all" if len(chosen) == len(samples.samples) else "several"
    with Git(repository) as git:
        run = begin_alone(
            git,
            own.policy,
            options,
            manifests.Item(kind=KIND, id=item),
            root=kept,
            base=(repository.branch or "HEAD").removeprefix("refs/heads/"),
            base_oid=repository.head,
        )
        work = _Evaluator(run, own, samples, root, update)
        done: list[Evaluated] = []

        def judge() -> None:
            with TemporaryDirectory(prefix="specguard-eval-") as scratch:
                for sample in chosen:
                    with run.step(f"sample {sample.name}") as step:
                        one = work.evaluate(sample, os.path.join(scratch, sample.name))
                        step.detail = one.problem or f"{one.state}, {one.found} findings"
                    done.append(one)
            if reason := _flaws(done):
                raise RunEnded(reason)

        end = end_of(judge, "specguard eval")
        data = {
            "schema": SCHEMA,
            "run_id": run.folder.run_id,
            "manifest": MANIFEST,
            "state": end.state if end else "succeeded",
            "samples": [one.data for one in done],
        }
        run.folder.write(FILE, json_text(data) + "\n")
        end = finish(run, end)
        if end is not None and end.message != _flaws(done):
            said = f"the evaluation ended early: {end.message}"
            raise SpecguardError(said, help=end.help, code=end.code)
    return {**data, "manifest": run.folder.file(MANIFEST)}


class _Evaluator(Record):
    """The common inputs of all samples."""

    run: Run
    own: OwnAuthority
    samples: Samples
    root: str
    update: bool

    def evaluate(self, sample: Sample, scratch: str) -> Evaluated:
        """Judge a sample, and run the commands that are for it."""
        done = Evaluated(sample)
        today = datetime.datetime.now(datetime.UTC).date()
        if sample.refresh_by is not None and today > sample.refresh_by:
            late = (today - sample.refresh_by).days
            done.warnings.append(
                f"it was to be refreshed by {sample.refresh_by}, {late} day{'' if late == 1 else 's'} ago"
            )
            self.run.manifest.notes.append(f"{sample.name}: {done.warnings[-1]}")
        try:
            with open_snapshot(sample, self.own, scratch) as snapshot:
                done.object_id = snapshot.oid
                if sample.object_id and not snapshot.oid.startswith(sample.object_id.lower()):
                    done.others.append(
                        f"the snapshot is {snapshot.oid}, and {sample.object_id} is what is declared"
                    )
                self._judge(snapshot, done, f"{scratch}-cache")
                named = sample.name
                asked = [one for one in self.samples.commands if named in (one.samples or (named,))]
                folder = snapshot.check_out() if asked and not done.problem else ""
                for command in asked if folder else ():
                    self._run_one(command, snapshot, folder, done)
        except RunEnded:
            raise
        except SpecguardError as error:
            where = f"{error.path}: " if error.path and error.path not in error.message else ""
            done.problem = f"{where}{error.message}{f' ({error.help})' if error.help else ''}"
        return done

    def _judge(self, snapshot: Snapshot, done: Evaluated, cache: str) -> None:
        outcome = snapshot.judge(cache, self.samples.ignore)
        evidence = f"samples/{done.sample.name}/report.json"
        self.run.folder.write(evidence, outcome.stdout)
        try:
            report, found = outcome.report, outcome.report.get("findings", [])
        except AssertionError:
            done.problem = "the check gave no report"
            return
        done.found = len(found)
        self.run.manifest.judgements.append(
            manifests.Judgement(
                attempt=1,
                tree=snapshot.tree,
                verdict=report["verdict"],
                exit_code=outcome.exit_code,
                findings=[one["fingerprint"] for one in found
                          if one["severity"] == "error" and one["state"] == "open"],
                report=evidence,
                policy_id=self.own.policy.policy_id,
            )
        )  # fmt: skip
        if outcome.exit_code >= EXIT_NO_VERDICT:
            said = [error["message"] for error in report.get("errors", ())]
            said += [rule["reason"] for rule in report.get("rules", ()) if rule["state"] == "indeterminate"]
            done.problem = f"no verdict: {'; '.join(filter(None, said))}"
            return
        self._compare(done, found)

    def _compare(self, done: Evaluated, found: Sequence[Mapping[str, Any]]) -> None:
        sample = done.sample
        if self.update:
            store_expected(sample, [flatten(one) for one in found])
            done.updated = True
        expected = read_expected(sample)
        if expected is None:
            done.problem = (
                f"nothing is stored that it could be compared with: {sample.expected} "
                "(`specguard eval --update` stores what is found)"
            )
            return
        missing, left = pair(expected, found)
        done.missing += [finding_text(expected[at]) for at in missing]
        done.unexpected += [finding_text(one, whole=True) for one in left]

    def _run_one(self, command: AssetCommand, snapshot: Snapshot, folder: str, done: Evaluated) -> None:
        settings: RunSettings = self.own.policy.declared("run_settings")
        environment = {
            **passed_on(self.run.options.environment, settings.environment),
            TOP: self.root,
            "GIT_CEILING_DIRECTORIES": os.path.dirname(folder),
        }
        record = run_command(
            self.run,
            f"{command.name} {done.sample.name}",
            command.run,
            kind="gate",
            source="document",
            cwd=folder,
            timeout=command.timeout or None,
            tree=snapshot.tree,
            environment=environment,
        )
        if record.exit_code != command.exit_code or record.problem:
            done.others.append(
                f"{command.name}: {record.problem or f'exit code {record.exit_code}'}, "
                f"expected {command.exit_code} ({record.log})"
            )
        done.commands.append(
            {
                "name": command.name,
                "number": record.number,
                "exit_code": record.exit_code,
                "expected": command.exit_code,
                "changed": snapshot.changed(),
            }
        )


def _flaws(done: Sequence[Evaluated]) -> str:
    """The samples that are not as expected; empty if there are none."""
    parts = [
        f"{what}: {', '.join(names)}"
        for what, state in (("not known", "unknown"), ("not as expected", "different"))
        if (names := [one.sample.name for one in done if one.state == state])
    ]
    return "; ".join(parts)
