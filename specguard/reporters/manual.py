"""Manual pages of rules as Markdown, for `specguard rule` and `docs/rules/`, made only from the rules."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from specguard.authority.settings import AuthoritySettings, RuleTable, TopLevel
from specguard.authority.validate import Option, options_of
from specguard.declaration.registry import FAMILIES, Registered, Registry
from specguard.declaration.rule import Rule
from specguard.model import STAGES
from specguard.reporters.escape import markdown_templates
from specguard.reporters.json import fields_of

_EXAMPLE = re.compile(r"(?:\A|\n+)```(?:toml )?(fails|passes|text)\n((?:.*\n)*?)```(?=\n|\Z)")
_REMEDY = "How to fix it:"
_REASON = "Why is this bad?"
_RELATED = "See also:"
DEFAULTS = (
    "ART012", "ART016", "ART017", "BRN001", "CFG001", "CFG002", "CFG003", "CMT003", "CMT004", "CMT005",
    "PTH004", "PTH005", "PTH006", "PTH008",
)  # fmt: skip
"""The rules that judge a change even without settings; the rules about approvals judge each approval."""

_LONGEST_DEFAULT = 120
_EMPTY_DEFAULTS = ("`[]`", "`{}`", '`""`')
_PLAIN_TYPES = ("boolean", "integer", "string", "strings")
"""The types that are not named beside a default, which shows them."""


def page(entry: Registered) -> str:
    """Return the manual page of one rule, ending in a newline."""
    rule = entry.rule
    prose_text, examples = split_examples(inspect.cleandoc(rule.__doc__ or ""))
    parts = prose_text.split("\n\n")
    by_mark = {_mark(part): _without_mark(part) for part in parts if _mark(part)}
    intro = "\n\n".join(part for part in parts if not _mark(part))
    for table in dict.fromkeys(one.split(".")[0] for one in rule.tables):
        intro = re.sub(rf"`\[+{table}\b[^`]*`", rf"[\g<0>](../settings.md#{table})", intro, count=1)
    blocks = dict(reversed(examples))
    return _rendered(
        "rule.md",
        rule=rule,
        usual=Rule,
        all_stages=STAGES,
        intro=intro,
        why=by_mark.get(_REASON),
        policy=tomllib.loads(blocks["fails"]).get("policy", "").strip("\n"),
        output=blocks.get("text"),
        remedy=by_mark.get(_REMEDY),
        options=list(options_of(rule)),
        related=re.sub(r"`([a-z-]+)`", r"[`\1`](\1.md)", by_mark.get(_RELATED, "")),
    )


def cases(entry: Registered) -> str:
    """Return the test cases in a rule's docstring as Markdown."""
    examples = split_examples(inspect.cleandoc(entry.rule.__doc__ or ""))[1]
    return _rendered("cases.md", rule=entry.rule, examples=examples)


def summary(entry: Registered) -> str:
    """Return the first paragraph of a rule's page, on one line."""
    return inspect.cleandoc(entry.rule.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")


def data(entry: Registered) -> dict[str, Any]:
    """Return a rule's entry in the list of rules, for JSON."""
    rule = entry.rule
    return {
        **fields_of(rule, "code", "name", "severity"),
        "stages": list(rule.stages),
        "approvable": rule.approvable,
        "plugin": entry.plugin,
        "summary": summary(entry),
    }


def index(entries: Iterable[Registered]) -> str:
    """Return the list of rules by family, with links to their pages."""
    found = sorted(entries, key=lambda one: one.rule.code)
    families = groupby(found, key=lambda one: one.rule.family())
    return _rendered(
        "rules.md",
        defaults=[entry.rule for entry in found if entry.rule.code in DEFAULTS],
        families=[(name, FAMILIES.get(name, name), list(members)) for name, members in families],
        summary=summary,
    )


def settings_page(registry: Registry, introduction: str) -> str:
    """Return the page of all settings, ending in a newline."""
    return _rendered(
        "settings.md",
        introduction=introduction,
        top=options_of(TopLevel),
        authority=options_of(AuthoritySettings, "authority."),
        declarations=sorted(registry.declarations.values(), key=lambda one: one.name),
        rules=options_of(RuleTable),
        options_of=options_of,
    )


def prose(text: str) -> str:
    """Return a rule's docstring without its examples."""
    return split_examples(inspect.cleandoc(text))[0]


def remedy(text: str) -> str:
    """Return the paragraph of a rule's docstring that explains the fix, on one line; empty without one."""
    fix = next((_without_mark(part) for part in prose(text).split("\n\n") if _mark(part) == _REMEDY), "")
    return (fix[:1].upper() + fix[1:]).replace("\n", " ")


def _rendered(name: str, **values: Any) -> str:
    """Return a page from a template of this package, ending in one newline."""
    page = markdown_templates("specguard.reporters").get_template(name)
    return page.render(**values, setting=_setting).rstrip("\n") + "\n"


def _setting(option: Option) -> str:
    # The settings within a table show their own defaults.
    default = option.default if option.default not in _EMPTY_DEFAULTS and option.type != "table" else ""
    types = option.type.split(", ")
    if default in types:
        types.remove(default)
    elif default not in ("", "required") and option.type in _PLAIN_TYPES:
        types = []
    if len(default) > _LONGEST_DEFAULT:
        types, default = [option.type], f"{len(json.loads(default.strip('`')))} entries"
    value = default if default in ("", "required") else f"default {default}"
    return f"`{option.name}` ({', '.join(filter(None, (*types, value)))}): {option.description}"


def _mark(part: str) -> str:
    """Return the mark at the start of a docstring's paragraph; empty for one that describes the rule."""
    return next((mark for mark in (_REASON, _REMEDY, _RELATED) if part.startswith(mark)), "")


def _without_mark(part: str) -> str:
    """Return a marked paragraph without its mark."""
    return part.removeprefix(_mark(part)).strip()


def split_examples(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a docstring's prose, and its examples with their kinds."""
    examples = [(found[1], found[2].removesuffix("\n")) for found in _EXAMPLE.finditer(text)]
    return _EXAMPLE.sub("", text).strip("\n"), examples
