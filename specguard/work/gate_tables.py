"""Gates in the front matter of a document: `gates`, a list of commands or of tables as in the policy."""

from __future__ import annotations

import re

from specguard.declaration.patterns import Covering, PatternError
from specguard.work.gates import NotRead, PlannedGate, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from specguard.documents.data import Data

_TIMEOUT: Final = re.compile("[1-9][0-9]*[smh]")
_KEYS: Final = ("name", "run", "when", "on", "each", "kind", "timeout", "wrapper")
_CHANGES: Final = ("added", "modified", "deleted")
_KINDS: Final = ("gate", "format", "teardown")


def front_matter_gates(properties: Data) -> Iterator[PlannedGate | NotRead]:
    """The gates of a front matter.

    Args:
        properties: the front matter.

    Returns:
        The gates, and what is wrong with them: an entry without a command is none, and a setting that is not
        understood is left at what makes the gate run.
    """
    if properties.problem is not None:
        yield NotRead(properties.problem.line or 1, "front matter", properties.problem.message)
        return
    value = properties.value.get("gates") if isinstance(properties.value, dict) else None
    if value is None:
        return
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        entries = [(("gates", key), _of_pair(key, one)) for key, one in value.items()]
    elif isinstance(value, list):
        entries = [(("gates", number), one) for number, one in enumerate(value)]
    else:
        yield NotRead(properties.line(("gates",)) or 1, f"gates: {value}", "it is no list")
        return
    for path, entry in entries:
        yield from _gate(entry, properties.line(path) or 1)


def _of_pair(name: str, value: Any) -> Any:
    """An entry of a mapping of names to commands or tables."""
    if isinstance(value, str):
        return {"name": name, "run": value}
    return {"name": name, **value} if isinstance(value, dict) else value


def _gate(entry: Any, line: int) -> Iterator[PlannedGate | NotRead]:
    if isinstance(entry, str):
        entry = {"run": entry}
    run = entry.get("run") if isinstance(entry, dict) else None
    if not isinstance(run, str) or not run.strip():
        yield NotRead(line, str(entry), "it has no command, as `run`")
        return
    values: dict[str, Any] = {}
    for key, value in entry.items():
        read = _setting(key, value)
        if read is None:
            why = "it is no setting of a gate" if key not in _KEYS else "it is not understood, and left out"
            yield NotRead(line, f"{key}: {value}", why)
        else:
            values[key] = read
    values.setdefault("name", name_of(run))
    values.setdefault("each", "{file}" in run)
    yield PlannedGate(source="document", line=line, **values)


def _setting(key: str, value: Any) -> Any:
    """The value of a setting as gates have it; None where it is not understood."""
    texts = [value] if isinstance(value, str) else value
    listed = isinstance(texts, list) and all(isinstance(one, str) for one in texts)
    if key in ("name", "run"):
        return value.strip() if isinstance(value, str) and value.strip() else None
    if key == "when" and listed:
        try:
            return Covering(texts)
        except PatternError:
            return None
    if key == "on" and listed and texts and all(one in _CHANGES for one in texts):
        return tuple(texts)
    if key == "each" and (isinstance(value, bool) or value in ("true", "false")):
        return value in (True, "true")
    if key == "kind" and value in _KINDS:
        return value
    if key == "timeout" and isinstance(value, str) and _TIMEOUT.fullmatch(value):
        return value
    if key == "wrapper" and isinstance(value, list) and listed:
        return tuple(value)
    return None
