"""Headings as people write them: which one is meant by a title, and what only comes near to it.

Case, numbering, level, emphasis, punctuation and emoji around the words, and a qualifier behind them do not
count: `## 2.3 RISKS (draft)`, `# Risks - v2` and `### ✅ Risks:` all are "Risks". Letters do: one of another
script that looks the same makes another word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

from specguard.declaration.rule import Record
from specguard.documents.characters import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.documents.blocks import Section, Text
    from specguard.documents.document import Document

LONGEST: Final = 300
"""A heading of more characters is no title that anyone asks for."""

MOST_COMPARED: Final = 500
"""Of so many headings it is told whether they are spelt nearly as a title is."""

LEAST_LIKENESS: Final = 0.8
"""How much of two spellings must agree (`difflib.SequenceMatcher.ratio`) for one to be the other misspelt."""

_NUMBER: Final = r"(?:\u00a7\s*)?[0-9]+(?:\.[0-9]+)*[a-z]?"
_NUMBERING: Final = re.compile(rf"{_NUMBER}[.):]?\s+")
# All expressions from here on are compiled when they are first needed, which is not where a policy is read.
# Of a title in the policy only what cannot be a word of it is numbering.
_SURE_NUMBERING: Final = rf"{_NUMBER}[.):]\s+|[0-9]+(?:\.[0-9]+)+\s+|\u00a7\s*[0-9]+\s+"
_LEADING: Final = (
    rf"\W*(?:[0-9]\ufe0f?\u20e3\s*|[(\[]?{_NUMBER}[)\]]\s*[-:.]?\s+|#[0-9]+\s+"
    rf"|{_NUMBER}[.):]?\s+(?:[-\u2013\u2014|]\s+)?)"
)
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_BRACKETS: Final = re.compile(r"[(\uff08\[\u3010][^()\uff08\uff09\[\]\u3010\u3011]*[)\uff09\]\u3011]")
_SUFFIX: Final = re.compile(r"\s[-\u2013\u2014]+\s.*|[\u2014:\uff1a].*")
# `{#risks}` and `{: .class}` give a heading an anchor or a style.
_ATTRIBUTES: Final = r"\s*\{[#:.][^{}]*\}\s*$"
_QUALIFIER: Final = (
    r"(?s)\s*[(\uff08\[\u3010][^()\uff08\uff09\[\]\u3010\u3011]*[)\uff09\]\u3011]\W*$"
    r"|\s[-\u2013\u2014~|/\u2022\u00b7]+\s.*$|\s?[\u2013\u2014].*$|[:\uff1a].*$"
)
_TAGS: Final = r"</?[A-Za-z][^<>]*>"
_BOLD: Final = r"(?s)\s*(\*\*|__)(?!\s)(.+?)(?<!\s)\1(.*)"


COMMENTED: Final = "in a comment"
_MARKS: Final = " \t>#*_-+<!"
_ALIKE: Final = "with letters that only look alike"


def normal_title(title: str) -> str:
    """A heading's words alone, for comparison.

    Case, numbering, what stands in brackets or behind a dash or colon, and punctuation do not count:
    `3. LOCKED ZONES (immutable)` and `Locked zones - do not modify` are both `locked zones`.
    """
    words = _BRACKETS.sub(" ", title.casefold()).strip()
    numbering = _NUMBERING.match(words)
    words = words[numbering.end() :] if numbering else words
    return _words(_SUFFIX.sub("", words))


class Near(Record):
    """Something that comes near to a section that is not there.

    Attributes:
        line: where it stands, from 1.
        text: its words, as they are written.
        why: why it is not the section, to follow its words: `in a comment`, `no heading there`, `spelt
            differently`, `with letters that only look alike`, `with characters that cannot be seen`.
    """

    line: int
    text: str
    why: str


def find_section(document: Document, title: str, *, aliases: Iterable[str] = ()) -> Section | None:
    """The first section with a title, compared as people write headings; None where there is none.

    A heading that says just that goes before one with a qualifier. One with characters in it that show as
    nothing where they have no business is none: whatever searches the file for the title does not find it.

    Args:
        document: where it is looked for.
        title: the title.
        aliases: other titles that stand for it.
    """
    found = find_sections(document, title, aliases=aliases)
    return next((section for section in found if not is_strange(section)), None)


def is_strange(section: Section) -> bool:
    """Whether a heading has characters that show as nothing where they have no business."""
    text = section.heading.text
    return text.strange or visible(text.rendered) != text.rendered


def find_sections(document: Document, title: str, *, aliases: Iterable[str] = ()) -> Sequence[Section]:
    """All sections with a title, first those that say just that; arguments as for `find_section`."""
    wanted = {form for one in (title, *aliases) for form in _wanted(one)}
    exact: list[Section] = []
    qualified: list[Section] = []
    for section in document.sections:
        full, short = _forms(section.heading.text.rendered)
        if not wanted.isdisjoint(full):
            exact.append(section)
        elif not wanted.isdisjoint(short):
            qualified.append(section)
    return exact + qualified


def same_title(heading: str, title: str) -> bool:
    """Whether a heading's words, as a reader sees them, are meant by a title."""
    return any(not _wanted(title).isdisjoint(forms) for forms in _forms(heading))


def near_section(document: Document, title: str, *, aliases: Iterable[str] = ()) -> Near | None:
    """What comes nearest to a section that is not there; None where nothing does.

    Args:
        document: where it is looked for; `find_section` has found nothing.
        title: the title.
        aliases: other titles that stand for it.
    """
    from difflib import get_close_matches

    from specguard.declaration.look_alikes import reading

    wanted = {form for one in (title, *aliases) for form in _wanted(one)}
    readings = {reading(form) for form in wanted}
    there: dict[str, Section] = {}
    for section in document.sections[:MOST_COMPARED]:
        words, unseen = section.heading.text.rendered, is_strange(section)
        forms = frozenset[str]().union(*_forms(words))
        if (unseen or not words.isascii()) and any(reading(form) in readings for form in forms):
            return Near(section.line, words, "with characters that cannot be seen" if unseen else _ALIKE)
        there.update(dict.fromkeys(forms - there.keys(), section))
    matter = 0 if document.front_matter is None else document.front_matter.count("\n") + 2
    # Every form keeps the words of a title in this order, so that few lines need a closer look.
    first = {form.split()[0] for form in wanted}
    for number, line in enumerate(document.source_lines[matter:], start=matter + 1):
        if not any(word in line.casefold() for word in first):
            continue
        words = re.sub(_TAGS, "", line[:LONGEST]).strip(_MARKS)
        if not wanted.isdisjoint(_forms(words)[0]):
            said = (one.strip(_MARKS) for at, one in document.commented() if at <= number)
            return Near(number, line.strip(), COMMENTED if words in said else "no heading there")
    for form in sorted(wanted):
        for close in get_close_matches(form, there, n=1, cutoff=LEAST_LIKENESS):
            return Near(there[close].line, there[close].heading.text.rendered, "spelt differently")
    return None


def bold_words(text: Text) -> str:
    """The words of a paragraph that is bold as a whole; empty for any other one."""
    if "\n" in text.raw.strip() or len(text.raw) > LONGEST:
        return ""
    bold = re.fullmatch(_BOLD, text.raw)
    return bold[2] if bold and not bold[3].strip(" \t:.\uff1a") else ""


def _wanted(title: str) -> set[str]:
    """The forms of a title in a policy."""
    folded = normalize("NFC", visible(title)).casefold().strip()
    numbering = re.match(_SURE_NUMBERING, folded)
    forms = {_words(folded), _words(folded[numbering.end() :]) if numbering else ""}
    return forms - {""}


@lru_cache(maxsize=4096)
def _forms(heading: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a heading may be called: by all its words, and without the qualifier behind them."""
    if len(heading) > LONGEST:
        return frozenset(), frozenset()
    folded = re.sub(_ATTRIBUTES, "", normalize("NFC", visible(heading)).casefold()).strip()
    starts = {folded}
    numbering = re.match(_LEADING, folded)
    if numbering:
        starts.add(folded[numbering.end() :])
    full = {_words(one) for one in starts}
    short: set[str] = set()
    for one in starts:
        while qualifier := re.search(_QUALIFIER, one):
            one = one[: qualifier.start()]
            short.add(_words(one))
    return frozenset(full - {""}), frozenset(short - full - {""})


def _words(text: str) -> str:
    """The words of a text in small letters, one space between them."""
    text = text.casefold().replace("&", " and ")
    if text.isascii():
        return _NO_WORD.sub(" ", text).strip()
    return " ".join("".join(char if _in_word(char) else " " for char in text).split())


def _in_word(char: str) -> bool:
    # Of the digits, those in circles or raised are decoration. A mark belongs to the letter before it.
    return char.isalpha() or char.isdecimal() or (not char.isascii() and _is_mark(char))


def _is_mark(char: str) -> bool:
    from unicodedata import category

    return category(char) in {"Mn", "Mc"} and not "\ufe00" <= char <= "\ufe0f"
