import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.patterns import PatternError, Selecting
from specguard.work.name_templates import PathTemplate, TemplateError, check_path_template

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
    assert one.plain({"x": "c", "nn": "1"}) is None
    # Without globs and with all values it is one path.
    one = PathTemplate("/a\\*/{x}/PHASE_{X}.md")
    assert one.plain({"x": "c [1]", "y": "z"}) == b"a*/c [1]/PHASE_C [1].md"
    assert one.plain({}) is None


def test_paths_are_told_apart_by_some_of_their_placeholders() -> None:
    one = PathTemplate("{x}/PHASE_{X}_{n}.md")
    assert one.key_of(b"c/PHASE_C_1.md", {"x"}) == one.key({"x": "c"}) == ("c", "C")
    assert one.key_of(b"c/PHASE_C_1.md", {"n"}) == ("1",)
    assert one.key_of(b"c/PHASE_D_1.md", {"x"}) is None


def test_what_is_no_template_or_no_pattern_is_refused() -> None:
    for text in ("a/{x", "a/{xX}.md", "a/{ x }", "a/[{x}].md", "a/[a{x}].md", "\ue000{x}"):
        with pytest.raises(TemplateError):
            check_path_template(text)
    for text in ("", "/", "a/../{x}", "a//{x}", "[a/{x}"):
        with pytest.raises(PatternError):
            check_path_template(text)


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
    path = b"AGENT_" + b"_FINAL_" * 100_000 + b".mx"
    before = time.process_time()
    assert PathTemplate(template).read(path) is None
    assert time.process_time() - before < 2
