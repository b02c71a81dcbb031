"""A rule as SARIF describes it, from its manual page."""

from __future__ import annotations

from specguard.declaration.registry import FAMILIES
from specguard.reporters.escape import cut, visible
from specguard.reporters.manual import prose
from specguard.reporters.rule_pages import url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from specguard.model import RuleResult

LONGEST: Final = 1024
"""How many characters of a description GitHub takes."""

LEVELS: Final = {"error": "error", "warning": "warning", "info": "note", "off": "none"}
"""What SARIF calls a severity."""

_SEVERITIES: Final = {"error": "error", "warning": "warning"}


def rule_of(result: RuleResult) -> dict[str, Any]:
    """The descriptor of one rule.

    Args:
        result: what became of the rule, with its text.
    """
    text = prose(result.text) if result.text else ""
    first = " ".join(text.split("\n\n", 1)[0].split("\n"))
    condition = cut(visible(result.condition))
    holds = f"It passes when {condition}." if condition else ""
    page = url_of(result)
    told = "\n\n".join(filter(None, (text, holds))) or result.name
    link = f"\n\n[The rule's page]({page})" if page else ""
    data: dict[str, Any] = {
        "id": result.code,
        "name": _pascal(result.name),
        "shortDescription": {"text": cut(first or result.name, LONGEST)},
        "fullDescription": {"text": cut(text or result.name, LONGEST)},
        "help": {"text": told, "markdown": f"{text or result.name}{link}"},
        "defaultConfiguration": {
            "enabled": result.severity != "off",
            "level": LEVELS[result.severity],
        },
        "properties": {
            "tags": [FAMILIES.get(result.code[:3], result.code[:3])],
            "precision": "very-high",
            "problem.severity": _SEVERITIES.get(result.severity, "recommendation"),
        },
    }
    if page:
        data["helpUri"] = page
    return data


def _pascal(name: str) -> str:
    """A rule's name as SARIF has names of rules, in Pascal case."""
    return "".join(part.capitalize() for part in name.split("-"))
