"""RUN007: done items without evidence at the grade that the policy asks for."""

from __future__ import annotations

from specguard.rules import Finding, Rule, judge_each, shortened
from specguard_rules.runs._cited import item_under_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Claim, Claims, Commit, RunProof, RunRecords, Stage

_NEXT: Final = (
    "Run `specguard run gates` for the item on what is there now and name its manifest, or take it back."
)
_NAME: Final = "Name the item in the tick, as '- [x] ID: ...', or in a heading above it."


class UncoveredItem(Rule):
    r"""A done item has no evidence that a reviewer can find, at the grade that the policy asks for.

    That something is done is said quickly. What shows it is graded: an agent says so (`claimed`), a runner
    saw it (`observed`), specguard ran it (`re-run`). `grade` of `[runs]` is the least that counts for:

    - an item of a source (`source` of `[work.<kind>]`) with one of the kind's `closed` statuses, or a task of
      a plan with one of its `done` ones: the manifest of a run that the item names anywhere, or any run that
      is one of it;
    - an entry of the index of specs (`[specs]`) whose status says that it was done (`done`, `closed`,
      `completed` and the like; what was cancelled was not): the manifest that it names, or any run of it;
    - an item of a checklist (`[checklists]`) that is ticked: the manifest that it names.

    **A run proves something** where it succeeded and names no other item. Its grade is the least that the
    results of its gates have; of an older layout `observed` where a log or a heartbeat stands beside its
    manifest, else `claimed`. Commands with exit codes that a plan repeats are claimed. What a person verified
    by hand, with a name and a time, is a person's word and no agent's, and counts.

    **From `observed` up** the run names the item: that of the status, or the nearest one that the tick names
    or stands under (in its words, in the items and headings above it, in the file's name). Its tree is the
    judged one or that of a commit which holds the last change of the item, whatever differs in documents
    under contract, checklists, indexes, plans and runs. [runs.md](../runs.md#what-a-proof-is-bound-to) has
    the table.

    That evidence is missing altogether is told by [ART006](unproven-checkbox.md) for ticked items, and by
    [PLN003](unverified-done.md) for tasks of plans. **Judged** are the items that the change closes or ticks;
    with `--all` all. Where runs are kept with `keep = "local"` and none are here, the rule is not asked,
    which the report says once. A run that is under way is the evidence of its own item.

    How to put it right: let a run show it, and name its manifest; or take the status back.

    ```toml fails
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s2/1/manifest.json" = '{"task_id": "s2", "status": "succeeded"}'
    "slices.json" = '''
    {"slices": [
      {"id": "s1", "status": "done"},
      {"id": "s2", "status": "done"},
      {"id": "s3", "status": "open"}]}
    '''

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 2
    message = "no run shows it"

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 3
    message = "is claimed and not observed"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s1/1/manifest.json" = '''
    {"task_id": "s1", "status": "succeeded", "tree": "7838acf372af973a8c675495457130ffad773dda"}
    '''
    ".runs/slice-s1/1/runner.log" = "started\n"
    "slices.json" = '{"slices": [{"id": "s1", "status": "done"}]}'
    ```
    """

    code: ClassVar[str] = "RUN007"
    name: ClassVar[str] = "uncovered-item"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("runs.grade",)
    condition: ClassVar[str] = "every item that is done has evidence of the grade that is asked for"

    def check(
        self,
        run_records: RunRecords,
        run_proof: RunProof,
        claims: Claims,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Weigh the evidence of what is done."""
        own = item_under_way(commits, run_records)

        def uncovered(claim: Claim) -> Iterator[Finding]:
            flaw = run_proof.judge(claim)
            # ART006 says where a tick has no evidence at all, and PLN003 where a task of a plan has none.
            if flaw is not None and (
                flaw.bound or not (claim.status == "ticked" or claims.is_planned(claim))
            ):
                yield Finding(
                    f"{shortened(claim.label)!r} is {claim.status}, and {flaw}"
                    if claim.status == "ticked"
                    else f"{claim.label} is {claim.status}, and {flaw}",
                    help=_NEXT if claim.ids else _NAME,
                    path=claim.path,
                    line=claim.line,
                    key=claim.key,
                    setting="runs.grade",
                )

        done = [one for one in claims.done if own not in {f"{one.kind}-{item}" for item in one.ids}]
        yield from judge_each([*done, *(claim for _, claim in claims.ticks)], uncovered)
