"""What a work item's document says of paths: those an item may change, and those it asks to change."""

from __future__ import annotations

import re

from specguard.declaration.globs import PatternError
from specguard.declaration.patterns import Covering
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.documents.blocks import AnyBlock, Text
    from specguard.work.item import WorkItem

_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
# What may stand before the path in a list of files: `Create: src/x.py`, `**Modify** src/x.py`.
_LABEL = re.compile(
    r"^[*_]*(?:add|change|create|delete|doc|edit|extend|file|modify|new|remove|rewrite|test|update|write)"
    r"(?:s|d|ed|ing)?(?: file| files)?[*_]*\s*:?[*_]*\s+",
    re.IGNORECASE,
)
_PATH = re.compile(r"[^\s`'\"<>|;,()]+")
_LINES = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
_NEGATED = re.compile(
    r"\b(?:not|never|no|nor|neither|cannot|without|except|excluding|avoid|unchanged|untouched|forbidden"
    r"|prohibited|locked|frozen|off[ -]limits|out of scope|read[ -]only|instead of|rather than|only)\b|n't\b",
    re.IGNORECASE,
)
# In a list of allowed paths a comment may well say "no" or "only": what takes a path out is narrower.
_EXCEPTED = re.compile(
    r"\b(?:(?:do|must|may|shall|should|can) ?not|never"
    r"|not (?:to|be|allowed|included|in scope|touch|chang|edit|modif)"
    r"|except|excluding|excluded|avoid|unchanged|untouched|off[ -]limits|out of scope|read[ -]only|forbidden"
    r"|prohibited|locked|frozen)|n't\b|^(?:no|not|none|nothing)\b",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"^(?:out of scope|not in scope|outside|non ?goals|not included|excluded|exclusions|forbidden|off limits"
    r"|do not|don t|must not|never|locked|untouched|unchanged|prohibited)\b"
)

_VERB: Final = (
    "add|alter|append|change|create|delete|edit|extend|insert|modify|move|overwrite|patch|refactor|regenerate|"
    "remove|rename|replace|rewrite|touch|update|write"
)
_OBJECT: Final = (
    r"(?:\s|[*_:,&]|`[^`\n]+`|\b(?:the|a|an|all|and|or|both|existing|new|this|following|file|files|folder"
    r"|schema|spec|specification|document|contract|contents?|of)\b)*"
)
# The path is what is changed: "update the schema `docs/api/x.yaml`", "add a field to `docs/api/x.yaml`".
_ASKS = re.compile(
    rf"(?<![\w-])(?:{_VERB})\b(?:{_OBJECT}|(?:(?!\b(?:according|compared?|conform|corresponding|equal|links?"
    rf"|match|pointers?|pointing|references?|referring|relative|respect|similar|subject)\b)[^`.;:]){{0,80}}?"
    r"\b(?:to|into)\s+(?:the\s+)?(?:file\s+)?)$",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"`([^`\n]+)`|(?<![\w`/.-])((?:[\w.-]+/)+[\w.*-]*)")


class Ask:
    """A path that a document asks to change or names as allowed.

    Attributes:
        path: the path, or pattern, as it is written.
        line: its line in the document, from 1.
        allowed: whether it stands among the allowed paths; otherwise a sentence asks to change it.
    """

    __slots__ = ("allowed", "line", "path")

    def __init__(self, path: str, line: int, *, allowed: bool) -> None:
        self.path = path
        self.line = line
        self.allowed = allowed

    def __repr__(self) -> str:
        return f"Ask({self.path!r}, {self.line})"


class Scope:
    """The paths that an item may change.

    Attributes:
        paths: the patterns.
        document: the document that lists them; None where the policy does.
        lines: the line of each pattern in the document.
        unread: the lines of items in its lists that begin with no path, so that more may be meant.
    """

    __slots__ = ("document", "lines", "paths", "unread")

    def __init__(
        self,
        paths: Covering,
        document: bytes | None = None,
        lines: Sequence[int] = (),
        unread: Sequence[int] = (),
    ) -> None:
        self.paths = paths
        self.document = document
        self.lines = lines
        self.unread = unread


def scope_of(item: WorkItem) -> Scope:
    """The paths an item may change.

    Raises:
        NotApplicable: neither its kind nor its document states any.
        MissingFact: the document cannot be read.
    """
    if item.settings.scope:
        patterns = item.patterns(item.settings.scope)
        if not patterns:
            raise MissingFact(
                f"no pattern of {item.setting('scope')} can be filled in for {item}", code="incomplete-policy"
            )
        return Scope(Covering(patterns))
    path = item.document
    if path is None:
        raise NotApplicable(f"no scope is stated for {item}: it has no document")
    found = listed_paths(item.document_text or "", item.settings.scope_sections)
    listed = [ask for ask in found if ask.path]
    if not listed:
        titles = " or ".join(item.settings.scope_sections) or "scope"
        raise NotApplicable(f"no scope is stated for {item}: {path_text(path)} lists no paths under {titles}")
    unread = [ask.line for ask in found if not ask.path]
    return Scope(Covering([ask.path for ask in listed]), path, [ask.line for ask in listed], unread)


def asks_of(item: WorkItem) -> list[Ask]:
    """The paths that an item's document names as allowed or asks to change, by line.

    Raises:
        MissingFact: the document cannot be read.
    """
    text = item.document_text or ""
    asks = [ask for ask in listed_paths(text, item.settings.scope_sections) if ask.path]
    taken = {(ask.path, ask.line) for ask in asks}
    asks.extend(ask for ask in _asked(text) if (ask.path, ask.line) not in taken)
    return sorted(asks, key=lambda ask: ask.line)


def listed_paths(text: str, titles: Sequence[str]) -> list[Ask]:
    """The paths that the sections of these titles list as allowed; what begins with none is an empty one."""
    # Most documents have no such section, and a hook need not wait for the Markdown reader to say so.
    plain = text.casefold()
    if not any(title.split() and title.split()[0].casefold() in plain for title in titles):
        return []
    from specguard.documents.document import Document
    from specguard.documents.titles import normal_title

    wanted = {normal_title(title) for title in titles}
    found: dict[tuple[str, int], Ask] = {}
    for section in Document(text).sections:
        if normal_title(section.heading.text.plain) in wanted:
            for ask in _paths(section.blocks):
                found.setdefault((ask.path, 0 if ask.path else ask.line), ask)
    return list(found.values())


def _paths(blocks: Sequence[AnyBlock]) -> Iterator[Ask]:
    from specguard.documents.blocks import Fence, List, Table

    for block in _inside(blocks):
        if isinstance(block, List):
            for item in block.items:
                if _EXCEPTED.search(item.text.plain):
                    continue
                own = list(_path_in(item.text))
                below = list(_paths(item.rest))
                yield from own or ([] if below else [Ask("", item.line, allowed=True)])
                yield from below
        elif isinstance(block, Table):
            for cells in block.rows:
                if not any(_EXCEPTED.search(cell.plain) for cell in cells):
                    nothing = [Ask("", cells[0].line, allowed=True)]
                    yield from next((found for cell in cells if (found := list(_path_in(cell)))), nothing)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                path = _path(line.strip())
                if path:
                    yield Ask(path, number, allowed=True)


def _inside(blocks: Sequence[AnyBlock]) -> Iterator[AnyBlock]:
    """Blocks without those below a heading or a line such as "Out of scope:"."""
    from specguard.documents.blocks import Heading, Paragraph
    from specguard.documents.titles import normal_title

    level = 0
    outside = False
    for block in blocks:
        if isinstance(block, Heading):
            if level and block.level > level:
                continue
            outside = False
            level = block.level if _OUTSIDE.match(normal_title(block.text.plain)) else 0
        elif isinstance(block, Paragraph):
            outside = bool(
                _OUTSIDE.match(normal_title(block.text.plain.split("\n")[-1]).removeprefix("explicitly "))
            )
        if not level and not outside:
            yield block


def _path_in(text: Text) -> Iterator[Ask]:
    """The paths that a list item or cell begins with, behind a label such as `Create:`."""
    from specguard.documents.leading import leading_paths

    raw = _CHECKBOX.sub("", text.raw.strip())
    for start in dict.fromkeys((raw, _LABEL.sub("", raw, count=1))):
        leading = leading_paths(start)
        paths = [path for found in leading.paths if (path := _path(found))]
        yield from (Ask(path, text.line, allowed=True) for path in paths)
        if paths:
            # A sentence speaks of a path and of more: what else it allows cannot be told.
            if leading.sentence:
                yield Ask("", text.line, allowed=True)
            return


def _path(text: str) -> str:
    """A text as a pattern of paths; empty where it is none."""
    path = _LINES.sub("", text.strip()).removeprefix("./")
    if not _PATH.fullmatch(path) or "://" in path or path.startswith("-"):
        return ""
    if "/" not in path and not re.search(r"\.[A-Za-z0-9]+$|[*]|^[A-Z][A-Za-z]*file$", path):
        return ""
    try:
        Covering.translate(path)
    except PatternError:
        return ""
    return path


def _asked(text: str) -> Iterator[Ask]:
    """The paths that a sentence asks to change: as the object of its verb, and not where it says no."""
    from specguard.documents.blocks import texts
    from specguard.documents.document import Document

    for running in texts(list(_inside(Document(text).blocks))):
        for sentence in running.sentences():
            for token in _TOKEN.finditer(sentence.raw):
                path = _path(token.group(1) or token.group(2))
                before = sentence.raw[max(0, token.start() - 300) : token.start()]
                if path and _ASKS.search(before) and not _NEGATED.search(before):
                    yield Ask(path, sentence.line + sentence.raw[: token.start()].count("\n"), allowed=False)
