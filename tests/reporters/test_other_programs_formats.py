"""Reports for other programs: valid whatever the change has in it, and with everything in them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.registry import FORMATS, PluginError, Registry
from specguard.errors import SpecguardError
from specguard.model import Finding, Judged, Lift, Origin, RuleResult, Verdict
from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.reporters import published
from tests.reporters.test_hostile_text import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = """The first line: what it flags.

Why it matters.

```toml fails
x = 1
```

```toml passes
x = 2
```

How to fix it: do this.
"""


def judged(message: str = "m", *, state: Any = "open", severity: Any = "error", **where: Any) -> Judged:
    """A finding of PTH001, of which each message has a fingerprint of its own."""
    import hashlib

    code = where.pop("code", "PTH001")
    authority = where.pop("authority", Origin("SPEC_AUTHORITY.md", 9))
    return Judged(
        Finding(message, **where),
        code=code,
        name="forbidden-path",
        severity=severity,
        authority=authority,
        fingerprint=hashlib.sha256(repr((message, where)).encode("utf-8", "surrogateescape")).hexdigest(),
        state=state,
    )


def verdict(
    *findings: Judged, results: Sequence[RuleResult] = (), branch: str = "work", **more: Any
) -> Verdict:
    """A verdict of one rule with findings, and of others."""
    failed = any(one.state == "open" and one.severity == "error" for one in findings)
    rule = RuleResult("PTH001", "forbidden-path", "failed" if failed else "passed", findings=findings)
    rule.plugin, rule.text, rule.condition = "specguard", TEXT, "nothing is under docs/"
    return Verdict(
        change={"source": "range", "branch": branch, "head": "1" * 40, "commits": 1, "entries": 2},
        authority={"documents": ["SPEC_AUTHORITY.md"], "policy_id": "p"},
        results=[rule, *results],
        **more,
    )


def everything(text: str, path: bytes) -> Verdict:
    """A verdict with a text in every field that can have one."""
    approved = judged(f"a {text}", path=path, state="approved")
    approved.lifts = [
        Lift(
            "0" * 64, approver=text, reason=text, ticket=text, expires_at="2026-12-31T10:30:00Z", proof="base"
        )
    ]
    quoted = judged(text, help=text, path=path, line=3, end_line=5)
    quoted.quote = text
    lacking = RuleResult("CMT001", "commit", "indeterminate", reason=text, command=text)
    other = RuleResult("CNT001", "content", "indeterminate", severity="warning", reason=text)
    acme = RuleResult("ACM001", "acme", "passed", findings=[])
    acme.plugin, acme.text, acme.condition = "acme", f"{text}\n\n{text}", text
    return verdict(
        quoted,
        approved,
        judged(f"b {text}", path=path, state="baselined"),
        judged(f"c {text}", path=path, severity="warning", authority=Origin("preset:x", 3)),
        judged(f"d {text}", field=text, severity="info", authority=None),
        judged(f"e {text}", commit="2" * 40, field="commit.subject", authority=Origin("/out/of/it.md", 3)),
        results=[
            lacking,
            other,
            acme,
            RuleResult("PTH002", "locked-path", "off", reason=text),
            RuleResult("PTH003", "other", "not-applicable", reason=text),
        ],
        notes=[text],
        branch=text,
    )


FORMS = list(published.READ)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_in_it(form: str, text: str) -> None:
    for name in (text.encode(), text.encode() + b"\xff\x01%20 ;]"):
        published.READ[form](FORMATS[form].render([everything(text, name)]))
    error = SpecguardError(text, help=text, path=text, line=3)
    published.READ[form](FORMATS[form].error_report(error))


@given(
    st.text(min_size=1, max_size=40), st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw)
)
def test_any_text_in_any_field(text: str, raw: bytes) -> None:
    name = b"x/" + raw.replace(b"/", b"_")
    found = [everything(text, name)]
    read = {form: published.READ[form](FORMATS[form].render(found)) for form in FORMS}
    assert published.sarif_paths(read["sarif"]).count(name) == 4
    shown = name.decode("utf-8", "backslashreplace")
    assert sum(issue["location"]["path"] == shown for issue in read["gitlab"]) == 4
    assert sum(one["location"]["path"] == shown for one in read["rdjson"]["diagnostics"]) == 4
    if shown.isprintable():
        assert [len(file) for file in read["checkstyle"] if file.attrib["name"] == shown] == [4]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_was_found(form: str) -> None:
    read = published.READ[form](FORMATS[form].render([verdict()]))
    if form == "junit":
        assert [case.attrib["name"] for case in read.iter("testcase")] == ["PTH001 forbidden-path"]
        assert read.attrib["failures"] == "0"
    elif form.startswith("sarif"):
        assert read["runs"][0]["results"] == []
    else:
        assert not len(read["diagnostics"] if form == "rdjson" else read)


def test_sarif() -> None:
    report = published.sarif(FORMATS["sarif"].render([everything("t", b"docs/\xc3\xa4 b#.md")]))
    (one,) = report["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["PTH001", "CMT001", "CNT001", "ACM001"]
    assert rules[0]["shortDescription"]["text"] == "The first line: what it flags."
    assert "```" not in rules[0]["fullDescription"]["text"]
    assert rules[0]["help"]["text"].endswith(
        "How to fix it: do this.\n\nIt passes when nothing is under docs/."
    )
    assert rules[0]["helpUri"].endswith("/docs/rules/forbidden-path.md")
    assert rules[0]["helpUri"] in rules[0]["help"]["markdown"]
    assert "helpUri" not in rules[3]
    first = one["results"][1]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "docs/%C3%A4%20b%23.md", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "endLine": 5},
    }
    behind = first["relatedLocations"][0]["physicalLocation"]
    assert behind["artifactLocation"]["uri"] == "SPEC_AUTHORITY.md"
    assert behind["region"] == {"startLine": 9, "snippet": {"text": "t"}}
    assert [(result["level"], len(result["suppressions"])) for result in one["results"]] == [
        ("error", 0), ("error", 0), ("warning", 0), ("note", 0), ("error", 1), ("error", 1),
    ]  # fmt: skip
    said = [result["suppressions"][0]["justification"] for result in one["results"][4:]]
    assert said[0].startswith("approval 000000000000 by t until 2026-12-31 10:30 UTC")
    assert said[1] == "the baseline accepts it (.specguard/baseline.json)"
    # What has no file of its own is at the line of the authority, or at the authority.
    places = {
        result["message"]["text"][0]: result["locations"][0]
        for result in one["results"]
        if "t" in str(result)
    }
    assert places["d"]["physicalLocation"]["artifactLocation"]["uri"] == "SPEC_AUTHORITY.md"
    assert places["d"]["logicalLocations"] == [{"fullyQualifiedName": "t"}]
    invocation = one["invocations"][0]
    assert not invocation["executionSuccessful"]
    assert invocation["exitCode"] == 2
    notifications = invocation["toolExecutionNotifications"]
    assert [(one["level"], one.get("associatedRule", {}).get("id")) for one in notifications] == [
        ("error", "CMT001"), ("warning", "CNT001"), ("note", None),
    ]  # fmt: skip
    assert one["properties"]["rules"]["PTH002"] == {"state": "off", "reason": "t"}


def test_sarif_for_github_has_open_results_alone() -> None:
    found = everything("t", b"a")
    report = published.sarif(FORMATS["sarif-github"].render([found]))
    assert [result["properties"]["state"] for result in report["runs"][0]["results"]] == ["open"] * 4


def test_sarif_of_a_push_has_a_run_for_each_ref() -> None:
    found = [verdict(judged(path=b"a"), branch=branch) for branch in ("one", "t w/\u00f6")]
    report = published.sarif(FORMATS["sarif"].render(found))
    assert [run["automationDetails"]["id"] for run in report["runs"]] == [
        "specguard/change/one/",
        "specguard/change/t%20w/%C3%B6/",
    ]


def test_sarif_within_the_limits_of_github() -> None:
    found = [judged(f"{number} {'e' * 900}", path=b"d/%d" % number) for number in range(25_010)]
    found[25_005] = judged("an open one", path=b"z")
    for one in found[:20]:
        one.state = "baselined"
    report = FORMATS["sarif"].render([verdict(*found, judged("w", path=b"w", severity="warning"))])
    (one,) = json.loads(report)["runs"]
    assert len(one["results"]) == 25_000
    # The least that can be is left out: what is accepted first, then what weighs less.
    assert sum(bool(result["suppressions"]) for result in one["results"]) == 9
    assert one["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"].startswith("11 more")
    assert len(gzip.compress(report.encode(), 1)) < 10_000_000


def test_a_dry_run_fails_nothing() -> None:
    found = [verdict(judged(path=b"a"), dry_run=True)]
    read = {form: published.READ[form](FORMATS[form].render(found)) for form in FORMS}
    assert read["sarif"]["runs"][0]["results"][0]["level"] == "warning"
    assert read["gitlab"][0]["severity"] == "minor"
    assert read["junit"].attrib["failures"] == "0"
    assert read["junit"].find(".//testcase/system-out").text.startswith("error: a: m")
    assert read["rdjson"]["diagnostics"][0]["severity"] == "WARNING"
    assert read["checkstyle"][0][0].attrib["severity"] == "warning"
    assert read["azure"][0]["type"] == "warning"


def test_gitlab() -> None:
    twice = [judged("same", path=b"a", line=2, end_line=4), judged("same", path=b"a", line=2, end_line=4)]
    issues = published.gitlab(FORMATS["gitlab"].render([verdict(*twice), everything("t", b"b")]))
    assert issues[3]["location"] == {"path": "a", "lines": {"begin": 2, "end": 4}}
    assert issues[3]["description"] == "PTH001 forbidden-path: same; by SPEC_AUTHORITY.md:9"
    assert issues[0]["severity"] == "blocker"
    assert issues[0]["description"] == "CMT001 commit: could not be judged: t; next: t"
    assert issues[0]["location"] == {"path": "SPEC_AUTHORITY.md", "lines": {"begin": 1}}
    assert [issue["severity"] for issue in issues] == [
        "blocker", "major", "critical", "critical", "critical", "critical", "minor", "info", "info", "info",
    ]  # fmt: skip
    again = published.gitlab(FORMATS["gitlab"].render([verdict(*twice)]))
    assert {issue["fingerprint"] for issue in again} <= {issue["fingerprint"] for issue in issues}


def test_junit() -> None:
    root = published.junit(FORMATS["junit"].render([everything("t", b"b")]))
    cases = {case.attrib["name"].split()[0]: [part.tag for part in case] for case in root.iter("testcase")}
    assert cases == {
        "PTH001": ["failure", "system-out"],
        "CMT001": ["error"],
        "CNT001": ["skipped"],
        "ACM001": [],
        "PTH002": ["skipped"],
        "PTH003": ["skipped"],
    }
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "b:3: t (and 1 more)"
    assert failure.text == (
        "error: b:3: t\n    by SPEC_AUTHORITY.md:9\n    next: t\n"
        "error: commit 222222222222: e t\n    by /out/of/it.md:3"
    )
    output = root.find(".//testcase/system-out")
    assert output is not None
    assert [line.split(":")[0] for line in str(output.text).split("\n") if not line.startswith(" ")] == [
        "error (approved)", "error (baselined)", "warning", "info",
    ]  # fmt: skip


def test_rdjson() -> None:
    found = published.rdjson(FORMATS["rdjson"].render([everything("a_b @c", b"b")]))
    assert found["severity"] == "ERROR"
    first = found["diagnostics"][3]
    assert first["location"] == {"path": "b", "range": {"start": {"line": 3}, "end": {"line": 5}}}
    assert first["message"].split("\n")[0] == "a&#95;b &#64;&#8203;c"
    assert first["code"]["value"] == "PTH001"
    assert first["code"]["url"].endswith("/docs/rules/forbidden-path.md")
    whole = next(one for one in found["diagnostics"] if one["message"].startswith("c "))
    assert whole["location"] == {"path": "b"}


def test_checkstyle() -> None:
    root = published.checkstyle(FORMATS["checkstyle"].render([everything("t", b"b")]))
    lines = {file.attrib["name"]: [error.attrib["line"] for error in file] for file in root}
    assert lines == {"SPEC_AUTHORITY.md": ["1", "1", "1", "1"], "b": ["3", "0", "0", "0"]} or lines["b"]
    assert sorted(lines["b"]) == ["0", "0", "0", "3"]


def test_azure() -> None:
    report = FORMATS["azure"].render([everything("50% ]; t", b"a;b]%.md")])
    issues = published.azure(report)
    assert [issue["type"] for issue in issues] == ["error", "warning", "error", "error", "warning"]
    assert issues[3]["sourcepath"] == "a;b]%.md"
    assert issues[3]["linenumber"] == "3"
    assert issues[3]["message"] == "50% ]; t\nby SPEC_AUTHORITY.md:9\nnext: 50% ]; t"
    assert "PTH001 (approved) a;b]%.md: a 50% ]; t\n" in report
    assert "PTH001 (baselined) " in report
    assert report.splitlines()[-1].startswith("specguard: failed, and indeterminate ")


def test_what_the_change_does_to_the_policy() -> None:
    change = {
        "key": "rules.x.y", "old": [], "new": ["t"], "effect": "tightens", "summary": "adds 't\x1b##[error]'",
        "old_origin": None, "new_origin": {"path": "SPEC_AUTHORITY.md", "line": 3},
    }  # fmt: skip
    found = [verdict(policy_change=[change])]
    read = {form: published.READ[form](FORMATS[form].render(found)) for form in FORMS}
    for said in (
        read["sarif"]["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
        read["junit"].find("testsuite/system-out").text,
        FORMATS["azure"].render(found),
    ):
        assert "policy: this change tightens 1 setting\n" in said, said
        assert "adds 't\\x1b" in said


POLICY = '# A\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["locked/"]\n```\n'


def test_several_at_once(repository: Repository) -> None:
    repository.commit(files={"SPEC_AUTHORITY.md": POLICY})
    repository.branch("work")
    repository.commit(files={b"locked/a\n::error::b": "x", b"locked/c": "x"})
    place = repository.path.parent
    outputs = [f"--output={form}={place}/{form}" for form in FORMS]
    ended(run_here("check", "--base=main", *outputs, directory=repository.path), 1)
    read = {form: published.READ[form]((place / form).read_text("ascii")) for form in FORMS}
    assert published.sarif_paths(read["sarif"]).count(b"locked/c") == 1
    rule = next(one for one in read["sarif"]["runs"][0]["tool"]["driver"]["rules"] if one["id"] == "PTH001")
    assert rule["shortDescription"]["text"].endswith(".")
    assert rule["helpUri"].endswith("/forbidden-path.md")
    result = next(one for one in read["sarif"]["runs"][0]["results"] if one["ruleId"] == "PTH001")
    behind = result["relatedLocations"][0]["physicalLocation"]["region"]
    assert behind == {"startLine": 5, "snippet": {"text": 'paths = ["locked/"]'}}
    assert "locked/a\n::error::b" in [file.attrib["name"] for file in read["checkstyle"]]


def test_there_is_no_verdict(repository: Repository) -> None:
    repository.commit(files={"SPEC_AUTHORITY.md": POLICY.replace("paths", "pahts")})
    place = repository.path.parent
    outputs = [f"--output={form}={place}/{form}" for form in FORMS]
    for form in FORMS:
        outcome = ended(
            run_here("check", "--base=main", f"--output-format={form}", *outputs, directory=repository.path),
            2,
        )
        published.READ[form](outcome.stdout)
        assert (place / form).read_text("ascii") == outcome.stdout
        assert "pahts" in outcome.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_the_names_of_formats_are_kept_from_plugins(form: str) -> None:
    with pytest.raises(PluginError, match=f"the format '{form}' is taken"):
        Registry({}).add_format(form, "acme.table:render")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--output-format=sarfi"],
            "there is no format 'sarfi' [unknown-name]\n  next: did you mean 'sarif'?",
        ),
        (["--output=jnit=x"], "there is no format 'jnit' [unknown-name]\n  next: did you mean 'junit'?"),
        (["--output=json"], "'json' is not FORMAT=FILE"),
        (["--output=json=-"], "what is printed is set by --output-format json"),
        (["--output=json=x", "--output=sarif=./x"], "'./x' is to have the reports json and sarif"),
    ],
)
def test_a_format_that_cannot_be_written(repository: Repository, words: list[str], said: str) -> None:
    repository.commit(files={"SPEC_AUTHORITY.md": POLICY})
    outcome = ended(run_here("check", "--base=main", *words, directory=repository.path), 2)
    assert said in outcome.stderr
    assert outcome.stdout == ""
    assert not (repository.path / "x").exists()
