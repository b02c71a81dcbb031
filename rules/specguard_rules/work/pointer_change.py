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
    """The pointer to the current item is changed, and not by the plan's upkeep.

    The pointer says what may be worked on. Maintainers move it after an item's change is merged; an author
    who moves it along chooses the next order. So it moves in *plan upkeep* only: a change that names no
    work item, and touches pointers, documents of items, their indexes and lists of items, and nothing else.
    A change that names an item leaves the pointer alone, be it the only thing that it touches; so does one
    that names none and touches other files. An agent never moves it, in a run or before its hook.

    Every file in `pointer` counts, also one that does not exist yet and would be read before the others,
    for each kind with `protect_pointer`.

    How to put it right: `git checkout <base> -- <pointer>`, and commit; the finding has the command in
    full.

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
