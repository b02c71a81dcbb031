"""Owners of locked paths (`owners` of `locked-path`): their own area needs no approval by others."""

from __future__ import annotations

from specguard.authority.load import DEFAULTS
from specguard.change.change import BASELINE
from specguard.declaration.patterns import fold
from specguard.engine.run import state_of
from specguard.errors import MissingFact, NotApplicable
from specguard.model import listed, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.approvals.settings import Approver
    from specguard.authority.policy import Policy
    from specguard.change.request import Request
    from specguard.change.sources import Change
    from specguard.declaration.patterns import Guarding
    from specguard.model import RuleResult

_STAGES: Final = ("range", "pull-request")
_PROSE: Final = (b".md", b".rst", b".txt")
_SIGNED: Final = "whose key signed each commit that touches it"
_REVIEWED: Final = "who approved this head on the platform"


def accept_owners(
    request: Request, change: Change, policy: Policy, results: Sequence[RuleResult]
) -> list[str]:
    """Mark what owners did to locked paths of theirs as approved.

    Nothing of it holds in hooks and runs, where a program may act with its user's key.

    Args:
        request: what was asked for.
        change: what was judged.
        policy: the trusted policy, which names the owners.
        results: what became of the rules; that of `locked-path` may be altered.

    Returns:
        What a reader must see of it.
    """
    rule = policy.rule("PTH002")
    result = next((one for one in results if one.code == "PTH002"), None)
    if rule is None or result is None or not rule.settings.get("owners") or not rule.approvable:
        return []
    if change.stage not in _STAGES or change.source == "worktree" or not policy.trusted:
        # What a run has made is its working tree, whatever the stage it is judged at.
        return []
    if request.by_agent or request.pre_receive:
        return []
    settings = policy.declared("approval_settings")
    if settings.persons_for(rule.code, rule.name) > 1:
        return []
    found: dict[str, list[str]] = {}
    for judged in result.findings:
        path = judged.finding.path
        if judged.state != "open" or path is None or _decides(change, policy, path):
            continue
        named = _named(rule.settings["paths"], rule.settings["owners"], path)
        owners = [one for one in settings.approver if one.name in named]
        try:
            shown = _shown(change, policy, path, owners)
        except (MissingFact, NotApplicable):
            # What cannot be told shows no owner: the path stays locked.
            continue
        if shown:
            judged.state = "approved"
            found.setdefault(shown, []).append(path_text(path))
    if found:
        result.state = state_of(result.findings)
    return [f"Changed by an owner: {listed(paths)}; {shown}." for shown, paths in found.items()]


def _named(patterns: Guarding, owners: Mapping[str, Sequence[str]], path: bytes) -> set[str]:
    """The names that every locked pattern of a path has as its owners."""
    areas = {pattern.strip("/"): set(names) for pattern, names in owners.items()}
    matching = [index for _, indexes in patterns.find_all([path]) for index in indexes]
    named = [areas.get(patterns.patterns[index].strip("/"), set()) for index in matching]
    return set.intersection(*named) if named else set()


def _decides(change: Change, policy: Policy, path: bytes) -> bool:
    """Whether a path decides what is judged or who may approve: no owner changes that alone."""
    folded = fold(path)
    fixed = {BASELINE, *policy.document_paths, *(name.encode() for name in DEFAULTS)}
    if folded in {fold(one) for one in fixed} or folded.startswith(fold(policy.log_folder)):
        return True
    if folded.rpartition(b"/")[2] == b"codeowners":
        return True
    if folded.endswith(_PROSE):
        return False
    # A job or a hook that runs specguard names it.
    return any(
        b"specguard" in (tree.read(path) or b"").lower() for tree in (change.start_files, change.head_files)
    )


def _shown(change: Change, policy: Policy, path: bytes, owners: Sequence[Approver]) -> str:
    """The owner who changed or reviewed a path, and what shows it; empty where nothing does.

    Raises:
        MissingFact: it cannot be told.
        NotApplicable: the change has no commits.
    """
    from specguard.approvals.people import is_signed, part_of, people_of

    # A merge can take back what one of its parents has, so each difference from any of them counts.
    touching = [
        commit
        for commit in change.commits
        if any(entry.path == path for diff in commit.diffs for entry in diff)
    ]
    signers = [
        next((one.name for one in owners if is_signed(change.git, commit.oid, one.keys)), "")
        for commit in touching
    ]
    if signers and all(signers):
        return f"{listed(list(dict.fromkeys(signers)))}, {_SIGNED}"
    author, accounts = change.author_login.casefold(), {login.casefold() for login in change.reviewers}
    people = people_of(change, policy.log_folder) if author and accounts else ()
    for one in owners if people else ():
        logins = {login.casefold() for login in one.logins}
        if author not in logins and logins & accounts and not part_of(one, people):
            return f"{one.name}, {_REVIEWED}"
    return ""
