"""What is told of patches: envelopes of `apply_patch`, and unified diffs."""

from __future__ import annotations

import pytest

from specguard.integrations.hooks.calls import read_diff, read_patch

FILES = {
    b"/w/a": b"one\ntwo\nthree\n",
    b"/w/twice": b"def f():\n    x\n\ndef g():\n    x\n",
    b"/w/open": b"one\ntwo",
    b"/w/empty": b"",
    b"/w/sub/b": b"b\n",
}


def told(text: str) -> list[tuple[bytes, bytes | None, bool]]:
    deeds = read_patch(text, b"/w", FILES.get)
    return [(edit.path, edit.content, edit.known) for edit in deeds.edits]


def undecided(text: str) -> bool:
    return bool(read_patch(text, b"/w", FILES.get).undecided)


def envelope(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["*** Add File: n/x", "+a", "+", "+b"], [(b"n/x", b"a\n\nb\n", True)]),
        (["*** Delete File: a"], [(b"a", None, True)]),
        (["*** Update File: a", "@@", " one", "-two", "+2", " three"], [(b"a", b"one\n2\nthree\n", True)]),
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
        (["*** Update File: a", "@@", "+four"], [(b"a", b"one\ntwo\nthree\nfour\n", True)]),
        (["*** Update File: a", "@@", "-nothere", "+x"], [(b"a", None, False)]),
        (["*** Update File: a", "@@", "-three", "+3", "@@", "-one", "+1"], [(b"a", None, False)]),
        (["*** Update File: nothere", "@@", "-x", "+y"], [(b"nothere", None, False)]),
        (["\t*** Add File:   x  ", "+y"], [(b"x", b"y\n", True)]),
        (["*** Delete File: /etc/x"], [(b"/etc/x", None, True)]),
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
    assert told(text) == [(b"a", None, False), (b"twice", None, True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no patch",
        envelope("*** Delete File: x\0y"),
        envelope("*** Delete File:"),
        envelope(),
        "x" * 9_000_000,
    ],
)
def test_what_cannot_be_read_is_undecided(text: str) -> None:
    assert undecided(text)


A = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, {"a": False}),
        ("From x\n\nmessage\n---\n a | 2 +-\n\n" + A + "-- \n2.39\n", {"a": False}),
        ("--- /dev/null\n+++ b/n/x\n@@ -0,0 +1,2 @@\n+a\n+b\n", {"n/x": False}),
        ("--- a/a\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n", {"a": True}),
        ("diff --git a/a b/z\nrename from a\nrename to z\n", {"a": True, "z": False}),
        ("diff --git a/a b/z\ncopy from a\ncopy to z\n", {"z": False}),
        ("diff --git a/a b/a\nold mode 100644\nnew mode 100755\n", {"a": False}),
        ('--- /dev/null\n+++ "b/\\303\\251 \\"x"\n@@ -0,0 +1 @@\n+a\n', {'\u00e9 "x': False}),
        ("--- a/a\t2026-01-01\n+++ b/a\t2026-01-01\n@@ -2 +2 @@\n-two\n+2\n", {"a": False}),
        ("--- a/a\n+++ b/../x\n@@ -2 +2 @@\n-two\n+2\n", {"a": True, "../x": False}),
        ("--- a/a\n+++ b/a\n@@ -2 +2,3 @@\n-two\n+2\n+-- a/x\n+++ b/x\n", {"a": False}),
        (A.replace("-1,3 +1,3", "-1,9 +1,9"), {}),
        ("no diff", {}),
    ],
)
def test_the_names_of_a_diff_are_told(text: str, expected: dict[str, bool]) -> None:
    deeds = read_diff(text)
    assert {edit.path.decode(): edit.known for edit in deeds.edits} == expected
    assert bool(deeds.undecided) is not bool(expected)


@pytest.mark.parametrize(("strip", "path"), [(0, b"x/y/n"), (1, b"y/n"), (2, b"n"), (5, b"n")])
def test_leading_folders_are_dropped(strip: int, path: bytes) -> None:
    text = "--- /dev/null\n+++ x/y/n\n@@ -0,0 +1 @@\n+a\n"
    assert [edit.path for edit in read_diff(text, strip).edits] == [path]
