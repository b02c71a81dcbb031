"""CFG003: sentences of the authority that command, and that no active rule is bound to."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Annotated, ClassVar

    from pydantic import Field

    from specguard.rules import Entry, Policy, Severity, Stage, Statement


class UnenforcedStatement(Rule):
    """A sentence of the authority commands something, and no active rule is bound to it.

    *Must*, *must not*, *do not*, *never*, *only*: a reader takes such a sentence for something that is held.
    Where nothing holds it, the reader should know. A sentence is bound to a rule where it stands in a section
    that gives that rule its settings or beside a block with that rule's table, or where it names a path that
    is guarded; more is not guessed.

    This is information. Where the change edits the document, a few of its sentences are named and the rest is
    counted; elsewhere they are counted alone, and with `--all` every one is named.
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
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every sentence of the authority that commands is bound to an active rule"

    shown: Annotated[
        int,
        Field(
            ge=1,
            description="how many sentences of an edited document to name",
        ),
    ] = 3

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name or count the sentences that nothing holds."""
        documents: dict[str, list[Statement]] = {}
        for statement in policy.statements:
            if not statement.rules:
                documents.setdefault(statement.path, []).append(statement)
        touched = {entry.path for entry in entries}
        for document, statements in documents.items():
            path = document.encode("utf-8", "surrogateescape")
            # A single one takes no more room than its count.
            named = len(statements) if whole or len(statements) == 1 else self.shown if path in touched else 0
            for statement in statements[:named]:
                yield Finding(
                    f"no active rule is bound to: {statement.text}",
                    help=_help(statement),
                    path=path,
                    line=statement.line,
                    key=statement.text,
                    authority=Origin(document, statement.line),
                )
            rest = len(statements) - named
            if rest > 0:
                more = f"{rest} more sentence{'s' * (rest > 1)}" if named else f"{rest} sentences"
                yield Finding(
                    f"no active rule is bound to {more} that command{'s' * (rest == 1)}",
                    help="List them: specguard policy --coverage",
                    path=path,
                    key="more",
                    setting="shown",
                )


def _help(statement: Statement) -> str:
    if not statement.settings:
        return "Name the code of the rule that holds it, or leave it to people."
    return f"Write {' and '.join(statement.settings)} in the settings, or leave it to people."
