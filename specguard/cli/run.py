"""`specguard run`: let an agent work on one item, and look after runs."""

from __future__ import annotations

import importlib

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_SUBCOMMANDS: Final = {
    "list": ("run_look", "List the runs."),
    "status": ("run_look", "Show how a run stands, or all that are under way."),
    "doctor": ("run_look", "Say what is wrong with runs."),
    "report": ("run_look", "Show a run's report."),
    "resume": ("run_item", "Go on with a run that has ended early."),
    "stop": ("run_care", "End a run, and what it has started."),
    "clean": ("run_care", "Remove what ended runs have left."),
    "gates": ("run_care", "Run the gates, with no agent and no commit."),
    "metrics": ("run_metrics", "Count runs, and how much of what is done they show."),
    "migrate": ("run_metrics", "Move run folders of an older layout."),
    "research": ("run_paper", "Let an agent write the research for a plan."),
    "review": ("run_paper", "Let an agent review the options of a plan."),
    "item": ("run_item", "Let an agent work on an item, also of a kind named like a command here."),
}
"""Each command with its module in this package and its line in the list."""


class _Run(click.Group):
    """A group whose first word may also be a kind of work item."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _SUBCOMMANDS:
            return None
        module = importlib.import_module(f"specguard.cli.{_SUBCOMMANDS[cmd_name][0]}")
        command = getattr(module, "list_" if cmd_name == "list" else cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a contract of this package
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in _SUBCOMMANDS:
            return name, self.get_command(ctx, name), args[1:]
        return "item", self.get_command(ctx, "item"), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _SUBCOMMANDS.items()])


@click.command("run", cls=_Run, short_help="Let an agent work on one item, and look after runs.")
def command() -> None:
    """Let an agent work on one item of a KIND, from its pointer to its pull request.

    `specguard run phase -- codex exec -` runs the command on the current phase: see
    `specguard run item --help`.

    Exit codes: 0 done, 1 rules failed, 2 no start or verdict, 3 agent, gate or budget failed, 4 agent
    stopped, 130 interrupted.
    """
