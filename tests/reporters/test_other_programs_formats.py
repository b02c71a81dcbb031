"""Reports for other programs: valid whatever the change has in it, and with everything in them."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.authority.difference import Difference
from specguard.declaration.registry import FORMATS, PluginError, Registry
from specguard.errors import SpecguardError
from specguard.model import Origin
from specguard.reporters import sarif
from specguard.testing import Repository, run_here
from tests.outcomes import ended
from tests.reporters import published
from tests.reporters.test_hostile_text import HOSTILE
from tests.reporters.verdicts import everything, judged, recorded, verdict
from tests.rows import rows

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


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "html"])
def test_each_format_as_it_was_recorded(form: str) -> None:
    """What is in it, what stands where, how severe it is to the other program, and how it is escaped."""
    found = everything("50% ]; a_b @c", b"docs/\xc3\xa4 b#;]%.md")
    recorded(f"everything.{form}", FORMATS[form].render([found]))


def test_sarif_of_a_push_has_a_run_for_each_ref() -> None:
    found = [verdict(judged(path=b"a"), branch=branch) for branch in ("one", "t w/\u00f6")]
    report = published.sarif(FORMATS["sarif"].render(found))
    assert [run["automationDetails"]["id"] for run in report["runs"]] == [
        "specguard/change/one/",
        "specguard/change/t%20w/%C3%B6/",
    ]


def test_sarif_within_the_limits_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MOST == 25_000
    monkeypatch.setattr(sarif, "MOST", 250)
    found = [judged(f"{number} {'e' * 900}", path=b"d/%d" % number) for number in range(260)]
    found[255] = judged("an open one", path=b"z")
    for one in found[:20]:
        one.state = "baselined"
    report = FORMATS["sarif"].render([verdict(*found, judged("w", path=b"w", severity="warning"))])
    (one,) = published.sarif(report)["runs"]
    assert len(one["results"]) == 250
    # The least that can be is left out: what is accepted first, then what weighs less.
    assert sum(bool(result["suppressions"]) for result in one["results"]) == 9
    assert one["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"].startswith("11 more")
    # So many and a little more is 10 MB for GitHub, compressed.
    assert len(gzip.compress(report.encode(), 1)) < 100_000


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


def test_gitlab_tells_the_same_finding_apart_and_knows_it_again() -> None:
    twice = verdict(*[judged("same", path=b"a", line=2, end_line=4) for _ in range(2)])
    issues, again = (
        published.gitlab(FORMATS["gitlab"].render(found))
        for found in ([twice, everything("t", b"b")], [twice])
    )
    assert {issue["fingerprint"] for issue in again} < {issue["fingerprint"] for issue in issues}


def test_what_the_change_does_to_the_policy() -> None:
    place = Origin("SPEC_AUTHORITY.md", 3)
    change = Difference(("rules", "t\x1b##[error]", "y"), [], ["t"], "tightens", new_origin=place)
    found = [verdict(policy_change=[change])]
    read = {form: published.READ[form](FORMATS[form].render(found)) for form in FORMS}
    for said in (
        read["sarif"]["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
        read["junit"].find("testsuite/system-out").text,
        FORMATS["azure"].render(found),
    ):
        assert "policy: this change tightens 1 setting\n" in said, said
        assert "tightens rules.t\\x1b" in said


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
    assert "\nby SPEC_AUTHORITY.md:5\n" in result["message"]["text"]
    assert "locked/a\n::error::b" in [file.attrib["name"] for file in read["checkstyle"]]


def test_there_is_no_verdict(repository: Repository) -> None:
    repository.commit(files={"SPEC_AUTHORITY.md": POLICY.replace("paths", "pahts")})
    place = repository.path.parent
    words = ("check", "--base=main", *(f"--output={form}={place}/{form}" for form in FORMS))
    for form in FORMS:
        outcome = ended(run_here(*words, f"--output-format={form}", directory=repository.path), 2)
        published.READ[form](outcome.stdout)
        assert (place / form).read_text("ascii") == outcome.stdout
        assert "pahts" in outcome.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_the_names_of_formats_are_kept_from_plugins(form: str) -> None:
    with pytest.raises(PluginError, match=f"the format '{form}' is taken"):
        Registry({}).add_format(form, "acme.table:render")


@pytest.mark.parametrize(("words", "said"), rows(__file__, "unwritten"))
def test_a_format_that_cannot_be_written(repository: Repository, words: str, said: str) -> None:
    repository.commit(files={"SPEC_AUTHORITY.md": POLICY})
    outcome = ended(run_here("check", "--base=main", *words.split(), directory=repository.path), 2)
    assert said in outcome.stderr
    assert outcome.stdout == ""
    assert not (repository.path / "x").exists()
