"""Records of the log in any state: only what was written is a record, and no file is passed over."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from specguard.approvals.log import DECISIONS_FILE, Log, Uses
from specguard.approvals.people import claimed_key, verify
from specguard.approvals.record import Approval, RecordError, read_record
from specguard.change.entries import is_record, sha256
from tests.approvals.conftest import Key
from tests.approvals.making import FOLDER, NOW, approval, revocation
from tests.fuzz.damage import ODD, damaged, few

TEXT = st.sampled_from(["alice", "\u00e9", "\u202e", 'a"b', "a\nb", "\U0001f600", "x" * 300])
PATHS = st.lists(
    st.sampled_from([b"a", b"docs/x.yaml", b"\xff", "\u00e9".encode(), b"a\nb", b"\\xff", b'"', b"[*]"]),
    unique=True,
)
NONCES = st.sampled_from(["0" * 32, "a" * 32])
APPROVALS = st.builds(
    lambda approver, paths, **fields: approval(
        approver, paths=paths, expires_at=datetime(2026, 1, 20, tzinfo=UTC), scope="change", **fields
    ),
    TEXT,
    PATHS,
    reason=TEXT | st.just(""),
    ticket=TEXT | st.just(""),
    rules=st.sampled_from([["PTH002"], ["CMT001", "PTH002"]]),
    target=st.sampled_from(["", "main"]),
    repository=st.sampled_from(["", "example.org/x"]),
    work_item=st.sampled_from([None, ("phase", "12")]),
    nonce=NONCES,
)
REVOCATIONS = st.builds(
    lambda approver, **fields: revocation("a" * 64, approver, **fields), TEXT, reason=TEXT, nonce=NONCES
)
RECORDS = APPROVALS | REVOCATIONS
CONTENTS = RECORDS.map(lambda record: record.content)


@few(100)
@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: Any) -> None:
    assert read_record(record.content) == record


@few(200)
@given(damaged(CONTENTS))
def test_a_damaged_record_is_none_or_says_what_stands_in_it(content: bytes) -> None:
    try:
        record = read_record(content)
    except RecordError:
        return
    assert record.content == content
    assert record.id == sha256(content)
    there = json.loads(content)
    assert set(there) == set(record.data)
    names = ["kind", "approver", "reason"]
    if isinstance(record, Approval):
        names += ["rules", "findings", "fingerprint", "policy_id"]
        assert len(record.paths) == len(there["paths"])
    assert [getattr(record, name) for name in names] == [there[name] for name in names]
    assert record.issued_at.isoformat() == there["issued_at"].replace("Z", "+00:00")


FILES = st.dictionaries(
    st.sampled_from([b"README.md", b".gitkeep", b"x.json", b"a" * 64, b"A" * 64 + b".json", b"\xff",
    b"f" * 64 + b".json.sig"]),
    st.none() | st.sampled_from(ODD),
)  # fmt: skip


@few(120)
@given(st.lists(RECORDS, max_size=3), st.data())
def test_no_file_of_the_log_is_passed_over(records: list[Any], data: st.DataObject) -> None:
    files: dict[bytes, bytes | None] = {**data.draw(FILES)}
    for record in records:
        name = f"{record.id}.json".encode()
        files[name] = data.draw(st.just(record.content) | damaged(st.just(record.content)))
        if data.draw(st.booleans()):
            files[name + b".sig"] = data.draw(st.sampled_from(ODD))
    log = Log(FOLDER)
    log.add("head", files)
    broken = {one.path for one in log.broken}
    for name, content in files.items():
        filed = log.filed.get(name.partition(b".")[0].decode("latin-1"))
        if FOLDER + name in broken:
            continue
        assert is_record(FOLDER + name, FOLDER)
        if name.endswith(b".sig"):
            # The signature of a record that is broken itself says nothing.
            assert FOLDER + name.removesuffix(b".sig") in broken or (filed and content in filed.signatures)
        else:
            assert filed is not None
            assert filed.record.content == content
    for which, one in log.filed.items():
        assert one.record in records
        assert one.record.id == which


DECISION = {
    "schema": "specguard.decision/1", "time": "2026-01-01T00:00:00Z", "enforce": True, "verdict": "accepted",
    "change": {"source": "range", "stage": "range", "head": "a" * 40, "branch": "work"},
    "approvals": [{"id": "b" * 64, "findings": 1}],
}  # fmt: skip
DECISIONS = st.lists(
    st.sampled_from([json.dumps(DECISION), json.dumps({**DECISION, "approvals": []}), ""])
).map(lambda lines: "\n".join(lines).encode())


@few(100)
@given(damaged(DECISIONS))
def test_no_line_of_a_log_of_decisions_is_a_crash(file: Path, content: bytes) -> None:
    own = file.parent / DECISIONS_FILE
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(content)
    uses = Uses(str(file.parent))
    assert uses.broken <= len([line for line in content.split(b"\n") if line.strip()])
    for use in uses.of("b" * 64):
        assert b"b" * 64 in content
        time = use["time"].encode("utf-8", "backslashreplace")
        assert time in content or b"\\u" in content


@few(60)
@given(data=st.data())
def test_a_damaged_signature_is_nobody_s(alice: Key, data: st.DataObject) -> None:
    record = approval(nonce="0" * 32, expires_at=NOW)
    whole = alice.sign(record.content)
    signature = data.draw(damaged(st.just(whole)))
    content = data.draw(st.just(record.content) | damaged(st.just(record.content)))
    named = claimed_key(signature)
    assert named is None or named
    if verify(content, signature, [alice.public]) is not None:
        assert content == record.content
        # Its lines may be broken elsewhere, or have more around them.
        assert b"".join(whole.split()) in b"".join(signature.split())
