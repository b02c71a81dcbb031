"""What identifies a finding wherever its lines have moved to."""

from __future__ import annotations

from specguard.change.revision import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.model import Finding


def fingerprints(code: str, findings: Sequence[Finding]) -> Iterator[str]:
    """The fingerprint of each finding of one rule, as hexadecimal digits.

    It is the sha256 over `specguard-finding-v1`, the code, the path (or the field, where there is no path),
    the finding's key and its ordinal among those that are equal in all of these, separated by NUL.
    """
    seen: dict[tuple[bytes, bytes], int] = {}
    for finding in findings:
        place = finding.path if finding.path is not None else (finding.field or "").encode()
        identity = (place, finding.key.encode("utf-8", "surrogateescape"))
        ordinal = seen.get(identity, 0)
        seen[identity] = ordinal + 1
        parts = (b"specguard-finding-v1", code.encode(), *identity, str(ordinal).encode())
        yield sha256(b"\0".join(parts)).hexdigest()
