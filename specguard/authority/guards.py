"""Every path that a policy forbids or locks, in one place."""

from __future__ import annotations

import re

from specguard.declaration.patterns import fold, fold_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.declaration.patterns import Covering, Guarding

_WILD: Final = r"[*?\[\\]"


class Guard:
    """The pattern that guards a path.

    Attributes:
        code: the rule's code: `PTH001` forbids, `PTH002` locks.
        rule: the rule's name.
        pattern: the pattern as it is written.
        key: the setting's key, e.g. `rules.locked-path.paths.3`.
    """

    __slots__ = ("code", "key", "pattern", "rule")

    def __init__(self, code: str, rule: str, pattern: str, key: str) -> None:
        self.code = code
        self.rule = rule
        self.pattern = pattern
        self.key = key

    def __repr__(self) -> str:
        return f"Guard({self.code} {self.pattern!r})"


class Guards:
    """The patterns of the active rules that forbid and lock; true where there is any.

    Args:
        rules: for each such rule its code, name, patterns and exceptions, those that forbid first: a path
            that is both forbidden and locked is forbidden.
    """

    __slots__ = ("_folders", "_rules")

    def __init__(self, rules: Sequence[tuple[str, str, Guarding, Covering | None]]) -> None:
        self._rules = [rule for rule in rules if rule[2]]
        self._folders: dict[bytes, Guard] | None = None

    def find(self, path: bytes) -> Guard | None:
        """What guards a path; None where nothing does, or where the rule excludes it."""
        for code, name, patterns, exclude in self._rules:
            index = patterns.find(path)
            if index is not None and not (exclude and exclude.find(path) is not None):
                return Guard(code, name, patterns.patterns[index], f"rules.{name}.paths.{index}")
        return None

    def below(self, folder: bytes) -> Guard | None:
        """A guard of paths that lie in a folder, as its pattern begins; None where no pattern does."""
        if self._folders is None:
            self._folders = {}
            for guard in self.all:
                segments = fold_text(guard.pattern.strip("/")).split("/")
                plain = next(
                    (end for end, name in enumerate(segments) if re.search(_WILD, name)), len(segments)
                )
                for end in range(1, min(plain + 1, len(segments))):
                    name = "/".join(segments[:end]).encode("utf-8", "surrogateescape")
                    self._folders.setdefault(name, guard)
        return self._folders.get(fold(folder))

    @property
    def all(self) -> Iterator[Guard]:
        """Every pattern."""
        for code, name, patterns, _ in self._rules:
            for index, pattern in enumerate(patterns.patterns):
                yield Guard(code, name, pattern, f"rules.{name}.paths.{index}")

    def __bool__(self) -> bool:
        return bool(self._rules)
