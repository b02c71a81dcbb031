"""Repositories in any state: a change that is red stays red, or there is no verdict."""

import os
import zlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from specguard.testing import Repository
from tests.fuzz.damage import DRAWN, damaged, few
from tests.fuzz.verdicts import checked

SAID = st.sampled_from([text.encode() for text in DRAWN["said"]])


def stays_red(repository: Repository, base: str = "{base}") -> None:
    ends = [f"--base={base.format(**repository.names)}", f"--head={repository.names['head']}"]
    outcome = checked(repository, "--enforce", *ends)
    assert outcome.exit_code == 2 or (outcome.exit_code == 1 and "PTH002" in outcome.codes)


def test_the_undamaged_repository_is_red(red: Repository) -> None:
    stays_red(red)
    assert len(objects(red)) == 13


def objects(repository: Repository) -> list[Path]:
    return sorted(path for path in (repository.path / ".git/objects").glob("??/*"))


def put(path: Path, content: bytes | None) -> bytes | None:
    """Write a file whatever its permissions, or delete it; what it was before."""
    there = path.is_file()
    before = path.read_bytes() if there else None
    path.parent.mkdir(parents=True, exist_ok=True)
    if there:
        os.unlink(path)
    if content is not None:
        path.write_bytes(content)
    return before


@few(50)
@given(data=st.data())
def test_no_damaged_object_is_taken_for_another(red: Repository, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(objects(red)))
    content = path.read_bytes()
    kind = data.draw(st.sampled_from(["gone", "file", "forged"]))
    damage = None
    if kind == "file":
        damage = data.draw(damaged(st.just(content)))
    elif kind == "forged":
        # Well-formed, and with a size that is right: only its name says that it is another object.
        header, _, body = zlib.decompress(content).partition(b"\0")
        forged = data.draw(damaged(st.just(body)))
        damage = zlib.compress(b"%s %d\0%s" % (header.split(b" ")[0], len(forged), forged))
    put(path, damage)
    try:
        stays_red(red)
    finally:
        put(path, content)


@few(60)
@given(data=st.data())
def test_nothing_else_that_stands_in_a_git_directory_turns_it_green(
    red: Repository, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(DRAWN["made"])).format(**red.names)
    path = red.path / ".git" / name
    there = st.just(path.read_bytes()) if path.is_file() else SAID
    content = data.draw(st.none() | damaged(there | SAID) | SAID)
    for label, oid in red.names.items():
        content = content and content.replace(b"{%s}" % label.encode(), oid.encode())
    before = put(path, content)
    try:
        stays_red(red)
    finally:
        put(path, before)


@few(40)
@given(data=st.data())
def test_no_ref_stands_in_for_the_base(red: Repository, data: st.DataObject) -> None:
    oid = red.names["head"].encode()
    names = data.draw(st.lists(st.sampled_from(DRAWN["refs"]), min_size=1, max_size=4, unique=True))
    said = data.draw(st.sampled_from([oid + b"\n", b"ref: refs/heads/work\n"]))
    paths = [red.path / ".git" / name.format(**red.names) for name in names]
    before = [put(path, said) for path in paths]
    try:
        stays_red(red, data.draw(st.sampled_from(DRAWN["bases"])))
    finally:
        for path, content in zip(paths, before, strict=True):
            put(path, content)
            tidy(path.parent)


def tidy(folder: Path) -> None:
    """Remove folders that are empty: git takes the name of one for part of a ref's."""
    while not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
