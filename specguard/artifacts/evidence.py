"""Required citations of artifacts: evidence in a section or the whole document, and cited inputs."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.contracts import Evidence
from specguard.artifacts.files import folders_above
from specguard.artifacts.sections import find_titled
from specguard.documents.blocks import AnyBlock, List, Table, Text, texts
from specguard.documents.citations import Citation, citations
from specguard.model import TYPE_CHECKING, Finding, Record, counted, listed, path_text, plain_path, shortened
from specguard.work.name_templates import path_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.change.tree import Documents, TreeEntry


SHOWN: Final = 3
"""The maximum number of places named in a finding about several of them."""


class CitedEvidence:
    """The cited evidence of an artifact.

    Args:
        artifact: the artifact.

    Attributes:
        settings: the contract's settings for evidence.
        line: the first line of the evidence section; None for the whole document, or a missing section.
        blocks: the blocks of the section or document; None if the section is missing.
        all: the citations in these blocks.
        targets: looks up the cited places.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.settings = settings = artifact.contract.evidence or Evidence()
        self.line: int | None = None
        self.blocks: Sequence[AnyBlock] | None = artifact.document.blocks
        if settings.section:
            section = next(iter(find_titled(artifact, settings.section)), None)
            self.line, self.blocks = (section.line, section.blocks) if section else (None, None)
        self.all = list(citations(self.blocks or ()))
        self.targets = Targets(artifact.artifacts.documents, artifact.folder, settings.roots)
        self._path = artifact.path

    def is_evidence(self, citation: Citation) -> bool:
        """True if a citation is evidence of the required kind; an artifact does not prove itself."""
        right = not self.misses_lines(citation) and not self.kind_problem(citation)
        return right and self.is_file(citation) and self._path not in (self.targets.places(citation) or ())

    def is_wrong(self, citation: Citation) -> bool:
        """True if a citation is reported because of the kind of its path."""
        return not self.misses_lines(citation) and bool(self.kind_problem(citation))

    def misses_lines(self, citation: Citation) -> bool:
        """True if a citation has no lines, although lines are required."""
        return self.settings.anchors == "line" and citation.line is None

    def kind_problem(self, citation: Citation) -> str:
        """Return a clause about the kind of the cited path, if it is not the required kind; else empty."""
        kind, wanted = citation.kind, self.settings.paths
        if kind == "shortened":
            return "leaves a part of the path out"
        if wanted == "any" or kind == wanted:
            return ""
        if kind == "url":
            # A web address may be one of the `roots`, like any other prefix.
            return "is a web address" if wanted == "relative" or self.targets.places(citation) is None else ""
        return f"is {'an absolute' if kind == 'absolute' else 'a relative'} path"

    def is_file(self, citation: Citation) -> bool:
        """True if a citation is a file, and not a word with a dot such as `console.log`."""
        return citation.line is not None or "/" in citation.path or bool(self.targets.find(citation).path)

    @cached_property
    def resolved(self) -> Sequence[tuple[Citation, Target]]:
        """The citations that must resolve, each with its target.

        Without its required lines, an absolute path counts if it begins as another that leads into the
        repository. Other such mentions may name files elsewhere, or files that somebody will add.

        Raises:
            MissingFact: a required object is missing.
        """
        wanted = [one for one in self.all if self.is_file(one)] if self.settings.resolve else []
        self.targets.prefetch(wanted)
        found = [(one, self.targets.find(one)) for one in wanted]
        absolute = [(one.path, target.path) for one, target in found if one.kind == "absolute"]
        roots = tuple(path.removesuffix(path_text(place)) for path, place in absolute if place)
        return [one for one in found if not self.misses_lines(one[0]) or one[0].path.startswith(roots)]


def dangling_evidence(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about cited places that do not exist, or that cannot be looked up.

    Places that cannot be looked up share one finding for each reason.

    Raises:
        MissingFact: a required object is missing.
    """
    unknown: dict[str, list[Citation]] = {}
    for citation, target in artifact.cited.resolved:
        if target.flaw:
            yield artifact.finding("evidence.resolve", citation.path, target.flaw, target.help, citation.at)
        elif target.unknown:
            unknown.setdefault(target.unknown, []).append(citation)
    for why, cited in unknown.items():
        names = listed(list(dict.fromkeys(map(str, cited))), SHOWN)
        message = f"evidence that {why} cannot be looked up: {names}"
        help = "[artifacts.<name>.evidence] roots says which prefixes stand for the repository's root."
        severity = artifact.cited.settings.unresolvable if why == OUTSIDE else "warning"
        yield artifact.finding("evidence.roots", why, message, help, cited[0].at, severity=severity)


# A line with what is still to be read: `- [ ] PACKET.md`, `Not read: PACKET.md`, `PACKET.md (not read)`.
_UNREAD: Final = re.compile(
    r"(?i)^[\W_]*(?:\[ \]|(?:not (?:yet )?read|to (?:be )?read|todo)\b[^:]{0,20}:)|\(not (?:yet )?read\b"
)


def missing_inputs(artifact: Artifact) -> Iterator[Finding]:
    """Yield a finding for each of the contract's inputs that the artifact does not cite.

    Raises:
        MissingFact: a required object is missing.
    """
    targets, places, document = artifact.cited.targets, artifact.artifacts.places, artifact.document
    unread = {at for at, line in enumerate(document.source_lines, 1) if _UNREAD.search(line)}
    cited = [one for one in citations(document.blocks) if one.kind != "shortened" and one.at not in unread]
    lines = (one for text in texts(document.blocks) for one in enumerate(text.plain.split("\n"), text.line))
    words = {word.strip("(),.;:") for at, line in lines if at not in unread for word in line.split()}
    for index, text in enumerate(artifact.contract.inputs):
        inputs = [path for path in places.matching(b"", text, artifact.fields) if path != artifact.path]
        # A bare name is no citation elsewhere, but the name of an input is clear.
        named = not words.isdisjoint(path_text(path).rpartition("/")[2] for path in inputs)
        if not named and not any(_leads_to_any(inputs, one, targets) for one in cited):
            shown = path_template(text).show(artifact.fields)
            message = f"{path_text(artifact.path)} cites no {shown}, which is one of its inputs"
            help = f"There is no {shown}: make it first, then cite it."
            help = f"Cite {path_text(inputs[0])}, if it was read." if inputs else help
            yield artifact.finding(f"inputs.{index}", text, message, help)


def _leads_to_any(files: Sequence[bytes], citation: Citation, targets: Targets) -> bool:
    """True if a citation resolves to one of some files, or one of the two paths ends with the other."""
    places = targets.places(citation) or ()
    written = b"/" + citation.path.strip("/").encode("utf-8", "surrogateescape")
    return any(
        path in places or written.endswith(b"/" + path) or (b"/" + path).endswith(written) for path in files
    )


def missing_evidence(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about evidence that an artifact does not cite, or cites in another form.

    Raises:
        MissingFact: a required object is missing.
    """
    cited, settings = artifact.cited, artifact.cited.settings
    place = path_text(artifact.path)
    wanted = citation_form(settings.anchors, settings.paths, settings.roots)
    if cited.blocks is None:
        message = f"{place} has no section {settings.section!r}, and so no evidence"
        help = f"Add the section, and cite in it {wanted}."
        yield artifact.finding("evidence.section", settings.section, message, help)
        return
    without_lines = [one for one in cited.all if cited.misses_lines(one) and cited.is_file(one)]
    wrong_kind = list(filter(cited.is_wrong, cited.all))
    if not wrong_kind and not any(map(cited.is_evidence, cited.all)):
        cited_text = f"{without_lines[0]} without a line of it" if without_lines else "no other file"
        where = f"the section {settings.section!r} of " if settings.section else ""
        message = f"{where}{place} cites {cited_text}"
        line = without_lines[0].at if without_lines else cited.line
        yield artifact.finding("evidence.anchors", "evidence", message, f"Cite {wanted}.", line)
    kinds = {"absolute": "absolute paths", "relative": "relative paths", "any": "whole paths"}
    for citation in {one.path: one for one in reversed(wrong_kind)}.values():
        why, help = cited.kind_problem(citation), f"Write it as {wanted}."
        message = f"{citation} {why}, where evidence is cited by {kinds[settings.paths]}"
        yield artifact.finding("evidence.paths", citation.path, message, help, citation.at)
    for line, text in _uncited(cited.blocks, cited) if settings.every else ():
        message = f"{text!r} cites no evidence"
        yield artifact.finding("evidence.every", text, message, f"Cite in it {wanted}.", line)


def _uncited(blocks: Sequence[AnyBlock], cited: CitedEvidence) -> Iterator[tuple[int, str]]:
    """Yield the items and rows without a citation, right or reported, each with its line and its words.

    Text below an item with a citation belongs to that item. An item without its own citation is covered by
    the items below it, if any of them has one; then each of them needs one.
    """

    def counts(citation: Citation) -> bool:
        return cited.is_evidence(citation) or cited.is_wrong(citation)

    for block in blocks:
        if isinstance(block, Table):
            for row in block.rows:
                if not any(map(counts, citations([Table(block.header, [row], block.line)]))):
                    yield row[0].line, shortened(_row_label(row))
        elif isinstance(block, List):
            for item in block.items:
                own = [one for one in item.blocks if not isinstance(one, List | Table)]
                below = [one for one in item.blocks if isinstance(one, List | Table)]
                if any(map(counts, citations(own))):
                    continue
                if any(map(counts, citations(below))):
                    yield from _uncited(below, cited)
                else:
                    yield item.line, shortened(item.text.plain)


def _row_label(row: Sequence[Text]) -> str:
    """Return the label of a row: its first cell that has letters, else its first cell with any text."""
    cells = [cell.plain.strip() for cell in row]
    return next((cell for cell in cells if any(map(str.isalpha, cell))), next(filter(None, cells), ""))


def citation_form(anchors: str, paths: str = "any", roots: Sequence[str] = ()) -> str:
    """Return a description with an example of a citation that counts; arguments as in the contract."""
    path = "src/a.py"
    if paths == "absolute":
        root = next((root for root in roots if "*" not in root), "/path/to/the/repository")
        path = f"{root.rstrip('/')}/{path}"
    return f"a file with its line, as {path}:12" if anchors == "line" else f"a file, as {path}"


OUTSIDE: Final = "is outside of every prefix that `roots` names"
"""The reason why an absolute path outside of all roots cannot be looked up."""

_DEEPEST: Final = 64


class Target(Record):
    """The file or folder that a citation points to.

    Attributes:
        path: the file or folder in the judged tree; None if it does not exist.
        flaw: the reason why the place does not exist, as a sentence; empty if it does.
        unknown: the reason why it cannot be looked up, as a clause; empty if it can.
        help: the next step, as a sentence.
    """

    path: bytes | None = None
    flaw: str = ""
    unknown: str = ""
    help: str = ""


class Targets:
    """Looks up the places that a document cites.

    An absolute path is resolved from the repository's root if it begins with one of the `roots`. A relative
    path is resolved from the root, and if nothing is there, from the document's folder. An `@`
    before a path may be left out.

    Args:
        documents: the documents of the judged tree.
        folder: the folder of the citing document; empty for the root.
        roots: prefixes that mean the repository's root; `*` is any one name, a final `**` any folder.
    """

    def __init__(self, documents: Documents, folder: bytes, roots: Iterable[str] = ()) -> None:
        self._documents = documents
        self._folder = folder
        self._roots = [_root_pattern(root) for root in roots]

    def find(self, citation: Citation) -> Target:
        """Look up the target of a citation; a path of which a part is left out has none.

        Raises:
            MissingFact: an object is missing, or the file is too large to count its lines.
        """
        if citation.kind == "shortened":
            return Target()
        places = self.places(citation)
        if places is None:
            return Target(unknown=OUTSIDE)
        if not places:
            return Target(flaw=f"{citation} leads out of the repository", help="Cite a file that is in it.")
        for path in places:
            entry = self._documents.tree.find(path)
            if entry is not None:
                return self._check_lines(citation, path, entry)
        entries = map(self._documents.tree.find, folders_above(places))
        if any(entry is not None and entry.is_submodule for entry in entries):
            return Target(unknown="is in a submodule")
        return Target(
            flaw=f"{citation} does not exist: there is no {path_text(places[0])}",
            help="Cite a file that is there, by its whole path.",
        )

    def places(self, citation: Citation) -> Sequence[bytes] | None:
        """Return the paths of the tree that a citation may mean; None if it is outside of all roots.

        The result is empty if the path leads out of the repository.
        """
        path = citation.path
        if citation.kind in {"absolute", "url"}:
            remainders = [
                rest
                for root, anywhere in self._roots
                if (match := root.match(path))
                for rest in _remainders(path[match.end() :], anywhere)
            ]
            if not remainders:
                return None
            found = [plain_path(rest.encode("utf-8", "surrogateescape")) for rest in remainders]
        else:
            name = path.encode("utf-8", "surrogateescape")
            # Agents mention a file as `@docs/plan.md`; a folder's own name may begin with that sign too.
            found = [plain_path(one) for one in (name, self._folder + b"/" + name, name.removeprefix(b"@"))]
        return list(dict.fromkeys(one for one in found if one))

    def prefetch(self, cited: Iterable[Citation]) -> None:
        """Read all cited files in one batch.

        Raises:
            MissingFact: an object is missing.
        """
        places = {place for citation in cited for place in self.places(citation) or ()}
        self._documents.prefetch(sorted(places))

    def _check_lines(self, citation: Citation, path: bytes, entry: TreeEntry) -> Target:
        """Return the target of a citation of an existing path, after a check of its lines."""
        first, last = citation.line, citation.end_line
        if first is None or last is None:
            return Target(path)
        if entry.is_submodule:
            return Target(unknown="is a submodule")
        if not entry.is_file:
            flaw = f"{citation} has no lines: {path_text(path)} is not a regular file"
            return Target(flaw=flaw, help="Cite a file with its lines.")
        count = self._documents.lines(path) or 0
        if not 1 <= first <= last <= count:
            has = f"{path_text(path)} has {counted(count, 'line')}"
            why = has if first <= last else "it ends before it begins"
            return Target(flaw=f"{citation} does not exist: {why}", help="Cite lines that it has, in order.")
        return Target(path)


def _remainders(rest: str, anywhere: bool) -> Sequence[str]:
    """Return the possible remainders of a path after the repository's root, longest first."""
    names = rest.split("/")
    starts = range(max(0, len(names) - _DEEPEST), len(names)) if anywhere else (0,)
    return ["/".join(names[start:]) for start in starts]


def _root_pattern(root: str) -> tuple[re.Pattern[str], bool]:
    """Return a pattern for a root prefix, and True if any folder below the prefix may be the root."""
    text = root.replace("\\", "/").removeprefix("file://").rstrip("/")
    anywhere = text == "**" or text.endswith("/**")
    text = text.removesuffix("**").rstrip("/") if anywhere else text
    names = "[^/]+".join(map(re.escape, text.split("*")))
    return re.compile(f"{names}/" if names else ""), anywhere
