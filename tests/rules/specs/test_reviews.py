"""SPC002 and SPC003: whether a spec was reviewed, and how long ago."""

from collections.abc import Mapping
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from tests.rows import rows
from tests.rules.specs.setting import (
    BASE,
    CODE,
    ENTRY,
    INDEX,
    POLICY,
    SPEC,
    WITHOUT_INDEX,
    each,
    found_in,
    index,
    judged_by,
    spec,
)

CONTENT = WITHOUT_INDEX.replace("[specs]", '[specs]\nbinding = "content"')
aged = partial(judged_by, "SPC003")


def blob(content: str) -> str:
    data = content.encode()
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


NOW = blob("run()\n")
BEFORE = blob("run(0)\n")


def test_a_day_without_an_offset_begins_east_of_greenwich(tmp_path: Path) -> None:
    begun = ["2026-03-03", "2026-03-03 09:00", "2026-03-03 (Ann)", "2026-03-03T09:00+10:00"]
    files = each(spec(written) for written in (*begun, "2026-03-03T09:00Z", "2026-03-04"))
    expect = [{"path": path, "severity": "error", "message": "in the future"} for path in list(files)[4:]]
    aged(tmp_path, files, *expect, policy=WITHOUT_INDEX, today="2026-03-02")


@pytest.mark.parametrize(("today", "severity", "message"), rows(__file__, "days"))
def test_the_days_of_a_review(today: str, severity: str, message: str, tmp_path: Path) -> None:
    expect = [{"path": SPEC, "line": 2, "severity": severity, "message": message}] if severity else []
    aged(tmp_path, None, *expect, today=today)


# What was reviewed


def bound(*lines: str) -> str:
    return spec(more="reviewed_objects:\n" + "".join(f"  {line}\n" for line in lines))


def bound_to(directory: Path, texts: list[str], *expect: Mapping[str, Any]) -> None:
    """Judge specs that govern a file which changes, with one finding in each that has one."""
    files = {f"tasks/specs/0001-{number}.md": text for number, text in enumerate(texts)}
    base = {CODE: "run(0)\n", **dict.fromkeys(files, spec("2026-02-01"))}
    found = found_in(files, expect) if expect else []
    aged(directory, {**files, CODE: "run()\n"}, *found, base=base, policy=CONTENT)


def test_a_review_of_the_files_there_are(tmp_path: Path) -> None:
    bound_to(tmp_path, [bound(f"{CODE}: {NOW}"), bound(f"'{CODE}': {NOW[:7].upper()}")])


def test_a_review_of_other_files(tmp_path: Path) -> None:
    rows: list[tuple[list[str], int | None, str]] = [
        ([], None, f"{CODE} is not recorded"),
        ([f"{CODE}: {BEFORE}"], 5, f"{CODE} was {BEFORE[:12]}"),
        ([f"{CODE}: {NOW[:6]}"], 5, "which is not an object id"),
        ([f"{CODE}: latest"], 5, "which is not an object id"),
        (["src/gone.py: 1234567"], 5, "src/gone.py is recorded, and is no file here"),
        (["src/runs/: 1234567"], 5, "src/runs is recorded, and is no file here"),
        (["'src/runs/**': 1234567"], 5, "src/runs/** is recorded, and is no file here"),
    ]
    now = f'record under reviewed_objects: "{CODE}": {NOW}'
    section = spec(text=f"## Reviewed objects\n\n- `{CODE}`: `{NOW}`\n")
    texts = [bound(*lines) if lines else section for lines, _, _ in rows]
    bound_to(tmp_path, texts, *({"line": line, "message": said, "help": now} for _, line, said in rows))


def test_the_step_has_the_ids_of_what_differs(tmp_path: Path) -> None:
    many = {f"src/runs/{number:02}.py": f"{number}\n" for number in range(25)}
    lines = [f"{path}: {blob(content)}" for path, content in many.items()]
    base = {**many, SPEC: spec("2026-02-01")}
    changed = {SPEC: bound(*lines[:-1], f"src/runs/24.py: {NOW}")}
    found = {"path": SPEC, "help": f'under reviewed_objects: "src/runs/24.py": {lines[-1][-40:]}'}
    aged(tmp_path / "a", changed, found, base=base, policy=CONTENT)
    found = {"path": SPEC, "help": "take out of reviewed_objects what is gone"}
    aged(tmp_path / "b", {SPEC: bound(*lines, f"x.py: {NOW}")}, found, base=base, policy=CONTENT)


def test_the_index_may_hold_the_ids(tmp_path: Path) -> None:
    policy = POLICY.replace("[specs]", '[specs]\nbinding = "content"')
    base = {**BASE, INDEX: index({**ENTRY, "reviewed_objects": {CODE: blob("run()\n")}})}
    aged(tmp_path / "a", {"x": "x"}, base=base, policy=policy, args=["--all"])
    aged(tmp_path / "b", None, {"path": SPEC, "message": f"{CODE} was"}, base=base, policy=policy)


def test_an_id_that_both_contents_have_settles_nothing(tmp_path: Path) -> None:
    # Two contents whose ids begin with the same seven digits, as anyone can make them.
    one, other = "1108\n", "1108\n"
    found: dict[str, str] = {}
    number = 0
    while one == other:
        content = f"{number}\n"
        number += 1
        if found.setdefault(blob(content)[:7], content) != content:
            one, other = found[blob(content)[:7]], content
    base = {CODE: one, SPEC: bound(f"{CODE}: {blob(one)[:7]}")}
    files = {CODE: other}
    aged(tmp_path / "a", files, {"path": SPEC, "message": "both before"}, base=base, policy=CONTENT)
    base[SPEC] = bound(f"{CODE}: {blob(one)}")
    aged(tmp_path / "b", files, {"path": SPEC, "message": "was"}, base=base, policy=CONTENT)
