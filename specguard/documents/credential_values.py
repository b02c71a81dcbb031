"""Credentials that are told by the name they are given to: `DB_PASSWORD=...`, `"api_key": "..."`.

The library's detector of keywords takes any value in quotes for a secret, and none without; documents are
full of names in quotes and of passwords without. So what the name is given is judged here: a value counts
that was drawn at random or chosen as a password, and not a placeholder, a variable, a reference, a path or a
word.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# In Markdown an underscore may be escaped: `API\_KEY`.
_NAME: Final = (
    r"(?:(?:api|auth|service|account|access|db|database|priv|private|client|signing|encryption)\\?[_-]?key"
    r"|(?:db|database|key)\\?[_-]?pass|passw(?:or)?d|passphrase|pwd|secret|contrase(?:\xc3\xb1|\xf1|n)a"
    r"|(?:access|auth|api|bearer|refresh|session|bot|deploy)\\?[_-]?token)"
)
_FIRST: Final = r"[A-Za-z0-9+/_~.!#&^?@=-]{8}"
HINTS: Final = (
    _NAME
    + r"[A-Za-z0-9_\\-]{0,40}[\"'\]`*]{0,4}[ \t]{0,8}(?::=|=>|={1,3}|:|\|)[ \t*`]{0,8}[@(]?[\"'`]?"
    + _FIRST,
    rf"--[A-Za-z-]{{0,30}}{_NAME}[A-Za-z-]{{0,30}}[ =]{{1,4}}[\"']?{_FIRST}",
)
"""A name, what gives it a value, and eight characters that a value can begin with; case does not count."""

_LONGEST: Final = 300
_LONGEST_PREFIX: Final = 40
_PREFIX: Final = re.compile(rb"[A-Za-z0-9_\\-]+\Z")
_ASSIGNMENT: Final = re.compile(
    r"(?P<flag>-{0,2})(?P<name>[A-Za-z0-9_\\\xc3\xb1\xf1-]+)[\"'\]`*]{0,4}[ \t]{0,8}"
    r"(?P<by>:=|=>|={1,3}|:|\||(?=[ \t]))[ \t*`]{0,8}[@(]?(?P<quote>[\"'`]?)"
)
# A name whose value is something about a secret, and not the secret.
_ABOUT: Final = re.compile(
    r"(?:^|[_-])(?:age|arn|at|changed|checks?|column|count|created|date|digest|enabled|env|environment|expires"
    r"|expiry|fields?|file|filename|fingerprint|format|hash|header|hint|ids?|label|len|length|location|manager"
    r"|max|min|mode|mount|names?|param|parameter|paths?|pattern|placeholder|policy|prefix|prompt|provider|refs?"
    r"|regex|required|reset|rotation|rules?|scan|scanner|scanning|scope|sha|sha1|sha256|sha512|source|status"
    r"|store|strength|suffix|ttl|types?|updated|uri|url|usage|var|variable|vault|version)",
    re.IGNORECASE,
)
# What people write where a secret would stand.
_MADE_UP: Final = re.compile(
    r"example|placeholder|change[_-]?(?:me|it)|dummy|sample|redacted|masked|removed|censored|your[_-]|\bmy[_-]"
    r"|x{4}|\*{3}|\.{3}|\u2026|\b(?:todo|tbd|fixme|fake|mock|none|null|undefined|insert|replace|secret|test)"
    r"|not[_-]|foo[_-]?bar|lorem|here\b|hard[_-]?coded|qwerty|letmein|p[a@]ss|hunter2|12345|abc123|abcdefgh"
    r"|deadbeef|s[3e]cr[3e]t|^[~/][^/]*/",
    re.IGNORECASE,
)
# A value that is had from somewhere else: a variable, a call, a vault.
_ELSEWHERE: Final = re.compile(
    r"[$%<>{}()\[\]\\]|::|://|\benv\b|getenv"
    r"|^(?:vault|ssm|arn|op|ref|secrets?|vars|kms|sops|file|keychain|config|settings|self|this)[.:/]",
    re.IGNORECASE,
)
_DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|v?[0-9]+(?:\.[0-9]+)+$")
# Words, each with a few digits at most: `oauth2-client-secret`, `settings.db2.key`, `docs/keys/v2.md:12`.
_WORDS: Final = re.compile(
    r"(?:[A-Za-z]*(?:[0-9]{1,3}[A-Za-z]*)?[-_./:#~@+=,]+)+[A-Za-z]*(?:[0-9]{1,4}[A-Za-z]*)?"
)
_PASSWORD: Final = re.compile(r"pass|pwd|contrase", re.IGNORECASE)
# Of so many characters that are drawn at random so many are different ones, more often than not.
_DRAWN: Final = 24
_DIFFERENT: Final = 19
_RUN: Final = re.compile(r"[0-9]+|[A-Za-z]+|[^0-9A-Za-z]+")
_QUERY: Final = re.compile(r"&[A-Za-z_]+=")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_AFTER: Final = re.compile(r"[ \t\r]*(?:$|[|#(,;<`*]|//|--)", re.MULTILINE)


def credential_value(content: bytes, at: int, end: int) -> tuple[str, str] | None:
    """The name and the value at a place that one of `HINTS` matched; None where that is no credential.

    Args:
        content: the whole text.
        at: where the match begins.
        end: where it ends.
    """
    # What stands before the name belongs to it: `DB_PASSWORD`.
    before = _PREFIX.search(content[max(0, at - _LONGEST_PREFIX) : at])
    at -= len(before[0]) if before else 0
    bound = content.find(b"\n", end, at + _LONGEST)
    text = content[at : bound if bound >= 0 else at + _LONGEST].decode("latin-1")
    given = _ASSIGNMENT.match(text)
    name = given["name"].replace("\\", "") if given else ""
    if given is None or _ABOUT.search(_HUMP.sub("_", name)):
        return None
    value, rest = _value(text[given.end() :], given["quote"])
    # In running text a colon also introduces a sentence.
    if given["by"] in (":", "|") and not given["quote"] and not _AFTER.match(rest):
        return None
    return (name.strip("-"), value) if _is_real(value, name) else None


def _value(text: str, quote: str) -> tuple[str, str]:
    """What is given, and what stands behind it."""
    closing = text.find(quote) if quote else -1
    if closing >= 0:
        return text[:closing], text[closing + 1 :]
    value = text.split(None, 1)[0] if text.strip() else ""
    rest = text[len(value) :]
    query = _QUERY.search(value)
    value = value[: query.start()] if query else value
    return value.rstrip("`*\"'.,;:)]}|").replace("\\_", "_"), rest


def _is_real(value: str, name: str) -> bool:
    """Whether a value was drawn at random, or chosen as a password."""
    if not 8 <= len(value) <= _LONGEST or len(set(value)) < 5 or any(char.isspace() for char in value):
        return False
    if _MADE_UP.search(value) or _ELSEWHERE.search(value) or _DATED.match(value) or _WORDS.fullmatch(value):
        return False
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    changes = len(_RUN.findall(value)) - 1
    # `Summer2024` stands for a password more often than it is one; a key is no `OAuth2Provider`, whose
    # letters come again as those of words do.
    return changes >= (2 if _PASSWORD.search(name) else 3) or len(set(value[:_DRAWN])) >= _DIFFERENT
