"""The agents' settings: which changes of them would take the guard away, or lead an agent past it.

A hook among them that runs specguard is not the only thing that counts. Other hooks may change a call after
it was judged, a variable of the environment may lead to another specguard, and a folder that is not trusted
has no hooks at all. So an agent changes nothing of theirs by which programs are run or trusted.
"""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.places import is_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.request import FileEdit
    from specguard.integrations.hooks.places import WorkTree

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

_LIMIT: Final = 1 << 20
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
            if is_below(file, name) and b"specguard" in _text(file).lower():
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
    old = _text(name)
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


def _text(file: bytes) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(_LIMIT)
    except (OSError, ValueError):
        return b""
