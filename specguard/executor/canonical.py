"""The canonical repository's address: where a run fetches from and pushes to."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final

from specguard.change.addresses import identity, same_address, shown_address
from specguard.change.remotes import rewritten
from specguard.errors import SpecguardError
from specguard.executor.user_git import PROTOCOLS, own_rewrites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.executor.user_git import Setting

_SCHEME: Final = re.compile("([A-Za-z][A-Za-z0-9+.-]*)(?:://|::)")
_SCP: Final = re.compile(r"[^/:]+:")


class Address:
    """Where the canonical repository is.

    Attributes:
        fetch: the address that is fetched from.
        push: the address that is pushed to: the same repository.
        shown: the former without what is secret in it.
        here: whether it is the user's own repository, which has no remote.
    """

    __slots__ = ("fetch", "here", "push")

    def __init__(self, fetch: str, push: str, *, here: bool = False) -> None:
        self.fetch = fetch
        self.push = push
        self.here = here

    @property
    def shown(self) -> str:
        """The address without what is secret in it."""
        return shown_address(self.fetch)

    @property
    def host(self) -> str:
        """The host's name in small letters; empty for a repository of this machine."""
        return (identity(self.fetch) or ("", ""))[0]

    @property
    def name(self) -> str:
        """The repository's path on its host, such as `team/repo`; empty for one of this machine."""
        host, path = identity(self.fetch) or ("", "")
        return path if host else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and (self.fetch, self.push) == (other.fetch, other.push)

    def __hash__(self) -> int:
        return hash((self.fetch, self.push))


def find_address(
    settings: Sequence[Setting], remote: str, expected: str, *, root: str, alone: bool = False
) -> Address:
    """The address of the canonical repository, in the spelling by which the user reaches it.

    The remote has to be that repository. Of several spellings (https, ssh) the remote's own is used, since
    that is how the user signs in; the user's own `insteadOf` counts, a repository's does not. A push goes to
    what `pushurl` or the user's `pushInsteadOf` say, only where that is the same repository.

    Args:
        settings: the configuration.
        remote: the remote's name.
        expected: the address that the policy names; empty where it names none.
        root: the root of the working tree, from which relative addresses are meant.
        alone: whether the repository stands for itself where it has no remote, and the policy names none.

    Raises:
        SpecguardError: the remote is not there, is another repository, or has a transport that is not used.
    """
    urls = _values(settings, f"remote.{remote}.url")
    if not urls and alone and not expected and not any(map(_is_remote, settings)):
        return Address(root, root, here=True)
    if not urls:
        raise SpecguardError(
            f"there is no remote '{remote}'; tried: remote.{remote}.url of the configuration",
            help=f"git remote add {remote} {shlex.quote(expected) if expected else '<address>'}",
            code="remote-unsuitable",
        )
    rewrites = own_rewrites(settings, "insteadof")
    fetch = _absolute(rewritten(urls[0], rewrites), root)
    if expected and not same_address(fetch, expected):
        raise SpecguardError(
            f"'{remote}' is {shown_address(fetch)}, and the canonical repository is "
            f"{shown_address(expected)}",
            help=shlex.join(["git", "remote", "set-url", remote, expected]),
            code="remote-unsuitable",
        )
    if expected and _protocol(fetch) not in PROTOCOLS:
        fetch = rewritten(expected, rewrites)
    _check(fetch, remote)
    pushes = _values(settings, f"remote.{remote}.pushurl")
    push = rewritten(pushes[0], rewrites) if pushes else ""
    push = push or rewritten(urls[0], own_rewrites(settings, "pushinsteadof"))
    push = _absolute(push, root)
    if not same_address(push, fetch) or _protocol(push) not in PROTOCOLS:
        push = fetch
    return Address(fetch, push)


def _is_remote(setting: Setting) -> bool:
    return setting.key.startswith("remote.") and setting.key.endswith(".url")


def _values(settings: Sequence[Setting], key: str) -> list[str]:
    return [one.value for one in settings if one.key == key and one.value]


def _protocol(url: str) -> str:
    match = _SCHEME.match(url)
    if match:
        return match[1].lower()
    return "ssh" if _SCP.match(url) else "file"


def _absolute(url: str, root: str) -> str:
    """An address that does not depend on a working directory."""
    if _SCHEME.match(url) or _SCP.match(url) or url.startswith(("/", "-")):
        return url
    return os.path.normpath(os.path.join(root, url))


def _check(url: str, remote: str) -> None:
    if _protocol(url) not in PROTOCOLS or url.startswith("-") or "\n" in url:
        raise SpecguardError(
            f"'{remote}' is {shown_address(url)}, and a run uses only {', '.join(PROTOCOLS)}",
            help=f"git remote set-url {remote} <an https or ssh address of the same repository>",
            code="remote-unsuitable",
        )
