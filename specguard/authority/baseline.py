"""The baseline: the findings that a repository had when it began, by rule and path, so that it can begin.

`.specguard/baseline.json` holds `{rule: {path: count}}`: codes of rules, paths from the repository's root,
and how many errors of that rule are accepted there. It has no line numbers, so it survives every edit that
adds no error.
"""

from __future__ import annotations

import json
import re

from specguard.change.change import BASELINE
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

FAMILIES: Final = frozenset({"SPC", "ART", "PLN", "CNT", "CFG"})
"""Whose findings can be in a baseline: rules about what a tree holds. A change itself has no past."""

LIMIT: Final = 16 << 20
"""The most bytes of a baseline that are read."""

_CODE: Final = re.compile(r"[A-Z]{3}[0-9]{3}")
_TOKEN: Final = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}\[\]]')


class Baseline(Record):
    """How many errors are accepted of each rule in each file.

    Attributes:
        counts: by the rule's code, then by path; every count is at least 1.
    """

    counts: Mapping[str, Mapping[bytes, int]]

    @classmethod
    def read(cls, data: bytes) -> Baseline:
        """Read a baseline's file.

        Raises:
            SpecguardError: it is no such file; with its line.
        """
        text = ""
        try:
            text = data.decode("utf-8")
            rules = json.loads(text, object_pairs_hook=_once)
        except UnicodeDecodeError as error:
            raise _broken("is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
        except _TwiceError as twice:
            raise _broken(f"has {twice.key!r} twice", _line_of(text, twice.key)) from None
        except json.JSONDecodeError as error:
            raise _broken(f"is no JSON: {error.msg}", error.lineno) from None
        except (ValueError, RecursionError):
            raise _broken("is no JSON that can be read") from None
        if not isinstance(rules, dict):
            raise _broken("is no object of rules")
        counts: dict[str, dict[bytes, int]] = {}
        for code, paths in rules.items():
            if not _CODE.fullmatch(code):
                raise _broken(f"has {code!r}, which is no rule's code", _line_of(text, code))
            if code[:3] not in FAMILIES:
                families = ", ".join(sorted(FAMILIES))
                raise _broken(f"has {code}, and only rules of {families} can be in it", _line_of(text, code))
            if not isinstance(paths, dict):
                raise _broken(f"has no object of paths for {code}", _line_of(text, code))
            counts[code] = {}
            for path, count in paths.items():
                if type(count) is not int or count < 1:
                    line = _line_of(text, code, path)
                    raise _broken(f"has no count of at least 1 for {code} in {path!r}", line)
                try:
                    counts[code][path.encode("utf-8", "surrogateescape")] = count
                except UnicodeEncodeError:
                    line = _line_of(text, code, path)
                    raise _broken(f"has {path!r}, which no file can be called", line) from None
        return cls(counts)

    def accepts(self, code: str, path: bytes) -> int:
        """How many errors of a rule are accepted in a file."""
        return self.counts.get(code, {}).get(path, 0)

    def text(self) -> str:
        """The file: one line a path, sorted, so that a change of it reads as what it is."""
        rules: list[str] = []
        for code in sorted(self.counts):
            paths = self.counts[code]
            lines = [f"    {_quoted(path)}: {paths[path]}" for path in sorted(paths)]
            rules.append(f'  "{code}": {{\n' + ",\n".join(lines) + "\n  }")
        return "{\n" + ",\n".join(rules) + "\n}\n" if rules else "{}\n"

    def __len__(self) -> int:
        return sum(map(len, self.counts.values()))


class Growth(Record):
    """An entry of a baseline that accepts more than it did."""

    code: str
    path: bytes
    before: int
    after: int
    line: int

    def __str__(self) -> str:
        instead = f" instead of {self.before}" if self.before else ""
        return f"{self.after}{instead} of {self.code} in {path_text(self.path)}"


class BaselineChange(Record):
    """What a change does to the baseline.

    Attributes:
        growths: the entries that accept more than before, in the order of the file.
        problem: why the two cannot be compared; empty where they can.
    """

    growths: Sequence[Growth] = ()
    problem: str = ""


def compare_baselines(old: bytes | None, new: bytes | None) -> BaselineChange:
    """Compare two baselines; None stands for one that is not there."""
    try:
        before = Baseline.read(old) if old is not None else Baseline({})
    except SpecguardError as error:
        return BaselineChange(problem=f"it could not be read before: {error.message}")
    try:
        after = Baseline.read(new) if new is not None else Baseline({})
    except SpecguardError as error:
        return BaselineChange(problem=error.message)
    grown = [
        (code, path, count)
        for code, paths in after.counts.items()
        for path, count in paths.items()
        if count > before.accepts(code, path)
    ]
    lines = dict(_lines(new.decode())) if grown and new is not None else {}
    return BaselineChange(
        [
            Growth(code, path, before.accepts(code, path), count, lines[code, _as_text(path)])
            for code, path, count in grown
        ]
    )


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return found


def _broken(what: str, line: int = 1) -> SpecguardError:
    return SpecguardError(
        f"the baseline {what}",
        path=path_text(BASELINE),
        line=line,
        help="fix it there, or remove it and let `specguard baseline` write one",
        code="broken-baseline",
    )


def _line_of(text: str, *keys: str) -> int:
    """The line of the last key of a JSON text that is written like this, within those before it."""
    return max((line for found, line in _lines(text) if found[-len(keys) :] == keys), default=1)


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The keys of a JSON text, each with those that it is within, and its line."""
    above: list[str] = []
    depth, line, at = 0, 1, 0
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
        elif token[2] is not None:
            line += text.count("\n", at, token.start())
            at = token.start()
            above[depth - 1 :] = [json.loads(token[1])]
            yield tuple(above), line


def _as_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _quoted(path: bytes) -> str:
    """A path as a JSON string; what nobody would see, or could not be written, is escaped."""
    text = _as_text(path)
    return json.dumps(text, ensure_ascii=not text.isprintable())
