"""The files and folders that the policy's contracts are about, as the judged tree has them."""

from __future__ import annotations

from functools import cached_property

from specguard.artifacts.places import Places, above
from specguard.errors import NotApplicable
from specguard.work.path_templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Final

    from specguard.artifacts.contracts import Contract
    from specguard.change.change import Change
    from specguard.change.documents import Documents
    from specguard.change.entry import Entry
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.model import Finding
    from specguard.work.items import Work

_STRUCTURED: Final = (b".json", b".yaml", b".yml", b".toml")


class Artifact:
    """A file that a contract is about.

    Attributes:
        name: the contract's name.
        contract: what it must hold.
        path: where it is.
        fields: the values that its path gives to the placeholders of the contract's `path`.
        touched: whether the change adds or modifies it.
        artifacts: all the others, with the documents they are read from.
    """

    def __init__(
        self,
        name: str,
        contract: Contract,
        path: bytes,
        fields: Mapping[str, str],
        *,
        touched: bool,
        artifacts: Artifacts,
    ) -> None:
        self.name = name
        self.contract = contract
        self.path = path
        self.fields = fields
        self.touched = touched
        self.artifacts = artifacts

    @property
    def folder(self) -> bytes:
        """The folder it stands in; empty for the root."""
        return self.path.rpartition(b"/")[0]

    @property
    def structured(self) -> bool:
        """Whether it is JSON, YAML or TOML, and not Markdown."""
        return self.path.lower().endswith(_STRUCTURED)

    @property
    def is_file(self) -> bool:
        """Whether there is a regular file at its path, and no symbolic link or submodule."""
        entry = self.artifacts.documents.tree.find(self.path)
        return entry is not None and entry.is_file

    @property
    def document(self) -> Document:
        """Its text; without anything in it where it is structured, no regular file, or cannot be read.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.documents.document import Document
        from specguard.documents.problem import Problem

        if self.structured:
            return Document("")
        document = self.artifacts.documents.read(self.path)
        return document or Document.unread(Problem("it is no regular file"))

    @property
    def data(self) -> Data | None:
        """Its data where it is structured, else its front matter; None where it is no regular file.

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
        from specguard.documents.fields import read_fields

        return read_fields(self.document, self.data if self.structured else None)

    def setting(self, key: str) -> str:
        """The key of one of its contract's settings, for a citation: `artifacts.agent-final.sections`."""
        return f"artifacts.{self.name}.{key}"

    def flaws(self, *rules: str) -> Iterator[Finding]:
        """What its contract finds wrong with it, whether the change touches it or not.

        What needs the change itself is left out: the rules judge that.

        Args:
            rules: the names of the rules whose findings are wanted, e.g. `missing-section`; none: all.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.aspects import flaws

        return flaws(self, rules)

    def own_flaws(self, *rules: str) -> Iterator[Finding]:
        """The same without what is wrong with the artifacts that it consists of, as a pass does."""
        return self.flaws(*rules)

    def shared_author(self, work: Work | None) -> Iterator[Finding]:
        """What is wrong where its author must not be the one whom a work item names, such as its owner.

        Args:
            work: the work items that the change names; None where the policy has no kinds of them.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.authors import shared_author

        return shared_author(self, work)

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

    @cached_property
    def members(self) -> Sequence[Artifact]:
        """The artifacts in it that one of its `members` names, by path; one for each of their contracts."""
        paths = {path for template in self.contract.members for path in self._found(template)}
        return [artifact for path in sorted(paths) for artifact in self.artifacts.contracted(path)]

    @cached_property
    def values(self) -> Sequence[Field]:
        """The fields of all its members, one after the other."""
        from specguard.documents.fields import read_fields

        documents = self.artifacts.documents
        found: list[Field] = []
        for path in sorted({path for template in self.contract.members for path in self._found(template)}):
            if path.lower().endswith(_STRUCTURED):
                from specguard.documents.document import Document

                found += read_fields(Document(""), documents.data(path))
            else:
                document = documents.read(path)
                found += read_fields(document) if document else ()
        return found

    def flaws(self, *rules: str) -> Iterator[Finding]:
        """What is missing in it, and what is wrong with its members, by the same rules."""
        yield from self.own_flaws(*rules)
        for member in self.members:
            yield from member.flaws(*rules)

    def own_flaws(self, *rules: str) -> Iterator[Finding]:
        """What is missing in it."""
        if not rules or "missing-artifact" in rules:
            from specguard.artifacts.members import missing_members

            yield from missing_members(self)

    def _found(self, template: str) -> Sequence[bytes]:
        return self.artifacts.places.files_beside(self.path, template, self.fields)


class Artifacts:
    """The artifacts of the judged tree.

    Args:
        contracts: the policy's contracts, by name.
        change: what is judged.
        documents: the documents of the judged tree.
        today: the UTC date.

    Attributes:
        contracts: the same.
        documents: the same.
        today: the same.
        places: the files of the judged tree, found by templates.
    """

    def __init__(
        self,
        contracts: Mapping[str, Contract],
        *,
        change: Change,
        documents: Documents,
        today: Callable[[], date],
    ) -> None:
        self.contracts = contracts
        self.documents = documents
        self.today = today
        self.places = Places(documents.tree)
        self._change = change

    @property
    def whole(self) -> bool:
        """Whether the whole tree is judged, and not only what the change touches."""
        return self._change.request.all

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """What the change adds, modifies and deletes; nothing where the whole tree is judged without one.

        Raises:
            NotApplicable: there are none at this stage.
            MissingFact: they cannot be read.
        """
        try:
            return self._change.entries
        except NotApplicable:
            if self.whole:
                return []
            raise

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

    @cached_property
    def removed(self) -> Sequence[Artifact]:
        """What were artifacts before the change and are gone; nothing can be read of them."""
        return self._among([entry.path for entry in self.entries if entry.deleted])

    @cached_property
    def orphans(self) -> Sequence[Artifact]:
        """The artifacts that the change leaves alone while it takes one of their companions away.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.members import orphans

        return list(orphans(self))

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
        """Where the manifests that the change touches do not agree with the paths that it removes.

        Args:
            entries: what the change does, without what does not count.
            start: the documents before it.

        Raises:
            NotApplicable: the change touches no such manifest.
            MissingFact: something that must be read is not there.
        """
        from specguard.artifacts.removals import disagreements

        return disagreements(self, entries, start)

    def named(self, contract: str) -> Sequence[Artifact]:
        """The artifacts of a contract, by its name; of one with a `root` the folders."""
        if contract in self.contracts and self.contracts[contract].root:
            return [one for one in self.passes if one.name == contract]
        return [one for one in self.all if one.name == contract]

    def at(self, path: bytes) -> Artifact | None:
        """The artifact at a path; None where no contract is about it. Of several it is the first one."""
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
            Those in its folder or in its pass; where there are none, those whose placeholders have the same
            values as far as both have them, whatever their case.
        """
        names = [other for other in self.contracts if other == name or other.endswith(f"-{name}")]
        others = [other for one in names for other in self.named(one)]
        folders = [artifact.folder, *(one.path for one in self.passes if _within(artifact.path, one.path))]
        near = [other for other in others if any(_within(other.path, folder) for folder in folders if folder)]
        near = near or [other for other in others if other.folder == artifact.folder]
        return near or [other for other in others if _agree(artifact.fields, other.fields)]

    @cached_property
    def _templates(self) -> Mapping[str, PathTemplate]:
        return {name: PathTemplate(one.path) for name, one in self.contracts.items() if one.path}

    @cached_property
    def _roots(self) -> Mapping[str, PathTemplate]:
        return {name: PathTemplate(one.root) for name, one in self.contracts.items() if one.root}

    @cached_property
    def _changed(self) -> frozenset[bytes]:
        return frozenset(entry.path for entry in self.entries)

    @cached_property
    def _changed_folders(self) -> frozenset[bytes]:
        return frozenset(above(self._changed))

    @cached_property
    def _known(self) -> dict[tuple[str, bytes], Artifact]:
        return {}

    def _among(self, paths: Sequence[bytes]) -> Sequence[Artifact]:
        """The artifacts at some paths, each made once."""
        found: list[Artifact] = []
        for name, template in self._templates.items():
            for position, fields in template.find(paths):
                found.append(self._artifact(Artifact, name, paths[position], fields, self._changed))
        return sorted(found, key=lambda one: one.path)

    def _passes_above(self, paths: Sequence[bytes]) -> Sequence[Pass]:
        if not self._roots:
            return []
        folders = sorted(above(paths))
        found: list[Pass] = []
        for name, template in self._roots.items():
            for position, fields in template.find(folders):
                entry = self.documents.tree.find(folders[position])
                if entry is not None and entry.is_directory:
                    one = self._artifact(Pass, name, folders[position], fields, self._changed_folders)
                    assert isinstance(one, Pass)  # noqa: S101 - a contract has one kind alone
                    found.append(one)
        return sorted(found, key=lambda one: one.path)

    def _artifact(
        self,
        kind: type[Artifact],
        name: str,
        path: bytes,
        fields: Mapping[str, str],
        changed: frozenset[bytes],
    ) -> Artifact:
        known = self._known.get((name, path))
        if known is None:
            known = kind(name, self.contracts[name], path, fields, touched=path in changed, artifacts=self)
            self._known[name, path] = known
        return known


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder + b"/")


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two sets of values have names in common, and the same values for all of them."""
    common = one.keys() & other.keys()
    return bool(common) and all(one[name].casefold() == other[name].casefold() for name in common)
