"""`SPECGUARD_STOP.md`: the file by which an agent says that it cannot go on, and why."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

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
_NO_FILE: Final = b"(no file)"


def stop_note(place: str) -> bytes | None:
    """What the file says; None where there is none. Of a link, a folder or a pipe nothing is read."""
    path = os.path.join(place, NAME)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return _NO_FILE if os.path.lexists(path) else None
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _LARGEST) if regular else _NO_FILE
    finally:
        os.close(descriptor)


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
    path = os.path.join(place, NAME)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)
    lines = [line.strip() for line in text.split("\n")]
    said = [line for line in lines if line and not line.startswith("#")]
    return shortened(" ".join(said[:_LINES]), _LONGEST)
