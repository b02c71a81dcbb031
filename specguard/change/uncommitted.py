"""Changes that are not committed yet: index, working tree, edits, a patch, a message being written."""

from __future__ import annotations

import os
import re
from functools import cached_property
from itertools import takewhile

from specguard.change.base import Base
from specguard.change.change import NO_TITLE, Change
from specguard.change.check_request import FileEdit, Request, read_bounded, read_input
from specguard.change.entries import EXECUTABLE, FILE, Entry, Message, paths_in_state
from specguard.change.process import CommandError
from specguard.change.repository import MERGE_HEADS, Repository
from specguard.change.tree import Tree, TreeEntry
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import TYPE_CHECKING, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.git import Git
    from specguard.change.ranges import OpenMerge
    from specguard.change.worktree import HashedTree
    from specguard.model import Stage


class SnapshotChange(Change, frozen=False):
    """A tree that is compared with `HEAD`, and has no commits."""

    stage: Stage = "staged"

    @cached_property
    def base(self) -> Base:
        """The base's tip, which is trusted, and `HEAD`, which the change is compared with."""
        return Base(self, self.found, start=self.git.repository.head, head=None)

    @cached_property
    def open_merge(self) -> OpenMerge | None:
        """The merge or pick that is being concluded, for the commits of the trusted base that it adds."""
        if self.source in ("patch", "edit") or self.request.enforce or not self.found.trusted:
            return None
        if self.found.oid is None or not any(map(self.git.repository.read_merge_head, MERGE_HEADS)):
            return None
        from specguard.change.ranges import find_open_merge

        try:
            return find_open_merge(self.git, self.found.oid)
        except MissingFact as missing:
            self.unread_merge = f"What a merge brings is judged as if you had made it: {missing.reason}."
            return None

    def restores_base(self, entry: Entry) -> bool:
        """True if an entry leaves at its path what the trusted base, or its merge base with `HEAD`, has."""
        if super().restores_base(entry):
            return True
        if self.open_merge or not self.found.trusted or (entry.new and self.git.is_unstored(entry.new)):
            return False
        return self._fork is not None and self._fork.has(entry)

    @cached_property
    def _fork(self) -> Tree | None:
        """The files of the one merge base of the trusted base and `HEAD`; None if that is `HEAD` itself."""
        head, tip = self.git.repository.head, self.found.oid
        forks = self.git.merge_bases(tip, head) if head and tip else []
        return self.git.tree_at(forks[0]) if len(forks) == 1 and forks[0] != head else None

    @cached_property
    def start_files(self) -> Tree:
        """The files of `HEAD`, with the changes that a merge adds to them."""
        return Tree(self.git, self.open_merge.tree) if self.open_merge else self.git.tree_at(self.base.start)


class StagedChange(SnapshotChange, frozen=False):
    """The staged change: `HEAD` against the index."""

    source = "staged"

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The entries of `draft_entries`."""
        return self.draft_entries()

    def draft_entries(self) -> Sequence[Entry]:
        """Return the differences between `HEAD` and the index, without those of a merge."""
        staged = self._staged
        return merge.author_entries(self.git.index_diff(merge.tree)) if (merge := self.open_merge) else staged

    @cached_property
    def head_files(self) -> Tree:
        """The files of the index."""
        return self.git.tree_at(self.git.repository.head, self._staged)

    @cached_property
    def _staged(self) -> Sequence[Entry]:
        entries = self.git.index_diff(self.git.checked_out)
        unmerged = next((entry.path for entry in entries if entry.status == "U"), None)
        if unmerged is not None:
            raise MissingFact(f"{path_text(unmerged)} is not merged", "git mergetool", code="unmerged-file")
        return entries


class MessageChange(StagedChange, frozen=False, kw_only=True):
    """The message of a commit that is being written; the paths of that commit are not judged with it.

    Attributes:
        message: the message.
    """

    source = "commit-message"
    stage = "commit-msg"
    message: Message

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """Not applicable: the paths are judged before the message is written."""
        raise NotApplicable("a message has no paths")

    def messages(self, merge: str) -> Sequence[Message]:
        """Return the message that is being written.

        Raises:
            NotApplicable: with `squash`, since only the pull request's title will land; or the commit is to
                be squashed into another one.
        """
        if merge == "squash":
            raise NotApplicable(NO_TITLE)
        if self.message.squashes:
            raise NotApplicable("what is to be squashed into another commit is judged before it is pushed")
        if self.request.message_file:
            self.message.staged = self.draft_entries
        return [self.message]

    @property
    def empty(self) -> bool:
        """Always false: the message exists, even if it is empty."""
        return False


class TreeChange(SnapshotChange, frozen=False, kw_only=True):
    """A tree that was made for the check: the working tree's, or that of `HEAD` with a patch.

    Attributes:
        hashed: the tree, with entries for nested repositories, which a tree cannot contain.
    """

    source = "worktree"
    hashed: HashedTree

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The differences between `HEAD` and the tree, without those of a merge."""
        entries = self.hashed.since(self.open_merge.tree if self.open_merge else self.git.checked_out)
        return self.open_merge.author_entries(entries) if self.open_merge else entries

    @cached_property
    def head_files(self) -> Tree:
        """The files of the tree, with entries for nested repositories."""
        return self.hashed.files


class EditedChange(SnapshotChange, frozen=False):
    """`HEAD` with some files written or removed, and nothing else from the working tree.

    An edit changes nothing if it restores what the pinned base has, or `HEAD`, the index or the working tree
    had at the session's start.

    Rules read the new contents like any others. A content that is not known yet has an object id that no
    store has. Rules about paths judge its entry, and rules that read it are indeterminate.

    The judged edits are the request's `edits`, in the working tree whose root is its `directory`.
    """

    source = "edit"
    stage: Stage = "edit"

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The changes of the edits to `HEAD`, by path; an edit without an effect is left out."""
        pinned = [self.found.oid, self.request.session_head] if self.request.pinned else []
        trees = [self.git.tree_at(oid) for oid in pinned if oid and oid != self.git.repository.head]
        same = paths_in_state(self._edited_entries, self.request.session_files)
        edited = [entry for entry in self._edited_entries if entry.path not in same]
        return [entry for entry in edited if not any(tree.has(entry) for tree in trees)]

    @cached_property
    def head_files(self) -> Tree:
        """The files of `HEAD` after the edits."""
        return self.git.tree_at(self.git.repository.head, self._edited_entries)

    @cached_property
    def _edited_entries(self) -> Sequence[Entry]:
        last: dict[bytes, FileEdit] = {}
        for edit in self.request.edits:
            old = self.start_files.find(edit.path)
            if old is not None and old.is_directory and edit.removes:
                below = edit.path + b"/" if edit.path else b""
                for path in (*self.start_files.paths(), *last):
                    if path.startswith(below) and path != edit.path:
                        last[path] = FileEdit(path=path)
            elif edit.path:
                last[edit.path] = edit
        entries = [self._edit_entry(edit) for edit in last.values()]
        return sorted([entry for entry in entries if entry is not None], key=lambda entry: entry.path)

    def _edit_entry(self, edit: FileEdit) -> Entry | None:
        """Return the entry that an edit makes; None if it equals `HEAD`."""
        digits = self.git.repository.oid_digits
        zeros = "0" * digits
        old = self.start_files.find(edit.path)
        if old is not None and old.is_directory:
            # A file in place of a folder: the folder's files are judged when they are removed.
            old = None
        if edit.removes:
            return None if old is None else Entry(edit.path, "D", old.mode, 0, old.oid, zeros)
        if edit.known:
            new = self.git.add_content(edit.content or b"")
        else:
            new = self.git.unknown_oid = "f" * digits
        mode = self._mode(edit.path, old)
        if old is None:
            return Entry(edit.path, "A", 0, mode, zeros, new)
        if old.oid == new and old.mode == mode:
            return None
        return Entry(edit.path, "M" if old.is_file else "T", old.mode, mode, old.oid, new)

    def _mode(self, path: bytes, old: TreeEntry | None) -> int:
        """Return the mode of a file that is written: writing does not change whether it is executable."""
        if old is not None and old.is_file:
            return old.mode
        place = os.path.join(os.fsencode(self.request.directory), path)
        return EXECUTABLE if os.path.exists(place) and os.stat(place).st_mode & 0o100 else FILE


MESSAGE_LIMIT: Final = 16 << 20
"""The maximum size of the file, in bytes: with `commit --verbose` it contains the whole diff."""

DEFAULT_FILE: Final = "COMMIT_EDITMSG"
"""The name of git's file for the message; the bare name can mean the one in the git directory."""

_SCISSORS: Final = b" ------------------------ >8 ------------------------"
_COMMENT_CHARACTERS: Final = b"#;@!$%^&|:"
"""The characters from which git chooses for `core.commentChar = auto`, in git's order."""


def read_message(repository: Repository, request: Request) -> Message:
    """Read the message that a request names or contains, as git will record it.

    Args:
        repository: the repository of the commit.
        request: its `message_file`, for which `DEFAULT_FILE` may mean git's own, or its `message`.

    Raises:
        SpecguardError: the file cannot be read, or is too large.
        MissingFact: the configuration cannot be read.
    """
    author, raw = "", request.message.lstrip("\n").encode("utf-8", "surrogateescape")
    settings = dict(repository.settings(r"^(core\.comment(char|string)|commit\.cleanup|i18n\.commit.*)$"))
    # Those of `git -c`, as git passes them to a hook.
    given = repository.environment.get("GIT_CONFIG_PARAMETERS", "").strip("'").split("' '")
    settings |= {key.lower(): value for key, _, value in (one.partition("'='") for one in given)}
    if request.message_file:
        file = request.message_file
        if file == DEFAULT_FILE and not os.path.exists(file):
            file = f"{repository.git_dir}/{DEFAULT_FILE}"
        raw = read_bounded(file, MESSAGE_LIMIT, "the message")
        # Git passes the future author to its hooks.
        who = [repository.environment.get(f"GIT_AUTHOR_{name}", "") for name in ("NAME", "EMAIL")]
        author = f"{who[0]} <{who[1]}>" if all(who) else ""
    # Git names no editor to the hooks of `-m` and `-F`, nor has the text of an agent's command one. Then a
    # first line such as `#12: fix` stays. A rebase's comment has a space behind its first character.
    is_kept = repository.environment.get("GIT_EDITOR") == ":" and raw[1:2].strip()
    if raw[:1] in _COMMENT_CHARACTERS and (request.message or is_kept):
        settings.setdefault("commit.cleanup", "whitespace")
    # While a merge is being concluded, this file has the merged commits.
    merge = os.path.exists(f"{repository.git_dir}/MERGE_HEAD")
    encoding = settings.get("i18n.commitencoding", "")
    return Message(clean_message(raw, settings), None, "file", encoding, merge, author)


def clean_message(raw: bytes, settings: Mapping[str, str]) -> bytes:
    """Return a message as git records it.

    A hook cannot know whether the message came from an editor, in which case git removes comments, or from
    `-m`. Comments are removed as from an editor, unless they are all that `-m` can have said.

    Args:
        raw: the file's bytes.
        settings: `commit.cleanup` and `core.commentchar` (or `core.commentstring`), if they are set.
    """
    mode = settings.get("commit.cleanup", "default")
    if mode == "verbatim":
        return raw
    chosen = settings.get("core.commentstring") or settings.get("core.commentchar") or "#"
    lines = raw.split(b"\n")
    comment = _auto_comment(lines) if chosen == "auto" else chosen.encode("utf-8", "surrogateescape")
    if comment:
        lines = list(takewhile(lambda line: line.rstrip(b"\r") != comment + _SCISSORS, lines))
        if mode not in ("whitespace", "scissors"):
            uncommented = [line for line in lines if not line.startswith(comment)]
            # Git strips what `-m` says before hooks see it, so a blank line at the top is an editor's.
            lines = uncommented if any(map(bytes.strip, uncommented)) or not any(lines[:1]) else lines
    return _strip_space(lines)


def _auto_comment(lines: list[bytes]) -> bytes:
    """Return the character that git chose for its comments: that of the scissors line or the last line."""
    for line in lines:
        if line[1:].rstrip(b"\r") == _SCISSORS and line[:1] in _COMMENT_CHARACTERS:
            return line[:1]
    last = next((line for line in reversed(lines) if line.strip()), b"")
    return last[:1] if last and last[0] in _COMMENT_CHARACTERS else b""


def _strip_space(lines: list[bytes]) -> bytes:
    """Join lines as git's stripspace does: without trailing blanks, with single blank lines between text."""
    text = b"\n".join(line.rstrip(b" \t\r") for line in lines).strip(b"\n")
    whole = b"\n\n".join(filter(None, (part.strip(b"\n") for part in text.split(b"\n\n"))))
    return whole + b"\n" if whole else b""


PATCH_LIMIT: Final = 256 << 20
"""The maximum size of a patch, in bytes; git reads it whole."""

_ENCODED_MAIL: Final = rb"(?im)^content-transfer-encoding:(?:.|\n[ \t])*?(?:base64|quoted-printable)"


def apply_patch(git: Git, start: str, file: str) -> str:
    """Apply a patch to a tree, and return the new tree.

    Args:
        git: the repository; from then on it stores new objects in its scratch store.
        start: the tree or commit that the patch is applied to.
        file: the patch file's name; `-` is standard input.

    Returns:
        The object id of the tree.

    Raises:
        SpecguardError: the patch cannot be read, is too large, or does not apply.
        MissingFact: an object that it needs is not there.
    """
    git.use_scratch()
    index = f"{git.folder}/index"
    place, what = None if file == "-" else file, "the patch"
    patch = read_bounded(place, PATCH_LIMIT, what) if place else read_input(PATCH_LIMIT, what) or b""
    # An index stores every path, so the number of paths is checked first.
    git.list_tree(start, "the files of HEAD", "--name-only", spare=git.repository.max_indexed())
    git.ask("the files of HEAD", "read-tree", start, index=index)
    process = git.start("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch, index=index)
    # `git am` decodes such a mail first, so what it applies is another patch.
    reason = "it is a mail with an encoded text" if re.search(_ENCODED_MAIL, patch) else ""
    try:
        process.read()
    except CommandError as error:
        reason = reason or error.first_line
    if reason:
        message = f"the patch does not apply to HEAD: {reason}"
        step = "Make it on top of HEAD with `git -c diff.noprefix=false diff --binary`."
        raise SpecguardError(message, path=place, help=step, code="unusable-patch")
    return git.ask("the patched tree", "write-tree", "--missing-ok", index=index).decode().strip()
