"""Work items and changes: alterations of open items, landed items, and branches that hold several items.

The plan is read from the base. If the base has none, the plan comes from the branch's first commit, provided
that this commit contains nothing else. So later commits of the branch cannot alter the plan that they are
judged by.
"""

from __future__ import annotations

import re

from specguard.change.entries import strip_pull_number
from specguard.change.repository import PastCommit
from specguard.change.tree import Documents, Tree
from specguard.documents.data import as_text
from specguard.errors import if_applicable
from specguard.model import TYPE_CHECKING, Record, cached_method, folders_of, path_text
from specguard.work.document_search import read_text
from specguard.work.item import Paper, Papers, listed_paths
from specguard.work.item_lists import Listed, Source, Sources, match_items
from specguard.work.kinds import Names, Naming, PlanKind, WorkKind, identity, normal_id
from specguard.work.name_templates import Template
from specguard.work.named_items import Work, WorkItems

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from typing import Final, TypeAlias

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.entries import Commit, Entry
    from specguard.change.git import Git, History

    _Stated: TypeAlias = tuple[Sequence[str], int | None]
    """The elements that are stated, as texts, and the line."""


_BINDING: Final = ("files", "expected_files", "scope", "gates", "verify")
"""The fields of an entry in a list that bind whoever does the item."""


class Alteration(Record):
    """One alteration of an open work item.

    Attributes:
        kind: the name of the item's kind.
        item: the item, as messages name it.
        what: the altered part, such as `scope`.
        old, new: the values before and after, each element as a text; empty if the part is missing.
        path: the paper that states the value.
        line: the line after the change, from 1; None if unknown.
        is_open: False for an item that is done.
    """

    kind: str
    item: str
    what: str
    old: Sequence[str]
    new: Sequence[str]
    path: bytes
    line: int | None = None
    is_open: bool = True


def alterations(work: Work, papers: Mapping[bytes, Paper], before: Tree, after: Tree) -> Iterator[Alteration]:
    """Yield the changes to items that are open in the trusted base.

    If the kind has a pointer, the current item and all later ones are open. In a list, an item is open if its
    status does not close it.

    Args:
        work: the work items of the change.
        papers: the papers to compare.
        before: the files before the change.
        after: the files after the change.

    Raises:
        MissingFact: a file cannot be read.
    """
    moves: dict[tuple[str, ...], Alteration] = {}
    sources = Sources(work.kinds, documents=Documents(before), passes=work.passes)
    for path, paper in papers.items():
        if paper.role == "document":
            yield from _document_changes(work, paper.kind, path, before, after)
        elif paper.role == "list":
            yield from _list_changes(sources, paper.kind, path, after)
        elif paper.role in ("pointer", "index"):
            for one in _document_moves(work, paper.kind, path, before, after):
                moves.setdefault((one.kind, *one.old, *one.new), one)
    yield from moves.values()


def _document_changes(work: Work, name: str, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    kind, pointer = work.kinds[name], work.pointer(name)
    read = (template.read(path) for template in kind.path_templates)
    item_id, number = identity(next((fields for fields in read if fields is not None), {}))
    if number is not None and pointer.number is not None and number < pointer.number:
        return
    item = f"{name} {item_id}" if item_id else f"a {name}"
    old, new = read_text(before, path), read_text(after, path)
    if old is not None and new is not None:
        yield from _differences(name, item, path, _read_statements(kind, old), _read_statements(kind, new))
    elif old is not None:
        yield Alteration(kind=name, item=item, what="document", old=[path_text(path)], new=[], path=path)


def _differences(
    kind: str, item: str, path: bytes, old_values: Mapping[str, _Stated], new_values: Mapping[str, _Stated]
) -> Iterator[Alteration]:
    """Yield the differences between the old and the new statements of an item."""
    for what, (old, _) in old_values.items():
        new, line = new_values[what]
        if old != new:
            yield Alteration(kind=kind, item=item, what=what, old=old, new=new, path=path, line=line)


def _read_statements(kind: WorkKind, text: str) -> Mapping[str, _Stated]:
    """Return the scope and gates that a document states, each with its first line."""
    from specguard.work.document_gates import read_gates

    scope = [] if kind.scope else listed_paths(text, kind.scope_sections)
    gates = read_gates(text, kind.gate_sections, "").gates
    paths = ["not " * (ask.how == "excluded") + ask.path for ask in scope if ask.path]
    return {
        "scope": (paths, scope[0].line if scope else None),
        "gates": ([gate.run for gate in gates], gates[0].line if gates else None),
    }


def _list_changes(sources: Sources, name: str, path: bytes, after: Tree) -> Iterator[Alteration]:
    kind, passes = sources.kinds[name], sources.passes
    lists = [one.path for one in sources.of(name)] if passes.roots else []
    over = passes.superseded([] if path in lists else [path, *lists])
    if not over.isdisjoint(folders_of(path)):
        return
    # The list of a new pass replaces that of the pass before it.
    earlier = next((one for one in lists if not over.isdisjoint(folders_of(one))), path)
    was = Source(name, kind, earlier, path_fields={}, documents=sources.documents)
    now = Source(name, kind, path, path_fields={}, documents=Documents(after))
    left = ["unreadable"] if now.data.problem and now.documents.data(path) else []
    for listed in was.items:
        later = now.by_id.get(normal_id(listed.id), listed if listed.closed else None)
        if later is None:
            yield Alteration(kind=name, item=str(listed), what="entry", old=[listed.id], new=left, path=path)
            continue
        # Anyone may change the files of an item that is done, and any change those of one that is put off.
        freed = (later.deferred, not later.closed) > (listed.deferred, not listed.closed)
        settled = () if listed.closed else _BINDING
        keys = (*_BINDING, "status") if freed and kind.upkeep == "approvers" else settled
        old, new = ({key: (_read_texts(one, key), one.line) for key in keys} for one in (listed, later))
        yield from _differences(name, str(listed), path, old, new)


def _read_texts(listed: Listed, name: str) -> Sequence[str]:
    value = listed.get(name)
    return [] if value is None else [as_text(one) for one in (value if isinstance(value, list) else [value])]


def _document_moves(work: Work, name: str, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    """Yield moves of documents by a pointer or index, and a pointer that is unreadable or goes back."""
    from specguard.work.stated_paths import differing_words

    earlier, later = WorkItems(work.kinds, lambda: before), WorkItems(work.kinds, lambda: after)
    current, pointer, places = work.pointer(name), later.pointer(name), Papers(work.kinds)
    unread = f"unreadable: {pointer.problem}" if pointer.path and pointer.problem else ""
    # Anyone may change the scope of an item that is done: to go back makes it the next again.
    back = work.kinds[name].upkeep == "approvers" and (pointer.number or 0) < (current.number or 0)
    if current.number is not None and (unread or back):
        yield Alteration(name, f"{name} {current.id}", "number", [current.id], [unread or pointer.id], path)
    read = (Documents(tree).data(path) for tree in (before, after))
    texts = set.symmetric_difference(*(set(data.texts() if data else ()) for data in read))
    keys = {pointer.id, *(str(key) for place, _ in texts for key in place)}
    # Any key of a text that changes, or word of a row that does, may be an id.
    words = differing_words(name, *(read_text(tree, path) or "" for tree in (before, after)))
    for item_id in sorted(keys | words):
        was, now = earlier.with_id(name, item_id, {}), later.with_id(name, item_id, {})
        old, new = (None if one is None else one.document for one in (was, now))
        if now is None or old == new:
            continue
        is_open = (now.number or 0) >= (current.number or 0)
        # Once a file is a paper of the plan, any upkeep may change it.
        taken = new and before.has_file(new) and not (work.naming or places.among([new]))
        moved = old and is_open and not (work.naming and work.item.owns(old))
        if moved or (taken and (item_id in keys or now.number is not None)):
            was_shown, shown = ([path_text(one)] if one else [] for one in (old, new))
            yield Alteration(name, str(now), "document", was_shown, shown, path, is_open=is_open)


_REVERT: Final = re.compile(r'(?P<how>Revert|Reapply) "(?P<what>.*)"')
_REVERTS: Final = re.compile(r"(?m)^This reverts commit (\w{7,})(?:, reversing\s+changes made to (\w{7,}))?")


class _Revert(Record):
    """A commit that says it takes another one back.

    Attributes:
        oid: its object id.
        of: the beginning of the object id that it names, or `-`.
        what: the subject that it names, or the item of that subject.
        before: the parent that it names, if it takes back a merge.
    """

    oid: str
    of: str
    what: object
    before: str


def unreverted(
    commits: Iterable[PastCommit], names: Names, history: History | None = None
) -> Iterator[tuple[PastCommit, Naming]]:
    """Yield the commits that name an item exactly and are not reverted, each with its naming.

    Args:
        commits: newest first.
        names: the templates of all kinds.
        history: knows the files and merges of reverts; None: only their subjects count.
    """
    taken_back: set[str] = set()
    undone: list[_Revert] = []

    def key(subject: str) -> object:
        naming = names.read("commit", subject, lenient=False)
        return (naming.kind, naming.fields) if naming else strip_pull_number(subject)

    for commit in commits:
        if commit.oid in taken_back:
            continue
        # What was there before a merge is not taken back with it.
        undone = [one for one in undone if not (one.before and commit.oid.startswith(one.before))]
        own = key(commit.subject) if undone else None
        # A revert names the commit by its object id, or else by its subject or its pull request's title.
        by = [one for one in undone if one.what == own or commit.oid.startswith(one.of)]
        # A message alone takes nothing back.
        by = [one for one in by if history is None or history.takes_back(one.oid, commit.oid)]
        if by:
            # The revert of a merge takes back the merge and each commit that it brought.
            if not by[0].before:
                undone.remove(by[0])
            continue
        if revert := _REVERT.fullmatch(strip_pull_number(commit.subject)):
            what = f'Revert "{revert["what"]}"' if revert["how"] == "Reapply" else revert["what"]
            named = _REVERTS.search(commit.message)
            oid, before = (named[1], named[2] or "") if named else ("-", "")
            undone.append(_Revert(commit.oid, oid, key(what), before))
            taken_back.update(history.added_by(oid, before, commit.oid) if history and before else ())
        elif naming := names.read("commit", commit.subject, lenient=False):
            yield commit, naming


class LandedItems(Record):
    """A predicate: True for a listed item that a commit of the history did.

    Such a commit names the item in its subject and changes one of the item's files. If the item has no files,
    the subject is enough.

    Attributes:
        sources: the files that list the items.
        names: the templates of all kinds.
        history: the history of the trusted base.
        commits: returns the change's own commits, oldest first.
    """

    sources: Sources
    names: Names
    history: History
    commits: Callable[[], Sequence[Commit]]

    def __call__(self, listed: Listed) -> bool:
        """Return True if a commit shows that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        return (listed.source.path, listed.id) in self._landed_of(listed.source.kind)

    @cached_method
    def _landed_of(self, kind: str) -> set[tuple[bytes, str]]:
        """Return the landed items of a kind, each as the path of its list and its id."""
        words = self.names.literals(kind)
        if not words:
            return set()
        own = [PastCommit(commit.oid, commit.message.text) for commit in reversed(self.commits())]
        named: list[tuple[PastCommit, Listed]] = []
        for commit, naming in unreverted([*own, *self.history.mentioning(words)], self.names, self.history):
            if naming.kind == kind:
                found = match_items(self.sources.of(kind), naming.id, naming.fields)
                # A subject that fits items of several lists is no evidence for any of them.
                if len(found) == 1:
                    named.append((commit, found[0]))
        changed = self.history.changed_by([commit for commit, item in named if item.files])
        # An item without files needs only the subject.
        items = (one for _, one in named if not one.files or one.scope.among([e.path for e in next(changed)]))
        return {(item.source.path, item.id) for item in items}


class DoneEvidence(Record):
    """A predicate: True if a commit or a run, besides its status, shows that a listed item was done.

    If the item's kind has a template for subjects, subjects attribute commits to items. Otherwise a commit
    belongs to an item if it changes the item's files after the item was listed.

    Attributes:
        sources: the files that list the items.
        kinds: the kinds to check; items of other kinds count as shown, since other rules check them.
        history: the history of the judged head.
        run_shows: returns True if a run shows it.
    """

    sources: Sources
    kinds: Container[str]
    history: History
    run_shows: Callable[[Listed], bool]

    def __call__(self, listed: Listed) -> bool:
        """Return True if a commit or a run shows that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        settings = listed.source.settings
        if listed.source.kind not in self.kinds:
            return True
        if settings.commit or settings.pull_request:
            # A run is asked last: the report counts each item that only a run shows.
            return self.sources.landed(listed) or self.run_shows(listed)
        changed = listed.scope.among([entry.path for entry in self._changes_since(listed)])
        return bool(changed) or self.run_shows(listed)

    def _changes_since(self, listed: Listed) -> Sequence[Entry]:
        """Return the entries changed since the first list of the item's wave that contains it."""
        own, by = listed.source, self.sources.passes.by
        known = Sources({own.kind: own.settings}, documents=own.documents)
        same = [one for one in known.all if all(one.fields.get(name) == own.fields.get(name) for name in by)]
        paths = [one.path for one in same if normal_id(listed.id) in one.by_id]
        return self.history.changed_since(tuple(paths))


class OwnPlan(Record):
    """The plan that a branch's first commit adds, because the base has none at that path.

    Attributes:
        path: the file that lists the tasks.
        fields: the placeholders that the path fills.
        commit: the full object id of that commit.
        documents: the documents of that commit.
    """

    path: bytes
    fields: Mapping[str, str]
    commit: str
    documents: Documents

    @property
    def note(self) -> str:
        """The note about the plan for a verdict or the record of a run."""
        return (
            f"The plan {path_text(self.path)} is the change's own: the base has none, and commit "
            f"{self.commit[:10]} brings it."
        )


def task_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """Return the kinds of work items that plans list, each with its kind of plan."""
    if not policy.declares("plan_kinds"):
        return {}
    plans: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    pairs = ((name, kind, plan) for name, kind in kinds.items() for plan in plans.values())
    return {name: plan for name, kind, plan in pairs if plan.task_file.text in kind.sources}


def shared_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """Return the task kinds whose items share a branch, one item per commit."""
    return {name: plan for name, plan in task_kinds(policy).items() if plan.unit == "commit"}


def own_plan(
    policy: Policy, branch: str, git: Git, *, head: str | None, base: str | None, papers: Tree
) -> OwnPlan | None:
    """Return the plan that a branch's first commit adds, if the policy trusts such a plan.

    Args:
        policy: the base's policy.
        branch: the branch's name; empty for what lands: then any plan counts.
        git: reads the commits.
        head: the branch's commit.
        base: the tip of the trusted base, or of the branch that this branch is stacked on.
        papers: the files that lists of items are read from.

    Returns:
        None if `papers` already has the plan, or the first commit does not add it or changes other paths.

    Raises:
        MissingFact: a commit or a tree is missing.
    """
    for name, plan in shared_kinds(policy).items():
        known = Template(policy.declared("work_kinds")[name].branch).read(branch) if branch else None
        exact = plan.task_file.exact_path(known) if known else None
        if plan.trusted != "branch" or (branch and (exact is None or papers.find(exact) is not None)):
            continue
        first = _first_commit(git, head, base) if head and base and head != base else None
        if first is None:
            continue
        commit = git.commit(first)
        added = [entry.path for entry in git.diff_trees(commit.parents[0], first)]
        for path in added:
            fields, folder = plan.task_file.read(path), path.removesuffix(plan.plan.encode("utf-8"))
            if fields is None or exact not in (None, path) or papers.find(path) is not None:
                continue
            tree = Tree(git, commit.tree)
            if tree.has_file(path) and all(one.startswith(folder) for one in added):
                return OwnPlan(path, fields, commit.oid, Documents(tree))
    return None


def unnamed_commits(change: Change, work: Work) -> Sequence[Commit]:
    """Return the commits that name no item, on a branch that holds several items.

    Merges are left out, since CMT004 reports what a merge itself changes. The commit that adds the branch's
    plan is left out too.

    Raises:
        MissingFact: the commits cannot be read.
    """
    branches = filter(None, (kind.branch for name, kind in work.kinds.items() if name in work.shared))
    if not any(Template(branch).read(work.branch) is not None for branch in branches):
        return []
    commits = if_applicable(lambda: change.commits, ())
    known = {naming.commit for naming in work.namings} | ({work.own.commit} if work.own else set())
    return [commit for commit in commits if commit.oid not in known and not commit.is_merge]


def _first_commit(git: Git, head: str, base: str) -> str | None:
    """Return a branch's first commit that is not in the base, along first parents.

    Of a merge that lands the branch, the first parent is in the base, and the second one is the branch. None
    without such a commit, or for a root or another merge.
    """
    own_commits = set(git.revisions(head, base))
    first, parents = head if head in own_commits else None, git.commit(head).parents
    while inside := [one for one in parents if one in own_commits]:
        first = inside[0]
        parents = git.commit(first).parents
    return first if len(parents) == 1 else None
