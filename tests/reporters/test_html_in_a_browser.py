"""The page in a real browser: it is silent, legible in any light and width, and used by keyboard alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from specguard.errors import SpecguardError
from specguard.reporters import html
from tests.browser import Browser, find
from tests.reporters.verdicts import full

PROGRAM: Final = find()

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium or google-chrome on PATH")

HOSTILE: Final = "<img src=x onerror=alert(1)>\"'&{{7*7}}</script></style>\u202e\x1b[2J " + "w" * 300
MANY: Final = 2000

PAGES: Final = ("small", "large", "several", "hostile", "passed", "error")

CONTRAST: Final = Path(__file__).with_name("contrast.js").read_text("utf-8")
WIDER: Final = """[...document.querySelectorAll("body *")].filter((one) => {
  const place = one.getBoundingClientRect();
  return place.width && place.right > document.documentElement.clientWidth + 1 && !one.closest(".id, .skip");
}).map((one) => one.tagName + "." + one.className)"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each kind."""
    place = tmp_path_factory.mktemp("pages")
    passed = full("plain")
    passed.results = [one for one in passed.results if one.state in ("passed", "off")]
    passed.policy_change = []
    for name, page in {
        "small": html.render([full("config")]),
        "large": html.render([full("config", many=MANY)]),
        "several": html.render([full("feature/one"), full("feature/two", many=30)]),
        "hostile": html.render([full(HOSTILE)]),
        "passed": html.render([passed]),
        "error": html.error_report(SpecguardError(HOSTILE, help=HOSTILE, path=HOSTILE, line=3)),
    }.items():
        (place / f"{name}.html").write_text(page, "utf-8")
    return place


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True), (320, False)])
@pytest.mark.parametrize("name", PAGES)
def test_it_is_silent_and_legible(
    browser: Browser, pages: Path, name: str, width: int, dark: bool, tmp_path: Path
) -> None:
    browser.open(pages / f"{name}.html", width=width, dark=dark)
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is not dark
    browser.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    browser.evaluate("document.querySelector('.skip').focus()")
    seen, weak = browser.evaluate(CONTRAST)
    assert seen > 5
    assert weak == []
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if name != "large":
        assert browser.evaluate(WIDER) == []
    # Something is painted.
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 3000
    assert browser.said == []
    assert browser.asked == [(pages / f"{name}.html").as_uri()]


def test_it_is_used_by_keyboard(browser: Browser, pages: Path) -> None:
    browser.open(pages / "large.html")
    here = "document.activeElement"
    focused = f"{here}.id || {here}.className || {here}.tagName"
    browser.press("Tab")
    assert browser.evaluate(focused) == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    browser.wait("document.activeElement.id === 'main'")
    for _ in range(40):
        browser.press("Tab")
        if browser.evaluate(focused) == "SUMMARY":
            break
    before = browser.evaluate("document.activeElement.parentElement.open")
    browser.press("Enter")
    browser.wait(f"document.activeElement.parentElement.open === {str(not before).lower()}")
    assert browser.said == []
