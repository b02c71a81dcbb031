"""What is being pushed: git's input for a pre-push hook, or what pre-commit makes of it."""

from __future__ import annotations

import sys

from specguard.change.facts import Push
from specguard.change.repository import is_oid
from specguard.change.revision import resolve
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.change.git import Git

INPUT_LIMIT: Final = 16 << 20
"""How much of standard input is read, in bytes; a line is some 200."""


def find_pushes(git: Git, environment: Mapping[str, str], remote: str = "") -> list[Push]:
    """The refs that are being pushed; none where git has nothing to push.

    Args:
        git: where revisions are looked up.
        environment: the caller's, where pre-commit leaves what it knows (of the first ref alone).
        remote: the remote's name, where the caller knows it.

    Raises:
        SpecguardError: there is no such input, or it is malformed.
    """
    data = read_input()
    if data:
        # What git itself says goes before variables, which anyone may have left behind.
        return read_pushes(data, git.repository.hexadecimal, remote or "origin")
    if environment.get("PRE_COMMIT_TO_REF") or (
        environment.get("PRE_COMMIT") and environment.get("PRE_COMMIT_REMOTE_NAME")
    ):
        return [_of_pre_commit(git, environment)]
    if environment.get("PRE_COMMIT"):
        raise SpecguardError(
            "pre-commit does not say what is pushed",
            help="Name it: `pre-commit run --hook-stage pre-push --from-ref REF --to-ref REF`.",
            code="not-told",
        )
    if data is None:
        raise SpecguardError(
            "--push reads what git tells a pre-push hook, and nothing was given",
            help="Run it from a pre-push hook, or judge the branch with `specguard check`.",
            code="not-told",
        )
    return []


def read_input() -> bytes | None:
    """Standard input; None where nothing can come from there. Pre-commit gives its hooks an empty one.

    Raises:
        SpecguardError: there is more than `INPUT_LIMIT`.
    """
    if sys.stdin is None or sys.stdin.isatty():
        return None
    data = sys.stdin.buffer.read(INPUT_LIMIT + 1)
    if len(data) > INPUT_LIMIT:
        raise SpecguardError(
            f"a push may have {INPUT_LIMIT >> 20} MiB of refs, and this one has more", code="size-limit"
        )
    return data


def read_pushes(data: bytes, digits: int, remote: str) -> list[Push]:
    """Read git's input for a pre-push hook: `<local ref> <object id> <remote ref> <object id>` a line.

    Args:
        data: the input.
        digits: the length of a full object id.
        remote: the remote's name.

    Raises:
        SpecguardError: a line has another form.
    """
    pushes = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        if not line:
            continue
        words = line.split(" ")
        if len(words) != 4 or not is_oid(words[1], digits) or not is_oid(words[3], digits):
            raise SpecguardError(
                f"line {number} of standard input is not what git tells a pre-push hook",
                help="It has a ref, an object id, a ref and an object id, each after a space.",
                code="unreadable-event",
            )
        pushes.append(
            Push(
                remote=remote,
                local_ref=words[0],
                remote_ref=words[2],
                new=present(words[1]),
                old=present(words[3]),
            )
        )
    return pushes


def present(oid: str) -> str | None:
    """An object id that git gave; None for the zeros that stand for no object."""
    return oid if oid.strip("0") else None


def _of_pre_commit(git: Git, environment: Mapping[str, str]) -> Push:
    remote = environment.get("PRE_COMMIT_REMOTE_NAME") or "origin"
    local = environment.get("PRE_COMMIT_LOCAL_BRANCH", "")
    # A branch without any commit of the remote comes with no TO_REF: then the local branch is what is pushed.
    new = resolve(git, environment.get("PRE_COMMIT_TO_REF") or local or "HEAD").oid
    remote_ref = environment.get("PRE_COMMIT_REMOTE_BRANCH") or local or git.repository.branch or ""
    if remote_ref and not remote_ref.startswith("refs/"):
        remote_ref = f"refs/heads/{remote_ref}"
    old = None
    if remote_ref.startswith("refs/heads/"):
        tracking = f"refs/remotes/{remote}/{remote_ref.removeprefix('refs/heads/')}"
        old = git.repository.refs_named([tracking]).get(tracking)
    return Push(remote=remote, local_ref=local, remote_ref=remote_ref, new=new, old=old)
