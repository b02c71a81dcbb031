"""What is wrong with files that list work items: their shape, and what their items need of each other."""

from __future__ import annotations

from specguard.documents.content import owes
from specguard.model import Finding, path_text, shortened
from specguard.work.kinds import normal_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.work.sources import Listed, Source, Sources


def flaws(source: Source) -> Iterator[Finding]:
    """What is wrong with the shape of a source and its entries.

    Raises:
        MissingFact: the file is not there.
    """
    place = path_text(source.path)
    setting = f"work.{source.kind}.source"
    if source.problem:
        yield Finding(
            f"{place} {source.problem}",
            help=f"Let it list the {source.kind}s, each with its id.",
            path=source.path,
            line=source.line(()),
            key="unread",
            setting=setting,
        )
        return
    for line, problem in source.malformed:
        yield Finding(
            f"{place} lists a {source.kind} that {problem}",
            help="Give it an id.",
            path=source.path,
            line=line,
            key=f"malformed {problem}",
            setting=setting,
        )
    if not source.items:
        yield Finding(
            f"{place} lists no {source.kind}",
            help=f"List the {source.kind}s, each with its id.",
            path=source.path,
            key="empty",
            setting=setting,
        )
    seen: dict[str, Listed] = {}
    for item in source.items:
        first = seen.setdefault(normal_id(item.id), item)
        if first is not item:
            yield Finding(
                f"{item} is listed twice, in line {first.line} and here",
                help="Give one of the two another id.",
                path=source.path,
                line=item.line,
                key=f"twice {item.id}",
                setting=setting,
            )
        yield from _lacking(item)


def _lacking(item: Listed) -> Iterator[Finding]:
    """The fields that an entry must have and lacks; what stands at the top of the file is said of all."""
    source = item.source
    for which, name in enumerate(source.settings.required):
        value = item.get(name)
        value = source.top(name) if value is None else value
        if name == "depends_on" and isinstance(value, list):
            continue
        if not _says(value):
            why = "has no" if value is None or value in ("", []) else "owes its"
            yield Finding(
                f"{item} {why} {name}",
                help="Add it to the entry."
                + (" `[]` says that it needs nothing." if name == "depends_on" else ""),
                path=source.path,
                line=item.line,
                key=f"{item.id} {name}",
                setting=f"work.{source.kind}.required.{which}",
            )


def _says(value: Any) -> bool:
    """Whether a value says something: no placeholder, and not nothing."""
    if isinstance(value, str):
        return bool(value.strip()) and not owes(value)
    if isinstance(value, (list, dict)):
        inner = list(value.values()) if isinstance(value, dict) else value
        return any(_says(one) for one in inner)
    return value is not None


def broken(source: Source, sources: Sources) -> Iterator[Finding]:
    """What is wrong with what the items of a source need: unknown ids, circles, and what was done too early.

    Raises:
        MissingFact: something that must be read is not there.
    """
    setting = f"work.{source.kind}.source"
    items = list(source.items)
    graph: dict[int, list[int]] = {}
    places: dict[str, int] = {}
    for position, item in enumerate(items):
        places.setdefault(normal_id(item.id), position)
    for position, item in enumerate(items):
        graph[position] = []
        for need in item.depends_on:
            if owes(need.text):
                continue
            needed = places.get(normal_id(need.text))
            if needed is None:
                yield Finding(
                    f"{item} needs {shortened(need.text)!r}, which {path_text(source.path)} does not list",
                    help="Name one that is listed, or take it out.",
                    path=source.path,
                    line=need.line,
                    key=f"{item.id}:unknown:{need.text[:60]}",
                    setting=setting,
                )
            elif needed == position:
                yield Finding(
                    f"{item} needs itself",
                    help="Take it out.",
                    path=source.path,
                    line=need.line,
                    key=f"{item.id}:self",
                    setting=setting,
                )
            else:
                graph[position].append(needed)
    for circle in circles_of(graph):
        first = items[circle[0]]
        yield Finding(
            f"{source.kind}s need each other in a circle: {way_round([items[at].id for at in circle])}",
            help="Take out the dependency that is not one.",
            path=source.path,
            line=next((need.line for need in first.depends_on), first.line),
            key=f"circle:{min(items[at].id for at in circle)}",
            setting=setting,
        )
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
        yield Finding(
            f"{item} {said or f'is {item.status}'}, and needs {other.id}, which {status}",
            help=f"Finish {other.id} first, or take it out of what {item.id} needs if that is a mistake.",
            path=item.source.path,
            line=item.line,
            key=f"{item.id}:early:{other.id}",
            setting=f"work.{item.source.kind}.closed",
        )


SHOWN: Final = 12
"""How many members of a circle a message names before it cuts the middle out."""


def circles_of(graph: Mapping[int, Sequence[int]]) -> Iterator[Sequence[int]]:
    """The circles of a graph: of each knot of nodes the shortest through its first one.

    A node that leads to itself is no circle here.

    Args:
        graph: of each node those that it leads to.
    """
    for knot in _knots(graph):
        yield _shortest(graph, min(knot), set(knot))


def way_round(names: Sequence[str]) -> str:
    """A circle for a message: `a -> b -> a`."""
    way = [*names, names[0]]
    if len(way) > SHOWN:
        left_out = len(way) - SHOWN
        way[SHOWN // 2 : -SHOWN // 2] = [f"... {left_out} more ..."]
    return " -> ".join(way)


def _shortest(graph: Mapping[int, Sequence[int]], first: int, within: set[int]) -> list[int]:
    """The shortest way from a node back to itself, without the return."""
    came: dict[int, int] = {}
    waiting = [first]
    for here in waiting:
        for there in graph[here]:
            if there == first:
                way = [here]
                while way[-1] != first:
                    way.append(came[way[-1]])
                return way[::-1]
            if there in within and there not in came:
                came[there] = here
                waiting.append(there)
    return [first]


def _knots(graph: Mapping[int, Sequence[int]]) -> Iterator[Sequence[int]]:
    """The strongly connected parts of several nodes, by Tarjan's algorithm without recursion."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    held: set[int] = set()
    for root in graph:
        if root in order:
            continue
        work = [(root, iter(graph[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        held.add(root)
        while work:
            node, following = work[-1]
            deeper = False
            for there in following:
                if there not in order:
                    order[there] = low[there] = len(order)
                    stack.append(there)
                    held.add(there)
                    work.append((there, iter(graph[there])))
                    deeper = True
                    break
                if there in held:
                    low[node] = min(low[node], order[there])
            if deeper:
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == order[node]:
                knot = []
                while True:
                    member = stack.pop()
                    held.discard(member)
                    knot.append(member)
                    if member == node:
                        break
                if len(knot) > 1:
                    yield knot
