"""What git would do: commands that only read, and who tells what the others do."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import joined, normal
from specguard.integrations.hooks.places import work_tree_at
from specguard.integrations.hooks.shell.call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.field import Field
    from specguard.integrations.hooks.shell.state import State

_READS: Final = frozenset([
    "status", "log", "show", "diff", "blame", "annotate", "shortlog", "describe", "rev-parse",
    "rev-list", "ls-files", "ls-tree", "ls-remote", "cat-file", "grep", "name-rev", "merge-base",
    "for-each-ref", "show-ref", "show-branch", "var", "version", "help", "check-ignore", "check-attr",
    "check-mailmap", "check-ref-format", "count-objects", "fsck", "whatchanged", "range-diff",
    "cherry", "diff-tree", "diff-index", "diff-files", "verify-commit", "verify-tag", "verify-pack",
    "merge-tree", "patch-id", "stripspace", "column", "add", "stage", "push", "fetch", "tag",
    "branch", "gc", "prune", "repack", "pack-refs", "notes", "fmt-merge-msg",
])  # fmt: skip
"""Commands that write no file of the working tree and make no commit."""
_OPTIONS: Final = frozenset(["diff", "log", "show", "grep", "push"])
_WRITES: Final = (
    "output",
    "ext-diff",
    "textconv",
    "open-files-in-pager",
    "upload-pack",
    "exec",
    "receive-pack",
)
_NO_BEGINNING: Final = frozenset(["text", "re", "ex"])
"""What is another option, or the beginning of too many."""
_LISTS: Final[Mapping[str, Sequence[str]]] = {
    "worktree": ("list",),
    "maintenance": ("run",),
    "submodule": ("status", "summary"),
    "bisect": ("log", "view"),
    "reflog": ("show",),
    "lfs": ("ls-files", "status", "env"),
    "bundle": ("verify", "list-heads"),
    "sparse-checkout": ("list",),
    "rerere": ("status", "diff"),
}
_SOME_LIST: Final = frozenset([*_LISTS, "hash-object", "symbolic-ref", "format-patch", "archive"])
"""Commands of which some forms write nothing."""


def run_git(call: Call) -> str | None:
    """Follow a call of git; gives what it prints, None where that is not known."""
    words = call.resolved()
    state = call.state.copy()
    at = 0
    while at < len(words) and words[at].option:
        word = words[at]
        at += 1
        text = word.start
        if word.text is None:
            call.undecided(f"what `{word.raw}` makes git do is not known")
        elif text in ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"):
            value = words[at] if at < len(words) else None
            at += 1
            if value is not None:
                _option(call, state, text, value)
        elif text.startswith(("-c", "-C")):
            _option(call, state, text[:2], type(word)(text[2:], word.raw))
        elif "=" in text:
            name, _, rest = text.partition("=")
            _option(call, state, name, type(word)(rest, word.raw))
        elif text in ("--version", "--help", "-h", "-v", "--html-path", "--man-path", "--info-path"):
            return None
    if at >= len(words):
        return None
    command = words[at].text
    if command is None:
        call.undecided(f"what `git {words[at].raw}` does is not known")
        return None
    inner = Call(call.shell, state, words[at:], call.given, call.assigned)
    if _elsewhere(call, state):
        call.undecided(f"what another repository's configuration makes `git {command}` run is not known")
    if command in _READS:
        return _reads(inner, command)
    teller = _teller(command)
    if teller is not None:
        return teller(inner)
    call.undecided(f"what `git {command}` writes is not known")
    return None


def _teller(command: str) -> Callable[[Call], str | None] | None:
    """Who tells what a command of git's does; a hook imports these only where there is one."""
    if command in _SOME_LIST:
        return _lists
    from specguard.integrations.hooks.shell.git_commits import COMMITS
    from specguard.integrations.hooks.shell.git_files import FILES
    from specguard.integrations.hooks.shell.git_settings import SETTINGS

    return COMMITS.get(command) or FILES.get(command) or SETTINGS.get(command)


def _elsewhere(call: Call, state: State) -> bool:
    """Whether git would work in another repository than the one in which the command begins."""
    telling = call.shell.telling
    here = work_tree_at(telling.directory)
    for place in state.places or ():
        if not place:
            continue
        folder = telling.absolute(place)
        there = work_tree_at(folder)
        if there is not None and (here is None or there.common != here.common):
            return True
        bare = (folder + each for each in (b"", b"/..", b"/../.."))
        if any(telling.exists(each + b"/HEAD") and telling.exists(each + b"/objects") for each in bare):
            return True
    return False


def _option(call: Call, state: State, name: str, value: Field) -> None:
    if name == "-C":
        state.enter(value)
    elif name in ("-c", "--config-env"):
        from specguard.integrations.hooks.shell.git_settings import tell_key

        key, _, _ = (value.text or value.start).partition("=")
        tell_key(call, key, f"git -c {key}", known=value.text is not None or "=" in value.start)
    elif name in ("--git-dir", "--work-tree", "--exec-path"):
        call.undecided(f"`git {name}` makes git work elsewhere")


def _reads(call: Call, name: str) -> str | None:
    words = call.words[1:]
    texts = [word.start for word in words]
    for word in words:
        text = word.start
        if word.text is None and not text and not word.pattern and name in _OPTIONS:
            call.undecided(f"what `{word.raw}` makes `git {name}` do is not known")
        if text.startswith("--") and len(text) > 3:
            option = text[2:].partition("=")[0]
            if option not in _NO_BEGINNING and any(each.startswith(option) for each in _WRITES):
                call.undecided(f"what `git {name} --{option}` writes or runs is not known")
        elif name == "grep" and text.startswith("-O"):
            call.undecided("what `git grep -O` runs is not known")
    if name == "push":
        from specguard.integrations.hooks.shell.git_commits import skips

        if skips(texts):
            call.shell.telling.bypass("`git push --no-verify` skips the hooks")
    if _moves(name, texts):
        call.undecided(f"which refs `git {name}` moves is not known")
    if name == "rev-parse" and texts == ["--show-toplevel"]:
        return _top(call)
    return None


def _moves(name: str, texts: Sequence[str]) -> bool:
    """Whether refs may be moved by which a base is known: those of remotes, or of other branches."""
    operands = [text for text in texts if not text.startswith("-")]
    if name == "branch":
        return any(
            text in ("--force", "--move", "--copy") or re.match(r"-[a-zA-Z]*[fMC]", text) for text in texts
        )
    if name == "fetch":
        return any(":" in text for text in texts if text not in operands[:1] and "upload-pack" not in text)
    if name == "push":
        local = any(text.startswith((".", "/", "~", "file:", "--repo")) for text in texts)
        return local or any("refs/remotes" in text for text in operands[1:])
    return False


def _top(call: Call) -> str | None:
    places = call.state.places
    if places is None or len(places) != 1:
        return None
    telling = call.shell.telling
    folder = telling.absolute(places[0])
    for _ in range(60):
        if telling.exists(joined(folder, b".git")):
            return folder.decode("utf-8", "surrogateescape") + "\n"
        if folder in (b"/", b".", b""):
            break
        folder = normal(folder + b"/..")
    return None


def _lists(call: Call) -> str | None:
    """Commands of which some forms only list."""
    texts = [word.text for word in call.words[1:]]
    name = call.name
    first = texts[0] if texts else None
    if first is not None and first in _LISTS.get(name, ()):
        return None
    if name == "format-patch" and "--stdout" in texts:
        return None
    if name == "reflog" and (first is None or first not in ("expire", "delete")):
        return None
    if name == "submodule" and not texts:
        return None
    if name == "hash-object" and not any((text or "-w").startswith("-w") for text in texts):
        return None
    if name == "symbolic-ref" and len([text for text in texts if not (text or "").startswith("-")]) < 2:
        return None
    call.undecided(f"what `git {name}` writes is not known")
    return None
