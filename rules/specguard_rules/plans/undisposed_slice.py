"""PLN011: a conditional slice that is neither done nor put off."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Breakdowns, Entry, Stage, WorkItem
    from specguard.work.sources import Listed


class UndisposedSlice(Rule):
    """A conditional slice is neither decided nor deferred.

    When a `conditional` slice of `[work.<kind>]` is done, its change also edits one of `decisions`. Otherwise
    a `readiness` document names it, says `trigger: no` (in tables, in a column `Trigger` or `Triggered`), and
    cites evidence that exists.

    Why is this bad? The question is dropped in silence.

    How to fix it: add "D4: deferred, trigger: no (`scans/d4.json`)" to the readiness document, or do the
    slice.

    ```text
    error: plan/PHASE_D_READINESS.md: slice D4 is conditional, not done, and plan/PHASE_D_READINESS.md
      does not say that it is put off
    ```

    ```toml fails
    policy = '''
    [artifacts.readiness]
    path = "plan/PHASE_{phase}_READINESS.md"

    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    commits = [{message = "docs: readiness", files = {"plan/PHASE_D_READINESS.md" = "Posture: ready"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - {id: D1, status: done}
      - {id: D4, conditional: true}
    '''

    [[expect]]
    code = "PLN011"
    path = "plan/PHASE_D_READINESS.md"
    message = "slice D4 is conditional"
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''
    branch = "phase-D-4"
    commits = [{message = "feat: tighten", files = {"src/a" = "1"}}]

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = "slices: [{id: D4, conditional: true}]"

    [[expect]]
    code = "PLN011"
    field = "work_item"
    help = "DECISIONS.md"
    ```

    ```toml passes
    policy = '''
    [artifacts.readiness]
    path = "plan/PHASE_{phase}_READINESS.md"

    [work.slice]
    source = "plan/PHASE_{phase}_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"
    '''

    [[commits]]
    message = "docs: readiness"

    [commits.files]
    "plan/d4.json" = '{"triggered": false}'
    "plan/PHASE_D_READINESS.md" = '''
    Posture: ready

    - D4: deferred, trigger: no (`plan/d4.json`)
    '''

    [base.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = "slices: [{id: D4, conditional: true}]"
    ```
    """

    code: ClassVar[str] = "PLN011"
    name: ClassVar[str] = "undisposed-slice"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work.*.source",)
    condition: ClassVar[str] = "every conditional slice is done, or put off in the readiness document"

    readiness: list[str] = setting(["readiness"], "the contracts of readiness documents", names=["artifacts"])
    decisions: Selecting = setting(Selecting.of("**/DECISIONS.md"), "the decisions documents, if any")

    def check(
        self,
        breakdowns: Breakdowns,
        entries: Sequence[Entry] | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Look at the slice that the change does, and at the readiness documents that it touches."""
        listed = work_item.listed if work_item else None
        if listed is not None and listed.conditional:
            yield from self._undecided(listed, entries or ())
        yield from breakdowns.undisposed(self.readiness, "readiness")

    def _undecided(self, listed: Listed, entries: Sequence[Entry]) -> Iterator[Finding]:
        if not self.decisions or any(self.decisions.find(entry.path) is not None for entry in entries):
            return
        message = (
            f"{listed} is conditional, and its change decides nothing: it leaves "
            f"{' and '.join(self.decisions.patterns)} as it is"
        )
        step = f"Record what triggered {listed}, and what is decided, in {self.decisions.patterns[0]}."
        yield Finding(message, help=step, field="work_item", key=listed.id, setting="decisions")
