"""Kinds of work items (`[work.<kind>]`) and of plans (`[plans.<name>]`), and how their items are named."""

from __future__ import annotations

import re
from contextlib import suppress

from specguard.change.entries import strip_pull_number
from specguard.declaration.patterns import Covering, Selecting
from specguard.declaration.rule import Commits, Settings, required, setting
from specguard.errors import MissingFact, nearest
from specguard.model import TYPE_CHECKING, Record, folders_of, grouped, path_text
from specguard.work.name_templates import (
    PathTemplate,
    Template,
    TemplateError,
    check_ids,
    check_readable,
    name_template,
    number_width,
    path_template,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Final, Literal

    from specguard.authority.policy import Policy


class Gate(Settings):
    """A command that an item's change has to get through."""

    name: str = required("its name in reports", min_length=1)
    run: str = required("the command; `{file}` and `{changed_files}` are filled in", min_length=1)
    when: Covering = setting(Covering(), "the paths that it runs for; by default all")
    on: list[Literal["added", "modified", "deleted"]] = setting(
        ["added", "modified", "deleted"], "which changes of them count"
    )
    each: bool = setting(False, "run once per file, as `{file}`")
    kind: Literal["gate", "format", "teardown"] = setting(
        "gate", "`format` gets the changed files; `teardown` always runs"
    )
    timeout: str = setting("", "the longest, as `30m`; else `command_timeout`", pattern="^[1-9][0-9]*[smh]$")
    wrapper: list[str] = setting([], 'words before it: `["docker", "compose", "run", "--rm", "ci"]`')

    def problem(self) -> str:
        """Return the problem with a nearly right placeholder of the command; empty if there is none."""
        from specguard.work.gates import QUOTES

        # Within other words, as in `${file}` and `@{push}`, and with xargs, braces may have another meaning.
        for word in () if "xargs" in self.run else QUOTES.sub("", self.run).replace("=", " ").split():
            step = nearest(word[1:-1], ("file", "changed_files"), "-")
            is_holder = word.startswith("{") and word.endswith("}") and word[1:-1].isidentifier()
            if is_holder and step not in ("-", f"did you mean {word[1:-1]!r}?"):
                return f"`run` has the placeholder {word}, which is not filled in: {step}"
        return ""


class WorkKind(Settings):
    """A kind of work item: where the current one is named, and what its branch, commits and so on are called.

    Templates hold `{number}`, `{id}`, `{slug}`, `{document}`, `{kind}` and the names in `fields`; a literal
    brace is doubled, `{slug:upper}` is the slug in capitals, `{id:lower}` the id in small letters. In
    subjects and titles `{text}` is whatever is written there.
    """

    pointer: list[str] = setting([], "JSON files that name the current item; the first counts", path="file")
    source: str | list[str] = setting(
        [],
        "instead: data files with all items, such as `.plans/{name}/plan.json`; the first counts",
        check=PathTemplate,
    )
    items: str = setting(
        "", "their field; by default the kind's plural (`slices`), `items`, or the whole file"
    )
    number: str = setting("number", "the field with the number or id")
    ids: str = setting(
        "",
        "what ids match: `[a-z]?[0-9]+[a-z]?` reads `C5A` in `phase-c-c5a-fix`; by default any word",
        check=check_ids,
    )
    required: list[str] = setting([], "fields of every entry, such as `owner`", tightens="more")
    closed: list[str] = setting(
        ["done", "closed", "complete", "completed", "merged", "landed"], "closed statuses"
    )
    deferred: list[str] = setting(["deferred"], "deferred statuses")
    fields: dict[str, str | list[str]] = setting(
        {},
        "more placeholders: dotted paths (with `{number}`), the first existing one. Also other names "
        "for an entry's `owner`, `files`, `depends_on`, `acceptance`, `conditional`, `status` and `title`",
    )
    document: list[str] = setting(
        [], "where the item's document is, in order; `*` is allowed", check=Template
    )
    index: list[str] = setting([], "Markdown files that map numbers to documents: tried next", check=Template)
    legacy: list[str] = setting([], "tried last, with a warning", check=Template)
    number_format: list[str] = setting(
        ["{n}"], "forms of numbers, canonical first: `{n}`, `{n:02}`", min_length=1, check=number_width
    )
    siblings: list[str] = setting([], "more documents, of item `{number}` or of none", check=Template)
    scope: list[str] = setting(
        [], "the paths it may change; else those in its document", tightens="within", check=Template
    )
    scope_sections: list[str] = setting(["Scope", "Files"], "sections with these paths")
    gate_sections: list[str] = setting(["Gates", "Verification"], "sections with gates")
    base: str = setting("", "the branch it starts from; by default the policy's `base`", check=Template)
    branch: str = setting("", "its branch's name", check=check_readable)
    submit: str = setting("", "what submits its branch, for reports", check=Template)
    commits: int | Commits | None = setting(None, "how many commits it has", ge=1)
    commit: str = setting("", "their subject", check=check_readable)
    pull_request: str = setting("", "its title", check=check_readable)
    pull_request_body: str = setting("", "its body; `{gates}` lists its gates", check=Template)
    remote: str = setting("", "the canonical repository; by default the policy's `remote`", check=Template)
    protect_pointer: bool = setting(True, "an item's change may not move the pointer")
    upkeep: Literal["anyone", "approvers"] = setting(
        "anyone",
        "who may change an open item's scope, gates, files or `verify`: it warns, or needs an approval",
        tightens=["anyone", "approvers"],
    )
    gates: list[Gate] = setting([], "its commands, in order")

    papers: list[str] = setting([], "the contracts that its runs leave", tightens="more", names=["artifacts"])

    @property
    def sources(self) -> list[str]:
        """`source` as a list."""
        return [self.source] if isinstance(self.source, str) else self.source

    def read_source(self, path: bytes) -> Mapping[str, str] | None:
        """Return the values of the placeholders in the path of a list of items; None for any other path."""
        read = (path_template(text).read(path) for text in self.sources)
        return next((fields for fields in read if fields is not None), None)

    @property
    def widths(self) -> list[int]:
        """The minimum number of digits in each number format, the canonical one first."""
        return list(map(number_width, self.number_format))

    def template(self, key: str) -> Template:
        """Return the template of a name, such as `branch`."""
        return name_template(getattr(self, key), self.ids)

    @property
    def path_templates(self) -> list[PathTemplate]:
        """The places of documents, as templates from which an item is read back."""
        found: list[PathTemplate] = []
        for text in self.document + self.legacy:
            with suppress(TemplateError):
                found += [PathTemplate(text)] if Template(text).names & {"id", "number"} else []
        return found

    def paths_of(self, name: str) -> list[str]:
        """Return the dotted paths where a field is found: those in `fields`, else the field's own name."""
        paths = self.fields.get(name, name)
        return [paths] if isinstance(paths, str) else paths or [name]

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if there is none."""
        if self.pointer and self.source:
            return "a kind has a `pointer` or a `source`, not both"
        if not any(ID_FIELDS & self.template(name).names for name in NAME_SETTINGS):
            names = "a branch, commit or pull request with {id}, {number} or {slug}"
            return f"a kind needs a template for {names}, to be recognised by"
        for key in ("document", "index", "legacy", "siblings", "scope"):
            patterns = Covering if key == "scope" else Selecting
            for text in getattr(self, key):
                template = Template(text)
                filled = template.render(dict.fromkeys(template.names, "x"))
                if problem := patterns.problem_in(filled, written=text):
                    return f"in `{key}`, {problem}"
        return ""


class Passes(Record):
    """The folders of passes. Of the passes of a wave only the last counts.

    Attributes:
        roots: the templates of the folders.
        by: the placeholders that distinguish waves.
    """

    roots: Sequence[str] = ()
    by: Sequence[str] = ()

    @classmethod
    def of_policy(cls, policy: Policy) -> Passes:
        """Return the passes that a policy's contracts declare; a policy without waves has none."""
        waves = policy.declared("wave_settings")
        contracts = policy.declared("contracts").values() if waves.stages else ()
        return cls([one.root for one in contracts if one.root], waves.by)

    def superseded(self, paths: Iterable[bytes]) -> frozenset[bytes]:
        """Return the folders of all passes above some paths, except the last ones in natural order.

        The values of a pass's placeholders decide, such as `{nn}` and `{date}`, and then its path.
        """
        if not self.roots:
            return frozenset()
        folders = sorted({folder for path in paths for folder in folders_of(path)})
        found = [(root, *pair) for root in self.roots for pair in path_template(root).find(folders)]
        found.sort(key=lambda one: natural_key(folders[one[1]]))
        found.sort(key=lambda one: [natural_key(one[2][name]) for name in one[2] if name not in self.by])
        passes = grouped(
            ((root, *(fields[name].casefold() for name in self.by)), folders[at])
            for root, at, fields in found
            if all(map(fields.get, self.by))
        )
        return frozenset(path for same in passes.values() for path in same[:-1])


def natural_key(name: str | bytes) -> list[tuple[int, str]]:
    """Return a sort key of a name or path: numbers by value, other parts without regard to case."""
    text = name if isinstance(name, str) else path_text(name)
    parts = filter(None, re.split("([0-9]{1,18})", text.casefold()))
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


MOST_SHOWN: Final = 100
"""The limit in characters for a name in a message."""

ID_FIELDS: Final = frozenset({"id", "number", "slug"})
"""The placeholders that identify the item in a name."""


class Naming(Record):
    """A name that identifies a work item.

    Attributes:
        source: `branch`, `commit`, `message` (for a commit being written) or `title`.
        text: the name.
        kind: the name of the item's kind.
        fields: the values that the template reads from the name.
        exact: True if the template reads the name; False if the name only resembles the template.
        commit: the commit's full object id, if the name is a commit's subject.
    """

    source: str
    text: str
    kind: str
    fields: Mapping[str, str]
    exact: bool
    commit: str | None = None

    @property
    def id(self) -> str:
        """The item's id as text; a number has no padding."""
        return identity(self.fields)[0]

    @property
    def number(self) -> int | None:
        """The digits of the id as an integer; None if it has none."""
        return identity(self.fields)[1]

    @property
    def field(self) -> str:
        """The `field` of a finding about this name."""
        return {"branch": "branch", "title": "pull_request.title"}.get(self.source, "commit.subject")

    @property
    def label(self) -> str:
        """The name with its type, for messages: "the branch 'phase-12'"."""
        what = {"branch": "the branch", "title": "the title", "message": "the message"}.get(self.source)
        text = self.text if len(self.text) <= MOST_SHOWN else f"{self.text[:MOST_SHOWN]}..."
        return f"{what or f'commit {(self.commit or str())[:12]}'} {text!r}"

    @property
    def item(self) -> str:
        """The item for messages: `phase 12`."""
        return f"{self.kind} {self.id}"

    def same_item(self, other: Naming) -> bool:
        """Return True if another name identifies the same item."""
        return self.kind == other.kind and same_item(self.id, self.number, other.id, other.number)


def same_item(one_id: str, one: int | None, other_id: str, other: int | None) -> bool:
    """Return True if two ids of a kind identify one item.

    If a name has only the number, the number decides; `PERF-5` is `PERF-005`, but not `ARCH-005`.
    """
    if one is None or other is None:
        return one_id == other_id
    if one != other:
        return False
    return one_id.isdigit() or other_id.isdigit() or _around_number(one_id) == _around_number(other_id)


def _around_number(item_id: str) -> str:
    """Return an id without the digits of its number, in lower case."""
    return re.sub("[0-9]{1,18}(?=[^0-9]*$)", "", item_id).casefold()


def identity(fields: Mapping[str, str]) -> tuple[str, int | None]:
    """Return the id and number in a name's fields; a kind without either is identified by its slug."""
    if "id" in fields:
        return fields["id"], number_of(fields["id"])
    if "number" in fields:
        number = int(fields["number"])
        return str(number), number
    return fields.get("slug", ""), None


NAME_SETTINGS: Final = ("branch", "commit", "pull_request")
"""The settings of a kind whose templates render names and read them back."""


def _templates(kinds: Mapping[str, WorkKind]) -> list[tuple[str, str, Template]]:
    """Return the templates of names: the kind, the setting, and the template."""
    found = [(name, key, kind.template(key)) for name, kind in kinds.items() for key in NAME_SETTINGS]
    return [one for one in found if one[2].text]


class Names:
    """The templates of every kind, for reading names.

    Args:
        kinds: the policy's kinds by name.
    """

    def __init__(self, kinds: Mapping[str, WorkKind]) -> None:
        self._templates = _templates(kinds)

    def read(
        self, source: str, text: str, *, commit: str | None = None, lenient: bool = True
    ) -> Naming | None:
        """Read the item that a name identifies; None if the name identifies no item.

        Args:
            source: `branch`, `commit`, `message` or `title`.
            text: the name; the number that a squash merge adds is removed from subjects and titles.
            commit: the commit whose subject it is.
            lenient: True to accept a name that only resembles a template, too.

        Raises:
            MissingFact: the templates of two kinds read the name equally well. A policy with such templates
                is refused, so only names that merely resemble both can cause this.
        """
        templates = [one for one in self._templates if (one[1] == "branch") == (source == "branch")]
        name = text if source == "branch" else strip_pull_number(text)
        for exact in (True, False) if lenient else (True,):
            found = [
                (template.literal_size, kind, key, fields)
                for kind, key, template in templates
                if (fields := template.read(name) if exact else template.read_leniently(name)) is not None
                and identity(fields)[0]
            ]
            if not found:
                continue
            most = max(literal for literal, *_ in found)
            best = [(kind, key, fields) for literal, kind, key, fields in found if literal == most]
            kind, key, fields = best[0]
            for other, other_key, _ in best[1:]:
                if other != kind:
                    both = f"work.{kind}.{key} and work.{other}.{other_key}"
                    step = "give one of the two templates more literal text"
                    message = f"{text!r} is read equally well by {both}; {step}"
                    raise MissingFact(message, code="incomplete-policy")
            return Naming(source, text, kind=kind, fields=fields, exact=exact, commit=commit)
        return None

    def literals(self, kind: str = "") -> list[str]:
        """Return literal texts; a subject that names an item of a kind, or undoes one, has one of them.

        Args:
            kind: the kind's name; empty: any kind.
        """
        templates = [one for name, key, one in self._templates if kind in ("", name) and key != "branch"]
        literals = [[part for part in one.parts if isinstance(part, str)] for one in templates]
        found = [max(parts, key=len, default="") for parts in literals]
        return [*found, 'Revert "Merge '] if found else []


def number_of(item_id: str) -> int | None:
    """Return the last number of an id; None if it has none."""
    digits = re.search("([0-9]{1,18})[^0-9]*$", item_id[-60:])
    return int(digits[1]) if digits else None


def normal_id(item_id: str) -> str:
    """Return an id in lower case with unpadded numbers, for comparison."""
    return re.sub("(?<![0-9])0+(?=[0-9])", "", item_id.casefold())


NAMES_LIMIT: Final = 5000
"""The maximum size of the templates of names of all kinds, since each is compared with each."""


def find_clashes(kinds: Mapping[str, WorkKind]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield conflicts between the templates of two kinds, or that there is too much to compare.

    Args:
        kinds: the policy's kinds by name.

    Yields:
        The key of the second template, the problem as a clause that names the first, and the next step.
    """
    templates = [(("work", name, key), Template(one.text)) for name, key, one in _templates(kinds)]
    if sum(len(one.text) for _, one in templates) > NAMES_LIMIT:
        yield ("work",), f"has templates of over {NAMES_LIMIT:,} characters in all", "shorten or drop some"
        return
    step = "give one of the two templates more literal text, or another word before the number"
    for position, (second, other) in enumerate(templates):
        for first, one in templates[:position]:
            alike = (first[2] == "branch") == (second[2] == "branch")
            if alike and first[1] != second[1] and _do_clash(one, other):
                yield second, f"reads names that `{'.'.join(first)}` reads equally well", step


def _do_clash(one: Template, other: Template) -> bool:
    """Return True if one template reads a name of the other, and their literal parts are equally long."""
    if one.literal_size != other.literal_size or not (one.names & ID_FIELDS and other.names & ID_FIELDS):
        return False
    return bool(one.word and one.word == other.word) or _reads(one, other) or _reads(other, one)


def _reads(one: Template, other: Template) -> bool:
    """Return True if a template reads a name of the other."""
    # A value may equal a literal part.
    literals = " ".join(part for part in one.parts if isinstance(part, str))
    words = ["1", *re.findall("[A-Za-z0-9]+", literals)]
    fields = ({name: word for name in other.names if name != "number" or word.isdigit()} for word in words)
    return any(one.read(other.render({"number": "1", **each})) is not None for each in fields)


TASK_KEYS: Final = (
    "id", "title", "domain", "status", "depends_on", "expected_files", "verify", "done_criteria",
    "verification",
)  # fmt: skip
"""The properties of a task in a plan; each is the task's key, unless `keys` renames it."""


LIST_KEYS: Final = ("depends_on", "expected_files", "verify", "done_criteria")
"""The properties that are lists of texts."""


class PlanKind(Settings):
    """A kind of plan: a folder for each plan, with a file that lists its tasks."""

    folder: str = setting(".plans/{name}", "a plan's folder", check=PathTemplate)
    plan: str = setting("plan.json", "the file with the tasks", path="file", check=PathTemplate)
    branch: str = setting("plan-{name}", "for research and reviews", check=Template)
    code: str = setting("", "where `expected_files` start", path="folder")
    tasks: str = setting("tasks", "the tasks' key; empty: the file is the list")
    keys: dict[str, str] = setting({}, 'other keys of a task: `{depends_on = "dependencies"}`')
    required: list[
        Literal["id", "title", "domain", "status", "depends_on", "expected_files", "verify", "done_criteria"]
    ] = setting(
        ["id", "title", "status", "depends_on", "expected_files", "verify", "done_criteria"],
        "what each task must have",
        tightens="more",
    )
    id_format: str = setting("task_{number}", "the form of ids", check=Template)
    statuses: list[str] = setting(
        ["pending", "in_progress", "agent_done", "done", "deferred", "blocked"], "all statuses", min_length=1
    )
    started: list[str] = setting(["in_progress", "agent_done", "done"], "started tasks")
    done: list[str] = setting(["done"], "those that need evidence", min_length=1)
    option: str = setting("", "the field that names the plan's option")
    options: str = setting("", "the file that describes the options", path="file")
    log: list[str] = setting(
        [], "what a finished task may append to, such as `MASTER.md`", tightens="fewer", path="file"
    )
    unit: Literal["change", "commit"] = setting("change", "what a task is", tightens=["commit", "change"])
    trusted: Literal["base", "branch"] = setting(
        "base",
        "whose plan counts. `branch`: without one in the base, that of a first commit that "
        "touches only its folder",
        tightens=["branch", "base"],
    )

    @property
    def files(self) -> PathTemplate:
        """The path of each file in a plan's folder."""
        return path_template(f"{self.folder.rstrip('/')}/**")

    @property
    def task_file(self) -> PathTemplate:
        """The path of the file that lists a plan's tasks."""
        return path_template(f"{self.folder.rstrip('/')}/{self.plan}")

    def key_of(self, name: str) -> str:
        """Return the task's key for a property in `TASK_KEYS`."""
        return self.keys.get(name, name)

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if there is none."""
        exact = path_template(self.plan).exact_path({})
        if exact != self.plan.encode("utf-8") or not self.plan.endswith(".json"):
            return f"`plan` is {self.plan!r}, and not the name of a JSON file, such as plan.json"
        unknown = next((name for name in self.keys if name not in TASK_KEYS), None)
        if unknown is not None:
            return f"`keys` has {unknown!r}, which is not one of {', '.join(TASK_KEYS)}"
        for name in ("started", "done"):
            for status in getattr(self, name):
                if status not in self.statuses:
                    near = nearest(status, self.statuses)
                    return f"`{name}` has {status!r}, which is not one of `statuses`: {near}"
        return "`options` without `option` says nothing" if self.options and not self.option else ""
