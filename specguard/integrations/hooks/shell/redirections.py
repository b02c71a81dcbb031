"""Redirections: what a command reads, and the files that its output goes to."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.integrations.hooks.shell.expansion import Expansion
    from specguard.integrations.hooks.shell.state import State
    from specguard.integrations.hooks.shell.syntax import Redirect
    from specguard.integrations.hooks.shell.telling import Telling

    Target = tuple[bytes, bool, bool]
    """A file that is written, whether at its end, and whether the standard output alone goes to it."""


class Redirections:
    """Reads and writes the files of redirections.

    Args:
        telling: is told what is written.
        words: expands their names.
    """

    def __init__(self, telling: Telling, words: Expansion) -> None:
        self.telling = telling
        self.words = words

    def opened(
        self, redirects: Sequence[Redirect], state: State, given: str | None
    ) -> tuple[str | None, list[Target]]:
        """What a command reads, and the files that it writes: whether at their end, and its output alone."""
        telling = self.telling
        targets: list[Target] = []
        read: list[bytes] = []
        for redirect in redirects:
            mark = redirect.mark
            if mark == "<<":
                given = self.words.text(redirect.word, state)
                continue
            if mark == "<<<":
                text = self.words.text(redirect.word, state)
                given = None if text is None else text + "\n"
                continue
            found = self.words.fields(redirect.word, state)
            if mark == "<&" or (mark == ">&" and len(found) == 1 and _is_number(found[0].text)):
                given = None if mark == "<&" else given
                continue
            paths: list[bytes] = []
            for field in found:
                if field.text == "!":
                    telling.undecided("`>!` is not the same in every shell")
                paths += telling.paths(state, field, "is redirected to" if mark != "<" else "is read")
            if mark == "<":
                content = telling.content(paths[0]) if len(paths) == 1 else None
                given = None if content is None else content.decode("utf-8", "surrogateescape")
                read += paths
                continue
            alone = redirect.number in ("", "1") and mark in (">", ">|", ">>")
            targets += [(path, mark in (">>", "&>>", "<>"), alone) for path in paths]
        if any(path in read for path, _, _ in targets):
            # It reads what it writes.
            given = None
        return given, targets

    def written(self, targets: Sequence[Target], printed: str | None) -> str | None:
        """Tell the files of redirections; gives what is left to be printed."""
        telling = self.telling
        left = printed
        for index, (path, appended, alone) in enumerate(targets):
            content = None if printed is None or not alone or index + 1 < len(targets) else as_bytes(printed)
            if appended and content is not None:
                before = telling.content(path)
                if before is None and not telling.is_missing(path):
                    content = None
                else:
                    content = (before or b"") + content
            telling.write(path, content, known=content is not None)
            if alone:
                left = ""
        return left


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]*-?", text) is not None
