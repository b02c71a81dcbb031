"""Entries under patterns that guard: PTH001, which nothing lifts, and PTH002, which an approval does."""

from __future__ import annotations

import re

from specguard.rules import Finding, Guarding, Rule, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Base, Commit, Entry, Guards, Policy, Stage, Tree

_EMPTY_BLOBS: Final = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
"""The empty file's object ids (SHA-1, SHA-256): two of them say nothing about a move."""

_PIN: Final = (
    rb"""(?m)^([ \t]*(?:-[ \t]+)?(?:uses:[ \t]+["']?[\w./-]+@|rev:[ \t]+["']?))"""
    rb"""[\w.+-]+["']?[ \t]*(?:\#.*)?$"""
)
"""A line of YAML that pins a version, up to that version; a remark behind it names the version too."""


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
    name: ClassVar[str] = "forbidden-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    approvable: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")

    def check(
        self, entries: Sequence[Entry], base: Base, policy: Policy, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns."""
        return _findings(self.paths, entries, landing(commits, policy), base, policy, "forbidden")


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
    name: ClassVar[str] = "locked-path"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("paths",)
    condition: ClassVar[str] = "nothing under {paths} is added, changed or removed without an approval"

    paths: Guarding = setting(Guarding(), "files, and folders with all below")
    pins: Literal["hold", "allow"] = setting(
        "hold",
        "`allow`: versions in YAML may change, in `uses: X@VERSION` and `rev: VERSION`",
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
        start_files: Tree,
        head_files: Tree,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Compare every path of the change with the patterns, without those that are forbidden."""
        net = {entry.path: entry for entry in entries}
        landed = landing(commits, policy)
        for found in _findings(self.paths, entries, landed, base, policy, "locked"):
            path = found.path or b""
            entry = net.get(path) if found.commit is None else None
            guard = guards.find(path)
            filed = policy.is_filed(entry) if entry else policy.is_record(path)
            if filed or (guard is not None and guard.code == "PTH001"):
                continue
            same_mode = entry is not None and entry.old_mode == entry.new_mode
            if self.pins == "hold" or not same_mode or not _pins_alone(path, start_files, head_files):
                found.help = f"{found.help.removesuffix('.')}, or ask for an approval of PTH002."
                yield found


def _pins_alone(path: bytes, before: Tree, after: Tree) -> bool:
    """Whether a file of YAML differs in nothing but the versions that it pins."""
    old, new = (re.sub(_PIN, rb"\1", tree.read(path) or b"") for tree in (before, after))
    return path.endswith((b".yml", b".yaml")) and old == new


def landing(commits: Sequence[Commit] | None, policy: Policy) -> Sequence[Commit]:
    """The commits that land one by one: none where the source has none, or where a merge squashes them."""
    return () if commits is None or policy.merge == "squash" else commits


def judged(entries: Sequence[Entry], commits: Sequence[Commit]) -> Iterator[tuple[Entry, Commit | None]]:
    """The entries of the net change, then those that single commits bring and later ones take back.

    Args:
        entries: the net change.
        commits: those that land one by one, oldest first.

    Yields:
        Each path once: with None for the net change, else with the first commit that touches it.
    """
    for entry in entries:
        yield entry, None
    if not commits or (len(commits) == 1 and not commits[0].is_merge):
        # What a single commit brings is the net change.
        return
    seen = {entry.path for entry in entries}
    for commit in commits:
        for entry in commit.own_entries:
            if entry.path not in seen:
                seen.add(entry.path)
                yield entry, commit


class Moves:
    """Where content went that stayed the same: pairs of a deletion and an addition of one object."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._added: dict[str, Entry] = {}
        self._deleted: dict[str, Entry] = {}
        for entry in entries:
            if entry.added and entry.new not in _EMPTY_BLOBS:
                self._added.setdefault(entry.new, entry)
            elif entry.deleted and entry.old not in _EMPTY_BLOBS:
                self._deleted.setdefault(entry.old, entry)

    def other(self, entry: Entry) -> Entry | None:
        """The entry of the path that a file was moved to, or from; None where it was not moved."""
        if entry.deleted:
            return self._added.get(entry.old)
        return self._deleted.get(entry.new) if entry.added else None

    def happened(self, entry: Entry) -> str:
        """What happened to an entry's path, as a past participle: `modified`, `moved to src/x`."""
        other = self.other(entry)
        kind = "a symbolic link" if entry.is_symlink else "a submodule" if entry.is_submodule else "a file"
        if entry.deleted:
            return f"moved to {path_text(other.path)}" if other else "deleted"
        if entry.added and other:
            return f"moved here from {path_text(other.path)}"
        if entry.added:
            return "added" if kind == "a file" else f"added as {kind}"
        if entry.status == "T" or entry.old_mode & 0o170000 != entry.new_mode & 0o170000:
            return f"replaced by {kind}"
        if entry.is_submodule:
            return "set to another commit"
        if entry.is_symlink:
            return "pointed elsewhere"
        bits = "made executable" if entry.new_mode & 0o111 else "made not executable"
        if entry.old_mode == entry.new_mode:
            return "modified"
        return bits if entry.old == entry.new else f"modified and {bits}"


def _findings(
    patterns: Guarding,
    entries: Sequence[Entry],
    commits: Sequence[Commit],
    base: Base,
    policy: Policy,
    word: str,
) -> Iterator[Finding]:
    """A finding for each path under a pattern that guards.

    Args:
        patterns: the rule's setting `paths`.
        entries: the net change.
        commits: those that land one by one.
        base: what the change is compared with.
        policy: what judges; a first authority that the change itself brings may be added.
        word: what the pattern makes of the path, e.g. `locked`.
    """
    pairs = [
        (entry, commit)
        for entry, commit in judged(entries, commits)
        if not (policy.adopted and entry.added and entry.path in policy.adopted)
    ]
    moves: dict[str, Moves] = {}
    for position, index in patterns.find_each([entry.path for entry, _ in pairs]):
        entry, commit = pairs[position]
        if base.has(entry):
            # What is as the base has it now need not have been so in each commit.
            own = ((other, one) for one in commits for other in one.own_entries if other.path == entry.path)
            left = next((pair for pair in own if not base.has(pair[0])), None)
            if left is None:
                continue
            entry, commit = left
        origin = commit.oid if commit else ""
        if origin not in moves:
            moves[origin] = Moves(commit.own_entries if commit else entries)
        pattern, name = patterns.patterns[index], path_text(entry.path)
        subject = "it" if pattern.strip("/") == name else pattern
        # A change that keeps to what is guarded does not wait for it.
        from specguard_rules.next_steps import SHORT, put_back

        where = f" in commit {origin[:SHORT]} and put back later" if commit else ""
        moved = moves[origin].other(entry)
        yield Finding(
            f"{name} was {moves[origin].happened(entry)}{where}; {subject} is {word}",
            help=f"{put_back(entry, base, commit=commit, each=bool(commits), moved=moved)}.",
            path=entry.path,
            commit=origin or None,
            side=entry.side,
            key=pattern,
            setting=f"paths.{index}",
            moved=moved.path if moved else None,
        )
