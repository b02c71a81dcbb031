"""Real git repositories for tests, identical on every machine.

Names, dates and configuration are fixed: the user's git configuration, hooks and environment are ignored. Two
builders that do the same make the same object ids. One process of `git fast-import` makes many commits at
once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from specguard.change.repository import NO_CONFIGURATION

Name = str | bytes

Texts = Mapping[str, Name] | Mapping[bytes, Name] | Mapping[Name, Name]

Ids = Mapping[str, str] | Mapping[bytes, str] | Mapping[Name, str]

Tree = dict[bytes, tuple[bytes, bytes]]

"""Mode and content by path; a submodule's content is its commit's id."""


AUTHOR = "Ann Example <ann@example.org>"
ORIGIN = "https://example.org/team/repo.git"
FIRST_DATE = 1_767_225_600
"""The first commit's date, in seconds since 1970: 2026-01-01, 00:00 UTC. Each next one is a minute later."""

_PASSED_VARIABLES = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


def clean_environment() -> dict[str, str]:
    """Return a minimal environment: the way to programs, UTC, and nothing of the caller's `GIT_*` or CI."""
    return {
        **{name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ},
        **NO_CONFIGURATION,
        # Disable the cache, since root could create a folder in that home.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.devnull),
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_DEFAULT_REF_FORMAT": "files",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


class GitError(AssertionError):
    """A git command of a builder failed; the message has its output."""


class Repository:
    """A git repository with a working tree, made in an empty or missing folder.

    Paths are relative to its root. Paths and messages are text or bytes; text is encoded as UTF-8 with
    surrogate escapes. Every method that makes a commit returns its full object id.

    Args:
        path: the folder; it is created if it is missing.
        branch: the branch that `HEAD` names.
        object_format: `sha1` or `sha256`.
        origin: the URL of the remote `origin`; empty for no remote.
        create: False to open an existing repository without changing it.

    Attributes:
        environment: the environment of git, from `clean_environment`.
        names: object ids by the names that a `Case` has for its commits.
        commits_made: the number of commits made, from which the next one's date is derived.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        branch: str = "main",
        object_format: str = "sha1",
        origin: str = "",
        create: bool = True,
    ) -> None:
        self.path = Path(path)
        self.environment = clean_environment()
        self.names: dict[str, str] = {}
        self.commits_made = 0
        if create and not (self.path / ".git" / "HEAD").exists():
            self.path.mkdir(parents=True, exist_ok=True)
            for name, content in _initial_files(branch, object_format, origin):
                if content is None:
                    (self.path / name).mkdir(exist_ok=True)
                else:
                    (self.path / name).write_bytes(content)

    @property
    def git_dir(self) -> Path:
        """The absolute path of the git directory; that of a linked worktree is its own."""
        return Path(self.git("rev-parse", "--absolute-git-dir"))

    # Running git

    def process(
        self,
        *arguments: str | bytes,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        hooks: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git in the repository, and return the finished process, even if it failed.

        Args:
            arguments: everything after `git`.
            stdin: the standard input.
            environment: variables to add.
            hooks: True to run the repository's hooks.
        """
        silent = [] if hooks else ["-c", f"core.hooksPath={os.devnull}"]
        return subprocess.run(
            ["git", "-c", "maintenance.auto=false", "-c", "safe.bareRepository=all", *silent, *arguments],
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
        """Run git in the repository, and return its stdout without the newlines at the end.

        Raises:
            GitError: the exit code is not 0.
        """
        done = self.process(*arguments, stdin=stdin, environment=environment, hooks=hooks)
        if done.returncode:
            text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise GitError(f"git {' '.join(map(str, arguments))} ended with {done.returncode}: {text}")
        return _text(done.stdout).rstrip("\n")

    def oid(self, revision: str = "HEAD") -> str:
        """Return the full object id of a revision."""
        if _OID.fullmatch(revision):
            return revision
        return self.git("rev-parse", "--verify", "--end-of-options", revision)

    def blob(self, content: str | bytes) -> str:
        """Store a blob, and return its object id."""
        return self.git("hash-object", "-w", "--stdin", stdin=to_bytes(content))

    # The working tree

    def write(self, path: str | bytes, content: str | bytes = "") -> None:
        """Write a file and create its folders; replace a file or link of that name."""
        with open(self._make_free(path), "wb") as file:
            file.write(to_bytes(content))

    def read(self, path: str | bytes) -> bytes:
        """Return the bytes of a file of the working tree."""
        with open(self._place(path), "rb") as file:
            return file.read()

    def delete(self, path: str | bytes) -> None:
        """Delete a file, a link or a folder with all its content."""
        place = self._place(path)
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        else:
            os.unlink(place)

    def rename(self, old: str | bytes, new: str | bytes) -> None:
        """Move a file or a folder; create the folders of the new name."""
        os.rename(self._place(old), self._make_free(new))

    def symlink(self, path: str | bytes, target: str | bytes) -> None:
        """Make a symbolic link with exactly this text as its target."""
        os.symlink(to_bytes(target), self._make_free(path))

    def executable(self, path: str | bytes, on: bool = True) -> None:
        """Set or clear a file's executable bit."""
        os.chmod(self._place(path), 0o755 if on else 0o644)

    def submodule(self, path: str | bytes, oid: str = "1" * 40) -> None:
        """Stage a submodule at a commit, which need not exist; without a folder, `git add` would drop it."""
        os.makedirs(self._place(path), exist_ok=True)
        self.git("update-index", "--add", "--cacheinfo", b"160000,%s,%s" % (oid.encode(), to_bytes(path)))

    def stage(self, *paths: str | bytes) -> None:
        """Stage everything, or these paths; ignored files too."""
        self.git("add", "-A", "-f", "--", *(paths or (".",)))

    def apply(self, step: Step) -> None:
        """Make the changes of a step in the working tree; ignore its message, author and parents.

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
        """Check that a path is in the working tree, after resolving links on the way to it.

        Raises:
            OSError: the path leads out of the working tree, is its root, or leads into git's own folder.
        """
        raw = to_bytes(path)
        top = os.path.realpath(os.fsencode(self.path))
        parent = os.path.realpath(os.path.dirname(os.path.join(top, raw)))
        names = {name.lower() for name in raw.split(b"/")}
        if os.path.commonpath([top, parent]) != top or names & {b"..", b".git"} or names <= {b"", b"."}:
            raise OSError(f"{_text(raw)!r} is not a path in the working tree")

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
        """Commit the working tree, even without changes; the message is taken byte for byte.

        Args:
            message: the message; a final newline is added if it is missing.
            files: files to write first.
            delete: paths to delete first.
            author: `Name <address>`.
            committer: the committer; by default the author.
            stage: False to commit the index as it is.
            amend: True to replace the last commit.
            date: seconds since 1970; by default the next minute.
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
        return self._head()

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
            branches: the branches to merge.
            message: the merge's message.
            files: files to write into the merge, to resolve a conflict or to add content that no parent has.
            delete: paths to delete in it.
            author: `Name <address>`.

        Raises:
            GitError: there is a conflict, and neither `files` nor `delete` resolves it.
        """
        done = self.process("merge", "-q", "--no-ff", "--no-commit", *branches)
        if done.returncode and not files and not delete:
            raise GitError((done.stdout + done.stderr).decode("utf-8", "replace"))
        return self.commit(message, files=files, delete=delete, author=author)

    def add_commits(self, steps: Sequence[Step], *, refs: Mapping[str, str] | None = None) -> dict[str, str]:
        """Make many commits at once, from a root commit on; check out the last as `HEAD`'s branch.

        Args:
            steps: the commits in order; see `Step`.
            refs: additional refs, in full, each with the `id` of a step.

        Returns:
            The object id of each step by its `id`, or by its position from 0, as text, if it has no `id`.

        Raises:
            KeyError: a parent or ref does not name an earlier step, or a path is missing.
        """
        labels = [step.id or str(position) for position, step in enumerate(steps)]
        marks: dict[str, bytes] = {}
        stream: list[bytes] = []
        trees: dict[str, Tree] = {}
        parents_of: dict[str, Sequence[str]] = {}
        for position, (step, label) in enumerate(zip(steps, labels, strict=True)):
            parents = labels[:position][-1:] if step.parents is None else step.parents
            before = trees[parents[0]] if parents else {}
            tree = dict(before)
            for other in parents[1:]:
                _merge_tree(tree, trees[other], trees[_common_ancestor(parents_of, parents[0], other)])
            step.apply(tree)
            trees[label], parents_of[label] = tree, parents
            mark = b":%d" % (position + 1)
            stream.append(b"reset HEAD\n")
            stream += self._commit_in_stream(step, mark, [marks[parent] for parent in parents])
            stream += _stream_difference(before, tree)
            marks[label] = mark
        for name, label in {**(refs or {}), "HEAD": labels[-1]}.items():
            stream.append(b"reset %s\nfrom %s\n\n" % (to_bytes(name), marks[label]))
        stream += [b"get-mark %s\n" % mark for mark in marks.values()]
        # Keep the pack: git would start another process to unpack it.
        words = ("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", "--date-format=raw")
        oids = self.git(*words, stdin=b"".join(stream))
        done = self.process("reset", "-q", "--hard")
        # Commits may have paths that git refuses to check out, such as `.git/x`.
        if done.returncode and b"invalid path" not in done.stderr:
            raise GitError(f"git reset ended with {done.returncode}: {_text(done.stderr).strip()}")
        return dict(zip(marks, oids.split("\n"), strict=True))

    # Refs

    def ref(self, name: str | bytes, revision: str = "HEAD") -> None:
        """Point a ref, given in full, to a revision; the name may be any that git can store."""
        self.git("update-ref", name, revision)

    def branch(self, name: str, at: str = "HEAD", *, checkout: bool = True) -> None:
        """Create a branch at a revision, and check it out."""
        self.ref(f"refs/heads/{name}", at)
        if checkout:
            self.checkout(name)

    def checkout(self, name: str, *, detach: bool = False) -> None:
        """Check out a branch, or a revision with a detached `HEAD`; discard uncommitted changes."""
        what = ("--detach", self.oid(name)) if detach else (name, "--")
        self.git("checkout", "-q", "-f", *what)

    def orphan(self, name: str) -> None:
        """Start a branch without history and with an empty working tree."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{name}")
        self.git("rm", "-q", "-r", "-f", "--ignore-unmatch", ".")

    def tag(self, name: str, at: str = "HEAD", *, message: str | None = None) -> None:
        """Make a tag; with a message it is an annotated tag."""
        self.git("tag", *(["-a", "-m", message] if message is not None else []), name, at)

    def remote(self, url: str = ORIGIN, name: str = "origin") -> None:
        """Set a remote's URL."""
        if self.process("remote", "add", name, url).returncode:
            self.git("remote", "set-url", name, url)

    def publish(
        self, branch: str = "main", at: str | None = None, *, remote: str = "origin", head: bool = False
    ) -> None:
        """Set a remote-tracking branch as a fetch would leave it.

        Args:
            branch: the branch's name.
            at: its revision; by default the local branch of that name.
            remote: the remote's name.
            head: True to make it the remote's default branch (`refs/remotes/origin/HEAD`).
        """
        self.ref(f"refs/remotes/{remote}/{branch}", at or f"refs/heads/{branch}")
        if head:
            self.git("symbolic-ref", f"refs/remotes/{remote}/HEAD", f"refs/remotes/{remote}/{branch}")

    # Other repositories made from this one

    def worktree(self, path: str | os.PathLike[str], branch: str, at: str = "HEAD") -> Repository:
        """Add a linked worktree with a new branch."""
        self.git("worktree", "add", "-q", "-b", branch, os.fspath(path), self.oid(at))
        return self._open_copy(path)

    def clone(
        self, path: str | os.PathLike[str], *, depth: int | None = None, bare: bool = False, partial: str = ""
    ) -> Repository:
        """Clone this repository, over its transport rather than by linking objects.

        Args:
            path: the clone's folder.
            depth: the number of commits of history to fetch, in a shallow clone; all by default.
            bare: True for a clone without a working tree.
            partial: a partial clone's filter, such as `blob:none`; this repository is set to serve it.
        """
        options = [f"--depth={depth}"] if depth else []
        options += ["--bare"] if bare else []
        options += [f"--filter={partial}"] if partial else []
        source = f"file://{self.path.resolve()}"
        if partial:
            self.git("config", "uploadpack.allowFilter", "true")
        self.git("clone", "-q", "--template=", "--no-tags", *options, source, os.fspath(path))
        return self._open_copy(path)

    # Helpers

    def _commit_in_stream(self, step: Step, mark: bytes, parents: Sequence[bytes]) -> Iterator[bytes]:
        """Yield a commit for `git fast-import`, with the next date, without its changes of files."""
        author = to_bytes(step.author or AUTHOR)
        when = FIRST_DATE + 60 * self.commits_made
        self.commits_made += 1
        message = to_bytes(step.message)
        message += b"\n" if message and not message.endswith(b"\n") else b""
        yield b"commit HEAD\nmark %s\n" % mark
        yield b"author %s %d +0000\n" % (author, when)
        yield b"committer %s %d +0000\n" % (to_bytes(step.committer) or author, when)
        if step.encoding:
            yield b"encoding %s\n" % step.encoding.encode()
        yield b"data %d\n%s\n" % (len(message), message)
        for word, parent in zip((b"from", *[b"merge"] * len(parents)), parents, strict=False):
            yield b"%s %s\n" % (word, parent)

    def _open_copy(self, path: str | os.PathLike[str]) -> Repository:
        other = Repository(path, create=False)
        other.commits_made = self.commits_made
        return other

    def _head(self) -> str:
        """Return the object id that `HEAD` names; git has just written it into a file."""
        folder = self.path / ".git"
        if not folder.is_dir() or (folder / "reftable").exists():
            return self.oid()
        head = os.fsdecode((folder / "HEAD").read_bytes()).strip().removeprefix("ref: ")
        return head if _OID.fullmatch(head) else (folder / head).read_text("ascii").strip()

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

    def _make_free(self, path: str | bytes) -> bytes:
        place = self._place(path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.lexists(place):
            os.unlink(place)
        return place


@cache
def _initial_files(branch: str, object_format: str, origin: str) -> list[tuple[Path, bytes | None]]:
    """Return the folders and files of a repository without commits, by path; a folder has no content."""
    with TemporaryDirectory(prefix="specguard-") as place:
        options = [f"--initial-branch={branch}", f"--object-format={object_format}"]
        initial = Repository(place, create=False)
        initial.git("init", "-q", "--template=", *options)
        if origin:
            initial.remote(origin)
        found = sorted(Path(place).rglob("*"))
        return [(path.relative_to(place), None if path.is_dir() else path.read_bytes()) for path in found]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_OID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Step:
    """One commit, described by its changes. Paths and messages are text or bytes.

    A merge takes over the changes that its other parents made since they forked from the first, and then
    makes its own. `files` of a merge resolve a conflict, or add content that no parent has.

    Attributes:
        message: the commit's message; a final newline is added if it is missing.
        files: content by path.
        symlinks: target by path.
        submodules: commit id by path.
        executable: paths, new or old, that get the executable bit.
        delete: files, or folders with all below them.
        rename: new name by old one, of a file or a folder.
        author: `Name <address>`; empty for the builder's own.
        committer: the committer; empty for the author.
        encoding: the name in the commit's encoding header; empty for no header.
        id: a name by which other steps can name this one as a parent.
        parents: ids of steps; None for the previous step, empty for a root commit.
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
        """Apply the changes of this step to a tree.

        Raises:
            KeyError: the step deletes, renames or makes executable a path that the tree does not have.
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
            for name in _below(tree, to_bytes(path)):
                tree[name] = (EXECUTABLE, tree[name][1])


def _below(tree: Tree, path: bytes) -> Iterator[bytes]:
    folder = path.rstrip(b"/") + b"/"
    found = [name for name in tree if name == path or name.startswith(folder)]
    if not found:
        raise KeyError(f"no path {path.decode('utf-8', 'backslashreplace')!r} in the tree before")
    yield from found


def _stream_difference(before: Tree, after: Tree) -> Iterator[bytes]:
    """Yield the difference between two trees, for `git fast-import`."""
    yield from (b"D %s\n" % _quoted(path) for path in before if path not in after)
    for path, (mode, content) in after.items():
        if before.get(path) == (mode, content):
            continue
        if mode == SUBMODULE:
            yield b"M %s %s %s\n" % (mode, content, _quoted(path))
        else:
            yield b"M %s inline %s\ndata %d\n%s\n" % (mode, _quoted(path), len(content), content)


def _quoted(path: bytes) -> bytes:
    return b'"%s"' % b"".join(b"\\%03o" % char for char in path)


def _merge_tree(tree: Tree, other: Tree, fork: Tree) -> None:
    for path in fork.keys() - other.keys():
        tree.pop(path, None)
    for path, entry in other.items():
        if fork.get(path) != entry:
            tree[path] = entry


def _common_ancestor(parents_of: dict[str, Sequence[str]], one: str, other: str) -> str:
    """Return the latest common ancestor of two steps."""
    common = _ancestors(parents_of, one) & _ancestors(parents_of, other)
    if not common:
        raise KeyError("the parents of a merge have no step in common")
    return next(label for label in reversed(parents_of) if label in common)


def _ancestors(parents_of: dict[str, Sequence[str]], label: str) -> set[str]:
    found = {label}
    for name in reversed(parents_of):  # a step stands behind its parents
        if name in found:
            found.update(parents_of[name])
    return found


def to_bytes(value: str | bytes) -> bytes:
    """Encode text as UTF-8 with surrogate escapes; return bytes unchanged."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def plain_bytes(text: str) -> bytes:
    r"""Encode text in which `\xNN` is a byte, as reports write names that are not UTF-8."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), to_bytes(text))


FILE, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"
