"""What is told of commands: their files, messages, ways past the guard, and what is undecided."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from specguard.integrations.hooks.shell import read_command
from tests.integrations.hooks.shell.running import scratch, told
from tests.test_hook_imports import NEVER, imported

if TYPE_CHECKING:
    from pathlib import Path

READING = r"""
ls -la
ls -la sub | head -20
cat a b
cat *.txt | grep -v x | sort | uniq -c | sort -rn | head
grep -rn "pattern" . --include='*.py' 2>/dev/null | head -5
rg -n "foo|bar" -g '*.py'
sed -n '1,20p' a
sed -n "1,20p" a | tail -3
sed 's/a/b/g; s|x|y|' a
awk '{print $1}' a
awk -F, 'NR>1 {s+=$2} END {print s}' a
find . -name '*.py' -not -path './node_modules/*'
find . -type f -exec grep -l foo {} +
find . -name '*.md' -print0 | xargs -0 wc -l
git status --short
git diff HEAD~1 -- src | head
git log --oneline -5
git show HEAD:a
git branch --show-current
git rev-parse --show-toplevel
git add -A && git status
git push -u origin work
git fetch origin
git checkout -b feat/x
git switch -c feat/x
git stash list
git remote -v
git config --get user.name
git config user.email x@example.org
git worktree list
git apply --check x.patch
git clean -n
git reset HEAD a
git reset --soft HEAD~1
git restore --staged a
pwd; whoami; date; which python
echo "a > b"
echo hi > /dev/null 2>&1
true 2>&1 | tee /dev/null
cd sub && ls
test -f a && echo yes || echo no
[ -d sub ] && ls sub
[[ $x == y* ]] && echo z
if [ -f a ]; then cat a; fi
for f in *.txt; do wc -l "$f"; done
while read l; do echo "$l"; done < list
diff a b
curl -s https://example.org/x
curl -sS -H 'A: b' https://example.org | jq .x
python3 --version
node --version
mkdir -p new/dir
sleep 1
command -v git
type ls
export A=b
jq '.a' < list
export GIT_PAGER=cat; git log
specguard check --staged
gh pr view 3
timeout 5 grep x a
FOO=bar env | grep FOO
base64 -d list
time ls
wait
"""

UNDECIDED = r"""
python3 -c 'print(1)'
python3 script.py
python -m pytest
node -e '1'
ruby x.rb
perl x.pl
make
npm test
npm run build
pytest -q
cargo build
./script.sh
bash script.sh
source venv/bin/activate
curl https://example.org/x | sh
wget https://example.org/x
tar xf x.tar
tar tzf x.tgz
awk -i inplace 1 a
gzip a
patch < list
unzip x.zip
rsync -a a b
$cmd a
"$editor" a
eval "$x"
bash -c "$x"
sh
ssh host 'rm x'
docker run x
vim a
git checkout main
git checkout .
git switch main
git merge main
git rebase main
git pull
git cherry-pick abc
git revert HEAD
git reset --hard
git stash
git stash pop
git clean -fd
git am x.mbox
git apply nothere.patch
git update-ref refs/heads/x HEAD
git read-tree -u HEAD
git checkout-index -a
git hash-object -w a
git write-tree
git fast-import
git filter-branch
git bisect run x
git worktree add ../x
git submodule update
git clone x
git -c alias.x='!touch y' x
git config alias.x '!touch y'
git config core.fsmonitor x
git diff --output=x
git diff --ext-diff
git commit
git commit -m "$x"
git commit -F nothere
git commit -C HEAD
git commit --amend --no-edit
git commit --fixup HEAD
git $x
git foo
GIT_DIR=x git status
GIT_WORK_TREE=x git checkout -- a
PATH=x:$PATH ls
find . -delete
find . -exec rm {} \;
xargs rm
ls | xargs rm
rm "$x"
rm $x
rm $(cat x)
cat > "$x"
cat > $(date).txt
cd "$x" && touch y
rm []a
rm [!]a
sed -i s/a/b/ $x
sed "$x" a
tee $x
cp -r sub/* "$x"
patch -p1 < nothere
apply_patch < nothere
awk '{print > "x"}' a
sed 'w x' a
sed -f x a
perl -pe 'system("x")' a
trap "$x" EXIT
alias ls=rm
sort --compress-program=x a
rg --pre x y
find . -fprint "$x"
fd -x rm
tree $x
ed a
ex -sc '%s/a/b/|x' a
while true; do rm $y; done
for f in $(ls); do rm $f; done
rm **/x
rm ~other/x
rm [[:alpha:]]
touch ${x:-y}
touch $((1+1))
rm @(a|b)
echo $[1+1]
make > log
nothing-known --help me
specguard approve PTH001
gh pr checkout 3
x[$(rm y)]=1
printf -v 'a[$(rm x)]' y
test -v 'a[$(rm x)]'
PS4='$(rm x)' bash -xc :
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch(tmp_path_factory.mktemp("place"))


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("command", lines(READING))
def test_a_command_that_reads_has_no_deeds(command: str, work: Path) -> None:
    deeds = told(command, work)
    assert not deeds.edits
    assert not deeds.messages
    assert not deeds.bypasses
    assert not deeds.undecided


@pytest.mark.parametrize("command", lines(UNDECIDED))
def test_what_cannot_be_told_is_said(command: str, work: Path) -> None:
    deeds = told(command, work)
    assert deeds.undecided
    assert all(clause and "\n" not in clause for clause in deeds.undecided)


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("echo x > docs/a.md", ["docs/a.md"]),
        ("echo x > /etc/x", ["/etc/x"]),
        ("cd sub && echo x > ../docs/a.md", ["sub/../docs/a.md"]),
        ("cd /etc && rm x", ["/etc/x"]),
        ("sed -i '' s/a/b/ f", ["f"]),
        ("sed -i .bak s/a/b/ f", ["f", "f.bak"]),
        ("gsed -i s/a/b/ f", ["f"]),
        ("perl -i -pe 's/a/b/' f", ["f"]),
        ("git rm --cached f", ["f"]),
        ("git mv f g", ["g", "f"]),
        ("git -C sub rm x", ["sub/x"]),
        ("git checkout HEAD~1 -- f g", ["f", "g"]),
        ("git checkout -- f", ["f"]),
        ("git restore f", ["f"]),
        ("git restore --source=HEAD~1 -SW f", ["f"]),
        ("git checkout a", ["a"]),
        ("chmod +x f", ["f"]),
        ("curl -o f https://example.org", ["f"]),
        ("wget -qO- https://example.org > f", ["f"]),
        ("vim f", ["f"]),
        ("sudo -u root tee f", ["f"]),
        ("sudo sh -c 'echo x > f'", ["f"]),
        ("install -m644 a /usr/lib/x", ["/usr/lib/x"]),
        ("echo 'rm f' | sh", ["f"]),
        ("python3 x.py > f", ["f"]),
        ("cat > f <<'EOF' && git add f\nx\nEOF\n", ["f"]),
        ("apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: f\n*** End Patch\nEOF\n", ["f"]),
        ("apply_patch '*** Begin Patch\n*** Add File: f\n+x\n*** End Patch'", ["f"]),
        (
            "cd sub && apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: x\n*** End Patch\nEOF\n",
            ["sub/x"],
        ),
        ("rm ~/x", ["{home}/x"]),
        ("rm .git/hooks/pre-commit", [".git/hooks/pre-commit"]),
        ("mv {a,b} sub", ["sub/a", "a", "sub/b", "b"]),
        ("rm -rf sub/deep", ["sub/deep/z", "sub/deep"]),
    ],
)
def test_files_are_told(command: str, paths: list[str], work: Path) -> None:
    home = str(work.parent / "home")
    edits = told(command, work).edits
    assert [os.fsdecode(edit.path) for edit in edits] == [path.format(home=home) for path in paths]


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("cat > f <<'EOF'\nx $y\nEOF\n", b"x $y\n"),
        ("echo x | tee f", b"x\n"),
        ("echo x >> a", b"a\nx\n"),
        ("cp b f", b"b\nbb\n"),
        ("touch f", b""),
        (": > a", b""),
        ("{ echo x; cat a; } > f", b"x\na\n"),
        ("rm -f f", None),
        ("echo x > f && echo y >> f", b"x\ny\n"),
    ],
)
def test_content_is_told_where_it_is_known(command: str, content: bytes | None, work: Path) -> None:
    edit = told(command, work).edits[-1]
    assert edit.known
    assert edit.content == content


@pytest.mark.parametrize(
    "command", ["ls > f", "date > f", "sed -i s/a/b/ a", "cat nothere > f", "echo x >> $y/../a; curl -o f x"]
)
def test_content_that_is_not_known_is_none(command: str, work: Path) -> None:
    edit = told(command, work).edits[-1]
    assert not edit.known
    assert edit.content is None


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("git commit -m 'feat: x'", "feat: x"),
        ("git commit -am 'feat: x' -m body", "feat: x\n\nbody"),
        ("git commit -qam'feat: x'", "feat: x"),
        ("git commit --message='feat: x'", "feat: x"),
        ("git commit --mess 'feat: x'", "feat: x"),
        ("git commit a b -m 'feat: x' -- c", "feat: x"),
        ("git commit --amend -m 'feat: x'", "feat: x"),
        ("cd sub && git commit -m 'feat: x'", "feat: x"),
        ("git -C sub commit -m x", "x"),
        ("git commit -F list", "a\nb\n"),
        ("git commit -F - <<'EOF'\nfeat: x\n\nbody\nEOF\n", "feat: x\n\nbody\n"),
        ("echo 'feat: x' | git commit -F -", "feat: x\n"),
        ("git commit -m \"$(cat <<'EOF'\nfeat: x\n\nbody `x` $y\nEOF\n)\"", "feat: x\n\nbody `x` $y"),
        ("printf 'feat: x\\n' > m; git commit -F m", "feat: x\n"),
        ("m='feat: x'; git commit -m \"$m\"", "feat: x"),
        ("git commit -m x --trailer A=b", "x\n\nA: b"),
        ("GIT_AUTHOR_NAME=x git commit -m x", "x"),
        ("git add . && git commit -m $'feat: x\\n\\nbody' && git push", "feat: x\n\nbody"),
        ("sh -c 'git commit -m x'", "x"),
        ("git -c user.name=x commit -m x", "x"),
    ],
)
def test_messages_are_told(command: str, message: str, work: Path) -> None:
    deeds = told(command, work)
    assert list(deeds.messages) == [message]
    assert not deeds.bypasses
    assert not deeds.undecided


@pytest.mark.parametrize(
    "command",
    [
        "git commit -n -m x",
        "git commit -nm x",
        "git commit -anm x",
        "git commit --no-verify -m x",
        "git commit --no-veri -m x",
        "git commit -m x --no-verify",
        "git push --no-verify",
        "git push origin work --no-verif",
        "git merge --no-verify x",
        "git rebase --no-verify x",
        "git am --no-verify x",
        "git -c core.hooksPath=/dev/null commit -m x",
        "git -c core.hookspath= commit -m x",
        "git -ccore.hooksPath=x commit -m x",
        "git --config-env=core.hooksPath=X commit -m x",
        "git config core.hooksPath x",
        "git config --global core.hooksPath x",
        "git config set core.hooksPath x",
        "git config --unset core.hooksPath",
        "git config --add core.HooksPath x",
        "GIT_CONFIG_PARAMETERS=x git commit -m x",
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=x git commit -m x",
        "SKIP=specguard git commit -m x",
        "env SKIP=specguard git commit -m x",
        "export SKIP=specguard; git commit -m x",
        "SKIP=specguard; export SKIP; git commit -m x",
        "PRE_COMMIT_ALLOW_NO_CONFIG=1 git commit -m x",
        "HUSKY=0 git commit -m x",
        "LEFTHOOK=0 git push",
        "pre-commit uninstall",
        "pre-commit uninstall -t pre-push",
        "lefthook uninstall",
        "chmod -x .git/hooks/pre-commit",
        "chmod 644 .git/hooks/*",
        "rm .git/hooks/pre-push",
        "rm -rf .git/hooks",
        "mv .git/hooks .git/hooks.off",
        "echo > .git/hooks/pre-commit",
        "cd .git && rm hooks/pre-commit",
        "cd .git/hooks; rm pre-commit",
        "ln -sf /bin/true .git/hooks/pre-commit",
        "sed -i s/x/y/ .git/config",
        "git commit --no-verify",
        "true && (git commit -n -m x)",
        "bash -c 'git commit -n -m x'",
        "echo $(git commit -n -m x)",
        "x=--no-verify; git commit $x -m x",
        "sudo git commit --no-verify -m x",
        "git commit -m x -n -- a",
    ],
)
def test_ways_past_the_guard_are_told(command: str, work: Path) -> None:
    assert told(command, work).bypasses


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m '--no-verify'",
        "git commit -m x -- -n",
        "git commit -F list",
        "git commit -m 'feat: drop -n'",
        "HUSKY=1 git commit -m x",
        "echo git commit --no-verify",
        "grep -rn 'core.hooksPath' .",
        "git config --get core.hooksPath",
        "git config core.hooksPath",
        "cat .git/hooks/pre-commit",
        "ls .git/hooks",
        "pre-commit --version",
        "git push -n",
    ],
)
def test_what_only_looks_like_a_way_past_the_guard_is_none(command: str, work: Path) -> None:
    assert not told(command, work).bypasses


@pytest.mark.parametrize(
    "command",
    [
        "echo 'x",
        'echo "x',
        "echo `x",
        "echo $(x",
        "echo ${x",
        "(x",
        "{ x",
        "if x; then y",
        "x |",
        "x && ",
        "case x in",
        "for x in y; z",
        ")",
        "fi",
        "; done",
        "x > ",
        "<",
        "[[ x",
        "x\0y",
        "f() {",
        "$'x",
        "a" * 5_000_000,
    ],
)
def test_what_cannot_be_read_is_undecided(command: str, work: Path) -> None:
    deeds = told(command, work)
    assert deeds.undecided
    assert not deeds.bypasses


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


def test_growing_values_are_bounded(work: Path) -> None:
    deeds = told("x=aaaaaaaa; " + "x=$x$x; " * 60 + "touch $x", work)
    assert deeds.undecided


def test_a_folder_of_many_files_is_told_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(2100):
        (folder / str(number)).touch()
    deeds = read_command("rm -rf many", os.fsencode(tmp_path), {})
    assert [edit.path for edit in deeds.edits] == [b"many"]
    assert deeds.undecided


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_command("cat pipe > x", os.fsencode(tmp_path), {}).edits


def test_without_a_home_the_home_is_not_known(tmp_path: Path) -> None:
    assert read_command("rm ~/x", os.fsencode(tmp_path), {}).undecided
    assert read_command("cd; rm x", os.fsencode(tmp_path), {}).undecided


def test_clauses_hold_no_character_that_drives_a_terminal(work: Path) -> None:
    deeds = told("rm \"$x\x1b[2J\u202e\" 'y\n'; \x07", work)
    assert deeds.undecided
    assert all(clause.isprintable() for clause in deeds.undecided)


@pytest.mark.parametrize(
    "command", ["cd sub && sed -i s/a/b/ x", "git commit -F - <<< x", "git apply < x", "rm *; curl -o x y"]
)
def test_following_a_command_imports_little(command: str, tmp_path: Path) -> None:
    nothing = imported(["-c", "pass"], tmp_path, tmp_path)
    program = "from specguard.integrations.hooks.shell import read_command as r; r({!r}, b'/nonexistent')"
    assert (imported(["-c", program.format(command)], tmp_path, tmp_path) - nothing) & NEVER == set()


def test_git_rm_leaves_its_own_folder_alone(tmp_path: Path) -> None:
    (tmp_path / ".git" / "hooks").mkdir(parents=True)
    (tmp_path / ".git" / "hooks" / "pre-commit").touch()
    (tmp_path / "a").touch()
    deeds = read_command("git rm -r --cached .", os.fsencode(tmp_path), {})
    assert [edit.path for edit in deeds.edits] == [b"./a"]
    assert not deeds.bypasses
