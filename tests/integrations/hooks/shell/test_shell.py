"""What is told of commands before they run: their files, messages, ways past the guard, and refs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from specguard.integrations.hooks.shell import read_command
from tests.integrations.hooks.asking import ask, bash, call, guarded
from tests.integrations.hooks.shell.running import scratch, told
from tests.test_hook_imports import NEVER, imported

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch(tmp_path_factory.mktemp("place"))


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("echo x > docs/a.md", ["docs/a.md"]),
        ("echo x >> docs/a.md 2>&1", ["docs/a.md"]),
        ("ls nothere 2> err | tee o > /dev/null", ["err", "o"]),
        ("echo x &> both; echo y >| /etc/x", ["both", "/etc/x"]),
        ("cd sub && echo x > ../docs/a.md", ["sub/../docs/a.md"]),
        ("cd /etc && rm x", ["/etc/x"]),
        ("cd nothere && rm x; rm /tmp/y", ["/tmp/y"]),
        ("cd sub | rm a", ["a"]),
        ("cd sub || cd out; rm a", []),
        ("sed -i s/a/b/ f", ["f"]),
        ("sed -i '' s/a/b/ f", ["f"]),
        ("sed -i.bak -e s/a/b/ f g", ["f", "g"]),
        ("sed s/a/b/ f", []),
        ("rm -f a 'with space' -- -dash", ["a", "with space", "-dash"]),
        ("rm *.txt", ["c.txt", "d.txt"]),
        ("rm -r sub/*", ["sub/deep", "sub/x", "sub/y.txt"]),
        ("rm sub", []),
        ("rm $x a", ["a"]),
        ("rm ~/x", ["{home}/x"]),
        ("sudo rm a; env A=b rm b", ["a", "b"]),
        ("bash -lc 'cd sub && rm x'; rm a", ["sub/x", "a"]),
        ("mv a z", ["z", "a"]),
        ("mv a b sub/", ["sub/a", "a", "sub/b", "b"]),
        ("cp a sub", ["sub/a"]),
        ("cp -t sub a", ["sub/a"]),
        ('cp "$x" f', ["f"]),
        ("ln -sf locked/p soft", ["soft"]),
        ("install -m644 a /usr/lib/x", ["/usr/lib/x"]),
        ("dd if=a of=f; truncate -s 0 a", ["f", "a"]),
        ("touch a new", ["new"]),
        ("chmod +x a; chmod 644 b", ["a", "b"]),
        ("git rm --cached f", ["f"]),
        ("git mv f g", ["g", "f"]),
        ("git -C sub rm x; git rm a", ["sub/x", "a"]),
        ("git checkout main -- nothere; git checkout main; git restore nothere", []),
        ("cat > f <<'EOF' && git add f\nrm a\nEOF\nrm b", ["f", "b"]),
        ("cat <<EOF\n$(rm a)\nEOF\n", []),
        ("apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: f\n*** End Patch\nEOF\n", ["f"]),
        ("apply_patch '*** Begin Patch\n*** Add File: f\n+x\n*** End Patch'", ["f"]),
        ("cd sub && git apply <<'E'\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\nE\n", ["sub/x"]),
        ("git apply --check <<'E'\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\nE\n", []),
        ("rm .git/hooks/pre-commit", [".git/hooks/pre-commit"]),
        ('echo "$(rm a)" > f', ["a", "f"]),
        ("rm \\\n a # b", ["a"]),
        ("rm a; for f in b; do rm $f; done; rm c.txt", ["a", "c.txt"]),
        ("alias rm=echo; rm a", []),
        ("f() { rm a; }; f", []),
        ("rm {a,b} a$x; ./rm a; tools/rm b", []),
        ("echo rm a; grep -r 'rm a' .; git log -- a", []),
    ],
)
def test_files_are_told(command: str, paths: list[str], work: Path) -> None:
    home = str(work.parent / "home")
    edits = told(command, work).edits
    # The files of a folder come in the order of the file system.
    assert sorted(os.fsdecode(edit.path) for edit in edits) == sorted(
        path.format(home=home) for path in paths
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("git commit -m 'feat: x'", "feat: x"),
        ("git commit -am 'feat: x' -m body", "feat: x\n\nbody"),
        ("git commit -qam'feat: x'", "feat: x"),
        ("git commit --message='feat: x'", "feat: x"),
        ("git commit a b -m 'feat: x' -- c", "feat: x"),
        ("git commit --amend -m 'feat: x'", "feat: x"),
        ("cd sub && git commit -m 'feat: x'", "feat: x"),
        ("git commit -F list", "a\nb\n"),
        ("git commit -F - <<'EOF'\nfeat: x\n\nbody\nEOF\n", "feat: x\n\nbody\n"),
        ("git commit -m \"$(cat <<'EOF'\nfeat: x\n\nbody `x` $y (z)\nEOF\n)\"", "feat: x\n\nbody `x` $y (z)"),
        ("git commit -m x --trailer A=b", None),
        ("GIT_AUTHOR_NAME=x git commit -m x", "x"),
        ("git add . && git commit -m $'feat: x\\n\\nbody' && git push", "feat: x\n\nbody"),
        ("git -c user.name=x commit -m x", "x"),
        ('git commit -m "$x"', None),
        ("git commit --fixup HEAD -m x", None),
        ("echo x | git commit -F -", None),
    ],
)
def test_messages_are_told(command: str, message: str | None, work: Path) -> None:
    deeds = told(command, work)
    assert list(deeds.messages) == ([] if message is None else [message])
    assert not deeds.bypasses


@pytest.mark.parametrize(
    "command",
    [
        "git commit -n -m x",
        "git commit -anm x",
        "git commit --no-veri -m x",
        "git commit -m x --no-verify",
        "git push --no-verify",
        "git push origin work --no-verif",
        "git merge --no-verify x",
        "git am --no-verify x",
        "git -c core.hooksPath=/dev/null commit -m x",
        "git -ccore.hooksPath=x commit -m x",
        "git --config-env=core.hooksPath=X commit -m x",
        "git config core.hooksPath x",
        "git config --global core.hooksPath x",
        "git config set core.hooksPath x",
        "git config --unset core.hooksPath",
        "git config --add core.HooksPath x",
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=x git commit -m x",
        "SKIP=specguard git commit -m x",
        "env SKIP=specguard git commit -m x",
        "export SKIP=specguard; git commit -m x",
        "PRE_COMMIT_ALLOW_NO_CONFIG=1 git commit -m x",
        "SPECGUARD_FLOOR= git commit -m x",
        "SPECGUARD_FLOOR=/tmp/x git commit -m x",
        "export SPECGUARD_FLOOR=",
        "unset SPECGUARD_FLOOR; git commit -m x",
        "unset -v A SPECGUARD_FLOOR",
        "env SPECGUARD_FLOOR= git commit -m x",
        "env -u SPECGUARD_FLOOR git commit -m x",
        "env -uSPECGUARD_FLOOR git commit -m x",
        "env --unset=SPECGUARD_FLOOR git commit -m x",
        "env -u A --unset SPECGUARD_FLOOR git commit -m x",
        "env -u A git commit -n -m x",
        "HUSKY=0 git commit -m x",
        "pre-commit uninstall -t pre-push",
        "lefthook uninstall",
        "bash -c 'git commit -n -m x'",
        "echo $(git commit -n -m x)",
        "sudo git commit --no-verify -m x",
        "true && git commit -m x -n -- a",
    ],
)
def test_ways_past_the_guard_are_told(command: str, work: Path) -> None:
    assert told(command, work).bypasses


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m '--no-verify'",
        "git commit -m x -- -n",
        "git commit -m 'feat: drop -n'",
        "HUSKY=1 git commit -m x",
        "echo $SPECGUARD_FLOOR; unset SKIP",
        "env -u A git commit -m SPECGUARD_FLOOR",
        "echo git commit --no-verify",
        "grep -rn 'core.hooksPath' .",
        "git config --get core.hooksPath",
        "git config core.hooksPath",
        "pre-commit --version",
        "git push -n",
    ],
)
def test_what_only_looks_like_a_way_past_the_guard_is_none(command: str, work: Path) -> None:
    assert not told(command, work).bypasses


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        ("git push origin HEAD:main", True),
        ("git push origin main", True),
        ("git push -f ../other +work:refs/heads/main", True),
        ("git push . HEAD:main", True),
        ("git push origin :main", True),
        ("git branch -f main HEAD", True),
        ("git branch -M work main", True),
        ("git fetch . work:main", True),
        ("git update-ref refs/heads/main HEAD", True),
        ("git push -u origin work", False),
        ("git push", False),
        ("git fetch origin main", False),
        ("git branch -f other main", False),
        ("git branch main2 main", False),
    ],
)
def test_the_base_is_not_moved(command: str, refused: bool, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    asked = bash(repository, command)
    assert asked.kind == ("refuse" if refused else "pass")
    assert not refused or "is the base of this session" in asked.refusal


@pytest.mark.threat("T130", "a guarded file written several times, at last as it is", "refused")
@pytest.mark.parametrize(
    "text",
    [
        "echo b > docs/api/x.yaml; echo a > docs/api/x.yaml; echo b > docs/api/x.yaml",
        "test -f y && echo b > docs/api/x.yaml || echo a > docs/api/x.yaml",
        "rm docs/api/x.yaml; test -f y && echo a > docs/api/x.yaml",
    ],
)
def test_the_last_write_does_not_hide_another(text: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    event = call("Bash", {"command": text}, repository.path)
    assert "PTH001" in ask("claude", event, repository.path).refusal


@pytest.mark.threat("T130", "the executable bit of a guarded file, or of a hook", "refused")
@pytest.mark.parametrize("mode", ["+x", "755", "u=rwx", "-x", "000"])
def test_a_mode_alone_is_an_edit(mode: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    (repository.path / "docs/api/x.yaml").chmod(0o755 if mode == "-x" else 0o644)
    repository.git("add", "-A")
    repository.commit("feat: a mode", files={"src/b.py": "y = 1\n"})
    repository.git("branch", "-f", "main")
    repository.git("config", "core.hooksPath", "tools/hooks")
    repository.write("tools/hooks/pre-commit", "#!/bin/sh\nexec specguard check --staged\n")
    (repository.path / "tools/hooks/pre-commit").chmod(0o755 if mode == "-x" else 0o644)
    for path in ("docs/api/x.yaml", "tools/hooks/pre-commit"):
        event = call("Bash", {"command": f"chmod {mode} {path}"}, repository.path)
        assert ask("claude", event, repository.path).kind == "refuse", path
    event = call("Bash", {"command": "chmod +x src/a.py"}, repository.path)
    assert ask("claude", event, repository.path).kind == "pass"


@pytest.mark.parametrize("command", ["git checkout HEAD --", "git checkout --", "git restore"])
def test_a_guarded_file_is_brought_back(command: str, tmp_path: Path) -> None:
    repository = guarded(tmp_path / "repository")
    bash(repository, "true")
    repository.write("docs/api/x.yaml", "changed\n")
    event = call("Bash", {"command": f"{command} docs/api/x.yaml"}, repository.path)
    assert ask("claude", event, repository.path).kind == "pass"


@pytest.mark.parametrize(
    "command",
    [
        "(" * 5000,
        "$(" * 5000,
        "{ " * 5000,
        "${x:-" * 5000,
        "`" * 5001,
        "((" * 5000,
        '"$(' * 3000,
        "f(){ " * 3000,
        "if " * 5000,
        "[[ " * 5000,
        "{a," * 5000,
        "{" * 5000,
        "{1..9}" * 200,
        "{a,b}" * 40,
        "x=" * 5000,
        "<<A " * 3000,
        "cat <<A\n" * 3000,
        "a;" * 30000,
        "a && " * 20000 + "a",
        "a | " * 5000 + "a",
        "eval " * 5000,
        "\\" * 20001,
        "for i in {1..100}; do " * 20 + "x" + "; done" * 20,
        "f() { f; f; }; f",
        "f() { g; g; }; g() { f; f; }; f",
        "x=a; " + "x=$x$x; " * 100 + "rm $x",
        "echo " + "$(echo " * 25 + "a" + ")" * 25,
        "rm " + "*" * 5000,
        "rm " + "a*" * 2000,
        "rm [" + "a" * 5000,
        "sed '" + "s/a/b/;" * 20000 + "' a",
        "bash -c " * 500 + "x",
        "sed '" + "/a" * 20000 + "' a",
        "awk '" + "print >" * 20000 + "'",
        "while :; do " * 25 + "x=1" + "; done" * 25,
        "trap 'trap x EXIT' EXIT; " * 2000,
        "case x in " + "a) b;; " * 20000 + "esac",
        "x" * 1_000_000,
        "cat <<A\n" + "$(x)\n" * 20000 + "A\n",
        "'" + "a\n" * 200000 + "'",
        "@(" * 5000,
        "echo " + "a" * 10 + "\\\n" * 50000,
    ],
)
def test_hostile_commands_come_to_an_end(command: str, work: Path) -> None:
    told(command, work)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not read_command("git commit -F pipe", os.fsencode(tmp_path), {}).messages


def test_without_a_home_the_home_is_not_known(tmp_path: Path) -> None:
    assert not read_command("rm ~/x; cd; rm x", os.fsencode(tmp_path), {}).edits


@pytest.mark.parametrize("command", ["cd sub && sed -i s/a/b/ x", "git commit -F - <<< x", "rm *; git rm x"])
def test_following_a_command_imports_little(command: str, tmp_path: Path) -> None:
    nothing = imported(["-c", "pass"], tmp_path, tmp_path)
    program = "from specguard.integrations.hooks.shell import read_command as r; r({!r}, b'/nonexistent')"
    assert (imported(["-c", program.format(command)], tmp_path, tmp_path) - nothing) & NEVER == set()
