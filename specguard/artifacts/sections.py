"""The sections and options that an artifact must have, and what a reader finds in them."""

from __future__ import annotations

import re

from specguard.documents.blocks import Heading, List, Paragraph, Table, Text, texts
from specguard.documents.completeness import content_of
from specguard.documents.fields import (
    COMMENTED,
    find_section,
    is_strange,
    near_section,
    normal_title,
    same_title,
)
from specguard.model import Finding, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock, Section
    from specguard.documents.document import Document


def other_titles(document: Document, aliases: Sequence[str]) -> list[str]:
    """Aliases for a document: those with a star become the headings of the document that they match.

    A star stands for any words, or for none: `Owners for *`, `*Opening Order`.
    """
    found = [alias for alias in aliases if "*" not in alias]
    for alias in aliases:
        parts = [re.escape(normal_title(part)) for part in alias.split("*")]
        pattern = ".*".join(rf"\b{part}\b" if part else "" for part in parts)
        for section in document.sections if len(parts) > 1 else ():
            heading = section.heading.text.plain
            if re.fullmatch(pattern, normal_title(heading)):
                found.append(heading)
    return found


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
        setting, key = f"sections.{which}", normal_title(title)
        found = named(artifact, title)
        if not found:
            yield artifact.finding(setting, key, *_missing(artifact, title))
        again = _again(found)
        if len(again) > 1:
            lines = ", ".join(str(section.line) for section in again[:MOST])
            times = f"{len(again)} times, in lines {lines}: one could contradict another"
            message = f"{path} has the section {title!r} {times}"
            yield artifact.finding(
                setting, f"again {key}", message, "Make one section of them.", again[1].line
            )
    told: set[int] = set()
    for which, title in enumerate(contract.forbidden_sections):
        forbidden = [section for section in _beginning(artifact, title) if section.line not in told]
        told.update(section.line for section in forbidden)
        for first in forbidden[:1]:
            heading = " ".join(first.heading.text.plain.split())
            more = f", and {len(forbidden) - 1} more like it" if len(forbidden) > 1 else ""
            message = f"{path} has the section {shortened(heading)!r}{more}, which it must not have"
            key = f"forbidden {normal_title(title)}"
            yield artifact.finding(f"forbidden_sections.{which}", key, message, "Take it out.", first.line)


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
            said = {
                "nothing": f"only says {content.text!r}, without a reason",
                "placeholder": f"only has a placeholder: {shortened(content.text)!r}",
                "blank": "is empty to a reader: what is hidden or in a comment does not count",
            }.get(content.kind)
            if said:
                help = "Write what belongs there, or why there is nothing."
                help = "Say why there is nothing, in one sentence." if content.kind == "nothing" else help
                message = f"the section {title!r} {said}"
                line = content.line or section.line
                yield artifact.finding(f"sections.{which}", normal_title(title), message, help, line)


def named(artifact: Artifact, title: str) -> Sequence[Section]:
    """The sections of a title, the one that counts first: of several those of the highest level there is."""
    if title not in artifact.sections:
        artifact.sections[title] = _named(artifact, title)
    return artifact.sections[title]


def _named(artifact: Artifact, title: str) -> Sequence[Section]:
    document = artifact.document
    aliases = other_titles(document, artifact.contract.aliases_of(title))
    first = find_section(document, title, aliases=aliases)
    if first is None:
        return []
    wanted = {normal_title(name) for name in (title, *aliases)}
    same = [
        one
        for one in document.sections
        if normal_title(one.heading.text.plain) in wanted and not is_strange(one)
    ]
    level = min((one.level for one in same), default=first.level)
    highest = [one for one in same if one.level == level] or [first]
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
    for section in artifact.document.sections:
        words = f"{normal_title(section.heading.text.plain)} "
        if any(words.startswith(f"{name} ") for name in wanted):
            yield section


def _missing(artifact: Artifact, title: str) -> tuple[str, str, int | None]:
    """The message for a missing section, with the next step and the line of the nearest one."""
    document = artifact.document
    message = f"{path_text(artifact.path)} has no section {title!r}"
    if document.problem:
        message += f" that could be read: {document.problem.message}"
        return message, "Make it a Markdown file in UTF-8.", None
    near = near_section(document, title, aliases=artifact.contract.aliases_of(title))
    if near is None:
        return message, f"Add a heading {title!r} with what belongs there.", None
    message += f"; line {near.line} has {shortened(near.text)!r}, which is {near.why}"
    where = "outside the comment" if near.why == COMMENTED else "there"
    return message, f"Make it a heading {title!r} {where}, if that is meant.", near.line


def _without(section: Section, others: Sequence[Section]) -> Sequence[AnyBlock]:
    """The blocks of a section, without other sections inside it that need content of their own."""
    inside = [other for other in others if section.line < other.line <= section.end]
    if not inside:
        return section.blocks
    return [
        block
        for block in section.blocks
        if not any(other.line <= block.line <= other.end for other in inside)
    ]


LONGEST: Final = 300
"""So many characters of a line are looked at for an option's label."""

_NUMBERING: Final = re.compile(r"[0-9][0-9.]{0,20}[.)]?\s+")
_WORD: Final = r"(?:option|alternative|approach|variant|choice|solution|proposal|plan)\s*[#:]?\s*"


def missing_options(artifact: Artifact) -> Iterator[Finding]:
    """The options that are not described, and those that are described in the words of another one.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    labels = artifact.contract.options
    found = described_options(artifact.document.blocks, labels, artifact.contract.placeholders)
    said: dict[str, str] = {}
    for which, label in enumerate(labels):
        setting = f"options.{which}"
        described = found.get(label, [])
        line, words = next(((line, words) for line, words in described if words), (None, ""))
        if not words:
            message = f"{path_text(artifact.path)} has no option {label}"
            message = f"option {label} is named, and nothing is said of it" if described else message
            line = described[0][0] if described else None
            help = f"Describe it below a heading 'Option {label}: ...'."
            yield artifact.finding(setting, f"option {label}", message, help, line)
        elif words in said:
            message = f"option {label} is option {said[words]}, word for word"
            yield artifact.finding(setting, f"same {label}", message, "Describe another one.", line)
        else:
            said[words] = label


def described_options(
    blocks: Sequence[AnyBlock], labels: Sequence[str], own: Sequence[str] = ()
) -> dict[str, list[tuple[int, str]]]:
    """The text of blocks about each option, by its label; an option that is not named has none.

    Args:
        blocks: a document's.
        labels: what the options are called.
        own: texts that are no content.

    Returns:
        Where each description begins, and its words for comparison with another option's; no words where it
        says nothing to a reader.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for label, line, body in _described(blocks, {label: _expression(label) for label in labels}):
        words = " ".join(word for text in texts(body) for word in text.plain.casefold().split())
        # A picture is content without a word.
        words = (words or "picture") if content_of(body, own).kind == "content" else ""
        found.setdefault(label, []).append((line, words))
    return found


def _described(
    blocks: Sequence[AnyBlock], labels: Mapping[str, re.Pattern[str]]
) -> Iterator[tuple[str, int, list[AnyBlock]]]:
    """The options that blocks describe: label, line, and what is said of it."""
    for at, block in enumerate(blocks):
        if isinstance(block, List):
            for item in block.items:
                label, behind = _label(item.text, labels)
                if label:
                    yield label, item.line, [Paragraph(behind), *item.rest]
                else:
                    yield from _described([one for one in item.rest if isinstance(one, List)], labels)
        elif isinstance(block, Table):
            for row in block.rows:
                label, behind = _label(row[0], labels)
                if label:
                    yield label, row[0].line, [Paragraph(cell) for cell in row[1:] or [behind]]
        elif label := _begins(block, labels):
            end = (
                to
                for to, other in enumerate(blocks[at + 1 :], at + 1)
                if _begins(other, labels) or _ends(block, other)
            )
            body = list(blocks[at + 1 : next(end, len(blocks))])
            # Behind the label of a paragraph its description may begin.
            own = [Paragraph(_label(block.text, labels)[1])] if isinstance(block, Paragraph) else []
            yield label, block.line, [*own, *body]


def _begins(block: AnyBlock, labels: Mapping[str, re.Pattern[str]]) -> str:
    """The option whose description a heading or a bold paragraph begins; empty if it begins none."""
    # A sentence may begin with a letter; a label that is set off in bold does not.
    if isinstance(block, Heading) or (
        isinstance(block, Paragraph) and block.text.raw.lstrip().startswith(("**", "__"))
    ):
        return _label(block.text, labels)[0]
    return ""


def _label(text: Text, labels: Mapping[str, re.Pattern[str]]) -> tuple[str, Text]:
    """The option whose label a text begins with, and what stands behind it; empty without one."""
    plain = text.plain.strip()
    numbered = _NUMBERING.match(plain)
    plain = plain[numbered.end() :] if numbered else plain
    for label, pattern in labels.items():
        if match := pattern.match(plain[:LONGEST]):
            return label, Text(plain[match.end() :].lstrip(" .):\u2013\u2014-"), text.line)
    return "", text


def _ends(block: AnyBlock, other: AnyBlock) -> bool:
    """True if what a block begins ends before another one: at a heading that is no lower than its own."""
    if not isinstance(other, Heading):
        return False
    return not isinstance(block, Heading) or other.level <= block.level


def _expression(label: str) -> re.Pattern[str]:
    """The expression for the start of an option's title: `Option A`, or the label with a separator."""
    name = r"\s+".join(map(re.escape, label.split()))
    alone = r"\s*(?:$|[.):|(\u2013\u2014/]|-\s)" if len(label) == 1 else r"(?!\w)"
    return re.compile(rf"(?:{_WORD}{name}(?!\w)|{name}{alone})", re.IGNORECASE)


def describes(document: Document, label: str) -> bool:
    """True if a document says anything of an option.

    Args:
        document: what may describe it.
        label: what it is called, such as `B`.
    """
    return any(words for _, words in described_options(document.blocks, [label]).get(label, ()))
