"""An item whose branch has a slug, judged where no branch is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here

if TYPE_CHECKING:
    from specguard.testing import Repository

AUTHORITY = """# Authority

```toml specguard
[work.item]
document = ["tasks/{area}-{number}.md"]
commit = "feat: {area}-{number}"
branch = "feat/{area}-{number}-{slug}"
number_format = ["{n:03}"]
```
"""


@pytest.fixture
def worked(repository: Repository) -> Repository:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("tasks/SEC-008.md", "# Admission\n")
    repository.commit("chore: start")
    repository.branch("elsewhere")
    repository.write("a", "a")
    repository.commit("feat: SEC-008")
    return repository


def test_a_range_of_commits_needs_no_slug(worked: Repository) -> None:
    outcome = run_here(
        "check", "--range", f"main..{worked.oid()}", "--output-format", "json", directory=worked.path
    )
    assert outcome.exit_code == 0, outcome
    assert outcome.state("WRK001") == "passed"
    assert outcome.state("BRN001") == "not-applicable"
    assert outcome.report["change"]["work_item"]["document"] == "tasks/SEC-008.md"


def test_a_branch_that_does_not_tell_it_is_still_told_of(worked: Repository) -> None:
    outcome = run_here("check", "--output-format", "json", directory=worked.path)
    assert outcome.state("WRK001") == "failed"
    [finding] = [one for one in outcome.report["findings"] if one["code"] == "WRK001"]
    assert "feat/{area}-{number}-{slug}" in finding["help"]
