"""`specguard check`: judge a change against the authority."""

from __future__ import annotations

import os
import re
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

    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # before 8.2 it has no type to be of

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What a format can be named."""

_OF_OVERRIDE: Final = {
    "override_paths": "--path",
    "approved_by": "--approved-by",
    "reason": "--reason",
    "expires": "--expires",
    "ticket": "--ticket",
}
"""What only has a meaning with `--override`."""


class _Format(_Choice):
    """A format's name: one of those that ship with specguard, or what a plugin's can be."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # Which plugins there are says the policy, and that is not read yet.
        return value if _NAME.fullmatch(value) else super().convert(value, param, ctx)


def _output(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    outputs: dict[str, tuple[str, str]] = {}
    for value in values:
        form, _, file = value.partition("=")
        if not _NAME.fullmatch(form) or not file:
            raise click.BadParameter(
                f"{value!r} is not FORMAT=FILE with one of the formats {', '.join(FORMATS)}"
            )
        if file == "-":
            raise click.BadParameter(f"what is printed is set by --output-format {form}")
        other = outputs.setdefault(os.path.abspath(file), (form, file))
        if other != (form, file):
            raise click.BadParameter(f"{file!r} is to have the reports {other[0]} and {form}")
    return list(outputs.values())


_ONCE: Final = {
    "push": "--push",
    "pre_receive": "--pre-receive",
    "patch": "--patch",
    "message_file": "--commit-msg-file",
    "override": "--override",
}
"""What is judged once, and does not go with `--watch`."""

_ELSEWHERE: Final = {
    "push": "--push",
    "pre_receive": "--pre-receive",
    "patch": "--patch",
    "override": "--override",
    "head": "--head",
    "range": "--range",
    "root": "--root",
    "branch": "--branch",
    "title": "--pr-title",
    "body_file": "--pr-body-file",
    "event_file": "--pr-event",
    "reviews_file": "--pr-reviews",
    "enforce": "--enforce",
    "watch": "--watch",
}
"""What does not go with `--fix`: where it is judged nothing can be put right, or nothing must be."""


def _refuse(options: dict[str, Any], flags: dict[str, str], flag: str, help: str) -> None:
    """Refuse every one of some flags beside another.

    Raises:
        SpecguardError: one of them is given.
    """
    for name, other in flags.items():
        if options.get(name):
            raise SpecguardError(f"{flag} does not go with {other}", help=help, code="usage")


def _watched(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a check that watches: the working tree is judged where nothing else is named.

    Raises:
        SpecguardError: what is asked for happens once.
    """
    _refuse(options, _ONCE, "--watch", "watch the working tree, --staged, or a branch with --head")
    other = any(options[name] for name in ("staged", "head", "range", "root"))
    return {**options, "worktree": options["worktree"] or not other}


@click.command("check", short_help="Judge a change against the authority.")
@in_directory
@what_is_judged
@click.option(
    "--pre-receive",
    "pre_receive",
    is_flag=True,
    help="Judge a server's pre-receive input; implies --enforce unless --dry-run.",
)
@click.option(
    "--authority",
    metavar="FILE",
    type=FILE,
    default="",
    help="Judge by this authority.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Run only these rules: codes, families or names.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Skip these rules.",
)
@click.option(
    "--extend-select",
    multiple=True,
    metavar="RULES",
    shell_complete=complete_selectors,
    help="Run these too, even if they are off.",
)
@click.option("--all", "all", is_flag=True, help="Judge the whole tree.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--exit-zero",
    "--dry-run",
    "dry_run",
    is_flag=True,
    help="Report, but end with 0 on findings.",
)
@click.option(
    "--override",
    multiple=True,
    metavar="RULE",
    shell_complete=complete_selectors,
    help="Approve this rule's findings in --path, and record it.",
)
@approval
@click.option("--today", metavar="DATE", default="", help="Judge as of this UTC date.")
@click.option("--enforce", is_flag=True, help="Trust only the base (for CI).")
@click.option("--bootstrap", is_flag=True, help="Accept a base without an authority, or its first approvers.")
@click.option(
    "--output-format",
    type=_Format(list(FORMATS)),
    metavar="F",
    default="text",
    help=f"The report on standard output: {', '.join(FORMATS)}, or a plugin's.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="F=FILE",
    callback=_output,
    help="Write one more report.",
)
@click.option(
    "--log-decisions",
    "log",
    metavar="FILE",
    type=FILE,
    default="",
    help="Append the verdict to FILE as JSON.",
)
@click.option("--watch", is_flag=True, help="Judge again after each change.")
@click.option("--fix", is_flag=True, help="Show fixes, apply those you confirm, then judge.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--explain", is_flag=True, help="Show what each rule looked at.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule.")
def command(
    output_format: str,
    outputs: list[tuple[str, str]],
    explain: bool,
    statistics: bool,
    watch: bool,
    fix: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Judge a change against the authority.

    By default it judges the current branch since its merge base with the base.
    """
    if watch:
        options = _watched(options)
    if yes and not fix:
        raise SpecguardError(
            "--yes agrees to what --fix would do, and there is no --fix", help="add --fix", code="usage"
        )
    if fix:
        where = "put right what is here: the branch, --staged, --worktree or --commit-msg-file"
        _refuse({**options, "watch": watch}, _ELSEWHERE, "--fix", where)
    # What a server takes is final.
    options["enforce"] = options["enforce"] or (options["pre_receive"] and not options["dry_run"])
    request = Request(environment=os.environ, **options)
    for name, flag in _OF_OVERRIDE.items():
        if getattr(request, name) and not request.override:
            raise SpecguardError(
                f"{flag} says more of --override, and there is none", help="add --override RULE", code="usage"
            )
    if watch:
        from specguard.cli.watching import watch as keep_judging

        keep_judging(
            request,
            output_format=output_format,
            outputs=outputs,
            explain=explain,
            statistics=statistics,
        )
    if fix:
        from specguard.cli.fixing import fix as put_right

        return put_right(
            request,
            yes=yes,
            output_format=output_format,
            outputs=outputs,
            explain=explain,
            statistics=statistics,
        )
    return judge(
        request,
        output_format=output_format,
        outputs=outputs,
        explain=explain,
        statistics=statistics,
    )
