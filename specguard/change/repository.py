"""The location of a repository, its state that must be read in place, and its remotes and branches.

Names of refs are resolved here to full object ids, without peeling tags. Objects are read only through the
private git directory of `specguard.change.object_store`.
"""

from __future__ import annotations

import os
import re
from functools import cached_property

from specguard.change.check_request import read_unlinked
from specguard.change.process import CommandError, Process
from specguard.errors import MissingFact, Needed, SpecguardError
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

    from specguard.change.check_request import Request
    from specguard.documents.document import Document


class Branch(Record):
    """The judged branch.

    Attributes:
        name: its short name, e.g. `phase-12`; bytes that are not UTF-8 are surrogate escapes.
        source: the source of the name: `option` (`--branch`), `event`, `head` (a head given by name), `HEAD`,
            `merge` (the message of a merge that landed), `push` or `run`.
    """

    name: str
    source: str


class PullRequest(Record):
    r"""A pull request's text, from flags, an event file or the platform's variables.

    Attributes:
        title: None if the source has none.
        body: with `\n` for newlines; None if the source has none.
        base: the short name of the branch it is to be merged into, or None.
        number: None if it is not known.
    """

    title: str | None = None
    body: str | None = None
    base: str | None = None
    number: int | None = None

    def require(self, part: str) -> str:
        """Return the text of `title` or `body`.

        Args:
            part: the name of the attribute.

        Raises:
            MissingFact: the source has none.
        """
        text: str | None = getattr(self, part)
        if text is None:
            command = "specguard check --pr-title TEXT --pr-body-file FILE"
            raise MissingFact(f"the pull request's {part} is not known", command, code="not-told")
        return text

    def section(self, title: str) -> str | None:
        """Return the visible text of a section of the body; None if the heading or the body is missing.

        Args:
            title: the heading's words; case, numbering and punctuation are ignored.
        """
        from specguard.documents.blocks import Html, fences, texts
        from specguard.documents.inline import html_text

        section = self._document.section(title)
        if section is None:
            return None
        seen = [(text.plain, text.rendered) for text in texts(section.blocks)]
        seen += [(fence.content, fence.content) for fence in fences(section.blocks)]
        found = (block.content for block in section.blocks if isinstance(block, Html))
        seen += [(content, html_text(content)) for content in found]
        # A picture is content, with or without a text in its place.
        pictures = ("![", "<img", "<picture", "<svg", "<video")
        return "\n".join(
            source if any(one in source.lower() for one in pictures) else shown for source, shown in seen
        )

    def names(self, path: str) -> bool:
        """True if the body has a path, from the repository's root or at the end of an address, in sight."""
        from specguard.documents.blocks import all_texts

        # Before it may be where a platform shows files, `../` or the root.
        before = r"(?:https?://|[^\s<>()]{1,200}/(?:blob|src|tree)/)[^\s<>()]{1,200}/|[./]*/"
        name = re.compile(
            rf"(?<![A-Za-z0-9./-])(?:{before})?{re.escape(path)}(?![A-Za-z0-9]|[._/-]+[A-Za-z0-9])"
        )
        document = self._document
        if not document.blocks:
            return False
        hidden = [text.raw for text in all_texts(document.hidden_blocks)]
        hidden += [part.text for part in document.hidden_parts]
        return len(name.findall(self.body or "")) > sum(len(name.findall(text)) for text in hidden)

    @cached_property
    def _document(self) -> Document:
        from specguard.documents.document import Document

        return Document(self.body or "")


class Ref(Record):
    """A branch, local or of a remote.

    Attributes:
        name: the full name, e.g. `refs/remotes/origin/main`.
        short: the name without `refs/heads/` or `refs/remotes/<remote>/`.
        oid: the full object id it points to.
    """

    name: str
    short: str
    oid: str


class Remote(Record):
    """A remote in the repository's and the user's configuration.

    Attributes:
        name: e.g. `origin`.
        url: its first address, as written; None if the remote does not exist.
        fetch: the address of a fetch, after `url.<base>.insteadOf`; empty if the remote does not exist.
        pushes: all addresses of a push, after `pushurl`, `pushInsteadOf` and `insteadOf`.
    """

    name: str
    url: str | None
    fetch: str = ""
    pushes: Sequence[str] = ()

    def leads_to(self, url: str, expected: str) -> bool:
        """True if two addresses name the same repository, however they are written."""
        from specguard.change.remotes import same_address

        return same_address(url, expected)

    def shown(self, url: str) -> str:
        """Return an address without its secrets."""
        from specguard.change.remotes import shown_address

        return shown_address(url)


class Push(Record, frozen=False):
    """One ref of a push.

    Attributes:
        remote: the remote's name or URL.
        local_ref: the pushed ref, as in git's pre-push input; empty if it is not known.
        remote_ref: the full name of the ref that will be written.
        new: the object id that is pushed; None for a deletion.
        old: the object id that the remote has; None for a ref that is new there.
    """

    remote: str
    local_ref: str
    remote_ref: str
    new: str | None
    old: str | None


class PastCommit(Record):
    """A commit of the base's history, of which only the message is read.

    Attributes:
        oid: its full object id.
        message: subject and body as text.
    """

    oid: str
    message: str

    @property
    def subject(self) -> str:
        """The first line."""
        return self.message.split("\n", 1)[0]


HOOK_VARIABLES: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""The variables that git sets for its hooks; no other `GIT_*` variable of the caller reaches `spawn`."""

RUN_BRANCH: Final = "SPECGUARD_BRANCH"
"""The variable in which a run tells its commands the branch of its item, as its place has no branches."""

SUFFIX: Final = ".specguard"
"""The suffix that turns the name of a run's place into the name of specguard's own folder for it."""

QUIET: Final = {
    "LC_ALL": "C",
    "TZ": "UTC",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_FLUSH": "0",
    "GIT_DEFAULT_REF_FORMAT": "files",
}
"""No lock, prompt, transport, flush or fetch of missing objects; plain messages; names are not patterns.

What specguard makes of its own keeps its refs in files, whatever a git's default is.
"""

NO_CONFIGURATION: Final = {
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
"""Variables that disable the user's and the system's configuration."""

NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "hook.reference-transaction.enabled=false")
"""Flags of git that disable the hook that may run at any write of a ref, be it a file or in a setting."""

USUAL_BASES: Final = (
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/heads/main",
    "refs/remotes/origin/master",
    "refs/heads/master",
)
"""The refs to try for the base, in this order, if nobody names it."""

_REV_PARSE: Final = (
    "rev-parse", "--path-format=absolute", "--absolute-git-dir", "--git-common-dir", "--git-path", "objects",
    "--git-path", "index", "--show-object-format", "--is-shallow-repository", "--is-bare-repository",
    "--is-inside-work-tree", "--show-cdup", "HEAD", "--symbolic-full-name", "HEAD",
)  # fmt: skip
_LINES: Final = 11
_LONGEST_LIST: Final = 1 << 16

MERGE_HEADS: Final = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD")
"""The files in which git records the commits that a merge, a pick or a rebase adds to `HEAD`.

A revert is the author's own work, so `REVERT_HEAD` is not in the list.
"""


class Repository:
    """A repository, as one `git rev-parse` in place describes it.

    Attributes:
        directory: the folder in which the search began; empty: the working directory.
        environment: the caller's environment.
        git_dir: its git directory; for a linked worktree the worktree's own.
        common: the git directory that its worktrees share.
        objects: its object store.
        index: its index file, or the one that git passed to a hook.
        format: `sha1` or `sha256`.
        shallow: True if it claims to be a shallow clone; only for advice, since anyone can write that.
        bare: True if it has no working tree.
        head: the object id that `HEAD` points to; None before the first commit of its branch.
        branch: the full name of the ref that `HEAD` points to; None if it is detached.
        root: the root of the working tree; None in a bare repository, and in a git directory itself.
    """

    def __init__(self, directory: str, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = environment
        program = find_program("git", environment)
        if program is None:
            message = "git is not installed, or not on the path"
            raise SpecguardError(message, help="Install git 2.34 or later.", code="program-missing")
        self.program = program
        self._refs: dict[str, tuple[str, str]] = {}
        self._broken_refs: set[str] = set()
        self._user_trusted = False
        self.head: str | None = None
        self.branch: str | None = None

    @classmethod
    def locate(cls, directory: str, environment: Mapping[str, str]) -> Repository:
        """Find the repository that a folder belongs to.

        Args:
            directory: the folder; empty: the working directory, or the folder in `GIT_DIR`.
            environment: the caller's environment.

        Raises:
            SpecguardError: the folder is in no repository, another user owns it, or git cannot be run.
        """
        return Lookup(directory, environment).repository()

    @property
    def oid_digits(self) -> int:
        """The length of a full object id in digits."""
        return 64 if self.format == "sha256" else 40

    @property
    def own_environment(self) -> dict[str, str]:
        """The environment of a git command that reads no configuration of the user or the system."""
        return {"PATH": search_path(self.program), **QUIET, **NO_CONFIGURATION}

    def spawn(self, *arguments: str, user: bool = False) -> Process:
        """Start a git command in the caller's folder, for refs and configuration; it runs no other program.

        Args:
            arguments: all arguments after git's own flags.
            user: True to read the user's and the system's configuration too.
        """
        # A named folder has precedence over a hook's environment.
        names: tuple[str, ...] = HOOK_VARIABLES[2:] if self.directory else HOOK_VARIABLES
        environment = self.own_environment
        if user or self._user_trusted:
            environment, names = {"PATH": environment["PATH"], **QUIET}, (*names, "HOME", "XDG_CONFIG_HOME")
        environment.update({name: self.environment[name] for name in names if self.environment.get(name)})
        where = ["-C", self.directory] if self.directory else []
        flags = ["--no-pager", "-c", "core.fsmonitor=false", "-c", "core.warnAmbiguousRefs=false"]
        flags += ["-c", "safe.bareRepository=all", *where]
        return Process(self.program, [*flags, *arguments], environment, label=["git", *arguments])

    def settings(self, keys: str = ".", *, user: bool = True) -> list[tuple[str, str]]:
        """Return the keys of the configuration that an expression finds, each with its value, in git's order.

        Args:
            keys: the expression, of git's kind.
            user: as in `spawn`.

        Raises:
            MissingFact: the configuration cannot be read.
        """
        try:
            output = self.spawn("config", "-z", "--get-regexp", keys, user=user).read()
        except CommandError as error:
            if error.code == 1 and not error.message:
                return []
            reason = f"the configuration cannot be read: {error.first_line}"
            raise MissingFact(reason, "git config --list", code="broken-repository") from error
        text = output.decode("utf-8", "surrogateescape")
        return [entry.partition("\n")[::2] for entry in text.split("\0") if entry]

    @cached_property
    def file_options(self) -> list[str]:
        """Options of git with the user's settings that decide how it reads files of a working tree."""
        names = r"^core\.(autocrlf|filemode|symlinks)$"
        output = os.fsdecode(self.spawn("config", "-z", "--get-regexp", names, user=True).drain())
        return [word for one in output.split("\0") if one for word in ("-c", one.replace("\n", "=", 1))]

    def user_setting(self, name: str, *options: str) -> str | None:
        """Return a setting of the user's or the system's configuration, never the repository's, or None."""
        process = self.spawn("config", "-z", "--show-scope", *options, "--get-all", name, user=True)
        fields = process.drain().decode("utf-8", "surrogateescape").split("\0")
        pairs = [*zip(fields[::2], fields[1::2], strict=False)]
        return next((value for scope, value in reversed(pairs) if scope in ("global", "system")), None)

    def ignores(self, path: str) -> bool:
        """True if git ignores a path, relative to the root, by its own lists or the user's."""
        probe = ("--no-literal-pathspecs", "check-ignore", "-q", f"{self.work_tree()}/{path}")
        return not self.spawn(*probe, user=True).wait()

    def max_indexed(self) -> int:
        """Return an upper bound of the index's entries: each takes 62 bytes or more."""
        return os.path.getsize(self.index) // 62 if os.path.exists(self.index) else 0

    def refs_named(self, names: Iterable[str]) -> dict[str, str]:
        """Return the object ids of those of these refs that exist.

        Args:
            names: full names, not patterns.

        Raises:
            MissingFact: one of them exists and is broken.
        """
        names = [name for name in names if name.startswith("refs/") and "\0" not in name]
        if unknown := [name for name in names if name not in self._refs]:
            self._record_refs(unknown, self.spawn("for-each-ref", f"--format={_REF_FORMAT}", *unknown))
        if broken := self._broken_refs.intersection(names):
            raise _broken_ref(min(broken))
        return {name: self._refs[name][0] for name in names if self._refs[name][0]}

    def target_of(self, name: str) -> str:
        """Return the full name of the ref that a symbolic ref points to; the name itself for any other."""
        return self._refs.get(name, ("", ""))[1] or name

    @cached_property
    def served(self) -> bool:
        """True if the repository itself is bare and fetches no branches: any ref may have been pushed."""
        fetched = self.settings(r"^remote\..*\.fetch$") if self._is_bare else []
        return self._is_bare and not any(":refs/remotes/" in refspec for _, refspec in fetched)

    def in_order(self, names: Sequence[str]) -> Sequence[str]:
        """Return names of refs in the order in which they count: local ones first where others are pushed."""
        return sorted(names, key=lambda name: self.served and not name.startswith("refs/heads/"))

    def branches_of_detached(self) -> Sequence[str]:
        """Return the full names of the branches to which commits on a detached `HEAD` may belong.

        These are the branches that a rebase in this working tree will move, in order, so its own is the last.
        Otherwise it is that of a run in its place.
        """
        # `git rebase --edit-todo` may leave `u` there, for `update-ref`.
        todo = [line.partition(" ")[2] for line in self._lines("rebase-merge/git-rebase-todo")]
        # One that begins where the rebased branch ends has no commits of its own.
        while todo and (not todo[-1] or todo[-1].startswith("refs/")):
            todo.pop()
        lines = [*todo, *self._lines("rebase-merge/head-name"), *self._lines("rebase-apply/head-name")]
        names = [line for line in lines if line.startswith("refs/heads/")]
        name = self.environment.get(RUN_BRANCH, "")
        return names or ([f"refs/heads/{name}"] if name else [])

    def created_from(self, ref: str) -> str:
        """Return from what a branch was made, as its log says; empty if that does not say."""
        return self.log(ref).partition("\n")[0].partition("\tbranch: Created from ")[2]

    def log(self, ref: str) -> str:
        """Return the log of a ref, as git's files have it, the oldest line first; empty without one.

        If the refs are in a reftable, git is asked. Then the first line lacks the older object id.
        """
        folder = self.git_dir if ref == "HEAD" else self.common
        if not os.path.exists(f"{folder}/reftable"):
            return os.fsdecode(read_unlinked(f"{folder}/logs/{ref}", -1) or b"")
        options = ("-g", "--no-show-signature", "--date=raw", "--format=%H %gd%x09%gs", ref, "--")
        lines = os.fsdecode(self.spawn("log", *options).drain()).split("\n")[-2::-1]
        olds = ["", *(line[: self.oid_digits] for line in lines)]
        return "\n".join(map(" ".join, zip(olds, lines, strict=False)))

    def read_merge_head(self, name: str) -> list[str]:
        """Read the commits from a file of the git directory, such as those in `MERGE_HEADS`, in its order.

        In a reftable, it may be a ref.
        """
        places = ("rebase-merge", "rebase-apply") if name == "REBASE_HEAD" else ("",)
        if not any(os.path.exists(f"{self.git_dir}/{place}") for place in places):
            return []
        lines = self._lines(name)
        if name in MERGE_HEADS[1:] and os.path.exists(f"{self.git_dir}/reftable"):
            lines = os.fsdecode(self.spawn("show-ref", "-s", "--verify", name).drain()).split("\n")
        return [line for line in dict.fromkeys(lines) if is_oid(line, self.oid_digits)]

    def _lines(self, file: str) -> list[str]:
        """Return the lines of a file in the git directory; none of one that is missing."""
        return os.fsdecode(read_unlinked(f"{self.git_dir}/{file}", _LONGEST_LIST) or b"").split("\n")

    @cached_property
    def is_place(self) -> bool:
        """True if this is the place of a run: it has no branches, and specguard's own folder is beside it."""
        is_made = RUN_BRANCH in self.environment and os.path.isdir(f"{self.root}{SUFFIX}")
        return is_made and not self.branches()

    def branches(self, *more: str) -> list[Ref]:
        """Return all branches, local and of remotes, by full name, except a remote's `HEAD`.

        Args:
            more: folders of other refs to return, too.

        Raises:
            MissingFact: one of them is broken.
        """
        process = self.spawn("for-each-ref", f"--format={_REF_FORMAT}", "refs/heads", "refs/remotes", *more)
        found, broken = _read_refs(process)
        if broken:
            raise _broken_ref(min(broken))
        return [Ref(name, short_branch(name), oid) for name, (oid, symbolic) in found.items() if not symbolic]

    def rebased_branches(self) -> list[Ref]:
        """Return the branches that `git rebase --update-refs` has passed, where it moves them at its end."""
        # During a rebase, `HEAD` is detached.
        lines = [] if self.branch else self._lines("rebase-merge/update-refs")
        found = [one for one in zip(lines[::3], lines[2::3], strict=False) if is_oid(one[1], self.oid_digits)]
        return [Ref(name, short_branch(name), oid) for name, oid in found if oid.strip("0")]

    def names(self) -> list[str]:
        """Return the short names of all branches and tags, for suggestions about an unknown name."""
        found, _ = _read_refs(self.spawn("for-each-ref", f"--format={_REF_FORMAT}"))
        return [short_name(name) for name in found]

    def work_tree(self) -> str:
        """Return the root of the working tree.

        Raises:
            SpecguardError: the repository has none, or the folder is not in it.
        """
        if not self.root:
            help = "Run this in a checkout; a bare repository has only commits."
            raise SpecguardError("there is no working tree here", help=help, code="no-repository")
        return self.root

    def as_bare(self) -> Repository:
        """Return a copy that appears bare, so that checked-out or written files do not count."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), bare=True, root=None)
        return other

    def _record_refs(self, names: Sequence[str], process: Process) -> None:
        found, broken = _read_refs(process)
        self._broken_refs |= broken
        self._refs.update({name: found.get(name, ("", "")) for name in names})

    def _parse_locations(self, process: Process) -> None:
        output, stderr = _read_output(process)
        if "dubious ownership" in stderr:
            # The user's own configuration may mark the folder as safe; a repository's cannot.
            self._user_trusted = True
            output, stderr = _read_output(self.spawn(*_REV_PARSE))
        if output.startswith("--"):
            # An older git prints the options that it does not know.
            message = f"{self.program} is older than git 2.34"
            raise SpecguardError(message, help="Install git 2.34 or later.", code="program-missing")
        lines = output.removesuffix("\n").split("\n")
        if len(lines) > _LINES or len(lines) < _LINES - 2:
            raise self._location_error(stderr)
        self.git_dir, self.common, self.objects, index, self.format, shallow, bare, inside = lines[:8]
        self.shallow, self.bare = shallow == "true", bare == "true"
        self._is_bare = self.bare
        if self.format not in ("sha1", "sha256") or not os.path.isabs(self.objects):
            raise self._location_error(stderr)
        index_file = self.environment.get("GIT_INDEX_FILE")
        self.index = os.path.abspath(index_file) if index_file else index
        # The way up to the root. Outside the working tree this is its path, or no line at all.
        up = lines.pop(8) if inside == "true" or lines[8].startswith("/") else ""
        self.root = os.path.realpath(os.path.join(self.directory, up or ".")) if inside == "true" else None
        self._head_lines = lines[8:]

    def _read_head(self) -> None:
        oid, name = self._head_lines if len(self._head_lines) == 2 else ("", "")
        if is_oid(oid, self.oid_digits) and (
            name == "HEAD" or (name.startswith("refs/") and name[-5:] != "/HEAD")
        ):
            self.head = oid
            self.branch = name if name != "HEAD" else None
            return
        # Before the first commit, or with a ref called HEAD, which git would take instead.
        output, stderr = _read_output(self.spawn("symbolic-ref", "-q", "HEAD"))
        if stderr:
            raise self._location_error(stderr)
        if name := output.removesuffix("\n"):
            self.branch = name
            self.head = self.refs_named([name]).get(name)
        elif is_oid(oid, self.oid_digits):
            self.head = oid
        else:
            help = "Check out a branch: `git checkout main`."
            raise SpecguardError("HEAD points to nothing", help=help, code="no-commit")

    def _location_error(self, stderr: str) -> SpecguardError:
        where = self.directory or "this folder"
        if "dubious ownership" in stderr:
            message = f"the repository of {where} belongs to another user, and git does not trust it"
            # Git ends its message with the command that trusts this folder.
            command = stderr.rpartition("\t")[2].strip()
            help = f"If you do: `{command}`."
        elif "not a git repository (" in stderr:
            import shlex

            folder = shlex.quote(os.path.abspath(self.directory or os.curdir))
            help = f"`git init {folder}` makes it one; or name another with `-C DIRECTORY`."
            return SpecguardError(f"{where} is not in a git repository", help=help, code="no-repository")
        else:
            reason = stderr.split("\n")[0].removeprefix("fatal: ") or "its path has a newline"
            if "cannot change to '" in reason:
                return SpecguardError(reason, help="Check its name.", code="no-repository")
            message, help = f"the repository of {where} cannot be read: {reason}", "Try `git status` there."
        return SpecguardError(message, help=help, code="broken-repository")


class Lookup:
    """A search for a folder's repository that runs while the caller does other work.

    Args:
        directory: the folder; empty: the working directory, or the folder in `GIT_DIR`.
        environment: the caller's environment.
        bases: False if the base is known, so that the usual ones need not be read.

    Attributes:
        common: the git directory that worktrees share, after a call of `repository`.

    Raises:
        SpecguardError: git cannot be run.
    """

    def __init__(self, directory: str, environment: Mapping[str, str], *, bases: bool = True) -> None:
        repository = self._repository = Repository(directory, environment)
        # Both run at the same time; outside a repository, the output about refs is not read.
        words = ("for-each-ref", f"--format={_REF_FORMAT}", *USUAL_BASES)
        self._refs = repository.spawn(*words) if bases else None
        self._locations = repository.spawn(*_REV_PARSE)

    @classmethod
    def of(cls, request: Request) -> Lookup:
        """Start the search for the repository of a request.

        Raises:
            SpecguardError: git cannot be run.
        """
        # Git passes the repository to hooks in GIT_DIR; with `enforce` it is ignored.
        return cls(request.directory or ("." if request.enforce else ""), request.environment)

    def repository(self) -> Repository:
        """Wait for the result, and return the repository.

        Raises:
            SpecguardError: the folder is in no repository, or another user owns it.
        """
        repository = self._repository
        try:
            with Needed():
                repository._parse_locations(self._locations)
                if self._refs and not repository._user_trusted:
                    repository._record_refs(USUAL_BASES, self._refs)
                repository._read_head()
        finally:
            self.stop()
        self.common = repository.common
        return repository

    def stop(self) -> None:
        """End the search; its result is no longer needed."""
        for process in filter(None, (self._refs, self._locations)):
            process.stop()


_REF_FORMAT: Final = "%(objectname)%00%(refname)%00%(symref)%00"


def is_oid(text: str, digits: int) -> bool:
    """True if the text is a full object id with this number of digits."""
    return len(text) == digits and text.strip("0123456789abcdef") == ""


def short_branch(ref: str) -> str:
    """Return a branch's name without the remote's: `main` for `refs/remotes/origin/main`."""
    return ref.split("/", 3 if ref.startswith("refs/remotes/") else 2)[-1]


def short_name(ref: str) -> str:
    """Return a ref's short name: without `refs/heads/`, `refs/tags/` or `refs/remotes/`."""
    return ref.removeprefix(next(filter(ref.startswith, ("refs/heads/", "refs/remotes/", "refs/tags/")), ""))


def _broken_ref(name: str) -> MissingFact:
    command = f"git fetch origin, or delete {name}"
    return MissingFact(f"the ref {name} is broken", command, code="broken-repository")


def _read_refs(process: Process) -> tuple[dict[str, tuple[str, str]], set[str]]:
    """Return the object id and symbolic target of each listed ref, and the names of broken refs."""
    output, stderr = _read_output(process)
    known = ("warning: ignoring broken ref ", "warning: ignoring dangling symref ")
    others = [line for line in stderr.split("\n") if line and not line.startswith(known)]
    if others or process.code:
        why = others[0].removeprefix("fatal: ") if others else f"git ended with {process.code}"
        raise MissingFact(f"the refs cannot be read: {why}", "git fsck", code="broken-repository")
    broken = {line[29:] for line in stderr.split("\n") if line.startswith(known[0])}
    fields = output.replace("\0\n", "\0").split("\0")
    return {fields[i + 1]: (fields[i], fields[i + 2]) for i in range(0, len(fields) - 2, 3)}, broken


def _read_output(process: Process) -> tuple[str, str]:
    """Return the standard output and standard error of a short command, whatever its exit code."""
    return process.drain().decode("utf-8", "surrogateescape"), process.stderr


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Find a program on the caller's path; skip relative folders, which may be part of the change."""
    for folder in environment.get("PATH", os.defpath).split(":"):
        program = f"{folder}/{name}"
        if folder.startswith("/") and os.access(program, os.X_OK) and os.path.isfile(program):
            return program
    return None


def search_path(program: str) -> str:
    """Return the `PATH` of a child process: the program's own folder, and the system's."""
    return f"{os.path.dirname(program)}:/usr/bin:/bin"
