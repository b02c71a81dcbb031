"""Approvers, the authors of a change, and the test if an approver is one of them.

Anybody can write any name or address into a commit, so these never grant a right. A name only takes the right
to approve away from the named person. An author is exempt only by a platform account or a key's signature.

Signatures are made and verified by `ssh-keygen -Y`, in a private folder with its own environment. A signature
is valid for one namespace only: that of a commit does not sign a record. It is compared with one person's
keys from a trusted policy; data within the signature never identifies the signer.
"""

from __future__ import annotations

import binascii
import os
import re
from functools import partial

from specguard.change.change import Bookkeeping, Change
from specguard.change.entries import Commit, is_record
from specguard.change.repository import find_program, search_path
from specguard.declaration.rule import Settings, required, setting
from specguard.errors import MissingFact, Needed, NotApplicable, SpecguardError, if_known
from specguard.model import TYPE_CHECKING, Record, RuleResult, cached_method

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from subprocess import CompletedProcess
    from typing import Any, Final, Literal

    from specguard.approvals.log import FiledRecord
    from specguard.approvals.record import Approval, Revocation
    from specguard.authority.policy import RuleInPolicy
    from specguard.change.git import Git


KEY_TYPES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""The key types that `ssh-keygen -Y` signs with."""


def key_problem(key: str) -> str:
    """Return the problem with a public key, as a clause; empty if there is none."""
    kind = key.partition(" ")[0]
    if kind in KEY_TYPES and has_key_type(key_blob(key), kind) and not any(char < " " for char in key):
        return ""
    return f"the key {key[:40]!r} is not one line of a `.pub` file, such as {KEY_TYPES[0]} AAAA..."


def public_part(key: str) -> str:
    """Return a key without its comment."""
    return " ".join(key.split()[:2])


def key_blob(key: str) -> bytes:
    """Return the bytes of a key; empty if it is not a key."""
    words = key.split()
    try:
        return binascii.a2b_base64(words[1].encode("ascii"), strict_mode=True) if len(words) > 1 else b""
    except (binascii.Error, UnicodeEncodeError):
        return b""


def has_key_type(blob: bytes, kind: str) -> bool:
    """Return True if the bytes begin with a key type, as RFC 4253 section 6.6 encodes it, and a key."""
    name = kind.encode()
    head = len(name).to_bytes(4, "big") + name
    return blob.startswith(head) and len(blob) > len(head) + 8


class Approver(Settings):
    """A person who may approve."""

    name: str = required("the name for `--approved-by`", min_length=1)
    emails: list[str] = setting([], "commit addresses")
    logins: list[str] = setting([], "platform accounts")
    key: str | list[str] = setting("", "public SSH keys, as in a `.pub` file")
    may: list[str] = required(
        "what they may lift: codes (`PTH002`), names, or families (`PTH`). Rules that "
        "need a signature must be named",
        min_length=1,
        tightens="fewer",
        selectors=True,
    )

    def problem(self) -> str:
        """Return the problem with the keys, as a clause; empty if there is none."""
        return next((f"in `key`, {problem}" for key in self.keys if (problem := key_problem(key))), "")

    @property
    def keys(self) -> Sequence[str]:
        """The public keys as they are written."""
        return [self.key] if self.key and isinstance(self.key, str) else list(self.key)

    def proof_of(self, record: str) -> str:
        """Return what the person does to prove a record, by its id, as the rest of a sentence."""
        sign = [f"signs it with `specguard approvals sign {record[:12]} --key FILE`"] if self.keys else []
        review = ["approves the judged commit on the platform"] if self.logins else []
        return " or ".join(sign + review) or "has a key or an account in the policy, which names none"

    def covers(self, rule: RuleInPolicy) -> bool:
        """Return True if the person may lift a rule's findings; one that needs a signature must be named."""
        named = {rule.code, rule.name} if rule.signed else {rule.code, rule.name, rule.code[:3]}
        return not named.isdisjoint(self.may)


class ApprovalSettings(Settings):
    """Approvals: their log, their limits, and who may give them."""

    log: str = setting(".specguard/approvals/", "the folder of the log", min_length=1, path="folder")
    max_days: int = setting(30, "the most days an approval lasts", ge=1, tightens="lower")
    scopes: list[Literal["change", "paths"]] = setting(
        ["change", "paths"], "what an approval may be bound to", min_length=1, tightens="fewer"
    )
    two_persons: list[str] = setting(
        [], "rules or families that need two persons", tightens="more", selectors=True
    )
    approver: list[Approver] = setting([], "the people who may approve", tightens="fewer")

    def named(self, name: str) -> Approver | None:
        """Return the approver with this name; None if there is none."""
        return next((approver for approver in self.approver if approver.name == name), None)

    def able(self, rule: RuleInPolicy) -> list[Approver]:
        """Return the approvers who may lift a rule's findings."""
        return [one for one in self.approver if rule.approvable and one.covers(rule)]

    def persons_for(self, code: str, name: str) -> int:
        """Return the number of persons that must approve a rule's findings."""
        return 1 if {code, name, code[:3]}.isdisjoint(self.two_persons) else 2


def approval_problems(settings: Any) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
    """Yield conflicts between the table's values: one person must not count as two.

    Yields:
        The key, the problem as a clause, and the next step.
    """
    seen: dict[tuple[str, str], int] = {}
    for index, approver in enumerate(settings.approver):
        for what, value in _identities(approver):
            other = seen.setdefault((what, value), index)
            if other != index:
                message = f"has the {what} of {settings.approver[other].name!r}"
                step = "give each person one table, with all their addresses and keys"
                yield ("approvals", "approver", index), message, step


def _identities(approver: Approver) -> Iterator[tuple[str, str]]:
    yield "name", approver.name.casefold()
    yield from (("address", email.casefold()) for email in approver.emails)
    yield from (("login", login.casefold()) for login in approver.logins)
    yield from (("key", public_part(key)) for key in approver.keys)


_IDENTITY: Final = re.compile(r"([^<]*)<([^<>]*)>")
_CO_AUTHOR: Final = re.compile(r"(?im)^[ \t]*co-?authored-by[ \t]*:[ \t]*(.*(?:\n[ \t]+\S.*)*)$")
_NEXT_PERSON: Final = re.compile(r"(?<=>)[\s,;&]+")
_NO_REPLY: Final = re.compile(r"(?P<login>(?:[0-9]+[+-])?(?P<short>[^@+]+))@(?:users\.)?noreply\.[a-z0-9.-]+")
"""The private addresses of GitHub (`1+ann@`), GitLab (`1-ann@`) and Gitea (`ann@noreply.`)."""
SIGNATURE: Final = re.compile(rb"^gpgsig(?:-sha256)? (.*(?:\n .*)*)", re.MULTILINE)
_IDENTITY_SETTINGS: Final = r"^(user|author|committer)\.(name|email)$"


class Person(Record, kw_only=True):
    """Somebody who took part in a change.

    Attributes:
        name, email: as the commit or the configuration has them; either may be empty.
        login: the account on the platform; empty if it is not known.
        key: the bytes of the public key that the commit is signed with; empty without one.
        part: the person's part, as `the author of commit 0123456789ab`.
    """

    name: str = ""
    email: str = ""
    login: str = ""
    key: bytes = b""
    part: str

    def match_approver(self, approver: Approver) -> str:
        """Return the evidence that this person is the approver, as a clause; empty if there is none."""
        if self.email and _plain_address(self.email) in map(_plain_address, approver.emails):
            return f"by the address {self.email}"
        if self.key and self.key in {key_blob(key) for key in approver.keys}:
            return "by the key that it is signed with"
        alias = _NO_REPLY.fullmatch(self.email.casefold())
        for login in filter(None, (self.login.casefold(), *(alias.groups() if alias else ()))):
            if login in map(str.casefold, approver.logins):
                return f"by the account {login}"
        if self.name.strip() and self.name.casefold().split() == approver.name.casefold().split():
            return f"by the name {self.name}"
        return ""


def find_part(approver: Approver, people: Sequence[Person]) -> str:
    """Return an approver's part in a change, as a clause; empty if none is known."""
    found = ((person.part, person.match_approver(approver)) for person in people)
    return next((f"{approver.name} is {part}, {evidence}" for part, evidence in found if evidence), "")


def find_people(change: Change, folder: bytes, *, squashed: bool = False) -> Sequence[Person]:
    """Return the people who took part in a change, beyond filing approvals and merging it with the base.

    Args:
        change: the judged change.
        folder: the log's folder.
        squashed: True if the platform squashes a branch into one commit. That commit then names the author of
            every commit as a co-author, even if one only filed the approval.

    Raises:
        MissingFact: a commit cannot be read, or has no address of its author or committer.
    """
    bookkeeping = Bookkeeping(change, log=folder, runs=bytes, squash=squashed)
    try:
        commits = [one for one in change.commits if not bookkeeping.is_all_of(one)]
    except NotApplicable:
        only_files = change.stage == "staged" and all(map(bookkeeping.files, change.entries))
        return [] if only_files else list(_pending_committers(change))
    people: list[Person] = []
    for commit in (one for one in commits if one.oid not in change.plain_merges):
        filed = squashed and any(is_record(entry.path, folder) for entry in commit.own_entries)
        people += _people_of_commit(commit, change.git, co_authors=not filed)
    if change.author_login:
        people.append(Person(login=change.author_login, part="the author of the pull request"))
    return people


def _people_of_commit(commit: Commit, git: Git, *, co_authors: bool) -> Iterator[Person]:
    which = f"commit {commit.oid[:12]}"
    for part, text in (("author", commit.author), ("committer", commit.committer)):
        yield _person(text, f"the {part} of {which}")
    for match in _CO_AUTHOR.finditer(commit.message.text) if co_authors else ():
        for text in _NEXT_PERSON.split(match[1]):
            yield _person(text, f"a co-author of {which}", strict=False)
    signature = SIGNATURE.search(git.object(commit.oid)[1].partition(b"\n\n")[0])
    if signature and (key := claimed_key(signature[1].replace(b"\n ", b"\n"))):
        yield Person(key=key, part=f"the signer of {which}")


def _person(text: str, part: str, *, strict: bool = True) -> Person:
    match = _IDENTITY.fullmatch(text.strip())
    name, email = match.groups() if match else (text, "" if strict else text)
    if strict and not email.strip():
        raise MissingFact(f"{part} has no address, so nobody can tell who it is", code="no-identity")
    return Person(name=name.strip(), email=email.strip(), part=part)


def _pending_committers(change: Change) -> Iterator[Person]:
    """Yield the people whom git would record as author and committer of uncommitted changes."""
    repository = change.git.repository
    settings = dict(repository.settings(_IDENTITY_SETTINGS))
    environment = repository.environment
    for part in ("author", "committer"):
        name, email = (
            environment.get(f"GIT_{part.upper()}_{what.upper()}")
            or settings.get(f"{part}.{what}")
            or settings.get(f"user.{what}")
            or (environment.get("EMAIL", "") if what == "email" else "")
            for what in ("name", "email")
        )
        yield Person(name=name, email=email, part=f"the {part} of what is to be committed")


def _plain_address(email: str) -> str:
    """Normalize an address: ignore case, and the part of the local name after a plus sign."""
    local, _, host = email.strip().casefold().rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}" if host else email.casefold()


EXEMPTIBLE: Final = ("CMT", "PRQ")
"""The rule families from which an author may be exempt; rules that guard hold for everybody."""


class Author(Settings):
    """Somebody, such as a bot, whose commit messages and pull requests are not the team's."""

    logins: list[str] = setting(
        [], "accounts, if the platform's event says who opened the pull request", tightens="fewer"
    )
    keys: list[str] = setting([], "public SSH keys, if one has signed each commit", tightens="fewer")
    exempt: list[str] = setting(
        ["CMT", "PRQ"],
        "what does not hold for them: these families or their codes",
        min_length=1,
        tightens="fewer",
    )

    def problem(self) -> str:
        """Return the problem with the settings, as a clause; empty if there is none."""
        other = next((one for one in self.exempt if not one.startswith(EXEMPTIBLE)), None)
        if other is not None:
            return f"`exempt` names {other!r}, and an author is exempt only of {' and '.join(EXEMPTIBLE)}"
        if not self.logins and not self.keys:
            return "it has neither `logins` nor `keys`, by which the author would be known"
        return next((f"in `keys`, {problem}" for key in self.keys if (problem := key_problem(key))), "")


def apply_exemptions(results: Sequence[RuleResult], change: Change, authors: Mapping[str, Author]) -> str:
    """Discard the results of rules from which the known author of a change is exempt.

    Args:
        results: the results of the rules; some are changed in place.
        change: the judged change.
        authors: the policy's table.

    Returns:
        A note on the failures that remain, if a bot opened the pull request or no account is known; else
        empty.
    """
    for name, author in authors.items():
        exempt = [one for one in results if not {one.code, one.code[:3]}.isdisjoint(author.exempt)]
        affected = [one for one in exempt if one.state in ("failed", "warned", "indeterminate")]
        # Without evidence, an author is not exempt.
        known = if_known(partial(_author_evidence, author, change), "") if affected else ""
        for result in affected if known else ():
            result.state, result.findings = "not-applicable", []
            result.reason = f"{name} made the change, as {known} shows, and is exempt ([authors.{name}])"
    login, kind = change.author_login, change.event.kind
    failed = ", ".join(one.code for one in results if one.code[:3] in EXEMPTIBLE and one.state == "failed")
    # GitHub's coding agent is the only bot whose account has a plain name.
    if failed and (login == "Copilot" or login.endswith("[bot]")):
        return f"{login} opened this; an [authors.NAME] with it in `logins` can be exempt from {failed}."
    if failed and kind in ("merge_group", "push") and any(one.logins for one in authors.values()):
        step = "if pull requests are judged before, leave `range` out of the `stages` of these rules"
        return f"No account is known here, so [authors] exempts nobody from {failed}; {step}."
    return ""


def _author_evidence(author: Author, change: Change) -> str:
    """Return the evidence that an author made a change; empty if there is none."""
    if change.author_login and change.author_login.casefold() in {one.casefold() for one in author.logins}:
        return "the platform's event"
    commits = change.commits if author.keys else ()
    if commits and all(is_signed(change.git, commit.oid, tuple(author.keys)) for commit in commits):
        return "the signature of each commit"
    return ""


@cached_method
def is_signed(git: Git, oid: str, keys: tuple[str, ...]) -> bool:
    """Return True if one of these public SSH keys has signed a commit; verifying starts a process.

    Raises:
        MissingFact: `ssh-keygen` is missing, or fails.
    """
    content = git.object(oid)[1]
    found = SIGNATURE.search(content, 0, content.find(b"\n\n") + 1)
    if found is None:
        return False
    signed = content[: found.start()] + content[found.end() + 1 :]
    return verify(signed, found[1].replace(b"\n ", b"\n"), keys, namespace="git") is not None


NAMESPACE: Final = "specguard-approval@v1"
"""The namespace of signatures; `ssh-keygen` includes it in the signed data."""

VERIFY_TIMEOUT: Final = 10
"""The timeout in seconds for verifying a signature."""

SIGN_TIMEOUT: Final = 300
"""The timeout in seconds for signing, in which a person may enter a passphrase or touch a security key."""

_PRINCIPAL: Final = "approver"
"""The only name that is verified: the keys that are passed identify the person."""

_INVALID_SIGNATURE: Final = 255
"""The exit code of `ssh-keygen` for an invalid signature."""

_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
_END: Final = b"-----END SSH SIGNATURE-----"
_MAGIC: Final = b"SSHSIG\0\0\0\1"
"""The first bytes of a signature: its magic, and version 1 (PROTOCOL.sshsig of OpenSSH)."""


def sign(content: bytes, key: str) -> bytes:
    """Return the armoured signature of some bytes. A passphrase is asked for on the terminal.

    Args:
        content: the bytes to sign.
        key: the file of a private key, or of a public one whose private half is beside it or with an agent.

    Raises:
        SpecguardError: the key cannot sign, or `ssh-keygen` is missing.
    """
    arguments = ["-Y", "sign", "-f", os.path.abspath(key), "-n", NAMESPACE]
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    with Needed():
        done = _keygen("nothing can be signed", arguments, content, SIGN_TIMEOUT, agent)
    if done.returncode or not done.stdout.startswith(_BEGIN):
        from specguard.declaration.look_alikes import shell_word

        word = shell_word(key.removesuffix(".pub"))
        steps = f"try `ssh-keygen -y -f {word}`, or hold it in an agent: `ssh-add {word}`"
        help = steps if os.path.lexists(key) else "check its name"
        raise SpecguardError(f"{key} cannot sign: {_error_line(done)}", help=help, code="signing-failed")
    return done.stdout


def verify(
    content: bytes, signature: bytes, keys: Sequence[str], *, namespace: str = NAMESPACE
) -> str | None:
    """Return the one of some public keys that made a signature; None if no key did.

    Args:
        content: the signed bytes.
        signature: the signature, armoured.
        keys: public keys as `.pub` files have them.
        namespace: the namespace of the signature.

    Raises:
        MissingFact: `ssh-keygen` is missing, or fails.
    """
    blob = claimed_key(signature)
    # The key within a signature is only a claim: it selects the key to verify with.
    key = next((key for key in keys if blob is not None and key_blob(key) == blob), None)
    if key is None:
        return None
    signers = f'{_PRINCIPAL} namespaces="{namespace}" {public_part(key)}\n'.encode()
    arguments = ["-Y", "verify", "-f", "signers", "-I", _PRINCIPAL, "-n", namespace, "-s", "signature"]
    failure = "no signature can be verified"
    done = _keygen(failure, arguments, content, VERIFY_TIMEOUT, signers=signers, signature=signature)
    if done.returncode not in (0, _INVALID_SIGNATURE):
        raise MissingFact(
            f"ssh-keygen cannot verify signatures: {_error_line(done)}", _INSTALL_HELP, code="signing-failed"
        )
    return key if done.returncode == 0 else None


def signing_key(filed: FiledRecord, keys: Sequence[str]) -> str | None:
    """Return the first of some public keys that made a signature of a record; None if there is none.

    Raises:
        MissingFact: a signature cannot be verified.
    """
    found = (verify(filed.record.content, signature, keys) for signature in filed.signatures)
    return next(filter(None, found), None)


def claimed_key(signature: bytes) -> bytes | None:
    """Return the public key that a signature contains, which proves nothing yet; None if it has none.

    Args:
        signature: the signature, armoured or not, of any namespace: signed commits have the same format.
    """
    if signature.lstrip().startswith(_BEGIN):
        armoured, end, _ = signature.lstrip()[len(_BEGIN) :].partition(_END)
        try:
            signature = binascii.a2b_base64(b"".join(armoured.split()), strict_mode=True) if end else b""
        except binascii.Error:
            return None
    if not signature.startswith(_MAGIC):
        return None
    start = len(_MAGIC) + 4
    size = int.from_bytes(signature[len(_MAGIC) : start])
    key = signature[start : start + size]
    return key if key and len(key) == size else None


_INSTALL_HELP: Final = "install OpenSSH 8.2 or later"


def _keygen(
    consequence: str, arguments: Sequence[str], stdin: bytes, timeout: int, agent: str = "", **files: bytes
) -> CompletedProcess[bytes]:
    """Run `ssh-keygen` in a private folder.

    Args:
        consequence: the consequence if it fails, as a clause for messages.
        arguments: its arguments; file names in them are relative to the folder.
        stdin: the input.
        timeout: the timeout in seconds.
        agent: the socket of an agent with keys; empty for none.
        files: the files of the folder, by name.

    Raises:
        MissingFact: the program is missing, cannot be run, or times out.
    """
    import subprocess
    import tempfile

    program = find_program("ssh-keygen", os.environ)
    if program is None:
        raise MissingFact(f"ssh-keygen is not there, so {consequence}", _INSTALL_HELP, code="program-missing")
    variables = {"SSH_AUTH_SOCK": os.path.abspath(agent)} if agent else {}
    try:
        with tempfile.TemporaryDirectory(prefix="specguard-") as folder:
            for name, content in files.items():
                with open(os.path.join(folder, name), "xb") as stream:
                    stream.write(content)
            return subprocess.run(
                [program, *arguments],
                cwd=folder,
                env={"PATH": search_path(program), "LC_ALL": "C", **variables},
                input=stdin,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise MissingFact(f"{consequence}: ssh-keygen took {timeout} seconds", code="time-limit") from error
    except OSError as error:
        reason, step = f"{consequence}: {error.strerror}", "set TMPDIR to a folder that can be written"
        raise MissingFact(reason, step, code="signing-failed") from error


def _error_line(done: CompletedProcess[bytes]) -> str:
    """Return the last line of stderr, or the exit code; a warning's frame precedes that line."""
    lines = done.stderr.decode("utf-8", "backslashreplace").strip().split("\n")
    return lines[-1].strip() or f"it ended with {done.returncode}"


def sign_as(approver: Approver, record: Approval | Revocation, key: str) -> bytes:
    """Return an approver's signature over a record.

    Args:
        approver: the approver, whose keys the policy has.
        record: the record.
        key: the key's file, as `sign` takes it.

    Raises:
        SpecguardError: the key cannot sign, or is not one of the approver's.
    """
    signature = sign(record.content, key)
    if verify(record.content, signature, approver.keys) is None:
        message = f"the policy names another key of {approver.name}, or none"
        help = f"sign with that one, or name this one in `key` of {approver.name}'s table in [approvals]"
        raise SpecguardError(message, path=key, help=help, code="signing-failed")
    return signature
