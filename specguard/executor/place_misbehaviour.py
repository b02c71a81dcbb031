"""What was done to a place's `.git`, in words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.executor.place_state import place_state
from specguard.model import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard.executor.place import Place
    from specguard.executor.seen_files import State

_KEPT_FILES: Final = {
    "info/exclude": "hid files of its place by info/exclude",
    "info/attributes": "set attributes of files by info/attributes",
    "info/grafts": "rewrote history by a graft",
    "info/sparse-checkout": "made its place a sparse checkout",
    "objects/info/alternates": "changed where its place borrows objects from",
    "objects/info/http-alternates": "changed where its place borrows objects from",
    "shallow": "changed where history ends in its place",
    "config.worktree": "changed the configuration of its place",
}


def misbehaviour(place: Place, before: State) -> Iterator[str]:
    """Each thing that was done there and should not have been, as a sentence without its subject.

    Args:
        place: the place; its folder is there.
        before: how it was.
    """
    top = os.path.join(place.path, ".git")
    if not os.path.lexists(top):
        yield "deleted the .git of its place"
        return
    if os.path.islink(top) or not os.path.isdir(top):
        yield "put something else in the place of its .git, which leads to another repository"
        return
    after = place_state(place)
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    told: set[str] = set()
    if "HEAD" in changed:
        yield _head(place, os.path.join(top, "HEAD"))
    for name in changed:
        for sentence in _difference(place, name, after):
            if sentence not in told:
                told.add(sentence)
                yield sentence
    if not changed:
        yield from _hidden(place)


def _head(place: Place, path: str) -> str:
    head = _text(path).strip()
    if not head:
        return "deleted the HEAD of its place"
    if head.startswith("ref:"):
        name = head[4:].strip()
        return f"switched its place to the branch {name.removeprefix('refs/heads/')}"
    parents = place.git.agents_parents(head) if len(head) == len(place.base) and head.isalnum() else None
    if parents is not None and place.base in parents:
        return f"committed by itself ({head[:12]})"
    if parents is not None and parents == list(place.git.commit(place.base).parents):
        return f"amended the base's commit ({head[:12]})"
    return f"moved the HEAD of its place to {head[:12]}, which is not the base"


def _difference(place: Place, name: str, after: State) -> Iterator[str]:
    gone = name not in after
    if name == "HEAD":
        return
    if name.startswith("own "):
        yield f"changed specguard's own folder beside its place ({name[4:]})"
    elif name.startswith("refs/"):
        yield _ref(name)
    elif name == "packed-refs":
        for line in _text(os.path.join(place.path, ".git", name)).split("\n"):
            if " refs/" in line:
                yield _ref(line.partition(" ")[2])
    elif name.startswith("hooks/"):
        yield f"wrote the hook {name[6:]}"
    elif name == "config":
        yield from _settings(place) if not gone else ["deleted the configuration of its place"]
    elif name == "index":
        yield "made the index of its place a link, or something else that is no file"
    elif name in _KEPT_FILES:
        yield _KEPT_FILES[name]
    elif name.startswith("worktrees/"):
        yield "linked another working tree to its place"
    elif name.startswith("modules/"):
        yield "fetched a submodule into its place"
    else:
        yield f"changed .git/{name} of its place"


def _ref(name: str) -> str:
    for prefix, what in (
        ("refs/heads/", "made the branch"),
        ("refs/tags/", "made the tag"),
        ("refs/replace/", "replaced an object by a replace ref for"),
        ("refs/remotes/", "made the remote branch"),
    ):
        if name.startswith(prefix):
            return f"{what} {name[len(prefix) :]}"
    return "kept changes in the stash" if name == "refs/stash" else f"made the ref {name}"


def _settings(place: Place) -> Iterator[str]:
    """What the configuration of the place says that specguard did not write there."""
    path = os.path.join(place.path, ".git", "config")
    if not os.path.isfile(path):
        yield "made the configuration of its place something that is no file"
        return
    try:
        said = place.git.run("config", "--file", path, "--no-includes", "--list", "-z")
    except SpecguardError:
        yield "left a configuration of its place that cannot be read"
        return
    own = place.git.run("config", "--file", os.path.join(place.own, "config"), "--list", "-z")
    known = set(own.split(b"\0"))
    told = False
    for setting in said.split(b"\0"):
        key = setting.partition(b"\n")[0]
        if setting in known or key in (b"core.bare", b"core.logallrefupdates"):
            continue
        told = True
        if key.startswith(b"remote."):
            yield f"added the remote {path_text(key[7:].rpartition(b'.')[0])}"
        else:
            yield f"set {path_text(key)} in its place"
    if not told:
        yield "changed the configuration of its place"


def _hidden(place: Place) -> Iterator[str]:
    """Files that git was told not to look at, and repositories that were staged like submodules."""
    git = place.git
    if not os.path.exists(place.index):
        return
    try:
        listed = git.run("ls-files", "-s", "-v", "-z", index=place.index)
        base = git.run("ls-files", "-s", "-z", index=git.repository.index)
    except SpecguardError:
        yield "left an index of its place that cannot be read"
        return
    modules = {record.partition(b"\t")[2] for record in base.split(b"\0") if record.startswith(b"160000 ")}
    for record in listed.split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode = header.split(b" ")[:2]
        if tag.islower():
            yield f"hid {path_text(path)} from git (assume-unchanged)"
        elif tag == b"S":
            yield f"hid {path_text(path)} from git (skip-worktree)"
        elif mode == b"160000" and path not in modules:
            yield f"staged a repository within its place, {path_text(path)}"


def _text(path: str) -> str:
    """The beginning of a file; empty where there is none. Of a pipe nothing is read: it might never end."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20)
