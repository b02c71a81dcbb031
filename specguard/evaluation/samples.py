"""Sample repositories: where each is, which snapshot of it is meant, and what is expected of it."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import secrets
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.request import read_regular
from specguard.change.revision import resolve
from specguard.change.store import DOCUMENT_LIMIT
from specguard.declaration.rule import Record
from specguard.documents.toml import TomlError, read_toml, toml_key, toml_value
from specguard.errors import SpecguardError, nearest
from specguard.evaluation.expectations import CasesError
from specguard.testing.case import Case
from specguard.testing.reading import CaseError
from specguard.testing.repository import GitError, Repository
from specguard.testing.running import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.documents.toml import KeyPath as Key
    from specguard.evaluation.own import OwnAuthority
    from specguard.testing.running import Outcome


FILE = "evaluation/samples.toml"
"""Where samples are declared, from the root of the repository whose policy is applied."""

KEPT = ("code", "path", "line", "field")
"""What is kept of a finding where it is expected from now on."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SAMPLE: dict[str, type] = {
    "name": str, "path": str, "revision": str, "version": str, "source": str, "object_id": str,
    "refresh_by": datetime.date, "expected": str,
}  # fmt: skip
_COMMAND: dict[str, type] = {"name": str, "run": str, "exit_code": int, "samples": list, "timeout": int}
_TOP: dict[str, type] = {"samples": list, "commands": list, "ignore": list}
_WORDS: dict[type, str] = {
    str: "text", int: "a whole number", list: "a list", datetime.date: "a date, as in 2027-01-31",
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One sample repository.

    Attributes:
        name: how people call it, and its evidence.
        path: the repository, bare or not, or a bundle; absolute.
        revision: which snapshot of it; empty: its `HEAD`, of a bundle without one its only branch.
        version: the snapshot's version, in whatever form its team writes one.
        source: where it came from.
        object_id: the commit that the snapshot is; empty where nobody said.
        refresh_by: the last day on which the snapshot is fresh enough; None: always.
        expected: the file with what is expected to be found, absolute.
        declared: `path:line` of its declaration; empty where it has none.
    """

    name: str
    path: str
    expected: str
    revision: str = ""
    version: str = ""
    source: str = ""
    object_id: str = ""
    refresh_by: datetime.date | None = None
    declared: str = ""


@dataclass(frozen=True)
class AssetCommand:
    """A command that is run in a checkout of samples, such as one that applies an asset.

    Attributes:
        name: what reports call it.
        run: the command, for a shell.
        exit_code: the code that it should end with.
        samples: the names of the samples that it is run in; none: all.
        timeout: after how many seconds it is ended; 0: as the policy says.
    """

    name: str
    run: str
    exit_code: int = 0
    samples: tuple[str, ...] = ()
    timeout: int = 0


@dataclass(frozen=True)
class Samples:
    """All that is declared.

    Attributes:
        file: the file; it need not be there.
        samples: each, in the file's order.
        commands: each, in the file's order.
        ignore: rules that are left out, beside those that no snapshot can have anything for.
    """

    file: str
    samples: tuple[Sample, ...] = ()
    commands: tuple[AssetCommand, ...] = ()
    ignore: tuple[str, ...] = field(default=())

    def chosen(self, given: Sequence[str]) -> list[Sample]:
        """The samples that are meant: by name, or by path, which need not be declared; all without any.

        Raises:
            SpecguardError: there is none, or nothing of that name.
        """
        if not given:
            if not self.samples:
                raise SpecguardError(
                    "there is no sample to evaluate",
                    path=self.file,
                    help="name a repository, or declare samples there as [[samples]]",
                    code="unknown-name",
                )
            return list(self.samples)
        return [self._find(name) for name in given]

    def _find(self, given: str) -> Sample:
        place = os.path.realpath(given)
        for sample in self.samples:
            if given == sample.name or place == os.path.realpath(sample.path):
                return sample
        if not os.path.exists(given):
            names = [sample.name for sample in self.samples]
            raise SpecguardError(
                f"there is no sample {given!r}, and nothing at such a path",
                help=nearest(given, names, "name a repository or a bundle by its path"),
                code="unknown-name",
            )
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", os.path.basename(place)).lstrip("-._") or "sample"
        stem = name.removesuffix(".git").removesuffix(".bundle") or name
        return Sample(stem, place, os.path.join(os.path.dirname(self.file), f"{stem}.expected.toml"))


def read_samples(file: str) -> Samples:
    """Read a file of samples; one that is not there declares none.

    Raises:
        CasesError: what is wrong with it, all of it.
        SpecguardError: it cannot be read.
    """
    if not os.path.lexists(file):
        return Samples(file)
    try:
        data, lines = read_toml(read_regular(file, DOCUMENT_LIMIT, "the file of samples").decode("utf-8"))
    except TomlError as error:
        raise SpecguardError(
            f"this is not TOML: {error}", path=file, line=error.line, code="unreadable-file"
        ) from None
    except UnicodeDecodeError:
        raise SpecguardError(
            "it is not UTF-8", path=file, help="save it as UTF-8", code="unreadable-file"
        ) from None
    wrong = list(_problems(data, lines, file))
    if wrong:
        raise CasesError(wrong, "samples")
    folder = os.path.dirname(file)
    samples = tuple(
        Sample(
            **{
                **table,
                "path": os.path.normpath(os.path.join(folder, table["path"])),
                "expected": os.path.normpath(
                    os.path.join(folder, table.get("expected", f"{table['name']}.expected.toml"))
                ),
                "declared": f"{file}:{lines.get(('samples', at), 1)}",
            }
        )
        for at, table in enumerate(data.get("samples", []))
    )
    commands = tuple(
        AssetCommand(**{**table, "samples": tuple(table.get("samples", ()))})
        for table in data.get("commands", [])
    )
    return Samples(file, samples, commands, tuple(data.get("ignore", ())))


def _problems(data: Mapping[str, Any], lines: Mapping[Key, int], file: str) -> Iterator[SpecguardError]:
    def problem(message: str, *key: str | int, help: str = "") -> SpecguardError:
        while key and key not in lines:
            key = key[:-1]
        return SpecguardError(message, path=file, line=lines.get(key), help=help, code="broken-case")

    def table_problems(
        table: Mapping[str, Any], known: Mapping[str, type], required: Sequence[str], *where: str | int
    ) -> Iterator[SpecguardError]:
        for key, value in table.items():
            if key not in known:
                yield problem(f"unknown key {key!r}", *where, key, help=nearest(key, known))
            elif not isinstance(value, known[key]) or isinstance(value, (bool, datetime.datetime)):
                yield problem(f"{key} must be {_WORDS[known[key]]}", *where, key)
            elif isinstance(value, list) and not all(isinstance(part, str) for part in value):
                yield problem(f"{key} must be a list of texts", *where, key)
        for key in required:
            if key not in table:
                yield problem(f"`{key}` is missing", *where)

    tables = {name: value for name, value in data.items() if name in ("samples", "commands")}
    yield from table_problems({name: value for name, value in data.items() if name not in tables}, _TOP, ())
    names: set[str] = set()
    for kind, known, required in (
        ("samples", _SAMPLE, ("name", "path")),
        ("commands", _COMMAND, ("name", "run")),
    ):
        value = tables.get(kind, [])
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            yield problem(f"`{kind}` must be tables", kind, help=f"begin each one with [[{kind}]]")
            continue
        for at, table in enumerate(value):
            yield from table_problems(table, known, required, kind, at)
            name = table.get("name")
            if kind == "samples" and isinstance(name, str):
                if not _NAME.fullmatch(name):
                    yield problem(f"{name!r} is no name: letters, digits, `.`, `_` and `-`", kind, at, "name")
                if name in names:
                    yield problem(f"two samples are called {name!r}", kind, at, "name")
                names.add(name)
            for one in table.get("samples", ()) if kind == "commands" else ():
                if isinstance(one, str) and one not in names:
                    yield problem(
                        f"there is no sample {one!r}", kind, at, "samples", help=nearest(one, names)
                    )


def read_expected(sample: Sample) -> list[dict[str, Any]] | None:
    """The findings that are expected in a sample; None where nothing is stored yet.

    Raises:
        SpecguardError: the file is not as `expected_text` writes one.
    """
    if not os.path.lexists(sample.expected):
        return None
    content = read_regular(sample.expected, DOCUMENT_LIMIT, "the file of what is expected")
    try:
        table = tomllib.loads(content.decode("utf-8"))
        if set(table) != {"expect"}:
            # A file that was cut short expects nothing only where it says so.
            said = "it has other keys than `expect`" if table else "it has no `expect`, such as `expect = []`"
            raise SpecguardError(said, path=sample.expected, code="unreadable-file")
        case = Case.from_toml(table, sample.name)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, CaseError) as error:
        raise SpecguardError(
            f"it is not what is expected of a sample: {error}", path=sample.expected, code="unreadable-file"
        ) from None
    return [dict(one) for one in case.expect or ()]


def store_expected(sample: Sample, findings: Sequence[Mapping[str, Any]]) -> None:
    """Expect of a sample from now on what is found in it.

    Raises:
        SpecguardError: what is there says something else, or is a link, or the file cannot be written.
    """
    file = sample.expected
    if os.path.lexists(file) and (os.path.islink(file) or not os.path.isfile(file)):
        raise SpecguardError(
            "it is no regular file, and nothing is stored there", path=file, code="never-overwritten"
        )
    # A file that expects nothing of a sample is somebody's own.
    read_expected(sample)
    partial = f"{file}.{secrets.token_hex(6)}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(partial, "x", encoding="utf-8") as stream:
            stream.write(expected_text(findings))
        os.replace(partial, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise SpecguardError(
            f"it cannot be written: {error.strerror}", path=file, code="unwritable-file"
        ) from error


def expected_text(findings: Sequence[Mapping[str, Any]]) -> str:
    """What is found in a sample, as the text of a file that expects exactly that."""
    lines = ["# What the policy finds in this sample; `specguard eval --update` writes it."]
    if not findings:
        return "\n".join([*lines, "expect = []", ""])
    lines.append("expect = [")
    for finding in findings:
        kept = {key: finding[key] for key in KEPT if finding.get(key) is not None}
        pairs = ", ".join(f"{toml_key(key)} = {toml_value(value)}" for key, value in kept.items())
        lines.append(f"  {{{pairs}}},")
    return "\n".join([*lines, "]", ""])


NOT_OF_A_TREE = ("CMT", "BRN", "PRQ", "WRK", "APR", "CFG", "PTH004")
"""The rules that judge commits, branches, pull requests, work and the policy, which no snapshot has."""

_BUNDLE = b"# v"


class Snapshot(Record):
    """A sample in a scratch repository: the change that adds all of its files below the policy.

    Attributes:
        sample: the sample.
        oid: the commit that the snapshot is.
        tree: the tree that is judged: the snapshot's, with the documents of the authority.
        repository: the scratch repository, with nothing checked out.
    """

    sample: Sample
    oid: str
    tree: str
    repository: Repository

    def judge(self, cache: str, ignore: Sequence[str]) -> Outcome:
        """Check the snapshot, through the command's entry point in this process.

        Args:
            cache: a folder for what is kept between checks.
            ignore: rules that are left out beside those of `NOT_OF_A_TREE`.
        """
        return run_here(
            "check",
            f"--ignore={','.join([*NOT_OF_A_TREE, *ignore])}",
            "--output-format=json",
            directory=self.repository.path,
            env={"XDG_CACHE_HOME": cache},
        )

    def check_out(self) -> str:
        """Write the snapshot's own files to the scratch repository's working tree; the folder."""
        self.repository.git("checkout", "-q", "-f", "--detach", self.oid)
        return str(self.repository.path)

    def changed(self) -> list[str]:
        """The paths that differ from the snapshot in the working tree; ignored ones are left aside."""
        said = self.repository.process("status", "--porcelain=v1", "-z", "--no-renames").stdout
        return sorted(one[3:].decode("utf-8", "backslashreplace") for one in said.split(b"\0") if one)


@contextmanager
def open_snapshot(sample: Sample, own: OwnAuthority, folder: str) -> Iterator[Snapshot]:
    """Take a sample into a scratch repository; the sample is read, and nothing of it is run or written.

    Args:
        sample: the sample.
        own: the authority that is to judge it.
        folder: an empty or missing folder for the scratch repository.

    Raises:
        SpecguardError: there is no such repository, bundle or commit.
    """
    environment = {**os.environ}
    try:
        if os.path.isfile(sample.path):
            repository = Repository(folder, branch="sample")
            oid = _unbundle(repository, sample)
        else:
            located = _located(sample, environment)
            with Git(located) as git:
                oid = resolve(git, sample.revision or "HEAD").oid
            form = "sha256" if located.format == "sha256" else "sha1"
            repository = Repository(folder, branch="sample", object_format=form)
            info = repository.git_dir / "objects" / "info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "alternates").write_bytes(os.fsencode(os.path.abspath(located.objects)) + b"\n")
        yield Snapshot(sample, oid, _commit(repository, own, oid), repository)
    except GitError as error:
        raise SpecguardError(
            f"the sample {sample.name} cannot be read: {str(error).splitlines()[0]}",
            path=sample.path,
            code="unreadable-file",
        ) from error
    except SpecguardError as error:
        if error.path is None:
            error.path = sample.path
        raise


def _located(sample: Sample, environment: Mapping[str, str]) -> Located:
    try:
        return Located.locate(sample.path, environment)
    except SpecguardError as error:
        # Its own next step is one for the folder that somebody is in.
        raise SpecguardError(
            error.message,
            help="name a repository, a bare one or a bundle",
            path=sample.path,
            code=error.code,
        ) from error


def _unbundle(repository: Repository, sample: Sample) -> str:
    with open(sample.path, "rb") as stream:
        if not stream.read(16).startswith(_BUNDLE):
            raise SpecguardError(
                f"the sample {sample.name} is neither a repository nor a bundle",
                path=sample.path,
                help="git bundle create FILE --all writes one",
                code="unreadable-file",
            )
    path = os.path.abspath(sample.path)
    lines = [line.partition(" ") for line in repository.git("bundle", "unbundle", path).splitlines()]
    heads = {name: oid for oid, _, name in lines}
    wanted = sample.revision or "HEAD"
    for name in (wanted, f"refs/heads/{wanted}", f"refs/remotes/origin/{wanted}", f"refs/tags/{wanted}"):
        if name in heads:
            return repository.oid(f"{heads[name]}^{{commit}}")
    branches = [oid for name, oid in heads.items() if name.startswith("refs/heads/")]
    if not sample.revision and len(branches) == 1:
        return branches[0]
    if (
        sample.revision
        and repository.process("cat-file", "-e", f"{sample.revision}^{{commit}}").returncode == 0
    ):
        return repository.oid(f"{sample.revision}^{{commit}}")
    raise SpecguardError(
        f"the bundle has no {wanted}",
        path=sample.path,
        help=f"it has {', '.join(heads) or 'nothing'}",
        code="unknown-name",
    )


def _commit(repository: Repository, own: OwnAuthority, oid: str) -> str:
    """Make the base, with the authority alone, and the change that adds the snapshot; its tree."""
    repository.git("read-tree", "--empty")
    documents = []
    for path, text in own.documents.items():
        blob = repository.blob(text)
        documents.append(b"100644 %s\t%s\0" % (blob.encode(), path))
    trees = []
    for tree in ("", oid):
        repository.git("read-tree", *([f"{tree}^{{tree}}"] if tree else ["--empty"]))
        # `--replace`: a folder of the sample may stand where a document is.
        repository.git("update-index", "--add", "--replace", "-z", "--index-info", stdin=b"".join(documents))
        trees.append(repository.git("write-tree", "--missing-ok"))
    base = repository.git("commit-tree", trees[0], "-m", "chore: the authority")
    head = repository.git("commit-tree", trees[1], "-p", base, "-m", "chore: the sample")
    for ref in ("refs/heads/main", "refs/remotes/origin/main", *own.refs()):
        repository.git("update-ref", ref, base)
    repository.git("update-ref", "refs/heads/sample", head)
    repository.remote(own.policy.remote or "https://example.org/sample.git")
    return trees[1]
