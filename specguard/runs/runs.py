"""The manifests that runs leave behind, as evidence for what was done."""

from __future__ import annotations

import os

from specguard.documents.data import Data, data_of
from specguard.documents.fields import normal_name
from specguard.documents.kinds import data_kind
from specguard.documents.problem import Problem
from specguard.errors import MissingFact
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from specguard.change.documents import Documents
    from specguard.documents.data import Kind
    from specguard.runs.settings import RunSettings

LARGEST: Final = 8 << 20
"""How many bytes of a manifest in the working tree are read."""

_STATUS: Final = ("status", "state")


class Manifest:
    """What a run says of itself.

    Attributes:
        path: where it is.
        status: how the run ended, as it is written; empty where it says nothing.
        succeeded: whether that is one of the policy's `succeeded`.
        problem: why it could not be read, as a clause; empty where it could.
    """

    __slots__ = ("path", "problem", "status", "succeeded")

    def __init__(self, path: bytes, data: Data, succeeded: frozenset[str]) -> None:
        self.path = path
        self.problem = ""
        self.status = ""
        if data.problem is not None:
            self.problem = data.problem.message
        elif not isinstance(data.value, dict):
            self.problem = "it holds no keys"
        else:
            said = [data.value[key] for key in _STATUS if key in data.value]
            self.status = said[0] if said and isinstance(said[0], str) else ""
        self.succeeded = normal_name(self.status) in succeeded


class Runs:
    """The runs of a repository.

    Args:
        settings: where they are and which statuses are a success.
        documents: the documents of the judged tree.
        local: gives the root of the working tree that the judged tree was taken from, where the check is made
            beside it; with `keep = "local"` runs are read there. Not given, as in continuous integration.
    """

    def __init__(
        self, settings: RunSettings, *, documents: Documents, local: Callable[[], str] | None = None
    ) -> None:
        self.settings = settings
        self._documents = documents
        self._local = local
        self._succeeded = frozenset(map(normal_name, settings.succeeded))

    def of(self, documents: Documents) -> Runs:
        """The runs that another tree keeps, by the same settings."""
        return Runs(self.settings, documents=documents)

    def manifest(self, path: bytes) -> Manifest | None:
        """The manifest at a path; None where there is no regular file.

        Args:
            path: from the repository's root.

        Raises:
            MissingFact: it is one of a run that is not kept in the tree, and cannot be seen from here.
        """
        kind = data_kind(path)
        if kind is None:
            known = self._documents.tree.find(path)
            problem = Problem("it is no JSON, YAML or TOML")
            return Manifest(path, Data.unread(problem), self._succeeded) if known else None
        if self._documents.tree.find(path) is not None:
            data = self._documents.data(path)
        elif self.settings.keep == "tree" or not path.startswith(self.settings.folder):
            return None
        else:
            data = self._beside(path, kind)
        return None if data is None else Manifest(path, data, self._succeeded)

    def _beside(self, path: bytes, kind: Kind) -> Data:
        """A manifest from the working tree."""
        missing = MissingFact(
            f'{path_text(path)} is not in the judged tree, and runs are kept with keep = "local"',
            'where the run was made: specguard check --worktree; or commit runs, with [runs] keep = "tree"',
            code="not-told",
        )
        if self._local is None:
            raise missing
        root = os.path.realpath(os.fsencode(self._local()))
        place = os.path.join(root, path)
        # No link leads to what proves a run: it could lead to anything.
        if os.path.realpath(place) != place or not os.path.isfile(place):
            raise missing
        with open(place, "rb") as file:
            return data_of(file.read(LARGEST), kind)
