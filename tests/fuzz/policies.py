"""Policies to begin with, those of every rule's examples, and policies with odd values in them."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from specguard.authority.load import load_policy
from specguard.authority.policy import Policy
from specguard.declaration.registry import Registry
from specguard.engine.plugins import load_registry
from specguard.testing import Case, examples
from tests.authority.conftest import Files
from tests.fuzz.damage import DRAWN

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlnN5hpUNSa0+Y08Sys58bqxflYYel8ZYuXVxzGA5CU"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHr5EpxX4gEHLpfXBH1MqEw9N2E5ZbWfBrX7pPp3lZcI"
"""Public keys of which nobody has the private halves."""


@cache
def registry(plugins: tuple[str, ...] = ()) -> Registry:
    """What the built-in plugin registers, and the named distributions."""
    return load_registry(plugins)


def load(files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> Policy | None:
    """The policy of a tree with these files."""

    def registered(plugins: Sequence[str]) -> Registry:
        return registry(tuple(plugins))

    tree: Any = Files(files, modes)
    return load_policy(tree, registry=registered)


@cache
def cases() -> Sequence[Case]:
    """The cases of the rules' examples that have settings of their own."""
    found = [one.case for entry in registry().rules.values() for one in examples(entry.rule)]
    return [case for case in found if settings_of(case).strip() and not settings_of(case).startswith("#")]


def settings_of(case: Case) -> str:
    """The settings of a case with keys in place of their names; empty where it has none of its own."""
    return (case.policy or "").replace("{key}", PUBLIC).replace("{other}", OTHER)


@cache
def seeds() -> Sequence[str]:
    """The settings of the rules' examples and of the presets, each a valid policy."""
    return sorted({settings_of(case) for case in cases()} | set(registry().presets.values()))


SEEDS = st.deferred(lambda: st.sampled_from(seeds()))
ODD: Sequence[Any] = (None, 2**63, 2**64, -(2**70), 10**400, "x" * 3000, *DRAWN["odd_values"])
"""What a setting may be given: every type, extremes, and patterns, expressions and templates gone wrong."""


def names() -> st.SearchStrategy[str]:
    """The names of rules, of their settings, of tables and their keys, and some that nobody has."""
    tops = "rules authority sections extends base documents merge plugins remote nope"
    keys = "severity stages exclude approvable require_work_item keys order normative a.b"
    known = {"", *tops.split(), *keys.split()}
    for entry in registry().rules.values():
        known |= {entry.rule.name, *entry.rule._fields}
    for name, declaration in registry().declarations.items():
        known |= {name, *declaration.settings._fields}
    return st.sampled_from(sorted(known))


@st.composite
def altered(draw: st.DrawFn, policies: st.SearchStrategy[str] = SEEDS) -> dict[str, Any]:
    """Valid settings with one to three values replaced, taken out or added.

    Args:
        draw: hypothesis's.
        policies: the settings to begin with.
    """
    data: dict[str, Any] = tomllib.loads(draw(policies))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(data))
        if all(isinstance(inner[key], dict) for inner, key in places):
            break
        table, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["replace", "alike", "alike", "alike", "drop", "add", "double"]))
        odd = deepcopy(draw(st.sampled_from(ODD)))
        if kind == "replace":
            table[key] = odd
        elif kind == "alike":
            # Of the same type it is refused less often, and gets further.
            table, key = draw(
                st.sampled_from([one for one in places if not isinstance(one[0][one[1]], dict)])
            )
            alike = [one for one in ODD if type(one) is type(table[key])]
            table[key] = deepcopy(draw(st.sampled_from(alike))) if alike else table[key]
        elif kind == "drop":
            del table[key]
        elif kind == "double" and isinstance(table, list):
            table.append(deepcopy(table[key]))
        else:
            inner = draw(st.sampled_from([data, data.get("rules"), table, table[key]]))
            if isinstance(inner, dict):
                inner[draw(names())] = odd
    return data


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within another, as what holds it and its key there."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def toml(data: Mapping[str, Any]) -> str:
    """Settings as TOML; null, which it does not have, is left out."""
    return "".join(f"{_text(key)} = {_toml(value)}\n" for key, value in data.items() if value is not None)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{_text(key)} = {_toml(inner)}" for key, inner in value.items() if inner is not None]
        inside = ", ".join(pairs)
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(inner) for inner in value if inner is not None)}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
