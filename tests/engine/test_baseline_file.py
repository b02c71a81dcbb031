"""The baseline's file: what is read, what is refused with its line, what is written, and comparing two."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.engine.baseline import compare_baselines, counts_text, read_counts
from specguard.errors import SpecguardError
from tests.rows import rows

COUNTS = st.dictionaries(
    st.tuples(
        st.sampled_from(["ART002", "SPC003", "PLN001", "CNT002", "CFG001"]),
        st.binary(min_size=1, max_size=12).filter(lambda path: b"\0" not in path),
    ),
    st.integers(1, 10**6),
    max_size=16,
)


@given(COUNTS)
def test_what_is_written_is_read(counts: dict[tuple[str, bytes], int]) -> None:
    text = counts_text(counts)
    assert read_counts(text.encode("utf-8")) == counts
    assert text.endswith("}\n")


def test_the_file_has_one_line_a_path() -> None:
    paths = {b"b": 2, b"a/\xc3\xa9": 1, b"a/\xff": 3, b"a\xe2\x80\xae": 4}
    counts = {("SPC003", b"b"): 1, **{("ART002", path): count for path, count in paths.items()}}
    assert counts_text(counts) == (
        "{\n"
        '  "ART002": {\n'
        '    "a/\u00e9": 1,\n'
        '    "a/\\udcff": 3,\n'
        '    "a\\u202e": 4,\n'
        '    "b": 2\n'
        "  },\n"
        '  "SPC003": {\n'
        '    "b": 1\n'
        "  }\n"
        "}\n"
    )
    assert counts_text({}) == "{}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        *rows(__file__, "broken"),
        ("[" * 200_000, 1, "is no JSON"),
        ('{"ART002": {"a": ' + "9" * 5000 + "}}", 1, "is no JSON"),
    ],
)
def test_a_broken_one_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(SpecguardError, match=said) as caught:
        read_counts(text.encode())
    assert caught.value.path == ".specguard/baseline.json"
    assert caught.value.line == line


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(SpecguardError, match="UTF-8") as caught:
        read_counts(b'{\n"\xff": 1}')
    assert caught.value.line == 2


def test_an_empty_one_accepts_nothing() -> None:
    assert read_counts(b"{}") == read_counts(b'{"ART002": {}}') == {}


def growths(old: object, new: object) -> list[tuple[str, int]]:
    change = compare_baselines(
        None if old is None else json.dumps(old, indent=1).encode(),
        None if new is None else json.dumps(new, indent=1).encode(),
    )
    assert not change.problem
    return [(str(growth), growth.line) for growth in change.growths]


def test_growth_is_named_with_both_numbers_and_its_line() -> None:
    old = {"ART002": {"a": 2, "b": 1}}
    assert growths(old, {"ART002": {"a": 2}}) == []
    assert growths(old, None) == []
    assert growths(old, {"ART002": {"a": 3, "c": 1}, "SPC003": {"a": 1}}) == [
        ("3 instead of 2 of ART002 in a", 3),
        ("1 of ART002 in c", 4),
        ("1 of SPC003 in a", 7),
    ]
    assert growths(None, {"ART002": {"a": 1}}) == [("1 of ART002 in a", 3)]


def test_what_cannot_be_read_cannot_be_compared() -> None:
    assert "no JSON" in compare_baselines(b"{}", b"{").problem
    assert "before" in compare_baselines(b"{", b"{}").problem
