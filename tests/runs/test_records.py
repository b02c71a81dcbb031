"""The runs that can be seen: beside a check, in a tree, in every layout."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from specguard.change.tree import Documents
from specguard.errors import MissingFact
from specguard.runs.files import LocalFiles, TreeFiles, folder_of
from specguard.runs.manifests import Item, run_schemas
from specguard.runs.record import RunRecord, RunRecords, reaches
from specguard.runs.settings import RunSettings
from specguard.testing import Repository
from tests.outcomes import there
from tests.rows import rows
from tools.pages import DOCS

NOW = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)


def beside(root: Path) -> RunRecords:
    documents: Any = None
    return RunRecords(
        RunSettings(), documents=documents, root=lambda: str(root), entries=lambda: (), now=lambda: NOW
    )


def record(root: Path, value: Mapping[str, Any], *, name: str = "manifest.json", **files: str) -> RunRecord:
    folder = root / "phase-12" / "1"
    folder.mkdir(parents=True)
    (folder / name).write_text(json.dumps(value))
    for file, text in files.items():
        place = folder / file.replace("__", "/")
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    return RunRecord(LocalFiles(str(root)), b"phase-12/1", RunSettings())


def test_what_a_trailer_names() -> None:
    assert (folder_of("phase-12/1"), folder_of("task-a/b/1")) == (b"phase-12/1", b"task-a%2Fb/1")
    for name in ("phase-12", "/1", "phase-12/", "../1", "phase-12/..", ""):
        assert folder_of(name) is None


def test_no_link_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    record(tmp_path / "elsewhere", {"status": "succeeded"})
    (root / "phase-12").symlink_to(tmp_path / "elsewhere" / "phase-12")
    records = beside(root)
    assert list(records.all) == []
    with pytest.raises(MissingFact):
        records.named("phase-12/1")
    inside = record(root / "own", {"status": "succeeded"})
    (root / "own" / "phase-12" / "1" / "run.log").symlink_to("/etc/hostname")
    assert inside.read("run.log") is None
    assert inside.read("../1/manifest.json") is None
    with pytest.raises(MissingFact, match="cannot be seen here"):
        _ = beside(tmp_path / "none").all


@pytest.mark.parametrize(("value", "files", "grade"), rows(__file__, "how_much_a_run_proves"))
def test_how_much_a_run_proves(
    tmp_path: Path, value: Mapping[str, Any], files: Mapping[str, str], grade: str
) -> None:
    assert record(tmp_path, value, **files).grade == grade
    assert reaches(grade, "observed") == (grade != "claimed")


@pytest.mark.parametrize(
    ("value", "files", "silence"),
    [
        ({}, {"control__heartbeat.json": '{"time": "2026-03-01T10:00:00Z"}'}, 300),
        ({}, {"control__heartbeat.json": '{"timestamp": 1772359200}'}, None),
        ({"started_at": "2026-03-01T10:00:00+00:00"}, {}, 300),
        ({"started_at": "2026-03-01T09:00:00Z", "updated_at": "2026-03-01T10:04:00Z"}, {}, 60),
        ({"started_at": "yesterday", "steps": ["x"]}, {"control__heartbeat.json": "["}, None),
    ],
)
def test_when_a_run_said_that_it_is_alive(
    tmp_path: Path, value: Mapping[str, Any], files: Mapping[str, str], silence: int | None
) -> None:
    assert beside(tmp_path).silence(record(tmp_path, value, **files)) == silence


def test_an_older_layout(tmp_path: Path) -> None:
    value = {
        "task_id": 12,
        "state": "passed",
        "gates": [{"cmd": ["npm", "test"], "returncode": 0, "log_path": "1.log"}, "npm"],
    }
    found = record(tmp_path, value, name="meta.json")
    assert (found.item, found.state, found.succeeded, found.misfit) == ("12", "passed", True, "")
    [command] = found.commands
    told = (command.name, command.succeeded, command.log, command.grade)
    assert told == ("npm test", True, "1.log", "claimed")


@pytest.mark.parametrize("value", [[], 1, None, {"commands": 1}, {"steps": [1]}, {"item": [], "digests": []}])
def test_whatever_a_manifest_holds_it_can_be_read(tmp_path: Path, value: Any) -> None:
    found = record(tmp_path, value)
    assert list(found.commands) == []
    assert dict(found.digests) == {}
    assert (found.item, list(found.items), found.grade) == ("phase-12", ["phase-12"], "claimed")
    assert found.misfit


def test_what_lies_in_the_folder_of_a_run_is_no_run(tmp_path: Path) -> None:
    """As what was there before its folder was used again."""
    for place in ("phase-12/r1", "phase-12/r1/earlier/01", "12/mcp/r2"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "manifest.json").write_text("{}")
    assert sorted(LocalFiles(str(tmp_path)).folders()) == [b"12/mcp/r2", b"phase-12/r1"]
    paths = [f".runs/{one.relative_to(tmp_path)}".encode() for one in tmp_path.rglob("manifest.json")]
    documents: Any = SimpleNamespace(tree=SimpleNamespace(paths=lambda: paths))
    assert sorted(TreeFiles(documents, b".runs/").folders()) == [b"12/mcp/r2", b"phase-12/r1"]


KEPT = RunSettings(keep="tree")
LOCAL = RunSettings(keep="local")
PATH = b".runs/7/manifest.json"


def runs(
    repository: Repository,
    change: Any,
    settings: RunSettings,
    files: Mapping[str, str] | None = None,
    *,
    beside: bool = False,
) -> RunRecords:
    repository.commit("chore: base", files={"a": "a", **(files or {})})
    one = change(repository, base="main", head="main")
    root = os.path.join(repository.path, ".runs") if beside else None
    return RunRecords(
        settings, documents=Documents(one.head_files), root=lambda: root, entries=tuple, now=datetime.now
    )


def test_a_manifest_says_how_its_run_ended(repository: Repository, change: Any) -> None:
    ends = rows(__file__, "how_runs_ended")
    made = runs(repository, change, KEPT, {f"r/{at}.json": text for at, (text, *_) in enumerate(ends)})
    for number, (_, status, succeeded, problem) in enumerate(ends):
        found = there(made.at(f"r/{number}.json".encode()))
        assert (found.state, found.succeeded) == (status, succeeded)
        assert problem in found.problem
        assert bool(problem) is bool(found.problem)


def test_runs_are_read_beside_the_working_tree(repository: Repository, change: Any) -> None:
    """No link proves one."""
    made = runs(repository, change, LOCAL, beside=True)
    (repository.path / "else.json").write_text(json.dumps({"status": "succeeded"}))
    place = repository.path / PATH.decode()
    with pytest.raises(MissingFact):
        made.at(PATH)
    place.parent.mkdir(parents=True)
    place.symlink_to(repository.path / "else.json")
    for path in (PATH, b".runs/../else.json"):
        with pytest.raises(MissingFact):
            made.at(path)
    place.unlink()
    place.write_text(json.dumps({"status": "succeeded"}))
    found = there(made.at(PATH))
    assert found.succeeded


def test_what_the_tree_has_in_place_of_a_manifest(repository: Repository, change: Any) -> None:
    """A document and a link are none; what is not there cannot be told where runs are local."""
    repository.symlink(PATH.decode(), "../../a.json")
    files = {"a.json": '{"status": "succeeded"}', ".runs/a.md": "---\nstatus: succeeded\n---\n"}
    local = runs(repository, change, LOCAL, files)
    for path, problem in ((PATH, "it is not a regular file"), (b".runs/a.md", "not JSON, YAML or TOML")):
        found = there(local.at(path))
        assert not found.succeeded
        assert problem in found.problem
    with pytest.raises(MissingFact, match="cannot be seen here"):
        local.at(b".runs/8/manifest.json")
    assert local.at(b"out/manifest.json") is None
    assert runs(repository, change, KEPT).at(b".runs/8/manifest.json") is None


# What a run writes


@pytest.mark.parametrize("name", sorted(run_schemas()))
def test_each_schema_is_published_and_is_one(name: str) -> None:
    published: dict[str, Any] = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text())
    assert published == run_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(published)


def test_every_property_is_described() -> None:
    for name, schema in run_schemas().items():
        for part in (schema, *schema.get("$defs", {}).values()):
            for key, value in part.get("properties", {}).items():
                if key != "schema":
                    assert value.get("description"), f"{name}: {key}"


def test_a_property_called_title_is_kept() -> None:
    assert "title" in run_schemas()["run"]["$defs"]["PullRequest"]["properties"]


def test_a_manifest_shows_bytes_that_are_not_utf_8() -> None:
    text = Item(kind="gates", id="f\udce9, f\u00e9").as_json().decode()
    assert json.loads(text)["id"] == "f\\xe9, f\u00e9", text
