"""SPC002 and SPC003: whether a spec was reviewed, and how long ago."""

from __future__ import annotations

from functools import partial
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.specs.setting import (
    BASE,
    CODE,
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

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OTHER = "tasks/specs/0002-logs.md"
SELF = WITHOUT_INDEX.partition("[specs.governs]")[0]
CONTENT = WITHOUT_INDEX.replace("[specs]", '[specs]\nbinding = "content"')
dated = partial(judged_by, "SPC002")
aged = partial(judged_by, "SPC003")


def blob(content: str) -> str:
    data = content.encode()
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


NOW = blob("run()\n")
BEFORE = blob("run(0)\n")


def entry(**more: Any) -> dict[str, Any]:
    return {"id": "0001", "path": SPEC, **more}


# Where a date may stand


def test_where_the_date_may_stand(tmp_path: Path) -> None:
    texts = [
        "---\nlast_review: 2026-02-20\n---\n",
        "---\nLast-Reviewed: '2026-02-20'\n---\n",
        "+++\nlast_review = 2026-02-20\n+++\n",
        "# Runs\n\nlast_review: 2026-02-20\n",
        "# Runs\n\nSome words.\nLast review: 2026-02-20 (Ann)\n",
        "# Runs\n\n## About\n\n- Last review: 2026-02-20\n",
        "# Runs\n\n**Last reviewed:** 2026-02-20, by Ann\n",
        "| Field | Value |\n| --- | --- |\n| Last review | 2026-02-20T10:00:00Z |\n",
        "\ufeff---\r\nlast_review: 2026-02-20\r\n---\r\n",
    ]
    judged_by("SPC002,SPC003", tmp_path, each(texts), policy=WITHOUT_INDEX)


def test_what_does_not_count_as_a_date(tmp_path: Path) -> None:
    texts = [
        "# Runs\n\n<!-- last_review: 2026-02-20 -->\n",
        "# Runs\n\n```\nlast_review: 2026-02-20\n```\n",
        "# Runs\n\n> last_review: 2026-02-20\n",
        "# Runs\n\nl\u0430st_review: 2026-02-20\n",
        "# Runs\n\n- [ ] Last review: 2026-02-20\n",
        "",
    ]
    expect = [{"path": path, "message": "has no last_review", "severity": "error"} for path in each(texts)]
    dated(tmp_path, each(texts), *expect, policy=WITHOUT_INDEX)


def test_a_date_that_is_none(tmp_path: Path) -> None:
    values = [
        ("", "is empty"),
        ("TBD", "'TBD', which is no date"),
        ("soon (2026-02-20)", "is no date"),
        ("02/03/2026", "is no date"),
        ("2026-02-30", "no day of the calendar"),
    ]
    files = each(spec(value) for value, _ in values)
    expect = ({"line": 2, "message": message} for _, message in values)
    dated(tmp_path, files, *found_in(files, expect), policy=WITHOUT_INDEX)


# How long ago


@pytest.mark.parametrize(
    ("written", "future"),
    [
        ("2026-03-03", False),
        ("2026-03-03 09:00", False),
        ("2026-03-03 (Ann)", False),
        ("2026-03-03T09:00+10:00", False),
        ("2026-03-03T09:00Z", True),
        ("2026-03-04", True),
    ],
)
def test_a_day_without_an_offset_begins_east_of_greenwich(written: str, future: bool, tmp_path: Path) -> None:
    expect = [{"path": SPEC, "severity": "error", "message": "in the future"}] if future else []
    aged(tmp_path, {SPEC: spec(written)}, *expect, today="2026-03-02")


@pytest.mark.parametrize(
    ("today", "severity", "message"),
    [
        ("2026-02-20", "", ""),
        ("2026-03-15", "", ""),
        ("2026-03-16", "warning", "holds 6 more days"),
        ("2026-03-21", "warning", "holds 1 more day"),
        ("2026-03-22", "warning", "30 days ago, and its review holds today for the last time"),
        ("2026-03-23", "error", "31 days ago, and a review holds 30 days; it governs src/runs/run.py"),
        ("2026-02-19", "", ""),
        ("2026-02-18", "error", "in the future: 2026-02-20"),
    ],
)
def test_the_days_of_a_review(today: str, severity: str, message: str, tmp_path: Path) -> None:
    expect = [{"path": SPEC, "line": 2, "severity": severity, "message": message}] if severity else []
    aged(tmp_path, None, *expect, today=today)


# What was reviewed


def bound(*lines: str) -> str:
    return spec(more="reviewed_objects:\n" + "".join(f"  {line}\n" for line in lines))


def bound_to(directory: Path, text: str, *expect: Mapping[str, Any], **more: Any) -> None:
    files = {SPEC: text, CODE: "run()\n"}
    base = {CODE: "run(0)\n", SPEC: spec("2026-02-01")}
    aged(directory, files, *expect, base=base, policy=more.pop("policy", CONTENT), **more)


def test_a_review_of_the_files_there_are(tmp_path: Path) -> None:
    bound_to(tmp_path / "a", bound(f"{CODE}: {NOW}"))
    bound_to(tmp_path / "b", bound(f"'{CODE}': {NOW[:7].upper()}"))
    text = spec(text=f"## Reviewed objects\n\n- `{CODE}`: `{NOW}`\n")
    bound_to(tmp_path / "c", text)
    row = f"## Reviewed objects\n\n| File | Id |\n| --- | --- |\n| `{CODE}` | {NOW} |\n"
    bound_to(tmp_path / "d", spec(text=row))


@pytest.mark.parametrize("pattern", ["src/runs", "src/runs/", "src/runs/**", "src/**/*.py"])
def test_a_review_of_all_files_under_a_pattern(pattern: str, tmp_path: Path) -> None:
    listed = f"100644 blob {NOW}\t{CODE}\n"
    bound_to(tmp_path, bound(f"{pattern!r}: {sha256(listed.encode()).hexdigest()[:12]}"))


@pytest.mark.parametrize(
    ("lines", "message", "line"),
    [
        ([], f"{CODE} is not recorded", None),
        ([f"{CODE}: {BEFORE}"], f"{CODE} was {BEFORE[:12]}", 5),
        ([f"{CODE}: {NOW[:6]}"], "which is no object id", 5),
        ([f"{CODE}: latest"], "which is no object id", 5),
        (["src/gone.py: 1234567"], "src/gone.py is recorded, and is gone", 5),
        (["src/runs: 1234567"], "src/runs was 1234567, and is", 5),
    ],
)
def test_a_review_of_other_files(lines: list[str], message: str, line: int | None, tmp_path: Path) -> None:
    now = f'record under reviewed_objects: "{CODE}": {NOW}'
    text = bound(*lines) if lines else spec()
    bound_to(tmp_path, text, {"path": SPEC, "line": line, "message": message, "help": now})


def test_the_index_may_hold_the_ids(tmp_path: Path) -> None:
    policy = POLICY.replace("[specs]", '[specs]\nbinding = "content"')
    base = {**BASE, INDEX: index(entry(reviewed_objects={CODE: blob("run()\n")}))}
    aged(tmp_path / "a", {"x": "x"}, base=base, policy=policy, args=["--all"])
    aged(tmp_path / "b", None, {"path": SPEC, "message": f"{CODE} was"}, base=base, policy=policy)


def test_many_files_are_bound_by_their_pattern(tmp_path: Path) -> None:
    files = {f"src/runs/{number}.py": f"{number}\n" for number in range(9)}
    listed = "".join(f"100644 blob {blob(content)}\t{path}\n" for path, content in sorted(files.items()))
    help = f'"src/runs/**": {sha256(listed.encode()).hexdigest()}'
    found = {"path": SPEC, "message": "; and 4 more", "help": help}
    base = {**files, SPEC: spec("2026-02-01")}
    aged(tmp_path, {SPEC: spec()}, found, base=base, policy=CONTENT)


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


def test_a_spec_that_cannot_be_read_has_no_date(tmp_path: Path) -> None:
    texts = ["a\0b", "---\ntitle: Runs: kept\nlast_review: 2026-02-20\n---\n"]
    expect = [{"line": 1, "message": "binary"}, {"line": 2, "message": "its front matter is no YAML"}]
    dated(tmp_path, each(texts), *found_in(each(texts), expect), policy=WITHOUT_INDEX)
