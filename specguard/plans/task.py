"""A task of a plan, as far as it can be read; what is wrong with its shape is said elsewhere."""

from __future__ import annotations

from specguard.documents.data import dotted, written
from specguard.documents.fields import normal_name
from specguard.model import Origin, path_text
from specguard.work.naming import number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.declaration.patterns import Covering
    from specguard.plans.plan import Plan

TEXT_KEYS: Final = {
    "depends_on": ("id", "task", "task_id"),
    "expected_files": ("path", "file"),
    "verify": ("command", "cmd", "run"),
    "done_criteria": ("text", "criterion", "description", "title"),
}
"""Of a list's element that is a mapping, the keys that hold its text."""

_PUT_OFF: Final = "deferred"


class Task:
    """A task of a plan.

    Attributes:
        plan: the plan that lists it.
        key: its place in the plan's file: the keys and positions from the top.
        raw: its mapping.
        id: its id as it is written; empty where it has none.
        number: the digits of the id as an integer; None where it has none.
    """

    __slots__ = ("id", "key", "number", "plan", "raw")

    def __init__(self, plan: Plan, key: Sequence[str | int], raw: Mapping[str, Any]) -> None:
        self.plan = plan
        self.key = tuple(key)
        self.raw = raw
        found = self.find("id")
        # Where tasks are kept by id, the id is their key.
        value = found[1] if found else key[-1] if isinstance(key[-1], str) else ""
        self.id = written(value).strip() if isinstance(value, (str, int)) else ""
        self.number = number_of(self.id)

    @property
    def name(self) -> str:
        """What messages call it: its id, or its place where it has none."""
        if self.id.isdigit():
            return f"task {self.id}"
        return self.id or f"the task at {self.field()}"

    @property
    def title(self) -> str:
        """Its title; empty where it has none."""
        return self.text("title")

    @property
    def status(self) -> str:
        """Its status as it is written; empty where it has none."""
        return self.text("status")

    @property
    def depends_on(self) -> Sequence[str]:
        """The ids of the tasks that it needs."""
        return [text for _, text in self.listed("depends_on")]

    @property
    def expected_files(self) -> Sequence[str]:
        """The files, folders and patterns that it is to touch."""
        return [text for _, text in self.listed("expected_files")]

    @property
    def verify(self) -> Sequence[str]:
        """The commands that verify it."""
        return [text for _, text in self.listed("verify")]

    @property
    def done_criteria(self) -> Sequence[str]:
        """What holds when it is done."""
        return [text for _, text in self.listed("done_criteria")]

    @property
    def started(self) -> bool:
        """Whether its status says that it was begun."""
        return self._has(self.plan.settings.started)

    @property
    def done(self) -> bool:
        """Whether its status says that it is done."""
        return self._has(self.plan.settings.done)

    @property
    def deferred(self) -> bool:
        """Whether its status says that it is put off, so that nothing waits for it."""
        return self._has([_PUT_OFF])

    @property
    def line(self) -> int | None:
        """The line at which it stands: that of its id, where it has one."""
        found = self.find("id")
        return self.plan.data.line((*self.key, found[0]) if found else self.key)

    def find(self, name: str) -> tuple[str, Any] | None:
        """The key and the value of something that plans say of tasks; None where nothing, or `null`, is said.

        Args:
            name: one of `specguard.plans.settings.KEYS`.
        """
        for key in self.plan.settings.keys_of(name):
            if self.raw.get(key) is not None:
                return key, self.raw[key]
        return None

    def text(self, name: str) -> str:
        """A text that the plan has for a task; empty where it has none."""
        found = self.find(name)
        return found[1].strip() if found and isinstance(found[1], str) else ""

    def listed(self, name: str) -> Sequence[tuple[tuple[str | int, ...], str]]:
        """The texts of a list that the plan has for a task, each with its place below the task."""
        found = self.find(name)
        if found is None or not isinstance(found[1], list):
            return []
        key, values = found
        texts = [((key, position), element_text(name, value)) for position, value in enumerate(values)]
        return [(place, text) for place, text in texts if text]

    def line_of(self, *below: str | int) -> int | None:
        """The line of something within it."""
        return self.plan.data.line((*self.key, *below))

    def field(self, *below: str | int) -> str:
        """The dotted key of the task, or of something within it."""
        return dotted((*self.key, *below))

    @property
    def expected_paths(self) -> Covering:
        """What its `expected_files` cover, from the repository's root."""
        from specguard.plans.expected import expected_paths

        return expected_paths(self.expected_files, self.plan.settings.code)

    def origin(self, name: str) -> Origin:
        """Where the plan says something of it, for a citation.

        Args:
            name: one of `specguard.plans.settings.KEYS`.
        """
        found = self.find(name)
        line = self.line_of(found[0]) if found else self.line
        return Origin(path_text(self.plan.path), line or 0)

    def _has(self, statuses: Sequence[str]) -> bool:
        status = normal_name(self.status)
        return bool(status) and any(normal_name(one) == status for one in statuses)

    def __repr__(self) -> str:
        return f"Task({self.id!r}, {self.status!r})"


def element_text(name: str, value: Any) -> str:
    """The text of an element of a list; empty where it has none."""
    if isinstance(value, dict):
        value = next((value[key] for key in TEXT_KEYS[name] if key in value), None)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
