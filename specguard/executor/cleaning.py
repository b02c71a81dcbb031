"""What ended runs leave behind: their places, the refs that kept their bases, branches that were merged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.declaration.record import Record
from specguard.errors import MissingFact, SpecguardError
from specguard.executor.children import end_survivors
from specguard.executor.gate_round import is_owed
from specguard.executor.git import RUN_REFS
from specguard.executor.place import forget_base
from specguard.executor.place_files import (
    OWN,
    is_place,
    places_folder,
    remove_place,
    remove_stray,
    strays,
)
from specguard.executor.stopping import take_down
from specguard.runs.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from specguard.change.repository import Repository
    from specguard.runs.model import Manifest
    from specguard.runs.store import RunStore
    from specguard.runs.views import RunView


class Leftover(Record):
    """Something that an ended run has left.

    Attributes:
        kind: what it is; `stray`: what lies beside the places of runs; `teardown`: what gates have set up.
        name: the path of the place or beside it, the ref's full name, the branch's, or the run's folder.
        run_id: of which run; empty for what lies beside the places.
        state: how that ended; empty where its folder is gone.
        oid: the commit that a branch is at.
    """

    kind: Literal["teardown", "place", "ref", "branch", "stray"]
    name: str
    run_id: str = ""
    state: str = ""
    oid: str = ""

    def __str__(self) -> str:
        if self.kind == "stray":
            return f"{self.name}, which lies beside the places of runs"
        whose = f"{self.run_id} ({self.state})" if self.state else f"{self.run_id}, whose folder is gone"
        if self.kind == "teardown":
            return f"what the gates of {whose} have set up, and nothing took down"
        lost = self.kind == "place" and self.state not in ("", "succeeded")
        return f"{self.kind} {self.name} of {whose}" + (", which cannot be resumed then" if lost else "")


def left_over(store: RunStore, repository: Repository, only: Collection[str] = ()) -> Sequence[Leftover]:
    """What can be removed.

    Runs that are under way or have died keep what they have, but for what the gates of one that has died have
    set up; it is given up with `run stop`.

    Args:
        store: the runs.
        repository: the user's.
        only: the folders of the runs that are meant; empty: all.
    """
    refs = _run_refs(repository)
    found: list[Leftover] = []
    known = set()
    for run in store.runs():
        known.add(run.run_id)
        manifest = run.manifest
        if (
            manifest is None
            or (only and run.path not in only)
            or (run.open and run.process_runs is not False)
        ):
            continue
        if is_owed(RunFolder(run.path)):
            found.append(Leftover(kind="teardown", name=run.path, run_id=run.run_id, state=run.state))
        if run.open:
            continue
        found += _of(run, manifest, refs)
        found += _branches(manifest, repository)
    if not only:
        for name in refs:
            run_id = name.removeprefix(RUN_REFS)
            # What no place borrows need not be kept, whoever's it was.
            if run_id not in known and not _has_place(run_id, repository):
                found.append(Leftover(kind="ref", name=name, run_id=run_id))
        found += _strays(store, repository)
    return found


def remove(one: Leftover, repository: Repository) -> Sequence[str]:
    """Remove something that a run has left: what is to be said of it, in sentences.

    Raises:
        SpecguardError: it cannot be removed, or is no longer what it was.
    """
    if one.kind == "teardown":
        ended = [f"ended {process}" for process in end_survivors(one.run_id)]
        return [*ended, *take_down(RunFolder(one.name), repository.work_tree())]
    if one.kind == "place":
        remove_place(one.name)
    elif one.kind == "stray":
        remove_stray(one.name)
    elif one.kind == "ref":
        forget_base(repository, one.run_id)
    else:
        flags = ("-c", "core.hooksPath=/dev/null")
        try:
            repository.in_place(
                *flags, "update-ref", "--no-deref", "-d", f"refs/heads/{one.name}", one.oid
            ).read()
        except CommandError as error:
            raise SpecguardError(
                f"the branch {one.name} cannot be removed: {error.first_line}",
                help=f"git branch -d {one.name}",
                code="git-failed",
            ) from error
    return ()


def _strays(store: RunStore, repository: Repository) -> Iterator[Leftover]:
    """What agents have left beside their places; while one works here, it is for `inspect` to see."""
    if any(run.open for run in store.runs()):
        return
    try:
        folder = places_folder(repository.environment, repository.work_tree())
    except SpecguardError:
        return
    for name in strays(folder):
        yield Leftover(kind="stray", name=os.path.join(folder, name))


def _of(run: RunView, manifest: Manifest, refs: Mapping[str, str]) -> Iterator[Leftover]:
    place = manifest.place
    if place and is_place(place, run.run_id) and (os.path.lexists(place) or os.path.lexists(place + OWN)):
        yield Leftover(kind="place", name=place, run_id=run.run_id, state=run.state)
    name = RUN_REFS + run.run_id
    if name in refs:
        yield Leftover(kind="ref", name=name, run_id=run.run_id, state=run.state)


def _branches(manifest: Manifest, repository: Repository) -> Iterator[Leftover]:
    """The run's branch in the user's repository, where it is at the run's commit and that was merged."""
    branch, commit = manifest.branch, manifest.commit
    if not branch or not commit:
        return
    name = f"refs/heads/{branch}"
    heads = {ref.name: ref.oid for ref in repository.branches()}
    if heads.get(name) != commit or name in _checked_out(repository):
        return
    base = manifest.repository.base
    for upstream in (f"refs/remotes/origin/{base}", f"refs/heads/{base}"):
        if upstream in heads and _contains(repository, heads[upstream], commit):
            yield Leftover(
                kind="branch", name=branch, run_id=manifest.run_id, state=manifest.state, oid=commit
            )
            return


def _contains(repository: Repository, tip: str, commit: str) -> bool:
    with Git(repository) as git:
        try:
            return commit in git.merge_bases(tip, commit)
        except (MissingFact, SpecguardError):
            return False


def _checked_out(repository: Repository) -> Collection[str]:
    """The branches that are checked out here or in another worktree."""
    said = repository.in_place("worktree", "list", "--porcelain", "-z").read()
    lines = said.decode("utf-8", "surrogateescape").split("\0")
    return {line.removeprefix("branch ") for line in lines if line.startswith("branch ")}


def _run_refs(repository: Repository) -> Mapping[str, str]:
    said = repository.in_place("for-each-ref", "--format=%(refname) %(objectname)", RUN_REFS).read()
    lines = (line.partition(" ") for line in said.decode("ascii", "replace").splitlines())
    return {name: oid for name, _, oid in lines}


def _has_place(run_id: str, repository: Repository) -> bool:
    try:
        folder = places_folder(repository.environment, repository.work_tree())
    except SpecguardError:
        return True
    return any(run_id in name for name in os.listdir(folder))
