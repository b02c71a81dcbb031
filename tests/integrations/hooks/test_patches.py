"""What is told of patches: envelopes of `apply_patch`, and unified diffs."""

from __future__ import annotations

import pytest

from specguard.integrations.hooks.patches import read_patch

FILES = {
    b"/w/a": b"one\ntwo\nthree\n",
    b"/w/twice": b"def f():\n    x\n\ndef g():\n    x\n",
    b"/w/open": b"one\ntwo",
    b"/w/empty": b"",
    b"/w/sub/b": b"b\n",
}


def told(text: str, *, diff: bool = False, strip: int = 1) -> list[tuple[bytes, bytes | None, bool]]:
    deeds = read_patch(text, b"/w", FILES.get, diff=diff, strip=strip)
    return [(edit.path, edit.content, edit.known) for edit in deeds.edits]


def undecided(text: str) -> bool:
    return bool(read_patch(text, b"/w", FILES.get).undecided)


def envelope(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["*** Add File: n/x", "+a", "+", "+b"], [(b"n/x", b"a\n\nb\n", True)]),
        (["*** Add File: x"], [(b"x", b"", True)]),
        (["*** Delete File: a"], [(b"a", None, True)]),
        (["*** Update File: a", "@@", " one", "-two", "+2", " three"], [(b"a", b"one\n2\nthree\n", True)]),
        (["*** Update File: a", "-two", "+2"], [(b"a", b"one\n2\nthree\n", True)]),
        (["*** Update File: a", "@@", "-one", "+1", "@@", "-three", "+3"], [(b"a", b"1\ntwo\n3\n", True)]),
        (
            ["*** Update File: twice", "@@ def g():", "-    x", "+    y"],
            [(b"twice", b"def f():\n    x\n\ndef g():\n    y\n", True)],
        ),
        (
            ["*** Update File: a", "*** Move to: z", "@@", "-two", "+2"],
            [(b"a", None, True), (b"z", b"one\n2\nthree\n", True)],
        ),
        (
            ["*** Update File: a", "@@", " three", "+four", "*** End of File"],
            [(b"a", b"one\ntwo\nthree\nfour\n", True)],
        ),
        (["*** Update File: open", "@@", " two", "+three"], [(b"open", b"one\ntwo\nthree\n", True)]),
        (["*** Update File: a", "@@", "+four"], [(b"a", b"one\ntwo\nthree\nfour\n", True)]),
        (["*** Update File: a", "@@", "-nothere", "+x"], [(b"a", None, False)]),
        (["*** Update File: a", "@@", "-three", "+3", "@@", "-one", "+1"], [(b"a", None, False)]),
        (["*** Update File: nothere", "@@", "-x", "+y"], [(b"nothere", None, False)]),
        (["  *** Delete File: a"], [(b"a", None, True)]),
        (["\t*** Add File:   x  ", "+y"], [(b"x", b"y\n", True)]),
        (["*** Delete File: ../a"], [(b"../a", None, True)]),
        (["*** Delete File: /etc/x"], [(b"/etc/x", None, True)]),
        (["*** Delete File: sub/./b"], [(b"sub/./b", None, True)]),
        (["*** Delete File: caf\u00e9"], [("caf\u00e9".encode(), None, True)]),
        (["*** Delete File: x\udcff"], [(b"x\xff", None, True)]),
        (["*** Add File: x", "+*** Delete File: a"], [(b"x", b"*** Delete File: a\n", True)]),
        (["*** Add File: x", "+a\r", "*** Delete File: a\r"], [(b"x", b"a\n", True), (b"a", None, True)]),
        (
            ["*** Delete File: a", "*** End Patch", "*** Begin Patch", "*** Delete File: twice"],
            [(b"a", None, True), (b"twice", None, True)],
        ),
    ],
)
def test_an_envelope_is_told(lines: list[str], expected: list[tuple[bytes, bytes | None, bool]]) -> None:
    assert told(envelope(*lines)) == expected
    assert not undecided(envelope(*lines))


def test_an_indented_header_within_a_hunk_is_told_both_ways() -> None:
    text = envelope("*** Update File: a", "@@", " one", " *** Delete File: twice", "-two")
    assert b"twice" in [path for path, _, _ in told(text)]
    assert undecided(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no patch",
        envelope("what", "*** Delete File: a"),
        envelope("*** Delete File: x\0y"),
        envelope("*** Delete File:"),
        envelope(),
        "diff --git\n",
        "x" * 9_000_000,
    ],
)
def test_what_cannot_be_read_is_undecided(text: str) -> None:
    assert undecided(text)


def test_no_path_has_a_nul() -> None:
    assert told(envelope("*** Delete File: x\0y")) == []


def test_an_envelope_within_a_here_document_is_read() -> None:
    text = "apply_patch <<'EOF'\n" + envelope("*** Delete File: a") + "EOF\n"
    assert told(text) == [(b"a", None, True)]


A = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, [(b"a", b"one\n2\nthree\n", True)]),
        (A.partition("\n")[2], [(b"a", b"one\n2\nthree\n", True)]),
        ("From x\n\nmessage\n---\n a | 2 +-\n\n" + A + "-- \n2.39\n", [(b"a", b"one\n2\nthree\n", True)]),
        (A.replace("@@ -1,3 +1,3", "@@ -2,3 +2,3"), [(b"a", None, False)]),
        (A.replace("one", "1"), [(b"a", None, False)]),
        (A.replace("-1,3 +1,3", "-1,9 +1,9"), [(b"a", None, False)]),
        ("--- /dev/null\n+++ b/n/x\n@@ -0,0 +1,2 @@\n+a\n+b\n", [(b"n/x", b"a\nb\n", True)]),
        ("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n", [(b"x", b"a", True)]),
        ("--- a/a\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n", [(b"a", None, True)]),
        (
            "diff --git a/a b/z\nrename from a\nrename to z\n",
            [(b"a", None, True), (b"z", FILES[b"/w/a"], True)],
        ),
        ("diff --git a/a b/z\ncopy from a\ncopy to z\n", [(b"z", FILES[b"/w/a"], True)]),
        ("diff --git a/a b/a\nold mode 100644\nnew mode 100755\n", [(b"a", FILES[b"/w/a"], True)]),
        (
            "diff --git a/x b/x\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 0\n",
            [(b"x", None, False)],
        ),
        ('--- /dev/null\n+++ "b/\\303\\251 \\"x"\n@@ -0,0 +1 @@\n+a\n', [(b'\xc3\xa9 "x', b"a\n", True)]),
        (
            "--- a/a\t2026-01-01\n+++ b/a\t2026-01-01\n@@ -2 +2 @@\n-two\n+2\n",
            [(b"a", b"one\n2\nthree\n", True)],
        ),
        (
            "--- a/a\n+++ b/../x\n@@ -2 +2 @@\n-two\n+2\n",
            [(b"a", None, True), (b"../x", b"one\n2\nthree\n", True)],
        ),
    ],
)
def test_a_diff_is_told(text: str, expected: list[tuple[bytes, bytes | None, bool]]) -> None:
    assert told(text, diff=True) == expected


def test_headers_that_disagree_are_all_told() -> None:
    text = "diff --git a/src b/src\n--- a/locked\n+++ b/locked\n@@ -1 +1 @@\n-x\n+y\n"
    assert {path for path, _, _ in told(text)} == {b"src", b"locked"}


def test_a_diff_in_a_message_is_told() -> None:
    text = "Subject: x\n\n--- a/locked\n+++ b/locked\n@@ -1 +1 @@\n-x\n+y\n---\n\n" + A
    assert {path for path, _, _ in told(text)} == {b"locked", b"a"}


def test_a_header_within_a_hunk_is_a_line() -> None:
    text = "--- a/a\n+++ b/a\n@@ -2 +2,3 @@\n-two\n+2\n+-- a/x\n+++ b/x\n"
    assert told(text) == [(b"a", b"one\n2\n-- a/x\n++ b/x\nthree\n", True)]


def test_an_envelope_is_none_where_a_diff_is_applied() -> None:
    assert told("*** Begin Patch\n" + A, diff=True) == [(b"a", b"one\n2\nthree\n", True)]


@pytest.mark.parametrize(("strip", "path"), [(0, b"x/y/n"), (1, b"y/n"), (2, b"n"), (5, b"n")])
def test_leading_folders_are_dropped(strip: int, path: bytes) -> None:
    text = "--- /dev/null\n+++ x/y/n\n@@ -0,0 +1 @@\n+a\n"
    assert told(text, diff=True, strip=strip) == [(path, b"a\n", True)]
