"""Credentials that are told by their form: tokens, keys, and passwords in URLs.

The detectors are those of the library detect-secrets. Importing it costs more than a whole check, and reading
16 MB of Markdown with it line by line took 16 seconds. So one expression of RE2 reads a text first, in linear
time (16 MB in 0.03 seconds), and the library sees the few places where that matched.

Left out are its detectors that know a secret by less than a form: those of high entropy, which the object
ids and digests of evidence have too; that of IP addresses, which are no credentials; those for IBM, SoftLayer
and Cloudant, for which any word of the right length behind `key` or `pass` and a space will do; and the one
of keywords, see `credential_values`. Nothing is verified, which would send it to somebody, and the comments
with which the library lets a secret pass (`pragma: allowlist secret`) do not count: whoever writes the
artifact would write them too.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

HINTS: Final = (
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
    r"://[^\s/:@?#\[\]{}<>$`\"']{1,80}:[^\s/:@{}<>$`\"'*]{3,80}@",
    r"-----BEGIN (?:[A-Z0-9]{2,8} )?(?:ENCRYPTED )?PRIVATE KEY|PuTTY-User-Key-File-[23]",
)
"""What stands in a text for one of the forms to be there, each as short as it can be, in RE2's syntax."""

_DETECTORS: Final = (
    ("artifactory", "ArtifactoryDetector"), ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"), ("basic_auth", "BasicAuthDetector"),
    ("discord", "DiscordBotTokenDetector"), ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"), ("jwt", "JwtTokenDetector"), ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"), ("openai", "OpenAIDetector"), ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"), ("slack", "SlackDetector"), ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"), ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
)  # fmt: skip
# The detectors, once one was needed.
_detectors: list[Any] = []
# Forms that version 1.5.0 of the library does not know.
_MORE: Final = (
    ("GitHub Token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,255}")),
    ("Anthropic Key", re.compile(r"\bsk-ant-[a-z]{2,10}[0-9]{0,3}-[A-Za-z0-9_-]{20,200}")),
    ("Google API Key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])")),
    ("NPM tokens", re.compile(r"\bnpm_[A-Za-z0-9]{36}(?![A-Za-z0-9])")),
    ("Hugging Face Token", re.compile(r"\bhf_[A-Za-z0-9]{30,60}")),
    ("Bearer Token", re.compile(r"^[Bb](?:earer|EARER)[ \t]+([A-Za-z0-9._~+/-]{20,4000})")),
)
# So far from its first character a form's last one is looked for, and no further than a bound.
_LONGEST: Final = 6000
_BOUND: Final = re.compile(rb"[\s<>|\"'`)\]}]")
_BLANK: Final = re.compile(rb"[ \t]+")
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{32}")
# So far behind its first line a key is looked for, and what stands around the lines of one.
_KEY_LENGTH: Final = 1500
_KEY_MARGIN: Final = b" \t\r>\"'`+,|#*-"
_PLACEHOLDER: Final = re.compile(
    r"example|placeholder|redacted|john ?doe|your[-_]|x{5}|\.{3}|\*{3}|0123456789|1234567890|abcdefghij",
    re.IGNORECASE,
)
_PUBLIC: Final = re.compile(r"https://|//|AKIA|AIza|AKC|eyJ|SG\.|pypi-|sk-ant-|sk-|[A-Za-z]{2,6}[-_]")
# A shorter value, such as a password, is not described at all.
_LONG: Final = 20


def credential_forms(content: bytes, at: int, end: int) -> tuple[int, list[tuple[str, str, str]]]:
    """The credentials at a place that one of `HINTS` matched.

    Args:
        content: the whole text.
        at: where the match begins.
        end: where it ends.

    Returns:
        Where the part that was looked at ends; and each credential's kind, value and what of it may be shown.
    """
    matched = content[at:end]
    if matched.endswith(b"KEY") or matched.startswith(b"PuTTY"):
        name = matched.decode("latin-1").removeprefix("-----BEGIN ").lower()
        return end, [("Private Key", "", name)] if _has_key(content, end) else []
    stop = _BOUND.search(content, end, at + _LONGEST)
    until = stop.start() if stop else min(at + _LONGEST, len(content))
    text = _BLANK.sub(b" ", content[at:until]).decode("latin-1")
    return until, [(kind, value, _shown(value)) for kind, value in _matches(text) if _is_real(kind, value)]


def _said(token: str) -> str:
    """What a JSON Web Token says of its bearer."""
    from base64 import urlsafe_b64decode

    part = token.split(".")[1]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")


def _shown(value: str) -> str:
    """What of a token everybody knows: how all of its kind begin, and its length."""
    begins = _PUBLIC.match(value)
    return f"{f'{begins[0]}..., ' if begins else ''}{len(value)} characters" if len(value) >= _LONG else ""


def _has_key(content: bytes, at: int) -> bool:
    """Whether a key follows on its first line, and not only a word on keys."""
    text = content[at : at + _KEY_LENGTH].replace(b"\\r", b"").replace(b"\\n", b"\n")
    for number, line in enumerate(text.split(b"\n")):
        row = line.strip(_KEY_MARGIN)
        if _KEY.match(row):
            return True
        # Behind the first line stand headers of the form `Name: value`, and an empty line.
        if number and row and b": " not in row:
            return False
    return False


def _matches(text: str) -> Iterator[tuple[str, str]]:
    if not _detectors:
        from importlib import import_module

        for module, name in _DETECTORS:
            _detectors.append(getattr(import_module(f"detect_secrets.plugins.{module}"), name)())
    for detector in _detectors:
        if not any(detector.analyze_string(text)):
            continue
        # What it yields is a group of its expression, which of some tokens has the beginning alone.
        for expression in detector.denylist:
            for found in expression.finditer(text):
                inner = [group for group in found.groups() if group]
                yield detector.secret_type, max(inner, key=len) if inner and len(inner[-1]) > 9 else found[0]
    for kind, expression in _MORE:
        for found in expression.finditer(text):
            yield kind, found[found.re.groups]


def _is_real(kind: str, value: str) -> bool:
    """Whether a value is not one of those that stand for a credential in documents."""
    if _PLACEHOLDER.search(value) or len(set(value)) < 6:
        return False
    if kind == "JSON Web Token":
        return not _PLACEHOLDER.search(_said(value))
    letters = any(char.isalpha() for char in value)
    digits = any(char.isdigit() for char in value)
    if kind == "Basic Auth Credentials":
        return letters and digits and len(value) >= 6
    if kind in ("Artifactory Credentials", "Discord Bot Token", "Telegram Bot Token", "Bearer Token"):
        # Names and object ids have such lengths too; what is drawn at random has all kinds of characters.
        return digits and value.lower() != value and value.upper() != value
    return digits or kind in ("NPM tokens", "Slack Token", "Square OAuth Secret")
