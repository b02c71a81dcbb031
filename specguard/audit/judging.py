"""Judge a slice of a repository's history in one process, which may be another one than the audit's.

Each commit of the first-parent line is one change. It is judged as a check judges the range from its first
parent to it. A few git processes read the commits of a slice in advance; anything else is read when it is
needed, as in any check.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from specguard.audit.repositories import reason_of
from specguard.authority.floor import Floor
from specguard.authority.load import DEFAULT_PATHS, has_documents, identify
from specguard.authority.policy import Policy
from specguard.change.base import FoundBase, local_base, usual_base
from specguard.change.change import Change
from specguard.change.check_request import FLOOR, Request, Revision, resolve
from specguard.change.entries import Commit
from specguard.change.git import Git
from specguard.change.platform_event import NEVER, Event
from specguard.change.ranges import RangeChange
from specguard.change.repository import Branch, PastCommit, Repository, short_branch
from specguard.change.tree import Tree
from specguard.declaration.registry import Registry
from specguard.engine.check import judge_change
from specguard.engine.plugins import load_registry
from specguard.engine.trusted_policy import Policies
from specguard.errors import MissingFact, Needed, NoAuthorityError, SpecguardError, if_known
from specguard.model import Record, Verdict, cached_method, grouped, shortened
from specguard.reporters.json import finding_data, json_safe


class PastChange(Record):
    """One change of a branch's history.

    Attributes:
        head: the commit that landed, as a full object id.
        base: its first parent; empty for a root commit.
        at: its committer time in seconds since 1970; 0 if it is outside of the years 1970 to 9999.
    """

    head: str
    base: str
    at: int


def past_changes(
    git: Git, tip: str, *, excluded: str = "", most: int = 0, since: int = 0
) -> list[PastChange]:
    """Return the changes of a first-parent line, the newest first.

    Args:
        git: reads them with one process.
        tip: the newest commit.
        excluded: a commit whose history is excluded; empty for none.
        most: the most changes; 0 for all.
        since: the first second of interest, from 1970. Earlier changes are left out if the history is
            incomplete, as in a shallow clone.

    Raises:
        MissingFact: the history is incomplete, and not only before that.
    """
    limit = [f"--max-count={most}"] if most else []
    rest = [f"^{excluded}"] if excluded else []

    def read(*more: str) -> str:
        listing = ("rev-list", "--first-parent", "--parents", "--timestamp", *limit, *more)
        return git.ask("the branch's history", *listing, tip, *rest, "--").decode("ascii")

    changes = []
    # Of the first commit that is older, git reads no parents.
    for line in (if_known(read, "") or read(f"--max-age={since}")).splitlines():
        at, head, *parents = line.split(" ")
        # Git prints a time before 1970 as a huge number.
        time = int(at) if int(at) <= NEVER else 0
        changes.append(PastChange(head, parents[0] if parents else "", time))
    return changes


_MERGE_SUBJECTS: Final = re.compile(
    r"Merge pull request #[0-9]+ from [^\s/]+/(?P<github>\S+)"
    r"|Merge (?:remote-tracking )?branch '(?P<git>[^']+)'(?! of )(?: into (?P<into>.*))?"
    r"|Merged in (?P<bitbucket>\S+) \(pull request #[0-9]+\)"
)
"""The subjects that GitHub, git and GitLab, and Bitbucket give to the merge of a branch."""


def merged_branch(commit: Commit, audited: str) -> str:
    """Return the branch that a merge commit's subject names; empty if it names none.

    Args:
        commit: a commit of the audited branch's first-parent line.
        audited: the audited branch. A merge of it, or into another branch, was made elsewhere and is ignored.
    """
    found = _MERGE_SUBJECTS.fullmatch(commit.message.subject) if len(commit.parents) == 2 else None
    if found is None or (found["into"] or audited).strip("'") != audited:
        return ""
    name = (found["github"] or found["git"] or found["bitbucket"]).removeprefix("origin/")
    return "" if name == audited else name


class PastGit(Git):
    """Git for the changes of one slice of a history, whose commits and diffs are read in advance.

    Args:
        repository: the repository.
        changes: the slice, oldest first; each change is the base of the next.

    Raises:
        MissingFact: the history is incomplete.
    """

    def __init__(self, repository: Repository, changes: Sequence[PastChange]) -> None:
        super().__init__(repository.as_bare())
        self._past: dict[str, Commit] = {}
        self._names_by_tree: dict[str, list[bytes]] = {}
        base, tip = changes[0].base, changes[-1].head
        words = ("rev-list", "--topo-order", "--reverse", tip, *([f"^{base}"] if base else ()), "--")
        oids = self.ask("the branch's history", *words).decode("ascii").split()
        self._past = {commit.oid: commit for commit in super().commits(oids)}
        self._landed = [self._past[change.head] for change in changes]
        self._positions = {commit.tree: place for place, commit in reversed([*enumerate(self._landed)])}

    def commit(self, oid: str) -> Commit:
        """Return the commit with this object id."""
        return self._past.get(oid) or super().commit(oid)

    def commits(self, oids: Sequence[str]) -> list[Commit]:
        """Return the commits with these object ids, in this order."""
        if all(oid in self._past for oid in oids):
            return [self._past[oid] for oid in oids]
        return super().commits(oids)

    def revisions(self, head: str, *without: str | None) -> list[str]:
        """Return the commits that only a head reaches, every parent before its children."""
        known = self._commits_by_head.get(head)
        if known is not None and self._past[head].parents[:1] == list(without):
            return list(known)
        return super().revisions(head, *without)

    def mentioning(self, words: Sequence[str], tips: Sequence[str]) -> Iterable[PastCommit]:
        """Return the commits whose message contains one of some words; one read serves all changes."""
        last = self._places.get(tips[0], -1)
        known = self._mentions(tuple(words)) if [self._landed[last].oid] == [*tips] else None
        if known is None:
            return super().mentioning(words, tips)
        return (one for one in known if self._places.get(one.oid, -1) <= last)

    @cached_method
    def _mentions(self, words: tuple[str, ...]) -> Sequence[PastCommit] | None:
        """Return the commits of the whole slice's history; None if it is cut off, and a part may decide."""
        return if_known(lambda: list(Git.mentioning(self, words, [self._landed[-1].oid])), None)

    def list_tree(self, tree: str, what: str, *options: str, spare: int = 0) -> list[bytes]:
        """Return the lines of `ls-tree -r`; a list of names is derived from that of another change."""
        if options != ("--name-only",):
            return super().list_tree(tree, what, *options, spare=spare)
        names = self._names_by_tree.get(tree) or self._names_in(tree)
        if names is None or len(names) > self.max_entries + spare:
            names = super().list_tree(tree, what, *options, spare=spare)
        names.sort()
        # Keep the previous list too, since rules compare the files of a change with those of its base.
        self._names_by_tree = dict([*self._names_by_tree.items()][-1:]) | {tree: names}
        return [*names]

    def _names_in(self, tree: str) -> list[bytes] | None:
        """Return the names in a change's tree, derived from another change's; None if impossible."""
        for known, names in self._names_by_tree.items():
            at, to = self._positions.get(known), self._positions.get(tree)
            if at is None or to is None:
                continue
            between = self._landed[at + 1 : to + 1] or self._landed[at:to:-1]
            gone, new = ("deleted", "added") if at <= to else ("added", "deleted")
            try:
                entries = [entry for one in between for entry in one.diffs[0]]
            except MissingFact:
                # The entries of one change are too many to read; its files may still be listed.
                return None
            there = dict.fromkeys(names)
            for entry in entries:
                if getattr(entry, gone):
                    there.pop(entry.path, None)
                elif getattr(entry, new):
                    there[entry.path] = None
            return [*there]
        return None

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """The place of the change that added each commit of the slice."""
        places: dict[str, int] = {}
        for place, commit in enumerate(self._landed):
            pending = [commit.oid]
            while pending:
                oid = pending.pop()
                if oid in self._past and oid not in places:
                    places[oid] = place
                    pending += self._past[oid].parents
        return places

    @cached_property
    def joining(self) -> Collection[str]:
        """The changes, by head, that bring a root of the history, and are not a root themselves."""
        roots = {oid for oid, commit in self._past.items() if not commit.parents}
        return {self._landed[self._places[oid]].oid for oid in roots} - roots

    @cached_property
    def _commits_by_head(self) -> Mapping[str, Sequence[str]]:
        """The commits that each change added, by its head, if only one order of them is possible."""
        found: dict[str, Sequence[str]] = {}
        for place, commits in grouped((self._places[oid], one) for oid, one in self._past.items()).items():
            own = {commit.oid: commit for commit in commits}
            if all(len(own.keys() & {*commit.parents}) < 2 for commit in commits):
                found[self._landed[place].oid] = list(own)
        return found


NO_AUTHORITY: Final = "no-authority"
"""The verdict of a change whose base has no authority."""

BROKEN: Final = "error"
"""The verdict of a change whose authority cannot judge: it is invalid, needs code, or has another past."""

_MISSING_DATA: Final = ("missing-object", "shallow-clone", "program-missing")
"""The codes of errors in this copy of a repository, which are independent of the change."""


class AuditedBranch(Record):
    """The branch of a repository whose history is audited.

    Attributes:
        name: its short name; `HEAD` if it has none.
        tip: its newest commit, as a full object id.
    """

    name: str
    tip: str


def find_branch(git: Git, wanted: str) -> AuditedBranch:
    """Return the branch to audit: the wanted one, else the base that a check would use, else `HEAD`.

    Raises:
        SpecguardError: the branch is missing, or has no commit.
    """
    name = wanted or (usual_base(git) or local_base(git)).ref or "HEAD"
    revision = resolve(git, name)
    return AuditedBranch(short_branch(revision.ref) or name, revision.oid)


class Slice(Record):
    """Changes of one repository that are judged together.

    Attributes:
        repository: its folder.
        branch: the audited branch's short name.
        changes: consecutive changes of the branch, oldest first.
        policy: the policy that judges all of them; None to use the authority of each change's base.
        plugins: the distributions whose rules may be imported.
        floor: the floor that every policy is held to; None for none.
    """

    repository: str
    branch: str
    changes: Sequence[PastChange]
    policy: Policy | None = None
    plugins: Sequence[str] = ()
    floor: Floor | None = None


class JudgedChange(Record):
    """The outcome of one change.

    Attributes:
        change: the change.
        branch: the branch that a merge commit names; empty if none is known.
        subject: the first line of the commit that landed.
        policy: the id of the policy that judged; empty if none did, as with `no-authority` and `error`.
        verdict: the verdict of a check, `no-authority` or `error`.
        reason: why rules did not judge; empty if they did.
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
    """The outcome of a slice.

    Attributes:
        changes: the judged changes.
        unjudged: the number of changes that this copy of the repository lacks data for.
        reason: the missing data, and the command that supplies it; empty if nothing is missing.
    """

    changes: Sequence[JudgedChange]
    unjudged: int = 0
    reason: str = ""


def judge(batch: Slice) -> JudgedSlice:
    """Judge the changes of a slice, each as a check of the range from its base would have on its day.

    The current working tree and branches are ignored.
    """
    # The caller's floor counts, not that of a worker's machine.
    environment = {name: value for name, value in os.environ.items() if name != FLOOR}
    judged: list[JudgedChange] = []
    reason = ""
    try:
        with Needed(), PastGit(Repository.locate(batch.repository, environment), batch.changes) as git:
            policies = PastPolicies(git, batch.plugins, batch.policy, batch.floor)
            for change in batch.changes:
                try:
                    with Needed():
                        judged.append(_judge_past_change(git, policies, change, batch))
                except SpecguardError as error:
                    reason = reason or reason_of(error, batch.repository)
    except SpecguardError as error:
        reason = reason_of(error, batch.repository)
    return JudgedSlice(judged, len(batch.changes) - len(judged), reason)


def _judge_past_change(git: PastGit, policies: PastPolicies, past: PastChange, batch: Slice) -> JudgedChange:
    commit = git.commit(past.head)
    branch = merged_branch(commit, batch.branch)
    today = datetime.fromtimestamp(past.at, UTC).date().isoformat()
    # What a policy of another time names need not have been there.
    ignore = () if batch.policy is None else ("CFG002",)
    request = Request(environment=git.repository.environment, today=today, ignore=ignore)
    subject, branch = json_safe(shortened(commit.message.subject, 120)), json_safe(branch)
    try:
        if batch.policy is None and past.head in git.joining:
            _refuse_other_past(git, policies, past)
        landed = _landed_change(git, request, commit, batch.branch)
        vars(landed)["refs"] = ()
        if branch:
            vars(landed)["branch"] = Branch(branch, "merge")
        verdict = judge_change(landed, policies, needs=())
    except NoAuthorityError as error:
        return JudgedChange(past, branch, subject, "", NO_AUTHORITY, error.message)
    except SpecguardError as error:
        if isinstance(error.__cause__, MissingFact) and error.__cause__.code in _MISSING_DATA:
            # The missing data is a fault of this copy, not of the change.
            raise
        place = f"{error.path}:{error.line}: " if error.path and error.line else ""
        return JudgedChange(past, branch, subject, "", BROKEN, json_safe(f"{place}{error.message}"))
    for result in verdict.results:
        if result.error in _MISSING_DATA:
            # A later audit may find the missing objects.
            raise SpecguardError(result.reason or "", help=result.command, code=result.error)
    states = {one.code: one.state for one in verdict.results if one.state != "off"}
    findings = [finding_data(judged) for judged in verdict.findings]
    policy_id = str(verdict.authority["policy_id"])
    return JudgedChange(past, branch, subject, policy_id, verdict.outcome, "", states, findings)


def _refuse_other_past(git: PastGit, policies: PastPolicies, past: PastChange) -> None:
    """Refuse a merge with a guarded history of its own root, as that may be the branch's real past."""
    words = ("rev-list", "--full-history", f"{past.head}^@", f"^{past.base}", "--", *DEFAULT_PATHS)
    oids = git.ask("the merged history", *words).decode("ascii").split()
    if any(map(policies.load, map(git.tree_at, oids))):
        message = "it joins a history that shares no commit with its first parent, and that had an authority"
        raise SpecguardError(message, code="no-common-ancestor")


def judge_as_merged(git: PastGit, policy: Policy, past: PastChange) -> Verdict:
    """Judge a past change by one policy, as of today.

    With `merge = "squash"`, the message that landed is used as the pull request's title.

    Raises:
        SpecguardError: the change cannot be judged.
        MissingFact: one of its objects is missing.
    """
    commit, repository = git.commit(past.head), git.repository
    request = Request(environment=repository.environment)
    change = _landed_change(git, request, commit)
    if policy.merge == "squash":
        change.event, change.stage = Event("pull_request", title=commit.message.subject), "pull-request"
    return judge_change(change, Policies(request, repository, given=policy), needs=())


def _landed_change(git: Git, request: Request, commit: Commit, branch: str = "") -> RangeChange:
    """Return the change that a commit of a first-parent line landed, without searching for its base."""
    parent = commit.parents[0] if commit.parents else None
    ref = f"refs/heads/{branch}" if branch else ""
    found = FoundBase(branch or parent, parent, "option", ref) if parent else FoundBase()
    change = RangeChange(git, request, found, head=Revision(commit.oid), named=commit.oid)
    vars(change)["entries"] = commit.diffs[0]
    if not commit.is_merge:
        vars(change).update(commits=[commit], landed_titles={"": commit.message.subject})
    return change


class PastPolicies(Policies):
    """The policies of a history, each compiled once; only plugins that the caller named are imported.

    Args:
        git: reads the repository.
        plugins: the distributions that may be imported.
        given, floor: as for `Policies`; without a floor, the environment names none either.
    """

    def __init__(self, git: Git, plugins: Sequence[str], given: Policy | None, floor: Floor | None) -> None:
        request = Request(environment=git.repository.environment)
        super().__init__(request, git.repository, given=given, floor=floor)
        # Cached policies of checks may name plugins that were allowed there.
        self.cache = None
        self._plugins = plugins
        self._compiled: dict[str, list[Policy]] = {}

    def load(self, tree: Tree, authority: str = "") -> Policy | None:
        """Load the policy of a tree, or of a file in place of its documents."""
        known = self._compiled.setdefault(authority or json.dumps(identify(tree)), [])
        for one in known:
            if has_documents(tree, one):
                return one
        if (policy := super().load(tree, authority)) is not None:
            known.append(policy)
        return policy

    def _base_policy(self, change: Change) -> Policy | None:
        """Return the policy of a change's base; an error does not say whether the change corrects it."""
        return self.load(change.policy_files)

    def registry(self, plugins: Sequence[str]) -> Registry:
        """Return the registry of the built-in plugin and these distributions.

        Raises:
            SpecguardError: the caller did not name one of them.
        """
        for name in plugins:
            if name not in self._plugins:
                message = f"if you trust the plugin {name!r}, add --plugin {name}: the policy uses it"
                raise SpecguardError(message, code="plugin-failed")
        return load_registry(plugins)
