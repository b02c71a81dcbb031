"""The folders that a plan is made from: changes of OpenSpec and features of spec-kit, in a checkout."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class SourceFolder:
    """A folder with a `tasks.md`.

    Args:
        top: the checkout's root.
        path: the folder, from there.
        form: whose form it has.
    """

    def __init__(self, top: str, path: str, form: Form) -> None:
        self.top = top
        self.path = path
        self.form: Form = form

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
        place, shown = self._place(name), f"{self.path}/{name}"
        if not os.path.lexists(place):
            return None
        if not self.has(name):
            raise SpecguardError(
                "it is no regular file", path=shown, help="put the file itself there", code="unreadable-file"
            )
        try:
            with open(place, "rb") as stream:
                content = stream.read(_LARGEST + 1)
            text = content[:_LARGEST].decode("utf-8", "ignore" if len(content) > _LARGEST else "strict")
        except OSError as error:
            raise SpecguardError(
                f"it cannot be read: {error.strerror}", path=shown, code="unreadable-file"
            ) from error
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SpecguardError(
                "it is not UTF-8", path=shown, line=line, help="save it as UTF-8", code="unreadable-file"
            ) from error
        if len(content) > _LARGEST:
            raise SpecguardError(
                "it is larger than 1 MiB",
                path=shown,
                help="take out what is no text of its own",
                code="size-limit",
            )
        for number, one in enumerate(text.split("\n"), 1):
            if len(one) > _LONGEST:
                raise SpecguardError(
                    f"the line has {len(one)} characters",
                    path=shown,
                    line=number,
                    help=f"at most {_LONGEST} are read",
                    code="size-limit",
                )
        return text

    def files(self, below: str) -> Iterator[str]:
        """The files below a folder of it, from it, by name; what begins with a dot is left out."""
        root = self._place(below)
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield os.path.relpath(os.path.join(folder, name), self._place("")).replace(os.sep, "/")

    def _place(self, name: str) -> str:
        return os.path.join(self.top, self.path, name)


def source_folders(top: str) -> list[SourceFolder]:
    """The folders of changes and features of a checkout that have tasks, but for archived ones."""
    found = [
        SourceFolder(top, f"{CHANGES}/{name}", "openspec")
        for name in _folders(os.path.join(top, CHANGES))
        if name != "archive"
    ]
    found += [
        SourceFolder(top, f"{FEATURES}/{name}", "spec-kit")
        for name in _folders(os.path.join(top, FEATURES))
        if _FEATURE.fullmatch(name)
    ]
    return [folder for folder in found if folder.has(TASKS)]


def source_folder(top: str, name: str) -> SourceFolder:
    """The folder that a name stands for: of a change, of a feature, or their path.

    Args:
        top: the checkout's root.
        name: the slug of a change, the name of a feature such as `001-cart`, or the path of either.

    Raises:
        SpecguardError: there is none, or several.
    """
    plain = name.strip("/")
    forms: list[tuple[str, Form]] = [(CHANGES, "openspec"), (FEATURES, "spec-kit")]
    names = {form: _folders(os.path.join(top, base)) for base, form in forms}
    known: dict[str, SourceFolder] = {}
    for base, form in forms:
        for one in names[form]:
            if one != "archive" if form == "openspec" else _FEATURE.fullmatch(one):
                known[f"{base}/{one}"] = SourceFolder(top, f"{base}/{one}", form)
    if plain in known:
        return known[plain]
    found = [folder for folder in known.values() if folder.name == plain]
    if len(found) == 1:
        return found[0]
    if found:
        paths = " and ".join(folder.path for folder in found)
        raise SpecguardError(
            f"{plain!r} is both {paths}", help=f"name its folder: {found[0].path}", code="unknown-name"
        )
    archived = [one for one in _folders(os.path.join(top, CHANGES, "archive")) if one.endswith(plain)]
    raise SpecguardError(
        f"there is no change {CHANGES}/{plain}, and no feature {FEATURES}/{plain}",
        help=f"it is archived: {CHANGES}/archive/{archived[0]}"
        if plain and archived
        else nearest(
            plain,
            {folder.name for folder in known.values()},
            f"specguard plan proposal {plain if KEBAB.fullmatch(plain) else 'SLUG'}",
        ),
        code="unknown-name",
    )


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
