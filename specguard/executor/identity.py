"""Who makes a run's commit: the person whose repository it is."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from specguard.change.process import CommandError
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from typing import Final

    from specguard.change.repository import Repository

_IDENT: Final = re.compile(r"(.*<.*>) [0-9]+ [-+][0-9]{4}\n?", re.DOTALL)
_ROLES: Final = ("author", "committer")


def identity(repository: Repository, when: str) -> tuple[str, str]:
    """The author and the committer of a commit, as git writes them into it.

    Args:
        repository: the user's: `GIT_AUTHOR_NAME` and its kind in its environment come first, then
            `author.name`, `user.name` and their kind in its configuration and the user's.
        when: the time, as manifests have it; `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE` come before it.

    Raises:
        SpecguardError: git knows no name or no address; it does not guess one.
    """
    author, committer = (_ident(repository, role, when) for role in _ROLES)
    return author, committer


def _ident(repository: Repository, role: str, when: str) -> str:
    flags = ["-c", "user.useConfigOnly=true"]
    for part in ("name", "email"):
        value = repository.environment.get(f"GIT_{role.upper()}_{part.upper()}")
        if value:
            flags += ["-c", f"{role}.{part}={value}"]
    process = repository.in_place(*flags, "var", f"GIT_{role.upper()}_IDENT", user=True)
    try:
        said = process.read().decode("utf-8", "surrogateescape")
    except CommandError as error:
        raise SpecguardError(
            "git knows no name or address for the commit",
            help='git config user.name "Your Name" and git config user.email you@example.org',
            code="no-identity",
        ) from error
    match = _IDENT.fullmatch(said)
    if match is None:
        raise SpecguardError(f"git names nobody as the {role}: {said.strip()}", code="no-identity")
    date = repository.environment.get(f"GIT_{role.upper()}_DATE", "")
    return f"{match.group(1)} {_seconds(date) or _seconds(when)} +0000"


def _seconds(date: str) -> int | None:
    """Seconds since 1970 of a date as manifests or as git's raw format have it; None for any other."""
    raw = re.fullmatch(r"@?([0-9]{1,12})(?: [-+][0-9]{4})?", date)
    if raw:
        return int(raw.group(1))
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return None
    return int(found.timestamp()) if found.tzinfo else None
