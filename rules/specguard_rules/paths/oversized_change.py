"""PTH008: a change, or one of its files, that is larger than the policy allows."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Bookkeeping, Entry, Lines, Objects, Policy, Stage

_UNITS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class OversizedChange(Rule):
    r"""A change is larger than the policy allows.

    `entries`, `lines` and `bytes` limit the whole change, `file_bytes` each file, by default to what GitHub
    accepts. Of approvals and committed runs, only each file's size counts.

    Why is this bad? Nobody reviews what nobody can read.

    How to fix it: split the change, or keep large files elsewhere.

    ```text
    error: the change touches 3 paths; the policy allows 2
    ```

    ```toml fails
    policy = '''
    [rules.oversized-change]
    entries = 2
    lines = 3
    file_bytes = 10
    '''
    base = {files = {"a.txt" = "a\n", "b.txt" = "b\n"}}

    [[commits]]
    message = "feat: x"
    files = {"a.txt" = "c\n", "c.txt" = "0123456789\n"}
    delete = ["b.txt"]

    [[expect]]
    code = "PTH008"
    message = "3 paths"
    authority = "SPEC_AUTHORITY.md:5"

    [[expect]]
    code = "PTH008"
    path = "c.txt"
    message = "11 bytes"
    ```

    ```toml passes
    policy = '''
    [rules.oversized-change]
    entries = 2
    lines = 3
    bytes = 10
    '''
    base = {files = {"a.txt" = "a\n", "b.txt" = "b\n"}}
    commits = [{message = "feat: x", files = {"a.txt" = "c\n"}, delete = ["b.txt"]}]
    ```
    """

    code: ClassVar[str] = "PTH008"
    name: ClassVar[str] = "oversized-change"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = (
        "at most {entries} paths, {lines} lines, {bytes} bytes and {file_bytes} bytes a file (0: any number)"
    )

    entries: int = setting(0, "the most paths; `0`: any number", ge=0, tightens="lower")
    lines: int = setting(0, "the most lines it adds and removes", ge=0, tightens="lower")
    bytes: int = setting(0, "the most bytes of its files together", ge=0, tightens="lower")
    file_bytes: int = setting(
        100 << 20, "the most bytes of one file; `0`: any number", ge=0, tightens="lower"
    )

    def check(
        self,
        entries: Sequence[Entry],
        objects: Objects,
        lines: Lines,
        policy: Policy,
        bookkeeping: Bookkeeping,
    ) -> Iterator[Finding]:
        """Count paths, then sizes, and lines only of files that may be read."""
        log = policy.log_folder
        judged = [entry for entry in entries if not (entry.added and entry.path.startswith(log))]
        limited = self.entries or self.lines or self.bytes
        counted = [entry for entry in judged if not bookkeeping.has(entry)] if limited else judged
        if self.entries and len(counted) > self.entries:
            yield _over("entries", f"the change touches {len(counted)} paths", str(self.entries))
        brought = [entry for entry in judged if entry.is_file and entry.old != entry.new]
        sizes = objects.larger({entry.new for entry in brought}, self.file_bytes) if self.file_bytes else {}
        large = {entry.path: sizes[entry.new] for entry in brought if entry.new in sizes}
        for path, size in large.items():
            most = _amount(self.file_bytes)
            message = f"{path_text(path)} has {_amount(size)}; a file may have {most}"
            step = "Keep large files outside the repository, or let this one in with 'exclude'."
            yield Finding(message, help=step, path=path, key="file_bytes", setting="file_bytes")
        if self.bytes:
            work = [entry.new for entry in counted if entry.is_file and entry.old != entry.new]
            every = objects.sizes(list(set(work)))
            total = sum(every[one] for one in work)
            if total > self.bytes:
                yield _over("bytes", f"the change's files come to {_amount(total)}", _amount(self.bytes))
        if self.lines:
            totals = lines.totals([entry for entry in counted if entry.path not in large])
            both = totals.added + totals.removed
            if both > self.lines:
                what = f"the change adds {totals.added} lines and removes {totals.removed}, {both} in all"
                yield _over("lines", what, str(self.lines))


def _over(setting: str, what: str, limit: str) -> Finding:
    message = f"{what}; the policy allows {limit}"
    return Finding(message, help="Split the change into smaller ones.", key=setting, setting=setting)


def _amount(size: int) -> str:
    """A number of bytes for a message, such as `11 bytes` or `1.5 MiB`."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}".replace(".0 ", " ")
    return f"{size} bytes"
