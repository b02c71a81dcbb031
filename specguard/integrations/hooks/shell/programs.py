"""What programs write that are known by their names."""

from __future__ import annotations

import os
import re

from specguard.integrations.hooks.calls import Deeds, FileEdit
from specguard.integrations.hooks.places import as_bytes, joined, normal
from specguard.integrations.hooks.shell.reader import Word, read_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.reader import Command

    Options = tuple[Sequence[tuple[str, Word | None]], Sequence[Word]]
    """Each option with its value, and the operands."""

MOST: Final = 2_000
"""So many edits and names of a folder are told of a command."""

_NESTED: Final = 4
_READ: Final = 1 << 20
_DEVICES: Final = re.compile(rb"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/[0-9]+)")
_FOLDERS: Final = frozenset(["", "/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"])
"""Folders in which programs are what they are called."""

_SKIPS: Final = frozenset(
    [
        "SKIP", "PRE_COMMIT_ALLOW_NO_CONFIG", "HUSKY", "HUSKY_SKIP_HOOKS", "LEFTHOOK", "LEFTHOOK_EXCLUDE",
        "OVERCOMMIT_DISABLE",
    ]
)  # fmt: skip
"""Variables by which git's hooks are skipped."""


def read_command(text: str, directory: bytes, environment: Mapping[str, str] | None = None) -> Deeds:
    """What a shell command would certainly do.

    Args:
        text: the command, as `bash -c` takes it.
        directory: the folder in which it would run, absolute.
        environment: the variables that it would see; those of this process where they are not given. Only
            `HOME` is believed.
    """
    telling = Telling(directory, (os.environ if environment is None else environment).get("HOME", ""))
    telling.run(text)
    return Deeds(
        edits=telling.edits[:MOST], messages=telling.messages, bypasses=telling.bypasses, refs=telling.refs,
        discards=telling.discards,
    )  # fmt: skip


class Telling:
    """Collects what commands do.

    Attributes:
        directory: the folder in which the command begins.
        place: the folder in which the shell stands, from there; None where that is not known.
        edits, messages, bypasses, refs, discards: as in `Deeds`.
    """

    def __init__(self, directory: bytes, home: str) -> None:
        self.directory = directory
        self.place: bytes | None = b""
        self.edits: list[FileEdit] = []
        self.messages: list[str] = []
        self.bypasses: list[str] = []
        self.refs: list[tuple[str, str]] = []
        self.discards: list[bytes] = []
        self._home = home
        self._depth = 0

    def run(self, text: str) -> None:
        """Follow the commands of a text, in the shell that stands here."""
        if self._depth >= _NESTED:
            return
        self._depth += 1
        for command in read_commands(text, self._home):
            if len(self.edits) >= MOST:
                break
            for word in command.writes:
                self.write(word)
            self._set(command.assigned)
            self._program(command, command.words)
        self._depth -= 1

    def _set(self, assigned: Mapping[str, str | None]) -> None:
        """Tell of variables by which git runs no hooks."""
        for name, value in assigned.items():
            if name in _SKIPS and not (name in ("HUSKY", "LEFTHOOK") and value not in ("0", "false")):
                self.bypasses.append(f"`{name}` skips hooks")
            elif name.startswith("GIT_CONFIG") and "hookspath" in (value or "").lower():
                self.bypasses.append(f"`{name}` gives git other hooks, or none")

    def _program(self, command: Command, words: Sequence[Word]) -> None:
        while words:
            folder, _, name = (words[0].text or "").rpartition("/")
            if folder not in _FOLDERS or not name:
                return
            if name not in ("sudo", "doas", "env", "command", "builtin", "exec", "nohup", "time", "export"):
                break
            words = words[1:]
            given = {}
            while words and words[0].text and re.match(r"[A-Za-z_]\w*=", words[0].text):
                key, _, value = words[0].text.partition("=")
                given[key] = value
                words = words[1:]
            self._set(given)
        else:
            return
        if name == "cd":
            self._enter(command, words[1:])
        elif name in ("pushd", "popd"):
            self.place = self.place if command.apart else None
        elif (
            name in ("sh", "bash", "zsh", "dash")
            and len(words) > 2
            and re.fullmatch(r"-[a-z]*c", words[1].text or "")
        ):
            place = self.place
            self.run(words[2].text or "")
            self.place = place
        elif name == "git":
            from specguard.integrations.hooks.shell.git import tell_git

            tell_git(self, command, words[1:])
        elif name in _PROGRAMS:
            _PROGRAMS[name](self, command, words)

    def _enter(self, command: Command, words: Sequence[Word]) -> None:
        if command.apart:
            return
        plain = [word for word in words if word.text not in ("--", "-P", "-L")]
        if command.otherwise or len(plain) > 1:
            self.place = None
            return
        found = self.paths(plain[0]) if plain else [as_bytes(self._home)]
        known = len(found) == 1 and found[0] and os.path.isdir(self.absolute(found[0]))
        self.place = found[0] if known else None

    # Paths

    def absolute(self, path: bytes) -> bytes:
        """A pathname from the root, without `..`."""
        return normal(joined(self.directory, path)) or b"."

    def paths(self, word: Word) -> list[bytes]:
        """The pathnames that a word is, from where the command begins; none where that is not written out."""
        if not word.text or word.text == "-" or "\0" in word.text:
            return []
        path = as_bytes(word.text)
        if self.place is None and not path.startswith(b"/"):
            return []
        path = joined(self.place or b"", path)
        return self._matching(path) if word.pattern else [path]

    def _matching(self, path: bytes) -> list[bytes]:
        """The files that a pattern in the last part of a pathname stands for."""
        folder, slash, pattern = path.rpartition(b"/")
        if re.search(rb"[*?\[]", folder) or b"[" in pattern:
            return []
        expression = re.escape(pattern).replace(rb"\*", b".*").replace(rb"\?", b".")
        try:
            names = os.listdir(self.absolute(folder + slash))
        except OSError:
            return []
        hidden = pattern.startswith(b".")
        return [
            folder + slash + name
            for name in sorted(names)[:MOST]
            if re.fullmatch(expression, name, re.DOTALL) and (hidden or not name.startswith(b"."))
        ]

    def read(self, path: bytes) -> bytes | None:
        """What a file holds; None where there is none that can be read."""
        name = self.absolute(path)
        try:
            if not os.path.isfile(name) or os.path.getsize(name) > _READ:
                return None
            with open(name, "rb") as stream:
                return stream.read(_READ)
        except (OSError, ValueError):
            return None

    def text_of(self, command: Command, word: Word) -> str | None:
        """What a file that a program reads holds, or its standard input for `-`."""
        if word.text == "-":
            return command.given
        paths = self.paths(word)
        content = self.read(paths[0]) if len(paths) == 1 else None
        return None if content is None else content.decode("utf-8", "surrogateescape")

    # Edits

    def write(self, word: Word) -> None:
        """A file is written."""
        for path in self.paths(word):
            self.edit(FileEdit(path=path, known=False))

    def edit(self, edit: FileEdit) -> None:
        """A file is written or removed."""
        if not _DEVICES.fullmatch(edit.path):
            self.edits.append(edit)

    def put(self, source: bytes, target: bytes) -> None:
        """A file or a folder is copied."""
        whole = self.absolute(source)
        if not os.path.isdir(whole):
            content = self.read(source)
            self.edit(FileEdit(path=target, content=content, known=content is not None))
            return
        for folder, _, names in os.walk(whole):
            rest = folder[len(whole) :].lstrip(b"/")
            for name in names:
                if len(self.edits) >= MOST:
                    return
                self.edit(FileEdit(path=joined(target, joined(rest, name)), known=False))
        self.edit(FileEdit(path=target, known=False))

    def patch(self, text: str | None, *, diff: bool, strip: int = 1) -> None:
        """A patch is applied in the folder in which the shell stands."""
        if text is None or self.place is None:
            return
        from specguard.integrations.hooks.patches import read_patch

        for edit in read_patch(text, self.place, self.read, diff=diff, strip=strip).edits:
            self.edit(FileEdit(path=joined(self.place, edit.path), content=edit.content, known=edit.known))


def options_of(words: Sequence[Word], valued: str = "", longs: Collection[str] = ()) -> Options:
    """Arguments as options, each with its value, and operands.

    Args:
        words: the arguments.
        valued: the letters of the options that take a value.
        longs: the long options that take one.
    """
    options: list[tuple[str, Word | None]] = []
    operands: list[Word] = []
    at = 0
    while at < len(words):
        text = words[at].text or ""
        at += 1
        if text == "--":
            return options, [*operands, *words[at:]]
        if text.startswith("--"):
            name, equals, rest = text[2:].partition("=")
            value = Word(rest) if equals else None
            if name in longs and not equals:
                value = words[at] if at < len(words) else None
                at += 1
            options.append((name, value))
        elif text.startswith("-") and len(text) > 1:
            for index, letter in enumerate(text[1:], start=2):
                if letter in valued:
                    rest = text[index:]
                    options.append((letter, Word(rest) if rest else (words[at] if at < len(words) else None)))
                    at += not rest
                    break
                options.append((letter, None))
        else:
            operands.append(words[at - 1])
    return options, operands


def values_of(options: Sequence[tuple[str, Word | None]], *names: str) -> list[Word]:
    """The values of these options, in order."""
    return [value for name, value in options if name in names and value is not None]


def has(options: Sequence[tuple[str, Word | None]], *names: str) -> bool:
    """Whether one of these options is given."""
    return any(name in names for name, _ in options)


# Programs


def _remove(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001 - as the others
    options, operands = options_of(words[1:])
    for word in operands:
        for path in telling.paths(word):
            whole = telling.absolute(path)
            if has(options, "r", "R", "recursive") or not os.path.isdir(whole) or os.path.islink(whole):
                telling.edit(FileEdit(path=path))


def _touch(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    options, operands = options_of(words[1:], "drt", ["date", "reference", "time"])
    for word in () if has(options, "c", "no-create", "h") else operands:
        for path in telling.paths(word):
            if not os.path.lexists(telling.absolute(path)):
                telling.edit(FileEdit(path=path, content=b""))


def _write(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    for word in options_of(words[1:], "sr" if words[0].text == "truncate" else "", ["size", "reference"])[1]:
        telling.write(word)


def _dd(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    for word in words[1:]:
        if word.text and word.text.startswith("of="):
            telling.write(Word(word.text[3:]))


def _mode(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    """`chmod`: git keeps whether a file can be executed."""
    rest = [word for word in words[1:] if word.text not in ("-R", "-v", "-f", "-c", "--recursive")]
    mode = rest[0].text or "" if rest else ""
    executable = {"+x": True, "u+x": True, "a+x": True, "-x": False, "a-x": False}.get(mode)
    if re.fullmatch(r"0?[4-7][0-7]{2}", mode):
        executable = bool(int(mode[-3]) & 1)
    for path in [path for word in rest[1:] for path in telling.paths(word)]:
        content = telling.read(path)
        known = executable is not None and content is not None
        telling.edit(
            FileEdit(path=path, content=content, executable=executable)
            if known
            else FileEdit(path=path, known=False)
        )


def _put(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    """`cp`, `mv`, `ln` and `install`: the last operand is where the others go."""
    name = (words[0].text or "").rpartition("/")[2]
    options, operands = options_of(
        words[1:], "tSmog" if name == "install" else "tS", ["target-directory", "suffix", "mode"]
    )
    folder = values_of(options, "t", "target-directory")
    sources, targets = (operands, folder) if folder else (operands[:-1], operands[-1:])
    if not sources or not targets or has(options, "n", "no-clobber", "d", "directory", "parents"):
        return
    several = bool(folder) or len(sources) > 1 or sources[0].pattern
    for target in telling.paths(targets[0]):
        inside = several or target.endswith(b"/") or os.path.isdir(telling.absolute(target))
        for word in sources:
            for source in telling.paths(word):
                last = source.rstrip(b"/").rpartition(b"/")[2]
                place = joined(target, last) if inside and last.strip(b".") else target
                if name == "ln":
                    telling.edit(FileEdit(path=place, known=False))
                else:
                    telling.put(source, place)
                if name == "mv":
                    telling.edit(FileEdit(path=source))
            if word.text is None and not inside and name != "ln":
                telling.edit(FileEdit(path=target, known=False))


def _sed(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    inline = [word.text or "" for word in words[1:] if re.match(r"-[nErsuz]*i|--in-place", word.text or "")]
    if not inline:
        return
    rest = [word for word in words[1:] if (word.text or "-") not in inline]
    options, operands = options_of(rest, "ef", ["expression", "file"])
    operands = [word for word in operands if word.text]
    scripted = has(options, "e", "f", "expression", "file") or inline[0].endswith("e")
    for word in operands if scripted else operands[1:]:
        telling.write(word)


def _apply_patch(telling: Telling, command: Command, words: Sequence[Word]) -> None:
    telling.patch(words[1].text if len(words) > 1 else command.given, diff=False)


def _hooks(telling: Telling, command: Command, words: Sequence[Word]) -> None:  # noqa: ARG001
    if "uninstall" in [word.text for word in words[1:3]]:
        telling.bypasses.append(f"`{words[0].text} uninstall` takes git's hooks away")


_PROGRAMS: Final[Mapping[str, Callable[[Telling, Command, Sequence[Word]], None]]] = {
    **dict.fromkeys(["rm", "unlink", "shred"], _remove),
    "touch": _touch,
    **dict.fromkeys(["tee", "truncate"], _write),
    "dd": _dd,
    "chmod": _mode,
    **dict.fromkeys(["cp", "mv", "ln", "install"], _put),
    **dict.fromkeys(["sed", "gsed"], _sed),
    **dict.fromkeys(["apply_patch", "applypatch"], _apply_patch),
    **dict.fromkeys(["pre-commit", "lefthook"], _hooks),
}
