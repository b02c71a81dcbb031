"""Whether the log of approvals holds: nothing in it was edited, lost, forged or given twice."""

from __future__ import annotations

import binascii
import os

from specguard.approvals.log import NAME, leftovers
from specguard.approvals.record import Approval
from specguard.approvals.settings import KEY_TYPES, is_of_kind
from specguard.approvals.signatures import signed_with
from specguard.declaration.rule import Record
from specguard.engine.logbook import signing_key
from specguard.engine.lost import lost, word
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.approvals.log import Filed
    from specguard.approvals.record import Revocation
    from specguard.engine.logbook import Logbook


class Problem(Record):
    """Something in the log that does not hold.

    Attributes:
        path: the file.
        reason: what is wrong, as a sentence without its end.
        help: the next step.
    """

    path: bytes
    reason: str
    help: str


class Verification:
    """What a look at the whole log and its history brought.

    Args:
        book: the log; the `Git` that it was read with must be open.

    Attributes:
        book: the log.
        problems: what does not hold, by path.
        notes: what a reader should know of what does hold, as sentences.

    Raises:
        SpecguardError: something that is needed to tell is not there.
    """

    def __init__(self, book: Logbook) -> None:
        self.book = book
        self.notes: list[str] = []
        self._problems: dict[bytes, Problem] = {}
        try:
            self._look()
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing

    @property
    def problems(self) -> Sequence[Problem]:
        """What does not hold, by path."""
        return [self._problems[path] for path in sorted(self._problems)]

    def _look(self) -> None:
        # The first thing that is found of a file is the one that says most.
        self._look_at_folder()
        for path, reason, step in (*lost(self.book, self.notes), *self._half_written()):
            self._add(path, reason, step)
        self._look_at_broken_files()
        for filed in self.book.log.filed.values():
            self._look_at_signatures(filed)
        self._look_at_nonces()
        self._look_at_revocations()
        unsigned = sum(not filed.signatures for filed in self.book.log.filed.values())
        if unsigned:
            self.notes.append(f"{unsigned} of the records {'is' if unsigned == 1 else 'are'} not signed")

    def _add(self, path: bytes, reason: str, step: str) -> None:
        self._problems.setdefault(path, Problem(path=path, reason=reason, help=step))

    def _look_at_folder(self) -> None:
        """Find a link or a file where the folder, or one above it, should be."""
        book = self.book
        parts = book.log.folder.rstrip(b"/").split(b"/")
        for count in range(1, len(parts) + 1):
            path = b"/".join(parts[:count])
            entry = book.head.find(path) if book.head else None
            there = os.path.join(os.fsencode(book.work_tree), path) if book.work_tree else b""
            if (entry is not None and not entry.is_directory) or (
                os.path.lexists(there) and (os.path.islink(there) or not os.path.isdir(there))
            ):
                self._add(
                    path, "it is no folder, so nothing below it counts", "put the log's folder in its place"
                )

    def _half_written(self) -> Iterator[tuple[bytes, str, str]]:
        book = self.book
        if book.work_tree is not None:
            for name in leftovers(book.work_tree, book.log.folder):
                path = book.log.folder + name
                yield path, "it was left half-written, and counts for nothing", f"remove it: rm {word(path)}"

    def _look_at_broken_files(self) -> None:
        log = self.book.log
        here = {broken.path for broken in log.broken if broken.place != "base"}
        for broken in log.broken:
            name = broken.path.removeprefix(log.folder)
            filed = log.filed.get(name.partition(b".")[0].decode("ascii", "replace"))
            if broken.path not in here:
                self.notes.append(f"{path_text(broken.path)} is broken only in the base: {broken.reason}")
            elif filed is not None and "head" in filed.places and name.endswith(b".json"):
                self._add(
                    broken.path, broken.reason, f"put it back: git checkout HEAD -- {word(broken.path)}"
                )
            elif NAME.fullmatch(name) and broken.place == "local":
                self._add(broken.path, broken.reason, f"fix it, or remove it: rm {word(broken.path)}")
            elif NAME.fullmatch(name):
                self._add(
                    broken.path, broken.reason, f"put back what it was: git log -p -- {word(broken.path)}"
                )
            else:
                self._add(broken.path, broken.reason, "keep it in another folder")

    def _look_at_signatures(self, filed: Filed) -> None:
        """Find a record that is not by the approver that it names, as far as signatures tell."""
        record, path, who = filed.record, self.book.log.path(filed.id), filed.record.approver
        approver = self.book.settings.named(who)
        keys = approver.keys if approver else ()
        # The base, HEAD and the working tree may each have another one; every one of them must hold.
        bad = [one for one in filed.signatures if signing_key(record, [one], keys) is None]
        if approver and not bad:
            return
        problem = (
            f"its signature is by no key of {who}" if approver else f"{who} is no approver in the policy"
        )
        if "base" in filed.places and all(_is_sound(record, signature) for signature in bad):
            # People leave, and keys are replaced; when it came to the base it was judged.
            self.notes.append(f"{path_text(path)} is in the base, and {problem}")
        elif approver is None:
            self._add(
                path,
                problem,
                f"add {who} to [approvals], or revoke it: specguard approvals revoke {filed.id[:12]}",
            )
        else:
            self._add(
                path + b".sig",
                problem,
                f"remove it, and {who} signs: specguard approvals sign {filed.id[:12]} --key FILE",
            )

    def _look_at_nonces(self) -> None:
        by_nonce: dict[str, list[Filed]] = {}
        for filed in self.book.log.filed.values():
            by_nonce.setdefault(filed.record.nonce, []).append(filed)
        revoked = {record.revokes for _, record in self.book.log.revocations}
        for same in by_nonce.values():
            open_ones = sorted(
                (filed for filed in same if filed.id not in revoked),
                key=lambda filed: ("base" not in filed.places, filed.record.issued_at, filed.id),
            )
            for filed in open_ones[1:]:
                self._add(
                    self.book.log.path(filed.id),
                    f"it has the nonce of {open_ones[0].id[:12]}, so one of both is a copy",
                    f"revoke the copy: specguard approvals revoke {filed.id[:12]}",
                )

    def _look_at_revocations(self) -> None:
        log = self.book.log
        for filed, record in log.revocations:
            revoked = log.filed.get(record.revokes)
            if revoked is None:
                self._add(
                    log.path(filed.id),
                    f"it revokes {record.revokes[:12]}, which is not in the log",
                    f"find it, and put it back: git log --all -- {word(log.path(record.revokes))}",
                )
            elif not isinstance(revoked.record, Approval):
                self._add(
                    log.path(filed.id),
                    f"it revokes {record.revokes[:12]}, which is no approval",
                    "give the approval anew: a revocation is for ever",
                )


def _is_sound(record: Approval | Revocation, signature: bytes) -> bool:
    """Whether a signature holds for the key that it names itself."""
    blob = signed_with(signature) or b""
    kind = next((kind for kind in KEY_TYPES if is_of_kind(blob, kind)), None)
    if kind is None:
        return False
    key = f"{kind} {binascii.b2a_base64(blob, newline=False).decode('ascii')}"
    return signing_key(record, [signature], [key]) is not None
