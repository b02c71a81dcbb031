"""From a locked file to an accepted verdict, as a person goes it with the installed command."""

from pathlib import Path

from specguard.testing import Outcome, Repository, run_here
from specguard.testing.case import private_key
from tests.rules.approvals.setting import LOCKED, LOG, document

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

    def approve(who: str, *more: str) -> Outcome:
        reason = "--reason=the partner needs version two"
        return specguard("approve", "PTH002", f"--path={LOCKED}", f"--approved-by={who}", reason, *more)

    # It fails, and says who may approve it, and how.
    outcome = specguard("check")
    assert outcome.exit_code == 1
    assert "alice or bob may approve this:" in outcome.stdout
    assert f"specguard approve PTH002 --path {LOCKED} --approved-by alice" in outcome.stdout

    # Nobody approves their own change, nor somebody who may not, nor without a reason.
    repository.commit("feat: third version", files={LOCKED: "three\n"}, author="Bob <bob@example.org>")
    outcome = approve("bob")
    assert outcome.exit_code == 2
    assert "this approval would not count: bob is the author of commit" in outcome.stderr
    assert approve("mallory").exit_code == 2
    assert approve("alice", "--reason=PTH002").exit_code == 2
    assert not (repository.path / LOG).exists()

    # Alice may. Here it counts as it is; in CI it counts once she has signed it.
    assert approve("alice").exit_code == 0
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
