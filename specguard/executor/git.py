"""Git in the place of a run: on a store of specguard's own, never by the place's configuration.

The agent writes its place's `.git` as it likes. What specguard runs there has a git directory of its own
(see `specguard.change.store`), an environment made from nothing, no hooks, no transport and no filters; it
takes from the place the working files alone. New objects go to specguard's store beside the place, which
borrows the user's: the user's own store is not written to.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.change.git import Git
from specguard.change.process import CommandError, Process
from specguard.change.repository import NO_CONFIGURATION, QUIET, Repository, search_path
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

RUN_REFS: Final = "refs/specguard/runs/"
"""Where in the user's repository the bases of runs are kept from being pruned."""

_FLAGS: Final = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.attributesFile=/dev/null", "-c", "core.useReplaceRefs=false", "-c", "protocol.allow=never",
)  # fmt: skip


class PlaceRepository(Repository):
    """A place as specguard sees it; it is described from what specguard knows, and git is not asked.

    Args:
        path: the folder of its working files.
        own: specguard's own folder for it, a bare git directory.
        base: the pinned commit.
        environment: the caller's environment.
    """

    def __init__(self, path: str, own: str, base: str, environment: Mapping[str, str]) -> None:
        super().__init__(path, environment)
        self.git_dir = self.common = own
        self.objects = os.path.join(own, "objects")
        self.index = os.path.join(own, "index")
        self.format = "sha256" if len(base) == 64 else "sha1"
        self.shallow = self.bare = False
        self.head = base

    def work_tree(self) -> str:
        """The folder of the working files."""
        return self.directory

    def in_place(self, *arguments: str, user: bool = False) -> Process:  # noqa: ARG002 - nobody's is read
        """Start git on specguard's own git directory; there are no refs in it and no configuration."""
        environment = {
            "PATH": search_path(self.program),
            **QUIET,
            **NO_CONFIGURATION,
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.directory,
        }
        return Process(self.program, [*_FLAGS, *arguments], environment, label=["git", *arguments])


class PlaceGit(Git):
    """Git on a place: its working files, specguard's own store for it, and the user's objects.

    Args:
        path: the folder of the working files.
        own: specguard's own folder for it.
        base: the pinned commit.
        environment: the caller's environment.
    """

    def __init__(self, path: str, own: str, *, base: str, environment: Mapping[str, str]) -> None:
        super().__init__(PlaceRepository(path, own, base, environment))

    def use_scratch(self) -> str:
        """The store that is written to: it belongs to the place already."""
        return self.repository.objects

    def run(self, *arguments: str, stdin: bytes = b"", index: str = "", files: bool = False) -> bytes:
        """Run a git command that runs no other program, and give what it prints.

        Args:
            arguments: the command and its arguments, all of them specguard's own words or object ids.
            stdin: its standard input.
            index: the index file that it uses; none by default.
            files: whether it may see the working files.

        Raises:
            SpecguardError: it failed or complained.
        """
        where = self.repository.directory if files else ""
        process = self.start(*arguments, stdin=stdin, index=index, work_tree=where)
        try:
            return process.read()
        except CommandError as error:
            raise SpecguardError(
                f"git {arguments[0]} in the run's place failed: {error.first_line}",
                help="git fsck in your repository tells whether objects are missing",
                code="git-failed",
            ) from error

    def agents_parents(self, oid: str) -> list[str] | None:
        """The parents of a commit in the place's own `.git`, as its maker has them; None without such a one.

        It is for telling what happened, and proves nothing.
        """
        environment = {
            **self._environment,
            "GIT_OBJECT_DIRECTORY": os.path.join(self.repository.directory, ".git", "objects"),
        }
        words = ["cat-file", "commit", oid]
        try:
            said = Process(self.repository.program, [*_FLAGS, *words], environment).read(limit=1 << 20)
        except CommandError:
            return None
        head = said.partition(b"\n\n")[0].decode("utf-8", "replace")
        return [line[7:] for line in head.split("\n") if line.startswith("parent ")]
