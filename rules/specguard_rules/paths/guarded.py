"""Rules about guarded paths: forbidden, locked and append-only ones, and links that lead to them."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.rules import Covering, Finding, Guarding, Record, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.authority.policy import Guard
    from specguard.change.lines import Hunk
    from specguard.rules import Base, Commit, Entry, Expression, Guards, Lines, Objects, Policy, Stage, Tree

    Touch = tuple[Entry, Commit | None]

EMPTY_BLOBS: Final = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
"""The empty file's object ids (SHA-1, SHA-256): two empty files are not evidence of a move."""

_PIN: Final = (
    rb"""([\s-]*(?:uses:\s+["']?[\w./-]+@|rev:\s+["']?))(?:[\da-f]{40}|(?![\da-f]{40}\b)v?([A-Za-z_.+-]*)"""
    rb"""\d[\w.+-]*)(["']?)(?:[ \t]+#[ -~]*+)?\s*\n\1(?:[\da-f]{40}|v?\2\d[\w.+-]*)\3(?:[ \t]+#[ -~]*+)?\s*"""
)
"""Two lines of YAML that pin versions of one thing: letters before a digit stay, quotes, and an id an id.

A comment is plain ASCII, since YAML knows line breaks that others do not.
"""


class ForbiddenPath(Rule):
    """A change touches a path that nobody may change.

    Added, modified, deleted, moved and linked files count, and changes of mode. Case and Unicode forms do not
    matter. Each commit is judged too, unless `merge = "squash"`.

    Why is this bad? The authority says that these paths never change.

    How to fix it: put the file back with the command in the finding.

    See also: `locked-path`, `link-into-guarded-path`

    ```text
    error: docs/api/x.yaml was modified; docs/api/ is forbidden
    ```

    ```toml fails
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a", "docs/api/y.yaml" = "b"}}

    [[commits]]
    message = "feat: x"
    files = {"docs/api/x.yaml" = "b"}
    rename = {"docs/api/y.yaml" = "src/y.yaml"}

    [[expect]]
    code = "PTH001"
    path = "docs/api/x.yaml"
    message = "docs/api/x.yaml was modified; docs/api/ is forbidden"
    authority = "SPEC_AUTHORITY.md:5"

    [[expect]]
    code = "PTH001"
    path = "docs/api/y.yaml"
    side = "base"
    message = "moved to src/y.yaml"
    ```

    ```toml passes
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "docs: x", files = {"docs/guide.md" = "b", "src/docs/api/x.yaml" = "c"}}]
    ```
    """

    code: ClassVar[str] = "PTH001"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    approvable: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")

    def check(
        self, entries: Sequence[Entry], base: Base, policy: Policy, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns."""
        yield from _findings(self.paths, entries, landing_commits(commits, policy), base, policy, "forbidden")
        yield from _carried(self.paths, base, "forbidden")


class LockedPath(Rule):
    r"""A change touches a path that needs an approval.

    The same changes count as for `forbidden-path`, except new records in the log of approvals. An approver of
    the policy may lift it.

    Why is this bad? These files decide about other work.

    How to fix it: put the file back with the command in the finding, or ask for an approval.

    See also: `forbidden-path`, `link-into-guarded-path`

    ```text
    error: CI/more.sh was added; ci/ is locked
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["SPEC_AUTHORITY.md", "ci/"]
    '''
    base = {files = {"ci/test.sh" = "make test"}}
    commits = [{message = "feat: x", executable = ["ci/test.sh"], files = {"CI/more.sh" = "true"}}]

    [[expect]]
    code = "PTH002"
    path = "CI/more.sh"
    message = "CI/more.sh was added; ci/ is locked"

    [[expect]]
    code = "PTH002"
    path = "ci/test.sh"
    message = "made executable"
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = [".github/workflows/"]
    pins = "allow"
    '''
    base = {files = {".github/workflows/t.yml" = "steps:\n- uses: actions/checkout@v4\n"}}

    [[commits]]
    message = "ci: x"
    files = {".github/workflows/t.yml" = "steps:\n- uses: actions/checkout@v5\n"}
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["ci/"]
    '''
    base = {files = {"ci/test.sh" = "make test"}}
    commits = [{message = "feat: x", files = {"src/ci/a.py" = "import ci"}}]
    ```
    """

    code: ClassVar[str] = "PTH002"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed without an approval"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")
    pins: Literal["hold", "allow"] = setting(
        "hold",
        "`allow`: in YAML, versions of `uses: X@VERSION`, `rev: VERSION` may change; an id stays an id",
        tightens=["allow", "hold"],
    )
    owners: dict[str, list[str]] = setting(
        {},
        "names of `[[approvals.approver]]`, by pattern of `paths`. If their keys sign each "
        "commit that touches it, they need no approval. Their review opens it for others",
        approvers=True,
    )

    def check(
        self,
        entries: Sequence[Entry],
        base: Base,
        policy: Policy,
        guards: Guards,
        objects: Objects,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns, except forbidden paths."""
        net = {entry.path: entry for entry in entries}
        landed = landing_commits(commits, policy)
        for found in _findings(self.paths, entries, landed, base, policy, "locked"):
            path = found.path or b""
            entry = net.get(path)
            filed = policy.is_filed(entry) if entry and found.commit is None else policy.is_record(path)
            if filed or ((guard := guards.find(path)) and guard.code == "PTH001"):
                continue
            diffs = [[[entry] if entry else []], *(commit.diffs for commit in landed)]
            if self.pins == "hold" or not all(_changes_only_pins(path, one, base, objects) for one in diffs):
                # An approval cannot be bound to what a later commit has put back.
                yield found if found.commit and not entry else _offer_approval(found, self.code, policy)
        yield from _carried(self.paths, base, "locked")


def _changes_only_pins(path: bytes, diffs: Sequence[Sequence[Entry]], base: Base, objects: Objects) -> bool:
    """True if a YAML file differs from one parent only in the versions that it pins, or is as in one."""
    own = [entry for diff in diffs for entry in diff if entry.path == path]
    return not own or len(own) < len(diffs) or any(base.has(one) or _pins(one, objects) for one in own)


def _pins(entry: Entry, objects: Objects) -> bool:
    if entry.old_mode != entry.new_mode or not entry.path.endswith((b".yml", b".yaml")):
        return False
    old, new = (objects.read(oid, limit=16 << 20).split(b"\n") for oid in (entry.old, entry.new))
    pairs = zip(old, new, strict=False)
    return len(old) == len(new) and all(a == b or re.fullmatch(_PIN, a + b"\n" + b) for a, b in pairs)


def landing_commits(commits: Sequence[Commit] | None, policy: Policy) -> Sequence[Commit]:
    """Return the commits that land one by one; empty without commits, or if a merge squashes them."""
    return () if commits is None or policy.merge == "squash" else commits


def touches(entries: Sequence[Entry], commits: Sequence[Commit]) -> Sequence[Sequence[Touch]]:
    """Return the entries of each path: that of the net change first, then those of single commits.

    A path that is as in the base again, or was never in the net change, may have differed in a commit.

    Args:
        entries: the net change.
        commits: the commits that land one by one, oldest first.

    Returns:
        For each path, each entry with its commit, or with None for the net change.
    """
    found: dict[bytes, list[Touch]] = {entry.path: [(entry, None)] for entry in entries}
    # A single commit is the net change.
    for commit in commits if len(commits) != 1 or commits[0].is_merge else ():
        for entry in commit.own_entries:
            found.setdefault(entry.path, []).append((entry, commit))
    return list(found.values())


def undone(base: Base, policy: Policy, is_judged: Callable[[bytes], bool] = bool) -> Sequence[Entry]:
    """Return what a rebase of the commits undoes in the base's judged paths; none if changes are merged."""
    return base.undone(is_judged) if policy.merge == "rebase" else ()


class Moves:
    """Moves of unchanged content: pairs of an added and a deleted entry of one object; a path is in one."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        ends: dict[str, tuple[list[Entry], list[Entry]]] = {}
        for entry in entries:
            oid = entry.new if entry.added else entry.old if entry.deleted else ""
            if oid and oid not in EMPTY_BLOBS:
                ends.setdefault(oid, ([], []))[entry.deleted].append(entry)
        # In the order of their paths, equal files of a moved folder keep their names.
        self.pairs = [pair for both in ends.values() for pair in zip(*both, strict=False)]
        self._other_ends = {one.path: other for pair in self.pairs for one, other in (pair, pair[::-1])}

    def other_end(self, entry: Entry) -> Entry | None:
        """Return the entry of the path that a file was moved to or from; None if it was not moved."""
        return self._other_ends.get(entry.path)

    def describe(self, entry: Entry) -> str:
        """Describe the change of an entry's path as a past participle: `modified`, `moved to src/x`."""
        other = self.other_end(entry)
        if entry.deleted:
            return f"moved to {path_text(other.path)}" if other else "deleted"
        if entry.added:
            return f"moved here from {path_text(other.path)}" if other else "added"
        if entry.status == "T":
            return "replaced by another kind of file"
        bits = "made executable" if entry.new_mode & 0o111 else "made not executable"
        return bits if entry.old == entry.new else "modified"


def _findings(
    paths: Guarding,
    entries: Sequence[Entry],
    commits: Sequence[Commit],
    base: Base,
    policy: Policy,
    state: str,
) -> Iterator[Finding]:
    """Yield a finding for each path that matches a guarding pattern.

    Args:
        paths: the rule's setting.
        entries: the net change.
        commits: the commits that land one by one.
        base: what the change is compared with.
        policy: the judging policy; a first authority that the change itself adds is allowed.
        state: the state that the pattern gives to the path, e.g. `locked`.
    """
    moves, touched = None, touches(entries, commits)
    for position, index in paths.find_each([several[0][0].path for several in touched]):
        first, _ = touched[position][0]
        unlike = [touch for touch in touched[position] if not base.has(touch[0])]
        if not unlike or first.path in (policy.adopted if first.added else policy.drafts or ()):
            continue
        entry, commit = unlike[0]
        pattern, name = paths.patterns[index], path_text(entry.path)
        subject = "it" if pattern.strip("/") == name else pattern
        # Imported here, so that a change without guarded paths does not wait for it.
        from specguard_rules.finding_texts import SHORT, put_back

        where = f" in commit {commit.oid[:SHORT]} and put back later" if commit else ""
        moves = moves or Moves(entries)
        moved = moves.other_end(entry)
        message = f"{name} was {moves.describe(entry)}{where}; {subject} is {state}"
        step = f"{put_back(entry, base, commit=commit, each=bool(commits), moved=moved)}."
        found = Finding(message, step, entry.path, side=entry.side, key=pattern)
        found.commit, found.setting = commit.oid if commit else None, f"paths.{index}"
        found.moved = moved.path if moved else None
        yield found


def _carried(paths: Guarding, base: Base, state: str) -> Iterator[Finding]:
    """Yield a finding for each guarded file that merging modifies, as the base has moved it there since."""
    for path in paths.among([one.path for one in base.carried]):
        message = f"{path_text(path)} is modified, as {base.name} has moved a file there; it is {state}"
        yield Finding(message, f"Rebase onto {base.name}, and put it back there.", path, key="carried")


def _offer_approval(found: Finding, code: str, policy: Policy) -> Finding:
    """Return a finding whose next step also offers an approval, if the policy lets one lift it."""
    rule = policy.rule(code)
    if rule is not None and rule.approvable:
        found.help = f"{found.help.removesuffix('.')}, or ask for an approval of {code}."
    return found


_MOST_HOPS: Final = 40
"""The number of links that are followed, as on Linux (path_resolution(7)); a longer chain leads nowhere."""

_LONGEST_TARGET: Final = 4096
"""The most bytes that a link's text can have on Linux (PATH_MAX); other systems allow less."""

_DEEPEST: Final = 1000
"""More segments than any file's path in a tree that is judged."""


class LinkIntoGuardedPath(Rule):
    """A link or submodule leads to a guarded path or outside.

    New links may not lead to a guarded path, a folder that holds one, git's own folder, an absolute path, or
    outside. Neither may replace a folder with guarded paths or judged documents. With
    `submodules = "existing"`, only those in the base may move, if nothing below is guarded.

    Why is this bad? Writing through `src/docs -> ../docs/api` changes `docs/api`.

    How to fix it: make the link relative, point it elsewhere, or copy what you need.

    See also: `forbidden-path`, `locked-path`

    ```text
    error: src/d leads to docs/api; docs/api/ is guarded
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}

    [[commits]]
    message = "feat: x"
    symlinks = {"src/d" = "../docs/api", "src/e" = "d/x.yaml", "src/f" = "../../etc"}

    [[expect]]
    code = "PTH006"
    path = "src/d"
    message = "src/d leads to docs/api"

    [[expect]]
    code = "PTH006"
    path = "src/e"
    message = "src/e leads to docs/api/x.yaml"

    [[expect]]
    code = "PTH006"
    path = "src/f"
    message = "above the repository's root"
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["docs/api/"]
    '''
    base = {files = {"docs/api/x.yaml" = "a", "README.md" = "b"}}
    commits = [{message = "docs: x", symlinks = {"docs/README.md" = "../README.md"}}]
    ```
    """

    code: ClassVar[str] = "PTH006"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no new link leads to a guarded path or out of the repository"

    submodules: Literal["none", "existing", "any"] = setting(
        "existing", "which submodules may change", tightens=["any", "existing", "none"]
    )

    def check(
        self,
        entries: Sequence[Entry],
        head_files: Tree,
        objects: Objects,
        guards: Guards,
        base: Base,
        policy: Policy,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Follow each new link, and check each submodule."""
        landed = landing_commits(commits, policy)
        # Of a path in the net change, only that counts; of another one, each commit.
        judged = (several[:1] if several[0][1] is None else several for several in touches(entries, landed))
        links = [one for several in judged for one in several if one[0].is_symlink or one[0].is_submodule]
        # A file can become a link with the same content, so equal content does not mean an old link.
        sizes = objects.sizes(sorted({entry.new for entry, _ in links if entry.is_symlink}))
        targets, moves = _LinkTargets(head_files, guards), Moves(entries if links else ())
        reported: set[bytes] = set()
        for entry, commit in links:
            if not entry.is_symlink:
                where = self._submodule(entry, guards)
            elif sizes[entry.new] > _LONGEST_TARGET:
                where = f"is a symbolic link of {sizes[entry.new]} bytes, and no system follows one"
            else:
                where = targets.problem(entry.path, objects.read(entry.new))
            own, guard = guards.find(entry.path), guards.below(entry.path)
            if not where and entry.status != "M" and guard and (own is None or own.code != guard.code):
                where = f"is a link in the place of a folder; {guard.pattern} is guarded and lies below"
            if not where and entry.status != "M" and (below := policy.document_guards.below(entry.path)):
                where = f"takes the place of a folder; {below.pattern} lies below, where no rule looks"
            if where and entry.path not in reported and not base.has(entry):
                from specguard_rules.finding_texts import SHORT, put_back

                reported.add(entry.path)
                at = f" (in commit {commit.oid[:SHORT]}, and taken back later)" if commit else ""
                # Git's own move of a submodule changes `.gitmodules`, too.
                moved = moves.other_end(entry) if entry.is_submodule else None
                step = f"{put_back(entry, base, commit=commit, each=bool(landed), moved=moved)}."
                kind, setting = ("submodule", "submodules") if entry.is_submodule else ("link", "")
                problem, oid = f"{path_text(entry.path)} {where}{at}", commit.oid if commit else None
                found = Finding(problem, step, entry.path, commit=oid, key=kind, setting=setting)
                yield _offer_approval(found, self.code, policy) if entry.is_submodule else found

    def _submodule(self, entry: Entry, guards: Guards) -> str:
        """Return the problem with a submodule; empty if there is none."""
        if (guard := guards.find(entry.path) or guards.below(entry.path)) is not None:
            return f"is a submodule; {guard.pattern} is guarded, and no rule looks into it"
        if self.submodules == "any" or (self.submodules == "existing" and entry.status == "M"):
            return ""
        return f"is a submodule{'' if entry.status == 'M' else ' that is new'}, which no rule looks into"


class _LinkTargets(Record):
    """The targets of the links in one tree.

    Attributes:
        tree: the tree after the change.
        guards: the policy's guarded paths.
    """

    tree: Tree
    guards: Guards

    def problem(self, path: bytes, target: bytes) -> str:
        """Return the problem with a link's target, as a clause; empty if it may lead there.

        Args:
            path: the link's own path.
            target: its text.
        """
        place, escape = _resolve(path, target, self.tree)
        if place is None:
            return f"{escape}: {path_text(target)}" if escape else ""
        from specguard_rules.paths.deceptive_path import is_git_name

        if any(map(is_git_name, place.split(b"/"))):
            return f"leads into git's own folder: {path_text(target)}"
        own, guard = self.guards.find(path), self.guards.find(place) if place else None
        where = path_text(place) or "the root"
        if guard in (None, own):
            # Case is ignored, as guards do.
            below = self._guarded_below.get(str(place, "utf-8", "surrogateescape").casefold(), {}).values()
            inside, guard = next((one for one in below if one[1].code != (own and own.code)), (b"", None))
            where += f", which holds {path_text(inside)}"
        return f"leads to {where}; {guard.pattern} is guarded" if guard is not None else ""

    @cached_property
    def _guarded_below(self) -> Mapping[str, Mapping[str, tuple[bytes, Guard]]]:
        """The first path below each folder, in small letters, that each rule guards, and its guard."""
        found: dict[str, dict[str, tuple[bytes, Guard]]] = {}
        for path in self.tree.paths():
            above, guard = str(path, "utf-8", "surrogateescape").casefold(), self.guards.find(path)
            while guard is not None and above:
                above = above.rpartition("/")[0]
                found.setdefault(above, {}).setdefault(guard.code, (path, guard))
        return found


def _resolve(path: bytes, target: bytes, tree: Tree) -> tuple[bytes | None, str]:
    """Return the path that a link leads to in a tree, and a clause about how it leaves the repository.

    The path need not exist, and is empty for the root. It is None for a cycle, or if the link leaves. The
    clause is empty if it does not leave.

    Raises:
        MissingFact: the text of a link on the way is missing.
    """
    place, hops = path.split(b"/")[:-1], 0
    remaining: list[bytes] = []
    link: bytes | None = target
    while remaining or link is not None:
        if link is not None:
            # Like the system call, the text ends at a NUL.
            text, link = link.partition(b"\0")[0], None
            if text.startswith((b"/", b"\\")) or (text[:1].isalpha() and text[1:2] == b":"):
                return None, "leads to an absolute path"
            remaining += text.replace(b"\\", b"/").split(b"/")[::-1]
        segment = remaining.pop()
        if segment == b"..":
            if not place:
                return None, "leads above the repository's root"
            place.pop()
        elif segment not in {b"", b"."}:
            place.append(segment)
            # The search takes as long as the path, and no tree is as deep.
            found = tree.find(b"/".join(place)) if len(place) < _DEEPEST else None
            if found is not None and found.mode & 0o170000 == 0o120000:
                link, hops = tree.read(b"/".join(place)) or b"", hops + 1
                if hops > _MOST_HOPS or len(link) > _LONGEST_TARGET:
                    return None, ""
                place.pop()
    return b"/".join(place), ""


MOST: Final = 100
"""The most findings of a kind for places in one file; one more finding counts the rest."""


class WeakenedPath(Rule):
    r"""A file that may only grow loses lines or is weakened.

    Under `paths`, you may add lines and files. Removed or changed lines, and deleted, moved or replaced files
    are findings. Blank lines do not count. No added line may match `patterns`, like skip markers.

    Why is this bad? Deleting a test is the quickest way to pass it.

    How to fix it: bring the lines back, or ask for an approval.

    ```text
    error: tests/test_a.py:2: loses line 2: assert a() == 1
    ```

    ```toml fails
    policy = '''
    [rules.weakened-path]
    paths = ["tests/"]
    patterns = ['@pytest\.mark\.(skip|xfail)']
    '''
    base = {files = {"tests/test_a.py" = "def test_a():\n    assert a() == 1\n\ndef test_b():\n    pass\n"}}

    [[commits]]
    message = "fix: x"

    [commits.files]
    "tests/test_a.py" = "def test_a():\n    assert a()\n\n@pytest.mark.skip\ndef test_b():\n    pass\n"

    [[expect]]
    code = "PTH009"
    path = "tests/test_a.py"
    line = 2
    message = "loses line 2: assert a() == 1"

    [[expect]]
    code = "PTH009"
    path = "tests/test_a.py"
    line = 4
    message = "@pytest.mark.skip"
    ```

    ```toml passes
    policy = '''
    [rules.weakened-path]
    paths = ["tests/", "docs/log.md"]
    patterns = ['@pytest\.mark\.skip']
    '''
    base = {files = {"docs/log.md" = "- 2026-01-01 began", "tests/test_a.py" = "def test_a():\n    a()\n"}}

    [[commits]]
    message = "test: x"

    [commits.files]
    "docs/log.md" = "- 2026-01-01 began\n- 2026-01-02 went on\n"
    "tests/test_a.py" = "import a\n\n\ndef test_a():\n    a()\n    assert a.b\n"
    "tests/test_b.py" = "def test_b():\n    assert b()\n"
    ```
    """

    code: ClassVar[str] = "PTH009"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} loses a line or gains one that matches {patterns}"

    paths: Covering = setting(Covering(), "files, and folders with all below", tightens="more")
    patterns: list[Expression] = setting([], "what no line added there may match (RE2)", tightens="more")

    def check(self, entries: Sequence[Entry], lines: Lines, base: Base, policy: Policy) -> Iterator[Finding]:
        """Find lost lines and removed files first, then added lines that match `patterns`."""
        judged = [*entries, *base.carried, *undone(base, policy, self.paths.matches)]
        yield from (_offer_approval(one, self.code, policy) for one in self._findings(judged, lines, base))

    def _findings(self, entries: Sequence[Entry], lines: Lines, base: Base) -> Iterator[Finding]:
        found = self.paths.find_each([entry.path for entry in entries])
        setting = {entries[position].path: f"paths.{index}" for position, index in found}
        guarded = [entry for entry in entries if entry.path in setting]
        gone = [one for one in guarded if not one.added and (one.status == "T" or not one.is_file)]
        moves = Moves(entries if gone else ())
        for entry in gone:
            from specguard_rules.finding_texts import put_back

            message = f"{path_text(entry.path)} was {moves.describe(entry)}; it may grow and not lose"
            step = f"{put_back(entry, base, moved=moves.other_end(entry))}."
            yield Finding(message, step, entry.path, side=entry.side, key="gone", setting=setting[entry.path])
        judged = [entry for entry in guarded if entry.has_new_content and entry.status != "T"]
        grown = lines.compare([entry for entry in judged if not entry.added])
        losses = (one for entry, hunks in grown for one in _losses(entry, hunks, setting[entry.path], base))
        yield from _cap(losses, "{path} loses lines at more places: {count}", "paths")
        more = "more added lines take force away from {path}: {count}"
        yield from _cap(self._weakened(judged, lines), more, "patterns")

    def _weakened(self, judged: Sequence[Entry], lines: Lines) -> Iterator[Finding]:
        """Yield a finding for each added line that matches one of `patterns`."""
        for added in lines.added(self.patterns, judged) if self.patterns else ():
            path, text = added.path, added.text.strip()
            message = f"the added line takes force away from {path_text(path)}: {text[:120]}"
            key, setting = " ".join(text.split()), f"patterns.{added.which}"
            yield Finding(message, "Take the line out.", path, added.line, key=key, setting=setting)


def _cap(findings: Iterator[Finding], template: str, setting: str) -> Iterator[Finding]:
    """Yield the first findings of each file, and one that counts the rest."""
    counts: dict[bytes | None, int] = {}
    for one in findings:
        counts[one.path] = counts.get(one.path, 0) + 1
        if counts[one.path] <= MOST:
            yield one
    for path, count in counts.items():
        if count > MOST:
            message = template.format(path=path_text(path or b""), count=count - MOST)
            yield Finding(message, "Take that back.", path, key="more", setting=setting)


def _losses(entry: Entry, hunks: Sequence[Hunk], setting: str, base: Base) -> Iterator[Finding]:
    """Yield a finding for each place at which a file loses lines."""
    # A last line without an end gets one where text is added around it, as on Windows if the text has such.
    old = dict(base.change.git.blobs([entry.old]))[entry.old]
    ended = hunks[-1].old_start + len(hunks[-1].removed) - 1 if old is None else old.count(b"\n")
    for hunk in hunks:
        # In large changes, git also shows lines that stay in their place as removed and added.
        kept = {at for at, one in enumerate(hunk.removed) if one.strip() and hunk.added[at : at + 1] == [one]}
        if not kept and hunk.old_start + len(hunk.removed) > ended:
            # If the newline at the file's end changed, one line that stays can be among those of both sides.
            added = set(hunk.added)
            ways = ((one, one + b"\r" * (at > ended)) for at, one in enumerate(hunk.removed, hunk.old_start))
            kept = {*[at for at, way in enumerate(ways) if way[0].strip() and not added.isdisjoint(way)][-1:]}
        lost = [at for at, one in enumerate(hunk.removed) if one.strip() and at not in kept]
        if lost:
            first, count = hunk.old_start + lost[0], len({*range(lost[0], len(hunk.removed))} - kept)
            text = hunk.removed[lost[0]].decode("utf-8", "backslashreplace").strip()
            lines = f"line {first}" if count == 1 else f"{count} lines from line {first} on"
            message = f"{path_text(entry.path)} loses {lines}: {text[:120]}"
            step, key = "Bring it back.", " ".join(text.split())
            start = max(hunk.new_start, 1)
            end = max(hunk.new_start + len(hunk.added) - 1, start)
            yield Finding(message, step, entry.path, start, end, key=key, setting=setting)
