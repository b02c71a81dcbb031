"""What the last changes of a repository say of an authority that `specguard init` proposes."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from time import monotonic

from specguard.approvals.people import CONVENTIONS
from specguard.change.base import local_base, usual_base
from specguard.change.git import Git
from specguard.change.request import Request
from specguard.cli.proposed import Setting
from specguard.documents.toml import toml_key, toml_value
from specguard.engine.ranges import judge_landed, landed
from specguard.errors import MissingFact, SpecguardError
from specguard.model import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.change.entries import Commit
    from specguard.change.repository import Repository
    from specguard.cli.proposed import Proposed

LOOKED_AT: Final = 200
"""So many changes are looked at."""

_SECONDS: Final = 60
"""For so long; what is left then is not looked at."""

_FEW: Final = 20
"""Fewer changes say nothing of a team's ways."""

_OFTEN: Final = 20
"""A convention that more than one of so many changes breaks is none yet.

What guards is never loosened because it was broken.
"""

_GUARDS: Final = ("PTH001", "PTH002")
_FEW_OF_BOT: Final = 3
_BOT: Final = "[bot]"
"""How a bot's account is written, and its name in what it commits."""

_NUMBERED: Final = re.compile(r" \(#[0-9]+\)$")
_PINS: Final = Setting(toml='rules.locked-path.pins = "allow"')


def look_back(repository: Repository, proposed: Proposed, compiled: Callable[[str], Policy]) -> Iterator[str]:
    """Judge the last changes by what is proposed, and add the settings that they ask for.

    Args:
        repository: whose history.
        proposed: the authority; settings are added to it.
        compiled: makes a policy of its text.

    Yields:
        What a person must know of it.
    """
    with Git(repository) as git:
        try:
            found = usual_base(git) or local_base(git)
            commits = landed(git, found.oid, most=LOOKED_AT) if found is not None and found.oid else ()
            # A first commit is no change of anything.
            commits = [commit for commit in commits if commit.parents]
            if len(commits) < _FEW:
                return
            past = _Past(git, repository)
            before = past.failures(compiled(proposed.text), "by the defaults", commits)
            commits = commits[: len(before)]
            proposed.settings += _landing(commits)
            if _locked(before):
                proposed.settings.append(_PINS)
            failed = [commit for commit in commits if before[commit.oid]]
            # What is proposed here only lifts.
            after = {**before, **past.failures(compiled(proposed.text), "as proposed", failed)}
        except (MissingFact, SpecguardError) as error:
            reason = error.reason if isinstance(error, MissingFact) else error.message
            yield f"past changes: not looked at: {reason}"
            return
    count = len(commits)
    pins = _locked(before) - _locked(after)
    if _PINS in proposed.settings:
        proposed.settings.remove(_PINS)
    if pins:
        why = f"{pins} of the last {count} changes altered only pinned versions of locked files"
        proposed.settings.append(Setting(toml=_PINS.toml, why=why))
    yield f"past changes: {_said(before, count)} by what is guarded and the defaults"
    proposed.settings += _bots(commits, after)
    proposed.settings += _severities(compiled(proposed.text), after)
    if after != before:
        yield f"past changes: {_said(after, count)} by what is proposed"


def _landing(commits: Sequence[Commit]) -> Iterator[Setting]:
    """How changes land, where most of them are one commit that the platform has numbered."""
    numbered = sum(
        not commit.is_merge and bool(_NUMBERED.search(commit.message.subject)) for commit in commits
    )
    if 2 * numbered > len(commits):
        why = f"{numbered} of the last {len(commits)} changes landed as one numbered commit"
        yield Setting(toml='merge = "squash"', why=why)


def _bots(commits: Sequence[Commit], failures: dict[str, frozenset[str]]) -> Iterator[Setting]:
    """Accounts of bots that often break conventions, as far as names tell; their failures are taken out."""
    broke: dict[str, list[str]] = {}
    for commit in commits:
        name = commit.author.partition(" <")[0]
        if name.endswith(_BOT) and any(code.startswith(CONVENTIONS) for code in failures[commit.oid]):
            broke.setdefault(name, []).append(commit.oid)
    for name, oids in broke.items():
        if len(oids) < _FEW_OF_BOT:
            continue
        for oid in oids:
            failures[oid] = frozenset(code for code in failures[oid] if not code.startswith(CONVENTIONS))
        yield Setting(
            toml=f"[authors.{toml_key(name.removesuffix(_BOT))}]\nlogins = {toml_value([name])}",
            why=f"{len(oids)} of the last {len(commits)} changes; the platform says whose a change is",
        )


def _severities(policy: Policy, failures: dict[str, frozenset[str]]) -> Iterator[Setting]:
    """Conventions that are none yet, as warnings; their failures are taken out."""
    for code, times in sorted(_count(failures).items()):
        rule = policy.rule(code)
        if rule is None or not code.startswith(CONVENTIONS) or times * _OFTEN <= len(failures):
            continue
        for oid, codes in failures.items():
            failures[oid] = codes - {code}
        yield Setting(
            toml=f'rules.{rule.name}.severity = "warning"',
            why=f"{times} of the last {len(failures)} changes break it",
        )


class _Past:
    """Changes that have landed, and what fails of them."""

    def __init__(self, git: Git, repository: Repository) -> None:
        self._git = git
        self._end = monotonic() + _SECONDS
        self._request = Request(environment=repository.environment, directory=repository.directory)

    def failures(self, policy: Policy, said: str, commits: Sequence[Commit]) -> Mapping[str, frozenset[str]]:
        """The rules that fail by a policy, for each change: their codes, and of a guard its pattern too."""
        found: dict[str, frozenset[str]] = {}
        told = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        for at, (commit, verdict) in enumerate(
            judge_landed(self._git, self._request, policy, commits), start=1
        ):
            found[commit.oid] = frozenset(
                f"{one.code} {one.finding.key}" if one.code in _GUARDS else one.code
                for one in verdict.findings
                if one.severity == "error" and one.state == "open"
            )
            if told and (at % 10 == 0 or at == len(commits)):
                end = "\r\033[K" if at == len(commits) else ""
                sys.stderr.write(f"\rpast changes, {said}: {at} of {len(commits)}{end}")
                sys.stderr.flush()
            if monotonic() > self._end:
                break
        return found


def _locked(failures: Mapping[str, frozenset[str]]) -> int:
    """How many changes fail by a lock."""
    return sum(any(code.startswith(_GUARDS[1]) for code in codes) for codes in failures.values())


def _count(failures: Mapping[str, frozenset[str]]) -> Counter[str]:
    return Counter(code for codes in failures.values() for code in codes)


def _said(failures: Mapping[str, frozenset[str]], count: int) -> str:
    failed = sum(bool(codes) for codes in failures.values())
    named = [f"{code} {times}" for code, times in _count(failures).most_common()]
    return f"{failed} of the last {count} would have failed{f' ({listed(named)})' if named else ''}"
