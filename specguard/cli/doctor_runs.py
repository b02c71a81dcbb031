"""What `specguard doctor` says of runs: the remote, the platform, programs, agents, and those there are."""

from __future__ import annotations

import os

from specguard.change.repository import find_program
from specguard.cli.diagnosis import Diagnosis, off_promises
from specguard.cli.words import counted
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from specguard.authority.policy import Policy
    from specguard.change.repository import Repository
    from specguard.executor.remote.git import Address
    from specguard.runs.settings import AgentSettings, RunSettings

_HOOKS = ".pre-commit-config.yaml"

_INSTALL = {
    "claude": "npm install -g @anthropic-ai/claude-code",
    "codex": "npm install -g @openai/codex",
    "gemini": "npm install -g @google/gemini-cli",
}
"""How the agents' own documents install them."""


def diagnose_runs(repository: Repository, policy: Policy, *, trusted: bool) -> Iterator[Diagnosis]:
    """What a run needs here; nothing where the policy has no work items to run.

    Args:
        repository: the user's.
        policy: what a check would judge by.
        trusted: whether that is the base's: of another one no agent's program is asked for its version.
    """
    for promise in off_promises(policy):
        yield Diagnosis("off", "note", promise)
    if not policy.declared("work_kinds"):
        return
    environment, top = repository.environment, repository.work_tree()
    address = _address(repository, policy, top)
    if isinstance(address, Diagnosis):
        yield address
    else:
        yield from _platform(address, environment, top)
    if os.path.exists(os.path.join(top, _HOOKS)) and find_program("pre-commit", environment) is None:
        yield Diagnosis("pre-commit", "note", f"not on the path, and runs need it for {_HOOKS}",
                        "pip install pre-commit")  # fmt: skip
    yield from _gates(policy, environment)
    agents: Mapping[str, AgentSettings] = policy.declared("agents")
    for name in agents:
        yield _agent(name, agents[name], policy, environment, trusted=trusted)
    yield _runs(policy, environment, top)


def _address(repository: Repository, policy: Policy, top: str) -> Address | Diagnosis:
    from specguard.executor.remote.git import find_address, read_settings

    try:
        return find_address(read_settings(repository), "origin", policy.remote or "", root=top)
    except SpecguardError as error:
        return Diagnosis("remote of runs", "note", error.message, error.help)


def _platform(address: Address, environment: Mapping[str, str], top: str) -> Iterator[Diagnosis]:
    from specguard.executor.remote.pull_request import find_platform

    yield Diagnosis("remote of runs", "ok", address.shown)
    platform, why = find_platform(address, environment, top)
    if platform is not None:
        yield Diagnosis("pull requests", "ok", f"{platform.command} is signed in to {address.host}")
    else:
        yield Diagnosis(
            "pull requests", "note", f"runs print the command that opens one: {why}", _sign_in(address, why)
        )


def _gates(policy: Policy, environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    """The programs that gates of the policy begin with and that are not there; a document may name more."""
    from specguard.executor.gates import planned_gates, program_of, remedy

    needs: dict[str, list[str]] = {}
    for gate in planned_gates(policy, None).gates:
        program = program_of(gate.wrapper or gate.run)
        if program and find_program(program, environment) is None:
            needs.setdefault(program, []).append(f"the {gate.kind} {gate.name!r} of {gate.named}")
    for program, wanted in needs.items():
        named = ", ".join(wanted)
        yield Diagnosis(
            f"program {program}", "note", f"not on the path, and runs need it for {named}",
            remedy(program, named),
        )  # fmt: skip


def _sign_in(address: Address, why: str) -> str:
    """What gives runs a platform; nothing where there is none to be had."""
    named = [command for command in ("gh", "glab") if command in why.split()]
    if not address.host or not named:
        return ""
    command = named[0]
    install = f"install {command}, then: " if f"{command} is not installed" in why else ""
    return f"{install}{command} auth login --hostname {address.host}"


def _agent(
    name: str, settings: AgentSettings, policy: Policy, environment: Mapping[str, str], *, trusted: bool
) -> Diagnosis:
    """Whether an agent of the policy is there, in a version that the policy asks for."""
    from specguard.executor.agent import locate, resolve_agent
    from specguard.executor.run import RunOptions

    subject, program = f"agent {name}", settings.command[0]
    try:
        locate(program, environment)
    except SpecguardError as error:
        wanted = f" {settings.version}" if settings.version else ""
        how = f": {_INSTALL[program]}" if program in _INSTALL else ""
        return Diagnosis(
            subject, "note", error.message,
            f"install {program}{wanted}{how}; or run another agent of the policy",
        )  # fmt: skip
    try:
        options = RunOptions(environment=dict(environment), kind="item", agent=name)
        found = resolve_agent(policy, options, look=trusted)
    except SpecguardError as error:
        return Diagnosis(subject, "missing", error.message, error.help)
    return Diagnosis(subject, "ok", f"{program} {found.version}" if found.version else program)


def _runs(policy: Policy, environment: Mapping[str, str], top: str) -> Diagnosis:
    """Whether the folder of runs can be written to, and whether runs have died."""
    from specguard.runs.files import run_root
    from specguard.runs.views import RunStore

    settings: RunSettings = policy.declared("run_settings")
    try:
        root = run_root(settings, environment, work_tree=top)
    except SpecguardError as error:
        return Diagnosis("runs", "note", error.message, error.help)
    there = root
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        return Diagnosis("runs", "note", f"{root} cannot be written to", "correct root or path of [runs]")
    runs = RunStore(root, settings).runs()
    dead = [one.run_id for one in runs if one.stale]
    said = f"{counted(len(runs), 'run')} in {root}"
    if dead:
        return Diagnosis("runs", "note", f"{said}; died: {', '.join(dead)}", "specguard run doctor")
    return Diagnosis("runs", "ok", said)
