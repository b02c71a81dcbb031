"""Rules about the extent of a change: its scope, its size, and the files that must change with it."""

from __future__ import annotations

from specguard.rules import (
    Covering,
    Finding,
    NotApplicable,
    Rule,
    Settings,
    path_text,
    required,
    setting,
    shortened,
)
from specguard_rules.paths.guarded import EMPTY_BLOBS, Moves, undone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import (
        Base,
        Bookkeeping,
        Commit,
        Entry,
        Lines,
        Message,
        Objects,
        Policy,
        PullRequest,
        Stage,
        WorkItem,
    )


class OutOfScopePath(Rule):
    """A change touches a path outside its item's scope.

    That is `scope` in `[work.<kind>]`, or else the paths in `scope_sections` of its document in the base,
    without those behind `except` or `not`. Without any, sentences in *Files* or with *only* count; others and
    headings such as *Files to change* are only noted. Items below a path are remarks. If others have no path,
    none can be read, or sentences count, findings are warnings. Approvals and committed runs are exempt.

    Why is this bad? A scope keeps changes small and reviews honest.

    How to fix it: take it out, or have the scope widened in the base first.

    ```text
    error: tools/b.py is outside the scope of phase 12: src/
    ```

    ```toml fails
    policy = '''
    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"src/a.py" = "b", "tools/b.py" = "b"}}]
    expect = [{code = "PTH003", path = "tools/b.py", authority = "docs/plan/phase-12.md:5"}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    ## Scope

    - `src/` and below
    '''
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    scope = ["src/", "tests/"]
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"src/a.py" = "b"}}]
    ```
    """

    code: ClassVar[str] = "PTH003"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "every entry is within the paths that the work item may change"

    def check(
        self,
        entries: Sequence[Entry],
        work_item: WorkItem,
        policy: Policy,
        bookkeeping: Bookkeeping,
        base: Base,
    ) -> Iterator[Finding]:
        """Compare the entries with the scope."""
        scope, late = work_item.scope, undone(base, policy)
        judged, moves = [*entries, *late], Moves(entries)
        paths = [entry.path for entry in judged]
        # A document that only leaves paths out allows the rest.
        left_out = {*scope.excluded.among(paths)}
        inside = {*(scope.paths.among(paths) if scope.paths else paths)} - left_out
        origin, setting = scope.origin, work_item.setting("scope")
        widened = f"{origin.path} allow it in the base first" if origin else f"{setting} widened first"
        if not (scope.paths or scope.excluded):
            message = f"no scope is read for {work_item}: this is no list under a title of scope_sections"
            step = "Have the base's document list paths there, a path at the beginning of each item."
            found = Finding(message, step, work_item.document, scope.unread, setting=setting, severity="info")
            if scope.meant:
                found.message = f"no scope is read for {work_item}: {scope.meant!r} is no path"
                found.severity, found.help = "warning", f"{step[:-1]}: `src/{{a,b}}.py`."
            yield found
        for entry in judged:
            allowed_path = entry.path in inside or entry.path.startswith(policy.log_folder)
            if not (allowed_path or bookkeeping.has(entry) or base.has(entry)):
                from specguard_rules.finding_texts import put_back

                message = f"{path_text(entry.path)} is outside the scope of {work_item}: {scope.text}"
                commit = (base.touching(entry.path) or base.commits)[-1] if entry in late else None
                back = put_back(entry, base, commit=commit, moved=moves.other_end(entry))
                step = f"{back}, or have {widened}."
                found = Finding(message, step, entry.path, side=entry.side, key="scope", setting=setting)
                found.commit = commit.oid if commit else None
                if scope.unread and entry.path not in left_out:
                    found.severity = "warning"
                    found.message += f" (line {scope.unread} of it may mean more, so this is a warning)"
                found.authority = origin
                yield found


class OversizedChange(Rule):
    r"""A change is larger than the policy allows.

    `entries`, `lines` and `bytes` limit the whole change, `file_bytes` each file, by default to what GitHub
    accepts. Approvals do not count, and of runs, committed apart, only each file's size.

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
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = (
        "at most {entries} paths, {lines} lines, {bytes} bytes, {file_bytes} a file (0: any)"
    )

    entries: int = setting(0, "the most paths; `0`: any number", ge=0, tightens="lower")
    lines: int = setting(0, "the most lines it adds and removes", ge=0, tightens="lower")
    bytes: int = setting(0, "the most bytes of its files together", ge=0, tightens="lower")
    file_bytes: int = setting(
        100 << 20, "the most bytes of one file; `0`: any number", ge=0, tightens="lower"
    )

    def check(
        self, entries: Sequence[Entry], objects: Objects, lines: Lines, bookkeeping: Bookkeeping
    ) -> Iterator[Finding]:
        """Count paths, then bytes, then lines, but only in files that are small enough."""
        judged = [one for one in entries if not bookkeeping.files(one)]
        limited = self.entries or self.lines or self.bytes
        counted = [entry for entry in judged if not bookkeeping.has(entry)] if limited else ()
        if self.entries and len(counted) > self.entries:
            yield _too_large("entries", f"the change touches {len(counted)} paths", str(self.entries))
        changed = [entry for entry in judged if entry.has_new_content]
        sizes = objects.sizes({one.new for one in changed}) if self.file_bytes or self.bytes else {}
        large = {one.path: sizes[one.new] for one in changed if 0 < self.file_bytes < sizes[one.new]}
        for path, size in large.items():
            message = f"{path_text(path)} has {size:,} bytes; a file may have {self.file_bytes:,}"
            step = "Keep large files outside the repository, or let this one in with 'exclude'."
            yield Finding(message, step, path, key="file_bytes", setting="file_bytes")
        total = sum(sizes[entry.new] for entry in counted if entry.has_new_content) if self.bytes else 0
        if total > self.bytes:
            yield _too_large("bytes", f"the change's files come to {total:,} bytes", f"{self.bytes:,}")
        if self.lines:
            totals = lines.totals([entry for entry in counted if entry.path not in large])
            if totals.added + totals.removed > self.lines:
                what = f"lines that the change adds and removes: {totals.added} + {totals.removed}"
                yield _too_large("lines", what, str(self.lines))


def _too_large(setting: str, what: str, limit: str) -> Finding:
    message = f"{what}; the policy allows {limit}"
    return Finding(message, "Split the change into smaller ones.", key=setting, setting=setting)


class Companion(Settings):
    """Files that change together."""

    when: Covering = required("what needs a companion")
    require: Covering = required("of which one must change too")
    trailer: str = setting(
        "",
        "the trailer with a reason instead, such as `Docs-Impact`",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9-]*)?$",
    )


class MissingCompanion(Rule):
    r"""A path changes without the companion that must change too.

    A change under `when` also gives content to a path under `require`, unless both only remove. With a
    `trailer`, a commit or the pull request may give a reason: `Docs-Impact: none, only names changed`.
    Before a commit, in a queue or of a landed squash that is a warning.

    Why is this bad? A missing document, rollback or lock file is found late.

    How to fix it: change the companion too, or state the reason.

    ```text
    error: src/a.py changed, and nothing in docs/** did; 'Docs-Impact: ' gives no reason
    ```

    ```toml fails
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**"]
    trailer = "Docs-Impact"
    '''
    base = {files = {"src/a.py" = "a", "docs/a.md" = "a"}}
    commits = [{message = "feat: x\n\nDocs-Impact:", files = {"src/a.py" = "b"}, delete = ["docs/a.md"]}]
    expect = [{code = "PTH007", path = "src/a.py", authority = "SPEC_AUTHORITY.md:6"}]
    ```

    ```toml passes
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**"]
    trailer = "Docs-Impact"
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: x\n\nDocs-Impact: none, a private name", files = {"src/a.py" = "b"}}]
    ```

    ```toml passes
    policy = '''
    [[rules.missing-companion.companions]]
    when = ["src/**"]
    require = ["docs/**", "CHANGELOG.md"]
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: x", files = {"src/a.py" = "b", "CHANGELOG.md" = "b"}}]
    ```
    """

    code: ClassVar[str] = "PTH007"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "commit-msg", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("companions",)
    condition: ClassVar[str] = "what is to change together changes together, or a trailer says why not"

    companions: list[Companion] = setting([], "what changes together", tightens="more")

    def asks(self, key: str) -> str:
        """Return a clause about the companions that one setting's entry asks for; empty for other keys."""
        which, _, side = key.removeprefix("companions.").partition(".")
        if not side.startswith("when"):
            return ""
        companion = self.companions[int(which)]
        reason = f", or says why not in a trailer '{companion.trailer}: REASON'" if companion.trailer else ""
        return f"a change here also changes {' or '.join(companion.require.patterns)}{reason}"

    def check(
        self,
        base: Base,
        bookkeeping: Bookkeeping,
        entries: Sequence[Entry] | None = None,
        commits: Sequence[Commit] | None = None,
        messages: Sequence[Message] | None = None,
        pull_request: PullRequest | None = None,
    ) -> Iterator[Finding]:
        """Look for the companions of the changed files, then for a reason in a trailer."""
        draft = next((one for one in messages or () if one.source == "file" and not one.merge), None)
        if entries is None:
            if draft is None or draft.staged is None:
                raise NotApplicable("what the commit changes is not known")
            entries = draft.staged()
        gone = {entry.path for entry in entries if entry.deleted}
        for which, companion in enumerate(self.companions):
            changed = companion.when.among([entry.path for entry in entries])
            # What is only removed may leave with its companion.
            others = gone.difference(changed) if gone.issuperset(changed) else ()
            required = {*companion.require.among([*written_paths(entries), *others])} if changed else ()
            met = (one.deleted or has_new_words(one, base) for one in entries if one.path in required)
            if not changed or any(met):
                continue
            key = companion.trailer
            stated = _stated_reasons(key, commits or (), pull_request, draft) if key else {}
            # What is not committed may follow a commit of the branch that changes the companion.
            kept = _committed(base).difference(one.path for one in entries) if commits is None else ()
            if any(stated.values()) or companion.require.among(list(kept)):
                continue
            more = f" (and {len(changed) - 1} more like it)" if len(changed) > 1 else ""
            wanted = " or ".join(companion.require.patterns)
            where = "pull request, if it has none" if bookkeeping.lacks_texts else "commit message"
            reason = f", or say why not in a trailer '{key}: REASON' of the {where}" if key else ""
            if key and (commits or draft) and not bookkeeping.lacks_texts:
                from specguard_rules.finding_texts import CommitsById, add_trailer

                reason += f", with `{add_trailer(f'{key}: REASON', draft, CommitsById())}`"
                reason += " (with `--amend`, if you were amending)" if draft else ""
            other = "only white space" if required else "nothing"
            message = f"{path_text(changed[0])}{more} changed, and {other} in {wanted} did"
            if stated:
                message += f"; '{key}: {shortened(next(iter(stated)))}' gives no reason"
            step = f"Change what belongs to it in {wanted}{reason}."
            found = Finding(message, step, changed[0], setting=f"companions.{which}.require")
            found.key = f"{' '.join(companion.when.patterns)} -> {' '.join(companion.require.patterns)}"
            is_early = commits is None and draft is None
            found.severity = "warning" if key and (is_early or bookkeeping.lacks_texts) else None
            yield found


def _committed(base: Base) -> frozenset[bytes]:
    """Return the paths that the branch's commits have written since it left the base."""
    git, start = base.change.git, base.start
    forks = git.merge_bases(base.tip, start) if base.tip and start else ()
    return frozenset(written_paths(git.diff_trees(forks[0], start)) if forks and start else ())


def written_paths(entries: Iterable[Entry]) -> list[bytes]:
    """Return the paths of files and submodules that have new content, and not only another mode or none."""
    written = [one for one in entries if not (one.deleted or one.is_symlink)]
    return [one.path for one in written if one.new not in (one.old, *EMPTY_BLOBS)]


def has_new_words(entry: Entry, base: Base) -> bool:
    """Return True if an entry writes more than a byte-order mark, blank lines and spaces at their ends."""
    if not entry.is_file:
        return not (entry.deleted or entry.is_symlink)
    contents = base.change.git.blobs([entry.old] * entry.was_file + [entry.new])
    shown = [None if content is None else _shown(content) for _, content in contents]
    return None in shown or shown[-1] not in ([], *shown[:-1])


def _shown(content: bytes) -> list[bytes]:
    return [line.rstrip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]


def _stated_reasons(
    key: str, commits: Sequence[Commit], pull_request: PullRequest | None, draft: Message | None
) -> dict[str, bool]:
    """Return each value of a trailer of the change, and whether it is a reason, unlike `none`."""
    from specguard_rules.commits.trailers import Trailers, gives_reason, trailers_of

    groups = (*trailers_of(commits, pull_request), *([Trailers(draft.lines)] if draft else []))
    return {one.value: gives_reason(one.value) for found in groups for one in found.of(key)}
