"""The authority that `specguard init` proposes: its guards and settings, each with a reason."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final

from specguard.approvals.people import EXEMPTIBLE, key_problem
from specguard.audit.judging import PastChange, PastGit, find_branch, judge_as_merged, past_changes
from specguard.authority.layers import BLOCK_INFO
from specguard.authority.load import AUTHORITY, decode, is_document, load_policy, read_source
from specguard.authority.policy import Policy, Unread
from specguard.authority.prose import known_sections, listed_paths, read_sections, suggested_rule
from specguard.change.check_request import read_regular
from specguard.change.entries import Commit, strip_pull_number
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.process import CommandError
from specguard.change.repository import Repository, short_name
from specguard.change.worktree import FolderTree, check_lists
from specguard.cli.options import at_root, usage
from specguard.declaration.patterns import Guarding, Patterns, is_plain
from specguard.documents.blocks import Fence, fences
from specguard.documents.document import Document
from specguard.documents.toml import toml_key, toml_value
from specguard.engine.plugins import load_registry
from specguard.errors import Needed, SpecguardError
from specguard.model import Record, grouped, listed
from specguard.reporters.escape import markdown_templates
from specguard.reporters.file_writing import path_in_tree, replace_file, writing
from specguard.work.kinds import WorkKind

_APPROVERS: Final = "[[approvals.approver]]"

_Line = tuple[str, int, str, str]
"""A document, a line number, the state of the text (such as `held` or `people`), and the text."""


_JOBS: Final = "the jobs that decide what lands"
_LOCKED: Final = (
    (r"\.((github|gitea|forgejo)/workflows|gitlab/ci|circleci|buildkite)/", _JOBS),
    (r"\.gitlab-ci\.yml|Jenkinsfile|(azure|bitbucket)-pipelines\.yml", _JOBS),
    (r"(\.github/|\.gitlab/|docs/)?CODEOWNERS", "who reviews what"),
    (r"(?i:licen[cs]e|copying)([-.][^/]*)?", "the licence"),
    (r"LICENSES/", "the licences"),
    (r"AI_CONTRACT\.md", "the contract with agents"),
)
"""Files and folders that a team usually locks, as patterns of a path, each with a reason.

A pattern of a folder ends in `/`, and matches the beginning of a path. The files that run specguard need no
lock, since PTH004 guards them.
"""

_FORBIDDEN: Final = (
    (r"docs/api/", "the interface others build on"),
    (r"docs/product/", "the product's requirements"),
)
"""Paths that an agent must not touch if a team has them."""

_APPROVER: Final = re.compile(r"(?P<name>[^<>=]+?)\s*(<(?P<email>[^<>=\s]+)>)?=(?P<file>.+)")
_LARGEST_KEY: Final = 1 << 16
_MOST_CODE_FOLDERS: Final = 8
"""The largest number of folders, named like those of a preset, that are taken as its code."""


class ProposedSetting(Record):
    """A setting that differs from its default.

    Attributes:
        toml: its TOML: a dotted key with its value, or a table.
        why: the reason for it; empty if it needs none.
    """

    toml: str
    why: str = ""


class Draft:
    """An authority that is not written yet.

    Args:
        top: the root of the working tree.
        base: the branch that changes are merged into.
        presets: the presets that it extends.
        sets_base: set the base among its settings.

    Attributes:
        base: the branch that changes are merged into.
        settings: its settings; the text has those without a table before the tables, `base` last.
    """

    def __init__(self, top: str, base: str, presets: Sequence[str], *, sets_base: bool) -> None:
        self._top = top
        self.base = base
        self._locked: dict[str, str] = {}
        self._forbidden: dict[str, str] = {}
        self.guard(AUTHORITY, "this document")
        values = {"extends": list(presets), "base": base if sets_base else ""}
        self.settings = [ProposedSetting(f"{key} = {toml_value(one)}") for key, one in values.items() if one]

    def guard(self, path: str, why: str = "", *, forbidden: bool = False) -> None:
        """Lock or forbid a path, with the reason; a path that is guarded in this way already stays so."""
        guards = self._forbidden if forbidden else self._locked
        if path.rstrip("/") not in [one.rstrip("/") for one in guards]:
            guards[path] = why

    def lock_altered(self, failures: Mapping[str, frozenset[str]]) -> None:
        """Lock what it proposes to forbid, if several of the judged changes altered it."""
        for path, why in [*self._forbidden.items()]:
            times = _count_codes(failures)[f"{_GUARD_RULES[0]} {path}"]
            # One change may have created it. What a user forbids has no reason, and stays so.
            if why and times > 1:
                del self._forbidden[path]
                self.guard(path, f"{why}; {times} of the last {len(failures)} changes altered it")

    def text(self, *trial: ProposedSetting) -> str:
        """Return the text of the document, including settings that are only tried."""
        page = markdown_templates("specguard.cli").get_template("authority.md")
        block = settings_block([*self.settings, *trial])
        return page.render(base=self.base, locked=self._locked, forbidden=self._forbidden, settings=block)

    def policy(self, *trial: ProposedSetting) -> Policy:
        """Compile the text, including settings that are only tried; only what can judge is written."""
        policy = compile_tree(self._top, self.text(*trial))
        assert policy is not None  # noqa: S101 - a document of this name is always an authority
        for unread in policy.unread:
            if unread.path == AUTHORITY:
                raise usage(f"{unread.text!r} is not a pattern that can be guarded: {unread.reason}")
        return policy

    def fit_to_past(self, git: PastGit, changes: list[PastChange]) -> Iterator[str]:
        """Judge the last changes by this authority, and add settings that fit them.

        Args:
            git: the process that reads the changes.
            changes: the changes, the newest first.

        Yields:
            Lines of a report for a person.
        """
        deadline = monotonic() + _JUDGING_TIME
        policy = self.policy()
        before = _find_failures(git, policy, changes, deadline)
        commits = [git.commit(head) for head in before]
        self.settings += _merge_settings(commits, policy.declared("work_kinds"))
        failed = [change for change in changes[: len(before)] if before[change.head]]
        self.lock_altered(before)
        # The tried setting can only remove failures, so only failed changes are judged again.
        after = {**before, **_find_failures(git, self.policy(_PINS), failed, deadline)}
        if pins := len(_locked_changes(before) - _locked_changes(after)):
            why = f"{pins} of the last {len(commits)} changes altered only pinned versions of locked files"
            self.settings.append(ProposedSetting(_PINS.toml, why=why))
        yield f"past changes: {_failure_text(before)} by what is guarded and the defaults"
        self.settings += _bots(commits, after)
        self.settings += _severity_settings(self.policy(), after)
        if after != before:
            yield f"past changes: {_failure_text(after)} by what is proposed"


def settings_block(settings: Iterable[ProposedSetting]) -> list[str]:
    """Return the lines of a block of settings, each below its reason; `base` is last before the tables."""
    lines: list[str] = []
    for one in sorted(settings, key=lambda one: (one.toml.startswith("["), one.toml.startswith("base = "))):
        table = one.toml.startswith("[")
        lines += [*([""] if table and lines else []), *([f"# {one.why}"] if one.why else []), one.toml]
    return ["```toml specguard", *"\n".join(lines).split("\n"), "```"]


def with_settings(text: str, settings: Sequence[ProposedSetting]) -> str:
    """Return an authority's text with more settings.

    Approvers go into the block that has some, all other settings to the end.
    """
    approvers = [one.toml for one in settings if one.toml.startswith(_APPROVERS)]
    block = next((one for one in _own_blocks(text) if _APPROVERS in one.content), None)
    rest = [one for one in settings if block is None or one.toml not in approvers]
    if rest:
        added = "\n".join(["" if text.endswith("\n") else "\n", *settings_block(rest), ""])
        text = append_block(text, added)
    if block is not None and approvers:
        lines = text.split("\n")
        end = block.first + block.content.rstrip("\n").count("\n")
        margin = lines[block.first - 1].rstrip().removesuffix(block.content.partition("\n")[0].rstrip())
        lines[end:end] = [f"{margin}{line}" for table in approvers for line in ("", *table.split("\n"))]
        text = "\n".join(lines)
    return text


def append_block(text: str, added: str) -> str:
    """Return an authority's text with a text after it that ends with a block of settings.

    Raises:
        SpecguardError: the last block of the authority is not closed, so that it would take in the text.
    """
    if len(_own_blocks(text + added)) == len(_own_blocks(text)):
        document = Document(text)
        line = max((one.line or 1 for one in (*document.blocks, *document.hidden_parts)), default=1)
        what = "a block begins here that is not closed, and would hide what is to be added"
        step = "close it, then run this again"
        raise SpecguardError(what, path=AUTHORITY, line=line, help=step, code="broken-authority")
    return text + added


def _own_blocks(text: str) -> list[Fence]:
    """Return the blocks of settings of an authority's text."""
    return [one for one in fences(Document(text).blocks) if tuple(one.info.split()) == BLOCK_INFO]


def tree_paths(repository: Repository) -> Sequence[str]:
    """Return the files of a repository that git tracks or would add, relative to its root."""
    top = repository.work_tree()
    with Git(repository) as git:
        known = git.ask("the index", "ls-files", "-z", index=repository.index)
    words = ("ls-files", "-z", "--full-name", "--others", "--exclude-standard", "--", top)
    new = repository.spawn(*words, user=True)
    new.watch(partial(check_lists, os.fsencode(top)))
    # If git cannot read the ignore rules, untracked files are left out.
    with contextlib.suppress(CommandError):
        known += new.read()
    return [os.fsdecode(path) for path in known.split(b"\0") if path]


def find_guards(paths: Sequence[str], locks: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield the paths that are worth guarding: each with the reason, and True if it should be forbidden.

    A folder in which something is to be locked is not forbidden: approving the lock would not suffice.

    Args:
        paths: the files of the repository.
        locks: the patterns of what is to be locked.
    """
    valid = Guarding([lock for lock in locks if not Guarding.problem_in(lock)])
    locked = (*locks, *map(os.fsdecode, valid.among([os.fsencode(path) for path in paths])))
    for known, forbidden in ((_LOCKED, False), (_FORBIDDEN, True)):
        for pattern, why in known:
            begins = re.compile(pattern if pattern.endswith("/") else rf"(?:{pattern})\Z")
            for name in sorted({match[0] for match in map(begins.match, paths) if match}):
                if forbidden and any(path.startswith(name) for path in locked):
                    continue
                # Another name would be read as a pattern of other files, or end the code span that it is in.
                if is_plain(name) and name.isprintable() and "`" not in name:
                    yield name, why, forbidden


def spec_code_settings(policy: Policy, paths: Sequence[str]) -> Iterator[ProposedSetting]:
    """Yield a setting for the code of specs, if some of the preset's folders are elsewhere in this tree.

    Instead of these, it names the folders of the same names that are nearest to the root.
    """
    code: Patterns = policy.declared("spec_settings").code
    used = code.used([*map(os.fsencode, paths)])
    unused = [pattern for index, pattern in enumerate(code.patterns) if index not in used]
    names = {pattern.partition("/")[0] for pattern in unused}
    split = [path.split("/")[:-1] for path in paths if not code.matches(os.fsencode(path))]
    found = {tuple(parts[: at + 1]) for parts in split for at, part in enumerate(parts) if part in names}
    nearest = [one for one in sorted(found) if len(one) == min(map(len, found))]
    if 0 < len(nearest) <= _MOST_CODE_FOLDERS:
        folders = sorted({*code.patterns, *("/".join([*one, "**"]) for one in nearest)} - {*unused})
        why = f"not here: {' and '.join(unused)} of the preset"
        yield ProposedSetting(f"specs.code = {toml_value(folders)}", why=why)


def approver_setting(text: str) -> ProposedSetting:
    """Return the table of an approver, from `NAME=KEYFILE` or `NAME <ADDRESS>=KEYFILE`.

    Raises:
        SpecguardError: the text has neither form, or the file does not hold a public key.
    """
    match = _APPROVER.fullmatch(text.strip())
    if match is None:
        help = "write it as --approver alice=alice.pub, or as 'alice <alice@example.org>=alice.pub'"
        raise usage(f"{text!r} names no approver", help)
    file = os.path.expanduser(match["file"])
    content = read_regular(file, _LARGEST_KEY, "the approver's key").decode("utf-8", "replace").strip()
    problem = "it is a private key" if content.startswith("-----BEGIN") else key_problem(content)
    if problem:
        help = "name the .pub file that ssh-keygen wrote beside it"
        raise SpecguardError(problem, path=file, help=help, code="usage")
    table: Mapping[str, Any] = {
        "name": match["name"].strip(),
        "emails": [match["email"]] if match["email"] else None,
        # A change that names the first approver may not have comments, so the key must not have a `#`.
        "key": content.replace("#", ""),
        "may": ["PTH002", "PTH004"],
    }
    lines = [f"{key} = {toml_value(value)}" for key, value in table.items() if value]
    return ProposedSetting("\n".join([_APPROVERS, *lines]))


def compile_tree(top: str, text: str = "") -> Policy | None:
    """Compile the policy of a working tree; None if it has no authority.

    Args:
        top: the root of the working tree.
        text: the text of the authority, instead of the file's; empty for the file's.

    Raises:
        SpecguardError: the policy has an error. Of a text that is not written yet no line is named.
    """
    try:
        return load_policy(FolderTree(top, {AUTHORITY: text} if text else {}), registry=load_registry)
    except SpecguardError as error:
        if not text or any(one.path != AUTHORITY for one in error.errors()):
            raise
        problems = "; ".join(one.message for one in error.errors())
        what = f"what is to be added does not fit {AUTHORITY} (nothing was written): {problems}"
        step = "add it by hand" if f"{AUTHORITY}:" in error.help else error.help
        raise SpecguardError(what, help=step, code=error.code) from None


def change_authority(top: str, change: Callable[[str], str], *, write: bool = True) -> Policy | None:
    """Change the text of a working tree's authority by an atomic rename; new lines end as the others do.

    Args:
        top: the root of the working tree.
        change: returns the new text for the old one.
        write: False to check only that the new text compiles.

    Returns:
        The policy of the new text.

    Raises:
        SpecguardError: the new text does not compile, or the file is a link or cannot be read or written.
    """
    file = path_in_tree(top, AUTHORITY, "put a regular file in its place")
    old = "# Authority"
    if os.path.exists(file):
        old = decode(read_regular(file, DOCUMENT_LIMIT, "the authority"), AUTHORITY)
    new = change(old)
    if 0 < old.count("\r\n") == old.count("\n"):
        new = new.replace("\r\n", "\n").replace("\n", "\r\n")
    policy = compile_tree(top, new)
    if write:
        with writing(AUTHORITY, "with --print, or without --write, what is added is printed"):
            replace_file(file, new.encode("utf-8", "surrogateescape"))
    return policy


def commit_step(repository: Repository, policy: Policy | None, files: Sequence[str], subject: str) -> str:
    """Return the command that commits files, in the way that the policy asks for."""
    signs, protects, form = (policy and policy.active_rule(code) for code in ("CMT006", "BRN004", "CMT002"))
    kind, _, description = subject.partition(": ")
    if form and (types := form.settings.get("types")):
        kind = next(one for one in (kind, "chore", "docs", *types) if one in types)
    names = [os.fsencode(name) for name in (repository.branch or "", short_name(repository.branch or ""))]
    # The first commit makes the branch that judges; nothing protects it before.
    branch = repository.head and protects and protects.settings["branches"].used(names)
    switch = f"git switch -c {description.replace(' ', '-')} && " if branch else ""
    signed = "--signoff " if signs else ""
    message = shlex.quote(f"{kind}: {description}")
    paths = shlex.join(f"{at_root()}{file}" for file in files)
    force = "-f " if any(map(repository.ignores, files)) else ""
    return f"  {switch}git add {force}{paths} && git commit {signed}-m {message}"


def commit_advice(repository: Repository, policy: Policy | None) -> str:
    """Return how to commit a change of the authority, as a clause; the policy is the one before it."""
    advice = "commit it as a change of its own"
    guarded = policy and policy.guards.find(AUTHORITY.encode())
    named = policy and policy.declared("approval_settings").approver
    if guarded and not named and not repository.spawn("cat-file", "-e", f"HEAD:{AUTHORITY}").wait():
        advice += ", once one has landed that names who may approve (specguard init --approver NAME=KEYFILE)"
    return advice


_PATHS: Final = ("rules.locked-path.paths", "rules.forbidden-path.paths")
_SECTIONS: Final = "authority.sections"
_MERGED_KEYS: Final = (*_PATHS, "rules.protected-branch.branches", _SECTIONS)
"""Keys that several documents may set, each adding its own part."""


class Adoption:
    """The documents of an authority, read sentence by sentence.

    Args:
        top: the root of the working tree.
        text: the authority's text, as it is or will be written.
        files: further documents that the authority is to name.
        tracked: the files of the repository; a path that matches none of them is not proposed.

    Attributes:
        settings: the settings to add to the authority.
        account: the report on each sentence, by document and line, without those of an authority that is not
            written yet.

    Raises:
        SpecguardError: a document cannot be read, or one of its settings is wrong.
    """

    def __init__(self, top: str, text: str, files: Sequence[str], tracked: Sequence[str]) -> None:
        self._top = top
        self._text = text
        self._tracked = [os.fsencode(path) for path in tracked]
        self._values: dict[str, Any] = {}
        self.settings: list[ProposedSetting] = []
        self._name_documents(self._compile(), files)
        self._policy = policy = self._compile()
        lists = list(self._unread_entries(policy.unread))
        labels = {(one.path, one.text) for one in policy.unread}
        sentences = [one for one in self._sentences() if (one[0], one[3]) not in labels]
        self.settings += [ProposedSetting(f"{key} = {toml_value(one)}") for key, one in self._values.items()]
        final = self._compile()
        rules = {(one.path, one.line, "people", one.text): one.rules for one in final.statements if one.rules}
        known = {(one.path, one.line) for one in policy.unread}
        lists += self._unread_entries([one for one in final.unread if (one.path, one.line) not in known])
        lines = {one[:2] for one in sentences}
        account = [one for one in lists if one[2] != "unread" or one[:2] not in lines]
        account += self._section_paths()
        for one in sentences:
            codes = ", ".join(rules.get(one, ()))
            account.append((*one[:2], "add", f"{one[3]}  ({codes})") if codes else one)
        is_written = os.path.isfile(os.path.join(top, AUTHORITY))
        kept = [one for one in account if is_written or one[0] != AUTHORITY]
        self.account = sorted(kept, key=lambda one: one[:2])

    def _compile(self) -> Policy:
        """Compile the authority with the settings that were proposed until now."""
        policy = compile_tree(self._top, with_settings(self._text, self.settings))
        assert policy is not None  # noqa: S101 - a document of this name is always an authority
        return policy

    def _document(self, path: str) -> Document:
        return Document(read_source(FolderTree(self._top, {AUTHORITY: self._text}), path).text)

    def _name_documents(self, policy: Policy, files: Sequence[str]) -> None:
        """Propose the setting that names the documents which the authority does not name yet."""
        known = {path for path, _ in policy.documents}
        new = [file for file in dict.fromkeys(map(os.path.normpath, files)) if file not in known]
        for file in new:
            if not (os.fsencode(file) in self._tracked and is_document(file) and file.endswith(".md")):
                raise usage(f"{file} is not there, not Markdown, or git ignores it", "name it from the root")
        origin = policy.origin("documents")
        if new and origin:
            message = f"{origin}: `documents` does not name {', '.join(new)}"
            raise usage(message, "add it there, then: specguard init --adopt")
        if new:
            self.settings.append(ProposedSetting(f"documents = {toml_value(new)}"))

    def _section_paths(self) -> Iterator[_Line]:
        """Yield the paths that known sections list, each with its rule."""
        known = known_sections(self._policy.sections)
        for path, _ in self._policy.documents:
            for one in () if path.endswith(".toml") else read_sections(self._document(path), path, known)[0]:
                rule = self._policy.active_rule(one.meaning)
                kind, code = ("held", rule.code) if rule else ("read", one.meaning)
                yield path, one.line, kind, f"{one.path}  ({code})"

    def _unread_entries(self, unread: Sequence[Unread]) -> Iterator[_Line]:
        """Yield text that was not read; for a list of paths also the setting that would read it."""
        for one in [one for one in unread if one.meaning != "nothing"]:
            if one.meaning not in ("title", "list"):
                yield one.path, one.line, "unread", f"{one.text}: {one.reason}"
                continue
            title, paths, other = listed_paths(self._document(one.path), one.line, one.text)
            meaning, shown = suggested_rule(one.text), one.text.rstrip(":")
            rule = meaning or "locked-path"
            setting = f"{_SECTIONS} = {toml_value({title: rule})}"
            setting = setting if title else f"rules.{rule}.paths = {toml_value(paths)}"
            if not paths:
                yield one.path, one.line, "unread", f"{shown}: write its paths as a list"
            elif not meaning:
                # Names of branches and commands look like paths.
                valid = Guarding([path for path in paths if not Guarding.problem_in(path)])
                if one.meaning == "title" or 2 * len(valid.used(self._tracked)) >= len(paths):
                    text = f"{shown}: {', '.join(paths)}; to guard these: {setting}"
                    yield one.path, one.line, "ask", text
            else:
                yield self._propose(one.path, one.line, f"{shown}: {', '.join(paths)}", [setting])
                for item in () if title else other:
                    yield one.path, item.line, "unread", f"{item.plain}: it does not begin with a path"

    def _sentences(self) -> Iterator[_Line]:
        for one in self._policy.statements:
            if one.rules:
                yield one.path, one.line, "held", f"{one.text}  ({', '.join(one.rules)})"
            else:
                yield self._propose(one.path, one.line, one.text, one.settings, whole=True)

    def _propose(
        self, path: str, line: int, text: str, settings: Sequence[str], *, whole: bool = False
    ) -> _Line:
        """Propose settings for a text, unless the authority sets them otherwise; return its report line.

        If `whole`, paths are proposed only if all of them are in the repository.
        """
        additions: list[str] = []
        for setting in settings:
            key, value = _key_and_value(tomllib.loads(setting))
            origin = self._policy.origins.get(key)
            if key in _PATHS or key.endswith(".files"):
                valid = [one for one in value if not Guarding.problem_in(one)]
                # What is forbidden need not be there.
                used = [one for one in valid if key == _PATHS[1] or Guarding.of(one).used(self._tracked)]
                value = [] if whole and key in _PATHS and used != value else used
            if not value:
                continue
            if origin is not None and key not in _MERGED_KEYS and not origin.path.startswith("preset:"):
                return path, line, "people", f"{text}  -> {setting} instead of what {origin} says"
            known = self._values.setdefault(key, type(value)())
            if isinstance(value, dict):
                known.update(value)
            elif isinstance(value, list):
                known += [one for one in value if one not in known]
            else:
                self._values[key] = min(known or value, value)
            additions.append(f"{key} = {toml_value(value)}")
        if not additions:
            return path, line, "people", text
        return path, line, "add", f"{text}  -> {', '.join(additions)}"


def _key_and_value(data: Any, key: str = "") -> tuple[str, Any]:
    """Return the dotted key and the value of one setting."""
    ((name, value),) = data.items()
    key = f"{key}.{name}" if key else name
    if isinstance(value, dict) and key != _SECTIONS:
        return _key_and_value(value, key)
    return key, value


MOST_CHANGES: Final = 200
"""The number of past changes that are judged at most."""

_JUDGING_TIME: Final = 60
"""The time limit for judging past changes, in seconds; half of it once there are enough to tell."""

_LEAST_CHANGES: Final = 20
"""Fewer changes than this do not show a team's conventions."""

_BREAKS_RATIO: Final = 20
"""A convention that more than one change in this many breaks is not a convention of the team yet.

Rules that guard paths are never loosened because changes broke them.
"""

_GUARD_RULES: Final = ("PTH001", "PTH002")
_LEAST_BOT_BREAKS: Final = 3
_BOT: Final = "[bot]"
"""The end of a bot's account name, and of the author name in its commits."""

_PINS: Final = ProposedSetting('rules.locked-path.pins = "allow"')


def report_past(
    repository: Repository, report: Callable[[PastGit, list[PastChange]], Iterator[str]]
) -> Iterator[str]:
    """Yield the lines of a report on the last changes; nothing if there are only a few.

    Args:
        repository: the repository whose history is read.
        report: yields the lines; it gets the changes with the newest first.
    """
    if repository.head is None:
        return
    try:
        with Needed(), Git(repository) as git:
            past = past_changes(git, find_branch(git, "").tip, most=MOST_CHANGES)
        # A root commit has no base to be judged against.
        changes = [change for change in past if change.base]
        if len(changes) < _LEAST_CHANGES:
            return
        print(f"looking at the last {len(changes)} changes, for about a minute at most", file=sys.stderr)
        with Needed(), PastGit(repository, changes[::-1]) as past_git:
            yield from report(past_git, changes)
    except SpecguardError as error:
        yield f"past changes: not looked at: {error.message}"


def past_failures(policy: Policy, git: PastGit, changes: Sequence[PastChange]) -> Iterator[str]:
    """Yield a line on the findings of a policy in the last changes."""
    found = _find_failures(git, policy, changes, monotonic() + _JUDGING_TIME)
    yield f"past changes: {_failure_text(found)} by this authority"


def _merge_settings(commits: Sequence[Commit], kinds: Mapping[str, WorkKind]) -> Iterator[ProposedSetting]:
    """Yield `merge = "squash"` if most changes landed as one commit that the platform has numbered.

    A squash lands the title as the message, so that the titles of items are then those of their commits.
    """
    subjects = [one.message.subject for one in commits if not one.is_merge]
    numbered = sum(strip_pull_number(one) != one for one in subjects)
    if 2 * numbered > len(commits):
        why = f"{numbered} of the last {len(commits)} changes landed as one numbered commit"
        yield ProposedSetting('merge = "squash"', why=why)
        for name, kind in kinds.items():
            if kind.commit and kind.pull_request:
                toml = f"work.{toml_key(name)}.pull_request = {toml_value(kind.commit)}"
                yield ProposedSetting(toml, why="a squash lands the title as the message of the commit")


def _bots(commits: Sequence[Commit], failures: dict[str, frozenset[str]]) -> Iterator[ProposedSetting]:
    """Yield a table for each bot, known by its name, that often breaks conventions; remove these failures."""
    broke = [one for one in commits if any(code.startswith(EXEMPTIBLE) for code in failures[one.oid])]
    for name, oids in grouped((one.author.partition(" <")[0], one.oid) for one in broke).items():
        if not name.endswith(_BOT) or len(oids) < _LEAST_BOT_BREAKS:
            continue
        for oid in oids:
            failures[oid] = frozenset(code for code in failures[oid] if not code.startswith(EXEMPTIBLE))
        table = f"[authors.{toml_key(name.removesuffix(_BOT))}]\nlogins = {toml_value([name])}"
        why = f"{len(oids)} of the last {len(commits)} changes; the platform says whose a change is"
        yield ProposedSetting(table, why=why)


def _severity_settings(policy: Policy, failures: dict[str, frozenset[str]]) -> Iterator[ProposedSetting]:
    """Yield severity "warning" for each convention that too many changes break; remove its failures."""
    for code, times in sorted(_count_codes(failures).items()):
        rule = policy.rule(code)
        if rule is None or not code.startswith(EXEMPTIBLE) or times * _BREAKS_RATIO <= len(failures):
            continue
        for oid, codes in failures.items():
            failures[oid] = codes - {code}
        why = f"{times} of the last {len(failures)} changes break it"
        yield ProposedSetting(f'rules.{rule.name}.severity = "warning"', why=why)


def _find_failures(
    git: PastGit, policy: Policy, changes: Sequence[PastChange], deadline: float
) -> dict[str, frozenset[str]]:
    """Return for each change the codes of the rules that fail by a policy, for a guard also its pattern."""
    found: dict[str, frozenset[str]] = {}
    for change in changes:
        found[change.head] = frozenset(
            f"{one.code} {one.finding.key}" if one.code in _GUARD_RULES else one.code
            for one in judge_as_merged(git, policy, change).findings
            if one.is_open_error
        )
        left = deadline - monotonic()
        if left < (_JUDGING_TIME / 2 if len(found) >= _LEAST_CHANGES else 0):
            break
    return found


def _locked_changes(failures: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the changes that fail because of a lock."""
    return {oid for oid, codes in failures.items() if any(code[:6] == _GUARD_RULES[1] for code in codes)}


def _count_codes(failures: Mapping[str, frozenset[str]]) -> Counter[str]:
    return Counter(code for codes in failures.values() for code in sorted(codes))


def _failure_text(failures: Mapping[str, frozenset[str]]) -> str:
    failed = sum(bool(codes) for codes in failures.values())
    counts = [f"{code} {times}" for code, times in _count_codes(failures).most_common()]
    return f"{failed} of the last {len(failures)} would have failed{f' ({listed(counts)})' if counts else ''}"
