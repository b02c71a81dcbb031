"""Adding the heading of a section to a document that lacks it, with what a person owes there."""

from __future__ import annotations

from specguard.artifacts.skeletons import owed
from specguard.documents.data import UnreadDocument
from specguard.documents.document import Document
from specguard.documents.titles import find_section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from specguard.artifacts.contracts import Contract
    from specguard.documents.blocks import Section

_LEVEL: Final = 2


def add_heading(text: str, contract: Contract, title: str) -> str:
    """A document with one more heading: where the contract has it among the others, else at the end.

    Args:
        text: the document.
        contract: what it must hold.
        title: one of the contract's sections.

    Returns:
        The document; the same one where the heading would not be seen, or is there already.
    """
    before = _read(text)
    if before is None or _found(before, contract, title) is not None:
        return text
    line, level = _place(before, contract, title)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    while line and not lines[line - 1].strip():
        line -= 1
    said = owed(contract)[title]
    new = [*([""] if line else []), f"{'#' * level} {title}", "", said]
    rest = lines[line:]
    if any(one.strip() for one in rest):
        new += [] if not rest[0].strip() else [""]
    else:
        rest = [""]
    carriage = end.removesuffix("\n")
    head = lines[:line]
    if head and carriage and not head[-1].endswith(carriage):
        head[-1] += carriage
    after = "\n".join([*head, *(one + carriage for one in new), *rest])
    document = _read(after)
    if document is None or len(document.sections) != len(before.sections) + 1:
        return text
    return after if _found(document, contract, title) is not None else text


def _place(document: Document, contract: Contract, title: str) -> tuple[int, int]:
    """Behind which line a section belongs, and its level."""
    titles: Sequence[str] = contract.sections
    position = titles.index(title)
    for other in reversed(titles[:position]):
        found = _found(document, contract, other)
        if found is not None:
            return found.end, found.level
    for other in titles[position + 1 :]:
        found = _found(document, contract, other)
        if found is not None:
            return found.line - 1, found.level
    return document.last_line, _LEVEL


def _found(document: Document, contract: Contract, title: str) -> Section | None:
    return find_section(document, title, aliases=contract.aliases_of(title), bold=contract.bold_headings)


def _read(text: str) -> Document | None:
    try:
        document = Document(text)
    except UnreadDocument:
        return None
    return None if document.problem else document
