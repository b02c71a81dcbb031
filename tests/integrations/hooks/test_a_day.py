"""Sixty events of a coding agent's day: nobody is told what they cannot use, and all in few words."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import Asked, ask, guarded

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository

POLICY = """# Authority

```toml specguard
base = "main"

[rules.forbidden-path]
paths = ["api/"]

[rules.locked-path]
paths = ["docs/", "SPEC_AUTHORITY.md"]

[rules.commit-form]
subject_max = 60

[[rules.forbidden-content.forbid]]
pattern = "DO NOT COMMIT"
paths = ["src/**"]
message = "left over"
```
"""

SILENT = r"""
ls -la src && git status --short
rg -n "def " src | head -20
cat README.md; sed -n 1,20p src/a.py
pytest -q tests/test_a.py -x
python3 -m pytest -q || true
npm ci && npm test -- --watch=false
npm install --save-dev vitest
pnpm run build; yarn lint
pip install -e '.[dev]'
uv sync && uv run ruff check --fix .
poetry add httpx
make test
make -j4 build 2>&1 | tail -5
cargo test --workspace
cargo fmt && cargo clippy -- -D warnings
go test ./... && go mod tidy
mvn -q verify
./gradlew test
docker compose up -d db && docker compose exec db psql -c 'select 1'
docker build -t app:dev .
kubectl get pods -n dev
terraform plan -out plan.bin
gh pr view 12 --json title,body
gh run watch
curl -s https://example.org/openapi.json | jq '.paths | keys'
python3 -c 'print(1)'
node -e 'console.log(process.version)'
for f in src/*.py; do python3 -m py_compile "$f"; done
find . -name '*.pyc' -delete
export DEBUG=1; ./scripts/run.sh --fast
nohup python3 -m http.server 8000 > /tmp/server.log 2>&1 &
git log --oneline -5 && git diff HEAD~1
git fetch origin && git rebase origin/main
git stash && git stash pop
git switch -c feature/next && git switch -
git add -A && git diff --cached --stat
git commit -m "feat: add a thing"
git commit -am "fix: mend a thing" && git push -u origin HEAD
git commit --amend --no-edit
git cherry-pick abc1234 || git cherry-pick --abort
git merge --no-edit main
git revert --no-edit HEAD
git worktree add ../other main
git checkout -- src/a.py
git restore src/a.py
git mv src/a.py src/core.py
mv src/a.py src/core.py && rm -rf build
sed -i 's/x/y/g' src/a.py
cat > src/new.py <<'PY'
x = 1
PY
alembic revision --autogenerate -m "add users"
protoc --python_out=src schema.proto
""".strip()
"""Commands that are let through without a word; a line that begins a here-document goes on to its end."""

TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("Read", {"file_path": "api/x.yaml"}),
    ("Grep", {"pattern": "x", "path": "docs"}),
    ("Write", {"file_path": "src/b.py", "content": "y = 1\n"}),
    ("Edit", {"file_path": "src/a.py", "old_string": "x = 1", "new_string": "x = 2"}),
    ("Edit", {"file_path": "src/a.py", "old_string": "not there", "new_string": "x = 2"}),
    ("NotebookEdit", {"notebook_path": "src/n.ipynb", "new_source": "1", "cell_id": "c"}),
    ("mcp__github__create_pull_request", {"title": "feat: x", "body": "y"}),
    ("mcp__playwright__browser_click", {"ref": "e1"}),
]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Write", {"file_path": "docs/1.md", "content": "new\n"}, "PTH002"),
    ("Edit", {"file_path": "api/x.yaml", "old_string": "a", "new_string": "b"}, "PTH001"),
    ("Write", {"file_path": "src/b.py", "content": "DO NOT COMMIT\n" * 30}, "CNT001"),
    ("Bash", {"command": "rm -rf docs"}, "PTH002"),
    ("Bash", {"command": "git mv docs manual"}, "PTH002"),
    ("Bash", {"command": "rm -rf api docs && rm SPEC_AUTHORITY.md"}, "PTH001"),
    ("Bash", {"command": f'git commit -m "feat: {"reconfiguration " * 6}"'}, "CMT"),
    ("Bash", {"command": "git commit --no-verify -m x"}, "--no-verify"),
    ("Bash", {"command": "git push origin HEAD:main"}, "base of this session"),
    ("Bash", {"command": "rm -rf .git"}, "git's own folder"),
]

DONE: list[tuple[str, str]] = [
    ("rm -rf docs", "git checkout"),
    ("git mv docs manual", "git restore --staged --worktree -- docs manual"),
    ("mkdir -p api/gen && for n in $(seq 31); do echo $n > api/gen/$n.py; done", "git clean -fdq -- api`"),
    ('for n in $(seq 20); do echo x > "api/a file whose name has as many words as this $n"; done', "git"),
    ("for f in docs/*.md; do echo more >> $f; done; git add -A", "git checkout"),
    ("echo 'DO NOT COMMIT' >> src/a.py; echo x > docs/x.md; echo x > api/x.yaml", "CNT001"),
]
"""What commands leave that are not certain before they run, and a part of what is said after them."""


def commands() -> list[str]:
    found: list[str] = []
    for line in SILENT.split("\n"):
        if found and "<<" in found[-1] and not found[-1].endswith("\nPY"):
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = guarded(tmp_path_factory.mktemp("day") / "repository", policy=POLICY)
    made.checkout("main")
    files = {f"docs/{number}.md": f"{number}\n" for number in range(31)}
    made.commit("docs: more", files={**files, "api/x.yaml": "a\n", "README.md": "x\n"})
    made.git("branch", "-f", "work", "main")
    made.checkout("work")
    return made


class Day:
    """A session of one dialect."""

    def __init__(self, agent: str, repository: Repository, session: str = "day") -> None:
        self.agent = agent
        self.path = repository.path
        self.common = {
            "session_id": session,
            "cwd": str(self.path),
            **({"turn_id": "t"} if agent == "codex" else {}),
        }
        self.ask("SessionStart", source="startup")

    def ask(self, name: str, tool: str = "", given: dict[str, Any] | None = None, **more: Any) -> Asked:
        call = {"tool_name": tool, "tool_input": given} if tool else {}
        return ask(self.agent, {**self.common, "hook_event_name": name, **call, **more}, self.path)

    def before(self, tool: str, given: dict[str, Any]) -> Asked:
        given = {key: str(self.path / one) if key.endswith("_path") else one for key, one in given.items()}
        return self.ask("PreToolUse", tool, given)

    def after(self) -> Asked:
        return self.ask("PostToolUse", "Bash", {"command": "x"}, tool_response={})


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_ordinary_events_are_answered_by_silence(agent: str, repository: Repository) -> None:
    assert len(commands()) + len(TOOLS) + len(REFUSED) >= 60
    day = Day(agent, repository)
    events = [("Bash", {"command": command}) for command in commands()] + TOOLS
    said = {str(given): asked.stdout for tool, given in events if (asked := day.before(tool, given)).stdout}
    assert not said
    assert day.after().kind == "pass"


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize(("tool", "given", "part"), REFUSED)
def test_a_refusal_is_short(
    agent: str, tool: str, given: dict[str, Any], part: str, repository: Repository
) -> None:
    refusal = Day(agent, repository).before(tool, given).refusal
    assert part in refusal
    assert "next: " in refusal
    assert len(refusal.split()) <= 70, refusal


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize(("command", "part"), DONE)
def test_the_end_of_a_turn_is_short(
    agent: str, command: str, part: str, repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "-q", "--no-hardlinks", str(repository.path), str(tmp_path / "clone"))
    clone = type(repository)(tmp_path / "clone")
    day = Day(agent, clone)
    subprocess.run(["bash", "-c", command], cwd=clone.path, check=True)
    for said in (day.after().refusal, day.ask("Stop", stop_hook_active=False).refusal):
        assert part in said
        assert len(said.split()) <= 120, said


def test_what_a_day_takes_is_known(repository: Repository, record_testsuite_property: Any) -> None:
    """How many bare starts of Python the median answer takes; it is measured, and no time is asserted."""
    day = Day("claude", repository)
    events = [("Bash", {"command": command}) for command in commands()[::4]] + TOOLS

    def taken(words: Any) -> float:
        began = time.perf_counter()
        words()
        return time.perf_counter() - began

    bare = [
        taken(lambda: subprocess.run([sys.executable, "-c", "pass"], env=clean_environment(), check=True))
        for _ in range(5)
    ]
    answers = [taken(lambda one=one: day.before(*one)) for one in events]
    record_testsuite_property(
        "bare starts of Python", round(statistics.median(answers) / statistics.median(bare), 1)
    )
