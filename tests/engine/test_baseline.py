"""What the baseline of the trusted base makes of a check's findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Case, Step, run_case, run_here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from specguard.testing import Outcome, Repository

FILE = ".specguard/baseline.json"
CI = ".github/workflows/ci.yml"
POLICY = '[rules.host-network-call]\nfiles = [".github/workflows/*.yml"]\n'
HEAD = "on: push\njobs:\n  smoke:\n    runs-on: ubuntu-latest\n    steps:\n"


def workflow(calls: int, comment: str = "") -> str:
    """A workflow with so many findings of CNT002."""
    lines = [f"      - run: curl http://localhost:{8000 + number}\n" for number in range(calls)]
    return f"{comment}{HEAD}      - run: true\n{''.join(lines)}"


def baseline(count: int, path: str = CI) -> str:
    return json.dumps({"CNT002": {path: count}})


def judge(
    before: Mapping[str, str], after: Mapping[str, str], *, policy: str = POLICY, args: tuple[str, ...] = ()
) -> Outcome:
    case = Case(
        policy=policy,
        base=(Step("chore: base", files=before),),
        commits=(Step("ci: x", files=after),) if after else (),
        args=("--select=CNT,PTH004,CFG", *args),
        expect=None,
    )
    return run_case(case, installed=False)


def states(outcome: Outcome) -> list[str]:
    return [finding["state"] for finding in outcome.report["findings"] if finding["code"] == "CNT002"]


@pytest.mark.parametrize(("calls", "accepted"), [(2, 2), (1, 2)])
def test_what_is_not_exceeded_is_accepted(calls: int, accepted: int) -> None:
    before = {CI: workflow(2), FILE: baseline(accepted)}
    outcome = judge(before, {CI: workflow(calls, comment="# moved\n\n\n")})
    assert outcome.exit_code == 0
    assert states(outcome) == ["baselined"] * calls
    assert outcome.state("CNT002") == "baselined"
    assert outcome.report["verdict"] == "accepted"
    assert outcome.report["counts"]["baselined"] == 1
    assert outcome.report["counts"]["failed"] == 0


def test_what_is_exceeded_is_open_with_both_numbers() -> None:
    outcome = judge({CI: workflow(2), FILE: baseline(2)}, {CI: workflow(3)})
    assert (outcome.exit_code, outcome.report["verdict"]) == (1, "failed")
    assert states(outcome) == ["open"] * 3
    assert [finding["baseline"] for finding in outcome.report["findings"]] == [
        {"found": 3, "accepted": 2}
    ] * 3


def test_another_file_has_a_count_of_its_own() -> None:
    other = ".github/workflows/other.yml"
    outcome = judge({CI: workflow(2), FILE: baseline(2)}, {CI: workflow(1), other: workflow(1)})
    found = {f["location"]["path"]: (f["state"], f["baseline"]) for f in outcome.report["findings"]}
    assert found == {CI: ("baselined", None), other: ("open", None)}
    assert (outcome.exit_code, outcome.state("CNT002")) == (1, "failed")


def test_a_finding_that_is_below_an_error_is_left_as_it_is() -> None:
    policy = POLICY + 'severity = "warning"\n'
    before = {CI: workflow(2), FILE: baseline(2)}
    outcome = judge(before, {CI: workflow(1)}, policy=policy)
    assert (outcome.exit_code, outcome.state("CNT002"), states(outcome)) == (0, "warned", ["open"])
    outcome = judge(before, {CI: workflow(1)}, policy=policy, args=("--strict",))
    assert (outcome.exit_code, outcome.state("CNT002"), states(outcome)) == (0, "baselined", ["baselined"])


def test_other_families_cannot_be_accepted() -> None:
    policy = '[rules.forbidden-path]\npaths = ["docs/"]\n'
    case = Case(
        policy=policy,
        base=(Step("chore: base", files={FILE: json.dumps({"PTH001": {"docs/a": 1}})}),),
        commits=(Step("docs: x", files={"docs/a": "a"}),),
        error=f"{FILE}:1: the baseline has PTH001, and only rules of",
    )
    run_case(case, installed=False)


def test_the_base_alone_says_what_is_accepted() -> None:
    """A change that brings a baseline of its own is judged by the one before it, and says so."""
    outcome = judge({CI: workflow(1)}, {CI: workflow(2), FILE: baseline(2)})
    assert states(outcome) == ["open", "open"]
    assert outcome.state("PTH004") == "failed"
    outcome = judge({CI: workflow(1), FILE: baseline(1)}, {CI: workflow(2), FILE: baseline(2)})
    assert states(outcome) == ["open", "open"]
    [grown] = [one for one in outcome.report["findings"] if one["code"] == "PTH004"]
    assert f"2 instead of 1 of CNT002 in {CI}" in grown["message"]
    assert grown["location"]["line"] == 1


def test_one_that_only_shrinks_is_a_warning() -> None:
    outcome = judge({CI: workflow(2), FILE: baseline(2)}, {CI: workflow(1), FILE: baseline(1)})
    assert states(outcome) == ["baselined"]
    assert (outcome.exit_code, outcome.state("PTH004")) == (0, "warned")


@pytest.mark.parametrize("kind", ["deleted", "link"])
def test_one_that_is_taken_away_or_becomes_a_link(kind: str) -> None:
    case = Case(
        policy=POLICY,
        base=(Step("chore: base", files={CI: workflow(1), FILE: baseline(1)}),),
        commits=(
            Step("chore: x", delete=[FILE])
            if kind == "deleted"
            else Step("chore: x", delete=[FILE], symlinks={FILE: "../x"}),
        ),
        args=("--select=PTH004",),
        expect=None,
    )
    outcome = run_case(case, installed=False)
    assert outcome.state("PTH004") == ("warned" if kind == "deleted" else "failed")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"files": {FILE: '{\n"CNT002": {"a": -1}}'}}, f"{FILE}:2: the baseline has no count of at least 1"),
        ({"symlinks": {FILE: "x.json"}}, f"{FILE}: the baseline is no regular file"),
        ({"files": {f"{FILE}/a": "a"}}, "the baseline is no regular file"),
    ],
)
def test_a_broken_one_in_the_base_gives_no_verdict(step: Any, said: str) -> None:
    case = Case(
        policy=POLICY,
        base=(Step("chore: base", **step),),
        commits=(Step("ci: x", files={CI: workflow(1)}),),
        error=said,
    )
    run_case(case, installed=False)


@pytest.mark.parametrize("lost", ["main:.specguard", f"main:{FILE}"])
def test_one_that_is_not_there_to_read_gives_no_verdict(repository: Repository, lost: str) -> None:
    authority = f"# Authority\n\n```toml specguard\n{POLICY}```\n"
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority, FILE: baseline(1)})
    repository.branch("work")
    repository.commit("ci: x", files={CI: workflow(1)})
    oid = repository.oid(lost)
    (repository.git_dir / "objects" / oid[:2] / oid[2:]).unlink()
    outcome = run_here("check", "--base=main", "--output-format=json", directory=repository.path)
    assert outcome.exit_code == 2
    [error] = outcome.report["errors"]
    assert oid[:12] in error["message"]
    assert error["help"]


def test_a_first_authority_brings_its_baseline_along() -> None:
    case = Case(
        policy="",
        base=(Step("chore: base", files={CI: workflow(1)}),),
        commits=(Step("chore: x", files={FILE: baseline(2), "specguard.toml": POLICY, CI: workflow(2)}),),
        args=("--select=PTH004,CNT002",),
        expect=None,
    )
    outcome = run_case(case, installed=False)
    assert states(outcome) == ["baselined"] * 2
    assert (outcome.exit_code, outcome.report["verdict"]) == (0, "accepted")
    assert outcome.state("PTH004") in ("passed", "warned")
    assert not any(
        one["severity"] == "error" for one in outcome.report["findings"] if one["code"] != "CNT002"
    )


def project(tmp_path: Path, accepted: int, calls: int) -> Repository:
    return Case(
        policy=POLICY,
        base=(Step("chore: base", files={CI: workflow(1), FILE: baseline(accepted)}),),
        commits=(Step("ci: x", files={CI: workflow(calls)}),),
    ).build(tmp_path / "repository")


def test_every_report_tells_what_is_accepted_from_what_is_not(tmp_path: Path) -> None:
    repository = project(tmp_path, accepted=2, calls=2)
    text = run_here("check", "--select=CNT002", directory=repository.path).stdout
    assert "2 errors are in the baseline" in text
    assert "error:" not in text
    assert "specguard: accepted (range, 1 commit, 1 file): 2 in the baseline" in text
    concise = run_here("check", "--select=CNT002", "--output-format=concise", directory=repository.path)
    assert concise.stdout.count("(baselined)") == 2
    github = run_here("check", "--select=CNT002", "--output-format=github", directory=repository.path)
    assert github.stdout.count("::notice ") == 2
    explained = run_here("check", "--select=CNT002", "--explain", directory=repository.path).stdout
    assert "CNT002 host-network-call: baselined: 2 errors are in the baseline" in explained

    repository = project(tmp_path / "more", accepted=1, calls=2)
    said = "2 of these are in this file, and the baseline accepts 1"
    for form, count in (("text", 1), ("concise", 2), ("github", 2)):
        outcome = run_here("check", "--select=CNT002", f"--output-format={form}", directory=repository.path)
        assert (outcome.stdout.count(said), outcome.exit_code) == (count, 1), form


def test_a_hook_honours_it_too(tmp_path: Path) -> None:
    repository = project(tmp_path, accepted=2, calls=1)
    repository.write(CI, workflow(2))
    repository.stage()
    outcome = run_here("check", "--staged", directory=repository.path)
    assert outcome.exit_code == 0, outcome
    assert "accepted" in outcome.stdout


# The whole tree


def test_the_whole_tree_is_judged_without_a_change(tmp_path: Path) -> None:
    repository = Case(
        policy=POLICY, base=(Step("chore: base", files={CI: workflow(1)}),), branch="main"
    ).build(tmp_path / "repository")
    nothing = run_here("check", directory=repository.path)
    assert (nothing.exit_code, "nothing to judge" in nothing.stdout) == (0, True)
    whole = run_here("check", "--all", directory=repository.path)
    assert whole.exit_code == 1
    assert "specguard: failed (the whole tree): " in whole.stdout
    report = run_here("check", "--all", "--output-format=json", directory=repository.path).report
    assert (report["empty"], report["change"]["whole"]) == (False, True)
    assert "Nothing to judge" not in whole.stdout


def test_a_change_is_judged_with_the_whole_tree(tmp_path: Path) -> None:
    repository = Case(
        policy=POLICY,
        base=(Step("chore: base", files={CI: workflow(0)}),),
        commits=(Step("docs: x", files={"a": "a"}),),
    ).build(tmp_path / "repository")
    outcome = run_here("check", "--all", "--select=CNT002", directory=repository.path)
    assert "specguard: passed (the whole tree; range, 1 commit, 1 file)\n" in outcome.stdout


TICKS = '[checklists]\nfiles = ["tasks.md"]\nevidence = ".runs/**"\n[runs]\nkeep = "tree"\n'
SPECS = '[specs]\nfiles = ["specs/*.md"]\nindex = "specs/index.json"\n'
ASSETS = '[assets]\npaths = ["kb/*.md"]\nindex = "kb/index.json"\n'


def index(*names: str) -> str:
    return json.dumps({"specs": [{"id": name, "path": f"specs/{name}.md"} for name in names]})


def assets(*names: str) -> str:
    return json.dumps({"assets": [{"id": name, "file": f"kb/{name}.md"} for name in names]})


@pytest.mark.parametrize(
    ("code", "policy", "path", "before", "after", "count"),
    [
        pytest.param(
            "ART006",
            TICKS,
            "tasks.md",
            {"tasks.md": "- [x] a\n- [ ] b\n"},
            {"tasks.md": "- [x] a\n- [x] b\n"},
            2,
            id="a tick more",
        ),
        pytest.param(
            "ART006",
            TICKS,
            "tasks.md",
            {"tasks.md": "- [x] a\n- [ ] b\n"},
            {"tasks.md": "- [ ] a\n- [x] b\n"},
            1,
            id="another tick",
        ),
        pytest.param(
            "SPC001",
            SPECS,
            "specs/index.json",
            {"specs/index.json": index("a")},
            {"specs/index.json": index("a", "b")},
            2,
            id="an entry more",
        ),
        pytest.param(
            "SPC001",
            SPECS,
            "specs/index.json",
            {"specs/index.json": index("a")},
            {"specs/index.json": index("b")},
            1,
            id="another entry",
        ),
        pytest.param(
            "ART022",
            ASSETS,
            "kb/index.json",
            {"kb/index.json": assets("a"), "kb/a.md": "a\n"},
            {"kb/index.json": assets("a", "b"), "kb/b.md": "b\n"},
            2,
            id="an asset more",
        ),
    ],
)
def test_a_rule_that_judges_parts_of_a_file_counts_all_of_it(
    code: str, policy: str, path: str, before: Mapping[str, str], after: Mapping[str, str], count: int
) -> None:
    """A change has one error in a file in which one is accepted; what counts is how many the file has."""
    accepted = json.dumps({code: {path: 1}})
    case = Case(
        policy=policy,
        base=(Step("chore: base", files={**before, FILE: accepted}),),
        commits=(Step("docs: x", files=after),),
        args=(f"--select={code}",),
        expect=None,
    )
    outcome = run_case(case, installed=False)
    [finding] = outcome.report["findings"]
    exceeds = {"found": 2, "accepted": 1}
    assert (finding["state"], finding["baseline"]) == (
        ("open", exceeds) if count == 2 else ("baselined", None)
    )
