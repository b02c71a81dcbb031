"""CFG003: sentences of the authority that command, and that no active rule is bound to."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.authority.policy import Statement
    from specguard.rules import Entry, Policy, Severity, Stage


class UnenforcedStatement(Rule):
    """No active rule enforces a command of the authority.

    Words such as *must*, *shall*, *never*, *required* or *only* make a command. It is enforced if it names an
    active rule, keeps guarded paths as they are, or asks for a setting in force.
    `specguard policy --coverage` lists all.

    Why is this bad? Readers believe that it is enforced.

    How to fix it: turn on the rule, name its code in the sentence, or leave it to people.
    `specguard init --adopt` adds settings.

    ```text
    info: SPEC_AUTHORITY.md:3: no active rule is bound to: Releases must be announced.
    ```

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

    shown: int = setting(3, "how many sentences of edited documents it names", ge=1, tightens="higher")

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
                message = f"no active rule is bound to {more} that command{'s' * (rest == 1)}"
                step = "List them: specguard policy --coverage"
                yield Finding(message, help=step, path=path, key="more", setting="shown")


def _help(statement: Statement) -> str:
    if not statement.settings:
        return "Name the code of the rule that holds it, or leave it to people."
    return f"Write {' and '.join(statement.settings)} in the settings, or leave it to people."
