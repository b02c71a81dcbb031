"""The gates of a work item, the policy's and those that its document names, and which run for a change.

`tests/documents/forms.md` has the forms in which a document names them.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.entries import Entry
from specguard.declaration.patterns import Covering
from specguard.errors import MissingFact, SpecguardError
from specguard.model import Origin
from specguard.work.document_gates import read_gates
from specguard.work.gates import LONGEST, Gates, PlannedGate, flag_gates, gates_of, merge_gates, name_of
from specguard.work.item import WorkItem
from specguard.work.kinds import Gate, WorkKind
from tests.rows import rows
from tests.taking import grows_with_length
from tests.work.conftest import Grow, phase_12


def read(text: str, titles: Sequence[str] = ("Gates", "Verification")) -> Gates:
    return read_gates(text, titles, "phase-12.md")


def item(tree: Grow, text: str, *gates: Gate) -> WorkItem:
    kind = WorkKind(document=["phase-{number}.md"], branch="phase-{number}", gates=list(gates))
    return phase_12(tree, text, kind)


def test_what_is_not_taken_beside_a_command_is_told() -> None:
    found = read("## Gates\n\n- `make lint` or `task lint`\n- If `*.proto` changed: `buf lint`\n")
    assert [gate.run for gate in found.gates] == ["make lint"]
    assert [(one.line, one.text) for one in found.not_read] == [(3, "task lint"), (4, "buf lint")]
    assert {one.path for one in found.not_read} == {"phase-12.md"}
    assert {one.why for one in found.not_read} == {"it is not what its item begins with"}
    # Nor is what a command prints.
    found = read("## Gates\n\n```sh\nmake test\n```\n\nExpected output:\n\n```sh\nok all good\n```\n")
    assert [gate.run for gate in found.gates] == ["make test"]
    assert [one.why for one in found.not_read] == ["it is under 'Expected output:'"]


def test_the_rows_of_a_table() -> None:
    found = read(
        "## Verification\n\n"
        "| Gate | Command | When | Timeout |\n|---|---|---|---|\n"
        "| e2e | `npx playwright test` | deployment only | 90s |\n"
        "| teardown | `make down` | always | |\n| docs | build them | | |\n"
    )
    assert [(gate.name, gate.run, gate.kind, gate.is_unconditional) for gate in found.gates] == [
        ("e2e", "npx playwright test", "gate", True),
        ("teardown", "make down", "teardown", True),
    ]
    told = [(5, "deployment only"), (5, "90s"), (7, "docs | build them | |")]
    assert [(one.line, one.text) for one in found.not_read] == told
    why = "here the command runs without it; settings of a gate belong in the policy"
    assert found.not_read[1].why == why


def test_gates_in_front_matter() -> None:
    found = read(
        "---\ngates:\n  - go test ./...\n  - {run: make smoke, when: [deploy/]}\n  - {name: x}\n---\n"
    )
    assert [(gate.name, gate.run, gate.line, gate.is_unconditional) for gate in found.gates] == [
        ("go-test", "go test ./...", 3, True),
        ("make-smoke", "make smoke", 4, True),
    ]
    assert [(one.line, one.text, one.why) for one in found.not_read] == [
        (4, "when: ['deploy/']", "here the command runs without it; settings of a gate belong in the policy"),
        (5, "{'name': 'x'}", "it has no command, as text or as `run`"),
    ]
    [one] = read("+++\n[gates]\ntests = 'make test'\n+++\n").not_read
    assert one.why == "it is not a list"
    assert read("---\ngates: [a\n---\n").not_read


def test_sections_are_found_as_people_write_them() -> None:
    text = "## 5. GATES (all)\n\n- `make a`\n\n### Verification\n\n- `make b`\n\n## Other\n\n- `make c`\n"
    assert [gate.run for gate in read(text).gates] == ["make a", "make b"]
    [one] = read("# P\n\n## Gatse\n\n- `make test`\n").not_read
    assert one.why == "it is not a section on gates: it is spelt differently"
    assert list(read("# P\n\n## Other\n\n- `make test`\n").not_read) == []


@pytest.mark.parametrize(("sentence", "where"), rows(__file__, "whether_formatters_work_on_everything"))
def test_whether_formatters_work_on_everything(sentence: str, where: str) -> None:
    assert read(f"# P\n\n## Formatting\n\n{sentence}\n").format_all == where


@pytest.mark.parametrize("below", rows(__file__, "what_is_not_for_the_run"))
def test_what_is_not_for_the_run(below: str) -> None:
    assert [gate.run for gate in read(f"## Gates\n\n- `make a`\n\n{below}").gates] == ["make a"]


def test_the_policy_comes_first_and_a_command_is_one_gate(tree: Grow) -> None:
    text = "# P\n\n## Gates\n\n- `go test  ./...`\n- `make smoke`\n- `make smoke`\n"
    policy = [Gate(name="unit tests", run="go test ./...", when=Covering(["**/*.go"]))]
    origins = {"work.phase.gates.0.run": Origin("SPEC_AUTHORITY.md", 7)}
    found = gates_of(item(tree, text, *policy), origins)
    tests, smoke = found.gates
    assert (tests.name, tests.run) == ("unit-tests", "go test ./...")
    assert (tests.source, tests.named) == ("policy", "SPEC_AUTHORITY.md:7")
    # The document asks for it whatever is changed; it has no limit of its own.
    assert (tests.is_unconditional, tests.timeout) == (True, "")
    assert (smoke.name, smoke.source) == ("make-smoke", "document")
    assert smoke.named == "phase-12.md:6"
    # A limit that the policy sets is the gate's own.
    key = "work.phase.gates.0"
    origins = {f"{key}.timeout": Origin("SPEC_AUTHORITY.md", 9), key: Origin("SPEC_AUTHORITY.md", 7)}
    [gate] = gates_of(item(tree, "# P\n", Gate(name="t", run="t", timeout="5m")), origins).gates
    assert (gate.timeout, gate.named) == ("5m", "SPEC_AUTHORITY.md:7")
    # Flags are gates, too.
    each = gate.with_values(run="vet {file}", when=Covering(["**/*.go"]))
    tests, each, lint = merge_gates([gate, each, *flag_gates(["make lint", "t", "vet {file}"])])
    assert list(each.when.patterns) == ["**/*.go"]
    assert (lint.run, lint.source, lint.named, tests.source) == ("make lint", "flag", "--command", "policy")
    # A document that cannot be read is none without gates.
    with pytest.raises(MissingFact, match="cannot be read"):
        gates_of(item(tree, "## Gates\n\n" + ">" * 5000 + " x\n"), {})


def test_names_are_unique_and_fit_for_files() -> None:
    names = ["a/b c", "A-B-C", "../x", "", "x" * 60, "x" * 60, "\u00fc"]
    gates = merge_gates(PlannedGate(name=name, run=str(i), source="policy") for i, name in enumerate(names))
    found = ["a-b-c", "A-B-C-2", "x", "gate", "x" * 40, "x" * 38 + "-2", "gate-2"]
    assert [gate.name for gate in gates] == found
    commands = ("go test ./...", "A=1 ./scripts/run.sh x", "python -m pytest -q", "")
    assert list(map(name_of, commands)) == ["go-test", "run.sh-x", "python-pytest", "gate"]


@pytest.mark.parametrize(
    ("start", "part", "end"),
    [
        ("- ", "*", "`make a`"),
        ("- ", "`make a`, ", ""),
        ("```sh\n", "if x\n", "```"),
        ("| a | Command |\n|---|---|\n", "| x | `make a` |\n", ""),
    ],
)
def test_a_large_section_takes_no_more_than_its_length(start: str, part: str, end: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        return lambda: read(f"## Gates\n\n{start}{part * count}{end}\n")

    assert grows_with_length(reading, 1_000)


PARTS = [
    "- ", "`make a`", "```sh\n", "```\n", "# Gates", "## Verification\n", "---\n", "cd x\n",
    "esac\n", "if a; then\n", "'", '"', "\\\n", "<<EOF\n", "EOF\n", "or ", "not ", "**x**: ", "$ ", "> ",
    "<!-- ", " -->", "{file} ", "(", ")", "gates: [a, {run: b}]\n", "\u00e9", "\0", "#", "\n\n", "\n",
    "| a | b |\n", "| a | command |\n|---|---|\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=30))
def test_whatever_a_section_says_it_is_read_to_its_end(parts: list[str]) -> None:
    text = "".join(parts)
    for whole in (text, f"## Gates\n\n{text}", f"---\ngates:\n{text}"):
        found = read(whole)
        assert all(gate.run.strip() and gate.name for gate in merge_gates(found.gates))
        assert all(one.why for one in found.not_read)


# Which of them run for a change, and with which files


def entry(path: str | bytes, status: str = "M") -> Entry:
    name = path.encode() if isinstance(path, str) else path
    return Entry(name, status, 0, 0 if status == "D" else 0o100644, "0" * 40, "1" * 40)


def outcome(entries: Sequence[Entry], **values: Any) -> list[str] | str:
    chosen = PlannedGate(**{"name": "g", "run": "make", "source": "policy", **values}).select(entries)
    return chosen.skipped or list(chosen.commands)


CHANGES = [["a.go", "M"], ["b.go", "A"], ["c.go", "D"], ["x y.md", "A"]]


@pytest.mark.parametrize("row", rows(__file__, "which_run_and_how"))
def test_which_run_and_how(row: dict[str, Any]) -> None:
    when = {"when": Covering([row["when"]])} if "when" in row else {}
    settings = {key: row[key] for key in ("run", "kind", "each", "on") if key in row}
    found = outcome([entry(*one) for one in row.get("changed", CHANGES)], **settings, **when)
    assert found == row.get("runs", row.get("skipped"))


NAMES = [b"-rf", b"$(touch pwned)", b"a'b\"c", b"new\nline", b"\xff\xfe", b"*", b"; exit 3 #"]


def test_names_are_words_and_nothing_else(tmp_path: Path) -> None:
    calls = outcome([entry(name) for name in NAMES], run="printf '%s\\0' {changed_files}")
    assert len(calls) == 1
    command = calls[0]
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == [b"./" + name for name in NAMES]
    assert list(tmp_path.iterdir()) == []


def test_many_files_are_several_calls() -> None:
    entries = [entry(f"folder/{'x' * 50}/{number:05}.go") for number in range(5000)]
    calls = outcome(entries, run="fmt {changed_files}")
    assert isinstance(calls, list)
    assert len(calls) > 2
    assert max(map(len, calls)) <= LONGEST
    names = [name for call in calls for name in call.split()[1:]]
    assert names == [f"./{one.path.decode()}" for one in entries]


@pytest.mark.parametrize("run", ["sh -c 'fmt {changed_files}'", 'echo "see {file}"', "fmt '{file}'"])
def test_a_place_within_quotation_marks(run: str) -> None:
    with pytest.raises(SpecguardError, match="within quotation marks"):
        outcome([entry("a.go")], run=run)
