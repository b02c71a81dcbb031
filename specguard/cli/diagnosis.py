"""What `specguard doctor` says of agents' hooks, of canaries and of runs."""

from __future__ import annotations

import os
import time

from specguard.change.git import Git
from specguard.change.repository import Repository, find_program
from specguard.cli.options import counted
from specguard.declaration.rule import Record
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final, Literal

    from specguard.authority.policy import Policy
    from specguard.change.request import Request
    from specguard.executor.remote.git import Address
    from specguard.integrations.hooks.places import WorkTree
    from specguard.integrations.hooks.settings import Found, Host
    from specguard.integrations.hooks.trust import Probe
    from specguard.runs.settings import AgentSettings, RunSettings
    from specguard.specs.settings import SpecSettings
    from specguard.work.kinds import WorkKind

    Status = Literal["ok", "note", "missing"]


class Diagnosis(Record):
    """One thing that was looked at.

    Attributes:
        subject: what.
        status: `ok`, `note` (a check works without it) or `missing` (it does not).
        said: what is there.
        help: the remedy; empty where nothing is to be done.
    """

    subject: str
    status: Status
    said: str
    help: str = ""


def off_promises(policy: Policy) -> Iterator[str]:
    """What a way to work promises and leaves to the project to turn on, each with the line that does."""
    runs: RunSettings = policy.declared("run_settings")
    specs: SpecSettings = policy.declared("spec_settings")
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    gates = {name: [gate.name for gate in kind.gates if gate.kind == "gate"] for name, kind in kinds.items()}
    first = next((names[0] for names in gates.values() if names), "GATE")
    unset = [key for key in ("quick_gates", "full_gates") if not getattr(runs, key)]
    local = runs.keep == "local"
    ignored = f"; and in .gitignore, as its last line, !/{runs.path.strip('/')}/" if local else ""
    if runs.full_before and unset:
        lines = " and ".join(['keep = "tree"'] * local + [f'{key} = ["{first}"]' for key in unset])
        yield (
            "gates on each commit, again after fixes and before reviews, and a passing run for each slice's "
            f"final tree (RUN009): under [runs] write {lines}, with your gates' names{ignored}"
        )
    elif any(gates.values()) and not runs.require:
        wanted = ", ".join(f'"{kind}"' for kind, names in gates.items() if names)
        yield (
            "a commit names its run, whose gates passed on its tree (RUN001, RUN002): under [runs] write "
            f'keep = "tree" and require = [{wanted}]{ignored}'
        )
    if local and len(unset) < (1 if runs.full_before else 2):
        yield (
            "the gates of [runs] are asked only where a folder of runs is, so not in CI (RUN009): "
            f'under [runs] write keep = "tree"{ignored}'
        )
    if runs.grade in ("", "claimed") and (policy.declares("checklists") or policy.declares("plan_kinds")):
        yield 'a run of its item and tree shows what is done (RUN007): under [runs] write grade = "observed"'
    if specs.code and not specs.governs:
        code, spec = specs.code.patterns[0], next(iter(specs.files.patterns), "SPEC.md")
        yield f'a spec governs its code (SPC003, SPC007): under [specs.governs] write "{code}" = ["{spec}"]'
    assets = policy.declared("assets") if policy.declares("assets") else None
    signed = policy.declared("contracts").get("sign-off")
    name = signed.path.rpartition("/")[2] if signed else ""
    if assets and assets.proofs and name and name not in assets.run_files:
        files = ", ".join(f'"{one}"' for one in [*assets.run_files, name])
        yield f"a reviewer signs an asset's run off (RUN010): under [assets] write run_files = [{files}]"
    trailers = policy.rule("CMT006")
    if policy.merge == "squash" and trailers and trailers.active and trailers.settings.get("require"):
        yield 'commits have the trailers that are asked for (CMT006): take out merge = "squash"'
    if runs.full_before and not policy.declares("grounding"):
        yield 'agents cite what they must read (ART014): under [grounding] write all = ["README.md"]'


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
    from specguard.cli.init import read_settings
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
    from specguard.integrations.hooks.pins import last_fired

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


def diagnose_canaries(request: Request) -> Iterator[Diagnosis]:
    """One change a rule, in scratch repositories; nothing of this repository is written.

    Args:
        request: its policy is what a check would judge by.
    """
    from specguard.evaluation.canaries import try_canaries
    from specguard.evaluation.own import authority_of

    counts = {"caught": 0, "missed": 0, "unprovoked": 0}
    try:
        policy = open_policy(request)
        with Git(Repository.locate(request.directory, request.environment)) as git:
            own = authority_of(git, policy)
        for canary in try_canaries(own):
            counts[canary.outcome] += 1
            subject = f"canary {canary.code} {canary.name}"
            if canary.outcome == "caught":
                yield Diagnosis(subject, "ok", f"caught {canary.said}")
            elif canary.outcome == "missed":
                yield Diagnosis(
                    subject, "missing", f"did not fire: {canary.said}", f"specguard rule {canary.code}"
                )
            else:
                yield Diagnosis(subject, "note", f"not provoked, so nothing is shown: {canary.said}")
    except SpecguardError as error:
        yield Diagnosis("canaries", "missing", error.message, error.help)
        return
    said = f"{counts['caught']} of {counted(sum(counts.values()), 'active rule')} caught their change"
    if counts["unprovoked"]:
        said += f", {counts['unprovoked']} could not be provoked"
    if counts["missed"]:
        yield Diagnosis("canaries", "missing", f"{said}, {counts['missed']} did not fire")
    else:
        yield Diagnosis("canaries", "note" if counts["unprovoked"] else "ok", said)


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
