"""A compiled policy for people and programs: what is set, each value with the line it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from specguard.authority.policy import Policy, RuleInPolicy, is_in, plain
from specguard.change.check_request import Request
from specguard.declaration.patterns import Patterns, expansion
from specguard.declaration.rule import Record
from specguard.documents.toml import toml_key, toml_value
from specguard.engine.rule_runner import asked_facts, describe_condition
from specguard.engine.why import Governing, quoted
from specguard.model import Origin, path_text
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.json import fields_of, origin_data
from specguard.reporters.manual import prose, remedy
from specguard.reporters.wording import either, shell_word

Path = tuple[str | int, ...]


_EXACT: Final = 3
"""Down to this depth every key that is set has an origin of its own."""


class PolicySetting(Record):
    """One value that a policy sets.

    Attributes:
        path: its key, table by table; a position for an element of a list.
        value: as TOML has it; one pattern of a list of patterns.
        origin: where it is written.
        covers: for a pattern, all that it stands for; else empty.
    """

    path: Path
    value: Any
    origin: Origin
    covers: str = ""

    @property
    def key(self) -> str:
        """Its dotted key."""
        return ".".join(map(str, self.path))


def settings(policy: Policy) -> list[PolicySetting]:
    """The settings of a policy's documents and presets, without defaults, table by table."""
    tree: dict[str, object] = {key: policy.value(key) for key in policy.to_data()["top"]}
    tree["authority"] = {
        name: list(getattr(policy, name)) for name in ("normative", "order", "keys", "nested")
    }
    tree["rules"] = {
        rule.name: {
            **fields_of(rule, "severity", "approvable", "exclude"),
            "stages": list(rule.stages),
            **rule.settings,
        }
        for rule in policy.rules
    }
    tree.update(policy.tables)
    return list(_settings((), tree, policy, _written(policy)))


def _written(policy: Policy) -> set[str]:
    """Every key that is set, and every key above one."""
    written: set[str] = set()
    for key in policy.origins:
        while key and key not in written:
            written.add(key)
            key = key.rpartition(".")[0]
    return written


def _settings(path: Path, value: object, policy: Policy, written: set[str]) -> Iterator[PolicySetting]:
    """The settings at a key and below it; what nobody wrote is left out."""
    key = ".".join(map(str, path))
    # The origins of what is deeper than `rules.<name>.<key>` may be those of the table above.
    if 0 < len(path) <= _EXACT and key not in written:
        return
    origin = policy.origin(key)
    if isinstance(value, Patterns):
        for index, pattern in enumerate(value.patterns):
            if place := policy.origin(f"{key}.{index}"):
                covers = expansion(pattern, covers=value.covers)
                yield PolicySetting((*path, index), pattern, place, covers)
        return
    within = _within(value, key, written)
    if within is None:
        if value is not None and origin:
            yield PolicySetting(path, plain(value), origin)
        return
    found = [one for name, element in within for one in _settings((*path, name), element, policy, written)]
    if not found and isinstance(value, Record) and len(path) > 1 and origin:
        yield PolicySetting(path, {}, origin)
    yield from found


def _within(value: object, key: str, written: set[str]) -> list[tuple[str | int, Any]] | None:
    """The members of a table, a record or a list of records, by name or position; None for other values."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, Record):
        fields = [(name, getattr(value, name), getattr(type(value), name, None)) for name in value._fields]
        return [(name, one) for name, one, usual in fields if one != usual or f"{key}.{name}" in written]
    if isinstance(value, (list, tuple)) and any(isinstance(element, Record) for element in value):
        return list(enumerate(value))
    return None


def as_text(policy: Policy, *, coverage: bool = False) -> Iterator[str]:
    """The policy as it was understood, line by line, then the text that was not."""
    yield f"documents: {', '.join(path for path, _ in policy.documents)}"
    yield f"policy: {policy.policy_id}"
    if policy.floor:
        yield f"floor: {policy.floor['path']} (sha256 {policy.floor['sha256']})"
    yield ""
    tables: dict[str, list[str]] = {}
    for setting in settings(policy):
        head, key = _place(setting)
        said = f"{key} = {toml_value(setting.value)}"
        if setting.covers and setting.covers != setting.value:
            said += f"  ({setting.covers})"
        line = f"  {visible(cut(said)):60}  {cut_path(str(setting.origin))}"
        tables.setdefault(head, []).append(line)
    for head, told in tables.items():
        yield from [*([f"[{cut(head)}]"] if head else []), *told, ""]
    active = sum(rule.active for rule in policy.rules)
    yield f"{active} of {len(policy.rules)} rules have something to judge"
    if policy.unread:
        yield from ("", "not understood:")
    for one in policy.unread:
        yield f"  {cut_path(one.path)}:{one.line}: {cut(one.text)} ({cut(one.reason)})"
    if policy.disregarded:
        yield from ("", "does not count:")
    for wrong in policy.disregarded:
        yield f"  {cut_path(str(wrong.origin))}: {cut(wrong.message)} ({cut_path(str(wrong.above))})"
    if coverage:
        # Their words are known in English alone; a document in another language is not said to have none.
        yield from ("", f"sentences that command, in English:{'' if policy.statements else ' none'}")
    for command in policy.statements if coverage else ():
        held = ", ".join(command.rules) or f"held by no rule{', would be by ' if command.settings else ''}"
        said = f"{cut_path(command.path)}:{command.line}: {cut(command.text)}"
        yield f"  {said}  [{held}{' and '.join(command.settings)}]"


def as_toml(policy: Policy) -> str:
    """The policy as settings that would compile to it, each with its origin as a comment."""
    keys: dict[tuple[Path, str | int], list[PolicySetting]] = {}
    for setting in settings(policy):
        depth = _depth(setting.path)
        keys.setdefault((setting.path[:depth], setting.path[depth]), []).append(setting)
    lines: list[str] = []
    table: Path = ()
    for (head, key), same in keys.items():
        if head != table:
            table = head
            # The header of a table, or of an element of a list of tables.
            header = f"[[{_key(head[:1])}]]" if isinstance(head[-1], int) else f"[{_key(head)}]"
            lines += ["", header] if lines else [header]
        origins = ", ".join(dict.fromkeys(str(one.origin) for one in same))
        lines.append(f"{_key((key,))} = {toml_value(_joined(same))}  # {visible(origins)}")
    return "\n".join(lines) + "\n"


def as_data(policy: Policy) -> dict[str, Any]:
    """The policy as data: settings with origins, what was not understood, and which rule holds what."""
    return {
        "policy_id": policy.policy_id,
        **({"floor": policy.floor} if policy.floor else {}),
        "documents": [{"path": path, "oid": oid or None} for path, oid in policy.documents],
        "settings": [
            {
                "key": one.key,
                "value": one.value,
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
            {
                **fields_of(one, "path", "line", "text"),
                "rules": list(one.rules),
                "settings": list(one.settings),
            }
            for one in policy.statements
        ],
    }


def _place(setting: PolicySetting) -> tuple[str, str]:
    """The table of a setting as a header has it, and its key within."""
    depth = _depth(setting.path)
    return _key(setting.path[:depth]), _key(setting.path[depth:])


def _key(path: Path) -> str:
    """A key as TOML has it, with positions among its parts."""
    return ".".join(str(part) if isinstance(part, int) else toml_key(part) for part in path)


def _depth(path: Path) -> int:
    """The number of a path's parts in its table's header."""
    of_two = path[0] in ("rules", "work") or (len(path) > 1 and isinstance(path[1], int))
    return min(2 if of_two else 1, len(path) - 1)


def _joined(same: list[PolicySetting]) -> Any:
    """The value of one key of a table, put together from all that is below it."""
    root: dict[str | int, Any] = {}
    for setting in same:
        path = setting.path[_depth(setting.path) :]
        place = root
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = setting.value
    (value,) = root.values()
    return _lists(value)


def _lists(value: Any) -> Any:
    """The same with every table whose keys are positions as a list."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(element) for key, element in value.items()}
    if inner and all(isinstance(key, int) for key in inner):
        return [inner[key] for key in sorted(inner)]
    return inner


SHOWN: Final = 20
"""So many settings are shown before the rest is counted."""


def explanation_data(
    policy: Policy, rule: RuleInPolicy, path: str, governing: Sequence[Governing], request: Request
) -> dict[str, Any]:
    """The explanation of a rule under a policy, and of a path by it, as JSON can hold it.

    Args:
        policy: the policy.
        rule: one of its rules.
        path: a path from the repository's root; empty for none.
        governing: all that has a say about the path.
        request: where the words of the authority are read.
    """
    check = rule.load()
    text = type(check).__doc__ or ""
    own = _of_rule(policy, rule)
    named = [one for one in governing if one.code == rule.code]
    name = os.fsencode(path.strip("/"))
    off = "the policy has it off" if rule.severity == "off" else ""
    idle = off or (f"the policy sets no {rule.unset}" if rule.unset else "")
    by_item = not {"work", "work_item"}.isdisjoint(asked_facts(check.check, 1)[0])
    limits = policy.declared("approval_settings")
    approvers = [one.name for one in limits.able(rule)]
    return {
        **fields_of(rule, "code", "name", "plugin"),
        "summary": " ".join(prose(text).split("\n\n", 1)[0].split()),
        "severity": rule.severity,
        "stages": list(rule.stages),
        "judges": not idle,
        "reason": idle or None,
        "condition": describe_condition(check),
        "settings": [
            {"key": one.key, "value": one.value, "authority": origin_data(one.origin), "quote": quote}
            for one, quote in zip(own, quoted(request, policy, [one.origin for one in own]), strict=True)
        ],
        "kinds": list(policy.declared("work_kinds")) if by_item else [],
        "path": path_text(name) if name else None,
        "governing": [
            {**one.data, "quote": quote}
            for one, quote in zip(named, quoted(request, policy, [one.origin for one in named]), strict=True)
        ],
        "approvable": rule.approvable,
        "approvers": approvers,
        "persons": limits.persons_for(rule.code, rule.name) if approvers else 0,
        "signed": rule.signed,
        "fixes": check.fixes or None,
        "next": [*filter(None, [remedy(text)]), *_commands(rule, approvers, name, judges=not idle)],
    }


def explanation_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """It for a person, from what `explanation_data` gives."""
    yield f"{data['code']} {data['name']} ({data['severity']}): {data['summary']}"
    yield ""
    yield f"  judged at    {', '.join(data['stages'])}"
    yield f"  passes when  {cut(data['condition'])}"
    if data["reason"]:
        yield f"  but          {data['reason']}, so it has nothing to judge"
    if data["path"]:
        name, lines = cut_path(data["path"]), data["governing"]
        yield ""
        yield f"{name}:" if lines else f"no line of the policy names {name} for this rule"
        yield from _cited([(f"{one['effect']}: {cut(one['pattern'])}", one) for one in lines])
    own = data["settings"]
    yield ""
    yield "settings:" if own else "the policy has no settings of its own for it"
    yield from _cited([(cut(f"{one['key']} = {toml_value(one['value'])}"), one) for one in own[:SHOWN]])
    if len(own) > SHOWN:
        yield f"  and {len(own) - SHOWN} more; specguard policy has them all"
    if data["kinds"]:
        yield f"what a work item has, it goes by: {', '.join(f'[work.{name}]' for name in data['kinds'])}"
    yield ""
    yield _approval(data)
    yield ""
    yield "next:"
    yield from (f"  {line}" for line in data["next"])


def _of_rule(policy: Policy, rule: RuleInPolicy) -> Sequence[PolicySetting]:
    """The settings of a rule: in its own table and those that it needs; of `specs` all of them."""
    needs = ("specs" if one.startswith("specs.") else one for one in rule.load().tables)
    tables = [f"rules.{rule.name}", *needs]
    return [one for one in settings(policy) if any(is_in(one.path, table) for table in tables)]


def _cited(said: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Lines, each with where it is written, and the words that stand there where they are others."""
    before = None
    for text, one in said:
        at = one["authority"]
        where = f"{cut_path(str(Origin(at['path'], at['line'] or 0)))}" if at else "by default"
        yield f"  {text}  ({where})"
        if one["quote"] and at != before and not text.endswith(one["quote"]):
            yield f"    > {cut(one['quote'])}"
        before = at


def _approval(data: Mapping[str, Any]) -> str:
    if not data["approvable"]:
        return "no approval can lift what it finds"
    if not data["approvers"]:
        return "the policy names nobody who may approve what it finds"
    signed = ", signed" if data["signed"] else ""
    many = f"; it takes {data['persons']} persons" if data["persons"] > 1 else ""
    return (
        f"{either(data['approvers'])} may approve what it finds{signed}, in a change that others made{many}"
    )


def _commands(rule: RuleInPolicy, approvers: Sequence[str], path: bytes, *, judges: bool) -> Iterator[str]:
    """The commands that are the next step."""
    if judges and "staged" in rule.stages:
        yield f"specguard check --worktree --select {rule.code}"
    elif judges and "range" in rule.stages:
        yield f"specguard check --select {rule.code}"
    if judges and rule.load().fixes:
        yield f"specguard check --fix --select {rule.code}"
    if approvers and path:
        yield (
            f"specguard approve {rule.code} --path {shell_word(path)} "
            f'--approved-by {shell_word(approvers[0])} --reason "..."'
        )
    yield f"specguard rule {rule.code}"
