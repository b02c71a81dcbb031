"""What is told of a shell command so far: files, messages, bypasses, and what cannot be told."""

from __future__ import annotations

import os
import re
import stat

from specguard.integrations.hooks.deeds import Deeds, FileEdit
from specguard.integrations.hooks.pathnames import as_bytes, joined, normal
from specguard.integrations.hooks.shell.disk import READ, kind_of, read_regular
from specguard.integrations.hooks.shell.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.state import State

STEPS: Final = 20_000
"""Commands that run more programs and expand more words than this are not told to their end."""
WEIGHT: Final = 2_000
"""So many characters count as much as a word."""
FILES: Final = 2_000
"""Folders of more files than this are told by their own name alone."""
CLAUSES: Final = 60
"""More clauses than this of a kind are not told."""

_DEVICES: Final = re.compile(
    rb"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/[0-9]+)|/proc/self/fd/[0-9]+"
)
_GIT: Final = re.compile(rb"(?:^|/)\.git/(?:.*/)?(?:hooks(?:/.*)?|config(?:\.worktree)?)$", re.DOTALL)


class TooMuch(Exception):
    """A command does more than is told."""


class Telling:
    """Collects deeds.

    Attributes:
        directory: the folder in which the command begins.
        environment: the variables of the process.
        depth: how many texts are being read as commands within each other.
    """

    def __init__(self, directory: bytes, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = environment
        self.depth = 0
        self.steps = 0
        self.changed = False
        self.folders: set[bytes] = set()
        self._edits: dict[tuple[bytes, bytes | None, bool, bool | None], FileEdit] = {}
        self._messages: list[str] = []
        self._bypasses: dict[str, None] = {}
        self._undecided: dict[str, None] = {}
        # What files hold by now, by absolute path: None where that is not known.
        self._contents: dict[bytes, bytes | None] = {}
        self._gone: set[bytes] = set()
        self._links: dict[bytes, bytes] = {}

    def deeds(self) -> Deeds:
        """All of it."""
        return Deeds(
            edits=list(self._edits.values()),
            messages=self._messages,
            bypasses=list(self._bypasses),
            undecided=list(self._undecided),
        )

    def step(self, count: int = 1, *, size: int = 0) -> None:
        """Count work.

        Args:
            count: so many programs, words or files.
            size: so many characters or bytes.

        Raises:
            TooMuch: it is more than is told of a command.
        """
        self.steps += count + size // WEIGHT
        if self.steps > STEPS:
            raise TooMuch

    def undecided(self, clause: str) -> None:
        """Say what cannot be told."""
        self.changed = True
        if len(self._undecided) < CLAUSES:
            self._undecided[_printed(clause)] = None

    def bypass(self, clause: str) -> None:
        """Say how it would get past the guard."""
        if len(self._bypasses) < CLAUSES:
            self._bypasses[_printed(clause)] = None

    def message(self, text: str) -> None:
        """Say a commit's message."""
        self._messages.append(text)

    # Paths

    def paths(self, state: State, field: Field, does: str) -> list[bytes]:
        """The pathnames that a field may be, from the folder in which the command begins.

        Args:
            state: the shell.
            field: the word.
            does: what is done to it, for the clause that says that it is not known: `rm removes`.
        """
        self.step()
        if state.places is None:
            if field.text is not None and field.text.startswith("/"):
                return [as_bytes(field.text)]
            self.undecided(f"in which folder `{field.raw}` is, that {does}, is not known")
            return []
        texts = self.fields(state, [field])
        found: list[bytes] = []
        for each in texts:
            if each.text is None or "\0" in each.text:
                self.undecided(f"what `{each.raw}` is, that {does}, is not known")
            elif each.text:
                found += [joined(place, as_bytes(each.text)) for place in state.places]
        return list(dict.fromkeys(found))

    def fields(self, state: State, fields: Sequence[Field]) -> list[Field]:
        """Fields with the patterns among them resolved, where they can be."""
        found: list[Field] = []
        for field in fields:
            if not field.pattern or not state.places:
                found.append(field)
                continue
            for place in state.places:
                self.step(100)
                from specguard.integrations.hooks.shell.patterns import resolved

                names = resolved(field, self.directory, place)
                found += [Field(None, field.raw, start=field.start, several=True)] if names is None else names
        self.step(len(found))
        return found

    def absolute(self, path: bytes) -> bytes:
        """A pathname from the root, without `..`."""
        return normal(joined(self.directory, path)) or b"."

    def is_folder(self, path: bytes) -> bool:
        """Whether a pathname is that of a folder, also one that the command has made."""
        whole = self.absolute(path)
        return whole in self.folders or kind_of(whole, follow=True) == stat.S_IFDIR

    # Files

    def write(self, path: bytes, content: bytes | None, *, known: bool) -> None:
        """A file is written.

        Args:
            path: its name from the folder in which the command begins.
            content: what it holds then.
            known: whether that is known.
        """
        if _DEVICES.fullmatch(path):
            return
        self.step(size=len(content or b""))
        known = known and len(content or b"") <= READ
        self._tell(
            FileEdit(path=path, content=content if known else None, known=known and content is not None)
        )
        whole = self.absolute(path)
        self._contents[whole] = content if known else None
        self._gone.discard(whole)

    def remove(self, path: bytes) -> None:
        """A file is removed, or a folder with all that is in it."""
        if _DEVICES.fullmatch(path):
            return
        for each in self.below(path) or ():
            self._tell(FileEdit(path=each))
        self._tell(FileEdit(path=path))
        whole = self.absolute(path)
        self._gone.add(whole)
        self._contents.pop(whole, None)

    def touch(self, path: bytes) -> None:
        """A file's mode or time is changed, or a file is made empty where there is none."""
        content = self.content(path)
        if content is None and kind_of(self.absolute(path)) == 0:
            content = b""
        self.write(path, content, known=content is not None)

    def mode(self, path: bytes, executable: bool | None) -> None:
        """A file's mode is changed; None where it is not known what to, or nobody may read it then."""
        content = self.content(path)
        if executable is None or content is None:
            self.write(path, None, known=False)
            return
        self.write(path, content, known=True)
        self._tell(FileEdit(path=path, content=content, executable=executable))

    def content(self, path: bytes) -> bytes | None:
        """What a file holds when the command comes to it; None where there is none or it is not known."""
        whole = self.absolute(path)
        if whole in self._contents:
            return self._contents[whole]
        if whole in self._gone or any(whole.startswith(gone + b"/") for gone in self._gone):
            return None
        content = read_regular(whole)
        self.step(size=len(content or b""))
        return content

    def changed_within(self, path: bytes) -> bool:
        """Whether the command has written or removed anything in a folder."""
        whole = self.absolute(path) + b"/"
        return any(each.startswith(whole) for each in (*self._contents, *self._gone))

    def exists(self, path: bytes) -> bool:
        """Whether something is at a pathname."""
        return kind_of(self.absolute(path)) != 0

    def is_link(self, path: bytes) -> bool:
        """Whether a pathname is that of a symbolic link."""
        return kind_of(self.absolute(path)) == stat.S_IFLNK

    def is_missing(self, path: bytes) -> bool:
        """Whether certainly nothing is at a pathname when the command comes to it."""
        whole = self.absolute(path)
        return whole not in self._contents and (whole in self._gone or kind_of(whole) == 0)

    def below(self, path: bytes) -> list[bytes] | None:
        """The files in a folder, at any depth, by their names from where the command begins.

        None where there are too many, of which a clause is told; empty where it is no folder.
        """
        found: list[bytes] = []
        waiting = [path]
        seen = 0
        while waiting:
            folder = waiting.pop()
            seen += 1
            if kind_of(self.absolute(folder)) != stat.S_IFDIR:
                continue
            try:
                with os.scandir(self.absolute(folder)) as entries:
                    for entry in entries:
                        name = joined(folder, entry.name)
                        (waiting if entry.is_dir(follow_symlinks=False) else found).append(name)
                        if len(found) + len(waiting) > FILES:
                            break
            except OSError:
                self.undecided(f"what the folder `{_shown(folder)}` holds is not known")
                return None
            if len(found) + len(waiting) + seen > FILES:
                self.step(100)
                self.undecided(f"the folder `{_shown(path)}` holds too many files to tell each")
                return None
        self.step(len(found) // 4)
        return sorted(found)

    def link(self, path: bytes, target: bytes) -> None:
        """A link is made, so that what is written to it or below it reaches another place."""
        self.write(path, None, known=False)
        self._links[self.absolute(path)] = target

    def _tell(self, edit: FileEdit) -> None:
        if _GIT.search(edit.path):
            self.bypass(f"writing `{_shown(edit.path)}` changes git's hooks or its configuration")
        self._put(edit)
        path = self.absolute(edit.path) if self._links else b""
        for _ in range(4):
            through = [link for link in self._links if path == link or path.startswith(link + b"/")]
            if not through or (path == through[0] and edit.content is None and edit.known):
                return
            longest = max(through, key=len)
            path = normal(self._links[longest] + path[len(longest) :])
            self._put(FileEdit(path=path, content=edit.content, known=edit.known, executable=edit.executable))

    def _put(self, edit: FileEdit) -> None:
        self.changed = True
        self.step()
        key = (edit.path, edit.content, edit.known, edit.executable)
        # The last one is what is left.
        self._edits.pop(key, None)
        self._edits[key] = edit


def _printed(text: str) -> str:
    """A clause in one line of characters that can be printed."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _shown(path: bytes) -> str:
    return path[-80:].decode("utf-8", "backslashreplace")
