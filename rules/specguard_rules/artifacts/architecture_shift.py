"""A rule about invariants: files and folders that stay in place, and patterns that keep matching."""

from __future__ import annotations

from specguard.rules import (
    Finding,
    MissingFact,
    NotApplicable,
    Rule,
    Selecting,
    Settings,
    judge_each,
    path_text,
    required,
    setting,
)
from specguard_rules.finding_texts import restore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Artifacts, Base, Entry, Expression, Tree


class Invariant(Settings):
    """Files and folders that stay where they are, or a pattern that keeps matching in files."""

    paths: Selecting = required("files; without a `pattern` also folders", min_length=1)
    pattern: Expression | None = setting(None, "what each file keeps; without it, paths stay where they are")
    assessment: str = setting("", "the contract that it binds; by default every change", names=["artifacts"])


LONGEST: Final = 5000
"""The most bytes of a line in which matches are counted."""

_WILD: Final = frozenset("*?[\\")


class ArchitectureShift(Rule):
    r"""A change breaks a declared invariant or moves a declared path.

    `[[invariants]]` lists them. With a `pattern`, every file of `paths` keeps as many matches as before.
    Without one, the files stay where they are. With `assessment`, it binds only changes that touch an
    artifact of that contract.

    Why is this bad? Work on names and clarity must not move the architecture.

    How to fix it: restore it, or have the invariant changed in the base first.

    ```text
    error: packages/state: the folder packages/state is gone
    ```

    ```toml fails
    policy = '''
    [[invariants]]
    paths = ["src/routes.ts"]
    pattern = "/api/orpc/"

    [[invariants]]
    paths = ["packages/state", "src/main.ts"]
    '''

    [base.files]
    "src/routes.ts" = "a('/api/orpc/x')\nb('/api/orpc/y')\n"
    "src/main.ts" = "main()\n"
    "packages/state/index.ts" = "x\n"

    [[commits]]
    message = "refactor: structure"
    files = {"src/routes.ts" = "a('/api/orpc/x')\n", "packages/store/index.ts" = "x\n"}
    delete = ["packages/state/index.ts"]

    [[expect]]
    code = "ART019"
    path = "packages/state"
    authority = "SPEC_AUTHORITY.md:9"

    [[expect]]
    code = "ART019"
    path = "src/routes.ts"
    message = "were 2 before, are 1"
    ```

    ```toml passes
    policy = '''
    [[invariants]]
    paths = ["src/routes.ts"]
    pattern = "/api/orpc/"

    [[invariants]]
    paths = ["packages/state"]
    '''

    [base.files]
    "src/routes.ts" = "a('/api/orpc/x')\n"
    "packages/state/index.ts" = "x\n"

    [[commits]]
    message = "refactor: structure"
    files = {"src/routes.ts" = "route('/api/orpc/x')\n", "packages/state/main.ts" = "x\n"}
    delete = ["packages/state/index.ts"]
    ```
    """

    code: ClassVar[str] = "ART019"
    tables: ClassVar[tuple[str, ...]] = ("invariants",)
    condition: ClassVar[str] = "what the policy declares invariant stays as it was"

    def check(
        self,
        invariants: Sequence[Invariant],
        entries: Sequence[Entry],
        start_files: Tree,
        head_files: Tree,
        base: Base,
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Compare the state before and after the change for each invariant."""
        assessed = {artifact.name for artifact in artifacts.judged if artifact.touched} if artifacts else ()
        judged = [(index, one) for index, one in enumerate(invariants) if one.assessment in ("", *assessed)]
        if not judged:
            raise NotApplicable("the change touches no structural assessment")

        def shifts(numbered: tuple[int, Invariant]) -> Iterator[Finding]:
            index, invariant = numbered
            if invariant.pattern is None:
                return _moved_findings(invariant, index, entries, start_files, head_files, base)
            return _pattern_findings(invariant, invariant.pattern, index, entries, start_files, head_files)

        yield from judge_each(judged, shifts)


def _moved_findings(
    invariant: Invariant, index: int, entries: Sequence[Entry], start: Tree, head: Tree, base: Base
) -> Iterator[Finding]:
    """Yield a finding for each file and folder that is no longer in its place."""
    names = [name for name in invariant.paths.patterns if _WILD.isdisjoint(name)]
    plain = [name.strip("/").encode("utf-8", "surrogateescape") for name in names]
    candidates = {path for path in plain if any((one.path + b"/").startswith(path + b"/") for one in entries)}
    for entry in entries:
        found = invariant.paths.find(entry.path)
        if found is not None and invariant.paths.patterns[found] not in names:
            candidates.add(entry.path)
    for path in sorted(path for path in candidates if _is_lost(path, start, head)):
        before, gone = start.find(path), head.find(path) is None
        what = "folder" if before is not None and before.is_directory else "file"
        new = [one.path for one in entries if gone and before and one.added and one.new == before.oid]
        happened = "is gone" if gone else f"is no longer a {what}"
        happened += f": it was moved to {path_text(new[0])}" if new else ""
        message = f"the {what} {path_text(path)} {happened}"
        step = f"{restore(path, base, new[0] if new else b'')}."
        setting = f"invariants.{index}.paths"
        yield Finding(message, step, path, side="base" if gone else None, key="path", setting=setting)


def _is_lost(path: bytes, start: Tree, head: Tree) -> bool:
    """True if a file or folder no longer exists, or became something else."""
    before, after = (one and (one.is_directory, one.is_file) for one in (start.find(path), head.find(path)))
    return before not in (None, after)


def _pattern_findings(
    invariant: Invariant, pattern: Expression, index: int, entries: Sequence[Entry], start: Tree, head: Tree
) -> Iterator[Finding]:
    """Yield a finding for each file in which the pattern matches a different number of times."""
    for path in invariant.paths.among([entry.path for entry in entries]):
        before, after = _count_matches(pattern, path, start), _count_matches(pattern, path, head)
        if before == after:
            continue
        gone = head.find(path) is None
        message = f"the matches of '{pattern.text}' in {path_text(path)} were {before} before, are {after}"
        message += ": the file is gone" if gone else ""
        step = "Put back what matched, or take out what is new, or have the invariant changed in the base."
        setting = f"invariants.{index}.pattern"
        yield Finding(message, step, path, side="base" if gone else None, key=pattern.text, setting=setting)


def _count_matches(pattern: Expression, path: bytes, files: Tree) -> int:
    """Count the matches of a pattern in the lines of a regular file; 0 without a regular file.

    Raises:
        MissingFact: the file cannot be read, or the pattern matches in a line that is too long.
    """
    data = files.read(path) if files.has_file(path) else None
    content = (data or b"").removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    lines = content.split(b"\n") if content and pattern.may_match_line(content) else ()
    count = 0
    for number, line in enumerate(lines, start=1):
        if len(line) <= LONGEST:
            count += pattern.count(line)
        elif pattern.search(line):
            most = f"matches are counted in lines of {LONGEST} at most"
            raise MissingFact(f"line {number} of {path_text(path)} has {len(line)} bytes; {most}", "")
    return count
