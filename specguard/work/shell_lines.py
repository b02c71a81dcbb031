"""The commands of a block of shell, one a line: continued lines, comments, prompts, and what lasts.

A line may be all there is of a command, or a loop may go over several of them. `cd backend` or `export A=b`
on a line of its own is for the lines after it, and goes before each of them.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

_LONGEST: Final = 100
_PROMPT: Final = re.compile(r"\s*(?:\([^()]*\)\s*)?(?:[\w.@~:/-]*[$%\u276f])\s+(?=\S)")
_CONTINUED: Final = re.compile(r"\s*>\s?")
_LASTS: Final = re.compile(
    r"(?:cd|pushd|popd|export|source|\.|set|unset|umask|ulimit|shopt|alias)\s[^;&|\n]*\Z|cd\Z"
    r"|(?:[A-Za-z_]\w*=(?:[^\s;&|\"'()]|\"[^\"]*\"|'[^']*')*\s*)+\Z"
)
_HEREDOC: Final = re.compile(r"<<-?\s*(?P<quote>[\"']?)(?P<word>\w+)(?P=quote)")
_TOKEN: Final = re.compile(r"[;&|(){}\n]|[^\s;&|(){}]+")
_OPENING: Final = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSING: Final = frozenset({"fi", "done", "esac", "}"})
_BEFORE_COMMAND: Final = frozenset({";", "&", "|", "(", "{", "\n", "do", "then", "else", "elif", "!"})
_BASH: Final = re.compile(
    r"\[\[|<\(|<<<|&>|\(\(|\$'|\bpipefail\b|(?:^|[\s;&|])(?:source|declare|local|shopt|function|mapfile)\s"
    r"|\$\{[^{}]*(?:/|\^|,,|\[)[^{}]*\}|\{[^{}\s]*(?:\.\.|,)[^{}\s]*\}"
)


class Line:
    """A command of a block.

    Attributes:
        line: where it begins, from 1.
        text: the command; what lasts from the lines before it stands before it.
        own: the same without that.
        problem: why it is none; empty where it is one.
    """

    __slots__ = ("line", "own", "problem", "text")

    def __init__(self, line: int, text: str, own: str, problem: str = "") -> None:
        self.line = line
        self.text = text
        self.own = own
        self.problem = problem

    def __repr__(self) -> str:
        return f"Line({self.line}, {self.text!r}, {self.problem!r})"


def shell_lines(content: str, first: int) -> Iterator[Line]:
    """The commands of a block.

    Args:
        content: its text.
        first: the line of its first line.
    """
    lasting: list[tuple[int, str]] = []
    used = True
    for number, text in _commands(content.split("\n"), first):
        if text.count("\n") >= _LONGEST or not _has_ended(text):
            yield Line(number, text, text, "it does not come to an end")
        elif _LASTS.match(text):
            lasting.append((number, text))
            used = False
        else:
            used = True
            yield Line(number, " && ".join([*(one for _, one in lasting), text]), text)
    if not used:
        number, text = lasting[-1]
        yield Line(number, text, text, "nothing follows that it is for")


def needs_bash(command: str) -> bool:
    """Whether a command has what only bash and its like understand."""
    return bool(_BASH.search(re.sub("'[^']*'", "_", command)))


def _commands(lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    """Each command with the line that it begins on; of a session what stands behind a prompt alone."""
    prompted = any(_PROMPT.match(line) for line in lines)
    pending: list[str] = []
    begins = first
    for number, line in enumerate(lines, first):
        if not pending:
            prompt = _PROMPT.match(line) if prompted else None
            if prompted and prompt is None:
                continue
            text = line[prompt.end() :] if prompt else line.strip()
            text = _without_comment(text)
            if not text:
                continue
            begins = number
        else:
            text = _CONTINUED.sub("", line, count=1) if prompted else line
        pending.append(text.rstrip())
        whole = "\n".join(pending)
        # One that is longer is not looked at again and again: it takes all that follows.
        if len(pending) <= _LONGEST and _has_ended(whole):
            yield begins, _on_one_line(whole)
            pending = []
    if pending:
        yield begins, "\n".join(pending).rstrip()


def _on_one_line(text: str) -> str:
    """A command without the marks of lines that go on; other lines stay."""
    return re.sub(r"[ \t]*\\\n[ \t]*", " ", text).strip() if "<<" not in text else text


def _without_comment(text: str) -> str:
    """A line without the comment at its end."""
    shown = _unquoted(text)
    comment = re.search(r"(?:^|\s)#", shown)
    return (text[: comment.start()] if comment else text).strip()


def _unquoted(text: str) -> str:
    """A text with each quoted character replaced, so that it is as long as before; an open quote stays."""
    found: list[str] = []
    quote = ""
    skip = False
    for char in text:
        if skip:
            skip = False
            found.append("_" if char != "\n" else " ")
        elif char == "\\" and quote != "'":
            skip = True
            found.append("_")
        elif quote:
            if char == quote:
                quote = ""
            found.append("_")
        elif char in "\"'":
            quote = char
            found.append("_")
        else:
            found.append(char)
    if quote or skip:
        found.append("\0")
    return "".join(found)


def _has_ended(text: str) -> bool:
    """Whether nothing more belongs to a command."""
    heredoc = _HEREDOC.search(text)
    if heredoc and "<<<" not in text:
        ends = [line.strip() for line in text.split("\n")[1:]]
        if heredoc["word"] not in ends:
            return False
        text = text[: heredoc.start()]
    bare = _unquoted(text)
    if "\0" in bare or re.search(r"(?:&&|\|\|?)\s*\Z", bare):
        return False
    depth = cases = 0
    at_command = True
    for token in _TOKEN.findall(bare):
        if at_command and token in _OPENING:
            depth += 1
            cases += token == "case"  # noqa: S105 - a word of shell
        elif at_command and token in _CLOSING:
            depth -= 1
            cases -= token == "esac"  # noqa: S105
        elif token == "(":  # noqa: S105
            depth += 1
        elif token == ")" and not cases:  # noqa: S105
            depth -= 1
        at_command = token in _BEFORE_COMMAND
    return depth <= 0
