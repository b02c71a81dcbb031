"""A patch file as a tree: applied to a temporary index, never believed by its headers."""

from __future__ import annotations

import os
import sys

from specguard.change.process import CommandError
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader
    from typing import Any, Final

    from specguard.change.git import Git

PATCH_LIMIT: Final = 256 << 20
"""How large a patch may be, in bytes; git reads it whole."""

_BLOCK: Final = 1 << 20


def apply_patch(git: Git, start: str, file: str) -> str:
    """The tree that a patch makes of another one.

    Args:
        git: what applies it; it keeps new objects in its scratch store from then on.
        start: the tree or commit that the patch is applied to.
        file: the patch file's name; `-` is standard input.

    Returns:
        The object id of the tree.

    Raises:
        SpecguardError: the patch cannot be read, is too large, or git does not apply it.
        MissingFact: an object it needs is not there.
    """
    git.use_scratch()
    index = f"{git.folder}/index"
    copy = f"{git.folder}/patch"
    name = None if file == "-" else file
    try:
        if file == "-":
            given: Any = sys.stdin.buffer
            _copy(given, copy, None)
        else:
            with open(file, "rb") as stream:
                _copy(stream, copy, file)
    except OSError as error:
        raise SpecguardError(
            f"the patch cannot be read: {error.strerror}",
            path=name,
            help="Check its name.",
            code="unreadable-file",
        ) from error
    # An index has every path of its own: first it must be known that they are not too many.
    git.list_tree(start, "the files of HEAD", "--name-only", spare=git.repository.indexed())
    git.read(git.start("read-tree", start, index=index), "the files of HEAD")
    patch = os.open(copy, os.O_RDONLY)
    try:
        process = git.start("apply", "--cached", "--whitespace=nowarn", "-", stdin_file=patch, index=index)
        process.read()
    except CommandError as error:
        raise SpecguardError(
            f"the patch does not apply to HEAD: {error.first_line}",
            path=name,
            help="Make it with `git diff --binary` or `git format-patch --binary` on top of HEAD.",
            code="unusable-patch",
        ) from error
    finally:
        os.close(patch)
    return git.read(git.start("write-tree", "--missing-ok", index=index), "the patched tree").decode().strip()


def _copy(stream: BufferedReader, copy: str, name: str | None) -> None:
    """Copy a patch where nobody changes it while it is read, a block at a time."""
    size = 0
    with open(copy, "wb") as out:
        # A slow pipe is read piece by piece, so that an interrupt between two pieces is not missed.
        while block := stream.read1(_BLOCK):
            size += len(block)
            if size > PATCH_LIMIT:
                raise SpecguardError(
                    f"the patch is larger than {PATCH_LIMIT >> 20} MiB",
                    path=name,
                    help="Apply it and judge the commits instead, which has no such limit.",
                    code="size-limit",
                )
            out.write(block)
