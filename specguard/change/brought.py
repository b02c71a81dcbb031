"""Whether a file that a caller names is one that the change could have brought."""

from __future__ import annotations

import os
import unicodedata

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.change.repository import Repository
    from specguard.change.request import Request
    from specguard.change.tree import Tree, TreeEntry

_MOST_LINKS: Final = 40
"""How many symbolic links Linux follows in one name."""


def named_files(request: Request) -> Sequence[tuple[str, str]]:
    """What each file is that the change must not have written, and its name.

    Those are what says who it is from and who approves it, and what is kept of verdicts.
    """
    file = request.event_file
    if not file and request.environment.get("GITHUB_ACTIONS") == "true":
        file = request.environment.get("GITHUB_EVENT_PATH", "")
    named = [
        ("the event file", file),
        ("the reviews file", request.reviews_file),
        ("the decision log", request.log),
    ]
    return [(what, name) for what, name in named if name]


def refuse_brought(repository: Repository, files: Sequence[tuple[str, str]], tree: Tree) -> None:
    """Refuse files that are in the working tree because a commit has them there.

    Whoever wrote the change could have written them. The same holds for a symbolic link on the way.

    Args:
        repository: where the working tree is.
        files: as `named_files` has them.
        tree: the files of the commit.

    Raises:
        SpecguardError: one of them is such a file.
        MissingFact: a tree object is not there.
    """
    if not files or repository.bare:
        return
    root = os.path.realpath(repository.work_tree()).rstrip("/") + "/"
    for what, file in files:
        for step in _steps(os.path.join(os.getcwd(), file)):
            if not step.startswith(root):
                continue
            inside = step[len(root) :]
            entry = _find(tree, os.fsencode(inside).split(b"/"))
            if entry is not None and not entry.is_directory:
                raise SpecguardError(
                    f"{what} is in the judged tree, as {inside}, so the change could have written it",
                    path=file,
                    help="Write it outside the checkout, as to $RUNNER_TEMP, and name it there.",
                    code="untrusted-file",
                )


def _steps(path: str) -> Iterator[str]:
    """Each path that an absolute one leads through, in folders without symbolic links, and its end."""
    left = path.split("/")[::-1]
    at = ""
    links = 0
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        yield f"{at}/{name}"
        try:
            target = os.readlink(f"{at}/{name}")
        except (OSError, ValueError):
            at = f"{at}/{name}"
            continue
        links += 1
        if links > _MOST_LINKS:
            return
        if target.startswith("/"):
            at = ""
        left += target.split("/")[::-1]


def _find(tree: Tree, names: Sequence[bytes]) -> TreeEntry | None:
    """What a tree has at a path, however a file system may spell it; what is no directory ends the way."""
    directory = b""
    entry = None
    for name in names:
        folded = _folded(name)
        found = tree.names(directory)
        known = name if name in found else next((one for one in found if _folded(one) == folded), None)
        if known is None:
            return None
        entry = found[known]
        if not entry.is_directory:
            return entry
        directory = directory + b"/" + known if directory else known
    return entry


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFC", name.decode("utf-8", "surrogateescape")).casefold()
