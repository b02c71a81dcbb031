"""CFG003: sentences of the authority that command, and that no active rule is bound to."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, ClassVar

    from pydantic import Field

    from specguard.rules import Policy, Severity, Stage


class UnenforcedStatement(Rule):
    """A sentence of the authority commands something, and no active rule is bound to it.

    *Must*, *must not*, *do not*, *never*, *only*: a reader takes such a sentence for something that is held.
    Where nothing holds it, the reader should know. A sentence is bound to a rule where it stands in a section
    that gives that rule its settings or beside a block with that rule's table, or where it names a path that
    is guarded; more is not guessed.

    This is information. Of each document a few sentences are named and the rest is counted;
    `specguard policy --coverage` lists all of them beside those that are held.

    How to put it right: turn on the rule that holds the sentence, put it beside that rule's settings,
    or leave it to people.

    ```toml fails
    policy = '''
    # Authority

    Releases must be announced.
    '''
    expect = [{code = "CFG003", path = "SPEC_AUTHORITY.md", line = 3}]
    ```

    ```toml passes
    policy = '''
    # Authority

    ## Locked zones

    These must not change:

    - `docs/api/`
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    ```
    """

    code: ClassVar[str] = "CFG003"
    name: ClassVar[str] = "unenforced-statement"
    severity: ClassVar[Severity] = "info"
    stages: ClassVar[tuple[Stage, ...]] = ("range", "pull-request", "run")
    condition: ClassVar[str] = "every sentence of the authority that commands is bound to an active rule"

    shown: Annotated[
        int, Field(ge=1, description="how many sentences of a document are named before the rest is counted")
    ] = 3

    def check(self, policy: Policy) -> Iterator[Finding]:
        """Name the sentences that nothing holds."""
        counts: dict[str, int] = {}
        for statement in policy.statements:
            if statement.rules:
                continue
            counts[statement.path] = counts.get(statement.path, 0) + 1
            if counts[statement.path] <= self.shown:
                yield Finding(
                    f"no active rule is bound to: {statement.text}",
                    help="Turn on a rule that holds it, or leave it to people.",
                    path=statement.path.encode("utf-8", "surrogateescape"),
                    line=statement.line,
                    key=statement.text,
                    authority=Origin(statement.path, statement.line),
                )
        for path, count in counts.items():
            if count > self.shown:
                yield Finding(
                    f"no active rule is bound to {count - self.shown} more sentences that command",
                    help="List them: specguard policy --coverage",
                    path=path.encode("utf-8", "surrogateescape"),
                    key="more",
                    setting="shown",
                )
