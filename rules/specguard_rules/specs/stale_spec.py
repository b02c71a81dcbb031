"""SPC003: a spec whose last review is too long ago, in the future, or of other files than there are now."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Severity, Specs, Stage
    from specguard.specs.spec import Spec


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
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "the review of every spec that is judged holds"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the last review of each spec with today, and what it recorded with the files."""
        for spec in specs.judged:
            if specs.terminal(spec):
                continue
            yield from _dated(spec, specs)
            if specs.settings.binding == "content":
                yield from _bound(spec, specs)


def _dated(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """What is wrong with the days."""
    settings = specs.settings
    path = path_text(spec.path)
    for review in spec.reviews:
        if review.is_ahead(specs.today):
            elsewhere = "" if review.said.path == spec.path else f" in {review.said.place}"
            yield Finding(
                f"the {settings.review} of {path} is in the future: {review.date}{elsewhere}",
                help="Write the day on which it was reviewed.",
                path=spec.path,
                line=review.said.line_in(spec.path),
                key=f"future {settings.review} in {review.said.form}",
                setting="specs.review",
            )
    oldest = spec.review
    if oldest is None or oldest.date is None or oldest.is_ahead(specs.today):
        return
    age = max(0, (specs.today - oldest.date).days)
    left = settings.max_age_days - age
    if left >= settings.warn_days:
        return
    days = "1 day" if age == 1 else f"{age} days"
    elsewhere = "" if oldest.said.path == spec.path else f" ({oldest.said.place})"
    said = f"{path} was last reviewed on {oldest.date}{elsewhere}, {days} ago"
    if left >= 0:
        yield Finding(
            f"{said}, and its review holds {_more(left)}",
            help="Review it soon: read it against the code, and record the day.",
            path=spec.path,
            line=oldest.said.line_in(spec.path),
            key="due",
            severity="warning",
            setting="specs.warn_days",
        )
        return
    yield Finding(
        f"{said}, and a review holds {settings.max_age_days} days{_why(spec, specs)}",
        help=f"Read it against the code, correct it, and record the day as its {settings.review}.",
        path=spec.path,
        line=oldest.said.line_in(spec.path),
        key="stale",
        severity=_severity(spec, specs),
        setting="specs.max_age_days",
    )


def _bound(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """What is not as it was when the spec was reviewed."""
    drifts = list(specs.drifts(spec))
    if not drifts:
        return
    name = specs.settings.reviewed
    said = "; ".join(f"{drift.path} {drift.why}" for drift in drifts[:3])
    more = f"; and {len(drifts) - 3} more" if len(drifts) > 3 else ""
    at = next((drift.said.line_in(spec.path) for drift in drifts if drift.said is not None), None)
    now = ", ".join(specs.current_ids(spec))
    yield Finding(
        f"{path_text(spec.path)} governs what changed since its review: {said}{more}",
        help=f"Read it against the files, then record under {name}: {now or 'nothing, since none is left'}",
        path=spec.path,
        line=at,
        key="other content",
        severity=_severity(spec, specs),
        setting="specs.binding",
    )


def _more(left: int) -> str:
    """How long a review still holds, today included."""
    return "today for the last time" if left == 0 else f"{left} more day" + ("" if left == 1 else "s")


def _why(spec: Spec, specs: Specs) -> str:
    """What of the change makes the spec count."""
    governed = specs.governed_by(spec)
    if not governed:
        return ""
    more = f" and {len(governed) - 1} more" if len(governed) > 1 else ""
    return f"; it governs {path_text(governed[0])}{more}"


def _severity(spec: Spec, specs: Specs) -> Severity | None:
    """A spec that the policy gives no file only warns, unless the change itself touches it."""
    if specs.touches(spec) or specs.governed_by(spec) or not specs.settings.governs:
        return None
    if specs.governed_files(spec):
        return None
    return "warning"
