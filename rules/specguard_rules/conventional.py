"""Conventional Commits 1.0.0 (https://www.conventionalcommits.org/en/v1.0.0/): settings and reading.

The specification's numbered rules are cited where they decide.
"""

from __future__ import annotations

import re

from specguard.rules import Settings, setting
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, Literal


# Rules 1, 4, 5 and 13: a type, an optional scope, an optional mark, a colon and one space, a description.
_SUBJECT: Final = r"(?P<type>[\w./-]+)(?:\((?P<scope>[^()\s][^()]*)\))?!?: (?P<first>\S)(?s:.*)"
# Rules 12, 15 and 16: the one unit that is case-sensitive; either spelling, with ": " or " #" as any footer.
_BREAKING: Final = r"BREAKING[ -]CHANGE(?:: | #)\S"
_NO_TYPE: Final = 'it does not begin with a type, a colon and one space, as in "fix: " or "fix(scope)!: "'
_LIKE_BREAKING: Final = r"(?im)^breaking[ -]changes?[ \t]*[:#].*"


class ConventionalForm(Settings):
    """The settings of a rule that can ask for the form of Conventional Commits."""

    conventional: bool = setting(
        False, "require Conventional Commits 1.0.0: `type(scope)!: description`", tightens="higher"
    )
    types: list[str] = setting([], "allowed types; by default any", tightens="only")
    type_case: Literal["any", "lower"] = setting("any", "the case of types", tightens=["any"])
    scopes: list[str] = setting([], "allowed scopes; by default any", tightens="only")
    scope: Literal["optional", "required", "forbidden"] = setting(
        "optional", "whether a subject has a scope", tightens=["optional"]
    )
    description_case: Literal["any", "lower", "upper"] = setting(
        "any", "the description's first letter", tightens=["any"]
    )

    def subject_problem(self, subject: str) -> tuple[str, str]:
        """What keeps a subject from the form, and the setting that asks for it; both empty where it has it.

        Returns:
            A clause with the subject as `it`, and a setting's name.
        """
        found = re.fullmatch(_SUBJECT, subject)
        if found is None:
            return _NO_TYPE, "conventional"
        kind, scope = found["type"], found["scope"]
        if self.types and kind.casefold() not in {known.casefold() for known in self.types}:
            return f"its type {quoted(kind)} is not one of {', '.join(self.types)}", "types"
        if self.type_case == "lower" and kind != kind.lower():
            return f"its type is {quoted(kind)}, and types are in lower case", "type_case"
        if self.scope == "required" and scope is None:
            return "it has no scope", "scope"
        if self.scope == "forbidden" and scope is not None:
            return f"it has the scope {quoted(scope)}, and none is wanted", "scope"
        for one in scope.split(",") if scope and self.scopes else ():
            if one.strip() not in self.scopes:
                return f"its scope {quoted(one.strip())} is not one of {', '.join(self.scopes)}", "scopes"
        first = found["first"]
        if self.description_case == "lower" and first != first.lower():
            return f"its description begins with the capital letter {quoted(first)}", "description_case"
        if self.description_case == "upper" and first.islower():
            return f"its description begins with the small letter {quoted(first)}", "description_case"
        return "", ""

    def subject_step(self, setting: str) -> str:
        """The form to write a subject in, as the policy has it.

        Args:
            setting: the one that is behind the problem, which then names what it lists itself.
        """
        scope = "" if self.scope == "forbidden" else "(scope)"
        types = f", with a type of {', '.join(self.types)}" if self.types and setting != "types" else ""
        return f"Write it as 'type{scope}: description'{types}"


def respelt(subject: str, *, lower: bool, case: str) -> str:
    """A subject with the spaces, and where wanted the case, that the form asks for; its words stay.

    Args:
        subject: the subject.
        lower: whether its type is in lower case.
        case: the setting `description_case`.
    """
    found = re.fullmatch(
        r"\s*(?P<type>[\w./-]+)\s*(?P<scope>\([^()]+\))?\s*(?P<mark>!?)\s*:\s*(?P<rest>\S.*)", subject
    )
    if found is None:
        return subject
    kind, rest = found["type"], found["rest"]
    if case != "any":
        rest = (rest[0].lower() if case == "lower" else rest[0].upper()) + rest[1:]
    return f"{kind.lower() if lower else kind}{found['scope'] or ''}{found['mark']}: {rest}"


def footer_problems(text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with footers of a message: the line's number, from 1, and a clause about it.

    Args:
        text: all of the message.
    """
    # Looked for first, since most messages have no such word.
    if "reaking" not in text and "REAKING" not in text:
        return
    for found in re.finditer(_LIKE_BREAKING, text):
        if found.start() and not re.match(_BREAKING, found[0]):
            footer = quoted(found[0].rstrip("\r"))
            what = f"the footer {footer} must begin with 'BREAKING CHANGE: ' and say what breaks"
            yield text.count("\n", 0, found.start()) + 1, what
