"""Tables of a policy that rules about artifacts alone read."""

from __future__ import annotations

from specguard.rules import Selecting, Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from specguard.rules import Expression


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


def as_patterns(value: Selecting | str) -> Selecting:
    """Patterns, of which a single one may stand without a list.

    Raises:
        PatternError: it is malformed.
    """
    return Selecting([value]) if isinstance(value, str) else value


class Checklists(Settings):
    """Documents with checklists, and what proves that a checked item was done."""

    files: Selecting = setting(Selecting(), "the documents with checklists", tightens="more")
    evidence: Selecting | str = setting(
        Selecting(), "what proves a ticked item, such as `.runs/**/manifest.json`", check=as_patterns
    )

    @property
    def proofs(self) -> Selecting:
        """The patterns of `evidence`."""
        return as_patterns(self.evidence)

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if self.files and not self.proofs:
            return (
                "`files` says where checklists are, and `evidence` is missing, which says what proves an item"
            )
        return ""


class Grounding(Settings):
    """Documents that agents read before they work, and where they say that they did."""

    all: list[str] = setting([], "documents that every agent must cite", tightens="more")
    by_agent: dict[str, list[str]] = setting({}, "more documents for single agents, by name", tightens="more")
    equivalents: dict[str, list[str]] = setting({}, "documents that may replace one, by its path")
    external: list[str] = setting(
        [], "documents outside the repository (absolute or `~`): only a warning", tightens="fewer"
    )
    agent: str = setting("agent", "the placeholder of paths that names the agent", min_length=1)
    cited_by: list[str] = setting(
        [],
        "where an agent cites them; by default all contracts whose path names an agent, except `noted_in`",
        names=["artifacts"],
    )
    noted_in: str = setting("agent-scratchpad", "where an agent notes an equivalent", names=["artifacts"])

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        named = {*self.all, *(document for documents in self.by_agent.values() for document in documents)}
        for document in [*named, *(other for others in self.equivalents.values() for other in others)]:
            if document in self.external:
                continue
            if document.startswith(("/", "~/")):
                return (
                    f"{document!r} is outside of the repository: name it in `external` too, or copy it here"
                )
            if not document or ".." in document.split("/"):
                return f"{document!r} is no path from the repository's root"
        for document in self.external:
            if document not in named or not document.startswith(("/", "~/")):
                return (
                    f"`external` names {document!r}, which is no absolute or `~/` path of `all` or `by_agent`"
                )
        for document in self.equivalents:
            if document not in named:
                return f"`equivalents` names {document!r}, which no agent has to read"
        return ""


class Invariant(Settings):
    """Files and folders that stay where they are, or a pattern that keeps matching in files."""

    paths: Selecting = required("files; without a `pattern` also folders", min_length=1)
    pattern: Expression | None = setting(
        None, "what each file keeps; without it, the paths stay where they are"
    )
    count: Literal["same", "at-least"] = setting(
        "same", "`at-least` allows more", tightens=["at-least", "same"]
    )
    assessment: str = setting("", "the contract that it binds; by default every change", names=["artifacts"])
    message: str = setting("", "more text for findings")
