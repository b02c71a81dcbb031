"""WRK002: a work item whose document cannot be found in the trusted base."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Stage, WorkItem


class MissingWorkDocument(Rule):
    """The trusted base lacks the work item's document.

    The templates in `document` of `[work.<kind>]` are tried in order, then the tables of `index`, then
    `legacy`, with a warning. Two matching files are an error. A file that only points to another is followed.
    `number_format` pads numbers.

    Why is this bad? The change's own document would be the author's own order.

    How to fix it: bring it into the base first, under the first name in the finding.

    ```text
    error: the document of phase 7 is not found in the base: none of the places it could be in has it
      (tried: docs/plan/phase-7.md is not there)
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-7"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 7}'
    "docs/plan/phase-07.md" = "# Phase 7"

    [[expect]]
    code = "WRK002"
    message = "docs/plan/phase-7.md is not there"
    help = "docs/plan/phase-07.md has the number padded otherwise"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-7"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 7}'
    "docs/plan/phase-7.md" = "# Phase 7"
    ```
    """

    code: ClassVar[str] = "WRK002"
    name: ClassVar[str] = "missing-work-document"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the document of the work item is in the trusted base"

    def check(self, work_item: WorkItem) -> Iterator[Finding]:
        """Look for the document."""
        settings = work_item.settings
        if not (settings.document or settings.index or settings.legacy):
            raise NotApplicable(f"the policy names no document for a {work_item.kind}")
        located = work_item.located
        if located.path is None:
            tried = "; ".join(map(str, located.tried))
            yield Finding(
                f"the document of {work_item} is not found in the base: {located.problem} (tried: {tried})",
                help=_next_step(located.near),
                field="work_item",
                key="document",
                setting=work_item.setting("document" if settings.document else "index"),
            )
        elif located.legacy:
            path = path_text(located.path)
            yield Finding(
                f"the document of {work_item} is in an older place, {path}",
                help=f"Move it to {located.legacy}/, by a change of its own.",
                path=located.path,
                key="legacy",
                severity="warning",
                setting=work_item.setting("legacy"),
            )


def _next_step(near: list[str]) -> str:
    if near:
        return f"Near misses: {'; '.join(near)}."
    return "Bring the document into the base by a change of its own, then implement it."
