"""Work items and changes: what is altered of open items, what has landed, branches that hold several.

The plan is the base's. Where the base has none, it is that of the branch's first commit, as long as this has
nothing else in it: later commits of the branch cannot alter what they are held to.
"""

from __future__ import annotations

import re
from contextlib import suppress

from specguard.change.repository import PastCommit
from specguard.change.tree import Documents, Tree
from specguard.declaration.rule import Record
from specguard.documents.data import written
from specguard.errors import if_applicable
from specguard.model import path_text
from specguard.work.document_search import read_text
from specguard.work.item import Paper, WorkItem, listed_paths
from specguard.work.item_lists import Listed, Source, Sources, meant
from specguard.work.kinds import Names, Naming, PlanKind, WorkKind, identity, normal_id, without_number
from specguard.work.name_templates import PathTemplate, Template, TemplateError
from specguard.work.named_items import Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from typing import Final, TypeAlias

    from specguard.authority.policy import Policy
    from specguard.change.entries import Commit, Entry
    from specguard.change.git import Git, History
    from specguard.change.sources import Change

    _Stated: TypeAlias = tuple[Sequence[str], int | None]
    """The elements that are stated, as texts, and the line."""


_HELD: Final = ("files", "expected_files", "scope", "gates", "verify")
"""The fields of an entry of a list to which whoever does the item is held."""


class Alteration(Record):
    """One thing that is altered.

    Attributes:
        kind: the name of the item's kind.
        item: the item, as messages name it.
        what: what is altered, such as `scope`.
        old, new: what it was and is, each element as a text; empty if it is not there.
        path: the paper that says it.
        line: its line after the change, from 1; None if that cannot be told.
    """

    kind: str
    item: str
    what: str
    old: Sequence[str]
    new: Sequence[str]
    path: bytes
    line: int | None = None


def alterations(work: Work, papers: Mapping[bytes, Paper], before: Tree, after: Tree) -> Iterator[Alteration]:
    """The changes to items that are open in the trusted base.

    Of a kind with a pointer those are open that do not come before the current one, of a list those whose
    status does not say that they are done with.

    Args:
        work: the change's.
        papers: those of its papers that are looked at.
        before: the files before the change.
        after: those after it.

    Raises:
        MissingFact: a file cannot be read.
    """
    for path, paper in papers.items():
        kind = work.kinds[paper.kind]
        if paper.role == "document":
            yield from _of_document(work, paper.kind, path, before, after)
        elif paper.role == "list":
            yield from _of_list(paper.kind, kind, path, before, after)
    for name in {paper.kind: None for paper in papers.values() if paper.role in ("pointer", "index")}:
        yield from _of_place(work, name, before, after)


def _of_document(work: Work, name: str, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    kind, pointer = work.kinds[name], work.pointer(name)
    item_id, number = identity(_fields(kind, path))
    if number is not None and pointer.number is not None and number < pointer.number:
        return
    item = f"{name} {item_id}" if item_id else f"a {name}"
    old, new = read_text(before, path), read_text(after, path)
    if old is None:
        return
    if new is None:
        yield Alteration(kind=name, item=item, what="document", old=[path_text(path)], new=[], path=path)
        return
    yield from _differing(name, item, path, _said(kind, old), _said(kind, new))


def _differing(
    kind: str, item: str, path: bytes, were: Mapping[str, _Stated], are: Mapping[str, _Stated]
) -> Iterator[Alteration]:
    """The differences between what an item stated and what it states."""
    for what, (old, _) in were.items():
        new, line = are[what]
        if old != new:
            yield Alteration(kind=kind, item=item, what=what, old=old, new=new, path=path, line=line)


def _fields(kind: WorkKind, path: bytes) -> Mapping[str, str]:
    """The fields of an item in the path of its document."""
    for text in [*kind.document, *kind.legacy]:
        with suppress(TemplateError):
            fields = PathTemplate(text).read(path) if Template(text).names & {"id", "number"} else None
            if fields is not None:
                return fields
    return {}


def _said(kind: WorkKind, text: str) -> Mapping[str, _Stated]:
    """The scope and gates that a document states, each with its first line."""
    from specguard.work.gates import read_gates

    scope = [] if kind.scope else listed_paths(text, kind.scope_sections)
    gates = read_gates(text, kind.gate_sections, "").gates
    return {
        "scope": ([ask.path for ask in scope if ask.path], scope[0].line if scope else None),
        "gates": ([gate.run for gate in gates], gates[0].line if gates else None),
    }


def _of_list(name: str, kind: WorkKind, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    now = {normal_id(listed.id): listed for listed in _items(name, kind, path, after)}
    for listed in _items(name, kind, path, before):
        if listed.closed:
            continue
        same = now.get(normal_id(listed.id))
        if same is None:
            yield Alteration(kind=name, item=str(listed), what="entry", old=[listed.id], new=[], path=path)
            continue
        were, are = ({what: (_texts(one, what), one.line) for what in _HELD} for one in (listed, same))
        yield from _differing(name, str(listed), path, were, are)


def _items(name: str, kind: WorkKind, path: bytes, tree: Tree) -> Sequence[Listed]:
    return Source(name, kind, path, given={}, documents=Documents(tree)).items


def _texts(listed: Listed, name: str) -> Sequence[str]:
    value = listed.get(name)
    return [] if value is None else [written(one) for one in (value if isinstance(value, list) else [value])]


def _of_place(work: Work, name: str, before: Tree, after: Tree) -> Iterator[Alteration]:
    """The document of the current item, where pointer or index now lead to another one."""
    then = Work(work.kinds, [], tree=lambda: before)
    now = Work(work.kinds, [], tree=lambda: after)
    current = now.current(name)
    if not isinstance(current, WorkItem):
        return
    earlier = then.resolve(name, current.id, current.number, {})
    old = earlier.document if isinstance(earlier, WorkItem) else None
    new = current.document
    if old is not None and old != new:
        path = work.pointer(name).path or old
        shown = [] if new is None else [path_text(new)]
        was = [path_text(old)]
        yield Alteration(kind=name, item=str(current), what="document", old=was, new=shown, path=path)


_REVERT: Final = re.compile(r'(?P<how>Revert|Reapply) "(?P<what>.*)"')
_REVERTS: Final = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)


def standing(commits: Iterable[PastCommit], names: Names) -> Iterator[tuple[PastCommit, Naming]]:
    """The commits that name an item exactly and are not reverted, each with what it names.

    Args:
        commits: newest first.
        names: the templates of all kinds.
    """
    undone: list[tuple[str, str]] = []
    for commit in commits:
        subject = without_number(commit.subject)
        # A revert names the commit by its object id, or else by its subject.
        by = [one for one in undone if one[1] == subject or (one[0] and commit.oid.startswith(one[0]))]
        if by:
            undone.remove(by[0])
            continue
        revert = _REVERT.fullmatch(subject)
        if revert:
            what = f'Revert "{revert["what"]}"' if revert["how"] == "Reapply" else revert["what"]
            named = _REVERTS.search(commit.message)
            undone.append((named[1] if named else "", without_number(what)))
            continue
        naming = names.read("commit", commit.subject, lenient=False)
        if naming is not None:
            yield commit, naming


def doing(names: Names, past: Iterable[PastCommit], kind: str, ids: Container[str]) -> Iterator[str]:
    """The commits that name one of some items exactly and are not reverted.

    Args:
        names: the templates of all kinds.
        past: commits, newest first.
        kind: the kind of the items; empty: of any.
        ids: their ids, as `normal_id` gives them.
    """
    for commit, naming in standing(past, names):
        if kind in ("", naming.kind) and normal_id(naming.id) in ids:
            yield commit.oid


class Landings(Record):
    """The listed items that a commit of the history did: its subject names one, and it changes a file of it.

    Attributes:
        sources: the files that list the items.
        names: the templates of all kinds.
        history: the trusted base's.
        commits: the change's own, oldest first.
    """

    sources: Sources
    names: Names
    history: History
    commits: Callable[[], Sequence[Commit]]
    known: dict[str, frozenset[tuple[bytes, str]]] = {}

    def __call__(self, listed: Listed) -> bool:
        """True if a commit says that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        kind = listed.source.kind
        if kind not in self.known:
            self.known[kind] = frozenset(self._landed(kind))
        return (listed.source.path, listed.id) in self.known[kind]

    def _landed(self, kind: str) -> Iterator[tuple[bytes, str]]:
        words = self.names.words(kind)
        if not words:
            return
        own = [PastCommit(commit.oid, commit.message.text) for commit in reversed(self.commits())]
        for commit, naming in standing([*own, *self.history.mentioning(words)], self.names):
            if naming.kind == kind:
                found = meant(self.sources.of(kind), naming.id, naming.fields)
                # A subject that could mean an item of several lists says of none that it was done.
                if len(found) == 1 and self._does(commit, found[0]):
                    yield found[0].source.path, found[0].id

    def _does(self, commit: PastCommit, item: Listed) -> bool:
        """True if a commit changes a file of an item; of one that lists none its subject is enough."""
        scope = item.scope
        return not item.files or any(
            scope.find(entry.path) is not None for entry in self.history.changed_by(commit)
        )


class Shown(Record):
    """The test whether a commit or a run, beside its status, shows that a listed item was done.

    Where its kind has a template for subjects, these tell whose a commit is. Elsewhere a commit is the item's
    that changes its files once it is listed.

    Attributes:
        sources: the files that list the items.
        kinds: the kinds whose items are asked; others have rules of their own.
        by: the fields that tell which files list the items of one wave.
        history: that of the judged head.
        run: whether a run shows it.
    """

    sources: Sources
    kinds: Container[str]
    by: Sequence[str]
    history: History
    run: Callable[[Listed], bool]
    changed: dict[tuple[bytes, ...], Sequence[Entry]] = {}

    def __call__(self, listed: Listed) -> bool:
        """True if a commit or a run shows that an item was done.

        Raises:
            MissingFact: the history or a source cannot be read.
        """
        settings = listed.source.settings
        if listed.source.kind not in self.kinds:
            return True
        if settings.commit or settings.pull_request:
            landed = self.sources.landed(listed)
        else:
            scope = listed.scope
            landed = any(scope.find(entry.path) is not None for entry in self._since(listed))
        return landed or self.run(listed)

    def _since(self, listed: Listed) -> Sequence[Entry]:
        """The changes since the first list of its wave that has it."""
        fields = listed.source.fields
        paths = tuple(
            source.path
            for source in self.sources.of(listed.source.kind)
            if all(source.fields.get(name) == fields.get(name) for name in self.by)
            and any(item.is_named(listed.id) for item in source.items)
        )
        if paths not in self.changed:
            self.changed[paths] = self.history.changed_since(paths)
        return self.changed[paths]


class OwnPlan(Record):
    """The plan that a branch's first commit brings, since the base has none at its place.

    Attributes:
        path: the file that lists the tasks.
        folder: what the paths of the plan begin with, a slash at its end.
        commit: the full object id of that commit.
        documents: the documents of that commit.
    """

    path: bytes
    folder: bytes
    commit: str
    documents: Documents

    @property
    def note(self) -> str:
        """The note about it for a verdict or the record of a run."""
        return (
            f"The plan {path_text(self.path)} is the change's own: the base has none, and commit "
            f"{self.commit[:10]} brings it."
        )


def task_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """The kinds of work items that plans list, each with its kind of plans."""
    if not policy.declares("plan_kinds"):
        return {}
    plans: Sequence[PlanKind] = list(policy.declared("plan_kinds").values())
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    return {
        name: plan
        for name, kind in kinds.items()
        for plan in plans
        if f"{plan.folder}/{plan.plan}" in kind.sources
    }


def shared_kinds(policy: Policy) -> Mapping[str, PlanKind]:
    """Those of them of which a branch holds several, one a commit."""
    return {name: plan for name, plan in task_kinds(policy).items() if plan.unit == "commit"}


def own_plan(
    policy: Policy, branch: str, git: Git, *, head: str | None, base: str | None, papers: Tree
) -> OwnPlan | None:
    """The plan of a branch, where its first commit brings it and the policy trusts that.

    Args:
        policy: the base's.
        branch: the branch's name.
        git: where the commits are read.
        head: the branch's commit.
        base: the tip of the trusted base, or of the branch that this one stands on.
        papers: the files that lists of items are read from.

    Returns:
        None if these have the plan, the first commit does not bring it, or does anything else.

    Raises:
        MissingFact: a commit or a tree is not there.
    """
    for name, plan in shared_kinds(policy).items():
        told = Template(policy.declared("work_kinds")[name].branch).read(branch) if branch else None
        path = PathTemplate(f"{plan.folder}/{plan.plan}").plain(told) if told else None
        if path is None or plan.trusted != "branch" or papers.find(path) is not None:
            continue
        folder = path.removesuffix(plan.plan.encode("utf-8"))
        first = _first_commit(git, head, base) if head and base else None
        if first is None:
            continue
        commit = git.commit(first)
        tree = Tree(git, commit.tree)
        alone = all(entry.path.startswith(folder) for entry in git.diff_trees(commit.parents[0], first))
        found = tree.find(path)
        if alone and found is not None and found.is_file:
            return OwnPlan(path, folder, commit.oid, Documents(tree))
    return None


def unnamed_commits(
    change: Change, kinds: Sequence[WorkKind], branch: str, namings: Sequence[Naming], own: OwnPlan | None
) -> Sequence[Commit]:
    """The commits of a branch that holds several items which name none of any kind.

    Merges are left out: what one brings of its own is CMT004's finding. So is the commit that brings the
    branch's plan.

    Raises:
        MissingFact: the commits cannot be read.
    """
    if not any(kind.branch and Template(kind.branch).read(branch) is not None for kind in kinds):
        return []
    commits = if_applicable(lambda: change.commits, ())
    known = {naming.commit for naming in namings} | ({own.commit} if own else set())
    return [commit for commit in commits if commit.oid not in known and not commit.is_merge]


def _first_commit(git: Git, head: str, base: str) -> str | None:
    """The first commit of a branch on a commit of the base, along first parents; None if there is none."""
    new = set(git.revisions(head, base))
    at = head
    while at in new:
        parents = git.commit(at).parents
        below = parents[0] if parents else ""
        if below not in new:
            return at if len(parents) == 1 else None
        at = below
    return None
