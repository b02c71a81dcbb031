"""Trees: what is at a path, in a directory, below the root, under a change; and its documents."""

from collections.abc import Mapping, Sequence

import pytest

from specguard.change.entries import DIRECTORY, Entry
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.tree import Documents, SizedCache, Tree, TreeEntry
from specguard.errors import MissingFact
from specguard.testing import Repository
from tests.changes import loose
from tests.outcomes import there
from tests.rows import rows

ZERO = "0" * 40
Files = Mapping[str | bytes, str | bytes]


def planted(repository: Repository, link: str, target: str, module: str, files: Files) -> Repository:
    """The repository with a commit of these files and a link, and one of a submodule."""
    repository.symlink(link, target)
    repository.commit("one", files=files)
    repository.submodule(module)
    repository.commit("two", stage=False)
    return repository


@pytest.fixture
def repo(repository: Repository) -> Repository:
    files: Files = {
        "a": "a\n",
        "a-b": "ab\n",
        "a.d/f": "f\n",
        "dir/sub/deep": "deep\n",
        "dir/x": "x\n",
        b"dir/\xff": "bytes\n",
    }
    return planted(repository, "link", "dir", "module", files)


@pytest.fixture
def tree(repo: Repository, git: Git) -> Tree:
    return Tree(git, repo.oid("HEAD^{tree}"))


def test_what_is_at_a_path_is_found(repo: Repository, tree: Tree) -> None:
    assert tree.find(b"a") == TreeEntry(0o100644, repo.oid("HEAD:a"))
    assert tree.find(b"dir/sub/deep") == TreeEntry(0o100644, repo.oid("HEAD:dir/sub/deep"))
    assert tree.find(b"dir") == TreeEntry(DIRECTORY, repo.oid("HEAD:dir"))
    assert tree.find(b"link") == TreeEntry(0o120000, repo.blob("dir"))
    assert tree.find(b"module") == TreeEntry(0o160000, "1" * 40)
    for path in (b"none", b"a/b", b"dir/none", b"link/x", b"module/x", b"dir/", b"/a", b"dir//x", b"A"):
        assert tree.find(path) is None
    root = there(tree.find(b""))
    assert root.is_directory


def test_the_names_of_a_directory_are_listed(tree: Tree) -> None:
    assert set(tree.names(b"")) == {b"a", b"a-b", b"a.d", b"dir", b"link", b"module"}
    assert set(tree.names(b"dir")) == {b"sub", b"x", b"\xff"}
    assert tree.names(b"none") == {}
    assert tree.names(b"a") == {}
    assert tree.names(b"module") == {}


def test_contents_are_read_and_what_has_none_is_none(tree: Tree) -> None:
    assert tree.read(b"dir/\xff") == b"bytes\n"
    assert tree.read(b"link") == b"dir"
    for path in (b"none", b"dir", b"module", b"link/x"):
        assert tree.read(path) is None
    with pytest.raises(MissingFact, match="2 bytes"):
        tree.read(b"a", limit=1)


def test_all_paths_are_listed_in_the_order_of_their_bytes(tree: Tree) -> None:
    paths = [b"a", b"a-b", b"a.d/f", b"dir/sub/deep", b"dir/x", b"dir/\xff", b"link", b"module"]
    assert tree.paths() == paths == sorted(paths)


def test_a_tree_that_is_not_there_is_a_missing_fact(repo: Repository, git: Git) -> None:
    tree = Tree(git, None)
    assert (tree.find(b"a"), tree.names(b""), tree.read(b"a"), tree.paths()) == (None, {}, None, [])
    tree = Tree(git, "1" * 40)
    for ask in (lambda: tree.find(b"a"), lambda: tree.names(b""), lambda: tree.read(b"a"), tree.paths):
        with pytest.raises(MissingFact):
            ask()
    with pytest.raises(MissingFact, match="it is a blob"):
        Tree(git, repo.oid("HEAD:a")).names(b"")


# A change laid over


@pytest.mark.parametrize("commands", rows(__file__, "overlays"))
def test_an_overlaid_tree_is_the_tree_of_the_index(
    repo: Repository, git: Git, commands: Sequence[tuple[str, ...]]
) -> None:
    for command, *arguments in commands:
        getattr(repo, command)(*arguments)
    repo.git("add", "-A", ".")
    tree = Tree(git, repo.oid("HEAD^{tree}"), git.index_diff(repo.oid()))
    # It answers as the tree that git makes of the index does.
    true = Tree(git, repo.git("write-tree"))
    assert tree.paths() == true.paths()
    directories = [b"", b"none"]
    for directory in directories:
        mine, theirs = tree.names(directory), true.names(directory)
        assert set(mine) == set(theirs)
        for name, entry in theirs.items():
            path = directory + b"/" + name if directory else name
            assert (mine[name].mode, tree.find(path)) == (entry.mode, mine[name])
            if entry.is_directory:
                directories.append(path)
            else:
                assert (mine[name].oid, tree.read(path)) == (entry.oid, true.read(path))
    for path in (b"a", b"a/b", b"dir", b"dir/sub", b"dir/sub/deep", b"link", b"link/x", b"n/e/w"):
        assert (tree.find(path) is None) == (true.find(path) is None)
        assert set(tree.names(path)) == set(true.names(path))


def test_an_entry_of_a_nested_repository_shows_as_a_submodule(repo: Repository, git: Git) -> None:
    tree = Tree(git, repo.oid("HEAD^{tree}"), [Entry(b"dir/nested", "A", 0, 0o160000, ZERO, ZERO)])
    found = there(tree.find(b"dir/nested"))
    assert found.mode == 0o160000
    assert tree.read(b"dir/nested") is None


# Documents


@pytest.fixture
def pages(repo: Repository) -> Repository:
    files: Files = {
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
    return planted(repo, "link.md", "a.md", "module.md", files)


def documents_of(repo: Repository, git: Git) -> Documents:
    return Documents(Tree(git, repo.oid("HEAD^{tree}")))


@pytest.fixture
def documents(pages: Repository, git: Git) -> Documents:
    return documents_of(pages, git)


def test_a_document_is_read_once(documents: Documents) -> None:
    document = there(documents.read(b"a.md"))
    assert document.sections[0].line == 4
    assert documents.read(b"a.md") is document
    assert documents.read(b"copy.md") is document
    other = there(documents.read(b"\xff.md"))
    assert other.sections[0].heading.text.raw == "Bytes"


def test_what_is_no_regular_file_is_none(documents: Documents) -> None:
    for path in b"none.md folder link.md module.md a.md/x  /a.md folder/../a.md".split(b" "):
        asked = documents.read, documents.data, documents.content, documents.lines
        assert [ask(path) for ask in asked] == [None] * 4
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


def test_a_file_that_is_too_large_is_a_problem(pages: Repository, git: Git) -> None:
    large = b"1" * (DOCUMENT_LIMIT + 1)
    pages.commit("large", files={"large.md": large, "large.json": large})
    documents = documents_of(pages, git)
    documents.prefetch([b"large.md", b"large.json", *[b"%d" % number for number in range(20)]])
    for found in (there(documents.read(b"large.md")), there(documents.data(b"large.json"))):
        assert there(found.problem).message == "it has more than 16 MiB"
    with pytest.raises(MissingFact, match="are read at most"):
        documents.content(b"large.md")
    # What is asked for after it is still there.
    assert documents.content(b"lines.txt") == b"one\ntwo"


def test_many_files_are_read_by_one_process(
    pages: Repository, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.commit("many", files={f"many/{number}.md": f"# Number {number}\n" for number in range(50)})
    documents = documents_of(pages, git)
    paths = [path for path in documents.tree.paths() if path.startswith(b"many/")]
    documents.prefetch(paths)
    started: list[object] = []
    monkeypatch.setattr(git, "start", lambda *words, **_: started.append(words))
    titles = [document.sections[0].heading.text.raw for path in paths if (document := documents.read(path))]
    assert sorted(titles) == sorted(f"Number {number}" for number in range(50))
    assert started == []


def test_contents_that_were_dropped_are_read_again(pages: Repository, git: Git) -> None:
    git.contents = SizedCache(10)
    documents = documents_of(pages, git)
    for _ in range(2):
        assert documents.content(b"lines.txt") == b"one\ntwo"
        assert documents.content(b"data.toml") == b"[a]\nb = 1\n"


def test_a_folder_that_two_trees_share_is_parsed_once(pages: Repository, git: Git) -> None:
    first = documents_of(pages, git).tree
    pages.commit("other", files={"other.md": "other\n"})
    second = documents_of(pages, git).tree
    assert first.find(b"other.md") is None
    assert second.find(b"other.md") is not None
    assert first.names(b"folder") is second.names(b"folder")


def test_a_document_whose_object_is_not_there_is_a_missing_fact(pages: Repository, git: Git) -> None:
    loose(pages, "HEAD:a.md").unlink()
    documents = documents_of(pages, git)
    more = [b"folder/b.md", b"data.json", b"data.toml", b"lines.txt", b"bad.md"]
    for paths in ([b"a.md"], [b"a.md", *more]):
        with pytest.raises(MissingFact, match="not in the object store"):
            documents.prefetch(paths)
    with pytest.raises(MissingFact):
        documents.read(b"a.md")


def test_hidden_text_is_looked_for_in_markdown(pages: Repository, git: Git) -> None:
    text = "a <span hidden>not this</span>\u200b\n"
    pages.commit("hidden", files={"h.md": text, "h.txt": text})
    documents = documents_of(pages, git)
    assert [one.what for one in documents.hidden(b"h.md")] == ["zero-width", "html"]
    assert [one.what for one in documents.hidden(b"h.txt")] == ["zero-width"]
