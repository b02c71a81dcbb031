"""PTH005: names that are not what they look like, or become another file's elsewhere."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text
from specguard_rules.paths._new_names import NewNames, guarded_like
from specguard_rules.paths._suspicion import crafted_paths, may_be_suspicious, suspicion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Entry, Guards, Severity, Stage, Tree


class DeceptivePath(Rule):
    r"""An added name misleads, or clashes with another one.

    Reported are control and invisible characters, bytes that are not UTF-8, and look-alike letters (UTS 39).
    So are names that differ only in case or Unicode form, that Windows cannot hold, or that git takes for
    `.git`. Any language is fine: `docs/café.md`, `資料.md`. Odd names that cannot be mistaken are warnings.

    Why is this bad? People read one name and machines open another.

    How to fix it: rename it in plain characters, or allow it with `exclude`.

    ```text
    error: Docs/policy.md: the name Docs/policy.md differs from 'docs' only in case
    ```

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
        self, entries: Sequence[Entry], start_files: Tree, head_files: Tree, guards: Guards, base: Base
    ) -> Iterator[Finding]:
        """Look at every path for what is crafted, and closely at the names that the change adds."""
        left = [entry.path for entry in entries if not entry.deleted]
        made = dict(crafted_paths(left))
        for path, what in made.items():
            yield _finding(base, path, what, "error", "crafted")
        added = [entry.path for entry in entries if entry.added and entry.path not in made]
        if not added:
            return
        new = NewNames(added, start_files, head_files)
        flagged = _flagged(new, guards)
        for path in added if flagged else ():
            verdicts = [flagged[prefix] for prefix in _prefixes(path) if prefix in flagged]
            if verdicts:
                yield _finding(base, path, *next((one for one in verdicts if one[1] == "error"), verdicts[0]))


def _flagged(new: NewNames, guards: Guards) -> dict[bytes, tuple[str, Severity, str]]:
    """What is wrong with each new name, by its path; a folder's name is judged once, whatever is below it."""
    odd = {
        (folder, name)
        for folder, names in new.folders.items()
        if may_be_suspicious(names)
        for name in names
        if may_be_suspicious([name])
    }
    flagged: dict[bytes, tuple[str, Severity, str]] = {}
    for folder, name in {**dict.fromkeys(new.suspects()), **dict.fromkeys(odd)}:
        path = folder + b"/" + name if folder else name
        found = new.twin(folder, name)
        if found is None and (folder, name) in odd:
            found = guarded_like(path, guards) or suspicion(name)
        if found:
            flagged[path] = found
    return flagged


def _prefixes(path: bytes) -> Iterator[bytes]:
    """The path of each folder above a path, and the path itself."""
    end = path.find(b"/")
    while end >= 0:
        yield path[:end]
        end = path.find(b"/", end + 1)
    yield path


def _finding(base: Base, path: bytes, what: str, severity: Severity, key: str) -> Finding:
    # A change without such names does not wait for it.
    from specguard_rules.steps import rename

    how = "Give it a name of its own" if key == "twin" else "Rename it in plain characters"
    step = f"{how} with `{rename(path, base)}`, or let it in with 'exclude'."
    return Finding(f"the name {path_text(path)} {what}", help=step, path=path, key=key, severity=severity)
