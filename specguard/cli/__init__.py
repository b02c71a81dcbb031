"""The command line: the entry point here, and one module for each command.

The few argument lists that hooks use are parsed without click, whose import costs 3.5 times a bare Python
start. All other command lines go to click. Both parsers build the same `Request` and share the code after it.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys

from specguard.errors import SpecguardError, as_specguard_error, code_suffix
from specguard.model import EXIT_INTERRUPTED, EXIT_NO_VERDICT, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, NoReturn

_ERRORS_SHOWN: Final = 100
"""The number of errors that are printed before the rest is only counted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: the command line without the program's name; by default, that of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        no_stdout = sys.stdout is None
        _open_missing()
        if no_stdout:
            return _report_unwritable("standard output is closed", "send it to a file or to /dev/null")
    for stream in (sys.stdout, sys.stderr):
        # Any text can then be printed, whatever encoding the environment names.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        import signal

        # A second signal must not interrupt what is said about the first.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("specguard: interrupted", file=sys.stderr)
        # An agent reads every other exit code of its hook as permission.
        return EXIT_NO_VERDICT if words[:1] == ["hook"] else EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe, so the verdict is lost and nothing more can be printed there.
        return EXIT_NO_VERDICT
    except SpecguardError as error:
        print_error(error, words)
        return EXIT_NO_VERDICT
    except BaseException as error:  # noqa: BLE001 - what is raised must never look like a verdict
        # A plugin's code may raise SystemExit, even with exit code 0.
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            message = f"{error.filename or 'the output'} cannot be written: {error.strerror}"
            return _report_unwritable(message, "make room, or send it elsewhere")
        print_error(as_specguard_error(error), words)
        if "--traceback" in words:
            from traceback import print_exception

            print_exception(error)
        return EXIT_NO_VERDICT
    return code


def _run(words: list[str]) -> int:
    """Run a command by the parser that takes the least time."""
    if words[:1] == ["hook"] and len(words) > 1 and not {"-h", "--help"}.intersection(words):
        # `hook` has its own exit codes: a wrong argument must be a refusal there too.
        from specguard.integrations.hooks.answering import answer

        return answer(words[1:])
    from specguard.cli.checking import judge, quick_request

    request = quick_request(words)
    if request is None:
        from specguard.cli.app import run

        return run(words)
    return judge(request)


def _report_unwritable(message: str, help: str) -> int:
    print_error(SpecguardError(message, help=help, code="unwritable-file"))
    return EXIT_NO_VERDICT


def run_and_leave() -> NoReturn:
    """Run the command and end the process at once; the entry point of the installed program.

    Freeing every object before the exit would cost a hook a third of a bare Python start.
    """
    # A check keeps what it makes: garbage collection would take a tenth of its time and find little.
    gc.set_threshold(50_000, 20, 50)
    # `signal` makes enumerations, for which a hook would wait; `_signal` is part of the interpreter.
    import _signal  # type: ignore[import-not-found]  # typeshed only has the public name

    # Ended like an interrupted one, it removes its temporary folders. What nohup ignores stays ignored.
    for number in (_signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) == _signal.SIG_DFL:
            _signal.signal(number, _signal.default_int_handler)
    # Where a parent has this one ignored, no program that is started here could report how it ended.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    code = EXIT_NO_VERDICT
    try:
        code = main()
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError:
        code = code or EXIT_NO_VERDICT
    # Only these functions remove the temporary folders of this process.
    atexit._run_exitfuncs()
    os._exit(code)


def print_error(error: SpecguardError, words: Sequence[str] = ()) -> None:
    """Print on stderr why a verdict is missing.

    For `check`, also print an error report on stdout in the requested format, if specguard ships that format.

    Args:
        error: the error to report.
        words: the command line, from which the format is read.
    """
    from contextlib import suppress

    command = list(words)
    while command and command[0].startswith("-"):
        del command[: 2 if command[0] == "-C" else 1]
    if command[:1] == ["check"]:
        from specguard.declaration.registry import FORMATS

        if (report_format := FORMATS.get(_requested_format(words))) is not None:
            # Standard output may be closed or full; what is wrong is still said on stderr.
            with suppress(OSError):
                sys.stdout.write(report_format.error_report(error))
    sys.stderr.write(error_text(error))


def error_text(error: SpecguardError) -> str:
    """Return why a verdict is missing, as the command prints it: lines, each with a newline."""
    from specguard.reporters.escape import cut, visible

    errors = error.errors()
    if len(errors) == 1:
        return _error_lines("specguard: error: ", error)
    text = f"specguard: error: {visible(cut(error.summary))}\n"
    text += "".join([_error_lines("  ", one) for one in errors[:_ERRORS_SHOWN]])
    more = len(errors) - _ERRORS_SHOWN
    return f"{text}  and {more} more\n" if more > 0 else text


def _error_lines(prefix: str, error: SpecguardError) -> str:
    """Return an error and its next step, a line each; text of the error never begins a line of its own."""
    from specguard.reporters.escape import cut, cut_path, visible

    place = f"{cut_path(error.place)}: " if error.path else ""
    text = f"{prefix}{visible(f'{place}{cut(error.message)}')}{code_suffix(error.code)}\n"
    if error.help:
        text += f"{prefix if prefix.isspace() else ''}  next: {visible(cut(error.help))}\n"
    return text


def _open_missing() -> None:
    """Give the process empty standard streams in place of those that it was started without.

    Otherwise the first file that the process opens would become its stdout and receive the output.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    sys.stdin = sys.stdin or os.fdopen(0, "r")
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _requested_format(words: Sequence[str]) -> str:
    """Return the report format that the command line names; empty if none. The rest of it may be invalid."""
    requested = ""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, sign, value = word.partition("=")
        if name == "--output-format":
            requested = value if sign else following
    return requested
