"""The server apart from its tools: what is broken, what is missing, and how much one answer holds."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.integrations import mcp as server
from specguard.integrations.mcp import Tools, limit_size
from specguard.reporters.escape import json_text
from specguard.testing import Repository, run
from specguard.testing.repository import clean_environment
from tests.integrations.mcp.asking import COMMAND, text_of
from tests.rows import recorded

GREETING = recorded(__file__, "greeting")


@pytest.mark.parametrize("deep", [False, True])
def test_a_line_that_is_no_question_ends_no_server(repository: Repository, deep: bool) -> None:
    lines = [
        b"no JSON",
        b"\xff\xfe\x00",
        b'{"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": 1}',
        b'{"jsonrpc": "2.0", "id": 9, "method": "none"}',
        b'{"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "\\ud800"}}',
    ]
    asked = b"\n".join([*([b"[" * 100_000] if deep else lines), json.dumps(GREETING).encode(), b""])
    done = subprocess.run(
        [COMMAND, "mcp"],
        cwd=repository.path,
        env=clean_environment(),
        input=asked,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(one) for one in done.stdout.splitlines()]
    [greeted] = [one for one in answers if one.get("id") == 1]
    assert greeted["result"]["serverInfo"]["name"] == "specguard"
    assert deep or b"Traceback" not in done.stderr


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(0), RecursionError(), MemoryError()])
def test_a_tool_that_breaks_is_an_error_of_this_question(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def policy(_: Tools) -> Any:
        raise error

    monkeypatch.setattr(Tools, "policy", policy)
    result = server.answer("policy", {})
    assert result.is_error
    # Code of others is named by its module, as a plugin's is.
    assert f"internal error: {type(error).__name__}: {error} ({__name__}, line " in text_of(result)


@pytest.mark.parametrize(("command", "library"), [("mcp", "mcp"), ("lsp", "pygls")])
def test_the_missing_extra_is_named(
    command: str, library: str, tmp_path: Path, repository: Repository
) -> None:
    (tmp_path / library).mkdir()
    (tmp_path / library / "__init__.py").write_text(f"raise ModuleNotFoundError('no', name='{library}')")
    done = run(command, directory=repository.path, env={"PYTHONPATH": str(tmp_path)})
    assert done.exit_code == 2
    assert f"next: pip install --upgrade 'specguard[{command}]'" in done.stderr
    assert "Traceback" not in done.stderr


LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=300)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=30), inner, max_size=40),
    max_leaves=150,
)


@given(st.dictionaries(st.text(max_size=20), DATA, max_size=5))
def test_an_answer_has_a_bounded_size_and_can_be_written(data: dict[str, Any]) -> None:
    shown = limit_size(data, 20_000)
    assert len(json_text(shown, indent=None)) <= 20_000
    json.dumps(shown, ensure_ascii=False).encode("utf-8")


def test_what_is_left_out_is_counted() -> None:
    data = {
        "findings": [{"lines": list(range(50)), "message": "m" * 500} for _ in range(1_000)],
        "verdict": "x",
    }
    shown = limit_size(data, 20_000)
    assert shown["verdict"] == "x"
    assert len(shown["findings"]) + shown["left_out"]["findings"] == 1_000
    assert shown["left_out"]["findings[].lines"] > 0
    assert "left_out" not in limit_size(data, 10_000_000)
