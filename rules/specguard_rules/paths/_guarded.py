"""Entries under patterns that guard: which they are, and what happened to them."""

from __future__ import annotations

from specguard.rules import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.rules import Base, Commit, Entry, Guarding, Policy

_EMPTY_BLOBS: Final = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
"""The empty file's object ids (SHA-1, SHA-256): two of them say nothing about a move."""


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
        if entry.deleted:
            return f"moved to {path_text(other.path)}" if other else "deleted"
        if entry.added:
            return f"moved here from {path_text(other.path)}" if other else f"added{_as(entry)}"
        if entry.status == "T" or entry.old_mode & 0o170000 != entry.new_mode & 0o170000:
            return f"replaced by {_kind(entry)}"
        if entry.is_submodule:
            return "set to another commit"
        if entry.is_symlink:
            return "pointed elsewhere"
        bits = ""
        if entry.old_mode != entry.new_mode:
            bits = "made executable" if entry.new_mode & 0o111 else "made not executable"
        if entry.old == entry.new:
            return bits or "modified"
        return f"modified and {bits}" if bits else "modified"


def findings(
    patterns: Guarding,
    entries: Sequence[Entry],
    commits: Sequence[Commit],
    base: Base,
    policy: Policy,
    *,
    word: str,
    way_out: str = "",
) -> Iterator[Finding]:
    """A finding for each path under a pattern that guards.

    Args:
        patterns: the rule's setting `paths`.
        entries: the net change.
        commits: those that land one by one.
        base: what the change is compared with.
        policy: what judges; a first authority that the change itself brings may be added.
        word: what the pattern makes of the path, e.g. `locked`.
        way_out: what can be done instead of putting it back; starts with a comma.
    """
    adopted = policy.adopted
    pairs = [
        (entry, commit)
        for entry, commit in judged(entries, commits)
        if not (adopted and entry.added and entry.path in adopted)
    ]
    moves: dict[str, Moves] = {}
    for position, index in patterns.find_each([entry.path for entry, _ in pairs]):
        entry, commit = pairs[position]
        if base.has(entry):
            # What is as the base has it now need not have been so in each commit.
            other = next(_others(entry.path, commits, base), None)
            if other is None:
                continue
            entry, commit = other
        origin = commit.oid if commit else ""
        if origin not in moves:
            moves[origin] = Moves(commit.own_entries if commit else entries)
        pattern = patterns.patterns[index]
        name = path_text(entry.path)
        subject = "it" if pattern.strip("/") == name else pattern
        # A change that keeps to what is guarded does not wait for it.
        from specguard_rules.steps import SHORT, put_back

        where = f" in commit {commit.oid[:SHORT]} and put back later" if commit else ""
        moved = moves[origin].other(entry)
        step = put_back(entry, base, commit=commit, each=bool(commits), moved=moved)
        yield Finding(
            f"{name} was {moves[origin].happened(entry)}{where}; {subject} is {word}",
            help=f"{step}{way_out}.",
            path=entry.path,
            commit=commit.oid if commit else None,
            side="base" if entry.deleted else None,
            key=pattern,
            setting=f"paths.{index}",
            moved=moved.path if moved else None,
        )


def _others(path: bytes, commits: Sequence[Commit], base: Base) -> Iterator[tuple[Entry, Commit]]:
    """What single commits leave at a path that the base has not there."""
    for commit in commits:
        for entry in commit.own_entries:
            if entry.path == path and not base.has(entry):
                yield entry, commit


def _as(entry: Entry) -> str:
    kind = _kind(entry)
    return "" if kind == "a file" else f" as {kind}"


def _kind(entry: Entry) -> str:
    if entry.is_symlink:
        return "a symbolic link"
    if entry.is_submodule:
        return "a submodule"
    return "a file"
