"""PTH008 and PTH009 of files that are too large, or too many, to be written in a case."""

import pytest

from specguard.testing import Step
from tests.rules.paths.setting import findings


def test_each_limit_is_off_by_default_but_that_of_a_file_and_sizes_are_said_in_units() -> None:
    many = {f"f{number}": "x\n" * 1000 for number in range(50)}
    assert findings("PTH008", Step("feat: x", files=many)) == []
    files = {name: "x" * size for name, size in (("a", 1025), ("b", 1536), ("c", 5 << 19), ("d", 1024))}
    policy = "rules.oversized-change.file_bytes = 1024\n"
    found = findings("PTH008", Step("feat: x", files=files), policy=policy)
    assert [one["message"] for one in found] == [
        "a has 1 KiB; a file may have 1 KiB",
        "b has 1.5 KiB; a file may have 1 KiB",
        "c has 2.5 MiB; a file may have 1 KiB",
    ]
    [one] = findings("PTH008", Step(files={"d": "x" * 1024}), policy=policy.replace("1024", "1023"))
    assert one["message"] == "d has 1 KiB; a file may have 1023 bytes"


@pytest.mark.parametrize(("many", "more"), [(100, 0), (101, 1)])
def test_after_a_hundred_places_the_rest_is_counted(many: int, more: int) -> None:
    old = "".join(f"lost {number}\nkept {number}\n" for number in range(many))
    new = "".join(f"kept {number}\n" for number in range(many))
    base = Step("chore: base", files={"log/a": old, "log/b": "b\n"})
    added = "b\n" + "".join(f"skip {number}\n" for number in range(many))
    change = Step("fix: x", files={"log/a": new, "log/b": added})
    policy = "rules.weakened-path = {paths = ['log/'], patterns = ['(?i)skip']}\n"
    said = [one["message"] for one in findings("PTH009", change, base=base, policy=policy)]
    assert len(said) == 200 + 2 * bool(more)
    assert (f"log/a loses lines at {more} more places" in said) == bool(more)
    assert (f"{more} more added lines take force away from log/b" in said) == bool(more)
