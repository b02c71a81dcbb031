"""WRK008: a work item's document that asks for what the authority guards."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Guards, Stage, WorkItem


class ConflictingDocument(Rule):
    """The work item's document asks to change a path that the authority guards, or lists one as allowed.

    Documents contradict each other, and the authority's order decides: here its forbidden and locked paths
    win over an item's document. An author who follows the document would break the lock, and one who keeps
    the lock cannot finish, so the conflict is shown with both lines before any work is lost.

    It is an error where a guarded path is, or begins, an item of a section that `scope_sections` names or of
    *Deliverables*, and where a task begins with one: an item of a list with a box or a number, or below
    *Tasks*. Anywhere else in the text it is a warning that shows the line, once for each path, since it
    cannot be told what a sentence asks for.

    Sentences that say no, quotes, code blocks, and sections such as *Out of scope* or *Locked files* ask for
    nothing. The document is read from the trusted base. A scope that is wider than a lock is no conflict.

    How to put it right: have the document corrected, by a change of its own, or the authority by its owners.

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
