"""Which branches a policy knows as those of items, for changes that stand on one that is not merged yet."""

from __future__ import annotations

import itertools

from specguard.errors import MissingFact, NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.authority.policy import Policy
    from specguard.change.sources import Change
    from specguard.engine.facts import Facts
    from specguard.waves.settings import WaveStage
    from specguard.work.templates import Template


class ItemBranches:
    """What tells by a name whether a branch is an item's, a stage's, or one that items start from.

    Args:
        policy: its kinds and stages have the templates.
        own: the judged branch; other branches of its item are not below it, but beside it.
    """

    def __init__(self, policy: Policy, own: str = "") -> None:
        kinds = policy.declared("work_kinds")
        self._base = policy.base
        self._stages = policy.declared("wave_settings").stages if policy.declares("wave_settings") else ()
        self._templates: Sequence[Template] = ()
        self._own = self._below = None
        if not kinds:
            return
        from specguard.work.kinds import Names
        from specguard.work.templates import Template

        self._templates = [
            Template(text) for kind in kinds.values() for text in (kind.branch, kind.base) if text
        ]
        self._names = Names(kinds)
        self._own = self._names.read("branch", own, lenient=False) if own else None
        below = kinds[self._own.kind].base if self._own else ""
        self._below = Template(below) if below else None

    def __call__(self, name: str) -> bool:
        """Whether a branch is one that others can stand on."""
        if name == self._base:
            return False
        other = self._names.read("branch", name, lenient=False) if self._own is not None else None
        if other is not None and self._own is not None and other.same_item(self._own):
            return False
        return any(template.read(name) is not None for template in self._templates) or any(
            _is_of(stage, name) for stage in self._stages
        )

    def owns(self, name: str, subjects: Sequence[str]) -> bool:
        """Whether commits that a branch shares with the judged one are its own.

        A branch upon the judged one shares commits with it, too. So their subjects tell: none is for the
        judged branch's item, and the last one is for the other branch's, or that one is of an earlier stage.
        What an item's `base` names is what it is merged into.

        Args:
            name: a branch that is one to stand on.
            subjects: the commits', oldest first.

        Raises:
            MissingFact: a subject is read equally well by two kinds' templates.
        """
        if self._below is not None and self._below.read(name) is not None:
            return True
        if self._own is None:
            return False
        told = [self._names.read("commit", subject) for subject in subjects]
        if any(one is not None and one.same_item(self._own) for one in told):
            return False
        other = self._names.read("branch", name, lenient=False)
        if other is not None:
            last = told[-1]
            return last is not None and last.exact and last.same_item(other)
        kind = self._own.kind
        earlier = itertools.takewhile(lambda stage: stage.items not in (kind, f"{kind}s"), self._stages)
        return bool(self._names.words(kind)) and any(_is_of(stage, name) for stage in earlier)


def _is_of(stage: WaveStage, name: str) -> bool:
    if not stage.branches:
        return False
    from specguard.waves.order import read_branch

    return read_branch(stage.branches, name) is not None


def stack_notes(change: Change, facts: Facts) -> Iterator[str]:
    """Where a change begins that stands on a branch, and whose papers it is judged by."""
    below = change.known_below
    if below is None:
        return
    if change.source == "range":
        yield (
            f"Judged from {below.name} on, which {change.found.name} does not have yet; what goes into "
            f"{change.found.name} is judged whole."
        )
    try:
        item = facts.get("work_item")
        papers = [path for path in (item.pointer.path, item.document) if path is not None]
        if any(change.base_files.find(path) is None for path in papers):
            yield f"papers: not on the base; they are those of {below.name}."
    except (MissingFact, NotApplicable):
        return
