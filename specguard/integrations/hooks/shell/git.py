"""What git would write, commit and move, and how it would be run without its hooks."""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.calls import FileEdit
from specguard.integrations.hooks.places import joined, work_tree_at
from specguard.integrations.hooks.shell.programs import has, options_of, values_of
from specguard.integrations.hooks.shell.reader import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.programs import Telling
    from specguard.integrations.hooks.shell.reader import Command

_MESSAGE: Final = ("m", "message")
_FILE: Final = ("F", "file")
_HOOKED: Final = frozenset(["commit", "push", "merge", "rebase", "am", "pull", "cherry-pick", "revert"])


def tell_git(telling: Telling, command: Command, words: Sequence[Word]) -> None:
    """Tell what a call of git does.

    Args:
        telling: collects it.
        command: the command that calls it.
        words: its arguments.
    """
    start = telling.place
    at = 0
    while at < len(words) and (words[at].text or "").startswith("-"):
        text = words[at].text or ""
        at += 1
        name, value = text[:2], Word(text[2:])
        if text in ("-C", "-c", "--config-env"):
            name, value = text, words[at] if at < len(words) else Word(None)
            at += 1
        elif text.startswith("--config-env="):
            name, value = "-c", Word(text.partition("=")[2])
        elif text.startswith("--") and text not in ("--no-pager", "--paginate", "--literal-pathspecs"):
            return
        if name == "-C":
            found = telling.paths(value)
            telling.place = found[0] if len(found) == 1 else None
        elif name in ("-c", "--config-env") and _is_hooks((value.text or "").partition("=")[0]):
            telling.bypasses.append("`git -c core.hooksPath` gives git other hooks, or none")
    if at < len(words) and words[at].text:
        _tell(telling, command, words[at].text or "", words[at + 1 :])
    telling.place = start


def _is_hooks(key: str) -> bool:
    return key.lower() == "core.hookspath"


def _tell(telling: Telling, command: Command, name: str, words: Sequence[Word]) -> None:
    if name in _HOOKED and _skips(name, words):
        telling.bypasses.append(f"`git {name} --no-verify` skips the hooks")
    if name == "commit":
        _commit(telling, command, words)
    elif name == "config":
        _config(telling, words)
    elif name == "rm":
        options, operands = options_of(words)
        for word in () if has(options, "n", "dry-run") else operands:
            for path in () if (word.text or "").startswith(":") else telling.paths(word):
                telling.edit(FileEdit(path=path))
    elif name == "mv":
        _move(telling, words)
    elif name in ("checkout", "restore"):
        _restore(telling, name, words)
    elif name == "reset" and has(options_of(words)[0], "hard") and telling.place is not None:
        tree = work_tree_at(telling.absolute(telling.place))
        telling.discards += [tree.root] if tree else []
    elif name == "apply":
        _apply(telling, command, words)
    elif name == "update-index":
        _index(telling, words)
    elif name in ("push", "fetch", "branch", "update-ref"):
        telling.refs += _moved(name, words)


def _skips(name: str, words: Sequence[Word]) -> bool:
    """Whether arguments have `--no-verify`, or as much of its beginning as git takes for it."""
    options, _ = options_of(words, "mFCctS" if name == "commit" else "ms", [*_MESSAGE, *_FILE, "trailer"])
    given = [option for option, _ in options]
    short = name in ("commit", "am") and "n" in given
    return short or any("no-verify".startswith(option) and len(option) > 6 for option in given)


def _commit(telling: Telling, command: Command, words: Sequence[Word]) -> None:
    options, _ = options_of(
        words, "mFCct",
        ["message", "file", "reuse-message", "template", "author", "date", "fixup", "squash", "trailer"],
    )  # fmt: skip
    if has(options, "dry-run", "C", "c", "fixup", "squash", "reuse-message", "reedit-message"):
        return
    texts: list[str | None] = []
    for name, value in options:
        full = name if len(name) < 4 or not "message".startswith(name) else "message"
        if full in _MESSAGE and value is not None:
            texts.append(value.text)
        elif full in _FILE and value is not None:
            texts.append(telling.text_of(command, value))
    known = [text for text in texts if text is not None]
    if not known or len(known) < len(texts):
        return
    trailers = [(value.text or "").replace("=", ": ", 1) for value in values_of(options, "trailer")]
    telling.messages.append("\n\n".join([*known, *(["\n".join(trailers)] if trailers else [])]))


def _config(telling: Telling, words: Sequence[Word]) -> None:
    texts = [word.text or "" for word in words]
    keys = [index for index, text in enumerate(texts) if _is_hooks(text)]
    looks = any(text.startswith("--get") or text in ("get", "--list", "-l", "list") for text in texts)
    sets = any(text.startswith(("--unset", "--add", "--replace")) or text == "unset" for text in texts)
    if keys and not looks and (sets or len(texts) > keys[0] + 1):
        telling.bypasses.append("`git config core.hooksPath` gives git other hooks, or none")


def _move(telling: Telling, words: Sequence[Word]) -> None:
    options, operands = options_of(words)
    if has(options, "n", "dry-run") or len(operands) < 2:
        return
    for target in telling.paths(operands[-1]):
        inside = len(operands) > 2 or os.path.isdir(telling.absolute(target))
        for source in [path for word in operands[:-1] for path in telling.paths(word)]:
            name = source.rstrip(b"/").rpartition(b"/")[2]
            telling.put(source, joined(target, name) if inside else target)
            telling.edit(FileEdit(path=source))


def _restore(telling: Telling, name: str, words: Sequence[Word]) -> None:
    """`checkout` and `restore`: files are brought out of a commit or the index over what they hold."""
    options, operands = options_of(words, "s" if name == "restore" else "", ["source"])
    texts = [word.text for word in words]
    source = Word(None)
    if name == "restore":
        if has(options, "S", "staged") and not has(options, "W", "worktree"):
            return
        [source] = values_of(options, "s", "source")[-1:] or [Word("HEAD")]
    elif has(options, "b", "B", "orphan", "t", "track"):
        return
    elif "--" in texts and texts.index("--") == 1 and not (texts[0] or "-").startswith("-"):
        source, operands = words[0], words[2:]
    if any((word.text or "").startswith(":") for word in operands):
        return
    for path in [path for word in operands for path in telling.paths(word)]:
        telling.discards.append(path)
        stored = _stored(telling, source.text or "", path)
        if stored is not None:
            content, executable = stored
            telling.edit(FileEdit(path=path, content=content, executable=executable))


def _stored(telling: Telling, revision: str, path: bytes) -> tuple[bytes, bool] | None:
    """What a commit has at a path, and whether it can be executed; None where that cannot be told."""
    if not re.fullmatch(r"[\w./@~^-]+", revision) or revision.startswith("-"):
        return None
    from specguard.change.process import CommandError
    from specguard.change.repository import Repository
    from specguard.errors import SpecguardError

    whole = telling.absolute(path)
    try:
        repository = Repository.locate(os.fsdecode(os.path.dirname(whole)), os.environ)
        name = os.fsdecode(os.path.basename(whole))
        listed = repository.in_place("--literal-pathspecs", "ls-tree", "-z", revision, "--", name).read()
        mode, _, oid = listed.partition(b"\t")[0].partition(b" blob ")
        if mode not in (b"100644", b"100755"):
            return None
        return repository.in_place("cat-file", "blob", oid.decode()).read(), mode == b"100755"
    except (CommandError, SpecguardError):
        return None


def _apply(telling: Telling, command: Command, words: Sequence[Word]) -> None:
    options, operands = options_of(words, "pC", ["directory", "exclude", "include", "whitespace"])
    if has(options, "check", "stat", "numstat", "summary", "R", "reverse", "directory", "exclude", "include"):
        return
    number = (values_of(options, "p") or [Word("1")])[-1].text or ""
    if re.fullmatch(r"[0-9]{1,3}", number):
        texts = [telling.text_of(command, word) for word in operands] or [command.given]
        for text in texts:
            telling.patch(text, diff=True, strip=int(number))


def _index(telling: Telling, words: Sequence[Word]) -> None:
    """`update-index` of a file that is named: it is taken out, or marked as one that can be executed."""
    options, operands = options_of(words, "", ["chmod"])
    for path in [path for word in operands for path in telling.paths(word)]:
        if has(options, "force-remove"):
            telling.edit(FileEdit(path=path))
        for mode in values_of(options, "chmod"):
            content = telling.read(path)
            if content is not None:
                telling.edit(FileEdit(path=path, content=content, executable=mode.text == "+x"))


def _moved(name: str, words: Sequence[Word]) -> list[tuple[str, str]]:
    """The refs that a call moves, each with what it would point to."""
    options, operands = options_of(
        words, "o" if name == "push" else "", ["repo", "push-option", "receive-pack"]
    )
    texts = [word.text or "" for word in operands]
    if name == "update-ref":
        return [(texts[0], "".join(texts[1:2]))] if texts else []
    if name == "branch":
        if has(options, "f", "force"):
            return [(text, "".join(texts[1:2])) for text in texts[:1]]
        return [(text, "") for text in texts if has(options, "M", "m", "move", "C", "D", "d", "delete")]
    found = []
    for text in texts[1:]:
        source, colon, target = text.removeprefix("+").partition(":")
        if colon or (name == "push" and source):
            found.append((target if colon else source, source))
    return found
