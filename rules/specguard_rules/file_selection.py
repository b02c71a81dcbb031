"""The files that a rule reads: those of its patterns that the change touches, or all in the tree."""

from __future__ import annotations

import re

from specguard.rules import MissingFact, Selecting, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.rules import Entry, PlanKind, Tree

FEW_PATHS: Final = 500
"""Up to so many paths are looked at one by one before patterns are compiled; for more that costs less."""

INSTRUCTIONS: Final = (
    "**/AGENTS.md", "**/AGENT.md", "**/AGENTS.override.md", "**/CLAUDE.md", "**/CLAUDE.local.md",
    "**/GEMINI.md", "**/QWEN.md", "**/CONVENTIONS.md", "**/SKILL.md", "**/llms.txt", "**/.cursorrules",
    "**/.windsurfrules", "**/.clinerules", "**/.clinerules/**", "**/.roorules", "**/.rules",
    "**/.cursor/rules/**", "**/.windsurf/rules/**", "**/.roo/**", "**/.kiro/**/*.md", "**/.junie/**/*.md",
    "**/.amazonq/rules/**", "**/.claude/**/*.md", "**/.codex/**/*.md", "**/.gemini/**/*.md",
    "**/.agent/**/*.md", "**/.agents/**/*.md", "**/.opencode/**/*.md", "**/.augment/**/*.md",
    ".github/copilot-instructions.md", ".github/instructions/**", ".github/prompts/**", ".github/agents/**",
    ".github/chatmodes/**", "**/prompts/**/*.md", "**/prompts/**/*.txt", "**/*.prompt", "**/*.prompt.md",
    "**/*.mdc",
)  # fmt: skip
"""Where the instructions of agents stand: the files that they are told to read, whatever agent it is."""


def selected(
    patterns: Selecting, entries: Sequence[Entry], head_files: Tree, *, whole: bool
) -> dict[bytes, int]:
    """The regular files that patterns select, each with the index of the first pattern that does.

    Args:
        patterns: what selects.
        entries: the change; files whose content it leaves alone do not count.
        head_files: the judged tree.
        whole: whether every file of the tree counts, and not only what the change touches.

    Raises:
        MissingFact: a tree object is not there.
    """
    if whole:
        paths = head_files.paths()
        found = {paths[position]: index for position, index in patterns.find_each(paths)}
        return {path: index for path, index in found.items() if is_regular(path, head_files)}
    # What was a link may become a file with the words of its target: to whoever reads files it is a new one.
    touched = [
        entry.path
        for entry in entries
        if entry.is_file and (entry.old != entry.new or entry.old_mode >> 12 != entry.new_mode >> 12)
    ]
    if not touched or (len(touched) < FEW_PATHS and not _may_match(patterns, touched)):
        return {}
    return {touched[position]: index for position, index in patterns.find_each(touched)}


def plan_files(kind: PlanKind, names: str) -> Selecting:
    """Files in the folders of a kind of plan, by a pattern of their names."""
    folder = re.sub(r"\{[^{}]*\}", "*", kind.folder).strip("/")
    return Selecting([f"{folder}/{names}"])


def is_regular(path: bytes, files: Tree) -> bool:
    """Whether a path is a regular file."""
    entry = files.find(path)
    return entry is not None and entry.is_file


def contents(
    paths: Iterable[bytes], files: Tree, entries: Sequence[Entry] = ()
) -> Iterator[tuple[bytes, bytes]]:
    """The contents of regular files of a tree, in the order asked for.

    Args:
        paths: the files.
        files: the judged tree.
        entries: the change, which knows its own files' ids: the tree's folders need not be read for them.

    Raises:
        MissingFact: an object is not there or is broken; or, after all others, a file is too large.
    """
    ids = {entry.path: entry.new for entry in entries if entry.is_file}
    found: dict[bytes, str] = {}
    for path in paths:
        oid = ids.get(path, "")
        # A file that is not in the object store yet has an id of zeros.
        if not oid.strip("0"):
            entry = files.find(path)
            oid = entry.oid if entry is not None else ""
        if oid:
            found[path] = oid
    large: list[bytes] = []
    for path, (_, content) in zip(found, files.blobs(list(found.values())), strict=True):
        if content is None:
            large.append(path)
        else:
            yield path, content
    if large:
        name = path_text(large[0])
        raise MissingFact(f"{name} is too large to be read", f"git cat-file -s HEAD:{name}")


def _may_match(patterns: Selecting, paths: Sequence[bytes]) -> bool:
    """Whether a path has all that one of the patterns says in plain letters; False is certain.

    Compiling patterns would cost a hook more than all else that a rule does where nothing matches.
    """
    # `**/x` is also the `x` of the root, so each path is compared with the slash before it.
    slashed = [b"/" + path for path in paths]
    for pattern in patterns.patterns:
        plain, bracket, _ = pattern.strip("/").partition("[")
        plain = plain.replace("?", "*").replace("\\", "*")
        parts = plain.encode("utf-8", "surrogateescape").split(b"*")
        begin, end = b"/" + parts[0], b"" if bracket else parts[-1]
        for path in slashed:
            if path.startswith(begin) and path.endswith(end) and all(part in path for part in parts):
                return True
    return False
