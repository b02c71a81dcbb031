"""Rules about what specs state about themselves: last reviews, statuses, approvals, and mirrors of these."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Severity, Specs
    from specguard.specs.spec import Spec
    from specguard.specs.spec_fields import WrittenValue


class MissingReview(Rule):
    """A spec has no clear date of its last review.

    `review` in `[specs]` names the field, in front matter, a line, list item, table, or the index. Write
    dates as `2026-01-31`. If two places differ, the older date counts. Specs with a
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
    message = "not a calendar day: 2026-02-30"
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
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "every spec that is judged says on which day it was last reviewed"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Look for the review dates of each spec."""
        name = specs.settings.review
        for spec in specs.judged:
            if specs.terminal(spec):
                continue
            path = path_text(spec.path)
            if not spec.reviews:
                yield _no_review_flaw(spec, name)
            for review in spec.reviews:
                if review.why_no_date:
                    what = f"is {shortened(review.text)!r}, which {review.why_no_date}"
                    message = f"the {name} of {path}{review.place_suffix(spec.path)} {what}"
                    yield _value_flaw(spec, review, message, "Write the day as YYYY-MM-DD.", name, "review")


def _no_review_flaw(spec: Spec, name: str) -> Finding:
    """Build the finding for a spec without a review date."""
    path = path_text(spec.path)
    if spec.problem:
        message, line = f"the {name} of {path} cannot be read: {spec.problem.message}", spec.problem.line
        step = "Correct that, so that it can be read."
        return spec.finding(message, step, f"no {name}", line, same_as=("SPC001 unreadable",))
    step = f"Have it reviewed, and write '{name}: YYYY-MM-DD' {_place(spec)}."
    return spec.finding(f"{path} has no {name}", step, f"no {name}", None)


def _place(spec: Spec) -> str:
    """Return where a spec's missing date or status is to be written: in the index, if that has the spec."""
    own = "under its keys" if spec.structured else "into its front matter"
    return f"into its entry of {path_text(spec.entry.index)}" if spec.entry is not None else own


class StaleSpec(Rule):
    """A governing spec was reviewed too long ago.

    A review holds for `max_age_days` UTC days, and warns in the last `warn_days`. A future date is an error;
    tomorrow's without an offset is fine. `[specs.governs]` says what it governs.
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
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "the review of every spec that is judged holds"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the last review of each spec with today, and its recorded state with the files."""
        for spec in specs.judged:
            if not specs.terminal(spec):
                yield from _date_flaws(spec, specs)
                if specs.settings.binding == "content":
                    yield from _drift_flaws(spec, specs)


def _date_flaws(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """Yield the problems with the review dates."""
    settings, path = specs.settings, path_text(spec.path)
    for review in spec.reviews:
        if review.is_ahead(specs.today()):
            when = f"{review.date}{review.place_suffix(spec.path)}"
            message = f"the {settings.review} of {path} is in the future: {when}"
            step = "Write the day on which it was reviewed."
            yield _value_flaw(spec, review, message, step, f"future {settings.review}", "review")
    oldest = spec.review
    if oldest is None or oldest.date is None or oldest.is_ahead(specs.today()):
        return
    age = max(0, (specs.today() - oldest.date).days)
    days_left = settings.max_age_days - age
    place = "" if oldest.path == spec.path else f" ({oldest.place})"
    line = oldest.line_in(spec.path)
    when = f"{path} was last reviewed on {oldest.date}{place}, {age} {'day' if age == 1 else 'days'} ago"
    step = f"Read it against the code, correct it, and record the day as its {settings.review}."
    if days_left < 0:
        governed = specs.governed_by(spec)
        why = f"; it governs {path_text(governed[0])}" if governed else ""
        why += f" and {len(governed) - 1} more" if len(governed) > 1 else ""
        message = f"{when}, and a review holds {settings.max_age_days} days{why}"
        yield spec.finding(message, step, "stale", line, "max_age_days", severity=_severity(spec, specs))
    elif days_left < settings.warn_days:
        from datetime import timedelta

        message = f"{when}, and its review holds until {oldest.date + timedelta(settings.max_age_days)}"
        yield spec.finding(message, step, "due", line, "warn_days", severity="warning")


def _drift_flaws(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """Yield the finding for differences from the reviewed state."""
    if drifts := list(specs.drifts(spec)):
        drift_text = "; ".join(f"{path_text(path)} {why}" for path, _, why in drifts[:3])
        more = f"; and {len(drifts) - 3} more" if len(drifts) > 3 else ""
        ids, reviewed = specs.current_ids(path for path, _, _ in drifts), specs.settings.reviewed
        message = f"{path_text(spec.path)} governs what changed since its review: {drift_text}{more}"
        then = f"record under {reviewed}: {ids}" if ids else f"take out of {reviewed} what is gone."
        at = next((one.line_in(spec.path) for _, one, _ in drifts if one is not None), None)
        step = f"Read it against the files, then {then}"
        yield spec.finding(message, step, "other content", at, "binding", severity=_severity(spec, specs))


def _severity(spec: Spec, specs: Specs) -> Severity | None:
    """Return "warning" for a spec to which the policy gives no file, unless the change touches it."""
    binds = specs.touches(spec) or specs.governed_by(spec) or not specs.settings.governs
    return None if binds or specs.governed_files(spec) else "warning"


class DateOnlyReview(Rule):
    """A change moves a spec's review date but shows no review.

    In `[specs]`, a new date needs a trace: a visible correction, or an approval with name and day, no older
    than the review before. White space, comments, empty headings, dates, versions, object ids, renames, a
    number of reviews and a bare `reviewed, no changes`, also by an agent, are no trace. Before a commit it
    warns.

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
    tables: ClassVar[tuple[str, ...]] = ("specs.review",)
    condition: ClassVar[str] = "no date of a last review moves without a trace of the review"

    def check(self, specs: Specs, commits: Sequence[Commit] | None = None) -> Iterator[Finding]:
        """Compare each spec that the change touches with its earlier version."""
        # The trace may be in an earlier commit of the branch.
        severity: Severity | None = "warning" if commits is None else None
        for spec in specs.judged:
            earlier = specs.before(spec) if specs.touches(spec) else None
            if earlier is None or not _has_later_date(spec, earlier) or specs.says_more(spec, earlier):
                continue
            review = max(spec.dated_reviews, key=lambda one: str(one.date))
            # One day in the index is that of all specs of its entry.
            if review.form == "index" and specs.entry_says_more(spec):
                continue
            elsewhere = "" if review.path == spec.path else f", in {review.place}"
            moved = "" if earlier.path == spec.path else f" (it was {path_text(earlier.path)})"
            what = f"the {specs.settings.review} of {path_text(spec.path)}{moved} is {review.date} now"
            message = f"{what}{elsewhere}, and nothing else in it has changed"
            approval = f"who approved it and when under '{specs.settings.approvals}'"
            step = f"Correct what the review found, or record {approval}."
            yield spec.finding(message, step, "date alone", review.line_in(spec.path), severity=severity)


def _has_later_date(spec: Spec, earlier: Spec) -> bool:
    """True if the oldest or the newest of a spec's dates is later than before."""
    days, before = ([str(one.date) for one in each.dated_reviews] for each in (spec, earlier))
    return bool(days and before) and (days[0] > before[0] or days[-1] > before[-1])


def _value_flaw(spec: Spec, value: WrittenValue, message: str, step: str, key: str, setting: str) -> Finding:
    """Build a finding about one of the places where a spec's value is written."""
    return spec.finding(message, step, f"{key} in {value.form}", value.line_in(spec.path), setting)


class InvalidStatus(Rule):
    """A spec's status is unknown, or reached by a forbidden transition.

    `statuses` in `[specs]` lists them, and `transitions` says which may follow which. Case, `_`, `-` and
    remarks in brackets do not matter. The status is in the index or the document: front matter, a field, or
    a section *Status*. It may not be removed. A new spec starts at the beginning, or later
    if no status between needs an approval.

    Why is this bad? Tools and agents act on the status.

    How to fix it: write one of the statuses, and take each step by itself.

    See also: `unapproved-spec`

    ```text
    error: tasks/specs/0001-runs.md:2: the status of tasks/specs/0001-runs.md goes from in-progress to
      done, and no way leads there
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress", "review", "done"]
    transitions = {planned = ["in-progress"], in-progress = ["review"], review = ["done"]}
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: in-progress
    ---
    '''

    [[commits]]
    message = "docs: the runs are done"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: done
    ---
    '''
    "tasks/specs/0002-logs.md" = '''
    # Logs

    Status: nearly there
    '''

    [[expect]]
    code = "SPC005"
    path = "tasks/specs/0001-runs.md"
    line = 2
    message = "from in-progress to done"

    [[expect]]
    code = "SPC005"
    path = "tasks/specs/0002-logs.md"
    line = 3
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress", "done"]
    transitions = {planned = ["in-progress", "done"], in-progress = ["done"]}
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: in_progress
    ---
    '''

    [[commits]]
    message = "docs: the runs are done"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: Done (2026-01-31)
    ---
    '''
    ```
    """

    code: ClassVar[str] = "SPC005"
    tables: ClassVar[tuple[str, ...]] = ("specs.statuses", "specs.transitions")
    condition: ClassVar[str] = "every judged spec has a known status, and came to it by an allowed way"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Check the status of each spec, and the transition from its earlier status."""
        for spec in specs.judged:
            if not spec.statuses:
                yield from _no_value_flaw(spec, specs)
            for status in spec.statuses:
                if not specs.ways.is_known(status.text):
                    written = f"is {shortened(status.text)!r}{status.place_suffix(spec.path)}"
                    message = f"the status of {path_text(spec.path)} {written}, which is not known"
                    step = f"Write one of: {', '.join(specs.settings.statuses)}."
                    yield _value_flaw(spec, status, message, step, "unknown status", "statuses")
                elif specs.touches(spec):
                    yield from _transition_flaws(spec, status, specs)
            for of_index in (False, True):
                stated = [one for one in spec.statuses if (one.form == "index") == of_index]
                others = [one for one in stated if not specs.ways.same(one.text, stated[0].text)]
                for first, other in zip(stated, others[:1], strict=False):
                    both = " and ".join(f"{one.text[:60]!r} in {one.place}" for one in (first, other))
                    message = f"{path_text(spec.path)} has two statuses: {both}"
                    step = "Leave the one that holds."
                    key, line = f"two statuses in {first.form}", other.line_in(spec.path)
                    yield spec.finding(message, step, key, line, "status")


def _no_value_flaw(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """Yield the finding for a spec without a status, if the policy lists statuses or the spec had one."""
    was = specs.before(spec) if specs.touches(spec) else None
    old = was.statuses[0].text if was is not None and was.statuses else ""
    if not specs.settings.statuses and not old:
        return
    path, name = path_text(spec.path), specs.settings.status
    message = f"{path} has no {name}" + (f", and had {old!r}" if old else "")
    known = f": one of {', '.join(specs.settings.statuses)}" if specs.settings.statuses else ""
    step = f"Write its {name} {_place(spec)}{known}."
    setting = "statuses" if specs.settings.statuses else "transitions"
    if not spec.problem:
        yield spec.finding(message, step, "no status", None, setting)
        return
    message = f"the {name} of {path} cannot be read: {spec.problem.message}"
    same_as = "SPC001 unreadable", f"SPC002 no {specs.settings.review}"
    yield spec.finding(message, "Correct that.", "no status", spec.problem.line, setting, same_as=same_as)


def _transition_flaws(spec: Spec, status: WrittenValue, specs: Specs) -> Iterator[Finding]:
    """Yield a finding for a status that may not follow the earlier one there, or may not be first."""
    before = list(was.statuses) if (was := specs.before(spec)) is not None else []
    # If the status was only in the other place before, that place counts.
    before = [one for one in before if (one.form == "index") == (status.form == "index")] or before
    old = before[0].text if before else ""
    path, place = path_text(spec.path), status.place_suffix(spec.path)
    if not old or not specs.ways.is_known(old):
        if not (specs.ways.may_begin(status.text) or specs.had_status(spec, status.text)):
            message = f"{path} begins as {status.text}{place}, which needs steps before it"
            step = f"Begin with a status that follows no other: {', '.join(specs.ways.first)}."
            yield _value_flaw(spec, status, message, step, "begins", "transitions")
    elif not specs.ways.may_follow(old, status.text):
        after = " or ".join(specs.ways.after(old)) or "no other: write a new spec, or have this approved"
        message = f"the status of {path} goes from {old} to {status.text}{place}, and no way leads there"
        yield _value_flaw(spec, status, message, f"After {old} comes {after}.", "moved", "transitions")


class UnapprovedSpec(Rule):
    """A spec's status needs an approval that is not recorded.

    `approval_needed` in `[specs]` lists the statuses. The approval is in the index, front matter, or section
    `approvals`: an item such as `- Product: approved 2026-01-31 (Ann Example)`. Placeholders,
    agents, future days, unticked items, *pending* and *rejected* do not count. Whether they really approved
    is not checked.

    Why is this bad? The status says that somebody agreed.

    How to fix it: have it approved, and record who and when.

    ```text
    error: tasks/specs/0001-runs.md:8: is in-progress, and its approval names no person: 'Reviewer:
      TBD, Date: 2026-01-31'
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress"]
    approval_needed = ["in-progress"]
    '''
    args = ["--today", "2026-02-01"]

    [[commits]]
    message = "docs: begin with the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: in-progress
    ---

    ## Approvals

    - [ ] Ann Example (2026-01-31)
    - Reviewer: TBD, Date: 2026-01-31
    '''

    [[expect]]
    code = "SPC006"
    path = "tasks/specs/0001-runs.md"
    line = 8
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress"]
    approval_needed = ["in-progress"]
    '''
    args = ["--today", "2026-02-01"]

    [[commits]]
    message = "docs: begin with the runs"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: In progress
    approvals:
      - reviewer: Ann Example
        date: 2026-01-31
    ---
    '''
    "tasks/specs/0002-logs.md" = '''
    ---
    status: in-progress
    ---

    ## Approvals

    - Product: approved 2026-01-31 (Ann Example)
    '''
    ```
    """

    code: ClassVar[str] = "SPC006"
    tables: ClassVar[tuple[str, ...]] = ("specs.approval_needed",)
    condition: ClassVar[str] = "every spec whose status needs it says who approved it, and when"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Look for the approvals of each spec that needs them."""
        fields = specs.settings.approval_fields
        form = f"{fields.who[0]}: NAME, {fields.when[0]}: YYYY-MM-DD"
        step = f"Record who approved it and when as one item under '{specs.settings.approvals}', e.g. {form}."
        for spec in specs.judged:
            status = next((one for one in spec.statuses if specs.ways.needs_approval(one.text)), None)
            if status is None or any(specs.holds(approval) for approval in spec.approvals):
                continue
            why, line = _approval_problem(spec, specs)
            message = f"{path_text(spec.path)} is {status.text}, and {why}"
            at = line or status.line_in(spec.path)
            yield spec.finding(message, step, "no approval", at, "approval_needed")


def _approval_problem(spec: Spec, specs: Specs) -> tuple[str, int | None]:
    """Return the problem with the approvals, as a clause, and the line of the approval that it is about."""
    if not spec.approvals:
        return "no approval is recorded", None
    near = next((one for one in spec.approvals if not one.refused), spec.approvals[0])
    what = f"its approval{near.written.place_suffix(spec.path)}"
    lacks = " nor ".join(word for word, there in (("person", near.who), ("day", near.when)) if not there)
    why = f"{what} names no {lacks}: {shortened(near.written.text, 80)!r}"
    if near.refused:
        why = f"{what} is not given: {shortened(near.written.text, 80)!r}"
    elif near.is_ahead(specs.today()):
        why = f"{what} is in the future: {near.when}"
    return why, near.written.line_in(spec.path)


class DivergedMirror(Rule):
    """A document gives a spec another status than the index.

    Documents are those in `mirrors` of `[specs]`, and the specs. A table row or list item with the spec's id
    or path gives its status, in the column `Status` or behind the name: `0002 Runs: done`. A ticked box is a
    terminal status. A mirror need not list every spec.

    Why is this bad? An agent may believe the wrong one.

    How to fix it: correct the wrong document. If there is an index, that is the mirror.

    ```text
    error: docs/STATUS.md:5: says that 0001 is 'Done', and tasks/index.json:1 that it is 'in-progress'
    ```

    ```toml fails
    policy = '''
    [specs]
    index = "tasks/index.json"
    mirrors = ["docs/STATUS.md"]
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = "# Runs"
    "tasks/index.json" = '''
    {"specs": [{"id": "0001", "path": "tasks/specs/0001-runs.md", "status": "in-progress"}]}
    '''

    [[commits]]
    message = "docs: say where the work stands"

    [commits.files]
    "docs/STATUS.md" = '''
    # Status

    | Spec | Title | Status |
    | --- | --- | --- |
    | 0001 | Runs | Done |
    '''

    [[expect]]
    code = "SPC008"
    path = "docs/STATUS.md"
    line = 5
    message = "tasks/index.json:1"
    ```

    ```toml passes
    policy = '''
    [specs]
    index = "tasks/index.json"
    mirrors = ["docs/STATUS.md"]
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = "# Runs"
    "tasks/index.json" = '''
    {"specs": [{"id": "0001", "path": "tasks/specs/0001-runs.md", "status": "in-progress"}]}
    '''

    [[commits]]
    message = "docs: say where the work stands"

    [commits.files]
    "docs/STATUS.md" = '''
    # Status

    - [Runs](../tasks/specs/0001-runs.md) - In progress
    '''
    ```
    """

    code: ClassVar[str] = "SPC008"
    tables: ClassVar[tuple[str, ...]] = ("specs.mirrors", "specs.index")
    condition: ClassVar[str] = "no document gives a spec another status than the index"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the statuses in specs and mirrors with those that count."""
        for spec in specs.judged:
            own = next((one for one in spec.statuses if one.form != "index"), None)
            index = next((one for one in spec.statuses if one.form == "index"), None)
            if own and index and not specs.ways.same(own.text, index.text):
                other = f"{index.place} that it is {shortened(index.text)!r}"
                message = f"{path_text(spec.path)} says that it is {shortened(own.text)!r}, and {other}"
                yield spec.finding(message, "Correct the one that is wrong.", "own status", own.line, "index")
        yield from specs.mirrors.flaws()
