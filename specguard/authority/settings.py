"""The settings at the top of a policy, and those of the authority itself.

The option `names` of a field says that its values name entries of other tables. An unknown name is reported
only if it resembles a known one, since the entry may still have to be written. Whatever needs that entry then
reports it as missing. The rules and people that `selectors` and `approvers` name must exist.
"""

from __future__ import annotations

from specguard.authority.load import pattern_levels
from specguard.authority.policy import members
from specguard.change.git import MAX_ENTRIES
from specguard.declaration.patterns import Covering, Selecting
from specguard.declaration.rule import FieldOptions, Settings, required, setting
from specguard.errors import TYPE_CHECKING, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.declaration.registry import Registry
    from specguard.declaration.regular_expressions import Expression
    from specguard.model import Severity, Stage

    Path = tuple[str | int, ...]


class TopLevel(Settings):
    """The keys of a policy that are not in a table."""

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
        """Return the problem with `form` and `pattern`, as a clause; empty if there is none."""
        if self.pattern is not None and self.form is not None:
            return "it has both a `form` and a `pattern`"
        if self.pattern is not None and self.pattern.group_count != 1:
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
        """Return the first invalid pattern, as a clause; empty if all are valid."""
        for pattern in self.nested:
            if "**" in pattern:
                return f"of `nested`, {pattern!r} has any depth; name each level, as in 'packages/*'"
            if problem := Selecting.problem_in(*pattern_levels(pattern), written=pattern):
                return f"of `nested`, {problem}"
        problem = Covering.problem_in(*self.order)
        return f"of `order`, {problem}" if problem else ""


class RuleTable(Settings):
    """The keys that every rule's table has."""

    severity: Severity | None = setting(None, "the most severe findings; `off` turns it off")
    stages: list[Stage] | None = setting(None, "when it runs", min_length=1)
    exclude: Covering = setting(Covering(), "paths that the rule skips")
    approvable: bool = setting(True, "`false`: no approval lifts its findings")


LEAST_LIKENESS: Final = 0.8
"""The least `difflib` ratio at which an unknown name counts as a misspelt known one."""


def find_misspelt(values: Mapping[str, Any], registry: Registry) -> Iterator[tuple[Path, str, str]]:
    """Yield names that nearly match entries of other tables, and names of unknown rules and people.

    Args:
        values: the settings, validated.
        registry: the registered rules and declarations.

    Yields:
        The key, the problem with it as a clause, and the next step.
    """
    rules = {name: registered.rule for name, registered in registry.rules.items()}
    selectors = {one for name, rule in rules.items() for one in (rule.code, rule.family(), name)}
    for path, value, options in _changed_fields(values, rules):
        if "selectors" in options:
            for index, selector in enumerate(value):
                if selector not in selectors:
                    step = nearest(selector, selectors, "`specguard rule` lists them")
                    yield (*path, index), f"names {selector!r}, not a rule's code, family or name", step
        if "approvers" in options:
            approvers = [one.name for one in values["approvals"].approver] if "approvals" in values else []
            for key, index, name in ((key, *one) for key, names in value.items() for one in enumerate(names)):
                if name not in approvers:
                    step = nearest(name, approvers, "add a table [[approvals.approver]] for this person")
                    yield (*path, key, index), f"names {name!r}, who is no `[[approvals.approver]]`", step
        if "names" in options:
            known, dotted = _names(values, options["names"]), options.get("dotted", False)
            yield from _unknown(value, path, known, dotted=dotted, exact=options["names"] == ["artifacts"])


def _changed_fields(
    value: Any, rules: Mapping[str, type[Settings]], path: Path = ()
) -> Iterator[tuple[Path, Any, Mapping[str, Any]]]:
    """Yield the key, value and options of each field that is not at its default, also in nested tables."""
    cls = rules.get(str(path[1])) if len(path) == 2 and path[0] == "rules" else type(value)
    notes: Mapping[str, FieldOptions] = getattr(cls, "_notes", {})
    for name, one in members(value) or ():
        if name in notes and one != getattr(cls, str(name), None):
            yield (*path, name), one, notes[str(name)].options
        yield from _changed_fields(one, rules, (*path, name))


def _unknown(
    value: Any, path: Path, known: Sequence[str], *, dotted: bool, exact: bool
) -> Iterator[tuple[Path, str, str]]:
    """Yield the texts that resemble a known name, or with `exact` all that are not known.

    If `dotted`, only their part before the last dot counts.
    """
    from difflib import get_close_matches

    keys = value if isinstance(value, dict) else range(len(value))
    texts = [((*path, key), text) for key, text in zip(keys, value, strict=True)]
    texts = [(path, value)] if isinstance(value, str) else texts
    if dotted and not exact:
        # `packet.author` also names the author of the `execution-packet`.
        parts = [name.split("-") for name in known]
        known = ["-".join(words[start:]) for words in parts for start in range(len(words))]
    for place, text in texts:
        name = text.rpartition(".")[0] if dotted else text
        similar = get_close_matches(name, known, 1, LEAST_LIKENESS)
        if name and name not in known and (similar or exact):
            step = f"did you mean {similar[0]!r}?" if similar else f"write [artifacts.{name}], or correct it"
            yield place, f"names {name!r}, which the policy does not have", step


def _names(values: Mapping[str, Any], tables: Sequence[str]) -> list[str]:
    """Return the names of the entries of some tables; those of `work` also in the plural.

    Those of `gates` are the gates of all kinds in `work`.
    """
    kinds = values.get("work", {})
    gates = [gate.name for kind in kinds.values() for gate in kind.gates]
    known = {"work": [*kinds, *(f"{name}s" for name in kinds)], "gates": gates}
    return sorted(name for table in tables for name in known.get(table, values.get(table, {})))
