"""What is remembered of a session between its events: how often its end was held up, and what was told.

It is kept in git's own folder of the worktree, as a help and no more: who deletes it is asked again.

With it goes what was there before: `HEAD`, and what the working tree and the index had beside it.

Whoever moves the base's ref in the working copy does not move the pin. It follows where the remote, at the
address that it had when the session began, has the new tip too. The pin is in the user's cache; git's own
folder has the object id as well. A command can delete both, so a session is also known to have begun by the
event: nothing is done that no event came before, and what comes after a command is no first one.
"""

from __future__ import annotations

import json
import os

from specguard.authority.cache import is_own, user_folder
from specguard.change.revision import sha1
from specguard.errors import MissingFact, SpecguardError
from specguard.integrations.hooks.calls import PROBE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Self

    from specguard.change.base import Found
    from specguard.change.git import Git
    from specguard.change.repository import Repository
    from specguard.integrations.hooks.calls import Event
    from specguard.integrations.hooks.places import WorkTree

    Before = Sequence[dict[bytes, str]]
    """As `specguard.change.worktree.uncommitted` gives it."""


_FOLDER: Final = b"specguard/sessions"
_SESSIONS_LIMIT: Final = 1 << 20
_MOST_SESSIONS: Final = 200
"""So many sessions of a worktree are remembered, and findings of one."""


class Session:
    """What is remembered of a session.

    Args:
        event: an event of it.
        tree: the working tree in which it works.

    Attributes:
        stops: how often in a row its end was held up.
        told: the fingerprints of findings that the agent was told.
        base: the object id of the base that was pinned when the session began; empty where nothing says so.
        kept: whether what is remembered can be kept.
    """

    def __init__(self, event: Event, tree: WorkTree) -> None:
        name = f"{event.agent}\0{event.session}\0{os.fsdecode(tree.root)}"
        key = sha1(name.encode("utf-8", "replace")).hexdigest()
        self._folder = os.path.join(tree.git_dir, _FOLDER)
        self._file = os.path.join(self._folder, key.encode("ascii"))
        self.stops = 0
        self.told: list[str] = []
        self.base = ""
        self.kept = True
        self._read()

    def _read(self) -> None:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as stream:
                data = json.loads(stream.read(_SESSIONS_LIMIT))
            stops, told, base = data["stops"], data["told"], data.get("base")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if isinstance(stops, int) and isinstance(told, list):
            # Whatever wrote it, the end of a turn is held up no more often than it may be.
            self.stops = max(0, stops)
            self.told = [one for one in told if isinstance(one, str)]
            self.base = base if isinstance(base, str) else ""

    def save(self) -> None:
        """Keep it; where that is not possible, `kept` says so afterwards."""
        data = json.dumps(
            {"stops": self.stops, "told": self.told[-_MOST_SESSIONS:], "base": self.base}
        ).encode("ascii")
        if os.path.islink(self._folder) or os.path.islink(os.path.dirname(self._folder)):
            # Git makes none there, and whoever did may want something else written to.
            self.kept = False
            return
        partial = self._file + b".%d" % os.getpid()
        try:
            os.makedirs(self._folder, exist_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            os.replace(partial, self._file)
            self._clean()
        except OSError:
            self.kept = False

    def _clean(self) -> None:
        """Forget the oldest of too many sessions."""
        names = os.listdir(self._folder)
        if len(names) > _MOST_SESSIONS:
            paths = [os.path.join(self._folder, name) for name in names]
            for path in sorted(paths, key=lambda one: os.lstat(one).st_mtime)[: len(names) - _MOST_SESSIONS]:
                os.unlink(path)


FOLDER: Final = "pins"
"""The folder of pins among the user's cached files."""

PATIENCE: Final = 5.0
"""How many seconds the remote has to confirm a base."""

_MOST_PINS: Final = 1000
"""So many pins are kept, and findings remembered of one."""
_PINS_LIMIT: Final = 64 << 20
_BEFORE: Final = ".before"
_KINDS: Final = ("tree", "index", "new")
_TEXTS: Final = ("name", "oid", "ref", "how", "asked", "address", "head", "judged", "seen")

_PATHS: Final = 20_000
"""So many paths that are not committed are remembered of the start of a session."""


class Pin:
    """The base of a session.

    Attributes:
        name, oid, ref, how: of the base, as in `specguard.change.base.Found`.
        asked: the policy's name for it; empty where none names it.
        address: the remote's, when the session began; empty where there is none.
        head: the object id of `HEAD` when the session began; empty where that is not known.
        judged: the object id of the `HEAD` whose commits were judged last; empty before that.
        seen: what tells the state that was judged last from others; empty before that.
        found: the fingerprints of what was found in the commits.
        lost: that it had to be made anew, in a sentence; empty where it had not.
    """

    def __init__(self, file: str, data: Mapping[str, Any]) -> None:
        self._file = file
        texts = [str(data.get(name, "")) for name in _TEXTS]
        self.name, self.oid, self.ref, self.how, self.asked, self.address = texts[:6]
        self.head, self.judged, self.seen = texts[6:]
        self.found: list[str] = [str(one) for one in data.get("found", [])]
        self.lost = ""

    @classmethod
    def of(cls, event: Event, tree: WorkTree, environment: Mapping[str, str]) -> Self | None:
        """The pin of an event's session; made where the session begins with this event.

        None where there is nothing that could be pinned: a session without a name, or no commit yet.

        Raises:
            SpecguardError: the repository cannot be read.
        """
        if event.session in ("", PROBE):
            return None
        top = os.path.dirname(os.fsdecode(tree.common))
        folder = user_folder(environment, FOLDER, top)
        key = "\0".join((event.agent, event.session, os.fsdecode(tree.common)))
        file = os.path.join(folder, sha1(key.encode("utf-8", "surrogatepass")).hexdigest()) if folder else ""
        data = _read(file)
        if data is not None:
            return cls(file, data)
        session = Session(event, tree)
        begun = event.moment == "after" or bool(session.base) or (bool(file) and os.path.lexists(file))
        if session.base and not file:
            # Git's own folder is all there is.
            begun = False
        made = _look(tree, environment, session.base)
        if made is None:
            return None
        pin = cls(file, made)
        if begun or event.moment == "stop":
            # What is there may be the session's own.
            pin.head = ""
        else:
            pin._remember(tree, environment)
        pin.save()
        if session.base != pin.oid:
            session.base = pin.oid
            session.save()
        if begun:
            pin.lost = (
                "The base of this session is not known for certain: what was pinned at its start is "
                f"missing or cannot be read. From here on {pin.name} at {pin.oid} judges. Tell the "
                "person you work for, who can see whether that is right."
            )
        return pin

    @property
    def base(self) -> Sequence[str]:
        """For `Request.pinned`."""
        return (self.name, self.oid, self.ref, self.how)

    def before(self, root: bytes) -> Before:
        """What a working tree and its index had at the start of the session that `HEAD` had not."""
        data = _content(self._file + _BEFORE) if self._file else b""
        first, *records = data.split(b"\0")
        states: Before = [{} for _ in _KINDS]
        for record in records[:-1] if first == root else ():
            kind, mode, oid, path = record.split(b" ", 3)
            states[_KINDS.index(kind.decode())][path] = f"{mode.decode()} {oid.decode()}"
        return states

    def _remember(self, tree: WorkTree, environment: Mapping[str, str]) -> None:
        """Keep what is not committed; what cannot be read or kept is judged as the session's own."""
        from specguard.change.git import Git
        from specguard.change.repository import Repository
        from specguard.change.worktree import uncommitted

        try:
            with Git(Repository.locate(os.fsdecode(tree.root), environment)) as git:
                states = uncommitted(git)
        except (MissingFact, SpecguardError, OSError):
            return
        records = [
            f"{kind} {state} ".encode() + path + b"\0"
            for kind, found in zip(_KINDS, states, strict=True)
            for path, state in list(found.items())[:_PATHS]
        ]
        if records or os.path.lexists(self._file + _BEFORE):
            self._write(_BEFORE, tree.root + b"\0" + b"".join(records))

    def names(self, ref: str) -> bool:
        """Whether a ref, as a command names it, is the base's branch, here or at the remote."""
        kind, _, rest = self.ref.removeprefix("refs/").partition("/")
        branch = rest.partition("/")[2] if kind == "remotes" else rest
        names = (self.ref, f"{kind}/{rest}", rest, branch, f"heads/{branch}", f"refs/heads/{branch}")
        return bool(branch) and ref in names

    def moved(self, git: Git) -> Found | None:
        """The base as it is found now, where that is another commit.

        Where the branch that is checked out is the base itself, its commits are judged and nothing is moved.
        """
        from specguard.change.base import Found, find_base, named_base
        from specguard.change.request import Request

        nothing = Found("", None, "none")
        try:
            if self.asked:
                found = named_base(git, self.asked, "policy")
            else:
                found = find_base(git, Request(environment=git.repository.environment)) or nothing
        except (MissingFact, SpecguardError):
            found = nothing
        if found.oid == self.oid or not (self.ref or found.oid):
            return None
        return None if found.ref and found.ref == git.repository.branch else found

    def follow(self, found: Found, repository: Repository) -> str:
        """Let the pin follow a base where the remote confirms it; else why it does not."""
        if not self.address or not self.ref.startswith("refs/remotes/"):
            return "there is no remote that could confirm it"
        if found.ref != self.ref or not found.oid:
            return f"{self.ref} is not what it is found by"
        from specguard.executor.remote.git import RemoteError, RemoteGit

        branch = self.ref.split("/", 3)[3]
        try:
            with RemoteGit(repository, timeout=PATIENCE, local=False) as git:
                tip = git.heads(self.address).branches.get(branch)
        except (RemoteError, SpecguardError, OSError):
            return "the remote gives no answer"
        if tip != found.oid:
            return f"the remote has {tip or 'no such branch'}"
        self.oid = tip
        self.save()
        return ""

    def save(self) -> None:
        """Keep it; where that is not possible the next event finds none."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        data["found"] = self.found[-_MOST_PINS:]
        self._write("", json.dumps(data).encode("ascii"))

    def _write(self, suffix: str, content: bytes) -> None:
        if not self._file:
            return
        folder = os.path.dirname(self._file)
        partial = f"{self._file}.{os.getpid()}"
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if not is_own(folder):
                return
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            os.replace(partial, self._file + suffix)
            names = os.listdir(folder)
            if len(names) > _MOST_PINS:
                paths = [os.path.join(folder, name) for name in names]
                for path in sorted(paths, key=lambda one: os.lstat(one).st_mtime)[: len(names) - _MOST_PINS]:
                    os.unlink(path)
        except OSError:
            return


def _read(file: str) -> Mapping[str, Any] | None:
    """What a pin's file holds; None where it is not one of ours, or has not what it needs."""
    try:
        data = json.loads(_content(file))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in _TEXTS):
        return None
    return data if data["oid"] and isinstance(data.get("found"), list) else None


def _content(file: str) -> bytes:
    """What a file of ours holds; nothing where there is none."""
    if not file or not is_own(os.path.dirname(file)):
        return b""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(_PINS_LIMIT)
    except OSError:
        return b""


def _look(tree: WorkTree, environment: Mapping[str, str], oid: str) -> Mapping[str, Any] | None:
    """A new pin: the base that is found now, at the object id that git's folder remembers, if any."""
    from specguard.change.base import Found, find_base, named_base
    from specguard.change.git import Git
    from specguard.change.remotes import read_remote
    from specguard.change.repository import Repository
    from specguard.change.request import Request
    from specguard.change.tree import Tree
    from specguard.engine.policies import Policies

    request = Request(environment=environment, directory=os.fsdecode(tree.root))
    repository = Repository.locate(request.directory, environment)
    with Git(repository) as git:
        found = find_base(git, request)
        if found is None or found.oid is None:
            head = repository.head
            return None if head is None else _data(Found("HEAD", head, "head"), head)
        asked = ""
        try:
            policy = Policies(request, repository).load(Tree(git, git.commit(found.oid).tree))
            if policy is not None and policy.base:
                found, asked = named_base(git, policy.base, "policy"), policy.base
        except (MissingFact, SpecguardError):
            # It is broken, of which the verdict tells.
            pass
        address = ""
        if found.ref.startswith("refs/remotes/"):
            address = read_remote(repository, found.ref.split("/")[2]).fetch
            if address and ":" not in address:
                address = os.path.join(request.directory, address)
        return _data(found, repository.head or "", oid, asked, address)


def _data(found: Found, head: str, oid: str = "", asked: str = "", address: str = "") -> Mapping[str, Any]:
    data: dict[str, Any] = {"name": found.name, "oid": oid or found.oid, "ref": found.ref, "how": found.how}
    return data | {"asked": asked, "address": address, "head": head, "judged": "", "seen": "", "found": []}
