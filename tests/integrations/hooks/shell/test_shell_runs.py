"""Commands that are really run in a scratch folder: what changes was told, or the command is undecided."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.damage import few
from tests.integrations.hooks.shell.running import scratch, told, untold

if TYPE_CHECKING:
    from pathlib import Path

LINES = r"""
echo x > a
echo x >> a
echo -n x > new
echo 'a\nb' > new
echo -e 'a\nb' > new
printf '%s\n' one two > new
printf 'a\tb\n' > new
printf "x" >> sub/x
printf '%s-%s|' a b c > new
> a
: > a
>| a
echo hi >| a
echo e > o 2> err
echo e &> both
echo e &>> both
echo e >& both
ls nothere 2> err > o
ls nothere 2>&1 > o
tee new < a
tee new other <<< word
echo x | tee -a a
echo x | tee -a a > /dev/null
cat a b > new
cat a > new < b
cat 0< a 1> new
cd sub && echo x > x
cd sub; echo x > x
cd sub/deep && cd .. && echo n > n
cd sub && cd - && echo n > n
cd nothere; echo x > x
cd nothere && echo x > x
cd nothere || echo x > x
cd nothere || exit; touch new
rm -rf sub; cd sub; echo x > x
rm -rf sub; mkdir sub; cd sub || echo x > x
mkdir -p n/m && cd n/m && echo x > x
mkdir n; cd n; touch x; cd ..; touch y
(cd sub; echo x > x); echo y > y
{ cd sub; echo x > x; }; echo y > y
pushd sub; echo x > x; popd; echo y > y
cd; echo x > x
cd ~; echo x > x
echo x > ~/x
echo x > $PWD/sub/x
cd link && echo x > ../up
cd link && echo x > p
echo x > link/p
echo x > link/../p2
rm a
rm -f a b nothere
rm -rf sub
rm -rf sub/ locked
rm -r sub/*
rm *.txt
rm ?
rm [ab]
rm [!ab]
rm [^a]*
rm -- -dash
rm ./-dash
rm */x
rm "with space"
rm with\ space
rm $'a'
rm {a,b}
rm {c,d}.txt
rm -rf {sub,locked}/{x,p}
rm sub/{x,y}{,.txt}
unlink link
rm link
rm -rf ./*
mv a z
mv a sub
mv a b sub/
mv -t sub a b
mv sub moved
mv sub locked
mv -T a b
mv sub/* out
mv a{,.bak}
mv a z; mv z a
mv link other; touch other/n
mv sub new; touch new/n
mv sub new; rm -rf new
cp a z
cp a sub
cp a b sub
cp -r sub copy
cp -r sub locked
cp -r sub/. copy
cp -r sub/. out
cp -a locked/ copy
cp --target-directory=sub a
cp --targ=sub a
cp -T a b
cp link/p here
cp -R sub/deep .
cp sub/x ./
cp -l a hard; echo x > hard
cp /dev/null a
cp -r sub new; rm -rf new
cp -r link copy
cp -rL link copy
cp -b a b
cp --parents sub/x out
ln a hard && echo x > hard
ln -s locked/p soft; echo x > soft
ln -s locked soft; echo x > soft/p
ln -s ../locked sub/soft; echo x > sub/soft/p
cd sub; ln -s ../locked soft; echo x > soft/p
ln -sf a soft
ln -s a sub
install a z
install -m 755 a sub
install -D a new/dir/z
install -t sub a b
touch new
touch new{1,2,3}
touch new{01..3}
touch {3..1} {1..10..3} {-1..1}x {a..e..2}
touch {a..c}x n{a,b{c,d}}e {a} {a,} x{,} a{b
touch "{a,b}" {a,b {1..a} {,}x a\{x,y}
touch {a,b}{1,2} a{1..3}b{x,y}
touch pre{$(echo x),y} {"a b",c} {a\,b,c}
touch $x{a,b}
x={a,b}; touch $x
touch '~' \~ a~
touch -c nothere
truncate -s 0 a
dd if=a of=new
chmod +x a
chmod 755 a b
chmod -R go-r sub
chmod u+x,g-w a
chmod -x script.sh
chmod --reference=script.sh a
sed -i s/a/z/ a
sed -i -e 's/a/z/' -e 's/b/y/' a b
sed -ie 's/a/z/' a
sed -i.bak 's/a/z/' a
sed --in-place=.orig 's/a/z/' a
sed --in-pl 's/a/z/' a
sed -ni p a
sed -Ei 's/(a)/z/' a
sed -i'bk_*' 's/x/z/' sub/x
sed -i '/two/d' *.txt
sed s/a/z/ a -i
sed -n 'w new' a
sed 's/a/z/w new' a
sed 's/a/z/gw new' a
sed 's/a/touch new/e' a
sed '1e touch new' a
sed '1w new' a
sed -n '/a/w new' a
sed -n '/a/ , $ w new' a
sed --expression='w new' a
sed -e p -e 'w new' a
sed -f list a
sed -s 's|a|z|;w new' a
sed 'y/a/z/;w new' a
sed '$!N;w new' a
sed '/x\/y/!w new' a
sed '\,a,w new' a
sed '/[/]/b;w new' a
sed 's/[/]/x/;w new' a
sed '{p};{w new' -e '}' a
sed '/a/{;w new' -e '}' a
sed ':l;w new' a
sed 'b;w new' a
sed '0~2w new' d.txt
sed '1,+1w new' d.txt
sed '#n' -e 'w new' a
sed 's/a/b/;#x' a
sed 'q;w new' a
sed 'l 5;w new' a
sed 's/a/z/;;;w new' a
sed 'r list' -e 'w new' a
sed s/a/b/g < a > new
perl -pi -e 's/a/z/' a
perl -i.bak -pe 's/a/z/' a
perl -e 'open(F,">new"); print F "x"'
perl -pe 's/a/open(F,">new")/e' a
perl -pe 's/(?{open(F,">new")})a/z/' a
perl -pe 's/a/@{[open(F,">new")]}/' a
awk '{print > "new"}' a
awk '{print "x" | "cat > new"}' a
awk 'NR>0 {print $1 > "new"}' b
awk 'BEGIN{system("touch new")}'
awk -F: '{print $1}' a > new
awk '/"/ {print "}" > "new"; x="/"} {print "y" > "new"}' a
awk -v x=1 'BEGIN{"touch new" | getline}'
sort -o new a
sort a -o new
sort --outp new a
uniq a new
xxd a new
find . -name '*.md' -exec rm {} \;
find sub -type f | xargs rm
find . -fprint new
find sub -name x -exec cp {} {}.bak \;
find sub -name x -exec sh -c 'rm "$1"' _ {} \;
ls *.txt | xargs rm
echo a b | xargs rm
printf 'a\nb\n' | xargs -I{} mv {} {}.bak
xargs rm < list
xargs -a list rm
echo a | xargs -I% cp % sub/%
echo "a" | sed 's/a/new/' | xargs touch
bash -c 'echo x > new'
bash -lc 'cd sub && touch n'
sh -ec 'touch n'
bash -c 'echo $0 $1 > $1' zero one
bash -c "bash -c 'touch n'"
bash <<< 'touch new'
echo 'touch new' | bash
echo 'touch new' | sh -s
bash script.sh
sh < script.sh
. ./script.sh
./script.sh
eval 'echo x > new'
eval "touch" new
eval echo x '>' new
x=new; eval "touch $x"
exec > new; echo x
exec touch new
command touch new
command -p touch new
builtin echo x > new
env touch new
env -i touch new
env A=b touch new
env -C sub touch new
env -S 'touch new'
A=b touch new
nohup touch new
time touch new
time -p touch new
nice -n 5 touch new
timeout -k 1 5 touch new
stdbuf -o0 touch new
setsid -w touch new
! touch new
touch new & touch new2; wait
true && touch new
false || touch new
[ -f a ] && rm a
[[ -f a && -d sub ]] && rm a
[[ a < b ]] && touch new
[[ a =~ (a|b) ]] && touch new
[[ -n $(touch new) ]]
if [ -f a ]; then touch yes; else touch no; fi
if false; then touch yes; elif true; then touch maybe; fi
if touch new; then :; fi
case a in a) touch one ;; b|c) touch two ;; *) touch three ;; esac
case $(touch new) in x) ;; esac
for f in one two; do touch $f; done
for f in *.txt; do mv "$f" "${f%.txt}.md"; done
for f in *.txt; do cp "$f" "$f.bak"; done
for f in a b; do for g in 1 2; do touch $f$g; done; done
for ((i=0; i<3; i++)); do touch n$i; done
for ((i=0; i<3; i++)) { touch n; }
for i in {1..3}; do touch n$i; done
for i in $(seq 3); do touch n$i; done
for d in sub out; do (cd $d && touch n); done
for d in sub out; do cd $d; touch n; cd ..; done
x=a; for i in 1 2; do rm $x; x=b; done
for i in 1 2 $y; do touch $x; x=n$i; done
x=n; while [ ! -e nn ]; do touch $x; x=n$x; done
i=0; while [ $i -lt 2 ]; do cd sub/..; touch n; cd sub; i=$((i+1)); done 2>/dev/null
while read f; do rm $f; done < list
while read -r f; do echo $f >> new; done < list
cat list | while read f; do rm "$f"; done
i=0; while [ $i -lt 2 ]; do touch n$i; i=$((i+1)); done
until [ -e n ]; do touch n; done
while :; do touch new; break; done
f() { touch new; }; f
f() { touch "$1"; }; f new
function f { echo "$@" > new; }; f a b
f() ( cd sub; touch n ); f; touch m
f() { cd sub; }; f; touch n
f() { touch $1; shift; touch $1; }; f one two
f() { echo x; }; f > new
f() { local d=new; touch $d; }; f
rm() { touch new; }; rm a
f() { rm a; }; f() { rm b; }; f
if false; then f() { rm a; }; else f() { rm b; }; fi; f
f() { f2; }; f2() { rm a; }; f
f() { touch new; } > other; f
cat() { rm a; }; cat b
set -- one two; touch "$@"
set -- one two; touch $2
x=new; touch "$x"
x='a b'; rm $x
x='a b'; touch "$x"
x=sub; touch $x/n ${x}2
x=a; x=b; rm $x
x=a; [ -f b ] && x=b; rm $x
x=a; [ -f none ] && x=b; rm $x
x=a; (x=b); rm $x
x=a; true | x=b; rm $x
x=a; x+=b; touch $x
x=$(echo new); touch $x
x=`echo new`; touch $x
x=$(cat list); rm $x
x="*.txt"; rm $x
x="*.txt"; touch "$x"
touch $(echo n1 n2)
touch "$(echo n1 n2)"
touch $(basename sub/x.y)
touch $(dirname sub/x)/n
touch pre$(echo x)post
touch ${x:-new}
touch ${x:=new}; touch $x
x=a; : ${x:=b}; rm $x
export x=new; bash -c 'touch $x'
x=new; bash -c 'touch n$x'
x=new bash -c 'touch $x'
declare x=new; touch $x
read x <<< new; touch $x
read -r x y < list; touch n$x
printf -v x new; touch $x
unset x; touch n$x
IFS=,; x=a,b; rm $x
let x=1; touch n$x
x=1; ((x++)); touch n$x
x=1; y=$((x+1)); touch n$y
x=1; : $((x=5)); touch n$x
arr=(a b); rm ${arr[0]}
arr=(a b); rm "${arr[@]}"
arr=(a b $(touch new)); true
echo $(rm a)
echo "x `rm a` y"
echo ${x:-$(rm a)}
echo "${x:-"$(rm a)"}"
echo $((1 + $(rm a; echo 1)))
cat <(rm a)
echo x > >(cat > new); sleep 0.2
echo x | tee >(cat > new) > other; sleep 0.2
echo a # > new
echo a; # rm b
touch n1 #c
touch n#1
( (touch one) )
((touch one) )
{ touch one; } > two
(echo x; echo y) > new
{ echo x; echo y; } >> a
if true; then echo x; fi > new
for i in 1 2; do echo $i; done > new
echo 'a"b' > "n'x"
touch "a\"b" 'c\d' e\'f "g\h" "i\$j"
touch $'n\tx' $'n\x41' $'\u00e9' $'n\101' $'\xff' $"loc"
touch "$(printf 'a\nb')"
echo x > a > b
echo x 3> three >&3
exec 3> three; echo x >&3
echo x 1<> a
echo x <> new
echo hi 22>new
echo hi2>new
echo hi >new2>other
echo hi {fd}>new
{ echo x; } 2>/dev/null >new
mktemp -p .
mktemp ./XXXXXX
curl -so new file:///etc/hostname
curl -s file:///etc/hostname > new
curl -sO file:///etc/hostname
tar cf new.tar a b
tar cf x.tar a; tar xf x.tar -C sub
tar tf nothere.tar
gzip a
gzip -c a > new
python3 -c 'open("new","w")'
split -l 1 d.txt
printf 'a\nw new\nq\n' | ed -s a
ex -sc wq a
trap 'touch new' EXIT
trap "touch new" EXIT; cd sub; true
diff -u a b | patch -p0 a
git diff --no-index --output=new a b
git init -q . && git add -A && git -c user.name=x -c user.email=x@x commit -qm x
git -C sub init -q
git config --file new a.b c
\rm a
r""m a
"r"m a
/bin/rm a
$(echo rm) a
R=rm; $R a
${R:-rm} a
$nothing rm a
rm$IFS-f a
cd sub;rm x;cd ..;rm a
true;touch new
touch new&
touch new || { touch other; exit 1; }
touch sub/../new
touch .//new
set -e; touch new
set -o pipefail; cat a | tee new
shopt -s dotglob; rm -rf *
shopt -s globstar; rm **/x
HOME=sub; cd; touch new
CDPATH=sub; cd deep; touch new
PATH=.:$PATH; script.sh
for x; do touch $x; done
yes | head -3 > new
echo x | cat - a > new
echo x > new; rm new
rm a; echo x > a
[ a > new ]
echo a \> new
echo a>new b
>new echo a
cat a>new;cat b>>new
mkdir m; mv a m
mkdir m; cp a m
mkdir -p m/n; cp -r sub m/n
mkdir m && touch m/{1,2}
mkdir m; mv m n; touch n/x
tee -a -- new < a
echo x 2>&- > new
touch -- -i; sed s/b/z/ *
rm -- *
echo x >a\
echo x >`echo new`
echo x >$(echo new)
echo x > "a"b'c'
echo x >  $'new'
x=y echo z > $x
coproc touch new; sleep 0.2
select x in a b; do touch $x; done
[[ a ]] > new
((1)) > new
function rm2() { rm "$@"; }; rm2 a b
f() { for i in "$@"; do rm $i; done; }; f a b
f() { f; }; false && f
x=$'a\nb'; rm $x
echo a$'\n'b > new
echo -e 'a\tb\x41\0101' > new
printf '%b' 'a\n' > new
printf '%d\n' 3 > new
printf '%%s\n' > new
echo "\$x" > new
echo "`echo \`echo new\``" > new
echo $(( $(echo 1) + `echo 2` )) > new
until mv a z; do :; done
! { rm a; }
time { rm a; }
{ { { rm a; }; }; }
(((rm a)))
sudo -n rm a
nohup sh -c 'rm a'
find . -maxdepth 1 -name a -ok rm {} \;
unset -f f; rm a
exec 2>err; ls nothere
exec <list; read x; rm $x
rm -rf "$(pwd)"/sub
cd "$(pwd)/sub" && rm x
cd $(dirname sub/x) && rm x
cd sub && rm "$OLDPWD/a"
cd sub && echo x > $PWD/new
pushd sub; pushd deep; touch 1; popd; touch 2; popd; touch 3
pushd sub; pushd; touch 1
cd -P link && touch n
cd -- sub && touch n
cd "" && touch n
cd sub nothere; touch n
"""

BLOCKS = [
    "cat > new <<'EOF'\nhello $x `y`\nEOF\n",
    "cat > new <<EOF\nhello $((1+1)) plain\nEOF\n",
    "cat > new <<-EOF\n\ttabs\n\tEOF\necho x > other",
    "x=1; cat > new <<EOF\nvalue $x ${x} \"quoted\" 'single' \\$x \\\\ a\\b\nEOF\n",
    "cat <<A > one; cat <<B > two\na\nA\nb\nB\n",
    'cat << "E O" > new\nx\nE O\n',
    "cat <<EOF > new\nno end",
    "cat <<\\EOF > new\n$(touch other)\nEOF\n",
    "cat <<EOF\n$(rm a)\nEOF\n",
    "cat <<EOF\n`rm a`\nEOF\n",
    "cat <<'EOF'\n$(rm a)\nEOF\n",
    "cat <<EOF\n${x:-$(rm a)}\nEOF\n",
    "cat > new <<EOF\na \\\nb\nEOF\n",
    "x=$(cat <<'EOF'\nnew\nEOF\n); touch \"$x\"",
    "(cat <<EOF\na\nEOF\n) > new",
    "cat <<EOF | tee new\na\nEOF\n",
    "bash <<'EOF'\necho x > new\nEOF\n",
    "bash <<EOF\ncd sub\ntouch n\nEOF\ntouch m",
    "python3 - <<'EOF'\nopen('new','w').write('x')\nEOF\n",
    "while read f; do touch n$f; done <<EOF\n1\n2\nEOF\n",
    "xargs rm <<EOF\na b\nEOF\n",
    "f() {\n  touch one\n}\nf\n",
    "f()\n{\n  touch one\n}\nf\n",
    "if true\nthen\n  touch one\nfi\n",
    'for f in one two\ndo\n  echo "$f" > "$f"\ndone\n',
    "for f in one \\\n  two; do touch $f; done",
    'case "$(echo b)" in\n  (a) touch one ;;\n  b) touch two ;&\n  *) touch three\nesac\n',
    "echo x \\\n  > new",
    "touch one && \\\n  touch two",
    "touch one |\n  touch two",
    "true &&\n# a comment\ntouch two",
    "touch one # comment \\\ntouch two",
    "echo x > 'a\nb'",
    "t\\\nouch new",
    "touch ne\\\nw",
    "sed '1!{w new\n}' a",
    "sed 'a\\\ntext\nw new' a",
    "sed 'i text\nw new' a",
    "sed 'a\\\ntext\\\nw new' a",
    "sed -i 's/a/b/\n' a",
    "sed '# comment\nw new' a",
    "sed ':a;N\n$!ba;w new' a",
    "patch -p0 <<'EOF'\n--- a\n+++ a\n@@ -1 +1 @@\n-a\n+z\nEOF\n",
    "patch -p1 <<'EOF'\n--- x/sub/x\n+++ y/sub/x\n@@ -1 +1,2 @@\n x\n+more\nEOF\n",
    "patch <<'EOF'\n--- x/sub/x\n+++ y/sub/x\n@@ -1 +1,2 @@\n x\n+more\nEOF\n",
    "patch a <<'EOF'\n--- x\n+++ y\n@@ -1 +1 @@\n-a\n+z\nEOF\n",
    "cd sub && patch -p1 <<'EOF'\n--- a/new\n+++ b/new\n@@ -0,0 +1 @@\n+more\nEOF\n",
    "patch -p0 <<'EOF'\n*** a\n--- a\n***************\n*** 1 ****\n! a\n--- 1 ----\n! z\nEOF\n",
    "patch -p0 <<'EOF'\nIndex: a\n1c1\n< a\n---\n> z\nEOF\n",
    "git apply <<'EOF'\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+z\nEOF\n",
    "git apply - <<'EOF'\n--- a/nested/new\n+++ b/nested/new\n@@ -0,0 +1 @@\n+z\nEOF\n",
    (
        "git apply <<'EOF'\n--- /dev/null\n+++ b/nested/new\n@@ -0,0 +1 @@\n+z\n"
        "\\ No newline at end of file\nEOF\n"
    ),
    ("git apply <<'EOF'\ndiff --git a/a b/r\nsimilarity index 100%\nrename from a\nrename to r\nEOF\n"),
    ("git apply <<'EOF'\ndiff --git a/a b/r\nsimilarity index 100%\ncopy from a\ncopy to r\nEOF\n"),
    (
        "git apply <<'EOF'\ndiff --git a/sub/x b/sub/x\ndeleted file mode 100644\n--- a/sub/x\n"
        "+++ /dev/null\n@@ -1 +0,0 @@\n-x\nEOF\n"
    ),
    ("git apply <<'EOF'\ndiff --git a/a b/a\n--- a/locked/p\n+++ b/locked/p\n@@ -1 +1 @@\n-p\n+evil\nEOF\n"),
    "git apply <<'EOF'\ndiff --git a/a b/a\nold mode 100644\nnew mode 100755\nEOF\n",
    (
        'git apply <<\'EOF\'\ndiff --git "a/n\\303\\251w" "b/n\\303\\251w"\nnew file mode 100644\n'
        '--- /dev/null\n+++ "b/n\\303\\251w"\n@@ -0,0 +1 @@\n+x\nEOF\n'
    ),
    "git apply -p0 <<'EOF'\n--- a\n+++ a\n@@ -1 +1 @@\n-a\n+z\nEOF\n",
    "git apply -p2 <<'EOF'\n--- x/y/a\n+++ x/y/a\n@@ -1 +1 @@\n-a\n+z\nEOF\n",
    "git apply -R <<'EOF'\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-z\n+a\nEOF\n",
    "git apply --directory=sub <<'EOF'\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+z\nEOF\n",
    (
        "git apply <<'EOF'\n--- a/d.txt\n+++ b/d.txt\n@@ -2,2 +2,2 @@\n two\n-three\n+3\n--- a/a\n"
        "+++ b/a\n@@ -1 +1 @@\n-a\n+z\nEOF\n"
    ),
    "git apply --unidiff-zero <<'EOF'\n--- a/d.txt\n+++ b/d.txt\n@@ -1,0 +2 @@\n+half\nEOF\n",
    ("git apply <<'EOF'\n--- a/b\n+++ b/b\n@@ -1,2 +1,2 @@\n b\n-bb\n+-- a/c.txt\n+++ b/c.txt\nEOF\n"),
    "echo 'x' > a; echo \"unbalanced",
    "echo 'x' > a\necho )",
    "echo x > a\nfi",
    "touch one\n\n\n# c\n\ntouch two\n",
    "touch one\r\ntouch two\r\n",
    "a=1 \\\n b=2 \\\n touch new",
]
COMMANDS = [line for line in LINES.split("\n") if line] + BLOCKS


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_changes_was_told(command: str, tmp_path: Path) -> None:
    assert untold(command, tmp_path / "place") == ""


BASH_ONLY = re.compile(
    r"\{[^}]*(?:,|\.\.)|\$['\"]|pushd|\[\^|builtin|&>|>&|<<<|[<>]\(|\[\[|\(\(|function|\+=|=\(|coproc|select|\}>"
)


@pytest.mark.skipif(shutil.which("dash") is None, reason="dash is not installed")
@pytest.mark.parametrize("command", [each for each in COMMANDS if not BASH_ONLY.search(each)])
def test_what_it_changes_in_another_shell_was_told(command: str, tmp_path: Path) -> None:
    assert untold(command, tmp_path / "place", "dash") == ""


def test_most_of_these_commands_are_told(tmp_path: Path) -> None:
    """Calling everything undecided would pass the tests above."""
    decided = 0
    for command in COMMANDS:
        decided += not told(command, scratch(tmp_path / "place")).undecided
    assert decided > len(COMMANDS) * 0.6


WORD = st.sampled_from(
    [
        "a",
        "b",
        "new",
        "sub",
        "sub/x",
        "'with space'",
        '"$x"',
        "$x",
        "${x}",
        "$(echo a)",
        "`echo b`",
        "{a,b}",
        "*.txt",
        "./new",
        "link/p",
        "sub/../a",
        "a$x",
        "$y",
        '"$@"',
        "{1..2}",
        "?",
        "$'n\\x41'",
        "out",
        "locked/p",
        "-i",
        "--",
        "\\a",
        "x*",
    ]
)
SIMPLE = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                "rm -f",
                "rm -rf",
                "touch",
                "cp",
                "cp -r",
                "mv",
                "cat",
                "tee",
                "sed -i s/a/b/",
                "echo",
                "ln -s",
                "mkdir -p",
                "sort",
                "sort -o",
                "printf '%s\\n'",
                "chmod +x",
                "cd",
                "sed",
                "sed -n p",
                "xargs rm",
                "xargs",
                "env rm",
                "eval echo",
                "bash -c 'rm \"$0\"'",
                "truncate -s 1",
                "head",
                "uniq",
                "set --",
                "command touch",
            ]
        ),
        st.lists(WORD, max_size=3),
    ).map(lambda pair: " ".join([pair[0], *pair[1]])),
    st.tuples(st.sampled_from(["x", "y"]), WORD).map("=".join),
    st.sampled_from(["true", "false", ":", "shift", "x=1 true", "cd sub", "f() { touch fn; }"]),
)
REDIRECT = st.one_of(
    st.just(""),
    st.tuples(st.sampled_from([" > ", " >> ", " 2> ", " &> ", " < ", " <<< ", " >| "]), WORD).map("".join),
)
COMMAND = st.recursive(
    st.tuples(SIMPLE, REDIRECT).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" && ", " || ", "; ", " | ", "\n"]), inner).map("".join),
        inner.map("({})".format),
        inner.map("{{ {}\n}}".format),
        inner.map("for x in a new; do {}\ndone".format),
        inner.map("for x in $y; do {}\ndone".format),
        inner.map("f() {{ {}\n}}; f a b".format),
        st.tuples(inner, inner, inner).map(lambda each: "if {}\nthen {}\nelse {}\nfi".format(*each)),
        inner.map("while {}\ndo break; done".format),
        inner.map("case a in a) {}\n;; b) touch no;; esac".format),
        inner.map('echo "$({}\n)"'.format),
        inner.map("cat <<EOF\n$({}\n)\nEOF\n".format),
    ),
    max_leaves=5,
)


@few(60)
@given(command=COMMAND)
def test_what_a_generated_command_changes_was_told(
    command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert untold(command, tmp_path_factory.getbasetemp() / "generated") == ""
