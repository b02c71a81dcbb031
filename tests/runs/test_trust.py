"""Words of high trust, as agents' command lines have them."""

from __future__ import annotations

import shlex

import pytest

from specguard.runs.proof import high_trust


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("codex exec --sandbox danger-full-access -", ["danger-full-access"]),
        ("codex exec --sandbox=danger-full-access -", ["danger-full-access"]),
        ("codex exec -s danger-full-access -", ["danger-full-access"]),
        ("codex exec -sdanger-full-access -", ["danger-full-access"]),
        ("codex exec -c sandbox_mode=danger-full-access -", ["danger-full-access"]),
        ("codex exec -c 'sandbox_mode=\"danger-full-access\"' -", ["danger-full-access"]),
        (
            "codex exec --dangerously-bypass-approvals-and-sandbox -",
            ["--dangerously-bypass-approvals-and-sandbox"],
        ),
        ("codex exec --dangerously-bypass-hook-trust -", ["--dangerously-bypass-hook-trust"]),
        ("codex --ask-for-approval never", ["--ask-for-approval never"]),
        ("codex -a never", ["-a never"]),
        ("codex --approval never", ["--approval never"]),
        ("codex -c approval_policy=never", ["approval_policy=never"]),
        ("codex -c 'approval_policy=\"never\"'", ['approval_policy="never']),
        ("codex -capproval_policy=never", ["approval_policy=never"]),
        ("codex exec --full-auto -", ["--full-auto"]),
        ("codex exec --yolo -", ["--yolo"]),
        ("claude -p --dangerously-skip-permissions", ["--dangerously-skip-permissions"]),
        ("claude -p --allow-dangerously-skip-permissions", ["--allow-dangerously-skip-permissions"]),
        ("claude -p --permission-mode bypassPermissions", ["bypassPermissions"]),
        ("claude -p --permission-mode=bypassPermissions", ["bypassPermissions"]),
        ("claude --settings '{\"p\": {\"defaultMode\": \"bypassPermissions\"}}'", ["bypassPermissions"]),
        ("gemini --yolo", ["--yolo"]),
        ("gemini -y -p x", ["-y"]),
        ("gemini -yp x", ["-yp"]),
        ("gemini --approval-mode yolo", ["--approval-mode yolo"]),
        ("gemini --approvalMode=yolo", ["approvalMode=yolo"]),
        ("gemini --no-sandbox", ["--no-sandbox"]),
        ("npx -y @google/gemini-cli --sandbox=false", ["--sandbox false"]),
        ("copilot -p x --allow-all-tools --allow-all-paths", ["--allow-all-tools", "--allow-all-paths"]),
        ("cursor-agent -p --force x", ["--force"]),
        ("aider --yes-always", ["--yes-always"]),
        ("aider --yes", ["--yes"]),
        ("droid exec --skip-permissions-unsafe x", ["--skip-permissions-unsafe"]),
        ("droid exec --auto high x", ["--auto high"]),
        ("amp --dangerously-allow-all -x", ["--dangerously-allow-all"]),
        ("env GOOSE_MODE=auto goose run", ["GOOSE_MODE=auto"]),
        ("bash -lc 'codex exec --yolo -'", ["--yolo"]),
        ("sh -c \"exec sh -c 'claude --permission-mode bypassPermissions'\"", ["bypassPermissions"]),
        ("docker run x codex --sandbox danger-full-access", ["danger-full-access"]),
    ],
)  # fmt: skip
def test_words_of_high_trust_are_told(command: str, told: list[str]) -> None:
    words = shlex.split(command)
    assert high_trust(words) == told
    assert high_trust(words, told) == []
    assert high_trust(words, ["something else"]) == told


@pytest.mark.parametrize(
    "command",
    [
        "codex exec --sandbox workspace-write -",
        "codex exec -s read-only -a on-request -",
        "codex exec -c approval_policy=on-request -",
        "claude -p --permission-mode acceptEdits --allowedTools 'Edit,Bash(git *)'",
        "claude -p 'never use --dangerously-skip-permissions or danger-full-access'",
        "gemini --approval-mode auto_edit --sandbox",
        "npx -y @openai/codex exec -",
        "cp -f a b",
        "./agent.sh --force --yes",
        "python agent.py --auto low --approval always",
        "",
    ],
)
def test_other_words_are_not(command: str) -> None:
    assert high_trust(shlex.split(command)) == []


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("codex --sandbox danger-full-access", "danger-full-access"),
        ("codex --sandbox danger-full-access", "--sandbox danger-full-access"),
        ("codex --sandbox danger-full-access", "--sandbox=danger-full-access"),
        ("codex -c 'approval_policy=\"never\"'", 'approval_policy="never"'),
        ("codex -c 'approval_policy=\"never\"'", "approval_policy=never"),
        ("gemini --approval-mode yolo", "--approval-mode=yolo"),
        ("claude --permission-mode bypassPermissions", "bypassPermissions"),
    ],
)
def test_each_is_allowed_by_its_name(command: str, allowed: str) -> None:
    assert high_trust(shlex.split(command), [allowed]) == []


def test_one_that_is_allowed_allows_no_other() -> None:
    words = ["codex", "--yolo", "--sandbox", "danger-full-access"]
    assert high_trust(words, ["danger-full-access"]) == ["--yolo"]
