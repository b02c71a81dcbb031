"""The files and folders that the policy's contracts are about, and what can be found wrong with each."""

from __future__ import annotations

import importlib
import re
from functools import cached_property

from specguard.artifacts.files import Places, above, loses_companion, read_schema
from specguard.declaration.rule import Record
from specguard.documents.data import Data, Problem, data_kind
from specguard.errors import SpecguardError, if_applicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from typing import Final, TypeVar

    from specguard.artifacts.cleanup_manifests import ListedPath, Listing
    from specguard.artifacts.contracts import Contract
    from specguard.artifacts.evidence import Cited
    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.documents.blocks import Section
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.documents.schemas import Schema
    from specguard.model import Finding, Severity
    from specguard.work.item import WorkItem
    from specguard.work.named_items import Work

    _Kind = TypeVar("_Kind", bound="Artifact")

__all__ = ["Artifact", "Artifacts", "Pass"]

AHEAD: Final = 100
"""So many artifacts are read at once."""


class Artifacts(Record, frozen=False):
    """The artifacts of the judged tree.

    Attributes:
        contracts: the policy's contracts, by name.
        change: what is judged.
        documents: the documents of the judged tree.
        today: the UTC date.
        now: the time in UTC.
        work: gives the work items; None where the policy has no kinds of them.
        item: gives the one that the change names; None if it names none.
        branches: whether the policy speaks of a branch by this name, be it there still or not.
        fetched, known, known_schemas, known_unlisted, known_folders: what was read and found before.
    """

    contracts: Mapping[str, Contract]
    change: Change
    documents: Documents
    today: Callable[[], date]
    now: Callable[[], datetime]
    work: Callable[[], Work | None] = lambda: None
    item: Callable[[], WorkItem | None] = lambda: None
    branches: Callable[[str], bool] = lambda _: False
    fetched: dict[bytes, None] = {}
    known: dict[tuple[str, bytes], Artifact] = {}
    known_schemas: dict[str, Schema] = {}
    known_unlisted: dict[tuple[str, str], Mapping[bytes, Sequence[bytes]]] = {}
    known_folders: dict[str, tuple[dict[bytes, list[Artifact]], dict[bytes, list[Artifact]]]] = {}

    @cached_property
    def places(self) -> Places:
        """The files of the judged tree, found by templates."""
        return Places(self.documents.tree)

    def is_revision(self, name: str) -> bool:
        """True if a name is that of a commit or of a branch.

        Raises:
            MissingFact: it could be that of a commit which a shallow clone lacks.
        """
        from specguard.change.check_request import resolve

        change = self.change
        base, *steps = re.split(r"(?=[~^])", name, maxsplit=1)
        short = base.removeprefix("refs/heads/").removeprefix("origin/")
        known = any(one.short == short for one in change.refs) or self.branches(short)
        if known and not steps:
            return True
        if not known and re.fullmatch("[0-9a-fA-F]{7,64}", base) is None:
            return False
        try:
            there = bool(resolve(change.git, name)) if steps else change.git.resolve(name) is not None
        except SpecguardError:
            there = False
        if not there and change.git.repository.shallow:
            raise change.git.missing(f"the commit {name}", "the clone is shallow")
        return there

    @property
    def whole(self) -> bool:
        """True if the whole tree is judged, and not only what the change touches."""
        return self.change.whole

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The entries that the change adds, modifies and deletes; none if a whole tree is judged without one.

        Raises:
            NotApplicable: there are none at this stage.
            MissingFact: they cannot be read.
        """
        return if_applicable(lambda: self.change.entries, []) if self.whole else self.change.entries

    @cached_property
    def all(self) -> Sequence[Artifact]:
        """Every artifact, by path; a file that several contracts are about is several artifacts."""
        return self._among(self.documents.tree.paths())

    @cached_property
    def judged(self) -> Sequence[Artifact]:
        """The artifacts that the change adds or modifies; with `--all` every one."""
        if self.whole:
            return self.all
        return self._among([entry.path for entry in self.entries if not entry.deleted])

    def cited(self, artifact: Artifact) -> tuple[set[bytes], set[str]]:
        """The paths that an artifact cites, and absolute ones where no contract says what the root is."""
        from specguard.artifacts.evidence import Targets
        from specguard.documents.citations import citations

        roots = {root for one in self.contracts.values() if one.evidence for root in one.evidence.roots}
        targets = Targets(self.documents, sorted(roots))
        places: set[bytes] = set()
        absolute: set[str] = set()
        for citation in citations(artifact.document.blocks):
            found = targets.places(citation, artifact.folder)
            places.update(found or ())
            if found is None and not roots and citation.absolute:
                absolute.add(citation.path)
        return places, absolute

    @cached_property
    def added(self) -> frozenset[bytes]:
        """The paths that the change brings."""
        return frozenset(entry.path for entry in self.entries if entry.added)

    @cached_property
    def gone(self) -> frozenset[bytes]:
        """The paths at which the change leaves no file."""
        return frozenset(entry.path for entry in self.entries if entry.deleted or not entry.is_file)

    @cached_property
    def orphans(self) -> Sequence[Artifact]:
        """The artifacts that the change leaves alone while it takes one of their companions away.

        Raises:
            MissingFact: something that must be read is not there.
        """
        asking = any(contract.companions for contract in self.contracts.values())
        if self.whole or not asking or not self.gone:
            return []
        return [one for one in self.all if not one.touched and loses_companion(one, self.gone)]

    @cached_property
    def passes(self) -> Sequence[Pass]:
        """Every folder that matches the `root` of a contract, by path."""
        return self._passes_above(self.documents.tree.paths())

    @cached_property
    def judged_passes(self) -> Sequence[Pass]:
        """The folders in which the change touches anything and leaves something; with `--all` every one."""
        if self.whole:
            return self.passes
        return self._passes_above([entry.path for entry in self.entries])

    def disagreements(self, entries: Sequence[Entry], start: Documents) -> Iterator[Finding]:
        """Differences between the manifests that the change touches and the paths that it removes.

        Args:
            entries: what the change does, without what does not count.
            start: the documents before it.

        Raises:
            NotApplicable: the change touches no such manifest.
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.cleanup_manifests import disagreements

        return disagreements(self, entries, start)

    def named(self, contract: str) -> Sequence[Artifact]:
        """The artifacts of a contract, by its name; of one with a `root` the folders."""
        if contract in self.contracts and self.contracts[contract].root:
            return [one for one in self.passes if one.name == contract]
        return self._by_name.get(contract, [])

    @cached_property
    def cleaned_up(self) -> Listing:
        """The paths of which a manifest says that they were removed, and why.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.cleanup_manifests import Listing, listed_as

        listing = Listing()
        for name, contract in self.contracts.items():
            for manifest in self.named(name) if contract.agrees_with == "deletions" else ():
                for one in listed_as(manifest.listed, "removed"):
                    if one.reason and not one.wide:
                        listing.add(manifest, one)
        return listing

    def fetch(self, path: bytes) -> None:
        """Read an artifact together with those that are judged next, where many of them are.

        Raises:
            MissingFact: an object is not there, or is broken.
        """
        position = self._positions.get(path)
        if position is not None and path not in self.fetched:
            paths = [one.path for one in self.judged[position : position + AHEAD]]
            self.fetched.update(dict.fromkeys(paths))
            self.documents.prefetch(paths)

    def unlisted(self, name: str, template: str) -> Mapping[bytes, Sequence[bytes]]:
        """Files in folders that artifacts of a contract close, and that none of these lists, by folder.

        Args:
            name: the contract's name.
            template: one of its `closure`.
        """
        if (name, template) not in self.known_unlisted:
            from specguard.artifacts.cleanup_manifests import unlisted

            self.known_unlisted[name, template] = unlisted(self, name, template)
        return self.known_unlisted[name, template]

    def at(self, path: bytes) -> Artifact | None:
        """The artifact at a path; None if no contract is about it. Of several it is the first one."""
        return next(iter(self.contracted(path)), None)

    def contracted(self, path: bytes) -> Sequence[Artifact]:
        """The artifacts at a path, one for each contract that is about it."""
        return self._among([path])

    def related(self, artifact: Artifact, name: str) -> Sequence[Artifact]:
        """The artifacts of another contract that belong together with one.

        Args:
            artifact: the one.
            name: the other contract's name, or its last words: `packet` for `execution-packet`.

        Returns:
            Those in its folder or anywhere in its pass, of them those whose placeholders have the same values
            as far as both have them, whatever their case, if there are such; else all such anywhere.
        """
        names = [other for other in self.contracts if other == name or other.endswith(f"-{name}")]
        folders = [folder for folder in above([artifact.path]) if folder in self._pass_folders]
        near: dict[bytes, Artifact] = {}
        for other in names:
            by_folder = self._by_folder(other)
            found = by_folder[0].get(artifact.folder, [])
            found = [*found, *(one for folder in folders for one in by_folder[1].get(folder, ()))]
            near.update({one.path: one for one in found})
        beside = [near[path] for path in sorted(near)]
        others = beside or [one for other in names for one in self.named(other)]
        return [other for other in others if _agree(artifact.fields, other.fields)] or beside

    def _by_folder(self, name: str) -> tuple[dict[bytes, list[Artifact]], dict[bytes, list[Artifact]]]:
        """The artifacts of a contract by the folder they stand in, and by every folder above them."""
        if name not in self.known_folders:
            own: dict[bytes, list[Artifact]] = {}
            all_above: dict[bytes, list[Artifact]] = {}
            for one in self.named(name):
                own.setdefault(one.folder, []).append(one)
                for folder in above([one.path]):
                    all_above.setdefault(folder, []).append(one)
            self.known_folders[name] = own, all_above
        return self.known_folders[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Artifact]]:
        found: dict[str, list[Artifact]] = {}
        for one in self.all:
            found.setdefault(one.name, []).append(one)
        return found

    @cached_property
    def _pass_folders(self) -> frozenset[bytes]:
        return frozenset(one.path for one in self.passes)

    @cached_property
    def _positions(self) -> Mapping[bytes, int]:
        return {one.path: position for position, one in enumerate(self.judged)}

    def schema(self, path: str) -> Schema:
        """The JSON Schema at a path of the tree that the policy is read from.

        Raises:
            MissingFact: it is not there, or is no schema that can be used.
        """
        if path not in self.known_schemas:
            self.known_schemas[path] = read_schema(self.change.policy_files, path)
        return self.known_schemas[path]

    @cached_property
    def _changed(self) -> frozenset[bytes]:
        return frozenset(entry.path for entry in self.entries)

    def _among(self, paths: Sequence[bytes]) -> Sequence[Artifact]:
        """The artifacts at some paths."""
        return self._found(Artifact, paths, self._changed)

    def _passes_above(self, paths: Sequence[bytes]) -> Sequence[Pass]:
        if not any(contract.root for contract in self.contracts.values()):
            return []
        entries = ((folder, self.documents.tree.find(folder)) for folder in sorted(above(paths)))
        folders = [folder for folder, entry in entries if entry is not None and entry.is_directory]
        return self._found(Pass, folders, frozenset(above(self._changed)))

    def _found(self, kind: type[_Kind], paths: Sequence[bytes], changed: frozenset[bytes]) -> Sequence[_Kind]:
        """What some paths are to the contracts of files or of folders, by path; each is made once."""
        found: list[_Kind] = []
        for name, contract in self.contracts.items():
            text = contract.root if kind is Pass else contract.path
            for position, fields in self.places.template(text).find(paths) if text else ():
                path = paths[position]
                one = self.known.get((name, path)) or kind(
                    name, contract, path, fields, touched=path in changed, artifacts=self
                )
                assert isinstance(one, kind)  # noqa: S101 - a contract has one kind alone
                self.known[name, path] = one
                found.append(one)
        return sorted(found, key=lambda one: one.path)


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """True if two sets of values have names in common, and the same values for all of them."""
    common = one.keys() & other.keys()
    return bool(common) and all(one[name].casefold() == other[name].casefold() for name in common)


class Artifact(Record):
    """A file that a contract is about.

    Attributes:
        name: the contract's name.
        contract: what it must hold.
        path: where it is.
        fields: the values that its path gives to the placeholders of the contract's `path`.
        touched: whether the change adds or modifies it.
        artifacts: all the others, with the documents they are read from.
    """

    name: str
    contract: Contract
    path: bytes
    fields: Mapping[str, str]
    touched: bool
    artifacts: Artifacts

    @property
    def folder(self) -> bytes:
        """The folder it stands in; empty for the root."""
        return self.path.rpartition(b"/")[0]

    @property
    def structured(self) -> bool:
        """True if it is JSON, YAML or TOML, and not Markdown."""
        return data_kind(self.path) is not None

    @property
    def is_file(self) -> bool:
        """True if there is a regular file at its path, and no symbolic link or submodule."""
        return self.artifacts.documents.tree.has_file(self.path)

    @property
    def document(self) -> Document:
        """Its text; without anything in it where it is structured, no regular file, or cannot be read.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.documents.document import Document

        if self.structured:
            return Document("")
        self.artifacts.fetch(self.path)
        document = self.artifacts.documents.read(self.path)
        return document or Document.unread(Problem("it is no regular file"))

    @property
    def data(self) -> Data | None:
        """Its data where it is structured, else its front matter; None if it is no regular file.

        Raises:
            MissingFact: its object is not there.
        """
        return self.artifacts.documents.data(self.path)

    @cached_property
    def values(self) -> Sequence[Field]:
        """Its fields: those of its front matter, its text or its data.

        Raises:
            MissingFact: its object is not there.
        """
        self.artifacts.fetch(self.path)
        return self.artifacts.documents.fields(self.path)

    @cached_property
    def cited(self) -> Cited:
        """The evidence that it cites.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.artifacts.contracts import Evidence
        from specguard.artifacts.evidence import Cited

        return Cited(self, self.contract.evidence or Evidence())

    @cached_property
    def sections(self) -> dict[str, Sequence[Section]]:
        """The sections that were looked for in it, by title; `sections.named` fills and reads it."""
        return {}

    @cached_property
    def people(self) -> dict[str, set[str]]:
        """The people whom its fields name, by field; `fields.wrong_authors` fills and reads it."""
        return {}

    @cached_property
    def listed(self) -> Sequence[ListedPath]:
        """The paths that it lists, each with a reason, as a manifest does.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.artifacts.cleanup_manifests import read_manifest

        return read_manifest(self.document.blocks)

    def finding(
        self,
        setting: str,
        key: str,
        message: str,
        help: str = "",
        line: int | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding about it.

        Args:
            setting: the key of its contract's setting that it fails.
            key: what makes it this finding, for its fingerprint.
            message: what is wrong.
            help: how to put it right.
            line: where, from 1.
            severity: a lower one than its rule's.
        """
        from specguard.model import Finding

        path, cited = self.path, self.setting(setting)
        return Finding(message, help=help, path=path, line=line, key=key, severity=severity, setting=cited)

    def setting(self, key: str) -> str:
        """The key of one of its contract's settings, for a citation: `artifacts.agent-final.sections`."""
        return f"artifacts.{self.name}.{key}"

    def adding(self, setting: str) -> Callable[[str], str] | None:
        """The fix that adds the heading of a required section; None for a setting of another kind.

        Args:
            setting: the key of the section, as `artifacts.agent-final.sections.1`.
        """
        from specguard.artifacts.skeletons import add_heading

        for which, title in enumerate(self.contract.sections):
            if setting == self.setting(f"sections.{which}") and not self.structured:
                return lambda text: add_heading(text, self.contract, title)
        return None

    def flaws(self, *rules: str) -> Iterator[Finding]:
        """Violations of its contract, whether or not the change touches the artifact.

        What needs the change itself is left out: the rules judge that.

        Args:
            rules: the names of the rules whose findings are wanted, e.g. `missing-section`; none: all.

        Raises:
            MissingFact: something that must be read is not there.
        """
        for rule, target, settings in ASPECTS:
            wanted = any(getattr(self.contract, name) for name in settings)
            if wanted and (not rules or rule in rules):
                module, _, name = target.partition(":")
                yield from getattr(importlib.import_module(f"specguard.artifacts.{module}"), name)(self)

    @property
    def members(self) -> Sequence[Artifact]:
        """The artifacts that it consists of, as a pass does; none for a file."""
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, {self.path!r})"


class Pass(Artifact):
    """A folder that matches the `root` of a contract; its `path` is the folder's, without a slash.

    It is touched where the change adds, modifies or removes anything in it.
    """

    @property
    def folder(self) -> bytes:
        """The folder itself."""
        return self.path

    @property
    def members(self) -> Sequence[Artifact]:
        """The artifacts in it that one of its `members` names, by path; one for each of their contracts."""
        return [artifact for path in self._paths for artifact in self.artifacts.contracted(path)]

    @cached_property
    def values(self) -> Sequence[Field]:
        """The fields of all its members, one after the other."""
        return [field for path in self._paths for field in self.artifacts.documents.fields(path)]

    @property
    def _paths(self) -> Sequence[bytes]:
        """The files in it that one of its `members` names, in order."""
        places = self.artifacts.places
        return sorted(
            {
                path
                for template in self.contract.members
                for path in places.files_beside(self.path, template, self.fields)
            }
        )


ASPECTS: Final = (
    ("missing-artifact", "files:missing_companions", ("companions",)),
    ("missing-artifact", "files:missing_members", ("members",)),
    ("invalid-structure", "files:invalid_structure", ("path",)),
    ("missing-section", "sections:missing_sections", ("sections", "forbidden_sections")),
    ("empty-section", "sections:empty_sections", ("sections",)),
    ("missing-evidence", "evidence:missing_evidence", ("evidence",)),
    ("missing-evidence", "evidence:missing_inputs", ("inputs",)),
    ("dangling-evidence", "evidence:dangling_evidence", ("evidence",)),
    ("unranked-finding", "findings:unranked_findings", ("findings",)),
    ("open-finding", "findings:open_findings", ("findings",)),
    ("", "findings:findings_of_open_review", ("findings",)),
    ("invalid-field", "fields:invalid_fields", ("fields",)),
    ("invalid-field", "fields:contradicted_none", ("none_when",)),
    ("invalid-field", "fields:unresolved", ("fields",)),
    ("invalid-field", "fields:wrong_authors", ("author_not",)),
    ("invalid-field", "fields:unrecorded", ("records",)),
    ("unordered-timestamps", "fields:unordered_timestamps", ("timestamps",)),
    ("unlisted-leftover", "cleanup_manifests:leftovers", ("closure",)),
    ("missing-option", "sections:missing_options", ("options",)),
)
"""Rule, module and function of this package, and the settings without which it has nothing to judge.

Without a rule it counts only where all flaws are asked for: a stage is not complete with it.

What needs more than the judged tree is left to the rule alone.
"""
