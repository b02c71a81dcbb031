"""CMT003: the form of a commit message: lengths, blank line, encoding, characters."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, setting
from specguard_rules.spelling import quoted
from specguard_rules.steps import quoted_text, reword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.rules import Commit, Expression, Fix, Message, Stage

# C0 but tab, newline and the return of a CRLF; DEL and C1; separators that only look like newlines; and what
# reorders text. Joiners and marks that scripts and emoji need are not among them.
_CONTROL: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n|$)"
_WHOLE: Final = r"^(?:    |\t)|\bhttps?://\S"
_REVERT: Final = r'(?:Revert|Reapply) "(.*)"'
_UTF8: Final = ("utf-8", "utf8")


class CommitForm(Rule):
    r"""A commit message is too long, malformed or unreadable.

    Lengths are characters, and bytes for the whole message; `0` sets no limit. Of merge commits, only
    encoding, characters and size are judged. Lines with an address or without a space, and indented code, may
    be wider. `authors` ignores `.mailmap`.

    Why is this bad? Tools cut long subjects, and join the next line without a blank one.

    How to fix it: type the command in the finding.

    See also: `commit-message`

    ```text
    error: commit 34c36ea46a: the second line is not blank: 'without a blank line'
    ```

    ```toml fails
    commits = [{message = "feat: add a page\nwithout a blank line\n", files = {"a.md" = "a"}}]
    expect = [{code = "CMT003", field = "commit.body", message = "second line"}]
    ```

    ```toml fails
    policy = '''
    [rules.commit-form]
    subject_max = 20
    trailing_dot = "forbid"
    '''

    [[commits]]
    message = "feat: add a page about pages."
    files = {"a.md" = "a"}

    [[expect]]
    code = "CMT003"
    message = "29 characters"

    [[expect]]
    code = "CMT003"
    message = "ends with a dot"
    ```

    ```toml passes
    policy = '''
    [rules.commit-form]
    body_width = 72
    trailing_dot = "forbid"
    '''

    [[commits]]
    message = "feat: add a page\n\nSee https://example.org/a/very/long/address/that/no/one/can/wrap/into/two/lines\n"
    files = {"a.md" = "a"}
    ```
    """

    code: ClassVar[str] = "CMT003"
    name: ClassVar[str] = "commit-form"
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = (
        "every message is plain text of at most {message_max} bytes, with a subject of at most {subject_max} "
        "characters (0: any number) and a blank line behind it"
    )
    fixes: ClassVar[str] = (
        "adds the blank line and drops the final dot, in an unpushed newest commit or a new message"
    )

    subject_max: int = setting(100, "the most characters of a subject", ge=0)
    body_width: int = setting(0, "the same of a body line", ge=0)
    message_max: int = setting(65536, "the most bytes of a message", ge=0)
    blank_line: Literal["require", "optional"] = setting("require", "below the subject")
    trailing_dot: Literal["allow", "forbid"] = setting("allow", "a dot at a subject's end")
    empty: Literal["allow", "forbid"] = setting("forbid", "an empty subject")
    encoding: Literal["utf-8", "any"] = setting("utf-8", "the allowed encodings")
    control: Literal["allow", "forbid"] = setting("forbid", "control characters, and ones that reorder text")
    authors: list[Expression] = setting([], "what author and committer (`Name <address>`) must match")

    def check(
        self, messages: Sequence[Message], commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Look at each message, and at who made each commit."""
        for message in messages:
            found = list(self._bytes(message))
            if not message.merge:
                found.extend(self._subject(message))
                if message.source != "title":
                    found.extend(self._body(message))
            for finding in found:
                text = _text(finding.key, message) if len(found) == 1 else ""
                how = reword(message, {one.oid: one for one in commits or ()}, text)
                if how:
                    finding.help = f"{finding.help.rstrip('.')}: `{how}`"
                yield finding
        if self.authors:
            for commit in commits or ():
                yield from self._people(commit)

    def fix(self, finding: Finding) -> Fix | None:
        """The blank line, or the subject without its dot."""
        from specguard.rules import RewordMessage

        edits = _edits()
        if finding.key not in edits or finding.field not in ("commit.subject", "commit.body"):
            return None
        return RewordMessage(finding.commit, edits[finding.key])

    def _bytes(self, message: Message) -> Iterator[Finding]:
        size = len(message.raw)
        if self.message_max and size > self.message_max:
            yield _about(
                message, "message_max", f"the message has {size} bytes, and {self.message_max} are allowed",
                "Keep the message short, and put the rest into a file.",
            )  # fmt: skip
        if self.encoding == "utf-8":
            if message.encoding and message.encoding.lower() not in _UTF8:
                yield _about(
                    message, "encoding", f"the commit says that its encoding is {quoted(message.encoding)}",
                    "Unset `i18n.commitEncoding`, and write it in UTF-8.",
                )  # fmt: skip
            elif not message.valid:
                yield _about(
                    message, "encoding", f"the message {quoted(message.subject)} is not UTF-8",
                    "Write it again in UTF-8.",
                )  # fmt: skip
        if self.control == "forbid":
            found = re.search(_CONTROL, message.text)
            if found:
                line = message.text.count("\n", 0, found.start()) + 1
                yield _about(
                    message, "control",
                    f"line {line} of the message has the character U+{ord(found[0]):04X}, which is not shown "
                    "or changes how text is shown",
                    "Take the character out.",
                )  # fmt: skip

    def _subject(self, message: Message) -> Iterator[Finding]:
        subject = message.subject.rstrip("\r")
        if not subject.strip():
            if self.empty == "forbid":
                yield _about(
                    message, "empty", "the subject is empty", "Say in one line what the commit does."
                )
            return
        revert = re.fullmatch(_REVERT, subject) if subject.startswith("Re") else None
        length = len(revert[1] if revert else subject)
        if self.subject_max and length > self.subject_max:
            yield _about(
                message, "subject_max",
                f"the subject has {length} characters, and {self.subject_max} are allowed: {quoted(subject)}",
                "Shorten it, and move the rest to the body.",
            )  # fmt: skip
        if self.trailing_dot == "forbid" and subject.endswith(".") and not subject.endswith("..."):
            yield _about(
                message, "trailing_dot", f"the subject {quoted(subject)} ends with a dot", "Take the dot off."
            )

    def _body(self, message: Message) -> Iterator[Finding]:
        second = message.text.partition("\n")[2].partition("\n")[0]
        if self.blank_line == "require" and second.strip():
            yield _about(
                message, "blank_line", f"the second line is not blank: {quoted(second)}",
                "Put a blank line between subject and body.", field="commit.body",
            )  # fmt: skip
        if not self.body_width:
            return
        wide = [
            (number, len(line))
            for number, line in enumerate(message.lines[1:], start=2)
            if len(line) > self.body_width and " " in line.strip() and not re.search(_WHOLE, line)
        ]
        if wide:
            more = f", and {len(wide) - 1} more are too wide" if len(wide) > 1 else ""
            yield _about(
                message, "body_width",
                f"line {wide[0][0]} of the message has {wide[0][1]} characters, and {self.body_width} are "
                f"allowed{more}",
                "Wrap the body.", field="commit.body",
            )  # fmt: skip

    def _people(self, commit: Commit) -> Iterator[Finding]:
        for role, person in (("author", commit.author), ("committer", commit.committer)):
            if not any(expression.search(person) for expression in self.authors):
                yield Finding(
                    f"the {role} {quoted(person)} is not one that the policy names",
                    help="Set user.name and user.email, then git commit --amend --reset-author.",
                    commit=commit.oid,
                    field="commit.author",
                    key=f"{role} {person}",
                    setting="authors",
                )


def _edits() -> dict[str, Callable[[str], str]]:
    return {"blank_line": _with_blank_line, "trailing_dot": _without_dot}


def _text(key: str, message: Message) -> str:
    """The words of a shell that give the right message; `MESSAGE` where nobody knows it."""
    if key == "blank_line":
        subject, _, rest = message.text.rstrip("\n").partition("\n")
        return f"{quoted_text(subject)} -m {quoted_text(rest)}"
    if key in _edits():
        return quoted_text(_edits()[key](message.text).rstrip("\n"))
    return "" if key in ("empty", "subject_max") else "MESSAGE"


def _with_blank_line(text: str) -> str:
    subject, _, rest = text.partition("\n")
    return f"{subject}\n\n{rest}" if rest.partition("\n")[0].strip() else text


def _without_dot(text: str) -> str:
    subject, newline, rest = text.partition("\n")
    bare = subject.rstrip(".").rstrip()
    return bare + newline + rest if bare and subject.endswith(".") else text


def _about(message: Message, setting: str, problem: str, step: str, *, field: str = "") -> Finding:
    return Finding(
        problem, help=step, commit=message.commit, field=field or message.field, key=setting, setting=setting
    )
