"""Workflows, actions and GitLab's files, held against the schemas that the platforms' forms are published in.

`check-jsonschema` has the schemas built in, so nothing is fetched.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ci.jobs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW, ACTION, GITLAB = "vendor.github-workflows", "vendor.github-actions", "vendor.gitlab-ci"
FILES = {
    **{path.relative_to(ROOT).as_posix(): GITLAB if path.stem == "gitlab-ci" else WORKFLOW
       for folder in (".github/workflows", "docs/examples") for path in (ROOT / folder).glob("*.y*ml")},
    "action.yml": ACTION,
    "templates/spec-guard.yml": GITLAB,
}  # fmt: skip


def problems(schema: str, text: str, place: Path) -> str:
    """What the schema has against a file; empty where it has nothing."""
    file = place / "file.yml"
    file.write_text(text)
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    words += ["--data-transform", "gitlab-ci"] if schema == GITLAB else []
    done = subprocess.run([*words, str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_has_the_published_form(name: str, tmp_path: Path) -> None:
    # A component's inputs stand in a document of their own, which the schema of pipelines does not know.
    text = (ROOT / name).read_text().rpartition("\n---\n")[2]
    assert not problems(FILES[name], text, tmp_path)


@pytest.mark.parametrize(("word", "schema"), [("runs-on:", WORKFLOW), ("component:", GITLAB)])
def test_what_the_page_shows_has_the_published_form(word: str, schema: str, tmp_path: Path) -> None:
    found = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE | re.DOTALL
    )
    shown = [text for text in found if word in text]
    assert shown
    for text in shown:
        assert not problems(schema, text, tmp_path)


def test_a_wrong_file_is_none(tmp_path: Path) -> None:
    text = (ROOT / ".github/workflows/spec-guard.example.yml").read_text()
    assert "runs_on" in problems(WORKFLOW, text.replace("runs-on", "runs_on"), tmp_path)
