"""The items in work breakdowns, with the scenarios and dispositions of them in other documents."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.evidence import Targets
from specguard.documents.blocks import Heading, List, Paragraph, Table, fences, tables, texts
from specguard.documents.citations import Citation, citations
from specguard.documents.completeness import plain_words
from specguard.documents.data import walk
from specguard.documents.fields import normal_title
from specguard.documents.list_items import without_box
from specguard.model import TYPE_CHECKING, Finding, Record, path_text, shortened
from specguard.runs.proof import Claim, RunProof
from specguard.work.document_search import follow
from specguard.work.gates import normal_gate

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.change import Change
    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Selecting
    from specguard.documents.blocks import AnyBlock, ListItem, Text
    from specguard.documents.document import Document
    from specguard.waves.waves import Waves
    from specguard.work.item_lists import Listed, Source, Sources


def unmapped_scenarios(
    path: bytes, found: Sequence[Scenario], proofs: Proofs, before: Proofs | None
) -> Iterator[Finding]:
    """Yield findings about scenarios of a document that map to no gate or test.

    Args:
        path: the document.
        found: its scenarios.
        proofs: the gates and tests.
        before: those before the change, for an untouched document: it can only lack what the change removes.

    Raises:
        MissingFact: a required file or object is missing.
    """
    folder = path.rpartition(b"/")[0]
    step = "Name in a code span the gate or test (`FILE::TEST`) that shows it; for a test to come, its gate."
    for scenario in found:
        problem = proofs.why_unmapped(scenario, folder)
        if problem and not (before and before.why_unmapped(scenario, folder)):
            message, key = f"the scenario {shortened(scenario.text, 80)!r} {problem}", scenario.words[:100]
            yield Finding(message, help=step, path=path, line=scenario.line, key=key, setting="documents")


def unmapped_lines(source: Source, documents: Mapping[bytes, Sequence[Scenario]]) -> Iterator[Finding]:
    """Yield findings about acceptance lines of a source's items that no document has.

    Args:
        source: the file that lists the items.
        documents: the scenarios of each document that maps them.

    Raises:
        MissingFact: the source cannot be read.
    """
    stated = [(item, one, plain_words(one.text)) for item in source.items for one in item.acceptance]
    if stated and not documents:
        message = f"{path_text(source.path)} has acceptance that no document maps to gates or tests"
        step = "Write the document, with a row for each line: what must hold, and the test that shows it."
        yield Finding(message, help=step, path=source.path, key="no document", setting="documents")
        return
    places = " and ".join(path_text(place) for place in list(documents)[:2])
    known = [one for found in documents.values() for one in found]
    ids = {one.id for one in known} - {""}
    # All in one text, as each line is looked for among all scenarios.
    every = "\n".join(f" {one.words} " for one in known if one.words)
    nameless = "\n".join(f" {one.words} " for one in known if one.words and not one.id)
    for item, line, words in stated:
        if _id_of(line.text) in ids or f" {words} " in (nameless if _id_of(line.text) else every):
            continue
        why = f"is mapped to no gate or test: it is not a scenario of {places}"
        message = f"the acceptance {shortened(line.text, 80)!r} of {item} {why}"
        said = f"a row, or a heading or item 'Scenario {shortened(line.text, 40)}'"
        step = f"Add there {said}, with the gate or the test that shows it."
        key = f"{item.id}: {words[:100]}"
        yield Finding(message, help=step, path=source.path, line=line.line, key=key, setting="documents")


COLUMN_WORDS: Final = frozenset({"scenario", "scenarios", "acceptance", "criterion", "criteria"})
"""Words in the title of a column that has scenarios."""

_ID: Final = re.compile(
    r"\W{0,3}([A-Za-z]{1,10}(?:[-_][A-Za-z]{1,10})?[-_]?[0-9]{1,6}(?:[.-][0-9]{1,4}){0,3}[a-z]?)(?!\w)"
)
_SCENARIO: Final = re.compile(r"(?i)\W{0,3}scenario\b[\s:#.-]*|(?=AC(?:[-_][A-Z]{0,9}[-_]?)?[0-9])")


class Scenario(Record):
    """A scenario or another acceptance line of a document.

    Attributes:
        text: the condition that must hold.
        line: the line, from 1.
        names: the code spans and links next to it, which may name gates and tests.
        cited: the places that the scenario cites.
    """

    text: str
    line: int
    names: Sequence[str]
    cited: Sequence[Citation]

    @cached_property
    def words(self) -> str:
        """The text in lower case, reduced to its words."""
        return plain_words(self.text)

    @property
    def id(self) -> str:
        """The id at the beginning, in lower case, such as `ac-3`; empty if there is none."""
        return _id_of(self.text)

    def matches(self, stated: str) -> bool:
        """Return True if an item's acceptance line is this scenario: by its id, or by the same words."""
        if self.id and _id_of(stated):
            return _id_of(stated) == self.id
        other = plain_words(stated)
        return bool(other) and f" {other} " in f" {self.words} "


def _id_of(text: str) -> str:
    found = _ID.match(text)
    return found[1].casefold() if found else ""


def scenarios(document: Document, titles: Sequence[str]) -> list[Scenario]:
    """Return the scenarios of a document, in order.

    Scenarios are the rows of a table with a column *Scenario*, *Acceptance* or *Criterion*. Headings that
    begin with *Scenario* are scenarios, each with the text below it, and so are list items that begin with
    this word. The list items of sections with the given titles are scenarios too. Those that begin with an id
    such as `AC-3` are scenarios if they name a gate or test. An id of a table or such a section is left out.

    Args:
        document: the document.
        titles: the titles of sections whose items are scenarios.
    """
    found: dict[int, Scenario] = {}
    covered: set[int] = set()
    wanted = {normal_title(title) for title in titles}
    titled = [one for one in document.sections if normal_title(one.heading.text.plain) in wanted]
    listed = [item for section in titled for item in _items(section.blocks)]
    rows = [row for table in tables(document.blocks) for row in _read_table(table)]
    known = {one.id for one in rows} | {_id_of(without_box(item.text.rendered)) for item in listed}
    listed += [item for item in _items(document.blocks) if _is_scenario(item.text, item.blocks, known)]
    for section in document.sections:
        heading = section.heading.text
        if _is_scenario(heading, section.blocks, known):
            text = _SCENARIO.sub("", heading.rendered, count=1)
            found[section.line] = _make_scenario(text or heading.rendered, section.line, section.blocks)
            # Text below a scenario's heading belongs to that scenario; an id may head a table of others.
            if text != heading.rendered:
                covered.update(range(section.line + 1, section.end + 1))
    for one in (*(_make_scenario(item.text.rendered, item.line, item.blocks) for item in listed), *rows):
        if one.line not in covered:
            found.setdefault(one.line, one)
    return [found[line] for line in sorted(found)]


def _is_scenario(text: Text, blocks: Sequence[AnyBlock], known: Container[str]) -> bool:
    """Return True if a heading or item begins a scenario; other lists of ids say whose they are.

    Args:
        text: the heading, or the item's own text.
        blocks: what belongs to it.
        known: the ids of other scenarios; what begins with one of them is about that scenario.
    """
    plain = without_box(text.rendered)
    found = _SCENARIO.match(plain)
    return found is not None and (found[0] != "" or (_id_of(plain) not in known and any(_shown_by(blocks))))


def _shown_by(blocks: Sequence[AnyBlock]) -> Iterator[str]:
    """Yield the possible names of gates and tests in blocks."""
    for running in texts(blocks):
        yield from _names(running)
    for fence in fences(blocks):
        yield from (row.strip().removeprefix("$ ") for row in fence.content.split("\n") if row.strip())


def _make_scenario(text: str, line: int, blocks: Sequence[AnyBlock]) -> Scenario:
    names = list(_shown_by(blocks))
    return Scenario(without_box(" ".join(text.split())), line, names, list(citations(blocks)))


def _names(text: Text) -> list[str]:
    """Return the possible names of gates and tests in a text."""
    return [*text.spans, *(name for link in text.links for name in (link.target, link.text))]


def _read_table(table: Table) -> Iterator[Scenario]:
    """Yield the scenarios of a table; a table without a column for scenarios has none."""
    titles = [normal_title(cell.rendered).split() for cell in table.header]
    column = next((at for at, title in enumerate(titles) if COLUMN_WORDS.intersection(title)), None)
    if column is None or len(titles) < 2:
        return
    for row in table.rows:
        first, text = row[0].rendered.strip(), row[column].rendered.strip()
        if not text:
            continue
        # The first column may have the ids, and also the gates.
        is_id = column and _ID.match(first) and not _ID.match(text)
        text = f"{first} {text}" if is_id else text
        others = [cell for at, cell in enumerate(row) if at != column]
        names = [name for cell in others for name in (*_names(cell), cell.rendered.strip()) if name]
        names = [name for name in names if any(map(str.isalpha, name)) and not (is_id and name == first)]
        cited = list(citations([Table(table.header, [row], table.line)]))
        yield Scenario(" ".join(text.split()), row[0].line, [*names, *row[column].spans], cited)


def _items(blocks: Sequence[AnyBlock]) -> list[ListItem]:
    """Return the top-level items of lists."""
    return [item for block in blocks if isinstance(block, List) for item in block.items]


# A test that never runs: skipped or commented out. `skipif` and a skip within a test have conditions. Below a
# block that is skipped, what is indented further is within it.
_NEVER_RUN: Final = re.compile(
    rb"(?m)^[ \t]*@(?:pytest\.mark|unittest)\.skip\b(?:.*\n(?![ \t]*class\b)){1,20}?[ \t]*(?:async )?def \w+"
    rb"|\b(?:(?:it|test)\.(?:skip|todo|fixme|skipIf\(true\))|x(?:it|test))(?:\.each\([^\n]{0,200}?\))?"
    rb"\(\s*([\"'`])[^\n]*?\1|^[ \t]*(?:(?:#|//)[ \t]*(?:(?:async )?def test|(?:it|test)\()[^\n]*"
    rb"|/\*(?s:(?!/\*).)*?\*/)|^([ \t]*)(?:(?:test\.)?(?:describe|context|suite)\.skip(?:If\(true\))?"
    rb"|x(?:describe|context))(?:\.each)?[(`][^\n]*(?:\n\2[ \t]+[^\n]*|\n[ \t\r]*(?=\n))*"
)


class Proofs(Record):
    """The gates and tests that a scenario may name.

    Attributes:
        documents: the documents of the judged tree.
        tests: the patterns of test files.
        gates: the names and commands of gates, in their normal form.
        proof: decides if a cited run proves a scenario.
    """

    documents: Documents
    tests: Selecting
    gates: Container[str]
    proof: RunProof

    def why_unmapped(self, scenario: Scenario, folder: bytes) -> str:
        """Return the reason why a scenario maps to no gate or test, as a clause; empty if it maps.

        Raises:
            MissingFact: a file is missing, or a cited run cannot be looked up here.
        """
        names = list(dict.fromkeys(name for name in scenario.names if normal_gate(name)))
        if not names:
            return "names no gate and no test"
        if not any(normal_gate(name) in self.gates or self._is_test(name, folder) for name in names):
            return f"names {' and '.join(map(repr, names[:3]))}: neither a gate nor a test that runs"
        return self._run_problem(scenario, folder)

    def _is_test(self, name: str, folder: bytes) -> bool:
        """Return True if a name is a test file, or a test in it (`FILE::TEST`)."""
        path, *inner = re.split("::| > ", re.sub(r":[0-9]+(?:-[0-9]+)?$|\[.*\]$", "", name.strip()))
        for place in filter(None, [] if path.startswith("/") else [follow(b"", path), follow(folder, path)]):
            if self.documents.tree.has_file(place) and self.tests.matches(place):
                content = _NEVER_RUN.sub(b"", self.documents.content(place) or b"")
                return not inner or _has_word(content, inner[-1])
        return False

    def _run_problem(self, scenario: Scenario, folder: bytes) -> str:
        """Return the problem with a manifest that a scenario cites, as a clause; empty without a problem."""
        targets = Targets(self.documents, folder)
        for citation in scenario.cited:
            if citation.path.rpartition("/")[2] not in ("manifest.json", "meta.json"):
                continue
            for place in targets.places(citation) or ():
                run = self.proof.records.at(place)
                flaw = self.proof.flaw(run, Claim(label=scenario.text))
                if run is None:
                    continue
                if flaw is not None and not flaw.unbound:
                    return f"cites the run {citation.path}, which {flaw.reason}"
                break
            else:
                return f"cites the run {citation.path}, which is not there"
        return ""


def gate_names(value: Any) -> Iterator[str]:
    """Yield the names and commands of gates in a part of a breakdown: all texts, and keys of mappings."""
    for place, inner in walk(value):
        if isinstance(inner, str):
            yield inner
        if place and isinstance(place[-1], str) and not isinstance(inner, dict):
            yield place[-1]


def _has_word(content: bytes, name: str) -> bool:
    """Return True if a name occurs in a text as a word."""
    wanted = re.escape(name.encode("utf-8", "surrogateescape"))
    # An expression that begins with the name is fast.
    return bool(wanted) and re.search(rb"%b(?!\w)(?<!\w%b)" % (wanted, wanted), content) is not None


class Breakdowns(Record):
    """The listed items of one tree.

    Attributes:
        sources: the files that list the items.
        change: the judged change.
        artifacts: the tree's artifacts.
        waves: the tree's waves; None if the policy has none.
        proof: decides if cited runs prove what cites them.
    """

    sources: Sources
    change: Change
    artifacts: Artifacts
    waves: Waves | None
    proof: RunProof

    def conditional(self, contracts: Sequence[str]) -> Iterator[tuple[Artifact, Sequence[Listed]]]:
        """Yield the artifacts of some contracts, each with its wave's conditional items, if there are any.

        Raises:
            MissingFact: a required file or object is missing.
        """
        for artifact in (one for name in contracts for one in self.artifacts.named(name)):
            sources = (source for source in self.sources.all if self._is_about(artifact, source))
            items = [item for source in sources for item in source.items if item.conditional]
            if items:
                yield artifact, items

    def put_off(self, contracts: Sequence[str]) -> frozenset[tuple[bytes, str]]:
        """Return the conditional items that readiness documents defer, by source and id.

        Raises:
            MissingFact: a required file or object is missing.
        """
        pairs = ((Dispositions(artifact), items) for artifact, items in self.conditional(contracts))
        found = (item for dispositions, items in pairs for item in items if dispositions.flaw(item) is None)
        return frozenset((item.source.path, item.id) for item in found)

    def undisposed(self, contracts: Sequence[str]) -> Iterator[Finding]:
        """Yield findings about conditional items that are neither done nor deferred in a readiness document.

        A document is judged if the change touches it or a source of its items, or if the whole tree is
        judged.

        Args:
            contracts: the names of the contracts of such documents, from the setting `readiness`.

        Raises:
            MissingFact: a required file or object is missing.
        """
        touched, whole = self.sources.touched, self.change.whole
        judged = whole or self.sources.is_touched
        if not judged and not any(one.name in contracts for one in self.artifacts.judged):
            return
        for artifact, items in self.conditional(contracts):
            if not (whole or artifact.touched or any(item.source.path in touched for item in items)):
                continue
            path, dispositions = artifact.path, Dispositions(artifact)
            for item in [one for one in items if not self.sources.done(one)]:
                if flaw := dispositions.flaw(item):
                    message, step, line = flaw
                    yield Finding(message, help=step, path=path, line=line, key=item.id, setting="readiness")

    def unmapped(
        self, documents: Selecting, *, titles: Sequence[str], tests: Selecting, gates: Sequence[str]
    ) -> Iterator[Finding]:
        """Yield findings about acceptance scenarios, and lines of items, that map to no gate or test by name.

        Args:
            documents: the patterns of the documents that map them, from the setting `documents`.
            titles: the titles of their sections whose items are scenarios.
            tests: the patterns of test files.
            gates: names and commands of gates in addition to those that sources list.

        Raises:
            MissingFact: a required file or object is missing.
        """
        touched = self.sources.touched
        tests_altered = any(tests.matches(path) and self.change.start_files.find(path) for path in touched)
        named = any(documents.matches(path) for path in touched)
        if not (self.change.whole or tests_altered or named or self.sources.is_touched):
            return
        judged = frozenset(self.change.head_files.paths()) if self.change.whole else touched
        sources = self.sources.all
        gates = [*gates, *(name for source in sources for name in _listed_gates(source))]
        known = set(map(normal_gate, gates)) - {""}
        proofs = Proofs(self.change.documents, tests, known, self.proof)
        earlier = self.change.start_documents if tests_altered and not self.change.whole else None
        before = Proofs(earlier, tests, known, self.proof) if earlier is not None else None
        for path, problem in self.change.documents.unread(documents, sorted(judged)):
            if not self._is_superseded(path):
                why = f"so nobody can tell what it maps: {problem.message}"
                message = f"{path_text(path)} cannot be read, {why}"
                step = "Make it a Markdown file in UTF-8."
                yield Finding(message, step, path, problem.line, key="unread", setting="documents")
        documented = self._find_documents(documents, self.change.documents)
        found = {place: scenarios(document, titles) for place, document in documented}
        near = [(source, self._documents_of(source, list(found))) for source in sources]
        # Without a readable breakdown, it is unknown which names are gates.
        unknown = {place for source, places in near if source.problem for place in places}
        for place, here in found.items():
            if place not in unknown and (place in judged or before):
                yield from unmapped_scenarios(place, here, proofs, None if place in judged else before)
        for source, places in near:
            if not judged.isdisjoint({source.path, *places}):
                yield from unmapped_lines(source, {place: found[place] for place in places})

    def _find_documents(self, documents: Selecting, files: Documents) -> Iterator[tuple[bytes, Document]]:
        """Yield the documents that some patterns select, except those that a later pass supersedes."""
        for path in documents.among(files.tree.paths()):
            document = None if self._is_superseded(path) else files.read(path)
            if document is not None:
                yield path, document

    def gates_of(
        self, item: Listed, documents: Selecting, *, titles: Sequence[str], gates: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Yield the gates that the scenarios of an item's acceptance name, each with the scenario.

        The scenarios before and after the change count, so the change cannot remove a gate.

        Args:
            item: the item, as the trusted base lists it.
            documents: the patterns of the documents with the scenarios.
            titles: the titles of their sections whose items are scenarios.
            gates: names of gates by their names and commands, in addition to those that the item's source
                lists.

        Raises:
            MissingFact: a document is missing.
        """
        names = {normal_gate(name): name for name in _listed_gates(item.source)}
        names |= {normal_gate(text): name for text, name in gates.items()}
        for files in (self.change.start_documents, self.change.documents):
            found = dict(self._find_documents(documents, files))
            for place in self._documents_of(item.source, list(found)):
                for one in scenarios(found[place], titles):
                    if any(one.matches(line.text) for line in item.acceptance):
                        wanted = [names.get(normal_gate(name), "") for name in one.names]
                        yield from ((gate, one.text) for gate in wanted if gate)

    def _documents_of(self, source: Source, places: Sequence[bytes]) -> Sequence[bytes]:
        """Return the documents that belong to a source: of its wave, else in its folder, else all.

        Documents of another wave are never included.
        """
        if self.waves is not None:
            wave = self.waves.wave_of(source.path, source.fields)
            about = [(place, self.artifacts.at(place)) for place in places]
            waves = {place: self.waves.wave_of(place, one.fields if one else {}) for place, one in about}
            same = [place for place in places if wave is not None and waves[place] is wave]
            if same:
                return same
            places = [place for place in places if wave is None or waves[place] is None]
        folder = source.path.rpartition(b"/")[0]
        return [place for place in places if place.rpartition(b"/")[0] == folder] or places

    def _is_superseded(self, path: bytes) -> bool:
        return self.waves is not None and self.waves.superseded(path)

    def _is_about(self, artifact: Artifact, source: Source) -> bool:
        """Return True if an artifact is about a source's items: in the same wave, or with equal fields."""
        if self.waves is not None:
            wave = self.waves.wave_of(artifact.path, artifact.fields)
            other = self.waves.wave_of(source.path, source.fields)
            if wave is not None and other is not None:
                return wave is other
        fields = source.fields
        common = artifact.fields.keys() & fields.keys()
        return all(artifact.fields[name].casefold() == fields[name].casefold() for name in common)


def _listed_gates(source: Source) -> Iterator[str]:
    """Yield the names and commands of the gates that a work breakdown lists, at its top and for its items."""
    for value in (source.data.get("gates"), *(item.get("gates") for item in source.items)):
        yield from gate_names(value)


# `Trigger: no`, also as a column's header with its cell.
_ANSWER: Final = re.compile(
    r"\btrigger(?:ed)?\??[^\S\r\n]?:[^\S\r\n]*+(yes|no)(?=\s{0,9}(?:$|[.,;:()\[\]\u2013\u2014])|\s{1,9}-\s)",
    re.IGNORECASE | re.MULTILINE,
)


class Passage(Record):
    """A passage about an item: a section, a list item, a paragraph or a table row.

    Attributes:
        line: the first line.
        key: the text that names the item: a section's title, a list item's own text, or a row's cells.
        blocks: all blocks of the passage.
    """

    line: int
    key: str
    blocks: Sequence[AnyBlock]

    @cached_property
    def answers(self) -> set[str]:
        """The answers after `Trigger:` in the passage, or in a column of that name: `yes` and `no`."""
        lines = [self.key, *(text.rendered for text in texts(self.blocks))]
        lines += [block.text.rendered for block in self.blocks if isinstance(block, Heading)]
        for table in tables(self.blocks):
            for row in table.rows:
                cells = zip(table.header, row, strict=False)
                lines += [f"{name.rendered}: {cell.rendered}" for name, cell in cells]
        return set(map(str.casefold, _ANSWER.findall("\n".join(lines))))


class Dispositions:
    """The dispositions of conditional items in a readiness document.

    Args:
        artifact: the document.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        document = artifact.document
        passages = [Passage(one.line, one.heading.text.rendered, one.blocks) for one in document.sections]
        self._passages = [*passages, *_passages(document.blocks)]
        self._targets = Targets(artifact.artifacts.documents, artifact.folder, artifact.artifacts.roots)

    def flaw(self, item: Listed) -> tuple[str, str, int | None] | None:
        """Return why an item is not deferred with evidence, the next step and the line; None if it is.

        Raises:
            MissingFact: a required file or object is missing.
        """
        place = path_text(self._artifact.path)
        step = f"Write '{item}: deferred, trigger: no (`FILE`)' with the file that shows it; or do {item}."
        mention = _mention_pattern(item)
        found = [one for one in self._passages if mention.search(one.key)]
        for one in found:
            if "yes" in one.answers:
                step = f"Do {item}; if nothing triggered it, write 'trigger: no' with the evidence."
                return f"{place} says that {item} was triggered, and it is not done", step, one.line
        answered = [one for one in found if one.answers]
        if any(map(self._has_evidence, answered)):
            return None
        if answered:
            step = "Cite the file that shows that nothing triggered it, with something in it: (`FILE`)."
            return f"{place} puts {item} off without evidence that is there", step, answered[0].line
        message = f"{item} is conditional, not done, and {place} does not answer its trigger with yes or no"
        return message, step, found[0].line if found else None

    def _has_evidence(self, passage: Passage) -> bool:
        """Return True if a passage cites an existing file with content."""
        places = {self._targets.find(one).path for one in citations(passage.blocks)}
        files = map(self._artifact.artifacts.documents.read, filter(None, places - {self._artifact.path}))
        return any(file is None or file.problem or any(map(str.strip, file.source_lines)) for file in files)


def _passages(blocks: Sequence[AnyBlock]) -> Iterator[Passage]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield Passage(block.line, block.text.rendered, [block])
        for item in block.items if isinstance(block, List) else ():
            yield Passage(item.line, item.text.rendered, item.blocks)
            yield from _passages(item.rest)
        if isinstance(block, Table):
            for row in block.rows:
                key, line = "\n".join(cell.rendered for cell in row), row[0].line
                yield Passage(line, key, [Table(block.header, [row], line)])


def _mention_pattern(item: Listed) -> re.Pattern[str]:
    """Return the expression for a mention of an item: its id as a word; a number needs the kind before it."""
    name = rf"(?<![\w./\\-]){re.escape(item.id)}(?![\w/\\]|[-.]\w)"
    if item.id.isdigit():
        name = rf"\b{re.escape(item.source.kind)}[\s#_-]{{0,3}}0*{re.escape(item.id)}(?!\w)"
    return re.compile(name, re.IGNORECASE)
