"""Formatters, gates and teardowns in the place of a run: real commands in real repositories."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from specguard.errors import SpecguardError
from specguard.executor.commit import hash_tree
from specguard.executor.gates import run_gates
from specguard.executor.run import Run, RunEnded
from tests.executor.places import POLICY, Setting, everything, work

GATES = POLICY.replace('number = "next"\n', 'number = "next"\ndocument = ["docs/phase-{number}.md"]\n')


@contextmanager
def run_of(
    folder: Path, gates: str = "", document: str = "# Phase 12\n", files: dict[str, str] | None = None
) -> Iterator[Run]:
    """A run with these gates in its policy, and this document of its item."""
    policy = GATES.removesuffix("```\n") + gates + "```\n"
    folder.mkdir(exist_ok=True)
    setting = Setting(folder, {"SPEC_AUTHORITY.md": policy, "docs/phase-12.md": document, **(files or {})})
    with setting.run() as run:
        yield run


def gate(name: str, run: str, **more: str) -> str:
    lines = [f"name = {json.dumps(name)}", f"run = {json.dumps(run)}"]
    return (
        "\n[[work.phase.gates]]\n"
        + "\n".join([*lines, *(f"{key} = {value}" for key, value in more.items())])
        + "\n"
    )


def judged(run: Run) -> bool:
    with run.step("gates"):
        return run_gates(run)


def states(run: Run) -> dict[str, str]:
    with open(run.folder.file("gates.json"), encoding="utf-8") as file:
        return {one["name"]: one["state"] for one in json.load(file)["gates"]}


def outcome(run: Run) -> list[tuple[str, str, str, int | None]]:
    return [(one.name, one.kind, one.source, one.exit_code) for one in run.manifest.commands]


def test_gates_of_policy_document_and_flags_run_in_order(tmp_path: Path) -> None:
    gates = gate("tests", "grep -q 'a = 2' src/a.py") + gate("absent", "false", when='["deploy/"]')
    with run_of(tmp_path, gates, "# Phase 12\n\n## Gates\n\n- `test -f src/a.py`\n") as run:
        run.options.__dict__["commands"] = ["echo flag"]
        work(run, "echo 'a = 2' > src/a.py")
        assert judged(run)
        assert outcome(run) == [
            ("tests", "gate", "policy", 0),
            ("test", "gate", "document", 0),
            ("echo-flag", "gate", "flag", 0),
        ]
        assert {one.tree for one in run.manifest.commands} == {hash_tree(run)}
        assert {one.grade for one in run.manifest.commands} == {"re-run"}
        assert states(run) == {
            "tests": "passed",
            "absent": "skipped",
            "test": "passed",
            "echo-flag": "passed",
        }
        assert run.manifest.steps[-1].detail == "3 passed, 1 skipped"
        assert (run.feedback, run.manifest.notes) == ([], [])


_SAID = {
    "no gate": (
        "", "# Phase 12\n",
        "No gate is named, by the policy or by the document: nothing was tested.",
    ),
    "none that applies": (
        gate("smoke", "false", when='["deploy/"]'), "# Phase 12\n",
        "No gate applies to what was changed: nothing was tested.",
    ),
    "one of the document that is no command": (
        "", "# Phase 12\n\n## Gates\n\n- `true`\n- It works\n",
        "docs/phase-12.md:6 is not run as a gate: 'It works' (it names no command).",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("gates", "document", "note"), _SAID.values(), ids=_SAID)
def test_what_is_not_run_is_said(tmp_path: Path, gates: str, document: str, note: str) -> None:
    with run_of(tmp_path, gates, document) as run:
        work(run, "echo x > x")
        assert judged(run)
        assert run.manifest.notes == [note]


def test_failures_go_back_with_their_output_and_all_others_still_run(tmp_path: Path) -> None:
    gates = gate("first", "echo fails; cat errors; exit 3") + gate("second", "echo second")
    with run_of(tmp_path, gates, files={"errors": "E1\n"}) as run:
        run.manifest.attempts = 1
        assert not judged(run)
        assert [one.exit_code for one in run.manifest.commands] == [3, 0]
        [told] = run.feedback
        assert told.startswith("## The gate first failed\n\n`echo fails; ")
        assert "cat errors; exit 3` (SPEC_AUTHORITY.md:" in told
        assert "ended with exit code 3:\n\n~~~text\nfails\n" in told
        assert told.endswith("\nE1\n~~~\n")
        run.feedback, run.manifest.attempts = [], 2
        work(run, "echo E2 >> errors")
        assert not judged(run)
        [told] = run.feedback
        assert told.endswith("\nE1\nE2\n~~~\n")


def test_a_formatter_works_on_the_files_that_the_change_touches(tmp_path: Path) -> None:
    """What it does elsewhere is undone, and gates judge what it wrote."""
    strip = "for f in {changed_files} src/a.py; do sed -i 's/ *\r*$//' \"$f\"; done"
    formatter = f"{strip}; echo x > made/new.txt; rm -f gone.py"
    check = "grep -qx 'b = 1' 'b c.py' && git diff --exit-code && git ls-files --error-unmatch 'b c.py'"
    files = {
        "src/a.py": "a = 1   \r\n",
        "gone.py": "g\n",
        ".gitattributes": "src/a.py eol=crlf\n",
        "made/keep": "",
    }
    gates = gate("check", check) + gate("fmt", formatter, kind='"format"')
    with run_of(tmp_path, gates, files=files) as run:
        place = work(run, "printf 'b = 1   \\n' > 'b c.py'; rm docs/phase-12.md")
        before = everything(place.path)
        assert judged(run)
        after = everything(place.path)
        assert {
            name
            for name in before | after
            if before.get(name) != after.get(name) and not name.startswith(".git/")
        } == {"b c.py"}
        assert after["b c.py"][1] == b"b = 1\n"
        note = run.manifest.notes[-1]
        assert note.startswith("The format fmt (SPEC_AUTHORITY.md:")
        assert "changed gone.py, made/new.txt, src/a.py; that was undone: gates judge, and " in note
        first, second = run.manifest.commands
        assert (first.kind, second.kind) == ("format", "gate")
        assert "do sed" in first.command
        assert "'./b c.py'" in first.command
        assert second.tree == hash_tree(run) != first.tree


def test_a_document_may_have_everything_formatted(tmp_path: Path) -> None:
    """Only the scope and what is changed are, without guards and papers; others are put back."""
    document = "## Files\n\n- src/a.py\n- locked/\n- docs/\n\n## Formatting\n\nFormat all files.\n"
    formats = {"kind": '"format"', "when": '["src/", "locked/", "docs/", "new.py"]'}
    gates = gate("fmt", "sed -i 's/=.*/= 9/' {changed_files}", **formats)
    gates += gate("wide", "echo >> docs/phase-13.md; echo >> src/a.py", **formats)
    with run_of(tmp_path, gates, document, {"docs/phase-13.md": "a = 1\n", "src/b.py": "b = 1\n"}) as run:
        work(run, "echo b > b.py; echo n = 1 > new.py; ln -s a.py src/link.py")
        assert judged(run)
        assert run.manifest.commands[0].command.endswith("/' ./new.py ./src/a.py")
        assert Path(run.place.path, "src/a.py").read_text() == "a = 9\n\n"
        [note] = [one for one in run.manifest.notes if "undone" in one]
        assert "changed docs/phase-13.md; that was undone" in note


def test_what_a_gate_changes_is_named_and_undone(tmp_path: Path) -> None:
    """New files beside ignored ones, and a change that keeps size and time, too."""
    writes = "rm .gitignore; mkdir d; ln -s x d/l; mkdir -p build deep/er; echo > build/o; "
    writes += "echo x > deep/er/x; echo '*.x' > deep/.gitignore; echo y > deep/y.x"
    keeps = "touch -r src/a.py stamp; printf 'a = 7\\n' > src/a.py; touch -r stamp src/a.py; rm stamp"
    judges = "grep -q 'a = 2' src/a.py && ! test -e d && ! test -e deep/er"
    gates = gate("writes", writes) + gate("keeps", keeps) + gate("judges", judges)
    with run_of(tmp_path, gates) as run:
        place = work(run, "echo 'a = 2' > src/a.py")
        tree = hash_tree(run)
        assert judged(run)
        assert hash_tree(run) == tree
        assert Path(place.path, "build/o").exists()
        first, second = run.manifest.notes
        assert ".gitignore, deep/.gitignore, d/l, deep/er/x, deep/y.x; that was undone" in first
        assert "The gate keeps" in second


def test_each_added_script_is_run(tmp_path: Path) -> None:
    gates = gate("scripts", "sh {file}", when='["scripts/**"]', on='["added"]', each="true")
    with run_of(tmp_path, gates, files={"scripts/old.sh": "exit 1\n"}) as run:
        work(
            run,
            "echo '# x' >> scripts/old.sh; echo 'exit 0' > scripts/a.sh; echo 'exit 5' > 'scripts/b c.sh'",
        )
        assert not judged(run)
        assert [(one.command, one.exit_code) for one in run.manifest.commands] == [
            ("sh ./scripts/a.sh", 0),
            ("sh './scripts/b c.sh'", 5),
        ]
        assert states(run) == {"scripts": "failed"}


def test_a_wrapper_and_a_time_limit(tmp_path: Path) -> None:
    gates = gate("wrapped", "echo $A && exit 0", wrapper='["env", "A=wrapped"]') + gate(
        "slow", "sleep 60", timeout='"1s"'
    )
    with run_of(tmp_path, gates) as run:
        assert not judged(run)
        wrapped, slow = run.manifest.commands
        assert wrapped.command == "env A=wrapped sh -c 'echo $A && exit 0'"
        assert Path(run.folder.file(wrapped.log)).read_text() == "wrapped\n"
        assert slow.timed_out
        assert "failed, since it took longer than its 1 seconds, and said nothing." in run.feedback[0]


def test_a_teardown_runs_when_gates_fail_and_when_they_pass(tmp_path: Path) -> None:
    """Its own failure is one."""
    gates = gate("down", "rm up", kind='"teardown"') + gate("smoke", "test -e up")
    with run_of(tmp_path, gates, files={".gitignore": "up\n.runs/\n"}) as run:
        assert not judged(run)
        assert outcome(run) == [("smoke", "gate", "policy", 1), ("down", "teardown", "policy", 1)]
        work(run, "touch up")
        assert judged(run)
        assert outcome(run)[2:] == [("smoke", "gate", "policy", 0), ("down", "teardown", "policy", 0)]


@pytest.mark.parametrize("state", ["timed-out", "killed"])
def test_a_teardown_runs_when_the_run_is_ended(tmp_path: Path, state: str) -> None:
    ends = "kill $PPID; sleep 60" if state == "killed" else "sleep 60"
    gates = gate("smoke", ends) + gate("never", "true") + gate("down", "echo down", kind='"teardown"')
    with run_of(tmp_path, gates) as run:
        if state == "timed-out":
            run.deadline = time.monotonic() + 0.5
        deadline = run.deadline
        with pytest.raises(RunEnded) as ended:
            judged(run)
        assert ended.value.state == state
        assert outcome(run)[1:] == [("down", "teardown", "policy", 0)]
        assert run.deadline == deadline
        assert states(run) == {"smoke": "failed", "never": "pending", "down": "passed"}


@pytest.mark.parametrize("kind", ["gate", "format"])
def test_what_was_half_done_when_the_run_was_ended_is_undone_when_it_goes_on(
    tmp_path: Path, kind: str
) -> None:
    script = "! test -e go || exit 0; rm .gitignore; echo x > src/a.py; echo y > new.py; kill $PPID; sleep 60"
    gates = gate("g", script, kind=f'"{kind}"')
    with run_of(tmp_path, gates, files={".gitignore": "go\n.runs/\n"}) as run:
        work(run, "echo b > b.py")
        tree = hash_tree(run)
        with pytest.raises(RunEnded):
            judged(run)
        assert hash_tree(run) != tree
        work(run, "touch go")
        assert judged(run)
        assert hash_tree(run) == tree
        assert "+y\n" in Path(run.folder.file(f"undone-{len(run.manifest.steps)}.patch")).read_text()
        work(run, "echo c > b.py")
        assert judged(run)
        assert hash_tree(run) != tree


def test_a_script_that_is_not_there_yet_is_the_agents_to_write(tmp_path: Path) -> None:
    """And a secret that a gate prints is in no record."""
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    with run_of(tmp_path, gate("check", "./check.sh") + gate("leaks", f"echo {token}; exit 1")) as run:
        assert not judged(run)
        assert "ended with exit code 127" in run.feedback[0]
        assert token not in run.feedback[1]
        for name in ("gates.json", "manifest.json", "commands/02-leaks.json", "commands/02-leaks.log"):
            assert token not in Path(run.folder.file(name)).read_text()


_COMMITS = "git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x"


def test_what_ends_the_run(tmp_path: Path) -> None:
    """Its teardown runs all the same, and its failure is one."""
    with (
        run_of(tmp_path / "a", gate("commits", _COMMITS)) as run,
        pytest.raises(RunEnded, match=r"a gate .*commit"),
    ):
        judged(run)
    with run_of(tmp_path / "b", gate("lint", "sh -c 'lint {changed_files}'")) as run:
        work(run, "echo x > x")
        with pytest.raises(SpecguardError, match="within quotation marks"):
            judged(run)
    gates = gate("lint", "no-such-linter --all") + gate("down", "exit 4", kind='"teardown"')
    with run_of(tmp_path / "c", gates) as run:
        assert not judged(run)
        assert all(part in run.feedback[0] for part in ("no-such-linter: ", "not found"))
        assert [one.exit_code for one in run.manifest.commands] == [127, 4]
    with run_of(tmp_path / "d", gate("t", "true") + gate("down", "exit 4", kind='"teardown"')) as run:
        assert not judged(run)
        assert run.feedback[0].startswith("## The teardown down failed")
