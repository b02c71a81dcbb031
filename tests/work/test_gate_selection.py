"""Which gates run for a change, and with which files."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.change.entries import Entry
from specguard.declaration.patterns import Covering
from specguard.errors import SpecguardError
from specguard.work.gates import LONGEST, PlannedGate, selected


def entry(path: str | bytes, status: str = "M") -> Entry:
    name = path.encode() if isinstance(path, str) else path
    return Entry(name, status, 0, 0 if status == "D" else 0o100644, "0" * 40, "1" * 40)


def outcome(entries: Sequence[Entry], **values: Any) -> list[str] | str:
    gate = PlannedGate(**{"name": "g", "run": "make", "source": "policy", **values})
    [chosen] = selected([gate], entries)
    return chosen.skipped or list(chosen.calls)


GO = Covering(["**/*.go"])
CHANGES = [entry("a.go"), entry("b.go", "A"), entry("c.go", "D"), entry("x y.md", "A")]


def test_when_and_on() -> None:
    assert outcome([]) == ["make"]
    assert outcome(CHANGES, when=GO) == ["make"]
    assert outcome(CHANGES, when=Covering(["deploy/"])) == "no file of deploy/ was changed"
    assert outcome([entry("c.go", "D")], when=GO) == ["make"]
    assert outcome([entry("c.go", "D")], when=GO, on=["added", "modified"]) == (
        "no file of **/*.go was added or modified"
    )
    assert outcome([entry("a.go", "T")], when=GO, on=["modified"]) == ["make"]
    assert outcome(CHANGES, on=["deleted"]) == ["make"]
    assert outcome([entry("a.go")], on=["deleted"]) == "no file was deleted"


def test_once_for_each_file() -> None:
    assert outcome(CHANGES, run="sh {file}", each=True, on=["added"]) == ["sh ./b.go", "sh './x y.md'"]
    assert outcome(CHANGES, run="vet", each=True, when=GO) == ["vet ./a.go", "vet ./b.go"]
    assert outcome([entry("c.go", "D")], run="vet {file}", when=GO) == (
        "no file of **/*.go was changed that is still there"
    )
    assert outcome([], run="vet {file}", each=True) == "no file was changed"


def test_the_changed_files() -> None:
    assert outcome(CHANGES, run="fmt -w {changed_files}", kind="format") == [
        "fmt -w ./a.go ./b.go './x y.md'"
    ]
    assert (
        outcome([entry("c.go", "D")], run="fmt {changed_files}") == "no file was changed that is still there"
    )
    assert outcome([entry(".", "M")], run="echo ${file} {x}") == ["echo ${file} {x}"]


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


def test_quotation_marks_around_the_place() -> None:
    assert outcome(CHANGES[:1], run="""fmt "{file}" '{file}'""") == ["fmt ./a.go ./a.go"]
    with pytest.raises(SpecguardError, match="within quotation marks"):
        outcome(CHANGES, run="sh -c 'fmt {changed_files}'")
    with pytest.raises(SpecguardError, match="within quotation marks"):
        outcome(CHANGES, run='echo "see {file}"')
    assert outcome(CHANGES[:1], run="""echo 'it' "is" \\" {file}""") == ["""echo 'it' "is" \\" ./a.go"""]
