"""What git tells a pre-push hook, as keys of a case."""

from __future__ import annotations

from typing import Any

NOTHING = "0" * 40


def push_of(local: str, remote: str = "", *, new: str = "{head}", old: str = NOTHING) -> dict[str, Any]:
    """A push of a branch to a branch of the same or another name; names that begin with `refs/` are whole."""
    refs = [name if name.startswith("refs/") else f"refs/heads/{name}" for name in (local, remote or local)]
    return {"args": ["--push"], "stdin": f"{refs[0]} {new} {refs[1]} {old}\n"}


def deletion_of(remote: str) -> dict[str, Any]:
    """The deletion of a remote's ref, given in full."""
    return {"args": ["--push"], "stdin": f"(delete) {NOTHING} {remote} {{base}}\n"}
