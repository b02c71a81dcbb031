"""What a review must say of each of its findings, and which of them must be closed."""

from __future__ import annotations

import re

from specguard.artifacts.evidence import Targets
from specguard.artifacts.reviews import Review, Severities, unstruck
from specguard.artifacts.sections import content_of, named
from specguard.documents.blocks import texts
from specguard.documents.fields import normal_name
from specguard.documents.titles import normal_title
from specguard.model import path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.artifacts.contracts import Findings
    from specguard.artifacts.reviews import Ranked
    from specguard.model import Finding

_REOPENED: Final = re.compile(r"\b(?:re-?opened|regressed|still open|unresolved)\b", re.IGNORECASE)
_PART: Final = re.compile(r"[,;.|\n](?=\s|$)|\s(?:and|&)\s|\s/\s")
# Behind the word of a status goes on how it came to be.
_HOW: Final = r"(?:\s(?:by|in|at|on|via|with|since|as of)\b.*|\s\(.*|\s[0-9`#].*)?"


def unranked_findings(artifact: Artifact) -> Iterator[Finding]:
    """The findings of a review that have no severity, or cite no place.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    settings = artifact.contract.findings
    if settings is None:
        return
    review = review_of(artifact, settings)
    name = path_text(artifact.path)
    if review is None:
        message = f"{name} has no section {settings.section!r}, which lists its findings"
        help = "Add it; where nothing was found, write that there are no findings."
        yield artifact.finding("findings.section", settings.section, message, help)
        return
    content = content_of(review.blocks, artifact.contract.placeholders)
    if not review.findings and content.kind in {"placeholder", "blank"}:
        said = f", only {shortened(content.text)!r}" if content.text else ""
        message = f"{name} has no findings, and does not say that there are none{said}"
        help = "List them; where nothing was found, write that there are no findings."
        yield artifact.finding("findings.severities", "owed", message, help, content.line)
    known, worst = ", ".join(settings.severities), settings.severities[0]
    what, form = ("line", "a file with its line, as src/a.py:12")
    what, form = ("file", "a file") if settings.anchors == "path" else (what, form)
    # A review is no place that it could be about.
    targets = Targets(artifact.artifacts.documents)
    for one in review.findings:
        if one.earlier:
            continue
        subject = f"the finding {shortened(one.title)!r}"
        if not one.severity:
            has = f"has the severity {shortened(one.said)!r}, which is not one of {known}"
            help = f"Begin it with one of {known}, as in '[{worst.upper()}] ...', or write "
            help += f"'Severity: {worst}' below."
            message = f"{subject} {has if one.said else 'has no severity'}"
            yield artifact.finding("findings.severities", f"severity {_key(one)}", message, help, one.line)
        anchors = (place for place in one.cited if place.line is not None or settings.anchors == "path")
        if settings.anchors != "none" and all(
            artifact.path in (targets.places(place, artifact.folder) or ()) for place in anchors
        ):
            message, help = f"{subject} cites no {what}", f"Cite in it {form}."
            yield artifact.finding("findings.anchors", f"anchor {_key(one)}", message, help, one.line)


def open_findings(artifact: Artifact) -> Iterator[Finding]:
    """The findings of a closed review that must be dealt with and are not.

    A review is closed unless its verdict says that it is open.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    yield from _open(artifact, closed=True)


def findings_of_open_review(artifact: Artifact) -> Iterator[Finding]:
    """The same for a review that says that it is still open: no stage is complete with it.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    yield from _open(artifact, closed=False)


def review_of(artifact: Artifact, settings: Findings) -> Review | None:
    """The findings of an artifact; None where the section that holds them is not there."""
    severities = Severities(
        [(name, [name, *artifact.contract.aliases_of(name)]) for name in settings.severities]
    )
    sections = named(artifact, settings.section)[:1] if settings.section else ()
    if settings.section and not sections:
        return None
    return Review(artifact.document, severities, sections)


def verdict_of(artifact: Artifact, settings: Findings, review: Review) -> str | None:
    """What a review says of itself; None where it says nothing.

    It is a field, or a section by its first words, outside of its findings; the last one in it holds. A field
    called `status` is the review's own above its first section alone, since elsewhere it may be anything's.
    """
    names = {normal_name(name) for name in settings.verdict}
    document = artifact.document
    top = next((one.line for one in document.sections if one.level > 1), document.last_line + 1)
    found: list[tuple[int, str]] = []
    for field in artifact.values:
        name = normal_name(field.name)
        name = name if name in names else normal_name(field.name.rpartition(" ")[2])
        matter = field.form == "front matter"
        elsewhere = review.holds(field.line) or (name == "status" and field.line >= top)
        if name in names and (matter or not elsewhere):
            found.append((field.line, field.value))
    for section in document.sections:
        title = normal_title(section.heading.text.plain)
        text = next(texts(section.own), None)
        if normal_name(title.rpartition(" ")[2]) in names and text and not review.holds(section.line):
            found.append((section.line, text.plain))
    return max(found, key=lambda one: one[0])[1] if found else None


def says_open(value: str, openings: Sequence[str]) -> bool:
    """Whether a verdict begins with one of some words; case, `_` and `-` do not count."""
    words = re.findall(r"[^\W_]+", value.casefold())
    return any(
        words[: len(known)] == known for known in (re.findall(r"[^\W_]+", one.casefold()) for one in openings)
    )


def missing_words(one: Ranked, words: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """The words that a finding's status should have and has not: each begins a part of it.

    Args:
        one: a finding.
        words: each word with those that stand for it, itself among them.
    """
    status = [unstruck(text)[:2000] for text in one.status]
    if any(map(_REOPENED.search, status)):
        return [name for name, _ in words]
    parts = [part.strip(" *_`~\u2705\u2714\ufe0f") for text in status for part in _PART.split(text)]
    missing = []
    for name, others in words:
        escaped = "|".join(r"[-\s]?".join(map(re.escape, re.split(r"[-\s]", word))) for word in others)
        says = re.compile(rf"(?:{escaped}){_HOW}", re.IGNORECASE | re.DOTALL)
        if not any(map(says.fullmatch, parts)):
            missing.append(name)
    return missing


def _open(artifact: Artifact, *, closed: bool) -> Iterator[Finding]:
    settings = artifact.contract.findings
    review = review_of(artifact, settings) if settings and settings.must_close else None
    if settings is None or review is None:
        return
    must = {normal_name(name) for name in settings.must_close}
    words = [(word, [word, *artifact.contract.aliases_of(word)]) for word in settings.closed]
    wanted = [
        (one, missing)
        for one in review.findings
        if normal_name(one.severity) in must and (missing := missing_words(one, words))
    ]
    verdict = verdict_of(artifact, settings, review) if wanted else None
    if (verdict is None or not says_open(verdict, settings.verdict_open)) is not closed:
        return
    where = "in a review that says no verdict"
    if verdict is not None:
        where = f"in a review whose verdict is {shortened(verdict)!r}"
    help = f"When it is, write 'Status: {', '.join(settings.closed)}' below it"
    if closed and settings.verdict_open:
        word = settings.verdict_open[0]
        help += f"; while the review is open, its {settings.verdict[0]} is one such as {word!r}"
    for one, missing in wanted:
        has = " and ".join(word for word in settings.closed if word not in missing)
        state = f"is {f'{has}, and not ' if has else 'not '}{' and '.join(missing)}"
        message = f"the {one.severity} finding {shortened(one.title)!r} {state}, {where}"
        yield artifact.finding("findings.must_close", _key(one), message, f"{help}.", one.line)


def _key(one: Ranked) -> str:
    """What makes a finding this one, without the lines that it cites."""
    return re.sub(r"[:#][L0-9][-L0-9,]*", "", one.title)[:120]
