"""`[artifacts.<name>]`: what a policy asks of one kind of artifact."""

from __future__ import annotations

from specguard.declaration.rule import Settings
from specguard.errors import nearest
from specguard.work.path_templates import PathTemplate, check_path_template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import AfterValidator, Field


class Evidence(Settings):
    """What an artifact must cite, and how."""

    section: Annotated[
        str, Field(description="the title of the section that holds the evidence; empty: the whole document")
    ] = ""
    anchors: Annotated[
        Literal["line", "path"],
        Field(
            description="`line`: a path is cited with a line of it; `path`: a path is enough",
            json_schema_extra={"tightens": ["path", "line"]},
        ),
    ] = "line"
    paths: Annotated[
        Literal["any", "absolute", "relative"], Field(description="the kind of path that is cited")
    ] = "any"
    roots: Annotated[
        list[str],
        Field(
            description="prefixes of absolute paths or web addresses that stand for the repository's root, "
            "with `*` for any one name, and `**` at the end for any folder; what is cited outside of them "
            "cannot be looked up"
        ),
    ] = []
    unresolvable: Annotated[
        Literal["warning", "error"],
        Field(
            description="what it is to cite a place outside of `roots`",
            json_schema_extra={"tightens": ["warning", "error"]},
        ),
    ] = "warning"
    resolve: Annotated[
        bool,
        Field(
            description="whether a cited file and line must exist in the judged tree",
            json_schema_extra={"tightens": "higher"},
        ),
    ] = True
    every: Annotated[
        bool,
        Field(
            description="whether each list item and table row of the section must cite something, "
            "and not only the section as a whole",
            json_schema_extra={"tightens": "higher"},
        ),
    ] = False


class Findings(Settings):
    """What an artifact's own findings must look like, as in a review."""

    severities: Annotated[
        list[str], Field(min_length=1, description="the severities there are, the worst first")
    ]
    section: Annotated[
        str, Field(description="the title of the section that lists them; empty: the whole document")
    ] = ""
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
            description="the words that a finding's status must have, each of them, for it to be dealt with; "
            "`aliases` has words that stand for them",
            json_schema_extra={"tightens": "more"},
        ),
    ] = ["fixed", "re-verified"]
    must_close: Annotated[
        list[str],
        Field(
            description="the severities whose findings must be dealt with before the review is closed",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    verdict: Annotated[
        list[str],
        Field(
            min_length=1,
            description="the names of the field, or section, that says how the review ends; the last one "
            "in it holds",
        ),
    ] = ["disposition", "verdict", "status", "decision", "outcome", "conclusion"]
    verdict_open: Annotated[
        list[str],
        Field(
            description="what a verdict begins with while the review is open; with any other one, and with "
            "none, it counts as closed",
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
        Field(description="where such artifacts are, e.g. `**/AGENT_{agent}_FINAL_{objective}.md`"),
    ] = ""
    root: Annotated[
        str,
        AfterValidator(check_path_template),
        Field(description="in place of `path`: the folder that holds all of `members`"),
    ] = ""
    members: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="the files that must be in a folder that matches `root`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    companions: Annotated[
        list[
            Annotated[str, AfterValidator(check_path_template)]
            | list[Annotated[str, AfterValidator(check_path_template)]]
        ],
        Field(
            description="the files that must stand beside the artifact; of a list within the list one",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    sections: Annotated[
        list[str],
        Field(description="the titles of the sections it must have", json_schema_extra={"tightens": "more"}),
    ] = []
    forbidden_sections: Annotated[
        list[str],
        Field(description="the titles of sections it must not have", json_schema_extra={"tightens": "more"}),
    ] = []
    aliases: Annotated[
        dict[str, list[str]],
        Field(
            description="other titles or names that stand for a section's or a field's, by its own; `*` in a "
            "title stands for any words"
        ),
    ] = {}
    bold_headings: Annotated[
        bool, Field(description="whether a paragraph that is bold as a whole counts as a heading")
    ] = False
    placeholders: Annotated[
        list[str],
        Field(
            description="texts of the template that are no content, next to `TODO`, `TBD`, `<...>` and such",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    fields: Annotated[
        dict[str, str | list[str]],
        Field(
            description="required fields: `any`, `date`, `revisions`, `ticked`, or allowed values. "
            "`revisions` are existing commits, branches and ranges. `ticked` is a ticked item of "
            "that name, with no `{{place}}` left",
            json_schema_extra={"tightens": "more"},
        ),
    ] = {}
    none_when: Annotated[
        dict[str, str],
        Field(
            description="the fields that must say that there is none while another one has a value: "
            '`{blockers = "posture.ready"}`',
            json_schema_extra={"tightens": "more"},
        ),
    ] = {}
    timestamps: Annotated[
        Literal["", "present", "ascending"],
        Field(
            description="whether its entries carry times, and whether these ascend",
            json_schema_extra={"tightens": ["", "present", "ascending"]},
        ),
    ] = ""
    evidence: Annotated[Evidence | None, Field(description="what it must cite")] = None
    findings: Annotated[Findings | None, Field(description="what its own findings must look like")] = None
    options: Annotated[
        list[str],
        Field(
            description='the options it must describe, e.g. `["A", "B", "C"]`',
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    inputs: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="patterns of files, one of each of which it must cite as what it has read",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    records: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="files whose object ids it must name, so that it is known which state it has read",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    author_not: Annotated[
        str,
        Field(
            description="who its author must not be: a field of the work item, such as `slice.owner`, or of "
            "another artifact, such as `packet.author`",
            json_schema_extra={"names": ["artifacts", "work"], "dotted": True},
        ),
    ] = ""
    author: Annotated[list[str], Field(description="the fields that name its author")] = [
        "author",
        "reviewer",
        "reviewed by",
        "steward",
    ]
    agrees_with: Annotated[
        Literal["", "deletions"],
        Field(
            description="`deletions`: it names every path that the change removes, with a reason, and no "
            "other",
            json_schema_extra={"tightens": ["", "deletions"]},
        ),
    ] = ""
    closure: Annotated[
        list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="folders that hold only what the artifact lists, once it is there",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    schema: Annotated[
        str,
        Field(description="the JSON Schema that it fits, as a path in the trusted base (JSON or YAML)"),
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
        from specguard.documents.kinds import data_kind

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
                return f"`findings.must_close` has {name!r}, which is none of its severities: {near}"
        return ""

    def _problem_of_root(self) -> str:
        """A folder has members; everything else is a contract of a member's own."""
        if not self.members:
            return "a `root` needs `members`"
        for name in self._fields:
            if name not in {"root", "members"} and getattr(self, name) != getattr(type(self), name):
                return f"a `root` has `members` alone; `{name}` belongs to the contract of one of them"
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
