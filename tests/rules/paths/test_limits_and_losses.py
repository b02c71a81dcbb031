"""PTH008 and PTH009 of files that are too large, or too many, to be written in a case."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Step
from tests.rules.items import judge


def messages(code: str, directory: Path, change: Step, **case: Any) -> list[str]:
    """What a rule says of a change."""
    found = judge(code, directory, commits=[change], expect=None, **case).report["findings"]
    return [one["message"] for one in found]


def test_each_limit_is_off_by_default_but_that_of_a_file(tmp_path: Path) -> None:
    many = {f"f{number}": "x\n" * 1000 for number in range(50)}
    assert messages("PTH008", tmp_path / "1", Step("feat: x", files=many)) == []
    files, policy = {"a": "x" * 1025, "b": "x" * 1024}, "rules.oversized-change.file_bytes = 1024\n"
    found = messages("PTH008", tmp_path / "2", Step("feat: x", files=files), policy=policy)
    assert found == ["a has 1,025 bytes; a file may have 1,024"]


@pytest.mark.parametrize(("many", "more"), [(100, 0), (101, 1)])
def test_after_a_hundred_places_the_rest_is_counted(many: int, more: int, tmp_path: Path) -> None:
    old = "".join(f"lost {number}\nkept {number}\n" for number in range(many))
    new = "".join(f"kept {number}\n" for number in range(many))
    base = Step("chore: base", files={"log/a": old, "log/b": "b\n"})
    added = "b\n" + "".join(f"skip {number}\n" for number in range(many))
    change = Step("fix: x", files={"log/a": new, "log/b": added})
    policy = "rules.weakened-path = {paths = ['log/'], patterns = ['(?i)skip']}\n"
    said = messages("PTH009", tmp_path, change, base=[base], policy=policy)
    assert len(said) == 200 + 2 * bool(more)
    assert (f"log/a loses lines at more places: {more}" in said) == bool(more)
    assert (f"more added lines take force away from log/b: {more}" in said) == bool(more)
