"""Keeping of a run's logs only their ends, once it has ended."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

from specguard.executor.command_log import TAIL
from specguard.runs.model import Response

if TYPE_CHECKING:
    from specguard.executor.run import Run


def compact(run: Run) -> None:
    """Cut the log of every command that is longer than its tail, which stands beside its result as well.

    The digests in the manifest and in the results are those of what is kept.

    Raises:
        SpecguardError: it cannot be written.
    """
    for command in run.manifest.commands:
        file = run.folder.file(command.log)
        if command.log_digest is None or not os.path.isfile(file) or os.path.getsize(file) <= TAIL:
            continue
        with open(run.folder.file(command.response), "rb") as stream:
            response = Response.model_validate_json(stream.read())
        kept = f"{response.tail}\n".encode()
        run.folder.write(command.log, kept)
        command.log_digest = response.log_digest = sha256(kept).hexdigest()
        response.cut = True
        run.folder.write(command.response, response.model_dump_json(by_alias=True, indent=2) + "\n")
    run.save()
