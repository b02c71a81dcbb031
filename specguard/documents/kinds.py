"""What a file holds, told by the ending of its name."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.documents.data import Kind

_DATA: Final[Mapping[str, Kind]] = {"json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml"}
_MARKDOWN: Final = frozenset({"md", "mdc", "mdx", "markdown", "mkd"})


def data_kind(path: bytes | str) -> Kind | None:
    """What the structured data of a file is written in; None for a file that is none."""
    return _DATA.get(_ending(path))


def is_markdown(path: bytes | str) -> bool:
    """Whether a file is Markdown by its name."""
    return _ending(path) in _MARKDOWN


def _ending(path: bytes | str) -> str:
    name = path.decode("utf-8", "replace") if isinstance(path, bytes) else path
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""
