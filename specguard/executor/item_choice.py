"""The work item of a run: the named one, else the current one, else the next open one.

A run can also write a document: see `specguard.plans.papers`.

The tasks of a plan share one branch, such as `pr/cart`. If a branch holds a whole plan, with one commit per
task, a run continues from the branch's tip at the canonical repository. Otherwise, the branch holds one task
at a time. If the branch remains after its task was merged, the next task moves it on.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from specguard.authority.policy import Policy
from specguard.change.base import paper_tree
from specguard.change.git import Git, History
from specguard.change.repository import short_name
from specguard.change.tree import Documents
from specguard.documents.fields import normal_name
from specguard.errors import SpecguardError, incomplete, nearest
from specguard.executor.run import RunOptions
from specguard.model import cached_method, path_text, shortened
from specguard.plans.papers import PaperItem, is_paper, paper_item, shown_path
from specguard.plans.plans import read_plan
from specguard.plans.task import Task
from specguard.runs.manifests import Repository
from specguard.work.changes import LandedItems, OwnPlan, own_plan, shared_kinds, task_kinds
from specguard.work.gates import NotRead, PlannedGate, name_of, normal_gate
from specguard.work.item import Unresolved, WorkItem, unready
from specguard.work.item_lists import Listed, Source, Sources, agree
from specguard.work.kinds import normal_id, number_of
from specguard.work.name_templates import Template
from specguard.work.named_items import WorkItems

FindTip = Callable[[str], str | None]
"""Returns the commit of a branch of the canonical repository, which is then in the object store; None if the
branch does not exist.
"""


def task_of(policy: Policy, item: WorkItem) -> Task | None:
    """Return the task that an item represents, as in the base; None if no plan of the policy lists it.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if item.listed is None:
        return None
    source = item.listed.source
    return _read_task(policy, source.path, source.documents, item.listed.id)


def task_in(policy: Policy, git: Git, commit: str, task: Task) -> Task | None:
    """Return a task as another commit contains it; None if its plan does not list it there.

    Raises:
        MissingFact: the commit or the plan cannot be read.
    """
    return _read_task(policy, task.plan.path, Documents(git.tree_at(commit)), task.id)


def _read_task(policy: Policy, path: bytes, documents: Documents, task_id: str) -> Task | None:
    """Return a task as a file lists it in one tree; None if no plan is there, or it lacks the task."""
    plan = read_plan(policy.declared("plan_kinds"), path, documents)
    return None if plan is None else plan.task(task_id)


def verify_gates(policy: Policy, item: WorkItem) -> Iterator[PlannedGate]:
    """Yield the commands that verify a task, as gates.

    Raises:
        MissingFact: the plan cannot be read.
    """
    task = task_of(policy, item)
    if task is None:
        return
    path = path_text(task.plan.path)
    for place, command in task.commands:
        line = task.line_of(*place) or 0
        yield PlannedGate(name=name_of(command), run=command, source="plan", path=path, line=line)


def listed_gates(item: WorkItem) -> Iterator[PlannedGate | NotRead]:
    """Yield an item's own `gates`, whose commands the top of its file has, and those that are not run.

    A gate of the policy is left out. Any other text may be a command or a sentence, so it is not run.
    """
    listed = item.listed
    if listed is None:
        return
    known: dict[str, list[str]] = {}
    top = listed.source.data.get("gates")
    for name, value in top.items() if isinstance(top, dict) else ():
        commands = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        known |= {normal_gate(one): [one] for one in commands} | {normal_gate(str(name)): commands}
    known |= {normal_gate(text): [] for gate in item.settings.gates for text in (gate.name, gate.run)}
    path = path_text(listed.source.path)
    for text, line in ((one.text, one.line or 0) for one in listed.stated("gates")):
        for command in known.get(normal_gate(text), ()):
            yield PlannedGate(name=name_of(text), run=command, source="document", path=path, line=line)
        if normal_gate(text) not in known:
            why = "neither the policy nor `gates: {NAME: [COMMAND]}` at the top of this file has that gate"
            yield NotRead(line, text, nearest(normal_gate(text), known, why), path)


def check_kill(policy: Policy, gates: Iterable[PlannedGate]) -> None:
    """Check that gates do not end processes by name, if a rule of the policy forbids that.

    The policy's own gates are left to that rule, whose findings may be approved.

    Raises:
        SpecguardError: a gate does.
    """
    rule = policy.active_rule("process-kill-by-name")
    if rule is None or rule.severity != "error":
        return
    check: Any = rule.load()
    for gate in gates:
        excluded = rule.exclude and rule.exclude.matches(os.fsencode(gate.path))
        part = "" if excluded or gate.source == "policy" else check.killing_part(gate.run)
        if part:
            why = f"`{shortened(part, 80)}` ends processes by name, whoever started them"
            help = 'have it end the process that it started, by its id: `server & pid=$!`, `kill "$pid"`'
            raise unready(f"{why}: the gate {gate.name!r} of {gate.named}", help)


def item_taken(message: str, help: str) -> SpecguardError:
    """Return the error for an item that may not be worked on, for example because another run has it."""
    return SpecguardError(message, help=help, code="item-taken")


def _run_command(kind: str, item_id: str, source: Source | None) -> str:
    """Return the command that runs an item of a list, or the next one, for an agent to be added."""
    plan = ["--plan", path_text(source.path)] if source is not None else []
    return shlex.join(["specguard", "run", kind, *filter(None, [item_id]), *plan]) + " -- ..."


def shares_branch(policy: Policy, item: WorkItem) -> bool:
    """True if an item's branch may hold other items, too, with a commit for each.

    Raises:
        MissingFact: the plan cannot be read.
    """
    if isinstance(item, PaperItem):
        return True
    task = task_of(policy, item)
    return task is not None and task.plan.settings.unit == "commit"


def switch_command(branch: str, remote: str, *, new: bool = False) -> str:
    """Return the command with which the user checks out a branch as a remote has it.

    Args:
        branch: its name.
        remote: the remote; empty if there is none.
        new: True if the user's repository has no such branch.
    """
    name, of = shlex.quote(branch), shlex.quote(remote)
    if not remote:
        return f"git switch {name}"
    # The clone of a single branch fetches no other one into its remote-tracking branch by itself.
    fetch = f"git fetch {of} +refs/heads/{name}:refs/remotes/{of}/{name}"
    if new:
        return f"{fetch} && git switch -c {name} {of}/{name}"
    # A user who planned or checked out an earlier item has the branch already.
    return f"{fetch} && git switch {name} && git merge --ff-only {of}/{name}"


class Start:
    """The start of a run: its base, and the item there.

    Args:
        git: reads the user's repository.
        options: the options of the run.
        pinned: the base, and the branch below the item's, whose papers count if the base has none. The
            commit of the item's own branch is added.
        find_tip: returns the commits of branches of the canonical repository.

    Attributes:
        policy: the policy of the base, which judges the run.
        documents: the documents at the start.
        history: the commits up to the start.
        work: the work items at the start.
        item: the item; it has a branch, a commit subject, and a document if its kind requires one.

    Raises:
        SpecguardError: the base has no policy; or the item is missing (the message lists all attempts), is
            done, or waits for another.
        MissingFact: the base cannot be read.
    """

    def __init__(self, git: Git, options: RunOptions, pinned: Repository, find_tip: FindTip) -> None:
        self.options = options
        self.pinned = pinned
        oid, below_oid = pinned.base_oid, pinned.below_oid
        self.policy = policy = options.trusted_policy(git, pinned.base, oid)
        self._git = git
        self._find_tip = find_tip
        tree = paper_tree(git, oid, below_oid) if below_oid else git.tree_at(oid)
        self.documents = Documents(tree)
        self.history = History(git, oid, below_oid)
        self.work = WorkItems.of_policy(policy, lambda: tree)
        self.item = self._find_item()
        self._pin_branch()

    def _pin_branch(self) -> None:
        """Add the commit of the item's branch, if the run may go on from it, or the base contains it."""
        shared = shares_branch(self.policy, self.item)
        if shared or task_of(self.policy, self.item) is not None:
            oid = self._find_tip(self.item.branches[0])
            is_merged = oid is not None and self._git.is_ancestor(oid, self.pinned.base_oid)
            if shared or is_merged:
                self.pinned.branch_oid, self.pinned.tip = oid, None if is_merged else oid

    def _find_item(self) -> WorkItem:
        kind = self.options.kind
        if is_paper(self.policy, kind):
            return paper_item(self.policy, self.documents.tree, kind, self.options.plan, self.options.item)
        if kind not in self.work.kinds:
            described = ", ".join(self.work.kinds)
            help = f"it describes {described}; name one before an item, or " if described else ""
            help += "add a table [work.<kind>]"
            raise incomplete(f"the policy describes no {kind}", nearest(kind, self.work.kinds, help))
        found = self._find_listed(kind) if self.work.kinds[kind].source else self._find_pointed(kind)
        if isinstance(found, Unresolved):
            tried = "; ".join(map(str, found.pointer.tried)) or "no pointer"
            suffix = "" if tried == found.problem else f" (tried: {tried})"
            message = f"no {kind} can be determined: {found.problem}{suffix}"
            raise unready(message, self._plan_help(kind), found.pointer.path, found.pointer.line)
        self._check_startable(found)
        return found

    def _plan_help(self, kind: str, *, done: bool = False) -> str:
        """Return help on the places of an item's plan; `done` says that nothing is left in the base's."""
        if done:
            help = "nothing is left to do there: have its branch merged or its list extended"
            return help if self.options.plan else f"{help}, or give --plan"
        plan = shared_kinds(self.policy).get(kind)
        if plan is None or plan.trusted != "branch":
            return "have its list or pointer written or corrected in the base, by a change of its own"
        branch = shown_path(self.work.kinds[kind].branch, self._plan_fields(kind))
        begun = f"merge the plan, or begin its branch ({branch}) with a commit of only its folder"
        return f"{begun}, pushed if there is a remote{'' if self.options.plan else '; or give --plan'}"

    def _find_pointed(self, kind: str) -> WorkItem | Unresolved:
        item_id, pointer = self.options.item, self.work.kinds[kind].pointer
        if self.options.plan:
            message = f"--plan does not go with {kind}, whose items are in no list"
            raise SpecguardError(message, help="leave it out, or set `source` of the kind", code="usage")
        if item_id:
            # A resumed run has its branch: the id that a slug gave names no item.
            named = self.work.names.read("branch", self.options.branch or item_id)
            if named and named.kind == kind:
                return self.work.resolve_naming(named)
            template = Template(self.work.kinds[kind].branch)
            if "id" in template.names or (item_id.isascii() and item_id.isdigit()):
                return self.work.resolve(kind, item_id, number_of(item_id), {})
            help = f"name it by its number or branch ({template.text}); an agent's command goes behind `--`: "
            help += f"specguard run {kind} -- {shlex.quote(item_id)} ..."
            raise unready(f"{item_id!r} names no {kind}", help)
        if not pointer:
            raise incomplete(f"no pointer names the current {kind}", f"name it behind its kind: {kind} ID")
        return self.work.current(kind)

    def _find_listed(self, kind: str) -> WorkItem | Unresolved:
        """Return an item of a list: the named one, else the first one that is open and waits for nothing."""
        fields = self._plan_fields(kind)
        self.work.own = self._own_plan(kind, fields)
        plan, item_id = self.options.plan, self.options.item
        read = filter(self._is_chosen, self._sources().find(kind, fields))
        lists = [one for one in read if agree(one.path_fields, fields)]
        if not item_id:
            one = self._find_next(kind, fields, lists)
            return self.work.resolve(kind, one.id, one.number, {**fields, **one.source.path_fields})
        found = self.work.resolve(kind, item_id, number_of(item_id), fields)
        if isinstance(found, Unresolved):
            having = [one for one in lists if one.meant_by(item_id)]
            if len(having) > 1:
                raise unready(found.problem, _run_command(kind, item_id, having[0]))
            ids = [one.id for source in lists for one in source.items]
            if ids and not having and not found.pointer.problem:
                help = f"name one of {', '.join(ids[:6])}{', ...' * (len(ids) > 6)}"
                help += "" if plan else f"; or {self._plan_help(kind)}"
                raise unready(f"no {kind} can be determined: {found.problem}", help)
        elif found.listed is not None:
            source = found.listed.source
            if not self._is_chosen(source):
                help = f"name its list: --plan {shlex.quote(path_text(source.path))}"
                raise unready(f"{plan} has no {found.listed}", help)
            self._check_ready(found.listed)
        return found

    def _is_chosen(self, source: Source) -> bool:
        """True if the option `plan` names a list, or is not given."""
        plan = self.options.plan
        return not plan or os.fsencode(os.path.normpath(plan)).lower() == source.path.lower()

    def _plan_fields(self, kind: str) -> Mapping[str, str]:
        """Return the fields that name the plan: from the option `plan`, else from the current branch."""
        plan = self.options.plan
        if not plan:
            branch = short_name(self._git.repository.branch or "")
            fields = Template(self.work.kinds[kind].branch).read(branch) if branch else None
            return fields if fields and self._own_plan(kind, fields) is not None else {}
        if (values := self.work.kinds[kind].read_source(os.fsencode(os.path.normpath(plan)))) is not None:
            return values
        message = f"{plan} is not a list of {kind}s; tried: {self._list_names(kind, {})}"
        raise unready(message, "name that file, from the repository's root")

    def _list_names(self, kind: str, fields: Mapping[str, str]) -> str:
        """Return the files that may list a kind's items, for a message."""
        return ", ".join(shown_path(text, fields) for text in self.work.kinds[kind].sources)

    def _own_plan(self, kind: str, fields: Mapping[str, str]) -> OwnPlan | None:
        """Return the plan that the item's branch adds, if the base does not have it; else None."""
        branch = Template(self.work.kinds[kind].branch).fill(fields)
        if not branch or kind not in shared_kinds(self.policy):
            return None
        tip, papers = self._find_tip(branch), self.documents.tree
        return own_plan(self.policy, branch, self._git, head=tip, base=self.pinned.base_oid, papers=papers)

    def _sources(self) -> Sources:
        documents = self.documents if self.work.own is None else self.work.own.documents
        return self._at_commit(documents, self.history, self._done_on_branch)

    def _at_commit(
        self, documents: Documents, history: History, also: Callable[[Listed], bool] = lambda _: False
    ) -> Sources:
        """Return the items listed at a commit, with a test for done items."""
        sources = Sources(self.work.kinds, documents=documents, passes=self.work.passes)
        landed = LandedItems(sources, self.work.names, history=history, commits=lambda: ())
        sources.landed = lambda listed: landed(listed) or also(listed)
        return sources

    @cached_method
    def _on_branch(self, branch: str) -> Sources | None:
        """Return the items listed at the tip of a branch; None if the branch does not exist."""
        tip = self._find_tip(branch)
        return self._at_commit(Documents(self._git.tree_at(tip)), History(self._git, tip)) if tip else None

    def _done_on_branch(self, listed: Listed) -> bool:
        """True if a task was done on the branch that it shares with the other tasks of its plan."""
        item = self.work.resolve(listed.source.kind, listed.id, listed.number, listed.source.path_fields)
        if isinstance(item, Unresolved) or not item.branches or not shares_branch(self.policy, item):
            return False
        sources = self._on_branch(item.branches[0])
        return sources is not None and any(map(sources.done, sources.same_as(listed)))

    def _find_next(self, kind: str, fields: Mapping[str, str], lists: Sequence[Source]) -> Listed:
        sources = self._sources()
        waiting: list[str] = []
        ready: list[Listed] = []
        for source in lists:
            if source.problem:
                help = "have it corrected, by a change of its own"
                raise unready(f"the list of {kind}s {source.problem}", help, source.path)
            for listed in source.items:
                if listed.deferred or listed.conditional or sources.done(listed):
                    continue
                needs = sources.open_needs(listed, deferred=kind in task_kinds(self.policy))
                task = _read_task(self.policy, source.path, source.documents, listed.id)
                if task is not None and task.lacks_commands:
                    needs = [*needs, f"a command in `{task.key_of('verify')}` that can fail"]
                # A plan may have other keys than a list.
                is_held = task is not None and (task.started or task.deferred or task.done)
                if not (needs or is_held or normal_name((task or listed).status) == "blocked"):
                    ready.append(listed)
                    break
                reason = f"waits for {', '.join(needs)}" if needs else f"is {(task or listed).status}"
                waiting.append(f"{listed.id} {reason}")
        if not ready:
            self._check_marked([listed for source in lists for listed in source.items])
            tried = "; ".join(waiting) or self._list_names(kind, fields)
            help = f"specguard run {kind} ID -- ..." if waiting else self._plan_help(kind, done=bool(lists))
            raise unready(f"no {kind} is open and ready; tried: {tried}", help)
        if len(ready) > 1:
            places = ", ".join(f"{one.id} of {path_text(one.source.path)}" for one in ready)
            help = _run_command(kind, "", ready[0].source)
            raise unready(f"several {kind}s could be the next: {places}", help)
        self._check_marked(ready[0].needed)
        return ready[0]

    def _check_ready(self, listed: Listed) -> None:
        sources, kind = self._sources(), listed.source.kind
        path, line = listed.source.path, listed.line
        # A slice may go on after its first commit; a task is one commit.
        is_task = kind in task_kinds(self.policy)
        if listed.deferred or (sources.done(listed) if is_task else sources.closed(listed)):
            self._check_marked([listed])
            state, is_marked = ("put off", True) if listed.deferred else ("done already", listed.closed)
            reason = f"its status is {listed.status}" if is_marked else "a commit did it"
            help = "take the next one, or have its status corrected or its commit reverted"
            raise unready(f"{listed} is {state}: {reason}", help, path, line)
        needs = sources.open_needs(listed, deferred=is_task)
        shared = kind in shared_kinds(self.policy)
        if shared:
            # The run of an earlier item commits to the same branch.
            earlier = {normal_id(one) for one in self.options.earlier}
            needs = [one for one in needs if normal_id(one) not in earlier]
        if needs:
            several = shared or len(sources.find(kind, {})) > 1
            help = _run_command(kind, needs[0], listed.source if several else None)
            if not shared:
                help += "; if it has a branch, merge that, or start from it with --base"
            raise unready(f"{listed} waits for {', '.join(needs)}", help, path, line)
        self._check_marked(listed.needed)

    def _check_marked(self, items: Sequence[Listed]) -> None:
        """Check that tasks which have their commit are marked as done: the rules go by the status."""
        for listed in filter(self._sources().done, items):
            path, shares = listed.source.path, listed.source.kind in shared_kinds(self.policy)
            branch = self._on_branch(listed.branch) if shares else None
            trees = [listed.source.documents, *([branch.documents] if branch else [])]
            tasks = [task for one in trees if (task := _read_task(self.policy, path, one, listed.id))]
            if tasks and all(task.status and not task.done for task in tasks):
                words = ["specguard", "plan", "verify", listed.id, "--plan", path_text(path)]
                help = f'{shlex.join(words)} --note "what was seen"'
                if branch:
                    help = f"{switch_command(listed.branch, self.pinned.remote_name)} && {help}"
                message = f"{listed} has its commit, and is not marked as done: it is {tasks[-1].status}"
                raise unready(message, help, path, listed.line)

    def _check_startable(self, item: WorkItem) -> None:
        located, task = item.located, task_of(self.policy, item)
        # A task without verifying commands is not begun if its plan requires them.
        if task is not None and task.lacks_commands:
            key = task.key_of("verify")
            message = f"{task.name} has no command in `{key}` that can fail, and may not run without"
            help = "have the planner add one that fails until then, on the base or in the plan's first commit"
            raise unready(message, help, task.plan.path, task.origin("verify").line or None)
        if not item.branches or not item.settings.commit:
            missing = "commit" if item.branches else "branch"
            help = "give the kind a template its pointer or list can fill; {slug} and {text} take a title"
            if not getattr(item.settings, missing):
                example = "feat({id}): {text}" if item.branches else f"{item.kind}-{{id}}"
                help = f'in the base, under [work.{item.kind}] write {missing} = "{example}"'
            raise incomplete(f"{item.setting(missing)} gives {item} no {missing}", help)
        if located.problem:
            tried = "; ".join(located.tried)
            misses = f" (near misses: {'; '.join(located.near_misses)})" if located.near_misses else ""
            message = f"the document of {item} is not in the base: {located.problem} (tried: {tried})"
            help = f"let the base have exactly one, by a change of its own, or name another item{misses}"
            raise unready(message, help)
