"""`specguard doctor`: what a check needs here, and what of it is missing."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec

import click

from specguard.change.base import find_base, named_base, no_base
from specguard.change.event import find_event, read_event
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.cli.diagnosis import Diagnosis, diagnose_agents, diagnose_canaries, diagnose_runs
from specguard.cli.options import in_directory
from specguard.engine.check import is_left_to_ci
from specguard.engine.plugins import installed, load_registry
from specguard.engine.policies import TRY, open_policy
from specguard.errors import MissingFact, SpecguardError
from specguard.evaluation.canaries import unmatched
from specguard.evaluation.own import authority_of
from specguard.model import EXIT_FAILED, EXIT_PASSED
from specguard.reporters.escape import cut, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.change.base import Found

OLDEST_GIT: Final = (2, 31)
"""`rev-parse --path-format` is there from this version on."""

EXTRAS: Final = {"mcp": "mcp", "lsp": "pygls"}
"""The extras, each called as the command that needs it, with a package that comes with it."""

HOOKS: Final = ("pre-commit", "commit-msg", "pre-push")


@click.command("doctor", short_help="Diagnose what checks need.")
@in_directory
@click.option("--base", metavar="REF", default="", help="The base that checks will use.")
@click.option("--canary", is_flag=True, help="Show that each active rule catches a change.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(directory: str, base: str, canary: bool, output_format: str) -> int:
    """Diagnose git, the repository, the base, the authority, hooks, the event file, plugins and runs.

    Each agent's hook gets an edit that it must refuse. It ends with 1 if a check lacks something, a hook is
    wrong, or a rule did not fire.
    """
    request = Request(environment=os.environ, directory=directory, base=base)
    found = list(diagnose(request))
    if canary:
        found += diagnose_canaries(request)
    if output_format == "json":
        click.echo(json_text([{name: getattr(one, name) for name in one._fields} for one in found]))
    else:
        for one in found:
            click.echo(visible(f"{one.status:8}{one.subject}: {cut(one.said)}"))
            if one.help:
                click.echo(visible(f"        next {cut(one.help)}"))
    return EXIT_FAILED if any(one.status == "missing" for one in found) else EXIT_PASSED


def diagnose(request: Request) -> Iterator[Diagnosis]:
    """Everything that is looked at, in a check's order; without a repository that is all."""
    try:
        repository = Repository.locate(request.directory, request.environment)
    except SpecguardError as error:
        yield Diagnosis("repository", "missing", error.message, error.help)
        return
    yield _git(repository)
    yield Diagnosis("repository", "ok", repository.git_dir)
    if repository.shallow:
        yield Diagnosis("history", "note", "the clone is shallow", "git fetch --unshallow origin")
    with Git(repository) as git:
        yield _tried("base", lambda: _base(git, request))
        authority = _tried("authority", lambda: _authority(git, request))
    yield authority
    yield from _hooks(repository)
    yield from _stages(request)
    yield from diagnose_agents(repository)
    yield _tried("event", lambda: _event(request))
    plugins = _tried("plugins", lambda: _plugins(request))
    # Where no policy can be read, the plugins that it names cannot be told either: once is enough.
    if plugins.said != authority.said:
        yield plugins
    yield _extras()
    yield from _runs(repository, request)


def _tried(subject: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    """What a look says, or why it could not be had."""
    try:
        return look()
    except SpecguardError as error:
        return Diagnosis(subject, "missing", f"{_place(error)}{error.message}", error.help)
    except MissingFact as missing:
        return Diagnosis(subject, "missing", missing.reason, missing.command)


def _place(error: SpecguardError) -> str:
    """Where it is wrong, in front of what is said of it."""
    if not error.path:
        return ""
    return f"{error.path}:{error.line}: " if error.line else f"{error.path}: "


def _runs(repository: Repository, request: Request) -> Iterator[Diagnosis]:
    try:
        policy = open_policy(request)
        with Git(repository) as git:
            trusted = _is_the_bases(git, request, policy)
        yield from diagnose_runs(repository, policy, trusted=trusted)
    except (SpecguardError, MissingFact):
        # It is said of the base or the authority; a bare repository has no runs.
        return


def _git(repository: Repository) -> Diagnosis:
    said = subprocess.run(
        [repository.program, "--version"], capture_output=True, text=True, check=False
    ).stdout
    words = said.split()
    version = words[2] if len(words) > 2 else "?"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    wanted = ".".join(map(str, OLDEST_GIT))
    if numbers < OLDEST_GIT:
        return Diagnosis(
            "git", "missing", f"{version} is older than {wanted}", f"install git {wanted} or newer"
        )
    return Diagnosis("git", "ok", f"{version} ({repository.program})")


def _base(git: Git, request: Request) -> Diagnosis:
    found = find_base(git, request, find_event(request))
    if found is None:
        error = no_base(git.repository)
        return Diagnosis("base", "missing", error.message, error.help)
    said = f"{found.name} at {(found.oid or '')[:12]}"
    try:
        policy = open_policy(request)
        named = named_base(git, policy.base, "policy") if policy.base and not found.given else found
    except SpecguardError:
        # It is said of the authority.
        return Diagnosis("base", "ok", said)
    if policy.ref is None or policy.ref == found.oid or policy.ref != named.oid:
        return Diagnosis("base", "ok", said)
    return Diagnosis("base", "ok", f"{named.name} at {policy.ref[:12]}, as the authority of {said} says")


def _authority(git: Git, request: Request) -> Diagnosis:
    policy = open_policy(request)
    documents = ", ".join(path for path, _ in policy.documents)
    active = sum(rule.active for rule in policy.rules)
    said = f"{documents}: {active} of {len(policy.rules)} rules have something to judge"
    if any(one.meaning == "nothing" for one in policy.unread):
        return Diagnosis(
            "authority", "missing", f"{said}; nothing in it sets a rule", "specguard init --adopt"
        )
    if not _is_the_bases(git, request, policy):
        if policy.ref:
            return Diagnosis("authority", "note", f"{said}; this is HEAD's: the base has none yet")
        return Diagnosis("authority", "note", f"{said}; it is not on the base yet", TRY)
    if policy.unread:
        return Diagnosis(
            "authority", "note", f"{said}; {len(policy.unread)} items not understood", "specguard policy"
        )
    rule = policy.rule("SPC007")
    idle = unmatched(rule, policy, authority_of(git, policy).files) if rule and rule.active else ""
    if idle:
        return Diagnosis("authority", "note", f"{said}; {idle}", "write `[specs] code` as the tree has it")
    return Diagnosis("authority", "ok", said)


def _is_the_bases(git: Git, request: Request, policy: Policy) -> bool:
    """Whether a policy was read from the base."""
    bases = {base.oid for base in (find_base(git, request, find_event(request)), _named(git, policy)) if base}
    return policy.ref is not None and policy.ref in bases


def _named(git: Git, policy: Policy) -> Found | None:
    """The base that a policy names, if there is such a branch."""
    try:
        return named_base(git, policy.base, "policy") if policy.base else None
    except SpecguardError:
        return None


def _hooks(repository: Repository) -> Iterator[Diagnosis]:
    """Which of git's hooks call specguard, by themselves or through pre-commit."""
    process = repository.in_place("rev-parse", "--path-format=absolute", "--git-path", "hooks", user=True)
    folder = os.fsdecode(process.read()).rstrip("\n")
    configured = "specguard" in _text(os.path.join(_top(repository), ".pre-commit-config.yaml"))
    missing = []
    for hook in HOOKS:
        text = _text(os.path.join(folder, hook))
        if "specguard" not in text and not (configured and "pre-commit" in text):
            missing.append(hook)
    if not missing:
        yield Diagnosis("hooks", "ok", ", ".join(HOOKS))
        return
    remedy = "pre-commit install " + " ".join(f"--hook-type {hook}" for hook in missing)
    if not configured:
        remedy = f"add specguard to .pre-commit-config.yaml, then: {remedy}"
    yield Diagnosis("hooks", "note", f"not installed: {', '.join(missing)}", remedy)


def _stages(request: Request) -> Iterator[Diagnosis]:
    """The rules that judge in CI, and at a push only if the authority did not say otherwise."""
    try:
        policy = open_policy(request)
        rules = [rule for rule in policy.rules if rule.active and is_left_to_ci(rule.stages)]
        rules = [rule for rule in rules if "push" in type(rule.load()).stages]
    except (SpecguardError, MissingFact):
        # It is said of the authority.
        return
    for rule in rules:
        line = policy.cite(rule.name, "stages")
        where = f"{line.path}:{line.line}" if line else "the authority"
        yield Diagnosis(
            "stages",
            "note",
            f"{rule.code} judges in CI, and not when you push",
            f'add "push" to its stages in {where}',
        )


def _top(repository: Repository) -> str:
    try:
        return repository.work_tree()
    except SpecguardError:
        return repository.git_dir


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read(1 << 20)
    except OSError:
        return ""


def _extras() -> Diagnosis:
    """What commands need that need more than a check does."""
    absent = [name for name, module in EXTRAS.items() if find_spec(module) is None]
    if not absent:
        return Diagnosis("extras", "ok", ", ".join(EXTRAS))
    needed = " and ".join(f"specguard {name}" for name in absent)
    return Diagnosis(
        "extras", "note", f"not installed: {', '.join(absent)}; {needed} would need it",
        f"pip install 'specguard[{','.join(absent)}]'",
    )  # fmt: skip


def _event(request: Request) -> Diagnosis:
    file = request.environment.get("GITHUB_EVENT_PATH", "")
    if file:
        event = read_event(file)
        return Diagnosis("event", "ok", f"{event.kind} ({file})")
    if find_event(request) is not None:
        return Diagnosis("event", "ok", "the platform's variables")
    return Diagnosis("event", "ok", "none: this is no job of a platform")


def _plugins(request: Request) -> Diagnosis:
    named = list(open_policy(request).plugins)
    registry = load_registry(named)
    others = sorted(set(installed()) - {"specguard", *named})
    said = f"{len(registry.rules)} rules of specguard{''.join(f', {name}' for name in named)}"
    if others:
        return Diagnosis(
            "plugins", "note", f"{said}; installed and not named by the policy: {', '.join(others)}"
        )
    return Diagnosis("plugins", "ok", said)
