"""What `specguard doctor` says of agents' hooks: which are there, whether they refuse, when they last ran."""

from __future__ import annotations

import os
import time

from specguard.change.repository import find_program
from specguard.cli.diagnosis import Diagnosis
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard.change.repository import Repository
    from specguard.integrations.hooks.places import WorkTree
    from specguard.integrations.hooks.settings import Found, Host
    from specguard.integrations.hooks.trust import Probe

_CIRCULAR: Final = "specguard doctor"


def diagnose_agents(repository: Repository) -> Iterator[Diagnosis]:
    """The hooks of each agent whose settings or whose program are here."""
    from specguard.integrations.hooks.places import work_tree_at
    from specguard.integrations.hooks.settings import HOSTS

    try:
        top = repository.work_tree()
    except SpecguardError:
        # A bare repository has no agents.
        return
    tree = work_tree_at(os.fsencode(top))
    for host in HOSTS.values():
        yield from _diagnose(host, top, repository, tree)


def _diagnose(host: Host, top: str, repository: Repository, tree: WorkTree | None) -> Iterator[Diagnosis]:
    from specguard.cli.init_agents import read_settings
    from specguard.integrations.hooks.settings import JsonTextError, call_words, look

    environment = repository.environment
    subject, repair = f"hooks of {host.agent}", f"specguard init --agent {host.agent}"
    try:
        text = read_settings(top, host)
    except SpecguardError as error:
        yield Diagnosis(subject, "note", f"{host.file}: {error.message}", error.help)
        return
    program = find_program(host.program, environment)
    if text is None or "specguard" not in text:
        if program is not None:
            yield Diagnosis(subject, "note", f"{host.program} is here, and {host.file} has no hooks", repair)
        return
    try:
        found = look(text, host, call_words(environment))
    except JsonTextError as error:
        yield Diagnosis(subject, "missing", f"{host.file}: {error}", f"fix it, then: {repair}")
        return
    if found.switched_off:
        yield Diagnosis(
            subject,
            "missing",
            f"{host.file} switches hooks off by {found.switched_off}",
            "take that out of it",
        )
        return
    if found.missing:
        said = f"{host.file} lacks what it needs on {', '.join(found.missing)}"
        yield Diagnosis(subject, "missing", said, repair)
        return
    yield _proved(host, found, top, repository, tree)
    yield from _trust(host, program, top, repository)


def _proved(host: Host, found: Found, top: str, repository: Repository, tree: WorkTree | None) -> Diagnosis:
    """What a probe of the hook says; only a command that is known to be specguard's is run."""
    from specguard.integrations.hooks.settings import SOON, known_calls, wanted_hooks
    from specguard.integrations.hooks.trust import probe

    subject = f"hooks of {host.agent}"
    said = f"{host.file} has all of {', '.join(found.commands)}"
    last = _last(host, tree)
    known = {
        hook.command for call in known_calls(repository.environment) for hook in wanted_hooks(host, call)
    }
    foreign = [command for command in found.commands.values() if command not in known]
    if foreign:
        # It is a text of the repository, which may be anybody's.
        why = f"not run, since it is not how specguard is called here: {foreign[0]}"
        remedy = f"read it and run it with an event, or: specguard init --agent {host.agent}"
        return Diagnosis(subject, "note", f"{said}; {last}; {why}", remedy)
    result = probe(host, found.commands[host.before], top, repository.environment, SOON)
    if result.state == "refused":
        return Diagnosis(subject, "ok", f"{said}; a probe was refused in {result.seconds:.2f} s; {last}")
    return Diagnosis(subject, "missing", _broken(result), _repair(host, result))


def _broken(result: Probe) -> str:
    first = result.said.split("\n")[0]
    if result.state == "broken":
        return f"a probe was refused for want of a judgement, as every edit is: {first}"
    return f"a probe of a guarded edit was let through: {first}"


def _repair(host: Host, result: Probe) -> str:
    if result.repair and result.repair != _CIRCULAR:
        return result.repair
    return "specguard policy" if result.repair else f"specguard init --agent {host.agent}"


def _last(host: Host, tree: WorkTree | None) -> str:
    from specguard.integrations.hooks.calls import last_fired

    fired = last_fired(host.agent, tree) if tree is not None else None
    if fired is None:
        return "no event of an agent has come in this worktree yet"
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(fired[0]))
    return f"last event {when} ({fired[1]})"


def _trust(host: Host, program: str | None, top: str, repository: Repository) -> Iterator[Diagnosis]:
    from specguard.integrations.hooks.trust import trust_of

    if host.agent == "cursor" or (host.agent == "codex" and program is None):
        # Nobody can be asked.
        return
    trust = trust_of(host, program, top, repository.environment)
    yield Diagnosis(f"trust of {host.agent}", "ok" if trust.trusted else "note", trust.said, trust.help)
