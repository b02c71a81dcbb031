"""A server's hook `pre-receive`, as the documents give it, in bare repositories that are really pushed to."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from tests.executor.places import program

HOOK = Path(__file__).parent.parent / "docs" / "examples" / "pre-receive"
PROGRAMS = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
LOCKED = """# Authority

```toml specguard
base = "stable"

[rules.forbidden-path]
paths = ["docs/api/"]

[rules.commit-form]
subject_max = 50
```
"""
OPEN = '# Authority\n\n```toml specguard\nbase = "main"\n```\n'
ZERO = "0" * 40
LONG = "feat: a subject that goes on and on until nobody reads it"


class Server:
    """A bare repository with the hook, and somebody who pushes to it.

    Args:
        place: a folder.
        object_format: `sha1` or `sha256`.
        hook: what the hook runs, and its name.
    """

    def __init__(
        self, place: Path, *, object_format: str = "sha1", hook: str = "", name: str = "pre-receive"
    ) -> None:
        self.author = Repository(place / "author", object_format=object_format)
        self.author.commit("docs: start", files={"SPEC_AUTHORITY.md": LOCKED, "src/a": "a"})
        self.remote = self.author.clone(place / "server: 'it'.git", bare=True)
        self.remote.git("symbolic-ref", "HEAD", "refs/heads/main")
        self.author.git("config", "remote.origin.url", f"file://{self.remote.path}")
        program(self.remote.path / "hooks" / name, hook or HOOK.read_text())

    def push(self, *refs: str, force: bool = False, options: str = "") -> tuple[bool, str]:
        """Push refs; whether the server took all, and what was said."""
        environment = {"PATH": PROGRAMS, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        words = [*(["--force"] if force else []), *(["-o", options] if options else [])]
        done = self.author.process("push", *words, "origin", *refs, environment=environment)
        return done.returncode == 0, done.stderr.decode()

    def takes(self, *refs: str, **more: Any) -> str:
        """Push what the server takes; what was said."""
        taken, said = self.push(*refs, **more)
        assert taken, said
        return said

    def refuses(self, *refs: str, because: str = "PTH001", **more: Any) -> None:
        """Push what the server does not take, for this reason."""
        taken, said = self.push(*refs, **more)
        assert not taken
        assert because in said

    def hook(self, flags: str = "") -> None:
        """Let the hook run as the documents give it, with more flags."""
        file = self.remote.path / "hooks" / "pre-receive"
        file.write_text(HOOK.read_text().replace("--pre-receive", f"--pre-receive {flags}"))

    def refs(self) -> set[str]:
        """The refs that the server has."""
        return set(self.remote.git("for-each-ref", "--format=%(refname)").split())

    def topic(self, name: str = "topic", **files: str) -> str:
        """Commit files on a new branch."""
        self.author.branch(name, "main")
        return self.author.commit("feat: go on", files={"src/b": name, **files})


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_what_is_right_is_taken_and_one_wrong_ref_refuses_all(tmp_path: Path, object_format: str) -> None:
    server = Server(tmp_path, object_format=object_format)
    server.topic()
    server.topic("wrong", **{"docs/api/x.yaml": "b"})
    server.refuses("topic", "wrong")
    assert server.refs() == {"refs/heads/main"}
    assert "remote: specguard: passed" in server.takes("topic")
    server.refuses("wrong")
    assert server.refs() == {"refs/heads/main", "refs/heads/topic"}


def test_what_is_wrong_is_refused_whatever_is_pushed_beside_it(server: Server) -> None:
    server.author.tag("v1", message="one")
    server.takes("refs/tags/v1")
    server.topic("right")
    wrong = server.topic("wrong", **{"docs/api/x.yaml": "b"})
    server.author.git("tag", "v2")
    server.refuses("refs/tags/v2")
    server.remote.git("config", "receive.advertisePushOptions", "true")
    server.refuses("wrong", options="--override=PTH001")
    # A replacement is not taken, and one that is there has no say and can be deleted.
    server.refuses(f"right:refs/replace/{wrong}", because="[not-possible]")
    server.remote.git("fetch", "-q", str(server.author.path), f"right:refs/replace/{wrong}")
    server.refuses("wrong")
    server.takes(f":refs/replace/{wrong}")
    server.author.git("tag", "-f", "blob", server.author.blob("x"))
    server.refuses("refs/tags/blob", because="no commit")
    server.author.git("checkout", "-q", "--orphan", "other")
    server.author.commit("docs: begin", files={"SPEC_AUTHORITY.md": OPEN})
    server.refuses("other", because="[no-common-ancestor]")
    # A server can say first what it would refuse.
    server.hook("--dry-run")
    assert "PTH001" in server.takes("wrong")


def test_a_push_that_brings_its_own_authority_is_judged_by_the_one_that_is_there(server: Server) -> None:
    server.topic("own", **{"SPEC_AUTHORITY.md": OPEN, "docs/api/x.yaml": "b"})
    server.refuses("own")
    # Not in one push with another ref that has it, and not by refs that are looked up elsewhere.
    server.author.branch("bare", "main")
    server.author.commit("docs: open", files={"SPEC_AUTHORITY.md": OPEN})
    for ref in ("remotes/origin/HEAD", "remotes/origin/main", "tags/main", "heads/stable"):
        server.remote.git("fetch", "-q", str(server.author.path), f"bare:refs/{ref}")
    server.topic("again", **{"docs/api/x.yaml": "c"})
    server.refuses("again")


def test_the_default_branch_is_judged_against_its_old_tip_and_by_what_is_taken_away(server: Server) -> None:
    server.author.checkout("main")
    first = server.author.commit("feat: go on", files={"src/a": "b"})
    assert "1 commit, 1 file" in server.takes("main")
    server.author.commit(LONG, files={"src/a": "c"})
    server.refuses("main", because="CMT003")
    server.author.git("reset", "-q", "--hard", first)
    server.author.commit("docs: tell", files={"docs/api/x.yaml": "b"})
    # An administrator brings it there.
    server.remote.git("fetch", "-q", str(server.author.path), "main:main")
    server.refuses(f"{first}:main", force=True)
    # Elsewhere nothing is lost that anything is judged by.
    server.topic()
    server.takes("topic")
    server.author.git("branch", "-f", "again", "main")
    server.takes("again:topic", force=True)
    server.takes(":topic")
    server.remote.git("config", "receive.denyDeleteCurrent", "ignore")
    server.refuses(":main", because="deletes main, which everything trusted is read from [not-possible]")
    assert server.refs() == {"refs/heads/main"}


def test_a_symbolic_ref_is_judged_as_the_branch_that_it_leads_to(server: Server) -> None:
    server.author.checkout("main")
    first = server.author.commit("feat: go on", files={"src/a": "b"})
    tip = server.author.commit("docs: tell", files={"docs/api/x.yaml": "b"})
    server.remote.git("fetch", "-q", str(server.author.path), "main:main")
    server.remote.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    for flags, *names in (("", "alias"), ("--base main", "alias"), ("--base alias", "alias", "main")):
        server.hook(flags)
        for name in names:
            server.refuses(f"{first}:refs/heads/{name}", force=True)
            server.refuses(f":refs/heads/{name}", because=f"Let {'--base' if flags else 'HEAD'} name another")
    assert server.remote.oid("main") == tip


def test_a_repository_without_an_authority_takes_nothing_but_with_bootstrap(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.remote.git("update-ref", "-d", "refs/heads/main")
    server.refuses("main", because="--pre-receive --bootstrap")
    server.hook("--bootstrap")
    server.takes("main")
    # From then on it does nothing.
    server.topic("own", **{"SPEC_AUTHORITY.md": OPEN, "docs/api/x.yaml": "b"})
    server.refuses("own")


def test_a_branch_of_another_name_can_be_the_base_and_one_there_must_be(server: Server) -> None:
    server.remote.git("update-ref", "refs/heads/trunk", "refs/heads/main")
    server.author.checkout("main")
    server.author.commit("docs: open", files={"SPEC_AUTHORITY.md": OPEN})
    server.remote.git("fetch", "-q", str(server.author.path), "main:main")
    server.topic("wrong", **{"docs/api/x.yaml": "b"})
    server.takes("wrong")
    server.hook("--base trunk")
    server.refuses("wrong:again")
    for text, problem in (("nowhere", "no branch 'nowhere'"), ("origin/main", "no branch 'origin/main'")):
        server.hook(f"--base {text}")
        server.refuses("wrong:again", because=problem)
    # Without a default branch nothing is taken.
    server.hook()
    (server.remote.path / "HEAD").write_text(server.author.oid("main") + "\n")
    server.refuses("wrong:again", because="HEAD names no branch, so nothing says which branch is trusted")
    server.remote.git("symbolic-ref", "HEAD", "refs/heads/master")
    server.refuses("wrong:again", ":main", because="HEAD names master, which does not exist, so nothing says")


def test_the_hook_update_can_ask_the_same(tmp_path: Path) -> None:
    server = Server(tmp_path, hook='echo "$2 $3 $1" | specguard check --pre-receive', name="update")
    server.topic("right")
    server.topic("wrong", **{"docs/api/x.yaml": "b"})
    server.refuses("right", "wrong")
    assert server.refs() == {"refs/heads/main", "refs/heads/right"}


def ask(repository: Repository, text: str | bytes, **variables: str) -> tuple[int, str]:
    """What the command answers to some input, as git gives it to the hook; others are cases."""
    env = {"GIT_DIR": ".", **variables}
    done = run_here("check", "--pre-receive", directory=repository.path, env=env, stdin=text)
    return done.exit_code, done.stdout + done.stderr


def test_an_object_that_is_missing_gives_no_verdict(server: Server) -> None:
    head = server.topic()
    line = f"{ZERO} {head} refs/heads/topic\n"
    code, said = ask(server.remote, line)
    assert (code, "not in the object store" in said) == (2, True), said
    objects = str(server.author.git_dir / "objects")
    assert ask(server.remote, line, GIT_QUARANTINE_PATH=objects, GIT_OBJECT_DIRECTORY=objects)[0] == 0
    assert ask(server.remote, line, GIT_ALTERNATE_OBJECT_DIRECTORIES=objects)[0] == 0
    code, said = ask(server.remote, line, GIT_QUARANTINE_PATH="objects/x")
    assert (code, "not an absolute path" in said) == (2, True), said
    # The commit is there, and a folder of it is not.
    server.remote.git("fetch", "-q", str(server.author.path), "topic")
    tree = server.author.oid("topic:src")
    (server.remote.path / "objects" / tree[:2] / tree[2:]).unlink()
    code, said = ask(server.remote, line)
    assert (code, tree in said) == (2, True), said


def test_every_verdict_can_be_kept(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    server.hook(f"--log-decisions '{log}'")
    server.topic()
    server.takes("topic")
    server.takes(":topic")
    server.topic("wrong", **{"docs/api/x.yaml": "b"})
    assert not server.push("wrong")[0]
    verdicts = [json.loads(line)["verdict"] for line in log.read_text().splitlines()]
    assert verdicts == ["passed", "passed", "failed"]


def test_none_one_of_a_hostile_name_and_many_refs_are_judged_in_one_go(server: Server) -> None:
    assert ask(server.remote, "")[0] == 0
    head = server.author.oid("main")
    # The name is shown, and never obeyed.
    line = f"{ZERO} {head} refs/heads/--x$(touch${{IFS}}y)\x1b[2J\udcff\n"
    code, said = ask(server.remote, line.encode("utf-8", "surrogateescape"))
    assert (code, "BRN001" in said, "\x1b" in said) == (1, True, False), said
    assert not (server.remote.path / "y").exists()
    lines = [f"{ZERO} {head} refs/tags/t{number}\n" for number in range(2_001)]
    code, said = ask(server.remote, "".join(lines[:50]))
    assert code == 0, said
    code, said = ask(server.remote, "".join(lines))
    assert (code, "2001 refs" in said) == (2, True), said


def test_a_server_that_has_a_working_tree_is_none_the_worse(server: Server, tmp_path: Path) -> None:
    other = server.author.clone(tmp_path / "other")
    program(other.git_dir / "hooks" / "pre-receive", HOOK.read_text())
    server.author.git("config", "remote.origin.url", f"file://{other.path}")
    server.topic(**{"docs/api/x.yaml": "b"})
    server.refuses("topic")


def test_trees_that_nobody_can_list_are_not_taken(server: Server) -> None:
    oid = server.author.git("hash-object", "-w", "--stdin", stdin=b"x\n")
    kind = "100644 blob"
    for _ in range(10):
        rows = "".join(f"{kind} {oid}\t{name}\n" for name in range(10))
        oid, kind = server.author.git("mktree", stdin=rows.encode()), "040000 tree"
    commit = server.author.git("commit-tree", oid, "-p", "HEAD", "-m", "feat: more")
    server.refuses(f"{commit}:refs/heads/topic", because="directories, the limit, which 'max_entries'")
