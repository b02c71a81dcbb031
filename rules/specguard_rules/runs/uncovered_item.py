"""RUN007: done items without evidence at the grade that the policy asks for."""

from __future__ import annotations

from specguard.rules import Finding, Rule, judge_each, shortened
from specguard_rules.runs._cited import item_under_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Claims, Commit, RunProof, RunRecords, Stage
    from specguard.runs.proof import Claim

_NEXT: Final = (
    "Run `specguard run gates` for the item on what is there now and name its manifest, or take it back."
)
_NAME: Final = "Name the item in the tick, as '- [x] ID: ...', or in a heading above it."


class UncoveredItem(Rule):
    r"""A done item lacks evidence of the required grade.

    An agent says so (`claimed`), a runner saw it (`observed`), or specguard ran it (`re-run`). `grade` of
    `[runs]` is the least that counts. Judged are items, tasks, specs in the index and ticked checklist items
    that the change closes. The run succeeded and names no other item. From `observed` up it names this one,
    and [its tree must fit](../runs.md#what-a-proof-is-bound-to).

    Why is this bad? Everybody can say that something is done.

    How to fix it: name a run's manifest that shows it, or take the status back.

    See also: `unproven-checkbox`, `unverified-done`

    ```text
    error: slices.json:2: slice s1 is done, and no run shows it
    ```

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
                message = (
                    f"{shortened(claim.label)!r} is {claim.status}, and {flaw}"
                    if claim.status == "ticked"
                    else f"{claim.label} is {claim.status}, and {flaw}"
                )
                step = _NEXT if claim.ids else _NAME
                yield Finding(
                    message, help=step, path=claim.path, line=claim.line, key=claim.key, setting="runs.grade"
                )

        done = [one for one in claims.done if own not in {f"{one.kind}-{item}" for item in one.ids}]
        yield from judge_each([*done, *(claim for _, claim in claims.ticks)], uncovered)
