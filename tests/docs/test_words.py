"""Pages, messages and docstrings are in plain words: short sentences, and not too many words."""

from pathlib import Path
from typing import Final

import pytest

from tests.rows import rows
from tools.words import files, problems, total

MOST_WORDS: Final = 60_000
"""What all pages may have together, as `wc -w docs/**/*.md README.md` counts; it only falls."""


def test_every_page_message_and_docstring_is_in_plain_words() -> None:
    assert not [(path, problem) for path in files() for problem in problems(path)]


def test_the_pages_have_no_more_words() -> None:
    assert total() <= MOST_WORDS


LONG = "word " * 25


@pytest.mark.parametrize(("text", "what"), rows(__file__, "found"))
def test_what_is_found(text: str, what: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text.replace("LONG", LONG.strip()))
    assert what in [problem.what for problem in problems(page)]


@pytest.mark.parametrize("text", rows(__file__, "passed"))
def test_what_is_not(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text.replace("LONG", LONG.strip()))
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


@pytest.mark.parametrize(("source", "found"), rows(__file__, "docstrings"))
def test_docstrings_are_read_from_modules(source: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(source)
    assert [problem.what.partition(":")[0] for problem in problems(tmp_path / "module.py")] == found
