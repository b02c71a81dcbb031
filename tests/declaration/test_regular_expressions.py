import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from specguard.declaration.regular_expressions import _SIMPLE, Expression, ExpressionError, required_literals
from tests.rows import rows


def test_it_is_unanchored_and_knows_flags() -> None:
    assert Expression("(?i)todo").search("a ToDo b")
    assert not Expression("^todo").search("a todo")


def test_a_character_is_one_whatever_its_bytes() -> None:
    assert Expression("^.$").search("é")
    assert Expression("^.$").search("é".encode())


def test_a_stray_byte_does_not_evade_an_expression() -> None:
    for surrogate in (0xD800, 0xDCFF):
        assert Expression("pass.word").search(f"pass{chr(surrogate)}word")
        assert Expression("pass[^a-z]word").search(f"pass{chr(surrogate)}word")
    assert Expression("pass.word").search(b"pass\xffword")


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


@pytest.mark.parametrize("text", ["^b$", "(?i)^B", r"\Ab\z", "b", "^(?:b|c)$", "[^a]b?$"])
def test_whether_a_line_may_match_is_asked_of_all_at_once(text: str) -> None:
    assert Expression(text).may_match_line("a\nb\nc\n")


@pytest.mark.parametrize("text", ["^c", "b$", "a b", "(?i)^C"])
def test_no_line_matches(text: str) -> None:
    assert not Expression(text).may_match_line("ac\nba\n")


def test_time_is_linear() -> None:
    assert not Expression("(a+)+$").search("a" * 200_000 + "b")


@pytest.mark.parametrize(("text", "literals"), rows(__file__, "the_texts_that_a_match_needs_are_told"))
def test_the_texts_that_a_match_needs_are_told(text: str, literals: list[str]) -> None:
    assert required_literals(text) == literals


@pytest.mark.parametrize(
    "text", rows(__file__, "where_no_text_is_needed_or_the_syntaxes_differ_none_is_told")
)
def test_where_no_text_is_needed_or_the_syntaxes_differ_none_is_told(text: str) -> None:
    assert not required_literals(text)


def is_read(text: str) -> bool:
    """True if RE2 reads an expression."""
    try:
        Expression(text).check()
    except ExpressionError:
        return False
    return True


_ATOMS = st.sampled_from(
    ["a", "b", "ab", "A", r"\.", r"\d", r"\b", ".", "[ab]", "[^a]", "^", "$", "ä", r"\n"]
)
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        st.tuples(st.sampled_from(["(?i)", "(?s)", "(?U)", ""]), inner).map("".join),
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS, st.text(alphabet="abAB .1äK\n", max_size=12))
def test_every_match_has_one_of_the_texts_that_it_needs(text: str, line: str) -> None:
    literals = required_literals(text)
    if is_read(text) and literals and not any(one in line for one in literals):
        assert not Expression(text).search(line)


@given(st.from_regex(_SIMPLE, fullmatch=True), st.text("abz09/-_.A|^ \n", max_size=12), st.data())
def test_a_name_is_compared_as_re2_would(text: str, name: str, data: st.DataObject) -> None:
    """Text in bytes goes to RE2, whatever the expression is."""
    assume(is_read(text))
    if data.draw(st.booleans()):
        name = data.draw(st.from_regex(text))[:150]
    assert Expression(text).search(name) == Expression(text).search(name.encode("utf-8", "replace"))
