"""WRK004: a work item's change that moves a pointer."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule, path_text
from specguard_rules.paths._guarded import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Stage, Work


class PointerChange(Rule):
    """A change that implements a work item also changes the pointer to the current item.

    The pointer says what may be worked on. Maintainers move it after an item's change is merged; an author
    who moves it along chooses the next order. Every file in `pointer` counts, also one that does not exist
    yet and would be read before the others, for each kind with `protect_pointer`.

    A change that does nothing but move pointers is no item's change, whatever its branch is called, and is
    left alone; while single files are being edited (`edit`), that cannot be told and the edit is refused.

    How to put it right: `git checkout <base> -- <pointer>`, and commit; the finding has the command in full.

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
    condition: ClassVar[str] = "no pointer to the current work item is changed by an item's change"

    def check(self, entries: Sequence[Entry], work: Work, stage: Stage, base: Base) -> Iterator[Finding]:
        """Look for pointers among the entries."""
        naming = work.named()
        pointers = {
            place.encode("utf-8"): kind
            for kind, settings in work.kinds.items()
            if settings.protect_pointer
            for place in settings.pointer
        }
        touched = [entry for entry in entries if entry.path in pointers]
        if touched and len(touched) == len(entries) and stage != "edit":
            raise NotApplicable("the change only moves a pointer, so it is no work item's")
        for entry in touched:
            path = path_text(entry.path)
            yield Finding(
                f"{path} is changed by the change for {naming.item}",
                help=f"{put_back(entry, None, base, False)}: it moves when that is merged.",
                path=entry.path,
                side="base" if entry.deleted else None,
                key=path,
                setting=f"work.{pointers[entry.path]}.protect_pointer",
            )
