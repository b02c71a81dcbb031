"""What counts as a credential, and what only looks like one (ART016)."""

from __future__ import annotations

import random
import string
import time
from typing import TYPE_CHECKING

import pytest

from specguard.documents.secrets import CredentialFinder
from specguard_rules.artifacts.texts import MOST, credentials

if TYPE_CHECKING:
    from collections.abc import Sequence


def drawn(length: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    """Characters drawn at random, the same each time: no credential stands in this file."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
WIDE = string.ascii_letters + string.digits + "_-"
HEX = "0123456789abcdef"
KEY = "-----BEGIN {}PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJ1c2VyIjo0MiwiZXhwIjoxNzAwMDAwfQ." + drawn(43, WIDE)

FORMS = [
    ("GitHub Token", "ghp_" + drawn(36)),
    ("GitHub Token", "github_pat_" + drawn(22) + "_" + drawn(59)),
    ("GitLab Token", "glpat-" + drawn(20)),
    ("AWS Access Key", "AKIA" + drawn(16, UPPER)),
    ("Artifactory Credentials", "AKCp8" + drawn(60)),
    ("Azure Storage Account access key", "AccountKey=" + drawn(86) + "=="),
    ("Basic Auth Credentials", f"postgres://app:{drawn(16, LOWER, seed=1)}@db.internal:5432/app"),
    ("Discord Bot Token", f"M{drawn(24, seed=1)}.{drawn(6, seed=2)}.{drawn(27, seed=3)}"),
    ("JSON Web Token", JWT),
    ("Mailchimp Access Key", drawn(32, LOWER) + "-us12"),
    ("NPM tokens", "//registry.npmjs.org/:_authToken=npm_" + drawn(36)),
    ("OpenAI Token", "sk-" + drawn(20) + "T3BlbkFJ" + drawn(20)),
    ("OpenAI Token", "sk-proj-" + drawn(40) + "T3BlbkFJ" + drawn(20)),
    ("Anthropic Key", "sk-ant-api03-" + drawn(90, WIDE)),
    ("PyPI Token", "pypi-AgEIcHlwaS5vcmc" + drawn(80)),
    ("SendGrid API Key", f"SG.{drawn(22)}.{drawn(43)}"),
    ("Slack Token", "xoxb-" + "123412341234-" + drawn(24)),
    (
        "Slack Token",
        "https://hooks.slack.com/services/T" + f"{drawn(8, UPPER)}/B{drawn(8, UPPER)}/{drawn(24)}",
    ),
    ("Square OAuth Secret", "sq0csp-" + drawn(43)),
    ("Stripe Access Key", "sk_live_" + drawn(24)),
    ("Telegram Bot Token", "123412341:" + drawn(35)),
    ("Twilio API Key", "SK" + drawn(32, HEX)),
    ("Google API Key", "AIza" + drawn(35)),
    ("Hugging Face Token", "hf_" + drawn(34)),
    ("NPM tokens", "npm_" + drawn(36)),
    ("NPM tokens", "NPM_TOKEN=npm_" + drawn(36)),
    ("Bearer Token", "Authorization: Bearer " + drawn(40)),
    ("Private Key", KEY.format("RSA ") + "\n" + drawn(64)),
    ("Private Key", KEY.format("") + "\\n" + drawn(64)),
    ("Private Key", KEY.format("OPENSSH ") + "\n> " + drawn(64)),
    ("Private Key", KEY.format("RSA ") + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\n" + drawn(64)),
]
NO_FORMS = [
    "A token begins with `ghp_`, and `ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` stands for one.",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAPACIFICREGIONALOFFICE",
    "postgres://user:password@localhost/app and postgres://postgres:postgres@db/app",
    "https://${USER}:${PASSWORD}@example.com, https://<user>:<token1>@host, https://user:$TOKEN1@host",
    "redis://:6379@ and http://localhost:8080/@scope/package1",
    "A file with BEGIN RSA PRIVATE KEY in it, or `-----BEGIN PRIVATE KEY-----`, is refused.",
    KEY.format("") + "\n...\n-----END PRIVATE KEY-----",
    "1700000000:" + drawn(40, HEX),
    "commit " + drawn(40, HEX) + " and sha256:" + drawn(64, HEX),
    '"' + drawn(64) + '"',
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJlbWFpbCI6InVAZXhhbXBsZS5jb20ifQ." + "SflKxwRJSMeKKF2QT4fwpMeJf36POk6y",
    "eyJ is how a token begins, as in eyJhbGciOiJ.x.y",
    "`_phase-f-runtime-execution-pass-01-2026-02-21`/AGENT_1_FINAL_F1_RUNTIME_LIFECYCLE_SEAMS.md:12",
    "Organisation_of_all_classes.method.of_a_very_long_name_indeed_ok",
    "AP1SERVERNAMES and APEXCHARTSXX",
    "Authorization: Bearer <token>, Bearer $TOKEN, Bearer YOUR_ACCESS_TOKEN_GOES_HERE",
    "The bearer responsible-for-everything-here does it.",
    "192.168.10.12 and 8.8.8.8",
]
NAMED = [
    "password: Tr0ub4dor&3",
    "- **Password:** Tr0ub4dor&3",
    "- Password: `Tr0ub4dor&3`",
    "- password: Tr0ub4dor&3 (staging)",
    "| DB_PASSWORD | Tr0ub4dor&3 |",
    "DB_PASSWORD=Tr0ub4dor&3 npm test",
    "export API_KEY=9f8a7b6c5d4e3f2a1b0c",
    'api-key: "9f8a7b6c5d4e3f2a1b0c"',
    '{"client_secret": "9f8a-7b6c-5d4e-3f2a"}',
    "'auth_token' => 'k3Jd82LsP0q',",
    "psql --password Tr0ub4dor&3",
    "psql --db-password=Tr0ub4dor&3",
    "pwd := 'winter24rain'",
    "AWS_SECRET_ACCESS_KEY=" + drawn(40),
    "https://api.test/x?api_key=9f8a7b6c5d4e3f2a&page=2",
    "secret = Summer-2024!rain7",
    "PGPASSWORD='winter24rain' psql",
    "ZOTERO_API_KEY=" + "wcGxeCPThtkWJnvVJQsLt7Lb",
    "ZOTERO\\_API\\_KEY=" + "wcGxeCPThtkWJnvVJQsLt7Lb",
    "DB\\_PASSWORD: " + "x9Kq2Lm7\\_pR4t",
    "password: Tr0ub4dor&3  # pragma: allowlist secret",
    "<!-- password: Tr0ub4dor&3 -->",
]
NOT_NAMED = [
    "password: <placeholder>",
    "password: $PASSWORD",
    "password: ${DB_PASSWORD_2}",
    "password: {{ db.password1 }}",
    "password: %DB_PASS1%",
    "password: example1234",
    "password: changeme123",
    "password: your-password-1",
    "password: password123",
    "password: ********",
    "password: hunter2",
    "password: short1",
    "password: 'SecurePass123!'",
    "password: admin123",
    "password: Summer2024",
    "password: p-123456",
    'password = "hardcoded-12!3"',
    "X-API-Key: abc123def456",
    "PWD=/home/a1/b2c3d4/e5f6",
    "password: null",
    "password: string",
    "password: 20240101",
    "password: Use2FAeverywhere and tell nobody about it",
    "Secret: OAuth2-based sign-in.",
    "secret: OAuth2Provider",
    "secret: SecretManagerV2ProviderFactory",
    "api_key: process.env.API_KEY_2",
    'api_key: os.environ["API_KEY2"]',
    "api_key = settings.services.api2.key",
    "api_key = getSecret(2)",
    "api_key: vault:kv/app1/key",
    "api_key: op://vault1/item2/field3",
    "api_key: arn:aws:secretsmanager:eu-1:12:secret:a1b2c3",
    "secret: docs/secrets/v2.md:12",
    "secret: packages/auth2/src/password3.ts#L12",
    "secret_name: prod-db-7f3a9c2e1b",
    "secret_sha256: " + drawn(64, HEX),
    "password_changed_at: 2024-01-01T10:00:00Z",
    "password_hash: $2b$12$abcdefghijkl",
    "client_secret: oauth2-client-secret-v2",
    "api_key: AKIAIOSFODNN7EXAMPLE",
    "The password is checked by `checkPassword(p4ssw0rd)`.",
    "- secret: the one that step 2 wrote to k8s",
    "private_key: ./certs/key2.pem",
    "tokens: 12345 of 200000",
    "token: canonical_owner_key=docs:freshness:maintain",
    "passwordPolicy: NIST80063Bv4x2",
    "API_KEY: ${{ secrets.API_KEY_2024 }}",
    "pwd: /home/me/project2/src1",
]


def told(text: str, allowed: Sequence[str] = ()) -> list[tuple[str, int]]:
    found = credentials(text.encode(), CredentialFinder(), lambda value: value in allowed)
    return [(kind, line) for kind, line, _ in found]


@pytest.mark.parametrize(("kind", "text"), FORMS)
@pytest.mark.parametrize("around", ["{}", "\n- Use `{}` here.\n", '\n{{"key": "{}"}}\n', "\n> x={} y\n"])
def test_forms(kind: str, text: str, around: str) -> None:
    assert (kind, 1 + around[0:1].count("\n")) in told(around.format(text))


@pytest.mark.parametrize("text", NO_FORMS)
def test_what_stands_for_a_form_is_none(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize("text", NAMED)
def test_values_of_names(text: str) -> None:
    assert told(f"# Brief\r\n\r\n{text}\r\n\r\nMore.\r\n") == [("Secret Keyword", 3)]
    assert told(text) == [("Secret Keyword", 1)]


@pytest.mark.parametrize("text", NOT_NAMED)
def test_values_that_are_no_credentials(text: str) -> None:
    assert told(f"# Brief\n\n{text}\n\nMore.\n") == []
    assert told(text) == []


def test_a_value_is_never_shown() -> None:
    for _, text in FORMS:
        for _, _, shown in credentials(text.encode(), CredentialFinder(), lambda _: False):
            assert drawn(8)[4:] not in shown
    for text in NAMED:
        for _, _, shown in credentials(text.encode(), CredentialFinder(), lambda _: False):
            assert "Tr0ub4dor" not in shown
            assert "9f8a" not in shown


def test_what_is_allowed_is_left_out() -> None:
    token = "ghp_" + drawn(36)
    assert told(f"{token}\n", [token]) == []
    assert told("password: Tr0ub4dor&3\n", ["Tr0ub4dor&3"]) == []


def test_one_of_a_kind_a_line_and_no_more_than_a_limit() -> None:
    token = "ghp_" + drawn(36)
    assert told(f"{token} {token}\n{token}") == [("GitHub Token", 1), ("GitHub Token", 2)]
    assert told(f"password: {token}\n") == [("GitHub Token", 1)]
    assert len(told(f"{token}\n" * 300)) == MOST
    assert len(told("pwd: Tr0ub4dor&3\n" * 300)) == MOST


@pytest.mark.parametrize(
    "text",
    [
        "password=" * 40_000,
        "password = abcdefg1 " * 10_000,
        "pass" * 80_000,
        "api_key" + "_" * 200_000,
        "api_key" + " " * 200_000 + "=",
        "eyJ" * 80_000,
        "eyJaaaaaaa." * 20_000,
        "eyJ" + "a" * 200_000 + ".",
        "://a:b" * 40_000,
        "://a:bcd@" * 20_000,
        "://" + "a" * 200_000,
        "//a/:_authToken=" * 12_000,
        "//" + "a/" * 80_000,
        "sk-" + "a" * 200_000,
        "sk-aaaaaaaaaaaaaaaaaaaaaaaa " * 6_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "-----BEGIN PRIVATE KEY-----" + "\n" * 200_000,
        "-----BEGIN PRIVATE KEY-----" + "Version: a" * 20_000,
        "a" * 32 + "-us1" * 40_000,
        "M" * 200_000,
        "1" * 200_000 + ":",
        "bearer " * 30_000,
        "x" * 400_000,
    ],
    ids=lambda text: text[:20],
)
def test_time_is_linear(text: str) -> None:
    start = time.monotonic()
    told(text)
    assert time.monotonic() - start < 20
