"""What a change alters of open work items: their documents, the paths they may change, their gates."""

from __future__ import annotations

from specguard.change.tree import Documents
from specguard.declaration.rule import Record
from specguard.documents.data import written
from specguard.model import path_text
from specguard.work.item import WorkItem
from specguard.work.items import Work
from specguard.work.locate import read_text
from specguard.work.naming import identity, normal_id
from specguard.work.path_templates import PathTemplate
from specguard.work.sources import find_sources
from specguard.work.templates import Template, TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.tree import Tree
    from specguard.work.kinds import WorkKind
    from specguard.work.listed import Listed
    from specguard.work.papers import Paper

_HELD: Final = ("files", "expected_files", "scope", "gates", "verify")
"""The fields of an entry of a list to which whoever does the item is held."""


class Alteration(Record):
    """One thing that is altered.

    Attributes:
        kind: the name of the item's kind.
        item: the item, as messages name it.
        what: what is altered, such as `scope`.
        old, new: what it was and is, each element as a text; empty where it is not there.
        path: the paper that says it.
        line: its line after the change, from 1; None where that cannot be told.
    """

    kind: str
    item: str
    what: str
    old: Sequence[str]
    new: Sequence[str]
    path: bytes
    line: int | None = None


def alterations(work: Work, papers: Mapping[bytes, Paper], before: Tree, after: Tree) -> Iterator[Alteration]:
    """What a change alters of the items that are open in the trusted base.

    Of a kind with a pointer those are open that do not come before the current one, of a list those whose
    status does not say that they are done with.

    Args:
        work: the change's.
        papers: those of its papers that are looked at.
        before: the files before the change.
        after: those after it.

    Raises:
        MissingFact: a file cannot be read.
    """
    for path, paper in papers.items():
        kind = work.kinds[paper.kind]
        if paper.role == "document":
            yield from _of_document(work, paper.kind, path, before, after)
        elif paper.role == "list":
            yield from _of_list(paper.kind, kind, path, before, after)
    for name in {paper.kind: None for paper in papers.values() if paper.role in ("pointer", "index")}:
        yield from _of_place(work, name, before, after)


def _of_document(work: Work, name: str, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    kind, pointer = work.kinds[name], work.pointer(name)
    item_id, number = identity(_fields(kind, path))
    if number is not None and pointer.number is not None and number < pointer.number:
        return
    item = f"{name} {item_id}" if item_id else f"a {name}"
    old, new = read_text(before, path), read_text(after, path)
    if old is None:
        return
    if new is None:
        yield Alteration(kind=name, item=item, what="document", old=[path_text(path)], new=[], path=path)
        return
    were, are = _said(kind, old), _said(kind, new)
    for what, (texts, _) in were.items():
        now, line = are[what]
        if texts != now:
            yield Alteration(kind=name, item=item, what=what, old=texts, new=now, path=path, line=line)


def _fields(kind: WorkKind, path: bytes) -> Mapping[str, str]:
    """What the path of a document tells of its item."""
    for text in [*kind.document, *kind.legacy]:
        try:
            fields = PathTemplate(text).read(path) if Template(text).names & {"id", "number"} else None
        except TemplateError:
            continue
        if fields is not None:
            return fields
    return {}


def _said(kind: WorkKind, text: str) -> Mapping[str, tuple[Sequence[str], int | None]]:
    """What a document says of scope and gates, each with its first line."""
    from specguard.work.gate_sections import read_gates
    from specguard.work.outline import listed_paths

    scope = [] if kind.scope else listed_paths(text, kind.scope_sections)
    gates = read_gates(text, kind.gate_sections, "").gates
    return {
        "scope": ([ask.path for ask in scope if ask.path], scope[0].line if scope else None),
        "gates": ([gate.run for gate in gates], gates[0].line if gates else None),
    }


def _of_list(name: str, kind: WorkKind, path: bytes, before: Tree, after: Tree) -> Iterator[Alteration]:
    now = {normal_id(listed.id): listed for listed in _items(name, kind, path, after)}
    for listed in _items(name, kind, path, before):
        if listed.closed:
            continue
        same = now.get(normal_id(listed.id))
        if same is None:
            yield Alteration(kind=name, item=str(listed), what="entry", old=[listed.id], new=[], path=path)
            continue
        for what in _HELD:
            old, new = _texts(listed, what), _texts(same, what)
            if old != new:
                yield Alteration(
                    kind=name, item=str(listed), what=what, old=old, new=new, path=path, line=same.line
                )


def _items(name: str, kind: WorkKind, path: bytes, tree: Tree) -> Sequence[Listed]:
    found = [source for source in find_sources(name, kind, Documents(tree)) if source.path == path]
    return [listed for source in found for listed in source.items]


def _texts(listed: Listed, name: str) -> Sequence[str]:
    value = listed.get(name)
    return [] if value is None else [written(one) for one in (value if isinstance(value, list) else [value])]


def _of_place(work: Work, name: str, before: Tree, after: Tree) -> Iterator[Alteration]:
    """The document of the current item, where pointer or index now lead to another one."""
    then = Work(work.kinds, (), tree=lambda: before)
    now = Work(work.kinds, (), tree=lambda: after)
    current = now.current(name)
    if not isinstance(current, WorkItem):
        return
    earlier = then.resolve(name, current.id, current.number, {})
    old = earlier.document if isinstance(earlier, WorkItem) else None
    new = current.document
    if old is not None and old != new:
        path = work.pointer(name).path or old
        shown = [] if new is None else [path_text(new)]
        was = [path_text(old)]
        yield Alteration(kind=name, item=str(current), what="document", old=was, new=shown, path=path)
