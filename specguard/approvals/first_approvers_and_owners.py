"""Accept changes without an approval: that which adds the first approvers, and those by path owners."""

from __future__ import annotations

import binascii
import tomllib
from functools import partial
from hashlib import sha256

from specguard.approvals.people import Approver, find_part, find_people, is_signed, key_blob
from specguard.authority.load import DEFAULT_PATHS
from specguard.authority.policy import Policy, plain
from specguard.change.change import BASELINE, Change
from specguard.change.entries import FILE, Entry
from specguard.declaration.patterns import Guarding, fold
from specguard.errors import MissingFact, NotApplicable, if_applicable, if_known
from specguard.model import TYPE_CHECKING, RuleResult, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    from specguard.engine.facts import Facts


_LIFTED_RULES: Final = ("PTH002", "PTH004")
_ADDED_FENCES: Final = ((), (b"```", b"```toml specguard"))
"""The fences that may be added with the tables: none, or those of one block."""

_FIRST_APPROVER_NOTE: Final = (
    "The authority names no approver yet. A change is accepted that adds [[approvals.approver]] tables to "
    "it, without comments and in one commit, and touches nothing else that is guarded."
)

_OWNERS_WAY: Final = " without an approval, if their SSH key signs the commits or they review it."
_NOBODY: Final = "Nobody may approve exceptions yet: specguard init --approver NAME=KEYFILE adds who may."


def accept_first_approvers(facts: Facts, results: Sequence[RuleResult]) -> list[str]:
    """Accept that a change adds the first approvers to the authority; other findings stay as judged.

    Args:
        facts: the facts of the change. Nothing is accepted if its policy already names an approver.
        results: the results of the rules; those of rules that guard the authority are changed in place.

    Returns:
        Notes for the reader of the report.
    """
    change, policy, request = facts.change, facts.policy, facts.change.request
    # A base that only this machine knows counts too, as no verdict against it is final.
    based = policy.trusted or (change.found.how == "local" and policy.ref)
    by_program = request.by_agent or change.stage in ("edit", "run")
    if not based or by_program or policy.declared("approval_settings").approver:
        return []
    try:
        compared = facts.get("policy_change")
        additions = [one for one in compared.differences if one.key == "approvals.approver" and not one.old]
        if not additions:
            failed = [policy.rule(one.code) for one in results if one.state == "failed"]
            return [_NOBODY] if any(rule and rule.approvable for rule in failed) else []
        single = len(compared.differences) == 1 and not compared.problem and compared.baseline is None
        if not (single and _only_adds_approvers(change, policy, additions[0].new, results)):
            return [_FIRST_APPROVER_NOTE]
    except (MissingFact, NotApplicable):
        return []
    if request.enforce and not request.bootstrap:
        return ["The authority names no approver yet. With --bootstrap, once, this change is accepted."]
    for result in results:
        if result.code in _LIFTED_RULES and result.findings:
            for judged in result.findings:
                judged.state = "approved"
            result.keep(result.findings)
    return [_introduction(approver) for approver in additions[0].new]


def _only_adds_approvers(
    change: Change, policy: Policy, approvers: Sequence[Mapping[str, Any]], results: Sequence[RuleResult]
) -> bool:
    """Return True if a change adds these approvers to one document, and does nothing else that is guarded."""
    documents = [entry for entry in change.entries if entry.path in policy.document_paths]
    if [(one.old_mode, one.new_mode) for one in documents] != [(FILE, FILE)]:
        return False
    [document] = documents
    found = [judged for result in results if result.code.startswith("PTH") for judged in result.findings]
    rules = [policy.rule(code) for code in _LIFTED_RULES]
    return (
        all(rule is not None and rule.approvable for rule in rules)
        and all(one.code in _LIFTED_RULES and one.finding.path == document.path for one in found)
        and all(entry is document or policy.guards.find(entry.path) is None for entry in change.entries)
        and _is_one_step(change, document)
        and _added_tables(change, document) == list(approvers)
    )


def _is_one_step(change: Change, document: Entry) -> bool:
    """Return True if each commit that touches the document makes the change's whole difference to it."""
    # Uncommitted changes become one commit.
    commits = if_applicable(lambda: change.commits, ())
    touched = [one for commit in commits for one in commit.own_entries if one.path == document.path]
    return all((one.old, one.new) == (document.old, document.new) for one in touched)


def _added_tables(change: Change, document: Entry) -> Sequence[Mapping[str, Any]]:
    """Return the approvers that a document's added lines define; empty if it changes in any other way."""
    contents = [tree.read(document.path) or b"" for tree in (change.start_files, change.head_files)]
    # The last line may lack its end, and has one as soon as lines follow it.
    end = b"\r\n" if b"\r\n" in contents[0] else b"\n"
    old, new = ((one.removesuffix(end) + end).splitlines(keepends=True) for one in contents)
    at = next((at for at, line in enumerate(old) if at == len(new) or line != new[at]), len(old))
    added = new[at : at + len(new) - len(old)]
    if [*old[:at], *added, *old[at:]] != new or any(b"#" in line for line in added):
        return []
    if tuple(sorted(line.strip() for line in added if line.startswith(b"```"))) not in _ADDED_FENCES:
        return []
    text = b"".join(line for line in added if not line.startswith(b"```"))

    try:
        match tomllib.loads(text.decode()):
            case {"approvals": {"approver": [*tables], **others}, **more} if not (others or more):
                return [plain(Approver(**table)) for table in tables]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError):
        # The added lines are not such a table.
        pass
    return []


def _introduction(approver: Mapping[str, Any]) -> str:
    keys = Approver(**approver).keys
    digests = [binascii.b2a_base64(sha256(key_blob(key)).digest(), newline=False) for key in keys]
    prints = ["SHA256:" + digest.decode().rstrip("=") for digest in digests]
    key_clause = f", signs with {listed(prints)}" if prints else ""
    return (
        f"First approver: {approver['name']}, who may lift {listed(approver['may'], 20)}{key_clause}. "
        "Nobody could approve this; see that it is meant."
    )


def accept_owners(change: Change, policy: Policy, results: Sequence[RuleResult]) -> list[str]:
    """Mark findings on locked paths as approved if an owner of the path changed or reviewed it.

    Nothing is accepted in hooks and runs, where a program may use its user's key.

    Args:
        change: the judged change.
        policy: the trusted policy, which names the owners.
        results: the results of the rules; that of `locked-path` may be changed in place.

    Returns:
        Notes for the reader of the report.
    """
    request = change.request
    rule = policy.rule("PTH002")
    result = next((one for one in results if one.code == "PTH002"), None)
    if rule is None or result is None or not rule.settings.get("owners") or not rule.approvable:
        return []
    # A run's output is its working tree, whatever the stage.
    by_program = change.source == "worktree" or request.by_agent or request.pre_receive
    settings = policy.declared("approval_settings")
    is_open = policy.trusted and settings.persons_for(rule.code, rule.name) == 1
    if change.stage not in ("range", "pull-request") or by_program or not is_open:
        return []
    found: dict[tuple[str, str], list[str]] = {}
    for judged in result.findings:
        path = judged.finding.path
        # A file that cannot be read, such as a very large one, stays locked too.
        if judged.state != "open" or path is None or if_known(partial(_controls, change, policy, path), True):
            continue
        named = _owner_names(rule.settings["paths"], rule.settings["owners"], path)
        owners = [one for one in settings.approver if one.name in named]
        # Without evidence of an owner, the path stays locked.
        evidence = if_known(partial(_owner_evidence, change, policy, path, owners), "")
        judged.state = "approved" if evidence else "open"
        if owners:
            note = f"{listed([one.name for one in owners])} may change ", _OWNERS_WAY
            changed = "Changed by an owner: ", f"; {evidence}."
            found.setdefault(changed if evidence else note, []).append(path_text(path))
    result.keep(result.findings)
    return [f"{before}{listed(paths)}{after}" for (before, after), paths in found.items()]


def _owner_names(patterns: Guarding, owners: Mapping[str, Sequence[str]], path: bytes) -> set[str]:
    """Return the names that are owners of every locked pattern which matches a path."""
    areas = {pattern.strip("/"): set(names) for pattern, names in owners.items()}
    matching = [index for _, indexes in patterns.find_all([path]) for index in indexes]
    named = [areas.get(patterns.patterns[index].strip("/"), set()) for index in matching]
    return set.intersection(*named) if named else set()


def _controls(change: Change, policy: Policy, path: bytes) -> bool:
    """Return True if a path controls judging or approving; a change of it by an owner needs an approval.

    Raises:
        MissingFact: the file cannot be read.
    """
    folded = fold(path)
    fixed = {BASELINE, *policy.document_paths, *(name.encode() for name in DEFAULT_PATHS)}
    named = folded.rpartition(b"/")[2] in (b"codeowners", b"spec_authority.md")
    if named or folded in {fold(one) for one in fixed} or folded.startswith(fold(policy.log_folder)):
        return True
    if folded.endswith((b".md", b".rst", b".txt")):
        return False
    # A job or a hook that runs specguard names it.
    trees = change.base_files, change.start_files, change.head_files
    return any(b"specguard" in (tree.read(path) or b"").lower() for tree in trees)


def _owner_evidence(change: Change, policy: Policy, path: bytes, owners: Sequence[Approver]) -> str:
    """Return the owner who changed or reviewed a path, with the evidence; empty if there is none.

    Args:
        change: the judged change.
        policy: the trusted policy.
        path: the path.
        owners: its owners.

    Raises:
        MissingFact: the evidence cannot be read.
        NotApplicable: the change has no commits.
    """
    # A merge can revert a parent's content, so its difference from each parent counts, unless git made it.
    touching = [
        commit
        for commit in change.commits
        for entries in ([commit.own_entries] if commit.oid in change.plain_merges else commit.diffs)
        if any(entry.path == path for entry in entries)
    ]
    signers = [
        next((one.name for one in owners if is_signed(change.git, commit.oid, tuple(one.keys))), "")
        for commit in touching
    ]
    # What an owner signed in another repository has no common ancestor with the base.
    related = (change.git.merge_bases(change.base.tip or commit.oid, commit.oid) for commit in touching)
    if signers and all(signers) and all(related):
        return f"{listed(list(dict.fromkeys(signers)))}, whose key signed each commit that touches it"
    author, accounts = change.author_login.casefold(), {login.casefold() for login in change.reviewers}
    people = find_people(change, policy.log_folder) if author and accounts else ()
    for one in owners if people else ():
        logins = {login.casefold() for login in one.logins}
        if author not in logins and logins & accounts and not find_part(one, people):
            return f"{one.name}, who approved this head on the platform"
    return ""
