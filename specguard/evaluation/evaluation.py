"""Evaluation of a policy on sample repositories: check each one, run commands in it, compare and record.

A sample declares its location, its snapshot and the expected findings.
"""

from __future__ import annotations

import datetime
import os
import shlex
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any, Final

from specguard.authority.layers import Merged, SettingProblem
from specguard.authority.validate import read_settings, table_model
from specguard.change.check_request import resolve
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.declaration.rule import Settings, required, setting
from specguard.documents.toml import toml_value
from specguard.errors import Needed, SeveralErrors, SpecguardError, unknown, usage
from specguard.evaluation.policy_tests import OwnAuthority, placing, read_file, read_own
from specguard.executor.process import run_command
from specguard.executor.run import Run, RunEnded, RunOptions
from specguard.executor.run_control import begin_without_agent, record_end, run_to_end
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, Record, counted, grouped
from specguard.reporters.escape import json_text
from specguard.reporters.file_writing import replace_file
from specguard.reporters.json import fields_of
from specguard.runs import manifests
from specguard.runs.manifests import MANIFEST
from specguard.testing.case import Case
from specguard.testing.case_file import CaseError
from specguard.testing.repository import GitError, Repository, Step, to_bytes
from specguard.testing.running import Mismatch, compare, flatten, run_here
from specguard.work.gates import safe_name

SAMPLES_FILE = "evaluation/samples.toml"
"""The file that declares samples, relative to the root of the repository whose policy is applied."""

KEPT_KEYS = ("code", "path", "line", "field")
"""The keys of a finding that are stored as an expectation."""

_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
_ORIGIN = "https://example.org/sample.git"


class Sample(Settings):
    """A sample repository; its paths are absolute once the file of samples is read."""

    name: str = required("its name, also that of its evidence", pattern=_NAME)
    path: str = required("the repository, bare or not, or a bundle, from the folder of the file")
    expected: str = setting("", "the file of expected findings; by default NAME.expected.toml")
    version: str = setting("", "the version of the snapshot, in any form")
    source: str = setting("", "its origin")
    object_id: str = setting("", "the commit of the snapshot; empty for `HEAD`", pattern="^[0-9a-f]{7,64}$")
    refresh_by: str = setting(
        "", "the last day on which the snapshot counts as fresh", check=datetime.date.fromisoformat
    )

    def within(self, folder: str) -> Sample:
        """Return the sample with absolute paths, if they are relative to a folder."""
        paths = {"path": self.path, "expected": self.expected or f"{self.name}.expected.toml"}
        found = {name: os.path.normpath(os.path.join(folder, path)) for name, path in paths.items()}
        return self.with_values(**found)


class AssetCommand(Settings):
    """A command that is run in a checkout of each sample, such as one that applies an asset."""

    name: str = required("its name in reports", pattern=_NAME)
    run: str = required("the command, for a shell")
    exit_code: int = setting(0, "the expected exit code")


class SampleFile(Settings):
    """The file that declares samples."""

    samples: Sequence[Sample] = setting([], "the samples")
    commands: Sequence[AssetCommand] = setting([], "the commands")


class Samples(SampleFile):
    """The declared samples and commands, in the file's order.

    Attributes:
        file: the path of the file, which may be missing.
    """

    file: str

    def chosen(self, given: Sequence[str]) -> list[Sample]:
        """Return the samples with the given names or paths; all declared samples by default.

        A path does not have to be declared; without a name, the sample has that of its folder.

        Raises:
            SpecguardError: nothing is declared, a name is unknown, or two samples have the same name.
        """
        if not given:
            if not self.samples:
                message = "there is no sample to evaluate"
                help = "name a repository, or declare samples there as [[samples]]"
                raise SpecguardError(message, path=self.file, help=help, code="unknown-name")
            return list(self.samples)
        found = dict.fromkeys(map(self._find, given))
        paths = {one.name: one.path for one in self.samples}
        for one in found:
            if (other := paths.setdefault(one.name, one.path)) != one.path:
                # They would share the file of expected findings, and the evidence.
                step = "declare both as [[samples]], each with a name of its own"
                raise usage(f"{one.path} and {other} are both called {one.name!r}", step)
        return list(found)

    def _find(self, given: str) -> Sample:
        place = os.path.realpath(given)
        for sample in self.samples:
            if given == sample.name or place == os.path.realpath(sample.path):
                return sample
        if not os.path.exists(given):
            names = [sample.name for sample in self.samples]
            raise unknown("sample", given, names, "name a repository or a bundle by its path")
        name = safe_name(os.path.basename(place).lstrip("_") or "sample")
        stem = name.removesuffix(".git").removesuffix(".bundle") or name
        return Sample(name=stem, path=place).within(os.path.dirname(self.file))


def read_samples(file: str) -> Samples:
    """Read a file of samples; a missing file declares none.

    Raises:
        SpecguardError: it cannot be read, or is invalid.
    """
    if not os.path.lexists(file):
        return Samples(file=file)
    merged = Merged([read_file(file, "the file of samples")])
    values, problems = read_settings(table_model(SampleFile), merged)
    samples = [one.within(os.path.dirname(file)) for one in values.get("samples", ())]
    for table in ("samples", "commands"):
        names = [one.name for one in values.get(table, ())]
        for at, name in enumerate(names):
            if name in names[:at]:
                message = f"two {table} are called {name!r}"
                problems.append(SettingProblem(message, merged.origin((table, at, "name"))))
    for one in problems:
        one.code = "broken-case"
    if problems:
        raise SeveralErrors(problems, "the file of samples")
    return Samples(**{**values, "samples": samples}, file=file)


def read_expected(sample: Sample) -> list[dict[str, Any]] | None:
    """Read the expected findings of a sample; None if nothing is stored yet.

    Raises:
        SpecguardError: the file does not have the format that `store_expected` writes.
    """
    if not os.path.lexists(sample.expected):
        return None
    written = read_file(sample.expected, "the file of what is expected")
    help = "correct it, or take it away: `specguard eval --update` then writes what is found"
    with placing(written, help, "unreadable-file"):
        # A truncated file must not count as one that expects nothing.
        if not written.data:
            raise CaseError("it has no `expect`, such as `expect = []`")
        if other := next((key for key in written.data if key != "expect"), ""):
            raise CaseError(f"it has another key than `expect`: {other!r}", other)
        case = Case.from_toml(written.data)
    return [dict(one) for one in case.expect or ()]


def store_expected(sample: Sample, findings: Sequence[Mapping[str, Any]]) -> None:
    """Store the current findings of a sample as the expected ones.

    Raises:
        SpecguardError: the existing file has another format, or the file cannot be written.
    """
    file = sample.expected
    # A file without expectations belongs to somebody else; this raises for it.
    read_expected(sample)
    lines = ["# What the policy finds in this sample; `specguard eval --update` writes it.", "expect = ["]
    for finding in findings:
        keys = {key: finding[key] for key in KEPT_KEYS if finding.get(key) is not None}
        lines.append(f"  {toml_value(keys)},")
    replace_file(file, "\n".join([*lines, "]", ""]), with_folder=True)


INAPPLICABLE = ("CMT", "BRN", "PRQ", "WRK", "APR", "CFG", "PTH004")
"""The rules about commits, branches, pull requests, work and the policy, none of which a snapshot has."""


def open_snapshot(sample: Sample, authority: OwnAuthority, folder: str) -> Repository:
    """Open a sample in a scratch repository; the sample itself is only read, never run or changed.

    There it is a change that adds all of its files to a case's base, which has the authority. The `names` of
    the repository have the snapshot's commit as `sample`, and as `tree` the judged tree: that of the commit
    with the authority's documents.

    Args:
        sample: the sample.
        authority: the authority that judges it.
        folder: an empty or missing folder for the scratch repository.

    Raises:
        SpecguardError: the repository, bundle or commit does not exist.
        GitError: git cannot read it.
    """
    path = sample.path
    if os.path.isfile(path):
        # Git reads a bundle as it does a repository.
        path = f"{folder}.git"
        Repository(os.path.dirname(folder), create=False).git("clone", "-q", "--mirror", sample.path, path)
    try:
        located = Located.locate(path, os.environ)
        with Git(located) as git, Needed():
            oid = resolve(git, sample.object_id or "HEAD").oid
    except SpecguardError as error:
        # The original help is about the current folder.
        error.help = "name a repository or a bundle with this commit: `git bundle create FILE HEAD main`"
        raise
    case = Case(base=[Step("chore: the authority")], branch="sample", origin=_ORIGIN)
    repository = authority.with_authority(case).build(folder, located.format)
    info = repository.git_dir / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_bytes(os.fsencode(os.path.abspath(located.objects)) + b"\n")
    documents = to_bytes(repository.git("ls-tree", "-r", "-z", "main"))
    repository.git("read-tree", f"{oid}^{{tree}}")
    # `--replace`: the sample may have a folder at the path of a document.
    repository.git("update-index", "--add", "--replace", "-z", "--index-info", stdin=documents)
    tree = repository.git("write-tree", "--missing-ok")
    head = repository.git("commit-tree", tree, "-p", "main", "-m", "chore: the sample")
    repository.ref("refs/heads/sample", head)
    repository.names.update(sample=oid, tree=tree)
    return repository


SCHEMA: Final = "specguard.evaluation/1"


class SampleResult(Record, frozen=False):
    """A sample with its results.

    Attributes:
        sample: the sample.
        object_id: the commit of the snapshot; empty if it could not be read.
        differences: the differences from the expectation.
        commands: the result of each command.
        warnings: remarks that do not count, such as an old snapshot.
        problem: the reason why it could not be judged; empty if it could.
        finding_count: the number of findings.
        updated: True if the findings are now stored as the expected ones.
    """

    sample: Sample
    object_id: str = ""
    differences: list[Mismatch] = []
    commands: list[dict[str, Any]] = []
    warnings: list[str] = []
    problem: str = ""
    finding_count: int = 0
    updated: bool = False

    @property
    def state(self) -> str:
        """`as-expected`, `different`, or `unknown` if it could not be judged."""
        if self.problem:
            return "unknown"
        return "different" if self.differences else "as-expected"

    @property
    def data(self) -> dict[str, Any]:
        """The record in `evaluation.json`."""
        sample = self.sample
        sample_keys = ("name", "path", "version", "source", "refresh_by")
        texts = grouped((one.kind, one.what) for one in self.differences)
        return {
            **{name: str(getattr(sample, name) or "") or None for name in sample_keys},
            "object_id": self.object_id or None,
            "declared_object_id": sample.object_id or None,
            "state": self.state,
            "problem": self.problem or None,
            "findings": self.finding_count,
            "missing": texts.get("missing", []),
            "unexpected": texts.get("unexpected", []),
            "others": texts.get("other", []),
            **fields_of(self, "commands", "warnings", "updated"),
        }


KIND: Final = "eval"
"""The kind of item in the manifest of an evaluation's run."""

TOP: Final = "SPECGUARD_TOP"
"""The environment variable with the repository whose assets a command applies."""


def evaluate(
    samples: Samples, chosen: Sequence[Sample], options: RunOptions, *, update: bool
) -> tuple[dict[str, Any], int]:
    """Judge samples by the authority of the working tree, and record the results as a run.

    Args:
        samples: all declared samples, and the commands to run in them.
        chosen: the samples to judge.
        options: the locations of the repository and its runs.
        update: True to store the findings as the expected ones.

    Returns:
        The run and its samples, as in `evaluation.json`, and the exit code.

    Raises:
        SpecguardError: the checkout, authority or commit is missing, or the run cannot be recorded.
    """
    repository = options.checkout()
    root = repository.work_tree()
    authority = read_own(root)
    item = chosen[0].name if len(chosen) == 1 else "all" if len(chosen) == len(samples.samples) else "several"
    with Git(repository) as git:
        branch = (repository.branch or "HEAD").removeprefix("refs/heads/")
        base = manifests.Repository(base=branch, base_oid=resolve(git, "HEAD").oid)
        entry = manifests.Item(kind=KIND, id=item)
        with begin_without_agent(git, authority.policy, options, entry, base) as run:
            run.again = "specguard eval"
            evaluator = _Evaluator(run, authority, samples, root, update)
            results: list[SampleResult] = []

            def judge() -> None:
                with TemporaryDirectory(prefix="specguard-eval-") as scratch:
                    for number, sample in enumerate(chosen):
                        with run.step(f"sample {sample.name}") as step:
                            one = evaluator.evaluate(sample, os.path.join(scratch, str(number)))
                            step.detail = one.problem or f"{one.state}, {one.finding_count} findings"
                        results.append(one)

            early = end = run_to_end(judge, run.again)
            if end is not None:
                end.exit_code = EXIT_NO_VERDICT
            elif reason := _failures(results):
                known = all(one.state != "unknown" for one in results)
                end = RunEnded(reason, exit_code=EXIT_FAILED if known else EXIT_NO_VERDICT)
            data = {
                "schema": SCHEMA,
                "run_id": run.folder.run_id,
                "manifest": MANIFEST,
                "state": end.state if end else "succeeded",
                "samples": [one.data for one in results],
            }
            run.folder.write("evaluation.json", json_text(data) + "\n")
            recorded = record_end(run, end)
            if recorded is not None and (early or recorded is not end):
                message = f"the evaluation ended early: {recorded.message}"
                raise SpecguardError(message, help=recorded.help, code=recorded.code)
    return {**data, "manifest": run.folder.file(MANIFEST)}, end.exit_code if end else EXIT_PASSED


class _Evaluator(Record):
    """The inputs that all samples share."""

    run: Run
    authority: OwnAuthority
    samples: Samples
    root: str
    update: bool

    def evaluate(self, sample: Sample, scratch: str) -> SampleResult:
        """Judge a sample, and run the commands that are for it."""
        result = SampleResult(sample)
        today = datetime.datetime.now(datetime.UTC).date()
        last = datetime.date.fromisoformat(sample.refresh_by) if sample.refresh_by else today
        if today > last:
            warning = f"it was to be refreshed by {last}, {counted((today - last).days, 'day')} ago"
            result.warnings.append(warning)
            self.run.manifest.notes.append(f"{sample.name}: {warning}")
        try:
            snapshot = open_snapshot(sample, self.authority, scratch)
            result.object_id = snapshot.names["sample"]
            self._judge(snapshot, result, f"{scratch}-cache")
            if self.samples.commands:
                snapshot.checkout(result.object_id, detach=True)
            for command in self.samples.commands:
                self._run_one(command, snapshot, result)
        except RunEnded:
            raise
        except (CaseError, GitError) as error:
            message = str(error).splitlines()[0]
            result.problem = f"{sample.path}: the sample {sample.name} cannot be read: {message}"
        except SpecguardError as error:
            place = error.place or ("" if result.object_id else sample.path)
            where = f"{place}: " if place not in error.message else ""
            result.problem = f"{where}{error.message}{f' ({error.help})' if error.help else ''}"
        return result

    def _judge(self, snapshot: Repository, result: SampleResult, cache: str) -> None:
        """Check the snapshot, through the command's entry point in this process, and compare the findings.

        Raises:
            SpecguardError: the check has no verdict, or no expected findings are stored.
        """
        outcome = run_here(
            "check",
            f"--ignore={','.join(INAPPLICABLE)}",
            "--output-format=json",
            directory=snapshot.path,
            env={"XDG_CACHE_HOME": cache},
        )
        sample, evidence = result.sample, f"samples/{result.sample.name}/report.json"
        self.run.folder.write(evidence, outcome.stdout)
        report, found = outcome.report, outcome.report.get("findings", [])
        result.finding_count = len(found)
        self.run.manifest.judgements.append(
            manifests.Judgement(
                attempt=1,
                tree=snapshot.names["tree"],
                verdict=report["verdict"],
                exit_code=outcome.exit_code,
                findings=[one["fingerprint"] for one in found
                          if one["severity"] == "error" and one["state"] == "open"],
                report=evidence,
                policy_id=self.authority.policy.policy_id,
            )
        )  # fmt: skip
        if outcome.exit_code >= EXIT_NO_VERDICT:
            why = [error["message"] for error in report.get("errors", ())]
            why += [rule["reason"] for rule in report.get("rules", ()) if rule["state"] == "indeterminate"]
            raise SpecguardError(f"no verdict: {'; '.join(filter(None, why))}")
        if self.update:
            store_expected(sample, [flatten(one) for one in found])
            result.updated = True
        if (expected := read_expected(sample)) is None:
            message = f"nothing is stored that it could be compared with: {sample.expected}"
            named = sample.name if sample in self.samples.samples else sample.path
            step = f"`{self.run.again} --update {shlex.quote(named)}` stores what is found"
            raise SpecguardError(message, help=step)
        result.differences += compare(expected, found)

    def _run_one(self, command: AssetCommand, snapshot: Repository, result: SampleResult) -> None:
        folder = str(snapshot.path)
        record = run_command(
            self.run,
            f"{command.name} {result.sample.name}",
            command.run,
            kind="gate",
            source="document",
            cwd=folder,
            tree=snapshot.names["tree"],
            variables={TOP: self.root, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder)},
        )
        if record.exit_code != command.exit_code or record.problem:
            ended = record.problem or f"exit code {record.exit_code}"
            what = f"{command.name}: {ended}, expected {command.exit_code} ({record.log})"
            result.differences.append(Mismatch("other", what))
        # Ignored files are left out.
        changed = snapshot.process("status", "--porcelain=v1", "-z", "--no-renames").stdout
        paths = sorted(one[3:].decode("utf-8", "backslashreplace") for one in changed.split(b"\0") if one)
        fields = {"name": command.name, **fields_of(record, "number", "exit_code")}
        result.commands.append({**fields, "expected": command.exit_code, "changed": paths})


def _failures(results: Sequence[SampleResult]) -> str:
    """Return the samples that are not as expected, as a message; empty if all are."""
    parts = [
        f"{what}: {', '.join(names)}"
        for what, state in (("not known", "unknown"), ("not as expected", "different"))
        if (names := [one.sample.name for one in results if one.state == state])
    ]
    return "; ".join(parts)
