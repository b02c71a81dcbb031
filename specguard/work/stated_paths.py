"""The paths in a work item's document: those it may change, and those it asks to change."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

from specguard.declaration.patterns import Covering
from specguard.documents.blocks import AnyBlock, Fence, Heading, List, Paragraph, Table, Text, fences, texts
from specguard.documents.completeness import is_bare_nothing
from specguard.documents.document import Document
from specguard.documents.fields import near_section, normal_title
from specguard.documents.list_items import (
    BARE_WORD,
    leading_paths,
    plain_underscores,
    tree_lines,
    without_box,
    without_remark,
)
from specguard.model import TYPE_CHECKING, Record, grouped, shortened
from specguard.work.name_templates import LONGEST_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal

    from specguard.work.item import WorkItem


# A label before the path in a list of files: `Create: src/x.py`, `**Modify** src/x.py`.
_LABEL: Final = re.compile(r"^[*_]*(?:[Ii]n[ -]scope|[^\W\d_]+)(?: files?)?[*_]*\s*(?P<colon>:?)[*_]*\s+")
_PATH: Final = re.compile(r"(?!-)(?!\S*://)(?:[^\s`'\"<>|;,()]|(?<=/)\([\w.-]+\))+")
# What an item begins with is meant as a path, even if it is none that is read: `src/{a, b}.py`.
_UNREAD: Final = re.compile(r"`([\w.@+-]+/[^`\n]{0,200})`")
# A path with spaces in the names below its first folder; a program's arguments look alike.
_SPACED: Final = re.compile(
    r"(?!(?:\S*/)?(?:s?bin|scripts?)/)[\w.@+-]+/\w[\w@+-]*(?:(?: |/)\w[\w@+-]*)+(?:/[\w.*]*|\.\w+)"
)
# What says that a path stays as it is.
_CLOSED: Final = (
    r"un(?:chang|touch)ed|(?:exclud|prohibit|lock)ed|off[ -]limits|out of scope|read[ -]only|forbidden|frozen"
)
# A comment can contain "no" or "only", so the words that exclude a path are narrower.
_EXCEPTED: Final = re.compile(
    r"\b(?:(?:do|must|may|shall|should|can) ?not|never|not (?:to|be|allowed|included|in (?:scope|this)|touch"
    rf"|chang|edit|modif)|except|excluding|avoid|{_CLOSED})|n['\u2019]t\b|^(?:no|not|none|nothing)\b",
    re.IGNORECASE,
)
_NOT: Final = r"(?:(?:(?:do|does|must|may|shall|should|can|is|are) ?)?not|never|\b\w+n['\u2019]t)"
_CHANGED: Final = r"(?:touch|chang|edit|modif|alter|delet|remov|renam|mov|rewrit)\w*"
# A negation of anything but a change of the path is a comment: `must not break the API`, `output unchanged`.
_PART: Final = r"(?:APIs?|behaviou?r|flags?|interfaces?|logic|names?|outputs?|rest|semantics|signatures?)\b"
_COMMENT: Final = re.compile(
    rf"(?:{_NOT}|\bavoid) (?!(?:to )?(?:be )?(?:in|allowed|included|{_CHANGED})\b)(?:(?:to|be) ){{0,2}}\w+"
    rf"|{_NOT} {_CHANGED} (?:(?:the|its|any|public|existing|other) )*{_PART}"
    rf"|\b{_PART} (?:(?:is|are|stays?|remains?) )?un(?:chang|touch)ed",
    re.IGNORECASE,
)
# All paths in a row, each of them a NUL here, that words right before or right behind them leave out.
_NEXT: Final = r"(?:[,&\s]|and|or){1,9}\0"
_ROW: Final = rf"\0(?:{_NEXT}){{0,199}}(?!{_NEXT})"
_LEFT_OUT: Final = re.compile(
    rf"(?:^|(?<=[^\w\s])|(?<=[^\w\s] ))(?:(?:but|and) )?(?:except(?: for)?|excluding|without|avoid"
    rf"|{_NOT}(?: (?:to )?{_CHANGED})?)[\s:(]{{0,4}}{_ROW}(?=[^\w\0]*(?:$|[.;,)]))"
    rf"|{_ROW}[^\w\0]{{0,5}}(?:(?:is|are|has|stays?|remains?|leave) )?(?:{_CLOSED}|no changes?(?=\W*$)"
    rf"|{_NOT} (?:to )?be {_CHANGED}|(?:alone|as (?:it )?is)(?=\W*$)|no changes? (?:needed|required))\b",
    re.IGNORECASE,
)
# A label or heading above paths that stay as they are, but not "Do not touch anything outside:". Only some
# words say so amid a heading: "Config not loading" does not.
_OUTSIDE: Final = re.compile(
    r"^out$|^(?:(?:th(?:e|is|ese)|following|files?|paths?|phase|track|we|you|explicitly|are|do|does|must|may"
    rf"|can|will|shall|should|be|stay|remain|leave|keep|it(?= (?:\w+ ){{1,3}}{_CHANGED})) ){{0,6}}"
    r"(?!(?:.* )?(?:any\w*|files?|paths?|changes?) (?:except|but|other than|outside(?! of))\b)"
    r"(?:not(?! (?:exhaustive|found|just|limited|only|yet)\b)|cannot|(?:do|does|wo|must|is|are)n t|never"
    r"|alone|as is|no changes?|exclu(?:de(?!.* from (?!(?:the )?scope))|sions)|except|locks?$"
    r"|protected(?: (?:(?:area|file|folder|module|path|zone)s?|code|director(?:y|ies)))?$|avoid|disallowed"
    rf"|unaffected|outside|non ?goals|{_CLOSED})\b"
    r"| (?:(?:do|must) not|don t|never|not (?:in (?:scope|this)|included)|exclusions|outside|non ?goals"
    rf"|{_CLOSED})\b"
)
_TOKEN: Final = re.compile(r"`([^`\n]+)`|(?<![\w`/.-])(\*{0,3})((?:[\w.-]+/)+[\w.*-]*?)\2(?![\w.*-])")


class Ask(Record):
    """A path that a document asks to change, allows or mentions.

    Attributes:
        path: the path or pattern as it is written.
        line: the line in the document, from 1.
        how: `listed` among the allowed paths, `excluded` from them, `task` if a task begins with it, or only
            `named`.
        text: the sentence with a path that is only named, or what is meant as a path; empty for other paths.
    """

    path: str
    line: int
    how: Literal["listed", "excluded", "task", "named"] = "listed"
    text: str = ""


def asks_of(item: WorkItem) -> list[Ask]:
    """Return the paths that an item's document allows, begins a task with, or mentions in one, by line.

    Each path is returned once, with its strongest kind of mention.

    Raises:
        MissingFact: the document cannot be read.
    """
    text = item.document_text or ""
    titles = [*item.settings.scope_sections, "Deliverables"]
    mentions = sorted(_mentions(text, [*titles, "Tasks"]), key=lambda ask: ask.how != "task")
    listed = [ask for section in Document(text).entitled(*titles) for ask in _paths(section.blocks)]
    asks = [*(one for one in listed if one.path and one.how == "listed"), *mentions]
    return sorted({ask.path: ask for ask in reversed(asks)}.values(), key=lambda ask: (ask.line, ask.path))


def allowed_paths(text: str, titles: Sequence[str]) -> list[Ask]:
    """Return the paths that sections with these titles allow or exclude; an entry may have an empty one.

    Without an entry that begins with a path, sentences with "only" count, and those of a section of files;
    they may allow more. Another sentence with a path gives an entry that is only `named`, without the path.
    So does a title above paths that is nearly one of these, unless it is the document's own. An entry that
    begins with an unreadable path is `named` too.
    """
    document = Document(text)
    sections = document.entitled(*titles)
    near = near_section(document, *titles) if not sections else None
    title = next((one.line for one in document.sections if one.heading.level == 1), None)
    fenced = {line.strip() for one in fences(document.blocks) for line in one.content.split("\n")}
    if near is not None and near.line != title and not (near.text in fenced or _EXCEPTED.search(near.text)):
        below = [section.blocks for section in document.sections if section.line == near.line]
        if not below or any(ask.path for ask in _paths(below[0])):
            return [Ask("", near.line, "named")]
    asks = [ask for section in sections for ask in _paths(section.blocks)]
    if not any(ask.path and ask.how == "listed" for ask in asks):
        for section in sections:
            blocks, files = [*_in_scope(section.blocks)], normal_title(section.heading.text.plain) == "files"
            for ask in [ask for one in texts(blocks) for ask in _text_mentions(one, task=False)]:
                # Two words with a slash between them, as in "read/write", need not be a path.
                sure = re.search(r"^[^/].*/(?:$|.*[/.*])", ask.path)
                clause = next((part for part in ask.text.split(";") if ask.path in part), "")
                stated = files or "only" in clause.casefold().split()
                if sure and ask.path not in _take_left_out(*_flatten(clause))[1]:
                    asks += [Ask(ask.path, ask.line)] if stated else []
                    asks.append(Ask("", ask.line, "listed" if stated else "named"))
    ordered = sorted(asks, key=lambda ask: ("named", "listed", "excluded").index(ask.how))
    found = grouped(((ask.path, 0 if ask.path else ask.line), ask) for ask in ordered)
    return [first for first, *_ in found.values()]


def _paths(blocks: Sequence[AnyBlock]) -> Iterator[Ask]:
    for block in _in_scope(blocks):
        entries = [([item.text], item.rest) for item in block.items] if isinstance(block, List) else []
        entries += [([*row], ()) for row in block.rows] if isinstance(block, Table) else []
        for cells, rest in entries:
            own, excludes = _read_entry(cells)
            # Below a path, an item that begins with none is a remark.
            below = [] if excludes else [ask for ask in _paths(rest) if ask.path or ask.text or not own]
            meant = next(filter(None, (_UNREAD.match(without_box(cell.raw)) for cell in cells)), None)
            none = Ask("", cells[0].line, "named", meant[1]) if meant else Ask("", cells[0].line)
            says_none = is_bare_nothing(cells[-1].rendered.partition(":")[2])
            yield from own or ([] if below or excludes or says_none else [none])
            yield from below
        if isinstance(block, Fence):
            # The root of a tree may be a folder, or the repository by its name.
            root = without_remark(block.content.partition("\n")[0]) + "/"
            for number, line in enumerate(tree_lines(block.content), block.first):
                path = _parse_path(line)
                if path and not _EXCEPTED.search(_COMMENT.sub("", line.partition(path)[2])):
                    yield from (Ask(one, number) for one in {path: 0, path.removeprefix(root): 0} if one)


def _read_entry(cells: Sequence[Text]) -> tuple[list[Ask], bool]:
    """Return the paths that a list item or a row allows or excludes, and whether it means to allow none."""
    raws = [without_box(_with_choices(plain_underscores(cell.raw))) for cell in cells]
    flat, paths = _flatten(": ".join(raws))
    comment, left_out = _take_left_out(flat, paths)
    # What words farther away say may be meant of the path: it is neither allowed nor excluded.
    around = (flat.partition("\0")[0], _COMMENT.sub("", comment))
    excepts = any(map(_EXCEPTED.search, around)) or _OUTSIDE.match(normal_title(around[0])) is not None
    found = next((asks for raw in raws if (asks := list(_asks_in(raw, cells[0].line)))), [])
    own = [ask for ask in found if not excepts and ask.path not in left_out]
    excluded = [Ask(path, cells[0].line, "excluded") for path in sorted(left_out)]
    return [*own, *excluded], not own and (excepts or bool(left_out))


def _flatten(raw: str) -> tuple[str, list[str]]:
    """Return a text with a NUL for each path and without emphasis, and its paths."""
    flat = _TOKEN.sub(lambda token: "\0" if _path_of(token) else "x", raw).replace("*", "").replace("_", "")
    return flat.strip(), [*filter(None, map(_path_of, _TOKEN.finditer(raw)))]


def _take_left_out(flat: str, paths: Sequence[str]) -> tuple[str, set[str]]:
    """Return a text without what leaves paths out, and these paths."""
    left_out: set[str] = set()
    for found in _LEFT_OUT.finditer(flat):
        first = flat.count("\0", 0, found.start())
        left_out.update(paths[first : first + found[0].count("\0")])
    return _LEFT_OUT.sub("", flat), left_out


def _path_of(token: re.Match[str]) -> str:
    """Return the path of a match of `_TOKEN`; empty if it is not one."""
    return _parse_path(token[1] or token[3].rstrip("."), is_path=token[1] is not None)


def _in_scope(blocks: Sequence[AnyBlock]) -> Iterator[AnyBlock]:
    """Yield blocks except those below a heading or a line such as "Out of scope:"."""
    level, outside = 0, False
    for block in blocks:
        if isinstance(block, Heading) and not 0 < level < block.level:
            outside = False
            level = block.level if _OUTSIDE.search(normal_title(block.text.rendered)) else 0
        elif isinstance(block, Paragraph):
            outside = _begins_exclusion(block.text)
        if not level and not outside:
            yield block


def _begins_exclusion(text: Text) -> bool:
    """Return True if a text such as "Out of scope:" excludes the paths below it; no full sentence does."""
    line = text.plain.split("\n")[-1].rpartition(". ")[2].strip()
    points = any(word in line for word in ("following", " below", " these"))
    is_sentence = line.endswith(".") and not points and ("/" in line or line.count(" ") > 3)
    return not is_sentence and _OUTSIDE.match(normal_title(line)) is not None


def _asks_in(raw: str, line: int) -> Iterator[Ask]:
    """Yield the paths that a list item or cell begins with, after a label such as `Create:`."""
    label = _LABEL.match(raw)
    for start in (raw, raw[label.end() :]) if label else (raw,):
        leading = leading_paths(start)
        # A word without a colon is a label only if nothing follows the paths; else it begins a sentence.
        if start is not raw and label and not label["colon"] and (leading.in_sentence or leading.rest):
            return
        if any(map(_parse_path, leading.paths)):
            # Beside a path, a plain name is one too, but not in a sentence: `Makefile`, `justfile`.
            is_sentence = start.rpartition("`")[2].lstrip(" *_")[:1].isalnum()
            paths = [_parse_path(found, is_path=not is_sentence) for found in leading.paths]
            yield from (Ask(path, line) for path in paths if path)
            # A sentence may allow more than its path, which is not read.
            yield from [Ask("", line)] if leading.in_sentence else ()
            return


def _with_choices(raw: str) -> str:
    """Return a text with the paths that choices in braces (`src/{a,b}.py`) or an arrow between two mean."""
    for arrow in ("\u2192", "->", "=>", "becomes"):
        raw = raw.replace(f"` {arrow} `", "`, `")

    def write_out(word: re.Match[str]) -> str:
        paths, most = [word[0].rstrip(".:")], 100
        for path in paths:
            inner, _, after = path.partition("}")
            before, _, inside = inner.rpartition("{")
            choices = inside.split(",", most)
            paths += [f"{before}{choice}{after}" for choice in choices if len(choices) > 1]
            if len(paths) > most:
                return word[0]
        start = raw[: word.start()]
        mark = start[len(start.rstrip("`")) :]
        return f"{mark}, {mark}".join(one for one in paths if "," not in one) + word[0][len(paths[0]) :]

    return BARE_WORD.sub(write_out, raw)


def _parse_path(text: str, *, is_path: bool = False) -> str:
    """Return a text as a path pattern; empty if it is not one, or is a word that need not be a path."""
    path = without_remark(text).removeprefix("./")
    # Dots in place of a name mean the whole folder.
    path = path.rstrip(".\u2026") if path.endswith(("/...", "/\u2026")) else path
    # Two stars right behind a word end an emphasis: `**Old module**`.
    alike = re.search(r"(?<![\w*])[*]|\w[*](?![*])|\.[A-Za-z0-9]+$|^[A-Z][A-Za-z]*file$", path)
    fits = (is_path or "/" in path or alike) and (_PATH.fullmatch(path) or _SPACED.fullmatch(path))
    return path if fits and not Covering.problem_in(path) else ""


def _mentions(text: str, titles: Sequence[str]) -> Iterator[Ask]:
    """Yield the paths that a document begins tasks with, and those that it mentions in tasks.

    A task is a list item with a box or a number, or what is below one of these titles. Below a title of more
    words, such as "Files to change", or "Task 1", paths are only mentioned.
    """
    wanted = {normal_title(title) for title in titles}
    above: dict[int, str] = {}
    for block in _in_scope(Document(text).blocks):
        if isinstance(block, Heading):
            title = normal_title(block.text.rendered)
            near = block.level > 1 and not {*wanted, "task"}.isdisjoint(title.split())
            above = {level: how for level, how in above.items() if level < block.level}
            above[block.level] = "task" if title in wanted else "named" if near else ""
        else:
            # In the order of the words, "task" is the most.
            yield from _block_mentions(block, max(above.values(), default=""))


def _block_mentions(block: AnyBlock, how: str) -> Iterator[Ask]:
    for text in texts([block]) if how and not isinstance(block, List) else ():
        yield from _text_mentions(text, task=False)
    for item in block.items if isinstance(block, List) else ():
        task = how == "task" or item.text.checked is not None or item.number is not None
        yield from _text_mentions(item.text, task=task) if task or how else ()
        for below in () if _begins_exclusion(item.text) else _in_scope(item.rest):
            yield from _block_mentions(below, how or ("named" if task else ""))


def _text_mentions(text: Text, *, task: bool) -> Iterator[Ask]:
    """Yield the paths of one text, except those in a sentence that excludes them."""
    for position, sentence in enumerate(text.sentences()):
        raw = plain_underscores(sentence.raw)
        read = [(_path_of(token), token.start()) for token in _TOKEN.finditer(raw)]
        left_out = {"", *_take_left_out(*_flatten(raw))[1]}
        tokens = [(path, sentence.line + raw.count("\n", 0, at)) for path, at in read if path not in left_out]
        raw = without_box(raw)
        # A sentence can exclude the paths that it names; words within a path do not count.
        if not tokens or _EXCEPTED.search(_TOKEN.sub("x/", raw).lstrip("*_ ")):
            continue
        label = _LABEL.match(raw)
        leading = leading_paths(raw[label.end() :] if label and label["colon"] else raw)
        first = [_parse_path(found, is_path=True) for found in leading.paths] if task and not position else []
        yield from (Ask(path, sentence.line, "task") for path in first if path)
        words = shortened(without_box(sentence.plain), 120)
        yield from (Ask(path, line, "named", words) for path, line in tokens)


_FILE: Final = re.compile(r"(?<![\w/.-])([\w./-]+\.(?:md|markdown|rst|txt))\b", re.IGNORECASE)


class IndexRow(Record):
    """A row or list item of an index.

    Attributes:
        line: its line, from 1.
        title: what a reader sees in its second cell that is not empty, in the only one, or in the list item.
        links: the files named.
        words: a list item's number, and all that a reader sees.
        above: the positions of the list items that contain it.
    """

    line: int
    title: str
    links: Sequence[str]
    words: str
    above: Sequence[int]


def index_rows(text: str, kind: str, item_id: str, number: int | None) -> Iterator[IndexRow]:
    """Yield the rows and list items of an index about one item, except those in another such item.

    A table row is about the item if its first cell begins with the item's number (`5`, `05`, `Track 5`) or
    id. A number in a column with the kind's name goes first. A list item is about it if it begins with
    either, or has the number as its list number. So is one that links a file named after kind and number.

    Args:
        text: the index, in Markdown.
        kind: the kind's name, which may precede a number.
        item_id: the item's id.
        number: the item's number; None if it has none.
    """
    rows, starts = read_index(text, kind)
    found: set[int] = set()
    wanted = item_id.casefold() if number is None else str(number)
    for name in {item_id.casefold(), wanted, f"\0{wanted}"}:
        near = slice(bisect_left(starts, (name,)), bisect_left(starts, (f"{name}\U0010ffff",)))
        # A name ends before a letter or digit, and before a part of a longer number.
        found.update(at for one, at in starts[near] if not re.match(r"[0-9A-Za-z]|\.[0-9]", one[len(name) :]))
    yield from (rows[at] for at in sorted(found) if found.isdisjoint(rows[at].above))


def differing_words(kind: str, old: str, new: str) -> set[str]:
    """Return what may be ids in the rows and list items that only one of two versions of an index has.

    Any word may be one, and so may a part of a path, or of a name between dashes.
    """
    rows = ({" ".join([row.words, *row.links]) for row in read_index(one, kind)[0]} for one in (old, new))
    words = " ".join(set.symmetric_difference(*rows)).replace("/", " ")
    return {*words.split(), *words.replace("-", " ").split()}


@lru_cache(maxsize=2)
def read_index(text: str, kind: str) -> tuple[Sequence[IndexRow], Sequence[tuple[str, int]]]:
    """Return the rows and list items of an index, and the texts whose start may be an item's name.

    These texts are in lower case and sorted, each with its row's position: a change may name many items. The
    name of a file has a NUL before what follows the kind.
    """
    prefix = re.compile(rf"^(?:#|no\.?\s*|{re.escape(kind)}[-_ #]*)?(?:0+(?=[0-9]))?", re.IGNORECASE)
    numbered = re.compile("[0-9]+(?![0-9A-Za-z])")
    rows: list[IndexRow] = []
    starts: list[tuple[str, int]] = []
    queue: list[tuple[AnyBlock, tuple[int, ...]]] = [(block, ()) for block in Document(text).blocks]
    for block, above in queue:
        for item in block.items if isinstance(block, List) else ():
            words, links = _visible_text(item.text), _link_targets(item.text)
            counted = "" if item.number is None or numbered.match(prefix.sub("", words)) else f"{item.number}"
            starts += [(one, len(rows)) for one in (words, prefix.sub("", words), counted)]
            files = [part for link in links for part in link.split("/") if part.casefold().startswith(kind)]
            starts += [("\0" + prefix.sub("", file).replace(".", " "), len(rows)) for file in files]
            queue += [(below, (*above, len(rows))) for below in item.rest]
            rows.append(IndexRow(item.line, words, links, f"{item.number} {words}", above))
        heads = [*map(_visible_text, block.header)] if isinstance(block, Table) else []
        own = next((at for at, head in enumerate(heads) if head.casefold().startswith(kind.casefold())), 0)
        for cells in block.rows if isinstance(block, Table) else ():
            shown = [*map(_visible_text, cells)]
            first = shown[own if numbered.match(prefix.sub("", shown[own])) else 0]
            starts += [(first, len(rows)), (prefix.sub("", first), len(rows))]
            titles = [*filter(None, shown)] or [""]
            links = [link for cell in cells for link in _link_targets(cell)]
            rows.append(IndexRow(cells[0].line, titles[:2][-1], links, " ".join(shown), above))
    return rows, sorted((start[:LONGEST_VALUE].casefold(), at) for start, at in starts if start)


def _link_targets(text: Text) -> list[str]:
    """Return the targets of a text's links, and the files it names in code spans or plain text."""
    plain = text.rendered
    for link in text.links:
        plain = plain.replace(link.text, " ")
    return list(dict.fromkeys([*(link.target for link in text.links), *_FILE.findall(plain)]))


def _visible_text(text: Text) -> str:
    """Return a text as a reader sees it, without a leading checkbox."""
    return without_box(text.rendered)
