"""The choice of the policy: that of the trusted base, or its substitute if there is none."""

from __future__ import annotations

import itertools
import os
from functools import partial

from specguard.authority.cache import Cache
from specguard.authority.load import AUTHORITY, DEFAULT_PATHS, PYPROJECT, load_policy
from specguard.authority.policy import Policy, PolicyChange, RuleInPolicy
from specguard.change.base import default_base, find_base
from specguard.change.change import BASELINE, Change
from specguard.change.check_request import FLOOR, Request, Revision
from specguard.change.git import Git
from specguard.change.object_store import UNKNOWN_CONTENT
from specguard.change.repository import Repository, short_branch
from specguard.declaration.rule import fact_names, load
from specguard.errors import MissingFact, Needed, NoAuthorityError, SpecguardError, if_known, usage
from specguard.model import TYPE_CHECKING, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.authority.floor import Floor
    from specguard.change.tree import Tree
    from specguard.declaration.registry import Registry
    from specguard.engine.facts import Facts
    from specguard.model import Stage
    from specguard.work.item import WorkItem
    from specguard.work.name_templates import Template


_NESTED_SUFFIX: Final = f"/{AUTHORITY}".encode()
_MOST_NAMED: Final = 3
"""The highest number of files that a note names."""

TRY: Final = "commit it there; until then try it with `specguard check --worktree`"
"""The next step for an authority that is not committed yet."""


class Policies:
    """The policies of one check, each read once.

    Args:
        request: the request of the check.
        repository: the repository of the policies.
        given: the policy that judges every change, for example a proposed one; None: the base's.
        floor: the floor that every policy is held to, if the caller has opened it; None: the request's.

    Attributes:
        cache: the cache of policies and of rule results; None with `--enforce`.
    """

    def __init__(
        self,
        request: Request,
        repository: Repository,
        *,
        given: Policy | None = None,
        floor: Floor | None = None,
    ) -> None:
        self._request = request
        self._change: Change | None = None
        self._floor = floor or open_floor(request, repository)
        self._given_policy = self._hold(given)
        self._policies: dict[str, Policy | None] = {}
        self.cache: Cache | None = None
        if not request.enforce:
            top = repository.common.removesuffix("/.git")
            outside = top if top != repository.common else ""
            self.cache = Cache(request.environment, [repository.format, repository.common], work_tree=outside)

    def choose(self, change: Change) -> tuple[Change, Policy, list[str]]:
        """Return the policy that judges a change, the change with that policy's base, and notes on both.

        Raises:
            SpecguardError: no policy may judge the change.
        """
        self._change = change
        change, policy, notes = self._choose(change)
        change.git.max_entries = policy.max_entries
        return change, policy, notes

    def _choose(self, change: Change) -> tuple[Change, Policy, list[str]]:
        request = self._request
        if (policy := self._given_policy) is not None:
            # What a file says is adopted under a usual name; a pyproject.toml may be there for other reasons.
            own = policy.document_paths.union(name.encode() for name in DEFAULT_PATHS[:-1])
            known = any(map(change.start_files.has_file, own))
            policy.adopted = frozenset(one.path for one in change.entries if one.added and not known) & own
            return change, policy, []
        if request.authority:
            policy = self.load(change.policy_files, request.authority)
            if policy is None:
                text, help = "there are no settings in it", "give it a table [tool.specguard]"
                raise SpecguardError(text, path=request.authority, help=help, code="no-authority")
            change = change.with_base(policy.base or "")
            return change, policy, [f"Judged by {request.authority}, not by the base's authority."]
        by_person = change.stage == "staged" and not (request.by_agent or request.enforce)
        change = self._with_default_base(change)
        policy = self._base_policy(change)
        if policy is not None:
            moved = change.with_base(policy.base or "")
            if moved is not change:
                change, policy = moved, self._base_policy(moved)
                if policy is None and not request.bootstrap:
                    message = f"{change.found.name}, which the authority names as its base, has no authority"
                    help = "bring the authority there, or name the base that has it with --base"
                    raise SpecguardError(message, help=help, code="no-authority")
        if request.enforce and not request.bootstrap and (policy is None or not change.found.trusted):
            after = ", or set the hook up after this push" if request.pre_receive else ""
            flag = "--pre-receive" if request.pre_receive else "--enforce"
            message = f"the base has no authority, and {flag} trusts nothing else"
            help = f"adopt specguard with {flag} --bootstrap, once{after}"
            raise SpecguardError(message, help=help, code="no-authority")
        if policy is not None:
            policy.ref, policy.based = change.found.oid, bool(change.found)
            policy.trusted = change.found.trusted
            change.item_branches = partial(ItemBranches, policy)
            # Before the first commit there is nothing that a person could alter.
            first = [entry.path for entry in change.entries] if by_person and not change.found.oid else []
            policy.adopted = frozenset() if change.found.oid else policy.document_paths.union(first)
            return change, policy, []
        policy = self.load(change.head_files)
        if policy is None:
            # An authority that an agent has just written does not count.
            draft = None if request.by_agent or request.edits else self.draft(change.git.repository)
            if draft is None:
                raise missing_authority(change.found.name or "the judged tree")
            path = draft.documents[0][0]
            step = f"add `--authority {path}`" if request.range or request.root else TRY
            raise NoAuthorityError(f"{path} is not on {change.found.name or 'a branch'} yet", help=step)
        with Needed():
            policy.ref = change.base.head
        policy.adopted = own = policy.document_paths
        if by_person:
            policy.drafts = frozenset(itertools.filterfalse(change.base_files.has_file, own))
        return change, policy, ["The base has no authority yet, so the change's own judges it."]

    def draft(self, repository: Repository) -> Policy | None:
        """Return the policy of the authority in the working tree; None if there is none.

        Raises:
            SpecguardError: the authority is wrong.
        """
        from specguard.change.worktree import FolderTree

        top = repository.root
        return self._hold(load_policy(FolderTree(top), registry=self.registry)) if top else None

    def _with_default_base(self, change: Change) -> Change:
        """Base a change into an item's branch on the default branch, whose policy judges it.

        Any other change is returned unchanged.

        Raises:
            SpecguardError: the default branch is unknown, and the verdict is final.
        """
        into, default_name = change.target_branch, change.event.default
        if change.found.how not in ("option", "event") or into in ("", default_name) or change.stacked_on:
            return change
        with Needed():
            default = default_base(change.git, change.request, change.event, remote=change.remote)
        if not default or default.oid == change.found.oid or short_branch(default.ref) == into:
            return change
        based = change.on_branch_of_item(default)
        policy = self._base_policy(based)
        if policy is None or not ItemBranches(policy)(into):
            return change
        if self._request.enforce and not default.given:
            message = f"{into} is an item's branch, and nothing says which branch is the default one"
            message += ", whose policy judges what goes into it"
            help = "Give the platform's whole event, or name the default branch in CI_DEFAULT_BRANCH."
            raise SpecguardError(message, help=help, code="no-base")
        return based

    def hook_rules(self) -> list[str]:
        """Return the codes of the rules that judge an edit, an index before a commit, or commits."""
        rules = [rule for policy in self._policies.values() if policy for rule in policy.rules]
        early = {one.code for one in rules if {"edit", "commit-msg"} & set(one.stages) or _judges_index(one)}
        return sorted(early | {one.code for one in rules if one.code.startswith(("CMT", "WRK001"))})

    def edit_rules(self, stage: Stage) -> set[str]:
        """Return the codes of the rules that judge an agent's edits, and nothing at this stage."""
        rules = [rule for policy in self._policies.values() if policy for rule in policy.rules]
        return {rule.code for rule in rules if "edit" in rule.stages and stage not in rule.stages}

    def load(self, tree: Tree, authority: str = "") -> Policy | None:
        """Load the policy of a tree, or of a file in place of its documents, and hold it to the floor."""
        return self._hold(load_policy(tree, registry=self.registry, cache=self.cache, authority=authority))

    def _hold(self, policy: Policy | None) -> Policy | None:
        return self._floor.apply(policy) if policy is not None and self._floor is not None else policy

    def registry(self, plugins: Sequence[str]) -> Registry:
        """Return the registry of plugins, imported only to compile a policy; an audit refuses some.

        Raises:
            SpecguardError: the verdict is final, and the judged tree has a plugin's code.
        """
        if self._request.enforce and self._change is not None:
            from specguard.change.sources import refuse_brought
            from specguard.engine.plugins import plugin_files

            with Needed():
                refuse_brought(self._change, plugin_files(plugins))
        return _registry(plugins)

    def _base_policy(self, change: Change) -> Policy | None:
        """Return the policy of the change's base, or without a base that of the judged tree.

        An error in a document of the base that is another one by now says so.
        """
        found = change.found
        if found.oid is None:
            return self.load(change.policy_files)
        try:
            if found.oid not in self._policies:
                self._policies[found.oid] = self.load(change.base_files)
        except SpecguardError as error:
            for one in {error, *error.errors()}:
                if one.path and if_known(partial(_is_changed, os.fsencode(one.path), change), False):
                    one.message = one.summary = f"on {found.name}: {one.message}"
                    step = f"a person must land the correction on {found.name} past the check"
                    one.help = "; ".join(filter(None, [step if found.ref else "", one.help]))
            raise
        return self._policies[found.oid]


def _judges_index(rule: RuleInPolicy) -> bool:
    """Return True if a rule has something to judge in an index, where no commits are."""
    if "staged" not in rule.stages or rule.unset:
        return False
    facts, needed = fact_names(load(rule.target).check, 1)
    return "commits" not in facts[:needed]


def _is_changed(path: bytes, change: Change) -> bool:
    before, after = change.base_files.find(path), (change.on_disk or change.head_files).find(path)
    return (before and before.oid) != (after and after.oid)


def open_policy(request: Request) -> Policy:
    """Return the policy that a check would use here, or else that of `HEAD` or the working tree.

    As in a check, the base's policy may name another base; then that base's policy is returned.

    Args:
        request: reads its directory, environment, `base` and `authority`.

    Raises:
        SpecguardError: the policy is missing or wrong.
    """
    repository = Repository.locate(request.directory, request.environment)
    policies = Policies(request, repository)
    with Needed(), Git(repository) as git:
        from specguard.change.ranges import RangeChange
        from specguard.change.worktree import FolderTree

        found, head = find_base(git, request), repository.head
        here = RangeChange(git, request, found, head=Revision(head or ""))
        if top := repository.root:
            here.on_disk = FolderTree(top)
        try:
            policy = policies.choose(here)[1]
        except NoAuthorityError:
            if (draft := policies.draft(repository)) is None:
                raise
            return draft
        policy.ref = policy.ref or (None if request.authority else head)
        return policy


def open_floor(request: Request, repository: Repository | None = None) -> Floor | None:
    """Open the floor that a request names; None if it names none. One floor serves many repositories.

    Args:
        request: the request that names the floor.
        repository: the repository that an agent may write to, so that the variable must not name a file in
            it.

    Raises:
        SpecguardError: the floor is unreadable, wrong, does not match the pinned sha256, or could be replaced
            by an agent.
    """
    file = request.floor or request.environment.get(FLOOR, "")
    # With `--enforce`, files that the change contains are refused already.
    if file and not request.floor and not request.enforce:
        _refuse_reachable(file, repository)
    if file:
        from specguard.authority.floor import read_floor

        return read_floor(file, _registry, pinned=request.floor_sha256)
    if request.floor_sha256:
        step = f"name it with --floor FILE, or in the variable {FLOOR}"
        raise usage("--floor-sha256 pins a floor, and none is named", step)
    return None


def _refuse_reachable(file: str, repository: Repository | None) -> None:
    """Refuse a floor that a change of directory or an edit in the working tree would replace."""
    from specguard.change.sources import is_in_work_tree

    if not os.path.isabs(file) or (repository is not None and is_in_work_tree(repository, file)):
        message = f"{FLOOR} names no floor that holds: {file} is relative, or in the working tree"
        help = "let it name an absolute path outside the checkout; to try a floor, use `check --floor`"
        raise SpecguardError(message, help=help, code="untrusted-file")


def compare_policies(policy: Policy, change: Change) -> PolicyChange:
    """Compare the policy that the change leaves with the one that it is merged into.

    The base may have moved on since the change's start, which is not part of the change. The plugins of the
    policy that it leaves are not imported, even if that names some.
    """
    touched = _touched_documents(change, policy)
    if not touched:
        return PolicyChange()
    documents = {name.encode() for name in DEFAULT_PATHS} | policy.document_paths | touched
    start, head = (one.tree for one in change.base.landing(tuple(documents)))
    baseline = None
    if BASELINE in touched:
        from specguard.engine.baseline import compare_baselines

        baseline = compare_baselines(start, head)
    if touched <= {BASELINE}:
        # Hooks have no time to compile a second policy.
        return PolicyChange(baseline=baseline)

    from specguard.authority.difference import compare

    unread: set[str] = set()

    def registry(named: Sequence[str]) -> Registry:
        unread.update(set(named).difference(policy.plugins))
        return _registry(policy.plugins)

    try:
        before = None if policy.drafts is not None else load_policy(start, registry=registry)
    except SpecguardError:
        before = policy.own or policy
    try:
        after = load_policy(head, registry=registry)
    except SpecguardError as error:
        unknown = isinstance(error.__cause__, MissingFact) and error.__cause__.reason == UNKNOWN_CONTENT
        if unknown and error.path == PYPROJECT and PYPROJECT not in dict(policy.documents):
            # Most files of this name have no settings. What an agent writes there is judged once it is there.
            return PolicyChange(baseline=baseline)
        hint = " (new plugins are not loaded here; bring them in a change before)" if unread else ""
        problem = f"{error.place}: {error.message}; {error.help}".strip(":; ") + hint
        return PolicyChange(problem=problem, baseline=baseline)
    if after is None:
        return PolicyChange(problem="the authority is removed" if before else "", baseline=baseline)
    known_before = {(one.origin.path, one.message) for one in (before or policy).disregarded}
    broken = [one for one in after.disregarded if (one.origin.path, one.message) not in known_before]
    # The change's policy is not held to the floor, so the policy to compare with is not either.
    base = before or (after if policy.adopted else policy.own or policy)
    differences = compare(base, after)
    # A rule that had nothing to judge, also by a floor and on a base that has moved on, only tightens. One
    # that was off may have been selected.
    judged = {rule.name for known in (base, policy) for rule in known.rules if not rule.unset}
    begun = {rule.name for rule in after.rules if rule.active} - judged
    for one in differences:
        if one.path[0] == "rules" and one.path[1] in begun:
            one.effect = "tightens"
    return PolicyChange(differences, baseline=baseline, broken=broken)


def _touched_documents(change: Change, policy: Policy) -> set[bytes]:
    """Return what a change touches of authorities, of the baseline and of other documents of the policy."""
    names = {*(name.encode() for name in DEFAULT_PATHS), BASELINE, *policy.document_paths}
    paths = [entry.path for entry in (*change.entries, *change.base.carried)]
    return names.intersection(paths).union(filter(policy.is_nested, paths))


def unread_nested(change: Change, policy: Policy) -> Iterator[str]:
    """Yield a note on authorities in folders that are not read, because `[authority] nested` omits them."""

    def others() -> list[bytes]:
        paths = change.head_files.paths() if change.request.all else [entry.path for entry in change.entries]
        return [one for one in paths if one.endswith(_NESTED_SUFFIX) and one not in policy.document_paths]

    found = [path_text(path) for path in if_known(others, []) if not policy.is_nested(path)]
    if found:
        yield f"Not read, as [authority] nested does not name the folder: {listed(found, _MOST_NAMED)}."


def _registry(plugins: Sequence[str]) -> Registry:
    """Return the registry of plugins; the import waits until a policy is compiled."""
    from specguard.engine.plugins import load_registry

    return load_registry(plugins)


def missing_authority(where: str) -> NoAuthorityError:
    """Return the error that a place has no authority."""
    message = f"there is no authority: {where} has neither SPEC_AUTHORITY.md in its root nor other settings"
    return NoAuthorityError(message, help="`specguard init` writes one, in a checkout")


class ItemBranches:
    """A test by name whether a branch belongs to an item or a stage, or is one that items start from.

    Args:
        policy: its kinds and stages have the templates.
        own: the judged branch; other branches of its item are siblings, so the test is False for them.
    """

    def __init__(self, policy: Policy, own: str = "") -> None:
        kinds = policy.declared("work_kinds")
        self._base = policy.base
        self._stages = policy.declared("wave_settings").stages if policy.declares("wave_settings") else ()
        self._templates: Sequence[Template] = ()
        self._own = self._base_template = None
        if not kinds:
            return
        from specguard.work.kinds import Names
        from specguard.work.name_templates import Template

        texts = [text for kind in kinds.values() for text in (kind.branch, kind.base) if text]
        self._templates = list(map(Template, texts))
        self._names = Names(kinds)
        self._own = self._names.read("branch", own, lenient=False) if own else None
        below = kinds[self._own.kind].base if self._own else ""
        self._base_template = Template(below) if below else None

    def __call__(self, name: str) -> bool:
        """True if other branches can be based on this branch."""
        if name == self._base:
            return False
        other = self._names.read("branch", name, lenient=False) if self._own is not None else None
        if other is not None and self._own is not None and other.same_item(self._own):
            return False
        of_stage = any(stage.read_branch(name) is not None for stage in self._stages)
        return of_stage or any(template.read(name) is not None for template in self._templates)

    def owns(self, name: str, subjects: Sequence[str]) -> bool:
        """True if the commits that a branch shares with the judged one belong to that branch.

        A branch based on the judged one shares commits with it, too, so their subjects decide. None may name
        the judged branch's item. The last one must name the other branch's item, unless that branch belongs
        to an earlier stage. A branch that matches the `base` of the item's kind always owns them, as the
        item is merged into it.

        Args:
            name: a branch for which the test is True.
            subjects: the subjects of the shared commits, oldest first.

        Raises:
            MissingFact: a subject matches the templates of two kinds equally well.
        """
        if self._base_template is not None and self._base_template.read(name) is not None:
            return True
        if self._own is None:
            return False
        namings = [self._names.read("commit", subject) for subject in subjects]
        if any(one is not None and one.same_item(self._own) for one in namings):
            return False
        if (other := self._names.read("branch", name, lenient=False)) is not None:
            last = namings[-1]
            return last is not None and last.exact and last.same_item(other)
        kind = self._own.kind
        earlier = itertools.takewhile(lambda stage: stage.items not in (kind, f"{kind}s"), self._stages)
        of_earlier = any(stage.read_branch(name) is not None for stage in earlier)
        return of_earlier and bool(self._names.literals(kind))


def stack_notes(change: Change, facts: Facts) -> Iterator[str]:
    """Yield notes on a change in a stack: the start of its own commits, and where its papers are from."""
    below = change.known_stacked_on
    if not below:
        return
    if change.source == "range":
        yield (
            f"Judged from {below.name} on, which {change.found.name} does not have yet; what goes into "
            f"{change.found.name} is judged whole."
        )

    def has_new_papers() -> bool:
        item: WorkItem = facts.get("work_item")
        papers = (item.pointer.path, item.document)
        return any(path is not None and change.base_files.find(path) is None for path in papers)

    if if_known(has_new_papers, False):
        yield f"papers: not on the base; they are those of {below.name}."
