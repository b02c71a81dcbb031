"""What several places say, as one: against a model that is written down once more, and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.authority.layers import UNITED, Merged, toml_layer
from specguard.model import Origin

if TYPE_CHECKING:
    from specguard.authority.layers import Layer
    from tests.authority.conftest import Load


def layer(text: str, name: str, *, preset: bool = False) -> Layer:
    made = toml_layer(text, name)
    made.preset = preset
    return made


def merge(*texts: str) -> Merged:
    """Merge texts; one that begins with `# preset` is a preset. They are called a, b, c."""
    return Merged(
        layer(text, name, preset=text.startswith("# preset"))
        for name, text in zip("abcdef", texts, strict=False)
    )


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
    assert merged.origin(("rules", "x", "b", 0)) == Origin("a", 4)
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


values = st.one_of(
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["x", "y"]),
    st.lists(st.sampled_from(["p", "q"]), max_size=2),
)
trees = st.recursive(
    st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c"]), st.one_of(values, inner), max_size=3),
    max_leaves=6,
)
guards = st.lists(st.sampled_from(["p/", "q/", "r/", "s/"]), max_size=4)


def leaves(data: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= leaves(value, (*path, key))
        else:
            found[*path, key] = value
    return found


def as_toml(data: dict[str, Any], locked: list[str]) -> str:
    lines = []
    for path, value in [*leaves(data).items(), (("rules", "locked-path", "paths"), locked)]:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        lines.append(f"{'.'.join(path)} = {text}")
    return "\n".join(lines)


def fits(path: tuple[str, ...], known: dict[tuple[str, ...], Any]) -> bool:
    """Whether no leaf lies above or below another."""
    return not any(
        path != other and (path[: len(other)] == other or other[: len(path)] == path) for other in known
    )


@given(st.lists(st.tuples(trees, guards, st.booleans()), min_size=1, max_size=4))
def test_merging_agrees_with_its_description(parts: list[tuple[dict[str, Any], list[str], bool]]) -> None:
    parts = sorted(parts, key=lambda part: not part[2])
    layers = [
        layer(as_toml(data, locked), str(index), preset=preset)
        for index, (data, locked, preset) in enumerate(parts)
    ]
    expected: dict[tuple[str, ...], tuple[Any, str]] = {}
    own: set[tuple[str, ...]] = set()
    for index, (data, _, preset) in enumerate(parts):
        for path, value in leaves(data).items():
            if not fits(path, expected):
                return
            if path in own and (type(expected[path][0]), repr(expected[path][0])) != (
                type(value),
                repr(value),
            ):
                assert any(path == tuple(_path(one.message)) for one in Merged(layers).problems)
                return
            if path not in own:
                expected[path] = value, str(index)
            if not preset:
                own.add(path)
    merged = Merged(layers)
    assert merged.problems == []
    (key,) = {key for key in UNITED if key[1] == "locked-path"}
    found = {
        path: (value, merged.origins[path].path) for path, value in leaves(merged.data).items() if path != key
    }
    assert found == expected
    united: dict[str, str] = {}
    for index, (_, locked, _) in enumerate(parts):
        for pattern in locked:
            united.setdefault(pattern, str(index))
    assert merged.data["rules"]["locked-path"]["paths"] == list(united)
    assert [merged.origins[*key, n].path for n in range(len(united))] == list(united.values())


def _path(message: str) -> list[str]:
    return message.split("`")[1].split(".")
