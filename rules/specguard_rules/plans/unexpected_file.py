"""PLN004: files that a task's change touches and its plan does not expect."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Plans, Policy, RunSettings, Stage, Work


class UnexpectedFile(Rule):
    r"""A change for a task touches a file outside its `expected_files`.

    These files, folders and patterns are read from the trusted base, or with `trusted = "branch"` of
    `[plans.<name>]` from the branch's first commit. The commit's subject names the task, the branch the plan.
    With `unit = "commit"`, each commit is judged by itself. The plan's folder, runs and approvals do not
    count.

    Why is this bad? Expected files let several tasks run side by side.

    How to fix it: take it out, or have the planner add it in the base first.

    See also: `agent-edited-plan`

    ```text
    error: src/till.py: the change for task_001 touches src/till.py; expected: src/cart.py, tests/
    ```

    ```toml fails
    policy = '''
    [plans.default]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"
    commits = [{message = "task_001: add the cart", files = {"src/cart.py" = "a", "src/till.py" = "b"}}]

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "expected_files": ["src/cart.py", "tests/"]}]}
    '''

    [[expect]]
    code = "PLN004"
    path = "src/till.py"
    authority = ".plans/cart/plan.json:1"
    ```

    ```toml passes
    policy = '''
    [plans.default]

    [work.task]
    source = ".plans/{name}/plan.json"
    number = "id"
    number_format = ["{n:03}"]
    branch = "pr/{name}"
    commit = "task_{number}: {text}"
    '''
    branch = "pr/cart"
    commits = [{message = "task_001: add the cart", files = {"src/cart.py" = "a", "tests/cart.py" = "b"}}]

    [base.files]
    ".plans/cart/plan.json" = '''
    {"tasks": [{"id": "task_001", "status": "pending", "expected_files": ["src/cart.py", "tests/"]}]}
    '''
    ```
    """

    code: ClassVar[str] = "PLN004"
    name: ClassVar[str] = "unexpected-file"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("plans",)
    condition: ClassVar[str] = "a task's change touches only the files that its plan expects"

    def check(self, plans: Plans, work: Work, run_settings: RunSettings, policy: Policy) -> Iterator[Finding]:
        """Compare what is touched with what is expected."""
        for unit in plans.for_tasks(work):
            task = unit.task
            apart = (task.plan.folder + b"/", run_settings.folder, policy.log_folder)
            touched = [entry for entry in unit.entries if not entry.path.startswith(apart)]
            if not touched:
                continue
            expected = task.expected_paths
            if not expected:
                yield Finding(
                    f"{task.name} expects no files, and {unit.label} touches {len(touched)}: "
                    + ", ".join(path_text(entry.path) for entry in touched[:3])
                    + (", ..." if len(touched) > 3 else ""),
                    help="Have the planner list them in `expected_files` beforehand.",
                    path=task.plan.path,
                    line=task.line,
                    commit=unit.commit,
                    key=f"{task.id}:none",
                )
                continue
            allowed = ", ".join(task.expected_files[:6]) + (", ..." if len(task.expected_files) > 6 else "")
            for entry in touched:
                if expected.find(entry.path) is None:
                    yield Finding(
                        f"{unit.label} for {task.name} touches {path_text(entry.path)}; expected: {allowed}",
                        help="Take it out of the change, or have the planner add it to `expected_files` "
                        "beforehand.",
                        path=entry.path,
                        side="base" if entry.deleted else None,
                        commit=unit.commit,
                        key=f"{task.id}:unexpected",
                        authority=task.origin("expected_files"),
                    )
