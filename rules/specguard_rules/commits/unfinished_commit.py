"""CMT005: commits that were not meant to stay."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, setting
from specguard_rules.spelling import quoted
from specguard_rules.steps import SHORT, SQUASH, drop_empty, reword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Base, Commit, Expression, Message, Stage

# These expressions are compiled where they are needed, which for most commits is nowhere: before one of them
# is tried, a subject must hold one of the words.
_WIP_WORDS: Final = ("wip", "progress", "draft", "merge", "dnm")
_WIP: Final = (
    r"\W*(wip|work[ -]in[ -]progress)\b"
    r"|[\w./-]+(\([^()]*\))?!?: *\W?(wip|work[ -]in[ -]progress)\W*$"
    r"|\W*(draft|do not merge|dnm)\W*:|[\[(] *(draft|do not merge|dnm) *[\])]"
)
_REVERT_WORDS: Final = ("Revert", "revert", "Reapply")
_REVERT: Final = r'(Revert|Reapply) "|[Rr]evert(\([^()]*\))?!?: '
# What git and the platforms write into a revert by themselves, and trailers: none of it is a reason.
_NO_REASON: Final = (
    r"This reverts commits? [0-9a-f]{7,64}(, reversing)?\W*$|changes made to [0-9a-f]{7,64}\W*$"
    r"|This reverts merge request [\w./-]*!\d+\W*$|[Rr]everts [\w./-]*#\d+\W*$"
    r"|[Rr]efs?:|[A-Z][A-Za-z-]*-[Bb]y:|\(cherry picked from commit"
)


class UnfinishedCommit(Rule):
    r"""A commit is unfinished, empty, or an unexplained revert.

    The settings list what marks a commit as unfinished. A revert's body needs a line besides what git and
    platforms write. With `merge = "squash"`, only the title is judged.

    Why is this bad? More work follows, or nobody knows why it undoes something.

    How to fix it: type the command in the finding.

    ```text
    error: commit 6590b8b0b1: the subject 'fixup! feat: add a page' waits to be squashed (fixup!)
    ```

    ```toml fails
    [[commits]]
    message = "feat: add a page"
    files = {"a.md" = "a"}

    [[commits]]
    message = "fixup! feat: add a page"
    files = {"a.md" = "b"}

    [[expect]]
    code = "CMT005"
    field = "commit.subject"
    ```

    ```toml fails
    base = {files = {"a.md" = "a"}}

    [[commits]]
    message = "Revert \"feat: add a page\"\n\nThis reverts commit 1234567890123456789012345678901234567890.\n"
    delete = ["a.md"]

    [[expect]]
    code = "CMT005"
    field = "commit.body"
    ```

    ```toml passes
    base = {files = {"a.md" = "a"}}

    [[commits]]
    message = '''
    Revert "feat: add a page"

    This reverts commit 1234567890123456789012345678901234567890.

    The page described the old program.
    '''
    delete = ["a.md"]
    ```
    """

    code: ClassVar[str] = "CMT005"
    name: ClassVar[str] = "unfinished-commit"
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = (
        "no commit waits to be squashed, is in progress or empty, or reverts without a reason"
    )

    autosquash: Literal["allow", "forbid"] = setting("forbid", "`fixup!`, `squash!`, `amend!`")
    wip: Literal["allow", "forbid"] = setting("forbid", "*WIP*, *Draft:* or *do not merge*")
    empty: Literal["allow", "forbid"] = setting("forbid", "commits that change no file (merges aside)")
    reverts: Literal["allow", "explain"] = setting("explain", "a revert's reason")
    markers: list[Expression] = setting([], "more unfinished subjects")

    def check(
        self,
        messages: Sequence[Message],
        commits: Sequence[Commit] | None = None,
        base: Base | None = None,
    ) -> Iterator[Finding]:
        """Look at each subject, at the bodies of reverts, and for commits that change nothing."""
        made = {commit.oid: commit for commit in commits or ()}
        for message in messages:
            finding = self._subject(message, made) or self._revert(message, made)
            if finding:
                yield finding
            commit = made.get(message.commit or "")
            if commit and commit.is_empty and self.empty == "forbid":
                said = f"the commit {quoted(message.subject)} changes no file"
                step = (
                    f"Drop it: `{drop_empty(commit, tuple(made.values()), base)}`"
                    if commit.parents
                    else "Let it bring a file: `git commit --amend`"
                )
                yield Finding(said, help=step, commit=commit.oid, key="empty", setting="empty")

    def _subject(self, message: Message, made: dict[str, Commit]) -> Finding | None:
        subject, step = message.subject, ""
        if self.autosquash == "forbid" and message.squashes:
            problem, setting = f"waits to be squashed ({subject.partition('!')[0]}!)", "autosquash"
            step = _squash(message, made.values())
        elif self.wip == "forbid" and _in_progress(subject):
            problem, setting = "says that the work is not done", "wip"
        else:
            for position, marker in enumerate(self.markers):
                if marker.search(subject):
                    problem, setting = f"matches {quoted(marker.text)}", f"markers.{position}"
                    break
            else:
                return None
        if not step:
            how = reword(message, made)
            step = "Finish the work, and give the commit a message of its own" + (
                f": `{how}`" if how else "."
            )
        said = f"the subject {quoted(subject)} {problem}"
        return Finding(
            said, help=step, commit=message.commit, field=message.field, key=setting, setting=setting
        )

    def _revert(self, message: Message, made: dict[str, Commit]) -> Finding | None:
        subject = message.subject
        if self.reverts == "allow" or message.source == "title" or not subject.startswith(_REVERT_WORDS):
            return None
        if not re.match(_REVERT, subject):
            return None
        body = (line.strip() for line in message.lines[1:])
        if any(line and not re.match(_NO_REASON, line) for line in body):
            return None
        oid = (message.commit or "")[:SHORT]
        # Trailers stay the last paragraph.
        how = reword(message, made, f'"$(git log -1 --format="%s%n%nREASON%n%n%b" {oid})"')
        said = f"the revert {quoted(subject)} gives no reason"
        step = "Say in the body why it is taken back" + (f": `{how}`" if how else ".")
        return Finding(
            said, help=step, commit=message.commit, field="commit.body", key="revert", setting="reverts"
        )


def _squash(message: Message, commits: Iterable[Commit]) -> str:
    """How to squash a commit into the one that it names; empty where that is none of the judged ones."""
    wanted = re.sub(r"^((fixup|squash|amend)! *)+", "", message.subject)
    for commit in commits:
        if commit.oid == message.commit:
            return ""
        if commit.message.subject.startswith(wanted) or commit.oid.startswith(wanted):
            onto = f"{commit.oid[:SHORT]}~1" if commit.parents else "--root"
            return f"Squash it into its commit: `{SQUASH} {onto}`"
    return ""


def _in_progress(subject: str) -> bool:
    plain = subject.lower()
    return any(word in plain for word in _WIP_WORDS) and re.match(_WIP, plain) is not None
