"""Every misbehaviour of an agent is caught by its name, and nothing that it left behind is run by looking."""

import re
import signal
import tomllib
from pathlib import Path

import pytest

from specguard.executor.commit import hash_tree
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import inspect, read_before
from tests.executor.places import Setting, everything, work
from tests.threats.cases import threat


def hangs(*_: object) -> None:
    raise AssertionError("looking at the place does not end")


def caught(run: Run) -> RunEnded:
    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(60)
    try:
        with pytest.raises(RunEnded) as found:
            inspect(run)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return found.value


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """One for all whose agents leave the user's repository alone."""
    return Setting(tmp_path_factory.mktemp("setting"))


_ROWS = tomllib.loads(Path(__file__).with_name("misbehaviour.toml").read_text())


@pytest.mark.parametrize("script", _ROWS["good"])
def test_work_on_files_is_no_misbehaviour(shared: Setting, script: str) -> None:
    with shared.run() as run:
        work(run, script)
        inspect(run)
        hash_tree(run)
        inspect(run)


@threat("T106", "the place's `.git` led to another repository, or altered", "exit 3")
@pytest.mark.parametrize(("script", "reason"), _ROWS["in_place"].values(), ids=_ROWS["in_place"])
def test_a_misbehaviour_in_the_place_has_a_name(shared: Setting, script: str, reason: str) -> None:
    with shared.run() as run:
        before = everything(shared.user.path)
        work(run, script)
        end = caught(run)
        assert (end.state, end.exit_code) == ("failed", 3)
        assert re.search(reason, end.message), end.message
        assert end.help
        assert everything(shared.user.path) == before
        if re.search("by itself|to ref: ", end.message):
            tree = hash_tree(run)
            work(run, end.help.partition(": ")[2].partition("; go on with")[0])
            inspect(run)
            assert hash_tree(run) == tree


@pytest.fixture
def edited(setting: Setting) -> Setting:
    """One in whose checkout a file differs from what is committed."""
    setting.user.write("src/a.py", "a = 9\n")
    return setting


@threat("T105", "the user's refs, configuration, hooks and index altered from the place", "exit 3")
@pytest.mark.parametrize(("script", "reason"), _ROWS["outside"].values(), ids=_ROWS["outside"])
def test_a_leak_into_what_is_the_users_has_a_name(edited: Setting, script: str, reason: str) -> None:
    with edited.run() as run:
        work(run, script)
        end = caught(run)
        assert end.state == "failed"
        assert re.search(f"while the agent worked, .*{reason}", end.message), end.message
        assert f"specguard run resume {run.folder.run_id}" in end.help


@pytest.mark.parametrize(("script", "told"), _ROWS["meanwhile"].values(), ids=_ROWS["meanwhile"])
def test_what_happens_in_the_checkout_meanwhile_is_a_note(edited: Setting, script: str, told: str) -> None:
    with edited.run() as run:
        work(run, script)
        inspect(run)
        [note] = run.manifest.notes
        assert re.match(f"In your checkout, while the run went on: .*{told}", note), note
        inspect(run)
        assert run.manifest.notes == [note]


def test_guarded_paths_of_the_checkout_that_changed_are_listed(setting: Setting) -> None:
    with setting.run() as run:
        setting.user.write("locked/a", "mine\n")
        setting.user.write("locked/b", "mine\n")
        inspect(run)
        assert run.manifest.notes[1] == (
            "Guarded paths of your checkout, while the run went on: "
            "locked/a was changed (locked-path); locked/b appeared (locked-path)."
        )


def test_settings_behind_links_and_includes_are_the_users_too(setting: Setting, tmp_path: Path) -> None:
    (setting.home / ".gitconfig").rename(tmp_path / "dotfile")
    (setting.home / ".gitconfig").symlink_to(tmp_path / "dotfile")
    (tmp_path / "more").write_text("[core]\n\tx = 1\n")
    setting.user.git("config", "include.path", str(tmp_path / "more"))
    (setting.home / ".config" / "git").mkdir(parents=True)
    (setting.home / ".config" / "git" / "ignore").symlink_to("ignore")
    with setting.run() as run:
        inspect(run)
        (tmp_path / "more").write_text("[core]\n\thooksPath = /evil\n")
        assert f"your {tmp_path}/more was changed" in caught(run).message
        (tmp_path / "more").write_text("[core]\n\tx = 1\n")
        inspect(run)
        (tmp_path / "dotfile").write_text("[core]\n\thooksPath = /evil\n")
        assert ".gitconfig was changed" in caught(run).message


def test_a_long_list_is_cut_and_says_who_did_it(shared: Setting) -> None:
    with shared.run() as run:
        work(run, "for i in 1 2 3 4 5 6 7 8 9; do git tag v$i; done")
        told = r"^the gate tests added \.git/refs/tags/v1 of its place.*/v5 of its place; and 4 more\Z"
        with pytest.raises(RunEnded, match=told):
            inspect(run, "the gate tests")


def test_a_place_has_a_limit(shared: Setting) -> None:
    with shared.run() as run:
        work(run, "mkdir build; head -c 900000 /dev/zero > build/big")
        inspect(run)
        work(run, "head -c 900000 /dev/zero > .git/big.lock")
        end = caught(run)
        assert (end.state, end.exit_code) == ("budget-spent", 3)
        assert "[runs] place_limit allows 1" in end.message


def test_the_users_own_runs_and_ignored_files_are_no_leak(tmp_path: Path) -> None:
    """Also where the folder of runs is not ignored; odd names are told."""
    setting = Setting(tmp_path, {".gitignore": "build/\n"})
    setting.user.write(b"src/\xff\n\t x", "1\n")
    with setting.run() as run:
        run.folder.write("run.log", "more\n")
        setting.user.write("build/out", "built\n")
        setting.user.git("status")
        inspect(run)
        assert not run.manifest.notes
        setting.user.write("other", "1\n")
        setting.user.write(b"src/\xff\n\t x", "22\n")
        inspect(run)
        assert "your file other appeared; your file src/" in run.manifest.notes[0]
        assert read_before(run.place).size > 0


TRAP = """
mark() { printf '#!/bin/sh\\necho %s >> %s\\n' "$1" "$MARK" > "$2"; chmod +x "$2"; }
git init -q --template= {nest}; cd {nest}
git commit -q --allow-empty -m x
mark fsmonitor .git/run; git config core.fsmonitor "$PWD/.git/run"; cd - > /dev/null
"""


@threat("T107", "a repository within the tree that configures programs", "exit 3, and nothing of it runs")
@pytest.mark.parametrize("nest", ["nest", "build/nest"])
def test_nothing_of_a_nested_repository_runs(setting: Setting, tmp_path: Path, nest: str) -> None:
    with setting.run() as run:
        work(run, TRAP.replace("{nest}", nest), MARK=str(tmp_path / "mark"))
        inspect(run)
        if nest == "nest":
            with pytest.raises(RunEnded, match="at nest") as found:
                hash_tree(run)
            assert found.value.help.startswith(f"remove it in {run.place.path}, or ")
        else:
            # What is ignored is entered by nothing.
            run.place.stage(hash_tree(run))
        assert not (tmp_path / "mark").exists()


def test_nothing_of_the_places_own_git_runs(setting: Setting, tmp_path: Path) -> None:
    script = """
    printf '#!/bin/sh\\necho ran >> %s\\n' "$MARK" > .git/run; chmod +x .git/run
    mkdir -p .git/hooks .git/info
    for name in reference-transaction post-index-change post-checkout; do
        cp .git/run .git/hooks/$name
    done
    git add -A; git status > /dev/null
    git config core.fsmonitor "$PWD/.git/run"; git config filter.x.clean "$PWD/.git/run"
    git config core.hooksPath "$PWD/.git/hooks"
    echo '* filter=x' > .git/info/attributes; echo '* filter=x' > .gitattributes
    """
    with setting.run() as run:
        work(run, script, MARK=str(tmp_path / "mark"))
        (tmp_path / "mark").unlink(missing_ok=True)
        assert "added .git/hooks/" in caught(run).message
        run.place.stage(hash_tree(run))
        assert not (tmp_path / "mark").exists()


def test_what_gates_see_is_staged_nowhere(shared: Setting) -> None:
    with shared.run() as run:
        place = work(run, "echo 1 > src/n; echo 2 > src/a.py; git add src/n; touch .git/index.lock")
        inspect(run)
        work(run, "git status --porcelain > build.txt; test ! -e .git/index.lock")
        assert Path(place.path, "build.txt").read_text() == " M src/a.py\n?? build.txt\n?? src/n\n"
