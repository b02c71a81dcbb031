"""The tree that is committed is what the files are, and the one commit is the user's."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from specguard.executor.commit import commit, hash_tree, make_commit, message_of
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import inspect
from tests.executor.places import DATA, POLICY, Setting, everything, program, work
from tests.rows import rows


def changed(run: Run, tree: str) -> list[str]:
    place = run.place
    return [f"{entry.status} {os.fsdecode(entry.path)}" for entry in place.git.diff_trees(place.base, tree)]


def test_the_tree_is_what_the_files_are(setting: Setting) -> None:
    script = """
    echo 2 > src/a.py; rm README.md; mkdir -p build src/deep; echo o > build/o; echo 1 > src/deep/n
    ln -s ../a.py src/deep/l; chmod +x locked/a; printf x > src/$(printf '\\377'); printf y > 'src/q"u	o'
    mkdir empty; git add -A; git update-index --assume-unchanged src/a.py; echo 3 > src/a.py
    mkdir -p .git/info; echo 'src/deep' > .git/info/exclude; echo '*.py filter=x' > .git/info/attributes
    git config filter.x.clean 'sed s/3/harmless/'
    """
    with setting.run() as run:
        before = everything(setting.user.path)
        place = work(run, script)
        tree = hash_tree(run)
        names = ["D README.md", "M locked/a", "M src/a.py", "A src/deep/l", "A src/deep/n", 'A src/q"u\to',
                 "A src/\udcff"]  # fmt: skip
        assert changed(run, tree) == names
        [entry] = [one for one in place.git.diff_trees(place.base, tree) if one.path == b"src/a.py"]
        assert place.git.object(entry.new) == ("blob", b"3\n")
        # The objects are specguard's own for the place; the user's store has none of them.
        assert everything(setting.user.path) == before
        assert hash_tree(run) == tree


def test_there_is_one_commit_on_the_base_and_it_is_the_users(setting: Setting) -> None:
    with setting.run() as run:
        place = work(run, "echo 1 > src/new.py")
        inspect(run)
        run.manifest.tree = hash_tree(run)
        assert commit(run)
        made = place.git.commit(run.manifest.commit or "")
        assert (made.tree, list(made.parents)) == (run.manifest.tree, [setting.base])
        message = f"feat(phase12): implement phase 12\n\nRun: phase-12/{run.folder.run_id}\n"
        _, content = place.git.object(made.oid)
        who = b"Uma User <uma@example.org> 1767323045 +0000\n"
        assert content.endswith(b"\nauthor " + who + b"committer " + who + b"\n" + message.encode())
        assert run.folder.read_manifest().commit == made.oid
        patch = Path(run.folder.file("diff.patch")).read_text()
        assert "+++ b/src/new.py" in patch
        # The same once more: what a kill has interrupted is done again with the same result.
        assert commit(run)
        assert run.manifest.commit == made.oid
        assert make_commit(run, run.manifest.tree) == made.oid
        # And git finds nothing wrong with it, also whoever takes it over.
        setting.user.write(".git/objects/info/alternates", f"{place.objects}\n")
        setting.user.git("fsck", "--strict", "--full")
        assert setting.user.git("rev-list", "--count", f"main..{made.oid}") == "1"


def test_the_environment_names_the_author_before_the_configuration(setting: Setting) -> None:
    setting.user.git("config", "user.email", "uma@work.example")
    with setting.run() as run:
        place = run.place
        author = {"GIT_AUTHOR_NAME": "Ada\nbig <x>"}
        run.git.repository.environment = {**run.options.environment, **author}
        _, content = place.git.object(make_commit(run, hash_tree(run)))
        assert b"\nauthor Adabig x <uma@work.example> 1767323045 +0000\n" in content
        assert b"\ncommitter Uma User <uma@work.example> 1767323045 +0000\n" in content


@pytest.mark.parametrize(("script", "reason"), rows(__file__, "what_must_not_be_committed_stops_the_run"))
def test_what_must_not_be_committed_stops_the_run(tmp_path: Path, script: str, reason: str) -> None:
    setting = Setting(tmp_path, {".gitattributes": "*.psd filter=lfs diff=lfs merge=lfs -text\n"})
    with setting.run() as run:
        work(run, script)
        with pytest.raises(RunEnded, match=reason):
            hash_tree(run)


def test_an_object_that_was_forged_beforehand_stands_for_no_file(setting: Setting) -> None:
    script = """
    echo good > src/new.py; oid=$(git hash-object src/new.py); folder=$(echo "$oid" | cut -c-2)
    evil=$(echo evil | git hash-object -w --stdin); there=$(echo "$evil" | cut -c-2)
    mkdir -p "$PWD.specguard/objects/$folder"
    cp ".git/objects/$there/$(echo "$evil" | cut -c3-)" \
        "$PWD.specguard/objects/$folder/$(echo "$oid" | cut -c3-)"
    """
    with setting.run() as run:
        work(run, script)
        with pytest.raises(RunEnded, match="is forged or broken"):
            hash_tree(run)


def test_links_within_and_pointers_are_fine(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {".gitattributes": "*.psd filter=lfs\n"})
    pointer = "version https://git-lfs.github.com/spec/v1\\noid sha256:0\\nsize 1\\n"
    with setting.run() as run:
        work(run, f"printf '{pointer}' > art.psd; : > empty.psd")
        work(run, "ln -s ../src/./a.py locked/l; ln -s nowhere x")
        assert changed(run, hash_tree(run)) == ["A art.psd", "A empty.psd", "A locked/l", "A x"]


def test_line_ends_are_as_the_repository_wants_them(tmp_path: Path) -> None:
    """A file that has others in the base keeps them until somebody touches it."""
    files = {".gitattributes": "*.txt text eol=crlf\n", "a.txt": "one\ntwo\n", "b.bat": "one\r\n"}
    with Setting(tmp_path, files).run() as run:
        assert Path(run.place.path, "a.txt").read_bytes() == b"one\r\ntwo\r\n"
        assert changed(run, hash_tree(run)) == []
        work(run, "echo '*.bat text' >> .gitattributes")
        assert changed(run, hash_tree(run)) == ["M .gitattributes"]


def test_the_message_of_an_item_without_a_title_has_its_name(tmp_path: Path) -> None:
    policy = POLICY.replace("implement phase {number}", "{text}")
    with Setting(tmp_path, {"SPEC_AUTHORITY.md": policy}).run() as run:
        assert message_of(run).startswith("feat(phase12): implement phase 12\n\nRun: ")


# Hooks

HOOKS = DATA.joinpath("hooks.yaml").read_text()


@contextmanager
def after_work(tmp_path: Path, hook: str, done: str = "echo 1 > src/new.py") -> Iterator[Run]:
    """A run whose agent has done something, before its `commit-msg` hook, which is a script."""
    entry = program(tmp_path / "hook.sh", f"set -e\n{hook}")
    with Setting(tmp_path, {".pre-commit-config.yaml": HOOKS.format(entry=entry)}).run() as run:
        work(run, done)
        run.manifest.tree = hash_tree(run)
        yield run


@pytest.fixture(autouse=True)
def with_pre_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}")


def test_the_hook_sees_what_is_committed(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = f'cat "$1" > {seen}; git diff --cached --name-status >> {seen}; git diff >> {seen}'
    # The agent's own idea of the hooks plays no part.
    done = "echo 1 > src/new.py; echo 'repos: []' > .pre-commit-config.yaml; echo 9 > src/a.py"
    with after_work(tmp_path, script, done) as run:
        assert commit(run)
        names = "M\t.pre-commit-config.yaml\nM\tsrc/a.py\nA\tsrc/new.py\n"
        assert seen.read_text() == message_of(run) + names
        inspect(run, "the commit-msg hook")
        assert run.manifest.commands[-1].kind == "hook"


def test_a_hook_that_alters_the_message_or_files_sends_the_run_back_once(tmp_path: Path) -> None:
    alters = 'grep -q Change-Id "$1" || printf "\\nChange-Id: I1  \\n\\n" >> "$1"'
    with after_work(tmp_path, f"{alters}; echo 7 > src/hooked.py") as run:
        assert not commit(run)
        assert run.manifest.commit is None
        assert message_of(run).endswith("\n\nChange-Id: I1\n")
        run.manifest.tree = hash_tree(run)
        assert "A src/hooked.py" in changed(run, run.manifest.tree)
        assert commit(run)
        assert run.place.git.object(run.manifest.commit or "")[1].endswith(b"\n\nChange-Id: I1\n")


def test_a_hook_that_makes_up_an_id_each_time_is_asked_once(tmp_path: Path) -> None:
    with after_work(tmp_path, 'printf "\\nChange-Id: I$$\\n" >> "$1"') as run:
        assert [commit(run), commit(run)] == [False, True]


def test_a_hook_that_refuses_ends_the_run(tmp_path: Path) -> None:
    with after_work(tmp_path, "echo 'no ticket in the message'; exit 1") as run:
        with pytest.raises(RunEnded, match="commit-msg hooks refuse the message") as caught:
            commit(run)
        assert (caught.value.exit_code, caught.value.command) == (3, 1)
        assert "no ticket in the message" in caught.value.tail
        assert run.manifest.commit is None


def test_what_a_hook_does_to_the_place_is_caught(tmp_path: Path) -> None:
    told = r"a commit-msg hook added \.git/refs/tags/v1"
    with after_work(tmp_path, "git tag v1") as run, pytest.raises(RunEnded, match=told):
        commit(run)
