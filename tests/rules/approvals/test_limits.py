"""APR002 and APR003 where nobody can tell: without a clock, and without ssh-keygen."""

import shutil
from pathlib import Path

import pytest

from tests.rules.approvals.setting import ENFORCED, SIGNED, build, check, errors


def test_without_a_clock_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = build(tmp_path, SIGNED)
    monkeypatch.setattr("specguard.engine.facts.OLDEST", 9999)
    outcome = check(repository, *ENFORCED)
    assert outcome.exit_code == 2
    assert outcome.state("APR003") == "indeterminate"
    assert errors(outcome) == ["PTH002"]
    assert "the clock" in outcome.stdout


def test_without_ssh_keygen_nobody_can_tell(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    for arguments in ((), ENFORCED):
        outcome = check(repository, *arguments, env={"PATH": str(tmp_path / "bin")})
        assert outcome.exit_code == 2
        assert outcome.state("APR002") == "indeterminate"
        assert errors(outcome) == ["PTH002"]
        assert "ssh-keygen is not there" in outcome.stdout
