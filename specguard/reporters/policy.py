"""A compiled policy for people and programs: its settings, each with the line it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from specguard.authority.policy import Policy, RuleInPolicy, is_in_table, plain
from specguard.change.check_request import Request
from specguard.declaration.patterns import Patterns, expansion
from specguard.declaration.rule import fact_names
from specguard.documents.toml import toml_key, toml_value
from specguard.engine.rule_runner import describe_condition
from specguard.engine.why import Governing, quotes
from specguard.model import Origin, Record, grouped, path_text
from specguard.reporters.escape import text_lines, visible
from specguard.reporters.json import fields_of, origin_data
from specguard.reporters.manual import Docstring
from specguard.reporters.wording import join_or

Path = tuple[str | int, ...]


_EXACT_DEPTH: Final = 3
"""Down to this depth, every key that is set has its own origin."""


class PolicySetting(Record):
    """One value that a policy sets.

    Attributes:
        path: its key, table by table; a position for an element of a list.
        value: the value as TOML represents it; one pattern of a list of patterns.
        origin: the line that sets it.
        covers: for a pattern, its expansion; otherwise empty.
    """

    path: Path
    value: Any
    origin: Origin
    covers: str = ""

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(map(str, self.path))


def settings(policy: Policy) -> list[PolicySetting]:
    """Return the settings of a policy's documents and presets, without defaults, table by table."""
    # Its patterns are of branches, and not of files.
    tree = {**policy.settings, "require_work_item": policy.value("require_work_item")}
    return list(_settings((), tree, policy, _set_keys(policy)))


def _set_keys(policy: Policy) -> set[str]:
    """Return every key that is set, and all its parent keys."""
    parts = [key.split(".") for key in policy.origins]
    return {".".join(one[: at + 1]) for one in parts for at in range(len(one))}


def _settings(path: Path, value: object, policy: Policy, set_keys: set[str]) -> Iterator[PolicySetting]:
    """Yield the settings at a key and below it, without those that have no origin."""
    key = ".".join(map(str, path))
    # Keys deeper than `rules.<name>.<key>` may only have the origin of a parent table.
    if 0 < len(path) <= _EXACT_DEPTH and key not in set_keys:
        return
    origin = policy.origin(key)
    # A list that the policy empties is a value, as a list of other things is.
    if isinstance(value, Patterns) and value.patterns:
        for index, pattern in enumerate(value.patterns):
            if place := policy.origin(f"{key}.{index}"):
                yield PolicySetting((*path, index), pattern, place, expansion(pattern, covers=value.covers))
        return
    if (members := _members(value, key, set_keys)) is None:
        if value is not None and origin:
            yield PolicySetting(path, plain(value), origin)
        return
    found = [one for name, element in members for one in _settings((*path, name), element, policy, set_keys)]
    if not found and isinstance(value, Record) and len(path) > 1 and origin:
        yield PolicySetting(path, {}, origin)
    yield from found


def _members(value: object, key: str, set_keys: set[str]) -> list[tuple[str | int, Any]] | None:
    """Return the members of a table, record or list of records by name or position; None for other values."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, Record):
        fields = [(name, getattr(value, name), getattr(type(value), name, None)) for name in value._fields]
        return [(name, one) for name, one, usual in fields if one != usual or f"{key}.{name}" in set_keys]
    if isinstance(value, (list, tuple)) and any(isinstance(element, Record) for element in value):
        return list(enumerate(value))
    return None


def as_text(policy: Policy, *, coverage: bool = False) -> Iterator[str]:
    """Return the lines of the policy as it was understood, then the text that was not understood."""
    tables = grouped((_key(one.path[: _depth(one.path)]), one) for one in settings(policy))
    values = {"key_of": lambda one: _key(one.path[_depth(one.path) :]), "toml": toml_value}
    return text_lines("policy.txt", policy=policy, tables=tables, coverage=coverage, **values)


def as_toml(policy: Policy) -> str:
    """Return the policy as settings that compile to it again, each with its origin as a comment."""
    found = ((_depth(one.path), one) for one in settings(policy))
    keys = grouped(((one.path[:depth], one.path[depth]), one) for depth, one in found)
    lines: list[str] = []
    table: Path = ()
    for (head, key), same in keys.items():
        if head != table:
            table = head
            # The header of an element of a list of tables, or of a table.
            header = f"[[{_key(head[:1])}]]" if isinstance(head[-1], int) else f"[{_key(head)}]"
            lines += ["", header] if lines else [header]
        origins = ", ".join(dict.fromkeys(str(one.origin) for one in same))
        value = _put_together([(one.path[len(head) + 1 :], one.value) for one in same])
        lines.append(f"{_key((key,))} = {toml_value(value)}  # {visible(origins)}")
    return "\n".join(lines) + "\n"


def as_data(policy: Policy) -> dict[str, Any]:
    """Return the policy as data: settings with origins, text that was not read, and sentences with rules."""
    return {
        "policy_id": policy.policy_id,
        **({"floor": policy.floor} if policy.floor else {}),
        "documents": [{"path": path, "oid": oid or None} for path, oid in policy.documents],
        "settings": [
            {
                **fields_of(one, "key", "value"),
                "covers": one.covers or None,
                "origin": origin_data(one.origin),
            }
            for one in settings(policy)
        ],
        "rules": [fields_of(rule, "code", "name", "severity", "active") for rule in policy.rules],
        "unread": [fields_of(one, "path", "line", "text", "reason") for one in policy.unread],
        "disregarded": [
            {"origin": origin_data(one.origin), "message": one.message, "above": origin_data(one.above)}
            for one in policy.disregarded
        ],
        "statements": [
            fields_of(one, "path", "line", "text", "rules", "settings") for one in policy.statements
        ],
    }


def _key(path: Path) -> str:
    """Return a key as TOML writes it, with positions among its parts."""
    return ".".join(str(part) if isinstance(part, int) else toml_key(part) for part in path)


def _depth(path: Path) -> int:
    """Return the number of a path's parts that belong to the header of its table."""
    of_two = path[0] in ("rules", "work") or (len(path) > 1 and isinstance(path[1], int))
    return min(2 if of_two else 1, len(path) - 1)


def _put_together(parts: Sequence[tuple[Path, Any]]) -> Any:
    """Return a value by its parts, each with its path in it; parts at positions are those of a list."""
    path, value = parts[0]
    if not path:
        return value
    below = grouped((path[0], (path[1:], part)) for path, part in parts)
    members = {key: _put_together(some) for key, some in below.items()}
    return [members[at] for at in sorted(members)] if isinstance(path[0], int) else members


SHOWN: Final = 20
"""The number of settings that are listed; the rest is counted."""


def explanation_data(
    policy: Policy, rule: RuleInPolicy, path: str, governing: Sequence[Governing], request: Request
) -> dict[str, Any]:
    """Return the explanation of a rule under a policy, and of its judgement of a path, as JSON data.

    Args:
        policy: the policy.
        rule: one of its rules.
        path: a path from the repository's root; empty for none.
        governing: all rules and patterns that govern the path.
        request: the request by which the lines of the authority are read.
    """
    check = rule.load()
    text = Docstring(type(check).__doc__)
    own = _rule_settings(policy, rule)
    lines = [one for one in governing if one.code == rule.code]
    name = os.fsencode(path.strip("/"))
    by_item = not {"work", "work_item"}.isdisjoint(fact_names(check.check, 1)[0])
    limits = policy.declared("approval_settings")
    approvers = [one.name for one in limits.able(rule)]
    words = quotes(request, policy, [*(one.origin for one in own), *(one.origin for one in lines)])
    return {
        **fields_of(rule, "code", "name", "plugin"),
        "summary": text.summary,
        **fields_of(rule, "severity", "stages"),
        "judges": rule.active,
        "reason": rule.idle or None,
        "condition": describe_condition(check),
        "settings": [
            {"key": one.key, "value": one.value, "authority": origin_data(one.origin), "quote": quote}
            for one, quote in zip(own, words, strict=False)
        ],
        "kinds": list(policy.declared("work_kinds")) if by_item else [],
        "path": path_text(name) if name else None,
        "governing": [
            {**one.data, "quote": quote} for one, quote in zip(lines, words[len(own) :], strict=True)
        ],
        "approvable": rule.approvable,
        "approvers": approvers,
        "persons": limits.persons_for(rule.code, rule.name) if approvers else 0,
        "signed": rule.signed,
        "fixes": check.fixes or None,
        "next": [*filter(None, [text.remedy if rule.active else ""]), f"specguard rule {rule.code}"],
    }


def explanation_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of an explanation for a person, from the result of `explanation_data`."""
    return text_lines("explanation.txt", **data, most=SHOWN, toml=toml_value, join_or=join_or)


def _rule_settings(policy: Policy, rule: RuleInPolicy) -> Sequence[PolicySetting]:
    """Return the settings of a rule's own table and of the tables that it needs; from `specs` all of them."""
    needs = ("specs" if one.startswith("specs.") else one for one in rule.load().tables)
    tables = [f"rules.{rule.name}", *needs]
    return [one for one in settings(policy) if any(is_in_table(one.path, table) for table in tables)]
