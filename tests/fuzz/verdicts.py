"""A change and what its author adds, built and judged under `--enforce`."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from specguard.testing import Outcome, Repository, Step, run, run_here
from tests.fuzz.loosening import ELSEWHERE, Situation, authorities, together
from tests.fuzz.policies import PUBLIC
from tests.outcomes import ended, sound


def approvals(key: str = PUBLIC, **more: str) -> str:
    """The settings by which alice, who signs with a key, may lift everything that can be lifted."""
    may = "['PTH', 'CMT', 'BRN', 'CNT', 'PTH004']"
    person = f"name = 'alice'\nemails = ['alice@example.org']\nkey = '{key}'\nmay = {may}\n"
    return f"[approvals]\nmax_days = 36500\n\n[[approvals.approver]]\n{person}" + "".join(
        f"[[approvals.approver]]\nname = '{name}'\nkey = '{own}'\nmay = {may}\n" for name, own in more.items()
    )


def build(
    folder: Path, situation: Situation, added: Sequence[Step] = (), *, amend: bool = False
) -> Repository:
    """A new repository with the base and the change.

    Args:
        folder: where it is made; what was there is gone.
        situation: the base and the change.
        added: what the change's author adds.
        amend: whether that is in the change's last commit; else each is one more.
    """
    change = list(situation.change)
    for step in added:
        if amend:
            # The subject is what a rule may be about, and stays.
            change[-1] = replace(together(change[-1], step), message=change[-1].message)
        else:
            change.append(step)
    steps = [replace(situation.base, id="base"), *change]
    # One that is used again and again has a pack more each time, and git becomes slow.
    shutil.rmtree(folder, ignore_errors=True)
    repository = Repository(folder, branch="work")
    try:
        made = repository.add_commits(steps, refs={"refs/heads/main": "base"})
    except KeyError:
        # Two of them take away the same file.
        reject()
    repository.names.update(base=made["base"], head=list(made.values())[-1])
    return repository


def judged(
    repository: Repository, *words: str, env: Any = None, at: str = ".", installed: bool = False
) -> Outcome:
    """What `check --enforce` says of the change."""
    ends = [f"--base={repository.names['base']}", f"--head={repository.names['head']}", "--branch=work"]
    words = ("check", "--enforce", *ends, *words, "--output-format=json")
    return (run if installed else run_here)(*words, directory=repository.path / at, env=env)


def checked(repository: Repository, *words: str, **more: Any) -> Outcome:
    """What `check` says, which is no crash and not of another kind."""
    outcome = run_here("check", *words, "--output-format=json", directory=repository.path, **more)
    sound(outcome)
    assert outcome.exit_code in {0, 1, 2}
    return outcome


def open_errors(outcome: Outcome) -> set[tuple[str, str]]:
    """The code and fingerprint of each error that is open."""
    found = outcome.report["findings"]
    errors = [one for one in found if one["state"] == "open" and one["severity"] == "error"]
    return {(one["code"], one["fingerprint"]) for one in errors}


def red(folder: Path, situation: Situation) -> Outcome:
    """What the change is without anything added: red, by the rules that it breaks."""
    outcome = ended(judged(build(folder, situation)), 1)
    assert open_errors(outcome)
    return outcome


def stays_red(before: Outcome, after: Outcome) -> None:
    """Nothing that was open is lifted or gone, unless there is no verdict."""
    sound(after)
    assert after.exit_code in {1, 2}
    if not after.report.get("errors"):
        assert open_errors(before) <= open_errors(after)


def edits(situation: Situation) -> st.SearchStrategy[Sequence[Step]]:
    """One to three things that an author could add to a change."""
    there = set(situation.base.files)
    steps = authorities(situation.settings)
    known = [step for step in steps if there.issuperset([*step.delete, *step.rename, *step.executable])]
    return st.lists(st.sampled_from(known) | st.sampled_from(ELSEWHERE), min_size=1, max_size=3)
