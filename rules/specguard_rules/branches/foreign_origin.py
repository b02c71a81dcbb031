"""BRN003: an `origin` that is not the canonical repository."""

from __future__ import annotations

from specguard.rules import Finding, NotApplicable, Rule
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Policy, Remote, Stage, WorkItem


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
    name: ClassVar[str] = "foreign-origin"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "run")
    condition: ClassVar[str] = "origin is the canonical repository, for fetching and for pushing"

    def check(self, origin: Remote, policy: Policy, work_item: WorkItem | None = None) -> Iterator[Finding]:
        """Compare where origin leads with the canonical repository."""
        expected = (work_item.remote if work_item else "") or policy.remote
        if not expected:
            raise NotApplicable("the policy names no canonical repository (remote)")
        setting = work_item.setting("remote") if work_item and work_item.settings.remote else "remote"
        if origin.url is None:
            what = "there is no remote 'origin'"
            yield _about(what, f"Add it: `git remote add origin {expected}`", setting, "missing")
            return
        if not origin.leads_to(origin.fetch, expected):
            yield _about(
                f"'origin' is {quoted(origin.shown(origin.fetch))}, and the canonical repository is "
                f"{quoted(origin.shown(expected))}",
                f"Set it: `git remote set-url origin {expected}`{_rewriting(origin.url, origin.fetch)}",
                setting, "fetch",
            )  # fmt: skip
            return
        for url in origin.pushes:
            if not origin.leads_to(url, expected):
                yield _about(
                    f"a push to 'origin' goes to {quoted(origin.shown(url))}, and the canonical repository "
                    f"is {quoted(origin.shown(expected))}",
                    "See what sends it there: `git config --show-origin --get-regexp "
                    "'^(remote[.]origin|url)[.].*(url|insteadof)$'`",
                    setting, "push",
                )  # fmt: skip


def _rewriting(written: str, effective: str) -> str:
    """Where to look for what makes another address of the one that is written."""
    if written == effective:
        return ""
    return "; what rewrites it, shows: `git config --show-origin --get-regexp '^url[.].*[.]insteadof$'`"


def _about(problem: str, step: str, setting: str, key: str) -> Finding:
    return Finding(problem, help=step, field="origin", key=key, setting=setting)
