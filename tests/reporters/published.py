"""What the formats of other programs ask for, as checks: each reads a report back, or fails.

They are written from the published descriptions, and stricter: no field or attribute is let through that is
not written. The published schemas themselves are in no Python package; `PUBLISHED_SCHEMAS` can name a folder
with them, and then they are used too:

- `sarif-schema-2.1.0.json` of oasis-tcs/sarif-spec (`sarif-2.1/schema`),
- `DiagnosticResult.json` of reviewdog/reviewdog (`proto/rdf/jsonschema`),
- `junit-10.xsd` of jenkinsci/xunit-plugin, which also needs the package `xmlschema`.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
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

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
LINE = {"type": "integer", "minimum": 1}


def record(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """The schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def some(items: Any, **more: Any) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": items, **more}


def one_of(*values: str) -> dict[str, Any]:
    """The schema of a word out of several."""
    return {"enum": list(values)}


# SARIF 2.1.0, section 3, and what GitHub documents of it ("SARIF support for code scanning").
LEVEL = one_of("none", "note", "warning", "error")
MESSAGE = record({"text": TEXT})
PHYSICAL = record(
    {
        "artifactLocation": record(
            {
                "uri": {"type": "string", "pattern": r"^([A-Za-z0-9_.~/-]|%[0-9A-F]{2})+$"},
                "uriBaseId": one_of("%SRCROOT%"),
            }
        ),
        "region": record({"startLine": LINE}, endLine=LINE, snippet=MESSAGE),
    }
)
NOTIFICATION = record(
    {"level": LEVEL, "message": MESSAGE},
    associatedRule=record({"id": TEXT, "index": COUNT}),
    locations=some(record({"physicalLocation": PHYSICAL})),
)
RULE = record(
    {
        "id": TEXT,
        "name": {"type": "string", "pattern": "^([A-Z][a-z0-9]*)+$", "maxLength": 255},
        "shortDescription": record({"text": {**TEXT, "maxLength": 1024}}),
        "fullDescription": record({"text": {**TEXT, "maxLength": 1024}}),
        "help": record({"text": TEXT, "markdown": TEXT}),
        "defaultConfiguration": record({"enabled": {"type": "boolean"}, "level": LEVEL}),
        "properties": record(
            {
                "tags": some(TEXT, minItems=1, maxItems=10, uniqueItems=True),
                "precision": one_of("very-high", "high", "medium", "low"),
                "problem.severity": one_of("error", "warning", "recommendation"),
            }
        ),
    },
    helpUri={"type": "string", "pattern": "^https://"},
)
RESULT = record(
    {
        "ruleId": TEXT,
        "ruleIndex": COUNT,
        "level": LEVEL,
        "message": MESSAGE,
        "locations": some(
            record(
                {"physicalLocation": PHYSICAL}, logicalLocations=some(record({"fullyQualifiedName": TEXT}))
            ),
            minItems=1,
            maxItems=1,
        ),
        "partialFingerprints": record(
            {
                "primaryLocationLineHash": {"type": "string", "pattern": "^[0-9a-f]{64}:[0-9]+$"},
                "specguard/v1": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            }
        ),
        "suppressions": some(
            record({"kind": one_of("external"), "status": one_of("accepted"), "justification": TEXT}),
            maxItems=1,
        ),
        "properties": {"type": "object"},
    },
    relatedLocations=some(record({"id": COUNT, "physicalLocation": PHYSICAL, "message": MESSAGE})),
)
SARIF = record(
    {
        "$schema": {"type": "string", "pattern": "^https://.*/sarif-schema-2.1.0.json$"},
        "version": one_of("2.1.0"),
        "runs": some(
            record(
                {
                    "tool": record(
                        {
                            "driver": record(
                                {
                                    "name": one_of("specguard"),
                                    "version": TEXT,
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "informationUri": {"type": "string", "pattern": "^https://"},
                                    "rules": some(RULE, maxItems=25_000),
                                }
                            )
                        }
                    ),
                    "automationDetails": record({"id": {"type": "string", "pattern": "^specguard/.*/$"}}),
                    "originalUriBaseIds": record({"%SRCROOT%": record({"description": MESSAGE})}),
                    "columnKind": one_of("unicodeCodePoints"),
                    "invocations": some(
                        record(
                            {
                                "executionSuccessful": {"type": "boolean"},
                                "exitCode": COUNT,
                                "toolExecutionNotifications": some(NOTIFICATION),
                            }
                        ),
                        minItems=1,
                        maxItems=1,
                    ),
                    "results": some(RESULT, maxItems=25_000),
                },
                properties={"type": "object"},
            ),
            maxItems=20,
        ),
    }
)

# "Code quality report format" of GitLab's documentation.
GITLAB = some(
    record(
        {
            "description": TEXT,
            "check_name": TEXT,
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": one_of("info", "minor", "major", "critical", "blocker"),
            "location": record(
                {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": record({"begin": LINE}, end=LINE),
                }
            ),
        }
    )
)

# `reviewdog.proto` of reviewdog/reviewdog, in the JSON of protobuf.
SEVERITY = one_of("ERROR", "WARNING", "INFO")
POSITION = record({"line": LINE})
RDJSON = record(
    {
        "source": record({"name": TEXT, "url": TEXT}),
        "diagnostics": some(
            record(
                {
                    "message": TEXT,
                    "location": record({"path": TEXT}, range=record({"start": POSITION, "end": POSITION})),
                    "severity": SEVERITY,
                },
                code=record({"value": TEXT}, url=TEXT),
            )
        ),
    },
    severity=SEVERITY,
)


def sarif(report: str) -> Any:
    """The report as data."""
    data = _json(report, SARIF, "sarif-schema-2.1.0.json")
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
    data = _json(report, GITLAB)
    prints = [issue["fingerprint"] for issue in data]
    assert len(set(prints)) == len(prints)
    return data


def rdjson(report: str) -> Any:
    """The report as data."""
    return _json(report, RDJSON, "DiagnosticResult.json")


def _json(report: str, schema: Any, published: str = "") -> Any:
    _plain(report)
    data = json.loads(report)
    problems = [f"{one.json_path}: {one.message}" for one in Draft202012Validator(schema).iter_errors(data)]
    assert not problems
    if published and SCHEMAS:
        whole = json.loads((Path(SCHEMAS) / published).read_text())
        Draft4Validator(whole, format_checker=Draft4Validator.FORMAT_CHECKER).validate(data)
    return data


_JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped"}, {"testcase", "system-out"}),
    "testcase": ({"name", "classname"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
"""The elements of `junit-10.xsd` that are written, with their attributes and what may be in them."""

# `XMLLogger` of checkstyle/checkstyle.
_CHECKSTYLE = {
    "checkstyle": ({"version"}, {"file"}),
    "file": ({"name"}, {"error"}),
    "error": ({"line", "severity", "message", "source"}, set()),
}


def junit(report: str) -> ElementTree.Element:
    """The report's root."""
    root = _xml(report, "testsuites", _JUNIT)
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
    root = _xml(report, "checkstyle", _CHECKSTYLE)
    names = [file.attrib["name"] for file in root]
    assert len(set(names)) == len(names)
    for error in root.iter("error"):
        assert error.attrib["severity"] in ("error", "warning", "info")
        assert error.attrib["line"].isdecimal()
        assert re.fullmatch(r"specguard\.([A-Z]{3}[0-9]{3}|no-verdict)", error.attrib["source"])
    return root


def _xml(report: str, top: str, elements: dict[str, tuple[set[str], set[str]]]) -> ElementTree.Element:
    _plain(report)
    root = ElementTree.fromstring(report)
    assert root.tag == top
    for element in root.iter():
        attributes, within = elements[element.tag]
        assert set(element.attrib) == attributes
        assert {child.tag for child in element} <= within
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
