"""What the guard itself stands on, beside the files that the policy's rules protect.

Git's own folder, the folder of git's hooks, the agents' settings, specguard's installation and its cache: who
writes there decides whether the next check takes place, and by what.
"""

from __future__ import annotations

import os

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

SETTINGS: Final = (
    b"/.claude/settings.json", b"/.claude/settings.local.json", b"/.codex/hooks.json", b"/.codex/config.toml",
    b"/.gemini/settings.json", b"/.cursor/hooks.json",
)  # fmt: skip
"""How the names of the agents' settings end, in a project as in a home folder."""

_SWITCHES: Final = (
    b"disableallhooks", b"allowmanagedhooksonly", b"hooksconfig", b"codex_hooks", b"hooks = false",
    b"hooks=false",
)  # fmt: skip
"""Words by which settings switch hooks off, in small letters."""

_LIMIT: Final = 1 << 20


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
            or _in_settings(edit, name)
            or _in_installation(name, trees, environment)
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


def _in_settings(edit: FileEdit, name: bytes) -> str:
    """An agent's settings that hold the guard, or that would switch its hooks off."""
    if not name.lower().endswith(SETTINGS):
        return ""
    if not edit.known:
        return "holds an agent's settings, and what would be written there is not known"
    if _changes(edit, name):
        return "holds the settings by which an agent's program runs specguard"
    new, old = (edit.content or b"").lower(), _text(name)
    if any(word in new and word not in old for word in _SWITCHES):
        return "would switch the agent's hooks off"
    return ""


def _in_installation(name: bytes, trees: Sequence[WorkTree], environment: Mapping[str, str]) -> str:
    import specguard

    installed = os.path.dirname(os.path.realpath(os.fsencode(specguard.__file__)))
    if is_below(name, installed) and not any(is_below(installed, tree.root) for tree in trees):
        return "belongs to specguard's installation"
    cache = os.fsencode(environment.get("XDG_CACHE_HOME", ""))
    if not cache.startswith(b"/"):
        cache = os.fsencode(environment.get("HOME", "/nonexistent")) + b"/.cache"
    if is_below(name, os.path.realpath(cache + b"/specguard")) or is_below(name, cache + b"/specguard"):
        return "is in the cache from which specguard reads policies"
    return ""


def _changes(edit: FileEdit, name: bytes) -> bool:
    """Whether a file names specguard and would not be what it is."""
    old = _text(name)
    if b"specguard" not in old:
        return False
    return not edit.known or edit.content is None or edit.content.lower() != old


def _text(file: bytes) -> bytes:
    """The beginning of a file in small letters; empty where there is none."""
    try:
        with open(file, "rb") as stream:
            return stream.read(_LIMIT).lower()
    except (OSError, ValueError):
        return b""
