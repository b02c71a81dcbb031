"""`specguard check`: judge a change against the authority."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from specguard.change.request import Request
from specguard.change.worktree import Signs
from specguard.cli import complain
from specguard.cli.judge import judge, judged
from specguard.cli.options import FILE, approval, complete_selectors, in_directory, what_is_judged
from specguard.errors import SpecguardError, internal_error
from specguard.model import path_text
from specguard.reporters.escape import cut_path, visible
from specguard.reporters.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, NoReturn

    from specguard.model import Verdict

    Open = Mapping[tuple[str, str], str]
    """What is open: a rule's code and a finding's fingerprint, and what a line calls it."""


if TYPE_CHECKING:
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
        watch_and_judge(
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


PAUSE: Final = 0.4
"""So many seconds lie between two looks at least."""

_REST: Final = 20
"""Looking takes one part of so many of the time at most, and a pause lasts no longer than `_LONGEST`."""

_LONGEST: Final = 10.0
_SETTLE: Final = 0.15
"""A change has come to its end when two looks so many seconds apart see the same."""

_PATIENCE: Final = 3.0
"""What goes on changing for longer is judged all the same."""

_NAMED: Final = 3
"""So many findings the line about the difference names."""

_CLEAR: Final = "\033[2J\033[H"


def watch_and_judge(
    request: Request,
    *,
    output_format: str = "text",
    outputs: Sequence[tuple[str, str]] = (),
    explain: bool = False,
    statistics: bool = False,
) -> NoReturn:
    """Judge, and judge again after each change, until the person who watches interrupts it.

    What keeps a verdict from being given is shown, and watching goes on: a policy may be in the middle of an
    edit. A report is printed as a whole or not at all. What is given is the same as for `judge`.

    Raises:
        SpecguardError: there is nothing to watch.
        KeyboardInterrupt: the only way in which it ends.
    """
    # A report that is written into the working tree must not be the reason for the next one.
    signs = Signs(request, [file for _, file in outputs] + ([request.log] if request.log else []))
    what = "the working tree" if request.worktree else "the index" if request.staged else "the branch"
    before: Open | None = None
    first = True
    while True:
        seen = signs.look()
        failed: SpecguardError | None = None
        now: Open | None = None
        report = ""
        try:
            verdicts, report = judged(
                request,
                output_format=output_format,
                outputs=outputs,
                explain=explain,
                statistics=statistics,
            )
            now = _open(verdicts)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - shown, and watching goes on
            failed = error if isinstance(error, SpecguardError) else internal_error(error)
        said = "" if first else f"{_since(before, now)}\n"
        _show(report, failed, f"{said}watching {what}; Ctrl-C ends\n", output_format, first=first)
        before, first = now, False
        _wait(signs, seen)


def _wait(signs: Signs, seen: tuple[Any, ...]) -> None:
    """Return when something else is seen, and has come to rest."""
    pause = PAUSE
    while True:
        time.sleep(pause)
        began = time.monotonic()
        now = _look(signs)
        pause = min(max(PAUSE, _REST * (time.monotonic() - began)), _LONGEST)
        if now == seen:
            continue
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            time.sleep(_SETTLE)
            previous, now = now, _look(signs)
            if now == previous:
                break
        # It may have been taken back meanwhile.
        if now != seen:
            return


def _look(signs: Signs) -> tuple[Any, ...]:
    try:
        return signs.look()
    except SpecguardError as error:
        # Git may be missing for a moment, while it is updated.
        return (error.message,)


def _show(report: str, failed: SpecguardError | None, lines: str, output_format: str, *, first: bool) -> None:
    """Print a report, or why there is none, and what is said of watching: all of it or nothing."""
    text = output_format == "text"
    asked: list[int] = []

    def later(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, later)
    try:
        if text and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        elif not first:
            print(f"--- {time.strftime('%H:%M:%S')}", file=sys.stdout if text else sys.stderr)
        sys.stdout.write(report)
        sys.stdout.flush()
        if failed is not None:
            complain(failed, ["check", "--output-format", output_format])
            sys.stdout.flush()
        other = sys.stdout if text else sys.stderr
        other.write(lines)
        other.flush()
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _open(verdicts: Sequence[Verdict]) -> Open:
    """What of some verdicts is left to do."""
    found: dict[tuple[str, str], str] = {}
    for verdict in verdicts:
        for one in verdict.findings:
            if one.state == "open":
                path = one.finding.path
                where = cut_path(path_text(path)) if path is not None else one.finding.field or ""
                found[one.code, one.fingerprint] = visible(f"{one.code} {where}".strip())
        for result in verdict.results:
            if result.state == "indeterminate":
                found[result.code, ""] = f"{result.code} undecided"
    return found


def _since(before: Open | None, now: Open | None) -> str:
    """What became better and what worse, in one line."""
    if now is None:
        return "since last time: worse: there is no verdict" if before is not None else "still no verdict"
    if before is None:
        return f"since last time: better: there is a verdict; {len(now)} open"
    gone = [name for key, name in before.items() if key not in now]
    new = [name for key, name in now.items() if key not in before]
    said = [
        f"{word}: {len(names)} {what} ({_named(names)})"
        for word, what, names in (("better", "gone", gone), ("worse", "new", new))
        if names
    ]
    return f"since last time: {'; '.join(said) or 'the same'}; {len(now)} open"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
