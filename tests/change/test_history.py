"""Searching the base's history for words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from specguard.change.git import Git, History
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import git_of


@pytest.fixture
def git(repository: Repository) -> Iterator[Git]:
    repository.commit("feat(phase1): implement phase 1")
    repository.commit("chore: x\n\nMentions Phase 2 in its body.\n")
    repository.commit(b"feat: \xff phase 1\n")
    repository.commit("feat: other\n\nfeat.phase1")
    with git_of(repository) as git:
        yield git


def found(git: Git, *words: str) -> list[str]:
    tip = git.repository.head
    return [past.message for past in History(git, tip).mentioning(words)]


def test_any_of_the_words_is_found_newest_first_whatever_its_case(git: Git) -> None:
    assert found(git, "PHASE 1") == ["feat: \u00ff phase 1", "feat(phase1): implement phase 1"]
    assert found(git, "phase 2", "phase1") == [
        "feat: other\n\nfeat.phase1",
        "chore: x\n\nMentions Phase 2 in its body.",
        "feat(phase1): implement phase 1",
    ]


def test_words_are_plain_text(git: Git) -> None:
    assert found(git, "feat.phase1") == ["feat: other\n\nfeat.phase1"]
    assert found(git, "(phase1)") == ["feat(phase1): implement phase 1"]
    for word in ("^feat", ".*", "--output=x", "-x", "\\", "["):
        assert found(git, word) == []


def test_no_word_and_no_base_find_nothing_and_a_reader_may_stop_early(git: Git) -> None:
    assert found(git) == found(git, "") == []
    assert list(History(git, None).mentioning(["phase"])) == []
    assert next(History(git, git.repository.head).mentioning(["phase"])).subject == "feat: other"


def test_a_history_that_is_not_all_there_is_a_missing_fact(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    shallow = repository.clone(tmp_path / "shallow", depth=2)
    with git_of(shallow) as other:
        with pytest.raises(MissingFact) as caught:
            found(other, "phase")
        assert caught.value.command == "git fetch --unshallow origin"
