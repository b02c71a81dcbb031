"""`specguard check`: judge a change against the authority, once or after each change."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from specguard.change.check_request import Request
from specguard.change.worktree import Watcher
from specguard.cli import options as opt
from specguard.cli import print_error
from specguard.cli.checking import Reports, judge, judge_and_report
from specguard.cli.options import usage
from specguard.declaration.registry import FORMATS, KEBAB_CASE
from specguard.errors import as_specguard_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OVERRIDE_OPTIONS: Final = ("--path", "--approved-by", "--reason", "--expires", "--ticket", "--scope")
"""The options that need `--override`."""

_WATCH_EXCLUDES: Final = ("--push", "--pre-receive", "--patch", "--commit-msg-file", "--override")
"""The options whose subject is judged once, so that they exclude `--watch`."""

_FIX_EXCLUDES: Final = (
    "--push", "--pre-receive", "--patch", "--override", "--head", "--range", "--root", "--branch",
    "--pr-title", "--pr-body-file", "--pr-event", "--pr-reviews", "--enforce", "--watch", "--commit-msg-file",
)  # fmt: skip
"""The options that exclude `--fix`: what they judge cannot, or must not, be edited here."""


class _FormatName(click.Choice[str]):
    """The name of a report format, which may be that of a plugin."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # The policy names the plugins, and it is not read yet.
        return value if KEBAB_CASE.fullmatch(value) else super().convert(value, param, ctx)


def _parse_outputs(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    outputs = []
    for value in values:
        form, _, name = value.partition("=")
        if not KEBAB_CASE.fullmatch(form) or not name:
            known = ", ".join(FORMATS)
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE with one of the formats {known}")
        if name == "-":
            raise click.BadParameter(f"what is printed is set by --output-format {form}")
        outputs.append((form, name))
    if len({os.path.abspath(name) for _, name in outputs}) < len(set(outputs)):
        raise click.BadParameter("a file can have one report")
    return outputs


def _first_given(options: Mapping[str, Any], flags: Sequence[str]) -> str:
    """Return the first of these flags that was given; empty if none was."""
    params = {flag: one.name or "" for one in click.get_current_context().command.params for flag in one.opts}
    return next((flag for flag in flags if options.get(params[flag])), "")


@opt.command("check")
@opt.what_is_judged
@opt.flag("--pre-receive", help="Judge a server's pre-receive input; implies --enforce unless --dry-run.")
@opt.file("--authority", help="Judge by this authority.")
@opt.floor
@opt.repeated("--select", metavar="RULES", help="Run only these rules: codes, families or names.")
@opt.repeated("--ignore", metavar="RULES", help="Skip these rules.")
@opt.repeated("--extend-select", metavar="RULES", help="Run these too, even if they are off.")
@opt.flag("--all", help="Judge the whole tree.")
@opt.flag("--strict", help="Count warnings as errors.")
@opt.flag("--exit-zero", "--dry-run", "dry_run", help="Report, but end with 0 on findings.")
@opt.repeated("--override", metavar="RULE", help="Approve this rule's findings in --path, and record it.")
@opt.approval
@opt.today
@opt.flag("--enforce", help="Trust only the base (for CI).")
@opt.flag("--bootstrap", help="Accept a base without an authority, or its first approvers.")
@opt.text(
    "--output-format",
    "stdout_format",
    type=_FormatName(list(FORMATS)),
    metavar="F",
    default="text",
    help=f"The report on standard output: {', '.join(FORMATS)}, or a plugin's.",
)
@opt.repeated("--output", "files", metavar="F=FILE", callback=_parse_outputs, help="Write one more report.")
@opt.file("--log-decisions", "log", help="Append the verdict to FILE as JSON.")
@opt.flag("--watch", help="Judge again after each change.")
@opt.flag("--fix", help="Show fixes, apply those you confirm, then judge.")
@opt.flag("--yes", help="With --fix: do not ask.")
@opt.flag("--explain", help="Show what each rule looked at.")
@opt.flag("--statistics", help="Count the findings of each rule.")
def command(watch: bool, fix: bool, yes: bool, **options: Any) -> int:
    """Judge a change against the authority.

    By default it judges the current branch since its merge base with the base.
    """
    reports = Reports(**{name: options.pop(name) for name in Reports._fields})
    if watch:
        if conflict := _first_given(options, _WATCH_EXCLUDES):
            help = "watch the working tree, --staged, or a branch with --head"
            raise usage(f"--watch does not go with {conflict}", help)
        # The working tree is the default.
        options["worktree"] |= not any(options[name] for name in ("staged", "head", "range", "root"))
    if yes and not fix:
        raise usage("--yes agrees to what --fix would do, and there is no --fix", "add --fix")
    if fix and (conflict := _first_given({**options, "watch": watch}, _FIX_EXCLUDES)):
        help = "put right what is here: the branch with its newest commit's message, --staged or --worktree"
        raise usage(f"--fix does not go with {conflict}", help)
    # A push that a server accepts is final.
    options["enforce"] = options["enforce"] or (options["pre_receive"] and not options["dry_run"])
    request = Request(environment=os.environ, **options)
    if not request.override and (conflict := _first_given(options, _OVERRIDE_OPTIONS)):
        raise usage(f"{conflict} says more of --override, and there is none", "add --override RULE")
    if request.override and (conflict := _first_given(options, ("--push", "--pre-receive"))):
        raise usage(f"--override is for one change, and {conflict} may bring several", "approve the branch")
    if watch:
        watch_and_judge(request, reports)
    if fix:
        from specguard.cli.fixing import fix_and_judge

        return fix_and_judge(request, reports, yes=yes)
    return judge(request, reports)


PAUSE: Final = 0.4
"""The shortest pause between two looks at the files, in seconds."""

_PAUSE_RATIO: Final = 20
"""A pause lasts at least this many times as long as a look takes, but at most `_LONGEST_PAUSE` seconds."""

_LONGEST_PAUSE: Final = 10.0
_CLEAR_SCREEN: Final = "\033[2J\033[H"


def watch_and_judge(request: Request, reports: Reports) -> NoReturn:
    """Judge, and judge again after each change, until the user interrupts.

    An error that prevents a verdict is printed, and watching continues: the policy may be half edited.

    Raises:
        SpecguardError: there is nothing to watch, or the command line cannot be judged.
        KeyboardInterrupt: the user interrupted; the loop has no other end.
    """
    # A report that is written into the working tree must not trigger the next check.
    watcher = Watcher(request, [name for _, name in reports.files] + ([request.log] if request.log else []))
    watched = "the working tree" if request.worktree else "the index" if request.staged else "the branch"
    status_stream = sys.stdout if reports.stdout_format == "text" else sys.stderr
    first = True
    while True:
        state = watcher.read_state()
        if status_stream.isatty():
            status_stream.write(_CLEAR_SCREEN)
        elif not first:
            status_stream.write(f"--- {time.strftime('%H:%M:%S')}\n")
        try:
            _, report = judge_and_report(request, reports)
            sys.stdout.write(report)
        except (Exception, SystemExit) as error:
            cause = as_specguard_error(error)
            if first and (cause.code == "usage" or (request.enforce and cause.code == "no-base")):
                # No change mends the command line.
                raise
            print_error(cause, ["check", "--output-format", reports.stdout_format])
        sys.stdout.flush()
        status_stream.write(f"watching {watched}; Ctrl-C ends\n")
        status_stream.flush()
        first = False
        _wait_for_change(watcher, state)


def _wait_for_change(watcher: Watcher, judged_state: tuple[Any, ...]) -> None:
    """Return when the watched state differs from the judged one."""
    pause = PAUSE
    while True:
        time.sleep(pause)
        began = time.monotonic()
        if watcher.read_state() != judged_state:
            return
        pause = min(max(PAUSE, _PAUSE_RATIO * (time.monotonic() - began)), _LONGEST_PAUSE)
