"""The page of accepted forms says what the code does: each form in its tables is an example.

`forms.md` beside this file has those that the page leaves out, because another one shows the same.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from specguard.artifacts.cleanup_manifests import read_manifest
from specguard.artifacts.fields import choice, value_problem
from specguard.artifacts.findings import Review, Severities, findings_sections
from specguard.artifacts.sections import described_options
from specguard.documents.blocks import Heading, Table, fences, texts
from specguard.documents.citations import citations
from specguard.documents.completeness import content_of
from specguard.documents.data import as_text
from specguard.documents.dates import date_problem, parse_date, read_times
from specguard.documents.document import Document
from specguard.documents.fields import find_fields, near_section, read_fields
from specguard.work.document_gates import read_gates

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"
MORE = Path(__file__).parent / "forms.md"
SEVERITIES = Severities({name: [name] for name in ("blocking", "high", "medium", "low")})
NOTHING = "nothing: "
WORDS = {"fixed": ["fixed"], "re-verified": ["re-verified"]}


def rows(page: Path) -> Iterator[tuple[str, bool, str, str]]:
    """Each form on a page: its section, whether it is read, what is written, and what is said of it."""
    section = ""
    for block in Document(page.read_text(encoding="utf-8")).blocks:
        if isinstance(block, Heading):
            section = block.text.plain
        elif isinstance(block, Table):
            kind = block.header[0].plain
            place = f"{section}, below a finding" if kind == "written below a finding" else section
            for examples, said in block.rows:
                assert examples.spans
                for text in examples.spans:
                    text = re.sub(" ?↵ ?", "\n", text.replace("\\|", "|"))
                    text = re.sub(r"\[U\+([0-9A-F]{4})\]", lambda code: chr(int(code[1], 16)), text)
                    yield place, not said.plain.startswith(NOTHING), text, said.plain.removeprefix(NOTHING)


def heading(text: str, read: bool, said: str) -> None:
    document = Document(f"{text}\n\ntext\n")
    assert (document.section("Evidence Map") is not None) is read
    if not read:
        near = near_section(document, "Evidence Map")
        assert near is not None
        assert near.reason == said


def field(text: str, read: bool, said: str) -> None:
    name, _, value = said.partition(" is ")
    found = find_fields(read_fields(Document(text)), name if read else "last review")
    assert [one.value for one in found] == ([value] if read else [])


def value(text: str, read: bool, said: str) -> None:
    allowed = ["ready", "not-ready"]
    assert choice(text, allowed, strict=True) == (said if read else "")
    problem = value_problem(text, allowed)
    assert not problem if read else ("several" in problem) is ("several" in said)


def content(text: str, read: bool, said: str) -> None:
    kinds = {"content": "content", "placeholder": "a placeholder", "nothing": "nothing, without a reason"}
    assert kinds.get(content_of(Document(text).blocks).kind, "empty") == said


def option(text: str, read: bool, said: str) -> None:
    described = described_options(Document(text).blocks, ["A", "B"]).get("A", [])
    assert any(words for _, words in described) is read
    assert bool(described) is (read or "nothing is said" in said)


def manifest(text: str, read: bool, said: str) -> None:
    found = []
    for one in read_manifest(Document(text).blocks):
        fate = f", {one.state}" if one.state else ""
        found.append(
            f"{one.path}{fate}: {one.reason}" if one.reason else f"{one.path}{fate}, without a reason"
        )
    assert found == ([said] if read else [])


def date(text: str, read: bool, said: str) -> None:
    assert (str(parse_date(text)) == said) if read else (said in date_problem(text) and not parse_date(text))


def entry(text: str, read: bool, said: str) -> None:
    assert [str(one.moment) for one in read_times(Document(text)).stamps] == ([said] if read else [])


def place(text: str, read: bool, said: str) -> None:
    assert ", ".join(map(str, citations(Document(text).blocks))) == (said if read else "")


def review(text: str) -> Review:
    return Review(list(findings_sections(Document(f"## Findings\n\n{text}\n"), SEVERITIES)), SEVERITIES)


def finding(text: str, read: bool, said: str) -> None:
    found = review(text).findings
    expected = said.replace("a finding without a severity", "").split(", ") if read else []
    assert [one.severity for one in found] == expected


def status(text: str, read: bool, said: str) -> None:
    [one] = review(f"### [HIGH] Title\n\n{text}").findings
    assert (not one.missing_words(WORDS)) is (said == "closed")


def ticked(text: str, read: bool, said: str) -> None:
    items = Document(text).ticked
    assert bool(items) is said.startswith("ticked")
    names = [name for item in items for name in item.names if "/" in name]
    assert names == ([said.partition(", with ")[2]] if ", with " in said else [])


def seen(text: str, read: bool, said: str) -> None:
    document = Document(text)
    found = [one.rendered for one in texts(document.blocks)]
    found += [one.content for one in fences(document.blocks)]
    assert " ".join(" ".join(found).split()) == said


def gates(text: str, read: bool, said: str) -> None:
    found = read_gates(text if text.startswith("---") else f"## Gates\n\n{text}\n", ["Gates"], "x.md")
    told = []
    for gate in found.gates:
        run = gate.run.replace("\n", " ↵ ")
        told.append(f"{'' if gate.kind == 'gate' else f'{gate.kind} '}{run}")
    assert ", then ".join(told) == (said if read else "")
    assert found.not_read[0].why == said if not read else not found.not_read


def data(text: str, read: bool, said: str) -> None:
    document = Document(f"{text}\n")
    properties = document.properties
    if read:
        value = properties.get("a")
        assert (f'"{value}"' if isinstance(value, str) else as_text(value)) == said
    elif properties.problem is None:
        assert (document.front_matter, properties.value, said) == (None, {}, "there is none")
    else:
        assert said in properties.problem.message


CHECKS: dict[str, Callable[[str, bool, str], None]] = {
    "Headings": heading,
    "Fields": field,
    "Values": value,
    "Content of a section": content,
    "Options": option,
    "Paths in a manifest": manifest,
    "Dates": date,
    "Times of entries": entry,
    "Places that are cited": place,
    "Findings of a review": finding,
    "Findings of a review, below a finding": status,
    "Ticked checkboxes": ticked,
    "What a reader sees": seen,
    "Front matter and data": data,
    "Gates": gates,
}
ROWS = [*rows(PAGE), *rows(MORE)]


def test_every_kind_of_form_has_its_examples() -> None:
    assert {section for section, *_ in ROWS} == set(CHECKS)
    assert {(section, read) for section, read, *_ in ROWS} > {(section, True) for section in CHECKS}


@pytest.mark.parametrize(
    ("section", "read", "text", "said"), ROWS, ids=[f"{one[0]}: {one[2]!r}" for one in ROWS]
)
def test_a_form_is_read_as_the_page_says(section: str, read: bool, text: str, said: str) -> None:
    CHECKS[section](text, read, said)
