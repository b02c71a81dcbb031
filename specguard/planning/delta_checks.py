"""Whether OpenSpec could apply what a change says of one capability, and drops nothing of it unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import nearest
from specguard.planning.delta import OPERATIONS, Delta, binds, folded, normal
from specguard.planning.flaws import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final, Literal

    from specguard.planning.delta import Requirement, Section
    from specguard.planning.flaws import Level

_TITLES: Final = [f"{name} Requirements" for name in OPERATIONS]
_SECTIONS: Final = " or ".join(f"'## {title}'" for title in _TITLES)


class DeltaChecks:
    """What is wrong with one file of deltas.

    Args:
        path: the file, from the repository's root.
        delta: what it says.
        main: the capability's specification as it stands; None where there is none.
    """

    def __init__(self, path: str, delta: Delta, main: Delta | None) -> None:
        self._path = path
        self._delta = delta
        self._main = main

    def flaws(self) -> Iterator[Flaw]:
        """All of it, by where it is looked for."""
        yield from self._sections()
        for operation in ("ADDED", "MODIFIED"):
            for requirement in self._delta.requirements(operation):
                yield from self._requirement(operation, requirement)
        yield from self._names()
        yield from self._conflicts()
        yield from self._ignored()
        yield from self._against_main()

    def _sections(self) -> Iterator[Flaw]:
        delta = self._delta
        known = [section for section in delta.sections if section.operation]
        if not known:
            first = next((one for one in delta.sections if one.title.lower() != "purpose"), None)
            begin = f"Begin one with {_SECTIONS}."
            yield self._flaw(
                first.line if first else 0,
                "it has no section of a delta" + (f"; {first.title!r} is not one" if first else ""),
                nearest(first.title, _TITLES, begin) if first else begin,
                openspec="error",
            )
        elif not self._entries():
            titles = ", ".join(repr(f"## {section.title}") for section in known)
            yield self._flaw(
                known[0].line,
                f"no requirement stands below {titles}",
                "Write each as '### Requirement: NAME', with its text and a '#### Scenario: NAME' below.",
                openspec="error",
            )
        if delta.open_fence:
            yield self._flaw(
                delta.open_fence, "a fenced block is never closed, and hides all below it", "Close the fence."
            )
        yield from self._hidden(known)

    def _entries(self) -> int:
        delta = self._delta
        return (
            len(delta.requirements("ADDED"))
            + len(delta.requirements("MODIFIED"))
            + len(delta.removed)
            + len(delta.renamed)
        )

    def _hidden(self, known: Sequence[Section]) -> Iterator[Flaw]:
        """Sections that end one of a delta, of which OpenSpec reads nothing."""
        for section in self._delta.sections:
            if section.operation:
                continue
            before = [one for one in known if one.line < section.line]
            purpose = section.title.lower() == "purpose"
            if not before or (purpose and not self._delta.has_structure(section)):
                continue
            yield self._flaw(
                section.line,
                f"'## {section.title}' ends '## {before[-1].title}', and nothing below it is read",
                nearest(
                    section.title,
                    _TITLES,
                    "Make it bold text where it is part of a requirement, or move it to design.md.",
                ),
            )

    def _requirement(self, operation: str, requirement: Requirement) -> Iterator[Flaw]:
        named = f"{operation} {requirement.name!r}"
        where = requirement.line
        if not requirement.text:
            yield self._flaw(
                where,
                f"{named} has no text"
                + (" of its own: SHALL or MUST stands only in its name" if binds(requirement.name) else ""),
                "Say below the heading what the system SHALL do.",
                openspec="error",
            )
        elif not requirement.binds:
            yield self._flaw(
                where,
                f"the text of {named} says neither SHALL nor MUST",
                "Say what the system SHALL do, in the text and not only in the name.",
                level="warning",
                openspec="warning",
            )
        filled = [scenario for scenario in requirement.scenarios if not scenario.empty]
        if not filled:
            yield self._flaw(
                requirement.scenarios[0].line if requirement.scenarios else where,
                f"{named} has no scenario" + (" with steps below it" if requirement.scenarios else ""),
                "Add '#### Scenario: NAME' with '- **WHEN** ...' and '- **THEN** ...'.",
                openspec="error",
            )
        for scenario in requirement.scenarios:
            if scenario.empty and filled:
                yield self._flaw(
                    scenario.line,
                    f"the scenario {scenario.name!r} of {requirement.name!r} has no steps",
                    "Add '- **WHEN** ...' and '- **THEN** ...' below it, or take it out.",
                    level="warning",
                )

    def _names(self) -> Iterator[Flaw]:
        """What is named twice in one operation, and renamings that are no pairs."""
        delta = self._delta
        for operation in ("ADDED", "MODIFIED", "REMOVED"):
            named = delta.removed if operation == "REMOVED" else delta.requirements(operation)
            yield from self._twice(operation, [(one.name, one.line) for one in named])
        yield from self._twice("RENAMED FROM", [(one.old, one.line) for one in delta.renamed])
        yield from self._twice("RENAMED TO", [(one.new, one.line) for one in delta.renamed])
        for one in delta.unpaired:
            other = "TO" if one.where == "FROM" else "FROM"
            yield self._flaw(
                one.line,
                f"RENAMED {one.where} {one.name!r} has no {other}",
                "Write each renaming as a line FROM: and, right behind it, its line TO:.",
                openspec="error",
            )

    def _twice(self, what: str, named: Sequence[tuple[str, int]]) -> Iterator[Flaw]:
        first: dict[str, int] = {}
        for name, line in named:
            if name in first:
                yield self._flaw(
                    line,
                    f"{what} {name!r} is there twice, first in line {first[name]}",
                    "Keep one of them.",
                    openspec="error",
                )
            else:
                first[name] = line

    def _conflicts(self) -> Iterator[Flaw]:
        """Requirements with which two operations would do different things."""
        delta = self._delta
        added = {one.name: one.line for one in delta.requirements("ADDED")}
        modified = {one.name: one.line for one in delta.requirements("MODIFIED")}
        removed = {one.name: one.line for one in delta.removed}
        gone = {folded(name): name for name in reversed(removed)}
        for one, ones, other, others in (
            ("MODIFIED", modified, "REMOVED", removed),
            ("MODIFIED", modified, "ADDED", added),
            ("ADDED", added, "REMOVED", removed),
        ):
            for name in ones:
                if name in others:
                    yield self._conflict(
                        max(ones[name], others[name]),
                        f"{name!r} is both {one} and {other}",
                        "Keep one of the two.",
                    )
        for renaming in delta.renamed:
            if renaming.old in modified:
                yield self._conflict(
                    modified[renaming.old],
                    f"MODIFIED has {renaming.old!r}, which is RENAMED to {renaming.new!r}",
                    "Modify it by its new name.",
                )
            if renaming.new in added:
                yield self._conflict(
                    added[renaming.new],
                    f"{renaming.new!r} is ADDED, and {renaming.old!r} is RENAMED to it",
                    "Keep one.",
                )
            same = gone.get(folded(renaming.old))
            if same is not None:
                yield self._conflict(
                    removed[same], f"{renaming.old!r} is both RENAMED and REMOVED", "Keep one."
                )

    def _ignored(self) -> Iterator[Flaw]:
        """What OpenSpec does not read at all."""
        for orphan in self._delta.orphans:
            where = f"below '## {orphan.where}'" if orphan.where else "above the first section"
            yield self._flaw(
                orphan.line,
                f"the requirement {orphan.name!r} stands {where}, where nobody reads it",
                f"Move it below {_SECTIONS}.",
                openspec="warning",
            )
        for skipped in self._delta.skipped:
            yield self._flaw(
                skipped.line,
                f"'### {skipped.name}' is no requirement, so it is not read, and nor is the text below it",
                f"Write '### Requirement: {skipped.name}', or '#### Scenario: ...' where it is one.",
            )

    def _against_main(self) -> Iterator[Flaw]:
        """What a change leaves out, or speaks of, that the capability's specification has, or has not."""
        delta = self._delta
        current: Mapping[str, Requirement] = (
            {} if self._main is None else {one.name: one for one in self._main.main_requirements()}
        )
        old_names = {one.new: one.old for one in delta.renamed}
        renamed = set(old_names.values())
        for requirement in delta.requirements("MODIFIED"):
            if requirement.name in renamed:
                continue
            before = _before(requirement.name, current, old_names)
            if before is None:
                yield self._missing("MODIFIED", requirement.name, requirement.line, current)
                continue
            left = [one.name for one in requirement.scenarios]
            lost = []
            for scenario in before.scenarios:
                if scenario.name in left:
                    left.remove(scenario.name)
                else:
                    lost.append(scenario.name)
            if lost:
                yield self._flaw(
                    requirement.line,
                    f"MODIFIED {requirement.name!r} leaves out what the specification has: "
                    + ", ".join(repr(name) for name in lost),
                    "Copy these scenarios into it: what is modified replaces the whole requirement.",
                    openspec="error",
                )
        for named in delta.removed:
            if normal(named.name) not in current:
                yield self._missing("REMOVED", named.name, named.line, current)
        for renaming in delta.renamed:
            if renaming.old not in current and renaming.old not in old_names:
                yield self._missing("RENAMED", renaming.old, renaming.line, current)
        for requirement in delta.requirements("ADDED"):
            if requirement.name in current and requirement.name not in renamed:
                yield self._flaw(
                    requirement.line,
                    f"ADDED {requirement.name!r} is in the capability's specification already",
                    "Modify it, or give the new one another name.",
                    level="warning",
                )

    def _missing(self, operation: str, name: str, line: int, current: Mapping[str, Requirement]) -> Flaw:
        return self._flaw(
            line,
            f"{operation} {name!r} is no requirement of the capability's specification",
            nearest(
                name, current, "Add it with ADDED, or see that the change which brings it is archived first."
            ),
            level="warning",
        )

    def _conflict(self, line: int, message: str, help: str) -> Flaw:
        return self._flaw(line, message, help, openspec="error")

    def _flaw(
        self,
        line: int,
        message: str,
        help: str,
        *,
        level: Level = "error",
        openspec: Literal["error", "warning", ""] = "",
    ) -> Flaw:
        return Flaw(self._path, line, message, help, level, openspec)


def _before(
    name: str, current: Mapping[str, Requirement], old_names: Mapping[str, str]
) -> Requirement | None:
    """The requirement of a specification that one will replace, whatever it was renamed from."""
    seen: set[str] = set()
    key: str | None = name
    while key is not None and key not in seen:
        if key in current:
            return current[key]
        seen.add(key)
        key = old_names.get(key)
    return None
