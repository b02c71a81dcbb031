"""Reading the files of a working tree that are imported."""

from __future__ import annotations

import os

from specguard.documents.problem import not_utf8
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LIMIT: Final = 4 << 20
"""The most bytes of a file that are read."""


def read_text(top: str, name: str) -> str:
    """A file's text.

    Args:
        top: the folder that names are seen from.
        name: the file's.

    Raises:
        SpecguardError: it cannot be read, is no UTF-8, or is too large.
    """
    try:
        with open(os.path.join(top, name), "rb") as stream:
            content = stream.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise SpecguardError(
                f"it has more than {LIMIT >> 20} MiB, and is not read",
                path=name,
                help="name another file: specguard import SOURCE=FILE",
                code="size-limit",
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = not_utf8(error)
        raise SpecguardError(
            problem.message,
            path=name,
            line=problem.line,
            help="save it as UTF-8 text",
            code="unreadable-file",
        ) from None
    except OSError as error:
        raise SpecguardError(
            f"it cannot be read: {error.strerror}",
            path=name,
            help="name another file: specguard import SOURCE=FILE",
            code="unreadable-file",
        ) from error
