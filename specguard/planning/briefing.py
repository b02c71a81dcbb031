"""The planner's brief: what the planning agent is told of a repository's policy, as a page of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.planning.boxes import DETAILS
from specguard.planning.folders import CHANGES
from specguard.work.path_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy
    from specguard.plans.settings import Models, PlanKind
    from specguard.work.kinds import WorkKind

NAME: Final = "PLANNER.md"
"""What the page is called, in the folder above those of the plans."""


def plans_folder(kind: PlanKind) -> str:
    """The folder above those of a kind's plans: what stands before the first placeholder; empty: the root."""
    return kind.folder.partition("{")[0].rpartition("/")[0]


def planner_brief(policy: Policy) -> str:
    """The page, for all kinds of plans that a policy describes."""
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    lines = [
        "# The planner's brief",
        "",
        "You plan; other agents do one task each. You decide what is done, in which order, which files a",
        "task may touch and what shows that it is done. You write no code of the change yourself.",
        "",
        *_order(policy),
    ]
    for name, kind in kinds.items():
        lines += _kind(name, kind, policy)
    lines += [
        "## From a proposal to a plan",
        "",
        f"1. `specguard plan proposal SLUG --capability NAME` writes `{CHANGES}/SLUG/`: why, what changes,",
        "   what the system SHALL do with a scenario for each, and the tasks. Fill every TODO.",
        "2. `specguard plan validate SLUG` names what is missing, with its line. A feature of spec-kit, such",
        "   as `001-cart`, does as well.",
        "3. `specguard plan create SLUG --name NAME` makes the plan: one task for each box of `tasks.md`.",
        "4. `specguard plan next` names the task that can be begun, `specguard plan status` how far all are.",
        "",
        "Below each box of `tasks.md`, further in:",
        "",
        "```markdown",
        "- [ ] 1.2 Add the till",
        "  - verify: pytest -q tests/test_till.py",
        "  - files: src/till.py, tests/test_till.py",
        "  - depends: 1.1",
        "  - done: the till sums up the cart",
        "```",
        "",
        f"There are {', '.join(f'`{one}`' for one in DETAILS)}. A task without a command in `verify` may",
        "not run: name one that fails as long as the task is not done.",
        "",
        *_models(policy),
        "## What is yours, and what is not",
        "",
        "- The plan is yours to change, by a change of its own that is merged before the task begins.",
        "- A task is done when its commands have run and ended with 0, or a person has verified it; never",
        "  because an agent says so.",
        "- No approval is yours to give. `specguard check` says what holds.",
        "",
    ]
    return "\n".join(lines)


def _order(policy: Policy) -> Iterator[str]:
    settings = policy.declared("wave_settings")
    if not settings.stages:
        return
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    yield from ("## The order", "", "| stage | opens after | what it requires |", "| --- | --- | --- |")
    for stage in settings.stages:
        required = ", ".join(_shown(contracts, name) for name in stage.requires) or "-"
        yield f"| {stage.name} | {', '.join(stage.opens_after) or '-'} | {required} |"
    yield ""
    for stage in settings.stages:
        for name in stage.requires:
            yield from _contract(name, contracts.get(name))
    yield "`specguard new ARTIFACT name=NAME` writes what each must have, `specguard status` what is missing."
    yield ""


def _shown(contracts: Mapping[str, Contract], name: str) -> str:
    contract = contracts.get(name)
    return f"{name} (`{contract.path or contract.root}`)" if contract is not None else name


def _contract(name: str, contract: Contract | None) -> Iterator[str]:
    if contract is None:
        return
    said = []
    if contract.sections:
        said.append("the sections " + ", ".join(f"*{one}*" for one in contract.sections))
    if contract.options:
        said.append("the options " + ", ".join(contract.options))
    if contract.fields:
        said.append("the fields " + ", ".join(f"`{one}`" for one in contract.fields))
    if contract.records:
        said.append("the object ids of " + ", ".join(f"`{one}`" for one in contract.records))
    if said:
        yield f"- {name} has {'; '.join(said)}."
        yield ""


def _kind(name: str, kind: PlanKind, policy: Policy) -> Iterator[str]:
    path = f"{kind.folder}/{kind.plan}"
    yield from (f"## Plans of the kind {name}", "", f"A plan is `{path}`. Each task has:", "")
    said = {
        "id": f"in the form `{kind.id_format}`",
        "title": "what is done",
        "domain": "the part of the system that it is about",
        "status": f"one of {', '.join(kind.statuses)}; you begin with `{kind.statuses[0]}`",
        "depends_on": "the ids of the tasks that must be done before",
        "expected_files": "the files and folders that it may touch"
        + (f", from `{kind.code}`" if kind.code else ""),
        "verify": "the commands that show it",
        "done_criteria": "what holds when it is done",
    }
    for one, text in said.items():
        must = "" if one in kind.required else " (may be missing)"
        yield f"- `{kind.keys_of(one)[0]}`: {text}{must}"
    yield ""
    if kind.option:
        described = f", one of those that `{kind.options}` describes" if kind.options else ""
        yield f"The plan names the option that was chosen under `{kind.option}`{described}:"
        yield from ("`specguard plan create ... --option OPTION`.", "")
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    for work, settings in kinds.items():
        if any(PathTemplate(source) == PathTemplate(path) for source in settings.sources):
            unit = "a commit of its own" if kind.unit == "commit" else "a change of its own"
            branch = f" on a branch `{_first(settings.branch)}`" if settings.branch else ""
            commit = f", committed as `{_first(settings.commit)}`" if settings.commit else ""
            yield from (f"A task is {unit}{branch}{commit}: `specguard run {work} ID`.", "")


def _first(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else next(iter(value), "")


def _models(policy: Policy) -> Iterator[str]:
    models: Models = policy.declared("models")
    roles = {
        "": models.allow,
        **{role: models.of(role).allow for role in ("researcher", "reviewer", "coder")},
    }
    if not (models.deny or any(roles.values())):
        return
    yield from ("## Models", "")
    for role, allowed in roles.items():
        if allowed:
            names = ", ".join(f"`{one.text}`" for one in allowed)
            yield f"- allowed{f' as {role}' if role else ''}: {names}"
    if models.deny:
        yield "- denied, whatever is allowed: " + ", ".join(f"`{one.text}`" for one in models.deny)
    for role in roles:
        default = models.of(role).default if role else models.default
        if default:
            yield f"- where none is named{f' as {role}' if role else ''}: `{default}`"
    yield ""
