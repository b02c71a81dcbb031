"""Find credentials in any text, with their positions, in order to report or remove them.

The detectors come from the library detect-secrets. Importing it costs more than a whole check, and it needs
16 seconds for 16 MB of Markdown, line by line. A single RE2 expression therefore reads a text first, in
linear time (16 MB in 0.03 seconds). The library sees only the few places that match.

Detectors that recognize a secret by less than its form are left out. The entropy detectors also match the
object ids and digests in evidence. IP addresses are not credentials. The detectors for IBM, SoftLayer and
Cloudant accept any word of the right length after `key` or `pass` and a space.

The keyword detector accepts any value in quotes, and misses every value without quotes. Documents are full of
names in quotes and of passwords without. `credential_value` therefore replaces this detector. Only a value
drawn at random or chosen as a password counts, not a placeholder, a variable, a reference, a path or a word.

Credentials are never verified, since that would send them to somebody. The library's comments that allow a
secret (`pragma: allowlist secret`) are ignored: the author of an artifact would write them too.
"""

from __future__ import annotations

import re
from functools import cache

from specguard.declaration.patterns import re2_options
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final


KEYWORD: Final = "Secret Keyword"
"""The kind of a credential that is recognized by its name."""


class FoundSecret(Record):
    """A text that looks like a credential.

    Attributes:
        kind: its kind.
        value: the credential itself; empty for a private key.
        public_part: the part of it that may be shown: its name, or the beginning of its form.
        start: the start of the text that matched.
        end: the end of the text that was examined.
    """

    kind: str
    value: str
    public_part: str
    start: int
    end: int


class CredentialFinder:
    """Finds credentials in texts, in time linear in their length."""

    def __init__(self) -> None:
        import re2

        options = re2_options()
        self._forms = re2.compile("|".join(FORM_HINTS).encode("latin-1"), options=options)
        self._values = re2.compile(f"(?i){'|'.join(VALUE_HINTS)}".encode("latin-1"), options=options)

    def find_by_form(self, content: bytes) -> Iterator[FoundSecret]:
        """Yield the credentials that are recognized by their form, in order; one place may have several."""
        end = 0
        for match in self._forms.finditer(content):
            if match.start() < end:
                continue
            end, found = find_credentials(content, match.start(), match.end())
            yield from found

    def find_by_name(self, content: bytes) -> Iterator[FoundSecret]:
        """Return the credentials that are recognized by their name, in order."""
        found = (credential_value(content, *match.span()) for match in self._values.finditer(content))
        return filter(None, found)


FORM_HINTS: Final = (
    r"\bAKC[a-zA-Z0-9]{10}|\bAP[0-9A-F][a-zA-Z0-9]{8}",
    r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}",
    r"AccountKey=[a-zA-Z0-9+/=]{20}",
    r"\b[MNO][a-zA-Z0-9_-]{23,25}\.[a-zA-Z0-9_-]{6}\.[a-zA-Z0-9_-]{27}",
    r"\bgh[pousr]_[A-Za-z0-9_]{36}|\bgithub_pat_[A-Za-z0-9_]{22}",
    r"\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_-]{20}|\bGR1348941[A-Za-z0-9_-]{20}",
    r"\beyJ[A-Za-z0-9_=-]{6}",
    r"\b[0-9a-z]{32}-us[0-9]",
    r"//[^\s/]{1,200}/(?:[^\s/]{1,200}/){0,5}:_authToken=",
    r"\bsk-[A-Za-z0-9_-]{20}|\bAIza[0-9A-Za-z_-]{35}|\bhf_[A-Za-z0-9]{30}",
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\bpypi-AgE",
    r"\bSG\.[a-zA-Z0-9_-]{22}\.",
    r"\b[xX][oO][xX][abposrABPOSR]-[0-9]|https://hooks\.slack\.com/services/T",
    r"\bsq0csp-|\b[rs]k_live_[0-9a-zA-Z]{24}",
    r"\b[0-9]{8,10}:[0-9A-Za-z_-]{35}",
    r"\b(?:AC|SK)[a-z0-9]{32}\b",
    r"\b(?:[Bb]earer|BEARER)[ \t]{1,4}[A-Za-z0-9._~+/-]{20}",
    r"://[^\s/:@?#\[\]{}<>$`\"']{0,80}:[^\s/:@{}<>$`\"'*]{3,80}@",
    r"-----BEGIN (?:[A-Z0-9]{2,8} )?(?:ENCRYPTED )?PRIVATE KEY|PuTTY-User-Key-File-[23]",
)
"""Patterns in RE2's syntax, as short as possible; every text with one of the forms matches one of them."""

# These accept any word of the right length, or no credential at all; `_has_key` handles private keys.
_EXCLUDED: Final = ("Cloudant", "IBM", "Private Key", "Public IP", "SoftLayer")
# Forms unknown to version 1.5.0 of the library.
_EXTRA_FORMS: Final = (
    ("GitHub Token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,255}")),
    ("Anthropic Key", re.compile(r"\bsk-ant-[a-z]{2,10}[0-9]{0,3}-[A-Za-z0-9_-]{20,200}")),
    ("Google API Key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])")),
    ("NPM tokens", re.compile(r"\bnpm_[A-Za-z0-9]{36}(?![A-Za-z0-9])")),
    ("Hugging Face Token", re.compile(r"\bhf_[A-Za-z0-9]{30,60}")),
    ("Basic Auth Credentials", re.compile(r"://:([^\s/:@{}<>$`\"'*]{3,80})@")),
    ("Bearer Token", re.compile(r"^[Bb](?:earer|EARER)[ \t]+([A-Za-z0-9._~+/-]{20,4000})")),
)
# The maximum length of a form, in bytes; a character of `_BOUND` ends it earlier.
_LONGEST_FORM: Final = 6000
_BOUND: Final = re.compile(rb"[\s<>|\"'`)\]}]")
_BLANK: Final = re.compile(rb"[ \t]+")
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{32}")
# The number of bytes after its first line that are searched for a key, and the characters around its lines.
_KEY_LENGTH: Final = 1500
_KEY_MARGIN: Final = b" \t\r>\"'`+,|#*-"
_PLACEHOLDER: Final = re.compile(
    r"example|placeholder|redacted|john ?doe|your[-_]|x{5}|\.{3}|\*{3}|0123456789|1234567890|abcdefghij",
    re.IGNORECASE,
)
_PUBLIC_PREFIX: Final = re.compile(r"https://|//|AKIA|AIza|AKC|eyJ|SG\.|pypi-|sk-ant-|sk-|[A-Za-z]{2,6}[-_]")
# A shorter value, such as a password, is not described at all.
_LONG: Final = 20


def find_credentials(content: bytes, at: int, end: int) -> tuple[int, list[FoundSecret]]:
    """Return the credentials at a match of `FORM_HINTS`.

    Args:
        content: the whole text.
        at: the start of the match.
        end: the end of the match.

    Returns:
        The end of the text that was examined, and the credentials.
    """
    matched = content[at:end]
    if matched.endswith(b"KEY") or matched.startswith(b"PuTTY"):
        name = matched.decode("latin-1").removeprefix("-----BEGIN ").lower()
        return end, [FoundSecret("Private Key", "", name, at, end)] if _has_key(content, end) else []
    stop = _BOUND.search(content, end, at + _LONGEST_FORM)
    stop_at = stop.start() if stop else min(at + _LONGEST_FORM, len(content))
    text = _BLANK.sub(b" ", content[at:stop_at]).decode("latin-1")
    found = ((kind, value) for kind, value in _form_matches(text) if _is_real(kind, value))
    return stop_at, [FoundSecret(kind, value, _public_part(value), at, stop_at) for kind, value in found]


def _token_claims(token: str) -> str:
    """Return the claims of a JSON Web Token."""
    from base64 import urlsafe_b64decode

    part = token.split(".")[1]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")


def _public_part(value: str) -> str:
    """Return the public part of a token: its kind's prefix, and its length; empty for a short value."""
    prefix = _PUBLIC_PREFIX.match(value)
    return f"{f'{prefix[0]}..., ' if prefix else ''}{len(value)} characters" if len(value) >= _LONG else ""


def _has_key(content: bytes, at: int) -> bool:
    """True if key data follows after the first line of a private key."""
    text = content[at : at + _KEY_LENGTH].replace(b"\\r", b"").replace(b"\\n", b"\n")
    for number, line in enumerate(text.split(b"\n")):
        row = line.strip(_KEY_MARGIN)
        if _KEY.match(row):
            return True
        # Headers of the form `Name: value` and an empty line may follow the first line.
        if number and row and b": " not in row:
            return False
    return False


@cache
def _detectors() -> Sequence[Any]:
    """Return the library's detectors that recognize a secret by its form."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    classes: dict[str, Any] = get_mapping_from_secret_type_to_class()
    chosen = [one for kind, one in classes.items() if not kind.startswith(_EXCLUDED)]
    return [one() for one in chosen if issubclass(one, RegexBasedDetector)]


def _form_matches(text: str) -> Iterator[tuple[str, str]]:
    for detector in _detectors():
        if not any(detector.analyze_string(text)):
            continue
        # The detector yields a group of its expression, which for some tokens is only their beginning.
        for expression in detector.denylist:
            for found in expression.finditer(text):
                inner = [group for group in found.groups() if group]
                yield detector.secret_type, max(inner, key=len) if inner and len(inner[-1]) > 9 else found[0]
    for kind, expression in _EXTRA_FORMS:
        for found in expression.finditer(text):
            yield kind, found[found.re.groups]


def _is_real(kind: str, value: str) -> bool:
    """True if a value is a real credential, not an example as in documents."""
    if _PLACEHOLDER.search(value) or len(set(value)) < 6:
        return False
    if kind == "JSON Web Token":
        from detect_secrets.plugins.jwt import JwtTokenDetector

        # The detector has looked at other matches of the same text, too.
        return JwtTokenDetector.is_formally_valid(value) and not _PLACEHOLDER.search(_token_claims(value))
    letters = any(char.isalpha() for char in value)
    digits = any(char.isdigit() for char in value)
    if kind == "Basic Auth Credentials":
        return letters and digits and len(value) >= 6
    if kind in ("Artifactory Credentials", "Discord Bot Token", "Telegram Bot Token", "Bearer Token"):
        # Names and object ids have such lengths too; a random value has all kinds of characters.
        return digits and value.lower() != value and value.upper() != value
    return digits or kind in ("NPM tokens", "Slack Token", "Square OAuth Secret")


# In Markdown an underscore may be escaped: `API\_KEY`. A token of any name is written as an environment's.
_NAME: Final = (
    r"(?:(?:api|auth|service|account|access|db|database|priv|private|client|signing|encryption)\\?[_ -]?key"
    r"|(?:db|database|key)\\?[_-]?pass|passw(?:or)?d|passphrase|pwd|secret|contrase(?:\xc3\xb1|\xf1|n)a"
    r"|(?:access|auth|api|bearer|refresh|session|bot|deploy)\\?[_ -]?token|(?-i:[A-Z0-9]\\?_TOKEN\b))"
)
_VALUE_START: Final = r"[A-Za-z0-9+/_~.!#&^?@=-]{8}"
_ASSIGNED: Final = r"[\"'\]`*]{0,4}[ \t]{0,8}(?::=|=>|={1,3}|:|\|)[ \t*`]{0,8}[@(]?[\"'`]?" + _VALUE_START
VALUE_HINTS: Final = (
    rf"{_NAME}[A-Za-z0-9_\\-]{{0,40}}{_ASSIGNED}",
    rf"\btoken{_ASSIGNED}",
    rf"--(?:[A-Za-z-]{{0,30}}{_NAME}[A-Za-z-]{{0,30}}|token)[ =]{{1,4}}[\"']?{_VALUE_START}",
    rf"\B-(?:u|-user)[ =]{{1,4}}[\"']?[A-Za-z0-9._@+-]{{1,80}}:{_VALUE_START}",
)
"""A name, an assignment, and eight characters of a value; case does not count."""

_LONGEST_VALUE: Final = 300
_LONGEST_PREFIX: Final = 40
_PREFIX: Final = re.compile(rb"[A-Za-z0-9_\\-]+\Z")
_ASSIGNMENT: Final = re.compile(
    r"-{0,2}(?P<name>[A-Za-z0-9_\\\xc3\xb1\xf1-]+(?: (?i:key|token))?)[\"'\]`*]{0,4}[ \t]{0,8}"
    r"(?P<by>:=|=>|={1,3}|:|\||(?=[ \t]))[ \t*`]{0,8}[@(]?(?P<quote>[\"'`]?)"
)
# A name whose value is about a secret, but not the secret itself: a word after that for a secret begins with
# one of these. What is before it says whose the secret is: `SOURCE_DB_PASSWORD`, `minioSecretKey`.
_METADATA_NAME: Final = re.compile(
    rf"(?:{_NAME}|token).*?[_-](?:age|arn|at|changed|check|column|count|created|date|digest|enabled|env"
    r"|expires|expiry|field|file|fingerprint|format|hash|header|hint|id|label|len|location|manager|max|min"
    r"|mode|mount|name|param|path|pattern|placeholder|policy|prefix|prompt|provider|ref|regex|required|reset"
    r"|rotation|rule|scan|scope|sha|source|status|store|strength|suffix|ttl|type|updated|uri|url|usage|var"
    r"|vault|version)",
    re.IGNORECASE,
)
# Stand-ins that people write in place of a secret.
_FAKE: Final = re.compile(
    r"example|placeholder|change[_-]?(?:me|it)|dummy|sample|redacted|masked|removed|censored|your[_-]|\bmy[_-]"
    r"|x{4}|\*{3}|\.{3}|\u2026|\b(?:todo|tbd|fixme|fake|mock|none|null|undefined|insert|replace|secret|test)"
    r"|not[_-]|foo[_-]?bar|lorem|here\b|hard[_-]?coded|qwerty|letmein|p[a@]ss|hunter2|12345|abc123|abcdefgh"
    r"|deadbeef|s[3e]cr[3e]t|^[~/][^/]*/|^id_[a-z]+[0-9]*$",
    re.IGNORECASE,
)
# A value that comes from elsewhere: a variable, a call, a vault.
_REFERENCE: Final = re.compile(
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
# Of `_SAMPLE` random characters, usually at least `_DISTINCT` are different.
_SAMPLE: Final = 24
_DISTINCT: Final = 19
_RUN: Final = re.compile(r"[0-9]+|[A-Za-z]+|[^0-9A-Za-z]+")
_QUERY: Final = re.compile(r"&[A-Za-z_]+=")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_VALUE_END: Final = re.compile(r"[ \t\r]*(?:$|[|#(,;<`*]|//|--)", re.MULTILINE)


def credential_value(content: bytes, at: int, end: int) -> FoundSecret | None:
    """Return the credential at a match of `VALUE_HINTS`; None if the value is not a credential.

    Args:
        content: the whole text.
        at: the start of the match.
        end: the end of the match.
    """
    # The characters before the match belong to the name: `DB_PASSWORD`.
    prefix = _PREFIX.search(content[max(0, at - _LONGEST_PREFIX) : at])
    begin = at - (len(prefix[0]) if prefix else 0)
    text = content[begin : begin + _LONGEST_VALUE].partition(b"\n")[0].decode("latin-1")
    assignment = _ASSIGNMENT.match(text)
    name = assignment["name"].replace("\\", "") if assignment else ""
    if assignment is None or _METADATA_NAME.search(_HUMP.sub("_", name)):
        return None
    value, rest = _split_value(text[assignment.end() :], assignment["quote"])
    if name.lower() in ("u", "user"):
        name, value = "password", value.partition(":")[2]
    if name.lower().endswith("token") and content[at:end].lstrip(b"-").lower().startswith(b"token"):
        # A page's token or an object id is no credential. Of a JSON web token, the form decides.
        mixed = value.lower() != value != value.upper()
        if name.strip("-").lower() != "token" or not mixed or value.startswith("eyJ"):
            return None
    # In running text a colon also introduces a sentence.
    if assignment["by"] in (":", "|") and not assignment["quote"] and not _VALUE_END.match(rest):
        return None
    return FoundSecret(KEYWORD, value, name.strip("-"), at, end) if _is_value(value, name) else None


def _split_value(text: str, quote: str) -> tuple[str, str]:
    """Return the value, and the text after it."""
    closing = text.find(quote) if quote else -1
    if closing >= 0:
        return text[:closing], text[closing + 1 :]
    value = text.split(None, 1)[0] if text.strip() else ""
    rest = text[len(value) :]
    return _QUERY.split(value)[0].rstrip("`*\"'.,;:)]}|").replace("\\_", "_"), rest


def _is_value(value: str, name: str) -> bool:
    """True if a value was drawn at random, or chosen as a password."""
    if not 8 <= len(value) <= _LONGEST_VALUE or len(set(value)) < 5 or any(char.isspace() for char in value):
        return False
    if _FAKE.search(value) or _REFERENCE.search(value) or _DATED.match(value) or _WORDS.fullmatch(value):
        return False
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    changes = len(_RUN.findall(value)) - 1
    # `Summer2024` is an example more often than a real password. In words such as `OAuth2Provider`, letters
    # repeat; in a key they rarely do. A mere token may be of a parser: `SHA256WithRSA1`.
    least = 2 if _PASSWORD.search(name) else 5 if name.strip("-").lower() == "token" else 3
    return changes >= least or len(set(value[:_SAMPLE])) >= _DISTINCT
