"""How an agent's program is told to call specguard, so that it finds it wherever it was started."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final

from specguard.change.repository import find_program

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "specguard"

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./@+,=-]+")


def call_words(environment: Mapping[str, str]) -> str:
    """The words of a shell that call the specguard that is running.

    A program that is on the path for everyone is called by its name. One that is there in a virtual
    environment alone, which need not be active when an agent starts, is looked for in its folder after the
    path; so what is written can be shared with people who have it elsewhere.

    Args:
        environment: with `PATH` and `VIRTUAL_ENV`.
    """
    found = find_program(NAME, environment)
    virtual = environment.get("VIRTUAL_ENV", "")
    if found is not None and not (virtual and found.startswith(virtual.rstrip("/") + "/")):
        return NAME
    script = found or _script()
    return _by_script(script) if script else _by_module()


def known_calls(environment: Mapping[str, str]) -> list[str]:
    """All words by which the specguard that is running, or the one on the path, may be called."""
    scripts = [script for script in (find_program(NAME, environment), _script()) if script]
    return [NAME, *map(_by_script, scripts), _by_module()]


def _script() -> str:
    """The script that is running; empty where it is a module that runs."""
    script = os.path.abspath(sys.argv[0])
    return script if os.path.basename(script) == NAME and os.access(script, os.X_OK) else ""


def _by_script(script: str) -> str:
    folder = os.path.dirname(script)
    return f'PATH="$PATH:{folder}" {NAME}' if _PLAIN.fullmatch(folder) else shlex.quote(script)


def _by_module() -> str:
    # Without -P, a folder of the working tree could stand in for this program.
    return f"{shlex.quote(sys.executable)} -P -m {NAME}"
