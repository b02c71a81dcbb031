"""CMT005: commits that were not meant to stay."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, setting
from specguard_rules.next_steps import SHORT, SQUASH, about, drop_empty, reword
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Commit, Expression, Message, Stage

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

    autosquash: Literal["allow", "forbid"] = setting(
        "forbid", "`fixup!`, `squash!`, `amend!`", tightens=["allow", "forbid"]
    )
    wip: Literal["allow", "forbid"] = setting(
        "forbid", "*WIP*, *Draft:* or *do not merge*", tightens=["allow", "forbid"]
    )
    empty: Literal["allow", "forbid"] = setting(
        "forbid", "commits that change no file (merges aside)", tightens=["allow", "forbid"]
    )
    reverts: Literal["allow", "explain"] = setting(
        "explain", "a revert's reason", tightens=["allow", "explain"]
    )
    markers: list[Expression] = setting([], "more unfinished subjects", tightens="more")

    def check(
        self, messages: Sequence[Message], commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Look at each subject, at the bodies of reverts, and for commits that change nothing."""
        made = {commit.oid: commit for commit in commits or ()}
        for message in messages:
            subject = quoted(message.subject)
            problem, setting = self._problem(message.subject, squashes=message.squashes)
            if problem:
                step = "Finish the work, and give the commit a message of its own"
                how = reword(message, made)
                if setting == "autosquash":
                    onto = _squashed_onto(message, made)
                    step, how = ("Squash it into its commit", f"{SQUASH} {onto}") if onto else (step, how)
                yield about(message, f"the subject {subject} {problem}", step, setting, how=how)
            elif self.reverts == "explain" and message.source != "title" and _unexplained(message):
                oid = (message.commit or "")[:SHORT]
                # Trailers stay the last paragraph.
                how = reword(message, made, f'"$(git log -1 --format="%s%n%nREASON%n%n%b" {oid})"')
                what, step = f"the revert {subject} gives no reason", "Say in the body why it is taken back"
                yield about(message, what, step, "revert", "reverts", field="commit.body", how=how)
            commit = made.get(message.commit or "")
            if commit and commit.is_empty and self.empty == "forbid":
                step = f"Drop it: `{drop_empty(commit, list(made.values()))}`"
                if not commit.parents:
                    step = "Let it bring a file: `git commit --amend`"
                what = f"the commit {subject} changes no file"
                yield Finding(what, help=step, commit=commit.oid, key="empty", setting="empty")

    def _problem(self, subject: str, *, squashes: bool) -> tuple[str, str]:
        """What shows that a commit is not to stay, as a clause, and the setting that asks; both empty."""
        if self.autosquash == "forbid" and squashes:
            return f"waits to be squashed ({subject.partition('!')[0]}!)", "autosquash"
        plain = subject.lower()
        if self.wip == "forbid" and any(word in plain for word in _WIP_WORDS) and re.match(_WIP, plain):
            return "says that the work is not done", "wip"
        for position, marker in enumerate(self.markers):
            if marker.search(subject):
                return f"matches {quoted(marker.text)}", f"markers.{position}"
        return "", ""


def _unexplained(message: Message) -> bool:
    """Whether a message is a revert's, and nothing in it says why."""
    if not message.subject.startswith(_REVERT_WORDS) or not re.match(_REVERT, message.subject):
        return False
    body = (line.strip() for line in message.lines[1:])
    return not any(line and not re.match(_NO_REASON, line) for line in body)


def _squashed_onto(message: Message, made: Mapping[str, Commit]) -> str:
    """What stands before the judged commit that a message wants to be squashed into; empty without one."""
    wanted = re.sub(r"^((fixup|squash|amend)! *)+", "", message.subject)
    for commit in made.values():
        if commit.oid == message.commit:
            break
        if commit.message.subject.startswith(wanted) or commit.oid.startswith(wanted):
            return f"{commit.oid[:SHORT]}~1" if commit.parents else "--root"
    return ""
