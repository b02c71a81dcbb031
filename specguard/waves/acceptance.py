"""Which acceptance scenarios, and which lines of items, map to no gate or test by name."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.evidence import Targets
from specguard.documents.blocks import List, Table, fences, tables, texts
from specguard.documents.citations import citations
from specguard.documents.content import plain_words, without_box
from specguard.documents.titles import normal_title
from specguard.model import Finding, path_text, shortened
from specguard.runs.proof import Claim
from specguard.work.locate import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Selecting
    from specguard.documents.blocks import AnyBlock, ListItem, Text
    from specguard.documents.citations import Citation
    from specguard.documents.document import Document
    from specguard.runs.proof import RunProof
    from specguard.work.sources import Source


def unmapped_scenarios(
    path: bytes, found: Sequence[Scenario], proofs: Proofs, setting: str
) -> Iterator[Finding]:
    """The scenarios of a document that map to nothing.

    Raises:
        MissingFact: something that must be read is not there.
    """
    folder = path.rpartition(b"/")[0]
    for scenario in found:
        problem = proofs.unmapped(scenario, folder)
        if problem:
            yield Finding(
                f"the scenario {shortened(scenario.text, 80)!r} {problem}",
                help="Name beside it, in a code span, the gate or the test that shows it.",
                path=path,
                line=scenario.line,
                key=scenario.words[:100],
                setting=setting,
            )


def unmapped_lines(
    source: Source, mapped: Mapping[bytes, Sequence[Scenario]], setting: str
) -> Iterator[Finding]:
    """The acceptance lines of a source's items that no document has.

    Args:
        source: the file that lists the items.
        mapped: the documents that map them, each with what it has.
        setting: the key of the setting that asks for it.

    Raises:
        MissingFact: the source cannot be read.
    """
    stated = [(item, line) for item in source.items for line in item.acceptance]
    if stated and not mapped:
        yield Finding(
            f"{path_text(source.path)} has {len(stated)} lines of acceptance, and no document maps them to "
            "gates or tests",
            help="Write the document, with a row for each line: what must hold, and the test that shows it.",
            path=source.path,
            key="no document",
            setting=setting,
        )
        return
    places = " and ".join(path_text(place) for place in list(mapped)[:2])
    known = [one for found in mapped.values() for one in found]
    ids = {one.id for one in known}
    for item, line in stated:
        if _id_of(line.text) in ids - {""} or any(one.says(line.text) for one in known):
            continue
        yield Finding(
            f"the acceptance {shortened(line.text, 80)!r} of {item} is mapped to no gate or test: it is no "
            f"scenario of {places}",
            help="Add it there, by its id or in the same words, with the gate or the test that shows it.",
            path=source.path,
            line=line.line,
            key=f"{item.id}: {plain_words(line.text)[:100]}",
            setting=setting,
        )


COLUMNS: Final = frozenset({"scenario", "scenarios", "acceptance", "criterion", "criteria"})
"""What the title of a column of scenarios has a word of."""

_ID: Final = re.compile(
    r"\W{0,3}([A-Za-z]{1,10}(?:[-_][A-Za-z]{1,10})?[-_]?[0-9]{1,6}(?:[.-][0-9]{1,4}){0,3}[a-z]?)(?!\w)"
)
_SCENARIO: Final = re.compile(r"\W{0,3}scenario\b[\s:#.-]*", re.IGNORECASE)
_ARROW: Final = re.compile(r"\s(?:->|=>|\u2192|\u21d2)\s")
_QUOTED: Final = re.compile(r"[\"\u201c]([^\"\u201c\u201d\n]{3,200})[\"\u201d]")


class Scenario:
    """A scenario, or another line of acceptance, as the document has it.

    Attributes:
        text: what must hold.
        line: its line, from 1.
        names: what stands beside it in code spans, links and quotation marks: it may name gates and tests.
        cited: the places that it cites.
        words: its text in small letters, without anything but words.
    """

    __slots__ = ("cited", "line", "names", "text", "words")

    def __init__(self, text: str, line: int, names: Sequence[str], cited: Sequence[Citation]) -> None:
        self.text = text
        self.line = line
        self.names = names
        self.cited = cited
        self.words = plain_words(text)

    @property
    def id(self) -> str:
        """The id that it begins with, in small letters, such as `ac-3`; empty where it has none."""
        return _id_of(self.text)

    def says(self, stated: str) -> bool:
        """Whether it is what an item's acceptance says: by its id, or by the same words."""
        if self.id and _id_of(stated):
            return _id_of(stated) == self.id
        other = plain_words(stated)
        return bool(other) and f" {other} " in f" {self.words} "

    def __repr__(self) -> str:
        return f"Scenario({self.text!r}, {self.line})"


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
    for section in document.sections:
        heading = section.heading.text.rendered
        if _SCENARIO.match(heading):
            said = _SCENARIO.sub("", heading, count=1) or heading
            found[section.line] = _scenario(said, section.line, section.blocks)
            # What stands below a scenario's heading is that scenario's.
            taken.update(range(section.line + 1, section.end + 1))
    listed = [
        item
        for section in document.sections
        if normal_title(section.heading.text.plain) in wanted
        for item in _items(section.blocks)
    ]
    listed += [item for item in _items(document.blocks) if _SCENARIO.match(item.text.rendered)]
    for item in listed:
        if item.line not in taken:
            found.setdefault(item.line, _scenario(item.text.rendered, item.line, item.blocks))
    for table in tables(document.blocks):
        for one in _rows(table):
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
    """What a text may name gates and tests by."""
    names = [*text.spans, *(link.target for link in text.links), *(link.text for link in text.links)]
    rendered = text.rendered
    names += [match[1] for match in _QUOTED.finditer(rendered)]
    names += [part.strip() for part in _ARROW.split(rendered)[1:]]
    return names


def _rows(table: Table) -> Iterator[Scenario]:
    """The scenarios of a table; none where no column is called as such a column is."""
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
_COMMAND_END: Final = re.compile(r"[\s;&|]+$")


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
        """Why a scenario maps to no gate or test, as a clause; empty where it does.

        Raises:
            MissingFact: a file is not there, or a run that is cited cannot be seen from here.
        """
        names = list(dict.fromkeys(name for name in scenario.names if plain_gate(name)))
        if not names:
            return "names no gate and no test"
        if not any(self._is_gate(name) or self._is_test(name, folder) for name in names):
            which = "which is neither a gate nor a test"
            if len(names) > 1:
                which = "of which none is a gate or a test"
            return f"names {' and '.join(map(repr, names[:3]))}, {which}"
        return self._failed(scenario, folder)

    def _is_gate(self, name: str) -> bool:
        return plain_gate(name) in self._gates

    def _is_test(self, name: str, folder: bytes) -> bool:
        """Whether a name is a test file's, with or without a test in it, or that of a test in one of them."""
        path, separator, inner = _parted(name)
        for place in _places(path, folder):
            entry = self._documents.tree.find(place)
            if entry is not None and entry.is_file and self._tests.find(place) is not None:
                return not separator or _has(self._documents.content(place) or b"", inner)
        if "/" in path or separator or not _NAME.fullmatch(name.strip()):
            # A quoted title of a test is looked for word by word.
            return not separator and "/" not in path and " " in name.strip() and _has(self._all, name.strip())
        name = name.strip()
        return name.encode() in self._names if re.fullmatch(r"\w+", name, re.ASCII) else _has(self._all, name)

    @cached_property
    def _names(self) -> frozenset[bytes]:
        """The names in all test files, so that many may be asked for."""
        return frozenset(re.findall(rb"\w+", self._all))

    @cached_property
    def _all(self) -> bytes:
        """What all test files hold, as far as it is looked through."""
        paths = self._documents.tree.paths()
        found = [paths[position] for position, _ in self._tests.find_each(paths)]
        files = [path for path in found if (entry := self._documents.tree.find(path)) and entry.is_file]
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
        """What is wrong with the manifests that a scenario cites, as a clause; empty where nothing is."""
        for citation in scenario.cited:
            if not re.search(r"(?:^|/)(?:manifest|meta)\.json$", citation.path):
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


def _parted(name: str) -> tuple[str, str, str]:
    """A test's name as a file, what parts it from a test in it, and that test."""
    text = name.strip()
    for separator in ("::", " > ", " \u203a ", "#"):
        path, found, inner = text.partition(separator)
        if found:
            last = re.split(r"::| > | \u203a ", inner)[-1]
            return path.strip(), separator, re.sub(r"\[.*\]$", "", last).strip()
    return re.sub(r":[0-9]+(?:-[0-9]+)?$", "", text), "", ""


def _places(path: str, folder: bytes) -> list[bytes]:
    """The paths that a name may mean: from the root, or from a document's folder."""
    found = [] if path.startswith("/") else [joined(b"", path), joined(folder, path)]
    return [place for place in found if place]


def _has(content: bytes, name: str) -> bool:
    """Whether a name stands in a text as a word."""
    wanted = name.encode("utf-8", "surrogateescape")
    start = content.find(wanted) if wanted else -1
    while start >= 0:
        before = content[start - 1 : start]
        after = content[start + len(wanted) : start + len(wanted) + 1]
        if not (before.isalnum() or before == b"_") and not (after.isalnum() or after == b"_"):
            return True
        start = content.find(wanted, start + 1)
    return False


def plain_gate(text: str) -> str:
    """A gate's name or command as it is compared."""
    return " ".join(_COMMAND_END.sub("", text.replace("`", "")).casefold().split())
