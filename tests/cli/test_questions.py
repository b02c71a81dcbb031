"""The commands that answer a question: policy, why, rule, doctor."""

from pathlib import Path
from typing import Any

import pytest

from specguard.reporters.manual import DEFAULTS
from specguard.testing import Repository, run_here
from tests.outcomes import data_of, ended
from tests.rows import rows
from tests.scripts import play, scripts

DATA = Path(__file__).parent / "data"
AUTHORITY, OF_RULES = ((DATA / name).read_text() for name in ("questions.md", "why.md"))


def governed(place: Path, authority: str = AUTHORITY) -> Repository:
    repository = Repository(place)
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": authority})
    return repository


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with an authority, which no test writes to."""
    return governed(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def of_rules(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Another one, with approvers, which rules are asked about."""
    return governed(tmp_path_factory.mktemp("rules"), OF_RULES)


def settle(repository: Repository, file: str) -> None:
    repository.commit("chore: start", files={"specguard.toml": (DATA / file).read_text()})


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_answered(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)


def test_exactly_the_rules_of_the_table_judge_where_nothing_is_set(repository: Repository) -> None:
    """The table of what is on without any setting says what a check does."""
    text = '# A\n\n```toml specguard\nbase = "main"\n```\n'
    repository.commit("docs: state nothing", files={"SPEC_AUTHORITY.md": text})
    for branch, path in (("side", "x"), ("work", "y")):
        repository.branch(branch, "main")
        repository.commit(f"feat: add {path}", files={path: "a\n"})
    repository.merge("side", message="Merge branch 'side'")
    args = ("--pr-title", "feat: add x and y", "--output-format", "json")
    rules = run_here("check", *args, directory=repository.path).report["rules"]
    assert tuple(rule["code"] for rule in rules if rule["state"] not in ("not-applicable", "off")) == DEFAULTS


def test_policy_cites_the_line_of_every_setting(asked: Repository) -> None:
    data = data_of(asked, "policy")
    origins = {one["key"]: (one["origin"]["path"], one["origin"]["line"]) for one in data["settings"]}
    lines = AUTHORITY.split("\n")
    for key, text in {
        "extends": "extends",
        "rules.locked-path.paths.0": "`LICENSE`",
        "rules.forbidden-path.paths.1": "schema/**",
        "rules.forbidden-path.exclude.0": "drafts",
    }.items():
        path, line = origins[key]
        assert path == "SPEC_AUTHORITY.md"
        assert text in lines[line - 1]
    assert origins["work.track.branch"][0] == "preset:track-runner"


def test_rules_are_found_by_a_word_in_both_forms(asked: Repository) -> None:
    for word in ("companion", "Sign-off", "file_bytes"):
        listed = run_here("rule", word, directory=asked.path).stdout.splitlines()
        assert [rule["code"] for rule in data_of(asked, "rule", word)] == [one.split()[0] for one in listed]
    by_code, by_name = (run_here("rule", name, directory=asked.path) for name in ("pth001", "forbidden-path"))
    assert by_code == by_name


def test_policy_with_lists_of_tables_and_names_of_any_kind_compiles_to_itself(repository: Repository) -> None:
    settle(repository, "lists.toml")
    before = data_of(repository, "policy")
    text = run_here("policy", "--output-format", "toml", directory=repository.path).stdout
    assert text.count("[[invariants]]") == 2
    repository.write("all.toml", text)
    assert data_of(repository, "policy", "--authority", "all.toml")["policy_id"] == before["policy_id"]
    # What is written is shown, also where it is the default.
    shown = {one["key"]: one["value"] for one in before["settings"]}
    assert shown["specs.max_age_days"] == 30
    assert shown["specs.binding"] == "date"
    assert shown["artifacts.7.timestamps"] == ""
    assert shown["artifacts.7.evidence"] == shown["plans.default"] == {}
    assert shown["artifacts.own words.evidence.anchors"] == "line"
    assert "specs.warn_days" not in shown


def test_policy_counts_no_rule_about_work_where_no_kind_is_declared(repository: Repository) -> None:
    def active(settings: str) -> set[str]:
        repository.write("specguard.toml", settings)
        policy = data_of(repository, "policy", "--authority=specguard.toml")
        return {rule["code"] for rule in policy["rules"] if rule["active"]}

    kind = "[work.phase]\nbranch = 'phase-{number}'\n"
    plain = active("merge = 'rebase'\n")
    about = active(kind) - plain
    assert about >= {f"WRK00{number}" for number in range(1, 9)} | {"CMT001", "CMT002", "PRQ001", "PRQ002"}
    assert active("[rules.commit-count]\nat_most = 2\n") - plain == {"CMT001"}
    assert active("[rules.commit-message]\nconventional = true\n") - plain == {"CMT002"}
    assert active("[rules.commit-message]\nconventional = false\n") == plain


def test_why_names_the_pattern_and_its_line(asked: Repository) -> None:
    [found] = data_of(asked, "why", f"{asked.path}/docs/api/x.yaml")
    assert (found["code"], found["pattern"], found["effect"]) == ("PTH001", "docs/api/", "guarded")
    assert found["authority"]["line"] == 18
    for path, code, origin in (
        ("configs/NEXT_TRACK.json", "WRK004", "preset:track-runner"),
        ("docs/plan/v1/tracks/track-5-login.md", "WRK005", "preset:track-runner"),
        ("SPEC_AUTHORITY.md", "PTH004", None),
        (".github/workflows/ci.yml", "PTH004", None),
    ):
        [told, *_] = [one for one in data_of(asked, "why", path) if one["code"] == code]
        assert (told["authority"] or {}).get("path") == origin
    for path in ("", "/", "/docs/api/x.yaml", "../x", "a/../b", "a/./b", "a//b"):
        outcome = ended(run_here("why", path, directory=asked.path), 2)
        assert "not a path from the repository's root" in outcome.stderr
        assert "next: " in outcome.stderr


def test_why_names_the_specs_that_govern_a_path(repository: Repository) -> None:
    for row in rows(__file__, "effects"):
        repository.commit("chore: base", files={"specguard.toml": row["policy"], **row["files"]})
        for path, effects in row["paths"].items():
            found = data_of(repository, "why", path)
            assert [[one["code"], one["effect"]] for one in found if one["code"][:3] == "SPC"] == effects
            text = run_here("why", path, directory=repository.path).stdout
            assert all(effect in text for _, effect in effects)


def test_why_knows_the_declared_tables(repository: Repository) -> None:
    settle(repository, "declared.toml")
    defaults = {"ART012", "ART016", "ART017"}
    for row in rows(__file__, "declared"):
        found = [one for one in data_of(repository, "why", row["path"]) if one["code"] not in defaults]
        lines = {one["code"]: (one["authority"] or {"line": 0})["line"] for one in found}
        assert {one["code"]: [one["setting"], lines[one["code"]]] for one in found} == row["told"]


def test_why_a_rule_finds_something_is_the_same_as_json(of_rules: Repository) -> None:
    found = data_of(of_rules, "why", "locked-path", "docs/api/x.yaml")
    assert (found["code"], found["path"], found["judges"]) == ("PTH002", "docs/api/x.yaml", True)
    assert (found["approvers"], found["persons"], found["fixes"]) == (["Ann", "Bob"], 2, None)
    [governing] = found["governing"]
    assert (governing["setting"], governing["effect"]) == ("rules.locked-path.paths.0", "guarded")
    assert governing["authority"] == {"path": "SPEC_AUTHORITY.md", "line": 5}
    assert governing["quote"] == "- `docs/api/`: what others build on."
    assert {"code", "name", "severity", "pattern", "asks"} < set(governing)
    settings = {one["key"]: one for one in data_of(of_rules, "why", "pth002")["settings"]}
    assert settings["rules.locked-path.paths.1"]["value"] == "LICENSE"
    assert settings["rules.locked-path.paths.1"]["quote"] == "- `LICENSE`"
    assert settings["rules.locked-path.exclude.0"]["value"] == "docs/api/drafts/"
    assert not any(key.startswith("rules.forbidden-path") for key in settings)
    # A rule about a declared table has its settings too, and one that judges nothing says why.
    found = data_of(of_rules, "why", "ART002", "reports/a.md")
    assert [one["key"] for one in found["settings"]] == ["artifacts.report.sections"]
    assert [one["effect"] for one in found["governing"]] == ["the artifact report"]
    found = data_of(of_rules, "why", "SPC001")
    assert (found["judges"], "the policy sets no [specs" in found["reason"]) == (False, True)
    found = data_of(of_rules, "why", "BRN001")
    assert (found["kinds"], "work item" in found["fixes"]) == (["phase"], True)


def test_every_rule_can_be_asked_about(of_rules: Repository) -> None:
    for rule in data_of(of_rules, "rule")[::9]:
        assert data_of(of_rules, "why", rule["code"])["next"][-1] == f"specguard rule {rule['code']}"


def test_a_doctor_says_what_is_there(asked: Repository, repository: Repository, tmp_path: Path) -> None:
    found = {one["subject"]: one for one in data_of(asked, "doctor")}
    assert [found[subject]["status"] for subject in ("git", "authority", "hooks")] == ["ok", "note", "note"]
    assert "pre-commit install" in found["hooks"]["help"]
    assert "is not in a git repository" in ended(run_here("doctor", directory=tmp_path), 1).stdout
    repository.commit("chore: base", files={"a": "a"})
    assert ended(run_here("doctor", directory=repository.path), 1).stdout.count("there is no authority") == 1
