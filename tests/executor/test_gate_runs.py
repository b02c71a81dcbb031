"""Runs of the gates alone, in the user's own checkout."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from specguard.executor.run import RunOptions
from specguard.executor.run_control import carry_out_gates
from specguard.runs.files import write_gitignore
from specguard.runs.manifests import Manifest, RunFolder
from specguard.testing.running import run_here
from tests.executor.places import Setting, everything
from tests.executor.test_gates import GATES, gate

PASSING = gate("tests", "echo tested; test -f src/a.py") + gate("deploy", "false", when='["deploy/"]')
DOCUMENT = "# Phase 12\n\n## Gates\n\n- `echo from the document`\n- It works\n"


class User:
    """A user in their checkout."""

    def __init__(
        self, folder: Path, gates: str = "", *, policy: str = GATES, document: str = DOCUMENT
    ) -> None:
        policy = policy.removesuffix("```\n") + gates + "```\n"
        self.setting = Setting(folder, {"SPEC_AUTHORITY.md": policy, "docs/phase-12.md": document})
        self.path = self.setting.user.path
        self.said: list[str] = []

    def gates(self, **options: Any) -> int:
        given = {"environment": self.setting.environment, "directory": str(self.path), **options}
        return carry_out_gates(RunOptions(**given), self.said.append)

    @property
    def manifest(self) -> Manifest:
        assert self.said[-1].startswith("manifest: ")
        return RunFolder(os.path.dirname(self.said[-1].removeprefix("manifest: "))).read_manifest()


def test_the_gates_of_the_branch_s_item_with_their_evidence(tmp_path: Path) -> None:
    user = User(tmp_path, PASSING)
    user.setting.user.git("checkout", "-q", "--detach")
    user.setting.user.write("src/b.py", "b\n")
    before = everything(user.path)
    assert user.gates(branch="phase-12", commands=["echo by a flag"]) == 0
    after = everything(user.path)
    assert [name for name in after if before.get(name) != after[name] and name[:6] != ".runs/"] == []
    manifest = user.manifest
    item = manifest.item
    assert (item.kind, item.id, item.document) == ("gates", "phase-12", "docs/phase-12.md")
    assert (manifest.state, manifest.commit, manifest.branch) == ("succeeded", None, None)
    assert [(one.name, one.source, one.exit_code) for one in manifest.commands] == [
        ("tests", "policy", 0),
        ("echo-from-the", "document", 0),
        ("echo-by-a", "flag", 0),
        ("specguard", "run", 0),
    ]
    assert manifest.commands[-1].command.endswith(" --head=HEAD --branch phase-12")
    assert len({one.tree for one in manifest.commands}) == 1
    assert manifest.digests["commands/01-tests.log"]
    assert user.said[:4] == [
        f"run {manifest.run_id}",
        "gate tests: echo tested; test -f src/a.py",
        "  tested",
        f"gate tests: exit code 0, after {manifest.commands[0].duration:.1f} s",
    ]
    assert "gate deploy did not run: no file of deploy/ was changed" in user.said
    assert "note: docs/phase-12.md:6 is not run as a gate: 'It works' (it names no command)." in user.said
    assert user.said[-2] == f"run {manifest.run_id}: succeeded (4 passed, 1 skipped)"


def test_the_change_and_what_matters_in_it_stand_beside_the_logs(tmp_path: Path) -> None:
    """The folder of runs is no part of the tree, and a guard that the policy names runs once."""
    user = User(tmp_path, gate("guard", "true specguard check --staged"), document="# Phase 12\n")
    made = user.setting.user
    made.git("checkout", "-q", "-b", "phase-12")
    subject = "feat(phase12): implement phase 12"
    made.commit(
        subject, files={"src/b.py": "b\n", ".runs/[a]/1/manifest.json": "{}\n", ".gitignore": "build/\n"}
    )
    made.write("src/c.py", "c\n")
    assert user.gates() == 0, user.said
    manifest = user.manifest
    assert [one.name for one in manifest.commands] == ["guard"]
    assert manifest.highlights == [subject, "not committed: src/c.py"]
    patch = Path(user.said[-1].removeprefix("manifest: ")).with_name("diff.patch").read_text()
    assert "+++ b/src/b.py" in patch
    assert "+++ b/src/c.py" in patch
    assert "manifest.json" not in patch
    assert manifest.digests["diff.patch"]
    assert user.gates() == 0
    assert user.manifest.commands[-1].tree == manifest.commands[0].tree
    assert not any("changed" in note for note in user.manifest.notes)


def test_a_gate_that_alters_the_manifest_fails_the_run(tmp_path: Path) -> None:
    user = User(tmp_path, gate("tests", "for one in .runs/*/*/manifest.json; do echo >> $one; done"))
    assert (user.gates(), user.manifest.state) == (3, "failed")
    assert "somebody altered manifest.json of the run" in (user.manifest.reason or "")
    assert user.said[-2].endswith("; to go on: specguard run gates")


def test_a_failing_gate_a_missing_program_and_findings_give_3(tmp_path: Path) -> None:
    """Files that are not committed are judged, and the commits of the branch too."""
    forbids = '[rules.forbidden-path]\npaths = ["docs/locked/**"]\n\n[rules.locked-path]\n'
    policy = GATES.replace("[rules.locked-path]\n", forbids)
    gates = gate("tests", "exit 7") + gate("lint", "no-such-linter")
    user = User(tmp_path, gates, policy=policy, document="# Phase 12\n")
    made = user.setting.user
    made.git("checkout", "-q", "-b", "phase-12")
    made.commit("feat(phase12): b", files={"docs/locked/a.md": "a\n"})
    made.write("locked/a", "changed\n")
    assert user.gates() == 3
    manifest = user.manifest
    assert (manifest.state, manifest.reason) == ("failed", "what failed: tests, lint, specguard")
    assert [one.exit_code for one in manifest.commands] == [7, 127, 1]
    text = "\n".join(user.said)
    assert "locked/a was modified" in text
    assert "docs/locked/a.md was added" in text
    assert all(part in text for part in ("no-such-linter: ", "not found"))


def test_without_an_item_the_gates_of_every_kind_run_once(tmp_path: Path) -> None:
    track = '\n[work.track]\npointer = ["NEXT_TRACK.json"]\nbranch = "track-{number}"\n'
    gates = gate("tests", "echo one") + track + gate("tests", "echo one").replace("phase", "track")
    user = User(tmp_path, gates + gate("more", "echo two").replace("phase", "track"))
    assert user.gates() == 0
    manifest = user.manifest
    assert manifest.item.id == "all"
    assert [(one.name, one.command) for one in manifest.commands[:-1]] == [
        ("tests", "echo one"),
        ("more", "echo two"),
    ]
    assert any(note.startswith("No work item: ") for note in manifest.notes)


def test_formatters_do_not_run_and_what_a_gate_changes_is_left_and_told(tmp_path: Path) -> None:
    gates = gate("fmt", "echo x > src/a.py", kind='"format"') + gate("writes", "echo y > src/new.py")
    user = User(tmp_path, gates)
    assert user.gates(run_root=str(tmp_path / "runs")) == 0
    assert (user.path / "src/a.py").read_text() == "a = 1\n"
    assert (user.path / "src/new.py").read_text() == "y\n"
    assert any("format fmt did not run: formatters write" in line for line in user.said)
    assert any("changed src/new.py; that was left, since" in line for line in user.said)
    # The record is where it was asked for.
    assert not (user.path / ".runs").exists()
    with open(tmp_path / "runs" / "gates-all" / user.manifest.run_id / "gates.json") as file:
        assert [one["state"] for one in json.load(file)["gates"]] == ["skipped", "passed", "passed"]


def test_git_ignores_a_new_folder_of_runs_until_they_are_committed(tmp_path: Path) -> None:
    user = User(tmp_path, PASSING)
    user.setting.user.git("rm", "-q", "--cached", "--ignore-unmatch", ".gitignore")
    (user.path / ".gitignore").unlink(missing_ok=True)
    before = user.setting.user.git("status", "--porcelain")
    assert user.gates(branch="phase-12") == 0
    assert user.setting.user.git("status", "--porcelain") == before
    # Where the policy has come to commit them, what it says of that is in its place.
    runs, other = user.path / ".runs", tmp_path / "other"
    assert write_gitignore(str(runs), committed=True)
    # Another branch that is checked out need not have it.
    (runs / ".gitignore").rename(runs / "gates-phase-12/.run.lock")
    assert user.setting.user.git("status", "-s", "-uall", ".runs/*/.*", "*/control/*").count("??") == 1
    other.mkdir()
    assert not write_gitignore(str(other), committed=False)
    # A team's own file is no such file, however short.
    (other / ".gitignore").write_text("x\n")
    assert not write_gitignore(str(other), committed=True)


def test_a_dry_run_lists_all_and_touches_nothing(tmp_path: Path) -> None:
    wrapped = gate("in", "true", wrapper='["env", "A=a b"]')
    user = User(tmp_path, PASSING + wrapped + gate("fmt", "gofmt -w {changed_files}", kind='"format"'))
    before = everything(user.path)
    assert user.gates(dry_run=True, commands=["echo flag"]) == 0
    assert everything(user.path) == before
    text = "\n".join(user.said)
    assert "gate tests (SPEC_AUTHORITY.md:" in text
    assert "runs\n  echo tested; test -f src/a.py" in text
    assert "does not run: no file of deploy/ was changed\n  false" in text
    assert "runs\n  env 'A=a b' true" in text
    assert "format fmt (" in text
    assert "gate echo-flag (--command) runs" in text
    assert "-m specguard check --worktree" in text


def test_the_time_of_the_run(tmp_path: Path) -> None:
    user = User(tmp_path, gate("slow", "sleep 60") + gate("down", "echo down", kind='"teardown"'))
    assert user.gates(timeout=1) == 3
    manifest = user.manifest
    assert manifest.state == "timed-out"
    assert [one.name for one in manifest.commands] == ["slow", "down"]
    assert user.gates(command_timeout=1) == 3
    assert user.said[-2] == "  next: correct that, then: specguard run gates --command-timeout 2"


def test_a_rule_is_not_asked_for_the_proof_that_is_being_made(tmp_path: Path) -> None:
    kept = 'place_limit = 1\nkeep = "tree"\nquick_gates = ["tests"]\n'
    assets = '\n[assets]\npaths = ["patterns/**"]\nindex = "patterns/index.json"\nproofs = ["build"]\n'
    assets += 'run_files = ["diff.patch"]\nrun_keys = ["approvals", "highlights"]\n'
    assets += '\n[checklists]\nfiles = ["TASKS.md"]\nevidence = ".runs/**/manifest.json"\n'
    policy = GATES.replace("place_limit = 1\n", kept).removesuffix("```\n")
    policy += gate("tests", "true") + assets + "```\n"
    user = User(tmp_path, policy=policy)
    made = user.setting.user
    made.git("checkout", "-q", "-b", "phase-12")
    made.write("patterns/emit.ts", "a\n")
    entry = {"id": "emit", "entry": "patterns/emit.ts", "version": "0.1.0"}
    made.write("patterns/index.json", json.dumps({"assets": [entry]}))
    made.write("TASKS.md", "- [x] Emit\n")
    made.git("add", "patterns", "TASKS.md")

    def staged() -> int:
        return run_here("check", "--staged", "--select=RUN010,ART006", directory=user.path).exit_code

    assert staged() == 1
    assert user.gates(commands=["test build"]) == 0, user.said
    assert "*.lock" in (made.path / ".runs/.gitignore").read_text()
    made.git("add", "-f", ".runs")
    folder = Path(user.said[-1].removeprefix("manifest: ")).parent
    made.write("TASKS.md", f"- [x] Emit: {folder.relative_to(user.path)}\n")
    made.git("add", "TASKS.md")
    assert staged() == 0


def test_a_full_disk_ends_the_run_and_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specguard.executor.run_control.content_id", full)
    user = User(tmp_path, gate("passes", "true"))
    secret = {**user.setting.environment, "API_TOKEN": "a1b2c3d4e5f6g7h8"}
    assert user.gates(commands=["test -n a1b2c3d4e5f6g7h8"], environment=secret) == 2
    assert (user.manifest.state, user.manifest.commands[0].exit_code) == ("failed", 0)
    assert "No space left on device" in (user.manifest.reason or "")
    assert user.said[-2].endswith("specguard run gates --command 'test -n [redacted: API_TOKEN]'")
