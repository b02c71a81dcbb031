import json
from typing import Any

import pytest

from specguard.authority.difference import Difference, compare, diff
from specguard.authority.policy import PolicyChange
from specguard.declaration.patterns import Guarding
from tests.authority.conftest import Load
from tests.rows import recorded, rows


def given(name: str) -> list[Any]:
    """The rows of this name, whose first two values stand as JSON."""
    return [(json.loads(old), json.loads(new), *more) for old, new, *more in rows(__file__, name)]


LOCKED = "[rules.locked-path]\n"


@pytest.mark.parametrize(
    ("old", "new", "key", "effect"), rows(__file__, "a_difference_tightens_loosens_or_neither")
)
def test_a_difference_tightens_loosens_or_neither(
    load: Load, old: str, new: str, key: str, effect: str
) -> None:
    change = PolicyChange(compare(load.toml(old or "# none"), load.toml(new or "# none")))
    key = f"rules.locked-path.{key}" if LOCKED in new else key
    assert [(one.key, one.effect) for one in change.differences] == [(key, effect)]
    assert change


@pytest.mark.parametrize(
    ("old", "new", "direction", "effect"),
    [
        *given("a_field_says_what_tightens_it"),
        (Guarding.of("a/", "a/b"), Guarding.of("a/"), "more", "tightens"),
    ],
)
def test_a_field_says_what_tightens_it(old: Any, new: Any, direction: Any, effect: str) -> None:
    (difference,) = diff(("key",), old, new, direction)
    assert difference.effect == effect
    assert list(diff(("key",), old, old, direction)) == []


@pytest.mark.parametrize(("old", "new", "summary"), given("what_lies_between_is_said"))
def test_what_lies_between_is_said(old: Any, new: Any, summary: str) -> None:
    assert Difference(("key",), old, new, "incomparable").summary == summary


def test_another_list_of_plugins_can_be_anything_and_a_rule_that_goes_loosens(load: Load) -> None:
    one, other = load.toml("# none"), load.toml("# none")
    other.data["settings"]["plugins"] = ["acme"]
    assert [(each.key, each.effect) for each in compare(one, other)] == [("plugins", "incomparable")]
    one, other = load.toml("# none"), load.toml("# none")
    other.rules = [rule for rule in other.rules if rule.name != "locked-path"]
    for old, new, effect in ((one, other, "loosens"), (other, one, "tightens")):
        [found] = compare(old, new)
        assert (found.key, found.effect) == ("rules.locked-path", effect)


def test_equal_policies_do_not_differ(load: Load) -> None:
    policy = load("# A\n\n## Locked zones\n\n- `a/`\n")
    assert not compare(policy, load.toml('[rules.locked-path]\npaths = ["a/"]'))


def test_each_side_has_its_line(load: Load) -> None:
    old = load("# A\n\n## Locked zones\n\n- `a/`\n- `b/`\n")
    new = load("# A\n\n## Locked zones\n\n- `b/`\n")
    (difference,) = compare(old, new)
    assert difference.data == recorded(__file__, "each_side_has_its_line")


def test_a_policy_that_cannot_be_read_any_more_is_changed() -> None:
    assert PolicyChange(problem="the authority is gone")
