"""`[work.<kind>]`: what a policy says of one kind of work item."""

from __future__ import annotations

from specguard.declaration.commits import Commits
from specguard.declaration.globs import PatternError, translate
from specguard.declaration.patterns import Covering
from specguard.declaration.rule import Settings
from specguard.work.path_templates import check_path_template
from specguard.work.templates import (
    Template,
    check_ids,
    check_number_format,
    check_readable,
    check_template,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import AfterValidator, Field

__all__ = [
    "Commits",
    "Gate",
    "WorkKind",
    "check_number_format",
    "check_path_template",
    "check_readable",
    "check_template",
]


class Gate(Settings):
    """A command that an item's change has to get through."""

    name: Annotated[str, Field(min_length=1, description="what reports call it")]
    run: Annotated[
        str,
        Field(min_length=1, description="the command; `{file}` and `{changed_files}` are filled in, quoted"),
    ]
    when: Annotated[
        Covering, Field(description="it runs where the change touches one of these paths; empty: always")
    ] = Covering()
    on: Annotated[
        list[Literal["added", "modified", "deleted"]], Field(description="which changes of these paths count")
    ] = ["added", "modified", "deleted"]
    each: Annotated[bool, Field(description="run once for each of the files, as `{file}`")] = False
    kind: Annotated[
        Literal["gate", "format", "teardown"],
        Field(description="`format` gets the changed files; `teardown` runs whatever became of the others"),
    ] = "gate"
    timeout: Annotated[
        str, Field(pattern="^[1-9][0-9]*[smh]$", description="when it is ended: a number and `s`, `m` or `h`")
    ] = "20m"
    wrapper: Annotated[
        list[str],
        Field(description='words put before the command, e.g. `["docker", "compose", "run", "--rm", "ci"]`'),
    ] = []


class WorkKind(Settings):
    """A kind of work item: where the current one is named, and what its branch, commits and so on are called.

    Templates hold `{number}`, `{id}`, `{slug}`, `{document}`, `{kind}` and the names in `fields`; a literal
    brace is doubled, `{slug:upper}` is the slug in capitals, `{id:lower}` the id in small letters. In
    subjects and titles `{text}` is whatever is written there.
    """

    pointer: Annotated[
        list[str],
        Field(
            description="JSON files that name the current item; the first that is in the trusted base is read"
        ),
    ] = []
    source: Annotated[
        Annotated[str, AfterValidator(check_path_template)]
        | list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="in place of a pointer: the JSON, YAML or TOML files that list all items, with "
            "globs and placeholders, e.g. `.plans/{name}/plan.json`; of a list the first that matches is read"
        ),
    ] = []
    items: Annotated[
        str,
        Field(
            description="the field of `source` that holds the items, as a list or by id; empty: one named "
            "like the kind with an `s` (`slices`), or `items`, or all of it"
        ),
    ] = ""
    number: Annotated[
        str,
        Field(
            description="the field of the pointer, or of an entry of `source`, that holds the number or id"
        ),
    ] = "number"
    ids: Annotated[
        str,
        AfterValidator(check_ids),
        Field(
            description="what an id is, as an expression that all of `{id}` matches, in capitals or not: "
            "`[a-z]?[0-9]+[a-z]?` reads `C5A` in `phase-c-c5a-fix`, and nothing in `phase-c-planning-1`; "
            "empty: any word"
        ),
    ] = ""
    required: Annotated[
        list[str],
        Field(
            description="the fields that every entry of `source` must have, such as `owner` and `files`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    closed: Annotated[
        list[str], Field(description="the statuses of an entry of `source` that is done with")
    ] = ["done", "closed", "complete", "completed", "merged", "landed"]
    deferred: Annotated[
        list[str], Field(description="the statuses of an entry of `source` that is put off")
    ] = ["deferred"]
    fields: Annotated[
        dict[str, str | list[str]],
        Field(
            description="more placeholders: a field of the pointer, or of an entry of `source`, as a dotted "
            "path that may hold `{number}`; of a list the first that is there is taken. Also where an entry "
            "has its `owner`, `files`, `depends_on`, `acceptance`, `conditional`, `status` and `title`, if "
            "not under these names"
        ),
    ] = {}
    document: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(
            description="where the item's document is, tried in order in the trusted base; `*` is allowed, "
            "and a number beside it may then be padded with zeros"
        ),
    ] = []
    index: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="Markdown files whose tables or lists map a number to a document; tried next"),
    ] = []
    legacy: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="older places of the document; tried last, with a warning"),
    ] = []
    number_format: Annotated[
        list[Annotated[str, AfterValidator(check_number_format)]],
        Field(
            min_length=1, description="how names hold the number, the canonical form first: `{n}`, `{n:02}`"
        ),
    ] = ["{n}"]
    siblings: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="documents of items, which a change for another item must leave alone"),
    ] = []
    scope: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="paths an item may change; empty: those that its document lists"),
    ] = []
    scope_sections: Annotated[
        list[str],
        Field(description="the titles of the document's sections that list the paths an item may change"),
    ] = ["Scope", "Files"]
    gate_sections: Annotated[
        list[str], Field(description="the titles of the document's sections that name gates")
    ] = ["Gates", "Verification"]
    base: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the branch it starts from; empty: the policy's `base`"),
    ] = ""
    branch: Annotated[str, AfterValidator(check_readable), Field(description="the name of its branch")] = ""
    submit: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the command that submits its branch, as reports show it"),
    ] = ""
    commits: Annotated[
        Annotated[int, Field(ge=1)] | Commits | None,
        Field(description="how many commits it has: a number, or a table; absent: any"),
    ] = None
    commit: Annotated[
        str, AfterValidator(check_readable), Field(description="the subject of its commits")
    ] = ""
    pull_request: Annotated[
        str, AfterValidator(check_readable), Field(description="the title of its pull request")
    ] = ""
    pull_request_body: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the body of its pull request; `{gates}` are the commands of its gates"),
    ] = ""
    remote: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the canonical repository; empty: the policy's `remote`"),
    ] = ""
    protect_pointer: Annotated[
        bool, Field(description="whether a change for an item must leave the pointer alone")
    ] = True
    upkeep: Annotated[
        Literal["anyone", "approvers"],
        Field(
            description="who may alter scope, gates, files or `verify` of an open item by plan upkeep: with "
            "`approvers` that is an error until one approves it, else a warning",
            json_schema_extra={"tightens": ["anyone", "approvers"]},
        ),
    ] = "anyone"
    gates: Annotated[
        list[Gate], Field(description="the commands its change has to get through, in order")
    ] = []

    papers: Annotated[
        list[str],
        Field(
            description="the artifacts that a run of an item leaves, by the names of their contracts",
            json_schema_extra={"tightens": "more", "names": ["artifacts"]},
        ),
    ] = []

    @property
    def sources(self) -> list[str]:
        """`source` as a list."""
        return [self.source] if isinstance(self.source, str) else self.source

    def template(self, key: str) -> Template:
        """The template of a name, such as `branch`."""
        return Template(getattr(self, key), self.ids)

    def paths_of(self, name: str) -> list[str]:
        """The dotted paths at which a field stands: those that `fields` says, else its own name."""
        paths = self.fields.get(name, name)
        return [paths] if isinstance(paths, str) else paths

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        if self.pointer and self.source:
            return "a kind has a pointer or a source, not both"
        if not (self.branch or self.commit or self.pull_request):
            return "a kind needs a template for a branch, a commit or a pull request, to be told by its names"
        for templates, covers in (
            (self.document + self.index + self.legacy + self.siblings, False),
            (self.scope, True),
        ):
            for template in templates:
                parsed = Template(template)
                try:
                    translate(parsed.render(dict.fromkeys(parsed.names, "x")), covers=covers, folds=False)
                except PatternError as error:
                    return str(error)
        return ""
