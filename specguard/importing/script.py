"""Reading the configuration object of a JavaScript or TypeScript file, of which nothing is run.

What is a literal is read: objects, lists, texts, numbers, and names that stand for such a literal in the same
file. Everything else (calls, functions, imports, computed keys) is `Unreadable`, with its line.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from specguard.documents.data import Data, Node
from specguard.documents.problem import Problem
from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

LIMIT: Final = 1 << 20
"""The most characters of a file that are read."""

MAX_DEPTH: Final = 50
"""How deep values may be nested."""

_SHOWN: Final = 60

# No alternative can begin like another one but for comments and division, which stand first.
_TOKEN: Final = re.compile(
    r"""(?P<space>[\s\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z))
    |(?P<text>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`)
    |(?P<number>[0-9][0-9A-Za-z_.]*|\.[0-9][0-9A-Za-z_]*)
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<mark>=>|\.\.\.|===?|!==?|[<>]=|[^\s])""",
    re.VERBOSE,
)
_EXPRESSION: Final = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[A-Za-z]*")
_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(\r\n|[\s\S]))"
)
_ESCAPED: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
    "\r\n": "",
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+)")
_OPEN: Final = {"(": ")", "[": "]", "{": "}"}
_WORDS: Final[Mapping[str, Any]] = {
    "true": True, "false": False, "null": None, "undefined": None, "Infinity": float("inf"),
}  # fmt: skip
_CHANGING: Final = frozenset(
    {"push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "assign"}
)


class Unreadable:
    """A value that only running the file would give.

    Attributes:
        text: how it begins.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Unreadable({self.text!r})"


def read_script(text: str, names: Mapping[str, Any] | None = None) -> Data:
    """The object that a file exports, with the line of every key.

    Args:
        text: the file; `module.exports = …`, `export default …` or `export = …`.
        names: values of dotted names that are known, such as `RuleConfigSeverity.Error`.

    Returns:
        The data; values that cannot be read are `Unreadable`. With a problem where nothing is exported.
    """
    if len(text) > LIMIT:
        return Data.unread(Problem(f"it has more than {LIMIT} characters"))
    reader = _Reader(text, names or {})
    start = reader.exported()
    if start is None:
        return Data.unread(Problem("it exports no object that can be read without running it"))
    value, node, _ = reader.value(start, ends=True)
    if isinstance(value, Unreadable):
        return Data.unread(
            Problem(f"what it exports is made by code, which is not run: {value.text}", node.line)
        )
    return Data(value, lambda: node)


class _Token:
    __slots__ = ("kind", "line", "start", "text")

    def __init__(self, kind: str, text: str, start: int, line: int) -> None:
        self.kind = kind
        self.text = text
        self.start = start
        self.line = line


class _Reader:
    """Reads values out of a file's tokens.

    Args:
        text: the file.
        names: values of dotted names.
    """

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self._text = text
        self._names = names
        self._tokens = _tokens(text)
        self._consts: dict[str, int] = {}
        self._known: dict[str, tuple[Any, Node]] = {}
        self._changed: set[str] = set()
        self._end = _Token("end", "", len(text), text.count("\n") + 1)
        self._close = self._pairs()
        self._look()

    def exported(self) -> int | None:
        """Where the exported value begins."""
        for at in range(len(self._tokens)):
            words = [self._at(at + offset).text for offset in range(4)]
            if words[0] == "export" and words[1] in ("default", "="):
                return at + 2
            if words[:4] == ["module", ".", "exports", "="]:
                return at + 4
        return None

    def value(self, at: int, depth: int = 0, *, ends: bool = False) -> tuple[Any, Node, int]:
        """The value at a token, where it stands, and the token behind it.

        Args:
            at: the token.
            depth: how many values it lies within.
            ends: whether it ends a statement.
        """
        token = self._at(at)
        node = Node(token.line)
        if depth > MAX_DEPTH:
            return self._unreadable(at, node)
        value: Any
        if token.text == "{":
            value, after = self._object(at, node, depth)
        elif token.text == "[":
            value, after = self._list(at, node, depth)
        elif token.text == "(" and self._at(self._close.get(at, at) + 1).text != "=>":
            value, node, after = self.value(at + 1, depth + 1)
            if after != self._close.get(at):
                return self._unreadable(at, node)
            after += 1
        elif token.kind == "text" and not (token.text[0] == "`" and "${" in token.text):
            value, after = _plain(token.text), at + 1
        elif token.kind == "number" or (token.text in "+-" and self._at(at + 1).kind == "number"):
            sign = token.text if token.kind != "number" else ""
            value, after = _number(sign + self._at(at + bool(sign)).text), at + 1 + bool(sign)
        elif token.kind == "name":
            value, node, after = self._name(at, node, depth)
        else:
            return self._unreadable(at, node)
        if isinstance(value, Unreadable):
            return self._unreadable(at, node)
        following = self._at(after)
        if following.text in ("as", "satisfies"):
            return value, node, self._skip(after)
        if following.kind == "end" or following.text in (",", ";", ")", "]", "}"):
            return value, node, after
        # Where no semicolon ends a statement, the next one begins on a line of its own.
        if ends and following.kind == "name" and following.line > self._at(after - 1).line:
            return value, node, after
        return self._unreadable(at, node)

    def _name(self, at: int, node: Node, depth: int) -> tuple[Any, Node, int]:
        after = at + 1
        dotted = self._at(at).text
        while self._at(after).text == "." and self._at(after + 1).kind == "name":
            dotted += f".{self._at(after + 1).text}"
            after += 2
        if dotted in _WORDS:
            return _WORDS[dotted], node, after
        if dotted in self._names:
            return self._names[dotted], node, after
        if dotted in self._consts and dotted not in self._changed:
            if dotted not in self._known:
                # A name that stands for itself, over any number of others, stands for nothing.
                self._known[dotted] = Unreadable(dotted), node
                value, place, _ = self.value(self._consts[dotted], depth + 1, ends=True)
                self._known[dotted] = value, place
            value, place = self._known[dotted]
            return value, place, after
        return Unreadable(dotted), node, after

    def _object(self, at: int, node: Node, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        node.below = below = {}
        end = self._close.get(at, len(self._tokens))
        at += 1
        while at < end:
            token = self._at(at)
            if token.text == ",":
                at += 1
                continue
            if token.text == "...":
                value, place, after = self.value(at + 1, depth + 1)
                if isinstance(value, dict) and isinstance(place.below, dict):
                    found.update(value)
                    below.update(place.below)
                else:
                    found[f"...{self._short(at + 1)}"] = Unreadable(self._short(at + 1))
                    below[f"...{self._short(at + 1)}"] = Node(token.line)
            else:
                key = _plain(token.text) if token.kind == "text" else token.text
                if token.kind in ("text", "name", "number") and self._at(at + 1).text == ":":
                    value, place, after = self.value(at + 2, depth + 1)
                    place = Node(token.line, place.below)
                elif token.kind == "name" and self._at(at + 1).text in (",", "}"):
                    value, place, after = self.value(at, depth + 1)
                    place = Node(token.line, place.below)
                else:
                    # A method, a getter, or a key that is computed.
                    after = self._skip(at)
                    key = " ".join(
                        self._text[token.start : self._at(self._close.get(at, at) + 1).start].split()
                    )
                    value, place = Unreadable(self._short(at)), Node(token.line)
                found[key] = value
                below[key] = place
            at = max(after, at + 1)
        return found, end + 1

    def _list(self, at: int, node: Node, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        node.below = below = []
        end = self._close.get(at, len(self._tokens))
        at += 1
        while at < end:
            if self._at(at).text == ",":
                at += 1
                continue
            spread = self._at(at).text == "..."
            value, place, after = self.value(at + spread, depth + 1)
            if spread and isinstance(value, list) and isinstance(place.below, list):
                found += value
                below += place.below
            else:
                found.append(Unreadable(self._short(at)) if spread else value)
                below.append(place)
            at = max(after, at + 1)
        return found, end + 1

    def _unreadable(self, at: int, node: Node) -> tuple[Unreadable, Node, int]:
        return Unreadable(self._short(at)), Node(node.line), max(self._skip(at), at + 1)

    def _skip(self, at: int) -> int:
        """The token that ends what begins at one: a comma, a semicolon, or a bracket of what is around it."""
        while at < len(self._tokens):
            text = self._tokens[at].text
            if text in (",", ";", ")", "]", "}"):
                return at
            at = self._close.get(at, at) + 1
        return at

    def _short(self, at: int) -> str:
        """What begins at a token, on one line and cut."""
        start = self._at(at).start
        end = self._at(self._skip(at)).start
        return shortened(self._text[start : min(end, start + 4 * _SHOWN)], _SHOWN)

    def _look(self) -> None:
        """Find the names that stand for a value, and those that code alters."""
        for at, token in enumerate(self._tokens):
            if token.text in ("const", "let", "var") and self._at(at + 1).kind == "name":
                name, after = self._at(at + 1).text, at + 2
                while after < len(self._tokens) and self._at(after).text not in ("=", ";", ","):
                    after = self._close.get(after, after) + 1
                if self._at(after).text == "=":
                    if name in self._consts:
                        self._changed.add(name)
                    self._consts[name] = after + 1
            elif token.kind == "name" and self._at(at - 1).text not in (".", "const", "let", "var"):
                self._watch(at)

    def _watch(self, at: int) -> None:
        """Note a name that is assigned to, or on which a method is called that alters it."""
        name, after, last = self._at(at).text, at + 1, ""
        while True:
            text = self._at(after).text
            if text == "." and self._at(after + 1).kind == "name":
                last = self._at(after + 1).text
                after += 2
            elif text == "[" and after in self._close:
                last = ""
                after = self._close[after] + 1
            else:
                break
        if (after > at + 1 and text == "=") or (text == "(" and last in _CHANGING):
            self._changed.add(name)
        if [self._at(at - back).text for back in (1, 2, 3)] == ["(", "assign", "."]:
            self._changed.add(name)

    def _pairs(self) -> dict[int, int]:
        """The closing bracket of each opening one."""
        pairs: dict[int, int] = {}
        opened: list[int] = []
        for at, token in enumerate(self._tokens):
            if token.kind != "mark":
                continue
            if token.text in _OPEN:
                opened.append(at)
            elif opened and token.text == _OPEN[self._tokens[opened[-1]].text]:
                pairs[opened.pop()] = at
        return pairs

    def _at(self, at: int) -> _Token:
        return self._tokens[at] if 0 <= at < len(self._tokens) else self._end


def _tokens(text: str) -> list[_Token]:
    newlines = [match.start() for match in re.finditer("\n", text)]
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            break
        kind = found.lastgroup or "mark"
        if kind == "mark" and found[0] == "/" and _begins_expression(tokens):
            expression = _EXPRESSION.match(text, at)
            if expression:
                found, kind = expression, "expression"
        at = found.end()
        if kind != "space":
            tokens.append(_Token(kind, found[0], found.start(), bisect_right(newlines, found.start()) + 1))
    return tokens


def _begins_expression(tokens: Sequence[_Token]) -> bool:
    """Whether a slash behind these begins a regular expression, and does not divide."""
    if not tokens:
        return True
    last = tokens[-1]
    if last.kind == "name":
        return last.text in ("return", "typeof", "case", "in", "of", "do", "else")
    return last.kind == "mark" and last.text not in (")", "]", "}")


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(_unescaped, quoted[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    return _ESCAPED.get(found[4], found[4])


def _number(text: str) -> Any:
    try:
        plain = text.replace("_", "")
        return int(plain, 0) if _INTEGER.fullmatch(plain) else float(plain)
    except ValueError:
        return Unreadable(text)
