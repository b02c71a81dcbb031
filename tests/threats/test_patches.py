"""Patches whose headers say one thing and do another, by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, check, fails, guarded, undecided
from tests.threats.test_facts_patches import EVIL, FAIR, LINK

if TYPE_CHECKING:
    from specguard.testing import Repository


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository)
    return repository


@threat("T35", "a patch whose header names another file than its lines", "exit 1: PTH002")
@pytest.mark.parametrize("header", ["", "Index: src/a\n===================\n", "diff -u src/a src/a\n"])
def test_the_header_of_a_patch_is_no_path(repo: Repository, header: str) -> None:
    fails(check(repo, "--patch=-", stdin=header + EVIL), LOCKED)


@threat("T35", "a patch with a header of git that names another file than its lines", "exit 1: PTH002")
def test_the_header_of_git_is_no_path(repo: Repository) -> None:
    fails(check(repo, "--patch=-", stdin=f"diff --git a/src/a b/src/a\n{EVIL}"), LOCKED)
    text = "diff --git a/locked/p b/src/p\nsimilarity index 100%\nrename from locked/p\nrename to src/p\n"
    fails(check(repo, "--patch=-", stdin=text), LOCKED)


@threat("T37", "a patch whose commit message holds another diff", "exit 1: PTH002")
def test_a_diff_within_a_message(repo: Repository) -> None:
    repo.commit(f"feat: x\n\n{EVIL}", files={"src/a": "b\n"})
    patch = repo.git("format-patch", "--stdout", "main..work") + "\n"
    assert FAIR in patch
    repo.checkout("main", detach=True)
    fails(check(repo, "--patch=-", "--branch=work", stdin=patch), LOCKED)


@threat("T38", "a patch to a place out of the tree", "exit 2")
@pytest.mark.parametrize("path", ["../outside", "src/../../x", ".git/config"])
def test_a_path_out_of_the_tree(repo: Repository, path: str) -> None:
    text = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    undecided(check(repo, "--patch=-", stdin=text), "does not apply")


@threat("T38", "a patch through a link that it makes itself", "exit 2")
def test_a_path_through_a_new_link(repo: Repository) -> None:
    text = f"{LINK}\n--- /dev/null\n+++ b/link/p2\n@@ -0,0 +1 @@\n+x\n"
    undecided(check(repo, "--patch=-", stdin=text), "does not apply")
