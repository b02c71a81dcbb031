"""Reports in the formats of other programs: Checkstyle, JUnit, and reviewdog's `rdjson`.

The elements and attributes are those that Checkstyle's `XMLLogger` writes.

Nothing defines the format but what reads it; the elements and attributes are those that Jenkins allows in its
`junit-10.xsd` (jenkinsci/xunit-plugin). Of several failures of a test case most readers show the first, so
that a rule has one, which tells all its findings.

Lines count from 1, and a range without columns has both of its lines whole. Reviewdog puts messages into
comments as they are, which makes Markdown of them, so that they are escaped for it.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from specguard.reporters.escape import cut, cut_path, json_text, markdown_text, visible, xml_legal, xml_text
from specguard.reporters.text import Style, located, verdict_line
from specguard.reporters.wording import (
    HOME,
    Place,
    authority_of,
    error_lines,
    lines,
    most_severe_first,
    place_of,
    place_of_error,
    policy_lines,
    undecided_lines,
    url_of,
    weight,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Final

    from specguard.errors import SpecguardError
    from specguard.model import Judged, RuleResult, Verdict


VERSION: Final = "4.3"
"""The version of the format, as Checkstyle's plugins read it."""


def render_checkstyle(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts by file; a rule that could not be judged is an error of the authority."""
    files = _Files()
    for verdict in verdicts:
        for result in verdict.results:
            if result.state == "indeterminate":
                severity = "error" if result.incomplete else "warning"
                files.add(authority_of(verdict), severity, undecided_lines(result), result.code)
        for judged in verdict.findings:
            files.add(place_of(verdict, judged), weight(verdict, judged), lines(judged), judged.code)
    return files.text


def error_report_checkstyle(error: SpecguardError) -> str:
    """The errors that there is no verdict, and why."""
    files = _Files()
    for one in error.each():
        files.add(place_of_error(one), "error", ["no verdict", *error_lines(one)], "no-verdict")
    return files.text


class _Files:
    """Findings by file, in the order in which the files come."""

    def __init__(self) -> None:
        self._root = Element("checkstyle", version=VERSION)
        self._files: dict[bytes, Element] = {}

    def add(self, place: Place, severity: str, told: Sequence[str], source: str) -> None:
        """Add a finding; line 0 is the whole file, as in Checkstyle."""
        element = self._files.get(place.path)
        if element is None:
            element = SubElement(self._root, "file", name=xml_legal(place.text))
            self._files[place.path] = element
        SubElement(
            element,
            "error",
            line=str(place.line),
            severity=severity,
            message=xml_legal("; ".join(told)),
            source=f"specguard.{source}",
        )

    @property
    def text(self) -> str:
        """The report."""
        return xml_text(self._root)


SHOWN: Final = 1000
"""How many findings of one rule are told before the rest is counted."""


def render_junit(verdicts: Sequence[Verdict]) -> str:
    """The verdicts: a rule that failed is a failure, and one that could not be judged is an error.

    A rule that is off or does not apply is skipped. What does not fail (warnings, what is approved, in the
    baseline or of a dry run) is the output of a test case that passes.
    """
    root = Element("testsuites", name="specguard")
    for verdict in verdicts:
        subject = verdict.change.get("branch") or verdict.change.get("head") or verdict.change.get("source")
        suite = _suite(root, f"specguard {visible(cut_path(str(subject)))}")
        for result in verdict.results:
            _case(suite, verdict, result)
        notes = [f"note: {visible(cut(note))}" for note in verdict.notes]
        SubElement(suite, "system-out").text = "\n".join(
            [*policy_lines(verdict), *notes, verdict_line(verdict, Style())]
        )
        _count(suite)
    return _written(root)


def error_report_junit(error: SpecguardError) -> str:
    """A suite whose one test case is the error that there is no verdict."""
    root = Element("testsuites", name="specguard")
    suite = _suite(root, "specguard")
    case = SubElement(suite, "testcase", name="verdict", classname="specguard")
    told = ["; ".join(error_lines(one)) for one in error.each()]
    element = SubElement(case, "error", type="no verdict", message=told[0])
    element.text = "\n".join(told)
    _count(suite)
    return _written(root)


def _suite(root: Element, name: str) -> Element:
    return SubElement(root, "testsuite", name=name, tests="0", failures="0", errors="0", skipped="0")


def _case(suite: Element, verdict: Verdict, result: RuleResult) -> None:
    case = SubElement(
        suite, "testcase", name=f"{result.code} {result.name}", classname=f"specguard.{result.code[:3]}"
    )
    fails = [one for one in result.findings if weight(verdict, one) == "error"]
    if fails:
        more = f" (and {len(fails) - 1} more)" if len(fails) > 1 else ""
        failure = SubElement(case, "failure", type="error", message=f"{located(fails[0])}{more}")
        failure.text = _told(fails)
    if result.state == "indeterminate":
        kind = "error" if result.incomplete else "skipped"
        said = undecided_lines(result)
        SubElement(case, kind, type="indeterminate", message=said[0]).text = "\n".join(said)
    elif result.state in ("off", "not-applicable"):
        SubElement(case, "skipped", type=result.state, message=visible(result.reason or result.state))
    rest = [one for one in result.findings if weight(verdict, one) != "error"]
    if rest:
        SubElement(case, "system-out").text = _told(rest)


def _told(found: Sequence[Judged]) -> str:
    told = [line for judged in found[:SHOWN] for line in _lines(judged)]
    if len(found) > SHOWN:
        told.append(f"and {len(found) - SHOWN} more; --output json=FILE has them all")
    return "\n".join(told)


def _lines(judged: Judged) -> Iterator[str]:
    state = "" if judged.state == "open" else f" ({judged.state})"
    yield f"{judged.severity}{state}: {located(judged)}"
    yield from (f"    {line}" for line in lines(judged)[1:])


def _count(suite: Element) -> None:
    """Say how many test cases of a suite there are, and how they went."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _written(root: Element) -> str:
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    for element in root.iter():
        element.text = None if element.text is None else xml_legal(element.text)
        for name, value in element.items():
            element.set(name, xml_legal(value))
    return xml_text(root)


_SEVERITIES: Final = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}


def render_rdjson(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts; a rule that could not be judged is a diagnostic of the authority."""
    found = []
    pages = {result.code: url_of(result) for verdict in verdicts for result in verdict.results}
    for verdict in verdicts:
        for result in verdict.results:
            if result.state == "indeterminate":
                severity = "ERROR" if result.incomplete else "WARNING"
                code = _code(result.code, pages[result.code])
                found.append(_diagnostic(undecided_lines(result), authority_of(verdict), severity, code))
    for verdict, judged in most_severe_first(verdicts):
        severity = _SEVERITIES[weight(verdict, judged)]
        code = _code(judged.code, pages[judged.code])
        found.append(_diagnostic(lines(judged), place_of(verdict, judged), severity, code))
    return _result(found)


def error_report_rdjson(error: SpecguardError) -> str:
    """The diagnostics that there is no verdict, and why."""
    return _result(
        [
            _diagnostic(["no verdict", *error_lines(one)], place_of_error(one), "ERROR", None)
            for one in error.each()
        ]
    )


def _result(diagnostics: Sequence[dict[str, Any]]) -> str:
    data: dict[str, Any] = {"source": {"name": "specguard", "url": HOME}}
    for severity in _SEVERITIES.values():
        if any(one["severity"] == severity for one in diagnostics):
            data["severity"] = severity
            break
    return json_text({**data, "diagnostics": list(diagnostics)}) + "\n"


def _diagnostic(
    told: Iterable[str], place: Place, severity: str, code: dict[str, str] | None
) -> dict[str, Any]:
    location: dict[str, Any] = {"path": place.text}
    if place.line:
        location["range"] = {"start": {"line": place.line}, "end": {"line": place.end_line}}
    data = {
        "message": "\n".join(map(markdown_text, told)),
        "location": location,
        "severity": severity,
    }
    return {**data, "code": code} if code else data


def _code(code: str, page: str | None) -> dict[str, str]:
    return {"value": code, "url": page} if page else {"value": code}
