"""Real git repositories for tests, the same on every machine.

Names, dates and configuration are fixed: nothing of the user's git configuration, hooks or environment is
seen, and two builders that do the same make the same object ids. Where many commits are made at once, objects
and index are written as git writes them, without a process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Name = str | bytes

    Texts = Mapping[str, Name] | Mapping[bytes, Name] | Mapping[Name, Name]

    Ids = Mapping[str, str] | Mapping[bytes, str] | Mapping[Name, str]

    Tree = dict[bytes, tuple[bytes, bytes]]

    """Mode and content by path; a submodule's content is its commit's id."""

    Folder = dict[bytes, "tuple[bytes, str] | Folder"]


AUTHOR = "Ann Example <ann@example.org>"
ORIGIN = "https://example.org/team/repo.git"
FIRST_DATE = 1_767_225_600
"""The first commit's date, in seconds since 1970: 2026-01-01, 00:00 UTC. Each next one is a minute later."""

_KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


def clean_environment() -> dict[str, str]:
    """An environment with the way to programs and little else: no `GIT_*`, no platform's variables, UTC."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": "/nonexistent",
        # Without a place for it nothing is cached, and root would make one below that home.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.devnull),
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


class GitError(AssertionError):
    """A git command of a builder that failed, with what it said."""


class Repository:
    """A git repository with a working tree, made in an empty or missing folder.

    Paths are relative to its root and, like messages, text or bytes; text is encoded as UTF-8 with surrogate
    escapes. Every method that makes a commit returns its full object id.

    Args:
        path: the folder; it is made where it is missing.
        branch: the branch that `HEAD` names.
        object_format: `sha1` or `sha256`.
        create: False opens a repository that exists, and leaves it as it is.

    Attributes:
        environment: what git is run with; the variables of every other process are not seen.
        names: object ids by the names that a `Case` has for its commits.
        commits_made: how many commits it has made, which gives the next one its date.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        branch: str = "main",
        object_format: str = "sha1",
        create: bool = True,
    ) -> None:
        self.path = Path(path)
        self.environment = clean_environment()
        self.names: dict[str, str] = {}
        self.commits_made = 0
        self._object_format = object_format
        if create:
            self._create(branch, object_format)

    @property
    def git_dir(self) -> Path:
        """The repository's git directory, absolute; of a linked worktree its own."""
        return Path(self.git("rev-parse", "--absolute-git-dir"))

    # Running git

    def process(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        hooks: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git in the repository and return what became of it, failed or not.

        Args:
            arguments: everything after `git`.
            stdin: its standard input.
            environment: variables to add.
            hooks: whether the repository's hooks run.
        """
        silent = [] if hooks else ["-c", f"core.hooksPath={os.devnull}"]
        return subprocess.run(
            ["git", "-c", "maintenance.auto=false", *silent, *arguments],
            cwd=self.path,
            env={**self.environment, **self._identity(AUTHOR), **(environment or {})},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def git(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        hooks: bool = False,
    ) -> str:
        """Run git in the repository; what it printed, without the newlines at the end.

        Raises:
            GitError: it did not end with 0.
        """
        done = self.process(*arguments, stdin=stdin, environment=environment, hooks=hooks)
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise GitError(f"git {' '.join(map(str, arguments))} ended with {done.returncode}: {said}")
        return _text(done.stdout).rstrip("\n")

    def oid(self, revision: str = "HEAD") -> str:
        """The full object id of a revision."""
        if _OID.fullmatch(revision):
            return revision
        return self._loose(revision) or self.git("rev-parse", "--verify", "--end-of-options", revision)

    def blob(self, content: str | bytes) -> str:
        """Store a blob, and return its object id."""
        return self.git("hash-object", "-w", "--stdin", stdin=to_bytes(content))

    # The working tree

    def write(self, path: str | bytes, content: str | bytes = "") -> None:
        """Write a file, with its folders; a file or link of that name is replaced."""
        place = self._clear(path)
        with open(place, "wb") as file:
            file.write(to_bytes(content))

    def read(self, path: str | bytes) -> bytes:
        """The bytes of a file of the working tree."""
        with open(self._place(path), "rb") as file:
            return file.read()

    def delete(self, path: str | bytes) -> None:
        """Delete a file, a link or a folder with all in it."""
        place = self._place(path)
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        else:
            os.unlink(place)

    def rename(self, old: str | bytes, new: str | bytes) -> None:
        """Move a file or a folder; the folders of the new name are made."""
        os.rename(self._place(old), self._clear(new))

    def symlink(self, path: str | bytes, target: str | bytes) -> None:
        """Make a symbolic link with exactly this text as its target."""
        os.symlink(to_bytes(target), self._clear(path))

    def executable(self, path: str | bytes, on: bool = True) -> None:
        """Set or take away a file's executable bit."""
        os.chmod(self._place(path), 0o755 if on else 0o644)

    def submodule(self, path: str | bytes, oid: str = "1" * 40) -> None:
        """Stage a submodule at a commit, which need not exist; without its folder `git add` would drop it."""
        os.makedirs(self._place(path), exist_ok=True)
        self.git("update-index", "--add", "--cacheinfo", b"160000,%s,%s" % (oid.encode(), to_bytes(path)))

    def stage(self, *paths: str | bytes) -> None:
        """Stage everything, or these paths; what is ignored too."""
        self.git("add", "-A", "-f", "--", *(paths or (".",)))

    def apply(self, step: Step) -> None:
        """Do in the working tree what a step says; its message, author and parents are left aside.

        Raises:
            OSError: a path leads out of the working tree, or into git's own folder.
        """
        for path in (
            *step.delete, *step.rename, *step.rename.values(), *step.files, *step.symlinks, *step.submodules,
            *step.executable,
        ):  # fmt: skip
            self.see_inside(path)
        for path in step.delete:
            self.delete(path)
        for old, new in step.rename.items():
            self.rename(old, new)
        for path, content in step.files.items():
            self.write(path, content)
        for path, target in step.symlinks.items():
            self.symlink(path, target)
        for path, oid in step.submodules.items():
            self.submodule(path, oid)
        for path in step.executable:
            self.executable(path)

    def see_inside(self, path: str | bytes) -> None:
        """See that a path is one in the working tree, whatever links there are on the way to it.

        Raises:
            OSError: it leads out of the working tree, or into git's own folder.
        """
        raw = to_bytes(path)
        top = os.path.realpath(os.fsencode(self.path))
        parent = os.path.realpath(os.path.dirname(os.path.join(top, raw)))
        names = {name.lower() for name in raw.split(b"/")}
        if os.path.commonpath([top, parent]) != top or names & {b"..", b".git"}:
            raise OSError(f"{_text(raw)!r} is no path in the working tree")

    # Commits

    def commit(
        self,
        message: str | bytes = "chore: change",
        *,
        files: Texts | None = None,
        delete: Iterable[str | bytes] = (),
        author: str = AUTHOR,
        committer: str | None = None,
        stage: bool = True,
        amend: bool = False,
        date: int | None = None,
    ) -> str:
        """Commit the working tree, also where nothing changed; the message is taken byte for byte.

        Args:
            message: without a newline at its end one is added.
            files: files to write first.
            delete: paths to delete first.
            author: `Name <address>`.
            committer: the author where it is not given.
            stage: False commits the index as it is.
            amend: replaces the last commit.
            date: seconds since 1970; the next minute where it is not given.
        """
        for path, content in (files or {}).items():
            self.write(path, content)
        for gone in delete:
            self.delete(gone)
        if stage:
            self.stage()
        raw = to_bytes(message)
        self.git(
            "commit", "-q", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim", "--no-verify",
            "--no-gpg-sign", *(["--amend"] if amend else []), "-F", "-",
            stdin=raw if raw.endswith(b"\n") or not raw else raw + b"\n",
            environment=self._identity(author, committer, date),
        )  # fmt: skip
        self.commits_made += 1
        return self.oid()

    def merge(
        self,
        *branches: str,
        message: str | bytes = "Merge branch",
        files: Texts | None = None,
        delete: Iterable[str | bytes] = (),
        author: str = AUTHOR,
    ) -> str:
        """Merge branches with a merge commit.

        Args:
            branches: what to merge.
            message: the merge's message.
            files: files to write into the merge: the answer to a conflict, or content of no parent.
            delete: paths to delete in it.
            author: `Name <address>`.

        Raises:
            GitError: there is a conflict, and neither `files` nor `delete` resolves it.
        """
        done = self.process("merge", "-q", "--no-ff", "--no-commit", *branches)
        if done.returncode and not files and not delete:
            raise GitError((done.stdout + done.stderr).decode("utf-8", "replace"))
        return self.commit(message, files=files, delete=delete, author=author)

    def add_commits(
        self, steps: Sequence[Step], *, branch: str | None = None, refs: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Make many commits at once, without a process, on top of nothing; then check the branch out.

        Args:
            steps: the commits in order; see `Step`.
            branch: the branch that the last of them becomes; the one `HEAD` names where it is not given.
            refs: more refs, in full, each with the `id` of a step.

        Returns:
            The object id of each step by its `id`; one without has its position, from 0, as text.

        Raises:
            KeyError: a parent or ref that is no step before, or a path that is not there.
        """
        last = f"refs/heads/{branch}" if branch else self._head() or self.git("symbolic-ref", "HEAD")
        labels = [step.id or str(position) for position, step in enumerate(steps)]
        store = Store(self.path / ".git", self._object_format)
        made: dict[str, str] = {}
        trees: dict[str, Tree] = {}
        parents_of: dict[str, Sequence[str]] = {}
        for position, (step, label) in enumerate(zip(steps, labels, strict=True)):
            parents = labels[:position][-1:] if step.parents is None else step.parents
            tree = dict(trees[parents[0]]) if parents else {}
            for other in parents[1:]:
                _take_over(tree, trees[other], trees[_fork(parents_of, parents[0], other)])
            step.apply(tree)
            trees[label], parents_of[label] = tree, parents
            made[label] = self._store_commit(store, step, tree, [made[parent] for parent in parents])
        for name, label in {**(refs or {}), last: labels[-1]}.items():
            self.ref(name, made[label])
        self._point("HEAD", last)
        self._check_out(store, trees[labels[-1]])
        return made

    # Refs

    def ref(self, name: str | bytes, revision: str = "HEAD") -> None:
        """Point a ref, given in full, to a revision; no name is too strange that git can store."""
        oid = self.oid(revision)
        if isinstance(name, bytes) or not self._write_ref(name, oid):
            self.git("update-ref", name, oid)

    def branch(self, name: str, at: str = "HEAD", *, checkout: bool = True) -> None:
        """Make a branch at a revision, and check it out."""
        self.ref(f"refs/heads/{name}", at)
        if checkout:
            self.checkout(name)

    def checkout(self, name: str, *, detach: bool = False) -> None:
        """Check a branch out, or a revision with a detached `HEAD`; what is not committed is lost."""
        if detach:
            self.git("checkout", "-q", "-f", "--detach", self.oid(name))
            return
        self._point("HEAD", f"refs/heads/{name}")
        self.git("reset", "-q", "--hard")

    def orphan(self, name: str) -> None:
        """Begin a branch with no history and an empty working tree."""
        self._point("HEAD", f"refs/heads/{name}")
        self.git("rm", "-q", "-r", "-f", "--ignore-unmatch", ".")

    def tag(self, name: str, at: str = "HEAD", *, message: str | None = None) -> None:
        """Make a tag; with a message it is an object of its own."""
        self.git("tag", *(["-a", "-m", message] if message is not None else []), name, at)

    def remote(self, url: str = ORIGIN, name: str = "origin") -> None:
        """Set a remote's URL."""
        config = self.path / ".git" / "config"
        section = f'[remote "{name}"]\n'
        if config.is_file() and _PLAIN_URL.fullmatch(url) and section not in config.read_text():
            with config.open("a") as file:
                file.write(f"{section}\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/{name}/*\n")
        elif self.process("remote", "add", name, url).returncode:
            self.git("remote", "set-url", name, url)

    def publish(
        self, branch: str = "main", at: str | None = None, *, remote: str = "origin", head: bool = False
    ) -> None:
        """Set a remote's branch as a fetch would leave it.

        Args:
            branch: the branch's name.
            at: what it points to; the local branch of that name where it is not given.
            remote: the remote's name.
            head: whether it becomes the remote's default branch (`refs/remotes/origin/HEAD`).
        """
        self.ref(f"refs/remotes/{remote}/{branch}", at or f"refs/heads/{branch}")
        if head:
            self._point(f"refs/remotes/{remote}/HEAD", f"refs/remotes/{remote}/{branch}")

    # Other repositories made from this one

    def worktree(self, path: str | os.PathLike[str], branch: str, at: str = "HEAD") -> Repository:
        """Add a linked worktree with a new branch."""
        self.git("worktree", "add", "-q", "-b", branch, os.fspath(path), self.oid(at))
        return self._opened(path)

    def clone(
        self, path: str | os.PathLike[str], *, depth: int | None = None, bare: bool = False, partial: str = ""
    ) -> Repository:
        """Clone this repository, over its transport rather than by linking objects.

        Args:
            path: where to.
            depth: how many commits of history to take; all where it is not given. The clone is then shallow.
            bare: without a working tree.
            partial: a partial clone's filter, such as `blob:none`.
        """
        options = [f"--depth={depth}"] if depth else []
        options += ["--bare"] if bare else []
        options += [f"--filter={partial}"] if partial else []
        served = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_0": "true",
        }
        source = f"file://{self.path.resolve()}"
        self.git(
            "clone", "-q", "--template=", "--no-tags", *options, source, os.fspath(path), environment=served
        )
        return self._opened(path)

    # Helpers

    def _create(self, branch: str, object_format: str) -> None:
        """Make the repository; a copy of an empty one takes no process."""
        self.path.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(self.path / ".git"):
            self.git(
                "init", "-q", "--template=", f"--initial-branch={branch}", f"--object-format={object_format}"
            )
            return
        (self.path / ".git").mkdir()
        for name, content in _empty(object_format).items():
            place = self.path / ".git" / name
            if content is None:
                place.mkdir()
            else:
                place.write_bytes(content)
        (self.path / ".git" / "HEAD").write_text(f"ref: refs/heads/{branch}\n")

    def _store_commit(self, store: Store, step: Step, tree: Tree, parents: Sequence[str]) -> str:
        """Store a commit of a tree, with the next date."""
        author = to_bytes(step.author or AUTHOR)
        committer = to_bytes(step.committer) or author
        when = FIRST_DATE + 60 * self.commits_made
        self.commits_made += 1
        message = to_bytes(step.message)
        lines = [
            f"tree {store.add_tree(tree)}".encode(),
            *(f"parent {parent}".encode() for parent in parents),
            b"author %s %d +0000" % (author, when),
            b"committer %s %d +0000" % (committer, when),
            *([f"encoding {step.encoding}".encode()] if step.encoding else []),
            b"",
            message if message.endswith(b"\n") or not message else message + b"\n",
        ]
        return store.add("commit", b"\n".join(lines))

    def _check_out(self, store: Store, tree: Tree) -> None:
        """Make index and working tree as a tree is; where attributes or an index may have a say, by git."""
        attributes = any(path.rpartition(b"/")[2] == b".gitattributes" for path in tree)
        if attributes or (self.path / ".git" / "index").exists():
            self.git("reset", "-q", "--hard")
            return
        for path, (mode, content) in tree.items():
            if mode == SUBMODULE:
                os.makedirs(self._place(path), exist_ok=True)
            elif mode == SYMLINK:
                self.symlink(path, content)
            else:
                self.write(path, content)
                if mode == EXECUTABLE:
                    self.executable(path)
        store.write_index(tree, os.fsencode(self.path))

    def _loose(self, name: str) -> str:
        """The object id that a ref in a file of its own has; empty if git has to tell."""
        folder = self.path / ".git"
        if (folder / "packed-refs").exists():
            return ""
        for place in ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"):
            try:
                text = (folder / (place + name)).read_text().rstrip("\n")
            except (OSError, ValueError):
                continue
            if text.startswith("ref: "):
                return self._loose(text.removeprefix("ref: "))
            return text if _OID.fullmatch(text) else ""
        return ""

    def _point(self, name: str, target: str) -> None:
        """Make a ref a name of another one."""
        if not self._write_ref(name, f"ref: {target}"):
            self.git("symbolic-ref", name, target)

    def _write_ref(self, name: str, text: str) -> bool:
        """Write a ref's file; False where only git can."""
        place = self.path / ".git" / name
        if not _PLAIN_REF.fullmatch(name) or not (self.path / ".git").is_dir():
            return False
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{text}\n")
        except OSError:
            return False
        return True

    def _head(self) -> str:
        """The ref that `HEAD` names; empty if only git can tell."""
        try:
            text = (self.path / ".git" / "HEAD").read_text()
        except OSError:
            return ""
        return text.removeprefix("ref: ").rstrip("\n") if text.startswith("ref: ") else ""

    def _opened(self, path: str | os.PathLike[str]) -> Repository:
        other = Repository(path, create=False)
        other.commits_made = self.commits_made
        return other

    def _identity(self, author: str, committer: str | None = None, date: int | None = None) -> dict[str, str]:
        when = f"{FIRST_DATE + 60 * self.commits_made if date is None else date} +0000"
        identity = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        for role, person in (("AUTHOR", author), ("COMMITTER", committer or author)):
            name, _, address = person.rstrip(">").partition(" <")
            identity[f"GIT_{role}_NAME"] = name
            identity[f"GIT_{role}_EMAIL"] = address
        return identity

    def _place(self, path: str | bytes) -> bytes:
        return os.path.join(os.fsencode(self.path), to_bytes(path))

    def _clear(self, path: str | bytes) -> bytes:
        place = self._place(path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.lexists(place):
            os.unlink(place)
        return place


@cache
def _empty(object_format: str) -> Mapping[str, bytes | None]:
    """The files of an empty repository, and None for its folders, the outer ones first."""
    with TemporaryDirectory(prefix="specguard-") as folder:
        made = Repository(folder, create=False)
        made.git("init", "-q", "--template=", f"--object-format={object_format}")
        places = sorted((made.path / ".git").rglob("*"))
        root = made.path / ".git"
        return {str(one.relative_to(root)): None if one.is_dir() else one.read_bytes() for one in places}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_OID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_PLAIN_REF = re.compile("HEAD|refs(/[A-Za-z0-9_-]+)+")
_PLAIN_URL = re.compile("[A-Za-z0-9_@:/.+-]+")


@dataclass(frozen=True)
class Step:
    """One commit, said by what it changes. Paths and messages are text or bytes.

    A merge takes over what its other parents changed since they parted from the first, and then what it says
    itself: `files` of a merge are the answer to a conflict, or content that no parent has.

    Attributes:
        message: the commit's message; a newline is added where none ends it.
        files: content by path.
        symlinks: target by path.
        submodules: commit id by path.
        executable: paths, new or old, that get the executable bit.
        delete: files, or folders with all below them.
        rename: new name by old one, of a file or a folder.
        author: `Name <address>`; the builder's own where it is empty.
        committer: the author where it is empty.
        encoding: the name in the commit's encoding header; none if it is empty.
        id: a name by which other steps call this one their parent.
        parents: ids of steps; the step before where it is None, nothing (a root) where it is empty.
    """

    message: str | bytes = "chore: change"
    files: Texts = field(default_factory=dict)
    symlinks: Texts = field(default_factory=dict)
    submodules: Ids = field(default_factory=dict)
    executable: Sequence[str | bytes] = ()
    delete: Sequence[str | bytes] = ()
    rename: Texts = field(default_factory=dict)
    author: str = ""
    committer: str = ""
    encoding: str = ""
    id: str = ""
    parents: Sequence[str] | None = None

    def apply(self, tree: Tree) -> None:
        """Change a tree as this step does.

        Raises:
            KeyError: it deletes, renames or makes executable a path that the tree does not have.
        """
        for path in self.delete:
            for name in list(_below(tree, to_bytes(path))):
                del tree[name]
        for old, new in self.rename.items():
            for name in list(_below(tree, to_bytes(old))):
                tree[to_bytes(new) + name[len(to_bytes(old)) :]] = tree.pop(name)
        for path, content in self.files.items():
            mode = tree.get(to_bytes(path), (FILE, b""))[0]
            tree[to_bytes(path)] = (mode if mode == EXECUTABLE else FILE, to_bytes(content))
        for path, target in self.symlinks.items():
            tree[to_bytes(path)] = (SYMLINK, to_bytes(target))
        for path, oid in self.submodules.items():
            tree[to_bytes(path)] = (SUBMODULE, oid.encode())
        for path in self.executable:
            tree[to_bytes(path)] = (EXECUTABLE, tree[to_bytes(path)][1])


def _below(tree: Tree, path: bytes) -> Iterator[bytes]:
    folder = path.rstrip(b"/") + b"/"
    found = [name for name in tree if name == path or name.startswith(folder)]
    if not found:
        raise KeyError(f"no path {path!r} in the tree before")
    yield from found


def _take_over(tree: Tree, other: Tree, fork: Tree) -> None:
    for path in fork.keys() - other.keys():
        tree.pop(path, None)
    for path, entry in other.items():
        if fork.get(path) != entry:
            tree[path] = entry


def _fork(parents_of: dict[str, Sequence[str]], one: str, other: str) -> str:
    """The latest step that both descend from, or are."""
    common = _ancestors(parents_of, one) & _ancestors(parents_of, other)
    if not common:
        raise KeyError("the parents of a merge have no step in common")
    return next(label for label in reversed(parents_of) if label in common)


def _ancestors(parents_of: Mapping[str, Sequence[str]], label: str) -> set[str]:
    found: set[str] = set()
    ahead = [label]
    while ahead:
        current = ahead.pop()
        if current not in found:
            found.add(current)
            ahead.extend(parents_of[current])
    return found


def to_bytes(value: str | bytes) -> bytes:
    """Text as UTF-8 with surrogate escapes; bytes as they are."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def plain_bytes(text: str) -> bytes:
    r"""Text in which `\xNN` stands for a byte, as reports write names that are not UTF-8."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), to_bytes(text))


FILE, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
_FOLDER = b"40000"


class Store:
    """Objects of a repository, each a file of its own.

    Args:
        git_dir: the git directory.
        object_format: `sha1` or `sha256`.
    """

    def __init__(self, git_dir: str | os.PathLike[str], object_format: str) -> None:
        self._git_dir = os.fspath(git_dir)
        self._format = object_format
        self._blobs: dict[bytes, str] = {}

    def add(self, kind: str, content: bytes) -> str:
        """Store an object, and return its id."""
        data = b"%s %d\0%s" % (kind.encode(), len(content), content)
        oid = hashlib.new(self._format, data).hexdigest()
        folder = os.path.join(self._git_dir, "objects", oid[:2])
        place = os.path.join(folder, oid[2:])
        if not os.path.exists(place):
            os.makedirs(folder, exist_ok=True)
            with open(place, "wb", opener=lambda path, flags: os.open(path, flags, 0o444)) as file:
                file.write(zlib.compress(data, 1))
        return oid

    def add_tree(self, tree: Tree) -> str:
        """Store a tree with all below it; of a file and a folder of one name the earlier is taken out."""
        root: Folder = {}
        hidden: set[bytes] = set()
        for path, (mode, content) in tree.items():
            *folders, name = path.split(b"/")
            place = root
            for depth, folder in enumerate(folders, start=1):
                below = place.get(folder)
                if not isinstance(below, dict):
                    if below is not None:
                        hidden.add(b"/".join(folders[:depth]))
                    place[folder] = below = {}
                place = below
            if isinstance(place.get(name), dict):
                hidden.update(one for one in tree if one.startswith(path + b"/"))
            place[name] = (mode, self._leaf(mode, content))
        for path in hidden:
            del tree[path]
        return self._add_folder(root)

    def _leaf(self, mode: bytes, content: bytes) -> str:
        if mode == SUBMODULE:
            return content.decode()
        if content not in self._blobs:
            self._blobs[content] = self.add("blob", content)
        return self._blobs[content]

    def _add_folder(self, entries: Folder) -> str:
        lines = []
        for name, entry in entries.items():
            mode, oid = (_FOLDER, self._add_folder(entry)) if isinstance(entry, dict) else entry
            line = b"%s %s\0%s" % (mode, name, bytes.fromhex(oid))
            # A folder's name is sorted as if it ended with a slash.
            lines.append((name + b"/" * (mode == _FOLDER), line))
        return self.add("tree", b"".join(line for _, line in sorted(lines)))

    def write_index(self, tree: Tree, work_tree: bytes) -> None:
        """Write the index of a tree that is checked out."""
        out = [b"DIRC" + struct.pack(">II", 2, len(tree))]
        for path, (mode, content) in sorted(tree.items()):
            found = os.lstat(os.path.join(work_tree, path))
            seconds = (*divmod(found.st_ctime_ns, 10**9), *divmod(found.st_mtime_ns, 10**9))
            numbers = (
                *seconds,
                found.st_dev,
                found.st_ino,
                int(mode, 8),
                found.st_uid,
                found.st_gid,
                found.st_size,
            )
            entry = struct.pack(">10I", *(number & 0xFFFFFFFF for number in numbers))
            entry += (
                bytes.fromhex(self._leaf(mode, content)) + struct.pack(">H", min(len(path), 0xFFF)) + path
            )
            out.append(entry + b"\0" * (8 - len(entry) % 8))
        content = b"".join(out)
        with open(os.path.join(self._git_dir, "index"), "wb") as file:
            file.write(content + hashlib.new(self._format, content).digest())
