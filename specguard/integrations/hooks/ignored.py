"""Files that git ignores: what is written to them is no part of any change."""

from __future__ import annotations

import os

from specguard.change.git import Git
from specguard.change.repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.model import Verdict


def ignored_paths(verdict: Verdict, root: bytes, environment: Mapping[str, str]) -> set[bytes]:
    """The paths of a verdict's findings that git does not track and ignores.

    Args:
        verdict: a verdict about edits.
        root: the root of the working tree.
        environment: the hook's environment.
    """
    paths = {
        judged.finding.path
        for judged in verdict.findings
        if judged.finding.path is not None and judged.finding.side is None
    }
    if not paths or not _has_ignore(root, paths):
        return set()
    repository = Repository.locate(os.fsdecode(root), environment)
    with Git(repository) as git:
        index = repository.index if os.path.exists(repository.index) else f"{git.folder}/index"
        process = git.start(
            "check-ignore", "-z", "--stdin",
            # With `./` in front no name has a meaning of its own.
            stdin=b"".join(b"./" + path + b"\0" for path in sorted(paths)), index=index,
            work_tree=os.fsdecode(root), literal=False,
        )  # fmt: skip
        said = b""
        try:
            while chunk := process.chunk():
                said += chunk
            process.wait()
        finally:
            process.stop()
    return paths.intersection(name.removeprefix(b"./") for name in said.split(b"\0"))


def _has_ignore(root: bytes, paths: set[bytes]) -> bool:
    """Whether a `.gitignore` is above one of these paths."""
    folders = {b""}
    for path in paths:
        folder = os.path.dirname(path)
        while folder:
            folders.add(folder)
            folder = os.path.dirname(folder)
    return any(os.path.lexists(os.path.join(root, folder, b".gitignore")) for folder in folders)
