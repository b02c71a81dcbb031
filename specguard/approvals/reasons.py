"""Whether the reason of an approval says anything."""

from __future__ import annotations

import re

from specguard.documents.content import is_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.authority.policy import Policy

_LEAST: Final = 8
"""With fewer letters, beside empty words and the rule's own names, a reason says nothing."""

_EMPTY_WORDS: Final = re.compile(
    r"\b(approved?|approval|override|overridden|lgtm|ok(ay)?|yes|please|needed|required|for|of|the|this|is|by|it)\b"
)


def says_nothing(reason: str, policy: Policy, codes: Sequence[str]) -> str:
    """Why a reason says nothing, as a clause; empty where it says something.

    Args:
        reason: the reason.
        policy: its rules.
        codes: the rules that the approval is for.
    """
    text = " ".join(reason.split())
    if not text:
        return "it gives no reason"
    rest = text.casefold()
    for code in codes:
        rule = policy.rule(code)
        for word in {code, rule.code, rule.name, rule.name.replace("-", " ")} if rule else {code}:
            rest = rest.replace(word.casefold(), " ")
    rest = _EMPTY_WORDS.sub(" ", rest)
    # A sign of a script that writes words with one or two of them says more than a letter.
    letters = sum(1 if char.isascii() else 3 for char in rest if char.isalnum())
    if not is_content(text) or letters < _LEAST:
        return f"its reason, {text[:60]!r}, says nothing"
    return ""
