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
        Field(description="the assets' files, e.g. `patterns/**`", json_schema_extra={"tightens": "more"}),
    ] = Selecting()
    index: Annotated[
        str, Field(description="the JSON, YAML or TOML file that lists the assets with their versions")
    ] = ""
    entries: Annotated[
        list[str],
        Field(
            min_length=1,
            description="the keys of the index that hold its entries, as a list or by id; a dot leads into "
            "a table",
        ),
    ] = ["assets", "items", "patterns"]
    id: Annotated[str, Field(min_length=1, description="the field of an entry that holds its id")] = "id"
    version: Annotated[
        str, Field(min_length=1, description="the field of an entry that holds its version")
    ] = "version"
    files: Annotated[
        list[str],
        Field(
            min_length=1,
            description="the fields of an entry that hold its file or folder, or a list of them, from the "
            "index's folder or from the root",
        ),
    ] = ["entry", "path", "file", "files", "paths"]
    table: Annotated[
        str,
        Field(
            description="the Markdown document with a table that has a row for each asset, "
            "e.g. `patterns/README.md`; empty: none is asked for"
        ),
    ] = ""
    columns: Annotated[
        list[str],
        Field(
            description="the columns of that table in which each asset's row says something",
            json_schema_extra={"tightens": "more"},
        ),
    ] = ["Before", "After"]
    samples: Annotated[
        str,
        Field(
            description="the JSON, YAML or TOML file that has a sample use of each asset, "
            "e.g. `tasks/index.json`; empty: none is asked for"
        ),
    ] = ""
    sample_fields: Annotated[
        list[str],
        Field(description="the fields of that file in which an asset is named; empty: any of them"),
    ] = []

    proofs: Annotated[
        list[str],
        Field(
            description="the commands that a run must log for a changed asset, such as `build` and `test`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    run_files: Annotated[
        list[str],
        Field(
            description="the files that such a run's folder must hold, such as `diff.patch`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    run_keys: Annotated[
        list[str | list[str]],
        Field(
            description="the dotted keys that such a run's manifest must have, such as `approvals`; one of "
            "each inner list",
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
