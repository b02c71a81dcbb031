"""The page about approvals: its record is one, its fields and states are all, and its commands work."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from specguard.approvals.log import write_record
from specguard.approvals.log_verification import STATES
from specguard.approvals.record import Approval, read_record
from specguard.testing import Case, Step, run_here
from specguard.testing.repository import clean_environment
from tests.approvals.making import FOLDER, approval, revocation
from tests.outcomes import ended
from tools.pages import DOCS, blocks, read

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
        words = ["bash", "-eo", "pipefail", "-c", block.text]
        env = clean_environment()
        return subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout

    text = printed()
    assert "2026-01-01T12:00:00Z\tapprove\talice\tthe vendor's file is wrong\n" in text
    assert "2026-01-01T12:00:00Z\trevoke\tbob\tno longer wanted\n" in text
    path = os.path.join(os.fsdecode(FOLDER), f"{one.id}.json")
    (tmp_path / path).write_bytes(one.content.replace(b"vendor", b"tenant"))
    assert printed().endswith(f"\n{path} was changed\n")


def test_a_signature_is_verified_by_hand_as_the_page_says(tmp_path: Path) -> None:
    [block] = [block for block in BLOCKS if "-Y verify" in block.text]
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "alice")]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    public = (tmp_path / "alice.pub").read_text().strip()
    table = f'[[approvals.approver]]\nname = "alice"\nkey = "{public}"\nmay = ["PTH002"]\n'
    place = project(tmp_path, table)
    record = approval()
    path = write_record(str(place), FOLDER, record)
    key = str(tmp_path / "alice")
    ended(run_here("approvals", "sign", record.id, "--key", key, directory=place))
    command = block.text.replace("RECORD.json", str(place / path))
    done = subprocess.run(["bash", "-e", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert b'Good "specguard-approval@v1" signature for alice' in done.stdout


def test_the_fields_of_the_json_are_told(tmp_path: Path) -> None:
    """In the table, and with the names that are printed."""
    policy = '[[approvals.approver]]\nname = "alice"\nmay = ["PTH002"]\n'
    place = project(tmp_path, policy)
    record = approval()
    write_record(str(place), FOLDER, record)
    write_record(str(place), FOLDER, revocation("a" * 64))
    (place / os.fsdecode(FOLDER) / "x").write_text("x")
    table = read(PAGE).partition("| of | has |\n")[2].partition("\n\n")[0].split("\n")
    rows = {line.split("|")[1].strip(): line for line in table if line.startswith("| `")}
    words = ["revoke", record.id, "--approved-by", "alice", "--reason", "x"]
    listed, verified, revoked = (json_of(place, *one) for one in (["list"], ["verify"], words))
    inner = (*listed["approvals"], *listed["revocations"], *listed["broken"])
    for row, told in (
        ("`list`, `show`", (listed, *inner)),
        ("`verify`", (verified, *verified["problems"])),
        ("`revoke`, `sign`", (revoked,)),
    ):
        for data in told:
            assert all(f"`{name}`" in rows[row] for name in data if name != "schema"), data


def project(tmp_path: Path, policy: str) -> Path:
    base = Step("chore: begin", files={"a": "a"})
    return Case(policy=policy, base=(base,), branch="main").build(tmp_path / "project").path


def json_of(directory: Path, *words: str) -> Any:
    said = run_here("approvals", *words, "--output-format", "json", directory=directory).stdout
    return json.loads(said)
