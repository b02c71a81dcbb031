"""APR002: an approval that nothing proves, or by somebody who may not give it."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.approvals._said import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Approvals, Stage


class UntrustedApproval(Rule):
    """An approval is not proven, or its giver may not approve.

    Approvers are in `[[approvals.approver]]` of the base. With `--enforce`, as in CI, proof is their key's
    signature, the platform's review of this head (`--pr-reviews`), or presence in the base. Otherwise
    unsigned approvals count, except for rules that need a signature, such as PTH004.

    Why is this bad? A change could approve itself.

    How to fix it: the approver runs `specguard approvals sign ID --key FILE` and commits the signature, or
    another one approves.

    See also: `self-approval`

    ```text
    error: .specguard/approvals/7440b5164b.json:19: approval 7440b5164b by alice does not count: alice
      may not approve PTH002
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    may = ["SPC"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice"}]
    args = ["--select=PTH002"]

    [[expect]]
    code = "APR002"
    path = ".specguard/approvals/{approval}.json"
    message = "alice may not approve PTH002"
    authority = "SPEC_AUTHORITY.md:7"

    [[expect]]
    code = "PTH002"
    ```

    ```toml passes
    policy = '''
    base = "main"

    [rules.locked-path]
    paths = ["docs/api/"]

    [[approvals.approver]]
    name = "alice"
    key = "{key}"
    may = ["PTH002"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    approvals = [{rules = ["PTH002"], approver = "alice", sign = "key"}]
    args = ["--select=PTH002"]
    expect = [{code = "PTH002", state = "approved"}]
    ```
    """

    code: ClassVar[str] = "APR002"
    name: ClassVar[str] = "untrusted-approval"
    approvable: ClassVar[bool] = False
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every approval was given by somebody who may, as far as that must be proven"

    def check(self, approvals: Approvals) -> Iterator[Finding]:
        """Say of which approvals that is not so."""
        settings = dict.fromkeys(("", "approver", "rules"), "approvals.approver")
        yield from refused(approvals, "untrusted", settings)
        for path, what, step in approvals.strangers:
            yield Finding(
                f"{path_text(path)} {what}",
                help=f"{step} Take this out of the branch.",
                path=path,
                key="stranger",
                setting="approvals.approver",
            )
