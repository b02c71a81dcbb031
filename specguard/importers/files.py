"""repolinter's rulesets, and the folders of OpenSpec and spec-kit: which files a repository has.

Of OpenSpec (https://github.com/Fission-AI/OpenSpec) these are the files of the schema `spec-driven`, with the
sections that its validation asks for. Of spec-kit (https://github.com/github/spec-kit) they are the features'
folders, `specs/001-name/`, with the sections that its templates mark as mandatory. Of repolinter (https://github.com/todogroup/repolinter),
`docs/rules.md` has the rules and their options, and `rulesets/schema.json` the rulesets of version 2, which
alone are read.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from specguard.declaration.expressions import Expression, ExpressionError
from specguard.declaration.patterns import Covering, PatternError, translate
from specguard.importers import Imported, read_settings
from specguard.model import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Final


RULESETS: Final = ("repolinter.json", "repolinter.yaml", "repolinter.yml")
"""Where repolinter looks for a ruleset."""

_CONTRACT: Final = "artifacts.repository"
_MOST: Final = 50
"""How many patterns a rule may come to, whose `{a,b}` are written out."""

_EVERYWHERE: Final = {"**", "**/*"}


class _PathRule(NamedTuple):
    """A rule of a ruleset, and the files that are there."""

    kind: str
    options: Mapping[str, Any]
    origin: Origin
    there: Sequence[bytes]

    def patterns(self, name: str) -> tuple[list[str], list[str]]:
        """The patterns of an option, and those that it excepts with a `!`; `{a,b}` is written out."""
        globs = [glob for glob in _list(self.options.get(name)) if isinstance(glob, str)]
        free = [glob[1:] for glob in globs if glob.startswith("!")]
        kept = [glob for glob in globs if not glob.startswith("!")]
        return list(islice(_expanded(kept), _MOST + 1)), list(islice(_expanded(free), _MOST + 1))


def import_repolinter(top: str, name: str, paths: Sequence[bytes]) -> Imported:
    """The settings from a ruleset.

    Args:
        top: the repository's folder.
        name: the ruleset's file, from there.
        paths: the files that the repository has.

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
        why = _carry(made, value, origin, paths) if isinstance(value, dict) else "it is no rule with a level"
        if why:
            made.leave(origin, key, why)
    return made


def _carry(made: Imported, value: Mapping[str, Any], origin: Origin, there: Sequence[bytes]) -> str:
    """Carry a rule of a ruleset over; a text says why it cannot be."""
    rule, where, level = value.get("rule"), _list(value.get("where")), value.get("level", "error")
    if level == "off":
        return ""
    if not isinstance(rule, dict):
        return "it has no type; rulesets of version 1 are not read, and what is extended is elsewhere"
    kind, options = str(rule.get("type")), rule.get("options")
    if where:
        return f"it holds only where {', '.join(map(str, where))}, which nothing here tells"
    if kind not in _CARRIED:
        return f"there is no rule for {kind}"
    if level != "error":
        return "it only warns, and what is carried over blocks"
    return _CARRIED[kind](made, _PathRule(kind, options if isinstance(options, dict) else {}, origin, there))


# Each carries a rule over, or says why it cannot.


def _existing(made: Imported, rule: _PathRule) -> str:
    """A file that must be there stands beside the authority, by one of several names."""
    globs = ["NOTICE*"] if rule.kind == "apache-notice" else rule.patterns("globsAny")[0]
    folders = rule.kind == "directory-existence"
    names: list[str] = []
    for pattern in globs:
        folder, slash, last = pattern.removeprefix("./").rpartition("/")
        nocase = rule.options.get("nocase") is True
        for spelling in (last, last.upper(), last.lower(), last.capitalize()) if nocase else (last,):
            name = f"{folder}{slash}{spelling}"
            names += [] if folders else [name]
            names += [f"{name.rstrip('/')}/**"] if folders or rule.options.get("dirs") is True else []
    names = list(dict.fromkeys(names))
    problem = _problem(names) if names else "it names no pattern"
    if not problem:
        made.set(_CONTRACT, "path", "SPEC_AUTHORITY.md", rule.origin)
        made.add(_CONTRACT, "companions", [names if len(names) > 1 else names[0]], rule.origin)
    return problem


def _absent(made: Imported, rule: _PathRule) -> str:
    """A file that must not be there is at a forbidden path."""
    kept, free = rule.patterns("type" if rule.kind == "file-type-exclusion" else "globsAll")
    problem = _problem([*kept, *free]) if kept else "it names no pattern"
    if problem:
        return problem
    guarded, excluded = Covering(kept), Covering(free)
    for path in rule.there:
        if guarded.find(path) is not None and excluded.find(path) is None:
            name = path.decode("utf-8", "backslashreplace")
            return f"{name} is there, and a forbidden path cannot be taken away either"
    made.add("rules.forbidden-path", "paths", kept, rule.origin)
    if free:
        made.add("rules.forbidden-path", "exclude", free, rule.origin)
    return ""


def _without(made: Imported, rule: _PathRule) -> str:
    """Forbid in added lines what no file must contain."""
    content = rule.options.get("content")
    kept, free = rule.patterns("globsAll")
    if not isinstance(content, str) or not content:
        return "it names no expression"
    if "\\n" in content or "\n" in content or "[\\s\\S]" in content:
        return "its expression is about several lines, and lines are judged one by one"
    text = f"(?i){content}" if "i" in str(rule.options.get("flags") or "") else content
    try:
        Expression(text).check()
    except ExpressionError as error:
        return str(error)
    scope = {"paths": [] if _EVERYWHERE & {*kept} else kept, "exclude": free}
    problem = _problem([*kept, *free])
    if not problem:
        forbidden = {"pattern": text, **{key: value for key, value in scope.items() if value}}
        made.add("rules.forbidden-content", "forbid", [forbidden], rule.origin)
    return problem


_CARRIED: Final[Mapping[str, Callable[[Imported, _PathRule], str]]] = {
    "file-existence": _existing,
    "directory-existence": _existing,
    "apache-notice": _existing,
    "file-not-exists": _absent,
    "file-type-exclusion": _absent,
    "file-not-contents": _without,
}
"""What carries a rule of each type over."""


def _problem(patterns: Sequence[str]) -> str:
    """The reason why patterns cannot be used here; empty if they can."""
    if len(patterns) > _MOST:
        return "it comes to too many patterns"
    for pattern in patterns:
        if any(mark in pattern for mark in ("+(", "@(", "!(", "?(", "*(", "{", "}")):
            return f"the pattern {pattern!r} has a form that is not known here"
        try:
            translate(pattern, covers=False, folds=False)
        except PatternError as error:
            return str(error)
    return ""


def _expanded(globs: Iterable[str]) -> Iterator[str]:
    """The patterns without `{a,b}`, which is written out; one with many of them stays as it is."""
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
"""Where OpenSpec keeps its files."""

_USUAL: Final = "spec-driven"
_FEATURE: Final = re.compile(r"[0-9]{3,}-.+")
_SPEC: Final = ["User Scenarios & Testing", "Requirements", "Success Criteria"]
_PLAN: Final = ["Summary", "Technical Context", "Constitution Check", "Project Structure"]


def import_openspec(top: str) -> Imported:
    """The settings from OpenSpec's folder.

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
    """True if changes have the usual files, whatever else the configuration says."""
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
    """The settings from the files of a spec-kit feature."""
    made = Imported()
    folder, specs = "specs/{number}-{feature}", Origin("specs/", 0)
    made.set("artifacts.feature-spec", "path", f"{folder}/spec.md", specs)
    made.set("artifacts.feature-spec", "sections", _SPEC, specs)
    # What its own templates leave to be filled in is no content.
    made.set("artifacts.feature-spec", "placeholders", ["[NEEDS CLARIFICATION]", "[FEATURE NAME]"], specs)
    made.set("artifacts.feature-plan", "path", f"{folder}/plan.md", specs)
    made.set("artifacts.feature-plan", "sections", _PLAN, specs)
    made.set("artifacts.feature-plan", "companions", ["spec.md"], specs)
    made.set("artifacts.feature-tasks", "path", f"{folder}/tasks.md", specs)
    made.set("artifacts.feature-tasks", "companions", ["spec.md", "plan.md"], specs)
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
