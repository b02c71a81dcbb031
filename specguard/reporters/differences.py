"""What a change would do to the policy, in a report: loosening first, and nothing that a finding says too.

What is returned are plain texts of one line each; every reporter escapes them in its own way.
"""

from __future__ import annotations

from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.model import Verdict

SHOWN: Final = 20
"""How many settings are listed before the rest is counted."""

_RULE: Final = "PTH004"
"""The rule that has a finding for each setting, whose key is the setting's."""

_ORDER: Final = ("loosens", "incomparable", "tightens")
_WORDS: Final = {"loosens": "loosens", "incomparable": "changes", "tightens": "tightens"}


def headline(verdict: Verdict) -> str:
    """How many settings the change loosens, changes for better or worse, and tightens."""
    effects = [difference["effect"] for difference in verdict.policy_change]
    said: list[str] = []
    for effect in _ORDER:
        count = effects.count(effect)
        if count:
            settings = "" if said else f" setting{'s' if count > 1 else ''}"
            said.append(f"{_WORDS[effect]} {count}{settings}")
    counted = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
    return f"this change {counted}"


def unsaid(verdict: Verdict, shown: int | None = None) -> Sequence[Mapping[str, Any]]:
    """The differences that no finding says, loosening first, then what is neither, then tightening.

    Args:
        verdict: one whose change alters the policy.
        shown: how many findings of a rule are shown; None for all.
    """
    found = [
        judged.finding.key
        for result in verdict.results
        if result.code == _RULE
        for judged in [one for one in result.findings if one.state != "baselined"][:shown]
    ]
    rest = [difference for difference in verdict.policy_change if difference["key"] not in found]
    return sorted(rest, key=lambda difference: _ORDER.index(difference["effect"]))


def word(difference: Mapping[str, Any]) -> str:
    """What a difference does: `loosens`, `changes` or `tightens`."""
    return _WORDS[difference["effect"]]


def account(difference: Mapping[str, Any]) -> str:
    """The setting, and what lies between its values."""
    return f"{shortened(difference['key'], 120)} {shortened(difference['summary'], 400)}"


def place(difference: Mapping[str, Any]) -> tuple[str, int]:
    """The file and line where the setting is written, or was; an empty name where it is a default."""
    origin = difference["new_origin"] or difference["old_origin"]
    return (origin["path"], origin["line"] or 0) if origin else ("", 0)


def at(difference: Mapping[str, Any]) -> str:
    """Its place as `file:line`; empty where there is none."""
    path, line = place(difference)
    return f"{path}:{line}" if line else path
