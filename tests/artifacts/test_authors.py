from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.fields import shared_author, wrong_authors
from specguard.work.items import Work
from specguard.work.kinds import Names, WorkKind

if TYPE_CHECKING:
    from tests.artifacts.conftest import Make

PACKET = Contract(path="**/PHASE_{X}_EXECUTION_PACKET.md")
DRIFT = Contract(path="**/PHASE_{X}_DRIFT_CHECK.md", author_not="packet.author")
SLICES = """\
slices:
  - id: S1
    owner: Agent 3
  - id: S2
    owner: ann
  - id: S3
"""


@pytest.mark.parametrize(
    ("packet", "drift", "said"),
    [
        ("Author: Ann", "Author: Bob", ""),
        ("Author: Ann", "Steward: ann", "its author 'ann' is the author of p/PHASE_C_EXECUTION_PACKET.md"),
        ("Author: Agent 2", "Reviewed by: @agent-2", "is the author of"),
        ("Author: 2", "Author: AGENT_2 (steward)", "is the author of"),
        ("Author: Ann, Bob", "Author: Carol and Bob", "is the author of"),
        ("Author: Ann <ann@x.org>", "Author: A. N. Other (Ann@X.org)", "is the author of"),
        ("---\nauthor: Ann\n---", "| Author | Ann - steward |\n|---|---|\n", "is the author of"),
        ("Author: Ann\n\nReviewer: Bob", "Steward: Bob", ""),
        ("Reviewer: Bob", "Steward: Bob", "is the author of"),
        ("Author: Ann", "x", "it does not say who its author is"),
        ("Author: Ann", "Author: TBD", "it does not say who its author is"),
        ("x", "Author: Ann", "the author of p/PHASE_C_EXECUTION_PACKET.md is not stated"),
        (None, "Author: Ann", "there is no packet whose author could be compared"),
    ],
)
def test_it_is_not_the_author_of_another_one(
    artifacts: Make, packet: str | None, drift: str, said: str
) -> None:
    files = {"p/PHASE_C_DRIFT_CHECK.md": drift, "q/PHASE_D_EXECUTION_PACKET.md": "Author: Bob"}
    if packet is not None:
        files["p/PHASE_C_EXECUTION_PACKET.md"] = packet
    found = artifacts({"execution-packet": PACKET, "drift": DRIFT}, files)
    messages = [one.message for one in wrong_authors(found.named("drift")[0])]
    assert len(messages) == bool(said)
    assert said in "".join(messages)
    assert not list(shared_author(found.named("drift")[0], None))


@pytest.mark.parametrize(
    ("branch", "text", "said"),
    [
        ("slice-S1", "Reviewer: ann", ""),
        ("slice-S1", "Reviewer: agent_3", "its author 'agent_3' is the owner of slice S1"),
        ("main", "Reviewer: ann", "neither it nor the change names a slice"),
        ("main", "Slice: S2\n\nReviewer: Ann", "is the owner of slice S2"),
        ("slice-S1", "Slices: S1, S2\n\nReviewer: Ann", "is the owner of slice S2"),
        ("slice-S3", "Reviewer: Ann", "slice S3 has no owner"),
        ("slice-S1", "x", "it does not say who its author is, who must not be the owner of slice S1"),
    ],
)
def test_it_is_not_the_owner_of_a_slice(artifacts: Make, branch: str, text: str, said: str) -> None:
    contract = Contract(path="**/REVIEW.md", author_not="slice.owner")
    found = artifacts({"review": contract}, {"REVIEW.md": text, "slices.yaml": SLICES})
    kinds = {"slice": WorkKind(source="slices.yaml", items="slices", number="id", branch="slice-{id}")}
    naming = Names(kinds).read("branch", branch)
    work = Work(kinds, [naming] if naming else [], tree=lambda: found.documents.tree, branch=branch)
    messages = [one.message for one in shared_author(found.judged[0], work)]
    assert len(messages) == bool(said)
    assert said in "".join(messages)


def test_what_is_neither_is_said(artifacts: Make) -> None:
    contract = Contract(path="**/REVIEW.md", author_not="slice.owner")
    [finding] = shared_author(artifacts({"review": contract}, {"REVIEW.md": "x"}).judged[0], None)
    assert finding.message == "'slice' is neither a kind of work item nor an artifact"
