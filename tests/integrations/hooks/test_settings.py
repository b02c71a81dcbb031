"""The agents' settings: what is added to them, and that nothing else of them changes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.integrations.hooks.answering import TIME_LIMITS
from specguard.integrations.hooks.settings import HOSTS, JsonTextError, find_hooks, merge, wanted_hooks
from tests.rows import recorded, rows

EACH = pytest.mark.parametrize("agent", list(HOSTS))

ALL = ["PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "SubagentStop", "SessionStart"]

OTHERS = recorded(__file__, "others")


def without_ours(data: Any) -> Any:
    """Settings without what was added."""
    if isinstance(data, dict):
        return {key: without_ours(value) for key, value in data.items()}
    if isinstance(data, list):
        return [without_ours(one) for one in data if "specguard hook" not in json.dumps(one)]
    return data


@EACH
@pytest.mark.parametrize("text", ["", "{}", "{}\n", OTHERS, json.dumps({"a": [1, {}]}), "{\n}\n"])
def test_what_is_there_stays_and_what_is_added_is_added_once(agent: Any, text: str) -> None:
    host = HOSTS[agent]
    new = merge(text, host, "specguard")
    assert merge(new, host, "specguard") == new
    assert find_hooks(new, host, "specguard").missing == []
    kept = without_ours(json.loads(new))
    before = json.loads(text or "{}")
    for key, value in before.items():
        if key != "hooks":
            assert kept[key] == value
    for event, groups in before.get("hooks", {}).items():
        assert kept["hooks"][event] == groups


@EACH
def test_the_rest_of_the_file_stays_as_it_is_written(agent: Any) -> None:
    new = merge(OTHERS, HOSTS[agent], "specguard")
    assert new.startswith('{\n    "permissions": {"allow": ["Bash(ls:*)", "Read"]},\n    "hooks": {\n')
    rest = '    "number": 1.50e2, "text": "\\u00fc\\/"'
    assert f"\n    }},\n{rest}" in new


@pytest.mark.parametrize(
    ("unit", "newline"), [("\t", "\n"), ("  ", "\r\n"), ("   ", "\n")], ids=["tabs", "crlf", "three"]
)
def test_it_is_indented_as_the_file_is(unit: str, newline: str) -> None:
    text = newline.join(["{", f'{unit}"a": 1', "}", ""])
    new = merge(text, HOSTS["claude"], "specguard")
    assert f'{newline}{unit}"hooks": {{{newline}{unit * 2}"PreToolUse": [{newline}{unit * 3}{{' in new
    assert re.search(r"(?<!\r)\n", new) is None or newline == "\n"


@EACH
def test_times_are_longer_than_the_hook_takes_and_in_the_agents_unit(agent: Any) -> None:
    host = HOSTS[agent]
    hooks = json.loads(merge("", host, "specguard"))["hooks"]
    for hook in wanted_hooks(host, "specguard"):
        (group,) = hooks[hook.event]
        handler = group if host.flat else group["hooks"][0]
        seconds = handler["timeout"] / (1000 if agent == "gemini" else 1)
        moment = "edit" if hook.guards else "start" if hook.event == host.events[-1] else "stop"
        assert TIME_LIMITS[moment] < seconds <= 60


@EACH
def test_a_hook_that_is_older_gives_way_and_one_of_others_does_not(agent: Any) -> None:
    host = HOSTS[agent]
    full = merge("", host, "specguard")
    older = full.replace(f"specguard hook {agent} || exit 2", f"/old/specguard hook {agent}")
    assert find_hooks(older, host, "specguard").missing == [
        hook.event for hook in wanted_hooks(host, "specguard") if hook.guards
    ]
    assert json.loads(merge(older, host, "specguard")) == json.loads(full)


@pytest.mark.parametrize(("agent", "change", "missing"), rows(__file__, "what_is_incomplete_is_seen"))
def test_what_is_incomplete_is_seen(agent: Any, change: tuple[str, str], missing: list[str]) -> None:
    text = merge("", HOSTS[agent], "specguard").replace(*change)
    assert find_hooks(text, HOSTS[agent], "specguard").missing == missing


def test_another_way_to_call_it_is_complete_where_it_fails_closed() -> None:
    text = merge("", HOSTS["claude"], "specguard")
    other = text.replace("specguard hook", "uv run specguard hook")
    found = find_hooks(other, HOSTS["claude"], "specguard")
    assert found.missing == []
    assert found.commands["PreToolUse"] == "uv run specguard hook claude || exit 2"


def test_the_switch_that_refuses_on_failure_stands_at_what_guards() -> None:
    hooks = json.loads(merge("", HOSTS["claude"], "specguard", on_failure=True))["hooks"]
    blocking = [event for event, groups in hooks.items() if "onFailure" in groups[0]["hooks"][0]]
    assert blocking == ["PreToolUse"]
    cursor = json.loads(merge("", HOSTS["cursor"], "specguard"))["hooks"]
    assert [event for event, (hook,) in cursor.items() if hook.get("failClosed")] == [
        "preToolUse", "beforeShellExecution"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "tools"), rows(__file__, "the_tools_that_write_are_matched_and_those_that_look_are_not")
)
def test_the_tools_that_write_are_matched_and_those_that_look_are_not(agent: Any, tools: list[str]) -> None:
    matcher = next(wanted_hooks(HOSTS[agent], "specguard")).matcher
    assert all(re.fullmatch(matcher, tool) for tool in tools)
    assert not any(re.search(matcher, tool) for tool in ("Read", "TodoWrite", "read_file", "mcp__db__query"))


@pytest.mark.parametrize("text", rows(__file__, "what_is_no_json_or_of_another_shape_is_refused"))
def test_what_is_no_json_or_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(JsonTextError):
        merge(text, HOSTS["claude"], "specguard")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=3), st.sampled_from([None, 2, "\t"]))
def test_only_hooks_are_put_in(value: dict[str, Any], indent: Any) -> None:
    value.pop("hooks", None)
    new = json.loads(merge(json.dumps(value, indent=indent), HOSTS["claude"], "specguard"))
    assert list(new.pop("hooks")) == ALL
    assert new == value
