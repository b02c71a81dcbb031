"""What is wrong with expectations, all of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Sequence


class CasesError(SpecguardError):
    """Several errors.

    Args:
        errors: at least one, in the order of files and lines.
        what: what they are errors of, e.g. `cases`.
    """

    def __init__(self, errors: Sequence[SpecguardError], what: str) -> None:
        first = errors[0]
        super().__init__(first.message, help=first.help, path=first.path, line=first.line, code=first.code)
        self._errors = errors
        self._what = what

    @property
    def summary(self) -> str:
        """How many there are."""
        return self.message if len(self._errors) == 1 else f"{len(self._errors)} errors in {self._what}"

    def each(self) -> Sequence[SpecguardError]:
        """Every one of them."""
        return self._errors
