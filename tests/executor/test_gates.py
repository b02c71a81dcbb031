"""Formatters, gates and teardowns in the place of a run: real commands in real repositories."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from specguard.errors import SpecguardError
from specguard.executor.commit import hash_tree
from specguard.executor.gates import run_gates
from specguard.executor.place import place_of
from specguard.executor.run import RunEnded
from tests.executor.places import POLICY, Setting, everything, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.executor.run import Run

GATES = POLICY.replace('number = "next"\n', 'number = "next"\ndocument = ["docs/phase-{number}.md"]\n')


@contextmanager
def run_of(
    folder: Path, gates: str = "", document: str = "# Phase 12\n", files: dict[str, str] | None = None
) -> Iterator[Run]:
    """A run with these gates in its policy, and this document of its item."""
    policy = GATES.removesuffix("```\n") + gates + "```\n"
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


def interrupt_at(path: str) -> threading.Thread:
    """Send this process SIGTERM once a file is there."""

    def interrupt() -> None:
        until = time.monotonic() + 20
        while not os.path.exists(path) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


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
        assert (run.told, run.manifest.notes) == ([], [])


def test_no_gate_is_said(tmp_path: Path) -> None:
    with run_of(tmp_path) as run:
        assert judged(run)
        assert run.manifest.notes == [
            "No gate is named, by the policy or by the document: nothing was tested."
        ]
        assert run.manifest.steps[-1].detail == "no gate is named"


def test_no_gate_that_applies_is_said(tmp_path: Path) -> None:
    with run_of(tmp_path, gate("smoke", "false", when='["deploy/"]')) as run:
        work(run, "echo x > x")
        assert judged(run)
        assert run.manifest.notes == ["No gate applies to what was changed: nothing was tested."]
        assert run.manifest.steps[-1].detail == "1 skipped"


def test_what_the_document_says_and_is_not_run_is_noted(tmp_path: Path) -> None:
    with run_of(tmp_path, document="# Phase 12\n\n## Gates\n\n- `true`\n- It works\n") as run:
        assert judged(run)
        assert run.manifest.notes == [
            "docs/phase-12.md:6 is not run as a gate: 'It works' (it names no command)."
        ]


def test_failures_go_back_with_their_output_and_all_others_still_run(tmp_path: Path) -> None:
    failing = "echo fails; cat errors; exit 3"
    with run_of(
        tmp_path, gate("first", failing) + gate("second", "echo second"), files={"errors": "E1\n"}
    ) as run:
        run.manifest.attempts = 1
        assert not judged(run)
        assert [one.exit_code for one in run.manifest.commands] == [3, 0]
        [told] = run.told
        assert told.startswith("## The gate first failed\n\n`echo fails; ")
        assert "cat errors; exit 3` (SPEC_AUTHORITY.md:" in told
        assert "ended with exit code 3:\n\n~~~text\nfails\n" in told
        assert told.endswith("\nE1\n~~~\n")
        run.told, run.manifest.attempts = [], 2
        work(run, "echo E2 >> errors")
        assert not judged(run)
        [told] = run.told
        assert told.endswith("\nE1\nE2\n~~~\n")


def test_a_formatter_works_on_the_files_that_the_change_touches(tmp_path: Path) -> None:
    strip = "for f in {changed_files} src/a.py; do sed -i 's/ *\r*$//' \"$f\"; done"
    formatter = f"{strip}; echo x > made/new.txt; rm -f gone.py"
    files = {
        "src/a.py": "a = 1   \r\n",
        "gone.py": "g\n",
        ".gitattributes": "src/a.py eol=crlf\n",
        "made/keep": "",
    }
    with run_of(tmp_path, gate("fmt", formatter, kind='"format"'), files=files) as run:
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
        assert note.endswith(
            "changed gone.py, made/new.txt, src/a.py; the change does not touch them, and they were undone."
        )


def test_a_document_may_have_everything_formatted(tmp_path: Path) -> None:
    document = "# Phase 12\n\n## Formatting\n\nRun it over the whole repository.\n"
    formatter = gate("fmt", "echo 'a = 9' > src/a.py", kind='"format"')
    with run_of(tmp_path, formatter, document) as run:
        work(run, "echo b > b.py")
        judged(run)
        assert Path(place_of(run).path, "src/a.py").read_text() == "a = 9\n"
        assert not any("undone" in note for note in run.manifest.notes)


def test_gates_judge_what_formatters_wrote(tmp_path: Path) -> None:
    gates = gate(
        "check", "grep -qx 'b = 1' b.py && git diff --exit-code && git ls-files --error-unmatch b.py"
    )
    formatter = gate("fmt", "sed -i 's/ *$//' {changed_files}", kind='"format"')
    with run_of(tmp_path, gates + formatter) as run:
        work(run, "echo 'b = 1  ' > b.py")
        assert judged(run)
        fmt, check = run.manifest.commands
        assert (fmt.kind, fmt.command, check.kind) == ("format", "sed -i 's/ *$//' b.py", "gate")
        assert check.tree == hash_tree(run) != fmt.tree


def test_what_a_gate_changes_is_named_and_undone(tmp_path: Path) -> None:
    gates = gate(
        "writes",
        "echo x > src/a.py; rm NEXT_PHASE.json; mkdir d; ln -s x d/l; mkdir -p build; echo > build/o",
    )
    with run_of(tmp_path, gates + gate("judges", "grep -q 'a = 2' src/a.py && ! test -e d")) as run:
        place = work(run, "echo 'a = 2' > src/a.py")
        tree = hash_tree(run)
        assert judged(run)
        assert hash_tree(run) == tree
        assert Path(place.path, "build/o").exists()
        assert "NEXT_PHASE.json, d/l, src/a.py; they were undone, since gates judge" in run.manifest.notes[0]


def test_each_added_script_is_run(tmp_path: Path) -> None:
    gates = gate("scripts", "sh {file}", when='["scripts/**"]', on='["added"]', each="true")
    with run_of(tmp_path, gates, files={"scripts/old.sh": "exit 1\n"}) as run:
        work(
            run,
            "echo '# x' >> scripts/old.sh; echo 'exit 0' > scripts/a.sh; echo 'exit 5' > 'scripts/b c.sh'",
        )
        assert not judged(run)
        assert [(one.command, one.exit_code) for one in run.manifest.commands] == [
            ("sh scripts/a.sh", 0),
            ("sh 'scripts/b c.sh'", 5),
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
        assert "failed, since it took longer than its 1 seconds, and said nothing." in run.told[0]


def test_a_teardown_runs_when_gates_fail_and_when_they_pass(tmp_path: Path) -> None:
    down = gate("down", "rm up", kind='"teardown"')
    with run_of(
        tmp_path, down + gate("smoke", "touch up; exit 1"), files={".gitignore": "up\n.runs/\n"}
    ) as run:
        assert not judged(run)
        assert outcome(run) == [("smoke", "gate", "policy", 1), ("down", "teardown", "policy", 0)]


def test_a_teardown_runs_when_the_time_of_the_run_is_over(tmp_path: Path) -> None:
    gates = gate("smoke", "sleep 60") + gate("never", "true") + gate("down", "echo down", kind='"teardown"')
    with run_of(tmp_path, gates) as run:
        run.deadline = time.monotonic() + 0.5
        deadline = run.deadline
        with pytest.raises(RunEnded) as ended:
            judged(run)
        assert ended.value.state == "timed-out"
        assert outcome(run)[1:] == [("down", "teardown", "policy", 0)]
        assert run.deadline == deadline
        assert states(run) == {"smoke": "failed", "never": "pending", "down": "passed"}


def test_a_teardown_runs_when_the_run_is_interrupted(tmp_path: Path) -> None:
    gates = gate("smoke", "touch started; sleep 60") + gate("down", "echo down", kind='"teardown"')
    with run_of(tmp_path, gates, files={".gitignore": "started\n.runs/\n"}) as run:
        thread = interrupt_at(os.path.join(place_of(run).path, "started"))
        with pytest.raises(RunEnded) as ended:
            judged(run)
        thread.join()
        assert ended.value.state == "killed"
        assert [(one.name, one.exit_code) for one in run.manifest.commands][1:] == [("down", 0)]


@pytest.mark.parametrize("kind", ["gate", "format"])
def test_what_was_half_done_when_the_run_was_ended_is_undone_when_it_goes_on(
    tmp_path: Path, kind: str
) -> None:
    script = "if test -e go; then exit 0; fi; echo x > src/a.py; echo y > new.py; touch started; sleep 60"
    with run_of(
        tmp_path, gate("g", script, kind=f'"{kind}"'), files={".gitignore": "started\ngo\n.runs/\n"}
    ) as run:
        place = work(run, "echo b > b.py")
        tree = hash_tree(run)
        thread = interrupt_at(os.path.join(place.path, "started"))
        with pytest.raises(RunEnded):
            judged(run)
        thread.join()
        assert hash_tree(run) != tree
        work(run, "touch go")
        assert judged(run)
        assert hash_tree(run) == tree
        assert "What the gates had changed when the run was ended was undone." in run.manifest.notes
        work(run, "echo c > b.py")
        assert judged(run)
        assert hash_tree(run) != tree


def test_a_program_that_is_missing_ends_the_run_by_name(tmp_path: Path) -> None:
    gates = gate("lint", "no-such-linter --all") + gate("down", "echo down", kind='"teardown"')
    with run_of(tmp_path, gates) as run:
        with pytest.raises(
            RunEnded, match=r"the gate lint \(SPEC_AUTHORITY.md:[0-9]+\) needs no-such-linter"
        ) as ended:
            judged(run)
        assert ended.value.help.startswith("install no-such-linter")
        assert [one.exit_code for one in run.manifest.commands] == [127, 0]


def test_a_script_that_is_not_there_yet_is_the_agents_to_write(tmp_path: Path) -> None:
    with run_of(tmp_path, gate("check", "./check.sh")) as run:
        assert not judged(run)
        assert "ended with exit code 127" in run.told[0]


def test_a_gate_that_commits_is_caught(tmp_path: Path) -> None:
    commit = "git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x"
    with run_of(tmp_path, gate("commits", commit)) as run, pytest.raises(RunEnded, match=r"a gate .*commit"):
        judged(run)


def test_placeholders_within_quotation_marks_are_refused(tmp_path: Path) -> None:
    with run_of(tmp_path, gate("lint", "sh -c 'lint {changed_files}'")) as run:
        work(run, "echo x > x")
        with pytest.raises(SpecguardError, match="within quotation marks"):
            judged(run)


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    script = "touch -r src/a.py stamp; printf 'a = 7\\n' > src/a.py; touch -r stamp src/a.py; rm stamp"
    with run_of(tmp_path, gate("writes", script) + gate("judges", "grep -q 'a = 1' src/a.py")) as run:
        assert judged(run)
        assert [one.exit_code for one in run.manifest.commands] == [0, 0]
        assert "The gate writes" in run.manifest.notes[-1]


def test_a_teardown_that_fails_is_a_failure(tmp_path: Path) -> None:
    with run_of(tmp_path, gate("t", "true") + gate("down", "exit 4", kind='"teardown"')) as run:
        assert not judged(run)
        assert run.told[0].startswith("## The teardown down failed")


def test_a_secret_is_in_no_record(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    with run_of(tmp_path, gate("leaks", f"echo {token}; exit 1")) as run:
        assert not judged(run)
        assert token not in run.told[0]
        for name in ("gates.json", "manifest.json", "commands/01-leaks.json", "commands/01-leaks.log"):
            assert token not in Path(run.folder.file(name)).read_text()


def test_new_files_beside_ignored_ones_are_removed(tmp_path: Path) -> None:
    script = (
        "mkdir -p build deep/er; echo o > build/o; echo x > deep/er/x; "
        "echo '*.x' > deep/.gitignore; echo y > deep/y.x"
    )
    with run_of(tmp_path, gate("writes", script) + gate("judges", "! test -e deep/er")) as run:
        assert judged(run)
        assert Path(place_of(run).path, "build/o").exists()
        assert "changed deep/.gitignore, deep/er/x, deep/y.x; they were undone" in run.manifest.notes[-1]
