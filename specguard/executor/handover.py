"""What an agent hands over in files at the root of its place: the results of a task, or why it stopped.

What the process says does not count: the step ends when the file is there and valid, and a process that goes
on is ended after a while. One that ends without it is told so in its next round.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from specguard.executor.item import task_of
from specguard.executor.output import plain_text
from specguard.executor.place.place import place_of
from specguard.model import shortened
from specguard.runs.model import RESULTS_SCHEMA, Results
from specguard.work.kinds import normal_id

if TYPE_CHECKING:
    from specguard.executor.run import Run


NO_FILE: Final = b"(no file)"
"""What is read of something that is no file."""


def left_file(place: str, name: str, largest: int) -> bytes | None:
    """What a file says; None where there is none. Of a link, a folder or a pipe nothing is read.

    Args:
        place: the folder of the place.
        name: the file's name.
        largest: so many bytes are read at most.
    """
    path = os.path.join(place, name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return NO_FILE if os.path.lexists(path) else None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return _read(descriptor, largest) if regular else NO_FILE
    finally:
        os.close(descriptor)


def take_away(place: str, name: str) -> None:
    """Take a file out of a place, whatever it is."""
    path = os.path.join(place, name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)


def _read(descriptor: int, largest: int) -> bytes:
    pieces: list[bytes] = []
    while largest > 0 and (piece := os.read(descriptor, largest)):
        pieces.append(piece)
        largest -= len(piece)
    return b"".join(pieces)


RESULTS: Final = "SPECGUARD_RESULTS.json"
"""The file, at the root of the run's place."""

KEPT_RESULTS: Final = "results.json"
"""What it is called in the run's folder, where it is kept."""

_LARGEST_RESULTS: Final = 1 << 20
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
        take_away(self._place, RESULTS)

    def ready(self) -> bool:
        """Whether valid results are there; a file that was found wanting is read again once it changes."""
        if self._ready:
            return True
        try:
            found = os.lstat(os.path.join(self._place, RESULTS))
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
        take_away(self._place, RESULTS)
        if isinstance(results, Results):
            text = results.model_dump_json(by_alias=True, indent=2) + "\n"
            self._run.folder.write(
                KEPT_RESULTS, self._run.redactor.text(text.encode("utf-8", "backslashreplace"))
            )
        return results

    def told(self, problem: str) -> str:
        """What the agent is told where its results are missing or wrong, as a section of Markdown."""
        example = json.dumps({"task": self._task_id, "status": "done", "summary": "What was done."})
        return (
            f"## The results of the task\n\n`{RESULTS}` in the root of the working folder {problem}. "
            f"Write it when you are done, as JSON like this:\n\n    {example}\n"
        )

    def _read(self) -> Results | str:
        content = left_file(self._place, RESULTS, _LARGEST_RESULTS + 1)
        if content is None:
            return "is missing"
        if content == NO_FILE:
            return "is no regular file"
        if len(content) > _LARGEST_RESULTS:
            return f"has more than {_LARGEST_RESULTS >> 20} MiB"
        try:
            results = Results.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            said = f"{where}: {first['msg']}" if where else first["msg"]
            return f"does not fit {RESULTS_SCHEMA}: {plain_text(shortened(said, _LONGEST))}"
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


STOP_NOTE: Final = "SPECGUARD_STOP.md"
"""Its name, at the root of the run's place."""

KEPT_STOP_NOTE: Final = "stop.md"
"""What it is called in the run's folder, where it is kept."""

_LARGEST_NOTE: Final = 1 << 16
_LINES: Final = 3


def stop_note(place: str) -> bytes | None:
    """What the file says; None where there is none. Of a link, a folder or a pipe nothing is read."""
    return left_file(place, STOP_NOTE, _LARGEST_NOTE)


def take_stop_note(run: Run, place: str, note: bytes) -> str:
    """Keep what the file says in the run's folder, and take it out of the place.

    Args:
        run: the run.
        place: the folder of the place.
        note: what it says.

    Returns:
        Its first lines that are no heading, as one.
    """
    text = run.redactor.words(plain_text(note.decode("utf-8", "surrogateescape")))
    run.folder.write(KEPT_STOP_NOTE, text)
    take_away(place, STOP_NOTE)
    lines = [line.strip() for line in text.split("\n")]
    said = [line for line in lines if line and not line.startswith("#")]
    return shortened(" ".join(said[:_LINES]), _LONGEST)
