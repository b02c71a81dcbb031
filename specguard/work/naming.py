"""Which work item a branch, a commit's subject or a title names."""

from __future__ import annotations

import re

from specguard.errors import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final

    from specguard.work.kinds import WorkKind

SHOWN: Final = 100
"""How many characters of a name a message shows."""

TELLING: Final = frozenset({"id", "number", "slug"})
"""The placeholders that tell which item a name is about."""

_SQUASHED = re.compile(r" \(#[0-9]{1,18}\)$")


class Naming:
    """A name that tells of a work item.

    Attributes:
        source: `branch`, `commit`, `message` (one being written) or `title`.
        text: the name.
        kind: the name of the item's kind.
        id: the item's id as text; a number without padding.
        number: the digits of the id as an integer; None where it has none.
        fields: what the name's template reads back.
        exact: whether the template reads the name; otherwise it only resembles what the template makes.
        commit: the commit's full object id, where the name is a commit's subject.
    """

    __slots__ = ("commit", "exact", "fields", "id", "kind", "number", "source", "text")

    def __init__(
        self,
        source: str,
        text: str,
        *,
        kind: str,
        fields: Mapping[str, str],
        exact: bool,
        commit: str | None = None,
    ) -> None:
        self.source = source
        self.text = text
        self.kind = kind
        self.fields = fields
        self.exact = exact
        self.commit = commit
        self.id, self.number = identity(fields)

    @property
    def field(self) -> str:
        """The field of a finding about this name."""
        return {"branch": "branch", "title": "pull_request.title"}.get(self.source, "commit.subject")

    @property
    def label(self) -> str:
        """The name with what it is, for messages: "the branch 'phase-12'"."""
        what = {"branch": "the branch", "title": "the title", "message": "the message"}.get(self.source)
        text = self.text if len(self.text) <= SHOWN else f"{self.text[:SHOWN]}..."
        return f"{what or f'commit {(self.commit or str())[:12]}'} {text!r}"

    @property
    def item(self) -> str:
        """The item as a person says it: `phase 12`."""
        return f"{self.kind} {self.id}"

    def same_item(self, other: Naming) -> bool:
        """Whether another name tells of the same item."""
        return self.kind == other.kind and same_item(self.id, self.number, other.id, other.number)

    def __repr__(self) -> str:
        return f"Naming({self.source} {self.text!r}: {self.item})"


def same_item(one_id: str, one: int | None, other_id: str, other: int | None) -> bool:
    """Whether two ids of a kind are one item.

    Where a name gives the number alone, the number decides; `PERF-5` is `PERF-005`, and not `ARCH-005`.
    """
    if one is None or other is None:
        return one_id == other_id
    if one != other:
        return False
    return one_id.isdigit() or other_id.isdigit() or _around_number(one_id) == _around_number(other_id)


def _around_number(item_id: str) -> str:
    """An id without the digits of its number, in small letters."""
    return re.sub("[0-9]{1,18}(?=[^0-9]*$)", "", item_id).casefold()


def identity(fields: Mapping[str, str]) -> tuple[str, int | None]:
    """The id and number that a name's fields give; a kind without either goes by its slug."""
    if "id" in fields:
        return fields["id"], number_of(fields["id"])
    if "number" in fields:
        number = int(fields["number"])
        return str(number), number
    return fields.get("slug", ""), None


class Names:
    """The templates of every kind, ready to read names.

    Args:
        kinds: the policy's kinds by name.
    """

    def __init__(self, kinds: Mapping[str, WorkKind]) -> None:
        self._branches = [
            (name, "branch", kind.template("branch")) for name, kind in kinds.items() if kind.branch
        ]
        self._texts = [
            (name, key, kind.template(key))
            for name, kind in kinds.items()
            for key in ("commit", "pull_request")
            if getattr(kind, key)
        ]

    def read(
        self, source: str, text: str, *, commit: str | None = None, lenient: bool = True
    ) -> Naming | None:
        """The item that a name tells of.

        Args:
            source: `branch`, `commit`, `message` or `title`.
            text: the name; of a subject or title the suffix ` (#12)` of a squash merge is left out.
            commit: the commit whose subject it is.
            lenient: whether it is enough that the name resembles what a template makes.

        Raises:
            MissingFact: the templates of two kinds read it equally well. A policy with such templates is
                refused; only names that merely resemble both can still come to this.
        """
        templates = self._branches if source == "branch" else self._texts
        name = text if source == "branch" else without_number(text)
        for exact in (True, False) if lenient else (True,):
            found = [
                (template.literal, kind, key, fields)
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
                    raise MissingFact(
                        f"{text!r} is read equally well by work.{kind}.{key} and work.{other}.{other_key}; "
                        "give one of the two templates more literal text",
                        code="incomplete-policy",
                    )
            return Naming(source, text, kind=kind, fields=fields, exact=exact, commit=commit)
        return None

    def read_each(self, source: str, texts: Iterable[tuple[str, str | None]]) -> Iterator[Naming]:
        """The items that several names tell of; each is given with its commit."""
        for text, commit in texts:
            naming = self.read(source, text, commit=commit)
            if naming is not None:
                yield naming

    def words(self, kind: str) -> list[str]:
        """Texts of which one stands in every subject that reads back to an item of a kind."""
        return [
            max((part for part in template.parts if isinstance(part, str)), key=len, default="")
            for name, _, template in self._texts
            if name == kind
        ]


def without_number(subject: str) -> str:
    """A subject without the pull request's number that a squash merge puts behind it."""
    return _SQUASHED.sub("", subject)


def number_of(item_id: str) -> int | None:
    """The last number of an id; None where it has none."""
    digits = re.search("([0-9]{1,18})[^0-9]*$", item_id[-60:])
    return int(digits[1]) if digits else None


def normal_id(item_id: str) -> str:
    """An id with its numbers unpadded and in small letters, for comparison."""
    return re.sub("0+(?=[0-9])", _unpadded, item_id.casefold())


def _unpadded(zeros: re.Match[str]) -> str:
    """Zeros that pad a number, and not those within one."""
    before = zeros.string[zeros.start() - 1 : zeros.start()]
    return zeros[0] if before.isdigit() else ""
