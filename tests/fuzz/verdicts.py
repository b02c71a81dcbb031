"""A change and what its author adds, built and judged under `--enforce`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import reject
from hypothesis import strategies as st

from specguard.testing import Outcome, Repository, Step, run, run_here
from tests.fuzz.loosening import ELSEWHERE, authorities, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fuzz.loosening import Situation

SOMEBODY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlnN5hpUNSa0+Y08Sys58bqxflYYel8ZYuXVxzGA5CU"
"""A public key of which nobody has the private half."""


def approvals(key: str = SOMEBODY, **more: str) -> str:
    """The settings by which alice, who signs with a key, may lift everything that can be lifted."""
    may = "['PTH', 'CMT', 'BRN', 'CNT', 'PTH004']"
    person = f"name = 'alice'\nemails = ['alice@example.org']\nkey = '{key}'\nmay = {may}\n"
    return f"[approvals]\nmax_days = 3650\n\n[[approvals.approver]]\n{person}" + "".join(
        f"[[approvals.approver]]\nname = '{name}'\nkey = '{own}'\nmay = {may}\n" for name, own in more.items()
    )


def build(repository: Repository, situation: Situation, added: Sequence[Step], *, amend: bool) -> None:
    """Make the base and the change, with what its author adds in its last commit or in one more."""
    change = list(situation.change)
    for step in added:
        if amend:
            # The subject is what a rule may be about, and stays.
            change[-1] = replace(together(change[-1], step), message=change[-1].message)
        else:
            change.append(step)
    steps = [replace(situation.base, id="base"), *change]
    try:
        made = repository.add_commits(steps, branch="work", refs={"refs/heads/main": "base"})
    except KeyError:
        # Two of them take away the same file.
        reject()
    repository.names.update(base=made["base"], head=list(made.values())[-1])


def judged(
    repository: Repository, *words: str, env: Any = None, folder: str = ".", installed: bool = False
) -> Outcome:
    ends = [f"--base={repository.names['base']}", f"--head={repository.names['head']}", "--branch=work"]
    runner = run if installed else run_here
    return runner(
        "check",
        "--enforce",
        *ends,
        *words,
        "--output-format=json",
        directory=repository.path / folder,
        env=env,
    )


def open_errors(outcome: Outcome) -> set[tuple[str, str]]:
    return {
        (finding["code"], finding["fingerprint"])
        for finding in outcome.report["findings"]
        if finding["state"] == "open" and finding["severity"] == "error"
    }


def red(repository: Repository, situation: Situation, *, amend: bool = True) -> Outcome:
    """What the change is without anything added: red, by the rules that it breaks."""
    build(repository, situation, [], amend=amend)
    outcome = judged(repository)
    assert outcome.exit_code == 1, outcome
    assert situation.codes & {code for code, _ in open_errors(outcome)}
    return outcome


def stays_red(before: Outcome, after: Outcome) -> None:
    assert "internal error" not in str(after)
    assert "crashed" not in str(after)
    assert after.exit_code in {1, 2}
    if after.exit_code == 1:
        assert open_errors(before) <= open_errors(after)


def edits(situation: Situation) -> st.SearchStrategy[Sequence[Step]]:
    """One to three things that an author could add to a change."""
    there = set(situation.base.files)
    known = [
        step
        for step in authorities(situation.settings)
        if there.issuperset([*step.delete, *step.rename, *step.executable])
    ]
    return st.lists(st.sampled_from(known) | st.sampled_from(ELSEWHERE), min_size=1, max_size=3)
