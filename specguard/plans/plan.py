"""One plan: its folder, its file and the tasks that this lists."""

from __future__ import annotations

from functools import cached_property

from specguard.plans.task import Task
from specguard.work.naming import normal_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from specguard.documents.data import Data
    from specguard.model import Finding
    from specguard.plans.settings import PlanKind


class Plan:
    """A plan as one tree has it.

    Attributes:
        kind: the name of its kind.
        settings: the kind's table.
        fields: the values of the placeholders of its folder.
        folder: its folder, without a slash at the end.
        path: the file that lists its tasks.
        data: what that file holds; with a problem where it cannot be read.
    """

    def __init__(
        self,
        kind: str,
        settings: PlanKind,
        *,
        fields: Mapping[str, str],
        folder: bytes,
        path: bytes,
        data: Data,
    ) -> None:
        self.kind = kind
        self.settings = settings
        self.fields = fields
        self.folder = folder
        self.path = path
        self.data = data

    @property
    def name(self) -> str:
        """Its name: the value of `{name}`, of the first placeholder, or else the last part of its folder."""
        values = [self.fields.get("name", ""), *self.fields.values()]
        return next(filter(None, values), self.folder.rpartition(b"/")[2].decode("utf-8", "replace"))

    @property
    def listing(self) -> Any:
        """The value that holds the tasks, whatever it is; None where there is none."""
        return self.data.get(self.tasks_key)

    @property
    def tasks_key(self) -> Sequence[str]:
        """The keys from the top to the value that holds the tasks."""
        return self.settings.tasks.split(".") if self.settings.tasks else ()

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """Its tasks, in order; what is no mapping is left out."""
        return list(self._tasks())

    @cached_property
    def _by_id(self) -> Mapping[str, Task]:
        found: dict[str, Task] = {}
        for task in self.tasks:
            if task.id:
                found.setdefault(normal_id(task.id), task)
        return found

    @cached_property
    def _by_number(self) -> Mapping[int, Task]:
        found: dict[int, Task] = {}
        for task in self.tasks:
            if task.number is not None:
                found.setdefault(task.number, task)
        return found

    @cached_property
    def positions(self) -> Mapping[Sequence[str | int], int]:
        """The position of each task among `tasks`, by its place in the file."""
        return {task.key: position for position, task in enumerate(self.tasks)}

    @property
    def option(self) -> str:
        """The option that it names; empty where it names none, or needs to name none."""
        value = self.data.get(self.settings.option) if self.settings.option else None
        return value.strip() if isinstance(value, str) else ""

    def task(self, task_id: str) -> Task | None:
        """The first task with an id, however its number is padded; None where it has none."""
        return self._by_id.get(normal_id(task_id))

    def task_numbered(self, item_id: str, number: int | None) -> Task | None:
        """The task that a work item is: by its id, or else by its number."""
        found = self.task(item_id)
        return self._by_number.get(number) if found is None and number is not None else found

    def broken(self) -> Iterator[Finding]:
        """What is wrong with what its tasks need of each other."""
        from specguard.plans.dependencies import broken

        return broken(self)

    def setting(self, key: str) -> str:
        """The key of one of its kind's settings, for a citation."""
        return f"plans.{self.kind}.{key}"

    def line(self, *key: str | int) -> int | None:
        """The line of something in its file."""
        return self.data.line(key)

    def holds(self, path: bytes) -> bool:
        """Whether a path is in its folder."""
        return path.startswith(self.folder + b"/")

    def _tasks(self) -> Iterator[Task]:
        listing = self.listing
        if isinstance(listing, dict):
            pairs: Sequence[tuple[str | int, Any]] = list(listing.items())
        elif isinstance(listing, list):
            pairs = list(enumerate(listing))
        else:
            return
        for key, value in pairs:
            if isinstance(value, dict):
                yield Task(self, (*self.tasks_key, key), value)

    def __repr__(self) -> str:
        return f"Plan({self.path!r})"
