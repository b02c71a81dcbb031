"""The files that planning writes: the planner's brief, a change's folder, and the plan from a `tasks.md`.

A new change has OpenSpec's form, with `TODO:` wherever a person must write. Each box of a `tasks.md` becomes
one task, and the rules that will judge the plan check it first.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from specguard.artifacts.skeletons import nest_keys
from specguard.authority.policy import Policy
from specguard.documents.data import read_data
from specguard.documents.document import Document
from specguard.engine.status import open_waves
from specguard.errors import SpecguardError, incomplete, usage
from specguard.model import listed, path_text
from specguard.planning.plan_sources import CHANGES, KEBAB, MAIN, TASKS, Box, Boxes, SourceFolder, SourcePage
from specguard.plans.plans import Plan
from specguard.plans.task import option_flaws, task_flaws
from specguard.reporters.escape import markdown_templates
from specguard.runs.command_inspection import cannot_fail
from specguard.work.kinds import PlanKind, WorkKind
from specguard.work.name_templates import Template, path_template

CONTEXT: Final = "CONTEXT.md"
"""The page that every agent of a plan must read besides the plan."""

_SECTIONS: Final = {
    "proposal.md": ("why", "what changes", "impact"),
    "design.md": ("context", "goals / non-goals", "decisions"),
    "plan.md": ("summary", "technical context"),
}
"""The sections that the context page copies, by source file."""


class NewPlan:
    """A plan to write.

    Args:
        source: the folder that the plan is made from.
        kind: the plan's kind.
        name: the plan's name.
        option: the chosen option; empty if the kind needs none.

    Attributes:
        folder: the plan's folder, from the root.
        path: the plan's file.
        ids: the task ids, by box.

    Raises:
        SpecguardError: the name is invalid.
    """

    def __init__(self, source: SourceFolder, kind: PlanKind, name: str, *, option: str) -> None:
        self._source = source
        self._kind = kind
        self._option = option
        self._name = name
        self.folder = _plan_folder(kind, name)
        self.path = f"{self.folder}/{kind.plan}"
        self._boxes = Boxes(source.read(TASKS) or "")
        self.ids = {box: self._id(at) for at, box in enumerate(self._boxes.all, 1)}

    def files(self) -> Mapping[str, str]:
        """Return the plan's files by path: the plan itself, the context page for its agents, and its logs."""
        logs = (log for log in self._kind.log if not any(char in log for char in "*?[{"))
        return {
            self.path: json.dumps(self._data(), indent=2, ensure_ascii=False) + "\n",
            f"{self.folder}/{CONTEXT}": "\n".join(_context_page(self._source, self._name)),
            **{f"{self.folder}/{log}": f"# {self._name}: the log\n" for log in logs},
        }

    def notes(self) -> Iterator[str]:
        """Yield notes on what the plan's author must still handle: commands, files, ticked boxes."""
        names = {box: f"{task_id} ({box.name})" for box, task_id in self.ids.items()}
        if unproven := [name for box, name in names.items() if all(map(cannot_fail, box.values("verify")))]:
            yield f"no command in `verify` that can fail, and no run without it: {listed(unproven)}"
        if unnamed := [name for box, name in names.items() if not box.files]:
            yield f"no files are named, so every file that is touched will be unexpected: {listed(unnamed)}"
        if ticked := [task_id for box, task_id in self.ids.items() if box.ticked]:
            args = f'plan verify {ticked[0]} --plan {shlex.quote(self.path)} --note "what was seen"'
            yield f"the box is ticked, and nothing shows that it is done: {listed(ticked)}: specguard {args}"

    def check(self, top: str, text: str, kind_name: str) -> None:
        """Check that the plan has the required shape; what its tasks depend on follows from the boxes.

        Args:
            top: the checkout's root.
            text: the planned content of the plan's file.
            kind_name: the name of its kind.

        Raises:
            SpecguardError: the plan has a flaw; the first one is reported.
        """
        plan = Plan(kind_name, self._kind, {}, self.path.encode(), read_data(text, "json"))
        options = self._kind.options
        page = SourceFolder(top, self.folder, "openspec").read(options) if options else None
        document = Document.of((page or "").encode("utf-8"))
        for found in option_flaws(plan, lambda _: document):
            raise _error(f"no plan is made: {found.message}", "", "--option OPTION, one that is described")
        for box, task in zip(self._boxes.all, plan.tasks, strict=True):
            for found in task_flaws(task):
                message = f"no plan is made of it: {found.message.replace(task.name, box.name, 1)}"
                raise _error(message, f"{self._source.path}/{TASKS}", found.help, box.line)

    def _data(self) -> Any:
        """Return the data of the plan's file."""
        kind = self._kind
        name, path = self._source.name, self._source.path
        top = {"goal": name.lstrip("0123456789").replace("-", " ").strip() or name, "source": path}
        option = {kind.option: self._option} if kind.option else {}
        tasks = [self._task(box, needed) for box, needed in self._boxes.dependencies()]
        return nest_keys({**top, **option, kind.tasks: tasks})

    def _id(self, number: int) -> str:
        template = Template(self._kind.id_format)
        padded = str(number) if template.text == "{number}" else f"{number:03}"
        return template.render({**dict.fromkeys(template.names, self._name), "number": padded})

    def _task(self, box: Box, needed: Sequence[Box]) -> dict[str, Any]:
        group = box.group.lstrip("0123456789.").lstrip(" \t:-\u2013\u2014")
        values = {
            "id": self.ids[box],
            "title": box.title,
            "domain": box.story or group or self._source.name,
            "status": self._kind.statuses[0],
            "depends_on": [self.ids[one] for one in needed],
            "expected_files": box.files,
            "verify": list(box.values("verify")),
            "done_criteria": list(box.values("done")) or [box.title],
        }
        task = {self._kind.key_of(name): value for name, value in values.items()}
        task["source"] = f"{self._source.path}/{TASKS}" + (f"#{box.id}" if box.id else "")
        return {**task, "notes": box.notes} if box.notes else task


DESCRIBE: Final = "describe plans in a table [plans.<name>]; the preset planner-pipeline has one"
"""The next step where the policy describes no plans."""


def choose_kind(kinds: Mapping[str, PlanKind], wanted: str) -> str:
    """Return the name of the kind of plans that the user means.

    Raises:
        SpecguardError: the kind is unknown, or there are several.
    """
    if wanted in kinds or (not wanted and len(kinds) == 1):
        return wanted or next(iter(kinds))
    if kinds:
        raise incomplete("--kind names none of the kinds of plans", f"--kind {' or '.join(kinds)}")
    raise incomplete("the policy describes no plans", DESCRIBE)


def require_open(policy: Policy, path: str) -> None:
    """Check that the stages before a plan are complete in the working tree.

    Args:
        policy: the policy.
        path: the plan's file, from the root.

    Raises:
        SpecguardError: an earlier stage is incomplete; the message names what is missing.
    """
    with open_waves(policy) as waves:
        if waves is None:
            return
        contracts = waves.artifacts.contracts
        for name, settings in waves.owners.items():
            template = contracts[name].path if name in contracts else ""
            fields = path_template(template).read(path.encode("utf-8")) if template else None
            if fields is None:
                continue
            wave = waves.wave(fields)
            stage = next(one for one in wave.stages if one.settings is settings)
            for earlier in stage.waits_for[:1] if stage.needed else ():
                missing = earlier.missing[0]
                # Flaws of an existing file have to be fixed in that file first.
                unwritten = () if missing.path else earlier.settings.artifacts
                absent = [one for one in unwritten if not wave.artifacts(one)]
                step = "complete it first; specguard status --worktree says more"
                for one in absent[:1]:
                    asked = sorted(path_template(contracts[one].template).names & fields.keys())
                    given = [f"{name}={shlex.quote(fields[name])}" for name in asked]
                    step = " ".join(["complete it first: specguard new", one, *given])
                message = f"no plan is made yet: the stage {earlier.name} is not complete: {missing.message}"
                raise _error(message, path_text(missing.path) if missing.path else path, step, missing.line)
            return


def _error(message: str, path: str, help: str, line: int | None = None) -> SpecguardError:
    return SpecguardError(message, path=path or None, line=line, help=help, code="plan-unready")


def _plan_folder(kind: PlanKind, name: str) -> str:
    template = path_template(kind.folder)
    path = template.exact_path(dict.fromkeys(template.names, name)) if len(template.names) == 1 else None
    bad = not name or name in (".", "..") or any(char <= " " or char in "/\x7f" for char in name)
    if path is None or bad or template.read(path) is None:
        help = "use a word such as cart, without a slash, where the folder has one placeholder"
        raise usage(f"{name!r} is not a name of a plan in {kind.folder}", help)
    return path_text(path)


def _context_page(source: SourceFolder, name: str) -> Iterator[str]:
    """Yield the lines of the context page: the reasons for the change, and its requirements."""
    yield from (f"# Context of {name}", "", f"Made from `{source.path}`, which says more.", "")
    for file, titles in _SECTIONS.items():
        page = SourcePage(source.read(file) or "")
        for section in page.sections(2):
            content = _without_comments("\n".join(page.raw[section.line : section.end]))
            if section.title.lower() in titles and content:
                yield from (f"## {section.title}", "", content, "")
    required = re.findall(r"^\s*([-*]\s+\**(?:FR|SC)-\d+.*)", source.read("spec.md") or "", re.MULTILINE)
    if required:
        yield from ("## Requirements", "", *required, "")
    for file, capability in source.deltas():
        lines = "\n".join(SourcePage(source.read(file) or "").raw)
        yield from (f"## Requirements of {capability}", "", _without_comments(lines), "")


def _without_comments(text: str) -> str:
    return re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.DOTALL).strip()


BRIEF: Final = "PLANNER.md"
"""The file name of the planner's brief, in the folder above the plans' folders."""


def planner_brief(policy: Policy) -> str:
    """Return the brief of the planning agent: the policy for all kinds of plans that it describes."""
    works: Mapping[str, WorkKind] = policy.declared("work_kinds")
    models = policy.declared("models")

    def items(kind: PlanKind) -> Iterator[tuple[str, str, str, str]]:
        for name, work in works.items():
            if kind.task_file.text in work.sources:
                yield name, "a commit" if kind.unit == "commit" else "a change", work.branch, work.commit

    return _render(
        "planner.md",
        stages=policy.declared("wave_settings").stages,
        contracts=policy.declared("contracts"),
        kinds=policy.declared("plan_kinds"),
        items=items,
        models=models,
        roles=[(role, models.of(role)) for role in ("researcher", "reviewer", "coder")],
    )


def proposal_files(top: str, slug: str, capabilities: Sequence[str], *, today: date) -> Mapping[str, str]:
    """Return the files of a change, by path from the root.

    Args:
        top: the checkout's root. A capability that has a specification there is modified, any other is new.
        slug: the change's name.
        capabilities: the affected capabilities, such as `cart` or `shop/cart`; empty for the slug.
        today: the UTC date.

    Raises:
        SpecguardError: OpenSpec does not allow a name.
    """
    _check_name(slug, "a change")
    if slug == "archive":
        raise usage("'archive' is where OpenSpec keeps old changes", "give it another name")
    named = list(dict.fromkeys(capabilities or [slug]))
    for capability in named:
        for part in capability.split("/"):
            _check_name(part, "a capability")
    existing = [one for one in named if SourceFolder(top, f"{MAIN}/{one}", "openspec").has("spec.md")]
    new = [one for one in named if one not in existing]
    folder = f"{CHANGES}/{slug}"
    return {
        f"{folder}/.openspec.yaml": f"schema: spec-driven\ncreated: {today}\n",
        f"{folder}/proposal.md": _render("proposal.md", new=new, modified=existing),
        f"{folder}/tasks.md": _render("tasks.md"),
        **{f"{folder}/specs/{one}/spec.md": _render("spec.md", known=one in existing) for one in named},
    }


def _check_name(name: str, what: str) -> None:
    if not KEBAB.fullmatch(name):
        raise usage(f"{name!r} is not a name of {what}", "use small letters, digits and hyphens")


def _render(name: str, **values: object) -> str:
    """Return a page filled with the policy's own words and with checked names."""
    return markdown_templates("specguard.planning").get_template(name).render(values)
