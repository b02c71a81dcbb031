from __future__ import annotations

import pytest

from specguard.declaration.expressions import Expression, ExpressionError, readable


def test_it_is_unanchored_and_knows_flags() -> None:
    assert Expression("(?i)todo").search("a ToDo b")
    assert not Expression("^todo").search("a todo")
    assert Expression("[a-z]+").fullmatch("abc")
    assert not Expression("[a-z]+").fullmatch("abc\n")


def test_named_groups_of_the_first_match() -> None:
    expression = Expression(r"(?P<kind>[a-z]+)-(?P<n>[0-9]+)(?P<rest>x)?")
    assert expression.groups("a phase-12 phase-13") == {"kind": "phase", "n": "12"}
    assert expression.groups("none") is None


def test_a_character_is_one_whatever_its_bytes() -> None:
    assert Expression("^.$").search("é")
    assert Expression("^.$").search("é".encode())


def test_a_stray_byte_does_not_evade_an_expression() -> None:
    for surrogate in (0xD800, 0xDCFF):
        assert Expression("pass.word").search(f"pass{chr(surrogate)}word")
        assert Expression("pass[^a-z]word").search(f"pass{chr(surrogate)}word")
    assert Expression("pass.word").search(b"pass\xffword")


def test_readable_text_is_left_alone() -> None:
    data = "é\n".encode()
    assert readable(data) is data
    assert readable(b"a\xff\nb") == "a\ufffd\nb".encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("(a", "missing )"),
        ("a(?=b)", "looks ahead"),
        ("(?<!a)b", "looks behind"),
        (r"(a)\1", "invalid escape"),
        ("a{2000}", "repetition"),
        ("\ud800", "Unicode"),
    ],
)
def test_what_re2_does_not_read_is_an_error(text: str, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExpressionError, match="the expression") as caught:
        Expression(text).check()
    assert words in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_field_is_a_string() -> None:
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(list[Expression])
    assert adapter.validate_python(["a+"]) == [Expression("a+")]
    assert adapter.json_schema() == {"type": "array", "items": {"type": "string"}}
    with pytest.raises(ValidationError, match="not RE2 syntax"):
        adapter.validate_python(["a++"])


@pytest.mark.parametrize("text", ["^b$", "(?i)^B", r"\Ab\z", "b", "^(?:b|c)$", "[^a]b?$"])
def test_whether_a_line_may_match_is_asked_of_all_at_once(text: str) -> None:
    assert Expression(text).may_match_line("a\nb\nc\n")


@pytest.mark.parametrize("text", ["^c", "b$", "a b", "(?i)^C"])
def test_no_line_matches(text: str) -> None:
    assert not Expression(text).may_match_line("ac\nba\n")


def test_time_is_linear() -> None:
    assert not Expression("(a+)+$").search("a" * 200_000 + "b")
