"""`[assets]`: learning assets, and where each is registered, shown and used."""

from __future__ import annotations

from specguard.rules import Selecting, Settings, setting


class Assets(Settings):
    """Reusable assets, such as codemods and templates, with the index that gives each its version."""

    paths: Selecting = setting(Selecting(), "the assets' files, such as `patterns/**`", tightens="more")
    index: str = setting("", "the data file with assets and versions")
    entries: list[str] = setting(["assets", "items", "patterns"], "its entries' keys", min_length=1)
    id: str = setting("id", "an entry's id", min_length=1)
    version: str = setting("version", "its version", min_length=1)
    files: list[str] = setting(
        ["entry", "path", "file", "files", "paths"], "its files or folders", min_length=1
    )
    table: str = setting("", "the document with a row for each asset, such as `patterns/README.md`")
    columns: list[str] = setting(["Before", "After"], "the columns to fill", tightens="more")
    samples: str = setting("", "the data file with sample uses, such as `tasks/index.json`")
    sample_fields: list[str] = setting([], "its fields for assets; by default any")

    proofs: list[str] = setting(
        [], "what a run must log for a changed asset, such as `build` and `test`", tightens="more"
    )
    run_files: list[str] = setting([], "the files of such a run, such as `diff.patch`", tightens="more")
    run_keys: list[str | list[str]] = setting(
        [], "its manifest's keys, such as `approvals`; one of each inner list", tightens="more"
    )

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if self.paths and not self.index:
            return "`paths` needs an `index` that lists the assets"
        if (self.run_files or self.run_keys) and not self.proofs:
            return "`run_files` and `run_keys` are asked of the runs that show `proofs`, and there are none"
        return ""
