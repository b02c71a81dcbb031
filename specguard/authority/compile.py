"""Compile the documents of an authority into a policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from specguard.authority.layers import Layer, Merged, Part, SettingProblem, toml_layer
from specguard.authority.load import AuthoritySource, find_nested, is_document, read_source
from specguard.authority.policy import FORMAT, Disregarded, Policy, Unread, encode, members, plain
from specguard.authority.prose import MEANINGS, SHOWN, find_statements, known_sections
from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.validate import validate
from specguard.change.entries import sha256
from specguard.change.tree import Tree
from specguard.declaration.registry import Registered, Registry
from specguard.declaration.rule import Rule, import_path, lower_severity
from specguard.documents.data import dotted, value_at
from specguard.documents.toml import KeyPath
from specguard.errors import SeveralErrors, SpecguardError, nearest
from specguard.model import Origin, shortened

_Kind = TypeVar("_Kind", list[Any], dict[str, Any])

_PROJECT_ONLY: Final = ("extends", "documents", "plugins")
"""Keys that a preset must not set."""


def compile_policy(
    sources: Sequence[AuthoritySource], tree: Tree | None, *, registry: Callable[[Sequence[str]], Registry]
) -> Policy | None:
    """Compile a policy.

    Args:
        sources: the documents in which an authority is looked for.
        tree: has the further documents that they name, and nested authorities; None to read neither.
        registry: returns the rules, declarations and presets of the built-in plugin and of the named
            distributions.

    Returns:
        The policy; None if no source is an authority, as with only a `pyproject.toml` without
        `[tool.specguard]`.

    Raises:
        SeveralErrors: the settings have problems; all are listed.
        SpecguardError: a document cannot be read, or a plugin cannot be used.
    """
    # A `pyproject.toml` without settings and problems is none.
    parts = [one for one in map(Part, sources) if one.layers or one.problems or not one.source.is_pyproject]
    problems = [problem for part in parts for problem in part.problems]
    if not parts:
        return None
    parts += _read_named(parts, tree, problems)
    project = [layer for part in parts for layer in part.layers]
    own = Merged(project)
    try:
        known = registry(_unchecked_texts(own, "plugins"))
    except SpecguardError as error:
        named = own.origin(("plugins",))
        error.path, error.line = named.path, named.line
        raise
    presets = _presets(own, known, problems)
    above = Merged([*presets, *project])
    sections = _merged_sections(above)
    nested_files = find_nested(tree, _nested_patterns(above)) if tree else {}
    unknown = nested_files.keys() - {part.source.path for part in parts}
    nested, disregarded = _read_nested(sorted(unknown), above, sections, tree) if tree else ([], [])

    for part in parts:
        part.read_prose(sections)
    parts += nested
    merged = Merged([*presets, *(layer for part in parts for layer in part.layers)])
    set_keys = {"rules", "plugins", *known.declarations} & merged.data.keys()
    if not set_keys and not _unchecked(merged, ("authority", "keys"), list):
        _note_missing_rules(parts)
    values, flaws = validate(merged, known)
    problems += [*merged.problems, *flaws]
    if problems:
        raise SeveralErrors(problems, "the policy")

    data: dict[str, Any] = encode(_policy_data(values, known))
    disregarded_paths = sorted({one.origin.path for one in disregarded})
    data["documents"] = [[part.source.path, part.source.oid] for part in parts]
    data["documents"] += [[path, nested_files[path].partition(" ")[2]] for path in disregarded_paths]
    data["nested"] = dict(nested_files)
    data["disregarded"] = encode(disregarded)
    data["origins"] = _origins(merged, known)
    unread = [one for part in parts for one in part.unread]
    for one in unread:
        one.text = shortened(one.text, SHOWN)
    data["unread"] = encode(unread)
    data["statements"] = []
    policy = Policy(data)
    for part in parts:
        if part.document is not None:
            found = find_statements(part.document, part.source.path, sections, policy)
            data["statements"] += map(encode, found)
    return policy


def _read_nested(
    paths: Sequence[str], above: Merged, sections: Mapping[str, str], tree: Tree
) -> tuple[list[Part], list[Disregarded]]:
    """Return the valid nested authorities, and the problems of the others, which are wholly disregarded."""
    parts: list[Part] = []
    disregarded: list[Disregarded] = []
    named = above.origin(("authority", "nested"))
    for path in paths:
        try:
            part = Part(read_source(tree, path, named))
            problems = part.problems
        except SpecguardError as error:
            problems = [SettingProblem(error.message, Origin(path, error.line or 0), error.help)]
        else:
            part.read_prose(sections, guards_only=True)
            problems += part.confine(path.rpartition("/")[0], above, named)
            if not problems:
                parts.append(part)
        disregarded += [
            Disregarded("", f"{one.message}; nothing of this document counts", one.help, one.origin, named)
            for one in problems
        ]
    return parts, disregarded


def _unchecked(merged: Merged, key: KeyPath, kind: type[_Kind]) -> _Kind:
    """Return the value of a setting before validation; an empty one if it has another type."""
    value = value_at(merged.data, key)
    return value if isinstance(value, kind) else kind()


def _unchecked_texts(merged: Merged, *key: str) -> list[str]:
    """Return the texts of a setting that is a list, before validation; empty if it has another type."""
    return [one for one in _unchecked(merged, key, list) if isinstance(one, str)]


def _nested_patterns(above: Merged) -> Sequence[str]:
    """Return the patterns of nested authorities' folders; empty if invalid, which validation reports."""
    patterns = _unchecked_texts(above, "authority", "nested")
    return [] if AuthoritySettings(nested=patterns).problem() else patterns


def _note_missing_rules(parts: Sequence[Part]) -> None:
    """Note the first Markdown document as unread: no rule is set, and its author may believe otherwise."""
    for part in parts:
        if part.document is not None:
            line, text = next(one for one in enumerate(part.document.source_lines, 1) if one[1].strip())
            note = Unread(part.source.path, line, "", text, "nothing in it sets a rule", "nothing")
            part.unread.insert(0, note)
            return


def _origins(merged: Merged, registry: Registry) -> dict[str, list[Any]]:
    """Return the place of each key, except keys of over three parts on the line of their table or list.

    A table of named tables has no place: what one name lacks is not on the line of another.
    """
    named = {"rules", *(one.name for one in registry.declarations.values() if one.shape == "tables")}
    return {
        dotted(path): [origin.path, origin.line]
        for path, origin in merged.origins.items()
        if (path[1:] or path[0] not in named) and (len(path) <= 3 or origin != merged.origins.get(path[:-1]))
    }


def _read_named(parts: Sequence[Part], tree: Tree | None, problems: list[SettingProblem]) -> list[Part]:
    """Read the documents that the authority names; they cannot name others."""
    further: list[Part] = []
    known = {part.source.path for part in parts}
    for layer in [layer for part in parts for layer in part.layers]:
        named = layer.data.get("documents", [])
        for index, path in enumerate(named if isinstance(named, list) else ()):
            origin = layer.origin(("documents", index))
            if not is_document(path):
                message = f"`documents` has {path!r}, which is not a path from the repository's root"
                problems.append(SettingProblem(message, origin=origin))
            elif path not in known:
                known.add(path)
                further += [Part(read_source(tree, path, origin))] if tree else []
    for part in further:
        problems += part.problems
        for inner in part.layers:
            if inner.data.pop("documents", None) is not None:
                message = "`documents` is set in a document that the authority itself names"
                step = "name all documents in SPEC_AUTHORITY.md"
                problems.append(SettingProblem(message, inner.origin(("documents",)), step))
    return further


def _presets(project: Merged, registry: Registry, problems: list[SettingProblem]) -> list[Layer]:
    """Return the settings of the presets that the project extends, in its order."""
    layers: list[Layer] = []
    for index, name in enumerate(_unchecked_texts(project, "extends")):
        if name not in registry.presets:
            origin, step = project.origin(("extends", index)), nearest(name, registry.presets)
            problems.append(SettingProblem(f"there is no preset {name!r}", origin, step))
            continue
        layer = toml_layer(registry.presets[name], f"preset:{name}")
        problems.extend(
            SettingProblem(f"a preset cannot set `{key}`", origin=layer.origin((key,)))
            for key in _PROJECT_ONLY
            if key in layer.data
        )
        layers.append(layer)
    return layers


def _merged_sections(merged: Merged) -> dict[str, str]:
    """Return the known sections; validation reports invalid entries."""
    own = _unchecked(merged, ("authority", "sections"), dict)
    return known_sections({title: meaning for title, meaning in own.items() if meaning in MEANINGS})


def _policy_data(values: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the data of a policy before it is encoded, except what concerns its documents.

    Args:
        values: the valid settings, by table.
        registry: the rules and declarations, whose defaults replace absent values.
    """
    top = {name: values.get(name, getattr(TopLevel, name)) for name in TopLevel._fields}
    authority = values.get("authority") or AuthoritySettings()
    given, declarations = values.get("rules", {}), registry.declarations.values()
    entries = sorted(registry.rules.values(), key=lambda entry: entry.rule.code)
    tables = {one.rule.name: _rule_table(one.rule, given.get(one.rule.name, {})) for one in entries}
    declared = {
        one.name: values[one.name] if one.name in values else one.annotation() for one in declarations
    }
    settings = {**top, "authority": dict(members(authority) or ()), "rules": tables, **declared}
    return {
        "policy_id": _policy_id(settings, registry),
        "format": FORMAT,
        "settings": settings,
        "rules": {one.rule.name: _rule_data(one, given.get(one.rule.name), values) for one in entries},
        "facts": {one.fact: {"table": one.name, "set": one.name in values} for one in declarations},
        "log": declared["approvals"].log,
    }


def _rule_table(rule: type[Rule], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a rule in a policy: those of every rule, and its own that are set."""
    common = RuleTable(**{name: table[name] for name in RuleTable._fields if name in table})
    return {
        "severity": lower_severity(rule.severity, common.severity or rule.severity),
        "approvable": rule.approvable and common.approvable,
        "exclude": common.exclude or None,
        "stages": list(common.stages or rule.stages),
        **{name: table[name] for name in rule._fields if name in table},
    }


def _rule_data(
    entry: Registered, table: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a policy knows of a rule besides its settings; its table is None if nobody set it."""
    rule = entry.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "plugin": entry.plugin,
        "target": import_path(rule),
        "default_severity": rule.severity,
        "signed": rule.signed,
        "unset": _missing_setting(rule, table or {}, values),
        "configured": table is not None,
    }


def _missing_setting(rule: type[Rule], settings: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the settings or tables that a rule needs and nobody has set; empty if it has something to judge.

    Args:
        rule: the rule.
        settings: its own settings that the policy sets.
        values: the policy's tables.
    """
    if rule.tables and not any(_has_value(values, key.split(".")) for key in rule.tables):
        return " or ".join(f"[{key.replace('*', '<name>')}]" for key in rule.tables)
    given = (
        _is_set(settings.get(name), getattr(rule, name, None)) if name in rule._fields else values.get(name)
        for name in rule.requires
    )
    if rule.requires and not any(given):
        return " or ".join(name if name in rule._fields else f"[{name}]" for name in rule.requires)
    return next((name for name in rule._fields if not hasattr(rule, name) and name not in settings), "")


def _is_set(value: Any, default: Any) -> bool:
    """Return True if a setting gives a rule something to judge; its value is None if nobody set it."""
    if value is None:
        return bool(default) and not isinstance(default, str)
    return bool(value != default if isinstance(value, (str, int)) else value)


def _has_value(value: Any, key: Sequence[str]) -> bool:
    """Return True if something is set at a key; `*` matches any name or position."""
    if not key:
        return bool(value)
    within = members(value) or ()
    return any(_has_value(element, key[1:]) for name, element in within if key[0] in ("*", name))


def _policy_id(settings: Mapping[str, Any], registry: Registry) -> str:
    """Return the sha256 of the policy's canonical JSON: every setting with its default, without origins."""
    canonical: dict[str, Any] = {
        "top": {name: settings[name] for name in TopLevel._fields if name != "extends"},
        "authority": settings["authority"],
        "declared": {name: settings[name] for name in registry.declarations},
        "rules": {},
    }
    for name, table in settings["rules"].items():
        rule = registry.rules[name].rule
        canonical["rules"][name] = {
            "severity": table["severity"],
            "stages": sorted(table["stages"]),
            "approvable": table["approvable"],
            "exclude": table["exclude"] or RuleTable.exclude,
            "settings": {field: table.get(field, getattr(rule, field, None)) for field in rule._fields},
        }
    text = json.dumps(canonical, default=plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode("ascii"))
