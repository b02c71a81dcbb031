"""What becomes of a rule: its state, the severity of what it found, and what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from specguard.authority.policy import RuleInPolicy
from specguard.engine.check import Selection
from specguard.engine.rule_runner import Judging
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import Origin, Verdict
from specguard.rules import Covering, Finding, Rule
from specguard.testing import Case, Step, run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from specguard.model import RuleResult

    What = Callable[..., Iterator[Finding]]


class Entry:
    def __init__(self, path: bytes) -> None:
        self.path = path


class Facts:
    """A change of two entries, at the stage `range`."""

    stage = "range"
    timed = False

    def get(self, name: str) -> Any:
        if name == "lost":
            raise MissingFact("it was not fetched", "git fetch")
        if name == "foreign":
            raise NotApplicable("it is not of this change")
        return [Entry(b"a/1"), Entry(b"b/1")]


class Policy:
    """A policy of these rules, each of whose settings stands in line 3."""

    def __init__(self, *rules: RuleInPolicy) -> None:
        self.rules = rules

    def cite(self, rule: str, setting: str, tables: Sequence[str] = ()) -> Origin | None:
        return Origin("SPEC_AUTHORITY.md", 3) if setting else None


def rule(
    check: What | None = None, *, severity: str = "error", exclude: Covering | None = None, **data: Any
) -> RuleInPolicy:
    """A rule as a policy has it; it finds one thing in every entry, unless `check` says otherwise."""

    class Some(Rule):
        condition: ClassVar[str] = "all is well"

        def check(self, entries: Any) -> Iterator[Finding]:
            return (Finding(f"{entry.path!r} is wrong", path=entry.path, key="k") for entry in entries)

    if check is not None:
        Some.check = check  # type: ignore[method-assign]  # any check will do
    made = RuleInPolicy(
        {
            "code": "ACM001",
            "name": "some-rule",
            "plugin": "acme",
            "target": "nowhere:Some",
            "severity": severity,
            "default_severity": "error",
            "stages": ["range"],
            "approvable": True,
            "signed": False,
            "unset": "",
            "settings": {},
            "exclude": None,
            **data,
        }
    )
    made._loaded = Some()
    made.exclude = exclude
    return made


def judge(one: RuleInPolicy, *, strict: bool = False, **selected: Any) -> RuleResult:
    policy: Any = Policy(one)
    facts: Any = Facts()
    [result] = Judging(policy, facts, Selection(policy.rules, **selected), strict=strict).run()
    return result


def outcome(result: RuleResult) -> tuple[str, int]:
    verdict = Verdict(change={}, authority={}, results=[result])
    return verdict.outcome, verdict.exit_code


def finds(*findings: Finding, ends: Exception | None = None) -> What:
    def check(self: Any, entries: Any) -> Iterator[Finding]:
        yield from findings
        if ends is not None:
            raise ends

    return check


def test_findings_fail_a_rule() -> None:
    result = judge(rule())
    assert (result.state, len(result.findings)) == ("failed", 2)
    assert outcome(result) == ("failed", 1)


@pytest.mark.parametrize(
    ("ceiling", "own", "strict", "severity", "state"),
    [
        ("error", None, False, "error", "failed"),
        ("error", "warning", False, "warning", "warned"),
        ("error", "info", False, "info", "warned"),
        ("warning", None, False, "warning", "warned"),
        ("warning", "error", False, "warning", "warned"),
        ("info", "error", False, "info", "warned"),
        ("warning", None, True, "error", "failed"),
        ("error", "warning", True, "error", "failed"),
        ("info", "error", True, "info", "warned"),
    ],
)
def test_a_policy_sets_the_ceiling_and_a_rule_may_stay_below_it(
    ceiling: str, own: Any, strict: bool, severity: str, state: str
) -> None:
    result = judge(rule(finds(Finding("x", severity=own)), severity=ceiling), strict=strict)
    assert [one.severity for one in result.findings] == [severity]
    assert result.state == state


def test_the_worst_finding_decides() -> None:
    check = finds(Finding("x", severity="info"), Finding("y"), Finding("z", severity="warning"))
    assert judge(rule(check)).state == "failed"


def test_another_stage() -> None:
    result = judge(rule(stages=["push"]))
    assert (result.state, result.findings) == ("not-applicable", ())
    assert result.reason == "not a rule of the stage range"
    assert outcome(result) == ("passed", 0)


def test_nothing_is_set() -> None:
    result = judge(rule(unset="paths"))
    assert (result.state, result.reason) == ("not-applicable", "the policy sets no paths")


def test_what_does_not_belong_to_the_change() -> None:
    result = judge(rule(finds(ends=NotApplicable("there is none"))))
    assert (result.state, result.reason) == ("not-applicable", "there is none")
    found = judge(rule(finds(Finding("x"), ends=NotApplicable("there are no more"))))
    assert (found.state, len(found.findings), found.reason) == ("failed", 1, None)


def test_what_is_missing_keeps_what_was_found() -> None:
    result = judge(rule(finds(Finding("x"), ends=MissingFact("it was not fetched", "git fetch"))))
    assert (result.state, result.reason, result.command) == (
        "indeterminate",
        "it was not fetched",
        "git fetch",
    )
    assert len(result.findings) == 1
    assert outcome(result) == ("indeterminate", 2)


def test_what_is_missing_for_a_warning_gives_a_verdict_unless_strict() -> None:
    lost = finds(ends=MissingFact("it was not fetched"))
    assert outcome(judge(rule(lost, severity="warning"))) == ("passed", 0)
    assert outcome(judge(rule(lost, severity="warning"), strict=True)) == ("indeterminate", 2)
    assert outcome(judge(rule(lost, severity="info"), strict=True)) == ("passed", 0)


@pytest.mark.parametrize("severity", ["error", "warning", "info"])
def test_a_crash_is_no_verdict_whatever_the_severity(severity: str) -> None:
    result = judge(rule(finds(Finding("x"), ends=ZeroDivisionError("by zero")), severity=severity))
    assert (result.state, result.crashed, len(result.findings)) == ("indeterminate", True, 1)
    assert result.reason == "the rule crashed (plugin 'acme'): ZeroDivisionError: by zero"
    assert outcome(result) == ("indeterminate", 2)


def test_a_crash_stops_no_other_rule() -> None:
    policy: Any = Policy(rule(finds(ends=ZeroDivisionError())), rule(finds(), code="ACM002"))
    facts: Any = Facts()
    results = Judging(policy, facts, Selection(policy.rules)).run()
    assert [result.state for result in results] == ["indeterminate", "passed"]


def test_a_dry_run_still_ends_with_2_without_a_verdict() -> None:
    result = judge(rule(finds(ends=MissingFact("x"))))
    assert Verdict(change={}, authority={}, results=[result], dry_run=True).exit_code == 2
    assert Verdict(change={}, authority={}, results=[judge(rule())], dry_run=True).exit_code == 0


def test_facts_that_a_rule_can_do_without() -> None:
    def check(self: Any, entries: Any, foreign: Any = None) -> Iterator[Finding]:
        assert foreign is None
        yield Finding("x")

    def needs(self: Any, entries: Any, foreign: Any) -> Iterator[Finding]:
        yield Finding("x")

    def lost(self: Any, entries: Any, lost: Any = None) -> Iterator[Finding]:
        yield Finding("x")

    assert judge(rule(check)).state == "failed"
    assert judge(rule(needs)).state == "not-applicable"
    assert judge(rule(lost)).state == "indeterminate"


def test_excluded_paths_are_neither_shown_to_a_rule_nor_flagged_by_it() -> None:
    seen: list[bytes] = []

    def check(self: Any, entries: Any) -> Iterator[Finding]:
        seen.extend(entry.path for entry in entries)
        yield Finding("x", path=b"a/2")
        yield Finding("y", path=b"b/2")
        yield Finding("z")

    result = judge(rule(check, exclude=Covering.of("a/")))
    assert seen == [b"b/1"]
    assert [one.finding.message for one in result.findings] == ["z", "y"]


def test_findings_cite_their_setting_or_the_line_they_give() -> None:
    own = Origin("AI_CONTRACT.md", 7)
    result = judge(rule(finds(Finding("a", setting="paths.0"), Finding("b"), Finding("c", authority=own))))
    cited = {one.finding.message: one.authority for one in result.findings}
    assert cited == {"a": Origin("SPEC_AUTHORITY.md", 3), "b": None, "c": own}


def test_equal_findings_are_told_apart_by_their_order_alone() -> None:
    one, other = Finding("old words", path=b"a", line=1, key="k"), Finding("x", path=b"a", line=9, key="k")
    first = [found.fingerprint for found in judge(rule(finds(one, other))).findings]
    assert len(set(first)) == 2
    moved = Finding("new words", path=b"a", line=5, key="k", commit="1" * 40)
    assert [found.fingerprint for found in judge(rule(finds(moved))).findings] == first[:1]
    for changed in (
        Finding("x", path=b"b", key="k"),
        Finding("x", path=b"a", key="l"),
        Finding("x", field="a", key="l"),
    ):
        assert judge(rule(finds(changed))).findings[0].fingerprint not in first


# Selection


def test_what_is_not_selected_is_off() -> None:
    for selected in (
        {"select": ["BRN"]},
        {"ignore": ["some-rule"]},
        {"select": ["ACM"], "ignore": ["ACM001"]},
    ):
        policy: Any = Policy(rule(), rule(code="BRN001", name="other-rule"))
        facts: Any = Facts()
        results = Judging(policy, facts, Selection(policy.rules, **selected)).run()
        assert (results[0].state, results[0].reason) == ("off", "not selected"), selected


@pytest.mark.parametrize("selector", ["ACM001", "ACM", "some-rule", "other-rule,ACM", " some-rule "])
def test_a_code_a_family_and_a_name_select(selector: str) -> None:
    policy: Any = Policy(rule(), rule(code="BRN001", name="other-rule"))
    selection = Selection(policy.rules, select=[selector])
    assert not selection.leaves_out(policy.rules[0])


@pytest.mark.parametrize("selector", ["ACM*", "acm001", "*", "ACM00", "some"])
@pytest.mark.parametrize("option", ["select", "ignore", "extend"])
def test_an_unknown_selector(selector: str, option: str) -> None:
    policy: Any = Policy(rule())
    options: dict[str, Any] = {option: [selector]}
    with pytest.raises(SpecguardError, match="called") as caught:
        Selection(policy.rules, **options)
    assert caught.value.help


def test_what_the_policy_has_off_is_turned_on_by_extending_alone() -> None:
    off: dict[str, Any] = {"severity": "off", "default_severity": "warning"}
    assert judge(rule(**off)).state == "off"
    assert judge(rule(**off), select=["ACM001"]).state == "off"
    assert judge(rule(**off), extend=["ACM"]).state == "warned"
    assert judge(rule(**off), extend=["ACM"], ignore=["ACM001"]).state == "off"


def test_extending_adds_to_a_selection() -> None:
    policy: Any = Policy(
        rule(), rule(code="BRN001", name="other-rule"), rule(code="CMT001", name="third-rule")
    )
    selection = Selection(policy.rules, select=["ACM"], extend=["BRN001"])
    assert [selection.leaves_out(one) for one in policy.rules] == [False, False, True]


# What --enforce refuses


def test_enforcing_trusts_no_tree_for_want_of_a_base(tmp_path: Path) -> None:
    repository = Case().build(tmp_path / "project")
    refused = run_here("check", "--root", "--enforce", directory=repository.path)
    assert refused.exit_code == 2
    assert "--bootstrap" in refused.stderr
    adopting = run_here("check", "--root", "--enforce", "--bootstrap", directory=repository.path)
    assert adopting.exit_code == 0, adopting


@pytest.mark.parametrize(
    "words",
    [
        ["--authority", "SPEC_AUTHORITY.md"],
        ["--select", "PTH"],
        ["--ignore", "PTH"],
        ["--exit-zero"],
        ["--dry-run"],
        ["--today", "2026-01-01"],
    ],
)
def test_enforcing_refuses_what_could_loosen(words: list[str], tmp_path: Path) -> None:
    repository = Case().build(tmp_path / "project")
    passed = run_here("check", "--enforce", "--base", "main", directory=repository.path)
    assert passed.exit_code == 0, passed
    refused = run_here("check", "--enforce", "--base", "main", *words, directory=repository.path)
    assert refused.exit_code == 2
    assert "--enforce does not go with" in refused.stderr
    assert "next: " in refused.stderr


def test_enforcing_neither_reads_nor_writes_the_cache(tmp_path: Path) -> None:
    repository = Case(policy='[rules.forbidden-path]\npaths = ["x/"]\n').build(tmp_path / "project")
    repository.commit("feat: x", files={"x/a": "1"})
    cache = tmp_path / "cache"
    words = ("check", "--base", "main")

    def check(*more: str) -> int:
        variables = {"XDG_CACHE_HOME": str(cache)}
        return run_here(*words, *more, directory=repository.path, env=variables).exit_code

    assert check("--enforce") == 1
    assert not list(cache.rglob("*.cache"))
    assert check() == 1
    [kept] = cache.rglob("*.cache")
    # What is kept under this name is the policy of another repository, and sound in itself.
    other = Case().build(tmp_path / "other")
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path / "elsewhere")}
    assert run_here(*words, directory=other.path, env=elsewhere).exit_code == 0
    [lenient] = (tmp_path / "elsewhere").rglob("*.cache")
    kept.write_bytes(lenient.read_bytes())
    assert check() == 0
    assert check("--enforce") == 1


EXPLAINED = """\
[rules.locked-path]
paths = ["a/", "b/"]

[rules.protected-branch]
branches = ["main", "release/*"]

[rules.weakened-path]
paths = ["log/"]

[rules.oversized-change]
entries = 7
"""


def test_what_holds_is_said_with_the_settings_and_what_was_looked_at(tmp_path: Path) -> None:
    case = Case(policy=EXPLAINED, staged=Step(files={"c": "c\n"}))
    place = case.build(tmp_path).path
    explained = run_here(
        "check", "--staged", "--explain", "--select=PTH,BRN004", directory=place
    ).stdout.split("\n")
    said = {line.split(" ")[0]: line.partition(": ")[2] for line in explained}
    assert said["PTH002"] == (
        "passed: nothing under a/, b/ is added, changed or removed without an approval"
        " [looked at entries (1), base, policy, guards, start_files, head_files, commits]"
    )
    assert said["BRN004"].startswith(
        "passed: no commit is made on, and no push goes to, one of main, release/* [looked at stage (st"
    )
    assert said["PTH009"].startswith(
        "passed: nothing under log/ loses a line or gains one that matches (none) [looked at entries (1), "
    )
    assert said["PTH008"].startswith("passed: at most 7 paths, 0 lines, 0 bytes and ")
    assert said["PTH001"] == "not-applicable: the policy sets no paths"
