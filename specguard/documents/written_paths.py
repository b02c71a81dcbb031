"""Paths as people write them in a sentence, with the lines that are meant: `path:12`, `path#L12-L40`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    Form = Literal["colon", "fragment", "words", "cell", "none"]

LONGEST: Final = 1000
"""A word or span of code of more characters is no path."""

LINE: Final = r"L?[0-9]{1,9}(?::[0-9]{1,9})?(?:C[0-9]{1,9})?"
"""The text of one line: `12`, `L12`, with a column or without."""

RANGE: Final = rf"{LINE}(?:[-\u2013\u2014]{LINE})?"
"""The text of a line or of a range of lines."""

URL: Final = re.compile(r"[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
"""How a web address begins."""

DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
"""How a path of Windows begins."""

EXTENSION: Final = re.compile(
    r"[^.]\.(?:[a-z][a-z0-9]{0,11}|[A-Z][A-Z0-9]{0,11})$|^\.[A-Za-z][\w.-]*$", re.ASCII
)
"""What a file's name ends in, or a name that begins with a dot."""

_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_RANGES: Final = rf"(?P<lines>{RANGE}(?:(?:, ?|/):?{RANGE})*)"
# The end of a path: what follows its lines is no further part of a name.
_COLON: Final = re.compile(rf":{_RANGES}(?![A-Za-z0-9_/])")
_FRAGMENT: Final = re.compile(rf"#(?=L[0-9]){_RANGES}(?![A-Za-z0-9_])")
# `tickets/{id}.json` says what files are called, as `tickets/*.json` does.
_PLACEHOLDER: Final = re.compile(r"\{[^{}/]{1,60}\}")
_EDGES: Final = "*_.!?:"
_SIGN: Final = re.compile(r"[/.:#\\]")
_FOREIGN: Final = re.compile(r"[\n*?$<>|=\0]")
_BLOB: Final = re.compile(r"/(?:-/)?(?:blob|tree|raw|src/branch|src/commit|blame)/")
_HOST: Final = re.compile(
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[\w-]+\.)*(?:localhost|[\w-]+\.(?:com|org|net|io|dev|local|internal|cloud|app|ai|edu|gov)))$",
    re.IGNORECASE,
)
_PLAIN_NAMES: Final = frozenset({
    "AUTHORS", "BUILD", "Brewfile", "CHANGELOG", "CODEOWNERS", "CONTRIBUTING", "COPYING", "Caddyfile",
    "Containerfile", "Dockerfile", "Earthfile", "Gemfile", "Jenkinsfile", "Justfile", "LICENSE", "Makefile",
    "NOTICE", "Procfile", "README", "Rakefile", "Tiltfile", "VERSION", "Vagrantfile", "WORKSPACE", "justfile",
})  # fmt: skip


def written_path(written: str, marked: bool) -> tuple[str, str, Form] | None:
    """The path, the lines and their form of what could be a citation; None where it is none."""
    word = written if marked else _bare(written)
    if word[:7].lower() == "file://":
        word = link_target(word)
    # Most words are plain ones, and no path is without one of these but for a few names.
    if not _SIGN.search(word) and word not in _PLAIN_NAMES:
        return None
    if len(word) > LONGEST or _FOREIGN.search(word) or ("{" in word and _PLACEHOLDER.search(word)):
        return None
    lines: str = ""
    form: Form = "none"
    anchors: tuple[tuple[re.Pattern[str], Form], ...] = ((_FRAGMENT, "fragment"), (_COLON, "colon"))
    for expression, name in anchors:
        match = _last(expression, word)
        if match:
            word, lines = word[: match.start()], match["lines"]
            form = name
            break
    if not lines:
        # A test is named by its file and its own name.
        word = word.partition("::")[0]
        word = word.partition("#")[0] if marked and "#" in word[1:] else word
    # With slashes in it a path has no backslashes of Windows: `a/b\_c.py` is Markdown that was escaped twice.
    path = (unescaped(word) if "/" in word else word).replace("\\", "/")
    if not path or not _is_path(path, bool(lines), form, marked):
        return None
    return path, lines, form


def _last(expression: re.Pattern[str], word: str) -> re.Match[str] | None:
    """A word's lines: they end it, or what follows is a line as a search prints it, or another script."""
    for match in expression.finditer(word):
        following = word[match.end() : match.end() + 1]
        if following in {"", ":"} or not following.isascii():
            return match
    return None


def _bare(word: str) -> str:
    """A word without the punctuation and emphasis around it."""
    word = word.strip("~") if word.startswith("~~") else word
    return word.rstrip(_EDGES) if word.startswith(".") else word.lstrip("*_!?:").rstrip(_EDGES)


def _is_path(path: str, lines: bool, form: Form, marked: bool) -> bool:
    """Whether a text is a path, and not a command, a route, a host with its port or prose."""
    if URL.match(path):
        return bool(_BLOB.search(path)) or path[:7].lower() == "file://"
    name = path.rstrip("/").rpartition("/")[2]
    if " " in path and not (lines and "/" in path.partition(" ")[0] and EXTENSION.search(name)):
        return False
    if not any(char.isalpha() for char in name) or "@" in path.partition("/")[0][1:]:
        return False
    if form == "fragment" or name in _PLAIN_NAMES or EXTENSION.search(name):
        return "/" in path or not _HOST.match(path)
    deep = path.startswith(("/", "./", "../")) or path.count("/") > 1
    return lines and (deep or (marked and "/" in path)) and not _HOST.match(path.partition("/")[0] or "-")


def plain_path(path: bytes) -> bytes | None:
    """A path without `.`, `..` and empty parts; None where it climbs above its root, or says no more."""
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            if not parts:
                return None
            parts.pop()
        elif part not in {b"", b"."}:
            parts.append(part)
    return b"/".join(parts) or None


def stands_alone(path: str, marked: bool) -> bool:
    """Whether a path without lines is cited, and not just spoken of: marked, or with a folder."""
    return marked or "/" in path.strip("/")


def unescaped(text: str) -> str:
    """A text outside of code as it is meant, where a backslash may stand before a mark such as `_`."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def link_target(target: str) -> str:
    """Where a link leads, as a path with its lines; of `file:` the path alone."""
    if target[:7].lower() == "file://":
        target = target[7:]
        if target.startswith("/") and DRIVE.match(target, 1):
            target = target[1:]
    if "%" in target:
        from urllib.parse import unquote

        target = unquote(target)
    return target
