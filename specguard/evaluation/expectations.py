"""What a team expects of its policy: read from case files, tried in scratch repositories, and reported."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from specguard.authority.layers import TESTS, blocks_of, settings_file
from specguard.authority.load import Source
from specguard.documents.document import Document
from specguard.documents.toml import TomlError, read_toml
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest
from specguard.model import EXIT_NO_VERDICT
from specguard.reporters.escape import visible
from specguard.testing.case import Case
from specguard.testing.reading import CaseError
from specguard.testing.running import differences, expectations, judge_case, pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.authority.layers import Layer
    from specguard.documents.toml import KeyPath as Key
    from specguard.evaluation.own import OwnAuthority
    from specguard.testing.running import Outcome


class CasesError(SpecguardError):
    """Several errors.

    Args:
        errors: at least one, in the order of files and lines.
        what: what they are errors of, e.g. `cases`.
    """

    def __init__(self, errors: Sequence[SpecguardError], what: str) -> None:
        first = errors[0]
        super().__init__(first.message, help=first.help, path=first.path, line=first.line, code=first.code)
        self._errors = errors
        self._what = what

    @property
    def summary(self) -> str:
        """How many there are."""
        return self.message if len(self._errors) == 1 else f"{len(self._errors)} errors in {self._what}"

    def each(self) -> Sequence[SpecguardError]:
        """Every one of them."""
        return self._errors


_ARGUMENTS = re.compile(r"-C|--output|--log-decisions|--traceback|--watch|--fix")
"""Options that write files, that look at another repository, or that wait for somebody."""

_OUTSIDE = re.compile(r"(?:--[a-z-]+=)?(?:/|~|(?:.*/)?\.\.(?:/|\Z))")
"""A file that is not in the repository: of an endless one, or of one that is private, nothing is read."""

_VARIABLES = re.compile(
    r"(?i)GIT_|LD_|DYLD_|PYTHON|XDG_|SSH_|(PATH|HOME|TMPDIR|SHELL|IFS|BASH_ENV|ENV|EDITOR|VISUAL|PAGER)\Z"
)
"""Variables by which git, Python or a loader would be led to run or write something else."""


def harm_of(case: Case) -> tuple[str, Key] | None:
    """What a case would do outside of its own repository, and the key that says so; None: nothing.

    Paths are the kit's to refuse: `specguard.testing.Repository.apply` writes none outside.
    """
    for position, argument in enumerate(case.args):
        if _ARGUMENTS.match(argument) or _OUTSIDE.match(argument):
            return f"a case cannot have the argument {argument!r}", ("args", position)
    for name in case.env:
        if _VARIABLES.match(name):
            return f"a case cannot set the variable {name}", ("env", name)
    return None


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


_PLACE = ("path", "line", "end_line", "side", "commit", "field", "severity", "state", "authority")


@dataclass(frozen=True)
class Difference:
    """In what a policy is not as it was expected.

    Attributes:
        kind: `missing` (expected, and not found), `unexpected` (found, and not expected) or `other`.
        said: what, in one line.
        at: the line of the expectation, where it is known.
    """

    kind: str
    said: str
    at: int | None = None


@dataclass(frozen=True)
class Tried:
    """An expectation with what came of it.

    Attributes:
        expectation: the expectation.
        differences: in what it was not met; none where it was.
        problem: why it could not be tried; empty where it could.
        seconds: how long it took.
    """

    expectation: Expectation
    differences: tuple[Difference, ...]
    problem: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it was met."""
        return not self.differences and not self.problem


def try_expectation(expectation: Expectation) -> Tried:
    """Judge a case in a temporary folder, through the command's entry point in this process."""
    began = time.monotonic()
    found: tuple[Difference, ...] = ()
    problem = ""
    with TemporaryDirectory(prefix="specguard-test-") as place:
        try:
            outcome, names = judge_case(expectation.case, place, installed=False)
            found = tuple(_differences(expectation, outcome, names))
        except CaseError as error:
            problem = str(error).removeprefix(f"{expectation.name}: ")
        except SpecguardError as error:
            problem = f"{error.message}{f'; {error.help}' if error.help else ''}"
        except AssertionError as error:
            # What the kit says of git, and of output that is no report.
            problem = str(error).strip().split("\n")[0]
    return Tried(expectation, found, problem, time.monotonic() - began)


def _differences(
    expectation: Expectation, outcome: Outcome, names: Mapping[str, str]
) -> Iterator[Difference]:
    case = expectation.case
    missing: Sequence[Mapping[str, Any]] = ()
    left: Sequence[Mapping[str, Any]] = ()
    findings = [finding for report in outcome.reports for finding in report.get("findings", ())]
    if case.expect is not None:
        wanted = expectations(case, names)
        missing, left = pair(wanted, findings)
        for one in missing:
            position = next(at for at, other in enumerate(wanted) if other is one)
            yield Difference("missing", finding_text(one), expectation.line_of("expect", position))
        for finding in left:
            yield Difference("unexpected", finding_text(finding, whole=True))
    # What the findings explain already is not said twice.
    others = replace(case, expect=None)
    if case.expect is not None and (missing or left):
        others = replace(others, exit_code=case.exit_code if expectation.kind == "case" else None)
    elif case.expect is not None and case.exit_code is None and not case.expect and not case.error:
        others = replace(others, exit_code=0)
    for said in differences(others, outcome, names):
        if expectation.kind == "should-fail" and outcome.exit_code == 0 and said.startswith("exit code 0"):
            yield Difference("other", "it passes, and should fail")
        else:
            yield Difference("other", said)
    if case.exit_code != EXIT_NO_VERDICT and outcome.exit_code == EXIT_NO_VERDICT:
        for rule in (rule for report in outcome.reports for rule in report.get("rules", ())):
            if rule["state"] == "indeterminate":
                said = f"{rule['code']} {rule['name']} could not be judged: {rule['reason']}"
                yield Difference("other", said)


def finding_text(finding: Mapping[str, Any], *, whole: bool = False) -> str:
    """A finding, flat, or what is expected of one, on one line.

    Args:
        finding: its fields.
        whole: it is a finding: what identifies it is told, and its message; else every field is.
    """
    words = [str(finding[key]) for key in ("code", "name") if finding.get(key)][:1]
    path, line = finding.get("path"), finding.get("line")
    if path:
        words.append(f"{path}:{line}" if line else str(path))
    elif line:
        words.append(f"line {line}")
    for key in _PLACE[2:]:
        value = finding.get(key)
        if value is None or (whole and key in ("end_line", "severity", "state", "authority", "commit")):
            continue
        words.append(f"{key} {value}")
    said = finding.get("message")
    text = " ".join(words)
    if said:
        text += f": {said}" if whole else f" with {said!r} in its message"
    if finding.get("help") and not whole:
        text += f" with {finding['help']!r} in its next step"
    return text or "a finding"


def junit_text(done: Sequence[Tried]) -> str:
    """The XML of a run of `specguard test`: a test case for each expectation.

    The elements are those that junit.xsd of the Jenkins xUnit plugin has; a character that XML cannot hold is
    shown by its escape.
    """
    suite = ElementTree.Element(
        "testsuite",
        name="specguard test",
        tests=str(len(done)),
        failures=str(sum(bool(one.differences) for one in done)),
        errors=str(sum(bool(one.problem) for one in done)),
        time=f"{sum(one.seconds for one in done):.3f}",
    )
    for one in done:
        expected = one.expectation
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=visible(expected.path),
            name=visible(expected.name),
            time=f"{one.seconds:.3f}",
        )
        if one.problem:
            ElementTree.SubElement(case, "error", message=visible(one.problem))
        elif one.differences:
            failure = ElementTree.SubElement(case, "failure", message="not as expected")
            failure.text = "\n".join(visible(f"{each.kind}: {each.said}") for each in one.differences)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'
