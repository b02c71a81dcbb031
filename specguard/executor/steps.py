"""The steps of a run in their order, from its start to its pull request.

A dry run describes them, with the brief that the run's agent would read.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from specguard.change.check_request import read_bounded
from specguard.change.entries import text_digest
from specguard.declaration.patterns import Covering
from specguard.documents.data import DATA_LIMIT
from specguard.engine.trusted_policy import open_policy
from specguard.errors import MissingFact, SpecguardError, incomplete
from specguard.executor.agent import BRIEF, brief_text, resolve_agent, run_agent, take_results, write_brief
from specguard.executor.check import finish_branch, judge, judge_commit, prove_guard, rebase_onto, unmark_plan
from specguard.executor.commit import commit, hash_tree, hooks_of, message_of, scope_of
from specguard.executor.gates import describe_gate, run_gates
from specguard.executor.item_choice import item_taken, shares_branch, task_of
from specguard.executor.preflight import BOUND_FACTS, DraftRun, bound_facts, check, draft_run, landed_error
from specguard.executor.process import response_of
from specguard.executor.push import body_of, check_remote, find_new_tip, open_pull_request, push, request_of
from specguard.executor.report import REPORT, rendered
from specguard.executor.run import ROUND_STEPS, Run, RunEnded, RunOptions, Say, check_progress, count_round
from specguard.executor.side_effects import inspect, make_place
from specguard.executor.start_point import find_clash
from specguard.model import EXIT_FAILED, EXIT_PASSED, Record

_MOST_GATE_ROUNDS: Final = 3
"""The largest number of times that formatters and hooks may alter each other's files before they must agree.
"""

_MOST_PUSHES: Final = 5
"""The number of times that a run tries to catch up with other runs on its branch."""


class Step(Record):
    """A step of a run.

    Attributes:
        name: the step's name.
        describe: returns the lines of a dry run about the step.
        do: does the step; a returned text is recorded, and False means that the step is not complete yet. The
            first and the last step are done outside of `Line`, and the agent's two steps by its own methods.
    """

    name: str
    describe: Callable[[DraftRun], list[str]]
    do: Callable[[Run], object] = lambda _: None


def _describe_preflight(draft: DraftRun) -> list[str]:
    manifest, pinned, shown = draft.manifest, draft.manifest.repository, draft.source.address.shown
    branch, tip = manifest.branch, pinned.tip
    ref = draft.source.ref(pinned.base)
    fetched = f"{ref} is at {pinned.base_oid} as of the last fetch, and this plan is made from it"
    return [
        f"fetch refs/heads/{pinned.base} from {shown}: {fetched}",
        f"item {draft.item}, document {manifest.item.document or manifest.item.plan or 'none'}; "
        + (f"branch {branch} goes on from {tip}" if tip else f"{shown} has no branch {branch}"),
    ]


def _describe_place(draft: DraftRun) -> list[str]:
    return [f"a repository of its own at {draft.manifest.repository.start}, with no remote and no refs"]


def _make_guarded_place(run: Run) -> str:
    """Make the run's own repository, in which the guard must refuse an edit."""
    make_place(run)
    return prove_guard(run)


def _describe_agent(draft: DraftRun) -> list[str]:
    agent = resolve_agent(draft.policy, draft.options, check_program=False).to_record(draft)
    return [f"{shlex.join(agent.command)} (up to {draft.manifest.max_attempts} times)"]


def _describe_check(draft: DraftRun) -> list[str]:
    hooks = [f"the hooks of {one}" for one in hooks_of(draft.git.repository, draft.start.documents.tree)]
    return [*hooks, f"the rules of the policy {draft.policy.policy_id[:12]}"]


def _describe_push(draft: DraftRun) -> list[str]:
    address = draft.source.address
    to = "this repository, which has no remote" if address.is_local else address.shown
    return [f"refs/heads/{draft.manifest.branch} to {to}"]


def _describe_pull_request(draft: DraftRun) -> list[str]:
    address = draft.source.address
    command = request_of(draft, address).command or ""
    opened_by = address.installed_command(draft.options.environment)
    printed = draft.item.settings.submit or ("" if opened_by else command)
    return [f"printed: {printed}" if printed else command]


LINE: Final = (
    Step("preflight", _describe_preflight),
    Step("place", _describe_place, _make_guarded_place),
    Step("brief", lambda draft: [draft.folder.file(BRIEF)], write_brief),
    Step("agent", _describe_agent),
    Step("inspect", lambda _: ["what the agent did beside changing files"]),
    Step("gates", lambda draft: [describe_gate(gate) for gate in draft.gates.gates] or ["none"], run_gates),
    Step("check", _describe_check, judge),
    Step("commit", lambda draft: [message_of(draft).split("\n", 1)[0]], commit),
    Step("push", _describe_push, push),
    Step("pull-request", _describe_pull_request, open_pull_request),
    Step("report", lambda draft: [draft.folder.file(REPORT)]),
)
"""The steps in their order."""

STEPS: Final = tuple(step.name for step in LINE)
_BY_NAME: Final = dict(zip(STEPS, LINE, strict=True))


class Line(Record, frozen=False):
    """The steps of one run under way, done in their order.

    Attributes:
        run: the run.
        say: prints the name of each step.
        resumed: True if the agent's next round was begun before, so that it is already counted.
        agent_worked: True if the agent has worked in this process.
    """

    run: Run
    say: Say
    resumed: bool
    agent_worked: bool = False

    def from_step(self, first: str) -> None:
        """Do all steps, beginning with a given one.

        Raises:
            RunEnded: a step ends the run, or the last requested step is done.
        """
        start, agent, commit = map(STEPS.index, (first, "agent", "commit"))
        for name in STEPS[start:agent]:
            self._do_step(name)
        if start < commit:
            self._rounds(first if first in ROUND_STEPS else "agent")
        if start <= commit:
            self._commit()
        elif self.run.made_place is not None:
            # Without the place, only the remote's commit is left, which was judged before.
            self._do_step("check", lambda: judge_commit(self.run))
        if start <= STEPS.index("push"):
            self._push()
        self._do_step("pull-request")

    def _run_agent(self) -> None:
        with self._checking_remote():
            run_agent(self.run, resumed=self.resumed)

    def _inspect(self) -> bool:
        """Inspect the place and the remote: the agent must have changed files, and done nothing else.

        Returns:
            False if nothing is changed, and the agent has yet to work in this process.
        """
        run = self.run
        with self._checking_remote():
            inspect(run)
        check_remote(run)
        if not self.agent_worked:
            take_results(run)
        changed = hash_tree(run) != run.place.git.commit(run.place.base).tree
        if self.agent_worked and not changed:
            agent = run.manifest.commands[-1]
            again = run.folder.command("resume", *run.manifest.more_attempts)
            message = "the agent ended well and changed nothing"
            help = f"read {run.folder.file(agent.log)}, then: {again}"
            tail = "\n".join(run.feedback) or response_of(run.folder, agent).tail
            raise RunEnded(message, help=help, tail=tail, code="no-progress")
        return changed

    @contextmanager
    def _checking_remote(self) -> Iterator[None]:
        """If the run fails while the context is open, check the remote, too, so that a push is reported."""
        try:
            yield
        except RunEnded as end:
            if end.state != "killed":
                with suppress(SpecguardError, MissingFact):
                    check_remote(self.run)
            raise

    def _do_step(self, name: str, action: Callable[[], object] | None = None, *, ends: bool = True) -> object:
        """Do one step, or another function under the step's name."""
        until = self.run.options.until
        # A resumed run may be past the last requested step, which can come again within a round.
        if until and STEPS.index(until) < STEPS.index("agent" if name in ROUND_STEPS else name):
            self._stop_after(until)
        self.say(name)
        with self.run.step(name) as record:
            result = action() if action is not None else _BY_NAME[name].do(self.run)
            record.detail = record.detail or (result if isinstance(result, str) else "")
        if ends and result is not False:
            self._stop_after(name)
        return result

    def _stop_after(self, name: str) -> None:
        if name == self.run.options.until:
            words = f"it was to go on until {name} and no further"
            raise RunEnded(words, state="stopped", exit_code=EXIT_PASSED, code="step-reached")

    def _rounds(self, first: str) -> None:
        """Let the agent work until gates and rules pass, within the allowed number of rounds."""
        run, failed, self.agent_worked = self.run, "", False
        # A resumed run may have marked its plan before: the agent's work is judged without the mark.
        unmark_plan(run)
        while True:
            if first == "agent":
                if not self.resumed:
                    count_round(run, failed)
                self._do_step("agent", self._run_agent)
                self.resumed, self.agent_worked = False, True
            if first in ("agent", "inspect") and self._do_step("inspect", self._inspect) is False:
                first = "agent"
                continue
            # In a resumed run the agent may have failed or stopped, and has yet to finish its work.
            ended_well = [one.state for one in run.manifest.steps if one.name == "agent"][-1:] == ["done"]
            others_hold = ended_well and not run.feedback
            gates, rules = self._gates_and_rules(others_hold)
            if gates and rules and others_hold:
                # A plan is left to mark, or a whole branch to judge.
                if run.manifest.repository.tip is not None or task_of(run.policy, run.item) is not None:
                    self._do_step("check", lambda: finish_branch(run))
                return
            if self.agent_worked and others_hold:
                check_progress(run, only_rules=gates)
            failed = "gates" if not gates else "rules" if not rules else "results" if run.feedback else ""
            first = "agent"

    def _gates_and_rules(self, others_hold: bool = True) -> tuple[bool, bool]:
        """Run gates and the check until both have seen the same tree: hooks of the check may alter files.

        Args:
            others_hold: True if all other conditions hold.

        Returns:
            True if the gates passed, and True if the hooks and rules passed.
        """
        for _ in range(_MOST_GATE_ROUNDS):
            gates = bool(self._do_step("gates"))
            # Findings are reported together with failing gates, so that the agent can fix both in one round.
            rules = bool(self._do_step("check", ends=False))
            if not (gates and rules):
                return gates, rules
            if self.run.gate_results.get("tree") == self.run.manifest.tree:
                if others_hold:
                    self._stop_after("check")
                return True, True
        message = "the repository's hooks alter the files each time that the gates have passed on them"
        help = "have them leave alone what they have changed once, in the base, and start another run"
        raise RunEnded(message, help=help, code="hook-refused")

    def _commit(self) -> None:
        """Make the commit; what a commit-msg hook makes of the message or the files is judged first."""
        if self._do_step("commit"):
            return
        self.run.feedback = []
        if not all(self._gates_and_rules()):
            message = "what a commit-msg hook made of the change breaks the rules"
            help = f"{self.run.folder.command('report')} shows which; have the hook keep to them"
            raise RunEnded(message, help=help, exit_code=EXIT_FAILED, code="hook-refused")
        self._do_step("commit")

    def _push(self) -> None:
        """Push the commit; if other runs have pushed to the branch meanwhile, put it on top of their commits.

        Gates and rules then judge the new tree, and the agent fixes new failures.
        """
        for left in reversed(range(_MOST_PUSHES)):
            if (tip := find_new_tip(self.run)) is not None:
                self._do_step("place", partial(rebase_onto, self.run, tip))
                self._rounds("inspect")
                self._commit()
            try:
                self._do_step("push")
            except RunEnded as end:
                if end.state != "remote-moved" or not left or find_new_tip(self.run) is None:
                    raise
            else:
                return


PLAN_SCHEMA: Final = "specguard.run-plan/1"


def plan_of(options: Sequence[RunOptions]) -> dict[str, Any]:
    """Return the plan of consecutive runs, based on the last fetch, as data for JSON.

    Args:
        options: the options of each run.

    Returns:
        The runs, with notes on those that cannot work in parallel; `fingerprint` covers their items, bases,
        scopes and gates.

    Raises:
        SpecguardError: a run would not begin, as far as can be determined without the remote.
    """
    jobs: list[dict[str, Any]] = []
    scopes: list[tuple[str, Covering | None]] = []
    of_one_item: dict[str, str] = {}
    for one in options:
        with draft_run(one) as draft:
            check(draft)
            policy, item = draft.policy, draft.item
            scope, shared = scope_of(policy, item), shares_branch(policy, item)
            job = _plan_job(draft)
        label, branch, paths = f"{item.kind} {item.id}", job["branch"], scope.paths if scope else None
        if branch in of_one_item:
            message = f"{of_one_item[branch]} and {label} have one branch, {branch}"
            help = 'merge the first one before, or let a branch hold a plan, with `unit = "commit"`'
            raise item_taken(message, help)
        if not shared:
            of_one_item[branch] = label
        for other, theirs in scopes:
            if reason := find_clash(other, theirs, label, paths):
                job["notes"].append(f"not beside {other}: {reason}")
        scopes.append((label, paths))
        jobs.append(job)
    return {"schema": PLAN_SCHEMA, "fingerprint": _fingerprint(jobs), "jobs": jobs}


def _fingerprint(jobs: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of what an approval of these jobs is bound to."""
    parts = [{name: job[name] for name in BOUND_FACTS} for job in jobs]
    return text_digest(json.dumps(parts, sort_keys=True, separators=(",", ":")))


def read_plan(file: str) -> dict[str, Mapping[str, Any]]:
    """Return the jobs of an approved plan, by their items, such as `phase 12`.

    Args:
        file: the file, with what `plan_of` returned as JSON.

    Raises:
        SpecguardError: the file cannot be read, or does not have a plan that `plan_of` returned.
    """
    content = read_bounded(file, DATA_LIMIT, "the approved plan")
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        plan = json.loads(content)
        if plan["fingerprint"] == _fingerprint(plan["jobs"]):
            return {f"{job['item']['kind']} {job['item']['id']}": job for job in plan["jobs"]}
    message = "it is not a plan as --dry-run prints it"
    help = "write it with --dry-run --output-format json, and change nothing in it"
    raise SpecguardError(message, help=help, path=file, code="unreadable-file")


def plan_text(plan: Mapping[str, Any]) -> str:
    """Return the plan as text for a person."""
    return rendered("plan.txt", jobs=plan["jobs"], width=max(map(len, STEPS))).rstrip("\n")


def _plan_job(run: DraftRun) -> dict[str, Any]:
    """Return the plan of one run."""
    source, manifest, until = run.source, run.manifest, run.options.until
    pinned = manifest.repository
    request = request_of(run, source.address)
    opened_by = source.address.installed_command(run.options.environment)
    last = STEPS.index(until) if until in STEPS else len(STEPS)
    return {
        **bound_facts(run),
        "below": pinned.below,
        "base_ref": source.ref(pinned.base),
        "remote": source.address.shown,
        "commit_message": message_of(run),
        "title": request.title,
        "body": body_of(run),
        "agent": resolve_agent(run.policy, run.options).to_record(run).model_dump(),
        "run_folder": run.folder.path,
        "format_all": run.gates.format_all or None,
        "max_attempts": manifest.max_attempts,
        "timeout": manifest.timeout,
        "pull_request": {"command": request.command, "opened_by": opened_by or None},
        "steps": [
            {
                "name": step.name,
                "does": step.describe(run) if at <= last or step.name == "report" else ["not reached"],
            }
            for at, step in enumerate(LINE)
        ],
        "notes": [f"{one.path}:{one.line} {one.text!r} is not run: {one.why}" for one in run.gates.not_read],
    }


def brief_of(options: RunOptions) -> str:
    """Return the page that an agent of a run would read, made from the base of the last fetch.

    Args:
        options: the options of the run; without a kind, the policy's only kind is used. Nothing is written.

    Raises:
        SpecguardError: the item or the policy is missing, or the item lacks data that a run needs.
    """
    if not options.kind:
        kinds: list[str] = list(open_policy(options.request()).declared("work_kinds"))
        if len(kinds) != 1:
            names = ", ".join(kinds) or "no work items"
            step = " or ".join(f"specguard brief {one}" for one in kinds)
            raise incomplete(f"the policy describes {names}", step or "describe one: a table [work.<kind>]")
        options = options.with_values(kind=kinds[0])
    with draft_run(options) as draft:
        landed = landed_error(draft)
        return (f"> **Note:** {landed.message}; {landed.help}.\n\n" if landed else "") + brief_text(draft)
