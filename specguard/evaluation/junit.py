"""Tried expectations as JUnit's XML, for platforms that show tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.evaluation.trying import Tried


def junit_text(done: Sequence[Tried]) -> str:
    """The XML of a run of `specguard test`: a test case for each expectation.

    The elements are those that junit.xsd of the Jenkins xUnit plugin has; a character that XML cannot hold is
    shown by its escape.
    """
    suite = ElementTree.Element(
        "testsuite",
        name="specguard test",
        tests=str(len(done)),
        failures=str(sum(bool(one.differences) for one in done)),
        errors=str(sum(bool(one.problem) for one in done)),
        time=f"{sum(one.seconds for one in done):.3f}",
    )
    for one in done:
        expected = one.expectation
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=visible(expected.path),
            name=visible(expected.name),
            time=f"{one.seconds:.3f}",
        )
        if one.problem:
            ElementTree.SubElement(case, "error", message=visible(one.problem))
        elif one.differences:
            failure = ElementTree.SubElement(case, "failure", message="not as expected")
            failure.text = "\n".join(visible(f"{each.kind}: {each.said}") for each in one.differences)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'
