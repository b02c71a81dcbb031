"""Names of other tables' entries that are nearly right are errors of the policy, each with its line."""

import pytest

from specguard.authority.layers import PolicyError
from tests.fuzz.policies import load
from tests.rows import recorded, rows

KNOWN = recorded(__file__, "known")


def problems(text: str) -> list[tuple[str, int, str]]:
    """What is wrong with settings behind the known ones: each with its line among them, and its next step."""
    try:
        load({"specguard.toml": KNOWN + text, "a.md": "# Another document\n"})
    except PolicyError as error:
        first = KNOWN.count("\n")
        return [(one.message, (one.line or 0) - first, one.help) for one in error.each()]
    return []


TYPOS = recorded(__file__, "typos")
STAGE = '[[wave.stages]]\nname = "a"\n'
REVIEW = '[artifacts.review]\npath = "R.md"\n'


@pytest.mark.parametrize(("above", "text", "key"), rows(__file__, "a_name_that_is_nearly_right_is_told"))
def test_a_name_that_is_nearly_right_is_told(above: str, text: str, key: str) -> None:
    [name] = [typo for typo in TYPOS if f'"{typo}"' in text or f'"{typo}.' in text]
    said = f"`{key}` names {name!r}, which the policy does not have"
    line = above.count("\n") + 1
    assert problems(f"{above}{text}\n") == [(said, line, f"did you mean {TYPOS[name]!r}?")]


@pytest.mark.parametrize(
    ("above", "text", "said"),
    rows(__file__, "what_values_have_against_each_other_is_told_on_the_line_of_one"),
)
def test_what_values_have_against_each_other_is_told_on_the_line_of_one(
    above: str, text: str, said: str
) -> None:
    [(message, line, _)] = problems(f"{above}{text}\n")
    assert said in message
    assert line == above.count("\n") + 1


def test_an_owner_who_may_not_approve_is_told() -> None:
    above = '[[approvals.approver]]\nname = "dora"\nmay = ["PTH"]\n[rules.locked-path]\npaths = ["docs/"]\n'
    owners = '[rules.locked-path.owners]\n"docs/" = [\n    "dora",\n    {}\n]\n'
    said = "`rules.locked-path.owners.docs/.1` names {!r}, who is no `[[approvals.approver]]`"
    assert problems(above + owners.format('"dorra"')) == [(said.format("dorra"), 9, "did you mean 'dora'?")]
    step = "add a table [[approvals.approver]] for this person"
    assert problems(above + owners.format('"eve"')) == [(said.format("eve"), 9, step)]
    assert problems(above + owners.format("")) == []


@pytest.mark.parametrize("text", rows(__file__, "a_name_that_is_right_or_like_none_is_left_alone"))
def test_a_name_that_is_right_or_like_none_is_left_alone(text: str) -> None:
    assert problems(text) == []
