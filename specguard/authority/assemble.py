"""The data of a compiled policy: every rule with its settings, and what identifies the whole."""

from __future__ import annotations

import json

from specguard.authority.policy import FORMAT
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.values import encode, plain
from specguard.change.revision import sha256
from specguard.declaration.rule import Record, lower_severity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from specguard.declaration.registry import Registered, Registry
    from specguard.declaration.rule import Declaration


def assemble(values: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The data of a policy, without what concerns its documents.

    Args:
        values: the valid settings, by table.
        registry: the rules and declarations, whose defaults stand for what is not set.
    """
    top = {name: values.get(name, getattr(TopLevel, name)) for name in TopLevel._fields}
    authority = values.get("authority") or AuthoritySettings()
    tables = values.get("rules", {})
    entries = sorted(registry.rules.values(), key=lambda entry: entry.rule.code)
    rules = [_rule(entry, tables.get(entry.rule.name), values) for entry in entries]
    declared = {name: _declared(declaration, values) for name, declaration in registry.declarations.items()}
    return {
        "policy_id": _identity(values, registry, rules),
        "format": FORMAT,
        "top": {name: encode(value) for name, value in top.items()},
        "authority": plain(authority),
        "authority_keys": encode(authority.keys),
        "rules": rules,
        "declared": {
            registry.declarations[name].fact: {"table": name, "set": name in values, "value": encode(value)}
            for name, value in declared.items()
        },
        "log": declared["approvals"].log,
        "keys": sorted({*TopLevel._fields, "authority", "rules", *registry.declarations}),
    }


def _rule(entry: Registered, table: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as a policy has it; without a table it has its defaults."""
    rule = entry.rule
    common = RuleTable(**{name: table[name] for name in RuleTable._fields if table and name in table})
    settings = None if table is None else {name: table[name] for name in rule._fields if name in table}
    required = [name for name in rule._fields if not hasattr(rule, name) and name not in (settings or {})]
    wanted = rule.requires
    if wanted and not any(
        _is_set((settings or {}).get(name), getattr(rule, name, None))
        if name in rule._fields
        else values.get(name)
        for name in wanted
    ):
        required = [" or ".join(name if name in rule._fields else f"[{name}]" for name in wanted)]
    if rule.tables and not any(_holds(values, key.split(".")) for key in rule.tables):
        required = [" or ".join(f"[{key.replace('*', '<name>')}]" for key in rule.tables)]
    severity = lower_severity(rule.severity, common.severity) if common.severity else rule.severity
    return {
        "code": rule.code,
        "name": rule.name,
        "plugin": entry.plugin,
        "target": entry.target,
        "severity": severity,
        "default_severity": rule.severity,
        "stages": list(common.stages or rule.stages),
        "approvable": rule.approvable and common.approvable,
        "signed": rule.signed,
        "exclude": encode(common.exclude) if common.exclude else None,
        "unset": required[0] if required else "",
        "settings": None if settings is None else {name: encode(value) for name, value in settings.items()},
    }


def _is_set(value: Any, default: Any) -> bool:
    """Whether a setting gives a rule something to judge; None where nobody wrote it."""
    if value is None:
        return bool(default) and not isinstance(default, str)
    return bool(value != default if isinstance(value, (str, int)) else value)


def _holds(value: Any, key: Sequence[str]) -> bool:
    """Whether something is set at a key; `*` is any name or place."""
    if not key:
        return bool(value)
    if key[0] == "*":
        elements = value.values() if isinstance(value, dict) else value or ()
        return any(_holds(element, key[1:]) for element in elements)
    if isinstance(value, Record):
        return _holds(getattr(value, key[0], None), key[1:])
    return isinstance(value, dict) and _holds(value.get(key[0]), key[1:])


def _declared(declaration: Declaration, values: Mapping[str, Any]) -> Any:
    if declaration.name in values:
        return values[declaration.name]
    if declaration.shape == "table":
        return declaration.settings()
    return {} if declaration.shape == "tables" else []


def _identity(values: Mapping[str, Any], registry: Registry, rules: Sequence[Mapping[str, Any]]) -> str:
    """The sha256 of the policy's canonical JSON: every setting with its default, no origin."""
    tables = values.get("rules", {})
    canonical: dict[str, Any] = {
        "top": {
            name: plain(values.get(name, getattr(TopLevel, name)))
            for name in TopLevel._fields
            if name != "extends"
        },
        "authority": plain(values.get("authority") or AuthoritySettings()),
        "rules": {},
        "declared": {
            name: plain(_declared(declaration, values)) for name, declaration in registry.declarations.items()
        },
    }
    for data in rules:
        rule = registry.rules[data["name"]].rule
        table = tables.get(rule.name, {})
        canonical["rules"][rule.name] = {
            "severity": data["severity"],
            "stages": sorted(data["stages"]),
            "approvable": data["approvable"],
            "exclude": plain(table.get("exclude", RuleTable.exclude)),
            "settings": {name: plain(table.get(name, getattr(rule, name, None))) for name in rule._fields},
        }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode("ascii")).hexdigest()
