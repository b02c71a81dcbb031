"""What a readiness document says of conditional items: whether each was triggered, and by which evidence."""

from __future__ import annotations

import re

from specguard.artifacts.targets import Targets
from specguard.documents.citations import citations
from specguard.model import Finding, path_text
from specguard.waves.passages import Passages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.waves.passages import Passage
    from specguard.work.listed import Listed

_DEFERRED: Final = re.compile(
    r"\b(?:deferred|defer|deferral|put off|not triggered|untriggered|no trigger)\b"
    r"|\btrigger(?:ed|s)?\b[^.;\n]{0,20}?[:=|?]?\s{0,9}\bno\b",
    re.IGNORECASE,
)
_NOT_DEFERRED: Final = re.compile(
    r"\b(?:not|never|no longer|cannot be|isn't)\s{1,9}(?:yet\s{1,9}|be\s{1,9})?(?:deferred|put off)\b",
    re.IGNORECASE,
)
_TRIGGERED: Final = re.compile(
    r"\btrigger(?:ed|s)?\b[^.;\n]{0,20}?[:=|?]\s{0,9}\byes\b"
    r"|(?<!not )(?<!un)\b(?:is|was|has been)\s{1,9}triggered\b",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"\bhttps?://[\w.-]+/\S")


class Disposition:
    """What a document says of a conditional item.

    Attributes:
        line: where it speaks of it.
        deferred: whether it says that the item is put off, or its trigger answered with no.
        triggered: whether it says that the trigger is answered with yes.
        evidence: whether it cites something that is there.
    """

    __slots__ = ("deferred", "evidence", "line", "triggered")

    def __init__(self, line: int, *, deferred: bool, triggered: bool, evidence: bool) -> None:
        self.line = line
        self.deferred = deferred
        self.triggered = triggered
        self.evidence = evidence


def undisposed(artifact: Artifact, items: Sequence[Listed], setting: str) -> Iterator[Finding]:
    """The items of which a readiness document does not say that they are put off, with evidence.

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
        best = max(found, key=lambda one: (one.deferred, one.evidence), default=None)
        told = next((one for one in found if one.triggered), None)
        if told is None and best is not None and best.deferred and best.evidence:
            continue
        line = best.line if best else None
        if told is not None:
            line = told.line
            also = " and puts it off" if best and best.deferred else ""
            said = f"{place} says that {item} was triggered{also}, and it is not done"
            step = f"Do {item}: what is triggered is not put off. If nothing triggered it, say 'trigger: no'."
        elif best is None:
            said = f"{item} is conditional, not done, and {place} does not say that it is put off"
            step = f"Say there: '{item.id}: deferred', whether it was triggered, and by which evidence."
        elif not best.deferred:
            said = f"{place} speaks of {item} without saying that it is put off, and it is not done"
            step = f"Say there: '{item.id}: deferred', or 'trigger: no', with the evidence."
        else:
            said = f"{place} puts {item} off without evidence that is there"
            step = "Cite the file that shows that nothing triggered it."
        yield Finding(said, help=step, path=artifact.path, line=line, key=item.id, setting=setting)


def put_off(artifact: Artifact, items: Sequence[Listed]) -> list[Listed]:
    """The items that a readiness document puts off, with evidence.

    Raises:
        MissingFact: something that must be read is not there.
    """
    dispositions = Dispositions(artifact)
    found = [(item, dispositions.of(item)) for item in items]
    return [
        item
        for item, said in found
        if any(one.deferred and one.evidence for one in said) and not any(one.triggered for one in said)
    ]


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
        return [self._disposition(passage) for passage in self._passages.of(item)]

    def _disposition(self, passage: Passage) -> Disposition:
        text = passage.text
        cited = [one for one in citations(passage.blocks) if one.kind != "shortened"]
        evidence = bool(_ADDRESS.search(text)) or any(
            self._targets.find(one, self._artifact.folder).path not in (None, self._artifact.path)
            for one in cited
        )
        deferred = bool(_DEFERRED.search(text)) and not _NOT_DEFERRED.search(text)
        triggered = bool(_TRIGGERED.search(text))
        return Disposition(passage.line, deferred=deferred, triggered=triggered, evidence=evidence)


def _roots(artifact: Artifact) -> Sequence[str]:
    """The prefixes that stand for the root in any contract: those of one team's machines."""
    contracts = artifact.artifacts.contracts.values()
    return list(dict.fromkeys(root for one in contracts if one.evidence for root in one.evidence.roots))
