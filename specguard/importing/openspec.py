"""The folders of OpenSpec as contracts.

Read at https://github.com/Fission-AI/OpenSpec: `schemas/spec-driven/` for the files and their templates,
`src/core/parsers/` and `src/core/validation/` for the sections that its own validation asks for.
"""

from __future__ import annotations

import os

from specguard.documents.data import read_data
from specguard.importing.imported import Imported, Place
from specguard.importing.reading import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

FOLDER: Final = "openspec"
"""Where OpenSpec keeps its files."""

_CONFIG: Final = ("openspec/config.yaml", "openspec/config.yml")
_USUAL: Final = "spec-driven"


def import_openspec(top: str) -> Imported:
    """What OpenSpec's folder asks of its files.

    Args:
        top: the repository's folder.

    Raises:
        SpecguardError: its configuration cannot be read.
    """
    made = Imported()
    usual = _configured(top, made)
    specs, changes = Place(f"{FOLDER}/specs/"), Place(f"{FOLDER}/changes/")
    made.set("artifacts.openspec-spec", "path", f"{FOLDER}/specs/**/spec.md", specs)
    made.set("artifacts.openspec-spec", "sections", ["Purpose", "Requirements"], specs)
    if usual:
        # What is archived is one folder deeper, and is judged no more.
        made.set("artifacts.openspec-proposal", "path", f"{FOLDER}/changes/{{change}}/proposal.md", changes)
        made.set("artifacts.openspec-proposal", "sections", ["Why", "What Changes"], changes)
        made.set("artifacts.openspec-tasks", "path", f"{FOLDER}/changes/{{change}}/tasks.md", changes)
        made.set("artifacts.openspec-tasks", "companions", ["proposal.md"], changes)
    made.leave(specs, "requirements and scenarios", "`openspec validate` judges the shape of a requirement")
    if usual:
        made.leave(
            changes, "deltas", "`openspec validate` judges whether a change has one, or says skip_specs"
        )
    for name in ("project.md", "AGENTS.md"):
        if os.path.isfile(os.path.join(top, FOLDER, name)):
            made.leave(
                Place(f"{FOLDER}/{name}"), name,
                "it is prose for agents; `[grounding] all` asks them to cite it",
            )  # fmt: skip
    return made


def _configured(top: str, made: Imported) -> bool:
    """Whether changes have the usual files; what else the configuration says is left."""
    usual = True
    for name in _CONFIG:
        if not os.path.isfile(os.path.join(top, name)):
            continue
        data = read_data(read_text(top, name), "yaml")
        if data.problem:
            made.leave(Place(name, data.problem.line), name, data.problem.message)
            continue
        for key, value in data.value.items() if isinstance(data.value, dict) else ():
            place = Place(name, data.line((key,)))
            if key == "schema" and value != _USUAL:
                usual = False
                made.leave(place, f"schema {value}", "a schema of its own tells which files a change has")
            elif key == "context":
                made.leave(place, key, "it is prose for agents, and nothing is judged by it")
            elif key == "rules" and isinstance(value, dict):
                for artifact in value:
                    line = data.line((key, artifact))
                    made.leave(Place(name, line), f"rules for {artifact}", "they are sentences for agents")
            elif key != "schema":
                made.leave(place, str(key), "there is no setting for it")
    return usual
