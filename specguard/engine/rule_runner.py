"""Run rules on facts: the findings of each rule, and the state that follows from them.

A result is cached if it depends only on the inputs in `open_results`: commits, policy, options, branches, the
text of the pull request and day. Commits include everything below them, trees and history. So the facts that
a rule asks for decide. A rule that asks for anything else (bookkeeping, a remote, the working tree's runs)
runs each time.
"""

from __future__ import annotations

from specguard.authority.policy import Policy, RuleInPolicy, decode, encode
from specguard.change.entries import sha256
from specguard.declaration.rule import LAST, Rule, fact_names, lower_severity
from specguard.errors import MissingFact, NotApplicable, failure_text, if_known, unknown_rule
from specguard.model import SEVERITIES, Judged, Origin, OutputOnStderr, RuleResult, grouped, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.cache import Cache
    from specguard.engine.facts import Facts
    from specguard.model import Finding, Severity, State

    Cause = tuple[str, bytes | None]
    """A rule's code with a finding's key, and the path of the finding."""


NOT_SELECTED: Final = "not selected"
"""The reason of a rule that the caller left out."""


def codes_of(selectors: Iterable[str], rules: Iterable[RuleInPolicy | type[Rule]]) -> set[str]:
    """Return the rule codes that selectors match; a selector may be a comma-separated list.

    Raises:
        SpecguardError: a selector matches no rule; the message names the nearest match.
    """
    wanted = [part.strip() for selector in selectors for part in selector.split(",") if part.strip()]
    known = rules if wanted else ()
    names = grouped((name, one.code) for one in known for name in (one.code, one.code[:3], one.name))
    codes: set[str] = set()
    for selector in wanted:
        selector = selector.upper() if selector.upper() in names else selector
        if selector not in names:
            raise unknown_rule(selector, names, "rule, family or name")
        codes.update(names[selector])
    return codes


class Judging:
    """The rules of a policy that a caller selects by code, family or name, and the facts that they run with.

    Args:
        facts: the facts that rules ask for, with the policy that has the rules.
        select: run only these rules; empty: all rules that the policy has on.
        ignore: leave these rules out, even if they are selected.
        extend: run these rules too, even if the policy has them off.
        any_stage: True if rules of other stages run, too.
        cache: the cached results; None without a cache.

    Raises:
        SpecguardError: a selector matches no rule.
    """

    def __init__(
        self,
        facts: Facts,
        *,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
        extend: Iterable[str] = (),
        any_stage: bool = False,
        cache: ResultCache | None = None,
    ) -> None:
        self.facts = facts
        self.cache = cache
        self._any_stage = any_stage
        self._select = codes_of(select, facts.policy.rules)
        self._ignore = codes_of(ignore, facts.policy.rules)
        self._extended = codes_of(extend, facts.policy.rules)

    def leaves_out(self, rule: RuleInPolicy) -> bool:
        """True if the caller did not select this rule, or ignored it."""
        wanted = not self._select or rule.code in self._select | self._extended
        return not wanted or rule.code in self._ignore

    def run(self, *, last: bool = False, idle_reason: str = "") -> list[RuleResult]:
        """Run every rule of the stage, and return a result for each rule, also for those that do not run.

        Args:
            last: True to run the rules about approvals; False to run all others.
            idle_reason: why these rules have nothing to judge; empty if they have something.
        """
        rules = [one for one in self.facts.policy.rules if one.code.startswith(LAST) == last]
        return [self._result(one, idle_reason) for one in rules]

    def _result(self, rule: RuleInPolicy, idle_reason: str) -> RuleResult:
        severity = rule.severity
        if severity == "off" and rule.code in self._extended:
            severity = rule.default_severity
        state, reason = self._idle_state(rule, severity, idle_reason)
        if reason:
            return RuleResult(rule.code, rule.name, state, reason=reason)
        known = self.cache.get(rule.code) if self.cache else None
        if known is not None:
            return known
        result = RuleResult(rule.code, rule.name, "passed", self._effective_severity(severity))
        with OutputOnStderr():
            findings = _run(rule, self.facts, result)
        result.findings = sorted(self._judge(findings, rule, severity), key=lambda one: one.place)
        if findings and result.state != "indeterminate":
            result.state, result.reason = state_of(result.findings), None
        if self.cache and not result.error and not self.facts.time_dependent:
            self.cache.store(rule, result)
        return result

    def _idle_state(self, rule: RuleInPolicy, severity: Severity, idle_reason: str) -> tuple[State, str]:
        """Return the state of a rule that does not run, with the reason; the reason is empty if it runs."""
        if self.leaves_out(rule):
            return "off", NOT_SELECTED
        if severity == "off":
            return "off", "the policy has it off"
        stage = self.facts.change.stage
        runs = stage in rule.stages or self._any_stage
        # What an agent has done is judged as its edits are.
        if not runs and not ("edit" in rule.stages and self.facts.change.request.by_agent):
            return "not-applicable", f"not a rule of the stage {stage}"
        return "not-applicable", f"the policy sets no {rule.unset}" if rule.unset else idle_reason

    def _effective_severity(self, severity: Severity) -> Severity:
        return "error" if self.facts.change.request.strict and severity == "warning" else severity

    def _judge(self, findings: Sequence[Finding], rule: RuleInPolicy, severity: Severity) -> Iterator[Judged]:
        """Yield the findings with their severity, citation and fingerprint."""
        policy = self.facts.policy
        for finding, fingerprint in zip(findings, fingerprints(rule.code, findings), strict=True):
            cited = finding.authority or policy.cite(rule.name, finding.setting, rule.load().tables)
            level = lower_severity(severity, finding.severity) if finding.severity else severity
            yield Judged(
                finding,
                code=rule.code,
                name=rule.name,
                severity=self._effective_severity(level),
                authority=cited,
                fingerprint=fingerprint,
            )


def _run(rule: RuleInPolicy, facts: Facts, result: RuleResult) -> list[Finding]:
    """Run a rule on its facts, and return what it finds in paths that are not excluded, also before a crash.

    All of the result that does not follow from the findings is set.
    """
    findings: list[Finding] = []
    looked_at: list[tuple[str, object]] = []
    exclude = rule.exclude
    try:
        check = rule.load()
        result.condition = describe_condition(check)
        for name, value in zip(fact_names(check.check, 1)[0], arguments(check.check, 1, facts), strict=True):
            if name == "entries" and exclude and value is not None:
                value = [one for one in value if not exclude.matches(one.path)]
            # The other rules judge the same list.
            frozen = isinstance(value, list) and rule.package != RULES_PACKAGE
            looked_at.append((name, tuple(value) if frozen else value))
        for finding in check.check(*(value for _, value in looked_at)):
            _check_parts(finding, check, facts.policy)
            if finding.path is None or not exclude or not exclude.matches(finding.path):
                findings.append(finding)
    except NotApplicable as absent:
        result.state, result.reason = "not-applicable", absent.reason
    except MissingFact as missing:
        result.state, result.reason = "indeterminate", missing.reason
        result.command, result.error = missing.command, missing.code
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - it must not stop the others
        result.state, result.crashed, result.error = "indeterminate", True, "plugin-failed"
        result.reason = f"the rule crashed (plugin {rule.plugin!r}): {failure_text(error)}"
    result.looked_at = [_describe_fact(name, value) for name, value in looked_at]
    return findings


def _check_parts(finding: Finding, rule: Rule, policy: Policy) -> None:
    """Raise an error if a finding has a wrong part; later nobody would know whose fault it is."""
    names = (finding.commit or "", finding.field or "")
    texts = (finding.message, finding.help, finding.key, finding.setting, *names, *finding.same_as)
    well = all(isinstance(one, str) for one in texts) and not isinstance(finding.same_as, str)
    well &= all(isinstance(one, bytes) for one in (finding.path or b"", finding.moved or b""))
    well &= all(type(one) is int and one > 0 for one in (finding.line or 1, finding.end_line or 1))
    well &= isinstance(finding.authority, Origin | None) and (finding.severity or "info") in SEVERITIES[1:]
    if not well:
        raise TypeError(f"a finding has str texts, bytes paths, lines from 1, a known severity: {finding}")
    first = finding.setting.partition(".")[0]
    if first and first not in rule._fields and not policy.has_key(first):
        raise ValueError(f"a finding has the setting {first!r}, and the rule has only {rule._fields}")


def arguments(method: Any, first: int, facts: Facts) -> Iterator[Any]:
    """Yield the values of a method's facts; None for an inapplicable fact whose parameter has a default."""
    names, required = fact_names(method, first)
    for position, name in enumerate(names):
        try:
            yield facts.get(name)
        except NotApplicable:
            if position < required:
                raise
            yield None


def drop_repeated(results: Sequence[RuleResult]) -> None:
    """Remove findings that another rule reports for the same cause (`same_as`), at least as severely."""
    found = [judged for result in results for judged in result.findings if judged.state == "open"]
    by_cause = grouped((_cause(one, f"{one.code} {one.finding.key}"), one) for one in found)
    for result in results:
        originals = [_find_original(one, by_cause) for one in result.findings]
        if (first := next(filter(None, originals), None)) is not None:
            pairs = list(zip(result.findings, originals, strict=True))
            for one in (one for one, original in pairs if original is not None):
                by_cause[_cause(one, f"{one.code} {one.finding.key}")].remove(one)
            result.keep([one for one, original in pairs if original is None])
            if result.state == "passed":
                result.state, result.reason = "not-applicable", f"{first.code} reports the same"


def _cause(judged: Judged, name: str) -> Cause:
    """Return a cause of a finding: its name, as in `same_as`, and the finding's path."""
    # Commits and fields are not compared: the name of a landed item is wrong in a branch and in a subject.
    return name, judged.finding.path


def _find_original(one: Judged, by_cause: Mapping[Cause, Sequence[Judged]]) -> Judged | None:
    """Return the open finding that this open one repeats; None if there is none, or if it is less severe."""
    names = one.finding.same_as if one.state == "open" else ()
    others = (other for name in names for other in by_cause.get(_cause(one, name), ()))
    return next(
        (other for other in others if lower_severity(one.severity, other.severity) == one.severity), None
    )


def _describe_fact(name: str, value: object) -> str:
    """Return a fact as `--explain` prints it: its value, its size, or the part that was skipped."""
    if hasattr(value, "account"):
        text = value.account()
    elif isinstance(value, str):
        text = value
    else:
        text = str(len(value)) if hasattr(value, "__len__") else ""
    return f"{name} ({text})" if text else name


def describe_condition(rule: Rule) -> str:
    """Return the condition under which the rule passes, with the values of its settings."""
    values: Mapping[str, Any] = {name: _setting_text(getattr(rule, name)) for name in rule._fields}
    return rule.condition.format_map(values)


def _setting_text(value: object) -> str:
    values = getattr(value, "patterns", value)
    return (", ".join(map(str, values)) or "(none)") if isinstance(values, (list, tuple)) else str(values)


def fingerprints(code: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the fingerprint of each finding of one rule, as hexadecimal digits.

    The fingerprint is the sha256 over NUL-separated parts. These are `specguard-finding-v1`, the rule code,
    the path (or the field), the finding's key and an ordinal. The ordinal counts findings that are equal in
    all other parts.
    """
    seen: dict[tuple[bytes, bytes], int] = {}
    for finding in findings:
        place = finding.path if finding.path is not None else (finding.field or "").encode()
        identity = (place, finding.key.encode("utf-8", "surrogateescape"))
        ordinal = seen.get(identity, 0)
        seen[identity] = ordinal + 1
        yield sha256(b"\0".join((b"specguard-finding-v1", code.encode(), *identity, str(ordinal).encode())))


CACHEABLE_FACTS: Final = (
    "artifacts", "base", "base_files", "branch", "breakdowns", "commits", "documents", "entries",
    "guards", "head_files", "history", "messages", "objects", "plans", "policy", "pull_request",
    "sources", "specs", "stage", "start_documents", "start_files", "today", "waves", "whole", "work",
    "work_item",
)  # fmt: skip
"""The facts of a range that depend only on the inputs in `open_results`, as facts of declared tables do."""

RULES_PACKAGE: Final = "specguard_rules"
"""The package whose rules are known to depend on facts only."""


class ResultCache:
    """The cached results of the rules for one change.

    Args:
        cache: the cache.
        inputs: the inputs that determine the results, which are the cache key.
        policy: the policy, whose tables are facts, too.
    """

    def __init__(self, cache: Cache, inputs: Mapping[str, str], policy: Policy) -> None:
        self._cache = cache
        self._inputs = inputs
        self._policy = policy
        self._changed = False
        stored = cache.read(inputs)
        self._stored: dict[str, Any] = dict(stored) if isinstance(stored, dict) else {}

    def get(self, code: str) -> RuleResult | None:
        """Return the cached result of a rule; None if there is none."""
        try:
            result = decode(self._stored[code])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return result if isinstance(result, RuleResult) else None

    def store(self, rule: RuleInPolicy, result: RuleResult) -> None:
        """Cache the result of a built-in rule if the inputs in `open_results` determine it.

        Rules of other plugins may depend on more than their facts, so they are not cached.
        """
        names = fact_names(rule.load().check, 1)[0]
        pure = all(name in CACHEABLE_FACTS or self._policy.has_fact(name) for name in names)
        if pure and rule.package == RULES_PACKAGE:
            self._stored[rule.code] = encode(result)
            self._changed = True

    def save(self) -> None:
        """Write new results to the cache."""
        if self._changed:
            self._cache.write(self._inputs, self._stored, {RULES_PACKAGE})


def open_results(facts: Facts, cache: Cache | None) -> ResultCache | None:
    """Return the results of an earlier check of the same whole tree; None if other inputs count, too.

    Args:
        facts: the facts of the change and its policy.
        cache: the cache; None without one.
    """
    change, policy = facts.change, facts.policy
    is_range = change.source == "range" and change.stage in ("range", "pull-request")
    if cache is None or not change.request.all or not is_range:
        return None
    base = if_known(lambda: change.base, None)
    if base is None or policy.floor or not all(oid for _, oid in policy.documents):
        # The object id of a file that was named on the command line is unknown.
        return None
    text = ("title", "body", "base", "number")
    inputs = {
        "kind": "results",
        "policy": [policy.policy_id, policy.ref, policy.trusted, sorted(map(repr, policy.adopted))],
        "documents": [list(document) for document in policy.documents],
        "commits": [base.tip, base.start, base.head, list(base.merge_bases)],
        "base": [base.name, base.trusted, change.found.how],
        "branch": _value_or_absence(lambda: [change.branch.name, change.branch.source]),
        "pull request": _value_or_absence(lambda: [getattr(change.pull_request, name) for name in text]),
        # Findings and next steps name other branches, too.
        "refs": _value_or_absence(lambda: [[one.name, one.oid] for one in change.refs]),
        "stage": [change.stage, change.event.kind, change.event.branch],
        "options": [change.request.strict, sorted(change.request.extend_select)],
        "today": facts.today.isoformat(),
    }
    return ResultCache(cache, {key: repr(value) for key, value in inputs.items()}, policy)


def _value_or_absence(read: Callable[[], list[Any]]) -> Any:
    try:
        return read()
    except (MissingFact, NotApplicable) as absent:
        return f"{type(absent).__name__}: {absent}"
