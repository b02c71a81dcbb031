"""The commands that answer a question: policy, why, rule, doctor."""

from pathlib import Path

import pytest

from specguard.testing import Case, Repository, Step, run_here
from tests.outcomes import data_of, ended
from tests.rows import rows

DATA = Path(__file__).parent / "data"
AUTHORITY = (DATA / "questions.md").read_text()


def govern(repository: Repository) -> Repository:
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": AUTHORITY})
    return repository


def settle(repository: Repository, settings: str) -> None:
    repository.commit("chore: start", files={"specguard.toml": settings})


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with an authority, which no test writes to."""
    return govern(Repository(tmp_path_factory.mktemp("governed")))


def says(repository: Repository, *words: str) -> str:
    """What a command says."""
    return run_here(*words, directory=repository.path).stdout


def test_policy_cites_the_line_of_every_setting(governed: Repository) -> None:
    data = data_of(governed, "policy")
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


def test_what_is_asked_of_an_authority_is_answered(governed: Repository) -> None:
    for row in rows(__file__, "governed"):
        outcome = ended(run_here(*row["words"], directory=governed.path), row.get("code", 0))
        assert all(part in outcome.stdout for part in row.get("printed", [])), outcome
        assert all(part in outcome.stderr for part in row.get("told", [])), outcome
        assert not any(part in outcome.stdout for part in row.get("not", [])), outcome
    assert says(governed, "rule", "pth001") == says(governed, "rule", "forbidden-path")
    for word in ("companion", "Sign-off", "file_bytes"):
        codes = [line.split()[0] for line in says(governed, "rule", word).splitlines()]
        assert [rule["code"] for rule in data_of(governed, "rule", word)] == codes


LISTS_OF_TABLES = (DATA / "lists.toml").read_text()


def test_policy_with_lists_of_tables_and_names_of_any_kind_compiles_to_itself(repository: Repository) -> None:
    settle(repository, LISTS_OF_TABLES)
    before = data_of(repository, "policy")
    text = says(repository, "policy", "--output-format", "toml")
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


def test_why_names_the_pattern_and_its_line(governed: Repository) -> None:
    [found] = data_of(governed, "why", "docs/api/x.yaml")
    assert (found["code"], found["pattern"], found["effect"]) == ("PTH001", "docs/api/", "guarded")
    assert found["authority"]["line"] == 18
    for path, code, origin in (
        ("configs/NEXT_TRACK.json", "WRK004", "preset:track-runner"),
        ("docs/plan/v1/tracks/track-5-login.md", "WRK005", "preset:track-runner"),
        ("SPEC_AUTHORITY.md", "PTH004", None),
        (".github/workflows/ci.yml", "PTH004", None),
    ):
        [told, *_] = [one for one in data_of(governed, "why", path) if one["code"] == code]
        assert (told["authority"] or {}).get("path") == origin
    for path in ("", "/", "../x", "a/../b", "a/./b", "a//b"):
        outcome = ended(run_here("why", path, directory=governed.path), 2)
        assert "no path from the repository's root" in outcome.stderr
        assert "next: " in outcome.stderr


def test_why_names_the_specs_that_govern_a_path(repository: Repository) -> None:
    [row] = rows(__file__, "effects")
    repository.commit("chore: base", files={"specguard.toml": row["policy"], **row["files"]})
    for path, effects in row["paths"].items():
        found = data_of(repository, "why", path)
        assert [[one["code"], one["effect"]] for one in found if one["code"][:3] == "SPC"] == effects
        assert all(effect in says(repository, "why", path) for _, effect in effects)


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
    assert active("[rules.commit-message]\nbody = 'required'\n") - plain == {"CMT002"}
    assert active("[rules.commit-message]\nbody = 'optional'\n") == plain


def test_the_base_that_the_bases_authority_names_is_asked(repository: Repository) -> None:
    governed = govern(repository)
    text = AUTHORITY.replace("extends", 'base = "develop"\nextends')
    governed.commit("docs: move to another base", files={"SPEC_AUTHORITY.md": text})
    governed.branch("develop")
    governed.write("SPEC_AUTHORITY.md", text.replace("docs/api/", "docs/interface/"))
    head = governed.commit("docs: lock the interface")
    assert "docs/interface/" in says(governed, "policy")
    assert "PTH001" in says(governed, "why", "docs/interface/x")
    assert f"base: develop at {head[:12]}" in says(governed, "doctor")
    assert "docs/interface/" not in says(governed, "policy", "--base", "main")


def test_an_authority_in_a_file_is_asked_before_the_first_commit(repository: Repository) -> None:
    repository.write("other.md", AUTHORITY)
    outcome = run_here("policy", "--authority", "other.md", directory=repository.path)
    assert "other.md:6" in outcome.stdout
    assert run_here("policy", directory=repository.path).exit_code == 2
    repository.rename("other.md", "SPEC_AUTHORITY.md")
    assert "SPEC_AUTHORITY.md:6" in says(repository, "policy")


def test_doctor_says_what_is_there_and_what_is_missing(governed: Repository) -> None:
    found = {one["subject"]: one for one in data_of(governed, "doctor")}
    assert found["git"]["status"] == "ok"
    assert found["authority"]["status"] == "note"
    assert found["hooks"]["status"] == "note"
    assert "pre-commit install" in found["hooks"]["help"]


def test_doctor_fails_where_something_is_missing(repository: Repository, tmp_path: Path) -> None:
    assert "is not in a git repository" in ended(run_here("doctor", directory=tmp_path), 1).stdout
    repository.commit("chore: base", files={"a": "a"})
    assert ended(run_here("doctor", directory=repository.path), 1).stdout.count("there is no authority") == 1
    repository.git("branch", "-m", "elsewhere")
    assert "missing base" in " ".join(ended(run_here("doctor", directory=repository.path), 1).stdout.split())
    repository.git("branch", "-m", "main")
    authority = "# Authority\n\n```toml specguard\nnonsense = 3\n```\n"
    repository.commit("chore: authority", files={"SPEC_AUTHORITY.md": authority})
    outcome = ended(run_here("doctor", directory=repository.path), 1)
    assert "missing authority: SPEC_AUTHORITY.md:4: `nonsense` is not known\n" in outcome.stdout


def test_doctor_says_whose_authority_it_read_where_the_base_has_none(repository: Repository) -> None:
    repository.commit("chore: start", files={"a": "a"})
    repository.publish()
    repository.branch("work")
    assert "once it is on origin/main" in says(repository, "init")
    for _ in ("in the working tree", "of HEAD"):
        asked = says(repository, "doctor")
        assert "it is not on the base yet" in asked
        assert f"base: origin/main at {repository.oid('main')[:12]}\n" in asked
        repository.stage()
        repository.commit("docs: state what may change")
    repository.git("checkout", "--detach")
    for name in ("refs/heads/main", "refs/heads/work", "refs/remotes/origin/main"):
        repository.git("update-ref", "-d", name)
    without = ended(run_here("doctor", directory=repository.path), 1).stdout
    assert "missing base" in without
    assert "it is not on the base yet" in without


DECLARED = (DATA / "declared.toml").read_text()


def test_why_knows_the_declared_tables(repository: Repository) -> None:
    settle(repository, DECLARED)
    defaults = {"ART012", "ART016", "ART017"}
    for row in rows(__file__, "declared"):
        found = [one for one in data_of(repository, "why", row["path"]) if one["code"] not in defaults]
        lines = {one["code"]: (one["authority"] or {"line": 0})["line"] for one in found}
        assert {one["code"]: [one["setting"], lines[one["code"]]] for one in found} == row["told"]
    plan = says(repository, "why", ".plans/cart/plan.json")
    assert "PLN001 invalid-plan (error): a plan: .plans/{name}/plan.json  specguard.toml:15\n" in plan
    listed = says(repository, "why", "passes/1/slices.yaml")
    assert "PLN010 slice-out-of-files (error): lists the slices: passes/{n}/slices.yaml" in listed


def test_why_says_what_a_change_of_the_path_has_to_bring(tmp_path: Path) -> None:
    [row] = rows(__file__, "asks")
    project = Case(policy=row["policy"], base=(Step(files={"a": "a"}),)).build(tmp_path / "project")
    told = says(project, "why", "src/core.py")
    asked = "a change here also changes CHANGELOG.md, or says why not in a trailer 'Changelog: REASON'"
    assert f"    {asked}\n" in told
    told = says(project, "why", "docs/x/a")
    assert "    nothing under docs/ is added, changed or removed without an approval\n" in told
    [first, second] = data_of(project, "why", "docs/x/a")
    assert [bool(first["asks"]), bool(second["asks"])] == [True, False]
