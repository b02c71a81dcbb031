"""PTH005: names that are not what they look like, or become another file's elsewhere."""

from __future__ import annotations

from specguard.rules import Finding, Rule
from specguard_rules.paths.guarded import quoted, shown
from specguard_rules.paths.siblings import Siblings
from specguard_rules.paths.suspicion import crafted, suspicion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Entry, Guards, Severity, Stage, Tree


class DeceptivePath(Rule):
    r"""A name is added that is not what it looks like, or that becomes another file's on some machines.

    Names are shown to people and compared by machines, and the two can be made to disagree. Flagged are:
    control characters, newlines and bytes that are not UTF-8; characters that show as nothing or turn the
    direction of the text; letters that look like those of another script, mixed into a word, or a whole
    name that reads like one that is there or is guarded; fullwidth and styled letters, and signs that look
    like a slash or a dot; names that differ from a neighbour's only in case or in Unicode's normal form; on
    Windows names with a dot or space at their end, streams (`a:b`), short names (`LOCKED~1`), devices
    (`CON`) and backslashes; everything that git or a file system takes for `.git`; and what only a tree
    made by hand can hold: `..`, empty names, the same name twice.

    Names in any language are fine: `docs/café.md`, `資料.md`, an emoji, a Persian name with its joiners. Only
    what is added is judged, not a name that the base has already. What is odd but cannot be taken for
    another name, such as a colon or a fullwidth letter, is a warning.

    How to put it right: rename the file in plain characters. A name that is really meant is let in with
    `exclude`.

    ```toml fails
    base = {files = {"docs/policy.md" = "a"}}

    [[commits]]
    message = "docs: x"
    files = {"Docs/policy.md" = "b", "src/l\u043ecked.md" = "c", "src/nul" = "d"}

    [[expect]]
    code = "PTH005"
    path = "Docs/policy.md"
    message = "differs from 'docs' only in case"

    [[expect]]
    code = "PTH005"
    path = "src/l\u043ecked.md"
    message = "U+043E CYRILLIC SMALL LETTER O"

    [[expect]]
    code = "PTH005"
    path = "src/nul"
    ```

    ```toml passes
    [[commits]]
    message = "docs: x"
    files = {"docs/café.md" = "a", "日本語.md" = "b", "docs/Übersicht.md" = "c"}
    ```
    """

    code: ClassVar[str] = "PTH005"
    name: ClassVar[str] = "deceptive-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every added name is what it looks like, on every machine"

    def check(
        self, entries: Sequence[Entry], start_files: Tree, head_files: Tree, guards: Guards
    ) -> Iterator[Finding]:
        """Look at every name that the change leaves, and closely at those that it adds."""
        siblings = Siblings(head_files)
        left = [entry for entry in entries if not entry.deleted]
        files = {entry.path for entry in left}
        before: bytes | None = None
        judged: dict[bytes, tuple[str, Severity, str] | None] = {}
        for entry in left:
            made = crafted(entry.path, files)
            if not made and entry.path == before:
                made = "is in one tree twice"
            before = entry.path
            if made:
                yield _finding(entry.path, made, "error", "crafted")
            elif entry.added:
                verdict = _worst(entry.path, judged, siblings, start_files, guards)
                if verdict:
                    yield _finding(entry.path, *verdict)


def _worst(
    path: bytes,
    judged: dict[bytes, tuple[str, Severity, str] | None],
    siblings: Siblings,
    start_files: Tree,
    guards: Guards,
) -> tuple[str, Severity, str] | None:
    """What is wrong with a path: the first error in one of its new segments, else the first warning."""
    worst: tuple[str, Severity, str] | None = None
    end = -1
    while end < len(path):
        begin = end + 1
        end = path.find(b"/", begin)
        if end < 0:
            end = len(path)
        prefix = path[:end]
        # A folder's name is judged once, however many files are added below it.
        if prefix not in judged:
            found = siblings.twin(path[:begin], path[begin:end], guards) or suspicion(path[begin:end])
            if found and start_files.find(prefix) is not None:
                found = None
            judged[prefix] = found
        verdict = judged[prefix]
        if verdict and (worst is None or verdict[1] == "error"):
            worst = verdict
            if verdict[1] == "error":
                break
    return worst


def _finding(path: bytes, what: str, severity: Severity, key: str) -> Finding:
    return Finding(
        f"the name {shown(path)} {what}",
        help=f"Rename it in plain characters (in a shell it is {quoted(path)}), or let it in with 'exclude'.",
        path=path,
        key=key,
        severity=severity,
    )
