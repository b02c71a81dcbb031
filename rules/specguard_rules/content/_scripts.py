"""Which files are scripts, and in what language."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SHELL_SUFFIXES: Final = (b".sh", b".bash", b".zsh", b".ksh")
CODE_SUFFIXES: Final = (
    b".py", b".js", b".mjs", b".cjs", b".ts", b".mts", b".cts", b".rb", b".pl", b".php", b".ps1", b".lua",
)  # fmt: skip
_FIRST_LINE: Final = re.compile(
    rb"#!\s*\S*/(?:env\s+(?:-\S+\s+)*)?(?:((?:ba|da|z|k|a)?sh)\b|(python|node|ruby|perl|php|deno|bun|lua))"
)


def may_be_script(path: bytes) -> bool:
    """Whether a file's name is that of a script, or has no suffix."""
    return path.endswith((*SHELL_SUFFIXES, *CODE_SUFFIXES)) or b"." not in path.rpartition(b"/")[2]


def language(path: bytes, data: bytes) -> str:
    """The suffix of files in a script's language: `.sh` for every shell; empty where it is not known."""
    if b"\0" in data[:8000]:
        return ""
    first = _FIRST_LINE.match(data)
    if path.endswith(SHELL_SUFFIXES) or (first and first[1]):
        return ".sh"
    if path.endswith(CODE_SUFFIXES):
        return "." + path.rpartition(b".")[2].decode("ascii")
    return "." + first[2].decode("ascii") if first else ""
