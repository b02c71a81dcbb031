"""A repository with a plan by the preset `planner-pipeline`, all its papers, and agents that do its tasks."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specguard.testing import Outcome
from tests.cli.running import Project

POLICY = """# Authority

```toml specguard
extends = ["planner-pipeline"]
```
"""
ALONE = POLICY.replace("\n```\n", '\n\n[plans.pipeline]\nunit = "change"\n```\n')
"""A branch and a request for each task."""

PLAN = ".plans/cart/plan.json"
_FOLDER = Path(__file__).with_name("papers")
RESEARCH, OPTIONS, REVIEW = (
    _FOLDER.joinpath(f"{name}.md").read_text("utf-8") for name in ("RESEARCH", "OPTIONS", "REVIEW")
)
"""The documents before a plan; a review names the object id of the options."""


def papers() -> dict[str, str]:
    """The documents before the plan `cart`, by their paths."""
    content = OPTIONS.encode()
    options = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return {
        ".plans/cart/research/RESEARCH.md": RESEARCH,
        ".plans/cart/preplan/PLAN_OPTIONS.md": OPTIONS,
        ".plans/cart/preplan/GEMINI_PLAN_REVIEW.md": REVIEW.replace("{options}", options),
    }


def task(number: int, **more: Any) -> dict[str, Any]:
    """A task of one file, which needs nothing."""
    file = f"src/t{number}.py"
    return {
        "id": f"task_{number:03}",
        "title": f"Add part {number}",
        "domain": "shop",
        "status": "pending",
        "depends_on": [],
        "expected_files": [file],
        "verify": [f"python3 {file}"],
        "done_criteria": [f"part {number} is there"],
        **more,
    }


THREE = [task(1), task(2, depends_on=["task_001"]), task(3)]


class Planned(Project):
    """A project with the plan `cart`, whose tasks are to be done.

    Args:
        folder: an empty one.
        tasks: those of the plan.
        policy: the authority.
        files: further files, or other ones than there would be.
    """

    def __init__(
        self,
        folder: Path,
        tasks: list[dict[str, Any]] | None = None,
        policy: str = POLICY,
        files: Mapping[str, str] | None = None,
    ) -> None:
        plan = {"goal": "A cart", "option": "B", "tasks": tasks or THREE}
        more = {
            ".plans/cart/CONTEXT.md": "# Context\n\nNothing is kept outside of the session.\n",
            ".plans/cart/MASTER.md": "# The log\n",
            PLAN: json.dumps(plan, indent=2) + "\n",
        }
        super().__init__(folder, policy, {**papers(), **more, **(files or {})})

    def run_task(self, *words: str, script: str = "") -> Outcome:
        """Let a shell script work on a task; without one it does what the brief says."""
        return self.specguard("run", "task", *words, "--", "sh", "-c", script or does())

    def there(self, branch: str, file: str) -> str:
        """A file as a branch of the remote has it."""
        return self.remote.git("show", f"{branch}:{file}") + "\n"

    def tasks(self, branch: str) -> dict[str, dict[str, Any]]:
        """The tasks as a branch of the remote has them, by their ids."""
        return {one["id"]: one for one in json.loads(self.there(branch, PLAN))["tasks"]}

    def log(self, branch: str) -> list[str]:
        """The subjects of a branch of the remote, the newest first."""
        return self.remote.git("log", "--format=%s", branch).split("\n")

    def merge(self, branch: str) -> None:
        """Take a branch of the remote into its `main`."""
        self.remote.git("update-ref", "refs/heads/main", f"refs/heads/{branch}")


def does(*, status: str = "done", then: str = "") -> str:
    """A script that does the task of its brief in its one file, and hands over results."""
    return f"""
number=$(sed -n 's/^# task_0*\\([0-9]*\\).*/\\1/p' | head -1)
mkdir -p src
echo "part = $number" > src/t$number.py
printf '{{"task": "task_%03d", "status": "{status}", "summary": "Part %s."}}' $number $number > results.new
mv results.new SPECGUARD_RESULTS.json
{then}
"""
