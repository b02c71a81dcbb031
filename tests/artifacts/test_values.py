from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.fields import chosen, invalid_fields, value_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.model import Finding
    from tests.artifacts.conftest import Make

    Judge = Callable[..., list[Finding]]

POSTURE = ["ready", "not-ready"]


@pytest.fixture
def invalid(artifacts: Make) -> Judge:
    def judge(text: str | bytes, path: str = "f.md", **settings: Any) -> list[Finding]:
        settings.setdefault("fields", {"posture": POSTURE})
        contract = Contract(path=f"*.{path.partition('.')[2]}", **settings)
        return list(invalid_fields(artifacts({"readiness": contract}, {path: text}).judged[0]))

    return judge


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("ready", "ready"), ("READY", "ready"), ("not_ready", "not-ready"), ("Not ready", "not-ready"),
        ("ready (all gates passed)", "ready"), ("Ready - see below", "ready"),
        ("ready, as of today", "ready"),
        ("not ready: two are open", "not-ready"), ("ready. All gates passed.", "ready"),
        ("\u2705 ready", "ready"), ("ready 2026-01-31", "ready"),
        ("Ready since 2026-01-31 (Ann)", "ready"), ("ready 2026-01-31, not-ready 2026-02-01", ""),
        ("ready 2026-01-31 not-ready", ""), ("not ready on 2026-01-31.", "not-ready"),
        ("\U0001f7e2 Ready \u2014 it is", "ready"), ("ready \u2192 x", ""), ("ready | not-ready", ""),
        ("ready, not-ready", ""), ("ready / not ready", ""), ("ready or not", ""), ("ready-ish", ""),
        ("!ready", ""), ("~~ready~~ x", ""), ("is ready", ""), ("", ""), ("re\u0430dy", ""), ("un-ready", ""),
    ],
)  # fmt: skip
def test_a_value_may_have_a_remark_behind_it(value: str, meant: str) -> None:
    assert chosen(value, POSTURE) == meant


@pytest.mark.parametrize(
    ("allowed", "help"),
    [
        ("any", "State it in front matter, or on a line 'posture: ...'; 'none' is a value, 'TBD' is not."),
        ("date", "State it in front matter, or on a line 'posture: 2026-01-31'."),
        (POSTURE, "State it in front matter, or on a line 'posture: ready', as ready or not-ready."),
    ],
)
def test_a_document_is_asked_for_what_it_lacks(invalid: Judge, allowed: str | list[str], help: str) -> None:
    [finding] = invalid("# A\n", fields={"posture": allowed})
    assert finding.help == help


def test_structured_data_is_asked_for_keys(invalid: Judge) -> None:
    fields = {"posture": POSTURE, "since": "date", "owner": "any"}
    assert [finding.help for finding in invalid("{}", path="f.json", fields=fields)] == [
        "Give it the key 'posture' with a value such as ready or not-ready.",
        "Give it the key 'since' with a value such as 2026-01-31.",
        "Give it the key 'owner'.",
    ]


@pytest.mark.parametrize(
    ("value", "allowed", "problem"),
    [
        ("none", "any", ""), ("None", "any", ""), ("0", "any", ""),
        ("TBD", "any", "has no value, only 'TBD'"),
        ("<who>", "any", "has no value, only '<who>'"), ("", "any", "has no value"),
        ("-", "any", "has no value"),
        ("[name]", "any", "has no value"), ("\u3164", "any", "has no value"), ("2026-01-31", "date", ""),
        ("2026-01-31 (Ann)", "date", ""), ("soon", "date", "is no date"),
        ("final", "final", ""), ("draft", "final", "is 'draft', which is not one of final"),
        ("ready | not-ready", POSTURE, "names several of its values"), ("TBD", POSTURE, "is 'TBD'"),
    ],
)  # fmt: skip
def test_a_value_is_what_the_contract_asks_for(value: str, allowed: str, problem: str) -> None:
    said = value_problem(value, allowed)
    assert problem in said
    assert bool(problem) == bool(said)


def test_what_cannot_be_read_is_said_once(invalid: Judge) -> None:
    fields = {"posture": POSTURE, "owner": "any", "since": "date"}
    [finding] = invalid("---\nowner: a: b\n---\n\nSince: 2026-01-31\n", fields=fields)
    assert finding.message.startswith("f.md has no field 'posture' and no field 'owner' that could be read: ")
    assert finding.line == 2


def test_other_names_may_stand_for_it(invalid: Judge) -> None:
    assert not invalid("State: ready", aliases={"Posture": ["state"]})


@pytest.mark.parametrize(
    ("path", "text"),
    [("f.json", '{"posture": "ready"}'), ("f.yaml", "posture: not-ready"), ("f.toml", "posture='ready'")],
)
def test_a_structured_file_has_keys(invalid: Judge, path: str, text: str) -> None:
    assert not invalid(text, path)
    [finding] = invalid(text.replace("posture", "x"), path)
    assert finding.message == f"{path} has no field 'posture'"


def test_a_field_of_a_template_is_owed(invalid: Judge) -> None:
    [finding] = invalid("Owner: who is it?", fields={"owner": "any"}, placeholders=["Who is it?"])
    assert "has no value, only 'who is it?'" in finding.message


@pytest.mark.parametrize(
    "text", ["(" * 1_000_000, " - " * 300_000, " or " * 250_000, "a," * 500_000, " " * 1_000_000]
)
def test_long_values_take_no_time(text: str) -> None:
    before = time.process_time()
    value_problem(f"ready{text}x", POSTURE)
    value_problem(f"ready{text}x", "any")
    assert time.process_time() - before < 2
