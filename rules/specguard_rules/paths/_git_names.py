"""Names that git, or a file system below it, takes for `.git`.

The rules are those of git's own `verify_path`: `is_ntfs_dotgit` in path.c and `is_hfs_dotgit` in utf8.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# What HFS+ passes over in names, as git has it (utf8.c, next_hfs_char).
_UNSEEN_BY_HFS: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


def is_git_name(segment: bytes) -> bool:
    r"""Whether one segment of a path is `.git`, or becomes it where files are checked out.

    `.GIT`, `git~1`, `.git.`, `.git ` and `.git:stream` do on Windows, `.g\u200cit` does on macOS.
    """
    if segment.isascii():
        name = segment.lower()
    else:
        name = (
            segment.decode("utf-8", "surrogateescape")
            .translate(_UNSEEN_BY_HFS)
            .lower()
            .encode("utf-8", "replace")
        )
    if b"git" not in name:
        return False
    name = name.partition(b":")[0].partition(b"\\")[0].rstrip(b" .")
    return name in {b".git", b"git~1"}


def has_git_name(path: bytes) -> bool:
    """Whether any segment of a path is such a name."""
    return any(map(is_git_name, path.split(b"/")))
