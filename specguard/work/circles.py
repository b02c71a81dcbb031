"""Circles in which things need each other."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

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
