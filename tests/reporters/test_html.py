"""The page: what it says, that nothing of a change becomes markup, and that it stays bounded."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.change.lines import Hunk
from specguard.errors import SpecguardError
from specguard.model import Finding, RuleResult, Verdict
from specguard.reporters import html
from specguard.reporters.html import changed_lines, excerpt
from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.reporters.published import obeyed, unseen
from tests.reporters.test_hostile_text import HOSTILE, harmless
from tests.reporters.verdicts import full, recorded
from tests.rows import rows
from tests.taking import grows_with_length

MARKUP: dict[str, str] = dict(rows(__file__, "markup")) | {"no text": "\udc80\udcff\x00"}


class Reader(HTMLParser):
    """What a page is made of."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.depth: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.depth.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.depth.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        if not self.depth or self.depth[-1] != "style":
            self.text.append(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.depth
    return reader


def said(page: str) -> str:
    """The text of a page, on one line."""
    return " ".join("".join(read(page).text).split())


def test_what_a_reader_sees_is_as_it_was_recorded() -> None:
    page = html.render([full("plain")])
    pieces = [" ".join(piece.split()) for piece in read(page).text]
    recorded("full.html.txt", "".join(f"{piece}\n" for piece in pieces if piece))
    # Lines of the change stand in their own elements.
    assert "<ins><i>9</i>new plain\n</ins>" in page
    assert "<del><i>42</i>gone\n</del>" in page
    assert page == html.render([full("plain")])


def test_nothing_is_loaded_and_no_script_runs() -> None:
    page = html.render([full("plain")])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    (content,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy[1]
    reader = read(page)
    assert "script" not in [tag for tag, _ in reader.tags]
    assert not [name for name, _ in reader.values if name in ("src", "style") or name.startswith("on")]
    assert all(value.startswith("#") for name, value in reader.values if name == "href")
    assert "url(" not in page
    assert "@import" not in page


def test_a_page_for_those_who_hear_it() -> None:
    page = html.render([full("plain"), full("other")])
    reader = read(page)
    names = [tag for tag, _ in reader.tags]
    assert names.count("h1") == 1
    assert names.count("main") == 1
    levels = [int(tag[1]) for tag in names if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [value for name, value in reader.values if name == "id"]
    assert len(ids) == len(set(ids))
    for name, value in reader.values:
        if name == "aria-labelledby" or (name == "href" and value != "#"):
            assert value.removeprefix("#") in ids, value


PLAIN = {many: read(html.render([full("plain", many=many)])).tags for many in (0, 3)}


@pytest.mark.parametrize("text", [*HOSTILE.values(), *MARKUP.values()], ids=[*HOSTILE, *MARKUP])
def test_nothing_of_a_text_is_markup(text: str) -> None:
    page = html.render([full(text, many=3)])
    assert read(page).tags == PLAIN[3]
    # Where a value may come from outside it names no place and no script.
    places = [value for name, value in read(page).values if name == "href"]
    assert all(value.startswith("#v") or value == "#main" for value in places)
    error = html.error_report(SpecguardError(text, help=text, path=text, line=3, code="usage"))
    plain = html.error_report(SpecguardError("plain", help="plain", path="plain", line=3))
    assert read(error).tags == read(plain).tags
    assert all(said in error for said in ("No verdict", " [usage]</span>"))
    for line in f"{page}\n{error}".split("\n"):
        assert not unseen(line.replace("\t", "")), ascii(line)
        assert not obeyed(line), ascii(line)
        assert not re.match(r"(?i)\s*specguard\s*:", line), ascii(line)
    harmless(re.sub(r"<style>.*</style>|\t", "", page, flags=re.DOTALL))
    page.encode("utf-8")


@given(st.text(min_size=1, max_size=200))
def test_any_text(text: str) -> None:
    assert read(html.render([full(text)])).tags == PLAIN[0]


AUTHORITY = Path(__file__).with_name("html.md").read_text("utf-8")


def test_a_check(repository: Repository) -> None:
    content = "".join(f"line {number}\n" for number in range(1, 30))
    files: dict[str | bytes, str | bytes] = {
        "SPEC_AUTHORITY.md": AUTHORITY,
        "locked/a": content,
        "b": content,
    }
    repository.commit("chore: base", files=files)
    repository.branch("work")
    printing = content.replace("line 12\n", "line 12\nprint <b>\n")
    repository.commit(files={"locked/a": content.replace("line 4\n", "other\n"), "b": printing})
    outcome = ended(run_here("check", "--output-format=html", directory=repository.path), 1)
    page = said(outcome.stdout)
    assert "Failed 2 errors in 2 files (2 rules)." in page
    assert '4other The authority SPEC_AUTHORITY.md:8 paths = ["locked/"]' in page
    assert '13print <b> The authority SPEC_AUTHORITY.md:11 pattern = "print"' in page
    assert re.search(r"Change[0-9a-f]{64}", page)


def test_nothing_to_judge() -> None:
    change = {"source": "range", "head": "2" * 40}
    empty = Verdict(change=change, authority={}, results=[RuleResult("TST001", "a", "passed")], empty=True)
    assert "Passed Nothing to judge." in said(html.render([empty]))
    assert "Nothing to judge" in said(html.render([]))


def test_of_several_verdicts_the_worst_is_the_headline() -> None:
    passed = Verdict(change={"source": "push", "branch": "b0"}, authority={}, results=[])
    page = said(html.render([passed, full("bad")]))
    assert page.count("No full verdict") >= 2
    assert "Passed b0: push" in page
    assert "2 verdicts." in page
    assert "bad: range" in page


def test_a_page_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "LIMIT", 200_000)
    page = html.render([full("plain", many=2000, rules=2)])
    assert len(page) < 300_000
    # Those that have little are there in full, and the others have a part each.
    assert "TST001" in page
    left = [int(number) for number in re.findall(r'"cut">(\d+) more are not on this page', page)]
    assert len(left) == 2
    assert all(800 < number < 1000 for number in left)


def test_the_time_grows_with_the_findings() -> None:
    assert grows_with_length(lambda size: lambda: html.render([full("plain", many=size)]), 200)


def hunk(old: int, removed: int, new: int, added: int) -> Hunk:
    return Hunk(old, [b"r%d" % n for n in range(removed)], new, [b"a%d" % n for n in range(added)])


def at(line: int | None, **fields: Any) -> Finding:
    return Finding("x", path=b"f", line=line, **fields)


def test_an_excerpt_is_about_the_line() -> None:
    changed = changed_lines([hunk(3, 0, 4, 1), hunk(20, 1, 22, 100), hunk(60, 4, 160, 0)])
    assert len(changed) == 1 + 101 + 4
    assert [line.number for line in excerpt(changed, at(50))] == [50]
    removed = excerpt(changed, at(61, side="base"))
    assert [(line.added, line.number) for line in removed] == [(False, 61)]
    # These lines are not the change's.
    assert [excerpt(changed, at(line)) for line in (1, 5, 21, 122, 160)] == [[]] * 5
    assert excerpt(changed_lines(()), Finding("x", path=b"g")) == []
    assert excerpt(changed_lines(()), Finding("x")) == []


def test_an_error_of_a_check_is_a_page(repository: Repository, tmp_path: Path) -> None:
    policy = "# A\n\n```toml specguard\n'<b>' = 1\n'<i>' = 2\n```\n"
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": policy})
    file = tmp_path / "page.html"
    outcome = run_here("check", "--output-format=html", f"--output=html={file}", directory=repository.path)
    assert outcome.exit_code == 2
    assert file.read_text("utf-8") == outcome.stdout
    assert outcome.stdout.startswith("<!DOCTYPE html>\n")
    assert said(outcome.stdout).count("SPEC_AUTHORITY.md:") == 2
    assert "i" not in [tag for tag, _ in read(outcome.stdout).tags]
