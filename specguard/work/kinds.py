"""`[work.<kind>]`: what a policy says of one kind of work item."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, PatternError, translate
from specguard.declaration.rule import Commits, Settings
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

    name: Annotated[str, Field(min_length=1, description="its name in reports")]
    run: Annotated[
        str,
        Field(min_length=1, description="the command; `{file}` and `{changed_files}` are filled in"),
    ]
    when: Annotated[Covering, Field(description="the paths that it runs for; by default all")] = Covering()
    on: Annotated[
        list[Literal["added", "modified", "deleted"]], Field(description="which changes of them count")
    ] = ["added", "modified", "deleted"]
    each: Annotated[bool, Field(description="run once per file, as `{file}`")] = False
    kind: Annotated[
        Literal["gate", "format", "teardown"],
        Field(description="`format` gets the changed files; `teardown` always runs"),
    ] = "gate"
    timeout: Annotated[
        str, Field(pattern="^[1-9][0-9]*[smh]$", description="the longest, in `s`, `m` or `h`")
    ] = "20m"
    wrapper: Annotated[
        list[str],
        Field(description='words before it: `["docker", "compose", "run", "--rm", "ci"]`'),
    ] = []


class WorkKind(Settings):
    """A kind of work item: where the current one is named, and what its branch, commits and so on are called.

    Templates hold `{number}`, `{id}`, `{slug}`, `{document}`, `{kind}` and the names in `fields`; a literal
    brace is doubled, `{slug:upper}` is the slug in capitals, `{id:lower}` the id in small letters. In
    subjects and titles `{text}` is whatever is written there.
    """

    pointer: Annotated[
        list[str],
        Field(description="JSON files that name the current item; the first counts"),
    ] = []
    source: Annotated[
        Annotated[str, AfterValidator(check_path_template)]
        | list[Annotated[str, AfterValidator(check_path_template)]],
        Field(
            description="instead: data files with all items, such as `.plans/{name}/plan.json`; the "
            "first counts"
        ),
    ] = []
    items: Annotated[
        str,
        Field(description="their field; by default the kind's plural (`slices`), `items`, or the whole file"),
    ] = ""
    number: Annotated[
        str,
        Field(description="the field with the number or id"),
    ] = "number"
    ids: Annotated[
        str,
        AfterValidator(check_ids),
        Field(
            description="what ids match: `[a-z]?[0-9]+[a-z]?` reads `C5A` in `phase-c-c5a-fix`; by "
            "default any word"
        ),
    ] = ""
    required: Annotated[
        list[str],
        Field(
            description="fields of every entry, such as `owner`",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    closed: Annotated[list[str], Field(description="closed statuses")] = [
        "done",
        "closed",
        "complete",
        "completed",
        "merged",
        "landed",
    ]
    deferred: Annotated[list[str], Field(description="deferred statuses")] = ["deferred"]
    fields: Annotated[
        dict[str, str | list[str]],
        Field(
            description="more placeholders: dotted paths (with `{number}`), the first existing one. Also "
            "other names "
            "for an entry's `owner`, `files`, `depends_on`, `acceptance`, `conditional`, `status` and `title`"
        ),
    ] = {}
    document: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="where the item's document is, in order; `*` is allowed"),
    ] = []
    index: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="Markdown files that map numbers to documents: tried next"),
    ] = []
    legacy: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="tried last, with a warning"),
    ] = []
    number_format: Annotated[
        list[Annotated[str, AfterValidator(check_number_format)]],
        Field(min_length=1, description="forms of numbers, canonical first: `{n}`, `{n:02}`"),
    ] = ["{n}"]
    siblings: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="more documents for their item only"),
    ] = []
    scope: Annotated[
        list[Annotated[str, AfterValidator(check_template)]],
        Field(description="the paths it may change; by default those in its document"),
    ] = []
    scope_sections: Annotated[
        list[str],
        Field(description="sections with these paths"),
    ] = ["Scope", "Files"]
    gate_sections: Annotated[list[str], Field(description="sections with gates")] = [
        "Gates",
        "Verification",
    ]
    base: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the branch it starts from; by default the policy's `base`"),
    ] = ""
    branch: Annotated[str, AfterValidator(check_readable), Field(description="its branch's name")] = ""
    submit: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="what submits its branch, for reports"),
    ] = ""
    commits: Annotated[
        Annotated[int, Field(ge=1)] | Commits | None,
        Field(description="how many commits it has"),
    ] = None
    commit: Annotated[str, AfterValidator(check_readable), Field(description="their subject")] = ""
    pull_request: Annotated[str, AfterValidator(check_readable), Field(description="its title")] = ""
    pull_request_body: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="its body; `{gates}` lists its gates"),
    ] = ""
    remote: Annotated[
        str,
        AfterValidator(check_template),
        Field(description="the canonical repository; by default the policy's `remote`"),
    ] = ""
    protect_pointer: Annotated[bool, Field(description="an item's change may not move the pointer")] = True
    upkeep: Annotated[
        Literal["anyone", "approvers"],
        Field(
            description="who may change an open item's scope, gates, files or `verify`: it warns, or "
            "needs an approval",
            json_schema_extra={"tightens": ["anyone", "approvers"]},
        ),
    ] = "anyone"
    gates: Annotated[list[Gate], Field(description="its commands, in order")] = []

    papers: Annotated[
        list[str],
        Field(
            description="the contracts that its runs leave",
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
