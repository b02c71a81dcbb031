"""What git would do by its settings: `git -c`, `git config`, `git remote`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call

_HARMLESS: Final = re.compile(
    r"(?:user\.(?:name|email|signingkey)|color\..*|advice\..*|core\.(?:quotepath|abbrev|autocrlf|safecrlf)"
    r"|init\.defaultbranch|commit\.gpgsign|tag\.gpgsign|log\.[a-z]+|diff\.(?:renames|context|noprefix|algorithm)"
    r"|push\.[a-z]+|pull\.[a-z]+|fetch\.prune|safe\.directory|gc\.auto|protocol\.version|rebase\.[a-z]+"
    r"|branch\..*\.(?:remote|merge|description)|merge\.conflictstyle|rerere\.enabled|http\.postbuffer)",
    re.IGNORECASE,
)


def tell_key(call: Call, key: str, shown: str, *, known: bool) -> None:
    """Tell what a setting of git's would make it do.

    Args:
        call: the call of git.
        key: the setting's name.
        shown: how it is given, for the clause: `git -c core.hooksPath`.
        known: whether it is known which setting that is.
    """
    if not known:
        call.undecided("which of git's settings is given is not known")
    elif key.lower() == "core.hookspath":
        call.shell.telling.bypass(f"`{shown}` gives git other hooks, or none")
    elif not _HARMLESS.fullmatch(key):
        call.undecided(f"what `{shown}` makes git do is not known")


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
        tell_key(call, key, f"git config {key}", known=True)
    return None


def _remote(call: Call) -> str | None:
    words = [word.text for word in call.words[1:] if word.text != "-v"]
    if words and words[0] not in ("show", "get-url", "update", "prune"):
        call.undecided(f"what `git remote {words[0]}` makes git do is not known")
    return None


SETTINGS: Final[Mapping[str, Callable[[Call], str | None]]] = {"config": _config, "remote": _remote}
"""Commands of this module by their names."""
