"""The documents of a tree: what is read, and what is no file."""

import pytest

from specguard.change import tree as module
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.tree import Documents, Tree
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.outcomes import there


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: dict[str | bytes, str | bytes] = {
        "a.md": "---\nstatus: done\n---\n# A\n",
        "copy.md": "---\nstatus: done\n---\n# A\n",
        "bad.md": b"# A\n\xff\n",
        "data.json": '{"a": {"b":\n1}}',
        "data.YAML": "a:\n  b: 1\n",
        "data.yml": "a: 1\na: 2\n",
        "data.toml": "[a]\nb = 1\n",
        "empty.md": "",
        "lines.txt": "one\ntwo",
        "folder/b.md": "# B\n",
        b"\xff.md": "# Bytes\n",
    }
    repository.symlink("link.md", "a.md")
    repository.commit("one", files=files)
    repository.submodule("module.md")
    repository.commit("two", stage=False)
    return repository


@pytest.fixture
def documents(repo: Repository, git: Git) -> Documents:
    return Documents(Tree(git, repo.oid("HEAD^{tree}")))


def test_a_document_is_read_once(documents: Documents) -> None:
    document = there(documents.read(b"a.md"))
    assert document.sections[0].line == 4
    assert documents.read(b"a.md") is document
    assert documents.read(b"copy.md") is document
    other = there(documents.read(b"\xff.md"))
    assert other.sections[0].heading.text.raw == "Bytes"


def test_what_is_no_regular_file_is_none(documents: Documents) -> None:
    for path in (
        b"none.md",
        b"folder",
        b"link.md",
        b"module.md",
        b"a.md/x",
        b"",
        b"/a.md",
        b"folder/../a.md",
    ):
        assert documents.read(path) is None
        assert documents.data(path) is None
        assert documents.content(path) is None
        assert documents.lines(path) is None
        assert list(documents.hidden(path)) == []


def test_data_is_read_by_the_name(documents: Documents) -> None:
    for path in (b"data.json", b"data.YAML", b"data.toml"):
        data = there(documents.data(path))
        assert (data.get("a.b"), documents.data(path) is data) == (1, True)
    front = there(documents.data(b"a.md"))
    assert (front.value, front.line(["status"])) == ({"status": "done"}, 2)
    assert there(there(documents.data(b"data.yml")).problem).line == 2
    for bad in (there(documents.read(b"bad.md")), there(documents.data(b"bad.md"))):
        problem = there(bad.problem)
        assert (problem.message, problem.line) == ("it is not UTF-8", 2)
    # Lines are counted for anchors.
    found = [documents.lines(path) for path in (b"a.md", b"lines.txt", b"empty.md", b"data.json")]
    assert found == [4, 2, 0, 2]


def test_a_file_that_is_too_large_is_a_problem(repo: Repository, git: Git) -> None:
    large = b"1" * (DOCUMENT_LIMIT + 1)
    repo.commit("large", files={"large.md": large, "large.json": large})
    documents = Documents(Tree(git, repo.oid("HEAD^{tree}")))
    documents.prefetch([b"large.md", b"large.json", *[b"%d" % number for number in range(20)]])
    for found in (there(documents.read(b"large.md")), there(documents.data(b"large.json"))):
        assert there(found.problem).message == "it has more than 16 MiB"
    with pytest.raises(MissingFact, match="are read at most"):
        documents.content(b"large.md")
    # What is asked for after it is still there.
    assert documents.content(b"lines.txt") == b"one\ntwo"


def test_many_files_are_read_by_one_process(
    repo: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("many", files={f"many/{number}.md": f"# Number {number}\n" for number in range(50)})
    documents = Documents(Tree(git, repo.oid("HEAD^{tree}")))
    paths = [path for path in documents.tree.paths() if path.startswith(b"many/")]
    documents.prefetch(paths)
    started: list[object] = []
    monkeypatch.setattr(git, "start", lambda *words, **_: started.append(words))
    titles = [document.sections[0].heading.text.raw for path in paths if (document := documents.read(path))]
    assert sorted(titles) == sorted(f"Number {number}" for number in range(50))
    assert started == []


def test_contents_that_were_dropped_are_read_again(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 10)
    for _ in range(2):
        assert documents.content(b"lines.txt") == b"one\ntwo"
        assert documents.content(b"data.toml") == b"[a]\nb = 1\n"


def test_an_object_that_is_not_there_is_a_missing_fact(repo: Repository, git: Git) -> None:
    oid = repo.oid("HEAD:a.md")
    (repo.git_dir / "objects" / oid[:2] / oid[2:]).unlink()
    documents = Documents(Tree(git, repo.oid("HEAD^{tree}")))
    more = [b"folder/b.md", b"data.json", b"data.toml", b"lines.txt", b"bad.md"]
    for paths in ([b"a.md"], [b"a.md", *more]):
        with pytest.raises(MissingFact, match="not in the object store"):
            documents.prefetch(paths)
    with pytest.raises(MissingFact):
        documents.read(b"a.md")


def test_hidden_text_is_looked_for_in_markdown(repo: Repository, git: Git) -> None:
    text = "a <span hidden>not this</span>\u200b\n"
    repo.commit("hidden", files={"h.md": text, "h.txt": text})
    documents = Documents(Tree(git, repo.oid("HEAD^{tree}")))
    assert [one.what for one in documents.hidden(b"h.md")] == ["zero-width", "html"]
    assert [one.what for one in documents.hidden(b"h.txt")] == ["zero-width"]
