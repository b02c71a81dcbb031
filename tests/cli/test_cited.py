"""What a report cites for each finding, and in which order it shows them."""

from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import ended

AUTHORITY = """\
# Authority

Nobody may hurry. Everything must be small, only.

```toml specguard
[plans.default]
```
"""


def test_each_error_cites_its_line_or_says_how_its_rule_is_turned_off(repository: Repository) -> None:
    """A change with one finding of each severity, and a rule that a declared table turns on."""
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": AUTHORITY})
    repository.branch("work")
    repository.commit("feat: plan" + " the cart" * 20, files={".plans/cart/plan.json": "{"})

    def check(*args: str) -> Outcome:
        return run_here("check", *args, directory=repository.path)

    lines = ended(check(), 1).stdout.splitlines()
    said = {line.split()[0]: position for position, line in enumerate(lines) if line[:3].isupper()}
    assert list(said)[-1] == "CFG003", lines
    assert "by   SPEC_AUTHORITY.md:6" in lines[said["PLN001"] + 2]
    off = 'severity = "off" under [rules.commit-form]'
    assert lines[said["CMT003"] + 2].endswith(f"by   on by default; off with {off}"), lines
    assert sum(line.startswith("    by ") for line in lines) >= sum(
        line.startswith("  error") for line in lines
    )
    # So does every report for people.
    markdown = check("--output-format", "markdown").stdout
    assert 'by on by default; off with severity = "off" under &#91;rules.commit-form&#93;' in markdown
    assert markdown.index("CMT003") < markdown.index("CFG003")
    assert "authority: on by default" in check("--output-format", "agent").stdout
    findings = check("--output-format", "json").report["findings"]
    assert [one["authority"] for one in findings if one["code"] == "CMT003"] == [None]
    turned = '\n[rules.commit-form]\nseverity = "off"\n```\n'
    repository.write("other.md", AUTHORITY.removesuffix("```\n") + turned)
    text = check("--authority", "other.md").stdout
    assert ("PLN001" in text, "CMT003" in text) == (True, False)
