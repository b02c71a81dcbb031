"""The artifacts that must be there because another one is, or because their folder is."""

from __future__ import annotations

from specguard.artifacts.places import joined
from specguard.documents.content import has_content
from specguard.documents.data import data_kind
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact, Artifacts, Pass

MOST_NAMES: Final = 500
"""Among so many names of a folder one is looked for that may be meant."""

LONGEST_NAME: Final = 255
"""A longer name, in bytes, is not compared."""


def missing_companions(artifact: Artifact) -> Iterator[Finding]:
    """The companions that are not beside an artifact.

    Raises:
        MissingFact: something that must be read is not there.
    """
    beside = f"beside {path_text(artifact.path.rpartition(b'/')[2])}"
    for which, companion in enumerate(artifact.contract.companions):
        yield from _missing(artifact, alternatives(companion), f"companions.{which}", beside=beside)


def missing_members(one: Pass) -> Iterator[Finding]:
    """The members that are not in a pass.

    Raises:
        MissingFact: something that must be read is not there.
    """
    name = path_text(one.path.rpartition(b"/")[2])
    for which, template in enumerate(one.contract.members):
        yield from _missing(one, [template], f"members.{which}", beside=f"in {name}/")


def orphans(artifacts: Artifacts) -> Iterator[Artifact]:
    """The artifacts that the change leaves alone while it takes one of their companions away.

    Raises:
        MissingFact: something that must be read is not there.
    """
    asking = {name for name, contract in artifacts.contracts.items() if contract.companions}
    gone = artifacts.gone
    if artifacts.whole or not gone or not asking:
        return
    for artifact in artifacts.all:
        if artifact.name in asking and not artifact.touched and _loses(artifact, gone):
            yield artifact


def _loses(artifact: Artifact, gone: Collection[bytes]) -> bool:
    """Whether something that is gone was a companion of an artifact."""
    places = artifact.artifacts.places
    for text in [one for companion in artifact.contract.companions for one in alternatives(companion)]:
        plain = places.template(text).plain(artifact.fields)
        if plain is not None:
            if (plain if text.startswith("/") else joined(artifact.folder, plain)) in gone:
                return True
        elif any(places.stands(path, artifact.folder, text, artifact.fields) for path in gone):
            return True
    return False


def alternatives(companion: str | list[str]) -> list[str]:
    """The templates of which one must be there."""
    return [companion] if isinstance(companion, str) else companion


def _missing(artifact: Artifact, templates: Sequence[str], key: str, *, beside: str) -> Iterator[Finding]:
    places = artifact.artifacts.places
    there = [
        path
        for template in templates
        for path in places.beside(artifact.folder, template, artifact.fields)
        if path != artifact.path
    ]
    whys = [why for path in there if (why := _no_artifact(artifact.artifacts, path))]
    if len(whys) < len(there) or (not there and _cleaned_up(artifact, templates)):
        return
    names = [places.template(template).show(artifact.fields) for template in templates]
    name = " or ".join(names)
    if there:
        message = f"{path_text(there[0])} {whys[0]}, and must be an artifact {beside}"
        help = f"Write {path_text(there[0])}; what it must hold says its contract."
    else:
        message = f"{name} is missing {beside}"
        near = next((one for name in names if (one := _near(artifact, name))), "")
        help = f"Rename {near} to it, if that is meant." if near else f"Add {names[0]}."
    yield Finding(message, help=help, path=artifact.path, key=name, setting=artifact.setting(key))


def _cleaned_up(artifact: Artifact, templates: Sequence[str]) -> bool:
    """Whether a manifest says that one of some companions was removed, and why.

    For what the change itself takes away, and for the companions of what it brings, only a manifest speaks
    that it touches: that one is compared with what the change removes.
    """
    artifacts = artifact.artifacts
    listing = artifacts.cleaned_up
    new = artifact.path in artifacts.added
    for text in templates:
        plain = artifacts.places.template(text).plain(artifact.fields)
        if plain is not None:
            path = plain if text.startswith("/") else joined(artifact.folder, plain)
            past = not new and path not in artifacts.gone
            readings = [reading for _, found in listing.matches([path]) for reading in found]
            if any(past or listing.of(reading)[0].touched for reading in readings):
                return True
        elif any(
            not new or listing.touched(path)
            for path in listing.named_by(artifacts.places, artifact.folder, text, artifact.fields)
        ):
            return True
    return False


def _no_artifact(artifacts: Artifacts, path: bytes) -> str:
    """Why what is at a path is no artifact; empty where it is one."""
    entry = artifacts.documents.tree.find(path)
    if entry is None or not entry.is_file:
        return "is no regular file"
    artifacts.fetch(path)
    content = (artifacts.documents.content(path) or b"").strip()
    if not content or content[:1].isalnum() or data_kind(path) is not None:
        return "" if content else "is empty"
    # What does not begin with a letter may hold nothing that a reader sees.
    document = artifacts.documents.read(path)
    if document is None or document.problem is not None:
        return "cannot be read"
    seen = has_content(document.blocks) or document.sections or document.front_matter
    return "" if seen else "is empty to a reader"


def _near(artifact: Artifact, name: str) -> str:
    """A file in the folder whose name could be meant for a missing one; empty where none could."""
    from difflib import get_close_matches
    from itertools import islice

    names = (
        path_text(one)
        for one, entry in artifact.artifacts.documents.tree.names(artifact.folder).items()
        if entry.is_file and len(one) <= LONGEST_NAME
    )
    folded = {one.casefold(): one for one in islice(names, MOST_NAMES)}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.85)
    return folded[near[0]] if near else ""
