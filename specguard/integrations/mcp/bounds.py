"""How much one answer holds: a model's context is small, and a change may have thousands of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from specguard.reporters.escape import cut, json_text
from specguard.reporters.json import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST: Final = 60_000
"""How many characters of JSON one answer has; clients warn of, or cut, what is longer."""

LONGEST_PAGE: Final = 1_000_000
"""How many characters of one document are given as a resource."""

_STEPS: Final = (
    (1 << 30, 1 << 30),
    (1_000, 40_000),
    (300, 10_000),
    (100, 2_000),
    (50, 1_000),
    (20, 500),
    (10, 300),
    (3, 200),
    (1, 100),
    (0, 50),
)
"""How many elements of each list, and characters of each text, are kept: the first at which all fits."""

_MOST_TOLD: Final = 20
_LEFT_OUT: Final = "left_out"


def bounded(data: Mapping[str, Any], most: int = MOST) -> dict[str, Any]:
    """An answer of a bounded size, whose texts can be written as UTF-8.

    Args:
        data: the answer, as JSON can hold it.
        most: how many characters it may have as JSON.

    Returns:
        The answer; where lists had to be shortened, with `left_out`: how many elements each lacks.
    """
    shown: dict[str, Any] = {}
    for elements, characters in _STEPS:
        left: dict[str, int] = {}
        shown = _shortened(data, elements, characters, "", left)
        if left:
            shown[_LEFT_OUT] = dict(list(left.items())[:_MOST_TOLD])
        if len(json_text(shown, indent=None)) <= most:
            break
    return shown


def _shortened(value: Any, elements: int, characters: int, place: str, left: dict[str, int]) -> Any:
    """A value whose lists have so many elements at most, and its texts so many characters."""
    if isinstance(value, str):
        return cut(plain(value), characters)
    if isinstance(value, dict):
        kept = list(value.items())
        if place and len(kept) > max(elements, _MOST_TOLD):
            left[place] = left.get(place, 0) + len(kept) - max(elements, _MOST_TOLD)
            kept = kept[: max(elements, _MOST_TOLD)]
        return {
            cut(plain(str(name)), characters): _shortened(
                inner, elements, characters, f"{place}.{cut(plain(str(name)), 50)}".lstrip("."), left
            )
            for name, inner in kept
        }
    if isinstance(value, list | tuple):
        if len(value) > elements:
            left[place] = left.get(place, 0) + len(value) - elements
        return [_shortened(inner, elements, characters, f"{place}[]", left) for inner in value[:elements]]
    return value
