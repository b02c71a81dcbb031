"""The order of authority among documents, and statements of lower documents that contradict higher ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from specguard.authority.policy import Policy
from specguard.authority.settings import AuthorityKey
from specguard.change.tree import Documents
from specguard.declaration.characters import strip_invisible
from specguard.declaration.patterns import Selecting
from specguard.declaration.regular_expressions import Expression
from specguard.documents.completeness import is_todo
from specguard.documents.data import data_kind
from specguard.documents.document import Document
from specguard.documents.fields import Field, find_fields, normal_name
from specguard.errors import MissingFact
from specguard.model import Record, path_text, shortened
from specguard.specs.spec_fields import visible_lines

LONGEST: Final = 10_000
"""The most characters of a line that is searched for a statement."""

_NOT_ALPHANUMERIC: Final = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())
_WITHOUT_MARKS: Final = str.maketrans("", "", "*`")
_TAG: Final = re.compile(rb"<[^<>]{0,1000}>")
# In an expression `^` and `$`, but for those that are escaped, quoted or in a class.
_ENDS: Final = re.compile(r"(\\Q.*?(?:\\E|$)|\\[pP]\{\^|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])|[\^$]")


class KeyStatement(Record):
    """The value that a document states for a key.

    Attributes:
        path: the document.
        line: the line.
        value: the value as it is written, on one line.
        rank: the index of the document's pattern in the order; 0 is the highest.
    """

    path: bytes
    line: int
    value: str
    rank: int

    @property
    def place(self) -> str:
        """The file and line, as messages name them."""
        return f"{path_text(self.path)}:{self.line}"


class Contradiction(Record):
    """A statement of a lower document, and the statement of a higher document that it contradicts.

    Attributes:
        key: the index of the key in the policy's list.
        name: the key's name.
        lower: the statement of the lower document.
        higher: the statement of the higher document.
    """

    key: int
    name: str
    lower: KeyStatement
    higher: KeyStatement

    @property
    def message(self) -> str:
        """The sentence about what the two documents say."""
        other = f"{self.higher.place}, which goes before it, that it is {shortened(self.higher.value, 80)!r}"
        value = shortened(self.lower.value, 80)
        return f"{path_text(self.lower.path)} says that {self.name} is {value!r}, and {other}"


def contradictions(
    policy: Policy, documents: Documents, is_judged: Callable[[bytes], bool]
) -> Iterator[Contradiction]:
    """Yield the statements of lower documents that contradict higher ones.

    The highest document that states a key decides its value. If several documents of that rank state it, a
    lower document may agree with any of them. Documents of one rank have no order among themselves.

    Args:
        policy: has the order of the documents, and the keys to compare.
        documents: the documents of the judged tree.
        is_judged: returns True if a document is judged. A contradiction needs only one such document.

    Raises:
        MissingFact: a document cannot be read. It is raised after all contradictions of the other documents.
    """
    ranked, keys = _rank_documents(policy.ranks, documents), policy.keys
    if not any(is_judged(path) for path, _ in ranked):
        return
    documents.prefetch(path for path, _ in ranked)
    unread: list[bytes] = []
    statements: list[list[KeyStatement]] = [[] for _ in keys]
    for path, rank in ranked:
        stated = _read_statements(keys, documents, path, rank)
        if stated is None:
            unread.append(path)
            continue
        for number, statement in stated:
            statements[number].append(statement)
    for number, (key, found) in enumerate(zip(keys, statements, strict=True)):
        highest = min((one.rank for one in found), default=0)
        deciding = [one for one in found if one.rank == highest]
        values = {_normalize(one.value) for one in deciding}
        for one in found:
            if one.rank == highest or _normalize(one.value) in values:
                continue
            if is_judged(one.path) or any(is_judged(other.path) for other in deciding):
                yield Contradiction(number, key.name, one, deciding[0])
    if unread:
        what = f"{path_text(unread[0])}, which has a place in the order, cannot be read"
        raise MissingFact(what, code="unreadable-file")


def _read_statements(
    keys: Sequence[AuthorityKey], documents: Documents, path: bytes, rank: int
) -> list[tuple[int, KeyStatement]] | None:
    """Return the statements of a document, each with the index of its key; None if it cannot be read."""
    wanted = [number for number, key in enumerate(keys) if _may_state(key, documents, path)]
    if not wanted:
        return []
    document = documents.read(path) if data_kind(path) is None else None
    data = documents.data(path)
    if (document and document.problem) or (data and data.problem):
        return None
    fields = documents.fields(path) if any(keys[one].pattern is None for one in wanted) else ()
    return [
        (number, KeyStatement(path, line, " ".join(value.split()), rank))
        for number in wanted
        for line, value in _statements(keys[number], fields, _lines(documents, path, document))
        if _normalize(value) and not is_todo(value)
    ]


def _rank_documents(ranks: Selecting, documents: Documents) -> list[tuple[bytes, int]]:
    """Return the files that the order names, each with the index of the first pattern that matches it."""
    paths = documents.tree.paths()
    found = [(paths[position], rank) for position, rank in ranks.find_each(paths)]
    return [(path, rank) for path, rank in found if (entry := documents.tree.find(path)) and entry.is_file]


def _may_state(key: AuthorityKey, documents: Documents, path: bytes) -> bool:
    """Return True if a document may state a key, so that most files, such as images, are never parsed."""
    content = (documents.content(path) or b"").replace(b"\r\n", b"\n").replace(b"\r", b" ")
    # An image has a NUL, and cannot be read.
    is_text = b"\0" not in content
    if key.pattern is not None:
        # In Markdown, the ends of a text are not those of a line: the marker of an item comes before it.
        text = _ENDS.sub(lambda found: found[1] or "(?:)", key.pattern.text) if is_text else key.pattern.text
        return any(map(Expression(text).may_match_line, (content, content.translate(None, b"*`"))))
    name = normal_name(key.name)
    # Data may spell a name with escapes.
    is_escaped = is_text and any(map(content.count, (b"\\x", b"\\u", b"\\U")))
    return is_escaped or not (name.isascii() and name.isalnum()) or name.encode("ascii") in _words(content)


@lru_cache(maxsize=1)
def _words(content: bytes) -> bytes:
    """Return the letters and digits of a document, without markup that may split a name."""
    content = _TAG.sub(b"", content)
    if b"&" in content:
        from html import unescape

        content = unescape(content.decode("utf-8", "replace")).encode("utf-8", "replace")
    return content.lower().translate(None, _NOT_ALPHANUMERIC)


def _statements(
    key: AuthorityKey, fields: Sequence[Field], lines: Iterator[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    """Yield the lines and values that a document states for a key, from its fields or its visible lines."""
    if key.pattern is not None:
        for line, written in (one for one in lines if len(one[1]) <= LONGEST):
            text = written if key.pattern.search(written) else written.translate(_WITHOUT_MARKS)
            if key.pattern.search(text):
                yield line, key.pattern.capture(text) or ""
        return
    for field in find_fields(fields, key.name):
        if key.form != "front matter" or field.form in {"front matter", "data"}:
            yield field.line, field.value


def _lines(documents: Documents, path: bytes, document: Document | None) -> Iterator[tuple[int, str]]:
    """Yield the lines that a reader sees, front matter included, with their numbers."""
    if document is None:
        text = (documents.content(path) or b"").decode("utf-8", "replace")
        yield from enumerate(text.replace("\r\n", "\n").split("\n"), 1)
        return
    if document.front_matter is not None:
        yield from enumerate(document.front_matter.split("\n")[:-1], 2)
    yield from visible_lines(document.blocks)


def _normalize(value: str) -> str:
    """Normalize a value for comparison: drop Markdown marks, quotes, extra white space, final punctuation."""
    return " ".join(strip_invisible(value).split()).strip("`*_\"' ").rstrip(".;, ").strip("`*_\"' ")
