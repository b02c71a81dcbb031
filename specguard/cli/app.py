"""The commands as click sees them, each imported on demand; those that start servers and hooks are here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from specguard import __version__
from specguard.cli import options as opt
from specguard.cli.options import usage
from specguard.errors import SpecguardError
from specguard.integrations.hooks.dialects import AGENTS
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED


@contextmanager
def require_extra(extra: str, *modules: str) -> Iterator[None]:
    """Turn a failed import of these packages within the block into an error that names the extra.

    Args:
        extra: the name of the extra.
        modules: the top-level packages that the extra installs.

    Raises:
        SpecguardError: a package is not installed, or its version is too old to have what is imported.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in modules:
            raise
        raise SpecguardError(
            f"this needs what is in the extra {extra!r}, and the package {error.name} is missing or too old",
            help=f"pip install --upgrade 'specguard[{extra}]'",
            code="extra-missing",
        ) from error


COMMANDS: Final = {
    "check": ("check", "Judge a change against the authority."),
    "rule": ("docs", "Show a rule's manual page, or list the rules."),
    "why": ("policy", "Show which rules and lines govern a path."),
    "policy": ("policy", "Show what was understood of the authority."),
    "status": ("status", "Show where the work stands."),
    "audit": ("audit", "Judge what has landed, in one repository or many."),
    "init": ("init", "Write an authority for this repository."),
    "brief": ("status", "Print an agent's instructions for an item."),
    "run": ("run", "Let an agent work on one item, and look after runs."),
    "plan": ("plan", "Make plans, and keep them and what was done together."),
    "approve": ("approvals", "Show what could be approved, and approve it."),
    "approvals": ("approvals", "Show the log of approvals, and verify it."),
    "baseline": ("approvals", "Record the findings that are there already."),
    "import": ("policy", "Read settings of other tools into an authority."),
    "new": ("status", "Write what an artifact's contract asks for."),
    "test": ("test", "Hold a policy to what is expected of it."),
    "eval": ("test", "Judge sample repositories, and keep what was found."),
    "mcp": ("app", "Answer agents over the Model Context Protocol."),
    "lsp": ("app", "Serve an editor, over the Language Server Protocol."),
    "hook": ("app", "Answer an agent's event, in its own dialect."),
    "doctor": ("doctor", "Diagnose what a check needs here."),
    "error": ("docs", "Show what an error means, or list the errors."),
    "docs": ("docs", "Generate the reference pages of the documents."),
}
"""Each command with its module and its line in the help.

In a module of its own name it is `command`, in another one `NAME_command`.
"""

COMPLETION: Final = "_SPECGUARD_COMPLETE"
"""The environment variable by which a shell asks for its completion script, and later for completions."""


class _Commands(opt.GroupInDirectory):
    """A click group that imports a command's module only when that command is requested."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        name = "command" if module == cmd_name else f"{cmd_name}_command"
        command: click.Command = getattr(importlib.import_module(f"specguard.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="specguard", message="%(prog)s %(version)s")
@opt.in_directory
@click.option("--traceback", is_flag=True, hidden=True, expose_value=False)  # `main` looks for it
def app() -> None:
    """Judge changes to a repository against its SPEC_AUTHORITY.md.

    Exit codes: 0 every rule that applies passed, 1 findings, 2 no verdict, 130 interrupted.
    """


def run(words: Sequence[str]) -> int:
    """Run the command that the words name, or answer a shell that asks for completions.

    Raises:
        SpecguardError: the words are not a valid command line; the message is click's, in this program's
            form.
    """
    # A shell that completes passes no words; with words the command runs, whatever the variable says.
    instruction = "" if words else os.environ.get(COMPLETION)
    if instruction:
        from click.shell_completion import shell_complete

        if shell_complete(app, {}, "specguard", COMPLETION, instruction):
            raise usage(
                f"{instruction!r} is not a completion: there is one for bash, zsh and fish",
                f"for bash: {COMPLETION}=bash_source specguard",
            )
        return EXIT_PASSED
    try:
        # Not `app.main`: on a closed output it exits with 1, which means findings here.
        with app.make_context("specguard", list(words)) as context:
            result = app.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.NoSuchOption as error:
        near = f"did you mean {', '.join(error.possibilities)}?" if error.possibilities else ""
        more = "" if "--" in words else getattr(error.ctx and error.ctx.command, "about_trailing", "")
        message = f"there is no option {error.option_name}{more}"
        raise usage(message, near or _help_command(error, words)) from None
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.message, err=True)
        return EXIT_NO_VERDICT
    except click.UsageError as error:
        raise usage(error.format_message(), _help_command(error, words)) from None
    return result if isinstance(result, int) else 0


_CHANGES: Final = "name a change by --range A..B, --base or --head; specguard why PATH asks about a path"


def _help_command(error: click.UsageError, words: Sequence[str]) -> str:
    """Return the command line that prints the help of the command in which the error occurred.

    Of an argument too many it is the option of nearly that name. Linters take files and revisions as
    arguments, so a check that is given one answers what it takes.
    """
    if error.ctx is not None:
        path = error.ctx.command_path
        _, extra, more = error.message.rstrip(")").partition("extra argument")
        step = _CHANGES if extra and path.endswith(" check") else f"{path} --help"
        return opt.nearest_word(more.partition("(")[2], error.ctx, step) if extra else step
    # For an option without its value, click does not say which command it belongs to.
    return " ".join(["specguard", *[word for word in words if word in COMMANDS][:1], "--help"])


@click.command("hook")
@click.argument("agent", metavar="|".join(AGENTS))
def hook_command(agent: str) -> int:
    """Answer an agent's event on standard input in that agent's dialect.

    Agents' settings run this. It ends with 0, or 2 if the agent needs that to refuse. Any failure is a
    refusal.
    """
    from specguard.integrations.hooks.answering import answer

    return answer([agent])


@opt.command("mcp")
def mcp_command() -> None:
    """Serve check, why, policy, brief, status, rule and run_status to an agent, on standard input and output.

    It needs the extra `specguard[mcp]`.
    """
    with require_extra("mcp", "mcp", "mcp_types", "anyio"):
        from specguard.integrations.mcp import serve
    serve()


@opt.command("lsp")
@opt.flag("--stdio", help="Does nothing; some editors add it.")
def lsp_command(stdio: bool) -> None:  # noqa: ARG001 - see its help
    """Serve an editor over the Language Server Protocol, on standard input and output.

    It shows errors and findings, and needs the extra `specguard[lsp]`.
    """
    with require_extra("lsp", "pygls", "lsprotocol"):
        from specguard.integrations.lsp import serve
    serve()
