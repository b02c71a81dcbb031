from __future__ import annotations

import time
from typing import TYPE_CHECKING

from specguard.artifacts.sections import missing_options
from specguard.documents.document import Document

if TYPE_CHECKING:
    from tests.artifacts.conftest import Each

OPTIONS = ["A", "B", "C"]
OTHERS = "\n\n## Option B: b\n\nIt is new.\n\n## Option C: c\n\nIt is none.\n"


def test_an_option_is_described(each: Each) -> None:
    rows = [
        "## Option A: keep it\n\nIt works.", "### 1. Option A\n\nIt works.", "# A) keep it\n\nIt works.",
        "## A\n\n- It works.", "## Alternative A \u2014 keep it\n\nIt works.", "- **Option A**: keep it",
        "- A: keep it", "1. A) keep it", "**Option A: keep it**\n\nIt works.", "**A.** It works.",
        "| Option | What |\n|---|---|\n| A | keep it |",
        "- ways\n  - Option A: keep it", "## OPTION #A\n\n### Cost\n\nIt works.",
        "Options\n===\n\n- Option A\n\n  It works.",
    ]  # fmt: skip
    for text, one in each((row + OTHERS for row in rows), options=OPTIONS):
        assert not list(missing_options(one)), text


def test_an_option_is_missing(each: Each) -> None:
    rows = [
        ("", "has no option A"), ("A plan for all.", "has no option A"), ("- A plan", "has no option A"),
        ("<!-- ## Option A\n\nx -->", "has no option A"), ("```\n## Option A\nx\n```", "has no option A"),
        ("> ## Option A\n> It works.", "has no option A"),
        ("## Option \u0410\n\nIt works.", "has no option A"),
        ("## Option AB\n\nIt works.", "has no option A"), ("## Optional\n\nIt works.", "has no option A"),
        ("## Option A: keep it", "option A is named, and nothing is said of it"),
        ("## Option A\n\nTBD", "option A is named"), ("- A: <what>", "option A is named"),
        ("## Option A\n\n<!-- It works. -->", "option A is named"),
        ("| A | |\n|---|---|\n| A | TBD |", "A is named"),
    ]  # fmt: skip
    made = each((text + OTHERS for text, _ in rows), options=OPTIONS)
    for (text, one), (_, said) in zip(made, rows, strict=True):
        [finding] = missing_options(one)
        assert said in finding.message, text
        assert (finding.key, finding.setting) == ("option A", "artifacts.final.options.0")


def test_an_option_is_no_copy(each: Each) -> None:
    text = "## Option A: a\n\nIt  *works*.\n\n## Option B: b\n\nit works.\n\n## Option C: c\n\nIt is none.\n"
    [(_, one)] = each([text], options=OPTIONS)
    [finding] = missing_options(one)
    assert finding.message == "option B is option A, word for word"


def test_options_may_have_names(each: Each) -> None:
    text = "## Redis\n\nFast.\n\n## Approach: No  cache at all\n\nSimple.\n"
    [(_, one)] = each([text], options=["Redis", "no cache"])
    assert not list(missing_options(one))


def test_many_take_no_time(each: Each) -> None:
    parts = ["## Option A\n\n", "**Option A**\n\n", "- A:\n", "| A |", "A "]
    for part, one in each((part * 5_000 for part in parts), options=OPTIONS):
        assert isinstance(one.document, Document)
        before = time.process_time()
        list(missing_options(one))
        assert time.process_time() - before < 2, part[:10]
