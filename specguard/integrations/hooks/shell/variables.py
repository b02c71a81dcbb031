"""Variables that change what programs do: those that get past hooks, and those that make a command untold."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from specguard.integrations.hooks.shell.telling import Telling

_SKIPS: Final = frozenset([
    "SKIP", "PRE_COMMIT_ALLOW_NO_CONFIG", "HUSKY", "HUSKY_SKIP_HOOKS", "LEFTHOOK", "LEFTHOOK_EXCLUDE",
    "OVERCOMMIT_DISABLE", "HUSKY_GIT_PARAMS",
])  # fmt: skip
_UNTOLD: Final = frozenset([
    "PATH", "IFS", "CDPATH", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "SHELLOPTS", "BASHOPTS",
    "PROMPT_COMMAND", "ZDOTDIR", "EDITOR", "VISUAL", "PAGER", "LESSOPEN", "MANPAGER", "PERL5OPT", "RUBYOPT",
    "PYTHONSTARTUP", "NODE_OPTIONS", "HOME", "XDG_CONFIG_HOME", "PS4",
])  # fmt: skip
_HARMLESS: Final = frozenset([
    "GIT_PAGER", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME",
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
    elif name in _UNTOLD or (name.startswith("GIT_") and name not in _HARMLESS) or name.endswith("_EDITOR"):
        telling.undecided(f"`{name}` changes what programs do")
