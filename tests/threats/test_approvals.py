"""Approvals that somebody forges or removes; others are in `tests/cases/threats/approvals.toml`."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from specguard.engine import facts
from specguard.testing import Case, Grant, Outcome, Repository, Step
from specguard.testing.case import private_key, public_key, sign
from specguard.testing.repository import clean_environment
from tests.threats.cases import threat
from tests.threats.guarded import authority, check, undecided

ENFORCED = ("--enforce", "--base=main")
LOG = ".specguard/approvals"
GRANT = Grant(rules=["PTH002"], sign="key")
AUTHOR = "Cleo <cleo@example.org>"
CODE = "def f():\n    a()\n    b()\n\n\ndef g():\n    a()\n    b()\n"


def approvers(key: str = "key") -> str:
    """Return settings with an approver, who may approve changes of locked files."""
    return f"""
[[approvals.approver]]
name = "alice"
key = "{public_key(key)}"
may = ["PTH002", "SPC"]
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A branch whose change of a locked file alice approved and signed."""
    return approved(tmp_path)


def approved(directory: Path, grant: Grant = GRANT, files: dict[str, str] | None = None) -> Repository:
    """Build a branch with a change of locked files and an approval."""
    given = {"SPEC_AUTHORITY.md": authority(approvers()), "locked/p": CODE, "src/a": "a\n"}
    base = Step("chore: base", files=given)
    change = Step("feat: x", files=files or {"locked/p": CODE.replace("a()", "c()", 1)}, author=AUTHOR)
    case = Case(policy="", base=[base], commits=[change], approvals=[grant])
    return case.build(directory / "repository")


def record(repo: Repository, name: str = "approval") -> str:
    """Return the path of a record."""
    return f"{LOG}/{repo.names[name]}.json"


def amend(repo: Repository) -> None:
    repo.commit("chore: approve", amend=True)


def fails(repo: Repository, *codes: str, words: tuple[str, ...] = ENFORCED, **env: str) -> None:
    """Assert that the locked change is still an error, and that these codes report the reason."""
    fails_by(repo, "PTH002", *codes, words=words, **env)


def fails_by(repo: Repository, *codes: str, words: tuple[str, ...] = ENFORCED, **env: str) -> Outcome:
    """Assert that the check fails by exactly these errors; return its outcome."""
    outcome = check(repo, *words, env=env)
    assert (outcome.exit_code, open_errors(outcome)) == (1, set(codes)), outcome
    return outcome


def signed(repo: Repository) -> dict[str | bytes, str | bytes]:
    """Return the approval of the branch and its signature, by their paths."""
    return {name: repo.read(name) for name in (record(repo), f"{record(repo)}.sig")}


def open_errors(outcome: Outcome) -> set[str]:
    """Return the codes of the errors that no approval lifts."""
    findings = outcome.report["findings"]
    return {one["code"] for one in findings if one["severity"] == "error" and one["state"] == "open"}


def holds(repo: Repository) -> None:
    """Assert that the approval counts."""
    outcome = check(repo, *ENFORCED)
    assert outcome.exit_code == 0, outcome
    assert outcome.state("PTH002") == "approved", outcome


# T93: replay


@threat("T93", "an approval and its signature on a branch with another content", "exit 1: APR006, PTH002")
def test_an_approval_of_another_content(repo: Repository) -> None:
    holds(repo)
    repo.commit("feat: more", files={"locked/p": "EVIL\n"})
    fails(repo, "APR006")
    fails(repo, "APR006", words=())


@threat("T93", "an approval copied to a branch that another change is on", "exit 1: APR006, PTH002")
def test_an_approval_on_another_branch(repo: Repository) -> None:
    files = signed(repo)
    repo.branch("evil", "main")
    repo.commit("feat: y", files={**files, "locked/p": b"EVIL\n"})
    fails(repo, "APR006")


@threat("T93", "an approval of the base, after its file was changed once more", "exit 1: PTH002")
def test_an_approval_of_the_base_again(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, place="base"))
    holds(repo)
    repo.commit("feat: more", files={"locked/p": "EVIL\n"})
    fails(repo)


# T94: what other identities of a change do not see


@threat("T94", "the approved line indented otherwise: the patch id is the same", "exit 1: APR006, PTH002")
def test_another_indentation(repo: Repository) -> None:
    before = patch_id(repo, "HEAD^")
    files = signed(repo)
    repo.git("reset", "-q", "--hard", "HEAD^")
    content = repo.read("locked/p").decode().replace("    c()", "        c()")
    repo.commit("feat: x", files={"locked/p": content}, amend=True)
    assert patch_id(repo, "HEAD") == before
    repo.commit("chore: approve", files=files)
    fails(repo, "APR006")


@threat("T94", "the approved line in another function: the patch id is the same", "exit 1: APR006, PTH002")
def test_another_place(tmp_path: Path) -> None:
    body = "".join(f"    step_{number}()\n" for number in range(6))
    code = f"def f():\n{body}    a()\n{body}def g():\n{body}    a()\n{body}"
    first, second = (
        code[:at] + code[at + len("    a()\n") :] for at in (code.index("    a()"), code.rindex("    a()"))
    )
    base = Step("chore: base", files={"SPEC_AUTHORITY.md": authority(approvers()), "locked/p": code})
    repo = Case(
        policy="",
        base=[base],
        commits=[Step("feat: x", files={"locked/p": first}, author=AUTHOR)],
        approvals=[GRANT],
    ).build(tmp_path / "repository")
    holds(repo)
    before = patch_id(repo, "HEAD^")
    repo.commit("feat: x", files={"locked/p": second})
    repo.git("reset", "-q", "--soft", "main")
    repo.git("reset", "-q", LOG)
    repo.commit("feat: x", stage=False)
    assert patch_id(repo, "HEAD") == before
    repo.stage()
    repo.commit("chore: approve")
    fails(repo, "APR006")


def patch_id(repo: Repository, commit: str) -> str:
    """Return git's own identity of a commit's change."""
    shown = repo.process("show", commit).stdout
    return repo.git("patch-id", "--stable", stdin=shown).split(" ")[0]


# T95: edited records


@threat("T95", "a record edited, and named by its new hash", "exit 1: APR002, PTH002")
def test_an_edited_record_with_its_hash(repo: Repository) -> None:
    edited(repo, lambda data: data.update(reason="the brother needs the second version"))
    fails(repo, "APR002")
    fails(repo, "APR002", words=())


@threat("T95", "a record of another change, with this one's fingerprint put in", "exit 1: APR002, PTH002")
def test_an_edited_fingerprint(tmp_path: Path) -> None:
    repo = approved(tmp_path)
    right = json.loads(repo.read(record(repo)))["fingerprint"]
    repo = approved(tmp_path / "2", replace(GRANT, fingerprint="0" * 64))
    fails(repo, "APR006")
    edited(repo, lambda data: data.update(fingerprint=right))
    fails(repo, "APR002")


@threat("T95", "a record with another field more, twice or in another order", "exit 1: APR001, PTH002")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('  "kind"', '  "a": 1,\n  "kind"'),
        ('  "approver": "alice",', '  "approver": "mallory",\n  "approver": "alice",'),
        ('{\n  "approver": "alice",', '{\n  "kind": "approve",\n  "approver": "alice",'),
        ("\n}\n", "\n}\n\n"),
        ("\n", "\r\n"),
    ],
)
def test_a_record_of_another_form(old: str, new: str, repo: Repository) -> None:
    content = repo.read(record(repo)).decode()
    assert old in content
    content = content.replace(old, new)
    repo.delete(LOG)
    name = hashlib.sha256(content.encode()).hexdigest()
    repo.write(f"{LOG}/{name}.json", content)
    repo.write(f"{LOG}/{name}.json.sig", sign(content.encode(), "key"))
    amend(repo)
    fails(repo, "APR001")


def edited(repo: Repository, change: Callable[[dict[str, object]], object]) -> None:
    """Edit a record, and give it and its signature the name of its new content."""
    data = json.loads(repo.read(record(repo)))
    change(data)
    content = json.dumps(data, indent=2, sort_keys=True) + "\n"
    name = hashlib.sha256(content.encode()).hexdigest()
    repo.rename(f"{record(repo)}.sig", f"{LOG}/{name}.json.sig")
    repo.delete(record(repo))
    repo.write(f"{LOG}/{name}.json", content)
    amend(repo)


# T96: cut and taken away


@threat("T96", "a record cut at any place", "exit 1: APR001, PTH002")
@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_record_that_is_cut(keep: int, repo: Repository) -> None:
    repo.write(record(repo), repo.read(record(repo))[:keep])
    amend(repo)
    fails(repo, "APR001")


@threat("T96", "an approval taken out of the branch", "exit 1: PTH002")
def test_an_approval_that_is_gone(repo: Repository) -> None:
    repo.delete(LOG)
    repo.commit("chore: tidy")
    fails(repo)


@threat("T96", "a revocation of the base deleted", "exit 1: APR001, PTH002, PTH004")
def test_a_revocation_of_the_base(tmp_path: Path) -> None:
    repo = approved(tmp_path)
    no = Grant(revokes=repo.names["approval"], approver="alice", place="base", id="no")
    Case(approvals=[no]).file_grants(repo)
    fails(repo)
    repo.git("rebase", "-q", "main")
    repo.delete(record(repo, "no"))
    repo.commit("chore: tidy")
    fails(repo, "APR001", "PTH004")


@threat("T96", "a revocation of the branch deleted by a later commit", "exit 1: APR001")
def test_a_revocation_of_the_branch(repo: Repository) -> None:
    no = Grant(revokes=repo.names["approval"], approver="alice", id="no")
    Case(approvals=[no]).file_grants(repo)
    fails(repo)
    repo.delete(record(repo, "no"))
    repo.commit("chore: tidy")
    fails_by(repo, "APR001")


# T97: merged logs


@threat("T97", "two branches that each add an approval, merged in either order", "exit 0")
@pytest.mark.parametrize("first", ["work", "other"])
def test_two_branches(first: str, repo: Repository) -> None:
    repo.branch("other", "main")
    repo.commit("feat: y", files={"locked/q": "q\n"}, author="Dora <dora@example.org>")
    Case(approvals=[GRANT]).file_grants(repo)
    holds(repo)
    second = "other" if first == "work" else "work"
    repo.checkout("main")
    repo.merge(first, message="feat: first")
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.checkout(second)
    repo.merge("main", message="chore: merge")
    holds(repo)
    repo.checkout("main")
    repo.merge(second, message="feat: second")
    assert len(list((repo.path / LOG).iterdir())) == 4
    holds(repo)
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.commit("feat: z", files={"src/a": "z\n"})
    assert check(repo, *ENFORCED).exit_code == 0


@threat("T97", "a log that union merges", "exit 0")
def test_a_union_merge(repo: Repository) -> None:
    repo.write(".git/info/attributes", "* merge=union\n")
    test_two_branches("work", repo)


# T98: self-approval


@threat("T98", "an approval by the key that signed the commit", "exit 1: APR005, PTH002")
def test_the_same_key_approves(repo: Repository) -> None:
    repo.git("reset", "-q", "--soft", "main")
    repo.git("restore", "--staged", LOG)
    key = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={private_key('key')}")
    repo.git(*key, "commit", "-q", "-S", "-m", "feat: x")
    repo.commit("chore: approve")
    fails(repo, "APR005")


# T99: time


@threat("T99", "commits and files dated back to when an approval held", "exit 1: APR003, PTH002")
def test_dates_of_commits(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, issued=-9, expires=-1))
    repo.commit("chore: approve", amend=True, date=1_700_000_000)
    fails(repo, "APR003")


@threat("T99", "a clock that was never set", "exit 2")
def test_no_clock(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    # There is no way to set the clock of one process; what it is compared with comes to the same.
    monkeypatch.setattr(facts, "RELEASE_YEAR", 9999)
    undecided(check(repo, *ENFORCED), "the clock says")


# T102: forged signatures


@threat("T102", "a key that the change itself adds to the policy", "exit 1: APR002, PTH002, PTH004")
def test_a_key_of_the_head(tmp_path: Path) -> None:
    text = authority(approvers("other"))
    files = {"locked/p": "x\n", "SPEC_AUTHORITY.md": text}
    fails(approved(tmp_path, replace(GRANT, sign="other"), files), "APR002", "PTH004")


@threat("T102", "keys trusted by git's configuration or the environment", "exit 1: APR002, PTH002")
def test_a_list_of_keys(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, sign="other"))
    signers = repo.git_dir / "signers"
    signers.write_text(f"* {public_key('other')}\n")
    repo.git("config", "gpg.ssh.allowedSignersFile", str(signers))
    repo.git("config", "gpg.ssh.program", "true")
    fails(repo, "APR002", GIT_CONFIG_COUNT="0", SSH_AUTH_SOCK=str(signers))


@threat("T102", "a signature made for something else, such as a commit", "exit 1: APR002, PTH002")
def test_a_signature_of_another_kind(repo: Repository) -> None:
    words = ["ssh-keygen", "-Y", "sign", "-f", str(private_key("key")), "-n", "git"]
    done = subprocess.run(words, input=repo.read(record(repo)), capture_output=True, check=True)
    repo.write(f"{record(repo)}.sig", done.stdout)
    amend(repo)
    fails(repo, "APR002")


@threat("T102", "a signature of another record", "exit 1: APR002, PTH002")
def test_a_signature_of_another_record(repo: Repository) -> None:
    repo.write(f"{record(repo)}.sig", sign(b"{}", "key"))
    amend(repo)
    fails(repo, "APR002")


@threat("T102", "a program called ssh-keygen in the repository", "exit 1: APR002, PTH002")
def test_a_program_of_the_repository(tmp_path: Path) -> None:
    repo = approved(tmp_path, replace(GRANT, sign="other"))
    repo.write("ssh-keygen", "#!/bin/sh\nexit 0\n")
    repo.executable("ssh-keygen")
    fails(repo, "APR002", PATH=f".:{repo.path}:{clean_environment()['PATH']}")


# T103: many at once


@threat("T103", "many approvals given at the same time", "exit 0")
def test_many_writers(tmp_path: Path) -> None:
    names = [f"locked/{number}" for number in range(4)]
    repo = approved(tmp_path, replace(GRANT, place="local"), dict.fromkeys(names, "x\n"))
    repo.delete(LOG)
    words = "--approved-by=alice", "--reason=the partner needs it", f"--key={private_key('key')}"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "specguard", "approve", "PTH002", *words, f"--path={name}"],
            cwd=repo.path, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for name in names
    ]  # fmt: skip
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert len(list((repo.path / LOG).iterdir())) == 2 * len(names)
    repo.commit("chore: approve")
    holds(repo)
