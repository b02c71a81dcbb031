r"""A case: a policy, a small repository, a change, and what `specguard check` is to say of it.

One format serves a rule's examples and whole repositories in `tests/cases/`. It is TOML:

    # Wrapped into SPEC_AUTHORITY.md; a text that begins with "#" is the whole document, "" is none.
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    # The branches main and origin/main; a list makes several commits.
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    branch = "phase-12"
    # A text stands for {code = "..."}, or for {name = "..."} where it is a rule's name.
    expect = [{code = "PTH001", path = "docs/api/x.yaml"}]
    states = {CMT001 = "not-applicable"}
    exit_code = 1

A case in a file may be `like` another one beside it: its keys are those of the other, with its own in
their place. `edits` then changes files: a table replaces parts of a file by others in every step that has
it, a text is all of it in the change (in the last commit, where none of its commits has it), and `false`
leaves it out of all steps:

    like = "wave.toml"
    edits = {"docs/REVIEW.md" = {"## Risks" = ""}}

With `after` in place of `like` a case goes on where the other one ends: it has the other's policy, and the
other's commits are the last ones of its base.

A file may hold several cases, each a table `[[cases]]` with a `name`; the file's other keys are those of each
of them, with its own in their place:

    [[cases]]
    name = "a deletion"
    commits = [{delete = ["docs/api/x.yaml"]}]

Approvals of the change are made for it as it is, with what the case says otherwise. `{key}` and `{other}` in
the policy of such a case are two public keys, whose other halves sign:

    policy = '''
    [[approvals.approver]]
    name = "alice"
    key = "{key}"
    may = ["PTH002"]
    '''
    approvals = [{rules = ["PTH002"], approver = "alice", expires = 10, sign = "key"}]
    expect = [{code = "PTH002", state = "approved"}]

In paths and messages `\xNN` stands for a byte, as in reports. In `args`, `env`, `stdin`, `patch`, `event`,
`reviews` and `expect`, `{base}`, `{start}`, `{head}` and `{ID}` stand for object ids: of the base's last and
first commit, of the last commit, and of the commit or approval with that `id`; `{approval}` is the id of the
first approval without one. `Case` and `Grant` have all keys.
"""

from __future__ import annotations

import atexit
import copy
import datetime
import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from specguard.approvals.record import Approval, Bond, Revocation
from specguard.model import Judged
from specguard.testing.repository import ORIGIN, Repository, Step, clean_environment, plain_bytes, to_bytes

AUTHORITY = b"SPEC_AUTHORITY.md"
_NO_SETTINGS = 'base = "main"\n'


@dataclass(frozen=True)
class Case:
    """One case; each attribute is a key of the format.

    Attributes:
        name: how it is called in messages; it is no key.
        policy: TOML settings, or a whole Markdown document; `""`, or None, where `base` has one or there is
            none.
        base: the commits of `main`, oldest first; a table is one commit.
        commits: the commits of the branch, on top of the last of the base unless `parents` says otherwise
            (`base` and `start` are the ids of the base's last and first commit).
        branch: the branch that is checked out and judged.
        origin: the URL of the remote `origin`; `""` for a repository without one, and without `origin/main`.
        refs: more refs, in full, each with the id of a commit.
        staged: a change that is staged; the check is then `--staged`.
        worktree: a change in the working tree alone; the check is `--worktree` where nothing is staged.
        commit_message: the text of a commit message's file; the check is then `--commit-msg-file`.
        patch: the text of a patch; the check is then `--patch`.
        title: a pull request's title.
        body: a pull request's body.
        event: a platform's event, as a table; written as JSON and given as `--pr-event`.
        reviews: a pull request's reviews as the platform lists them; written as JSON and given as
            `--pr-reviews`.
        approvals: approvals of the change, each with the keys of `Grant`; they are written once all else is
            there, those of the change in a last commit of their own.
        args: more arguments of `specguard check`.
        env: more variables of its environment.
        stdin: its standard input.
        expect: each finding by some of its fields; `authority` is `path:line`, `message` and `help` are
            parts of the text. Every finding must be expected, and every expected one be found. None, which
            TOML cannot say, leaves findings aside.
        states: the state of rules, by code.
        report: other fields of the report, such as `{authority = {trusted = false}}`.
        exit_code: where it is absent and nothing is expected, 0.
        error: a part of `path:line: message; help` of the error, for a check that gives no verdict.
        notes: parts of the notes and reasons of the report.
    """

    name: str = "case"
    policy: str | None = _NO_SETTINGS
    base: Sequence[Step] = (Step("chore: base"),)
    commits: Sequence[Step] = ()
    branch: str = "work"
    origin: str = ORIGIN
    refs: Mapping[str, str] = field(default_factory=dict)
    staged: Step | None = None
    worktree: Step | None = None
    commit_message: str | None = None
    patch: str | None = None
    title: str | None = None
    body: str | None = None
    event: Mapping[str, Any] | None = None
    reviews: Sequence[Mapping[str, Any]] | None = None
    approvals: Sequence[Grant] = ()
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    expect: Sequence[Mapping[str, Any]] | None = ()
    states: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    error: str = ""
    notes: Sequence[str] = ()

    @classmethod
    def from_toml(
        cls,
        text: str | Mapping[str, Any],
        name: str = "case",
        folder: Path | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> Case:
        """Read a case.

        Args:
            text: the case, or what was read from its TOML.
            name: how messages call it.
            folder: where the case stands that it may be like; None: nowhere.
            defaults: the values of attributes that it has no key for.

        Raises:
            CaseError: it is no TOML, or a key or value is not the format's.
        """
        forms = {item.name: str(item.type) for item in fields(cls) if item.name != "name"}
        table = _table(text, name, folder)
        _check_keys(table, forms, name)
        for key, value in table.items():
            where = f"{name}: {key}"
            several = value if isinstance(value, list) else [value]
            if key in ("staged", "worktree"):
                table[key] = _step(value, where, "")
            elif key in _STEPS:
                table[key] = [_step(item, where, _STEPS[key]) for item in several]
            else:
                _check_form(value, forms[key], where)
            if key == "approvals":
                table[key] = [_grant(item, f"{where}.{position}") for position, item in enumerate(value)]
            elif key == "expect":
                table[key] = [_finding(item, f"{where}.{position}") for position, item in enumerate(value)]
            elif key == "env" and any(not variable or "=" in variable for variable in value):
                raise CaseError(f"{where}: no variable has such a name", where)
            words = [*value, *value.values()] if isinstance(value, dict) else several
            if key in _TO_PROCESSES and any("\0" in word for word in words):
                raise CaseError(f"{where} has a NUL, which no word of a command has", where)
        return cls(**{**(defaults or {}), **table}, name=name)

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a case from a file, whose name without `.toml` becomes the case's."""
        return cls.from_toml(path.read_text(encoding="utf-8"), path.stem, path.parent)

    @classmethod
    def load_all(cls, path: Path) -> list[Case]:
        """Read the cases of a file: itself, or each of its `[[cases]]`.

        Raises:
            CaseError: it is no TOML, or a key or value is not the format's.
        """
        table = parse_table(path.read_text(encoding="utf-8"), path.stem)
        return [cls.from_toml(one, name, path.parent) for name, one in split_cases(table, path.stem)]

    def build(self, directory: str | os.PathLike[str]) -> Repository:
        """Make the case's repository in an empty or missing folder, with its branch checked out.

        The object ids that the case's placeholders stand for are in its `names`.

        Raises:
            CaseError: a commit names a parent, or deletes or renames a path, that is not there.
        """
        repository = Repository(directory, branch=self.branch)
        base = [self._with_policy(self.base[0]), *self.base[1:]] if self.base else []
        steps, refs, labels = self._steps(base)
        try:
            if steps:
                made = repository.add_commits(steps, refs=refs)
                repository.names.update((name, made[label]) for name, label in labels.items())
            if self.origin:
                repository.remote(self.origin)
            if self.staged is not None:
                repository.apply(self.staged)
                repository.stage()
            if self.worktree is not None:
                repository.apply(self.worktree)
        except (KeyError, OSError) as error:
            raise CaseError(f"{self.name}: {error.args[0] if len(error.args) == 1 else error}") from None
        if self.approvals:
            self.file_grants(repository)
        return repository

    def variables(self, names: Mapping[str, str]) -> dict[str, str]:
        """The variables that this case adds to the environment.

        Args:
            names: the object ids that placeholders stand for.
        """
        return {name: fill(value, names) for name, value in self.env.items()}

    def arguments(self, directory: Path, names: Mapping[str, str]) -> list[str]:
        """The arguments of `specguard check` for this case; files that they name are written to a folder.

        Args:
            directory: an existing folder outside the repository.
            names: the object ids that placeholders stand for, as `build` left them in the repository.
        """
        arguments = ["--staged"] if self.staged is not None else []
        if self.worktree is not None and self.staged is None:
            arguments.append("--worktree")
        if self.title is not None:
            arguments.append(f"--pr-title={self.title}")
        event, reviews = (None if data is None else json.dumps(data) for data in (self.event, self.reviews))
        for option, name, text in (
            ("--commit-msg-file", "COMMIT_EDITMSG", self.commit_message),
            ("--patch", "change.patch", self.patch),
            ("--pr-body-file", "body.md", self.body),
            ("--pr-event", "event.json", event),
            ("--pr-reviews", "reviews.json", reviews),
        ):
            if text is not None:
                (directory / name).write_bytes(plain_bytes(fill(text, names)))
                arguments += [option, str(directory / name)]
        return [*arguments, *(fill(argument, names) for argument in self.args)]

    def _steps(self, base: Sequence[Step]) -> tuple[list[Step], dict[str, str], dict[str, str]]:
        """All commits with ids and parents of their own, the refs that point to them, and the case's ids."""
        steps: list[Step] = []
        labels: dict[str, str] = {}
        for position, step in enumerate([*base, *self.commits]):
            label = f"#{position}"
            parents: tuple[str, ...] = (f"#{position - 1}",) if position else ()
            if step.parents is not None:
                parents = tuple(_known(labels, name, f"{self.name}: parents") for name in step.parents)
            steps.append(replace(step, id=label, parents=parents))
            labels["head"] = label
            if step.id:
                labels[step.id] = label
            if position < len(base):
                labels["base"] = label
                labels.setdefault("start", label)
        refs = {ref: _known(labels, name, f"{self.name}: refs") for ref, name in self.refs.items()}
        if base and self.branch != "main":
            refs["refs/heads/main"] = labels["base"]
        if base and self.origin:
            refs["refs/remotes/origin/main"] = labels["base"]
        return steps, refs, labels

    def _with_policy(self, step: Step) -> Step:
        files: dict[str | bytes, str | bytes] = {to_bytes(path): text for path, text in step.files.items()}
        if not self.policy or AUTHORITY in files:
            return step
        text = self.policy
        if self.approvals:
            text = fill(text, {name: public_key(name) for name in KEYS if f"{{{name}}}" in text})
        if not text.startswith("#"):
            text = f"# Authority\n\n```toml specguard\n{text.strip(chr(10))}\n```\n"
        return replace(step, files={AUTHORITY: text, **files})

    def file_grants(self, repository: Repository) -> None:
        """Write the approvals where they belong, and note their ids in the repository's names.

        Args:
            repository: this case's, or another one with the change that they are for.

        Raises:
            CaseError: there is no `ssh-keygen` for a signature, the command line is wrong, or the log of
                approvals is in no folder of the working tree.
        """
        files: dict[str, dict[str, bytes]] = {place: {} for place in PLACES}
        names: dict[str, str] = {}
        unnamed = (f"approval{number if number > 1 else ''}" for number in count(1))
        with (
            TemporaryDirectory(prefix="specguard-") as folder,
            self._judged(repository, Path(folder)) as (bond, found),
        ):
            for grant in self.approvals:
                record = grant.record(bond, found, names)
                names[grant.id or next(unnamed)] = record.id
                content, path = record.content, f"{os.fsdecode(bond.folder)}{record.id}.json"
                if grant.sign:
                    files[grant.place][f"{path}.sig"] = sign(content, grant.sign)
                for old, new in grant.edits.items():
                    content = content.replace(to_bytes(old), to_bytes(new))
                files[grant.place][path] = content
        if files["base"]:
            repository.names["base"] = _add(repository, "refs/heads/main", files["base"])
            if repository.process("rev-parse", "--verify", "-q", "refs/remotes/origin/main").returncode == 0:
                repository.git("update-ref", "refs/remotes/origin/main", repository.names["base"])
        for path, content in {**files["head"], **files["local"]}.items():
            try:
                repository.see_inside(path)
            except OSError as error:
                raise CaseError(str(error)) from None
            repository.write(path, content)
        if files["head"]:
            repository.stage(*files["head"])
        if files["head"] and self.staged is None and self.worktree is None:
            repository.names["head"] = repository.commit("chore: approve", stage=False)
        repository.names.update(names)

    @contextmanager
    def _judged(self, repository: Repository, folder: Path) -> Iterator[tuple[Bond, Sequence[Judged]]]:
        """The identities that approvals of the change are bound to, and the findings of all rules in it.

        Args:
            repository: where it is.
            folder: an empty one for the files that arguments name.

        Raises:
            SpecguardError: it cannot be judged.
        """
        import click

        from specguard.change.check_request import Request
        from specguard.change.git import Git
        from specguard.change.repository import Repository as Located
        from specguard.change.sources import open_changes
        from specguard.cli.check import command
        from specguard.engine.check import Selection
        from specguard.engine.facts import Facts
        from specguard.engine.policies import Policies
        from specguard.engine.rule_runner import Judging

        try:
            words = command.make_context("check", self.arguments(folder, repository.names)).params
        except click.ClickException as error:
            raise CaseError(f"the arguments of the check are wrong: {error.format_message()}") from None
        options = {name: words[name] for name in Request._fields if name in words}
        options.update(directory=str(repository.path), override=(), enforce=False)
        environment = {**clean_environment(), **self.variables(repository.names)}
        request = Request(environment=environment, **options)
        located = Located.locate(request.directory, request.environment)
        with Git(located) as git:
            (change,) = open_changes(git, request)
            change, policy, _ = Policies(request, located).of(change)
            facts = Facts(change, policy)
            results = Judging(policy, facts, Selection(policy.rules)).run()
            yield Bond(facts), [one for result in results for one in result.findings]


def fill(text: str, names: Mapping[str, str]) -> str:
    """A text with `{name}` replaced by the object id of that name; other braces stay."""
    for name, oid in names.items():
        text = text.replace(f"{{{name}}}", oid)
    return text


def _known(labels: Mapping[str, str], name: str, where: str) -> str:
    if name not in labels:
        raise CaseError(f"{where}: no commit so far has the id {name!r}")
    return labels[name]


_STEPS = {"base": "chore: base", "commits": "feat: change", "staged": "", "worktree": ""}
"""The keys that hold steps, with the message of a step that has none."""

_TO_PROCESSES = ("args", "env", "refs", "branch", "origin", "title")
_TARGETS = ("symlinks", "rename")
_PATHS = ("delete", "executable", "files", "submodules", *_TARGETS)
_EXPECTED = (
    "code", "name", "path", "line", "end_line", "commit", "field", "side", "severity", "state", "authority",
    "message", "help",
)  # fmt: skip
_LONGEST_LIKENESS = 5
_WORDS: dict[type, str] = {
    str: "text", dict: "a table", list: "a list", int: "a whole number",
    datetime.date: "a date, as in 2027-01-31",
}  # fmt: skip
_KINDS = {
    "Sequence": list, "tuple": list, "Mapping": dict, "Texts": dict, "Ids": dict, "int": int,
    "datetime.date": datetime.date,
}  # fmt: skip
"""The kind of a field's values, by the beginning of its annotation; other fields are texts."""


class CaseError(ValueError):
    """A case that is not written as the format asks.

    Args:
        message: what is wrong.
        where: the dotted key that is wrong, with the case's name and `: ` before it; empty if none is.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


def _check_form(value: Any, form: str, where: str) -> None:
    """See that a value is of a field's annotation, and each part of it too."""
    kind = next((kind for begins, kind in _KINDS.items() if form.startswith(begins)), str)
    _check_kind(value, kind, where)
    if kind in (list, dict) and "Any" not in form and "Grant" not in form:
        for name, part in value.items() if kind is dict else enumerate(value):
            _check_kind(part, str, f"{where}.{name}")


def fields_of(cls: type, table: Any, where: str) -> dict[str, Any]:
    """A table whose keys are the fields of a dataclass.

    Raises:
        CaseError: it has other keys, or values that are not as its fields are annotated.
    """
    _check_kind(table, dict, where)
    forms = {item.name: str(item.type) for item in fields(cls)}
    _check_keys(table, forms, where)
    for key, value in table.items():
        _check_form(value, forms[key], f"{where}.{key}")
    return dict(table)


def _finding(expected: Any, where: str) -> dict[str, Any]:
    if isinstance(expected, str):
        expected = {"code" if expected[:1].isupper() else "name": expected}
    _check_kind(expected, dict, where)
    _check_keys(expected, _EXPECTED, where)
    return dict(expected)


def parse_table(text: str, name: str) -> dict[str, Any]:
    """The table of a file of cases.

    Raises:
        CaseError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{name}: {error}") from None


def split_cases(table: Mapping[str, Any], name: str) -> list[tuple[str, dict[str, Any]]]:
    """The cases of a file by name: the file itself, or its `cases` with its keys below their own.

    Args:
        table: what was read from the file.
        name: how messages call the file.

    Raises:
        CaseError: `cases` is no list of tables that have names of their own.
    """
    shared = dict(table)
    listed = shared.pop("cases", None)
    if listed is None:
        return [(name, shared)]
    if not isinstance(listed, list) or not listed:
        raise CaseError(f"{name}: cases must be a list with a case in it", f"{name}: cases")
    split: dict[str, dict[str, Any]] = {}
    for position, case in enumerate(listed):
        where = f"{name}: cases.{position}"
        _check_kind(case, dict, where)
        own = dict(case)
        called = own.pop("name", "")
        _check_kind(called, str, f"{where}.name")
        if not called or called in split:
            raise CaseError(f"{where} needs a `name` that no other case of the file has", where)
        split[called] = {**shared, **own}
    return list(split.items())


def _table(text: str | Mapping[str, Any], name: str, folder: Path | None, depth: int = 0) -> dict[str, Any]:
    """The keys of a case, those of the case that it is like among them."""
    table = parse_table(text, name) if isinstance(text, str) else dict(text)
    edits = table.pop("edits", {})
    _check_kind(edits, dict, f"{name}: edits")
    for key in ("like", "after"):
        named = table.pop(key, None)
        if named is None:
            continue
        _check_kind(named, str, f"{name}: {key}")
        if folder is None or depth > _LONGEST_LIKENESS or not (folder / named).is_file():
            raise CaseError(f"{name}: there is no case {named!r} that it could be {key}", f"{name}: {key}")
        path = folder / named
        other = _table(path.read_text(encoding="utf-8"), name, path.parent, depth + 1)
        if key == "after":
            steps = [other.get("base", []), other.get("commits", [])]
            base = [step for value in steps for step in (value if isinstance(value, list) else [value])]
            other = {**({"policy": other["policy"]} if "policy" in other else {}), "base": base}
        table = {**other, **table}
    for path, edit in edits.items():
        _edit(table, path, edit, name)
    return table


def _edit(table: dict[str, Any], path: str, edit: Any, name: str) -> None:
    """Change a file: its whole content in the change, parts of it wherever a step has it, or leave it out."""
    table.update({key: copy.deepcopy(table[key]) for key in _STEPS if key in table})
    steps = list(_steps(table, _STEPS))
    for step in steps:
        _check_kind(step.get("files", {}), dict, f"{name}: edits: the files of a step")
    having = [step for step in steps if path in step.get("files", {})]
    if isinstance(edit, str):
        change = list(_steps(table, ("commits", "staged", "worktree"))) or steps
        for step in [step for step in change if path in step.get("files", {})] or change[-1:]:
            step.setdefault("files", {})[path] = edit
    elif edit is False and having:
        for step in having:
            del step["files"][path]
    elif isinstance(edit, dict) and having:
        for step in having:
            _check_kind(step["files"][path], str, f"{name}: edits: what {path!r} is now")
        for old, new in edit.items():
            _check_kind(new, str, f"{name}: edits, {path!r}")
            if not any(old in step["files"][path] for step in having):
                raise CaseError(f"{name}: edits: {path!r} has no {old!r}", f"{name}: edits")
            for step in having:
                step["files"][path] = step["files"][path].replace(old, new)
    else:
        raise CaseError(
            f"{name}: edits: no step has {path!r}, or what becomes of it is not said", f"{name}: edits"
        )


def _steps(table: Mapping[str, Any], keys: Collection[str]) -> Iterator[dict[str, Any]]:
    for key in keys:
        value = table.get(key, [])
        yield from (
            step for step in (value if isinstance(value, list) else [value]) if isinstance(step, dict)
        )


def _check_keys(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, sorted(known), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"keys are {', '.join(sorted(known))}"
            raise CaseError(
                f"{where}: unknown key {key!r}; {hint}", f"{where}{'.' if ': ' in where else ': '}{key}"
            )


def _check_kind(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind) or isinstance(value, (bool, datetime.datetime)):
        raise CaseError(f"{where} must be {_WORDS[kind]}", where)


def _grant(table: Any, where: str) -> Grant:
    values = fields_of(Grant, table, where)
    if values.get("place", PLACES[0]) not in PLACES:
        raise CaseError(f"{where}.place must be one of {', '.join(PLACES)}", f"{where}.place")
    return Grant(**values)


def _step(table: Any, where: str, message: str) -> Step:
    values = {"message": message, **fields_of(Step, table, where)}
    values["message"] = plain_bytes(values["message"])
    for key in [key for key in _PATHS if key in values]:
        paths = [plain_bytes(path) for path in values[key]]
        told = paths
        if isinstance(values[key], dict):
            texts = [plain_bytes(text) if key in _TARGETS else text for text in values[key].values()]
            values[key] = dict(zip(paths, texts, strict=True))
            told = [*paths, *texts] if key in _TARGETS else paths
        else:
            values[key] = paths
        if any(b"\0" in path for path in told):
            raise CaseError(f"{where}: a path has a NUL, which no path has", where)
    return Step(**values)


PLACES = ("head", "base", "local")
"""Where a record may be: in the judged change, in the base, or in the working tree alone."""

_NO_FINDING = "0" * 64


@dataclass(frozen=True)
class Grant:
    """One approval of a case, or the revocation of one.

    Attributes:
        approver: who gives it.
        rules: the codes of the rules whose findings it is for.
        paths: the files that it names; those of the findings where it is None.
        reason: why.
        ticket: where more is said.
        issued: on which day it was given, in days from today.
        expires: its last day, in days from today.
        scope: `change` or `paths`.
        target: the branch that it is for; the change's own where it is None, as for the next five.
        fingerprint: of the content that it is for.
        policy_id: of the policy.
        repository: the repository.
        work_item: kind and id of the work item, as `phase 12`.
        nonce: 32 hexadecimal digits.
        findings: the fingerprints of the findings; those of its rules in its files where it is None.
        sign: the name of the key that signs it, `key` or `other`; `""` leaves it unsigned.
        place: where it is: `head` (in the judged change), `base` or `local` (in the working tree alone).
        revokes: the `id` of an approval before it; it is then the revocation of that one.
        edits: texts in the file and what they are replaced by, once its name is made.
        id: what `{id}` stands for in expectations, which is the record's name; `approval` for the first one
            without an `id`, `approval2` for the next.
    """

    approver: str = "alice"
    rules: Sequence[str] = ()
    paths: Sequence[str | bytes] | None = None
    reason: str = "the partner needs the second version"
    ticket: str = ""
    issued: int = 0
    expires: int = 20
    scope: str = "change"
    target: str | None = None
    fingerprint: str | None = None
    policy_id: str | None = None
    repository: str | None = None
    work_item: str | None = None
    nonce: str | None = None
    findings: Sequence[str] | None = None
    sign: str = ""
    place: str = "head"
    revokes: str = ""
    edits: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def record(self, bond: Bond, found: Sequence[Judged], names: Mapping[str, str]) -> Approval | Revocation:
        """The record.

        Args:
            bond: what approvals of the change are bound to.
            found: its open findings.
            names: the ids of the records before.
        """
        nonce = os.urandom(16).hex() if self.nonce is None else self.nonce
        if self.revokes:
            return Revocation(
                revokes=names.get(self.revokes, self.revokes),
                approver=self.approver,
                reason=self.reason,
                issued_at=_day(self.issued),
                nonce=nonce,
            )
        of_rules = [judged for judged in found if judged.code in self.rules]
        paths = [plain_bytes(path) if isinstance(path, str) else path for path in self.paths or ()]
        if self.paths is None:
            paths = sorted({judged.finding.path for judged in of_rules if judged.finding.path is not None})
        meant = {one.fingerprint for one in of_rules if one.finding.path in (None, *paths)}
        scope: Any = self.scope
        item = None if self.work_item is None else self.work_item.split(" ", 1)
        return Approval(
            approver=self.approver,
            reason=self.reason,
            ticket=self.ticket,
            issued_at=_day(self.issued),
            expires_at=_day(self.expires).replace(hour=23, minute=59, second=59),
            rules=self.rules,
            paths=paths,
            findings=sorted(meant or [_NO_FINDING]) if self.findings is None else self.findings,
            scope=scope,
            fingerprint=bond.fingerprint(scope, paths) if self.fingerprint is None else self.fingerprint,
            target=bond.target if self.target is None else self.target,
            policy_id=bond.policy_id if self.policy_id is None else self.policy_id,
            repository=bond.repository if self.repository is None else self.repository,
            work_item=bond.work_item if item is None else (item[0], item[-1]),
            nonce=nonce,
        )


def _day(offset: int) -> datetime.datetime:
    """The beginning of a day, counted from today's, in UTC."""
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=offset)


def _add(repository: Repository, ref: str, files: Mapping[str, bytes]) -> str:
    """Add files on top of a ref, past the working tree and its index; the new commit's id."""
    with TemporaryDirectory(prefix="specguard-") as folder:
        index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        repository.git("read-tree", ref, environment=index)
        for path, content in files.items():
            oid = repository.blob(content)
            repository.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}", environment=index)
        tree = repository.git("write-tree", environment=index)
    commit = repository.git("commit-tree", tree, "-p", ref, "-m", "chore: approve")
    repository.git("update-ref", ref, commit)
    return commit


KEYS = ("key", "other")
"""Their names: `{key}` in a case's policy is the public half of one."""

_NAMESPACE = "specguard-approval@v1"


@cache
def private_key(name: str) -> Path:
    """The file of one of this session's keys.

    Raises:
        CaseError: there is no key of this name, or no `ssh-keygen` to make it.
    """
    if name not in KEYS:
        raise CaseError(f"there is no key {name!r}: keys are {', '.join(KEYS)}")
    file = _folder() / name
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
    return file


def public_key(name: str) -> str:
    """The public half of one of this session's keys, as a policy has it.

    Raises:
        CaseError: as `private_key`.
    """
    words = private_key(name).with_suffix(".pub").read_text(encoding="ascii").split()
    return " ".join(words[:2])


def sign(content: bytes, name: str) -> bytes:
    """The signature of a record by one of this session's keys, made without specguard.

    Raises:
        CaseError: as `private_key`.
    """
    return _keygen("-Y", "sign", "-f", str(private_key(name)), "-n", _NAMESPACE, stdin=content)


def _keygen(*words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise CaseError("there is no ssh-keygen to sign with") from None
    if done.returncode:
        raise CaseError(f"ssh-keygen: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


@cache
def _folder() -> Path:
    folder = mkdtemp(prefix="specguard-keys-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
