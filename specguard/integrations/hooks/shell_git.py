"""What git would do: the files that it brings or removes, commits and their messages, ways past the hooks."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell_call import Call, read_arguments
from specguard.integrations.hooks.shell_state import as_bytes, joined, normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell_state import Field, State

_READS: Final = frozenset([
    "status", "log", "show", "diff", "blame", "annotate", "shortlog", "describe", "rev-parse",
    "rev-list", "ls-files", "ls-tree", "ls-remote", "cat-file", "grep", "name-rev", "merge-base",
    "for-each-ref", "show-ref", "show-branch", "var", "version", "help", "check-ignore", "check-attr",
    "check-mailmap", "check-ref-format", "count-objects", "fsck", "whatchanged", "range-diff",
    "cherry", "diff-tree", "diff-index", "diff-files", "verify-commit", "verify-tag", "verify-pack",
    "merge-tree", "patch-id", "stripspace", "column", "add", "stage", "push", "fetch", "tag",
    "branch", "gc", "prune", "repack", "pack-refs", "notes", "maintenance", "fmt-merge-msg",
])  # fmt: skip
"""Commands that write no file of the working tree and make no commit."""
_HARMLESS: Final = re.compile(
    r"(?:user\.(?:name|email|signingkey)|color\..*|advice\..*|core\.(?:quotepath|abbrev|autocrlf|safecrlf)"
    r"|init\.defaultbranch|commit\.gpgsign|tag\.gpgsign|log\.[a-z]+|diff\.(?:renames|context|noprefix|algorithm)"
    r"|push\.[a-z]+|pull\.[a-z]+|fetch\.prune|safe\.directory|gc\.auto|protocol\.version|rebase\.[a-z]+"
    r"|branch\..*\.(?:remote|merge|description)|merge\.conflictstyle|rerere\.enabled|http\.postbuffer)",
    re.IGNORECASE,
)
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
    teller = _TELLERS.get(command)
    if teller is not None:
        return teller(inner)
    if command in _READS:
        return _reads(inner, command)
    call.undecided(f"what `git {command}` writes is not known")
    return None


def _option(call: Call, state: State, name: str, value: Field) -> None:
    if name == "-C":
        if value.text is None:
            state.places = None
        elif state.places is not None:
            path = as_bytes(value.text)
            state.places = tuple(dict.fromkeys(normal(joined(place, path)) for place in state.places))
    elif name in ("-c", "--config-env"):
        key, _, _ = (value.text or value.start).partition("=")
        _setting(call, key, f"git -c {key}", known=value.text is not None or "=" in value.start)
    elif name in ("--git-dir", "--work-tree", "--exec-path"):
        call.undecided(f"`git {name}` makes git work elsewhere")


def _setting(call: Call, key: str, shown: str, *, known: bool) -> None:
    if not known:
        call.undecided("which of git's settings is given is not known")
    elif key.lower() == "core.hookspath":
        call.shell.telling.bypass(f"`{shown}` gives git other hooks, or none")
    elif not _HARMLESS.fullmatch(key):
        call.undecided(f"what `{shown}` makes git do is not known")


def _reads(call: Call, name: str) -> str | None:
    words = call.words[1:]
    texts = [word.start for word in words]
    for word in words:
        text = word.start
        if word.text is None and not text and not word.pattern and name in _OPTIONS:
            call.undecided(f"what `{word.raw}` makes `git {name}` do is not known")
        if text.startswith("--") and len(text) > 3:
            option = text[2:].partition("=")[0]
            if option != "exec" and any(each == option for each in _WRITES):
                call.undecided(f"what `git {name} --{option}` writes or runs is not known")
            elif any(len(option) > 2 and each.startswith(option) and each == "output" for each in _WRITES):
                call.undecided(f"what `git {name} --{option}` writes is not known")
        elif name == "grep" and text.startswith("-O"):
            call.undecided("what `git grep -O` runs is not known")
    if name == "push" and _skips(texts):
        call.shell.telling.bypass("`git push --no-verify` skips the hooks")
    if name == "fetch" and any(":" in text and "//" not in text and "@" not in text for text in texts):
        call.undecided("which refs `git fetch` moves is not known")
    if name == "rev-parse" and texts == ["--show-toplevel"]:
        return _top(call)
    return None


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


def _skips(texts: Sequence[str], *, short: str = "", valued: str = "") -> bool:
    """Whether arguments have `--no-verify`, or its beginning, or its letter."""
    for text in texts:
        if text == "--":
            return False
        if "--no-verify".startswith(text) and len(text) >= len("--no-veri"):
            return True
        if short and re.match(r"-[A-Za-z]", text):
            for letter in text[1:]:
                if letter == short:
                    return True
                if letter in valued:
                    break
    return False


def _commit(call: Call) -> str | None:
    telling = call.shell.telling
    arguments = read_arguments(
        call.words[1:],
        "mFCct",
        ["message", "file", "reuse-message", "reedit-message", "template", "author", "date", "cleanup",
         "fixup", "squash", "trailer", "pathspec-from-file"],
        optional="Su",
        flags=["no-verify", "amend", "no-edit", "edit", "dry-run", "allow-empty", "all", "verbose"],
    )  # fmt: skip
    values = [value for _, value in arguments.options if value is not None]
    texts = [word.start for word in call.words[1:] if word not in values]
    if arguments.has("n", "no-verify") or _skips(texts):
        telling.bypass("`git commit --no-verify` skips the hooks")
    if arguments.odd is not None:
        call.undecided(f"what `{arguments.odd.raw}` makes `git commit` do is not known")
    if arguments.has("dry-run", "h", "help"):
        return None
    paragraphs: list[str] = []
    known = False
    for name, value in arguments.options:
        if name in ("m", "message"):
            known = True
            if value is None or value.text is None:
                call.undecided("the message of the commit is not known")
                return None
            paragraphs.append(value.text)
        elif name in ("F", "file") and value is not None:
            known = True
            text = _file(call, value)
            if text is None:
                call.undecided(f"the message of the commit, from `{value.raw}`, is not known")
                return None
            paragraphs.append(text)
    if arguments.has("C", "c", "reuse-message", "reedit-message", "fixup", "squash"):
        call.undecided("the message of the commit is that of another, which is not looked at")
    elif not known and arguments.has("amend"):
        call.undecided("the message of the amended commit is not looked at")
    elif not known or arguments.has("e", "edit"):
        call.undecided("the message of the commit comes from an editor")
    if known:
        trailers = [value.text for value in arguments.values("trailer") if value.text is not None]
        text = "\n\n".join(paragraphs)
        if trailers:
            text += "\n\n" + "\n".join(re.sub(r"^([^=:]*)=", r"\1: ", trailer) for trailer in trailers)
        telling.message(text)
    return None


def _file(call: Call, field: Field) -> str | None:
    if field.text == "-":
        return call.given
    paths = call.paths(field, "reads")
    content = call.shell.telling.content(paths[0]) if len(paths) == 1 else None
    return None if content is None else content.decode("utf-8", "surrogateescape")


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
    for text in _patches(call, arguments.operands):
        if text is None or call.state.places is None:
            call.undecided("what the patch that `git apply` takes writes is not known")
        else:
            _tell(call, text, int(number) if number and number.isdigit() else 1)
    return None


def _tell(call: Call, text: str, strip: int) -> None:
    from specguard.integrations.hooks.patches import read_patch
    from specguard.integrations.hooks.shell_patching import tell_patch

    content = call.shell.telling.content
    tell_patch(call, lambda place: read_patch(text, place, content, diff=True, strip=strip))


def _patches(call: Call, operands: Sequence[Field]) -> list[str | None]:
    return [_file(call, field) for field in operands] if operands else [call.given]


def _mail(call: Call) -> str | None:
    arguments = call.arguments("pSC", ["directory", "exclude", "include", "whitespace", "patch-format"])
    if arguments.has("no-verify", "n"):
        call.shell.telling.bypass("`git am --no-verify` skips the hooks")
    if not arguments.has("abort", "quit", "skip", "continue", "resolved"):
        for text in _patches(call, arguments.operands):
            if text is not None and call.state.places is not None:
                _tell(call, text, 1)
    call.undecided("what `git am` commits is not known")
    return None


def _history(call: Call) -> str | None:
    """`merge`, `rebase` and their like: what they bring is not known; a message may be given."""
    name = call.name
    arguments = read_arguments(
        call.words[1:],
        "mFsX" if name == "merge" else "sXmx",
        ["message", "file", "strategy", "strategy-option", "exec", "onto", "cleanup", "into-name"],
        flags=["no-verify", "abort"],
    )
    if arguments.has("no-verify") or _skips([word.start for word in call.words[1:]]):
        call.shell.telling.bypass(f"`git {name} --no-verify` skips the hooks")
    if name == "merge":
        texts = [value.text for value in arguments.values("m", "message")]
        if texts and None not in texts:
            call.shell.telling.message("\n\n".join(text for text in texts if text is not None))
    if name == "rebase":
        for value in arguments.values("x", "exec"):
            if value.text is not None:
                call.shell.run_text(value.text, call.state.copy())
    call.undecided(f"what `git {name}` brings into the working tree is not known")
    return None


def _config(call: Call) -> str | None:
    words = [
        word for word in call.words[1:] if word.text not in ("--local", "--global", "--system", "--worktree")
    ]
    texts = [word.text for word in words]
    if None in texts:
        call.undecided("which of git's settings is changed is not known")
        return None
    plain = [text for text in texts if text is not None]
    asks = (
        "--get",
        "--get-all",
        "--get-regexp",
        "--get-urlmatch",
        "--list",
        "-l",
        "list",
        "get",
        "--get-color",
    )
    if plain and any(text in asks for text in plain[:2]):
        return None
    keys = [text for text in plain if "." in text and not text.startswith("-")]
    verbs = [
        text for text in plain if text in ("set", "unset", "--unset", "--unset-all", "--add", "--replace-all")
    ]
    if not verbs and len([text for text in plain if not text.startswith("-")]) == 1:
        return None
    sections = any(text in ("--remove-section", "--rename-section", "remove-section", "-e", "edit", "--edit",
                            "rename-section", "-f", "--file", "--blob") or text.startswith("--file=")
                   for text in plain)  # fmt: skip
    if sections or not keys:
        call.undecided("what `git config` changes is not known")
    for key in keys[:1]:
        _setting(call, key, f"git config {key}", known=True)
    return None


def _remote(call: Call) -> str | None:
    words = [word.text for word in call.words[1:] if word.text != "-v"]
    if words and words[0] not in ("show", "get-url", "update", "prune"):
        call.undecided(f"what `git remote {words[0]}` makes git do is not known")
    return None


_LISTS: Final[Mapping[str, Sequence[str]]] = {
    "worktree": ("list",),
    "submodule": ("status", "summary"),
    "bisect": ("log", "view"),
    "reflog": ("show",),
    "lfs": ("ls-files", "status", "env"),
    "bundle": ("verify", "list-heads"),
    "sparse-checkout": ("list",),
    "rerere": ("status", "diff"),
}


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


def _committed(call: Call) -> str | None:
    for value in read_arguments(call.words[1:], "mpFS", ["message"]).values("m", "message"):
        if value.text is not None:
            call.shell.telling.message(value.text)
    call.undecided("what `git commit-tree` commits is not known")
    return None


_TELLERS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "commit": _commit,
    "rm": _remove,
    "mv": _move,
    "restore": _restore,
    "checkout": _checkout,
    "switch": _checkout,
    "reset": _reset,
    "stash": _stash,
    "clean": _clean,
    "apply": _apply,
    "am": _mail,
    **dict.fromkeys(["merge", "rebase", "pull", "cherry-pick", "revert"], _history),
    "config": _config,
    "remote": _remote,
    **dict.fromkeys([*_LISTS, "hash-object", "symbolic-ref", "format-patch", "archive"], _lists),
    "commit-tree": _committed,
}
