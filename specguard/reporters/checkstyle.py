"""The report as Checkstyle's XML, which most programs that show warnings read.

The elements and attributes are those that Checkstyle's `XMLLogger` writes.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from specguard.reporters.escape import xml_legal, xml_text
from specguard.reporters.places import Place, authority_of, place_of, place_of_error
from specguard.reporters.wording import error_lines, lines, undecided_lines, weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.errors import SpecguardError
    from specguard.model import Verdict

VERSION: Final = "4.3"
"""The version of the format, as Checkstyle's plugins read it."""


def render(verdicts: Sequence[Verdict]) -> str:
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


def error_report(error: SpecguardError) -> str:
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
