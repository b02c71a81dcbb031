"""What a readiness document says of conditional items: whether each was triggered, and by which evidence."""

from __future__ import annotations

import re
from functools import lru_cache

from specguard.artifacts.targets import Targets
from specguard.documents.blocks import Heading, List, Paragraph, Table, texts
from specguard.documents.citations import citations
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import AnyBlock
    from specguard.documents.document import Document
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
_SHORTEST_TITLE: Final = 8


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
    for item in items:
        found = list(dispositions(artifact, item))
        best = max(found, key=lambda one: (one.deferred, one.evidence), default=None)
        if best is not None and best.deferred and best.evidence:
            continue
        line = best.line if best else None
        told = next((one for one in found if one.triggered), None)
        if told is not None and not (best and best.deferred):
            line = told.line
            said = f"{place} says that {item} was triggered, and it is not done"
            step = f"Do {item}, or say why it is put off."
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


def is_put_off(artifact: Artifact, item: Listed) -> bool:
    """Whether a document puts an item off, with evidence.

    Raises:
        MissingFact: something that must be read is not there.
    """
    return any(one.deferred and one.evidence for one in dispositions(artifact, item))


def dispositions(artifact: Artifact, item: Listed) -> Iterator[Disposition]:
    """Every passage of a document that speaks of an item.

    Raises:
        MissingFact: something that must be read is not there.
    """
    targets = Targets(artifact.artifacts.documents, _roots(artifact))
    for passage in _passages_of(artifact).of(item):
        text = passage.text
        cited = [one for one in citations(passage.blocks) if one.kind != "shortened"]
        evidence = bool(_ADDRESS.search(text)) or any(
            targets.find(one, artifact.folder).path not in (None, artifact.path) for one in cited
        )
        deferred = bool(_DEFERRED.search(text)) and not _NOT_DEFERRED.search(text)
        triggered = bool(_TRIGGERED.search(text))
        yield Disposition(passage.line, deferred=deferred, triggered=triggered, evidence=evidence)


def _roots(artifact: Artifact) -> Sequence[str]:
    """The prefixes that stand for the root in any contract: those of one team's machines."""
    contracts = artifact.artifacts.contracts.values()
    return list(dict.fromkeys(root for one in contracts if one.evidence for root in one.evidence.roots))


def _mention(item: Listed) -> re.Pattern[str]:
    """What a text has that speaks of an item: its id as a word, behind the kind's where it is a number."""
    name = rf"(?<![\w./\\-]){re.escape(item.id)}(?![\w/\\]|[-.]\w)"
    if item.id.isdigit():
        name = rf"\b{re.escape(item.source.kind)}[\s#_-]{{0,3}}0*{re.escape(item.id)}(?!\w)"
    title = " ".join(item.title.split())
    if len(title) >= _SHORTEST_TITLE:
        name += "|" + r"\s+".join(map(re.escape, title.split()))
    return re.compile(name, re.IGNORECASE)


class _Passage:
    """A section, an item, a row or a paragraph.

    Attributes:
        line: where it begins.
        key: what speaks of an item there: a section's title, an item's own text, a row's cells.
        blocks: all that is in it.
        within: the position of the item that it stands in; None where it stands in none.
    """

    __slots__ = ("blocks", "key", "line", "title", "within")

    def __init__(
        self, line: int, key: str, blocks: Sequence[AnyBlock], within: int | None, *, title: bool = False
    ) -> None:
        self.line = line
        self.key = key
        self.blocks = blocks
        self.within = within
        self.title = title

    @property
    def text(self) -> str:
        """All that it says."""
        rows = [block for block in self.blocks if isinstance(block, Table) and len(self.blocks) == 1]
        if rows:
            pairs = zip(rows[0].header, rows[0].rows[0], strict=False)
            return "\n".join(f"{name.rendered}: {cell.rendered}" for name, cell in pairs)
        said = _text(self.blocks)
        return f"{self.key}\n{said}" if self.title else said


class _Passages:
    """The passages of a document, found by the words of what they speak of.

    Args:
        document: whose passages they are.
    """

    def __init__(self, document: Document) -> None:
        self._all: list[_Passage] = []
        self._by_word: dict[str, list[int]] = {}
        for section in document.sections:
            self._add(_Passage(section.line, section.heading.text.rendered, section.blocks, None, title=True))
        self._read(document.blocks, None)

    def of(self, item: Listed) -> Iterator[_Passage]:
        """Those that speak of an item; what stands within one of them is left out."""
        mention = _mention(item)
        told: set[int] = set()
        for position in sorted({*self._with(item.id), *self._with(item.title)}):
            passage = self._all[position]
            if mention.search(passage.key) and not self._is_within(passage, told):
                told.add(position)
                yield passage

    def _with(self, text: str) -> Sequence[int]:
        """Passages among which are all that have some words: those with the rarest of them."""
        words = _tokens(text)
        if text and not words:
            return range(len(self._all))
        return min((self._by_word.get(word, []) for word in words), key=len, default=[])

    def _is_within(self, passage: _Passage, told: set[int]) -> bool:
        above = passage.within
        while above is not None:
            if above in told:
                return True
            above = self._all[above].within
        return False

    def _add(self, passage: _Passage) -> int:
        position = len(self._all)
        self._all.append(passage)
        for word in _tokens(passage.key):
            self._by_word.setdefault(word, []).append(position)
        return position

    def _read(self, blocks: Sequence[AnyBlock], within: int | None) -> None:
        for position, block in enumerate(blocks):
            if isinstance(block, Paragraph):
                # What a paragraph ends with may be in the list behind it.
                following = [one for one in blocks[position + 1 : position + 2] if isinstance(one, List)]
                self._add(_Passage(block.line, block.text.rendered, [block, *following], within))
            elif isinstance(block, List):
                for item in block.items:
                    own = self._add(_Passage(item.line, item.text.rendered, item.blocks, within))
                    self._read(item.rest, own)
            elif isinstance(block, Table):
                for row in block.rows:
                    if row:
                        key = "\n".join(cell.rendered for cell in row)
                        self._add(
                            _Passage(row[0].line, key, [Table(block.header, [row], block.line)], within)
                        )


@lru_cache(maxsize=4)
def _passages_of(artifact: Artifact) -> _Passages:
    return _Passages(artifact.document)


def _tokens(text: str) -> set[str]:
    """The words and numbers of a text for comparison; the padding of numbers does not count."""
    found = re.findall(r"[^\W\d_]+|[0-9]+", text.casefold())
    return {word.lstrip("0") or "0" for word in found}


def _text(blocks: Sequence[AnyBlock]) -> str:
    plain = [text.rendered for text in texts(blocks)]
    plain += [block.text.rendered for block in blocks if isinstance(block, Heading)]
    return "\n".join(plain)
