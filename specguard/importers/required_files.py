"""repolinter's rulesets, and the folders of OpenSpec and spec-kit: the required files of a repository.

OpenSpec (https://github.com/Fission-AI/OpenSpec): the files of the schema `spec-driven`, with the sections
that its validation requires.

spec-kit (https://github.com/github/spec-kit): the folders of features, `specs/001-name/`, with the sections
that its templates mark as mandatory.

repolinter (https://github.com/todogroup/repolinter): `docs/rules.md` documents the rules and their options,
and `rulesets/schema.json` the rulesets of version 2. Other versions are not read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from specguard.declaration.patterns import Selecting
from specguard.importers import Imported, read_settings, unreadable
from specguard.model import Origin

RULESETS: Final = ("repolinter.json", "repolinter.yaml", "repolinter.yml")
"""The files in which repolinter looks for a ruleset."""

_CONTRACT: Final = "artifacts.repository"


class _SkippedError(Exception):
    """A rule that cannot be carried over; the message is the reason, as a clause."""


def import_repolinter(result: Imported, name: str) -> None:
    """Import the settings of a ruleset.

    Args:
        result: gets the settings.
        name: the ruleset's file, from the repository's folder.

    Raises:
        SpecguardError: it cannot be read.
    """
    data = read_settings(result.top, name)
    configured = data.get("rules", {} if data.get("extends") else None)
    if not isinstance(data.value, dict) or not isinstance(configured, dict):
        raise unreadable(name, "it is not a ruleset")
    if "extends" in data.value:
        why = "it is elsewhere; bring it here and import it too"
        result.skip(Origin(name, data.line(("extends",)) or 0), f"extends {data.value['extends']}", why)
    for key, value in configured.items():
        origin = Origin(name, data.line(("rules", key)) or 0)
        try:
            _import_rule(result, value, origin)
        except _SkippedError as error:
            result.skip(origin, key, str(error))


def _import_rule(result: Imported, value: Any, origin: Origin) -> None:
    """Import a rule of a ruleset.

    Raises:
        _SkippedError: it cannot be carried over.
    """
    if not isinstance(value, dict):
        raise _SkippedError("it is not a rule with a level")
    rule, where, level = value.get("rule"), _list(value.get("where")), value.get("level", "error")
    if level == "off":
        return
    if not isinstance(rule, dict):
        why = "it has no type; rulesets of version 1 are not read, and what is extended is elsewhere"
        raise _SkippedError(why)
    kind, options = str(rule.get("type")), rule.get("options")
    if where:
        raise _SkippedError(f"it holds only where {', '.join(map(str, where))}, which cannot be known here")
    if kind not in ("file-existence", "directory-existence"):
        raise _SkippedError(f"there is no rule for {kind}")
    if level != "error":
        raise _SkippedError(f"its level is {level}; what is carried over blocks")
    names = _names(options if isinstance(options, dict) else {}, folders=kind == "directory-existence")
    # The file or folder is a companion of the authority, by one of several names.
    result.set(_CONTRACT, "path", "SPEC_AUTHORITY.md", origin)
    result.add(_CONTRACT, "companions", [names if len(names) > 1 else names[0]], origin)


def _names(options: Mapping[str, Any], *, folders: bool) -> list[str]:
    """Return the patterns of the files, or of the files in the `folders`, of which a rule asks for one.

    Raises:
        _SkippedError: it has none, or one that cannot be used here.
    """
    names: list[str] = []
    for glob in map(str, _list(options.get("globsAny"))):
        pattern = glob.removeprefix("./").removesuffix("/" if folders else "")
        if any(mark in pattern for mark in ("+(", "@(", "!(", "?(", "*(")):
            raise _SkippedError(f"the pattern {pattern!r} has a form that is not known here")
        if problem := Selecting.problem_in(pattern):
            raise _SkippedError(problem)
        folder, slash, last = pattern.rpartition("/")
        nocase = options.get("nocase") is True
        for spelling in (last, last.upper(), last.lower(), last.capitalize()) if nocase else (last,):
            name = f"{folder}{slash}{spelling}"
            names += [] if folders else [name]
            names += [f"{name}/**"] if folders or options.get("dirs") is True else []
    if not names:
        raise _SkippedError("it names no pattern")
    return list(dict.fromkeys(names))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


OPENSPEC: Final = "openspec"
"""The folder of OpenSpec's files."""

SPECKIT: Final = ".specify"
"""The folder of spec-kit's own files, beside which features are in `specs/`."""

_SPEC: Final = ["User Scenarios & Testing", "Requirements", "Success Criteria"]
_PLAN: Final = ["Summary", "Technical Context", "Constitution Check", "Project Structure"]


def import_openspec(result: Imported, _name: str = "") -> None:
    """Import the settings of OpenSpec's folder."""
    specs, changes = Origin(f"{OPENSPEC}/specs/", 0), Origin(f"{OPENSPEC}/changes/", 0)
    sections = ["Purpose", "Requirements"]
    _contract(result, "openspec-spec", f"{OPENSPEC}/specs/**/spec.md", specs, sections=sections)
    result.skip(specs, "requirements and scenarios", "`openspec validate` judges the shape of a requirement")
    # Archived changes are one folder deeper, and are not judged. The preset planner-pipeline has contracts of
    # the same names, so that with both nothing is told twice.
    folder = f"{OPENSPEC}/changes/{{change}}"
    sections = ["Why", "What Changes"]
    _contract(result, "change-proposal", f"{folder}/proposal.md", changes, sections=sections)
    _contract(result, "change-tasks", f"{folder}/tasks.md", changes, companions=["proposal.md"])
    why = "`openspec validate` judges whether a change has one, or says skip_specs"
    result.skip(changes, "deltas", why)
    schema = "the contracts of changes are those of `schema: spec-driven`"
    prose = "it is prose for agents; `[grounding] all` asks them to cite it"
    notes = {"config.yaml": schema, "config.yml": schema, "project.md": prose, "AGENTS.md": prose}
    for name, why in notes.items():
        if os.path.isfile(os.path.join(result.top, OPENSPEC, name)):
            result.skip(Origin(f"{OPENSPEC}/{name}", 0), name, why)


def _contract(result: Imported, name: str, path: str, origin: Origin, **settings: list[str]) -> None:
    for key, value in {"path": path, **settings}.items():
        result.set(f"artifacts.{name}", key, value, origin)


def import_speckit(result: Imported, _name: str = "") -> None:
    """Import the settings of spec-kit's feature folders."""
    folder, specs = "specs/{number}-{feature}", Origin("specs/", 0)
    # The placeholders of its own templates do not count as content.
    todo = ["[NEEDS CLARIFICATION]", "[FEATURE NAME]"]
    _contract(result, "feature-spec", f"{folder}/spec.md", specs, sections=_SPEC, placeholders=todo)
    _contract(result, "feature-plan", f"{folder}/plan.md", specs, sections=_PLAN, companions=["spec.md"])
    _contract(result, "feature-tasks", f"{folder}/tasks.md", specs, companions=["spec.md", "plan.md"])
    for name, why in (
        ("memory/constitution.md", "its principles are prose; `documents` makes them part of the authority"),
        ("templates", "the sections are those of spec-kit's own templates; put others into the authority"),
    ):
        if os.path.exists(os.path.join(result.top, SPECKIT, name)):
            result.skip(Origin(f"{SPECKIT}/{name}", 0), name, why)
