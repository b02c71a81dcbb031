"""Commands, plain and tricky, that are run in a scratch folder."""

LINES = r"""
echo x >> a
echo -e 'a\nb' > new
printf "x" >> sub/x
: > a
echo e > o 2> err
echo e >& both
tee new < a
echo x | tee -a a > /dev/null
cat 0< a 1> new
cd sub/deep && cd .. && echo n > n
cd nothere && echo x > x
rm -rf sub; cd sub; echo x > x
mkdir n; cd n; touch x; cd ..; touch y
pushd sub; echo x > x; popd; echo y > y
echo x > ~/x
cd link && echo x > p
rm a
rm -rf sub/ locked
rm ?
rm [^a]*
rm */x
rm $'a'
rm -rf {sub,locked}/{x,p}
rm link
mv a sub
mv sub moved
mv sub/* out
mv link other; touch other/n
cp a z
cp -r sub copy
cp -r sub/. out
cp --targ=sub a
cp -R sub/deep .
cp /dev/null a
cp -rL link copy
ln a hard && echo x > hard
ln -s ../locked sub/soft; echo x > sub/soft/p
ln -s a sub
install -D a new/dir/z
touch new{1,2,3}
touch {a..c}x n{a,b{c,d}}e {a} {a,} x{,} a{b
touch pre{$(echo x),y} {"a b",c} {a\,b,c}
touch '~' \~ a~
dd if=a of=new
chmod -R go-r sub
chmod --reference=script.sh a
sed -ie 's/a/z/' a
sed --in-pl 's/a/z/' a
sed -i'bk_*' 's/x/z/' sub/x
sed -n 'w new' a
sed 's/a/touch new/e' a
sed -n '/a/w new' a
sed -e p -e 'w new' a
sed 'y/a/z/;w new' a
sed '\,a,w new' a
sed '{p};{w new' -e '}' a
sed 'b;w new' a
sed '#n' -e 'w new' a
sed 'l 5;w new' a
sed s/a/b/g < a > new
perl -e 'open(F,">new"); print F "x"'
perl -pe 's/a/@{[open(F,">new")]}/' a
awk 'NR>0 {print $1 > "new"}' b
awk '/"/ {print "}" > "new"; x="/"} {print "y" > "new"}' a
sort a -o new
xxd a new
find . -fprint new
ls *.txt | xargs rm
xargs rm < list
echo "a" | sed 's/a/new/' | xargs touch
sh -ec 'touch n'
bash <<< 'touch new'
bash script.sh
./script.sh
eval echo x '>' new
exec touch new
builtin echo x > new
env A=b touch new
A=b touch new
time -p touch new
stdbuf -o0 touch new
touch new & touch new2; wait
[ -f a ] && rm a
[[ a =~ (a|b) ]] && touch new
if false; then touch yes; elif true; then touch maybe; fi
case $(touch new) in x) ;; esac
for f in *.txt; do cp "$f" "$f.bak"; done
for ((i=0; i<3; i++)) { touch n; }
for d in sub out; do (cd $d && touch n); done
for i in 1 2 $y; do touch $x; x=n$i; done
while read f; do rm $f; done < list
i=0; while [ $i -lt 2 ]; do touch n$i; i=$((i+1)); done
f() { touch new; }; f
f() ( cd sub; touch n ); f; touch m
f() { echo x; }; f > new
f() { rm a; }; f() { rm b; }; f
f() { touch new; } > other; f
set -- one two; touch $2
x='a b'; touch "$x"
x=a; [ -f b ] && x=b; rm $x
x=a; true | x=b; rm $x
x=`echo new`; touch $x
x="*.txt"; touch "$x"
touch $(basename sub/x.y)
touch ${x:-new}
export x=new; bash -c 'touch $x'
declare x=new; touch $x
printf -v x new; touch $x
let x=1; touch n$x
x=1; : $((x=5)); touch n$x
arr=(a b $(touch new)); true
echo ${x:-$(rm a)}
cat <(rm a)
echo a # > new
touch n#1
{ touch one; } > two
if true; then echo x; fi > new
touch "a\"b" 'c\d' e\'f "g\h" "i\$j"
echo x > a > b
echo x 1<> a
echo hi2>new
{ echo x; } 2>/dev/null >new
curl -so new file:///etc/hostname
tar cf new.tar a b
gzip a
split -l 1 d.txt
trap 'touch new' EXIT
git diff --no-index --output=new a b
git config --file new a.b c
"r"m a
R=rm; $R a
rm$IFS-f a
touch new&
touch .//new
shopt -s dotglob; rm -rf *
CDPATH=sub; cd deep; touch new
yes | head -3 > new
rm a; echo x > a
echo a>new b
mkdir m; mv a m
mkdir m && touch m/{1,2}
echo x 2>&- > new
echo x >a\
echo x > "a"b'c'
coproc touch new; sleep 0.2
((1)) > new
f() { f; }; false && f
echo -e 'a\tb\x41\0101' > new
printf '%%s\n' > new
echo $(( $(echo 1) + `echo 2` )) > new
time { rm a; }
sudo -n rm a
unset -f f; rm a
rm -rf "$(pwd)"/sub
cd sub && rm "$OLDPWD/a"
pushd sub; pushd; touch 1
cd "" && touch n
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
