"""PTH004: which files and which parts of them decide whether specguard runs."""

from pathlib import Path
from typing import Any

import pytest

from specguard.documents.data import data_of
from specguard.testing import Step
from specguard_rules.paths.policy_change import mentions, run_parts, switches_off
from tests.rows import rows
from tests.rules.items import judge
from tests.taking import grows_with_length

PLACES: list[str] = rows(__file__, "places")
RUNS: dict[str | bytes, str | bytes] = dict.fromkeys(PLACES, "specguard check --staged\n")
ELSEWHERE: dict[str | bytes, str | bytes] = {f"elsewhere/{path}": RUNS[path] for path in PLACES}
THERE = Step("chore: base", files={**RUNS, **ELSEWHERE})


@pytest.mark.parametrize(
    "change", [Step(files=dict.fromkeys(THERE.files, "true\n")), Step(delete=[*THERE.files])]
)
def test_each_place_that_hooks_and_jobs_are_kept_in(change: Step, tmp_path: Path) -> None:
    expect = [{"severity": "error", "message": f"{path} no longer runs specguard"} for path in PLACES]
    judge("PTH004", tmp_path, base=[THERE], commits=[change], expect=expect, exit_code=1)


def test_a_project_file_without_settings_is_no_policy(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# Authority\n")
    base = Step("chore: base", files={"pyproject.toml": "[project]\n"})
    change = Step("chore: x", files={"pyproject.toml": "[project]\nname = 'x'\n"})
    args = ("--authority", str(other))
    judge("PTH004", tmp_path / "r", policy="", base=[base], commits=[change], args=args)


@pytest.mark.parametrize(("text", "off"), rows(__file__, "hooks_off"))
def test_what_switches_hooks_off(text: str, *, off: bool) -> None:
    assert switches_off(text) is off


GUARD = "guard:\n  script: specguard check --enforce\n"


def same(before: str, after: str) -> bool:
    """Whether two files have the same deciding part; one that cannot be read has none."""
    old, new = data_of(before.encode(), "yaml"), data_of(after.encode(), "yaml")
    return old.problem is None and new.problem is None and run_parts(old.value) == run_parts(new.value)


@pytest.mark.parametrize("file", rows(__file__, "files"))
def test_a_change_beside_it_leaves_it_and_one_of_it_is_seen(file: dict[str, Any]) -> None:
    text = file["text"]
    assert same(text, text)
    for old, new in [*file.get("beside", []), *file["seen"]]:
        changed = text.replace(old, new)
        assert changed != text
        assert same(text, changed) == ([old, new] not in file["seen"]), (old, new)


def test_jobs_that_wait_for_each_other_are_read_in_the_time_of_their_number() -> None:
    def read(count: int) -> None:
        jobs = {f"j{one}": {"needs": [f"j{one + 1}"]} for one in range(count)}
        assert len(run_parts({"jobs": {**jobs, "j0": {"needs": "j1", "run": "specguard"}}})[1]) == count

    assert grows_with_length(lambda count: lambda: read(count), 100)


@pytest.mark.parametrize("key", rows(__file__, "keys"))
def test_a_key_that_holds_for_every_job_counts(key: str) -> None:
    text = f"{key}:\n  x: y\n{GUARD}"
    assert not same(GUARD, text)
    assert not same(text, text.replace("x: y", "x: z"))
    assert same(GUARD, f"{key}-job:\n  script: y\n{GUARD}")


@pytest.mark.parametrize("key", rows(__file__, "tables"))
def test_a_table_of_any_names_is_no_job(key: str) -> None:
    for name in ("script", "trigger", "steps", "commands", "scripts", "jobs"):
        text = f"{key}:\n  {name}: a\n  RULES: strict\n{GUARD}"
        assert not same(text, text.replace("strict", "--help"))


def test_a_comment_is_no_mention() -> None:
    assert mentions("run: specguard check")
    assert not mentions("# run: specguard check\n")
    assert not mentions("\ufeff# run: specguard check\n")


@pytest.mark.parametrize("text", ["", "\n", "jobs:", "- a\n- b", "jobs:\n  a:\n  b:", "repos:\n- x\n-\n"])
def test_any_data_can_be_read(text: str) -> None:
    assert same(text, text)
