"""Signatures over records: made and verified with real keys, and what is none."""

import binascii
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specguard.approvals.people import claimed_key, key_blob, sign, verify
from specguard.errors import MissingFact, SpecguardError
from tests.approvals.conftest import Key, MakeKey
from tests.executor.places import program

CONTENT = b'{\n  "approver": "alice"\n}\n'


def raw(signature: bytes) -> bytes:
    return binascii.a2b_base64(b"".join(signature.split(b"-----")[2].split()))


def armoured(signature: bytes) -> bytes:
    body = binascii.b2a_base64(signature, newline=False)
    return b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n" % body


def field(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_what_a_key_signs_is_found_to_be_its_own(make_key: MakeKey, mallory: Key, kind: str) -> None:
    key = make_key(kind)
    signature = sign(CONTENT, key.file)
    assert signature.startswith(b"-----BEGIN SSH SIGNATURE-----\n")
    assert verify(CONTENT, signature, [mallory.public, key.public]) == key.public
    assert claimed_key(signature) == key_blob(key.public)
    assert claimed_key(raw(signature)) == key_blob(key.public)


def test_a_public_key_signs_through_the_private_one_beside_it(alice: Key) -> None:
    assert verify(CONTENT, sign(CONTENT, f"{alice.file}.pub"), [alice.public]) == alice.public


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"a\r\n" * 70_000, CONTENT], ids=["empty", "nul", "long", "one"]
)
def test_any_bytes_can_be_signed_by_one_key(alice: Key, mallory: Key, content: bytes) -> None:
    signature = sign(content, alice.file)
    assert verify(content, signature, [alice.public]) == alice.public
    for keys in ([], [mallory.public]):
        assert verify(content, signature, keys) is None
    for changed in (content + b"\n", b"b" + content[1:]):
        assert verify(changed, signature, [alice.public]) is None


@pytest.mark.parametrize("namespace", ["git", "file", "specguard-approval@v2"])
def test_a_signature_for_something_else_is_none_here(alice: Key, namespace: str) -> None:
    """A signed commit is not an approval, whatever its bytes say."""
    signature = alice.sign(CONTENT, namespace)
    assert claimed_key(signature) == key_blob(alice.public)
    renamed = raw(signature).replace(field(namespace.encode()), field(b"specguard-approval@v1"))
    for forged in (signature, armoured(renamed)):
        assert verify(CONTENT, forged, [alice.public]) is None


def test_a_signature_that_names_anothers_key_is_not_hers(alice: Key, mallory: Key) -> None:
    own = raw(sign(CONTENT, mallory.file))
    forged = armoured(own.replace(field(key_blob(mallory.public)), field(key_blob(alice.public))))
    assert claimed_key(forged) == key_blob(alice.public)
    assert verify(CONTENT, forged, [alice.public, mallory.public]) is None


def test_a_certificate_is_no_key_of_a_person(alice: Key, mallory: Key, tmp_path: Path) -> None:
    """Whoever signs certificates would otherwise choose who approves."""
    key = tmp_path / "key"
    shutil.copy(alice.file, key)
    shutil.copy(f"{alice.file}.pub", f"{key}.pub")
    words = ["ssh-keygen", "-q", "-s", mallory.file, "-I", "x", "-n", "approver", f"{key}.pub"]
    subprocess.run(words, check=True)
    signature = sign(CONTENT, f"{key}-cert.pub")
    assert verify(CONTENT, signature, [alice.public, mallory.public]) is None


def test_keys_with_options_or_more_lines_name_nobody(alice: Key, mallory: Key) -> None:
    signature = sign(CONTENT, mallory.file)
    for key in (
        f"{alice.public}\napprover {mallory.public}",
        f"cert-authority {mallory.public}",
        f'namespaces="*" {mallory.public}',
        "",
        "ssh-ed25519",
        "ssh-ed25519 é",
    ):
        assert verify(CONTENT, signature, [key]) is None, key


def test_what_is_cut_or_changed_is_no_signature(alice: Key) -> None:
    signature = sign(CONTENT, alice.file)
    for size in range(0, len(signature) - 1, 7):
        assert verify(CONTENT, signature[:size], [alice.public]) is None, size
    whole = raw(signature)
    for position in range(0, len(whole), 11):
        changed = bytes([*whole[:position], whole[position] ^ 1, *whole[position + 1 :]])
        assert verify(CONTENT, armoured(changed), [alice.public]) is None, position


def test_a_signature_is_found_as_a_commit_has_it(alice: Key) -> None:
    """Its lines are indented there."""
    signature = sign(CONTENT, alice.file).replace(b"\n", b"\n ")
    assert claimed_key(b" " + signature) == key_blob(alice.public)


def without_terminal(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a session of its own, which has no terminal that could be asked."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )


ASK = """
import sys
from specguard.approvals.people import sign
from specguard.errors import SpecguardError
try:
    sys.stdout.buffer.write(sign({content!r}, {key!r}))
except SpecguardError as error:
    print(f"{{error.message}} / {{error.help}}")
"""


def test_a_passphrase_that_nobody_can_be_asked_for(make_key: MakeKey) -> None:
    """No window is opened for it either, whatever the environment names."""
    key = make_key(passphrase="a phrase").file
    code = ASK.format(content=CONTENT, key=key)
    done = without_terminal(code, DISPLAY=":1", SSH_ASKPASS="/bin/echo", SSH_ASKPASS_REQUIRE="force")
    assert done.stdout.startswith(f"{key} cannot sign: ")
    assert (
        f"incorrect passphrase supplied to decrypt private key / try `ssh-keygen -y -f {key}`" in done.stdout
    )


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent without keys."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("there is no ssh-agent")
    # The path of a socket must be short.
    said = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"SSH_AUTH_SOCK=([^;]+);.*SSH_AGENT_PID=(\d+);", said, re.DOTALL)
    assert found, said
    try:
        yield found[1]
    finally:
        os.kill(int(found[2]), 15)


def test_an_agent_signs_for_a_public_key(make_key: MakeKey, agent: str, tmp_path: Path) -> None:
    key = make_key()
    alone = tmp_path / "alone.pub"
    alone.write_text(f"{key.public}\n")
    code = ASK.format(content=CONTENT, key=str(alone))
    without = without_terminal(code, SSH_AUTH_SOCK=agent)
    assert without.stdout.startswith(f"{alone} cannot sign: No private key found")
    environment = {**os.environ, "SSH_AUTH_SOCK": agent}
    subprocess.run(["ssh-add", "-q", key.file], env=environment, check=True, stdin=subprocess.DEVNULL)
    for socket in (agent, os.path.relpath(agent)):
        done = without_terminal(code, SSH_AUTH_SOCK=socket)
        assert verify(CONTENT, done.stdout.encode(), [key.public]) == key.public


@pytest.mark.parametrize(("name", "said"), [("missing", "its name"), ("a b", "/a b'`"), ("text", "add")])
def test_what_is_no_key_says_so(tmp_path: Path, make_key: MakeKey, name: str, said: str) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "text").write_text("no key\n")
    with pytest.raises(SpecguardError, match=f"{name}") as caught:
        sign(CONTENT, str(tmp_path / name))
    assert said in caught.value.help
    assert "\n" not in caught.value.message


def test_a_key_that_others_can_read_is_refused_with_its_reason(make_key: MakeKey) -> None:
    key = make_key().file
    os.chmod(key, 0o644)
    os.unlink(f"{key}.pub")
    with pytest.raises(SpecguardError, match="cannot sign") as caught:
        sign(CONTENT, key)
    assert "@@@" not in caught.value.message


def test_a_key_file_is_found_from_here_and_never_read_as_an_option(
    alice: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(alice.file, tmp_path / "-oKey")
    monkeypatch.chdir(tmp_path)
    assert verify(CONTENT, sign(CONTENT, "-oKey"), [alice.public]) == alice.public


def test_without_ssh_keygen_nothing_is_signed_and_nothing_verified(
    alice: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = sign(CONTENT, alice.file)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpecguardError, match="ssh-keygen is not there, so nothing can be signed"):
        sign(CONTENT, alice.file)
    with pytest.raises(MissingFact, match="ssh-keygen is not there, so no signature can be verified"):
        verify(CONTENT, signature, [alice.public])
    # Where it is plain without it, it is not needed.
    assert verify(CONTENT, b"none", [alice.public]) is None


def test_one_that_a_change_brings_is_not_run(
    alice: Key, mallory: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder on the path is the judged tree's own."""
    signature = sign(CONTENT, alice.file)
    program(tmp_path / "ssh-keygen", "exit 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert verify(CONTENT + b"x", signature, [alice.public]) is None


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("echo 'unknown option -- Y' >&2; exit 1", "unknown option"),
        ("exec sleep 60", "ssh-keygen took 0.2 seconds"),
    ],
)
def test_one_that_does_not_know_signatures_or_hangs_decides_nothing(
    alice: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, reason: str
) -> None:
    signature = sign(CONTENT, alice.file)
    program(tmp_path / "ssh-keygen", does)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("specguard.approvals.people.VERIFY_TIMEOUT", 0.2)
    with pytest.raises(MissingFact, match=reason):
        verify(CONTENT, signature, [alice.public])


def test_nothing_of_the_environment_is_seen_and_nothing_is_left(
    alice: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = sign(CONTENT, alice.file)
    seen = tmp_path / "seen"
    program(tmp_path / "ssh-keygen", f'(env; echo "$5"; ls -ld "$(dirname "$4")") > {seen}; exit 0')
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/x")
    monkeypatch.setenv("SSH_ASKPASS", "/x")
    assert verify(CONTENT, signature, [alice.public]) == alice.public
    lines = seen.read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names <= {"PATH", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"}
    assert any(line.startswith("drwx------") for line in lines)
    assert list(folder.iterdir()) == []


def test_no_temporary_folder_is_said(alice: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = sign(CONTENT, alice.file)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(SpecguardError, match="nothing can be signed: No such file"):
        sign(CONTENT, alice.file)
    with pytest.raises(MissingFact, match="no signature can be verified: No such file"):
        verify(CONTENT, signature, [alice.public])
