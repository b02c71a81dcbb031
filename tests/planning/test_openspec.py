"""`plan proposal` and `plan validate` beside OpenSpec's own validator.

It is the program `openspec` of `@fission-ai/openspec` (1.13.2), on the PATH. Without it the tests that ask it
are skipped.
"""

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.planning.plan_sources import CHANGES, Issue, source_folder
from specguard.planning.proposal_validation import flaws
from tests.executor.places import program
from tests.planning.filling import change, requirement, write

OPENSPEC = shutil.which("openspec")
needs_openspec = pytest.mark.skipif(
    not OPENSPEC, reason="there is no openspec (npm install -g @fission-ai/openspec)"
)

SPEC = "specs/cart/spec.md"
ADDED = f"## ADDED Requirements\n\n{requirement('Keeps things')}"
MAIN = (
    "# Cart\n\n## Purpose\n\nHolds what somebody is about to buy, until they have paid for it.\n\n"
    f"## Requirements\n\n{requirement('Known')}\n#### Scenario: Two things\n\n- **THEN** it shows both\n"
)


_TEXTS = {
    "added": ADDED,
    "before_scenario": ADDED.partition("####")[0],
    "before_when": ADDED.partition("\n\n- **WHEN**")[0],
    "modified": f"## MODIFIED Requirements\n\n{requirement('Known')}",
    "renamed": "## RENAMED Requirements\n\nFROM: ### Requirement: Known\nTO: ### Requirement: New\n",
    "shows": ADDED.replace("Keeps", "Shows"),
    "keeps": requirement("Keeps things"),
    "hidden": requirement("Hidden"),
}
# What the two say of each group, where a row does not say otherwise.
_SAID = {
    "valid": ("valid", "valid"),
    "warned": ("warned", "warned"),
    "refused": ("refused", "refused"),
    "stricter": ("refused", "valid"),
    "looser": ("valid", "valid"),
}
ROWS: dict[str, dict[str, Any]] = {
    name: {"group": group, "ours": _SAID[group][0], "theirs": _SAID[group][1], **row}
    for group, found in tomllib.loads(Path(__file__).with_suffix(".toml").read_text()).items()
    for name, row in found.items()
}
LOOSER = [name for name, row in ROWS.items() if row["group"] == "looser"]


def files_of(row: Mapping[str, Any]) -> dict[str, str | None]:
    """The files of a change that are otherwise; None: it is not there."""
    texts = dict(row.get("files", {}))
    for key, path in (("spec", SPEC), ("tasks", "tasks.md")):
        if key in row:
            texts[path] = row[key]
    files = {path: text.format(**_TEXTS) for path, text in texts.items()}
    if "change" in row:
        files[SPEC] = ADDED.replace(*row["change"]) + row.get("end", "")
    if "crlf" in row:
        files[SPEC] = ADDED.replace("\n", "\r\n")
    return {**files, **dict.fromkeys(row.get("gone", []))}


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a change for each row."""
    folder = tmp_path_factory.mktemp("openspec")
    write(folder, {"openspec/specs/cart/spec.md": MAIN})
    for name, row in ROWS.items():
        slug = f"change-{name}"
        change(folder, slug)
        write(folder, {f"{CHANGES}/{slug}/{path}": text for path, text in files_of(row).items()})
    return folder


@pytest.fixture(scope="module")
def theirs(top: Path) -> dict[str, str]:
    """What OpenSpec says of each."""
    loose, strict = validated(top), validated(top, "--strict")
    return {
        name: "refused" if not loose[name]["valid"] else "valid" if strict[name]["valid"] else "warned"
        for name in loose
    }


def validated(top: Path, *words: str) -> dict[str, Any]:
    """The items of OpenSpec's report, by the change's name."""
    assert OPENSPEC
    done = subprocess.run(
        [OPENSPEC, "validate", "--changes", "--json", "--no-interactive", *words],
        cwd=top,
        env={**os.environ, "OPENSPEC_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return {item["id"].removeprefix("change-"): item for item in json.loads(done.stdout)["items"]}


def said(found: Sequence[Issue]) -> str:
    levels = {flaw.level for flaw in found}
    return "refused" if "error" in levels else "warned" if levels else "valid"


@pytest.mark.parametrize("name", ROWS)
def test_plan_validate(top: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = flaws(source_folder(str(top), f"change-{name}"))
    row = ROWS[name]
    assert said(found) == row["ours"], found
    assert "told" not in row or any(row["told"] in f"{flaw.message}: {flaw.help}" for flaw in found), found
    assert all(flaw.help and not flaw.openspec for flaw in found)


@needs_openspec
@pytest.mark.parametrize("name", ROWS)
def test_openspec_itself(theirs: dict[str, str], name: str) -> None:
    assert theirs[name] == ROWS[name]["theirs"]


@needs_openspec
@pytest.mark.parametrize("name", LOOSER)
def test_what_it_alone_finds_is_found(top: Path, name: str) -> None:
    assert said(flaws(source_folder(str(top), f"change-{name}"))) == ROWS[name]["theirs"]


ISSUES = [
    {"level": "ERROR", "path": "cart/spec.md", "message": "No good"},
    {"level": "WARNING", "path": "tasks.md", "message": "So so"},
    {"level": "INFO", "path": "proposal.md", "message": "Long"},
    {"level": "ERROR", "path": "file", "message": "None at all"},
]
ANSWER = json.dumps({"items": [{"id": "add-cart", "valid": False, "issues": ISSUES}]})


def answering(folder: Path, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `openspec` that gives one answer, in place of every other one."""
    program(folder / "openspec", f"/bin/cat <<'END'\n{says}\nEND\nexit 1")
    monkeypatch.setenv("PATH", str(folder))


def test_what_the_program_finds_besides_is_told_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(tmp_path, "add-cart")
    answering(tmp_path / "bin", ANSWER, monkeypatch)
    folder = source_folder(str(tmp_path), "add-cart")
    assert [(flaw.path, flaw.level, flaw.openspec, flaw.message) for flaw in flaws(folder)] == [
        (folder.path, "error", "error", "OpenSpec: None at all"),
        (f"{folder.path}/{SPEC}", "error", "error", "OpenSpec: No good"),
        (f"{folder.path}/tasks.md", "warning", "warning", "OpenSpec: So so"),
    ]
    # What is told of a file already is not told twice.
    write(tmp_path, {f"{folder.path}/{SPEC}": "", f"{folder.path}/tasks.md": "- [ ] 1.1 Add it\n"})
    assert [flaw.openspec for flaw in flaws(folder)] == ["", ""]


@pytest.mark.parametrize("answer", ["", "Unknown option", "[]", '{"items": [1]}'])
def test_a_program_without_an_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    change(tmp_path, "add-cart")
    answering(tmp_path / "bin", answer, monkeypatch)
    [flaw] = flaws(source_folder(str(tmp_path), "add-cart"))
    assert (flaw.level, "gave no answer that can be read" in flaw.message) == ("warning", True)


@needs_openspec
def test_what_is_written_is_accepted_once_it_is_filled(tmp_path: Path) -> None:
    write(tmp_path, {"openspec/specs/cart/spec.md": MAIN})
    change(tmp_path, "change-one", capabilities=["cart"])
    change(tmp_path, "change-two", capabilities=["till", "shop/receipts"])
    found = validated(tmp_path, "--strict")
    assert [(name, item["valid"], item["issues"]) for name, item in sorted(found.items())] == [
        ("one", True, []),
        ("two", True, []),
    ]
    for slug in ("change-one", "change-two"):
        assert flaws(source_folder(str(tmp_path), slug)) == []
