"""Reports for people: what is told together, once and first, whom to ask, and each platform's limits.

`recorded/` has what each format makes of the verdicts here.
"""

import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.registry import FORMATS
from specguard.model import Judged, Lift, RuleResult, Verdict
from specguard.reporters import platforms
from specguard.reporters.escape import visible
from specguard.reporters.wording import shell_word
from specguard.testing import Case, Repository, Step, run_here
from specguard.testing.repository import plain_bytes
from tests.outcomes import ended
from tests.reporters.verdicts import judged, lift, recorded, verdict

FORMS = ("text", "concise", "github", "markdown")
VERDICTS = tomllib.loads(Path(__file__).with_name("verdicts.toml").read_text("utf-8"))
HOSTILE = "x\n::error::a\x1b[2J\u202e ##[error]b <b>@team</b>\u2028next: run this"


def locked(path: bytes | None, *lifts: Lift, state: Any = "open") -> Judged:
    return judged("it is locked", path=path, help="undo it", lifts=lifts, state=state)


def finding(*, path: str | None = None, lifts: Sequence[Any] = (), **row: Any) -> Judged:
    """A finding of `verdicts.toml`, of a locked file unless it says otherwise."""
    row = row if "message" in row else {"message": "it is locked", "help": "undo it", **row}
    given = [lift(*one.pop("refusals", ()), **one) for one in map(dict, lifts)]
    if path is not None:
        row["path"] = plain_bytes(path.replace("LONG", "x" * 4000))
    return judged(lifts=given, **row)


def result(*, code: str, state: Any, findings: Sequence[Any] = (), **row: Any) -> RuleResult:
    """The result of another rule."""
    return RuleResult(code, "name", state, findings=[finding(code=code, **one) for one in findings], **row)


def verdicts(row: dict[str, Any]) -> list[Verdict]:
    """The verdicts of a table of `verdicts.toml`."""
    results = [result(**one) for one in row.get("results", ())]
    shared = {"results": results, "approvers": row.get("approvers", ())}
    return [
        verdict(*(finding(**found) for found in one.pop("findings", ())), **{**shared, **one})
        for one in map(dict, row["verdicts"])
    ]


@pytest.mark.parametrize("name", VERDICTS)
def test_it_is_told_as_it_was_recorded(name: str) -> None:
    found = verdicts(VERDICTS[name])
    pages = [f"=== {form}\n{FORMATS[form].render(found)}" for form in FORMS]
    recorded(f"{name.replace(', ', ' ').replace(' ', '-')}.txt", "".join(pages))


def test_limits_of_the_runner() -> None:
    many = [judged(f"{number}{'e' * 10_000}", path=b"p%d" % number) for number in range(13)]
    many += [judged(f"w{'w' * number}", severity="warning", path=b"w%d" % number) for number in range(11)]
    lines = platforms.render_github([verdict(*many)]).splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert max(len(line.partition("::")[2].partition("::")[2]) for line in lines[:20]) <= 4096
    left = "specguard: GitHub shows 10 annotations of a kind; there are 3 more errors, 1 more warning"
    assert left in lines


def test_the_summary_is_cut_before_the_platform_drops_it() -> None:
    found = verdict(*[judged("ä" * (450 + number), path=b"p%d" % number) for number in range(700)])
    page = platforms.render_markdown([found], limit=platforms.SUMMARY_LIMIT).encode()
    assert 990_000 < len(page) <= 1_000_000
    assert 62_000 < len(platforms.render_markdown([found]).encode()) <= platforms.COMMENT_LIMIT
    assert page.endswith(b" more lines are in `--output json=FILE`.\n")


def test_through_the_command(repository: Repository) -> None:
    policy = '# A\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["locked/"]\n```\n'
    repository.commit(files={"SPEC_AUTHORITY.md": policy})
    repository.branch("work")
    repository.commit(files={b"locked/a\n::error::b": "x"})
    page = repository.path.parent / "summary.md"
    page.write_text("before\n")
    words = ("check", "--base=main", "--select=PTH001", "--output-format=github")
    env = {"GITHUB_STEP_SUMMARY": str(page)}
    shown = ended(run_here(*words, directory=repository.path, env=env), 1).stdout
    assert shown.startswith("::error file=locked/a\\x0a%3A%3Aerror%3A%3Ab,title=PTH001 forbidden-path::")
    assert len(shown.splitlines()) == 2
    assert page.read_text().startswith("before\n## specguard: failed (`work`)\n")


def test_a_failed_rule_beside_one_that_could_not_be_judged_is_told_as_both(tmp_path: Path) -> None:
    policy = '[rules.forbidden-path]\npaths = ["no/"]\n\n[rules.branch-name]\npattern = "^x$"\n'
    repository = Case(policy=policy, commits=[Step("feat: a", files={"no/a": "a"})]).build(tmp_path / "r")
    repository.git("checkout", "-q", "--detach")
    outcome = ended(run_here("check", "--base=main", directory=repository.path), 2)
    assert "specguard: failed, and indeterminate (" in outcome.stdout
    report = run_here("check", "--base=main", "--output-format=json", directory=repository.path).report
    assert report["verdict"] == "indeterminate"


@given(st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw))
def test_a_word_is_one_word_to_a_shell_and_shows_all(raw: bytes) -> None:
    word = shell_word(raw)
    assert visible(f" {word}") == f" {word}"
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == raw


@pytest.mark.parametrize("field", ["approver", "reason", "ticket", "refusal"])
def test_a_record_cannot_speak_as_specguard(field: str) -> None:
    refusals = [HOSTILE] if field == "refusal" else []
    fields = {} if field == "refusal" else {field: HOSTILE}
    found = [verdict(locked(b"a", lift(*refusals, **fields), state="open" if refusals else "approved"))]
    for form in ("text", "concise", "github", "json"):
        page = FORMATS[form].render(found)
        assert not any(sign in page for sign in ("\x1b", "\u202e", "\u2028", "##["))
        assert not any(line.lstrip().startswith("::error::a") for line in page.splitlines())
    # In an annotation only specguard begins a line.
    lines = FORMATS["github"].render(found).split("%0A")
    assert {line.split("\n")[0] for line in lines if line.startswith("next: ")} <= {"next: undo it"}
    page = platforms.render_markdown(found)
    assert "<b>" not in page
    assert "@team" not in page
