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
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from specguard.declaration.expressions import Expression, ExpressionError
from specguard.declaration.patterns import Covering, PatternError, translate
from specguard.importers import Imported, read_settings
from specguard.model import Origin

RULESETS: Final = ("repolinter.json", "repolinter.yaml", "repolinter.yml")
"""The files in which repolinter looks for a ruleset."""

_CONTRACT: Final = "artifacts.repository"
_MOST: Final = 50
"""The maximum number of patterns of a rule, after the expansion of `{a,b}`."""

_EVERYWHERE: Final = {"**", "**/*"}


class _PathRule(NamedTuple):
    """A rule of a ruleset, with the existing files of the repository."""

    kind: str
    options: Mapping[str, Any]
    origin: Origin
    there: Sequence[bytes]


class _LeftError(Exception):
    """A rule that cannot be carried over; the message is the reason, as a clause."""


def import_repolinter(top: str, name: str, paths: Sequence[bytes]) -> Imported:
    """Import the settings of a ruleset.

    Args:
        top: the repository's folder.
        name: the ruleset's file, relative to it.
        paths: the files of the repository.

    Raises:
        SpecguardError: it cannot be read.
    """
    made = Imported()
    data = read_settings(top, name)
    if data.problem or not isinstance(data.value, dict):
        why = data.problem.message if data.problem else "it is no ruleset"
        made.leave(Origin(name, data.line() or 0), name, why)
        return made
    if "extends" in data.value:
        why = "it is elsewhere; bring it here and import it too"
        made.leave(Origin(name, data.line(("extends",)) or 0), f"extends {data.value['extends']}", why)
    configured = data.get("rules")
    for key, value in configured.items() if isinstance(configured, dict) else ():
        origin = Origin(name, data.line(("rules", key)) or 0)
        try:
            _carry(made, value, origin, paths)
        except _LeftError as error:
            made.leave(origin, key, str(error))
    return made


def _carry(made: Imported, value: Any, origin: Origin, there: Sequence[bytes]) -> None:
    """Carry a rule of a ruleset over.

    Raises:
        _LeftError: it cannot be carried over.
    """
    if not isinstance(value, dict):
        raise _LeftError("it is no rule with a level")
    rule, where, level = value.get("rule"), _list(value.get("where")), value.get("level", "error")
    if level == "off":
        return
    if not isinstance(rule, dict):
        raise _LeftError(
            "it has no type; rulesets of version 1 are not read, and what is extended is elsewhere"
        )
    kind, options = str(rule.get("type")), rule.get("options")
    if where:
        raise _LeftError(f"it holds only where {', '.join(map(str, where))}, which nothing here tells")
    if kind not in _CARRIED:
        raise _LeftError(f"there is no rule for {kind}")
    if level != "error":
        raise _LeftError("it only warns, and what is carried over blocks")
    _CARRIED[kind](made, _PathRule(kind, options if isinstance(options, dict) else {}, origin, there))


def _existing(made: Imported, rule: _PathRule) -> None:
    """Require a file as a companion of the authority, by one of several names."""
    globs = ["NOTICE*"] if rule.kind == "apache-notice" else _patterns(rule, "globsAny")[0]
    folders = rule.kind == "directory-existence"
    names: list[str] = []
    for pattern in globs:
        folder, slash, last = pattern.rpartition("/")
        nocase = rule.options.get("nocase") is True
        for spelling in (last, last.upper(), last.lower(), last.capitalize()) if nocase else (last,):
            name = f"{folder}{slash}{spelling}"
            names += [] if folders else [name]
            names += [f"{name}/**"] if folders or rule.options.get("dirs") is True else []
    names = list(dict.fromkeys(names))
    made.set(_CONTRACT, "path", "SPEC_AUTHORITY.md", rule.origin)
    made.add(_CONTRACT, "companions", [names if len(names) > 1 else names[0]], rule.origin)


def _absent(made: Imported, rule: _PathRule) -> None:
    """Forbid the paths of files that must not exist."""
    kept, free = _patterns(rule, "type" if rule.kind == "file-type-exclusion" else "globsAll")
    guarded, excluded = Covering(kept), Covering(free)
    for path in rule.there:
        if guarded.find(path) is not None and excluded.find(path) is None:
            name = path.decode("utf-8", "backslashreplace")
            raise _LeftError(f"{name} is there, and a forbidden path cannot be taken away either")
    made.add("rules.forbidden-path", "paths", kept, rule.origin)
    if free:
        made.add("rules.forbidden-path", "exclude", free, rule.origin)


def _without(made: Imported, rule: _PathRule) -> None:
    """Forbid in added lines the content that no file may contain."""
    content = rule.options.get("content")
    kept, free = _patterns(rule, "globsAll")
    if not isinstance(content, str) or not content:
        raise _LeftError("it names no expression")
    if "\\n" in content or "\n" in content or "[\\s\\S]" in content:
        raise _LeftError("its expression is about several lines, and lines are judged one by one")
    text = f"(?i){content}" if "i" in str(rule.options.get("flags") or "") else content
    try:
        Expression(text).check()
    except ExpressionError as error:
        raise _LeftError(str(error)) from error
    scope = {"paths": [] if _EVERYWHERE & {*kept} else kept, "exclude": free}
    forbidden = {"pattern": text, **{key: value for key, value in scope.items() if value}}
    made.add("rules.forbidden-content", "forbid", [forbidden], rule.origin)


_CARRIED: Final[Mapping[str, Callable[[Imported, _PathRule], None]]] = {
    "file-existence": _existing,
    "directory-existence": _existing,
    "apache-notice": _existing,
    "file-not-exists": _absent,
    "file-type-exclusion": _absent,
    "file-not-contents": _without,
}
"""The function that carries over each type of rule."""


def _patterns(rule: _PathRule, name: str) -> tuple[list[str], list[str]]:
    """Return the patterns of an option, and the exceptions marked with `!`; `{a,b}` is expanded.

    Raises:
        _LeftError: it has none, or one that cannot be used here.
    """
    end = "/" if rule.kind == "directory-existence" else ""
    given = [glob for glob in _list(rule.options.get(name)) if isinstance(glob, str)]
    globs = [glob.removeprefix("./").removesuffix(end) for glob in given]
    found = list(islice(_expanded(globs), _MOST + 1))
    if all(glob.startswith("!") for glob in found):
        raise _LeftError("it names no pattern")
    if len(found) > _MOST:
        raise _LeftError("it comes to too many patterns")
    kept = [glob for glob in found if not glob.startswith("!")]
    free = [glob[1:] for glob in found if glob.startswith("!")]
    for pattern in (*kept, *free):
        if any(mark in pattern for mark in ("+(", "@(", "!(", "?(", "*(", "{", "}")):
            raise _LeftError(f"the pattern {pattern!r} has a form that is not known here")
        try:
            translate(pattern, covers=False, folds=False)
        except PatternError as error:
            raise _LeftError(str(error)) from error
    return kept, free


def _expanded(globs: Iterable[str]) -> Iterator[str]:
    """Yield the patterns with `{a,b}` expanded; a pattern with ten or more braces stays unchanged."""
    for glob in globs:
        head, _, rest = glob.partition("{")
        inner, end, tail = rest.partition("}")
        if end and "{" not in inner and glob.count("{") < 10:
            yield from _expanded(f"{head}{one}{tail}" for one in inner.split(","))
        else:
            yield glob


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


OPENSPEC: Final = "openspec"
"""The folder of OpenSpec's files."""

_USUAL: Final = "spec-driven"
_FEATURE: Final = re.compile(r"[0-9]{3,}-.+")
_SPEC: Final = ["User Scenarios & Testing", "Requirements", "Success Criteria"]
_PLAN: Final = ["Summary", "Technical Context", "Constitution Check", "Project Structure"]


def import_openspec(top: str) -> Imported:
    """Import the settings of OpenSpec's folder.

    Raises:
        SpecguardError: its configuration cannot be read.
    """
    made = Imported()
    usual = _configured(top, made)
    specs, changes = Origin(f"{OPENSPEC}/specs/", 0), Origin(f"{OPENSPEC}/changes/", 0)
    sections = ["Purpose", "Requirements"]
    _contract(made, "openspec-spec", f"{OPENSPEC}/specs/**/spec.md", specs, sections=sections)
    made.leave(specs, "requirements and scenarios", "`openspec validate` judges the shape of a requirement")
    if usual:
        # Archived changes are one folder deeper, and are not judged.
        folder = f"{OPENSPEC}/changes/{{change}}"
        sections = ["Why", "What Changes"]
        _contract(made, "openspec-proposal", f"{folder}/proposal.md", changes, sections=sections)
        _contract(made, "openspec-tasks", f"{folder}/tasks.md", changes, companions=["proposal.md"])
        made.leave(
            changes, "deltas", "`openspec validate` judges whether a change has one, or says skip_specs"
        )
    for name in ("project.md", "AGENTS.md"):
        if os.path.isfile(os.path.join(top, OPENSPEC, name)):
            why = "it is prose for agents; `[grounding] all` asks them to cite it"
            made.leave(Origin(f"{OPENSPEC}/{name}", 0), name, why)
    return made


def _contract(made: Imported, name: str, path: str, origin: Origin, **settings: list[str]) -> None:
    for key, value in {"path": path, **settings}.items():
        made.set(f"artifacts.{name}", key, value, origin)


def _configured(top: str, made: Imported) -> bool:
    """True if changes have the usual files; record the other keys of the configuration as left out."""
    names = (f"{OPENSPEC}/config.yaml", f"{OPENSPEC}/config.yml")
    name = next((one for one in names if os.path.isfile(os.path.join(top, one))), None)
    if name is None:
        return True
    data = read_settings(top, name)
    usual: bool = data.get("schema", _USUAL) == _USUAL
    why = "of it only `schema` says what is asked for"
    made.leave(
        Origin(name, data.line() or 0), os.path.basename(name), data.problem.message if data.problem else why
    )
    return usual


def has_features(top: str) -> bool:
    """True if a repository has spec-kit's folders."""
    return os.path.isdir(os.path.join(top, ".specify")) or any(
        _FEATURE.fullmatch(name) and os.path.isfile(os.path.join(top, "specs", name, "spec.md"))
        for name in _features(top)
    )


def import_speckit(top: str) -> Imported:
    """Import the settings of spec-kit's feature folders."""
    made = Imported()
    folder, specs = "specs/{number}-{feature}", Origin("specs/", 0)
    # The placeholders of its own templates do not count as content.
    owed = ["[NEEDS CLARIFICATION]", "[FEATURE NAME]"]
    _contract(made, "feature-spec", f"{folder}/spec.md", specs, sections=_SPEC, placeholders=owed)
    _contract(made, "feature-plan", f"{folder}/plan.md", specs, sections=_PLAN, companions=["spec.md"])
    _contract(made, "feature-tasks", f"{folder}/tasks.md", specs, companions=["spec.md", "plan.md"])
    for name, why in (
        ("memory/constitution.md", "its principles are prose; `documents` makes them part of the authority"),
        ("templates", "the sections are those of spec-kit's own templates; put others into the authority"),
    ):
        if os.path.exists(os.path.join(top, ".specify", name)):
            made.leave(Origin(f".specify/{name}", 0), name, why)
    for name in _features(top):
        if not _FEATURE.fullmatch(name) and os.path.isfile(os.path.join(top, "specs", name, "spec.md")):
            why = "its name has no number, so it is no feature's folder"
            made.leave(Origin(f"specs/{name}/", 0), name, why)
    return made


def _features(top: str) -> Sequence[str]:
    folder = os.path.join(top, "specs")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
