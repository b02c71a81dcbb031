"""`specguard init`: write an authority that fits the repository as it is."""

from __future__ import annotations

import os

import click

from specguard.authority.compile import compile_policy
from specguard.authority.sources import AUTHORITY, Source
from specguard.change.repository import USUAL_BASES, Repository, short_name
from specguard.cli.completion import complete_presets
from specguard.cli.diagnosis import off_promises
from specguard.cli.init_agents import plan_settings, say_next, show_settings, write_settings
from specguard.cli.options import in_directory
from specguard.declaration.toml_text import toml_value
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest
from specguard.integrations.hooks.event import AGENTS
from specguard.reporters.escape import markdown_code, visible
from specguard.runs.committed import IGNORE, ignore_local
from specguard.runs.root import run_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.model import Origin
    from specguard.runs.settings import RunSettings

_GUARDED: Final = (
    (".github/workflows/", "the jobs that decide what lands"),
    (".gitlab-ci.yml", "the jobs that decide what lands"),
    (".circleci/", "the jobs that decide what lands"),
    ("Jenkinsfile", "the jobs that decide what lands"),
    ("azure-pipelines.yml", "the jobs that decide what lands"),
    ("bitbucket-pipelines.yml", "the jobs that decide what lands"),
    (".pre-commit-config.yaml", "the hooks that run in front of every commit"),
    ("CODEOWNERS", "who reviews what"),
    (".github/CODEOWNERS", "who reviews what"),
    ("LICENSE", "the licence"),
    ("AI_CONTRACT.md", "the contract with agents"),
)
"""Paths that a team would want an approval for, with what they are; those that exist are written down."""

_FORBIDDEN: Final = (
    ("docs/api/", "the interface others build on"),
    ("docs/product/", "the product's requirements"),
)
"""Paths that an agent must not touch in a team that has them."""


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
@click.option("--lock", "locks", multiple=True, metavar="PATTERN", help="Lock these paths too; repeatable.")
@click.option("--forbid", "forbids", multiple=True, metavar="PATTERN", help="Forbid these paths; repeatable.")
@click.option(
    "--agent",
    "agents",
    multiple=True,
    type=click.Choice(AGENTS),
    help="Have this agent's program run specguard, by its settings of this project; repeatable.",
)
@click.option("--print", "only_print", is_flag=True, help="Print what would be written, and write nothing.")
def command(
    directory: str,
    presets: tuple[str, ...],
    locks: tuple[str, ...],
    forbids: tuple[str, ...],
    agents: tuple[str, ...],
    only_print: bool,
) -> None:
    """Write SPEC_AUTHORITY.md for this repository.

    The default branch, CI files, hooks and pointer files are found out; a file that is there is never
    overwritten. The authority judges once it is on the base branch. The folder of runs is added to
    .gitignore, unless a preset has runs committed.

    With --agent the agent's settings are written too, beside what is in them; where there is an authority
    already, nothing but these.
    """
    repository = Repository.locate(directory, os.environ)
    top = repository.work_tree()
    _check_presets(presets)
    planned = plan_settings(top, agents, os.environ)
    if agents and not (presets or locks or forbids) and os.path.lexists(os.path.join(top, AUTHORITY)):
        show_settings(planned)
        if not only_print:
            say_next(repository, planned, write_settings(top, planned))
        return
    base = _default_branch(repository)
    runners = [(one.host.file, "the hooks that run in front of an agent's edits") for one in planned]
    text = authority_text(top, base=base, presets=presets, locks=locks, forbids=forbids, runners=runners)
    policy = _compiled(text)
    if only_print:
        click.echo(text, nl=False)
        show_settings(planned)
        return
    file = os.path.join(top, AUTHORITY)
    try:
        with open(file, "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise SpecguardError(
            "there is an authority already, and it is never overwritten",
            path=AUTHORITY,
            help="`specguard init --print` shows what would be written",
            code="never-overwritten",
        ) from None
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=AUTHORITY,
            help="`specguard init --print` writes it to standard output",
            code="unwritable-file",
        ) from error
    _next_steps(repository, top, base, policy, [AUTHORITY, *_ignore_runs(top, policy)])
    if planned:
        show_settings(planned)
        say_next(repository, planned, write_settings(top, planned))


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


def authority_text(
    top: str,
    *,
    base: str,
    presets: Sequence[str],
    locks: Sequence[str],
    forbids: Sequence[str],
    runners: Sequence[tuple[str, str]] = (),
) -> str:
    """An authority for the repository at `top`, with patterns that match there or were asked for."""
    locked = [(AUTHORITY, "this document")]
    locked += [(path, why) for path, why in _GUARDED if os.path.exists(os.path.join(top, path))]
    locked += runners
    locked += [(pattern, "") for pattern in locks]
    forbidden = [(path, why) for path, why in _FORBIDDEN if os.path.exists(os.path.join(top, path))]
    forbidden += [(pattern, "") for pattern in forbids]
    lines = [
        "# Authority",
        "",
        "What may change in this repository, in which steps and with which evidence.",
        f"`specguard check` judges every change by the copy of this document on {markdown_code(base)}.",
        "",
        "## Locked zones",
        "",
        "A change here needs an approval.",
        "",
        *_items(locked),
    ]
    if forbidden:
        lines += ["", "## Forbidden paths", "", "Nothing here changes.", "", *_items(forbidden)]
    lines += ["", "## Settings", "", "```toml specguard"]
    if presets:
        lines.append(f"extends = [{', '.join(toml_value(preset) for preset in presets)}]")
    lines += [f"base = {toml_value(base)}", "```", ""]
    return "\n".join(lines)


def _items(paths: Sequence[tuple[str, str]]) -> list[str]:
    return [f"- `{path}`: {why}." if why else f"- `{path}`" for path, why in dict(paths).items()]


def _check_presets(presets: Sequence[str]) -> None:
    known = load_registry().presets
    for preset in presets:
        if preset not in known:
            raise SpecguardError(
                f"there is no preset {preset!r}", help=nearest(preset, known), code="unknown-name"
            )


def _default_branch(repository: Repository) -> str:
    """The branch that changes are merged into: the remote's default, a usual name, or this one."""
    known = repository.refs_named(USUAL_BASES)
    for name in USUAL_BASES:
        if name in known:
            target = short_name(repository.target_of(name))
            return target.removeprefix("origin/")
    return short_name(repository.branch) if repository.branch else "main"


def _compiled(text: str) -> Policy:
    """The policy of what is about to be written, so that nothing is written that would not judge."""

    def read(path: str, named_by: Origin) -> Source:
        raise SpecguardError(f"{named_by} names {path}, which is not to be had before it is written")

    policy = compile_policy([Source(AUTHORITY, "", text)], registry=load_registry, read=read)
    assert policy is not None  # noqa: S101 - a document of this name is always an authority
    for unread in policy.unread:
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
