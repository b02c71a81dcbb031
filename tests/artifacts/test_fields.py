"""Fields of an artifact: their values, the object ids that it names, and times in the future."""

from collections.abc import Callable
from typing import Any

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.fields import (
    choice,
    invalid_fields,
    missing_records,
    unordered_timestamps,
    value_problem,
)
from specguard.model import Finding
from specguard.testing import Repository
from tests.artifacts.conftest import Each, Make
from tests.rows import rows
from tests.taking import grows_with_length

Judge = Callable[..., list[Finding]]

POSTURE = ["ready", "not-ready"]
THREE = {"posture": POSTURE, "since": "date", "owner": "any"}


@pytest.fixture
def invalid(artifacts: Make) -> Judge:
    def judge(text: str | bytes, path: str = "f.md", **settings: Any) -> list[Finding]:
        settings.setdefault("fields", {"posture": POSTURE})
        contract = Contract(path=f"*.{path.partition('.')[2]}", **settings)
        return list(invalid_fields(artifacts({"readiness": contract}, {path: text}).judged[0]))

    return judge


@pytest.mark.parametrize(("value", "meant"), rows(__file__, "values"))
def test_a_value_may_have_a_remark_behind_it(value: str, meant: str) -> None:
    assert choice(value, POSTURE) == meant


def test_a_document_is_asked_for_what_it_lacks(invalid: Judge) -> None:
    line = "State it in front matter, or on a line 'posture:"
    for allowed, help in (
        ("any", f"{line} ...'; 'none' is a value, 'TBD' is not."),
        ("date", f"{line} 2026-01-31'."),
        (POSTURE, f"{line} ready', as ready or not-ready."),
    ):
        [finding] = invalid(f"# {allowed}\n", fields={"posture": allowed})
        assert finding.help == help
    assert [finding.help for finding in invalid("{}", path="f.json", fields=THREE)] == [
        "Give the key 'posture' a value such as ready or not-ready.",
        "Give the key 'since' a value such as 2026-01-31.",
        "Give the key 'owner' a value: 'none' is one.",
    ]


@pytest.mark.parametrize(("value", "allowed", "problem"), rows(__file__, "asked"))
def test_a_value_is_what_the_contract_asks_for(value: str, allowed: str, problem: str) -> None:
    said = value_problem(value, allowed)
    assert problem in said
    assert bool(problem) == bool(said)


def test_fields_are_read_in_text_and_data_by_each_of_their_names(invalid: Judge) -> None:
    [finding] = invalid("---\nowner: a: b\n---\n\nSince: 2026-01-31\n", fields=THREE)
    assert finding.message.startswith("f.md has no field 'posture' and no field 'owner' that could be read: ")
    assert finding.line == 2
    assert not invalid("State: ready", aliases={"Posture": ["state"]})
    [finding] = invalid("Owner: who is it?", fields={"owner": "any"}, placeholders=["Who is it?"])
    assert "has no value, only 'who is it?'" in finding.message
    for path, text in {"f.json": '{"posture": "ready"}', "f.yaml": "posture: not-ready"}.items():
        assert not invalid(text, path)
        [finding] = invalid(text.replace("posture", "x"), path)
        assert finding.message == f"{path} has no field 'posture'"


@pytest.mark.parametrize("part", ["(", " - ", " or ", "a,"])
def test_long_values_take_no_time(part: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        return lambda: [value_problem(f"ready{part * count}x", allowed) for allowed in (POSTURE, "any")]

    assert grows_with_length(reading, 10_000)


def test_it_names_what_it_has_read(each: Each, repository: Repository) -> None:
    oid = repository.blob("A or B\n")
    rows = {
        f"Options: {oid}\n": "", f"- read `{oid[:9]}` of the options\n": "", f"---\na: {oid[:12]}\n---\n": "",
        f"| Options | {oid} |\n|---|---|\n": "", f"```\n{oid}\n```\n": "",
        "no id\n": "names no object id of OPTIONS", f"{oid[:6]}\n": "names no object id of OPTIONS",
        f"<!-- {oid} -->\n": "names no object id of OPTIONS", f"x{oid}\n": "names no object id of OPTIONS",
        "1234567890\n": "names another object id than that of OPTIONS",
    }  # fmt: skip
    made = each(rows, base={"OPTIONS": "A or B\n"}, records=["OPTIONS", "GONE"])
    for (text, one), said in zip(made, rows.values(), strict=True):
        *read, gone = missing_records(one)
        assert len(read) == bool(said), text
        assert said in "".join(finding.message for finding in read)
        assert "GONE, which is not there" in gone.message
        assert (gone.key, gone.setting) == ("record GONE", "artifacts.final.records.1")


@pytest.mark.parametrize("kind", ["present", "ascending"])
def test_no_time_is_in_the_future(each: Each, kind: str) -> None:
    """The scratchpads are judged on 31 January 2026; cases have the order and the forms of times."""
    texts = {
        "- 2026-02-01T13:59:00Z a\n": [],
        "- 2026-02-01T14:01:00Z a\n": [1],
        "- 2026-02-01 13:59 a\n": [],
        "- 2026-02-02 00:01 a\n": [1],
        "- 2026-01-31 12:00 a\n\n## 2026-02-05\n": [3],
    }
    for (_, one), lines in zip(each(texts, timestamps=kind), texts.values(), strict=True):
        findings = list(unordered_timestamps(one))
        assert [finding.line for finding in findings] == lines
        assert all("in the future" in finding.message for finding in findings)
