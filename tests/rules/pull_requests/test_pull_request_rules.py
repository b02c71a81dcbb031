"""PRQ001 to PRQ003: a pull request's title, body and target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.items import PHASES, PLAN, SUBJECT, judge, step

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"policy": PHASES, "base": [PLAN], "branch": "phase-12", "commits": [step(SUBJECT)]}
BODY = "Implements docs/phase-12.md."


def event(**fields: Any) -> dict[str, Any]:
    """A pull request's event, as GitHub writes it."""
    request = {
        "number": 7,
        "title": "Phase 12",
        "body": BODY,
        "head": {"ref": "phase-12", "sha": "{head}"},
        "base": {"ref": "main", "sha": "{base}"},
        **fields,
    }
    request = {key: value for key, value in request.items() if value is not ...}
    return {"action": "opened", "number": 7, "pull_request": request}


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Phase 12", ""),
        ("phase 12", "only the case differs"),
        ("Phase 012", "only case, padding"),
        ("Draft: Phase 12", "it has 'Draft: ' before it"),
        ("Phase 12: persistence", "it goes on with ': persistence'"),
        ("Something", "and phase 12 has 'Phase 12'"),
    ],
)
def test_the_items_title_is_meant_exactly(title: str, said: str, tmp_path: Path) -> None:
    expect = [{"message": said, "help": "'Phase 12'", "field": "pull_request.title"}] if said else []
    judge("PRQ001", tmp_path, **ITEM, title=title, expect=expect)


@pytest.mark.parametrize(
    ("settings", "title", "said"),
    [
        ("pattern = '^A-[0-9]+ '", "A-1 page", ""),
        ("pattern = '^A-[0-9]+ '", "page", "does not match"),
        ("conventional = true", "feat: page", ""),
        ("conventional = true", "page", "does not begin with a type"),
        ("conventional = true\ntypes = ['fix']", "feat: page", "its type 'feat' is not one of fix"),
    ],
)
def test_a_title_of_no_item(settings: str, title: str, said: str, tmp_path: Path) -> None:
    policy = f"[rules.pull-request-title]\n{settings}"
    expect = [{"message": said}] if said else []
    judge("PRQ001", tmp_path, policy=policy, commits=[step()], title=title, expect=expect)


def test_without_a_title_to_be_nothing_is_judged(tmp_path: Path) -> None:
    states = {"PRQ001": "not-applicable"}
    judge("PRQ001", tmp_path / "1", commits=[step()], title="any", states=states)
    judge("PRQ001", tmp_path / "2", **ITEM, states=states)


def test_a_title_that_is_not_known_does_not_pass(tmp_path: Path) -> None:
    states = {"PRQ001": "indeterminate"}
    judge("PRQ001", tmp_path, **ITEM, event=event(title=...), states=states, exit_code=2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BODY, ""),
        ("See [the document](docs/phase-12.md).", ""),
        ("Implements docs/phase-1.md.", "does not name the document of phase 12, 'docs/phase-12.md'"),
        ("", "does not name the document"),
        (None, "does not name the document"),
    ],
)
def test_the_body_names_the_document(body: str | None, said: str, tmp_path: Path) -> None:
    expect = [{"message": said, "help": BODY, "field": "pull_request.body"}] if said else []
    judge("PRQ002", tmp_path, **ITEM, event=event(body=body), expect=expect)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("## Tests\n\nmake test\n\n## Risks\n\nNone: it only adds text.\n", []),
        ("## 1. TESTS\r\n\r\nmake test\r\n\r\n### Risks (known)\r\n\r\n- none\r\n", []),
        ("Tests\n-----\n```\nmake test\n```\nRisks\n=====\n| a |\n|---|\n| b |\n", []),
        ("## Tests\n\nmake test\n", ["no section 'Risks'"]),
        ("## Tests\n\n## Risks\n\nsome\n", ["nothing in its section 'Tests'"]),
        ("## Tests\n\n<!-- how? -->\n\n## Risks\n\nTODO\n", ["its section 'Tests'", "its section 'Risks'"]),
        ("## Tests\n\n- [ ]\n- ...\n\n## Risks\n\n**TBD**\n", ["its section 'Tests'", "its section 'Risks'"]),
        ("```\n## Tests\n\nx\n\n## Risks\n\ny\n```\n", ["no section 'Tests'", "no section 'Risks'"]),
        ("<!--\n## Tests\n\nx\n-->\n## Risks\n\ny\n", ["no section 'Tests'"]),
        ("Tests: yes. Risks: none.", ["no section 'Tests'", "no section 'Risks'"]),
        ("", ["no section 'Tests'", "no section 'Risks'"]),
    ],
)
def test_the_sections_of_a_body(body: str, said: list[str], tmp_path: Path) -> None:
    policy = "[rules.pull-request-body]\nsections = ['Tests', 'Risks']"
    expect = [{"message": part} for part in said]
    judge("PRQ002", tmp_path, policy=policy, commits=[step()], title="x", body=body, expect=expect)


def test_a_body_that_is_not_known_does_not_pass(tmp_path: Path) -> None:
    states = {"PRQ002": "indeterminate"}
    judge("PRQ002", tmp_path / "1", **ITEM, title="Phase 12", states=states, exit_code=2)
    policy = f"[rules.pull-request-body]\nwork_document = 'optional'\n{PHASES}"
    states = {"PRQ002": "not-applicable"}
    judge("PRQ002", tmp_path / "2", **{**ITEM, "policy": policy}, title="Phase 12", states=states)


@pytest.mark.parametrize(
    ("policy", "target", "said"),
    [
        ("base = 'main'", "main", ""),
        ("base = 'main'", "next", "goes into 'next', and the base is 'main'"),
        ("base = 'main'\n[rules.pull-request-target]\nallow = ['stack/*']", "stack/one", ""),
        (f"base = 'next'\n{PHASES}base = 'main'", "next", "goes into 'next', and the base is 'main'"),
        (f"base = 'next'\n{PHASES}base = 'main'", "main", ""),
    ],
)
def test_the_target(policy: str, target: str, said: str, tmp_path: Path) -> None:
    judge(
        "PRQ003",
        tmp_path,
        **{**ITEM, "policy": policy},
        refs={"refs/remotes/origin/next": "base", "refs/remotes/origin/stack/one": "base"},
        event=event(base={"ref": target, "sha": "{base}"}),
        expect=[{"message": said, "field": "pull_request.base"}] if said else [],
    )


def test_where_there_is_no_target(tmp_path: Path) -> None:
    states = {"PRQ003": "not-applicable"}
    case = {"policy": "base = 'main'", "commits": [step()]}
    judge("PRQ003", tmp_path / "1", **case, title="x", states=states)
    judge("PRQ003", tmp_path / "2", commits=[step()], policy="merge = 'merge'", event=event(), states=states)


def test_in_a_merge_queue_there_is_no_text(tmp_path: Path) -> None:
    group = {
        "head_sha": "{head}",
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-1",
        "base_sha": "{base}",
    }
    judge(
        "PRQ",
        tmp_path,
        **ITEM,
        event={"merge_group": {**group, "base_ref": "refs/heads/main"}},
        states=dict.fromkeys(("PRQ001", "PRQ002", "PRQ003"), "not-applicable"),
    )
