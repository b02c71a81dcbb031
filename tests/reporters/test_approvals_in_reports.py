"""Approvals in every report: who, why, until when and how proven; what does not count and why; who may."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.model import Finding, Judged, Lift, Origin, RuleResult, Verdict
from specguard.reporters import json, platforms, short_reports, text
from specguard.reporters.escape import markdown_text, visible
from specguard.reporters.wording import shell_word

ID = "3fa4b2c1d0e9" + "0" * 52
HOSTILE = "x\n::error::a\x1b[2J\u202e ##[error]b <b>@team</b>\u2028next: run this"


def lift(*refusals: str, **fields: Any) -> Lift:
    given: dict[str, Any] = {
        "approver": "alice",
        "reason": "the customer needs it",
        "ticket": "ABC-1",
        "expires_at": "2026-12-31T10:30:00Z",
        "proof": "signature",
        **fields,
    }
    return Lift(given.pop("id", ID), **given, refusals=refusals)


def judged(path: bytes | None, *lifts: Lift, state: Any = "open", severity: Any = "error") -> Judged:
    found = Judged(
        Finding("it is locked", path=path, help="undo it"),
        code="PTH002",
        name="locked-path",
        severity=severity,
        authority=Origin("SPEC_AUTHORITY.md", 9),
        fingerprint="f" * 64,
        state=state,
    )
    found.lifts = lifts
    return found


def verdict(*findings: Judged, approvers: tuple[str, ...] = (), source: str = "range") -> Verdict:
    state: Any = "failed" if any(found.state == "open" for found in findings) else "approved"
    result = RuleResult("PTH002", "locked-path", state, findings=findings)
    result.approvers = approvers
    change = {"source": source, "branch": "work", "commits": 1, "entries": 2}
    return Verdict(change=change, authority={}, results=[result])


def test_text_says_who_why_until_when_and_how_proven() -> None:
    found = verdict(judged(b"docs/a", lift(), state="approved"), judged(b"docs/b", lift(), state="approved"))
    said = "approval 3fa4b2c1d0e9 by alice until 2026-12-31 10:30 UTC, signed: the customer needs it (ABC-1)"
    assert text.render([found]).split("\n")[:6] == [
        "PTH002 locked-path",
        "  error (approved): docs/a: it is locked",
        "  error (approved): docs/b: it is locked",
        "    by   SPEC_AUTHORITY.md:9",
        f"    {said}",
        "",
    ]


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ("signature", ", signed: "),
        ("platform", ", by a review on the platform: "),
        ("base", ", in the base: "),
        ("local", ", unsigned, which CI will not take: "),
    ],
)
def test_what_proves_it(proof: str, said: str) -> None:
    found = [verdict(judged(b"a", lift(proof=proof, ticket=""), state="approved"))]
    for shown in (text.render(found), short_reports.render_concise(found), platforms.render_github(found)):
        assert f"10:30 UTC{said}the customer needs it" in shown
    assert "the customer needs it" in platforms.render_markdown(found)


def test_what_does_not_count_says_every_reason() -> None:
    found = [verdict(judged(b"a", lift("it has no signature", "alice wrote the change", proof="local")))]
    said = "approval 3fa4b2c1d0e9 by alice does not count: it has no signature; alice wrote the change"
    assert f"    {said}\n    next undo it\n" in text.render(found)
    assert f"a: PTH002 it is locked ({said})" in short_reports.render_concise(found)
    assert f"%0A{said}%0Anext: undo it" in platforms.render_github(found)
    assert f"<br>{markdown_text(said)}<br>next: undo it" in platforms.render_markdown(found)


def test_json_has_all_of_them() -> None:
    other = lift("it is expired", id="0" * 64, approver="bob", ticket="")
    found = verdict(judged(b"a", lift(), other, state="approved"), judged(b"b", other), approvers=("alice",))
    approved, refused = json.report(found)["findings"]
    counts = {
        "id": ID,
        "approver": "alice",
        "reason": "the customer needs it",
        "ticket": "ABC-1",
        "expires_at": "2026-12-31T10:30:00Z",
        "proof": "signature",
    }
    assert approved["approval"] == counts
    assert [one["refusals"] for one in approved["approvals"]] == [[], ["it is expired"]]
    assert approved["approvals"][0] == {**counts, "refusals": []}
    assert refused["approval"] is None
    assert refused["approvals"][0]["ticket"] is None
    assert json.report(found)["rules"][0]["approvers"] == ["alice"]


def test_who_may_approve_is_said_once_with_the_command() -> None:
    found = [verdict(judged(b"docs/a b", severity="error"), judged(b"docs/c"), approvers=("alice", "bob"))]
    command = "specguard approve PTH002 --path 'docs/a b' --path docs/c --approved-by alice --reason \"...\""
    assert f"  alice or bob may approve these:\n    {command}\n" in text.render(found)
    assert f"PTH002 alice or bob may approve these: {command}\n" in short_reports.render_concise(found)
    assert (
        f"::notice title=PTH002 locked-path::alice or bob may approve these%0A{command}\n"
        in platforms.render_github(found)
    )
    assert f"\nalice or bob may approve these: `{command}`\n" in platforms.render_markdown(found)


@pytest.mark.parametrize(
    ("paths", "source", "said"),
    [
        ([b"a"], "range", "this:\n    specguard approve PTH002 --path a --approved-by alice"),
        ([b"a"], "staged", "this:\n    specguard approve PTH002 --path a --staged --approved-by alice"),
        ([b"a"], "worktree", "this:\n    specguard approve PTH002 --path a --worktree --approved-by alice"),
        ([b"a", b"a"], "range", "these:\n    specguard approve PTH002 --path a --approved-by alice"),
        ([None], "range", "this:\n    specguard approve PTH002 --approved-by alice"),
        ([b"a", None], "range", "these:\n    specguard approve PTH002 --approved-by alice"),
        (
            [b"a", b"b", b"c", b"d"],
            "range",
            (
                "these; the command names 3 of 4 files:\n"
                "    specguard approve PTH002 --path a --path b --path c --approved-by alice"
            ),
        ),
        ([b"x" * 4000], "range", "this:\n    specguard approve PTH002 --approved-by alice"),
        ([b"x\xff\n"], "range", "this:\n    specguard approve PTH002 --path $'x\\xff\\x0a' --approved"),
    ],
)
def test_the_command(paths: list[bytes | None], source: str, said: str) -> None:
    found = verdict(*map(judged, paths), approvers=("alice",), source=source)
    assert f"  alice may approve {said}" in text.render([found])


def test_nobody_is_named_where_nobody_may_or_nothing_is_open() -> None:
    assert "may approve" not in text.render([verdict(judged(b"a"))])
    approved = verdict(judged(b"a", lift(), state="approved"), approvers=("alice",))
    assert "may approve" not in text.render([approved])


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
    found = verdict(judged(b"a", lift(*refusals, **fields), state="open" if refusals else "approved"))
    shown = [
        render([found])
        for render in (text.render, short_reports.render_concise, platforms.render_github, json.render)
    ]
    for page in shown:
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "\u2028" not in page
        assert "##[" not in page
        assert not any(line.lstrip().startswith("::error::a") for line in page.splitlines())
    # In an annotation only specguard begins a line.
    begun = [line for line in platforms.render_github([found]).split("%0A") if line.startswith("next: ")]
    assert begun in (
        [],
        ["next: undo it\nspecguard: failed (range, 1 commit, 2 files): 1 error in 1 file (1 rule)\n"],
    )
    assert "<b>" not in platforms.render_markdown([found])
    assert "@team" not in platforms.render_markdown([found])


def test_an_approval_that_counts_stands_before_one_that_does_not() -> None:
    other = lift("it is expired", id="0" * 64, approver="bob")
    said = text.render([verdict(judged(b"a", other, lift(), state="approved"))])
    assert said.index("approval 3fa4b2c1d0e9 by alice") < said.index("approval 000000000000 by bob does not")
