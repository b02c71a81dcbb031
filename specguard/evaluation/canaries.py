"""Canaries: for each rule, a change that it must catch under this policy, and the outcome."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from specguard.authority.policy import RuleInPolicy
from specguard.declaration.rule import load
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import SpecguardError
from specguard.evaluation.policy_tests import OwnAuthority
from specguard.executor.check import guarded_path
from specguard.model import path_text
from specguard.testing.case import Case
from specguard.testing.case_file import CaseError
from specguard.testing.repository import Step
from specguard.testing.running import Outcome, examples, judge_case

_MUTES = "with this policy's severity, stages and exceptions for the rule"


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
            yield _try_settings(rule, authority) or _try_example(rule)


def _try_settings(rule: RuleInPolicy, authority: OwnAuthority) -> Canary | None:
    """Try a rule with a path from its own settings; None without such a path, or if it did not judge."""
    if problem := unmatched_reason(rule, authority):
        return Canary(rule, "missed", f"{problem}; write it as the tree has it")
    if (path := _path(rule, authority)) is None:
        return None
    case = Case(commits=[Step("feat: canary", files={path: "b\n"})], args=[f"--select={rule.code}"])
    outcome = _judge(authority.with_authority(case))
    if outcome is None or outcome.state(rule.code) in ("not-applicable", "off", None):
        return None
    caught = rule.code in outcome.codes
    return Canary(rule, "caught" if caught else "missed", f"a change that touches {path_text(path)}")


def _try_example(rule: RuleInPolicy) -> Canary:
    """Try a rule with the failing examples of its own page."""
    reason = "its page has no example that fails"
    muted = ""
    for example in examples(load(rule.target)):
        if example.kind != "fails":
            continue
        try:
            outcome = _judge(_with_mutes(example.case, rule))
        except ValueError as error:
            # A plugin's example is no case, or its policy is not TOML.
            reason = str(error)
            continue
        what = f"the example {example.number} of its page, {_MUTES}"
        if outcome is not None and rule.code in outcome.codes:
            if rule.name not in _GUARDS:
                return Canary(rule, "caught", what)
            reason = "no change could be guessed that its own settings cover"
        elif outcome is not None and outcome.state(rule.code) == "passed":
            muted = f"{what}, is let through"
        elif outcome is not None:
            texts = [one["reason"] for one in outcome.report.get("rules", ()) if one["code"] == rule.code]
            reason = "".join(filter(None, texts)) or reason
    return Canary(rule, "missed" if muted else "unprovoked", muted or reason)


def _with_mutes(case: Case, rule: RuleInPolicy) -> Case:
    """Return an example with the settings that may mute the rule; as it is if they cannot be combined."""
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
    if not isinstance(table, dict):
        return case
    table.update(common)
    lines = (f"{toml_key(key)} = {toml_value(value)}\n" for key, value in data.items())
    return replace(case, policy="".join(lines))


def _judge(case: Case) -> Outcome | None:
    """Return the outcome of checking a case; None without a verdict."""
    try:
        outcome, _ = judge_case(case, installed=False)
        return None if any(report.get("errors") for report in outcome.reports) else outcome
    except (CaseError, AssertionError, SpecguardError):
        return None


_GUARDS = ("forbidden-path", "locked-path")
_CODE_RULE = "missing-spec-change"


def unmatched_reason(rule: RuleInPolicy, authority: OwnAuthority) -> str:
    """Return the reason why a rule about the repository's code cannot match, as a clause; empty if it can."""
    if rule.name != _CODE_RULE or not authority.files or _path(rule, authority):
        return ""
    patterns = authority.policy.declared("spec_settings").code.patterns
    return f"no file is under [specs] code ({', '.join(patterns)})"


def _path(rule: RuleInPolicy, authority: OwnAuthority) -> bytes | None:
    """Return a path at which a rule must find something: one that it guards, or the first code file."""
    if rule.name == _CODE_RULE:
        code = authority.policy.declared("spec_settings").code
        return next(iter(code.among(authority.files)), None)
    return guarded_path(authority.policy.guards, lambda guard: guard.rule == rule.name)
