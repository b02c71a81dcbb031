"""What is left in the folders that an artifact closes."""

from __future__ import annotations

from specguard.artifacts.listing import Listing
from specguard.artifacts.manifest import remainders
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.artifacts.manifest import Listed


def leftovers(artifact: Artifact) -> Iterator[Finding]:
    """The files in the folders of its `closure` that neither an artifact nor another one of its kind lists.

    A listed path that names such a folder as a whole, or one above it, lists nothing.

    Raises:
        MissingFact: something that must be read is not there.
    """
    for which, template in enumerate(artifact.contract.closure):
        for folder in closed_folders(artifact, template):
            for path in artifact.artifacts.unlisted(artifact.name, template, folder):
                if path != artifact.path:
                    yield Finding(
                        f"{path_text(path)} is left in {path_text(folder)}/, and {path_text(artifact.path)} "
                        "does not list it",
                        help="Remove it, or list it there below a heading 'Kept'.",
                        path=path,
                        key=artifact.name,
                        setting=artifact.setting(f"closure.{which}"),
                    )


def unlisted(artifacts: Artifacts, name: str, template: str, folder: bytes) -> list[bytes]:
    """What is in a closed folder, and no artifact of a contract lists, by path.

    Raises:
        MissingFact: something that must be read is not there.
    """
    listing = Listing()
    for artifact in artifacts.closing(name, template).get(folder, ()):
        for one in remainders(artifact.listed):
            if not _whole(one, folder):
                listing.add(artifact, one)
    paths = artifacts.places.below(folder)
    known = {path for path, _ in listing.matches(paths)}
    return [path for path in paths if path not in known]


def closed_folders(artifact: Artifact, template: str) -> Sequence[bytes]:
    """The folders of the tree that a template of `closure` names, with the artifact's own placeholders.

    Raises:
        MissingFact: a tree object is not there.
    """
    places = artifact.artifacts.places
    plain = places.template(template).plain(artifact.fields)
    if plain is not None:
        entry = places.tree.find(plain)
        return [plain] if entry is not None and entry.is_directory else []
    return places.folders(template, artifact.fields)


def _whole(listed: Listed, folder: bytes) -> bool:
    """Whether a listed path is a closed folder itself, or one above it."""
    plain = listed.path.encode("utf-8", "surrogateescape").removesuffix(b"/**").removesuffix(b"/*")
    return listed.wide or plain == folder or folder.startswith(plain + b"/")
