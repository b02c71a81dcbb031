"""Nested authorities: what the document of a folder may say, and how it is read from that folder."""

from __future__ import annotations

from specguard.authority.layers import SettingProblem
from specguard.declaration.patterns import Guarding, PatternError
from specguard.documents.data import dotted
from specguard.model import Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.layers import Layer, Merged
    from specguard.authority.policy import Unread
    from specguard.documents.toml import KeyPath

MEANINGS: Final = ("locked-path", "forbidden-path")
"""What a nested authority's sections may list, and the rules whose `paths` it may add to."""

_GUARDS: Final = frozenset(("rules", name, "paths") for name in MEANINGS)
_SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "*?[]\\!# "})


def scope(layer: Layer, folder: str, above: Merged, named: Origin) -> Iterator[SettingProblem]:
    """Let the patterns of a layer begin at its folder, and tell what else it has.

    Args:
        layer: settings of a nested authority; its patterns are altered.
        folder: the folder that it lies in.
        above: the settings of the authority above it.
        named: where that names the folder.
    """
    for path, value in _settings({**layer.data, **layer.tests}):
        origin = layer.origin(path)
        if path not in _GUARDS:
            message = f"`{dotted(path)}` stands in a nested authority, which may only lock and forbid paths"
            yield SettingProblem(
                message, origin, f"say it where it holds for all: {above.origins.get(path, named)}"
            )
        elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            yield SettingProblem(f"`{dotted(path)}` must be a list of strings", origin)
        else:
            for index, pattern in enumerate(value):
                problem = _problem(pattern, folder)
                if problem:
                    yield SettingProblem(problem, layer.origin((*path, index)), _from(folder, named))
                value[index] = f"{folder.translate(_SPECIAL)}/{pattern}"


def beyond(unread: Sequence[Unread], folder: str, named: Origin) -> Iterator[SettingProblem]:
    """Tell the items of sections that name a folder above theirs; of prose no more is certain."""
    for one in unread:
        if one.meaning in MEANINGS and "'..'" in one.reason:
            said = f"the item {one.text!r} reaches beyond {folder}/"
            yield SettingProblem(said, Origin(one.path, one.line), _from(folder, named))


def _from(folder: str, named: Origin) -> str:
    return f"write it from {folder}/, which is all that {named} lets it guard"


def _settings(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Each setting with its key; a table that is empty counts as one."""
    for key, value in data.items():
        for name, inner in value.items() if isinstance(value, dict) and value else [("", value)]:
            if key == "rules" and isinstance(inner, dict) and inner:
                yield from (((key, name, field), one) for field, one in inner.items())
            else:
                yield ((key, name) if name else (key,)), inner


def _problem(pattern: str, folder: str) -> str:
    """Why a pattern is none from a folder; empty where it is one."""
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return f"the pattern {pattern!r} reaches beyond {folder}/"
    try:
        Guarding.translate(pattern)
        Guarding.translate(f"{folder.translate(_SPECIAL)}/{pattern}")
    except PatternError as error:
        return str(error)
    return ""
