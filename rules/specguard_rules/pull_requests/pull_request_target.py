"""PRQ003: a pull request into another branch than the base."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, Selecting, setting
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Base, Policy, PullRequest, Stage, WorkItem


class PullRequestTarget(Rule):
    """A pull request targets another branch than the policy's base.

    That is `base` of the work item's kind, or of the policy.

    Why is this bad? The change was judged against another branch.

    How to fix it: `gh pr edit --base <branch>`, or the platform's page.

    ```text
    error: the pull request goes into 'next', and the base is 'main'
    ```

    ```toml fails
    policy = '''
    base = "main"
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    refs = {"refs/remotes/origin/next" = "base"}

    [event]
    action = "opened"
    number = 7

    [event.pull_request]
    number = 7
    title = "Add a page"
    body = ""
    head = {ref = "work", sha = "{head}"}
    base = {ref = "next", sha = "{base}"}

    [[expect]]
    code = "PRQ003"
    field = "pull_request.base"
    ```

    ```toml passes
    policy = '''
    base = "main"
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]

    [event]
    action = "opened"
    number = 7

    [event.pull_request]
    number = 7
    title = "Add a page"
    body = ""
    head = {ref = "work", sha = "{head}"}
    base = {ref = "main", sha = "{base}"}
    ```
    """

    code: ClassVar[str] = "PRQ003"
    name: ClassVar[str] = "pull-request-target"
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    condition: ClassVar[str] = "the pull request goes into the policy's base"

    allow: Selecting = setting(Selecting(), "more targets, for pull requests that stack", tightens="fewer")

    def check(
        self, pull_request: PullRequest, base: Base, policy: Policy, work_item: WorkItem | None = None
    ) -> Iterator[Finding]:
        """Compare the target with the policy's base."""
        expected = (work_item.base if work_item else "") or policy.base
        if not expected:
            raise NotApplicable("the policy names no base")
        target = pull_request.base
        if target is None and pull_request.number is None:
            raise NotApplicable("no platform says into which branch the pull request goes")
        if target is None:
            raise MissingFact(
                "the branch that the pull request goes into is not known", "specguard check --pr-event FILE"
            )
        if base.stacked or target in {expected, self._merged_into(policy, work_item)}:
            return
        if self.allow.find(target.encode("utf-8", "surrogateescape")) is not None:
            return
        of_item = work_item is not None and bool(work_item.settings.base)
        yield Finding(
            f"the pull request goes into {quoted(target)}, and the base is {quoted(expected)}",
            help=f"Change its base to {quoted(expected)}.",
            field="pull_request.base",
            key="target",
            setting=work_item.setting("base") if work_item and of_item else "base",
        )

    @staticmethod
    def _merged_into(policy: Policy, work_item: WorkItem | None) -> str | None:
        """The policy's base, where that of the item is one item's own, which may be merged by now."""
        return policy.base if work_item is not None and "{" in work_item.settings.base else None
