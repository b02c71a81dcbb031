"""What programs do that are known by their names, git among them."""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.calls import read_file
from specguard.integrations.hooks.places import joined, work_tree_at
from specguard.integrations.hooks.shell import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell import Interpreter

    Words = Sequence[Word]
    Options = Sequence[tuple[str, Word | None]]

_HOOKED: Final = frozenset(["commit", "push", "merge", "rebase", "am", "pull", "cherry-pick", "revert"])
_CONFIG: Final = "core.hookspath"


def tell(telling: Interpreter, name: str, words: Words, given: str | None) -> None:
    """Tell what a call of a program does; nothing for one that is not known.

    Args:
        telling: collects it.
        name: the program.
        words: its arguments.
        given: what it reads from its standard input; None where that is not written out.
    """
    if name == "git":
        _git(telling, words, given)
    elif name in _PROGRAMS:
        _PROGRAMS[name](telling, words)
    elif name in ("tee", "truncate", "dd", "chmod"):
        _write(telling, name, words)
    elif name in ("cp", "mv", "ln", "install"):
        _put(telling, name, words)
    elif name in ("apply_patch", "applypatch"):
        _patch(telling, words[0].text if words else given)
    elif name in ("pre-commit", "lefthook") and words and words[0].text == "uninstall":
        telling.deeds.bypasses.append(f"`{name} uninstall` takes git's hooks away")


def options_of(words: Words, valued: str = "", longs: Collection[str] = ()) -> tuple[Options, Words]:
    """Arguments as options, each with its value, and operands.

    Args:
        words: the arguments.
        valued: the letters of the options that take a value.
        longs: the long options that take one.
    """
    options: list[tuple[str, Word | None]] = []
    operands: list[Word] = []
    ahead = list(reversed(words))
    while ahead:
        word = ahead.pop()
        text = word.text or ""
        if text == "--":
            operands += reversed(ahead)
            break
        if text.startswith("--"):
            name, equals, rest = text[2:].partition("=")
            value = Word(rest) if equals else ahead.pop() if name in longs and ahead else None
            options.append((name, value))
        elif text.startswith("-") and len(text) > 1:
            for index, letter in enumerate(text[1:], start=2):
                if letter in valued:
                    # The grammar loses a `-` in front of a here-document.
                    value = Word(text[index:]) if text[index:] else ahead.pop() if ahead else Word("-")
                    options.append((letter, value))
                    break
                options.append((letter, None))
        else:
            operands.append(word)
    return options, operands


def has(options: Options, *names: str) -> bool:
    """Whether one of these options is given."""
    return any(name in names for name, _ in options)


def _remove(telling: Interpreter, words: Words) -> None:
    options, operands = options_of(words)
    if has(options, "n", "dry-run"):
        return
    for path in telling.paths(*(word for word in operands if not (word.text or "").startswith(":"))):
        whole = telling.absolute(path)
        if has(options, "r", "R", "recursive") or not os.path.isdir(whole) or os.path.islink(whole):
            telling.edit(path, gone=True)


def _touch(telling: Interpreter, words: Words) -> None:
    options, operands = options_of(words, "drt", ["date", "reference", "time"])
    for path in () if has(options, "c", "no-create", "h") else telling.paths(*operands):
        if not os.path.lexists(telling.absolute(path)):
            telling.edit(path)


def _write(telling: Interpreter, name: str, words: Words) -> None:
    """Programs that write the files that they are given."""
    operands = options_of(words, "sr" if name == "truncate" else "", ["size", "reference"])[1]
    if name == "dd":
        operands = [Word(word.text[3:]) for word in words if word.text and word.text.startswith("of=")]
    elif name == "chmod":
        # A mode such as `-x` looks like an option.
        flags = ("-R", "-v", "-f", "-c", "--recursive")
        operands = [word for word in words if word.text not in flags][1:]
    for path in telling.paths(*operands):
        telling.edit(path)


def _sed(telling: Interpreter, words: Words) -> None:
    inline = [word.text or "" for word in words if re.match(r"-[nErsuz]*i|--in-place", word.text or "")]
    options, operands = options_of(
        [word for word in words if (word.text or "-") not in inline], "ef", ["expression", "file"]
    )
    operands = [word for word in operands if word.text] if inline else []
    scripted = has(options, "e", "f", "expression", "file")
    for path in telling.paths(*(operands if scripted else operands[1:])):
        telling.edit(path)


def _put(telling: Interpreter, name: str, words: Words) -> None:
    """`cp`, `mv`, `ln` and `install`: the last operand is where the others go."""
    options, operands = options_of(
        words, "tSmog" if name == "install" else "tS", ["target-directory", "suffix", "mode"]
    )
    folder = [value for one, value in options if one in ("t", "target-directory") and value]
    sources, targets = (operands, folder) if folder else (operands[:-1], operands[-1:])
    if not sources or not targets or has(options, "n", "no-clobber", "d", "directory", "parents", "dry-run"):
        return
    several = bool(folder) or len(sources) > 1 or sources[0].pattern
    for target in telling.paths(targets[0]):
        inside = several or target.endswith(b"/") or os.path.isdir(telling.absolute(target))
        for source in telling.paths(*sources):
            last = source.rstrip(b"/").rpartition(b"/")[2]
            content = None if name == "ln" else read_file(telling.absolute(source))
            telling.edit(joined(target, last) if inside and last.strip(b".") else target, content)
            if name == "mv":
                telling.edit(source, gone=True)
        if not inside and sources[0].text is None:
            telling.edit(target)


def _patch(telling: Interpreter, text: str | None, strip: int | None = None) -> None:
    """A patch is applied in the folder in which the shell stands: a diff, or an envelope without `strip`."""
    if text is not None and telling.place is not None:
        from specguard.integrations.hooks.patches import read_diff, read_patch

        deeds = read_patch(text, b"", lambda _: None) if strip is None else read_diff(text, strip)
        for edit in deeds.edits:
            telling.edit(joined(telling.place, edit.path), gone=edit.known and edit.content is None)


_PROGRAMS: Final[Mapping[str, Callable[[Interpreter, Words], None]]] = {
    "rm": _remove, "unlink": _remove, "shred": _remove, "touch": _touch, "sed": _sed, "gsed": _sed,
}  # fmt: skip


def _git(telling: Interpreter, words: Words, given: str | None) -> None:
    """What git writes, commits and moves, and how it is run without its hooks."""
    start = telling.place
    at = 0
    while at < len(words) and (text := words[at].text or "").startswith("-"):
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
        elif name in ("-c", "--config-env") and _sets_hooks([value]):
            telling.deeds.bypasses.append("`git -c core.hooksPath` gives git other hooks, or none")
    if words[at:] and words[at].text:
        _subcommand(telling, words[at].text or "", words[at + 1 :], given)
    telling.place = start


def _subcommand(telling: Interpreter, name: str, words: Words, given: str | None) -> None:
    if name in _HOOKED:
        _hooked(telling, name, words, given)
    if name == "config":
        texts = [word.text or "" for word in words]
        looks = any(text.startswith("--get") or text in ("get", "--list", "-l", "list") for text in texts)
        plain = len(texts) == 1
        if _sets_hooks(words) and not looks and not plain:
            telling.deeds.bypasses.append("`git config core.hooksPath` gives git other hooks, or none")
    elif name == "rm":
        _remove(telling, words)
    elif name == "mv":
        _put(telling, "mv", words)
    elif name in ("checkout", "restore"):
        _restore(telling, name, words)
    elif name == "reset" and has(options_of(words)[0], "hard") and telling.place is not None:
        tree = work_tree_at(telling.absolute(telling.place))
        telling.deeds.discards.extend([tree.root] if tree else [])
    elif name == "apply":
        _apply(telling, words, given)
    elif name in ("push", "fetch", "branch", "update-ref"):
        telling.deeds.refs.extend(_moved(name, words))


def _sets_hooks(words: Words) -> bool:
    return any((word.text or "").partition("=")[0].lower() == _CONFIG for word in words)


def _hooked(telling: Interpreter, name: str, words: Words, given: str | None) -> None:
    """A command that runs hooks: whether it skips them, and the message of a commit."""
    longs = ["message", "file", "reuse-message", "reedit-message", "template", "author", "date", "fixup",
             "squash", "trailer"]  # fmt: skip
    options, _ = options_of(words, "mFCctS" if name == "commit" else "ms", longs)
    short = name in ("commit", "am") and has(options, "n")
    if short or any("no-verify".startswith(option) and len(option) > 6 for option, _ in options):
        telling.deeds.bypasses.append(f"`git {name} --no-verify` skips the hooks")
    if name != "commit" or has(
        options, "dry-run", "C", "c", "fixup", "squash", "reuse-message", "reedit-message", "trailer"
    ):
        return
    texts = [
        value.text if option in ("m", "message") else telling.text_of(value, given)
        for option, value in options
        if option in ("m", "message", "F", "file") and value is not None
    ]
    if texts and None not in texts:
        telling.deeds.messages.append("\n\n".join(text for text in texts if text is not None))


def _restore(telling: Interpreter, name: str, words: Words) -> None:
    """`checkout` and `restore`: what files hold that is not committed is thrown away."""
    options, operands = options_of(words, "s" if name == "restore" else "", ["source"])
    if name == "restore":
        if has(options, "S", "staged") and not has(options, "W", "worktree"):
            return
    elif has(options, "b", "B", "orphan", "t", "track"):
        return
    elif len(words) > 1 and words[1].text == "--" and not (words[0].text or "-").startswith("-"):
        operands = words[2:]
    if not any((word.text or "").startswith(":") for word in operands):
        telling.deeds.discards.extend(telling.paths(*operands))


def _apply(telling: Interpreter, words: Words, given: str | None) -> None:
    options, operands = options_of(words, "pC", ["directory", "exclude", "include", "whitespace"])
    if has(options, "check", "stat", "numstat", "summary", "R", "reverse", "directory", "exclude", "include"):
        return
    number = next((value.text or "" for name, value in options if name == "p" and value), "1")
    for text in [telling.text_of(word, given) for word in operands] or [given]:
        _patch(telling, text, int(number) if number.isdecimal() else 1)


def _moved(name: str, words: Words) -> list[tuple[str, str]]:
    """The refs that a call moves, each with what it would point to."""
    options, operands = options_of(
        words, "o" if name == "push" else "", ["repo", "push-option", "receive-pack"]
    )
    texts = [word.text or "" for word in operands]
    if name == "update-ref" or (name == "branch" and has(options, "f", "force")):
        return [(text, "".join(texts[1:2])) for text in texts[:1]]
    if name == "branch":
        return [(text, "") for text in texts if has(options, "M", "m", "move", "C", "D", "d", "delete")]
    found = []
    for text in texts[1:]:
        source, colon, target = text.removeprefix("+").partition(":")
        if colon or (name == "push" and source):
            found.append((target if colon else source, source))
    return found
