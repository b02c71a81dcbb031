"""From any folder, by any way into the program, and in a repository that has nothing to do with Python."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from specguard.cli.app import app
from specguard.cli.checking import quick_request
from specguard.testing import Repository, run, run_here
from specguard.testing.running import command
from tests.outcomes import ended
from tools.pages import normalize

DATA = Path(__file__).parent / "data"
POLICY = (DATA / "anywhere.md").read_text()
WORDS = ("check", "check --patch=given.patch", "why main.go", "run list", "plan next", "doctor")
"""Command lines of which few succeed there; all commands take their folder by one option."""
ELSEWHERE = {"rule", "error", "docs", "hook"}
"""Commands that need no repository; and an agent says itself where it works."""


def in_go(place: Path) -> Repository:
    """A repository in Go, on a branch with one change that is allowed."""
    repository = Repository(place)
    repository.commit(
        files={
            "SPEC_AUTHORITY.md": POLICY,
            "NEXT.json": '{"next": 1}',
            "phases/1.md": "# One\n",
            "main.go": "package main\n",
        }
    )
    repository.branch("work")
    repository.commit(files={"main.go": "package main // changed\n"})
    return repository


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """Such a repository below a path with a space, with a patch in it."""
    (tmp_path / "my work").mkdir()
    repository = in_go(tmp_path / "my work" / "project")
    (repository.path / "given.patch").write_text(
        "diff --git a/x.go b/x.go\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/x.go\n@@ -0,0 +1 @@\n+package x\n"
    )
    return repository


def commands(
    group: click.Group, context: click.Context, above: str = ""
) -> Iterator[tuple[str, click.Command]]:
    """Each command that is no group, by its words."""
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, click.Context(found, parent=context), f"{above}{name} ")
        else:
            yield f"{above}{name}", found


def test_every_command_that_reads_a_repository_takes_its_folder() -> None:
    for words, found in commands(app, click.Context(app)):
        assert words in ELSEWHERE or any("-C" in one.opts for one in found.params), words


@pytest.mark.parametrize("line", WORDS)
def test_a_folder_is_the_same_as_being_there(line: str, project: Repository, tmp_path: Path) -> None:
    """Named behind the command, and before it, which is one code for all commands."""
    words, folder = line.split(), str(Path("..") / "my work" / "project")
    at = 2 if words[0] in ("run", "plan") else 1
    expected = run_here(*words, directory=project.path)
    assert "no-repository" not in expected.stderr
    (tmp_path / "elsewhere").mkdir()
    for way in ([*words[:at], "-C", folder, *words[at:]], ["-C", folder, *words]):
        assert run_here(*way, directory=tmp_path / "elsewhere") == expected


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for words in (["-C", "none", "check"], ["check", "-C", "none"]):
        outcome = ended(run(*words, "--output-format", "json", directory=tmp_path), 2)
        assert outcome.report["errors"][0]["code"] == "no-repository"


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link to the program, as pipx and people make it."""
    folder = tmp_path / "my bin"
    folder.mkdir()
    link = folder / "specguard"
    link.symlink_to(command())
    return link


def bare_path(tmp_path: Path) -> str:
    """A path with git and a shell, and no Python."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name in ("git", "sh", "test", "cat"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_a_linked_program_in_a_repository_without_python(
    project: Repository, link: Path, tmp_path: Path
) -> None:
    env = {"PATH": bare_path(tmp_path)}
    for words in (("check",), ("check", "--staged"), ("why", "main.go"), ("run", "gates", "--kind", "phase")):
        outcome = run(*words, directory=project.path, env=env, program=str(link))
        assert "internal error" not in outcome.stderr
        assert "no-repository" not in outcome.stderr
        if words[0] != "run":
            assert outcome.exit_code == 0, outcome
    assert {path.name for path in project.path.iterdir()} <= {
        ".git", ".runs", "SPEC_AUTHORITY.md", "NEXT.json", "phases", "main.go", "given.patch",
    }  # fmt: skip
    event = {
        "session_id": "s",
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "cwd": str(project.path),
        "tool_input": {"file_path": f"{project.path}/vendor/x.go", "content": "x"},
    }
    asked = json.dumps(event)
    outcome = run("hook", "claude", directory=project.path, env=env, stdin=asked, program=str(link))
    assert "PTH001" in outcome.stdout + outcome.stderr
    assert "deny" in outcome.stdout


TRAPS = (
    "json.py", "re.py", "subprocess.py", "click/__init__.py", "pydantic/__init__.py", "sitecustomize.py",
    "usercustomize.py", "typing.py", "specguard_rules/__init__.py", "tomllib.py", "pluggy.py", "errno.py",
)  # fmt: skip
"""What a repository may have that a program in Python could import in place of its own."""


@pytest.mark.parametrize("way", ["script", "link", "module"])
def test_nothing_of_the_repository_is_imported(
    way: str, project: Repository, link: Path, tmp_path: Path
) -> None:
    traps = [*TRAPS, "specguard/__init__.py", "specguard/cli/__init__.py"] if way != "module" else TRAPS
    sprung = tmp_path / "sprung"
    for name in traps:
        file = project.path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(f"open({str(sprung)!r}, 'a').write({name!r})\n")
    program, first = {
        "script": (command(), ()),
        "link": (str(link), ()),
        "module": (sys.executable, ("-m", "specguard")),
    }[way]
    tried = (("check",), ("check", "--worktree", "--output-format", "json"), ("policy",), ("doctor",))
    for words in tried if way == "script" else tried[:2]:
        outcome = run(*first, *words, directory=project.path, program=program)
        assert "internal error" not in outcome.stderr, outcome
        assert not sprung.exists(), sprung.read_text()
    assert os.path.exists(command())


LINES = ("check --output-format=json", "hook claude", "approvals list", "rule PTH001", "run list", "status")
"""Words of commands of each way into the program: with and without click, alone and in a group."""


@pytest.mark.parametrize("line", LINES)
def test_the_installed_command_answers_as_its_entry_point_in_this_process(line: str, tmp_path: Path) -> None:
    answers = []
    for runner in (run, run_here):
        # Each has a repository of its own: some commands leave something in it.
        repository = in_go(tmp_path / runner.__name__)
        repository.commit("feat: change", files={"vendor/x": "b\n"})
        env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        done = runner(*line.split(), directory=repository.path, env=env)
        said = normalize(f"{done.exit_code}\n{done.stdout}\n{done.stderr}")
        answers.append(said.replace(str(repository.path), "<repository>"))
    assert answers[0] == answers[1]


def test_other_words_than_those_of_hooks_are_left_to_click() -> None:
    message = "--commit-msg-file"
    left = ("--staged --strict", message, f"{message} --staged", "--range main", "--range --strict")
    for words in (
        [],
        ["--help"],
        ["check"],
        ["check", message, ""],
        *(["check", *one.split()] for one in left),
    ):
        assert quick_request(words) is None


@pytest.mark.parametrize(
    ("path", "message", "line"),
    [
        ("vendor/x", "feat: x\n", "--staged"),
        ("src/x", "no form at all\n", "--commit-msg-file message"),
        ("src/x", "feat: x\n", "--commit-msg-file absent"),
        ("vendor/x", "feat: x\n", "--range main..HEAD"),
        ("src/x", "feat: x\n", "--range nowhere..HEAD"),
        ("src/x", "feat: x\n", "--push"),
        ("src/x", "feat: x\n", "--pre-receive"),
        ("src/x", "feat: x\n", "--all"),
    ],
)
def test_words_of_hooks_give_one_result_whether_click_reads_them_or_not(
    project: Repository, path: str, message: str, line: str
) -> None:
    arguments = line.split()
    project.write("message", message)
    project.write(path, "x")
    project.stage(path)
    assert quick_request(["check", *arguments]) is not None
    quick = run_here("check", *arguments, directory=project.path)
    by_click = run_here("check", *arguments, "--output-format", "text", directory=project.path)
    assert quick == by_click
    assert quick.stdout or quick.stderr
