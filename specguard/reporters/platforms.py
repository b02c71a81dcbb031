"""Reports for GitHub (the log of a job, and a Markdown page), and in the formats of other programs.

The other formats are those of Checkstyle, JUnit, reviewdog (`rdjson`), GitLab's widget and Azure's log.

GitHub's runner reads commands from every line of the log: `::name` at its start, and the older `##[name`
anywhere in it. Text of a change is therefore only printed as an escaped part of a command. The runner shows
ten annotations of each kind for a step, and drops the others silently. So errors come first, and a line
counts the rest.

The Markdown is GitHub's. All text of a change is escaped, so that it makes no markup, links, mentions or
references. A page is cut before the platform would refuse it.

Checkstyle's elements and attributes are those that its `XMLLogger` writes. JUnit's are those that Jenkins
allows in its `junit-10.xsd` (jenkinsci/xunit-plugin). Most readers show only the first failure of a test
case. So a rule has one failure, which lists all its findings.

Reviewdog's lines count from 1, and a range without columns includes both of its lines. Reviewdog puts
messages into comments unchanged. The platform reads them as Markdown, so they are escaped for it.

GitLab's fields are those of "Code quality report format" in its documentation. A path must not begin with
`./`. Of several issues with one fingerprint GitLab shows only one.

Azure's agent reads `##vso[` anywhere in a line, so text of a change is only printed as an escaped part of a
command. The agent knows errors and warnings; lighter findings are printed as plain lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from specguard.change.entries import text_digest
from specguard.errors import SpecguardError
from specguard.model import Judged, Origin, RuleResult, Verdict, counted, grouped, listed, path_text
from specguard.reporters import escape, text, wording
from specguard.reporters.text import Fold

MOST: Final = 10
"""The number of annotations of a kind that the runner keeps for a step (`_maxCountPerIssueType` of
actions/runner).
"""

LONGEST_MESSAGE: Final = 4096
"""The number of characters of a message that the runner keeps (`_maxIssueMessageLength`)."""

_KINDS: Final = {"error": "error", "warning": "warning", "info": "notice"}


def render_github(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as workflow commands, errors first, a line that counts the rest, and verdict lines.

    In a dry run errors become warnings, since they do not fail the job. Approved or baselined findings are
    notices, and so are the lines on who may approve. A change of the policy is a warning, or a notice if it
    only tightens.
    """
    annotations: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for verdict in verdicts:
        for kind, message, properties in _annotations(verdict):
            annotations[kind].append(_command(kind, message, **properties))
    lines = [line for found in annotations.values() for line in found[:MOST]]
    if cut_counts := {kind: len(found) - MOST for kind, found in annotations.items() if len(found) > MOST}:
        rest = ", ".join(counted(count, f"more {kind}") for kind, count in cut_counts.items())
        lines.append(f"specguard: GitHub shows {MOST} annotations of a kind; there are {rest}")
    lines += [text.verdict_line(verdict, text.Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in lines)


def _annotations(verdict: Verdict) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the kind, the message and the properties of each annotation."""
    for results in text.group_undecided(verdict, by_severity=True):
        kind = "error" if results[0].incomplete else "warning"
        yield kind, "\n".join(wording.undecided_lines(results[0])), {"title": text.titles(results)}
    if verdict.policy_change:
        first = [*wording.unreported_differences(verdict), *verdict.policy_change][0]
        origin = first.origin or Origin("", 0)
        message = "\n".join(wording.policy_lines(verdict)).removeprefix("policy: ")
        tightens = all(difference.effect == "tightens" for difference in verdict.policy_change)
        where = _file(wording.relative_path(origin.path), origin.line)
        yield "notice" if tightens else "warning", message, {**where, "title": "policy"}
    for result in verdict.results:
        if offer := wording.approval_offer(result, verdict):
            yield "notice", "\n".join(offer), {"title": text.titles([result])}
    for group, *rest in _guards_first(verdict):
        finding = group.first.finding
        texts = wording.finding_lines(group.first, group)
        if rest:
            commits = [(one.first.finding.commit or "")[:12] for one in rest]
            texts.insert(1, f"and so commits {listed(commits, MOST)}")
        properties = _file(finding.path, finding.line, finding.end_line or finding.line)
        kind = _KINDS[wording.shown_severity(verdict, group.first)]
        yield kind, "\n".join(texts), {**properties, "title": f"{group.first.code} {group.first.name}"}


def error_report_github(error: SpecguardError) -> str:
    """Return annotations with the errors that prevented a verdict."""
    lines = []
    for one in error.errors()[:MOST]:
        properties = _file(wording.relative_path(one.path or ""), one.line)
        lines.append(_command("error", "\n".join(wording.error_lines(one)), **properties, title="no verdict"))
    return "".join(f"{line}\n" for line in lines)


def _file(path: bytes | None, line: int | None, end: int | None = None) -> dict[str, str]:
    """Return the properties of an annotation that name the file and lines; none without a file."""
    if not path:
        return {}
    lines = {"line": str(line), **({"endLine": str(end)} if end else {})} if line else {}
    return {"file": escape.cut(path_text(path), LONGEST_MESSAGE), **lines}


def _guards_first(verdict: Verdict) -> list[list[Fold]]:
    """Return similar findings in groups: guarded paths first, those without a file last.

    Findings about commits are grouped by rule, severity, state, and position among those of their commit.
    """
    found: dict[object, list[Fold]] = {}
    for result in verdict.results:
        counts: dict[str | None, int] = {}
        for group in text.fold(result.findings, verdict):
            finding = group.first.finding
            counts[finding.commit] = nth = counts.get(finding.commit, 0) + 1
            of_commit = finding.path is None and finding.commit is not None and not group.first.approvals
            key = (group.first.severity, group.first.state, result.code, nth) if of_commit else id(group)
            found.setdefault(key, []).append(group)

    def order(groups: list[Fold]) -> tuple[bool, bool]:
        return groups[0].first.finding.path is None, not groups[0].first.code.startswith("PTH")

    return sorted(found.values(), key=order)


def _command(kind: str, message: str, **properties: str) -> str:
    fields = ",".join(f"{name}={escape.workflow_property(value)}" for name, value in properties.items())
    return f"::{kind} {fields}::{escape.workflow_data(escape.cut(message, LONGEST_MESSAGE))}"


SUMMARY_LIMIT: Final = 1_000_000
"""The largest size of a summary, in bytes; above 1024 * 1024 the platform drops the whole page."""

COMMENT_LIMIT: Final = 65_000
"""The largest size of a page for a comment, in bytes; GitHub refuses a body of over 65,536 characters."""


def render_markdown(verdicts: Sequence[Verdict], *, limit: int = COMMENT_LIMIT) -> str:
    """Return the verdicts as a Markdown page, cut before it exceeds the platform's limit.

    Args:
        verdicts: one verdict, or one for each ref of a push.
        limit: the largest size of the page, in bytes.
    """
    return _markdown_page("verdicts.md", limit, verdicts=verdicts, said=text)


def error_report_markdown(error: SpecguardError) -> str:
    """Return a Markdown page with the errors that prevented a verdict."""
    return _markdown_page("error.md", COMMENT_LIMIT, errors=error.errors())


def _markdown_page(template: str, limit: int, **values: Any) -> str:
    """Return the page that a template makes, cut before it exceeds a number of bytes."""
    environment = escape.markdown_templates("specguard.reporters")
    page = environment.get_template(template).render(**values, wording=wording)
    content = page.encode("utf-8", "surrogateescape")
    if len(content) <= limit - 600:
        return page
    kept = content[: limit - 600].rpartition(b"\n")[0].decode("utf-8", "surrogateescape")
    rest = len(page[len(kept) + 1 :].splitlines())
    return f"{kept}\n\nThe page is cut here; {rest} more lines are in `--output json=FILE`.\n"


VERSION: Final = "4.3"
"""The version of the format, as Checkstyle's plugins read it."""


def checkstyle(entries: Iterable[wording.ListEntry]) -> str:
    """Return the findings by file, in the order of first occurrence; line 0 is the whole file."""
    root = Element("checkstyle", version=VERSION)
    for found in grouped((one.place.path, one) for one in entries).values():
        file = SubElement(root, "file", name=found[0].place.text)
        for one in found:
            SubElement(
                file,
                "error",
                line=str(one.place.line),
                severity=one.severity,
                message="; ".join(one.lines),
                source=f"specguard.{one.code}",
            )
    return escape.xml_text(root)


def render_junit(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts: a failed rule is a failure, and a rule that could not be judged is an error.

    A rule that is off or does not apply is skipped. Findings that do not fail are the output of a passing
    test case: warnings, approved and baselined findings, and all of a dry run.
    """
    root = Element("testsuites", name="specguard")
    for verdict in verdicts:
        subject = verdict.change.get("branch") or verdict.change.get("head") or verdict.change.get("source")
        name = escape.visible(escape.cut_path(str(subject)))
        suite = SubElement(root, "testsuite", name=f"specguard {name}")
        for result in verdict.results:
            _add_case(suite, verdict, result)
        notes = [f"note: {escape.visible(escape.cut(note))}" for note in verdict.notes]
        lines = [*wording.policy_lines(verdict), *notes, text.verdict_line(verdict, text.Style())]
        SubElement(suite, "system-out").text = "\n".join(lines)
    return _suites_text(root)


def error_report_junit(error: SpecguardError) -> str:
    """Return a suite with one test case, whose error is the missing verdict."""
    root = Element("testsuites", name="specguard")
    suite = SubElement(root, "testsuite", name="specguard")
    case = SubElement(suite, "testcase", name="verdict", classname="specguard")
    lines = ["; ".join(one.lines[1:]) for one in wording.error_entries(error)]
    SubElement(case, "error", type="no verdict", message=lines[0]).text = "\n".join(lines)
    return _suites_text(root)


def _add_case(suite: Element, verdict: Verdict, result: RuleResult) -> None:
    name = f"{result.code} {result.name}"
    case = SubElement(suite, "testcase", name=name, classname=f"specguard.{result.code[:3]}")
    if errors := [one for one in result.findings if wording.shown_severity(verdict, one) == "error"]:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        failure = SubElement(case, "failure", type="error", message=f"{text.one_line(errors[0])}{more}")
        failure.text = _findings_text(errors)
    if result.state == "indeterminate":
        kind = "error" if result.incomplete else "skipped"
        lines = wording.undecided_lines(result)
        SubElement(case, kind, type="indeterminate", message=lines[0]).text = "\n".join(lines)
    elif result.state in ("off", "not-applicable"):
        SubElement(case, "skipped", type=result.state, message=escape.visible(result.reason or result.state))
    if rest := [one for one in result.findings if wording.shown_severity(verdict, one) != "error"]:
        SubElement(case, "system-out").text = _findings_text(rest)


def _findings_text(found: Sequence[Judged]) -> str:
    lines: list[str] = []
    for judged in found:
        state = "" if judged.state == "open" else f" ({judged.state})"
        lines.append(f"{judged.severity}{state}: {text.one_line(judged)}")
        lines += [f"    {line}" for line in wording.finding_lines(judged)[1:]]
    return "\n".join(lines)


def _suites_text(root: Element) -> str:
    """Return the text of a JUnit report, after adding the counts of cases, failures, errors and skips."""
    counts = {"tests": "", "failures": "/failure", "errors": "/error", "skipped": "/skipped"}
    for element in (*root, root):
        for attribute, below in counts.items():
            if element is not root or attribute != "skipped":
                element.set(attribute, str(len(element.findall(f".//testcase{below}"))))
    return escape.xml_text(root)


def rdjson(entries: Iterable[wording.ListEntry]) -> str:
    """Return the findings as reviewdog diagnostics."""
    found: list[dict[str, Any]] = []
    for one in entries:
        location: dict[str, Any] = {"path": one.place.text}
        if one.place.line:
            location["range"] = {"start": {"line": one.place.line}, "end": {"line": one.place.end_line}}
        message = "\n".join(map(escape.markdown_text, one.lines))
        found.append({"message": message, "location": location, "severity": one.severity.upper()})
        if one.result is not None:
            page = wording.rule_url(one.result)
            found[-1]["code"] = {"value": one.code, "url": page} if page else {"value": one.code}
    source = {"name": "specguard", "url": wording.PROJECT_URL}
    return escape.json_text({"source": source, "diagnostics": found}) + "\n"


def gitlab(entries: Iterable[wording.ListEntry]) -> str:
    """Return the findings as GitLab issues, each with its own fingerprint, even for equal texts.

    Approved and baselined findings are marked as such, with the severity `info`.
    """
    data: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for one in entries:
        # GitLab does not show the check's name, so it is part of the description.
        name = [f"{one.code} {one.result.name}"] if one.result is not None else []
        first, *rest = *name, *one.lines
        severity, fingerprint = "blocker", text_digest(*one.lines)
        if one.judged is not None:
            severity = {"error": "critical", "warning": "minor", "info": "info"}[one.severity]
            fingerprint = one.judged.fingerprint
        elif one.result is not None:
            severity = "blocker" if one.result.incomplete else "major"
            fingerprint = text_digest(one.code, one.result.reason or "")
        counts[fingerprint] = count = counts.get(fingerprint, 0) + 1
        begins, ends = max(1, one.place.line), one.place.end_line
        data.append(
            {
                "description": f"{first}: {'; '.join(rest)}",
                "check_name": one.code,
                "fingerprint": fingerprint if count == 1 else text_digest(fingerprint, str(count)),
                "severity": severity,
                "location": {
                    "path": one.place.text,
                    "lines": {"begin": begins, **({"end": ends} if ends > one.place.line else {})},
                },
            }
        )
    return escape.json_text(data) + "\n"


def render_azure(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as Azure issues: first the undecided rules, then findings, most severe first.

    Findings that are only information, who may approve, changes of the policy and the verdicts are plain
    lines.
    """
    issues, rest = list[str](), list[str]()
    for verdict in verdicts:
        for results in text.group_undecided(verdict, by_severity=True):
            kind = "error" if results[0].incomplete else "warning"
            lines = [text.titles(results), *wording.undecided_lines(results[0])]
            issues.append(_issue(kind, lines, code=results[0].code))
    for one in wording.list_entries(verdicts):
        if one.judged is not None and one.severity == "info":
            lines = [text.one_line(one.judged), *map(escape.visible, wording.approval_lines(one.judged))]
            rest.append(f"{one.code} ({text.kind_of(one.judged)}) {'; '.join(lines)}")
        elif one.judged is not None:
            issues.append(_issue(one.severity, one.lines, one.place, one.code))
    offers = [(one, wording.approval_offer(one, verdict)) for verdict in verdicts for one in verdict.results]
    rest += [escape.visible(f"{one.code} {': '.join(offer)}") for one, offer in offers if offer]
    rest += [line for verdict in verdicts for line in wording.policy_lines(verdict)]
    rest += [text.verdict_line(verdict, text.Style()) for verdict in verdicts]
    return "".join(f"{line}\n" for line in (*issues, *rest))


def error_report_azure(error: SpecguardError) -> str:
    """Return Azure issues with the errors that prevented a verdict."""
    return "".join(f"{_issue('error', one.lines, one.place)}\n" for one in wording.error_entries(error))


def _issue(kind: str, lines: Sequence[str], place: wording.ReportPlace | None = None, code: str = "") -> str:
    properties = {"type": kind}
    if place is not None and place.is_own:
        properties["sourcepath"] = escape.cut(place.text, escape.LONGEST)
        if place.line:
            properties["linenumber"] = str(place.line)
    if code:
        properties["code"] = code
    fields = "".join(f"{name}={escape.azure_property(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {fields}]{escape.azure_data(chr(10).join(lines))}"
