"""`[assets]`: learning assets, and where each is registered, shown and used."""

from __future__ import annotations

from specguard.rules import Selecting, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import Field


class Assets(Settings):
    """Reusable assets, such as codemods and templates, with the index that gives each its version."""

    paths: Annotated[
        Selecting,
        Field(description="the assets' files, such as `patterns/**`", json_schema_extra={"tightens": "more"}),
    ] = Selecting()
    index: Annotated[str, Field(description="the data file with assets and versions")] = ""
    entries: Annotated[
        list[str],
        Field(
            min_length=1,
            description="its entries' keys",
        ),
    ] = ["assets", "items", "patterns"]
    id: Annotated[str, Field(min_length=1, description="an entry's id")] = "id"
    version: Annotated[str, Field(min_length=1, description="its version")] = "version"
    files: Annotated[
        list[str],
        Field(
            min_length=1,
            description="its files or folders",
        ),
    ] = ["entry", "path", "file", "files", "paths"]
    table: Annotated[
        str,
        Field(description="the document with a row for each asset, such as `patterns/README.md`"),
    ] = ""
    columns: Annotated[
        list[str],
        Field(
            description="the columns to fill",
            json_schema_extra={"tightens": "more"},
        ),
    ] = ["Before", "After"]
    samples: Annotated[
        str,
        Field(description="the data file with sample uses, such as `tasks/index.json`"),
    ] = ""
    sample_fields: Annotated[
        list[str],
        Field(description="its fields for assets; by default any"),
    ] = []

    proofs: Annotated[
        list[str],
        Field(
            description="what a run must log for a changed asset, such as `build` and `test`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    run_files: Annotated[
        list[str],
        Field(
            description="the files of such a run, such as `diff.patch`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    run_keys: Annotated[
        list[str | list[str]],
        Field(
            description="its manifest's keys, such as `approvals`; one of each inner list",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if self.paths and not self.index:
            return "`paths` needs an `index` that lists the assets"
        if (self.run_files or self.run_keys) and not self.proofs:
            return "`run_files` and `run_keys` are asked of the runs that show `proofs`, and there are none"
        return ""
