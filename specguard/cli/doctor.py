"""`specguard doctor`: diagnose what checks, agents' hooks and runs need here, and what is missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from importlib.util import find_spec
from typing import Final, Literal

from specguard.authority.policy import Policy
from specguard.change.base import FoundBase, find_base, named_base, no_base_error
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.platform_event import EVENTS, find_event, read_event
from specguard.change.process import CommandError
from specguard.change.repository import Repository, find_program
from specguard.cli import options as opt
from specguard.cli.options import show
from specguard.engine.check import is_ci_only
from specguard.engine.plugins import load_registry, open_with_plugins
from specguard.engine.trusted_policy import TRY
from specguard.errors import MissingFact, Needed, SpecguardError
from specguard.evaluation.canaries import try_canaries, unmatched_reason
from specguard.evaluation.policy_tests import policy_authority
from specguard.integrations.hooks.settings import Host
from specguard.model import EXIT_FAILED, EXIT_PASSED, Origin, Record, counted
from specguard.reporters.escape import cut
from specguard.reporters.json import fields_of
from specguard.runs.settings import AgentSettings, RunSettings
from specguard.specs.settings import SpecSettings
from specguard.work.kinds import WorkKind

Status = Literal["ok", "note", "missing"]

EXTRAS: Final = {"mcp": "mcp", "lsp": "pygls"}
"""The extras, each named like the command that needs it, with a package that it installs."""

HOOKS: Final = {"pre-commit": "--staged", "commit-msg": "--commit-msg-file FILE", "pre-push": "--push"}
"""Git's hooks, each with the option of the check that it calls."""

_IDS: Final = {"pre-commit": "specguard", "commit-msg": "specguard-commit-msg", "pre-push": "specguard-push"}
"""Git's hooks, each with the id of specguard's hook for pre-commit that it runs."""

_PRE_COMMIT: Final = ".pre-commit-config.yaml"


class Diagnosis(Record):
    """The result of one diagnostic.

    Attributes:
        subject: the thing that was examined.
        status: `ok`, `note` (a check works without it) or `missing` (it does not).
        said: the message about the present state.
        help: the next step; empty if nothing has to be done.
    """

    subject: str
    status: Status
    said: str
    help: str = ""


@opt.command("doctor", json=True)
@opt.text("--base", metavar="REF", help="The base that checks will use.")
@opt.flag("--canary", help="Show that each active rule catches a change.")
def command(base: str, canary: bool, output_format: str) -> int:
    """Diagnose git, the repository, the base, the authority, hooks, the event file, plugins and runs.

    Each agent's hook gets an edit that it must refuse. It ends with 1 if a check lacks something, a hook is
    wrong, or a rule did not fire.
    """
    found = []
    for one in diagnose(Request(environment=os.environ, base=base), canary=canary):
        found.append(one)
        if output_format == "text":
            # Each canary takes its time, so nothing waits for the last one.
            show(output_format, None, _lines(one))
    show(output_format, [fields_of(one, *one._fields) for one in found], ())
    return EXIT_FAILED if any(one.status == "missing" for one in found) else EXIT_PASSED


def _lines(one: Diagnosis) -> Iterator[str]:
    yield f"{one.status:8}{one.subject}: {cut(one.said)}"
    if one.help:
        yield f"        next {cut(one.help)}"


class Checkup(Record):
    """The repository and request that the diagnostics examine.

    Attributes:
        repository: the repository.
        request: the request that a check here would have.
    """

    repository: Repository
    request: Request

    @cached_property
    def policy(self) -> Policy:
        """The policy that a check would judge by.

        Raises:
            SpecguardError, MissingFact: the policy is missing or has an error.
        """
        return open_with_plugins(self.request)

    @cached_property
    def base(self) -> FoundBase:
        """The base that checks use: the change's base, or the one that its authority names.

        Raises:
            SpecguardError, MissingFact: a base cannot be found.
        """
        with Git(self.repository) as git:
            found = find_base(git, self.request, find_event(self.request))
            if not found:
                raise no_base_error()
            # Errors of the authority are reported under `authority`; the branch that it names may not exist.
            with suppress(SpecguardError, MissingFact):
                if self.policy.base and not found.given:
                    return named_base(git, self.policy.base, "policy")
            return found


def diagnose(request: Request, *, canary: bool = False) -> Iterator[Diagnosis]:
    """Yield every diagnosis, in the order of a check; without a repository only the one on the repository.

    If several diagnostics fail for the same reason, the reason is reported once.

    Args:
        request: the request that a check here would have.
        canary: also show that each active rule catches a change.
    """
    try:
        repository = Repository.locate(request.directory, request.environment)
    except SpecguardError as error:
        yield Diagnosis("repository", "missing", error.message, error.help)
        return
    checkup = Checkup(repository, request)
    reported: set[tuple[str, str]] = set()
    for subject, check in (*_CHECKS.items(), *([("canaries", _canaries)] if canary else ())):
        # A check works even if a push or a run lacks something.
        status: Status = "note" if subject in ("stages", "runs") else "missing"
        for one in _catch_errors(subject, check(checkup), status):
            if one.subject != subject or (one.said, one.help) not in reported:
                yield one
            reported.add((one.said, one.help))


def _catch_errors(subject: str, diagnoses: Iterator[Diagnosis], status: Status) -> Iterator[Diagnosis]:
    """Yield the diagnoses of one diagnostic; an error that ends it becomes a diagnosis with this status."""
    try:
        with Needed():
            yield from diagnoses
    except SpecguardError as error:
        place = f"{Origin(error.path, error.line or 0)}: " if error.path else ""
        yield Diagnosis(subject, status, f"{place}{error.message}", error.help)
    except CommandError as error:
        yield Diagnosis(subject, status, f"git fails: {error.first_line}", "git config --list")


def _git(checkup: Checkup) -> Iterator[Diagnosis]:
    words = os.fsdecode(checkup.repository.spawn("--version").read()).split()
    yield Diagnosis("git", "ok", f"{words[2] if len(words) > 2 else '?'} ({checkup.repository.program})")


def _repository(checkup: Checkup) -> Iterator[Diagnosis]:
    yield Diagnosis("repository", "ok", checkup.repository.git_dir)
    if checkup.repository.shallow:
        yield Diagnosis("history", "note", "the clone is shallow", "git fetch --unshallow origin")


def _base(checkup: Checkup) -> Iterator[Diagnosis]:
    if checkup.repository.head is None:
        help = "commit; until then: specguard check --staged"
        yield Diagnosis("base", "note", "there is no commit yet", help)
    else:
        yield Diagnosis("base", "ok", f"{checkup.base.name} at {(checkup.base.oid or '')[:12]}")


def _authority(checkup: Checkup) -> Iterator[Diagnosis]:
    policy = checkup.policy
    documents = ", ".join(path for path, _ in policy.documents)
    active = sum(rule.active for rule in policy.rules)
    message = f"{documents}: {active} of {len(policy.rules)} rules have something to judge"
    if policy.floor:
        message += f", held to the floor {policy.floor['path']}"
    status: Status = "note"
    remark, help = "", "specguard policy"
    with Git(checkup.repository) as git:
        there = policy.based and all(map(git.tree_at(checkup.base.oid or "").has_file, policy.document_paths))
    if not policy.floor and any(one.meaning == "nothing" for one in policy.unread):
        status, remark, help = "missing", "nothing in it sets a rule", "specguard init --adopt"
    elif not there:
        remark, help = "it is not on the base yet", "merge it; try `specguard check`" if policy.ref else TRY
    elif policy.disregarded:
        remark = f"does not count: {counted(len(policy.disregarded), 'thing')}"
    elif policy.unread:
        remark = f"not understood: {counted(len(policy.unread), 'item')}"
    elif rule := policy.active_rule("SPC007"):
        remark = unmatched_reason(rule, policy_authority(checkup.repository, policy))
        help = "write `[specs] code` as the tree has it"
    said = f"{message}; {remark}" if remark else message
    yield Diagnosis("authority", status if remark else "ok", said, help if remark else "")


def _hooks(checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield whether git's hooks call specguard, directly or through pre-commit, lefthook or husky."""
    repository = checkup.repository
    process = repository.spawn("rev-parse", "--path-format=absolute", "--git-path", "hooks", user=True)
    folder = os.fsdecode(process.read()).rstrip("\n")
    top = repository.root or repository.git_dir
    files = (("pre-commit", _PRE_COMMIT), ("lefthook", "lefthook.yml"))
    called = {name: _read_code(os.path.join(top, file)) for name, file in files}
    hooks = {"pre-receive": "--pre-receive"} if repository.bare else HOOKS

    def is_configured(hook: str, manager: str) -> bool:
        text = called[manager].replace('"', "").replace("'", "")
        by_id = any(f"id: {_IDS.get(hook, hook)}{end}" in text for end in "\n ,}")
        return by_id or ("specguard" in text and hooks[hook].split()[0] in text)

    def calls_specguard(hook: str) -> bool:
        text = _read_code(os.path.join(folder, hook))
        # In the folder `_` of husky, a hook only runs the script of its name in the folder above.
        text += _read_code(os.path.join(folder.removesuffix("/_"), hook))
        by_manager = any(is_configured(hook, name) for name in called if name in text)
        calls = by_manager or "specguard check" in text or "specguard -C " in text
        # Git runs no hook that is not executable.
        return os.access(os.path.join(folder, hook), os.X_OK) and calls

    missing = [hook for hook in hooks if not calls_specguard(hook)]
    remedy = "pre-commit install " + " ".join(f"--hook-type {hook}" for hook in missing)
    elsewhere = folder != os.path.join(repository.common, "hooks")
    by_husky = any("specguard check" in _read_code(os.path.join(top, ".husky", hook)) for hook in missing)
    if by_husky and (folder.endswith("/.husky/_") or not elsewhere):
        remedy = "npx husky"
    elif repository.bare or called["lefthook"] or elsewhere:
        # Where `core.hooksPath` is set, pre-commit installs nothing.
        remedy = "call " + ", ".join(f"`specguard check {hooks[hook]}` in {hook}" for hook in missing)
        remedy += "; then: lefthook install" if called["lefthook"] else "; git runs only executable files"
    elif absent := [_IDS[hook] for hook in missing if not is_configured(hook, "pre-commit")]:
        remedy = f"add {', '.join(absent)} to {_PRE_COMMIT}, then: {remedy}"
    state = f"not installed: {', '.join(missing)}" if missing else ", ".join(hooks)
    yield Diagnosis("hooks", "note" if missing else "ok", state, remedy if missing else "")


def _read_code(file: str) -> str:
    """Return a file without comments, which a space or a new line precedes; empty if it cannot be read."""
    with suppress(OSError), open(file, encoding="utf-8", errors="replace") as stream:
        lines = stream.read(1 << 20).split("\n")
        return "".join(f" {line}".partition(" #")[0].rstrip() + "\n" for line in lines)
    return ""


def _stages(checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield a note on each rule that the authority keeps from judging at a push, so only CI judges it."""
    policy = checkup.policy
    for rule in policy.rules:
        if rule.active and is_ci_only(rule.stages) and "push" in type(rule.load()).stages:
            where = policy.cite(rule.name, "stages") or "the authority"
            message = f"{rule.code} judges in CI, and not when you push"
            yield Diagnosis("stages", "note", message, f'add "push" to its stages in {where}')


def _event(checkup: Checkup) -> Iterator[Diagnosis]:
    file = checkup.request.environment.get("GITHUB_EVENT_PATH", "")
    message = "none: no platform describes a change here"
    if file and checkup.request.environment.get("GITHUB_EVENT_NAME", "push") in EVENTS:
        message = f"{read_event(file).kind} ({file})"
    elif find_event(checkup.request) is not None:
        message = "the platform's variables"
    yield Diagnosis("event", "ok", message)


def _plugins(checkup: Checkup) -> Iterator[Diagnosis]:
    rules = len(load_registry(checkup.policy.plugins).rules)
    yield Diagnosis("plugins", "ok", f"{rules} rules of {', '.join(['specguard', *checkup.policy.plugins])}")


def _extras(_checkup: object) -> Iterator[Diagnosis]:
    """Yield the extras that are not installed, with the commands that need them, or that all are."""
    absent = [name for name, module in EXTRAS.items() if find_spec(module) is None]
    needed = " and ".join(f"specguard {name}" for name in absent)
    note = f"not installed: {', '.join(absent)}; {needed} would need it"
    help = f"pip install 'specguard[{','.join(absent)}]'"
    yield Diagnosis("extras", "note", note, help) if absent else Diagnosis("extras", "ok", ", ".join(EXTRAS))


def _agents(checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield the state of the hooks of each agent set up or installed here; none in a bare repository."""
    from specguard.integrations.hooks.settings import HOSTS

    top = checkup.repository.root
    for host in HOSTS.values() if top else ():
        answers = _diagnose_host(host, top or "", checkup.repository.environment)
        yield from _catch_errors(f"hooks of {host.agent}", answers, "note")


def _diagnose_host(host: Host, top: str, environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    from specguard.cli.init import read_settings
    from specguard.integrations.hooks.settings import JsonTextError, call_words, find_hooks, trust_of

    subject, repair = f"hooks of {host.agent}", f"specguard init --agent {host.agent}"
    program = find_program(host.program, environment)
    text = read_settings(top, host)
    if text is None or "specguard" not in text:
        if program is not None or text is not None:
            yield Diagnosis(subject, "note", f"{host.file} has no hooks of specguard", repair)
        return
    try:
        found = find_hooks(text, host, call_words(environment))
    except JsonTextError as error:
        yield Diagnosis(subject, "missing", f"{host.file}: {error}", f"fix it, then: {repair}")
        return
    if found.switched_off:
        message = f"{host.file} switches hooks off by {found.switched_off}"
        yield Diagnosis(subject, "missing", message, "take that out of it")
    elif found.missing:
        message = f"{host.file} lacks what it needs on {', '.join(found.missing)}"
        yield Diagnosis(subject, "missing", message, repair)
    else:
        yield _probe(host, found.commands, top, environment)
        # Cursor does not report whether it trusts hooks, and Codex only if its program is here.
        if host.agent != "cursor" and (host.agent != "codex" or program is not None):
            trust = trust_of(host, program, top, environment)
            status: Status = "ok" if trust.trusted else "note"
            yield Diagnosis(f"trust of {host.agent}", status, trust.reason, trust.help)


def _probe(host: Host, commands: Mapping[str, str], top: str, environment: Mapping[str, str]) -> Diagnosis:
    """Return the result of probing the hook; a command that is not known to be specguard's is not run."""
    from specguard.integrations.hooks.settings import SOON, known_calls, probe, wanted_hooks

    subject, repair = f"hooks of {host.agent}", f"specguard init --agent {host.agent}"
    known = {one.handler["command"] for call in known_calls(environment) for one in wanted_hooks(host, call)}
    unknown_commands = [one for one in commands.values() if one not in known]
    state = f"{host.file} has all of {', '.join(commands)}"
    if unknown_commands:
        # The command comes from a file of the repository, which anybody may have written.
        said = f"{state}; not run, since it is not how specguard is called here: {unknown_commands[0]}"
        return Diagnosis(subject, "note", said, f"read it and run it with an event, or: {repair}")
    result = probe(host, commands[host.events[0]], top, environment, SOON)
    if result.state == "refused":
        return Diagnosis(subject, "ok", f"{state}; a probe was refused in {result.seconds:.2f} s")
    outcome = "refused for want of a judgement" if result.state == "broken" else "let through"
    # The remedy must not be to run doctor again.
    repair = (result.repair or repair).replace("specguard doctor", "specguard policy")
    state = f"a probe of a guarded edit was {outcome}: {result.reason.splitlines()[0]}"
    return Diagnosis(subject, "missing", state, repair)


def _runs(checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield what runs need here; if the policy has no work items, only the features that are off."""
    repository, policy = checkup.repository, checkup.policy
    environment, top = repository.environment, repository.root
    if top is None:
        return
    yield from (Diagnosis("off", "note", promise) for promise in disabled_features(policy))
    if not policy.declared("work_kinds"):
        return
    yield from _catch_errors("remote of runs", _platform(repository, policy, top), "note")
    if os.path.exists(os.path.join(top, _PRE_COMMIT)) and find_program("pre-commit", environment) is None:
        message = f"not on the path, and runs need it for {_PRE_COMMIT}"
        yield Diagnosis("pre-commit", "note", message, "pip install pre-commit")
    yield from _gates(policy, environment)
    agents: Mapping[str, AgentSettings] = policy.declared("agents")
    for name, settings in agents.items():
        yield from _catch_errors(f"agent {name}", _agent(name, settings, checkup), "missing")
    yield from _catch_errors("runs", _run_folder(repository, policy), "note")


def _platform(repository: Repository, policy: Policy, top: str) -> Iterator[Diagnosis]:
    from specguard.executor.remote import Address, read_settings

    address = Address.find(read_settings(repository), "origin", policy.remote or "", root=top)
    yield Diagnosis("remote of runs", "ok", address.shown)
    platform, reason = address.platform(repository)
    if platform is not None:
        yield Diagnosis("pull requests", "ok", f"{platform.command} is signed in to {address.host}")
    else:
        command = next((one for one in ("gh", "glab") if one in reason.split()), "")
        first = f"install {command}, then: " if f"{command} is not installed" in reason else ""
        help = f"{first}{command} auth login --hostname {address.host}" if address.host and command else ""
        yield Diagnosis("pull requests", "note", f"runs print how to open one: {reason}", help)


def _gates(policy: Policy, environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Yield the missing programs of the policy's gates; a document may name further gates."""
    from specguard.executor.gates import missing_programs, planned_gates

    for program, gates in missing_programs(planned_gates(policy, None).gates, environment).items():
        message = f"not on the path, and needed where a run comes to {gates}"
        help = f"install {program}, or see that PATH has it; gates of your own replace a preset's"
        yield Diagnosis(f"program {program}", "note", message, help)


def _agent(name: str, settings: AgentSettings, checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield whether an agent is installed in the required version; only a trusted policy may run it."""
    from specguard.executor.agent import locate_program, resolve_agent
    from specguard.executor.run import RunOptions

    subject, program, environment = f"agent {name}", settings.command[0], checkup.repository.environment
    try:
        locate_program(program, environment)
    except SpecguardError as error:
        remedy = f"install {program} {settings.version}".rstrip() + "; or run another agent of the policy"
        yield Diagnosis(subject, "note", error.message, remedy)
        return
    options = RunOptions(environment=dict(environment), kind="item", agent=name)
    found = resolve_agent(checkup.policy, options, check_program=checkup.policy.based)
    yield Diagnosis(subject, "ok", f"{program} {found.version or ''}".rstrip())


def _run_folder(repository: Repository, policy: Policy) -> Iterator[Diagnosis]:
    """Yield whether the folder of runs is writable, and which runs in it have died or hang."""
    from specguard.runs.files import committed_folder, ignored_runs, run_root
    from specguard.runs.store import RunStore

    settings: RunSettings = policy.declared("run_settings")
    try:
        root = existing = run_root(settings, repository)
    except SpecguardError as error:
        if origin := policy.origin("runs.root"):
            error.path, error.line = origin.path, origin.line
        raise
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not (os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK)):
        yield Diagnosis("runs", "note", f"{root} cannot be written to", "correct root or path of [runs]")
        return
    runs = RunStore(root, settings).runs()
    dead = [f"{one.run_id} ({'hangs' if one.is_process_alive else 'dead'})" for one in runs if one.stale]
    message = "; ".join([f"{counted(len(runs), 'run')} in {root}", *dead])
    yield Diagnosis("runs", "note" if dead else "ok", message, "specguard run doctor" if dead else "")
    for note in ignored_runs(repository, committed_folder(settings, repository, root)):
        yield Diagnosis("runs", "note", note)


_CHECKS: Final[Mapping[str, Callable[[Checkup], Iterator[Diagnosis]]]] = {
    "git": _git,
    "repository": _repository,
    "base": _base,
    "authority": _authority,
    "hooks": _hooks,
    "stages": _stages,
    "agents": _agents,
    "event": _event,
    "plugins": _plugins,
    "extras": _extras,
    "runs": _runs,
}


def _canaries(checkup: Checkup) -> Iterator[Diagnosis]:
    """Yield the result of one change for each rule, made in scratch repositories, not in this one."""
    counts: Counter[str] = Counter()
    for canary in try_canaries(policy_authority(checkup.repository, checkup.policy)):
        counts[canary.outcome] += 1
        rule, (status, message) = canary.rule, _OUTCOMES[canary.outcome]
        help = f"specguard rule {rule.code}" if status == "missing" else ""
        yield Diagnosis(f"canary {rule.code} {rule.name}", status, f"{message}{canary.detail}", help)
    end: Status = "missing" if counts["missed"] else "note" if counts["unprovoked"] else "ok"
    rest = f"{counts['missed']} did not fire, {counts['unprovoked']} could not be provoked"
    active = counted(counts.total(), "active rule")
    yield Diagnosis("canaries", end, f"{counts['caught']} of {active} caught their change, {rest}")


_OUTCOMES: Final[Mapping[str, tuple[Status, str]]] = {
    "caught": ("ok", "caught "),
    "missed": ("missing", "did not fire: "),
    "unprovoked": ("note", "not provoked, so nothing is shown: "),
}


def disabled_features(policy: Policy) -> Iterator[str]:
    """Yield a line for each feature that a preset leaves off, with the setting that turns it on."""
    runs: RunSettings = policy.declared("run_settings")
    specs: SpecSettings = policy.declared("spec_settings")
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    gates = {name: [gate.name for gate in kind.gates if gate.kind == "gate"] for name, kind in kinds.items()}
    example_gate = next((names[0] for names in gates.values() if names), "GATE")
    unset_keys = [key for key in ("quick_gates", "full_gates") if not getattr(runs, key)]
    local = runs.keep == "local"
    ignored = f"; and in .gitignore, as its last line, !/{runs.path.strip('/')}/" if local else ""

    def feature(promise: str, *settings: str) -> str:
        lines = " and ".join([*(['keep = "tree"'] if local else []), *settings])
        return f"{promise}: under [runs] write {lines}{ignored}"

    if runs.full_before and unset_keys:
        yield feature(
            "gates on each commit, again after fixes and before reviews, and a passing run for each slice's "
            "final tree, with your gates' names (RUN009)",
            *(f'{key} = ["{example_gate}"]' for key in unset_keys),
        )
    elif any(gates.values()) and not runs.require:
        wanted = ", ".join(f'"{kind}"' for kind, names in gates.items() if names)
        promise = "a commit names its run, whose gates passed on its tree (RUN001, RUN002)"
        yield feature(promise, f"require = [{wanted}]")
    if local and len(unset_keys) < (1 if runs.full_before else 2):
        yield feature("the gates of [runs] are asked only where a folder of runs is, so not in CI (RUN009)")
    if runs.grade in ("", "claimed") and (policy.declares("checklists") or policy.declares("plan_kinds")):
        items = "" if kinds or policy.declares("plan_kinds") else ", and list the items in [work.<kind>]"
        promise = "a run of its item and tree shows what is done (RUN007): under [runs] write"
        yield f'{promise} grade = "observed"{items}'
    if specs.code and not specs.governs:
        code, spec = specs.code.patterns[0], next(iter(specs.files.patterns), "SPEC.md")
        yield f'a spec governs its code (SPC003): under [specs.governs] write "{code}" = ["{spec}"]'
    assets = policy.declared("assets") if policy.declares("assets") else None
    sign_off = policy.declared("contracts").get("sign-off")
    name = sign_off.path.rpartition("/")[2] if sign_off else ""
    if assets and assets.proofs and name and name not in assets.run_files:
        files = ", ".join(f'"{one}"' for one in [*assets.run_files, name])
        yield f"a reviewer signs an asset's run off (RUN010): under [assets] write run_files = [{files}]"
    if policy.merge == "squash" and policy.active_rule("CMT006"):
        yield 'commits have the trailers that are asked for (CMT006): take out merge = "squash"'
    if policy.merge == "squash" and "commit" in {one.unit for one in policy.declared("plan_kinds").values()}:
        yield 'tasks have the commits and subjects asked for (CMT001, CMT002): take out merge = "squash"'
    if runs.full_before and not policy.declares("grounding"):
        yield 'agents cite what they must read (ART014): under [grounding] write all = ["README.md"]'
