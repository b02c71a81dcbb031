"""A floor: an organisation's authority over three repositories, which may tighten and not loosen it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from specguard.authority.floor import Floor
from specguard.authority.policy import plain
from specguard.executor.process import passed_variables
from specguard.testing import Outcome, Repository, run_here
from tests.authority.conftest import Load
from tests.integrations.hooks.asking import bash, edit
from tests.outcomes import ended, there
from tests.rows import recorded, rows
from tests.threats.cases import threat

DATA = Path(__file__).parent / "data"
FLOOR = (DATA / "floor.md").read_text()
OWN = "[rules.commit-form]\nsubject_max = 60"
LOOSE = (DATA / "loose.toml").read_text()
TIGHT = """[rules.locked-path]
paths = ["docs/", ".github/"]
[rules.oversized-change]
entries = 5
[approvals]
max_days = 3"""


@pytest.fixture
def floor(tmp_path: Path) -> Path:
    file = tmp_path / "org.md"
    file.write_text(FLOOR)
    return file


def made(place: Path, settings: str) -> Repository:
    """A repository whose authority has these settings, and whose branch changes what the floor locks."""
    repository = Repository(place)
    text = f'# Authority\n\n```toml specguard\nbase = "main"\n{settings}\n```\n'
    repository.commit("docs: one", files={"SPEC_AUTHORITY.md": text, ".github/x": "a\n", "docs/x": "a\n"})
    repository.branch("work")
    repository.commit("ci: two", files={".github/x": "b\n"})
    return repository


def check(repository: Repository, *words: str, **more: Any) -> Outcome:
    return run_here("check", "--output-format=json", *words, directory=repository.path, **more)


def listed(outcome: Outcome) -> list[tuple[Any, ...]]:
    found = []
    for one in outcome.report["findings"]:
        line, by = one["location"]["line"], one["authority"]
        found.append((one["code"], one["severity"], line, by["path"], by["line"]))
    return sorted(found)


LOCKED = ("PTH002", "error", None, "floor:org.md", 5)


def test_three_repositories_stand_on_one_floor(tmp_path: Path, floor: Path) -> None:
    silent, tight, loose = (made(tmp_path / str(at), text) for at, text in enumerate((OWN, TIGHT, LOOSE)))
    named = f"--floor={floor}"
    assert ended(check(silent)).report["findings"] == []
    # What it does not say itself, it is held to without a word.
    assert listed(check(silent, named)) == [LOCKED]
    # What is as tight is its own, and so is the line that decides.
    assert listed(check(tight, named)) == [("PTH002", "error", None, "SPEC_AUTHORITY.md", 6)]
    outcome = ended(check(loose, named), 1)
    assert listed(outcome) == [
        *(
            ("CFG004", "warning", line, "floor:org.md", above)
            for line, above in ((7, 5), (8, 5), (10, 12), (12, 15), (14, None), (16, 18))
        ),
        LOCKED,
    ]
    held = {
        one["message"].removeprefix("is not as tight as the floor, which holds: ")
        for one in outcome.report["findings"]
    }
    assert "rules.oversized-change.entries from 50 to 100" in held
    assert 'rules.disregarded-setting.severity from "error" to "off"' in held


def test_a_job_s_variable_names_it_for_every_command(tmp_path: Path, floor: Path) -> None:
    repository = made(tmp_path / "one", LOOSE)
    env = {"SPECGUARD_FLOOR": str(floor)}
    assert LOCKED in listed(check(repository, env=env))
    printed = run_here("policy", directory=repository.path, env=env).stdout
    assert "entries = 50" in printed
    assert "floor:org.md:12" in printed
    assert "rules.oversized-change.entries from 50 to 100 (floor:org.md:12)" in printed
    assert "floor:org.md:5" in run_here("why", ".github/x", directory=repository.path, env=env).stdout
    assert edit(repository, repository.path / ".github/x", environment=env).kind == "refuse"
    assert edit(repository, repository.path / ".github/x").kind != "refuse"


@threat("T76", "an agent that would be judged without the floor, or by one of its own", "refused")
def test_each_output_says_which_one_holds(tmp_path: Path, floor: Path) -> None:
    repository = made(tmp_path / "one", "")
    env = {"SPECGUARD_FLOOR": str(floor)}

    def told(*words: str) -> str:
        return run_here(*words, directory=repository.path, env=env).stdout

    digest, log = sha256(FLOOR.encode()).hexdigest(), tmp_path / "log.jsonl"
    assert "floor" not in check(repository).report["authority"]
    said = check(repository, f"--log-decisions={log}", env=env).report["authority"]["floor"]
    assert (said["path"], said["sha256"]) == (str(floor), digest)
    assert json.loads(log.read_text())["authority"]["floor"] == said
    assert f"floor: {floor} (sha256 {digest})" in told("policy")
    assert json.loads(told("policy", "--output-format=json"))["floor"]["sha256"] == digest
    assert json.loads(told("status", "--output-format=json"))["authority"]["floor"]["sha256"] == digest
    assert f"floor     {floor}\n" in told("status")
    # What guards is the floor's alone.
    assert f"held to the floor {floor}" in told("doctor")
    assert "nothing in it sets a rule" not in told("doctor")
    assert passed_variables(env, []) == env


def test_an_agent_does_not_take_it_away(tmp_path: Path, floor: Path) -> None:
    repository = made(tmp_path / "one", OWN)
    named: dict[str, Any] = {"environment": {"SPECGUARD_FLOOR": str(floor)}}
    assert edit(repository, repository.path / "docs/x", **named).kind == "pass"
    for refused in (
        edit(repository, floor, "# None\n", **named),
        bash(repository, f"rm -r {tmp_path}/org.md", **named),
        bash(repository, "unset SPECGUARD_FLOOR; git commit -am x", **named),
    ):
        assert "the organisation's floor" in refused.refusal
    # Another folder would be another floor, and what is in the working tree is the agent's to write.
    (repository.path / "own.md").write_text(FLOOR)
    (tmp_path / "link.md").symlink_to(repository.path / "own.md")
    for name, said in (
        ("../org.md", "is relative"),
        (f"{repository.path}/own.md", "in the working tree"),
        (f"{tmp_path}/link.md", "in the working tree"),
    ):
        named = {"environment": {"SPECGUARD_FLOOR": name}}
        assert said in edit(repository, repository.path / "docs/x", **named).refusal
        assert said in edit(repository, repository.path / "own.md", "# None\n", **named).refusal
        assert said in ended(check(repository, env=named["environment"]), 2).stdout


def test_it_is_pinned_by_its_digest(tmp_path: Path, floor: Path) -> None:
    repository = made(tmp_path / "one", OWN)
    digest = sha256(FLOOR.encode()).hexdigest()
    ended(check(repository, f"--floor={floor}", f"--floor-sha256={digest.upper()}"), 1)
    outcome = ended(check(repository, f"--floor={floor}", f"--floor-sha256={'0' * 64}"), 2)
    assert digest in outcome.stdout
    # A variable that somebody took away is not silence.
    outcome = ended(check(repository, f"--floor-sha256={digest}"), 2)
    assert "none is named" in outcome.stdout


def test_a_floor_that_is_wrong_ends_the_check(tmp_path: Path) -> None:
    repository = made(tmp_path / "one", OWN)
    floor = tmp_path / "org.md"

    def refused(*words: str) -> str:
        return ended(run_here("check", *words, directory=repository.path), 2).stderr

    assert "the floor cannot be read: No such file or directory" in refused(f"--floor={floor}")
    for text, said in rows(__file__, "wrong"):
        floor.write_text(text)
        told = refused(f"--floor={floor}")
        assert said in told
        assert str(floor) in told
    # An empty name is no silence.
    floor.write_text(FLOOR)
    assert "it is empty" in refused("--floor=")
    assert "it is empty" in refused(f"--floor={floor}", "--floor-sha256=")


def test_what_is_wrong_in_it_is_in_no_file_of_the_repository(tmp_path: Path, floor: Path) -> None:
    floor.write_text(FLOOR + recorded(__file__, "gates"))
    repository, words = made(tmp_path / "one", ""), ("--all", f"--floor={floor}", "--select=ART017")
    [one] = check(repository, *words).report["findings"]
    assert (one["location"]["path"], one["authority"]["path"]) == (None, "floor:org.md")
    sarif = run_here("check", *words, "--output-format=sarif", directory=repository.path).stdout
    assert '"uri": "floor' not in sarif


@threat("T76", "a floor that the change brings with it", "exit 2")
def test_where_a_verdict_is_final_the_change_does_not_bring_it(tmp_path: Path, floor: Path) -> None:
    repository = made(tmp_path / "one", OWN)
    final = ("--enforce", "--base=main")
    assert listed(ended(check(repository, *final, f"--floor={floor}"), 1)) == [LOCKED]
    repository.commit("docs: bring one", files={"org.md": "# A\n\n## Locked zones\n\n- `nothing/`\n"})
    for words, env in ((("--floor=org.md",), {}), ((), {"SPECGUARD_FLOOR": "org.md"})):
        outcome = ended(check(repository, *final, *words, env=env), 2)
        assert "the floor is in the judged tree" in outcome.stdout


def test_what_is_held_of_each_kind_of_setting(load: Load) -> None:
    over = load.toml(recorded(__file__, "each_kind_over"))
    below = load.toml(recorded(__file__, "each_kind_below"))
    held = Floor("SPEC_AUTHORITY.md", "0", over).apply(below)
    assert held.max_entries == 1000
    assert held.merge == "squash"
    locked, form, trailer = (there(held.rule(code)) for code in ("PTH002", "CMT003", "CMT006"))
    assert locked.settings["paths"].patterns == ("b/", "c/", "a/")
    assert held.guards.find(b"a/x") is not None
    assert str(held.cite("locked-path", "paths.2")) == "floor:SPEC_AUTHORITY.md:7"
    # What cannot be compared, and the floor does not set, is the repository's.
    assert locked.settings["owners"] == {"c/": ["alice"]}
    assert form.stages == ["commit-msg", "push", "range"]
    assert trailer.active
    kinds = held.declared("work_kinds")
    assert (kinds["phase"].branch, kinds["phase"].commit) == ("p-{number}", "p{number}: {slug}")
    assert (kinds["task"].branch, kinds["phase.5"].branch) == ("t-{number}", "five-{number}")
    assert sorted(held.declared("approval_settings").two_persons) == ["PTH001", "PTH002"]
    assert held.log_folder == b"kept/"
    assert [one.name for one in held.declared("approval_settings").approver] == ["alice"]
    assert {one.key for one in held.disregarded} == {
        "approvals.log",
        "approvals.two_persons",
        "max_entries",
        "rules.commit-form.stages",
        "work.phase.branch",
    }
    # It was compiled once, for any number of policies, and neither is altered.
    assert below.max_entries == 2000
    assert Floor("SPEC_AUTHORITY.md", "0", over).apply(load.toml("")).max_entries == 1000
    # How a floor is read, and what it does not say, is not a setting of the repository.
    held = Floor("x", "0", load.toml('max_entries=9\nauthority.sections={Guards="locked-path"}')).apply(below)
    assert (held.log_folder, held.origin("authority.sections.Guards")) == (b"elsewhere/", None)
    assert type(held)(held.data).floor == held.floor


@pytest.mark.parametrize(
    ("over", "below", "key", "value", "told"),
    rows(__file__, "what_neither_tightens_nor_loosens_holds")
)  # fmt: skip
def test_what_neither_tightens_nor_loosens_holds(
    load: Load, over: str, below: str, key: str, value: Any, told: bool
) -> None:
    name, _, field = key.partition(".")
    floor, own = (load.toml(f"[rules.{name}]\n{text}") for text in (over, below))
    held = Floor("org.md", "0", floor).apply(own)
    assert plain(getattr(there(held.rule(name)).load(), field)) == value
    words = [one.message for one in held.disregarded if one.key == f"rules.{key}"]
    assert len(words) == told


def test_what_runs_specguard_stays_guarded(load: Load) -> None:
    floor = load.toml('[rules.policy-change]\nseverity = "error"')
    held = Floor("org.md", "0", floor).apply(load.toml('[rules.policy-change]\nfiles = ["none"]'))
    files = there(held.rule("PTH004")).settings["files"]
    assert files.patterns[0] == "none"
    assert files.find(b".github/workflows/x.yml") is not None


def test_lists_of_tables_add_up(load: Load) -> None:
    over = load.toml(recorded(__file__, "lists_over"))
    below = load.toml(recorded(__file__, "lists_below"))
    held = Floor("SPEC_AUTHORITY.md", "0", over).apply(below)
    content, trailers, commands = (there(held.rule(code)) for code in ("CNT001", "CMT006", "CNT003"))
    assert [one.pattern.text for one in content.settings["forbid"]] == ["OWN", "ORG"]
    assert [one.key for one in trailers.settings["require"]] == ["Signed-off-by", "Ticket"]
    assert [one.command for one in commands.settings["commands"]] == ["git push --force"]
    assert commands.active
    assert [one.pattern.text for one in held.declared("invariants")] == ["b", "a"]
    assert str(held.cite("forbidden-content", "forbid.1.pattern")) == "floor:SPEC_AUTHORITY.md:5"
    # Nothing of the repository is set aside.
    assert held.disregarded == []


def test_entries_of_a_table_add_up(load: Load) -> None:
    over, below = (
        load.toml(f'[artifacts.note]\npath = "notes/*.md"\nfields = {text}')
        for text in ('{a = "any", b = "date"}', '{b = "any", c = "any"}')
    )
    held = Floor("SPEC_AUTHORITY.md", "0", over).apply(below)
    assert held.declared("contracts")["note"].fields == {"a": "any", "b": "date", "c": "any"}
    cited = [there(held.cite("invalid-field", f"artifacts.note.fields.{name}")).path for name in "abc"]
    assert cited == ["floor:SPEC_AUTHORITY.md"] * 2 + ["SPEC_AUTHORITY.md"]


def test_an_approval_without_the_floor_is_none_under_it(load: Load) -> None:
    floor = Floor("org.md", "0", load.toml("[rules.commit-count]\nat_most = 2"))
    tight, loose = (load.toml(f"[rules.commit-count]\nat_most = {most}") for most in (2, 3))
    assert floor.apply(tight).policy_id == tight.policy_id
    assert floor.apply(loose).policy_id not in (loose.policy_id, tight.policy_id)
    other = Floor("org.md", "0", load.toml("[rules.commit-count]\nat_most = 1"))
    assert other.apply(loose).policy_id != floor.apply(loose).policy_id


def test_adopting_an_authority_loosens_nothing_of_the_floor(tmp_path: Path, floor: Path) -> None:
    repository = Repository(tmp_path / "one")
    repository.commit("docs: one", files={"docs/x": "a\n"})
    repository.branch("work")
    text = f'# Authority\n\n```toml specguard\nbase = "main"\n{OWN}\n```\n'
    repository.commit("docs: adopt", files={"SPEC_AUTHORITY.md": text})
    for known in ([], [f"--floor={floor}"]):
        outcome = check(repository, "--enforce", "--bootstrap", "--base=main", *known)
        messages = [one["message"] for one in outcome.report["findings"]]
        assert [message for message in messages if "loosens" in message] == []


def test_the_cases_of_an_authority_are_held_to_it(tmp_path: Path, floor: Path) -> None:
    case = '[[should-pass]]\nname = "CI"\ncommits = [{message = "ci: x", files = {".github/x" = "z"}}]'
    repository = made(tmp_path / "one", f"{OWN}\n{case}")
    ended(run_here("test", directory=repository.path), 0)
    outcome = run_here("test", directory=repository.path, env={"SPECGUARD_FLOOR": str(floor)})
    assert "PTH002" in ended(outcome, 1).stdout
