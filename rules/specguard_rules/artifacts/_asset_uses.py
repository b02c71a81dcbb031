"""Where learning assets are shown and used: the rows of a table, and samples."""

from __future__ import annotations

import re

from specguard.rules import Finding, is_content, path_text, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from specguard.rules import Documents
    from specguard_rules.artifacts._asset_index import Asset
    from specguard_rules.artifacts._assets import Assets


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
            for row in rows(document.blocks if document is not None else ())
            if wanted <= {_normal(title) for title in row.header}
            and any(
                name.search(cell)
                for cell, title in zip(row.cells, row.header, strict=False)
                if _normal(title) not in wanted
            )
        ]
        if not named:
            yield Finding(
                f"{asset.id or path_text(path)} has no row in a table of {table} with "
                + (f"the columns {', '.join(columns)}" if columns else "its name"),
                help="Add a row that names it" + (", and shows what it does" if columns else "") + ".",
                path=path,
                key=f"row {asset.id}",
                setting="assets.table",
            )
            return
        row = named[0]
        for column in columns:
            if not is_content(row.cell(column)):
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
            yield Finding(
                f"the row of {asset.id} in {table} has the version {told}, and the index {asset.version}",
                help=f"Write {asset.version} there.",
                path=place,
                line=row.line,
                key=f"version {asset.id}",
                setting="assets.table",
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
            yield Finding(
                f"{asset.id or path_text(path)} has no sample use in {samples}",
                help=f"Name it there by its id, such as {asset.id}@{asset.version}.",
                path=path,
                key=f"sample {asset.id}",
                setting="assets.samples",
            )


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
