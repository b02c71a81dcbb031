"""The times of an artifact's entries: that they are there, in order, and past."""

from __future__ import annotations

from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.documents.dates import Stamp, Times


def unordered_timestamps(artifact: Artifact) -> Iterator[Finding]:
    """What is wrong with the times of an artifact's entries.

    Raises:
        MissingFact: the artifact's object is not there.
    """
    from specguard.documents.dates import as_utc, read_times

    contract = artifact.contract
    if not contract.timestamps:
        return
    times = read_times(artifact.document)
    setting = artifact.setting("timestamps")
    if not times.stamps:
        yield _without_any(times, artifact, setting)
        return
    for loose in times.loose:
        yield Finding(
            f"the time {loose.text!r} {loose.problem}",
            path=artifact.path,
            line=loose.at,
            key="unclear time",
            setting=setting,
        )
    for line in times.without:
        yield Finding(
            "an entry has no time, while others of its list begin with one",
            help="Write when it was, as the others do.",
            path=artifact.path,
            line=line,
            key="entry without a time",
            setting=setting,
        )
    if contract.timestamps == "ascending":
        yield from _descending(times, artifact, setting)
    for stamp in [*times.stamps, *times.days]:
        if _is_future(as_utc(stamp.moment), artifact.artifacts):
            yield Finding(
                f"the time {stamp.text} is in the future",
                help="Write the time at which the entry was made.",
                path=artifact.path,
                line=stamp.at,
                key="time in the future",
                setting=setting,
            )


def _without_any(times: Times, artifact: Artifact, setting: str) -> Finding:
    """A finding that names what comes nearest to a time."""
    message = f"{path_text(artifact.path)} has no entry with a time"
    help = "Begin each entry with its time, as in '- 2026-01-31 14:05Z ...'."
    line: int | None = None
    if times.loose:
        loose = times.loose[0]
        line = loose.at
        message += f": {loose.text!r} {loose.problem}"
    elif times.days:
        day = times.days[0]
        line = day.at
        message += f": {day.text} is a day"
        help = f"Write the time of the day, too, as in '{day.moment.date()} 14:05Z'."
    return Finding(message, help=help, path=artifact.path, line=line, key="no time", setting=setting)


def _descending(times: Times, artifact: Artifact, setting: str) -> Iterator[Finding]:
    """The entries that are earlier than the one before them, each break of the order once."""
    latest: list[Stamp] = []
    stamps = sorted([*times.stamps, *times.days], key=lambda one: one.at)
    if len(stamps) > 1 and stamps[0].labelled and not any(one.labelled for one in stamps[1:]):
        # The time of the document, above entries that begin with theirs.
        del stamps[0]
    for stamp in stamps:
        before = next((one for one in latest if stamp.before(one)), None)
        if before is not None:
            yield Finding(
                f"{stamp.text} stands behind {before.text} of line {before.at}, and is earlier",
                help="Put entries in the order of their times; a late one has the time of its writing.",
                path=artifact.path,
                line=stamp.at,
                key="time out of order",
                setting=setting,
            )
            latest = [stamp]
            continue
        # Times with and without an offset are told apart, so the latest of each kind is kept.
        aware = stamp.moment.tzinfo is not None
        same = [one for one in latest if (one.moment.tzinfo is not None) is aware]
        if not same or same[0].moment < stamp.moment:
            latest = [one for one in latest if one not in same] + [stamp]


def _is_future(moment: datetime, artifacts: Artifacts) -> bool:
    """Whether a time is too far ahead for something done: by 14 hours, which clocks differ at most.

    The clock is asked where the check is made today; with another `--today` the end of that day counts.
    """
    import datetime

    from specguard.documents.dates import MOST_AHEAD

    day = artifacts.today()
    # Whatever the time of the day is.
    if moment <= datetime.datetime.combine(day, datetime.time.min, datetime.UTC) + MOST_AHEAD:
        return False
    now = artifacts.now()
    if day != now.date():
        now = datetime.datetime.combine(day, datetime.time.max, datetime.UTC)
    return moment > now + MOST_AHEAD
