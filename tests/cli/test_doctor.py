"""What `specguard doctor` says of runs, and which rules catch a change with `--canary`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from specguard.cli import doctor
from specguard.engine.plugins import load_registry
from specguard.reporters.manual import DEFAULTS
from specguard.testing import Outcome, Repository, run, run_here
from tests.cli.no_foo import install_no_foo
from tests.cli.running import POLICY, Project
from tests.executor.places import program
from tests.executor.remotes import Hosted
from tests.outcomes import data_of

AGENTS = """
[agents.pinned]
command = ["pinned-agent", "-"]
version = ">=0.40,<0.50"

[agents.absent]
command = ["absent-agent", "-"]
version = ">=0.40"

[agents.any]
command = [ "sh" ]

[agents."absent too"]
command = ["absent-agent", "-"]
version = ">=0.40"
"""
VERSION = "#!/bin/sh\ntouch {ran}\necho pinned-agent {version}\n"


def found(where: Project | Hosted, code: int = 0, **variables: str) -> dict[str, Any]:
    """What is said of each subject."""
    environment = {**where.environment, "GIT_CONFIG_GLOBAL": str(where.home / ".gitconfig"), **variables}
    return {one["subject"]: one for one in data_of(where.user, "doctor", code=code, **environment)}


def install(folder: Path, name: str, text: str) -> str:
    """Put a command on a path, which is returned."""
    return f"{program(folder / name, text).parent}:{os.environ['PATH']}"


def test_an_older_git_is_named(repository: Repository, tmp_path: Path) -> None:
    """It does not know `--path-format`, and prints it."""
    old = "#!/bin/sh\ncase $* in *--path-format*) echo --path-format=absolute; echo .git;; esac\n"
    for command in ("doctor", "check"):
        done = run_here(command, directory=repository.path, env={"PATH": install(tmp_path, "git", old)})
        assert "git is older than git 2.34" in str(done)


def test_the_remote_the_platform_and_the_folder_of_runs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    said = found(project)
    assert said["extras"] == {"subject": "extras", "status": "ok", "said": "mcp, lsp", "help": ""}
    assert said["remote of runs"]["status"] == "ok"
    assert "on this machine" in said["pull requests"]["said"]
    assert said["runs"]["said"] == f"0 runs in {project.runs}"
    project.runs.write_text("a file")
    assert "cannot be written to" in found(project)["runs"]["said"]
    settings = project.user.read("SPEC_AUTHORITY.md").decode().rpartition("```")[0]
    project.user.commit("x", files={"SPEC_AUTHORITY.md": f'{settings}\n[runs]\nroot = "$NONE/runs"\n```\n'})
    project.user.git("push", "-q", "origin", "main")
    line = settings.count("\n") + 3
    said = found(project)["runs"]["said"]
    assert said.startswith(f"SPEC_AUTHORITY.md:{line}: '$NONE/runs' names the variable NONE")
    project.user.git("remote", "remove", "origin")
    remote = found(project)["remote of runs"]
    assert (remote["status"], bool(remote["help"])) == ("note", True)
    (project.home / ".gitconfig").write_text("[user\n")
    assert "git fails: bad config line 1" in found(project, 1, HOME=str(project.home))["hooks"]["said"]


def test_a_platform_that_is_signed_in_or_is_not_or_has_no_command(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, files={"SPEC_AUTHORITY.md": POLICY})
    for hosts, status in ((["github.com"], "ok"), ([], "note")):
        hosted.state = {**hosted.state, "signed_in": hosts}
        said = found(hosted)["pull requests"]
        assert said["status"] == status
        assert ("gh is signed in to github.com" in said["said"]) == bool(hosts)
        assert said["help"] == ("" if hosts else "gh auth login --hostname github.com")
    git = install(tmp_path / "tools", "git", '#!/bin/sh\nexec /usr/bin/git "$@"\n').partition(":")[0]
    said = found(hosted, PATH=git)["pull requests"]
    assert "gh is not installed" in said["said"]
    assert said["help"] == "install gh, then: gh auth login --hostname github.com"


@pytest.mark.parametrize("where", ["", "absolute"])
def test_the_version_of_an_agent(tmp_path: Path, where: str) -> None:
    agents = AGENTS.replace('["', f'["{tmp_path}/tools/') if where else AGENTS
    project = Project(tmp_path, POLICY.replace("[work.phase]", f"{agents}\n[work.phase]"))
    absent = f"{tmp_path}/tools/absent-agent" if where else "absent-agent"
    for version, code in (("0.42.1", 0), ("0.51.0", 1)):
        script = VERSION.format(ran=tmp_path / "ran", version=version)
        said = found(project, code, PATH=install(tmp_path / "tools", "pinned-agent", script))
        assert said["agent pinned"]["status"] == ("missing" if code else "ok")
        assert version in said["agent pinned"]["said"]
        assert said["agent any"]["said"] == "sh"
        assert said["agent absent"]["said"].startswith(f"{absent} cannot be run")
        assert said["agent absent"]["help"].startswith(f"install {absent} >=0.40;")
        assert said["agent absent too"] == {**said["agent absent"], "subject": "agent absent too"}


def test_no_program_is_run_for_a_policy_that_is_not_on_the_base(tmp_path: Path) -> None:
    project = Project(tmp_path, "# Nothing yet\n\n```toml specguard\n```\n")
    project.user.git("rm", "-q", "SPEC_AUTHORITY.md")
    project.user.git("commit", "-q", "-m", "chore: none")
    project.user.git("push", "-q", "origin", "main")
    project.user.write("SPEC_AUTHORITY.md", POLICY.replace("[work.phase]", f"{AGENTS}\n[work.phase]"))
    path = install(tmp_path / "tools", "pinned-agent", VERSION.format(ran=tmp_path / "ran", version="9"))
    assert found(project, PATH=path)["agent pinned"]["status"] == "ok"
    assert not (tmp_path / "ran").exists()


def test_a_gates_program_that_is_missing(tmp_path: Path) -> None:
    gates = "".join(
        f'\n[[work.phase.gates]]\nname = "{name}"\nrun = "{run}"\n'
        for name, run in (("all", "X=1 no-such-program --all && sh x"), ("git", "git status"))
    )
    project = Project(tmp_path, POLICY.replace("```\n", f"{gates}```\n"))
    said = found(project)
    assert said["program no-such-program"]["status"] == "note"
    assert "a run comes to the gate 'all' of SPEC_AUTHORITY.md:" in said["program no-such-program"]["said"]
    assert said["program no-such-program"]["help"].startswith("install no-such-program, or see that PATH has")
    # What a shell does itself is none, and what is there is not named.
    assert [subject for subject in said if subject.startswith("program ")] == ["program no-such-program"]


def test_extras_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"mcp": "nothing_of_this_name", "lsp": "pygls"})
    (said,) = doctor._extras(None)
    assert (said.status, said.help) == ("note", "pip install 'specguard[mcp]'")
    assert "specguard mcp would need it" in said.said


def test_a_hook_framework_that_is_missing(tmp_path: Path) -> None:
    project = Project(tmp_path, files={".pre-commit-config.yaml": "repos: []\n"})
    git = install(tmp_path / "tools", "git", '#!/bin/sh\nexec /usr/bin/git "$@"\n').partition(":")[0]
    assert "pip install pre-commit" in found(project, PATH=git)["pre-commit"]["help"]


def test_nothing_is_said_without_work_items(tmp_path: Path) -> None:
    settings = 'base = "main"\n\n[rules.locked-path]\npaths = ["LICENSE"]\n'
    project = Project(tmp_path, f"# Authority\n\n```toml specguard\n{settings}```\n")
    assert not {"runs", "remote of runs", "pull requests"} & set(found(project))


def test_what_is_known_is_shown_at_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._CHECKS, "event", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert "ok      repository: " in run_here("doctor", directory=repository.path).stdout


# Each active rule catches a change, does not fire, or cannot be provoked

OFF = {
    f"[rules.{entry.rule.name}]": 'severity = "off"\n'
    for entry in load_registry().rules.values()
    if entry.rule.code in DEFAULTS
}
"""Settings that turn off what judges without any, so that there are few rules to provoke."""


def canaries(
    repository: Repository, settings: str, *, alone: bool = True, **more: str
) -> tuple[dict[str, dict[str, str]], Outcome]:
    """What is said of each rule, by its code, under settings; `canaries` sums up."""
    if alone:
        off = (f"{table}\n{line}" for table, line in OFF.items() if table not in settings)
        settings = f"{settings}\n{''.join(off)}"
    text = f"# Authority\n\n```toml specguard\n{settings}\n```\n"
    repository.commit("chore: start", files={"SPEC_AUTHORITY.md": text})
    # A plugin is found by a process of its own alone.
    asked = run if more else run_here
    done = asked("doctor", "--canary", "--output-format=json", directory=repository.path, env=more)
    said = [one for one in json.loads(done.stdout) if one["subject"].startswith("canar")]
    return {one["subject"].partition(" ")[2].partition(" ")[0] or "all": one for one in said}, done


def test_each_rule_is_provoked_by_the_policys_own_settings(repository: Repository) -> None:
    said, done = canaries(
        repository,
        """
[rules.forbidden-path]
paths = ["gen/**/*.[ch]", "docs/api/"]
[rules.locked-path]
paths = ["LICENSE", "docs/"]
[rules.commit-message]
conventional = true
[rules.merge-commit]
severity = "off"
""",
        alone=False,
    )
    assert done.exit_code == 0, done
    assert said["PTH001"]["said"] == "caught a change that touches docs/api/canary"
    assert said["PTH002"]["said"] == "caught a change that touches LICENSE"
    assert said["CMT002"]["said"].startswith("caught the example 1 of its page, ")
    assert all(one["status"] == "ok" for one in said.values()), said
    assert said["all"]["said"].endswith("caught their change, 0 did not fire, 0 could not be provoked")
    assert "CMT004" not in said, "a rule that is off has no canary"
    # Nothing of the repository is written.
    assert repository.git("status", "--porcelain", "--ignored") == ""
    assert repository.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_rule_that_its_settings_mute_did_not_fire(repository: Repository) -> None:
    muted = 'exclude = ["**"]\n[rules.forbidden-path]\npaths = ["gen/"]\nexclude = ["**"]\n'
    said, done = canaries(repository, f"[rules.policy-change]\n{muted}")
    assert done.exit_code == 1, done
    assert [said[one]["status"] for one in ("PTH001", "PTH004", "all")] == ["missing"] * 3
    told = "did not fire: the example 1 of its page, with this policy's severity"
    assert said["PTH001"]["said"].startswith(told)
    assert said["PTH001"]["help"] == "specguard rule PTH001"
    assert ", 2 did not fire, " in said["all"]["said"]


def test_what_cannot_be_provoked_is_never_counted_as_caught(repository: Repository) -> None:
    guard = '[rules.locked-path]\npaths = ["src/"]\nexclude = ["src/"]\n'
    said, done = canaries(repository, f'{guard}[rules.commit-form]\nstages = ["push"]\n')
    assert done.exit_code == 0, done
    assert said["PTH002"]["status"] == "note"
    assert said["CMT003"]["status"] == "note"
    assert said["CMT003"]["said"].startswith("not provoked, so nothing is shown: ")
    total = len(said) - 1
    told = f"{total - 2} of {total} active rules caught their change, 0 did not fire, 2 could not be provoked"
    assert said["all"]["said"] == told


@pytest.mark.parametrize(("seen", "code"), [('b"foo" in entry.path', 0), ("False", 1)])
def test_a_plugins_rule_is_tried_by_its_own_example(
    repository: Repository, tmp_path: Path, seen: str, code: int
) -> None:
    install_no_foo(tmp_path, seen)
    place: dict[str, Any] = {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    said, done = canaries(repository, 'plugins = ["acme"]\n[rules.locked-path]\npaths = ["x"]', **place)
    assert done.exit_code == code, done
    assert said["ACM001"]["status"] == ("missing" if code else "ok")
    # It may break once its policy is in the cache.
    with (tmp_path / "acme_rules.py").open("a") as module:
        module.write("import other\n")
    for text in ("", "import gone\n"):
        (tmp_path / "other.py").write_text(text)
        doctor, why = (run(*one.split(), directory=repository.path, env=place) for one in ("doctor", "why x"))
    assert "missing authority: plugin 'acme' cannot be loaded: ModuleNotFoundError" in doctor.stdout
    assert "error: plugin 'acme' cannot be loaded: ModuleNotFoundError" in why.stderr
