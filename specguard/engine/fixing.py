"""The fixes that rules propose for findings, grouped by the file, message or branch that they change."""

from __future__ import annotations

from specguard.change.change import BASELINE
from specguard.declaration.rule import EditFile, RenameBranch, RewordMessage
from specguard.engine.rule_runner import arguments
from specguard.errors import failure_text, if_known
from specguard.model import TYPE_CHECKING, Record, grouped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, TypeAlias

    from specguard.authority.policy import RuleInPolicy
    from specguard.change.entries import Message
    from specguard.declaration.rule import Fix
    from specguard.engine.facts import Facts
    from specguard.model import Judged, RuleResult

    Fixes: TypeAlias = Sequence[tuple[EditFile | RewordMessage, str]]
    """Fixes of one file or message, each with the code of its rule."""


class Proposal(Record):
    """A proposed change of one file, message or branch, for one or more findings.

    Attributes:
        kind: `branch`, `message` or `file`.
        codes: the codes of the rules whose findings it fixes.
        name: the branch's current name, the commit's object id, or the path.
        before: the current name, message or content, as bytes.
        after: the name, message or content after the fix.
        refusal: why the fix must not be applied, as a clause; empty if it may be.
    """

    kind: Literal["branch", "message", "file"]
    name: bytes
    before: bytes
    after: bytes
    codes: Sequence[str]
    refusal: str = ""


def propose(results: Sequence[RuleResult], facts: Facts) -> Sequence[Proposal]:
    """Collect the fixes that the rules propose for their open findings; nothing is changed here.

    Files come first, then messages, then the branch.

    Args:
        results: the results of the rules.
        facts: the facts that the rules ask for.
    """
    rules = {rule.code: rule for rule in facts.policy.rules}
    opened = [one for result in results for one in result.findings if one.state == "open"]
    made = [(_get_fix(rules[one.code], one, facts), one.code) for one in opened]
    files = grouped((fix.path, (fix, code)) for fix, code in made if isinstance(fix, EditFile))
    reworded = ((fix.commit or "", (fix, code)) for fix, code in made if isinstance(fix, RewordMessage))
    messages = grouped(one for one in reworded if one[0])
    branches = [(fix, code) for fix, code in made if isinstance(fix, RenameBranch)]
    crashed = {code: fix for fix, code in made if isinstance(fix, Proposal)}
    found = [_file_fix(path, fixes, facts, crashed) for path, fixes in sorted(files.items())]
    found += [_message_fix(commit, fixes, facts, crashed) for commit, fixes in messages.items()]
    found += [_branch_fix(fix, code, facts) for fix, code in branches[:1]]
    return [*(one for one in found if one is not None and one.codes), *crashed.values()]


def _get_fix(rule: RuleInPolicy, judged: Judged, facts: Facts) -> Fix | Proposal | None:
    """Return the fix that a rule proposes for a finding; None if it has none or lacks a fact.

    If the rule crashes, the proposal is refused, with the reason.
    """
    method: Any = rule.load().fix or (lambda _: None)
    try:
        fix: Fix | None = if_known(lambda: method(judged.finding, *arguments(method, 2, facts)), None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the finding stays, for a person to put right
        return _crash(rule.code, judged.finding, error)
    named = isinstance(fix.path, bytes) if isinstance(fix, EditFile) else True
    if named and isinstance(fix, EditFile | RewordMessage | RenameBranch | None):
        return fix
    return _crash(rule.code, judged.finding, TypeError(f"{fix!r} is not a fix, or its path is not bytes"))


def _crash(code: str, about: Any, error: BaseException) -> Proposal:
    """Return the refused proposal of a rule whose fix of a finding, or the function in it, crashed."""
    path, commit = getattr(about, "path", None), getattr(about, "commit", None) or ""
    refusal = f"the rule's fix crashed: {failure_text(error)}"
    return Proposal("file" if path else "message", path or commit.encode(), b"", b"", [code], refusal)


def _file_fix(path: bytes, fixes: Fixes, facts: Facts, crashed: dict[str, Proposal]) -> Proposal | None:
    policy, change = facts.policy, facts.change
    before = if_known(
        lambda: change.head_files.read(path) if change.head_files.has_file(path) else None, None
    )
    if before is None:
        return None
    after, codes = _apply_edits(before.decode("utf-8", "surrogateescape"), fixes, crashed)
    guard = policy.guards.find(path)
    refused = f"{guard.code} {guard.rule} keeps it as it is ({guard.key})" if guard else ""
    if path in policy.document_paths or path == BASELINE or path.startswith(policy.log_folder):
        refused = "it is part of what changes are judged by"
    return Proposal("file", path, before=before, after=after, codes=codes, refusal=refused)


def _message_fix(commit: str, fixes: Fixes, facts: Facts, crashed: dict[str, Proposal]) -> Proposal | None:
    messages: Sequence[Message] = if_known(lambda: facts.get("messages"), ())
    message = next((one for one in messages if one.commit == commit), None)
    if message is None or message.merge or not message.valid or message.encoding:
        return None
    after, codes = _apply_edits(message.text, fixes, crashed)
    is_followed = commit != facts.change.git.repository.head
    refused = "others follow it; the finding says how to reword it" if is_followed else ""
    # Git ends every message that it records with a newline.
    return Proposal("message", commit.encode(), message.raw, after.rstrip(b"\n") + b"\n", codes, refused)


def _branch_fix(fix: RenameBranch, code: str, facts: Facts) -> Proposal | None:
    names = if_known(lambda: (facts.get("branch").name, facts.get("base").name), None)
    if names is None:
        return None
    branch, base = names
    refused = "it is the base" if base in (branch, f"origin/{branch}") else ""
    name, after = (one.encode("utf-8", "surrogateescape") for one in (branch, str(fix.name)))
    return Proposal("branch", name, before=name, after=after, codes=[code], refusal=refused)


def _apply_edits(text: str, fixes: Fixes, crashed: dict[str, Proposal]) -> tuple[bytes, list[str]]:
    """Apply fixes to a text; return its bytes, and the rules whose fixes changed it. Collect crashed ones."""
    codes: list[str] = []
    before = text
    for fix, code in fixes:
        try:
            after = fix.edit(text)
            after.encode("utf-8", "surrogateescape")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's; the finding stays
            crashed.setdefault(code, _crash(code, fix, error))
            continue
        if after != text:
            text = after
            codes += [code] if code not in codes else []
    return text.encode("utf-8", "surrogateescape"), codes if text != before else []
