"""`specguard check`: judge a change against the authority."""

from __future__ import annotations

import os
from typing import Any

import click

from specguard.change.request import Request
from specguard.cli.completion import FILE, complete_selectors
from specguard.cli.judge import judge
from specguard.cli.options import approval, in_directory, what_is_judged
from specguard.errors import SpecguardError
from specguard.reporters.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_OF_OVERRIDE: Final = {
    "override_paths": "--path",
    "approved_by": "--approved-by",
    "reason": "--reason",
    "expires": "--expires",
    "ticket": "--ticket",
}
"""What only has a meaning with `--override`."""


def _output(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    outputs = []
    for value in values:
        form, separator, file = value.partition("=")
        if not separator or form not in FORMATS or not file:
            raise click.BadParameter(
                f"{value!r} is not FORMAT=FILE with one of the formats {', '.join(FORMATS)}"
            )
        outputs.append((form, file))
    return outputs


@click.command("check", short_help="Judge a change against the authority.")
@in_directory
@what_is_judged
@click.option(
    "--authority",
    metavar="FILE",
    type=FILE,
    default="",
    help="Judge by FILE instead of the base's authority.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Run these rules alone: codes, families or names.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Leave these rules out.",
)
@click.option(
    "--extend-select",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Run these too, even where they are off.",
)
@click.option("--all", "all", is_flag=True, help="Judge the whole tree, where a rule can.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--exit-zero",
    "--dry-run",
    "dry_run",
    is_flag=True,
    help="Say what would block, and end with 0 on findings.",
)
@click.option(
    "--override",
    multiple=True,
    metavar="RULE",
    shell_complete=complete_selectors,
    help="Approve what this rule found in the files of --path, and write that down.",
)
@approval
@click.option("--today", metavar="DATE", default="", help="The UTC date to judge by, YYYY-MM-DD.")
@click.option("--enforce", is_flag=True, help="Let nothing outside the trusted base loosen the verdict (CI).")
@click.option("--bootstrap", is_flag=True, help="Accept a base that has no authority yet.")
@click.option(
    "--output-format", type=click.Choice(list(FORMATS)), default="text", help="The report on standard output."
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="F=FILE",
    callback=_output,
    help="A further report, to a file.",
)
@click.option(
    "--log-decisions",
    "log",
    metavar="FILE",
    type=FILE,
    default="",
    help="Add the verdict to FILE, as a line of JSON.",
)
@click.option("--explain", is_flag=True, help="Say what each rule looked at and what held.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
def command(
    output_format: str,
    outputs: list[tuple[str, str]],
    explain: bool,
    statistics: bool,
    **options: Any,
) -> int:
    """Judge a change against the authority.

    Without options the current branch is judged since its merge base with the base.
    """
    request = Request(environment=os.environ, **options)
    for name, flag in _OF_OVERRIDE.items():
        if getattr(request, name) and not request.override:
            raise SpecguardError(
                f"{flag} says more of --override, and there is none", help="add --override RULE"
            )
    return judge(
        request,
        output_format=output_format,
        outputs=outputs,
        explain=explain,
        statistics=statistics,
    )
