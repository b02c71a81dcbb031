"""The keys under which plans keep what is said of tasks, and those that are nearly one of them."""

from __future__ import annotations

from specguard.documents.fields import normal_name
from specguard.plans.settings import KEYS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.plans.task import Task

OTHER_NAMES: Final = {
    "depends_on": ("dependencies", "dependson", "deps", "needs", "requires", "blockedby", "prerequisites"),
    "expected_files": ("files", "filepaths", "filestotouch", "filesscope", "targetfiles", "paths", "scope"),
    "verify": ("verificationcommands", "verifycommands", "tests", "testcommands", "checks", "teststrategy"),
    "done_criteria": ("acceptancecriteria", "acceptance", "criteria", "definitionofdone", "successcriteria"),
    "status": ("state",),
    "title": ("name", "summary", "goal", "subject"),
    "id": ("key", "number"),
}
"""What other tools call these, as `normal_name` gives it; named where the plan's own key is missing."""

OWN: Final = frozenset({"verified_at", "verified_by", "verified_note", "verify_notes"})
"""Keys of a task that resemble others and are none of them."""

CLOSE: Final = 0.85
"""How much of two words must agree, by `difflib`'s measure, for one to be taken for the other misspelt."""


def other_key(task: Task, name: str) -> str:
    """The key under which a task may have what is missing."""
    keys = [key for key in task.raw if isinstance(key, str)]
    others = OTHER_NAMES.get(name, ())
    named = next((key for key in keys if normal_name(key) in others), "")
    read = {key for one in KEYS for key in task.plan.settings.keys_of(one)}
    near = close(task.plan.settings.keys_of(name)[0], [key for key in keys if key not in read])
    return near or named


def near_keys(task: Task) -> Iterator[tuple[str, str]]:
    """The keys of a task that are all but one that is read, each with that one."""
    settings = task.plan.settings
    known = {key: name for name in KEYS for key in settings.keys_of(name)}
    for key in task.raw:
        if not isinstance(key, str) or key in known or key in OWN:
            continue
        near = close(key, list(known))
        # Where that one is missing, the finding about it names this key.
        if near and not (task.find(known[near]) is None and known[near] in settings.required):
            yield key, near


def close(word: str, known: Sequence[str]) -> str:
    """The one that a word is but for a letter or so, its case or its separators; empty where none is."""
    same = next((one for one in known if normal_name(one) == normal_name(word)), "")
    if same or len(word) > 60:
        return same
    from difflib import get_close_matches

    found = get_close_matches(word.casefold(), [one.casefold() for one in known], 1, CLOSE)
    return next((one for one in known if found and one.casefold() == found[0]), "")
