"""Templates of names and paths: what renders reads back, what only resembles, and what clashes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.patterns import PatternError, Selecting
from specguard.errors import MissingFact
from specguard.work.kinds import ID_FIELDS, Names, WorkKind, find_clashes
from specguard.work.name_templates import (
    MissingValue,
    PathTemplate,
    Template,
    TemplateError,
    check_ids,
    check_readable,
    number_width,
)
from tests.taking import grows_with_length

NUMBERS = st.integers(0, 10**6).map(str)
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
SEGMENTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=20)
LITERALS = st.text(st.sampled_from("ab-_/ .():{}*+[]\\é"), min_size=1, max_size=6)


@st.composite
def filled(draw: st.DrawFn) -> tuple[Template, dict[str, str]]:
    """A template and fields for it."""
    names = draw(st.lists(st.sampled_from(["number", "slug", "plan_version", "x"]), max_size=4))
    text = draw(LITERALS).replace("{", "{{").replace("}", "}}")
    for name in names:
        text += f"{{{name}}}" + draw(LITERALS).replace("{", "{{").replace("}", "}}")
    values = {"number": NUMBERS, "slug": SLUGS, "plan_version": SEGMENTS, "x": SEGMENTS}
    fields = {name: draw(value) for name, value in values.items()}
    return Template(text), {name: fields[name] for name in names}


@given(filled())
def test_what_is_rendered_reads_back_and_renders_to_the_same(case: tuple[Template, dict[str, str]]) -> None:
    template, fields = case
    text = template.render(fields)
    read = template.read(text)
    if read is None:
        # Only a name used twice can be split so that its two values differ.
        assert len(template.placeholders) > len(template.names)
    else:
        assert template.render(read) == text


@pytest.mark.parametrize(
    ("template", "text", "fields"),
    [
        ("phase-{number}", "phase-12", {"number": "12"}),
        ("phase-{number}", "phase-12\n", None),
        ("phase-{number}", "phase-١٢", None),
        ("phase-{number}", "phase-" + "1" * 19, None),
        ("feat(p{number}): phase {number}", "feat(p12): phase 12", {"number": "12"}),
        ("feat(p{number}): phase {number}", "feat(p12): phase 13", None),
        (
            "task_{number}: {text}",
            "task_003: move a/b.py: done",
            {"number": "003", "text": "move a/b.py: done"},
        ),
        ("task_{number}: {text}", "task_003: a\nb", None),
        ("track-{number}-{slug}", "track-5-add-cache", {"number": "5", "slug": "add-cache"}),
        ("{{x}}-{x}", "{x}-a b", {"x": "a b"}),
        ("{x}/{x}", "a/a", {"x": "a"}),
        ("{x}/{x}", "a/b", None),
        ("P_{slug:upper}_{number}", "P_A-B_1", {"slug": "a-b", "number": "1"}),
        ("{x:upper}: {x}", "AB: aB", {"x": "aB"}),
        ("{a}-{b}-{c}-{d}", "1-2-3-\udce9", None),
        ("{emoji} {id} {text}", "✅ T7 close: it", {"emoji": "✅", "id": "T7", "text": "close: it"}),
        ("{slug}-{number}", "add-2-caches-12", {"slug": "add-2-caches", "number": "12"}),
        ("{id} - {text}", "close SEC-008 - it", None),
    ],
)
def test_read(template: str, text: str, fields: dict[str, str] | None) -> None:
    assert Template(template).read(text) == fields


@pytest.mark.parametrize(
    ("template", "text", "number"),
    [
        ("phase-{number}", "phase-10-persistence", "10"),
        ("phase-{number}", "phase/10/wip", "10"),
        ("chore(track{number}): {slug}", "feat(track-05): x", "5"),
        ("chore(track{number}): {slug}", "Track 5: caching", "5"),
        ("work/phase-{number}", "work/Phase-3-x", "3"),
        ("phase-{number}", "fix-phase-noise", None),
        ("phase-{number}", "phase-10th", None),
        ("phase-{number}", "phase-1.5-draft", None),
        ("phase-{number}", "feature/phase-10", None),
        ("chore(track{number}): {slug}", "docs: track 5 is planned", None),
        ("{number}-{slug}", "12-x", None),
        ("v2{number}", "v212", None),
    ],
)
def test_read_leniently(template: str, text: str, number: str | None) -> None:
    read = Template(template).read_leniently(text)
    assert (read and read["number"]) == number


def test_a_slug_is_told_leniently_where_it_ends_the_text() -> None:
    template = Template("track-{number}-{slug}")
    assert template.read_leniently("track_05_add-cache") == {"number": "5", "slug": "add-cache"}
    assert template.read_leniently("track_05 and more words") == {"number": "5"}


def test_a_value_that_is_missing_and_what_is_no_template_is_told() -> None:
    with pytest.raises(MissingValue) as caught:
        Template("track-{number}-{slug}").render({"number": "5", "slug": ""})
    assert caught.value.name == "slug"
    for text in ("{", "a}", "{}", "{Name}", "{x:title}", "{{x}", "{x y}", "{number:02}"):
        with pytest.raises(TemplateError, match="placeholder"):
            Template(text)
    with pytest.raises(TemplateError, match="nothing between"):
        check_readable("phase{number}{slug}")
    for text, written in (("{n}", "7"), ("{n:02}", "07"), ("{n:04}", "0007")):
        assert f"{7:0{number_width(text)}d}" == written
    for text in ("{number}", "{n:2}", "{n:00}", "n", "{n:02}{n}"):
        with pytest.raises(TemplateError):
            number_width(text)
    for text in ("[a-z", "([a-z])[0-9]", "a(?=b)"):
        with pytest.raises(ValueError, match="expression"):
            check_ids(text)
    check_ids("")


@pytest.mark.parametrize("part", ["-", "a-", "phase", "feat(", "0"])
def test_no_text_takes_long(part: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        text = f"phase-{part * count}"
        templates = [
            *map(Template, ("{a}-{b}", "{a}-{b}-{c}-{d}", "{slug}-{number}-{slug}x", "phase-{number}"))
        ]
        return lambda: [(one.read(text), one.read_leniently(text)) for one in templates]

    assert grows_with_length(reading, 100)


# Ids as whole words

SLICE_IDS = "[a-z]?[0-9]+[a-z]?"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("codex/phase-c-c5-review", {"x": "c", "id": "c5", "slug": "review"}),
        ("codex/phase-c-c5a-fix-a-b", {"x": "c", "id": "c5a", "slug": "fix-a-b"}),
        ("codex/phase-c-c7-keep-2-carts", {"x": "c", "id": "c7", "slug": "keep-2-carts"}),
        ("codex/phase-c-planning-packet", None),
        ("codex/phase-c-c5ab-x", None),
        ("codex/phase-c-C5-x", None),
    ],
)
def test_an_id_with_a_pattern_is_a_whole_word(name: str, fields: dict[str, str] | None) -> None:
    assert Template("codex/phase-{x}-{id:lower}-{slug}", SLICE_IDS).read(name) == fields


def test_ids_may_hold_the_separator_and_be_asked_for_in_small_letters() -> None:
    template = Template("{id}-{slug}", "[a-z]+-[0-9]+")
    assert template.read("PERF-005-cache") == {"id": "PERF-005", "slug": "cache"}
    assert template.read("cache-it") is None
    template = Template("c-{id:lower}")
    assert template.render({"id": "C5A"}) == "c-c5a"
    assert template.read("c-C5A") is None


# Templates of two kinds


def found(first: str, second: str, key: str = "branch", other: str = "") -> bool:
    templates: list[dict[str, Any]] = [{key: first}, {other or key: second}]
    kinds = {name: WorkKind(**own) for name, own in zip("ab", templates, strict=True)}
    return bool(list(find_clashes(kinds)))


def test_templates_that_clash() -> None:
    for first, second in (
        ("p-{number}", "p-{number}"),
        ("p-{number}", "p-{id}"),
        ("p-{number}-{slug}", "p-{number}-{name}"),
        ("a-{slug}", "{slug}-b"),
        ("{number}-x", "0-{slug}"),
        ("{slug:upper}-1", "A-{number}"),
        # What only resembles a template is read by its word.
        ("phase-{number}", "phase/{number}"),
    ):
        assert found(first, second)
        assert found(second, first)


def test_templates_that_do_not() -> None:
    for first, second in (
        ("p-{number}", "p-{number}-{slug}"),
        ("p{slug}x", "p-{slug}"),
        ("{slug:upper}-1", "a-{number}"),
        ("x-{number}", "{name}-y"),
        ("a/{number}", "{number}/"),
    ):
        assert not found(first, second)
        assert not found(second, first)


def test_a_commit_and_a_title_of_two_kinds_can_clash_but_not_with_a_branch() -> None:
    assert found("x {number}", "x {number}", "commit", "pull_request")
    assert not found("x {number}", "x {number}", "commit", "branch")
    kind = WorkKind(commit="x {number}", pull_request="x {number}")
    assert not list(find_clashes({"a": kind}))


def test_a_name_that_resembles_two_kinds_by_chance_gives_no_verdict() -> None:
    kinds = {"a": WorkKind(branch="x-1.phase-{number}"), "b": WorkKind(branch="x-{number}-zzzzzzz")}
    assert not list(find_clashes(kinds))
    with pytest.raises(MissingFact, match=r"work\.a\.branch and work\.b\.branch"):
        Names(kinds).read("branch", "x-1.phase-2/y")


def test_templates_of_too_many_kinds_are_not_compared() -> None:
    found = find_clashes({str(at): WorkKind(commit=f"k{at} {{number}}") for at in range(500)})
    assert [one[:2] for one in found] == [(("work",), "has templates of over 5,000 characters in all")]


@st.composite
def templates(draw: st.DrawFn) -> str:
    parts = st.sampled_from(["a", "-", "/", "0", "{number}", "{slug}", "{id}", "{x}"])
    return "".join(draw(st.lists(parts, min_size=1, max_size=4)))


@given(first=templates(), second=templates(), text=st.text("a-/0b1", min_size=1, max_size=6))
def test_no_text_is_read_equally_well_by_templates_that_do_not_clash(
    first: str, second: str, text: str
) -> None:
    one, other = Template(first), Template(second)
    fields, others = one.read(text), other.read(text)
    if fields is None or others is None or one.literal_size != other.literal_size:
        return
    if one.names & ID_FIELDS and other.names & ID_FIELDS:
        assert found(first, second)


# Templates of paths


FINAL = "**/AGENT_{agent}_FINAL_{objective}.md"
ROOT = "**/_phase-{x}-planning-pass-{nn}-{date}/"


@pytest.mark.parametrize(
    ("template", "path", "fields"),
    [
        (FINAL, b"a/b/AGENT_3_FINAL_A_FINAL_B.md", {"agent": "3", "objective": "A_FINAL_B"}),
        (FINAL, b"a/AGENT__FINAL_AUTH.md", None),
        (FINAL, b"a/agent_3_final_auth.md", None),
        (FINAL, "a/AGENT_é_FINAL_ü.md".encode(), {"agent": "é", "objective": "ü"}),
        (FINAL, b"a/AGENT_\xff_FINAL_x\n.md", {"agent": "\udcff", "objective": "x\n"}),
        (ROOT, b"d/_phase-c2-planning-pass-01-2025-03-04", {"x": "c2", "nn": "01", "date": "2025-03-04"}),
        ("p/PHASE_{X}_PACKET.md", b"p/PHASE_c_PACKET.md", None),
        ("_phase-{x}/PHASE_{X}.md", b"_phase-c/PHASE_C.md", {"x": "c"}),
        ("PHASE_{X}/{x}.md", b"PHASE_MAIN/Main.md", {"x": "Main"}),
        ("{x}/{x}.md", b"a/b.md", None),
        ("t/{number}-*.md", b"t/12-a.md", {"number": "12"}),
        ("t/{number}_{slug}.md", b"t/0012_A_b.c.md", {"number": "0012", "slug": "A_b.c"}),
        ("t/{{{x}}}.md", b"t/{a}.md", {"x": "a"}),
        ("a/*REVIEW*.md", b"a/b/REVIEW.md", None),
    ],
)
def test_a_path_is_read_back(template: str, path: bytes, fields: dict[str, str] | None) -> None:
    one = PathTemplate(template)
    assert one.read(path) == fields
    assert list(one.find([b"zz", path])) == ([] if fields is None else [(1, fields)])


def test_what_is_left_is_a_pattern() -> None:
    one = PathTemplate("**/_phase-{x}/PHASE_{X}_{nn}.md")
    assert one.names == {"x", "nn"}
    assert one.render({"x": "c*"}) == "**/_phase-c\\*/PHASE_C\\*_*.md"
    assert one.pattern.patterns == ("**/_phase-*/PHASE_*_*.md",)
    assert one.show({"x": "c*"}) == "**/_phase-c*/PHASE_C*_*.md"
    assert one.exact_path({"x": "c", "nn": "1"}) is None
    # Without globs and with all values it is one path.
    one = PathTemplate("/a\\*/{x}/PHASE_{X}.md")
    assert one.exact_path({"x": "c [1]", "y": "z"}) == b"a*/c [1]/PHASE_C [1].md"
    assert one.exact_path({}) is None


def test_paths_are_told_apart_by_some_of_their_placeholders() -> None:
    one = PathTemplate("{x}/PHASE_{X}_{n}.md")
    assert one.key_of(b"c/PHASE_C_1.md", {"x"}) == one.key({"x": "c"}) == ("c", "C")
    assert one.key_of(b"c/PHASE_C_1.md", {"n"}) == ("1",)
    assert one.key_of(b"c/PHASE_D_1.md", {"x"}) is None


def test_what_is_no_template_or_no_pattern_is_refused() -> None:
    for text in ("a/{x", "a/{xX}.md", "a/{ x }", "a/[{x}].md", "a/[a{x}].md", "\ue000{x}"):
        with pytest.raises(TemplateError):
            PathTemplate(text)
    for text in ("", "/", "a/../{x}", "a//{x}", "[a/{x}"):
        with pytest.raises(PatternError):
            PathTemplate(text)


@given(st.text("ab_/\u00e9*[ !#", min_size=1, max_size=12), st.text("ab_-\u00e9", min_size=1, max_size=12))
def test_what_is_rendered_is_read(x: str, y: str) -> None:
    template = PathTemplate("**/A_{x}__B_{y}.md")
    if "/" in x:
        assert template.read(f"A_{x}__B_{y}.md".encode()) is None
        return
    path = f"d/A_{x}__B_{y}.md".encode()
    fields = template.read(path)
    assert fields is not None
    assert f"d/A_{fields['x']}__B_{fields['y']}.md".encode() == path
    assert Selecting([template.render(fields)]).find(path) == 0


@pytest.mark.parametrize("template", [FINAL, "{a}_{b}_{c}_{d}_{e}x.md"])
def test_a_long_path_takes_no_time(template: str) -> None:
    def reading(count: int) -> Callable[[], object]:
        path = b"AGENT_" + b"_FINAL_" * count + b".mx"
        assert PathTemplate(template).read(path) is None
        return lambda: PathTemplate(template).read(path)

    assert grows_with_length(reading, 10_000)
