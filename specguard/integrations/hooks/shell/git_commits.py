"""What git would commit: messages, and ways past the hooks."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell.arguments import read_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.arguments import Arguments
    from specguard.integrations.hooks.shell.call import Call


def skips(texts: Sequence[str]) -> bool:
    """Whether arguments have `--no-verify`, or as much of its beginning as git takes for it."""
    for text in texts:
        if text == "--":
            return False
        if "--no-verify".startswith(text) and len(text) >= len("--no-veri"):
            return True
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
    if arguments.has("n", "no-verify") or skips(texts):
        telling.bypass("`git commit --no-verify` skips the hooks")
    if arguments.odd is not None:
        call.undecided(f"what `{arguments.odd.raw}` makes `git commit` do is not known")
    if arguments.has("dry-run", "h", "help"):
        return None
    paragraphs = _paragraphs(call, arguments)
    if paragraphs is None:
        return None
    known = bool(paragraphs)
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


def _paragraphs(call: Call, arguments: Arguments) -> list[str] | None:
    """What is given of the message; None where that is not known, which is said."""
    found: list[str] = []
    for name, value in arguments.options:
        if name in ("m", "message"):
            if value is None or value.text is None:
                call.undecided("the message of the commit is not known")
                return None
            found.append(value.text)
        elif name in ("F", "file") and value is not None:
            text = call.text_of(value)
            if text is None:
                call.undecided(f"the message of the commit, from `{value.raw}`, is not known")
                return None
            found.append(text)
    return found


def _history(call: Call) -> str | None:
    """`merge`, `rebase` and their like: what they bring is not known; a message may be given."""
    name = call.name
    arguments = read_arguments(
        call.words[1:],
        "mFsX" if name == "merge" else "sXmx",
        ["message", "file", "strategy", "strategy-option", "exec", "onto", "cleanup", "into-name"],
        flags=["no-verify", "abort"],
    )
    if arguments.has("no-verify") or skips([word.start for word in call.words[1:]]):
        call.shell.telling.bypass(f"`git {name} --no-verify` skips the hooks")
    if name == "merge":
        texts = [value.text for value in arguments.values("m", "message")]
        if texts and None not in texts:
            call.shell.telling.message("\n\n".join(text for text in texts if text is not None))
    call.undecided(f"what `git {name}` brings into the working tree is not known")
    return None


def _mail(call: Call) -> str | None:
    if call.arguments("pSC", flags=["no-verify"]).has("n", "no-verify"):
        call.shell.telling.bypass("`git am --no-verify` skips the hooks")
    call.undecided("what `git am` commits is not known")
    return None


COMMITS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "commit": _commit,
    "am": _mail,
    **dict.fromkeys(["merge", "rebase", "pull", "cherry-pick", "revert"], _history),
}
"""Commands of this module by their names."""
