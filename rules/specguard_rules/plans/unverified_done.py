"""PLN003: tasks that are done without evidence of their verification."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import ClassVar

    from specguard.rules import Finding, Plans, RunProof, Stage


class UnverifiedDone(Rule):
    r"""Nothing shows that a done task was verified.

    A done task of `[plans.<name>]` has evidence under `verification`, `verified` or `evidence`:

    - `{"command": "pytest -q", "exit_code": 0}`: every command of `verify` ended with 0
    - `{"manifest": ".runs/task_001/1/manifest.json"}`: the run succeeded and belongs to this task
    - `{"note": "works", "by": "Ann Lee", "at": "2026-01-31"}`: a person signed, with all three

    Without a person, it needs `verify` commands that can fail. With `[runs] keep = "local"` and no runs here,
    only exit codes count.

    Why is this bad? An agent's "done" is a claim.

    How to fix it: run the commands and record their exit codes, or take the status back.

    See also: `uncovered-item`

    ```text
    error: .plans/cart/plan.json:2: task_001 is done, and nothing says how that was verified
    ```

    ```toml fails
    policy = '''
    [plans.default]
    required = ["id", "status"]
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 1}]},
      {"id": "task_003", "status": "done", "verify": ["pytest -q"], "verified": true},
      {"id": "task_004", "status": "done", "verify": []},
      {"id": "task_005", "status": "done", "verify": ["pytest -q"],
       "verified_by": "manual", "verified_at": "2026-01-31T12:00:00Z", "verified_note": "device ok"}
    ]}
    '''

    [[expect]]
    code = "PLN003"
    path = ".plans/cart/plan.json"
    line = 2
    field = "tasks.0.status"

    [[expect]]
    code = "PLN003"
    line = 4
    message = "'pytest -q' ended with 1"

    [[expect]]
    code = "PLN003"
    line = 5
    message = "what its `verified` says is no evidence"

    [[expect]]
    code = "PLN003"
    line = 6
    message = "has no verify commands"

    [[expect]]
    code = "PLN003"
    line = 8
    message = "names 'manual', who is no person"
    ```

    ```toml passes
    policy = '''
    [plans.default]
    required = ["id", "status"]

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "docs: cart"

    [commits.files]
    ".runs/task_002/1/manifest.json" = '{"status": "succeeded"}'
    ".plans/cart/plan.json" = '''
    {"tasks": [
      {"id": "task_001", "status": "done", "verify": ["pytest -q"],
       "verification": [{"command": "pytest -q", "exit_code": 0}]},
      {"id": "task_002", "status": "done", "verify": ["pytest -q"],
       "verification": {"manifest": ".runs/task_002/1/manifest.json"}},
      {"id": "task_003", "status": "done", "verify": [],
       "verification": {"note": "works on the device", "by": "Ann Lee", "at": "2020-01-31"}},
      {"id": "task_004", "status": "agent_done", "verify": []}
    ]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN003"
    name: ClassVar[str] = "unverified-done"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "every task that is done has evidence of its verification"

    def check(self, plans: Plans, run_proof: RunProof, today: date) -> Iterator[Finding]:
        """Weigh the evidence of every task that is done."""
        yield from plans.unverified(run_proof, today)
