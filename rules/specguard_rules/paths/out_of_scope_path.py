"""PTH003: an entry outside the paths that a work item may change."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule, path_text
from specguard_rules.steps import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Bookkeeping, Entry, Policy, Stage, WorkItem


class OutOfScopePath(Rule):
    """A change touches a path outside its item's scope.

    That is `scope` in `[work.<kind>]`, or else the paths in `scope_sections` of the item's document in the
    trusted base. Without any, the rule does not apply. If items there have no path, findings are warnings.
    Only approvals and committed runs are exempt.

    Why is this bad? A scope keeps changes small and reviews honest.

    How to fix it: take it out, or have the scope widened in the base first.

    ```text
    error: tools/b.py is outside the scope of phase 12: src/
    ```

    ```toml fails
    policy = '''
    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"src/a.py" = "b", "tools/b.py" = "b"}}]
    expect = [{code = "PTH003", path = "tools/b.py", authority = "docs/plan/phase-12.md:5"}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    ## Scope

    - `src/` and below
    '''
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    scope = ["src/", "tests/"]
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"src/a.py" = "b"}}]
    ```
    """

    code: ClassVar[str] = "PTH003"
    name: ClassVar[str] = "out-of-scope-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "every entry is within the paths that the work item may change"

    def check(
        self,
        entries: Sequence[Entry],
        work_item: WorkItem,
        policy: Policy,
        bookkeeping: Bookkeeping,
        base: Base,
    ) -> Iterator[Finding]:
        """Compare the entries with the scope."""
        scope = work_item.scope
        paths = [entry.path for entry in entries]
        inside = {position for position, _ in scope.paths.find_each(paths)}
        place = None if scope.document is None else path_text(scope.document)
        allowed = ", ".join(scope.paths.patterns[:8]) + (", ..." if len(scope.paths.patterns) > 8 else "")
        unread = (
            f" (line {scope.unread[0]} of it may mean more, so this is a warning)" if scope.unread else ""
        )
        for position, entry in enumerate(entries):
            if position in inside or entry.path.startswith(policy.log_folder):
                continue
            if bookkeeping.has(entry) or base.has(entry):
                continue
            path = path_text(entry.path)
            yield Finding(
                f"{path} is outside the scope of {work_item}: {allowed}{unread}",
                help=f"{put_back(entry, base)}, or have "
                + (
                    f"{place} list it in the base first."
                    if place
                    else f"{work_item.setting('scope')} widened first."
                ),
                path=entry.path,
                side="base" if entry.deleted else None,
                key="scope",
                severity="warning" if scope.unread else None,
                setting=work_item.setting("scope"),
                authority=Origin(place, scope.lines[0]) if place else None,
            )
