"""What of a change is bookkeeping: approvals and runs, which are filed beside the work and are no work."""

from __future__ import annotations

from specguard.change.commit import is_filed
from specguard.errors import NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from specguard.change.change import Change
    from specguard.change.commit import Commit
    from specguard.change.entry import Entry

_PLAIN_FILE = 0o100644


class Bookkeeping:
    """Tells the commits and files of a change that keep its books from those that are its work.

    Books are the log of approvals, and, where the policy has runs committed (`[runs] keep = "tree"`), the
    folder of runs: what is added there beside the work. What the base has there already is evidence of
    others, and whoever alters it is judged as for any other file.

    Args:
        change: the change.
        log: what the paths of the log of approvals begin with, a slash at its end.
        runs: gives the same of the folder of runs; empty where runs are not committed.
        squash: whether a branch lands as one commit, in which work and books are not told apart.
    """

    def __init__(self, change: Change, *, log: bytes, runs: Callable[[], bytes], squash: bool) -> None:
        self._change = change
        self._log = log
        self._runs = runs
        self._squash = squash
        self._new: Set[bytes] | None = None
        self._worked: Set[bytes] | None = None

    def is_all_of(self, commit: Commit) -> bool:
        """Whether a commit does nothing but file approvals and runs.

        Args:
            commit: one of the change's.

        Raises:
            MissingFact: its files are not there.
        """
        if commit.files_approvals(self._log):
            return True
        if len(commit.parents) != 1 or not commit.diffs or not commit.diffs[0]:
            return False
        runs = self._runs()
        # All but approvals of a commit that files both are what the change adds in the end.
        return bool(runs) and all(
            entry.path in self._filed(runs) for entry in commit.diffs[0] if not is_filed(entry, self._log)
        )

    def has(self, entry: Entry) -> bool:
        """Whether an entry is a run's file that the change adds, and no commit that works adds it.

        Where there are no commits yet, any that is added counts; but none that an agent edits, or has made in
        the place of a run: a run files its own evidence, and not what the agent says of it.

        Args:
            entry: one of the change's.

        Raises:
            MissingFact: the files of a commit are not there.
        """
        runs = self._runs()
        if not runs or self._change.stage in ("edit", "run") or entry.path not in self._filed(runs):
            return False
        return self._squash or entry.path not in self._work()

    def _filed(self, runs: bytes) -> Set[bytes]:
        """The run's files that the change adds, as plain files."""
        if self._new is None:
            self._new = {
                entry.path
                for entry in self._change.entries
                if entry.added and entry.new_mode == _PLAIN_FILE and entry.path.startswith(runs)
            }
        return self._new

    def _work(self) -> Set[bytes]:
        """The paths that commits touch which are not bookkeeping."""
        if self._worked is None:
            try:
                commits = [commit for commit in self._change.commits if not self.is_all_of(commit)]
            except NotApplicable:
                commits = []
            self._worked = {entry.path for commit in commits for entry in commit.own_entries}
        return self._worked
