"""What a proposal still owes, and files that nobody wrote for a person to read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specguard.errors import SpecguardError
from specguard.planning.plan_sources import Boxes, SourcePage, source_folder
from specguard.planning.proposal_validation import flaws, placeholders, requirements
from tests.planning.filling import change, write
from tests.rows import rows
from tests.taking import grows_with_length


@pytest.mark.parametrize("line", rows(__file__, "what_is_owed"))
def test_what_is_owed(line: str) -> None:
    assert [number for number, _ in placeholders(["# Title", "", line])] == [3]


@pytest.mark.parametrize("line", rows(__file__, "what_is_not"))
def test_what_is_not(line: str) -> None:
    assert list(placeholders(["# Title", "", line, "", "More."], templates=True)) == []


def test_fences_and_comments_over_several_lines_owe_nothing() -> None:
    text = "```\nTODO\n```\n<!--\nTODO\nA remark\n-->\nWords <!-- TODO: a remark --> and words\nTODO\n"
    assert [number for number, _ in placeholders(SourcePage(text).lines)] == [9]


def test_the_words_of_templates() -> None:
    lines = ["# Feature Specification: [FEATURE NAME]", "**Created**: [DATE]", "[README](x), [API], [US10]"]
    assert [number for number, _ in placeholders(lines, templates=True)] == [1, 2]


# Files that nobody wrote for a person to read


@pytest.mark.parametrize(
    ("start", "part", "end"),
    [
        ("", "`", ""),
        ("", "` `` ", ""),
        ("", "<a ", ""),
        ("- [", " ", ""),
        ("### Requirement: ", " ", "\u2028"),
        ("- FROM: `### Requirement: ", "`", ""),
        ("", "<!--", ""),
        ("- ", "a/", ""),
        ("", "**", ":"),
    ],
)
def test_no_line_takes_long(start: str, part: str, end: str) -> None:
    def reading(size: int) -> Callable[[], object]:
        line = start + part * (size // len(part)) + end
        page = f"## RENAMED Requirements\n{line}\n## ADDED Requirements\n{line}\n"
        return lambda: (list(placeholders([line])), Boxes(line), requirements(SourcePage(page)))

    assert grows_with_length(reading, 1_000)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("a\n" + "b" * 10_001, 2, "the line has 10001 characters"),
        ("a\n" * (1 << 20), None, "the page may have 1 MiB, and this one is larger"),
    ],
)
def test_what_is_too_long_is_said(tmp_path: Path, content: str, line: int | None, said: str) -> None:
    change(tmp_path, "add-cart")
    write(tmp_path, {"openspec/changes/add-cart/design.md": content})
    with pytest.raises(SpecguardError) as caught:
        flaws(source_folder(str(tmp_path), "add-cart"))
    assert (caught.value.message, caught.value.line) == (said, line)


def test_metadata_that_is_no_yaml(tmp_path: Path) -> None:
    change(tmp_path, "add-cart")
    write(tmp_path, {"openspec/changes/add-cart/.openspec.yaml": "a: [\n"})
    [flaw] = [one for one in flaws(source_folder(str(tmp_path), "add-cart")) if one.path.endswith("yaml")]
    assert (flaw.line, flaw.message) == (2, "it is not YAML: did not find expected node content")


@pytest.mark.parametrize(
    "task",
    ["- [ ] 1.1 Add the cart\n", "- [ ] 1.{} Add it\n  - depends: 1.{}\n"],
    ids=["one number", "a long chain"],
)
def test_no_number_of_tasks_takes_long(tmp_path: Path, task: str) -> None:
    change(tmp_path, "add-cart")

    def finding(count: int) -> Callable[[], object]:
        text = "".join(task.format(at, at - 1) for at in range(1, count))
        write(tmp_path, {"openspec/changes/add-cart/tasks.md": text})
        assert len(flaws(source_folder(str(tmp_path), "add-cart"))) >= count // 2
        return lambda: flaws(source_folder(str(tmp_path), "add-cart"))

    assert grows_with_length(finding, 400)
