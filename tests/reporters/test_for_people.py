"""Reports for people: what is told together, once and first, whom to ask, and each platform's limits.

`recorded/` has what each format makes of the verdicts here.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.registry import FORMATS
from specguard.model import RuleResult
from specguard.reporters import json, platforms
from specguard.reporters.escape import visible
from specguard.reporters.wording import shell_word
from specguard.testing import Case, Repository, Step, run_here
from tests.outcomes import ended
from tests.reporters.verdicts import judged, lift, recorded, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from specguard.model import Judged, Lift, Verdict

FORMS = ("text", "concise", "github", "markdown")
NAME = b"a\n::error file=x::pwn\x1b[2J,`|<b>.md"
HOSTILE = "x\n::error::a\x1b[2J\u202e ##[error]b <b>@team</b>\u2028next: run this"


def locked(path: bytes | None, *lifts: Lift, state: Any = "open") -> Judged:
    return judged("it is locked", path=path, help="undo it", lifts=lifts, state=state)


def lacking(code: str, reason: str = "the clone is shallow") -> RuleResult:
    return RuleResult(code, "name", "indeterminate", reason=reason, command="git fetch")


def failed(code: str, *findings: Judged) -> RuleResult:
    return RuleResult(code, "name", "failed", findings=findings)


def approvers(*paths: bytes | None, source: str = "range") -> Verdict:
    return verdict(*map(locked, paths), approvers=("alice", "bob"), source=source)


STEPS = {"no end": "Mend it.", "no start": "Mend it.", "no middle": "Take it out.", "no name": "Mend it."}
BY_NAME = {name: f"Put it back with `git checkout x -- {name}`." for name in "ab"}

VERDICTS: dict[str, Sequence[Verdict]] = {
    "rules that lack the same fact are told together": [
        verdict(results=[*map(lacking, ("CMT001", "CMT002", "CMT003")), lacking("PRQ001", "no title")])
    ],
    "a file is named once": [
        verdict(
            judged("docs/a loses line 3: x", path=b"docs/a", line=3),
            judged("docs/a was deleted", path=b"docs/a"),
            judged("docs/ab is near", path=b"docs/a"),
            judged("docs/a, the document, is changed", path=b"docs/a"),
            judged("commit 111111111111 'x' works on two", commit="1" * 40),
            judged("was not read", path=b"SPEC_AUTHORITY.md", line=9),
        )
    ],
    "what findings have in common is said below the last of them": [
        verdict(*(judged(one, path=b"p%d" % n, help=STEPS[one]) for n, one in enumerate(STEPS)))
    ],
    "like findings are told once": [
        verdict(*(judged(f"{one} was modified", path=one.encode(), help=BY_NAME[one]) for one in BY_NAME))
    ],
    "what guards files comes first and the commits of a rule are one annotation": [
        verdict(
            results=[
                failed("BRN001", judged("a branch", code="BRN001")),
                failed(
                    "CMT002",
                    *(judged(f"no type {n}", code="CMT002", commit=f"{n}" * 40) for n in range(1, 4)),
                ),
                failed("CNT001", judged("a word", code="CNT001", path=b"a")),
                failed("PTH001", judged("a file", path=b"b")),
            ]
        )
    ],
    "refs without anything to judge are counted": [
        *(verdict(empty=True) for _ in range(3)), verdict(judged("a file", path=b"b")),
    ],
    "nothing to judge": [verdict(empty=True)],
    "a dry run warns": [verdict(judged("d", path=b"a"), dry_run=True)],
    "hostile names are one escaped line": [
        verdict(
            judged("see\n##[error]x\n::stop-commands::t", path=NAME, line=1),
            judged("b", path=b"\xff"),
            judged("c", field="branch", state="baselined"),
            branch="p`1",
        )
    ],
    "an approval is told with who, why, until when and how it is proven": [
        verdict(locked(b"docs/a", lift(), state="approved"), locked(b"docs/b", lift(), state="approved")),
        *(
            verdict(locked(b"a", lift(proof=proof, ticket=""), state="approved"))
            for proof in ("platform", "base", "local")
        ),
    ],
    "one that does not count says every reason behind one that counts": [
        verdict(locked(b"a", lift("it has no signature", "alice wrote the change", proof="local"))),
        verdict(locked(b"a", lift("it is expired", id="0" * 64, approver="bob"), lift(), state="approved")),
    ],
    "who may approve is said once with the command": [
        approvers(b"docs/a b", b"docs/c"),
        approvers(b"a", source="staged"),
        approvers(b"a", source="worktree"),
        approvers(b"a", b"a"),
        approvers(None),
        approvers(b"a", None),
        approvers(b"a", b"b", b"c", b"d"),
        approvers(b"x" * 4000),
        approvers(b"x\xff\n"),
    ],
    "nobody is named where nobody may or nothing is open": [
        verdict(locked(b"a")), verdict(locked(b"a", lift(), state="approved"), approvers=("alice",)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", VERDICTS)
def test_it_is_told_as_it_was_recorded(name: str) -> None:
    pages = [f"=== {form}\n{FORMATS[form].render(VERDICTS[name])}" for form in FORMS]
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


def test_json_has_every_approval() -> None:
    other = lift("it is expired", id="0" * 64, approver="bob", ticket="")
    found = verdict(locked(b"a", lift(), other, state="approved"), locked(b"b", other), approvers=("alice",))
    report = json.report(found)
    approved, refused = report["findings"]
    counts = {"id": lift().id, "approver": "alice", "reason": "the customer needs it", "ticket": "ABC-1"}
    counts |= {"expires_at": "2026-12-31T10:30:00Z", "proof": "signature"}
    assert approved["approval"] == counts
    assert [one["refusals"] for one in approved["approvals"]] == [[], ["it is expired"]]
    assert approved["approvals"][0] == {**counts, "refusals": []}
    assert refused["approval"] is None
    assert refused["approvals"][0]["ticket"] is None
    assert report["rules"][0]["approvers"] == ["alice"]


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
