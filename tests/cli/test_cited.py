"""What a report cites for each finding, and in which order it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.testing import run_here
from tests.outcomes import ended

if TYPE_CHECKING:
    from specguard.testing import Outcome, Repository

AUTHORITY = """\
# Authority

Nobody may hurry. Everything must be small, only.

```toml specguard
[plans.default]
```
"""


def check(repository: Repository, *args: str) -> Outcome:
    """Judge a change with one finding of each severity, and with a rule that a declared table turns on."""
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.commit("docs: state what may change")
    repository.branch("work")
    repository.write(".plans/cart/plan.json", "{")
    repository.commit("feat: plan" + " the cart" * 20)
    return run_here("check", *args, directory=repository.path)


def test_each_error_cites_its_line_or_says_how_its_rule_is_turned_off(repository: Repository) -> None:
    outcome = ended(check(repository), 1)
    lines = outcome.stdout.splitlines()
    said = {line.split()[0]: position for position, line in enumerate(lines) if line[:3].isupper()}
    assert list(said)[-1] == "CFG003", outcome
    assert "by   SPEC_AUTHORITY.md:6" in lines[said["PLN001"] + 2]
    off = 'severity = "off" under [rules.commit-form]'
    assert lines[said["CMT003"] + 2].endswith(f"by   on by default; off with {off}"), outcome
    assert len([line for line in lines if line.startswith("    by ")]) >= len(
        [line for line in lines if line.startswith("  error")]
    )


def test_every_report_for_people_says_it(repository: Repository) -> None:
    outcome = check(repository, "--output-format", "markdown")
    assert 'by on by default; off with severity = "off" under &#91;rules.commit-form&#93;' in outcome.stdout
    assert outcome.stdout.index("CMT003") < outcome.stdout.index("CFG003")
    agent = run_here("check", "--output-format", "agent", directory=repository.path)
    assert "authority: on by default" in agent.stdout
    data = run_here("check", "--output-format", "json", directory=repository.path).report
    assert [one["authority"] for one in data["findings"] if one["code"] == "CMT003"] == [None]
    off = '\n[rules.commit-form]\nseverity = "off"\n```\n'
    repository.write("other.md", AUTHORITY.removesuffix("```\n") + off)
    turned = run_here("check", "--authority", "other.md", directory=repository.path)
    assert "PLN001" in turned.stdout
    assert "CMT003" not in turned.stdout
