"""SPC004: a date of a last review that was bumped, and nothing else."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Specs, Stage
    from specguard.specs.spec import Spec


class DateOnlyReview(Rule):
    """A change moves a spec's review date but shows no review.

    In `[specs]`, a new date needs a trace: a visible correction, or an approval with name and day, no older
    than the review. White space, comments, other dates, object ids and renames are no trace.

    Why is this bad? A new date is the cheapest way past SPC003.

    How to fix it: correct what the review found, or record reviewer and day under `approvals`.

    See also: `stale-spec`

    ```text
    error: tasks/specs/0001-runs.md:2: the last_review of tasks/specs/0001-runs.md is 2026-03-03 now,
      and nothing else in it has changed
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    '''
    args = ["--today", "2026-03-03"]

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-01-31
    ---

    # Runs
    '''

    [[commits]]
    message = "docs: review the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-03-03
    ---

    # Runs

    <!-- still right -->
    '''

    [[expect]]
    code = "SPC004"
    path = "tasks/specs/0001-runs.md"
    line = 2
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    '''
    args = ["--today", "2026-03-03"]

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-01-31
    ---

    # Runs
    '''

    [[commits]]
    message = "docs: review the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-03-03
    ---

    # Runs

    ## Approvals

    - Ann Example (2026-03-03): nothing to correct
    '''
    ```
    """

    code: ClassVar[str] = "SPC004"
    name: ClassVar[str] = "date-only-review"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "no date of a last review moves without a trace of the review"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare each spec that the change touches with what it was before."""
        for spec in specs.judged:
            if not specs.touches(spec):
                continue
            was = specs.before(spec)
            if was is None or not _later(spec, was) or specs.says_more(spec, was):
                continue
            review = max(
                (review for review in spec.reviews if review.date is not None),
                key=lambda review: str(review.date),
            )
            elsewhere = "" if review.said.path == spec.path else f", in {review.said.place}"
            moved = "" if was.path == spec.path else f" (it was {path_text(was.path)})"
            yield Finding(
                f"the {specs.settings.review} of {path_text(spec.path)}{moved} is {review.date} now"
                f"{elsewhere}, and nothing else in it has changed",
                help="Correct what the review found, or record who approved it and when under "
                f"'{specs.settings.approvals}'.",
                path=spec.path,
                line=review.said.line_in(spec.path),
                key="date alone",
                setting="specs.review",
            )


def _later(spec: Spec, was: Spec) -> bool:
    """Whether the oldest or the newest of a spec's dates is later than it was."""
    days = [str(review.date) for review in spec.reviews if review.date is not None]
    before = [str(review.date) for review in was.reviews if review.date is not None]
    return bool(days and before) and (min(days) > min(before) or max(days) > max(before))
