"""How everything was before the agent began: it is kept beside the place, also for a run that is resumed.

Nothing is run here but git on specguard's own directories, and `for-each-ref` and `rev-parse` in the user's.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING, Final

from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.executor.place.files import RUN_REFS, strays
from specguard.executor.run import Run, RunEnded
from specguard.model import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from specguard.change.repository import Repository
    from specguard.executor.place.place import Place


_BEFORE: Final = "before.json"


class Before(Record):
    """How it was before the agent began.

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


def remember(run: Run, place: Place) -> None:
    """Keep how the user's repository and the place are now."""
    survey = Survey(place.path)
    _keep(place, Before(user_state(run), place_state(place), survey.size, run.heads))


def remember_user(run: Run, place: Place) -> None:
    """Keep how the user's repository is now; place and remote are still compared with how they were."""
    before = read_before(place)
    run.heads = before.heads
    _keep(place, Before(user_state(run), before.place, before.size, before.heads))


def read_before(place: Place) -> Before:
    """What `remember` kept.

    Raises:
        RunEnded: it is not there, or not what was written.
    """
    try:
        with open(os.path.join(place.own, _BEFORE), encoding="utf-8") as file:
            data = json.load(file)
        return Before(data["user"], data["place"], data["size"], data.get("heads"))
    except (OSError, ValueError, KeyError) as error:
        raise RunEnded(
            "specguard's own folder beside the run's place was changed: what it remembered is gone",
            help="start a new run",
            error="place-spoiled",
        ) from error


def was_remembered(own: str) -> bool:
    """Whether something is kept.

    Args:
        own: specguard's own folder for the place.
    """
    return os.path.isfile(os.path.join(own, _BEFORE))


def _keep(place: Place, before: Before) -> None:
    path = os.path.join(place.own, _BEFORE)
    try:
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(before.__dict__, file)
        os.replace(path + ".new", path)
    except OSError as error:
        raise SpecguardError(
            f"the run's place cannot be recorded: {error.strerror}", path=path, code="unwritable-file"
        ) from error


State = dict[str, str]
"""What was seen, by what it is called: `ref refs/heads/main`, `git config`, `file src/a.py`."""

DIGESTED: Final = 4 << 20
"""A file up to this size, in bytes, is compared by its content, a larger one by its size and times."""


def content_of(path: str) -> str:
    """What tells a file's content from any other; empty where there is none."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            end = os.path.realpath(path)
            # A link that leads in a circle has no end.
            return f"link {os.readlink(path)} {'' if os.path.islink(end) else content_of(end)}"
        if not stat.S_ISREG(status.st_mode) or status.st_size > DIGESTED:
            return status_of(os.fsencode(path))
        with open(path, "rb") as file:
            return f"{status.st_mode:o} {hashlib.sha256(file.read()).hexdigest()}"
    except OSError:
        return ""


def status_of(path: bytes) -> str:
    """What changes with a file, without reading it; empty where there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def files_below(top: str) -> Iterator[str]:
    """The files and links below a folder, from there; links to folders are not followed."""
    for folder, folders, files in os.walk(top):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            yield os.path.relpath(os.path.join(folder, name), top)


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
        ahead = [root]
        while ahead:
            folder = ahead.pop()
            try:
                with os.scandir(folder) as found:
                    entries = list(found)
            except OSError:
                # What cannot be read is told of where it is hashed; what is gone needs no telling.
                continue
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                self.size += status.st_blocks * 512
                if entry.name.lower() == b".git" and folder != root:
                    self.nested.append(os.path.relpath(folder, root))
                if entry.name.startswith(b".git") and stat.S_ISFIFO(status.st_mode):
                    self.special.append(os.path.relpath(entry.path, root))
                if stat.S_ISDIR(status.st_mode):
                    ahead.append(entry.path)


_PLACES_OWN: Final = (
    "index", "ORIG_HEAD", "COMMIT_EDITMSG", "FETCH_HEAD", "description", "gc.log", "gc.pid", "info/refs",
)  # fmt: skip
"""What any git command may leave in a `.git`, and what changes nothing of what is seen there."""

_KEPT_OWN: Final = ("HEAD", "config", "packed-refs", "index", "checked-out", "objects/info/alternates")


def place_state(place: Place) -> State:
    """Everything in the place's `.git` that has a say in what git does there, and specguard's own folder."""
    state = {}
    top = os.path.join(place.path, ".git")
    for name in files_below(top):
        if not _harmless(name, os.path.join(top, name)):
            state[name] = content_of(os.path.join(top, name))
    for name in files_below(place.own):
        if name in _KEPT_OWN or name.startswith(("hooks/", "refs/", "info/")):
            state[f"own {name}"] = content_of(os.path.join(place.own, name))
    return state


def _harmless(name: str, path: str) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    if name.startswith("objects/"):
        return name not in ("objects/info/alternates", "objects/info/http-alternates")
    return name in _PLACES_OWN or name.startswith(("logs/", "lfs/", "sharedindex.")) or name.endswith(".lock")


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
        yield from _place_settings(place) if not gone else ["deleted the configuration of its place"]
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


def _place_settings(place: Place) -> Iterator[str]:
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
    state["config config"], state["git config"] = _user_settings(repository)
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


def _user_settings(repository: Repository) -> tuple[str, str]:
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
