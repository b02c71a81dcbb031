"""`specguard run` and what looks after runs, as the installed command on real repositories."""

import hashlib
import json
import os
import re
from pathlib import Path

import jsonschema
import psutil
import pytest

from specguard.runs.manifests import run_schemas
from specguard.testing.running import command
from tests.cli.running import GOOD, POLICY, Project, on_a_terminal
from tests.executor.working import wait_for
from tests.outcomes import ended


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


WITH_META = POLICY.replace("[agents.good]", '[runs]\nlayouts = ["meta"]\n\n[agents.good]')
SLOW = "cat > /dev/null; echo begun; touch begun; sleep 60"


def begun(project: Project) -> bool:
    """Whether the agent of the only run works."""
    return any("begun" in log.read_text() for log in project.runs.glob("*/*/commands/*.log"))


def test_a_run_goes_from_its_brief_to_a_pushed_branch_and_is_cleaned_up(project: Project) -> None:
    brief = ended(project.specguard("brief")).stdout
    assert brief.startswith("# phase 12\n")
    assert brief == project.specguard("brief", "phase").stdout
    assert project.specguard("brief", "phase", "13").stdout.startswith("# phase 13\n")
    assert project.specguard("brief", "wave").exit_code == 2
    assert not project.runs.exists()

    outcome = ended(project.specguard("run", "phase", "--", "sh", "-c", GOOD, installed=True))
    [manifest] = project.manifests()
    assert outcome.stdout.startswith(f"succeeded: {manifest['run_id']}\n")
    assert "&& git switch -c phase-12 origin/phase-12\n" in outcome.stdout
    assert "gh pr create --base main --head phase-12" in outcome.stdout
    assert "check\n" in outcome.stderr
    assert (project.only_run() / "brief.md").read_text() == brief
    log = project.remote.git("log", "-1", "--format=%s%n%(trailers)", "phase-12")
    assert log.split("\n")[0] == "feat(phase12): implement phase 12"
    assert f"Run: phase-12/{manifest['run_id']}" in log

    place, user = Path(manifest["place"]), project.user
    assert place.is_dir()
    assert user.git("for-each-ref", "refs/specguard")
    nobody = ended(project.specguard("run", "clean", manifest["run_id"]), 2)
    assert f"specguard run clean {manifest['run_id']} --yes\n" in nobody.stderr
    ended(project.specguard("run", "clean", "--dry-run"))
    ended(project.specguard("run", "clean", given="n\n"), 1)
    assert place.is_dir()
    (lock := user.path / ".git/packed-refs.lock").touch()
    assert "that a killed git left" in ended(project.specguard("run", "clean", given="y\n"), 2).stderr
    lock.unlink()
    assert "1 thing removed" in ended(project.specguard("run", "clean", given="y\n")).stderr
    assert [one for one in (place, Path(f"{place}.specguard")) if one.exists()] == []
    assert not user.git("for-each-ref", "refs/specguard")
    assert (project.only_run() / "report.md").is_file()
    ended(project.specguard("run", "clean"))

    # Its branch is removed once it was merged, and is not checked out.
    user.git("fetch", "-q", "origin", "phase-12:phase-12")
    assert "\nbranch" not in project.specguard("run", "clean", "--dry-run").stdout
    project.land("phase-12")
    user.git("checkout", "-q", "phase-12")
    assert "\nbranch" not in project.specguard("run", "clean", "--dry-run").stdout
    user.git("checkout", "-q", "main")
    assert "branch phase-12 of" in project.specguard("run", "clean", "--yes").stdout
    assert "phase-12" not in user.git("branch", "--format=%(refname:short)").split()
    assert project.remote.git("rev-parse", "phase-12").strip() == manifest["commit"]


@pytest.mark.parametrize("fails", ["", "D1"])
def test_a_list_of_items_is_a_run_each_one_after_the_other(tmp_path: Path, fails: str) -> None:
    head, _, _ = POLICY.partition("[work.phase]")
    policy = (
        head
        + '[work.slice]\nsource = "slices.json"\nbranch = "slice-{id}"\ncommit = "feat({id}): {text}"\n```\n'
    )
    slices = [{"number": one, "files": ["src/"]} for one in ("D1", "D2", "D3")]
    project = Project(tmp_path, policy, {"slices.json": json.dumps({"slices": slices})})
    agent = f"{GOOD}; grep -q 'slice {fails or 'none'}' \"$0\" && exit 7; true"
    asked = ("D2", "D1", "D3") if fails else ("D2", "D1")
    outcome = project.specguard("run", "slice", *asked, "--", "sh", "-c", agent, "{brief}")
    states = sorted((one["item"]["id"], one["state"]) for one in project.manifests())
    assert states == [("D1", "failed" if fails else "succeeded"), ("D2", "succeeded")]
    if fails:
        assert "not begun: D3\n" in ended(outcome, 3).stderr
        return
    ended(outcome)
    heads = project.user.git("ls-remote", str(project.remote.path), "refs/heads/slice-*")
    assert [line.rpartition("/")[2] for line in heads.splitlines()] == ["slice-D1", "slice-D2"]


def test_a_run_goes_on_when_nobody_reads_its_lines(tmp_path: Path) -> None:
    """The kind is named like a command, and is reached by `item`."""
    project = Project(tmp_path, POLICY.replace("work.phase", "work.list"))
    with project.start("run", "item", "list", "--", "sh", "-c", GOOD) as process:
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(120) == 0
    [manifest] = project.manifests()
    assert (manifest["state"], manifest["steps"][-1]["name"]) == ("succeeded", "report")
    assert manifest["item"]["kind"] == "list"
    assert manifest["run_id"] in ended(project.specguard("run", "list")).stdout


def test_the_end_says_what_was_not_mended_and_what_comes_next(project: Project) -> None:
    outcome = project.run_phase("cat > /dev/null; echo x > locked/a")
    [manifest] = project.manifests()
    help = f"correct what is left in {manifest['place']}, then: specguard run resume {manifest['run_id']}"
    assert outcome.stdout.split("\n") == [
        f"failed: {manifest['reason']}",
        "  test -f src/b.py: exit code 1",
        "  PTH002 locked-path: locked/a was modified; locked/ is locked",
        "note: Open pull requests were not looked for: the canonical repository is on this machine.",
        f"It ended in the step gates; next: {help}",
        "",
    ]
    again = project.specguard("run", "resume", manifest["run_id"], "--", "sh", "-c", GOOD)
    # The place is the same, and the file still there.
    assert "PTH002 locked-path" in again.stdout


SECRET = "correct-horse-battery"
LOUD = f"seq 1000; echo my {SECRET}; printf '~~~ <b>%0999d\\n' 1; exit 7"


def test_what_was_asked_for_and_said_is_kept_without_secrets_and_fits_the_schemas(project: Project) -> None:
    agent = ("--", "sh", "-c", f"cat > /dev/null; {LOUD}")
    outcome = ended(project.specguard("run", "phase", *agent, SHOP_TOKEN=SECRET), 3)
    # The end of what failed is shown, in lines of a bounded length.
    for said in (outcome.stdout, project.specguard("run", "report").stdout):
        lines = [line.strip() for line in said.splitlines()]
        assert "my [redacted: SHOP_TOKEN]" in lines
        assert lines.count("1000") == 1
        assert "900" not in lines
        assert max(map(len, lines)) < 500
        assert SECRET not in said
    folder = project.only_run()
    for path in folder.rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text(), path
    names = {"run": "manifest.json", "run-error": "error.json", "heartbeat": "control/heartbeat.json"}
    for name, pattern in {**names, "command": "commands/*.json"}.items():
        [file] = folder.glob(pattern)
        jsonschema.validate(json.loads(file.read_text()), run_schemas()[name])
    log = (folder / "run.log").read_text()
    assert "Z agent, round 1\n" in log
    assert "agent: failed: " in log
    assert (folder / "report.md").read_text().startswith("# Phase 12: failed\n")
    outcome = ended(project.specguard("run", "resume", folder.name), 2)
    assert "there was a secret in the run's command" in outcome.stderr
    ended(project.specguard("run", "resume", folder.name, "--", "sh", "-c", GOOD))


def test_a_run_stops_after_the_step_that_is_named_and_goes_on(project: Project) -> None:
    outcome = ended(project.run_phase(GOOD, "--until", "check", "--command", "test -d src"))
    [manifest] = project.manifests()
    patch = project.only_run() / "diff.patch"
    assert f"Its files: {manifest['place']}\nIts patch: {patch}\n" in outcome.stdout
    assert str(patch) in project.specguard("run", "report").stdout
    project.user.git("apply", str(patch))
    assert project.user.read("src/b.py") == b"b\n"
    project.user.delete("src/b.py")
    ended(project.specguard("run", "resume", manifest["run_id"]))
    [manifest] = project.manifests()
    assert (manifest["state"], manifest["pushed"]) == ("succeeded", manifest["commit"])
    # What was asked for is still asked for.
    last = [one for one in manifest["commands"] if one["command"] == "test -d src"]
    assert len(last) >= 2
    assert "nothing is left to do" in ended(project.specguard("run", "resume", manifest["run_id"]), 2).stderr


def test_a_detached_run_gives_its_id_at_once_and_goes_on(project: Project) -> None:
    script = "cat > /dev/null; echo begun; sleep 2; echo b > src/b.py"
    words = ("-C", "user", "run", "phase", "--detach", "--", "sh", "-c", script)
    outcome = ended(project.specguard(*words, directory=project.top.parent))
    run_id = outcome.stdout.strip()
    assert project.only_run().name == run_id
    assert project.manifests()[0]["state"] == "running"
    status = json.loads(project.specguard("run", "status", "--output-format", "json").stdout)
    assert [one["alive"] for one in status["runs"]] == [True]
    watched = project.specguard("run", "status", run_id, "--watch", "--output-format", "json")
    states = [json.loads(line)["state"] for line in watched.stdout.splitlines()]
    assert (states[0], states[-1]) == ("running", "succeeded")
    wait_for(lambda: "succeeded" in (project.only_run() / "control" / "output.log").read_text())


@pytest.mark.parametrize("words", [["phase", "--", "sh", "-c", SLOW], ["gates", "--command", SLOW]])
def test_a_run_is_stopped_with_what_it_has_started_and_with_nothing_else(
    project: Project, words: list[str]
) -> None:
    with psutil.Popen(["sleep", "61"]) as other, project.start("run", *words) as process:
        wait_for(lambda: begun(project))
        run_id = project.only_run().name
        assert f"process {process.pid} ended\n" in ended(project.specguard("run", "stop", run_id)).stdout
        assert other.is_running()
        other.kill()
    assert project.manifests()[0]["reason"] == "specguard was ended by SIGTERM"
    ended(project.specguard("run", "stop", run_id), 2)


def test_a_run_that_died_is_diagnosed_given_up_and_its_item_is_free(tmp_path: Path) -> None:
    project = Project(tmp_path, WITH_META)
    process = project.start("run", "phase", "--", "sh", "-c", SLOW)
    wait_for(lambda: begun(project))
    process.kill()
    process.communicate()
    run_id = project.only_run().name
    outcome = ended(project.specguard("run", "doctor"), 1)
    for line in ("alive      no: it has died", f"again      specguard run resume {run_id}", "  begun"):
        assert line in outcome.stdout.split("\n"), outcome
    told = json.loads(project.specguard("run", "doctor", run_id, "--output-format", "json").stdout)
    assert (told["runs"][0]["alive"], told["runs"][0]["process"]) == (False, False)
    assert told["runs"][0]["tail"] == "begun"
    assert f"specguard run stop {run_id}" in ended(project.run_phase(), 2).stderr
    # What it has is kept until it is given up.
    place = Path(project.manifests()[0]["place"])
    ended(project.specguard("run", "clean", "--yes"))
    assert place.is_dir()
    assert "sleep 60" in project.specguard("run", "stop", run_id).stdout
    meta = json.loads((project.only_run() / "meta.json").read_text())
    assert project.manifests()[0]["reason"] == meta["reason"] == "it had died, and was given up"
    ended(project.specguard("run", "doctor"))
    assert "begins anew if it is resumed" in project.specguard("run", "clean", "--yes").stdout
    assert not place.exists()
    ended(project.specguard("run", "resume", run_id, "--", "sh", "-c", GOOD))


def test_what_a_run_of_gates_that_died_may_have_left_is_told_once(project: Project) -> None:
    project.specguard("run", "gates")
    (project.only_run() / "control" / "gates.json").write_text('{"up": true}')
    assert "`specguard run gates` takes it down" in project.specguard("run", "clean", "--yes").stdout
    assert "nothing is left" in project.specguard("run", "clean", "--yes").stderr


def test_a_manifest_that_names_another_folder_has_none_removed(project: Project) -> None:
    project.run_phase()
    run = project.only_run()
    above = project.folder / "theirs"
    files = [above / "specguard/places/precious/file", above / "places" / run.name / "file"]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("mine\n")
    data = json.loads((run / "manifest.json").read_text())
    for path in ("specguard/places/..", "specguard/places/precious", f"places/{run.name}"):
        (run / "manifest.json").write_text(json.dumps({**data, "place": f"{above}/{path}"}))
        assert "\nplace" not in f"\n{project.specguard('run', 'clean', '--yes').stdout}"
        assert all(file.is_file() for file in files)


def test_the_commands_that_are_told_of_a_run_elsewhere_find_it(project: Project, tmp_path: Path) -> None:
    root = ("--run-root", str(tmp_path / "else where"))
    shown = f"--run-root '{root[1]}'"
    failed = ended(project.run_phase("cat > /dev/null; echo a > src/other.py", *root), 3)
    assert project.specguard("run", "list").stdout == ""
    assert "phase 12" in project.specguard("run", "list", *root).stdout
    manifest = next(Path(root[1]).glob("*/*/manifest.json"))
    run_id = manifest.parent.name
    assert f"specguard run resume {run_id} {shown}" in failed.stdout + failed.stderr
    assert f"run resume {run_id} {shown}" in project.specguard("run", "status", run_id, *root).stdout
    data = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(data | {"state": "running", "ended_at": None, "pid": 1 << 22}))
    assert f"specguard run resume {run_id} {shown}; to give it up: " in project.run_phase(GOOD, *root).stderr
    told = json.loads(project.specguard("run", "status", run_id, *root, "--output-format", "json").stdout)
    ended(project.specguard(*told["runs"][0]["again"][1:], "--max-attempts", "9", "--", "sh", "-c", GOOD))
    assert "succeeded" in project.specguard("run", "list", *root).stdout
    assert project.specguard("run", "report", *root).stdout.startswith("# Phase 12: succeeded\n")
    written = manifest.parent / "report.md"
    written.write_text("# Report\n\n- scripts/&#42;.sh: <code>a &#124; b</code>, `&#42;`\n")
    report = project.specguard("run", "report", *root)
    assert report.stdout == "# Report\n\n- scripts/*.sh: `a | b`, `&#42;`\n"


def test_a_broken_run_is_listed_and_diagnosed(project: Project) -> None:
    run = project.runs / "phase-12" / "2026-01-02T03-04-05Z-abcd"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{")
    assert "unreadable" in project.specguard("run", "list").stdout
    assert "put the record back, or switch to" in ended(project.specguard("run", "doctor"), 1).stdout
    for words in (("report",), ("stop", run.name), ("resume", run.name)):
        assert f"`specguard run doctor {run.name}`" in ended(project.specguard("run", *words), 2).stderr


def test_an_agent_can_ask_what_the_rules_say_so_far(project: Project) -> None:
    script = (
        "ask=$(grep -o 'specguard check[^`]*');"
        " echo x > locked/a; $ask; echo code $?; git checkout -q locked/a; echo b > src/b.py; $ask"
    )
    path = os.path.dirname(command()) + ":" + os.environ["PATH"]
    ended(project.specguard("run", "phase", "--", "sh", "-c", script, PATH=path))
    log = (project.only_run() / project.manifests()[0]["commands"][0]["log"]).read_text()
    assert "PTH002 locked-path" in log
    assert "code 1\n" in log
    assert "specguard: passed (worktree, 1 file)" in log


def test_of_a_compact_run_the_ends_of_the_logs_are_kept(tmp_path: Path) -> None:
    """Readers of an older layout have `meta.json` too."""
    project = Project(tmp_path, WITH_META)
    ended(project.run_phase("cat > /dev/null; yes line | head -30000; echo b > src/b.py", "--compact"))
    folder = project.only_run()
    [manifest] = project.manifests()
    agent = manifest["commands"][0]
    log = (folder / agent["log"]).read_bytes()
    result = json.loads((folder / agent["response"]).read_text())
    assert len(log) < 1 << 14
    assert log.endswith(b"line\nline\n")
    assert agent["log_digest"] == result["log_digest"] == hashlib.sha256(log).hexdigest()
    assert (result["cut"], result["output_bytes"]) == (True, 150000)
    assert manifest["digests"][agent["log"]] == agent["log_digest"]
    meta = json.loads((folder / "meta.json").read_text())
    assert (meta["status"], meta["task_id"], meta["log"]) == ("succeeded", "12", "run.log")
    assert (folder / meta["log"]).is_file()


def test_a_terminal_shows_steps_and_gates_as_they_go(project: Project) -> None:
    env = {**project.environment, "TERM": "xterm", "COLUMNS": "160", "LINES": "50"}
    agent = ("phase", "--", "sh", "-c", f"{GOOD}; printf '\\033[2J[red]x'")
    steps = ("preflight", "place", "check", "push", "test -f src/b.py", "exit code 0", "succeeded")
    for words, texts in (
        (agent, steps),
        (("list",), ("phase 12",)),
        (("status", "--watch"), ("succeeded",)),
        (("report",), ("Changed files",)),
    ):
        code, shown = on_a_terminal("run", *words, directory=project.user.path, env=env)
        assert code == 0, shown
        for text in texts:
            assert text in shown, shown


TASKS = """
[work.task]
source = ".plans/{name}/plan.json"
items = "tasks"
branch = "pr/{name}-{id}"
commit = "{id}: do it"
"""


def test_a_plan_is_named_from_where_the_caller_is(tmp_path: Path) -> None:
    plan = json.dumps({"tasks": [{"id": "task_003", "title": "t"}]})
    policy = POLICY.replace("[agents.good]", f"{TASKS}\n[agents.good]")
    project = Project(tmp_path, policy, {".plans/cart/plan.json": plan, ".plans/other/plan.json": plan})
    for words in (
        ("--plan", ".plans/cart/plan.json"),
        ("--plan-dir", ".plans/cart"),
        ("--plan-dir", f"{project.user.path}/.plans/cart"),
        ("--plan", f"{project.user.path}/.plans/cart/plan.json", "--code-dir", "."),
    ):
        dry = ("--dry-run", "--output-format", "json", "--", "true")
        outcome = ended(project.specguard("run", "task", "task_003", *words, *dry))
        assert [job["branch"] for job in json.loads(outcome.stdout)["jobs"]] == ["pr/cart-task_003"]


def test_a_run_is_started_from_another_folder_by_an_agent_of_the_policy(project: Project) -> None:
    away = project.folder / "away"
    away.mkdir()
    words = ("run", "phase", "--code-dir", "../user", "--agent", "good")
    ended(project.specguard(*words, directory=away))
    [manifest] = project.manifests()
    assert (manifest["state"], manifest["agent"]["name"]) == ("succeeded", "good")


def test_without_words_the_commands_are_listed(project: Project) -> None:
    outcome = ended(project.specguard("run"), 2)
    assert outcome.stderr.startswith("Usage: specguard run")
    assert "error" not in outcome.stderr
    names = re.findall(r"^  (\w+)  ", outcome.stderr.partition("Commands:")[2], re.MULTILINE)
    assert names == sorted(names)
    assert {"item", "list", "resume"} <= set(names)


def test_a_run_that_cannot_begin_ends_with_2_and_leaves_nothing(project: Project) -> None:
    nobody = ("run", "phase", "--agent", "nobody")
    for words in (("run", "wave", "--", "true"), nobody, ("run", "phase"), (*nobody, "--detach")):
        outcome = ended(project.specguard(*words), 2)
        assert "Traceback" not in outcome.stderr
    assert (outcome.stdout, "nobody" in outcome.stderr) == ("", True)
    assert project.manifests() == []


def test_the_gates_alone(project: Project) -> None:
    outcome = project.specguard("run", "gates", "--command", "test -d src")
    assert outcome.exit_code == 3, outcome
    (project.top / "src" / "b.py").write_text("b\n")
    outcome = project.specguard("run", "gates")
    assert outcome.exit_code == 0, outcome
    manifest = Path(outcome.stdout.rstrip().rpartition("manifest: ")[2])
    assert json.loads(manifest.read_text())["state"] == "succeeded"
    killing = ended(project.specguard("run", "gates", "--command", "pkill no-such-server"), 2)
    assert "`pkill no-such-server` ends processes by name" in killing.stderr
