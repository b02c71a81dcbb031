"""Which CI steps call the host itself; `tests/cases/content/host-calls.toml` has the forms of calls."""

from __future__ import annotations

from typing import cast

import pytest

from specguard_rules.content._host_calls import code_literals, judge
from tests.rows import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from specguard.rules import Finding, Tree

CI = b".github/workflows/ci.yml"


class Files:
    """Files by their paths, as a tree has them."""

    def __init__(self, files: dict[bytes, bytes]) -> None:
        self._files = files

    def read(self, path: bytes) -> bytes | None:
        return self._files.get(path)


def findings(path: bytes, files: dict[bytes, str]) -> list[Finding]:
    tree = cast("Tree", Files({name: text.encode() for name, text in files.items()}))
    return list(judge(path, tree, "files.0"))


def step(script: str, job: str = "") -> str:
    rows = "".join(f"          {row}\n" for row in script.split("\n"))
    return f"jobs:\n  a:\n{job}    steps:\n      - run: |\n{rows}"


def calls(script: str, *, job: str = "") -> list[int]:
    """The lines of a step's script with a finding."""
    first = 5 + bool(job)
    return [
        (one.line or 0) - first + 1 for one in findings(CI, {CI: step(script, job)}) if one.severity != "info"
    ]


def test_lines_are_the_files_own() -> None:
    assert calls("a\n\ncurl \\\n  localhost\nb\ncurl localhost:2") == [3, 6]
    folded = "jobs:\n  a:\n    steps:\n      - run: >\n          curl -f\n          http://localhost:7\n"
    assert [one.line for one in findings(CI, {CI: folded})] == [4]


def test_a_job_in_a_container() -> None:
    assert calls("curl localhost", job="    container: x\n") == []
    services = "    services: {db: {image: x, options: --health-cmd 'pg_isready -h localhost'}}\n"
    assert calls("make", job=services) == []
    assert calls("curl localhost", job=services) == [1]


def test_variables_of_the_workflow() -> None:
    text = (
        "env: {A: 'http://localhost'}\njobs:\n  a:\n    env: {B: 'http://localhost:2'}\n    steps:\n"
        "      - run: curl $A\n      - env: {B: 'http://db'}\n        run: curl $B\n"
        "      - run: curl ${{ env.B }}\n"
    )
    assert [one.line for one in findings(CI, {CI: text})] == [6, 9]


def test_a_script_is_followed_one_level() -> None:
    files = {
        CI: step("cd ci\n./smoke.sh\npython ../tools/smoke.py\n$X/y.sh\nmake e2e\nbash none.sh"),
        b"ci/smoke.sh": "#!/bin/bash\nU='http://127.0.0.1:1 x'\nfor u in $U; do curl $u; done\n./more.sh\n",
        b"ci/more.sh": "curl localhost\n",
        b"tools/smoke.py": "import x\nURLS = [\n    'http://localhost:8080',\n]\n",
    }
    found = findings(CI, files)
    assert [(one.path, one.line) for one in found if one.severity is None] == [
        (b"ci/smoke.sh", 3), (b"tools/smoke.py", 3),
    ]  # fmt: skip
    assert f"run at {CI.decode()}:6" in found[0].message
    (told,) = (one for one in found if one.severity == "info")
    for name in (
        "./smoke.sh: ./more.sh (line 6)",
        "$X/y.sh (line 8)",
        "make e2e (line 9)",
        "none.sh (line 10)",
    ):
        assert name in told.message


@pytest.mark.parametrize(
    "command",
    rows(__file__, "runs"),
)
def test_ways_to_run_a_script(command: str) -> None:
    found = findings(CI, {CI: step(command), b"ci/s.sh": "nc localhost 1\n"})
    assert [(one.path, one.line) for one in found] == [(b"ci/s.sh", 1)]


@pytest.mark.parametrize(
    "command",
    rows(__file__, "runs_none"),
)
def test_what_runs_no_script(command: str) -> None:
    assert findings(CI, {CI: step(command), b"ci/s.sh": "nc localhost 1\n"}) == []


def test_composite_actions_and_actions() -> None:
    action = "runs:\n  using: composite\n  steps:\n    - run: $GITHUB_ACTION_PATH/s.sh\n      shell: bash\n"
    found = findings(b"x/action.yml", {b"x/action.yml": action, b"x/s.sh": "curl localhost\n"})
    assert [(one.path, one.line) for one in found] == [(b"x/s.sh", 1)]
    text = "jobs:\n  a:\n    steps:\n      - uses: x/y@v1\n        with:\n          url: http://localhost:1\n"
    (told,) = findings(CI, {CI: text})
    assert (told.severity, told.message) == (
        "info", "not followed from this file: x/y@v1 with url: http://localhost:1 (line 6)",
    )  # fmt: skip
    # An input is a text; a runner refuses anything else.
    assert findings(CI, {CI: text.replace("http://localhost:1", "[http://localhost:1]")}) == []


def gitlab(text: str) -> list[tuple[int | None, str | None]]:
    return [(one.line, one.severity) for one in findings(b".gitlab-ci.yml", {b".gitlab-ci.yml": text})]


def test_gitlab() -> None:
    job = "a:\n  before_script:\n    - H=http://localhost\n  script:\n    - x\n    - curl $H\n"
    assert gitlab(job) == [(6, None)]
    assert gitlab(f"{job}image: y\n") == []
    assert gitlab(f"{job}default: {{image: y}}\n") == []
    assert gitlab(f"{job}  extends: .b\n.b:\n  extends: .c\n.c: {{image: z}}\n") == []
    assert gitlab(f"{job}include: other.yml\n") == [(6, "warning")]
    assert gitlab(".s: {script: [curl localhost]}\na:\n  script:\n    - !reference [.s, script]\n") == [
        (1, None)
    ]
    assert gitlab(".s: {script: [curl localhost]}\n") == []
    assert gitlab("x: {script: [!reference [x, script], !reference [x, script]]}\n") == []


def test_a_file_that_cannot_be_read_is_said() -> None:
    assert [(one.line, one.severity, one.key) for one in findings(CI, {CI: "a: 1\na: 2\n"})] == [
        (2, None, "unreadable")
    ]


@pytest.mark.parametrize("text", ["", "# x\n", "{}\n", "[]\n", "x\n"])
def test_a_file_without_keys_is_said(text: str) -> None:
    (found,) = findings(CI, {CI: text})
    assert (found.message, found.line) == ("the CI file cannot be read: it is no mapping", 1)


def test_literals_of_programs() -> None:
    python = (
        'import x\n# http://localhost:2\nprint("http://localhost:3")\nA = [\n  "http://localhost:4",\n'
        '  f"http://{h}:5",\n  f"http://localhost:{p}",\n]\nlog.info("http://localhost:7")\n'
    )
    assert list(code_literals(python)) == [(5, "http://localhost:4"), (7, "http://localhost")]
    script = (
        "// 'http://localhost:1'\nconst a = 'http://localhost:2'; // b\n/* http://localhost:3\n"
        "http://localhost:4 */ f('http://localhost:5')\nconsole.log('http://localhost:6')\n"
    )
    assert list(code_literals(script)) == [(2, "http://localhost:2"), (4, "http://localhost:5")]
