"""RUN008: waves that are declared complete while a worktree has changes that are not committed."""

from __future__ import annotations

from specguard.rules import Finding, MissingFact, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Stage, Tree, Worktree


class DirtyWorktree(Rule):
    r"""A wave is declared complete while a worktree is dirty.

    When a document of a contract in `declared_by` is written, every worktree must be clean. Untracked files
    count unless ignored. If a worktree cannot be read, the rule is indeterminate: `git worktree prune`
    forgets missing ones.

    Why is this bad? What is left there is in no review.

    How to fix it: commit or discard it, then declare the wave complete.

    ```text
    error: FINAL_D_HANDOFF.md declares a wave complete, and the worktree /home/ann/repository has
      changes that are not committed
    ```

    ```toml fails
    policy = '''
    [artifacts.handoff]
    path = "FINAL_{x}_HANDOFF.md"

    [rules.dirty-worktree]
    declared_by = ["handoff"]
    '''
    staged = {files = {"FINAL_D_HANDOFF.md" = "Done.\n"}}
    worktree = {files = {"left.txt" = "x"}}

    [[expect]]
    code = "RUN008"
    path = "FINAL_D_HANDOFF.md"
    message = "has changes that are not committed"
    ```

    ```toml passes
    policy = '''
    [artifacts.handoff]
    path = "FINAL_{x}_HANDOFF.md"

    [rules.dirty-worktree]
    declared_by = ["handoff"]
    '''

    [[commits]]
    message = "docs: the wave is complete"
    files = {"FINAL_D_HANDOFF.md" = "Done.\n"}
    ```
    """

    code: ClassVar[str] = "RUN008"
    name: ClassVar[str] = "dirty-worktree"
    requires: ClassVar[tuple[str, ...]] = ("declared_by",)
    condition: ClassVar[str] = "no worktree has changes when {declared_by} declares a wave complete"

    declared_by: list[str] = setting(
        [], "the contracts that declare a wave complete", tightens="more", names=["artifacts"]
    )

    def check(
        self, artifacts: Artifacts, worktrees: Sequence[Worktree], stage: Stage, head_files: Tree
    ) -> Iterator[Finding]:
        """Look for changes in every worktree once a wave is declared complete."""
        declared = [one for one in artifacts.judged if one.name in self.declared_by]
        if not declared:
            return
        place = path_text(declared[0].path)
        unread = ""
        for tree in worktrees:
            if tree.problem:
                unread = unread or f"the worktree {tree.path} cannot be read: {tree.problem}"
            elif tree.beside(head_files) if stage == "staged" and tree.own else tree.dirty:
                yield Finding(
                    f"{place} declares a wave complete, and the worktree {tree.path} has changes that are "
                    "not committed",
                    help=f"Commit or discard what `git -C {tree.path} status` lists.",
                    path=declared[0].path,
                    key=f"dirty {tree.branch}",
                    setting="declared_by",
                )
        if unread:
            raise MissingFact(unread, "git worktree prune")
