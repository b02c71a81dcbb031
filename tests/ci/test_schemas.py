"""Workflows, actions and GitLab's files, held against the schemas that the platforms' forms are published in.

`check-jsonschema` has the schemas built in, so nothing is fetched.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.ci.jobs import ROOT

WORKFLOW, ACTION, GITLAB = "vendor.github-workflows", "vendor.github-actions", "vendor.gitlab-ci"
FILES = {
    **{path.relative_to(ROOT).as_posix(): GITLAB if path.stem == "gitlab-ci" else WORKFLOW
       for folder in (".github/workflows", "docs/examples") for path in (ROOT / folder).glob("*.y*ml")},
    "action.yml": ACTION,
    "templates/spec-guard.yml": GITLAB,
}  # fmt: skip


def problems(schema: str, texts: Iterable[str], place: Path) -> str:
    """What the schema has against files; empty where it has nothing."""
    files = []
    for number, text in enumerate(texts):
        files.append(place / f"{number}.yml")
        files[-1].write_text(text)
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    words += ["--data-transform", "gitlab-ci"] if schema == GITLAB else []
    done = subprocess.run([*words, *map(str, files)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "word"), [(WORKFLOW, "runs-on:"), (ACTION, None), (GITLAB, "component:")])
def test_files_and_what_the_page_shows_have_the_published_form(
    schema: str, word: str | None, tmp_path: Path
) -> None:
    # A component's inputs stand in a document of their own, which the schema of pipelines does not know.
    texts = [(ROOT / name).read_text().rpartition("\n---\n")[2] for name in FILES if FILES[name] == schema]
    assert not problems(schema, texts, tmp_path)
    if word:
        page = (ROOT / "docs" / "ci.md").read_text()
        found = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert not problems(schema, [text for text in found if word in text], tmp_path)


def test_a_wrong_file_is_none(tmp_path: Path) -> None:
    text = (ROOT / ".github/workflows/spec-guard.example.yml").read_text()
    assert "runs_on" in problems(WORKFLOW, [text, text.replace("runs-on", "runs_on")], tmp_path)
