"""WRK008: a work item's document that asks for what the authority guards."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Guards, Stage, WorkItem


class ConflictingDocument(Rule):
    """A work item's document in the base asks to change a guarded path.

    It is an error if the path begins a task, or an item of *Scope*, *Files* or another section of
    `scope_sections` of `[work.<kind>]`. Else it is a warning. Negations, quotations, code blocks and sections
    such as *Out of scope* do not count.

    Why is this bad? The item cannot be done without breaking the lock.

    How to fix it: have the document corrected on its own, or the authority by its owners.

    See also: `locked-path`

    ```text
    error: docs/plan/phase-12.md:4: docs/api/v2.yaml is guarded by 'docs/api/' (forbidden-path), and
      docs/plan/phase-12.md:4 asks to change it
    ```

    ```toml fails
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]

    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    1. Do not touch `docs/api/v1.yaml`.
    2. `docs/api/v2.yaml` should have the new field.
    '''

    [[expect]]
    code = "WRK008"
    path = "docs/plan/phase-12.md"
    line = 4
    ```

    ```toml passes
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]

    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    Update the client to match the API. Do not edit `docs/api/v2.yaml`.
    '''
    ```
    """

    code: ClassVar[str] = "WRK008"
    name: ClassVar[str] = "conflicting-document"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the work item's document asks for no change of a guarded path"

    def check(self, work_item: WorkItem, guards: Guards) -> Iterator[Finding]:
        """Look for guarded paths among those that the document asks for."""
        document = work_item.document
        place = path_text(document or b"")
        for ask, guard in work_item.conflicts(guards):
            asks = {"listed": "lists it as allowed", "task": "asks to change it"}.get(
                ask.how, f"says {ask.text!r}"
            )
            yield Finding(
                f"{ask.path} is guarded by '{guard.pattern}' ({guard.rule}), and {place}:{ask.line} {asks}",
                help="The authority wins: leave the path alone, and have the document corrected in the base"
                + (" if that asks for a change of it." if ask.how == "named" else "."),
                path=document,
                line=ask.line,
                key=ask.path,
                severity="warning" if ask.how == "named" else None,
                setting=guard.key,
            )
