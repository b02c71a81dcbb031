"""Rules about the dates of specs' last reviews: that they are there, recent, and moved by a review."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, ClassVar

    from specguard.rules import Severity, Specs
    from specguard.specs.spec import Spec


class MissingReview(Rule):
    """A spec has no clear date of its last review.

    `review` in `[specs]` names the field, in front matter, a line, list item, table, or the index. Write
    dates as `2026-01-31`. If two places differ, it is a warning and the older date counts. Specs with a
    terminal status need no review.

    Why is this bad? Nobody can tell whether the spec still holds.

    How to fix it: have somebody read the spec, and write down the day.

    See also: `stale-spec`

    ```text
    error: tasks/specs/0001-runs.md:3: has no last_review; line 3 has 'last_review: 2026-01-31', which
      is in a comment
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
                    said = review.said
                    what = (
                        f"is {shortened(said.text)!r}, which {review.problem}"
                        if said.text
                        else review.problem
                    )
                    message = f"the {name} of {path}{said.elsewhere(spec.path)} {what}"
                    yield _about(
                        spec,
                        message,
                        "Write the day as YYYY-MM-DD.",
                        f"{name} in {said.form}",
                        said.line_in(spec.path),
                    )
            dated = [review for review in spec.reviews if review.date is not None]
            if len({review.date for review in dated}) > 1:
                places = ", ".join(f"{review.date} in {review.said.place}" for review in dated)
                message = f"{path} has several days as its {name}, of which the oldest counts: {places}"
                step = "Write the same day everywhere, or only in one place."
                at = next((line for one in dated if (line := one.said.line_in(spec.path))), None)
                yield _about(spec, message, step, f"several {name}", at, severity="warning")


def _without(spec: Spec, name: str) -> Finding:
    """A finding where no day is stated."""
    path = path_text(spec.path)
    if spec.problem:
        message, line = f"the {name} of {path} cannot be read: {spec.problem[0]}", spec.problem[1]
        step = "Correct that, so that it can be read."
        return _about(spec, message, step, f"no {name}", line, same_as=("SPC001 unreadable",))
    message, near = f"{path} has no {name}", spec.near(name)
    if near is not None:
        message += f"; line {near.line} has {shortened(near.text)!r}, which is {near.why}"
    step = f"Have it reviewed, and write '{name}: YYYY-MM-DD' into its front matter."
    if spec.structured:
        step = f"Have it reviewed, and write the day, as YYYY-MM-DD, under its key {name!r}."
    return _about(spec, message, step, f"no {name}", near.line if near is not None else None)


class StaleSpec(Rule):
    """A governing spec was reviewed too long ago.

    A review holds for `max_age_days` UTC days, and warns in the last `warn_days`. A future date is an error;
    tomorrow's without an offset is fine. `[specs.governs]`, or a spec's own `governs`, says what it governs.
    With `binding = "content"`, reviews record object ids under `reviewed_objects`, and are stale when one
    changes. The finding shows the current ids.

    Why is this bad? Code that follows an unread spec follows a guess.

    How to fix it: read the spec against the code, correct it, and record the review.

    See also: `missing-review`, `date-only-review`

    ```text
    error: tasks/specs/0001-runs.md:2: was last reviewed on 2026-01-31, 31 days ago, and a review holds
      30 days; it governs src/runs/run.py
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"

    [specs.governs]
    "src/runs/**" = ["tasks/specs/0001-*.md"]
    "src/logs/**" = ["tasks/specs/0002-*.md"]
    '''
    args = ["--today", "2026-03-03"]

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-01-31
    ---
    '''
    "tasks/specs/0002-logs.md" = '''
    ---
    last_review: 2025-01-31
    ---
    '''

    [[commits]]
    message = "feat: run"
    files = {"src/runs/run.py" = "run()"}

    [[expect]]
    code = "SPC003"
    path = "tasks/specs/0001-runs.md"
    line = 2
    severity = "error"
    message = "31 days ago"
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    binding = "content"
    '''
    args = ["--today", "2026-02-01"]

    [[commits]]
    message = "feat: run"

    [commits.files]
    "src/runs/run.py" = "run()"
    "tasks/specs/0001-runs.md" = '''
    ---
    governs: ["src/runs/**"]
    last_review: 2026-01-31
    reviewed_objects:
      src/runs/run.py: 0123456789abcdef0123456789abcdef01234567
    ---
    '''

    [[expect]]
    code = "SPC003"
    path = "tasks/specs/0001-runs.md"
    line = 5
    message = "src/runs/run.py was 0123456789ab"
    help = "2ad0e9453205"
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    review = "last_review"
    warn_days = 0

    [specs.governs]
    "src/runs/**" = ["tasks/specs/0001-*.md"]
    '''
    args = ["--today", "2026-03-02"]

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    last_review: 2026-01-31
    ---
    '''

    [[commits]]
    message = "feat: run"
    files = {"src/runs/run.py" = "run()"}
    ```
    """

    code: ClassVar[str] = "SPC003"
    name: ClassVar[str] = "stale-spec"
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "the review of every spec that is judged holds"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the last review of each spec with today, and what it recorded with the files."""
        for spec in specs.judged:
            if not specs.terminal(spec):
                yield from _dated(spec, specs)
                if specs.settings.binding == "content":
                    yield from _bound(spec, specs)


def _dated(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """What is wrong with the days."""
    settings, path = specs.settings, path_text(spec.path)
    for review in spec.reviews:
        if review.is_ahead(specs.today):
            said = review.said
            message = (
                f"the {settings.review} of {path} is in the future: {review.date}{said.elsewhere(spec.path)}"
            )
            key = f"future {settings.review} in {said.form}"
            yield _about(
                spec, message, "Write the day on which it was reviewed.", key, said.line_in(spec.path)
            )
    oldest = spec.review
    if oldest is None or oldest.date is None or oldest.is_ahead(specs.today):
        return
    age = max(0, (specs.today - oldest.date).days)
    left = settings.max_age_days - age
    place = "" if oldest.said.path == spec.path else f" ({oldest.said.place})"
    line = oldest.said.line_in(spec.path)
    when = f"{path} was last reviewed on {oldest.date}{place}, {age} {'day' if age == 1 else 'days'} ago"
    if left < 0:
        governed = specs.governed_by(spec)
        why = f"; it governs {path_text(governed[0])}" if governed else ""
        why += f" and {len(governed) - 1} more" if len(governed) > 1 else ""
        message = f"{when}, and a review holds {settings.max_age_days} days{why}"
        step = f"Read it against the code, correct it, and record the day as its {settings.review}."
        yield _about(
            spec, message, step, "stale", line, "specs.max_age_days", severity=_severity(spec, specs)
        )
    elif left < settings.warn_days:
        more = "today for the last time" if left == 0 else f"{left} more day{'' if left == 1 else 's'}"
        step = "Review it soon: read it against the code, and record the day."
        yield _about(
            spec,
            f"{when}, and its review holds {more}",
            step,
            "due",
            line,
            "specs.warn_days",
            severity="warning",
        )


def _bound(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """What is not as it was when the spec was reviewed."""
    drifts = list(specs.drifts(spec))
    if drifts:
        said = "; ".join(f"{drift.path} {drift.why}" for drift in drifts[:3])
        more = f"; and {len(drifts) - 3} more" if len(drifts) > 3 else ""
        now = ", ".join(specs.current_ids(spec)) or "nothing, since none is left"
        message = f"{path_text(spec.path)} governs what changed since its review: {said}{more}"
        step = f"Read it against the files, then record under {specs.settings.reviewed}: {now}"
        at = next((one.said.line_in(spec.path) for one in drifts if one.said is not None), None)
        yield _about(
            spec, message, step, "other content", at, "specs.binding", severity=_severity(spec, specs)
        )


def _severity(spec: Spec, specs: Specs) -> Severity | None:
    """A spec that the policy gives no file only warns, unless the change itself touches it."""
    binds = specs.touches(spec) or specs.governed_by(spec) or not specs.settings.governs
    return None if binds or specs.governed_files(spec) else "warning"


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
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "no date of a last review moves without a trace of the review"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare each spec that the change touches with what it was before."""
        for spec in specs.judged:
            was = specs.before(spec) if specs.touches(spec) else None
            if was is None or not _later(spec, was) or specs.says_more(spec, was):
                continue
            dated = [one for one in spec.reviews if one.date is not None]
            review = max(dated, key=lambda one: str(one.date))
            elsewhere = "" if review.said.path == spec.path else f", in {review.said.place}"
            moved = "" if was.path == spec.path else f" (it was {path_text(was.path)})"
            message = (
                f"the {specs.settings.review} of {path_text(spec.path)}{moved} is {review.date} now"
                f"{elsewhere}, and nothing else in it has changed"
            )
            step = (
                "Correct what the review found, or record who approved it and when under "
                f"'{specs.settings.approvals}'."
            )
            yield _about(spec, message, step, "date alone", review.said.line_in(spec.path))


def _later(spec: Spec, was: Spec) -> bool:
    """Whether the oldest or the newest of a spec's dates is later than it was."""
    days, before = (
        sorted(str(one.date) for one in each.reviews if one.date is not None) for each in (spec, was)
    )
    return bool(days and before) and (days[0] > before[0] or days[-1] > before[-1])


def _about(
    spec: Spec,
    message: str,
    step: str,
    key: str,
    line: int | None,
    setting: str = "specs.review",
    **more: Any,
) -> Finding:
    return Finding(message, help=step, path=spec.path, line=line, key=key, setting=setting, **more)
