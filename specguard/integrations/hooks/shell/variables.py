"""Variables that change what programs do: those that get past hooks, and those that make a command untold."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.field import Field
    from specguard.integrations.hooks.shell.telling import Telling

_SKIPS: Final = frozenset([
    "SKIP", "PRE_COMMIT_ALLOW_NO_CONFIG", "HUSKY", "HUSKY_SKIP_HOOKS", "LEFTHOOK", "LEFTHOOK_EXCLUDE",
    "OVERCOMMIT_DISABLE", "HUSKY_GIT_PARAMS",
])  # fmt: skip
_UNTOLD: Final = frozenset([
    "PATH", "IFS", "CDPATH", "ENV", "SHELLOPTS", "PROMPT_COMMAND", "ZDOTDIR", "EDITOR", "VISUAL", "PAGER",
    "MANPAGER", "HOME", "PS4", "SHELL", "BROWSER", "TERMINFO", "TERMCAP", "MAKEFLAGS", "ACK_PAGER", "ACKRC",
    # What zsh calls `PATH`, and its tables of commands.
    "path", "fpath", "cdpath", "module_path", "commands", "aliases", "galiases", "saliases", "functions",
    "builtins", "NULLCMD", "READNULLCMD",
])  # fmt: skip
_UNTOLD_BEGIN: Final = (
    "BASH", "LD_", "DYLD_", "GCONV_", "PYTHON", "PERL", "RUBY", "NODE_", "LESS", "XDG_", "RIPGREP_", "CURL_",
    "SPECGUARD", "BAT_", "JAVA_", "_JAVA_",
)  # fmt: skip
"""How the names of variables begin by which programs load or run what they name."""
_HARMLESS: Final = frozenset([
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE", "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS",
    "GIT_MERGE_AUTOEDIT", "GIT_LFS_SKIP_SMUDGE",
])  # fmt: skip
_PLAIN: Final = frozenset(["", "cat", "true", ":", "less", "more", "head", "vi", "vim", "nano"])


def tell_setting(telling: Telling, name: str, value: str | None) -> None:
    """Tell what setting a variable would do to the programs that see it.

    Args:
        telling: collects it.
        name: the variable.
        value: what it is set to; None where that is not known.
    """
    if value is not None and runs(value):
        telling.undecided(f"what `{name}` holds would be run where it is evaluated")
    if name in _SKIPS:
        if not (name in ("HUSKY", "LEFTHOOK") and value not in ("0", "false", None)):
            telling.bypass(f"`{name}` skips hooks")
    elif name.startswith("GIT_CONFIG"):
        if value is None or "hookspath" in value.lower() or name in ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG"):
            telling.bypass(f"`{name}` gives git a configuration that may name other hooks")
        else:
            telling.undecided(f"`{name}` changes git's configuration")
    elif (name in ("PAGER", "GIT_PAGER", "EDITOR", "VISUAL") or name.endswith("_EDITOR")) and value in _PLAIN:
        return
    elif (
        name in _UNTOLD
        or name.startswith(_UNTOLD_BEGIN)
        or (name.startswith("GIT_") and name not in _HARMLESS)
        or name.endswith("_EDITOR")
    ):
        telling.undecided(f"`{name}` changes what programs do")


def runs(text: str) -> bool:
    """Whether a text would run a command where a shell evaluates it, as it does with numbers and indices."""
    return "$(" in text or "`" in text


def tell_arguments(telling: Telling, arguments: Sequence[Field]) -> None:
    """Tell of positional parameters that would run a command where they are evaluated."""
    for word in arguments:
        if runs(word.start):
            telling.undecided(f"what `{word.raw}` holds would be run where it is evaluated")
