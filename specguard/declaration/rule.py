"""The base class of rules: a record of settings whose docstring is its manual page; and fixes.

The schema of its table is built from the annotations of its fields when a policy is compiled.
"""

from __future__ import annotations

import sys

from specguard.model import SEVERITIES, dataclass_transform
from specguard.model import Record as Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar

    from specguard.declaration.expressions import Expression
    from specguard.model import Finding, Severity, Stage

    Fix: TypeAlias = "RenameBranch | RewordMessage | EditFile"
    """Any of them."""

    _T = TypeVar("_T")


class Note:
    """The options of a field that `setting` and `required` give, besides its type.

    Attributes:
        default: its default; absent where it is required.
        description: what it is for.
        options: the rest, by name.
    """

    __slots__ = ("default", "description", "options")

    def __init__(self, description: str, options: Mapping[str, Any], *default: Any) -> None:
        self.default = default
        self.description = description
        self.options = options


def setting(default: _T, description: str, **options: Any) -> _T:
    """A field of `Settings` that has a default; see there for the options."""
    return Note(description, options, default)  # type: ignore[return-value]  # `Settings` puts the default in its place


def required(description: str, **options: Any) -> Any:
    """A field of `Settings` that every table has to set."""
    return Note(description, options)


LAST: Final = "APR"
"""The family of the rules about approvals, which judge what the others found and so come after them."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(required,))
class Settings(Record):
    """A table of a policy: each annotated field is a key of it.

    A field is declared as `limit: int = setting(72, "…", gt=0)`, or `name: str = required("…")` where there
    is no default; every field has a description, and a nested table is a field whose type is another
    `Settings`. Next to the plain types there are `Guarding`, `Covering`, `Selecting` and `Expression` (see
    `specguard.rules`). What else a field may say:

    - `min_length`, `max_length`, `pattern`, `gt`, `ge`, `lt`, `le`, `multiple_of`: pydantic's limits;
    - `check`: a function of each text in it, which returns the text or raises a `ValueError`;
    - `refused`: values that it has no more, each with what to write instead;
    - `tightens`: which of its values make a policy stricter: `"higher"` or `"lower"` numbers and flags,
      `"more"` or `"fewer"` elements, `"only"` for elements that alone are allowed (none: all are), or a list
      of its values from the loosest to the tightest. A value that is not listed is tighter than the first;
    - `names`: the tables whose entries it names, so that a typo is told; with `dotted` a field follows it;
    - `selectors`: that it names rules, by code, family or name; `approvers`: that it has lists of approvers.

    A table whose values can contradict each other has a method `problem() -> str` that says how, as a clause,
    or gives an empty string; it is asked when a policy is compiled.
    """

    _notes: ClassVar[Mapping[str, Note]] = {}

    def __init_subclass__(cls, **options: bool) -> None:
        noted = {name: value for name, value in cls.__dict__.items() if isinstance(value, Note)}
        for name, value in noted.items():
            if value.default:
                setattr(cls, name, *value.default)
            else:
                delattr(cls, name)
        cls._notes = {**cls._notes, **noted}
        super().__init_subclass__(**options)


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
        name: the thing that is flagged, in kebab case, as settings name it; by default the class's name so.
        severity: the most a finding of this rule can be, unless the policy has a lower ceiling.
        stages: the moments of a check at which it runs; by default those that have a whole tree.
        approvable: whether an approval may lift its findings.
        signed: whether only one that is signed, or that the platform vouches for, may, and by an approver
            whose `may` names the rule itself.
        judges_parts: whether of a file that was there before it judges only what a change alters, such as
            each item that is newly ticked. A baseline counts the errors of whole files, so the rule runs once
            more, on the whole tree, before any is accepted.
        requires: settings without which it has nothing to judge, or declared tables that give it something;
            while all of them are empty it is not-applicable and its module is not imported.
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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
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

    def __init_subclass__(cls, **options: bool) -> None:
        super().__init_subclass__(**options)
        # A name that a base says is inherited; one that it has of its class is not.
        if "name" not in cls.__dict__ and getattr(cls, "name", "") in ("", *map(_name_of, cls.__mro__)):
            cls.name = _name_of(cls)

    @classmethod
    def family(cls) -> str:
        """The three letters of the code."""
        return cls.code[:3]


def _name_of(cls: type) -> str:
    """A class's name in kebab case."""
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in cls.__name__)[1:]


class Declaration(Record):
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

    name: str
    settings: type[Settings]
    fact: str
    shape: str = "table"
    problems: Callable[[Any], Iterable[tuple[tuple[str | int, ...], str, str]]] | None = None


def lower_severity(one: Severity, other: Severity) -> Severity:
    """The lower of two severities."""
    return one if SEVERITIES.index(one) <= SEVERITIES.index(other) else other


class Commits(Settings):
    """The number of commits that a change or an item has, and the ones that count."""

    exactly: int | None = setting(None, "exactly this many", ge=1, tightens=[None])
    at_most: int | None = setting(None, "at most this many", ge=1, tightens="lower")
    at_least: int | None = setting(None, "at least this many", ge=1, tightens="higher")
    ignore: list[Expression] = setting([], "subjects of commits that do not count", tightens="fewer")
    merges: Literal["count", "ignore"] = setting("count", "whether merge commits count")

    @property
    def wanted(self) -> str:
        """The number as a person says it: `exactly 1 commit`, `at least 2 commits and at most 4 commits`."""
        limits = (("exactly", self.exactly), ("at least", self.at_least), ("at most", self.at_most))
        told = [f"{words} {count} commit{'s' * (count != 1)}" for words, count in limits if count is not None]
        return " and ".join(told) or "any number of commits"

    def accepts(self, count: int) -> bool:
        """True if there may be so many commits."""
        least, most = self.at_least or 0, self.at_most or count
        return self.exactly in (None, count) and least <= count <= most


class RenameBranch(Record):
    """The branch gets another name.

    Attributes:
        name: the name.
    """

    name: str


class RewordMessage(Record):
    """A commit's message, or the one being written, gets other words.

    Attributes:
        commit: the commit's object id; None for the one being written.
        edit: gives the new message for the present one, or the same where it cannot be put right. It may be
            given one that another finding's fix has altered already.
    """

    commit: str | None
    edit: Callable[[str], str]


class EditFile(Record):
    """A file gets other content.

    Attributes:
        path: its path.
        edit: gives the new text for the present one, or the same where it cannot be put right. It may be
            given one that another finding's fix has altered already.
    """

    path: bytes
    edit: Callable[[str], str]


def is_code(text: str) -> bool:
    """True if a text is a rule's code: three capital letters and three digits."""
    letters, digits = text[:3], text[3:]
    return len(text) == 6 and text.isascii() and letters.isalpha() and letters.isupper() and digits.isdigit()


def load(target: str) -> Any:
    """The class of a `module:Class`, or the function of a `module:function`."""
    name, _, path = target.partition(":")
    if name not in sys.modules:
        __import__(name)
    value: Any = sys.modules[name]
    for part in path.split("."):
        value = getattr(value, part)
    return value


def target_of(cls: type) -> str:
    """The import path of a class, which `load` takes."""
    return f"{cls.__module__}:{cls.__qualname__}"
