"""A sample's snapshot in a scratch repository, where the policy judges it as one change."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.revision import resolve
from specguard.errors import SpecguardError
from specguard.testing.repository import GitError, Repository
from specguard.testing.running import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.evaluation.own import OwnAuthority
    from specguard.evaluation.samples import Sample
    from specguard.testing.running import Outcome

NOT_OF_A_TREE = ("CMT", "BRN", "PRQ", "WRK", "APR", "CFG", "PTH004")
"""The rules that judge commits, branches, pull requests, work and the policy, which no snapshot has."""

_BUNDLE = b"# v"


class Snapshot:
    """A sample in a scratch repository: the change that adds all of its files below the policy.

    Attributes:
        sample: the sample.
        oid: the commit that the snapshot is.
        tree: the tree that is judged: the snapshot's, with the documents of the authority.
        repository: the scratch repository, with nothing checked out.
    """

    def __init__(self, sample: Sample, oid: str, tree: str, repository: Repository) -> None:
        self.sample = sample
        self.oid = oid
        self.tree = tree
        self.repository = repository

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
