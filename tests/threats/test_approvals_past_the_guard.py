"""Ways past the rules about approvals that were found by trying; each is built and refused."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from specguard.testing.case import sign
from tests.threats.cases import threat
from tests.threats.guarded import check, undecided
from tests.threats.test_approvals import (
    AUTHOR,
    CODE,
    ENFORCED,
    GRANT,
    LOG,
    approved,
    fails,
    fails_by,
    holds,
    open_errors,
    record,
    signed,
)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A branch whose change of a locked file alice approved and signed."""
    return approved(tmp_path)


def file_of(data: dict[str, Any]) -> dict[str, str | bytes]:
    """Return a record's file content, by its path."""
    content = (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()
    return {f"{LOG}/{hashlib.sha256(content).hexdigest()}.json": content}


def revocation(approver: str = "alice") -> dict[str, Any]:
    return {
        "schema": "specguard.approval/1",
        "kind": "revoke",
        "revokes": "0" * 64,
        "approver": approver,
        "reason": "it is no longer wanted",
        "issued_at": "2026-01-01T10:00:00Z",
        "nonce": "1" * 32,
    }


# An approval is for one content


def touch_and_put_back(repo: Repository) -> None:
    repo.branch("evil", "main")
    content = repo.read("locked/p")
    repo.commit("feat: x", files={"locked/p": "EVIL\n"}, author=AUTHOR)
    repo.commit("feat: y", files={"locked/p": content}, author=AUTHOR)


@threat("T93", "an approval for a change that comes to nothing but records", "exit 1: APR006, PTH002")
def test_a_change_that_only_adds_records_is_bound_as_any_other(repo: Repository) -> None:
    approval = signed(repo)
    touch_and_put_back(repo)
    repo.commit("chore: approve", files=approval, author=AUTHOR)
    fails(repo)


def test_an_approval_of_the_base_lifts_nothing_that_comes_with_another_record(repo: Repository) -> None:
    holds(repo)
    for ref in ("refs/heads/main", "refs/remotes/origin/main"):
        repo.ref(ref)
    touch_and_put_back(repo)
    repo.commit("chore: revoke", files=file_of(revocation()), author=AUTHOR)
    fails(repo)


# What stands beside approvals


@threat("T102", "a signature by nobody, added to an unsigned approval of the base", "exit 1: APR002")
def test_a_signature_that_spoils_an_approval_of_the_base(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, place="base", sign=""))
    repo.branch("evil", "main")
    repo.commit("chore: sign", files={f"{record(repo)}.sig": "nothing\n"}, author=AUTHOR)
    fails_by(repo, "APR002")


def test_a_signature_that_comes_later_to_the_base(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, place="base", sign=""))
    repo.branch("later", "main")
    signature = sign(repo.read(record(repo)), "key")
    repo.commit("chore: sign", files={f"{record(repo)}.sig": signature}, author=AUTHOR)
    assert check(repo, *ENFORCED).exit_code == 0


@pytest.mark.parametrize(
    ("approver", "signature", "said"),
    [
        ("mallory", None, "a revocation by mallory, who is not an approver"),
        ("alice", "x", "by no key of alice"),
    ],
)
def test_a_revocation_that_is_nobody_s(
    repo: Repository, approver: str, signature: str | None, said: str
) -> None:
    (path, content), *_ = file_of(revocation(approver)).items()
    signed = {} if signature is None else {f"{path}.sig": signature}
    repo.branch("evil", "main")
    repo.commit("chore: revoke", files={path: content, **signed}, author=AUTHOR)
    outcome = fails_by(repo, "APR002")
    assert said in outcome.report["findings"][0]["message"]


# Records that are there to keep a check busy


def filed(repo: Repository, **other: Any) -> dict[str, str | bytes]:
    """Return the branch's own approval with other fields, as a file."""
    return file_of({**json.loads(repo.read(record(repo))), "nonce": "3" * 32, **other})


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("rules", [f"XYZ{number}" for number in range(10_000)]),
        ("paths", [{"path": f"a*{number}"} for number in range(5000)]),
    ],
)
def test_a_record_that_names_much_is_told_of_once(repo: Repository, field: str, names: list[Any]) -> None:
    repo.commit("chore: approve", files=filed(repo, **{field: names}))
    broad = [one for one in check(repo, *ENFORCED).report["findings"] if one["code"] == "APR007"]
    assert [f" and {len(names) - 5} more" in one["message"] for one in broad] == [True]


def test_many_records_and_many_authors_take_no_square_of_time(repo: Repository) -> None:
    names = "\n".join(f"Co-authored-by: X <x{number}@example.org>" for number in range(10_000))
    repo.commit(f"feat: y\n\n{names}", files={"src/a": "b\n"}, author=AUTHOR)
    files: dict[str, str | bytes] = {}
    for number in range(1000):
        files |= filed(repo, fingerprint="0" * 64, nonce=f"{number:032x}")
    repo.commit("chore: approve", files=files)
    outcome = check(repo, *ENFORCED)
    assert {"APR006", "PTH002"} <= open_errors(outcome)
    (found,) = [one for one in outcome.report["findings"] if one["code"] == "PTH002"]
    assert len(found["approvals"]) == 10


def test_a_text_without_an_end_is_in_no_record(repo: Repository) -> None:
    repo.commit("chore: approve", files=filed(repo, reason="because " * 20_000))
    (found,) = [one for one in check(repo, *ENFORCED).report["findings"] if one["code"] == "APR001"]
    assert "its 'reason' is not of the form" in found["message"]


def test_a_log_that_a_change_fills_is_not_read_to_its_end(repo: Repository) -> None:
    files = {f"{LOG}/{number:064x}.json": f"{number} ".encode() * 50_000 for number in range(100, 300)}
    repo.commit("chore: approve", files=files)
    undecided(check(repo, *ENFORCED), "the change adds more than 32 MiB to .specguard/approvals/")


@threat("T96", "a revocation of the branch deleted again, where nothing else is found", "exit 1: APR001")
def test_a_revocation_that_comes_and_goes(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, place="base"))
    repo.branch("later", "main")
    (path, content), *_ = file_of({**revocation(), "revokes": repo.names["approval"]}).items()
    repo.commit("chore: revoke", files={path: content}, author=AUTHOR)
    repo.delete(path)
    repo.commit("chore: take it back", author=AUTHOR)
    fails_by(repo, "APR001")


# What a merge leaves out


@pytest.fixture(params=["one", "two"])
def crossed(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    """A base that merged two branches, and a branch that merged the same two in either order."""
    repo = approved(tmp_path, replace(GRANT, place="base"))
    repo.branch("one", "main")
    (path, content), *_ = file_of({**revocation(), "revokes": repo.names["approval"]}).items()
    repo.names["revocation"] = path
    repo.commit("chore: one", files={path: content, "locked/p": "SAFE\n"})
    repo.branch("two", "main")
    repo.commit("chore: two", files={"src/two": "a\n"})
    repo.checkout("main")
    for name in ("one", "two"):
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge {name}", name)
    repo.ref("refs/remotes/origin/main", "main")
    repo.branch("evil", request.param)
    repo.git("merge", "-q", "--no-ff", "-m", "Merge", "two" if request.param == "one" else "one")
    return repo


@threat("T40", "a merge that leaves out what one of several merge bases has", "exit 1: PTH002")
@pytest.mark.parametrize("left_out", ["revocation", "locked"])
def test_a_merge_that_undoes_what_one_of_several_merge_bases_has(crossed: Repository, left_out: str) -> None:
    if left_out == "locked":
        crossed.commit("Merge", files={"locked/p": CODE}, author=AUTHOR, amend=True)
    else:
        crossed.delete(crossed.names["revocation"])
        crossed.commit("Merge", author=AUTHOR, amend=True)
    crossed.commit("feat: y", files={"src/a": "b\n"}, author=AUTHOR)
    assert len(crossed.git("merge-base", "--all", "evil", "main").split()) == 2
    expected = {"PTH002"} if left_out == "locked" else {"APR001", "PTH004"}
    assert open_errors(check(crossed, *ENFORCED)) == expected
    crossed.git("merge", "-q", "-m", "Merge", "main")
    assert open_errors(check(crossed, *ENFORCED)) == expected


def test_several_merge_bases_are_no_trouble_where_nothing_is_lost(crossed: Repository) -> None:
    crossed.commit("feat: y", files={"src/a": "b\n"}, author=AUTHOR)
    outcome = check(crossed, *ENFORCED)
    assert outcome.exit_code < 2, outcome


# What is kept of verdicts


@threat("T95", "a log of decisions that the change brings with it, with lines of its own", "exit 2")
@pytest.mark.parametrize("linked", [False, True])
def test_a_log_of_decisions_that_the_change_brings(linked: bool, repo: Repository, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("{}\n")
    if linked:
        repo.symlink("decisions.jsonl", str(victim))
    else:
        repo.write("decisions.jsonl", "{}\n")
    repo.commit("chore: log")
    outcome = check(repo, *ENFORCED, "--log-decisions=decisions.jsonl")
    undecided(outcome, "the decision log is in the judged tree")
    assert victim.read_text() == "{}\n"
    assert repo.read("decisions.jsonl") == b"{}\n"


@pytest.mark.parametrize("link", ["specguard", "specguard/decisions.jsonl"])
def test_no_decision_is_written_through_a_link_in_the_git_directory(
    link: str, repo: Repository, tmp_path: Path
) -> None:
    place = repo.git_dir / link
    place.parent.mkdir(exist_ok=True)
    victim = tmp_path / "victim"
    place.symlink_to(victim if place.suffix else tmp_path)
    holds(repo)
    assert not victim.exists()
    assert not (tmp_path / "decisions.jsonl").exists()


def test_decisions_without_an_end_are_not_read(repo: Repository) -> None:
    place = repo.git_dir / "specguard" / "decisions.jsonl"
    place.parent.mkdir()
    os.mkfifo(place)
    outcome = run_here("approvals", "list", directory=repo.path)
    assert (outcome.exit_code, "it is not a regular file" in outcome.stderr) == (2, True), outcome
