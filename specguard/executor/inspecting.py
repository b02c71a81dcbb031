"""What the agent, a gate or a hook did beside changing files, each misbehaviour by its name.

Whoever runs in the place may edit files in it and nothing else. Commits are specguard's to make, so `HEAD`,
refs, configuration, hooks and the rest of the place's `.git` stay as they were. So do the configuration and
hooks of the user, and none of their refs comes to hold what was made in the place. What else changes in their
checkout may be their own work, and is noted. Nothing that was left in the place is run by looking at it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from specguard.change.worktree import not_ignored
from specguard.errors import MissingFact
from specguard.executor.ending import RunEnded
from specguard.executor.place import place_of
from specguard.executor.place_misbehaviour import misbehaviour
from specguard.executor.seen_files import Survey
from specguard.executor.user_state import user_state
from specguard.executor.watching import read_before
from specguard.model import listed, path_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from specguard.executor.place import Place
    from specguard.executor.run import Run
    from specguard.executor.seen_files import State

_MOST: Final = 5
"""So many misbehaviours are named in one sentence; of the rest there is the number."""


def inspect(run: Run, by: str = "the agent") -> None:
    """See that whoever worked in the place changed files in it and nothing else.

    All processes of it must have ended. The index in the place's `.git` is made that of the base again.

    Args:
        run: the run; `remember` (which `make_place` calls) kept how everything was before.
        by: who worked there, such as `the gate tests`.

    Raises:
        RunEnded: it did something else, which the reason names.
        SpecguardError: the user's repository cannot be read.
    """
    place = place_of(run)
    before = read_before(place)
    there = os.path.isdir(place.path)
    done = list(misbehaviour(place, before.place)) if there else ["deleted its place"]
    outside = _outside(run, place, before.user, user_state(run))
    if done or outside:
        said = [f"{by} {listed(done, _MOST, '; ')}"] if done else []
        said += [f"while {by} worked, {listed(outside, _MOST, '; ')}"] if outside else []
        help = f"look at {place.path}: files are the agent's to edit, and all else is specguard's"
        if outside:
            help = f"undo what was not you; where it was you, go on with: {run.folder.command('resume')}"
        elif not there:
            help = "start a new run"
        raise RunEnded("failed", "; ".join(said), help=help, error="place-spoiled")
    survey = Survey(place.path)
    filled = _filled(run, survey.size - before.size, by)
    if filled is not None:
        raise filled
    check_survey(place, survey, by)
    place.reset_index()


def watch_place(run: Run, by: str = "the agent") -> Callable[[], RunEnded | None]:
    """What tells while somebody works in the place that it has grown by more than it may.

    Args:
        run: the run.
        by: who works there.
    """
    place = place_of(run)

    def look() -> RunEnded | None:
        try:
            before = read_before(place).size
        except RunEnded as end:
            return end
        return _filled(run, Survey(place.path).size - before, by)

    return look


def _filled(run: Run, grown: int, by: str) -> RunEnded | None:
    """How a run ends whose place has grown by so many bytes; None where it may."""
    limit = run.policy.declared("run_settings").place_limit
    if grown <= limit << 20:
        return None
    return RunEnded(
        "budget-spent",
        f"{by} filled its place with {grown >> 20} MiB, and [runs] place_limit allows {limit}",
        help="raise [runs] place_limit, or tell the agent what not to keep",
        error="size-limit",
    )


def check_survey(place: Place, survey: Survey, by: str = "the agent") -> None:
    """See that no repository was made within a place, apart from ignored folders, which nothing enters.

    Args:
        place: the place.
        survey: the walk over it.
        by: who worked there.

    Raises:
        RunEnded: there is one.
    """
    if survey.special:
        names = ", ".join(map(path_text, survey.special[:_MOST]))
        raise RunEnded(
            "failed",
            f"{by} made a pipe where git reads a file, {names}",
            help="remove it",
            error="place-spoiled",
        )
    if not survey.nested:
        return
    try:
        found = not_ignored(place.git, place.git.repository.index, place.path, survey.nested)
    except MissingFact:
        # Where it cannot be told, none is taken for ignored.
        found = survey.nested
    if found:
        raise RunEnded(
            "failed",
            f"{by} made a repository within its place, at {', '.join(map(path_text, found[:_MOST]))}",
            help="remove it, or have .gitignore leave its folder out",
            error="place-spoiled",
        )


def _outside(run: Run, place: Place, before: State, after: State) -> list[str]:
    """What was done to the user's repository and settings; what may be the user's own doing is noted."""
    done, meanwhile, guarded = [], [], []
    for name in sorted(before.keys() | after.keys(), key=lambda one: (one.startswith("file "), one)):
        old, new = before.get(name, ""), after.get(name, "")
        what, _, rest = name.partition(" ")
        if old == new or (what == "beside" and not new):
            continue
        verb = "was changed" if old and new else "appeared" if new else "is gone"
        rest = path_text(os.fsencode(rest))
        told = f"{_OUTSIDE[what].format(rest)} {verb}"
        if what == "ref" and (place.made(new.split(" ")[0]) or rest.startswith("refs/replace/")):
            done.append(told)
        elif what in _USERS_OWN:
            meanwhile.append(told)
            if what == "file" and (guard := run.policy.guards.find(os.fsencode(name[5:]))):
                guarded.append(f"{rest} {verb} ({guard.rule})")
        else:
            done.append(told)
    if meanwhile:
        run.note(f"{_MEANWHILE}{listed(meanwhile, _MOST, '; ')}.", instead_of=_MEANWHILE)
    if guarded:
        run.note(f"{_GUARDED}{listed(guarded, _MOST_GUARDED, '; ')}.", instead_of=_GUARDED)
    return done


_MEANWHILE: Final = "In your checkout, while the run went on: "
_GUARDED: Final = "Guarded paths of your checkout, while the run went on: "
_MOST_GUARDED: Final = 50
_USERS_OWN: Final = frozenset({"ref", "git", "index", "file"})
_OUTSIDE: Final = {
    "ref": "your ref {}",
    "config": ".git/{} of your repository",
    "git": ".git/{} of your repository",
    "hook": "your hook {}",
    "home": "your {}",
    "index": "your index",
    "file": "your file {}",
    "beside": "{}, beside the place,",
}
