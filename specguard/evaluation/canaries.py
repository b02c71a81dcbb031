"""Canaries: for each rule, a change that it must catch under this policy, and the outcome."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from specguard.authority.policy import RuleInPolicy
from specguard.declaration.patterns import Covering, Patterns
from specguard.declaration.rule import load
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import SpecguardError
from specguard.evaluation.policy_tests import OwnAuthority
from specguard.model import listed, path_text
from specguard.testing.case import Case
from specguard.testing.case_file import CaseError
from specguard.testing.repository import Step, to_bytes
from specguard.testing.running import Outcome, examples, judge_case

_WHOLE_POLICY = "under this policy"
_MUTES_ONLY = "with this policy's severity, stages and exceptions for the rule"


@dataclass(frozen=True)
class Canary:
    """A rule with the outcome of the change that it should catch.

    Attributes:
        rule: the rule.
        outcome: `caught`; `missed` if the rule let the change pass; `unprovoked` if no suitable change was
            found, so nothing is shown.
        detail: the change and the settings under which it was judged, or the reason why it is missing.
    """

    rule: RuleInPolicy
    outcome: Literal["caught", "missed", "unprovoked"]
    detail: str


def try_canaries(authority: OwnAuthority) -> Iterator[Canary]:
    """Try every active rule of an authority with a canary in a scratch repository.

    Args:
        authority: the authority.
    """
    for rule in authority.policy.rules:
        if rule.active:
            yield _try_settings(rule, authority) or _try_example(rule, authority)


def _try_settings(rule: RuleInPolicy, authority: OwnAuthority) -> Canary | None:
    """Try a rule with paths from its own settings; None without such paths, or if it did not judge."""
    if problem := unmatched_reason(rule, authority):
        return Canary(rule, "missed", f"{problem}; write it as the tree has it")
    if not (paths := _paths(rule, authority)):
        return None
    # Half of the paths are added, half are changed.
    changed = [path for path in paths[1::2] if path not in authority.policy.document_paths]
    case = Case(
        base=[Step("chore: base", files=dict.fromkeys(changed, "a\n"))],
        commits=[Step("feat: canary", files=dict.fromkeys(paths, "b\n"))],
        args=[f"--select={rule.code}"],
    )
    outcome = _judge(_at_own_stage(authority.with_authority(case), rule))
    if outcome is None or outcome.state(rule.code) in ("not-applicable", "off", None):
        return None
    found = {
        to_bytes((finding.get("location") or {}).get("path") or "")
        for report in outcome.reports
        for finding in report.get("findings", ())
    }
    missed = [path for path in paths if path not in found]
    detail = f"a change that touches {listed(list(map(path_text, paths)), 3)}"
    if missed:
        detail += f": not found at {', '.join(map(path_text, missed))}"
    return Canary(rule, "missed" if missed else "caught", detail)


def _try_example(rule: RuleInPolicy, authority: OwnAuthority) -> Canary:
    """Try a rule with the failing examples of its own page."""
    reason = "its page has no example that fails"
    muted = ""
    for example in examples(load(rule.target)):
        if example.kind != "fails":
            continue
        try:
            case = example.case
            muted_case = _with_mutes(case, rule)
        except ValueError as error:
            # A plugin's example is no case, or its policy is not TOML.
            reason = str(error)
            continue
        where = f"the example {example.number} of its page"
        whole = authority.with_authority(replace(case, policy=None))
        for tried, under in ((whole, _WHOLE_POLICY), (muted_case, _MUTES_ONLY)):
            outcome = _judge(_at_own_stage(tried, rule)) if tried is not None else None
            if outcome is None:
                continue
            if rule.code in outcome.codes and rule.name in (*_GUARDS, _CODE_RULE) and under != _WHOLE_POLICY:
                reason = f"no change could be guessed that its own settings cover; caught is {where}"
            elif rule.code in outcome.codes:
                return Canary(rule, "caught", f"{where}, {under}")
            elif outcome.state(rule.code) == "passed" and under == _MUTES_ONLY:
                muted = f"{where}, {under}, is let through"
            else:
                texts = [one["reason"] for one in outcome.report.get("rules", ()) if one["code"] == rule.code]
                reason = "".join(filter(None, texts)) or reason
    return Canary(rule, "missed" if muted else "unprovoked", muted or reason)


def _with_mutes(case: Case, rule: RuleInPolicy) -> Case | None:
    """Return an example with the settings that may mute the rule; None if they cannot be combined."""
    text = case.policy or ""
    common: dict[str, Any] = {"severity": rule.severity, "stages": list(rule.stages)}
    if rule.exclude:
        common["exclude"] = list(rule.exclude.patterns)
    if text.startswith("#"):
        # A second table of the same rule is an error, which the check then reports.
        # The table has its own section: a sentence is bound to the rules whose settings are next to it.
        block = f"## Settings\n\n```toml specguard\nrules.{rule.name} = {toml_value(common)}\n```\n"
        return replace(case, policy=f"{text.rstrip()}\n\n{block}")
    data = tomllib.loads(text)
    table = data.setdefault("rules", {}).setdefault(rule.name, {})
    if not text or not isinstance(table, dict):
        return None
    table.update(common)
    lines = (f"{toml_key(key)} = {toml_value(value)}\n" for key, value in data.items())
    return replace(case, policy="".join(lines))


def _at_own_stage(case: Case, rule: RuleInPolicy) -> Case:
    """Return a case at a stage of the rule, if the rule does not judge ranges."""
    stages: Sequence[str] = rule.stages
    if "range" in stages or case.staged or case.worktree or case.commit_message or case.title is not None:
        return case
    if "pull-request" in stages:
        return replace(case, title="feat: canary", body=case.body or "")
    if "staged" in stages and len(case.commits) == 1:
        return replace(case, commits=[], staged=case.commits[0])
    return case


def _judge(case: Case) -> Outcome | None:
    """Return the outcome of checking a case; None without a verdict."""
    try:
        outcome, _ = judge_case(case, installed=False)
        return None if any(report.get("errors") for report in outcome.reports) else outcome
    except (CaseError, AssertionError, SpecguardError):
        return None


_CHAR_CLASS = re.compile(r"\[(?P<not>[!^])?(?P<first>[^]])[^]]*\]")
_WILDCARD = re.compile(r"(\*+|\?)")
_WORD = "canary"
_MOST = 40
_GUARDS = ("forbidden-path", "locked-path")
_CODE_RULE = "missing-spec-change"


def guess_path(patterns: Patterns, position: int, exclude: Covering | None = None) -> bytes | None:
    """Return a path that a pattern matches; None if none can be guessed.

    Args:
        patterns: the patterns.
        position: the index of the pattern.
        exclude: paths that must not be returned.
    """
    pattern = patterns.patterns[position]
    plain = _CHAR_CLASS.sub(lambda found: "~" if found["not"] else found["first"], pattern).lstrip("/")
    parts = _WILDCARD.split(plain)
    for word in (_WORD, "canary.md", "c"):
        filled = "".join("q" if part == "?" else word if "*" in part else part for part in parts)
        for end in (_WORD, "canary.md", ""):
            path = f"{filled.rstrip('/')}/{end}" if end and filled.endswith("/") else filled.rstrip("/")
            data = path.replace("\\", "").encode("utf-8", "surrogateescape")
            if data and patterns.matches(data) and not (exclude and exclude.matches(data)):
                return data
    return None


def compatible(paths: Iterable[bytes]) -> list[bytes]:
    """Return the paths that can exist in one tree: none is a folder of another, ignoring case."""
    by_folder: dict[bytes, bytes] = {}
    for path in paths:
        folder = path.lower() + b"/"
        if not any(folder.startswith(other) or other.startswith(folder) for other in by_folder):
            by_folder[folder] = path
    return list(by_folder.values())


def unmatched_reason(rule: RuleInPolicy, authority: OwnAuthority) -> str:
    """Return the reason why a rule about the repository's code cannot match, as a clause; empty if it can."""
    if rule.name != _CODE_RULE or not authority.files or _paths(rule, authority):
        return ""
    patterns = authority.policy.declared("spec_settings").code.patterns
    return f"no file is under [specs] code ({', '.join(patterns)})"


def _paths(rule: RuleInPolicy, authority: OwnAuthority) -> list[bytes]:
    """Return paths at which a rule must find something: one for each pattern, or the first code file."""
    if rule.name == _CODE_RULE:
        return list(authority.policy.declared("spec_settings").code.among(authority.files)[:1])
    if rule.name not in _GUARDS:
        return []
    patterns: Patterns = rule.settings["paths"]
    guesses = [guess_path(patterns, at, rule.exclude) for at in range(min(len(patterns.patterns), _MOST))]
    # A path that is both forbidden and locked is reported only as forbidden.
    guards = [(path, authority.policy.guards.find(path)) for path in guesses if path is not None]
    return compatible(path for path, guard in guards if guard is not None and guard.rule == rule.name)
