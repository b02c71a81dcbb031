"""What is imported of OpenSpec's and spec-kit's folders judges their files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from specguard.importers.required_files import import_openspec, import_speckit
from tests.importers.conftest import Import, taken, told
from tests.rows import recorded, rows

OPENSPEC: dict[str, str] = recorded(__file__, "openspec")
KIT: dict[str, str] = recorded(__file__, "kit")


@pytest.mark.parametrize(("folder", "path", "old", "new", "code"), rows(__file__, "wrong"))
def test_a_folder_with_one_thing_wrong(
    imported: Import, folder: str, path: str, old: str, new: str, code: str
) -> None:
    """Without an old part the file is a new one."""
    files: dict[str, str] = recorded(__file__, folder)
    project = imported(files)
    assert project.whole().exit_code == 0, project.whole()
    assert not old or old in files[path]
    outcome = project.change({path: files[path].replace(old, new) if old else new})
    assert (set(outcome.codes), outcome.exit_code) == ({code}, 1), outcome


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_what_openspec_says_in_prose_is_listed(tmp_path: Path) -> None:
    config = "schema: spec-driven\n\ncontext: |\n  Go.\n"
    write(tmp_path, {**OPENSPEC, "openspec/config.yaml": config, "openspec/project.md": "x"})
    assert told(taken(import_openspec, tmp_path)) == [
        "openspec/specs/: requirements and scenarios: `openspec validate` judges the shape of a requirement",
        "openspec/changes/: deltas: `openspec validate` judges whether a change has one, or says skip_specs",
        "openspec/config.yaml: config.yaml: the contracts of changes are those of `schema: spec-driven`",
        "openspec/project.md: project.md: it is prose for agents; `[grounding] all` asks them to cite it",
    ]


def test_a_feature_without_what_comes_first(imported: Import) -> None:
    project = imported({**KIT, ".specify/templates/spec-template.md": "# Spec\n"})
    assert ".specify/templates: templates: the sections are those of spec-kit's own" in project.left
    assert project.whole().exit_code == 0, project.whole()
    outcome = project.change({"specs/002-window/tasks.md": "- [ ] T001 x\n"})
    assert outcome.codes == ["ART001", "ART001"]


def test_what_the_tasks_of_a_feature_stand_beside(tmp_path: Path) -> None:
    made = taken(import_speckit, tmp_path).settings
    assert made["artifacts.feature-tasks"]["companions"] == ["spec.md", "plan.md"]
