"""Rules about branches: their names, base and remote."""

from __future__ import annotations

import re

from specguard.rules import Finding, Guarding, MissingFact, NotApplicable, RenameBranch, Rule, setting
from specguard_rules.finding_texts import alternatives, move_to_branch, quote, shell_quote, take_there

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Literal

    from specguard.rules import (
        Base,
        Branch,
        Commit,
        Entry,
        Expression,
        Policy,
        Push,
        Remote,
        Stage,
        Work,
        WorkItem,
    )


# Bytes that are not UTF-8, characters that are invisible or change how text is shown, and shell syntax.
_UNSAFE = "[\udc80-\udcff\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff`$;|&<>\"']|^-"


class BranchName(Rule):
    """A branch's name is not the expected one, or unsafe.

    If the item's kind has a `branch` template, the name must match it exactly. Otherwise it must match
    `pattern`, if set. `characters = "safe"` refuses a leading `-`, quotes, `$;|&<>`, and invisible or
    reordering characters.

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
    expect = [{code = "BRN001", field = "branch", message = "has '$', "}]
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
    condition: ClassVar[str] = "the branch is named as its work item or the policy says, and safe to use"
    fixes: ClassVar[str] = "gives an unpushed branch its work item's name"

    pattern: Expression | None = setting(None, "what names must match without a work item", tightens=[None])
    characters: Literal["safe", "any"] = setting("safe", "characters it may have", tightens=["any", "safe"])

    def check(
        self,
        branch: Branch,
        base: Base,
        stage: Stage,
        policy: Policy,
        entries: Sequence[Entry] | None = None,
        push: Push | None = None,
        work_item: WorkItem | None = None,
    ) -> Iterator[Finding]:
        """Check the characters of the branch's name, then compare it with the item's names or `pattern`."""
        if push is not None and push.new is None:
            raise NotApplicable("the push deletes a branch, whatever its name is")
        name = branch.name
        if self.characters == "safe" and (unsafe := re.search(_UNSAFE, name)):
            sign = ascii(unsafe[0]).replace(r"\udc", r"\x")
            problem = f"has {sign}, which is not shown, or which a shell or a command acts on"
            yield _finding(branch, base, push, problem, "Take another name", "characters")
            return
        if base.is_landing or (stage == "staged" and entries is not None and not entries):
            return
        form = self
        if work_item and work_item.branches:
            form = policy.held(self, work_item.setting("branch"))
            if name not in (own := work_item.branches):
                message = f"the branch is {quote(name, own)}, and {work_item} has {alternatives(own)}"
                step, setting = take_there(own[0], branch, base, push), work_item.setting("branch")
                same_as = ("WRK006 landed",)
                yield Finding(message, step, field="branch", key="item", setting=setting, same_as=same_as)
        if form and form.pattern is not None and not form.pattern.search(name):
            problem = f"does not match {quote(form.pattern.text)}"
            yield _finding(branch, base, push, problem, "Take a name that does", "pattern")

    def fix(
        self, finding: Finding, branch: Branch, base: Base, work_item: WorkItem | None = None
    ) -> RenameBranch | None:
        """Return the renaming to the item's name, or None: no other name is known to be right."""
        # A branch that is named in another way need not be the one that is checked out.
        is_own = branch.source == "HEAD" and not base.is_shared(branch.name)
        return RenameBranch(work_item.branches[0]) if finding.key == "item" and work_item and is_own else None


def _finding(branch: Branch, base: Base, push: Push | None, problem: str, step: str, setting: str) -> Finding:
    message = f"the branch {quote(branch.name)} {problem}"
    how = f"{step}: `{move_to_branch('<name>', branch, base, push)}`"
    return Finding(message, how, field="branch", key=setting, setting=setting)


class ForeignOrigin(Rule):
    r"""The remote `origin` is not the canonical repository.

    That is `remote`, of the work item's kind or at the top of the policy. All spellings of an address are
    equal: https, ssh and `git@host:path`, with or without user, port, `.git` or final slash. Push addresses
    (`pushurl`, `pushInsteadOf`) count too.

    Why is this bad? Nobody sees a pull request in a forgotten fork.

    How to fix it: `git remote set-url origin <address>`.

    ```text
    error: 'origin' is 'https://example.org/someone/repo.git', and the canonical repository is
      'https://example.org/team/repo.git'
    ```

    ```toml fails
    policy = '''
    remote = "https://example.org/team/repo.git"
    '''
    origin = "https://example.org/someone/repo.git"
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    args = ["--push"]
    stdin = "refs/heads/work {head} refs/heads/work 0000000000000000000000000000000000000000\n"
    expect = [{code = "BRN003", field = "origin", help = "git remote set-url origin https://example.org/team/repo.git"}]
    ```

    ```toml passes
    policy = '''
    remote = "https://example.org/team/repo.git"
    '''
    origin = "git@Example.org:team/repo"
    commits = [{message = "feat: add a page", files = {"a.md" = "a"}}]
    args = ["--push"]
    stdin = "refs/heads/work {head} refs/heads/work 0000000000000000000000000000000000000000\n"
    ```
    """

    code: ClassVar[str] = "BRN003"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "run")
    condition: ClassVar[str] = "origin is the canonical repository, for fetching and for pushing"

    def check(self, origin: Remote, policy: Policy, work_item: WorkItem | None = None) -> Iterator[Finding]:
        """Compare the URLs of `origin` with the canonical repository."""
        if not (expected := (work_item.remote if work_item else "") or policy.remote):
            raise NotApplicable("the policy names no canonical repository (remote)")
        setting = work_item.setting("remote") if work_item and work_item.settings.remote else "remote"
        canonical = f"and the canonical repository is {quote(origin.shown(expected))}"
        if origin.url is None:
            key, problems = "missing", ["there is no remote 'origin'"]
            step = f"Add it: `git remote add origin {shell_quote(expected)}`"
        elif not origin.leads_to(origin.fetch, expected):
            key, problems = "fetch", [f"'origin' is {quote(origin.shown(origin.fetch))}, {canonical}"]
            more = f"; what rewrites it, shows: {_SHOW_REWRITES}" if origin.url != origin.fetch else ""
            step = f"Set it: `git remote set-url origin {shell_quote(expected)}`{more}"
        else:
            key, step = "push", f"See what sends it there: {_SHOW_REWRITES}"
            wrong = (origin.shown(url) for url in origin.pushes if not origin.leads_to(url, expected))
            problems = [f"a push to 'origin' goes to {quote(url)}, {canonical}" for url in wrong]
        for what in problems:
            yield Finding(what, step, field="origin", key=key, setting=setting)


_SHOW_REWRITES = "`git config --show-origin --get-regexp '^(remote[.]origin|url)[.].*(url|insteadof)$'`"


class ProtectedBranch(Rule):
    """A commit or push changes or deletes a protected branch.

    `branches` lists path patterns: `release/*` is every branch below it. One that begins with `refs/` is
    compared with whole refs: `refs/tags/v*` protects tags. Landed commits that an event reports are not
    judged, nor in an audit merged branches.

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
    requires: ClassVar[tuple[str, ...]] = ("branches",)
    condition: ClassVar[str] = "no commit is made on, and no push goes to, one of {branches}"

    branches: Guarding = setting(Guarding(), "the protected branches")

    def problem(self) -> str:
        """Return the problem with a name that no branch or whole ref has; empty if there is none."""
        kinds = ("origin/", "remotes/", "heads/", "tags/")
        wrong = next((one for one in self.branches.patterns if one.startswith(kinds)), "")
        return wrong and f"`branches` has {wrong!r}, and names are as in 'main' or 'refs/tags/v*'"

    def check(
        self,
        stage: Stage,
        base: Base,
        entries: Sequence[Entry] | None = None,
        push: Push | None = None,
        branch: Branch | None = None,
    ) -> Iterator[Finding]:
        """Compare the branch, or the ref that a push would write, with the protected patterns."""
        if push is not None:
            what = f"the push would {'delete' if push.new is None else 'write to'}"
            step = "Leave that to a maintainer."
            # A new branch with nothing that the base lacks is none that a pull request could bring.
            if push.new and push.remote_ref.startswith("refs/heads/") and (push.old or base.commits):
                step = "Push a branch of your own, and open a pull request."
            yield from self._findings(push.remote_ref, what, step)
            return
        if branch is None:
            raise NotApplicable("what is judged is not a branch")
        if branch.source in ("event", "merge"):
            raise NotApplicable("the platform's own rules hold for a branch that an event or merge names")
        if stage == "staged" and base.start is None and base.tip is None:
            raise NotApplicable("the first commit of a repository makes its first branch")
        step = "Take them to a branch of their own: `git switch -c <name>`"
        # Before a commit something must be staged; else the branch must have commits.
        if base.head != base.start if stage != "staged" else entries is None or entries:
            yield from self._findings(f"refs/heads/{branch.name}", "commits are made on", step)

    def _findings(self, ref: str, what: str, step: str) -> Iterator[Finding]:
        """Yield a finding for the first pattern that protects a full ref name, if there is one."""
        short = ref.removeprefix("refs/heads/")
        found = (self.branches.find(name.encode("utf-8", "surrogateescape")) for name in (short, ref))
        for which in [one for one in found if one is not None][:1]:
            key, message = self.branches.patterns[which], f"{what} {quote(short)}, which is protected"
            yield Finding(message, step, field="branch", key=key, setting=f"branches.{which}")


class StaleBase(Rule):
    r"""A branch is behind its base.

    `require` asks that the branch `contains` the base's tip, or `starts-at` it with nothing merged in later.
    The tip is what your refs say (`origin/main`), so fetch first. With work items, a branch that names
    none and is on the remote, such as a release's, is not judged.

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
    stages: ClassVar[tuple[Stage, ...]] = ("push", "run")
    condition: ClassVar[str] = "the branch starts at the tip of its base (require: {require})"

    require: Literal["off", "contains", "starts-at"] = setting(
        "off", "what a branch must do", tightens=["off", "contains", "starts-at"]
    )

    def check(
        self, base: Base, commits: Sequence[Commit], push: Push | None = None, work: Work | None = None
    ) -> Iterator[Finding]:
        """Compare the merge base with the tip of the base."""
        if self.require == "off":
            raise NotApplicable("the policy asks for no fresh base")
        if push is not None and push.remote_ref.startswith("refs/tags/"):
            raise NotApplicable("a tag is not brought up to date")
        if push is not None and push.old and work is not None and work.naming is None:
            raise NotApplicable("the remote has the branch, which is no item's and may be that of a release")
        if not commits:
            raise NotApplicable("the branch has no commit of its own")
        if base.tip is None:
            raise MissingFact("there is no base whose tip it could have", "specguard check --base REF")
        known = {base.tip, *(commit.oid for commit in commits)}
        starts_there = all(known.issuperset(commit.parents) and commit.parents for commit in commits)
        if base.tip not in base.merge_bases:
            parted = f"; the two parted at {base.start[:10]}" if base.start else ""
            problem = f"does not contain {base.name} at {base.tip[:10]}{parted}"
        elif self.require == "starts-at" and not starts_there:
            problem = f"contains {base.name} at {base.tip[:10]}, and did not start there"
        else:
            return
        step = f"Bring it up to date: `git rebase {shell_quote(base.name)}`"
        yield Finding(f"the branch {problem}", step, field="branch", key="stale", setting="require")
