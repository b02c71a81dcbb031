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
    """An approval was not given by somebody who may give it, or nothing proves that it was.

    Who may approve what stands in the trusted base's authority (`[[approvals.approver]]`), so a change cannot
    name its own approvers. Under `--enforce`, as in CI, an approval also needs proof: a signature by a key
    that the base's policy has for this person, the platform's word that one of their accounts approved
    exactly this head (`--pr-reviews`), or a place in the base itself. Without `--enforce` an unsigned one is
    honoured, except for rules such as PTH004 that a signature alone lifts.

    A revocation needs no proof, since it only takes away, but is by an approver as well; and a signature that
    is added to a record of the base, or to a revocation, is by the approver whom that names.

    How to put it right: let the approver sign it, `specguard approvals sign ID --key FILE`, and commit the
    signature beside it; or ask one of those whom the finding names.

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
