"""Names by themselves: what is suspicious, what is honest, and what they read like."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.look_alikes import reading
from specguard.testing import Step
from specguard_rules.next_steps import quoted
from specguard_rules.paths.deceptive_path import crafted_paths, is_git_name, may_be_suspicious, suspicion
from tests.rules.paths.setting import findings, judged

if TYPE_CHECKING:
    from specguard.testing import Repository

named = partial(findings, "PTH005", policy="base = 'main'\n")
HONEST = [
    "README.md", "foo~", "foo.el~", "file.~1~", "a-b_c.d", ".gitignore", "console.py", "v1.0..2", "%41",
    "[x].md", "café.md", "cafe\u0301.md", "日本語.md", "API仕様.md", "한글.txt", "документы", "план.md",
    "资料\uff08最终\uff09.md", "Ωmega.md", "Δt.md", "λx.py", "µs.md", "\u03b1.md", "עברית.md",
    "\u0645\u0631\u062d\u0628\u0627.md", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.md", "क्\u200dष.md",
    "❤️.md", "👨\u200d👩\u200d👧.md", "1️⃣.md", "Ångström.md", "x².md", "½.md", "ﬁle.md",
    "\u0131\u015f\u0131k.md", "wait….md",
]  # fmt: skip

ERRORS = {
    b"\xff.md": "encoding",
    b"a\nb.md": "control",
    b"a\tb": "control",
    b"e\x1b[31m\x07.md": "control",
    "a\u0085b".encode(): "control",
    "a\u202egnp.md".encode(): "unseen",
    "a\u2066b".encode(): "unseen",
    "a\u200bb".encode(): "unseen",
    "a\u00adb".encode(): "unseen",
    "a\u3164b".encode(): "unseen",
    "a\U000e0041b".encode(): "unseen",
    "a\ufe0fb".encode(): "unseen",
    "a\u200db".encode(): "unseen",
    "a\u2028b".encode(): "unseen",
    "l\u043ecked".encode(): "script",
    "\u0440olicy.md".encode(): "script",
    "p\u03bflicy".encode(): "script",
    "\uff4c\uff4f\uff43\uff4b\uff45\uff44\uff0f\uff0e\uff0e".encode(): "separator",
    "a\u2215b".encode(): "separator",
    "a\u2044b".encode(): "separator",
    "a\u29f5b".encode(): "separator",
    "\u2024\u2024".encode(): "special",
    "\u2025".encode(): "special",
    "\uff0egit".encode(): "special",
    ".\u0261it".encode(): "special",
    "\u0338x".encode(): "mark",
    b"locked.": "end",
    b"policy.md ": "end",
    b"p::$DATA": "stream",
    b"LOCKED~1": "short-name",
    b"GITMOD~1.TXT": "short-name",
    b"CON": "device",
    b"nul": "device",
    b"COM1": "device",
    "LPT\u00b9".encode(): "device",
    b"a\\..\\..\\b": "backslash",
}

WARNINGS = {
    "\uff50lan.md".encode(): "form",
    "\U0001d41flan.md".encode(): "form",
    "a\u00a0b".encode(): "space",
    "3.04\u202fPM.png".encode(): "space",
    b"aux.c": "device",
    b"Foo::Bar.3pm": "stream",
    b"dev-disk\\x2dby.swap": "backslash",
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_names_are_not_suspicious(name: str) -> None:
    assert suspicion(name.encode()) is None


@pytest.mark.parametrize(
    ("name", "severity", "key"),
    [
        *((name, "error", key) for name, key in ERRORS.items()),
        *((name, "warning", key) for name, key in WARNINGS.items()),
    ],
)
def test_a_name_is_suspicious(name: bytes, severity: str, key: str) -> None:
    found = suspicion(name)
    assert found is not None
    assert found[1:] == (severity, key)
    assert may_be_suspicious([name])


@pytest.mark.parametrize(
    "name",
    [b".git", b".GIT", b".Git", b"git~1", b"GIT~1", b".git.", b".git ", b".git . .", b".git:x",
     b".git::$INDEX_ALLOCATION", b".git\\config", ".g\u200cit".encode(), "\ufeff.git".encode()],
)  # fmt: skip
def test_what_git_takes_for_its_folder(name: bytes) -> None:
    assert is_git_name(name)
    assert "'.git'" in dict(crafted_paths([b"src/" + name + b"/config"]))[b"src/" + name + b"/config"]
    assert "'.git'" in dict(crafted_paths([b"src/" + name]))[b"src/" + name]


@pytest.mark.parametrize(
    "name", [b".gitignore", b"git", b"x.git", b"git~2x", b".github", b".git-blame", b"_git"]
)
def test_what_git_does_not(name: bytes) -> None:
    assert not is_git_name(name)
    assert not dict(crafted_paths([b"src/" + name]))


def test_git_agrees_on_what_a_mac_s_file_system_passes_over(repository: Repository) -> None:
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")
    edges = "\u200b\u200c\u200f\u2010\u2029\u202a\u202e\u202f\u2069\u206a\u206f\u2070\ufefe\ufeff"
    for character in edges:
        name = f".g{character}it"
        added = repository.process(
            "-c", "core.protectHFS=true", "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}/x"
        )
        assert is_git_name(name.encode()) == (added.returncode != 0), ascii(character)


@pytest.mark.parametrize("path", [b"..", b"a/../b", b"./a", b"a/.", b"a//b", b"/a", b"a/"])
def test_segments_that_no_command_makes(path: bytes) -> None:
    assert "segment" in dict(crafted_paths([path]))[path]


def test_a_file_that_is_also_a_folder() -> None:
    assert "also has a file" in dict(crafted_paths([b"a", b"a/b/c"]))[b"a/b/c"]
    assert not dict(crafted_paths([b"a.txt", b"a/b", b"ab"]))


def test_a_path_that_is_there_twice() -> None:
    assert dict(crafted_paths([b"a/b", b"a/b", b"c"])) == {b"a/b": "is in one tree twice"}


@pytest.mark.parametrize(
    "text",
    ["l\u043ecked", "\uff4cocked", "LOCKED", "l\u200bocked", "\U0001d425ocked", "lo\u0441ked", "\u2113ocked"],
)
def test_what_reads_alike(text: str) -> None:
    assert reading(text) == "locked"


def test_a_whole_word_of_another_script_reads_like_a_plain_one() -> None:
    assert reading("\u0441\u043e\u0440") == "cop"
    assert reading("\u0391\u0392\u0395") == "abe"


def test_letters_of_ascii_are_kept_apart() -> None:
    assert len({reading(text) for text in ("Il1", "ll1", "O0", "OO", "rn", "m")}) == 6


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_bytes_can_be_judged(name: bytes) -> None:
    found = suspicion(name)
    dict(crafted_paths([name]))
    # The quick look may see more than there is, and never less.
    assert may_be_suspicious([b"a", name, b"b"]) or not found


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_a_shell_reads_a_quoted_path_as_its_bytes(name: bytes) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {quoted(name)}"], capture_output=True, check=True)
    assert done.stdout == name or name.startswith(b"-")


@pytest.mark.parametrize("folder", ["", "src/", "src/deep/"])
@pytest.mark.parametrize(
    ("there", "new", "said"),
    [
        ("readme.md", "README.md", "differs from '{folder}readme.md' only in case"),
        ("a.txt", "a.txt:stream", "is '{folder}a.txt' on Windows"),
        ("a.txt", "a.txt. ", "is '{folder}a.txt' on Windows"),
        ("A.txt", "a.txt:stream\nmore", "is '{folder}A.txt' on Windows"),
        ("cafe\u0301", "caf\u00e9", "differs from '{folder}cafe\u0301' only in Unicode's normal form"),
        ("\u00e9a", "\u00c9a", "differs from '{folder}\u00e9a' only in case"),
        ("copy", "\u0441opy", "looks like '{folder}copy' (it has "),
    ],
)
def test_a_new_name_and_the_one_beside_it(folder: str, there: str, new: str, said: str) -> None:
    old, names = f"{folder}{there}", {f"{folder}{new}": "b"}
    base = Step(files={old: "a"})

    def flagged(change: Step, base: Step) -> bool:
        return any(said.format(folder="") in one["message"] for one in named(change, base=base))

    assert flagged(Step(files={**names}), base)
    assert flagged(Step(files={old: "a", **names}), Step())
    assert not flagged(Step(files={**names}, delete=[old]), base)


def test_what_lies_in_a_folder_with_such_a_name_is_flagged_each() -> None:
    base = Step(files={"src/docs/a": "a", "docs/a": "a"})
    change = Step(files={"src/Docs/b": "b", "src/Docs/c/d": "d", "src/docs/e": "e"})
    found = named(change, base=base)
    assert [one["location"]["path"] for one in found] == ["src/Docs/b", "src/Docs/c/d"]
    assert all("differs from 'docs' only in case" in one["message"] for one in found)
    # Its letters are plain already.
    assert all(one["help"].startswith("Give it a name of its own with `git mv -- ") for one in found)


LOCKED = '[rules.locked-path]\npaths = ["locked/"]\n'
LOOK_ALIKES = [
    "ⓛocked", "lᵒcked", "\ua4e1ocked", "\u14aaocked", "l\u043ecked", "\uff4cocked", "\U0001d4f5ocked",
    "\u217cocked", "\u2113ocked", "loc\u043aed", "l\u2134cked", "locke\U0001d451", "L\u041ecked",
    "\u04cfocked", "\u01c0ocked", "l\u0585cked",
]  # fmt: skip


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_looks_like_a_locked_folder_s(name: str) -> None:
    base = Step("chore: base", files={"locked/p": "a"})
    expect = [{"code": "PTH005", "severity": "error", "message": "the name"}]
    outcome = judged(
        "PTH005", Step("feat: x", files={f"{name}/q": "b"}), base=base, policy=LOCKED, expect=expect
    )
    assert outcome.exit_code == 1


@pytest.mark.parametrize("name", ["l0cked", "1ocked", "Iocked", "|ocked", "lockecl"])
def test_a_name_of_ascii_alone_looks_like_no_other(name: str) -> None:
    base = Step("chore: base", files={"locked/p": "a", "l\u043ecked/p": "a"})
    judged("PTH005", Step("feat: x", files={f"{name}/q": "b"}), base=base, policy=LOCKED, expect=())
