"""ART019, judged through the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Step
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

BASE = Step(
    "chore: base",
    files={
        "src/routes.ts": "a('/api/orpc/x'); b('/api/orpc/y')\n",
        "src/other.ts": "x\n",
        "packages/state/index.ts": "state\n",
        "packages/state/more.ts": "more\n",
        "packages/db/index.ts": "db\n",
    },
)
PATTERN = '[[invariants]]\npaths = ["src/*.ts"]\npattern = "/api/orpc/"\n'
AT_LEAST = PATTERN + 'count = "at-least"\nmessage = "routes are public"\n'
ANCHORED = PATTERN.replace('"/api/orpc/"', "'^/api/orpc/$'")
PLACES = '[[invariants]]\npaths = ["packages/state", "packages/*/index.ts", "src/routes.ts"]\n'
THREE = {"src/routes.ts": "('/api/orpc/x')\n/api/orpc/ /api/orpc/\n"}


@pytest.mark.parametrize(
    ("policy", "change", "expected"),
    [
        (PATTERN, Step("x", files={"src/routes.ts": "'/api/orpc/x'\n\n'/api/orpc/y'\n"}), []),
        (PATTERN, Step("x", files={"src/other.ts": "y\n", "packages/db/index.ts": "/api/orpc/"}), []),
        (PATTERN, Step("x", files=THREE), ["3 times, and 2 times before"]),
        (PATTERN, Step("x", files={"src/routes.ts": "'/api/orpc/x'\n"}), ["1 time, and 2 times before"]),
        (PATTERN, Step("x", delete=["src/routes.ts"]), ["0 times, and 2 times before: the file is gone"]),
        (
            PATTERN,
            Step("x", rename={"src/routes.ts": "src/r.ts"}),
            ["src/r.ts 2 times, and 0", "routes.ts 0"],
        ),
        (PATTERN, Step("x", files={"src/new.ts": "/api/orpc/"}), ["src/new.ts 1 time, and 0 times before"]),
        (PATTERN, Step("x", delete=["src/routes.ts"], symlinks={"src/routes.ts": "/api/orpc/"}), ["0 times"]),
        (ANCHORED, Step("x", files={"src/routes.ts": "x\n/api/orpc/\ny\n"}), ["1 time, and 0 times before"]),
        (AT_LEAST, Step("x", files=THREE), []),
        (AT_LEAST, Step("x", files={"src/routes.ts": "x\n"}), ["2 times before; routes are public"]),
        (PLACES, Step("x", files={"src/routes.ts": "x\n", "packages/state/index.ts": "y\n"}), []),
        (PLACES, Step("x", delete=["packages/state/more.ts"]), []),
        (PLACES, Step("x", delete=["packages/db/index.ts"]), ["the file packages/db/index.ts is gone"]),
        (PLACES, Step("x", rename={"src/routes.ts": "src/r.ts"}), ["is gone: it was moved to src/r.ts"]),
        (
            PLACES,
            Step("x", delete=["packages/state/index.ts", "packages/state/more.ts"]),
            ["the folder packages/state is gone", "the file packages/state/index.ts is gone"],
        ),
        (
            PLACES,
            Step("x", delete=["src/routes.ts"], symlinks={"src/routes.ts": "other.ts"}),
            ["the file src/routes.ts is no longer a file"],
        ),
    ],
)
def test_invariants(policy: str, change: Step, expected: list[str], tmp_path: Path) -> None:
    expect = [{"message": message} for message in expected]
    judge("ART019", tmp_path, policy=policy, base=[BASE], commits=[change], expect=expect)


ASSESSED = PATTERN + 'assessment = "structure"\n\n[artifacts.structure]\npath = "docs/STRUCTURE_{n}.md"\n'


@pytest.mark.parametrize(
    ("policy", "path", "outcome"),
    [
        (ASSESSED, "docs/STRUCTURE_1.md", {"expect": [{"path": "src/routes.ts"}]}),
        (ASSESSED, "docs/other.md", {"states": {"ART019": "not-applicable"}}),
        (
            PATTERN + 'assessment = "structur"\n',
            "docs/x.md",
            {"states": {"ART019": "indeterminate"}, "exit_code": 2, "notes": ["is no contract"]},
        ),
    ],
)
def test_what_holds_in_assessments(policy: str, path: str, outcome: dict[str, Any], tmp_path: Path) -> None:
    commits = [Step("x", files={"src/routes.ts": "x\n", path: "# Structure\n"})]
    judge("ART019", tmp_path, policy=policy, base=[BASE], commits=commits, **outcome)


def test_a_line_that_is_too_long_is_no_pass(tmp_path: Path) -> None:
    commits = [Step("x", files={"src/routes.ts": "/api/orpc/" + "x" * 6000, "src/n.ts": "/api/orpc/"})]
    judge(
        "ART019",
        tmp_path,
        policy=PATTERN,
        base=[BASE],
        commits=commits,
        states={"ART019": "indeterminate"},
        exit_code=2,
        notes=["6010 bytes"],
        expect=[{"path": "src/n.ts"}],
    )
