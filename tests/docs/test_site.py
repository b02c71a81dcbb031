"""The site: it holds every page, shows what the platform shows, and asks for nothing elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from markdown_it import MarkdownIt

from specguard.cli.docs import error_kinds
from specguard.testing.repository import clean_environment
from tests.browser import Browser, find
from tests.outcomes import there
from tools.pages import DOCS, ROOT

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install 'specguard[docs]'")
pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'specguard[docs]'")


PROGRAM: Final = find()
POLICY: Final = '<meta http-equiv="Content-Security-Policy"'
SOURCES: Final = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))

# What makes a browser load something, with the attribute that names it. Links are followed by a reader.
LOADING: Final = {
    **dict.fromkeys(("script", "img", "iframe", "source", "video", "audio", "embed"), "src"),
    "object": "data",
    "link": "href",
}
pytestmark = pytest.mark.xdist_group("site")


def build(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does; without a proxy that leads anywhere."""
    nowhere = "http://127.0.0.1:9"
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place), *words],
        cwd=ROOT,
        env={
            **clean_environment(),
            "NO_MKDOCS_2_WARNING": "1",
            "https_proxy": nowhere,
            "http_proxy": nowhere,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "site"
    done = build(place)
    # Strict: a page that is in no navigation, or a link or an anchor that leads nowhere, ends the build.
    assert done.returncode == 0, done.stdout
    return place


class Reader(HTMLParser):
    """What is on a page: its texts in order, what it loads, its links, its anchors, its inline styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.styles: list[str] = []
        self._within: list[str] = []
        self._skip = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        self._within.append(tag)
        if "id" in named:
            self.anchors.add(named["id"])
        if "style" in named:
            self.styles.append(named["style"])
        if tag == "link" and named.get("rel") in ("prev", "next", "canonical"):
            pass
        elif LOADING.get(tag, "") in named:
            self.loads.append(named[LOADING[tag]])
        if tag == "a":
            self._skip = "headerlink" in named.get("class", "")
            self.links.append(named.get("href", ""))
        if tag in ("h1", "h2", "h3", "h4", "li", "th", "td", "pre"):
            self.texts.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._skip = self._skip and tag != "a"
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._within:
            self.styles.append(data)
        if self.texts and not self._skip:
            tag, before = self.texts[-1]
            self.texts[-1] = (tag, before + data)

    def shown(self) -> list[tuple[str, str]]:
        """Headings, items, cells and code, with their texts; blank space is one space."""
        return [(tag, " ".join(text.split())) for tag, text in self.texts]


def read(file: Path) -> Reader:
    return Reader(file.read_text(encoding="utf-8"))


def built(page: str) -> str:
    return page.removesuffix(".md") + ".html"


def test_a_page_shows_what_the_platform_shows(site: Path) -> None:
    for page in SOURCES:
        text = (site / built(page)).read_text(encoding="utf-8")
        article = there(re.search(r"<article[^>]*>(.*)</article>", text, re.DOTALL))
        source = (DOCS / page).read_text(encoding="utf-8")
        here = Reader(MarkdownIt("commonmark").enable("table").render(source)).shown()
        assert Reader(article[1]).shown() == here, page


def test_a_page_that_is_in_no_navigation_ends_the_build(tmp_path: Path) -> None:
    pages = tmp_path / "docs"
    (pages / "rules").mkdir(parents=True)
    (pages / "rules" / "index.md").write_text("# Rules\n")
    (pages / "index.md").write_text("# Index\n")
    (pages / "orphan.md").write_text("# Nobody leads here\n")
    settings = tmp_path / "mkdocs.yml"
    settings.write_text(
        f"INHERIT: {ROOT}/mkdocs.yml\ndocs_dir: docs\nhooks: [{ROOT}/tools/site_hook.py]\n"
        "nav: [index.md, {Rules: rules/index.md}]\n"
    )
    done = build(tmp_path / "site", "--config-file", str(settings))
    assert done.returncode == 1
    assert "orphan.md" in done.stdout
    (pages / "orphan.md").unlink()
    done = build(tmp_path / "site", "--config-file", str(settings))
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Reader]:
    return {file: read(file) for file in sorted(site.rglob("*.html"))}


def test_everything_that_is_loaded_is_a_part_of_the_site(site: Path, pages: dict[Path, Reader]) -> None:
    for file, page in pages.items():
        assert f"<head>{POLICY} content=\"default-src 'self' file: data:" in file.read_text("utf-8"), file
        for name in page.loads:
            assert not re.match(r"[a-z]+:|//", name), f"{file} loads {name}"
            # The page of what is not found may stand at any depth, so its names begin at the root.
            place = site / name.lstrip("/") if name.startswith("/") else file.parent / name
            assert place.is_file(), f"{file} loads {name}"
        for style in page.styles:
            assert not foreign(style), f"{file}: {foreign(style)}"
    for sheet in site.rglob("*.css"):
        assert not foreign(sheet.read_text(encoding="utf-8")), sheet


def foreign(style: str) -> list[str]:
    """What a style sheet would load that is not data."""
    named = re.findall(r"url\(\s*['\"]?([^'\")\s]+)|@import\s+['\"]([^'\"]+)", style)
    return [one or other for one, other in named if not (one or other).startswith(("data:", "#"))]


def test_old_addresses_of_errors_lead_to_their_anchors(site: Path) -> None:
    anchors = read(site / "errors.html").anchors
    for name in error_kinds():
        old = (site / "errors" / f"{name}.html").read_text(encoding="utf-8")
        assert f"url=../errors.html#{name}" in old
        assert name in anchors
    assert "url=../errors.html" in (site / "errors" / "index.html").read_text(encoding="utf-8")


def test_links_that_leave_the_folder_lead_to_the_repository(site: Path, pages: dict[Path, Reader]) -> None:
    links = pages[site / "architecture.html"].links
    assert "https://github.com/specguard/specguard/blob/main/CONTRIBUTING.md" in links
    for page in pages.values():
        for link in page.links:
            if "specguard/specguard/blob/main/" in link:
                assert (ROOT / link.partition("/blob/main/")[2].partition("#")[0]).exists(), link


SEARCH: Final = """(box) => {
  box.focus();
  box.value = 'merge queue';
  box.dispatchEvent(new Event('input', {bubbles: true}));
  box.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true}));
}"""


@pytest.mark.skipif(PROGRAM is None, reason="no chromium or google-chrome on PATH")
def test_it_is_read_and_searched_as_files(site: Path, tmp_path: Path) -> None:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path) as browser:
        browser.open(site / "index.html")
        browser.evaluate(f"({SEARCH})(document.querySelector('[data-md-component=search-query]'))")
        browser.wait("document.querySelectorAll('.md-search-result__link').length > 0")
        links = "[...document.querySelectorAll('.md-search-result__link')].map((one) => one.href)"
        found = browser.evaluate(links)
        assert any(link.partition("?")[0].endswith("/ci.html") for link in found), found
        browser.open(site / "rules" / "index.html", dark=True)
        assert browser.said == []
        own = ("file:", "data:", "about:")
        assert [address for address in browser.asked if not address.startswith(own)] == []
