"""The required sections and options of an artifact, and their content for a reader."""

from __future__ import annotations

import re

from specguard.declaration.look_alikes import reading
from specguard.documents.blocks import AnyBlock, Heading, List, Paragraph, Section, Text, texts
from specguard.documents.completeness import content_of, plain_words
from specguard.documents.fields import IN_COMMENT, bold_words, matches_title, near_section, normal_title
from specguard.model import TYPE_CHECKING, Finding, cached_method, path_text, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.document import Document


def titles_of(artifact: Artifact, title: str) -> list[str]:
    """Return a title and its aliases; an alias with a star becomes the headings that it matches.

    A star matches any words, or none: `Owners for *`, `*Opening Order`.
    """
    aliases = artifact.contract.aliases_of(title)
    found = [title, *(alias for alias in aliases if "*" not in alias)]
    for alias in aliases:
        parts = [re.escape(normal_title(part)) for part in alias.split("*")]
        pattern = ".*".join(rf"\b{part}\b" if part else "" for part in parts)
        headings = [one.heading.text.plain for one in artifact.document.sections if len(parts) > 1]
        found += [one for one in headings if re.fullmatch(pattern, normal_title(one))]
    return found


MOST_LINES: Final = 5
"""The maximum number of lines named in a message."""


def missing_sections(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about missing, duplicate and forbidden sections.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    contract = artifact.contract
    path = path_text(artifact.path)
    for index, title in enumerate(contract.sections):
        setting, key = f"sections.{index}", normal_title(title)
        found = find_titled(artifact, title)
        if not found:
            yield artifact.finding(setting, key, *_missing_message(artifact, title))
        again = _duplicates(found) if found else ()
        if len(again) > 1:
            lines = ", ".join(str(section.line) for section in again[:MOST_LINES])
            times = f"{len(again)} times, in lines {lines}: one could contradict another"
            message = f"{path} has the section {title!r} {times}"
            help, line = "Make one section of them.", again[1].line
            yield artifact.finding(setting, f"again {key}", message, help, line)
    reported: set[int] = set()
    for index, title in enumerate(contract.forbidden_sections):
        forbidden = [text for text in _starting_with(artifact, title) if text.line not in reported]
        reported.update(text.line for text in forbidden)
        for first in forbidden[:1]:
            more = f", and {len(forbidden) - 1} more like it" if len(forbidden) > 1 else ""
            message = f"{path} has the section {shortened(first.plain)!r}{more}, which it must not have"
            key = f"forbidden {normal_title(title)}"
            yield artifact.finding(f"forbidden_sections.{index}", key, message, "Take it out.", first.line)


def empty_sections(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about required sections without content for a reader.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    contract = artifact.contract
    required = {title: found for title in contract.sections if (found := find_titled(artifact, title))}
    for index, title in enumerate(contract.sections):
        for section in required.get(title, ())[:1]:
            others = [found[0] for name, found in required.items() if name != title]
            content = content_of(_own_blocks(section, others), contract.placeholders)
            problem = {
                "nothing": f"only says {content.text!r}, without a reason",
                "placeholder": f"only has a placeholder: {shortened(content.text)!r}",
                "blank": "is empty to a reader: what is hidden or in a comment does not count",
            }.get(content.kind)
            if problem:
                help = "Write what belongs there, or why there is nothing."
                help = "Say why there is nothing, in one sentence." if content.kind == "nothing" else help
                message = f"the section {title!r} {problem}"
                line = content.line or section.line
                yield artifact.finding(f"sections.{index}", normal_title(title), message, help, line)


@cached_method
def find_titled(artifact: Artifact, title: str) -> Sequence[Section]:
    """Return the sections with a title at the highest level that has one; the one that counts comes first."""
    titles = titles_of(artifact, title)
    first = artifact.document.section(*titles)
    if first is None:
        return []
    wanted = set(map(normal_title, titles))
    titled = [one for one in artifact.document.sections if normal_title(one.heading.text.plain) in wanted]
    same = [one for one in titled if not one.has_invisible]
    level = min((one.level for one in same), default=first.level)
    return sorted([one for one in same if one.level == level] or [first], key=lambda one: one is not first)


def _duplicates(found: Sequence[Section]) -> Sequence[Section]:
    """Return the first section and those whose headings match all of its words, in order.

    `Plan: servers` and `Plan: clients` are two sections, and so are two sections with different aliases.
    """
    words = found[0].heading.text.rendered
    titles = [(one, one.heading.text.rendered) for one in found]
    same = [one for one, other in titles if matches_title(other, words) and matches_title(words, other)]
    return sorted(same, key=lambda one: one.line)


def _starting_with(artifact: Artifact, title: str) -> Iterator[Text]:
    """Yield the headings, then the lines in bold, that begin with a title, or name it behind another.

    Examples are `Rollback plan` and `Rollout & rollback`.
    """
    wanted = [f" and {normal_title(name)} " for name in titles_of(artifact, title)]
    paragraphs = [one.text for one in artifact.document.blocks if isinstance(one, Paragraph)]
    for text in [*(one.heading.text for one in artifact.document.sections), *filter(bold_words, paragraphs)]:
        forms = (text.plain, text.rendered, reading(text.rendered))
        # The slashes of a path separate no titles.
        joined = (one.replace("/" if one.count("/") == 1 else " / ", " & ") for one in forms)
        said = "".join(f" and {normal_title(one)} " for one in joined)
        if any(name in said for name in wanted):
            yield text


def _missing_message(artifact: Artifact, title: str) -> tuple[str, str, int | None]:
    """Return the message about a missing section, the next step, and the line of the most similar text."""
    document = artifact.document
    message = f"{path_text(artifact.path)} has no section {title!r}"
    if document.problem:
        message += f" that could be read: {document.problem.message}"
        return message, "Make it a Markdown file in UTF-8.", None
    near = near_section(document, title, *artifact.contract.aliases_of(title))
    if near is None:
        return message, f"Add a heading {title!r} with what belongs there.", None
    message += f"; line {near.line} has {shortened(near.text)!r}, which is {near.reason}"
    where = "outside the comment" if near.reason == IN_COMMENT else "there"
    return message, f"Make it a heading {title!r} {where}, if that is meant.", near.line


def _own_blocks(section: Section, others: Sequence[Section]) -> Sequence[AnyBlock]:
    """Return the blocks of a section, without other required sections inside it."""
    inside = [other for other in others if section.line < other.line <= section.end]
    theirs = {line for other in inside for line in range(other.line, other.end + 1)}
    return [block for block in section.blocks if block.line not in theirs]


LONGEST_LABEL: Final = 300
"""The maximum number of characters of a line that are searched for an option's label."""

# An emoji or a number before an option's label.
_LEADING: Final = re.compile(r"\A(?:[^\w\s(\[\"'`]+\s+)?(?:[0-9][0-9.]{0,20}(?:[.)]|\ufe0f?\u20e3)?\s+)?")
_BOLD: Final = ("**", "__")
_OPTION_WORD: Final = r"(?:option|alternative|approach|variant|choice|solution|proposal|plan)\s*[#:]?\s*"


def missing_options(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about options that are not described, or have the same description as another one.

    Raises:
        MissingFact: the artifact's object is missing.
    """
    labels = artifact.contract.options
    found = described_options(artifact.document.blocks, labels, artifact.contract.placeholders)
    descriptions: dict[str, str] = {}
    for index, label in enumerate(labels):
        setting = f"options.{index}"
        described = found.get(label, [])
        line, words = next(((line, words) for line, words in described if words), (None, ""))
        if not words:
            message = f"{path_text(artifact.path)} has no option {label}"
            message = f"option {label} is named, and nothing is said of it" if described else message
            line = described[0][0] if described else None
            help = f"Describe it below a heading 'Option {label}: ...'."
            yield artifact.finding(setting, f"option {label}", message, help, line)
        elif words in descriptions:
            message = f"option {label} is option {descriptions[words]}, word for word"
            yield artifact.finding(setting, f"same {label}", message, "Describe another one.", line)
        else:
            descriptions[words] = label


def described_options(
    blocks: Sequence[AnyBlock], labels: Sequence[str], placeholders: Sequence[str] = ()
) -> dict[str, list[tuple[int, str]]]:
    """Return the descriptions of each option by its label; an option without any is left out.

    Args:
        blocks: the blocks of a document.
        labels: the names of the options.
        placeholders: texts that do not count as content.

    Returns:
        For each description, its first line and its words for comparison; the words are empty if a reader
        sees no content.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for label, line, body in _find_options(blocks, {label: _label_pattern(label) for label in labels}):
        words = plain_words(" ".join(text.plain for text in texts(body)))
        # A picture is content without words.
        words = (words or "picture") if content_of(body, placeholders).kind == "content" else ""
        found.setdefault(label, []).append((line, words))
    return found


def _find_options(
    blocks: Sequence[AnyBlock], labels: Mapping[str, re.Pattern[str]]
) -> Iterator[tuple[str, int, list[AnyBlock]]]:
    """Yield the options that blocks describe: label, line, and the blocks of the description."""
    for at, block in enumerate(blocks):
        if isinstance(block, List):
            for item in block.items:
                label, rest = _split_label(item.text, labels)
                if label:
                    yield label, item.line, [Paragraph(rest), *item.rest]
                else:
                    yield from _find_options([one for one in item.rest if isinstance(one, List)], labels)
        elif label := _option_of(block, labels):
            below = blocks[at + 1 :]
            ends = (to for to, one in enumerate(below) if _option_of(one, labels) or _ends_option(block, one))
            body = below[: next(ends, len(below))]
            # The description may begin after the label of a paragraph.
            own = [Paragraph(_split_label(block.text, labels)[1])] if isinstance(block, Paragraph) else []
            yield label, block.line, [*own, *body]


def _option_of(block: AnyBlock, labels: Mapping[str, re.Pattern[str]]) -> str:
    """Return the option whose description a heading or a bold paragraph begins; empty without one."""
    # A sentence may begin with a single letter, so a paragraph must have its label in bold.
    if isinstance(block, Paragraph) and not block.text.raw.lstrip().startswith(_BOLD):
        return ""
    return _split_label(block.text, labels)[0] if isinstance(block, Heading | Paragraph) else ""


def _split_label(text: Text, labels: Mapping[str, re.Pattern[str]]) -> tuple[str, Text]:
    """Return the option whose label a text begins with, and the text after it; empty without one."""
    plain = _LEADING.sub("", text.plain.strip())
    for label, pattern in labels.items():
        if match := pattern.match(plain[:LONGEST_LABEL]):
            return label, Text(plain[match.end() :].lstrip(" .):\u2013\u2014-"), text.line)
    return "", text


def _ends_option(block: AnyBlock, other: AnyBlock) -> bool:
    """True if `other` ends the description that `block` begins: it is a heading, and not below `block`."""
    return isinstance(other, Heading) and (not isinstance(block, Heading) or other.level <= block.level)


def _label_pattern(label: str) -> re.Pattern[str]:
    """Return a pattern for the start of an option's title: `Option A`, or the label with a separator."""
    name = r"\s+".join(map(re.escape, label.split()))
    bare_end = r"\s*(?:$|[.):|(\u2013\u2014/]|-\s)" if len(label) == 1 else r"(?!\w)"
    return re.compile(rf"(?:{_OPTION_WORD}\(?{name}(?!\w)|\(?{name}{bare_end})", re.IGNORECASE)


def describes_option(document: Document, label: str) -> bool:
    """True if a document has a description of an option.

    Args:
        document: the document.
        label: the label of the option, such as `B`.
    """
    titles = [one for one in document.blocks if isinstance(one, Heading) and one.level == 1]
    # A title stands alone; an option that is the only heading of the first level has a letter.
    blocks = [one for one in document.blocks if len(label) == 1 or [one] != titles]
    return any(words for _, words in described_options(blocks, [label]).get(label, ()))
