"""One run: what it works on, with what, and the record that it keeps."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

from specguard.errors import MissingFact, SpecguardError
from specguard.executor.ending import RunEnded, ended_by
from specguard.reporters.escape import visible
from specguard.runs.folder import MANIFEST, now_text
from specguard.runs.folder import StaleWorker as StaleWorker
from specguard.runs.meta import LAYOUT, META, meta_text
from specguard.runs.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.executor.claiming import Claim
    from specguard.executor.options import RunOptions
    from specguard.executor.place import Place
    from specguard.executor.redaction import Redactor
    from specguard.runs.folder import RunFolder
    from specguard.runs.model import Manifest
    from specguard.work.item import WorkItem

STEPS: Final = (
    "preflight", "place", "brief", "agent", "inspect", "gates", "check", "commit", "push", "pull-request",
    "report",
)  # fmt: skip
"""The steps in their order; those of a round may be gone through several times."""

ROUND: Final = ("agent", "inspect", "gates", "check")
"""The steps of a round: the agent works, and it is seen what came of it."""


class Run:
    """A run under way.

    Args:
        options: what was asked for.
        folder: where it is recorded.
        manifest: its record.

    Attributes:
        git: reads the user's repository.
        policy: of the pinned base.
        item: the work item, resolved there; None for a run of gates alone.
        place: the run's own repository, once it is made.
        message: the commit's message, where a hook altered it; empty: the item's.
        deadline: when its time is over, by the monotonic clock; what its commands took before it was resumed
            counts.
        told: what goes back to the agent: failing gates and findings that it has not been told of yet.
        claim: keeps other runs from the item while this one is under way.
        heads: the remote's branches as they were before the agent began; None: nobody has looked.
    """

    def __init__(
        self,
        options: RunOptions,
        folder: RunFolder,
        manifest: Manifest,
        *,
        git: Git,
        policy: Policy,
        item: WorkItem | None,
    ) -> None:
        self.options = options
        self.folder = folder
        self.manifest = manifest
        self.git = git
        self.policy = policy
        self.item = item
        self.place: Place | None = None
        self.message = ""
        self.told: list[str] = []
        self.claim: Claim | None = None
        self.heads: Mapping[str, str] | None = None
        self._altered = False
        spent = sum(command.duration or 0 for command in manifest.commands)
        self.deadline = time.monotonic() + manifest.timeout - spent

    @cached_property
    def redactor(self) -> Redactor:
        """Takes secrets out of whatever is kept of the run."""
        from specguard.executor.redaction import Redactor

        return Redactor(self.options.environment)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Record a step before it starts and after it ends, whichever way it ends."""
        step = Step(name=name, attempt=max(1, self.manifest.attempts), state="running", started_at=now_text())
        self.manifest.steps.append(step)
        self.save()
        self.log(f"{name}, round {step.attempt}" if name in ROUND else name)
        self.folder.beat(name)
        try:
            yield step
        except BaseException as error:
            if isinstance(error, (RunEnded, SpecguardError, MissingFact)):
                step.detail = step.detail or self.redactor.words(ended_by(error).reason)
            step.state = "failed"
            raise
        else:
            step.state = "done"
        finally:
            step.ended_at = now_text()
            self.save()
            self.log(f"{name}: {step.state}{': ' if step.detail else ''}{step.detail}")

    def log(self, text: str) -> None:
        """Add a line to `run.log`, without secrets.

        Raises:
            SpecguardError: it cannot be written.
        """
        self.folder.log(visible(self.redactor.words(text)))

    def note(self, text: str, *, instead_of: str = "") -> None:
        """Add to the notes, without secrets, what a reader of the run should know.

        Args:
            text: the note.
            instead_of: how the earlier note begins that this one replaces; empty: none.
        """
        notes, text = self.manifest.notes, self.redactor.words(text)
        if instead_of:
            notes[:] = [one for one in notes if not one.startswith(instead_of)]
        if text not in notes:
            notes.append(text)
            self.save()

    def take(self) -> None:
        """Make this process the one that works on the run, and whatever worked on it before a stale one."""
        self.folder.take(os.urandom(16).hex())
        self.manifest.token = self.folder.held_by
        self.manifest.pid = os.getpid()
        self.save()

    def close(self) -> None:
        """Let go of the item and of the repository."""
        if self.claim is not None:
            self.claim.release()
        self.git.close()

    def seal(self) -> None:
        """Record the digests of the run's files, so that a later change of one is seen."""
        self._write_layouts()
        self.manifest.digests = {
            name: digest for name in self.folder.files() if (digest := self.folder.digest(name))
        }
        self.save(seal=True)

    def save(self, *, seal: bool = False) -> None:
        """Write the manifest.

        Args:
            seal: whether it is what the run ends with.

        Raises:
            StaleWorker: another process works on the run.
            RunEnded: somebody else had altered it; what they wrote is gone, and the run fails. Said once.
        """
        own = self.folder.write_manifest(self.manifest, seal=seal)
        self._write_layouts()
        if not own and not self._altered:
            self._altered = True
            raise RunEnded(
                "failed",
                f"somebody altered {MANIFEST} of the run while it went on; it was written again as it was",
                help=f"see who wrote to {self.folder.path}; to go on: {self.folder.command('resume')}",
                error="run-record",
            )

    def _write_layouts(self) -> None:
        """Write what readers of older layouts know."""
        if LAYOUT in self.policy.declared("run_settings").layouts:
            self.folder.write(META, meta_text(self.manifest))
