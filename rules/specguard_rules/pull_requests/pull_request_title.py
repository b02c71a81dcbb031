"""PRQ001: a pull request's title that is not the work item's, or not of the policy's form."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, setting
from specguard_rules.conventional import ConventionalForm
from specguard_rules.spelling import alternatives, near_miss, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Expression, PullRequest, Stage, WorkItem


class PullRequestTitle(ConventionalForm, Rule):
    """A pull request's title is not the expected one.

    If the item's kind has a `pull_request` template, the title must be exactly that. Otherwise it must match
    `pattern` and, with `conventional = true`, Conventional Commits. An unknown title does not pass: give
    `--pr-title`.

    Why is this bad? Release notes find items by their titles.

    How to fix it: `gh pr edit --title <title>`, or the platform's page.

    See also: `commit-message`

    ```text
    error: the title 'Add a page' does not match '^[A-Z]+-[0-9]+: '
    ```

    ```toml fails
    policy = '''
    [rules.pull-request-title]
    pattern = "^[A-Z]+-[0-9]+: "
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    title = "Add a page"
    expect = [{code = "PRQ001", field = "pull_request.title"}]
    ```

    ```toml passes
    policy = '''
    [rules.pull-request-title]
    pattern = "^[A-Z]+-[0-9]+: "
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    title = "DOC-7: Add a page"
    ```
    """

    code: ClassVar[str] = "PRQ001"
    name: ClassVar[str] = "pull-request-title"
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("conventional", "pattern", "work")
    condition: ClassVar[str] = "the title is its work item's, or of the form that the policy asks for"

    pattern: Expression | None = setting(None, "what titles must match without a work item", tightens=[None])

    def check(self, pull_request: PullRequest, work_item: WorkItem | None = None) -> Iterator[Finding]:
        """Compare the title with the item's, or with the form."""
        expected = work_item.titles if work_item else ()
        if not expected and self.pattern is None and not self.conventional:
            raise NotApplicable("no work item gives a title, and the policy asks for no form")
        title = pull_request.title
        if title is None:
            raise MissingFact("the title of the pull request is not known", "specguard check --pr-title TEXT")
        if work_item and expected:
            if not work_item.allows("pull_request", title):
                near = near_miss(title, expected)
                what = f"the title is {quoted(title)}, and {work_item} has {alternatives(expected)}" + (
                    f": {near}" if near else ""
                )
                step = f"Change it to {alternatives(expected[:1])}."
                yield _finding(what, step, "item", work_item.setting("pull_request"))
            return
        if self.pattern is not None and not self.pattern.search(title):
            yield _finding(
                f"the title {quoted(title)} does not match {quoted(self.pattern.text)}",
                "Reword the title.", "pattern", "pattern",
            )  # fmt: skip
        problem, setting = self.subject_problem(title) if self.conventional else ("", "")
        if problem:
            yield _finding(
                f"the title {quoted(title)} has not the form of Conventional Commits: {problem}",
                f"{self.subject_step(setting)}.", "conventional", setting,
            )  # fmt: skip


def _finding(problem: str, step: str, key: str, setting: str) -> Finding:
    return Finding(problem, help=step, field="pull_request.title", key=key, setting=setting)
