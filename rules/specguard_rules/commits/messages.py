"""Rules about commit messages: their form, their content, and commits that were not meant to stay."""

from __future__ import annotations

import re

from specguard.rules import Finding, NotApplicable, RewordMessage, Rule, Settings, setting
from specguard_rules.commits.trailers import gives_reason, is_seen
from specguard_rules.finding_texts import CommitsById, alternatives, quote, reword, shell_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final, Literal

    from specguard.rules import Base, Bookkeeping, Commit, Expression, Message, Policy, Stage, Work, WorkItem


# Rules are those of https://www.conventionalcommits.org/en/v1.0.0/.
# Rules 1, 4, 5 and 13: a type, an optional scope, an optional mark, a colon and one space, a description.
_SUBJECT: Final = r"(?P<type>[\w./-]+)(?:\((?P<scope>[^()\s][^()]*)\))?!?: (?P<text>\S(?s:.*))"
_NO_TYPE: Final = 'it does not begin with a type, a colon and one space, as in "fix: " or "fix(scope)!: "'


class SubjectForm(Settings):
    """Settings of a rule that can require a form of subjects or titles."""

    pattern: Expression | None = setting(None, "what it must match without a work item", tightens=[None])
    conventional: bool = setting(
        False, "require Conventional Commits 1.0.0: `type(scope)!: description`", tightens="higher"
    )
    types: list[str] = setting([], "allowed types; by default any", tightens="only")
    type_case: Literal["any", "lower"] = setting("any", "the case of types", tightens=["any"])
    scopes: list[str] = setting([], "allowed scopes; by default any", tightens="only")
    scope: Literal["optional", "required", "forbidden"] = setting(
        "optional", "whether a subject has a scope", tightens=["optional"]
    )
    description_case: Literal["any", "lower", "upper"] = setting(
        "any", "the description's first letter", tightens=["any"]
    )

    def flaws(self, what: str, subject: str) -> Iterator[tuple[str, str, str, str]]:
        """Yield the flaws in a subject's form: a message, the next step, a key, the setting that is not met.

        Args:
            what: the subject's name in messages: `subject` or `title`.
            subject: the subject.
        """
        label = f"the {what} {quote(subject)}"
        if self.pattern is not None and not self.pattern.search(subject):
            yield f"{label} does not match {quote(self.pattern.text)}", "Reword it", "pattern", "pattern"
        problem, setting = self.subject_problem(subject) if self.conventional else ("", "")
        if problem:
            message = f"{label} has not the form of Conventional Commits: {problem}"
            yield message, self.subject_step(setting), "conventional", setting

    def subject_problem(self, subject: str) -> tuple[str, str]:
        """Return the problem with a subject, and the setting that requires the form; both empty without one.

        Returns:
            A clause with the subject as `it`, and a setting's name.
        """
        if (found := re.fullmatch(_SUBJECT, subject)) is None or not is_seen(found["text"]):
            return _NO_TYPE, "conventional"
        kind, scope = found["type"], found["scope"]
        if self.types and kind.casefold() not in {known.casefold() for known in self.types}:
            return f"its type {quote(kind)} is not one of {', '.join(self.types)}", "types"
        if self.type_case == "lower" and kind != kind.lower():
            return f"its type is {quote(kind)}, and types are in lower case", "type_case"
        if self.scope == "required" and scope is None:
            return "it has no scope", "scope"
        if self.scope == "forbidden" and scope is not None:
            return f"it has the scope {quote(scope)}, and none is wanted", "scope"
        for one in scope.split(",") if scope and self.scopes else ():
            if one.strip() not in self.scopes:
                return f"its scope {quote(one.strip())} is not one of {', '.join(self.scopes)}", "scopes"
        first = found["text"][0]
        if self.description_case == "lower" and first != first.lower():
            return f"its description begins with the capital letter {quote(first)}", "description_case"
        if self.description_case == "upper" and first.islower():
            return f"its description begins with the small letter {quote(first)}", "description_case"
        return "", ""

    def subject_step(self, setting: str) -> str:
        """Return the next step: the form of a subject that the policy requires.

        Args:
            setting: the setting that is not met; if it is `types`, the step does not repeat their list.
        """
        scope = "" if self.scope == "forbidden" else "(scope)"
        types = f", with a type of {', '.join(self.types)}" if self.types and setting != "types" else ""
        return f"Write it as 'type{scope}: description'{types}"


class CommitMessage(SubjectForm, Rule):
    r"""A commit message is not the expected one.

    If the item's kind has a `commit` template, the subject must be exactly that. Otherwise it must match
    `pattern` and, with `conventional = true`, Conventional Commits 1.0.0. With `merge = "squash"`, the title
    or what landed is judged. Merges are skipped, and commits that only file approvals or runs.

    Why is this bad? People search history by its subjects, and so does specguard.

    How to fix it: type the command in the finding.

    See also: `commit-form`, `pull-request-title`

    ```text
    error: commit 99a471f37a: the subject 'feature: add a page' has not the form of Conventional
      Commits: its type 'feature' is not one of feat, fix
    ```

    ```toml fails
    policy = '''
    [rules.commit-message]
    conventional = true
    types = ["feat", "fix"]
    '''

    [[commits]]
    message = "feature: add a page"
    files = {"a.md" = "a"}

    [[expect]]
    code = "CMT002"
    field = "commit.subject"
    message = "its type 'feature' is not one of feat, fix"
    ```

    ```toml fails
    policy = '''
    [rules.commit-message]
    pattern = '^[A-Z]+-[0-9]+: '
    '''
    commits = [{message = "add a page", files = {"a.md" = "a"}}]
    expect = [{code = "CMT002", field = "commit.subject"}]
    ```

    ```toml passes
    policy = '''
    [rules.commit-message]
    conventional = true
    types = ["feat", "fix"]
    '''

    [[commits]]
    message = "feat(pages)!: add a page\n\nIt has text.\n\nBREAKING CHANGE: the old page is gone\n"
    files = {"a.md" = "a"}
    ```
    """

    code: ClassVar[str] = "CMT002"
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    requires: ClassVar[tuple[str, ...]] = ("conventional", "pattern", "work")
    condition: ClassVar[str] = "every commit message is its work item's, or of the form the policy asks for"
    fixes: ClassVar[str] = "gives the item's subject to the unpushed newest commit"

    ignore: list[Expression] = setting([], "subjects to skip", tightens="fewer")

    def check(
        self,
        messages: Sequence[Message],
        bookkeeping: Bookkeeping,
        policy: Policy,
        commits: Sequence[Commit] | None = None,
        work_item: WorkItem | None = None,
        work: Work | None = None,
        base: Base | None = None,
    ) -> Iterator[Finding]:
        """Compare each message with the item's, or with the form."""
        lands = any(message.landed for message in messages)
        item = work_item if work_item and (lands or work_item.commit_messages) else None
        if item is None and self.pattern is None and not self.conventional:
            raise NotApplicable("no work item gives a commit message, and the policy asks for no form")
        by_id = CommitsById(commits or ())
        for message in messages:
            if message.merge or any(one.search(message.subject) for one in self.ignore):
                continue
            own, named, oid = item, item, message.commit or message.landed
            if item and work and (lands or item.kind in work.shared):
                own = work.item_of(oid, each=True)
                own = own if own and own.commit_messages else None
                # Each subject that has landed is that of a change of its own.
                named = own if lands else own or item
                # If a branch implements a whole plan, its title is the plan's.
                own = None if own and message.source == "title" and own.kind in work.shared else own
            held = policy.held(self, named.setting("commit")) if named else None
            # A list of the repository's own skips no subject of a form that is the floor's.
            listed = held or not named or not policy.held(self, named.setting("commits"))
            limits = named.commits if named and listed else None
            skipped = limits is not None and any(one.search(message.subject) for one in limits.ignore)
            found = _item_flaws(message, own, by_id, work) if own else self._form_flaws(message, by_id)
            flaws = [] if skipped else list(found)
            if held and (own or skipped):
                flaws += held._form_flaws(message, by_id)
            for flaw in flaws if own and base and base.is_landing and message.is_numbered else ():
                flaw.help = 'If a squash landed that title, write `merge = "squash"` in the authority.'
            # Only the files of a commit with a finding are worth reading.
            if flaws and not bookkeeping.is_all_of(by_id.get(oid or "", message)):
                yield from flaws

    def _form_flaws(self, message: Message, by_id: CommitsById) -> Iterator[Finding]:
        for what, step, key, by in self.flaws(message.label, message.subject):
            yield _flaw(message, what, step, key, by, cmd=reword(message, by_id))

    def fix(
        self, finding: Finding, work_item: WorkItem | None = None, work: Work | None = None
    ) -> RewordMessage | None:
        """Return an edit that gives the message the item's subject; no other subject is known to be right."""
        own = work.item_of(finding.commit) if work and work_item else None
        if finding.field != "commit.subject" or finding.key != "item" or own is None:
            return None

        def edit(text: str) -> str:
            subject = text.split("\n", 1)[0]
            return (_right_subject(own, subject) or subject) + text[len(subject) :]

        return RewordMessage(finding.commit, edit)


def _flaw(
    message: Message, problem: str, step: str, key: str, setting: str = "", *, cmd: str = "", **more: Any
) -> Finding:
    """Build a finding about a commit's message, whose next step ends with a command if there is one.

    Args:
        message: the commit's message.
        problem: the text of the finding.
        step: the next step, without a full stop.
        key: the finding's key, and its setting by default.
        setting: the setting that the message breaks; empty for `key`.
        cmd: the command that does the next step; empty if there is none.
        more: other attributes of the finding; its field is the message's own by default.
    """
    step += f": `{cmd}`" if cmd else "."
    more = {"field": message.field, "setting": setting or key, **more}
    found = Finding(problem, step, commit=message.commit, key=key, **more)
    if message.squashes and found.field == message.field and key != "autosquash":
        # Squashed, it has no subject of its own.
        found.same_as = [*found.same_as, "CMT005 autosquash"]
    if message.source == "title":
        # The rule about titles may ask for the same.
        found.same_as = [*found.same_as, f"PRQ001 {key}"]
    return found


def _right_subject(item: WorkItem, subject: str) -> str:
    """Return an item's subject, with the text of another one if its own is free; empty if that is unknown."""
    right = item.commit_messages[0]
    if right.endswith("..."):
        # The text follows a colon or a dash.
        text = re.split(r":\s*|\s[-\u2013\u2014]+\s", subject, maxsplit=1)[1:]
        right = f"{right[:-3]}{text[0].strip()}" if text and not subject.startswith('Revert "') else ""
    return right if item.allows("commit", right) else ""


def _item_flaws(message: Message, item: WorkItem, by_id: CommitsById, work: Work | None) -> Iterator[Finding]:
    subject, expected = message.subject, item.commit_messages
    if item.allows("commit", subject):
        return
    what, step = "subject", f"Write {alternatives(expected[:1])} instead"
    if message.source == "title":
        what = "title, which a squash lands as the commit's message,"
        if item.titles and item.allows("pull_request", subject):
            settings = f"{item.setting('pull_request')} and {item.setting('commit')}"
            step = f"No title can be right while {settings} differ: give both the same text in the policy"
    problem = f"the {what} is {quote(subject, expected)}, and {item} has {alternatives(expected)}"
    cmd = reword(message, by_id, shell_words(_right_subject(item, subject) or "SUBJECT", message))
    same_as = list(work.mixed_items(message.commit or message.landed)) if work else []
    # A landed item's subject would be wrong again. A plan's commits have items of their own.
    same_as += [] if work and item.kind in work.shared else ["WRK006 landed"]
    yield _flaw(message, problem, step, "item", item.setting("commit"), cmd=cmd, same_as=same_as)


# C0 except tab, newline and the return of a CRLF; DEL and C1; separators that only look like newlines; and
# characters that reorder text. Joiners and marks that scripts and emoji need are allowed.
_CONTROL: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n|$)"
_UNBREAKABLE: Final = r"^(?:    |\t|[\w-]+: [^<>]*<[^<>@\s]+@[^<>@\s]+>\s*$)|\bhttps?://\S"


class CommitForm(Rule):
    r"""A commit message is too long, malformed or unreadable.

    Lengths are characters, and bytes for the whole message; `0` sets no limit. Of merge messages, only
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
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = (
        "every message is plain text of at most {message_max} bytes, with a subject of at most {subject_max} "
        "characters (0: any number) and a blank line behind it"
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
        """Check the form of each message, and the author and committer of each commit."""
        by_id = CommitsById(commits or ())
        for message in messages:
            found = list(self._byte_problems(message))
            if not message.merge:
                found += self._subject_problems(message)
                if message.source != "title":
                    found += self._body_problems(message)
            # The command puts a blank line below the subject; of several flaws a person writes what is right.
            subject = message.subject if len(found) == 1 else ""
            bare = subject.rstrip(". \r")
            subjects = {"blank_line": subject, "trailing_dot": bare, "empty": "", "subject_max": ""}
            for key, problem, step in found:
                words = shell_words(subjects[key] or "SUBJECT", message) if key in subjects else ["MESSAGE"]
                field = "commit.body" if key in ("blank_line", "body_width") else message.field
                yield _flaw(message, problem, step, key, field=field, cmd=reword(message, by_id, words))
        for commit in by_id.values() if self.authors else ():
            for role, who in (("author", commit.author), ("committer", commit.committer)):
                if not any(expression.search(who) for expression in self.authors):
                    # Another's work stays theirs, and amending alters only the last commit.
                    own = " --reset-author" if role == "author" else ""
                    amend = f"git commit --amend --only --no-edit{own}"
                    step = f"Set your name; then, if it is the last commit: `{amend}`"
                    what, key = f"the {role} {quote(who)} is not one that the policy names", f"{role} {who}"
                    yield _flaw(commit.message, what, step, key, "authors", field="commit.author")

    def _byte_problems(self, message: Message) -> Iterator[tuple[str, str, str]]:
        """Yield the problems with a message as it is stored: a setting, a clause, the next step."""
        if self.message_max and len(message.raw) > self.message_max:
            what = f"the message has {len(message.raw)} bytes, and {self.message_max} are allowed"
            yield "message_max", what, "Keep the message short, and put the rest into a file"
        if self.encoding == "utf-8":
            if message.encoding and message.encoding.lower() not in ("utf-8", "utf8"):
                what = f"the commit says that its encoding is {quote(message.encoding)}"
                yield "encoding", what, "Unset `i18n.commitEncoding`, and write it in UTF-8"
            elif not message.valid:
                what = f"the message {quote(message.subject)} is not UTF-8"
                yield "encoding", what, "Write it again in UTF-8"
        if self.control == "forbid" and (found := re.search(_CONTROL, message.text)):
            line = message.text.count("\n", 0, found.start()) + 1
            what = f"line {line} of the message has the character U+{ord(found[0]):04X}, hidden or misleading"
            yield "control", what, "Take the character out"

    def _subject_problems(self, message: Message) -> Iterator[tuple[str, str, str]]:
        label, subject = message.label, message.subject.rstrip("\r")
        if not is_seen(subject):
            if self.empty == "forbid":
                yield "empty", f"the {label} is empty", "Say in one line what the commit does"
            return
        revert = re.fullmatch(r'(?:Revert|Reapply) "(.*)"', subject) if subject.startswith("Re") else None
        length = len(revert[1] if revert else subject)
        if self.subject_max and length > self.subject_max:
            what = f"the {label} has {length} characters, {self.subject_max} are allowed: {quote(subject)}"
            yield "subject_max", what, "Shorten it, and move the rest to the body"
        if self.trailing_dot == "forbid" and subject.endswith(".") and not subject.endswith("..."):
            yield "trailing_dot", f"the {label} {quote(subject)} ends with a dot", "Take the dot off"

    def _body_problems(self, message: Message) -> Iterator[tuple[str, str, str]]:
        second = message.text.partition("\n")[2].partition("\n")[0]
        if self.blank_line == "require" and second.strip(" \t\r"):
            what = f"the second line is not blank: {quote(second)}"
            yield "blank_line", what, "Put a blank line between subject and body"
        for number, line in enumerate(message.lines[1:] if self.body_width else (), start=2):
            if len(line) > self.body_width and " " in line.strip() and not re.search(_UNBREAKABLE, line):
                what = f"line {number} of the message has {len(line)} characters, {self.body_width} allowed"
                yield "body_width", what, "Wrap the body"
                return


_WIP: Final = r"(?:wip|work[ -]in[ -]progress)"
# A mark is before or behind the type, is its scope, or ends the subject in brackets or after a dash.
_MARKED: Final = (
    rf"(?:[\w./-]+(?:\([^()]*\))?!?:)?\W*(?:{_WIP}\b(?![ -](?:limit|column|indicator|badge|label))"
    rf"|(?:draft|do[ -]not[ -]merge|dnm)(?: *[\])]|\W*(?::|$)))|[\w./-]+\( *{_WIP} *\)!?:"
    rf"|.*(?:(?<!progress )[\[(]|\s[-\u2013\u2014|]+|[,;#]) *(?:{_WIP}|do[ -]not[ -]merge|dnm)\W*$"
)
_REVERT_SUBJECT: Final = r'(Revert|Reapply) "|[Rr]evert(\([^()]*\))?!?: '
# Trailers, and lines that git and the platforms write into a revert by themselves, are not reasons.
_REVERTED: Final = r"([0-9a-f]{7,64}( \(((?!, [0-9-]{10}\)).)*, [0-9-]{10}\))?|([\w/-]|(?<!\.)\.)*[#!]\d+)"
_NO_REASON: Final = (
    rf"((This )?[Rr]everts ((commits?|(merge|pull) request|PR) )?{_REVERTED}((,? and|,|\.\.+) ?{_REVERTED})*"
    r"(, reversing( changes made to [0-9a-f]{7,64})?)?|changes made to [0-9a-f]{7,64})\W*$"
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
    stages: ClassVar[tuple[Stage, ...]] = ("commit-msg", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no commit waits to be squashed, is unfinished, empty or an unexplained revert"

    autosquash: Literal["allow", "forbid"] = setting(
        "forbid", "`fixup!`, `squash!`, `amend!`", tightens=["allow", "forbid"]
    )
    wip: Literal["allow", "forbid"] = setting(
        "forbid", "*WIP*, *Draft:* or *do not merge:*", tightens=["allow", "forbid"]
    )
    empty: Literal["allow", "forbid"] = setting(
        "forbid", "commits that change no file (merges aside)", tightens=["allow", "forbid"]
    )
    reverts: Literal["allow", "explain"] = setting("explain", "a revert's reason", tightens=["allow"])

    def check(
        self, messages: Sequence[Message], commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Check each subject and the bodies of reverts, and look for commits that change nothing."""
        by_id = CommitsById(commits or ())
        for message in messages:
            subject = quote(message.subject)
            problem, setting = self._problem(message.subject)
            if problem:
                step = f"Finish the work, and give it a {message.label} that says what is done"
                cmd = reword(message, by_id)
                if setting == "autosquash" and message.commit and (squash := by_id.autosquash(message)):
                    step, cmd = "Squash it into its commit", squash
                yield _flaw(message, f"the {message.label} {subject} {problem}", step, setting, cmd=cmd)
            elif self.reverts == "explain" and message.source != "title" and _is_unexplained(message):
                oid = (message.commit or "")[:12]
                # The trailers stay in the last paragraph.
                subject_word, body = (f'"$(git log -1 --format=%{part} {oid})"' for part in "sb")
                cmd = reword(message, by_id, [subject_word, '"REASON"', body])
                what, step = f"the revert {subject} gives no reason", "Say in the body why it is taken back"
                yield _flaw(message, what, step, "revert", "reverts", field="commit.body", cmd=cmd)
            commit = by_id.get(message.commit or "")
            if commit and commit.is_empty and self.empty == "forbid":
                bring = "Let it bring a file: `git commit --amend`"
                step = f"Drop it: `{by_id.drop_empty()}`" if commit.parents else bring
                what = f"the commit {subject} changes no file"
                yield Finding(what, step, commit=commit.oid, key="empty", setting="empty")

    def _problem(self, subject: str) -> tuple[str, str]:
        """Return a clause that says why a commit is unfinished, and its setting; both empty if it is not."""
        # Git squashes only with a blank behind the sign, and nobody means to keep the others.
        if self.autosquash == "forbid" and subject.startswith(("fixup!", "squash!", "amend!")):
            return f"waits to be squashed ({subject.partition('!')[0]}!)", "autosquash"
        if self.wip == "forbid" and re.match(_MARKED, subject.lower()):
            return "says that the work is not done", "wip"
        return "", ""


def _is_unexplained(message: Message) -> bool:
    """True if a message is a revert's and gives no reason."""
    body = (line.strip() for line in message.lines[1:])
    reasons = (gives_reason(line) for line in body if not re.match(_NO_REASON, line))
    return re.match(_REVERT_SUBJECT, message.subject) is not None and not any(reasons)
