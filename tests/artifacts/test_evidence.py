"""Evidence that no case can state shortly; `tests/cases/artifacts/evidence-*.toml` have the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract, Evidence
from specguard.artifacts.evidence import dangling_evidence, missing_evidence

if TYPE_CHECKING:
    from tests.artifacts.conftest import Make


@pytest.mark.parametrize(
    ("root", "form"),
    [
        ("/home/me/project/", "/home/me/project/src/a.py:12"),
        ("/home/*/project", "/path/to/the/repository/src/a.py:12"),
    ],
)
def test_the_form_that_would_do_is_written_as_the_root_is(artifacts: Make, root: str, form: str) -> None:
    evidence = Evidence(section="Evidence Map", paths="absolute", roots=[root])
    contract = Contract(path="docs/final.md", evidence=evidence)
    [one] = artifacts({"final": contract}, {"docs/final.md": "## Evidence Map\n\nNothing.\n"}).all
    [finding] = missing_evidence(one)
    assert finding.help == f"Cite a file with its line, as {form}."


def test_a_link_is_no_file_with_lines(artifacts: Make) -> None:
    contract = Contract(path="docs/final.md", evidence=Evidence(section=""))
    found = artifacts(
        {"final": contract},
        {"docs/final.md": "- `link.py:1`\n- `docs/x.d:1`\n", "src/a.py": "1\n", "docs/x.d/y": ""},
        symlinks={"link.py": "src/a.py"},
    )
    assert [finding.message for finding in dangling_evidence(found.all[0])] == [
        "link.py:1 has no lines: link.py is no regular file",
        "docs/x.d:1 has no lines: docs/x.d is no regular file",
    ]
