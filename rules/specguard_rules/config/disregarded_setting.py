"""CFG004: what the authority says and does not count."""

from __future__ import annotations

from specguard.rules import Finding, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Entry, Policy, Severity, Stage


_ALONE: Final = "What you write there counts once it is on the base; make it a change of its own."


class DisregardedSetting(Rule):
    r"""Something in the authority does not count, as another authority stands above it.

    A nested authority, which `[authority] nested` allows, may only lock and forbid paths of its folder. If
    anything else is in it, or it cannot be read, nothing of it counts. That is an error for changes below its
    folder, and a warning for a change of only that document. Other changes are not told of it.

    A setting that loosens the floor of `--floor`, or cannot be compared with it, is a warning. The floor's
    value judges.

    Why is this bad? Readers believe what does not hold.

    How to fix it: put the document right, or take the setting out.

    ```text
    error: packages/a/SPEC_AUTHORITY.md:4: the item '../b/' reaches beyond packages/a/; nothing of this
      document counts
    ```

    ```toml fails
    policy = '''
    [authority]
    nested = ["packages/*"]
    '''
    base = {files = {"packages/a/SPEC_AUTHORITY.md" = "# A\n\n## Locked zones\n- `../b/`\n"}}
    commits = [{message = "feat: x", files = {"packages/a/x.py" = "a"}}]

    [[expect]]
    code = "CFG004"
    path = "packages/a/SPEC_AUTHORITY.md"
    line = 4
    severity = "error"
    authority = "SPEC_AUTHORITY.md:5"
    ```

    ```toml passes
    policy = '''
    [authority]
    nested = ["packages/*"]
    '''
    base = {files = {"packages/a/x" = "a", "packages/a/SPEC_AUTHORITY.md" = "## Locked zones\n- `x`\n"}}
    commits = [{message = "feat: x", files = {"packages/a/x.py" = "a"}}]
    ```
    """

    code: ClassVar[str] = "CFG004"
    name: ClassVar[str] = "disregarded-setting"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("authority.nested",)
    condition: ClassVar[str] = "all that the authority says counts"

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name what does not count, and the line that stands above it."""
        for one in policy.disregarded:
            if not one.key and not whole and policy.is_of_others(one.origin.path, entries):
                continue
            path = one.origin.path.encode("utf-8", "surrogateescape")
            folder = path.rpartition(b"/")[0] + b"/"
            # Whoever puts the document right is not stopped by what is wrong with it.
            below = any(entry.path.startswith(folder) and entry.path != path for entry in entries)
            altered = not one.key and any(entry.path == path for entry in entries)
            severity: Severity = "error" if not one.key and (below or whole) else "warning"
            preset = one.origin.path.startswith("preset:")
            yield Finding(
                one.message,
                help=_ALONE if altered else one.step,
                path=None if preset else path,
                line=None if preset else one.origin.line or None,
                field=one.key or None,
                key=f"{one.key}: {one.message}",
                severity=severity,
                authority=one.above,
            )
