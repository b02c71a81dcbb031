"""What must hold before a run begins, and how it is said where it does not."""

import json
import os
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from specguard.errors import SpecguardError
from specguard.executor.check import judge_commit
from specguard.executor.preflight import reopen
from specguard.executor.remote import Address, GitSetting
from tests.executor.places import program
from tests.executor.remotes import POLICY, Team, committed


def refused(team: Team, **values: Any) -> SpecguardError:
    with pytest.raises(SpecguardError) as caught:
        team.prepare(**values)
    assert caught.value.help
    return caught.value


def with_policy(change: str, by: str) -> dict[str, str | None]:
    assert change in POLICY
    return {"SPEC_AUTHORITY.md": POLICY.replace(change, by)}


def test_a_run_is_pinned_to_the_tip_of_the_remote_and_nothing_of_the_users_moves(team: Team) -> None:
    tip = team.move_on({"docs/phases/phase-13.md": "# 13\n", "configs/NEXT_PHASE.json": '{"next": 13}'})
    before = team.refs(), (team.user.git_dir / "config").read_bytes(), os.listdir(team.user.git_dir)
    run = team.prepared()
    assert (team.refs(), (team.user.git_dir / "config").read_bytes(), os.listdir(team.user.git_dir)) == before
    assert run.manifest.repository.base_oid == tip
    assert (run.item.id, run.manifest.branch) == ("13", "phase-13")
    assert run.manifest.item.document == "docs/phases/phase-13.md"
    assert run.folder.path == str(team.user.path / ".runs" / "phase-13" / run.manifest.run_id)
    kept = run.folder.read_manifest()
    assert [(step.name, step.state) for step in kept.steps] == [("preflight", "done")]
    assert kept.policy.ref == tip
    assert kept.state == "running"
    assert kept.agent is not None
    assert kept.agent.command == ["true"]
    assert kept.notes == [
        "Open pull requests were not looked for: the canonical repository is on this machine."
    ]


_SLICES = {
    "slices": [
        {"id": "1", "title": "One", "status": "done"},
        {"id": "2", "title": "Two", "depends_on": ["3"]},
        {"id": "3", "title": "Three", "depends_on": ["1"]},
        {"id": "4", "title": "Four", "status": "deferred"},
    ]
}
_LIST = {"plans/d/slices.json": json.dumps(_SLICES, indent=1)}
_REFUSED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


@pytest.mark.parametrize("row", _REFUSED.values(), ids=_REFUSED)
def test_a_run_that_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    files = {**_LIST, **row.get("files", {}), **dict.fromkeys(row.get("gone", []))}
    if "policy" in row:
        files |= with_policy(*row["policy"])
    team = Team(tmp_path, files)
    error = refused(team, **row.get("asked", {}))
    for told in row["told"]:
        assert told in error.message
    assert row.get("help", "") in error.help
    if "where" in row:
        assert [error.path, error.line][: len(row["where"])] == row["where"]
    assert not (team.user.path / ".runs").exists()


def test_from_a_linked_worktree_a_subfolder_and_a_detached_head(team: Team, tmp_path: Path) -> None:
    other = team.user.worktree(tmp_path / "linked", "elsewhere")
    other.checkout("HEAD", detach=True)
    team.user.git("branch", "-D", "elsewhere")
    run = team.prepared(directory=str(tmp_path / "linked" / "docs"))
    assert run.folder.path.startswith(str(tmp_path / "linked" / ".runs" / "phase-12"))
    assert "not in a git repository" in refused(team, directory=str(team.home)).message
    assert "no working tree here" in refused(team, directory=str(team.remote.path)).message


def test_without_a_name_no_run_begins(team: Team) -> None:
    (team.home / ".gitconfig").unlink()
    error = refused(team)
    assert error.code == "no-identity"
    assert '"Your Name" && git config user.email' in error.help
    assert not (team.user.path / ".runs").exists()


class TestTheRemote:
    def test_one_that_cannot_be_used(self, team: Team, tmp_path: Path) -> None:
        team.user.git("config", "protocol.ext.allow", "always")
        team.user.git("init", "-q", "--bare", "--template=", str(tmp_path / "empty.git"))
        gone = str(tmp_path / "gone.git")
        for url, message, help in (
            (f"ext::sh -c touch% {tmp_path}/ran", "file, https, ssh", ""),
            ("http://example.org/x.git", "file, https, ssh", ""),
            ("git://x.example/x", "file, https, ssh", ""),
            (gone, "cannot be reached", f"git ls-remote {gone}"),
            (str(tmp_path / "empty.git"), "empty.git has no branch main", "git push origin main"),
        ):
            team.user.git("remote", "set-url", "origin", url)
            error = refused(team)
            assert message in error.message
            assert error.help.endswith(help)
        assert not (tmp_path / "ran").exists()
        assert not (team.user.path / ".runs").exists()
        team.user.git("remote", "set-url", "origin", str(team.remote.path))
        team.remote.git("symbolic-ref", "HEAD", "refs/heads/none")
        assert refused(team, base="zz").help == "name the base: --base main"
        team.user.git("remote", "rename", "origin", "other")
        error = refused(team)
        assert "there is no remote 'origin'" in error.message
        assert error.help == "git remote add origin <address>, or --remote other"
        assert team.prepared(remote="other").manifest.repository.base_oid == team.base

    def test_another_repository_than_the_canonical_one(self, team: Team) -> None:
        """The policy of the fetched base says which that is."""
        canonical = "https://example.org/team/project.git"
        moved = POLICY.replace('base = "main"', f'base = "main"\nremote = "{canonical}"')
        team.move_on({"SPEC_AUTHORITY.md": moved})
        error = refused(team)
        assert str(team.remote.path) in error.message
        assert error.help == f"git remote set-url origin {canonical}"
        assert not (team.user.path / ".runs").exists()

    def test_the_canonical_one_under_another_name_than_origin(self, team: Team) -> None:
        ours = POLICY.replace('base = "main"', f'base = "main"\nremote = "{team.remote.path}"')
        team.move_on({"SPEC_AUTHORITY.md": ours})
        team.user.git("pull", "-q", "origin", "main")
        team.user.git("remote", "rename", "origin", "up")
        team.user.git("remote", "add", "origin", "https://example.org/mine/project.git")
        assert refused(team).help == f"git remote set-url origin {team.remote.path}, or --remote up"
        with committed(team, remote="up") as run:
            judge_commit(run)

    def test_it_gives_no_answer(self, team: Team) -> None:
        team.user.git("remote", "set-url", "origin", "ssh://example.org/x.git")
        team.user.git("config", "core.sshCommand", "sleep 60; false")
        assert "there was no answer in 1 seconds" in refused(team, command_timeout=1).message

    def test_the_users_ssh_is_used_and_a_password_is_not_shown(self, team: Team, tmp_path: Path) -> None:
        seen = tmp_path / "ssh-seen"
        ssh = team.install("ssh", f'#!/bin/sh\necho "$@" >> {seen}\neval "${{3#}}" 2>/dev/null || exit 255\n')
        team.configure(f"[core]\n\tsshCommand = {ssh}\n")
        team.user.git("remote", "set-url", "origin", "ssh://uma:secret@example.org/x.git")
        # What a shell of another system has left in a setting is carried over as it is.
        team.user.git("config", "credential.helper", '!f() { echo "a\\tb"\r\n}; f')
        error = refused(team)
        assert seen.exists()
        assert "secret" not in error.message + error.help

    def test_a_repository_does_not_say_where_to_and_the_user_does(self, team: Team, tmp_path: Path) -> None:
        evil = tmp_path / "evil.git"
        team.user.git("clone", "-q", "--bare", str(team.remote.path), str(evil))
        team.user.git("config", f"url.{evil}.insteadOf", str(team.remote.path))
        assert team.prepared().manifest.repository.remote == str(team.remote.path)
        team.user.git("remote", "set-url", "origin", "team:project")
        team.configure(f'[url "{tmp_path}/"]\n\tinsteadOf = team:\n')
        os.rename(team.remote.path, tmp_path / "project")
        assert team.prepared().manifest.repository.remote == str(tmp_path / "project")

    def test_a_push_goes_where_git_pushes(self) -> None:
        user = {"remote.up.url": "https://a.io/b/c", "url.ssh://a.io/.insteadof": "https://a.io/"}
        found = Address.find([GitSetting("global", *one) for one in user.items()], "up", "", root="/")
        assert found.push == found.fetch == "ssh://a.io/b/c"
        user["url.ssh://z.io/.insteadof"] = user.pop("url.ssh://a.io/.insteadof")
        with pytest.raises(SpecguardError, match="'up' is ssh:") as raised:
            Address.find(
                [GitSetting("global", *one) for one in user.items()], "up", "https://a.io/b/c", root="/"
            )
        assert raised.value.help.startswith("see what rewrites it: git config ")

    def test_a_password_that_nobody_is_asked_for(self, team: Team) -> None:
        helper = team.install(
            "git-remote-https", "#!/bin/sh\necho fatal: terminal prompts disabled >&2; exit 128\n"
        )
        team.user.git("remote", "set-url", "origin", "https://example.org/x.git")
        team.install("git", f'#!/bin/sh\nexport GIT_EXEC_PATH={helper.parent}\nexec /usr/bin/git "$@"\n')
        assert refused(team).help.startswith("sign in for git once")

    def test_a_clone_that_lacks_objects(self, team: Team, tmp_path: Path) -> None:
        team.user = team.remote.clone(tmp_path / "partial", partial="blob:none")
        team.move_on({"x": "x"})
        team.prepared()
        team.user = team.remote.clone(tmp_path / "shallow", depth=1)
        tip = team.move_on({"y": "y"})
        error = refused(team)
        assert error.help == "git fetch --unshallow origin"
        assert tip not in error.message
        team.user.git("fetch", "-q", "--unshallow", "origin")
        team.prepared()

    def test_hooks_and_monitors_of_the_users_repository_do_not_run(self, team: Team, tmp_path: Path) -> None:
        team.move_on({"a": "a"})
        ran = tmp_path / "ran"
        hooks = team.user.git_dir / "hooks"
        for name in ("reference-transaction", "post-checkout", "pre-push"):
            program(hooks / name, f"touch {ran}")
        team.user.git("config", "core.fsmonitor", f"touch {ran}")
        team.user.git("config", "remote.origin.uploadpack", f"touch {ran}; git-upload-pack")
        team.user.git("config", "core.hooksPath", str(hooks))
        team.prepared()
        assert not ran.exists()


class TestTheBase:
    def test_it_is_named_in_any_spelling(self, team: Team) -> None:
        tip = team.move_on({"x": "x"}, branch="next")
        for name in ("next", "origin/next", "refs/heads/next", "refs/remotes/origin/next"):
            run = team.prepared(base=name)
            assert (run.manifest.repository.base, run.manifest.repository.base_oid) == ("next", tip)
            run.manifest.state = "failed"
            run.save()

    def test_a_kind_names_its_own(self, tmp_path: Path) -> None:
        team = Team(tmp_path, with_policy('number = "next"', 'number = "next"\nbase = "develop"'))
        tip = team.move_on({"x": "x"}, branch="develop")
        run = team.prepared()
        where = run.manifest.repository
        assert (where.into, where.start) == ("develop", tip)
        # Its policy is the base's all the same.
        assert (where.base, where.base_oid) == ("main", run.policy.ref)

    def test_bases_that_name_each_other(self, tmp_path: Path) -> None:
        team = Team(tmp_path, with_policy('base = "main"', 'base = "other"'))
        team.move_on({"SPEC_AUTHORITY.md": POLICY}, branch="other")
        assert "names another one" in refused(team).message


class TestTheItem:
    def test_one_that_is_named(self, team: Team) -> None:
        """The pointer need not name it where the rule is off."""
        run = team.prepared(item="12")
        assert run.manifest.branch == "phase-12"
        off = 'base = "main"\n\n[rules.work-item-mismatch]\nseverity = "off"'
        off += '\n\n[rules.conflicting-document]\nseverity = "off"'
        files = {**with_policy('base = "main"', off), "docs/phases/phase-7.md": "Update `locked/a.txt`.\n"}
        team.move_on({path: text for path, text in files.items() if text is not None})
        run = team.prepared(item="7")
        assert run.manifest.branch == "phase-7"

    def test_one_that_is_in_the_base(self, team: Team) -> None:
        oid = team.move_on({"x": "x"}, message="feat(phase12): implement phase 12")
        error = refused(team)
        assert f"phase 12 is in main already: commit {oid[:10]}" in error.message
        assert error.help.startswith("have its pointer moved on, ")

    def test_one_without_a_pointer_that_is_in_the_base(self, team: Team) -> None:
        fix = 'base = "main"\n\n[work.fix]\nbranch = "fix-{number}"\ncommit = "fix(issue{number}): mend"'
        files = with_policy('base = "main"', fix)
        text = {path: text for path, text in files.items() if text is not None}
        team.move_on(text, message="fix(issue3): mend")
        assert refused(team, kind="fix", item="3").help == "take another one, or revert that commit first"
        team.move_on({"x": "x"}, message="fix(issue4): mend", branch="fix-4")
        error = refused(team, kind="fix", item="4", base="fix-4")
        assert error.message.startswith("fix 4 is in fix-4 already: commit ")

    def test_a_branch_of_it_here(self, team: Team) -> None:
        for name in ("phase-12", "phase-012", "Phase-12-again"):
            team.user.git("branch", name)
            error = refused(team)
            assert f"there is a branch of phase 12 already: {name}" in error.message
            team.user.git(*error.help.partition(": git ")[2].split())
        team.prepared()

    def test_a_branch_of_it_at_the_remote_that_was_never_fetched(self, team: Team) -> None:
        """A name that a shell would obey is quoted."""
        for name in ("phase-12", "phase-12;touch${IFS}x"):
            team.move_on({name: "x"}, branch=name)
            error = refused(team)
            assert f"has a branch of phase 12 already: {name}" in error.message
            team.user.git(*shlex.split(error.help.partition(": git ")[2]))
        team.prepared()


def test_the_next_of_a_list_that_is_open_and_waits_for_nothing(tmp_path: Path) -> None:
    team = Team(tmp_path, _LIST)
    run = team.prepared(kind="slice")
    assert (run.manifest.item.id, run.manifest.item.plan) == ("3", "plans/d/slices.json")
    assert run.manifest.branch == "slice-3"
    team.move_on({"x": "x"}, message="feat(slice3): three")
    assert team.prepared(kind="slice").manifest.item.id == "2"


class TestTools:
    def test_a_gate_of_a_preset_needs_its_program_where_its_files_are(self, tmp_path: Path) -> None:
        policy = POLICY.replace('base = "main"', 'extends = ["phase-runner"]\nbase = "main"')
        policy = policy.replace('[[work.phase.gates]]\nname = "tests"\nrun = "true && sh tests.sh"\n', "")
        team = Team(tmp_path, {"SPEC_AUTHORITY.md": policy})
        (folder := tmp_path / "programs").mkdir()
        (folder / "git").symlink_to(shutil.which("git") or "")
        team.path = str(folder)
        team.prepared(command=["git"])
        team.move_on({"go.mod": "module x\n"})
        error = refused(team, command=["git"])
        assert "go (for the gate 'tests' of preset:phase-runner:" in error.message

    def test_what_a_shell_does_itself_and_what_the_change_may_bring(self, tmp_path: Path) -> None:
        team = Team(tmp_path, with_policy("true && sh tests.sh", "cd x && ./run.sh"))
        team.prepared(commands=["./new.sh", "test -f x", "if true; then true; fi"])

    def test_pre_commit_where_the_base_has_its_configuration(self, tmp_path: Path) -> None:
        team = Team(tmp_path, {".pre-commit-config.yaml": "repos: []\n"})
        team.path = "/usr/bin:/bin"
        error = refused(team)
        assert "pre-commit (for .pre-commit-config.yaml)" in error.message
        assert error.help.startswith("install pre-commit")
        team.install("pre-commit", "#!/bin/sh\n")
        team.prepared()


class TestEarlierRuns:
    def test_two_at_once(self, team: Team, tmp_path: Path) -> None:
        first = team.prepare()
        assert refused(team).message == "another run works on phase 12"
        # One that goes on is recorded as ended for a moment.
        first.folder.write_manifest(first.manifest.model_copy(update={"state": "stopped"}))
        with pytest.raises(SpecguardError, match=r"another run works on phase 12$"):
            reopen(team.options(), first.folder)
        # Wherever the other one keeps its runs.
        error = refused(team, run_root=str(tmp_path / "elsewhere"))
        assert "in its worktree (git worktree list), or with its --run-root" in error.help
        first.close()
        other = team.prepared(kind="phase", run_root=str(tmp_path / "elsewhere"))
        assert other.folder.path.startswith(str(tmp_path / "elsewhere" / "phase-12"))

    def test_one_that_died_is_to_be_resumed(self, team: Team) -> None:
        first = team.prepared()
        run_id = first.manifest.run_id
        for error in (refused(team), refused(team, reuse_run=run_id)):
            assert error.message == f"an earlier run of phase 12 died: {run_id}"
            assert error.help.startswith(f"specguard run resume {run_id}")
        again = reopen(team.options(), first.folder)
        assert again.manifest.run_id == run_id
        assert again.manifest.repository.base_oid == team.base
        assert "another run works on" in refused(team).message
        again.close()

    def test_one_that_ended_is_no_obstacle_and_its_folder_is_used_again_if_that_is_asked_for(
        self, team: Team
    ) -> None:
        first = team.prepare()
        first.folder.write("report.md", "what was\n")
        first.manifest.state = "failed"
        first.save()
        first.close()
        for name, text in (("a", "{"), ("b", "{}")):
            team.user.write(f".runs/phase-12/{name}/manifest.json", text)
        team.user.write(".runs/phase-12/c/meta.json", "{}")
        # Another repository may keep its runs there, too.
        theirs = first.manifest.model_copy(update={"run_id": "d", "branch": "phase-13"})
        team.user.write(".runs/phase-12/d/manifest.json", theirs.as_json().decode())
        assert all("has to name one run of phase" in refused(team, reuse_run=one).message for one in "xabcd")
        second = team.prepare()
        assert second.folder.path != first.folder.path
        second.manifest.state = "failed"
        second.save()
        second.close()
        third = team.prepared(reuse_run=first.manifest.run_id)
        assert third.folder.path == first.folder.path
        assert not os.path.exists(third.folder.file("report.md"))
        with open(third.folder.file("earlier/01/report.md")) as file:
            assert file.read() == "what was\n"


class TestWhereRunsAre:
    def test_outside_with_variables(self, tmp_path: Path) -> None:
        root = 'base = "main"\n\n[runs]\nroot = "~/${RUNS:-kept}"'
        team = Team(tmp_path, with_policy('base = "main"', root))
        run = team.prepared()
        assert run.folder.path.startswith(str(team.home / "kept" / "phase-12"))
        assert not (team.user.path / ".runs").exists()

    def test_a_link_out_of_the_repository(self, team: Team, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        team.user.symlink(".runs", str(tmp_path / "out"))
        assert "leads out of the repository" in refused(team).message
        (team.user.path / ".runs").unlink()
        team.user.symlink(".runs/phase-12", str(tmp_path / "out"))
        assert "is a link" in refused(team).message
        assert os.listdir(tmp_path / "out") == []
