"""Fingerprints are what reports of two versions, platforms and approvals go by, so their making is fixed."""

import hashlib

from specguard.engine.rule_runner import fingerprints
from specguard.rules import Finding


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join((b"specguard-finding-v1", *parts))).hexdigest()


def test_it_is_made_of_rule_place_key_and_ordinal() -> None:
    found = [
        Finding("words", path=b"a/\xff", field="title", key="k\udcff", line=3),
        Finding("other words", path=b"a/\xff", key="k\udcff", commit="1" * 40),
        Finding("words", field="title", key="k"),
        Finding("words", path=b"a/\xff", key="k\udcff"),
        Finding("words"),
        Finding("words", path=b"b", key="k\udcff"),
    ]
    assert list(fingerprints("PTH001", found)) == [
        digest(b"PTH001", b"a/\xff", b"k\xff", b"0"),
        digest(b"PTH001", b"a/\xff", b"k\xff", b"1"),
        digest(b"PTH001", b"title", b"k", b"0"),
        digest(b"PTH001", b"a/\xff", b"k\xff", b"2"),
        digest(b"PTH001", b"", b"", b"0"),
        digest(b"PTH001", b"b", b"k\xff", b"0"),
    ]
    assert list(fingerprints("PTH002", found[5:])) == [digest(b"PTH002", b"b", b"k\xff", b"0")]
