"""`--log-decisions`: every verdict is a line, none is lost in silence, and none is half there."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from specguard.reporters.file_writing import append_lines
from specguard.testing import Outcome, Repository, run_here
from tests.outcomes import ended
from tests.rows import recorded, rows

ROOT = Path(__file__).parent.parent.parent
AUTHORITY = recorded(__file__, "authority")
GIVEN = ("--override=PTH002", "--path=locked/p", "--approved-by=alice", "--reason=The key expired.")


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A base with a locked file, and a branch that changes it."""
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": AUTHORITY, "locked/p": "a\n"})
    repository.branch("work")
    repository.commit("feat: change", files={"locked/p": "b\n"})
    return repository


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


def check(project: Repository, log: Path, *words: str, **options: Any) -> Outcome:
    select = () if "--enforce" in words else ("--select=PTH",)
    words = (*select, f"--log-decisions={log}", *words)
    return run_here("check", *words, directory=project.path, **options)


def read(log: Path) -> list[dict[str, Any]]:
    text = log.read_text("ascii")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_a_verdict_is_a_line(project: Repository, log: Path) -> None:
    outcome = check(project, log, "--output-format=json")
    [line] = read(log)
    report = outcome.report
    assert list(line) == [
        "schema", "time", "tool", "change", "authority", "enforce", "verdict", "exit_code", "counts",
        "states", "approvals", "refused",
    ]  # fmt: skip
    assert line["schema"] == "specguard.decision/1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
    assert line["tool"] == report["tool"]
    change = report["change"]
    assert line["change"] == {
        name: change[name]
        for name in ("source", "stage", "base", "head", "merge_base", "branch", "fingerprint", "work_item")
    }
    assert len(line["change"]["fingerprint"]) == 64
    assert line["authority"] == {
        "documents": [{"path": "SPEC_AUTHORITY.md", "oid": project.oid("main:SPEC_AUTHORITY.md")}],
        "ref": project.oid("main"),
        "policy_id": report["authority"]["policy_id"],
        "trusted": True,
    }
    assert line["states"] == {rule["code"]: rule["state"] for rule in report["rules"]}
    assert line["counts"] == report["counts"]
    assert (line["verdict"], line["exit_code"], line["enforce"]) == ("failed", 1, False)
    assert (line["approvals"], line["refused"]) == ([], [])


def test_every_field_is_on_the_page(project: Repository, log: Path) -> None:
    check(project, log, "--dry-run")
    check(project, log, "--base=nowhere")
    page = (ROOT / "docs" / "approvals.md").read_text("utf-8").partition("## The decision log")[2]
    names = {name for row in re.findall(r"(?m)^\| (`[^|]*) \|", page) for name in re.findall(r"`(\w+)`", row)}
    assert names | {"dry_run"} == {name for line in read(log) for name in line}


def test_lines_are_added(project: Repository, log: Path) -> None:
    log.write_text('{"cut": ')
    first = check(project, log, "--dry-run", "--output-format=concise")
    second = check(project, log, "--staged")
    third = check(project, log, "--enforce", "--base=main")
    assert [first.exit_code, second.exit_code, third.exit_code] == [0, 0, 1]
    zero = "0" * 40
    refs = [f"refs/heads/{name} {project.oid(name)} refs/heads/{name} {zero}\n" for name in ("main", "work")]
    check(project, log, "--push", stdin="".join(refs))
    cut, *lines = log.read_text().split("\n")[:-1]
    assert cut == '{"cut": '
    said = [json.loads(line) for line in lines]
    assert [(one["verdict"], one["exit_code"], one["enforce"]) for one in said[:3]] == [
        tuple(row) for row in rows(__file__, "lines_are_added")
    ]
    assert [one.get("dry_run") for one in said[:3]] == [True, None, None]
    assert [one["change"]["source"] for one in said[:3]] == ["range", "staged", "range"]
    # The fingerprint is there whatever is printed, and each ref of a push is a line.
    assert said[0]["change"]["fingerprint"]
    assert sorted(one["change"]["branch"] for one in said[3:]) == ["main", "work"]


def test_approvals_that_were_used_or_did_not_count(project: Repository, log: Path) -> None:
    outcome = ended(check(project, log, *GIVEN, "--output-format=json"))
    [line] = read(log)
    [finding] = [one for one in outcome.report["findings"] if one["code"] == "PTH002"]
    lifted = {"code": "PTH002", "path": "locked/p", "fingerprint": finding["fingerprint"]}
    given = {"id": finding["approval"]["id"], "approver": "alice", "proof": "local", "findings": [lifted]}
    assert (line["verdict"], line["approvals"], line["refused"]) == ("accepted", [given], [])
    project.commit("chore: approval")
    outcome = ended(check(project, log, "--enforce", "--base=main", "--output-format=json"), 1)
    line = read(log)[-1]
    [finding] = [one for one in outcome.report["findings"] if one["code"] == "PTH002"]
    assert line["approvals"] == []
    [refused] = line["refused"]
    assert refused["id"] == finding["approvals"][0]["id"]
    assert refused["reasons"] == finding["approvals"][0]["refusals"]
    assert refused["reasons"]
    assert refused["findings"][0]["path"] == "locked/p"


@pytest.mark.parametrize("where", ["path", "worktree"])
def test_a_check_that_uses_an_approval_is_written_down_by_itself(
    where: str, project: Repository, log: Path, tmp_path: Path
) -> None:
    own = project.path / ".git" / "specguard" / "decisions.jsonl"
    run_here("check", directory=project.path)
    assert not own.parent.exists()
    check(project, log, *GIVEN)
    # Each log has the time at which it is written.
    assert [{**one, "time": ""} for one in read(own)] == [{**one, "time": ""} for one in read(log)]
    project.commit("chore: approval")
    if where == "worktree":
        project = project.worktree(tmp_path / "linked", "other", "work")
    ended(run_here("check", "--base=main", directory=project.path))
    first, second = read(own)
    assert first["approvals"] == second["approvals"]
    assert first["change"]["fingerprint"] == second["change"]["fingerprint"]


def test_that_it_cannot_be_written_down_there_is_no_trouble(project: Repository, log: Path) -> None:
    (project.path / ".git" / "specguard").write_text("")
    outcome = ended(check(project, log, *GIVEN))
    assert "decisions" not in outcome.stdout + outcome.stderr


def test_a_log_that_cannot_be_written_ends_with_2(project: Repository, tmp_path: Path) -> None:
    message = "the decision log cannot be written: No such file or directory"
    for output in ("text", "json"):
        outcome = ended(check(project, Path("no/such/log"), f"--output-format={output}"), 2)
        assert outcome.stderr == (
            f"specguard: error: no/such/log: {message} [unwritable-file]\n"
            "  next: name a file that can be written, as in --log-decisions decisions.jsonl\n"
        )
    assert outcome.report["errors"][0]["message"] == message
    full = Path("/dev/full")
    assert "No space left" in ended(check(project, full), 2).stderr
    said = "), and the decision log cannot be written: No space left on device"
    assert said in ended(check(project, full, "--base=nowhere"), 2).stderr
    os.mkfifo(tmp_path / "pipe")
    ended(check(project, tmp_path / "pipe"), 2)


def test_what_gave_no_verdict_is_a_line_too(project: Repository, log: Path) -> None:
    outcome = ended(check(project, log, "--base=nowhere", "--enforce"), 2)
    [line] = read(log)
    assert list(line) == ["schema", "time", "tool", "enforce", "verdict", "exit_code", "errors"]
    assert (line["verdict"], line["exit_code"], line["enforce"]) == ("error", 2, True)
    assert line["errors"][0]["message"] in outcome.stderr


def test_writers_beside_each_other(log: Path) -> None:
    line = json.dumps({"x": "y" * 20_000})
    code = (
        "import sys; from specguard.reporters.file_writing import append_lines\n"
        "for _ in range(40): append_lines(*sys.argv[1:])"
    )

    def write(_: int) -> int:
        return subprocess.run([sys.executable, "-c", code, log, f"{line}\n"], check=False).returncode

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(write, range(4))) == {0}
    assert log.read_text() == f"{line}\n" * 160


def test_a_line_that_does_not_fit_leaves_nothing(log: Path) -> None:
    append_lines(str(log), "a\n")
    code = (
        "import resource, signal, sys; from specguard.reporters.file_writing import append_lines\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: append_lines(sys.argv[1], 'b' * 1000 + '\\n')\n"
        "except OSError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, log], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert log.read_text() == "a\n"
