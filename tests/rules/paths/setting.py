"""What the tests of rules about paths share: the findings of one rule in a change."""

from typing import Any

from specguard.testing import Case, Outcome, Step, run_case


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
