"""What a readiness document says of conditional items: whether each was triggered, and by which evidence."""

from __future__ import annotations

import re

from specguard.artifacts.evidence import Targets
from specguard.documents.citations import citations
from specguard.model import Finding, path_text, shortened
from specguard.waves.passages import Passages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.waves.passages import Passage
    from specguard.work.listed import Listed

# `Trigger: no`, also as the head of a column with its cell.
_ANSWER: Final = re.compile(r"\btrigger(?:ed)?\??:[ \t]{0,9}([^\n]{0,80})", re.IGNORECASE)
_YES_OR_NO: Final = re.compile(r"(yes|no)(?=\s{0,9}(?:$|[.,;:()\[\]\u2013\u2014])|\s{1,9}-\s)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\bhttps?://[\w.-]+/\S")


class Disposition:
    """What a passage says of a conditional item.

    Attributes:
        line: where it speaks of it.
        answer: whether its trigger is answered with `yes` or `no`; empty where it is not.
        unread: what stands in place of an answer; empty where nothing does.
        evidence: whether it cites something that is there.
    """

    __slots__ = ("answer", "evidence", "line", "unread")

    def __init__(self, passage: Passage, *, evidence: bool) -> None:
        said = _ANSWER.findall(passage.text)
        answers = {found[1].casefold() for one in said if (found := _YES_OR_NO.match(one))}
        self.line = passage.line
        self.answer = max(answers, default="")
        self.unread = next(iter(said), "") if not answers else ""
        self.evidence = evidence


def undisposed(artifact: Artifact, items: Sequence[Listed], setting: str) -> Iterator[Finding]:
    """The items of which a readiness document does not say that nothing triggered them, with evidence.

    Args:
        artifact: the document.
        items: conditional items that are not done.
        setting: the key of the setting that asks for it.

    Raises:
        MissingFact: something that must be read is not there.
    """
    place = path_text(artifact.path)
    dispositions = Dispositions(artifact)
    for item in items:
        found = dispositions.of(item)
        if _is_put_off(found):
            continue
        # What answers with yes counts first, then what answers at all, then what comes near it.
        told = max(found, key=lambda one: (one.answer, bool(one.unread)), default=None)
        step = f"Write '{item.id}: deferred, trigger: no (`FILE`)' with the file that shows it; or do {item}."
        if told is None:
            said = f"{item} is conditional, not done, and {place} does not say that it is put off"
        elif told.answer == "yes":
            said = f"{place} says that {item} was triggered, and it is not done"
            step = f"Do {item}; if nothing triggered it, write 'trigger: no' with the evidence."
        elif told.answer:
            said = f"{place} puts {item} off without evidence that is there"
            step = "Cite the file that shows that nothing triggered it."
        elif told.unread:
            said = (
                f"{place} answers the trigger of {item} with {shortened(told.unread)!r}, not with yes or no"
            )
        else:
            said = f"{place} speaks of {item} without an answer to its trigger, and it is not done"
        yield Finding(
            said,
            help=step,
            path=artifact.path,
            line=told.line if told else None,
            key=item.id,
            setting=setting,
        )


def put_off(artifact: Artifact, items: Sequence[Listed]) -> list[Listed]:
    """The items that a readiness document puts off, with evidence.

    Raises:
        MissingFact: something that must be read is not there.
    """
    dispositions = Dispositions(artifact)
    return [item for item in items if _is_put_off(dispositions.of(item))]


def _is_put_off(found: Sequence[Disposition]) -> bool:
    answers = [one.answer for one in found]
    return "yes" not in answers and any(one.answer and one.evidence for one in found)


class Dispositions:
    """What a readiness document says of conditional items.

    Args:
        artifact: the document.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._passages = Passages(artifact.document)
        self._targets = Targets(artifact.artifacts.documents, _roots(artifact))

    def of(self, item: Listed) -> list[Disposition]:
        """What every passage says that speaks of an item.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return [Disposition(passage, evidence=self._is_shown(passage)) for passage in self._passages.of(item)]

    def _is_shown(self, passage: Passage) -> bool:
        """Whether a passage cites something that is there."""
        cited = [one for one in citations(passage.blocks) if one.kind != "shortened"]
        return bool(_ADDRESS.search(passage.text)) or any(
            self._targets.find(one, self._artifact.folder).path not in (None, self._artifact.path)
            for one in cited
        )


def _roots(artifact: Artifact) -> Sequence[str]:
    """The prefixes that stand for the root in any contract: those of one team's machines."""
    contracts = artifact.artifacts.contracts.values()
    return list(dict.fromkeys(root for one in contracts if one.evidence for root in one.evidence.roots))
