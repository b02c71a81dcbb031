"""Pages and messages are in plain words: short sentences, no exceptions, and not too many words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tools.words import files, problems, total

if TYPE_CHECKING:
    from pathlib import Path

MOST_WORDS: Final = 60_000
"""What all pages may have together, as `wc -w docs/**/*.md README.md` counts; it only falls."""


def test_every_page_and_message_is_in_plain_words() -> None:
    assert not [(path, problem) for path in files() for problem in problems(path)]


def test_the_pages_have_no_more_words() -> None:
    assert total() <= MOST_WORDS


LONG = "word " * 25


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"A {LONG.strip()}.\n", "26 words"),
        (f"A sentence. And {LONG.strip()}.\n", "26 words"),
        (f"- an item of {LONG.strip()}.\n", "28 words"),
        ("There is none.\nIt is none of these.\n", "is none: say what is not there"),
        ("It is of the base.\n", "is of: belongs to, has, or is in"),
        ("It reads what stands in the file.\n", "what stands in: what is in"),
        ("Markdown alone is read.\n", "alone: only"),
        ("How to mend it.\n", "mend: fix"),
        ("Where a file is locked, ask.\n", "Where: If or When"),
        ("It passes, be it large or small.\n", "inversion"),
    ],
)
def test_what_is_found(text: str, what: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert what in [problem.what for problem in problems(page)]


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG.strip()}.\n",
        f"# {LONG}{LONG}\n",
        f"```\n{LONG}{LONG}\n```\n",
        f"| a |\n| --- |\n| {LONG}{LONG} |\n",
        f"`{LONG}` is code.\n",
        f"{', '.join(['`name`'] * 30)} and `last` are names.\n",
        "Where is it? Leave it alone.\n",
    ],
)
def test_what_is_not(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert not list(problems(page))


def test_messages_are_read_from_modules(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "raise SpecguardError(\n"
        f'    f"{{name}} alone" if name else "{LONG}"\n'
        f'    "one more",\n    help="mend it",\n)\n'
        '@click.command("x", short_help="It is none.")\n'
        "def command():\n"
        f'    """Do it.\n\n    {LONG}{LONG}\n    """\n'
        f'other("{LONG}{LONG}")\n'
    )
    assert sorted(problem.what for problem in problems(module)) == [
        "27 words", "50 words", "alone: only", "is none: say what is not there", "mend: fix",
    ]  # fmt: skip
