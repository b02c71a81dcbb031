"""What a tool call of an agent would do, as far as it can be told before it does it."""

from __future__ import annotations

from specguard.change.request import FileEdit
from specguard.declaration.rule import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Deeds", "FileEdit"]


class Deeds(Record):
    """What a tool call would do.

    Attributes:
        edits: the files that it would write or remove, in order.
        messages: the messages of the commits that it would make.
        bypasses: how it would get past hooks or the guard, each as a clause: `git commit --no-verify skips
            the hooks`.
        refs: the refs that it would move, as they are named, each with what it would point to.
        discards: files and folders whose uncommitted state it would throw away.
        undecided: what cannot be told of an edit, each as a clause: `what the tool x does is not known`.
    """

    edits: Sequence[FileEdit] = ()
    messages: Sequence[str] = ()
    bypasses: Sequence[str] = ()
    refs: Sequence[tuple[str, str]] = ()
    discards: Sequence[bytes] = ()
    undecided: Sequence[str] = ()
