import unicodedata

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pathspec import PathSpec

from specguard.declaration.patterns import Covering, Guarding, PatternError, Selecting, expansion, fold
from tests.rows import rows

segments = st.lists(
    st.sampled_from(
        ["a", "b", "é", ".", "-", "*", "?", "[ab]", "[!a]", "[^b-z]", "[]a]", "\\*", "\\[", "\\ ", "A"]
    ),
    min_size=1,
    max_size=4,
).map("".join)
globs = st.tuples(
    st.lists(st.one_of(segments, st.just("**")), min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "/", "/**"]),
).map("".join)
paths = st.lists(st.text("abéA*[ .-]", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join)


def oracle(pattern: str, path: str) -> bool:
    """Whether pathspec matches a path or a folder above it, with `/` before and none behind."""
    while pattern.endswith(("/", "/**")):
        pattern = pattern.removesuffix("/**").removesuffix("/")
    spec = PathSpec.from_lines("gitignore", ["/" + pattern])
    parts = path.split("/")
    return any(spec.match_file("/".join(parts[:end])) for end in range(1, len(parts) + 1))


def made(kind: type[Covering], *patterns: str) -> Covering:
    """Patterns as they are drawn, of which some are none."""
    try:
        return kind(patterns)
    except PatternError:
        reject()


@given(globs, st.lists(paths, max_size=20))
def test_covering_agrees_with_pathspec(pattern: str, found: list[str]) -> None:
    covering = made(Covering, pattern)
    if set(pattern.split("/")) <= {"**", ""}:
        assert all(covering.find(path.encode()) == 0 for path in found)
        return
    for path in found:
        if {".", ".."} & set(path.split("/")):
            continue
        covered = covering.find(path.encode()) == 0
        if "[!" in pattern or "[^" in pattern:
            # There a negated class matches `/`, which it must not.
            assert not covered or oracle(pattern, path), path
        else:
            assert covered is oracle(pattern, path), path


@given(
    st.lists(globs, min_size=1, max_size=6),
    st.lists(paths, max_size=30),
    st.sampled_from([Covering, Guarding]),
)
def test_a_set_and_an_expression_agree(patterns: list[str], found: list[str], kind: type[Covering]) -> None:
    matcher = made(kind, *patterns)
    names = [path.encode() for path in found]
    one_by_one = [(n, i) for n, path in enumerate(names) if (i := matcher.find(path)) is not None]
    many = [pair for pair in matcher.find_each(names * 600) if pair[0] < len(names)]
    alone = [type(matcher)([pattern]) for pattern in matcher.patterns]
    assert matcher.used(names) == {
        i for i, one in enumerate(alone) if any(one.find(n) is not None for n in names)
    }
    assert many == one_by_one


@given(globs, paths)
def test_guarding_ignores_case_and_normal_form(pattern: str, path: str) -> None:
    covers = made(Covering, pattern).find(path.encode()) == 0
    guards = Guarding.of(pattern)
    if covers and "[!" not in pattern and "[^" not in pattern:
        assert guards.find(path.encode()) == 0
    answers = {
        guards.find(form.encode())
        for form in (path, path.upper(), path.lower(), unicodedata.normalize("NFD", path.upper()))
    }
    assert len(answers) == 1


@pytest.mark.parametrize(("pattern", "path", "found"), rows(__file__, "what_a_pattern_covers"))
def test_what_a_pattern_covers(pattern: str, path: str, found: bool) -> None:
    assert (Covering.of(pattern).find(path.encode()) == 0) is found
    assert (Guarding.of(pattern).find(path.encode()) == 0) is found


@pytest.mark.parametrize(("pattern", "path", "found"), rows(__file__, "what_a_pattern_selects"))
def test_what_a_pattern_selects(pattern: str, path: str, found: bool) -> None:
    assert (Selecting.of(pattern).find(path.encode()) == 0) is found


@pytest.mark.parametrize(
    ("pattern", "words"), rows(__file__, "a_malformed_pattern_is_an_error_that_says_why")
)
def test_a_malformed_pattern_is_an_error_that_says_why(pattern: str, words: str) -> None:
    with pytest.raises(PatternError, match="the pattern") as caught:
        Covering([pattern])
    assert words in str(caught.value)


def test_a_selection_of_a_folder_alone_is_an_error() -> None:
    with pytest.raises(PatternError, match=r"write 'docs/\*\*'"):
        Selecting(["docs/"])


@pytest.mark.parametrize(
    "path", ["LOCKED/X", "Locked/É.md", "locked/e\u0301.md", "loc\u212aed/x", "\uff4cocked"]
)
def test_guards_see_through_case_and_composition(path: str) -> None:
    found = Guarding.of("locked/").find(path.encode())
    assert found == (None if path == "\uff4cocked" else 0)
    assert Covering.of("locked/").find(path.encode()) == (0 if path.startswith("locked/") else None)


def test_bytes_that_are_no_utf8_are_matched_as_they_are() -> None:
    assert Guarding.of("docs/*").find(b"docs/\xff\xfe") == 0
    assert Guarding.of("docs/").find(b"DOCS/\xe9/\n") == 0
    assert fold(b"A\xff\xc3\x89") == b"a\xff\xc3\xa9"


def test_a_long_path_cannot_make_matching_slow() -> None:
    patterns = Covering.of("**/*a*a*a*a*a*b", "**/a/**/a/**/a/**/b", "docs/api", "d/" + "[][]" * 40 + "x")
    path = b"a" * 50_000 + b"/a" * 50_000
    assert patterns.find(path) is None
    assert patterns.find(path + b"/b") == 1
    assert patterns.find(b"d/" + b"[][]" * 40) is None


@given(
    st.lists(globs, min_size=1, max_size=4),
    st.lists(st.tuples(st.one_of(paths, st.just("")), st.integers(0, 60)), max_size=40),
    st.sampled_from([Covering, Guarding, Selecting]),
)
def test_paths_are_found_among_many_that_do_not_match(
    patterns: list[str], found: list[tuple[str, int]], kind: type[Covering]
) -> None:
    matcher = made(kind, *patterns)
    # Seldom ones are looked for and others follow one after the other: each path has so many before it.
    names = [name for path, gap in found for name in (*[b"q/\xff\n"] * gap, path.encode())]
    names += [b"q"] * 600
    one_by_one = [(n, i) for n, path in enumerate(names) if (i := matcher.find(path)) is not None]
    assert list(matcher.find_each(names)) == one_by_one
    assert [n for n, _ in matcher.find_all(names)] == [n for n, _ in one_by_one]


def test_the_first_pattern_that_matches_is_named() -> None:
    patterns = Covering.of("x/", "docs/", "**/*.md")
    assert patterns.find(b"docs/a.md") == 1
    paths = [b"docs/a.md", b"y", b"a.md"] * 400
    assert list(patterns.find_each(paths))[:2] == [(0, 1), (2, 2)]


def test_many_patterns_still_match() -> None:
    patterns = Guarding([f"area-{n}/**/part-*/[ab]?.md" for n in range(3000)])
    paths = [f"area-{n}/x/y/part-9/AB.md".encode() for n in range(3000)]
    assert list(patterns.find_each(paths)) == [(n, n) for n in range(3000)]


def test_a_default_is_translated_when_it_is_needed() -> None:
    broken = Covering.of("a//b")
    with pytest.raises(PatternError):
        broken.find(b"a")


def test_expansions_are_printed() -> None:
    assert expansion("docs/**", covers=True) == "docs and everything below"
    assert expansion("/**", covers=True) == "everything"
    assert expansion("docs/*.md", covers=False) == "docs/*.md"


def test_an_empty_path_of_a_crafted_tree_is_under_no_plain_pattern() -> None:
    assert Guarding(["locked/", "LICENSE"]).find(b"") is None
    assert Guarding(["locked/", "*.md"]).find(b"") is None
