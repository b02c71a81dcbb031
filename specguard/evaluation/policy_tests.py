"""The tests of a policy that a team writes, read and run against the authority in the working tree."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from specguard.authority.layers import TESTS, Layer, Part
from specguard.authority.load import AuthoritySource, load_policy
from specguard.authority.policy import Policy
from specguard.change.check_request import FLOOR, Request, read_regular
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.repository import Repository
from specguard.change.tree import Tree
from specguard.change.worktree import FolderTree
from specguard.documents.data import DataError
from specguard.documents.toml import KeyPath, read_toml
from specguard.engine.plugins import load_registry
from specguard.engine.trusted_policy import missing_authority, open_floor
from specguard.errors import Needed, SeveralErrors, SpecguardError
from specguard.model import Origin
from specguard.testing.case import Case
from specguard.testing.case_file import CaseError, split_cases
from specguard.testing.repository import to_bytes
from specguard.testing.running import Mismatch, differences, judge_case

_ABOUT_TREE = "CFG"


@dataclass(frozen=True)
class OwnAuthority:
    """An authority with its files.

    Attributes:
        documents: the text of each of its documents, by path.
        policy: the compiled policy.
        files: the paths of the repository's files; empty if they are unknown.
    """

    documents: dict[bytes, str]
    policy: Policy
    files: Sequence[bytes] = ()

    def as_judged(self, case: Case) -> Case:
        """Return a case that has no policy of its own, to be judged by this authority; see `with_authority`.

        The CFG rules are ignored unless the case names one: they compare the policy with the whole tree. A
        case has only a few files. A final verdict ignores no rule.
        """
        codes = {rule.name: rule.code for rule in self.policy.rules}
        asked = [*case.states, *(str(one.get("code", one.get("name"))) for one in case.expect or ())]
        named = [*case.args, *(codes.get(one, one) for one in asked)]
        if not any(part in name for name in named for part in (_ABOUT_TREE, "--enforce", "--pre-receive")):
            case = replace(case, args=[*case.args, f"--ignore={_ABOUT_TREE}"])
        return self.with_authority(case)

    def with_authority(self, case: Case) -> Case:
        """Return a case whose base has the documents of this authority, in addition to its own files.

        If the policy names a base or a remote, the repository has them. The policy's floor applies too.
        """
        if not case.base:
            return case
        first, *others = case.base
        # The case's own files replace documents of the same name.
        files: dict[str | bytes, str | bytes] = dict(self.documents.items())
        files.update({to_bytes(path): text for path, text in first.files.items()})
        return replace(
            case,
            policy="",
            base=[replace(first, files=files), *others],
            refs={**self.refs(), **case.refs},
            origin=self.policy.remote or case.origin if case.origin else "",
            env={**({FLOOR: self.policy.floor["path"]} if self.policy.floor else {}), **case.env},
        )

    def refs(self) -> dict[str, str]:
        """Return the refs that a case needs in addition to `main`, if the policy names another base."""
        base = self.policy.base or "main"
        name = base.removeprefix("refs/heads/").removeprefix("refs/remotes/origin/").removeprefix("origin/")
        return {} if name == "main" else {f"refs/heads/{name}": "base", f"refs/remotes/origin/{name}": "base"}


def read_own(top: str) -> OwnAuthority:
    """Read the authority of a working tree, committed or not, under the floor of the environment.

    Args:
        top: the root of the working tree.

    Raises:
        SeveralErrors: its settings are wrong.
        SpecguardError: it does not exist, or cannot be read.
    """
    files = FolderTree(top)
    if (policy := load_policy(files, registry=load_registry)) is None:
        raise missing_authority("the working tree")
    floor = open_floor(Request(environment=os.environ))
    return OwnAuthority(_document_texts(files, policy), floor.apply(policy) if floor else policy)


def policy_authority(repository: Repository, policy: Policy) -> OwnAuthority:
    """Return the authority of a policy, from the policy's commit or else from the working tree.

    Raises:
        SpecguardError: it cannot be read.
    """
    top = repository.git_dir if repository.bare else repository.work_tree()
    if policy.ref is None:
        return read_own(top)
    with Needed(), Git(repository) as git:
        tree = git.tree_at(policy.ref)
        return OwnAuthority(_document_texts(tree, policy), policy, tree.paths())


def _document_texts(files: Tree, policy: Policy) -> dict[bytes, str]:
    """Return the texts of a policy's documents."""
    names = [os.fsencode(path) for path, _ in policy.documents]
    return {name: (files.read(name) or b"").decode("utf-8", "surrogateescape") for name in names}


_FORBIDDEN_OPTIONS = re.compile(r"-C|--output|--log-decisions|--traceback|--watch|--fix")
"""Options that write files, read another repository, or wait for input."""

_OUTSIDE_PATH = re.compile(r"(?:--[a-z-]+=)?(?:/|~|(?:.*/)?\.\.(?:/|\Z))")
"""A path outside of the repository: endless or private files must not be read."""

_FORBIDDEN_VARIABLES = re.compile(
    r"(?i)GIT_|LD_|DYLD_|PYTHON|XDG_|SSH_|(PATH|HOME|TMPDIR|SHELL|IFS|BASH_ENV|ENV|EDITOR|VISUAL|PAGER)\Z"
)
"""Variables that could make git, Python or a loader run or write something else."""


def refuse_harmful(case: Case) -> None:
    """Refuse a case that could act outside of its own repository.

    Paths are refused elsewhere: `specguard.testing.Repository.apply` writes none outside.

    Raises:
        CaseError: the case has a forbidden argument or variable.
    """
    for position, argument in enumerate(case.args):
        if _FORBIDDEN_OPTIONS.match(argument) or _OUTSIDE_PATH.match(argument):
            raise CaseError(f"a case cannot have the argument {argument!r}", f"args.{position}")
    for name in case.env:
        if _FORBIDDEN_VARIABLES.match(name):
            raise CaseError(f"a case cannot set the variable {name}", f"env.{name}")


CASE_FOLDER = "tests/policy"
"""The folder of a repository's cases, next to its authority."""


@dataclass
class PolicyTest:
    """An expectation of a policy, with its result.

    Attributes:
        written: the case as it is written, with its line and those of its keys.
        kind: `case` for a file, else the name of the table.
        name: its name.
        folder: the folder of the cases that its `like` or `after` can name; None without one.
        case: the parsed case; without its own policy, it has the repository's authority.
        differences: the unmet expectations; empty if it passed.
        problem: the reason why it could not be run; empty if it could.
        seconds: its duration.
    """

    written: Layer = field(repr=False)
    kind: Literal["case", "should-fail", "should-pass"]
    name: str
    folder: Path | None = None
    case: Case = field(default_factory=Case)
    differences: Sequence[Mismatch] = ()
    problem: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """True if all expectations are met."""
        return not self.differences and not self.problem

    @property
    def origin(self) -> Origin:
        """The place where it begins."""
        return self.written.origin(())

    def line_of(self, difference: Mismatch) -> int | None:
        """Return the line of an expected finding that is missing; None for other differences."""
        return self.written.origin(("expect", difference.position)).line if difference.position >= 0 else None

    def parse(self, authority: OwnAuthority) -> None:
        """Parse the case.

        Args:
            authority: the authority for a case without a policy.

        Raises:
            SpecguardError: its format is invalid.
        """
        written: Any = self.written.data
        path, line = self.origin.path, self.origin.line
        if not isinstance(written, dict):
            message, help = f"`{self.kind}` is not a table", f"begin each one with [[{self.kind}]]"
            raise SpecguardError(message, path=path, line=line, help=help, code="unreadable-file")
        table = dict(written)
        # None, which TOML cannot represent, marks a missing key.
        defaults: dict[str, Any] = {"policy": None}
        if self.kind != "case":
            table.pop("name", None)
            defaults |= {"exit_code": 1, "expect": None} if self.kind == "should-fail" else {"exit_code": 0}
        if not table:
            message, help = "the case has nothing to judge", "give it `commits` with `files`"
            raise SpecguardError(message, path=path, line=line, help=help, code="broken-case")
        with placing(self.written):
            case = Case.from_toml(table, self.name, self.folder, defaults)
            refuse_harmful(case)
        self.case = authority.as_judged(case) if case.policy is None else case

    def run(self) -> None:
        """Judge the case in a temporary folder, through the command's entry point in this process."""
        start = time.monotonic()
        try:
            outcome, names = judge_case(self.case, installed=False)
            self.differences = tuple(differences(self.case, outcome, names))
        except CaseError as error:
            self.problem = error.problem
        except SpecguardError as error:
            place = f"{error.place}: " if error.place else ""
            self.problem = f"{place}{error.message}{f'; {error.help}' if error.help else ''}"
        except (AssertionError, ValueError, OSError) as error:
            # The kit raises the first for git errors, and for output that is not a report; the system raises
            # the others for words that no command, path or variable can have.
            self.problem = str(error).strip().split("\n")[0]
        self.seconds = time.monotonic() - start


def read_tests(authority: OwnAuthority, given: Sequence[str], folder: str) -> list[PolicyTest]:
    """Read the tests of a policy.

    Args:
        authority: the authority for a case without a policy.
        given: files and folders of cases; without any, the authority's tables `should-fail` and `should-pass`
            are read, and the cases in `folder`.
        folder: the usual folder of cases, which may be missing.

    Raises:
        SpecguardError: a given file is missing, or a given folder has no case.
        SeveralErrors: all cases with an invalid format.
    """
    found = [] if given else list(_inline_tests(authority))
    errors: list[SpecguardError] = []
    for path in dict.fromkeys(_case_files(given or [folder], optional=not given)):
        try:
            found += _read_case_file(path)
        except SpecguardError as error:
            errors.append(error)
    for one in found:
        try:
            one.parse(authority)
        except SpecguardError as error:
            errors.append(error)
    if errors:
        raise SeveralErrors(errors, "cases")
    return found


def _case_files(given: Sequence[str], *, optional: bool) -> Iterator[str]:
    """Yield the case files among names: the files themselves, and all `.toml` files in the folders."""
    for name in given:
        candidates = sorted(map(str, Path(name).glob("**/*.toml"))) if os.path.isdir(name) else [name]
        # Reading a named pipe would block.
        files = [os.path.normpath(path) for path in candidates if os.path.isfile(path)]
        if not files and not optional:
            help = "name case files, which end in .toml, or folders of them"
            code = "unreadable-file" if os.path.isdir(name) else "unknown-name"
            raise SpecguardError("there is no case", path=name, help=help, code=code)
        yield from files


def _inline_tests(authority: OwnAuthority) -> Iterator[PolicyTest]:
    """Yield the tests in the tables of an authority."""
    for path, text in authority.documents.items():
        for layer in Part(AuthoritySource(os.fsdecode(path), "", text)).layers:
            for kind in TESTS:
                value = layer.data.get(kind, [])
                for position, table in enumerate(value if isinstance(value, list) else [value]):
                    name = table.get("name") if isinstance(table, dict) else ""
                    named = str(name or f"{kind} {position + 1}")
                    yield PolicyTest(_below(layer, (kind, position), table), kind, named)


def read_file(path: str, what: str) -> Layer:
    """Parse a TOML file, with the line of each key.

    Raises:
        SpecguardError: it cannot be read, or is not TOML.
    """
    try:
        data, lines = read_toml(read_regular(path, DOCUMENT_LIMIT, what).decode("utf-8-sig"))
        return Layer(data, path, lines)
    except DataError as error:
        message, line = f"this is not TOML: {error}", error.line
    except UnicodeDecodeError:
        message, line = "it is not UTF-8", None
    raise SpecguardError(message, path=path, line=line, code="unreadable-file")


def _read_case_file(path: str) -> Iterator[PolicyTest]:
    whole = read_file(path, "the case")
    with placing(whole):
        split = split_cases(whole.data, Path(path).stem)
    for position, (name, case) in enumerate(split):
        prefix: KeyPath = ("cases", position) if "cases" in whole.data else ()
        yield PolicyTest(_below(whole, prefix, case, whole.lines), "case", name, Path(path).parent)


def _below(layer: Layer, prefix: KeyPath, data: Any, others: Mapping[KeyPath, int] = {}) -> Layer:
    """Return the data at a key as a layer of its own, with the lines of its keys, and others."""
    lines = {key[len(prefix) :]: at for key, at in layer.lines.items() if key[: len(prefix)] == prefix}
    return Layer(data, layer.path, {(): layer.origin(prefix).line or 1, **others, **lines})


@contextmanager
def placing(written: Layer, help: str = "", code: str = "broken-case") -> Iterator[None]:
    """Convert a `CaseError` of the block into an error with a next step, at the line of its key."""
    try:
        yield
    except CaseError as error:
        place = written.origin(_key_path(error.where))
        path, line = place.path, place.line or None
        raise SpecguardError(error.problem, path=path, line=line, help=help, code=code) from None


def _key_path(where: str) -> KeyPath:
    """Return the parts of a dotted key; a number is a position."""
    parts = (part for part in where.split(".") if part)
    return tuple(int(one) if one.isascii() and one.isdigit() and len(one) < 10 else one for one in parts)
