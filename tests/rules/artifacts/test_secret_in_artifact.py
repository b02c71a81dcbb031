"""ART016: what counts as a credential, what only looks like one, and where they are looked for."""

import string
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from specguard.documents.secrets import CredentialFinder
from specguard.testing import Step
from specguard_rules.artifacts.hidden_text_and_secrets import MOST, find_credentials
from tests.rows import rows
from tests.rules.artifacts.setting import drawn
from tests.rules.items import judge

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
    ("JSON Web Token", JWT + ",eyJhbGciOi.abcde"),
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
    *rows(__file__, "no_forms"),
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    KEY.format("") + "\n...\n-----END PRIVATE KEY-----",
    "1700000000:" + drawn(40, HEX),
    "commit " + drawn(40, HEX) + " and sha256:" + drawn(64, HEX),
    '"' + drawn(64) + '"',
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJlbWFpbCI6InVAZXhhbXBsZS5jb20ifQ." + "SflKxwRJSMeKKF2QT4fwpMeJf36POk6y",
]
NAMED = [
    *rows(__file__, "named"),
    "AWS_SECRET_ACCESS_KEY=" + drawn(40),
    "ZOTERO_API_KEY=" + "wcGxeCPThtkWJnvVJQsLt7Lb",
    "ZOTERO\\_API\\_KEY=" + "wcGxeCPThtkWJnvVJQsLt7Lb",
    "DB\\_PASSWORD: " + "x9Kq2Lm7\\_pR4t",
]
NOT_NAMED = [*rows(__file__, "not_named"), "secret_sha256: " + drawn(64, HEX)]


def told(text: str, allowed: Sequence[str] = ()) -> list[tuple[str, int]]:
    found = find_credentials(text.encode(), CredentialFinder(), lambda value: value in allowed)
    return [(kind, line) for kind, line, _ in found]


@pytest.mark.parametrize(("kind", "text"), FORMS)
def test_forms(kind: str, text: str) -> None:
    for around in ("{}", "\n- Use `{}` here.\n", '\n{{"key": "{}"}}\n', "\n> x={} y\n"):
        assert (kind, 1 + around[0:1].count("\n")) in told(around.format(text))


@pytest.mark.parametrize("text", [*NO_FORMS, *NOT_NAMED])
def test_what_stands_for_a_credential_is_none(text: str) -> None:
    assert told(text) == []
    assert told(f"# Brief\n\n{text}\n\nMore.\n") == []


@pytest.mark.parametrize("text", NAMED)
def test_values_of_names(text: str) -> None:
    assert told(f"# Brief\r\n\r\n{text}\r\n\r\nMore.\r\n") == [("Secret Keyword", 3)]
    assert told(text) == [("Secret Keyword", 1)]


def test_a_value_is_never_shown() -> None:
    for text in [*(text for _, text in FORMS), *NAMED]:
        for _, _, shown in find_credentials(text.encode(), CredentialFinder(), lambda _: False):
            assert not any(part in shown for part in (drawn(8)[4:], "Tr0ub4dor", "9f8a"))


def test_what_is_allowed_is_left_out() -> None:
    token = "ghp_" + drawn(36)
    assert told(f"{token}\n", [token]) == []
    assert told("password: Tr0ub4dor&3\n", ["Tr0ub4dor&3"]) == []


def test_one_of_a_kind_a_line_and_no_more_than_a_limit() -> None:
    token = "ghp_" + drawn(36)
    assert told(f"{token} {token}\n{token}") == [("GitHub Token", 1), ("GitHub Token", 2)]
    assert told(f"password: {token}\n") == [("GitHub Token", 1)]
    assert len(told(f"{token}\n" * 300)) == len(told("pwd: Tr0ub4dor&3\n" * 300)) == MOST


LONG = [
    "password=" * 20_000, "password = abcdefg1 " * 5_000, "pass" * 40_000, "api_key" + "_" * 100_000,
    "api_key" + " " * 100_000 + "=", "eyJ" * 40_000, "eyJaaaaaaa." * 10_000, "eyJ" + "a" * 100_000 + ".",
    "://a:b" * 20_000, "://a:bcd@" * 10_000, "://" + "a" * 100_000, "//a/:_authToken=" * 6_000,
    "//" + "a/" * 40_000, "sk-" + "a" * 100_000, "sk-aaaaaaaaaaaaaaaaaaaaaaaa " * 3_000,
    KEY.format("") * 4_000, KEY.format("") + "\n" * 100_000, KEY.format("") + "Version: a" * 10_000,
    "a" * 32 + "-us1" * 20_000, "M" * 100_000, "1" * 100_000 + ":", "bearer " * 15_000, "x" * 200_000,
]  # fmt: skip


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:20])
def test_time_is_linear(text: str) -> None:
    start = time.monotonic()
    told(text)
    assert time.monotonic() - start < 20


TOKEN = "ghp_" + drawn(36)
POLICY = """
[plans.wave]
folder = "waves/{name}"

[rules.secret-in-artifact]
files = ["AGENTS.md", "prompts/**"]
patterns = ["acme-[0-9a-f]{8}", "^acme_key [0-9]+$"]
allow = ["^Tr0ub4dor&4$"]
"""


def test_briefs_plans_and_own_forms(tmp_path: Path) -> None:
    files = {
        "AGENTS.md": f"# Agents\n\nUse {TOKEN}.\n",
        "prompts/a/b.txt": "password: Tr0ub4dor&3\npassword: Tr0ub4dor&4\n",
        "waves/a/plan.json": '{"tasks": [],\n "note": "acme-0a1b2c3d", "x": "acme-0a1b2c3d"}',
        "waves/a/context/CONTEXT.md": f"Bearer {drawn(40)}\n",
        "waves/b/plan.json": "{}\nacme_key 12\n",
        "waves/README.md": f"{TOKEN}\n",
        "src/a.py": f"{TOKEN}\n",
    }
    outcome = judge(
        "ART016",
        tmp_path,
        policy=POLICY,
        commits=[Step("feat: x", files=files)],
        expect=[
            {"path": "AGENTS.md", "line": 3, "message": "of the kind GitHub Token (ghp_..., 40 characters)"},
            {"path": "prompts/a/b.txt", "line": 1, "message": "given to 'password'"},
            {"path": "waves/a/context/CONTEXT.md", "line": 1, "authority": "SPEC_AUTHORITY.md:4"},
            {"path": "waves/a/plan.json", "line": 2, "message": "of a form that the policy names"},
            {"path": "waves/b/plan.json", "line": 2, "message": "of a form that the policy names"},
        ],
    )
    printed = outcome.stdout + outcome.stderr
    assert not any(secret in printed for secret in (TOKEN, TOKEN[4:], "Tr0ub4dor", drawn(8), "0a1b2c3d"))


def test_what_the_change_does_not_touch_is_judged_with_all(tmp_path: Path) -> None:
    base = [Step("chore: base", files={"AGENTS.md": f"{TOKEN}\n", "b/AGENTS.md": f"{TOKEN}\n"})]
    commits = [Step("feat: x", files={"AGENTS.md": f"{TOKEN}\nMore.\n"}, symlinks={"GEMINI.md": "AGENTS.md"})]
    judge("ART016", tmp_path / "a", base=base, commits=commits, expect=[{"path": "AGENTS.md"}])
    expect = [{"path": "AGENTS.md"}, {"path": "b/AGENTS.md"}]
    judge("ART016", tmp_path / "b", base=base, commits=commits, args=["--all"], expect=expect)
