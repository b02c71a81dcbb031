"""What entries of `expected_files` cover."""

import time

import pytest

from specguard.plans.task import expectation, expects_all
from tests.plans.making import plan_of, task


@pytest.mark.parametrize(
    ("text", "covered", "others"),
    [
        ("src/cart.py", ["src/cart.py"], ["src/cart.pyc", "src", "x/src/cart.py", "SRC/cart.py"]),
        ("src/", ["src/a", "src/b/c"], ["srcs/a"]),
        ("src/*.py", ["src/a.py"], ["src/b/a.py", "src/a.js"]),
        ("src/**/*.py", ["src/a.py", "src/b/a.py"], ["lib/a.py"]),
        ("app/[id]/page.tsx", ["app/[id]/page.tsx", "app/i/page.tsx"], ["app/x/page.tsx"]),
        ("app/[...slug].ts", ["app/[...slug].ts"], []),
        ("a [b.txt", ["a [b.txt"], []),
        ("src/cart.py (new)", ["src/cart.py"], ["src/cart.py (new)"]),
        ("src/cart.py - adds the cart", ["src/cart.py"], []),
        ("src/cart.py  # new", ["src/cart.py"], []),
        ("src/cart.py:12-40", ["src/cart.py"], []),
        ("docs/a b.md", ["docs/a b.md"], ["docs/a"]),
        ("#notes", ["#notes"], []),
        ("\u00e4/\u00f6.md", ["\u00e4/\u00f6.md"], []),
    ],
)
def test_what_an_entry_covers(text: str, covered: list[str], others: list[str]) -> None:
    expected = expectation(text)
    assert not expected.problem
    assert not expects_all(expected)
    for path in covered:
        assert expected.paths.find(path.encode()) is not None, path
    for path in others:
        assert expected.paths.find(path.encode()) is None, path


@pytest.mark.parametrize("text", ["**", "*", "**/*", ".", "./", "/", "**/**"])
def test_everything_is_no_expectation(text: str) -> None:
    expected = expectation(text)
    assert expected.problem or expects_all(expected)


@pytest.mark.parametrize(
    "text", ["", "  ", "/etc/hosts", "~/x", "C:\\x", "../x", "a/../../x", "a\\b", "a\nb", "x" * 2000, "a//b*"]
)
def test_what_is_no_path(text: str) -> None:
    expected = expectation(text)
    assert expected.problem
    assert not expected.paths


def test_entries_are_relative_to_the_folder_of_the_code() -> None:
    plan = plan_of([task(expected_files=["src/cart.py", "tests/", ".", "../x"])], code="shop/")
    expected = plan.tasks[0].expected_paths
    assert expected.find(b"shop/src/cart.py") is not None
    assert expected.find(b"src/cart.py") is None
    assert expectation(".", "shop").paths.patterns == ("shop",)
    assert expectation("*.py", "a[b]").paths.find(b"a[b]/x.py") is not None
    assert expectation("*.py", "a[b]").paths.find(b"ab/x.py") is None


@pytest.mark.parametrize(
    "text", ["x" + " " * 999, " (" * 499, "a:1" * 333, "x #" * 333, "[" * 1000, "*" * 1000]
)
def test_no_entry_takes_long(text: str) -> None:
    begun = time.perf_counter()
    for _ in range(20):
        expectation(text)
    assert time.perf_counter() - begun < 2
