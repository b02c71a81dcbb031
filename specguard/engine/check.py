"""A check from what was asked to its verdicts: repository, base, policy, change, facts, rules."""

from __future__ import annotations

from specguard.authority.cache import Cache
from specguard.authority.load import load_policy
from specguard.change.git import Git
from specguard.change.repository import Looking, Repository
from specguard.change.sources import open_changes
from specguard.engine.facts import Facts
from specguard.engine.run import run_rules
from specguard.engine.selection import Selection
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Any, Final

    from specguard.authority.difference import PolicyChange
    from specguard.authority.policy import Policy
    from specguard.change.request import Request
    from specguard.change.sources import Change
    from specguard.change.tree import Tree
    from specguard.declaration.registry import Registry

_LOOSENING: Final = {
    "authority": "--authority",
    "select": "--select",
    "ignore": "--ignore",
    "dry_run": "--dry-run",
    "today": "--today",
}
"""What `--enforce` refuses: each could turn a red verdict green."""


def check(request: Request, *, identify: bool = True, looking: Looking | None = None) -> list[Verdict]:
    """Judge what is asked for.

    Args:
        request: what is judged, and against what.
        identify: whether a report needs the change's fingerprint.
        looking: git looking for the repository already, where the caller has begun that.

    Returns:
        One verdict; for a push one for each ref.

    Raises:
        SpecguardError: no verdict can be given.
    """
    if request.enforce:
        for name, flag in _LOOSENING.items():
            if getattr(request, name):
                raise SpecguardError(
                    f"--enforce does not go with {flag}, which could loosen the verdict",
                    help=f"leave {flag} out, or --enforce where nothing depends on the verdict",
                )
    clock = _clock(request)
    repository = (looking or Looking.of(request)).repository()
    with Git(repository) as git:
        policies = _Policies(request, repository)
        return [_judge(change, request, policies, clock, identify) for change in open_changes(git, request)]


def _judge(change: Change, request: Request, policies: _Policies, clock: _Clock, identify: bool) -> Verdict:
    change, policy, notes = policies.of(change)
    selection = Selection(
        policy.rules, select=request.select, ignore=request.ignore, extend=request.extend_select
    )
    compared: list[PolicyChange] = []

    def policy_change() -> PolicyChange:
        compared.append(_compare(policy, change))
        return compared[0]

    facts = Facts(change, policy, today=clock.today, policy_change=policy_change)
    results = run_rules(policy, facts, selection, strict=request.strict)
    return Verdict(
        change={**change.summary(identify=identify), "work_item": _work_item(facts)},
        authority={
            "documents": [path for path, _ in policy.documents],
            "ref": policy.ref,
            "policy_id": policy.policy_id,
            "trusted": policy.trusted,
        },
        results=results,
        notes=[*change.notes, *notes],
        empty=change.empty,
        dry_run=request.dry_run,
        policy_change=[difference.data for one in compared for difference in one.differences],
    )


def open_policy(request: Request) -> Policy:
    """The policy that would judge here; without one in the base, that of `HEAD` or of the working tree.

    As in a check, the base's policy may name another base, whose policy it then is.

    Args:
        request: its directory, environment, `base` and `authority` count.

    Raises:
        SpecguardError: there is none, or it is wrong.
    """
    from specguard.authority.sources import AUTHORITY
    from specguard.change.base import find_base, named_base
    from specguard.change.tree import Tree

    repository = Repository.locate(request.directory, request.environment)
    policies = _Policies(request, repository)
    with Git(repository) as git:
        found = find_base(git, request)
        oids = [oid for oid in (found.oid if found else None, repository.head) if oid]
        trees = {oid: Tree(git, git.commit(oid).tree) for oid in oids} or {"": Tree(git, None)}
        for oid, tree in trees.items():
            policy = policies.load(tree, request.authority)
            if policy is None:
                continue
            policy.ref = None if request.authority else oid or None
            if found is None or found.oid != oid or found.given or request.authority or not policy.base:
                return policy
            named = named_base(git, policy.base, "policy")
            if named.oid and named.oid != oid:
                policy = policies.load(Tree(git, git.commit(named.oid).tree))
                if policy is None:
                    raise _no_authority_there(named.name)
                policy.ref = named.oid
            return policy
        file = f"{repository.work_tree()}/{AUTHORITY}"
        try:
            policy = policies.load(next(iter(trees.values())), file)
        except SpecguardError:
            policy = None
    if policy is None:
        raise _no_authority("the base")
    return policy


class _Policies:
    """The policies of one check, each read once.

    Args:
        request: what was asked for.
        repository: whose they are.
    """

    def __init__(self, request: Request, repository: Repository) -> None:
        self._request = request
        self._known: dict[str, Policy | None] = {}
        self._cache: Cache | None = None
        if not request.enforce:
            top = repository.common.removesuffix("/.git")
            outside = top if top != repository.common else ""
            self._cache = Cache(request.environment, [repository.format, repository.common], outside=outside)

    def of(self, change: Change) -> tuple[Change, Policy, list[str]]:
        """The policy that judges a change, the change as that policy's base makes it, and notes about both.

        Raises:
            SpecguardError: there is none that may judge.
        """
        request = self._request
        if request.authority:
            policy = self.load(change.policy_files, request.authority)
            if policy is None:
                raise SpecguardError("there are no settings in it", path=request.authority)
            change = change.with_base(policy.base or "")
            return change, policy, [f"Judged by {request.authority}, not by the base's authority."]
        policy = self._at(change)
        if policy is not None:
            moved = change.with_base(policy.base or "")
            if moved is not change:
                change, policy = moved, self._at(moved)
                if policy is None and not request.bootstrap:
                    raise _no_authority_there(change.found.name)
        if policy is not None and (change.found.trusted or not request.enforce or request.bootstrap):
            policy.ref = change.found.oid
            policy.trusted = change.found.trusted
            if not change.found.oid:
                policy.adopted = policy.document_paths
            return change, policy, []
        if request.enforce and not request.bootstrap:
            raise SpecguardError(
                "the base has no authority, and --enforce trusts nothing else",
                help="adopt specguard with --enforce --bootstrap, once",
            )
        policy = self.load(change.head_files)
        if policy is None:
            raise _no_authority(change.found.name or "the judged tree")
        policy.ref = change.base.head
        policy.adopted = policy.document_paths
        return change, policy, ["The base has no authority yet, so the change's own judges it."]

    def load(self, tree: Tree, authority: str = "") -> Policy | None:
        """The policy of a tree, or of a file in place of its documents."""
        return load_policy(tree, registry=_registry, cache=self._cache, authority=authority)

    def _at(self, change: Change) -> Policy | None:
        """The policy of the change's base, or of the judged tree where there is no base."""
        oid = change.found.oid
        if oid is None:
            return self.load(change.policy_files)
        if oid not in self._known:
            self._known[oid] = self.load(change.policy_files)
        return self._known[oid]


def _registry(plugins: Sequence[str]) -> Registry:
    """What plugins register; they are imported only where a policy is compiled."""
    from specguard.engine.plugins import load_registry

    return load_registry(plugins)


def _compare(policy: Policy, change: Change) -> PolicyChange:
    """How the change alters the policy that it started from.

    The tip of the base may have moved on since, which is not the change's doing. The head's plugins are not
    imported, whatever it names.
    """
    from specguard.authority.difference import PolicyChange, compare
    from specguard.authority.sources import DEFAULTS

    names = {*DEFAULTS, *(path for path, _ in policy.documents)}
    if not any(entry.path.decode("utf-8", "surrogateescape") in names for entry in change.entries):
        # Compiling a second policy is what a hook has no time for.
        return PolicyChange()

    def registry(_: Sequence[str]) -> Registry:
        return _registry(policy.plugins)

    try:
        before = load_policy(change.start_files, registry=registry)
        known = before is not None
    except SpecguardError:
        before, known = None, True
    try:
        after = load_policy(change.head_files, registry=registry)
    except SpecguardError as error:
        return PolicyChange(problem=error.message)
    if after is None:
        return PolicyChange(problem="the authority is removed" if known else "")
    return compare(before or policy, after)


def _no_authority(where: str) -> SpecguardError:
    return SpecguardError(
        f"there is no authority: {where} has neither SPEC_AUTHORITY.md nor other settings of specguard",
        help="`specguard init` writes one",
    )


def _no_authority_there(base: str) -> SpecguardError:
    return SpecguardError(
        f"{base}, which the authority names as its base, has no authority",
        help="bring the authority there, or name the base that has it with --base",
    )


def _work_item(facts: Facts) -> Any:
    try:
        return facts.get("work_item").summary()
    except (MissingFact, NotApplicable):
        return None


class _Clock:
    """The date of the check.

    Args:
        said: what `--today` said; empty: the clock's UTC date.
    """

    def __init__(self, said: str) -> None:
        self._said = said

    def today(self) -> date:
        """The UTC date."""
        import datetime

        if self._said:
            return datetime.date.fromisoformat(self._said)
        return datetime.datetime.now(datetime.UTC).date()


def _clock(request: Request) -> _Clock:
    """The clock of a check.

    Raises:
        SpecguardError: `--today` is no date.
    """
    clock = _Clock(request.today)
    if request.today:
        try:
            clock.today()
        except ValueError:
            raise SpecguardError(
                f"--today {request.today!r} is no date", help="write it as 2026-01-31"
            ) from None
    return clock
