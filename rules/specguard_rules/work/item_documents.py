"""Rules about the papers of work items: their pointers, documents and indexes."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule, path_text
from specguard_rules.next_steps import put_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Guards, Stage, Work, WorkItem


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
        settings, located = work_item.settings, work_item.located
        if not (settings.document or settings.index or settings.legacy):
            raise NotApplicable(f"the policy names no document for a {work_item.kind}")
        if located.path is None:
            tried = "; ".join(map(str, located.tried))
            message = (
                f"the document of {work_item} is not found in the base: {located.problem} (tried: {tried})"
            )
            step = "Bring the document into the base by a change of its own, then implement it."
            if located.near:
                step = f"Near misses: {'; '.join(located.near)}."
            cited = work_item.setting("document" if settings.document else "index")
            yield Finding(message, help=step, field="work_item", key="document", setting=cited)
        elif located.legacy:
            message = f"the document of {work_item} is in an older place, {path_text(located.path)}"
            step = f"Move it to {located.legacy}/, by a change of its own."
            cited = work_item.setting("legacy")
            yield Finding(
                message, help=step, path=located.path, key="legacy", severity="warning", setting=cited
            )


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
            if work.kinds[paper.kind].protect_pointer and not base.has(entry):
                when = (
                    "when that is merged" if work.naming else "in a person's change of only the plan's papers"
                )
                step = f"{put_back(entry, base)}: it moves {when}."
                setting = f"work.{paper.kind}.protect_pointer"
                yield _paper(entry, f" is changed by {work.label}", step, setting)


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
        """Look for documents of items among the entries, and for what upkeep alters of open items."""
        for one in work.alterations():
            held = work.kinds[one.kind].upkeep == "approvers"
            old, new = (", ".join(texts) or "nothing" for texts in (one.old, one.new))
            step = "See that those who work on it know, and that its reviewers hold it to the new one."
            became = f"was {old} and is {new}" if one.new else f"was removed: {old}"
            yield Finding(
                f"the {one.what} of {one.item}, which is open, {became}",
                help=f"Put {path_text(one.path)} back, or have this approved." if held else step,
                path=one.path,
                line=one.line,
                key=f"{one.item} {one.what}",
                severity=None if held else "warning",
                setting=f"work.{one.kind}.upkeep",
            )
        for entry, paper in work.papers_of(entries, ("document",) if work.naming else ("document", "index")):
            if (work.naming and work.item.owns(entry.path)) or base.has(entry):
                continue
            deed = "removed" if entry.deleted else "added" if entry.added else "changed"
            whose = f"{'another' if work.naming and work.naming.kind == paper.kind else 'a'} {paper.kind}"
            step = f"{put_back(entry, base)}, and leave it to a change of the plan's papers."
            what = f", the {paper.role} of {whose}, is {deed} by {work.label}"
            yield _paper(entry, what, step, paper.setting)


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
        place = path_text(work_item.document or b"")
        for ask, guard in work_item.conflicts(guards):
            only_named = ask.how == "named"
            asks = "lists it as allowed" if ask.how == "listed" else "asks to change it"
            if only_named:
                asks = f"says {ask.text!r}"
            yield Finding(
                f"{ask.path} is guarded by '{guard.pattern}' ({guard.rule}), and {place}:{ask.line} {asks}",
                help="The authority wins: leave the path alone, and have the document corrected in the base"
                + (" if that asks for a change of it." if only_named else "."),
                path=work_item.document,
                line=ask.line,
                key=ask.path,
                severity="warning" if only_named else None,
                setting=guard.key,
            )


def _paper(entry: Entry, what: str, step: str, setting: str) -> Finding:
    name = path_text(entry.path)
    return Finding(f"{name}{what}", help=step, path=entry.path, side=entry.side, key=name, setting=setting)
