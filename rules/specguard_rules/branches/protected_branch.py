"""BRN004: commits made on a protected branch, and pushes to one."""

from __future__ import annotations

from specguard.rules import Finding, Guarding, NotApplicable, Rule, setting
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Base, Branch, Push, Stage


class ProtectedBranch(Rule):
    """A commit or push changes or deletes a protected branch.

    `branches` lists path patterns: `release/*` is every branch right below. One that begins with `refs/` is
    compared with the whole ref, so `refs/tags/v*` protects tags. In CI, a platform's own report of landed
    commits is not judged.

    Why is this bad? Such a branch changes only through review.

    How to fix it: `git switch -c <name>` takes the commits to another branch.

    ```text
    error: commits are made on 'release/1.0', which is protected
    ```

    ```toml fails
    policy = '''
    [rules.protected-branch]
    branches = ["main", "release/*"]
    '''
    branch = "release/1.0"
    commits = [{message = "fix: mend", files = {"a.md" = "a"}}]
    expect = [{code = "BRN004", field = "branch"}]
    ```

    ```toml passes
    policy = '''
    [rules.protected-branch]
    branches = ["main", "release/*"]
    '''
    branch = "release-notes"
    commits = [{message = "docs: tell", files = {"a.md" = "a"}}]
    ```
    """

    code: ClassVar[str] = "BRN004"
    name: ClassVar[str] = "protected-branch"
    requires: ClassVar[tuple[str, ...]] = ("branches",)
    condition: ClassVar[str] = "no commit is made on, and no push goes to, one of {branches}"

    branches: Guarding = setting(Guarding(), "the protected branches")

    def check(
        self, stage: Stage, base: Base, push: Push | None = None, branch: Branch | None = None
    ) -> Iterator[Finding]:
        """Compare the branch, or the ref that a push would write, with the patterns."""
        if push is not None:
            which = self._protects(push.remote_ref)
            if which is not None:
                deed = "delete" if push.new is None else "write to"
                yield self._about(
                    f"the push would {deed} {quoted(_short(push.remote_ref))}, which is protected",
                    "Push a branch of your own, and open a pull request.", which,
                )  # fmt: skip
            return
        if branch is None:
            raise NotApplicable("what is judged is no branch")
        if branch.source == "event":
            raise NotApplicable("the platform's own protection decides about a branch that its event names")
        which = self._protects(f"refs/heads/{branch.name}")
        if which is None or (stage != "staged" and base.head == base.start):
            return
        verb = "would be made" if stage == "staged" else "are made"
        yield self._about(
            f"commits {verb} on {quoted(branch.name)}, which is protected",
            "Take them to a branch of their own: `git switch -c <name>`", which,
        )  # fmt: skip

    def _protects(self, ref: str) -> int | None:
        """The index of the first pattern that protects a ref, given in full."""
        if ref.startswith("refs/heads/"):
            which = self.branches.find(_encoded(_short(ref)))
            if which is not None:
                return which
        return self.branches.find(_encoded(ref))

    def _about(self, problem: str, step: str, which: int) -> Finding:
        key = self.branches.patterns[which]
        return Finding(problem, help=step, field="branch", key=key, setting=f"branches.{which}")


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
