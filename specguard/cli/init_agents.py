"""What `specguard init --agent` writes: the settings by which an agent's program runs specguard."""

from __future__ import annotations

import difflib
import os
import stat

import click

from specguard.change.repository import find_program
from specguard.change.request import read_regular
from specguard.change.store import DOCUMENT_LIMIT
from specguard.cli.files import replace_file
from specguard.errors import SpecguardError
from specguard.integrations.hooks.settings import HOSTS, JsonTextError, call_words, merged
from specguard.reporters.escape import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.repository import Repository
    from specguard.integrations.hooks.settings import Host

ON_FAILURE: Final = ">=2.1.295"
"""The versions of Claude Code that know `onFailure`; older ones may refuse the hook that has it."""

_TRUST: Final = {
    "codex": "note: Codex passes over hooks until a person has trusted them, and again after each change: "
    "start codex here and look at /hooks",
    "gemini": "note: Gemini CLI runs a project's hooks only in trusted folders: start gemini here, or see "
    "its /permissions",
}


class Settings:
    """An agent's settings as they are and as they would be.

    Attributes:
        host: the agent.
        old: what is there; None for nothing.
        new: what would be there.
    """

    __slots__ = ("host", "new", "old")

    def __init__(self, host: Host, old: str | None, new: str) -> None:
        self.host = host
        self.old = old
        self.new = new


def plan_settings(top: str, agents: Sequence[str], environment: Mapping[str, str]) -> list[Settings]:
    """What would be written for these agents.

    Args:
        top: the root of the working tree.
        agents: their names.
        environment: where programs are found.

    Raises:
        SpecguardError: a file is no regular file of the tree, or no JSON; then nothing should be written.
    """
    program = call_words(environment)
    planned: list[Settings] = []
    for host in (HOSTS[name] for name in HOSTS if name in agents):
        old = read_settings(top, host)
        on_failure = host.agent == "claude" and _knows_on_failure(environment)
        try:
            new = merged(old or "", host, program, on_failure=on_failure)
        except JsonTextError as error:
            click.echo(f"what {host.file} would need:\n{merged('', host, program, on_failure=on_failure)}")
            raise SpecguardError(
                f"nothing is added to it: {error}",
                path=host.file,
                help="put what is printed above in by hand, or make it JSON that has what it needs",
                code="unreadable-file",
            ) from error
        planned.append(Settings(host, old, new))
    return planned


def read_settings(top: str, host: Host) -> str | None:
    """An agent's settings of a project; None where there are none.

    Raises:
        SpecguardError: it is no regular file, is reached through a link, or is no text.
    """
    file = os.path.join(top, host.file)
    for place in (os.path.dirname(file), file):
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpecguardError(
                f"it cannot be read: {error.strerror}", path=host.file, code="unreadable-file"
            ) from error
        named = "it" if place == file else os.path.relpath(place, top)
        if stat.S_ISLNK(mode):
            raise SpecguardError(
                f"{named} is a link, and what it leads to is not written",
                path=host.file,
                help="put a file in its place, or write there what `specguard init --agent NAME --print` has",
                code="outside-repository",
            )
        if not (stat.S_ISREG(mode) if place == file else stat.S_ISDIR(mode)):
            raise SpecguardError(f"{named} is neither a file nor a folder that holds one", path=host.file)
    content = read_regular(file, DOCUMENT_LIMIT, "the file of settings")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecguardError(f"it cannot be read: {error}", path=host.file, code="unreadable-file") from error


def show_settings(planned: Sequence[Settings]) -> None:
    """Print what would be written, as differences."""
    for one in planned:
        file = one.host.file
        if one.new == one.old:
            click.echo(f"{file} has all it needs")
            continue
        lines = difflib.unified_diff(
            (one.old or "").splitlines(), one.new.splitlines(), file if one.old is not None else "/dev/null",
            file, lineterm="",
        )  # fmt: skip
        for line in lines:
            click.echo(visible(line))


def write_settings(top: str, planned: Sequence[Settings]) -> list[str]:
    """Write what is planned.

    Returns:
        The files that were written.

    Raises:
        SpecguardError: one cannot be written, or was changed since.
    """
    written = []
    for one in planned:
        if one.new == one.old:
            continue
        file = os.path.join(top, one.host.file)
        try:
            os.makedirs(os.path.dirname(file), exist_ok=True)
            if read_settings(top, one.host) != one.old:
                raise SpecguardError(
                    "it was changed meanwhile",
                    path=one.host.file,
                    help="run specguard init again",
                    code="never-overwritten",
                )
            replace_file(file, one.new)
        except OSError as error:
            raise SpecguardError(
                f"it cannot be written: {error.strerror}", path=one.host.file, code="unwritable-file"
            ) from error
        written.append(one.host.file)
    return written


def say_next(repository: Repository, planned: Sequence[Settings], written: Sequence[str]) -> None:
    """Say what is to be done for the hooks to run, here and in other worktrees."""
    if written:
        click.echo(f"written: {', '.join(written)}")
        click.echo(f"  git add {' '.join(written)} && git commit -m 'chore: have agents ask specguard'")
    ignored = [one.host.file for one in planned if _is_ignored(repository, one.host.file)]
    for file in ignored:
        click.echo(f"note: git ignores {file}, so other worktrees and other people do not have it")
    for one in planned:
        if one.host.agent in _TRUST:
            click.echo(_TRUST[one.host.agent])
    click.echo("then: specguard doctor runs each hook once, and says which are trusted")


def _is_ignored(repository: Repository, path: str) -> bool:
    process = repository.in_place(
        "-C", repository.work_tree(), "ls-files", "--others", "--ignored", "--exclude-standard", "--", path,
        user=True,
    )  # fmt: skip
    return bool(process.read())


def _knows_on_failure(environment: Mapping[str, str]) -> bool:
    from specguard.executor.agent import check_version

    program = find_program("claude", environment)
    if program is None:
        return False
    try:
        check_version(program, ON_FAILURE, environment)
    except SpecguardError:
        return False
    return True
