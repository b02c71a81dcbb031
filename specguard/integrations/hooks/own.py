"""What the guard itself stands on, beside the files that the policy's rules protect.

Git's own folder, the folder of git's hooks, the agents' settings, specguard's installation and its cache: who
writes there decides whether the next check takes place, and by what.
"""

from __future__ import annotations

import os
import sys

from specguard.integrations.hooks.agents_settings import why_settings
from specguard.integrations.hooks.places import is_below
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.request import FileEdit
    from specguard.integrations.hooks.places import WorkTree

_MESSAGES: Final = frozenset({b"COMMIT_EDITMSG", b"MERGE_MSG", b"SQUASH_MSG", b"TAG_EDITMSG"})
"""What may be written in git's own folder: texts that are judged when git takes them."""

_LIMIT: Final = 1 << 20

_PROGRAMS: Final = frozenset({b"specguard", b"git"})
"""What a hook calls by its name: a file of this name in a folder of `PATH` would be called in its place."""


def wrong(
    edit: FileEdit, names: Sequence[bytes], trees: Sequence[WorkTree], environment: Mapping[str, str]
) -> str:
    """Why a file must not be written by an agent; empty where it may.

    Args:
        edit: what would be written.
        names: the absolute names of the file.
        trees: the working trees that are guarded.
        environment: where the home folder and the cache are found.
    """
    for name in names:
        reason = (
            _in_git(edit, name, trees)
            or _in_hooks(edit, name, trees, environment)
            or why_settings(edit, name, trees, environment)
            or _in_user_settings(name, environment)
            or _in_installation(edit, name, trees, environment)
        )
        if reason:
            return f"{path_text(name)} {reason}"
    return ""


def _in_git(edit: FileEdit, name: bytes, trees: Sequence[WorkTree]) -> str:
    reason = "is in git's own folder, where hooks and settings decide whether anything is checked"
    for tree in trees:
        for folder in (tree.git_dir, tree.common):
            if edit.known and edit.content is None and is_below(folder, name):
                return "holds git's own folder, and would be gone with it"
            # A worktree may stand in git's folder, and its files are files.
            nested = any(is_below(other.root, folder) and is_below(name, other.root) for other in trees)
            if is_below(name, folder) and not nested:
                if os.path.dirname(name) == tree.git_dir and os.path.basename(name) in _MESSAGES:
                    return ""
                return reason
        if is_below(name, tree.root):
            parts = name[len(tree.root) :].lower().split(b"/")
            if b".git" in parts:
                return reason
    return ""


def _in_hooks(edit: FileEdit, name: bytes, trees: Sequence[WorkTree], environment: Mapping[str, str]) -> str:
    """A hook that runs specguard, in the folder that `core.hooksPath` names."""
    for tree in trees:
        folder = _hooks_folder(tree, environment)
        if folder and is_below(name, folder) and _changes(edit, name):
            return "is a hook of git that runs specguard (core.hooksPath)"
    return ""


def _hooks_folder(tree: WorkTree, environment: Mapping[str, str]) -> bytes:
    """The folder that `core.hooksPath` names; empty where nothing names one."""
    home = os.fsencode(environment.get("HOME", ""))
    config = os.fsencode(environment.get("XDG_CONFIG_HOME", "")) or home + b"/.config"
    files = [tree.common + b"/config", tree.git_dir + b"/config.worktree", home + b"/.gitconfig"]
    texts = [_text(file) for file in (*files, config + b"/git/config")]
    if not any(b"hookspath" in text or b"include" in text for text in texts):
        # Asking git would cost more than all else here.
        return b""
    from specguard.change.repository import Repository

    repository = Repository(os.fsdecode(tree.root), environment)
    process = repository.in_place("config", "-z", "--type=path", "--get", "core.hooksPath", user=True)
    said = b""
    try:
        while chunk := process.chunk():
            said += chunk
        process.wait()
    finally:
        process.stop()
    path = said.rstrip(b"\0")
    return os.path.realpath(os.path.join(tree.root, path)) if path else b""


def _in_user_settings(name: bytes, environment: Mapping[str, str]) -> str:
    """Git's settings of the user or the system, which may name other hooks or programs for any repository."""
    if name in (b"/etc/gitconfig", *_user_settings(environment)):
        return "holds git's settings, by which it may run other hooks, or none"
    return ""


def _user_settings(environment: Mapping[str, str]) -> list[bytes]:
    home = os.path.realpath(os.fsencode(environment.get("HOME", "/")))
    config = os.fsencode(environment.get("XDG_CONFIG_HOME", ""))
    folders = [home + b"/.config", *([os.path.realpath(config)] if config.startswith(b"/") else [])]
    return [home + b"/.gitconfig", *(folder + b"/git/config" for folder in folders)]


def _in_installation(
    edit: FileEdit, name: bytes, trees: Sequence[WorkTree], environment: Mapping[str, str]
) -> str:
    gone = edit.known and edit.content is None
    for folder in _installed(trees):
        # A working tree may be below a virtual environment, and its files are files.
        nested = any(is_below(tree.root, folder) and is_below(name, tree.root) for tree in trees)
        if (is_below(name, folder) and not nested) or (gone and is_below(folder, name)):
            return "belongs to specguard's installation"
    if os.path.basename(name) in _PROGRAMS:
        for folder in os.fsencode(environment.get("PATH", "")).split(b":"):
            if folder.startswith(b"/") and os.path.realpath(folder) == os.path.dirname(name):
                return "would be run in place of a program that the guard consists of"
    cache = os.fsencode(environment.get("XDG_CACHE_HOME", ""))
    if not cache.startswith(b"/"):
        cache = os.fsencode(environment.get("HOME", "/nonexistent")) + b"/.cache"
    if is_below(name, os.path.realpath(cache + b"/specguard")) or is_below(name, cache + b"/specguard"):
        return "is in the cache from which specguard reads policies"
    return ""


def _installed(trees: Sequence[WorkTree]) -> list[bytes]:
    """The folders of what runs here: the virtual environment, or else the packages, or specguard alone."""
    import specguard

    package = os.path.dirname(os.path.realpath(os.fsencode(specguard.__file__)))
    packages = os.path.dirname(package)
    found: list[bytes] = []
    if os.path.basename(packages) in (b"site-packages", b"dist-packages"):
        found.append(packages)
    elif not any(is_below(package, tree.root) for tree in trees):
        # In a working tree it is there to be worked on.
        found.append(package)
    if sys.prefix != sys.base_prefix:
        found.append(os.path.realpath(os.fsencode(sys.prefix)))
    return found


def _changes(edit: FileEdit, name: bytes) -> bool:
    """Whether a file names specguard and would not be what it is."""
    old = _text(name)
    if b"specguard" not in old:
        return False
    if not edit.known or edit.content is None or edit.executable is not None:
        return True
    return edit.content.lower() != old


def _text(file: bytes) -> bytes:
    """The beginning of a file in small letters; empty where there is none."""
    try:
        with open(file, "rb") as stream:
            return stream.read(_LIMIT).lower()
    except (OSError, ValueError):
        return b""
