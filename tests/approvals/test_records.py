"""Records: what is one, and writing all of one or nothing, beside other writers, on disks that refuse."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specguard.approvals.log import Log, read_log, write_files, write_record
from specguard.approvals.record import LIMIT, Approval, RecordError, read_record
from specguard.errors import SpecguardError
from tests.approvals.making import FOLDER, NOW, approval, revocation
from tests.rows import rows


def test_what_is_written_is_read() -> None:
    for record in (
        approval(),
        approval(ticket="", repository="https://example.org/x", work_item=("phase", "12"), target=""),
        approval(paths=[b"a\xff", "caf\u00e9".encode(), b"a\nb"], scope="paths"),
        approval(target="br\udcff", reason="\u5408\u4f5c\u65b9\u8981\u6c42"),
        revocation("a" * 64),
    ):
        again = read_record(record.content)
        assert type(again) is type(record)
        assert again.data == record.data
        assert again.id == record.id
        assert record.content.isascii()


def test_every_field_is_in_the_name() -> None:
    fixed: dict[str, Any] = {"nonce": "0" * 32, "expires_at": NOW}
    one = approval(**fixed)
    assert isinstance(read_record(one.content), Approval)
    others: dict[str, Any] = {
        "approver": "bob", "reason": "x", "ticket": "y", "rules": ["PTH003"], "paths": [b"x"],
        "scope": "paths", "issued_at": NOW.replace(year=2025), "expires_at": NOW.replace(year=2027),
        "findings": ["0" * 64], "fingerprint": "0" * 64, "target": "dev", "policy_id": "0" * 64,
        "repository": "r", "work_item": ("phase", "1"), "nonce": "1" * 32,
    }  # fmt: skip
    ids = {one.id}
    for name, value in others.items():
        ids.add(approval(**{**fixed, name: value}).id)
    assert len(ids) == len(others) + 1


@pytest.mark.parametrize(("change", "said"), rows(__file__, "changes"))
def test_another_form_is_none(change: str, said: str) -> None:
    changed = json.loads(change.replace("LONG", "x" * 4097))
    content = json.dumps({**approval().data, **changed}, indent=2, sort_keys=True) + "\n"
    with pytest.raises(RecordError) as caught:
        read_record(content.encode())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not JSON, or is cut"),
        (b"[]", "its schema is not"),
        (b"{}", "its schema is not"),
        (b"{" * 10**5, "it is not JSON"),
        ("{\u00e9}".encode(), "it is not JSON"),
        (b" " * (LIMIT + 1), "it is larger than 256 KiB"),
    ],
)
def test_what_is_no_record(content: bytes, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        read_record(content)


ROOT = Path(__file__).parent.parent.parent


def names(work_tree: Path) -> list[str]:
    return sorted(os.listdir(work_tree / os.fsdecode(FOLDER)))


def log(work_tree: Path) -> Log:
    return read_log(FOLDER, base=None, head=None, work_tree=str(work_tree))


def test_a_record_is_written_under_its_hash(tmp_path: Path) -> None:
    record = approval()
    path = write_record(str(tmp_path), FOLDER, record)
    assert path == f".specguard/approvals/{record.id}.json"
    assert (tmp_path / path).read_bytes() == record.content
    assert read_record((tmp_path / path).read_bytes()) == record
    assert names(tmp_path) == [f"{record.id}.json"]
    assert not (tmp_path / path).stat().st_mode & 0o111


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    record, signed = approval(), revocation("a" * 64)
    write_record(str(tmp_path), FOLDER, signed, b"signature\n")
    [filed] = log(tmp_path).filed.values()
    assert (filed.record, filed.signatures) == (signed, [b"signature\n"])
    path = write_record(str(tmp_path), FOLDER, record)
    assert write_files(str(tmp_path), FOLDER, {f"{record.id}.json.sig".encode(): b"one"}) == f"{path}.sig"
    with pytest.raises(SpecguardError, match="it is there already") as caught:
        write_files(str(tmp_path), FOLDER, {f"{record.id}.json.sig".encode(): b"two"})
    assert caught.value.path == f"{path}.sig"
    (tmp_path / path).write_bytes(b"edited")
    with pytest.raises(SpecguardError, match="it is there already"):
        write_record(str(tmp_path), FOLDER, record, b"signature")
    assert (tmp_path / path).read_bytes() == b"edited"
    assert (tmp_path / f"{path}.sig").read_bytes() == b"one"
    assert len(names(tmp_path)) == 4


def test_where_the_signature_cannot_be_written_the_record_is_not_either(tmp_path: Path) -> None:
    record = approval()
    write_files(str(tmp_path), FOLDER, {f"{record.id}.json.sig".encode(): b"another"})
    with pytest.raises(SpecguardError, match="it is there already"):
        write_record(str(tmp_path), FOLDER, record, b"signature")
    assert names(tmp_path) == [f"{record.id}.json.sig"]


@pytest.mark.parametrize(
    "much", [{"reason": "why " * 2000}, {"findings": [f"{n:064x}" for n in range(5000)]}]
)
def test_what_nobody_would_read_is_not_written(much: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="there can be no such record: it"):
        write_record(str(tmp_path), FOLDER, approval(**much))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", [".specguard", ".specguard/approvals"])
@pytest.mark.parametrize("what", ["a file", "a symbolic link", "a link to nothing"])
def test_what_stands_in_the_place_of_a_folder(tmp_path: Path, name: str, what: str) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    (tree / name).parent.mkdir(parents=True)
    if what == "a file":
        (tree / name).write_text("a file")
    else:
        (tree / name).symlink_to(outside)
    if what == "a symbolic link":
        (outside / "approvals").mkdir(parents=True)
    with pytest.raises(SpecguardError) as caught:
        write_record(str(tree), FOLDER, approval())
    assert caught.value.message == "it cannot be written: Not a directory"
    assert caught.value.help.startswith("see to it that .specguard/approvals/ is a folder")
    assert sorted(path.name for path in outside.rglob("*")) == ["approvals"] * (what == "a symbolic link")


def test_a_folder_or_link_where_the_record_should_be(tmp_path: Path) -> None:
    one, other = approval(), approval()
    folder = tmp_path / ".specguard/approvals"
    (folder / f"{one.id}.json").mkdir(parents=True)
    (folder / f"{other.id}.json").symlink_to(tmp_path / "outside")
    for record in (one, other):
        with pytest.raises(SpecguardError, match="it is there already"):
            write_record(str(tmp_path), FOLDER, record)
    assert not (tmp_path / "outside").exists()
    assert len(names(tmp_path)) == 2


def test_no_working_tree(tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="it cannot be written: No such file or directory"):
        write_record(str(tmp_path / "missing"), FOLDER, approval())
    assert list(log(tmp_path).leftovers) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """Lets no file grow beyond 1000 bytes, as a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing(tmp_path: Path, small_files: None) -> None:
    for record, signature in ((approval(reason="why " * 500), b"x"), (revocation("a" * 64), b"s" * 2000)):
        with pytest.raises(SpecguardError, match="it cannot be written: File too large"):
            write_record(str(tmp_path), FOLDER, record, signature)
        assert names(tmp_path) == []


WRITER = """
import os, sys
from specguard.approvals.log import write_record
from tests.approvals.making import FOLDER, approval
for _ in range({number}):
    record = approval(reason="why " * 1000)
    write_record({tree!r}, FOLDER, record, b"signature of " + record.id.encode())
    os.write(1, record.id.encode() + b"\\n")
"""


def writer(tree: Path, number: int, before: str = "") -> subprocess.Popen[str]:
    code = before + WRITER.format(tree=str(tree), number=number)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_writers_beside_each_other_lose_nothing(tmp_path: Path) -> None:
    """The folder is not there before, so that they also make it at once."""
    writers = [writer(tmp_path, 50) for _ in range(4)]
    written = [name for one in writers for name in one.communicate()[0].split()]
    assert [one.returncode for one in writers] == [0] * 4
    found = log(tmp_path)
    assert found.broken == []
    assert sorted(found.filed) == sorted(written)
    assert len(written) == 200
    assert all(one.signatures == [b"signature of " + one.id.encode()] for one in found.filed.values())
    assert len(names(tmp_path)) == 400


KILL_AT = """
import os, signal
real = os.{name}
calls = [0]
def killing(*arguments, **options):
    calls[0] += 1
    if calls[0] == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
os.{name} = killing
"""


@pytest.mark.parametrize(("name", "call", "whole"), rows(__file__, "kills"))
def test_a_writer_that_is_killed_leaves_no_half_record(
    tmp_path: Path, name: str, call: int, whole: int
) -> None:
    one = writer(tmp_path, 1, KILL_AT.format(name=name, call=call))
    assert one.communicate()[0] == ""
    assert one.returncode == -signal.SIGKILL
    found = log(tmp_path)
    assert (found.broken, len(found.filed)) == ([], whole)
    left = list(found.leftovers)
    assert left
    assert len(left) == len([path for path in names(tmp_path) if path.startswith(".")])
    # What it left is in nobody's way.
    write_record(str(tmp_path), FOLDER, approval())
    assert len(log(tmp_path).filed) == whole + 1
