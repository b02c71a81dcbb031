"""WRK003: names of one change, or its pointer, that speak of different items."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Stage, Work


class WorkItemMismatch(Rule):
    """Branch, commit, title and pointer name different work items.

    By `[work.<kind>]`, `phase-12`, `phase_012` and `feat(phase-12): x` all mean phase 12. The commit is the
    first one, the title the pull request's. Other rules use the branch's item, else the commit's, else the
    title's.

    Why is this bad? A reviewer who trusts the title reviews something else.

    How to fix it: rename what is wrong, or take the work to the pointer's item.

    See also: `mixed-work-items`

    ```text
    error: commit 08c42cf1d5 'feat(phase11): implement phase 11' names phase 11, but the branch
      'phase-12' names phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase11): implement phase 11", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 13}'

    [[expect]]
    code = "WRK003"
    field = "commit.subject"

    [[expect]]
    code = "WRK003"
    path = "configs/NEXT_PHASE.json"
    line = 1
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    ```
    """

    code: ClassVar[str] = "WRK003"
    name: ClassVar[str] = "work-item-mismatch"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = (
        "the branch, the first commit, the title and the pointer speak of one work item"
    )

    def check(self, work: Work) -> Iterator[Finding]:
        """Compare every name with the one that decides, and that one with the pointer."""
        naming = work.named()
        seen = {naming.source}
        for other in work.namings:
            if other.source in seen:
                continue
            seen.add(other.source)
            together = work.commits if other.kind in work.shared else ()
            if not any(other.same_item(one) for one in (naming, *together)):
                key = {"branch": "branch", "title": "pull_request"}.get(other.source, "commit")
                yield Finding(
                    f"{other.label} names {other.item}, but {naming.label} names {naming.item}",
                    help=f"Let both name the item that the change implements, {naming.item} or {other.item}.",
                    commit=other.commit,
                    field=other.field,
                    key=f"{other.source} {other.item}",
                    setting=f"work.{other.kind}.{key}",
                )
        pointer = work.pointer(naming.kind)
        known = work.kinds[naming.kind].pointer and not pointer.problem and naming.number is not None
        if known and pointer.number != naming.number:
            place = path_text(pointer.path or b"")
            current = f"{naming.kind} {pointer.id}"
            branch = work.branch_of_current(naming.kind)
            yield Finding(
                f"{naming.label} names {naming.item}, but {place} says that {current} is the current one",
                help=f"Work on {current}" + (f" on the branch '{branch}'." if branch else "."),
                path=pointer.path,
                line=pointer.line,
                key=f"pointer {naming.item}",
                setting=f"work.{naming.kind}.pointer",
            )
        if work.title_missing:
            raise MissingFact("the pull request's title is not known", "specguard check --pr-title TEXT")
