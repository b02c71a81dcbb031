"""WRK008: a work item's document that asks for what the authority guards."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Guards, Stage, WorkItem

_ALL_BELOW = re.compile(r"(?:/\*{0,2})+$")


class ConflictingDocument(Rule):
    """The work item's document asks to change a path that the authority guards, or lists one as allowed.

    Documents contradict each other, and the authority's order decides: here its forbidden and locked paths
    win over an item's document. An author who follows the document would break the lock, and one who keeps
    the lock cannot finish, so the conflict is shown with both lines before any work is lost.

    A document lists a path as allowed in the sections that `scope_sections` names. It asks to change one
    where a sentence has it as the object of a verb of change ("Update `docs/api/x.yaml`", "add a field to
    `docs/api/x.yaml`"). Sentences that say no, quotes, code blocks, and sections such as *Out of scope* ask
    for nothing. The document is read from the trusted base. A scope that is wider than a lock is no conflict.

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

    Do not touch `docs/api/v1.yaml`.
    Update the schema `docs/api/v2.yaml` and the client.
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

    Update the client to match `docs/api/v2.yaml`.
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
        for ask in work_item.asks:
            path = _ALL_BELOW.sub("", ask.path).removeprefix("/")
            guard = guards.find(path.encode("utf-8", "surrogateescape"))
            if guard is None:
                continue
            asks = "lists it as allowed" if ask.allowed else "asks to change it"
            yield Finding(
                f"{ask.path} is guarded by '{guard.pattern}' ({guard.rule}), and {place}:{ask.line} {asks}",
                help="The authority wins: leave the path alone, and have the document corrected in the base.",
                path=document,
                line=ask.line,
                key=ask.path,
                setting=guard.key,
            )
