"""`init --adopt`: prose is read sentence by sentence, and the settings that hold it are added."""

from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import data_of, ended
from tests.rows import recorded, rows
from tests.scripts import play, scripts

DATA = Path(__file__).parent / "data"
PROSE = (DATA / "prose.md").read_text()
PATHS = ("docs/api/x.yaml", "LICENSE", "src/core.py", "src/other.py")


@pytest.fixture
def team(repository: Repository) -> Repository:
    """A repository whose authority is prose."""
    repository.commit(
        "docs: say how we work", files={"SPEC_AUTHORITY.md": PROSE, **dict.fromkeys(PATHS, "a\n")}
    )
    return repository


def told(outcome: Outcome) -> list[tuple[str, int, str]]:
    """The account of the sentences: word, line and the beginning of what is said."""
    found = [line.split(None, 2) for line in outcome.stdout.splitlines() if line.startswith("  ")]
    return [(word, int(line), said) for word, line, said in found if line.isdigit()]


def test_each_sentence_is_accounted_for_and_the_rest_is_enforced(team: Repository) -> None:
    before = run_here(
        "check", "--range", "HEAD..HEAD", "--authority", "SPEC_AUTHORITY.md", "--all", directory=team.path
    )
    assert "the authority guards nothing" in before.stdout
    assert "specguard init --adopt" in before.stdout
    doctor = ended(run_here("doctor", directory=team.path), 1)
    assert "missing authority: SPEC_AUTHORITY.md" in " ".join(doctor.stdout.split())

    outcome = ended(run_here("init", "--adopt", directory=team.path))
    assert [(word, line) for word, line, _ in told(outcome)] == [
        tuple(row) for row in rows(__file__, "accounted_for")
    ]
    assert "5 held by what is added, 2 left to people" in outcome.stdout
    text = (team.path / "SPEC_AUTHORITY.md").read_text()
    assert text.startswith(PROSE)
    assert text.endswith(recorded(__file__, "added_at_the_end"))
    team.stage()
    team.commit("docs: have rules hold what it says")
    assert run_here("doctor", directory=team.path).exit_code == 0
    team.branch("work")
    team.commit("Change things", files=dict.fromkeys(PATHS, "b\n"))
    found = data_of(team, "check", code=1)["findings"]
    errors = [(one["code"], one["location"]["path"]) for one in found if one["severity"] == "error"]
    assert errors == [
        ("CMT002", None),
        ("PTH002", "LICENSE"),
        ("PTH002", "docs/api/x.yaml"),
        ("PTH002", "src/core.py"),
    ]
    again = ended(run_here("init", "--adopt", directory=team.path))
    assert "nothing is to be added" in again.stdout
    assert [word for word, *_ in told(again)].count("held") == 6


def test_lists_of_paths_in_another_language_are_shown_with_their_setting(repository: Repository) -> None:
    prose = (
        "# 规范\n\n## 禁止修改\n\n- `docs/api/`\n\n## Gesperrte Ordner\n\n| Ordner |\n| --- |\n| `src/` |\n"
    )
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": prose})
    outcome = run_here("init", "--adopt", directory=repository.path)
    asked = [said for word, _, said in told(outcome) if word == "ask"]
    assert asked == [
        '禁止修改: docs/api/; to guard these: authority.sections = {"禁止修改" = "locked-path"}',
        'Gesperrte Ordner: src/; to guard these: authority.sections = {"Gesperrte Ordner" = "locked-path"}',
    ]
    setting = asked[0].partition("these: ")[2]
    repository.write("SPEC_AUTHORITY.md", f"{prose}\n```toml specguard\n{setting}\n```\n")
    policy = run_here("policy", "--authority", "SPEC_AUTHORITY.md", directory=repository.path)
    assert '["docs/api/"]' in policy.stdout or "docs/api/" in policy.stdout.partition("not understood")[0]


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_adopted(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
