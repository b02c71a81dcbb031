"""What a review must say of each of its findings, and which of them must be closed."""

from __future__ import annotations

import re

from specguard.artifacts.evidence import Targets
from specguard.artifacts.reviews import Review, Severities, unstruck
from specguard.artifacts.sections import content_of, named
from specguard.documents.blocks import texts
from specguard.documents.fields import normal_name
from specguard.documents.titles import normal_title
from specguard.model import Finding, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.artifacts.contracts import Findings
    from specguard.artifacts.reviews import Ranked

# What stands before a word within its clause and takes it back, or only promises it.
_NOT: Final = re.compile(
    r"(?:\b(?:not|never|no|cannot|without|partially|partly|pending|awaiting|awaits|needs?|needed|must|should|shall|"
    r"will|would|could|may|might|if|unless|until|once|when|before|todo|tbd|half|almost|nearly|supposedly|claimed|"
    r"expected|planned|scheduled|yet|to be|nor|neither)\b|n['\u2019]t\b)[^.;,|\n]{0,40}$",
    re.IGNORECASE,
)
_NOT_BEHIND: Final = re.compile(
    r"[\s*_`]{0,4}[:?=\u2014\u2013-]{0,2}[\s*_`]{0,4}(?:no|not|never|pending|tbd|todo|false|none|n/a|later|open)\b|"
    r"[\s*_`]{0,4}[:?=]?[\s*_`]{0,4}[\u274c\u2717\u2718\u2610]",
    re.IGNORECASE,
)
_NO_VALUE: Final = re.compile(
    r"[\W_]*(?:$|(?:no|not|never|pending|tbd|todo|false|none|n/?a|later|open|unknown)\b)", re.IGNORECASE
)
_OPEN: Final = re.compile(
    r"\b(?:re-?opened|regressed|still open|partially|partly|unresolved)\b", re.IGNORECASE
)
# Behind a title's word goes on how it was done, and not what the word describes: "fixed timeout".
_GOES_ON: Final = re.compile(
    r"[\s*_`]{0,4}(?:$|[.,;:!/&+|\u2013\u2014-]|(?:and|in|by|at|with|on|via|per|since|as|through|but|for|\u2705)\b|[0-9`(])",
    re.IGNORECASE,
)


def unranked_findings(artifact: Artifact) -> Iterator[Finding]:
    """The findings of a review that have no severity, or cite no place.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    settings = artifact.contract.findings
    if settings is None:
        return
    review = review_of(artifact, settings)
    if review is None:
        yield Finding(
            f"{path_text(artifact.path)} has no section {settings.section!r}, which lists its findings",
            help="Add it; where nothing was found, write that there are no findings.",
            path=artifact.path,
            key=settings.section,
            setting=artifact.setting("findings.section"),
        )
        return
    if not review.findings:
        yield from _owed(artifact, review)
    # A review is no place that it could be about.
    targets = Targets(artifact.artifacts.documents)
    for one in review.findings:
        if one.earlier:
            continue
        if not one.severity:
            known = ", ".join(settings.severities)
            has = "has no severity"
            if one.said:
                has = f"has the severity {shortened(one.said)!r}, which is not one of {known}"
            worst = settings.severities[0]
            yield Finding(
                f"the finding {shortened(one.title)!r} {has}",
                help=f"Begin it with one of {known}, as in '[{worst.upper()}] ...', or write "
                f"'Severity: {worst}' below.",
                path=artifact.path,
                line=one.line,
                key=f"severity {_key(one)}",
                setting=artifact.setting("findings.severities"),
            )
        if settings.anchors == "none":
            continue
        anchors = (place for place in one.cited if place.line is not None or settings.anchors == "path")
        if all(artifact.path in (targets.places(place, artifact.folder) or ()) for place in anchors):
            what, form = ("line", "a file with its line, as src/a.py:12")
            if settings.anchors == "path":
                what, form = ("file", "a file")
            yield Finding(
                f"the finding {shortened(one.title)!r} cites no {what}",
                help=f"Cite in it {form}.",
                path=artifact.path,
                line=one.line,
                key=f"anchor {_key(one)}",
                setting=artifact.setting("findings.anchors"),
            )


def _owed(artifact: Artifact, review: Review) -> Iterator[Finding]:
    """A review that neither lists findings nor says that there are none."""
    content = content_of(review.blocks, artifact.contract.placeholders)
    if content.kind in {"placeholder", "blank"}:
        said = f", only {shortened(content.text)!r}" if content.text else ""
        yield Finding(
            f"{path_text(artifact.path)} has no findings, and does not say that there are none{said}",
            help="List them; where nothing was found, write that there are no findings.",
            path=artifact.path,
            line=content.line,
            key="owed",
            setting=artifact.setting("findings.severities"),
        )


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
        name = field.name if normal_name(field.name) in names else field.name.rpartition(" ")[2]
        own = field.form == "front matter" or field.line < top or normal_name(name) != "status"
        outside = field.form == "front matter" or not review.holds(field.line)
        if normal_name(name) in names and own and outside:
            found.append((field.line, field.value))
    for section in document.sections:
        title = normal_title(section.heading.text.plain)
        if normal_name(title.rpartition(" ")[2]) in names and not review.holds(section.line):
            text = next(texts(section.own), None)
            if text is not None:
                found.append((section.line, text.plain))
    return max(found, key=lambda one: one[0])[1] if found else None


def says_open(value: str, openings: Sequence[str]) -> bool:
    """Whether a verdict begins with one of some words; case, `_` and `-` do not count."""
    words = re.findall(r"[^\W_]+", value.casefold())
    return any(
        words[: len(known)] == known for known in (re.findall(r"[^\W_]+", one.casefold()) for one in openings)
    )


def missing_words(one: Ranked, words: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """The words that a finding's status should have and has not.

    Args:
        one: a finding.
        words: each word with those that stand for it, itself among them.
    """
    said = [unstruck(text) for text in one.status]
    tails = [unstruck(text) for text in one.tails]
    if any(_OPEN.search(text) for text in said) or any(_OPEN.match(text) for text in tails):
        return [name for name, _ in words]
    return [name for name, others in words if not _is_said(one, said, tails, others)]


def _open(artifact: Artifact, *, closed: bool) -> Iterator[Finding]:
    settings = artifact.contract.findings
    if settings is None or not settings.must_close:
        return
    review = review_of(artifact, settings)
    if review is None:
        return
    must = {normal_name(name) for name in settings.must_close}
    words = [(word, [word, *artifact.contract.aliases_of(word)]) for word in settings.closed]
    wanted = [
        (one, missing)
        for one in review.findings
        if normal_name(one.severity) in must and (missing := missing_words(one, words))
    ]
    if not wanted:
        return
    verdict = verdict_of(artifact, settings, review)
    if (verdict is None or not says_open(verdict, settings.verdict_open)) is not closed:
        return
    for one, missing in wanted:
        has = [word for word in settings.closed if word not in missing]
        state = (
            f"is {' and '.join(has)}, and not {' and '.join(missing)}"
            if has
            else f"is not {' and '.join(missing)}"
        )
        where = "in a review that says no verdict"
        if verdict is not None:
            where = f"in a review whose verdict is {shortened(verdict)!r}"
        help = f"When it is, write 'Status: {', '.join(settings.closed)}' below it"
        if closed and settings.verdict_open:
            word = settings.verdict_open[0]
            help += f"; while the review is open, its {settings.verdict[0]} is one such as {word!r}"
        yield Finding(
            f"the {one.severity} finding {shortened(one.title)!r} {state}, {where}",
            help=f"{help}.",
            path=artifact.path,
            line=one.line,
            key=_key(one),
            setting=artifact.setting("findings.must_close"),
        )


def _is_said(one: Ranked, said: Sequence[str], tails: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a word, or one that stands for it, is said of a finding and nowhere taken back."""
    escaped = "|".join(r"[-\s]?".join(map(re.escape, re.split(r"[-\s]", word))) for word in others)
    word = re.compile(rf"(?<![\w-])(?:{escaped})(?![\w-])", re.IGNORECASE)
    # "Fixed size: 12" says nothing of the finding.
    says = re.compile(
        rf"(?:{escaped})(?: (?:by|in|at|on|via|with|commit|date|when)\b.{{0,30}})?", re.IGNORECASE
    )
    yes = False
    for text in said:
        for match in word.finditer(text[:2000]):
            if _NOT.search(text[: match.start()][-60:]) or _NOT_BEHIND.match(text, match.end()):
                return False
            yes = True
    for text in tails:
        text = text.lstrip(" *_`\u2705\u2714\ufe0f")
        first = word.match(text)
        if first and _GOES_ON.match(text, first.end()):
            if _NOT_BEHIND.match(text, first.end()):
                return False
            yes = True
    for label, value in one.labels:
        if says.fullmatch(label):
            if _NO_VALUE.match(value):
                return False
            yes = True
    return yes and not any(word.search(text) for text in one.undone)


def _key(one: Ranked) -> str:
    """What makes a finding this one, without the lines that it cites."""
    return re.sub(r"[:#][L0-9][-L0-9,]*", "", one.title)[:120]
