"""The watch over an agent: the state before it began is compared with the state after.

A program that runs in the place may edit files there, and nothing else. Only specguard makes commits. So
`HEAD`, refs, configuration, hooks and the rest of the place's `.git` must stay unchanged. The user's
configuration and hooks must stay unchanged, too. None of the user's refs may point to objects that were made
in the place. Other changes in the user's checkout may be their own work, and are noted. The inspection itself
runs nothing that was left in the place.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from specguard.change.entries import text_digest
from specguard.change.process import CommandError
from specguard.change.repository import SUFFIX, Repository
from specguard.executor.place import BEFORE, RUN_REFS, Place, new_place, strays
from specguard.executor.run import Run, RunEnded
from specguard.model import Record, listed, path_text

State = dict[str, str]
"""The observed values, by name: `ref refs/heads/main`, `git config`, `file src/a.py`."""

_DIGESTED: Final = 4 << 20
"""The largest size, in bytes, of a file that is compared by content; larger ones by size and times."""

_COMMITTED: Final = "committed by itself"
_MOST_NAMED: Final = 5
"""The largest number of side effects named in one sentence; the rest are counted."""


class Before(Record):
    """The state before the agent began.

    Attributes:
        user: the state of the user's repository.
        place: the state of the place's `.git`, and of specguard's own folder for the place.
        size: the bytes that the place took.
        heads: the remote's branches and tags; None if they were not read.
    """

    user: State
    place: State
    size: int
    heads: Mapping[str, str] | None = None


def make_place(run: Run) -> None:
    """Make the place of a run, and record the state of the place and of the user's repository.

    Raises:
        SpecguardError: the place cannot be made.
    """
    place = new_place(run)
    state, size = _place_state(place), _size_of(place.path)
    _record(place, Before(user=_user_state(run), place=state, size=size, heads=run.heads))


def open_place(run: Run) -> None:
    """Open the place of a resumed run.

    The place is still compared with its state before the agent began. The user's repository is compared with
    its current state.

    Args:
        run: the run, whose place exists; its `made_place` is set.

    Raises:
        RunEnded: the recorded state is missing or damaged.
    """
    base, environment = run.manifest.repository.start, run.git.repository.environment
    run.made_place = place = Place(run.manifest.place or "", base=base, environment=environment)
    before = read_before(place)
    run.heads = before.heads
    _record(place, Before(user=_user_state(run), place=before.place, size=before.size, heads=before.heads))


def read_before(place: Place) -> Before:
    """Return the recorded state before the agent began.

    Raises:
        RunEnded: the record is missing or damaged.
    """
    try:
        return Before(**json.loads(Path(place.own_folder, BEFORE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        message = "specguard's own folder beside the run's place was changed: what it remembered is gone"
        raise RunEnded(message, help="start a new run", code="place-spoiled") from error


def _record(place: Place, state: Before) -> None:
    os.replace(place.write(f"{BEFORE}.new", json.dumps(vars(state)).encode()), f"{place.own_folder}/{BEFORE}")


def _size_of(path: str) -> int:
    """Return the bytes that a place takes on disk, including its `.git`."""
    size = 0
    # Unreadable files are reported when they are hashed; vanished files need no report.
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            with suppress(OSError):
                size += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return size


def inspect(run: Run, worker: str = "the agent") -> None:
    """Check that the program that worked in the place changed files there and nothing else.

    All its processes must have ended. The index in the place's `.git` is reset to the base.

    Args:
        run: the run; `make_place` recorded the state before.
        worker: who worked there, for messages, such as `a gate`.

    Raises:
        RunEnded: the program had other side effects, which the reason names.
        SpecguardError: the user's repository cannot be read.
    """
    place = run.place
    before = read_before(place)
    there = os.path.isdir(place.path)
    forbidden = list(dict.fromkeys(_misbehaviour(place, before.place))) if there else ["deleted its place"]
    outside = _changes_outside(run, place, before.user, _user_state(run))
    if forbidden or outside:
        parts = [f"{worker} {listed(forbidden, _MOST_NAMED, '; ')}"] if forbidden else []
        parts += [f"while {worker} worked, {listed(outside, _MOST_NAMED, '; ')}"] if outside else []
        actions = ["undo what was not you"] if outside else []
        if commands := _moving_head_back(place, forbidden):
            actions.append(f"keep its files, without the commit: {commands}")
        elif there and forbidden:
            clean = run.folder.command("clean")
            actions.append(f"undo that in {place.path}, or remove it with all its files: {clean}")
        help = "; ".join([*actions, f"go on with: {run.folder.command('resume')}"])
        raise RunEnded("; ".join(parts), help=help, code="place-spoiled")
    check_size(run, worker)
    place.reset_index()


def _moving_head_back(place: Place, forbidden: Sequence[str]) -> str:
    """Return commands that undo an agent's own commits or branch and keep its files; empty if it did more."""
    moved, *others = forbidden or [""]
    branch = moved.partition(" ref: refs/heads/")[2]
    alone = others in ([], [f"added .git/refs/heads/{branch} of its place"])
    if not (alone and (branch or moved.startswith(_COMMITTED))):
        return ""
    git = shlex.join(["git", "-C", place.path, "update-ref"])
    removal = f" && {git} -d {shlex.quote(f'refs/heads/{branch}')}" if branch else ""
    return f"{git} --no-deref HEAD {place.base}{removal}"


def check_size(run: Run, worker: str = "the agent") -> None:
    """Check that a place is within its size limit.

    Args:
        run: the run; its place is made.
        worker: who works there, for messages.

    Raises:
        RunEnded: the place is too large.
    """
    place, limit = run.place, run.settings.place_limit
    grown = _size_of(place.path) - read_before(place).size
    if grown > limit << 20:
        message = f"{worker} filled its place with {grown >> 20} MiB, and [runs] place_limit allows {limit}"
        help = "raise [runs] place_limit, or tell the agent what not to keep"
        raise RunEnded(message, state="budget-spent", help=help, code="size-limit")


_CHANGES_NOTE: Final = "In your checkout, while the run went on: "
_GUARDED_NOTE: Final = "Guarded paths of your checkout, while the run went on: "
_MOST_GUARDED: Final = 50
_SUBJECTS: Final = {
    "ref": "your ref {}",
    "config": ".git/{} of your repository",
    "git": ".git/{} of your repository",
    "hook": "your hook {}",
    "home": "your {}",
    "index": "your index",
    "file": "your file {}",
    "beside": "{}, beside the place,",
}


def _changes_outside(run: Run, place: Place, before: State, after: State) -> list[str]:
    """Return forbidden changes to the user's repository and settings; note those that may be their own."""
    forbidden, noted, guarded = [], [], []
    for name in sorted(before.keys() | after.keys(), key=lambda one: (one.startswith("file "), one)):
        old, new = before.get(name, ""), after.get(name, "")
        what, _, rest = name.partition(" ")
        if old == new or (what == "beside" and not new):
            continue
        # Of a file of settings only some may be new or gone.
        is_there = (old and new) or name in ("git config", "config config")
        verb = "was changed" if is_there else "appeared" if new else "is gone"
        rest = path_text(os.fsencode(rest))
        change = f"{_SUBJECTS[what].format(rest)} {verb}"
        agents = what == "ref" and (place.has_made(new.split(" ")[0]) or rest.startswith("refs/replace/"))
        if agents or what not in ("ref", "git", "index", "file"):
            forbidden.append(change)
            continue
        noted.append(change)
        if what == "file" and (guard := run.policy.guards.find(os.fsencode(name[5:]))):
            guarded.append(f"{rest} {verb} ({guard.rule})")
    for prefix, found, most in ((_CHANGES_NOTE, noted, _MOST_NAMED), (_GUARDED_NOTE, guarded, _MOST_GUARDED)):
        if found:
            run.note(f"{prefix}{listed(found, most, '; ')}.", instead_of=prefix)
    return forbidden


_EVERYDAY: Final = (
    "index", "ORIG_HEAD", "AUTO_MERGE", "COMMIT_EDITMSG", "FETCH_HEAD", "MERGE_MSG", "SQUASH_MSG",
    "REVERT_HEAD", "description", "info/refs",
)  # fmt: skip
"""Files that any git command may write in a `.git`, without an effect on what git shows."""

_EVERYDAY_NAMES: Final = ("logs/", "lfs/", "sharedindex.", "gc.", "specguard/")
"""The beginnings of more such names; below `specguard/` are the sessions of agents' hooks."""

_HUSKY: Final = b"\n\thooksPath = .husky/_\n"
"""The line that `npm install` adds to git's configuration for husky; hooks there do not run in a run."""

_OWN_FILES: Final = ("HEAD", "config", "packed-refs", "index", "checked-out", "objects/info/alternates")


def _place_state(place: Place) -> State:
    """Return the state of everything that affects git in the place, and of specguard's own folder."""
    top = os.path.join(place.path, ".git")
    names = (name for name in _files_below(top) if not _is_harmless(top, name))
    state = {f".git/{name}": _digest(f"{top}/{name}", _HUSKY if name == "config" else b"") for name in names}
    own = ((name, _digest(f"{place.own_folder}/{name}")) for name in _OWN_FILES)
    return state | {f"{SUFFIX}/{name}": digest for name, digest in own if digest}


def _is_harmless(top: str, name: str) -> bool:
    path = os.path.join(top, name)
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    if name == "packed-refs":
        return " refs/" not in _read_text(path)
    if name.startswith("objects/"):
        return not name.endswith("info/alternates") and not name.endswith("info/http-alternates")
    return name in _EVERYDAY or name.startswith(_EVERYDAY_NAMES) or name.endswith(".lock")


def _misbehaviour(place: Place, before: State) -> Iterator[str]:
    """Yield each forbidden change in the place, as a sentence without its subject."""
    top = os.path.join(place.path, ".git")
    if os.path.islink(top) or not os.path.isdir(top):
        replaced = "put something else in the place of its .git, which leads to another repository"
        yield replaced if os.path.lexists(top) else "deleted the .git of its place"
        return
    # An agent may change the modes of all its files; there they have no effect.
    states = (before, _place_state(place))
    before, after = ({name: one.partition(" ")[2] for name, one in state.items()} for state in states)
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    for name in changed:
        if name == ".git/HEAD":
            head = _read_text(os.path.join(top, "HEAD")).strip()
            moved = f"moved the HEAD of its place to {head[:200] or 'nothing'}"
            yield f"{_COMMITTED} ({head[:12]})" if place.has_made(head) else moved
            continue
        verb = "added" if name not in before else "changed" if name in after else "removed"
        yield f"{verb} {path_text(os.fsencode(name))} of its place"
    if not changed:
        yield from _hidden_files(place)


def _hidden_files(place: Place) -> Iterator[str]:
    """Yield files that were hidden from git, and repositories that were staged like submodules."""
    git = place.git
    try:
        listed = git.run("ls-files", "-s", "-v", "-z", index=place.shown_index)
        base = git.run("ls-files", "-s", "-z", index=place.index)
    except CommandError:
        yield "left an index of its place that cannot be read"
        return
    modules = {record for record in base.split(b"\0") if record.startswith(b"160000 ")}
    for path in sorted(record.partition(b"\t")[2] for record in modules):
        if os.path.lexists(os.path.join(os.fsencode(place.path), path, b".git")):
            yield f"made a repository of its submodule {path_text(path)}"
    for record in listed.split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode = header.split(b" ")[:2]
        if tag.islower() or tag == b"S":
            yield f"hid {path_text(path)} from git ({'skip-worktree' if tag == b'S' else 'assume-unchanged'})"
        elif mode == b"160000" and record[2:] not in modules:
            # What is staged is not read, so another commit of a submodule would be lost.
            yield f"staged a repository within its place, {path_text(path)}"


def _read_text(path: str) -> str:
    """Return the beginning of a file; empty if it is missing. A pipe is not read: it might never end."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20)


def _digest(path: str, line: bytes = b"") -> str:
    """Return a digest of a file's content without a line that may be there; empty if it is missing."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            end = os.path.realpath(path)
            # A circular link has no target.
            return f"link {os.readlink(path)} {'' if os.path.islink(end) else _digest(end)}"
        if not stat.S_ISREG(status.st_mode) or status.st_size > _DIGESTED:
            return file_metadata(os.fsencode(path))
        return f"{status.st_mode:o} {sha256(Path(path).read_bytes().replace(line, line[:1])).hexdigest()}"
    except OSError:
        return ""


def file_metadata(path: bytes) -> str:
    """Return the metadata that changes with a file, without reading the file; empty if it is missing."""
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _files_below(top: str) -> Iterator[str]:
    """Yield the files and links below a folder, relative to it; links to folders are not followed."""
    for folder, folders, files in os.walk(top):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            yield os.path.relpath(os.path.join(folder, name), top)


_USER_FILES: Final = {
    **dict.fromkeys(("HEAD", "shallow", "logs/refs/stash"), "git"),
    **dict.fromkeys(
        ("config.worktree", "info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout",
         "objects/info/alternates"), "config"),
}  # fmt: skip
"""The watched files of the user's `.git`: those that change every day, and those that configure git."""


def _user_state(run: Run) -> State:
    """Return the user's refs, configuration, hooks, index, working files, and git's settings in their home.

    The state also contains files in the folder of places that belong to no run.
    """
    repository = run.git.repository
    common, linked = repository.common, os.path.join(repository.common, "worktrees")
    state = {**_ref_state(repository), **_config_state(repository)}
    others = [os.path.join(linked, name) for name in os.listdir(linked)] if os.path.isdir(linked) else []
    for folder in (common, repository.git_dir, *others):
        for name, kind in _USER_FILES.items():
            path = os.path.join(folder, name)
            state[f"{kind} {os.path.relpath(path, common)}"] = _digest(path)
    hooks = _read(repository, "rev-parse", "--path-format=absolute", "--git-path", "hooks").rstrip("\n")
    for folder in {hooks, os.path.join(common, "hooks")}:
        for name in _files_below(folder):
            state[f"hook {os.path.join(folder, name)}"] = _digest(os.path.join(folder, name))
    state.update(_file_state(run))
    places = os.path.dirname(run.manifest.place or "")
    state.update((f"beside {os.path.join(places, name)}", "there") for name in strays(places))
    return state


def _ref_state(repository: Repository) -> State:
    output = _read(repository, "for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    found = (line.partition(" ") for line in output.split("\n"))
    # Other runs begin and end at the same time.
    return {f"ref {name}": value for name, _, value in found if name and not name.startswith(RUN_REFS)}


def _read(repository: Repository, *arguments: str) -> str:
    """Return git's stdout and stderr in the user's repository; stderr reports, for example, a broken ref."""
    process = repository.spawn(*arguments, user=True)
    return process.drain().decode("utf-8", "surrogateescape") + process.stderr


def _config_state(repository: Repository) -> State:
    """Return a digest of each configuration file, together with the files that it includes.

    In the repository's own file, the settings of branches are a separate entry: git and editors write them
    during everyday work. A setting of a branch that names an unknown remote counts with the others.
    """
    output = _read(repository, "config", "--list", "--show-origin", "-z").split("\0")
    remotes = {".", *(one.partition(".url\n")[0][7:] for one in output[1::2] if one.startswith("remote."))}
    found: dict[str, list[str]] = {}
    for origin, setting in zip(output[::2], output[1::2], strict=False):
        key, _, value = setting.partition("\n")
        path = origin.removeprefix("file:")
        name = f"home {path}"
        # A relative path belongs to the repository itself.
        if not os.path.isabs(path) or os.path.dirname(path) == repository.common:
            everyday = key.startswith("branch.") and (not key.endswith("remote") or value in remotes)
            name = "git config" if everyday else "config config"
        found.setdefault(name, []).append(setting)
    home = repository.environment.get("HOME", "")
    folder = repository.environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    for path in (os.path.join(folder, "git", name) for name in ("attributes", "ignore")):
        found.setdefault(f"home {path}", []).append(_digest(path))
    return {name: text_digest(*values) for name, values in found.items() if any(values)}


def _file_state(run: Run) -> Iterator[tuple[str, str]]:
    repository = run.git.repository
    root = os.fsencode(repository.work_tree())
    listed = b""
    if os.path.exists(repository.index):
        listed = run.git.ask("your index", "ls-files", "-s", "-v", "-z", index=repository.index)
    yield "index", sha256(listed).hexdigest()
    exclude = os.path.join(repository.common, "info", "exclude")
    words = ["ls-files", "-o", "-z", "--exclude-per-directory=.gitignore"]
    words += [f"--exclude-from={exclude}"] if os.path.isfile(exclude) else []
    process = run.git.start(*words, index=repository.index, work_tree=os.fsdecode(root))
    others = run.git.read(process, "your working files")
    paths = {record.partition(b"\t")[2] for record in listed.split(b"\0")[:-1]}
    runs = _runs_folders(run, root)
    for path in sorted({*paths, *others.split(b"\0")[:-1]}):
        if not path.startswith(runs):
            yield f"file {os.fsdecode(path)}", file_metadata(os.path.join(root, path))


def _runs_folders(run: Run, root: bytes) -> tuple[bytes, ...]:
    """Return the prefixes of the paths of runs, relative to the checkout's root: specguard writes there."""
    item = os.path.dirname(os.path.realpath(os.fsencode(run.folder.path)))
    folders = [run.settings.folder]
    for parent in (os.path.dirname(item), item):
        relative = os.path.relpath(parent, os.path.realpath(root))
        if relative != b"." and not relative.startswith(b".."):
            folders.append(relative + b"/")
    return tuple(folder for folder in folders if folder != b"/")
