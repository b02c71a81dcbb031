"""Conventional Commits 1.0.0 (https://www.conventionalcommits.org/en/v1.0.0/): settings and reading.

The specification's numbered rules are cited where they decide.
"""

from __future__ import annotations

import re

from specguard.rules import Settings
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, Literal

    from pydantic import Field

# Rules 1, 4, 5 and 13: a type, an optional scope, an optional mark, a colon and one space, a description.
_SUBJECT = re.compile(
    r"(?P<type>[\w./-]+)(?:\((?P<scope>[^()\s][^()]*)\))?(?P<mark>!?): (?P<description>\S.*)", re.DOTALL
)
_SCOPE_APART = re.compile(r"[\w./-]+\s+\([^()]*\)!?")
_MARK_FIRST = re.compile(r"[\w./-]+!\([^()]*\)")
_EMPTY_SCOPE = re.compile(r"[\w./-]+\(\s*\)!?")
# Rules 12, 15 and 16: the one unit that is case-sensitive; either spelling, with ": " or " #" as any footer.
_BREAKING = re.compile(r"BREAKING[ -]CHANGE(?:: | #)\S")
_LIKE_BREAKING = re.compile(r"breaking[ -]changes?\s*(?::|#)", re.IGNORECASE)


class ConventionalForm(Settings):
    """The settings of a rule that can ask for the form of Conventional Commits."""

    conventional: Annotated[
        bool, Field(description="ask for the form of Conventional Commits 1.0.0: `type(scope)!: description`")
    ] = False
    types: Annotated[
        list[str], Field(description="the types there are; empty: any word, as in the specification")
    ] = []
    type_case: Annotated[
        Literal["any", "lower"],
        Field(description="`lower` asks for types in lower case; the specification takes any"),
    ] = "any"
    scopes: Annotated[list[str], Field(description="the scopes there are; empty: any")] = []
    scope: Annotated[
        Literal["optional", "required", "forbidden"], Field(description="whether a subject has a scope")
    ] = "optional"

    def subject_problem(self, subject: str) -> str:
        """What keeps a subject from the form, as a clause with the subject as `it`; empty where it has it."""
        found = _SUBJECT.fullmatch(subject)
        if found is None:
            return _malformed(subject)
        kind, scope = found["type"], found["scope"]
        if self.type_case == "lower" and kind != kind.lower():
            return f"its type is {quoted(kind)} and not {quoted(kind.lower())}: types are in lower case"
        if self.types and kind.casefold() not in {known.casefold() for known in self.types}:
            return f"its type {quoted(kind)} is none of {', '.join(self.types)}"
        if scope is None:
            return "it has no scope" if self.scope == "required" else ""
        if self.scope == "forbidden":
            return f"it has the scope {quoted(scope)}, and none is wanted"
        if self.scopes:
            for one in scope.split(","):
                if one.strip() not in self.scopes:
                    return f"its scope {quoted(one.strip())} is none of {', '.join(self.scopes)}"
        return ""


def footer_problems(lines: list[str]) -> Iterator[tuple[int, str]]:
    """What is wrong with the lines below a subject: the line's number, from 1, and a clause about it.

    Args:
        lines: all lines of the message, the subject first.
    """
    if len(lines) > 1 and lines[1].strip():
        yield 2, "the body begins in the second line, which must be blank"
    for number, line in enumerate(lines[1:], start=2):
        if _LIKE_BREAKING.match(line) and not _BREAKING.match(line):
            yield number, f'the footer {quoted(line)} must begin with "BREAKING CHANGE: " and say what breaks'


def _malformed(subject: str) -> str:
    head, colon, rest = subject.partition(":")
    if not colon:
        return 'it does not begin with a type and a colon, as in "fix: "'
    if head != head.strip():
        return "it has white space before its type or its colon"
    if _SCOPE_APART.fullmatch(head):
        return "it has a space before its scope"
    if _MARK_FIRST.fullmatch(head):
        return "its '!' stands before the scope and belongs right before the colon"
    if _EMPTY_SCOPE.fullmatch(head):
        return "its scope is empty"
    if not head or not re.fullmatch(r"[\w./-]+(\([^()]+\))?!?", head):
        return f'it begins with {quoted(head)}, which is no type, as in "fix: "'
    if not rest.strip():
        return "it has no description after the colon"
    if not rest.startswith(" "):
        return "it has no space after the colon"
    return "it has more than one space after the colon"
