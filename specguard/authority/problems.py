"""What is wrong with a policy: each problem with its place, and all of them at once."""

from __future__ import annotations

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.model import Origin


class Problem:
    """One thing that is wrong.

    Attributes:
        message: what it is, in one sentence.
        origin: where it is written.
        help: the next step.
    """

    __slots__ = ("help", "message", "origin")

    def __init__(self, message: str, *, origin: Origin, help: str = "") -> None:
        self.message = message
        self.origin = origin
        self.help = help


class PolicyError(SpecguardError):
    """A policy that cannot be compiled.

    Attributes:
        problems: all that is wrong, in the order of the documents.
    """

    code = "broken-authority"

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        if len(problems) == 1:
            super().__init__(
                first.message, help=first.help, path=first.origin.path, line=first.origin.line or None
            )
        else:
            each = "; ".join(f"{problem.origin}: {problem.message}" for problem in problems)
            super().__init__(f"{_counted(problems)}: {each}")
        self.problems = problems

    @property
    def summary(self) -> str:
        """How many problems there are."""
        return self.message if len(self.problems) == 1 else _counted(self.problems)

    def each(self) -> Sequence[SpecguardError]:
        """One error for each problem."""
        return [
            SpecguardError(
                one.message,
                help=one.help,
                path=one.origin.path,
                line=one.origin.line or None,
                code="broken-authority",
            )
            for one in self.problems
        ]


def _counted(problems: Sequence[Problem]) -> str:
    return f"the policy has {len(problems)} errors"
