"""The effects of a tool call: the files that it writes, its commands and patches.

A patch is an `apply_patch` envelope or a unified diff. The envelope is the format of Codex's tool: `*** Begin
Patch`, then for each file a header (`*** Add File: p`, `*** Update File: p` with an optional `*** Move to:
q`, `*** Delete File: p`) and its lines, then `*** End Patch`. A header counts wherever it occurs. The new
content of a file is known if its hunks match exactly. For a diff only the file names are known.

File names are bytes. An agent's path may contain links and `..`, have other letter case, or lead to another
worktree of the repository. The place where the system would write counts. The name itself counts, too, since
a program may replace a link instead of following it.
"""

from __future__ import annotations

import os
import re

from specguard.change.check_request import FileEdit
from specguard.integrations.hooks.dialects import COMMAND_KEYS, WRITING, UnreadableError, path_bytes, text_of
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, AnyStr, Final

    from specguard.integrations.hooks.dialects import HookEvent

PATH_KEYS: Final = (
    "file_path", "notebook_path", "path", "target_file", "filePath", "filename", "file", "relative_path",
    "target_notebook", "destination", "source", "new_path", "old_path", "pathInProject", "filepath",
)  # fmt: skip
"""The argument names for the written file; then those for lists of files."""

LIST_KEYS: Final = ("paths", "files", "file_paths", "edits")

CONTENT_KEYS: Final = ("content", "contents", "file_text", "text")
"""The argument names for the whole new content; then those for the replaced text and its replacement."""

OLD_KEYS: Final = ("old_string", "old_str", "oldText")
NEW_KEYS: Final = ("new_string", "new_str", "newText")

OVERWRITING: Final = ("Write", "write_file")
"""Tools that write a whole file; then those that write a part of one, delete one, and write a notebook."""

REPLACING: Final = ("Edit", "replace", "MultiEdit", "StrReplace", "search_replace", "edit_file")
DELETING: Final = ("Delete", "delete_file")

MAX_READ: Final = 16 << 20
"""The largest file that is read to compute the result of an edit, in bytes."""

TALKING: Final = frozenset(["comment", "comments", "review", "reviews"])
"""Words of the names of tools that write no file in spite of them."""


class Effects(Record):
    """The effects of a tool call.

    Attributes:
        edits: the files that it would write or remove, in order.
        messages: the messages of the commits that it would make, each with the root of its working tree,
            empty if it is unknown.
        bypasses: its ways around hooks or the guard, each as a clause: `git commit --no-verify skips the
            hooks`.
        refs: the branches that it would push to, as written.
        discards: the files and folders whose uncommitted changes it would discard.
        cleans: the files and folders whose untracked files it would remove.
        branches: the branches that it checks out before it edits anything, each behind the root of its
            working tree; `HEAD` for an unknown name.
        unplaced: the commands of git in folders that are not known before.
        unknown: the unknown effects, each as a clause: `what the tool x does is not known`.
    """

    edits: list[FileEdit] = []
    messages: list[tuple[bytes, str]] = []
    bypasses: list[str] = []
    refs: list[str] = []
    discards: list[bytes] = []
    cleans: list[bytes] = []
    branches: list[tuple[bytes, str]] = []
    unplaced: list[str] = []
    unknown: list[str] = []


def effects_of(event: HookEvent) -> Effects:
    """Return the effects of a call; if several keys have the same meaning, those of all of them.

    Raises:
        UnreadableError: a known tool lacks a required argument.
    """
    tool, inputs = event.tool, event.input
    if event.moment == "command":
        parts = [_command_effects(event, inputs[name]) for name in COMMAND_KEYS if name in inputs]
        if not parts:
            raise UnreadableError(f"{tool} has no command")
    elif tool.lower() in ("apply_patch", "applypatch"):
        names = [name for name in ("command", "input", "patch") if name in inputs] or ["command"]
        parts = [read_patch(text_of(inputs, name, what=tool), event.directory, read_file) for name in names]
    else:
        parts = [_edit_effects(event)]
    return Effects(*([one for part in parts for one in getattr(part, name)] for name in Effects._fields))


def _command_effects(event: HookEvent, value: object) -> Effects:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        # An argument list; in `bash -lc TEXT` the shell reads the text.
        import shlex

        shell = len(value) == 3 and value[1].startswith("-") and value[1].endswith("c")
        value = value[2] if shell else shlex.join(value)
    if not isinstance(value, str):
        raise UnreadableError(f"{event.tool} has no command that is a text")
    if event.tool in ("PowerShell", "write_stdin"):
        # Another language, or the input of a running program.
        return Effects()
    from specguard.integrations.hooks.shell_programs import read_command

    trees = map(work_tree_at, event.projects or [event.directory])
    return read_command(value, event.directory, event.environment, [tree.common for tree in trees if tree])


def _edit_effects(event: HookEvent) -> Effects:
    """Return the effects of an editing tool on its file, or on all files that the call names."""
    tool, inputs = event.tool, event.input
    is_known = tool in (*OVERWRITING, *REPLACING, *DELETING, "NotebookEdit", "EditNotebook")
    # Before the last `__` is the name of a server.
    name = tool.lower().rpartition("__")[2]
    words = set(name.replace("-", "_").split("_"))
    talks = not words.isdisjoint(TALKING) and words.isdisjoint(("write", "edit", "patch", "file"))
    # With this argument, the tool of MCP's file server leaves the file alone.
    is_dry = name == "edit_file" and inputs.get("dryRun") is True
    # A tool that only reads may be one of a server such as `text-editor`.
    said = name if name.startswith(("find", "get", "list", "read", "search", "view")) else tool.lower()
    writes = is_known or (any(word in said for word in WRITING) and not talks and not is_dry)
    several = [one for key in LIST_KEYS if isinstance(inputs.get(key), list) for one in inputs[key]]
    calls = [inputs, *(one for one in several if isinstance(one, dict))]
    # The source of a copy is only read.
    keys = [key for key in PATH_KEYS if key != "source" or "copy" not in name]
    values = [call[key] for call in calls for key in keys if key in call] + several
    texts = list(dict.fromkeys(value for value in values if isinstance(value, str) and value))
    edits: list[FileEdit] = []
    if is_known:
        path = path_bytes(text_of(inputs, *PATH_KEYS, what=tool))
        content = _content(event, path)
        edits = [FileEdit(path, content, known=content is not None or tool in DELETING)]
    edits += [FileEdit(path_bytes(text), known=False) for text in texts[is_known:] if writes]
    return Effects(edits, unknown=[] if is_known else [f"what the tool {tool} does is not known"])


def _content(event: HookEvent, path: bytes) -> bytes | None:
    """Return the content of a file after a call of a known tool; None if it is unknown or there is none."""
    tool, inputs = event.tool, event.input
    try:
        if tool in REPLACING:
            return _replace(event, path)
        keys = CONTENT_KEYS if tool in OVERWRITING else ()
        texts = [text_of(inputs, key, what=tool) for key in keys if key in inputs]
        return texts[0].encode("utf-8") if len(texts) == 1 else None
    except UnicodeEncodeError:
        # A lone surrogate: programs write different bytes for it.
        return None


def _replace(event: HookEvent, path: bytes) -> bytes | None:
    """Return the current content of a file after the call's replacements; None if it is unknown."""
    steps = event.input.get("edits", [event.input])
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise UnreadableError(f"`edits` of {event.tool} is not a list of objects")
    if "edits" in event.input and any(name in event.input for name in (*OLD_KEYS, *NEW_KEYS)):
        return None
    content = read_file(os.path.join(event.directory, path))
    for number, step in enumerate(steps):
        one = sum(name in step for name in OLD_KEYS) == 1 and sum(name in step for name in NEW_KEYS) <= 1
        if not one or (number and content is None):
            return None
        content = _replace_once(content, step, event.tool)
    return content


def _replace_once(content: bytes | None, step: Mapping[str, Any], tool: str) -> bytes | None:
    """Return a content after one replacement; None if the result of the tool is uncertain."""
    old = text_of(step, *OLD_KEYS, what=tool).encode("utf-8")
    new = text_of(step, *NEW_KEYS, what=tool).encode("utf-8")
    if not old or not content:
        # With an empty search text, the tool creates the file.
        return new if not old and not content else None
    count = content.count(old)
    if not count and b"\r\n" in content:
        # The agent was shown the file with plain newlines.
        old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        count = content.count(old)
    everywhere = True in (step.get("replace_all"), step.get("allow_multiple"))
    if count and (count == 1 or everywhere or count == step.get("expected_replacements")):
        return content.replace(old, new)
    return None


def read_file(path: bytes) -> bytes | None:
    """Read a file; None if it is missing, unreadable or larger than `MAX_READ`."""
    # Reading a pipe or device would block.
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        return None
    data = read_beginning(path, MAX_READ + 1)
    return data if len(data) <= MAX_READ else None


PATCH_SIZE: Final = 8_000_000
"""The largest patch that is read, in characters."""

# Compiled on first use, as most calls have no patch.
_HEADER: Final = rb"(?m)^([ \t]*)\*\*\* (Add|Update|Delete) File:[ \t]*(.*?)[ \t\r]*$"
_MOVE: Final = b"*** Move to:"
_EDGE: Final = rb"(?m)^[ \t]*\*\*\* (?:Begin|End) Patch[ \t\r]*$"
_END: Final = b"*** End of File"


def read_patch(text: str, directory: bytes, read: Callable[[bytes], bytes | None]) -> Effects:
    """Return the effects of applying an envelope.

    Args:
        text: the patch.
        directory: the folder in which it would be applied.
        read: reads a file by its name, joined to `directory`; None if the file is missing or unreadable.
    """
    data = as_bytes(text) if len(text) <= PATCH_SIZE else b""
    edge = re.compile(_EDGE)
    found = list(re.finditer(_HEADER, data)) if edge.search(data) else []
    edits: list[FileEdit] = []
    for header, following in zip(found, [*found[1:], None], strict=False):
        kind, path = header[2], header[3]
        body = edge.split(data[header.end() : following.start() if following else len(data)])[0]
        if not path or b"\0" in path:
            continue
        if kind == b"Delete":
            edits.append(FileEdit(path=path))
            continue
        if kind == b"Add":
            rows = [row.removesuffix(b"\r") for row in body.split(b"\n")]
            content: bytes | None = b"".join(row[1:] + b"\n" for row in rows if row.startswith(b"+"))
        else:
            old = read(os.path.join(directory, path))
            first, _, rest = body[1:].partition(b"\n")
            line = first.strip(b" \t\r")
            target = line.removeprefix(_MOVE).lstrip(b" \t") if line.startswith(_MOVE) else b""
            if target and target != path:
                edits.append(FileEdit(path=path))
                path = target
            content = None if old is None else _apply_hunks(old, b"\n" + rest if target else body)
            if following and following[1]:
                # An indented header may be a line of the file.
                content = None
        edits.append(FileEdit(path=path, content=content, known=content is not None))
    return Effects(edits=edits, unknown=[] if edits else ["the patch names no file that can be read from it"])


def _apply_hunks(text: bytes, body: bytes) -> bytes | None:
    """Apply hunks to a file's content, in order and by exact match; None if one does not match."""
    text = text if not text or text.endswith(b"\n") else text + b"\n"
    parts: list[bytes] = []
    at = 0
    for hunk in re.split(rb"(?m)^(?=@@)", body):
        anchor, _, rest = hunk.partition(b"\n") if hunk.startswith(b"@@") else (b"", b"", hunk[1:])
        lines = rest.removesuffix(b"\n").split(b"\n") if rest.strip() else []
        rows = [row.removesuffix(b"\r") for row in lines if row.rstrip(b"\r") != _END]
        if any(row[:1] not in (b"", b" ", b"+", b"-") for row in rows):
            return None
        start = at
        if anchor[2:].strip():
            start = _find_lines([anchor[2:].removeprefix(b" ").rstrip(b"\r")], text, at)
            start = text.index(b"\n", start) + 1 if start >= 0 else -1
        old = [row[1:] for row in rows if not row.startswith(b"+")]
        found = len(text) if not old else _find_lines(old, text, start, is_last=len(rows) < len(lines))
        if start < 0 or found < at:
            return None
        if rows:
            parts += [text[at:found], *(row[1:] + b"\n" for row in rows if not row.startswith(b"-"))]
            at = found + sum(len(row) + 1 for row in old)
    return b"".join([*parts, text[at:]])


def _find_lines(rows: Sequence[bytes], text: bytes, start: int, *, is_last: bool = False) -> int:
    """Find whole lines in a text, at or after a line start; -1 if they are missing."""
    wanted = b"\n" + b"\n".join(rows) + b"\n"
    whole = b"\n" + text
    if not is_last:
        return whole.find(wanted, start)
    found = len(whole) - len(wanted)
    return found if found >= start and whole.endswith(wanted) else -1


def read_diff(text: str) -> list[FileEdit]:
    """Return the files that a unified diff would write or remove; none if it cannot be read.

    Args:
        text: the diff; other text may surround it.
    """
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    edits = []
    try:
        for file in PatchSet(text if len(text) <= PATCH_SIZE else "", metadata_only=True):
            old, new = _diff_name(file.source_file), _diff_name(file.target_file)
            copied = any(line.startswith("copy from ") for line in file.patch_info or ())
            if old and not copied:
                edits.append(FileEdit(path=old, known=old != new))
            if new:
                edits.append(FileEdit(path=new, known=False))
    except (UnidiffParseError, ValueError):
        return []
    return [edit for edit in dict.fromkeys(edits) if b"\0" not in edit.path]


def _diff_name(text: str) -> bytes:
    """Parse a name in a diff header, quoted by git or plain, without its first folder; empty for no file.

    Raises:
        ValueError: a quoted name has an escape that is cut off.
    """
    import codecs

    if (name := as_bytes(text)).startswith(b'"'):
        name = codecs.escape_decode(name.strip(b'"'))[0]
    return b"" if text == os.devnull else name.partition(b"/")[2]


def as_bytes(text: str) -> bytes:
    """Encode a text; surrogate escapes become their bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


_BLANK: Final = (
    " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000\ufeff"
)
"""The characters that JavaScript's `trim` removes, as agents' programs do from a path."""

_LINE_SIZE: Final = 4096
"""The highest number of bytes that are read of a `.git` file."""


class Checkout(Record):
    """A working tree, as its folder describes it.

    Attributes:
        root: its root, with links resolved.
        git_dir: its git directory, with links resolved.
        common: the git directory that its worktrees share, with links resolved.
    """

    root: bytes
    git_dir: bytes
    common: bytes


def absolute_names(path: bytes, event: HookEvent, *, gone: bool) -> list[bytes]:
    """Return the absolute names of a file that a call would write, without `.` and `..`.

    Args:
        path: the path in the call.
        event: the call; some programs expand `~` to the home folder of its environment.
        gone: True if the file would be removed; then a link is removed itself, not its target.
    """
    # Some programs trim white space at both ends.
    text = path.decode("utf-8", "surrogateescape").strip(_BLANK)
    spellings = dict.fromkeys([path, text.encode("utf-8", "surrogateescape") or path])
    starts = [os.path.join(event.directory, one) for one in spellings]
    home = os.fsencode(event.environment.get("HOME", "/"))
    starts += [os.path.join(home, one[2:]) for one in spellings if one.startswith(b"~/")]
    names: list[bytes] = []
    for start in starts:
        plain = b"/" + os.path.normpath(start).lstrip(b"/")
        names.append(plain)
        # The system follows links before it resolves `..`, and many programs do the opposite.
        for one in dict.fromkeys((start.rstrip(b"/") or b"/", plain)):
            head, tail = os.path.split(one)
            has_name = tail not in (b"", b".", b"..")
            names += [] if gone and has_name else [os.path.realpath(one)]
            names += [os.path.join(os.path.realpath(head), tail)] if has_name else []
    # Nearly always these are one name.
    names = list(dict.fromkeys(names))
    return list(dict.fromkeys([*names, *map(_disk_spelling, names)]))


def work_tree_at(folder: bytes) -> Checkout | None:
    """Return the working tree that contains a folder; None if it is outside of working trees."""
    return next(filter(None, map(_work_tree, with_parents(os.path.realpath(folder)))), None)


def locate(names: Iterable[bytes], own: Sequence[Checkout], *, gone: bool) -> list[tuple[Checkout, bytes]]:
    """Return the working trees that contain names, each with the path from its root.

    Args:
        names: absolute names of one file.
        own: the working trees of the agent; other worktrees of their repositories are guarded, too.
        gone: True if the names would be removed, including all files in a folder.

    Returns:
        Distinct pairs; empty for a file outside of all working trees. A name in a nested repository has its
        path from the root of the outer one, unless both are worktrees of one repository.
    """
    found: dict[tuple[Checkout, bytes], None] = {}
    shared = {one.common for one in own}
    for name in names:
        trees = [one for one in own if is_below(name, one.root)]
        found |= dict.fromkeys((one, b"") for one in own if gone and is_below(one.root, name))
        for root in with_parents(os.path.dirname(name)):
            if all(root != tree.root for tree in trees):
                tree = _work_tree(root)
                if tree is not None and (tree.common in shared or (not trees and _is_around(tree, own))):
                    trees.append(tree)
        # The innermost worktree of a repository has the file, and not one around it.
        inner = {tree.common: tree for tree in sorted(trees, key=lambda one: len(one.root))}
        found |= dict.fromkeys((tree, name[len(tree.root) + 1 :]) for tree in inner.values())
    return list(found)


def _is_around(tree: Checkout, own: Sequence[Checkout]) -> bool:
    """True if a guarded working tree contains a working tree of the agent."""
    around = any(is_below(one.root, tree.root) for one in own)
    return around and os.path.lexists(tree.root + b"/SPEC_AUTHORITY.md")


def is_below(name: bytes, folder: bytes) -> bool:
    """True if a name is the folder itself or inside it."""
    return name == folder or name.startswith(folder + b"/")


def with_parents(folder: AnyStr) -> list[AnyStr]:
    """Return a folder and all its parents, the innermost first."""
    found = [folder]
    while (folder := os.path.dirname(folder)) != found[-1]:
        found.append(folder)
    return found


def _work_tree(root: bytes) -> Checkout | None:
    """Return the working tree with this root; None if the folder is not a root."""
    place = root.rstrip(b"/") + b"/.git"
    if not os.path.lexists(place):
        return None
    if not os.path.isdir(git_dir := os.path.realpath(place)):
        if not (text := _first_line(place)).startswith(b"gitdir: "):
            return None
        git_dir = os.path.realpath(os.path.join(root, text[8:]))
    if not os.path.exists(git_dir + b"/HEAD"):
        return None
    common = os.path.realpath(os.path.join(git_dir, _first_line(git_dir + b"/commondir")))
    return Checkout(root=root, git_dir=git_dir, common=common)


def _first_line(file: bytes) -> bytes:
    return read_beginning(file, _LINE_SIZE).split(b"\n", 1)[0].rstrip(b"\r")


def read_beginning(file: bytes, limit: int) -> bytes:
    """Read at most `limit` bytes of a file; empty if it cannot be read."""
    try:
        with open(file, "rb") as stream:
            return stream.read(limit)
    except (OSError, ValueError):
        return b""


def _disk_spelling(name: bytes) -> bytes:
    """Return a name in the spelling of the disk, if the disk ignores case."""
    folder, tail = os.path.split(name)
    if not tail:
        return name
    place = os.path.join(_disk_spelling(folder), tail)
    folder = os.path.dirname(place)
    try:
        one, other = os.lstat(place), os.lstat(os.path.join(folder, tail.swapcase()))
        if tail.swapcase() != tail and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino):
            tail = next((one for one in os.listdir(folder) if one.lower() == tail.lower()), tail)
    except (OSError, ValueError):
        pass
    return os.path.join(folder, tail)
