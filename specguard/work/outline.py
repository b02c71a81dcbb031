"""What a work item's document says of paths: those an item may change, and those it asks to change."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.declaration.rule import Record
from specguard.errors import MissingFact, NotApplicable
from specguard.model import path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from specguard.documents.blocks import AnyBlock, Item, Text
    from specguard.work.item import WorkItem


_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
# What may stand before the path in a list of files: `Create: src/x.py`, `**Modify** src/x.py`.
_LABEL = re.compile(r"^[*_]*[^\W\d_]+(?: files?)?[*_]*\s*(?P<colon>:?)[*_]*\s+")
_PATH = re.compile(r"[^\s`'\"<>|;,()]+")
_LINES = re.compile(r"(?::[0-9]+(?:[-:][0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")
# A comment may well say "no" or "only": what takes a path out is narrower.
_EXCEPTED = re.compile(
    r"\b(?:(?:do|must|may|shall|should|can) ?not|never"
    r"|not (?:to|be|allowed|included|in scope|touch|chang|edit|modif)"
    r"|except|excluding|excluded|avoid|unchanged|untouched|off[ -]limits|out of scope|read[ -]only|forbidden"
    r"|prohibited|locked|frozen)|n't\b|^(?:no|not|none|nothing)\b",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"\b(?:out of scope|not in scope|outside|non ?goals|not included|excluded|exclusions|forbidden|off limits"
    r"|do not|don t|must not|never|locks?|locked|untouched|unchanged|prohibited|protected|frozen|read only)\b"
)

_TOKEN = re.compile(r"`([^`\n]+)`|(?<![\w`/.-])((?:[\w.-]+/)+[\w.*-]*)")


class Ask(Record):
    """A path that a document asks to change, names as allowed, or speaks of.

    Attributes:
        path: the path, or pattern, as it is written.
        line: its line in the document, from 1.
        how: `listed` among the paths that may change, what a `task` begins with, or only `named`.
        text: what says so, for one that is only named.
    """

    path: str
    line: int
    how: Literal["listed", "task", "named"]
    text: str = ""

    def __repr__(self) -> str:
        return f"Ask({self.path!r}, {self.line}, {self.how})"


class Scope(Record):
    """The paths that an item may change.

    Attributes:
        paths: the patterns.
        document: the document that lists them; None where the policy does.
        lines: the line of each pattern in the document.
        unread: the lines of items in its lists that begin with no path, so that more may be meant.
    """

    paths: Covering
    document: bytes | None = None
    lines: Sequence[int] = ()
    unread: Sequence[int] = ()


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
    """The paths that an item's document names as allowed, begins a task with, or speaks of, by line.

    Each is told once, where it is asked for most.

    Raises:
        MissingFact: the document cannot be read.
    """
    text = item.document_text or ""
    titles = [*item.settings.scope_sections, "Deliverables"]
    asks = [ask for ask in listed_paths(text, titles) if ask.path]
    said = list(_said(text, [*titles, "Tasks"]))
    for how in ("task", "named"):
        taken = {ask.path for ask in asks}
        asks += {ask.path: ask for ask in reversed(said) if ask.how == how and ask.path not in taken}.values()
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
                if _says_no(item.text):
                    continue
                own = list(_path_in(item.text))
                below = list(_paths(item.rest))
                yield from own or ([] if below else [Ask("", item.line, how="listed")])
                yield from below
        elif isinstance(block, Table):
            for cells in block.rows:
                if not any(map(_says_no, cells)):
                    nothing = [Ask("", cells[0].line, how="listed")]
                    yield from next((found for cell in cells if (found := list(_path_in(cell)))), nothing)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                path = _path(line.strip())
                if path:
                    yield Ask(path, number, how="listed")


def _says_no(text: Text) -> bool:
    """Whether a text takes the paths out that it names; a word in a path (`locked/a`) says nothing."""
    raw = _CHECKBOX.sub("", text.raw.strip())
    return _EXCEPTED.search(_TOKEN.sub("x/", raw).lstrip("*_ ")) is not None


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
            level = block.level if _OUTSIDE.search(normal_title(block.text.plain)) else 0
        elif isinstance(block, Paragraph):
            outside = bool(
                _OUTSIDE.match(normal_title(block.text.plain.split("\n")[-1]).removeprefix("explicitly "))
            )
        if not level and not outside:
            yield block


def _path_in(text: Text) -> Iterator[Ask]:
    """The paths that a list item or cell begins with, behind a label such as `Create:`."""
    from specguard.documents.content import leading_paths

    raw = _CHECKBOX.sub("", text.raw.strip())
    label = _LABEL.match(raw)
    for start in (raw, raw[label.end() :]) if label else (raw,):
        leading = leading_paths(start)
        paths = [path for found in leading.paths if (path := _path(found))]
        # A word without a colon is a label where nothing follows the paths; else it begins a sentence.
        if start is not raw and label and not label["colon"] and (leading.sentence or leading.rest):
            return
        yield from (Ask(path, text.line, how="listed") for path in paths)
        if paths:
            # A sentence speaks of a path and of more: what else it allows cannot be told.
            if leading.sentence:
                yield Ask("", text.line, how="listed")
            return


def _path(text: str, *, sure: bool = False) -> str:
    """A text as a pattern of paths; empty where it is none, or a word that need not be one."""
    path = _LINES.sub("", text.strip()).removeprefix("./")
    if not _PATH.fullmatch(path) or "://" in path or path.startswith("-"):
        return ""
    if "/" not in path and not sure and not re.search(r"\.[A-Za-z0-9]+$|[*]|^[A-Z][A-Za-z]*file$", path):
        return ""
    try:
        Covering.translate(path)
    except PatternError:
        return ""
    return path


def _said(text: str, titles: Sequence[str]) -> Iterator[Ask]:
    """The paths that a document begins tasks with, and those that it speaks of elsewhere.

    A task is an item of a list with a box or a number, and any item below one of these titles.
    """
    from specguard.documents.blocks import Heading
    from specguard.documents.document import Document
    from specguard.documents.titles import normal_title

    wanted = {normal_title(title) for title in titles}
    level = 0
    for block in _inside(Document(text).blocks):
        if isinstance(block, Heading):
            if not level or block.level <= level:
                level = block.level if normal_title(block.text.plain) in wanted else 0
        else:
            yield from _said_in(block, tasks=level > 0)


def _said_in(block: AnyBlock, *, tasks: bool) -> Iterator[Ask]:
    from specguard.documents.blocks import List, texts

    if not isinstance(block, List):
        for text in texts([block]):
            yield from _said_by(text, task=False)
        return
    for item in block.items:
        box = _CHECKBOX.match(item.text.raw.strip())
        yield from _said_by(item.text, task=tasks or box is not None or item.number is not None)
        for below in _inside(item.rest):
            yield from _said_in(below, tasks=tasks)


def _said_by(text: Text, *, task: bool) -> Iterator[Ask]:
    """The paths of one text, unless a sentence says no."""
    from specguard.documents.content import leading_paths

    for position, sentence in enumerate(text.sentences()):
        tokens = [
            (path, token.start())
            for token in _TOKEN.finditer(sentence.raw)
            if (path := _path(token[1] or token[2].rstrip("."), sure=token[1] is not None))
        ]
        if not tokens or _says_no(sentence):
            continue
        if task and not position:
            raw = _CHECKBOX.sub("", sentence.raw.strip())
            label = _LABEL.match(raw)
            leading = leading_paths(raw[label.end() :] if label and label["colon"] else raw)
            for path in filter(None, (_path(found, sure=True) for found in leading.paths)):
                yield Ask(path, sentence.line, how="task")
        words = shortened(_CHECKBOX.sub("", sentence.plain.strip()), 120)
        for path, start in tokens:
            line = sentence.line + sentence.raw[:start].count("\n")
            yield Ask(path, line, how="named", text=words)


_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)>?[^)\n]*\)")
_SHOWN = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_FILE = re.compile(r"(?<![\w/.(<-])([\w./-]+\.(?:md|markdown|rst|txt))\b", re.IGNORECASE)


class Row(Record):
    """What an index says of one item.

    Attributes:
        line: its line, from 1.
        title: what it calls the item.
        links: the files and addresses it names, as they are written.
    """

    line: int
    title: str
    links: Sequence[str]


def rows_for(text: str, kind: str, item_id: str, number: int | None) -> list[Row]:
    """The rows and list items of an index that are about one item.

    A row is about the item whose number (`5`, `05`, `Track 5`) or id is its first cell that holds one; a list
    item about the one whose number it begins with, is counted as, or whose file's name it links.

    Args:
        text: the index, in Markdown.
        kind: the kind's name, which may stand before a number.
        item_id: the item's id.
        number: its number; None where it has none.
    """
    from specguard.documents.blocks import List, Table
    from specguard.documents.document import Document

    wanted = re.escape(item_id) if number is None else rf"0*{number}"
    word = rf"(?:#|no\.?\s*|{re.escape(kind)}[-_ #]*)?"
    whole = re.compile(rf"{word}(?:{wanted}|{re.escape(item_id)})", re.IGNORECASE)
    any_number = re.compile(rf"{word}[0-9]+", re.IGNORECASE)
    start = re.compile(rf"{word}(?:{wanted}|{re.escape(item_id)})(?![0-9A-Za-z]|\.[0-9])", re.IGNORECASE)
    file = re.compile(rf"(?:^|/){re.escape(kind)}[-_]?0*{wanted}(?![0-9A-Za-z])", re.IGNORECASE)

    def from_item(item: Item) -> Iterator[Row]:
        links = links_in(item.text.raw)
        words = _words(item.text.raw)
        counted = number is not None and item.number == number and not any_number.match(words)
        if start.match(words) or counted or any(file.search(link) for link in links):
            yield Row(item.line, words, links)
        else:
            yield from from_blocks(item.rest)

    def from_blocks(blocks: Sequence[AnyBlock]) -> Iterator[Row]:
        for block in blocks:
            if isinstance(block, List):
                for item in block.items:
                    yield from from_item(item)
            elif isinstance(block, Table):
                for cells in block.rows:
                    words = [_words(cell.raw) for cell in cells]
                    first = next(
                        (cell for cell in words if any_number.fullmatch(cell) or whole.fullmatch(cell)), ""
                    )
                    if first and whole.fullmatch(first):
                        links = [link for cell in cells for link in links_in(cell.raw)]
                        title = next((cell for cell in words if cell and cell != first), first)
                        yield Row(cells[0].line, title, links)

    return list(from_blocks(Document(text).blocks))


def links_in(raw: str) -> list[str]:
    """The targets of a text's links, and the files it names in code spans or plainly."""
    links = dict.fromkeys(_LINK.findall(raw))
    plain = _SHOWN.sub(" ", raw).replace("`", " ")
    links.update(dict.fromkeys(_FILE.findall(plain)))
    return list(links)


def _words(raw: str) -> str:
    """A text as a reader sees it, without a checkbox before it."""
    return _CHECKBOX.sub("", _SHOWN.sub(r"\1", raw)).replace("`", "").replace("*", "").strip()
