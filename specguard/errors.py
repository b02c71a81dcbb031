"""The errors that stop a check: one that a user can correct, and two for a fact that is missing.

Every error that a user can cause is a `SpecguardError` (exit code 2); users see the text of no other error.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    _Thing = TypeVar("_Thing")
    _Found = TypeVar("_Found")


class SpecguardError(Exception):
    """An error that prevents a verdict, with its reason and the next step.

    Args:
        message: one sentence that says what is wrong.
        help: the next step, as a sentence or a command; empty if there is none.
        path: the file that is wrong, under the name that the user knows.
        line: its line, from 1.
        code: the name of the kind of error, which `specguard error` explains; by default that of the class.

    Attributes:
        code: the name of the kind of error.
        summary: the message; for several errors in one, which are listed one by one, their number.
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
        """The file, with the line if it is known; empty without a file."""
        return f"{self.path}:{self.line}" if self.line else self.path or ""

    def errors(self) -> Sequence[SpecguardError]:
        """Return the errors in this one; a single error returns itself."""
        return [self]


class SeveralErrors(SpecguardError):
    """Several errors in one.

    Args:
        errors: at least one error, in the order of the listing.
        what: the thing that has the errors, e.g. `the policy`.
    """

    def __init__(self, errors: Sequence[SpecguardError], what: str) -> None:
        first, number = errors[0], f"{len(errors)} errors in {what}"
        if len(errors) > 1:
            each = "; ".join(f"{one.place}: {one.message}" for one in errors)
            super().__init__(f"{number}: {each}", code=first.code)
            self.summary = number
        else:
            super().__init__(
                first.message, help=first.help, path=first.path, line=first.line, code=first.code
            )
        self._errors = errors

    def errors(self) -> Sequence[SpecguardError]:
        """Return every one of the errors."""
        return self._errors


def usage(message: str, help: str = "") -> SpecguardError:
    """Return the error about arguments that are not a valid command line, or not one that works here."""
    return SpecguardError(message, help=help, code="usage")


def incomplete(message: str, help: str) -> SpecguardError:
    """Return the error about a policy that does not describe what it is asked for."""
    return SpecguardError(message, help=help, code="incomplete-policy")


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = "") -> SpecguardError:
    """Return the error about an unknown name of a kind of thing, with the next step of `nearest`."""
    step = nearest(name, known, otherwise)
    return SpecguardError(f"there is no {what} {name!r}", help=step, code="unknown-name")


def unknown_rule(word: str, known: Iterable[str], what: str = "rule") -> SpecguardError:
    """Return the error about an unknown rule; a code of a family that is not known may be a plugin's."""
    names = [*known]
    error = unknown(what, word, names, "`specguard rule` lists them")
    if len(word) == 6 and word[3:].isdigit() and word[:3].upper() not in {name[:3] for name in names}:
        error.help += " (a plugin's rule needs `specguard rule --plugin NAME`, or `plugins` of the authority)"
    return error


class NoAuthorityError(SpecguardError):
    """The error for a repository in which nobody has written an authority yet."""

    code = "no-authority"


def code_suffix(code: str) -> str:
    """Return the name of a kind of error as it follows a message; `specguard error` explains it."""
    return f" [{code}]" if code else ""


def as_specguard_error(error: BaseException) -> SpecguardError:
    """Return an error as a user sees it: as it is, as the missing fact it is, or as an internal error."""
    if isinstance(error, SpecguardError):
        return error
    if isinstance(error, MissingFact):
        return SpecguardError(error.reason, help=error.command, code=error.code)
    help = "please report it, with what this prints: specguard --traceback, then the same words"
    return SpecguardError(f"internal error: {failure_text(error)}", help=help, code="internal-error")


def failure_text(error: BaseException) -> str:
    """Return the type and text of an exception of a plugin, and the last line of its own code that ran."""
    place, trace = "", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in {"specguard", "click", *sys.stdlib_module_names}:
            place = f" ({module}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"


class MissingFact(Exception):
    """A fact that is not available; the rules that need it become `indeterminate`.

    Args:
        reason: one sentence that says what is missing.
        command: the one command that supplies it; empty if there is none.
        code: the name of the kind of error, as for a `SpecguardError`.
    """

    code: str = "missing-fact"

    def __init__(self, reason: str, command: str = "", *, code: str = "") -> None:
        super().__init__(reason)
        if code:
            self.code = code
        self.reason = reason
        self.command = command


class Needed:
    """A context manager in which a missing fact raises an error that the user sees."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, MissingFact):
            raise as_specguard_error(error) from error


class Reported:
    """A context manager in which an error of the system becomes one that the user sees.

    An error without the system's reason, such as the timeout of a lock, stays as it is.

    Args:
        failure: the failure as a clause, to which the system's reason is added.
        help: the next step.
        path: the file that it is about; None if the clause names it.
        code: the name of the kind of error.
    """

    def __init__(
        self, failure: str, help: str, path: str | None = None, *, code: str = "unwritable-file"
    ) -> None:
        self._failure, self._help, self._path, self._code = failure, help, path, code

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, OSError) and error.strerror is not None:
            message = f"{self._failure}: {error.strerror}"
            raise SpecguardError(message, help=self._help, path=self._path, code=self._code) from error


class NotApplicable(Exception):
    """A fact or rule that does not belong to this change or stage: counted, and harmless.

    Args:
        reason: one sentence that says why it does not apply.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def if_known(read: Callable[[], _Thing], otherwise: _Found) -> _Thing | _Found:
    """Return a function's result, or another value if a fact is missing or does not belong to the change."""
    try:
        return read()
    except (MissingFact, NotApplicable):
        return otherwise


def if_applicable(read: Callable[[], _Thing], otherwise: _Found) -> _Thing | _Found:
    """Return a function's result, or another value if it does not belong to the change."""
    try:
        return read()
    except NotApplicable:
        return otherwise


def judge_each(things: Iterable[_Thing], judge: Callable[[_Thing], Iterable[_Found]]) -> Iterator[_Found]:
    """Yield the findings in each thing; raise a missing fact only after the findings in all of them.

    Args:
        things: the things to judge.
        judge: yields the findings in one thing.

    Raises:
        MissingFact: the first one that `judge` raised.
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
    """Return the next step for an unknown name, such as `did you mean 'limit'?` if a known name is similar.

    The only known name that begins with the unknown name is the most similar one. One of which the unknown
    name says more, as `base_branch` does of `base`, is the least similar one.

    Args:
        name: the unknown name.
        known: the known names.
        otherwise: the step if no known name is similar; by default a list of the known names.
    """
    from difflib import get_close_matches

    names = sorted(known)
    spelled = {one.casefold(): one for one in names}
    wanted = name.casefold()
    begun = [one for one in spelled if len(wanted) > 2 and one.startswith(wanted)]
    near = begun if len(begun) == 1 else get_close_matches(wanted, spelled, n=1)
    near = near or [one for one in spelled if wanted.startswith((f"{one}_", f"{one}-"))]
    if near:
        return f"did you mean {spelled[near[0]]!r}?"
    return otherwise or (f"there is {', '.join(names)}" if names else "")
