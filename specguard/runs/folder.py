"""The folder of one run: its manifest, heartbeat, logs and evidence, each written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError
from specguard.runs.files import about_run
from specguard.runs.manifests import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


MANIFEST: Final = "manifest.json"
HEARTBEAT: Final = "control/heartbeat.json"
LOG: Final = "run.log"
COMMANDS: Final = "commands"
HOLDER: Final = "control/holder"
"""The file that says, by its sha256, which process may write to the folder."""
SEAL: Final = "control/sealed"
"""The sha256 of the manifest as this machine has left it; it is never committed."""


class StaleWorker(SpecguardError):
    """A process that has lost its run to another one: nothing more is written for it."""

    code = "run-lost"


def now_text() -> str:
    """The time as manifests have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """A run's id: the time to the second, and four digits that two runs of it do not share."""
    return f"{datetime.now(UTC).strftime('%Y-%m-%dT%H-%M-%SZ')}-{os.urandom(2).hex()}"


@contextmanager
def recording(file: str) -> Iterator[None]:
    """Raise what keeps a file of a run from being written as an error that a person can mend.

    Raises:
        SpecguardError: in place of any `OSError` but that of a lock.
    """
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise SpecguardError(
            f"the run cannot be recorded: {error.strerror}",
            path=file,
            help="make room, or name another --run-root",
            code="unwritable-file",
        ) from error


class RunFolder:
    """The folder of one run.

    Args:
        path: its absolute path.
        root: the folder of all runs, where commands have to name it (`--run-root`); empty: the policy's.

    Attributes:
        held_by: the sha256 of the token of the process that writes; empty for one that has taken no run.
    """

    def __init__(self, path: str, root: str = "") -> None:
        self.path = path
        self.root = root
        self.held_by = ""
        self._left: str | None = None

    @property
    def run_id(self) -> str:
        """The run's id, which is the folder's name."""
        return os.path.basename(self.path)

    def command(self, verb: str, *words: str) -> str:
        """The command that does something with the run, for a shell: `resume`, `report` and so on."""
        return shlex.join([*about_run(verb, self.run_id, self.root), *words])

    def file(self, name: str) -> str:
        """The absolute path of a file, from the run's folder."""
        return os.path.join(self.path, name)

    def take(self, token: str) -> None:
        """Make whoever has a token the only one that writes to the folder from now on.

        Args:
            token: something that nobody else can know.
        """
        held_by = hashlib.sha256(token.encode()).hexdigest()
        self.held_by = ""
        self.write(HOLDER, f"{held_by}\n")
        self.held_by = held_by

    def hold(self) -> None:
        """See that nobody else has taken the folder meanwhile.

        Raises:
            StaleWorker: somebody has.
        """
        if not self.held_by:
            return
        try:
            with open(self.file(HOLDER), encoding="ascii") as file:
                found = file.read().strip()
        except FileNotFoundError:
            raise StaleWorker(f"the folder of {self.run_id} is gone, and nothing more is done") from None
        except (OSError, ValueError):
            found = ""
        if found != self.held_by:
            raise StaleWorker(f"another process works on {self.run_id}; this one is stale, and ends")

    def write_manifest(self, manifest: Manifest, *, seal: bool = False) -> bool:
        """Write the manifest.

        Args:
            manifest: it.
            seal: whether it is the one that a run ends with: it is remembered as left here, not brought by
                a change.

        Returns:
            Whether it was still as it was left here before; somebody else had altered it otherwise.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        own = self._left is None or self.digest(MANIFEST) == self._left
        data = (manifest.model_dump_json(by_alias=True, indent=2) + "\n").encode("utf-8", "backslashreplace")
        left = hashlib.sha256(data).hexdigest()
        if seal:
            # First, since nothing is written any more once the manifest says that the run has ended.
            self.write(SEAL, f"{left}\n")
        self.write(MANIFEST, data)
        self._left = left
        return own

    @property
    def sealed(self) -> bool:
        """Whether the manifest is the one that was left here."""
        try:
            with open(self.file(SEAL), encoding="ascii") as file:
                return file.read().strip() == self.digest(MANIFEST)
        except (OSError, ValueError):
            return False

    def read_manifest(self) -> Manifest:
        """The manifest.

        Raises:
            SpecguardError: there is none, or it does not fit its schema.
        """
        file = self.file(MANIFEST)
        try:
            with open(file, "rb") as stream:
                return Manifest.model_validate_json(stream.read())
        except OSError as error:
            raise SpecguardError(
                f"the run has no manifest: {error.strerror}",
                path=file,
                help="`specguard run list` lists runs",
                code="run-record",
            ) from error
        except ValueError as error:
            raise SpecguardError(
                f"the manifest does not fit its schema: {str(error).splitlines()[0]}",
                path=file,
                help="`specguard run doctor` tells what is left of the run",
                code="run-record",
            ) from error

    def beat(self, step: str, **more: Any) -> None:
        """Say that the run is alive.

        Args:
            step: the step that it is in.
            more: what else a reader may want, such as the pid of what it waits for.
        """
        self.write(
            HEARTBEAT,
            json.dumps({"time": now_text(), "pid": os.getpid(), "step": step, **more}, indent=2) + "\n",
        )

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file of the run: readers see the old one or the new one, also after a crash.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        self.hold()
        target = self.file(name)
        temporary = f"{target}.{os.getpid()}.tmp"
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        with recording(target):
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)

    def data(self, name: str) -> dict[str, Any]:
        """What a JSON file of the run holds.

        Raises:
            OSError, ValueError: it cannot be read, or holds no object.
        """
        with open(self.file(name), "rb") as stream:
            found = json.load(stream)
        if not isinstance(found, dict):
            raise ValueError(f"{name} holds no object")  # noqa: TRY004 - as broken JSON is told
        return found

    def remove(self, name: str) -> None:
        """Remove a file of the run, if it is there.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be removed.
        """
        self.hold()
        with recording(self.file(name)), suppress(FileNotFoundError):
            os.unlink(self.file(name))

    def clear(self) -> None:
        """Remove what a process that died while it wrote has left behind."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.endswith(".tmp"):
                    with suppress(OSError):
                        os.unlink(os.path.join(folder, name))

    def log(self, text: str) -> None:
        """Add a line to `run.log`: what the run does, with the time.

        Args:
            text: the line, without secrets and without what a terminal would obey.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        self.hold()
        with recording(self.file(LOG)):
            os.makedirs(self.path, mode=0o755, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with os.fdopen(os.open(self.file(LOG), flags, 0o644), "ab", buffering=0) as stream:
                stream.write(f"{now_text()} {text}\n".encode("utf-8", "backslashreplace"))

    def files(self) -> list[str]:
        """The files of the run, from its folder, without the manifest and what changes while it runs."""
        found = []
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            inside = os.path.relpath(folder, self.path)
            found += [os.path.normpath(os.path.join(inside, name)) for name in sorted(names)]
        return [name for name in found if name != MANIFEST and not name.startswith("control/")]

    def digest(self, name: str) -> str | None:
        """The sha256 of a file; None where it is not there."""
        try:
            with open(self.file(name), "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return None


META: Final = "meta.json"
"""The file, in a run's folder."""

LAYOUT: Final = "meta"
"""What `[runs] layouts` calls it."""


def meta_text(manifest: Manifest) -> str:
    """What `meta.json` says of a run: its status, times and task, and where the rest is.

    Args:
        manifest: its record.
    """
    last = manifest.commands[-1] if manifest.commands else None
    data = {
        "run_id": manifest.run_id,
        "task_id": manifest.item.id,
        "kind": manifest.item.kind,
        "plan": manifest.item.plan,
        "status": manifest.state,
        "reason": manifest.reason,
        "pid": manifest.pid,
        "started_at": manifest.started_at,
        "ended_at": manifest.ended_at,
        "branch": manifest.branch,
        "commit": manifest.commit,
        "command": list(manifest.agent.command) if manifest.agent else [],
        "exit_code": last.exit_code if last else None,
        "log": LOG,
        "logs": [command.log for command in manifest.commands],
        "heartbeat": HEARTBEAT,
        "manifest": MANIFEST,
    }
    return json.dumps(data, indent=2) + "\n"
