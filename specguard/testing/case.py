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

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from specguard.testing.filing import file_grants, filled
from specguard.testing.reading import CaseError, read_case
from specguard.testing.repository import ORIGIN, Repository, Step, clean_environment, plain_bytes, to_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from specguard.testing.reading import Grant

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
            folder: where the case stands that it may be like.
            defaults: the values of attributes that it has no key for.

        Raises:
            CaseError: it is no TOML, or a key or value is not the format's.
        """
        forms = {item.name: str(item.type) for item in fields(cls) if item.name != "name"}
        return cls(**{**(defaults or {}), **read_case(text, forms, name, folder)}, name=name)

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a case from a file, whose name without `.toml` becomes the case's."""
        return cls.from_toml(path.read_text(encoding="utf-8"), path.stem, path.parent)

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
                made = repository.add_commits(steps, branch=self.branch, refs=refs)
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
            with TemporaryDirectory(prefix="specguard-") as folder:
                file_grants(
                    repository,
                    self.approvals,
                    self.arguments(Path(folder), repository.names),
                    {**clean_environment(), **self.variables(repository.names)},
                    committed=self.staged is None and self.worktree is None,
                )
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
        text = fill(self.policy, dict(filled(self.policy))) if self.approvals else self.policy
        if not text.startswith("#"):
            text = f"# Authority\n\n```toml specguard\n{text.strip(chr(10))}\n```\n"
        return replace(step, files={AUTHORITY: text, **files})


def fill(text: str, names: Mapping[str, str]) -> str:
    """A text with `{name}` replaced by the object id of that name; other braces stay."""
    for name, oid in names.items():
        text = text.replace(f"{{{name}}}", oid)
    return text


def _known(labels: Mapping[str, str], name: str, where: str) -> str:
    if name not in labels:
        raise CaseError(f"{where}: no commit so far has the id {name!r}")
    return labels[name]
