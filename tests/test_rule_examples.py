"""Every rule of every registered family does what the examples on its manual page say."""

from pathlib import Path

import pytest

from specguard.engine.plugins import load_registry
from specguard.reporters import manual
from specguard.rules import Rule
from specguard.testing import Example, examples
from tools.pages import documented_output, normalize_rule, printed_findings

RULES = [registered.rule for registered in load_registry().rules.values()]
FIRST = {next(example.name for example in examples(rule) if example.kind == "fails") for rule in RULES}
OTHERS = [example for rule in RULES for example in examples(rule) if example.name not in FIRST]


@pytest.mark.parametrize("example", OTHERS, ids=lambda example: example.name)
def test_an_example_does_what_it_says(example: Example, tmp_path: Path) -> None:
    example.check(tmp_path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_first_example_that_fails_does_so_and_the_page_shows_what_is_printed(
    rule: type[Rule], tmp_path: Path
) -> None:
    """`python tools/pages.py rules` writes it."""
    assert normalize_rule(documented_output(rule)) in map(normalize_rule, printed_findings(rule, tmp_path))


def test_a_page_says_what_why_and_how_to_fix_it() -> None:
    for rule in RULES:
        assert {example.kind for example in examples(rule)} == {"fails", "passes"}, rule
        text = manual.Docstring(rule.__doc__)
        assert [text.prose.count(mark) for mark in ("Why is this bad?", "How to fix it:")] == [1, 1], rule
        assert text.remedy.endswith((".", "`")), rule
        assert "```" not in text.prose, rule
