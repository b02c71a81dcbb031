"""WRK005: the document of a work item is changed, and not by that item's change or the plan's upkeep."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.steps import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Stage, Work


class ForeignWorkDocument(Rule):
    """A change edits another work item's document.

    Plan upkeep is exempt, as for `pointer-change`. `document`, `legacy` and `siblings` say which files are
    documents. Upkeep that alters an open item's scope, gates, files or `verify` is a warning; with
    `[work.<kind>] upkeep = "approvers"` it needs an approval.

    Why is this bad? Who carries out an order must not rewrite it.

    How to fix it: type the command in the finding.

    See also: `pointer-change`

    ```text
    error: docs/plan/phase-13.md, the document of another phase, is changed by the change for phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    expect = [{code = "WRK005", path = "docs/plan/phase-13.md"}]

    [[commits]]
    message = "feat: x"
    files = {"docs/plan/phase-12.md" = "b", "docs/plan/phase-13.md" = "b"}

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    "docs/plan/phase-12.md" = "a"
    "docs/plan/phase-13.md" = "a"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"docs/plan/phase-12.md" = "b"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    "docs/plan/phase-12.md" = "a"
    ```
    """

    code: ClassVar[str] = "WRK005"
    name: ClassVar[str] = "foreign-work-document"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = (
        "no document of a work item is changed but for that item, or by the plan's upkeep"
    )

    def check(self, entries: Sequence[Entry], work: Work, base: Base) -> Iterator[Finding]:
        """Look for documents of items among the entries."""
        yield from _altered(work)
        roles = ("document",) if work.naming else ("document", "index")
        for entry, paper in work.papers_of(entries, roles):
            if (work.naming and work.item.owns(entry.path)) or base.has(entry):
                continue
            name = path_text(entry.path)
            deed = "removed" if entry.deleted else "added" if entry.added else "changed"
            what = "the index of" if paper.role == "index" else "the document of"
            whose = f"{'another' if work.naming and work.naming.kind == paper.kind else 'a'} {paper.kind}"
            yield Finding(
                f"{name}, {what} {whose}, is {deed} by {work.label}",
                help=f"{put_back(entry, base)}, and leave it to a change of the plan's papers.",
                path=entry.path,
                side="base" if entry.deleted else None,
                key=name,
                setting=paper.setting,
            )


def _altered(work: Work) -> Iterator[Finding]:
    for one in work.alterations():
        held = work.kinds[one.kind].upkeep == "approvers"
        old, new = (", ".join(texts) or "nothing" for texts in (one.old, one.new))
        what = f"the {one.what} of {one.item}, which is open,"
        yield Finding(
            f"{what} was {old} and is {new}" if one.new else f"{what} was removed: {old}",
            help=f"Put {path_text(one.path)} back, or have this approved."
            if held
            else "See that those who work on it know, and that its reviewers hold it to the new one.",
            path=one.path,
            line=one.line,
            key=f"{one.item} {one.what}",
            severity=None if held else "warning",
            setting=f"work.{one.kind}.upkeep",
        )
