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
from specguard.declaration.registry import FAMILIES, PluginError, Registered, Registry
from specguard.declaration.rule import Rule
from specguard.model import STAGES
from specguard.reporters.escape import markdown_templates
from specguard.reporters.json import fields_of

_EXAMPLE = re.compile(r"(?:\A|\n+)```(?:toml )?(fails|passes|text)\n((?:.*\n)*?)```(?=\n|\Z)")
_MARKS = ("Why is this bad?", "How to fix it:", "See also:")
DEFAULTS = (
    "ART012", "ART016", "ART017", "BRN001", "CFG001", "CFG002", "CFG003", "CMT003", "CMT004", "CMT005",
    "PTH004", "PTH005", "PTH006", "PTH008",
)  # fmt: skip
"""The rules that judge a change even without settings; the rules about approvals judge each approval."""

_LONGEST_DEFAULT = 120
_EMPTY_DEFAULTS = ("`[]`", "`{}`", '`""`')
_PLAIN_TYPES = ("boolean", "integer", "string", "strings")
"""The types that are not named beside a default, which shows them."""


class Docstring:
    """The docstring of a rule, of which its manual page is made.

    Args:
        text: the docstring; None for a rule without one.

    Attributes:
        examples: its examples, each with its kind.
        prose: the rest.
        intro: the paragraphs that describe the rule.
        why, fix, related: the paragraphs that begin with a mark, without it; empty without one.
    """

    def __init__(self, text: str | None) -> None:
        whole = inspect.cleandoc(text or "")
        self.examples = [(found[1], found[2].removesuffix("\n")) for found in _EXAMPLE.finditer(whole)]
        self.prose = _EXAMPLE.sub("", whole).strip("\n")
        self._parts = self.prose.split("\n\n")
        self.intro = "\n\n".join(part for part in self._parts if not part.startswith(_MARKS))
        self.why, self.fix, self.related = map(self._marked, _MARKS)

    def _marked(self, mark: str) -> str:
        return next((part.removeprefix(mark).strip() for part in self._parts if part.startswith(mark)), "")

    @property
    def summary(self) -> str:
        """The first paragraph, on one line."""
        return self._parts[0].replace("\n", " ")

    @property
    def remedy(self) -> str:
        """The paragraph that explains the fix, as a sentence on one line."""
        return (self.fix[:1].upper() + self.fix[1:]).replace("\n", " ")


def page(entry: Registered) -> str:
    """Return the manual page of one rule, ending in a newline.

    Raises:
        PluginError: the rule's example of a failing change is not TOML.
    """
    rule, text = entry.rule, Docstring(entry.rule.__doc__)
    intro, blocks = text.intro, dict(reversed(text.examples))
    try:
        example = tomllib.loads(blocks["fails"])
    except tomllib.TOMLDecodeError as error:
        message = f"plugin {entry.plugin!r}: the failing example of {rule.code} is not TOML: {error}"
        raise PluginError(message, help="correct it; `specguard.testing.check_rule` runs it") from None
    for table in dict.fromkeys(one.split(".")[0] for one in rule.tables):
        intro = re.sub(rf"`\[+{table}\b[^`]*`", rf"[\g<0>](../settings.md#{table})", intro, count=1)
    return _rendered(
        "rule.md",
        rule=rule,
        usual=Rule,
        all_stages=STAGES,
        intro=intro,
        text=text,
        policy=str(example.get("policy", "")).strip("\n"),
        output=blocks.get("text"),
        options=list(options_of(rule)),
        related=re.sub(r"`([a-z-]+)`", r"[`\1`](\1.md)", text.related),
    )


def cases(entry: Registered) -> str:
    """Return the test cases in a rule's docstring as Markdown."""
    return _rendered("cases.md", rule=entry.rule, examples=Docstring(entry.rule.__doc__).examples)


def summary(entry: Registered) -> str:
    """Return the first paragraph of a rule's page, on one line."""
    return Docstring(entry.rule.__doc__).summary


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
