"""What the tests of the rules about approvals share: a locked folder, two approvers, and a change of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from specguard.testing import Case, Grant, Outcome, Repository, Step, run_here
from specguard.testing.case import public_key

POLICY = Path(__file__).with_suffix(".toml").read_text("utf-8")
LOCKED = "docs/api/x.yaml"
BASE = Step(
    "chore: base",
    files={
        LOCKED: "one\n",
        "docs/api/y.yaml": "one\n",
        "ci/run": "true\n",
        "frozen/f": "f\n",
        "src/a": "a\n",
    },
)
CHANGE = Step("feat: change", files={LOCKED: "two\n", "src/a": "b\n"}, author="Cleo <cleo@example.org>")
ALICE = Grant(rules=["PTH002"])
SIGNED = replace(ALICE, sign="key")
BOB = Grant(approver="bob", rules=["PTH002"], sign="other")
ENFORCED = ("--enforce", "--base=main")
LOG = ".specguard/approvals"


def document(policy: str = POLICY) -> str:
    """The authority with these settings, as the base has it."""
    return f"# Authority\n\n```toml specguard\n{_with_keys(policy).strip(chr(10))}\n```\n"


def _with_keys(policy: str) -> str:
    return policy.replace("{key}", public_key("key")).replace("{other}", public_key("other"))


def case(*grants: Grant, **more: Any) -> Case:
    """The change with these approvals."""
    values: dict[str, Any] = {"policy": POLICY, "base": [BASE], "commits": [CHANGE], "expect": None}
    values |= more
    return Case(**{**values, "approvals": grants, "policy": _with_keys(values["policy"])})


def build(directory: Path, *grants: Grant, **more: Any) -> Repository:
    """The repository of the change with these approvals."""
    return case(*grants, **more).build(directory / "repository")


def grant(repository: Repository, *grants: Grant, args: tuple[str, ...] = ()) -> None:
    """Give approvals of the change as it is now, in a commit on top of it."""
    Case(approvals=grants, args=args).file_grants(repository)


def check(repository: Repository, *arguments: str, env: dict[str, str] | None = None) -> Outcome:
    """What the check says of the repository as it is."""
    return run_here("check", "--output-format=json", *arguments, directory=repository.path, env=env)


def judge(directory: Path, *grants: Grant, args: tuple[str, ...] = (), **more: Any) -> Outcome:
    """What the check says of the change with these approvals."""
    made = case(*grants, args=args, **more)
    repository = made.build(directory / "repository")
    arguments = made.arguments(directory, repository.names)
    return check(repository, *arguments)


def errors(outcome: Outcome) -> list[str]:
    """The code of each open error."""
    return [
        finding["code"]
        for finding in outcome.report["findings"]
        if finding["state"] == "open" and finding["severity"] == "error"
    ]


def said(outcome: Outcome, code: str) -> str:
    """The messages of a rule's findings."""
    return "\n".join(f["message"] for f in outcome.report["findings"] if f["code"] == code)


def approved(outcome: Outcome) -> None:
    """The change is accepted, because what was found is approved."""
    assert outcome.exit_code == 0, outcome
    assert errors(outcome) == [], outcome
    assert outcome.state("PTH002") == "approved", outcome
    assert outcome.report["verdict"] == "accepted", outcome


def refused(outcome: Outcome, code: str, reason: str) -> None:
    """The change fails, since its approval does not count for this reason; the finding says so, too."""
    assert outcome.exit_code == 1, outcome
    assert sorted(set(errors(outcome))) == sorted({code, "PTH002"}), outcome
    assert reason in said(outcome, code), outcome
    found = [finding for finding in outcome.report["findings"] if finding["code"] == "PTH002"]
    reasons = [reason for one in found for lift in one["approvals"] for reason in lift["refusals"]]
    assert any(reason in text for text in reasons), outcome
