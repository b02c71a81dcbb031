"""CMT002: a commit message that is not the work item's, or not of the policy's form."""

from __future__ import annotations

from specguard.rules import NotApplicable, Rule, setting
from specguard_rules.conventional import ConventionalForm, footer_problems, respelt
from specguard_rules.next_steps import about, mixed, reword, shell_text
from specguard_rules.spelling import alternatives, near_miss, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Literal

    from specguard.rules import Bookkeeping, Commit, Expression, Finding, Fix, Message, Stage, Work, WorkItem


class CommitMessage(ConventionalForm, Rule):
    r"""A commit message is not the expected one.

    If the item's kind has a `commit` template, the subject must be exactly that. Otherwise it must match
    `pattern` and, with `conventional = true`, Conventional Commits 1.0.0. With `merge = "squash"`, the pull
    request's title is judged. Merges are skipped, and commits that only file approvals or runs.

    Why is this bad? People search history by its subjects, and so does specguard.

    How to fix it: type the command in the finding.

    See also: `commit-form`, `pull-request-title`

    ```text
    error: commit 99a471f37a: the subject 'feature: add a page' has not the form of Conventional
      Commits: its type 'feature' is not one of feat, fix
    ```

    ```toml fails
    policy = '''
    [rules.commit-message]
    conventional = true
    types = ["feat", "fix"]
    '''

    [[commits]]
    message = "feature: add a page"
    files = {"a.md" = "a"}

    [[expect]]
    code = "CMT002"
    field = "commit.subject"
    message = "its type 'feature' is not one of feat, fix"
    ```

    ```toml fails
    policy = '''
    [rules.commit-message]
    pattern = '^[A-Z]+-[0-9]+: '
    '''
    commits = [{message = "add a page", files = {"a.md" = "a"}}]
    expect = [{code = "CMT002", field = "commit.subject"}]
    ```

    ```toml passes
    policy = '''
    [rules.commit-message]
    conventional = true
    types = ["feat", "fix"]
    '''

    [[commits]]
    message = "feat(pages)!: add a page\n\nIt has text.\n\nBREAKING CHANGE: the old page is gone\n"
    files = {"a.md" = "a"}
    ```
    """

    code: ClassVar[str] = "CMT002"
    name: ClassVar[str] = "commit-message"
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("conventional", "pattern", "body", "work")
    condition: ClassVar[str] = (
        "every commit message is its work item's, or of the form that the policy asks for"
    )
    fixes: ClassVar[str] = "rewords the newest commit, if not pushed yet, or the message being written"

    pattern: Expression | None = setting(
        None, "what subjects must match without a work item", tightens=[None]
    )
    body: Literal["optional", "required", "forbidden"] = setting(
        "optional", "whether a message has a body", tightens=["optional"]
    )
    ignore: list[Expression] = setting([], "subjects to skip", tightens="fewer")

    def check(
        self,
        messages: Sequence[Message],
        bookkeeping: Bookkeeping,
        commits: Sequence[Commit] | None = None,
        work_item: WorkItem | None = None,
        work: Work | None = None,
    ) -> Iterator[Finding]:
        """Compare each message with the item's, or with the form."""
        item = work_item if work_item and work_item.commit_messages else None
        if item is None and self.pattern is None and not self.conventional and self.body == "optional":
            raise NotApplicable("no work item gives a commit message, and the policy asks for no form")
        made = {commit.oid: commit for commit in commits or ()}
        ignored = [*self.ignore, *(item.commits.ignore if item and item.commits else ())]
        for message in messages:
            if message.merge or any(expression.search(message.subject) for expression in ignored):
                continue
            own = item
            if item and work and item.kind in work.shared:
                # The title of a branch that holds a whole plan is of the plan.
                own = None if message.source == "title" else work.item_of(message.commit)
            told = mixed(work, message.commit)
            findings = list(_of_item(message, own, made, told) if own else self._of_form(message, made))
            if message.source != "title":
                findings.extend(self._body(message, made))
            # Only a commit with a finding is worth reading the files of.
            commit = made.get(message.commit or "") if findings else None
            if findings and not (commit and bookkeeping.is_all_of(commit)):
                yield from findings

    def _of_form(self, message: Message, made: dict[str, Commit]) -> Iterator[Finding]:
        subject = quoted(message.subject)
        if self.pattern is not None and not self.pattern.search(message.subject):
            what = f"the subject {subject} does not match {quoted(self.pattern.text)}"
            yield about(message, what, "Reword it", "pattern", how=reword(message, made))
        if not self.conventional:
            return
        not_of_form = "has not the form of Conventional Commits"
        problem, setting = self.subject_problem(message.subject)
        if problem:
            what = f"the subject {subject} {not_of_form}: {problem}"
            step = self.subject_step(setting)
            yield about(message, what, step, "conventional", setting, how=reword(message, made))
        for line, problem in footer_problems(message.text):
            what, key = f"line {line} of the message {not_of_form}: {problem}", "conventional footer"
            how = reword(message, made)
            yield about(message, what, "Reword the body", key, "conventional", field="commit.body", how=how)

    def _body(self, message: Message, made: dict[str, Commit]) -> Iterator[Finding]:
        has_body = bool(message.body.strip())
        if has_body and self.body == "forbidden":
            problem, step = "has a body, and none is wanted", "Keep only the subject"
        elif not has_body and self.body == "required":
            problem, step = "has no body", "Say below the subject, after a blank line, what changes and why"
        else:
            return
        what = f"the message {quoted(message.subject)} {problem}"
        yield about(message, what, step, "body", field="commit.body", how=reword(message, made))

    def fix(
        self, finding: Finding, work_item: WorkItem | None = None, work: Work | None = None
    ) -> Fix | None:
        """The item's subject, or the same words with a type that is spelt as the form has it."""
        from specguard.rules import RewordMessage

        if finding.field != "commit.subject":
            return None
        own = work.item_of(finding.commit) if work and work_item else None
        if finding.key == "item" and own is not None:
            right = own.commit_messages[0]
            return RewordMessage(finding.commit, lambda text: right + text[len(text.split("\n", 1)[0]) :])
        return RewordMessage(finding.commit, self._respelt) if finding.key == "conventional" else None

    def _respelt(self, text: str) -> str:
        subject, newline, rest = text.partition("\n")
        right = respelt(subject, lower=self.type_case == "lower", case=self.description_case)
        fits = self.subject_problem(right) == ("", "")
        fits = fits and (self.pattern is None or bool(self.pattern.search(right)))
        return right + newline + rest if fits else text


def _of_item(
    message: Message, item: WorkItem, made: dict[str, Commit], same_as: Sequence[str]
) -> Iterator[Finding]:
    subject, expected = message.subject, item.commit_messages
    if item.allows("commit", subject):
        return
    near = near_miss(subject, expected)
    what, step = "subject", f"Write {alternatives(expected[:1])} instead"
    if message.source == "title":
        what = "title, which a squash lands as the commit's message,"
        if item.titles and item.allows("pull_request", subject):
            step = (
                f"No title can be right while {item.setting('pull_request')} and {item.setting('commit')} "
                "differ: give both the same text in the policy"
            )
    problem = f"the {what} is {quoted(subject)}, and {item} has {alternatives(expected)}"
    problem += f": {near}" if near else ""
    how = reword(message, made, shell_text(expected[0], message))
    yield about(message, problem, step, "item", item.setting("commit"), how=how, same_as=same_as)
