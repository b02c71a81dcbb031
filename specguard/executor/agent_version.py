"""Which version of an agent's tool is installed, as it says itself."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from specguard.errors import SpecguardError
from specguard.executor.plain_text import plain_text
from specguard.model import shortened
from specguard.runs.versions import find_version, fits

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT: Final = 30.0
"""How many seconds `--version` may take."""

_LARGEST: Final = 1 << 14


def check_version(program: str, wanted: str, environment: Mapping[str, str]) -> str:
    """The version of a program, which is one of those that may be used.

    Args:
        program: its path; it is run with `--version`, in a folder of its own.
        wanted: what the policy asks for, as `>=0.40,<0.50`.
        environment: its variables.

    Returns:
        The version as it writes it.

    Raises:
        SpecguardError: it tells none, or another one.
    """
    name = os.path.basename(program)
    printed, how = _printed(program, environment)
    version = find_version(printed)
    if version is None or how:
        said = f"; it says {shortened(printed)!r}" if printed.strip() else ""
        raise SpecguardError(
            f"{name} --version {how or 'names no version'}{said}",
            help=f"the policy asks for {name} {wanted}: see that this is the program that it means",
            code="agent-version",
        )
    if not fits(version, wanted):
        raise SpecguardError(
            f"{name} is {version.text}, and the policy asks for {wanted}",
            help=f"install a {name} that fits, or have the policy ask for this one",
            code="agent-version",
        )
    return version.text


def _printed(program: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """What it prints, and what went wrong; empty where nothing did."""
    # Into a file: a process that it leaves behind would keep a pipe open.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [program, "--version"],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return "", f"cannot be run: {error.strerror}"
        how = ""
        try:
            code = process.wait(LIMIT)
            how = f"ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            how = f"took longer than {LIMIT:g} seconds"
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return plain_text(output.read(_LARGEST).decode("utf-8", "surrogateescape")), how
