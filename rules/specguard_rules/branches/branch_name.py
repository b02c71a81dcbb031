"""BRN001: a branch that is not the work item's, or not named as the policy asks."""

from __future__ import annotations

import re

from specguard.rules import Finding, NotApplicable, Rule, setting
from specguard_rules.next_steps import is_own, to_branch
from specguard_rules.spelling import alternatives, near_miss, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar, Literal

    from specguard.rules import Base, Branch, Expression, Fix, Push, Stage, WorkItem

_UNSAFE = (
    ("[\udc80-\udcff]", "has bytes that are not UTF-8"),
    (
        "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]",
        "has characters that are not shown, or that change how text is shown",
    ),
    ("[`$;|&<>\"']", "has a character that a shell acts on"),
    (r"\A-", "begins with '-', so commands take it for an option"),
)
_BETWEEN_WORDS = str.maketrans("", "", "/._-")


class BranchName(Rule):
    """A branch's name is not the expected one, or unsafe.

    If the item's kind has a `branch` template, the name must match it exactly. Otherwise it must match
    `pattern`, if set. `characters = "safe"` refuses a leading `-`, and shell, invisible or reordering
    characters.

    Why is this bad? People and scripts tell the item from the branch.

    How to fix it: `git branch -m <name>` renames the current branch.

    ```text
    error: the branch 'my-work' does not match '^(feature|fix)/[a-z0-9-]+$'
    ```

    ```toml fails
    policy = '''
    [rules.branch-name]
    pattern = "^(feature|fix)/[a-z0-9-]+$"
    '''
    branch = "my-work"
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    expect = [{code = "BRN001", field = "branch"}]
    ```

    ```toml fails
    branch = "fix-$HOME"
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    expect = [{code = "BRN001", field = "branch", message = "a shell acts on"}]
    ```

    ```toml passes
    policy = '''
    [rules.branch-name]
    pattern = "^(feature|fix)/[a-z0-9-]+$"
    '''
    branch = "feature/pages"
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    ```
    """

    code: ClassVar[str] = "BRN001"
    name: ClassVar[str] = "branch-name"
    condition: ClassVar[str] = "the branch is named as its work item or the policy says, and safe to use"
    fixes: ClassVar[str] = "gives an unpushed branch its work item's name"

    pattern: Expression | None = setting(None, "what names must match without a work item", tightens=[None])
    characters: Literal["safe", "any"] = setting(
        "safe", "which characters it may have", tightens=["any", "safe"]
    )
    exclude_names: list[Expression] = setting([], "branches to skip", tightens="fewer")

    def check(
        self,
        branch: Branch,
        base: Base,
        stage: Stage,
        push: Push | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Compare the name with the item's, or with the pattern."""
        if push is not None and push.new is None:
            raise NotApplicable("the push deletes a branch, whatever its name is")
        name = branch.name
        if self.characters == "safe":
            for characters, problem in () if _is_plain(name) else _UNSAFE:
                if re.search(characters, name):
                    yield _about(branch, base, push, problem, "Take another name", "characters")
                    return
        if base.is_branch(branch, stage):
            return
        if any(one.search(name) for one in self.exclude_names):
            return
        if work_item and work_item.branches:
            if name not in work_item.branches:
                near = near_miss(name, work_item.branches)
                yield Finding(
                    f"the branch is {quoted(name)}, and {work_item} has "
                    f"{alternatives(work_item.branches)}" + (f": {near}" if near else ""),
                    help=f"Take it there with `{to_branch(work_item.branches[0], branch, base, push)}`.",
                    field="branch",
                    key="item",
                    setting=work_item.setting("branch"),
                )
        elif self.pattern is not None and not self.pattern.search(name):
            problem = f"does not match {quoted(self.pattern.text)}"
            yield _about(branch, base, push, problem, "Take a name that does", "pattern")

    def fix(
        self, finding: Finding, branch: Branch, base: Base, work_item: WorkItem | None = None
    ) -> Fix | None:
        """The item's name; no other is known to be right."""
        from specguard.rules import RenameBranch

        # A head that is named otherwise need not be the branch that is checked out.
        if finding.key != "item" or branch.source != "HEAD" or work_item is None:
            return None
        if is_own(branch, base):
            return None
        return RenameBranch(work_item.branches[0])


def _is_plain(name: str) -> bool:
    """Whether a name has ASCII letters, digits and what stands between them alone, which most have."""
    return name.isascii() and name.translate(_BETWEEN_WORDS).isalnum() and not name.startswith("-")


def _about(branch: Branch, base: Base, push: Push | None, problem: str, step: str, setting: str) -> Finding:
    message = f"the branch {quoted(branch.name)} {problem}"
    how = f"{step}: `{to_branch('<name>', branch, base, push)}`"
    return Finding(message, help=how, field="branch", key=setting, setting=setting)
