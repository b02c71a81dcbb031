"""Verify the whole log of approvals: the state of each record, missing or changed files, and signatures."""

from __future__ import annotations

import binascii
import os

from specguard.approvals.log import NO_RECORD, FiledRecord, Uses, first_alterations, read_log
from specguard.approvals.people import KEY_TYPES, claimed_key, has_key_type, signing_key, verify
from specguard.approvals.record import LIMIT, Approval, Revocation
from specguard.change.entries import Entry, is_record
from specguard.declaration.look_alikes import shell_word
from specguard.errors import Needed, SpecguardError
from specguard.model import TYPE_CHECKING, Record, folders_of, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, Final, Literal

    from specguard.approvals.people import ApprovalSettings
    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.change.tree import Tree

    Problem = tuple[bytes, str, str]
    """A file, what is wrong with it, as a clause, and the next step."""

    State = Literal["holds", "unsigned", "untrusted", "future", "expired", "revoked"]


STATES: Final = ("revoked", "expired", "untrusted", "future", "unsigned", "holds")
"""The states of an approval, in reporting order: the first that applies is shown."""


class LoggedRecord(Record, frozen=False):
    """A record of the log, and its state in this repository.

    Attributes:
        filed: the record with its places and signatures.
        state: one of `STATES`; `holds` does not mean that the approval is for any current change.
        reasons: why the state is not `holds`, each as a clause.
        key: the approver's key that signed it; empty if none did.
        revocations: the records that revoke it.
        uses: the checks in which it lifted a finding, the oldest first.
    """

    filed: FiledRecord
    state: State = "holds"
    reasons: list[str] = []
    key: str = ""
    revocations: Sequence[tuple[FiledRecord, Revocation]] = ()
    uses: Sequence[Mapping[str, Any]] = ()

    @property
    def proof(self) -> str:
        """The proof of the approval: `signature`, `base` (the trusted base has it) or `local` (no proof)."""
        if self.key:
            return "signature"
        return "base" if "base" in self.filed.places else "local"


MIN_DIGITS: Final = 7
"""The least number of digits that can name a record."""

_REVOKE: Final = 'specguard approvals revoke %s --approved-by NAME --reason "..."'


class Logbook:
    """The log of approvals in the trusted base, `HEAD` and the working tree.

    Args:
        git: reads the repository; it must stay open while the log is used.
        policy: the policy that would judge here.
        now: the time.

    Attributes:
        policy: the policy, which says who may approve.
        settings: the policy's table `[approvals]`.
        work_tree: the working tree's folder; None in a bare repository.
        trusted: the commit of the trusted base; None without one.
        base: the trusted base's tree; None without a trusted base.
        head: the tree of `HEAD`; None before the first commit.
        log: the records.
        uses: the checks that used them.

    Raises:
        SpecguardError: the log cannot be read.
    """

    def __init__(self, git: Git, policy: Policy, now: datetime) -> None:
        repository = git.repository
        self.git = git
        self.policy = policy
        self.trusted = policy.ref if policy.based else None
        self.now = now
        self.settings: ApprovalSettings = policy.declared("approval_settings")
        self.work_tree = repository.root
        with Needed():
            self.base = git.tree_at(self.trusted) if self.trusted else None
            self.head = git.tree_at(repository.head) if repository.head else None
            self.log = read_log(policy.log_folder, base=self.base, head=self.head, work_tree=self.work_tree)
        self.uses = Uses(repository.common)

    def approvals(self, *, ended: bool = True) -> list[LoggedRecord]:
        """Return the approvals, the oldest first.

        Args:
            ended: False to leave out those that are expired or revoked.

        Raises:
            SpecguardError: a signature cannot be verified.
        """
        # Verifying signatures is slow, and most approvals of an old log have ended.
        return [
            self.examine(filed)
            for filed, record in self.log.approvals
            if ended or not {state for state, _ in self._end_reasons(filed, record)} & {"revoked", "expired"}
        ]

    def find_record(self, name: str) -> FiledRecord:
        """Return the record that an id, the beginning of an id, or the path of its file names.

        Raises:
            SpecguardError: no record matches, or several do.
        """
        digits = os.path.basename(name).partition(".")[0].lower()
        found = sorted(one for one in self.log.filed if one.startswith(digits))
        if len(found) == 1 and len(digits) >= MIN_DIGITS:
            return self.log.filed[found[0]]
        help = f"give {MIN_DIGITS} or more digits of its id; `specguard approvals list --all` has it"
        raise SpecguardError(f"{name!r} names no record, or several", help=help, code="unknown-name")

    def examine(self, filed: FiledRecord) -> LoggedRecord:
        """Return a record with its state in this repository.

        Raises:
            SpecguardError: its signature cannot be verified.
        """
        record = filed.record
        examined = LoggedRecord(filed)
        with Needed():
            states = list(self._doubts(examined))
        if isinstance(record, Approval):
            examined.revocations = self.log.revoked.get(filed.id, ())
            examined.uses = self.uses.of(filed.id)
            states += self._end_reasons(filed, record)
        states.sort(key=lambda one: STATES.index(one[0]))
        examined.state = states[0][0] if states else "holds"
        examined.reasons = [reason for _, reason in states]
        return examined

    def _end_reasons(self, filed: FiledRecord, record: Approval) -> Iterator[tuple[State, str]]:
        """Yield why an approval does not hold now: it is revoked, expired or not yet valid."""
        for _, revocation in self.log.revoked.get(filed.id, ()):
            why = f": {revocation.reason}" if revocation.reason else ""
            yield "revoked", f"{revocation.approver} revoked it on {revocation.issued_at:%Y-%m-%d}{why}"
        yield from record.time_problems(self.now)

    def _doubts(self, logged: LoggedRecord) -> Iterator[tuple[State, str]]:
        """Yield reasons to doubt that its approver gave it, each with a state; record the key that signed."""
        filed, record = logged.filed, logged.filed.record
        approver = self.settings.named(record.approver)
        if approver is None:
            yield "untrusted", f"{record.approver} is not an approver in the policy"
            return
        for code in record.rules if isinstance(record, Approval) else ():
            rule = self.policy.rule(code)
            if rule is not None and not approver.covers(rule):
                yield "untrusted", f"{approver.name} may not approve {code}"
        logged.key = signing_key(filed, approver.keys) or ""
        if not logged.key and filed.signatures:
            yield "untrusted", f"its signature is by no key of {approver.name}"
        elif not logged.key and "base" not in filed.places:
            yield "unsigned", "it has no signature"


class Verification:
    """The result of verifying the whole log and its history.

    Args:
        book: the log; the `Git` that it was read with must be open.

    Attributes:
        book: the log.
        problems: one problem for each path, sorted: the file, the problem as a clause, and the next step.
        notes: remarks about valid records, as sentences.

    Raises:
        SpecguardError: an object or a program that verifying needs is missing.
    """

    def __init__(self, book: Logbook) -> None:
        self.book = book
        self.notes: list[str] = []
        found: dict[bytes, Problem] = {}
        with Needed():
            # The first problem of a file is the most informative.
            for problem in self._find_problems():
                # A signature has its record again once that one is put back.
                if problem[1] != NO_RECORD or problem[0].removesuffix(b".sig") not in found:
                    found.setdefault(problem[0], problem)
        self.problems = [found[path] for path in sorted(found)]
        if unsigned := sum(not filed.signatures for filed in self.book.log.filed.values()):
            self.notes.append(f"{unsigned} of the records {'is' if unsigned == 1 else 'are'} not signed")

    def _find_problems(self) -> Iterator[Problem]:
        yield from self._blocked_folders()
        if self.book.git.repository.head is not None and self.book.head is not None:
            yield from self._altered_records(self.book.git.repository.head, self.book.head)
            yield from self._missing_records(self.book.head)
        for path in self.book.log.leftovers:
            step = f"remove it: rm {shell_word(path)}"
            yield path, "it was left half-written, and counts for nothing", step
        yield from self._broken_files()
        for filed in self.book.log.filed.values():
            yield from self._signature_problems(filed)
        for filed, other in self.book.log.copies:
            if filed.id not in self.book.log.revoked:
                what = f"it has the nonce of {other[:12]}, so one of both is a copy"
                yield filed.path, what, f"revoke the copy: {_REVOKE % filed.id[:12]}"
        for filed, record in self.book.log.revocations:
            revoked = self.book.log.filed.get(record.revokes)
            path, which = filed.path, f"it revokes {record.revokes[:12]}, which is"
            if revoked is None:
                gone = shell_word(self.book.log.path(record.revokes))
                yield path, f"{which} not in the log", f"find it, and put it back: git log --all -- {gone}"
            elif not isinstance(revoked.record, Approval):
                yield path, f"{which} not an approval", "give the approval anew: a revocation is for ever"

    def _blocked_folders(self) -> Iterator[Problem]:
        """Yield each symbolic link or file in place of the log's folder or a folder above it."""
        for path in folders_of(self.book.log.folder):
            entry = self.book.head.find(path) if self.book.head else None
            there = os.path.join(os.fsencode(self.book.work_tree), path) if self.book.work_tree else b""
            if (entry is not None and not entry.is_directory) or (
                os.path.lexists(there) and (os.path.islink(there) or not os.path.isdir(there))
            ):
                what = "it is not a folder, so nothing below it counts"
                yield path, what, "put the log's folder in its place"

    def _altered_records(self, oid: str, head: Tree) -> Iterator[Problem]:
        """Yield records that a commit in the history changed or removed; restored ones become notes."""
        git, log = self.book.git, self.book.log
        words = ("rev-list", "--first-parent", oid, *filter(None, [self.book.trusted]), "--")
        line = set(git.ask("the history", *words).decode("ascii").split())
        done = [(one, entry) for one, entries in git.find_alterations(oid, log.folder) for entry in entries]
        done = [one for one in done if one[0] in line or not self._takes_back(*one)]
        for commit, entry, _ in first_alterations(done, log.folder, git):
            path = entry.path
            event = f"was {'taken away' if entry.deleted else 'changed'} in commit {commit[:12]}"
            name = path.removeprefix(log.folder).partition(b".")[0].decode("ascii")
            filed, now = log.filed.get(name), head.find(path)
            # A restored signature is verified with all the others.
            if filed is not None and "head" in filed.places and now is not None and now.is_file:
                self.notes.append(f"{path_text(path)} {event}, and is there again")
            else:
                folder, blob = shell_word(log.folder), entry.old[:12]
                step = f"put it back: mkdir -p {folder} && git cat-file blob {blob} > {shell_word(path)}"
                yield path, f"it {event}", step

    def _takes_back(self, commit: str, entry: Entry) -> bool:
        """Return True if a commit of a merged branch takes out what only that branch had, but no revocation.

        A record that the base has too is also taken away by the merge.
        """
        git = self.book.git
        if not (entry.was_file and entry.deleted) or len(git.commit(commit).parents) > 1:
            return False
        [(_, content)] = git.blobs([entry.old], limit=LIMIT)
        return b'"revokes"' not in (content or b"")

    def _missing_records(self, head: Tree) -> Iterator[Problem]:
        """Yield records in `HEAD` that are missing from the working tree, except under a sparse checkout."""
        book, git, folder = self.book, self.book.git, self.book.log.folder
        if book.work_tree is None:
            return
        gone = sorted(head.names(folder.rstrip(b"/")).keys() - set(book.log.local))
        missing = [folder + name for name in gone if is_record(folder + name, folder)]
        sparse: set[bytes] = set()
        if missing:
            words = ("ls-files", "-t", "-z", "--", folder.decode("utf-8", "surrogateescape"))
            listed = git.ask("the index", *words, index=git.repository.index)
            sparse = {line[2:] for line in listed.split(b"\0") if line.startswith(b"S ")}
        for path in missing:
            if path not in sparse:
                step = f"put it back: git checkout HEAD -- {shell_word(path)}"
                yield path, "it is gone from the working tree", step

    def _broken_files(self) -> Iterator[Problem]:
        """Yield the files that are not records; those only in the base become notes."""
        here = {one.path for one in self.book.log.broken if one.place != "base"}
        for one in self.book.log.broken:
            filed = self.book.log.filed.get(os.path.basename(one.path).partition(b".")[0].decode("latin-1"))
            if one.path not in here:
                self.notes.append(f"{path_text(one.path)} is broken only in the base: {one.reason}")
                continue
            committed = self.book.head and self.book.head.find(one.path)
            how = " in a commit: git rm -rf" if committed else ": rm -r"
            step = f"put back what it was, or remove it{how}"
            if filed is not None and "head" in filed.places and one.path.endswith(b".json"):
                step = "put it back: git checkout HEAD --"
            yield one.path, one.reason, f"{step} {shell_word(one.path)}"

    def _signature_problems(self, filed: FiledRecord) -> Iterator[Problem]:
        """Yield the problem with a record's signatures: the approver whom it names must have made each."""
        content, path, who = filed.record.content, filed.path, filed.record.approver
        approver = self.book.settings.named(who)
        keys = approver.keys if approver else ()
        # The base, HEAD and the working tree may have different signatures; each must be valid.
        bad = [one for one in filed.signatures if verify(content, one, keys) is None]
        if (approver and not bad) or (approver is None and filed.id in self.book.log.revoked):
            return
        unknown = f"{who} is not an approver in the policy"
        problem = f"its signature is by no key of {who}" if approver else unknown
        if "base" in filed.places and all(_is_valid_signature(content, one) for one in bad):
            # People leave, and keys are replaced; the signature was verified on its way into the base.
            self.notes.append(f"{path_text(path)} is in the base, and {problem}")
        elif approver is None:
            end = f", or revoke it: {_REVOKE % filed.id[:12]}" if isinstance(filed.record, Approval) else ""
            yield path, problem, f"add {who} to [approvals]{end}"
        else:
            yield path + b".sig", problem, f"remove it in a commit; then {who} {approver.proof_of(filed.id)}"


def _is_valid_signature(content: bytes, signature: bytes) -> bool:
    """Return True if a signature is valid for the key that it contains."""
    blob = claimed_key(signature) or b""
    encoded = binascii.b2a_base64(blob, newline=False).decode("ascii")
    keys = [f"{kind} {encoded}" for kind in KEY_TYPES if has_key_type(blob, kind)]
    return verify(content, signature, keys) is not None
