"""Judging a slice of a repository's history in one process: plain data in, plain data out."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from specguard.audit.history import PastGit, merged_branch
from specguard.authority.load import find_sources, has_documents
from specguard.authority.policy import Policy
from specguard.change.base import Found
from specguard.change.ranges import RangeChange
from specguard.change.repository import Base, Repository
from specguard.change.request import FLOOR, Request, Revision
from specguard.declaration.rule import Record
from specguard.engine.check import judge_change
from specguard.engine.plugins import load_registry
from specguard.engine.policies import Policies
from specguard.errors import MissingFact, NoAuthorityError, SpecguardError
from specguard.model import shortened
from specguard.reporters.json import finding_data, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.audit.history import PastChange
    from specguard.authority.floor import Floor
    from specguard.change.entries import Commit
    from specguard.change.git import Git
    from specguard.change.tree import Tree
    from specguard.declaration.registry import Registry
    from specguard.model import Verdict

NO_AUTHORITY: Final = "no-authority"
"""The verdict of a change when there was no authority yet."""

BROKEN: Final = "error"
"""The verdict of a change when the authority could not judge: it is wrong, or wants code that may not run."""

_NOT_THERE: Final = ("missing-object", "shallow-clone", "program-missing")
"""Errors of this copy of a repository, which say nothing of the change."""


class Slice(Record):
    """Changes of one repository that are judged together.

    Attributes:
        repository: its folder.
        branch: the audited branch's short name.
        changes: as they follow each other on the branch, oldest first.
        policy: what judges all of them, as data; None: the authority of each one's own base.
        plugins: the distributions whose rules may be imported.
        floor: the file of the floor that every policy is held to; empty: none.
        floor_sha256: its SHA-256, as hexadecimal digits.
    """

    repository: str
    branch: str
    changes: Sequence[PastChange]
    policy: Mapping[str, Any] | None = None
    plugins: Sequence[str] = ()
    floor: str = ""
    floor_sha256: str = ""


class JudgedChange(Record):
    """What became of one change.

    Attributes:
        change: the change.
        branch: the branch that a merge says it has merged; empty where none is known.
        subject: the first line of the commit that landed.
        policy: the id of the policy that judged; empty where none did.
        verdict: the verdict of a check, `no-authority` or `error`.
        reason: why there is none; empty where there is one.
        states: the state of each rule that was not off, by its code.
        findings: the findings, as the JSON report of a check has them.
    """

    change: PastChange
    branch: str
    subject: str
    policy: str
    verdict: str
    reason: str = ""
    states: Mapping[str, str] = {}
    findings: Sequence[Mapping[str, Any]] = ()


class JudgedSlice(Record):
    """What became of a slice.

    Attributes:
        changes: those that were judged.
        left: how many could not be, as this copy of the repository lacks something.
        reason: what it lacks, and the command that supplies it; empty where it lacks nothing.
    """

    changes: Sequence[JudgedChange]
    left: int = 0
    reason: str = ""


def judge(some: Slice) -> JudgedSlice:
    """Judge the changes of a slice, each as a check of the range from its base would have on its day.

    The working tree and the branches of today say nothing of the past, and have no say.
    """
    # What the caller said counts, and not what a worker's machine says.
    environment = {name: value for name, value in os.environ.items() if name != FLOOR}
    asked = Request(
        environment=environment,
        directory=some.repository,
        floor=some.floor,
        floor_sha256=some.floor_sha256,
    )
    judged: list[JudgedChange] = []
    left, reason = 0, ""
    try:
        with PastGit(Repository.locate(some.repository, environment), some.changes) as git:
            given = Policy(some.policy) if some.policy is not None else None
            policies = PastPolicies(asked, git.repository, some.plugins, given=given)
            for change in some.changes:
                try:
                    judged.append(_judged(git, policies, change, some.branch))
                except (MissingFact, SpecguardError) as error:
                    left, reason = left + 1, reason or _lacking(error)
    except (MissingFact, SpecguardError) as error:
        left, reason = len(some.changes), _lacking(error)
    return JudgedSlice(judged, left, reason)


def _lacking(error: MissingFact | SpecguardError) -> str:
    """What is wrong, with the command that helps."""
    message, step = (
        (error.reason, error.command) if isinstance(error, MissingFact) else (error.message, error.help)
    )
    return plain(f"{message}: {step}" if step else message)


def _judged(git: PastGit, policies: PastPolicies, past: PastChange, audited: str) -> JudgedChange:
    commit = git.commit(past.head)
    branch = merged_branch(commit, audited)
    asked = Request(
        environment=git.repository.environment,
        directory=git.repository.directory,
        today=datetime.fromtimestamp(past.at, UTC).date().isoformat(),
        branch=branch,
    )
    subject, branch = plain(shortened(commit.message.subject, 120)), plain(branch)
    try:
        landed = _landed_change(git, asked, commit)
        vars(landed)["refs"] = ()
        verdict = judge_change(landed, policies, needs=())
    except NoAuthorityError as error:
        return JudgedChange(past, branch, subject, "", NO_AUTHORITY, error.message)
    except SpecguardError as error:
        if isinstance(error.__cause__, MissingFact) and error.__cause__.code in _NOT_THERE:
            # This copy lacks something, which says nothing of the change.
            raise
        return JudgedChange(past, branch, subject, "", BROKEN, _said(error))
    _complain(verdict)
    return JudgedChange(
        past,
        branch,
        subject,
        str(verdict.authority["policy_id"]),
        verdict.outcome,
        states={one.code: one.state for one in verdict.results if one.state != "off"},
        findings=[finding_data(judged) for judged in verdict.findings],
    )


def judge_as_merged(git: PastGit, policy: Policy, past: PastChange) -> Verdict:
    """Judge a past change by one policy, as of today.

    With `merge = "squash"` the message that landed is taken for the pull request's title.

    Raises:
        SpecguardError: it cannot be judged.
        MissingFact: an object of it is not there.
    """
    commit, repository = git.commit(past.head), git.repository
    title = commit.message.subject if policy.merge == "squash" else None
    asked = Request(environment=repository.environment, directory=repository.directory, title=title)
    policies = Policies(asked, repository, given=policy)
    return judge_change(_landed_change(git, asked, commit), policies, needs=())


def _landed_change(git: Git, request: Request, commit: Commit) -> RangeChange:
    """The change that a commit of a first-parent line landed.

    Nothing is looked for that the commit itself says.
    """
    parent = commit.parents[0] if commit.parents else None
    found = Found(parent, parent, "option") if parent else Found("", None, "none")
    change = RangeChange(git, request, found, head=Revision(commit.oid), named=commit.oid)
    base = Base(
        change,
        name=found.name,
        tip=parent,
        start=parent,
        head=commit.oid,
        trusted=found.trusted,
        merge_bases=[parent] if parent else [],
    )
    vars(change).update(base=base, entries=commit.diffs[0])
    if not commit.is_merge:
        vars(change)["commits"] = [commit]
    return change


def _complain(verdict: Verdict) -> None:
    """Give up where something of the repository is not here, which a later audit may find."""
    for result in verdict.results:
        if result.error in _NOT_THERE:
            raise SpecguardError(result.reason or "", help=result.command, code=result.error)


def _said(error: SpecguardError) -> str:
    place = f"{error.path}:{error.line}: " if error.path and error.line else ""
    return plain(f"{place}{error.message}")


class PastPolicies(Policies):
    """The policies of a history, each compiled once; no plugin is imported that the caller did not name.

    Args:
        request, repository, given, floor: as for `Policies`.
        plugins: the distributions that may be imported.
    """

    def __init__(
        self,
        request: Request,
        repository: Repository,
        plugins: Sequence[str],
        *,
        given: Policy | None,
        floor: Floor | None = None,
    ) -> None:
        super().__init__(request, repository, given=given, floor=floor)
        # What is kept for checks may name plugins that were allowed there.
        self.cache = None
        self._plugins = plugins
        self._compiled: dict[str, list[Policy]] = {}

    def load(self, tree: Tree, authority: str = "") -> Policy | None:
        """The policy of a tree, or of a file in place of its documents."""
        key = authority or json.dumps(find_sources(tree))
        known = self._compiled.setdefault(key, [])
        for one in known:
            if has_documents(tree, one):
                return one
        policy = super().load(tree, authority)
        if policy is not None:
            known.append(policy)
        return policy

    def draft(self, repository: Repository, tree: Tree) -> None:
        """None: what somebody is writing in the working tree says nothing of the past."""

    def registry(self, plugins: Sequence[str]) -> Registry:
        """What the built-in plugin and these distributions register.

        Raises:
            SpecguardError: one of them was not named by the caller.
        """
        for name in plugins:
            if name not in self._plugins:
                raise SpecguardError(
                    f"the policy uses the plugin {name!r}, which this audit may not import",
                    help=f"if you trust it: --plugin {name}",
                    code="plugin-failed",
                )
        return load_registry(plugins)
