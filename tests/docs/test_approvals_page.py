"""The page about approvals: its record is one, its fields and states are all, and its commands work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from specguard.approvals.log import write_record
from specguard.approvals.log_verification import STATES
from specguard.approvals.record import Approval, read_record
from specguard.testing import Case, Step, run_here
from specguard.testing.repository import clean_environment
from tests.approvals.making import FOLDER, approval, revocation
from tests.docs.pages import DOCS, blocks, read

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "docs/approvals.md"
BLOCKS = blocks(read(PAGE))


def test_the_record_that_is_shown_is_one() -> None:
    record = read_record((DOCS / "examples/approval.json").read_bytes())
    assert isinstance(record, Approval)
    table = read(PAGE).partition("| field | in | what |")[2].partition("\n\n")[0]
    cells = {name for line in table.split("\n")[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert cells == {*record.data, *revocation("a" * 64).data}


def test_every_state_is_told() -> None:
    table = read(PAGE).partition("| state | |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"(?m)^\| `(\w+)`", table)) == set(STATES)


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq")
def test_the_log_is_read_with_jq_and_looked_over_with_sha256sum(tmp_path: Path) -> None:
    [block] = [block for block in BLOCKS if "jq -r" in block.text]
    one = approval(reason="the vendor's file is wrong")
    other = approval("bob", rules=["SPC001"], paths=[b"docs/a.md"])
    for record in (one, other):
        write_record(str(tmp_path), FOLDER, record)
    write_record(str(tmp_path), FOLDER, revocation(one.id, "bob"))

    def printed() -> str:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", block.text],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    text = printed()
    assert "2026-01-01T12:00:00Z\tapprove\talice\tthe vendor's file is wrong\n" in text
    assert "2026-01-01T12:00:00Z\trevoke\tbob\tno longer wanted\n" in text
    path = os.path.join(os.fsdecode(FOLDER), f"{one.id}.json")
    (tmp_path / path).write_bytes(one.content.replace(b"vendor", b"tenant"))
    assert printed().endswith(f"\n{path} was changed\n")


def test_a_signature_is_verified_by_hand_as_the_page_says(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("there is no ssh-keygen")
    [block] = [block for block in BLOCKS if "-Y verify" in block.text]
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "alice")]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    public = (tmp_path / "alice.pub").read_text().strip()
    table = f'[[approvals.approver]]\nname = "alice"\nkey = "{public}"\nmay = ["PTH002"]\n'
    base = Step("chore: begin", files={"a": "a"})
    project = Case(policy=table, base=(base,), branch="main").build(tmp_path / "project")
    record = approval()
    path = write_record(str(project.path), FOLDER, record)
    key = str(tmp_path / "alice")
    signed = run_here("approvals", "sign", record.id, "--key", key, directory=project.path)
    assert signed.exit_code == 0, signed
    command = block.text.replace("RECORD.json", str(project.path / path))
    done = subprocess.run(["bash", "-e", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert b'Good "specguard-approval@v1" signature for alice' in done.stdout


def test_the_fields_of_the_json_are_told(tmp_path: Path) -> None:
    """In the table, and with the names that are printed."""
    base = Step("chore: begin", files={"a": "a"})
    policy = '[[approvals.approver]]\nname = "alice"\nmay = ["PTH002"]\n'
    project = Case(policy=policy, base=(base,), branch="main").build(tmp_path / "project")
    record = approval()
    write_record(str(project.path), FOLDER, record)
    write_record(str(project.path), FOLDER, revocation("a" * 64))
    project.write(os.fsdecode(FOLDER) + "x", "x")
    table = read(PAGE).partition("| of | has |\n")[2].partition("\n\n")[0].split("\n")
    rows = {line.split("|")[1].strip(): line for line in table if line.startswith("| `")}

    def told(row: str, data: dict[str, object]) -> bool:
        return all(f"`{name}`" in rows[row] for name in data if name != "schema")

    listed = json.loads(json_of(project.path, "list"))
    for data in (listed, *listed["approvals"], *listed["revocations"], *listed["broken"]):
        assert told("`list`, `show`", data), data
    verified = json.loads(json_of(project.path, "verify"))
    for data in (verified, *verified["problems"]):
        assert told("`verify`", data), data
    words = ["revoke", record.id, "--approved-by", "alice", "--reason", "x"]
    assert told("`revoke`, `sign`", json.loads(json_of(project.path, *words)))


def json_of(directory: Path, *words: str) -> str:
    return run_here("approvals", *words, "--output-format", "json", directory=directory).stdout
