"""The waves of a status: each stage, what it lacks, and what opens next."""

from __future__ import annotations

from specguard.engine.status.telling import missing
from specguard.errors import SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from specguard.engine.status.telling import Telling
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.stage import StageState, Wave


def waves_asked_for(telling: Telling, wanted: Sequence[str]) -> list[Wave]:
    """The waves that are asked for, by what tells them apart; all where none is.

    Raises:
        SpecguardError: one that is asked for is not there.
    """
    waves = telling.fact("waves")
    found: list[Wave] = telling.told(lambda: list(waves.all), []) if waves is not None else []
    names = {wave.key: {" ".join(wave.key), wave.name} for wave in found}
    for one in wanted:
        if not any(one.casefold() in known for known in names.values()):
            there = ", ".join(" ".join(wave.key) for wave in found)
            raise SpecguardError(
                f"there is no wave {one!r}",
                help=f"there is {there}" if there else "no wave has begun",
                code="unknown-name",
            )
    asked = {one.casefold() for one in wanted}
    return [wave for wave in found if not asked or asked & names[wave.key]]


def wave_data(wave: Wave) -> dict[str, Any]:
    """A wave as the report has it.

    Raises:
        MissingFact: something that must be read is not there.
    """
    current = wave.current
    return {
        "name": wave.name,
        "fields": dict(wave.fields),
        "complete": wave.complete,
        "stage": current.name if current else None,
        "stages": [
            {
                "name": stage.name,
                "state": stage.state,
                "missing": list(_missing_of(stage)),
                "artifacts": [path_text(artifact.path) for artifact in stage.artifacts],
            }
            for stage in wave.stages
        ],
    }


def missing_of_waves(waves: Sequence[Wave]) -> list[dict[str, Any]]:
    """All that stands between waves and their completion.

    Raises:
        MissingFact: something that must be read is not there.
    """
    return [one for wave in waves for stage in wave.stages for one in _missing_of(stage)]


def undisposed(telling: Telling, waves: Sequence[Wave]) -> list[dict[str, Any]]:
    """The conditional items that are neither done nor put off in a readiness document.

    Raises:
        MissingFact: something that must be read is not there.
    """
    breakdowns: Breakdowns | None = telling.fact("breakdowns")
    if breakdowns is None or not waves:
        return []
    names = {wave.key: wave.name for wave in waves}
    found = []
    for finding in breakdowns.undisposed(telling.readiness, "readiness"):
        path = finding.path or b""
        artifact = breakdowns.artifacts.at(path) if breakdowns.artifacts is not None else None
        key = waves[0].waves.key_at(path, artifact.fields if artifact else {})
        if key in names:
            found.append(missing(finding.message, path=path, line=finding.line, wave=names[key]))
    return found


def next_stages(waves: Sequence[Wave]) -> Iterator[str]:
    """What is to be completed now, and what opens then.

    Raises:
        MissingFact: something that must be read is not there.
    """
    for wave in waves:
        for stage in wave.stages:
            if stage.needed and stage.open and not stage.complete:
                opens = [later.name for later in wave.stages if _waits_for_it_alone(later, stage)]
                verb = "opens" if len(opens) == 1 else "open"
                then = f"; then {' and '.join(opens)} {verb}" if opens else ""
                yield f"complete the stage {stage.name} of {wave.name}{then}"


def _missing_of(stage: StageState) -> Iterator[dict[str, Any]]:
    for one in stage.missing if stage.needed else ():
        yield missing(one.what, path=one.path, line=one.line, wave=stage.wave.name, stage=stage.name)


def _waits_for_it_alone(later: StageState, stage: StageState) -> bool:
    return later.needed and [one.name for one in later.waits_for] == [stage.name]
