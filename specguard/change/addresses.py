"""When two addresses of a repository are the same repository, however they are written."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_SCHEMES: Final = {"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http"}
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
# As git tells them: a colon before any slash, and nothing of the form `transport::address`.
_SCP = re.compile(r"(?:[^@/:]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:@]+):(?!:)(?P<path>.*)", re.DOTALL)

_SAME_HOST: Final = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "www.github.com": "github.com",
}
"""Hosts through which a platform takes ssh on the https port."""

_FOLDING: Final = {"github.com", "gitlab.com", "bitbucket.org"}
"""Hosts where the case of an owner's and a repository's name makes no difference."""


def identity(url: str) -> tuple[str, str] | None:
    """What makes an address the repository it is: its host, empty for a local one, and its path.

    The scheme, a user, a port, the case of the host, slashes around the path and `.git` after it do not
    count.

    Returns:
        None for an address that no two spellings of which are known to be equal, such as `ext::command`.
    """
    url = url.strip()
    match = _URL.fullmatch(url)
    if match:
        scheme = match["scheme"].lower()
        if scheme == "file":
            return "", _path(match["rest"])
        if scheme not in _SCHEMES:
            return None
        authority, _, path = match["rest"].partition("/")
        return _named(_host(authority), path)
    match = _SCP.fullmatch(url)
    if match:
        return _named(match["host"], match["path"])
    return ("", _path(url)) if url.startswith("/") else None


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same repository."""
    if one == other:
        return True
    first = identity(one)
    return first is not None and first == identity(other)


def shown_address(url: str) -> str:
    """An address without the password or token in it."""
    match = _URL.fullmatch(url)
    if match is None:
        return url
    authority, slash, path = match["rest"].partition("/")
    user, at, host = authority.rpartition("@")
    if at and (":" in user or match["scheme"].lower() in {"https", "http"}):
        authority = f"***@{host}"
    return f"{match['scheme']}://{authority}{slash}{path}"


def _host(authority: str) -> str:
    """The host of `user:password@host:port`."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _named(host: str, path: str) -> tuple[str, str] | None:
    host = host.lower().rstrip(".")
    host = _SAME_HOST.get(host, host)
    path = _path(path).strip("/")
    if not host or not path:
        return None
    return host, path.casefold() if host in _FOLDING else path


def _path(path: str) -> str:
    """A path with single slashes, and without `.git` and slashes at its end."""
    path = re.sub(r"/+", "/", path)
    path = path.rstrip("/")
    return path.removesuffix(".git").rstrip("/")
