"""This repository's own authority, changed on a green run once its policy names who may approve that."""

from pathlib import Path

from specguard.testing import Repository, run_here
from specguard.testing.case import private_key, public_key

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

    outcome = run_here(*ci, directory=repository.path)
    assert outcome.exit_code == 1, outcome
    assert "PTH002" in outcome.stdout
    assert "PTH004" in outcome.stdout
    assert "mia may approve" in outcome.stdout

    words = (f"--path={AUTHORITY}", "--approved-by=mia", "--reason=long scopes need the room")
    signed = f"--key={private_key('key')}"
    outcome = run_here("approve", "PTH002", "PTH004", *words, signed, directory=repository.path)
    assert outcome.exit_code == 0, outcome
    repository.commit("chore: file the approval")
    outcome = run_here(*ci, directory=repository.path)
    assert outcome.exit_code == 0, outcome.stdout
    assert "accepted" in outcome.stdout
