"""Names of other tables' entries that are nearly right are errors of the policy, each with its line."""

from __future__ import annotations

import pytest

from specguard.authority.compile import compile_policy
from specguard.authority.layers import PolicyError
from specguard.authority.load import AuthoritySource
from specguard.engine.plugins import load_registry

KNOWN = """
[artifacts.planning-pass]
path = "PASS.md"

[artifacts.execution-packet]
path = "PACKET.md"

[artifacts.agent-scratchpad]
path = "AGENT_{agent}.md"
timestamps = "present"

[work.slice]
source = "slices.yaml"
branch = "slice-{number}"
"""


def problems(text: str) -> list[tuple[str, int, str]]:
    """What is wrong with settings behind the known ones: each with its line among them, and its next step."""
    source = AuthoritySource("specguard.toml", "", KNOWN + text)
    try:
        compile_policy(
            [source],
            registry=load_registry,
            read=lambda path, _: AuthoritySource(path, "", "# Another document\n"),
        )
    except PolicyError as error:
        first = KNOWN.count("\n")
        return [(one.message, one.origin.line - first, one.help) for one in error.problems]
    return []


TYPOS = {
    "planing-pass": "planning-pass",
    "execution-paket": "execution-packet",
    "agent-scratchpd": "agent-scratchpad",
    "slise": "slice",
    "paket": "packet",
}
STAGE = '[[wave.stages]]\nname = "a"\n'
REVIEW = '[artifacts.review]\npath = "R.md"\n'


@pytest.mark.parametrize(
    ("above", "text", "key"),
    [
        (STAGE, 'requires = ["planing-pass"]', "wave.stages.0.requires.0"),
        (STAGE, 'leaves = ["planning-pass", "planing-pass"]', "wave.stages.0.leaves.1"),
        (STAGE, 'fields = {"execution-paket.x" = "y"}', "wave.stages.0.fields.execution-paket.x"),
        (STAGE, 'when = {"execution-paket.x" = "y"}', "wave.stages.0.when.execution-paket.x"),
        (STAGE, 'items = "slise"', "wave.stages.0.items"),
        (REVIEW, 'author_not = "slise.owner"', "artifacts.review.author_not"),
        (REVIEW, 'author_not = "paket.author"', "artifacts.review.author_not"),
        ('[[invariants]]\npaths = ["a"]\n', 'assessment = "planing-pass"', "invariants.0.assessment"),
        ('[grounding]\nall = ["a"]\n', 'cited_by = ["planing-pass"]', "grounding.cited_by.0"),
        ("[grounding]\n", 'noted_in = "agent-scratchpd"', "grounding.noted_in"),
        ("[rules.missing-compaction]\n", 'sweep = "agent-scratchpd"', "rules.missing-compaction.sweep"),
        (
            "[rules.too-many-agents]\n",
            'scratchpads = ["agent-scratchpd"]',
            "rules.too-many-agents.scratchpads.0",
        ),
        (
            "[rules.undisposed-slice]\n",
            'readiness = ["planing-pass"]',
            "rules.undisposed-slice.readiness.0",
        ),
    ],
)
def test_a_name_that_is_nearly_right_is_told(above: str, text: str, key: str) -> None:
    [name] = [typo for typo in TYPOS if f'"{typo}"' in text or f'"{typo}.' in text]
    said = f"`{key}` names {name!r}, which the policy does not have"
    line = above.count("\n") + 1
    assert problems(f"{above}{text}\n") == [(said, line, f"did you mean {TYPOS[name]!r}?")]


@pytest.mark.parametrize(
    ("above", "text", "said"),
    [
        (REVIEW, 'aliases = {Risk = ["Dangers"]}', "`aliases` has 'Risk'"),
        (
            REVIEW,
            'findings = {severities = ["high"], must_close = ["hihg"]}',
            "not one of its severities: did you mean 'high'?",
        ),
        (
            '[specs]\nstatuses = ["planned"]\n',
            "transitions = {plannd = []}",
            "`transitions` has the status 'plannd', which `statuses` does not have: did you mean 'planned'?",
        ),
        ("[plans.a]\n", 'done = ["dne"]', "which is not one of `statuses`: did you mean 'done'?"),
    ],
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


@pytest.mark.parametrize(
    "text",
    [
        '[[wave.stages]]\nname = "a"\nrequires = ["planning-pass", "drift-check"]\nitems = "slices"\n',
        '[[wave.stages]]\nname = "a"\nfields = {status = "x", "execution-packet.x" = "y", "a.b" = "z"}\n',
        '[artifacts.review]\npath = "R.md"\nauthor_not = "packet.author"\n',
        '[artifacts.review]\npath = "R.md"\nauthor_not = "steward.name"\n',
        '[rules.missing-compaction]\nsweep = ""\n',
    ],
)
def test_a_name_that_is_right_or_like_none_is_left_alone(text: str) -> None:
    assert problems(text) == []
