"""What of the user's an agent could reach and change: what a run must leave as it is, and what is to be told.

Nothing is run here but git on specguard's own directories, and `for-each-ref` and `rev-parse` in the user's.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from specguard.executor.git import RUN_REFS
from specguard.executor.place_files import strays
from specguard.executor.seen_files import content_of, files_below, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard.change.repository import Repository
    from specguard.executor.run import Run
    from specguard.executor.seen_files import State

_CONFIGURATION: Final = (
    "config.worktree", "info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout",
    "objects/info/alternates",
)  # fmt: skip
_EVERYDAY: Final = ("HEAD", "shallow", "logs/refs/stash")


def user_state(run: Run) -> State:
    """The user's refs, configuration, hooks, index and working files, and git's settings in their home.

    With them what is no run's in the folder of places.

    Raises:
        SpecguardError: the repository cannot be read.
    """
    repository = run.git.repository
    state = dict(_refs(repository))
    for name in (*_CONFIGURATION, *_EVERYDAY):
        kind = "git" if name in _EVERYDAY else "config"
        state[f"{kind} {name}"] = content_of(os.path.join(repository.common, name))
    state["config config"], state["git config"] = _settings(repository)
    linked = os.path.join(repository.common, "worktrees")
    heads = [repository.git_dir, repository.common]
    if os.path.isdir(linked):
        heads += [os.path.join(linked, name) for name in os.listdir(linked)]
    for folder in heads:
        for name in ("HEAD", "config.worktree", "info/sparse-checkout"):
            path = os.path.join(folder, name)
            kind = "git" if name in _EVERYDAY else "config"
            state[f"{kind} {os.path.relpath(path, repository.common)}"] = content_of(path)
    hooks = _read(repository, "rev-parse", "--path-format=absolute", "--git-path", "hooks").rstrip("\n")
    for folder in {hooks, os.path.join(repository.common, "hooks")}:
        for name in files_below(folder):
            state[f"hook {os.path.join(folder, name)}"] = content_of(os.path.join(folder, name))
    for path in {*_home_files(repository), *_settings_files(repository)}:
        state[f"home {path}"] = content_of(path)
    state.update(_working_files(run))
    places = os.path.dirname(run.manifest.place or "")
    state.update((f"beside {os.path.join(places, name)}", "there") for name in strays(places))
    return state


def _refs(repository: Repository) -> Iterator[tuple[str, str]]:
    said = _read(repository, "for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    for line in said.split("\n"):
        name, _, value = line.partition(" ")
        # Other runs come and go beside this one.
        if name and not name.startswith(RUN_REFS):
            yield f"ref {name}", value


def _read(repository: Repository, *arguments: str) -> str:
    """What git says in the user's repository; also its complaints, of a broken ref for example."""
    process = repository.in_place(*arguments, user=True)
    pieces = []
    try:
        while data := process.chunk():
            pieces.append(data)
        process.wait()
    finally:
        process.stop()
    return b"".join(pieces).decode("utf-8", "surrogateescape") + process.said


def _home_files(repository: Repository) -> Iterator[str]:
    home = repository.environment.get("HOME", "")
    settings = repository.environment.get("XDG_CONFIG_HOME", "")
    if home and not settings:
        settings = os.path.join(home, ".config")
    if home:
        yield os.path.join(home, ".gitconfig")
    if settings:
        for name in ("config", "attributes", "ignore"):
            yield os.path.join(settings, "git", name)


def _settings_files(repository: Repository) -> Iterator[str]:
    """The files that the user's settings come from, those that others include too."""
    said = _read(repository, "config", "--list", "--show-origin", "--name-only", "-z")
    for origin in set(said.split("\0")[::2]):
        path = origin.removeprefix("file:")
        # A relative one is the repository's own, which is seen already.
        if path != origin and os.path.isabs(path):
            yield path


def _settings(repository: Repository) -> tuple[str, str]:
    """What tells the repository's own settings from any other, and apart from them those of its branches.

    Git and editors write the latter whenever somebody works. One that names a remote which is not set up
    counts among the others.
    """
    path = os.path.join(repository.common, "config")
    said = _read(repository, "config", "--file", path, "--no-includes", "--list", "-z").split("\0")
    remotes = {".", *(one.partition(".url\n")[0][7:] for one in said if one.startswith("remote."))}
    digests = hashlib.sha256(str(os.path.islink(path)).encode()), hashlib.sha256()
    for entry in said:
        key, _, value = entry.partition("\n")
        everyday = key.startswith("branch.") and (not key.endswith("remote") or value in remotes)
        digests[everyday].update(f"{entry}\0".encode("utf-8", "surrogateescape"))
    return digests[0].hexdigest(), digests[1].hexdigest()


def _working_files(run: Run) -> Iterator[tuple[str, str]]:
    repository = run.git.repository
    root = os.fsencode(repository.work_tree())
    listed = b""
    if os.path.exists(repository.index):
        process = run.git.start("ls-files", "-s", "-v", "-z", index=repository.index)
        listed = run.git.read(process, "your index")
    yield "index", hashlib.sha256(listed).hexdigest()
    exclude = os.path.join(repository.common, "info", "exclude")
    others = run.git.read(
        run.git.start(
            "ls-files", "-o", "-z", "--exclude-per-directory=.gitignore",
            *([f"--exclude-from={exclude}"] if os.path.isfile(exclude) else []),
            index=repository.index, work_tree=os.fsdecode(root),
        ),
        "your working files",
    )  # fmt: skip
    paths = {record.partition(b"\t")[2] for record in listed.split(b"\0")[:-1]}
    paths.update(others.split(b"\0")[:-1])
    runs = _runs_folders(run, root)
    for path in sorted(paths):
        if not path.startswith(runs):
            yield f"file {os.fsdecode(path)}", status_of(os.path.join(root, path))


def _runs_folders(run: Run, root: bytes) -> tuple[bytes, ...]:
    """What the paths of runs begin with, from the root of the checkout: they are specguard's to write."""
    item = os.path.dirname(os.path.realpath(os.fsencode(run.folder.path)))
    folders = [run.policy.declared("run_settings").folder]
    for kept in (os.path.dirname(item), item):
        inside = os.path.relpath(kept, os.path.realpath(root))
        if inside != b"." and not inside.startswith(b".."):
            folders.append(inside + b"/")
    return tuple(folder for folder in folders if folder != b"/")
