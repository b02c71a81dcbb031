"""Reports in the formats of other programs: Checkstyle, JUnit, reviewdog's `rdjson`, GitLab's widget, Azure.

Checkstyle's elements and attributes are those that its `XMLLogger` writes; JUnit's are those that Jenkins
allows in its `junit-10.xsd` (jenkinsci/xunit-plugin). Of several failures of a test case most readers show
the first, so that a rule has one, which tells all its findings.

Reviewdog's lines count from 1, and a range without columns has both of its lines whole. It puts messages into
comments as they are, which makes Markdown of them, so that they are escaped for it.

GitLab's fields are those of "Code quality report format" in its documentation: no path begins with `./`, and
of several issues with one fingerprint only one is shown.

Azure's agent reads `##vso[` anywhere in a line, so nothing of a change is printed but as an escaped part of a
command. It knows errors and warnings; what weighs less is told in plain lines.
"""

from __future__ import annotations

import hashlib
from xml.etree.ElementTree import Element, SubElement

from specguard.reporters.escape import (
    LONGEST,
    azure_data,
    azure_property,
    cut,
    cut_path,
    json_text,
    markdown_text,
    visible,
    xml_legal,
    xml_text,
)
from specguard.reporters.text import Style, located, titles, undecided, verdict_line
from specguard.reporters.wording import (
    HOME,
    ShownAt,
    Told,
    lines,
    policy_lines,
    title,
    told_errors,
    told_of,
    undecided_lines,
    url_of,
    weight,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Final

    from specguard.errors import SpecguardError
    from specguard.model import Judged, RuleResult, Verdict


VERSION: Final = "4.3"
"""The version of the format, as Checkstyle's plugins read it."""


def render_checkstyle(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts by file; a rule that could not be judged is an error of the authority."""
    return _files(told_of(verdicts))


def error_report_checkstyle(error: SpecguardError) -> str:
    """The errors that there is no verdict, and why."""
    return _files(told_errors(error))


def _files(told: Iterable[Told]) -> str:
    """What is told by file, in the order in which the files come; line 0 is the whole file."""
    root = Element("checkstyle", version=VERSION)
    files: dict[bytes, Element] = {}
    for one in told:
        if one.place.path not in files:
            files[one.place.path] = SubElement(root, "file", name=xml_legal(one.place.text))
        SubElement(
            files[one.place.path],
            "error",
            line=str(one.place.line),
            severity=one.weight,
            message=xml_legal("; ".join(one.lines)),
            source=f"specguard.{one.code}",
        )
    return xml_text(root)


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
        suite = SubElement(root, "testsuite", name=f"specguard {visible(cut_path(str(subject)))}")
        for result in verdict.results:
            _case(suite, verdict, result)
        notes = [f"note: {visible(cut(note))}" for note in verdict.notes]
        SubElement(suite, "system-out").text = "\n".join(
            [*policy_lines(verdict), *notes, verdict_line(verdict, Style())]
        )
    return _counted(root)


def error_report_junit(error: SpecguardError) -> str:
    """A suite whose one test case is the error that there is no verdict."""
    root = Element("testsuites", name="specguard")
    suite = SubElement(root, "testsuite", name="specguard")
    case = SubElement(suite, "testcase", name="verdict", classname="specguard")
    told = ["; ".join(one.lines[1:]) for one in told_errors(error)]
    SubElement(case, "error", type="no verdict", message=told[0]).text = "\n".join(told)
    return _counted(root)


def _case(suite: Element, verdict: Verdict, result: RuleResult) -> None:
    name = f"{result.code} {result.name}"
    case = SubElement(suite, "testcase", name=name, classname=f"specguard.{result.code[:3]}")
    fails = [one for one in result.findings if weight(verdict, one) == "error"]
    if fails:
        more = f" (and {len(fails) - 1} more)" if len(fails) > 1 else ""
        failure = SubElement(case, "failure", type="error", message=f"{located(fails[0])}{more}")
        failure.text = _findings(fails)
    if result.state == "indeterminate":
        kind = "error" if result.incomplete else "skipped"
        said = undecided_lines(result)
        SubElement(case, kind, type="indeterminate", message=said[0]).text = "\n".join(said)
    elif result.state in ("off", "not-applicable"):
        SubElement(case, "skipped", type=result.state, message=visible(result.reason or result.state))
    rest = [one for one in result.findings if weight(verdict, one) != "error"]
    if rest:
        SubElement(case, "system-out").text = _findings(rest)


def _findings(found: Sequence[Judged]) -> str:
    told: list[str] = []
    for judged in found[:SHOWN]:
        state = "" if judged.state == "open" else f" ({judged.state})"
        told.append(f"{judged.severity}{state}: {located(judged)}")
        told += [f"    {line}" for line in lines(judged)[1:]]
    if len(found) > SHOWN:
        told.append(f"and {len(found) - SHOWN} more; --output json=FILE has them all")
    return "\n".join(told)


def _counted(root: Element) -> str:
    """The report, which says how many test cases there are, and how they went."""
    counts = {"tests": "", "failures": "/failure", "errors": "/error", "skipped": "/skipped"}
    for element in (*root, root):
        for attribute, below in counts.items():
            if element is not root or attribute != "skipped":
                element.set(attribute, str(len(element.findall(f".//testcase{below}"))))
    for element in root.iter():
        element.text = None if element.text is None else xml_legal(element.text)
        for name, value in element.items():
            element.set(name, xml_legal(value))
    return xml_text(root)


def render_rdjson(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts; a rule that could not be judged is a diagnostic of the authority."""
    return _diagnostics(told_of(verdicts))


def error_report_rdjson(error: SpecguardError) -> str:
    """The diagnostics that there is no verdict, and why."""
    return _diagnostics(told_errors(error))


def _diagnostics(told: Iterable[Told]) -> str:
    found: list[dict[str, Any]] = []
    for one in told:
        location: dict[str, Any] = {"path": one.place.text}
        if one.place.line:
            location["range"] = {"start": {"line": one.place.line}, "end": {"line": one.place.end_line}}
        message = "\n".join(map(markdown_text, one.lines))
        found.append({"message": message, "location": location, "severity": one.weight.upper()})
        if one.result is not None:
            page = url_of(one.result)
            found[-1]["code"] = {"value": one.code, "url": page} if page else {"value": one.code}
    data: dict[str, Any] = {"source": {"name": "specguard", "url": HOME}}
    severities = {one["severity"] for one in found}
    if severities:
        data["severity"] = min(severities, key=("ERROR", "WARNING", "INFO").index)
    return json_text({**data, "diagnostics": found}) + "\n"


_GITLAB: Final = {"error": "critical", "warning": "minor", "info": "info"}


def render_gitlab(verdicts: Sequence[Verdict]) -> str:
    """The findings of all verdicts as issues; a rule that could not be judged is one as well.

    What is approved or in the baseline says so, and is no more than `info`.
    """
    return _issues(told_of(verdicts))


def error_report_gitlab(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    return _issues(told_errors(error))


def _issues(told: Iterable[Told]) -> str:
    """Issues, each with a fingerprint of its own, also where several say the same."""
    data: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for one in told:
        first, *rest = one.lines
        severity = _GITLAB[one.weight]
        if one.judged is not None:
            # GitLab does not show the check's name.
            first, rest = title(one.judged), list(one.lines)
            fingerprint = one.judged.fingerprint
        elif one.result is not None:
            severity = "blocker" if one.result.incomplete else "major"
            first, rest = f"{one.code} {one.result.name}", list(one.lines)
            fingerprint = _digest(one.code, one.result.reason or "")
        else:
            severity, fingerprint = "blocker", _digest(*one.lines)
        seen[fingerprint] = count = seen.get(fingerprint, 0) + 1
        begins, ends = max(1, one.place.line), one.place.end_line
        data.append(
            {
                "description": f"{first}: {'; '.join(rest)}",
                "check_name": one.code,
                "fingerprint": fingerprint if count == 1 else _digest(fingerprint, str(count)),
                "severity": severity,
                "location": {
                    "path": one.place.text,
                    "lines": {"begin": begins, **({"end": ends} if ends > one.place.line else {})},
                },
            }
        )
    return json_text(data) + "\n"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def render_azure(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as issues, errors first, then what is no issue, and verdict lines."""
    issues: list[str] = []
    rest: list[str] = []
    for verdict in verdicts:
        for results in undecided(verdict):
            kind = "error" if results[0].incomplete else "warning"
            issues.append(
                _issue(kind, [titles(results), *undecided_lines(results[0])], None, results[0].code)
            )
    for one in told_of(verdicts):
        if one.judged is not None and one.weight == "info":
            state = one.judged.severity if one.judged.state == "open" else one.judged.state
            rest.append(f"{one.code} ({state}) {located(one.judged)}")
        elif one.judged is not None:
            issues.append(_issue(one.weight, one.lines, one.place if one.place.own else None, one.code))
    rest += [line for verdict in verdicts for line in policy_lines(verdict)]
    rest += [verdict_line(verdict, Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in (*issues, *rest))


def error_report_azure(error: SpecguardError) -> str:
    """The issues that there is no verdict, and why."""
    return "".join(
        f"{_issue('error', one.lines, one.place if one.place.own else None, '')}\n"
        for one in told_errors(error)
    )


def _issue(kind: str, told: Sequence[str], place: ShownAt | None, code: str) -> str:
    properties = {"type": kind}
    if place is not None:
        properties["sourcepath"] = cut(place.text, LONGEST)
        if place.line:
            properties["linenumber"] = str(place.line)
    if code:
        properties["code"] = code
    fields = "".join(f"{name}={azure_property(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {fields}]{azure_data(chr(10).join(told))}"
