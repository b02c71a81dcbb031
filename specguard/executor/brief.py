"""The brief: one page for the agent, made from the policy and the item's document in the base."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.documents.document import Document
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError
from specguard.executor.agent import BRIEF, RESULTS, STOP_NOTE
from specguard.executor.commit import hooks_of, judges, message_of, place_text, scope_of
from specguard.executor.gates import command_of, conditions, planned_gates
from specguard.executor.item import (
    contract_of,
    is_paper,
    paper_path,
    papers_of,
    recorded,
    shown_path,
    task_of,
)
from specguard.executor.preflight import foreseen
from specguard.executor.push import title_of
from specguard.executor.report import page
from specguard.executor.run import Run, RunOptions
from specguard.model import path_text
from specguard.runs.manifests import RESULTS_SCHEMA
from specguard.runs.settings import ROLES, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.plans.task import Task
    from specguard.work.gates import Gates, PlannedGate
    from specguard.work.item import WorkItem
    from specguard.work.sources import Listed


_GUARDED = {"forbidden-path": "forbidden", "locked-path": "locked"}


_ABOUT_FILES = ("ART", "CNT", "PLN", "PTH", "SPC")
"""The families of rules about what an agent edits."""


def write_brief(run: Run) -> None:
    """Write `brief.md` in the run's folder, without secrets.

    Raises:
        RunEnded: the item has no name that its commit or pull request needs, or its document cannot be read.
        SpecguardError: it cannot be written.
    """
    text = brief_text(run).encode("utf-8", "surrogateescape")
    run.folder.write(BRIEF, run.redactor.text(text))


def brief_text(run: Run) -> str:
    """The brief of a run, which need not have begun.

    Args:
        run: its policy and item are those of the base; of its manifest the base, the branch and the limits
            are told.

    Raises:
        RunEnded: the item has no name that its commit or pull request needs, or its document cannot be read.
    """
    item, manifest, policy = run.item, run.manifest, run.policy
    assert item is not None  # noqa: S101 - a run of gates has no brief
    files = Tree(run.git, run.git.commit(manifest.repository.start).tree)
    made = _paper(run, item, files) if is_paper(policy, item.kind) else _work(run, item, files)
    return page(
        "document.md" if is_paper(policy, item.kind) else "brief.md",
        base_oid=manifest.repository.start,
        branch=manifest.branch or "",
        subject=message_of(run).split("\n", 1)[0],
        attempts=manifest.max_attempts,
        timeout=manifest.timeout,
        stop=STOP_NOTE,
        **made,
    )


def _work(run: Run, item: WorkItem, files: Tree) -> dict[str, Any]:
    """What the page says of a work item."""
    policy, manifest = run.policy, run.manifest
    gates: Gates = planned_gates(policy, item, commands=run.options.commands)
    task = task_of(policy, item)
    words = ["specguard", "check", "--worktree"]
    words += ["--base", manifest.repository.below_oid or manifest.repository.base_oid]
    words += ["--branch", manifest.branch] if manifest.branch else []
    return {
        "item": str(item),
        "title": _title(item),
        "base": manifest.repository.into,
        "document": None if item.document is None else path_text(item.document),
        "listed": _entry(item.listed, task) if item.listed is not None else None,
        "results": _results(task) if task is not None else None,
        "pointer": path_text(item.pointer.path) if item.pointer.path else "The policy",
        "authority": [path for path, _ in policy.documents],
        "guards": list(_guards(policy, item, task)),
        "scope": scope_of(policy, item),
        "papers": [
            {"path": shown_path(one.path, item.fields), "contract": one, "fields": _fields(one)}
            for one in papers_of(policy, item)
        ],
        "also": _also(policy, item),
        "grounding": policy.declared("grounding"),
        "pull_request": title_of(run),
        "gates": [_gate(gate) for gate in gates.gates],
        "format_all": gates.format_all,
        "not_read": gates.not_read,
        "hooks": hooks_of(run.git.repository, files),
        "rules": [rule.name for rule in policy.rules if _is_the_agents(rule)],
        "check": shlex.join(words),
        "agent_timeout": run.options.command_timeout or manifest.timeout,
        "settings": policy.declared("run_settings"),
        "approval_policy": run.options.approval_policy,
    }


def _is_the_agents(rule: RuleInPolicy) -> bool:
    """Whether an agent can keep or break a rule: it is about files, or has settings of the team's.

    Branch, commit and pull request are specguard's to make, and what judges them is no matter of the agent's.
    """
    return rule.active and "run" in rule.stages and (rule.configured or rule.code.startswith(_ABOUT_FILES))


def _paper(run: Run, item: WorkItem, files: Tree) -> dict[str, Any]:
    """What the page says of a document that is to be written."""
    policy = run.policy
    contract, models = contract_of(policy, item.kind), policy.declared("models")
    return {
        "kind": item.kind,
        "plan": item.id,
        "path": path_text(paper_path(policy, item) or b""),
        "goal": run.options.goal,
        "recorded": recorded(policy, item, files),
        "contract": contract,
        "fields": _fields(contract),
        "models": [one.text for one in (*models.allow, *models.of(ROLES[item.kind]).allow)],
        "denied": [one.text for one in models.deny],
    }


def _fields(contract: Contract) -> Sequence[tuple[str, str]]:
    """The fields that an artifact has, each with what it may say."""
    told = {"any": "any value"}
    fields = contract.fields.items()
    return [(name, told.get(one, one) if isinstance(one, str) else ", ".join(one)) for name, one in fields]


def _title(item: WorkItem) -> str:
    """What the item is called: by its list, else by the first heading of its document."""
    text = item.document_text
    if text is None or (item.listed is not None and item.listed.title):
        return item.listed.title if item.listed is not None else ""
    sections = Document.of(text.encode("utf-8", "surrogateescape")).sections
    return sections[0].heading.text.plain if sections else ""


def _entry(listed: Listed, task: Task | None) -> dict[str, Any]:
    acceptance = [one.text for one in listed.acceptance] or (list(task.done_criteria) if task else [])
    where = place_text(listed.source.path, listed.line)
    return {"where": where, "title": listed.title, "acceptance": acceptance}


def _results(task: Task) -> dict[str, str]:
    example = {"task": task.id, "status": "done", "summary": "What was done, in a few sentences."}
    folder, text = path_text(task.plan.folder), json.dumps(example)
    return {"task": task.id, "name": RESULTS, "schema": RESULTS_SCHEMA, "example": text, "folder": folder}


def _guards(policy: Policy, item: WorkItem, task: Task | None) -> Iterator[tuple[str, str, str]]:
    """What is not to be touched: each pattern with what it is, and what says so."""
    settings = item.settings
    for guard in policy.guards.all:
        origin = policy.origin(guard.key)
        where = f"{origin.path}:{origin.line}" if origin else ""
        yield guard.pattern, f": {_GUARDED.get(guard.rule, guard.rule)}", where
    if task is not None:
        yield path_text(task.plan.folder), ": the plan, which the planner owns", ""
    if settings.protect_pointer and judges(policy, "pointer-change"):
        for path in settings.pointer:
            yield path, ": it names the current item, and stays as it is", ""
    if not judges(policy, "foreign-work-document"):
        return
    for template in settings.siblings or [*settings.document, *settings.legacy]:
        # One that an entry of a list fills says nothing to a reader.
        if item.listed is None or not template.startswith("{"):
            yield template, ": the documents of other items", ""
    if item.listed is not None and item.document is not None:
        path = path_text(item.listed.source.path)
        yield path, ", and the documents of the other items that it lists", ""


def _also(policy: Policy, item: WorkItem) -> list[str]:
    """The paths that any item of a list may change besides its own."""
    rule = policy.rule("slice-out-of-files")
    if rule is None or not rule.active or item.listed is None or "also" not in rule.settings:
        return []
    return list(rule.settings["also"].patterns)


def _gate(gate: PlannedGate) -> dict[str, str]:
    says = [*([] if gate.kind == "gate" else [gate.kind]), *conditions(gate)]
    says += [f"at most {seconds(gate.timeout)} s"] if gate.timeout else []
    return {"name": gate.name, "run": command_of(gate), "named": gate.named, "says": "; ".join(says)}


def brief_of(options: RunOptions) -> str:
    """The page that an agent of a run would read, made from the base as it was fetched last.

    Args:
        options: what a run would be asked for; without a kind, that of a policy that describes one alone.
            Nothing is written.

    Raises:
        SpecguardError: there is no such item or policy, or the item lacks what a run of it needs.
    """
    if not options.kind:
        values = {name: getattr(options, name) for name in options._fields}
        options = RunOptions(**{**values, "kind": _only_kind(options)})
    with foreseen(options) as (_, _, run):
        return brief_text(run)


def _only_kind(options: RunOptions) -> str:
    policy = open_policy(Request(environment=options.environment, directory=options.directory))
    kinds: list[str] = list(policy.declared("work_kinds"))
    if len(kinds) != 1:
        raise SpecguardError(
            f"the policy describes {', '.join(kinds)}" if kinds else "the policy describes no work items",
            help="specguard brief KIND" if kinds else "describe one: a table [work.<kind>]",
            code="incomplete-policy",
        )
    return kinds[0]
