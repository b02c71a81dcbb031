"""Every misbehaviour of an agent is caught by its name, and nothing that it left behind is run by looking."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from specguard.executor.commit import hash_tree
from specguard.executor.place import place_of
from specguard.executor.run import RunEnded
from specguard.executor.watch import inspect, read_before
from tests.executor.places import Setting, everything, work
from tests.threats.cases import threat

if TYPE_CHECKING:
    from pathlib import Path

    from specguard.executor.run import Run


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
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """One for all whose agents leave the user's repository alone."""
    return Setting(tmp_path_factory.mktemp("setting"))


GOOD = [
    "echo 1 > src/new.py; echo 2 > src/a.py; rm README.md",
    "git add -A; git status; git diff --cached; git stash list; git log; git gc -q",
    "git add -A; git reset -q --hard; git rm -q README.md; touch .git/index.lock",
    "rm .git/index; mkdir build; echo o > build/o; git fetch -q origin 2>/dev/null || true",
    "git config --list; git branch; git tag; git worktree list",
    "echo x > src/$(printf '\\377'); echo x > 'src/a\tb\nc'; ln -s a.py src/link; chmod +x src/a.py",
    "mkdir -p build/x; git init -q --template= build/x",
]


@pytest.mark.parametrize("script", GOOD)
def test_work_on_files_is_no_misbehaviour(setting: Setting, script: str) -> None:
    with setting.run() as run:
        work(run, script)
        inspect(run)
        hash_tree(run)
        inspect(run)


ADDS = {
    "makes a branch": ("git branch side", "refs/heads/side"),
    "packs a branch": ("git branch side; git pack-refs --all", "packed-refs"),
    "tags": ("git tag v1", "refs/tags/v1"),
    "tags with a message": ("git tag -a v1 -m x", "refs/tags/v1"),
    "stashes": ("echo 1 > src/a.py; git stash -q", "refs/stash"),
    "writes a hook": ("mkdir -p .git/hooks; echo '#!/bin/sh' > .git/hooks/pre-commit", "hooks/pre-commit"),
    "links the hooks": ("ln -s /tmp .git/hooks", "hooks"),
    "fetches to a branch": ('git fetch -q "$USER_CHECKOUT" main:refs/remotes/up/m', "refs/remotes/up/m"),
    "hides by exclude": ("mkdir -p .git/info; echo '*.sh' > .git/info/exclude", "info/exclude"),
    "sets attributes": ("mkdir -p .git/info; echo '* -diff' > .git/info/attributes", "info/attributes"),
    "replaces": ("git replace HEAD HEAD~1", "refs/replace/[0-9a-f]{40}"),
    "grafts": ("mkdir -p .git/info; git rev-parse HEAD > .git/info/grafts", "info/grafts"),
    "forges a shallow": ("git rev-parse HEAD > .git/shallow", "shallow"),
    "makes it sparse": ("git sparse-checkout set --cone src", "info/sparse-checkout"),
    "links the index": ('ln -sf "$USER_CHECKOUT/.git/index" .git/index', "index"),
    "pipes the index": ("rm .git/index; mkfifo .git/index", "index"),
}
"""What is new in the place's `.git` then."""

CHANGES = {
    "sets hooksPath": ("git config core.hooksPath /evil", "config"),
    "sets fsmonitor": ("git config core.fsmonitor /evil", "config"),
    "breaks the config": ("echo '[' > .git/config", "config"),
    "takes from the config": ("git config --unset gc.auto", "config"),
    "includes a config": ("git config include.path /evil", "config"),
    "adds a remote": ('git remote add up "$USER_CHECKOUT"', "config"),
    "changes alternates": ("echo /else >> .git/objects/info/alternates", "objects/info/alternates"),
    "pipes": ("rm .git/config; mkfifo .git/config", "config"),
}
"""What of the place's `.git` is another then."""

_COMMITS = r"the agent committed by itself \([0-9a-f]{12}\)"
_NEST = "git init -q --template= build/n; git -C build/n commit -q --allow-empty -m x; git add -f build/n"
_MERGE = "git merge -q --no-commit --no-ff HEAD~1; git rev-parse HEAD > .git/MERGE_HEAD"
_ELSEWHERE = "put something else in the place of its .git"
_HID = r"hid src/a\.py from git"
IN_PLACE = {
    **{name: (script, rf"added \.git/{path} of its place") for name, (script, path) in ADDS.items()},
    **{name: (script, rf"changed \.git/{path} of its place") for name, (script, path) in CHANGES.items()},
    "commits": ("echo 1 > src/n; git add -A; git commit -q -m x", _COMMITS),
    "commits twice": ("for i in 1 2; do git commit -q --allow-empty -m x; done", _COMMITS),
    "amends": ("git commit -q --amend -m other", r"committed by itself \("),
    "checks out": ("git checkout -q --detach HEAD~1", "moved the HEAD of its place to"),
    "checks out beside a folder in the place of a pack": (
        "mkdir .git/objects/pack/a.idx; git checkout -q --detach HEAD~1",
        "moved the HEAD of its place to",
    ),
    "checks out beside a pipe in the place of a pack": (
        "old=$(git rev-parse HEAD~1); mkfifo .git/objects/pack/a.idx; echo $old > .git/HEAD",
        "moved the HEAD of its place to",
    ),
    "begins anew": ("git checkout -q --orphan new", "switched its place to the branch new"),
    "switches branches": (
        "git checkout -q -b work; git commit -q --allow-empty -m x",
        r"switched its place to the branch work; added \.git/refs/heads/work",
    ),
    "deletes the config": ("rm .git/config", r"removed \.git/config of its place"),
    "links a worktree": ("git worktree add -q --detach ../linked-$$", r"added \.git/worktrees/"),
    "leaves a merge": (_MERGE, "MERGE_HEAD"),
    "re-points .git": ("mv .git moved; echo gitdir: moved > .git", _ELSEWHERE),
    "links .git": ("mv .git moved; ln -s moved .git", _ELSEWHERE),
    "deletes .git": ("rm -r .git", r"deleted the \.git of its place"),
    "deletes its place": ('rm -r "$PWD"', "deleted its place"),
    "assumes unchanged": ("git update-index --assume-unchanged src/a.py", rf"{_HID} \(assume-unch"),
    "skips the worktree": ("git update-index --skip-worktree src/a.py", rf"{_HID} \(skip-worktree"),
    "breaks the index": ("echo junk > .git/index", "left an index of its place that cannot be read"),
    "makes a repository": ("git init -q --template= nest", "made a repository within its place, at nest"),
    "spells it otherwise": ("mkdir -p nest/.GiT", "made a repository within its place, at nest"),
    "stages a repository": (_NEST, "staged a repository within its place, build/n"),
    "changes what is beside it": (
        'echo x >> "$PWD.specguard/config"',
        r"changed \.specguard/config of its place",
    ),
    "pipes HEAD": ("rm .git/HEAD; mkfifo .git/HEAD", "deleted the HEAD of its place"),
    "pipes what is ignored": (
        "mkfifo src/.gitignore",
        r"made a pipe where git reads a file, src/\.gitignore",
    ),
    "deletes what is beside it": ('rm -r "$PWD.specguard"', "specguard's own folder beside the run's place"),
}


@threat("T106", "the place's `.git` led to another repository, or altered", "exit 3")
@pytest.mark.parametrize(("script", "reason"), IN_PLACE.values(), ids=IN_PLACE)
def test_a_misbehaviour_in_the_place_has_a_name(setting: Setting, script: str, reason: str) -> None:
    with setting.run() as run:
        before = everything(setting.user.path)
        work(run, script)
        end = caught(run)
        assert end.state == "failed"
        assert end.code == 3
        assert re.search(reason, end.reason), end.reason
        assert end.help
        assert everything(setting.user.path) == before


_MADE = "made=$(git commit-tree -m x HEAD^{tree}); "
_PUSH = f'{_MADE} git push -q "$USER_CHECKOUT"'
_USERS = 'cd "$USER_CHECKOUT";'
_PACK = "echo $made | git pack-objects -q .git/objects/pack/pack; git prune-packed;"
_HEAD = r"\.git/HEAD of your repository was changed"
_CONFIG = r"\.git/config of your repository was changed"
OUTSIDE = {
    "pushes": (f"{_PUSH} $made:refs/heads/evil", "your ref refs/heads/evil appeared"),
    "pushes packed": (
        f'{_MADE} {_PACK} git push -q "$USER_CHECKOUT" $made:refs/heads/evil',
        "your ref refs/heads/evil appeared",
    ),
    "pushes a tag": (f"{_PUSH} $made:refs/tags/v1", "your ref refs/tags/v1 appeared"),
    "moves the base": (
        f"{_PUSH} +$made:refs/remotes/origin/main",
        "your ref refs/remotes/origin/main was changed",
    ),
    "replaces": ('git -C "$USER_CHECKOUT" replace HEAD HEAD~1', "your ref refs/replace/"),
    "configures": ('git -C "$USER_CHECKOUT" config core.x y', _CONFIG),
    "pushes a branch to an address": (f"{_USERS} git config branch.main.pushRemote /tmp/elsewhere", _CONFIG),
    "adds a remote for a branch": (
        f"{_USERS} git remote add evil /tmp/evil; git config branch.main.remote evil",
        _CONFIG,
    ),
    "configures the home": ("git config --global core.x y", r"your .*/home/\.gitconfig was changed"),
    "writes a hook": (
        f"{_USERS} mkdir .git/hooks; echo x > .git/hooks/pre-push",
        "your hook .*/pre-push appeared",
    ),
    "excludes": (
        f"{_USERS} mkdir .git/info; echo x > .git/info/exclude",
        r"\.git/info/exclude of your repository appeared",
    ),
    "grafts": (
        f"{_USERS} mkdir .git/info; echo x > .git/info/grafts",
        r"\.git/info/grafts of your repository appeared",
    ),
}

MEANWHILE = {
    "fetches": (
        f"{_USERS} git update-ref refs/remotes/origin/main HEAD~1",
        "your ref refs/remotes/origin/main was changed",
    ),
    "commits elsewhere": (
        f"{_USERS} git switch -q -c mine; git commit -q -a -m mine",
        "your ref refs/heads/mine appeared",
    ),
    "deletes a branch": (f"{_USERS} git update-ref -d refs/heads/main", "your ref refs/heads/main is gone"),
    "breaks a ref": ('echo junk > "$USER_CHECKOUT/.git/refs/heads/x"', "your ref"),
    "switches": (f"{_USERS} git symbolic-ref HEAD refs/heads/x", _HEAD),
    "tracks a branch": (f"{_USERS} git switch -q -c mine --track main", f"{_HEAD}; {_CONFIG}"),
    "has an editor that remembers a base": (
        f"{_USERS} git config branch.main.vscode-merge-base origin/main",
        _CONFIG,
    ),
    "stages": (f"{_USERS} echo 1 > src/a.py; git add src/a.py", "your index was changed"),
    "hides": (f"{_USERS} git update-index --skip-worktree src/a.py", "your index was changed"),
    "stashes": (f"{_USERS} git stash -q", "your ref refs/stash appeared"),
    "writes a file": ('echo 1 > "$USER_CHECKOUT/src/a.py"', r"your file src/a\.py was changed"),
    "writes one of the same size and time": (
        'f="$USER_CHECKOUT/src/a.py"; touch -r "$f" build; echo "a = 2" > "$f"; touch -r build "$f"',
        r"your file src/a\.py was changed",
    ),
    "makes a file": ('echo 1 > "$USER_CHECKOUT/new.py"', r"your file new\.py appeared"),
    "deletes a file": ('rm "$USER_CHECKOUT/src/a.py"', r"your file src/a\.py is gone"),
    "writes through a link": (
        'ln -s "$USER_CHECKOUT" src/l; echo 1 > src/l/new.py',
        r"your file new\.py appeared",
    ),
}


@pytest.fixture
def own(tmp_path: Path) -> Setting:
    """One for a test that alters what is the user's."""
    return Setting(tmp_path)


@pytest.fixture
def edited(own: Setting) -> Setting:
    """One in whose checkout a file differs from what is committed."""
    own.user.write("src/a.py", "a = 9\n")
    return own


@threat("T105", "the user's refs, configuration, hooks and index altered from the place", "exit 3")
@pytest.mark.parametrize(("script", "reason"), OUTSIDE.values(), ids=OUTSIDE)
def test_a_leak_into_what_is_the_users_has_a_name(edited: Setting, script: str, reason: str) -> None:
    with edited.run() as run:
        work(run, script)
        end = caught(run)
        assert end.state == "failed"
        assert re.search(f"while the agent worked, .*{reason}", end.reason), end.reason
        assert f"specguard run resume {run.folder.run_id}" in end.help


@pytest.mark.parametrize(("script", "told"), MEANWHILE.values(), ids=MEANWHILE)
def test_what_happens_in_the_checkout_meanwhile_is_a_note(edited: Setting, script: str, told: str) -> None:
    with edited.run() as run:
        work(run, script)
        inspect(run)
        [note] = run.manifest.notes
        assert re.match(f"In your checkout, while the run went on: .*{told}", note), note
        inspect(run)
        assert run.manifest.notes == [note]


def test_guarded_paths_of_the_checkout_that_changed_are_listed(own: Setting) -> None:
    with own.run() as run:
        own.user.write("locked/a", "mine\n")
        own.user.write("locked/b", "mine\n")
        inspect(run)
        assert run.manifest.notes[1] == (
            "Guarded paths of your checkout, while the run went on: "
            "locked/a was changed (locked-path); locked/b appeared (locked-path)."
        )


def test_settings_behind_links_and_includes_are_the_users_too(own: Setting, tmp_path: Path) -> None:
    (own.home / ".gitconfig").rename(tmp_path / "dotfile")
    (own.home / ".gitconfig").symlink_to(tmp_path / "dotfile")
    (tmp_path / "more").write_text("[core]\n\tx = 1\n")
    own.user.git("config", "include.path", str(tmp_path / "more"))
    (own.home / ".config" / "git").mkdir(parents=True)
    (own.home / ".config" / "git" / "ignore").symlink_to("ignore")
    with own.run() as run:
        inspect(run)
        (tmp_path / "more").write_text("[core]\n\thooksPath = /evil\n")
        assert f"your {tmp_path}/more was changed" in caught(run).reason
        (tmp_path / "more").write_text("[core]\n\tx = 1\n")
        inspect(run)
        (tmp_path / "dotfile").write_text("[core]\n\thooksPath = /evil\n")
        assert ".gitconfig was changed" in caught(run).reason


def test_what_is_done_in_the_place_and_outside_is_told_together(own: Setting) -> None:
    with own.run() as run:
        work(run, 'git tag v1; git -C "$USER_CHECKOUT" config core.x y; rm -r "$PWD"')
        assert caught(run).reason == (
            "the agent deleted its place; while the agent worked, .git/config of your repository was changed"
        )


def test_a_long_list_is_cut(setting: Setting) -> None:
    with setting.run() as run:
        work(run, "for i in 1 2 3 4 5 6 7 8 9; do git tag v$i; done")
        assert caught(run).reason.endswith("added .git/refs/tags/v5 of its place; and 4 more")


def test_a_place_has_a_limit(setting: Setting) -> None:
    with setting.run() as run:
        work(run, "mkdir build; head -c 900000 /dev/zero > build/big")
        inspect(run)
        work(run, "head -c 900000 /dev/zero > .git/big.lock")
        end = caught(run)
        assert end.state == "budget-spent"
        assert end.code == 3
        assert "[runs] place_limit allows 1" in end.reason


def test_the_users_own_runs_and_ignored_files_are_no_leak(own: Setting) -> None:
    with own.run() as run:
        run.folder.write("run.log", "more\n")
        own.user.write("build/out", "built\n")
        own.user.git("status")
        work(run, "true")
        inspect(run)


def test_a_run_folder_that_is_not_ignored_is_no_leak(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {".gitignore": "build/\n"})
    with setting.run() as run:
        run.folder.write("run.log", "more\n")
        inspect(run)
        assert not run.manifest.notes
        setting.user.write("other", "1\n")
        inspect(run)
        assert "your file other appeared" in run.manifest.notes[0]


TRAP = """
mark() { printf '#!/bin/sh\\necho %s >> %s\\n' "$1" "$MARK" > "$2"; chmod +x "$2"; }
git init -q --template= {nest}; cd {nest}
git commit -q --allow-empty -m x
mark fsmonitor .git/run; git config core.fsmonitor "$PWD/.git/run"; cd - > /dev/null
"""


@threat("T107", "a repository within the tree that configures programs", "exit 3, and nothing of it runs")
@pytest.mark.parametrize("nest", ["nest", "build/nest"])
def test_nothing_of_a_nested_repository_runs(own: Setting, tmp_path: Path, nest: str) -> None:
    with own.run() as run:
        work(run, TRAP.replace("{nest}", nest), MARK=str(tmp_path / "mark"))
        if nest == "nest":
            assert caught(run).reason == "the agent made a repository within its place, at nest"
            with pytest.raises(RunEnded, match="at nest"):
                hash_tree(run)
        else:
            # What is ignored is entered by nothing.
            inspect(run)
            tree = hash_tree(run)
            place_of(run).stage(tree)
        assert not (tmp_path / "mark").exists()


def test_nothing_of_the_places_own_git_runs(own: Setting, tmp_path: Path) -> None:
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
    with own.run() as run:
        work(run, script, MARK=str(tmp_path / "mark"))
        (tmp_path / "mark").unlink(missing_ok=True)
        assert "added .git/hooks/" in caught(run).reason
        tree = hash_tree(run)
        place_of(run).stage(tree)
        assert not (tmp_path / "mark").exists()


def test_what_gates_see_is_staged_nowhere(setting: Setting) -> None:
    with setting.run() as run:
        place = work(run, "echo 1 > src/n; echo 2 > src/a.py; git add src/n; touch .git/index.lock")
        inspect(run)
        work(run, "git status --porcelain > build.txt; test ! -e .git/index.lock")
        with open(os.path.join(place.path, "build.txt"), encoding="utf-8") as file:
            assert file.read().splitlines() == [" M src/a.py", "?? build.txt", "?? src/n"]


def test_a_gate_is_named_as_who_did_it(setting: Setting) -> None:
    with setting.run() as run:
        work(run, "git tag v1")
        with pytest.raises(RunEnded, match=r"^the gate tests added \.git/refs/tags/v1 of its place\Z"):
            inspect(run, "the gate tests")


def test_odd_names_in_the_users_checkout(own: Setting) -> None:
    own.user.write(b"src/\xff\n\t x", "1\n")
    with own.run() as run:
        inspect(run)
        own.user.write(b"src/\xff\n\t x", "22\n")
        inspect(run)
        assert "your file src/" in run.manifest.notes[0]
        assert read_before(place_of(run)).size > 0
