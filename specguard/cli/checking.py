"""Judge a request and write its reports: the part of `check` that both command line parsers share.

The argument lists that hooks use are parsed here, without click. The format of a job's output files is in
docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from specguard.errors import SpecguardError, as_specguard_error
from specguard.model import EXIT_NO_VERDICT, EXIT_PASSED, OUTCOMES, STATES, TYPE_CHECKING, Record, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from specguard.change.check_request import Request
    from specguard.change.repository import Lookup

    Renderer = Callable[..., str]


class Reports(Record):
    """The reports that the command line asks for.

    Attributes:
        stdout_format: the format on stdout.
        files: further reports, as pairs of a format and a file name.
        explain: add to the text report what each rule looked at and what held.
        statistics: add to the text report the number of findings of each rule.
    """

    stdout_format: str = "text"
    files: Sequence[tuple[str, str]] = ()
    explain: bool = False
    statistics: bool = False

    @property
    def formats(self) -> set[str]:
        """All requested formats."""
        return {self.stdout_format, *(form for form, _ in self.files)}


def quick_request(words: Sequence[str]) -> Request | None:
    """Return the request for an argument list that hooks use; None if click must parse the words."""
    fields: dict[str, Any]
    match words:
        case ["check", "--staged" | "--all" | "--push" as flag]:
            fields = {flag[2:]: True}
        case ["check", "--pre-receive"]:
            # A push that a server accepts is final.
            fields = {"pre_receive": True, "enforce": True}
        case ["check", "--range", ends] if ".." in ends and not ends.startswith("-"):
            fields = {"range": ends}
        case ["check", "--commit-msg-file", file] if file and not file.startswith("-"):
            fields = {"message_file": file}
        case _:
            return None
    from specguard.change.check_request import Request

    return Request(environment=os.environ, **fields)


def judge(request: Request, reports: Reports | None = None) -> int:
    """Judge a request, write its reports, and return the exit code."""
    reports = reports or Reports()
    verdicts, report = judge_and_report(request, reports)
    sys.stdout.write(report)
    code = max((verdict.exit_code for verdict in verdicts), default=EXIT_PASSED)
    if reports.stdout_format == "github":
        _write_job_files(verdicts, code, reports)
    return code


def judge_and_report(request: Request, reports: Reports) -> tuple[Sequence[Verdict], str]:
    """Judge a request and write all its reports, except the one for stdout, which is returned.

    Returns:
        The verdicts, and the report for stdout.

    Raises:
        SpecguardError: no verdict is possible, which the reports in files then say; or a report cannot be
            written.
    """
    from specguard.change.repository import Lookup

    verdicts: Sequence[Verdict] | None = None
    try:
        needs = _needed_facts(reports.formats)
        if request.log:
            needs.add("fingerprint")
        # Git finds the repository while the other modules are imported.
        looking = Lookup.of(request)
        from specguard.engine.check import check

        verdicts = check(request, needs=needs, looking=looking)
        return verdicts, _write_reports(verdicts, request, reports, looking)
    except (Exception, SystemExit) as error:
        _report_error(error, request, reports, judged=verdicts is not None)
        raise


def _write_reports(verdicts: Sequence[Verdict], request: Request, reports: Reports, looking: Lookup) -> str:
    """Write the log and the reports in files, then return the report for stdout."""
    plugins = list(dict.fromkeys(name for verdict in verdicts for name in verdict.authority["plugins"]))
    # An unknown format must be an error before any report is written.
    renderers = {form: _find_renderer(form, reports, plugins) for form in reports.formats}

    def write(form: str, file: str) -> None:
        write_report(file, renderers[form](verdicts))

    log = partial(_append_logs, verdicts, request.log, looking)
    _do_each([log, *(partial(write, form, file) for form, file in reports.files)])
    colour = {"colour": True} if reports.stdout_format == "text" and wants_colour() else {}
    return renderers[reports.stdout_format](verdicts, **colour)


def _do_each(steps: Sequence[Callable[[], None]]) -> None:
    """Do all steps, even if some fail; then raise the first failure."""
    failures: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the other steps are still done
            failures.append(error)
    if failures:
        raise failures[0]


def _report_error(error: Exception | SystemExit, request: Request, reports: Reports, *, judged: bool) -> None:
    """Write the error to a job's files; if nothing was judged, also to the report files and the log."""
    from contextlib import suppress

    cause = as_specguard_error(error)
    for form, file in () if judged else reports.files:
        from specguard.cli import error_text
        from specguard.declaration.registry import FORMATS

        # Only the policy names plugins' formats, and there may be no policy.
        if form in FORMATS:
            # A failure to write must not hide the first error.
            with suppress(SpecguardError):
                write_report(file, FORMATS[form].error_report(cause) or error_text(cause))
    if reports.stdout_format == "github":
        from specguard.reporters.platforms import error_report_markdown

        values = {"verdict": "error", "exit-code": str(EXIT_NO_VERDICT), "findings": "0", "counts": "{}"}
        # Name only the reports that exist: they give the reason.
        report_files = [(form, file) for form, file in reports.files if os.path.isfile(file)]
        with suppress(SpecguardError):
            _append_job_files(error_report_markdown(cause), values, report_files)
    if request.log and cause.path != request.log and not judged:
        from specguard.reporters.json import error_line

        line = error_line(cause, time.time(), enforce=request.enforce)
        _append_decisions(request.log, line, f"there is no verdict ({cause.message}), and the decision log")


def _needed_facts(formats: set[str]) -> set[str]:
    """Return the facts that these formats need besides the findings."""
    if formats == {"text"}:
        # The text report of a hook needs no facts, so the list of formats is not imported.
        return set()
    from specguard.declaration.registry import FORMATS

    # A plugin's format receives the data of the JSON report.
    return {need for form in formats for need in FORMATS.get(form, FORMATS["json"]).needs}


def _find_renderer(form: str, reports: Reports, plugins: Sequence[str]) -> Renderer:
    """Return the function that renders a format.

    Raises:
        SpecguardError: neither specguard nor a plugin of the policy has the format.
    """
    if form == "text":
        from specguard.reporters.text import render

        return partial(render, explain=reports.explain, statistics=reports.statistics)
    from specguard.declaration.registry import FORMATS

    if form in FORMATS:
        return FORMATS[form].render
    from specguard.engine.plugins import find_format

    return find_format(form, plugins).render


def _append_logs(verdicts: Sequence[Verdict], log: str, looking: Lookup) -> None:
    """Append the verdicts to the requested log; if approvals were used, also to the repository's own log.

    Raises:
        SpecguardError: the requested log cannot be written.
    """
    approved = [verdict for verdict in verdicts if any(one.state == "approved" for one in verdict.findings)]
    if not log and not approved:
        return
    from specguard.approvals.log import DECISIONS_FILE
    from specguard.reporters.json import decision_lines

    if log:
        _append_decisions(log, decision_lines(verdicts, time.time()))
    if approved:
        from contextlib import suppress

        from specguard.reporters.file_writing import append_lines, path_in_tree

        # This log only adds detail to `specguard approvals`, so a read-only repository goes without. Git
        # makes no links there; whoever made one may want another file overwritten.
        with suppress(OSError, SpecguardError):
            own_log = path_in_tree(looking.common, DECISIONS_FILE, "")
            os.makedirs(os.path.dirname(own_log), exist_ok=True)
            append_lines(own_log, decision_lines(approved, time.time()))


def _append_decisions(file: str, lines: str, what: str = "the decision log") -> None:
    from specguard.reporters.file_writing import append_lines, refuse_links, writing

    refuse_links(file)
    with writing(file, "name a file that can be written, as in --log-decisions decisions.jsonl", what):
        append_lines(file, lines)


def write_report(file: str, text: str, *, append: bool = False) -> None:
    """Write a report to a file, or append it.

    Raises:
        SpecguardError: the file cannot be written.
    """
    from specguard.reporters.file_writing import refuse_links, writing

    refuse_links(file)
    with (
        writing(file, what="the report"),
        open(file, "a" if append else "w", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        stream.write(text)


def wants_colour() -> bool:
    """Return True if stdout is a terminal whose user wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _write_job_files(verdicts: Sequence[Verdict], code: int, reports: Reports) -> None:
    """Append to the job's summary and to the outputs of its step, if the platform names files for them.

    Raises:
        SpecguardError: one of the files cannot be written; the other is still written.
    """
    import json

    from specguard.reporters.platforms import SUMMARY_LIMIT, render_markdown

    counts = {state: sum(one.counts[state] for one in verdicts) for state in (STATES if verdicts else ())}
    outcome = max((verdict.outcome for verdict in verdicts), key=OUTCOMES.index, default="passed")
    findings = str(sum(len(verdict.findings) for verdict in verdicts))
    values = {"verdict": outcome, "exit-code": str(code), "findings": findings, "counts": json.dumps(counts)}
    _append_job_files(render_markdown(verdicts, limit=SUMMARY_LIMIT), values, reports.files)


def _append_job_files(summary: str, values: Mapping[str, str], files: Sequence[tuple[str, str]]) -> None:
    report_paths = {f"report-{form}": os.path.abspath(file) for form, file in files}
    texts = {"GITHUB_OUTPUT": output_lines({**values, **report_paths}), "GITHUB_STEP_SUMMARY": summary}
    named = ((os.environ.get(variable), text) for variable, text in texts.items())
    _do_each([partial(write_report, file, text, append=True) for file, text in named if file])


def output_lines(values: Mapping[str, str]) -> str:
    """Return the lines that set a step's outputs; random delimiters keep each value within its own output."""
    lines = []
    for name, value in values.items():
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(lines)
