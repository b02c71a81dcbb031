"""The whole of a status, as `specguard.status/1` has it."""

from __future__ import annotations

from specguard.change.base import find_base
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_changes
from specguard.engine.clock import Clock
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies, compare_policies
from specguard.engine.status import items, others, plans, stages
from specguard.engine.status.telling import Telling, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.change.change import Change
    from specguard.change.request import Request

SCHEMA: Final = "specguard.status/1"
"""The name of what `standing` gives; fields are only added to it."""


def standing(request: Request, *, waves: Sequence[str] = (), worktrees: bool = False) -> dict[str, Any]:
    """Where the work stands at `HEAD`, or in the working tree, by the policy that a check would take.

    Args:
        request: its directory, environment, `base`, `authority`, `worktree` and `today` count; `all` is set.
        waves: the waves that are asked for, by what tells them apart; empty: all.
        worktrees: whether each worktree is asked for changes that are not committed.

    Raises:
        SpecguardError: there is no policy, no commit, or a wave that is asked for is not there.
    """
    repository = Repository.locate(request.directory, request.environment)
    clock = Clock.of(request)
    with Git(repository) as git:
        change, policy, notes = _open(git, request, Policies(request, repository))
        facts = Facts(
            change, policy, today=clock.today, policy_change=lambda: compare_policies(policy, change)
        )
        telling = Telling(facts, change, policy)
        found = _found(telling, waves)
    if worktrees:
        found["worktrees"] = list(others.worktrees_data(repository, telling))
        found["missing"] += [
            missing(f"the worktree {one['path']} has changes that are not committed")
            for one in found["worktrees"]
            if one["dirty"]
        ]
    found["notes"] = [*change.notes, *notes]
    found["unknown"] = telling.unknown
    judged = bool(found["waves"] or found["plans"])
    found["complete"] = None if telling.unknown or not judged else not found["missing"]
    return found


def waiting_plans(request: Request) -> dict[bytes, str]:
    """The plans whose tasks are of a stage that is not open, each with what they wait for.

    Args:
        request: as for `standing`.

    Raises:
        SpecguardError: there is no policy, or no commit.
        MissingFact: something that must be read is not there.
    """
    repository = Repository.locate(request.directory, request.environment)
    with Git(repository) as git:
        change, policy, _ = _open(git, request, Policies(request, repository))
        if not policy.declares("wave_settings"):
            return {}
        facts = Facts(
            change,
            policy,
            today=Clock.of(request).today,
            policy_change=lambda: compare_policies(policy, change),
        )
        return plans.waiting_plans(facts.get("waves"))


def _found(telling: Telling, wanted: Sequence[str]) -> dict[str, Any]:
    """Everything that is known of a tree."""
    told = telling.told
    sources = telling.fact("sources")
    if sources is not None:
        items.tell_landed(telling, sources)
    waves = stages.waves_asked_for(telling, wanted)
    listed = told(lambda: items.listed_items(telling, sources), [])
    planned = told(lambda: plans.plans_data(telling), [])
    if waves:
        lacking = [
            *told(lambda: stages.missing_of_waves(waves), []),
            *told(lambda: stages.undisposed(telling, waves), []),
        ]
    else:
        lacking = plans.undone(planned)
    policy = telling.policy
    return {
        "schema": SCHEMA,
        "tree": "worktree" if telling.change.request.worktree else "HEAD",
        "head": telling.change.git.repository.head,
        "branch": items.branch_name(telling),
        "authority": {
            "documents": [path for path, _ in policy.documents],
            "ref": policy.ref,
            "policy_id": policy.policy_id,
            "trusted": policy.trusted,
        },
        "item": told(lambda: items.named_item(telling), None),
        "current": told(lambda: items.current_items(telling), []),
        "waves": told(lambda: [stages.wave_data(wave) for wave in waves], []),
        "items": listed,
        "plans": planned,
        "agents": told(lambda: others.agents_data(telling), []),
        "specs": told(lambda: others.specs_data(telling), None),
        "worktrees": [],
        "missing": lacking,
        "next": [
            *told(lambda: list(stages.next_stages(waves)), []),
            *items.next_items(listed),
            *plans.next_tasks(planned),
        ],
    }


def _open(git: Git, request: Request, policies: Policies) -> tuple[Change, Policy, list[str]]:
    """What is looked at, with its policy; where there is no base, by its own."""
    if not request.worktree and find_base(git, request) is None:
        values = {name: getattr(request, name) for name in request._fields}
        request = type(request)(**{**values, "root": True})
    [change] = open_changes(git, request)
    return policies.of(change)
