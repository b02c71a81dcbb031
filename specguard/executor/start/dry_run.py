"""What runs would do: every step with its real values, and nothing touched."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from specguard.declaration.patterns import Covering
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.executor.agent import resolve_agent
from specguard.executor.commit import message_of, scope_of
from specguard.executor.item import shares, taken
from specguard.executor.remote.pull_request import BODY, body_of, installed_command, printed_command, title_of
from specguard.executor.run import STEPS, RunOptions
from specguard.executor.start.claim import overlap
from specguard.executor.start.preflight import check, foreseen, gates_from
from specguard.executor.steps import LINE, Outlook
from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


SCHEMA: Final = "specguard.run-plan/1"


class Job(Record):
    """What one run would do.

    Attributes:
        label: what messages call it.
        data: all of it, as JSON can hold it.
        scope: the paths that it may change; None where nothing states them.
        shares: whether its branch may hold other items, too.
    """

    label: str
    data: dict[str, Any]
    scope: Covering | None
    shares: bool


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
        width = max(map(len, STEPS))
        for job in self.jobs:
            lines.append(f"{job.label}: {job.data['title']}")
            for step in job.data["steps"]:
                names = (step["name"], *[""] * len(step["does"]))
                lines += (
                    f"  {name:<{width}}  {line}" for name, line in zip(names, step["does"], strict=False)
                )
            lines += (f"  note: {note}" for note in job.data["notes"])
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
    """Why a run cannot work beside another one."""
    if one.data["branch"] == other.data["branch"] and not one.shares:
        raise taken(
            f"{one.label} and {other.label} have one branch, {one.data['branch']}",
            'merge the first one before the other, or let a branch hold a plan, with `unit = "commit"`',
        )
    if one.scope is None or other.scope is None:
        which = one.label if one.scope is None else other.label
        yield f"not beside {one.label}: {which} states no scope"
    elif found := overlap(one.scope, other.scope):
        shared = found[0] if found[0] == found[1] else f"what {found[0]} and {found[1]} have in common"
        yield f"not beside {one.label}: {one.label} and {other.label} may both change {shared}"


def _job(options: RunOptions) -> Job:
    with foreseen(options) as (source, asked, run):
        check(asked)
        start, manifest = asked.start, run.manifest
        scope, gates, ref = (
            scope_of(run.policy, start.item),
            gates_from(start, options),
            source.ref(start.base),
        )
        branch, title, file = manifest.branch or "", title_of(run), run.folder.file(BODY)
        command = installed_command(asked.address, options.environment)
        request = printed_command(asked.address, branch, start.into, title=title, body_file=file)
        would = Outlook(run, asked, ref, gates, command, request)
        last = STEPS.index(options.until) if options.until in STEPS else len(STEPS)
        data = {
            "item": manifest.item.model_dump(),
            "base": start.base,
            "base_oid": start.oid,
            "below": start.below.name if start.below else None,
            "base_ref": ref,
            "remote": asked.address.shown,
            "policy_id": run.policy.policy_id,
            "branch": branch,
            "commit_message": message_of(run),
            "title": title,
            "body": body_of(run),
            "agent": resolve_agent(run.policy, options).recorded(run).model_dump(),
            "run_folder": run.folder.path,
            "scope": None if scope is None else list(scope.patterns),
            "gates": [
                {
                    **{name: getattr(gate, name) for name in ("name", "run", "kind", "named", "each")},
                    **{name: list(getattr(gate, name)) for name in ("on", "wrapper")},
                    "when": list(gate.when.patterns),
                    "timeout": gate.timeout or None,
                }
                for gate in gates.gates
            ],
            "format_all": gates.format_all or None,
            "max_attempts": manifest.max_attempts,
            "timeout": manifest.timeout,
            "pull_request": {"command": request, "opened_by": command or None},
            "steps": [
                {
                    "name": step.name,
                    "does": step.describe(would) if at <= last or step.name == "report" else ["not reached"],
                }
                for at, step in enumerate(LINE)
            ],
            "notes": [f"{one.path}:{one.line} {one.text!r} is not run: {one.why}" for one in gates.not_read],
        }
        covering = Covering(list(scope.patterns)) if scope else None
        label = f"{manifest.item.kind} {manifest.item.id}"
        return Job(label, data, covering, shares(run.policy, start.item))
