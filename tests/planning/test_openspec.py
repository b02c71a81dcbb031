"""`plan proposal` and `plan validate` beside OpenSpec's own validator.

It is the program `openspec` of `@fission-ai/openspec` (1.13.2), on the PATH. Without it the tests that ask it
are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from specguard.planning.task_lists import CHANGES, source_folder
from specguard.planning.validation import flaws
from tests.planning.filling import change, requirement, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from specguard.planning.task_lists import Issue

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


class Row(NamedTuple):
    """A case: what of a filled change is otherwise, and what each of the two says of it.

    Attributes:
        files: texts by path below the change; None: it is not there.
        ours: `valid`, `warned` or `refused`, as `plan validate` ends.
        theirs: `valid`, `warned` (with `--strict` not valid) or `refused`, as `openspec validate` does.
        told: what `plan validate` says, among else.
    """

    files: Mapping[str, str | None]
    ours: str
    theirs: str
    told: str = ""


def spec(text: str) -> dict[str, str | None]:
    return {SPEC: text}


def tasks(text: str) -> dict[str, str | None]:
    return {"tasks.md": text}


VERIFIED = "  - verify: pytest -q\n"
MODIFIED = f"## MODIFIED Requirements\n\n{requirement('Known')}"
RENAMED = "## RENAMED Requirements\n\nFROM: ### Requirement: Known\nTO: ### Requirement: New\n"
SKIPPED = {".openspec.yaml": "schema: spec-driven\nskip_specs: true\n"}

VALID: dict[str, Mapping[str, str | None]] = {
    "filled": {},
    "crlf": spec(ADDED.replace("\n", "\r\n")),
    "heading-twice": spec(ADDED + "\n" + ADDED.replace("Keeps", "Shows")),
    "must": spec(ADDED.replace("SHALL", "MUST")),
    "metadata-alone": spec(ADDED.replace("The shop SHALL", "**What**: it SHALL")),
    "nested-capability": {SPEC: None, "specs/shop/cart/spec.md": ADDED},
    "removed-items": spec("## REMOVED Requirements\n\n- `### Requirement: Known`\n"),
    "renamed": spec(
        "## RENAMED Requirements\n\n- FROM: `### Requirement: Known`\n- TO: `### Requirement: New`\n"
    ),
    "skip-specs": {SPEC: None, **SKIPPED},
    "motivation": {"proposal.md": "# P\n\n## Motivation\n\nMany go away.\n\n## Scope\n\nA cart.\n"},
    "modified": spec(f"{MODIFIED}\n#### Scenario: Two things\n\n- both\n"),
}
WARNED = {"neither-shall-nor-must": spec(ADDED.replace("SHALL", "will"))}
REFUSED: dict[str, Mapping[str, str | None]] = {
    "no-delta": {SPEC: None},
    "no-section": spec("# Cart\n\nSomething.\n"),
    "section-misspelt": spec(ADDED.replace("ADDED", "ADED")),
    "empty-section": spec("## ADDED Requirements\n\nLater.\n"),
    "all-fenced": spec(f"```\n{ADDED}```\n"),
    "requirement-without-name": spec(ADDED.replace("Requirement: Keeps things", "Requirement:")),
    "no-scenario": spec(ADDED.partition("####")[0]),
    "scenario-indented": spec(ADDED.replace("#### S", "  #### S")),
    "scenario-fenced": spec(ADDED.replace("#### S", "```\n#### S") + "```\n"),
    "scenario-empty": spec(ADDED.partition("\n\n- **WHEN**")[0] + "\n"),
    "no-text": spec(ADDED.replace("The shop SHALL do it.\n", "")),
    "named-twice": spec(ADDED + "\n" + requirement("Keeps things")),
    "added-and-removed": spec(ADDED + "\n## REMOVED Requirements\n\n### Requirement: Keeps things\n"),
    "renamed-and-removed": spec(f"{RENAMED}\n## REMOVED Requirements\n\n### Requirement: known\n"),
    "from-without-to": spec(ADDED + "\n## RENAMED Requirements\n\n- FROM: `### Requirement: Known`\n"),
    "modified-loses-a-scenario": spec(MODIFIED),
    "modified-by-its-old-name": spec(f"{MODIFIED}\n{RENAMED}"),
    "delta-beside-capabilities": {SPEC: None, "specs/cart.md": ADDED},
    "delta-under-another-name": {"specs/cart/delta.md": ADDED},
    "skip-specs-with-specs": {**SKIPPED},
}
AGREED = {
    name: Row(files, verdict, verdict)
    for verdict, cases in (("valid", VALID), ("warned", WARNED), ("refused", REFUSED))
    for name, files in cases.items()
}
"""Where both say the same."""


def refused(files: Mapping[str, str | None], told: str) -> Row:
    """What `plan validate` alone refuses."""
    return Row(files, "refused", "valid", told)


def warned(files: Mapping[str, str | None], told: str) -> Row:
    """What `plan validate` alone warns of."""
    return Row(files, "warned", "valid", told)


TASK_TWICE = f"## 1. Cart\n\n- [ ] 1.1 Add it\n{VERIFIED}- [ ] 1.1 Again\n{VERIFIED}"
STRICTER = {
    "requirement-outside": Row(
        spec(f"{ADDED}\n## Notes\n\n{requirement('Hidden')}"),
        "refused",
        "warned",
        "'## Notes' ends '## ADDED Requirements', and nothing below it is read",
    ),
    "second-heading-hides-text": refused(
        spec(f"{ADDED}\n## Edge cases\n\nThe cart MUST survive a restart.\n"),
        "'## Edge cases' ends '## ADDED Requirements', and nothing below it is read",
    ),
    "heading-of-the-third-level": refused(
        spec(f"{ADDED}\n### Documentation\n\nIt SHALL be documented.\n"),
        "'### Documentation' is no requirement",
    ),
    "fence-never-closed": refused(spec(f"{ADDED}\n```\n{requirement('Hidden')}"), "is never closed"),
    "placeholder": refused(spec(ADDED.replace("do it", "TODO: say it")), "a placeholder is left"),
    "template-of-openspec": refused(
        spec(ADDED.replace("Keeps things", "<!-- requirement name -->")),
        "'### Requirement:' is no requirement",
    ),
    "no-proposal": refused({"proposal.md": None}, "the change has no proposal"),
    "no-why": refused({"proposal.md": "# P\n\n## What Changes\n\nA cart.\n"}, "no section '## Why'"),
    "no-tasks": refused({"tasks.md": None}, "there are no tasks"),
    "tasks-without-boxes": Row(
        tasks("# Tasks\n\n- Add it\n"), "refused", "warned", "no line of it is a task"
    ),
    "task-twice": Row(tasks(TASK_TWICE), "refused", "warned", "1.1 is there twice, first in line 3"),
    "task-unknown": refused(
        tasks(f"- [ ] 1.1 Add it\n{VERIFIED}  - depends: 1.2\n"),
        "1.1 depends on '1.2', which is no task here",
    ),
    "task-without-verify": warned(tasks("- [ ] 1.1 Add it\n"), "has no command that verifies it"),
    "added-already": warned(
        spec(f"## ADDED Requirements\n\n{requirement('Known')}"),
        "'Known' is in the capability's specification already",
    ),
    "modified-unknown": warned(
        spec(f"## MODIFIED Requirements\n\n{requirement('Knwon')}"),
        "'Knwon' is no requirement of the capability's specification",
    ),
}
"""Where `plan validate` says more on purpose, and what it says then."""

SKIPPED_AS_TEXT = {".openspec.yaml": "schema: spec-driven\nskip_specs: 'yes'\n"}
LOOSER = {
    "skip-specs-as-text": Row(SKIPPED_AS_TEXT, "valid", "refused"),
    "skip-specs-without-schema": Row(
        {SPEC: None, ".openspec.yaml": "skip_specs: true\n"}, "valid", "refused"
    ),
    "task-in-another-group": Row(tasks(f"## 1. Cart\n\n- [ ] 2.1 Add it\n{VERIFIED}"), "valid", "warned"),
}
"""Where only OpenSpec's own validator says so."""

ORDER = ("valid", "warned", "refused")
ROWS = {**AGREED, **LOOSER, **STRICTER}


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a change for each row."""
    folder = tmp_path_factory.mktemp("openspec")
    write(folder, {"openspec/specs/cart/spec.md": MAIN})
    for name, row in ROWS.items():
        slug = f"change-{name}"
        change(folder, slug)
        write(folder, {f"{CHANGES}/{slug}/{path}": text for path, text in row.files.items()})
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
    assert said(found) == ROWS[name].ours, found
    if name in STRICTER:
        assert any(STRICTER[name].told in flaw.message for flaw in found), found
    assert all(flaw.help and not flaw.openspec for flaw in found)


@needs_openspec
@pytest.mark.parametrize("name", ROWS)
def test_openspec_itself(theirs: dict[str, str], name: str) -> None:
    assert theirs[name] == ROWS[name].theirs


@needs_openspec
@pytest.mark.parametrize("name", LOOSER)
def test_what_it_alone_finds_is_found(top: Path, name: str) -> None:
    assert said(flaws(source_folder(str(top), f"change-{name}"))) == LOOSER[name].theirs


def test_which_of_the_two_says_more() -> None:
    assert all(row.ours == row.theirs for row in AGREED.values())
    assert all(ORDER.index(row.ours) > ORDER.index(row.theirs) for row in STRICTER.values())
    assert all(ORDER.index(row.ours) < ORDER.index(row.theirs) for row in LOOSER.values())


ISSUES = [
    {"level": "ERROR", "path": "cart/spec.md", "message": "No good"},
    {"level": "WARNING", "path": "tasks.md", "message": "So so"},
    {"level": "INFO", "path": "proposal.md", "message": "Long"},
    {"level": "ERROR", "path": "file", "message": "None at all"},
]
ANSWER = json.dumps({"items": [{"id": "add-cart", "valid": False, "issues": ISSUES}]})


def program(folder: Path, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program `openspec` that gives one answer, in place of every other one."""
    folder.mkdir(exist_ok=True)
    (folder / "openspec").write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{says}\nEND\nexit 1\n")
    (folder / "openspec").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_what_the_program_finds_besides_is_told_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(tmp_path, "add-cart")
    program(tmp_path / "bin", ANSWER, monkeypatch)
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
    program(tmp_path / "bin", answer, monkeypatch)
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
