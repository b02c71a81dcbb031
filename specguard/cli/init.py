"""`specguard init`: write an authority that fits the repository as it is."""

from __future__ import annotations

import difflib
import os
import stat
import sys
from functools import partial

import click

from specguard.authority.compile import compile_policy
from specguard.authority.load import AUTHORITY, Source, decode
from specguard.change.base import local_base, usual_base
from specguard.change.git import Git
from specguard.change.repository import Repository, find_program, short_name
from specguard.change.request import read_regular
from specguard.change.store import DOCUMENT_LIMIT
from specguard.cli.diagnosis import off_promises
from specguard.cli.files import replace_bytes, replace_file
from specguard.cli.options import complete_presets, in_directory
from specguard.cli.proposed import (
    Adopted,
    Guard,
    Proposed,
    approver_named,
    fitted,
    guards_in,
    look_back,
    settings_block,
    tree_paths,
)
from specguard.declaration.rule import Record
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest
from specguard.integrations.hooks.dialects import AGENTS
from specguard.integrations.hooks.settings import HOSTS, JsonTextError, call_words, merged
from specguard.reporters.escape import visible
from specguard.runs.files import IGNORE, ignore_local, run_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.cli.proposed import Setting
    from specguard.integrations.hooks.settings import Host
    from specguard.model import Origin
    from specguard.runs.settings import RunSettings


_ADOPT = "have rules hold what it says"


@click.command("init", short_help="Write an authority for this repository.")
@in_directory
@click.option(
    "--preset",
    "presets",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_presets,
    help="Start from this preset; repeatable.",
)
@click.option("--lock", "locks", multiple=True, metavar="PATTERN", help="Also lock these paths; repeatable.")
@click.option("--forbid", "forbids", multiple=True, metavar="PATTERN", help="Forbid these paths; repeatable.")
@click.option(
    "--approver",
    "approvers",
    multiple=True,
    metavar="NAME=KEYFILE",
    help="Let NAME approve, with this public SSH key; repeatable.",
)
@click.option(
    "--agent",
    "agents",
    multiple=True,
    type=click.Choice(AGENTS),
    help="Write this agent's hooks; repeatable.",
)
@click.option("--adopt", is_flag=True, help="Read prose, and add the settings that enforce it.")
@click.option("--print", "only_print", is_flag=True, help="Print it, and write nothing.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def command(
    directory: str,
    presets: tuple[str, ...],
    locks: tuple[str, ...],
    forbids: tuple[str, ...],
    approvers: tuple[str, ...],
    agents: tuple[str, ...],
    adopt: bool,
    only_print: bool,
    files: tuple[str, ...],
) -> None:
    """Write SPEC_AUTHORITY.md for this repository, unless it is there.

    Settings are proposed that fit the repository and its last two hundred changes. On a terminal it asks who
    may approve.

    If the authority is there, --approver adds the approver, and --agent writes the agent's settings. With
    --adopt it reads the authority and each FILE sentence by sentence. It prints which rule or setting holds a
    sentence, and what is left to people, and adds the settings.
    """
    repository = Repository.locate(directory, os.environ)
    top = repository.work_tree()
    _check_presets(presets)
    named = [approver_named(text) for text in approvers]
    planned = plan_settings(top, agents, os.environ)
    file = os.path.join(top, AUTHORITY)
    if (agents or named) and not (presets or locks or forbids or adopt) and os.path.lexists(file):
        show_settings(planned)
        for line in _add_block(top, file, named, only_print=only_print) if named else ():
            click.echo(visible(line))
        if planned and not only_print:
            say_next(repository, planned, write_settings(top, planned))
        return
    if files and not adopt:
        raise SpecguardError(
            f"{files[0]} is not read without --adopt", help="specguard init --adopt FILE", code="usage"
        )
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not only_print
    if os.path.lexists(file) and (adopt or asks) and not (presets or locks or forbids):
        text = decode(read_regular(file, DOCUMENT_LIMIT, "the authority"), AUTHORITY)
        added = [*_adopted(top, text, files, tree_paths(repository)), *named]
        if added and not only_print and (adopt or click.confirm(f"Add this to {AUTHORITY}?")):
            for line in _add_block(top, file, added, only_print=False, subject=_ADOPT):
                click.echo(visible(line))
        return
    if adopt and os.path.lexists(file):
        raise SpecguardError(
            f"--preset, --lock and --forbid begin a new {AUTHORITY}",
            help="specguard init --adopt",
            code="usage",
        )
    if adopt and not files:
        raise SpecguardError(
            f"there is no {AUTHORITY} to adopt", help="specguard init --adopt AGENTS.md", code="usage"
        )
    if not named and asks:
        named = _ask_for_approver()
    base = _default_branch(repository)
    proposed = Proposed(base, presets)
    paths = tree_paths(repository)
    proposed.guards += guards_in(paths)
    runners = "the hooks that run in front of an agent's edits"
    proposed.guards += [Guard(path=one.host.file, why=runners) for one in planned]
    named_paths = [(pattern, False) for pattern in locks] + [(pattern, True) for pattern in forbids]
    proposed_paths = {(one.path.rstrip("/"), one.forbidden) for one in proposed.guards}
    proposed.guards += [
        Guard(path=pattern, forbidden=forbidden)
        for pattern, forbidden in named_paths
        if (pattern.rstrip("/"), forbidden) not in proposed_paths
    ]
    proposed.settings += named
    proposed.settings += fitted(_compiled(top, proposed.text), paths)
    if adopt:
        proposed.settings += _adopted(top, proposed.text, files, paths)
    compiled = partial(_compiled, top)
    # A file that is there is refused below.
    there = os.path.lexists(file) and not only_print
    past = [] if there else list(look_back(repository, proposed, compiled))
    policy = compiled(proposed.text)
    if only_print:
        click.echo(proposed.text, nl=False)
        show_settings(planned)
        return
    try:
        with open(file, "x", encoding="utf-8") as stream:
            stream.write(proposed.text)
    except FileExistsError:
        raise SpecguardError(
            "there is an authority already, and it is never overwritten",
            path=AUTHORITY,
            help="specguard init --adopt reads it, and adds the settings that hold it",
            code="never-overwritten",
        ) from None
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=AUTHORITY,
            help="`specguard init --print` writes it to standard output",
            code="unwritable-file",
        ) from error
    for line in past:
        click.echo(visible(line))
    _next_steps(repository, top, base, policy, [AUTHORITY, *_ignore_runs(top, policy)])
    if planned:
        show_settings(planned)
        say_next(repository, planned, write_settings(top, planned))


def _ask_for_approver() -> list[Setting]:
    """Ask on a terminal who may approve; nobody if there is no answer."""
    name = click.prompt("Who may approve exceptions? A name, or nothing", default="", show_default=False)
    if not name.strip():
        return []
    key = click.prompt(f"The public SSH key that {visible(name)} signs with (a .pub file)")
    return [approver_named(f"{name}={key}")]


def _adopted(top: str, text: str, files: Sequence[str], paths: Sequence[str]) -> list[Setting]:
    """Print what holds each sentence of the documents; the settings that hold more of them."""
    found = Adopted(top, text, files, paths)
    shown = settings_block(found.settings) if found.settings else ["nothing is to be added"]
    for line in (*found.account, "", *shown, ""):
        click.echo(visible(line))
    return found.settings


def _add_block(
    top: str,
    file: str,
    settings: Sequence[Setting],
    *,
    only_print: bool,
    subject: str = "name who may approve",
) -> list[str]:
    """Add a block of settings at the end of the authority that is there, where it then is one still.

    Returns:
        The block, or what is to be done next.
    """
    from specguard.evaluation.own import read_own

    if os.path.islink(file):
        raise SpecguardError("it is a link, and is not written through", path=AUTHORITY, code="usage")
    old = read_regular(file, DOCUMENT_LIMIT, "the authority")
    missing = [one for one in settings if one.toml.encode("utf-8", "surrogateescape") not in old]
    if not missing:
        return [f"{AUTHORITY} has that already"]
    block = settings_block(missing)
    added = "\n".join(["", *block, ""]).encode("utf-8", "surrogateescape")
    if only_print:
        return block
    replace_bytes(file, old + (b"" if old.endswith(b"\n") else b"\n") + added)
    try:
        read_own(top)
    except SpecguardError:
        replace_bytes(file, old)
        raise
    return [
        f"{AUTHORITY} has what you asked for, at its end; commit it as a change of its own:",
        f"  git add {AUTHORITY} && git commit -m 'docs: {subject}'",
    ]


def _ignore_runs(top: str, policy: Policy) -> Sequence[str]:
    """Have git ignore the folder of runs; where the policy has them committed, only what is local of them.

    Returns:
        The files that were written.
    """
    settings: RunSettings = policy.declared("run_settings")
    folder = settings.path.strip("/")
    if settings.root:
        return ()
    written: list[str] = []
    kept = settings.keep == "tree"
    if kept and ignore_local(run_root(settings, os.environ, work_tree=top)):
        written.append(f"{folder}/{IGNORE}")
    file = os.path.join(top, IGNORE)
    if kept and not os.path.lexists(file):
        return written
    try:
        # A link may lead out of the repository.
        with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b") as stream:
            text = stream.read()
            # Of several lines about one folder the last one counts.
            lines = [line.strip() for line in text.split(b"\n")]
            said = [line for line in lines if line.lstrip(b"!").strip(b"/") == os.fsencode(folder)]
            ignored = bool(said) and not said[-1].startswith(b"!")
            if ignored != kept:
                return written
            stream.write(b"" if not text or text.endswith(b"\n") else b"\n")
            stream.write(os.fsencode(f"{'!' if kept else ''}/{folder}/\n"))
    except OSError as error:
        line = f"{'!' if kept else ''}/{folder}/"
        click.echo(f"note: add {visible(line)} to {IGNORE}, which cannot be written: {error.strerror}")
        return written
    return [*written, IGNORE]


def _check_presets(presets: Sequence[str]) -> None:
    known = load_registry().presets
    for preset in presets:
        if preset not in known:
            raise SpecguardError(
                f"there is no preset {preset!r}", help=nearest(preset, known), code="unknown-name"
            )


def _default_branch(repository: Repository) -> str:
    """The branch that changes are merged into: as checks find it, or this one."""
    with Git(repository) as git:
        found = usual_base(git) or local_base(git)
    if found is not None:
        return found.name.removeprefix("origin/")
    return short_name(repository.branch) if repository.branch else "main"


def _compiled(top: str, text: str) -> Policy:
    """The policy of what is about to be written, so that nothing is written that would not judge."""

    def read(path: str, _named_by: Origin) -> Source:
        content = read_regular(os.path.join(top, path), DOCUMENT_LIMIT, "a document of the authority")
        return Source(path, "", decode(content, path))

    policy = compile_policy([Source(AUTHORITY, "", text)], registry=load_registry, read=read)
    assert policy is not None  # noqa: S101 - a document of this name is always an authority
    for unread in policy.unread:
        if unread.path == AUTHORITY:
            raise SpecguardError(
                f"{unread.text!r} is no pattern that can be guarded: {unread.reason}", code="usage"
            )
    return policy


def _next_steps(repository: Repository, top: str, base: str, policy: Policy, written: Sequence[str]) -> None:
    """Say what a person has to do for the authority to judge."""
    remote = f"refs/remotes/origin/{base}"
    where = f"origin/{base}" if repository.refs_named([remote]) else base
    click.echo(f"{AUTHORITY} is written; it judges once it is on {visible(where)}:")
    click.echo(f"  git add {' '.join(written)} && git commit -m 'docs: state what may change'")
    if not policy.declared("approval_settings").approver:
        click.echo("nobody may approve exceptions yet: specguard init --approver NAME=KEYFILE adds who may")
    if os.path.exists(os.path.join(top, ".pre-commit-config.yaml")):
        click.echo("hooks: add specguard to .pre-commit-config.yaml, then")
        click.echo("  pre-commit install --hook-type pre-commit --hook-type commit-msg --hook-type pre-push")
    for kind in policy.declared("work_kinds").values():
        pointers = [pointer for pointer in kind.pointer if os.path.exists(os.path.join(top, pointer))]
        if kind.pointer and not pointers:
            click.echo(
                f"note: the current item is read from {visible(' or '.join(kind.pointer))}, "
                "which is not there yet"
            )
    for promise in off_promises(policy):
        click.echo(f"off: {visible(promise)}")
    click.echo("then: specguard doctor shows what a check needs here, specguard policy what was understood")


ON_FAILURE: Final = ">=2.1.295"
"""The versions of Claude Code that know `onFailure`; older ones may refuse the hook that has it."""

_TRUST: Final = {
    "codex": "note: Codex passes over hooks until a person has trusted them, and again after each change: "
    "start codex here and look at /hooks",
    "gemini": "note: Gemini CLI runs a project's hooks only in trusted folders: start gemini here, or see "
    "its /permissions",
}


class Settings(Record):
    """An agent's settings as they are and as they would be.

    Attributes:
        host: the agent.
        old: what is there; None for nothing.
        new: what would be there.
    """

    host: Host
    old: str | None
    new: str


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
