"""What a team expects of its policy: case files, and the tables `should-fail` and `should-pass` beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from specguard.authority.layers import TESTS, blocks_of, settings_file
from specguard.authority.sources import Source
from specguard.documents.document import Document
from specguard.documents.toml import TomlError, read_toml
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest
from specguard.evaluation.harmless import harm_of
from specguard.evaluation.problems import CasesError
from specguard.testing.case import Case
from specguard.testing.reading import CaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.layers import Layer
    from specguard.documents.toml import KeyPath as Key
    from specguard.evaluation.own import OwnAuthority

FOLDER = "tests/policy"
"""Where the cases of a repository are looked for, beside its authority."""


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected of a policy.

    Attributes:
        name: how people call it.
        kind: `case` for a file, else the name of the table.
        path: the file that it is written in.
        line: where in it.
        case: the case; one without a policy of its own has the repository's authority.
        lines: the line of each of its keys, where they are known.
    """

    name: str
    kind: Literal["case", "should-fail", "should-pass"]
    path: str
    line: int
    case: Case
    lines: Mapping[Key, int] = field(default_factory=dict, repr=False)

    @property
    def fails_somehow(self) -> bool:
        """Whether any finding will do: it should fail, and nobody says how."""
        return self.kind == "should-fail" and self.case.expect is None and not self.case.error

    def line_of(self, *key: str | int) -> int:
        """The line of a key of the case, or of the nearest one above it."""
        while key:
            if key in self.lines:
                return self.lines[key]
            key = key[:-1]
        return self.line


def find_cases(given: Sequence[str], optional: bool = False) -> list[str]:
    """The case files that are meant: files as they are given, and of folders all `.toml` files in them.

    Args:
        given: files and folders.
        optional: whether they need not be there.

    Raises:
        SpecguardError: one is not there, or a folder has none.
    """
    found: dict[str, None] = {}
    for name in given:
        if os.path.isdir(name):
            there = sorted(map(str, Path(name).glob("**/*.toml")))
            # A pipe among them would be waited for.
            files = [os.path.normpath(path) for path in there if os.path.isfile(path)]
            if not files and not optional:
                raise SpecguardError(
                    "there is no case in it", path=name, help="a case is a .toml file", code="unreadable-file"
                )
            found.update(dict.fromkeys(files))
        elif os.path.isfile(name):
            found[os.path.normpath(name)] = None
        elif not optional:
            raise SpecguardError(
                "there is no such file or folder",
                path=name,
                help="name case files, or folders of them",
                code="unknown-name",
            )
    return list(found)


def read_cases(paths: Sequence[str], own: OwnAuthority | None) -> list[Expectation]:
    """The cases of files.

    Args:
        paths: the files.
        own: what judges a case without a policy; None where the repository has no authority.

    Raises:
        CasesError: cases that are not written as the format asks, all of them.
    """
    return _collect(_read_file(path, own) for path in paths)


def read_inline(own: OwnAuthority) -> list[Expectation]:
    """What stands in the tables `should-fail` and `should-pass` of an authority.

    Raises:
        CasesError: those that are not written as the format asks.
    """
    return _collect(
        _read_table(table, kind, position, layer, own)
        for layer in _layers(own)
        for kind in TESTS
        for position, table in enumerate(_tables(layer, kind))
    )


def check_codes(expectations: Sequence[Expectation], own: OwnAuthority | None) -> None:
    """See that every rule that is expected to find something, or to have a state, is one.

    Raises:
        CasesError: rules that do not exist, each with the nearest that does.
    """
    known = _known_codes(tuple(own.policy.plugins) if own else ())
    wrong = []
    for one in expectations:
        if one.case.policy and "plugins" in one.case.policy:
            # A policy that the case brings may name rules of its own: what it has not, its run shows.
            continue
        named = [
            *((("expect", at, key), expected[key]) for at, expected in enumerate(one.case.expect or ())
              for key in ("code", "name") if key in expected),
            *((("states", code), code) for code in one.case.states),
        ]  # fmt: skip
        wrong += [
            SpecguardError(
                f"{one.name}: there is no rule {code!r}",
                path=one.path,
                line=one.line_of(*key),
                help=nearest(code, known, "`specguard rule` lists them"),
                code="unknown-name",
            )
            for key, code in named
            if code not in known
        ]
    if wrong:
        raise CasesError(wrong, "what is expected")


def _known_codes(plugins: tuple[str, ...]) -> set[str]:
    registry = load_registry(plugins)
    return {*registry.rules, *(entry.rule.code for entry in registry.rules.values())}


def _collect(read: Iterator[Expectation | SpecguardError]) -> list[Expectation]:
    found: list[Expectation] = []
    wrong: list[SpecguardError] = []
    for one in read:
        if isinstance(one, SpecguardError):
            wrong.append(one)
        else:
            found.append(one)
    if wrong:
        raise CasesError(wrong, "cases")
    return found


def _read_file(path: str, own: OwnAuthority | None) -> Expectation | SpecguardError:
    name = os.path.splitext(os.path.basename(path))[0]
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
        table, lines = read_toml(text)
        return _expectation(table, "case", name, path, 1, lines, own, Path(path).parent)
    except TomlError as error:
        return SpecguardError(
            f"this is not TOML: {error}", path=path, line=error.line, code="unreadable-file"
        )
    except UnicodeDecodeError:
        return SpecguardError("it is not UTF-8", path=path, help="save it as UTF-8", code="unreadable-file")
    except OSError as error:
        return SpecguardError(f"it cannot be read: {error.strerror}", path=path, code="unreadable-file")
    except SpecguardError as error:
        return error


def _read_table(
    table: Any, kind: Literal["should-fail", "should-pass"], position: int, layer: Layer, own: OwnAuthority
) -> Expectation | SpecguardError:
    begins: Key = (kind, position)
    line = layer.origin(begins).line
    if not isinstance(table, dict):
        return SpecguardError(
            f"`{kind}` is no table",
            path=layer.path,
            line=line,
            help=f"begin each one with [[{kind}]]",
            code="unreadable-file",
        )
    table = dict(table)
    name = table.pop("name", f"{kind} {position + 1}")
    lines = {key[2:]: at for key, at in layer.lines.items() if key[:2] == begins}
    try:
        return _expectation(table, kind, str(name), layer.path, line, lines, own, None)
    except SpecguardError as error:
        return error


def _expectation(
    table: Mapping[str, Any],
    kind: Literal["case", "should-fail", "should-pass"],
    name: str,
    path: str,
    line: int,
    lines: Mapping[Key, int],
    own: OwnAuthority | None,
    folder: Path | None,
) -> Expectation:
    # None, which TOML cannot say: the case has no such key.
    defaults: dict[str, Any] = {"policy": None}
    if kind != "case":
        defaults["exit_code"] = 1 if kind == "should-fail" else 0
    if kind == "should-fail" and "expect" not in table:
        defaults["expect"] = None
    try:
        case = Case.from_toml(table, name, folder, defaults)
    except CaseError as error:
        message, where = str(error).removeprefix(f"{name}: "), error.where.removeprefix(f"{name}: ")
        raise SpecguardError(
            message, path=path, line=_nearest(lines, where) or line, code="broken-case"
        ) from None
    harm = harm_of(case)
    if harm is not None:
        said, key = harm
        raise SpecguardError(
            said, path=path, line=_nearest(lines, ".".join(map(str, key))) or line, code="broken-case"
        )
    if case.policy is None:
        if own is None:
            raise SpecguardError(
                "the case has no policy, and there is no authority here that it could be for",
                path=path,
                line=line,
                help="give it a `policy`, or begin with `specguard init`",
                code="unknown-name",
            )
        case = own.judges(case)
    return Expectation(name, kind, path, line, replace(case, name=name), lines)


def _nearest(lines: Mapping[Key, int], where: str) -> int | None:
    key: Key = tuple(int(part) if part.isdigit() else part for part in where.split(".") if part)
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None


def _layers(own: OwnAuthority) -> Iterator[Layer]:
    for name, text in own.documents.items():
        path = os.fsdecode(name)
        source = Source(path, "", text)
        if source.is_toml:
            yield from settings_file(source)[0]
        else:
            yield from blocks_of(Document(text), path)[0]


def _tables(layer: Layer, kind: str) -> list[Any]:
    value = layer.tests.get(kind, [])
    return value if isinstance(value, list) else [value]
