"""The record of an agent's session: the base that judges it, the state before it, and sent messages.

The pin is in the user's cache, and its object id also in git's own folder. That folder also counts how often
the end of a turn was refused.
"""

from __future__ import annotations

import json
import os
import time

from specguard.authority.cache import is_own, replace_own, user_folder
from specguard.change.check_request import Request, read_unlinked
from specguard.change.entries import sha1, states_of
from specguard.errors import MissingFact, Needed, SpecguardError, if_known
from specguard.model import TYPE_CHECKING, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Self

    from specguard.change.base import FoundBase
    from specguard.change.git import Git
    from specguard.change.repository import Repository
    from specguard.integrations.hooks.dialects import HookEvent
    from specguard.integrations.hooks.tool_calls import Checkout

    States = Sequence[dict[bytes, str]]
    """The return value of `specguard.change.worktree.read_uncommitted`, and later states in its format."""


PROBE_ID: Final = "specguard-doctor"
"""The session id of events that `specguard doctor` sends, which are not recorded."""

PINS_FOLDER: Final = "pins"
"""The folder of pins in the user's cache."""

REMOTE_TIMEOUT: Final = 5.0
"""The time limit for the remote to confirm a base, in seconds."""

_SESSIONS_LIMIT: Final = 1 << 20
_PINS_LIMIT: Final = 64 << 20
_MOST_SESSIONS: Final = 200
"""The highest number of sessions of a worktree that are stored, and of findings of a session."""
_MOST_PINS: Final = 1000
"""The highest number of pins that are stored, and of findings of a pin."""
_MOST_PATHS: Final = 20_000
"""The highest number of uncommitted paths that are stored at the start of a session."""

_KINDS: Final = ("tree", "index", "new", "last", "away")
"""At the start: working tree, index and untracked files. Since: the last state, and files that are away."""
_TEXT_FIELDS: Final = ("name", "oid", "ref", "how", "asked", "address", "head", "judged", "seen", "own")


def _write(file: bytes, content: bytes, most: int = 0) -> bool:
    """Write a file atomically, and delete the oldest files next to it; return True if it was written."""
    folder = os.path.dirname(file)
    # Git makes no links there; a link could redirect the write.
    if os.path.islink(folder) or os.path.islink(os.path.dirname(folder)):
        return False
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        replace_own(file, content)
        if most and len(names := os.listdir(folder)) > most:
            paths = [os.path.join(folder, name) for name in names]
            for path in sorted(paths, key=lambda one: os.lstat(one).st_mtime)[: len(names) - most]:
                os.unlink(path)
    except OSError:
        return False
    return True


class Session:
    """The files about a session in git's own folder.

    Args:
        event: an event of the session.
        tree: the working tree of the session.

    Attributes:
        stops: how often in a row the end of its turn was refused.
        reported: the fingerprints of the findings that were reported to the agent.
        base: the object id of the base that was pinned when the session began; empty if it is unknown.
        alone: True if the pin could not be saved in the cache.
        began: when it began, in seconds since 1970.
    """

    def __init__(self, event: HookEvent, tree: Checkout) -> None:
        name = f"{event.agent}\0{event.session}\0{os.fsdecode(tree.root)}"
        key = sha1(name.encode("utf-8", "replace")).hexdigest()
        self._file = os.path.join(tree.git_dir, b"specguard/sessions", key.encode("ascii"))
        data = object_of(read_unlinked(self._file, _SESSIONS_LIMIT) or b"")
        stops, found, base, began = (data.get(name) for name in ("stops", "told", "base", "began"))
        self.alone = data.get("alone") is True
        # The file may be altered; a negative number would allow further refusals.
        self.stops = max(0, stops) if isinstance(stops, int) else 0
        self.reported = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
        self.base = base if isinstance(base, str) else ""
        self.began = began if isinstance(began, float) else time.time()

    def save(self) -> bool:
        """Save the record; return True if it was saved."""
        reported = self.reported[-_MOST_SESSIONS:]
        data = {name: getattr(self, name) for name in ("stops", "base", "began", "alone")}
        return _write(self._file, json.dumps(data | {"told": reported}).encode("ascii"), _MOST_SESSIONS)


class Pin(Record, frozen=False):
    """The pinned base of a session; all fields are empty if nothing is pinned.

    Attributes:
        file: the pin's file; empty if it cannot be saved.
        name, oid, ref, how: the base, as in `specguard.change.base.FoundBase`; empty without a base.
        asked: the policy's name for the base; empty if the policy names none.
        address: the remote's address when the session began; empty without a remote.
        head: the object id of `HEAD` when the session began; empty if it is unknown.
        judged: the object id of the `HEAD` whose commits were judged last; empty before that.
        seen: the signature of the state that was judged last; empty before that.
        own: the fingerprints of the findings in the session's commits, with blanks between them.
        found: the fingerprints of the findings in all commits.
        warning: a sentence saying that the pin had to be recreated; empty if it was not.
    """

    file: str = ""
    name: str = ""
    oid: str = ""
    ref: str = ""
    how: str = ""
    asked: str = ""
    address: str = ""
    head: str = ""
    judged: str = ""
    seen: str = ""
    own: str = ""
    found: list[str] = []
    warning: str = ""

    @classmethod
    def of(cls, event: HookEvent, tree: Checkout) -> Self:
        """Return the pin of an event's session, creating it if the session begins with this event.

        The pin is empty if nothing can be pinned: a session without a name, or a repository without commits.

        Raises:
            SpecguardError: the repository cannot be read.
        """
        if event.session in ("", PROBE_ID):
            return cls()
        folder = user_folder(event.environment, PINS_FOLDER, os.path.dirname(os.fsdecode(tree.common)))
        key = "\0".join((event.agent, event.session, os.fsdecode(tree.common)))
        file = os.path.join(folder, sha1(key.encode("utf-8", "surrogatepass")).hexdigest()) if folder else ""
        session, data = Session(event, tree), _read_pin(file)
        if data is not None:
            pin = cls(file=file, **data)
            # A session that began in another worktree has done nothing in the main one before it comes there,
            # but what is there after its first command may be its own.
            is_new = not (session.base or os.path.lexists(file + _states_suffix(tree.root)))
            if is_new and pin.head and tree.git_dir == tree.common and event.moment != "start":
                session.base = pin.oid
                if session.save() and event.moment in ("edit", "command"):
                    pin._record_states(tree.root, event.environment)
            return pin
        has_begun = event.moment == "after" or bool(session.base) or os.path.lexists(file)
        # If the pin cannot be saved, git's own folder is the only record.
        has_begun = has_begun and bool(file or not session.base)
        with Needed(), open_git(tree.root, event.environment) as git:
            if not (pin := cls._create(file, git, session.base)).oid:
                return pin
            if has_begun or event.moment == "stop":
                # The current commits may be the session's own.
                pin.head = ""
            else:
                pin._record_states(tree.root, event.environment)
        was_alone, session.alone, session.base = session.alone, not pin.save(), pin.oid
        session.save()
        # It was never there, if it cannot be saved and could not be before.
        if has_begun and not (was_alone and session.alone):
            pin.warning = (
                "The base of this session is not known for certain: what was pinned at its start is "
                "missing or cannot be read, or there was no commit to pin. From here on "
                f"{pin.name} at {pin.oid} judges. Tell the person you work for: is that right?"
            )
        return pin

    @classmethod
    def _create(cls, file: str, git: Git, oid: str) -> Self:
        """Create a pin with the base found now, at the object id that git's folder records, if any."""
        from specguard.change.base import find_base, named_base
        from specguard.change.remotes import read_remote
        from specguard.engine.trusted_policy import Policies

        repository = git.repository
        request = Request(environment=repository.environment, directory=repository.directory)
        found = find_base(git, request)
        head = repository.head
        if found.oid is None:
            return cls() if head is None else cls(file, "HEAD", head, "", "head", head=head)
        asked = address = ""
        try:
            policy = Policies(request, repository).load(git.tree_at(found.oid))
            if policy is not None and policy.base:
                found, asked = named_base(git, policy.base, "policy"), policy.base
        except (MissingFact, SpecguardError):
            # The policy is broken, which the verdict reports.
            pass
        if found.ref.startswith("refs/remotes/"):
            address = read_remote(repository, found.ref.split("/")[2]).fetch
            if address and ":" not in address:
                address = os.path.join(request.directory, address)
        return cls(file, found.name, oid or found.oid or "", found.ref, found.how, asked, address, head or "")

    @property
    def base(self) -> Sequence[str]:
        """The value for `Request.pinned`."""
        return (self.name, self.oid, self.ref, self.how) if self.oid else ()

    def states_before(self, root: bytes) -> States:
        """Return the differences of a working tree and its index from `HEAD` at the start of the session."""
        return self._states(root)[:3]

    def _states(self, root: bytes) -> States:
        first, *records = _read_own(self.file + _states_suffix(root) if self.file else "").split(b"\0")
        states: States = [{} for _ in _KINDS]
        for record in records[:-1] if first == root else ():
            kind, mode, oid, path = record.split(b" ", 3)
            states[_KINDS.index(kind.decode())][path] = f"{mode.decode()} {oid.decode()}"
        return states

    def _record_states(self, root: bytes, environment: Mapping[str, str]) -> None:
        """Save the uncommitted changes; unreadable or unsaved ones are judged as the session's own."""
        from specguard.change.worktree import read_uncommitted

        try:
            with Needed(), open_git(root, environment) as git:
                states = read_uncommitted(git)
        except (MissingFact, SpecguardError, OSError):
            return
        self._write_states(root, (*states, {}, {}))

    def _write_states(self, root: bytes, states: States) -> None:
        records = [
            f"{kind} {state} ".encode() + path + b"\0"
            for kind, found in zip(_KINDS, states, strict=True)
            for path, state in list(found.items())[:_MOST_PATHS]
        ]
        self._write(_states_suffix(root), root + b"\0" + b"".join(records))

    def earlier_edits(self, git: Git, root: bytes, current: Mapping[bytes, str]) -> dict[bytes, str]:
        """Return the changes from before the session, by path, without those committed or removed since.

        An edit is away, for example in a stash, from when its file equals `HEAD` until it is in its last
        state again.

        Args:
            git: reads the repository.
            root: the root of the working tree.
            current: the uncommitted changes in it, in the format of `states_before`.
        """
        tree, index, new, last, away = self._states(root)
        if not (earlier := {**new, **tree}):
            return {}
        last_seen, away_now, work = dict(last), dict[bytes, str](), dict[bytes, str]()
        pinned, head = self.head or git.empty_tree, git.checked_out
        # A change of unknown origin counts as somebody else's work.
        committed = if_known(lambda: states_of(git.diff_trees(pinned, head)), {})
        current_states = {state for state in current.values() if not state.startswith("0 ")}
        for path, state in earlier.items():
            known = (state, last.get(path, state))
            is_there = any(one in current_states or one == current.get(path) for one in known)
            if not is_there and (path in away or path not in current):
                away_now[path] = state
            elif committed.get(path) not in known:
                work[path] = state
                last_seen[path] = current.get(path, state)
        if (last_seen, away_now) != (last, away):
            self._write_states(root, (tree, index, new, last_seen, away_now))
        return work

    def is_base_ref(self, ref: str) -> bool:
        """True if a ref, as a command names it, is the base's branch, local or remote, or all branches."""
        kind, _, rest = self.ref.removeprefix("refs/").partition("/")
        branch = rest.partition("/")[2] if kind == "remotes" else rest
        names = (self.ref, f"{kind}/{rest}", rest, branch, f"heads/{branch}", f"refs/heads/{branch}")
        return bool(branch) and ref in (*names, "refs/heads/*")

    def find_moved_base(self, git: Git) -> FoundBase | None:
        """Return the base as it is found now, if it is another commit or missing; None if it did not move.

        If the base itself is checked out, its commits are judged, and the base counts as not moved.
        """
        from specguard.change.base import FoundBase, find_base, named_base

        request = Request(environment=git.repository.environment)
        try:
            found = named_base(git, self.asked, "policy") if self.asked else find_base(git, request)
        except (MissingFact, SpecguardError):
            found = FoundBase()
        if found.oid == self.oid or not (self.ref or found.oid):
            return None
        return None if found.ref and found.ref == git.repository.branch else found

    def follow(self, found: FoundBase, repository: Repository) -> str:
        """Move the pin to a base that the remote confirms; return empty, or why it does not confirm."""
        if not self.address or not self.ref.startswith("refs/remotes/"):
            return "there is no remote that could confirm it"
        if found.ref != self.ref or not found.oid:
            return f"{self.ref} is not what it is found by"
        from specguard.executor.remote import RemoteGit

        try:
            with RemoteGit(repository, timeout=REMOTE_TIMEOUT, local=False) as git:
                tip = git.heads(self.address).branches.get(self.ref.split("/", 3)[3])
        except (SpecguardError, OSError):
            return "the remote gives no answer"
        if tip != found.oid:
            return f"the remote has {tip or 'no such branch'}"
        self.oid = tip
        self.save()
        return ""

    def save(self) -> bool:
        """Save the pin; return False if that fails, and so the next event finds none."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _TEXT_FIELDS}
        return self._write("", json.dumps(data | {"found": self.found[-_MOST_PINS:]}).encode("ascii"))

    def _write(self, suffix: str, content: bytes) -> bool:
        folder = os.path.dirname(self.file)
        usable = bool(self.file) and (is_own(folder) or not os.path.lexists(folder))
        return usable and _write(os.fsencode(self.file + suffix), content, _MOST_PINS)


def open_git(root: bytes, environment: Mapping[str, str]) -> Git:
    """Open the repository of a working tree, by its root.

    Raises:
        SpecguardError: the repository cannot be read.
    """
    from specguard.change.git import Git
    from specguard.change.repository import Repository

    return Git(Repository.locate(os.fsdecode(root), environment))


def _states_suffix(root: bytes) -> str:
    return f".{sha1(root).hexdigest()[:12]}.before"


def _read_own(file: str) -> bytes:
    """Read a file in the user's own cache; empty if it is missing."""
    return (read_unlinked(file, _PINS_LIMIT) if file and is_own(os.path.dirname(file)) else None) or b""


def object_of(content: bytes) -> dict[str, Any]:
    """Parse a JSON object; empty if the text is not one."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _read_pin(file: str) -> Mapping[str, Any] | None:
    """Read a pin's file; None if it is not specguard's, or is incomplete."""
    data = object_of(_read_own(file))
    texts, found = {name: data.get(name) for name in _TEXT_FIELDS}, data.get("found")
    is_complete = texts["oid"] and isinstance(found, list) and {*map(type, texts.values())} == {str}
    return texts | {"found": list(map(str, found or ()))} if is_complete else None
