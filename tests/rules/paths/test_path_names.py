"""Names by themselves: what is suspicious, what is honest, and what they read like."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specguard.declaration.look_alikes import reading
from specguard.testing import Repository
from specguard_rules.finding_texts import shell_quote
from specguard_rules.paths.deceptive_path import crafted_paths, is_git_name, may_be_suspicious, suspicion
from tests.rows import rows
from tests.taking import grows_with_length

ERRORS: dict[str, list[bytes]] = {
    "encoding": [b"\xff.md"],
    "control": [b"a\nb.md", b"a\tb", b"e\x1b[31m\x07.md", "a\u0085b".encode()],
    "unseen": [f"a{char}b".encode() for char in "\u202e\u2066\u200b\u00ad\u3164\U000e0041\ufe0f\u200d\u2028"],
    "script": ["l\u043ecked".encode(), "\u0440olicy.md".encode(), "p\u03bflicy".encode()],
    "separator": [f"a{char}b".encode() for char in "\u2215\u2044\u29f5"]
    + ["\uff4c\uff4f\uff43\uff4b\uff45\uff44\uff0f\uff0e\uff0e".encode()],
    "special": ["\u2024\u2024".encode(), "\u2025".encode(), "\uff0egit".encode(), ".\u0261it".encode()],
    "mark": ["\u0338x".encode()],
    "end": [b"locked.", b"policy.md "],
    "stream": [b"p::$DATA"],
    "short-name": [b"LOCKED~1", b"GITMOD~1.TXT"],
    "device": [b"CON", b"nul", b"COM1", "LPT\u00b9".encode()],
    "backslash": [b"a\\..\\..\\b"],
}
WARNINGS: dict[str, list[bytes]] = {
    "form": ["\uff50lan.md".encode(), "\U0001d41flan.md".encode()],
    "space": ["a\u00a0b".encode(), "3.04\u202fPM.png".encode()],
    "device": [b"aux.c"],
    "stream": [b"Foo::Bar.3pm"],
    "backslash": [b"dev-disk\\x2dby.swap"],
}


def test_honest_names_are_not_suspicious() -> None:
    assert [name for name in rows(__file__, "honest") if suspicion(name.encode()) is not None] == []


@pytest.mark.parametrize(("severity", "names"), [("error", ERRORS), ("warning", WARNINGS)])
def test_a_name_is_suspicious(severity: str, names: dict[str, list[bytes]]) -> None:
    for key, alike in names.items():
        for name in alike:
            found = suspicion(name)
            assert found is not None, name
            assert found[1:] == (severity, key)
            assert may_be_suspicious([name])


GIT = (b".git", b".GIT", b"git~1", b".git.", b".git ", b".git . .", b".git:x", b".git::$INDEX_ALLOCATION",
       b".git\\config", ".g\u200cit".encode(), "\ufeff.git".encode())  # fmt: skip
NO_GIT = (b".gitignore", b"git", b"x.git", b"git~2x", b".github", b".git-blame", b"_git")


@pytest.mark.parametrize("name", [*GIT, *NO_GIT])
def test_what_git_takes_for_its_folder(name: bytes) -> None:
    assert is_git_name(name) is (name in GIT)
    for path in (b"src/" + name + b"/config", b"src/" + name):
        assert ("'.git'" in dict(crafted_paths([path])).get(path, "")) is (name in GIT)


def test_git_agrees_on_what_a_mac_s_file_system_passes_over(repository: Repository) -> None:
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x")
    edges = "\u200b\u200c\u200f\u2010\u2029\u202a\u202e\u202f\u2069\u206a\u206f\u2070\ufefe\ufeff"
    for character in edges:
        name = f".g{character}it"
        added = repository.process(
            "-c", "core.protectHFS=true", "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}/x"
        )
        assert is_git_name(name.encode()) == (added.returncode != 0), ascii(character)


def test_paths_that_no_command_makes() -> None:
    for path in (b"..", b"a/../b", b"./a", b"a/.", b"a//b", b"/a", b"a/"):
        assert "segment" in dict(crafted_paths([path]))[path]
    assert "also has a file" in dict(crafted_paths([b"a", b"a/b/c"]))[b"a/b/c"]
    assert not dict(crafted_paths([b"a.txt", b"a/b", b"ab"]))
    assert dict(crafted_paths([b"a/b", b"a/b", b"c"])) == {b"a/b": "is in one tree twice"}


def test_what_reads_alike() -> None:
    alike = ("l\u043ecked", "\uff4cocked", "LOCKED", "l\u200bocked", "\U0001d425ocked", "\u2113ocked")
    assert {reading(text) for text in alike} == {"locked"}
    assert (reading("\u0441\u043e\u0440"), reading("\u0391\u0392\u0395")) == ("cop", "abe")
    # Letters of ASCII are kept apart.
    assert len({reading(text) for text in ("Il1", "ll1", "O0", "OO", "rn", "m")}) == 6


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_bytes_can_be_judged(name: bytes) -> None:
    found = suspicion(name)
    dict(crafted_paths([name]))
    # The quick look may see more than there is, and never less.
    assert may_be_suspicious([b"a", name, b"b"]) or not found


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_a_shell_reads_a_quoted_path_as_its_bytes(name: bytes) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {shell_quote(name)}"], capture_output=True, check=True)
    assert done.stdout == name or name.startswith(b"-")


def test_files_in_the_places_of_folders_are_found_in_the_time_of_their_number() -> None:
    def find(count: int) -> None:
        names = [b"%d" % one for one in range(count)]
        assert len(list(crafted_paths([path for name in names for path in (name, name + b"/x")]))) == count

    assert grows_with_length(lambda count: lambda: find(count), 250)
