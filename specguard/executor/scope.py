"""The paths that an item may change, and what a run commits outside of them that nobody may have meant to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from specguard.change.entry import EXECUTABLE
from specguard.declaration.patterns import Covering
from specguard.declaration.record import Record
from specguard.errors import NotApplicable
from specguard.executor.papers import is_paper
from specguard.executor.place import place_of
from specguard.executor.tasks import task_of
from specguard.model import listed, path_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.authority.policy import Policy
    from specguard.executor.run import Run
    from specguard.work.item import WorkItem

_MOST: Final = 20
_UNSCOPED: Final = "Nothing says which paths "
_MADE: Final = "New files that are binary or executable: "


class Scope(Record):
    """The paths that an item may change.

    Attributes:
        patterns: them.
        where: what states them, for a person.
        held: whether a rule holds the change to them.
    """

    patterns: Sequence[str]
    where: str
    held: bool


def scope_of(policy: Policy, item: WorkItem) -> Scope | None:
    """The paths that an item may change; None where nothing states any.

    Raises:
        MissingFact: the trusted base cannot be read.
    """
    task = task_of(policy, item)
    if task is not None and task.expected_files:
        return Scope(
            patterns=list(task.expected_files),
            where=str(task.origin("expected_files")),
            held=judges(policy, "unexpected-file"),
        )
    held = judges(policy, "out-of-scope-path")
    entry = item.listed
    if entry is not None and entry.files:
        path = path_text(entry.source.path)
        where = f"{path}:{entry.files[0].line}" if entry.files[0].line else path
        return Scope(patterns=list(entry.scope.patterns), where=where, held=held)
    try:
        scope = item.scope
    except NotApplicable:
        return None
    if scope.document is not None:
        path = path_text(scope.document)
        where = f"{path}:{scope.lines[0]}" if scope.lines else path
    else:
        origin = policy.origin(item.setting("scope"))
        where = f"{origin.path}:{origin.line}" if origin else item.setting("scope")
    return Scope(patterns=list(scope.paths.patterns), where=where, held=held)


def judges(policy: Policy, name: str) -> bool:
    """Whether a rule of this name judges."""
    rule = policy.rule(name)
    return rule is not None and rule.active


def note_commit(run: Run, tree: str) -> None:
    """Note new binary and executable files outside of the scope, and without a scope all that is committed.

    Args:
        run: its place is made.
        tree: the tree that is committed.

    Raises:
        MissingFact: the trusted base cannot be read.
    """
    place, item = place_of(run), run.item
    if item is None or is_paper(run.policy, item.kind):
        return
    entries = place.git.diff_trees(place.base, tree)
    words = ("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--numstat")
    counts = place.git.run(*words, place.base, tree, "--").split(b"\0")
    binary = {one[4:] for one in counts if one.startswith(b"-\t-\t")}
    scope = scope_of(run.policy, item)
    inside = Covering(list(scope.patterns)) if scope is not None else Covering()
    made = [
        path_text(one.path)
        for one in entries
        if one.added and inside.find(one.path) is None and (one.path in binary or one.new_mode == EXECUTABLE)
    ]
    if made:
        run.note(f"{_MADE}{listed(made, _MOST)}.", instead_of=_MADE)
    if scope is None:
        files = listed([path_text(one.path) for one in entries], _MOST)
        run.note(f"{_UNSCOPED}{item} may change. It commits {files}.", instead_of=_UNSCOPED)
