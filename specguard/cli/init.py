"""`specguard init`: write an authority that fits the repository, and agents' settings."""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import click

from specguard.authority.load import AUTHORITY
from specguard.authority.policy import Policy
from specguard.change.base import local_base, usual_base
from specguard.change.check_request import read_regular
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.repository import Repository, find_program, short_name
from specguard.cli import options as opt
from specguard.cli.authority_file import AuthorityFile, ProposedSetting, settings_block, with_settings
from specguard.cli.doctor import disabled_features
from specguard.cli.options import find_repository, say, say_each, usage
from specguard.cli.proposed_authority import Adoption, Draft, report_past
from specguard.documents.toml import toml_value
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, unknown
from specguard.integrations.hooks.dialects import AGENTS
from specguard.integrations.hooks.settings import HOSTS, Host, JsonTextError, call_words, merge
from specguard.model import Record
from specguard.reporters.escape import text_lines, visible
from specguard.reporters.file_writing import exists_error, path_in_tree, replace_file, write_files, writing
from specguard.runs.files import IGNORE, run_root, write_gitignore
from specguard.runs.settings import RunSettings


@opt.command("init")
@opt.repeated("--preset", "presets", metavar="NAME", help="Start from this preset; repeatable.")
@opt.repeated(
    "--approver",
    "approvers",
    metavar="NAME=KEYFILE",
    help="Let NAME approve, with this public SSH key; repeatable.",
)
@opt.choice("--agent", "agents", words=AGENTS, multiple=True, help="Write this agent's hooks; repeatable.")
@opt.flag("--adopt", help="Read prose, and add the settings that enforce it.")
@opt.flag("--print", "only_print", help="Print it, and write nothing.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
def command(
    presets: tuple[str, ...],
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
    repository = find_repository()
    authority = AuthorityFile(repository)
    known_presets = load_registry().presets
    for preset in presets:
        if preset not in known_presets:
            raise unknown("preset", preset, known_presets)
    new_approvers = [ProposedSetting.of_approver(text) for text in approvers]
    settings = plan_settings(authority.top, agents, os.environ)
    exists = authority.exists
    can_ask = sys.stdin.isatty() and sys.stdout.isatty() and not only_print
    if files and not adopt:
        step = "specguard init --preset" if files[0] in known_presets else "specguard init --adopt"
        raise usage(f"{files[0]} is not read without --adopt", f"{step} {shlex.quote(files[0])}")
    if exists and presets and (adopt or not only_print):
        raise exists_error(AUTHORITY, "--preset begins a new one; --print shows it")
    if adopt and not (exists or files):
        step = "name the document to read, as in: specguard init --adopt AGENTS.md"
        raise usage(f"there is no {AUTHORITY} to adopt", step)
    if exists and not presets and (adopt or can_ask or new_approvers or settings):
        read = files if adopt or not (new_approvers or settings) else None
        _extend(authority, new_approvers, settings, read, confirmed=adopt, only_print=only_print)
        return
    if exists and not only_print:
        authority.compile()
        raise exists_error(AUTHORITY, "specguard init --adopt reads it, and adds settings that enforce it")
    if not new_approvers and can_ask:
        new_approvers = _ask_for_approver()
    with Git(repository) as git:
        found = usual_base(git) or local_base(git)
    base = found.name.removeprefix("origin/") if found else _first_branch(repository)
    own = None if exists else authority.compile()
    # Where other documents are the authority, their base or a usual one holds: another changes the policy.
    # Without one, this branch is found as long as no other has the documents too.
    has_base = own and (own.base or (found and (found.trusted or repository.branch != f"refs/heads/{base}")))
    proposed = Draft(authority, (own and own.base) or base, presets)
    proposed.settings += [] if has_base else [ProposedSetting(f"base = {toml_value(base)}")]
    proposed.settings += [*new_approvers, *proposed.spec_code_settings()]
    if adopt:
        proposed.settings += _adopt(authority, proposed.text(), files)
    _write_new(proposed, settings, only_print=only_print)


def _first_branch(repository: Repository) -> str:
    """Return the only local branch that was made from no other, as its log says; else the current one."""
    names = [ref.name for ref in repository.branches() if ref.name.startswith("refs/heads/")]
    begun = [name for name in names if not repository.created_from(name)]
    return short_name(begun[0] if len(begun) == 1 else repository.branch or "main")


def _extend(
    authority: AuthorityFile,
    new_approvers: Sequence[ProposedSetting],
    settings: Sequence[HostSettings],
    files: Sequence[str] | None,
    *,
    confirmed: bool,
    only_print: bool,
) -> None:
    """Add approvers, and settings that documents state in prose, to the existing authority.

    With `files` None no document is read.
    """
    # Errors in the existing authority are reported first.
    policy = authority.compile()
    text = authority.read() if new_approvers or files is not None else ""
    additions, subject = list(new_approvers), "docs: name who may approve"
    if files is not None:
        additions = [*_adopt(authority, text, files), *new_approvers]
        adopted = authority.compile_text(with_settings(text, additions))
        if not only_print:
            say_each(report_past(authority.repository, lambda past: past.report(adopted)))
        subject = "docs: have rules hold what it says"
        if only_print or not additions or not (confirmed or click.confirm(f"Add this to {AUTHORITY}?")):
            additions = list(new_approvers) if only_print else []
    show_settings(settings)
    if additions:
        missing = [one for one in additions if one.toml not in text.replace("\r\n", "\n")]
        if not missing:
            say(f"{AUTHORITY} has that already")
        elif only_print:
            say_each(settings_block(missing))
        else:
            after = authority.change(lambda text: with_settings(text, missing))
            # The change that only names the first approver needs no approval.
            advice = authority.commit_advice(policy if files is not None else None)
            say(f"{AUTHORITY} has what you asked for; {advice}:")
            say(authority.commit_step(after, [AUTHORITY, *(files or ())], subject))
    if not only_print:
        write_settings(authority, settings, policy)


def _write_new(proposed: Draft, settings: Sequence[HostSettings], *, only_print: bool) -> None:
    """Write a new authority and agents' settings, or print them, then print the next steps."""
    authority = proposed.authority
    past = list(report_past(authority.repository, proposed.fit_to_past))
    policy = proposed.policy()
    if only_print:
        click.echo(proposed.text(), nl=False)
        show_settings(settings)
        return
    write_files(authority.top, {AUTHORITY: proposed.text()})
    say_each(past)
    written = [*(path for path, _ in policy.documents), *_ignore_runs(authority.repository, policy)]
    remote = authority.repository.refs_named([f"refs/remotes/origin/{proposed.base}"])
    say(f"{AUTHORITY} is written; it judges once it is on {'origin/' if remote else ''}{proposed.base}:")
    say(authority.commit_step(policy, written, "docs: state what may change"))
    if not policy.declared("approval_settings").approver:
        say("nobody may approve exceptions yet: specguard init --approver NAME=KEYFILE adds who may")
    for kind in policy.declared("work_kinds").values():
        if kind.pointer and not any(os.path.exists(os.path.join(authority.top, one)) for one in kind.pointer):
            say(f"{' or '.join(kind.pointer)} is to name the current item, and is not there yet")
    say_each(f"off: {promise}" for promise in disabled_features(policy))
    say("then: specguard doctor shows what checks and hooks need here, specguard policy what was understood")
    show_settings(settings)
    write_settings(authority, settings, policy)


def _ask_for_approver() -> list[ProposedSetting]:
    """Ask on a terminal who may approve; return an empty list if the answer is empty."""
    name = click.prompt("Who may approve exceptions? A name, or just Enter", default="", show_default=False)
    if not name.strip():
        return []
    key = click.prompt(f"The public SSH key that {visible(name)} signs with (a .pub file)")
    return [ProposedSetting.of_approver(f"{name}={key}")]


def _adopt(authority: AuthorityFile, text: str, files: Sequence[str]) -> list[ProposedSetting]:
    """Print which rule or setting holds each sentence of the documents; return the settings to add."""
    adoption = Adoption(authority, text, files)
    block = settings_block(adoption.settings) if adoption.settings else ["nothing is to be added"]
    say_each([*text_lines("adoption.txt", account=adoption.account), "", *block, ""])
    return adoption.settings


def _ignore_runs(repository: Repository, policy: Policy) -> Sequence[str]:
    """Have git ignore the folder of runs; if the policy commits runs, ignore only their local files.

    Returns:
        The files that were written.
    """
    settings: RunSettings = policy.declared("run_settings")
    folder = settings.path.strip("/")
    if settings.root:
        return ()
    written: list[str] = []
    committed = settings.keep == "tree"
    if committed and write_gitignore(run_root(settings, repository), committed=True):
        written.append(f"{folder}/{IGNORE}")
    file = os.path.join(repository.work_tree(), IGNORE)
    if committed and not os.path.lexists(file):
        return written
    line = f"{'!' if committed else ''}/{folder}/"
    try:
        # Refuse a link, which may lead out of the repository.
        with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b") as stream:
            text = stream.read()
            # If several lines match the folder, git obeys the last one.
            lines = [one.strip() for one in text.split(b"\n") if one.strip(b" \t\r!/") == os.fsencode(folder)]
            if bool(lines and not lines[-1].startswith(b"!")) == committed:
                newline = b"" if not text or text.endswith(b"\n") else b"\n"
                stream.write(newline + os.fsencode(f"{line}\n"))
                lines.append(os.fsencode(line))
            # An earlier run may have written the line, and nobody committed it.
            if lines[-1:] == [os.fsencode(line)]:
                written.append(IGNORE)
    except OSError as error:
        say(f"note: add {line} to {IGNORE}, which cannot be written: {error.strerror}")
    return written


ON_FAILURE: Final = ">=2.1.295"
"""The versions of Claude Code that know `onFailure`; older ones may refuse a hook that has this key."""


class HostSettings(Record):
    """An agent's settings file before and after the change.

    Attributes:
        host: the agent.
        old: the present content; None if the file is missing.
        new: the content with specguard's hooks.
    """

    host: Host
    old: str | None
    new: str


def plan_settings(top: str, agents: Sequence[str], environment: Mapping[str, str]) -> list[HostSettings]:
    """Return the settings of these agents with the hooks that are to be written.

    Args:
        top: the root of the working tree.
        agents: their names.
        environment: the environment in which programs are found.

    Raises:
        SpecguardError: a file is not a regular file of the tree, or not JSON; then nothing should be written.
    """
    program = call_words(environment)
    settings: list[HostSettings] = []
    for host in (HOSTS[name] for name in HOSTS if name in agents):
        on_failure = host.agent == "claude" and _knows_on_failure(environment)
        try:
            old = read_settings(top, host)
            new = merge(old or "", host, program, on_failure=on_failure)
        except (JsonTextError, SpecguardError) as error:
            click.echo(f"what {host.file} would need:\n{merge('', host, program, on_failure=on_failure)}")
            if isinstance(error, SpecguardError):
                raise
            help = "put what is printed above in by hand, or make it JSON that has what it needs"
            message = f"nothing is added to it: {error}"
            raise SpecguardError(message, path=host.file, help=help, code="unreadable-file") from error
        settings.append(HostSettings(host, old, new))
    return settings


def read_settings(top: str, host: Host) -> str | None:
    """Return the content of an agent's settings file in a project; None if the file is missing.

    Raises:
        SpecguardError: the path is not a regular file, goes through a link, or is not UTF-8.
    """
    help = f"put a file in its place, or write there what `specguard init --agent {host.agent} --print` has"
    file = path_in_tree(top, host.file, help)
    if not os.path.lexists(file) and not os.path.isfile(os.path.dirname(file)):
        return None
    try:
        return read_regular(file, DOCUMENT_LIMIT, "the file of settings").decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecguardError("it is not UTF-8", path=host.file, help=help, code="unreadable-file") from error


def show_settings(planned: Sequence[HostSettings]) -> None:
    """Print the changes to the settings files as diffs."""
    for one in planned:
        file = one.host.file
        if one.new == one.old:
            click.echo(f"{file} has all it needs")
        before, old = ("/dev/null", "") if one.old is None else (file, one.old)
        say_each(difflib.unified_diff(old.splitlines(), one.new.splitlines(), before, file, lineterm=""))


def write_settings(authority: AuthorityFile, planned: Sequence[HostSettings], policy: Policy | None) -> None:
    """Write the planned settings, then print what a person has to do so that the hooks run.

    Notes name the files that git ignores, since other worktrees do not get them.

    Raises:
        SpecguardError: a file cannot be written, or was changed since it was read.
    """
    repository, top = authority.repository, authority.top
    written = {one.host.file: one for one in planned if one.new != one.old}
    for name, one in written.items():
        if read_settings(top, one.host) != one.old:
            message, help = "it was changed meanwhile", "run specguard init again"
            raise SpecguardError(message, path=name, help=help, code="never-overwritten")
        replace_file(os.path.join(top, name), one.new, writing(name), with_folder=True)
    if written:
        say(f"written: {', '.join(written)}")
    if shared := [file for file in written if not repository.ignores(file)]:
        say(authority.commit_step(policy, shared, "chore: have agents ask specguard"))
    for file in filter(repository.ignores, (one.host.file for one in planned)):
        say(f"note: git ignores {file}, so other worktrees and other people do not have it")
    if planned:
        say("then: specguard doctor runs each hook once, and says which are trusted")


def _knows_on_failure(environment: Mapping[str, str]) -> bool:
    from specguard.executor.agent import check_version

    with suppress(SpecguardError):
        if program := find_program("claude", environment):
            check_version(program, ON_FAILURE, environment)
            return True
    return False
