from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from specguard.change.tree import Documents
from specguard.errors import MissingFact
from specguard.runs.record import RunRecords
from specguard.runs.settings import RunSettings
from tests.outcomes import there

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.testing import Repository

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
    texts = {
        '{"status": "succeeded"}': ("succeeded", True, ""),
        '{"status": "Passed"}': ("Passed", True, ""),
        '{"state": "success"}': ("success", True, ""),
        '{"status": "failed", "state": "success"}': ("failed", False, ""),
        '{"status": true}': ("", False, ""),
        '{"result": {"status": "succeeded"}}': ("", False, ""),
        '{"validations": [{"status": "passed"}, {"command": "a", "exit_code": 0}]}': ("succeeded", True, ""),
        '{"validations": [{"status": "passed"}, {"command": "a"}]}': ("failed", False, ""),
        '{"validations": [{"status": "passed", "exit_code": 1}]}': ("failed", False, ""),
        '{"validations": ["failed", {"status": "passed"}]}': ("failed", False, ""),
        '{"validations": []}': ("", False, ""),
        '{"status": "failed", "validations": [{"status": "passed"}]}': ("failed", False, ""),
        "[]": ("", False, "it holds no keys"),
        "{": ("", False, "no JSON"),
        '{"status": "failed", "status": "succeeded"}': ("", False, "twice"),
    }
    made = runs(repository, change, KEPT, {f"r/{number}.json": text for number, text in enumerate(texts)})
    for number, (status, succeeded, problem) in enumerate(texts.values()):
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
    for path, problem in ((PATH, "it is no regular file"), (b".runs/a.md", "no JSON, YAML or TOML")):
        found = there(local.at(path))
        assert not found.succeeded
        assert problem in found.problem
    with pytest.raises(MissingFact, match="cannot be seen here"):
        local.at(b".runs/8/manifest.json")
    assert local.at(b"out/manifest.json") is None
    assert runs(repository, change, KEPT).at(b".runs/8/manifest.json") is None
