"""Words of shell commands, and YAML with the lines of the commands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard_rules.content._commands_in_files import YamlError, read_yaml
from specguard_rules.content._shell import parse_commands
from tests.rows import rows


def words(text: str) -> list[list[str]]:
    return [command.words for command in parse_commands(text)]


@pytest.mark.parametrize(("text", "expected"), rows(__file__, "words"))
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_assignments_are_no_words() -> None:
    (first, second) = parse_commands("A=1 B='x y' run A=2\nURLS=(a \\\n  \"b c\" # d\n  e)\n")
    assert (first.words, first.assignments) == (["run", "A=2"], [("A", "1"), ("B", "x y")])
    assert (second.words, second.assignments) == ([], [("URLS", "a b c e")])
    assert (second.line, second.end_line) == (2, 4)


def test_lines() -> None:
    text = "a\n\nb 'x\ny' \\\n  z\nc <<E d\n1\n2\nE\ne $(\nf\n)\ng\n"
    assert [(command.program, command.line, command.end_line) for command in parse_commands(text)] == [
        ("a", 1, 1), ("b", 3, 5), ("c", 6, 6), ("f", 11, 11), ("e", 10, 12), ("g", 13, 13),
    ]  # fmt: skip


def test_here_documents() -> None:
    found = parse_commands("cat <<'A B' > f; x <<-Z\nq $(r)\nA B\n\tone\n\tZ\nnext <<< text\n")
    assert [(one.words, one.heredoc, one.targets) for one in found] == [
        (["cat"], "q $(r)\n", ["f"]), (["x"], "\tone\n", []), (["next"], "", ["text"]),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), rows(__file__, "wrappers"))
def test_wrappers(text: str, expected: list[str]) -> None:
    assert list(parse_commands(text)[0].unwrap()) == expected


@given(st.text(alphabet="ab '\"\\$(){}`<>|&;#\n\r=-E", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for command in parse_commands(text):
        assert 1 <= command.line <= command.end_line <= text.count("\n") + 2


@pytest.mark.parametrize("part", ["$(", "`", "${", "((", "'", '"', "<<E\n", "a=(", "\\", "$(\n'", "${${b}"])
def test_deep_and_unclosed_texts_take_linear_time(part: str) -> None:
    assert parse_commands(part * 20_000) is not None


def test_lines_of_texts_and_scripts() -> None:
    top = read_yaml(
        b"# c\njobs:\n  a:\n    run: |\n\n      one\n      two\n    b: >-\n      folded\n      text\n"
    )
    job = top["jobs"]["a"]
    assert (job["run"], job["run"].line, job["run"].literal) == ("\none\ntwo\n", 4, True)
    assert [command.line for command in job["run"].commands()] == [6, 7]
    assert [(command.line, command.end_line) for command in job["b"].commands()] == [(8, job["b"].end_line)]
    assert job["b"].end_line >= 10


def test_aliases_are_shared_and_merged() -> None:
    top = read_yaml(b"a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: *a\n  y: 3\nd: {<<: [{x: 8}, *a]}\n")
    assert top["b"] is top["a"]
    assert top["c"] == {"x": "1", "y": "3"}
    assert top["d"] == {"x": "8", "y": "2"}


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"a: 1\nb: 2\na: 3\n", "the key 'a' is there twice", 3),
        (b"a: &a {b: *a}\n", "found undefined alias|holds itself", 1),
        # PyYAML 6.0.4 has a limit of its own at 1,000.
        (b"[" * 1000, "nested deeper than 50 levels", 1),
        (b"a: \xff\n", "not UTF-8", None),
        (b"a: b: c\n", "mapping values", 1),
        (b"x" * ((1 << 20) + 1), "bytes", None),
        (b"a: [\n", "did not find expected node content", 2),
    ],
)
def test_what_is_refused(data: bytes, reason: str, line: int | None) -> None:
    with pytest.raises(YamlError, match=reason) as caught:
        read_yaml(data)
    if line is not None:
        assert caught.value.args[1] == line


def test_other_line_breaks_do_not_shift_lines() -> None:
    top = read_yaml("a: 'x\u2028y\x85z'\r\nb: 1\r\n".encode())
    assert {key: text.line for key, text in top.items()} == {"a": 1, "b": 2}


def test_nothing_is_constructed() -> None:
    assert read_yaml(b"a: !!python/object/apply:os.system [x]\nb: no\nc: 010\n")["c"] == "010"


def test_of_several_documents_the_last_one_counts() -> None:
    # GitLab takes the first of two for a header.
    top = read_yaml(b"spec:\n  inputs: &a {}\n---\njob:\n  script: [curl x]\n")
    assert list(top) == ["job"]
    with pytest.raises(YamlError, match="found undefined alias"):
        read_yaml(b"spec: &a {}\n---\njob: *a\n")
