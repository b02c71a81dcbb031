"""SPC006: a status that needs an approval, and none that says who and when."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Specs, Stage
    from specguard.specs.spec import Spec


class UnapprovedSpec(Rule):
    """A spec's status needs an approval that is not recorded.

    `approval_needed` in `[specs]` lists the statuses. The approval is in the index, front matter, or section
    `approvals`: a table, or an item such as `- Product: approved 2026-01-31 (Ann Example)`. Placeholders,
    future days, unticked items, *pending* and *rejected* do not count. It is not checked that they really
    approved.

    Why is this bad? The status says that somebody agreed.

    How to fix it: have it approved, and record who and when.

    ```text
    error: tasks/specs/0001-runs.md:8: is in-progress, and its approval does not say who: 'Reviewer:
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

    | Role | Approver | Approved on |
    | --- | --- | --- |
    | Product | Ann Example | 2026-01-31 |
    '''
    ```
    """

    code: ClassVar[str] = "SPC006"
    name: ClassVar[str] = "unapproved-spec"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.approval_needed",)
    condition: ClassVar[str] = "every spec whose status needs it says who approved it, and when"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Look for the approvals of each spec that needs them."""
        for spec in specs.judged:
            status = next((said for said in spec.statuses if specs.ways.needs_approval(said.text)), None)
            if status is None or any(specs.holds(approval) for approval in spec.approvals):
                continue
            why, line = _lacking(spec, specs)
            yield Finding(
                f"{path_text(spec.path)} is {status.text}, and {why}",
                help=f"Record who approved it and when under '{specs.settings.approvals}', e.g. "
                f"{specs.settings.approval_fields.who[0]}: NAME, {specs.settings.approval_fields.when[0]}: "
                "YYYY-MM-DD.",
                path=spec.path,
                line=line or status.line_in(spec.path),
                key="no approval",
                setting="specs.approval_needed",
            )


def _lacking(spec: Spec, specs: Specs) -> tuple[str, int | None]:
    """What the approvals lack, and the line of the first that lacks something."""
    if not spec.approvals:
        return "no approval is recorded", None
    near = next((one for one in spec.approvals if not one.refused), spec.approvals[0])
    line = near.said.line_in(spec.path)
    elsewhere = "" if near.said.path == spec.path else f" in {near.said.place}"
    if near.refused:
        return f"its approval{elsewhere} is not given: {shortened(near.said.text, 80)!r}", line
    if near.is_ahead(specs.today):
        return f"its approval{elsewhere} is in the future: {near.when}", line
    lacks = " nor ".join(word for word, there in (("who", near.who), ("when", near.when)) if not there)
    return f"its approval{elsewhere} does not say {lacks}: {shortened(near.said.text, 80)!r}", line
