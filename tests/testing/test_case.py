"""The case format: what it reads, what it refuses and what it builds, approvals among it."""

import re
from pathlib import Path
from typing import Any

import pytest

from specguard.approvals.log import read_log
from specguard.approvals.record import Approval, Revocation
from specguard.testing import Case, CaseError, Outcome
from specguard.testing.running import compare, differences
from tests.rows import rows

CASE = """
policy = '''
[rules.forbidden-path]
paths = ["docs/api/"]
'''
base = [{id = "old", files = {a = "1"}}, {files = {"docs/api/x" = "1"}}]
commits = [
  {id = "mine", message = "feat: x \\\\xff", files = {"src/\\\\xff" = "2"}, rename = {a = "b"}},
  {id = "side", parents = ["old"], files = {side = "1"}},
  {parents = ["mine", "side"], message = "Merge", files = {evil = "1"}},
]
branch = "phase-12"
refs = {"refs/remotes/origin/phase-12" = "mine"}
title = "Phase 12"
body = "text"
args = ["--range={base}..{head}"]
staged = {files = {s = "1"}}
worktree = {delete = ["b"]}
"""


def test_a_case_is_built_as_it_says(tmp_path: Path) -> None:
    case = Case.from_toml(CASE)
    repository = case.build(tmp_path / "r")
    assert repository.read("SPEC_AUTHORITY.md").decode() == (
        '# Authority\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["docs/api/"]\n```\n'
    )
    assert repository.git("symbolic-ref", "HEAD") == "refs/heads/phase-12"
    assert (
        repository.oid("refs/remotes/origin/main")
        == repository.oid("refs/heads/main")
        == repository.names["base"]
    )
    assert repository.oid("main~1") == repository.names["old"] == repository.names["start"]
    assert repository.oid() == repository.names["head"]
    assert repository.oid("refs/remotes/origin/phase-12") == repository.names["mine"]
    assert repository.process("log", "-1", "--format=%B", "HEAD^1").stdout == b"feat: x \xff\n\n"
    names = repository.git("ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    assert [name for name in names if name] == [
        "SPEC_AUTHORITY.md",
        "b",
        "docs/api/x",
        "evil",
        "side",
        "src/\udcff",
    ]
    assert repository.git("status", "--short").split("\n") == [" D b", "A  s"]

    arguments = case.arguments(tmp_path, repository.names)
    assert arguments[:2] == ["--staged", "--pr-title=Phase 12"]
    assert (tmp_path / "body.md").read_text() == "text"
    assert arguments[-1] == f"--range={repository.names['base']}..{repository.names['head']}"


def test_a_kind_of_case_of_one_s_own_has_the_keys_of_cases() -> None:
    class Short(Case):
        """A case of a test kit."""

    assert Short.from_toml('title = "Phase 12"').title == "Phase 12"


def test_a_case_without_a_base_or_a_policy(tmp_path: Path) -> None:
    repository = Case.from_toml('base = []\norigin = ""\nstaged = {files = {a = "1"}}').build(
        tmp_path / "unborn"
    )
    assert repository.process("rev-parse", "--verify", "HEAD").returncode
    assert (
        repository.git("diff", "--cached", "--name-only", "4b825dc642cb6eb9a060e54bf8d69288fbee4904") == "a"
    )

    repository = Case.from_toml('policy = "# Mine\\n"').build(tmp_path / "own")
    assert repository.read("SPEC_AUTHORITY.md") == b"# Mine\n"

    repository = Case.from_toml('policy = ""\norigin = ""').build(tmp_path / "no-policy")
    assert repository.git("ls-files") == ""
    assert repository.git("for-each-ref", "refs/remotes") == ""


@pytest.mark.parametrize(("text", "said"), rows(__file__, "what_is_not_the_format_is_refused_by_name"))
def test_what_is_not_the_format_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(CaseError) as refused:
        Case.from_toml(text)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("commits = [{delete = ['a']}]", "no path 'a' in the tree before"),
        ("commits = [{parents = ['x']}]", "no commit so far has the id 'x'"),
        ("refs = {'refs/heads/x' = 'y'}", "no commit so far has the id 'y'"),
        ("staged = {delete = ['a']}", "No such file"),
    ],
)
def test_a_case_that_cannot_be_built_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CaseError, match=said.replace("(", r"\(")):
        Case.from_toml(text).build(tmp_path / "r")


def finding(**fields: Any) -> dict[str, Any]:
    location = {"path": None, "line": None, **fields.pop("location", {})}
    return {"code": "PTH001", "message": "forbidden", "location": location, "authority": None, **fields}


def test_findings_are_matched_one_to_one_the_most_exact_first() -> None:
    there = [finding(location={"path": "a"}), finding(location={"path": "b", "line": 3})]
    assert not list(compare([{"code": "PTH001"}, {"code": "PTH001", "path": "a"}], there))
    missing, left = compare([{"path": "a"}, {"path": "a"}], there)
    assert (missing.kind, missing.position, left.what) == ("missing", 1, "PTH001 b:3: forbidden")
    cited = finding(authority={"path": "SPEC_AUTHORITY.md", "line": 5})
    assert not list(compare([{"authority": "SPEC_AUTHORITY.md:5", "message": "forb"}], [cited]))
    assert next(compare([{"authority": "SPEC_AUTHORITY.md:6"}], [cited])).position == 0


def test_an_outcome_is_compared_in_every_part() -> None:
    import json

    report = {
        "findings": [finding()],
        "rules": [{"code": "PTH001", "name": "forbidden-path", "state": "failed", "reason": None}],
        "notes": ["judged against main"],
    }
    outcome = Outcome(1, json.dumps(report), "")
    good = Case(expect=[{"code": "PTH001"}], states={"PTH001": "failed"}, notes=["main"], exit_code=1)
    assert list(differences(good, outcome, {})) == []
    bad = Case(states={"PTH001": "passed", "PTH002": "passed"}, notes=["elsewhere"])
    assert len(list(differences(bad, outcome, {}))) == 4

    error = Outcome(
        2, json.dumps({"verdict": "error", "errors": [{"message": "no base", "help": "give one"}]}), ""
    )
    assert list(differences(Case(error="no base", exit_code=2), error, {})) == []
    [different] = differences(Case(exit_code=2), error, {})
    assert different.text == "an error: no base; give one"


# Cases that are like others

WAVE = """
policy = "base = 'main'"
base = [{files = {"a.md" = "one two", "b.md" = "x"}}, {message = "more", files = {"a.md" = "one three"}}]
commits = [{message = "feat: x", files = {"c.md" = "c"}}]
exit_code = 1
"""


def test_a_case_may_be_like_another_one(tmp_path: Path) -> None:
    (tmp_path / "wave.toml").write_text(WAVE)
    (tmp_path / "other.toml").write_text(
        'like = "wave.toml"\nexit_code = 0\n[edits]\n"a.md" = {"one" = "ONE"}\n"b.md" = false\n"d.md" = "d"\n'
    )
    case = Case.load(tmp_path / "other.toml")
    assert case.exit_code == 0
    assert case.policy == "base = 'main'"
    assert [dict(step.files) for step in case.base] == [{b"a.md": "ONE two"}, {b"a.md": "ONE three"}]
    assert [dict(step.files) for step in case.commits] == [{b"c.md": "c", b"d.md": "d"}]
    (tmp_path / "third.toml").write_text('like = "other.toml"\nedits = {"a.md" = "all of it"}\n')
    case = Case.load(tmp_path / "third.toml")
    assert dict(case.base[0].files) == {b"a.md": "ONE two"}
    assert (b"a.md", "all of it") in dict(case.commits[0].files).items()


def test_a_case_may_go_on_where_another_one_ends(tmp_path: Path) -> None:
    (tmp_path / "wave.toml").write_text(WAVE)
    (tmp_path / "next.toml").write_text('after = "wave.toml"\ncommits = [{files = {e = "1"}}]\n')
    case = Case.load(tmp_path / "next.toml")
    assert (case.policy, case.exit_code) == ("base = 'main'", None)
    assert [sorted(step.files) for step in case.base] == [[b"a.md", b"b.md"], [b"a.md"], [b"c.md"]]
    assert [sorted(step.files) for step in case.commits] == [[b"e"]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('like = "none.toml"', "no case 'none.toml'"),
        ('like = "itself.toml"', "no case 'itself.toml'"),
        ('like = "wave.toml"\nedits = {"a.md" = {"four" = "x"}}', "'a.md' has no 'four'"),
        ('like = "wave.toml"\nedits = {"z.md" = {"four" = "x"}}', "no step has 'z.md'"),
        ('like = "wave.toml"\nedits = {"a.md" = 3}', "what becomes of it"),
        ("like = 3", "like must be text"),
    ],
)
def test_what_a_case_cannot_be_like_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "wave.toml").write_text(WAVE)
    (tmp_path / "itself.toml").write_text(text)
    with pytest.raises(CaseError, match=re.escape(problem)):
        Case.load(tmp_path / "itself.toml")


# Approvals of a case


APPROVED = """
policy = '''
base = "main"

[rules.locked-path]
paths = ["docs/"]

[[approvals.approver]]
name = "alice"
key = "{key}"
may = ["PTH002"]
'''
base = {files = {"docs/x" = "a"}}
commits = [{message = "feat: x", files = {"docs/x" = "b"}}]
"""


def test_a_record_is_of_the_cases_own_change_but_for_what_is_said(tmp_path: Path) -> None:
    text = f"""{APPROVED}
    [[approvals]]
    rules = ["PTH002"]
    reason = "it was agreed upon"
    sign = "key"

    [[approvals]]
    id = "two"
    rules = ["PTH002"]
    paths = ["docs/y"]
    issued = -3
    expires = 4
    target = "release"
    place = "base"

    [[approvals]]
    revokes = "two"
    place = "local"
    """
    repository = Case.from_toml(text).build(tmp_path / "r")
    log = read_log(b".specguard/approvals/", base=None, head=None, work_tree=str(repository.path))
    one, no = (log.filed[repository.names[name]] for name in ("approval", "approval2"))
    assert isinstance(one.record, Approval)
    assert (one.record.target, one.record.paths, one.record.rules) == ("main", [b"docs/x"], ["PTH002"])
    assert one.signatures
    assert isinstance(no.record, Revocation)
    assert no.record.revokes == repository.names["two"]
    path = f".specguard/approvals/{repository.names['two']}.json"
    assert '"release"' in repository.git("show", f"origin/main:{path}")
    assert repository.git("diff", "--name-only", "main~", "main") == path
    assert repository.git("log", "--format=%s", "main~..work").split("\n") == ["chore: approve", "feat: x"]
    assert repository.names["head"] == repository.oid("work")
    assert repository.names["base"] == repository.oid("main")
    assert repository.git("status", "--short") == f"?? .specguard/approvals/{no.id}.json"
    assert "ssh-ed25519 " in repository.read("SPEC_AUTHORITY.md").decode()


def test_what_is_staged_is_staged_with_its_approval(tmp_path: Path) -> None:
    text = f'{APPROVED}\napprovals = [{{rules = ["PTH002"]}}]'
    case = Case.from_toml(
        text.replace("commits = [{message", "staged = {message").replace("}}]\n", "}}\n", 1)
    )
    assert case.staged is not None
    repository = case.build(tmp_path / "r")
    staged = repository.git("diff", "--cached", "--name-only").split("\n")
    assert staged == [f".specguard/approvals/{repository.names['approval']}.json", "docs/x"]


@pytest.mark.parametrize(
    ("approvals", "said"),
    [
        ("[{rule = 'PTH002'}]", "approvals.0: unknown key 'rule'; did you mean 'rules'?"),
        ("[{rules = [1]}]", "approvals.0.rules.0 must be text"),
        ("[{place = 'here'}]", "approvals.0.place must be one of head, base, local"),
    ],
)
def test_a_case_that_is_written_wrongly(approvals: str, said: str) -> None:
    with pytest.raises(CaseError, match=f"case: {said}".replace("?", r"\?")):
        Case.from_toml(f"{APPROVED}\napprovals = {approvals}")


def test_a_case_whose_approval_cannot_be_made(tmp_path: Path) -> None:
    text = f"{APPROVED}\napprovals = [{{rules = ['PTH002'], sign = 'mine'}}]"
    with pytest.raises(CaseError, match="there is no key 'mine': keys are key, other"):
        Case.from_toml(text).build(tmp_path / "a")
    text = f"{APPROVED}\nargs = ['--bse=x']\napprovals = [{{rules = ['PTH002']}}]"
    with pytest.raises(CaseError, match="the arguments of the check are wrong: No such option"):
        Case.from_toml(text).build(tmp_path / "b")
