"""The base of a session is pinned at its first event, and follows only what the remote confirms."""

import os
import shutil
from pathlib import Path

import pytest

from tests.integrations.hooks.asking import POLICY, Session, guarded, write
from tests.rows import rows

OPEN = '# Authority\n\n```toml specguard\nbase = "main"\n```\n'


class Pinned(Session):
    """An agent's session in a repository with a remote."""

    def __init__(self, path: Path, *, remote: bool = True) -> None:
        super().__init__(guarded(path / "repository"), environment={"XDG_CACHE_HOME": str(path / "cache")})
        self.remote = path / "remote.git"
        if remote:
            self.repository.git("init", "-q", "--bare", str(self.remote))
            self.repository.git("remote", "add", "origin", str(self.remote))
            self.repository.git("push", "-q", "origin", "main")
            self.repository.git("fetch", "-q", "origin")

    def loosen(self) -> str:
        """Commit an authority that guards nothing, beside the branch; gives the commit."""
        self.repository.git("checkout", "-q", "--detach")
        oid = self.repository.commit("chore: open", files={"SPEC_AUTHORITY.md": OPEN})
        self.repository.git("checkout", "-q", "work")
        return str(oid or self.repository.oid("HEAD@{1}"))


@pytest.fixture
def session(tmp_path: Path) -> Pinned:
    """A session that has begun."""
    pinned = Pinned(tmp_path)
    pinned.start()
    return pinned


MOVES = rows(__file__, "moves")


@pytest.mark.threat(
    "T73", "the base's ref moved by an agent in its session", "refused, by the base that was pinned"
)
@pytest.mark.parametrize(("first", "move"), [("edit", MOVES[0]), *(("start", move) for move in MOVES)])
def test_a_moved_base_blinds_no_later_moment(move: str, first: str, tmp_path: Path) -> None:
    session = Pinned(tmp_path)
    assert session.start().kind == "tell" if first == "start" else session.edit("src/a.py").kind == "pass"
    old = session.repository.oid("main")
    new = session.loosen()
    for command in move.format(oid=new).split("; "):
        session.repository.git(*command.split()[1:])
    assert "PTH001" in session.edit().refusal
    said = session.after().refusal
    assert old in said
    assert "is still judged by" in said
    session.repository.write("docs/api/x.yaml", "changed\n")
    found = session.after().refusal
    assert "PTH001" in found
    assert "is still judged by" not in found, "it is told once"
    assert "PTH001" in session.stop().refusal
    for source in ("resume", "compact", "startup"):
        assert "docs/api/" in session.start(source).told
        assert "PTH001" in session.edit().refusal
    assert session.ask(write("docs/api/x.yaml", session.repository.path), "another").kind == "pass"


def test_a_base_without_a_remote_is_pinned_too(tmp_path: Path) -> None:
    session = Pinned(tmp_path, remote=False)
    session.start()
    session.repository.git("branch", "-f", "main", session.loosen())
    assert "there is no remote that could confirm it" in session.after().refusal
    assert "PTH001" in session.edit().refusal


def test_an_honest_fetch_blames_nobody(session: Pinned, tmp_path: Path) -> None:
    other = tmp_path / "other"
    session.repository.git("clone", "-q", "-b", "main", str(session.remote), str(other))
    (other / "docs/api/x.yaml").write_text("theirs\n")
    (other / "SPEC_AUTHORITY.md").write_text(POLICY.replace('"docs/api/"', '"docs/api/", "late/"'))
    for words in (("add", "-A"), ("commit", "-qm", "feat: x"), ("push", "-q", "origin", "HEAD:main")):
        session.repository.git("-C", str(other), *words)
    session.repository.git("fetch", "-q", "origin")
    session.repository.git("merge", "-q", "--ff-only", "origin/main")
    assert session.after().kind == "pass"
    assert session.stop().kind == "pass"
    assert "PTH001" in session.edit("late/x").refusal, "the pin has followed"


def test_a_remote_that_is_exchanged_confirms_nothing(session: Pinned, tmp_path: Path) -> None:
    evil = tmp_path / "evil.git"
    session.repository.git("clone", "-q", "--bare", str(session.remote), str(evil))
    session.repository.git("push", "-qf", str(evil), f"{session.loosen()}:refs/heads/main")
    session.repository.git("remote", "set-url", "origin", str(evil))
    session.repository.git("config", f"url.{evil}.insteadOf", str(session.remote))
    session.repository.git("fetch", "-q", "origin")
    assert "the remote has " in session.after().refusal
    assert "PTH001" in session.edit().refusal


def test_a_remote_that_is_gone_confirms_nothing(session: Pinned) -> None:
    session.repository.git("update-ref", "refs/remotes/origin/main", session.loosen())
    shutil.rmtree(session.remote)
    said = session.stop().refusal
    assert "the remote gives no answer" in said
    assert "PTH001" in session.edit().refusal
    [put_back] = [word for word in said.split("`") if word.startswith("git update-ref")]
    assert session.before(put_back).kind == "pass"
    session.repository.git(*put_back.split()[1:])
    assert session.stop().kind == "pass"


@pytest.mark.threat(
    "T129", "what is remembered of a session, deleted or broken", "said, and not made again in silence"
)
@pytest.mark.parametrize("how", ["cache", "git", "both", "broken"])
def test_a_pin_that_is_lost_is_said(how: str, session: Pinned, tmp_path: Path) -> None:
    new = session.loosen()
    session.repository.git("update-ref", "refs/remotes/origin/main", new)
    [pin] = (tmp_path / "cache/specguard/pins").glob("[0-9a-f]" * 40)
    if how in ("cache", "both"):
        pin.unlink()
    if how in ("git", "both"):
        shutil.rmtree(session.repository.git_dir / "specguard/sessions")
    if how == "broken":
        pin.write_text('{"oid": "')
    said = session.after().refusal
    assert ("is not known for certain" in said) == (how != "git")
    old = session.repository.oid("main")
    assert (f"at {new} judges" in said) == (how == "both")
    assert (f"at {old} judges" in said) == (how in ("cache", "broken"))
    assert "is not known for certain" not in session.after().refusal, "it is said once"
    if how != "both":
        assert "PTH001" in session.edit().refusal, "the other place has it too"


def test_a_lost_pin_is_said_before_a_command_too(session: Pinned, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache/specguard/pins")
    assert "or there was no commit to pin" in session.before("python3 x.py").told
    assert session.before("python3 x.py").kind == "pass"


def test_a_pin_that_could_never_be_saved_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    session = Pinned(tmp_path)
    assert [session.start().kind, session.before("python3 x.py").kind] == ["tell", "pass"]


def test_a_pin_is_kept_for_its_user_alone(session: Pinned, tmp_path: Path) -> None:
    folder = tmp_path / "cache/specguard/pins"
    assert folder.stat().st_mode & 0o077 == 0
    [pin] = folder.glob("[0-9a-f]" * 40)
    assert session.edit(str(pin)).kind == "refuse"
    assert session.before(f"rm -rf {folder}").kind == "refuse"


def test_commits_on_the_base_itself_are_judged_and_no_move(tmp_path: Path) -> None:
    session = Pinned(tmp_path, remote=False)
    session.repository.checkout("main")
    session.start()
    session.repository.commit("feat: y", files={"src/a.py": "x = 2\n"})
    assert session.after().kind == "pass"
    session.repository.commit("feat: x", files={"docs/api/x.yaml": "b\n"})
    said = session.after().refusal
    assert "PTH001" in said
    assert "is still judged by" not in said


def test_a_session_without_a_name_is_judged_as_ever(tmp_path: Path) -> None:
    session = Pinned(tmp_path)
    assert "PTH001" in session.ask(write("docs/api/x.yaml", session.repository.path), "").refusal
    assert not os.path.exists(tmp_path / "cache/specguard/pins")
