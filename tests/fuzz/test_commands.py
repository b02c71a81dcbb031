"""Commands and patches of agents in any state: told or undecided, and never a crash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.integrations.hooks.calls import read_diff, read_patch
from specguard.integrations.hooks.shell import read_command
from tests.fuzz.damage import ODD, damaged, few

if TYPE_CHECKING:
    from specguard.integrations.hooks.calls import Deeds

COMMANDS = [
    b"cd sub && cat > f <<'EOF' && git add f\nx $y\nEOF\n",
    b"git commit -am \"$(cat <<'EOF'\nfeat: x\n\nbody\nEOF\n)\" --no-verify",
    b"for f in a {b,c} *.txt; do sed -i.bak -e 's/a/b/g' \"$f\" > ${f%.x} 2>&1; done",
    b'f() { rm -rf "$1"; }; f a; x=1; [[ -n $x && a < b ]] && (( x++ )) || echo `rm $((1+1))`',
    b"case $x in (a|b) mv a{,.bak} ;; *) tee -a $'\\xff\\u00e9' <<< y ;& esac",
    b"find . -name '*.py' -exec sh -c 'rm \"$0\"' {} \\; | xargs -I{} cp {} {}.bak",
    (
        b"git -c core.hooksPath=x -C sub checkout HEAD -- a b; git apply <<E\n"
        b"--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\nE\n"
    ),
    b"while read -r l; do printf '%s\\n' \"$l\" >> out; done < list & diff <(a) >(b) |& cat",
    b"apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a\n@@ x\n-a\n+b\n*** End Patch\nEOF\n",
    b"sudo env A=b nohup time -p timeout 5 bash -lc 'eval \"echo x > y\"' &> z",
]
PATCHES = [
    (
        b"*** Begin Patch\n*** Add File: x\n+a\n*** Update File: a\n*** Move to: b\n@@ f\n a\n-b\n+c\n"
        b"*** End of File\n*** Delete File: d\n*** End Patch\n"
    ),
    (
        b"diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@ f\n a\n-b\n+c\n"
        b'\\ No newline at end of file\ndiff --git "a/\\303\\251" b/y\nrename from "\\303\\251"\n'
        b"rename to y\n--- /dev/null\n+++ b/z\n@@ -0,0 +1 @@\n+z\n"
    ),
]
TOKEN = st.sampled_from([
    "a", "rm", "cd", "git", "commit", "-m", "sed", "-i", "x=", "$x", "$(", ")", "`", "'", '"', "\\",
    "\n", ";", "&&", "||", "|", "&", ">", ">>", "<", "<<E", "<<<", "E\n", "{", "}", "{a,b}", "(",
    "((", "))", "[[", "]]", "if", "then", "else", "fi", "for", "in", "do", "done", "while", "case",
    "esac", ";;", "function", "f()", "$'", "${", "${x:=", "$((", "#", "*", "?", "[", "]", "~", "=",
    "!", "2>&1", "&>", "<(", ">(", "eval", "bash", "-c", "xargs", "find", "-exec", "\\;", "env",
    "sudo", "tee", "cp", "mv", "ln", "-s", "patch", "apply_patch", "awk", "perl", "@(", "trap",
    "set", "--",
])  # fmt: skip


def held(deeds: Deeds) -> None:
    """Deeds are of the types that they state, and clauses can be printed."""
    for edit in deeds.edits:
        assert edit.path
        assert b"\0" not in edit.path
        assert edit.known or edit.content is None
    for clause in (*deeds.bypasses, *deeds.undecided):
        assert clause.isprintable()
    assert all(isinstance(message, str) for message in deeds.messages)


@few(100)
@given(command=damaged(st.sampled_from(COMMANDS), most=4))
def test_a_damaged_command_is_told_or_undecided(
    command: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    held(
        read_command(
            command.decode("utf-8", "surrogateescape"), os.fsencode(tmp_path_factory.getbasetemp()), {}
        )
    )


@few(200)
@given(tokens=st.lists(TOKEN, max_size=25), blank=st.sampled_from(["", " "]))
def test_tokens_in_any_order_are_told_or_undecided(
    tokens: list[str], blank: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    held(
        read_command(
            blank.join(tokens), os.fsencode(tmp_path_factory.getbasetemp()), {"HOME": "/nonexistent"}
        )
    )


@few(50)
@given(text=st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_is_told_or_undecided(text: str) -> None:
    held(read_command(text, b"/nonexistent", {}))
    held(read_patch(text, b"/nonexistent", lambda _: b""))


@few(100)
@given(
    patch=damaged(st.sampled_from(PATCHES), most=4),
    content=st.sampled_from([None, b"", b"a\nb\n", *ODD[:40]]),
    diff=st.booleans(),
)
def test_a_damaged_patch_is_told_or_undecided(patch: bytes, content: bytes | None, diff: bool) -> None:
    text = patch.decode("utf-8", "surrogateescape")
    deeds = read_diff(text) if diff else read_patch(text, b"/w", lambda _: content)
    held(deeds)
    assert deeds.edits or deeds.undecided
