"""SPC009: a document that states something otherwise than one of higher authority."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Documents, Entry, Policy

_REGULAR: Final = 0o10
"""What the mode of a regular file begins with."""


class ContradictedAuthority(Rule):
    r"""A document contradicts a higher one on a declared key.

    `order` in `[authority]`, or the section *Conflict resolution*, lists documents, highest first. `keys`
    names what they must agree on: a field, front matter (`form = "front matter"`), or a line that matches a
    `pattern` with one group. The highest document with a key decides. Documents of one pattern have no order.
    Quotes and emphasis do not matter; case does.

    Why is this bad? An agent follows the document that it read last.

    How to fix it: correct the lower document, or change the higher one first.

    ```text
    error: work/AGENT_1_PLAN.md:3: work/AGENT_1_PLAN.md:3 says that canonical_root is '/api/orpc', and
      ARCHITECTURE.md:3, which goes before it, that it is '/api/v2'
    ```

    ```toml fails
    policy = '''
    [authority]
    order = ["ARCHITECTURE.md", "**/AGENT_*"]
    keys = [{name = "canonical_root"}]
    '''
    base = {files = {"ARCHITECTURE.md" = "# Architecture\n\nCanonical root: `/api/v2`\n"}}

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "work/AGENT_1_PLAN.md" = '''
    # Plan

    - **canonical_root:** /api/orpc
    '''

    [[expect]]
    code = "SPC009"
    path = "work/AGENT_1_PLAN.md"
    line = 3
    message = "ARCHITECTURE.md:3"
    ```

    ```toml passes
    policy = '''
    [authority]
    order = ["ARCHITECTURE.md", "**/AGENT_*"]
    keys = [{name = "root", pattern = 'rooted at `([^`]+)`'}]
    '''
    base = {files = {"ARCHITECTURE.md" = "The API is rooted at `/api/v2`.\n"}}

    [[commits]]
    message = "docs: plan"
    files = {"work/AGENT_1_PLAN.md" = "All calls are rooted at `/api/v2`, as before.\n"}
    ```
    """

    code: ClassVar[str] = "SPC009"
    name: ClassVar[str] = "contradicted-authority"
    tables: ClassVar[tuple[str, ...]] = ("authority.keys",)
    condition: ClassVar[str] = "no document contradicts a higher one on a declared key"

    def check(
        self, policy: Policy, documents: Documents, entries: Sequence[Entry], whole: bool
    ) -> Iterator[Finding]:
        """Compare what the documents of the order state."""
        for entry in entries:
            was_file = entry.old_mode >> 12 == _REGULAR
            if was_file and not entry.deleted and not entry.is_file and policy.rank(entry.path) is not None:
                message = (
                    f"{path_text(entry.path)}, which has a place in the order, is no regular file any more"
                )
                step = "Make it a file of its own: what a link leads to is not compared."
                yield Finding(message, help=step, path=entry.path, key="no file", setting="authority.order")
        touched = {entry.path for entry in entries}
        for one in policy.contradictions(documents, lambda path: whole or path in touched):
            low, high = one.lower, one.higher
            message = (
                f"{low.place} says that {one.name} is {shortened(low.value, 80)!r}, and {high.place}, "
                f"which goes before it, that it is {shortened(high.value, 80)!r}"
            )
            step = f"Correct {path_text(low.path)}, or first {path_text(high.path)}."
            setting = f"authority.keys.{one.key}"
            yield Finding(message, help=step, path=low.path, line=low.line, key=one.name, setting=setting)
