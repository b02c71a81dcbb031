"""The results of a task: the file with which an agent says that it is done, and the end of its step.

What the process says does not count: the step ends when the file is there and valid, and a process that goes
on is ended after a while. One that ends without it is told so in its next round.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from specguard.executor.left_files import NO_FILE, left_file, take_away
from specguard.executor.place import place_of
from specguard.executor.plain_text import plain_text
from specguard.executor.tasks import task_of
from specguard.model import shortened
from specguard.runs.results import SCHEMA, Results
from specguard.work.naming import normal_id

if TYPE_CHECKING:
    from specguard.executor.run import Run

NAME: Final = "SPECGUARD_RESULTS.json"
"""The file, at the root of the run's place."""

KEPT: Final = "results.json"
"""What it is called in the run's folder, where it is kept."""

_LARGEST: Final = 1 << 20
_LONGEST: Final = 300


class Handover:
    """The results that an agent owes for a task.

    Args:
        run: the run.
        place: the folder of its place.
        task_id: the task's id.
    """

    def __init__(self, run: Run, place: str, task_id: str) -> None:
        self._run = run
        self._place = place
        self._task_id = task_id
        self._looked: tuple[int, ...] = ()
        self._ready = False

    def begin(self) -> None:
        """Take out what an earlier round, or the base, has left there: it says nothing of this one."""
        take_away(self._place, NAME)

    def ready(self) -> bool:
        """Whether valid results are there; a file that was found wanting is read again once it changes."""
        if self._ready:
            return True
        try:
            found = os.lstat(os.path.join(self._place, NAME))
        except OSError:
            return False
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if state != self._looked:
            self._looked = state
            self._ready = isinstance(self._read(), Results)
        return self._ready

    def take(self) -> Results | str:
        """The results, which are kept in the run's folder and taken out of the place; or what they lack.

        Raises:
            SpecguardError: they cannot be kept.
        """
        results = self._read()
        take_away(self._place, NAME)
        if isinstance(results, Results):
            text = results.model_dump_json(by_alias=True, indent=2) + "\n"
            self._run.folder.write(KEPT, self._run.redactor.text(text.encode("utf-8", "backslashreplace")))
        return results

    def told(self, problem: str) -> str:
        """What the agent is told where its results are missing or wrong, as a section of Markdown."""
        example = json.dumps({"task": self._task_id, "status": "done", "summary": "What was done."})
        return (
            f"## The results of the task\n\n`{NAME}` in the root of the working folder {problem}. Write it "
            f"when you are done, as JSON like this:\n\n    {example}\n"
        )

    def _read(self) -> Results | str:
        content = left_file(self._place, NAME, _LARGEST + 1)
        if content is None:
            return "is missing"
        if content == NO_FILE:
            return "is no regular file"
        if len(content) > _LARGEST:
            return f"has more than {_LARGEST >> 20} MiB"
        try:
            results = Results.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            said = f"{where}: {first['msg']}" if where else first["msg"]
            return f"does not fit {SCHEMA}: {plain_text(shortened(said, _LONGEST))}"
        if normal_id(results.task) != normal_id(self._task_id):
            said = plain_text(shortened(results.task, _LONGEST))
            return f"is about {said!r}, and the task is {self._task_id}"
        return results


def take_left(run: Run) -> None:
    """Take the results out of the place of a run that goes on: its agent was cut off before they were taken.

    Raises:
        SpecguardError: they cannot be kept.
    """
    task = task_of(run.policy, run.item)
    if task is not None:
        Handover(run, place_of(run).path, task.id).take()


def said(run: Run, results: Results) -> str:
    """The summary of results as one line, without secrets."""
    return shortened(plain_text(run.redactor.words(" ".join(results.summary.split()))), _LONGEST)
