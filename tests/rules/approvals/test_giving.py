"""Giving an approval: what is said and written, and the way from a locked file to an accepted verdict."""

from dataclasses import replace
from pathlib import Path

from specguard.testing import Outcome, Repository, run_here
from specguard.testing.case import private_key, public_key
from tests.outcomes import ended
from tests.rules.approvals.setting import (
    ALICE,
    BOB,
    ENFORCED,
    LOCKED,
    LOG,
    POLICY,
    SIGNED,
    approved,
    build,
    check,
    document,
    grant,
)

TWO = POLICY.replace("max_days = 30", 'max_days = 30\ntwo_persons = ["PTH002"]')


def approve(
    repository: Repository,
    *words: str,
    who: str = "alice",
    path: str = LOCKED,
    reason: str = "the partner needs version two",
) -> Outcome:
    """What comes of approving what the rules found in a file."""
    given = (f"--path={path}", f"--approved-by={who}", f"--reason={reason}")
    return run_here("approve", *(words or ("PTH002",)), *given, directory=repository.path)


def records(repository: Repository) -> list[str]:
    """The names of the records in the working tree."""
    return sorted(file.name for file in (repository.path / LOG).glob("*.json"))


def test_the_same_approval_is_written_once(tmp_path: Path) -> None:
    repository = build(tmp_path)
    assert approve(repository).exit_code == 0
    (name,) = records(repository)
    again = approve(repository)
    assert again.exit_code == 0
    assert f"alice approved this already, with {name[:12]}; nothing is written." in again.stdout
    assert f"specguard approvals sign {name[:12]} --key FILE" in again.stdout
    assert records(repository) == [name]
    # For another reason, by another person, or after it was revoked it is another one.
    assert approve(repository, reason="the partner needs it by May").exit_code == 0
    assert approve(repository, who="bob").exit_code == 0
    words = ("approvals", "revoke", name[:12], "--approved-by=bob", "--reason=it was withdrawn")
    assert run_here(*words, directory=repository.path).exit_code == 0
    assert "is written to" in approve(repository).stdout
    assert len(records(repository)) == 5


def test_what_is_signed_already_asks_for_no_signature(tmp_path: Path) -> None:
    repository = build(tmp_path)
    approve(repository, "PTH002", f"--key={private_key('key')}")
    again = approve(repository)
    assert "nothing is written." in again.stdout
    assert "approvals sign" not in again.stdout


def notes(outcome: Outcome) -> str:
    return " ".join(outcome.report["notes"])


def test_what_is_not_committed_is_said(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, place="local"))
    outcome = check(repository)
    approved(outcome)
    (name,) = records(repository)
    assert f"Not committed, so CI will not see it: approval {name[:12]} or its signature. " in notes(outcome)
    assert f"git add -f ':/{LOG}/{name[:12]}*'" in notes(outcome)
    repository.commit("chore: approve")
    outcome = check(repository, *ENFORCED)
    approved(outcome)
    assert notes(outcome) == ""


def test_a_signature_that_is_not_committed_is_said(tmp_path: Path) -> None:
    repository = build(tmp_path, ALICE)
    (name,) = records(repository)
    key = f"--key={private_key('key')}"
    assert run_here("approvals", "sign", name[:12], key, directory=repository.path).exit_code == 0
    outcome = check(repository)
    approved(outcome)
    assert f"Not committed, so CI will not see it: approval {name[:12]} or its signature. " in notes(outcome)
    assert "its signature is not committed" in check(repository, *ENFORCED).stdout
    repository.commit("chore: sign")
    assert notes(check(repository, *ENFORCED)) == ""


def test_what_was_put_back_is_offered_to_nobody(tmp_path: Path) -> None:
    repository = build(tmp_path)
    repository.commit("fix: put it back", files={LOCKED: "one\n"})
    said = run_here("check", directory=repository.path).stdout
    assert "put back later" in said
    assert "approv" not in said


def test_two_persons_are_asked_for_one_after_the_other(tmp_path: Path) -> None:
    repository = build(tmp_path / "none", policy=TWO)
    said = run_here("check", directory=repository.path).stdout
    assert "  alice or bob may approve this, which takes 2 persons:\n" in said
    repository = build(tmp_path / "one", SIGNED, policy=TWO)
    outcome = check(repository)
    (rule,) = (rule for rule in outcome.report["rules"] if rule["code"] == "PTH002")
    assert (rule["approvers"], rule["persons"]) == (["bob"], 1)
    said = run_here("check", directory=repository.path).stdout
    assert "  bob may approve this:\n" in said
    assert "--approved-by bob" in said
    repository = build(tmp_path / "both", SIGNED, BOB, policy=TWO)
    outcome = check(repository)
    approved(outcome)
    (rule,) = (rule for rule in outcome.report["rules"] if rule["code"] == "PTH002")
    assert (rule["approvers"], rule["persons"]) == ([], 0)


def test_an_approval_that_needs_a_signature_says_so(tmp_path: Path) -> None:
    repository = build(tmp_path, commits=[])
    repository.branch("policy")
    repository.commit("chore: longer", files={"SPEC_AUTHORITY.md": document(POLICY.replace("= 30", "= 60"))})
    given = approve(repository, "PTH004", path="SPEC_AUTHORITY.md")
    assert given.exit_code == 0, given
    (name,) = records(repository)
    assert "Nothing lifts PTH004 without a proof, so this counts once alice signs it" in given.stdout
    assert f"specguard approvals sign {name[:12]} --key FILE" in given.stdout


def test_what_could_be_approved_names_each_file_once(tmp_path: Path) -> None:
    repository = build(tmp_path)
    offered = run_here("approve", directory=repository.path).stdout
    assert f"  {LOCKED} was modified; docs/api/ is locked\n    finding " in offered
    unknown = approve(repository, who="zoe")
    assert unknown.exit_code == 2
    assert "name one of alice, bob with --approved-by" in unknown.stderr


def test_nothing_is_left_to_approve_of_what_was_put_back(tmp_path: Path) -> None:
    repository = build(tmp_path)
    repository.commit("feat: more", files={"ci/run": "false\n"})
    repository.commit("feat: less", files={"ci/run": "true\n"})
    outcome = approve(repository, path="ci/run")
    assert outcome.exit_code == 2, outcome
    assert "a later one puts it back: nothing is left that an approval could be bound to" in outcome.stderr

    # Nor does a signed one that names the finding lift it.
    (found,) = (one for one in check(repository).report["findings"] if one["location"]["path"] == "ci/run")
    grant(repository, replace(SIGNED, paths=["ci/run"], findings=[found["fingerprint"]]))
    outcome = ended(check(repository, *ENFORCED), 1)
    (found,) = (one for one in outcome.report["findings"] if one["location"]["path"] == "ci/run")
    assert found["state"] == "open"


CLEO = "Cleo <cleo@example.org>"


def test_a_locked_file_is_changed_with_an_approval(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit("chore: base", files={LOCKED: "one\n", "SPEC_AUTHORITY.md": document()})
    repository.remote()
    repository.publish(head=True)
    repository.branch("work")
    repository.commit("feat: second version", files={LOCKED: "two\n"}, author=CLEO)

    def specguard(*words: str) -> Outcome:
        return run_here(*words, directory=repository.path, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})

    # It fails, and says who may approve it, and how.
    outcome = specguard("check")
    assert outcome.exit_code == 1
    assert "alice or bob may approve this:" in outcome.stdout
    assert f"specguard approve PTH002 --path {LOCKED} --approved-by alice" in outcome.stdout

    # Nobody approves their own change, nor somebody who may not, nor without a reason.
    repository.commit("feat: third version", files={LOCKED: "three\n"}, author="Bob <bob@example.org>")
    outcome = approve(repository, who="bob")
    assert outcome.exit_code == 2
    assert "this approval would not count: bob is the author of commit" in outcome.stderr
    assert approve(repository, who="mallory").exit_code == 2
    assert approve(repository, reason="PTH002").exit_code == 2
    assert not (repository.path / LOG).exists()

    # Alice may. Here it counts as it is; in CI it counts once she has signed it.
    assert approve(repository).exit_code == 0
    (record,) = (repository.path / LOG).iterdir()
    outcome = specguard("check")
    assert outcome.exit_code == 0, outcome
    assert "PTH002" in outcome.stdout
    assert "approved" in outcome.stdout
    repository.commit("chore: approve")
    ci = ("check", "--enforce", "--base=main")
    outcome = specguard(*ci)
    assert outcome.exit_code == 1
    assert "nothing proves it: it is not signed" in outcome.stdout
    outcome = specguard("approvals", "sign", record.stem[:12], f"--key={private_key('key')}")
    assert outcome.exit_code == 0, outcome
    repository.commit("chore: sign")
    outcome = specguard(*ci)
    assert outcome.exit_code == 0, outcome
    assert "accepted" in outcome.stdout
    assert specguard("approvals", "verify").exit_code == 0

    # One byte of the file or of the log undoes it.
    for path in (LOCKED, f"{LOG}/{record.name}", f"{LOG}/{record.name}.sig"):
        before = repository.read(path)
        place = min(110, len(before) // 2)
        other = b"A" if before[place : place + 1] != b"A" else b"B"
        repository.write(path, before[:place] + other + before[place + 1 :])
        repository.commit("chore: one byte")
        assert specguard(*ci).exit_code == 1, path
        repository.write(path, before)
        repository.commit("chore: and back")
        outcome = specguard(*ci)
        assert outcome.exit_code == 0, outcome.stdout


AUTHORITY = "SPEC_AUTHORITY.md"
OWN = (Path(__file__).parent.parent.parent.parent / AUTHORITY).read_text(encoding="utf-8")


def test_this_repository_can_change_its_own_authority(tmp_path: Path) -> None:
    approvers = (
        "\n```toml specguard\n[[approvals.approver]]\nname = 'mia'\nemails = ['mia@example.org']\n"
        f"key = '{public_key('key')}'\nmay = ['PTH002', 'PTH004']\n```\n"
    )
    base = OWN + approvers
    repository = Repository(tmp_path / "repository")
    repository.commit("chore: begin", files={AUTHORITY: base, "src/a": "a\n"})
    repository.branch("work")
    repository.commit("docs: let subjects be longer", files={AUTHORITY: base.replace("= 100", "= 120")})
    ci = ("check", "--enforce", "--base=main")

    outcome = ended(run_here(*ci, directory=repository.path), 1)
    assert "PTH002" in outcome.stdout
    assert "PTH004" in outcome.stdout
    assert "mia may approve" in outcome.stdout

    words = (f"--path={AUTHORITY}", "--approved-by=mia", "--reason=long scopes need the room")
    signed = f"--key={private_key('key')}"
    outcome = ended(run_here("approve", "PTH002", "PTH004", *words, signed, directory=repository.path))
    repository.commit("chore: file the approval")
    outcome = ended(run_here(*ci, directory=repository.path))
    assert "accepted" in outcome.stdout


def test_nothing_is_left_to_approve_of_what_a_rebase_undoes(tmp_path: Path) -> None:
    repository = build(tmp_path, commits=[])
    shorter = document(POLICY.replace("= 30", "= 20"))
    repository.branch("policy")
    repository.commit("chore: shorter", files={"SPEC_AUTHORITY.md": shorter})
    repository.commit("chore: as it was", files={"SPEC_AUTHORITY.md": document(POLICY), "src/x": "x\n"})
    repository.checkout("main")
    repository.commit("chore: fewer days", files={"SPEC_AUTHORITY.md": shorter, "src/y": "y\n"})
    repository.checkout("policy")
    outcome = approve(repository, "PTH004", "--base=refs/heads/main", path="SPEC_AUTHORITY.md")
    assert outcome.exit_code == 2, outcome
    assert "a later one puts it back: nothing is left that an approval could be bound to" in outcome.stderr
