"""Manifests of removed and kept paths, and their comparison with the change and with folders.

A path begins a list item or a table cell. The remaining text of the item or row is its reason, or else that
of the item above it. Code blocks and manifests in JSON, YAML or TOML are not read.

Headings, labels of lists, items above, a column such as `Action`, and the first words of a reason separate
kept from removed paths.
"""

from __future__ import annotations

import re

from specguard.artifacts.files import join_path
from specguard.declaration.patterns import Covering
from specguard.documents.blocks import AnyBlock, Heading, List, Paragraph, Table, Text, texts
from specguard.documents.completeness import is_bare_nothing, is_todo
from specguard.documents.fields import bold_words
from specguard.documents.list_items import LINE_SUFFIX, LINK, leading_paths, plain_underscores, without_box
from specguard.errors import NotApplicable
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, folders_of, path_text
from specguard.work.name_templates import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final, Literal

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.entries import Entry
    from specguard.change.tree import Documents

    State = Literal["removed", "kept", ""]


LONGEST: Final = 4000
"""The maximum number of characters read from an item."""

_KEPT: Final = re.compile(
    r"(?i)\b(?<!not )(?:kept|keep|retain|remain|preserv|stay|left(?!-?over| over from)|untouched"
    r"|unchanged|closure)"
)
_REMOVED: Final = re.compile(r"\b(?:remov|delet|drop|purge|move[ds]?\b|rename|gone)", re.IGNORECASE)
_NOT: Final = re.compile(r"(?i)\bnot\b(?! (?:kept|keep|retain|remain|preserv|stay|left|untouched|unchanged))")
# Words that are not a reason by themselves.
_NO_REASON: Final = re.compile(
    r"(?i)(?:remov|delet|drop|purge|mov|renam|clean)\w*|gone|and|are|director(?:y|ies)|done|files?|folders?"
    r"|following|from|has|have|its|not|our|paths?|the|them|these|this|those|via|was|were|with|yes|none|because|see|above"
)
_ACTIONS: Final = frozenset({"action", "disposition", "decision", "status", "outcome", "change", "operation"})
_BETWEEN: Final = " -\u2013\u2014:;,.|>()[]\u2192#"
"""Characters that may separate a path from its reason."""

_PATHS: Final = frozenset({"path", "paths", "file", "files", "folder", "directory", "entry", "location"})
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?>")
_NAME: Final = re.compile(r"[^\s<>|]{1,1000}")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")


class ListedPath(Record):
    """A path that a manifest lists.

    Attributes:
        path: the path or pattern, without a leading `./` and a trailing slash.
        line: its line, from 1.
        reason: the further text about it; empty if that text is not a reason.
        state: `removed` or `kept`; empty if the manifest does not state one.
        grouped: False if the path's own text states it; True otherwise, since a heading, label or column may.
    """

    path: str
    line: int
    reason: str
    state: State
    grouped: bool

    @property
    def matches_all(self) -> bool:
        """True if the pattern matches everything, and therefore identifies no path."""
        return not self.path.strip("*?/.")


def in_state(listed: Sequence[ListedPath], state: State) -> list[ListedPath]:
    """Return the paths with a state; if none is grouped under it, also the paths without a state."""
    is_grouped = any(one.state == state and one.grouped for one in listed)
    return [one for one in listed if one.state == state or not (one.state or is_grouped)]


def read_manifest(blocks: Sequence[AnyBlock]) -> Sequence[ListedPath]:
    """Return the paths that the blocks of a document list, in order."""
    found: list[ListedPath] = []
    above: list[tuple[int, State]] = []
    label: State = ""
    for block in blocks:
        if isinstance(block, Paragraph):
            words = bold_words(block.text).split()
            is_label = 0 < len(words) < 4 or block.text.plain.rstrip().endswith((":", "\uff1a"))
            label = _state(block.text.plain) if is_label else ""
        elif isinstance(block, Heading):
            label = ""
            above = [*(one for one in above if one[0] < block.level), (block.level, _state(block.text.plain))]
        else:
            state = label or next((one for _, one in reversed(above) if one), "")
            found += _block_paths(block, state, "")
    return found


def _block_paths(block: AnyBlock, state: State, reason: str) -> Iterator[ListedPath]:
    """Yield the listed paths of a block; `state` and `reason` are those stated above it."""
    if isinstance(block, List):
        for item in block.items:
            paths, own, why = _read_text(item.text.raw)
            words = _plain_text(item.text.raw)
            for inner in item.rest if not paths else ():
                yield from _block_paths(inner, _state(words) or state, _reason(words) or reason)
            if paths and not why:
                # The reason may be a separate list or paragraph below the path.
                why = _reason(" ".join(_plain_text(text.raw) for text in texts(item.rest))) or reason
            yield from (ListedPath(path, item.line, why, own or state, not own) for path in paths)
    elif isinstance(block, Table):
        header = [" ".join(cell.plain.casefold().split()) for cell in block.header]
        for row in block.rows:
            yield from _row_paths(row, header, state, reason)


def _row_paths(row: Sequence[Text], header: Sequence[str], state: State, reason: str) -> Iterator[ListedPath]:
    """Yield the paths of the first cell of a table row that lists any."""
    action = next((column for column, name in enumerate(header) if name in _ACTIONS), None)
    done = row[action].plain if action is not None else ""
    # An action other than a removal leaves the path there.
    of_action: State = (_state(done) or "kept") if done.strip() else ""
    for column, cell in enumerate(row):
        paths, own, why = _read_text(cell.raw)
        word = _plain_text(cell.raw).strip().removeprefix("./").rstrip("/")
        if not paths and header[column] in _PATHS and _NAME.fullmatch(word):
            paths, own, why = [word], "", ""
        if paths:
            others = [one.raw for number, one in enumerate(row) if number not in {column, action}]
            why = why or _reason(" ".join(map(_plain_text, others))) or reason
            stated, grouped = of_action or own or state, bool(of_action) or not own
            yield from (ListedPath(path, cell.line, why, stated, grouped) for path in paths)
            return


def _read_text(raw: str) -> tuple[list[str], State, str]:
    """Return the paths at the beginning of a text, the state that its next word gives, and its reason."""
    text = plain_underscores(without_box(raw[:LONGEST]).replace("~~", ""))
    paths = leading_paths(text).paths
    rest = LINK.sub(r"\1", text)
    for path in paths:
        rest = rest.replace(path, " ", 1)
    first = _WORD.search(rest)
    plain = [LINE_SUFFIX.sub("", path).removeprefix("./").strip() for path in paths]
    named = [one.rstrip("/") or one for one in plain if one and "://" not in one and not is_bare_nothing(one)]
    return named, _state(first[0]) if first else "", _reason(_plain_text(rest).lstrip(_BETWEEN))


def _state(text: str) -> State:
    """Return the state that words give to their paths; empty if they give none, or both."""
    text = text[:LONGEST].replace("_", " ")
    kept, removed = bool(_KEPT.search(text)), bool(_REMOVED.search(text))
    if removed and not kept and _NOT.search(text):
        return "kept"
    return "" if kept == removed else "kept" if kept else "removed"


def _plain_text(raw: str) -> str:
    return _TAG.sub(" ", without_box(raw[:LONGEST])).replace("`", "").replace("*", "").replace("\n", " ")


def _reason(text: str) -> str:
    """Return a text as a reason; empty if it is a placeholder, or only says that something is gone."""
    plain = text.strip(_BETWEEN)
    plain += ")" * (plain.count("(") - plain.count(")"))
    words = [word for word in _WORD.findall(plain) if not _NO_REASON.fullmatch(word)]
    return " ".join(plain.split()) if words and not is_todo(text.rstrip(" :\uff1a")) else ""


class PathReading(Record, frozen=False):
    """One of the two meanings of a listed path: from the root, or from the folder of its manifest.

    Attributes:
        manifest: the artifact that lists the path.
        listed: the listed path.
        removing: True if the change removes a file that it matches.
        existing: a file that it matches and that is not kept; None without one.
    """

    manifest: Artifact
    listed: ListedPath
    removing: bool = False
    existing: bytes | None = None


class PathListing:
    """Listed paths, prepared for comparison with the paths of a tree.

    A listed path covers everything below it. Its readings are separate, because one may exist while the
    other does not.

    Args:
        listed: the listed paths, each with the artifact that lists it.

    Attributes:
        readings: the readings of each listed path, in order.
    """

    def __init__(self, listed: Iterable[tuple[Artifact, ListedPath]]) -> None:
        self.readings: list[list[PathReading]] = []
        self._plain: dict[bytes, list[PathReading]] = {}
        self._patterns: list[tuple[str, PathReading]] = []
        for artifact, one in listed:
            plain = one.path.encode("utf-8", "surrogateescape")
            readings = {folder: PathReading(artifact, one) for folder in (b"", artifact.folder)}
            self.readings.append([*readings.values()])
            for folder, reading in readings.items():
                self._plain.setdefault(join_path(folder, plain), []).append(reading)
                if any(char in one.path for char in "*?["):
                    within = escape(folder.decode("utf-8", "surrogateescape"))
                    pattern = f"{within}/{one.path}".removeprefix("/")
                    # A name with brackets may not be a pattern; it was added as a name above.
                    if not Covering.problem_in(pattern):
                        self._patterns.append((pattern, reading))

    def matches(self, paths: Sequence[bytes]) -> Iterator[tuple[bytes, list[PathReading]]]:
        """Yield each of `paths` that is listed, with the readings that match it."""
        found = dict(Covering([pattern for pattern, _ in self._patterns]).find_all(paths))
        for position, path in enumerate(paths):
            readings = [self._patterns[number][1] for number in found.get(position, ())]
            for place in (path, *folders_of(path)):
                readings += self._plain.get(place, ())
            if readings:
                yield path, readings


def disagreements(artifacts: Artifacts, entries: Sequence[Entry], start: Documents) -> Iterator[Finding]:
    """Yield the differences between the touched manifests and the paths that the change removes.

    Args:
        artifacts: the artifacts of the judged tree.
        entries: the entries of the change.
        start: the documents before the change.

    Raises:
        NotApplicable: the change touches no such manifest.
        MissingFact: a required object is missing.
    """
    # A manifest that is archived as it is, with its folder, lists what an earlier change removed.
    manifests = [one for one in artifacts.judged if one.rewritten and one.contract.agrees_with == "deletions"]
    if not manifests:
        raise NotApplicable("the change touches no manifest of removals")
    removed = [(manifest, one) for manifest in manifests for one in in_state(manifest.listed, "removed")]
    ids = {id(one) for _, one in removed}
    others = ((manifest, one) for manifest in manifests for one in manifest.listed if id(one) not in ids)
    listing, staying = PathListing(removed), PathListing(others)
    deleted = [entry.path for entry in entries if entry.deleted]
    by_path = dict(listing.matches(deleted))
    names = " or ".join(path_text(one.path) for one in manifests[:2])
    for path in deleted:
        readings = by_path.get(path, [])
        for reading in readings:
            reading.removing = True
        # A pattern that matches everything does not list a path.
        if all(reading.listed.matches_all for reading in readings):
            message = f"{path_text(path)} is removed, and {names} does not say so"
            help = f"List it there, with the reason: '- `{path_text(path)}`: ...'."
            setting = manifests[0].setting("agrees_with")
            yield Finding(message, help, path, side="base", key="unlisted", setting=setting)
    paths = artifacts.documents.tree.paths()
    kept = {path for path, _ in staying.matches(paths)}
    for path, readings in listing.matches([path for path in paths if path not in kept]):
        for reading in readings:
            reading.existing = reading.existing or path
    moved = {path.rpartition(b"/")[2]: path for path in deleted}
    previous = {}
    for manifest in manifests:
        document = start.read(manifest.path) or start.read(moved.get(manifest.path.rpartition(b"/")[2], b""))
        # Paths that it listed before the change, or before its move, were removed at that time.
        previous[manifest.path] = {one.path for one in read_manifest(document.blocks)} if document else set()
    for readings in listing.readings:
        # A removed file decides which reading is meant; without one, an existing file does.
        chosen = [reading for reading in readings if reading.removing] or readings
        reading = next((one for one in chosen if one.existing), chosen[0])
        manifest, one = reading.manifest, reading.listed
        message, help = _flaw(reading, known=one.path in previous[manifest.path])
        if message:
            yield manifest.finding("agrees_with", one.path, message, help, one.line)


def _flaw(reading: PathReading, *, known: bool) -> tuple[str, str]:
    """Return the problem of one listed path and the next step; both are empty if it is correct.

    Args:
        reading: the meant reading of the listed path.
        known: True if it was already listed before the change, so an earlier change may have removed it.
    """
    one, removing, existing = reading.listed, reading.removing, reading.existing
    help = "Remove it, or list it below a heading 'Kept'."
    if one.matches_all:
        step = "List the paths that were removed, or their folders."
        return f"{one.path!r} names everything, and so no path", step
    if existing is not None and (removing or one.state or not reading.manifest.contract.closure):
        return f"{one.path} is listed as removed, and {path_text(existing)} is still there", help
    if existing is not None:
        message = f"it is not said whether {one.path}, which is still there, was to be removed"
        return message, "List it below a heading 'Removed' or 'Kept'."
    if not removing and not known:
        step = "Take it out of the list, or remove it in this change."
        return f"{one.path} is listed as removed, and the change does not remove it", step
    if not one.reason:
        return f"{one.path} is listed without a reason", f"Say why it was removed: '- `{one.path}`: ...'."
    return "", ""


def leftovers(artifact: Artifact) -> Iterator[Finding]:
    """Yield a finding for each file in a `closure` folder that no artifact of the contract lists.

    A listed path that names the folder itself, or a folder above it, does not count.

    Raises:
        MissingFact: a required object is missing.
    """
    for index, template in enumerate(artifact.contract.closure):
        unlisted = unlisted_files(artifact.artifacts, artifact.name, template)
        for folder in artifact.artifacts.places.folders(template, artifact.fields):
            for path in unlisted[folder]:
                if path != artifact.path:
                    where = f"in {path_text(folder)}/, and {path_text(artifact.path)} does not list it"
                    message = f"{path_text(path)} is left {where}"
                    help = "Remove it, or list it there below a heading 'Kept'."
                    setting = artifact.setting(f"closure.{index}")
                    yield Finding(message, help, path, key=artifact.name, setting=setting)


@cached_method
def unlisted_files(artifacts: Artifacts, name: str, template: str) -> Mapping[bytes, Sequence[bytes]]:
    """Return the files that no artifact of a contract lists, by the folder that `closure` closes.

    Args:
        artifacts: all artifacts.
        name: the contract's name.
        template: a template of its `closure`.

    Raises:
        MissingFact: a required object is missing.
    """
    listed: dict[bytes, list[tuple[Artifact, ListedPath]]] = {}
    for artifact in artifacts.named(name):
        kept = in_state(artifact.listed, "kept")
        for folder in artifacts.places.folders(template, artifact.fields):
            pairs = [(artifact, one) for one in kept if not _covers(one, folder)]
            listed.setdefault(folder, []).extend(pairs)
    found: dict[bytes, Sequence[bytes]] = {}
    for folder, pairs in listed.items():
        paths = artifacts.places.below(folder)
        known = {path for path, _ in PathListing(pairs).matches(paths)}
        found[folder] = [path for path in paths if path not in known]
    return found


def _covers(listed: ListedPath, folder: bytes) -> bool:
    """True if a listed path is a closed folder itself, or a folder above it."""
    plain = listed.path.encode("utf-8", "surrogateescape").removesuffix(b"/**").removesuffix(b"/*")
    return listed.matches_all or plain == folder or folder.startswith(plain + b"/")
