"""PLN010: a slice's change outside its files, or on another branch than its own."""

from __future__ import annotations

from specguard.rules import Covering, Finding, NotApplicable, Origin, Rule, path_text
from specguard_rules.spelling import alternatives, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Annotated, ClassVar

    from pydantic import Field

    from specguard.rules import Bookkeeping, Branch, Entry, Listed, Plans, Policy, Stage, WorkItem


class SliceOutOfFiles(Rule):
    """A change for a slice touches files that are not the slice's, or is made on another branch than its own.

    A work breakdown gives each slice its owner and its files, so that several agents can work beside each
    other. The files are those that the slice's entry lists in the trusted base (`files` of an entry of
    `source` in `[work.<kind>]`; `fields` can name another key): paths, folders and patterns, as texts or as
    `{path: ...}`. The slice is told by the change's branch, its first commit or its title. Its branch is
    `branch` in `[work.<kind>]`.

    What every slice may touch besides, such as the reports that its agent leaves, is `also`. The log of
    approvals (`[approvals] log`) is left alone, and, where runs are committed (`[runs] keep = "tree"`),
    what a commit of its own adds to their folder.

    How to put it right: move what belongs to another slice to that slice's branch, or have the breakdown
    widened first, by a change of its own.

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

    also: Annotated[
        Covering,
        Field(
            description="what the change of any slice may touch besides its files",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = Covering()

    def check(
        self,
        entries: Sequence[Entry],
        work_item: WorkItem,
        policy: Policy,
        bookkeeping: Bookkeeping,
        branch: Branch | None = None,
        plans: Plans | None = None,
    ) -> Iterator[Finding]:
        """Compare the entries with the slice's files, and the branch with its own."""
        listed = work_item.listed
        if listed is None:
            raise NotApplicable(f"{work_item} is not listed in a file with others")
        if plans is not None and plans.holding(listed.source.path) == listed.source.path:
            raise NotApplicable(f"{path_text(listed.source.path)} is a plan, which PLN004 holds to its files")
        if not listed.files:
            raise NotApplicable(f"{path_text(listed.source.path)} lists no files for {listed}")
        place = path_text(listed.source.path)
        origin = Origin(place, listed.line or 0)
        if branch is not None and work_item.branches and branch.name not in work_item.branches:
            yield Finding(
                f"the change is for {listed}, and is on the branch {quoted(branch.name)}, which is not the "
                f"slice's own, {alternatives(work_item.branches)}",
                help=f"Move it there: git branch -m {work_item.branches[0]}",
                field="branch",
                key="branch",
                setting=work_item.setting("branch"),
            )
        scope = listed.scope
        others = [other for other in listed.source.items if other.id != listed.id and other.files]
        files = ", ".join(scope.patterns[:5]) + (", ..." if len(scope.patterns) > 5 else "")
        for entry in entries:
            path = entry.path
            if any(apart.find(path) is not None for apart in (scope, self.also)):
                continue
            if path.startswith(policy.log_folder) or bookkeeping.has(entry):
                continue
            whose = _whose(others, path)
            yield Finding(
                f"{path_text(path)} is none of the files of {listed} ({files})"
                + (f"; it belongs to {whose}" if whose else ""),
                help=f"Change it on the branch of {whose}."
                if whose
                else f"Take it out, or have {place} list it for {listed} in the base first.",
                path=path,
                side="base" if entry.deleted else None,
                key=listed.id,
                setting=work_item.setting("source"),
                authority=origin,
            )


def _whose(others: Sequence[Listed], path: bytes) -> str:
    """The one item among others whose file a path is; empty where it is nobody's, or several items'."""
    found = [str(other) for other in others if other.scope.find(path) is not None]
    return found[0] if len(found) == 1 else ""
