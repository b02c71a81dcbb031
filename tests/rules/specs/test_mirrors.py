"""SPC008: documents that repeat the statuses of specs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.rules.specs.setting import CODE, INDEX, POLICY, SPEC, each, found_in, index, judged_by, spec

if TYPE_CHECKING:
    from pathlib import Path

MIRROR = "docs/STATUS.md"
OTHER = "tasks/specs/0002-logs.md"
WITH = POLICY.replace("[specs]", '[specs]\nmirrors = ["docs/STATUS.*", "docs/*.status.md"]')
BASE = {
    SPEC: "# Runs\n",
    OTHER: "# Logs\n",
    INDEX: index(
        {"id": "0001", "path": SPEC, "status": "in_progress"}, {"id": "0002", "path": OTHER, "status": "done"}
    ),
    CODE: "",
}
judged = partial(judged_by, "SPC008", base=BASE, policy=WITH)


def test_mirrors_that_agree(tmp_path: Path) -> None:
    texts = [
        "| Spec | Status |\n| - | - |\n| 0001 | In progress |\n| 0002 | ✅ Done |\n",
        "| Title | Spec | State |\n| - | - | - |\n| R | `tasks/specs/0001-runs.md` | in-progress (May) |\n",
        "| Spec | Owner | |\n| - | - | - |\n| [R](../tasks/specs/0001-runs.md) | Ann | In progress |\n",
        "- 0001 Runs: in progress\n- 0002 Logs (done)\n",
        "- **0001** Runs - *in progress*\n- [Logs](/tasks/specs/0002-logs.md) \u2192 done\n",
        "- [ ] 0001 Runs\n- [x] 0002 Logs\n",
        "- 0001: what is done here: the runs\n- 00011: done\n- see 0001 (done)\n",
        "1. 0001: status: in-progress\n",
        "Nothing of it.\n\n| Spec | Status |\n| - | - |\n| 0003 | Done |\n| 0001 | |\n",
        "```\n- 0001: done\n```\n\n<!-- - 0001: done -->\n",
    ]
    judged(tmp_path, each(texts, "docs", ".status.md"))


def test_mirrors_that_disagree(tmp_path: Path) -> None:
    cases = [
        (
            "| Spec | Status |\n| - | - |\n| 0001 | Planned |\n",
            3,
            "0001 is 'Planned', and tasks/index.json:2",
        ),
        ("| Spec | Status |\n| - | - |\n| 0001 | nearly |\n", 3, "'nearly'"),
        (
            "| State | Spec |\n| - | - |\n| Done | [Runs](../tasks/specs/0001-runs.md) |\n",
            3,
            "0001 is 'Done'",
        ),
        ("| Spec | When | |\n| - | - | - |\n| 0001 | today | done |\n", 3, "'done'"),
        ("# Now\n\n- 0001 Runs: done\n", 3, "'done'"),
        ("- 0001 Runs (planned)\n", 1, "'planned'"),
        ("- `tasks/specs/0001-runs.md`: Done.\n", 1, "'Done'"),
        ("- Work\n  - 0001 - Status: nearly\n", 2, "'nearly'"),
        ("- [x] 0001 Runs\n", 1, "0001 is done with"),
        ("- [ ] 0002 Logs\n", 1, "0002 is still open"),
        ("- [x] 0001 Runs - planned\n", 1, "'planned'"),
    ]
    files = each((text for text, _, _ in cases), "docs", ".status.md")
    expect = ({"line": line, "message": message} for _, line, message in cases)
    judged(tmp_path, files, *found_in(files, expect))


def test_a_mirror_of_data_is_not_read(tmp_path: Path) -> None:
    expect = {"path": "docs/STATUS.json", "message": "it is data"}
    judged(tmp_path, {"docs/STATUS.json": '{"0001": "done"}'}, expect)


def test_the_document_of_a_spec_repeats_its_status_too(tmp_path: Path) -> None:
    files = {SPEC: spec(status="Done")}
    message = "says that it is 'Done', and tasks/index.json:2 that it is 'in_progress'"
    judged(tmp_path / "a", files, {"path": SPEC, "line": 3, "message": message}, policy=POLICY)
    judged(tmp_path / "b", {SPEC: spec(status="In progress")}, policy=POLICY)


def test_without_an_index_the_spec_itself_counts(tmp_path: Path) -> None:
    policy = WITH.replace('index = "tasks/index.json"\n', "")
    base = {SPEC: spec(more="id: R-1\n"), CODE: ""}
    found = {"path": MIRROR, "line": 1, "message": f"{SPEC}:3"}
    judged(tmp_path, {MIRROR: "- R-1: done\n"}, found, base=base, policy=policy)


def test_a_mirror_is_judged_with_the_index(tmp_path: Path) -> None:
    base = {**BASE, MIRROR: "- 0001: done\n"}
    found = {"path": MIRROR, "line": 1}
    judged(tmp_path / "a", {"x": "x"}, base=base)
    judged(tmp_path / "b", {"x": "x"}, found, base=base, args=["--all"])
    files = {INDEX: BASE[INDEX].replace("done", "planned")}
    judged(tmp_path / "c", files, found, base=base)
