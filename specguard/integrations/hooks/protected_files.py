"""Files that an agent may never write, as they decide whether a check takes place.

These are git's own folder, the folder of git's hooks, the agents' settings, the organisation's floor,
specguard's installation and its cache. In an agent's settings, more than the hook that runs specguard
matters. Other hooks may change a call after it was judged. An environment variable may lead to another
specguard. An untrusted folder has no hooks at all. So an agent may not change settings that define which
programs run or are trusted.
"""

from __future__ import annotations

import os
import re
import sys

from specguard.change.check_request import FLOOR, FileEdit
from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.repository import Repository
from specguard.integrations.hooks.dialects import AGENTS, UnreadableError, parse
from specguard.integrations.hooks.tool_calls import Checkout, is_below, read_beginning
from specguard.model import TYPE_CHECKING, Verdict, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final


PROJECT_FOLDERS: Final = tuple(f".{agent}".encode() for agent in AGENTS)
"""The folders of the agents' settings in a project."""

SETTINGS_FILES: Final = (
    b".claude/settings.json", b".claude/settings.local.json", b".codex/hooks.json", b".codex/config.toml",
    b".gemini/settings.json", b".gemini/.env", b".gemini/trustedFolders.json", b".cursor/hooks.json",
    b".claude.json",
)  # fmt: skip
"""The agents' settings files, relative to a project or a home folder."""

_MOVED_FOLDERS: Final = {"CLAUDE_CONFIG_DIR": b".claude/", "CODEX_HOME": b".codex/"}
"""The variables that name another folder for an agent's settings in the home folder."""

SYSTEM_FOLDERS: Final = (b"/etc/claude-code", b"/etc/codex", b"/etc/gemini-cli", b"/etc/cursor")
"""The folders of settings for all users."""

_RUNNING_KEYS: Final = r"(?i)hook|trust|plugin|marketplace|environment|helper|^projects$|^profiles?$"
"""Keys that make programs run or trusted; compiled only if settings are written."""

_TOP_KEYS: Final = frozenset({"env", "statusline"})
"""Further keys of this kind, only at the top level."""

GUARD_RULES: Final = frozenset({"PTH001", "PTH002", "PTH004", "PTH005", "PTH006"})
"""Rules that also apply to files that git ignores: nobody may write these, tracked or not."""

_MESSAGES: Final = frozenset({b"COMMIT_EDITMSG", b"MERGE_MSG", b"SQUASH_MSG", b"TAG_EDITMSG"})
"""Files in git's own folder that may be written: git hooks judge their texts later."""

_LIMIT: Final = 1 << 20

_HOOKS: Final = (b"pre-commit", b"commit-msg", b"pre-push")

_PROGRAMS: Final = frozenset({b"specguard", b"git"})
"""Programs that a hook calls by name; a file of this name in a folder of `PATH` could replace them."""


def refusal_reason(
    edit: FileEdit, names: Sequence[bytes], trees: Sequence[Checkout], environment: Mapping[str, str]
) -> str:
    """Return the reason why an agent must not write a file; empty if it may.

    Args:
        edit: the edit.
        names: the absolute names of the file.
        trees: the guarded working trees.
        environment: the variables that locate the home folder and the cache.
    """
    for name in names:
        reason = (
            _why_git_folder(name, trees, gone=edit.removes)
            or _why_hook(edit, name, trees, environment)
            or _why_settings(edit, name, trees, environment)
            or _why_installation(name, trees, environment, gone=edit.removes)
            or _why_floor(name, environment, gone=edit.removes)
        )
        if reason:
            return f"{path_text(name)} {reason}"
    return ""


def _why_git_folder(name: bytes, trees: Sequence[Checkout], *, gone: bool) -> str:
    reason = "is in git's own folder, where hooks and settings decide whether anything is checked"
    for tree in trees:
        for folder in (tree.git_dir, tree.common):
            if gone and is_below(folder, name):
                return "holds git's own folder, and would be gone with it"
            if _belongs_to(folder, name, trees):
                file = name.removeprefix(tree.git_dir + b"/")
                # Git itself advises to remove the lock of a git process that was killed.
                return "" if file in _MESSAGES or (gone and file == b"index.lock") else reason
        # The whole repository of somebody else may go, as the folder around it.
        path = os.path.dirname(name) if gone and not os.path.isfile(name) else name
        if is_below(path, tree.root) and b".git" in path[len(tree.root) :].lower().split(b"/"):
            return reason
    return ""


def _belongs_to(folder: bytes, name: bytes, trees: Sequence[Checkout]) -> bool:
    """True if a name is inside a folder, but in no working tree there, whose files are ordinary files.

    A worktree may be inside git's own folder, a checkout inside a virtual environment, and the place of a run
    inside the cache.
    """
    own = [tree.root for tree in trees if is_below(tree.root, folder)]
    return is_below(name, folder) and not any(is_below(name, root) for root in own)


def _why_hook(edit: FileEdit, name: bytes, trees: Sequence[Checkout], environment: Mapping[str, str]) -> str:
    """Return the reason if the file is a hook that runs specguard, in the folder of `core.hooksPath`."""
    for tree in trees:
        files = [tree.common + b"/config", tree.git_dir + b"/config.worktree", *_git_settings(environment)]
        texts = [read_beginning(file, _LIMIT).lower() for file in files]
        if not any(b"hookspath" in text or b"include" in text for text in texts):
            # Asking git would cost more than everything else here.
            continue
        repository = Repository(os.fsdecode(tree.root), environment)
        process = repository.spawn("config", "-z", "--type=path", "--get", "core.hooksPath", user=True)
        path = process.drain().rstrip(b"\0")
        folder = os.path.realpath(os.path.join(tree.root, path))
        gone = edit.removes and is_below(folder, name)
        if path and (gone or is_below(name, folder)):
            # The hooks in the folder `_` of husky run the scripts in the folder above.
            places = [folder + b"/"] * gone + [folder[:-1]] * folder.endswith(b"/_")
            files = [name, *(place + hook for place in places for hook in _HOOKS)]
            runs = any(b"specguard" in read_beginning(file, _LIMIT).lower() for file in files)
            if runs and not (edit.known and edit.content == read_beginning(name, _LIMIT)):
                return f"{'holds' if gone else 'is'} a hook of git that runs specguard (core.hooksPath)"
    return ""


def _why_settings(
    edit: FileEdit, name: bytes, trees: Sequence[Checkout], environment: Mapping[str, str]
) -> str:
    """Return the reason if the edit would change which programs an agent's or git's settings run or trust."""
    if name in _git_settings(environment):
        return "holds git's settings, by which it may run other hooks, or none"
    roots = (*(tree.root for tree in trees), _home(environment))
    files = [root.rstrip(b"/") + b"/" + file for root in roots for file in SETTINGS_FILES]
    for variable, usual in _MOVED_FOLDERS.items():
        named = os.fsencode(environment.get(variable) or "/nonexistent")
        for folder in (os.path.abspath(named), os.path.realpath(named)):
            files += [os.path.join(folder, one[len(usual) :]) for one in SETTINGS_FILES if usual in one]
    plain = name.lower()
    reason = "holds the settings by which an agent's program runs specguard"
    gone = [file for file in files if edit.removes and is_below(file, name)]
    if any(b"specguard" in read_beginning(file, _LIMIT).lower() for file in gone):
        return reason
    if any(is_below(plain, folder) for folder in SYSTEM_FOLDERS):
        return "holds settings of all users' agents"
    if not edit.removes and plain.rpartition(b"/")[2] in PROJECT_FOLDERS:
        return "is where an agent's settings are, and would be something else"
    if not _is_settings_file(name, files):
        return ""
    if not edit.known:
        return "holds an agent's settings, and what would be written there is not known"
    old = read_beginning(name, _LIMIT)
    ours = reason if b"specguard" in old.lower() else ""
    return ours if edit.removes else _why_content(edit.content or b"", old, plain, ours)


def _is_settings_file(name: bytes, files: Sequence[bytes]) -> bool:
    """True if a file has the name of an agent's settings, is one of `files`, or is where their links lead."""
    endings = tuple(b"/" + file.lower() for file in SETTINGS_FILES)
    links = (file for file in files if os.path.islink(file) or os.path.islink(os.path.dirname(file)))
    return name.lower().endswith(endings) or name in {*files, *map(os.path.realpath, links)}


def _why_content(new: bytes, old: bytes, name: bytes, ours: str) -> str:
    """Return the reason if new content of an agent's settings changes what programs run.

    Args:
        new: the content after the edit.
        old: the content before it.
        name: the file's absolute name, in lower case.
        ours: the reason for settings that run specguard; empty for others.
    """
    if name.endswith(b"/.env") and new != old:
        return "holds variables of the environment in which an agent's hooks run"
    after, before = (_running_settings(text, name, whole=bool(ours)) for text in (new, old))
    if after is None:
        return "holds an agent's settings, and what would be written there cannot be read"
    if after != (before or "[]") or (ours and before is None and new != old):
        what = "hooks, plugins, environment, trust"
        return ours or f"would switch off or change what an agent's program runs: {what}"
    return ""


def _running_settings(text: bytes, name: bytes, *, whole: bool) -> str | None:
    """Return the values of settings under keys that run programs, as JSON; None if they are unreadable.

    Of a file that runs specguard, the whole counts but for the model and permissions, which stay the agent's.
    """
    import json

    try:
        if name.endswith(b".toml"):
            import tomllib

            data: Any = tomllib.loads(text.decode("utf-8"))
        else:
            data = parse(text if text.strip() else b"{}")
        # Every key in a list of trusted folders is a folder.
        if whole and isinstance(data, dict):
            values = [{key: value for key, value in data.items() if key not in ("model", "permissions")}]
        else:
            values = [data] if name.endswith(b"/trustedfolders.json") else _running_values(data, top=True)
        return json.dumps(values, sort_keys=True, default=str)
    except (ValueError, RecursionError, UnreadableError):
        return None


def _running_values(data: Any, *, top: bool = False) -> list[Any]:
    """Return each value under a key that makes programs run, with the keys that lead to it."""
    if not isinstance(data, (dict, list)):
        return []
    found = []
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        named = isinstance(key, str) and (re.search(_RUNNING_KEYS, key) or (top and key.lower() in _TOP_KEYS))
        inner = [value] if named else _running_values(value)
        found += [[key, inner]] if inner else []
    return sorted(found, key=str)


def _git_settings(environment: Mapping[str, str]) -> set[bytes]:
    """Return the files of git's settings of the user and the system, and those that their links lead to."""
    home = os.path.realpath(_home(environment))
    xdg, named = (os.fsencode(environment.get(key, "")) for key in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"))
    folders = [home + b"/.config", *([os.path.realpath(xdg)] if xdg.startswith(b"/") else [])]
    files = [b"/etc/gitconfig", home + b"/.gitconfig", *(folder + b"/git/config" for folder in folders)]
    # A link or a variable may lead to a device, which is no file of settings.
    return {*files, *map(os.path.realpath, filter(os.path.isfile, [*files, named]))}


def _why_installation(
    name: bytes, trees: Sequence[Checkout], environment: Mapping[str, str], *, gone: bool
) -> str:
    for folder in _installed_folders(trees):
        if _belongs_to(folder, name, trees) or (gone and is_below(folder, name)):
            return "belongs to specguard's installation"
    folders = [one for one in os.fsencode(environment.get("PATH", "")).split(b":") if one.startswith(b"/")]
    if os.path.basename(name) in _PROGRAMS and os.path.dirname(name) in map(os.path.realpath, folders):
        return "would be run in place of a program that the guard consists of"
    cache = os.fsencode(environment.get("XDG_CACHE_HOME", ""))
    cache = (cache if cache.startswith(b"/") else _home(environment) + b"/.cache") + b"/specguard"
    for folder in (os.path.realpath(cache), cache):
        # A run's agent works in a place there; no other tree in the cache has ordinary files.
        if _belongs_to(folder, name, [one for one in trees[:1] if one.root.startswith(folder + b"/places/")]):
            return "is in the cache from which specguard reads policies"
    return ""


def _why_floor(name: bytes, environment: Mapping[str, str], *, gone: bool) -> str:
    floor = os.fsencode(environment.get(FLOOR, ""))
    files = (os.path.normpath(floor), os.path.realpath(floor)) if floor.startswith(b"/") else ()
    is_floor = name in files or (gone and any(is_below(file, name) for file in files))
    return f"is the organisation's floor, which {FLOOR} names" if is_floor else ""


def _installed_folders(trees: Sequence[Checkout]) -> list[bytes]:
    """Return the installation's folders: the virtual environment, and all packages or specguard's own."""
    import specguard

    package = os.path.dirname(os.path.realpath(os.fsencode(specguard.__file__)))
    packages = os.path.dirname(package)
    found = [os.path.realpath(os.fsencode(sys.prefix))] if sys.prefix != sys.base_prefix else []
    if os.path.basename(packages) in (b"site-packages", b"dist-packages"):
        found.append(packages)
    elif not any(is_below(package, tree.root) for tree in trees):
        # Inside a working tree, the package is under development.
        found.append(package)
    return found


def _home(environment: Mapping[str, str]) -> bytes:
    return os.fsencode(environment.get("HOME", "/nonexistent"))


def drop_ignored(verdict: Verdict, root: bytes, environment: Mapping[str, str]) -> None:
    """Remove what rules that guard no paths find in untracked files that git ignores.

    Args:
        verdict: a verdict on edits or on a working tree.
        root: the root of the working tree.
        environment: the hook's environment.
    """
    results = [result for result in verdict.results if result.findings and result.code not in GUARD_RULES]
    found = [judged.finding for result in results for judged in result.findings]
    paths = sorted({one.path for one in found if one.path is not None and one.side is None})
    if not paths:
        return
    from specguard.change.worktree import copy_ignore_lists

    repository = Repository.locate(os.fsdecode(root), environment)
    with Git(repository) as git:
        copy_ignore_lists(git, f"{repository.common}/info/exclude")
        index = repository.index if os.path.exists(repository.index) else f"{git.folder}/index"
        process = git.start(
            "--no-literal-pathspecs", "check-ignore", "-z", "--stdin",
            # With the prefix `./`, no path has a special meaning.
            stdin=b"".join(b"./" + path + b"\0" for path in paths), index=index,
            work_tree=os.fsdecode(root),
        )  # fmt: skip
        try:
            ignored = {name.removeprefix(b"./") for name in process.read().split(b"\0")}
        except CommandError:
            return
    for result in results:
        result.keep([one for one in result.findings if one.finding.path not in ignored])
