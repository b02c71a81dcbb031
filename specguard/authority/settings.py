"""The settings at the top of a policy, and those of the authority itself.

A field says that it names entries of tables with the option `names`. A name that is like none that there is
may be of an entry that is still to be written; what it is needed for then says that it is missing. The rules
and people that `selectors` and `approvers` name are all known.
"""

from __future__ import annotations

from specguard.authority.load import levels
from specguard.authority.policy import members
from specguard.change.git import MAX_ENTRIES
from specguard.declaration.patterns import Covering, PatternError, Selecting
from specguard.declaration.rule import Settings, required, setting
from specguard.errors import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.declaration.expressions import Expression
    from specguard.declaration.registry import Registry
    from specguard.declaration.rule import Note
    from specguard.model import Severity, Stage

    Path = tuple[str | int, ...]


class TopLevel(Settings):
    """The keys of a policy that stand in no table."""

    extends: list[str] = setting([], "presets to start from; later ones win")
    base: str | None = setting(
        None, "the branch that changes go into; by default it is detected", min_length=1
    )
    documents: list[str] = setting([], "more documents of the authority", tightens="more")
    merge: Literal["rebase", "merge", "squash"] = setting("rebase", "how changes land")
    require_work_item: bool | Selecting = setting(False, "changes, or branches, that must name a work item")
    remote: str | None = setting(None, "the URL of the canonical repository", min_length=1)
    plugins: list[str] = setting([], "installed distributions to use")

    max_entries: int = setting(
        MAX_ENTRIES, "the most files of a tree or change", ge=1, le=20_000_000, tightens="lower"
    )


class AuthorityKey(Settings):
    """Something that several documents state, and on which a lower one must not contradict a higher one."""

    name: str = required("its name, such as `canonical_root`", min_length=1)
    form: Literal["Key: value", "front matter"] | None = setting(
        None, "where it is stated: by default in any field"
    )
    pattern: Expression | None = setting(
        None, "instead of `form`: what such a line matches, with one group for the value"
    )

    def problem(self) -> str:
        """The problem with the settings, as a clause."""
        if self.pattern is None:
            return ""
        if self.form is not None:
            return "it has both a `form` and a `pattern`"
        if self.pattern.group_count != 1:
            return f"its `pattern` has {self.pattern.group_count} groups, and one is to hold the value"
        return ""


class AuthoritySettings(Settings):
    """Settings for reading the authority's prose."""

    sections: dict[str, Literal["locked-path", "forbidden-path", "normative", "order", "nothing"]] = setting(
        {}, "titles of sections, and what their paths mean"
    )
    normative: list[str] = setting([], "the normative documents (this locks nothing)", tightens="more")
    order: list[str] = setting([], "documents, highest first: paths or patterns")
    keys: list[AuthorityKey] = setting([], "what lower documents must not contradict", tightens="more")
    nested: list[str] = setting(
        [], "folders, or patterns of them, whose own `SPEC_AUTHORITY.md` may guard more", tightens="more"
    )

    def problem(self) -> str:
        """The problem with the settings, as a clause."""
        for pattern in self.nested:
            if "**" in pattern:
                return f"of `nested`, {pattern!r} has any depth; name each level, as in 'packages/*'"
            try:
                list(map(Selecting.translate, levels(pattern)))
            except PatternError as error:
                return f"of `nested`, {error}"
        for pattern in self.order:
            try:
                Covering.translate(pattern)
            except PatternError as error:
                return f"of `order`, {error}"
        return ""


class RuleTable(Settings):
    """The keys that every rule's table has."""

    severity: Severity | None = setting(None, "the most severe findings; `off` turns it off")
    stages: list[Stage] | None = setting(None, "when it runs", min_length=1)
    exclude: Covering = setting(Covering(), "paths that the rule skips")
    approvable: bool = setting(True, "`false`: no approval lifts its findings")


LEAST_LIKENESS: Final = 0.8
"""How much a name is like one that there is, as `difflib` counts, for it to be meant as that."""


def misspelt(values: Mapping[str, Any], registry: Registry) -> Iterator[tuple[Path, str, str]]:
    """The names that are nearly those of entries of other tables, and those of unknown rules and people.

    Args:
        values: the settings, validated.
        registry: the rules and declarations there are.

    Yields:
        The key, what is wrong with it, as a clause, and the next step.
    """
    rules = {name: registered.rule for name, registered in registry.rules.items()}
    selectors = {one for name, rule in rules.items() for one in (rule.code, rule.family(), name)}
    for path, value, options in _noted(values, rules):
        if "selectors" in options:
            for index, selector in enumerate(value):
                if selector not in selectors:
                    step = nearest(selector, selectors, "`specguard rule` lists them")
                    yield (*path, index), f"names {selector!r}, which is no rule's code, family or name", step
        if "approvers" in options:
            approvers = [one.name for one in values["approvals"].approver] if "approvals" in values else []
            for key, index, name in ((key, *one) for key, names in value.items() for one in enumerate(names)):
                if name not in approvers:
                    step = nearest(name, approvers, "add a table [[approvals.approver]] for this person")
                    yield (*path, key, index), f"names {name!r}, who is no `[[approvals.approver]]`", step
        if "names" in options:
            yield from _near(value, path, _known(values, options["names"]), options.get("dotted", False))


def _noted(
    value: Any, rules: Mapping[str, type[Settings]], path: Path = ()
) -> Iterator[tuple[Path, Any, Mapping[str, Any]]]:
    """Each field that is set, also in tables within: its key, value and options."""
    cls = rules.get(str(path[1])) if len(path) == 2 and path[0] == "rules" else type(value)
    notes: Mapping[str, Note] = getattr(cls, "_notes", {})
    for name, one in members(value) or ():
        if name in notes and one != getattr(cls, str(name), None):
            yield (*path, name), one, notes[str(name)].options
        yield from _noted(one, rules, (*path, name))


def _near(value: Any, path: Path, known: Sequence[str], dotted: bool) -> Iterator[tuple[Path, str, str]]:
    """The texts of a setting that nearly name something; if `dotted`, what stands before their last dot."""
    from difflib import get_close_matches

    texts: Sequence[tuple[Path, str]] = [(path, value)] if isinstance(value, str) else ()
    if isinstance(value, (list, tuple)):
        texts = [((*path, index), text) for index, text in enumerate(value)]
    elif isinstance(value, dict):
        texts = [((*path, key), key) for key in value]
    if dotted:
        # `packet.author` is the author of the `execution-packet`, too.
        parts = [name.split("-") for name in known]
        known = ["-".join(words[start:]) for words in parts for start in range(len(words))]
    for place, text in texts:
        name = text.rpartition(".")[0] if dotted else text
        near = [] if not name or name in known else get_close_matches(name, known, 1, LEAST_LIKENESS)
        if near:
            yield place, f"names {name!r}, which the policy does not have", f"did you mean {near[0]!r}?"


def _known(values: Mapping[str, Any], tables: Sequence[str]) -> list[str]:
    """The names of the entries of some tables, as they are written where one is meant."""
    known = {(name, table) for table in tables for name in values.get(table, {})}
    return sorted({name for name, _ in known} | {f"{name}s" for name, table in known if table == "work"})
