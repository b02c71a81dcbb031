"""Rules about pull requests: title, body and target."""

from __future__ import annotations

import re

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, Selecting, setting
from specguard_rules.commits.messages import SubjectForm
from specguard_rules.finding_texts import alternatives, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Base, Policy, PullRequest, Stage, WorkItem


class PullRequestTitle(SubjectForm, Rule):
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
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("conventional", "pattern", "work")
    condition: ClassVar[str] = "the title is its work item's, or of the form that the policy asks for"

    def check(
        self, pull_request: PullRequest, policy: Policy, work_item: WorkItem | None = None
    ) -> Iterator[Finding]:
        """Compare the title with the item's, or with the form."""
        expected = work_item.titles if work_item else ()
        if not expected and self.pattern is None and not self.conventional:
            raise NotApplicable("no work item gives a title, and the policy asks for no form")
        title, form = pull_request.require("title"), self
        if work_item and expected:
            form = policy.held(self, work_item.setting("pull_request"))
            if not work_item.allows("pull_request", title):
                what = f"the title is {quote(title, expected)}, and {work_item} has {alternatives(expected)}"
                step = f"Change it to {alternatives(expected[:1])}."
                yield _finding(what, step, "item", work_item.setting("pull_request"))
        for what, step, key, by in form.flaws("title", title) if form else ():
            yield _finding(what, f"{step}.", key, by)


def _finding(problem: str, step: str, key: str, setting: str, field: str = "title") -> Finding:
    return Finding(problem, step, field=f"pull_request.{field}", key=key, setting=setting)


_PLACEHOLDER = r"(?i)(todo|tbd|tbc|fixme|xxx|[\W_])*"


class PullRequestBody(Rule):
    r"""A pull request's body lacks a section or its work document.

    Each title in `sections` is a heading with visible text below it. Template comments, *TODO* and *TBD* do
    not count. A work item's body also names the item's document. An unknown body does not pass: give
    `--pr-body-file`.

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
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("sections", "work")
    condition: ClassVar[str] = "the body has the sections {sections}, and names the work item's document"

    sections: list[str] = setting([], "required sections, each with content", tightens="more")

    def check(self, pull_request: PullRequest, work_item: WorkItem | None = None) -> Iterator[Finding]:
        """Look for each required section, and for the path of the item's document."""
        document = work_item.document if work_item else None
        if not self.sections and document is None:
            raise NotApplicable("the policy requires no sections, and no work item has a document to name")
        # Nothing is said of a body that is not known.
        pull_request.require("body")
        for position, title in enumerate(self.sections):
            content = pull_request.section(title)
            if content is None or re.fullmatch(_PLACEHOLDER, content):
                problem = "no section" if content is None else "nothing in its section"
                step = f"Write below a heading '## {title}' what belongs there."
                what = f"the body has {problem} {quote(title)}"
                yield _finding(what, step, title, f"sections.{position}", "body")
        if work_item and document is not None:
            path = document.decode("utf-8", "surrogateescape")
            if not pull_request.names(path):
                what = f"the body does not name the document of {work_item}, {quote(path)}"
                step = f"Write {alternatives([work_item.body or f'Implements {path}.'])}"
                yield _finding(what, step, "document", work_item.setting("pull_request_body"), "body")


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
    stages: ClassVar[tuple[Stage, ...]] = ("pull-request", "run")
    condition: ClassVar[str] = "the pull request goes into the policy's base"

    allow: Selecting = setting(Selecting(), "more targets, such as `release/*`", tightens="fewer")

    def check(
        self, pull_request: PullRequest, base: Base, policy: Policy, work_item: WorkItem | None = None
    ) -> Iterator[Finding]:
        """Compare the target branch with the policy's base."""
        if not (expected := (work_item.base if work_item else "") or policy.base):
            raise NotApplicable("the policy names no base")
        target = pull_request.base
        if target is None and pull_request.number is None:
            raise NotApplicable("no platform says into which branch the pull request goes")
        if target is None:
            raise MissingFact("the pull request's base is not known", "specguard check --pr-event FILE")
        item_base = work_item.settings.base if work_item else ""
        # A base that belongs to one item may be merged by now.
        accepted = {expected, policy.base} if "{" in item_base else {expected}
        allowed = self.allow.matches(target.encode("utf-8", "surrogateescape"))
        if not (base.stacked or target in accepted or allowed):
            what = f"the pull request goes into {quote(target)}, and the base is {quote(expected)}"
            setting = work_item.setting("base") if work_item and item_base else "base"
            more = "; or name that branch in `allow` of [rules.pull-request-target], in its own authority"
            step = f"Change its base to {quote(expected)}{'' if work_item else more}."
            yield _finding(what, step, "target", setting, "base")
