"""The files and folders that match the policy's contracts, and the violations found in each."""

from __future__ import annotations

import importlib
import re
from functools import cached_property

from specguard.artifacts.files import Places, alternatives, artifact_problem, folders_above, had_companion
from specguard.declaration.patterns import Selecting
from specguard.documents.data import Data, Problem, data_kind
from specguard.errors import SpecguardError, if_applicable
from specguard.model import TYPE_CHECKING, Finding, Record, cached_method, folders_of, grouped
from specguard.work.kinds import Passes
from specguard.work.name_templates import path_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from typing import Any, Final

    from specguard.artifacts.cleanup_manifests import ListedPath, PathListing
    from specguard.artifacts.contracts import Contract
    from specguard.artifacts.evidence import CitedEvidence
    from specguard.change.change import Change
    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.documents.dates import Stamp
    from specguard.documents.document import Document
    from specguard.documents.fields import Field
    from specguard.work.item import WorkItem
    from specguard.work.named_items import Work


_AGENT: Final = ("{agent}", "{agent:upper}", "{agent:lower}", "{AGENT}")
"""The placeholders of an agent's name in a contract's path."""


class Artifacts(Record, frozen=False):
    """The artifacts of the judged tree.

    Attributes:
        contracts: the policy's contracts, by name.
        change: the judged change.
        documents: the documents of the judged tree.
        today: returns the UTC date.
        now: returns the current time in UTC.
        wave_passes: the folders of passes, if the policy has waves.
        work: returns the work items; None if the policy declares no kinds.
        item: returns the work item that the change names; None if it names none.
        branches: True for the short name of a branch that the policy mentions, even if the branch is deleted.
        known: the artifacts that were found.
    """

    contracts: Mapping[str, Contract]
    change: Change
    documents: Documents
    today: Callable[[], date]
    now: Callable[[], datetime]
    wave_passes: Passes = Passes()
    work: Callable[[], Work | None] = lambda: None
    item: Callable[[], WorkItem | None] = lambda: None
    branches: Callable[[str], bool] = lambda _: False
    _fetched = False
    known: dict[tuple[str, bytes], Artifact] = {}

    @cached_property
    def places(self) -> Places:
        """Finds the files of the judged tree by templates."""
        return Places(self.documents.tree)

    def revision(self, name: str) -> str:
        """Return the short name of a branch, or the object id of a commit; empty for any other name.

        Raises:
            MissingFact: it may be a commit that a shallow clone lacks.
        """
        from specguard.change.check_request import resolve

        change = self.change
        base = name.partition("~")[0].partition("^")[0]
        short = base.removeprefix("refs/heads/").removeprefix("origin/")
        known = any(one.short == short for one in change.refs) or self.branches(short)
        if known and base == name:
            return short
        if not known and re.fullmatch("[0-9a-fA-F]{7,64}", base) is None:
            return ""
        try:
            oid = change.git.resolve(name) if base == name else resolve(change.git, name).oid
        except SpecguardError:
            oid = None
        if oid is None and change.git.repository.shallow:
            raise change.git.missing(f"the commit {name}", "the clone is shallow")
        return oid or ""

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The entries that the change adds, modifies and deletes; empty for a whole tree without a change.

        Raises:
            NotApplicable: this stage has no entries.
            MissingFact: they cannot be read.
        """
        return if_applicable(lambda: self.change.entries, []) if self.change.whole else self.change.entries

    @cached_property
    def all(self) -> Sequence[Artifact]:
        """Every artifact, by path; a file that matches several contracts gives several artifacts."""
        return self._at_paths(self.documents.tree.paths())

    @cached_property
    def judged(self) -> Sequence[Artifact]:
        """The artifacts that the change adds or modifies; all artifacts with `--all`."""
        if self.change.whole:
            return self.all
        return self._at_paths([entry.path for entry in self.entries if not entry.deleted])

    @cached_property
    def roots(self) -> Sequence[str]:
        """The prefixes that mean the repository's root by any contract, such as a team's own folders."""
        evidence = [one.evidence for one in self.contracts.values() if one.evidence]
        return sorted({root for one in evidence for root in one.roots})

    @cached_method
    def cited(self, artifact: Artifact) -> tuple[set[bytes], set[str]]:
        """Return the cited paths in the tree, and the cited absolute ones if no contract declares `roots`."""
        from specguard.artifacts.evidence import Targets
        from specguard.documents.citations import citations

        targets = Targets(self.documents, artifact.folder, self.roots)
        places: set[bytes] = set()
        absolute: set[str] = set()
        for citation in citations(artifact.document.blocks):
            found = targets.places(citation)
            places.update(found or ())
            if found is None and not self.roots and citation.kind == "absolute":
                absolute.add(citation.path)
        return places, absolute

    @cached_property
    def added(self) -> frozenset[bytes]:
        """The paths that the change adds."""
        return frozenset(entry.path for entry in self.entries if entry.added)

    @cached_property
    def moved(self) -> Mapping[bytes, Sequence[bytes]]:
        """The unaltered files that the change moves with their folders, and where each may have been."""
        deleted = [one for one in self.entries if one.deleted]
        gone = grouped(((*one.path.split(b"/")[-2:], one.old), one.path) for one in deleted)
        keys = {one.path: (*one.path.split(b"/")[-2:], one.new) for one in self.entries if one.added}
        return {path: gone[key] for path, key in keys.items() if key in gone}

    @cached_property
    def orphans(self) -> Sequence[Artifact]:
        """The artifacts that the change does not touch, but whose companion it removes or empties.

        Raises:
            MissingFact: a required object is missing.
        """
        companions = [one for contract in self.contracts.values() for one in contract.companions]
        texts = [path_template(text).render({}) for one in companions for text in alternatives(one)]
        places = Selecting([text if text.startswith("/") else f"**/{text}" for text in texts])
        changed = [] if self.change.whole else [entry.path for entry in self.entries if not entry.added]
        lost = {path for path in places.among(changed) if artifact_problem(self, path)}
        if not lost:
            return []
        before = Places(self.change.start_documents.tree)
        return [one for one in self.all if not one.touched and had_companion(one, lost, before)]

    @cached_property
    def passes(self) -> Sequence[Artifact]:
        """Every folder that matches the `root` of a contract, by path."""
        return self._passes_above(self.documents.tree.paths())

    @cached_property
    def judged_passes(self) -> Sequence[Artifact]:
        """The existing folders of passes in which the change touches anything; all of them with `--all`."""
        return self.passes if self.change.whole else self._passes_above([one.path for one in self.entries])

    def disagreements(self, entries: Sequence[Entry], start: Documents) -> Iterator[Finding]:
        """Return the differences between the touched manifests and the paths that the change removes.

        Args:
            entries: the entries of the change, without ignored ones.
            start: the documents before the change.

        Raises:
            NotApplicable: the change touches no such manifest.
            MissingFact: a required object is missing.
        """
        from specguard.artifacts.cleanup_manifests import disagreements

        return disagreements(self, entries, start)

    def named(self, contract: str) -> Sequence[Artifact]:
        """Return the artifacts of a contract by its name; for a contract with a `root`, its folders."""
        return self._by_name.get(contract, [])

    @cached_property
    def agent_contracts(self) -> Sequence[str]:
        """The contracts whose paths have `{agent}`, in the policy's order."""
        return [name for name, one in self.contracts.items() if any(form in one.path for form in _AGENT)]

    def agent_works(self, names: Sequence[str]) -> list[AgentWork]:
        """Return the files of some contracts that each agent left in each pass, sorted by folder and name."""
        found: dict[tuple[bytes, str], AgentWork] = {}
        for one in self.all:
            if one.name in names and one.is_file:
                agent, folder = one.fields.get("agent", ""), one.pass_folder
                found.setdefault((folder, agent.casefold()), AgentWork(agent, folder)).artifacts.append(one)
        return [found[key] for key in sorted(found)]

    @cached_property
    def cleaned_up(self) -> PathListing:
        """The paths that a manifest lists as removed, with a reason.

        Raises:
            MissingFact: a required object is missing.
        """
        from specguard.artifacts.cleanup_manifests import PathListing, in_state

        names = [name for name, contract in self.contracts.items() if contract.agrees_with == "deletions"]
        manifests = [manifest for name in names for manifest in self.named(name)]
        listed = ((manifest, one) for manifest in manifests for one in in_state(manifest.listed, "removed"))
        return PathListing(pair for pair in listed if pair[1].reason and not pair[1].matches_all)

    def fetch(self) -> None:
        """Read the judged artifacts in one batch, before the first of them is read.

        Raises:
            MissingFact: an object is missing or broken.
        """
        if not self._fetched:
            self._fetched = True
            self.documents.prefetch([one.path for one in self.judged])

    def at(self, path: bytes) -> Artifact | None:
        """Return the artifact at a path, by the first contract that matches; None if none matches."""
        return next(iter(self.contracted(path)), None)

    def contracted(self, path: bytes) -> Sequence[Artifact]:
        """Return the artifacts at a path, one for each contract that matches it."""
        return self._at_paths([path])

    def related(self, artifact: Artifact, name: str) -> Sequence[Artifact]:
        """Return the artifacts of another contract that belong to the same work as this one.

        Args:
            artifact: this artifact.
            name: the other contract's name.

        Returns:
            The artifacts that share placeholders with it and agree on all of them, ignoring case. Only its
            folder and its pass are searched, or the whole contract if these have none of it. If none agree,
            all artifacts of the contract in its folder or its pass.
        """
        passes = {one.path for one in self.passes}
        folders = [folder for folder in folders_of(artifact.path) if folder in passes]
        own, above = self._by_folder(name)
        near = {one.path: one for one in own.get(artifact.folder, ())}
        near.update((one.path, one) for folder in folders for one in above.get(folder, ()))
        nearby = [near[path] for path in sorted(near)]
        others = nearby or self.named(name)
        return [other for other in others if _have_equal_values(artifact.fields, other.fields)] or nearby

    @cached_method
    def _by_folder(self, name: str) -> tuple[dict[bytes, list[Artifact]], dict[bytes, list[Artifact]]]:
        """Return the artifacts of a contract, by their own folder and by every folder above them."""
        found = self.named(name)
        above = ((folder, one) for one in found for folder in folders_of(one.path))
        return grouped((one.folder, one) for one in found), grouped(above)

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Artifact]]:
        return grouped((one.name, one) for one in (*self.all, *self.passes))

    @cached_property
    def changed(self) -> frozenset[bytes]:
        """The paths that the change adds, modifies or deletes."""
        return frozenset(entry.path for entry in self.entries)

    def _at_paths(self, paths: Sequence[bytes]) -> Sequence[Artifact]:
        """Return the artifacts at some paths."""
        return self._match(Artifact, paths, self.changed)

    def _passes_above(self, paths: Sequence[bytes]) -> Sequence[Artifact]:
        if not any(contract.root for contract in self.contracts.values()):
            return []
        entries = ((folder, self.documents.tree.find(folder)) for folder in sorted(folders_above(paths)))
        folders = [folder for folder, entry in entries if entry is not None and entry.is_directory]
        return self._match(Pass, folders, frozenset(folders_above(self.changed)))

    def _match(
        self, kind: type[Artifact], paths: Sequence[bytes], changed: frozenset[bytes]
    ) -> Sequence[Artifact]:
        """Return the artifacts or passes at some paths, sorted by path; each object is created once."""
        found: list[Artifact] = []
        for name, contract in self.contracts.items():
            text = contract.root if kind is Pass else contract.path
            for position, fields in path_template(text).find(paths) if text else ():
                path = paths[position]
                if (name, path) not in self.known:
                    self.known[name, path] = kind(name, contract, path, fields, path in changed, self)
                found.append(self.known[name, path])
        return sorted(found, key=lambda one: one.path)


def _have_equal_values(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """True if two mappings have common names, with equal values for all of them."""
    common = one.keys() & other.keys()
    return bool(common) and all(one[name].casefold() == other[name].casefold() for name in common)


class Artifact(Record):
    """A file that matches a contract.

    Attributes:
        name: the contract's name.
        contract: the contract.
        path: its path.
        fields: the values that its path gives to the placeholders of the contract's `path`.
        touched: True if the change adds or modifies it.
        artifacts: all artifacts of the tree, with the documents they are read from.
    """

    name: str
    contract: Contract
    path: bytes
    fields: Mapping[str, str]
    touched: bool
    artifacts: Artifacts

    @property
    def folder(self) -> bytes:
        """The folder that contains it; empty for the root."""
        return self.path.rpartition(b"/")[0]

    @property
    def rewritten(self) -> bool:
        """True if the change touches it, and does more than to move its folder with the same placeholders."""
        read, places = path_template(self.contract.path).read, self.artifacts.moved.get(self.path, ())
        return self.touched and self.fields not in [read(one) for one in places]

    @property
    def pass_folder(self) -> bytes:
        """The folder of the innermost pass that contains it; otherwise its own folder.

        If its contract has one folder for all passes, or one for each agent, it is the root (empty).
        """
        if above := [one.path for one in self.artifacts.passes if self.path.startswith(one.path + b"/")]:
            return max(above, key=len)
        folder = self.contract.path.rpartition("/")[0]
        for form in _AGENT:
            folder = folder.replace(form, "")
        return self.folder if "*" in folder or "{" in folder else b""

    @property
    def structured(self) -> bool:
        """True if it is JSON, YAML or TOML by its name, and not Markdown."""
        return data_kind(self.path) is not None

    @property
    def is_file(self) -> bool:
        """True if its path is a regular file, not a symbolic link or submodule."""
        return self.artifacts.documents.tree.has_file(self.path)

    @property
    def document(self) -> Document:
        """Its text; empty if it is structured, not a regular file, or unreadable.

        Raises:
            MissingFact: its object is missing.
        """
        from specguard.documents.document import Document

        if self.structured:
            return Document("")
        self.artifacts.fetch()
        document = self.artifacts.documents.read(self.path)
        return document or Document.unread(Problem("it is not a regular file"))

    @property
    def data(self) -> Data | None:
        """Its data if it is structured, else its front matter; None if it is not a regular file.

        Raises:
            MissingFact: its object is missing.
        """
        return self.artifacts.documents.data(self.path)

    @cached_property
    def values(self) -> Sequence[Field]:
        """Its fields, from its front matter, its text or its data.

        Raises:
            MissingFact: its object is missing.
        """
        self.artifacts.fetch()
        return self.artifacts.documents.fields(self.path)

    @cached_property
    def cited(self) -> CitedEvidence:
        """Its cited evidence.

        Raises:
            MissingFact: its object is missing.
        """
        from specguard.artifacts.evidence import CitedEvidence

        return CitedEvidence(self)

    @cached_property
    def listed(self) -> Sequence[ListedPath]:
        """The paths that it lists as a manifest, each with a reason.

        Raises:
            MissingFact: its object is missing.
        """
        from specguard.artifacts.cleanup_manifests import read_manifest

        return read_manifest(self.document.blocks)

    def finding(
        self, setting: str, key: str, message: str, help: str = "", line: int | None = None, **more: Any
    ) -> Finding:
        """Create a finding about it.

        Args:
            setting: the key of the violated setting of its contract.
            key: identifies the finding within the artifact, for its fingerprint.
            message: the problem.
            help: the fix.
            line: the line of the problem, from 1.
            more: other attributes of the finding.
        """
        return Finding(message, help, self.path, line, key=key, setting=self.setting(setting), **more)

    def setting(self, key: str) -> str:
        """Return the full key of a setting of its contract, as in `artifacts.agent-final.sections`."""
        return f"artifacts.{self.name}.{key}"

    def adding(self, setting: str) -> Callable[[str], str] | None:
        """Return a fix that adds the heading of a required section; None for other settings.

        Args:
            setting: the full key of the section, e.g. `artifacts.agent-final.sections.1`.
        """
        from specguard.artifacts.skeletons import add_heading

        for index, title in enumerate(self.contract.sections):
            if setting == self.setting(f"sections.{index}") and not self.structured:
                return lambda text: add_heading(text, self.contract, title)
        return None

    def flaws(self, *rules: str) -> Iterator[Finding]:
        """Yield the violations of its contract, even if the change does not touch the artifact.

        Checks that need the change itself are left to the rules.

        Args:
            rules: the names of the rules to check, e.g. `missing-section`; all by default.

        Raises:
            MissingFact: a required object is missing.
        """
        for rule, target, settings in ASPECTS:
            if (not rules or rule in rules) and any(getattr(self.contract, name) for name in settings):
                module, _, name = target.partition(":")
                yield from getattr(importlib.import_module(f"specguard.artifacts.{module}"), name)(self)

    @property
    def members(self) -> Sequence[Artifact]:
        """The artifacts that belong to a pass; empty for a file."""
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, {self.path!r})"


class Pass(Artifact):
    """A folder that matches the `root` of a contract; `path` is the folder's path, without a slash.

    `touched` is True if the change adds, modifies or removes anything in the folder.
    """

    @property
    def folder(self) -> bytes:
        """The folder itself."""
        return self.path

    @property
    def members(self) -> Sequence[Artifact]:
        """The artifacts among the files that `members` names, by path; one for each of their contracts."""
        return [artifact for path in self.files for artifact in self.artifacts.contracted(path)]

    @cached_property
    def values(self) -> Sequence[Field]:
        """The fields of all member files, in the order of their paths."""
        return [field for path in self.files for field in self.artifacts.documents.fields(path)]

    @property
    def files(self) -> Sequence[bytes]:
        """The files in the folder that a template of `members` matches, in order."""
        places, members = self.artifacts.places, self.contract.members
        found = [places.files_beside(self.path, template, self.fields) for template in members]
        return sorted(set[bytes]().union(*found))


ASPECTS: Final = (
    ("missing-artifact", "files:missing_files", ("companions", "members")),
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
    ("invalid-field", "fields:missing_revisions", ("fields",)),
    ("invalid-field", "fields:wrong_authors", ("author_not",)),
    ("invalid-field", "fields:missing_records", ("records",)),
    ("unordered-timestamps", "fields:unordered_timestamps", ("timestamps",)),
    ("unlisted-leftover", "cleanup_manifests:leftovers", ("closure",)),
    ("missing-option", "sections:missing_options", ("options",)),
)
"""The rule, the function of this package, and the settings that the check needs.

A check without a rule applies only if all flaws are requested: it keeps a stage from being complete. Checks
that need more than the judged tree are left to their rules.
"""


class AgentWork(Record, frozen=False):
    """The files that one agent left in one pass.

    Attributes:
        agent: the agent's name, as it is in paths.
        folder: the pass's folder; without a pass, the folder of the agent's artifacts.
        artifacts: the agent's artifacts, sorted by path.
    """

    agent: str
    folder: bytes
    artifacts: list[Artifact] = []

    @property
    def touched(self) -> bool:
        """True if the change touches any of the artifacts."""
        return any(artifact.touched for artifact in self.artifacts)

    def of_contracts(self, contracts: Sequence[str]) -> list[Artifact]:
        """Return the artifacts of some contracts, touched ones first."""
        found = [artifact for artifact in self.artifacts if artifact.name in contracts]
        return sorted(found, key=lambda artifact: not artifact.touched)

    @property
    def logs(self) -> Sequence[Artifact]:
        """The artifacts whose contracts require times of entries; without one, all."""
        return [one for one in self.artifacts if one.contract.timestamps] or self.artifacts

    @cached_property
    def times(self) -> list[tuple[datetime, bytes, Stamp]]:
        """The times of its entries in order, in UTC if they have no offset, each with its path and entry."""
        from specguard.documents.dates import as_utc

        times = ((as_utc(at.moment), one.path, at) for one in self.artifacts for at in one.document.stamps)
        return sorted(times, key=lambda one: one[0])

    def is_active(self, begin: datetime) -> bool:
        """True if the agent begins at a time, or begins before and ends after it."""
        first, last = self.times[0][0], self.times[-1][0]
        return first == begin or first < begin < last
