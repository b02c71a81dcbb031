"""A word before and after its expansion: pieces, and the fields that they become."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Piece:
    """A piece of a word whose substitutions were run.

    Attributes:
        text: its text; None where it is not known.
        quoted: whether it is neither split nor a pattern.
        written: whether it stands in the command as it is, so that braces and `~` in it count.
    """

    __slots__ = ("quoted", "text", "written")

    def __init__(self, text: str | None, *, quoted: bool, written: bool = False) -> None:
        self.text = text
        self.quoted = quoted
        self.written = written


class Field:
    """A word after expansion.

    Attributes:
        text: its text; None where it is not known.
        start: as much of the text's beginning as is known.
        raw: the word as it is written, for clauses.
        several: whether it may be no word or several.
        pattern: the pattern of pathnames that it is; its pieces, of which every second is quoted. The text
            is not known then.
    """

    __slots__ = ("pattern", "raw", "several", "start", "text")

    def __init__(
        self,
        text: str | None,
        raw: str,
        *,
        start: str = "",
        several: bool = False,
        pattern: Sequence[tuple[str, bool]] = (),
    ) -> None:
        self.text = text
        self.raw = raw if len(raw) <= 60 else raw[:57] + "..."
        self.start = start if text is None else text
        self.several = several
        self.pattern = pattern

    @property
    def option(self) -> bool:
        """Whether it may be an option."""
        return self.start.startswith("-") or (self.text is None and not self.start)
