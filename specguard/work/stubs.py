"""Telling a document from a stub that only says where the document is."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LONGEST_STUB: Final = 400
"""A text of more characters, headings and front matter left out, is a document of its own."""

MOST_WORDS: Final = 30
"""With more words beside the link it says something itself."""

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HEADING = re.compile(r"(?m)^ {0,3}#{1,6}(?:[ \t].*)?$|^ {0,3}(?:=+|-+)[ \t]*$")
_TARGET = re.compile(
    r"\[[^\]\n]*\]\(<?([^)>\s]+)>?[^)\n]*\)|`([^`\s]+)`|(?<![\w/.-])([\w./-]+\.(?:md|markdown|rst|txt))\b"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_ITEM = re.compile(r"(?m)^[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]")
_POINTS = re.compile(
    r"\b(?:moved|relocated|renamed|superseded|replaced|canonical|redirects?|lives|now (?:at|in|under)|see"
    r"|deprecated|pointer|stub|obsolete)\b|->|=>|→",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\.(?:md|markdown|rst|txt)(?:#.*)?$", re.IGNORECASE)


def points_to(text: str) -> str:
    """The document that a stub points to; empty for a text that is more than a stub.

    A stub is short, names exactly one document, and says nothing else but that the document is elsewhere.
    """
    if len(text) > LONGEST_STUB * 20:
        return ""
    body = _COMMENT.sub("", _FRONT_MATTER.sub("", text.replace("\r\n", "\n")))
    body = _ADDRESS.sub("", _HEADING.sub("", body)).strip()
    if not body or len(body) > LONGEST_STUB or len(_ITEM.findall(body)) > 1:
        return ""
    targets = dict.fromkeys(
        target
        for groups in _TARGET.findall(body)
        if _DOCUMENT.search(target := next(group for group in groups if group))
    )
    names = {target.rpartition("/")[2] for target in targets}
    if len(names) != 1:
        return ""
    rest = _TARGET.sub("", body)
    words = re.findall(r"\w+", rest)
    if words and (len(words) > MOST_WORDS or not _POINTS.search(rest)):
        return ""
    # A name below a heading of its own is what that section lists.
    if not words and len(_HEADING.findall(text)) > 1:
        return ""
    # A link is written with its target as text, too; the longer form says where it is.
    longest: str = max(targets, key=len)
    return longest
