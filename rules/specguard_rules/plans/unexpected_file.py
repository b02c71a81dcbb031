"""PLN004: files that a task's change touches and its plan does not expect."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Plans, Policy, RunSettings, Stage, Work


class UnexpectedFile(Rule):
    r"""A change for a task touches a file that is not among the task's `expected_files`.

    The planner says beforehand what a task will touch; that keeps the task small, lets tasks run side by
    side, and makes it plain when an agent does something else. `expected_files` are files, folders with all
    below them, and patterns, from the folder `code` of `[plans.<name>]`. They are read from the trusted base:
    a change cannot widen its own. A plan that its branch brings (`trusted = "branch"`) is read from that
    branch's first commit.

    A change is for a task where its names say so (`[work.task]`): the commit's subject `task_003: ...` names
    the task, and the branch `pr/cart` the plan. With `unit = "commit"` each commit that names a task is
    judged by itself. The plan's own folder is left to [PLN009](agent-edited-plan.md); the folder of runs
    (`[runs] path`) and the log of approvals (`[approvals] log`) are left alone, and nothing else is.

    How to put it right: take the file out of the change, or have the planner add it to `expected_files` in
    the base first.

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
