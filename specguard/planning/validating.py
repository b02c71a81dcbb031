"""Whether a change's folder, or a feature's, is one that a plan can be made from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from specguard.documents.data import read_data
from specguard.errors import SpecguardError
from specguard.planning.boxes import Boxes
from specguard.planning.delta import Delta, lines_of
from specguard.planning.delta_checks import DeltaChecks
from specguard.planning.flaws import Flaw
from specguard.planning.folders import KEBAB, MAIN, TASKS, SourceFolder
from specguard.planning.owed import owed
from specguard.planning.task_checks import task_flaws

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any, Final

PROPOSAL: Final = "proposal.md"
METADATA: Final = ".openspec.yaml"

_WHY: Final = (50, 1000)
"""How many characters OpenSpec's archive asks of the section *Why*, at least and at most."""

_TITLES: Final = {"Why": ("why", "motivation"), "What Changes": ("what changes", "scope")}
_HEADING: Final = re.compile(r"#{1,6}[ \t]")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def flaws(folder: SourceFolder) -> list[Flaw]:
    """All that is wrong with a folder, by path and line.

    Raises:
        SpecguardError: a file of it cannot be read.
    """
    found = list(_change(folder) if folder.form == "openspec" else _feature(folder))
    return sorted(found, key=lambda flaw: (flaw.path, flaw.line))


def _change(folder: SourceFolder) -> Iterator[Flaw]:
    if not KEBAB.fullmatch(folder.name):
        yield Flaw(
            folder.path,
            0,
            f"{folder.name!r} is no name of a change",
            "Use small letters, digits and single hyphens.",
            "warning",
        )
    yield from _proposal(folder)
    yield from _specs(folder)
    yield from _tasks(folder)
    if folder.has("design.md"):
        yield from _owed(folder, "design.md")


def _feature(folder: SourceFolder) -> Iterator[Flaw]:
    for name in ("spec.md", "plan.md"):
        if not folder.has(name):
            yield Flaw(f"{folder.path}/{name}", 0, "the feature has none", f"Write {name} first.")
        else:
            yield from _owed(folder, name)
    yield from _tasks(folder)


def _proposal(folder: SourceFolder) -> Iterator[Flaw]:
    path = f"{folder.path}/{PROPOSAL}"
    text = folder.read(PROPOSAL)
    if text is None:
        yield Flaw(path, 0, "the change has no proposal", f"specguard plan proposal {folder.name}")
        return
    yield from _owed(folder, PROPOSAL)
    delta = Delta(text)
    for title, names in _TITLES.items():
        sections = [one for one in delta.sections if one.title.lower() in names]
        if not sections:
            yield Flaw(path, 0, f"it has no section '## {title}'", "Add it.")
            continue
        section = sections[0]
        content = "\n".join(
            line for line in delta.lines[section.begin : section.end] if not _HEADING.match(line)
        )
        content = re.sub(r"<!--.*?(?:-->|\Z)", "", content, flags=re.DOTALL).strip()
        if not content:
            yield Flaw(path, section.line, f"the section '## {section.title}' is empty", "Say it.")
        elif title == "Why" and not _WHY[0] <= len(content) <= _WHY[1]:
            yield Flaw(
                path,
                section.line,
                f"'## {section.title}' has {len(content)} characters, and should have {_WHY[0]} to {_WHY[1]}",
                "Say what is wrong today and why it matters now, in a few sentences.",
                "warning",
            )
        if section.title.lower() != names[0]:
            yield Flaw(
                path,
                section.line,
                f"'## {section.title}' is '## {title}' in OpenSpec's form",
                "Rename it.",
                "warning",
            )


def _specs(folder: SourceFolder) -> Iterator[Flaw]:
    files = list(folder.files("specs"))
    skips = yield from _metadata(folder)
    if skips and files:
        yield Flaw(
            f"{folder.path}/{METADATA}",
            skips,
            f"`skip_specs` says that the change has no deltas, and there is {files[0]}",
            "Take out the one or the other.",
            openspec="error",
        )
    read = stray = False
    for name in files:
        path = f"{folder.path}/{name}"
        if name == "specs/spec.md":
            stray = True
            yield Flaw(
                path,
                0,
                "a delta that is in no capability's folder is not read",
                "Move it to specs/CAPABILITY/spec.md.",
                openspec="error",
            )
        elif name.endswith("/spec.md"):
            read = True
            yield from _delta(folder, name)
        elif name.lower().endswith(".md") and any(
            one.operation for one in Delta(folder.read(name) or "").sections
        ):
            stray = True
            capability = name.removeprefix("specs/").rpartition("/")[0] or name[6:-3]
            yield Flaw(
                path,
                0,
                "a delta in a file that is not called spec.md is not read",
                f"Move it to specs/{capability}/spec.md.",
                openspec="error",
            )
    if not (read or stray or skips):
        yield Flaw(
            f"{folder.path}/specs",
            0,
            "the change has no delta",
            "Write specs/CAPABILITY/spec.md; or set `skip_specs: true` in .openspec.yaml if behaviour stays.",
            openspec="error",
        )


def _delta(folder: SourceFolder, name: str) -> Iterator[Flaw]:
    capability = name.removeprefix("specs/").removesuffix("/spec.md")
    main = SourceFolder(folder.top, f"{MAIN}/{capability}", "openspec").read("spec.md")
    text = folder.read(name) or ""
    yield from _owed(folder, name)
    checks = DeltaChecks(f"{folder.path}/{name}", Delta(text), None if main is None else Delta(main))
    yield from checks.flaws()


def _metadata(folder: SourceFolder) -> Generator[Flaw, None, int]:
    """What is wrong with `.openspec.yaml`; returns the line of a `skip_specs` that counts, or 0."""
    text = folder.read(METADATA)
    if text is None:
        return 0
    path = f"{folder.path}/{METADATA}"
    data = read_data(text, "yaml")
    value: Any = data.value
    if data.problem is not None:
        mentioned = re.search(r"""^\s*(['"]?)skip_specs\1\s*:""", text, re.MULTILINE) is not None
        yield Flaw(
            path,
            data.problem.line or 0,
            f"it is no YAML: {data.problem.message}",
            "Correct it.",
            openspec="error" if mentioned else "",
        )
        return 0
    if not isinstance(value, dict) or value.get("skip_specs", False) is False:
        return 0
    line = data.line(("skip_specs",)) or 0
    problem = _metadata_problem(folder, value)
    if problem:
        yield Flaw(path, line, f"`skip_specs` does not count: {problem}", "Correct it.", openspec="error")
        return 0
    return line or 1


def _metadata_problem(folder: SourceFolder, value: dict[str, Any]) -> str:
    if value["skip_specs"] is not True:
        return "it is neither true nor false"
    schema = value.get("schema")
    if not isinstance(schema, str) or not schema:
        return "`schema` is missing, such as spec-driven"
    own = SourceFolder(folder.top, f"openspec/schemas/{schema}", "openspec")
    if schema != "spec-driven" and not own.has("schema.yaml"):
        return f"there is no schema {schema!r}"
    created = value.get("created")
    if created is not None and not (hasattr(created, "isoformat") or _DATE.fullmatch(str(created))):
        return "`created` is no date such as 2026-01-31"
    return ""


def _tasks(folder: SourceFolder) -> Iterator[Flaw]:
    path = f"{folder.path}/{TASKS}"
    text = folder.read(TASKS)
    if text is None:
        yield Flaw(path, 0, "there are no tasks", "Write them as '- [ ] 1.1 WHAT'.")
        return
    yield from _owed(folder, TASKS)
    yield from task_flaws(path, Boxes(text), spec_kit=folder.form == "spec-kit")


def _owed(folder: SourceFolder, name: str) -> Iterator[Flaw]:
    lines = lines_of(folder.read(name) or "")
    for line, text in owed(lines, templates=folder.form == "spec-kit"):
        yield Flaw(f"{folder.path}/{name}", line, f"a placeholder is left: {text[:80]!r}", "Replace it.")


def require_valid(folder: SourceFolder) -> None:
    """Refuse a folder with an error.

    Raises:
        SpecguardError: the first one, and how many there are.
    """
    errors = [flaw for flaw in flaws(folder) if flaw.level == "error"]
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more: specguard plan validate {folder.name})" if len(errors) > 1 else ""
        raise SpecguardError(
            f"no plan is made of it yet: {first.message}{more}",
            path=first.path,
            line=first.line or None,
            help=first.help,
            code="plan-unready",
        )
