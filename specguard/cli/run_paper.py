"""`specguard run research` and `specguard run review`: let an agent write a document of a plan."""

from __future__ import annotations

import os
from typing import Any

import click

from specguard.cli.completion import DIRECTORY, FILE
from specguard.cli.options import in_directory
from specguard.cli.run_item import WORDS, CommandBehind, show_plan, start
from specguard.executor.run import STEPS, RunOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 60


def _options(function: Callable[..., int]) -> Callable[..., int]:
    """The options that both have."""
    for option in reversed(
        (
            click.argument("name", default="", metavar="[NAME]"),
            in_directory,
            click.option("--plan", metavar="FILE", type=FILE, default="", help="The plan's file or folder."),
            click.option("--timeout-minutes", metavar="N", type=click.IntRange(1), help="For the whole run."),
            click.option("--agent", metavar="NAME", default="", help="Run this agent of the policy."),
            click.option(
                "--max-attempts", metavar="N", type=click.IntRange(1), help="The most rounds of the agent."
            ),
            click.option("--dry-run", is_flag=True, help="Print the steps, and touch nothing."),
            click.option("--until", type=click.Choice(STEPS), help="Stop after this step."),
            click.option("--run-root", metavar="DIR", type=DIRECTORY, default="", help="Keep runs in DIR."),
            click.option("--base", metavar="BRANCH", default="", help="Start from this branch."),
            click.option(
                "--remote", metavar="NAME", default="origin", show_default=True, help="Fetch and push there."
            ),
            click.pass_context,
        )
    ):
        function = option(function)
    return function


@click.command("research", cls=CommandBehind, short_help="Let an agent write the research for a plan.")
@click.option("--goal", metavar="TEXT", required=True, help="What to find out.")
@_options
def research(context: click.Context, /, **words: Any) -> int:
    """Let an agent write the research for the plan NAME, under the contract [artifacts.research].

    Only that document may change. It is pushed on the branch of the plan's papers. If [models] lists models,
    the command must name one.
    """
    return _run(context, "research", **words)


@click.command("review", cls=CommandBehind, short_help="Let an agent review the options of a plan.")
@click.option("--goal", metavar="TEXT", default="", help="What to look at.")
@_options
def review(context: click.Context, /, **words: Any) -> int:
    """Let an agent review the options of the plan NAME, as `specguard run research` does research.

    The contract is [artifacts.plan-review].
    """
    return _run(context, "review", **words)


def _run(context: click.Context, kind: str, *, name: str, timeout_minutes: int | None, **words: Any) -> int:
    given = {key: value for key, value in words.items() if value is not None}
    options = RunOptions(
        environment=dict(os.environ),
        kind=kind,
        item=name,
        command=tuple(context.meta.get(WORDS, ())),
        timeout=(timeout_minutes or 0) * _SECONDS,
        **given,
    )
    return show_plan([options]) if options.dry_run else start(options)
