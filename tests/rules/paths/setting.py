"""What the tests of rules about paths share: the findings of one rule in a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from specguard.testing import Case, run_case

if TYPE_CHECKING:
    from specguard.testing import Outcome, Step


def judged(
    code: str, *commits: Step, base: Step | None = None, args: tuple[str, ...] = (), **case: Any
) -> Outcome:
    """Judge a change by one rule, or by several with a comma between them."""
    if base:
        case["base"] = (base,)
    case.setdefault("expect", None)
    return run_case(Case(args=(f"--select={code}", *args), commits=commits, **case), installed=False)


def findings(code: str, *commits: Step, **case: Any) -> list[dict[str, Any]]:
    """The findings of one rule in a change."""
    found: list[dict[str, Any]] = judged(code, *commits, **case).report["findings"]
    return found
