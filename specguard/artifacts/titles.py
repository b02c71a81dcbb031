"""The titles that stand for another one, some of them with a star for any words."""

from __future__ import annotations

from specguard.documents.titles import normal_title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.documents.document import Document


def other_titles(document: Document, aliases: Sequence[str]) -> list[str]:
    """Aliases for a document: those with a star become the headings of the document that they match.

    A star stands for any words, or for none: `Owners for *`, `*Opening Order`.
    """
    found = [alias for alias in aliases if "*" not in alias]
    patterns = [[normal_title(part) for part in alias.split("*")] for alias in aliases if "*" in alias]
    for section in document.sections if patterns else ():
        heading = section.heading.text.plain
        if any(_matches(normal_title(heading), pattern) for pattern in patterns):
            found.append(heading)
    return found


def _matches(title: str, parts: Sequence[str]) -> bool:
    """Whether a title has these parts in order, the first at its beginning and the last at its end."""
    first, *middle, last = (part.split() for part in parts)
    words = title.split()
    if len(first) + len(last) > len(words) or words[: len(first)] != first:
        return False
    if last and words[-len(last) :] != last:
        return False
    at = len(first)
    end = len(words) - len(last)
    for part in middle:
        while at + len(part) <= end and words[at : at + len(part)] != part:
            at += 1
        if at + len(part) > end:
            return False
        at += len(part)
    return True
