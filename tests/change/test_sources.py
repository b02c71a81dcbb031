"""From what is asked to what is judged: every source, its stage, its entries, and what is trusted."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from specguard.change.change import Bookkeeping, Change
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.testing import Repository
from tests.changes import Open, on_github, pull_request, rows
from tests.conftest import Opener

A = "a" * 40


@pytest.fixture
def repo(repository: Repository) -> Repository:
    """`main` published with two commits; `work` with two more, the base having gone on by one."""
    repository.names["0"] = repository.commit("chore: zero", files={"a": "a\n", "gone": "x\n"})
    repository.names["fork"] = repository.commit("chore: fork", files={"b": "b\n"})
    repository.branch("work")
    repository.commit("feat: one", files={"c": "c\n"})
    repository.names["head"] = repository.commit("feat: two", files={"d": "d\n"}, delete=["gone"])
    repository.checkout("main")
    repository.names["tip"] = repository.commit("chore: later", files={"base-only": "x\n"})
    repository.publish(head=True)
    repository.checkout("work")
    return repository


def absent(change: Change, *facts: str) -> None:
    for fact in facts:
        with pytest.raises(NotApplicable):
            getattr(change, fact)


def subjects(change: Change) -> list[str]:
    return [commit.message.subject for commit in change.commits]


def stage(repo: Repository, **files: str) -> None:
    for path, text in files.items():
        repo.write(path, text)
        repo.git("add", path)


# Ranges


def test_with_no_flag_the_branch_is_judged_since_its_merge_base(repo: Repository, change: Open) -> None:
    repo.remote("https://example.org/x.git")
    found = change(repo)
    assert found.summary() == {
        "source": "range", "stage": "range", "base": repo.names["tip"], "head": repo.names["head"],
        "merge_base": repo.names["fork"], "stacked_on": None, "branch": "work", "commits": 2, "entries": 3,
        "fingerprint": found.fingerprint(),
    }  # fmt: skip
    assert rows(found) == ["A c", "A d", "D gone"]
    assert [message.subject for message in found.messages("rebase")] == subjects(found)
    assert subjects(found) == ["feat: one", "feat: two"]
    base = found.base
    assert (base.name, base.start, base.trusted) == ("origin/main", repo.names["fork"], True)
    assert base.merge_bases == [repo.names["fork"]]
    # What is trusted is the tip's, not that of the commit where the branch began.
    assert b"base-only" in found.base_files.paths()
    assert b"base-only" not in found.start_files.paths()
    assert found.policy_files is found.base_files
    assert found.head_files.read(b"d") == b"d\n"
    assert (found.branch.name, found.branch.source, found.empty) == ("work", "HEAD", False)
    absent(found, "pull_request", "push")
    assert {ref.short for ref in found.refs} == {"main", "work"}
    assert found.origin.url == "https://example.org/x.git"
    assert [past.subject for past in found.history.mentioning(["fork"])] == ["chore: fork"]
    assert found.lines is found.lines
    assert found.merges is found.merges


WORK = ["A c", "A d", "D gone"]


def test_base_and_head_are_what_is_named(repo: Repository, change: Open) -> None:
    zero, tip, head = (repo.names[name] for name in ("0", "tip", "head"))
    repo.tag("v1.0", zero)
    for options, base, expected in (
        ({"base": zero, "head": "work~1"}, zero, ["A b", "A c"]),
        ({"range": f"{tip}..{head}"}, tip, WORK),
        ({"range": f"{tip}...{head}"}, tip, WORK),
        ({"range": "main..work"}, tip, WORK),
        ({"range": "refs/tags/v1.0..work"}, zero, ["A b", *WORK]),
        ({"range": "HEAD~1.."}, repo.oid("HEAD~1"), ["A d", "D gone"]),
        ({"root": True}, None, ["A a", "A b", "A c", "A d"]),
        ({"root": True, "head": zero}, None, ["A a", "A gone"]),
    ):
        found = change(repo, **options)
        assert (rows(found), found.base.tip, found.base.trusted) == (expected, base, base is not None)
    found = change(repo, root=True)
    assert (len(found.commits), found.base.start, found.base_files.paths()) == (4, None, [])
    assert found.policy_files.read(b"d") == b"d\n"
    assert found.with_base("main") is found
    assert found.notes
    with pytest.raises(NotApplicable, match="work~1 is not a branch"):
        _ = change(repo, base=zero, head="work~1").branch
    with pytest.raises(NotApplicable, match="is not a branch"):
        _ = change(repo, head=head).branch
    repo.checkout("main")
    found = change(repo, head="work")
    assert (rows(found), found.branch.name, found.branch.source) == (WORK, "work", "head")
    repo.publish("phase/1", "work")
    assert {change(repo, head=f"{remote}phase/1").branch.name for remote in ("", "origin/")} == {"phase/1"}
    # The ends are looked up as base and head: the remote's branch, unless steps lead to a place in the
    # local history.
    repo.ref("refs/heads/main", zero)
    assert change(repo, range="main..work").base.tip == tip
    repo.ref("refs/heads/main", head)
    assert subjects(change(repo, range="main~1..main")) == ["feat: two"]
    for text in ("main", "..", "..HEAD", "main....HEAD", "a..b..c", "main.. ..", "HEAD..none"):
        with pytest.raises(SpecguardError):
            change(repo, range=text)


def test_nothing_to_judge_is_empty_and_says_so(repo: Repository, change: Open) -> None:
    repo.checkout("main", detach=True)
    with pytest.raises(NotApplicable, match="nothing has changed"):
        _ = change(repo).branch
    found = change(repo)
    assert (found.entries, found.commits, found.empty) == ([], [], True)
    repo.branch("behind", repo.names["0"])
    assert change(repo).empty
    repo.branch("empty", "main")
    repo.commit("chore: empty")
    found = change(repo)
    assert (found.entries, len(found.commits), found.empty) == ([], 1, False)


# Branches


def test_a_detached_head_has_no_branch_unless_one_is_given(repo: Repository, change: Open) -> None:
    repo.checkout("work", detach=True)
    found = change(repo)
    with pytest.raises(MissingFact, match="HEAD is detached") as caught:
        _ = found.branch
    assert caught.value.command == "specguard check --branch NAME"
    assert found.summary()["branch"] is None
    assert change(repo, branch="phase-1").branch.name == "phase-1"
    assert change(repo, branch="refs/heads/phase-1").branch.name == "phase-1"
    repo.ref(b"refs/heads/\xff", "work")
    repo.git("symbolic-ref", "HEAD", b"refs/heads/\xff")
    assert change(repo).summary()["branch"] == r"\xff"


def test_in_a_rebase_the_branch_is_the_one_that_is_rebased(repo: Repository, change: Open) -> None:
    editor = {"GIT_SEQUENCE_EDITOR": "sed -i s/^pick/edit/"}
    repo.git("rebase", "-q", "-i", "--force-rebase", repo.names["fork"], environment=editor)
    assert repo.git("rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert change(repo, staged=True).branch.name == "work"
    assert change(repo).branch.name == "work"
    (repo.git_dir / "rebase-merge" / "head-name").write_text("detached HEAD\n")
    with pytest.raises(MissingFact, match="HEAD is detached"):
        _ = change(repo).branch


# What is not a commit yet


def test_what_is_staged_is_compared_with_head_and_judged_by_the_base(repo: Repository, change: Open) -> None:
    stage(repo, e="e\n")
    repo.write("not-staged", "x\n")
    found = change(repo, staged=True)
    assert (found.source, found.stage) == ("staged", "staged")
    assert rows(found) == ["A e"]
    assert (found.base.tip, found.base.start) == (repo.names["tip"], repo.names["head"])
    assert (found.base.head, found.found.trusted) == (None, True)
    assert found.head_files.read(b"e") == b"e\n"
    assert found.head_files.find(b"not-staged") is None
    assert found.start_files.find(b"e") is None
    assert b"base-only" in found.base_files.paths()
    absent(found, "commits", "pull_request", "push")
    with pytest.raises(NotApplicable):
        found.messages("rebase")


def test_a_staged_check_reads_no_history(repo: Repository, change: Open, tmp_path: Path) -> None:
    shallow = repo.clone(tmp_path / "shallow", depth=1)
    stage(shallow, e="e\n")
    found = change(shallow, staged=True)
    assert (rows(found), found.base.start) == (["A e"], shallow.oid())
    assert found.summary()["entries"] == 1
    # Nor does one of a branch without history.
    repo.orphan("fresh")
    stage(repo, e="e\n")
    found = change(repo, staged=True)
    assert (rows(found), found.base.tip, found.base.start) == (["A e"], repo.names["tip"], None)
    with pytest.raises(SpecguardError, match="there is no index"):
        change(repo.clone(tmp_path / "bare.git", bare=True), staged=True)


def test_without_a_base_head_stands_in_and_is_not_trusted(repo: Repository, opened: Opener) -> None:
    repo.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    repo.git("update-ref", "-d", "refs/heads/main")
    kinds: tuple[dict[str, Any], ...] = ({"staged": True}, {"worktree": True})
    for options in kinds:
        [found] = opened(repo, **options)
        assert (found.found.how, found.base.tip, found.base.trusted) == ("head", repo.names["head"], False)
        assert found.notes == ["There is no base: HEAD's policy judges, and is not trusted."]
        with pytest.raises(SpecguardError, match="--enforce"):
            opened(repo, enforce=True, **options)
    with pytest.raises(SpecguardError, match="no base to compare with: tried refs/remotes/origin/HEAD"):
        opened(repo)
    # It gives way to one that the policy names.
    repo.ref("refs/heads/trunk", repo.names["head"])
    [found] = opened(repo, staged=True)
    moved = found.with_base("trunk")
    assert (moved.found.how, moved.base.trusted, moved.notes) == ("policy", True, [])


def test_before_the_first_commit_the_index_is_all_there_is(repository: Repository, opened: Opener) -> None:
    stage(repository, **{"SPEC_AUTHORITY.md": "# x\n"})
    (repository.path / "message").write_text("chore: first\n")
    [found] = opened(repository, staged=True)
    assert rows(found) == ["A SPEC_AUTHORITY.md"]
    assert (found.found.how, found.base.tip, found.base.start) == ("none", None, None)
    assert found.policy_files.read(b"SPEC_AUTHORITY.md") == b"# x\n"
    assert (found.branch.name, found.branch.source) == ("main", "HEAD")
    assert found.with_base("main") is found
    [message] = opened(repository, message_file=str(repository.path / "message"))
    assert message.policy_files.read(b"SPEC_AUTHORITY.md") == b"# x\n"
    for options in ({}, {"root": True}, {"head": "HEAD"}):
        with pytest.raises(SpecguardError, match="HEAD has no commit yet"):
            opened(repository, **options)


def test_a_message_is_judged_alone(repo: Repository, change: Open, tmp_path: Path) -> None:
    (tmp_path / "message").write_text("feat: x\n\n# comment\n")
    found = change(repo, message_file=str(tmp_path / "message"))
    assert (found.source, found.stage) == ("commit-message", "commit-msg")
    [message] = found.messages("rebase")
    assert (message.text, message.source, message.commit) == ("feat: x\n", "file", None)
    with pytest.raises(NotApplicable, match="squash"):
        found.messages("squash")
    absent(found, "entries", "commits")
    assert (found.branch.name, found.base.tip, found.empty) == ("work", repo.names["tip"], False)
    assert found.summary()["entries"] is None


def test_the_index_that_git_gives_a_hook_is_the_one_that_is_judged(
    repo: Repository, change: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git commit PATH` commits another index than the one that is there."""
    stage(repo, e="e\n")
    repo.write("f", "f\n")
    other = {"GIT_INDEX_FILE": str(repo.path / ".git/next-index-1.lock")}
    repo.git("read-tree", "HEAD", environment=other)
    repo.git("update-index", "--add", "f", environment=other)
    monkeypatch.chdir(repo.path)
    env = {"GIT_INDEX_FILE": ".git/next-index-1.lock"}
    assert rows(change(repo, staged=True, env=env)) == ["A f"]
    assert rows(change(repo, staged=True, env=env, directory="")) == ["A f"]
    assert rows(change(repo, staged=True)) == ["A e"]
    with pytest.raises(SpecguardError, match="there is no index"):
        change(repo, staged=True, env={"GIT_INDEX_FILE": ".git/none"})


# The base that a policy names


def test_a_policy_may_name_another_base_once(repo: Repository, change: Open) -> None:
    repo.publish("develop", repo.names["0"])
    stage(repo, e="e\n")
    for options in ({}, {"staged": True}):
        found = change(repo, **options)
        moved = found.with_base("develop")
        assert (moved.found.name, moved.found.how, moved.found.trusted) == ("origin/develop", "policy", True)
        assert moved.base.tip == repo.names["0"]
        assert b"base-only" not in moved.base_files.paths()
        # The first is as it was.
        assert (found.base.tip, b"base-only" in found.base_files.paths()) == (repo.names["tip"], True)
    assert rows(moved) == ["A e"]
    assert found.with_base("") is found
    assert found.with_base("main") is found
    with pytest.raises(SpecguardError, match="that the policy names cannot be found: there is no branch"):
        found.with_base("none")
    # One that was given is no policy's to change.
    given: tuple[dict[str, Any], ...] = (
        {"base": "main"},
        {"range": "main..work"},
        {"base": "main", "staged": True},
    )
    for one in given:
        found = change(repo, **one)
        assert found.with_base("develop") is found


# Pull requests


def event(repo: Repository, tmp_path: Path, payload: object = None, **changes: Any) -> str:
    known = {"title": "Phase 1 (#7)", "head": {"sha": repo.names["head"], "ref": "phase-1"}, **changes}
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload or pull_request(repo.names["0"], repo.names["head"], **known)))
    return str(file)


def test_flags_tell_of_a_pull_request(repo: Repository, change: Open, tmp_path: Path) -> None:
    (tmp_path / "body").write_text("the body\r\n")
    found = change(repo, title="Phase 1", body_file=str(tmp_path / "body"))
    request = found.pull_request
    assert (found.stage, request.title, request.body) == ("pull-request", "Phase 1", "the body\n")
    assert (request.base, request.number) == (None, None)
    assert change(repo, title="").stage == "pull-request"
    assert change(repo, body_file=str(tmp_path / "body")).pull_request.title is None
    with pytest.raises(SpecguardError, match="body cannot be read"):
        change(repo, body_file=str(tmp_path / "none"))


def test_an_event_tells_of_a_pull_request_and_flags_stand_above_it(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    repo.checkout("main", detach=True)
    file = event(repo, tmp_path)
    found = change(repo, event_file=file)
    assert (found.stage, rows(found)) == ("pull-request", WORK)
    assert (found.base.tip, found.base.head) == (repo.names["tip"], repo.names["head"])
    assert (found.branch.name, found.branch.source) == ("phase-1", "event")
    request = found.pull_request
    assert (request.title, request.body, request.base, request.number) == ("Phase 1 (#7)", "text", "main", 7)
    flags = {"title": "Other", "branch": "phase-2", "base": repo.names["0"], "head": "work~1"}
    found = change(repo, event_file=file, **flags)
    assert (found.pull_request.title, found.pull_request.body) == ("Other", "text")
    assert (found.branch.name, found.branch.source) == ("phase-2", "option")
    assert rows(found) == ["A b", "A c"]
    # A head that was not fetched is an error with the command.
    with pytest.raises(SpecguardError, match="was not fetched") as caught:
        change(repo, event_file=event(repo, tmp_path, head={"sha": A, "ref": "x"}))
    assert f"git fetch origin {A}" in caught.value.help


def test_a_squash_is_judged_by_the_title_that_will_land(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    found = change(repo, event_file=event(repo, tmp_path))
    [message] = found.messages("squash")
    assert (message.text, message.source, message.field) == ("Phase 1", "title", "pull_request.title")
    assert len(found.messages("merge")) == 2
    with pytest.raises(NotApplicable, match="once there is one"):
        change(repo).messages("squash")
    with pytest.raises(MissingFact, match="title is not known") as caught:
        change(repo, event_file=event(repo, tmp_path, title=None)).messages("squash")
    # A step for the title alone would lose the body.
    assert caught.value.command == "specguard check --pr-title TEXT --pr-body-file FILE"


def test_on_a_platform_the_event_is_found_unless_a_range_is_named(
    repo: Repository, change: Open, tmp_path: Path
) -> None:
    env = on_github(event(repo, tmp_path))
    repo.checkout("work", detach=True)
    assert change(repo, env=env).stage == "pull-request"
    found = change(repo, env=env, range="main..work")
    assert (found.stage, found.branch.name) == ("range", "work")
    assert change(repo, env=env, root=True).stage == "range"
    assert change(repo, env=env, staged=True).found.how == "event"


def test_events_that_are_of_no_pull_request(
    repo: Repository, change: Open, opened: Opener, tmp_path: Path
) -> None:
    group = {"head_sha": repo.names["head"], "base_sha": repo.names["fork"], "base_ref": "refs/heads/main"}
    found = change(repo, event_file=event(repo, tmp_path, {"merge_group": group}))
    assert (found.stage, found.base.tip) == ("range", repo.names["fork"])
    absent(found, "pull_request", "branch")
    with pytest.raises(NotApplicable):
        found.messages("squash")
    gone = {"ref": "refs/heads/x", "before": A, "after": "0" * 40, "deleted": True}
    assert opened(repo, event_file=event(repo, tmp_path, gone)) == []


def test_one_change_is_asked_for(repo: Repository, opened: Opener) -> None:
    for options in (
        {"staged": True, "worktree": True},
        {"staged": True, "range": "main..work"},
        {"patch": "x", "message_file": "y"},
        {"push": True, "staged": True},
        {"staged": True, "head": "work"},
        {"root": True, "worktree": True},
        {"root": True, "base": "main"},
        {"range": "main..work", "base": "main"},
        {"range": "main..work", "head": "main"},
    ):
        with pytest.raises(SpecguardError, match="--"):
            opened(repo, **options)


# Bookkeeping


def test_what_an_agent_writes_itself_is_no_run() -> None:
    """What only brings runs is bookkeeping; `cases/work/commits-of-runs.toml` has the rest."""
    entry: Any = SimpleNamespace(path=b".runs/phase-12/1/a", added=True, new_mode=0o100644)
    for stage, books in (("range", True), ("staged", True), ("edit", False), ("run", False)):
        change: Any = SimpleNamespace(stage=stage, entries=[entry], commits=[])
        kept = Bookkeeping(change, log=b"approvals/", runs=lambda: b".runs/", squash=False)
        assert kept.has(entry) is books


# Fingerprints


def test_the_fingerprint_is_the_documented_hash_and_survives_a_rebase(repo: Repository, change: Open) -> None:
    found = change(repo)
    text = b"specguard-change-v1\0sha1\0"
    for entry in found.entries:
        text += f"{entry.old_mode:06o}\0{entry.new_mode:06o}\0{entry.old}\0{entry.new}\0".encode()
        text += entry.status.encode() + b"\0" + entry.path + b"\0"
    before = found.fingerprint()
    assert before == hashlib.sha256(text).hexdigest()
    repo.git("rebase", "-q", "main")
    assert change(repo).base.start == repo.names["tip"]
    assert change(repo).fingerprint() == before
    repo.commit("reworded\n\nTwice", amend=True)
    repo.commit("chore: empty")
    assert change(repo).fingerprint() == before


def test_the_fingerprint_leaves_out_added_approvals_and_nothing_else(repo: Repository, change: Open) -> None:
    before = change(repo).fingerprint()
    record = f"log/{'a' * 64}.json"
    repo.commit("chore: approve", files={record: "{}", f"{record}.sig": ""})
    assert change(repo).fingerprint(b"log/") == before
    assert change(repo).fingerprint(b"other/") != before
    assert change(repo).fingerprint() != before
    assert change(repo).summary(b"log/")["fingerprint"] == before
    for path in ("logs", "log/x.json", f"log/x/{'a' * 64}.json"):
        repo.commit("chore: other", files={path: "{}"})
        assert change(repo).fingerprint(b"log/") != before
        repo.git("reset", "-q", "--hard", "HEAD^")


def test_the_fingerprint_of_the_index_is_that_of_its_commit(repo: Repository, change: Open) -> None:
    repo.write("e", "e\n")
    repo.executable("a")
    repo.git("add", "-A")
    staged = change(repo, staged=True).fingerprint()
    head = repo.oid()
    repo.commit("feat: three")
    assert change(repo, base=head).fingerprint() == staged
