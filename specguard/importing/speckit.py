"""The folders of spec-kit as contracts.

Read at https://github.com/github/spec-kit: `templates/` for the sections, of which those marked as mandatory
count, and `scripts/` for the features' folders, `specs/001-name/`. A template of the repository's own
(`.specify/templates/`) goes before these.
"""

from __future__ import annotations

import os
import re

from specguard.documents.document import Document
from specguard.importing.imported import Imported, Place
from specguard.importing.reading import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_FEATURE: Final = re.compile(r"[0-9]{3,}-.+")
_FILES: Final = ("spec.md", "plan.md", "tasks.md")
_TEMPLATES: Final = ".specify/templates"
_PATH: Final = "specs/{number}-{feature}"
_CONSTITUTION: Final = (".specify/memory/constitution.md", "memory/constitution.md")

_SPEC: Final = ["User Scenarios & Testing", "Requirements", "Success Criteria"]
_PLAN: Final = ["Summary", "Technical Context", "Constitution Check", "Project Structure"]
_MANDATORY: Final = re.compile(r"\s*[*_(]+\s*mandatory\s*[*_)]+\s*$", re.IGNORECASE)


def has_features(top: str) -> bool:
    """Whether a repository has spec-kit's folders."""
    if os.path.isdir(os.path.join(top, ".specify")):
        return True
    folder = os.path.join(top, "specs")
    return os.path.isdir(folder) and any(
        _FEATURE.fullmatch(name) and os.path.isfile(os.path.join(folder, name, "spec.md"))
        for name in os.listdir(folder)
    )


def import_speckit(top: str) -> Imported:
    """What spec-kit asks of a feature's files.

    Args:
        top: the repository's folder.

    Raises:
        SpecguardError: a template cannot be read.
    """
    made = Imported()
    sections, place = _sections(top, "spec-template.md", _SPEC, marked=True)
    made.set("artifacts.feature-spec", "path", f"{_PATH}/spec.md", Place("specs/"))
    made.set("artifacts.feature-spec", "sections", sections, place)
    # What its own templates leave to be filled in is no content.
    made.set("artifacts.feature-spec", "placeholders", ["[NEEDS CLARIFICATION]", "[FEATURE NAME]"], place)
    sections, place = _sections(top, "plan-template.md", _PLAN, marked=False)
    made.set("artifacts.feature-plan", "path", f"{_PATH}/plan.md", Place("specs/"))
    made.set("artifacts.feature-plan", "sections", sections, place)
    made.set("artifacts.feature-plan", "companions", ["spec.md"], place)
    made.set("artifacts.feature-tasks", "path", f"{_PATH}/tasks.md", Place("specs/"))
    made.set("artifacts.feature-tasks", "companions", ["spec.md", "plan.md"], Place("specs/"))
    for name in _CONSTITUTION:
        if os.path.isfile(os.path.join(top, name)):
            made.leave(
                Place(name), "constitution",
                "its principles are prose; `documents` makes them part of the authority",
            )  # fmt: skip
    for name in ("extensions.yml", "extensions.yaml", "feature.json"):
        if os.path.isfile(os.path.join(top, ".specify", name)):
            made.leave(Place(f".specify/{name}"), name, "it is about how spec-kit itself runs")
    folder = os.path.join(top, "specs")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        inside = os.path.join(folder, name)
        if os.path.isdir(inside) and not _FEATURE.fullmatch(name) and _holds(inside):
            made.leave(Place(f"specs/{name}/"), name, "its name has no number, so it is no feature's folder")
    return made


def _holds(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in _FILES)


def _sections(top: str, name: str, usual: Sequence[str], *, marked: bool) -> tuple[list[str], Place]:
    """The titles that a template makes mandatory; without a template those of spec-kit's own.

    Args:
        top: the repository's folder.
        name: the template.
        usual: the titles of spec-kit's own template.
        marked: whether only titles count that are marked as mandatory; else those of the usual ones that the
            template has.
    """
    path = f"{_TEMPLATES}/{name}"
    if not os.path.isfile(os.path.join(top, path)):
        return list(usual), Place("specs/")
    document = Document(read_text(top, path))
    titles = [section.heading.text.plain for section in document.sections if section.level == 2]
    if marked:
        found = [_MANDATORY.sub("", title) for title in titles if _MANDATORY.search(title)]
    else:
        found = [title for title in titles if title in usual]
    lines = [section.line for section in document.sections if section.level == 2]
    return (found, Place(path, lines[0])) if found else (list(usual), Place("specs/"))
