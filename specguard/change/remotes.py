"""A remote's addresses, as the repository's and the user's configuration have them."""

from __future__ import annotations

from specguard.change.facts import Remote
from specguard.change.process import CommandError
from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.change.repository import Repository


def read_remote(repository: Repository, name: str = "origin") -> Remote:
    """The remote of this name.

    The user's own configuration is read too: `insteadOf`, which rewrites addresses, is usually there.

    Raises:
        MissingFact: the configuration cannot be read.
    """
    process = repository.in_place("config", "-z", "--list", user=True)
    try:
        settings = process.read().decode("utf-8", "surrogateescape").split("\0")
    except CommandError as error:
        raise MissingFact(
            f"the configuration cannot be read: {error.first_line}",
            "git config --list",
            code="broken-repository",
        ) from error
    urls: list[str] = []
    push_urls: list[str] = []
    rewrites: list[tuple[str, str]] = []
    push_rewrites: list[tuple[str, str]] = []
    for setting in settings:
        key, _, value = setting.partition("\n")
        if key == f"remote.{name}.url":
            urls.append(value)
        elif key == f"remote.{name}.pushurl":
            push_urls.append(value)
        elif key.startswith("url.") and key.endswith(".insteadof"):
            rewrites.append((key[4 : key.rindex(".")], value))
        elif key.startswith("url.") and key.endswith(".pushinsteadof"):
            push_rewrites.append((key[4 : key.rindex(".")], value))
    fetches = [rewritten(url, rewrites) for url in urls]
    pushes = [rewritten(url, rewrites) for url in push_urls]
    if not push_urls:
        # Where one address is rewritten for pushes, git pushes only to those that are.
        pushes = [other for url in urls if (other := rewritten(url, push_rewrites)) != url] or fetches
    return Remote(name, url=urls[0] if urls else None, fetch=fetches[0] if fetches else "", pushes=pushes)


def rewritten(url: str, rewrites: Sequence[tuple[str, str]]) -> str:
    """An address after rewriting: the longest prefix that it has is replaced, of equal ones the first.

    Args:
        url: the address as it is configured.
        rewrites: each `(replacement, prefix)`.
    """
    best = ("", "")
    for replacement, prefix in rewrites:
        if url.startswith(prefix) and len(prefix) > len(best[1]):
            best = (replacement, prefix)
    return best[0] + url[len(best[1]) :]
