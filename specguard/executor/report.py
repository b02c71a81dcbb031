"""The reports of runs, for people: the report of one run, and the metrics of all.

A report lists the changes, the failures with their fixes, and the remaining work. The metrics count the runs,
their durations and ends, and the done items for which a reviewer has evidence.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import groupby
from statistics import median
from typing import Any, Final

from specguard.change.base import FoundBase
from specguard.change.check_request import Revision
from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.ranges import RangeChange
from specguard.change.repository import PastCommit, Repository
from specguard.engine.done_claims import Claims
from specguard.engine.facts import Facts
from specguard.errors import MissingFact, Needed, SpecguardError, if_known
from specguard.executor.command_output import TAIL
from specguard.executor.commit import PATCH_FILE
from specguard.executor.item_choice import switch_command
from specguard.executor.process import response_of
from specguard.executor.run import Run, RunOptions
from specguard.executor.start_point import fetched_base
from specguard.model import Record, grouped, path_text, shortened
from specguard.reporters.escape import markdown_span, markdown_templates, visible_lines
from specguard.reporters.status import duration
from specguard.runs.files import IGNORE, folder_of
from specguard.runs.manifests import Command, Judgement, Manifest, RunFolder
from specguard.runs.proof import Claim, Flaw, RunProof
from specguard.runs.store import RunStore
from specguard.work.changes import unreverted
from specguard.work.gates import change_kind
from specguard.work.item_lists import Listed, Sources, match_items
from specguard.work.kinds import Names, Passes, normal_id

REPORT: Final = "report.md"
"""The file of the report, in the run's folder."""

ERROR: Final = "error.json"
"""The file with the reason why a run ended early, in the run's folder."""

GATES_FILE: Final = "gates.json"
"""The file, `specguard.gates/1`, in the run's folder: each gate of the last round, run or not."""

_LONGEST: Final = 300
_TAIL_LINES: Final = 12
"""The number of lines to show of a failed command's output."""

_STILL_FAILS: Final = "it fails still"
_STILL_OPEN: Final = "it is still open"


class Failure(Record):
    """A command or rule that failed, and its further history.

    Attributes:
        what: the command, or the rule.
        said: the way in which it failed.
        round: the round in which it first failed.
        after: its further history, such as its fix.
        tail: the last lines of the command's output, without secrets; empty for a rule.
    """

    what: str
    said: str
    round: int
    after: str
    tail: str = ""


def write_report(run: Run, final: Manifest) -> None:
    """Write `report.md` in the run's folder, without secrets; with `--compact`, cut the logs.

    Args:
        run: the run.
        final: the final manifest, as it will be written after the report.

    Raises:
        SpecguardError: the report cannot be written.
    """
    changed = None
    if run.made_place is not None and run.manifest.tree is not None:
        with suppress(MissingFact, CommandError, OSError):
            entries = run.place.git.diff_trees(run.place.base, run.manifest.tree)
            changed = [(os.fsdecode(one.path), change_kind(one)) for one in entries]
    text = RunReport(final, run.folder).text(changed).encode("utf-8", "surrogateescape")
    run.folder.write(REPORT, run.redactor.redact_bytes(text))
    if run.options.compact:
        compact(run)


class RunReport(Record):
    """The report of a run, however far it has come; unreadable files in its folder are left out.

    Attributes:
        manifest: the run's record.
        folder: the run's folder.
    """

    manifest: Manifest
    folder: RunFolder

    def text(self, changed: Sequence[tuple[str, str]] | None = None) -> str:
        """Return the report as a page of Markdown.

        Args:
            changed: the files that the run changed, each with `added`, `modified` or `deleted`; None if
                unknown.
        """
        return page("report.md", report=self, manifest=self.manifest, changed=changed, outcome=outcome)

    @property
    def skipped(self) -> Sequence[Mapping[str, Any]]:
        """The gates of the last round that did not run."""
        gates = self.folder.data_or_empty(GATES_FILE).get("gates")
        known = gates if isinstance(gates, list) else []
        return [one for one in known if isinstance(one, dict) and one.get("skipped")]

    @cached_property
    def failures(self) -> Sequence[Failure]:
        """The commands and rules that failed, with what became of them."""
        return [*self.failed_commands(), *self._findings()]

    @property
    def still_failing(self) -> Sequence[str]:
        """The failures that were not fixed: one line each, and the last lines of the output."""
        return [
            line
            for one in self.failures
            if one.after in (_STILL_FAILS, _STILL_OPEN)
            for line in (f"{one.what}: {one.said}", *(f"  {line}" for line in one.tail.splitlines()))
        ]

    @property
    def last_output(self) -> str:
        """The last lines of the output that ended the run; empty if a failure shows them already."""
        error = self.folder.data_or_empty(ERROR)
        number, judging = error.get("command"), self.manifest.judging
        shown = self.still_failing if number is None else any(one.number == number for one in judging)
        return "" if shown else _last_lines(str(error.get("tail") or ""))

    def failed_commands(self) -> Iterator[Failure]:
        """Yield each gate or hook that failed, once, with the round in which it passed."""
        for runs in grouped(((one.name, one.command), one) for one in self.manifest.judging).values():
            if not (failed := [one for one in runs if not one.succeeded]):
                continue
            after, last = _STILL_FAILS, failed[-1]
            if runs[-1] is not last:
                after = _fixed(last, runs[runs.index(last) + 1])
            elif last.attempt < self.manifest.attempts:
                # A gate of certain files runs only for those that are still there, and still changed.
                after = "it was not run again"
            tail = _last_lines(str(self.folder.data_or_empty(last.response).get("tail") or ""))
            # Where its copy is, and how it is started, says nothing to a reader.
            what = f"{last.name} hook" if last.kind == "hook" else last.command
            yield Failure(what, outcome(failed[0]), failed[0].attempt, after, tail)

    def _findings(self) -> Iterator[Failure]:
        """Yield each finding that stopped a round, once, with the round in which it was gone."""
        judgements = self.manifest.judgements
        first = {fingerprint: one for one in reversed(judgements) for fingerprint in one.findings}
        last = {fingerprint: at for at, one in enumerate(judgements) for fingerprint in one.findings}
        for judgement in judgements:
            report = self.folder.data_or_empty(judgement.report).get("findings")
            known = report if isinstance(report, list) else []
            findings = {str(one.get("fingerprint")): one for one in known if isinstance(one, dict)}
            for fingerprint in [one for one in judgement.findings if first[one] is judgement]:
                finding = findings.get(fingerprint, {})
                seen, *gone = judgements[last[fingerprint] :]
                yield Failure(
                    what=f"{finding.get('code', 'a rule')} {finding.get('name', '')}".strip(),
                    said=shortened(str(finding.get("message", "")), _LONGEST),
                    round=judgement.attempt,
                    after=_fixed(seen, gone[0]) if gone else _STILL_OPEN,
                )

    def todos(self) -> Iterator[Mapping[str, str]]:
        """Yield what is left to do: a `text` each, with a command or path (`code`) or a step (`said`)."""
        manifest, folder = self.manifest, self.folder
        error, request, patch = folder.data_or_empty(ERROR), manifest.pull_request, folder.file(PATCH_FILE)
        if manifest.state in ("pending", "running"):
            yield {"text": "It has not ended", "code": folder.command("status")}
        if suggestion := str(error.get("suggestion") or ""):
            yield {"text": f"It ended in the step {error.get('step')}; next", "said": suggestion}
        elif manifest.state in ("stopped", "killed") and manifest.reason and manifest.agent:
            yield {"text": "To go on with the steps that are left", "code": folder.command("resume")}
        if manifest.state == "stopped" and manifest.place and not manifest.pushed and os.path.isfile(patch):
            yield {"text": "Its files", "code": manifest.place}
            yield {"text": "Its patch", "code": patch}
        if manifest.pushed and manifest.branch:
            yield from _branch_commands(manifest, manifest.branch)
        if request is not None and request.state == "printed" and request.command:
            hint = f" of {manifest.branch}, unless it has one: that has the commit now"
            shared = hint if manifest.repository.tip is not None else ""
            yield {"text": f"Open the pull request{shared}", "code": request.command}
        elif request is not None and request.url:
            yield {"text": "Review and merge the pull request", "code": request.url}
        if manifest.state == "succeeded" and request is None:
            yield {"text": "Nothing"}


def outcome(command: Command) -> str:
    """Return the end of a command, in a few words."""
    if command.timed_out:
        return "ended by its time limit"
    if (code := command.exit_code) is None:
        return "did not end"
    ending = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ending}: {command.problem}" if command.problem else ending


def _fixed(failed: Command | Judgement, passed: Command | Judgement) -> str:
    """Return what became of a failure, by what saw it last and what saw that it was gone."""
    by_agent = passed.attempt > failed.attempt and passed.tree != failed.tree
    return f"{'the agent fixed it' if by_agent else 'it passed when it ran again'} in round {passed.attempt}"


def _last_lines(tail: str) -> str:
    return "\n".join(line[:_LONGEST] for line in tail.rstrip().splitlines()[-_TAIL_LINES:])


def _branch_commands(manifest: Manifest, branch: str) -> Iterator[Mapping[str, str]]:
    """Yield what checks the run's branch out, and what commits the run's folder there, if runs are kept."""
    of = manifest.repository
    switch = switch_command(branch, of.remote_name, new=of.tip is None)
    if not manifest.kept:
        yield {"text": "To look at it here", "code": switch}
        return
    # Git reads `:/` as the root, in whatever folder this is typed.
    folder = shlex.quote(f":/{manifest.kept}")
    ignore = shlex.quote(f":/{manifest.kept.rsplit('/', 2)[0]}/{IGNORE}")
    # An earlier run may have brought that file to the branch: git does not replace one that is not added.
    yield {"text": "To look at it here", "code": switch if of.tip is None else f"git add {ignore}; {switch}"}
    # A hook needs it staged to judge the message. That file may have gone with the branch of an earlier run.
    yield {"text": "Add the run there", "code": f"git add {ignore}; git add {folder}"}
    message = shlex.quote(f"chore(runs): keep {manifest.item.kind}-{manifest.item.id} {manifest.run_id}")
    # What else is staged stays so, and so do changes of other runs.
    commit = f"git commit -m {message} {folder} $(git ls-files {ignore})"
    push = f" && git push {shlex.join([of.remote_name, branch])}" if of.remote_name else ""
    yield {"text": "Commit it behind its item", "code": f"{commit}{push}"}


def page(name: str, **values: Any) -> str:
    """Return a page from a template, as `rendered` does, without repeated empty lines."""
    text = rendered(name, **values)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip("\n") + "\n"


def rendered(name: str, **values: Any) -> str:
    """Return the text that a template makes.

    Args:
        name: the name of the template, such as `brief.md`.
        values: the template's variables. Text from outside goes through one of the filters there: `code`,
            `text` or `fenced`. Pages for agents, who read the source text, use `span` and `plain`.
    """
    filters = {"fenced": fenced, "command": command, "duration": duration}
    return markdown_templates("specguard.executor", **filters).get_template(name).render(**values)


def fenced(text: str, indent: int = 0) -> str:
    """Return a text of several lines as a fenced block, which no line in it can end."""
    lines = visible_lines(text).rstrip("\n").split("\n")
    runs = (len(list(run)) for line in lines for sign, run in groupby(line) if sign == "~")
    fence = "~" * max(3, max(runs, default=0) + 1)
    return "\n".join(" " * indent + line for line in (f"{fence}text", *lines, fence))


def command(text: str, indent: int = 0) -> str:
    """Return a command as a code span, or as a fenced block if it has several lines."""
    whole = text.strip()
    return markdown_span(whole) if "\n" not in whole else f"\n{fenced(whole, indent)}\n"


def compact(run: Run) -> None:
    """Cut the log of every command that is longer than its tail; the result keeps the tail, too.

    The digests in the manifest and in the results are those of the shortened logs.

    Raises:
        SpecguardError: a file cannot be written.
    """
    for command in run.manifest.commands:
        file = run.folder.file(command.log)
        if command.log_digest is None or not os.path.isfile(file) or os.path.getsize(file) <= TAIL:
            continue
        response = response_of(run.folder, command)
        run.folder.write(command.log, f"{response.tail}\n")
        command.log_digest = response.log_digest = run.folder.digest(command.log)
        response.cut = True
        run.folder.write(command.response, response.as_json())
    run.save()


METRICS: Final = "specguard.run-metrics/1"


def metrics(store: RunStore, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the metrics of a repository's runs, for JSON.

    Args:
        store: the runs.
        environment: the process's environment variables.

    Raises:
        SpecguardError: the trusted base is missing, or cannot be read.
    """
    runs = store.runs()
    items = list(_done_items(store, environment))
    covered = [item for item in items if not item["problem"]]
    durations = sorted(run.duration for run in runs if run.duration is not None and run.ended is not None)
    # A command of an evaluation, which has no agent, may be expected to fail.
    work = [one for one in (run.manifest for run in runs) if one and (one.agent or one.item.kind != "eval")]
    counts = Counter((one.name, one.succeeded) for run in work for one in run.judging)
    attempts = [run.attempts for run in work if run.attempts]
    return {
        "schema": METRICS,
        "runs": len(runs),
        "unreadable": sum(bool(run.problem) for run in runs),
        "states": dict(sorted(Counter(run.state for run in runs).items())),
        "seconds": {
            "total": round(sum(durations), 1),
            "median": round(median(durations), 1) if durations else None,
            "longest": round(durations[-1], 1) if durations else None,
        },
        "gates": {
            name: {"passed": counts[name, True], "failed": counts[name, False]}
            for name in sorted({name for name, _ in counts})
        },
        "attempts": {
            "mean": round(sum(attempts) / len(attempts), 2) if attempts else None,
            "most": max(attempts, default=None),
        },
        "coverage": {
            # Rounded down, because a limit is compared with it.
            "percent": 1000 * len(covered) // len(items) / 10 if items else None,
            "covered": covered,
            "uncovered": [item for item in items if item["problem"]],
        },
    }


def _done_items(store: RunStore, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the items that are done or ticked in the base, as the rules count them.

    Yields:
        A dict with four keys. `label` is the item's name for people, and `commit` the commit that did it.
        `run` is the run that proves it, as `<kind>-<id>/<run-id>` or as the path of a manifest. `problem` is
        the reason why a reviewer cannot rely on that run. A value that does not exist is empty.
    """
    options = RunOptions(environment=environment)
    with Git(Repository.locate("", environment)) as git:
        found, policy = fetched_base(git, options)
        if policy and policy.base:
            # As in a check, the policy may name another base.
            found, _ = fetched_base(git, options, policy.base)
        if not found.oid:
            help = "commit on the base's branch, or fetch it"
            raise SpecguardError("there is no base to look at", help=help, code="no-base")
        with Needed():
            policy = options.trusted_policy(git, found.name, found.oid)
            base = FoundBase(found.name, found.oid, "option", f"refs/heads/{found.name}")
            change = RangeChange(git, options.request(all=True), base, head=Revision(found.oid))
            facts = Facts(change, policy)
            facts.root = store.root
            # Without a required grade of evidence, a run must still be evidence for the item's commit.
            facts.least_grade = policy.declared("run_settings").grade or "observed"
            yield from _DoneItems(facts, facts.get("claims"), facts.get("run_proof")).items()


class _DoneItems(Record):
    """Finds done items, and asks the rules' function for their evidence."""

    facts: Facts
    claims: Claims
    proof: RunProof

    def items(self) -> Iterator[dict[str, str]]:
        policy, history = self.facts.policy, self.facts.change.history
        kinds, passes = policy.declared("work_kinds"), Passes.of_policy(policy)
        names = Names(kinds)
        sources = Sources(kinds, documents=self.facts.get("documents"), passes=passes)
        landed: dict[tuple[str, bytes, str], tuple[PastCommit, str]] = {}
        for commit, naming in unreverted(history.mentioning(names.literals()), names, history):
            found = self._narrow(match_items(sources.of(naming.kind), naming.id, naming.fields), commit)
            # A subject that could mean items of several lists is not assigned to one of them.
            path, item_id = (found[0].source.path, found[0].id) if len(found) == 1 else (b"", naming.id)
            landed.setdefault((naming.kind, path, normal_id(item_id)), (commit, naming.item))
        items = (one for source in sources.all for one in source.items)
        listed = {(one.source.kind, one.source.path, normal_id(one.id)): one for one in items}
        for key, (commit, label) in sorted(landed.items()):
            cited, one = list(self._cited_runs(commit)), listed.get(key)
            yield self._row(
                self.claims.of_listed(one, cited, commit.oid) if one
                else Claim(label=label, kind=key[0], ids=[key[2]], cited=cited, commit=commit.oid)
            )  # fmt: skip
        rest = (one for one in self.claims.done if (one.kind, one.path, normal_id(one.ids[0])) not in landed)
        yield from map(self._row, [*rest, *(claim for _, claim in self.claims.ticks)])

    def _narrow(self, found: Sequence[Listed], commit: PastCommit) -> Sequence[Listed]:
        """Of the items that a commit's subject may mean, keep those of its run's or of a touched plan."""
        runs = [if_known(partial(self.proof.records.at, path), None) for _, path in self._cited_runs(commit)]
        plans = {run.plan for run in runs if run is not None}
        if len(found) > 1 and not plans:
            plans = {path_text(one.path) for one in self.facts.change.git.commit(commit.oid).own_entries}
        return [one for one in found if path_text(one.source.path) in plans] or found

    def _row(self, claim: Claim) -> dict[str, str]:
        try:
            flaw = self.proof.judge(claim, by_run=True)
        except MissingFact as missing:
            reason = "there is no such run" if claim.cited else "no run shows it"
            flaw = Flaw(reason if missing.code == "not-told" else missing.reason)
            flaw.run = claim.cited[0][0] if claim.cited else ""
        good = (name for name, one in self.proof.run_flaws(claim) if one is None)
        # The text of a tick contains the name of its run.
        label = claim.label.partition(claim.cited[0][0])[0] if claim.cited else claim.label
        return {
            "label": label.rstrip(" :(`") or claim.label,
            "commit": claim.commit,
            "run": if_known(lambda: next(good, ""), "") if flaw is None else flaw.run,
            "problem": flaw.reason if flaw else "",
        }

    def _cited_runs(self, commit: PastCommit) -> Iterator[tuple[str, bytes]]:
        """Yield the runs that a commit's message names, each with the path of its manifest.

        In a message that a squash joined from several, trailers are further up.
        """
        records = self.proof.records
        for line in commit.message.split("\n"):
            key, _, name = line.partition(":")
            if key.casefold() == records.settings.trailer.casefold() and (place := folder_of(name)):
                yield name.strip(), records.record_in(records.settings.folder + place)
