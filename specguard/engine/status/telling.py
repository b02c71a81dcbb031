"""Reading facts for people: what does not belong here is left out, what cannot be had is noted."""

from __future__ import annotations

from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.engine.facts import Facts

    _Told = TypeVar("_Told")
    _Other = TypeVar("_Other")


class Telling:
    """What can be told of one tree.

    Args:
        facts: its facts.
        change: what is looked at.
        policy: what it is looked at by.

    Attributes:
        facts, change, policy: the same.
        unknown: what could not be told, and why.
    """

    def __init__(self, facts: Facts, change: Change, policy: Policy) -> None:
        self.change = change
        self.policy = policy
        self.unknown: list[str] = []
        self.facts = facts

    def fact(self, name: str) -> Any:
        """A fact; None where it does not belong here, or cannot be had."""
        return self.told(lambda: self.facts.get(name), None)

    @property
    def readiness(self) -> Sequence[str]:
        """The contracts of the documents that put conditional items off; none where no rule asks for them."""
        rule = self.policy.rule("PLN011")
        if rule is None or not rule.active:
            return ()
        contracts: Sequence[str] = rule.load().readiness  # type: ignore[attr-defined]  # a setting of its own
        return contracts

    def told(self, read: Callable[[], _Told], otherwise: _Other) -> _Told | _Other:
        """What a function gives, or something else where that cannot be told."""
        try:
            return read()
        except NotApplicable:
            return otherwise
        except MissingFact as missing:
            self.note(f"{missing.reason}: {missing.command}" if missing.command else missing.reason)
            return otherwise

    def note(self, said: str) -> None:
        """Note once that something could not be told."""
        if said not in self.unknown:
            self.unknown.append(said)


def missing(
    what: str,
    *,
    path: bytes | None = None,
    line: int | None = None,
    wave: str | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """One thing that is missing, as the report has it."""
    shown = None if path is None else path_text(path)
    return {"what": what, "path": shown, "line": line, "wave": wave, "stage": stage}
