"""What is told of patches: envelopes of `apply_patch`, and unified diffs."""

from specguard.integrations.hooks.tool_calls import read_diff, read_patch
from tests.rows import rows

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
    return bool(read_patch(text, b"/w", FILES.get).unknown)


def envelope(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


def test_an_envelope_is_told() -> None:
    for lines, files in rows(__file__, "envelopes"):
        expected = [
            (path.encode(), content.encode() if content else None, content is not False)
            for path, content in ((one[0], one[1] if len(one) > 1 else None) for one in files)
        ]
        assert told(envelope(*lines)) == expected, lines
        assert not undecided(envelope(*lines))
    assert told(envelope("*** Delete File: x\udcff")) == [(b"x\xff", None, True)]


def test_an_indented_header_within_a_hunk_is_told_both_ways() -> None:
    text = envelope("*** Update File: a", "@@", " one", " *** Delete File: twice", "-two")
    assert told(text) == [(b"a", None, False), (b"twice", None, True)]


def test_what_cannot_be_read_is_undecided() -> None:
    unread = ("*** Delete File: x\0y", "*** Delete File:")
    for text in ("", "no patch", "x" * 9_000_000, envelope(), *map(envelope, unread)):
        assert undecided(text), text[:40]


def test_the_names_of_a_diff_are_told() -> None:
    for text, expected in rows(__file__, "diffs"):
        assert {edit.path.decode(): edit.known for edit in read_diff(text)} == expected, text


def test_the_first_folder_is_dropped() -> None:
    text = "--- /dev/null\n+++ x/y/n\n@@ -0,0 +1 @@\n+a\n"
    assert [edit.path for edit in read_diff(text)] == [b"y/n"]
