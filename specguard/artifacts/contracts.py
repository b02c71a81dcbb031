"""`[artifacts.<name>]`: what a policy asks of one kind of artifact."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.errors import nearest
from specguard.work.templates import PathTemplate, check_path_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import AfterValidator, Field


class Evidence(Settings):
    """What an artifact must cite, and how."""

    section: Annotated[str, Field(description="where; by default the whole document")] = ""
    anchors: Annotated[
        Literal["line", "path"],
        Field(
            description="a path with its line, or without",
            json_schema_extra={"tightens": ["path", "line"]},
        ),
    ] = "line"
    paths: Annotated[Literal["any", "absolute", "relative"], Field(description="the cited paths")] = "any"
    roots: Annotated[
        list[str],
        Field(
            description="absolute paths or web addresses that mean the repository's root; `*` is one "
            "name, a final `**` any folder"
        ),
    ] = []
    unresolvable: Annotated[
        Literal["warning", "error"],
        Field(
            description="a place outside `roots`",
            json_schema_extra={"tightens": ["warning", "error"]},
        ),
    ] = "warning"
    resolve: Annotated[
        bool,
        Field(
            description="cited places must exist",
            json_schema_extra={"tightens": "higher"},
        ),
    ] = True
    every: Annotated[
        bool,
        Field(
            description="each list item and table row cites",
            json_schema_extra={"tightens": "higher"},
        ),
    ] = False


class Findings(Settings):
    """What an artifact's own findings must look like, as in a review."""

    severities: Annotated[list[str], Field(min_length=1, description="worst first")]
    section: Annotated[str, Field(description="where; by default the whole document")] = ""
    anchors: Annotated[
        Literal["line", "path", "none"],
        Field(
            description="what each finding cites",
            json_schema_extra={"tightens": ["none", "path", "line"]},
        ),
    ] = "line"
    closed: Annotated[
        list[str],
        Field(
            description="all words of a closed finding's status",
            json_schema_extra={"tightens": "more"},
        ),
    ] = ["fixed", "re-verified"]
    must_close: Annotated[
        list[str],
        Field(
            description="what must be closed before the review is",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    verdict: Annotated[
        list[str],
        Field(
            min_length=1,
            description="where the verdict is; the last one counts",
        ),
    ] = ["disposition", "verdict", "status", "decision", "outcome", "conclusion"]
    verdict_open: Annotated[
        list[str],
        Field(
            description="how verdicts of open reviews begin",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = [
        "open",
        "draft",
        "in progress",
        "pending",
        "changes requested",
        "request changes",
        "approve with changes",
        "approved with changes",
        "not ready",
        "not approved",
        "needs",
        "blocked",
        "reject",
        "rejected",
        "fail",
        "failed",
    ]


class Contract(Settings):
    """A kind of artifact: where such a file is, and what it must hold.

    Templates may hold `*` and `**` beside placeholders; a placeholder takes the value that the artifact's
    own path gives it, so that companions and members belong to the same agent or pass.
    """

    path: Annotated[
        str,
        AfterValidator(check_path_template),
        Field(description="the template, such as `**/AGENT_{agent}_FINAL_{objective}.md`"),
    ] = ""
    root: Annotated[
        str,
        AfterValidator(check_path_template),
        Field(description="instead of `path`: the folder with all `members`"),
    ] = ""
    members: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="the files that a `root` folder must hold",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    companions: Annotated[
        list[
            Annotated[str, AfterValidator(check_path_template)]
            | list[Annotated[str, AfterValidator(check_path_template)]]
        ],
        Field(
            description="files beside it; one of each inner list",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    sections: Annotated[
        list[str],
        Field(description="required sections", json_schema_extra={"tightens": "more"}),
    ] = []
    forbidden_sections: Annotated[
        list[str],
        Field(description="forbidden sections", json_schema_extra={"tightens": "more"}),
    ] = []
    aliases: Annotated[
        dict[str, list[str]],
        Field(description="other names of sections or fields; `*` is any words"),
    ] = {}
    bold_headings: Annotated[bool, Field(description="bold paragraphs are headings")] = False
    placeholders: Annotated[
        list[str],
        Field(
            description="texts that are no content, such as `TODO`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    fields: Annotated[
        dict[str, str | list[str]],
        Field(
            description="required fields: `any`, `date`, `revisions` (existing ones), `ticked` (an item "
            "of that name, and no `{{place}}` left), or allowed values",
            json_schema_extra={"tightens": "more"},
        ),
    ] = {}
    none_when: Annotated[
        dict[str, str],
        Field(
            description="fields that must be `none` while another has a value: `{blockers = "
            '"posture.ready"}`',
            json_schema_extra={"tightens": "more"},
        ),
    ] = {}
    timestamps: Annotated[
        Literal["", "present", "ascending"],
        Field(
            description="the times of entries",
            json_schema_extra={"tightens": ["", "present", "ascending"]},
        ),
    ] = ""
    evidence: Annotated[Evidence | None, Field(description="what it must cite")] = None
    findings: Annotated[Findings | None, Field(description="the form of its findings")] = None
    options: Annotated[
        list[str],
        Field(
            description='the options it must describe, such as `["A", "B"]`',
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    inputs: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="patterns; it must cite one file of each",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    records: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="files whose object ids it must name",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    author_not: Annotated[
        str,
        Field(
            description="who must not write it: `slice.owner`, or `packet.author` of another artifact",
            json_schema_extra={"names": ["artifacts", "work"], "dotted": True},
        ),
    ] = ""
    author: Annotated[list[str], Field(description="the author's fields")] = [
        "author",
        "reviewer",
        "reviewed by",
        "steward",
    ]
    agrees_with: Annotated[
        Literal["", "deletions"],
        Field(
            description="it lists exactly the removed paths, with reasons",
            json_schema_extra={"tightens": ["", "deletions"]},
        ),
    ] = ""
    closure: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="folders that then hold only what it lists",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    schema: Annotated[
        str,
        Field(description="its JSON Schema, a path in the trusted base"),
    ] = ""

    @property
    def template(self) -> str:
        """Where such artifacts are; of a folder all that is in it."""
        return self.path or f"{self.root.rstrip('/')}/**"

    def aliases_of(self, title: str) -> list[str]:
        """The other titles, or names, that stand for a section's or a field's."""
        if not self.aliases:
            return []
        from specguard.documents.fields import normal_name

        known = {normal_name(name): aliases for name, aliases in self.aliases.items()}
        return known.get(normal_name(title), [])

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if bool(self.path) == bool(self.root):
            return "an artifact has a `path` or a `root`, one of the two"
        if self.members and not self.root:
            return "`members` are the files of a `root`"
        if self.root:
            return self._problem_of_root()
        from specguard.documents.data import data_kind

        structured = data_kind(self.path) is not None
        if structured and (self.sections or self.forbidden_sections):
            return f"{self.path} is structured, and has no `sections`"
        for name in ("evidence", "findings", "timestamps"):
            if structured and getattr(self, name):
                return f"{self.path} is structured, and has no `{name}`: its `schema` says what it holds"
        for name, allowed in self.fields.items():
            if not allowed:
                return f"the field {name!r} has no value that it may have"
            if structured and allowed == "ticked":
                return f"{self.path} is structured, and has no items to tick"
        if self.author_not and not all(self.author_not.partition(".")):
            return "`author_not` is the name of a kind or of an artifact and a field, as in `slice.owner`"
        for name, condition in self.none_when.items():
            other, _, value = condition.rpartition(".")
            if name not in self.fields or other not in self.fields or not value:
                return f"`none_when` has two `fields`, as in `{name} = 'posture.ready'`"
        known = PathTemplate(self.path).names
        for template in self.closure:
            for name in sorted(PathTemplate(template).names - known):
                return f"`closure` has {{{name}}}, which `path` does not have"
        return self._problem_of_findings() or self._problem_of_aliases()

    def _problem_of_findings(self) -> str:
        from specguard.documents.fields import normal_name

        known = {normal_name(name) for name in self.findings.severities} if self.findings else set()
        for name in self.findings.must_close if self.findings else ():
            if normal_name(name) not in known:
                near = nearest(name, self.findings.severities if self.findings else ())
                return f"`findings.must_close` has {name!r}, which is not one of its severities: {near}"
        return ""

    def _problem_of_root(self) -> str:
        """A folder has members; everything else is a contract of a member's own."""
        if not self.members:
            return "a `root` needs `members`"
        for name in self._fields:
            if name not in {"root", "members"} and getattr(self, name) != getattr(type(self), name):
                return f"a `root` has only `members`; `{name}` belongs to the contract of one of them"
        return ""

    def _problem_of_aliases(self) -> str:
        from specguard.documents.fields import normal_name

        sections = [self.evidence.section] if self.evidence else []
        sections += [self.findings.section] if self.findings else []
        words = [*self.findings.severities, *self.findings.closed] if self.findings else []
        titles = [*self.sections, *self.forbidden_sections, *self.fields, *self.author, *sections, *words]
        known = {normal_name(title) for title in titles}
        for title in self.aliases:
            if normal_name(title) not in known:
                said = f"`aliases` has {title!r}, which is no section, field or word of a finding's in it"
                near = nearest(title, titles)
                return f"{said}: {near}" if near.startswith("did") else said
        return ""
