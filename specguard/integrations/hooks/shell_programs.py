"""The certain effects of a shell command before it runs: named files, commit messages and pushed branches.

Each program that is known has a function here, which reads its arguments. `shell.py` reads the language.
"""

from __future__ import annotations

import os
import re
from itertools import takewhile

from specguard.integrations.hooks.shell import LONGEST, Interpreter, Word, has, options_of
from specguard.integrations.hooks.tool_calls import read_diff, read_patch
from specguard.model import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Final

    from specguard.change.check_request import FileEdit
    from specguard.integrations.hooks.shell import Options, Programs, Words
    from specguard.integrations.hooks.tool_calls import Effects


def read_command(
    text: str, directory: bytes, environment: Mapping[str, str], own: Collection[bytes] = ()
) -> Effects:
    """Return the certain effects of a shell command.

    Args:
        text: the command, as `bash -c` takes it.
        directory: the folder in which it would run, absolute.
        environment: the variables of the command; only `HOME` is used.
        own: the shared git directories of the guarded repositories; without any, all repositories are.
    """
    shell = Interpreter(directory, environment.get("HOME", ""), own, _PROGRAMS)
    if re.search(_RELEVANT, text[:LONGEST], re.IGNORECASE):
        shell.run(text)
    return shell.effects


def _is_dry(options: Options, *names: str) -> bool:
    """True if a program only says what it would do, by `--help`, `--dry-run` or one of these options."""
    return has(options, "dry-run", "help", *names) and not any(name.startswith("no-d") for name, _ in options)


def _remove(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    options, operands = options_of(words)
    named = [word for word in operands if not (word.text or "").startswith(":")]
    for path in () if _is_dry(options, "n") else shell.paths(*named):
        whole = shell.absolute(path)
        if has(options, "r", "R", "recursive") or not os.path.isdir(whole) or os.path.islink(whole):
            shell.edit(path, gone=True)


def _touch(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    options, operands = options_of(words, "drt", ["date", "reference", "time"])
    for path in () if has(options, "c", "no-create", "h") else shell.paths(*operands):
        if not os.path.lexists(shell.absolute(path)):
            shell.edit(path)


def _write(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    """Record the files that `tee` and `truncate` write."""
    for path in shell.paths(*options_of(words, "rs", ["reference", "size"])[1]):
        shell.edit(path)


def _chmod(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    """Record what its owner may run from now on, or no longer: the bit that git keeps."""
    mode = (words[0].text or "") if words else ""
    if match := re.fullmatch("[0-7]+|[ua]?([+-])x", mode):
        runs = match[1] == "+" if match[1] else bool(int(mode, 8) & 0o100)
        for path in shell.paths(*words[1:]):
            place = shell.absolute(path)
            if not os.path.exists(place) or (runs and os.path.isdir(place)):
                continue
            # Nothing in a folder without it can be reached any more.
            if bool(os.stat(place).st_mode & 0o100) != runs:
                shell.edit(path, gone=os.path.isdir(place))


def _sed(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    inline = [word.text or "" for word in words if re.match(r"-[nErsuz]*i|--in-place", word.text or "")]
    others = [word for word in words if (word.text or "-") not in inline]
    options, operands = options_of(others, "ef", ["expression", "file"])
    operands = [word for word in operands if word.text != ""] if inline else []
    # Without these options, the first operand is the script; a variable there may as well be an option.
    for path in shell.paths(*operands[not has(options, "e", "f", "expression", "file") :]):
        if operands[0].text or shell.absolute(path) in shell.written or os.path.lexists(shell.absolute(path)):
            shell.edit(path)


def _copy(shell: Interpreter, name: str, words: Words, _: str | None) -> None:
    """Record the targets of `cp`, `mv`, `ln` and `install`, whose last operand is the target."""
    options, operands = options_of(words, "tSmog", ["target-directory", "suffix", "mode"])
    folder = [value for one, value in options if one in ("t", "target-directory") and value]
    sources, targets = (operands, folder) if folder else (operands[:-1], operands[-1:])
    # With `-n`, `ln` replaces a link to a folder, and `cp` and `mv` may write nothing.
    spared = {"ln": ("n", "no-dereference"), "install": ("d",)}.get(name, ("n", "no-clobber", "parents"))
    if not sources or not targets or has(options, *spared, "directory", "dry-run"):
        return
    several = bool(folder) or len(sources) > 1 or sources[0].pattern
    for target in shell.paths(targets[0]):
        place = shell.absolute(target)
        inside = several or target.endswith(b"/") or place in shell.made or os.path.isdir(place)
        for source in shell.paths(*sources):
            last = source.rstrip(b"/").rpartition(b"/")[2]
            path = os.path.join(target, last) if inside and last.strip(b".") else target
            shell.edit(path, None if name == "ln" else shell.content_of(source))
            if name == "mv":
                shell.edit(source, gone=True)
        # Whether the folder is made is not certain.
        if place in shell.made or (not inside and sources[0].text is None):
            shell.edit(target)


def _edit_all(shell: Interpreter, edits: Sequence[FileEdit]) -> None:
    """Record the files of a patch, by their names from the current folder."""
    for edit in edits if shell.folder is not None else ():
        shell.edit(os.path.join(shell.folder or b"", edit.path), gone=edit.removes)


def _apply_envelope(shell: Interpreter, _: str, words: Words, stdin: str | None) -> None:
    text = words[0].text if words else stdin
    _edit_all(shell, read_patch(text or "", b"", lambda _: None).edits)


def _uninstall(shell: Interpreter, name: str, words: Words, _: str | None) -> None:
    if words and words[0].text == "uninstall" and not has(options_of(words, "ct")[0], "h", "help"):
        shell.effects.bypasses.append(f"`{name} uninstall` takes git's hooks away")


def _approve(shell: Interpreter, name: str, words: Words, _: str | None) -> None:
    """Record that an agent would give, sign or revoke an approval, which only the named person does."""
    # What stands behind is a program that `specguard run` starts.
    own = takewhile(lambda word: word.text != "--", words)
    if any((word.text or "").startswith(("--approved-by", "--key")) for word in own):
        shell.effects.bypasses.append(f"`{name} ... --approved-by` is for the person whom it names to type")


_PLACE_OPTIONS: Final = ("git-dir", "work-tree", "namespace")


def _git(shell: Interpreter, _: str, words: Words, stdin: str | None) -> None:
    """Record the effects of git: files, commits, pushed branches, and ways to skip its hooks."""
    start = shell.folder
    options, rest = options_of(words, "Cc", ["config-env", "attr-source", *_PLACE_OPTIONS], leading=True)
    for option, value in options:
        if option in ("C", "git-dir"):
            found = shell.paths(value or Word(None))
            shell.folder = found[0] if len(found) == 1 and os.path.isdir(shell.absolute(found[0])) else None
    name = (rest[0].text or "") if rest else ""
    if shell.folder is None:
        shell.effects.unplaced.append(name)
    is_shared = name == "config" and has(options_of(rest)[0], "global", "system", "f", "file")
    handler = _COMMANDS.get(name)
    is_elsewhere = not is_shared and shell.is_elsewhere()
    if not is_elsewhere:
        shell.effects.bypasses.extend(shell.skips)
        if _sets_hooks([value for option, value in options if value and option in ("c", "config-env")]):
            shell.effects.bypasses.append("`git -c` with a setting of hooks gives git other hooks, or none")
    if has(options, "bare", *_PLACE_OPTIONS) and handler is not _check_hooks:
        shell.folder = None
    if handler and not (is_elsewhere and handler in (_check_hooks, _config, _push)):
        handler(shell, name, rest[1:], stdin)
    if name in ("branch", "checkout", "switch"):
        shell.switch(name, rest[1:])
    if name in ("add", "stage", "stash"):
        shell.stored = len(shell.effects.edits)
    shell.folder = start


def _config(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    options, operands = options_of(words, "f", ["default", "file", "type"], leading=True)
    # Without a value, a name is read.
    is_changing = operands[1:] or any(name.startswith(("un", "remove-")) for name, _ in options)
    # Git's own subcommands come first: after a name, `get` is a folder.
    if _sets_hooks(operands) and is_changing and operands[0].text != "get":
        shell.effects.bypasses.append("`git config` of a setting of hooks gives git other hooks, or none")


def _reset(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    """Record that `reset --hard` or a forced checkout discards all uncommitted changes."""
    if has(options_of(words)[0], "hard", "f", "force", "discard-changes") and shell.tree:
        shell.effects.discards.append(shell.tree.root)


def _sets_hooks(words: Words) -> bool:
    return any((word.text or "").lower().startswith(("core.hookspath", "hook.")) for word in words)


def _check_hooks(shell: Interpreter, name: str, words: Words, stdin: str | None) -> None:
    """Record if a command skips its hooks, and the message of a commit."""
    longs = ["message", "file", "reuse-message", "reedit-message", "template", "author", "date", "fixup",
             "squash", "trailer", "cleanup"]  # fmt: skip
    valued = {"commit": "mFCct", "am": "", "rebase": "sX"}.get(name, "msFX")
    options, _ = options_of(words, valued, longs, attached="Su" if name == "commit" else "SC")
    if _is_dry(options):
        return
    short = name in ("commit", "am") and has(options, "n")
    if short or any("no-verify".startswith(option) and len(option) > 6 for option, _ in options):
        shell.effects.bypasses.append(f"`git {name} --no-verify` skips the hooks")
    # A message may be another repository's or branch's, or cleaned otherwise; it is judged after the commit.
    later = has(options, "C", "c", "fixup", "squash", "reuse-message", "reedit-message", "trailer", "cleanup")
    if name != "commit" or shell.folder is None or shell.placed or shell.switched or later:
        return
    texts = [
        value.text if option in ("m", "message") else shell.text_of(value, stdin)
        for option, value in options
        if option in ("m", "message", "F", "file") and value is not None
    ]
    message = "" if None in texts else "\n\n".join(filter(None, texts))
    if message.strip():
        shell.effects.messages.append((shell.tree.root if shell.tree else b"", message))


def _restore(shell: Interpreter, name: str, words: Words, _: str | None) -> None:
    """Record the files whose uncommitted changes `checkout` and `restore` discard."""
    options, operands = options_of(words, "s" if name == "restore" else "", ["source"])
    if name == "restore":
        if has(options, "S", "staged") and not has(options, "W", "worktree"):
            return
    elif has(options, "f", "force") and "--" not in [word.text for word in words]:
        _reset(shell, name, words, None)
    elif has(options, "b", "B", "orphan", "t", "track"):
        return
    elif len(words) > 1 and words[1].text == "--" and not (words[0].text or "-").startswith("-"):
        operands = words[2:]
    if not any((word.text or "").replace(":/", "", 1).startswith(":") for word in operands):
        shell.effects.discards.extend(shell.paths(*operands))


def _clean(shell: Interpreter, _: str, words: Words, __: str | None) -> None:
    """Record where `git clean` removes untracked files; untracked folders count without `-d`, too."""
    options, operands = options_of(words, "e", ["exclude"])
    if has(options, "f", "force") and not _is_dry(options, "n") and not has(options, "e", "exclude", "X"):
        shell.effects.cleans.extend(shell.paths(*(operands or [Word(".")])))


def _apply(shell: Interpreter, _: str, words: Words, stdin: str | None) -> None:
    options, operands = options_of(words, "pC", ["directory", "exclude", "include", "whitespace"])
    others = ("check", "stat", "numstat", "summary", "R", "reverse", "p", "directory", "exclude", "include")
    texts = [] if has(options, *others) else [shell.text_of(word, stdin) for word in operands] or [stdin]
    for text in filter(None, texts):
        _edit_all(shell, read_diff(text))


def _push(shell: Interpreter, name: str, words: Words, stdin: str | None) -> None:
    """Record the branches that a push moves; a local base that moves is seen after the command."""
    options, operands = options_of(words, "o", ["repo", "push-option", "receive-pack", "exec"])
    if _is_dry(options, "n"):
        return
    _check_hooks(shell, name, words, stdin)
    texts = [word.text or "" for word in operands]
    if len(texts) < 2 and not has(options, "tags"):
        texts = [*(texts or [""]), "refs/heads/*" if has(options, "all", "branches", "mirror") else "HEAD"]
    for text in texts[1:]:
        source, _, target = text.removeprefix("+").partition(":")
        shell.effects.refs.append(target or (shell.branch() if source in ("HEAD", "@") else source))


_PROGRAMS: Final[Programs] = {
    **dict.fromkeys(("rm", "unlink"), _remove),
    **dict.fromkeys(("tee", "truncate"), _write),
    **dict.fromkeys(("cp", "mv", "ln", "install"), _copy),
    **dict.fromkeys(("sed", "gsed"), _sed),
    **dict.fromkeys(("apply_patch", "applypatch"), _apply_envelope),
    **dict.fromkeys(("pre-commit", "prek", "lefthook"), _uninstall),
    "mkdir": lambda shell, _, words, __: shell.made.update(map(shell.absolute, shell.paths(*words))),
    "touch": _touch,
    "chmod": _chmod,
    "git": _git,
    "specguard": _approve,
}
"""The functions for known programs."""

_COMMANDS: Final[Programs] = {
    **dict.fromkeys(("commit", "merge", "rebase", "am", "pull", "cherry-pick", "revert"), _check_hooks),
    **dict.fromkeys(("checkout", "restore"), _restore),
    "push": _push,
    "config": _config,
    "clean": _clean,
    **dict.fromkeys(("reset", "switch"), _reset),
    "apply": _apply,
    # Git removes a submodule's folder without `-r`, and no other.
    "rm": lambda shell, name, words, stdin: _remove(shell, name, [Word("-r"), *words], stdin),
    "mv": _copy,
}
"""The functions for known git commands."""

_RELEVANT: Final = (
    r">|hookspath|\bhook\.|SPECGUARD_FLOOR|SKIP|HUSKY|LEFTHOOK|ALLOW_NO_CONFIG|OVERCOMMIT"
    rf"|\b(?:{'|'.join(sorted({*_PROGRAMS, *_COMMANDS} - {'git', 'mkdir'}))})\b"
)
"""Commands without one of these words have no known effects, and are not parsed."""
