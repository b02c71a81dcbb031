"""The items that work breakdowns list, with what other documents say of them."""

from __future__ import annotations

import re

from specguard.artifacts.evidence import Targets
from specguard.declaration.rule import Record
from specguard.documents.blocks import Heading, List, Paragraph, Table, texts
from specguard.documents.citations import citations
from specguard.model import Finding, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Selecting
    from specguard.documents.blocks import AnyBlock
    from specguard.runs.proof import RunProof
    from specguard.waves.waves import Waves
    from specguard.work.sources import Listed, Source, Sources


class Breakdowns:
    """The listed items of one tree.

    Args:
        sources: the files that list them.
        documents: the documents of the tree.
        start: the documents before the change; asked for where the change takes a test away.
        whole: whether the whole tree is judged, and not only what the change touches.
        artifacts: the tree's; None where the policy has no contracts.
        waves: the tree's; None where the policy has none.
        proof: tells whether runs show what cites them.

    Attributes:
        sources: the same.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        documents: Documents,
        start: Callable[[], Documents],
        whole: bool,
        artifacts: Artifacts | None,
        waves: Waves | None,
        proof: RunProof,
    ) -> None:
        self.sources = sources
        self.documents = documents
        self._start = start
        self.whole = whole
        self.artifacts = artifacts
        self.waves = waves
        self.proof = proof

    def conditional(self, contracts: Sequence[str]) -> Iterator[tuple[Artifact, Sequence[Listed]]]:
        """The artifacts of some contracts, each with the conditional items of its wave, if it has any.

        Raises:
            MissingFact: something that must be read is not there.
        """
        if self.artifacts is None:
            return
        for artifact in (one for name in contracts for one in self.artifacts.named(name)):
            items = [
                item
                for source in self.sources.all
                if self._belong(artifact, source)
                for item in source.items
                if item.conditional
            ]
            if items:
                yield artifact, items

    def put_off(self, contracts: Sequence[str]) -> frozenset[tuple[bytes, str]]:
        """The conditional items that readiness documents put off, by source and id.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return frozenset(
            (item.source.path, item.id)
            for artifact, items in self.conditional(contracts)
            for item in put_off(artifact, items)
        )

    def undisposed(self, contracts: Sequence[str], setting: str) -> Iterator[Finding]:
        """The conditional items that are neither done nor put off in a readiness document that is judged.

        Args:
            contracts: the names of the contracts of such documents.
            setting: the key of the setting that names them.

        Raises:
            MissingFact: something that must be read is not there.
        """
        touched = self.sources.touched
        if self.artifacts is None or not (
            self.whole
            or self.sources.is_touched
            or any(one.name in contracts for one in self.artifacts.judged)
        ):
            return
        for artifact, items in self.conditional(contracts):
            if self.whole or artifact.touched or any(item.source.path in touched for item in items):
                yield from undisposed(
                    artifact, [item for item in items if not self.sources.done(item)], setting
                )

    def unmapped(
        self,
        documents: Selecting,
        *,
        titles: Sequence[str],
        tests: Selecting,
        gates: Sequence[str],
        setting: str,
    ) -> Iterator[Finding]:
        """The acceptance scenarios, and lines of items, that map to no gate or test by name.

        Args:
            documents: the patterns of the documents that map them.
            titles: the titles of their sections whose items are scenarios.
            tests: the patterns of test files.
            gates: names and commands of gates beside those that sources list.
            setting: the key of the setting that names the documents.

        Raises:
            MissingFact: something that must be read is not there.
        """
        from specguard.waves.acceptance import Proofs, scenarios, unmapped_lines, unmapped_scenarios

        touched = self.sources.touched
        tree = self.documents.tree
        gone = any(tests.find(path) is not None and tree.find(path) is None for path in touched)
        if not (
            self.whole
            or gone
            or self.sources.is_touched
            or any(documents.find(path) is not None for path in touched)
        ):
            return
        paths = tree.paths()
        places = [paths[position] for position, _ in documents.find_each(paths)]
        sources = [source for source in self.sources.all if not self._superseded(source.path)]
        listed = [name for source in sources for name in _listed_gates(source)]
        proofs = Proofs(self.documents, tests=tests, gates=[*gates, *listed], proof=self.proof)
        before = None
        if gone and not self.whole:
            before = Proofs(self._start(), tests=tests, gates=[*gates, *listed], proof=self.proof)
        found = {}
        brought = paths if self.whole else sorted(touched)
        for link in self.documents.unread_links(documents, brought):
            yield _unread(link, "it is no regular file", None, setting)
        for place in places:
            document = self.documents.read(place)
            if document is not None and not self._superseded(place):
                found[place] = scenarios(document, titles)
                if document.problem is not None and (self.whole or place in touched):
                    yield _unread(place, document.problem.message, document.problem.line, setting)
        # A breakdown that cannot be read names no gates, so what is one cannot be told.
        unknown = {place for source in sources if source.problem for place in self._near(source, list(found))}
        for place, here in found.items():
            if place in unknown:
                continue
            if self.whole or place in touched:
                yield from unmapped_scenarios(place, here, proofs, setting)
            elif before is not None:
                # A document that is not touched lacks what the change takes away, and nothing else.
                folder = place.rpartition(b"/")[0]
                mapped = [one for one in here if not before.unmapped(one, folder)]
                yield from unmapped_scenarios(place, mapped, proofs, setting)
        for source in sources:
            near = self._near(source, list(found))
            if self.whole or source.path in touched or any(place in touched for place in near):
                yield from unmapped_lines(source, {place: found[place] for place in near}, setting)

    def gates_of(
        self, item: Listed, documents: Selecting, *, titles: Sequence[str], gates: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """The gates that the scenarios of an item's acceptance name, each with the scenario.

        Scenarios are those before the change and those after it, so that it takes no gate away.

        Args:
            item: the item, as the trusted base lists it.
            documents: the patterns of the documents that have the scenarios.
            titles: the titles of their sections whose items are scenarios.
            gates: names of gates by their names and commands, beside those that the item's source lists.

        Raises:
            MissingFact: a document is not there.
        """
        from specguard.waves.acceptance import plain_gate, scenarios

        names = {plain_gate(name): name for name in _listed_gates(item.source)}
        names |= {plain_gate(text): name for text, name in gates.items()}
        for held in (self._start(), self.documents):
            paths = held.tree.paths()
            places = [paths[position] for position, _ in documents.find_each(paths)]
            for place in self._near(item.source, [one for one in places if not self._superseded(one)]):
                document = held.read(place)
                for one in scenarios(document, titles) if document is not None else ():
                    if any(one.says(line.text) for line in item.acceptance):
                        wanted = [names.get(plain_gate(name), "") for name in one.names]
                        yield from ((gate, one.text) for gate in wanted if gate)

    def _near(self, source: Source, places: Sequence[bytes]) -> Sequence[bytes]:
        """Of some documents those that go with a source: of its wave, else in its folder, else all.

        Documents of another wave never do.
        """
        if self.waves is not None:
            key = self.waves.key_at(source.path, source.fields)
            keys = {place: self._key_at(self.waves, place) for place in places}
            same = [place for place in places if key is not None and keys[place] == key]
            if same:
                return same
            places = [place for place in places if key is None or keys[place] is None]
        folder = source.path.rpartition(b"/")[0]
        return [place for place in places if place.rpartition(b"/")[0] == folder] or places

    def _key_at(self, waves: Waves, path: bytes) -> Any:
        """The key of the wave of a document, by its contract's path, or by the folder of its pass."""
        artifact = self.artifacts.at(path) if self.artifacts is not None else None
        return waves.key_at(path, artifact.fields if artifact is not None else {})

    def _superseded(self, path: bytes) -> bool:
        return self.waves is not None and self.waves.superseded(path)

    def _belong(self, artifact: Artifact, source: Source) -> bool:
        """Whether an artifact is about the items of a source: of one wave, or with the same fields."""
        if self._superseded(source.path):
            return False
        if self.waves is not None:
            key = self.waves.key_at(artifact.path, artifact.fields)
            other = self.waves.key_at(source.path, source.fields)
            if key is not None and other is not None:
                return key == other
        fields = source.fields
        common = artifact.fields.keys() & fields.keys()
        return all(artifact.fields[name].casefold() == fields[name].casefold() for name in common)


def _listed_gates(source: Source) -> Iterator[str]:
    """The names and commands of the gates that a work breakdown lists, for all of it and for its items."""
    from specguard.waves.acceptance import gate_names

    for value in (source.top("gates"), *(item.get("gates") for item in source.items)):
        yield from gate_names(value)


def _unread(path: bytes, why: str, line: int | None, setting: str) -> Finding:
    return Finding(
        f"{path_text(path)} cannot be read, so nobody can tell what it maps: {why}",
        help="Make it a Markdown file in UTF-8.",
        path=path,
        line=line,
        key="unread",
        setting=setting,
    )


# `Trigger: no`, also as the head of a column with its cell.
_ANSWER: Final = re.compile(r"\btrigger(?:ed)?\??:[ \t]{0,9}([^\n]{0,80})", re.IGNORECASE)
_YES_OR_NO: Final = re.compile(r"(yes|no)(?=\s{0,9}(?:$|[.,;:()\[\]\u2013\u2014])|\s{1,9}-\s)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\bhttps?://[\w.-]+/\S")


class Disposition(Record):
    """What a passage says of a conditional item.

    Attributes:
        line: where it speaks of it.
        answer: whether its trigger is answered with `yes` or `no`; empty where it is not.
        unread: what stands in place of an answer; empty where nothing does.
        evidence: whether it cites something that is there.
    """

    line: int
    answer: str
    unread: str
    evidence: bool


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
        sections = artifact.document.sections
        self._passages = [Passage(one.line, one.heading.text.rendered, one.blocks, None) for one in sections]
        self._passages += _passages(artifact.document.blocks, None)
        self._targets = Targets(artifact.artifacts.documents, _roots(artifact))

    def of(self, item: Listed) -> list[Disposition]:
        """What every passage says that speaks of an item.

        Raises:
            MissingFact: something that must be read is not there.
        """
        return list(map(self._read, _about(item, self._passages)))

    def _read(self, passage: Passage) -> Disposition:
        said = _ANSWER.findall(passage.text)
        answers = {found[1].casefold() for one in said if (found := _YES_OR_NO.match(one))}
        cited = [one for one in citations(passage.blocks) if one.kind != "shortened"]
        shown = bool(_ADDRESS.search(passage.text)) or any(
            self._targets.find(one, self._artifact.folder).path not in (None, self._artifact.path)
            for one in cited
        )
        unread = next(iter(said), "") if not answers else ""
        return Disposition(passage.line, max(answers, default=""), unread, shown)


def _roots(artifact: Artifact) -> Sequence[str]:
    """The prefixes that stand for the root in any contract: those of one team's machines."""
    contracts = artifact.artifacts.contracts.values()
    return list(dict.fromkeys(root for one in contracts if one.evidence for root in one.evidence.roots))


_SHORTEST_TITLE: Final = 8


class Passage(Record):
    """A section, an item of a list, a paragraph or a row of a table.

    Attributes:
        line: where it begins.
        key: what tells which item it speaks of: a section's title, an item's own text, a row's cells.
        blocks: all that is in it.
        within: the item that it stands in; None where it stands in none.
    """

    line: int
    key: str
    blocks: Sequence[AnyBlock]
    within: Passage | None

    @property
    def text(self) -> str:
        """All that it says; of a table each cell behind the head of its column."""
        said = [self.key, *(text.rendered for text in texts(self.blocks))]
        said += [block.text.rendered for block in self.blocks if isinstance(block, Heading)]
        said += [
            f"{name.rendered}: {cell.rendered}"
            for table in _tables(self.blocks)
            for row in table.rows
            for name, cell in zip(table.header, row, strict=False)
        ]
        return "\n".join(said)


def _passages(blocks: Sequence[AnyBlock], within: Passage | None) -> Iterator[Passage]:
    for position, block in enumerate(blocks):
        if isinstance(block, Paragraph):
            # What a paragraph ends with may be in the list behind it.
            following = [one for one in blocks[position + 1 : position + 2] if isinstance(one, List)]
            yield Passage(block.line, block.text.rendered, [block, *following], within)
        for item in block.items if isinstance(block, List) else ():
            own = Passage(item.line, item.text.rendered, item.blocks, within)
            yield own
            yield from _passages(item.rest, own)
        if isinstance(block, Table):
            for row in filter(None, block.rows):
                key, line = "\n".join(cell.rendered for cell in row), row[0].line
                yield Passage(line, key, [Table(block.header, [row], line)], within)


def _about(item: Listed, passages: Sequence[Passage]) -> Iterator[Passage]:
    """The passages that speak of an item; what stands within one of them is left out."""
    mention = _mention(item)
    told: list[Passage] = []
    for passage in passages:
        above = passage.within
        while above is not None and not any(above is one for one in told):
            above = above.within
        if above is None and mention.search(passage.key):
            told.append(passage)
            yield passage


def _tables(blocks: Sequence[AnyBlock]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, List):
            for item in block.items:
                yield from _tables(item.blocks)


def _mention(item: Listed) -> re.Pattern[str]:
    """What a text has that speaks of an item: its id as a word, behind the kind's where it is a number.

    A title that is long enough to be no other's counts, too. Both end where a word ends, as they must to be
    found through the words.
    """
    name = rf"(?<![\w./\\-]){re.escape(item.id)}(?![\w/\\]|[-.]\w)"
    if item.id.isdigit():
        name = rf"\b{re.escape(item.source.kind)}[\s#_-]{{0,3}}0*{re.escape(item.id)}(?!\w)"
    words = item.title.split()
    if len(" ".join(words)) >= _SHORTEST_TITLE:
        title = r"\s+".join(map(re.escape, words))
        name += rf"|(?<!\w){title}(?!\w)"
    return re.compile(name, re.IGNORECASE)
