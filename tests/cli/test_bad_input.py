"""What a person or a job can get wrong: exit code 2, one message that names it, and never a traceback."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from specguard.testing import Outcome, Repository, run_here
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from tests.outcomes import ended
from tests.rows import rows

AUTHORITY = (Path(__file__).parent / "data" / "locked.md").read_text()


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
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with an authority on `main` and one commit on `work`, which no test writes to."""
    repository = Repository(tmp_path_factory.mktemp("template"))
    repository.commit("docs: authority", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/a": "a\n"})
    repository.branch("work")
    repository.commit("feat: change", files={"src/a": "a\n"})
    (repository.path / "linked").symlink_to("/")
    return repository


@pytest.fixture
def project(fixed: Repository, tmp_path: Path) -> Repository:
    """A copy of that repository."""
    return Repository(shutil.copytree(fixed.path, tmp_path / "project", symlinks=True), create=False)


# The repository


def test_a_folder_that_is_no_repository_or_has_no_commits(tmp_path: Path, repository: Repository) -> None:
    for words in (["check"], ["check", "--staged"], ["policy"], ["why", "x"], ["init"]):
        refused(run_here(*words, directory=tmp_path), "is not in a git repository", "-C DIRECTORY")
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("change.patch", "")
    for words in ([], ["--head", "HEAD"], ["--root"], ["--patch", "change.patch"]):
        refused(run_here("check", *words, directory=repository.path), "commit", "next: Make one")


def test_a_folder_that_was_deleted(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    tmp_path.rmdir()
    for words in rows(__file__, "in_a_folder_that_was_deleted"):
        refused(run_here(*words, directory=f"/proc/self/fd/{place}"), "the current folder was deleted")
    os.close(place)


def test_a_revision_that_is_none(fixed: Repository) -> None:
    for text in ("--x", "-", "HEAD@{1}", "a b", "\n", "..", "main..work..x", "@{upstream}"):
        refused(run_here("check", f"--range={text}", directory=fixed.path))


def test_no_base_and_no_merge_base(project: Repository) -> None:
    project.orphan("alone")
    project.commit("feat: begin again", files={"src/a": "b"})
    outcome = ended(run_here("check", directory=project.path), 2)
    assert "no common ancestor" in outcome.stdout
    assert "indeterminate" in outcome.stdout.splitlines()[-1]
    project.git("branch", "-m", "main", "trunk")
    refused(run_here("check", directory=project.path), "origin/main", "--base REF")


# Files


def test_a_patch_that_does_not_parse_or_apply(fixed: Repository, tmp_path: Path) -> None:
    for content in rows(__file__, "patches"):
        (tmp_path / "change.patch").write_text(content)
        for file in (str(tmp_path / "change.patch"), "-"):
            done = run_here("check", "--patch", file, directory=fixed.path, stdin=content)
            refused(done, "does not apply")


def test_files_of_many_megabytes_are_not_read_whole(fixed: Repository, tmp_path: Path) -> None:
    for words, size, said in (
        ("check --patch=", 3 << 30, "may have 256 MiB"),
        ("check --pr-reviews=", 50 << 20, "may have 25 MiB"),
        ("init --approver=ann=", 80 << 10, "may have 64 KiB"),
    ):
        with open(tmp_path / "large", "wb") as file:
            file.truncate(size)
        done = shell(f'ulimit -v 400000 && exec "$0" {words}{tmp_path}/large', fixed)
        refused(Outcome(done.returncode, done.stdout, done.stderr), said, f"{tmp_path}/large")


def test_a_file_that_cannot_be_read(fixed: Repository, tmp_path: Path) -> None:
    for option in ("patch", "commit-msg-file", "pr-event", "pr-reviews", "pr-body-file", "authority"):
        for file in ("nowhere", str(tmp_path)):
            refused(run_here("check", f"--{option}", file, directory=fixed.path), file)


def test_events_and_reviews_of_another_kind(fixed: Repository, tmp_path: Path) -> None:
    file = tmp_path / "of-another-kind.json"
    deep = [(option, "[" * 100_000, "is not JSON") for option in ("pr-event", "pr-reviews")]
    for option, content, said in [*rows(__file__, "files_of_another_kind"), *deep]:
        file.write_bytes(content.encode("latin-1"))
        words = ("check", "--enforce", "--base=main", f"--{option}={file}")
        refused(run_here(*words, directory=fixed.path), said, str(file))


# The authority


def test_an_authority_that_cannot_judge(fixed: Repository, tmp_path: Path) -> None:
    """Each flaw is one of `tests/authority/test_compile.py`; here are the commands that tell it."""
    for name, content, said in rows(__file__, "authorities"):
        (tmp_path / name).write_bytes(content.encode("latin-1"))
        for words in (["check"], ["policy"], ["why", "x"]):
            outcome = run_here(*words, f"--authority={tmp_path / name}", directory=fixed.path)
            refused(outcome, *said)


def test_a_policy_with_a_typo_on_the_base_has_no_verdict_in_any_format(project: Repository) -> None:
    project.checkout("main")
    project.commit(
        "docs: typo", files={"SPEC_AUTHORITY.md": AUTHORITY.replace("forbidden-path", "forbiden-path")}
    )
    project.checkout("work")
    refused(run_here("check", "--staged", directory=project.path), "SPEC_AUTHORITY.md:6", "forbidden-path")
    outcome = ended(run_here("check", "--output-format", "github", directory=project.path), 2)
    assert outcome.stdout.startswith("::error file=SPEC_AUTHORITY.md,line=6,title=no verdict::")
    outcome = ended(run_here("--traceback", "check", "--output-format=json", directory=project.path), 2)
    assert outcome.report["verdict"] == "error"
    assert outcome.report["errors"][0]["location"]["line"] == 6
    for form in ("text", "concise", "agent"):
        outcome = run_here("check", f"--output={form}=../report", directory=project.path)
        assert project.path.parent.joinpath("report").read_text() == outcome.stderr != ""


# Words


@pytest.mark.parametrize(("words", "said"), rows(__file__, "words"))
def test_words_that_are_no_command_line(words: list[str], said: str, fixed: Repository) -> None:
    refused(run_here(*words, directory=fixed.path), said)


def test_no_words_at_all(tmp_path: Path) -> None:
    outcome = ended(run_here(directory=tmp_path), 2)
    assert outcome.stderr.startswith("Usage: specguard")
    assert not outcome.stdout


# Where the report goes


def test_a_report_that_cannot_be_written(fixed: Repository, tmp_path: Path) -> None:
    for file in (str(tmp_path), str(tmp_path / "no" / "folder")):
        refused(run_here("check", f"--output=json={file}", directory=fixed.path), "cannot be written", file)
    assert shell('PYTHONUNBUFFERED=1 "$0" check X --output-format json >/dev/full', fixed).returncode == 2


@pytest.mark.parametrize("words", ["check", "check --explain", "rule"])
@pytest.mark.parametrize(
    ("redirection", "said"),
    [(">&-", "output is closed"), (">/dev/full", "be written"), ("2>&- >&-", ""), (">/dev/full 2>&1", "")],
)
def test_an_output_that_takes_nothing(words: str, redirection: str, said: str, fixed: Repository) -> None:
    done = shell(f'"$0" {words} {redirection}', fixed)
    assert done.returncode == 2
    if said:
        refused(Outcome(done.returncode, done.stdout, done.stderr), said)
    else:
        assert not done.stderr


@pytest.mark.parametrize("words", ["check", "rule", "check --help"])
def test_a_reader_that_has_gone(words: str, fixed: Repository) -> None:
    # 0 where the pipe took all of it before it was closed
    for wait, codes in (("", (0, 2)), ("sleep 0.2; ", (2,))):
        done = shell(f'({wait}exec "$0" {words}) | true; exit "${{PIPESTATUS[0]}}"', fixed)
        assert done.returncode in codes
        assert not done.stderr
    # Standard input and error may be closed, and the end of children be ignored.
    done = shell('trap "" CHLD; "$0" check <&- 2>&-', fixed)
    assert (done.returncode, done.stdout.partition(" (")[0]) == (0, "specguard: passed")


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


@pytest.mark.parametrize(("damage", "words", "said"), rows(__file__, "damages"))
def test_a_repository_that_is_damaged(damage: str, words: str, said: str, project: Repository) -> None:
    done = shell(f'{damage}; exec timeout 30 "$0" {words}', project)
    assert done.returncode in (1, 2), done
    assert said in done.stdout + done.stderr, done


# Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run(fixed: Repository, tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    pipe = tmp_path / "slow.patch"
    os.mkfifo(pipe)
    words = ["--patch", str(pipe), "--output-format", "json", "--output", f"json={tmp_path}/report"]
    with subprocess.Popen(
        [command(), "check", *words],
        cwd=fixed.path,
        env={**clean_environment(), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            # The pipe opens when the command has opened its end.
            with open(pipe, "wb", buffering=0) as writer:
                writer.write(b"diff --git a/src/b b/src/b\n")
                time.sleep(0.2)  # until it waits for more
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, stdout, stderr) == (130, "", "specguard: interrupted\n")
    assert not (tmp_path / "report").exists()
    assert not list(temporary.iterdir())
    assert run_here("check", directory=fixed.path).exit_code == 0


def test_of_many_errors_a_hundred_are_shown(project: Repository) -> None:
    keys = "".join(f'key_{number} = "x"\n' for number in range(150))
    project.write("SPEC_AUTHORITY.md", f"# Rules\n\n```toml specguard\n{keys}```\n")
    outcome = run_here("policy", "--authority", "SPEC_AUTHORITY.md", directory=project.path)
    assert ended(outcome, 2).stderr.endswith("\n  and 50 more\n"), outcome
