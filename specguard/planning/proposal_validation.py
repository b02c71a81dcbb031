"""The validation of a change's or feature's folder before a plan is made from it.

A change is checked for its sections, requirements, scenarios, tasks and placeholders. If the program
`openspec` is installed, its validator runs too. So nothing that OpenSpec refuses is valid here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from specguard.documents.completeness import is_todo
from specguard.documents.data import read_data
from specguard.errors import SpecguardError, nearest
from specguard.planning.plan_sources import KEBAB, TASKS, Boxes, Issue, SourceFolder, SourcePage, task_flaws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.planning.plan_sources import Level, PageSection

PROPOSAL: Final = "proposal.md"
_METADATA: Final = ".openspec.yaml"
_WAIT_SECONDS: Final = 60.0

_TITLES: Final = [f"{name} Requirements" for name in ("ADDED", "MODIFIED", "REMOVED", "RENAMED")]
_SECTIONS: Final = " or ".join(f"'## {title}'" for title in _TITLES)

_REQUIREMENT: Final = re.compile(r"requirement:[ \t]*(.+)", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"[ \t]*(?:[-*+][ \t]*)?(?:(?:FROM|TO):)?[ \t]*`?###[ \t]*Requirement:(?P<name>[^`]*)"
)
_BINDING: Final = re.compile(r"\b(?:SHALL|MUST)\b")

_MARKS: Final = re.compile(r"[*_`]+|^[ \t]*(?:#{1,6}|[-*+]|[0-9]{1,9}[.)])(?:[ \t]+|$)(?:\[.?\][ \t]*)?")
_QUOTED: Final = re.compile(r'(?<!`)(`{1,9})(?!`).+?(?<!`)\1(?!`)|"[^"]*"')
_STEP: Final = re.compile(r"(?i)\A(?:when|then|and|given|but|verify:|files:|done:)(?![^\W_])[ \t]*")
_PLACEHOLDER: Final = re.compile(
    r"\[NEEDS CLARIFICATION\b[^\]]*\]?"
    r"|\b(?:TODO|TBD|TBA|FIXME|XXX)[:\uff1a].*"
    r"|\b(?:TODO|TBD|TBA|FIXME)(?=[ \t]*[.,;)\]]*[ \t]*$)"
    r"|\{\{[^{}]{0,300}\}\}"
    r"|<[A-Za-z][\w'/-]*(?:[ ][\w'/,-]+)+>"
)
"""Placeholders within a text; text in angle brackets is a placeholder only if it is several plain words."""

_TEMPLATES: Final = re.compile(r"\[(?:FEATURE(?: NAME)?|DATE|REMOVE IF UNUSED)\]")
"""Placeholders of spec-kit's templates; teams mark their own texts with others, such as `[CRITICAL]`."""


class Requirement(NamedTuple):
    """A requirement of a delta.

    Attributes:
        name: the requirement's name.
        line: the line, from 1.
        text: the text above the scenarios; empty if there is none, or the requirement is only named.
        scenarios: each scenario's name and line, and True if it has steps.
    """

    name: str
    line: int
    text: str = ""
    scenarios: Sequence[tuple[str, int, bool]] = ()


def flaws(folder: SourceFolder) -> list[Issue]:
    """Return all flaws of a folder, by path and line.

    Raises:
        SpecguardError: a file of the folder cannot be read.
    """
    names = (PROPOSAL, "design.md", TASKS) if folder.form == "openspec" else ("spec.md", "plan.md", TASKS)
    found = list(_change_flaws(folder) if folder.form == "openspec" else _feature_flaws(folder))
    found += [flaw for name in names for flaw in _text_issues(folder, name)]
    path, text = f"{folder.path}/{TASKS}", folder.read(TASKS)
    if text is None:
        found.append(Issue(path, 0, "there are no tasks", "Write them as '- [ ] 1.1 WHAT'."))
    else:
        found += task_flaws(path, Boxes(text), spec_kit=folder.form == "spec-kit")
    if folder.form == "openspec" and KEBAB.fullmatch(folder.name):
        found += list(_openspec_flaws(folder, found))
    return sorted(found, key=lambda flaw: (flaw.path, flaw.line))


def require_valid(folder: SourceFolder) -> None:
    """Check that a folder has no errors.

    Raises:
        SpecguardError: the folder has errors; the message has the first one and the number of others.
    """
    if errors := [flaw for flaw in flaws(folder) if flaw.level == "error"]:
        first = errors[0]
        step = f"specguard plan validate {shlex.quote(folder.name)}"
        more = f" ({len(errors) - 1} more: {step})" if len(errors) > 1 else ""
        message, line = f"no plan is made of it yet: {first.message}{more}", first.line or None
        raise SpecguardError(message, path=first.path, line=line, help=first.help, code="plan-unready")


def requirements(page: SourcePage) -> Mapping[str, Sequence[Requirement]]:
    """Return the requirements of a delta by operation."""
    found: dict[str, list[Requirement]] = {}
    for section in page.sections(2):
        operation = _operation(section)
        if operation in ("ADDED", "MODIFIED"):
            found.setdefault(operation, []).extend(_read_section(page, section))
        for line, text in enumerate(page.body(section) if operation else (), section.line + 1):
            if operation in ("REMOVED", "RENAMED") and (match := _NAMED.match(text)):
                found.setdefault(operation, []).append(Requirement(match["name"].strip(), line))
    return found


def _change_flaws(folder: SourceFolder) -> Iterator[Issue]:
    if not KEBAB.fullmatch(folder.name):
        help = "Use small letters, digits and single hyphens."
        yield Issue(folder.path, 0, f"{folder.name!r} is not a name of a change", help, "warning")
    text = folder.read(PROPOSAL)
    if text is None:
        help = f"Write {PROPOSAL} with the sections '## Why' and '## What Changes'."
        yield Issue(f"{folder.path}/{PROPOSAL}", 0, "the change has no proposal", help)
    else:
        yield from _proposal_flaws(f"{folder.path}/{PROPOSAL}", SourcePage(text))
    yield from _spec_flaws(folder)


def _feature_flaws(folder: SourceFolder) -> Iterator[Issue]:
    for name in ("spec.md", "plan.md"):
        if not folder.has(name):
            yield Issue(f"{folder.path}/{name}", 0, "the feature has none", f"Write {name} first.")


def _proposal_flaws(path: str, page: SourcePage) -> Iterator[Issue]:
    sections = {section.title.lower(): section for section in reversed(page.sections(2))}
    for title, other in (("Why", "motivation"), ("What Changes", "scope")):
        section = sections.get(title.lower()) or sections.get(other)
        if section is None:
            yield Issue(path, 0, f"it has no section '## {title}'", "Add it.")
        elif not any(_has_words(line) for line in page.body(section) if not line.startswith("#")):
            yield Issue(path, section.line, f"the section '## {section.title}' is empty", "Say it.")


def _spec_flaws(folder: SourceFolder) -> Iterator[Issue]:
    deltas = dict(folder.deltas())
    data = read_data(folder.read(_METADATA) or "", "yaml")
    skips = isinstance(data.value, dict) and data.value.get("skip_specs") is True
    metadata = f"{folder.path}/{_METADATA}"
    if data.problem is not None:
        yield Issue(metadata, data.problem.line or 0, data.problem.message, "Correct it.")
    elif skips and deltas:
        message = f"`skip_specs` says that the change has no deltas, and there is {next(iter(deltas))}"
        yield Issue(metadata, data.line(("skip_specs",)) or 0, message, "Take out the one or the other.")
    elif not skips and not deltas:
        help = f"Write specs/CAPABILITY/spec.md; or set `skip_specs: true` in {_METADATA} if behaviour stays."
        yield Issue(f"{folder.path}/specs", 0, "the change has no delta", help)
    for name in folder.files("specs"):
        page = SourcePage((folder.read(name) or "") if name.lower().endswith(".md") else "")
        path = f"{folder.path}/{name}"
        if name in deltas:
            yield from _text_issues(folder, name)
            yield from _section_flaws(path, page)
            for operation, found in requirements(page).items():
                for requirement in found if operation in ("ADDED", "MODIFIED") else ():
                    yield from _requirement_flaws(path, operation, requirement)
        elif any(map(_operation, page.sections(2))):
            message, help = "a delta in this file is not read", "Move it to specs/CAPABILITY/spec.md."
            yield Issue(path, 0, message, help)


def _section_flaws(path: str, page: SourcePage) -> Iterator[Issue]:
    """Yield missing or empty sections of a delta, and text in places that nobody reads."""
    sections = page.sections(2)
    known = [section for section in sections if _operation(section)]
    if not known:
        title, line = (sections[0].title, sections[0].line) if sections else ("", 0)
        help = nearest(title, _TITLES, f"Begin one with {_SECTIONS}.")
        yield Issue(path, line, "it has no section of a delta", help)
    elif not any(requirements(page).values()):
        help = "Write each as '### Requirement: NAME', with its text and a '#### Scenario: NAME' below."
        yield Issue(path, known[0].line, f"no requirement is below '## {known[0].title}'", help)
    for section in [*sections, *page.sections(1)]:
        before = [one for one in known if one.line < section.line]
        if before and not _operation(section):
            message = f"'## {section.title}' ends '## {before[-1].title}', and nothing below it is read"
            otherwise = "Make it bold text where it is part of a requirement, or move it to design.md."
            yield Issue(path, section.line, message, nearest(section.title, _TITLES, otherwise))
    inside = {line: _operation(one) for one in known for line in range(one.line, one.end + 1)}
    for section in page.sections(3):
        operation, named = inside.get(section.line), _REQUIREMENT.fullmatch(section.title)
        if operation is None and named:
            message = f"the requirement {section.title!r} is where nobody reads it"
            yield Issue(path, section.line, message, f"Move it below {_SECTIONS}.")
        elif operation in ("ADDED", "MODIFIED") and not named:
            message = f"'### {section.title}' is not a requirement: neither it nor the text below it is read"
            help = f"Write '### Requirement: {section.title}', or '#### Scenario: ...' where it is one."
            yield Issue(path, section.line, message, help)


def _requirement_flaws(path: str, operation: str, requirement: Requirement) -> Iterator[Issue]:
    """Yield the flaws of a requirement: a text that does not bind, or a missing scenario."""
    name, line, text, scenarios = requirement
    if not text:
        help = "Say below the heading what the system SHALL do."
        yield Issue(path, line, f"{operation} {name!r} has no text", help)
    elif not _BINDING.search(text):
        message = f"the text of {operation} {name!r} says neither SHALL nor MUST"
        help = "Say what the system SHALL do, in the text and not only in the name."
        yield Issue(path, line, message, help, "warning")
    steps = "Add '- **WHEN** ...' and '- **THEN** ...' below '#### Scenario: NAME'."
    filled = any(content for _, _, content in scenarios)
    if not filled:
        yield Issue(path, line, f"{operation} {name!r} has no scenario with steps", steps)
    for scenario, at, content in scenarios if filled else ():
        if not content:
            yield Issue(path, at, f"the scenario {scenario!r} of {name!r} has no steps", steps, "warning")


def _operation(section: PageSection) -> str:
    """Return the operation of a delta's section; empty for other sections."""
    return next((one.partition(" ")[0] for one in _TITLES if one.lower() == section.title.lower()), "")


def _read_section(page: SourcePage, within: PageSection) -> Iterator[Requirement]:
    for section in page.sections(3, within):
        if match := _REQUIREMENT.fullmatch(section.title):
            scenarios = page.sections(4, section)
            below = scenarios[0].line - 1 if scenarios else section.end
            text = "\n".join(line.strip() for line in page.lines[section.line : below]).strip()
            steps = [
                (re.sub("(?i)^scenario: *", "", one.title), one.line, any(map(_has_words, page.body(one))))
                for one in scenarios
            ]
            yield Requirement(match[1].strip(), section.line, text, steps)


# Placeholders, and fences that are never closed.


def _text_issues(folder: SourceFolder, name: str) -> Iterator[Issue]:
    page, path = SourcePage(folder.read(name) or ""), f"{folder.path}/{name}"
    for line, text in placeholders(page.lines, templates=folder.form == "spec-kit"):
        yield Issue(path, line, f"a placeholder is left: {text[:80]!r}", "Replace it.")
    if page.open_fence and name != "design.md":
        message = "a fenced block is never closed, and hides all below it"
        yield Issue(path, page.open_fence, message, "Close the fence.")


def placeholders(lines: Sequence[str], *, templates: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the placeholders in lines of Markdown: the line, from 1, and the text.

    Args:
        lines: the lines.
        templates: True if `[FEATURE NAME]` is a placeholder, as in spec-kit's templates.
    """
    for number, line in enumerate(lines, 1):
        # A quotation is an example, unless the line consists only of it.
        plain = _QUOTED.sub(" ", line)
        match = _PLACEHOLDER.search(plain) or (_TEMPLATES.search(plain) if templates else None)
        bare = _strip_marks(_QUOTED.sub('"it"', line) if _has_words(plain) else line)
        is_text = re.search(r"[^\W\d_]|\.\.\.|\u2026", bare) and bare[-1] not in ":\uff1a"
        if match or (is_text and is_todo(bare)):
            yield number, match[0] if match else line.strip()


def _strip_marks(text: str) -> str:
    """Return a text without Markdown markers and without the keyword of a scenario step."""
    return _STEP.sub("", _MARKS.sub("", text).strip())


def _has_words(text: str) -> bool:
    """Return True if a line has words besides Markdown markers and a step's keyword."""
    return text == "`" or any(map(str.isalnum, _strip_marks(text)))


# OpenSpec's own validator.


def _openspec_flaws(folder: SourceFolder, known_flaws: Sequence[Issue]) -> Iterator[Issue]:
    """Yield the flaws found by `openspec validate`, unless its file has one as severe already."""
    program = shutil.which("openspec")
    if program is None:
        return
    words = [program, "validate", folder.name, "--type", "change", "--json", "--no-interactive"]
    environment = {**os.environ, "OPENSPEC_TELEMETRY": "0"}
    try:
        result = subprocess.run(
            words, cwd=folder.top, env=environment, capture_output=True, timeout=_WAIT_SECONDS, check=False
        )
        read = [issue for item in json.loads(result.stdout)["items"] for issue in item["issues"]]
        issues = [(str(one["path"]), str(one["level"]), str(one["message"])) for one in read]
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired) as error:
        message = f"`openspec validate` gave no answer that can be read: {error}"
        yield Issue(folder.path, 0, message, f"openspec validate {folder.name}", "warning")
        return
    for name, level, message in issues:
        places = (f"{folder.path}/{one}" for one in (f"specs/{name}", name) if folder.has(one))
        path = next(places, folder.path)
        known = [flaw.level for flaw in known_flaws if flaw.path.startswith(path)]
        found: Level | None = "error" if level == "ERROR" else "warning" if level == "WARNING" else None
        if found is not None and found not in known and "error" not in known:
            yield Issue(path, 0, f"OpenSpec: {message}", f"openspec validate {folder.name}", found, found)
