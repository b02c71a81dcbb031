"""The plan that is made of a `tasks.md`: each box becomes one task, with all that stands below it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from specguard.documents.content import owes
from specguard.documents.data import data_kind
from specguard.errors import SpecguardError, nearest
from specguard.model import path_text
from specguard.planning.boxes import Boxes, files_of
from specguard.planning.context import context_page
from specguard.planning.folders import TASKS
from specguard.plans.expected import expectation, expects_all
from specguard.work.path_templates import PathTemplate
from specguard.work.templates import Template, Unrendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.contracts import Contract
    from specguard.planning.boxes import Box
    from specguard.planning.folders import SourceFolder
    from specguard.plans.settings import PlanKind

CONTEXT: Final = "CONTEXT.md"
"""What every agent of a plan is to know, beside the plan."""

_CODED: Final = re.compile(r"`([^`\s]+)`")
_PATH: Final = re.compile(
    r"(?<![\w/.@:-])((?:[\w.@+-]+/)+[\w.@+*-]*|[\w@+-]+\.(?!\d)[A-Za-z]\w{0,7})(?![\w/@:-])"
)


class NewPlan:
    """A plan that is to be written.

    Args:
        source: the folder that it is made from.
        kind: the plan's kind.
        name: the plan's name.
        option: the option that was chosen; empty where its kind asks for none.
        goal: what it is for; empty: what its source is called.

    Attributes:
        folder: its folder, from the root.
        path: its file.
        ticked: the ids of tasks whose boxes are ticked already.

    Raises:
        SpecguardError: the name is none, or the kind of plans is one that cannot be written.
    """

    def __init__(self, source: SourceFolder, kind: PlanKind, name: str, *, option: str, goal: str) -> None:
        self._source = source
        self._kind = kind
        self._option = option
        self._goal = goal
        self._name = name
        self.folder = _folder(kind, name)
        self.path = f"{self.folder}/{kind.plan}"
        self._boxes = Boxes(source.read(TASKS) or "")
        self._ids = dict(zip(self._boxes.all, self._numbered(), strict=True))
        self.ticked = [task_id for box, task_id in self._ids.items() if box.ticked]
        if data_kind(self.path.encode("utf-8")) != "json":
            raise SpecguardError(
                "specguard writes plans only as JSON",
                path=self.path,
                help="write it by hand, one task for each box",
            )

    def value(self) -> Any:
        """What stands in its file."""
        kind = self._kind
        tasks: Any = [self._task(box, needed) for box, needed in self._boxes.needs()]
        for key in reversed(kind.tasks.split(".") if kind.tasks else ()):
            tasks = {key: tasks}
        if not isinstance(tasks, dict):
            return tasks
        top: dict[str, Any] = {"goal": self._goal or self._title(), "source": self._source.path}
        inner = top
        *above, last = kind.option.split(".")
        for key in above:
            inner = inner.setdefault(key, {})
        if kind.option:
            inner[last] = self._option
        return _merged(top, tasks)

    def files(self) -> Mapping[str, str]:
        """The files of the plan, by path: the plan itself, what its agents must know, and its logs."""
        files = {self.path: json.dumps(self.value(), indent=2, ensure_ascii=False) + "\n"}
        files[f"{self.folder}/{CONTEXT}"] = context_page(self._source, self._name)
        for log in self._kind.log:
            if not re.search(r"[*?\[{]", log):
                files[f"{self.folder}/{log}"] = f"# {self._name}: the log\n"
        return files

    def left(self, contracts: Mapping[str, Contract]) -> Iterator[str]:
        """The companions that a contract asks of the plan beside these files, which a person must write."""
        path = self.path.encode("utf-8")
        written = {name.rpartition("/")[2] for name in self.files()}
        for contract in contracts.values():
            if contract.path and PathTemplate(contract.path).read(path) is not None:
                for companion in contract.companions:
                    names = [companion] if isinstance(companion, str) else list(companion)
                    if not written & set(names):
                        yield " or ".join(names)

    def flaws(self) -> Iterator[tuple[int, str, str]]:
        """What keeps its tasks from being such as its rules ask for: line, what is wrong, the next step."""
        for box in self._boxes.all:
            for file in self._files(box):
                expected = expectation(file, self._kind.code)
                if expected.problem or expects_all(expected):
                    yield (
                        box.line,
                        f"{box.name} names the file {file!r}, which is "
                        + (expected.problem or "every file there is"),
                        "Name the files or folders that the task touches.",
                    )

    def lacking(self) -> Iterator[str]:
        """What the tasks still need before they may run, for the person who made the plan."""
        for box, task_id in self._ids.items():
            if not box.values("verify"):
                yield f"{task_id} ({box.name}) has no command in `verify`, and may not run without one"
            if not self._files(box):
                yield f"{task_id} ({box.name}) names no files, so every file it touches will be unexpected"

    @property
    def size(self) -> int:
        """How many tasks it has."""
        return len(self._boxes.all)

    def _numbered(self) -> Iterator[str]:
        template = Template(self._kind.id_format)
        for number in range(1, len(self._boxes.all) + 1):
            fields = {
                "number": f"{number:03}" if template.text != "{number}" else str(number),
                "name": self._name,
            }
            try:
                yield template.render(fields)
            except Unrendered as error:
                raise SpecguardError(
                    f"an id of the form {self._kind.id_format!r} cannot be made: there is no {error.name}",
                    help="use a form with {number}",
                    code="incomplete-policy",
                ) from error

    def _task(self, box: Box, needed: Sequence[Box]) -> dict[str, Any]:
        kind = self._kind
        values = {
            "id": self._ids[box],
            "title": _plain(box.text),
            "domain": box.story or re.sub(r"^[0-9.]+[ \t]*", "", box.group) or self._source.name,
            "status": kind.statuses[0],
            "depends_on": [self._ids[one] for one in needed],
            "expected_files": self._files(box),
            "verify": list(box.values("verify")),
            "done_criteria": list(box.values("done")) or [_plain(box.text)],
        }
        task = {kind.keys_of(name)[0]: value for name, value in values.items()}
        where = f"{self._source.path}/{TASKS}"
        task["source"] = f"{where}#{box.id}" if box.id else where
        if box.notes:
            task["notes"] = list(box.notes)
        return task

    def _files(self, box: Box) -> list[str]:
        said = [file for value in box.values("files") for file in files_of(value)]
        if any(one.key == "files" for one in box.said):
            return list(dict.fromkeys(said))
        if box.from_spec_kit:
            plain = box.text.replace("`", " ")
            return list(dict.fromkeys(match[1].rstrip(".") for match in _PATH.finditer(plain)))
        coded = (match[1] for match in _CODED.finditer(box.text))
        return list(dict.fromkeys(path for path in coded if _PATH.fullmatch(path)))

    def _title(self) -> str:
        return self._source.name.lstrip("0123456789").replace("-", " ").strip() or self._source.name


def plan_kind(kinds: Mapping[str, PlanKind], wanted: str) -> PlanKind:
    """The kind of plans that is meant.

    Raises:
        SpecguardError: there is none, or several.
    """
    if wanted and wanted not in kinds:
        raise SpecguardError(
            f"the policy describes no plans {wanted!r}",
            help=nearest(wanted, kinds) or "add [plans.<name>]",
            code="incomplete-policy",
        )
    if not kinds:
        raise SpecguardError(
            "the policy describes no plans",
            help="describe them in a table [plans.<name>]; the preset planner-pipeline has one",
            code="incomplete-policy",
        )
    if not wanted and len(kinds) > 1:
        raise SpecguardError(
            "the policy describes several kinds of plans",
            help=f"--kind {next(iter(kinds))}",
            code="incomplete-policy",
        )
    return kinds[wanted or next(iter(kinds))]


def nothing_lost(before: Any, after: Any) -> bool:
    """Whether all that a value says stands in another one too; what is still owed says nothing."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            key in after and nothing_lost(value, after[key]) for key, value in before.items()
        )
    if isinstance(before, list):
        if not isinstance(after, list):
            return False
        kept = [one for one in before if not (isinstance(one, str) and owes(one))]
        return len(kept) <= len(after) and all(map(nothing_lost, kept, after))
    return (isinstance(before, str) and owes(before)) or (type(before) is type(after) and before == after)


def _folder(kind: PlanKind, name: str) -> str:
    template = PathTemplate(kind.folder)
    if len(template.names) != 1:
        raise SpecguardError(
            f"the folder of a plan is {kind.folder}, which a name does not tell",
            help="write the plan with specguard new",
            code="incomplete-policy",
        )
    path = template.plain(dict.fromkeys(template.names, name))
    bad = (
        not name
        or "/" in name
        or name in (".", "..")
        or any(ord(char) < 33 or ord(char) == 127 for char in name)
    )
    if path is None or bad or template.read(path) is None:
        raise SpecguardError(
            f"{name!r} is no name of a plan", help="use a word such as cart, without a slash", code="usage"
        )
    return path_text(path)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two mappings as one, with what is below the keys that both have."""
    merged = dict(one)
    for key, value in other.items():
        same = merged.get(key)
        merged[key] = _merged(same, value) if isinstance(same, dict) and isinstance(value, dict) else value
    return merged


def _plain(text: str) -> str:
    return re.sub(r"[*`]+", "", text).strip()
