"""The agents' settings: which changes of them would take the guard away, or lead an agent past it.

A hook among them that runs specguard is not the only thing that counts. Other hooks may change a call after
it was judged, a variable of the environment may lead to another specguard, and a folder that is not trusted
has no hooks at all. So an agent changes nothing of theirs by which programs are run or trusted.

Git's own folder, the folder of git's hooks, the agents' settings, specguard's installation and its cache: who
writes there decides whether the next check takes place, and by what.
"""

from __future__ import annotations

import os
import re
import sys

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.integrations.hooks.places import is_below
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.request import FileEdit
    from specguard.integrations.hooks.places import WorkTree
    from specguard.model import Verdict


_FOLDERS: Final = (b".claude", b".codex", b".gemini", b".cursor")

_OF_ANY: Final = (
    b".claude/settings.json", b".claude/settings.local.json", b".codex/hooks.json", b".codex/config.toml",
    b".gemini/settings.json", b".gemini/.env", b".gemini/trustedFolders.json", b".cursor/hooks.json",
    b".claude.json",
)  # fmt: skip
"""The agents' settings, in a project as in a home folder."""

_OF_SYSTEM: Final = (b"/etc/claude-code", b"/etc/codex", b"/etc/gemini-cli", b"/etc/cursor")
"""Folders of settings that hold for all users."""

_RUNNING: Final = r"(?i)hook|trust|plugin|marketplace|environment|helper|^projects$|^profiles?$"
"""Keys by which programs are run or trusted; compiled only where settings are written."""

_FIRST: Final = frozenset({"env", "statusline"})
"""Such keys at the top."""

_SETTINGS_LIMIT: Final = 1 << 20
_DEEPEST: Final = 50


class _UnreadableSettings(Exception):
    """Settings that cannot be read."""


def why_settings(
    edit: FileEdit, name: bytes, trees: Sequence[WorkTree], environment: Mapping[str, str]
) -> str:
    """Why an agent must not write this file of an agent's settings; empty where it may, or where it is none.

    Args:
        edit: what would be written.
        name: the absolute name of the file.
        trees: the working trees that are guarded.
        environment: where the home folder is found.
    """
    gone = edit.known and edit.content is None
    if gone:
        for file in _known_files(trees, environment):
            if is_below(file, name) and b"specguard" in _settings_text(file).lower():
                return "holds the settings by which an agent's program runs specguard"
    plain = name.lower()
    if any(is_below(plain, folder) for folder in _OF_SYSTEM):
        return "holds settings of all users' agents"
    if not gone and plain.rpartition(b"/")[2] in _FOLDERS:
        return "is where an agent's settings are, and would be something else"
    if not plain.endswith(tuple(b"/" + file.lower() for file in _OF_ANY)) and name not in _linked(
        trees, environment
    ):
        return ""
    old = _settings_text(name)
    if not edit.known:
        return "holds an agent's settings, and what would be written there is not known"
    new = edit.content or b""
    if b"specguard" in old.lower() and new != old:
        return "holds the settings by which an agent's program runs specguard"
    if gone:
        return ""
    if plain.endswith(b"/.env") and new != old:
        return "holds variables of the environment in which an agent's hooks run"
    try:
        after = _running(new, name)
    except _UnreadableSettings:
        return "holds an agent's settings, and what would be written there cannot be read"
    try:
        before = _running(old, name)
    except _UnreadableSettings:
        before = set()
    if after != before:
        return "would switch off or change what an agent's program runs: hooks, plugins, environment, trust"
    return ""


def _known_files(trees: Sequence[WorkTree], environment: Mapping[str, str]) -> Iterator[bytes]:
    """The settings of the guarded working trees and of the home folder, whether they are there or not."""
    home = os.fsencode(environment.get("HOME", "/"))
    for root in (*(tree.root for tree in trees), home):
        for file in _OF_ANY:
            yield root.rstrip(b"/") + b"/" + file


def _linked(trees: Sequence[WorkTree], environment: Mapping[str, str]) -> set[bytes]:
    """Where settings are that are links, or in folders that are."""
    return {
        os.path.realpath(file)
        for file in _known_files(trees, environment)
        if os.path.islink(file) or os.path.islink(os.path.dirname(file))
    }


def _running(text: bytes, name: bytes) -> set[tuple[str, str]]:
    """What settings have under keys by which programs are run, each with the keys that lead to it.

    Raises:
        _UnreadableSettings: they are neither JSON nor TOML, as their name says.
    """
    if not text.strip():
        return set()
    try:
        plain = text.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        if name.lower().endswith(b".toml"):
            import tomllib

            data: Any = tomllib.loads(plain)
        else:
            import json

            data = json.loads(plain, object_pairs_hook=_once)
        # Each key of a list of folders that are trusted is a folder.
        return set(_found(data, (), running=name.lower().endswith(b"/trustedfolders.json")))
    except (ValueError, RecursionError) as error:
        raise _UnreadableSettings from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise _UnreadableSettings
    return data


def _found(data: Any, keys: tuple[str, ...], *, running: bool) -> Iterator[tuple[str, str]]:
    if len(keys) > _DEEPEST:
        raise _UnreadableSettings
    if isinstance(data, dict):
        if running and not data:
            yield repr(keys), "{}"
        for key, value in data.items():
            inner = running or bool(re.search(_RUNNING, key)) or (not keys and key.lower() in _FIRST)
            yield from _found(value, (*keys, key), running=inner)
    elif isinstance(data, list):
        if running and not data:
            yield repr(keys), "[]"
        for index, value in enumerate(data):
            yield from _found(value, (*keys, str(index)), running=running)
    elif running:
        yield repr(keys), repr(data)


def _settings_text(file: bytes) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(_SETTINGS_LIMIT)
    except (OSError, ValueError):
        return b""


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
    texts = [_beginning(file) for file in (*files, config + b"/git/config")]
    if not any(b"hookspath" in text or b"include" in text for text in texts):
        # Asking git would cost more than all else here.
        return b""

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
    old = _beginning(name)
    if b"specguard" not in old:
        return False
    if not edit.known or edit.content is None or edit.executable is not None:
        return True
    return edit.content.lower() != old


def _beginning(file: bytes) -> bytes:
    """The beginning of a file in small letters; empty where there is none."""
    try:
        with open(file, "rb") as stream:
            return stream.read(_LIMIT).lower()
    except (OSError, ValueError):
        return b""


def ignored_paths(verdict: Verdict, root: bytes, environment: Mapping[str, str]) -> set[bytes]:
    """The paths of a verdict's findings that git does not track and ignores.

    Args:
        verdict: a verdict about edits.
        root: the root of the working tree.
        environment: the hook's environment.
    """
    paths = {
        judged.finding.path
        for judged in verdict.findings
        if judged.finding.path is not None and judged.finding.side is None
    }
    if not paths or not _has_ignore(root, paths):
        return set()
    repository = Repository.locate(os.fsdecode(root), environment)
    with Git(repository) as git:
        index = repository.index if os.path.exists(repository.index) else f"{git.folder}/index"
        process = git.start(
            "check-ignore", "-z", "--stdin",
            # With `./` in front no name has a meaning of its own.
            stdin=b"".join(b"./" + path + b"\0" for path in sorted(paths)), index=index,
            work_tree=os.fsdecode(root), literal=False,
        )  # fmt: skip
        said = b""
        try:
            while chunk := process.chunk():
                said += chunk
            process.wait()
        finally:
            process.stop()
    return paths.intersection(name.removeprefix(b"./") for name in said.split(b"\0"))


def _has_ignore(root: bytes, paths: set[bytes]) -> bool:
    """Whether a `.gitignore` is above one of these paths."""
    folders = {b""}
    for path in paths:
        folder = os.path.dirname(path)
        while folder:
            folders.add(folder)
            folder = os.path.dirname(folder)
    return any(os.path.lexists(os.path.join(root, folder, b".gitignore")) for folder in folders)
