"""The watch over an agent: the state before it began is compared with the state after.

Whoever runs in the place may edit files in it and nothing else. Commits are specguard's to make, so `HEAD`,
refs, configuration, hooks and the rest of the place's `.git` stay as they were. So do the configuration and
hooks of the user, and none of their refs comes to hold what was made in the place. What else changes in their
checkout may be their own work, and is noted. Nothing that was left in the place is run by looking at it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from specguard.change.process import CommandError
from specguard.change.repository import Repository
from specguard.change.worktree import not_ignored
from specguard.declaration.rule import Record
from specguard.errors import MissingFact
from specguard.executor.place import BEFORE, OWN, RUN_REFS, Place, known_place, new_place, place_of, strays
from specguard.executor.run import Run, RunEnded
from specguard.model import listed, path_text

State = dict[str, str]
"""What was seen, by what it is called: `ref refs/heads/main`, `git config`, `file src/a.py`."""

_DIGESTED: Final = 4 << 20
"""A file up to this size, in bytes, is compared by its content, a larger one by its size and times."""

_LONGEST_HEAD: Final = 200
_MOST: Final = 5
"""So many misbehaviours are named in one sentence; of the rest there is the number."""


class Before(Record):
    """The state before the agent began.

    Attributes:
        user: the user's repository.
        place: the place's `.git`, and specguard's own folder for it.
        size: the bytes that the place took.
        heads: the remote's branches; None: nobody has looked.
    """

    user: State
    place: State
    size: int
    heads: Mapping[str, str] | None = None


def make_place(run: Run) -> None:
    """Make the place of a run, and remember how it and the user's repository are.

    Raises:
        SpecguardError: it cannot be made.
    """
    place = new_place(run)
    state, size = _place_state(place), Survey(place.path).size
    _keep(place, Before(user=_user_state(run), place=state, size=size, heads=run.heads))


def open_place(run: Run) -> None:
    """Take up the place of a run that is resumed.

    What the agent did there is still compared with how it was; the user's repository with how it is now.

    Raises:
        SpecguardError: the place is gone.
    """
    place = known_place(run)
    before = read_before(place)
    run.heads = before.heads
    _keep(place, Before(user=_user_state(run), place=before.place, size=before.size, heads=before.heads))


def read_before(place: Place) -> Before:
    """The state of everything before the agent began.

    Raises:
        RunEnded: it is not there, or not what was written.
    """
    try:
        with open(os.path.join(place.own, BEFORE), encoding="utf-8") as file:
            return Before(**json.load(file))
    except (OSError, ValueError, TypeError) as error:
        raise RunEnded(
            "specguard's own folder beside the run's place was changed: what it remembered is gone",
            help="start a new run",
            code="place-spoiled",
        ) from error


def _keep(place: Place, before: Before) -> None:
    os.replace(place.write(f"{BEFORE}.new", json.dumps(before.__dict__).encode()), place.own + "/" + BEFORE)


class Survey:
    """A walk over all of a place.

    Args:
        path: the folder of its working files.

    Attributes:
        size: the bytes that it takes on the disk, its `.git` too.
        nested: the folders in it that have a `.git` of their own, in any spelling.
        special: what git reads as it walks, such as a `.gitignore`, and is no file: it would wait there.
    """

    def __init__(self, path: str) -> None:
        self.size = 0
        self.nested: list[bytes] = []
        self.special: list[bytes] = []
        root = os.fsencode(path)
        # What cannot be read is told of where it is hashed; what is gone needs no telling.
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                whole = os.path.join(folder, name)
                try:
                    status = os.lstat(whole)
                except OSError:
                    continue
                self.size += status.st_blocks * 512
                if name.lower() == b".git" and folder != root:
                    self.nested.append(os.path.relpath(folder, root))
                if name.startswith(b".git") and stat.S_ISFIFO(status.st_mode):
                    self.special.append(os.path.relpath(whole, root))


def inspect(run: Run, by: str = "the agent") -> None:
    """See that whoever worked in the place changed files in it and nothing else.

    All processes of it must have ended. The index in the place's `.git` is made that of the base again.

    Args:
        run: the run; `make_place` kept how everything was before.
        by: who worked there, such as `the gate tests`.

    Raises:
        RunEnded: it did something else, which the reason names.
        SpecguardError: the user's repository cannot be read.
    """
    place = place_of(run)
    before = read_before(place)
    there = os.path.isdir(place.path)
    done = list(dict.fromkeys(_misbehaviour(place, before.place))) if there else ["deleted its place"]
    outside = _outside(run, place, before.user, _user_state(run))
    if done or outside:
        said = [f"{by} {listed(done, _MOST, '; ')}"] if done else []
        said += [f"while {by} worked, {listed(outside, _MOST, '; ')}"] if outside else []
        help = f"look at {place.path}: files are the agent's to edit, and all else is specguard's"
        if outside:
            help = f"undo what was not you; where it was you, go on with: {run.folder.command('resume')}"
        elif not there:
            help = "start a new run"
        raise RunEnded("; ".join(said), help=help, code="place-spoiled")
    survey = Survey(place.path)
    check_size(run, survey, by)
    check_survey(place, survey, by)
    place.reset_index()


def check_size(run: Run, survey: Survey | None = None, by: str = "the agent") -> None:
    """See that a place has not outgrown its limit.

    Args:
        run: its place is made.
        survey: the walk over the place; one is done where it is not given.
        by: who works there.

    Raises:
        RunEnded: it has.
    """
    place, limit = place_of(run), run.policy.declared("run_settings").place_limit
    grown = (survey or Survey(place.path)).size - read_before(place).size
    if grown > limit << 20:
        raise RunEnded(
            f"{by} filled its place with {grown >> 20} MiB, and [runs] place_limit allows {limit}",
            state="budget-spent",
            help="raise [runs] place_limit, or tell the agent what not to keep",
            code="size-limit",
        )


def check_survey(place: Place, survey: Survey, by: str = "the agent") -> None:
    """See that no repository was made within a place, apart from ignored folders, which nothing enters.

    Args:
        place: the place.
        survey: the walk over it.
        by: who worked there.

    Raises:
        RunEnded: there is one.
    """
    made, found, help = "a pipe where git reads a file,", survey.special, "remove it"
    if survey.nested and not found:
        made, help = "a repository within its place, at", "remove it, or have .gitignore leave its folder out"
        try:
            found = not_ignored(place.git, place.git.repository.index, place.path, survey.nested)
        except MissingFact:
            # Where it cannot be told, none is taken for ignored.
            found = survey.nested
    if found:
        names = ", ".join(map(path_text, found[:_MOST]))
        raise RunEnded(f"{by} made {made} {names}", help=help, code="place-spoiled")


_MEANWHILE: Final = "In your checkout, while the run went on: "
_GUARDED: Final = "Guarded paths of your checkout, while the run went on: "
_MOST_GUARDED: Final = 50
_OUTSIDE: Final = {
    "ref": "your ref {}",
    "config": ".git/{} of your repository",
    "git": ".git/{} of your repository",
    "hook": "your hook {}",
    "home": "your {}",
    "index": "your index",
    "file": "your file {}",
    "beside": "{}, beside the place,",
}


def _outside(run: Run, place: Place, before: State, after: State) -> list[str]:
    """Changes to the user's repository and settings; those that may be the user's own are noted."""
    done, meanwhile, guarded = [], [], []
    for name in sorted(before.keys() | after.keys(), key=lambda one: (one.startswith("file "), one)):
        old, new = before.get(name, ""), after.get(name, "")
        what, _, rest = name.partition(" ")
        if old == new or (what == "beside" and not new):
            continue
        verb = "was changed" if old and new else "appeared" if new else "is gone"
        rest = path_text(os.fsencode(rest))
        told = f"{_OUTSIDE[what].format(rest)} {verb}"
        agents = what == "ref" and (place.made(new.split(" ")[0]) or rest.startswith("refs/replace/"))
        if agents or what not in ("ref", "git", "index", "file"):
            done.append(told)
            continue
        meanwhile.append(told)
        if what == "file" and (guard := run.policy.guards.find(os.fsencode(name[5:]))):
            guarded.append(f"{rest} {verb} ({guard.rule})")
    for begins, found, most in ((_MEANWHILE, meanwhile, _MOST), (_GUARDED, guarded, _MOST_GUARDED)):
        if found:
            run.note(f"{begins}{listed(found, most, '; ')}.", instead_of=begins)
    return done


_EVERYDAY: Final = (
    "index", "ORIG_HEAD", "COMMIT_EDITMSG", "FETCH_HEAD", "description", "gc.log", "gc.pid", "info/refs",
)  # fmt: skip
"""What any git command may leave in a `.git`, and what changes nothing of what is seen there."""

_KEPT_OWN: Final = ("HEAD", "config", "packed-refs", "index", "checked-out", "objects/info/alternates")


def _place_state(place: Place) -> State:
    """Everything in the place's `.git` that has a say in what git does there, and specguard's own folder."""
    top = os.path.join(place.path, ".git")
    state = {
        f".git/{name}": _content(f"{top}/{name}") for name in _files_below(top) if not _harmless(top, name)
    }
    for name in _files_below(place.own):
        if name in _KEPT_OWN or name.startswith(("hooks/", "refs/", "info/")):
            state[f"{OWN}/{name}"] = _content(os.path.join(place.own, name))
    return state


def _harmless(top: str, name: str) -> bool:
    path = os.path.join(top, name)
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    if name == "packed-refs":
        return " refs/" not in _text(path)
    if name.startswith("objects/"):
        return not name.endswith("info/alternates") and not name.endswith("info/http-alternates")
    return name in _EVERYDAY or name.startswith(("logs/", "lfs/", "sharedindex.")) or name.endswith(".lock")


def _misbehaviour(place: Place, before: State) -> Iterator[str]:
    """Each thing that was done there and should not have been, as a sentence without its subject."""
    top = os.path.join(place.path, ".git")
    if not os.path.lexists(top):
        yield "deleted the .git of its place"
        return
    if os.path.islink(top) or not os.path.isdir(top):
        yield "put something else in the place of its .git, which leads to another repository"
        return
    after = _place_state(place)
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    for name in changed:
        if name == ".git/HEAD":
            yield _head(place, _text(os.path.join(top, "HEAD")).strip())
            continue
        verb = "added" if name not in before else "changed" if name in after else "removed"
        yield f"{verb} {path_text(os.fsencode(name))} of its place"
    if not changed:
        yield from _hidden(place)


def _head(place: Place, head: str) -> str:
    if place.made(head):
        return f"committed by itself ({head[:12]})"
    return f"moved the HEAD of its place to {head[:_LONGEST_HEAD] or 'nothing'}"


def _hidden(place: Place) -> Iterator[str]:
    """Files that git was told not to look at, and repositories that were staged like submodules."""
    git = place.git
    if not os.path.exists(place.index):
        return
    try:
        listed = git.run("ls-files", "-s", "-v", "-z", index=place.index)
        base = git.run("ls-files", "-s", "-z", index=git.repository.index)
    except CommandError:
        yield "left an index of its place that cannot be read"
        return
    modules = {record.partition(b"\t")[2] for record in base.split(b"\0") if record.startswith(b"160000 ")}
    for record in listed.split(b"\0")[:-1]:
        header, _, path = record.partition(b"\t")
        tag, mode = header.split(b" ")[:2]
        if tag.islower() or tag == b"S":
            yield f"hid {path_text(path)} from git ({'skip-worktree' if tag == b'S' else 'assume-unchanged'})"
        elif mode == b"160000" and path not in modules:
            yield f"staged a repository within its place, {path_text(path)}"


def _text(path: str) -> str:
    """The beginning of a file; empty if there is none. Of a pipe nothing is read: it might never end."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20)


def _content(path: str) -> str:
    """A digest of a file's content; empty if there is none."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            end = os.path.realpath(path)
            # A link that leads in a circle has no end.
            return f"link {os.readlink(path)} {'' if os.path.islink(end) else _content(end)}"
        if not stat.S_ISREG(status.st_mode) or status.st_size > _DIGESTED:
            return _status(os.fsencode(path))
        with open(path, "rb") as file:
            return f"{status.st_mode:o} {hashlib.sha256(file.read()).hexdigest()}"
    except OSError:
        return ""


def _status(path: bytes) -> str:
    """The metadata that changes with a file, without reading it; empty if there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _files_below(top: str) -> Iterator[str]:
    """The files and links below a folder, from there; links to folders are not followed."""
    for folder, folders, files in os.walk(top):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            yield os.path.relpath(os.path.join(folder, name), top)


_USERS: Final = {
    **dict.fromkeys(("HEAD", "shallow", "logs/refs/stash"), "git"),
    **dict.fromkeys(
        ("config.worktree", "info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout",
         "objects/info/alternates"), "config"),
}  # fmt: skip
"""What is seen of the user's `.git`: what changes every day, and what configures."""


def _user_state(run: Run) -> State:
    """The user's refs, configuration, hooks, index and working files, and git's settings in their home.

    With them what is no run's in the folder of places.
    """
    repository = run.git.repository
    common, linked = repository.common, os.path.join(repository.common, "worktrees")
    state = {**_refs(repository), **_configured(repository)}
    others = [os.path.join(linked, name) for name in os.listdir(linked)] if os.path.isdir(linked) else []
    for folder in (common, repository.git_dir, *others):
        for name, kind in _USERS.items():
            path = os.path.join(folder, name)
            state[f"{kind} {os.path.relpath(path, common)}"] = _content(path)
    hooks = _read(repository, "rev-parse", "--path-format=absolute", "--git-path", "hooks").rstrip("\n")
    for folder in {hooks, os.path.join(common, "hooks")}:
        for name in _files_below(folder):
            state[f"hook {os.path.join(folder, name)}"] = _content(os.path.join(folder, name))
    state.update(_working_files(run))
    places = os.path.dirname(run.manifest.place or "")
    state.update((f"beside {os.path.join(places, name)}", "there") for name in strays(places))
    return state


def _refs(repository: Repository) -> State:
    said = _read(repository, "for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    found = (line.partition(" ") for line in said.split("\n"))
    # Other runs come and go beside this one.
    return {f"ref {name}": value for name, _, value in found if name and not name.startswith(RUN_REFS)}


def _read(repository: Repository, *arguments: str) -> str:
    """The output of git in the user's repository, with its complaints, of a broken ref for example."""
    process = repository.in_place(*arguments, user=True)
    pieces = []
    try:
        while data := process.chunk():
            pieces.append(data)
        process.wait()
    finally:
        process.stop()
    return b"".join(pieces).decode("utf-8", "surrogateescape") + process.said


def _configured(repository: Repository) -> State:
    """A digest of each file of settings, with the files that they include.

    Of the repository's own, what is said of its branches is apart: git and editors write it whenever somebody
    works. One that names a remote which is not set up counts among the others.
    """
    said = _read(repository, "config", "--list", "--show-origin", "-z").split("\0")
    remotes = {".", *(one.partition(".url\n")[0][7:] for one in said[1::2] if one.startswith("remote."))}
    found: dict[str, list[str]] = defaultdict(list)
    for origin, setting in zip(said[::2], said[1::2], strict=False):
        key, _, value = setting.partition("\n")
        path = origin.removeprefix("file:")
        name = f"home {path}"
        # A relative one is the repository's own.
        if not os.path.isabs(path) or os.path.dirname(path) == repository.common:
            everyday = key.startswith("branch.") and (not key.endswith("remote") or value in remotes)
            name = "git config" if everyday else "config config"
        found[name].append(setting)
    home = repository.environment.get("HOME", "")
    folder = repository.environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    for path in (os.path.join(folder, "git", name) for name in ("attributes", "ignore")):
        found[f"home {path}"].append(_content(path))
    return {
        name: hashlib.sha256("\0".join(values).encode("utf-8", "surrogateescape")).hexdigest()
        for name, values in found.items()
        if any(values)
    }


def _working_files(run: Run) -> Iterator[tuple[str, str]]:
    repository = run.git.repository
    root = os.fsencode(repository.work_tree())
    listed = b""
    if os.path.exists(repository.index):
        process = run.git.start("ls-files", "-s", "-v", "-z", index=repository.index)
        listed = run.git.read(process, "your index")
    yield "index", hashlib.sha256(listed).hexdigest()
    exclude = os.path.join(repository.common, "info", "exclude")
    words = ["ls-files", "-o", "-z", "--exclude-per-directory=.gitignore"]
    words += [f"--exclude-from={exclude}"] if os.path.isfile(exclude) else []
    process = run.git.start(*words, index=repository.index, work_tree=os.fsdecode(root))
    others = run.git.read(process, "your working files")
    paths = {record.partition(b"\t")[2] for record in listed.split(b"\0")[:-1]}
    runs = _runs_folders(run, root)
    for path in sorted({*paths, *others.split(b"\0")[:-1]}):
        if not path.startswith(runs):
            yield f"file {os.fsdecode(path)}", _status(os.path.join(root, path))


def _runs_folders(run: Run, root: bytes) -> tuple[bytes, ...]:
    """The prefixes of the paths of runs, from the root of the checkout: specguard writes there."""
    item = os.path.dirname(os.path.realpath(os.fsencode(run.folder.path)))
    folders = [run.policy.declared("run_settings").folder]
    for kept in (os.path.dirname(item), item):
        inside = os.path.relpath(kept, os.path.realpath(root))
        if inside != b"." and not inside.startswith(b".."):
            folders.append(inside + b"/")
    return tuple(folder for folder in folders if folder != b"/")
