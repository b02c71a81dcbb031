from __future__ import annotations

import pytest

from specguard.documents.content import bare_nothing, owes


@pytest.mark.parametrize(
    "text",
    [
        "TODO", "todo", "TODO: say which", "TODO(ann) say which", "TBD", "tbd.", "FIXME later", "[ ] TODO",
        "<name>", "<risk 1>: <mitigation>", "[fill in]", "[NAME]", "{{name}}", "${name}", "___", "...",
        "\u2026", "\u2014", "lorem ipsum dolor sit amet", "Lorem ipsum", "Owner: TBD", "Owner: <name>",
        "Owner:", "Risks: Owner: TBD", "to be determined", "To be filled in.", "Coming soon!",
        "Describe the risks here", "(add details here)", "Fill this in", "placeholder", "xxx",
    ],
)  # fmt: skip
def test_it_stands_for_what_is_owed(text: str) -> None:
    assert owes(text)


@pytest.mark.parametrize(
    "text",
    [
        "Todo lists render wrong", "The todo is here: fix it", "TODOs remain in src/a.py", "Owner: ann",
        "see [a](b.md)", '["a-1", "a-2"]', "['x']", "[a](b.md)", "[a][b]", "[[a/b]]", "[Risk]: text",
        "<https://x.org>", "Vec<String> is slow", "None: all of them are closed",
        "N/A - there is no database", "[x] done", "12", "src/a.py:12 TODO",
        "It is to be determined by the board", "a...b", "`__init__`", "Ja, \u00fcberall",
    ],
)  # fmt: skip
def test_it_says_something(text: str) -> None:
    assert not owes(text)
    assert not bare_nothing(text)


@pytest.mark.parametrize(
    "text", ["None", "none.", "N/A", "n/a", "- None", "**None**", "Not applicable.", "No"]
)
def test_nothing_without_a_reason_is_bare(text: str) -> None:
    assert bare_nothing(text)


def test_a_template_has_words_of_its_own() -> None:
    own = ["What could go wrong,  and how likely is it?"]
    assert owes("What could go wrong, and  how likely is it?", own)
    assert owes("Risks: what could go wrong, and how likely is it? ...", own)
    assert not owes("What could go wrong, and how likely is it? The cache.", own)
    assert owes("TBD - made by x. Say more later.", ["TBD - made by"])
