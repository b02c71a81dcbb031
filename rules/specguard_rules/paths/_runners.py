"""The part of a hook's or CI file that runs specguard, and settings by which agents run no hooks."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final


_MENTION: Final = "specguard"


_COMMENT: Final = re.compile(r"\s*(#|$)")


_TOP: Final = re.compile(r"""(["']?)([^\s"'#][^"':]*)\1\s*:""")


_ANCHOR: Final = re.compile(r"(^|[\s:])&[A-Za-z0-9_-]+(\s|$)")


_ITEM: Final = re.compile(r"\s*-(?:\s+(?:job|deployment|stage)\s*:\s*(\S+)|\s|$)")


# How a job names those that run before it, or that it is made of.
_REFERENCE: Final = re.compile(
    r"([\s-]*)[\"']?(?:needs|dependson|dependencies|requires|extends)[\"']?\s*:(.*)", re.IGNORECASE
)


_TAKEN: Final = re.compile(r"!reference\s*\[([^\]]*)")


_WORD: Final = re.compile(r"[^\s,\[\]{}\"']+")


_ODD: Final = "?"


_CONTAINERS: Final = frozenset({"jobs", "repos"})


"""Top-level keys whose children run apart from each other: GitHub's jobs, pre-commit's repositories."""


_GLOBAL: Final = frozenset(
    {
        # GitHub Actions
        "on", "env", "defaults", "permissions", "concurrency",
        # GitLab CI
        "workflow", "stages", "variables", "default", "include", "before_script", "after_script", "image",
        "services",
        # pre-commit
        "exclude", "files", "fail_fast", "default_stages", "default_install_hook_types", "ci",
        # Azure Pipelines, CircleCI
        "trigger", "pr", "pool", "parameters", "version", "setup", "workflows", "orbs", "commands",
        "executors", "resources",
        # lefthook, Azure Pipelines
        "extends", "remotes", "remote", "rc", "source_dir", "lefthook",
    }
)  # fmt: skip


"""Top-level keys that decide whether and how every job runs."""


def mentions(text: str) -> bool:
    """Whether a file names specguard outside its comment lines."""
    return any(_MENTION in line.lower() for line in _lines(text))


def running_part(text: str, *, yaml: bool) -> list[str]:
    """The lines of a file that decide whether and how specguard runs.

    In YAML these are the jobs or repositories that name it, those that they wait for or take over, what holds
    for all of them (triggers, stages, variables), and templates and anchors. Any other file counts as a
    whole. Comments and blank lines never do.

    Args:
        text: the file.
        yaml: whether it is YAML.
    """
    lines = _lines(text)
    if not yaml:
        return lines
    kept: list[str] = []
    for block in _deciding(list(_blocks(lines))):
        kept.append(block[0])
        if _name(block) in _CONTAINERS:
            for child in _deciding(list(_children(block[1:]))):
                kept += child
        else:
            kept += block[1:]
    return kept


def _deciding(blocks: Sequence[list[str]]) -> list[list[str]]:
    """Those of some keys or items that decide, in their order.

    A second key of a name takes the place of the first, and a job runs only where those that it needs do.
    """
    names = [_name(block) for block in blocks]
    kept = [
        name in _CONTAINERS or name in _GLOBAL or name.startswith(".") or name == _ODD or _counts(block)
        for name, block in zip(names, blocks, strict=True)
    ]
    while True:
        wanted: set[str] = set()
        for name, block, is_kept in zip(names, blocks, kept, strict=True):
            if is_kept and name not in _CONTAINERS:
                wanted.update([name, *_references(block)])
        wanted.discard("")
        more = [is_kept or name in wanted for name, is_kept in zip(names, kept, strict=True)]
        if more == kept:
            return [block for block, is_kept in zip(blocks, kept, strict=True) if is_kept]
        kept = more


def _name(block: Sequence[str]) -> str:
    """The key of a block, in small letters; of a job in a list its name, and else nothing.

    One that YAML may read otherwise than it is written is `_ODD`.
    """
    item = _ITEM.match(block[0])
    if item:
        return (item[1] or "").strip("\"'").lower()
    key = _TOP.match(block[0].lstrip())
    name = key[2].strip().lower() if key else ""
    return name if name and name[0] not in "?!&*[{<" and "\\" not in name else _ODD


def _references(block: Sequence[str]) -> Iterator[str]:
    """The names of other jobs that a job waits for or takes over, in small letters."""
    margin: int | None = None
    for line in block:
        key = _REFERENCE.match(line)
        if key:
            margin = len(key[1])
            yield from _WORD.findall(key[2].lower())
        elif margin is not None and (_indent(line) > margin or line.lstrip().startswith("- ")):
            yield from _WORD.findall(line.lower())
        else:
            margin = None
        for taken in _TAKEN.findall(line):
            yield from _WORD.findall(taken.lower())


def _lines(text: str) -> list[str]:
    """The lines that are neither blank nor a comment, without white space at their end."""
    return [line.rstrip() for line in text.removeprefix("\ufeff").split("\n") if not _COMMENT.match(line)]


def _counts(block: list[str]) -> bool:
    return any(_MENTION in line.lower() or _ANCHOR.search(line) for line in block)


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each top-level key; items of a list at the margin belong to the key above them."""
    block: list[str] = []
    for line in lines:
        if block and line[0] not in " \t" and not re.match(r"-(\s|$)", line):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _children(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each key or item that stands as far in as the first one."""
    margin = _indent(lines[0]) if lines else 0
    child: list[str] = []
    for line in lines:
        if child and _indent(line) <= margin:
            yield child
            child = []
        child.append(line)
    if child:
        yield child


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


RUNNERS: Final[Mapping[bytes, bytes]] = {
    b".claude/settings.local.json": b".claude/settings.json",
    b".codex/config.toml": b".codex/hooks.json",
}


"""Files that may switch off the hooks of others."""


_OFF: Final = re.compile(
    r'"disableAllHooks"\s*:\s*true|^[^#\n]*\b(?:codex_)?hooks["\']?\s*=\s*false', re.MULTILINE
)


def switches_off(text: str) -> bool:
    """Whether settings switch an agent's hooks off."""
    try:
        # However the names in it are written.
        plain = json.dumps(json.loads(text))
    except (ValueError, RecursionError):
        plain = text
    return _OFF.search(plain) is not None
