"""What shows that something is done: the runs that it names, and how much they prove."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from specguard.rules import RunRecord, RunRecords, Selecting

_CODE: Final = frozenset({"exitcode", "code", "returncode"})
_WHO: Final = frozenset({"by", "verifiedby", "who", "person"})
_WHEN: Final = frozenset({"at", "verifiedat", "date", "when"})


def manifests_in(
    names: Iterable[str], beside: bytes, patterns: Selecting | None, records: RunRecords
) -> list[RunRecord]:
    """The runs whose manifests are named by texts, from the root or from a document's own folder.

    Args:
        names: the texts.
        beside: the document.
        patterns: which manifests count; None: all.
        records: the runs.

    Raises:
        MissingFact: one of them cannot be seen from here.
    """
    from specguard.rules import plain_path

    folder = beside.rpartition(b"/")[0]
    found: dict[bytes, RunRecord] = {}
    for name in dict.fromkeys(names):
        written = name.strip().encode("utf-8", "surrogateescape")
        if not written or written.startswith(b"/") or b"\n" in written:
            continue
        for place in dict.fromkeys(map(plain_path, (written, folder + b"/" + written))):
            if place is None or not place.startswith(records.settings.folder):
                continue
            if patterns is not None and patterns.find(place) is None:
                continue
            run = records.at(place if place.endswith(b".json") else place + b"/manifest.json")
            if run is not None:
                found[run.folder] = run
    return list(found.values())


def best(runs: Iterable[RunRecord], claimed: str) -> str:
    """The best grade of the runs that succeeded, or what is claimed beside them; empty: there is none."""
    from specguard.rules import reaches

    grade = claimed
    for run in runs:
        if run.succeeded and (not grade or reaches(run.grade, grade)):
            grade = run.grade
    return grade


def spoken_for(value: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether an entry itself claims that commands ended well, and whether a person verified it by hand."""
    from specguard.rules import normal_name

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
