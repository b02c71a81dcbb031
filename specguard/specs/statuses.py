"""The statuses of specs: how they are compared, and which may follow which."""

from __future__ import annotations

import re

from specguard.documents.characters import visible
from specguard.documents.fields import normal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.specs.settings import SpecSettings

LONGEST: Final = 100
"""A longer text, in characters, is no status."""

_DONE: Final = frozenset({"done", "closed", "complete", "completed", "merged", "landed"})
"""Of the statuses of what is done with those that say that it was done, and not given up."""

_QUALIFIER: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")


def plain_status(text: str) -> str:
    """A status for comparison, as `normal_name` has it; symbols around it and brackets behind do not count.

    `In progress`, `in_progress` and `in-progress (since May)` are the same.
    """
    if len(text) > LONGEST:
        return ""
    text = _QUALIFIER.sub("", visible(text).strip())
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return normal_name(text[start:end])


class Ways:
    """The statuses of a policy and the ways between them.

    Every status that is asked for is compared by `plain_status`.

    Args:
        settings: `[specs]`.
    """

    def __init__(self, settings: SpecSettings) -> None:
        self._any = not settings.statuses
        self._written: dict[str, str] = {}
        following = [name for names in settings.transitions.values() for name in names]
        for name in (*settings.statuses, *settings.transitions, *following, *settings.terminal):
            self._written.setdefault(plain_status(name), name)
        self._next: Mapping[str, Sequence[str]] = {
            plain_status(name): [plain_status(after) for after in names]
            for name, names in settings.transitions.items()
        }
        self._needing = {plain_status(name) for name in settings.approval_needed}
        self._over = {plain_status(name) for name in settings.terminal}
        listed = [plain_status(name) for name in settings.statuses] or list(self._next)
        followed = {plain_status(name) for name in following}
        self._first = [name for name in listed if name not in followed and name not in self._over]
        self._first = self._first or listed[:1]

    def known(self, status: str) -> bool:
        """Whether the policy has a status; where it lists none, it has all."""
        return bool(status.strip()) if self._any else plain_status(status) in self._written

    def listed(self, status: str) -> bool:
        """Whether a text is a status that the policy names somewhere."""
        return plain_status(status) in self._written

    def same(self, one: str, other: str) -> bool:
        """Whether two texts are the same status."""
        return plain_status(one) == plain_status(other)

    def needs_approval(self, status: str) -> bool:
        """Whether a status needs an approval."""
        return plain_status(status) in self._needing

    def over(self, status: str) -> bool:
        """Whether a spec with this status is done with."""
        return plain_status(status) in self._over

    def done(self, status: str) -> bool:
        """Whether a spec with this status was done, and not given up or put aside."""
        return self.over(status) and plain_status(status) in _DONE

    @property
    def first(self) -> Sequence[str]:
        """The statuses that follow no other, as they are written in the policy."""
        return [self._written[name] for name in self._first]

    def after(self, status: str) -> Sequence[str]:
        """The statuses that may follow, as they are written in the policy."""
        return [self._written[name] for name in self._next.get(plain_status(status), ())]

    def may_follow(self, before: str, after: str) -> bool:
        """Whether a spec may move from one status to another."""
        old, new = plain_status(before), plain_status(after)
        return not self._next or old == new or new in self._next.get(old, ())

    def may_begin(self, status: str) -> bool:
        """Whether a new spec may have a status.

        It may have the ones that follow no other, and those to which the ways lead from there without passing
        one that needs an approval; that one itself is asked for its approval.
        """
        if not self._next:
            return True
        reached = list(self._first)
        for name in reached:
            if name not in self._needing:
                reached += [after for after in self._next.get(name, ()) if after not in reached]
        return plain_status(status) in reached
