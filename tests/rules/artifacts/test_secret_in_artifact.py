"""ART016, judged through the command."""

from pathlib import Path

from specguard.testing import Step
from tests.rules.artifacts.test_credentials import drawn
from tests.rules.items import judge

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
