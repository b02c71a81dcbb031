"""The first approvers: where nobody may approve, a change that only names them is accepted."""

from __future__ import annotations

import binascii
import tomllib
from hashlib import sha256

from specguard.approvals.settings import Approver, key_blob
from specguard.authority.policy import plain
from specguard.engine.run import state_of
from specguard.errors import MissingFact, NotApplicable
from specguard.model import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.change.entries import Entry
    from specguard.change.request import Request
    from specguard.change.sources import Change
    from specguard.engine.facts import Facts
    from specguard.model import RuleResult

_LIFTED: Final = ("PTH002", "PTH004")
_FILE: Final = 0o100644
_BLOCKS: Final = ((), (b"```", b"```toml specguard"))
"""The fences that may be added with the tables: none, or those of one block."""

_HOW: Final = (
    "The authority names no approver yet. A change is accepted that adds [[approvals.approver]] tables to "
    "it, without comments and in one commit, and touches nothing else that is guarded."
)


def accept_first_approvers(
    request: Request, change: Change, policy: Policy, facts: Facts, results: Sequence[RuleResult]
) -> list[str]:
    """Accept what such a change does to the authority; the rest of it stays as it was judged.

    Args:
        request: what was asked for.
        change: what is judged.
        policy: by what; nothing is done where it names an approver.
        facts: the facts of the change.
        results: what became of the rules; those that hold the authority are altered.

    Returns:
        What a reader must see of it.
    """
    # A base that only this machine knows is never final either.
    based = policy.trusted or (change.found.how == "local" and policy.ref)
    if not based or policy.declared("approval_settings").approver:
        return []
    if request.by_agent or change.stage in ("edit", "run"):
        return []
    try:
        compared = facts.get("policy_change")
        named = [one for one in compared.differences if one.key == "approvals.approver" and not one.old]
        if not named:
            return []
        alone = len(compared.differences) == 1 and not compared.problem and compared.baseline is None
        if not (alone and _is_all(change, policy, named[0].new, results)):
            return [_HOW]
    except (MissingFact, NotApplicable):
        return []
    if request.enforce and not request.bootstrap:
        return ["The authority names no approver yet. With --bootstrap, once, this change is accepted."]
    for result in results:
        if result.code in _LIFTED and result.findings:
            for judged in result.findings:
                judged.state = "approved"
            result.state = state_of(result.findings)
    return [_introduced(approver) for approver in named[0].new]


def _is_all(
    change: Change, policy: Policy, approvers: Sequence[Mapping[str, Any]], results: Sequence[RuleResult]
) -> bool:
    """Whether a change adds these approvers to one document, and does nothing else that a lock could stop."""
    documents = [entry for entry in change.entries if entry.path in policy.document_paths]
    if len(documents) != 1 or not _is_edited(documents[0]):
        return False
    document = documents[0]
    found = [judged for result in results if result.code.startswith("PTH") for judged in result.findings]
    rules = [policy.rule(code) for code in _LIFTED]
    return (
        all(rule is not None and rule.approvable for rule in rules)
        and all(one.code in _LIFTED and one.finding.path == document.path for one in found)
        and all(entry is document or policy.guards.find(entry.path) is None for entry in change.entries)
        and _is_at_once(change, document)
        and _added_tables(change, document) == list(approvers)
    )


def _is_edited(entry: Entry) -> bool:
    return entry.old_mode == entry.new_mode == _FILE


def _is_at_once(change: Change, document: Entry) -> bool:
    """Whether no commit does anything to the document but what the change comes to."""
    try:
        commits = change.commits
    except NotApplicable:
        # What is no commit yet becomes one.
        return True
    touched = [entry for commit in commits for entry in commit.own_entries if entry.path == document.path]
    return all((one.old, one.new) == (document.old, document.new) for one in touched)


def _added_tables(change: Change, document: Entry) -> Sequence[Mapping[str, Any]]:
    """The approvers that a document's added lines are, as settings; none where lines do anything else."""
    old, new = (
        (tree.read(document.path) or b"").splitlines(keepends=True)
        for tree in (change.start_files, change.head_files)
    )
    at = next((at for at, line in enumerate(old) if at == len(new) or line != new[at]), len(old))
    rest = len(old) - at
    added = new[at : len(new) - rest]
    if [*old[:at], *added, *old[at:]] != new or any(b"#" in line for line in added):
        return []
    if tuple(sorted(line.strip() for line in added if line.startswith(b"```"))) not in _BLOCKS:
        return []
    text = b"".join(line for line in added if not line.startswith(b"```"))

    try:
        match tomllib.loads(text.decode()):
            case {"approvals": {"approver": [*tables], **others}, **more} if not (others or more):
                return [plain(Approver(**table)) for table in tables]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError):
        # What is no such table is not read.
        pass
    return []


def _introduced(approver: Mapping[str, Any]) -> str:
    keys = [approver["key"]] if isinstance(approver["key"], str) else approver["key"]
    digests = [binascii.b2a_base64(sha256(key_blob(key)).digest(), newline=False) for key in keys if key]
    prints = ["SHA256:" + digest.decode().rstrip("=") for digest in digests]
    signs = f", signs with {listed(prints)}" if prints else ""
    return (
        f"First approver: {approver['name']}, who may lift {listed(approver['may'], 20)}{signs}. "
        "Nobody could approve this; see that it is meant."
    )
