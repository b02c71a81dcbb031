"""Commands in the code of Markdown documents: fenced blocks of a shell, and code spans of what to do."""

from __future__ import annotations

import re

from specguard_rules.content._shell import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard_rules.content._shell import Command

_FENCE: Final = re.compile(r"[ \t>]*(?:[-*+] |[0-9]{1,9}[.)] )?[ \t]*(`{3,}|~{3,})([^`]*)$")
_SHELL_INFO: Final = frozenset(
    [
        "",
        "sh",
        "bash",
        "shell",
        "zsh",
        "ksh",
        "console",
        "terminal",
        "shell-session",
        "shellsession",
        "session",
        "text",
    ]
)
_PROMPT: Final = re.compile(r"^(\s*)(?:\$|>|%|#) ", re.MULTILINE)
_ITEM: Final = re.compile(r"\s*(?:[-*+]|[0-9]{1,9}[.)])\s")
_HEADING: Final = re.compile(r" {0,3}#{1,6}\s")
_NO: Final = (
    r"(?:never|not|no|nor|cannot|can't|don.?t|doesn.?t|mustn'?t|won'?t|shouldn'?t|avoid\w*|forbid\w*|forbidden"
    r"|prohibit\w*|banned|disallow\w*|refus\w+|reject\w*|block(?:s|ed)|deny|denies|denied)"
)
_BEFORE: Final = re.compile(rf"\b(?:{_NO}|without|instead of)\b", re.IGNORECASE)
_AFTER: Final = re.compile(
    rf"\s*(?:\([^)]{{0,80}}\)\s*)?(?:is|are|must|may|should|will|can|gets?)?\s*(?:\w+\s+)?{_NO}\b",
    re.IGNORECASE,
)
# An instruction, with a few words at most between it and the command: "then run once more `gt sync`".
_TELLS: Final = re.compile(
    r"\b(?:(?:re-?)?run|use|execute|call|invoke|type|issue|enter|try|then)\b:?"
    r"(?:\s+[\w'-]+){0,4}:?\s*[*_(\"']*$",
    re.IGNORECASE,
)
# So does what is to be done, with a colon behind it: "Or kill the process: `pkill -f vite`".
_DOES: Final = re.compile(
    r"(?<!\bthe )(?<!\ba )\b(?:kill|stop|terminate|restart|reset|clean|publish|deploy|sync)\b"
    r"(?:\s+[\w'-]+){0,5}[*_]{0,2}:[*_]{0,2}\s*[*_(\"']*$",
    re.IGNORECASE,
)
# "Publish with `git push`" instructs too, "it was published with" does not.
_BY_MEANS: Final = re.compile(r"\b(?:with|using|via|by)\s*[*_(\"']*$", re.IGNORECASE)
_NARRATES: Final = re.compile(
    r"\b(?:[a-z]+ed|is|are|was|were|be|been|has|had|have|does|did)\b", re.IGNORECASE
)
# What stands before a command with which a list item or a paragraph begins, and what may follow it there.
_BEGINS: Final = re.compile(
    r"\s*(?:>\s*)?(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)?(?:\[[ xX]\]\s+)?[*_]{0,2}(?:(?:step\s+)?[0-9]+[.:)]\s*)?$",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(r"[*_]{0,2}\s*(?:$|[.,;:(#\u2013\u2014-]|(?:to|and|then|in|from|on|for)\b)")
_SENTENCE: Final = re.compile(r"[.!?]\s")
_LONGEST_CONTEXT: Final = 400


def markdown_commands(text: str) -> Iterator[Command]:
    """The commands in a document's code.

    A code span whose sentence forbids it (`never run …`, `… is forbidden`), or which stands in a list under
    words that do, is left out: a brief that warns of a command does not give it. One is told where an
    instruction leads to it (`run …`, `use …`) or where an item or paragraph begins with it; elsewhere the
    document speaks of it.
    """
    fence = ""
    info = ""
    block: list[str] = []
    start = 0
    before = lead = ""
    for number, line in enumerate(text.split("\n"), start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                yield from _fenced("\n".join(block), info, start)
                fence = ""
            else:
                block.append(line)
            continue
        if mark:
            fence, info, block, start = mark[1], mark[2].strip().lower(), [], number + 1
            continue
        if not line.strip():
            before = ""
            continue
        item = _ITEM.match(line) is not None
        if item or _HEADING.match(line):
            before = ""
        if not item:
            lead = line[:_LONGEST_CONTEXT] if _HEADING.match(line) or line.rstrip().endswith(":") else lead
        if not (item and _BEFORE.search(lead)):
            yield from _spans(line, number, before)
        before = (before + " " + line)[-_LONGEST_CONTEXT:]
    if fence:
        yield from _fenced("\n".join(block), info, start)


def _fenced(text: str, info: str, start: int) -> Iterator[Command]:
    language = re.split(r"[\s{,:]", info, maxsplit=1)[0] if info else ""
    if language in _SHELL_INFO:
        # A prompt is no part of the command; a comment without one stays a comment.
        prompts = any(row.lstrip().startswith("$ ") for row in text.split("\n"))
        pattern = _PROMPT if prompts else re.compile(r"^(\s*)\$ ", re.MULTILINE)
        yield from commands(pattern.sub(r"\1", text), start)


def _spans(line: str, number: int, before: str) -> Iterator[Command]:
    runs = [(match.start(), match.end()) for match in re.finditer("`+", line)]
    following: dict[int, list[int]] = {}
    for index, (start, end) in enumerate(runs):
        following.setdefault(end - start, []).append(index)
    index = 0
    while index < len(runs):
        start, end = runs[index]
        same = following[end - start]
        same.pop(0)
        if not same:
            index += 1
            continue
        close = same[0]
        for passed in range(index + 1, close):
            following[runs[passed][1] - runs[passed][0]].pop(0)
        same.pop(0)
        said = _SENTENCE.split(before + " " + line[max(0, start - _LONGEST_CONTEXT) : start])[-1]
        rest = _SENTENCE.split(line[runs[close][1] : runs[close][1] + _LONGEST_CONTEXT])[0]
        if not _BEFORE.search(said) and not _AFTER.match(rest):
            begins = not (before and _ITEM.match(line) is None) and _BEGINS.match(line[:start])
            leads = _TELLS.search(said) or _DOES.search(said)
            means = _BY_MEANS.search(said) and not _NARRATES.search(said)
            told = bool(leads or means or (begins and _GOES_ON.match(line[runs[close][1] :])))
            for command in commands(line[end : runs[close][0]].removeprefix("$ ").strip(), number):
                command.told = told
                yield command
        index = close + 1
