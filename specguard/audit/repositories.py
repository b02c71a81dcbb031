"""The repositories that an audit is told of: folders, patterns, lists of them, and addresses to mirror."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from specguard.change.base import local_base, usual_base
from specguard.change.git import Git
from specguard.change.remotes import shown_address
from specguard.change.repository import Repository, short_branch
from specguard.change.request import Request, resolve
from specguard.change.sources import open_changes
from specguard.change.tree import Tree
from specguard.declaration.rule import Record
from specguard.engine.check import judge_change
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.remote import PROTOCOLS, RemoteGit, user_environment
from specguard.model import path_text
from specguard.reporters.json import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from specguard.audit.judging import PastPolicies
    from specguard.declaration.patterns import Selecting

_ADDRESS: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://.+", re.DOTALL)
_SCP: Final = re.compile(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[^/].*)")
_CLONE_SECONDS: Final = 3600.0
"""So long a remote may take for the whole of a history."""


class NamedRepository(Record):
    """One repository as it was named.

    Attributes:
        name: what it is called in answers: its folder, or its address without what is secret in it.
        folder: where it is; empty for an address.
        address: the address; empty for a folder.
    """

    name: str
    folder: str = ""
    address: str = ""


def named_repositories(words: Sequence[str], lists: Sequence[str]) -> list[NamedRepository]:
    """The repositories that are meant, each once, in the order in which they are named.

    Args:
        words: folders, patterns of folders, and addresses.
        lists: files with one of these a line; `-` is standard input. Empty lines and those that begin with
            `#` are passed over.

    Raises:
        SpecguardError: a list cannot be read, or a word is none of these.
    """
    found = [one for word in words for one in _named(word)]
    for file in lists:
        for number, line in enumerate(_lines(file), start=1):
            word = os.path.expanduser(line.strip())
            if word and not word.startswith("#"):
                try:
                    found += _named(word)
                except SpecguardError as error:
                    where = None if file == "-" else file
                    raise SpecguardError(
                        error.message, path=where, line=number, help=error.help, code=error.code
                    ) from None
    return list({one.name: one for one in found}.values())


def _lines(file: str) -> Sequence[str]:
    try:
        if file == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as stream:
                data = stream.read()
    except OSError as error:
        raise SpecguardError(
            f"the list of repositories cannot be read: {error.strerror}",
            path=file,
            help="Check its name.",
            code="unreadable-file",
        ) from error
    return data.decode("utf-8", "surrogateescape").splitlines()


def _named(word: str) -> Iterator[NamedRepository]:
    if word.startswith("-"):
        raise SpecguardError(f"{word!r} is no repository", help="Write a folder as `./-name`.", code="usage")
    if "\0" in word:
        raise SpecguardError("a name has a NUL", help="Write one name a line.", code="usage")
    short = _SCP.fullmatch(word)
    if short is not None and not os.path.isdir(word):
        raise SpecguardError(
            f"{shown_address(word)} is not read in this form",
            help=f"Write ssh://{short['host']}/{short['path']}.",
            code="remote-unsuitable",
        )
    address = _ADDRESS.fullmatch(word)
    if address is not None:
        if address["scheme"] not in PROTOCOLS:
            raise SpecguardError(
                f"{shown_address(word)} is no address that is fetched from",
                help=f"Write it with one of {', '.join(PROTOCOLS)}.",
                code="remote-unsuitable",
            )
        yield NamedRepository(shown_address(word), address=word)
    elif any(char in word for char in "*?[") and not os.path.isdir(word):
        folders = [one for one in sorted(glob.glob(word)) if _is_repository(one)]
        if not folders:
            raise SpecguardError(
                f"no repository has a name like {word!r}", help="Check the pattern.", code="no-repository"
            )
        for folder in folders:
            yield NamedRepository(os.path.realpath(folder), folder=folder)
    else:
        yield NamedRepository(os.path.realpath(word), folder=word)


def _is_repository(folder: str) -> bool:
    inside = os.path.join(folder, ".git")
    return os.path.lexists(inside) or os.path.isfile(os.path.join(folder, "HEAD"))


class AuditedBranch(Record):
    """The branch of a repository whose history is audited.

    Attributes:
        name: its short name; `HEAD` where it has none.
        tip: its newest commit, as a full object id.
    """

    name: str
    tip: str


def find_branch(git: Git, wanted: str) -> AuditedBranch:
    """The branch that is audited: the one that is wanted, else the base that a check would take.

    Raises:
        SpecguardError: there is none, or it has no commit.
    """
    repository = git.repository
    if wanted:
        revision = resolve(git, wanted)
        return AuditedBranch(short_branch(revision.ref) or wanted, revision.oid)
    found = usual_base(git) or local_base(git)
    if found is not None and found.oid:
        return AuditedBranch(short_branch(found.ref) or found.name, found.oid)
    if repository.head is None:
        raise SpecguardError(
            "the repository has no commit", help="There is nothing to audit yet.", code="no-commit"
        )
    return AuditedBranch("HEAD", repository.head)


def mirrored(address: str, mirrors: str, wanted: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """The folder of an address's mirror, with the newest state of one branch fetched, and that branch.

    Args:
        address: of https, ssh or file.
        mirrors: the folder that has the mirrors.
        wanted: the branch; empty: the one that the remote names.
        environment: of the caller, whose way of signing in is used.

    Raises:
        SpecguardError: it cannot be fetched, or the folder not be written.
    """
    kind = re.sub(r"[^A-Za-z0-9]+", "-", shown_address(address)).strip("-")[-60:]
    digest = hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    folder = os.path.join(mirrors, f"{kind}-{digest}.git")
    try:
        os.makedirs(mirrors, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            return folder, _fetched(folder, address, wanted, environment)
    except OSError as error:
        raise SpecguardError(
            f"mirrors cannot be kept: {error.strerror}",
            path=mirrors,
            help="Name another folder with --mirrors.",
            code="unwritable-file",
        ) from error
    except MissingFact as missing:
        raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from None


def _fetched(folder: str, address: str, wanted: str, environment: Mapping[str, str]) -> str:
    """Fetch the branch that is wanted, or the one that the remote names, and be its mirror alone."""
    kept = user_environment(environment)

    def run(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], env=kept, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise SpecguardError(f"git cannot keep the mirror: {said}", path=folder, code="git-failed")
        return done.stdout.decode("utf-8", "surrogateescape")

    if os.path.islink(folder):
        raise SpecguardError("a mirror is a link", path=folder, help="Delete it.", code="outside-repository")
    if not os.path.isfile(f"{folder}/HEAD"):
        run("init", "--quiet", "--bare", folder)
    repository = Repository.locate(folder, environment)
    with RemoteGit(repository, timeout=_CLONE_SECONDS, local=False) as remote:
        heads = remote.heads(address)
        name = wanted or heads.default
        if name not in heads.branches:
            raise SpecguardError(
                f"{shown_address(address)} has no branch {name!r}"
                if name
                else "the repository has no commit",
                help="Name one with --branch." if name else "There is nothing to audit yet.",
                code="unknown-revision" if name else "no-commit",
            )
        known = [oid for oid in [repository.head] if oid]
        tip = remote.fetch(address, name, known)
    ref = f"refs/heads/{name}"
    for other in run(f"--git-dir={folder}", "for-each-ref", "--format=%(refname)").split("\n"):
        if other not in ("", ref):
            run(f"--git-dir={folder}", "update-ref", "-d", other)
    run(f"--git-dir={folder}", "update-ref", ref, tip)
    run(f"--git-dir={folder}", "symbolic-ref", "HEAD", ref)
    return name


def state_of(git: Git, branch: AuditedBranch, policies: PastPolicies) -> dict[str, Any]:
    """What a repository's branch says of its guard at its newest commit.

    Args:
        git: where it is read.
        branch: the branch.
        policies: read its authority.

    Returns:
        `authority`, the documents; `preset`; `runs_in`, the hooks' and CI's files that name specguard;
        `locked`, how many patterns guard paths; `unenforced`, how many sentences no rule holds; `stale`, how
        many findings there are of specs; and `problem`, why the authority cannot be read.
    """
    tree = Tree(git, git.commit(branch.tip).tree)
    try:
        policy = policies.load(tree)
    except SpecguardError as error:
        return {"problem": plain(error.message)}
    if policy is None:
        return {}
    guarded = policy.rule("policy-change")
    files: Selecting | None = getattr(guarded.load(), "files", None) if guarded is not None else None
    named = [path for path in tree.paths() if files and files.find(path) is not None]
    asked = Request(
        environment=git.repository.environment,
        directory=git.repository.directory,
        range=f"{branch.tip}..{branch.tip}",
        all=True,
        select=["SPC"],
    )
    stale = None
    if policy.declares("spec_settings"):
        [change] = open_changes(git, asked)
        stale = len(judge_change(change, policies, needs=()).findings)
    return {
        "authority": [path for path, _ in policy.documents],
        "preset": policy.value("extends"),
        "runs_in": [path_text(path) for path in named if b"specguard" in (tree.read(path) or b"")],
        "locked": sum(1 for _ in policy.guards.all),
        "unenforced": sum(not one.rules for one in policy.statements),
        "stale": stale,
    }
