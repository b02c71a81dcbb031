"""SPC002: a spec without the date of its last review, or with one that is no date."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Specs, Stage
    from specguard.specs.spec import Spec
    from specguard.specs.text import ReviewDate


class MissingReview(Rule):
    """A spec has no clear date of its last review.

    `review` in `[specs]` names the field, in front matter, a line, list item, table, or the index. Write
    dates as `2026-01-31`. If two places differ, it is a warning and the older date counts. Specs with a
    terminal status need no review.

    Why is this bad? Nobody can tell whether the spec still holds.

    How to fix it: have somebody read the spec, and write down the day.

    See also: `stale-spec`

    ```text
    error: tasks/specs/0001-runs.md has no last_review
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    '''

    [[commits]]
    message = "docs: plan the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    # Runs

    <!-- last_review: 2026-01-31 -->
    '''
    "tasks/specs/0002-logs.md" = '''
    ---
    last_review: 2026-02-30
    ---
    '''

    [[expect]]
    code = "SPC002"
    path = "tasks/specs/0001-runs.md"

    [[expect]]
    code = "SPC002"
    path = "tasks/specs/0002-logs.md"
    line = 2
    message = "no day of the calendar: 2026-02-30"
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    '''

    [[commits]]
    message = "docs: plan the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    # Runs

    - **Last review:** 2026-01-31 (Ann Example)
    '''
    "tasks/specs/0002-logs.md" = '''
    ---
    last_reviewed: 2026-01-31
    ---
    '''
    ```
    """

    code: ClassVar[str] = "SPC002"
    name: ClassVar[str] = "missing-review"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "every spec that is judged says on which day it was last reviewed"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Look for the dates of each spec."""
        name = specs.settings.review
        for spec in specs.judged:
            if specs.terminal(spec):
                continue
            path = path_text(spec.path)
            if not spec.reviews:
                yield _without(spec, name)
            for review in spec.reviews:
                if review.problem:
                    elsewhere = "" if review.said.path == spec.path else f" in {review.said.place}"
                    yield Finding(
                        f"the {name} of {path}{elsewhere} {_shown(review)}",
                        help="Write the day as YYYY-MM-DD.",
                        path=spec.path,
                        line=review.said.line_in(spec.path),
                        key=f"{name} in {review.said.form}",
                        setting="specs.review",
                    )
            yield from _differing(spec, name)


def _without(spec: Spec, name: str) -> Finding:
    """A finding where no day is stated."""
    path, line = path_text(spec.path), None
    if spec.problem:
        message, line = f"the {name} of {path} cannot be read: {spec.problem[0]}", spec.problem[1]
        help = "Correct that, so that it can be read."
    else:
        message, near = f"{path} has no {name}", spec.near(name)
        help = f"Have it reviewed, and write '{name}: YYYY-MM-DD' into its front matter."
        if spec.structured:
            help = f"Have it reviewed, and write the day, as YYYY-MM-DD, under its key {name!r}."
        if near is not None:
            line = near.line
            message += f"; line {line} has {shortened(near.text)!r}, which is {near.why}"
    return Finding(
        message,
        help=help,
        path=spec.path,
        line=line,
        key=f"no {name}",
        setting="specs.review",
        same_as=("SPC001 unreadable",) if spec.problem else (),
    )


def _differing(spec: Spec, name: str) -> Iterator[Finding]:
    """A warning where two places give different days."""
    dated = [review for review in spec.reviews if review.date is not None]
    if len({review.date for review in dated}) < 2:
        return
    places = ", ".join(f"{review.date} in {review.said.place}" for review in dated)
    yield Finding(
        f"{path_text(spec.path)} has several days as its {name}, of which the oldest counts: {places}",
        help="Write the same day everywhere, or only in one place.",
        path=spec.path,
        line=next((line for review in dated if (line := review.said.line_in(spec.path))), None),
        key=f"several {name}",
        severity="warning",
        setting="specs.review",
    )


def _shown(review: ReviewDate) -> str:
    """What is written and why it is no day, as a clause."""
    return (
        f"is {shortened(review.said.text)!r}, which {review.problem}" if review.said.text else review.problem
    )
