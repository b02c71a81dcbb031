"""What is about to happen, judged by the policy of the trusted base, and what the agent is answered."""

from __future__ import annotations

import os
import re

from specguard.change.request import Request
from specguard.declaration.rule import Record
from specguard.errors import NoAuthorityError, SpecguardError
from specguard.integrations.hooks.calls import FileEdit, deeds_of
from specguard.integrations.hooks.dialects import Reply
from specguard.integrations.hooks.pins import Pin
from specguard.integrations.hooks.places import is_below, locate, names_of, work_tree_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.repository import Looking
    from specguard.integrations.hooks.answering import Early
    from specguard.integrations.hooks.dialects import HookEvent
    from specguard.integrations.hooks.places import Checkout
    from specguard.model import Judged, Verdict
    from specguard.reporters.brief import Block

GUARDING: Final = frozenset({"PTH001", "PTH002", "PTH004", "PTH005", "PTH006"})
"""Rules that also hold for a file that git ignores: it must not be written, whoever sees it."""

_OF_PROCESS: Final = rb"//?(?:proc/(?:self|thread-self|[0-9]+)|dev/fd)/"
"""How names begin that mean something else in each process."""

WORDS: Final = 70
"""So many words a refusal has, unless one reason alone has more."""


class Reasons(Record, frozen=False):
    """What comes of an event.

    Attributes:
        blocks: why it is refused, by rules.
        own: why it is refused for the guard's own sake.
        lost: that the pin of the session was, in a sentence; empty where it was not.
    """

    blocks: list[Block] = []
    own: list[Block] = []
    lost: str = ""

    def refuse(self, what: str, step: str) -> None:
        """Add a reason of the guard's own, and what is to be done in its place."""
        from specguard.reporters.escape import cut, visible

        self.own.append((f"{visible(cut(what))}\n  next: {step}", "", "the guard itself"))


def judge(event: HookEvent, environment: Mapping[str, str], early: Early | None = None) -> Reply:
    """Judge an event before an edit or a command.

    Args:
        event: the event.
        environment: the hook's environment.
        early: git looking for a repository already.

    Raises:
        SpecguardError: no verdict can be given.
        UnreadableError: the call cannot be understood.
    """
    deeds = deeds_of(event)
    reasons = Reasons()
    try:
        homes = homes_of(event)
        pin = Pin.of(event, homes[0], environment)
        if pin is not None:
            reasons.lost = pin.lost
            _keep_others_work(deeds.discards, event, homes[0], pin, environment, reasons)
    except SpecguardError:
        if deeds.edits or deeds.messages or deeds.bypasses or deeds.refs or deeds.undecided:
            raise
        # There is nothing to judge here, or it is broken, of which the next event with a verdict tells.
        return Reply()
    pins = {tree.root: pin for tree in homes if pin is not None and tree.common == homes[0].common}
    for ref, target in deeds.refs:
        # It may be put back to what it was.
        if pin is not None and pin.names(ref) and target != pin.oid:
            reasons.refuse(
                f"`{ref}` is the base of this session, {pin.name}, and would be moved",
                "Push your own branch, and let a person bring it there.",
            )
    for clause in deeds.bypasses:
        reasons.refuse(clause, "Leave that out, and fix what the guard says.")
    by_tree: dict[bytes, list[FileEdit]] = {home.root: [] for home in homes[:1]}
    for edit in deeds.edits:
        _place(edit, event, homes, environment, by_tree, reasons)
    judged = False

    for root, edits in by_tree.items():
        if edits:
            judged = True
            looking = early.looking if early is not None and early.tree.root == root else None
            early = None
            try:
                _judge_edits(_Guarded(root, environment, pins.get(root)), edits, reasons, looking)
            except NoAuthorityError:
                # A repository in which the agent stands beside its project need not be a guarded one.
                stands = any(root == tree.root for tree in homes)
                if root == homes[0].root or (stands and not event.projects):
                    raise
    home = _Guarded(homes[0].root, environment, pins.get(homes[0].root))
    for message in filter(str.strip, deeds.messages):
        judged = True
        for verdict in _checked(home, message=message):
            _take(verdict, reasons, set(), home)
    if not judged and not reasons.own and deeds.undecided and not deeds.edits:
        # Of what cannot be told nothing is let through where there is nothing to judge by.
        from specguard.engine.policies import open_policy

        open_policy(Request(environment=environment, directory=os.fsdecode(homes[0].root)))
    return _answer(event, reasons)


class _Guarded(Record):
    """Where something is judged: a working tree, the hook's environment, and the session's pin."""

    root: bytes
    environment: Mapping[str, str]
    pin: Pin | None

    def request(self, edits: Sequence[FileEdit] = (), message: str = "", authority: str = "") -> Request:
        return Request(
            environment=self.environment,
            directory=os.fsdecode(self.root),
            pinned=self.pin.base if self.pin else (),
            began=self.pin.head if self.pin else "",
            edits=edits,
            message=message,
            authority=authority,
        )


def homes_of(event: HookEvent) -> list[Checkout]:
    """The working trees that an event is about: those of its project, of its folder, and of this process.

    Raises:
        SpecguardError: there is none.
    """
    found: dict[bytes, Checkout] = {}
    folders = [*event.projects, event.directory]
    try:
        folders.append(os.getcwdb())
    except OSError:
        # The agent may have removed the folder in which it was started.
        folders.append(event.directory)
    for folder in folders:
        tree = work_tree_at(folder)
        if tree is not None:
            found.setdefault(tree.root, tree)
    if not found:
        raise SpecguardError(
            "the agent works in no git repository, so there is no policy to judge by",
            help="start the agent in a repository that has a SPEC_AUTHORITY.md, or take the hook out of "
            "settings that hold for other folders too",
            code="no-repository",
        )
    return list(found.values())


def _keep_others_work(
    discards: Sequence[bytes],
    event: HookEvent,
    home: Checkout,
    pin: Pin,
    environment: Mapping[str, str],
    reasons: Reasons,
) -> None:
    """Add a reason where an edit from before the session, which is there still, would be thrown away."""
    tracked, _, new = pin.before(home.root) if discards else ({}, {}, {})
    before = {**new, **tracked}
    if not before:
        return
    from specguard.change.git import Git
    from specguard.change.repository import Repository
    from specguard.change.worktree import uncommitted
    from specguard.model import listed, path_text

    names = [name for path in discards for name in names_of(path, event.directory, environment, gone=True)]
    folders = [path for tree, path in locate(names, [home], gone=True) if tree.root == home.root]
    with Git(Repository.locate(os.fsdecode(home.root), environment)) as git:
        now = uncommitted(git)[0]
    # What was moved since is there under another name.
    moved = {state for state in before.values() if not state.startswith("0 ")}
    lost = [
        path_text(path)
        for path, state in now.items()
        if (state in moved or before.get(path) == state)
        and any(not one or is_below(path, one) for one in folders)
    ]
    if lost:
        reasons.refuse(
            f"{listed(lost, 3)}: edited before this session, not by you, and this would throw it away",
            "Leave that as it is, and name the files that you have changed.",
        )


def _place(
    edit: FileEdit,
    event: HookEvent,
    homes: Sequence[Checkout],
    environment: Mapping[str, str],
    by_tree: dict[bytes, list[FileEdit]],
    reasons: Reasons,
) -> None:
    """Add an edit to each working tree in which it would land, or the reason why it must not be made."""
    from specguard.integrations.hooks.own import wrong

    gone = edit.known and edit.content is None
    names = names_of(edit.path, event.directory, environment, gone=gone)
    places = locate(names, homes, gone=gone)
    trees = list(dict.fromkeys([*homes, *(tree for tree, _ in places)]))
    reason = wrong(edit, names, trees, environment)
    if not reason and any(re.match(_OF_PROCESS, name) for name in (os.path.normpath(edit.path), *names)):
        shown = edit.path.decode("utf-8", "backslashreplace")
        reason = f"{shown} is another file for each process, and cannot be judged"
    if reason:
        reasons.refuse(reason, "Leave it as it is; a person who wants it changed does that.")
    for tree, path in places:
        if b".git" in path.lower().split(b"/"):
            # Git's own folder is no part of a tree, and was judged just now.
            continue
        by_tree.setdefault(tree.root, []).append(FileEdit(path, edit.content, edit.known))


def _judge_edits(
    target: _Guarded, edits: Sequence[FileEdit], reasons: Reasons, looking: Looking | None
) -> None:
    known = [edit for edit in edits if edit.known]
    seen: set[str] = set()
    # A rule stops at a content that nobody knows: those that are known are judged for themselves too.
    for part in (edits, known if len(known) < len(edits) else ()):
        for verdict in _checked(target, part, looking=looking) if part else ():
            _take(verdict, reasons, seen, target)
        looking = None
    again = _written_again(edits)
    # The last write of a file is judged above; which one will be that is open where there are branches.
    for verdict in _checked(target, again) if again else ():
        _take(verdict, reasons, seen, target, absent=False)


def _written_again(edits: Sequence[FileEdit]) -> list[FileEdit]:
    """The files that are written several times, and not only added to, as files of contents not known."""
    last: dict[bytes, FileEdit] = {}
    again: dict[bytes, FileEdit] = {}
    for edit in edits:
        before = last.get(edit.path, edit)
        added = before.known and edit.known and (edit.content or b"").startswith(before.content or b"\0")
        if before is not edit and not added:
            again[edit.path] = FileEdit(edit.path, known=False)
        last[edit.path] = edit
    return list(again.values())


def _checked(
    target: _Guarded, edits: Sequence[FileEdit] = (), message: str = "", looking: Looking | None = None
) -> list[Verdict]:
    """The verdicts; before the first authority is committed, that of the working tree judges."""
    request = target.request(edits, message)
    # Git looks for the repository, and starts to read its objects, while the rest is imported.
    if looking is None:
        from specguard.change.repository import Looking

        looking = Looking.of(request)
    from specguard.change.git import Git

    git = Git(looking.repository())
    git.prepare()
    from specguard.engine.check import check

    try:
        return check(request, needs={"quotes"}, git=git)
    except NoAuthorityError:
        file = os.path.join(request.directory, "SPEC_AUTHORITY.md")
        if not os.path.isfile(file):
            raise
        return check(target.request(edits, message, file), needs={"quotes"})
    except SpecguardError as error:
        if not _repairs(request, error):
            raise
        return []


def _repairs(request: Request, error: SpecguardError) -> bool:
    """Whether the documents that are edited are those in which the error is, and nothing else is edited."""
    wrong = {one.path for one in error.each()}
    edited = {os.fsdecode(edit.path) for edit in request.edits}
    return bool(edited) and edited <= wrong


def _take(
    verdict: Verdict, reasons: Reasons, seen: set[str], target: _Guarded, *, absent: bool = True
) -> None:
    """Add what a verdict says to the reasons; `absent` is what could not be judged."""
    if not any(result.findings or result.incomplete for result in verdict.results):
        return
    from specguard.change.store import UNKNOWN
    from specguard.reporters.brief import blocks_of

    ignored: set[bytes] | None = None
    for result in verdict.results:
        left = [judged for judged in result.findings if stands(judged) and judged.fingerprint not in seen]
        if left and result.code not in GUARDING:
            if ignored is None:
                from specguard.integrations.hooks.own import ignored_paths

                ignored = ignored_paths(verdict, target.root, target.environment)
            left = [judged for judged in left if judged.finding.path not in ignored]
        seen.update(judged.fingerprint for judged in left)
        result.findings = left
    # What a content that is not known yet leaves open is judged when it is there.
    verdict.results = [
        result
        for result in verdict.results
        if result.findings or not result.incomplete or (absent and result.reason != UNKNOWN)
    ]
    reasons.blocks += blocks_of(verdict, errors=True)


def stands(judged: Judged) -> bool:
    """Whether a finding is an error that nothing lifts."""
    return judged.state == "open" and judged.severity == "error"


def _answer(event: HookEvent, reasons: Reasons) -> Reply:
    blocks = list(dict.fromkeys([*reasons.own, *reasons.blocks]))
    if not blocks:
        return Reply("tell" if reasons.lost else "pass", reasons.lost)
    from specguard.reporters.brief import joined

    what = "command" if event.moment == "command" else "edit"
    said = f"specguard refuses this {what}: nothing of it was done."
    told = joined(blocks, WORDS - len(said.split()))
    return Reply("refuse", "\n\n".join(filter(None, [said, reasons.lost, told])))
