"""The work items of a policy in the trusted base, and those that a change names."""

from __future__ import annotations

from functools import cached_property

from specguard.change.check_request import is_invalid
from specguard.change.entries import Commit, Entry, is_filed
from specguard.documents.data import is_markdown
from specguard.errors import MissingFact, NotApplicable, if_applicable
from specguard.model import TYPE_CHECKING, Origin, Record, cached_method, path_text
from specguard.work.document_search import BadShape, Pointer, ids_leading_to, read_pointer, text_at
from specguard.work.item import Paper, Papers, Unresolved, WorkItem
from specguard.work.kinds import ID_FIELDS, NAME_SETTINGS, Names, Passes, normal_id, number_of
from specguard.work.name_templates import MissingValue, PathTemplate, Template

__all__ = ["Unresolved", "Work", "WorkItem"]

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
    from typing import Self

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.git import History
    from specguard.change.repository import PastCommit, PullRequest
    from specguard.change.tree import Documents, Tree
    from specguard.work.changes import Alteration, OwnPlan
    from specguard.work.gates import PlannedGate
    from specguard.work.kinds import Naming, WorkKind


class WorkItems(Record, frozen=False):
    """The work items of a policy, as the trusted base resolves them.

    Attributes:
        kinds: the policy's kinds by name.
        tree: returns the trusted base's files.
        base, remote: the policy's top-level `base` and `remote`; empty if they are not set.
        branch: the judged branch; empty if there is none.
        own: the plan that the branch adds, if the base has none.
        change: the change that names items; None if none does.
        passes: the folders of passes; lists in superseded ones do not count.
    """

    kinds: Mapping[str, WorkKind]
    tree: Callable[[], Tree]
    base: str = ""
    remote: str = ""
    branch: str = ""
    own: OwnPlan | None = None
    change: Change | None = None
    passes: Passes = Passes()

    @classmethod
    def of_policy(cls, policy: Policy, tree: Callable[[], Tree]) -> Self:
        """Return the work items of a policy; no change names any of them."""
        base, remote = policy.base or "", policy.remote or ""
        passes = Passes.of_policy(policy)
        return cls(policy.declared("work_kinds"), tree, base=base, remote=remote, passes=passes)

    @cached_property
    def names(self) -> Names:
        """The templates of all kinds, for reading names."""
        return Names(self.kinds)

    @cached_method
    def pointer(self, kind: str) -> Pointer:
        """Return the pointer of a kind; an empty one if the kind has none.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        return read_pointer(self.kinds[kind], self._documents)

    def current(self, kind: str) -> WorkItem | Unresolved:
        """Return the item of a kind that its pointer names.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        pointer = self.pointer(kind)
        if not self.kinds[kind].pointer:
            return Unresolved(f"{kind}s have no pointer that would name the current one", pointer)
        return self.resolve(kind, pointer.id, pointer.number, {})

    def branch_of_current(self, kind: str) -> str:
        """Return the branch of the item that a kind's pointer names; empty if unknown.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        current = self.current(kind)
        return current.branches[0] if isinstance(current, WorkItem) and current.branches else ""

    def resolve(
        self, kind: str, item_id: str, number: int | None, fields: Mapping[str, str], *, named: bool = True
    ) -> WorkItem | Unresolved:
        """Return an item with the fields from its kind's pointer or source.

        Args:
            kind: the kind's name.
            item_id: the item's id.
            number: its number, if it has one.
            fields: fields from a name; the pointer's own fields have precedence.
            named: False for an item whose names need not be complete.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        settings = self.kinds[kind]
        if settings.source:
            listed = self._listed_item(kind, item_id, fields)
            return self._complete(listed) if named and isinstance(listed, WorkItem) else listed
        pointer = self.pointer(kind)
        if pointer.problem:
            return Unresolved(pointer.problem, pointer)
        if number is not None and not any("id" in settings.template(key).names for key in NAME_SETTINGS):
            item_id = str(number)
        item = WorkItem(kind, settings, item_id, number, {}, fields, pointer, self.tree())
        try:
            item.given = _read_fields(item)
        except BadShape as problem:
            return Unresolved(f"{path_text(pointer.path or b'')} {problem}", pointer)
        return self._complete(item) if named else item

    def resolve_naming(self, naming: Naming) -> WorkItem | Unresolved:
        """Return the item that a name identifies.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        return self.resolve(naming.kind, naming.id, naming.number, naming.fields)

    def with_id(
        self, kind: str, item_id: str, fields: Mapping[str, str], *, named: bool = False
    ) -> WorkItem | None:
        """Return the item with an id, as `resolve` does; None if it cannot be resolved.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        item = self.resolve(kind, item_id, number_of(item_id), fields, named=named)
        return item if isinstance(item, WorkItem) else None

    def _listed_item(self, kind: str, item_id: str, name_fields: Mapping[str, str]) -> WorkItem | Unresolved:
        """Return an item as its kind's source lists it."""
        from specguard.work.item_lists import Sources

        # The judged branch's fields count even if they do not identify an item.
        settings = self.kinds[kind]
        branch_fields = settings.template("branch").read(self.branch)
        name_fields = {**(branch_fields or {}), **name_fields}
        documents, own = self._documents, self.own
        # What lands has no branch that names its plan.
        known = {**own.fields, **name_fields} if own is not None else {}
        if own is not None and own.path in [PathTemplate(one).exact_path(known) for one in settings.sources]:
            documents, name_fields = own.documents, known
        sources = Sources(self.kinds, documents, None if branch_fields else self.change, passes=self.passes)
        listed = sources.meant_by(kind, item_id, name_fields)
        return listed if isinstance(listed, Unresolved) else listed.work_item(name_fields, self.tree())

    def _complete(self, item: WorkItem) -> WorkItem | Unresolved:
        """Return an item with its base and remote, if its names and document places can be rendered."""
        item.base = item.plain(item.settings.base) or self.base
        item.remote = item.plain(item.settings.remote) or self.remote
        # If no branch is judged, its name is not needed.
        for key in NAME_SETTINGS if self.branch else NAME_SETTINGS[1:]:
            try:
                item.rendered(key)
            except MissingValue as missing:
                return _lacking(item, missing.name)
        if unfit := next(filter(is_invalid, item.branches), ""):
            problem = f"{unfit!r} can be no branch, and {item.setting('branch')} gives {item} that name"
            return Unresolved(problem, item.pointer)
        unknown = _missing_field(item)
        return _lacking(item, unknown) if unknown else item

    def landed(self, item: WorkItem, history: History) -> PastCommit | None:
        """Return the newest commit of a history that did an item and is not reverted; None if there is none.

        If the source gives the item an open status, the result is None. Several sources may list items with
        one id, and a subject does not say which of them is meant.

        Raises:
            MissingFact: the history is incomplete.
        """
        if item.listed is not None and item.listed.status and not item.listed.closed:
            return None
        from specguard.work.changes import unreverted

        found = unreverted(history.mentioning(self.names.literals(item.kind)), self.names, history)
        return next((commit for commit, naming in found if item.told_by(naming)), None)

    @cached_property
    def _documents(self) -> Documents:
        """The trusted base's documents."""
        from specguard.change.tree import Documents

        return Documents(self.tree())


class Work(WorkItems, frozen=False):
    """The work items that a change names, and the item it is judged as.

    The branch decides the item, else the first commit (or the commit message), else the pull request's title.
    If they disagree, the first of these wins and the others are findings.

    A change that names no item and touches only the plan's papers is plan upkeep. Any other change without an
    item must not touch them.

    Attributes:
        namings: the names that identify an item: branch, commits or message, title, in this order.
        required: True if the policy requires an item on this branch.
        pull_request: the change's pull request, whose title may not be known; None if it has none.
        entries: returns what the change touches, without the approvals that it files.
        trees: returns the files before the change, and those after it.
        by_agent: True if an agent makes the change, in a run or before its hook.
        adopts: True if the change brings the first authority.
        artifacts: the templates of a wave's artifacts, by the names of their contracts.
        shared: the kinds whose items share a branch, one item per commit.
        brought: the kinds whose list a branch may bring in its first commit.
        unnamed: commits that name no item, on a branch whose commits must each name one.
    """

    namings: list[Naming] = []
    required: bool = False
    pull_request: PullRequest | None = None
    entries: Callable[[], Sequence[Entry]] = tuple
    trees: Callable[[], Sequence[Tree]] = tuple
    by_agent: bool = False
    adopts: bool = False
    artifacts: Mapping[str, str] | None = None
    shared: Container[str] = ()
    brought: Container[str] = ()
    unnamed: Sequence[Commit] = ()

    @classmethod
    def of(cls, change: Change, policy: Policy) -> Work:
        """Read the work items in the names of a change: its branch, commits, message and title.

        A source of names that the change does not have is skipped. One that cannot be read is an error.

        Raises:
            MissingFact: the branch, the commits or the title cannot be read, or the templates of two kinds
                read a name equally well.
        """
        work = cls.of_policy(policy, lambda: change.paper_files)
        work.change = change
        work.entries = lambda: [one for one in change.entries if not is_filed(one, policy.log_folder)]
        work.trees = lambda: (change.start_files, change.head_files)
        work.by_agent = change.request.by_agent or change.stage in ("edit", "run")
        work.adopts = bool(policy.adopted)
        work.branch = if_applicable(lambda: change.branch.name, "")
        texts: list[tuple[str, str | None, str | None]] = [("branch", work.branch, None)]
        commits = if_applicable(lambda: [one for one in change.commits if not one.is_merge], [])
        texts += [("commit", one.message.subject, one.oid) for one in commits]
        if change.stage == "commit-msg":
            texts += [("message", one.subject, None) for one in change.messages(policy.merge)]
        work.pull_request = if_applicable(lambda: change.pull_request, None)
        texts += [("title", work.pull_request.title, None)] if work.pull_request else []
        read = (work.names.read(source, text, commit=oid) for source, text, oid in texts if text)
        work.namings = list(filter(None, read))
        required = policy.require_work_item
        name = work.branch.encode("utf-8", "surrogateescape")
        work.required = required if isinstance(required, bool) else required.matches(name) and name != b""
        if policy.declares("plan_kinds"):
            from specguard.work.changes import own_plan, shared_kinds, unnamed_commits

            several = work.shared = shared_kinds(policy)
            work.brought = [kind for kind, plan in several.items() if plan.trusted == "branch"]
            if several:
                head = change.base.head or change.git.repository.head
                base = (change.stacked_on or change.found).oid
                # What lands, or is pushed onto the base, has no branch that names its plan.
                lands = change.base.is_landing or change.base.is_branch(work.branch)
                papers, branch = change.paper_files, "" if lands else work.branch
                work.own = own_plan(policy, branch, change.git, head=head, base=base, papers=papers)
                work.unnamed = unnamed_commits(change, work)
        if policy.declares("wave_settings"):
            work.artifacts = {name: one.template for name, one in policy.declared("contracts").items()}
            of_stage = policy.declared("wave_settings").has_branch(work.branch)
            first = next((one for one in work.namings if of_stage and one.source == "branch"), None)
            # The branch of a stage, `phase-d-planning-pass-01-x`, may read as that of a slice 01.
            if first and not isinstance(work.resolve_naming(first), WorkItem):
                work.namings.remove(first)
        return work

    @property
    def naming(self) -> Naming | None:
        """The name that decides which item the change is judged as; None if no name identifies an item."""
        return self.namings[0] if self.namings else None

    @property
    def commits(self) -> list[Naming]:
        """The namings of the change's commits that name an item, oldest first."""
        return [naming for naming in self.namings if naming.source == "commit"]

    def mixed_items(self, commit: str | None) -> Sequence[str]:
        """Return WRK007's findings about a commit that works on another item, in the form of `same_as`."""
        judged = self.naming
        other = next((one for one in self.commits if one.commit == commit), None)
        if judged is None or other is None or other.same_item(judged):
            return ()
        return [f"WRK007 {one.item}" for one in self.commits if one is other or one.same_item(judged)]

    @cached_property
    def papers(self) -> Mapping[bytes, Paper]:
        """The papers of the plan that the change touches.

        Raises:
            NotApplicable: the change has no paths.
            MissingFact: the paths cannot be read.
        """
        entries = self.entries()
        found = Papers(self.kinds, self.artifacts).among([entry.path for entry in entries])
        # A pointer or an index can name a document in any place, but a script or `requirements.txt` is none.
        rest = {entry.path for entry in entries if not entry.added and is_markdown(entry.path)} - found.keys()
        for kind in [name for name, settings in self.kinds.items() if rest and not settings.source]:
            other = self.with_id(kind, "", {})
            tried = {""}
            for item_id in ids_leading_to(other, rest) if other is not None else ():
                if item_id in tried:
                    continue
                tried.add(item_id)
                item = self.with_id(kind, item_id, {})
                path = item.document if item is not None else None
                if path in rest:
                    rest.discard(path)
                    found[path] = Paper(kind, "document", f"work.{kind}.document", "")
        return found

    @property
    def is_upkeep(self) -> bool:
        """True if the change is plan upkeep: it names no item, and touches only the plan's papers.

        Only the paths decide this, and an agent's change is never upkeep. Beside a first authority, it
        may touch other files too.

        Raises:
            NotApplicable: the change has no paths.
            MissingFact: the paths cannot be read, or the title that could name an item is not known.
        """
        if self.naming is not None or self.by_agent or not self.papers:
            return False
        if not self.adopts and any(entry.path not in self.papers for entry in self.entries()):
            return False
        self.require_title()
        return True

    def require_title(self) -> None:
        """Raise an error if there is a pull request whose title is not known.

        Raises:
            MissingFact: it is not known.
        """
        if self.pull_request:
            self.pull_request.require("title")

    @property
    def label(self) -> str:
        """The description of the change in messages."""
        if self.naming is not None:
            return f"the change for {self.naming.item}"
        what = "an agent's change" if self.by_agent else "a change of more than the plan's papers"
        return f"{what} that names no work item"

    def papers_of(self, entries: Sequence[Entry], roles: Collection[str]) -> list[tuple[Entry, Paper]]:
        """Return the entries that are papers of the plan in one of these roles.

        Raises:
            NotApplicable: the change names no work item, and touches no such paper or is plan upkeep.
            MissingFact: it is not known if the change names an item.
        """
        known = {path: paper for path, paper in self.papers.items() if paper.role in roles}
        found = [(entry, known[entry.path]) for entry in entries if entry.path in known]
        if self.naming is None and not found:
            raise NotApplicable("the change names no work item, and touches no such paper of the plan")
        if found and self.is_upkeep:
            raise NotApplicable("the change is plan upkeep")
        return found

    def alterations(self) -> Iterator[Alteration]:
        """Yield the changes to open items; see `specguard.work.changes`.

        Of a change for an item, only an index can alter other items here.

        Raises:
            NotApplicable: the change has no paths.
            MissingFact: a file cannot be read, or the title that could name an item is not known.
        """
        if not self.papers or (self.by_agent and self.naming is None):
            return
        from specguard.work.changes import alterations

        # Unless the change is upkeep, other rules report pointers and documents whatever they contain.
        roles = ["index"] if self.naming else ["list"]
        if self.is_upkeep:
            roles += ["pointer", "document", "index"]
        papers = {path: paper for path, paper in self.papers.items() if paper.role in roles}
        if papers:
            yield from alterations(self, papers, *self.trees())

    @property
    def item(self) -> WorkItem:
        """The work item that the change implements.

        Raises:
            NotApplicable: the change does not name an item.
            MissingFact: the item cannot be resolved, which WRK001 explains, or the trusted base cannot be
                read.
        """
        return self._require_item(self.named(), self.resolved)

    @property
    def each(self) -> Sequence[tuple[Naming, WorkItem | Unresolved]]:
        """Every item that the change implements, with its naming; several if the items share a branch.

        Raises:
            NotApplicable: the change does not name an item.
            MissingFact: the trusted base cannot be read.
        """
        first = self.named()
        found = [(first, self.resolved)]
        for naming in self.commits if first.kind in self.shared else ():
            if not any(naming.same_item(other) for other, _ in found):
                found.append((naming, self.resolve_naming(naming)))
        return found

    def item_of(self, commit: str | None, *, each: bool = False) -> WorkItem | None:
        """Return the item that a commit or an uncommitted message must fit; None if a commit names no item.

        Args:
            commit: the commit's full object id; None for an uncommitted message.
            each: True if each commit has an item of its own, also of a kind without shared branches.

        Raises:
            NotApplicable, MissingFact: as for `item`.
        """
        item = self.item
        if commit is None or not (each or item.kind in self.shared):
            return item
        named = next((naming for naming in self.commits if naming.commit == commit), None)
        return None if named is None else self._require_item(named, self.resolve_naming(named))

    def gates_of(
        self, naming: Naming, commit: Commit, origins: Mapping[str, Origin]
    ) -> tuple[Sequence[PlannedGate], MissingFact | None]:
        """Return the gates that a commit needs, and the error if its item cannot be resolved.

        Without the item, only the gates of its kind are known.
        """
        from specguard.work import gates

        item = self.resolve_naming(naming)
        if isinstance(item, Unresolved):
            # The gates of the item's kind are known anyway.
            missing: MissingFact | None = self.missing(naming, item)
            own = gates.gates_of_kind(naming.kind, self.kinds[naming.kind], origins)
            planned: Sequence[PlannedGate] = gates.merge_gates(own)
        else:
            missing, planned = None, gates.gates_of(item, origins).gates
        entries = commit.diffs[0] if commit.diffs else ()
        judging = (gate for gate in planned if gate.kind == "gate")
        return [gate for gate in judging if not gate.select(entries).skipped], missing

    def missing(self, naming: Naming, why: Unresolved) -> MissingFact:
        """Return the error for rules that need an unresolved item; WRK001 has the finding."""
        problem = f"{naming.label} names {naming.item}, which cannot be resolved: {why.problem}"
        return MissingFact(problem, code="item-unready")

    def _require_item(self, naming: Naming, found: WorkItem | Unresolved) -> WorkItem:
        if isinstance(found, Unresolved):
            raise self.missing(naming, found)
        return found

    def named(self) -> Naming:
        """Return the name that identifies the item.

        Raises:
            NotApplicable: the change names no item.
            MissingFact: the title is not known, and the other names identify no item.
        """
        if self.naming is None:
            self.require_title()
            raise NotApplicable("the change names no work item")
        return self.naming

    @cached_property
    def resolved(self) -> WorkItem | Unresolved:
        """The item in the trusted base, or the reason why it cannot be resolved.

        Raises:
            NotApplicable: the change does not name an item.
            MissingFact: the trusted base cannot be read.
        """
        return self.resolve_naming(self.named())

    @property
    def branches(self) -> list[str]:
        """For each kind whose branches identify items, the current item's branch; the template if unknown.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        kinds = [kind for kind, one in self.kinds.items() if Template(one.branch).names & ID_FIELDS]
        names = [self.branch_of_current(kind) or self.kinds[kind].branch for kind in kinds]
        return list(dict.fromkeys(names))

    @property
    def subjects(self) -> list[str]:
        """The commit templates of the kinds whose branches do not identify an item."""
        listed = [one for one in self.kinds.values() if not Template(one.branch).names & ID_FIELDS]
        return [one.commit for one in listed if one.commit]


def _read_fields(item: WorkItem) -> dict[str, str]:
    """Return the placeholders that a kind's `fields` find in the pointer of an item.

    If the pointer names another item, a field with paths by number is read only from those paths. Its other
    paths are about the item that the pointer names.
    """
    found: dict[str, str] = {}
    pointer, number = item.pointer, item.own.get("number", "")
    same_number = item.number is not None and item.number == pointer.number
    current = same_number or normal_id(item.id) == normal_id(pointer.id)
    spellings = [number, *(number.zfill(width) for width in (2, 3) if len(number) < width)]
    for name in item.settings.fields:
        alternatives = item.settings.paths_of(name)
        keyed = [path for path in alternatives if "{" in path]
        for path in alternatives if current or not keyed else keyed:
            for number in spellings:
                place = Template(path).fill({**item.own, "number": number})
                if place and (value := text_at(pointer.data, place)) is not None:
                    found.setdefault(name, value)
    return found


def _missing_field(item: WorkItem) -> str:
    """Return a missing pointer field if no place of the document can be rendered; empty if one can."""
    settings, unknown = item.settings, ""
    for template in [*settings.document, *settings.index, *settings.legacy]:
        missing = sorted(Template(template).names - item.fields.keys())
        if not missing:
            return ""
        unknown = unknown or next((name for name in missing if name in settings.fields), "")
    return unknown


def _lacking(item: WorkItem, name: str) -> Unresolved:
    """Return the reason why an item is not resolved if a placeholder of its names has no value."""
    settings, pointer = item.settings, item.pointer
    places = [*settings.paths_of(name), *(["title"] if name == "slug" and settings.source else [])]
    filled = " or ".join(repr(path.replace("{number}", item.id)) for path in places)
    problem = f"its names have {{{name}}}, for which neither this name nor the base has a value"
    if pointer.path:
        problem = f"{path_text(pointer.path)} has no {filled} for {item.kind} {item.id}"
    # A slug can come from the document's name, too.
    if name == "slug" and (found := item.located).problem:
        problem += f", and {found.problem}"
        pointer = pointer.with_values(tried=[*pointer.tried, *found.tried, *found.near_misses])
    return Unresolved(problem, pointer)
