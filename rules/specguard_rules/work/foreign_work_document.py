"""WRK005: another work item's document is changed."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.paths._guarded import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Stage, WorkItem


class ForeignWorkDocument(Rule):
    """A change for one work item adds, edits or removes the document of another one.

    An item's document is the order that its change carries out. Orders for other items are written by changes
    of their own, so that whoever implements one item does not rewrite the next. Which files are documents say
    `siblings`, or, where that is empty, `document` and `legacy` with any number in them; the item's own
    document, in each place where it could be, is left out.

    How to put it right: `git checkout <base> -- <path>`, and commit; the finding has the command in full.

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
    condition: ClassVar[str] = "no document of another work item is changed"

    def check(self, entries: Sequence[Entry], work_item: WorkItem, base: Base) -> Iterator[Finding]:
        """Look for other items' documents among the entries."""
        by_path = {entry.path: entry for entry in entries}
        setting = "siblings" if work_item.settings.siblings else "document"
        for path in work_item.foreign(list(by_path)):
            entry = by_path[path]
            name = path_text(path)
            deed = "removed" if entry.deleted else "added" if entry.added else "changed"
            yield Finding(
                f"{name}, the document of another {work_item.kind}, is {deed} by the change for {work_item}",
                help=f"{put_back(entry, None, base, False)}, and leave it to a change of its own.",
                path=path,
                side="base" if entry.deleted else None,
                key=name,
                setting=work_item.setting(setting),
            )
