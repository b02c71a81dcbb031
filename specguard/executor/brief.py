"""The brief: one page for the agent, made from the policy and the item's document in the base."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from specguard.change.git import Git
from specguard.change.request import Request
from specguard.change.tree import Tree
from specguard.documents.document import Document
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.agent import BRIEF
from specguard.executor.commit import hooks_of, judges, message_of, scope_of
from specguard.executor.gates import planned_gates
from specguard.executor.handover import RESULTS, STOP_NOTE
from specguard.executor.item import (
    contract_of,
    is_paper,
    paper_path,
    papers_of,
    recorded,
    shown_path,
    task_of,
)
from specguard.executor.remote.pull_request import title_of
from specguard.executor.report import page
from specguard.executor.run import Run, RunEnded, RunOptions
from specguard.executor.start.base import AsFetched, start_from
from specguard.executor.start.dry_run import RUN_ID
from specguard.executor.start.preflight import find_checkout, new_manifest
from specguard.model import path_text
from specguard.plans.settings import ROLES
from specguard.runs.folder import RunFolder
from specguard.runs.model import RESULTS_SCHEMA, Manifest
from specguard.runs.settings import RunSettings, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy
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
    item = run.item
    if item is None:
        raise RunEnded("a run of gates has no brief", code=2)
    return _paper_page(run, item) if is_paper(run.policy, item.kind) else _page(run, item)


def _page(run: Run, item: WorkItem) -> str:
    policy, manifest = run.policy, run.manifest
    settings: RunSettings = policy.declared("run_settings")
    gates: Gates = planned_gates(policy, item, commands=run.options.commands)
    document = item.document
    task = task_of(policy, item)
    files = Tree(run.git, run.git.commit(manifest.repository.start).tree)
    return page(
        "brief.md",
        item=str(item),
        title=_title(item),
        base=manifest.repository.into,
        base_oid=manifest.repository.start,
        document=None if document is None else path_text(document),
        listed=_entry(item.listed, task) if item.listed is not None else None,
        results=_results(task) if task is not None else None,
        pointer=path_text(item.pointer.path) if item.pointer.path else "The policy",
        authority=[path for path, _ in policy.documents],
        guards=list(_guards(policy)),
        pointers=_pointers(item, policy),
        siblings=_siblings(item, policy),
        lists=_lists(item, policy),
        scope=scope_of(policy, item),
        papers=_papers(policy, item),
        also=_also(policy, item),
        grounding=policy.declared("grounding"),
        branch=manifest.branch or "",
        subject=message_of(run).split("\n", 1)[0],
        pull_request=title_of(run),
        gates=[_gate(gate) for gate in gates.gates],
        format_all=gates.format_all,
        not_read=[
            {"where": f"{one.path}:{one.line}", "text": one.text, "why": one.why} for one in gates.not_read
        ],
        hooks=hooks_of(run.git.repository, files),
        rules=list(_rules(policy)),
        check=_check(manifest),
        attempts=manifest.max_attempts,
        timeout=manifest.timeout,
        agent_timeout=run.options.command_timeout or manifest.timeout,
        place_limit=settings.place_limit,
        output_limit=settings.output_limit,
        approval_policy=run.options.approval_policy,
        stop=STOP_NOTE,
    )


def _rules(policy: Policy) -> Iterator[str]:
    """The names of the rules that an agent can keep or break: about files, or with settings of the team's.

    Branch, commit and pull request are specguard's to make, and what judges them is no matter of the agent's.
    """
    for rule in policy.rules:
        if rule.active and "run" in rule.stages and (rule.configured or rule.code.startswith(_ABOUT_FILES)):
            yield rule.name


def _check(manifest: Manifest) -> str:
    """The command by which an agent sees in its place what the rules say so far."""
    base = manifest.repository.below_oid or manifest.repository.base_oid
    words = ["specguard", "check", "--worktree", "--base", base]
    return shlex.join([*words, "--branch", manifest.branch] if manifest.branch else words)


def _paper_page(run: Run, item: WorkItem) -> str:
    policy, manifest = run.policy, run.manifest
    contract, models = contract_of(policy, item.kind), policy.declared("models")
    files = Tree(run.git, run.git.commit(manifest.repository.start).tree)
    return page(
        "document.md",
        kind=item.kind,
        plan=item.id,
        path=path_text(paper_path(policy, item) or b""),
        base_oid=manifest.repository.start,
        goal=run.options.goal,
        recorded=recorded(policy, item, files),
        contract=contract,
        fields=_fields(contract),
        models=[one.text for one in (*models.allow, *models.of(ROLES[item.kind]).allow)],
        denied=[one.text for one in models.deny],
        branch=manifest.branch or "",
        subject=message_of(run).split("\n", 1)[0],
        attempts=manifest.max_attempts,
        timeout=manifest.timeout,
        stop=STOP_NOTE,
    )


def _fields(contract: Contract) -> Sequence[tuple[str, str]]:
    """The fields that an artifact has, each with what it may say."""
    return [
        (
            name,
            "any value" if values == "any" else values if isinstance(values, str) else ", ".join(values),
        )
        for name, values in contract.fields.items()
    ]


def _papers(policy: Policy, item: WorkItem) -> Sequence[Mapping[str, Any]]:
    """What a run of the item leaves beside its work."""
    return [
        {"path": shown_path(one, item), "contract": one, "fields": _fields(one)}
        for one in papers_of(policy, item)
    ]


def _title(item: WorkItem) -> str:
    """What the item is called: by its list, else by the first heading of its document."""
    if item.listed is not None and item.listed.title:
        return item.listed.title
    text = item.document_text
    if text is None:
        return ""
    sections = Document.of(text.encode("utf-8", "surrogateescape")).sections
    return sections[0].heading.text.plain if sections else ""


def _entry(listed: Listed, task: Task | None) -> dict[str, Any]:
    path = path_text(listed.source.path)
    return {
        "where": f"{path}:{listed.line}" if listed.line else path,
        "title": listed.title,
        "acceptance": [one.text for one in listed.acceptance] or (list(task.done_criteria) if task else []),
    }


def _results(task: Task) -> dict[str, str]:
    example = {"task": task.id, "status": "done", "summary": "What was done, in a few sentences."}
    return {
        "task": task.id,
        "name": RESULTS,
        "schema": RESULTS_SCHEMA,
        "example": json.dumps(example),
        "folder": path_text(task.plan.folder),
    }


def _guards(policy: Policy) -> Iterator[dict[str, str]]:
    for guard in policy.guards.all:
        origin = policy.origin(guard.key)
        yield {
            "pattern": guard.pattern,
            "rule": _GUARDED.get(guard.rule, guard.rule),
            "where": f"{origin.path}:{origin.line}" if origin else "",
        }


def _pointers(item: WorkItem, policy: Policy) -> Sequence[str]:
    settings = item.settings
    return settings.pointer if settings.protect_pointer and judges(policy, "pointer-change") else ()


def _siblings(item: WorkItem, policy: Policy) -> Sequence[str]:
    """Where the documents of other items are, as templates."""
    settings = item.settings
    if not judges(policy, "foreign-work-document"):
        return ()
    templates = settings.siblings or [*settings.document, *settings.legacy]
    if item.listed is None:
        return templates
    # One that an entry of the list fills says nothing to a reader.
    return [one for one in templates if not one.startswith("{")]


def _lists(item: WorkItem, policy: Policy) -> Sequence[str]:
    """The file that lists the documents of other items."""
    if item.listed is None or item.document is None or not judges(policy, "foreign-work-document"):
        return ()
    return [path_text(item.listed.source.path)]


def _also(policy: Policy, item: WorkItem) -> list[str]:
    """The paths that any item of a list may change besides its own."""
    rule = policy.rule("slice-out-of-files")
    if rule is None or not rule.active or item.listed is None or "also" not in rule.settings:
        return []
    return list(rule.settings["also"].patterns)


def _gate(gate: PlannedGate) -> dict[str, str]:
    says: list[str] = [] if gate.kind == "gate" else [gate.kind]
    if gate.when:
        touched = "touches" if len(gate.on) == len(("added", "modified", "deleted")) else " or ".join(gate.on)
        says.append(f"where the change {touched} {', '.join(gate.when.patterns)}")
    if gate.each:
        says.append("once for each file")
    if gate.timeout:
        says.append(f"at most {seconds(gate.timeout)} s")
    run = f"{shlex.join(gate.wrapper)} {gate.run}" if gate.wrapper else gate.run
    return {"name": gate.name, "run": run, "named": gate.named, "says": "; ".join(says)}


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
    repository, root = find_checkout(options)
    with Git(repository) as git:
        try:
            start, address = start_from(AsFetched(git, options), root=root)
            manifest = new_manifest(start, options, RUN_ID, address)
            run = Run(options, RunFolder(RUN_ID), manifest, git=git, policy=start.policy, item=start.item)
            text = brief_text(run)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
        except RunEnded as end:
            raise SpecguardError(end.reason, help=end.help, code=end.error) from end
    return text


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
