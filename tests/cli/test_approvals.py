"""`specguard approvals`: the list, one record, the verification, and what is added to the log."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from specguard.approvals.log import write_record
from specguard.approvals.people import verify
from specguard.approvals.record import Approval, Revocation, read_record
from specguard.testing import Outcome, Repository, Step, run_here
from specguard.testing.repository import clean_environment
from tests.approvals.conftest import Key
from tests.approvals.making import FOLDER, approval, revocation
from tests.outcomes import data_of, ended, there
from tests.rows import rows

LOG = os.fsdecode(FOLDER)
DATA = Path(__file__).parent / "data"
Pair = tuple["Approval", "Approval"]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    """A key each for alice, who may approve, and for mallory."""
    made = {}
    for name in ("alice", "mallory"):
        file = tmp_path_factory.mktemp("keys") / name
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        made[name] = Key(file)
    return made


def authority(keys: dict[str, Key], *names: str) -> str:
    approvers = {
        "alice": f'name = "alice"\nkey = "{keys["alice"].public}"\nmay = ["PTH002"]',
        "bob": 'name = "bob"\nmay = ["PTH", "SPC"]',
    }
    tables = "".join(f"[[approvals.approver]]\n{approvers[name]}\n" for name in names or approvers)
    return f'# Authority\n\n```toml specguard\n[rules.locked-path]\npaths = ["docs/api/"]\n{tables}```\n'


@pytest.fixture
def project(tmp_path: Path, keys: dict[str, Key]) -> Repository:
    """A repository with an authority on main, which is published, and the branch `work` checked out."""
    repository = Repository(tmp_path / "project")
    repository.commit("chore: begin", files={"SPEC_AUTHORITY.md": authority(keys), "docs/api/x.yaml": "a"})
    repository.publish()
    repository.branch("work")
    return repository


def approvals(project: Repository, *words: str) -> Outcome:
    return run_here("approvals", *words, directory=project.path)


def listed(project: Repository, *words: str) -> dict[str, Any]:
    data: dict[str, Any] = data_of(project, "approvals", "list", *words)
    assert data["schema"] == "specguard.approvals/1"
    return data


def states(project: Repository) -> dict[str, tuple[str, str]]:
    return {one["id"]: (one["state"], one["proof"]) for one in listed(project)["approvals"]}


def file(project: Repository, record: Approval | Revocation, key: Key | None = None) -> str:
    return write_record(str(project.path), FOLDER, record, key.sign(record.content) if key else None)


def commit(project: Repository, record: Approval | Revocation, key: Key | None = None) -> str:
    path = file(project, record, key)
    project.commit("chore: file a record")
    return path


# The list


def test_there_are_none(project: Repository) -> None:
    assert ended(approvals(project)).stdout == "there are no approvals in .specguard/approvals/\n"
    assert ended(approvals(project, "verify")).stdout == "the log holds: 0 approvals, 0 revocations\n"
    empty = {"folder": ".specguard/approvals/", "approvals": [], "revocations": [], "broken": []}
    assert listed(project) == {"schema": "specguard.approvals/1", **empty}
    named = ended(approvals(project, "--help")).stdout
    assert all(f"\n  {name} " in named for name in ("list", "show", "verify", "revoke", "sign"))
    assert "forget" in ended(approvals(project, "forget"), 2).stderr


def test_a_list_says_who_what_why_and_until_when(project: Repository, keys: dict[str, Key]) -> None:
    one = approval(issued_at=datetime(2026, 1, 1, tzinfo=UTC))
    paths = [b"docs/api/%d" % number for number in range(9)]
    other = approval("bob", ticket="", paths=paths, rules=["SPC001", "PTH002"], reason="the reader is wrong")
    commit(project, one, keys["alice"])
    file(project, other)
    outcome = ended(approvals(project))
    until = f"{one.expires_at:%Y-%m-%d}"
    text = (DATA / "approvals.txt").read_text()
    assert outcome.stdout == text.format(one=one.id[:12], other=other.id[:12], until=until)
    assert approvals(project, "list").stdout == outcome.stdout


def test_what_is_over_is_only_counted(project: Repository, keys: dict[str, Key]) -> None:
    expired = approval(expires_at=datetime(2026, 1, 2, tzinfo=UTC))
    revoked = approval()
    for record in (expired, revoked, revocation(revoked.id, "bob", reason="it was a mistake")):
        commit(project, record, keys["alice"] if record.approver == "alice" else None)
    assert approvals(project).stdout == "2 over: specguard approvals list --all\n"
    whole = approvals(project, "--all").stdout
    assert f"{expired.id[:12]} expired   alice" in whole
    assert "  it held until 2026-01-02\n" in whole
    assert f"{revoked.id[:12]} revoked   alice" in whole
    assert "  bob revoked it on 2026-01-01: it was a mistake\n" in whole


def test_each_state_with_its_reason(project: Repository, keys: dict[str, Key]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    in_base = approval("bob")
    commit(project, in_base)
    project.publish("main", "work")
    over = approval("carol", expires_at=datetime(2026, 1, 2, tzinfo=UTC))
    file(project, over)
    file(project, revocation(over.id, reason=""))
    worst_first = ["alice revoked it on 2026-01-01", "it held until 2026-01-02"]
    expected: dict[str, Any] = {
        in_base.id: ["holds", "base", []],
        over.id: ["revoked", "local", [*worst_first, "carol is not an approver in the policy"]],
    }
    for row in rows(__file__, "states"):
        at = now + timedelta(minutes=row["issued"]) if "issued" in row else None
        fields = dict(row["fields"])
        if at:
            fields["issued_at"] = at
        record = approval(**fields)
        file(project, record, keys.get(row.get("key", "")))
        state, proof, reasons = row["said"]
        reasons = [text.format(issued=f"{at:%Y-%m-%d %H:%M}" if at else "") for text in reasons]
        expected[record.id] = [state, proof, reasons]
    found = {one["id"]: one for one in listed(project)["approvals"]}
    assert {name: [one["state"], one["proof"], one["reasons"]] for name, one in found.items()} == expected
    signed = {one["key"] for one in found.values() if one["proof"] == "signature"}
    assert signed == {keys["alice"].public}
    assert not any(one["key"] for one in found.values() if one["proof"] != "signature")


def test_what_the_head_trusts_trusts_nobody(project: Repository, keys: dict[str, Key]) -> None:
    """The policy is the base's, and what only the head has is not in the base."""
    record = approval("carol")
    changed = authority(keys).replace('"bob"', '"carol"')
    commit(project, record)
    project.commit("chore: trust carol", files={"SPEC_AUTHORITY.md": changed})
    assert states(project) == {record.id: ("untrusted", "local")}
    assert approvals(project, "verify").exit_code == 1


def test_the_log_is_where_the_policy_says(project: Repository, keys: dict[str, Key]) -> None:
    text = authority(keys).replace("specguard\n", 'specguard\n[approvals]\nlog = "the log/of it"\n', 1)
    project.checkout("main")
    project.commit("chore: move the log", files={"SPEC_AUTHORITY.md": text})
    project.publish()
    record = approval()
    path = write_record(str(project.path), b"the log/of it/", record)
    [one] = listed(project)["approvals"]
    assert one["path"] == path == f"the log/of it/{record.id}.json"
    project.commit("chore: file")
    project.delete(path)
    outcome = approvals(project, "verify")
    assert f"  next put it back: git checkout HEAD -- '{path}'\n" in outcome.stdout


# Uses


def decision(*names: str, **fields: Any) -> str:
    findings = {"approver": "alice", "proof": "signature", "findings": [{"code": "PTH002"}] * 2}
    data = json.loads((DATA / "decision.json").read_text())
    data["approvals"] = [{"id": name, **findings} for name in names]
    return json.dumps({**data, **fields}) + "\n"


def test_uses_come_from_the_repository_s_own_log(project: Repository, keys: dict[str, Key]) -> None:
    one, other = approval(), approval()
    for record in (one, other):
        commit(project, record, keys["alice"])
    own = project.path / ".git/specguard/decisions.jsonl"
    own.parent.mkdir(exist_ok=True)
    staged = {"source": "staged", "stage": "staged", "head": None, "branch": "work"}
    first = decision(one.id, other.id, change=staged, time="2026-01-31T10:00:00Z", enforce=False)
    error = {"schema": "specguard.decision/1", "time": "x", "verdict": "error", "exit_code": 2}
    own.write_text(decision(one.id) + first + decision() + json.dumps(error) + "\n")
    text = approvals(project).stdout
    assert "used 2 times, last by a check of pull-request on 2026-02-01T10:00:00Z" in text
    assert "used 1 time, last by a check of staged on 2026-01-31T10:00:00Z" in text
    uses = {found["id"]: found["uses"] for found in listed(project)["approvals"]}
    both = {"verdict": "accepted", "branch": "work", "findings": 2}
    pushed = {"source": "range", "stage": "pull-request", "enforce": True, "head": "1" * 40}
    assert uses[one.id] == [
        {**staged, **both, "time": "2026-01-31T10:00:00Z", "enforce": False},
        {**pushed, **both, "time": "2026-02-01T10:00:00Z"},
    ]
    assert len(uses[other.id]) == 1
    shown = approvals(project, "show", one.id[:7]).stdout
    assert f"2026-02-01T10:00:00Z range pull-request enforce accepted 2 {'1' * 40} work\n" in shown


def test_a_log_of_decisions_that_cannot_be_read(project: Repository) -> None:
    record = approval()
    file(project, record)
    own = project.path / ".git/specguard/decisions.jsonl"
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(
        b'{"schema": "specguard.decision/1", "time":\n\xff\n[]\n{"schema": "x"}\n'
        + b"[" * 100_000
        + b"\n\n"
        + decision(record.id).encode()
        + decision(record.id, approvals=[{"id": 1}]).encode()
    )
    outcome = approvals(project)
    assert "used 1 time" in outcome.stdout
    assert outcome.stderr == "note: no decisions in the log of decisions: 6 lines\n"


# One record


def test_all_of_a_record_is_shown(project: Repository, keys: dict[str, Key]) -> None:
    record = approval(work_item=("phase", "12"), findings=["a" * 64, "b" * 64], scope="paths")
    path = commit(project, record, keys["alice"])
    end = revocation(record.id, "bob")
    file(project, end)
    letters = {letter: letter * 64 for letter in "abcd"}
    text = (DATA / "approval.txt").read_text()
    assert approvals(project, "show", record.id[:9]).stdout == text.format(
        id=record.id,
        end=end.id,
        until=f"{record.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        nonce=record.nonce,
        path=path,
        key=keys["alice"].public,
        **letters,
    )
    shown = approvals(project, "show", end.id).stdout
    assert shown.startswith(f"revocation {end.id}\n")
    for row in (f"  revokes      {record.id}\n", "  places       local\n"):
        assert row in shown
    assert "expires_at" not in shown
    data = data_of(project, "approvals", "show", path)
    assert [one["id"] for one in data["approvals"]] == [record.id]
    assert data["approvals"][0]["revoked_by"] == [end.id]
    assert data["revocations"] == []


def alike(digits: int) -> Pair:
    """Two approvals whose ids begin with the same digits."""
    seen: dict[str, Approval] = {}
    while True:
        record = approval()
        other = seen.setdefault(record.id[:digits], record)
        if other is not record:
            return other, record


def test_a_record_is_named_by_enough_digits(project: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two records that agree in seven digits would take too long to find.
    monkeypatch.setattr("specguard.approvals.log_verification.MIN_DIGITS", 3)
    one, other = alike(3)
    for record in (one, other):
        file(project, record)
    outcome = ended(approvals(project, "show", one.id[:3]), 2)
    assert f"'{one.id[:3]}' names no record, or several" in outcome.stderr
    assert approvals(project, "show", one.id[:12].upper()).exit_code == 0


def test_a_name_that_is_none(project: Repository) -> None:
    for name in ("abcdef", "zzzzzzzz", "", "a" * 65):
        outcome = ended(approvals(project, "show", name), 2)
        assert f"{name!r} names no record" in outcome.stderr
        assert "give 7 or more digits" in outcome.stderr
    record = approval()
    file(project, record)
    wrong = record.id[:6] + ("1" if record.id[6] != "1" else "2") + record.id[7:9]
    outcome = ended(approvals(project, "show", wrong), 2)
    assert f"'{wrong}' names no record, or several" in outcome.stderr


# Verifying


def verified(project: Repository) -> list[tuple[str, str]]:
    """What is wrong, each with its file's name; both forms say the same."""
    outcome = approvals(project, "verify", "--output-format", "json")
    data = json.loads(outcome.stdout)
    assert data["schema"] == "specguard.approvals/1"
    assert data["holds"] is (not data["problems"])
    assert outcome.exit_code == (1 if data["problems"] else 0)
    text = ended(approvals(project, "verify"), outcome.exit_code)
    for problem in data["problems"]:
        said = f"error: {problem['path']}: {problem['reason']}\n  next {problem['help']}\n"
        assert said in text.stdout
    return [(problem["path"].removeprefix(LOG), problem["reason"]) for problem in data["problems"]]


def follow(project: Repository) -> None:
    """Type the commands that the verification names."""
    for problem in data_of(project, "approvals", "verify", code=1)["problems"]:
        command = problem["help"].partition(": ")[2]
        assert command, problem
        subprocess.run(["bash", "-e", "-c", command], cwd=project.path, env=clean_environment(), check=True)


@pytest.fixture
def filed(project: Repository, keys: dict[str, Key]) -> Pair:
    """A signed and an unsigned approval, both committed."""
    one, other = approval(), approval("bob")
    commit(project, one, keys["alice"])
    commit(project, other)
    return one, other


def test_a_log_that_holds_until_a_revocation_is_removed(project: Repository, filed: Pair) -> None:
    assert (
        approvals(project, "verify").stdout
        == "note: 1 of the records is not signed\nthe log holds: 2 approvals, 0 revocations\n"
    )
    end = revocation(filed[0].id)
    path = commit(project, end)
    assert approvals(project, "verify").stdout == (
        "note: 2 of the records are not signed\nthe log holds: 2 approvals, 1 revocation\n"
    )
    project.delete(path)
    oid = project.commit("chore: forget it")
    assert states(project)[filed[0].id] == ("holds", "signature")
    assert verified(project) == [(f"{end.id}.json", f"it was taken away in commit {oid[:12]}")]


def filled(data: Any, words: dict[str, str]) -> Any:
    """The data of a row, with words for what stands in braces in its texts."""
    text = json.dumps(data)
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", json.dumps(word)[1:-1])
    return json.loads(text)


CHANGED = "its name is not the sha256 of its content: it was changed, cut, renamed or formatted"


@pytest.mark.parametrize("row", rows(__file__, "damages"), ids=lambda row: row["name"])
def test_what_is_damaged_is_found_and_put_back(project: Repository, filed: Pair, row: dict[str, Any]) -> None:
    whole = filed[0].content.decode()
    words = {"one": filed[0].id, "other": filed[1].id, "zeros": "0" * 64, "log": LOG, "whole": whole}
    words |= {"edited": whole.replace("alice", "alicf"), "cut": whole[:100], "changed": CHANGED}
    new = approval("bob")
    words |= {"new": new.id, "content": new.content.decode()}
    words["folder"] = "it is not a folder, so nothing below it counts"
    commits = []
    for step in filled(row.get("commits", []), words):
        project.apply(Step(**step))
        commits.append(project.commit("x"))
    words |= {str(number): oid[:12] for number, oid in enumerate(commits)}
    project.apply(Step(**filled(row.get("worktree", {}), words)))
    assert [list(one) for one in verified(project)] == sorted(filled(row["wrong"], words))
    text = approvals(project, "verify").stdout
    assert all(f"  next {help}\n" in text for help in filled(row.get("help", []), words))
    if "put_back" in row:
        follow(project)
        if commits:
            project.commit("chore: put the log back")
        assert verified(project) == []
    notes = approvals(project, "verify").stdout
    assert all(f"note: {note}\n" in notes for note in filled(row.get("notes", []), words))


def test_what_is_elsewhere_is_not_missing_here(project: Repository, filed: object) -> None:
    """In the base since, or outside a sparse checkout."""
    project.checkout("main")
    record = approval("bob")
    commit(project, record)
    project.publish()
    project.checkout("work")
    assert verified(project) == []
    assert states(project)[record.id] == ("holds", "base")
    project.commit("feat: a", files={"src/a.py": "a"})
    project.git("sparse-checkout", "set", "src")
    assert not (project.path / LOG).exists()
    assert verified(project) == []


@pytest.mark.parametrize("ours", [True, False])
def test_a_merge_that_drops_a_side_s_record_is_found(project: Repository, filed: Pair, ours: bool) -> None:
    """With `ours` no commit of the side is in what git shows of the folder's history by default."""
    project.branch("side", "main")
    record = approval()
    path = commit(project, record)
    project.checkout("work")
    if ours:
        project.git("merge", "-q", "-s", "ours", "-m", "merge", "side")
    else:
        project.merge("side", delete=[path])
    assert verified(project) == [(f"{record.id}.json", f"it was taken away in commit {project.oid()[:12]}")]
    follow(project)
    project.commit("chore: put it back")
    assert verified(project) == []


def test_a_merged_branch_may_have_taken_its_approval_out(project: Repository, filed: Pair) -> None:
    project.branch("side", "main")
    for record in (approval(), revocation(filed[0].id)):
        project.delete(commit(project, record))
        oid = project.commit("chore: take it out")
    project.checkout("work")
    project.merge("side")
    assert verified(project) == [(f"{record.id}.json", f"it was taken away in commit {oid[:12]}")]


def test_signatures_that_sign_nothing(project: Repository, filed: Pair, keys: dict[str, Key]) -> None:
    """Of somebody else: in the working tree, in a commit, and in the base too."""
    path = f"{LOG}{filed[0].id}.json.sig"
    forged = [(f"{filed[0].id}.json.sig", "its signature is by no key of alice")]
    project.write(path, keys["mallory"].sign(filed[0].content))
    assert verified(project) == forged
    project.commit("x")
    assert verified(project) == forged
    project.commit("chore: remove it", delete=[path])
    approvals(project, "sign", filed[0].id, "--key", keys["alice"].file)
    project.commit("y")
    assert verified(project) == []
    project.write(path, keys["alice"].sign(b"something else"))
    project.commit("z")
    project.publish("main", "work")
    assert verified(project) == forged


def test_who_left_is_no_problem_of_the_past(project: Repository, filed: Pair, keys: dict[str, Key]) -> None:
    """What came to the base was judged there; the policy goes on without them."""
    project.publish("main", "work")
    project.commit("chore: alice leaves", files={"SPEC_AUTHORITY.md": authority(keys, "bob")})
    project.publish("main", "work")
    assert verified(project) == []
    notes = data_of(project, "approvals", "verify")["notes"]
    assert f"{LOG}{filed[0].id}.json is in the base, and alice is not an approver in the policy" in notes
    again = approval()
    commit(project, again, keys["alice"])
    assert verified(project) == [(f"{again.id}.json", "alice is not an approver in the policy")]
    commit(project, revocation(again.id, "bob"))
    assert verified(project) == []


def test_a_nonce_is_used_once(project: Repository, filed: Pair) -> None:
    copy = approval("bob", nonce=filed[0].nonce, paths=[b"docs/api/y.yaml"], issued_at=datetime.now(UTC))
    commit(project, copy)
    reason = f"it has the nonce of {filed[0].id[:12]}, so one of both is a copy"
    assert verified(project) == [(f"{copy.id}.json", reason)]
    commit(project, revocation(copy.id))
    assert verified(project) == []


def test_revocations_of_nothing_of_revocations_and_by_somebody_unknown(
    project: Repository, filed: Pair
) -> None:
    end = revocation(filed[0].id)
    nothing, back, unknown = revocation("4" * 64), revocation(end.id), revocation(filed[1].id, "mallory")
    for record in (end, nothing, back, unknown):
        file(project, record)
    project.commit("chore: file records")
    assert verified(project) == sorted(
        [
            (f"{nothing.id}.json", f"it revokes {'4' * 12}, which is not in the log"),
            (f"{back.id}.json", f"it revokes {end.id[:12]}, which is not an approval"),
            (f"{unknown.id}.json", "mallory is not an approver in the policy"),
        ]
    )


def test_without_a_history_a_program_or_an_authority_nobody_can_tell(
    project: Repository, filed: object, tmp_path: Path
) -> None:
    project.publish("main", "work")
    outcome = ended(approvals(project.clone(tmp_path / "shallow", depth=1), "verify"), 2)
    assert "the history cannot be read" in outcome.stderr
    assert "next: git fetch --unshallow origin" in outcome.stderr
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "git").symlink_to(there(shutil.which("git")))
    path = {"PATH": str(tmp_path / "programs")}
    for words in (["verify"], ["list"]):
        outcome = ended(run_here("approvals", *words, directory=project.path, env=path), 2)
        assert "ssh-keygen is not there" in outcome.stderr
    bare = Repository(tmp_path / "bare")
    bare.commit("chore: begin")
    assert "there is no authority" in ended(approvals(bare), 2).stderr


# Branches


def test_branches_with_approvals_merge_with_plain_git(project: Repository, keys: dict[str, Key]) -> None:
    """Of two branches with a record each, which is one where it is the same, and with a revocation each."""
    one, other, shared = approval(), approval("bob"), approval("bob")
    for name, record in (("one", one), ("other", other)):
        project.branch(name, "main")
        file(project, shared)
        commit(project, record, keys["alice"] if record is one else None)
    project.checkout("main")
    project.merge("one")
    project.merge("other")
    assert verified(project) == []
    assert set(states(project)) == {one.id, other.id, shared.id}
    for name, approver in (("third", "alice"), ("fourth", "bob")):
        project.branch(name, "main")
        commit(project, revocation(one.id, approver))
    project.merge("third")
    assert verified(project) == []
    [found] = [record for record in listed(project)["approvals"] if record["id"] == one.id]
    assert (found["state"], len(found["revoked_by"])) == ("revoked", 2)


# Revoking and signing


def test_an_approval_is_revoked_once(project: Repository, filed: Pair, keys: dict[str, Key]) -> None:
    words = ["--approved-by", "bob", "--reason", "it  was\na mistake"]
    outcome = ended(approvals(project, "revoke", filed[0].id[:12], *words))
    first, second = outcome.stdout.splitlines()
    path = first.removeprefix(f"approval {filed[0].id[:12]} is revoked: ")
    assert second == f"next git add -f '{path}*' && git commit"
    record = read_record(project.read(path))
    assert (record.approver, record.reason, record.kind) == ("bob", "it was a mistake", "revoke")
    assert states(project)[filed[0].id][0] == "revoked"
    again = ended(approvals(project, "revoke", filed[0].id, *words), 2)
    assert f"{filed[0].id[:12]} is revoked already" in again.stderr
    over = ended(approvals(project, "revoke", path, *words), 2)
    assert "is a revocation, and holds for ever" in over.stderr
    # With a key it is signed.
    words = ["--approved-by", "alice", "--reason", "x", "--output-format", "json"]
    outcome = approvals(project, "revoke", filed[1].id, *words, "--key", keys["alice"].file)
    data = json.loads(outcome.stdout)
    path, signature = data["written"]
    assert (data["schema"], data["id"]) == ("specguard.approvals/1", filed[1].id)
    assert verify(project.read(path), project.read(signature), [keys["alice"].public])
    assert verified(project) == []


def test_a_revocation_that_cannot_be(project: Repository, filed: Pair, keys: dict[str, Key]) -> None:
    for row in rows(__file__, "no_revocation"):
        words = filled(row["words"], {"mallory": str(keys["mallory"].file)})
        assert row["said"] in ended(approvals(project, "revoke", filed[0].id, *words), 2).stderr
    asked = run_here("approve", "PTH002", "--reason", "x", directory=project.path)
    assert "no approver is named [not-approvable]" in ended(asked, 2).stderr
    assert len(os.listdir(project.path / LOG)) == 3


def test_a_missing_signature_is_added(project: Repository, keys: dict[str, Key]) -> None:
    record = approval()
    path = commit(project, record)
    assert states(project) == {record.id: ("unsigned", "local")}
    outcome = approvals(project, "sign", record.id[:12], "--key", keys["alice"].file)
    shown, _, said = outcome.stdout.partition(f"{record.id[:12]} is signed: ")
    assert said == f"{path}.sig\nnext git add -f '{path}*' && git commit\n"
    # Somebody else may have written what a person is asked to sign.
    assert shown.startswith(f"approval {record.id}\n  state        unsigned\n  reasons      it has no")
    assert f"\n  reason       {record.reason}\n" in shown
    project.commit("chore: sign")
    assert states(project) == {record.id: ("holds", "signature")}
    assert verified(project) == []
    again = ended(approvals(project, "sign", record.id, "--key", keys["alice"].file), 2)
    assert "has a signature already" in again.stderr


def test_only_the_approver_s_key_signs_what_is_here(project: Repository, keys: dict[str, Key]) -> None:
    record, unknown, keyless = approval(), approval("carol"), approval("bob")
    for one in (record, unknown, keyless):
        file(project, one)
    for one, key, said in (
        (record, "mallory", "the policy names another key of alice"),
        (unknown, "alice", "carol is not an approver"),
        (keyless, "alice", "the policy names another key of bob, or none"),
    ):
        outcome = ended(approvals(project, "sign", one.id, "--key", keys[key].file), 2)
        assert said in outcome.stderr
    assert len(os.listdir(project.path / LOG)) == 3
    # Nor what another branch has alone.
    project.checkout("main")
    project.commit("chore: file records")
    project.publish()
    project.checkout("work")
    outcome = ended(approvals(project, "sign", record.id, "--key", keys["alice"].file), 2)
    assert "is not in the working tree" in outcome.stderr
    assert not (project.path / LOG).exists()


def test_a_repository_of_sha256(tmp_path: Path, keys: dict[str, Key]) -> None:
    repository = Repository(tmp_path / "new", object_format="sha256")
    repository.commit("chore: begin", files={"SPEC_AUTHORITY.md": authority(keys)})
    record = approval()
    path = commit(repository, record, keys["alice"])
    assert verified(repository) == []
    repository.delete(path)
    oid = repository.commit("chore: tidy up")
    assert verified(repository)[0] == (f"{record.id}.json", f"it was taken away in commit {oid[:12]}")
    follow(repository)
    assert repository.read(path) == record.content
