"""PTH003: an entry outside the paths that a work item may change."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule, path_text
from specguard_rules.next_steps import put_back

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
        inside = {position for position, _ in scope.paths.find_each([entry.path for entry in entries])}
        place = None if scope.document is None else path_text(scope.document)
        allowed = ", ".join(scope.paths.patterns[:8]) + (", ..." if len(scope.paths.patterns) > 8 else "")
        if scope.unread:
            allowed += f" (line {scope.unread[0]} of it may mean more, so this is a warning)"
        setting = work_item.setting("scope")
        widened = f"have {place} list it in the base first" if place else f"have {setting} widened first"
        for position, entry in enumerate(entries):
            if position in inside or entry.path.startswith(policy.log_folder):
                continue
            if not bookkeeping.has(entry) and not base.has(entry):
                yield Finding(
                    f"{path_text(entry.path)} is outside the scope of {work_item}: {allowed}",
                    help=f"{put_back(entry, base)}, or {widened}.",
                    path=entry.path,
                    side=entry.side,
                    key="scope",
                    severity="warning" if scope.unread else None,
                    setting=setting,
                    authority=Origin(place, scope.lines[0]) if place else None,
                )
