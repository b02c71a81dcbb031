"""Which branches a policy knows as those of items, for changes that stand on one that is not merged yet."""

from __future__ import annotations

from specguard.errors import MissingFact, NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from specguard.authority.policy import Policy
    from specguard.change.sources import Change
    from specguard.engine.facts import Facts


def item_branches(policy: Policy, own: str = "") -> Callable[[str], bool]:
    """What tells by a name whether a branch is an item's, a stage's, or one that items start from.

    Args:
        policy: its kinds and stages have the templates.
        own: the judged branch; other branches of its item are not below it, but beside it.
    """
    from specguard.work.naming import Names
    from specguard.work.templates import Template

    kinds = policy.declared("work_kinds")
    templates = [Template(text) for kind in kinds.values() for text in (kind.branch, kind.base) if text]
    names = Names(kinds)
    naming = names.read("branch", own, lenient=False) if own else None
    stages = policy.declared("wave_settings").stages if policy.declares("wave_settings") else ()
    patterns = [pattern for stage in stages for pattern in stage.branches]

    def is_items(name: str) -> bool:
        if name == policy.base:
            return False
        if naming is not None:
            other = names.read("branch", name, lenient=False)
            if other is not None and other.same_item(naming):
                return False
        if any(template.read(name) is not None for template in templates):
            return True
        if not patterns:
            return False
        from specguard.waves.order import read_branch

        return read_branch(patterns, name) is not None

    return is_items


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
