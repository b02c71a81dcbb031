"""What is wrong with files that list work items: their shape, and what their items need of each other."""

from __future__ import annotations

from specguard.documents.content import owes
from specguard.documents.fields import elements
from specguard.model import Finding, path_text, shortened
from specguard.work.kinds import normal_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.work.sources import Listed, Source, Sources


def _finding(
    source: Source, message: str, help: str, key: str, line: int | None = None, setting: str = "source"
) -> Finding:
    setting = f"work.{source.kind}.{setting}"
    return Finding(message, help=help, path=source.path, line=line, key=key, setting=setting)


def flaws(source: Source) -> Iterator[Finding]:
    """What is wrong with the shape of a source and its entries.

    Raises:
        MissingFact: the file is not there.
    """
    place, kind = path_text(source.path), source.kind
    step = f"Let it list the {kind}s, each with its id."
    if source.problem:
        yield _finding(source, f"{place} {source.problem}", step, "unread", source.data.line())
        return
    for line, problem in source.malformed:
        said = f"{place} lists a {kind} that {problem}"
        yield _finding(source, said, "Give it an id.", f"malformed {problem}", line)
    if not source.items:
        yield _finding(source, f"{place} lists no {kind}", f"List the {kind}s, each with its id.", "empty")
    seen: dict[str, Listed] = {}
    for item in source.items:
        first = seen.setdefault(normal_id(item.id), item)
        if first is not item:
            said, step = (
                f"{item} is listed twice, in line {first.line} and here",
                "Give one of the two another id.",
            )
            yield _finding(source, said, step, f"twice {item.id}", item.line)
        yield from _lacking(item)


def _lacking(item: Listed) -> Iterator[Finding]:
    """The fields that an entry must have and lacks; what stands at the top of the file is said of all."""
    source = item.source
    for which, name in enumerate(source.settings.required):
        value = item.get(name)
        value = source.top(name) if value is None else value
        if _says(value) or (name == "depends_on" and isinstance(value, list)):
            continue
        said = f"{item} {'has no' if value is None or value in ('', []) else 'owes its'} {name}"
        step = "Add it to the entry." + (" `[]` says that it needs nothing." if name == "depends_on" else "")
        yield _finding(source, said, step, f"{item.id} {name}", item.line, f"required.{which}")


def _says(value: Any) -> bool:
    """Whether a value says something: no placeholder, and not nothing."""
    if isinstance(value, (list, dict)):
        return any(_says(one) for _, one in elements(value))
    return bool(value.strip()) and not owes(value) if isinstance(value, str) else value is not None


def broken(source: Source, sources: Sources) -> Iterator[Finding]:
    """What is wrong with what the items of a source need: unknown ids, circles, and what was done too early.

    Raises:
        MissingFact: something that must be read is not there.
    """
    items = list(source.items)
    places = {normal_id(item.id): at for at, item in reversed(list(enumerate(items)))}
    graph: dict[int, list[int]] = {}
    for position, item in enumerate(items):
        graph[position] = []
        for need in item.depends_on:
            needed = places.get(normal_id(need.text))
            if needed is None and not owes(need.text):
                said = f"{item} needs {shortened(need.text)!r}, which {path_text(source.path)} does not list"
                key = f"{item.id}:unknown:{need.text[:60]}"
                yield _finding(source, said, "Name one that is listed, or take it out.", key, need.line)
            elif needed == position:
                yield _finding(source, f"{item} needs itself", "Take it out.", f"{item.id}:self", need.line)
            elif needed is not None:
                graph[position].append(needed)
    for circle in circles_of(graph):
        ids = [items[at].id for at in circle]
        first = items[circle[0]]
        line = next((need.line for need in first.depends_on), first.line)
        said = f"{source.kind}s need each other in a circle: {way_round(ids)}"
        yield _finding(source, said, "Take out the dependency that is not one.", f"circle:{min(ids)}", line)
    for position, item in enumerate(items):
        if item.closed:
            yield from _too_early(item, [items[at] for at in graph[position]], sources)


def too_early(item: Listed, sources: Sources) -> Iterator[Finding]:
    """What an item that a change is for needs and is not done.

    Raises:
        MissingFact: the history cannot be read.
    """
    needs = {normal_id(need.text) for need in item.depends_on}
    needed = [one for one in item.source.items if normal_id(one.id) in needs and one is not item]
    return _too_early(item, needed, sources, "is what the change is for")


def _too_early(item: Listed, needed: list[Listed], sources: Sources, said: str = "") -> Iterator[Finding]:
    for other in needed:
        if other.deferred or other.conditional or sources.done(other):
            continue
        status = f"is {sources.status_of(other)}" if other.status else "has no status"
        yield _finding(
            item.source,
            f"{item} {said or f'is {item.status}'}, and needs {other.id}, which {status}",
            f"Finish {other.id} first, or take it out of what {item.id} needs if that is a mistake.",
            f"{item.id}:early:{other.id}",
            item.line,
            "closed",
        )


SHOWN: Final = 12
"""How many members of a circle a message names before it cuts the middle out."""


def circles_of(graph: Mapping[int, Sequence[int]]) -> Iterator[Sequence[int]]:
    """Circles of a graph, each from its first node on; no node is in two, and of each knot there is one.

    A node that leads to itself is no circle here.

    Args:
        graph: of each node those that it leads to.
    """
    left: set[int] = set()
    for root in graph:
        way = [] if root in left else [root]
        ahead = {node: iter(graph[node]) for node in way}
        while way:
            there = next(ahead[way[-1]], None)
            if there is None:
                left.add(way.pop())
            elif there not in left and there not in ahead:
                way.append(there)
                ahead[there] = iter(graph[there])
            elif there not in left and there != way[-1]:
                circle = way[way.index(there) :]
                del way[-len(circle) :]
                left.update(circle)
                yield _shortest(circle, graph)


def _shortest(circle: Sequence[int], graph: Mapping[int, Sequence[int]]) -> Sequence[int]:
    """A circle from its first node on, without the nodes that an edge passes over."""
    begin = circle.index(min(circle))
    nodes = [*circle[begin:], *circle[:begin]]
    place = {node: at for at, node in enumerate(nodes)}
    way = nodes[:1]
    while len(way) == 1 or nodes[0] not in graph[way[-1]]:
        way.append(nodes[max(place.get(there, 0) for there in graph[way[-1]])])
    return way


def way_round(names: Sequence[str]) -> str:
    """A circle for a message: `a -> b -> a`."""
    way = [*names, names[0]]
    if len(way) > SHOWN:
        left_out = len(way) - SHOWN
        way[SHOWN // 2 : -SHOWN // 2] = [f"... {left_out} more ..."]
    return " -> ".join(way)
