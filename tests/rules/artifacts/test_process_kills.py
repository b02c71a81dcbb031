"""Which commands end processes by name, and where such commands are found (ART017)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from specguard.testing import Step
from specguard_rules.artifacts.process_kills import MUCH, may_kill, process_kills
from specguard_rules.content._commands import written_commands
from specguard_rules.content._shell import commands
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = [
    "killall node",
    "killall -9 node",
    "killall -u bob",
    "sudo killall -q node || true",
    "pkill node",
    "/usr/bin/pkill -x node",
    "pkill -f vite",
    '/usr/bin/env pkill -9 -f "npm run dev"',
    "pkill -SIGKILL -f x",
    "pkill --signal TERM node",
    "pkill -u bob",
    "pkill -P 1 node",
    "timeout 5 pkill node",
    "bash -c 'pkill node'",
    "X=$(killall node)",
    "if pgrep x >/dev/null; then pkill x; fi",
    "trap 'killall node' EXIT",
    'ssh host "pkill -f x"',
    "ssh host pkill -f x",
    "find . -exec pkill x \\;",
    'concurrently "pkill -f x" "vite"',
    "echo x | xargs pkill",
    "kill $(pidof node)",
    "kill -9 $(pgrep -f vite)",
    "kill -s TERM $(pgrep x)",
    "kill `pidof x`",
    "kill \"$(ps aux | grep x | awk '{print $2}')\"",
    "PID=$(pgrep -f server)\nkill $PID",
    'PID=$(pgrep -f server); kill "${PID}"',
    "local pid=$(pidof x); kill $pid",
    "for p in $(pgrep x); do kill $p; done",
    "pgrep x | while read pid; do kill $pid; done",
    'mapfile -t pids < <(pgrep x); kill "${pids[@]}"',
    "pgrep -f node | xargs kill",
    "pgrep x |\n  xargs -r -n1 sudo kill -9",
    "ps aux | grep node | grep -v grep | awk '{print $2}' | xargs kill -9",
    "ps -C node -o pid= | xargs kill",
    "taskkill /IM node.exe /F",
    "taskkill //F //IM node.exe",
    'taskkill /FI "IMAGENAME eq node.exe"',
    'cmd /c "taskkill /IM x"',
    "wmic process where \"name='node.exe'\" delete",
    "Stop-Process -Name node",
    "Stop-Process -name:node -Force",
    "Get-Process node | Stop-Process",
    "Get-Process node | kill",
    "$found = Get-Process node -ErrorAction Ignore\nif ($found) {\n  $Found | Stop-Process -Force\n}",
    "$found=Get-Process node\nStop-Process -InputObject $found",
    "$found = gps node\nStop-Process -Id $found.Id",
]
OTHERWISE = [
    "kill -9 1234",
    "kill $!",
    'kill -TERM "$SERVER_PID"',
    "PID=$!; kill $PID",
    "kill $(cat server.pid)",
    "cat pids | xargs kill",
    "lsof -t -i:3000 | xargs kill",
    "pkill -P $$",
    "pkill -P 123 -9",
    "kill $(pgrep -P $$)",
    "pgrep -P $$ | xargs kill",
    "ps -o pid= --ppid $$ | awk '{print $1}' | xargs kill",
    "pkill -F run.pid",
    "pkill --pidfile run.pid",
    "pkill -0 node",
    "killall -0 node",
    "killall -s 0 node",
    "kill -0 $(pgrep x)",
    "kill -s 0 $(pidof x) && echo there",
    "pgrep x | xargs kill -0",
    "kill -l $(pgrep x)",
    "killall -l",
    "killall",
    "pkill",
    "pkill --help",
    "pgrep x || kill $PID",
    "pgrep x; kill $PID",
    "pgrep x | xargs echo",
    "echo killall node",
    "# killall node",
    'git commit -m "killall"',
    "docker exec web pkill node",
    "docker kill web",
    "trap 'kill $PID' EXIT",
    "npm run kill-port",
    "taskkill /PID 12 /F",
    'taskkill /FI "PID eq 12"',
    "Stop-Process -Id 3",
    "Get-Process -Id 3 | Stop-Process",
    "$one = Start-Process node -PassThru\n$one | Stop-Process",
    "$one = Get-Process -Id 3\n$one | Stop-Process",
    "$found = Get-Process node\n$other | Stop-Process",
    "$found = Get-Process node\n$found | Format-Table",
]
judged = partial(judge, "ART017")


@pytest.mark.parametrize("script", [*BY_NAME, 'p"kil"L x', "KI'l'l $(pgrep x)", "SPPS -n x"])
def test_no_text_with_such_a_command_is_passed_over(script: str) -> None:
    around = b"echo caf\xe9 $k\n" * (MUCH // 12)
    assert may_kill(script.encode())
    assert may_kill(around + script.encode() + b"\n" + around)
    assert not may_kill(around)
    assert not may_kill(b"echo ski lift\n")


@pytest.mark.parametrize("text", BY_NAME)
def test_it_ends_processes_by_name(text: str) -> None:
    assert [*process_kills(commands(text))]


@pytest.mark.parametrize("text", OTHERWISE)
def test_it_ends_none_or_by_an_id(text: str) -> None:
    assert not [*process_kills(commands(text))]


class NoData:
    """Documents of a tree without data."""

    def data(self, path: bytes) -> None:
        return None


def lines(path: bytes, text: str) -> list[int]:
    found = list(written_commands(path, text.encode(), NoData()))  # type: ignore[arg-type]  # only `data` is asked
    return [command.line for command in process_kills(found) if command.told]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (b"stop.ps1", "# Stop-Process -Name a\n<#\nStop-Process -Name a\n#>\nStop-Process -Name a\n", [5]),
        (b"a.sh", "p''k\\ill x\n", [1]),
        (b"stop.cmd", "rem taskkill /IM a\n:: taskkill /IM a\n@taskkill /F /IM a.exe\n", [3]),
        (b"stop.bat", "C:\\Windows\\System32\\taskkill.exe /im a\n", [1]),
        (b"a.py", 'import os\nos.system("pkill -f vite")\n', [2]),
        (b"a.py", 'subprocess.run(\n    ["pkill", "-f", name],\n)\n', [1]),
        (b"a.py", '# subprocess.run(["pkill", "x"])\nNAMES = ["pkill", "killall"]\n', []),
        (b"a.py", 'print("killall is not for us")\nraise E("pkill -f x")\n', []),
        (b"a.mjs", "execSync(`pkill -f ${name}`);\n// exec('killall node')\n", [1]),
        (b"a.ts", "spawn('taskkill', ['/IM', 'node.exe']);\n", [1]),
        (b"a.rb", "x = 1\nsystem 'echo'\nsystem('pkill -f puma')\n", [3]),
        (b"bin/run", "#!/usr/bin/env python3\nos.system('killall node')\n", [2]),
        (b"bin/run", "#!/bin/sh\nkillall node\n", [2]),
        (b"bin/run", "killall node\n", []),
        (b"Makefile", "stop:\n\t-killall node\nkillall: x\n", [2]),
        (b".github/workflows/a.yml", "jobs:\n  a:\n    steps:\n      - run: |\n          killall a\n", [5]),
        (b"AGENTS.md", "`killall` and `pkill -f x` are forbidden.\n\nNever use killall node.\n", []),
        (b"AGENTS.md", "The script calls what `pkill -f x` does.\n", []),
        (b"AGENTS.md", "1. Run `pkill -f x`.\n", [1]),
        (b"AGENTS.md", "Then:\n\n```sh\npkill -f x\n```\n", [4]),
        (b".cursor/rules/a.mdc", "Run `pkill -f x`.\n", [1]),
        (b".cursorrules", "- `pkill -f x`\n", [1]),
        (b"AGENTS.md", "<!--\nRun `pkill -f x`.\n-->\n", [2]),
    ],
)
def test_where_commands_stand(path: bytes, text: str, expected: list[int]) -> None:
    assert lines(path, text) == expected


GATES = """
[work.phase]
branch = "phase-{number}"

[[work.phase.gates]]
name = "e2e"
run = "npm test; pkill -f vite"
"""
PLAN = '{"tasks": [{"id": "task_001", "title": "killall is gone", "verify": ["npm test", "killall node"]}]}'


def test_data_is_read_by_its_keys(tmp_path: Path) -> None:
    files = {
        "package.json": '{\n\t"scripts": {\n\t\t"stop": "killall node"\n\t},\n\t"about": "killall x"\n}\n',
        ".plans/a/plan.json": PLAN,
        ".claude/settings.json": '{"hooks": {"Stop": [{"hooks": [{"command": "pkill -f x"}]}]}}',
        "ci/steps.yaml": "steps:\n  - name: killall node\n    run: pkill node\n",
        "ci/anchors.yml": "a: &a\n  run: killall a\nb: *a\nc: !x 1\n",
        "scripts/tasks.toml": 'title = "killall x"\n\n[run]\ncommands = [\n  "killall x",\n]\n',
    }
    judged(
        tmp_path,
        commits=[Step("feat: x", files=files)],
        expect=[
            {"path": ".claude/settings.json", "line": 1},
            {"path": ".plans/a/plan.json", "line": 1},
            {"path": "ci/anchors.yml", "line": 2},
            {"path": "ci/steps.yaml", "line": 3},
            {"path": "package.json", "line": 3, "message": "`killall node`"},
            {"path": "scripts/tasks.toml", "line": 5},
        ],
    )


def test_data_that_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    files = {"package.json": '{"scripts": {"stop": "killall node"}', "a.sh": "killall a\n"}
    judged(tmp_path, commits=[Step("feat: x", files=files)], found={"path": "a.sh"}, state="indeterminate")


def test_plans_elsewhere_are_read(tmp_path: Path) -> None:
    policy = '[plans.wave]\nfolder = "waves/{name}"\nplan = "tasks.json"\n'
    commits = [Step("feat: x", files={"waves/a/tasks.json": PLAN, "waves/a/b/tasks.json": PLAN})]
    expect = [{"path": "waves/a/tasks.json", "authority": "SPEC_AUTHORITY.md:6"}]
    judged(tmp_path, policy=policy, commits=commits, expect=expect)


def test_a_touched_file_is_judged_as_a_whole_and_others_with_all(tmp_path: Path) -> None:
    base = [
        Step("chore: base", files={"a.sh": "killall a\n", "b.sh": "killall b\n", "c/b.sh": "killall b\n"})
    ]
    commits = [Step("feat: x", files={"a.sh": "killall a\ntrue\n"}, symlinks={"d.sh": "b.sh"})]
    judged(tmp_path / "a", base=base, commits=commits, found={"path": "a.sh", "line": 1})
    expect = [{"path": "a.sh"}, {"path": "b.sh"}, {"path": "c/b.sh"}]
    judged(tmp_path / "b", base=base, commits=commits, args=["--all"], expect=expect)


@pytest.mark.parametrize("brought", [True, False])
def test_gates(brought: bool, tmp_path: Path) -> None:
    base = [Step("chore: base", files={"SPEC_AUTHORITY.md": "# x\n"})] if brought else [Step("chore: base")]
    document = f"# Authority\n\n```toml specguard\n{GATES}```\n"
    change = {"SPEC_AUTHORITY.md": document} if brought else {"a": "b"}
    expect = [{"path": "SPEC_AUTHORITY.md", "message": "the gate 'e2e'"}]
    policy, args = ("", []) if brought else (GATES, ["--all"])
    judged(
        tmp_path, policy=policy, base=base, commits=[Step("feat: x", files=change)], args=args, expect=expect
    )


def test_a_change_that_mends_a_gate_passes(tmp_path: Path) -> None:
    mended = GATES.replace("; pkill -f vite", "")
    document = f"# Authority\n\n```toml specguard\n{mended}```\n"
    commits = [Step("feat: x", files={"SPEC_AUTHORITY.md": document})]
    judged(tmp_path, policy=GATES, commits=commits, state="passed")
    judged(tmp_path / "b", policy=GATES, commits=[Step("feat: x", files={"a": "b"})])


@pytest.mark.parametrize(
    "text",
    [
        "exec('" * 50_000,
        'run("' + "x" * 300_000,
        "run" + " " * 300_000,
        "<#" * 100_000,
        "`" * 100_000,
        "killall " * 50_000,
        "kill $(" * 30_000,
        "kill $x | " * 30_000,
    ],
)
def test_time_is_linear(text: str) -> None:
    for path in (b"a.py", b"a.ps1", b"a.rb", b"a.md"):
        start = time.monotonic()
        lines(path, text)
        assert time.monotonic() - start < 20


def test_what_a_substitution_runs_is_shown(tmp_path: Path) -> None:
    script = "kill -9 $(ps aux | grep vite)\nkill $(pidof a) $(pidof b)\n"
    judged(
        tmp_path,
        commits=[Step("chore: x", files={"a.sh": script})],
        expect=[{"message": "`kill -9 $(ps aux | grep vite)` ends"}, {"message": "`kill $() $()` ends"}],
    )
