"""Find sections and fields by the names that people give them.

Headings are compared without case, numbering, level, emphasis, punctuation, emoji and a trailing qualifier:
`## 2.3 RISKS (draft)`, `# Risks - v2` and `### ✅ Risks:` are all "Risks". Letters must be the same; a
look-alike from another script makes another word.

Fields are found at the top level of a document and in lists, but never in quotes, code or comments. Their
forms are:

    - front matter, and the keys of a structured file; a dot joins the names of nested keys;
    - `Key: value` on its own line, or several on one line separated by `|`, a middle dot or a bullet;
    - `- Key: value`, also after a ticked checkbox; an item that is not ticked has no fields;
    - `**Key:** value`, `**Key**: value`, or only the label on the line before the value;
    - a label that ends with a colon and has no value: the following list or paragraph is its value;
    - a row `| Key | value |` of a table with two columns, or with a `Field` or `Value` header;
    - a table of three or more columns with one row below its header: each column is a field.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, normalize

from specguard.declaration.characters import strip_invisible
from specguard.documents.blocks import AnyBlock, List, Paragraph, Section, Table, Text
from specguard.documents.data import Data, as_text, dotted
from specguard.documents.inline import TAGS
from specguard.documents.list_items import without_box
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.documents.document import Document

    Form = Literal["front matter", "line", "bullet", "bold", "table", "data"]


Place = tuple[str | int, ...]
"""The keys and positions that lead to a value of a data file."""

LONGEST_TITLE: Final = 300
"""A longer heading, in characters, cannot match a title."""

MOST_COMPARED: Final = 500
"""The maximum number of headings that are compared with a misspelt one."""

LEAST_LIKENESS: Final = 0.8
"""The minimum similarity of a misspelling (`difflib.SequenceMatcher.ratio`)."""

_NUMBER: Final = r"(?:\u00a7\s*)?[0-9]+(?:\.[0-9]+)*[a-z]?"
_NUMBERING: Final = re.compile(rf"\A{_NUMBER}[.):]?\s+")
# The string patterns below are compiled on first use, since reading a policy does not need them.
# In a title from the policy, only text that cannot be a word counts as numbering.
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
_REMARK: Final = (
    r"(?s)\s*[(\uff08\[\u3010][^()\uff08\uff09\[\]\u3010\u3011]*[)\uff09\]\u3011]\W*$"
    r"|\s[-\u2013\u2014~|/\u2022\u00b7]+\s.*$|\s?[\u2013\u2014].*$|[:\uff1a].*$"
)
_BOLD: Final = r"(?s)\s*(\*\*|__)(?!\s)(.+?)(?<!\s)\1(.*)"


IN_COMMENT: Final = "in a comment"
_MARGIN: Final = " \t>#*_-+<!"
_ALIKE: Final = "with letters that only look alike"


def normal_title(title: str) -> str:
    """Return only the words of a heading, for comparison.

    Case, numbering, punctuation, text in brackets and text after a dash or colon do not count: `3. LOCKED
    ZONES (immutable)` and `Locked zones - do not modify` are both `locked zones`.
    """
    # `{#risks}` gives a heading an anchor.
    title = title.partition("{#")[0] if title.endswith("}") else title
    words = _NUMBERING.sub("", _BRACKETS.sub(" ", title.casefold()).strip())
    return _words(_SUFFIX.sub("", words))


class Near(Record):
    """A text similar to a missing section.

    Attributes:
        line: its line, from 1.
        text: its words, as they are written.
        reason: the reason why it does not match, to follow its words: `in a comment`, `no heading there`,
            `spelt differently`, `with more words`, `with letters that only look alike`, `with characters that
            cannot be seen`.
    """

    line: int
    text: str
    reason: str


def find_sections(document: Document, *titles: str) -> Sequence[Section]:
    """Return all sections with one of some titles, compared as people write headings; exact matches first."""
    wanted = {form for title in titles for form in _title_forms(title)}
    exact: list[Section] = []
    qualified: list[Section] = []
    for section in document.sections:
        full, short = _heading_forms(section.heading.text.rendered)
        if not wanted.isdisjoint(full):
            exact.append(section)
        elif not wanted.isdisjoint(short):
            qualified.append(section)
    return exact + qualified


def matches_title(heading: str, title: str) -> bool:
    """True if the words of a heading, as a reader sees them, match a title."""
    return any(not _title_forms(title).isdisjoint(forms) for forms in _heading_forms(heading))


def near_section(document: Document, *titles: str) -> Near | None:
    """Return the text most like a missing section with one of some titles; None if nothing is similar."""
    from specguard.declaration.look_alikes import reading

    wanted = {form for title in titles for form in _title_forms(title)}
    readings = {reading(form) for form in wanted}
    known: dict[str, tuple[int, str]] = {}
    for section in document.sections[:MOST_COMPARED]:
        words, invisible = section.heading.text.rendered, section.has_invisible
        forms = frozenset[str]().union(*_heading_forms(words))
        if (invisible or not words.isascii()) and any(reading(form) in readings for form in forms):
            return Near(section.line, words, "with characters that cannot be seen" if invisible else _ALIKE)
        known.update(dict.fromkeys(forms - known.keys(), (section.line, words)))
    matter = 0 if document.front_matter is None else document.front_matter.count("\n") + 2
    # Every form keeps the order of a title's words, so few lines need the full comparison.
    first = {form.split()[0] for form in wanted}
    for number, line in enumerate(document.source_lines[matter:], start=matter + 1):
        if not any(word in line.casefold() for word in first):
            continue
        words = TAGS.sub("", line[:LONGEST_TITLE]).strip(_MARGIN)
        if not wanted.isdisjoint(_heading_forms(words.partition(":")[0])[0]):
            comments = (one.strip(_MARGIN) for at, one in document.commented() if at <= number)
            return Near(number, line.strip(), IN_COMMENT if words in comments else "no heading there")
    return _near_spelling(sorted(wanted), known)


def _near_spelling(names: Iterable[str], known: Mapping[str, tuple[int, str]]) -> Near | None:
    """Return the line and text that is known by more words than, or nearly by, the first name with one."""
    from difflib import get_close_matches

    for name in names:
        longer = [one for one in known if f" {name} " in f" {one} "]
        for close in longer[:1] or get_close_matches(name, known, n=1, cutoff=LEAST_LIKENESS):
            return Near(*known[close], "with more words" if longer else "spelt differently")
    return None


def bold_words(text: Text) -> str:
    """Return the words of a paragraph that is bold as a whole; empty for any other one."""
    if "\n" in text.raw.strip() or len(text.raw) > LONGEST_TITLE:
        return ""
    bold = re.fullmatch(_BOLD, text.raw)
    return bold[2] if bold and not bold[3].strip(" \t:.\uff1a") else ""


def _title_forms(title: str) -> set[str]:
    """Return the normalized forms of a title from a policy."""
    folded = normalize("NFC", strip_invisible(title)).casefold().strip()
    numbering = re.match(_SURE_NUMBERING, folded)
    return {_words(folded), _words(folded[numbering.end() :]) if numbering else ""} - {""}


@lru_cache(maxsize=4096)
def _heading_forms(heading: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the normalized forms of a heading: with all words, and without a trailing qualifier."""
    if len(heading) > LONGEST_TITLE:
        return frozenset(), frozenset()
    folded = re.sub(_ATTRIBUTES, "", normalize("NFC", strip_invisible(heading)).casefold()).strip()
    numbering = re.match(_LEADING, folded)
    starts = {folded, folded[numbering.end() :] if numbering else folded}
    full = {_words(one) for one in starts}
    short: set[str] = set()
    for one in starts:
        while qualifier := re.search(_REMARK, one):
            one = one[: qualifier.start()]
            short.add(_words(one))
    return frozenset(full - {""}), frozenset(short - full - {""})


def _words(text: str) -> str:
    """Return the words of a text in lower case, with single spaces between them."""
    text = text.casefold().replace("&", " and ")
    if text.isascii():
        return _NO_WORD.sub(" ", text).strip()
    return " ".join("".join(char if _in_word(char) else " " for char in text).split())


def _in_word(char: str) -> bool:
    # Circled and superscript digits are decoration. A combining mark belongs to the letter before it.
    is_mark = category(char) in {"Mn", "Mc"} and not "\ufe00" <= char <= "\ufe0f"
    return is_mark or char.isalpha() or char.isdecimal()


LONGEST_NAME: Final = 80
"""The maximum length of a field's name, in characters; a longer text is a sentence."""

MOST_KEYS: Final = 3
"""The maximum number of nested keys in one name, as in `review.last.date`."""

_FIELD_SEPARATOR: Final = re.compile(r"\s[|·•]\s")
_MARKS: Final = ("***", "**", "__", "*", "_", "`")
_COLONS: Final = (":", "\uff1a")
QUALIFIER: Final = re.compile(r"\s*[(\[\uff08][^()\[\]\uff08\uff09]*[)\]\uff09]$")
"""A remark in brackets at the end of a name or a status."""

_NAME_TITLES: Final = frozenset({"field", "key", "property", "attribute", "setting", "metadata"})


class Field(Record):
    """A field and its value.

    Attributes:
        name: its name as it is written, without marks and colon.
        value: its value on one line, without the marks of emphasis, code and links. The items of a list are
            joined with `, `.
        line: its line, from 1.
        form: the form in which it is written.
    """

    name: str
    value: str
    line: int
    form: Form


def read_fields(document: Document) -> Sequence[Field]:
    """Return all fields of a Markdown document: those of the front matter first, then in order.

    If the front matter is invalid YAML, its reliable keys are included; see `Data.certain`.
    """
    matter = document.properties
    found = matter.certain.items()
    certain = (Field(key, _value_text(value), line, "front matter") for key, (value, line) in found)
    return [*key_fields(matter, matter.value, "front matter"), *certain, *block_fields(document.blocks)]


def find_fields(fields: Iterable[Field], *names: str) -> Sequence[Field]:
    """Return the fields that have one of these names, in order.

    Names are compared by `normal_name`. If a name does not match, it is compared again without a final part
    in brackets, as in `Last review (UTC)`.
    """
    wanted = {normal_name(name) for name in names}
    found = []
    for field in fields:
        name = field.name[: LONGEST_NAME + 1]
        if normal_name(name) in wanted or normal_name(QUALIFIER.sub("", name)) in wanted:
            found.append(field)
    return found


@lru_cache(1 << 11)
def normal_name(text: str) -> str:
    """Normalize a name or a status for comparison: case, `_`, `-` and spaces do not count.

    `in_progress`, `In progress` and `in-progress` are equal.
    """
    folded = normalize("NFC", text).casefold()
    return "".join(char for char in folded if char not in "_-\u2010\u2011" and not char.isspace())


def plain_value(raw: str) -> str:
    """Return a value as text on one line, without the marks of emphasis, code and links."""
    text = Text(raw.strip().removesuffix("\\"), 1)
    # A placeholder such as `<name>` renders as nothing; its source is returned instead.
    return " ".join((text.rendered.strip() or text.plain).split())


def key_fields(data: Data, values: Any, form: Form = "data", above: Place = ()) -> Iterator[Field]:
    """Yield the keys of a mapping of structured data as fields in order, including nested keys."""
    for key, value in values.items() if isinstance(values, dict) else ():
        path = (*above, key)
        yield Field(dotted(path), _value_text(value), data.line(path) or 1, form)
        if len(path) < MOST_KEYS:
            yield from key_fields(data, value, form, path)


def _value_text(value: Any) -> str:
    """Return a value of a structured file as text; null becomes an empty text."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value_text(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(filter(None, map(_value_text, value)))
    return " ".join(as_text(value).split())


def block_fields(blocks: Sequence[AnyBlock], *, bullet: bool = False) -> Iterator[Field]:
    """Yield the fields of blocks, in order; those of an item's own lines are `bullet`."""
    for position, block in enumerate(blocks):
        following = blocks[position + 1] if position + 1 < len(blocks) else None
        if isinstance(block, Paragraph):
            yield from _paragraph_fields(block.text, following, bullet=bullet and not position)
        elif isinstance(block, List):
            for item in block.items:
                if item.text.checked is not False:
                    yield from block_fields(item.blocks, bullet=True)
        elif isinstance(block, Table):
            yield from _table_fields(block)


def _paragraph_fields(text: Text, following: AnyBlock | None, *, bullet: bool) -> Iterator[Field]:
    """Yield the fields of a paragraph; the block after it may be the value of the last one."""
    lines = text.raw.split("\n")
    for number, line in enumerate(lines):
        parts = _line_fields(without_box(line) if not number else line.strip())
        for index, (name, raw, form) in enumerate(parts):
            value = plain_value(raw)
            if not value and index == len(parts) - 1:
                last = number + 1 == len(lines)
                value = _value_below(following) if last else _unlabelled_value(lines[number + 1])
            yield Field(name, value, text.line + number, "bullet" if bullet and form == "line" else form)


def _line_fields(line: str) -> list[tuple[str, str, Form]]:
    """Return the fields of one line, from its source or from its rendered text (`<b>Status:</b> done`)."""
    parts = _source_fields(line)
    unread = not parts or any("<" in name or "&" in name for name, _, _ in parts)
    if unread and ("<" in line or "&" in line):
        return _source_fields(Text(line, 1).rendered.strip())
    # Editors escape signs in a name: `last\_review: 2026-01-31`.
    return [(Text(name, 1).rendered if "\\" in name else name, value, form) for name, value, form in parts]


def _value_below(following: AnyBlock | None) -> str:
    """Return the value of a label at the end of a paragraph, from the block after it."""
    if isinstance(following, List):
        return ", ".join(filter(None, (plain_value(without_box(item.text.raw)) for item in following.items)))
    if isinstance(following, Paragraph):
        return _unlabelled_value(following.text.raw.split("\n", 1)[0])
    return ""


def _unlabelled_value(line: str) -> str:
    """Return a line as a value; empty if the line is a field itself."""
    return "" if _split_label(line.strip()) else plain_value(line)


def _source_fields(line: str) -> list[tuple[str, str, Form]]:
    """Return the fields of one line as (name, source of the value, form)."""
    first = _split_label(line)
    if first is None or not _FIELD_SEPARATOR.search(line):
        return [first] if first else []
    found: list[tuple[str, list[str], Form]] = []
    for part in _FIELD_SEPARATOR.split(line):
        label = _split_label(part.strip())
        if label is not None:
            name, value, form = label
            found.append((name, [value], form))
        elif found:
            found[-1][1].append(part)
    return [(name, " | ".join(values), form) for name, values, form in found]


def _split_label(line: str) -> tuple[str, str, Form] | None:
    """Return (name, text after it, form) of the label at the start of a line; None if there is none."""
    mark = next((mark for mark in _MARKS if line.startswith(mark)), "")
    if mark:
        end = line.find(mark, len(mark), LONGEST_NAME + 2 * len(mark) + 1)
        if end < 0:
            return None
        name = line[len(mark) : end].strip()
        rest = line[end + len(mark) :].lstrip()
        form: Form = "line" if mark == "`" else "bold"
        if name.endswith(_COLONS):
            name = name[:-1].strip()
        elif rest.startswith(_COLONS):
            rest = rest[1:]
        elif form == "line" or any(map(str.isalnum, rest)):
            return None
        elif (inner := _split_label(name)) is not None:
            name, rest = inner[0], f"{inner[1]} {rest}"
        return (name, rest, form) if _is_name(name) else None
    ends = [at for colon in _COLONS if (at := line.find(colon, 0, LONGEST_NAME + 1)) > 0]
    if not ends:
        return None
    name, rest = line[: min(ends)].strip(), line[min(ends) + 1 :]
    if line[min(ends)] == ":" and rest and not rest[0].isspace():
        return None
    return (name, rest, "line") if _is_name(name) else None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text[0].isalpha()


def _table_fields(table: Table) -> Iterator[Field]:
    header = [plain_value(cell.raw).rstrip(":\uff1a") for cell in table.header]
    if len(header) < 2:
        return
    if normal_name(header[0]) in _NAME_TITLES or normal_name(header[1]) == "value":
        rows = table.rows
    elif len(header) == 2:
        rows = [table.header, *table.rows]
    else:
        for name, cell in zip(header, table.rows[0] if len(table.rows) == 1 else (), strict=False):
            yield Field(name, plain_value(cell.raw), cell.line, "table")
        return
    for row in rows:
        yield Field(plain_value(row[0].raw).rstrip(":\uff1a"), plain_value(row[1].raw), row[0].line, "table")


class DataEntry(Record):
    """A mapping within structured data.

    Attributes:
        data: the data that contains it.
        key: its path in the data.
        value: its keys and values.
    """

    data: Data
    key: Place
    value: Mapping[str, Any]

    @property
    def line(self) -> int | None:
        """Its line, from 1; None if it is unknown."""
        return self.line_of()

    def line_of(self, *below: str | int) -> int | None:
        """Return the line of a value inside it."""
        return self.data.line((*self.key, *below))

    def field(self, *below: str | int) -> str:
        """Return the dotted key of the mapping, or of a value inside it."""
        return dotted((*self.key, *below))


def find_key(value: Mapping[str, Any], names: Iterable[str]) -> tuple[str, Any] | None:
    """Return the first of some names that is a key of a mapping, with its value.

    Names are compared by `normal_name`.
    """
    wanted = map(normal_name, names)
    return next((pair for name in wanted for pair in value.items() if normal_name(pair[0]) == name), None)
