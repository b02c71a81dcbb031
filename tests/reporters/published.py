"""What the formats of other programs ask for, as checks: each reads a report back, or fails.

They are written from the published descriptions, and stricter: no field or attribute is let through that is
not written. The published schemas themselves are in no Python package; `PUBLISHED_SCHEMAS` can name a folder
with them, and then they are used too:

- `sarif-schema-2.1.0.json` of oasis-tcs/sarif-spec (`sarif-2.1/schema`),
- `DiagnosticResult.json` of reviewdog/reviewdog (`proto/rdf/jsonschema`),
- `junit-10.xsd` of jenkinsci/xunit-plugin, which also needs the package `xmlschema`.
"""

import json
import os
import re
import unicodedata
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from jsonschema import Draft4Validator, Draft202012Validator


def obeyed(line: str) -> bool:
    """Whether the log of a job takes something in a line for a command, as `ActionCommand.cs` does."""
    return line.lstrip().startswith("::") or bool(re.search(r"##[A-Za-z]*\[", line))


def unseen(text: str) -> list[str]:
    """The characters that are none to a reader."""
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


SCHEMAS = os.environ.get("PUBLISHED_SCHEMAS", "")

SCHEMA = json.loads(Path(__file__).with_name("published.json").read_text("utf-8"))
"""The schemas of the formats in JSON under `$defs`, and the elements of those in XML."""


def sarif(report: str) -> Any:
    """The report as data."""
    data = _json(report, "sarif", "sarif-schema-2.1.0.json")
    for run in data["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            # Else it is a link, wherever a plain text message is shown.
            assert "](" not in result["message"]["text"]
        hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
        assert len(set(hashes)) == len(hashes)
    categories = [run["automationDetails"]["id"] for run in data["runs"]]
    assert len(set(categories)) == len(categories)
    return data


def sarif_paths(data: Any) -> list[bytes]:
    """The files of the results."""
    return [
        unquote_to_bytes(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for run in data["runs"]
        for result in run["results"]
    ]


def gitlab(report: str) -> Any:
    """The report as data."""
    data = _json(report, "gitlab")
    prints = [issue["fingerprint"] for issue in data]
    assert len(set(prints)) == len(prints)
    return data


def rdjson(report: str) -> Any:
    """The report as data."""
    return _json(report, "rdjson", "DiagnosticResult.json")


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"})


def _json(report: str, name: str, published: str = "") -> Any:
    _plain(report)
    data = json.loads(report)
    problems = [f"{one.json_path}: {one.message}" for one in _validator(name).iter_errors(data)]
    assert not problems
    if published and SCHEMAS:
        whole = json.loads((Path(SCHEMAS) / published).read_text())
        Draft4Validator(whole, format_checker=Draft4Validator.FORMAT_CHECKER).validate(data)
    return data


def junit(report: str) -> ElementTree.Element:
    """The report's root."""
    root = _xml(report, "testsuites", "junit")
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases) > 0
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{tag}"))
        assert all(len([part for part in case if part.tag != "system-out"]) <= 1 for case in cases)
    for name in ("tests", "failures", "errors"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)
    if SCHEMAS:
        schema = import_module("xmlschema").XMLSchema(str(Path(SCHEMAS) / "junit-10.xsd"))
        schema.validate(root)
    return root


def checkstyle(report: str) -> ElementTree.Element:
    """The report's root."""
    root = _xml(report, "checkstyle", "checkstyle")
    names = [file.attrib["name"] for file in root]
    assert len(set(names)) == len(names)
    for error in root.iter("error"):
        assert error.attrib["severity"] in ("error", "warning", "info")
        assert error.attrib["line"].isdecimal()
        assert re.fullmatch(r"specguard\.([A-Z]{3}[0-9]{3}|no-verdict)", error.attrib["source"])
    return root


def _xml(report: str, top: str, form: str) -> ElementTree.Element:
    _plain(report)
    root = ElementTree.fromstring(report)
    assert root.tag == top
    for element in root.iter():
        known = SCHEMA[form][element.tag]
        assert sorted(element.attrib) == known["attributes"]
        assert {child.tag for child in element} <= set(known["within"])
    return root


def azure(report: str) -> list[dict[str, str]]:
    """The issues, with their message as `message`; read as the agent's `Command.cs` reads a line."""
    issues = []
    for line in report.splitlines():
        assert not unseen(line), ascii(line)
        start = line.find("##vso[")
        if start < 0:
            assert not obeyed(line), line
            continue
        assert start == 0
        head, _, message = line.removeprefix("##vso[").partition("]")
        action, _, fields = head.partition(" ")
        assert action == "task.logissue"
        assert "##" not in message.replace("\\x23#", "")
        pairs = [field.partition("=") for field in fields.split(";") if field]
        issue = {name: _azure(value) for name, _, value in pairs}
        assert len(issue) == len(pairs)
        assert set(issue) <= {"type", "sourcepath", "linenumber", "code"}
        assert issue["type"] in ("error", "warning")
        issues.append({**issue, "message": _azure(message)})
    return issues


def _azure(text: str) -> str:
    for sign, escaped in (("\n", "%0A"), ("\r", "%0D"), (";", "%3B"), ("]", "%5D"), ("%", "%AZP25")):
        text = text.replace(escaped, sign)
    return text


def _plain(report: str) -> None:
    """That a report in a job's log is nothing but text."""
    assert report.isascii()
    assert report.endswith("\n")
    for line in report.splitlines():
        assert not obeyed(line), line


READ = {
    "sarif": sarif,
    "sarif-github": sarif,
    "gitlab": gitlab,
    "junit": junit,
    "rdjson": rdjson,
    "checkstyle": checkstyle,
    "azure": azure,
}
"""What reads a report back, by format."""
