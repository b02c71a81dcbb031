"""CNT001 to CNT003, judged through the command."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from specguard.testing import Outcome, Step, run_here
from tests.rules.items import judge

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.testing import Repository

TODO = """
[[rules.forbidden-content.forbid]]
pattern = '\\bTODO\\b'
exclude = ["docs/"]

[[rules.forbidden-content.forbid]]
pattern = "print"
paths = ["src/"]
message = "log instead"
"""
BEFORE = {"src/a.py": "print(1)\nx\n", "docs/a.md": "x\n", "b.py": "x\n"}
AFTER = Step(
    "feat: x",
    files={
        "src/a.py": "print(1)\nx = 1  # TODO\nprint(2)\n",
        "docs/a.md": "TODO print\n",
        "b.py": "print\n",
        "src/c.py": "TODO",
    },
)
PATCH = """\
--- a/src/a.py
+++ b/src/a.py
@@ -1,2 +1,3 @@
 print(1)
-x
+x = 1  # TODO
+print(2)
--- /dev/null
+++ b/src/c.py
@@ -0,0 +1 @@
+TODO
\\ No newline at end of file
"""
EXPECTED = [
    {"path": "src/a.py", "line": 2, "message": "matches", "authority": "SPEC_AUTHORITY.md:5"},
    {"path": "src/a.py", "line": 3, "message": "log instead", "authority": "SPEC_AUTHORITY.md:9"},
    {"path": "src/c.py", "line": 1},
]


@pytest.mark.parametrize("source", ["commits", "staged", "worktree", "patch"])
def test_content_is_judged_alike_from_every_source(source: str, tmp_path: Path) -> None:
    base = [Step("chore: base", files=BEFORE)]
    change: dict[str, Any] = {"commits": [AFTER]} if source == "commits" else {source: AFTER}
    if source == "patch":
        change = {"patch": PATCH}
    judge("CNT001", tmp_path, policy=TODO, base=base, **change, expect=EXPECTED)


def test_one_line_in_every_commit_is_net_once(tmp_path: Path) -> None:
    steps = [Step("feat: x", files={"a": "TODO\n"}), Step("feat: y", files={"a": "done\n", "b": "x\n"})]
    judge("CNT001", tmp_path, policy=TODO, commits=steps, states={"CNT001": "passed"})


def test_a_costly_expression_costs_nothing(tmp_path: Path) -> None:
    policy = "[[rules.forbidden-content.forbid]]\npattern = '(a+)+$'\n"
    text = "a" * 50_000 + "!\n" + " " * 50_000 + "b\n"
    start = time.monotonic()
    judge("CNT001", tmp_path, policy=policy, commits=[Step("feat: x", files={"a": text})])
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("pattern", ["(a", "(?=a)", "(a)\\1", ""])
def test_a_pattern_that_is_no_re2_is_an_error_of_the_policy(pattern: str, tmp_path: Path) -> None:
    policy = f"[[rules.forbidden-content.forbid]]\npattern = '{pattern}'\n"
    judge("CNT001", tmp_path, policy=policy, exit_code=2, error="the expression")


def test_many_lines_of_a_file_are_counted(tmp_path: Path) -> None:
    text = "TODO\n" * 130
    expect = [{"path": "a", "line": line + 1} for line in range(100)]
    expect.append({"path": "a", "line": None, "message": "30 more added lines"})
    outcome = judge(
        "CNT001", tmp_path, policy=TODO, commits=[Step("feat: x", files={"a": text})], expect=expect
    )
    assert len({finding["fingerprint"] for finding in outcome.report["findings"]}) == 101


def test_binary_files_are_counted(tmp_path: Path) -> None:
    steps = [Step("feat: x", files={"a.bin": b"\0TODO\n".decode(), "b.bin": "\0", "c": "x"})]
    report = tmp_path / "report.txt"
    judge("CNT001", tmp_path, policy=TODO, commits=steps, args=["--explain", f"--output=text={report}"])
    assert "lines (2 binary files skipped)" in report.read_text()


CI = ".github/workflows/ci.yml"
HOST = '[rules.host-network-call]\nfiles = [".github/workflows/*.yml"]\n'
WORKFLOW = "jobs:\n  a:\n    container: x\n    steps:\n      - run: sh ci/s.sh\n      - run: curl localhost\n"


def host(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], expect: list[dict[str, Any]]
) -> Outcome:
    base = [Step("chore: base", files=before)]
    return judge(
        "CNT002", tmp_path, policy=HOST, base=base, commits=[Step("ci: x", files=after)], expect=expect
    )


def test_a_container_that_is_taken_away(tmp_path: Path) -> None:
    after = {CI: WORKFLOW.replace("    container: x\n", "")}
    expect = [
        {"path": CI, "line": 5, "message": "'a' calls localhost from the CI host"},
        {"path": "ci/s.sh", "line": 1},
    ]
    host(tmp_path, {CI: WORKFLOW, "ci/s.sh": "nc localhost 1\n"}, after, expect)


def test_only_called_scripts_that_the_change_touches_count(tmp_path: Path) -> None:
    workflow = WORKFLOW.replace("    container: x\n", "")
    before = {CI: workflow, "ci/s.sh": "x\n", "ci/t.sh": "curl localhost\n"}
    after = {
        "ci/s.sh": "x\ncurl localhost\n",
        "ci/t.sh": "curl localhost:1\n",
        "src/s.sh": "curl localhost\n",
    }
    host(tmp_path, before, after, [{"path": "ci/s.sh", "line": 2, "message": f"run at {CI}:4"}])


def test_what_the_change_leaves_alone_is_not_judged(tmp_path: Path) -> None:
    host(tmp_path, {CI: WORKFLOW.replace("    container: x\n", "")}, {"a": "curl localhost\n"}, [])


def test_a_large_file_matters_only_where_a_ci_file_runs_it(tmp_path: Path) -> None:
    before = {CI: WORKFLOW.replace("    container: x\n", ""), "ci/s.sh": "x\n"}
    large = "curl localhost\n" * (1 << 20) + "x" * (1 << 21)
    host(tmp_path, before, {"bin/tool": large}, [])
    judge(
        "CNT002",
        tmp_path / "run",
        policy=HOST,
        base=[Step("chore: base", files=before)],
        commits=[Step("ci: x", files={"ci/s.sh": large})],
        states={"CNT002": "indeterminate"},
        exit_code=2,
    )


def test_a_broken_ci_file_is_a_finding(tmp_path: Path) -> None:
    host(tmp_path, {}, {CI: "jobs: [\n"}, [{"path": CI, "severity": "error", "message": "cannot be read"}])


FORMS = """
[[rules.forbidden-command.commands]]
command = "git push --force"

[[rules.forbidden-command.commands]]
command = "gt sync"
unless = ["--no-restack"]
message = "no restacks"
"""


def test_only_commands_on_added_lines_count(tmp_path: Path) -> None:
    before = {"a.sh": "git push --force\nx\n", "b.md": "`gt sync`\n\ny\n"}
    after = {
        "a.sh": "git push --force\ny\ngit push \\\n  origin \\\n  --force\n",
        "b.md": "`gt sync`\n\nrun `gt sync -q`\n",
        CI: "jobs:\n  a:\n    steps:\n      - run: gt sync\n",
        "c.txt": "gt sync\n",
    }
    expect = [
        {"path": CI, "line": 4, "message": "no restacks"},
        {"path": "a.sh", "line": 3, "end_line": 5},
        {"path": "b.md", "line": 3, "help": "--no-restack"},
    ]
    base = [Step("chore: base", files=before)]
    judge("CNT003", tmp_path, policy=FORMS, base=base, commits=[Step("ci: x", files=after)], expect=expect)
    staged = judge(
        "CNT003", tmp_path / "staged", policy=FORMS, base=base, staged=Step("x", files=after), expect=expect
    )
    assert staged.report["change"]["source"] == "staged"


def test_a_line_that_changes_within_a_command_counts(tmp_path: Path) -> None:
    base = [Step("chore: base", files={"a.sh": "git push \\\n  --force-with-lease\n"})]
    after = [Step("ci: x", files={"a.sh": "git push \\\n  --force\n"})]
    judge("CNT003", tmp_path, policy=FORMS, base=base, commits=after, expect=[{"path": "a.sh", "line": 1}])


CALLING = "on: push\njobs:\n  smoke:\n    runs-on: x\n    steps:\n      - run: curl http://localhost:8080\n"


@pytest.mark.parametrize(("flags", "expected"), [((), []), (("--all",), ["CNT002"])])
def test_all_judges_ci_files_that_the_change_does_not_touch(
    flags: tuple[str, ...], expected: list[str], repository: Repository
) -> None:
    repository.write("SPEC_AUTHORITY.md", CI_FILES)
    repository.write(".github/workflows/ci.yml", CALLING)
    repository.commit("chore: base")
    repository.branch("work")
    repository.write("a", "a")
    repository.commit("feat: x")
    outcome = run_here("check", *flags, "--output-format", "json", directory=repository.path)
    assert outcome.codes == expected, outcome


CI_FILES = """# Authority

```toml specguard
[rules.host-network-call]
files = [".github/workflows/*.yml"]
```
"""
