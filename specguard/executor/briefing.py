"""The brief of an item without a run of it: what `specguard brief` prints."""

from __future__ import annotations

from specguard.change.git import Git
from specguard.change.request import Request
from specguard.engine.policies import open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.brief import brief_text
from specguard.executor.ending import RunEnded
from specguard.executor.options import RunOptions
from specguard.executor.plan import RUN_ID
from specguard.executor.preflight import find_checkout, new_manifest
from specguard.executor.run import Run
from specguard.executor.starting import start_as_fetched
from specguard.executor.user_git import read_settings
from specguard.runs.folder import RunFolder


def brief_of(options: RunOptions) -> str:
    """The page that an agent of a run would read, made from the base as it was fetched last.

    Args:
        options: what a run would be asked for; without a kind, that of a policy that describes one alone.
            Nothing is written.

    Raises:
        SpecguardError: there is no such item or policy, or the item lacks what a run of it needs.
    """
    if not options.kind:
        values = {name: getattr(options, name) for name in options._fields}
        options = RunOptions(**{**values, "kind": _only_kind(options)})
    repository, root = find_checkout(options)
    with Git(repository) as git:
        try:
            start, address, _ = start_as_fetched(git, options, read_settings(repository), root=root)
            manifest = new_manifest(start, options, RUN_ID, address)
            run = Run(options, RunFolder(RUN_ID), manifest, git=git, policy=start.policy, item=start.item)
            text = brief_text(run)
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
        except RunEnded as end:
            raise SpecguardError(end.reason, help=end.help, code=end.error) from end
    return text


def _only_kind(options: RunOptions) -> str:
    policy = open_policy(Request(environment=options.environment, directory=options.directory))
    kinds: list[str] = list(policy.declared("work_kinds"))
    if len(kinds) != 1:
        raise SpecguardError(
            f"the policy describes {', '.join(kinds)}" if kinds else "the policy describes no work items",
            help="specguard brief KIND" if kinds else "describe one: a table [work.<kind>]",
            code="incomplete-policy",
        )
    return kinds[0]
