"""CFG001: what the authority says in a known section and specguard did not understand."""

from __future__ import annotations

from specguard.rules import Finding, Origin, Rule, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.authority.policy import Unread
    from specguard.rules import Entry, Policy, Severity


class UnreadPolicyItem(Rule):
    """An item of the authority was not understood.

    A list under *Locked zones* is read item by item. One that begins with neither a code span nor a path
    locks nothing, and is a finding. So are lists of paths under unknown titles, such as *Protected files*,
    and an authority without rules. Other unknown titles are information.

    Why is this bad? Its author believes that it locks something.

    How to fix it: begin the item with the path in a code span, move explanations out of the list, or change
    the title. `specguard init --adopt` adds what it understands.

    ```text
    warning: SPEC_AUTHORITY.md:6: in the section 'Locked zones' 'everything that customers see' was not
      read: it does not begin with a path
    ```

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
    condition: ClassVar[str] = "every item in a known section of the authority was understood"

    shown: int = setting(3, "how many items of unchanged documents it names", ge=1, tightens="higher")

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name what was not understood."""
        documents: dict[str, list[Unread]] = {}
        for item in policy.unread:
            documents.setdefault(item.path, []).append(item)
        touched = {entry.path for entry in entries}
        for document, items in documents.items():
            if not whole and policy.is_of_others(document, entries):
                continue
            path = document.encode("utf-8", "surrogateescape")
            if not whole and path not in touched:
                grave = [item for item in items if _severity(item) == "warning"][: self.shown]
                # A single one takes no more room than its count.
                named = items if len(items) == 1 and items[0].meaning != "list" else grave
                rest = [item for item in items if item not in named and item.meaning != "list"]
                items = named
                if rest:
                    more = f"{len(rest)} {'more ' if named else ''}item{'s' * (len(rest) > 1)}"
                    yield Finding(
                        f"{more} {'was' if len(rest) == 1 else 'were'} not read",
                        help="List all: specguard policy",
                        path=None if document.startswith("preset:") else path,
                        severity=min(map(_severity, rest), key=("warning", "info").index),
                        key="more",
                        setting="shown",
                    )
            for item in items:
                yield _finding(item, path)


def _severity(item: Unread) -> Severity:
    # What a section guards can be missing from the policy; what it lists for people alone cannot.
    return "info" if item.meaning in ("normative", "order", "list", "prose") else "warning"


def _help(item: Unread) -> str:
    if item.meaning == "nothing":
        return "See what is understood, and add what holds the rest: specguard init --adopt"
    if item.meaning in ("list", "title"):
        return (
            'Call it "Locked zones" or "Forbidden paths", or give its title a meaning under '
            '[authority] sections: "locked-path", "forbidden-path" or "nothing".'
        )
    if item.meaning == "hidden":
        return "Say it where the page shows it, or take it out."
    if not item.section:
        return "Begin the block with ```toml specguard, or with no mention of specguard."
    return "Begin the item with a path in a code span, or move it out of the section."


def _finding(item: Unread, path: bytes) -> Finding:
    where = f"in the section {item.section!r} " if item.section else ""
    if item.meaning == "nothing":
        said = f"the authority guards nothing: {item.reason}"
    elif item.meaning in ("list", "title"):
        said = f"the list under {item.text!r} guards nothing: {item.reason}"
    else:
        said = f"{where}{item.text!r} was not read: {item.reason}"
    preset = item.path.startswith("preset:")
    return Finding(
        said,
        help=_help(item),
        path=None if preset else path,
        line=None if preset else item.line,
        severity=_severity(item),
        key=f"{item.section}: {item.text}",
        authority=Origin(item.path, item.line),
    )
