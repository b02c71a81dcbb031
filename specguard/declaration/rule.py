"""What a rule is: one class whose fields are its settings and whose docstring is its manual page."""

from __future__ import annotations

from specguard.declaration.record import Record
from specguard.model import SEVERITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, ClassVar, Final

    from specguard.declaration.fixes import Fix
    from specguard.model import Finding, Severity, Stage

LAST: Final = "APR"
"""The family of the rules about approvals, which judge what the others found and so come after them."""


class Settings(Record):
    """A table of a policy: each annotated field is a key of it.

    A field is declared as `limit: Annotated[int, Field(gt=0, description="…")] = 72`; every field has a
    description, and a nested table is a field whose type is another `Settings`. Next to the plain types
    there are `Guarding`, `Covering`, `Selecting` and `Expression` (see `specguard.rules`).

    A field may say which of its values make a policy stricter, with `json_schema_extra={"tightens": ...}`:
    `"higher"` or `"lower"` numbers and flags, `"more"` or `"fewer"` elements, or a list of its values from
    the loosest to the tightest. One that names entries of other tables says of which, with
    `{"names": ["artifacts"]}` (and `"dotted": True` where a field follows the name), so that a typo is told.
    One that names rules has `{"selectors": True}`, and one that names approvers `{"approvers": True}`.

    A table whose values can contradict each other has a method `problem() -> str` that says how, as a clause,
    or gives an empty string; it is asked when a policy is compiled.
    """


class Rule(Settings):
    """One check: its settings, its manual page, and a method `check` that yields findings.

    `check` names the facts it wants as its parameters, with the annotations that
    `specguard.engine.facts.Facts` gives them. It may raise `MissingFact` (the rule becomes indeterminate and
    keeps what it has found) or `NotApplicable`.

    A rule some of whose findings need no thought to be put right has a method `fix` too, and says in `fixes`
    what that does. It is given a finding and the facts that it names, and returns what would be done
    (`RenameBranch`, `RewordMessage` or `EditFile`), or None. It does nothing itself, `check --fix` alone asks
    it, and it leaves to a person what a person owes.

    Attributes:
        code: a family of three letters and three digits, never used again.
        name: the thing that is flagged, in kebab case, as settings name it.
        severity: the most a finding of this rule can be, unless the policy has a lower ceiling.
        stages: the moments of a check at which it runs.
        approvable: whether an approval may lift its findings.
        signed: whether only one that is signed, or that the platform vouches for, may, and by an approver
            whose `may` names the rule itself.
        judges_parts: whether of a file that was there before it judges only what a change alters, such as
            each item that is newly ticked. A baseline counts the errors of whole files, so the rule runs once
            more, on the whole tree, before any is accepted.
        requires: settings without which it has nothing to judge; while all of them are empty it is
            not-applicable and its module is not imported.
        tables: the same for keys of declared tables, from the top of the policy; `*` is any name, as in
            `artifacts.*.evidence`.
        condition: what holds when it passes, in one sentence; a setting is named as `{limit}`.
        asks: a method that takes the key of a setting whose pattern has a path, as `companions.0.when.0`,
            and says what a change of that path has to bring; without it `condition` says so.
        fixes: what `fix` does, as a sentence without a subject: `renames the branch`; empty without one.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = "error"
    stages: ClassVar[tuple[Stage, ...]]
    approvable: ClassVar[bool] = True
    signed: ClassVar[bool] = False
    judges_parts: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[str, ...]] = ()
    condition: ClassVar[str]
    fixes: ClassVar[str] = ""
    check: ClassVar[Callable[..., Iterator[Finding]]]
    fix: ClassVar[Callable[..., Fix | None] | None] = None
    asks: ClassVar[Callable[..., str] | None] = None

    @classmethod
    def family(cls) -> str:
        """The three letters of the code."""
        return cls.code[:3]


class Declaration:
    """A table at the top of a policy that several rules share, such as `[work.<kind>]`.

    Args:
        name: the table's name.
        settings: the model of the table, or of each of the tables in it.
        shape: `"table"` for `[name]`, `"tables"` for `[name.<key>]`, `"list"` for `[[name]]`.
        fact: the name under which rules ask for it; its value is one settings record, a mapping of them or
            a sequence of them, by shape.
        problems: what the tables have against each other: from the fact's value, each key that is wrong, how,
            as a clause, and the next step. It is asked when a policy is compiled.
    """

    __slots__ = ("fact", "name", "problems", "settings", "shape")

    def __init__(
        self,
        name: str,
        settings: type[Settings],
        *,
        shape: str = "table",
        fact: str,
        problems: Callable[[Any], Iterable[tuple[tuple[str | int, ...], str, str]]] | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.shape = shape
        self.fact = fact
        self.problems = problems


def lower_severity(one: Severity, other: Severity) -> Severity:
    """The lower of two severities."""
    return one if SEVERITIES.index(one) <= SEVERITIES.index(other) else other
