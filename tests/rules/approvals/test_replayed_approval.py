"""APR006: what an approval is bound to, what it outlives, and what ends it.

`tests/cases/approvals/replaced.toml` has what takes the place of an older one.
"""

from dataclasses import replace
from pathlib import Path

from specguard.testing import Repository, Step
from tests.rules.approvals.setting import (
    BASE,
    CHANGE,
    ENFORCED,
    LOCKED,
    LOG,
    POLICY,
    SIGNED,
    approved,
    build,
    check,
    document,
    errors,
    grant,
    refused,
    said,
)

PATHS = replace(SIGNED, scope="paths")
AGAIN = "it was given for another content of"


def test_one_byte_or_a_mode_ends_it(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    for path in (LOCKED, "src/a", "new", ""):
        if path:
            repository.write(path, "three\n")
        else:
            repository.executable("src/a")
        repository.commit("fix: more")
        refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} the change")
        repository.git("revert", "-n", "HEAD")
        repository.commit("fix: less")
    approved(check(repository, *ENFORCED))


def test_with_its_paths_as_scope_another_file_leaves_it_alone(tmp_path: Path) -> None:
    repository = build(tmp_path, PATHS)
    repository.commit("fix: more", files={"src/a": "three\n", "new": "n\n"})
    approved(check(repository, *ENFORCED))
    repository.commit("fix: more", files={LOCKED: "three\n"})
    refused(check(repository, *ENFORCED), "APR006", f"{AGAIN} its paths")


def forward(repository: Repository, **files: str) -> None:
    """Let the base move on, by a change of somebody else."""
    repository.checkout("main")
    repository.commit("feat: other", files=files, author="Dora <dora@example.org>")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.checkout("work")


def test_what_moves_in_the_base_leaves_it_alone_but_for_the_policy(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    forward(repository, **{"docs/other.md": "x\n"})
    approved(check(repository, *ENFORCED))
    repository.git("rebase", "-q", "main")
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY).replace("# Authority", "# Our authority")})
    approved(check(repository, *ENFORCED))
    forward(repository, **{"SPEC_AUTHORITY.md": document(POLICY.replace("max_days = 30", "max_days = 31"))})
    refused(check(repository, *ENFORCED), "APR006", "it was given under another policy")


def test_a_rebase_over_the_same_file_ends_it(tmp_path: Path) -> None:
    many = "".join(f"{number}\n" for number in range(20))
    base = replace(BASE, files={LOCKED: many, "src/a": "a\n"})
    change = replace(CHANGE, files={LOCKED: f"{many}more\n"})
    repository = build(tmp_path, SIGNED, base=[base], commits=[change])
    approved(check(repository, *ENFORCED))
    forward(repository, **{LOCKED: f"first\n{many}"})
    repository.git("rebase", "-q", "main")
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_a_squash_and_a_new_message_leave_it_alone(tmp_path: Path) -> None:
    more = Step("feat: more", files={"src/b": "b\n"}, author="Cleo <cleo@example.org>")
    repository = build(tmp_path, SIGNED, commits=[CHANGE, more])
    approved(check(repository, *ENFORCED))
    repository.git("reset", "-q", "--soft", "main")
    repository.commit("feat: all of it", stage=False)
    approved(check(repository, *ENFORCED))
    repository.commit("feat: in other words", amend=True, stage=False)
    approved(check(repository, *ENFORCED))


def test_a_force_push_is_judged_by_what_it_brings(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    record = f"{LOG}/{repository.names['approval']}.json"
    files = {name: repository.read(name) for name in (record, f"{record}.sig")}
    repository.git("reset", "-q", "--hard", "main")
    repository.commit("feat: change", files={LOCKED: "two\n", "src/a": "b\n"})
    repository.commit("chore: approve", files=files)
    approved(check(repository, *ENFORCED))
    repository.git("reset", "-q", "--hard", "main")
    repository.commit("feat: change", files={LOCKED: "evil\n", "src/a": "b\n"})
    repository.commit("chore: approve", files=files)
    refused(check(repository, *ENFORCED), "APR006", AGAIN)


def test_a_stacked_branch_has_its_own_approvals(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.git("update-ref", "refs/remotes/origin/work", "HEAD")
    repository.branch("upper")
    repository.commit("feat: upper", files={"docs/api/y.yaml": "two\n"}, author="Cleo <cleo@example.org>")
    grant(repository, SIGNED, args=("--base=work",))
    approved(check(repository, "--enforce", "--base=work"))
    # What was approved for the lower branch is not approved for the base, nor the other way round.
    outcome = check(repository, *ENFORCED)
    assert set(errors(outcome)) == {"APR006", "PTH002"}
    assert "it is for work, not for main" in said(outcome, "APR006")


def test_an_approval_of_the_base_is_the_past(tmp_path: Path) -> None:
    old = replace(SIGNED, place="base")
    repository = build(tmp_path, old)
    approved(check(repository, *ENFORCED))
    repository.commit("fix: more", files={LOCKED: "three\n"})
    outcome = check(repository, *ENFORCED)
    assert errors(outcome) == ["PTH002"]
    assert outcome.report["findings"][0]["approvals"] == []


def test_a_hook_is_not_troubled_by_the_approvals_of_the_branch(tmp_path: Path) -> None:
    repository = build(tmp_path, SIGNED)
    repository.write("ci/run", "false\n")
    repository.stage()
    outcome = check(repository, "--staged")
    assert errors(outcome) == ["PTH002"]
    repository.git("reset", "-q", "--hard")
    repository.write("src/a", "c\n")
    repository.stage()
    assert check(repository, "--staged").exit_code == 0


def test_filing_an_approval_is_no_change_that_it_could_be_for(tmp_path: Path) -> None:
    repository = build(tmp_path, replace(SIGNED, place="local"))
    repository.stage()
    outcome = check(repository, "--staged")
    assert outcome.exit_code == 0, outcome
    assert outcome.report["findings"] == []
