"""The authority that `specguard init` proposes: its guards and settings, each with a reason."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, Final, NamedTuple

from specguard.approvals.people import EXEMPTIBLE
from specguard.audit.judging import PastChange, PastGit, find_branch, judge_as_merged, past_changes
from specguard.authority.load import AUTHORITY, is_document, read_source
from specguard.authority.policy import Policy, Unread
from specguard.authority.prose import known_sections, listed_paths, read_sections, suggested_rule
from specguard.change.entries import Commit, strip_pull_number
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.worktree import FolderTree
from specguard.cli.authority_file import AuthorityFile, ProposedSetting, settings_block, with_settings
from specguard.cli.options import usage
from specguard.declaration.patterns import Guarding, is_plain
from specguard.documents.document import Document
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import Needed, SpecguardError
from specguard.model import Record, grouped, listed
from specguard.reporters.escape import markdown_templates
from specguard.work.kinds import WorkKind

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

_MOST_CODE_FOLDERS: Final = 8
"""The largest number of folders, named like those of a preset, that are taken as its code."""


class Draft:
    """An authority that is not written yet.

    Args:
        authority: the file that it is to be.
        base: the branch that changes are merged into.
        presets: the presets that it extends.

    Attributes:
        authority: the file that it is to be.
        base: the branch that changes are merged into.
        settings: its settings; the text has those without a table before the tables, `base` last.
    """

    def __init__(self, authority: AuthorityFile, base: str, presets: Sequence[str]) -> None:
        self.authority = authority
        self.base = base
        self._locked = {AUTHORITY: "this document"}
        self._forbidden: dict[str, str] = {}
        self._guard_usual()
        self.settings = [ProposedSetting(f"extends = {toml_value(presets)}")] if presets else []

    def _guard_usual(self) -> None:
        """Guard the paths of this repository that are worth it."""
        names = list(map(os.fsdecode, self.authority.tracked))
        for known, guards in ((_LOCKED, self._locked), (_FORBIDDEN, self._forbidden)):
            for pattern, why in known:
                begins = re.compile(pattern if pattern.endswith("/") else rf"(?:{pattern})\Z")
                for name in sorted({match[0] for match in map(begins.match, names) if match}):
                    # Another name would be read as a pattern of other files, or end its code span.
                    if is_plain(name) and name.isprintable() and "`" not in name:
                        guards.setdefault(name, why)

    def spec_code_settings(self) -> Iterator[ProposedSetting]:
        """Yield a setting for the code of specs, if some of the preset's folders are elsewhere in this tree.

        Instead of these, it names the folders of the same names that are nearest to the root.
        """
        paths, code = self.authority.tracked, self.policy().declared("spec_settings").code
        used = code.used(paths)
        unused = [pattern for index, pattern in enumerate(code.patterns) if index not in used]
        names = {pattern.partition("/")[0] for pattern in unused}
        split = [os.fsdecode(path).split("/")[:-1] for path in paths if not code.matches(path)]
        found = {tuple(parts[: at + 1]) for parts in split for at, part in enumerate(parts) if part in names}
        nearest = [one for one in sorted(found) if len(one) == min(map(len, found))]
        if 0 < len(nearest) <= _MOST_CODE_FOLDERS:
            folders = sorted({*code.patterns, *("/".join([*one, "**"]) for one in nearest)} - {*unused})
            why = f"not here: {' and '.join(unused)} of the preset"
            yield ProposedSetting(f"specs.code = {toml_value(folders)}", why=why)

    def lock_altered(self, failures: Failures) -> None:
        """Lock what it proposes to forbid, if several of the judged changes altered it."""
        for path, why in [*self._forbidden.items()]:
            times = failures.counts()[f"{_GUARD_RULES[0]} {path}"]
            # One change may have created it.
            if times > 1:
                del self._forbidden[path]
                self._locked[path] = f"{why}; {times} of the last {len(failures)} changes altered it"

    def text(self, *trial: ProposedSetting) -> str:
        """Return the text of the document, including settings that are only tried."""
        page = markdown_templates("specguard.cli").get_template("authority.md")
        block = settings_block([*self.settings, *trial])
        return page.render(base=self.base, locked=self._locked, forbidden=self._forbidden, settings=block)

    def policy(self, *trial: ProposedSetting) -> Policy:
        """Compile the text, including settings that are only tried."""
        return self.authority.compile_text(self.text(*trial))

    def fit_to_past(self, past: Past) -> Iterator[str]:
        """Judge the last changes by this authority, and add settings that fit them.

        Yields:
            Lines of a report for a person.
        """
        policy = self.policy()
        before = past.failures(policy, past.changes)
        commits = [past.git.commit(head) for head in before]
        self.settings += _merge_settings(commits, policy.declared("work_kinds"))
        self.lock_altered(before)
        failed = [one for one in past.changes if before.get(one.head)]
        # The tried setting can only remove failures, so only failed changes are judged again.
        after = Failures({**before, **past.failures(self.policy(_PINS), failed)})
        if pins := len(before.locked() - after.locked()):
            why = f"{pins} of the last {len(commits)} changes altered only pinned versions of locked files"
            self.settings.append(ProposedSetting(_PINS.toml, why=why))
        yield f"past changes: {before} by what is guarded and the defaults"
        self.settings += _bots(commits, after)
        self.settings += _severity_settings(self.policy(), after)
        if after != before:
            yield f"past changes: {after} by what is proposed"


_PATHS: Final = ("rules.locked-path.paths", "rules.forbidden-path.paths")
_SECTIONS: Final = "authority.sections"
_MERGED_KEYS: Final = (*_PATHS, "rules.protected-branch.branches", _SECTIONS)
"""Keys that several documents may set, each adding its own part."""


class Remark(NamedTuple):
    """A remark on a text of a document, as a line of the report.

    Attributes:
        path: the document.
        line: its line.
        state: the state of the text, such as `held` or `people`.
        text: the text.
    """

    path: str
    line: int
    state: str
    text: str


class Adoption:
    """The documents of an authority, read sentence by sentence.

    Args:
        authority: the authority; a path that matches none of the repository's files is not proposed.
        text: its text, as it is or will be written.
        files: further documents that it is to name.

    Attributes:
        settings: the settings to add to the authority.
        account: the report on each sentence, by document and line, without those of an authority that is not
            written yet.

    Raises:
        SpecguardError: a document cannot be read, or one of its settings is wrong.
    """

    def __init__(self, authority: AuthorityFile, text: str, files: Sequence[str]) -> None:
        self._authority, self._tracked = authority, authority.tracked
        self._text = text
        self._values: dict[str, Any] = {}
        self.settings: list[ProposedSetting] = []
        self._name_documents(self._compile(), files)
        self._policy = policy = self._compile()
        lists = list(self._unread_entries(policy.unread))
        labels = {(one.path, one.text) for one in policy.unread}
        sentences = [one for one in self._sentences() if (one.path, one.text) not in labels]
        self.settings += [ProposedSetting(f"{key} = {toml_value(one)}") for key, one in self._values.items()]
        final = self._compile()
        rules = {Remark(one.path, one.line, "people", one.text): one.rules for one in final.statements}
        known = {(one.path, one.line) for one in policy.unread}
        lists += self._unread_entries([one for one in final.unread if (one.path, one.line) not in known])
        lines = {(one.path, one.line) for one in sentences}
        account = [one for one in lists if one.state != "unread" or (one.path, one.line) not in lines]
        account += self._section_paths()
        for one in sentences:
            codes = ", ".join(rules.get(one, ()))
            account.append(one._replace(state="add", text=f"{one.text}  ({codes})") if codes else one)
        kept = [one for one in account if authority.exists or one.path != AUTHORITY]
        self.account = sorted(kept, key=lambda one: (one.path, one.line))

    def _compile(self) -> Policy:
        """Compile the authority with the settings that were proposed until now."""
        return self._authority.compile_text(with_settings(self._text, self.settings))

    def _document(self, path: str) -> Document:
        return Document(read_source(FolderTree(self._authority.top, {AUTHORITY: self._text}), path).text)

    def _name_documents(self, policy: Policy, files: Sequence[str]) -> None:
        """Propose the setting that names the documents which the authority does not name yet."""
        known = {path for path, _ in policy.documents}
        new = [file for file in dict.fromkeys(map(os.path.normpath, files)) if file not in known]
        for file in new:
            if not (os.fsencode(file) in self._tracked and is_document(file) and file.endswith(".md")):
                raise usage(f"{file} is not there, not Markdown, or git ignores it", "name it from the root")
        if new and (origin := policy.origin("documents")):
            message = f"{origin}: `documents` does not name {', '.join(new)}"
            raise usage(message, "add it there, then: specguard init --adopt")
        if new:
            self.settings.append(ProposedSetting(f"documents = {toml_value(new)}"))

    def _section_paths(self) -> Iterator[Remark]:
        """Yield the paths that known sections list, each with its rule."""
        known = known_sections(self._policy.sections)
        for path, _ in self._policy.documents:
            for one in () if path.endswith(".toml") else read_sections(self._document(path), path, known)[0]:
                rule = self._policy.active_rule(one.meaning)
                kind, code = ("held", rule.code) if rule else ("read", one.meaning)
                yield Remark(path, one.line, kind, f"{one.path}  ({code})")

    def _unread_entries(self, unread: Sequence[Unread]) -> Iterator[Remark]:
        """Yield text that was not read; for a list of paths also the setting that would read it."""
        for one in [one for one in unread if one.meaning != "nothing"]:
            if one.meaning not in ("title", "list"):
                yield Remark(one.path, one.line, "unread", f"{one.text}: {one.reason}")
                continue
            title, paths, other = listed_paths(self._document(one.path), one.line, one.text)
            meaning, shown = suggested_rule(one.text), one.text.rstrip(":")
            rule = meaning or "locked-path"
            setting = f"{_SECTIONS} = {toml_value({title: rule})}"
            setting = setting if title else f"rules.{rule}.paths = {toml_value(paths)}"
            if not paths:
                yield Remark(one.path, one.line, "unread", f"{shown}: write its paths as a list")
            elif not meaning:
                # Names of branches and commands look like paths.
                valid = Guarding([path for path in paths if not Guarding.problem_in(path)])
                if one.meaning == "title" or 2 * len(valid.used(self._tracked)) >= len(paths):
                    text = f"{shown}: {', '.join(paths)}; to guard these: {setting}"
                    yield Remark(one.path, one.line, "ask", text)
            else:
                yield self._propose(one.path, one.line, f"{shown}: {', '.join(paths)}", [setting])
                for item in () if title else other:
                    text = f"{item.plain}: it does not begin with a path"
                    yield Remark(one.path, item.line, "unread", text)

    def _sentences(self) -> Iterator[Remark]:
        for one in self._policy.statements:
            if one.rules:
                yield Remark(one.path, one.line, "held", f"{one.text}  ({', '.join(one.rules)})")
            else:
                yield self._propose(one.path, one.line, one.text, one.settings, whole=True)

    def _propose(
        self, path: str, line: int, text: str, settings: Sequence[str], *, whole: bool = False
    ) -> Remark:
        """Propose settings for a text, unless the authority sets them otherwise; return its report line.

        If `whole`, paths are proposed only if all of them are in the repository.
        """
        additions: list[str] = []
        for setting in settings:
            key, _, text_of_value = setting.partition(" = ")
            value = tomllib.loads(f"value = {text_of_value}")["value"]
            origin = self._policy.origins.get(key)
            if key in _PATHS or key.endswith(".files"):
                valid = [one for one in value if not Guarding.problem_in(one)]
                # What is forbidden need not be there.
                used = [one for one in valid if key == _PATHS[1] or Guarding.of(one).used(self._tracked)]
                value = [] if whole and key in _PATHS and used != value else used
            if not value:
                continue
            if origin is not None and key not in _MERGED_KEYS and origin.is_file:
                return Remark(path, line, "people", f"{text}  -> {setting} instead of what {origin} says")
            known = self._values.setdefault(key, type(value)())
            if isinstance(value, dict):
                known.update(value)
            elif isinstance(value, list):
                known += [one for one in value if one not in known]
            else:
                self._values[key] = min(known or value, value)
            additions.append(f"{key} = {toml_value(value)}")
        if not additions:
            return Remark(path, line, "people", text)
        return Remark(path, line, "add", f"{text}  -> {', '.join(additions)}")


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


class Failures(dict[str, frozenset[str]]):
    """The codes of the rules that fail in each of some changes, for a guard also its pattern."""

    def counts(self) -> Counter[str]:
        """Return the number of changes in which each rule fails."""
        return Counter(code for codes in self.values() for code in sorted(codes))

    def locked(self) -> set[str]:
        """Return the changes that fail because of a lock."""
        return {oid for oid, codes in self.items() if any(code[:6] == _GUARD_RULES[1] for code in codes)}

    def __str__(self) -> str:
        failed = sum(map(bool, self.values()))
        counts = [f"{code} {times}" for code, times in self.counts().most_common()]
        return f"{failed} of the last {len(self)} would have failed{f' ({listed(counts)})' if counts else ''}"


class Past(Record):
    """The last changes of a repository.

    Attributes:
        git: the process that reads them.
        changes: the changes, the newest first.
        deadline: the time at which no more of them are judged.
    """

    git: PastGit
    changes: Sequence[PastChange]
    deadline: float

    def failures(self, policy: Policy, changes: Sequence[PastChange]) -> Failures:
        """Judge changes by a policy until the time is over; return those that were judged."""
        found = Failures()
        for change in changes:
            found[change.head] = frozenset(
                f"{one.code} {one.finding.key}" if one.code in _GUARD_RULES else one.code
                for one in judge_as_merged(self.git, policy, change).findings
                if one.is_open_error
            )
            if self.deadline - monotonic() < (_JUDGING_TIME / 2 if len(found) >= _LEAST_CHANGES else 0):
                break
        return found

    def report(self, policy: Policy) -> Iterator[str]:
        """Yield a line on the findings of a policy in the changes."""
        yield f"past changes: {self.failures(policy, self.changes)} by this authority"


def report_past(repository: Repository, report: Callable[[Past], Iterator[str]]) -> Iterator[str]:
    """Yield the lines of a report on the last changes; nothing if there are only a few."""
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
            yield from report(Past(past_git, changes, monotonic() + _JUDGING_TIME))
    except SpecguardError as error:
        yield f"past changes: not looked at: {error.message}"


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


def _bots(commits: Sequence[Commit], failures: Failures) -> Iterator[ProposedSetting]:
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


def _severity_settings(policy: Policy, failures: Failures) -> Iterator[ProposedSetting]:
    """Yield severity "warning" for each convention that too many changes break; remove its failures."""
    for code, times in sorted(failures.counts().items()):
        rule = policy.rule(code)
        if rule is None or not code.startswith(EXEMPTIBLE) or times * _BREAKS_RATIO <= len(failures):
            continue
        for oid, codes in failures.items():
            failures[oid] = codes - {code}
        why = f"{times} of the last {len(failures)} changes break it"
        yield ProposedSetting(f'rules.{rule.name}.severity = "warning"', why=why)
