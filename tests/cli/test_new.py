"""What `new` writes satisfies its contract, but for what a person owes."""

import json
import re
from pathlib import Path

import pytest

from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.rows import rows

DATA = Path(__file__).parent / "data"
POLICY = (DATA / "artifacts.md").read_text()
SCHEMA = json.loads((DATA / "workbreakdown.json").read_text())
# What a person owes: words below a heading, values, evidence, options and findings.
OWED = {"ART003", "ART004", "ART007", "ART009", "ART011", "ART021", "PLN001", "PLN007"}


@pytest.fixture
def adopted(repository: Repository) -> Repository:
    """A repository whose base has the policy."""
    files = {"SPEC_AUTHORITY.md": POLICY.lstrip(), "schemas/workbreakdown.json": json.dumps(SCHEMA)}
    repository.commit("docs: state what is written", files=files)
    repository.branch("work")
    return repository


def findings(repository: Repository) -> list[tuple[str, str, str]]:
    """What a check of everything that is there finds: code, path and message."""
    repository.stage()
    report = run_here("check", "--staged", "--output-format", "json", directory=repository.path).report
    assert {one["state"] for one in report["rules"]} <= {"passed", "failed", "warned", "not-applicable"}
    return [(one["code"], one["location"]["path"], one["message"]) for one in report["findings"]]


def printed(repository: Repository, name: str) -> None:
    """That each of these words prints and says what its row has."""
    for row in rows(__file__, name):
        done = run_here("new", *row["words"], directory=repository.path / row.get("folder", "."))
        assert ended(done).stdout == row["printed"]
        assert row["told"] in done.stderr if "told" in row else not done.stderr


def test_what_is_written_with_it_need_not_be_chosen_any_more(repository: Repository) -> None:
    policy = '# Authority\n\n```toml specguard\nextends = ["runbook"]\n```\n'
    repository.commit("docs: state what is written", files={"SPEC_AUTHORITY.md": policy})
    final = run_here(
        "new", "agent-final", "agent=3", "objective=D1", "--in", "out", directory=repository.path
    )
    assert (final.exit_code, len(final.stdout.split()), final.stderr) == (0, 3, "")
    plan = run_here("new", "agent-plan", "agent=4", "--in", "out", directory=repository.path)
    assert plan.stderr == (
        "note: AGENT_4_FINAL_*.md in out must be there too, and its name is yours to choose\n"
    )


def test_a_final_is_written_with_its_companions(adopted: Repository) -> None:
    printed(adopted, "writes")
    assert not (adopted.path / "C7_READINESS.md").exists()
    listed = run_here("new", directory=adopted.path).stdout
    assert "agent-final       **/AGENT_{agent}_FINAL_{objective}.md\n" in listed
    text = adopted.read("out/AGENT_3_FINAL_AUTH.md").decode()
    assert text.startswith("# AGENT 3 FINAL AUTH\n\n## Skills Introspected\n\nTODO\n")
    log = adopted.read("out/AGENT_3_SCRATCHPAD.md").decode()
    assert re.search(r"## Log\n\n- 20\d\d-\d\d-\d\d \d\d:\d\d UTC: begun\n", log)
    adopted.write("out/N_1.md", "x")
    found = findings(adopted)
    assert {code for code, _, _ in found} == {"ART003", "ART004"}
    assert {path for _, path, _ in found} == {"out/AGENT_3_FINAL_AUTH.md"}


def test_only_what_a_person_owes_is_found(adopted: Repository) -> None:
    adopted.write(".plans/x/PLAN_OPTIONS.md", "- A: one\n- B: two\n")
    for words in rows(__file__, "only_owed"):
        ended(run_here("new", *words, directory=adopted.path))
        assert {code for code, _, _ in findings(adopted)} <= OWED, words
        adopted.commit("docs: write")


MORE = (DATA / "owed.toml").read_text()


def test_what_a_person_owes_is_printed_by_its_kind(repository: Repository) -> None:
    repository.commit("chore: start", files={"specguard.toml": MORE})
    printed(repository, "owed")


def test_a_structured_artifact_fits_its_schema(adopted: Repository) -> None:
    run_here("new", "work-breakdown", "x=c", directory=adopted.path)
    text = adopted.read("PHASE_C_WORKBREAKDOWN.yaml").decode()
    assert text == (
        "phase: TODO\nslices:\n- id: 1\n  status: planned\n  owner: TODO\n  points: 0\n  done: false\n"
    )
    assert not findings(adopted)
    run_here("new", "slices", directory=adopted.path)
    assert json.loads(adopted.read("slices.json")) == {
        "slices": [{"id": 1, "owner": "TODO", "files": "TODO"}]
    }
    run_here("new", "notes", directory=adopted.path)
    assert adopted.read("NOTES.toml") == b'owner = "TODO"\n'


def test_a_pass_has_its_members(adopted: Repository) -> None:
    words = ["new", "planning-pass", "x=c", "nn=01", "next=d", "date=2026-01-31", "--in", "docs"]
    root = "docs/_phase-c-planning-pass-01-2026-01-31"
    assert run_here(*words, directory=adopted.path).stdout.split() == [
        f"{root}/PLAN.md",
        f"{root}/PHASE_C_WORKBREAKDOWN.yaml",
        f"{root}/C7_PHASE_D_READINESS.md",
    ]
    (adopted.path / root / "PLAN.md").write_text("mine")
    (adopted.path / root / "C7_PHASE_D_READINESS.md").unlink()
    assert run_here(*words, directory=adopted.path).stdout.split() == [f"{root}/C7_PHASE_D_READINESS.md"]
    assert adopted.read(f"{root}/PLAN.md") == b"mine"
    again = ended(run_here(*words, directory=adopted.path), 2)
    assert "it is there already, and is never overwritten" in again.stderr


def test_what_cannot_be_written_is_said(adopted: Repository) -> None:
    for words, said in rows(__file__, "cannot_be_written"):
        assert said in ended(run_here("new", *words, directory=adopted.path), 2).stderr
    assert not list(adopted.path.rglob("*CLEANUP*"))
    # No file is overwritten, and no link leads elsewhere.
    adopted.symlink("c/CLEANUP_MANIFEST.md", "nowhere")
    adopted.symlink("d", "..")
    for name, said in (("c", "never overwritten"), ("d", "in a folder that is one")):
        assert said in ended(run_here("new", "cleanup", f"x={name}", directory=adopted.path), 2).stderr
    assert not (adopted.path.parent / "CLEANUP_MANIFEST.md").exists()


def test_the_working_directory_stands_for_any_folder(adopted: Repository) -> None:
    (adopted.path / "a" / "b").mkdir(parents=True)
    printed(adopted, "below")
