"""BRN002: a branch that does not start at, or contain, the tip of its base."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, NotApplicable, Rule, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Literal

    from specguard.rules import Base, Commit, Stage


class StaleBase(Rule):
    r"""A branch is behind its base.

    `require` asks that the branch `contains` the base's tip, or `starts-at` it with nothing merged in later.
    The tip is what your refs say (`origin/main`), so fetch first.

    Why is this bad? Work on an old base is tested against an old program.

    How to fix it: `git fetch origin`, then `git rebase origin/main`.

    ```text
    error: the branch does not contain origin/main at 6e2198f29c; the two parted at e33cfacc2c
    ```

    ```toml fails
    policy = '''
    [rules.stale-base]
    require = "contains"
    '''
    base = [{message = "feat: one"}, {message = "feat: two", files = {"a.md" = "a"}}]
    commits = [{message = "feat: three", parents = ["start"], files = {"b.md" = "b"}}]
    args = ["--push"]
    stdin = "refs/heads/work {head} refs/heads/work 0000000000000000000000000000000000000000\n"
    expect = [{code = "BRN002", field = "branch"}]
    ```

    ```toml passes
    policy = '''
    [rules.stale-base]
    require = "starts-at"
    '''
    base = [{message = "feat: one"}, {message = "feat: two", files = {"a.md" = "a"}}]
    commits = [{message = "feat: three", files = {"b.md" = "b"}}]
    args = ["--push"]
    stdin = "refs/heads/work {head} refs/heads/work 0000000000000000000000000000000000000000\n"
    ```
    """

    code: ClassVar[str] = "BRN002"
    name: ClassVar[str] = "stale-base"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "run")
    condition: ClassVar[str] = "the branch stands on the tip of its base (require: {require})"

    require: Literal["off", "contains", "starts-at"] = setting(
        "off", "what a branch must do", tightens=["off", "contains", "starts-at"]
    )

    def check(self, base: Base, commits: Sequence[Commit]) -> Iterator[Finding]:
        """Compare the merge base with the tip of the base."""
        if self.require == "off":
            raise NotApplicable("the policy asks for no fresh base")
        if not commits:
            raise NotApplicable("the branch has no commit of its own")
        if base.tip is None:
            raise MissingFact(
                "there is no base whose tip the branch could have", "specguard check --base REF"
            )
        if base.tip not in base.merge_bases:
            parted = f"; the two parted at {base.start[:10]}" if base.start else ""
            problem = f"does not contain {base.name} at {base.tip[:10]}{parted}"
        elif self.require == "starts-at" and not _starts_at(base.tip, commits):
            problem = f"contains {base.name} at {base.tip[:10]}, and did not start there"
        else:
            return
        step = f"Bring it up to date: `git rebase {base.name}`"
        yield Finding(f"the branch {problem}", help=step, field="branch", key="stale", setting="require")


def _starts_at(tip: str, commits: Sequence[Commit]) -> bool:
    """Whether each commit stands on the tip or on other commits of the branch alone."""
    known = {tip, *(commit.oid for commit in commits)}
    return all(known.issuperset(commit.parents) and commit.parents for commit in commits)
