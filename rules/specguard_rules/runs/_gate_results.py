"""What a run shows of a gate for the tree of a commit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import Commit, RunRecord


def problem_of(run: RunRecord, gate: str, commit: Commit, least: str) -> str:
    """Why a run does not show that a gate succeeded for a commit, as the end of a sentence; empty: it does.

    Args:
        run: the run.
        gate: the gate's name.
        commit: the commit, whose tree counts.
        least: the least grade of its result; empty: `re-run`.
    """
    from specguard.rules import reaches

    least = least or "re-run"
    named = f"the tree of commit {commit.oid[:12]}"
    results = run.last(gate, commit.tree)
    if not results:
        ran = [one for one in run.commands if one.name == gate]
        if not ran:
            return f"has no result of the gate {gate} for {named}"
        other = f"tree {ran[-1].tree[:12]}" if ran[-1].tree else "a tree that it does not tell"
        return f"has no result of the gate {gate} for {named}: its last one is for {other}"
    for one in results:
        if not one.succeeded:
            ended = f"ended with {one.exit_code}" if one.exit_code else "did not succeed"
            return f"has the gate {gate}, which {ended} for {named}"
        if not reaches(one.grade, least):
            return f"has a result of the gate {gate} for {named} that is {one.grade} and not {least}"
    return ""
