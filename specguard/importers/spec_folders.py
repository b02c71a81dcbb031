"""The folders of OpenSpec and of spec-kit as contracts of artifacts.

Of OpenSpec (https://github.com/Fission-AI/OpenSpec) these are the files of the schema `spec-driven`, with the
sections that its validation asks for. Of spec-kit (https://github.com/github/spec-kit) they are the features'
folders, `specs/001-name/`, with the sections that its templates mark as mandatory; a template of the
repository's own (`.specify/templates/`) goes before these.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from specguard.documents.document import Document
from specguard.importers import Imported, read_settings, read_text
from specguard.model import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

OPENSPEC: Final = "openspec"
"""Where OpenSpec keeps its files."""

_USUAL: Final = "spec-driven"
_FEATURE: Final = re.compile(r"[0-9]{3,}-.+")
_MANDATORY: Final = re.compile(r"\s*[*_(]+\s*mandatory\s*[*_)]+\s*$", re.IGNORECASE)
_SPEC: Final = ["User Scenarios & Testing", "Requirements", "Success Criteria"]
_PLAN: Final = ["Summary", "Technical Context", "Constitution Check", "Project Structure"]


def import_openspec(top: str) -> Imported:
    """What OpenSpec's folder asks of its files.

    Raises:
        SpecguardError: its configuration cannot be read.
    """
    made = Imported()
    usual = _configured(top, made)
    specs, changes = Origin(f"{OPENSPEC}/specs/", 0), Origin(f"{OPENSPEC}/changes/", 0)
    made.set("artifacts.openspec-spec", "path", f"{OPENSPEC}/specs/**/spec.md", specs)
    made.set("artifacts.openspec-spec", "sections", ["Purpose", "Requirements"], specs)
    made.leave(specs, "requirements and scenarios", "`openspec validate` judges the shape of a requirement")
    if usual:
        # What is archived is one folder deeper, and is judged no more.
        folder = f"{OPENSPEC}/changes/{{change}}"
        made.set("artifacts.openspec-proposal", "path", f"{folder}/proposal.md", changes)
        made.set("artifacts.openspec-proposal", "sections", ["Why", "What Changes"], changes)
        made.set("artifacts.openspec-tasks", "path", f"{folder}/tasks.md", changes)
        made.set("artifacts.openspec-tasks", "companions", ["proposal.md"], changes)
        made.leave(
            changes, "deltas", "`openspec validate` judges whether a change has one, or says skip_specs"
        )
    for name in ("project.md", "AGENTS.md"):
        if os.path.isfile(os.path.join(top, OPENSPEC, name)):
            why = "it is prose for agents; `[grounding] all` asks them to cite it"
            made.leave(Origin(f"{OPENSPEC}/{name}", 0), name, why)
    return made


def _configured(top: str, made: Imported) -> bool:
    """Whether changes have the usual files; what the configuration says besides is left."""
    names = (f"{OPENSPEC}/config.yaml", f"{OPENSPEC}/config.yml")
    name = next((one for one in names if os.path.isfile(os.path.join(top, one))), None)
    if name is None:
        return True
    data = read_settings(top, name)
    if data.problem:
        made.leave(Origin(name, data.problem.line or 0), name, data.problem.message)
        return True
    values = data.value if isinstance(data.value, dict) else {}
    schema = values.get("schema", _USUAL)
    for key in values:
        origin = Origin(name, data.line((key,)) or 0)
        if key != "schema":
            prose = key in ("context", "rules")
            made.leave(origin, key, "it is prose for agents" if prose else "there is no setting for it")
        elif schema != _USUAL:
            made.leave(origin, f"schema {schema}", "a schema of its own tells which files a change has")
    return bool(schema == _USUAL)


def has_features(top: str) -> bool:
    """Whether a repository has spec-kit's folders."""
    return os.path.isdir(os.path.join(top, ".specify")) or any(
        _FEATURE.fullmatch(name) and os.path.isfile(os.path.join(top, "specs", name, "spec.md"))
        for name in _features(top)
    )


def import_speckit(top: str) -> Imported:
    """What spec-kit asks of a feature's files.

    Raises:
        SpecguardError: a template cannot be read.
    """
    made = Imported()
    folder, specs = "specs/{number}-{feature}", Origin("specs/", 0)
    sections, origin = _sections(top, "spec-template.md", _SPEC, marked=True)
    made.set("artifacts.feature-spec", "path", f"{folder}/spec.md", specs)
    made.set("artifacts.feature-spec", "sections", sections, origin)
    # What its own templates leave to be filled in is no content.
    made.set("artifacts.feature-spec", "placeholders", ["[NEEDS CLARIFICATION]", "[FEATURE NAME]"], origin)
    sections, origin = _sections(top, "plan-template.md", _PLAN, marked=False)
    made.set("artifacts.feature-plan", "path", f"{folder}/plan.md", specs)
    made.set("artifacts.feature-plan", "sections", sections, origin)
    made.set("artifacts.feature-plan", "companions", ["spec.md"], origin)
    made.set("artifacts.feature-tasks", "path", f"{folder}/tasks.md", specs)
    made.set("artifacts.feature-tasks", "companions", ["spec.md", "plan.md"], specs)
    constitution = ".specify/memory/constitution.md"
    if os.path.isfile(os.path.join(top, constitution)):
        why = "its principles are prose; `documents` makes them part of the authority"
        made.leave(Origin(constitution, 0), "constitution", why)
    for name in _features(top):
        inside = os.path.join(top, "specs", name)
        if not _FEATURE.fullmatch(name) and os.path.isfile(os.path.join(inside, "spec.md")):
            why = "its name has no number, so it is no feature's folder"
            made.leave(Origin(f"specs/{name}/", 0), name, why)
    return made


def _features(top: str) -> Sequence[str]:
    folder = os.path.join(top, "specs")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def _sections(top: str, name: str, usual: Sequence[str], *, marked: bool) -> tuple[list[str], Origin]:
    """The titles that a template makes mandatory; without a template those of spec-kit's own.

    Args:
        top: the repository's folder.
        name: the template.
        usual: the titles of spec-kit's own template.
        marked: whether only titles count that are marked as mandatory; else those of the usual ones that the
            template has.
    """
    path = f".specify/templates/{name}"
    if os.path.isfile(os.path.join(top, path)):
        sections = [section for section in Document(read_text(top, path)).sections if section.level == 2]
        titles = [section.heading.text.plain for section in sections]
        if marked:
            found = [_MANDATORY.sub("", title) for title in titles if _MANDATORY.search(title)]
        else:
            found = [title for title in titles if title in usual]
        if found:
            return found, Origin(path, sections[0].line)
    return list(usual), Origin("specs/", 0)
