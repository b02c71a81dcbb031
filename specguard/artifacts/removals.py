"""Whether the manifests of a change agree with what it removes."""

from __future__ import annotations

from specguard.artifacts.listing import Listing
from specguard.artifacts.manifest import read_manifest, removals
from specguard.errors import NotApplicable
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.artifacts.manifest import Listed
    from specguard.change.entries import Entry
    from specguard.change.tree import Documents


def disagreements(artifacts: Artifacts, entries: Sequence[Entry], start: Documents) -> Iterator[Finding]:
    """Where the manifests that a change touches and the paths that it removes do not agree.

    Args:
        artifacts: the artifacts of the judged tree.
        entries: what the change does.
        start: the documents before it.

    Raises:
        NotApplicable: the change touches no such manifest.
        MissingFact: something that must be read is not there.
    """
    manifests = [one for one in artifacts.judged if one.touched and one.contract.agrees_with == "deletions"]
    if not manifests:
        raise NotApplicable("the change touches no manifest of removals")
    listing = Listing()
    kept = Listing()
    for manifest in manifests:
        removed = {id(one) for one in removals(manifest.listed)}
        for one in manifest.listed:
            (listing if id(one) in removed else kept).add(manifest, one)
    gone = [entry.path for entry in entries if entry.deleted]
    by_path = dict(listing.matches(gone))
    yield from _unlisted(manifests, gone, [path for path in gone if _named(listing, by_path.get(path, []))])
    removing = {reading for found in by_path.values() for reading in found}
    left = _left(artifacts, listing, kept)
    before = {manifest.path: _before(manifest, start) for manifest in manifests}
    for which, (manifest, one) in enumerate(listing.listed):
        readings = [2 * which, 2 * which + 1]
        # What is removed says which reading is meant; without one, what is still there does.
        meant = [reading for reading in readings if reading in removing] or readings
        yield from _flaws(
            manifest,
            one,
            removing=meant[0] in removing,
            left=next((left[reading] for reading in meant if reading in left), None),
            done=one.path in before[manifest.path],
        )


def _unlisted(
    manifests: Sequence[Artifact], gone: Sequence[bytes], listed: Sequence[bytes]
) -> Iterator[Finding]:
    known = set(listed)
    names = " or ".join(path_text(one.path) for one in manifests[:2])
    for path in gone:
        if path not in known:
            yield Finding(
                f"{path_text(path)} is removed, and {names} does not say so",
                help=f"List it there, with the reason: '- `{path_text(path)}`: ...'.",
                path=path,
                side="base",
                key="unlisted",
                setting=manifests[0].setting("agrees_with"),
            )


def _named(listing: Listing, found: Sequence[int]) -> bool:
    """Whether one of the listed paths that match names more than everything."""
    return any(not listing.of(reading)[1].wide for reading in found)


def _left(artifacts: Artifacts, listing: Listing, kept: Listing) -> dict[int, bytes]:
    """For each reading of which the tree still has something: the first of it that is not to be kept."""
    if not listing.listed:
        return {}
    paths = artifacts.documents.tree.paths()
    staying = {path for path, _ in kept.matches(paths)}
    left: dict[int, bytes] = {}
    for path, found in listing.matches(paths):
        if path not in staying:
            for reading in found:
                left.setdefault(reading, path)
    return left


def _flaws(
    manifest: Artifact, one: Listed, *, removing: bool, left: bytes | None, done: bool
) -> Iterator[Finding]:
    """What is wrong with one line of a manifest.

    Args:
        manifest: the manifest.
        one: what it lists there.
        removing: whether the change removes any of it.
        left: what of it is still there.
        done: whether it was listed before the change, which may have removed it then.
    """
    message = ""
    if one.wide:
        message = f"{one.path!r} names everything, and so no path"
        help = "List the paths that were removed, or their folders."
    elif left is not None and removing:
        message = f"{one.path} is listed as removed, and {path_text(left)} is still there"
        help = "Remove it, or list it below a heading 'Kept'."
    elif left is not None:
        message = f"{one.path} is listed as removed, and is still there"
        help = "Remove it, or list it below a heading 'Kept'."
        if not one.fate and manifest.contract.closure:
            message = f"it is not said whether {one.path}, which is still there, was to be removed"
            help = "List it below a heading 'Removed' or 'Kept'."
    elif not removing and not done:
        message = f"{one.path} is listed as removed, and the change does not remove it"
        help = "Take it out of the list, or remove it in this change."
    elif not one.reason:
        message = f"{one.path} is listed without a reason"
        help = f"Say why it was removed: '- `{one.path}`: ...'."
    if message:
        yield Finding(
            message,
            help=help,
            path=manifest.path,
            line=one.line,
            key=one.path,
            setting=manifest.setting("agrees_with"),
        )


def _before(manifest: Artifact, start: Documents) -> set[str]:
    """The paths that the manifest listed before the change, so that it is they which were removed then."""
    document = None if manifest.structured else start.read(manifest.path)
    return {one.path for one in read_manifest(document.blocks)} if document else set()
