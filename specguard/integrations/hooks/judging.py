"""Judge a tool call by the policy of the trusted base, and answer the agent."""

from __future__ import annotations

import os
import re

from specguard.change.check_request import FileEdit, Request
from specguard.errors import NoAuthorityError, SpecguardError
from specguard.integrations.hooks.dialects import HookEvent, Reply
from specguard.integrations.hooks.session_pins import Pin, open_git
from specguard.integrations.hooks.tool_calls import absolute_names, effects_of, is_below, locate, work_tree_at
from specguard.model import TYPE_CHECKING, Verdict, folders_of, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.change.repository import Lookup
    from specguard.integrations.hooks.tool_calls import Checkout, Effects
    from specguard.reporters.concise_and_agent import Block

_PROCESS_PATHS: Final = rb"//?(?:proc/(?:self|thread-self|[0-9]+)|dev/fd)/"
"""A pattern for the beginning of paths that name another file in each process."""

MOST_WORDS: Final = 70
"""The highest number of words in a refusal, unless a single reason has more."""


def judge(event: HookEvent, looking: dict[bytes, Lookup]) -> Reply:
    """Judge an event before an edit or a command.

    Args:
        event: the event.
        looking: git processes that already look for repositories, by the roots of their working trees.

    Raises:
        SpecguardError: no verdict is possible.
        UnreadableError: the call cannot be understood.
    """
    effects = effects_of(event)
    try:
        judging = _Judging(event, looking, dict(effects.branches))
        judging.protect_earlier_edits(effects)
    except SpecguardError:
        if effects.edits or effects.messages or effects.bypasses or effects.refs or effects.unknown:
            raise
        # There is nothing to judge here, or it is broken; the next event with a verdict reports that.
        return Reply()
    judging.refuse_bypasses(effects)
    judged = judging.judge_edits(effects.edits)
    for root, message in effects.messages:
        judging.judge_in(root or judging.trees[0].root, message=message)
    if effects.unknown and not (judged or judging.guard_blocks or effects.edits or effects.messages):
        # An undecided call needs a policy: without one it is refused.
        from specguard.engine.trusted_policy import open_policy

        open_policy(Request(environment=event.environment, directory=os.fsdecode(judging.trees[0].root)))
    return judging.answer()


class _Judging:
    """The judgement of one event.

    Attributes:
        trees: the working trees of the event.
        pin: the session's pin.
        guard_blocks: the reasons to refuse the event that come from the guard itself, not from rules.
    """

    def __init__(self, event: HookEvent, looking: dict[bytes, Lookup], branches: Mapping[bytes, str]) -> None:
        self.trees = trees_of(event)
        self.pin = Pin.of(event, self.trees[0])
        self.guard_blocks: list[Block] = []
        self._event = event
        self._looking, self._branches = looking, branches
        self._rule_blocks: list[Block] = []
        self._seen: set[tuple[bytes, str]] = set()

    def _refuse(self, what: str, step: str) -> None:
        """Add a reason of the guard itself, and the next step."""
        from specguard.reporters.escape import cut, visible

        self.guard_blocks.append((f"{visible(cut(what))}\n  next: {step}", "", "the guard itself"))

    def protect_earlier_edits(self, effects: Effects) -> None:
        """Refuse to discard uncommitted edits from before the session, even if they were altered since."""
        own_tree = self.trees[0]
        if not (effects.discards or effects.cleans) or not any(self.pin.states_before(own_tree.root)):
            return
        from specguard.change.worktree import read_uncommitted

        with open_git(own_tree.root, self._event.environment) as git:
            current, _, new = read_uncommitted(git)
            # Git wrote what a file in conflict has; `git merge --abort` discards it, too.
            merging = {one.path for one in git.index_diff(git.checked_out) if one.status == "U"}
            earlier = self.pin.earlier_edits(git, own_tree.root, {**new, **current})
        # A file that was moved since is there under another name.
        moved = {state for state in earlier.values() if not state.startswith("0 ")}
        files: list[str] = []
        for paths, states in ((effects.discards, current), (effects.cleans, new)):
            names = [name for path in paths for name in absolute_names(path, self._event, gone=True)]
            found = locate(names, [own_tree], gone=True)
            places = [path for tree, path in found if tree.root == own_tree.root]
            files += [
                path_text(path)
                for path, state in states.items()
                if path not in merging
                and not state.startswith("160000 ")  # Git removes no nested repository.
                and (state in moved or path in earlier)
                and any(not one or is_below(path, one) for one in places)
            ]
        if files:
            what = f"{listed(files, 3)}: edited before this session, not by you, and this would throw it away"
            self._refuse(what, "Leave that as it is, and name the files that you have changed.")

    def refuse_bypasses(self, effects: Effects) -> None:
        """Add a reason for each way to bypass the guard."""
        more = " For another repository, make and enter it in an earlier command." if effects.unplaced else ""
        for ref in effects.refs:
            if self.pin.is_base_ref(ref):
                verb = "includes" if ref.endswith("*") else "is"
                what = f"`{ref}` {verb} the base of this session, {self.pin.name}, and would be moved"
                self._refuse(what, f"Push your own branch, and let a person bring it there.{more}")
        for clause in effects.bypasses:
            self._refuse(clause, f"Leave that out, and fix what the guard says.{more}")

    def judge_edits(self, edits: Sequence[FileEdit]) -> bool:
        """Judge edits in each working tree that they would write to; return True if there is such a tree."""
        by_tree: dict[bytes, list[FileEdit]] = {self.trees[0].root: []}
        for edit in edits:
            self._assign(edit, by_tree)
        by_tree = {root: found for root, found in by_tree.items() if found}
        for root, found in by_tree.items():
            folders = {folder for edit in found if not edit.removes for folder in folders_of(edit.path)}
            # A copied folder or a link may have files below it: these are judged, and it is no file.
            found[:] = [edit for edit in found if edit.removes or edit.path not in folders]
            known = [edit for edit in {edit.path: edit for edit in found}.values() if edit.known]
            try:
                # A rule stops at unknown contents, so the known ones are judged separately, too. In both, the
                # last write of each file counts.
                self.judge_in(root, found)
                if known and len(known) < len(found):
                    self.judge_in(root, known)
            except NoAuthorityError:
                # A repository next to the agent's project need not be guarded.
                if any(root == tree.root for tree in self.trees[: 1 if self._event.projects else None]):
                    raise
        return bool(by_tree)

    def _assign(self, edit: FileEdit, by_tree: dict[bytes, list[FileEdit]]) -> None:
        """Add an edit to each working tree that it would write to, or the reason why it is refused."""
        from specguard.integrations.hooks.protected_files import refusal_reason

        names = absolute_names(edit.path, self._event, gone=edit.removes)
        places = locate(names, self.trees, gone=edit.removes)
        trees = list(dict.fromkeys([*self.trees, *(tree for tree, _ in places)]))
        reason = refusal_reason(edit, names, trees, self._event.environment)
        paths = (os.path.normpath(edit.path), *names)
        if not reason and any(re.match(_PROCESS_PATHS, path) for path in paths):
            shown_path = edit.path.decode("utf-8", "backslashreplace")
            reason = f"{shown_path} is another file for each process, and cannot be judged"
        if reason:
            self._refuse(reason, "Leave it as it is; a person who wants it changed does that.")
        for tree, path in places:
            # Git's own folder is not part of a tree, and `refusal_reason` has judged it.
            if b".git" not in path.lower().split(b"/"):
                by_tree.setdefault(tree.root, []).append(FileEdit(path, edit.content, edit.known))

    def judge_in(self, root: bytes, edits: Sequence[FileEdit] = (), message: str = "") -> None:
        """Judge edits or a message in a working tree, and collect the new findings."""
        for verdict in self._verdicts(root, edits, message):
            results = [result for result in verdict.results if result.findings or result.incomplete]
            if not results:
                continue
            from specguard.change.object_store import UNKNOWN_CONTENT
            from specguard.integrations.hooks.protected_files import drop_ignored
            from specguard.reporters.concise_and_agent import finding_blocks

            drop_ignored(verdict, root, self._event.environment)
            for result in results:
                found = [one for one in result.findings if one.is_open_error]
                result.findings = [one for one in found if (root, one.fingerprint) not in self._seen]
                self._seen.update((root, one.fingerprint) for one in result.findings)
            # Unknown contents are judged later, when they exist.
            verdict.results = [one for one in results if one.findings or one.reason != UNKNOWN_CONTENT]
            self._rule_blocks += finding_blocks(verdict, errors=True)

    def _verdicts(self, root: bytes, edits: Sequence[FileEdit], message: str) -> list[Verdict]:
        """Return the verdicts; without a committed authority, that of the working tree judges."""
        own_roots = [tree.root for tree in self.trees if tree.common == self.trees[0].common]
        pin = self.pin if root in own_roots else Pin()
        request = Request(
            environment=self._event.environment,
            directory=os.fsdecode(root),
            pinned=pin.base,
            session_head=pin.head,
            session_files=pin.states_before(root),
            edits=edits,
            message=message,
            branch=self._branches.get(root, ""),
        )
        from specguard.change.repository import Lookup

        # Git looks for the repository and starts to read objects during the imports.
        looking = self._looking.pop(root, None) or Lookup.of(request)
        from specguard.change.git import Git

        git = Git(looking.repository())
        git.start_batch()
        from specguard.engine.check import check

        try:
            return check(request, needs={"quotes"}, git=git)
        except NoAuthorityError:
            file = os.path.join(request.directory, "SPEC_AUTHORITY.md")
            if not os.path.isfile(file):
                raise
            return check(request.with_values(authority=file), needs={"quotes"})
        except SpecguardError as error:
            # An edit of only the files with the error may fix it.
            edited = {os.fsdecode(edit.path) for edit in edits}
            if edited and edited <= {one.path for one in error.errors()}:
                return []
            raise

    def answer(self) -> Reply:
        """Return the answer to the agent."""
        warning = self.pin.warning
        if not (blocks := list(dict.fromkeys([*self.guard_blocks, *self._rule_blocks]))):
            return Reply("tell" if warning else "pass", warning)
        from specguard.reporters.concise_and_agent import join_blocks

        heading = f"specguard refuses this {self._event.moment}: nothing of it was done."
        text = join_blocks(blocks, MOST_WORDS - len(heading.split()))
        return Reply("refuse", "\n\n".join(filter(None, [heading, warning, text])))


def trees_of(event: HookEvent) -> list[Checkout]:
    """Return the working trees of an event: those of its projects, its folder, and this process.

    Raises:
        SpecguardError: none of the folders is in a git repository.
    """
    folders = [*event.projects, event.directory]
    try:
        folders.append(os.getcwdb())
    except OSError:
        # The agent may have removed the folder in which it was started.
        folders.append(event.directory)
    found = {tree.root: tree for tree in map(work_tree_at, dict.fromkeys(folders)) if tree is not None}
    if not found:
        what = "the agent works in no git repository, so there is no policy to judge by"
        step = "start it in one that has a SPEC_AUTHORITY.md, or take the hook out of its settings elsewhere"
        raise SpecguardError(what, help=step, code="no-repository")
    return list(found.values())
