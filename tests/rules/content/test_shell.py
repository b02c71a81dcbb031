"""Words of shell commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard_rules.content._shell import commands


def words(text: str) -> list[list[str]]:
    return [command.words for command in commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b&&c||d|e&f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a # b\n# c\nd#e", [["a"], ["d#e"]]),
        ("a 'b c' \"d 'e'\" f\\ g", [["a", "b c", "d 'e'", "f g"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a \\\r\n  b\r\nc\r\n", [["a", "b"], ["c"]]),
        ("if a; then b; else c; fi", [["a"], ["b"], ["c"], ["fi"]]),
        ("! { a; }", [["a"], ["}"]]),
        ('x="$(a "b c" | d)" e', [["a", "b c"], ["d"], ["e"]]),
        ("a `b c` d", [["b", "c"], ["a", "$()", "d"]]),
        ("a <(b c)", [["b", "c"], ["a", "$()"]]),
        ("a ${b:-c d} $((1 + (2))) $e ${{ f.g }}", [["a", "${b:-c d}", "$((1 + (2)))", "$e", "${{ f.g }}"]]),
        ("a 2 >b", [["a", "2"]]),
        ("sh -c 'a b; c'", [["sh", "-c", "a b; c"], ["a", "b"], ["c"]]),
        ("eval a b", [["eval", "a", "b"], ["a", "b"]]),
        ('a "b', [["a", "b"]]),
        ("a $(b", [["b"], ["a", "$()"]]),
        ("a <<\nb\n\nc", [["a"], ["b"], ["c"]]),
        ("a <<''\nb\n\nc", [["a"], ["c"]]),
    ],
)
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_assignments_are_no_words() -> None:
    (first, second) = commands("A=1 B='x y' run A=2\nURLS=(a \\\n  \"b c\" # d\n  e)\n")
    assert (first.words, first.assigned) == (["run", "A=2"], [("A", "1"), ("B", "x y")])
    assert (second.words, second.assigned) == ([], [("URLS", "a b c e")])
    assert (second.line, second.end_line) == (2, 4)


def test_lines() -> None:
    text = "a\n\nb 'x\ny' \\\n  z\nc <<E d\n1\n2\nE\ne $(\nf\n)\ng\n"
    assert [(command.program, command.line, command.end_line) for command in commands(text)] == [
        ("a", 1, 1), ("b", 3, 5), ("c", 6, 6), ("f", 11, 11), ("e", 10, 12), ("g", 13, 13),
    ]  # fmt: skip


def test_here_documents() -> None:
    found = commands("cat <<'A B' > f; x <<-Z\nq $(r)\nA B\n\tone\n\tZ\nnext <<< text\n")
    assert [(one.words, one.here, one.targets) for one in found] == [
        (["cat"], "q $(r)\n", ["f"]), (["x"], "\tone\n", []), (["next"], "", ["text"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sudo -u x -E git push", ["git", "push"]),
        ("env -i A=b git push", ["git", "push"]),
        ("timeout -k 5 10 nice -n 3 curl x", ["curl", "x"]),
        ("/usr/bin/nohup ./x", ["./x"]),
    ],
)
def test_wrappers(text: str, expected: list[str]) -> None:
    assert list(commands(text)[0].unwrapped()) == expected


@given(st.text(alphabet="ab '\"\\$(){}`<>|&;#\n\r=-E", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for command in commands(text):
        assert 1 <= command.line <= command.end_line <= text.count("\n") + 2


@pytest.mark.parametrize("part", ["$(", "`", "${", "((", "'", '"', "<<E\n", "a=(", "\\", "$(\n'"])
def test_deep_and_unclosed_texts_take_linear_time(part: str) -> None:
    assert commands(part * 20_000) is not None
