from __future__ import annotations

import pytest

from specguard.documents.citations import citations
from specguard.documents.document import Document


def cited(text: str) -> list[str]:
    return [str(one) for one in citations(Document(text).blocks)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(src/a.py:12\u201340)", ["src/a.py:12-40"]),
        ("`src/a.py:12,15, 20-22`", ["src/a.py:12", "src/a.py:15", "src/a.py:20-22"]),
        ("src/a.py:12, src/b.py:3; c.py:4", ["src/a.py:12", "src/b.py:3", "c.py:4"]),
        ("src/a\\_b.py:12, src/\\_\\_init\\_\\_.py", ["src/a_b.py:12", "src/__init__.py"]),
        ("| File | Line |\n|---|---|\n| src/a\\_b.py | 12 |", ["src/a_b.py:12"]),
        ("`src\\_a.py:12`", ["src/_a.py:12"]),
        ("src/a.py#L12C3-L40C5", ["src/a.py:12-40"]),
        ("[a](<src/a b.py#L12>)", ["src/a b.py:12"]),
        ("[`src/a.py:12`](src/a.py#L12 'title')", ["src/a.py:12"]),
        ("[a](file:///d:/me/a.py#L12)", ["d:/me/a.py:12"]),
        ("**`src/a.py`**:12", ["src/a.py:12"]),
        ("src/a.py lines 3, 5 to 7 and 9", ["src/a.py:3", "src/a.py:5-7", "src/a.py:9"]),
        ("| File | Line |\n|---|---|\n| a.py | 12 |\n| `b.py` | 3-4 |", ["a.py:12", "b.py:3-4"]),
        ("`apps/(app)/[id].tsx:7`", ["apps/(app)/[id].tsx:7"]),
        (".github/workflows/ci.yml:5", [".github/workflows/ci.yml:5"]),
        ("`a.py:0` and `a.py:9-3`", ["a.py:0", "a.py:9-3"]),
        ("src/a.py:12\uc5d0\uc11c", ["src/a.py:12"]),
        ("```\nsrc/a.py:12: code\n  at f (src/b.py:1)\n- c.py:3\n```", ["src/a.py:12", "c.py:3"]),
        ("`tests/a.py::test_b`", ["tests/a.py"]),
        ("`src/a.py` (~12 lines)", ["src/a.py"]),
    ],
)
def test_places_are_read_as_people_write_them(text: str, found: list[str]) -> None:
    assert cited(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "text <!-- `src/a.py:12` -->", "<div>src/a.py:12</div>",
        "localhost:3000, 127.0.0.1:80, db.example.com:5432", "me@db.example.com:5432",
        "HOST=http://localhost:80", "24/7:00, TCP/IP:80", "step:1 and path:12", "`/api/orpc/*` and `/rpc`",
        "and/or", "`terminal.writeLine:3`", "[a](#L12)", "`",
    ],
)  # fmt: skip
def test_other_things_are_no_places(text: str) -> None:
    assert cited(text) == []


def test_a_place_has_its_own_line_and_kind() -> None:
    found = list(
        citations(Document("# T\n\nSee `a/b.py:1`\nand `/c/d.py:2`\n\n| x |\n|---|\n| `~/e.py:3` |\n").blocks)
    )
    assert [(one.at, one.path, one.kind, one.absolute) for one in found] == [
        (3, "a/b.py", "relative", False),
        (4, "/c/d.py", "absolute", True),
        (8, "~/e.py", "absolute", True),
    ]
