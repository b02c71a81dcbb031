"""`specguard why` for a rule, and for a finding: a rule and a path."""

from pathlib import Path

import pytest

from specguard.testing import Repository, run_here
from tests.outcomes import data_of, ended

DATA = Path(__file__).parent / "data"
AUTHORITY = (DATA / "why.md").read_text()


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with an authority, which no test writes to."""
    repository = Repository(tmp_path_factory.mktemp("governed"))
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": AUTHORITY})
    return repository


def told(repository: Repository, *words: str) -> str:
    outcome = ended(run_here("why", *words, directory=repository.path))
    assert outcome.stderr == ""
    return outcome.stdout


def test_a_finding_is_told_with_the_authoritys_words_who_may_approve_and_the_next_step(
    governed: Repository,
) -> None:
    text = told(governed, "PTH002", "docs/api/x.yaml")
    assert text.startswith("PTH002 locked-path (error): A change touches a path that needs an approval.")
    for line in (
        "  judged at    edit, staged, push, range, pull-request, run",
        "docs/api/x.yaml:",
        "  guarded: docs/api/  (SPEC_AUTHORITY.md:5)",
        "    > - `docs/api/`: what others build on.",
        "Ann or Bob may approve what it finds, in a change that others made; it takes 2 persons",
        "  specguard check --worktree --select PTH002",
        '  specguard approve PTH002 --path docs/api/x.yaml --approved-by Ann --reason "..."',
        "  specguard rule PTH002",
    ):
        assert line in text.split("\n")


def test_the_same_as_json(governed: Repository) -> None:
    found = data_of(governed, "why", "locked-path", "docs/api/x.yaml")
    assert (found["code"], found["path"], found["judges"]) == ("PTH002", "docs/api/x.yaml", True)
    assert (found["approvers"], found["persons"]) == (["Ann", "Bob"], 2)
    [governing] = found["governing"]
    assert (governing["setting"], governing["effect"]) == ("rules.locked-path.paths.0", "guarded")
    assert governing["authority"] == {"path": "SPEC_AUTHORITY.md", "line": 5}
    assert governing["quote"] == "- `docs/api/`: what others build on."
    assert {"code", "name", "severity", "pattern", "asks"} < set(governing)
    assert any("specguard approve PTH002 --path docs/api/x.yaml" in step for step in found["next"])


def test_a_rule_alone_has_the_settings_of_the_policy(governed: Repository) -> None:
    settings = {one["key"]: one for one in data_of(governed, "why", "pth002")["settings"]}
    assert settings["rules.locked-path.paths.1"]["value"] == "LICENSE"
    assert settings["rules.locked-path.paths.1"]["quote"] == "- `LICENSE`"
    assert settings["rules.locked-path.exclude.0"]["value"] == "docs/api/drafts/"
    assert not any(key.startswith("rules.forbidden-path") for key in settings)
    assert "rules.locked-path.paths.1" in told(governed, "PTH002")


def test_a_rule_about_a_declared_table_has_its_settings_too(governed: Repository) -> None:
    found = data_of(governed, "why", "ART002", "reports/a.md")
    assert [one["key"] for one in found["settings"]] == ["artifacts.report.sections"]
    assert [one["effect"] for one in found["governing"]] == ["the artifact report"]


def test_a_rule_about_specs_shows_how_long_a_review_holds(repository: Repository) -> None:
    settings = 'spec_paths = ["specs/*.md"]\nreview = "reviewed"\nmax_age_days = 30\n'
    text = (
        f'# Authority\n\n```toml specguard\n[specs]\n{settings}[specs.governs]\n"a" = ["specs/s.md"]\n```\n'
    )
    repository.commit("chore: x", files={"SPEC_AUTHORITY.md": text, "specs/s.md": "# S\n", "a": "a\n"})
    for words in ((), ("a",)):
        said = told(repository, "SPC003", *words)
        assert "  specs.max_age_days = 30  (SPEC_AUTHORITY.md:7)" in said.split("\n")
        assert said.index("specs.review") < said.index("specs.max_age_days")


def test_what_check_can_put_right_is_a_next_step(governed: Repository) -> None:
    assert "  specguard check --fix --select BRN001" in told(governed, "BRN001").split("\n")
    assert "work item" in data_of(governed, "why", "BRN001")["fixes"]
    assert data_of(governed, "why", "PTH002")["fixes"] is None
    assert "--fix" not in told(governed, "PTH002")


def test_a_path_or_rule_without_anything_to_judge_says_why(governed: Repository) -> None:
    text = told(governed, "PTH001", "src/a.py")
    assert "no line of the policy names src/a.py for this rule" in text
    assert "no approval can lift what it finds" in text
    assert 'rules.forbidden-path.paths.0 = "secrets/"' in text
    found = data_of(governed, "why", "SPC001")
    assert found["judges"] is False
    assert "the policy sets no [specs" in found["reason"]
    assert "so it has nothing to judge" in told(governed, "SPC001")
    # A path that is called like a rule, and a rule about work items.
    assert told(governed, "./PTH002").startswith("no pattern of the policy names PTH002")
    assert "what a work item has, it goes by: [work.phase]" in told(governed, "BRN001")
    assert data_of(governed, "why", "BRN001")["kinds"] == ["phase"]


def test_what_cannot_be_answered(governed: Repository) -> None:
    for words, said in (
        (("PTH999",), "there is no rule 'PTH999'"),
        (("locked-pat", "a"), "did you mean 'locked-path'?"),
        (("PTH002", "../x"), "no path from the repository's root"),
        (("PTH002", "a", "b"), "3 words are given"),
    ):
        assert said in ended(run_here("why", *words, directory=governed.path), 2).stderr


def test_every_rule_can_be_asked_about(governed: Repository) -> None:
    for rule in data_of(governed, "rule")[::9]:
        assert data_of(governed, "why", rule["code"])["next"][-1] == f"specguard rule {rule['code']}"
