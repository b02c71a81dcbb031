"""One artifact: a file that a contract is about, or the folder of a pass."""

from __future__ import annotations

from functools import cached_property

from specguard.documents.data import Problem, data_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from specguard.artifacts.artifacts import Artifacts
    from specguard.artifacts.contracts import Contract
    from specguard.artifacts.evidence import Cited
    from specguard.artifacts.manifest import Listed
    from specguard.documents.blocks import Section
    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.model import Finding
    from specguard.work.items import Work


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
        return data_kind(self.path) is not None

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

        if self.structured:
            return Document("")
        self.artifacts.fetch(self.path)
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
        self.artifacts.fetch(self.path)
        return self.artifacts.documents.fields(self.path)

    @cached_property
    def cited(self) -> Cited | None:
        """The evidence that it cites; None where its contract asks for none.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.artifacts.evidence import Cited

        settings = self.contract.evidence
        return None if settings is None else Cited(self, settings)

    @cached_property
    def sections(self) -> dict[str, Sequence[Section]]:
        """The sections that were looked for in it, by title; `sections.named` fills and reads it."""
        return {}

    @cached_property
    def listed(self) -> Sequence[Listed]:
        """The paths that it lists, each with a reason, as a manifest does.

        Raises:
            MissingFact: its object is not there.
        """
        from specguard.artifacts.manifest import listed_paths

        return listed_paths(self)

    def setting(self, key: str) -> str:
        """The key of one of its contract's settings, for a citation: `artifacts.agent-final.sections`."""
        return f"artifacts.{self.name}.{key}"

    def adding(self, setting: str) -> Callable[[str], str] | None:
        """What adds the heading of a section that its contract asks for; None where a setting is no other.

        Args:
            setting: the key of the section, as `artifacts.agent-final.sections.1`.
        """
        from specguard.artifacts.headings import add_heading

        for which, title in enumerate(self.contract.sections):
            if setting == self.setting(f"sections.{which}") and not self.structured:
                return lambda text: add_heading(text, self.contract, title)
        return None

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
        return [artifact for path in self._paths for artifact in self.artifacts.contracted(path)]

    @cached_property
    def values(self) -> Sequence[Field]:
        """The fields of all its members, one after the other."""
        return [field for path in self._paths for field in self.artifacts.documents.fields(path)]

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
