"""Signatures over records, made and verified by `ssh-keygen -Y`.

A signature counts for one namespace alone, so one that was made for anything else, such as a commit, is none
here. It is compared with the keys of one person, which the caller has from a trusted policy; nothing that
comes with a record or its signature says who signed. The program sees a private folder and an environment
that is built from nothing.
"""

from __future__ import annotations

import binascii
import os

from specguard.approvals.people import key_blob, public_part
from specguard.change.repository import find_program, search_path
from specguard.errors import MissingFact, Needed, SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import CompletedProcess
    from typing import Final

    from specguard.approvals.people import Approver
    from specguard.approvals.record import Approval, Revocation


NAMESPACE: Final = "specguard-approval@v1"
"""What a signature is for; `ssh-keygen` binds it into what is signed."""

VERIFYING: Final = 10
"""For how many seconds a signature may be verified."""

SIGNING: Final = 300
"""For how many seconds a person may be asked for a passphrase, or to touch a security key."""

_PRINCIPAL: Final = "approver"
"""The one name that is verified: which person it is follows from the keys that are asked about."""

_REFUSED: Final = 255
"""What `ssh-keygen` ends with where a signature does not hold."""

_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
_END: Final = b"-----END SSH SIGNATURE-----"
_MAGIC: Final = b"SSHSIG\0\0\0\1"
"""How the bytes of a signature begin: its magic, and version 1 (PROTOCOL.sshsig of OpenSSH)."""


def sign(content: bytes, key: str) -> bytes:
    """The signature of some bytes, armoured. A passphrase is asked for on the terminal.

    Args:
        content: what is signed.
        key: the file of a private key, or of a public one whose private half is beside it or with an agent.

    Raises:
        SpecguardError: the key cannot sign, or `ssh-keygen` is not there.
    """
    file = os.path.abspath(key)
    if not os.path.isfile(file):
        raise SpecguardError(
            f"there is no key {key}",
            help="name its file, such as ~/.ssh/id_ed25519, or its .pub with an agent",
            code="signing-failed",
        )
    # The program runs in a folder of its own.
    socket = os.environ.get("SSH_AUTH_SOCK")
    agent = {"SSH_AUTH_SOCK": os.path.abspath(socket)} if socket else {}
    words = ["-Y", "sign", "-f", file, "-n", NAMESPACE, "record"]
    with Needed():
        done, signature = _run("nothing can be signed", words, {"record": content}, agent, limit=SIGNING)
    if done is None or done.returncode or signature is None:
        raise _not_signed(key, done)
    return signature


def signer(
    content: bytes, signature: bytes, keys: Sequence[str], *, namespace: str = NAMESPACE
) -> str | None:
    """The one of some public keys that signed; None where none of them did.

    Args:
        content: what was signed.
        signature: the signature, armoured.
        keys: public keys as `.pub` files have them.
        namespace: what the signature is for.

    Raises:
        MissingFact: `ssh-keygen` is not there, or cannot tell.
    """
    blob = signed_with(signature)
    # The key that a signature names is one claim of many: it only says which key to verify it with.
    key = next((key for key in keys if blob is not None and key_blob(key) == blob), None)
    if key is None:
        return None
    allowed = f'{_PRINCIPAL} namespaces="{namespace}" {public_part(key)}\n'.encode()
    words = ["-Y", "verify", "-f", "signers", "-I", _PRINCIPAL, "-n", namespace, "-s", "signature"]
    files = {"signers": allowed, "signature": signature}
    done, _ = _run("no signature can be verified", words, files, {}, content, limit=VERIFYING)
    if done is None:
        raise MissingFact(
            f"ssh-keygen did not verify a signature within {VERIFYING} seconds", code="time-limit"
        )
    if done.returncode not in (0, _REFUSED):
        raise MissingFact(
            f"ssh-keygen cannot verify signatures: {_said(done)}", _INSTALL, code="signing-failed"
        )
    return key if done.returncode == 0 else None


def signed_with(signature: bytes) -> bytes | None:
    """The public key that a signature names, which proves nothing yet; None where it is no signature.

    Args:
        signature: armoured or not, and of any namespace: that of a signed commit has the same form.
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


_INSTALL: Final = "install OpenSSH 8.2 or later"


def _run(
    nothing: str,
    words: Sequence[str],
    files: Mapping[str, bytes],
    more: Mapping[str, str],
    stdin: bytes = b"",
    *,
    limit: int,
) -> tuple[CompletedProcess[bytes] | None, bytes | None]:
    """Run `ssh-keygen` in a private folder.

    Args:
        nothing: what cannot be done without it, as a clause.
        words: its arguments; the names in them are those of files in the folder.
        files: their contents.
        more: variables beside those that it always has.
        stdin: what it reads.
        limit: how many seconds it may take.

    Returns:
        What it did, None where it took too long; and the signature of `record` that it left, if any.

    Raises:
        MissingFact: it is not there, or cannot be run.
    """
    import subprocess
    import tempfile

    program = find_program("ssh-keygen", os.environ)
    if program is None:
        raise MissingFact(f"ssh-keygen is not there, so {nothing}", _INSTALL, code="program-missing")
    try:
        with tempfile.TemporaryDirectory(prefix="specguard-") as folder:
            for name, content in files.items():
                with open(os.path.join(folder, name), "xb") as stream:
                    stream.write(content)
            done = subprocess.run(
                [program, *words],
                cwd=folder,
                env={"PATH": search_path(program), "LC_ALL": "C", **more},
                input=stdin,
                capture_output=True,
                timeout=limit,
                check=False,
            )
            made = os.path.join(folder, "record.sig")
            if not os.path.isfile(made):
                return done, None
            with open(made, "rb") as stream:
                return done, stream.read()
    except subprocess.TimeoutExpired:
        return None, None
    except OSError as error:
        raise MissingFact(
            f"{nothing}: {error.strerror}",
            "set TMPDIR to a folder that can be written",
            code="signing-failed",
        ) from error


def _not_signed(key: str, done: CompletedProcess[bytes] | None) -> SpecguardError:
    if done is None:
        return SpecguardError(
            f"{key} did not sign within {SIGNING} seconds",
            help="try again, or hold it in an agent: ssh-add",
            code="time-limit",
        )
    said = _said(done)
    if "incorrect passphrase" in said:
        return SpecguardError(
            f"{key} cannot sign: its passphrase was not given, or is another one",
            help=f"run this on a terminal, or `ssh-add {key}` before",
            code="signing-failed",
        )
    return SpecguardError(
        f"{key} cannot sign: {said}", help=f"try `ssh-keygen -y -f {key}`", code="signing-failed"
    )


def _said(done: CompletedProcess[bytes]) -> str:
    """The last line of what it complained about: a warning's frame stands before it."""
    lines = done.stderr.decode("utf-8", "backslashreplace").split("\n")
    return next(
        (line.strip() for line in reversed(lines) if line.strip()), f"it ended with {done.returncode}"
    )


def sign_as(approver: Approver, record: Approval | Revocation, key: str) -> bytes:
    """An approver's signature over a record.

    Args:
        approver: whose key it must be, by the policy.
        record: what is signed.
        key: the key's file, as `specguard.approvals.signatures.sign` takes it.

    Raises:
        SpecguardError: the key cannot sign, or is another one.
    """
    if not approver.keys:
        raise SpecguardError(
            f"the policy names no key of {approver.name}",
            help=f"add `key` to the table of {approver.name} in [approvals]",
            code="signing-failed",
        )
    signature = sign(record.content, key)
    with Needed():
        known = signer(record.content, signature, approver.keys)
    if known is None:
        raise SpecguardError(
            f"the policy names another key of {approver.name}",
            path=key,
            help=f"sign with the one that it names: {approver.keys[0][:60]}",
            code="signing-failed",
        )
    return signature
