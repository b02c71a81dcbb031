"""CFG001: what the authority says in a known section and specguard did not understand."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Policy, Severity, Stage


class UnreadPolicyItem(Rule):
    """An item in a section that gives settings was not understood.

    A list under *Locked zones* is read item by item; an item that begins with neither a code span nor a path
    locks nothing, though its author thinks it does. Nothing is guessed at, and nothing is dropped in silence:
    this rule names each such item with its line, and `specguard policy` prints them too.

    It is a warning, because the policy is that of the base: the change that is judged did not write it.

    How to put it right: begin the item with the path in a code span, move what is an explanation out of the
    list, or give the section another title.

    ```toml fails
    policy = '''
    # Authority

    ## Locked zones

    - `docs/api/`
    - everything that customers see
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    expect = [{code = "CFG001", path = "SPEC_AUTHORITY.md", line = 6}]
    ```

    ```toml passes
    policy = '''
    # Authority

    ## Locked zones

    Everything that customers see:

    - `docs/api/`
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    ```
    """

    code: ClassVar[str] = "CFG001"
    name: ClassVar[str] = "unread-policy-item"
    severity: ClassVar[Severity] = "warning"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "range", "pull-request", "run")
    condition: ClassVar[str] = "every item in a known section of the authority was understood"

    def check(self, policy: Policy) -> Iterator[Finding]:
        """Name what was not understood."""
        for item in policy.unread:
            where = f"in the section {item.section!r} " if item.section else ""
            preset = item.path.startswith("preset:")
            yield Finding(
                f"{where}{item.text!r} was not read: {item.reason}",
                help="Begin the item with a path in a code span, or move it out of the section.",
                path=None if preset else item.path.encode("utf-8", "surrogateescape"),
                line=None if preset else item.line,
                key=f"{item.section}: {item.text}",
                authority=Origin(item.path, item.line),
            )
