"""The object ids that an artifact names of the files it is about, which tells the state it has read."""

from __future__ import annotations

import re

from specguard.documents.blocks import all_texts, fences
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock

SHORTEST: Final = 7
"""An abbreviated object id has at least so many digits, as git itself abbreviates them."""

_ID: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])", re.IGNORECASE)


def unrecorded(artifact: Artifact) -> Iterator[Finding]:
    """The files whose present object id an artifact does not name.

    Raises:
        MissingFact: an object is not there.
    """
    places = artifact.artifacts.places
    tree = artifact.artifacts.documents.tree
    named: set[str] | None = None
    for which, template in enumerate(artifact.contract.records):
        # A name alone is beside the artifact, a path is read from the root.
        rooted = f"/{template.removeprefix('/')}" if "/" in template else template
        files = places.files_beside(artifact.folder, rooted, artifact.fields)
        setting = artifact.setting(f"records.{which}")
        shown = places.template(template).show(artifact.fields)
        if not files:
            yield Finding(
                f"{path_text(artifact.path)} must name the object id of {shown}, which is not there",
                help=f"Add {shown}, and name what `git hash-object` says of it.",
                path=artifact.path,
                key=f"record {shown}",
                setting=setting,
            )
        for path in files:
            entry = tree.find(path)
            named = _named(artifact) if named is None else named
            if path == artifact.path or entry is None:
                continue
            if not any(entry.oid.startswith(one) for one in named):
                why = "names another object id than that" if named else "names no object id"
                yield Finding(
                    f"{path_text(artifact.path)} {why} of {path_text(path)}",
                    help=f"Read its present state, and name it: {entry.oid[:12]}.",
                    path=artifact.path,
                    key=f"record {path_text(path)}",
                    setting=setting,
                )


def _named(artifact: Artifact) -> set[str]:
    """Everything in an artifact that is written like an object id, where a reader sees it."""
    data = artifact.data
    found: set[str] = set()
    for text in [*_scalars(data.value if data else None), *_shown(artifact.document.blocks)]:
        found.update(one.lower() for one in _ID.findall(text))
    return found


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner)
    elif value is not None:
        yield str(value)


def _shown(blocks: Sequence[AnyBlock]) -> Iterator[str]:
    yield from (text.raw for text in all_texts(blocks))
    yield from (fence.content for fence in fences(blocks))
