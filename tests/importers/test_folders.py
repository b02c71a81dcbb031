"""What is imported of OpenSpec's and spec-kit's folders judges their files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from specguard.importers.files import has_features, import_openspec, import_speckit
from tests.importers.conftest import Import

SPEC = "# Login\n\n## Purpose\n\nLets people in.\n\n## Requirements\n\n### Requirement: In\n\nIt SHALL.\n"
PROPOSAL = "## Why\n\nPeople stand outside.\n\n## What Changes\n\n- A door.\n"
TASKS = "## 1. Door\n\n- [ ] 1.1 Build it\n"
OPENSPEC = {
    "openspec/specs/login/spec.md": SPEC,
    "openspec/changes/add-door/proposal.md": PROPOSAL,
    "openspec/changes/add-door/tasks.md": TASKS,
    "openspec/changes/archive/2026-01-01-old/proposal.md": "# Old\n",
}


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("openspec/specs/login/spec.md", SPEC.replace("## Purpose", "## Aim"), "ART002"),
        ("openspec/specs/a/b/spec.md", "# A\n", "ART002"),
        ("openspec/changes/add-door/proposal.md", PROPOSAL.replace("- A door.", "TODO"), "ART003"),
        ("openspec/changes/other/tasks.md", TASKS, "ART001"),
    ],
)
def test_openspec_with_one_thing_wrong(imported: Import, path: str, text: str, code: str) -> None:
    project = imported(OPENSPEC)
    assert project.whole().exit_code == 0, project.whole()
    outcome = project.change({path: text})
    assert (set(outcome.codes), outcome.exit_code) == ({code}, 1), outcome


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_what_openspec_says_in_prose_is_listed(tmp_path: Path) -> None:
    config = "schema: spec-driven\n\ncontext: |\n  Go.\n"
    write(tmp_path, {**OPENSPEC, "openspec/config.yaml": config, "openspec/project.md": "x"})
    left = import_openspec(str(tmp_path)).left
    assert [f"{origin}: {what}: {why}" for origin, what, why in left] == [
        "openspec/config.yaml:1: config.yaml: of it only `schema` says what is asked for",
        "openspec/specs/: requirements and scenarios: `openspec validate` judges the shape of a requirement",
        "openspec/changes/: deltas: `openspec validate` judges whether a change has one, or says skip_specs",
        "openspec/project.md: project.md: it is prose for agents; `[grounding] all` asks them to cite it",
    ]


def test_changes_of_another_schema_are_left(tmp_path: Path) -> None:
    write(tmp_path, {"openspec/config.yml": "schema: mine\n"})
    made = import_openspec(str(tmp_path))
    assert list(made.settings) == ["artifacts.openspec-spec"]
    assert made.left[0][0].path == "openspec/config.yml"


FEATURE = "specs/001-door"
KIT = {
    f"{FEATURE}/spec.md": (
        "# Feature\n\n## User Scenarios & Testing *(mandatory)*\n\nOne.\n\n## Requirements *(mandatory)*\n\n"
        "- FR-001\n\n## Success Criteria *(mandatory)*\n\n- SC-001\n"
    ),
    f"{FEATURE}/plan.md": (
        "# Plan\n\n## Summary\n\nA.\n\n## Technical Context\n\nB.\n\n## Constitution Check\n\nC.\n\n"
        "## Project Structure\n\nD.\n"
    ),
    f"{FEATURE}/tasks.md": "- [ ] T001 Build it\n",
}


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("spec.md", "## Requirements *(mandatory)*", "## Wishes", "ART002"),
        ("spec.md", "- SC-001", "[NEEDS CLARIFICATION]", "ART003"),
        ("plan.md", "## Constitution Check", "## Check", "ART002"),
        ("plan.md", "B.", "", "ART003"),
    ],
)
def test_spec_kit_with_one_thing_wrong(imported: Import, path: str, old: str, new: str, code: str) -> None:
    project = imported({**KIT, ".specify/templates/spec-template.md": "# Spec\n", "specs/loose/spec.md": ""})
    assert ".specify/templates: templates: the sections are those of spec-kit's own" in project.left
    assert "specs/loose/: loose: its name has no number, so it is no feature's folder" in project.left
    assert project.whole().exit_code == 0, project.whole()
    file = f"{FEATURE}/{path}"
    assert old in KIT[file]
    outcome = project.change({file: KIT[file].replace(old, new)})
    assert (set(outcome.codes), outcome.exit_code) == ({code}, 1), outcome


def test_a_feature_without_what_comes_first(imported: Import) -> None:
    outcome = imported(KIT).change({"specs/002-window/tasks.md": "- [ ] T001 x\n"})
    assert outcome.codes == ["ART001", "ART001"]


def test_where_spec_kit_is(tmp_path: Path) -> None:
    assert not has_features(str(tmp_path))
    write(tmp_path, {"specs/login/spec.md": "x", "specs/001-a/notes.md": "x"})
    assert not has_features(str(tmp_path))
    write(tmp_path, {"specs/001-a/spec.md": "x"})
    assert has_features(str(tmp_path))
    assert import_speckit(str(tmp_path)).settings["artifacts.feature-tasks"]["companions"] == [
        "spec.md",
        "plan.md",
    ]
