"""PLN010: a slice's change outside its files or its branch, or its files in a change that is for no slice."""

from __future__ import annotations

from specguard.rules import Covering, Finding, NotApplicable, Origin, Rule, path_text, setting
from specguard_rules.spelling import alternatives, quoted
from specguard_rules.steps import to_branch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Bookkeeping, Branch, Entry, Plans, Policy, Stage, Waves, WorkItem
    from specguard.work.sources import Listed


class SliceOutOfFiles(Rule):
    """A change leaves its slice, or touches another one's files.

    The slice's entry (`source` of `[work.<kind>]`) in the trusted base lists its `files`. While a wave's
    stage is open, changes that name no slice leave its slices' files alone, unless approved.

    Why is this bad? Owned files let several agents work beside each other.

    How to fix it: move the files to their slice's branch, or have the breakdown widened first.

    ```text
    error: src/b/y.ts is not one of the files of slice D1 (src/a/**); it belongs to slice D2
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    branch = "phase-d-1"
    commits = [{message = "feat: x", files = {"src/a/x.ts" = "1", "src/b/y.ts" = "1"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    phase: d
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
      - {id: D2, owner: bob, files: [src/b/**]}
    '''

    [[expect]]
    code = "PLN010"
    path = "src/b/y.ts"
    message = "belongs to slice D2"
    authority = "plan/PHASE_D_WORKBREAKDOWN.yaml:3"
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [artifacts.packet]
    path = "plan/PHASE_{phase}_PACKET.md"

    [wave]
    by = ["phase"]
    stages = [{name = "planning", leaves = ["packet"]}, {name = "implementation", items = "slice"}]
    '''
    branch = "tidy-up"
    commits = [{message = "refactor: tidy up", files = {"src/a/x.ts" = "1", "README.md" = "Hello."}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
    '''

    [[expect]]
    code = "PLN010"
    path = "src/a/x.ts"
    message = "is a file of slice D1, still to be done, and the change names no slice"
    help = "phase-D-1"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [rules.slice-out-of-files]
    also = ["plan/reports/"]
    '''
    branch = "phase-d-1"
    commits = [{message = "feat: x", files = {"src/a/x.ts" = "1", "plan/reports/D1.md" = "Done."}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    phase: d
    slices:
      - {id: D1, owner: ann, files: [src/a/**]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN010"
    name: ClassVar[str] = "slice-out-of-files"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work.*.source",)
    condition: ClassVar[str] = "every entry is one of the slice's files, and the branch is the slice's own"

    also: Covering = setting(Covering(), "what every slice may touch too", tightens="fewer")

    def check(
        self,
        entries: Sequence[Entry],
        policy: Policy,
        bookkeeping: Bookkeeping,
        stage: Stage,
        work_item: WorkItem | None = None,
        branch: Branch | None = None,
        base: Base | None = None,
        plans: Plans | None = None,
        waves: Waves | None = None,
    ) -> Iterator[Finding]:
        """Compare the entries with the slice's files, and the branch with its own."""
        listed = work_item.listed if work_item is not None else None
        why = "the change names no work item"
        if work_item is not None:
            why = f"{work_item} is not listed in a file with others"
        if (
            listed is not None
            and plans is not None
            and plans.holding(listed.source.path) == listed.source.path
        ):
            why = f"{path_text(listed.source.path)} is a plan, which PLN004 holds to its files"
            listed = None
        entries = [
            entry
            for entry in entries
            if self.also.find(entry.path) is None
            and not entry.path.startswith(policy.log_folder)
            and not bookkeeping.has(entry)
        ]
        if work_item is not None and listed is not None:
            yield from _beyond(work_item, listed, entries, branch, base, staged=stage == "staged")
            return
        landed = base is not None and branch is not None and base.is_branch(branch, stage)
        kept = waves.kept if waves is not None and not landed else ()
        if waves is None or not kept:
            raise NotApplicable(why)
        for entry in entries:
            whose = [item for item in kept if item.scope.find(entry.path) is not None]
            if whose and not waves.is_paper(entry.path):
                yield _taken(entry, whose)


def _taken(entry: Entry, whose: Sequence[Listed]) -> Finding:
    """An entry that is a file of slices, in a change for none of them."""
    first = whose[0]
    names = " and ".join(str(item) for item in whose[:3])
    named = f", {first.branch}" if first.branch else ""
    return Finding(
        f"{path_text(entry.path)} is a file of {names}, still to be done, and the change names no "
        f"{first.source.kind}",
        help=f"Change it on the branch of {first}{named}, or have it approved.",
        path=entry.path,
        side="base" if entry.deleted else None,
        key=f"kept {first.id}",
        setting=first.setting,
        authority=Origin(path_text(first.source.path), first.line or 0),
    )


def _beyond(
    work_item: WorkItem,
    listed: Listed,
    entries: Sequence[Entry],
    branch: Branch | None,
    base: Base | None,
    *,
    staged: bool,
) -> Iterator[Finding]:
    """What a slice's change touches beside the slice's files, and the branch that is another one."""
    place = path_text(listed.source.path)
    if not listed.files:
        raise NotApplicable(f"{place} lists no files for {listed}")
    if branch and base and work_item.branches and branch.name not in work_item.branches:
        yield Finding(
            f"the change is for {listed}, and is on the branch {quoted(branch.name)}, which is not the "
            f"slice's own, {alternatives(work_item.branches)}",
            help=f"Take it there: `{to_branch(work_item.branches[0], branch, base)}`",
            field="branch",
            key="branch",
            same_as=("BRN001 item",),
            setting=work_item.setting("branch"),
        )
    scope = listed.scope
    others = [other for other in listed.source.items if other.id != listed.id and other.files]
    files = ", ".join(scope.patterns[:5]) + (", ..." if len(scope.patterns) > 5 else "")
    for entry in entries:
        if scope.find(entry.path) is not None:
            continue
        whose = _whose(others, entry.path)
        stands = whose.branch if whose is not None and not staged else ""
        yield Finding(
            f"{path_text(entry.path)} is not one of the files of {listed} ({files})"
            + (f"; it belongs to {whose}" if whose else ""),
            help=f"Change it on the branch of {whose}"
            + (f"; if this one stands on it: git branch -u {stands}" if stands else ".")
            if whose
            else f"Take it out, or have {place} list it for {listed} in the base first.",
            path=entry.path,
            side="base" if entry.deleted else None,
            key=listed.id,
            setting=work_item.setting("source"),
            authority=Origin(place, listed.line or 0),
        )


def _whose(others: Sequence[Listed], path: bytes) -> Listed | None:
    """The one item among others whose file a path is; None where it is nobody's, or several items'."""
    found = [other for other in others if other.scope.find(path) is not None]
    return found[0] if len(found) == 1 else None
