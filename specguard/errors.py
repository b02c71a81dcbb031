"""The errors that stop a check: one that a user can correct, and two for a fact that is missing.

Everything that a user can cause is a `SpecguardError` (exit code 2); nothing else may reach them as text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    _Thing = TypeVar("_Thing")
    _Found = TypeVar("_Found")


class SpecguardError(Exception):
    """No verdict can be given, and here is why and what to do.

    Args:
        message: one sentence that says what is wrong.
        help: the next step, as a sentence or a command; empty if there is none.
        path: the file that is wrong, as the user would name it.
        line: its line, from 1.
        code: the name of the kind of error, which `specguard error` explains; by default its class's.

    Attributes:
        code: that name.
        summary: the message; of several errors in one, which are listed one by one, their number.
    """

    code: str = "not-possible"

    def __init__(
        self,
        message: str,
        *,
        help: str = "",
        path: str | None = None,
        line: int | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        if code:
            self.code = code
        self.message = self.summary = message
        self.help = help
        self.path = path
        self.line = line

    @property
    def place(self) -> str:
        """Where it is: the file, with the line if there is one."""
        return f"{self.path}:{self.line}" if self.line else self.path or ""

    def each(self) -> Sequence[SpecguardError]:
        """The errors that it stands for; itself, where it is a single one."""
        return [self]


class SeveralErrors(SpecguardError):
    """Several errors in one.

    Args:
        errors: at least one, in the order in which they are listed.
        what: what they are errors in, e.g. `the policy`.
    """

    def __init__(self, errors: Sequence[SpecguardError], what: str) -> None:
        first, several = errors[0], len(errors) > 1
        number = f"{len(errors)} errors in {what}"
        each = "; ".join(f"{one.place}: {one.message}" for one in errors)
        super().__init__(
            f"{number}: {each}" if several else first.message,
            help="" if several else first.help,
            path=None if several else first.path,
            line=None if several else first.line,
            code=first.code,
        )
        self.summary = number if several else first.message
        self._errors = errors

    def each(self) -> Sequence[SpecguardError]:
        """Every one of them."""
        return self._errors


def usage(message: str, help: str = "") -> SpecguardError:
    """That the words are no command line, or none that goes here."""
    return SpecguardError(message, help=help, code="usage")


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = "") -> SpecguardError:
    """That there is nothing of a kind that has a name, with the step of `nearest`."""
    step = nearest(name, known, otherwise)
    return SpecguardError(f"there is no {what} {name!r}", help=step, code="unknown-name")


class NoAuthorityError(SpecguardError):
    """Nobody has written an authority yet."""

    code = "no-authority"


def named(code: str) -> str:
    """The name of a kind of error as it stands behind a message; `specguard error` explains it."""
    return f" [{code}]" if code else ""


def internal_error(error: Exception | SystemExit) -> SpecguardError:
    """The message to a user for an error that is not theirs."""
    return SpecguardError(
        f"internal error: {type(error).__name__}: {error}",
        help="please report it, with what this prints: specguard --traceback, then the same words",
        code="internal-error",
    )


class MissingFact(Exception):
    """A fact that cannot be had; the rules that need it become `indeterminate`.

    Args:
        reason: what is missing, in one sentence.
        command: the one command that would supply it; empty if there is none.
        code: the name of the kind of error, as of a `SpecguardError`.
    """

    code: str = "missing-fact"

    def __init__(self, reason: str, command: str = "", *, code: str = "") -> None:
        super().__init__(reason)
        if code:
            self.code = code
        self.reason = reason
        self.command = command


class Needed:
    """Within `with Needed():` a fact that is missing is an error, which a user is told."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, MissingFact):
            raise SpecguardError(error.reason, help=error.command, code=error.code) from error


class NotApplicable(Exception):
    """A fact or rule that does not belong to this change or stage: counted, and harmless.

    Args:
        reason: why it does not apply, in one sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def if_known(read: Callable[[], _Thing], otherwise: _Found) -> _Thing | _Found:
    """The result of a function, or another value if a fact is missing or does not belong to the change."""
    try:
        return read()
    except (MissingFact, NotApplicable):
        return otherwise


def if_applicable(read: Callable[[], _Thing], otherwise: _Found) -> _Thing | _Found:
    """The result of a function, or another value if it does not belong to the change."""
    try:
        return read()
    except NotApplicable:
        return otherwise


def judge_each(things: Iterable[_Thing], judge: Callable[[_Thing], Iterable[_Found]]) -> Iterator[_Found]:
    """The findings in each of some things; a missing fact is raised after the findings in all of them.

    Args:
        things: what is looked at.
        judge: what is found in one of them.

    Raises:
        MissingFact: the first that was missing.
    """
    missing: MissingFact | None = None
    for thing in things:
        try:
            yield from judge(thing)
        except MissingFact as fact:
            missing = missing or fact
    if missing is not None:
        raise missing


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The next step where a name is none of those known: `did you mean 'limit'?`, where one of them is near.

    Args:
        name: the name.
        known: those that there are.
        otherwise: the step where none is near; by default what there is.
    """
    from difflib import get_close_matches

    names = sorted(known)
    spelled = {one.casefold(): one for one in names}
    near = get_close_matches(name.casefold(), spelled, n=1)
    if near:
        return f"did you mean {spelled[near[0]]!r}?"
    return otherwise or (f"there is {', '.join(names)}" if names else "")
