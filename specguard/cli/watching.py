"""`check --watch`: judging again whenever what is judged has changed."""

from __future__ import annotations

import signal
import sys
import time

from specguard.change.worktree import Signs
from specguard.cli import complain
from specguard.cli.judge import judged
from specguard.errors import SpecguardError, internal_error
from specguard.model import path_text
from specguard.reporters.escape import cut_path, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, NoReturn

    from specguard.change.request import Request
    from specguard.model import Verdict

    Open = Mapping[tuple[str, str], str]
    """What is open: a rule's code and a finding's fingerprint, and what a line calls it."""

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


def watch(
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
