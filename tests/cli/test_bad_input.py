"""What a person or a job can get wrong: exit code 2, one message that names it, and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Outcome, Repository, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.outcomes import ended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUTHORITY = """# Authority

```toml specguard
base = "main"

[rules.forbidden-path]
paths = ["locked/"]
```
"""


def refused(outcome: Outcome, *said: str) -> None:
    """That a run gave no verdict, and said so in one message with a next step."""
    assert outcome.exit_code == 2, outcome
    errors = [line for line in outcome.stderr.splitlines() if line.startswith("specguard: error: ")]
    assert len(errors) == 1, outcome
    assert not outcome.stdout, outcome
    assert "  next: " in outcome.stderr, outcome
    assert "Traceback" not in outcome.stderr
    assert "internal error" not in outcome.stderr
    for part in said:
        assert part in outcome.stderr, outcome


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an authority on `main` and one commit on the branch `work`."""
    repository = Repository(tmp_path_factory.mktemp("template"))
    repository.commit("docs: authority", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/a": "a\n"})
    repository.branch("work")
    repository.commit("feat: change", files={"src/a": "a\n"})
    return repository.path


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Repository:
    """A copy of that repository."""
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return Repository(tmp_path / "project", create=False)


# The repository


@pytest.mark.parametrize("words", [["check"], ["check", "--staged"], ["policy"], ["why", "x"], ["init"]])
def test_a_folder_that_is_no_repository(words: list[str], tmp_path: Path) -> None:
    refused(run_here(*words, directory=tmp_path), "is not in a git repository", "-C DIRECTORY")


@pytest.mark.parametrize("words", [[], ["--head", "HEAD"], ["--root"], ["--patch", "change.patch"]])
def test_commits_where_there_are_none(words: list[str], repository: Repository) -> None:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("change.patch", "")
    refused(run_here("check", *words, directory=repository.path), "commit", "next: Make one")


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["--head", "wrok"], "Did you mean work?"),
        (["--base", "mian"], "Did you mean main?"),
        (["--range", "main..wrok"], "Did you mean work?"),
        (["--range", "mian...work"], "Did you mean main?"),
    ],
)
def test_a_revision_that_is_not_there(words: list[str], near: str, project: Repository) -> None:
    refused(run_here("check", *words, directory=project.path), "there is no branch, tag or commit", near)


@pytest.mark.parametrize("text", ["--x", "-", "HEAD@{1}", "a b", "\n", "..", "main..work..x", "@{upstream}"])
def test_a_revision_that_is_none(text: str, project: Repository) -> None:
    refused(run_here("check", f"--range={text}", directory=project.path))


def test_no_base(project: Repository) -> None:
    project.git("branch", "-m", "main", "trunk")
    refused(run_here("check", directory=project.path), "origin/main", "--base REF")


def test_no_merge_base(project: Repository) -> None:
    project.orphan("alone")
    project.commit("feat: begin again", files={"src/a": "b"})
    outcome = ended(run_here("check", directory=project.path), 2)
    assert "no common ancestor" in outcome.stdout
    assert "indeterminate" in outcome.stdout.splitlines()[-1]


def test_a_shallow_clone(project: Repository, tmp_path: Path) -> None:
    project.checkout("main")
    project.commit("feat: go on", files={"src/b": "b"})
    project.checkout("work")
    clone = project.clone(tmp_path / "clone", depth=1)
    clone.git("fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    outcome = ended(run_here("check", "--enforce", "--base", "main", directory=clone.path), 2)
    assert "git fetch --unshallow origin" in outcome.stdout
    assert "Traceback" not in str(outcome)


# Files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not a patch\n", "does not apply"),
        ("", "does not apply"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,1 @@\n-gone\n", "does not apply"),
        ("--- a/src/a\n+++ b/src/a\n@@ -1 +1 @@\n-other\n+new\n", "does not apply"),
    ],
)
def test_a_patch_that_does_not_parse_or_apply(
    content: str, said: str, project: Repository, tmp_path: Path
) -> None:
    (tmp_path / "change.patch").write_text(content)
    refused(run_here("check", "--patch", str(tmp_path / "change.patch"), directory=project.path), said)
    refused(run_here("check", "--patch", "-", directory=project.path, stdin=content), said)


def test_a_patch_of_gigabytes_is_refused_in_little_memory(project: Repository, tmp_path: Path) -> None:
    patch = tmp_path / "huge.patch"
    with open(patch, "wb") as file:
        file.truncate(3 << 30)
    limited = ["bash", "-c", 'ulimit -v 400000 && exec "$@"', "bash", command()]
    done = subprocess.run(
        [*limited, "check", "--patch", patch],
        cwd=project.path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    refused(Outcome(done.returncode, done.stdout, done.stderr), "larger than 256 MiB", "next: ")


@pytest.mark.parametrize(
    "option", ["--patch", "--commit-msg-file", "--pr-event", "--pr-reviews", "--pr-body-file", "--authority"]
)
def test_a_file_that_cannot_be_read(option: str, project: Repository, tmp_path: Path) -> None:
    for file in ("nowhere", str(tmp_path)):
        refused(run_here("check", option, file, directory=project.path), file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"zen": "x", "hook_id": 1}', "is another kind: it has hook_id, zen"),
        (b'{"action": "opened", "issue": {"number": 1}}', "is another kind"),
        (b'{"pull_request": []}', "pull_request in the event file is not an object"),
        (b'{"pull_request": {"title": 3}}', "pull_request.title in the event file is not text"),
        (b'{"pull_request": {"head": {"sha": "--x"}}}', "pull_request.head.sha in the event file"),
    ],
)
def test_an_event_of_another_kind(content: bytes, said: str, project: Repository, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    for enforce in ([], ["--enforce"]):
        refused(run_here("check", *enforce, "--pr-event", str(file), directory=project.path), said, str(file))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"{}", "is another kind: it has nothing"),
        (b'{"message": "Not Found"}', "is another kind: it has message"),
        (b'[{"user": {"login": "a\\ud800"}, "state": "APPROVED"}]', "[0].user.login in the reviews file"),
        (b'[{"user": null, "state": "\\u001b[2J"}]', "[0].state in the reviews file is not one"),
        (b'{"approved_by": [], "approvals_left": 0}', "GitLab's approvals do not say which commit"),
    ],
)
def test_reviews_of_another_kind(content: bytes, said: str, project: Repository, tmp_path: Path) -> None:
    file = tmp_path / "reviews.json"
    file.write_bytes(content)
    for enforce in ([], ["--enforce", "--base", "main"]):
        refused(
            run_here("check", *enforce, "--pr-reviews", str(file), directory=project.path), said, str(file)
        )


def test_reviews_of_many_megabytes_are_not_read_whole(project: Repository, tmp_path: Path) -> None:
    file = tmp_path / "reviews.json"
    with open(file, "wb") as stream:
        stream.truncate(50 << 20)
    refused(
        run_here("check", "--pr-reviews", str(file), directory=project.path), "may have 25 MiB", str(file)
    )


# The authority


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the authority is empty"),
        (b"\xef\xbb\xbf \n", "the authority is empty"),
        (b"# A\n\xff\n", "authority.md:2: the authority is not UTF-8: byte 0xff"),
        (b"# A\n\n```toml specguard\nbase = \n```\n", "authority.md:4: "),
        (b'# A\n\n```toml specguard\nbas = "main"\n```\n', "did you mean 'base'"),
        (b"# A\n\n```toml specguard\n[rules.forbiden-path]\n```\n", "did you mean 'forbidden-path'"),
        (b'# A\n\n```toml specguard\nplugins = ["specguard-nowhere"]\n```\n', "not installed"),
        (b'# A\n\n```toml specguard\nextends = ["nothing"]\n```\n', "nothing"),
    ],
)
def test_an_authority_that_cannot_judge(content: bytes, said: str, project: Repository) -> None:
    project.write("authority.md", content)
    for words in (["check"], ["policy"], ["why", "x"]):
        refused(run_here(*words, "--authority", "authority.md", directory=project.path), said)


def test_all_that_is_wrong_with_a_policy_is_one_message(project: Repository) -> None:
    project.write(
        "a.toml", 'bas = 1\nmerge = "sqash"\n\n[rules.forbiden-path]\n\n[rules.commit-count]\nx = 1\n'
    )
    outcome = run_here("check", "--authority", "a.toml", directory=project.path)
    refused(outcome, "a.toml:1", "a.toml:2", "a.toml:4", "a.toml:7")


def test_a_policy_with_a_typo_on_the_base_has_no_verdict_in_any_format(project: Repository) -> None:
    project.checkout("main")
    project.commit(
        "docs: typo", files={"SPEC_AUTHORITY.md": AUTHORITY.replace("forbidden-path", "forbiden-path")}
    )
    project.checkout("work")
    refused(run_here("check", "--staged", directory=project.path), "SPEC_AUTHORITY.md:6", "forbidden-path")
    for form in ("text", "concise"):
        refused(run_here("check", "--output-format", form, directory=project.path), "SPEC_AUTHORITY.md:6")
    outcome = ended(run_here("check", "--output-format", "github", directory=project.path), 2)
    assert outcome.stdout.startswith("::error file=SPEC_AUTHORITY.md,line=6,title=no verdict::there is no")
    outcome = ended(run_here("check", "--output-format", "json", directory=project.path), 2)
    assert outcome.report["verdict"] == "error"
    [error] = outcome.report["errors"]
    assert error["location"]["line"] == 6


# Words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "did you mean 'check'?"),
        (["frobnicate"], "`specguard --help` lists the commands"),
        (["check", "--stagd"], "did you mean --staged"),
        (["--verson"], "did you mean --version"),
        (["check", "extra"], "extra"),
        (["check", "--base"], "--base"),
        (["check", "--staged", "--worktree"], "--staged and --worktree"),
        (["check", "--staged", "--head", "work"], "--head does not go with --staged"),
        (["check", "--range", "main..work", "--base", "main"], "--base does not go with --range"),
        (["check", "--select", "forbiden-path"], "did you mean 'forbidden-path'?"),
        (["check", "--ignore", "ABC"], "`specguard rule` lists them"),
        (["check", "--output-format", "yaml"], "there is no format 'yaml'"),
        (["check", "--output-format", "../x"], "is not one of 'text', 'json', "),
        (["check", "--output", "json"], "FORMAT=FILE"),
        (["check", "--output", "jsn=x"], "did you mean 'json'?"),
        (["check", "--today", "31.12.2026"], "2026-01-31"),
        (["check", "--enforce"], "--base REF"),
        (["check", "--enforce", "--base", "main", "--select", "PTH"], "--enforce does not go with --select"),
        (["check", "--enforce", "--base", "main", "--exit-zero"], "--enforce does not go with"),
        (["rule", "PTH0001"], "did you mean 'PTH001'?"),
        (["rule", "forbidden_path"], "did you mean 'forbidden-path'?"),
        (["init", "--preset", "phase-runer", "--print"], "did you mean 'phase-runner'?"),
        (["why"], "PATH"),
    ],
)
def test_words_that_are_no_command_line(words: list[str], said: str, project: Repository) -> None:
    refused(run_here(*words, directory=project.path), said)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["check", "--base"], "specguard check"),
        (["-C", ".", "plan", "create", "x", "--name"], "specguard plan create"),
        (["-C"], "specguard"),
    ],
)
def test_an_option_without_its_value_leads_to_its_commands_help(
    words: list[str], path: str, project: Repository
) -> None:
    refused(run_here(*words, directory=project.path), "requires an argument", f"\n  next: {path} --help\n")


def test_no_words_at_all(tmp_path: Path) -> None:
    outcome = ended(run_here(directory=tmp_path), 2)
    assert outcome.stderr.startswith("Usage: specguard")
    assert not outcome.stdout


# Where the report goes


def test_a_report_that_cannot_be_written(project: Repository, tmp_path: Path) -> None:
    for file in (str(tmp_path), str(tmp_path / "no" / "folder")):
        refused(
            run_here("check", "--output", f"json={file}", directory=project.path), "cannot be written", file
        )


@pytest.mark.parametrize("words", ["check", "check --staged", "check --explain", "rule", "policy"])
@pytest.mark.parametrize(
    ("redirection", "said"),
    [(">&-", "standard output is closed"), (">/dev/full", "cannot be written"), ("2>&- >&-", "")],
)
def test_an_output_that_takes_nothing(words: str, redirection: str, said: str, project: Repository) -> None:
    done = shell(f'"$0" {words} {redirection}', project)
    assert done.returncode == 2
    if said:
        refused(Outcome(done.returncode, done.stdout, done.stderr), said)
    else:
        assert not done.stderr


@pytest.mark.parametrize("words", ["check", "check --explain", "check --staged", "rule", "check --help"])
def test_a_reader_that_has_gone(words: str, project: Repository) -> None:
    done = shell(f'"$0" {words} | true; exit "${{PIPESTATUS[0]}}"', project)
    assert done.returncode in (0, 2)  # 0 where the pipe took all of it before it was closed
    assert not done.stderr
    done = shell(f'(sleep 0.2; exec "$0" {words}) | true; exit "${{PIPESTATUS[0]}}"', project)
    assert done.returncode == 2
    assert not done.stderr


def test_standard_input_and_error_may_be_closed(project: Repository) -> None:
    done = shell('"$0" check <&- 2>&-', project)
    assert done.returncode == 0
    assert done.stdout.startswith("specguard: passed")


def shell(script: str, repository: Repository) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in a repository; `$0` is the installed command."""
    return subprocess.run(
        ["bash", "-c", script, command()],
        cwd=repository.path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


# Interruption


def interrupt(words: list[str], repository: Repository, ready: Callable[[], None]) -> Outcome:
    """Run the command, and send it an interrupt as soon as it is ready for it.

    An interrupt that comes between Python's look at its signals and a read that blocks is seen when the read
    ends, so, like a person, this sends another where nothing happens.
    """
    with subprocess.Popen(
        [command(), *words],
        cwd=repository.path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            ready()
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    return Outcome(process.returncode, stdout, stderr)


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_interrupted_run(form: str, project: Repository, tmp_path: Path) -> None:
    pipe = tmp_path / "slow.patch"
    os.mkfifo(pipe)
    writer = -1

    def ready() -> None:
        nonlocal writer
        writer = os.open(pipe, os.O_WRONLY)  # returns when the command has opened its end
        os.write(writer, b"diff --git a/src/b b/src/b\n")
        time.sleep(0.2)  # until it waits for more

    try:
        outcome = interrupt(
            ["check", "--patch", str(pipe), "--output-format", form, "--output", f"json={tmp_path}/report"],
            project, ready,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert outcome.exit_code == 130, outcome
    assert outcome.stderr == "specguard: interrupted\n"
    assert not outcome.stdout
    assert not (tmp_path / "report").exists()
    assert run_here("check", directory=project.path).exit_code == 0


# Whatever a file of the platform says, through the command


def test_events_with_hostile_text_are_judged_and_escaped(project: Repository, tmp_path: Path) -> None:
    title = "\x1b[31m::error::x\n::stop-commands::y\u202e $(touch pwned) `touch pwned`"
    event = {
        "pull_request": {
            "number": 1,
            "title": title,
            "body": "\r\n::set-output name=x::y\r\n" * 1000,
            "head": {"sha": project.oid("work"), "ref": "--upload-pack=touch pwned"},
            "base": {"sha": project.oid("main"), "ref": "main"},
        }
    }
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    for form in ("text", "concise", "github", "json"):
        outcome = ended(
            run_here(
                "check", "--enforce", "--pr-event", str(file), "--output-format", form, directory=project.path
            ),
            1,
        )
        assert "BRN001" in outcome.stdout  # a branch's name may not begin with a dash
        assert "\x1b" not in outcome.stdout
        assert "\u202e" not in outcome.stdout
        assert not any(line.startswith(("::stop", "::set")) for line in outcome.stdout.splitlines())
    assert not (project.path / "pwned").exists()
