"""What a run was asked to do, kept in its folder for when it is resumed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from specguard.errors import SpecguardError
from specguard.executor.options import RunOptions
from specguard.runs.folder import MANIFEST, SEAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.change.git import Git
    from specguard.executor.run import Run
    from specguard.runs.folder import RunFolder

FILE: Final = "control/asked.json"
"""The file, in the run's folder."""

_TEXTS: Final = ("agent", "until", "approval_policy", "remote", "base", "goal")
_NUMBERS: Final = ("timeout", "command_timeout", "max_attempts")
_LISTS: Final = ("command", "commands")


def record(run: Run) -> None:
    """Write what a run was asked to do, without secrets.

    Raises:
        SpecguardError: it cannot be written.
    """
    options = run.options
    words = {name: [run.redactor.words(one) for one in getattr(options, name)] for name in _LISTS}
    data = {
        **{name: getattr(options, name) for name in (*_TEXTS, *_NUMBERS)},
        "compact": options.compact,
        **words,
        # What a secret was taken out of cannot be run again as it was.
        "redacted": [name for name in _LISTS if words[name] != list(getattr(options, name))],
    }
    run.folder.write(FILE, json.dumps(data, indent=2) + "\n")


def check_own(git: Git, top: str, folder: RunFolder) -> None:
    """See that a run was begun here: a change can bring the folder of one, with commands of its own in it.

    Args:
        git: reads the user's repository.
        top: the root of the user's working files.
        folder: the run's.

    Where runs are committed its manifest is tracked, and has to be as this machine has left it.

    Raises:
        SpecguardError: git tracks what the run was asked to do, or a manifest that was not left so here.
        MissingFact: the index cannot be read.
    """
    tracked = git.read(git.start("ls-files", "-z", index=git.repository.index), "your index").split(b"\0")[
        :-1
    ]
    for name in (FILE, SEAL, MANIFEST):
        path = os.path.relpath(os.path.realpath(folder.file(name)), os.path.realpath(top))
        above = os.fsencode(path) + b"/"
        # Of a submodule itself is listed, and no file.
        if not any(above.startswith(one + b"/") for one in tracked) or (name == MANIFEST and folder.sealed):
            continue
        raise SpecguardError(
            f"{folder.run_id} is in the repository, so a change may have brought what it was asked to do",
            path=path,
            help="start another run; where this one is in its way, give it up: " + folder.command("stop"),
            code="run-record",
        )


def asked_before(
    folder: RunFolder,
    environment: Mapping[str, str],
    *,
    directory: str = "",
    command: Sequence[str] = (),
    **words: Any,
) -> RunOptions:
    """What a run was asked to do, as it goes on.

    Args:
        folder: the run's.
        environment: the process's.
        directory: where to look for the repository.
        command: the agent's command, where it is another one than before.
        words: further words that are others than before; None and empty ones are not.

    Raises:
        SpecguardError: the run's manifest cannot be read, or a secret in its command is needed again.
    """
    manifest = folder.read_manifest()
    try:
        with open(folder.file(FILE), "rb") as file:
            read = json.loads(file.read())
        before = {name: read[name] for name in (*_TEXTS, *_NUMBERS, *_LISTS, "compact")}
        redacted = set(read["redacted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecguardError(
            "what the run was asked to do cannot be read any more",
            path=folder.file(FILE),
            help=f"give it up: {folder.command('stop')}",
            code="run-record",
        ) from error
    # Until where it goes is asked anew: it was stopped there.
    before["until"] = ""
    if command or words.get("agent"):
        before |= {"agent": "", "command": command}
        redacted.discard("command")
    if redacted:
        raise SpecguardError(
            "there was a secret in the run's command, which is not kept",
            path=folder.file(FILE),
            help=f"{folder.command('resume')} -- COMMAND" if "command" in redacted else "start another run",
            code="run-record",
        )
    before |= {name: value for name, value in words.items() if value}
    item = manifest.item
    try:
        return RunOptions(
            environment=dict(environment),
            directory=directory,
            kind=item.kind,
            item=item.id,
            plan=item.plan or "",
            **before,
        )
    except TypeError as error:
        raise SpecguardError(
            "what the run was asked to do does not fit", path=folder.file(FILE), code="run-record"
        ) from error
