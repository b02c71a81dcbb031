"""YAML as nodes with line numbers, read with limits; nothing in it is ever constructed.

Aliases are shared nodes, counted by what they would expand to, so a few lines that stand for millions of
nodes are refused. Duplicate keys are refused, because two readers would take different ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 50
MAX_NODES: Final = 100_000


class YamlError(ValueError):
    """A text that is not read; the message says why, `line` where (from 1, or None)."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class Node:
    """A scalar, a list or a mapping.

    Attributes:
        kind: `scalar`, `list` or `mapping`.
        line, end_line: its first and last line, from 1.
        text: a scalar's text; empty for others.
        style: a scalar's style: `|`, `>`, `'`, `"` or empty.
        tag: an explicit tag, such as `!reference`; empty where there is none.
        items: a list's nodes.
        fields: a mapping's nodes by key, merged ones (`<<`) too, with the line of each key in `key_lines`.
    """

    __slots__ = ("end_line", "fields", "items", "key_lines", "kind", "line", "size", "style", "tag", "text")

    def __init__(self, kind: str, line: int, *, text: str = "", style: str = "", tag: str = "") -> None:
        self.kind = kind
        self.line = line
        self.end_line = line
        self.text = text
        self.style = style
        self.tag = tag
        self.items: list[Node] = []
        self.fields: dict[str, Node] = {}
        self.key_lines: dict[str, int] = {}
        self.size = 1

    def get(self, *keys: str) -> Node | None:
        """The node under a key of a mapping, of the mapping there, and so on; None where there is none."""
        node: Node | None = self
        for key in keys:
            node = node.fields.get(key) if node is not None else None
        return node

    def string(self, *keys: str) -> str:
        """The text of a scalar under such keys; empty where there is none."""
        node = self.get(*keys)
        return node.text if node is not None else ""

    def text_line(self, number: int) -> int:
        """The line of the file on which a line of a scalar's text is.

        Args:
            number: the line within the text, from 0. It is exact for a `|` block; of any other scalar the
                first line is given, since its lines are folded.
        """
        return self.line + 1 + number if self.style == "|" else self.line


def read(data: bytes) -> Node:
    """The last document of a YAML file: GitLab takes one before it for a header, and others take but one.

    Raises:
        YamlError: it is no YAML or no UTF-8, is larger than `MAX_BYTES`, nested deeper than `MAX_DEPTH`,
            stands for more than `MAX_NODES` nodes, or has a duplicate key or an alias within its own anchor.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise YamlError(f"it has {len(data)} bytes; {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError("it is not UTF-8") from None
    # YAML 1.1 breaks lines at more characters than git and YAML 1.2 do; a lone carriage return breaks them in
    # both versions of YAML, but in no editor's line numbers.
    text = text.replace("\r\n", "\n").translate({0x85: " ", 0x2028: " ", 0x2029: " "})
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        raise YamlError("it has a carriage return without a newline", line)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(yaml.parse(text, Loader=loader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is no YAML"
        raise YamlError(str(reason), mark.line + 1 if mark else None) from None


class _Builder:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node:
        last = Node("scalar", 1)
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                self._anchors.clear()
            elif kind not in ("StreamStartEvent", "DocumentEndEvent", "StreamEndEvent"):
                last = self._node(event, 0)
        return last

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels", line)
        if kind == "AliasEvent":
            shared = self._anchors.get(event.anchor)
            if shared is None:
                raise YamlError(f"the alias *{event.anchor} has no anchor before it", line)
            self._count(shared.size, line)
            return shared
        if event.anchor:
            self._anchors[event.anchor] = None  # until it is whole, no alias may name it
        self._count(1, line)
        tag = event.tag or ""
        if kind == "ScalarEvent":
            node = Node("scalar", line, text=event.value, style=event.style or "", tag=tag)
            node.end_line = event.end_mark.line + 1
        elif kind == "SequenceStartEvent":
            node = Node("list", line, tag=tag)
            for child in self._events:
                if type(child).__name__ == "SequenceEndEvent":
                    node.end_line = child.end_mark.line + 1
                    break
                node.items.append(self._node(child, depth + 1))
            node.size += sum(item.size for item in node.items)
        else:
            node = self._mapping(Node("mapping", line, tag=tag), depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, node: Node, depth: int) -> Node:
        merged: list[Node] = []
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                node.end_line = event.end_mark.line + 1
                break
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            node.size += key.size + value.size
            if key.text == "<<" and not key.style:
                merged += value.items if value.kind == "list" else [value]
                continue
            if key.text in node.fields and key.kind == "scalar":
                raise YamlError(f"the key {key.text!r} is there twice", key.line)
            node.fields[key.text] = value
            node.key_lines[key.text] = key.line
        # What a mapping has itself comes before what is merged into it, and earlier before later.
        for other in merged:
            for name, value in other.fields.items():
                node.fields.setdefault(name, value)
                node.key_lines.setdefault(name, other.key_lines[name])
        return node

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise YamlError(f"it stands for more than {MAX_NODES} nodes", line)
