"""SPC001: the index, the governed paths and the spec files."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.specs.setting import (
    BASE,
    CODE,
    ENTRY,
    INDEX,
    POLICY,
    SPEC,
    WITHOUT_INDEX,
    index,
    judged_by,
    spec,
)

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "tasks/specs/0002-logs.md"
judged = partial(judged_by, "SPC001")


def test_what_fits_together_passes(tmp_path: Path) -> None:
    judged(tmp_path, args=["--all"])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"id": "0002", "path": OTHER}, "no such file"),
        ({"id": "0002", "path": "../../x.md"}, "climbs out"),
        ({"id": "0002", "path": "tasks/specs/"}, "a folder"),
        ({"id": "0002", "paths": {"spec": OTHER, "notes": "gone.md"}}, OTHER),
        ({"id": "0002", "paths": {"plan": OTHER}}, OTHER),
        ({"id": "0002"}, "names no spec"),
        ({"id": "0002", "dir": "../specs"}, "names no spec"),
        ({"title": "no id"}, "specs.1 names no spec"),
        ("no path", "'no path' in specs is no path"),
        (3, "specs.1 is no table"),
    ],
    ids=str,
)
def test_an_entry_without_its_spec(entry: Any, message: str, tmp_path: Path) -> None:
    judged(tmp_path, {INDEX: index(ENTRY, entry)}, {"path": INDEX, "line": 3, "message": message})


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "0002", "path": f"./{OTHER}#summary"},
        {"id": "0002", "file": f"/{OTHER}"},
        {"id": "0002", "spec": "specs/0002-logs.md"},
        {"id": "0002", "paths": {"task": OTHER}},
        {"id": "0002", "documents": [OTHER]},
        {"id": 2, "Doc": OTHER},
        {"id": "0002"},
        {"id": "0002-logs"},
        OTHER,
    ],
    ids=str,
)
def test_ways_to_name_a_spec(entry: Any, tmp_path: Path) -> None:
    judged(tmp_path, {INDEX: index(ENTRY, entry), OTHER: "# Logs\n"})


def test_an_entry_finds_the_spec_that_states_its_id(tmp_path: Path) -> None:
    files = {"tasks/specs/logs.md": "---\nid: SP-7\n---\n", INDEX: index(ENTRY, {"id": "sp_7"})}
    judged(tmp_path, files)


def test_a_table_of_specs_by_id(tmp_path: Path) -> None:
    text = json.dumps({"specs": {"0001": {"path": SPEC}, "0002": OTHER}})
    judged(tmp_path, {INDEX: text, OTHER: "# Logs\n"})


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([ENTRY, {"id": "0001", "path": OTHER}], "the id 0001"),
        ([ENTRY, {"id": "0002", "path": SPEC}], f"the spec {SPEC}"),
    ],
)
def test_an_id_or_a_file_in_two_entries(entries: list[Any], message: str, tmp_path: Path) -> None:
    base = {**BASE, OTHER: "# Logs\n"}
    said = f"{message} stands in two entries, the first in line 2"
    judged(tmp_path, {INDEX: index(*entries)}, {"path": INDEX, "line": 3, "message": said}, base=base)


def test_other_documents_of_an_entry_may_be_shared(tmp_path: Path) -> None:
    shared = [{"id": f"000{n}", "paths": {"spec": f"tasks/specs/000{n}.md", "prd": OTHER}} for n in (1, 2)]
    files = {INDEX: index(*shared), OTHER: "# L\n", "tasks/specs/0001.md": "", "tasks/specs/0002.md": ""}
    judged(tmp_path, files, base={CODE: ""}, policy=POLICY.partition("[specs.governs]")[0])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{", 1, "cannot be read"),
        ('{"specs": [],\n"specs": []}', 2, "twice"),
        ("{}", 1, "has no 'items' and no 'specs'"),
        ('{"items": 3}', 1, "'items' is neither a list nor a table"),
        ("", 1, "cannot be read"),
    ],
)
def test_an_index_that_cannot_be_read(text: str, line: int, message: str, tmp_path: Path) -> None:
    expect: dict[str, Any] = {"path": INDEX, "line": line, "message": message}
    more = [{"path": SPEC, "message": "no entry"}] if "neither" in message else []
    files = {INDEX: text, SPEC: spec(text="x\n")}
    judged(tmp_path, files, expect, *more)


def test_an_unreadable_index_leaves_other_rules_without_an_answer(tmp_path: Path) -> None:
    judged_by("SPC005", tmp_path, {INDEX: "{"}, state="indeterminate")


def test_an_index_that_is_not_there_is_said_where_a_spec_is_touched(tmp_path: Path) -> None:
    missing = {"path": INDEX, "message": "no index"}
    judged(tmp_path / "a", {SPEC: spec()}, missing, base={CODE: ""})
    judged(tmp_path / "b", {"x": "x"}, base={CODE: ""})


def test_a_link_in_place_of_the_index_or_of_a_spec(tmp_path: Path) -> None:
    step = Step("docs: x", files={"other.json": index(ENTRY)}, symlinks={INDEX.encode(): b"../other.json"})
    judged(tmp_path / "a", None, {"path": INDEX, "message": "no index"}, commits=[step])
    step = Step("docs: x", files={"x.md": spec()}, symlinks={SPEC.encode(): b"../../x.md"})
    judged(
        tmp_path / "b",
        None,
        {"path": INDEX, "message": "a link or a submodule"},
        {"path": SPEC, "message": "is no regular file"},
        {"path": "src/runs/run.py", "message": "there is none"},
        commits=[step],
    )


def test_a_spec_that_no_entry_names_is_judged_where_it_is_touched(tmp_path: Path) -> None:
    base = {**BASE, OTHER: "# Logs\n"}
    judged(tmp_path / "a", {SPEC: spec(text="x\n")}, base=base)
    judged(tmp_path / "b", {OTHER: "# Logs 2\n"}, {"path": OTHER}, base=base)
    judged(tmp_path / "c", None, {"path": OTHER}, base=base, args=["--all"])


def test_taking_an_entry_out_touches_its_spec(tmp_path: Path) -> None:
    judged(tmp_path, {INDEX: index()}, {"path": SPEC, "message": "no entry"})


def test_taking_a_spec_away(tmp_path: Path) -> None:
    gone = {"path": INDEX, "line": 2, "message": "no such file"}
    judged(tmp_path, {}, gone, {"path": CODE, "message": "there is none"}, delete=[SPEC])


def test_a_governed_path_without_a_spec_is_judged_where_it_is_touched(tmp_path: Path) -> None:
    policy = POLICY.replace("0001-*.md", "0009-*.md")
    judged(tmp_path / "a", {"docs/x.md": "x"}, policy=policy)
    judged(tmp_path / "b", None, {"path": CODE, "message": "0009-*.md"}, policy=policy)
    expect = {"path": CODE, "authority": "SPEC_AUTHORITY.md:15"}
    judged(tmp_path / "c", {"docs/x.md": "x"}, expect, policy=policy, args=["--all"])


def test_a_spec_that_cannot_be_read(tmp_path: Path) -> None:
    judged(tmp_path / "a", {SPEC: "---\nstatus: [\n---\n"}, {"path": SPEC, "message": "cannot be read"})
    judged(tmp_path / "b", {SPEC: "a\0b"}, {"path": SPEC, "message": "binary"})


def test_a_malformed_pattern_in_a_spec(tmp_path: Path) -> None:
    policy = POLICY.partition("[specs.governs]")[0]
    text = spec(more='governs: ["src/[", "lib/**"]\n')
    judged(tmp_path, {SPEC: text}, {"path": SPEC, "line": 4, "message": "'src/['"}, policy=policy)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tasks/index.yaml", f"specs:\n  - id: '0001'\n    path: {SPEC}\n"),
        ("tasks/index.toml", f'[[specs]]\nid = "0001"\npath = "{SPEC}"\n'),
    ],
)
def test_an_index_in_another_notation(name: str, text: str, tmp_path: Path) -> None:
    policy = POLICY.replace("tasks/index.json", name)
    judged(tmp_path, {name: text}, policy=policy, args=["--all"])


def test_taking_a_spec_away_that_says_itself_what_it_governs(tmp_path: Path) -> None:
    policy = WITHOUT_INDEX.partition("[specs.governs]")[0]
    text = spec(more="governs: [src/runs/]\n")
    base = {SPEC: text, CODE: "run()\n"}
    found = {"path": SPEC, "side": "base", "message": f"{CODE}, which it governed, stays"}
    judged(tmp_path / "a", {}, found, base=base, policy=policy, delete=[SPEC])
    judged(tmp_path / "b", {}, base=base, policy=policy, delete=[SPEC, CODE])
    judged(tmp_path / "c", {OTHER: text}, base=base, policy=policy, delete=[SPEC])
    judged(tmp_path / "f", {OTHER: spec(more="governs: src/\n")}, base=base, policy=policy, delete=[SPEC])
    over = {**base, SPEC: text.replace("planned", "superseded")}
    judged(tmp_path / "d", {}, base=over, policy=policy, delete=[SPEC])
    step = Step("docs: x", symlinks={SPEC.encode(): b"../../README.md"})
    link = {"path": SPEC, "message": "stands where a spec does, and is no regular file"}
    judged(tmp_path / "e", None, found, link, base=base, policy=policy, commits=[step])


def test_front_matter_that_is_broken_is_read_before_its_broken_line(tmp_path: Path) -> None:
    broken = spec().replace("status: planned\n", "status: planned\nowner: Ann: lead\n")
    warned = {"severity": "warning", "path": SPEC, "line": 4, "message": "cannot be read as a whole"}
    args = ("--extend-select=SPC002,SPC005,SPC006",)
    states = {"SPC001": "warned", "SPC002": "passed", "SPC005": "passed", "SPC006": "passed"}
    judged(tmp_path / "a", {SPEC: broken}, warned, args=("--select=SPC002,SPC005,SPC006",), states=states)
    done = broken.replace("planned", "in-progress").replace(
        "owner", "approvals: Ann Example 2026-02-01\nowner"
    )
    unapproved = {"code": "SPC006", "path": SPEC, "message": "no approval is recorded"}
    judged(tmp_path / "b", {SPEC: done}, {**warned, "line": 5}, unapproved, args=args)
    governs = broken.replace("owner", "governs: [src/**]\nowner")
    judged(tmp_path / "c", {SPEC: governs}, {**warned, "severity": "error", "line": 5, "message": "cannot"})
