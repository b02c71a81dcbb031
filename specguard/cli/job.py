"""What a job of GitHub is told beside its log: the page of its summary, and the outputs of its step.

docs.github.com/actions/reference/workflows-and-actions/workflow-commands has the form of both files.
"""

from __future__ import annotations

import os

from specguard.cli.judge import write_report
from specguard.errors import SpecguardError
from specguard.model import EXIT_NO_VERDICT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.model import Verdict

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
