"""What a run would do: every step with its real values, and nothing touched."""

from __future__ import annotations

import json
import os
import shlex
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from specguard.change.git import Git
from specguard.declaration.patterns import Covering
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.agent import resolve_agent
from specguard.executor.commit import hooks_of, message_of, scope_of
from specguard.executor.gates import check_tools
from specguard.executor.item import shares
from specguard.executor.remote.git import Address
from specguard.executor.remote.pull_request import (
    BODY,
    body_of,
    installed_command,
    printed_command,
    submission_of,
    title_of,
)
from specguard.executor.run import STEPS, Run, RunOptions
from specguard.executor.start.base import AsFetched, Start, start_from
from specguard.executor.start.claim import overlap
from specguard.executor.start.preflight import (
    check_free,
    check_known,
    find_checkout,
    gates_from,
    new_manifest,
    programs,
)
from specguard.reporters.escape import visible
from specguard.runs.files import item_folder, run_root
from specguard.runs.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.work.gates import PlannedGate
    from specguard.work.item import WorkItem


SCHEMA: Final = "specguard.run-plan/1"

RUN_ID: Final = "<run-id>"
"""What stands in a plan for the id that a run gets when it begins."""


class Job(Record):
    """What one run would do.

    Attributes:
        data: all of it, as JSON can hold it.
        scope: the paths that it may change; None where nothing states them.
        shares: whether its branch may hold other items, too.
    """

    data: Mapping[str, Any]
    scope: Covering | None
    shares: bool

    @property
    def label(self) -> str:
        """What messages call it."""
        item = self.data["item"]
        return f"{item['kind']} {item['id']}"


class RunPlan(Record):
    """What one or several runs would do.

    Attributes:
        jobs: each of those that would begin.
        refused: why the one after them would not; None where all would.
    """

    jobs: Sequence[Job]
    refused: SpecguardError | None = None

    @property
    def data(self) -> dict[str, Any]:
        """All of it, as JSON can hold it; `fingerprint` is of the items, their bases, scopes and gates."""
        bound = [
            {name: job.data[name] for name in ("item", "base_oid", "policy_id", "branch", "scope", "gates")}
            for job in self.jobs
        ]
        text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
        digest = sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
        return {"schema": SCHEMA, "fingerprint": digest, "jobs": [job.data for job in self.jobs]}

    @property
    def text(self) -> str:
        """The same for a person."""
        lines: list[str] = []
        for job in self.jobs:
            lines.append(f"{job.label}: {job.data['title']}")
            width = max(len(step["name"]) for step in job.data["steps"])
            for step in job.data["steps"]:
                first, *more = step["does"]
                lines.append(f"  {step['name']:<{width}}  {first}")
                lines.extend(f"  {'':<{width}}  {line}" for line in more)
            lines.extend(f"  note: {note}" for note in job.data["notes"])
            lines.append("")
        lines.append("Nothing was touched, and nothing was fetched.")
        return "\n".join(map(visible, lines)) + "\n"


def plan_of(options: Sequence[RunOptions]) -> RunPlan:
    """What runs would do one after the other, from what was fetched last.

    Args:
        options: what is asked for, of each run.

    Returns:
        The runs that would begin, as far as can be told without asking the remote, with notes on those that
            cannot work beside each other.
    """
    jobs: list[Job] = []
    try:
        for one in options:
            job = _job(one)
            for other in jobs:
                job.data["notes"].extend(_apart(other, job))
            jobs.append(job)
    except SpecguardError as error:
        return RunPlan(jobs, error)
    return RunPlan(jobs)


def _apart(one: Job, other: Job) -> Iterator[str]:
    """Why a run cannot work beside another one.

    Raises:
        SpecguardError: it cannot come after the other one either.
    """
    if one.data["branch"] == other.data["branch"] and not one.shares:
        raise SpecguardError(
            f"{one.label} and {other.label} have one branch, {one.data['branch']}",
            help='merge the first one before the other, or let a branch hold a plan, with `unit = "commit"`',
            code="item-taken",
        )
    none = next((job for job in (one, other) if job.scope is None), None)
    if none is not None:
        yield f"not beside {one.label}: {none.label} states no scope"
        return
    found = overlap(one.scope, other.scope) if one.scope is not None and other.scope is not None else None
    if found is not None:
        shared = found[0] if found[0] == found[1] else f"what {found[0]} and {found[1]} have in common"
        yield f"not beside {one.label}: {one.label} and {other.label} may both change {shared}"


def _job(options: RunOptions) -> Job:
    repository, root = find_checkout(options)
    with Git(repository) as git:
        try:
            source = AsFetched(git, options)
            start, address = start_from(source, root=root)
            if start.item is None:
                raise SpecguardError(
                    "a plan belongs to a work item", help="specguard run KIND --dry-run -- ..."
                )
            check_known(start, start.item, git, options)
            check_free(address, start.item, git)
            check_tools(programs(start, options), start.documents.tree, options.environment)
            scope = scope_of(start.policy, start.item)
            return Job(
                data=_data(start, start.item, source, address, root=root),
                scope=Covering(list(scope.patterns)) if scope else None,
                shares=shares(start.policy, start.item),
            )
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing


def _data(start: Start, item: WorkItem, source: AsFetched, address: Address, *, root: str) -> dict[str, Any]:
    git, options, ref = source.git, source.options, source.ref(start.base)
    scope = scope_of(start.policy, item)
    settings = start.policy.declared("run_settings")
    manifest = new_manifest(start, options, RUN_ID, address)
    folder = RunFolder(
        os.path.join(
            run_root(settings, options.environment, work_tree=root, given=options.run_root),
            item_folder(manifest.item.kind, manifest.item.id),
            RUN_ID,
        )
    )
    run = Run(options, folder, manifest, git=git, policy=start.policy, item=item)
    agent = resolve_agent(start.policy, options)
    gates = gates_from(start, options)
    command = installed_command(address, options.environment)
    branch = manifest.branch or ""
    title = title_of(run)
    request = printed_command(address, branch, start.into, title=title, body_file=folder.file(BODY))
    submit = submission_of(run)
    fetched = f"{ref} is at {start.oid} as of the last fetch, and this plan is made from it"
    to = "this repository, which has no remote" if address.here else address.shown
    does: dict[str, list[str]] = {
        "preflight": [
            f"fetch refs/heads/{start.base} from {address.shown}: {fetched}",
            f"item {item}, document {manifest.item.document or 'none'}; "
            + (
                f"branch {branch} goes on from {manifest.repository.tip}"
                if manifest.repository.tip
                else f"no branch {branch} here or there"
            ),
            f"open pull requests are looked for with {command}, if it is signed in"
            if command
            else "open pull requests are not looked for: there is no command line of the platform",
        ],
        "place": [
            f"a repository of its own, checked out at {manifest.repository.start}, with no remote and no refs"
        ],
        "brief": [folder.file("brief.md")],
        "agent": [f"{shlex.join(agent.recorded(run).command)} (up to {manifest.max_attempts} times)"],
        "inspect": ["what the agent did beside changing files"],
        "gates": [_gate_text(gate) for gate in gates.gates] or ["none"],
        "check": [
            *(f"the hooks of {one}" for one in hooks_of(git.repository, start.documents.tree)),
            f"the rules of the policy {start.policy.policy_id[:12]}",
        ],
        "commit": [message_of(run).split("\n", 1)[0]],
        "push": [f"refs/heads/{branch} to {to}"],
        "pull-request": [f"printed: {submit or request}" if submit or not command else request],
        "report": [folder.file("report.md")],
    }
    last = STEPS.index(options.until) if options.until in STEPS else len(STEPS)
    return {
        "item": manifest.item.model_dump(),
        "base": start.base,
        "base_oid": start.oid,
        "below": start.below.name if start.below else None,
        "base_ref": ref,
        "remote": address.shown,
        "policy_id": start.policy.policy_id,
        "branch": branch,
        "commit_message": message_of(run),
        "title": title,
        "body": body_of(run),
        "agent": agent.recorded(run).model_dump(),
        "run_folder": folder.path,
        "scope": None if scope is None else list(scope.patterns),
        "gates": [_gate_data(gate) for gate in gates.gates],
        "format_all": gates.format_all or None,
        "max_attempts": manifest.max_attempts,
        "timeout": manifest.timeout,
        "pull_request": {"command": request, "opened_by": command or None},
        "steps": [
            {"name": name, "does": does[name] if number <= last or name == "report" else ["not reached"]}
            for number, name in enumerate(STEPS)
        ],
        "notes": [f"{one.path}:{one.line} {one.text!r} is not run: {one.why}" for one in gates.not_read],
    }


def _gate_data(gate: PlannedGate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "run": gate.run,
        "kind": gate.kind,
        "named": gate.named,
        "when": list(gate.when.patterns),
        "on": list(gate.on),
        "each": gate.each,
        "timeout": gate.timeout or None,
        "wrapper": list(gate.wrapper),
    }


def _gate_text(gate: PlannedGate) -> str:
    command = f"{shlex.join(gate.wrapper)} {gate.run}" if gate.wrapper else gate.run
    when = ", ".join(gate.when.patterns)
    if not gate.when:
        says = "always"
    elif len(gate.on) < 3:
        says = f"when the change has {' or '.join(gate.on)} {when}"
    else:
        says = f"when the change touches {when}"
    each = ", once for each file" if gate.each else ""
    return f"{gate.kind} {gate.name}: {command} ({says}{each}; {gate.named})"
