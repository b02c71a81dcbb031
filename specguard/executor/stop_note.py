"""`SPECGUARD_STOP.md`: the file by which an agent says that it cannot go on, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from specguard.executor.left_files import left_file, take_away
from specguard.executor.plain_text import plain_text
from specguard.model import shortened

if TYPE_CHECKING:
    from specguard.executor.run import Run

NAME: Final = "SPECGUARD_STOP.md"
"""Its name, at the root of the run's place."""

KEPT: Final = "stop.md"
"""What it is called in the run's folder, where it is kept."""

_LARGEST: Final = 1 << 16
_LINES: Final = 3
_LONGEST: Final = 300


def stop_note(place: str) -> bytes | None:
    """What the file says; None where there is none. Of a link, a folder or a pipe nothing is read."""
    return left_file(place, NAME, _LARGEST)


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
    run.folder.write(KEPT, text)
    take_away(place, NAME)
    lines = [line.strip() for line in text.split("\n")]
    said = [line for line in lines if line and not line.startswith("#")]
    return shortened(" ".join(said[:_LINES]), _LONGEST)
