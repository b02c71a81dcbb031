"""PRQ002: a pull request's body without its sections, or without its work document."""

from __future__ import annotations

import re

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, setting
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar, Literal

    from specguard.rules import PullRequest, Stage, WorkItem

_PLACEHOLDER = re.compile(r"(todo|tbd|tbc|fixme|xxx|[\W_])*", re.IGNORECASE)


class PullRequestBody(Rule):
    r"""A pull request's body lacks a section or its work document.

    Each title in `sections` is a heading with visible text below it. Template comments, *TODO* and *TBD* do
    not count. A work item's body also names the item's document, unless `work_document = "optional"`. An
    unknown body does not pass: give `--pr-body-file`.

    Why is this bad? Reviewers start from the body, and a squash keeps it.

    How to fix it: `gh pr edit --body-file <file>`, or the platform's page.

    ```text
    error: the body has nothing in its section 'Tests'
    ```

    ```toml fails
    policy = '''
    [rules.pull-request-body]
    sections = ["Tests"]
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    title = "Add a page"
    body = '''
    ## What

    A page.

    ## Tests

    <!-- how was it tested? -->
    '''

    [[expect]]
    code = "PRQ002"
    field = "pull_request.body"
    message = "nothing in its section 'Tests'"
    ```

    ```toml passes
    policy = '''
    [rules.pull-request-body]
    sections = ["Tests"]
    '''
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    title = "Add a page"
    body = '''
    ## 2. Tests

    - None: the page has no code.
    '''
    ```
    """

    code: ClassVar[str] = "PRQ002"
    name: ClassVar[str] = "pull-request-body"
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("sections", "work")
    condition: ClassVar[str] = "the body has the sections {sections}, and names the work item's document"

    sections: list[str] = setting([], "required sections, each with content", tightens="more")
    work_document: Literal["require", "optional"] = setting(
        "require", "the item's document in the body", tightens=["optional", "require"]
    )

    def check(self, pull_request: PullRequest, work_item: WorkItem | None = None) -> Iterator[Finding]:
        """Look for each section, and for the document's path."""
        document = work_item.document if work_item and self.work_document == "require" else None
        if not self.sections and document is None:
            raise NotApplicable("the policy requires no sections, and no work document is to be named")
        body = pull_request.body
        if body is None:
            raise MissingFact(
                "the body of the pull request is not known", "specguard check --pr-body-file FILE"
            )
        for position, title in enumerate(self.sections):
            content = pull_request.section(title)
            if content is not None and not _PLACEHOLDER.fullmatch(content):
                continue
            if content is None:
                problem, step = "no section", f"Add a heading '## {title}' with what belongs there."
            else:
                problem, step = "nothing in its section", "Write what belongs there."
            message = f"the body has {problem} {quoted(title)}"
            yield Finding(
                message, help=step, field="pull_request.body", key=title, setting=f"sections.{position}"
            )
        if work_item and document is not None:
            path = document.decode("utf-8", "surrogateescape")
            if path not in body:
                yield Finding(
                    f"the body does not name the document of {work_item}, {quoted(path)}",
                    help=f"Write {quoted(work_item.body or f'Implements {path}.')}",
                    field="pull_request.body",
                    key="document",
                    setting=work_item.setting("pull_request_body"),
                )
