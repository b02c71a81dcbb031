"""The report as JUnit's XML: one suite a verdict, one test case a rule.

Nothing defines the format but what reads it; the elements and attributes are those that Jenkins allows in its
`junit-10.xsd` (jenkinsci/xunit-plugin). Of several failures of a test case most readers show the first, so
that a rule has one, which tells all its findings.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from specguard.reporters.escape import cut, cut_path, visible, xml_legal, xml_text
from specguard.reporters.text import Style, located, verdict_line
from specguard.reporters.wording import error_lines, lines, policy_lines, undecided_lines, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Judged, RuleResult, Verdict

SHOWN: Final = 1000
"""How many findings of one rule are told before the rest is counted."""


def render(verdicts: Sequence[Verdict]) -> str:
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


def error_report(error: SpecguardError) -> str:
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
