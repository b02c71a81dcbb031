"""Texts of findings: quoted names, and next steps as commands that can be typed without an editor."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise

from specguard.rules import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.rules import Base, Branch, Commit, Entry, Message, Push

QUOTED_LENGTH: Final = 100
"""The number of characters of a text that a message quotes."""

SHORT: Final = 12
"""The number of digits of an object id that messages show."""

SQUASH: Final = "git -c core.editor=: -c sequence.editor=: rebase -i --rebase-merges --autosquash --autostash"
"""Squashes every commit that is marked for it, without opening an editor; merges stay merges."""

_FILTER: Final = "FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --prune-empty"

# Other messages alter neither a commit's tree nor its author's date: it is found after steps for others, too.
_FILTER_MESSAGES: Final = (
    "FILTER_BRANCH_SQUELCH_WARNING=1 MESSAGE=\"$(printf '%%s\\n\\n' %s)\" git filter-branch -f --msg-filter "
    "'if test $(git log -1 --format=%%T%%at $GIT_COMMIT) = $(git log -1 --format=%%T%%at %s); then "
    'printf "%%s\\n" "$MESSAGE"; else cat; fi\' -- %s'
)


def quote(text: str, beside: Sequence[str] = ()) -> str:
    """Return a text in quotes, cut after `QUOTED_LENGTH` characters with the number of the omitted ones.

    If it only looks like one of the texts beside it, other characters than those of ASCII are written out.
    """
    if beside:
        from specguard.rules import look_alikes

        if look_alikes.reading(text) in map(look_alikes.reading, beside):
            return ascii(text)
    if len(text) <= QUOTED_LENGTH:
        return f"'{text}'"
    return f"'{text[:QUOTED_LENGTH]}...' ({len(text) - QUOTED_LENGTH} more characters)"


def alternatives(names: Sequence[str]) -> str:
    """Join whole names into a choice to write: `'a'`, or `'a' or 'b'`."""
    return " or ".join(f"'{name}'" for name in names)


def put_back(
    entry: Entry, base: Base, *, commit: Commit | None = None, each: bool = False, moved: Entry | None = None
) -> str:
    """Return the command that undoes an entry, as the beginning of a sentence.

    An edit that is not made yet needs no command.

    Args:
        entry: the entry to undo.
        base: what the change is compared with.
        commit: the first commit that has the entry, if the net change does not have it.
        each: True if each commit lands, so that undoing the entry in a further commit is not enough.
        moved: the other end of the move, if the entry is one end of a moved file.
    """
    if base.change.source == "edit":
        return "Leave it as it is"
    if commit is not None:
        return f"Take it out of that commit with `{_filter_paths([entry], base)}`"
    if moved is not None:
        old, new = (entry, moved) if entry.deleted else (moved, entry)
        step = f"Move it back with `{_move_back(old, new, base)}"
    elif base.of_files and entry.added:
        # The index need not have it. A nested repository may hold work, so it is not deleted.
        name = shell_quote(entry.path)
        nested = f"{_git(entry.path)} rm -qf --cached --ignore-unmatch -- {name} && mv -- {name} .."
        step = f"Take it out with `{nested if entry.is_submodule else f'rm -- {name}'}"
    elif entry.added or (origin := base.origin(entry)) is None:
        step = f"Take it out with `{_git(entry.path)} rm -f --cached -- {shell_quote(entry.path)}"
    else:
        step = f"Put it back with `{_checkout(entry.path, origin)}"
    try:
        return _fold_into_commits(step, [entry] if moved is None else [entry, moved], base, each=each)
    except MissingFact:
        # The finding is valid even if its commits cannot be read.
        return f"{step}`"


def _fold_into_commits(step: str, entries: Sequence[Entry], base: Base, *, each: bool) -> str:
    """Return a step that also changes the commits with the entries; without commits the plain step."""
    if not (commits := base.commits):
        return f"{step}`"
    touching, last = {one.oid for entry in entries for one in base.touching(entry.path)}, commits[-1]
    # A folder can be where a file was.
    inside = tuple(one.path + b"/" for one in entries)
    only_these = touching == {last.oid} and all((e.path + b"/").startswith(inside) for e in last.own_entries)
    if only_these and len(last.parents) == 1:
        return f"Take the commit back with `git reset --keep {_revision_before(last)}`"
    if not each or touching <= {last.oid}:
        # If this empties the commit, another rule reports the empty commit.
        return f"{step} && git commit --amend --no-edit --allow-empty`"
    return f"Take it out of the commits with `{_filter_paths(entries, base)}`"


def undo_removal(path: bytes, commit: str, commits: Sequence[Commit]) -> str:
    """Return the command that restores a file which one of the change's commits removes.

    Args:
        path: the removed file.
        commit: the object id of the commit that removes it.
        commits: the change's commits, oldest first.
    """
    first, *later = commits[[one.oid for one in commits].index(commit) :]
    # One of a merge's parents may never have had the file.
    altered = [any(entry.path == path and not entry.added for entry in diff) for diff in first.diffs]
    start, name = first.parents[altered.index(True)][:SHORT], shell_quote(path)
    if not later and (first.is_merge or len(first.own_entries) != 1):
        return f"git checkout {start} -- {name} && git commit --amend --only --no-edit -- {name}"
    return _filter_command(f"reset -q {start}", [path], f"{start}..HEAD")


def restore(path: bytes, base: Base, new: bytes = b"") -> str:
    """Return the command that restores a file or folder of the base, as the beginning of a sentence.

    Args:
        path: its path in the base.
        base: what the change is compared with.
        new: the path it was moved to; empty if it was not moved.
    """
    step = _checkout(path, base.start or "HEAD")
    step += f" && {'rm' if base.of_files else f'{_git(new)} rm -q'} -- {shell_quote(new)}" if new else ""
    step += " && git commit --amend --no-edit --allow-empty" if base.commits else ""
    return f"Put it back with `{step}`"


def rename(path: bytes, base: Base) -> str:
    """Return the command that gives a file or folder another name."""
    amend = " && git commit --amend --no-edit" if base.commits else ""
    return f"{'mv' if base.of_files else 'git mv'} -- {shell_quote(path)} NEW_NAME{amend}"


def _move_back(old: Entry, new: Entry, base: Base) -> str:
    # What git tells of a submodule's move is staged.
    if base.of_files and not new.is_submodule:
        return f"{_checkout(old.path, base.origin(old) or 'HEAD')} && rm -- {shell_quote(new.path)}"
    folder = old.path.rpartition(b"/")[0]
    mkdir = f"mkdir -p -- {shell_quote(folder)} && " if folder else ""
    return f"{mkdir}git mv -- {shell_quote(new.path)} {shell_quote(old.path)}"


def _filter_paths(entries: Sequence[Entry], base: Base) -> str:
    """Return the command that undoes the change of paths in each of its commits, merges included."""
    start = base.start[:SHORT] if base.start else ""
    undo = f"reset -q {start}" if start else "rm -q --cached --ignore-unmatch"
    return _filter_command(undo, [entry.path for entry in entries], f"{start}..HEAD" if start else "HEAD")


def _filter_command(undo: str, paths: Sequence[bytes], revisions: str) -> str:
    """Return the `git filter-branch` command that undoes a change of some paths in each commit of a range."""
    import shlex

    # Git runs the filter with `sh`, which knows fewer ways to quote.
    words = shlex.join(path.decode("utf-8", "surrogateescape") for path in paths)
    return f"{_FILTER} --index-filter {shell_quote(f'{_git(*paths)} {undo} -- {words}')} {revisions}"


def squash(group: Sequence[Commit], excess: int, commits: Sequence[Commit]) -> str:
    """Return the command that squashes the last commits of a group, each into the one right before it.

    Args:
        group: the commits that count.
        excess: the number of commits that are too many.
        commits: all commits of the change, oldest first.

    Returns:
        The command; empty if merges or other commits are between too many of them.
    """
    names = {one.oid for one in group if not one.is_merge}
    pairs = [(one, two) for one, two in pairwise(commits) if {one.oid, two.oid} <= names][-excess:]
    if len(pairs) < excess or any(one.is_merge for one in commits[commits.index(pairs[0][0]) :]):
        return ""
    edits = "; ".join(f"s/^pick {two.oid[:SHORT]}/fixup {two.oid[:SHORT]}/" for _, two in pairs)
    edited = f"-c core.abbrev={SHORT} -c sequence.editor=\"sed -i.old '{edits}'\" -c core.editor=:"
    return f"git {edited} rebase -i --autostash {_revision_before(pairs[0][0])}"


class CommitsById(dict[str, "Commit"]):
    """The judged commits by their ids, oldest first."""

    def __init__(self, commits: Iterable[Commit] = ()) -> None:
        super().__init__((commit.oid, commit) for commit in commits)

    @cached_property
    def range(self) -> str:
        """Their revision range for git: the branch without the earlier commits."""
        parents = (parent for commit in self.values() for parent in commit.parents)
        before = dict.fromkeys(parent for parent in parents if parent not in self)
        return " ".join(["HEAD", *(f"^{parent[:SHORT]}" for parent in before)])

    def drop_empty(self) -> str:
        """Return the command that drops those that change no files."""
        return f"{_FILTER} {self.range}"

    def autosquash(self, message: Message) -> str:
        """Return the command that squashes a commit into the one that it is for; empty without one."""
        wanted = re.sub(r"^((fixup|squash|amend)! +)+", "", message.subject.rstrip())
        for commit in self.values():
            if commit.oid == message.commit:
                break
            if commit.message.subject.startswith(wanted) or commit.oid.startswith(wanted):
                return f"{SQUASH} {_revision_before(commit)}"
        return ""


def reword(message: Message, by_id: CommitsById, words: Sequence[str] = ()) -> str:
    """Return the command that gives a commit another message; empty for a message that is being written.

    Args:
        message: the commit's message.
        by_id: the judged commits by their ids, oldest first.
        words: a shell word for each paragraph of the new message; empty for the placeholder `SUBJECT` as its
            first line.
    """
    if not message.commit:
        return ""
    words = words or shell_words("SUBJECT", message)
    if message.commit not in by_id or message.commit == next(reversed(by_id)):
        return f"git commit --amend --only -m {' -m '.join(words)}"
    # Here the words are arguments of `printf`.
    return _FILTER_MESSAGES % (" ".join(words), message.commit, by_id.range)


def add_trailer(trailer: str, message: Message | None, by_id: CommitsById) -> str:
    """Return the command that adds a trailer to a commit's message, or to the one that git has just refused.

    Args:
        trailer: `Key: VALUE`; empty for a sign-off by the person who runs the command.
        message: the message; None for that of the last commit.
        by_id: the judged commits by their ids, oldest first.
    """
    option = f"--trailer {shell_quote(trailer)}" if trailer else "--signoff"
    if message is not None and not message.commit:
        return f'git commit {option} --cleanup=strip -F "$(git rev-parse --git-path COMMIT_EDITMSG)"'
    commit = by_id.get(message.commit or "") if message else None
    if message is None or commit is None or message.commit == next(reversed(by_id)):
        return f"git commit --amend --only --no-edit {option}"
    option = option if trailer else f"--trailer {shell_quote(f'Signed-off-by: {commit.committer}')}"
    whole = f'"$(git log -1 --format=%B {commit.oid[:SHORT]} | git interpret-trailers {option})"'
    return reword(message, by_id, [whole])


def shell_words(subject: str, message: Message) -> list[str]:
    """Return the shell words that give a commit's message with another subject."""
    said = f"git log -1 --format=%b {(message.commit or '')[:SHORT]}"
    if "".join(message.lines[1:2]).strip():
        # For git a line right below the first one belongs to the subject.
        said = said.replace("%b", "%B") + " | tail -n +2"
    return [shell_quote(subject), f'"$({said})"'] if message.body else [shell_quote(subject)]


def take_there(name: str, branch: Branch, base: Base, push: Push | None = None) -> str:
    """Return the step that moves the commits to an item's branch, which may exist with other commits."""
    word, ref, git = shell_quote(name), f"refs/heads/{name}", base.change.git
    command = move_to_branch(word, branch, base, push)
    if not command.startswith("git push") and (tip := git.repository.refs_named([ref]).get(ref)):
        command = f"git switch {word}" + (f" && git merge {shell_quote(branch.name)}" if base.commits else "")
        if base.commits and git.revisions(tip, base.tip, base.head):
            others = f"The branch {quote(name)} exists, with commits that {quote(branch.name)} lacks"
            return f"{others}: rename it first, or go on there."
    return f"Take it there with `{command}`."


def move_to_branch(name: str, branch: Branch, base: Base, push: Push | None = None) -> str:
    """Return the command that moves the commits to a branch of another name; the base's branch stays."""
    # `git push origin HEAD` does not name the branch.
    own = ["HEAD"] if base.change.git.repository.branch == f"refs/heads/{branch.name}" else []
    if push is not None and push.local_ref not in (f"refs/heads/{branch.name}", *own):
        pushed = shell_quote(push.local_ref or push.new or "HEAD")
        return f"git push {shell_quote(push.remote)} {pushed}:refs/heads/{name}"
    # A branch other than the judged one may be checked out.
    old = f" {shell_quote(branch.name)}" if branch.source in ("push", "head") else ""
    return f"git switch -c {name}{old}" if base.is_shared(branch.name) else f"git branch -m{old} {name}"


def _revision_before(commit: Commit) -> str:
    return f"{commit.oid[:SHORT]}~1" if commit.parents else "--root"


def _checkout(path: bytes, revision: str) -> str:
    return f"{_git(path)} checkout {revision[:SHORT]} -- {shell_quote(path)}"


def _git(*paths: bytes) -> str:
    wild = any(path.startswith(b":") or {*b"*?[\\"} & {*path} for path in paths)
    return "git --literal-pathspecs" if wild else "git"


def shell_quote(word: str | bytes) -> str:
    """Quote a text as one word of a shell command, as `look_alikes.shell_word` does."""
    from specguard.rules import look_alikes

    return look_alikes.shell_word(word)
