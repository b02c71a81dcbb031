"""What of the user's configuration and environment git needs to reach a remote, and nothing else of it.

Signing in is the user's: credential helpers, ssh, proxies, certificates. Where a fetch or a push goes is not
the configuration's to say: no `url.<base>.insteadOf` is left to git, no remote, no hook, no `fsmonitor`.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.change.repository import Repository

PROTOCOLS: Final = ("file", "https", "ssh")
"""The transports that a run uses."""

_SIGNING_IN: Final = re.compile(
    r"core\.(?:sshcommand|askpass|gitproxy)|ssh\.variant|protocol\.version|safe\.directory"
    r"|(?:credential|http)\.(?:.*\.)?[a-z0-9-]+",
    re.DOTALL,
)
_OWN_SCOPES: Final = frozenset({"system", "global", "command"})
"""Whose settings are the user's; a repository's are `local` and `worktree`."""

_KEPT: Final = re.compile("GIT_(?:ASKPASS|SSH(?:_COMMAND|_VARIANT)?|(?:SSL|PROXY|HTTP)_[A-Z_]+)")
_CONFIGURING: Final = re.compile(
    r"GIT_CONFIG_(?:COUNT|GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|KEY_[0-9]+|VALUE_[0-9]+)"
)


class Setting:
    """One setting of a configuration.

    Attributes:
        scope: `system`, `global`, `local`, `worktree` or `command`.
        key: its key; section and name are in small letters.
        value: its value; None where it is only named, which means true.
    """

    __slots__ = ("key", "scope", "value")

    def __init__(self, scope: str, key: str, value: str | None) -> None:
        self.scope = scope
        self.key = key
        self.value = value


def read_settings(repository: Repository) -> list[Setting]:
    """The whole configuration, as git has it in the user's repository, what counts most last.

    Raises:
        SpecguardError: it cannot be read.
    """
    environment = {
        **user_environment(repository.environment),
        **{name: value for name, value in repository.environment.items() if _CONFIGURING.fullmatch(name)},
    }
    done = subprocess.run(
        [
            repository.program,
            f"--git-dir={repository.git_dir}",
            "config",
            "--list",
            "--show-scope",
            "--includes",
            "-z",
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise SpecguardError(
            f"the configuration cannot be read: {said}", help="git config --list", code="broken-repository"
        )
    fields = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    settings = []
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, newline, value = setting.partition("\n")
        settings.append(Setting(scope, key, value if newline else None))
    return settings


def own_rewrites(settings: Sequence[Setting], kind: str) -> list[tuple[str, str]]:
    """The user's own rewriting of addresses, each as `(replacement, prefix)`; a repository's does not count.

    Args:
        settings: the configuration.
        kind: `insteadof` or `pushinsteadof`.
    """
    ending = f".{kind}"
    return [
        (one.key[4 : -len(ending)], one.value or "")
        for one in settings
        if one.scope in _OWN_SCOPES and one.key.startswith("url.") and one.key.endswith(ending)
    ]


def signing_in(settings: Sequence[Setting], *, local: bool = True) -> str:
    """The part of a configuration that signing in takes, as the text of a configuration file.

    Args:
        settings: the configuration.
        local: whether a repository's own settings are part of it.
    """
    return "".join(
        _written(one)
        for one in settings
        if _SIGNING_IN.fullmatch(one.key) and (local or one.scope in _OWN_SCOPES)
    )


def user_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's environment for git and what it signs in with: of git's own variables few are left.

    Programs are not looked for in relative folders, which may be a change's own.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    folders = [folder for folder in environment.get("PATH", "").split(":") if folder.startswith("/")]
    return {
        **kept,
        "PATH": ":".join(folders) or "/usr/bin:/bin",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_NO_LAZY_FETCH": "1",
    }


def _written(setting: Setting) -> str:
    section, _, rest = setting.key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    head = f'[{section} "{_escaped(subsection)}"]' if dot else f"[{section}]"
    if setting.value is None:
        return f"{head}\n\t{name}\n"
    value = _escaped(setting.value).replace("\n", "\\n").replace("\t", "\\t").replace("\b", "\\b")
    return f'{head}\n\t{name} = "{value}"\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
