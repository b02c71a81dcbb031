"""What shows that something is done: the runs that it names, and how much they prove."""

from __future__ import annotations

from specguard.documents.fields import normal_name
from specguard.documents.written_paths import plain_path
from specguard.runs.record import reaches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    from specguard.declaration.patterns import Selecting
    from specguard.runs.record import RunRecord
    from specguard.runs.records import RunRecords

_CODE: Final = frozenset({"exitcode", "code", "returncode"})
_WHO: Final = frozenset({"by", "verifiedby", "who", "person"})
_WHEN: Final = frozenset({"at", "verifiedat", "date", "when"})


def texts_in(value: object) -> Iterator[str]:
    """Every text of some data."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, str):
        yield value


def cited_manifests(
    names: Iterable[str], beside: bytes, patterns: Selecting | None, records: RunRecords
) -> list[bytes]:
    """The paths of manifests that texts name, from the root or from a document's own folder.

    Args:
        names: the texts.
        beside: the document.
        patterns: which manifests count; None: all.
        records: the runs.

    Returns:
        Those below the folder of runs, from the repository's root; none of them need be there.
    """
    folder = beside.rpartition(b"/")[0]
    found: dict[bytes, None] = {}
    for name in dict.fromkeys(names):
        written = name.strip().encode("utf-8", "surrogateescape")
        if not written or written.startswith(b"/") or b"\n" in written:
            continue
        for place in dict.fromkeys(map(plain_path, (written, folder + b"/" + written))):
            if place is None or not place.startswith(records.settings.folder):
                continue
            if patterns is None or patterns.find(place) is not None:
                found[place if place.endswith(b".json") else place + b"/manifest.json"] = None
    return list(found)


def manifests_in(
    names: Iterable[str], beside: bytes, patterns: Selecting | None, records: RunRecords
) -> list[RunRecord]:
    """The runs whose manifests are named by texts; see `cited_manifests`.

    Raises:
        MissingFact: one of them cannot be seen from here.
    """
    found: dict[bytes, RunRecord] = {}
    for path in cited_manifests(names, beside, patterns, records):
        run = records.at(path)
        if run is not None:
            found[run.folder] = run
    return list(found.values())


def best(runs: Iterable[RunRecord], claimed: str) -> str:
    """The best grade of the runs that succeeded, or what is claimed beside them; empty: there is none."""
    grade = claimed
    for run in runs:
        if run.succeeded and (not grade or reaches(run.grade, grade)):
            grade = run.grade
    return grade


def spoken_for(value: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether an entry itself claims that commands ended well, and whether a person verified it by hand."""
    claimed = by_hand = False
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        if not isinstance(one, dict):
            continue
        names = {normal_name(key): said for key, said in one.items()}
        claimed = claimed or any(
            said == 0 and said is not False for key, said in names.items() if key in _CODE
        )
        who = any(said for key, said in names.items() if key in _WHO)
        by_hand = by_hand or (who and any(said for key, said in names.items() if key in _WHEN))
        waiting += one.values()
    return claimed, by_hand
