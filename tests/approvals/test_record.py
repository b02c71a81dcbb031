"""A record has one form, and what is of another one is none."""

import json
from typing import Any

import pytest

from specguard.approvals.record import LIMIT, Approval, RecordError, read_record
from tests.approvals.making import NOW, approval, revocation
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


@pytest.mark.parametrize(
    ("change", "said"),
    rows(__file__, "changes"),
)
def test_another_form_is_none(change: str, said: str) -> None:
    changed = json.loads(change.replace("LONG", "x" * 4097))
    content = json.dumps({**approval().data, **changed}, indent=2, sort_keys=True) + "\n"
    with pytest.raises(RecordError) as caught:
        read_record(content.encode())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no JSON, or is cut"),
        (b"[]", "its schema is not"),
        (b"{}", "its schema is not"),
        (b"{" * 10**5, "it is no JSON"),
        ("{\u00e9}".encode(), "it is no JSON"),
        (b" " * (LIMIT + 1), "it is larger than 256 KiB"),
    ],
)
def test_what_is_no_record(content: bytes, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        read_record(content)
