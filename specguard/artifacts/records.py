"""What an artifact names in git: the object ids of the files it is about, and revisions."""

from __future__ import annotations

import re

from specguard.artifacts.values import LONGEST, REVISIONS, stated, value_problem
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

_BETWEEN: Final = re.compile(r"[,;\s]+(?:and[,;\s]+)?")
_ASIDE: Final = re.compile(r"\([^()]*\)")
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


def unresolved(artifact: Artifact) -> Iterator[Finding]:
    """The revisions in its fields that are not there, of an artifact that the change touches.

    A branch may be gone once it is merged, so what the base has was judged when it came.

    Raises:
        MissingFact: a commit could be one that a shallow clone lacks.
    """
    for name, allowed in artifact.contract.fields.items() if artifact.touched else ():
        for field in stated(artifact, name)[:1] if allowed == REVISIONS else ():
            if value_problem(field.value, allowed, artifact.contract.placeholders):
                continue
            parts = _BETWEEN.split(_ASIDE.sub("", field.value.replace("`", " ")[:LONGEST]).strip())
            sides = [side for part in filter(None, parts) for side in re.split(r"\.{2,3}", part)]
            for side in dict.fromkeys(sides):
                if not (side and artifact.artifacts.is_revision(side)):
                    yield Finding(
                        f"{field.name} has {side!r}, which is no commit or branch"
                        if side
                        else f"{field.name} has a range without both its ends",
                        help="Name commits, branches or ranges (main..work), with commas between, and "
                        "remarks in brackets.",
                        path=artifact.path,
                        line=field.line,
                        key=f"{name} {side[:60]}",
                        setting=artifact.setting(f"fields.{name}"),
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
