"""What a command prints: as text that is not obeyed, and without its secrets."""

import base64
import itertools
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest

from specguard.executor.command_output import PlainText, RedactedStream, Redactor
from tests.rows import rows
from tests.taking import grows_with_length

VALUE = "q7/Rt+Zw9&xKe2Lm=Vb4"
ENVIRONMENT = {"DEPLOY_TOKEN": VALUE, "PATH": "/usr/bin:/bin", "HOME": "/root"}


DRAWN = random.Random(7)


def token(prefix: str, length: int) -> str:
    """What has the form of a token, made here, so that no file of this repository holds one."""
    return prefix + "".join(DRAWN.choices(string.ascii_letters + string.digits, k=length - 1)) + "7"


def in_pieces(redactor: Redactor, text: bytes, *cuts: int) -> bytes:
    stream = RedactedStream(redactor)
    places = (0, *cuts, len(text))
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    return b"".join([stream.feed(piece) for piece in pieces]) + stream.finish()


FORMS = {
    "as it is": VALUE,
    "url-encoded": quote(VALUE, safe=""),
    "hexadecimal": VALUE.encode().hex(),
    "base64": base64.b64encode(VALUE.encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(VALUE.encode()).decode(),
    "base64 of more": base64.b64encode(f"user:{VALUE}\n".encode()).decode(),
    "base64 of more yet": base64.b64encode(f"users:{VALUE}!!".encode()).decode(),
    "base64 in lines": base64.encodebytes(f"{'x' * 50}{VALUE}{'y' * 50}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_found_in_every_form(form: str) -> None:
    text = f"before\nit is {FORMS[form]} here\nafter\n".encode()
    redacted = Redactor(ENVIRONMENT).redact_bytes(text)
    assert b"[redacted: DEPLOY_TOKEN]" in redacted
    assert redacted.startswith(b"before\nit is ")
    assert redacted.endswith(b"here\nafter\n")
    for length in range(12, len(FORMS[form])):
        piece = FORMS[form][3 : 3 + length].encode()
        assert form == "base64 in lines" or piece not in redacted


@pytest.mark.parametrize("form", ["as it is", "base64", "base64 in lines"])
def test_a_value_that_two_pieces_share_is_found(form: str) -> None:
    text = f"before\nit is {FORMS[form]} here\nafter\n".encode()
    redactor = Redactor(ENVIRONMENT)
    whole = redactor.redact_bytes(text)
    for cut in range(len(text)):
        assert in_pieces(redactor, text, cut) == whole
    assert in_pieces(redactor, text, *range(1, len(text))) == whole


def test_what_is_given_to_a_name_is_taken_out_and_the_name_stays() -> None:
    secret = token("", 24)
    redacted = Redactor({}).redact_bytes(f"export DB_PASSWORD='{secret}'; make\n".encode())
    assert redacted == b"export DB_PASSWORD='[redacted: DB_PASSWORD]'; make\n"


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PRIVATE KEY"]
)
def test_a_private_key_is_taken_out_with_all_of_its_lines(kind: str) -> None:
    lines = [token("M", 63) for _ in range(26)]
    key = "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"))
    text = f"$ cat key\n{key}\n$ exit\n".encode()
    redactor = Redactor({})
    assert redactor.redact_bytes(text) == b"$ cat key\n[redacted: Private Key]\n$ exit\n"
    for cut in range(0, len(text), 37):
        assert in_pieces(redactor, text, cut) == b"$ cat key\n[redacted: Private Key]\n$ exit\n"
    assert in_pieces(redactor, text, *range(1, len(text))) == b"$ cat key\n[redacted: Private Key]\n$ exit\n"


def test_a_key_without_an_end_is_taken_out_and_a_word_on_keys_is_none() -> None:
    lines = "\n".join(token("M", 63) for _ in range(26))
    text = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n".encode()
    assert in_pieces(Redactor({}), text, 1000) == b"[redacted: Private Key]"
    stream = RedactedStream(Redactor({}))
    text = b"looking for -----BEGIN RSA PRIVATE KEY----- in files\n" + b"nothing found here\n" * 200
    # Nothing of it is kept back.
    assert stream.feed(text) == text


@pytest.mark.parametrize("name", rows(__file__, "variables_that_are_called_secrets"))
def test_variables_that_are_called_secrets(name: str) -> None:
    redacted = Redactor({name: "swordfish7"}).redact_bytes(b"it is swordfish7.")
    assert redacted == f"it is [redacted: {name}].".encode()


def test_each_line_of_a_value_and_the_password_in_a_url_are_secrets() -> None:
    lines = [token("M", 63) for _ in range(3)]
    redactor = Redactor({"SIGNING_KEY": "\n".join(lines), "DATABASE": "postgres://me:swordfish@db/main"})
    redacted = redactor.redact_bytes("\n".join(f"    {line}" for line in lines).encode())
    assert redacted == b"\n".join([b"    [redacted: SIGNING_KEY]"] * 3)
    assert redactor.redact_bytes(b"login with swordfish failed") == b"login with [redacted: DATABASE] failed"


@pytest.mark.parametrize("environment", rows(__file__, "what_is_no_secret_stays"))
def test_what_is_no_secret_stays(environment: dict[str, str]) -> None:
    text = b"/srv/project /srv/other /tmp qwertz-layout banana-tree abc enabled %s\n" % (b"4b825dc642" * 4)
    assert Redactor(environment).redact_bytes(text) == text


def test_a_line_without_an_end_is_read_in_bounded_memory_and_nothing_in_it_is_missed() -> None:
    redactor = Redactor(ENVIRONMENT)
    stream = RedactedStream(redactor)
    filling = b"." * 5000
    out = [stream.feed(filling + VALUE.encode() + filling) for _ in range(100)]
    assert max(map(len, out)) < 1 << 18
    whole = b"".join(out) + stream.finish()
    assert VALUE.encode() not in whole
    assert whole.count(b"[redacted: DEPLOY_TOKEN]") == 100
    assert whole.count(b".") == 1_000_000


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKc\n",
        "password = aB3$x9Kq1z\n",
        f"{'a' * 80}\n",
    ],
)
def test_time_grows_with_the_length_alone(line: str) -> None:
    def redacting(chunks: int) -> Callable[[], object]:
        stream = RedactedStream(Redactor(ENVIRONMENT))
        text = line.encode() * (chunks * 4096 // len(line))
        parts = [text[start : start + 4096] for start in range(0, len(text), 4096)]
        return lambda: (*map(stream.feed, parts), stream.finish())

    assert grows_with_length(redacting, 5)


# Output as text


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (b"plain\ttext\n", "plain\ttext\n"),
        ("caf\u00e9 \u4e2d\u6587\n".encode(), "caf\u00e9 \u4e2d\u6587\n"),
        (b"\x1b[31mred\x1b[0m \x1b[2K\x1b[1;1Hend", "red end"),
        (b"10%\r20%\r\n30%\n", "10%\n20%\n30%\n"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\x1b]8;;https://example.org\x1b\\link", "\\x1b]8;;https://example.org\\x1b\\link"),
        (b"a\x00b\x08c\x7f", "a\\x00b\\x08c\\x7f"),
        (b"\xff\xfe not UTF-8", "\\xff\\xfe not UTF-8"),
        ("\u202eevil \u200b \x9b31m".encode(), "\\u202eevil \\u200b \\x9b31m"),
        (b"\x1b", "\\x1b"),
        (b"\x1b[", "\\x1b["),
        (b"end\r", "end\n"),
        (b"\xe4\xb8", "\\xe4\\xb8"),
    ],
)
def test_output_becomes_text(printed: bytes, kept: str) -> None:
    assert PlainText().feed(printed, final=True).decode() == kept
    for cut in range(len(printed)):
        plain = PlainText()
        pieces = plain.feed(printed[:cut]) + plain.feed(printed[cut:]) + plain.feed(final=True)
        assert pieces.decode() == kept
