"""Whatever a head adds, or its author says or forges: under `--enforce` no red change turns green."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from specguard.approvals.record import Approval, Revocation
from specguard.testing import Outcome, Step, run_here
from tests.approvals.conftest import Key
from tests.approvals.making import approval, revocation
from tests.fuzz.damage import damaged, few
from tests.fuzz.loosening import ENVIRONMENT, HARMLESS, Situation, authorities, situations
from tests.fuzz.verdicts import approvals, build, edits, judged, red, stays_red
from tests.outcomes import ended, sound

ENVIRONMENTS = st.sampled_from(ENVIRONMENT)


@few(40)
@given(data=st.data(), amend=st.booleans())
def test_no_file_that_is_added_turns_a_red_change_green(
    folder: Path, data: st.DataObject, amend: bool
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    after = judged(build(folder, situation, data.draw(edits(situation)), amend=amend))
    stays_red(before, after)


@few(40)
@given(data=st.data())
def test_no_variable_folder_or_harmless_flag_turns_a_red_change_green(
    folder: Path, data: st.DataObject
) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    repository = build(folder, situation)
    # Such variables could name a file that lies in the working directory.
    repository.write("free.toml", "merge = 'squash'\n")
    several = data.draw(st.lists(ENVIRONMENTS, max_size=3))
    env = {name: value for one in several for name, value in one.items()}
    at = data.draw(st.sampled_from([".", "src", "docs", ".git"]))
    stays_red(before, judged(repository, *data.draw(st.sampled_from(HARMLESS)), env=env, at=at))


MODULES = ("yaml", "re", "specguard_rules", "sitecustomize", "usercustomize", "click", "tomllib", "evil")


@few(8)
@given(data=st.data())
def test_the_installed_command_is_not_fooled_either(folder: Path, data: st.DataObject) -> None:
    situation = data.draw(situations(approvals()))
    before = red(folder, situation)
    repository = build(folder, situation, data.draw(edits(situation)), amend=True)
    for name in MODULES:
        repository.write(f"{name}.py", "import os\nos._exit(0)\n")
    stays_red(before, judged(repository, env=data.draw(ENVIRONMENTS), installed=True))


LOG = ".specguard/approvals/"
LIFTED = "base = 'main'\n[rules.locked-path]\npaths = ['locked/']\n"


def given_by(outcome: Outcome, approver: str, **fields: Any) -> Approval:
    """An approval of all that is open, bound to exactly this change."""
    report = outcome.report
    errors = [one for one in report["findings"] if one["state"] == "open" and one["severity"] == "error"]
    paths = {one["location"]["path"] for one in errors if one["location"].get("path")}
    bound = {
        "rules": sorted({one["code"] for one in errors}),
        "paths": sorted(path.encode() for path in paths),
        "findings": sorted({one["fingerprint"] for one in errors}),
        "fingerprint": report["change"]["fingerprint"],
        "policy_id": report["authority"]["policy_id"],
        # The same each time, so that an example is the same when it is tried again.
        "expires_at": datetime(2099, 1, 1, tzinfo=UTC),
        "nonce": "0" * 32,
    }
    return approval(approver, **{**bound, **fields})


def filed(record: Approval | Revocation, signature: bytes | None = None) -> dict[str, str | bytes]:
    """The files of a record."""
    name = f"{LOG}{record.id}.json"
    return {name: record.content} if signature is None else {name: record.content, f"{name}.sig": signature}


def approving(files: Mapping[str, str | bytes]) -> Step:
    """The commit that files them."""
    return Step("chore: approve", files=files)


@pytest.fixture(scope="module")
def locked(alice: Key) -> Situation:
    """A change of one locked file, which alice may approve."""
    base = Step("chore: base", files={"specguard.toml": LIFTED + approvals(alice.public), "locked/p": "1\n"})
    change = [Step("feat: x", files={"locked/p": "2\n"})]
    return Situation(LIFTED + approvals(alice.public), base, change)


def test_the_approver_s_signature_is_the_way_out(folder: Path, locked: Situation, alice: Key) -> None:
    record = given_by(red(folder, locked), "alice")
    files = filed(record, alice.sign(record.content))
    ended(judged(build(folder, locked, [approving(files)])))


@few(25)
@given(data=st.data())
def test_no_forged_approval_turns_a_red_change_green(
    folder: Path, alice: Key, mallory: Key, data: st.DataObject
) -> None:
    situation = data.draw(situations(approvals(alice.public)))
    before = red(folder, situation)
    who = data.draw(st.sampled_from(["alice", "mallory", "Ann Example", "ann@example.org"]))
    record = given_by(before, who)
    if record.paths:
        record = given_by(before, who, scope=data.draw(st.sampled_from(["change", "paths"])))
    signatures: dict[str, Callable[[], bytes | None]] = {
        "none": lambda: None,
        "by a stranger": lambda: mallory.sign(record.content),
        "of another kind": lambda: alice.sign(record.content, "git"),
        "of another record": lambda: alice.sign(given_by(before, "alice", nonce="1" * 32).content),
        "of nothing": lambda: alice.sign(b""),
        "damaged": lambda: data.draw(damaged(st.just(mallory.sign(record.content)))),
    }
    step = approving(filed(record, signatures[data.draw(st.sampled_from(sorted(signatures)))]()))
    trusting = authorities(LIFTED + approvals(alice.public, mallory=mallory.public, Ann=mallory.public))
    more = data.draw(st.just([]) | edits(situation) | st.sampled_from([[one] for one in trusting[:4]]))
    added = [step, *more]
    stays_red(before, judged(build(folder, situation, added, amend=data.draw(st.booleans()))))


@few(30)
@given(data=st.data())
def test_one_byte_of_the_change_the_record_or_its_signature_undoes_an_approval(
    folder: Path, locked: Situation, alice: Key, data: st.DataObject
) -> None:
    before = red(folder, locked)
    record = given_by(before, "alice")
    signature = alice.sign(record.content)
    files = filed(record, signature)
    name, signed = files
    situation = locked
    kind = data.draw(st.sampled_from(["record", "signature", "content", "renamed", "revoked", "moved"]))
    if kind == "record":
        files[name] = changed = data.draw(damaged(st.just(record.content)))
        assume(changed != record.content)
    elif kind == "signature":
        files[signed] = changed = data.draw(damaged(st.just(signature)))
        # Its lines may be broken elsewhere, or have more around them.
        assume(b"".join(signature.split()) not in b"".join(changed.split()))
    elif kind == "content":
        content = data.draw(damaged(st.just(b"2\n")))
        assume(content not in {b"1\n", b"2\n"})
        situation = replace(locked, change=[Step("feat: x", files={"locked/p": content})])
    elif kind == "renamed":
        files = {path.replace(record.id, "f" * 64): content for path, content in files.items()}
    elif kind == "moved":
        files = {path.replace("approvals/", "approvals/2026/"): content for path, content in files.items()}
    else:
        ending = revocation(record.id, nonce="1" * 32)
        files.update(filed(ending))
    after = judged(build(folder, situation, [approving(files)]))
    sound(after)
    assert after.exit_code in {1, 2}


@few(15)
@given(data=st.data())
def test_a_log_with_anything_wrong_in_it_is_never_verified(
    folder: Path, locked: Situation, alice: Key, data: st.DataObject
) -> None:
    record = given_by(red(folder, locked), "alice")
    ending = revocation(record.id, nonce="1" * 32)
    files = {**filed(record, alice.sign(record.content)), **filed(ending, alice.sign(ending.content))}
    name = data.draw(st.sampled_from(list(files)))
    whole = files[name]
    assert isinstance(whole, bytes)
    files[name] = changed = data.draw(damaged(st.just(whole)))
    assume(b"".join(whole.split()) not in b"".join(changed.split()))
    repository = build(folder, locked, [approving(files)])
    outcome = run_here("approvals", "verify", "--base=main", directory=repository.path)
    assert "internal error" not in str(outcome)
    assert outcome.exit_code in {1, 2}


def test_a_log_with_nothing_wrong_in_it_is_verified(folder: Path, locked: Situation, alice: Key) -> None:
    record = given_by(red(folder, locked), "alice")
    repository = build(folder, locked, [approving(filed(record, alice.sign(record.content)))])
    ended(run_here("approvals", "verify", "--base=main", directory=repository.path))
