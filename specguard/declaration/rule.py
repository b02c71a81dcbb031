"""The base class of rules, a record of settings whose docstring is its manual page; and fixes.

The schema of a rule's table is built from the annotations of its fields when a policy is compiled.
"""

from __future__ import annotations

import sys
from types import GenericAlias

from specguard.model import SEVERITIES, TYPE_CHECKING, OutputOnStderr, Record, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar

    from specguard.declaration.regular_expressions import Expression
    from specguard.model import Finding, Severity, Stage

    Fix: TypeAlias = "RenameBranch | RewordMessage | EditFile"
    """Any of the fixes."""

    _T = TypeVar("_T")


class FieldOptions:
    """The options of a field from `setting` or `required`, besides its type.

    Attributes:
        default: its default, in a tuple; an empty tuple if the field is required.
        description: the purpose of the field.
        options: the other options, by name.
    """

    __slots__ = ("default", "description", "options")

    def __init__(self, description: str, options: Mapping[str, Any], *default: Any) -> None:
        self.default = default
        self.description = description
        self.options = options


def setting(default: _T, description: str, **options: Any) -> _T:
    """Declare a field of `Settings` with a default; see there for the options."""
    return FieldOptions(description, options, default)  # type: ignore[return-value]  # `Settings` puts the default in its place


def required(description: str, **options: Any) -> Any:
    """Declare a field of `Settings` that every table must set."""
    return FieldOptions(description, options)


LAST: Final = "APR"
"""The family of the rules about approvals, which judge the findings of others and so run after them."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(required,))
class Settings(Record):
    """A table of a policy: each annotated field is a key of the table.

    Declare a field as `limit: int = setting(72, "…", gt=0)`, or as `name: str = required("…")` without a
    default. Every field has a description. A nested table is a field whose type is another `Settings`.
    Besides the plain types there are `Guarding`, `Covering`, `Selecting` and `Expression` (see
    `specguard.rules`). Further options of a field:

    - `min_length`, `max_length`, `pattern`, `gt`, `ge`, `lt`, `le`, `multiple_of`: pydantic's limits.

    - `check`: a function for each text in the value, which raises a `ValueError` to refuse it. Patterns
      that it returns replace the text.

    - `path`: `"file"` if each text is a path within the repository, `"folder"` if it may end with a slash.

    - `tightens`: which values make a policy stricter. `"higher"` or `"lower"` are for numbers and flags,
      `"more"` or `"fewer"` for elements. `"only"` is for elements that exclude all others (none: all are
      allowed), and so is `"within"` (none: something else decides). A list has the values from the loosest
      to the tightest; a value that is not listed is tighter than the first.

    - `names`: the tables whose entries the value names, so that a typo is reported; with `dotted` a field
      follows the name. `gates` has the gates of all kinds of work.

    - `selectors`: the value names rules, by code, family or name; `approvers`: it has lists of approvers.

    A table whose values can contradict each other has a method `problem() -> str` of its own, which is called
    when a policy is compiled.
    """

    _notes: ClassVar[Mapping[str, FieldOptions]] = {}

    def __init_subclass__(cls, **options: bool) -> None:
        noted = {name: value for name, value in cls.__dict__.items() if isinstance(value, FieldOptions)}
        for name, value in noted.items():
            if value.default:
                setattr(cls, name, *value.default)
            else:
                delattr(cls, name)
        cls._notes = {**cls._notes, **noted}
        super().__init_subclass__(**options)

    def problem(self) -> str:
        """Return the contradiction between the table's values, as a clause; empty if there is none."""
        return ""


class Rule(Settings):
    """One check: its settings, its manual page, and a method `check` that yields findings.

    The parameters of `check` name the facts that it needs, with the annotations of
    `specguard.engine.facts.Facts`. The method may raise `MissingFact` (the rule becomes indeterminate and
    keeps its findings so far) or `NotApplicable`.

    A rule with findings that can be fixed without a decision also has a method `fix`, and describes it in
    `fixes`. The method takes a finding and the facts that it names. The result is the fix (`RenameBranch`,
    `RewordMessage` or `EditFile`), or None. A fix only describes what
    to do, and only `check --fix` calls the method.
    Work that a person must do is left to the person.

    Attributes:
        code: a family of three letters and three digits, never used again.
        name: the flagged thing, in kebab case, as settings name it; by default derived from the class's name.
        severity: the highest severity of its findings, unless the policy has a lower ceiling.
        stages: the moments of a check at which it runs; by default those that have a whole tree.
        approvable: True if an approval may accept its findings.
        signed: True if such an approval must be signed, or confirmed by the platform, and come from an
            approver whose `may` names the rule itself.
        judges_parts: True if it judges only what a change alters in a file that existed before, such as each
            newly ticked item. A baseline counts the errors of whole files, so the rule runs once more, on the
            whole tree, before an error is accepted.
        requires: settings without which it has nothing to judge, or declared tables that it judges by. While
            all of them are empty it is not-applicable and its module is not imported.
        tables: like `requires`, but keys of declared tables, from the top of the policy; `*` is any name, as
            in `artifacts.*.evidence`.
        condition: what holds when it passes, in one sentence; a setting is named as `{limit}`.
        asks: a method that returns what a change of a path must include; without it, `condition` is used. Its
            argument is the key of a setting with a path pattern, such as `companions.0.when.0`.
        fixes: the effect of `fix`, as a sentence without a subject: `renames the branch`; empty without one.
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
        # A name that a base class sets is inherited; a name derived from the base class's name is not.
        name = getattr(cls, "name", "")
        if "name" not in cls.__dict__ and (not name or name in map(_name_of, cls.__mro__)):
            cls.name = _name_of(cls)

    @classmethod
    def family(cls) -> str:
        """Return the three letters of the code."""
        return cls.code[:3]


def _name_of(cls: type) -> str:
    """Return a class's name in kebab case."""
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in cls.__name__)[1:]


class Declaration(Record):
    """A table at the top of a policy that several rules share, such as `[work.<kind>]`.

    Args:
        name: the table's name.
        settings: the model of the table, or of each of the tables in it.
        shape: `"table"` for `[name]`, `"tables"` for `[name.<key>]`, `"list"` for `[[name]]`.
        fact: the name under which rules ask for the table. Its value is one settings record, a mapping of
            them or a sequence of them, depending on the shape.
        problems: returns conflicts between the tables in the fact's value: each wrong key, the problem as a
            clause, and the next step. It is called when a policy is compiled.
    """

    name: str
    settings: type[Settings]
    fact: str
    shape: str = "table"
    problems: Callable[[Any], Iterable[tuple[tuple[str | int, ...], str, str]]] | None = None

    @property
    def annotation(self) -> Any:
        """The type of the fact's value; called without arguments, it makes that of an absent table."""
        of_tables, of_list = GenericAlias(dict, (str, self.settings)), GenericAlias(list, self.settings)
        return {"table": self.settings, "tables": of_tables, "list": of_list}[self.shape]


def lower_severity(one: Severity, other: Severity) -> Severity:
    """Return the lower of two severities."""
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
        """The number as text for a person: `exactly 1 commit`, `at least 2 commits and at most 4 commits`."""
        limits = (("exactly", self.exactly), ("at least", self.at_least), ("at most", self.at_most))
        parts = [f"{word} {count} commit{'s' * (count != 1)}" for word, count in limits if count is not None]
        return " and ".join(parts) or "any number of commits"

    def accepts(self, count: int) -> bool:
        """True if the number of commits is permitted."""
        least, most = self.at_least or 0, self.at_most or count
        return self.exactly in (None, count) and least <= count <= most


class RenameBranch(Record):
    """A fix that renames the branch.

    Attributes:
        name: the new name.
    """

    name: str


class RewordMessage(Record):
    """A fix that rewords a commit's message.

    Attributes:
        commit: the commit's object id; None, as of a message being written, fixes nothing.
        edit: returns the new message for the present one, or the present one if it cannot be fixed. The fix
            of another finding may have altered its argument already.
    """

    commit: str | None
    edit: Callable[[str], str]


class EditFile(Record):
    """A fix that edits a file.

    Attributes:
        path: its path.
        edit: returns the new text for the present one, or the present one if it cannot be fixed. The fix of
            another finding may have altered its argument already.
    """

    path: bytes
    edit: Callable[[str], str]


def fact_names(method: Any, first: int) -> tuple[Sequence[str], int]:
    """Return the facts that a method's parameters name, from an index on, and how many have no default."""
    code = method.__code__
    names = code.co_varnames[first : code.co_argcount]
    return names, len(names) - len(method.__defaults__ or ())


def is_code(text: str) -> bool:
    """True if a text is a rule's code: three capital letters and three digits."""
    letters, digits = text[:3], text[3:]
    return len(text) == 6 and text.isascii() and letters.isalpha() and letters.isupper() and digits.isdigit()


def load(target: str) -> Any:
    """Import and return a `module`, the class of a `module:Class`, or the function of a `module:function`."""
    name, _, path = target.partition(":")
    if name not in sys.modules:
        with OutputOnStderr():
            __import__(name)
    value: Any = sys.modules[name]
    for part in filter(None, path.split(".")):
        value = getattr(value, part)
    return value


def import_path(cls: type) -> str:
    """Return the import path of a class, which `load` takes."""
    return f"{cls.__module__}:{cls.__qualname__}"
