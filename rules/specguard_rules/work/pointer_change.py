"""WRK004: a work item's change that moves a pointer."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.steps import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Stage, Work


class PointerChange(Rule):
    """A change moves the pointer, and is not plan upkeep.

    Plan upkeep is a person's change that names no work item and touches only pointers, documents and lists of
    items. Every file in `pointer` counts, for each kind with `protect_pointer` in `[work.<kind>]`, even
    before it exists.

    Why is this bad? An author who moves the pointer chooses the next order.

    How to fix it: type the command in the finding.

    See also: `foreign-work-document`

    ```text
    error: configs/NEXT_TRACK.json is changed by the change for track 5
    ```

    ```toml fails
    policy = '''
    [work.track]
    pointer = ["configs/NEXT_TRACK.json"]
    number = "next_track"
    branch = "track-{number}"
    '''
    base = {files = {"configs/NEXT_TRACK.json" = '{"next_track": 5}'}}
    branch = "track-5"

    [[commits]]
    message = "chore(track5): x"
    files = {"x.txt" = "x", "configs/NEXT_TRACK.json" = '{"next_track": 6}'}

    [[expect]]
    code = "WRK004"
    path = "configs/NEXT_TRACK.json"
    ```

    ```toml passes
    policy = '''
    [work.track]
    pointer = ["configs/NEXT_TRACK.json"]
    number = "next_track"
    branch = "track-{number}"
    '''
    base = {files = {"configs/NEXT_TRACK.json" = '{"next_track": 5}'}}
    branch = "track-5"
    commits = [{message = "chore(track5): x", files = {"x.txt" = "x"}}]
    ```
    """

    code: ClassVar[str] = "WRK004"
    name: ClassVar[str] = "pointer-change"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "no pointer to the current work item is changed but by the plan's upkeep"

    def check(self, entries: Sequence[Entry], work: Work, base: Base) -> Iterator[Finding]:
        """Look for pointers among the entries."""
        for entry, paper in work.papers_of(entries, ("pointer",)):
            if not work.kinds[paper.kind].protect_pointer or base.has(entry):
                continue
            path = path_text(entry.path)
            when = "when that is merged" if work.naming else "in a person's change of only the plan's papers"
            yield Finding(
                f"{path} is changed by {work.label}",
                help=f"{put_back(entry, base)}: it moves {when}.",
                path=entry.path,
                side="base" if entry.deleted else None,
                key=path,
                setting=f"work.{paper.kind}.protect_pointer",
            )
