"""The runs that a folder keeps, whatever layout each has.

Folders of runs are `<kind>-<id>/<run-id>/`; older ones are `<task>/<run-id>/`, `local-mcp/<run-id>/` and
`<id>/mcp/<run-id>/`. Links are not followed: where a run was moved, one leads from its old place to it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError, nearest
from specguard.runs.settings import RunSettings
from specguard.runs.views import RunView, is_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEEPEST: Final = 3
_FIRST: Final = "control/asked.json"
"""What a run writes first, and once."""


class RunStore:
    """The runs of a folder.

    Args:
        root: the folder of all runs, absolute; it need not be there.
        settings: what the policy says of runs; its defaults where it is not given.
        given: whether the folder is not the policy's own, so that commands have to name it.
    """

    def __init__(self, root: str, settings: RunSettings | None = None, *, given: bool = False) -> None:
        self.root = root
        self._given = root if given else ""
        self._settings = settings or RunSettings()

    def folders(self) -> Iterator[str]:
        """The folder of each run, absolute, in no order."""
        yield from _runs_below(self.root, _DEEPEST)

    def runs(self) -> Sequence[RunView]:
        """Every run, the newest last; those with a broken record are among them."""
        return sorted(map(self.view, self.folders()), key=_order)

    def view(self, folder: str) -> RunView:
        """The run of a folder."""
        return RunView(folder, settings=self._settings, root=self._given)

    def find(self, prefix: str) -> RunView:
        """The run whose id begins like this.

        Args:
            prefix: the beginning of its id; `<kind>-<id>/` before it is allowed; or the path of its folder,
                from `root`, also one from before it was moved.

        Raises:
            SpecguardError: there is none, or several.
        """
        place = os.path.join(self.root, prefix)
        if prefix and os.path.isdir(place) and is_run(place):
            return self.view(os.path.realpath(place))
        above, _, begin = prefix.rpartition("/")
        found = [
            folder
            for folder in self.folders()
            if os.path.basename(folder).startswith(begin)
            and (not above or os.path.dirname(folder) == os.path.join(self.root, above))
        ]
        whole = [folder for folder in found if os.path.basename(folder) == begin]
        found = whole or found
        if len(found) == 1:
            return self.view(found[0])
        if not found:
            known = [os.path.basename(folder) for folder in self.folders()]
            raise SpecguardError(
                f"there is no run {prefix!r}",
                path=self.root,
                help=nearest(prefix, known, "specguard run list"),
                code="unknown-name",
            )
        names = ", ".join(sorted(os.path.relpath(folder, self.root) for folder in found)[:5])
        raise SpecguardError(
            f"several runs begin with {prefix!r}: {names}", help="give more of it", code="unknown-name"
        )

    def asked(self, prefix: str) -> Sequence[RunView]:
        """The run whose id begins like this; without one those under way, else the one that began last.

        Raises:
            SpecguardError: there is none, or several begin like this.
        """
        if prefix:
            return [self.find(prefix)]
        return [run for run in self.runs() if run.open] or [self.latest()]

    def latest(self) -> RunView:
        """The run that began last.

        Raises:
            SpecguardError: there is none.
        """
        runs = self.runs()
        if not runs:
            raise SpecguardError(
                "there are no runs", path=self.root, help="specguard run KIND -- COMMAND", code="unknown-name"
            )
        return max(runs, key=lambda run: (run.started.timestamp() if run.started else 0.0, *_order(run)))


def _order(run: RunView) -> tuple[str, int, str]:
    """What tells which of two runs began later: the second in the id, then which was written first."""
    try:
        written = os.stat(os.path.join(run.path, _FIRST)).st_mtime_ns
    except OSError:
        written = 0
    # The last five characters of a run's own id tell it from others of the same second.
    second = run.run_id[:-5] if run.run_id[-5:-4] == "-" else run.run_id
    return second, written, run.path


def _runs_below(folder: str, deep: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            inside = [one.path for one in entries if one.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for path in inside:
        if is_run(path):
            yield path
        elif deep > 1 and not os.path.basename(path).startswith("."):
            yield from _runs_below(path, deep - 1)
