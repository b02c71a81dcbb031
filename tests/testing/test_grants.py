"""Approvals of a case: what is written, where, and what is said of a case that is written wrongly."""

from pathlib import Path

import pytest

from specguard.approvals.log import read_log
from specguard.approvals.record import Approval, Revocation
from specguard.testing import Case, CaseError

CASE = """
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
    text = f"""{CASE}
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
    log = read_log(b".specguard/approvals/", work_tree=str(repository.path))
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
    text = f'{CASE}\napprovals = [{{rules = ["PTH002"]}}]'
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
        Case.from_toml(f"{CASE}\napprovals = {approvals}")


def test_a_case_whose_approval_cannot_be_made(tmp_path: Path) -> None:
    text = f"{CASE}\napprovals = [{{rules = ['PTH002'], sign = 'mine'}}]"
    with pytest.raises(CaseError, match="there is no key 'mine': keys are key, other"):
        Case.from_toml(text).build(tmp_path / "a")
    text = f"{CASE}\nargs = ['--bse=x']\napprovals = [{{rules = ['PTH002']}}]"
    with pytest.raises(CaseError, match="the arguments of the check are wrong: No such option"):
        Case.from_toml(text).build(tmp_path / "b")
