"""`[artifacts.<name>]` and `[wave]`: what a policy asks of artifacts, and when they must be there."""

from __future__ import annotations

from specguard.declaration.rule import Settings, required, setting
from specguard.errors import TYPE_CHECKING, nearest
from specguard.work.name_templates import PathTemplate, path_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal


class Evidence(Settings):
    """The citations that an artifact must have, and their form."""

    section: str = setting("", "where; by default the whole document")
    anchors: Literal["line", "path"] = setting("line", "a path with its line, or without", tightens=["path"])
    paths: Literal["any", "absolute", "relative"] = setting("any", "the cited paths")
    roots: list[str] = setting(
        [],
        "absolute paths or web addresses that mean the repository's root; `*` is one "
        "name, a final `**` any folder",
    )
    unresolvable: Literal["warning", "error"] = setting(
        "warning", "a place outside `roots`", tightens=["warning", "error"]
    )
    resolve: bool = setting(True, "cited places must exist", tightens="higher")
    every: bool = setting(False, "each list item and table row cites", tightens="higher")


class Findings(Settings):
    """The required form of an artifact's own findings, as in a review."""

    severities: list[str] = required("worst first", min_length=1)
    section: str = setting("", "where; by default below headings about findings")
    anchors: Literal["line", "path", "none"] = setting(
        "line", "what each finding cites", tightens=["none", "path", "line"]
    )
    closed: list[str] = setting(
        ["fixed", "re-verified"], "all words of a closed finding's status", tightens="more"
    )
    must_close: list[str] = setting([], "what must be closed before the review is", tightens="more")
    verdict_open: list[str] = setting(
        [
            "open", "draft", "in progress", "on hold", "incomplete", "pending", "not yet", "not ready",
            "not approved", "changes required", "changes requested", "request changes", "needs",
            "approve with changes", "approved with changes", "approved with conditions", "approved pending",
            "approved once", "approved if", "approved subject to", "conditional", "conditionally", "block",
            "blocked", "reject", "rejected", "fail", "failed", "revise", "rework", "no go", "do not merge",
        ],
        "how verdicts of open reviews begin",
        tightens="fewer",
    )  # fmt: skip


class Contract(Settings):
    """A kind of artifact: where such a file is, and what it must hold.

    Templates may contain `*` and `**` in addition to placeholders. A placeholder takes its value from the
    artifact's own path, so that companions and members belong to the same agent or pass.
    """

    path: str = setting(
        "", "the template, such as `**/AGENT_{agent}_FINAL_{objective}.md`", check=PathTemplate
    )
    root: str = setting("", "instead of `path`: the folder with all `members`", check=PathTemplate)
    members: list[str] = setting(
        [], "the files that a `root` folder must hold", tightens="more", check=PathTemplate
    )
    companions: list[str | list[str]] = setting(
        [], "files beside it; one of each inner list", tightens="more", check=PathTemplate
    )
    sections: list[str] = setting([], "required sections", tightens="more")
    forbidden_sections: list[str] = setting([], "forbidden sections", tightens="more")
    aliases: dict[str, list[str]] = setting({}, "other names of sections (`*` is any words) or fields")
    placeholders: list[str] = setting([], "texts that are not content, such as `TODO`", tightens="more")
    fields: dict[str, str | list[str]] = setting(
        {},
        "required fields: `any`, `date`, `revisions` (existing ones), `ticked` (an item "
        "of that name, and no `{{place}}` left), or allowed values",
        tightens="more",
    )
    none_when: dict[str, str] = setting(
        {},
        'fields that must be `none` while another has a value: `{blockers = "posture.ready"}`',
        tightens="more",
    )
    timestamps: Literal["", "present", "ascending"] = setting(
        "", "the times of entries", tightens=["", "present", "ascending"]
    )
    evidence: Evidence | None = setting(None, "what it must cite")
    findings: Findings | None = setting(None, "the form of its findings")
    options: list[str] = setting([], 'the options it must describe, such as `["A", "B"]`', tightens="more")
    inputs: list[str] = setting(
        [], "patterns; it must cite one file of each", tightens="more", check=PathTemplate
    )
    records: list[str] = setting(
        [], "files whose object ids it must name", tightens="more", check=PathTemplate
    )
    author_not: str = setting(
        "",
        "who must not write it: `slice.owner`, or `packet.author` of another artifact",
        names=["artifacts", "work"],
        dotted=True,
    )
    author: list[str] = setting(["author", "reviewer", "reviewed by", "steward"], "the author's fields")
    agrees_with: Literal["", "deletions"] = setting(
        "", "it lists exactly the removed paths, with reasons", tightens=["", "deletions"]
    )
    closure: list[str] = setting(
        [], "folders that then hold only what it lists", tightens="more", check=PathTemplate
    )
    schema: str = setting("", "its JSON Schema, a path in the trusted base", path="file")

    @property
    def template(self) -> str:
        """The template of the artifacts' paths; for a contract with a `root`, all files in the folder."""
        return self.path or f"{self.root.rstrip('/')}/**"

    def aliases_of(self, title: str) -> list[str]:
        """Return the alternative names of a section or field."""
        from specguard.documents.fields import normal_name

        known = {normal_name(name): aliases for name, aliases in self.aliases.items()}
        return known.get(normal_name(title), [])

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if it is valid."""
        if bool(self.path) == bool(self.root):
            return "an artifact has a `path` or a `root`, one of the two"
        return next(self._problems_of_folder() if self.root else self._problems_of_file(), "")

    def _problems_of_folder(self) -> Iterator[str]:
        """Yield the problems of a contract with a `root`: it must have members, and nothing else."""
        if not self.members:
            yield "a `root` needs `members`"
        for name in self._fields:
            if name not in {"root", "members"} and getattr(self, name) != getattr(type(self), name):
                yield f"a `root` has only `members`; `{name}` belongs to the contract of one of them"

    def _problems_of_file(self) -> Iterator[str]:
        if self.members:
            yield "`members` are the files of a `root`"
        if self.author_not and not all(self.author_not.partition(".")):
            yield "`author_not` is the name of a kind or of an artifact and a field, as in `slice.owner`"
        known = PathTemplate(self.path).names
        for name in sorted({name for text in self.closure for name in PathTemplate(text).names} - known):
            yield f"`closure` has {{{name}}}, which `path` does not have"
        yield from self._problems_of_data()
        for name, allowed in self.fields.items():
            if not allowed:
                yield f"the field {name!r} has no value that it may have"
        for name, condition in self.none_when.items():
            other, _, value = condition.rpartition(".")
            if name not in self.fields or other not in self.fields or not value:
                yield f"`none_when` has two `fields`, as in `{name} = 'posture.ready'`"
        yield from self._problems_of_names()

    def _problems_of_data(self) -> Iterator[str]:
        """Yield the problems of a contract for data files: they have fields and a schema, but no text."""
        from specguard.documents.data import data_kind

        if data_kind(self.path) is not None:
            for name in _OF_TEXTS:
                if getattr(self, name):
                    yield f"{self.path} is structured, and has no `{name}`: its `schema` says what it holds"
            if "ticked" in self.fields.values():
                yield f"{self.path} is structured, and has no items to tick"

    def _problems_of_names(self) -> Iterator[str]:
        """Yield the names in `must_close` and `aliases` that are not declared."""
        from specguard.documents.fields import normal_name

        severities = self.findings.severities if self.findings else []
        for name in self.findings.must_close if self.findings else ():
            if normal_name(name) not in map(normal_name, severities):
                near = nearest(name, severities)
                yield f"`findings.must_close` has {name!r}, which is not one of its severities: {near}"
        known = [*self.sections, *self.forbidden_sections, *self.fields, *self.author, *severities]
        known += [one.section for one in (self.evidence, self.findings) if one]
        known += self.findings.closed if self.findings else []
        for name in self.aliases:
            if normal_name(name) not in map(normal_name, known):
                message = f"`aliases` has {name!r}, not a section, field or word of a finding's in it"
                yield f"{message}: {nearest(name, known)}"


_OF_TEXTS = (
    "sections", "forbidden_sections", "evidence", "findings", "timestamps", "agrees_with", "closure",
)  # fmt: skip
"""The settings that do not apply to data files."""


class WaveStage(Settings):
    """A stage of a wave.

    A stage is complete when its artifacts exist and fulfil their contracts, their fields have the values of
    `fields`, and its items are closed. Its artifacts are those of `requires` and `leaves`. A stage is open
    when the stages in `opens_after` are complete.
    """

    name: str = required("its name in reports", min_length=1)
    opens_after: list[str] = setting([], "the stages to complete first", tightens="more")
    requires: list[str] = setting([], "the contracts to fulfil before", tightens="more", names=["artifacts"])
    leaves: list[str] = setting([], "the contracts to fulfil in it", tightens="more", names=["artifacts"])
    fields: dict[str, str | list[str]] = setting(
        {},
        "values of these artifacts' fields; `\"execution-packet.status\"` is one artifact's",
        names=["artifacts"],
        dotted=True,
    )
    when: dict[str, str | list[str]] = setting(
        {},
        'when it is necessary: `{"drift-check.drift" = ["found"]}`; by default always',
        names=["artifacts"],
        dotted=True,
    )
    items: str = setting(
        "", "items (a kind, or `tasks`) to close, except conditional and deferred ones", names=["work"]
    )
    branch: str = setting("", "its branches, with globs and placeholders of `by`", check=PathTemplate)
    paths: list[str] = setting([], "the only paths for its branch", check=PathTemplate)

    def read_branch(self, name: str) -> Mapping[str, str] | None:
        """Return the fields in a branch's name by the stage's template; None if it does not match."""
        text = self.branch if "/" in self.branch else f"**/{self.branch}"
        return path_template(text).read(name.encode("utf-8", "surrogateescape")) if self.branch else None

    @property
    def artifacts(self) -> list[str]:
        """The contracts of `requires` and `leaves`."""
        return list(dict.fromkeys([*self.requires, *self.leaves]))

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if it is valid."""
        if plain := next((key for key in self.when if "." not in key), ""):
            return f"`when` names no artifact in {plain!r}: write it as `contract.field`"
        for key in self.fields:
            if (name := key.rpartition(".")[0]) not in ["", *self.artifacts]:
                message = f"`fields` has {key!r}, and `requires` and `leaves` of {self.name!r} lack {name!r}"
                return f"{message}: {nearest(name, self.artifacts, 'name it there')}"
        if self.paths and not self.branch:
            return f"the stage {self.name!r} has `paths`, which are judged on its `branch`, and no branch"
        return ""


class WaveSettings(Settings):
    """Stages that open in order."""

    stages: list[WaveStage] = setting([], "the stages, in order")
    by: list[str] = setting([], 'what distinguishes waves, such as `["name"]`; empty: there is one wave')

    def has_branch(self, name: str) -> bool:
        """Return True if a template of a stage's branches matches a branch."""
        return any(stage.read_branch(name) is not None for stage in self.stages)

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if it is valid."""
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                return f"two stages are called {stage.name!r}"
            if late := next((name for name in stage.opens_after if name not in seen), ""):
                message = f"the stage {stage.name!r} opens after {late!r}, not a stage before it"
                return f"{message}: {nearest(late, seen, 'name an earlier one')}"
            seen.add(stage.name)
        return ""
