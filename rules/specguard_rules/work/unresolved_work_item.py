"""WRK001: a work item that is named and cannot be resolved, or required and not named."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.spelling import alternatives, quoted
from specguard_rules.steps import reword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Bookkeeping, Commit, Stage, Work, WorkKind
    from specguard.work.item import Unresolved
    from specguard.work.kinds import Naming


class UnresolvedWorkItem(Rule):
    """A change names no work item that the trusted base resolves.

    The branch, commits and title name the item, by the templates of `[work.<kind>]`. The first of its
    `pointer` files must be a JSON object with the current number. A kind with a `source` has a list of items
    instead. With `require_work_item`, every change must name one, except *plan upkeep*, which touches only
    pointers, documents and lists of items.

    Why is this bad? Without the item, no rule knows its scope and gates.

    How to fix it: have the pointer corrected in the base, or give the branch the name in the finding.

    ```text
    error: docs/plan/NEXT_PHASE.json: the branch 'phase-12' names phase 12, which cannot be resolved:
      docs/plan/NEXT_PHASE.json has "soon" in 'next', which should hold the number of the current item
      (tried: configs/NEXT_PHASE.json is not there; docs/plan/NEXT_PHASE.json has "soon" in 'next',
      which should hold the number of the current item)
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json", "docs/plan/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"docs/plan/NEXT_PHASE.json" = '{"next": "soon"}'}}
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [[expect]]
    code = "WRK001"
    path = "docs/plan/NEXT_PHASE.json"
    message = "configs/NEXT_PHASE.json is not there"
    ```

    ```toml fails
    policy = '''
    require_work_item = true

    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"configs/NEXT_PHASE.json" = '{"next": 12}'}}
    branch = "work"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]
    expect = [{code = "WRK001", field = "work_item", help = "'phase-12'"}]
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"configs/NEXT_PHASE.json" = '{"next": 12}'}}
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]
    ```
    """

    code: ClassVar[str] = "WRK001"
    name: ClassVar[str] = "unresolved-work-item"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the work item that the change names is resolved in the trusted base"

    def check(
        self, work: Work, bookkeeping: Bookkeeping, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Resolve the item, or say that one is required."""
        nameless = work.naming is None and work.required
        if nameless and work.is_upkeep:
            return
        yield from self._unnamed(work, bookkeeping, commits or ())
        if nameless:
            if work.own is not None or work.unnamed:
                return
            if work.title_missing:
                work.named()
            names, subjects = alternatives(work.branches), alternatives(work.subjects)
            steps = [f"name the branch after the item: {names}"] if names else []
            steps += [f"begin a commit's subject as {subjects} says"] if subjects else []
            step = ", or ".join(steps) or "give a kind a template that has its number"
            message = "the change names no work item, and the policy requires one"
            how = f"{step[0].upper()}{step[1:]}."
            yield Finding(message, help=how, field="work_item", key="required", setting="require_work_item")
            return
        for naming, found in work.each:
            if not found.resolved:
                kind = work.kinds[naming.kind]
                lost = found.pointer.path is None or naming.source != "branch"
                step = ""
                if kind.source and kind.branch and work.branch and lost:
                    told = work.branch_of_list(naming.kind)
                    step = f"Name the branch after the list that has the item: git branch -m {told}"
                yield _unresolved(naming, found, kind, step)

    def _unnamed(self, work: Work, bookkeeping: Bookkeeping, commits: Sequence[Commit]) -> Iterator[Finding]:
        """The commits that name no item, where each has to."""
        made = {one.oid: one for one in commits}
        for commit in work.unnamed if work.required else ():
            if not bookkeeping.is_all_of(commit):
                yield Finding(
                    f"commit {commit.oid[:10]} {quoted(commit.message.subject)} names no work item, and on "
                    f"{quoted(work.branch)} each commit is one",
                    help=f"Name it after its item, `{reword(commit.message, made)}`, or take it to another "
                    "branch.",
                    commit=commit.oid,
                    field="commit.subject",
                    key=f"unnamed {commit.message.subject}",
                    setting="require_work_item",
                )


def _unresolved(naming: Naming, unresolved: Unresolved, kind: WorkKind, step: str) -> Finding:
    pointer, source = unresolved.pointer, kind.source
    # A list of items that was read says itself that it lacks one.
    tried = "; ".join(map(str, pointer.tried)) if pointer.problem or not source else ""
    return Finding(
        f"{naming.label} names {naming.item}, which cannot be resolved: {unresolved.problem}"
        + (f" (tried: {tried})" if tried else ""),
        help=step
        or f"Have the {'list of items' if source else 'pointer'} corrected in the base, by a change of "
        "its own."
        if source or kind.pointer
        else f"Name the branch after the item, as {kind.branch!r} says, or give the kind a pointer."
        if kind.branch
        else "Give the kind a pointer, or take what nothing tells out of its templates.",
        path=pointer.path,
        line=pointer.line,
        field=None if pointer.path else "work_item",
        key=naming.kind,
        setting=f"work.{naming.kind}.{'source' if source else 'pointer'}",
    )
