"""The runs that can be seen from where a check is made, each with what it recorded."""

from __future__ import annotations

import os

from specguard.documents.citations import plain_path
from specguard.errors import MissingFact
from specguard.model import path_text
from specguard.runs.files import RECORDS, LocalFiles, TreeFiles, place_of
from specguard.runs.record import RunRecord
from specguard.runs.settings import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from specguard.change.entries import Entry
    from specguard.change.tree import Documents
    from specguard.runs.files import Files
    from specguard.runs.settings import RunSettings


class RunRecords:
    """The runs of a repository.

    With `keep = "tree"` they are those of the judged tree, and what is not there does not exist. With `local`
    they are those beside the check, and of what is not there nobody can tell.

    Args:
        settings: where they are.
        documents: the documents of the judged tree.
        root: gives the folder of all runs beside the check; None where there is none.
        entries: what the change adds, modifies and deletes.
        now: gives the time.
        under_way: the commit that a run is about to make, which that run itself judges; empty: none is.

    Attributes:
        settings, under_way: the same.
        in_tree: whether they are part of the judged tree.
    """

    def __init__(
        self,
        settings: RunSettings,
        *,
        documents: Documents,
        root: Callable[[], str | None],
        entries: Callable[[], Sequence[Entry]],
        now: Callable[[], datetime],
        under_way: str = "",
    ) -> None:
        self.settings = settings
        self.under_way = under_way
        self.in_tree = settings.keep == "tree"
        self._documents = documents
        self._root = root
        self._entries = entries
        self._now = now
        self._files: Files | None = None
        self._place = settings.folder.rstrip(b"/").decode("utf-8", "surrogateescape")
        self._known: dict[bytes, RunRecord] = {}
        self._listed: Sequence[RunRecord] | None = None

    @property
    def all(self) -> Sequence[RunRecord]:
        """Every run that can be seen, by its folder.

        Raises:
            MissingFact: none can: they are not kept in the tree, and there is no folder of runs here.
        """
        if self._listed is None:
            files = self._seen
            if not self.in_tree and not files.is_there(b""):
                raise self.unseen("the runs")
            self._listed = [self._at(folder) for folder in sorted(files.folders())]
        return self._listed

    @property
    def touched(self) -> Sequence[RunRecord]:
        """The runs of the tree that the change adds to or modifies; none where they are not kept there."""
        if not self.in_tree:
            return ()
        prefix = self.settings.folder
        paths = [entry.path for entry in self._entries() if entry.path.startswith(prefix)]
        if not paths:
            return ()
        folders = {run.folder for run in self.all}
        found: set[bytes] = set()
        for path in paths:
            folder = path.removeprefix(prefix).rpartition(b"/")[0]
            while folder and folder not in folders:
                folder = folder.rpartition(b"/")[0]
            found.add(folder)
        return [self._at(folder) for folder in sorted(found) if folder]

    def altered(self, before: Documents) -> Sequence[tuple[RunRecord, Entry]]:
        """The files of ended runs of the tree that the change does not leave as they were before it.

        Args:
            before: the documents before the change.

        Returns:
            Each run as it was, with one of its files; none where runs are not kept in the tree.
        """
        if not self.in_tree:
            return ()
        prefix = self.settings.folder
        entries = [one for one in self._entries() if not one.added and one.path.startswith(prefix)]
        if not entries:
            return ()
        runs = {run.folder: run for run in self.of(before).all}
        found = []
        for entry in entries:
            folder = entry.path.removeprefix(prefix).rpartition(b"/")[0]
            while folder and folder not in runs:
                folder = folder.rpartition(b"/")[0]
            if not folder or runs[folder].problem or runs[folder].running:
                continue
            there = self._documents.tree.find(
                prefix + self.moved(folder) + entry.path[len(prefix + folder) :]
            )
            # A run that was moved, as it was, is where its link says.
            if not entry.deleted or there is None or there.oid != entry.old:
                found.append((runs[folder], entry))
        return found

    def of(self, documents: Documents) -> RunRecords:
        """The runs of another tree, by the same settings."""
        return RunRecords(
            self.settings, documents=documents, root=self._root, entries=self._entries, now=self._now
        )

    def named(self, name: str) -> RunRecord | None:
        """The run that a commit's trailer names.

        Args:
            name: `<kind>-<id>/<run-id>`.

        Returns:
            None where it does not exist, or where the name is none. One whose manifest is gone is there.

        Raises:
            MissingFact: it is not kept in the tree, and cannot be seen from here.
        """
        folder = place_of(name)
        if folder is None:
            return None
        files = self._seen
        folder = self.moved(folder)
        if files.is_there(folder):
            return self._at(folder)
        if self.in_tree:
            return None
        raise self.unseen(f"the run {path_text(folder)}")

    def at(self, path: bytes) -> RunRecord | None:
        """The run of a manifest, by its path from the repository's root; any file of data may be one.

        Returns:
            None where nothing is there. What is no regular file, or no data, has a `problem`.

        Raises:
            MissingFact: it is not kept in the tree, and cannot be seen from here.
        """
        folder, _, name = path.rpartition(b"/")
        beside = path.startswith(self.settings.folder)
        if beside and (self.in_tree or self.visible):
            inside = self.moved(folder.removeprefix(self.settings.folder))
            if self._seen.is_there(inside + b"/" + name):
                return (
                    self._at(inside)
                    if name in RECORDS
                    else RunRecord(self._seen, inside, self.settings, name)
                )
        if self._documents.tree.find(path) is not None:
            return RunRecord(TreeFiles(self._documents, b""), folder, self.settings, name)
        if self.in_tree or not beside:
            return None
        raise self.unseen(path_text(path))

    def is_there(self, path: bytes) -> bool:
        """Whether there is a file or folder at a path from the repository's root, as far as can be seen."""
        if self._documents.tree.find(path) is not None:
            return True
        inside = path.removeprefix(self.settings.folder)
        return inside != path and self.visible and self._seen.is_there(self.moved(inside))

    def moved(self, folder: bytes) -> bytes:
        """Where a run's folder is: where `run migrate` has moved one, a link leads there.

        Args:
            folder: from the folder of all runs.
        """
        parts = folder.split(b"/")
        for end in range(1, len(parts) + 1):
            target = self._seen.link(b"/".join(parts[:end]))
            if target is not None:
                there = plain_path(b"/".join([*parts[: end - 1], target, *parts[end:]]))
                return there if there and not target.startswith(b"/") else folder
        return folder

    @property
    def visible(self) -> bool:
        """Whether any run can be seen from here: they are kept in the tree, or their folder is here."""
        if self.in_tree:
            return True
        root = self._root()
        return root is not None and os.path.isdir(root)

    def path(self, run: RunRecord, name: str = "") -> bytes | None:
        """The path of a file of a run from the repository's root; None where runs are kept outside of it.

        Args:
            run: the run.
            name: the file in its folder; empty: its manifest.
        """
        if self.settings.root and not self.in_tree:
            return None
        inside = name.encode("utf-8", "surrogateescape") or run.file or RECORDS[0]
        return self.settings.folder + run.folder + b"/" + inside

    def shown(self, run: RunRecord) -> str:
        """A run as messages name it."""
        return path_text(run.folder)

    def silence(self, run: RunRecord) -> float | None:
        """How many seconds ago a run last said that it is alive; None where it never did."""
        beat = run.beat
        return None if beat is None else (self._now() - beat).total_seconds()

    @property
    def stale_after(self) -> int:
        """After how many seconds without a heartbeat a run has died."""
        return seconds(self.settings.stale_after)

    def unseen(self, what: str) -> MissingFact:
        """What is raised where runs are not kept in the tree and one that is needed is not here."""
        where = self.settings.root or self._place
        return MissingFact(
            f'{what} cannot be seen here: runs are kept with keep = "local", in {where}',
            'check where the run was made; or commit runs, with [runs] keep = "tree"',
            code="not-told",
        )

    @property
    def _seen(self) -> Files:
        if self._files is None:
            if self.in_tree:
                self._files = TreeFiles(self._documents, self.settings.folder)
            else:
                root = self._root()
                if root is None or not self.visible:
                    raise self.unseen("the runs")
                self._files = LocalFiles(root)
        return self._files

    def _at(self, folder: bytes) -> RunRecord:
        if folder not in self._known:
            self._known[folder] = RunRecord(self._seen, folder, self.settings)
        return self._known[folder]
