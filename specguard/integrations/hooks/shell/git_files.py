"""What git would write of the working tree, out of its store or a patch."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import as_bytes, joined
from specguard.integrations.hooks.shell.patching import tell_patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call
    from specguard.integrations.hooks.shell.field import Field


def _remove(call: Call) -> str | None:
    arguments = call.arguments(longs=["pathspec-from-file"], flags=["dry-run", "cached"])
    if arguments.has("n", "dry-run"):
        return None
    if arguments.odd is not None or arguments.has("pathspec-from-file"):
        call.undecided("which files `git rm` removes is not known")
    for field in _pathspecs(call, arguments.operands, "rm"):
        for path in call.paths(field, "removes"):
            _removed(call, path)
    return None


def _removed(call: Call, path: bytes) -> None:
    """Tell that git removes a file, or a folder's files; what is git's own it never touches."""
    telling = call.shell.telling
    if not telling.is_folder(path):
        telling.remove(path)
        return
    for each in telling.below(path) or ():
        if b".git" not in each.split(b"/"):
            telling.remove(each)


def _pathspecs(call: Call, operands: Sequence[Field], name: str) -> list[Field]:
    """The operands that are plain names; of a pattern of git's own it is said that it is not known."""
    plain: list[Field] = []
    for field in operands:
        if field.text is not None and (field.text.startswith(":") or re.search(r"[*?\[]", field.text)):
            call.undecided(f"which files `{field.raw}` is, for `git {name}`, is not known")
        else:
            plain.append(field)
    return plain


def _move(call: Call) -> str | None:
    if call.words[1:] and any(word.text in ("-n", "--dry-run") for word in call.words[1:]):
        return None
    words = [word for word in call.words[1:] if word.text not in ("-f", "--force", "-k", "-v", "--verbose")]
    mv = type(call.words[0])("mv", "mv")
    return call.run([mv, *words])


def _restored(call: Call, fields: Sequence[Field], name: str) -> None:
    """Tell that git brings the content of these files out of its store."""
    for field in _pathspecs(call, fields, name):
        for path in call.paths(field):
            if call.shell.telling.is_folder(path):
                call.undecided(f"which files `git {name}` brings below `{field.raw}` is not known")
            call.shell.telling.write(path, None, known=False)


def _restore(call: Call) -> str | None:
    arguments = call.arguments(
        "sU", ["source", "conflict", "pathspec-from-file"], flags=["staged", "worktree"]
    )
    if arguments.odd is not None or arguments.has("p", "patch", "pathspec-from-file"):
        call.undecided("which files `git restore` writes is not known")
    if arguments.has("S", "staged") and not arguments.has("W", "worktree"):
        if not arguments.has("s", "source"):
            return None
        call.undecided("what `git restore --staged --source` brings into the index is not looked at")
    _restored(call, arguments.operands, "restore")
    return None


def _checkout(call: Call) -> str | None:
    texts = [word.text for word in call.words[1:]]
    if "--" in texts:
        _restored(call, call.words[1:][texts.index("--") + 1 :], "checkout")
        return None
    words = [text for text in texts if text not in ("-q", "--quiet", "--no-track", "--progress")]
    making = words and words[0] in ("-b", "-B", "-c", "-C", "--orphan", "--create")
    if making and (len(words) == 2 or (len(words) == 3 and words[2] == "HEAD")) and words[0] != "--orphan":
        return ""
    call.undecided(f"what `git {call.name}` brings into the working tree is not known")
    telling = call.shell.telling
    for word in call.words[1:]:
        if word.text and not word.text.startswith("-") and call.state.places:
            for place in call.state.places:
                # A name of a file alone is one to restore.
                path = joined(place, as_bytes(word.text))
                if telling.exists(path):
                    telling.write(path, None, known=False)
    return None


def _reset(call: Call) -> str | None:
    texts = [word.start for word in call.words[1:]]
    moves = [
        text for text in texts if re.match(r"--(?:h|m[a-h]|k|r)", text) or text.startswith(("-p", "--p"))
    ]
    if moves or any(word.text is None and not word.start for word in call.words[1:]):
        call.undecided("what `git reset` brings into the working tree is not known")
    return None


def _stash(call: Call) -> str | None:
    first = call.words[1].text if len(call.words) > 1 else ""
    if first not in ("list", "show", "drop", "clear", "create", "store"):
        call.undecided("what `git stash` does to the working tree is not known")
    return None


def _clean(call: Call) -> str | None:
    arguments = call.arguments("e", ["exclude"], flags=["dry-run", "force"])
    if not arguments.has("n", "dry-run") or arguments.odd is not None:
        call.undecided("which files `git clean` removes is not known")
    return None


def _apply(call: Call) -> str | None:
    arguments = call.arguments(
        "pC",
        ["directory", "exclude", "include", "whitespace", "build-fake-ancestor"],
        flags=["check", "stat", "numstat", "summary", "apply", "reverse", "unsafe-paths", "index", "cached"],
    )
    if arguments.has("check", "stat", "numstat", "summary") and not arguments.has("apply"):
        return None
    strip = arguments.values("p")
    number = strip[-1].text if strip else "1"
    if (
        arguments.odd is not None
        or arguments.has("directory", "R", "reverse", "build-fake-ancestor")
        or number is None
        or not re.fullmatch(r"[0-9]{1,3}", number)
    ):
        call.undecided("what `git apply` writes is not known with these options")
    patches = [call.text_of(field) for field in arguments.operands] or [call.given]
    for text in patches:
        if text is None or call.state.places is None:
            call.undecided("what the patch that `git apply` takes writes is not known")
        else:
            tell_patch(call, text, diff=True, strip=int(number) if number and number.isdigit() else 1)
    return None


FILES: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "rm": _remove,
    "mv": _move,
    "restore": _restore,
    "checkout": _checkout,
    "switch": _checkout,
    "reset": _reset,
    "stash": _stash,
    "clean": _clean,
    "apply": _apply,
}
"""Commands of this module by their names."""
