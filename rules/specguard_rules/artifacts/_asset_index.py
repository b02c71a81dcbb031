"""Learning assets: the index that lists them, and where they are shown and used."""

from __future__ import annotations

import re

from specguard.rules import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.documents.data import Data
    from specguard.rules import Documents
    from specguard_rules.artifacts._tables import Assets


_PARTS: Final = re.compile(
    r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)


class Asset:
    """An entry of the index.

    Attributes:
        id: what it is called.
        version: as it is written; empty where it has none.
        places: where its files may be: paths from the root, each of a file or a folder.
        line: the line of its version, or of the entry where it has none.
    """

    __slots__ = ("id", "line", "places", "version")

    def __init__(self, name: str, version: str, places: Sequence[bytes], line: int | None) -> None:
        self.id = name
        self.version = version
        self.places = places
        self.line = line

    def has(self, path: bytes) -> bool:
        """Whether a path is one of its files."""
        return any(path == place or path.startswith(place + b"/") for place in self.places)

    def is_at(self, path: bytes) -> bool:
        """Whether a path is its file itself, and not one in its folder."""
        return path in self.places


def read_index(data: Data, settings: Assets) -> list[Asset] | None:
    """The assets that an index lists; None where it has no list of them.

    Args:
        data: the index.
        settings: where it has what.
    """
    found = list(_lists(data, settings))
    if not found:
        return None
    assets: list[Asset] = []
    for path, entries in found:
        if isinstance(entries, list):
            for position, entry in enumerate(entries):
                if isinstance(entry, dict):
                    name = entry.get(settings.id)
                    name = "" if name is None else _written(name)
                    assets.append(_asset(name, entry, data, [*path, position], settings))
        else:
            for name, entry in entries.items():
                fields = entry if isinstance(entry, dict) else {settings.version: entry}
                assets.append(_asset(name, fields, data, [*path, name], settings))
    return assets


def _written(value: Any) -> str:
    """A scalar as it is written: a number's own digits, since 1.10 is another version than 1.1."""
    return str(getattr(value, "text", value)).strip()


def _lists(data: Data, settings: Assets) -> Iterator[tuple[list[str | int], Any]]:
    """Each list of entries, or table of them by id, with its key."""
    if isinstance(data.value, list):
        yield [], data.value
        return
    for key in settings.entries:
        value = data.get(key)
        if isinstance(value, (list, dict)):
            yield [*key.split(".")], value


def _asset(name: str, entry: dict[str, Any], data: Data, path: list[str | int], settings: Assets) -> Asset:
    version = entry.get(settings.version)
    names = [file for field in settings.files for file in _texts(entry.get(field))]
    folder = settings.index.rpartition("/")[0]
    # An entry without a file goes by its id.
    written = [place for file in names or [name] for place in (_joined(folder, file), _joined("", file))]
    places = [place for place in dict.fromkeys(written) if place]
    has = isinstance(version, (str, int, float)) and _written(version) != ""
    line = data.line([*path, settings.version]) if has else data.line(path)
    return Asset(name, _written(version) if has else "", places, line)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (part for part in value if isinstance(part, str))


def _joined(folder: str, name: str) -> bytes:
    """A path from the root; empty where it climbs out of it, or is the root or that folder as a whole."""
    from specguard.rules import plain_path

    place = plain_path(f"{folder}/{name}".replace("\\", "/").encode("utf-8", "surrogateescape"))
    return b"" if place is None or place == folder.encode("utf-8", "surrogateescape") else place


def goes_up(before: str, after: str) -> bool:
    """Whether a version is a later one: a higher number, or where one is none, any other text."""
    one, other = _numbers(before), _numbers(after)
    if one is None or other is None:
        return before != after
    if one == other:
        # `1.0.0-rc.1` goes before `1.0.0`; `1.0` is no other one than `1.0.0`.
        return "-" in before and before != after
    return other > one


def _numbers(version: str) -> list[int] | None:
    match = _PARTS.fullmatch(version)
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


class Shown:
    """Where assets are shown and used: the table and the samples, each read once."""

    def __init__(self, assets: Assets, documents: Documents) -> None:
        self._assets = assets
        self._documents = documents
        self._texts: set[str] | None = None

    def row(self, asset: Asset, path: bytes) -> Iterator[Finding]:
        """What is wrong with an asset's row of the table."""
        table = self._assets.table
        if not table:
            return
        place = table.encode("utf-8", "surrogateescape")
        document = self._documents.read(place)
        columns = self._assets.columns
        wanted = {_normal(column) for column in columns}
        name = _naming(asset)
        named = [
            row
            for row in (document.rows() if document is not None else ())
            if wanted <= {_normal(title) for title in row.header}
            and any(
                name.search(cell)
                for cell, title in zip(row.cells, row.header, strict=False)
                if _normal(title) not in wanted
            )
        ]
        if not named:
            message = f"{asset.id or path_text(path)} has no row in a table of {table} with " + (
                f"the columns {', '.join(columns)}" if columns else "its name"
            )
            step = "Add a row that names it" + (", and shows what it does" if columns else "") + "."
            yield Finding(message, help=step, path=path, key=f"row {asset.id}", setting="assets.table")
            return
        row = named[0]
        for column in columns:
            if not row.says(column):
                yield Finding(
                    f"the row of {asset.id} in {table} says nothing in its column {column!r}",
                    help="Say it, or write none with the reason.",
                    path=place,
                    line=row.line,
                    key=f"{column} {asset.id}",
                    setting="assets.columns",
                )
        told = row.cell(self._assets.version)
        if told and asset.version and told.lstrip("v") != asset.version.lstrip("v"):
            said = f"the row of {asset.id} in {table} has the version {told}, and the index {asset.version}"
            how = f"Write {asset.version} there."
            yield Finding(
                said, help=how, path=place, line=row.line, key=f"version {asset.id}", setting="assets.table"
            )

    def sample(self, asset: Asset, path: bytes) -> Iterator[Finding]:
        """What is wrong where an asset's sample use should be."""
        samples = self._assets.samples
        if not samples:
            return
        if self._texts is None:
            data = self._documents.data(samples.encode("utf-8", "surrogateescape"))
            fields = {_normal(field) for field in self._assets.sample_fields}
            self._texts = set(_texts_of(data.value if data is not None else None, fields, inside=not fields))
        names = {asset.id, *(place.decode("utf-8", "surrogateescape") for place in asset.places)}
        if asset.version:
            names.add(f"{asset.id}@{asset.version}")
            names.add(f"{asset.id}@v{asset.version}")
        if self._texts.isdisjoint(names - {""}):
            message = f"{asset.id or path_text(path)} has no sample use in {samples}"
            step = f"Name it there by its id, such as {asset.id}@{asset.version}."
            yield Finding(message, help=step, path=path, key=f"sample {asset.id}", setting="assets.samples")


def _naming(asset: Asset) -> re.Pattern[str]:
    """What names an asset in a cell: its id as a word of its own, or the name of its file."""
    names = {asset.id, *(path_text(place).rpartition("/")[2] for place in asset.places)} - {""}
    either = "|".join(re.escape(name) for name in sorted(names)) or r"(?!)"
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])")


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _texts_of(value: Any, fields: set[str], *, inside: bool) -> Iterator[str]:
    """The texts of data, or those that stand under certain fields; a table's keys are texts too."""
    if isinstance(value, str):
        if inside:
            yield value.removeprefix("./")
    elif isinstance(value, list):
        for part in value:
            yield from _texts_of(part, fields, inside=inside)
    elif isinstance(value, dict):
        for key, part in value.items():
            if inside and fields:
                yield key
            yield from _texts_of(part, fields, inside=inside or _normal(key) in fields)
