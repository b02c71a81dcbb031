"""Patches whose headers say one thing and do another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.errors import SpecguardError
from specguard.testing import Repository
from tests.changes import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from specguard.change.sources import Change

    Judge = Callable[[str], Change]


@pytest.fixture
def judge(repository: Repository, change: Callable[..., Change], tmp_path: Path) -> Callable[[str], Change]:
    repository.commit("chore: base", files={"locked/p": "policy\n", "src/a": "a\n"})
    repository.branch("work")

    def judged(text: str) -> Change:
        file = tmp_path / "x.patch"
        file.write_text(text)
        return change(repository, patch=str(file))

    return judged


EVIL = "--- a/locked/p\n+++ b/locked/p\n@@ -1 +1 @@\n-policy\n+EVIL\n"
FAIR = "--- a/src/a\n+++ b/src/a\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    "header",
    [
        "diff --git a/src/a b/src/a\n",
        "diff --git a/src/a b/src/a\nindex 1111111..2222222 100644\n",
        "Index: src/a\n===================\n",
    ],
)
def test_t35_what_git_writes_is_judged_and_not_the_header(judge: Judge, header: str) -> None:
    try:
        found = rows(judge(header + EVIL))
    except SpecguardError:
        # Git itself finds that the headers disagree.
        return
    assert found == ["M locked/p"]


def test_t35_an_extended_header_renames_in_truth(judge: Judge) -> None:
    text = "diff --git a/locked/p b/src/p\nsimilarity index 100%\nrename from locked/p\nrename to src/p\n"
    assert rows(judge(text)) == ["D locked/p", "A src/p"]


def test_t35_a_mode_is_changed_without_a_line(judge: Judge) -> None:
    text = "diff --git a/locked/p b/locked/p\nold mode 100644\nnew mode 100755\n"
    [entry] = judge(text).entries
    assert (entry.path, entry.new_mode) == (b"locked/p", 0o100755)


def test_t37_a_diff_within_a_commit_message_is_applied_and_seen(judge: Judge) -> None:
    mail = (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"
        "From: A <a@x>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] feat: x\n\n"
        f"{EVIL}\n---\n src/a | 2 +-\n\n"
        f"diff --git a/src/a b/src/a\n{FAIR}-- \n2.39.5\n"
    )
    assert rows(judge(mail)) == ["M locked/p", "M src/a"]


LINK = "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+locked\n"


@pytest.mark.parametrize(
    "text",
    [
        "--- /dev/null\n+++ b/../outside\n@@ -0,0 +1 @@\n+x\n",
        "diff --git a/../o b/../o\nnew file mode 100644\n--- /dev/null\n+++ b/../o\n@@ -0,0 +1 @@\n+x\n",
        "--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n",
        "--- /dev/null\n+++ b/src/../../x\n@@ -0,0 +1 @@\n+x\n",
        LINK + "\n--- /dev/null\n+++ b/link/p2\n@@ -0,0 +1 @@\n+x\n",
    ],
)
def test_t38_a_path_out_of_the_tree_or_through_a_new_link_is_refused(judge: Judge, text: str) -> None:
    with pytest.raises(SpecguardError, match="does not apply"):
        judge(text)


def test_t38_a_new_link_is_an_entry(judge: Judge) -> None:
    [entry] = judge(LINK.replace("+locked\n", "+locked\n\\ No newline at end of file\n")).entries
    assert (entry.path, entry.is_symlink) == (b"link", True)
