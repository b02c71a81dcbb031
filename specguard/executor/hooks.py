"""The repository's own hooks for `pre-commit` and `commit-msg`, as the base has them.

They are those of pre-commit's configuration, and scripts that the repository keeps in a folder: the one
that `core.hooksPath` names, if it is in the working tree, else `.husky` or `.githooks`. The base's run,
from a copy that is made anew each time: what the change brings of them is for whoever reviews it. Hooks
in `.git/hooks`, or elsewhere outside of the tree, are somebody's own and run in no place; preflight says
so.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from specguard.change.repository import find_program
from specguard.change.tree import Tree
from specguard.executor.ending import RunEnded
from specguard.executor.place import place_of
from specguard.executor.user_git import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.change.repository import Repository
    from specguard.executor.run import Run

CONFIGURATION: Final = b".pre-commit-config.yaml"
"""Where a repository says which hooks run, for pre-commit."""

STAGES: Final = ("pre-commit", "commit-msg")
"""The hooks that a run lets run, as git calls them."""

_HUSKY: Final = b".husky"
_FOLDERS: Final = (_HUSKY, b".githooks")
_COPY: Final = "tree-hooks"
_MOST: Final = 200
_EXECUTABLE: Final = 0o100755
_AS_HUSKY: Final = 'PATH="$PWD/node_modules/.bin:$PATH"; export PATH; exec sh -e "$0" "$@"'
"""As husky runs a hook: it need not be executable, and finds what the project has installed."""


def hooks_of(repository: Repository, tree: Tree) -> Sequence[str]:
    """What has hooks in a tree, for a person: `pre-commit`, and the folder of scripts.

    Args:
        repository: the user's, whose `core.hooksPath` counts.
        tree: the base's.

    Raises:
        SpecguardError: the configuration cannot be read.
        MissingFact: the tree cannot be read.
    """
    found = ["pre-commit"] if tree.find(CONFIGURATION) is not None else []
    folder = _folder(repository, tree)
    if folder and any(_script(tree, folder, stage) for stage in STAGES):
        found.append(os.fsdecode(folder))
    return found


def left_out(repository: Repository, tree: Tree) -> list[str]:
    """The hooks of the user's that no run lets run, as notes.

    Raises:
        SpecguardError: the configuration cannot be read.
        MissingFact: the tree cannot be read.
    """
    path = _hooks_path(repository)
    if path and _folder(repository, tree):
        return []
    folder = os.path.join(repository.work_tree(), path) if path else os.path.join(repository.common, "hooks")
    names = [stage for stage in STAGES if os.access(os.path.join(folder, stage), os.X_OK)]
    names = [name for name in names if not _is_of_framework(os.path.join(folder, name))]
    if not names:
        return []
    where = path or ".git/hooks"
    return [f"The hooks {', '.join(names)} in {where} are not in the base, and do not run in the place."]


def hook_commands(run: Run, stage: str, message: str = "") -> Iterator[Sequence[str]]:
    """The commands of the base's hooks, in the order in which they run.

    Args:
        run: the run.
        stage: one of `STAGES`.
        message: the file with the message, for `commit-msg`.

    Raises:
        RunEnded: they cannot be read, or written beside the place.
    """
    place = place_of(run)
    tree = Tree(place.git, place.git.commit(place.base).tree)
    text = tree.read(CONFIGURATION)
    program = find_program("pre-commit", run.options.environment)
    if text is not None and program is not None:
        configuration = place.write("pre-commit.yaml", text)
        named = ["--commit-msg-filename", message] if message else []
        yield [
            program, "run", "--hook-stage", stage, *named, "--config", configuration, "--color", "never",
        ]  # fmt: skip
    folder = _folder(run.git.repository, tree)
    if folder and _script(tree, folder, stage):
        script = os.path.join(_copied(run, tree, folder), stage)
        first = ["sh", "-c", _AS_HUSKY] if folder == _HUSKY else []
        yield [*first, script, *([message] if message else [])]


def _hooks_path(repository: Repository) -> str:
    found = [one.value or "" for one in read_settings(repository) if one.key == "core.hookspath"]
    return os.path.expanduser(found[-1]) if found else ""


def _folder(repository: Repository, tree: Tree) -> bytes:
    """The folder of scripts in the tree; empty where there is none."""
    path = _hooks_path(repository)
    if path:
        top = os.path.realpath(repository.work_tree())
        inside = os.path.relpath(os.path.join(top, path), top)
        if inside == os.curdir or inside.startswith(os.pardir):
            return b""
        # Where husky has git look there are shims alone, which are in no tree.
        wanted: Sequence[bytes] = [os.fsencode(inside).removesuffix(b"/_")]
    else:
        wanted = _FOLDERS
    return next((one for one in wanted if tree.names(one)), b"")


def _script(tree: Tree, folder: bytes, stage: str) -> bool:
    """Whether there is a hook that git, or husky, would run."""
    found = tree.find(folder + b"/" + stage.encode())
    if found is None:
        return False
    return found.mode == _EXECUTABLE or (folder == _HUSKY and found.mode & 0o170000 == 0o100000)


def _copied(run: Run, tree: Tree, folder: bytes) -> str:
    """A copy of the base's folder of scripts, out of the agent's way.

    Returns:
        Its absolute path.
    """
    target = os.path.join(place_of(run).own, _COPY)
    paths = [path for path in tree.paths() if path.startswith(folder + b"/")]
    if len(paths) > _MOST:
        raise RunEnded(
            "failed",
            f"{os.fsdecode(folder)} has {len(paths)} files, and hooks have {_MOST} at most",
            code=2,
            error="size-limit",
        )
    try:
        shutil.rmtree(target, ignore_errors=True)
        os.mkdir(target, 0o700)
        for path in paths:
            found, content = tree.find(path), tree.read(path)
            if found is None or content is None or found.mode & 0o170000 != 0o100000:
                continue
            _write(os.path.join(target, os.fsdecode(path.removeprefix(folder + b"/"))), content, found.mode)
        if folder == _HUSKY and not os.path.lexists(os.path.join(target, "_")):
            # Hooks of earlier versions begin by reading this, which husky makes and nobody commits.
            _write(os.path.join(target, "_", "husky.sh"), b"", 0o100644)
    except OSError as error:
        raise RunEnded(
            "failed", f"the hooks cannot be written: {error.strerror}", code=2, error="unwritable-file"
        ) from error
    return target


def _write(file: str, content: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o777), "wb") as stream:
        stream.write(content)


def _is_of_framework(file: str) -> bool:
    """Whether a hook only calls pre-commit or specguard, which a run asks itself."""
    try:
        with open(file, "rb") as stream:
            text = stream.read(1 << 16)
    except OSError:
        return False
    return b"pre-commit.com" in text or b"specguard" in text
