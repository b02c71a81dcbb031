"""The paths that a manifest lists: what was removed and what was kept, each with its reason.

A path stands at the beginning of a list item, of a line in a block of code, or of a table's cell, alone or
behind a word such as `Removed:`; in JSON, YAML or TOML it is an element or a key, or the `path` of one. What
else the item or row says is its reason, or what the item, label or heading above it says. Headings, labels in
front of a list, a column such as `Action`, and the first words of a reason tell what was kept from what was
removed.
"""

from __future__ import annotations

import re

from specguard.documents.blocks import Fence, Heading, List, Paragraph, Table
from specguard.documents.content import bare_nothing, leading_paths, owes, without_box

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final, Literal

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock
    from specguard.documents.data import Data

    Fate = Literal["removed", "kept", ""]

LONGEST: Final = 4000
"""So many characters of an item are read."""

_KEPT: Final = frozenset(
    {
        "kept", "keep", "keeps", "retained", "retain", "retains", "remaining", "remains", "remain", "closure",
        "preserved", "preserve", "stays", "stay", "left", "surviving", "untouched", "unchanged", "allowed",
    }
)  # fmt: skip
_REMOVED: Final = frozenset(
    {
        "removed", "remove", "removes", "removal", "removals", "deleted", "delete", "deletes", "deletion",
        "deletions", "dropped", "drop", "purged", "moved", "move", "renamed", "rename", "gone",
    }
)  # fmt: skip
_TRIVIAL: Final = _REMOVED | {
    "and", "are", "cleaned", "cleanup", "clean", "directories", "directory", "done", "file", "files",
    "folder", "folders", "following", "from", "has", "have", "its", "not", "our", "path", "paths", "the",
    "them", "these", "this", "those", "via", "was", "were", "with", "yes",
}  # fmt: skip
"""Words that are no reason by themselves."""

_REASONS: Final = frozenset(
    {
        "abandoned", "because", "broken", "consolidated", "copied", "copies", "dead", "deprecated", "draft",
        "drafts", "duplicate", "duplicated", "duplicates", "empty", "expired", "generated", "intermediate",
        "irrelevant", "legacy", "merged", "obsolete", "orphaned", "outdated", "redundant", "replaced",
        "scratch", "stale", "superseded", "temporary", "transient", "unneeded", "unreferenced", "unused",
    }
)  # fmt: skip
"""Words that make a heading, or a label in front of a list, the reason of what stands below."""

_ACTIONS: Final = frozenset(
    {"action", "disposition", "decision", "status", "outcome", "change", "operation", "fate", "result"}
)
_BETWEEN: Final = " -\u2013\u2014:;,.|>()[]\u2192#"
"""What may stand between a path and its reason."""

_PATHS: Final = frozenset({"path", "paths", "file", "files", "folder", "directory", "entry", "location"})
_PATH_KEYS: Final = ("path", "file", "name")
_LINK: Final = re.compile(r"\[([^\[\]]*)\]\([^()\s]*(?:\s+(?:\"[^\"()]*\"|'[^'()]*'))?\s*\)")
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?>")
_NAME: Final = re.compile(r"[^\s<>|]{1,1000}")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_LEAD: Final = re.compile(r"[*_~]*([A-Za-z]+)[*_~]*\s*(?:files?|folders?)?\s*:?[*_~]*\s+")
_LINES: Final = re.compile(r"(?::[0-9]+(?:-[0-9]+)?|#L[0-9]+(?:-L?[0-9]+)?)$")


class Listed:
    """A path that a manifest lists.

    Attributes:
        path: the path or pattern, without `./` in front and without a slash behind it.
        line: where it is listed, from 1.
        reason: what else is said of it; empty where that is no reason.
        fate: `removed` or `kept`; empty where the manifest does not tell the two apart.
        grouped: whether a heading, a label, a column or a key says so, and not the path's own line.
    """

    __slots__ = ("fate", "grouped", "line", "path", "reason")

    def __init__(self, path: str, line: int, reason: str, fate: Fate, *, grouped: bool) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        self.fate = fate
        self.grouped = grouped and bool(fate)

    @property
    def wide(self) -> bool:
        """Whether it names everything, and so nothing."""
        return not self.path.strip("*?/.")

    def __repr__(self) -> str:
        return f"Listed({self.path!r}, {self.line}, {self.reason!r}, {self.fate!r})"


def listed_paths(artifact: Artifact) -> Sequence[Listed]:
    """The paths that an artifact lists, in order.

    Raises:
        MissingFact: its object is not there.
    """
    if artifact.structured:
        data = artifact.data
        return list(_in_data(data, data.value, (), "")) if data is not None else []
    return read_manifest(artifact.document.blocks)


def removals(listed: Sequence[Listed]) -> list[Listed]:
    """The paths that are said to be removed; without a group of them, also those of which nothing is said."""
    told = any(one.fate == "removed" and one.grouped for one in listed)
    return [one for one in listed if one.fate == "removed" or not (one.fate or told)]


def remainders(listed: Sequence[Listed]) -> list[Listed]:
    """The paths that are said to be left; without a group of them, also those of which nothing is said."""
    told = any(one.fate == "kept" and one.grouped for one in listed)
    return [one for one in listed if one.fate == "kept" or not (one.fate or told)]


def read_manifest(blocks: Sequence[AnyBlock]) -> Sequence[Listed]:
    """The paths that the blocks of a document list, in order."""
    found: list[Listed] = []
    above: list[tuple[int, Fate, str]] = []
    label: Fate = ""
    why = ""
    for block in blocks:
        if isinstance(block, Heading):
            while above and above[-1][0] >= block.level:
                above.pop()
            above.append((block.level, _fate(block.text.plain), _blanket(block.text.plain)))
            label, why = "", ""
            continue
        fate = label or next((one for _, one, _ in reversed(above) if one), "")
        reason = why or (above[-1][2] if above else "")
        if isinstance(block, Paragraph):
            plain = block.text.plain.strip()
            label = _fate(plain) if plain.endswith((":", "\uff1a")) else ""
            why = _blanket(plain)
        elif isinstance(block, List):
            found += _in_list(block, fate, reason)
        elif isinstance(block, Table):
            found += _in_table(block, fate, reason)
        elif isinstance(block, Fence):
            for number, line in enumerate(block.content.split("\n"), block.first):
                found += _in_text(line.strip(), number, fate, reason)
    return found


def _in_list(block: List, fate: Fate, reason: str) -> Iterator[Listed]:
    for item in block.items:
        raw = item.text.raw
        own = list(_in_text(raw, item.line, fate, ""))
        if own and not own[0].reason:
            # The reason may stand in a list or a paragraph of its own below the path.
            below = " ".join(_plain(inner.text.raw) for inner in item.rest if isinstance(inner, Paragraph))
            below += " ".join(
                _plain(one.text.raw) for inner in item.rest if isinstance(inner, List) for one in inner.items
            )
            said = _reason(below) or reason
            own = [Listed(one.path, one.line, said, one.fate, grouped=one.grouped) for one in own]
        yield from own
        for inner in item.rest:
            if isinstance(inner, List) and not own:
                yield from _in_list(inner, _fate(_plain(raw)) or fate, _reason(_plain(raw)) or reason)
            elif isinstance(inner, Fence) and not own:
                for number, line in enumerate(inner.content.split("\n"), inner.first):
                    yield from _in_text(
                        line.strip(), number, _fate(_plain(raw)) or fate, _reason(_plain(raw))
                    )


def _in_table(table: Table, fate: Fate, reason: str) -> Iterator[Listed]:
    header = [" ".join(cell.plain.casefold().split()) for cell in table.header]
    action = next((column for column, name in enumerate(header) if name in _ACTIONS), None)
    for row in table.rows:
        for column, cell in enumerate(row):
            paths = list(_in_text(cell.raw, cell.line, "", ""))
            word = _cleaned(_plain(cell.raw))
            if not paths and column < len(header) and header[column] in _PATHS and _NAME.fullmatch(word):
                paths = [Listed(word, cell.line, "", "", grouped=False)]
            if not paths:
                continue
            said_to = row[action].plain if action is not None and action < len(row) else ""
            # What is done to a path leaves it there, unless it is one of the words for a removal.
            own: Fate = (_fate(said_to) or "kept") if said_to.strip() else ""
            others = [one.raw for number, one in enumerate(row) if number not in {column, action}]
            said = paths[0].reason or _reason(" ".join(map(_plain, others))) or reason
            for one in paths:
                yield Listed(
                    one.path, one.line, said, own or one.fate or fate, grouped=bool(own) or not one.fate
                )
            break


def _in_text(raw: str, line: int, fate: Fate, reason: str) -> Iterator[Listed]:
    """The paths that a text begins with."""
    text = without_box(raw[:LONGEST]).replace("~~", "")
    leading = leading_paths(text)
    own: Fate = ""
    if not leading.paths:
        lead = _LEAD.match(text)
        word = _fate(lead[1]) if lead else ""
        if not lead or not word:
            return
        own = word
        text = text[lead.end() :]
        leading = leading_paths(text)
    rest = _LINK.sub(r"\1", text)
    for path in leading.paths:
        rest = rest.replace(path, " ", 1)
    said = _reason(_plain(rest).lstrip(_BETWEEN))
    first = _WORD.search(rest)
    own = own or (_fate(first[0]) if first else "")
    for path in leading.paths:
        plain = _LINES.sub("", path).removeprefix("./").strip()
        if plain and "://" not in plain and not bare_nothing(plain):
            yield Listed(plain.rstrip("/") or plain, line, said or reason, own or fate, grouped=not own)


def _in_data(data: Data, value: Any, key: tuple[str | int, ...], fate: Fate) -> Iterator[Listed]:
    if isinstance(value, dict):
        path = next((value[name] for name in _PATH_KEYS if isinstance(value.get(name), str)), None)
        if path is not None:
            others = [
                str(one) for name, one in value.items() if name not in _PATH_KEYS and name not in _ACTIONS
            ]
            action = next((str(value[name]) for name in _ACTIONS if name in value), "")
            said = _reason(" ".join(others))
            yield Listed(_cleaned(path), data.line(key) or 1, said, _fate(action) or fate, grouped=True)
            return
        for name, inner in value.items():
            own = _fate(name)
            if fate and not own and isinstance(inner, str):
                yield Listed(_cleaned(name), data.line((*key, name)) or 1, _reason(inner), fate, grouped=True)
            else:
                yield from _in_data(data, inner, (*key, name), own or fate)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            if isinstance(inner, str):
                yield from _in_text(inner, data.line((*key, position)) or 1, fate, "")
            else:
                yield from _in_data(data, inner, (*key, position), fate)


def _cleaned(path: str) -> str:
    return path.strip().removeprefix("./").rstrip("/")


def _fate(text: str) -> Fate:
    """What words say of the paths below or behind them; empty where they say nothing, or both."""
    words = [word.casefold() for word in _WORD.findall(text[:LONGEST])]
    kept = any(word in _KEPT for word in words)
    removed = any(word in _REMOVED for word in words)
    if removed and "not" in words and not kept:
        return "kept"
    if kept == removed:
        return ""
    return "kept" if kept else "removed"


def _blanket(text: str) -> str:
    """A heading or a label as the reason of all that is listed below it, as in `Deleted (superseded drafts)`.

    It is empty where none of its words gives a reason.
    """
    words = {word.casefold() for word in _WORD.findall(text[:LONGEST])}
    return _reason(text) if words & _REASONS and _fate(text) != "kept" else ""


def _plain(raw: str) -> str:
    text = _TAG.sub(" ", without_box(raw[:LONGEST]))
    return text.replace("`", "").replace("*", "").replace("\n", " ")


def _reason(text: str) -> str:
    """A text as a reason; empty where it is a placeholder, or says no more than that something is gone."""
    plain = text.strip(_BETWEEN)
    plain += ")" * (plain.count("(") - plain.count(")"))
    words = [word for word in _WORD.findall(plain) if len(word) > 2 and word.casefold() not in _TRIVIAL]
    return " ".join(plain.split()) if words and not owes(text.rstrip(" :\uff1a")) else ""
