"""Which entry of its kind's sources a name means, and the placeholders that the entry fills."""

from __future__ import annotations

from specguard.model import path_text
from specguard.work.item import Unresolved
from specguard.work.listed import scalars, slug_of
from specguard.work.path_templates import PathTemplate
from specguard.work.pointers import Pointer, Tried, same_id
from specguard.work.sources import find_sources
from specguard.work.templates import Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

    from specguard.change.tree import Documents
    from specguard.work.kinds import WorkKind
    from specguard.work.listed import Listed
    from specguard.work.sources import Source

LONGEST: Final = 500
"""A value of more characters is no part of a name."""

_IDENTITY: Final = frozenset({"id", "kind", "number"})


def find_listed(
    kind: str, settings: WorkKind, documents: Documents, item_id: str, told: Mapping[str, str]
) -> Listed | Unresolved:
    """The entry that a name means.

    Of several sources those are looked through whose own fields are what the name tells, so a branch
    `codex/phase-d-2-dedupe` means slice 2 of the file that says `phase: D`. Of several entries with one
    number that one is meant whose fields are what the name tells.

    Args:
        kind: the kind's name.
        settings: its table.
        documents: of the tree that the sources are read from.
        item_id: the id that is named.
        told: every field that names tell.

    Raises:
        MissingFact: the tree or a file cannot be read.
    """
    every = find_sources(kind, settings, documents, told)
    patterns = [PathTemplate(text).render(told) for text in settings.sources]
    places = " or ".join(patterns)
    if not every:
        return _nowhere(f"no file matches {places}", [Tried(text, "matches no file") for text in patterns])
    sources = _about(every, told)
    if not sources:
        tried = [Tried(path_text(source.path), "is about another one") for source in every]
        return _nowhere(f"no file that matches {places} is about {_told(every, told)}", tried)
    found = meant(sources, item_id, told)
    if len(found) == 1:
        return found[0]
    if found:
        where = " and ".join(f"{path_text(one.source.path)}:{one.line}" for one in found[:5])
        return _wrong(found[0].source, f"{len(found)} entries could be {kind} {item_id}: {where}")
    broken = next((source for source in sources if source.problem), None)
    if broken is not None:
        return _wrong(broken, f"{path_text(broken.path)} {broken.problem}")
    names = " and ".join(path_text(source.path) for source in sources[:3])
    return Unresolved(f"{names} has no {kind} {item_id}", pointer_of(sources[0]))


def meant(sources: Sequence[Source], item_id: str, told: Mapping[str, str]) -> list[Listed]:
    """The entries of several sources that a name could mean."""
    found = [listed for source in _about(sources, told) for listed in _named(source.items, item_id)]
    if len(found) > 1:
        found = [listed for listed in found if agree(scalars(listed.value), told)] or found
    return found


def pointer_of(source: Source, line: int | None = None, problem: str = "") -> Pointer:
    """A source as what an item was resolved by.

    Args:
        source: the source.
        line: the line of the item's entry.
        problem: what is wrong with it; empty where nothing is.
    """
    pointer = Pointer(path=source.path, tried=[Tried(path_text(source.path), "was read")], problem=problem)
    pointer.line = line
    return pointer


def fields_of(listed: Listed, told: Mapping[str, str]) -> dict[str, str]:
    """The placeholders that an entry, its file and the file's path fill, the latter before the former.

    A value that the name writes in other capitals is taken as it is written there.
    """
    source = listed.source
    found = {**source.fields, **scalars(listed.value)}
    for name in source.settings.fields:
        found[name] = listed.text(name) or found.get(name, "")
    found.update(source.given)
    return {
        name: told[name] if told.get(name, "").casefold() == text.casefold() else text
        for name, text in found.items()
        if text and len(text) <= LONGEST and not any(char < " " or char == "\x7f" for char in text)
    }


def spare_of(listed: Listed, told: Mapping[str, str]) -> dict[str, str]:
    """What stands in for placeholders that nothing else fills: what names tell, and the title as a slug."""
    settings = listed.source.settings
    texts = (settings.branch, settings.commit, settings.pull_request)
    slug = slug_of(listed.title) if any("slug" in Template(text).names for text in texts) else ""
    return {**({"slug": slug} if slug else {}), **told}


def spelt(listed: Listed, told: Mapping[str, str]) -> str:
    """The entry's id, as the name spells it where that differs in capitals alone and no template says how."""
    settings = listed.source.settings
    names = [settings.template(key) for key in ("branch", "commit", "pull_request")]
    if any(hole.name == "id" and (hole.lower or hole.upper) for name in names for hole in name.holes):
        return listed.id
    said = told.get("id", "")
    return said if said.casefold() == listed.id.casefold() else listed.id


def _about(sources: Sequence[Source], told: Mapping[str, str]) -> Sequence[Source]:
    """The sources whose own fields are what a name tells."""
    return [source for source in sources if agree(source.fields, told)]


def _named(items: Iterable[Listed], item_id: str) -> list[Listed]:
    """The items that an id means; of a number alone, those whose id ends in it go before others."""
    items = list(items)
    exact = [listed for listed in items if listed.is_named(item_id)]
    if exact or not (item_id.isascii() and item_id.isdigit()):
        return exact
    numbered = [listed for listed in items if listed.number == int(item_id)]
    return [listed for listed in numbered if listed.id[-1].isdigit()] or numbered


def agree(fields: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Whether fields are what a name tells, as far as both have them; case and padding do not count.

    Args:
        fields: those of an entry or of its source.
        told: those that a name tells; id, kind and number are compared elsewhere.
    """
    return all(
        name in _IDENTITY
        or name not in fields
        or fields[name].casefold() == text.casefold()
        or same_id(fields[name], text)
        for name, text in told.items()
    )


def _told(sources: Sequence[Source], told: Mapping[str, str]) -> str:
    known = {name for source in sources for name in source.fields} - _IDENTITY
    return " and ".join(f"{name} {text!r}" for name, text in told.items() if name in known)


def _nowhere(problem: str, tried: Sequence[Tried]) -> Unresolved:
    return Unresolved(problem, Pointer(path=None, tried=tried, problem=problem))


def _wrong(source: Source, problem: str) -> Unresolved:
    return Unresolved(problem, pointer_of(source, problem=problem))
