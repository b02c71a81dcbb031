"""Judge the state after a command and at the end of a turn: working tree, index, commits since the base."""

from __future__ import annotations

import os
import re
import time

from specguard.change.check_request import Request, base_refs
from specguard.change.entries import Commit, paths_in_state, sha1, states_of
from specguard.change.repository import USUAL_BASES, Lookup, Repository
from specguard.errors import if_known
from specguard.integrations.hooks.dialects import COMMAND_KEYS, HookEvent, Reply
from specguard.integrations.hooks.judging import trees_of
from specguard.integrations.hooks.session_pins import Pin, Session
from specguard.integrations.hooks.tool_calls import Checkout, as_bytes, work_tree_at
from specguard.model import EXIT_PASSED, TYPE_CHECKING, Verdict, counted, listed
from specguard.reporters.escape import cut, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from typing import Any, Final

    from specguard.change.change import Change
    from specguard.change.git import Git
    from specguard.reporters.concise_and_agent import Block


MOST_STOPS: Final = 3
"""The highest number of times in a row that the end of a turn is refused."""

MOST_WORDS: Final = 120
"""The highest number of words in an answer."""

_CLOCK_STEP: Final = 50_000_000
"""The nanoseconds after which two changes of a file have different times in any file system."""

_PLACES: Final = {
    "worktree": ("the working tree", "`specguard check --worktree`"),
    "staged": ("the index", "`specguard check --staged`"),
    "": ("the commits of the branch", "`specguard check`"),
}
"""What was judged, and the command that shows its findings, by the change's source."""

_DISCARDS: Final = re.compile(r"`[^`]*\b(?:checkout|restore|rm|reset --keep|filter-branch) ")

_ENTERED: Final = r"""(?:\bcd|\bpushd|\s-C)\s+(?:('[^']+'|"[^"$`\\]+")|([^\s;&|<>()'"$`]+))"""
"""A folder that a command enters with `cd`, `pushd` or `git -C`: in quotes, or as a plain word."""

_MADE: Final = r"(?m)^\S* (\S+) .*?[ {](\d+) [+-]\d+}?(?:\t(?:commit|cherry-pick|revert|am|fixup)\b|\t?$)"
"""A line of the log of `HEAD` about a new commit: its object id and time."""

_GUARD_FAMILIES: Final = ("PTH", "CNT", "APR", "CFG")
"""The rule families that judge everything since the base; others start at the branch below in a stack."""


def judge_end(event: HookEvent, looking: dict[bytes, Lookup]) -> Reply:
    """Judge the state at the end of a turn.

    Args:
        event: the event.
        looking: git processes that already look for repositories, by the roots of their working trees.

    Returns:
        A refusal while findings are left and the limit `MOST_STOPS` is not reached. After that, a message to
        the user about them. Findings in commits from before the session or of others are reported once, and
        do not hold up the turn again.

    Raises:
        SpecguardError: no verdict is possible.
    """
    state = _State(event, looking)
    session = state.session
    if event.continued is False:
        # A person has started this turn.
        session.stops = 0
    known = set(session.reported) - state.own
    blocks = [*state.new_notes(), *_blocks(state.on_tree), *_blocks(state.on_commits, known)]
    if not (failed := state.failed_source) and not blocks:
        if session.stops:
            session.stops = 0
            session.save()
        return Reply()
    count = len({*_fingerprints(state.on_tree), *(set(state.fingerprints) - known)})
    left = f"{counted(count, 'finding')} left"
    place, command = _PLACES[failed]
    given_up = f"specguard: {left} in {place}, and the agent was told {MOST_STOPS} times; {command} shows it."
    if session.stops >= MOST_STOPS:
        return Reply("tell", given_up)
    session.stops += 1
    session.reported = state.fingerprints
    if not session.save() and event.continued:
        # The refusals cannot be counted, so one has to be enough.
        return Reply("tell", given_up)
    heading = (
        f"specguard has checked {place}; {left} (said {session.stops} of {MOST_STOPS} times). Fix it, or "
        f"tell the person you work for why it cannot be; {command} shows it again."
    )
    return _refuse(heading, blocks, command)


def judge_after(event: HookEvent, looking: dict[bytes, Lookup]) -> Reply:
    """Judge the state after a command, and report the new findings.

    Raises:
        SpecguardError: no verdict is possible.
    """
    state = _State(event, looking)
    session, known = state.session, set(state.session.reported)
    blocks = [*state.new_notes(), *_blocks([*state.on_tree, *state.on_commits], known)]
    if session.reported != state.fingerprints:
        session.reported = state.fingerprints
        session.save()
    if not blocks or not (new := len(set(state.fingerprints) - known)):
        return Reply()
    heading = f"After this command specguard has {counted(new, 'new finding')}."
    return _refuse(heading, blocks, _PLACES[state.failed_source][1])


class _State:
    """The agent's working trees, their indexes, and the commits since the base.

    Attributes:
        session: the record of the session.
        on_tree: the verdicts on working trees and indexes.
        on_commits: the verdicts on commits that were not judged before; at the end of a turn also on those
            with findings of the session's own.
        own: the fingerprints of the findings in commits that the session has made.
        fingerprints: the fingerprints of all findings, and the keys of messages about the base.
    """

    def __init__(self, event: HookEvent, looking: dict[bytes, Lookup]) -> None:
        given = trees_of(event)
        self.on_tree: list[Verdict] = []
        self.on_commits: list[Verdict] = []
        self.own: set[str] = set()
        self._event = event
        self._pin = pin = Pin.of(event, given[0])
        self.session = Session(event, given[0])
        self._notes: dict[str, str] = {f"lost {pin.oid}": pin.warning} if pin.warning else {}
        self._entered = _entered_trees(event, self.session.began)
        trees = [tree for tree in dict.fromkeys([*given, *self._entered]) if tree.common == given[0].common]
        found = [
            (looking.pop(tree.root, None) or Lookup(os.fsdecode(tree.root), event.environment)).repository()
            for tree in trees
        ]
        pairs = list(zip(trees, found, strict=True))
        # A bare repository beside its worktrees has no index, unlike a working tree that settings call bare.
        pairs[1:] = [pair for pair in pairs[1:] if not pair[1].bare or pair[1].max_indexed()]
        states = [self._signature(*pair) for pair in pairs] if pin.oid else [""]
        now = "".join(states) if all(states) else ""
        if now and now == pin.seen and event.moment == "after":
            # Nothing has changed since the last event, so there are no new findings.
            self.fingerprints = self.session.reported
            return
        for pair in pairs:
            self._judge(*pair)
        self.fingerprints = [*self._notes, *_fingerprints([*self.on_tree, *self.on_commits])]
        if self.on_commits:
            pin.found = _fingerprints(self.on_commits)
            # After a rebase, a finding stays the session's.
            self.own = {*self.own, *pin.own.split()}.intersection(pin.found)
            pin.own = " ".join(self.own)
        else:
            self.fingerprints += pin.found
        pin.seen = now
        pin.save()

    @property
    def failed_source(self) -> str:
        """The source of the first change of a working tree that does not pass; empty if all pass."""
        return next((str(one.change["source"]) for one in self.on_tree if one.exit_code != EXIT_PASSED), "")

    def new_notes(self) -> list[Block]:
        """Return the messages about the base that were not sent yet."""
        reported = self.session.reported
        return [(text, "", "the base") for key, text in self._notes.items() if key not in reported]

    def _signature(self, tree: Checkout, repository: Repository) -> str:
        """Return a digest that changes with a file, the index or a ref; empty if it is uncertain.

        Programs cannot reset the time at which the system last changed a file. Two changes within
        `_CLOCK_STEP` may have the same time.
        """
        pin = self._pin
        names = base_refs(pin.asked, "origin") if pin.asked else USUAL_BASES
        refs = sorted(repository.refs_named([*names, pin.ref]).items())
        digest = sha1(as_bytes(f"{repository.head} {repository.branch} {refs} {pin.oid}"))
        try:
            paths = [os.fsencode(repository.index)] if os.path.exists(repository.index) else []
            stats = [(path, os.lstat(path)) for path in paths]
            ahead = [tree.root]
            while ahead:
                with os.scandir(ahead.pop()) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            stats.append((entry.path, entry.stat(follow_symlinks=False)))
                        elif entry.name.lower() != b".git":
                            ahead.append(entry.path)
                        else:
                            digest.update(entry.path)
        except OSError:
            return ""
        for path, one in stats:
            numbers = (one.st_mode, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns)
            digest.update(b"%s\0%d %d %d %d %d\0" % (path, *numbers))
        latest = max((one.st_ctime_ns for _, one in stats), default=0)
        return digest.hexdigest() if latest < time.time_ns() - _CLOCK_STEP else ""

    def _judge(self, tree: Checkout, repository: Repository) -> None:
        from specguard.change.git import Git
        from specguard.change.sources import open_changes
        from specguard.engine.check import judge_change
        from specguard.engine.trusted_policy import Policies
        from specguard.integrations.hooks.protected_files import drop_ignored

        folder, pin, head = os.fsdecode(tree.root), self._pin, repository.head
        with Git(repository) as git:
            git.start_index_diff(git.checked_out)
            self._follow_base(git)
            environment = repository.environment
            plain = Request(environment=environment, directory=folder, pinned=pin.base, by_agent=True)
            policies = Policies(plain, repository)
            earlier = pin.states_before(tree.root)
            earlier_edits: dict[bytes, str] = {}
            starts = {pin.head}

            def judge(**asked: Any) -> list[Verdict]:
                request = plain.with_values(**asked)
                verdicts = []
                for change in open_changes(git, request):
                    verdict = judge_change(change, policies, needs={"quotes"})
                    if request.worktree:
                        earlier_edits.update(pin.earlier_edits(git, tree.root, states_of(change.entries)))
                        drop_ignored(verdict, tree.root, environment)
                    _spare_earlier_edits(verdict, change, earlier, earlier_edits)
                    if verdict.findings:
                        from specguard.declaration.look_alikes import shell_word

                        here = os.path.realpath(self._event.directory)
                        cd = "`" if here == tree.root else f"`cd {shell_word(tree.root)} && "
                        for one in verdict.findings:
                            # The same in another worktree is another finding.
                            one.fingerprint += sha1(tree.root).hexdigest()
                            one.finding.help = re.sub("`(?=git |rm |mv |mkdir |FILTER)", cd, one.finding.help)
                    if change.source == "range" and verdict.findings:
                        codes = policies.edit_rules(change.stage)
                        starts.update(self._set_apart(verdict, change, codes))
                    verdicts.append(verdict)
                return verdicts

            self.on_tree += judge(worktree=True)
            # Git commits nothing while a file is not merged. What is unknown, the judged index tells.
            states = if_known(lambda: {one.status for one in git.index_diff(git.checked_out)}, {""})
            if states and "U" not in states:
                self.on_tree += judge(staged=True)
                _drop_repeated(*self.on_tree[-2:])
            is_told = head == pin.judged and not (pin.own and self._event.moment == "stop")
            if head is None or head == pin.oid or is_told or not (rules := policies.hook_rules()):
                return
            guards = [code for code in rules if code.startswith(_GUARD_FAMILIES)]
            # From a base that may have moved, the commits of others would be counted, too.
            others = sorted({*rules} - {*guards} - ({"CMT001", "WRK001"} if self._notes else set()))

            def judge_commits(**asked: Any) -> list[Verdict]:
                return [*judge(select=guards, **asked), *judge(select=others, own_part=True, **asked)]

            self.on_commits += judge_commits()
            # What was found before the session, or before its first commit on a branch, is somebody else's.
            for start in starts - {pin.oid} if self.own.difference(pin.own.split()) else ():
                self.own.difference_update(_fingerprints(judge_commits(head=start)))
            pin.judged = head

    def _set_apart(self, verdict: Verdict, change: Change, codes: Container[str]) -> Sequence[str]:
        """Remove what rules for agents only find in files that no commit since the session's start changes.

        Missing commits are left out, too: the agent may be about to make them. A guarded file that is as it
        was where the session started, or before its first commit here, has another fingerprint. So the
        session's work on it is new. Of what was its own already, only the start counts. After a rebase, that
        may be in commits which are not known as its own.

        Returns:
            The parent of the session's first commit; nothing without one.
        """
        pin, oids = self._pin, [commit.oid for commit in change.commits]
        later = change.commits[oids.index(pin.head) + 1 if pin.head in oids else 0 :]
        made = re.findall(_MADE, change.git.repository.log("HEAD")) if pin.head else []
        here = {oid for oid, at in made if int(at) >= int(self.session.began)}
        own = [commit for commit in later if commit.oid in here]
        before, mine = own[0].parents[:1] if own else (), pin.own.split() if later else ()
        starts = [pin.head, *(before if own else oids[-1:])] if own or mine else ()
        changes = [states_of(change.git.diff_trees(start, oids[-1])) for start in dict.fromkeys(starts)]
        paths = {entry.path for commit in later for entry in commit.own_entries}
        for result in verdict.results:
            if result.code in codes:
                result.keep([judged for judged in result.findings if judged.finding.path in paths])
            elif result.code == "CMT001":
                result.keep([one for one in result.findings if not one.finding.help.startswith("Make ")])
            for judged in result.findings if result.code in ("PTH001", "PTH002") else ():
                since = changes[:1] if judged.fingerprint in mine else changes
                if not (since and all(judged.finding.path in states for states in since)):
                    judged.fingerprint += "-before"
        self.own.update(_fingerprints_in(verdict, own))
        return before

    def _is_to_judge_first(self, repository: Repository) -> bool:
        """True if the base was pushed from here, and commits of the session are new or have findings.

        Findings that have held up the end of a turn as often as possible do not count.
        """
        pin, head = self._pin, repository.head
        is_said = self._event.moment == "after" and self.session.stops >= MOST_STOPS
        if head == pin.oid or (head == pin.judged and (is_said or not pin.own)):
            return False
        return "\tupdate by push" in f"\n{repository.log(pin.ref)}".partition(f"\n{pin.oid}")[2]

    def _follow_base(self, git: Git) -> None:
        """Let the pin follow a base that moved, if the remote confirms it; otherwise record a message."""
        pin = self._pin
        follows = pin.oid and not self._is_to_judge_first(git.repository)
        if not follows or (found := pin.find_moved_base(git)) is None:
            return
        key, now = f"moved {pin.oid} {found.oid}", found.oid or "not there"
        if self._event.moment != "stop" and key in self.session.reported:
            self._notes[key] = ""
        elif why := pin.follow(found, git.repository):
            self._notes[key] = (
                f"The base of this session, {pin.name}, was {pin.oid} and is {now} now; {why}. The session's "
                f"work is still judged by {pin.oid}.\n  next: Tell the person you work for; "
                f"`git update-ref {pin.ref} {pin.oid}` puts it back."
            )


def _entered_trees(event: HookEvent, began: float) -> list[Checkout]:
    """Return the worktrees that a command enters with `cd` or `git -C`, if the session has made them."""
    found: dict[bytes, Checkout] = {}
    folder = event.directory
    for text in (event.input.get(key) for key in COMMAND_KEYS if event.moment == "after"):
        for quoted, plain in re.findall(_ENTERED, text) if isinstance(text, str) else ():
            name = as_bytes(quoted[1:-1] or plain)
            folder = os.path.join(folder, name)
            # `git -C` and a subshell leave the folder of the command behind them as it was.
            for place in (folder, os.path.join(event.directory, name)):
                try:
                    tree = work_tree_at(place)
                    if tree is not None and os.stat(tree.git_dir + b"/gitdir").st_mtime >= began:
                        found[tree.root] = tree
                except (OSError, ValueError):
                    # It is no linked worktree, or no name of a folder.
                    pass
    return list(found.values())


def _spare_earlier_edits(
    verdict: Verdict, change: Change, earlier: Sequence[Mapping[bytes, str]], guarded: Container[bytes]
) -> None:
    """Let no next step discard what was uncommitted when the session began.

    Findings in files that are uncommitted and unchanged since are removed. For those that were altered, git
    has no version to restore, so the next step is manual. If they were committed, the files are kept.
    """
    committed = change.source == "range"
    same = set() if committed or not verdict.findings else paths_in_state(change.entries, earlier)
    for result in verdict.results:
        result.keep([judged for judged in result.findings if judged.finding.path not in same])
        for judged in result.findings:
            path, step = judged.finding.path or b"", "Take out by hand what you wrote there"
            if committed and any(path in states for states in earlier) and path in change.touching:
                oid = change.touching[path][0].oid[:12]
                step = f"Take the commits back with `git reset {oid}~1`, which keeps files, and commit yours"
            elif path not in guarded:
                continue
            if _DISCARDS.search(judged.finding.help):
                judged.finding.help = f"{step}: somebody else had edited it before."


def _fingerprints_in(verdict: Verdict, commits: Sequence[Commit]) -> list[str]:
    """Return the fingerprints of the errors in some commits, in files that they change, or in no file."""
    oids = {commit.oid for commit in commits}
    paths = {None, *(entry.path for commit in commits for entry in commit.own_entries)} if commits else ()
    return [
        judged.fingerprint
        for judged in verdict.findings
        if judged.is_open_error
        and (judged.finding.commit in oids if judged.finding.commit else judged.finding.path in paths)
    ]


def _drop_repeated(worktree: Verdict, staged: Verdict) -> None:
    """Drop findings in the working tree that the index has, too, and let the index's next step undo both."""
    steps = {judged.fingerprint: judged.finding.help for judged in worktree.findings}
    twice = steps.keys() & {judged.fingerprint for judged in staged.findings}
    for result in worktree.results:
        result.findings = [judged for judged in result.findings if judged.fingerprint not in twice]
    for judged in staged.findings:
        if " --cached " in (step := steps.get(judged.fingerprint, "")):
            # Git removes no nested repository from the working tree.
            judged.finding.help = step
        elif step:
            judged.finding.help = judged.finding.help.replace(" rm -f --cached ", " rm -f ")


def _blocks(verdicts: Sequence[Verdict], known: Container[str] = ()) -> list[Block]:
    """Return the blocks of the errors, without the known ones."""
    from specguard.reporters.concise_and_agent import finding_blocks

    return [one for verdict in verdicts for one in finding_blocks(verdict, errors=True, known=known)]


def _fingerprints(verdicts: Sequence[Verdict]) -> list[str]:
    found = [one.fingerprint for verdict in verdicts for one in verdict.findings if one.is_open_error]
    # Rules that could not be judged are reported once, too.
    return found + [result.code for verdict in verdicts for result in verdict.results if result.incomplete]


def _refuse(heading: str, blocks: Sequence[Block], command: str) -> Reply:
    from specguard.reporters.concise_and_agent import join_blocks

    details = join_blocks(blocks, MOST_WORDS - len(heading.split()), f"; {command} has them all")
    return Reply("refuse", f"{heading}\n\n{details}")


_MOST_NAMED: Final = 12
"""The highest number of guarded paths that are named; others are counted."""


def greet(event: HookEvent, looking: dict[bytes, Lookup]) -> Reply:  # noqa: ARG001
    """Return the message to the agent when a session starts.

    Raises:
        SpecguardError: the policy is missing.
    """
    from specguard.engine.trusted_policy import open_policy

    tree = trees_of(event)[0]
    pin = Pin.of(event, tree)
    folder = os.fsdecode(tree.root)
    policy = open_policy(Request(environment=event.environment, directory=folder, pinned=pin.base))
    lines = [
        f"specguard guards this repository by {visible(cut(', '.join(one for one, _ in policy.documents)))}.",
        "Edits are judged before they are written, and what a command has done after it.",
    ]
    for code, word in (("PTH001", "Never change"), ("PTH002", "Do not change without an approval")):
        if patterns := [guard.pattern for guard in policy.guards.all if guard.code == code]:
            lines.append(f"{word}: {visible(cut(listed(patterns, _MOST_NAMED)))}.")
    for name, kind in (policy.declared("work_kinds") if policy.declares("work_kinds") else {}).items():
        # Without an id it is about the next open item of a list, which may be another agent's, or fails.
        lines.append(f"`specguard brief {name}{' ID' * (not kind.pointer)}` says what your {name} asks for.")
    lines.append(
        "`specguard why PATH` says what governs a path. "
        "A refusal says the next step; do not look for a way round it, ask the person you work for."
    )
    return Reply("tell", "\n".join(filter(None, [*lines, pin.warning])))


JUDGES: Final[Mapping[str, Callable[[HookEvent, dict[bytes, Lookup]], Reply]]] = {
    "start": greet,
    "stop": judge_end,
    "after": judge_after,
}
"""The functions that answer events after a command, at the end of a turn and at the start of a session."""
