"""The message of a commit that is being written, as git will record it."""

from __future__ import annotations

import os

from specguard.change.commit import Message
from specguard.change.given import read_bounded
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.change.process import Process
    from specguard.change.repository import Repository

MESSAGE_LIMIT: Final = 16 << 20
"""How large the file may be, in bytes: with `commit --verbose` it holds the whole diff."""

DEFAULT_FILE: Final = "COMMIT_EDITMSG"
"""Where git keeps the message; this name alone stands for the file in the git directory."""

_CUT: Final = b" ------------------------ >8 ------------------------"
_COMMENT_CHARACTERS: Final = b"#;@!$%^&|:"
"""What git picks from for `core.commentChar = auto`, in its order."""

_SETTINGS: Final = r"^(core\.comment(char|string)|commit\.cleanup)$"


def start_settings(repository: Repository) -> Process:
    """Start reading how the user has git clean messages; `read_message` takes the result."""
    return repository.in_place("config", "-z", "--get-regexp", _SETTINGS, user=True)


def read_message(repository: Repository, file: str, settings: Process) -> Message:
    """The message in a file, without comments and what is below git's scissors line.

    Args:
        repository: where it is being written.
        file: the file's name; `DEFAULT_FILE`, where there is none of that name, is git's own.
        settings: what `start_settings` started.

    Raises:
        SpecguardError: the file cannot be read, or is too large.
        MissingFact: the configuration cannot be read.
    """
    file = message_path(repository, file)
    # Git tells its hooks who the author will be.
    who = [repository.environment.get(f"GIT_AUTHOR_{name}", "") for name in ("NAME", "EMAIL")]
    return Message(
        clean(read_bounded(file, MESSAGE_LIMIT, "the message"), _read(settings)),
        source="file",
        # While a merge is being concluded, git keeps there what it joins.
        merge=os.path.exists(f"{repository.git_dir}/MERGE_HEAD"),
        author=f"{who[0]} <{who[1]}>" if all(who) else "",
    )


def message_path(repository: Repository, file: str) -> str:
    """The file that is meant by a name: `DEFAULT_FILE`, where there is none of that name, is git's own."""
    if file == DEFAULT_FILE and not os.path.exists(file):
        return f"{repository.git_dir}/{DEFAULT_FILE}"
    return file


def given_message(repository: Repository, text: str, settings: Process) -> Message:
    """A message that a command line gives, as git will record it.

    Raises:
        MissingFact: the configuration cannot be read.
    """
    return Message(
        clean(text.encode("utf-8", "surrogateescape"), _read(settings)),
        source="file",
        merge=os.path.exists(f"{repository.git_dir}/MERGE_HEAD"),
    )


def rewrite(raw: bytes, old: bytes, new: bytes, settings: Process) -> bytes | None:
    """The bytes of a file in which a message is being written, with another message in it.

    The comments and the diff that git put behind the message stay.

    Args:
        raw: the file's bytes.
        old: the message that it has, as git will record it.
        new: the message that it is to have.
        settings: what `start_settings` started.

    Returns:
        The bytes; None where the message that is there is another one, or there is no telling where it ends.

    Raises:
        MissingFact: the configuration cannot be read.
    """
    how = _read(settings)
    if clean(raw, how) != old:
        return None
    lines = raw.split(b"\n")
    for end in range(len(lines) + 1):
        if clean(b"\n".join(lines[:end]), how) == old:
            rest = b"\n".join(lines[end:])
            whole = new + (b"\n" + rest.lstrip(b"\n") if rest.strip() else b"")
            return whole if clean(whole, how) == new else None
    return None


def clean(raw: bytes, settings: Mapping[str, str]) -> bytes:
    """A message as git records it.

    A hook is not told whether the message came from an editor, where comments go, or from `-m`, where they
    stay. They are taken out as from an editor, unless nothing would be left: git records no such message.

    Args:
        raw: the file's bytes.
        settings: `commit.cleanup` and `core.commentchar` (or `core.commentstring`), where they are set.
    """
    mode = settings.get("commit.cleanup", "default")
    if mode == "verbatim":
        return raw
    chosen = settings.get("core.commentstring") or settings.get("core.commentchar") or "#"
    lines = raw.split(b"\n")
    mark = _automatic(lines) if chosen == "auto" else chosen.encode("utf-8", "surrogateescape")
    if mark:
        for number, line in enumerate(lines):
            if line.rstrip(b"\r") == mark + _CUT:
                lines = lines[:number]
                break
        if mode not in ("whitespace", "scissors"):
            kept = [line for line in lines if not line.startswith(mark)]
            lines = kept if any(line.strip() for line in kept) else lines
    return _strip(lines)


def _automatic(lines: list[bytes]) -> bytes:
    """The character that git chose for its comments: that of the scissors line, or of the last line."""
    for line in lines:
        if line[1:].rstrip(b"\r") == _CUT and line[:1] in _COMMENT_CHARACTERS:
            return line[:1]
    last = next((line for line in reversed(lines) if line.strip()), b"")
    return last[:1] if last and last[0] in _COMMENT_CHARACTERS else b""


def _strip(lines: list[bytes]) -> bytes:
    """No blanks at the ends of lines, no two blank lines together, none first or last: git's stripspace."""
    out: list[bytes] = []
    for line in lines:
        text = line.rstrip(b" \t\r")
        if text or (out and out[-1]):
            out.append(text)
    while out and not out[-1]:
        out.pop()
    return b"\n".join(out) + b"\n" if out else b""


def _read(process: Process) -> dict[str, str]:
    pieces = []
    try:
        while data := process.chunk():
            pieces.append(data)
        code = process.wait()
    finally:
        process.stop()
    # 1: none of them is set.
    if code not in (0, 1) or process.said:
        raise MissingFact(
            f"the configuration cannot be read: {process.said}", "git config --list", code="broken-repository"
        )
    text = b"".join(pieces).decode("utf-8", "surrogateescape")
    return {key: value for key, _, value in (entry.partition("\n") for entry in text.split("\0") if entry)}
