"""One canary a rule: a change that it must catch under this policy, and whether it does."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from specguard.authority.values import load, plain
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import SpecguardError
from specguard.evaluation.provoking import of_settings, speaks_of_changes, unmatched, unwanted
from specguard.testing.case import Case
from specguard.testing.examples import examples
from specguard.testing.reading import CaseError
from specguard.testing.running import judge_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.policy import RuleInPolicy
    from specguard.evaluation.own import OwnAuthority

    Settings = dict[str, Any]

_WHOLE = "under this policy"


@dataclass(frozen=True)
class Canary:
    """A rule with what became of the change that it was to catch.

    Attributes:
        code, name: the rule's.
        outcome: `caught`; `missed`: a change that it is there for was let through; `unprovoked`: no change
            was found that it has something to say of, so nothing is shown.
        said: which change, and under which settings; or why there is none.
    """

    code: str
    name: str
    outcome: Literal["caught", "missed", "unprovoked"]
    said: str


class _Seen:
    """What a check of a scratch repository came to; without its reports, why there are none."""

    def __init__(self, reports: Sequence[Mapping[str, Any]], error: str = "") -> None:
        self.findings: list[tuple[str, bytes]] = []
        self.reasons: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.error = error
        for report in reports:
            for wrong in report.get("errors", ()):
                self.error = wrong["message"]
            for finding in report.get("findings", ()):
                path = (finding.get("location") or {}).get("path") or ""
                self.findings.append((finding["code"], path.encode("utf-8", "surrogateescape")))
            for rule in report.get("rules", ()):
                self.states[rule["code"]] = rule["state"]
                self.reasons[rule["code"]] = rule["reason"] or ""

    @property
    def codes(self) -> set[str]:
        return {code for code, _ in self.findings}


def try_canaries(own: OwnAuthority) -> Iterator[Canary]:
    """Provoke every active rule of an authority, each in a scratch repository.

    Args:
        own: the authority.
    """
    active = [rule for rule in own.policy.rules if rule.active]
    first = {rule.code: _by_settings(rule, own) for rule in active}
    caught = _by_anything({rule.code for rule in active if first[rule.code] is None}, own)
    for rule in active:
        yield first[rule.code] or caught.get(rule.code) or _by_example(rule, own)


def _by_settings(rule: RuleInPolicy, own: OwnAuthority) -> Canary | None:
    """A rule tried with changes that its own settings speak of; None where there is none that it judged."""
    said = []
    idle = unmatched(rule, own.policy, own.files)
    if idle:
        return Canary(rule.code, rule.name, "missed", idle)
    for one in of_settings(rule, own.policy, own.files):
        seen = _seen(_at_stage(_alone(own.under(one.case), rule.code), rule))
        missed = [path for path in one.paths if (rule.code, path) not in seen.findings]
        if seen.error or seen.states.get(rule.code) in ("not-applicable", "off", None):
            return None
        if missed or rule.code not in seen.codes:
            which = ", ".join(path.decode("utf-8", "backslashreplace") for path in missed)
            return Canary(rule.code, rule.name, "missed", f"a change that {one.said}: not found at {which}")
        said.append(one.said)
    return Canary(rule.code, rule.name, "caught", f"a change that {'; '.join(said)}") if said else None


def _by_anything(codes: set[str], own: OwnAuthority) -> dict[str, Canary]:
    """The rules that catch something of changes that nobody wants, under the authority as it is."""
    found: dict[str, Canary] = {}
    for one in unwanted(own.policy):
        if not codes - set(found):
            break
        for code in sorted(_seen(own.under(one.case)).codes & codes - set(found)):
            found[code] = Canary(code, _name(own, code), "caught", f"a change that {one.said}")
    return found


def _by_example(rule: RuleInPolicy, own: OwnAuthority) -> Canary:
    """A rule tried with the failing examples of its own page."""
    reason = "its page has no example that fails"
    muted = ""
    for example in examples(load(rule.target)):
        if example.kind != "fails":
            continue
        try:
            case = example.case
        except CaseError as error:
            reason = str(error)
            continue
        where = f"the example {example.number} of its page"
        for tried, under in _under(case, rule, own):
            seen = _seen(_at_stage(tried, rule))
            if rule.code in seen.codes and speaks_of_changes(rule) and under != _WHOLE:
                reason = f"no change could be guessed that its own settings cover; caught is {where}"
            elif rule.code in seen.codes:
                return Canary(rule.code, rule.name, "caught", f"{where}, {under}")
            elif seen.states.get(rule.code) == "passed" and "severity" in under:
                muted = f"{where}, {under}, is let through"
            elif not seen.error:
                reason = seen.reasons.get(rule.code) or reason
    if muted:
        return Canary(rule.code, rule.name, "missed", muted)
    return Canary(rule.code, rule.name, "unprovoked", reason)


def _under(case: Case, rule: RuleInPolicy, own: OwnAuthority) -> Iterator[tuple[Case, str]]:
    """An example under this authority, then under its own policy with ever less of this one's settings."""
    yield own.under(replace(case, policy=None)), _WHOLE
    own_settings = {name: _toml(plain(value)) for name, value in rule.settings.items()}
    common: Settings = {"severity": rule.severity, "stages": list(rule.stages)}
    if rule.exclude:
        common["exclude"] = list(rule.exclude.patterns)
    for settings, under in (
        (own_settings, "with what this policy sets for the rule besides"),
        ({}, "with this policy's severity, stages and exceptions for the rule"),
    ):
        merged = _merged(case, rule, settings, common)
        if merged is not None:
            yield merged, under


def _merged(case: Case, rule: RuleInPolicy, settings: Settings, common: Settings) -> Case | None:
    """An example whose policy has a rule's settings too, below its own; None where they cannot be joined."""
    text = case.policy or ""
    if not text:
        return None
    if text.startswith("#"):
        # A second table of the same rule is an error, which the check then says.
        table = toml_value({**settings, **common})
        # A section of its own: a sentence is bound to the rules whose settings stand beside it.
        block = f"## Settings\n\n```toml specguard\nrules.{rule.name} = {table}\n```\n"
        return replace(case, policy=f"{text.rstrip()}\n\n{block}")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # Placeholders of keys stand in it.
        return None
    rules = data.setdefault("rules", {})
    table = rules.setdefault(rule.name, {})
    if not isinstance(table, dict):
        return None
    rules[rule.name] = {**settings, **table, **common}
    lines = (f"{toml_key(key)} = {toml_value(value)}\n" for key, value in data.items())
    return replace(case, policy="".join(lines))


def _at_stage(case: Case, rule: RuleInPolicy) -> Case:
    """A case at a moment at which a rule judges, where that is not the one of a range."""
    stages: Sequence[str] = rule.stages
    if "range" in stages or case.staged or case.worktree or case.commit_message or case.title is not None:
        return case
    if "pull-request" in stages:
        return replace(case, title="feat: canary", body=case.body or "")
    if "staged" in stages and len(case.commits) == 1:
        return replace(case, commits=[], staged=case.commits[0])
    return case


def _alone(case: Case, code: str) -> Case:
    return replace(case, args=[*case.args, f"--select={code}"])


def _seen(case: Case) -> _Seen:
    with TemporaryDirectory(prefix="specguard-canary-") as place:
        try:
            outcome, _ = judge_case(case, place, installed=False)
            return _Seen(outcome.reports)
        except (CaseError, AssertionError, SpecguardError) as error:
            return _Seen((), str(error) or "it cannot be judged")


def _toml(value: Any) -> Any:
    """A value without what TOML cannot say."""
    if isinstance(value, dict):
        return {key: _toml(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_toml(part) for part in value if part is not None]
    return value


def _name(own: OwnAuthority, code: str) -> str:
    rule = own.policy.rule(code)
    return rule.name if rule else code
