"""The user's secrets in what a run would publish: an agent may write one into a file by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.executor.secret_values import secrets_of
from specguard.model import path_text

if TYPE_CHECKING:
    from typing import Final

    from specguard.executor.run import Run

_SHORTEST: Final = 16
"""A shorter value may be the password of everybody's test database, which stands in files by intention."""


def published_secrets(run: Run, tree: str) -> str:
    """The files of a tree that bring a secret of the environment, as a section of Markdown; empty: none.

    Only the values themselves are looked for, as they are; what looks like a credential is for rules to find.

    Args:
        run: the run; what its base has is public already.
        tree: one that was hashed in its place.
    """
    found = secrets_of(run.options.environment)
    secrets = {
        value.encode("utf-8", "surrogateescape"): path_text(name.encode("utf-8", "surrogateescape"))
        for value, name in found.items()
        if len(value) >= _SHORTEST
    }
    if not secrets or run.place is None:
        return ""
    git = run.place.git
    entries = [entry for entry in git.diff_trees(run.place.base, tree) if entry.is_file]
    lines = []
    for entry, (_, content) in zip(entries, git.blobs([entry.new for entry in entries]), strict=True):
        held = [value for value in secrets if content is not None and value in content]
        if held and entry.old_mode & 0o170000 == 0o100000:
            before = next(git.blobs([entry.old]))[1] or b""
            held = [value for value in held if value not in before]
        lines += [f"- {path_text(entry.path)} holds the value of {secrets[value]}" for value in held]
    if not lines:
        return ""
    return (
        "## Secrets that must not be published\n\nTake them out of these files:\n\n" + "\n".join(lines) + "\n"
    )
