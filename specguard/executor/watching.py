"""How everything was before the agent began: it is kept beside the place, also for a run that is resumed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.ending import RunEnded
from specguard.executor.place_state import place_state
from specguard.executor.seen_files import Survey
from specguard.executor.user_state import user_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.executor.place import Place
    from specguard.executor.run import Run
    from specguard.executor.seen_files import State

_BEFORE: Final = "before.json"


class Before:
    """How it was before the agent began.

    Attributes:
        user: the user's repository.
        place: the place's `.git`, and specguard's own folder for it.
        size: the bytes that the place took.
        heads: the remote's branches; None: nobody has looked.
    """

    def __init__(self, user: State, place: State, size: int, heads: Mapping[str, str] | None = None) -> None:
        self.user = user
        self.place = place
        self.size = size
        self.heads = heads


def remember(run: Run, place: Place) -> None:
    """Keep how the user's repository and the place are now."""
    survey = Survey(place.path)
    _keep(place, Before(user_state(run), place_state(place), survey.size, run.heads))


def remember_user(run: Run, place: Place) -> None:
    """Keep how the user's repository is now; place and remote are still compared with how they were."""
    before = read_before(place)
    run.heads = before.heads
    _keep(place, Before(user_state(run), before.place, before.size, before.heads))


def read_before(place: Place) -> Before:
    """What `remember` kept.

    Raises:
        RunEnded: it is not there, or not what was written.
    """
    try:
        with open(os.path.join(place.own, _BEFORE), encoding="utf-8") as file:
            data = json.load(file)
        return Before(data["user"], data["place"], data["size"], data.get("heads"))
    except (OSError, ValueError, KeyError) as error:
        raise RunEnded(
            "failed",
            "specguard's own folder beside the run's place was changed: what it remembered is gone",
            help="start a new run",
            error="place-spoiled",
        ) from error


def was_remembered(own: str) -> bool:
    """Whether something is kept.

    Args:
        own: specguard's own folder for the place.
    """
    return os.path.isfile(os.path.join(own, _BEFORE))


def _keep(place: Place, before: Before) -> None:
    path = os.path.join(place.own, _BEFORE)
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(before.__dict__, file)
        os.replace(path + ".new", path)
    except OSError as error:
        raise SpecguardError(
            f"the run's place cannot be recorded: {error.strerror}", path=path, code="unwritable-file"
        ) from error
