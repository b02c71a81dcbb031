"""The folder of one run: its manifest, heartbeat, logs and evidence, each written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime

from specguard.errors import SpecguardError
from specguard.runs.model import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

MANIFEST: Final = "manifest.json"
HEARTBEAT: Final = "control/heartbeat.json"
LOG: Final = "run.log"
COMMANDS: Final = "commands"


def now_text() -> str:
    """The time as manifests have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """A run's id: the time to the second, and four digits that two runs of it do not share."""
    return f"{datetime.now(UTC).strftime('%Y-%m-%dT%H-%M-%SZ')}-{os.urandom(2).hex()}"


class RunFolder:
    """The folder of one run.

    Args:
        path: its absolute path.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def run_id(self) -> str:
        """The run's id, which is the folder's name."""
        return os.path.basename(self.path)

    def file(self, name: str) -> str:
        """The absolute path of a file, from the run's folder."""
        return os.path.join(self.path, name)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self.write(MANIFEST, manifest.model_dump_json(by_alias=True, indent=2) + "\n")

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
            ) from error
        except ValueError as error:
            raise SpecguardError(
                f"the manifest does not fit its schema: {str(error).splitlines()[0]}",
                path=file,
                help="`specguard run doctor` tells what is left of the run",
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
            SpecguardError: it cannot be written.
        """
        target = self.file(name)
        temporary = f"{target}.{os.getpid()}.tmp"
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        try:
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except OSError as error:
            raise SpecguardError(
                f"the run cannot be recorded: {error.strerror}",
                path=target,
                help="make room, or name another --run-root",
            ) from error

    def log(self, text: str) -> None:
        """Add a line to `run.log`: what the run does, with the time.

        Args:
            text: the line, without secrets and without what a terminal would obey.

        Raises:
            SpecguardError: it cannot be written.
        """
        file = self.file(LOG)
        try:
            os.makedirs(self.path, mode=0o755, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with os.fdopen(os.open(file, flags, 0o644), "ab", buffering=0) as stream:
                stream.write(f"{now_text()} {text}\n".encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise SpecguardError(
                f"the run cannot be recorded: {error.strerror}",
                path=file,
                help="make room, or name another --run-root",
            ) from error

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
