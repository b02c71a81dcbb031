"""One work item: its fields, its names, its document."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.declaration.patterns import Covering, Selecting
from specguard.declaration.rule import Commits
from specguard.errors import MissingFact, NotApplicable, SpecguardError
from specguard.model import TYPE_CHECKING, Origin, Record, path_text, shortened
from specguard.work.document_search import PADDINGS, DocumentSearch, Pointer, read_text
from specguard.work.kinds import Naming, WorkKind, same_item
from specguard.work.name_templates import FREE_TEXT, PathTemplate, escape, name_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ClassVar, Final, Literal

    from specguard.authority.policy import Guard, Guards
    from specguard.change.tree import Tree
    from specguard.work.item_lists import Listed
    from specguard.work.stated_paths import Ask


_NEVER_SPARE = frozenset({FREE_TEXT, "id", "number"})
_LONGEST_TITLE = 80
"""How much of a title goes into a name: with an id in front of it, a subject has at most 100 characters."""


class Scope(Record):
    """The paths that an item may change.

    Attributes:
        paths: the patterns.
        origin: the place of the first pattern in the document, or what names a path otherwise; None if the
            policy lists the patterns.
        unread: the line of the first list item that begins with no path, so that more may be meant; or 0.
        excluded: the patterns that the document leaves out.
        meant: what is listed as a path and cannot be read as one; empty without it.
    """

    paths: Covering
    origin: Origin | None = None
    unread: int = 0
    excluded: Covering = Covering()
    meant: str = ""

    @property
    def text(self) -> str:
        """The first patterns, as a message lists them."""
        patterns = [*self.paths.patterns, *(f"not {pattern}" for pattern in self.excluded.patterns)]
        return ", ".join(patterns[:8]) + (", ..." if len(patterns) > 8 else "")


def listed_paths(text: str, titles: Sequence[str]) -> list[Ask]:
    """Return the paths that sections with these titles allow or exclude; see `allowed_paths`."""
    # Most documents have no such section; this check spares a hook the Markdown parser.
    plain = text.casefold()
    if not any(title.split() and title.split()[0].casefold() in plain for title in titles):
        return []
    from specguard.work.stated_paths import allowed_paths

    return allowed_paths(text, titles)


class Unresolved(Record):
    """The reason why a work item cannot be resolved.

    Attributes:
        problem: the problem, in one sentence.
        pointer: the pointer or source, with the places tried.
    """

    problem: str
    pointer: Pointer
    resolved: ClassVar[Literal[False]] = False


def unready(message: str, help: str, path: bytes | None = None, line: int | None = None) -> SpecguardError:
    """Return the error for an item that cannot be worked on as it is."""
    where = path_text(path) if path else None
    return SpecguardError(message, help=help, path=where, line=line, code="item-unready")


class WorkItem(Record, frozen=False):
    """A work item as the policy and the trusted base describe it.

    Names are exact. `number_format` can allow several; the canonical name is the first.

    Attributes:
        kind: the name of the item's kind.
        settings: the kind's table.
        id: the id as text, such as `12` or `task_003`.
        number: the digits of the id as an integer; None if the id has none.
        given: the fields from the pointer or source.
        spare: values from names, for placeholders that nothing else fills.
        pointer: the pointer or source that the item was resolved by.
        tree: the trusted base's files.
        base: the branch that the item starts from; empty if the policy has none.
        remote: the canonical repository; empty if the policy has none.
        listed: the entry in the kind's source; None for a kind without one.
    """

    kind: str
    settings: WorkKind
    id: str
    number: int | None
    given: Mapping[str, str]
    spare: Mapping[str, str]
    pointer: Pointer
    tree: Tree
    base: str = ""
    remote: str = ""
    listed: Listed | None = None
    resolved: ClassVar[Literal[True]] = True

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The value of every known placeholder, except `document`."""
        fields, settings = {**self.given, **self.own}, self.settings
        names = (settings.branch, settings.commit, settings.pull_request)
        if "slug" not in fields and any("slug" in name_template(text).names for text in names):
            located = DocumentSearch(self.settings, fields, self.number, self.tree)
            name = (located.path or b"").rpartition(b"/")[2].decode("utf-8", "replace")
            word = re.escape(self.own.get("number", self.id))
            # A document in snake case does not refuse a branch in the usual form.
            letters = "[a-z0-9][a-z0-9-]*" if "slug" in self.spare else r"\w[\w-]*"
            # Otherwise a value from a name could complete the template of a place that was skipped.
            if name and (slug := re.search(rf"(?:^|[^0-9])0*{word}[-_]({letters})\.[a-z]+$", name)):
                fields["slug"] = slug[1]
                self.__dict__["located"] = located
        return {**{name: value for name, value in self.spare.items() if name not in _NEVER_SPARE}, **fields}

    @property
    def own(self) -> dict[str, str]:
        """The fields that identify the item."""
        number = {} if self.number is None else {"number": str(self.number)}
        return {"kind": self.kind, "id": self.id, **number}

    @property
    def branches(self) -> Sequence[str]:
        """The allowed names of the branch; empty if the policy has no template, or a value is missing."""
        return self.rendered("branch") if self.plain(self.settings.branch) else ()

    @property
    def commit_messages(self) -> Sequence[str]:
        """The allowed subjects of commits; empty if the policy has no template."""
        return self.rendered("commit")

    @property
    def titles(self) -> Sequence[str]:
        """The allowed titles of the pull request; empty if the policy has no template."""
        return self.rendered("pull_request")

    @property
    def body(self) -> str:
        """The body of the pull request; empty if the policy has no template, or a value is missing."""
        return self.body_with([gate.run for gate in self.settings.gates if gate.kind == "gate"])

    def body_with(self, gates: Sequence[str]) -> str:
        """Return the body of the pull request with a list of gates.

        Args:
            gates: the commands in place of `{gates}`, which get `...` in place of files.
        """
        from specguard.work.gates import FILE_HOLDER

        template, listed = self.settings.pull_request_body, FILE_HOLDER.sub("...", ", ".join(gates))
        values = {**self._values(self.settings.widths[0], template), "gates": listed or "none"}
        return name_template(template).fill(values)

    @property
    def commits(self) -> Commits | None:
        """The required number of commits; None if the policy sets none."""
        commits = self.settings.commits
        return Commits(exactly=commits) if isinstance(commits, int) else commits

    @cached_property
    def located(self) -> DocumentSearch:
        """The place of the document, and the places tried.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        return DocumentSearch(self.settings, self.fields, self.number, self.tree)

    @property
    def document(self) -> bytes | None:
        """The path of the document in the trusted base; None if it has none, which WRK002 reports.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        return self.located.path

    @property
    def document_text(self) -> str | None:
        """The text of the document in the trusted base; None if it has none or it is unreadable.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        return None if self.document is None else read_text(self.tree, self.document)

    @cached_property
    def scope(self) -> Scope:
        """The paths that the item may change: `scope` of its kind, else the paths that its document lists.

        Raises:
            NotApplicable: neither states any paths.
            MissingFact: the trusted base cannot be read, or no pattern of `scope` can be filled in.
        """
        settings = self.settings
        if settings.scope:
            patterns = [*filter(None, (self.plain(one, escape).removeprefix("./") for one in settings.scope))]
            why = "" if patterns else f"no pattern of {self.setting('scope')} can be filled in for {self}"
            if why := why or Covering.problem_in(*patterns):
                raise MissingFact(why, code="incomplete-policy")
            return Scope(Covering(patterns))
        path = self.document
        if path is None:
            raise NotApplicable(f"no scope is stated for {self}: it has no document")
        found = listed_paths(self.document_text or "", settings.scope_sections)
        if not any(ask.path or ask.how == "named" for ask in found):
            titles = " or ".join(settings.scope_sections) or "scope"
            reason = f"{path_text(path)} lists no paths under {titles}"
            raise NotApplicable(f"no scope is stated for {self}: {reason}")
        listed, excluded = ([a for a in found if a.path and a.how == how] for how in ("listed", "excluded"))
        allowed, left_out = (Covering([ask.path for ask in asks]) for asks in (listed, excluded))
        unread = next((ask.line for ask in found if not ask.path), 0)
        meant = next((ask.text for ask in found if ask.text), "")
        first = next((ask.line for ask in (*listed, *excluded)), unread)
        return Scope(allowed, Origin(path_text(path), first), unread, left_out, meant)

    def conflicts(self, guards: Guards) -> Iterator[tuple[Ask, Guard]]:
        """Yield each path that the document asks to change and the authority guards, with its guard.

        Raises:
            MissingFact: the trusted base cannot be read.
        """
        from specguard.work.stated_paths import asks_of

        for ask in asks_of(self):
            path = re.sub(r"(?:/\*{0,2})+$", "", ask.path).removeprefix("/")
            if (guard := guards.find(path.encode("utf-8", "surrogateescape"))) is not None:
                yield ask, guard

    def told_by(self, naming: Naming) -> bool:
        """Return True if a name means this item; for a listed item, the name must fit its source too."""
        if naming.kind != self.kind or not same_item(naming.id, naming.number, self.id, self.number):
            return False
        if self.listed is None:
            return True
        from specguard.work.item_lists import agree, match_items

        # `7` can be short for `C7`, unless the list also has a 7.
        ids = [one.id for one in match_items([self.listed.source], naming.id, naming.fields)]
        return self.listed.id in (ids or [self.listed.id]) and agree(self.listed.source.fields, naming.fields)

    def owns(self, path: bytes) -> bool:
        """Return True if a path is the item's document, or one of the places where it could be."""
        return path == self.document or self._places.matches(path)

    def setting(self, name: str) -> str:
        """Return the key of one of the kind's settings, for a citation: `work.phase.branch`."""
        return f"work.{self.kind}.{name}"

    def summary(self) -> dict[str, str | None]:
        """Return the `work_item` of the JSON report."""
        return {
            "kind": self.kind,
            "id": self.id,
            "slug": self.fields.get("slug"),
            "document": None if self.document is None else path_text(self.document),
        }

    def rendered(self, key: str, text: str = "") -> Sequence[str]:
        """Return the names that a setting of the kind allows, one per number format, without repetition.

        Args:
            key: the setting.
            text: the value of `{text}`; empty: an ellipsis.

        Raises:
            MissingValue: a placeholder has no value.
        """
        template = getattr(self.settings, key)
        free = {FREE_TEXT: text} if text else {}
        values = ({**self._values(width, template), **free} for width in self.settings.widths)
        return list(dict.fromkeys(map(name_template(template).render, values))) if template else []

    def allows(self, key: str, name: str) -> bool:
        """Return True if a setting of the kind allows a name; any text fits `{text}`.

        Raises:
            MissingValue: another placeholder has no value.
        """
        template = self.settings.template(key)
        if FREE_TEXT not in template.names:
            return name in self.rendered(key)
        read = template.read(name)
        return read is not None and name in self.rendered(key, read[FREE_TEXT])

    def named_by(self, key: str) -> str:
        """Return the canonical name by a setting of the kind, with the item's title in place of `{text}`.

        Of a long title only the beginning is there, on one line. An item without a title gets "implement"
        and its name there.

        Raises:
            MissingValue: a placeholder has no value.
        """
        title = shortened(self.listed.title, _LONGEST_TITLE) if self.listed is not None else ""
        return next(iter(self.rendered(key, title or f"implement {self}")), "")

    def __str__(self) -> str:
        return self.id if self.id.casefold().startswith(self.kind.casefold()) else f"{self.kind} {self.id}"

    @cached_property
    def _places(self) -> Selecting:
        """The possible places of its documents, with every padding of the number."""
        templates = [*self.settings.document, *self.settings.legacy]
        templates += [one for one in self.settings.siblings if "number" in name_template(one).names]
        found = (self.plain(template, escape, width) for template in templates for width in PADDINGS)
        places = dict.fromkeys(one.removeprefix("./") for one in found)
        # A value of the pointer may make a text that is no path.
        return Selecting([one for one in places if not Selecting.problem_in(one)])

    def _values(self, width: int, template: str) -> dict[str, str]:
        values = {FREE_TEXT: "...", **self.fields}
        if self.number is not None:
            values["number"] = f"{self.number:0{width}d}"
        if "{document" in template and self.document is not None:
            values["document"] = path_text(self.document)
        return values

    def plain(self, template: str, escape: Callable[[str], str] = str, width: int = 0) -> str:
        """Return the canonical text of a template; empty if a placeholder has no value.

        Args:
            template: the template.
            escape: applied to each value, if the text is a pattern.
            width: the minimum number of digits; 0 means as in the canonical names.
        """
        return name_template(template).fill(self._values(width or self.settings.widths[0], template), escape)


_PAPERS: Final = ("pointer", "siblings", "document", "legacy", "index", "source")
"""The settings that name the places of papers, by precedence: a path in several is a paper of the first."""

_ROLES: Final = {"siblings": "document", "legacy": "document", "source": "list"}


class Paper(Record):
    """The role of a path in the plan.

    Attributes:
        kind: the name of the kind of work items; for an artifact, the name of its contract.
        role: `pointer`, `document`, `index`, `list` for a file that lists items, or `artifact`.
        setting: the key of the setting that names the place, for a citation.
        text: the template, as the policy writes it.
    """

    kind: str
    role: str
    setting: str
    text: str


class Papers:
    """The possible places of each kind's papers, for all items.

    Args:
        kinds: the policy's kinds by name.
        artifacts: the templates of a wave's artifacts, by the names of their contracts.
    """

    def __init__(self, kinds: Mapping[str, WorkKind], artifacts: Mapping[str, str] | None = None) -> None:
        found = [
            (Paper(name, _ROLES.get(field, field), f"work.{name}.{field}.{index}", text), pattern)
            for field in _PAPERS
            for name, kind in kinds.items()
            for index, text in enumerate(kind.sources if field == "source" else getattr(kind, field))
            if (pattern := _pattern(field, text))
        ]
        found += [
            (Paper(name, "artifact", f"artifacts.{name}", text), PathTemplate(text).render({}))
            for name, text in (artifacts or {}).items()
        ]
        self._papers = [paper for paper, _ in found]
        self._patterns = Selecting([pattern for _, pattern in found])

    def among(self, paths: Sequence[bytes]) -> dict[bytes, Paper]:
        """Return the given paths that are papers, each with its first role."""
        return {paths[at]: self._papers[which] for at, which in self._patterns.find_each(paths)}

    def at(self, path: bytes) -> list[Paper]:
        """Return every role of one path."""
        return [self._papers[which] for _, found in self._patterns.find_all([path]) for which in found]


def _pattern(field: str, text: str) -> str:
    """Return the pattern of every path that a setting could mean; empty if that would be any path."""
    if field == "pointer":
        return escape(text)
    if field == "source":
        return PathTemplate(text).render({})
    template = name_template(text)
    return template.render(dict.fromkeys(template.names, "*")) if template.literal_size else ""
