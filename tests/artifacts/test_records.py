from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.fields import unrecorded

if TYPE_CHECKING:
    from specguard.testing import Repository
    from tests.artifacts.conftest import Make


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Options: {oid}\n", ""),
        ("- read `{oid:.9}` of the options\n", ""),
        ("---\noptions: {oid:.12}\n---\n", ""),
        ("# Review of {oid}\n", ""),
        ("| Options | {oid} |\n|---|---|\n", ""),
        ("```\n{oid}\n```\n", ""),
        ("no id\n", "names no object id of p/x/OPTIONS.md"),
        ("{oid:.6}\n", "names no object id of p/x/OPTIONS.md"),
        ("<!-- {oid} -->\n", "names no object id of p/x/OPTIONS.md"),
        ("x{oid}\n", "names no object id of p/x/OPTIONS.md"),
        ("1234567890\n", "names another object id than that of p/x/OPTIONS.md"),
    ],
)
def test_it_names_what_it_has_read(artifacts: Make, repository: Repository, text: str, said: str) -> None:
    text = text.format(oid=repository.blob("A or B\n"))
    contract = Contract(path="p/{name}/REVIEW.md", records=["OPTIONS.md", "p/{name}/REVIEW.md"])
    found = artifacts({"review": contract}, {"p/x/OPTIONS.md": "A or B\n", "p/x/REVIEW.md": text})
    messages = [one.message for one in unrecorded(found.judged[0])]
    assert len(messages) == bool(said)
    assert said in "".join(messages)


def test_what_is_not_there_cannot_be_named(artifacts: Make) -> None:
    contract = Contract(path="p/{name}/REVIEW.md", records=["p/{name}/OPTIONS.md"])
    [finding] = unrecorded(artifacts({"review": contract}, {"p/x/REVIEW.md": "1234567"}).judged[0])
    assert "p/x/OPTIONS.md, which is not there" in finding.message
    assert (finding.key, finding.setting) == ("record p/x/OPTIONS.md", "artifacts.review.records.0")
