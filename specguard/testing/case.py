r"""A case: a policy, a small repository, a change, and the result that `specguard check` must give.

A rule's examples and the repositories in `tests/cases/` have the same format. It is TOML:

    # Wrapped into SPEC_AUTHORITY.md; a text that begins with "#" is the whole document, "" means no document.
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]
    '''
    # The branches main and origin/main; a list makes several commits.
    base = {files = {"docs/api/x.yaml" = "a"}}
    commits = [{message = "feat: x", files = {"docs/api/x.yaml" = "b"}}]
    branch = "phase-12"
    # A text means {code = "..."}, or {name = "..."} if it is a rule's name.
    expect = [{code = "PTH001", path = "docs/api/x.yaml"}]
    states = {CMT001 = "not-applicable"}
    exit_code = 1

A case in a file may be `like` another one in the same folder: it has that case's keys, which its own keys
override. `edits` then changes files. A table replaces parts of a file in every step that has the file. A text
is the whole file in the change (in the last commit, if no commit of the change has the file). `false` removes
the file from all steps:

    like = "wave.toml"
    edits = {"docs/REVIEW.md" = {"## Risks" = ""}}

With `after` in place of `like`, a case continues the other one: it has that case's policy, and its base ends
with that case's commits.

A file may hold several cases, each a table `[[cases]]` with a `name`. The file's other keys belong to each of
them, and a case's own keys override them:

    [[cases]]
    name = "a deletion"
    commits = [{delete = ["docs/api/x.yaml"]}]

Approvals are made for the change as it is, except for the fields that the case sets. `{key}` and `{other}` in
the policy of such a case are two public keys, whose private halves sign:

    policy = '''
    [[approvals.approver]]
    name = "alice"
    key = "{key}"
    may = ["PTH002"]
    '''
    approvals = [{rules = ["PTH002"], approver = "alice", expires = 10, sign = "key"}]
    expect = [{code = "PTH002", state = "approved"}]

In paths and messages, `\xNN` is a byte, as in reports. Placeholders for object ids are replaced in `args`,
`env`, `stdin`, `patch`, `event`, `reviews` and `expect`. `{base}` and `{start}` are the last and first commit
of the base, `{head}` the last commit, and `{ID}` the commit or approval with that `id`. `{approval}` is the
first approval without an id. `Case` and `Grant` have all keys.
"""

from __future__ import annotations

import atexit
import datetime
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from specguard.approvals.people import NAMESPACE, public_part
from specguard.approvals.record import Approval, Bond, Revocation
from specguard.errors import nearest
from specguard.model import STATES, Judged
from specguard.testing.case_file import CaseError, checked_table, naming, read_steps, read_table, split_cases
from specguard.testing.repository import ORIGIN, Repository, Step, clean_environment, plain_bytes, to_bytes

AUTHORITY = b"SPEC_AUTHORITY.md"
_NO_SETTINGS = 'base = "main"\n'


@dataclass(frozen=True)
class Case:
    """One case; each attribute is a key of the format.

    Attributes:
        name: the case's name in messages; not a key.
        policy: TOML settings, or a whole Markdown document; `""`, or None, if `base` has one or no policy is
            wanted.
        base: the commits of `main`, oldest first; a table is one commit.
        commits: the commits of the branch, on top of the base unless `parents` says otherwise. `base` and
            `start` are the ids of the base's last and first commit.
        branch: the branch that is checked out and judged.
        origin: the URL of the remote `origin`; `""` for a repository without it, and without `origin/main`.
        refs: additional refs, in full, each with the id of a commit.
        staged: a change to stage; the check is then `--staged`, or that of `commit_message`.
        worktree: a change of the working tree only; the check is `--worktree` if nothing is staged.
        commit_message: the text of a commit message's file; the check is then `--commit-msg-file`.
        patch: the text of a patch; the check is then `--patch`.
        title: a pull request's title.
        body: a pull request's body.
        event: a platform's event, as a table; written as JSON and passed as `--pr-event`.
        reviews: a pull request's reviews as the platform lists them; written as JSON and passed as
            `--pr-reviews`.
        approvals: approvals of the change, each with the keys of `Grant`; written after all else, those
            of the change in a last commit of their own.
        args: additional arguments of `specguard check`.
        env: additional environment variables.
        stdin: its standard input.
        expect: each finding by some of its fields; `authority` is `path:line`, `message` and `help` are parts
            of the text. Every finding must be expected, and every expected one found. None, which TOML cannot
            express, ignores findings.
        states: the state of rules, by code.
        report: other fields of the report, such as `{authority = {trusted = false}}`.
        exit_code: the exit code; by default 0 if `expect` and `error` are empty, else any.
        error: a part of `path:line: message; help` of the error, for a check without a verdict.
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
            text: the case, or the parsed table of its TOML.
            name: the case's name in messages.
            folder: the folder of the case files that it may name; None for no folder.
            defaults: the values of attributes whose keys are absent.

        Raises:
            CaseError: the text is not TOML, or a key or value is not in the format.
        """
        with naming(name):
            return cls(**{**(defaults or {}), **cls._read(text, folder)}, name=name)

    @classmethod
    def _read(cls, text: str | Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
        """Return the attributes that a case sets."""
        forms = {one.name: str(one.type) for one in fields(cls) if one.name != "name"}
        table = checked_table(read_table(text, folder), forms)
        for key, value in table.items():
            several = value if isinstance(value, list) else [value]
            places = [f"{key}.{at}" for at in range(len(several))]
            if "Step" in forms[key]:
                table[key] = read_steps(value, key)
            elif key == "approvals":
                table[key] = list(map(_grant, several, places))
            elif key == "expect":
                table[key] = list(map(_finding, several, places))
            elif key == "states":
                for code, state in value.items():
                    if state not in STATES:
                        problem = f"there is no state {state!r}; {nearest(state, STATES)}"
                        raise CaseError(f"states.{code}: {problem}", f"states.{code}")
        return table

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a case from a file; its name is the file's name without `.toml`."""
        return cls.from_toml(path.read_text(encoding="utf-8"), path.stem, path.parent)

    @classmethod
    def load_all(cls, path: Path) -> list[Case]:
        """Read the cases of a file: the file itself, or each of its `[[cases]]`.

        Raises:
            CaseError: the file is not TOML, or a key or value is not in the format.
        """
        with naming(path.stem):
            split = split_cases(path.read_text(encoding="utf-8"), path.stem)
        return [cls.from_toml(one, name, path.parent) for name, one in split]

    def build(self, directory: str | os.PathLike[str], object_format: str = "sha1") -> Repository:
        """Build the case's repository in an empty or missing folder, with its branch checked out.

        The repository's `names` have the object ids for the case's placeholders.

        Args:
            directory: the folder.
            object_format: `sha1` or `sha256`.

        Raises:
            CaseError: a commit names a missing parent, or deletes or renames a missing path.
        """
        repository = Repository(
            directory, branch=self.branch, object_format=object_format, origin=self.origin
        )
        base = [self._with_policy(self.base[0]), *self.base[1:]] if self.base else []
        with naming(self.name):
            steps, refs, labels = self._steps(base)
            try:
                if steps:
                    made = repository.add_commits(steps, refs=refs)
                    repository.names.update((name, made[label]) for name, label in labels.items())
                if self.staged is not None:
                    repository.apply(self.staged)
                    repository.stage()
                if self.worktree is not None:
                    repository.apply(self.worktree)
            except (KeyError, OSError) as error:
                raise CaseError(str(error.args[0] if len(error.args) == 1 else error)) from None
        if self.approvals:
            self.file_grants(repository)
        return repository

    def variables(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables that this case adds.

        Args:
            names: the object ids for placeholders.
        """
        return {name: fill(value, names) for name, value in self.env.items()}

    def arguments(self, directory: Path, names: Mapping[str, str]) -> list[str]:
        """Return the arguments of `specguard check` for this case; write files that they name to a folder.

        Args:
            directory: an existing folder outside the repository.
            names: the object ids for placeholders, as `build` stored them in the repository.
        """
        arguments = ["--staged"] if self.staged is not None and self.commit_message is None else []
        if self.worktree is not None and self.staged is None:
            arguments.append("--worktree")
        if self.title is not None:
            arguments.append(f"--pr-title={self.title}")
        given = (self.event, self.reviews)
        # TOML has dates and times, which JSON has not.
        event, reviews = (None if one is None else json.dumps(one, default=str) for one in given)
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
        """Return all commits with their ids and parents, the refs that point to them, and the case's ids."""
        steps: list[Step] = []
        labels: dict[str, str] = {}
        for position, step in enumerate([*base, *self.commits]):
            label = f"#{position}"
            parents = step.parents and [_find_label(labels, name, "parents") for name in step.parents]
            steps.append(replace(step, id=label, parents=parents))
            labels["head"] = label
            if step.id:
                labels[step.id] = label
            if position < len(base):
                labels["base"] = label
                labels.setdefault("start", label)
        refs = {ref: _find_label(labels, name, "refs") for ref, name in self.refs.items()}
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
        """Write the approvals to their places, and store their ids in the repository's `names`.

        Args:
            repository: this case's repository, or another one with the same change.

        Raises:
            CaseError: `ssh-keygen` is missing, the command line is wrong, or the log's folder is not in the
                working tree.
        """
        files: dict[str, dict[str, bytes]] = {place: {} for place in PLACES}
        names: dict[str, str] = {}
        unnamed = (f"approval{number if number > 1 else ''}" for number in count(1))
        with self._judge_change(repository) as (bond, found):
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
            repository.names["base"] = _commit_on_ref(repository, "refs/heads/main", files["base"])
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
    def _judge_change(self, repository: Repository) -> Iterator[tuple[Bond, Sequence[Judged]]]:
        """Yield the identities that approvals of the change are bound to, and the findings of all rules.

        Raises:
            SpecguardError: the change cannot be judged.
        """
        import click

        from specguard.change.check_request import Request
        from specguard.change.git import Git
        from specguard.change.repository import Repository as Located
        from specguard.change.sources import open_changes
        from specguard.cli.check import command
        from specguard.engine.facts import Facts
        from specguard.engine.rule_runner import Judging
        from specguard.engine.trusted_policy import Policies

        with TemporaryDirectory(prefix="specguard-") as folder:
            try:
                words = command.make_context("check", self.arguments(Path(folder), repository.names)).params
            except click.ClickException as error:
                raise CaseError(f"the arguments of the check are wrong: {error.format_message()}") from None
            options = {name: words[name] for name in Request._fields if name in words}
            options.update(directory=str(repository.path), override=(), enforce=False)
            environment = {**clean_environment(), **self.variables(repository.names)}
            request = Request(environment=environment, **options)
            with Git(Located.locate(request.directory, environment)) as git:
                (change,) = open_changes(git, request)
                change, policy, _ = Policies(request, git.repository).choose(change)
                facts = Facts(change, policy)
                results = Judging(facts).run()
                yield Bond(facts), [one for result in results for one in result.findings]


def fill(text: str, names: Mapping[str, str]) -> str:
    """Replace each `{name}` in a text by the object id of that name; other braces stay."""
    for name, oid in names.items():
        text = text.replace(f"{{{name}}}", oid)
    return text


def _find_label(labels: Mapping[str, str], name: str, where: str) -> str:
    if name not in labels:
        raise CaseError(f"{where}: no commit so far has the id {name!r}")
    return labels[name]


_EXPECTED = {
    "code": "str", "name": "str", "path": "str", "line": "int", "end_line": "int", "commit": "str",
    "field": "str", "side": "str", "severity": "str", "state": "str", "authority": "str",
    "message": "str", "help": "str",
}  # fmt: skip
"""The fields of an expected finding, with the annotations of their values."""


def _finding(expected: Any, where: str) -> dict[str, Any]:
    if isinstance(expected, str):
        expected = {"code" if expected[:1].isupper() else "name": expected}
    return checked_table(expected, _EXPECTED, where)


def _grant(table: Any, where: str) -> Grant:
    values = checked_table(table, Grant.__annotations__, where)
    if values.get("place", PLACES[0]) not in PLACES:
        raise CaseError(f"{where}.place must be one of {', '.join(PLACES)}", f"{where}.place")
    return Grant(**values)


PLACES = ("head", "base", "local")
"""The places of a record: the judged change, the base, or only the working tree."""

_NO_FINDING = "0" * 64


@dataclass(frozen=True)
class Grant:
    """One approval of a case, or the revocation of one.

    Attributes:
        approver: the name of the approver.
        rules: the codes of the rules whose findings it is for.
        paths: the files that it names; None for those of the findings.
        reason: the reason.
        ticket: a reference to more information.
        issued: the day on which it was given, in days from today.
        expires: its last day, in days from today.
        scope: `change` or `paths`.
        target: the branch that it is for. None for the change's own value, as for the next five fields.
        fingerprint: the fingerprint of the content that it is for.
        policy_id: the policy's id.
        repository: the repository.
        work_item: kind and id of the work item, as `phase 12`.
        nonce: 32 hexadecimal digits.
        findings: the fingerprints of the findings; None for those of its rules in its files.
        sign: the name of the key that signs it, `key` or `other`; `""` leaves it unsigned.
        place: its place: `head` (in the judged change), `base` or `local` (only in the working tree).
        revokes: the `id` of an earlier approval, which this one then revokes.
        edits: replacements of texts in the file, made after its name is computed.
        id: the name of its placeholder in expectations, which is replaced by the record's name. `approval`
            for the first approval without an `id`, `approval2` for the next.
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
        """Return the record.

        Args:
            bond: the identities that approvals of the change are bound to.
            found: the change's open findings.
            names: the ids of earlier records.
        """
        nonce = os.urandom(16).hex() if self.nonce is None else self.nonce
        shared: dict[str, Any] = {"approver": self.approver, "reason": self.reason, "nonce": nonce}
        shared["issued_at"] = _day(self.issued)
        if self.revokes:
            return Revocation(revokes=names.get(self.revokes, self.revokes), **shared)
        of_rules = [judged for judged in found if judged.code in self.rules]
        paths = [plain_bytes(path) if isinstance(path, str) else path for path in self.paths or ()]
        if self.paths is None:
            paths = sorted({judged.finding.path for judged in of_rules if judged.finding.path is not None})
        expected = {one.fingerprint for one in of_rules if one.finding.path in (None, *paths)}
        scope: Any = self.scope
        item = None if self.work_item is None else self.work_item.split(" ", 1)
        return Approval(
            **shared,
            ticket=self.ticket,
            expires_at=_day(self.expires).replace(hour=23, minute=59, second=59),
            rules=self.rules,
            paths=paths,
            findings=sorted(expected or [_NO_FINDING]) if self.findings is None else self.findings,
            scope=scope,
            fingerprint=bond.fingerprint(scope, paths) if self.fingerprint is None else self.fingerprint,
            target=bond.target if self.target is None else self.target,
            policy_id=bond.policy_id if self.policy_id is None else self.policy_id,
            repository=bond.repository if self.repository is None else self.repository,
            work_item=bond.work_item if item is None else (item[0], item[-1]),
        )


def _day(offset: int) -> datetime.datetime:
    """Return the beginning of a day in UTC, by its distance from today.

    Raises:
        CaseError: the calendar has no such day.
    """
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return today + datetime.timedelta(days=offset)
    except OverflowError:
        raise CaseError(f"approvals: {offset} days from today are beyond the calendar", "approvals") from None


def _commit_on_ref(repository: Repository, ref: str, files: Mapping[str, bytes]) -> str:
    """Add files on top of a ref, without the working tree and its index; return the new commit's id."""
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
"""The names of the keys: `{key}` in a case's policy is the public half of one."""


@cache
def private_key(name: str) -> Path:
    """Return the file of one of this session's keys; create the key if needed.

    Raises:
        CaseError: the name is unknown, or `ssh-keygen` is missing.
    """
    if name not in KEYS:
        raise CaseError(f"there is no key {name!r}: keys are {', '.join(KEYS)}")
    file = _key_folder() / name
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
    return file


def public_key(name: str) -> str:
    """Return the public half of one of this session's keys, as a policy has it.

    Raises:
        CaseError: as `private_key`.
    """
    return public_part(private_key(name).with_suffix(".pub").read_text(encoding="ascii"))


def sign(content: bytes, name: str) -> bytes:
    """Return the signature of a record by one of this session's keys, made without specguard.

    Raises:
        CaseError: as `private_key`.
    """
    return _keygen("-Y", "sign", "-f", str(private_key(name)), "-n", NAMESPACE, stdin=content)


def _keygen(*words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise CaseError("there is no ssh-keygen to sign with") from None
    if done.returncode:
        raise CaseError(f"ssh-keygen: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


@cache
def _key_folder() -> Path:
    folder = mkdtemp(prefix="specguard-keys-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
