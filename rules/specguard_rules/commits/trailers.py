"""Trailers at the end of a commit message, and the rule about those that a policy requires."""

from __future__ import annotations

import re

from specguard.rules import Finding, NotApplicable, Record, Rule, Settings, required, setting
from specguard_rules.finding_texts import CommitsById, add_trailer, quote, reword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Commit, Expression, Message, PullRequest, Stage


class Trailer(Record, frozen=False):
    """One trailer.

    Attributes:
        key: the key as it is written; keys are compared without regard to case.
        value: the value without surrounding white space; a folded value is joined into one line.
        line: the number of its line in the message, from 1.
    """

    key: str
    value: str
    line: int


class Trailers:
    """The trailers of a message, and lines elsewhere in it that look like trailers.

    Trailers are the lines `Key: value` of the last paragraph, as `git interpret-trailers` describes them.
    Here each line of that paragraph must be a trailer. Git itself also accepts a paragraph with other text in
    it, and lets the repository's configuration rename keys. Some of its commands stop at a line `---`.

    Args:
        lines: the message's lines, the subject first.

    Attributes:
        trailers: the trailers.
        lookalikes: lines in the form of a trailer that are not trailers, because of their position.
        divider_line: the line number of a `---`, below which other commands read no trailers; 0 without one.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.trailers = _read_trailers(lines)
        # `git am` and `git interpret-trailers` end the message at this line.
        below = enumerate(lines[1:], start=2)
        ends = (at for at, line in below if line.startswith("---") and not line[3:4].strip())
        self.divider_line = next(ends, 0)
        taken = {trailer.line for trailer in self.trailers}
        found = (_parse_trailer(line, number) for number, line in enumerate(lines[1:], start=2))
        self.lookalikes = [trailer for trailer in found if trailer and trailer.line not in taken]

    def of(self, key: str) -> list[Trailer]:
        """Return the trailers with a key."""
        return [trailer for trailer in self.trailers if trailer.key.lower() == key.lower()]

    def find_misplaced(self, key: str) -> list[Trailer]:
        """Return the lines that would be trailers with a key if they were in the last paragraph."""
        return [trailer for trailer in self.lookalikes if trailer.key.lower() == key.lower()]


def trailers_of(commits: Sequence[Commit], pull_request: PullRequest | None) -> Iterator[Trailers]:
    """Yield the trailers of each commit's message, and of the pull request's text."""
    yield from (Trailers(commit.message.lines) for commit in commits)
    if pull_request is not None and pull_request.body:
        # The body is below the title, as in the message of a merge.
        yield Trailers(["", "", *pull_request.body.split("\n")])


# Words that are written in place of a reason.
_VAGUE = {
    "reason", "todo", "tbd", "none", "na", "no", "nothing", "not", "applicable", "the", "why", "xxx", "nbsp",
    "be", "fill", "here", "in", "placeholder", "say", "to", "written", "your",
    "change", "changes", "impact", "need", "needed", "necessary", "required", "spec",
}  # fmt: skip


# Two letters, one of a script with short words, or the number of an issue; fillers are letters only by name.
_WORD = r"[^\W\u115f\u1160\u3164\uffa0]{2,}|[^\x00-\x7f\W\u115f\u1160\u3164\uffa0]|#\d+"


def is_seen(text: str) -> bool:
    """True if a reader sees a character of a text."""
    if text.isascii():
        return any("!" <= one <= "~" for one in text)
    from specguard.rules import look_alikes

    return bool("".join({*text} - {*look_alikes.unseen(text)}).strip())


def gives_reason(text: str) -> bool:
    """True if a text has a word in sight that is not written in place of a reason, such as `none`."""
    return bool({word.casefold() for word in re.findall(_WORD, text)} - _VAGUE)


def _parse_trailer(line: str, number: int) -> Trailer | None:
    """Parse a trailer, `Key: value` with letters, digits and hyphens in the key; None for other lines."""
    key, colon, value = line.partition(":")
    key = key.rstrip(" \t")
    is_key = key.isascii() and key.replace("-", "").isalnum() and not key.startswith("-")
    return Trailer(key, value.strip(), number) if colon and is_key else None


def _read_trailers(lines: Sequence[str]) -> list[Trailer]:
    """Read the trailers of the last paragraph; empty if it is the subject's or has other lines."""
    # To git, other white space, such as a no-break space, does not make a blank line.
    end = max((at for at, line in enumerate(lines, 1) if line.strip(" \t\r")), default=0)
    start = max((at for at, line in enumerate(lines[:end], 1) if not line.strip(" \t\r")), default=0)
    found: list[Trailer] = []
    for number, line in enumerate(lines[start:end] if start else (), start + 1):
        if trailer := _parse_trailer(line, number):
            found.append(trailer)
        elif line[0] in " \t" and found:
            found[-1].value = f"{found[-1].value} {line.strip()}".strip()
        # `git cherry-pick -x` writes this line between the trailers.
        elif not re.fullmatch(r"\(cherry picked from commit [0-9a-f]+\)", line.strip()):
            return []
    return found


class RequiredTrailer(Settings):
    """A trailer that commits have, and which commits."""

    key: str = required("the key, such as `Signed-off-by`", pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")
    value: Expression | None = setting(None, "what one value must match")
    authors: Expression | None = setting(None, "only for commits whose author or committer matches")
    by_author: bool = setting(False, "one is the commit's author")

    @property
    def may_repeat(self) -> bool:
        """True if a message may have the key more than once: several people sign off, review or write."""
        return self.key.lower().endswith("-by")


class MissingTrailer(Rule):
    r"""A commit message lacks a required trailer, or has it ambiguously.

    Each entry of `require` asks for one `Key: value` in the last paragraph, which has only trailers. One
    further up, a second value, or a line `---` is a finding. Merge commits need none. With `merge = "squash"`
    the rule does not apply.

    Why is this bad? Programs read trailers, so each must say one thing.

    How to fix it: type the command in the finding; a sign-off has `--signoff`.

    ```text
    error: commit fed785b16a: the message 'feat: add a page' has Work-Item in line 3, which is not in a
      last paragraph of only trailers
    ```

    ```toml fails
    policy = '''
    [[rules.missing-trailer.require]]
    key = "Work-Item"
    value = '^[A-Z]+-[0-9]+$'
    '''

    [[commits]]
    message = "feat: add a page\n\nWork-Item: A-1\n\nIt has text.\n"
    files = {"a.md" = "a"}

    [[expect]]
    code = "CMT006"
    field = "commit.body"
    message = "line 3"
    ```

    ```toml fails
    policy = '''
    [[rules.missing-trailer.require]]
    key = "Co-authored-by"
    authors = 'agent@example\.org'
    '''

    [[commits]]
    message = "feat: add a page\n"
    author = "An Agent <agent@example.org>"
    files = {"a.md" = "a"}

    [[expect]]
    code = "CMT006"
    ```

    ```toml passes
    policy = '''
    [[rules.missing-trailer.require]]
    key = "Signed-off-by"
    by_author = true
    '''

    [[commits]]
    message = "feat: add a page\n\nSigned-off-by: Ann Example <ann@example.org>\n"
    author = "Ann Example <ann@example.org>"
    files = {"a.md" = "a"}
    ```
    """

    code: ClassVar[str] = "CMT006"
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("require",)
    condition: ClassVar[str] = "every commit has the trailers that the policy requires of it"

    require: list[RequiredTrailer] = setting([], "the required trailers", tightens="more")

    def check(
        self, messages: Sequence[Message], commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Read the trailers of each message, and compare them with the required ones."""
        by_id = CommitsById(commits or ())
        judged = False
        for message in messages:
            if message.source == "title" or message.merge:
                continue
            commit = by_id.get(message.commit or "")
            author = commit.author if commit else message.author
            people = [author, *([commit.committer] if commit else [])]
            trailers = Trailers(message.lines)
            for position, wanted in enumerate(self.require):
                if (wanted.authors is not None or wanted.by_author) and not author:
                    continue
                judged = True
                applies = wanted.authors is None or any(map(wanted.authors.search, people))
                if applies and (problem := _problem(wanted, trailers, author)):
                    what = f"the message {quote(message.subject)} {problem}"
                    step, setting = _next_step(wanted, trailers, message, by_id), f"require.{position}.key"
                    field, key, oid = "commit.body", wanted.key, message.commit
                    yield Finding(what, step, commit=oid, field=field, key=key, setting=setting)
        if not judged:
            raise NotApplicable("all messages are merges', the platform's (merge = 'squash') or nobody's yet")


def _problem(required: RequiredTrailer, trailers: Trailers, author: str) -> str:
    """Return the problem with a required trailer, as the end of a sentence; empty if there is none."""
    key = required.key
    found, misplaced = trailers.of(key), trailers.find_misplaced(key)
    if trailers.divider_line and (found or misplaced):
        where = f"line {trailers.divider_line} begins with '---', which ends a message for them"
        return f"has {key} where some commands do not read it: {where}"
    if not found and misplaced:
        return f"has {key} in line {misplaced[0].line}, which is not in a last paragraph of only trailers"
    if not found:
        return f"has no trailer {key}"
    if (len(found) > 1 or misplaced) and not required.may_repeat:
        lines = ", ".join(map(str, sorted(one.line for one in [*found, *misplaced])))
        return f"has {key} more than once, in the lines {lines}"
    if required.value is not None and not any(required.value.search(one.value) for one in found):
        value = quote(found[0].value)
        return f"has the trailer {key} with {value}, which does not match {quote(required.value.text)}"
    if not any(is_seen(one.value) for one in found):
        return f"has a trailer {key} with nothing in it"
    if required.by_author and not any(_same_person(one.value, author) for one in found):
        return f"has no trailer {key} of its author, {author}"
    return ""


def _next_step(required: RequiredTrailer, trailers: Trailers, message: Message, by_id: CommitsById) -> str:
    key = required.key
    step = f"Put '{key}: ...' into its last paragraph, which holds only trailers"
    misplaced = trailers.find_misplaced(key)
    wrong = not required.may_repeat and (trailers.of(key) or misplaced)
    # Git would add a trailer to the paragraph of these lines, if that is the last one.
    if wrong or trailers.divider_line or (misplaced and "" not in message.lines[misplaced[-1].line :]):
        cmd = reword(message, by_id, ["MESSAGE"])
        return f"{step}: `{cmd}`" if cmd else f"{step}."
    commit = by_id.get(message.commit or "")
    person = commit.author if commit else message.author
    signs = key.lower() == "signed-off-by"
    if signs and commit and required.by_author and not _same_person(commit.author, commit.committer):
        return f"Have {person} sign it off: '{key}: {person}' is in the last paragraph then."
    trailer = "" if signs else f"{key}: {person if required.by_author and person else 'VALUE'}"
    # Git does not report to its hook whether the commit is amended.
    amending = "" if message.commit else " (with `--amend`, if you were amending)"
    return f"{step}: `{add_trailer(trailer, message, by_id)}`{amending}"


def _same_person(one: str, other: str) -> bool:
    """True if two texts `Name <address>` have the same address; texts without one must be equal."""
    addresses = [text.rpartition("<")[2].partition(">")[0].casefold() for text in (one, other)]
    return addresses[0] == addresses[1] if "<" in one and "<" in other else one == other
