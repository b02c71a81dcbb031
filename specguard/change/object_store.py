"""A repository's objects, read through a private git directory.

The directory holds two files and an empty `refs/`; its object store is the repository's. So these do not
influence what is read: the repository's configuration, attributes, replace refs, grafts, shallow file and
hooks, and the caller's environment. Git gets only full object ids, never a name that could be taken for an
option or another object.
"""

from __future__ import annotations

import atexit
import os
from functools import cached_property, partial

from specguard.change.entries import HASHLIB_FROM, FormatError, object_id
from specguard.change.process import CommandError, Process
from specguard.change.repository import Repository
from specguard.errors import MissingFact, Reported, if_known
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import Final, Self

    from specguard.change.git import Git


DOCUMENT_LIMIT: Final = 16 << 20
"""The maximum size of an object that is read whole, in bytes, unless a caller sets another."""

SMALL: Final = 1 << 20
"""The maximum size, in bytes, of a content that git may send along with its size."""

UNKNOWN_CONTENT: Final = "what will be written is not known before it is"
"""The reason why a content that is not known yet cannot be read."""

_OF_INDEX: Final = ("index file", "bad index", "bad signature")
"""How git complains about the index; about that of a pack it says its name, which ends with `.idx`."""

_MOST_EARLY: Final = 5
"""The maximum number of processes that run before their output is needed."""

_UNBOUNDED: Final = 1 << 62

SINGLE_READS: Final = 8
"""Up to this number, objects are read one by one from the process that is already running."""

_FLAGS: Final = ("--no-pager", "-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false")


class Store:
    """A repository's objects, and git commands on them, through a private directory that `close` removes.

    Args:
        repository: the repository whose objects to read.

    Attributes:
        repository: the repository.
        folder: the private directory.
        unknown_oid: the object id that represents contents which are not known yet; empty if there are none.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._processes: list[Process] = []
        self._make_folder()
        self._environment = {
            **repository.own_environment,
            # Git looks for files of attributes and ignored paths there; nobody else can write to it.
            "HOME": self.folder,
            "GIT_DIR": self.folder,
            "GIT_OBJECT_DIRECTORY": repository.objects,
        }
        self._early: dict[tuple[object, ...], Process] = {}
        self._batch: Process | None = None
        self._scratch = False
        self.unknown_oid = ""
        self._added: dict[str, bytes] = {}
        self._hashed = 0

    def _make_folder(self) -> None:
        """Make the private git directory, with only those files of `git init` that git needs."""
        parent = self.repository.environment.get("TMPDIR") or "/tmp"  # noqa: S108 - the name cannot be guessed
        self.folder = os.path.abspath(f"{parent}/specguard-{os.urandom(12).hex()}")
        more = b"" if self.repository.format == "sha1" else b"[extensions]\n\tobjectformat = sha256\n"
        help = "Set TMPDIR to a folder that can be written."
        with Reported(f"no temporary folder can be made in {parent}", help):
            os.mkdir(self.folder, 0o700)
            atexit.register(self.close)
            os.mkdir(f"{self.folder}/refs", 0o700)
            for name, text in (
                ("HEAD", b"ref: refs/heads/none\n"),
                # The temporary folder may be in the working tree, where no check takes this for a change.
                (".gitignore", b"*\n"),
                ("config", b"[core]\n\trepositoryformatversion = %d\n\tbare = true\n%b" % (bool(more), more)),
            ):
                write_file(f"{self.folder}/{name}", text)

    def add_stores(self, *stores: str, listed: str = "") -> None:
        """Read other object stores too; call this before anything is read.

        Args:
            stores: their folders, as absolute paths.
            listed: more folders, in git's format for one environment variable.
        """
        named = ":".join(filter(None, [*map(quote, stores), listed]))
        self._environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = named
        self._end_batch()

    def _end_batch(self) -> None:
        """End the process that reads single objects; the next one will know other stores."""
        if self._batch is not None:
            self._batch.stop()
            self._batch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every running process and remove the private directory."""
        atexit.unregister(self.close)
        for process in self._processes:
            process.stop()
        self._processes.clear()
        self._batch = None
        _remove_folder(self.folder)

    # Processes

    def start_early(self, *arguments: str, stdin: bytes = b"", index: str = "") -> None:
        """Start a command whose output is needed later, by a `start` with the same arguments."""
        key = (arguments, stdin, index)
        if key not in self._early and len(self._early) < _MOST_EARLY:
            self._early[key] = self.start(*arguments, stdin=stdin, index=index, wide=True)

    def start(
        self,
        *arguments: str,
        stdin: bytes = b"",
        keep_input: bool = False,
        index: str = "",
        work_tree: str = "",
        wide: bool = False,
    ) -> Process:
        """Start a git command on the private directory; `close` ends it at the latest.

        Args:
            arguments: the command and its arguments, only specguard's own words or object ids. Names are not
                patterns; `--no-literal-pathspecs` comes before a command that does not support this.
            stdin: its standard input.
            keep_input: True if the input is sent later.
            index: the index file that the command uses; none by default.
            work_tree: the working tree that the command uses; none by default.
            wide: True if the command may write far ahead of its reader.
        """
        if (running := self._early.pop((arguments, stdin, index), None)) is not None:
            return running
        variables = {"GIT_INDEX_FILE": index, "GIT_WORK_TREE": work_tree}
        flags = ["-C", work_tree, *_FLAGS, "-c", "core.bare=false"] if work_tree else _FLAGS
        source = os.devnull
        if stdin:
            source = f"{self.folder}/input-{os.urandom(4).hex()}"
            write_file(source, stdin)
        process = Process(
            self.repository.program,
            [*flags, *arguments],
            {**self._environment, **{name: value for name, value in variables.items() if value}},
            stdin=source,
            keep_input=keep_input,
            label=["git", *arguments],
            wide=wide,
        )
        if stdin:
            os.unlink(source)
        if work_tree:
            from specguard.change.worktree import check_lists

            process.watch(partial(check_lists, os.fsencode(work_tree)))
        self._processes = [other for other in self._processes if other.code is None]
        self._processes.append(process)
        return process

    def ask(self, what: str, *arguments: str, stdin: bytes = b"", index: str = "") -> bytes:
        """Return all output of a git command that `start` starts; `what` is as for `read`.

        Raises:
            MissingFact: as for `read`.
        """
        return self.read(self.start(*arguments, stdin=stdin, index=index), what)

    def read(self, process: Process, what: str) -> bytes:
        """Return all output of a command that runs already.

        Args:
            process: a command that `start` started.
            what: what it reads, for the error message.

        Raises:
            MissingFact: the command failed or complained: an object is not there or broken.
        """
        with Reading(self, what):
            return process.read()

    def missing(self, what: str, reason: str) -> MissingFact:
        """Return the error about something that cannot be read, with the command that supplies it."""
        if self.unknown_oid and self.unknown_oid in f"{what} {reason}":
            return MissingFact(UNKNOWN_CONTENT, code="not-told")
        from shlex import quote

        command, code = "restore the objects from another clone", "missing-object"
        remote = "origin" if "origin" in self.remotes else "".join(self.remotes[:1])
        if remote:
            command = f"git fetch --refetch --no-filter {quote(remote)}"
        if ".idx" not in reason and any(one in reason for one in _OF_INDEX):
            tree = "HEAD" if self.repository.head else "--empty"
            command, code = f"git read-tree {tree}", "broken-repository"
            if "Permission denied" in reason:
                command = f"chmod u+rw {quote(self.repository.index)}"
        elif "alternate object path" in reason or "info/alternates" in reason:
            place = f"{self.repository.objects}/info/alternates"
            command = f"restore it, or drop it from {place}. First: {command}"
        elif self.repository.shallow and remote:
            command, code = f"git fetch --unshallow {quote(remote)}", "shallow-clone"
        return MissingFact(f"{what} cannot be read: {reason}", command, code=code)

    @cached_property
    def remotes(self) -> list[str]:
        """The names of the remotes; empty if git lists none."""
        return os.fsdecode(self.repository.spawn("remote").drain()).split()

    def use_scratch(self) -> str:
        """From now on, store new objects in a separate store within the private directory.

        Contents that were added are written there, as git's loose objects.

        Returns:
            The store's folder. Objects in the repository's store are still found.
        """
        store = f"{self.folder}/objects"
        if not self._scratch:
            self._scratch = True
            write_file(f"{store}/info/alternates", os.fsencode(self.repository.objects) + b"\n")
            self._environment = {**self._environment, "GIT_OBJECT_DIRECTORY": store}
            self._end_batch()
        if self._added:
            import zlib
        while self._added:
            oid, content = self._added.popitem()
            data = zlib.compress(b"blob %d\0" % len(content) + content, 1)
            write_file(f"{store}/{oid[:2]}/{oid[2:]}", data)
        return store

    def add_content(self, content: bytes) -> str:
        """Make a content that no store holds readable like any other blob.

        The content is only in memory until a git command has to read it.

        Returns:
            Its object id.
        """
        oid = object_id("blob", content, self.repository.oid_digits)
        self._added[oid] = content
        return oid

    def is_unstored(self, oid: str) -> bool:
        """True if a content was added that is in no store, and so in no commit."""
        return oid in self._added and if_known(lambda: self._read_stored(oid, SMALL), None) is None

    # Objects

    def object(self, oid: str, *, limit: int = DOCUMENT_LIMIT) -> tuple[str, bytes]:
        """Return an object's kind and content, after a check of the content against the id.

        Args:
            oid: a full object id.
            limit: the maximum size in bytes.

        Raises:
            MissingFact: the object is not there, is larger than `limit`, or does not match its id.
        """
        kind, size, content = self._read_object(oid, limit)
        if content is None:
            what = f"object {oid} has {size} bytes, and {limit} are read at most"
            raise MissingFact(what, code="size-limit")
        self._verify(oid, kind, content)
        return kind, content

    def start_batch(self) -> Process:
        """Start the process that reads single objects in advance, so that it is ready for the first one."""
        if self._batch is None:
            self._batch = self.start("cat-file", "--batch", keep_input=True)
        return self._batch

    def _read_object(self, oid: str, limit: int) -> tuple[str, int, bytes | None]:
        """Return an object's kind, size and content; None for a content that is larger than `limit`."""
        if (content := self._added.get(oid)) is not None:
            return "blob", len(content), content if len(content) <= limit else None
        return self._read_stored(oid, limit)

    def _read_stored(self, oid: str, limit: int) -> tuple[str, int, bytes | None]:
        """Return an object's kind, size and content from the store; None for one larger than `limit`."""
        batch = self._batch or self.start_batch()
        try:
            batch.send(oid.encode("ascii") + b"\n")
            kind, size = self._parse_header(oid, batch.read_line())
            if size > limit:
                # Git is already sending the content; a new process costs less than reading it.
                self._end_batch()
                return kind, size, None
            return kind, size, batch.read_exactly(size, drop=1)
        except CommandError as error:
            self._batch = None
            raise self.missing(f"object {oid}", error.first_line) from error

    def streams(self, oids: Sequence[str]) -> Generator[tuple[str, int, Iterator[bytes]]]:
        """Yield the kind, size and content of many objects from one process; contents are not checked.

        A content comes in pieces, so that none is held as a whole. The unread rest of an object is skipped
        before the next one.

        Raises:
            MissingFact: one of them is not there.
        """
        if self._added:
            self.use_scratch()
        process = self.start("cat-file", "--batch", "--buffer", stdin=stdin_lines(oids), wide=True)
        try:
            with Reading(self, "objects"):
                for oid in oids:
                    kind, size = self._parse_header(oid, process.read_line())
                    if size <= SMALL:
                        yield kind, size, iter([process.read_exactly(size, drop=1)])
                        continue
                    pieces = self._pieces(process, size)
                    yield kind, size, pieces
                    for _ in pieces:
                        pass
                    process.read_exactly(1)
                process.check()
        finally:
            process.stop()

    def _pieces(self, process: Process, size: int) -> Iterator[bytes]:
        with Reading(self, "objects"):
            for left in range(size, 0, -SMALL):
                yield process.read_exactly(min(left, SMALL))

    def _read_contents(self, oids: Sequence[str], limit: int) -> Iterator[tuple[str, str, bytes | None]]:
        """Yield the id, kind and checked content of many objects; None for a content above the limit."""
        if len(oids) <= SINGLE_READS:
            found = (self._read_object(oid, limit) for oid in oids)
        else:
            streams = self.streams(oids)
            found = ((kind, size, b"".join(part) if size <= limit else None) for kind, size, part in streams)
        for oid, (kind, _, content) in zip(oids, found, strict=True):
            if content is not None:
                self._verify(oid, kind, content)
            yield oid, kind, content

    def objects(self, oids: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """Yield the id, kind and content of many objects, in the order of the ids, from one process.

        Raises:
            MissingFact: an object is not there, or does not match its id.
        """
        for oid, kind, content in self._read_contents(oids, _UNBOUNDED):
            yield oid, kind, content or b""

    def blobs(
        self, oids: Sequence[str], *, limit: int = DOCUMENT_LIMIT
    ) -> Iterator[tuple[str, bytes | None]]:
        """Yield the id and content of many blobs, in the order of the ids, from one process.

        Args:
            oids: full object ids.
            limit: the maximum size in bytes; None replaces the content of a larger blob.

        Raises:
            MissingFact: an object is not there, is not a blob, or does not match its id.
        """
        for oid, kind, content in self._read_contents(oids, limit):
            if kind != "blob":
                raise self.missing(f"object {oid}", f"it is a {kind}, where a file is expected")
            yield oid, content

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        """Return the size in bytes of each object; no content is read.

        Raises:
            MissingFact: one of them is not there.
        """
        if len(oids) <= SINGLE_READS:
            # The process that is already running prints the sizes too, although together with the contents.
            return {oid: self._read_object(oid, SMALL)[1] for oid in oids}
        if self._added:
            self.use_scratch()
        # Git answers in the order of the ids.
        arguments = ("cat-file", "--batch-check=%(objectsize)", "--buffer")
        output = self.ask("the objects' sizes", *arguments, stdin=stdin_lines(oids))
        # Numbers have no `m`, but `missing` and `ambiguous` have.
        absent = next((line for line in output.split(b"\n") if b"m" in line), b"") if b"m" in output else b""
        if absent or output.count(b"\n") != len(oids):
            named = absent.partition(b" ")[0].decode("ascii") or "of the change"
            raise self.missing(f"object {named}", "it is not in the object store")
        return dict(zip(oids, map(int, output.split()), strict=True))

    def _parse_header(self, oid: str, line: bytes) -> tuple[str, int]:
        parts = line.decode("ascii", "replace").split(" ")
        if len(parts) != 3 or parts[0] != oid or not parts[2].isdigit():
            if oid in self._added:
                # `is_unstored` asks for no step, whose remotes another process would list.
                raise MissingFact(UNKNOWN_CONTENT)
            raise self.missing(f"object {oid}", "it is not in the object store")
        return parts[1], int(parts[2])

    def _verify(self, oid: str, kind: str, content: bytes) -> None:
        """Raise an error for a content that does not match its id."""
        self._hashed += len(content)
        if object_id(kind, content, len(oid), fast=self._hashed > HASHLIB_FROM) != oid:
            what = f"object {oid} is forged or broken: its content has another hash"
            raise MissingFact(what, "git fsck", code="missing-object")


class Reading(Record):
    """A context manager that turns a command's failure or malformed output into a missing fact.

    Attributes:
        store: the store that is read.
        what: what is read, for the error message.
    """

    store: Store
    what: str

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, (CommandError, FormatError)):
            raise self.store.missing(self.what, error.first_line) from error


def write_file(file: str, content: bytes) -> None:
    """Write a file in a private git directory."""
    help = "Make room in the temporary folder, or set TMPDIR to another one."
    with Reported("what a check needs cannot be written to a temporary file", help):
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        with open(file, "wb") as stream:
            stream.write(content)


def quote(text: str) -> str:
    """Return a text in quotes, as git reads it in its configuration and in lists of folders."""
    # Git knows fewer escapes than JSON: a carriage return is written as it is.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def stdin_lines(words: Iterable[str]) -> bytes:
    """Return words as the standard input of a git command, one on each line."""
    return "".join([word + "\n" for word in words]).encode("ascii")


def _remove_folder(folder: str) -> None:
    """Remove a folder with its contents, without following links; a missing file does not matter."""
    try:
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                _remove_folder(entry.path)
            else:
                os.unlink(entry.path)
        os.rmdir(folder)
    except FileNotFoundError:
        pass


LINK_LIMIT: Final = 4096
"""The maximum size of a symbolic link's text, in bytes, as on Linux (PATH_MAX)."""


class Objects(Record):
    """The objects that a change's entries name.

    Attributes:
        git: the repository's private git directory.
    """

    git: Git

    def sizes(self, oids: Collection[str]) -> Mapping[str, int]:
        """Return the size of each object in bytes, without reading the contents.

        Args:
            oids: full object ids, each once.

        Raises:
            MissingFact: one of them is not there.
        """
        return self.git.sizes(oids)

    def read(self, oid: str, *, limit: int = LINK_LIMIT) -> bytes:
        """Return the content of an object.

        Args:
            oid: a full object id.
            limit: the maximum size in bytes; by default the maximum of a symbolic link's text.

        Raises:
            MissingFact: the object is not there, is larger than `limit`, or does not match its id.
        """
        return self.git.object(oid, limit=limit)[1]


LINE_LIMIT: Final = 8 << 20
"""The maximum length of a line, in bytes; it bounds memory, as a block holds at least one line."""


def whole_lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield a content in blocks that end with a newline, except the last one.

    Args:
        chunks: the content in any pieces.
        name: the name of the content, for the error message.

    Raises:
        MissingFact: a line is longer than `LINE_LIMIT`.
    """
    rest = b""
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
        if len(rest) > LINE_LIMIT:
            what = f"{name} has a line of more than {LINE_LIMIT} bytes, which is not read"
            raise MissingFact(f"{what}; the rule's 'exclude' takes a file out", code="size-limit")
    if rest:
        yield rest
