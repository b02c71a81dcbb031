"""What a plan is made from: changes of OpenSpec and features of spec-kit, and their pages line by line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from specguard.change.request import read_bounded
from specguard.documents.data import not_utf8
from specguard.errors import SpecguardError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final, Literal

    Form = Literal["openspec", "spec-kit"]

CHANGES: Final = "openspec/changes"
MAIN: Final = "openspec/specs"
FEATURES: Final = "specs"
TASKS: Final = "tasks.md"

KEBAB: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""What OpenSpec takes for the name of a change, and for a part of a capability's."""

_FEATURE: Final = re.compile(r"[0-9]{3,}-[^/]+")
_LARGEST: Final = 1 << 20
_LONGEST: Final = 10_000
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_COMMENT: Final = re.compile(r"<!--.*?-->")
_HEADING: Final = re.compile(r"(#{1,6})(?:[ \t]+(.*)|$)")


@dataclass(frozen=True)
class SourceFolder:
    """A folder with a `tasks.md`.

    Attributes:
        top: the checkout's root.
        path: the folder, from there.
        form: whose form it has.
    """

    top: str
    path: str
    form: Form

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.rpartition("/")[2]

    def has(self, name: str) -> bool:
        """Whether a regular file is there, which is no link."""
        place = self._place(name)
        return os.path.isfile(place) and not os.path.islink(place)

    def read(self, name: str) -> str | None:
        """The text of a file of it; None where it is not there.

        Raises:
            SpecguardError: it cannot be read, is no UTF-8, or is far too large.
        """
        shown = f"{self.path}/{name}"
        if not os.path.lexists(self._place(name)):
            return None
        if not self.has(name):
            help = "put the file itself there"
            raise SpecguardError("it is no regular file", path=shown, help=help, code="unreadable-file")
        try:
            text = read_bounded(self._place(name), _LARGEST, "the page").decode("utf-8")
        except UnicodeDecodeError as error:
            line, help = not_utf8(error).line, "save it as UTF-8"
            raise SpecguardError(
                "it is not UTF-8", path=shown, line=line, help=help, code="unreadable-file"
            ) from error
        for number, one in enumerate(text.split("\n"), 1):
            if len(one) > _LONGEST:
                said, help = f"the line has {len(one)} characters", f"at most {_LONGEST} are read"
                raise SpecguardError(said, path=shown, line=number, help=help, code="size-limit")
        return text

    def files(self, below: str) -> Iterator[str]:
        """The files below a folder of it, from it, by name; what begins with a dot is left out."""
        for folder, folders, names in os.walk(self._place(below)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.relpath(os.path.join(folder, name), self._place("")).replace(os.sep, "/")

    def deltas(self) -> Iterator[tuple[str, str]]:
        """The files of a change that say what it does to a capability, each with the capability's name."""
        for name in self.files("specs"):
            if name.endswith("/spec.md") and name != "specs/spec.md":
                yield name, name.removeprefix("specs/").removesuffix("/spec.md")

    def _place(self, name: str) -> str:
        return os.path.join(self.top, self.path, name)


def source_folders(top: str) -> list[SourceFolder]:
    """The folders of changes and features of a checkout that have tasks, but for archived ones."""
    return [folder for folder in _all(top) if folder.has(TASKS)]


def source_folder(top: str, name: str) -> SourceFolder:
    """The folder that a name stands for: of a change, of a feature, or their path.

    Args:
        top: the checkout's root.
        name: the slug of a change, the name of a feature such as `001-cart`, or the path of either.

    Raises:
        SpecguardError: there is none, or several.
    """
    plain = name.strip("/")
    known = _all(top)
    found = [folder for folder in known if plain in (folder.path, folder.name)]
    if len(found) == 1:
        return found[0]
    if found:
        paths = " and ".join(folder.path for folder in found)
        help = f"name its folder: {found[0].path}"
        raise SpecguardError(f"{plain!r} is both {paths}", help=help, code="unknown-name")
    archived = [one for one in _folders(os.path.join(top, CHANGES, "archive")) if one.endswith(plain)]
    if plain and archived:
        help = f"it is archived: {CHANGES}/archive/{archived[0]}"
    else:
        otherwise = f"specguard plan proposal {plain if KEBAB.fullmatch(plain) else 'SLUG'}"
        help = nearest(plain, {folder.name for folder in known}, otherwise)
    raise SpecguardError(
        f"there is no change {CHANGES}/{plain}, and no feature {FEATURES}/{plain}",
        help=help,
        code="unknown-name",
    )


def _all(top: str) -> list[SourceFolder]:
    changes = [name for name in _folders(os.path.join(top, CHANGES)) if name != "archive"]
    features = [name for name in _folders(os.path.join(top, FEATURES)) if _FEATURE.fullmatch(name)]
    return [
        *(SourceFolder(top, f"{CHANGES}/{name}", "openspec") for name in changes),
        *(SourceFolder(top, f"{FEATURES}/{name}", "spec-kit") for name in features),
    ]


def _folders(place: str) -> list[str]:
    """The names of the folders in one, without links and what begins with a dot."""
    try:
        with os.scandir(place) as found:
            return sorted(
                entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
    except OSError:
        return []


class Chapter(NamedTuple):
    """A heading with what stands below it.

    Attributes:
        title: the heading's text.
        line: its line, from 1, which is the position of the first line below it.
        end: the position behind its last line.
    """

    title: str
    line: int
    end: int


class SourcePage:
    """A Markdown file by lines. Headings are those that begin their line with `#`, as for OpenSpec.

    Attributes:
        raw: its lines.
        lines: the same without comments, and with a backquote in place of each line of a fenced block.
        open_fence: the line, from 1, of a fence that is never closed; 0 where there is none.
    """

    def __init__(self, text: str) -> None:
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.raw = plain.split("\n")
        self.lines: list[str] = []
        self.open_fence = 0
        fence, comment = "", False
        for number, line in enumerate(self.raw, 1):
            mark = None if comment else _FENCE.match(line)
            if fence:
                if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence, self.open_fence = "", 0
                self.lines.append("`")
            elif mark:
                fence, self.open_fence = mark[1], number
                self.lines.append("`")
            else:
                if comment:
                    _, end, line = line.partition("-->")
                    comment = not end
                line = _COMMENT.sub("", line)
                if line.lstrip().startswith("<!--"):
                    line, comment = "", True
                self.lines.append(line)

    def sections(self, level: int, within: Chapter | None = None) -> list[Chapter]:
        """The sections of a level, in the document or within one; each ends where none lower begins."""
        begin, end = (within.line, within.end) if within else (0, len(self.lines))
        headings = [
            (at, len(match[1]), _without_closing(match[2] or ""))
            for at in range(begin, end)
            if (match := _HEADING.match(self.lines[at]))
        ]
        higher = [(at, title, one) for at, one, title in headings if one <= level]
        ends = [at for at, _, _ in higher[1:]] + [end]
        return [
            Chapter(title, at + 1, stop)
            for (at, title, one), stop in zip(higher, ends, strict=False)
            if one == level
        ]

    def body(self, section: Chapter) -> Sequence[str]:
        """The lines below a heading."""
        return self.lines[section.line : section.end]


def _without_closing(title: str) -> str:
    """A heading's text without the signs that may close it."""
    title = title.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if bare[-1:] in ("", " ", "\t") else title
