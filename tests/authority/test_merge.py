"""What several places say, as one."""

import pytest

from specguard.authority.layers import Merged, toml_layer
from specguard.model import Origin
from tests.authority.conftest import Load


def merge(*texts: str) -> Merged:
    """Merge texts, called a, b, c; one that begins with `# preset` is a preset."""
    names = (
        f"{'preset:' * text.startswith('# preset')}{name}"
        for name, text in zip("abcdef", texts, strict=False)
    )
    return Merged(map(toml_layer, texts, names))


@pytest.mark.parametrize(
    ("rule", "setting"),
    [("locked-path", "paths"), ("forbidden-path", "paths"), ("protected-branch", "branches")],
)
def test_every_setting_that_guards_adds_up(rule: str, setting: str, load: Load) -> None:
    files = {"specguard.toml": f'[rules.{rule}]\n{setting} = ["b"]\n'}
    policy = load.toml(f'[rules.{rule}]\n{setting} = ["a"]', files=files)
    [made] = [one for one in policy.rules if one.name == rule]
    assert made.settings[setting].patterns == ("a", "b")
    origins = [str(policy.origin(f"rules.{rule}.{setting}.{index}")) for index in range(2)]
    assert origins == ["SPEC_AUTHORITY.md:5", "specguard.toml:2"]


def test_other_lists_are_replaced() -> None:
    merged = merge('# preset\n[rules.x]\na = ["p", "q"]\nb = ["k"]', '[rules.x]\na = ["r"]')
    assert merged.data == {"rules": {"x": {"a": ["r"], "b": ["k"]}}}
    assert merged.origin(("rules", "x", "a", 1)) == Origin("b", 2)
    assert merged.origin(("rules", "x", "b", 0)) == Origin("preset:a", 4)
    assert ("rules", "x", "a", 1) not in merged.origins


def test_two_values_of_the_project_cite_both_lines() -> None:
    merged = merge("# preset\nx.y = 0", "x.y = 1\nz = true", "x.y = 1\nz = true", "\nx.y = 2\nz = 1")
    assert [(str(one.origin), one.message) for one in merged.problems] == [
        ("d:2", "`x.y` has another value than in b:1"),
        ("d:3", "`z` has another value than in b:2"),
    ]


def test_a_table_and_a_value_replace_each_other() -> None:
    merged = merge("# preset\n[work.p]\ncommits = {exactly = 1}", "work.p.commits = 2")
    assert merged.data == {"work": {"p": {"commits": 2}}}
    assert ("work", "p", "commits", "exactly") not in merged.origins
    merged = merge("# preset\ncommits = 1", "commits = {at_most = 2}")
    assert merged.data == {"commits": {"at_most": 2}}
    assert len(merge("commits = 1", "commits = {at_most = 2}").problems) == 1
