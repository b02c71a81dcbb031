"""Manual pages of rules as Markdown, for `specguard rule` and `docs/rules/`, made only from the rules."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from specguard.authority.validate import Option, options_of
from specguard.declaration.registry import FAMILIES, Registered
from specguard.declaration.rule import Rule
from specguard.model import STAGES
from specguard.reporters.json import fields_of

_EXAMPLE = re.compile(r"(?:\A|\n+)```(?:toml )?(fails|passes|text)\n((?:.*\n)*?)```(?=\n|\Z)")
_REMEDY = "How to fix it:"
_REASON = "Why is this bad?"
_RELATED = "See also:"
_TITLES = {"fails": "This change fails:", "passes": "This change passes:"}
_INDEX = (
    "`specguard rule WORD` searches these pages. "
    "Every rule also takes the [common settings](../settings.md#rules)."
)
DEFAULTS = (
    "ART012", "ART016", "ART017", "BRN001", "CFG001", "CFG002", "CFG003", "CMT003", "CMT004", "CMT005",
    "PTH004", "PTH005", "PTH006", "PTH008",
)  # fmt: skip
"""The rules that judge a change even without settings; the rules about approvals judge each approval."""

_DEFAULTS_TEXT = (
    "These judge every change, and the APR rules every approval. "
    '`severity = "off"` under `[rules.<name>]` turns one off. All others need settings or a preset.'
)
_LONGEST_DEFAULT = 120
_EMPTY_DEFAULTS = ("`[]`", "`{}`", '`""`')
_PLAIN_TYPES = ("boolean", "integer", "string", "strings")
"""The types that are not named beside a default, which shows them."""


def page(entry: Registered) -> str:
    """Return the manual page of one rule, ending in a newline."""
    rule = entry.rule
    options = list(options_of(rule))
    prose_text, examples = split_examples(inspect.cleandoc(rule.__doc__ or ""))
    parts = prose_text.split("\n\n")
    by_mark = {_mark(part): _without_mark(part) for part in parts if _mark(part)}
    intro = "\n\n".join(part for part in parts if not _mark(part))
    for table in dict.fromkeys(one.split(".")[0] for one in rule.tables):
        intro = re.sub(rf"`\[+{table}\b[^`]*`", rf"[\g<0>](../settings.md#{table})", intro, count=1)
    lines = [
        f"# {rule.name} ({rule.code})",
        "",
        *_deviations(rule),
        intro,
        "",
        *_labelled_line("Why", by_mark.get(_REASON)),
        *_example(examples),
        *([f"`specguard check --fix` {rule.fixes}.", ""] if rule.fixes else []),
        *_labelled_line("Fix", by_mark.get(_REMEDY)),
        *(("Settings:", "", *bullets(options)) if options else ()),
        *_labelled_line("See also", re.sub(r"`([a-z-]+)`", r"[`\1`](\1.md)", by_mark.get(_RELATED, ""))),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def cases(entry: Registered) -> str:
    """Return the test cases in a rule's docstring as Markdown."""
    lines = [f"# {entry.rule.name} ({entry.rule.code}): cases", ""]
    for kind, block in split_examples(inspect.cleandoc(entry.rule.__doc__ or ""))[1]:
        if kind in _TITLES:
            lines += [_TITLES[kind], "", "```toml", *block.strip("\n").split("\n"), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


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
    lines = ["# Rules", "", _INDEX, "", "## On without any setting", "", _DEFAULTS_TEXT, ""]
    default_rules = [entry.rule for entry in found if entry.rule.code in DEFAULTS]
    lines.append(",\n".join(f"[{rule.name}]({rule.name}.md)" for rule in default_rules) + ".")
    for family, members in groupby(found, key=lambda one: one.rule.family()):
        lines += ["", f"## {family}: {FAMILIES.get(family, family)}", ""]
        rules = [(entry.rule, summary(entry)) for entry in members]
        lines += [f"- {rule.code} [{rule.name}]({rule.name}.md): {text}" for rule, text in rules]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def prose(text: str) -> str:
    """Return a rule's docstring without its examples."""
    return split_examples(inspect.cleandoc(text))[0]


def remedy(text: str) -> str:
    """Return the paragraph of a rule's docstring that explains the fix, on one line; empty without one."""
    fix = next((_without_mark(part) for part in prose(text).split("\n\n") if _mark(part) == _REMEDY), "")
    return (fix[:1].upper() + fix[1:]).replace("\n", " ")


def bullets(options: Iterable[Option]) -> list[str]:
    """Return a Markdown list of settings, ending in an empty line."""
    return [*(f"- {_setting(option)}" for option in options), ""]


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


def _labelled_line(label: str, text: str | None) -> list[str]:
    return [f"{label}: {text}", ""] if text else []


def _example(examples: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the policy of the first failing case, and the output for it."""
    blocks = dict(reversed(examples))
    if policy := tomllib.loads(blocks["fails"]).get("policy", "").strip("\n"):
        yield from ("```markdown" if policy.startswith("#") else "```toml", *policy.split("\n"), "```", "")
    if "text" in blocks:
        yield from (*(f"    {line}" for line in blocks["text"].split("\n")), "")


def split_examples(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a docstring's prose, and its examples with their kinds."""
    examples = [(found[1], found[2].removesuffix("\n")) for found in _EXAMPLE.finditer(text)]
    return _EXAMPLE.sub("", text).strip("\n"), examples


def _deviations(rule: type[Rule]) -> Iterator[str]:
    """Yield a line on the rule's severity, stages and approvals, if they differ from those of most rules."""
    parts = [f"Severity: {rule.severity}."] if rule.severity != "error" else []
    if rule.stages != Rule.stages:
        missing = [stage for stage in STAGES if stage not in rule.stages]
        parts.append(f"Stages: {min('all but ' + ', '.join(missing), ', '.join(rule.stages), key=len)}.")
    if not rule.approvable:
        parts.append("No approval lifts it.")
    if parts:
        yield from (" ".join(parts), "")
