"""Judging a request and reporting on it: what `check` does, however its words were read.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands has the form of both files.
"""

from __future__ import annotations

import os
import sys

from specguard.errors import SpecguardError, internal_error
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.repository import Looking
    from specguard.change.request import Request
    from specguard.model import Verdict


def judge(
    request: Request,
    *,
    output_format: str = "text",
    outputs: Sequence[tuple[str, str]] = (),
    explain: bool = False,
    statistics: bool = False,
) -> int:
    """Check what is asked, write the reports, and return the exit code.

    Args:
        request: what is judged.
        output_format: the format on standard output.
        outputs: further reports, as pairs of a format and a file.
        explain: say in text what each rule looked at and what held.
        statistics: count in text the findings of each rule.
    """
    try:
        verdicts, report = judged(
            request, output_format=output_format, outputs=outputs, explain=explain, statistics=statistics
        )
    except (Exception, SystemExit) as error:
        if output_format == "github":
            tell_error(error if isinstance(error, SpecguardError) else internal_error(error), outputs)
        raise
    sys.stdout.write(report)
    if output_format == "github":
        tell(verdicts, exit_code(verdicts), outputs)
    return exit_code(verdicts)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """The highest exit code of some verdicts."""
    return max((verdict.exit_code for verdict in verdicts), default=EXIT_PASSED)


def judged(
    request: Request,
    *,
    output_format: str = "text",
    outputs: Sequence[tuple[str, str]] = (),
    explain: bool = False,
    statistics: bool = False,
) -> tuple[Sequence[Verdict], str]:
    """Check what is asked and write the reports, all but the one for standard output, which is returned.

    What is given is the same as for `judge`.

    Raises:
        SpecguardError: there is no verdict; reports in files say so.
    """
    from specguard.change.repository import Looking

    try:
        needs = _needs({output_format, *(form for form, _ in outputs)})
        if request.log:
            needs.add("fingerprint")
        # Git looks for the repository while the rest is imported.
        looking = Looking.of(request)
        from specguard.engine.check import check

        verdicts = check(request, needs=needs, looking=looking)
    except (Exception, SystemExit) as error:
        known = error if isinstance(error, SpecguardError) else internal_error(error)
        for form, file in outputs:
            from specguard.reporters.formats import FORMATS

            # A plugin's format is known by the policy alone, and there may be none.
            report = FORMATS[form].error_report(known) if form in FORMATS else ""
            if report:
                try:
                    write_report(file, report)
                except SpecguardError:
                    # What went wrong before is what is said.
                    continue
        if request.log and known.path != request.log:
            from specguard.reporters.json import error_line

            _append_decisions(request.log, error_line(known, _now(), enforce=request.enforce), known.message)
        raise
    _find({output_format, *(form for form, _ in outputs)}, verdicts)
    failed: Exception | None = None
    try:
        _log(verdicts, request.log, looking)
    except SpecguardError as error:
        failed = error
    for form, file in outputs:
        try:
            write_report(file, _render(verdicts, form, explain=explain, statistics=statistics))
        except Exception as error:  # noqa: BLE001 - the reports in other files are written all the same
            failed = failed or error
    if failed is not None:
        raise failed
    colour = output_format == "text" and wants_colour()
    return verdicts, _render(verdicts, output_format, colour=colour, explain=explain, statistics=statistics)


def _needs(forms: set[str]) -> set[str]:
    """What reports in these formats need beside the findings."""
    if forms == {"text"}:
        # What a hook prints needs nothing, not even the list of formats.
        return set()
    from specguard.reporters.formats import FORMATS

    needs: set[str] = {need for form in forms if form in FORMATS for need in FORMATS[form].needs}
    # A plugin makes its format of what the JSON report has.
    return needs if forms <= set(FORMATS) else {*needs, *FORMATS["json"].needs}


def _find(forms: set[str], verdicts: Sequence[Verdict]) -> None:
    """Find every format that is asked for, before anything is written.

    Raises:
        SpecguardError: neither specguard nor a plugin of the policy has one of them.
    """
    if forms != {"text"}:
        from specguard.reporters.formats import find_format

        for form in forms:
            find_format(form, _plugins(verdicts))


def _plugins(verdicts: Sequence[Verdict]) -> list[str]:
    """The plugins of the policies that judged."""
    return list(dict.fromkeys(name for verdict in verdicts for name in verdict.authority["plugins"]))


def _render(
    verdicts: Sequence[Verdict],
    form: str,
    *,
    colour: bool = False,
    explain: bool = False,
    statistics: bool = False,
) -> str:
    if form == "text":
        from specguard.reporters import text

        return text.render(verdicts, colour=colour, explain=explain, statistics=statistics)
    from specguard.reporters.formats import find_format

    return find_format(form, _plugins(verdicts)).render(verdicts)


def _log(verdicts: Sequence[Verdict], log: str, looking: Looking) -> None:
    """Add the verdicts to the log that is asked for, and to the repository's own where approvals were used.

    Raises:
        SpecguardError: the one that is asked for cannot be written.
    """
    used = [verdict for verdict in verdicts if any(one.state == "approved" for one in verdict.findings)]
    if not log and not used:
        return
    from specguard.reporters.json import PLACE, lines

    if log:
        _append_decisions(log, lines(verdicts, _now()))
    if used:
        from specguard.cli.files import append_lines

        place = os.path.join(looking.common, PLACE)
        if os.path.islink(place) or os.path.islink(os.path.dirname(place)):
            # Git makes none there, and whoever did may want something else written to.
            return
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            append_lines(place, lines(used, _now()))
        except OSError:
            # A help to `specguard approvals`, and no more: there is none where nothing may be written.
            return


def _append_decisions(file: str, lines: str, instead: str = "") -> None:
    from specguard.cli.files import append_lines

    try:
        append_lines(file, lines)
    except OSError as error:
        also = f"; nor is there a verdict: {instead}" if instead else ""
        raise SpecguardError(
            f"the decision log cannot be written: {error.strerror}{also}",
            path=file,
            help="name a file that can be written, as in --log-decisions decisions.jsonl",
            code="unwritable-file",
        ) from error


def _now() -> float:
    import time

    return time.time()


def write_report(file: str, text: str, *, append: bool = False) -> None:
    """Write a report.

    Args:
        file: its name.
        text: what is written.
        append: whether what is in the file stays.

    Raises:
        SpecguardError: it cannot be written.
    """
    try:
        with open(file, "a" if append else "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError as error:
        raise SpecguardError(
            f"the report cannot be written: {error.strerror}",
            path=file,
            help="name a file in a folder that exists, as in --output json=report.json",
            code="unwritable-file",
        ) from error


def wants_colour() -> bool:
    """Whether standard output is a terminal whose reader wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


_WORST: Final = ("passed", "accepted", "failed", "indeterminate")
"""The verdicts, each after those that it outweighs."""


def tell(verdicts: Sequence[Verdict], code: int, outputs: Sequence[tuple[str, str]]) -> None:
    """Append to the job's summary and to its step's outputs, where the platform gives files for them.

    Args:
        verdicts: what was found.
        code: the exit code.
        outputs: the reports in files, as pairs of a format and a file.

    Raises:
        SpecguardError: one of the files cannot be written; the other one is all the same.
    """
    import json

    from specguard.reporters.platforms import SUMMARY_LIMIT, render_markdown

    counts: dict[str, int] = {}
    for verdict in verdicts:
        for state, count in verdict.counts.items():
            counts[state] = counts.get(state, 0) + count
    outcome = max((verdict.outcome for verdict in verdicts), key=_WORST.index, default="passed")
    findings = sum(len(verdict.findings) for verdict in verdicts)
    _append(
        render_markdown(verdicts, limit=SUMMARY_LIMIT),
        {"verdict": outcome, "exit-code": str(code), "findings": str(findings), "counts": json.dumps(counts)},
        outputs,
    )


def tell_error(error: SpecguardError, outputs: Sequence[tuple[str, str]]) -> None:
    """The same where there is no verdict; of the reports those are named that say why.

    Args:
        error: why there is none.
        outputs: the reports that were asked for, as pairs of a format and a file.
    """
    from specguard.reporters.platforms import error_report_markdown

    values = {"verdict": "error", "exit-code": str(EXIT_NO_VERDICT), "findings": "0", "counts": "{}"}
    try:
        _append(
            error_report_markdown(error),
            values,
            [(form, file) for form, file in outputs if os.path.isfile(file)],
        )
    except SpecguardError:
        # What went wrong before is what is said.
        return


def _append(summary: str, values: Mapping[str, str], outputs: Sequence[tuple[str, str]]) -> None:
    texts = {
        "GITHUB_OUTPUT": output_lines(
            {**values, **{f"report-{form}": os.path.abspath(file) for form, file in outputs}}
        ),
        "GITHUB_STEP_SUMMARY": summary,
    }
    failed: SpecguardError | None = None
    for variable, text in texts.items():
        file = os.environ.get(variable)
        if file:
            try:
                write_report(file, text, append=True)
            except SpecguardError as error:
                failed = error
    if failed is not None:
        raise failed


def output_lines(values: Mapping[str, str]) -> str:
    """The lines that set a step's outputs; whatever a value holds, it can end nothing but itself."""
    lines = []
    for name, value in values.items():
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(lines)
