"""The table of what is on without any setting says what a check does."""

from specguard.reporters.manual import ON
from specguard.testing import Repository, run_here


def test_exactly_the_rules_of_the_table_judge_where_nothing_is_set(repository: Repository) -> None:
    text = '# A\n\n```toml specguard\nbase = "main"\n```\n'
    repository.commit("docs: state nothing", files={"SPEC_AUTHORITY.md": text})
    for branch, path in (("side", "x"), ("work", "y")):
        repository.branch(branch, "main")
        repository.commit(f"feat: add {path}", files={path: "a\n"})
    repository.merge("side", message="Merge branch 'side'")
    args = ("--pr-title", "feat: add x and y", "--output-format", "json")
    rules = run_here("check", *args, directory=repository.path).report["rules"]
    assert tuple(rule["code"] for rule in rules if rule["state"] not in ("not-applicable", "off")) == ON
