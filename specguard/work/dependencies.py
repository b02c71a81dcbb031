"""The dependencies among listed items or tasks: those that are unknown or circular, and early starts."""

from __future__ import annotations

from specguard.model import TYPE_CHECKING, shortened
from specguard.work.kinds import normal_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeVar

    _Node = TypeVar("_Node")
    _Place = TypeVar("_Place")


def dependency_flaws(
    needs: Sequence[tuple[str, str, Sequence[tuple[_Place, str]]]], plural: str
) -> Iterator[tuple[int, _Place, str, str, str]]:
    """Yield the dependencies on an unlisted item, on the item itself, or in a circle.

    Args:
        needs: each item's name, id, and dependencies; a dependency has its place and its text.
        plural: the plural noun for the items.

    Yields:
        The position of the item, the place of its dependency, the problem, the next step, and the finding's
        key.
    """
    ids = {normal_id(one): at for at, (_, one, _) in reversed(list(enumerate(needs))) if one}
    graph: list[dict[int, _Place]] = [{} for _ in needs]
    for at, (item, _, wanted) in enumerate(needs):
        for place, text in wanted:
            needed = ids.get(normal_id(text))
            if needed is None:
                message = f"{item} needs {shortened(text)!r}, which is not listed"
                yield at, place, message, "Name one that is listed, or take it out.", f"unknown:{text}"
            elif needed == at:
                yield at, place, f"{item} needs itself", "Take it out.", "self"
            else:
                graph[at].setdefault(needed, place)
    for first, *others in find_circles(dict(enumerate(map(list, graph)))):
        circle = [needs[at][1] for at in (first, *others)]
        message = f"{plural} need each other in a circle: {format_circle(circle)}"
        step = "Take out the dependency that is not one."
        yield first, graph[first][others[0]], message, step, f"circle:{min(circle)}"


def early_start(item: str, why: str, needed: str, status: str, how: str = "first") -> tuple[str, str]:
    """Return the problem of an item that was begun before a dependency was done, and the next step."""
    state = f"is {status}" if status else "has no status"
    step = f"Finish {needed} {how}, or take it out of what {item} needs if that is a mistake."
    return f"{item} {why}, and needs {needed}, which {state}", step


def find_circles(graph: Mapping[_Node, Sequence[_Node]]) -> Iterator[Sequence[_Node]]:
    """Yield circles of a graph, each from the node on that comes first in the graph.

    No node is in two circles. A strongly connected part of several nodes has at least one circle. A node with
    an edge to itself does not count as a circle.

    Args:
        graph: the successors of each node.
    """
    finished: set[_Node] = set()
    order = {node: at for at, node in enumerate(graph)}
    for root in graph:
        path = [] if root in finished else [root]
        successors = {node: iter(graph[node]) for node in path}
        while path:
            node = next(successors[path[-1]], None)
            if node is None:
                finished.add(path.pop())
            elif node not in finished and node not in successors:
                path.append(node)
                successors[node] = iter(graph[node])
            elif node not in finished and node != path[-1]:
                circle = path[path.index(node) :]
                del path[-len(circle) :]
                finished.update(circle)
                first = circle.index(min(circle, key=order.__getitem__))
                yield [*circle[first:], *circle[:first]]


def format_circle(names: Sequence[str]) -> str:
    """Return a circle for a message: `a -> b -> a`."""
    return shortened(" -> ".join([*names, names[0]]), 200)
