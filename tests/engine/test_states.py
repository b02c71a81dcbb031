"""What a rule's state comes to: of what it found, and what was asked for."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from specguard.authority.policy import RuleInPolicy
from specguard.engine.rule_runner import Judging
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import Origin, RuleResult, Verdict
from specguard.rules import Covering, Finding, Rule
from specguard.testing import Case, Repository, Step, run_here
from tests.outcomes import ended
from tests.rows import recorded, rows

What = Callable[..., Iterator[Finding]]


class Entry:
    def __init__(self, path: bytes) -> None:
        self.path = path


class Facts:
    """A change of two entries, at the stage `range`."""

    time_dependent = False

    def __init__(self, policy: Any, *, strict: bool) -> None:
        self.policy = policy
        self.change = SimpleNamespace(stage="range", request=SimpleNamespace(strict=strict))

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

    def has_key(self, name: str) -> bool:
        return name == "paths"

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
    named = {"code": "ACM001", "name": "some-rule", "plugin": "acme", "target": "nowhere:Some"}
    rest = {"default_severity": "error", "signed": False, "unset": "", "configured": True}
    common = {"severity": severity, "approvable": True, "stages": ["range"], "exclude": None}
    made = RuleInPolicy({**named, **rest, **data}, {**common, **data})
    made.load = Some  # type: ignore[method-assign]  # no module has the class
    made.exclude = exclude
    return made


OTHER: dict[str, Any] = {"code": "BRN001", "name": "other-rule"}


def judging(*rules: RuleInPolicy, strict: bool = False, **selected: Any) -> Judging:
    return Judging(Facts(Policy(*rules), strict=strict), **selected)  # type: ignore[arg-type]


def judge_all(*rules: RuleInPolicy, **more: Any) -> list[RuleResult]:
    return judging(*rules, **more).run()


def judge(one: RuleInPolicy, **more: Any) -> RuleResult:
    [result] = judge_all(one, **more)
    return result


def outcome(result: RuleResult, **more: Any) -> tuple[str, int]:
    verdict = Verdict(change={}, authority={}, results=[result], **more)
    return verdict.outcome, verdict.exit_code


def finds(*severities: Any, ends: Exception | None = None) -> What:
    """What finds one thing of each severity, or with these parts, and then fails."""

    def check(self: Any, entries: Any) -> Iterator[Finding]:
        for number, own in enumerate(severities):
            yield Finding(f"x{number}", **(own if isinstance(own, dict) else {"severity": own}))
        if ends is not None:
            raise ends

    return check


@pytest.mark.parametrize(("ceiling", "own", "strict", "severity", "state"), rows(__file__, "ceiling"))
def test_a_policy_sets_the_ceiling_and_a_rule_may_stay_below_it(
    ceiling: str, own: str, strict: bool, severity: str, state: str
) -> None:
    result = judge(rule(finds(own or None), severity=ceiling), strict=strict)
    assert [one.severity for one in result.findings] == [severity]
    assert result.state == state


ENDS: dict[str, Exception] = {
    "lost": MissingFact("it was not fetched", "git fetch"),
    "foreign": NotApplicable("there is none"),
    "crash": ZeroDivisionError("by zero"),
}


@pytest.mark.parametrize(("one", "strict", "state", "found", "reason", "ends"), rows(__file__, "decides"))
def test_what_a_rule_finds_or_lacks_decides(
    one: dict[str, Any], strict: bool, state: str, found: int, reason: str, ends: tuple[str, int]
) -> None:
    row = dict(one)
    severities, ending = row.pop("finds", None), row.pop("ends", "")
    check = None if severities is None else finds(*(own or None for own in severities), ends=ENDS.get(ending))
    result = judge(rule(check, **row), strict=strict)
    assert (result.state, len(result.findings), result.reason or "") == (state, found, reason)
    assert result.command == ("git fetch" if ending == "lost" else "")
    assert result.crashed is (ending == "crash")
    assert outcome(result) == tuple(ends)
    assert outcome(result, dry_run=True)[1] == (0 if ends[1] == 1 else ends[1])


def test_a_crash_stops_no_other_rule() -> None:
    results = judge_all(rule(finds(ends=ENDS["crash"])), rule(finds(), code="ACM002"))
    assert [result.state for result in results] == ["indeterminate", "passed"]


def test_facts_that_a_rule_can_do_without() -> None:
    def check(self: Any, entries: Any, foreign: Any = None) -> Iterator[Finding]:
        assert foreign is None
        yield Finding("x")

    def needs(self: Any, entries: Any, foreign: Any) -> Iterator[Finding]:
        yield Finding("x")

    def lost(self: Any, entries: Any, lost: Any = None) -> Iterator[Finding]:
        yield Finding("x")

    states = [judge(rule(one)).state for one in (check, needs, lost)]
    assert states == ["failed", "not-applicable", "indeterminate"]


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


def giving(*findings: Finding) -> RuleInPolicy:
    """A rule that finds these."""
    return rule(lambda self, entries: iter(findings))


def test_findings_cite_their_setting_or_the_line_they_give() -> None:
    own = Origin("AI_CONTRACT.md", 7)
    result = judge(giving(Finding("a", setting="paths.0"), Finding("b"), Finding("c", authority=own)))
    cited = {one.finding.message: one.authority for one in result.findings}
    assert cited == {"a": Origin("SPEC_AUTHORITY.md", 3), "b": None, "c": own}


# Selection


@pytest.mark.parametrize(
    "selected", [{"select": ["BRN"]}, {"ignore": ["some-rule"]}, {"select": ["ACM"], "ignore": ["ACM001"]}]
)
def test_what_is_not_selected_is_off(selected: Any) -> None:
    result = judge_all(rule(), rule(**OTHER), **selected)[0]
    assert (result.state, result.reason) == ("off", "not selected")


@pytest.mark.parametrize("selector", ["ACM001", "ACM", "some-rule", "other-rule,ACM", " some-rule "])
def test_a_code_a_family_and_a_name_select(selector: str) -> None:
    first = rule()
    assert not judging(first, rule(**OTHER), select=[selector]).leaves_out(first)


@pytest.mark.parametrize("selector", ["ACM*", "acm-001", "ACM00", "some"])
@pytest.mark.parametrize("option", ["select", "ignore", "extend"])
def test_an_unknown_selector(selector: str, option: str) -> None:
    options: dict[str, Any] = {option: [selector]}
    with pytest.raises(SpecguardError, match="there is no rule, family or name") as caught:
        judge(rule(), **options)
    assert caught.value.help


def test_what_the_policy_has_off_is_turned_on_by_extending_alone() -> None:
    off = rule(severity="off", default_severity="warning")
    assert judge(off).state == "off"
    assert judge(off, select=["ACM001"]).state == "off"
    assert judge(off, extend=["ACM"]).state == "warned"
    assert judge(off, extend=["ACM"], ignore=["ACM001"]).state == "off"
    rules = (rule(), rule(**OTHER), rule(code="CMT001", name="third-rule"))
    several = judging(*rules, select=["ACM"], extend=["BRN001"])
    assert [several.leaves_out(one) for one in rules] == [False, False, True]


# What --enforce refuses


def test_enforcing_refuses_what_could_loosen(tmp_path: Path) -> None:
    place = Case().build(tmp_path / "project").path
    words = ("check", "--enforce", "--base=main")
    assert run_here(*words, directory=place).exit_code == 0
    for more in recorded(__file__, "loosening"):
        refused = run_here(*words, more, directory=place)
        assert refused.exit_code == 2, more
        assert "--enforce does not go with" in refused.stderr
        assert "next: " in refused.stderr


def test_enforcing_neither_reads_nor_writes_the_cache(tmp_path: Path) -> None:
    repository = Case(policy='[rules.forbidden-path]\npaths = ["x/"]\n').build(tmp_path / "project")
    repository.commit("feat: x", files={"x/a": "1"})
    # What is kept under a policy's name may be that of another repository, and sound in itself.
    other = Case().build(tmp_path / "other")
    cache, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"

    def check(*more: str, place: Path = repository.path, cache: Path = cache) -> int:
        env = {"XDG_CACHE_HOME": str(cache)}
        return run_here("check", "--base", "main", *more, directory=place, env=env).exit_code

    assert check("--enforce") == 1
    assert not list(cache.rglob("*.cache"))
    assert check() == 1
    [kept] = cache.rglob("*.cache")
    assert check(place=other.path, cache=elsewhere) == 0
    [lenient] = elsewhere.rglob("*.cache")
    kept.write_bytes(lenient.read_bytes())
    assert check() == 0
    assert check("--enforce") == 1


def test_what_init_writes_passes_at_every_stage_and_is_enforced_once_it_may_be(
    repository: Repository,
) -> None:
    def check(*words: str, code: int = 0) -> str:
        return ended(run_here("check", *words, directory=repository.path), code).stderr

    repository.commit("chore: start", files={"ci/run": "make\n"})
    repository.branch("adopt")
    ended(run_here("init", directory=repository.path))
    repository.stage()
    check("--staged", "--strict")
    repository.commit("docs: state what may change")
    check()
    assert "--bootstrap" in check("--enforce", "--base=main", code=2)
    check("--enforce", "--base=main", "--bootstrap")


EXPLAINED = Path(__file__).with_name("explained.toml").read_text("utf-8")


def test_what_holds_is_said_with_the_settings_and_what_was_looked_at(tmp_path: Path) -> None:
    place = Case(policy=EXPLAINED, staged=Step(files={"c": "c\n"})).build(tmp_path).path
    words = ("check", "--staged", "--explain", "--select=PTH,BRN004")
    explained = run_here(*words, directory=place).stdout.split("\n")
    said = {line.split(" ")[0]: line.partition(": ")[2] for line in explained}
    locked = "passed: nothing under a/, b/ is added, changed or removed without an approval [looked at "
    assert said["PTH002"] == locked + "entries (1), base, policy, guards, objects, commits]"
    for code, begins in recorded(__file__, "explained").items():
        assert said[code].startswith(begins)
