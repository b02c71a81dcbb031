"""CMT003: the form of a commit message: lengths, blank line, encoding, characters."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, setting
from specguard_rules.next_steps import about, quoted_text, reword
from specguard_rules.spelling import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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

    subject_max: int = setting(100, "the most characters of a subject", ge=0, tightens="lower")
    body_width: int = setting(0, "the same of a body line", ge=0, tightens="lower")
    message_max: int = setting(65536, "the most bytes of a message", ge=0, tightens="lower")
    blank_line: Literal["require", "optional"] = setting(
        "require", "below the subject", tightens=["optional", "require"]
    )
    trailing_dot: Literal["allow", "forbid"] = setting(
        "allow", "a dot at a subject's end", tightens=["allow", "forbid"]
    )
    empty: Literal["allow", "forbid"] = setting("forbid", "an empty subject", tightens=["allow", "forbid"])
    encoding: Literal["utf-8", "any"] = setting("utf-8", "the allowed encodings", tightens=["any", "utf-8"])
    control: Literal["allow", "forbid"] = setting(
        "forbid", "control characters, and ones that reorder text", tightens=["allow", "forbid"]
    )
    authors: list[Expression] = setting(
        [], "what author and committer (`Name <address>`) must match", tightens="only"
    )

    def check(
        self, messages: Sequence[Message], commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Look at each message, and at who made each commit."""
        made = {one.oid: one for one in commits or ()}
        for message in messages:
            found = list(self._bytes(message))
            if not message.merge:
                found += self._subject(message)
                if message.source != "title":
                    found += self._body(message)
            for key, problem, step in found:
                text = _text(key, message) if len(found) == 1 else ""
                field = "commit.body" if key in ("blank_line", "body_width") else ""
                yield about(message, problem, step, key, field=field, how=reword(message, made, text))
        for commit in made.values() if self.authors else ():
            for role, person in (("author", commit.author), ("committer", commit.committer)):
                if not any(expression.search(person) for expression in self.authors):
                    yield Finding(
                        f"the {role} {quoted(person)} is not one that the policy names",
                        help="Set user.name and user.email, then "
                        "git commit --amend --only --no-edit --reset-author.",
                        commit=commit.oid,
                        field="commit.author",
                        key=f"{role} {person}",
                        setting="authors",
                    )

    def fix(self, finding: Finding) -> Fix | None:
        """The blank line, or the subject without its dot."""
        from specguard.rules import RewordMessage

        edit = {"blank_line": _with_blank_line, "trailing_dot": _without_dot}.get(finding.key)
        if edit is None or finding.field not in ("commit.subject", "commit.body"):
            return None
        return RewordMessage(finding.commit, edit)

    def _bytes(self, message: Message) -> Iterator[tuple[str, str, str]]:
        """What is wrong with a message as it is stored: a setting, a clause, the next step."""
        size = len(message.raw)
        if self.message_max and size > self.message_max:
            what = f"the message has {size} bytes, and {self.message_max} are allowed"
            yield "message_max", what, "Keep the message short, and put the rest into a file"
        if self.encoding == "utf-8":
            if message.encoding and message.encoding.lower() not in _UTF8:
                what = f"the commit says that its encoding is {quoted(message.encoding)}"
                yield "encoding", what, "Unset `i18n.commitEncoding`, and write it in UTF-8"
            elif not message.valid:
                yield (
                    "encoding",
                    f"the message {quoted(message.subject)} is not UTF-8",
                    "Write it again in UTF-8",
                )
        control = re.search(_CONTROL, message.text) if self.control == "forbid" else None
        if control:
            line = message.text.count("\n", 0, control.start()) + 1
            what = (
                f"line {line} of the message has the character U+{ord(control[0]):04X}, which is not shown "
                "or changes how text is shown"
            )
            yield "control", what, "Take the character out"

    def _subject(self, message: Message) -> Iterator[tuple[str, str, str]]:
        subject = message.subject.rstrip("\r")
        if not subject.strip():
            if self.empty == "forbid":
                yield "empty", "the subject is empty", "Say in one line what the commit does"
            return
        revert = re.fullmatch(_REVERT, subject) if subject.startswith("Re") else None
        length = len(revert[1] if revert else subject)
        if self.subject_max and length > self.subject_max:
            what = (
                f"the subject has {length} characters, and {self.subject_max} are allowed: {quoted(subject)}"
            )
            yield "subject_max", what, "Shorten it, and move the rest to the body"
        if self.trailing_dot == "forbid" and subject.endswith(".") and not subject.endswith("..."):
            yield "trailing_dot", f"the subject {quoted(subject)} ends with a dot", "Take the dot off"

    def _body(self, message: Message) -> Iterator[tuple[str, str, str]]:
        second = message.text.partition("\n")[2].partition("\n")[0]
        if self.blank_line == "require" and second.strip():
            what = f"the second line is not blank: {quoted(second)}"
            yield "blank_line", what, "Put a blank line between subject and body"
        wide = [
            (number, len(line))
            for number, line in enumerate(message.lines[1:] if self.body_width else (), start=2)
            if len(line) > self.body_width and " " in line.strip() and not re.search(_WHOLE, line)
        ]
        if wide:
            (number, length), more = wide[0], f", and {len(wide) - 1} more are too wide" if wide[1:] else ""
            allowed = f"{self.body_width} are allowed{more}"
            what = f"line {number} of the message has {length} characters, and {allowed}"
            yield "body_width", what, "Wrap the body"


def _text(key: str, message: Message) -> str:
    """The words of a shell that give the right message; `MESSAGE` where nobody knows it."""
    if key == "blank_line":
        subject, _, rest = message.text.rstrip("\n").partition("\n")
        return f"{quoted_text(subject)} -m {quoted_text(rest)}"
    if key == "trailing_dot":
        return quoted_text(_without_dot(message.text).rstrip("\n"))
    return "" if key in ("empty", "subject_max") else "MESSAGE"


def _with_blank_line(text: str) -> str:
    subject, _, rest = text.partition("\n")
    return f"{subject}\n\n{rest}" if rest.partition("\n")[0].strip() else text


def _without_dot(text: str) -> str:
    subject, newline, rest = text.partition("\n")
    bare = subject.rstrip(".").rstrip()
    return bare + newline + rest if bare and subject.endswith(".") else text
