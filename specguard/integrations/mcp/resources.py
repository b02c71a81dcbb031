"""What can be read: the authority's documents as the trusted base has them, and the rules' manual pages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from specguard.authority.schema import rule_options
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.declaration.rule import Record
from specguard.engine.plugins import find_rule, known_rules
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.integrations.mcp.bounds import LONGEST_PAGE
from specguard.model import path_text
from specguard.reporters import manual
from specguard.reporters.escape import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY: Final = "specguard://authority/"
"""What the address of a document of the authority begins with; its path follows, with `%` as in any URI."""

RULE: Final = "specguard://rule/"
"""What the address of a rule's page begins with; its code or name follows."""

MARKDOWN: Final = "text/markdown"


class Page(Record):
    """Something that can be read.

    Attributes:
        uri: its address.
        name: what it is called.
        description: what it is.
        kind: its media type.
    """

    uri: str
    name: str
    description: str
    kind: str = MARKDOWN


def pages(directory: str) -> Sequence[Page]:
    """All that can be read here; without a policy, the pages of the rules alone.

    Args:
        directory: the folder to look for the repository in.
    """
    rules = sorted(known_rules(directory).rules.values(), key=lambda one: one.rule.code)
    try:
        documents = [path for path, _ in _documents(directory)]
    except SpecguardError:
        documents = []
    return [
        *(
            Page(
                uri=AUTHORITY + quote(path.encode("utf-8", "surrogateescape")),
                name=_shown(path),
                description="A document of the authority, as the trusted base has it.",
                kind=_kind(path),
            )
            for path in documents
        ),
        *(
            Page(
                uri=RULE + entry.rule.code,
                name=f"{entry.rule.code} {entry.rule.name}",
                description=manual.summary(entry),
            )
            for entry in rules
        ),
    ]


def read_page(uri: str, directory: str) -> tuple[str, str]:
    """A page's text and media type.

    Args:
        uri: its address.
        directory: the folder to look for the repository in.

    Raises:
        SpecguardError: there is no such page.
    """
    if uri.startswith(RULE):
        entry = find_rule(known_rules(directory), unquote(uri.removeprefix(RULE)))
        return manual.page(entry, rule_options(entry.rule)), MARKDOWN
    if uri.startswith(AUTHORITY):
        asked = unquote(uri.removeprefix(AUTHORITY), errors="surrogateescape")
        for path, oid in _documents(directory):
            if path == asked:
                return _read(oid, directory), _kind(path)
        raise SpecguardError(
            f"{_shown(asked)!r} is no document of the authority",
            help="list the resources to see which are",
            code="unknown-name",
        )
    raise SpecguardError(
        f"there is no resource {cut(uri)!r}",
        help=f"ask for {RULE}CODE or {AUTHORITY}PATH",
        code="unknown-name",
    )


def _documents(directory: str) -> Sequence[tuple[str, str]]:
    """The path and object id of each document that was read from a commit."""
    policy = open_policy(Request(environment=os.environ, directory=directory))
    return [(path, oid) for path, oid in policy.documents if oid]


def _read(oid: str, directory: str) -> str:
    with Git(Repository.locate(directory, os.environ)) as git:
        try:
            _, content = git.object(oid)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
    return cut(content.decode("utf-8", "replace"), LONGEST_PAGE)


def _kind(path: str) -> str:
    return "application/toml" if path.endswith(".toml") else MARKDOWN


def _shown(path: str) -> str:
    return path_text(path.encode("utf-8", "surrogateescape"))
