"""The papers of a plan, told from paths alone: pointers, documents, indexes, lists, artifacts."""

from __future__ import annotations

from specguard.declaration.patterns import Selecting
from specguard.work.path_templates import PathTemplate, escape
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, Literal

    from specguard.work.kinds import WorkKind

    Role = Literal["pointer", "document", "index", "list", "artifact"]

# A path that is several of these is the first.
_ROLES: Final[Mapping[str, Role]] = {
    "pointer": "pointer",
    "siblings": "document",
    "document": "document",
    "legacy": "document",
    "index": "index",
    "source": "list",
}


class Paper:
    """What a path is in the plan.

    Attributes:
        kind: the name of the kind of work items; of an artifact that of its contract.
        role: `pointer`, `document`, `index`, `list` for a file that lists items, or `artifact`.
        setting: the key of the setting that says so, for a citation.
        text: the template, as the policy has it.
    """

    __slots__ = ("kind", "role", "setting", "text")

    def __init__(self, kind: str, role: Role, setting: str, text: str) -> None:
        self.kind = kind
        self.role = role
        self.setting = setting
        self.text = text

    def __repr__(self) -> str:
        return f"Paper({self.setting})"


class Papers:
    """Where the papers of each kind can be, whichever item they are of.

    Args:
        kinds: the policy's kinds by name.
        artifacts: where a wave's artifacts are: a template by the name of its contract.
    """

    def __init__(self, kinds: Mapping[str, WorkKind], artifacts: Mapping[str, str] | None = None) -> None:
        found = [
            (Paper(name, role, f"work.{name}.{field}.{index}", text), pattern)
            for field, role in _ROLES.items()
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
        """Of these paths those that are papers, each with what it is first."""
        return {paths[at]: self._papers[which] for at, which in self._patterns.find_each(paths)}

    def at(self, path: bytes) -> list[Paper]:
        """Everything that one path is."""
        return [self._papers[which] for _, found in self._patterns.find_all([path]) for which in found]


def _pattern(field: str, text: str) -> str:
    """The pattern of every path that a setting could mean; empty where that is any path."""
    if field == "pointer":
        return escape(text)
    if field == "source":
        return PathTemplate(text).render({})
    template = Template(text)
    return template.render(dict.fromkeys(template.names, "*")) if template.literal else ""
