"""The sections that an artifact must have, and what must stand in them."""

from __future__ import annotations

from specguard.artifacts.content import content_of
from specguard.artifacts.titles import other_titles
from specguard.documents.titles import (
    find_section,
    find_sections,
    is_strange,
    near_section,
    normal_title,
    same_title,
)
from specguard.model import Finding, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock, Section

MOST: Final = 5
"""So many lines a message names."""


def missing_sections(artifact: Artifact) -> Iterator[Finding]:
    """The sections that are not there, those that are there twice, and those that must not be there.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    contract = artifact.contract
    path = path_text(artifact.path)
    for which, title in enumerate(contract.sections):
        setting = artifact.setting(f"sections.{which}")
        found = named(artifact, title)
        if not found:
            yield _missing(artifact, title, setting)
        again = _again(found)
        if len(again) > 1:
            lines = ", ".join(str(section.line) for section in again[:MOST])
            yield Finding(
                f"{path} has the section {title!r} {len(again)} times, in lines {lines}: "
                "one could contradict another",
                help="Make one section of them.",
                path=artifact.path,
                line=again[1].line,
                key=f"again {normal_title(title)}",
                setting=setting,
            )
    told: set[int] = set()
    for which, title in enumerate(contract.forbidden_sections):
        forbidden = [section for section in _beginning(artifact, title) if section.line not in told]
        told.update(section.line for section in forbidden)
        if forbidden:
            heading = " ".join(forbidden[0].heading.text.plain.split())
            more = f", and {len(forbidden) - 1} more like it" if len(forbidden) > 1 else ""
            yield Finding(
                f"{path} has the section {shortened(heading)!r}{more}, which it must not have",
                help="Take it out.",
                path=artifact.path,
                line=forbidden[0].line,
                key=f"forbidden {normal_title(title)}",
                setting=artifact.setting(f"forbidden_sections.{which}"),
            )


def empty_sections(artifact: Artifact) -> Iterator[Finding]:
    """The sections that must be there and say nothing to a reader.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    contract = artifact.contract
    required = {title: found for title in contract.sections if (found := named(artifact, title))}
    for which, title in enumerate(contract.sections):
        for section in required.get(title, ())[:1]:
            others = [found[0] for name, found in required.items() if name != title]
            content = content_of(_without(section, others), contract.placeholders)
            if content.kind == "content":
                continue
            if content.kind == "nothing":
                said = f"only says {content.text!r}, without a reason"
                help = "Say why there is nothing, in one sentence."
            elif content.kind == "placeholder":
                said = f"only has a placeholder: {shortened(content.text)!r}"
                help = "Write what belongs there, or why there is nothing."
            else:
                said = "is empty to a reader: what is hidden or in a comment does not count"
                help = "Write what belongs there, or why there is nothing."
            yield Finding(
                f"the section {title!r} {said}",
                help=help,
                path=artifact.path,
                line=content.line or section.line,
                key=normal_title(title),
                setting=artifact.setting(f"sections.{which}"),
            )


def named(artifact: Artifact, title: str) -> Sequence[Section]:
    """The sections of a title, the one that counts first: of several those of the highest level there is."""
    if title not in artifact.sections:
        artifact.sections[title] = _named(artifact, title)
    return artifact.sections[title]


def _named(artifact: Artifact, title: str) -> Sequence[Section]:
    document = artifact.document
    aliases = other_titles(document, artifact.contract.aliases_of(title))
    first = find_section(document, title, aliases=aliases, bold=artifact.contract.bold_headings)
    if first is None:
        return []
    wanted = {normal_title(name) for name in (title, *aliases)}
    same = [
        one
        for one in document.sections
        if normal_title(one.heading.text.plain) in wanted and not is_strange(one)
    ]
    if not same:
        return [first]
    level = min(one.level for one in same)
    highest = [one for one in same if one.level == level]
    return sorted(highest, key=lambda one: one is not first)


def _again(found: Sequence[Section]) -> Sequence[Section]:
    """The first of some sections, and the others that are called by all the same words.

    `Plan: servers` and `Plan: clients` are two sections, and so are two that have different other titles.
    """
    if len(found) < 2:
        return found
    words = found[0].heading.text.rendered
    same = [
        one
        for one in found
        if same_title(other := one.heading.text.rendered, words) and same_title(words, other)
    ]
    return sorted(same, key=lambda one: one.line)


def _beginning(artifact: Artifact, title: str) -> Iterator[Section]:
    """The sections whose title begins with these words: a `Rollback plan` is a `Rollback`."""
    aliases = other_titles(artifact.document, artifact.contract.aliases_of(title))
    wanted = [normal_title(name) for name in (title, *aliases)]
    lines: set[int] = set()
    for section in artifact.document.sections:
        words = f"{normal_title(section.heading.text.plain)} "
        if any(words.startswith(f"{name} ") for name in wanted):
            lines.add(section.line)
            yield section
    if artifact.contract.bold_headings:
        bold = find_sections(artifact.document, title, aliases=aliases, bold=True)[:1]
        yield from (section for section in bold if section.line not in lines)


def _missing(artifact: Artifact, title: str, setting: str) -> Finding:
    document = artifact.document
    path = path_text(artifact.path)
    near = (
        None
        if document.problem
        else near_section(document, title, aliases=artifact.contract.aliases_of(title))
    )
    message = f"{path} has no section {title!r}"
    help = f"Add a heading {title!r} with what belongs there."
    if document.problem:
        message = f"{path} has no section {title!r} that could be read: {document.problem.message}"
        help = "Make it a Markdown file in UTF-8."
    elif near is not None:
        message += f"; line {near.line} has {shortened(near.text)!r}, which is {near.why}"
        help = f"Make it a heading {title!r} there, if that is meant."
    return Finding(
        message,
        help=help,
        path=artifact.path,
        line=near.line if near else None,
        key=normal_title(title),
        setting=setting,
    )


def _without(section: Section, others: Sequence[Section]) -> Sequence[AnyBlock]:
    """What stands in a section, without other sections that lie in it and must say something themselves."""
    inside = [other for other in others if section.line < other.line <= section.end]
    if not inside:
        return section.blocks
    return [
        block
        for block in section.blocks
        if not any(other.line <= block.line <= other.end for other in inside)
    ]
