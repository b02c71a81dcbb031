"""Writing the approvals of a case where they belong."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from specguard.testing.case import PLACES, CaseError
from specguard.testing.repository import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from specguard.approvals.record import Bond
    from specguard.model import Judged
    from specguard.testing.case import Grant
    from specguard.testing.repository import Repository


def file_grants(
    repository: Repository,
    grants: Sequence[Grant],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    committed: bool,
) -> None:
    """Write the records of a case where they belong, and note their ids in the repository's names.

    Args:
        repository: the case's.
        grants: what is written.
        arguments: those of `specguard check`, which say what the change is.
        environment: its variables.
        committed: whether the change is one of commits, and not what is staged or in the working tree.

    Raises:
        CaseError: there is no `ssh-keygen` for a signature, the command line is wrong, or the log of
            approvals is in no folder of the working tree.
    """
    files: dict[str, dict[str, bytes]] = {place: {} for place in PLACES}
    names: dict[str, str] = {}
    unnamed = (f"approval{number if number > 1 else ''}" for number in count(1))
    with judged(repository, arguments, environment) as (bond, found):
        for grant in grants:
            record = grant.record(bond, found, names)
            names[grant.id or next(unnamed)] = record.id
            content, path = record.content, f"{os.fsdecode(bond.folder)}{record.id}.json"
            if grant.sign:
                files[grant.place][f"{path}.sig"] = sign(content, grant.sign)
            for old, new in grant.edits.items():
                content = content.replace(to_bytes(old), to_bytes(new))
            files[grant.place][path] = content
    if files["base"]:
        repository.names["base"] = _add(repository, "refs/heads/main", files["base"])
        if repository.process("rev-parse", "--verify", "-q", "refs/remotes/origin/main").returncode == 0:
            repository.git("update-ref", "refs/remotes/origin/main", repository.names["base"])
    for path, content in {**files["head"], **files["local"]}.items():
        try:
            repository.see_inside(path)
        except OSError as error:
            raise CaseError(str(error)) from None
        repository.write(path, content)
    if files["head"] and committed:
        repository.stage(*files["head"])
        repository.names["head"] = repository.commit("chore: approve", stage=False)
    elif files["head"]:
        repository.stage(*files["head"])
    repository.names.update(names)


@contextmanager
def judged(
    repository: Repository, arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[Bond, Sequence[Judged]]]:
    """What approvals of a change are bound to, and what all rules find in it.

    Args:
        repository: where it is.
        arguments: those of `specguard check`, which say what it is.
        environment: its variables.

    Raises:
        SpecguardError: it cannot be judged.
    """
    import click

    from specguard.approvals.record import Bond
    from specguard.change.git import Git
    from specguard.change.repository import Repository as Located
    from specguard.change.request import Request
    from specguard.change.sources import open_changes
    from specguard.cli.check import command
    from specguard.engine.check import Selection
    from specguard.engine.facts import Facts
    from specguard.engine.policies import Policies
    from specguard.engine.rule_runner import Judging

    try:
        words = command.make_context("check", list(arguments)).params
    except click.ClickException as error:
        raise CaseError(f"the arguments of the check are wrong: {error.format_message()}") from None
    options = {name: words[name] for name in Request._fields if name in words}
    options.update(directory=str(repository.path), override=(), enforce=False)
    request = Request(environment=dict(environment), **options)
    located = Located.locate(request.directory, request.environment)
    with Git(located) as git:
        (change,) = open_changes(git, request)
        change, policy, _ = Policies(request, located).of(change)
        facts = Facts(change, policy)
        results = Judging(policy, facts, Selection(policy.rules)).run()
        yield Bond.of(facts), [one for result in results for one in result.findings]


def _add(repository: Repository, ref: str, files: Mapping[str, bytes]) -> str:
    """Add files on top of a ref, past the working tree and its index; the new commit's id."""
    with tempfile.TemporaryDirectory(prefix="specguard-") as folder:
        index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        repository.git("read-tree", ref, environment=index)
        for path, content in files.items():
            oid = repository.blob(content)
            repository.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}", environment=index)
        tree = repository.git("write-tree", environment=index)
    commit = repository.git("commit-tree", tree, "-p", ref, "-m", "chore: approve")
    repository.git("update-ref", ref, commit)
    return commit


KEYS = ("key", "other")
"""Their names: `{key}` in a case's policy is the public half of one."""

_NAMESPACE = "specguard-approval@v1"


@cache
def private_key(name: str) -> Path:
    """The file of one of this session's keys.

    Raises:
        CaseError: there is no key of this name, or no `ssh-keygen` to make it.
    """
    if name not in KEYS:
        raise CaseError(f"there is no key {name!r}: keys are {', '.join(KEYS)}")
    file = _folder() / name
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
    return file


def public_key(name: str) -> str:
    """The public half of one of this session's keys, as a policy has it.

    Raises:
        CaseError: as `private_key`.
    """
    words = private_key(name).with_suffix(".pub").read_text(encoding="ascii").split()
    return " ".join(words[:2])


def sign(content: bytes, name: str) -> bytes:
    """The signature of a record by one of this session's keys, made without specguard.

    Raises:
        CaseError: as `private_key`.
    """
    return _keygen("-Y", "sign", "-f", str(private_key(name)), "-n", _NAMESPACE, stdin=content)


def _keygen(*words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise CaseError("there is no ssh-keygen to sign with") from None
    if done.returncode:
        raise CaseError(f"ssh-keygen: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def filled(policy: str) -> Iterator[tuple[str, str]]:
    """The placeholders of keys in a policy, with what they stand for."""
    for name in KEYS:
        if f"{{{name}}}" in policy:
            yield name, public_key(name)


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="specguard-keys-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
