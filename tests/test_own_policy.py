"""specguard's own authority is held to what is expected of it, as any team's is."""

from pathlib import Path

from specguard.evaluation.expectations import read_own
from specguard.testing import run_here

ROOT = Path(__file__).parent.parent


def test_the_authority_is_as_expected() -> None:
    done = run_here("test", directory=ROOT)
    assert done.exit_code == 0, done
    assert "all as expected" in done.stdout


def test_every_locked_path_has_a_case() -> None:
    """A path that is locked from now on needs one too."""
    cases = "".join(path.read_text() for path in (ROOT / "tests" / "policy").glob("*.toml"))
    guards = [guard.pattern for guard in read_own(str(ROOT)).policy.guards.all]
    assert len(guards) >= 5
    for pattern in guards:
        assert f'path = "{pattern}' in cases, f"no case of tests/policy expects PTH002 of {pattern}"
