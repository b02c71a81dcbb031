"""The items that work breakdowns list, with what other documents say of them: scenarios and dispositions."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.evidence import Targets
from specguard.declaration.rule import Record
from specguard.documents.blocks import Heading, List, Paragraph, Table, fences, tables, texts
from specguard.documents.citations import Citation, citations
from specguard.documents.completeness import plain_words, without_box
from specguard.documents.fields import normal_title
from specguard.model import Finding, path_text, shortened
from specguard.runs.proof import Claim, RunProof
from specguard.work.document_search import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Selecting
    from specguard.documents.blocks import AnyBlock, ListItem, Text
    from specguard.documents.document import Document
    from specguard.waves.waves import Waves
    from specguard.work.item_lists import Listed, Source, Sources


def unmapped_scenarios(path: bytes, found: Sequence[Scenario], proofs: Proofs) -> Iterator[Finding]:
    """The scenarios of a document that map to nothing.

    Raises:
        MissingFact: something that must be read is not there.
    """
    folder = path.rpartition(b"/")[0]
    step = "Name beside it, in a code span, the gate or the test (`FILE::TEST`) that shows it."
    for scenario in found:
        problem = proofs.unmapped(scenario, folder)
        if problem:
            said, key = f"the scenario {shortened(scenario.text, 80)!r} {problem}", scenario.words[:100]
            yield Finding(said, help=step, path=path, line=scenario.line, key=key, setting="documents")


def unmapped_lines(source: Source, mapped: Mapping[bytes, Sequence[Scenario]]) -> Iterator[Finding]:
    """The acceptance lines of a source's items that no document has.

    Args:
        source: the file that lists the items.
        mapped: the documents that map them, each with what it has.

    Raises:
        MissingFact: the source cannot be read.
    """
    stated = [(item, line) for item in source.items for line in item.acceptance]
    if stated and not mapped:
        said = f"{path_text(source.path)} has acceptance that no document maps to gates or tests"
        step = "Write the document, with a row for each line: what must hold, and the test that shows it."
        yield Finding(said, help=step, path=source.path, key="no document", setting="documents")
        return
    step = "Add it there, by its id or in the same words, with the gate or the test that shows it."
    places = " and ".join(path_text(place) for place in list(mapped)[:2])
    known = [one for found in mapped.values() for one in found]
    ids = {one.id for one in known}
    for item, line in stated:
        if _id_of(line.text) in ids - {""} or any(one.says(line.text) for one in known):
            continue
        why = f"is mapped to no gate or test: it is no scenario of {places}"
        said = f"the acceptance {shortened(line.text, 80)!r} of {item} {why}"
        key = f"{item.id}: {plain_words(line.text)[:100]}"
        yield Finding(said, help=step, path=source.path, line=line.line, key=key, setting="documents")


COLUMNS: Final = frozenset({"scenario", "scenarios", "acceptance", "criterion", "criteria"})
"""What the title of a column of scenarios has a word of."""

_ID: Final = re.compile(
    r"\W{0,3}([A-Za-z]{1,10}(?:[-_][A-Za-z]{1,10})?[-_]?[0-9]{1,6}(?:[.-][0-9]{1,4}){0,3}[a-z]?)(?!\w)"
)
_SCENARIO: Final = re.compile(r"\W{0,3}scenario\b[\s:#.-]*", re.IGNORECASE)


class Scenario(Record):
    """A scenario, or another line of acceptance, as the document has it.

    Attributes:
        text: what must hold.
        line: its line, from 1.
        names: what stands beside it in code spans and links: it may name gates and tests.
        cited: the places that it cites.
    """

    text: str
    line: int
    names: Sequence[str]
    cited: Sequence[Citation]

    @cached_property
    def words(self) -> str:
        """Its text in small letters, without anything but words."""
        return plain_words(self.text)

    @property
    def id(self) -> str:
        """The id that it begins with, in small letters, such as `ac-3`; empty if it has none."""
        return _id_of(self.text)

    def says(self, stated: str) -> bool:
        """True if it is what an item's acceptance says: by its id, or by the same words."""
        if self.id and _id_of(stated):
            return _id_of(stated) == self.id
        other = plain_words(stated)
        return bool(other) and f" {other} " in f" {self.words} "


def _id_of(text: str) -> str:
    found = _ID.match(text)
    return found[1].casefold() if found else ""


def scenarios(document: Document, titles: Sequence[str]) -> list[Scenario]:
    """The scenarios of a document, in order.

    They are the rows of a table one of whose columns is called *Scenario*, *Acceptance* or *Criterion*; the
    headings that begin with *Scenario*, each with what stands below it; the list items that begin so; and
    the items of the sections with some titles.

    Args:
        document: the document.
        titles: the titles of sections whose items are scenarios.
    """
    found: dict[int, Scenario] = {}
    taken: set[int] = set()
    wanted = {normal_title(title) for title in titles}
    listed = [item for item in _items(document.blocks) if _SCENARIO.match(item.text.rendered)]
    for section in document.sections:
        heading = section.heading.text
        if _SCENARIO.match(heading.rendered):
            said = _SCENARIO.sub("", heading.rendered, count=1) or heading.rendered
            found[section.line] = _scenario(said, section.line, section.blocks)
            # What stands below a scenario's heading is that scenario's.
            taken.update(range(section.line + 1, section.end + 1))
        if normal_title(heading.plain) in wanted:
            listed += _items(section.blocks)
    others = [_scenario(item.text.rendered, item.line, item.blocks) for item in listed]
    for one in (*others, *(row for table in tables(document.blocks) for row in _rows(table))):
        if one.line not in taken:
            found.setdefault(one.line, one)
    return [found[line] for line in sorted(found)]


def _scenario(text: str, line: int, blocks: Sequence[AnyBlock]) -> Scenario:
    names: list[str] = []
    for running in texts(blocks):
        names += _names(running)
    for fence in fences(blocks):
        names += [row.strip().removeprefix("$ ") for row in fence.content.split("\n") if row.strip()]
    return Scenario(without_box(" ".join(text.split())), line, names, list(citations(blocks)))


def _names(text: Text) -> list[str]:
    """The possible names of gates and tests in a text."""
    return [*text.spans, *(name for link in text.links for name in (link.target, link.text))]


def _rows(table: Table) -> Iterator[Scenario]:
    """The scenarios of a table; none if no column is called as such a column is."""
    titles = [normal_title(cell.rendered).split() for cell in table.header]
    column = next((at for at, title in enumerate(titles) if COLUMNS.intersection(title)), None)
    if column is None or len(titles) < 2:
        return
    for row in table.rows:
        if column >= len(row) or not row[column].rendered.strip():
            continue
        said = row[column].rendered.strip()
        first = row[0].rendered.strip()
        if column and _ID.match(first):
            said = f"{first} {said}"
        others = [cell for at, cell in enumerate(row) if at != column]
        names = [name for cell in others for name in (*_names(cell), cell.rendered.strip()) if name]
        # An id in the first column is no gate.
        names = [name for name in names if not (column and name == first)]
        cited = list(citations([Table(table.header, [row], table.line)]))
        yield Scenario(" ".join(said.split()), row[0].line, [*names, *row[column].spans], cited)


def _items(blocks: Sequence[AnyBlock]) -> Iterator[ListItem]:
    """The items of lists, those within items left out."""
    for block in blocks:
        if isinstance(block, List):
            yield from block.items


TEST_LIMIT: Final = 32 << 20
"""So many bytes of tests are looked through for a test's name."""

_NAME: Final = re.compile(r"[A-Za-z_][\w.-]{2,100}")


class Proofs:
    """The gates and tests that a scenario may name.

    Args:
        documents: the documents of the judged tree.
        tests: the patterns of test files.
        gates: the names and commands of gates.
        proof: tells whether a run shows a scenario that cites it.
    """

    def __init__(
        self, documents: Documents, *, tests: Selecting, gates: Iterable[str], proof: RunProof
    ) -> None:
        self._documents = documents
        self._tests = tests
        self._gates = {plain_gate(gate) for gate in gates if plain_gate(gate)}
        self._proof = proof
        self._targets = Targets(documents)

    def unmapped(self, scenario: Scenario, folder: bytes) -> str:
        """The reason why a scenario maps to no gate or test, as a clause; empty if it does.

        Raises:
            MissingFact: a file is not there, or a run that is cited cannot be seen from here.
        """
        names = list(dict.fromkeys(name for name in scenario.names if plain_gate(name)))
        if not names:
            return "names no gate and no test"
        if not any(plain_gate(name) in self._gates or self._is_test(name, folder) for name in names):
            return f"names {' and '.join(map(repr, names[:3]))}: neither a gate nor a test"
        return self._failed(scenario, folder)

    def _is_test(self, name: str, folder: bytes) -> bool:
        """True if a name is that of a test file, with or without a test in it, or of one in any of them."""
        name = name.strip()
        path, *inner = re.split("::| > ", re.sub(r":[0-9]+(?:-[0-9]+)?$|\[.*\]$", "", name))
        for place in filter(None, [] if path.startswith("/") else [joined(b"", path), joined(folder, path)]):
            if self._documents.tree.has_file(place) and self._tests.find(place) is not None:
                content = self._documents.content(place) or b""
                return not inner or _has(content, inner[-1])
        if inner or "/" in path or not (" " in name or _NAME.fullmatch(name)):
            return False
        # A quoted title of a test is looked for word by word.
        plain = name.isascii() and name.isidentifier()
        return name.encode() in self._names if plain else _has(self._all, name)

    @cached_property
    def _names(self) -> frozenset[bytes]:
        """The names in all test files, so that many may be asked for."""
        return frozenset(re.findall(rb"\w+", self._all))

    @cached_property
    def _all(self) -> bytes:
        """The content of all test files, as far as it is searched."""
        paths = self._documents.tree.paths()
        found = [paths[position] for position, _ in self._tests.find_each(paths)]
        files = list(filter(self._documents.tree.has_file, found))
        self._documents.prefetch(files)
        held: list[bytes] = []
        size = 0
        for path in files:
            content = self._documents.content(path) or b""
            size += len(content)
            if size > TEST_LIMIT:
                break
            held.append(content)
        return b"\n".join(held)

    def _failed(self, scenario: Scenario, folder: bytes) -> str:
        """The problem with the manifests that a scenario cites, as a clause; empty if there is none."""
        for citation in scenario.cited:
            if citation.path.rpartition("/")[2] not in ("manifest.json", "meta.json"):
                continue
            for place in self._targets.places(citation, folder) or ():
                run = self._proof.records.at(place)
                flaw = self._proof.flaw(run, Claim(label=scenario.text))
                if run is None:
                    continue
                if flaw is not None and not flaw.bound:
                    return f"cites the run {citation.path}, which {flaw.reason}"
                break
            else:
                return f"cites the run {citation.path}, which is not there"
        return ""


def gate_names(value: Any) -> Iterator[str]:
    """The names and commands of gates in a part of a work breakdown: all texts, and the keys of mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from gate_names(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, dict):
                yield str(key)
            yield from gate_names(inner)


def _has(content: bytes, name: str) -> bool:
    """True if a name stands in a text as a word."""
    wanted = re.escape(name.encode("utf-8", "surrogateescape"))
    # A name that the expression begins with is found fast.
    return bool(wanted) and re.search(rb"%b(?!\w)(?<!\w%b)" % (wanted, wanted), content) is not None


def plain_gate(text: str) -> str:
    """A gate's name or command as it is compared."""
    return " ".join(text.replace("`", "").casefold().split()).rstrip(" ;&|")


class Breakdowns(Record):
    """The listed items of one tree.

    Attributes:
        sources: the files that list them.
        documents: the documents of the tree.
        start: the documents before the change; asked for where the change takes a test away.
        whole: whether the whole tree is judged, and not only what the change touches.
        artifacts: the tree's.
        waves: the tree's; None if the policy has none.
        proof: tells whether runs show what cites them.
    """

    sources: Sources
    documents: Documents
    start: Callable[[], Documents]
    whole: bool
    artifacts: Artifacts
    waves: Waves | None
    proof: RunProof

    def conditional(self, contracts: Sequence[str]) -> Iterator[tuple[Artifact, Sequence[Listed]]]:
        """The artifacts of some contracts, each with the conditional items of its wave, if it has any.

        Raises:
            MissingFact: something that must be read is not there.
        """
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
            for dispositions in [Dispositions(artifact)]
            for item in items
            if dispositions.flaw(item) is None
        )

    def undisposed(self, contracts: Sequence[str]) -> Iterator[Finding]:
        """The conditional items that are neither done nor put off in a readiness document that is judged.

        Args:
            contracts: the names of the contracts of such documents, which the setting `readiness` has.

        Raises:
            MissingFact: something that must be read is not there.
        """
        touched = self.sources.touched
        judged = self.whole or self.sources.is_touched
        if not judged and not any(one.name in contracts for one in self.artifacts.judged):
            return
        for artifact, items in self.conditional(contracts):
            if not (self.whole or artifact.touched or any(item.source.path in touched for item in items)):
                continue
            left = [item for item in items if not self.sources.done(item)]
            path, dispositions = artifact.path, Dispositions(artifact)
            for item in left:
                if flaw := dispositions.flaw(item):
                    said, step, line = flaw
                    yield Finding(said, help=step, path=path, line=line, key=item.id, setting="readiness")

    def unmapped(
        self, documents: Selecting, *, titles: Sequence[str], tests: Selecting, gates: Sequence[str]
    ) -> Iterator[Finding]:
        """The acceptance scenarios, and lines of items, that map to no gate or test by name.

        Args:
            documents: the patterns of the documents that map them, which the setting `documents` has.
            titles: the titles of their sections whose items are scenarios.
            tests: the patterns of test files.
            gates: names and commands of gates beside those that sources list.

        Raises:
            MissingFact: something that must be read is not there.
        """
        touched = self.sources.touched
        gone = any(
            tests.find(path) is not None and self.documents.tree.find(path) is None for path in touched
        )
        named = any(documents.find(path) is not None for path in touched)
        if not (self.whole or gone or named or self.sources.is_touched):
            return
        paths = self.documents.tree.paths()
        sources = [source for source in self.sources.all if not self._superseded(source.path)]
        gates = [*gates, *(name for source in sources for name in _listed_gates(source))]
        proofs = Proofs(self.documents, tests=tests, gates=gates, proof=self.proof)
        before = None
        if gone and not self.whole:
            before = Proofs(self.start(), tests=tests, gates=gates, proof=self.proof)
        for link in self.documents.unread_links(documents, paths if self.whole else sorted(touched)):
            yield _unread(link, "it is no regular file", None)
        found = {}
        for place, document in self._readable(documents, self.documents):
            found[place] = scenarios(document, titles)
            if document.problem is not None and (self.whole or place in touched):
                yield _unread(place, document.problem.message, document.problem.line)
        near = [(source, self._near(source, list(found))) for source in sources]
        # A breakdown that cannot be read names no gates, so what is one cannot be told.
        unknown = {place for source, places in near if source.problem for place in places}
        for place, here in found.items():
            if not (self.whole or place in touched):
                # A document that is not touched lacks what the change takes away, and nothing else.
                folder = place.rpartition(b"/")[0]
                here = [one for one in here if before is not None and not before.unmapped(one, folder)]
            if place not in unknown:
                yield from unmapped_scenarios(place, here, proofs)
        for source, places in near:
            if self.whole or source.path in touched or any(place in touched for place in places):
                yield from unmapped_lines(source, {place: found[place] for place in places})

    def _readable(self, documents: Selecting, held: Documents) -> Iterator[tuple[bytes, Document]]:
        """The documents that some patterns select, without those that a later pass supersedes."""
        paths = held.tree.paths()
        for position, _ in documents.find_each(paths):
            path = paths[position]
            document = None if self._superseded(path) else held.read(path)
            if document is not None:
                yield path, document

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
        names = {plain_gate(name): name for name in _listed_gates(item.source)}
        names |= {plain_gate(text): name for text, name in gates.items()}
        for held in (self.start(), self.documents):
            found = dict(self._readable(documents, held))
            for place in self._near(item.source, list(found)):
                for one in scenarios(found[place], titles):
                    if any(one.says(line.text) for line in item.acceptance):
                        wanted = [names.get(plain_gate(name), "") for name in one.names]
                        yield from ((gate, one.text) for gate in wanted if gate)

    def _near(self, source: Source, places: Sequence[bytes]) -> Sequence[bytes]:
        """Of some documents those that go with a source: of its wave, else in its folder, else all.

        Documents of another wave never do.
        """
        if self.waves is not None:
            key = self.waves.key_at(source.path, source.fields)
            about = {place: self.artifacts.at(place) for place in places}
            told = {place: one.fields if one is not None else {} for place, one in about.items()}
            keys = {place: self.waves.key_at(place, told[place]) for place in places}
            same = [place for place in places if key is not None and keys[place] == key]
            if same:
                return same
            places = [place for place in places if key is None or keys[place] is None]
        folder = source.path.rpartition(b"/")[0]
        return [place for place in places if place.rpartition(b"/")[0] == folder] or places

    def _superseded(self, path: bytes) -> bool:
        return self.waves is not None and self.waves.superseded(path)

    def _belong(self, artifact: Artifact, source: Source) -> bool:
        """True if an artifact is about the items of a source: of one wave, or with the same fields."""
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
    for value in (source.top("gates"), *(item.get("gates") for item in source.items)):
        yield from gate_names(value)


def _unread(path: bytes, why: str, line: int | None) -> Finding:
    said = f"{path_text(path)} cannot be read, so nobody can tell what it maps: {why}"
    step = "Make it a Markdown file in UTF-8."
    return Finding(said, help=step, path=path, line=line, key="unread", setting="documents")


# `Trigger: no`, also as the head of a column with its cell.
_ANSWER: Final = re.compile(r"\btrigger(?:ed)?\??:[ \t]{0,9}([^\n]{0,80})", re.IGNORECASE)
_YES_OR_NO: Final = re.compile(r"(yes|no)(?=\s{0,9}(?:$|[.,;:()\[\]\u2013\u2014])|\s{1,9}-\s)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\bhttps?://[\w.-]+/\S")


class Passage(Record):
    """A passage about an item: a section, an item of a list, a paragraph or a row of a table.

    Attributes:
        line: where it begins.
        key: what tells which item it speaks of: a section's title, an item's own text, a row's cells.
        blocks: all that is in it.
    """

    line: int
    key: str
    blocks: Sequence[AnyBlock]

    @property
    def answers(self) -> list[str]:
        """The answers after `Trigger:` in it, or in a column of that name."""
        said = [self.key, *(text.rendered for text in texts(self.blocks))]
        said += [block.text.rendered for block in self.blocks if isinstance(block, Heading)]
        for table in tables(self.blocks):
            for row in table.rows:
                cells = zip(table.header, row, strict=False)
                said += [f"{name.rendered}: {cell.rendered}" for name, cell in cells]
        return _ANSWER.findall("\n".join(said))


class Dispositions:
    """The dispositions of conditional items in a readiness document.

    Args:
        artifact: the document.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        document = artifact.document
        self._passages = [
            Passage(one.line, one.heading.text.rendered, one.blocks) for one in document.sections
        ]
        self._passages += _passages(document.blocks)
        # The prefixes that stand for the root in any contract are those of one team's machines.
        contracts = artifact.artifacts.contracts.values()
        roots = {root for one in contracts if one.evidence for root in one.evidence.roots}
        self._targets = Targets(artifact.artifacts.documents, sorted(roots))

    def flaw(self, item: Listed) -> tuple[str, str, int | None] | None:
        """The reason why an item is not deferred with evidence, the next step and the line; None if it is.

        Raises:
            MissingFact: something that must be read is not there.
        """
        place = path_text(self._artifact.path)
        step = f"Write '{item.id}: deferred, trigger: no (`FILE`)' with the file that shows it; or do {item}."
        mention = _mention(item)
        found = [one for one in self._passages if mention.search(one.key)]
        plain = {
            one.line: {word[1].casefold() for said in one.answers if (word := _YES_OR_NO.match(said))}
            for one in found
        }
        for one in found:
            if "yes" in plain[one.line]:
                step = f"Do {item}; if nothing triggered it, write 'trigger: no' with the evidence."
                return f"{place} says that {item} was triggered, and it is not done", step, one.line
        answered = [one for one in found if plain[one.line]]
        if any(map(self._is_shown, answered)):
            return None
        if answered:
            step = "Cite the file that shows that nothing triggered it."
            return f"{place} puts {item} off without evidence that is there", step, answered[0].line
        said = f"{item} is conditional, not done, and {place} does not answer its trigger with yes or no"
        return said, step, found[0].line if found else None

    def _is_shown(self, passage: Passage) -> bool:
        """True if a passage cites something that is there."""
        if any(_ADDRESS.search(text.rendered) for text in texts(passage.blocks)):
            return True
        cited = [one for one in citations(passage.blocks) if one.kind != "shortened"]
        own = (None, self._artifact.path)
        return any(self._targets.find(one, self._artifact.folder).path not in own for one in cited)


def _passages(blocks: Sequence[AnyBlock]) -> Iterator[Passage]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield Passage(block.line, block.text.rendered, [block])
        for item in block.items if isinstance(block, List) else ():
            yield Passage(item.line, item.text.rendered, item.blocks)
            yield from _passages(item.rest)
        if isinstance(block, Table):
            for row in filter(None, block.rows):
                key, line = "\n".join(cell.rendered for cell in row), row[0].line
                yield Passage(line, key, [Table(block.header, [row], line)])


def _mention(item: Listed) -> re.Pattern[str]:
    """The expression for a mention of an item: its id as a word, with the kind before a number."""
    name = rf"(?<![\w./\\-]){re.escape(item.id)}(?![\w/\\]|[-.]\w)"
    if item.id.isdigit():
        name = rf"\b{re.escape(item.source.kind)}[\s#_-]{{0,3}}0*{re.escape(item.id)}(?!\w)"
    return re.compile(name, re.IGNORECASE)
