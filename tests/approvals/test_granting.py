"""Giving an approval with a check: what it says, what it is bound to, who may not, and empty reasons."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.approvals.approvals import reason_problem
from specguard.testing import Grant, Outcome, Repository, Step
from tests.rows import rows
from tests.rules.approvals.setting import BASE, LOCKED, LOG, POLICY, build, check, document, grant

WORDS = (
    "--override=PTH002",
    f"--path={LOCKED}",
    "--approved-by=alice",
    "--reason=the vendor's file is wrong",
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A branch that changes a locked file."""
    made = build(tmp_path)
    made.git("config", "user.name", "Cleo")
    made.git("config", "user.email", "cleo@example.org")
    return made


def records(repository: Repository) -> list[dict[str, object]]:
    return [json.loads(file.read_bytes()) for file in sorted((repository.path / LOG).glob("**/*.json"))]


def refused(repository: Repository, outcome: Outcome, message: str, help_: str = "") -> None:
    """Nothing is written, and the check ends without a verdict."""
    assert outcome.exit_code == 2, outcome
    [error] = outcome.report["errors"]
    assert message in error["message"]
    assert help_ in error["help"]
    assert records(repository) == []


def test_an_approval_is_written_and_lifts_what_it_names(repository: Repository) -> None:
    dry = check(repository, *WORDS, "--dry-run")
    assert (dry.exit_code, dry.state("PTH002"), records(repository)) == (0, "failed", []), dry
    assert "alice can approve this; a dry run writes nothing." in dry.report["notes"]
    outcome = check(repository, *WORDS, "--ticket=ABC-1")
    assert (outcome.exit_code, outcome.state("PTH002")) == (0, "approved"), outcome
    assert any("commit it with the change" in note for note in outcome.report["notes"])
    [record] = records(repository)
    today = datetime.datetime.now(datetime.UTC).date()
    assert (record["approver"], record["reason"]) == ("alice", "the vendor's file is wrong")
    assert (record["ticket"], record["rules"], record["paths"]) == ("ABC-1", ["PTH002"], [{"path": LOCKED}])
    assert (record["scope"], record["target"]) == ("change", "main")
    expires = datetime.date.fromisoformat(str(record["expires_at"])[:10])
    assert expires - today in {datetime.timedelta(days=29), datetime.timedelta(days=30)}
    # The same once more is nothing new.
    again = check(repository, *WORDS, "--ticket=ABC-1")
    assert (again.exit_code, len(records(repository))) == (0, 1)
    # Each lacks a proof, and CI asks for that of each.
    other = check(repository, *WORDS, "--ticket=ABC-2")
    assert sum("Nothing proves that alice" in note for note in other.report["notes"]) == 2


def test_an_approval_holds_for_its_change_after_it_has_landed(tmp_path: Path) -> None:
    repository = build(tmp_path, Grant(rules=["PTH002"], sign="key"))
    start = repository.git("rev-parse", "main")
    words = ("--enforce", f"--range={start}..work")
    repository.git("update-ref", "refs/remotes/origin/main", repository.oid("work"))
    repository.git("switch", "-q", "-c", "later", start)
    repository.commit("feat: later", files={"src/b": "b\n"})
    assert check(repository, *words).state("PTH002") == "approved"
    # Of a change that went elsewhere, nobody knows that it was approved for there.
    repository.git("update-ref", "refs/remotes/origin/main", repository.oid("later"))
    assert check(repository, *words).state("PTH002") == "failed"


@pytest.mark.parametrize("scope", ["change", "paths"])
def test_an_approval_holds_for_what_its_scope_says(repository: Repository, scope: str) -> None:
    assert check(repository, *WORDS, f"--scope={scope}").exit_code == 0
    [record] = records(repository)
    assert record["scope"] == scope
    repository.commit("chore: approve")
    assert check(repository).exit_code == 0
    repository.commit("feat: more", files={"src/b": "b\n"})
    assert check(repository).exit_code == (0 if scope == "paths" else 1)
    repository.commit("feat: more of it", files={LOCKED: "three\n"})
    assert check(repository).exit_code == 1


def test_an_approval_of_one_document_covers_nothing_in_another(tmp_path: Path) -> None:
    policy = f"documents = ['OPS.md']\n{POLICY}"
    ops = Step("docs: ops", files={"OPS.md": "# Ops\n\n## Locked zones\n\n- `src/`\n"})
    loosened = Step(
        "chore: x", files={"SPEC_AUTHORITY.md": document(policy.replace('"docs/api/"', '"ci/"', 1))}
    )
    repository = build(tmp_path, policy=policy, base=[BASE, ops], commits=[loosened])
    grant(repository, Grant(rules=["PTH004"], sign="key", scope="paths"))
    assert check(repository).state("PTH004") == "approved"
    repository.commit("docs: ops", files={"OPS.md": "# Ops\n"})
    assert check(repository).state("PTH004") == "failed"


def test_an_approval_may_last_longer_than_the_calendar(tmp_path: Path) -> None:
    repository = build(tmp_path, policy=POLICY.replace("max_days = 30", "max_days = 9999999"))
    repository.git("config", "user.email", "cleo@example.org")
    assert check(repository, *WORDS).exit_code == 0
    [record] = records(repository)
    assert str(record["expires_at"]).startswith("9999-12-31")


def test_a_finding_in_no_file_of_the_change_is_not_approved_for_its_paths(tmp_path: Path) -> None:
    policy = POLICY.replace(
        "[approvals]", "[rules.branch-name]\npattern = 'never'\napprovable = true\n\n[approvals]"
    )
    repository = build(tmp_path, policy=policy)
    words = ("--override=BRN001", "--approved-by=alice", "--reason=the branch is an old one")
    said = "a finding in no file of the change", "leave out --scope paths"
    refused(repository, check(repository, *words, "--scope=paths"), *said)
    both = check(repository, *WORDS, "--override=BRN001")
    refused(repository, both, "BRN001 finds nothing in what is to be approved")
    assert check(repository, *words).state("BRN001") == "approved"
    document = '[artifacts.doc]\npath = "old.md"\nsections = ["Goal"]\n\n[approvals]'
    policy = POLICY.replace("[approvals]", document).replace('"BRN"', '"ART"')
    old = [Step("docs: old", files={"old.md": "# Old\n"})]
    repository = build(tmp_path / "whole", base=old, policy=policy)
    whole = ("--all", "--override=ART002", "--path=old.md", *WORDS[2:])
    refused(repository, check(repository, *whole, "--scope=paths"), *said)
    assert check(repository, *whole).state("ART002") == "approved"


@pytest.mark.parametrize(("words", "message", "help_"), rows(__file__, "refused"))
def test_what_cannot_be_given_is_not(
    repository: Repository, words: tuple[str, ...], message: str, help_: str
) -> None:
    names = {word.partition("=")[0] for word in words}
    kept = [word for word in WORDS if word.partition("=")[0] not in names]
    refused(repository, check(repository, *kept, *words), message, help_)


@pytest.mark.parametrize(
    ("code", "path", "message", "help_"),
    [
        ("PTH001", "frozen/f", "no approval lifts PTH001", "put right what it found"),
        ("PTH002", LOCKED, "would not count: alice may not approve PTH002", "may."),
    ],
)
def test_nothing_is_written_that_would_not_count(
    tmp_path: Path, code: str, path: str, message: str, help_: str
) -> None:
    policy = POLICY.replace('may = ["PTH002", "PTH004", "BRN"]', 'may = ["BRN"]')
    change = Step("feat: change", files={path: "two\n"}, author="Cleo <cleo@example.org>")
    repository = build(tmp_path, commits=[change], policy=policy)
    words = (f"--override={code}", f"--path={path}", *WORDS[2:])
    refused(repository, check(repository, *words), message, help_)


def test_whoever_made_the_change_does_not_approve_it(tmp_path: Path) -> None:
    change = Step("feat: change", files={LOCKED: "two\n"}, author="A <alice@example.org>")
    repository = build(tmp_path, commits=[change])
    refused(repository, check(repository, *WORDS), "would not count: alice is the author", "no part")


@pytest.mark.parametrize(("many", "more"), [(2, ""), (5, ""), (7, " and 2 more")])
def test_the_files_are_named_one_by_one(tmp_path: Path, many: int, more: str) -> None:
    files: dict[str | bytes, str | bytes] = {f"docs/api/{number}": "x\n" for number in range(many)}
    repository = build(tmp_path, base=[BASE], commits=[Step("feat: change", files=files)])
    words = [word for word in WORDS if not word.startswith("--path")]
    listed = ", ".join(f"docs/api/{number}" for number in range(min(many, 5)))
    step = f"each: {listed}{more}; plain `specguard approve` prints them all"
    refused(repository, check(repository, *words), "an approval names the files that it is for", step)


class Known:
    """A policy that knows one rule."""

    code = "PTH002"
    name = "locked-path"

    def rule(self, code: str) -> Known | None:
        return self if code in (self.code, self.name) else None


def judge(reason: str, codes: Sequence[str] = ("PTH002",)) -> str:
    policy: Any = Known()
    return reason_problem(reason, policy, codes)


def test_reasons() -> None:
    # Three signs of a script that has no letters say as much as a short sentence.
    for reason in rows(__file__, "empty"):
        assert judge(reason) == "", reason
    assert judge("PTH001 is locked elsewhere") == ""


@pytest.mark.parametrize(
    "reason",
    [
        "abcdefg", "1234 567", "LGTM, approved!", "please approve, it is needed for the override",
        "pth002 locked-path", "the locked path is required", "Locked  Path,\tLOCKED-PATH", "\u6cd5\u52a1",
        "TODO", "TBD: to be decided later", "........................",
    ],
)  # fmt: skip
def test_none(reason: str) -> None:
    assert judge(reason) == f"its reason, {' '.join(reason.split())!r}, says nothing"


def test_an_empty_one_and_a_long_one() -> None:
    assert judge("") == judge(" \n\t") == "it gives no reason"
    assert judge("-" * 99) == f"its reason, {'-' * 60!r}, says nothing"


def test_names_count_by_the_rules_that_are_meant() -> None:
    assert judge("locked path", ["CNT001"]) == ""
    assert judge("cnt001 CNT001", ["CNT001"]) != ""
