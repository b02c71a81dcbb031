"""Who an artifact's author is, and who must not be it."""

from __future__ import annotations

import re
from functools import lru_cache

from specguard.artifacts.fields import stated
from specguard.artifacts.sections import content_of_text
from specguard.documents.fields import find_fields, normal_name
from specguard.errors import NotApplicable
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.fields import Field
    from specguard.model import Finding, Severity
    from specguard.work.items import Work, WorkItem

LONGEST: Final = 1000
"""So many characters of a field are read for people."""

_BETWEEN: Final = re.compile(r"[,;&+/]|\band\b|\bund\b")
_ADDRESS: Final = re.compile(r"[^\s<>()\[\],;]{1,64}@[^\s<>()\[\],;]{1,200}")
_BRACKETS: Final = re.compile(r"[(\[<][^()\[\]<>]*[)\]>]")
_REMARK: Final = re.compile(r"\s[-\u2013\u2014]+\s.*|:.*")


def wrong_authors(artifact: Artifact) -> Iterator[Finding]:
    """What is wrong where the author must not be that of another artifact.

    Raises:
        MissingFact: an object is not there.
    """
    name, _, key = artifact.contract.author_not.partition(".")
    if not _is_contract(artifact, name):
        return
    others = artifact.artifacts.related(artifact, name)
    if not others:
        message = f"there is no {name} whose {key} could be compared with its author"
        yield _finding(artifact, message, f"no {name}")
    for other in others:
        people = _people_of(other, key)
        whose = f"{key} of {path_text(other.path)}"
        if people:
            yield from _same(artifact, people, whose)
        else:
            help = f"State it there, on a line '{key}: ...'."
            yield _finding(artifact, f"the {whose} is not stated, and must not be its author", "nobody", help)


@lru_cache(maxsize=1 << 14)
def _people_of(artifact: Artifact, key: str) -> set[str]:
    """The people whom a field of an artifact names, which is compared with many others."""
    names = artifact.contract.author if normal_name(key) == "author" else [key]
    # Who has reviewed it is its author only where nobody is said to have written it.
    fields = next((found for name in names if (found := find_fields(artifact.values, name))), ())
    return {person for field in fields for person in _people(field.value)}


@lru_cache(maxsize=1)
def _authors_of(artifact: Artifact) -> tuple[set[str], Field | None]:
    """The people who are an artifact's authors, and the first field that says so."""
    own = [field for name in artifact.contract.author for field in stated(artifact, name)]
    return {person for field in own for person in _people(field.value)}, next(iter(own), None)


def shared_author(artifact: Artifact, work: Work | None) -> Iterator[Finding]:
    """What is wrong where the author must not be the one whom a work item names, such as its owner.

    Args:
        artifact: what has an author.
        work: the work items that the change names; None where there are no kinds of them.

    Raises:
        MissingFact: an object is not there.
    """
    kind, _, key = artifact.contract.author_not.partition(".")
    if not kind or _is_contract(artifact, kind):
        return
    if work is None or kind not in work.kinds:
        yield _finding(artifact, f"{kind!r} is neither a kind of work item nor an artifact", "unknown")
        return
    items = _items(artifact, work, kind)
    if not items:
        message = f"neither it nor the change names a {kind} whose {key} could be compared with its author"
        yield _finding(
            artifact, message, f"no {kind}", f"State on a line '{kind}: ...' which one it is about."
        )
    for item in items:
        people = _people(item.fields.get(key, ""))
        if people:
            yield from _same(artifact, people, f"{key} of {item}")
        else:
            yield _finding(artifact, f"{item} has no {key} that could be compared with its author", "nobody")


def _is_contract(artifact: Artifact, name: str) -> bool:
    return any(one == name or one.endswith(f"-{name}") for one in artifact.artifacts.contracts)


def _items(artifact: Artifact, work: Work, kind: str) -> Sequence[WorkItem]:
    """The items that an artifact is about: those that it or its path names, else the item of its change."""
    from specguard.work.items import WorkItem
    from specguard.work.kinds import number_of

    told = [artifact.fields[kind]] if kind in artifact.fields else []
    for field in find_fields(artifact.values, kind, f"{kind}s", f"{kind} id")[:1]:
        told = told or [part.strip() for part in field.value[:LONGEST].split(",") if part.strip()]
    found = []
    for text in told:
        word = text.split()[0] if text.split() else text
        item = work.resolve(kind, word, number_of(word), artifact.fields)
        if isinstance(item, WorkItem):
            found.append(item)
    if told or not artifact.touched:
        return found
    try:
        return [work.item] if work.item.kind == kind else []
    except NotApplicable:
        return []


def _same(artifact: Artifact, people: set[str], whose: str) -> Iterator[Finding]:
    """A finding where the artifact has no author, or one of these."""
    authors, own = _authors_of(artifact)
    if own is None or not authors:
        names = artifact.contract.author
        help = f"State on a line '{names[0]}: ...' who wrote it ({' or '.join(names[:3])})."
        yield _finding(
            artifact, f"it does not say who its author is, who must not be the {whose}", "author", help
        )
    elif authors & people:
        message = f"its author {own.value!r} is the {whose}"
        yield _finding(artifact, message, "author", "Let somebody else write it.", own.line)


def _people(text: str) -> set[str]:
    """The people whom a text names: each by name, address and handle, as far as it has them."""
    from specguard.declaration.look_alikes import reading

    found: set[str] = set()
    # Another letter that looks the same makes no other person.
    text = reading(text[:LONGEST])
    for address in _ADDRESS.findall(text):
        found.add(address.casefold())
    for part in _BETWEEN.split(_BRACKETS.sub(" ", _ADDRESS.sub(" ", text))):
        plain = _REMARK.sub("", part).strip().removeprefix("@")
        name = normal_name(plain)
        # `Agent 3`, `AGENT_3` and `3` are one agent.
        name = name.removeprefix("agent") or name
        if any(map(str.isalnum, name)) and content_of_text(plain).kind == "content":
            found.add(name)
    return found


def _finding(artifact: Artifact, said: str, key: str, help: str = "", line: int | None = None) -> Finding:
    help = help or f"See {artifact.setting('author_not')} for who it must not be."
    severity: Severity | None = None if artifact.touched else "warning"
    return artifact.finding("author_not", f"author {key}", said, help, line, severity)
