"""When two names are names of one item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.testing import run_here
from specguard.work.kinds import identity, same_item
from specguard.work.name_templates import Template

if TYPE_CHECKING:
    from specguard.testing import Repository

AUTHORITY = """# Authority

```toml specguard
[work.item]
commit = "feat: {id}"
branch = "feat/{id}"
```
"""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("PERF-005", "PERF-5", True),
        ("PERF-005", "perf-005", True),
        ("PERF-005", "ARCH-005", False),
        ("PERF-005", "PERF-006", False),
        ("task_003", "3", True),
        ("12", "012", True),
        ("login", "login", True),
        ("login", "logout", False),
        ("login", "login-2", False),
    ],
)
def test_an_id_is_more_than_its_number(one: str, other: str, same: bool) -> None:
    first, second = identity({"id": one}), identity({"id": other})
    assert same_item(*first, *second) is same
    assert same_item(*second, *first) is same


def test_an_id_is_one_word() -> None:
    template = Template("{type}: {id} - {text}")
    assert template.read("feat: SEC-008 - admission") == {
        "type": "feat",
        "id": "SEC-008",
        "text": "admission",
    }
    assert template.read("feat: close SEC-008 - admission") is None


def test_two_items_of_one_number_are_told_apart(repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.commit("feat: ARCH-005")
    repository.branch("feat/PERF-005")
    repository.write("a", "a")
    repository.commit("feat: PERF-005")
    outcome = run_here(
        "check", "--select", "WRK006,WRK007", "--output-format", "json", directory=repository.path
    )
    assert outcome.codes == [], outcome
    assert outcome.state("WRK006") == "passed"
    repository.write("b", "b")
    repository.commit("feat: ARCH-005")
    outcome = run_here("check", "--select", "WRK007", "--output-format", "json", directory=repository.path)
    assert outcome.codes == ["WRK007"], outcome


def test_a_number_that_an_item_of_the_list_has_is_no_other_item_s(repository: Repository) -> None:
    policy = '[work.slice]\nsource = "list.yaml"\nids = "[A-Z]?[0-9]+"\nbranch = "slice-{id}-{slug}"\n'
    items = "".join(f'- {{id: "{one}", title: T}}\n' for one in ("C7", "7", "C8"))
    repository.commit(
        "base", files={"SPEC_AUTHORITY.md": f"```toml specguard\n{policy}```\n", "list.yaml": items}
    )
    for branch in ("slice-7-t", "slice-8-t"):
        repository.branch(branch, "main")
        repository.commit("feat: x", files={"x": branch})
    for item, other in (("C7", ""), ("C8", "another branch works on slice C8: 'slice-8-t'")):
        repository.branch(f"slice-{item}-t", "main")
        repository.commit("feat: y", files={"y": item})
        outcome = run_here("check", "--select=WRK006", "--output-format=json", directory=repository.path)
        assert other in str(outcome)
        assert outcome.codes == (["WRK006"] if other else [])
