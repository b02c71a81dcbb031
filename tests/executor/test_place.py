"""The place of a run: what it has, what it borrows, and what it leaves of the user's as it was."""

import os
import subprocess
from pathlib import Path

import pytest

from specguard.errors import SpecguardError
from specguard.executor.check import prove_guard
from specguard.executor.commit import hash_tree
from specguard.executor.place import RUN_REFS, place_exists, places_folder, remove_place, update_ref
from specguard.executor.process import run_command
from specguard.executor.run import RunEnded
from specguard.executor.side_effects import inspect, make_place, open_place
from tests.executor.places import FILES, POLICY, Setting, everything, program, work


def git(place: str, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=place, capture_output=True, text=True, check=True).stdout


def test_a_place_is_the_base_with_no_remote_and_no_ref(setting: Setting) -> None:
    with setting.run() as run:
        place = run.place
        assert git(place.path, "rev-parse", "HEAD").strip() == setting.base
        assert git(place.path, "for-each-ref") == git(place.path, "remote") == ""
        assert git(place.path, "status", "--porcelain", "--ignored") == ""
        assert len(git(place.path, "log", "--oneline").splitlines()) == 2
        assert {one for one in everything(place.path) if not one.startswith(".git/")} == {"README.md", *FILES}
        # Not one object of the user's was copied.
        assert not any(len(name) > 30 for name in everything(f"{place.path}/.git/objects"))
        assert not os.path.realpath(place.path).startswith(os.path.realpath(setting.user.path) + "/")
        assert os.lstat(os.path.dirname(place.path)).st_mode & 0o077 == 0
        assert run.folder.read_manifest().place == place.path
        assert "core.filemode=true" in place.file_options


def test_a_cache_within_the_checkout_is_refused(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    with pytest.raises(SpecguardError, match="no folder for the run's place") as refused:
        places_folder({"XDG_CACHE_HOME": f"{checkout}/.cache"}, str(checkout))
    assert "set XDG_CACHE_HOME" in refused.value.help
    assert not checkout.exists()


def test_of_the_users_repository_only_the_ref_of_the_run_is_written(setting: Setting) -> None:
    program(setting.user.git_dir / "hooks" / "reference-transaction", "echo ran > ../hook-ran")
    setting.user.git("config", "core.logAllRefUpdates", "always")
    setting.user.git("config", "hook.x.event", "reference-transaction")
    setting.user.git("config", "hook.x.command", f"echo ran > {setting.user.path}/hook-ran")
    before = everything(setting.user.path), everything(setting.home), everything(setting.remote.path)
    with setting.run() as run:
        work(run, "echo 1 > src/new; git add -A")
        inspect(run)
        hash_tree(run)
        ref = f".git/{RUN_REFS}{run.folder.run_id}"
        now = everything(setting.user.path)
        assert now.pop(ref)[1].decode().strip() == setting.base
        now = {name: kept for name, kept in now.items() if not name.startswith(".runs/")}
        assert (now, everything(setting.home), everything(setting.remote.path)) == before
        for _ in range(2):
            update_ref(run.git.repository, "-d", RUN_REFS + run.folder.run_id)
        assert ref not in everything(setting.user.path)
        place = work(run, "mkdir -p cache/x; echo 1 > cache/x/y; chmod 500 cache/x cache")
        remove_place(place.path)
        remove_place(place.path)
        assert os.listdir(os.path.dirname(place.path)) == []


def test_the_base_stays_while_the_user_prunes(setting: Setting) -> None:
    setting.base = setting.user.commit("feat: soon gone", files={"src/gone.py": "1\n"})
    setting.user.git("reset", "-q", "--hard", "HEAD~1")
    with setting.run() as run:
        setting.user.git("reflog", "expire", "--expire=now", "--all")
        setting.user.git("gc", "-q", "--prune=now")
        assert git(run.place.path, "show", "HEAD:src/gone.py") == "1\n"


def test_a_resumed_run_takes_its_place_up(setting: Setting) -> None:
    """One that is made again is clean."""
    with setting.run() as run:
        work(run, "git checkout -q -b other; echo 1 > src/new; git add -A; git commit -q -m other")
        assert list(run.place.git.repository.branches()) == []  # the place's `.git` is never asked
        make_place(run)
        assert git(run.place.path, "status", "--porcelain") == ""
        inspect(run)
        place = work(run, "echo 1 > src/new")
        # What the user did after the run had stopped is no leak.
        setting.user.write("src/mine.py", "mine\n")
        open_place(run)
        assert run.place is not place
        inspect(run)
        work(run, "git tag v9")
        open_place(run)
        with pytest.raises(RunEnded, match=r"added \.git/refs/tags/v9"):
            inspect(run)
        assert not place_exists(place.path, f"{run.folder.run_id}0")
        remove_place(place.path)
        assert not place_exists(place.path, run.folder.run_id)


def test_nothing_else_is_removed_as_a_place(tmp_path: Path) -> None:
    """A link in place of a place is removed, and not followed."""
    for name in ("precious", "places/precious", "specguard/places/kept"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path)
    (tmp_path / "specguard" / "linked").symlink_to(tmp_path)
    before = everything(tmp_path)
    for path in (
        "precious", "places/precious", "specguard/places/..", "specguard/places/../../precious",
        "specguard/places/", "linked/places/precious", "specguard/linked/places/precious",
    ):  # fmt: skip
        with pytest.raises(SpecguardError, match="not a place of a run"):
            remove_place(f"{tmp_path}/{path}")
        assert everything(tmp_path) == before
    places = tmp_path / "specguard" / "places"
    (places / "x").symlink_to(tmp_path / "precious")
    remove_place(str(places / "x"))
    assert os.listdir(places) == ["kept"]
    for name in ("precious", "places/precious", "specguard/places/kept"):
        assert (tmp_path / name).is_dir()


def test_commands_in_a_place_without_its_git_find_no_other(setting: Setting) -> None:
    with setting.run() as run:
        places = os.path.dirname(run.place.path)
        subprocess.run(["git", "init", "-q", places], check=True)
        done = run_command(run, "agent", "rm -r .git; git add -A", kind="agent", cwd=run.place.path)
        assert (done.exit_code, os.path.exists(f"{places}/.git/index")) == (128, False)


def test_a_linked_worktree_has_places_too(setting: Setting, tmp_path: Path) -> None:
    linked = setting.user.worktree(tmp_path / "linked", "side")
    with setting.run(str(linked.path)) as run:
        work(run, "echo 1 > src/new")
        inspect(run)
        hash_tree(run)
        linked.write("src/a.py", "changed\n")
        inspect(run)
        assert "your file src/a.py was changed" in run.manifest.notes[0]


def test_a_sparse_checkout_and_a_shallow_clone_are_no_bound(setting: Setting, tmp_path: Path) -> None:
    setting.user.git("clone", "-q", "--depth=1", f"file://{setting.remote.path}", str(tmp_path / "shallow"))
    setting.user.path = tmp_path / "shallow"
    setting.user.git("sparse-checkout", "set", "--cone", "locked")
    assert not (tmp_path / "shallow" / "src").exists()
    with setting.run() as run:
        place = work(run, "test -f src/a.py; git log --oneline > ../../said; echo 1 > src/new")
        inspect(run)
        changed = place.git.diff_trees(setting.base, hash_tree(run))
        assert [entry.path for entry in changed] == [b"src/new"]


def test_missing_objects_stop_before_anything_starts(setting: Setting, tmp_path: Path) -> None:
    setting.user.git("--git-dir", str(setting.remote.path), "config", "uploadpack.allowFilter", "true")
    words = ["clone", "-q", "-o", "up", "-n", "--filter=blob:none", f"file://{setting.remote.path}"]
    setting.user.git(*words, str(tmp_path / "partial"))
    # The policy is read; the rest is not there.
    setting.user.path = tmp_path / "partial"
    setting.user.git("cat-file", "-p", "HEAD:SPEC_AUTHORITY.md")
    setting.user.git("cat-file", "-p", "HEAD:NEXT_PHASE.json")
    with setting.run(place=False, item=False) as run:
        with pytest.raises(SpecguardError) as caught:
            make_place(run)
        assert "git fetch --refetch --no-filter up," in caught.value.help


def test_submodules_stay_as_they_are_in_the_base_while_their_folders_exist(setting: Setting) -> None:
    setting.user.submodule("vendor/lib")
    setting.base = setting.user.commit("feat: a library", stage=False)
    with setting.run() as run:
        removes = "test -d vendor/lib; git rm -q --cached vendor/lib; echo 1 > src/new"
        for script, paths in ((removes, [b"src/new"]), ("rm -r vendor", [b"src/new", b"vendor/lib"])):
            place = work(run, script)
            inspect(run)
            assert [e.path for e in place.git.diff_trees(setting.base, hash_tree(run))] == paths
        work(run, "git clone -q . vendor/lib; git add vendor")
        with pytest.raises(RunEnded, match="a repository of its submodule vendor/lib; staged a repository"):
            inspect(run)


def test_a_guard_that_lets_the_canary_through_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specguard.executor.check.make_commit", lambda run, _: run.place.base)
    with (
        Setting(tmp_path).run() as run,
        pytest.raises(SpecguardError, match="the guard does not fire: an edit of locked/a"),
    ):
        prove_guard(run)


@pytest.mark.parametrize(
    ("locked", "path"), [('"locked/"', "locked/a"), ('"none/**/x*.md"', "none/canary/xcanary.md"),
                         ("", "SPEC_AUTHORITY.md")]
)  # fmt: skip
def test_there_is_a_canary_for_every_policy(tmp_path: Path, locked: str, path: str) -> None:
    policy = POLICY.replace('"locked/"', locked)
    setting = Setting(tmp_path, {"SPEC_AUTHORITY.md": policy})
    with setting.run() as run:
        assert prove_guard(run) == f"the guard refused a canary edit of {path}"
        assert git(run.place.path, "status", "--porcelain") == ""
        inspect(run)
